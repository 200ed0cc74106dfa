# SPDX-License-Identifier: BSD-3-Clause
"""The parts of the demo that run on this machine: testpmd on VFs of a weir-sim, and a replayed capture."""

import os
import subprocess
import sys
import time

TREE = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(TREE, "tests", "dpdk"), os.path.join(TREE, "tests", "lib"), os.path.join(TREE, "guest")]
import processes  # noqa: E402
from weirvm.guest import run_guest  # noqa: E402

WEIRCTL = os.path.join(TREE, "build", "opt", "bin", "weirctl")


def mac(number):
    """MAC address of VF `number` in the demo."""
    return "02:57:00:00:00:%02x" % (0x10 + number)


def run(*command):
    """Runs a command that must succeed; returns what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def show(*command):
    """The command as a user would type it, then what it prints."""
    print("# " + " ".join(command).replace(TREE + "/", ""))
    print(run(*command), end="", flush=True)


def start_testpmd(folder, sim, vfs, *options):
    """testpmd on VFs, its command line shown."""
    testpmd = folder.testpmd([sim.vf(vf) for vf in vfs], *options)
    print("# " + " ".join(testpmd.arguments).replace(TREE + "/", ""), flush=True)
    return testpmd


def run_dpdk(results):
    """Two VFs bounce frames to each other through the card's sorter. True: they did."""
    with processes.Folder() as folder:
        sim = folder.sim("--vfs", "4", "--wire", "loopback")
        for vf in (0, 1):
            show(WEIRCTL, "vf", str(sim.directory), str(vf), "mac", mac(vf))
        show(WEIRCTL, "vf", str(sim.directory))
        testpmd = start_testpmd(folder, sim, (0, 1))
        testpmd.command("set fwd mac")
        # testpmd hands what port 0 received to port 1: from there it goes back to port 0's address, and so on.
        for port in (0, 1):
            testpmd.command("set eth-peer %d %s" % (port, mac(1 - port)))
        testpmd.command("start tx_first 16")
        before, start = [testpmd.stats(port)["RX-packets"] for port in (0, 1)], time.monotonic()
        time.sleep(3)
        after, seconds = [testpmd.stats(port)["RX-packets"] for port in (0, 1)], time.monotonic() - start
        testpmd.command("stop")
        for port in (0, 1):
            print(testpmd.command("show port stats %d" % port).strip())
        testpmd.quit()
        rates = [(b - a) / seconds for a, b in zip(before, after)]
        results.append(("testpmd, 64-byte frames between VF 0 and VF 1", "%.2f million frames a second" % (sum(rates) / 1e6)))
        return all(rate > 0 for rate in rates)


# ---- the capture ----

LOAD = ("veth", "bridge", "8021q")
PEERS = ((mac(0), None), (mac(1), None), (mac(2), 100), (mac(2), 200))  # VF 2 and VF 3: one MAC, two VLANs


def record():
    """Records traffic of real stacks in the namespaces of a guest (record_job.sh); returns the capture's path."""
    job = os.path.join(os.path.dirname(os.path.realpath(__file__)), "record_job.sh")
    stations = " ".join("%s,%d" % (address, vlan or 0) for address, vlan in PEERS)
    with open(job, encoding="utf-8") as stream:
        head, _, body = stream.read().partition("\n")
    result = run_guest("%s\nSTATIONS='%s'\n%s" % (head, stations, body), timeout_s=120, name="demo-record", load=LOAD)
    if not result.ok:
        raise RuntimeError("recording in the guest: %s\n%s" % (result.why, result.output))
    return os.path.join(result.results, "stacks.pcap")


def count(path, expression):
    """Frames of a capture that match, as tshark decodes it."""
    return len(run("tshark", "-n", "-r", path, "-Y", expression, "-T", "fields", "-e", "frame.number").split())


def run_replay(results):
    """Replays the capture from the wire; each VF must get what tshark says is its own. True: all did."""
    with processes.Folder() as folder:
        print("recording ping and iperf3 between network namespaces of a guest ...", flush=True)
        path = record()
        expected = []
        for address, vlan in PEERS:
            tag = "vlan.id == %d" % vlan if vlan else "!vlan"
            expected.append(count(path, "(eth.dst == %s || eth.dst == ff:ff:ff:ff:ff:ff) && %s" % (address, tag)))
        print("recorded %d frames; for VF 0 to 3, as tshark sees them: %s" % (count(path, "frame"), expected))
        sim = folder.sim("--vfs", "4")
        for vf, (address, vlan) in enumerate(PEERS):
            show(WEIRCTL, "vf", str(sim.directory), str(vf), "mac", address, "vlan", str(vlan or 0))
        testpmd = start_testpmd(folder, sim, range(len(PEERS)))
        testpmd.command("set fwd rxonly")
        for vf, (_, vlan) in enumerate(PEERS):
            testpmd.command("set promisc %d off" % vf)
            testpmd.command("set allmulti %d off" % vf)
            if not vlan:
                # A station without VLANs does not want their broadcasts.
                testpmd.command("vlan set filter on %d" % vf)
        testpmd.command("start")
        print("# wire: pcap:in=%s,rate=full" % path)
        sim.control(command="wire", port=0, open="pcap:in=%s,rate=full" % path)
        got, deadline = [], time.monotonic() + 15
        while got != expected and time.monotonic() < deadline:
            time.sleep(0.3)
            got = [testpmd.stats(vf)["RX-packets"] for vf in range(len(PEERS))]
        # What came too much would come now.
        time.sleep(0.5)
        got = [testpmd.stats(vf)["RX-packets"] for vf in range(len(PEERS))]
        testpmd.command("stop")
        testpmd.quit()
        for vf, (address, vlan) in enumerate(PEERS):
            results.append(("replay, VF %d (%s, %s)" % (vf, address, "VLAN %d" % vlan if vlan else "untagged"),
                            "%d frames of %d" % (got[vf], expected[vf])))
        return got == expected and all(expected)
