#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The DPDK driver on a weir-sim: Debian's testpmd, and an application of our own that knows each frame it sends.

Arguments are shell globs of test names. Tests that need hugepages reserve some meanwhile, or skip.
"""

import os
import pathlib
import re
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import buffer_split  # noqa: E402
import processes  # noqa: E402
import tap  # noqa: E402
from processes import Folder, Hugepages, circulate, flood, until  # noqa: E402

# A wire that is up and gives nothing back, so that what arrives came from another port.
QUIET_WIRE = ("--wire", "pcap:out=/dev/null")

# Attributes of VF_SET (specs/registers.md), with ATTRIBUTE_MUST
FUNCTION, MAC, TRUST, LINK_POLICY = 0x8001, 0x800c, 0x801b, 0x8019


def attribute(number, value):
    """An attribute as hexadecimal digits."""
    return (struct.pack("<HH", number, len(value)) + value + bytes(-len(value) % 4)).hex()


def vf_set(sim, number, *attributes):
    """The administrator decides something for a VF."""
    request = attribute(FUNCTION, struct.pack("<H", number + 1)) + "".join(attributes)
    answer = sim.control(command="admin", opcode="vf_set", request=request)
    tap.require(answer["status"] == 0, "VF_SET: %s" % answer)


# --- traffic ---------------------------------------------------------------------------------------------------------


def two_vfs_exchange_frames():
    """Frames circulate between two VFs by macswap; every counter of driver and function agrees."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        testpmd = folder.testpmd([sim.vf(0), sim.vf(1)], "--forward-mode=macswap", "--port-topology=loop")
        stats, xstats = circulate(testpmd, 8, 100000, 0.5)
        for port in (0, 1):
            sent, received = stats[port]["TX-packets"], stats[port]["RX-packets"]
            tap.require(xstats[port]["vport_tx_looped"] == sent, "port %d sent %d, looped were %s" % (port, sent, xstats[port]))
            tap.require(xstats[port]["vport_rx_frames"] == received == xstats[port]["device_rx_q0_frames"],
                        "port %d received %d, the function counts %s" % (port, received, xstats[port]))
            tap.require(xstats[port]["vport_tx_bytes"] == stats[port]["TX-bytes"] and
                        xstats[port]["vport_rx_bytes"] == stats[port]["RX-bytes"], "bytes: %s, %s" % (stats[port], xstats[port]))
        testpmd.quit()


def testpmd_forwards_with_checksums():
    """testpmd's csum engine, all left to the card: what it was sent is good, and so is what it sends, by the count of both cards."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        forwarder = folder.testpmd([sim.vf(1)], "--forward-mode=csum", "--port-topology=loop", "--enable-rx-cksum",
                                   "--tx-offloads=0x1e")
        sender = folder.testpmd([sim.vf(0)], "--forward-mode=txonly", "--txpkts=200", "--enable-rx-cksum")
        sender.command("set eth-peer 0 " + forwarder.mac(0))
        forwarder.command("set eth-peer 0 " + sender.mac(0))
        forwarder.command("start")
        sender.command("start")
        until(lambda: forwarder.stats(0)["TX-packets"] > 20000, "nothing is forwarded")
        sender.command("stop")
        time.sleep(0.5)
        report = forwarder.command("stop")
        bad = re.findall(r"Bad-(?:ip|l4|outer-l4|outer-ip)csum: (\d+)", report)
        tap.require(bad and not any(int(count) for count in bad), "bad checksums: " + report)
        # The sender takes nothing out of its ring: what fits into it.
        for testpmd, least in ((sender, 100), (forwarder, 10000)):
            counters = testpmd.xstats(0)
            tap.require(counters["vport_rx_frames"] > least and counters["vport_rx_checksum_bad"] == 0, "counters: %s" % counters)
            testpmd.quit()


def testpmd_steers():
    """testpmd's `flow create`: its own UDP comes to the queue of a rule, is counted, and comes no more when a rule drops it."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        receiver = folder.testpmd([sim.vf(1)], "--forward-mode=rxonly", "--rxq=4", "--txq=4", "--disable-rss")
        sender = folder.testpmd([sim.vf(0)], "--forward-mode=txonly", "--txpkts=64")
        sender.command("set eth-peer 0 " + receiver.mac(0))
        receiver.command("start")

        def queues():
            counters = receiver.xstats(0)
            return [counters["device_rx_q%d_frames" % queue] for queue in range(4)]

        def burst(*queues_wanted):
            """Frames for a while, which are one flow, and all that come, come to one of the queues; -1: none comes."""
            before = queues()
            sender.command("start")
            time.sleep(0.2)
            sender.command("stop")
            time.sleep(0.2)
            more = [now - then for now, then in zip(queues(), before)]
            came = [number for number, count in enumerate(more) if count] or [-1]
            tap.require(len(came) == 1 and came[0] in queues_wanted, "queues %s: %s" % (queues_wanted, more))
            return sum(more)

        create = "flow create 0 %s ingress pattern eth / ipv4 src is 198.18.0.1 / udp %s / end actions %s / end"
        for rule in (create % ("priority 1", "dst is 9", "queue index 2 / count"), create % ("priority 2", "src is 9", "queue index 3")):
            tap.require("created" in receiver.command(rule), "no rule: " + rule)
        count = burst(2)
        tap.require("hits: " in receiver.command("flow query 0 0 count"), "no count")
        hits = int(re.search(r"hits: (\d+)", receiver.command("flow query 0 0 count")).group(1))
        tap.require(hits >= count, "%d hits, %d frames" % (hits, count))
        tap.require("destroyed" in receiver.command("flow destroy 0 rule 0"), "not destroyed")
        burst(3)
        tap.require("created" in receiver.command(create % ("", "", "drop")), "no rule that drops")
        burst(-1)
        tap.require(receiver.xstats(0)["vport_rx_dropped_by_rule"] > 0, "drops are not counted")
        refusal = receiver.command(create % ("", "", "queue index 4"))
        tap.require("no such receive queue" in refusal, "the refusal says nothing: " + refusal)
        receiver.command("flow flush 0")
        burst(0)
        spread = receiver.command(create % ("", "", "rss queues 1 3 end types ipv4 end / count"))
        tap.require("created" in spread, "no rule that spreads: " + spread)
        burst(1, 3)
        tap.require(re.search(r"bytes: [1-9]", receiver.command("flow query 0 0 count")), "no bytes")
        refusal = receiver.command(create % ("", "", "rss func simple_xor queues 1 end"))
        tap.require("hash functions are" in refusal, "the refusal says nothing: " + refusal)
        receiver.command("flow flush 0")
        burst(0)
        for testpmd in (sender, receiver):
            testpmd.quit()


def one_sends_another_process_receives():
    """Two testpmd of their own, one on each VF, as fast as they can: received and missed are what was sent."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        receiver = folder.testpmd([sim.vf(1)], "--forward-mode=rxonly")
        sender = folder.testpmd([sim.vf(0)], "--forward-mode=txonly", "--txpkts=64")
        sent, got = flood(sender, receiver, lambda: sender.stats(0)["TX-packets"] > 200000, "the sender does not send")
        tap.require(got["RX-errors"] == 0 and sent["TX-errors"] == 0, "errors: sent %s, received %s" % (sent, got))
        sender.quit()
        receiver.quit()


def wire_loop_brings_frames_back():
    """One port alone: frames to its own address go out by the wire and come back."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "1", "--wire", "loopback")
        testpmd = folder.testpmd([sim.vf(0)], "--forward-mode=macswap", "--port-topology=loop")
        testpmd.command("set eth-peer 0 " + testpmd.mac(0))
        testpmd.command("start tx_first 4")
        until(lambda: testpmd.stats(0)["RX-packets"] > 50000, "frames do not come back")
        testpmd.command("stop")
        counters = testpmd.xstats(0)
        tap.require(counters["wire_tx_frames"] > 50000 and counters["vport_tx_looped"] == 0, "counters: %s" % counters)
        testpmd.quit()


# Microsoft's, of "Verifying the RSS Hash Calculation"
KNOWN_KEY = "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"


def four_queues_all_carry_traffic():
    """Many flows to a port with four queue pairs: each queue gets a share, and the sum is right."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        receiver = folder.testpmd([sim.vf(1)], "--forward-mode=rxonly", "--rxq=4", "--txq=4")
        # Of random keys one in eighty cannot tell these flows, which differ in eight bits, apart in two bits of the hash.
        receiver.command("port config 0 rss-hash-key ipv4-udp " + KNOWN_KEY)
        tap.require(KNOWN_KEY.upper() in receiver.command("show port 0 rss-hash key"), "the key is not set")
        sender = folder.testpmd([sim.vf(0)], "--forward-mode=txonly", "--txonly-multi-flow", "--rxq=4", "--txq=4")
        _, got = flood(sender, receiver, lambda: receiver.stats(0)["RX-packets"] > 100000, "nothing is received")
        counters = receiver.xstats(0)
        queues = [counters["rx_q%d_packets" % queue] for queue in range(4)]
        tap.require(min(queues) > 0 and sum(queues) == got["RX-packets"], "queues %s of %s" % (queues, got))
        tap.require(queues == [counters["device_rx_q%d_frames" % queue] for queue in range(4)], "device: %s" % counters)
        sender.quit()
        receiver.quit()


def start_and_stop_again_and_again():
    """testpmd's own port stop and start, 20 times, with frames in between."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        testpmd = folder.testpmd([sim.vf(0), sim.vf(1)], "--forward-mode=macswap", "--port-topology=loop")
        macs = [testpmd.mac(port) for port in (0, 1)]
        for turn in range(20):
            for port in (0, 1):
                testpmd.command("set eth-peer %d %s" % (port, macs[1 - port]))
            before = testpmd.stats(0)["RX-packets"]
            testpmd.command("start tx_first 2")
            until(lambda past=before: testpmd.stats(0)["RX-packets"] > past + 1000, "turn %d: no frames" % turn)
            testpmd.command("stop")
            testpmd.command("port stop all")
            testpmd.command("port start all")
        tap.require([testpmd.mac(port) for port in (0, 1)] == macs, "addresses have changed")
        testpmd.quit()


def check(sockets, *arguments):
    """A weir-dpdk-check on the first two VFs of a card of its own."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "4", *QUIET_WIRE)
        paths = [getattr(sim, name)(*number) for name, *number in sockets]
        folder.check(paths, *arguments)


def coalesces_with_a_timeout():
    """The receivers let segments wait; what each frame's last segment ends does not."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        folder.check([sim.vf(0) + ",lro_timeout_us=10000", sim.vf(1) + ",lro_timeout_us=10000"], "coalesce")


TWO_VFS = (("vf", 0), ("vf", 1))
PF_AND_VF = (("vf", 0), ("pf",))


# --- filters by trust ----------------------------------------------------------------------------------------------------


def promiscuous_only_when_trusted():
    """A VF is refused, with a clear message, until the administrator trusts it."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        output = folder.check([sim.vf(0), sim.vf(1)], "promiscuous", "--allowed=0")
        tap.require("is not permitted to this function" in output and "trust on" in output, "no clear message: " + output)
        vf_set(sim, 1, attribute(TRUST, b"\1"))
        folder.check([sim.vf(0), sim.vf(1)], "promiscuous", "--allowed=1")


def trust_taken_away_ends_promiscuous_mode():
    """What the administrator decides while the port runs counts at once."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        vf_set(sim, 0, attribute(TRUST, b"\1"))
        testpmd = folder.testpmd([sim.vf(0)])
        testpmd.command("set promisc 0 on")
        flags = sim.control(command="admin", opcode="vport_get", request="")
        tap.require(flags["status"] == 0, "VPORT_GET: %s" % flags)
        vf_set(sim, 0, attribute(TRUST, b"\0"))
        output = testpmd.command("set promisc 0 off") + testpmd.command("set promisc 0 on")
        tap.require("is not permitted" in output, "promiscuous mode is still allowed: " + output)
        testpmd.quit()


def administrators_address_is_taken_over():
    """The administrator gives a running VF an address: the port has it, frames to it arrive."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        testpmd = folder.testpmd([sim.vf(0), sim.vf(1)], "--forward-mode=macswap", "--port-topology=loop")
        vf_set(sim, 1, attribute(MAC, bytes.fromhex("025700000042")))
        until(lambda: testpmd.mac(1) == "02:57:00:00:00:42", "the port keeps its address " + testpmd.mac(1))
        testpmd.command("set eth-peer 0 02:57:00:00:00:42")
        testpmd.command("set eth-peer 1 " + testpmd.mac(0))
        testpmd.command("start tx_first")
        until(lambda: testpmd.stats(0)["RX-packets"] > 1000, "frames to the new address do not arrive")
        testpmd.command("stop")
        output = testpmd.command("mac_addr set 1 02:57:00:00:00:43")
        tap.require("is not permitted" in output, "the VF may change it: " + output)
        testpmd.quit()


# --- link ----------------------------------------------------------------------------------------------------------------


def link_follows_the_wire_and_the_policy():
    """Cable out and in, and the administrator's policy: state and event reach the application."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        testpmd = folder.testpmd([sim.vf(0)])
        tap.require(testpmd.link(0) == "up", "the link is down")
        tap.require("Link speed: 100 Gbps" in testpmd.command("show port info 0"), "no speed")
        sim.control(command="wire", port=0, plugged=False)
        testpmd.expect("Port 0: link state change event")
        tap.require(testpmd.link(0) == "down", "the link is up without a cable")
        sim.control(command="wire", port=0, plugged=True)
        testpmd.expect("Port 0: link state change event")
        tap.require(testpmd.link(0) == "up", "the link stays down")
        vf_set(sim, 0, attribute(LINK_POLICY, b"\2"))
        testpmd.expect("Port 0: link state change event")
        tap.require(testpmd.link(0) == "down", "the link is up against the policy")
        vf_set(sim, 0, attribute(LINK_POLICY, b"\0"))
        testpmd.expect("Port 0: link state change event")
        testpmd.command("port stop 0")
        tap.require(testpmd.link(0) == "down", "a stopped port has a link")
        testpmd.quit()


# --- losing the device ---------------------------------------------------------------------------------------------------


def recover(loss, recoveries=1):
    """weir-dpdk-check's traffic, while loss(sim) takes the device away and brings it back."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        program = folder.start_check([sim.vf(0), sim.vf(1)], "recover", "--recoveries=%d" % recoveries)
        for _ in range(recoveries):
            program.expect("flowing\n")
            loss(sim, program)
        program.expect("closed\n")
        code = program.wait()
        failure = re.search(r"^FAIL (.*)$", program.output, re.M)
        tap.require(code == 0 and not failure, "%s, exit code %s:\n%s" % (failure and failure.group(1), code, program.output[-4000:]))
        for port in (0, 1):
            for said in ("recovering", "link=down", "recovered", "link=up"):
                tap.require(program.output.count("port=%d %s\n" % (port, said)) >= recoveries,
                            "port %d did not say %s %d times:\n%s" % (port, said, recoveries, program.output[-4000:]))


def killed_server_comes_back():
    """kill -9 of weir-sim under traffic, three times: link down, no crash, link up, traffic, no mbuf lost."""
    def loss(sim, program):
        sim.kill(signal.SIGKILL)
        program.expect("lost\n")
        time.sleep(0.3)
        sim.start()
    recover(loss, 3)


def stopped_server_comes_back():
    """An orderly end of weir-sim, and a new one."""
    def loss(sim, program):
        sim.kill(signal.SIGTERM)
        program.expect("lost\n")
        sim.start()
    recover(loss)


def reset_by_the_administrator_is_recovered_from():
    """VF_RESET of both VFs under traffic, while the server lives on."""
    def loss(sim, program):
        for vf in ("vf0", "vf1"):
            sim.control(command="reset", function=vf)
        program.expect("lost\n")
    recover(loss, 3)


def sleepers_are_woken_when_the_server_is_back():
    """An application that waits for receive interrupts goes on by interrupts after a kill -9 of weir-sim."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        program = folder.start_check([sim.vf(0), sim.vf(1)], "interrupts-recover")
        program.expect("flowing\n")
        sim.kill()
        time.sleep(0.5)
        sim.start()
        code = program.wait()
        tap.require(code == 0, "exit code %s:\n%s" % (code, program.output[-4000:]))


def stop_and_close_without_a_server():
    """An application that gives up when the server dies can stop and close its ports, and gets every mbuf back."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        program = folder.start_check([sim.vf(0), sim.vf(1)], "recover", "--stop-lost=1")
        program.expect("flowing\n")
        sim.kill()
        program.expect("closed\n")
        tap.require(program.wait() == 0, "exit code %s:\n%s" % (program.process.returncode, program.output[-4000:]))


def testpmd_survives_the_server():
    """testpmd itself: forwarding goes on after a kill -9 of weir-sim, without a command."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        testpmd = folder.testpmd([sim.vf(0), sim.vf(1)], "--forward-mode=txonly")
        macs = [testpmd.mac(port) for port in (0, 1)]
        for port in (0, 1):
            testpmd.command("set eth-peer %d %s" % (port, macs[1 - port]))
        testpmd.command("start")
        until(lambda: testpmd.stats(0)["TX-packets"] > 10000, "no frames")
        sim.kill()
        testpmd.expect("Port 0: link state change event")
        tap.require(testpmd.link(0) == "down" and testpmd.link(1) == "down", "a link without a card")
        sent = testpmd.stats(0)["TX-packets"]
        time.sleep(0.3)
        tap.require(testpmd.stats(0)["TX-packets"] == sent, "frames are sent to nobody")
        sim.start()
        until(lambda: testpmd.link(0) == "up" and testpmd.link(1) == "up", "the links stay down")
        until(lambda: testpmd.stats(0)["TX-packets"] > sent + 10000, "no frames after the server came back")
        tap.require([testpmd.mac(port) for port in (0, 1)] == macs, "addresses have changed")
        testpmd.command("stop")
        testpmd.quit()


def killed_testpmd_leaves_the_card_to_others():
    """kill -9 of testpmd under traffic: its VF serves the next one, its neighbour notices nothing."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "4", *QUIET_WIRE)
        neighbours = folder.start_check([sim.vf(2), sim.vf(3)], "recover", "--recoveries=1")
        neighbours.expect("flowing\n")
        for _ in range(3):
            testpmd = folder.testpmd([sim.vf(0), sim.vf(1)], "--forward-mode=macswap", "--port-topology=loop")
            for port in (0, 1):
                testpmd.command("set eth-peer %d %s" % (port, testpmd.mac(1 - port)))
            testpmd.command("start tx_first 4")
            until(lambda program=testpmd: program.stats(0)["RX-packets"] > 20000, "no frames")
            testpmd.kill()
        folder.check([sim.vf(0), sim.vf(1)], "integrity", "--count=5000")
        tap.require(sim.running(), "weir-sim has ended:\n" + sim.log())
        tap.require("recovering" not in neighbours.output and neighbours.process.poll() is None,
                    "the neighbours noticed:\n" + neighbours.output[-4000:])


# --- mistakes ------------------------------------------------------------------------------------------------------------


def refused(sockets, pattern, extra=(), environment=None):
    """weir-dpdk-check must not get a port, and the driver must say why."""
    with Folder() as folder:
        program = folder.program([processes.CHECK, *folder.eal(sockets), *extra, "--", "facts"], environment)
        code = program.wait()
        tap.require(code == 1 and "FAIL 0 ports" in program.output, "exit code %s:\n%s" % (code, program.output[-3000:]))
        tap.require(re.search(pattern, program.output), "no %r in:\n%s" % (pattern, program.output[-3000:]))


def wrong_socket_paths_are_told():
    """A path that is not there, one that is no socket, a socket of somebody else, none, and an unknown argument."""
    refused(["/nowhere/vf0.sock"], r"net_weir0: cannot connect to /nowhere/vf0.sock: No such file .*weir-sim running")
    refused(["/etc/passwd"], r"net_weir0: cannot connect to /etc/passwd: ")
    refused(["/" + "x" * 200], r"net_weir0: cannot connect to .*: File name too long")
    refused([], r"net_weir7: arguments \"\"; wanted: socket=PATH", extra=["--vdev", "net_weir7"])
    refused([], r"net_weir7: arguments \"sock=x\"; wanted: socket=PATH", extra=["--vdev", "net_weir7,sock=x"])
    for wrong in ("10001", "-1", "5us", "99999999999999999999"):
        refused([], r"argument lro_timeout_us=%s; wanted: 0 to 10000" % wrong, extra=["--vdev", "net_weir7,socket=/x,lro_timeout_us=" + wrong])


def a_socket_of_another_kind_is_told():
    """The management socket is no function's."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "1", *QUIET_WIRE)
        refused([str(sim.directory / "control.sock")], r"net_weir0: cannot connect to .*control.sock: ")
        tap.require(sim.running(), "weir-sim has ended:\n" + sim.log())


def a_function_has_one_client():
    """Who comes second is told that the function is taken; the first one is none the worse for it."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        first = folder.start_check([sim.vf(0), sim.vf(1)], "recover", "--recoveries=1")
        first.expect("flowing\n")
        refused([sim.vf(0)], r"net_weir0: cannot connect to .*another client has this function")
        tap.require("recovering" not in first.output and first.process.poll() is None, "the first one noticed:\n" + first.output)


def memory_without_descriptors_is_told():
    """Memory that cannot be handed to another process (here: no memfd_create): the driver says what to use instead."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "1", *QUIET_WIRE)
        refused([sim.vf(0)], r"net_weir0: DPDK's memory at .* has no file descriptor .*use hugepages",
                environment=dict(os.environ, LD_PRELOAD=str(processes.NO_MEMFD)))


# --- hugepages -----------------------------------------------------------------------------------------------------------


def with_hugepages(memory, *arguments, pages=320):
    """weir-dpdk-check over hugepages."""
    with Hugepages(pages), Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        folder.check([sim.vf(0), sim.vf(1)], *arguments, memory=memory)


IN_ONE_FILE = ("--in-memory", "--single-file-segments", "-m", "128")
IN_MANY_FILES = ("--in-memory", "-m", "128")


def legacy_memory(*arguments):
    """weir-dpdk-check over a fixed set of hugepages, each a file."""
    with Hugepages(320) as pages, Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        folder.check([sim.vf(0), sim.vf(1)], *arguments,
                     memory=("--legacy-mem", "-m", "256", "--huge-dir", pages.folder, "--iova-mode=va"))


def testpmd_on_hugepages():
    """testpmd as the README says, over hugepages."""
    with Hugepages(320), Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        testpmd = folder.testpmd([sim.vf(0), sim.vf(1)], "--forward-mode=macswap", "--port-topology=loop",
                                 memory=("--in-memory", "--single-file-segments"))
        for port in (0, 1):
            testpmd.command("set eth-peer %d %s" % (port, testpmd.mac(1 - port)))
        testpmd.command("start tx_first 4")
        until(lambda: testpmd.stats(0)["RX-packets"] > 50000, "frames do not circulate")
        testpmd.command("stop")
        testpmd.quit()


# --- documents -----------------------------------------------------------------------------------------------------------

# Which test proves a line of features/weir.ini; those of the unit suites begin with unit:
PROOFS = {
    "Speed capabilities": "dpdk.port.limits_registers_statistics_and_reset",
    "Link status": "dpdk.link.follows_the_wire_and_the_policy",
    "Link status event": "dpdk.link.follows_the_wire_and_the_policy",
    "Rx interrupt": "dpdk.interrupts.each_frame_wakes_the_sleeper",
    "Fast mbuf free": "dpdk.integrity.every_size_by_the_simple_path",
    "Free Tx mbuf on demand": "dpdk.memory.external_memory_is_refused",
    "Burst mode info": "dpdk.port.limits_registers_statistics_and_reset",
    "MTU update": "dpdk.filters.addresses_groups_vlans_sizes_and_spoofing",
    "Scattered Rx": "dpdk.integrity.every_size_to_9018_bytes_scattered",
    "Promiscuous mode": "dpdk.filters.promiscuous_only_when_trusted",
    "Allmulticast mode": "dpdk.filters.promiscuous_only_when_trusted",
    "Unicast MAC filter": "dpdk.filters.addresses_groups_vlans_sizes_and_spoofing",
    "Multicast MAC filter": "dpdk.filters.addresses_groups_vlans_sizes_and_spoofing",
    "RSS hash": "dpdk.rss.hash_queue_and_packet_type_are_those_of_softrss",
    "RSS key update": "dpdk.rss.hash_queue_and_packet_type_are_those_of_softrss",
    "Inner RSS": "dpdk.rss.hash_queue_and_packet_type_are_those_of_softrss",
    "Packet type parsing": "dpdk.rss.hash_queue_and_packet_type_are_those_of_softrss",
    "RSS reta update": "dpdk.queues.flows_stay_in_their_queue_and_the_table_decides",
    "VLAN filter": "dpdk.filters.addresses_groups_vlans_sizes_and_spoofing",
    "VLAN offload": "dpdk.filters.addresses_groups_vlans_sizes_and_spoofing",
    "QinQ offload": "dpdk.filters.two_tags_are_put_in_and_taken_out",
    "Buffer split on Rx": "dpdk.split.every_header_of_every_frame_and_all_it_tells",
    "LRO": "dpdk.coalescing.what_was_cut_is_one_packet_again",
    "TSO": "dpdk.segmentation.cut_and_verified_by_dpdks_own_arithmetic",
    "L3 checksum offload": "dpdk.checksum.put_in_and_verified_by_dpdks_own_arithmetic",
    "L4 checksum offload": "dpdk.checksum.put_in_and_verified_by_dpdks_own_arithmetic",
    "Inner L3 checksum": "unit:dpdk.receive.checksum_states_become_flags_of_the_mbuf",
    "Inner L4 checksum": "unit:dpdk.receive.checksum_states_become_flags_of_the_mbuf",
    "Timesync": "dpdk.time.frames_tell_it_and_the_pf_sets_it",
    "Timestamp offload": "dpdk.time.frames_tell_it_and_the_pf_sets_it",
    "Rx descriptor status": "unit:dpdk.receive.queue_count_and_status_tell_what_has_come",
    "Tx descriptor status": "unit:dpdk.transmit.descriptor_status_tells_what_is_out",
    "Basic stats": "dpdk.testpmd.two_vfs_exchange_frames",
    "Extended stats": "dpdk.testpmd.two_vfs_exchange_frames",
    "FW version": "dpdk.port.limits_registers_statistics_and_reset",
    "Registers dump": "dpdk.port.limits_registers_statistics_and_reset",
    "Linux": "dpdk.testpmd.two_vfs_exchange_frames",
    "x86-64": "dpdk.testpmd.two_vfs_exchange_frames",
    "Usage doc": "dpdk.documents.commands_of_the_readme_are_those_tested",
    # rte_flow items and actions
    **dict.fromkeys(["eth", "vlan", "ipv4", "ipv6", "tcp", "udp", "sctp", "vxlan", "geneve", "queue", "drop", "count", "mark"],
                    "dpdk.flow.each_item_and_action_by_a_frame_that_differs_in_it"),
    "rss": "dpdk.flow.rss_spreads_as_softrss_says_over_the_rules_queues",
}


def every_feature_is_proven():
    """features/weir.ini names nothing that no test proves, and each proof is a test."""
    text = (processes.TOP / "dpdk-pmd" / "features" / "weir.ini").read_text()
    features = dict(re.findall(r"^([^;\[\n][^=\n]*?)\s*= ([YP])$", text, re.M))
    tap.require(sorted(features) == sorted(PROOFS), "without proof, or proven and not named: %s" %
                sorted(set(features) ^ set(PROOFS)))
    unit = "".join(path.read_text() for path in (processes.TOP / "tests" / "dpdk" / "unit").glob("test_*.c"))
    for feature, proof in PROOFS.items():
        known = '"%s"' % proof[5:] in unit if proof.startswith("unit:") else proof in [name for name, *_ in TESTS]
        tap.require(known, "%s: there is no test %s" % (feature, proof))


def readme_is_true():
    """The command lines of the README name the driver, arguments and ids that are tested here."""
    text = (processes.TOP / "dpdk-pmd" / "README.md").read_text()
    for wanted in ("-d $PWD/build/opt/lib/librte_net_weir.so", "--vdev net_weir0,socket=/run/weir/vf0.sock", "--no-huge -m 512",
                   "--in-memory --single-file-segments", "--total-num-mbufs=16384", "1234:5745", "Largest MTU: 9194"):
        tap.require(wanted in text, "the README lacks " + wanted)
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", "--wire", "loopback")
        output = folder.check([sim.vf(0), sim.vf(1)], "facts")
        tap.require("mtu=9194" in output, "the largest MTU is another:\n" + output)


TESTS = [
    ("dpdk.testpmd.two_vfs_exchange_frames", two_vfs_exchange_frames),
    ("dpdk.testpmd.one_sends_another_process_receives", one_sends_another_process_receives),
    ("dpdk.testpmd.wire_loop_brings_frames_back", wire_loop_brings_frames_back),
    ("dpdk.testpmd.four_queues_all_carry_traffic", four_queues_all_carry_traffic),
    ("dpdk.testpmd.start_and_stop_again_and_again", start_and_stop_again_and_again),
    ("dpdk.integrity.every_size_to_1514_bytes", check, TWO_VFS, "integrity", "--count=30000"),
    ("dpdk.integrity.every_size_by_the_simple_path", check, TWO_VFS, "integrity", "--count=30000", "--simple=1"),
    ("dpdk.integrity.every_size_in_up_to_eight_segments", check, TWO_VFS, "integrity", "--count=20000", "--segments=8"),
    ("dpdk.integrity.every_size_to_9018_bytes_scattered", check, TWO_VFS, "integrity", "--count=18000", "--max=9018",
     "--segments=6"),
    ("dpdk.integrity.every_size_to_9018_bytes_in_small_pieces", check, TWO_VFS, "integrity", "--count=9000", "--max=9018",
     "--room=512", "--segments=31", "--descriptors=1024"),
    ("dpdk.integrity.every_size_to_9018_bytes_in_one_buffer", check, TWO_VFS, "integrity", "--count=18000", "--max=9018",
     "--room=9216"),
    ("dpdk.integrity.smallest_rings", check, TWO_VFS, "integrity", "--count=20000", "--descriptors=64"),
    ("dpdk.integrity.pf_and_vf", check, PF_AND_VF, "integrity", "--count=10000"),
    ("dpdk.checksum.put_in_and_verified_by_dpdks_own_arithmetic", check, TWO_VFS, "checksum"),
    ("dpdk.segmentation.cut_and_verified_by_dpdks_own_arithmetic", check, TWO_VFS, "segment"),
    ("dpdk.coalescing.what_was_cut_is_one_packet_again", check, TWO_VFS, "coalesce"),
    ("dpdk.coalescing_held.what_was_cut_is_one_packet_again", coalesces_with_a_timeout),
    ("dpdk.split.every_header_of_every_frame_and_all_it_tells", check, TWO_VFS, "split"),
    *buffer_split.TESTS,
    ("dpdk.checksum.testpmd_forwards_what_it_had_checked", testpmd_forwards_with_checksums),
    ("dpdk.time.frames_tell_it_and_the_pf_sets_it", check, PF_AND_VF, "time"),
    ("dpdk.life.start_stop_close_and_plug_again_and_again", check, TWO_VFS, "cycles"),
    ("dpdk.queues.flows_stay_in_their_queue_and_the_table_decides", check, TWO_VFS, "spread"),
    ("dpdk.rss.hash_queue_and_packet_type_are_those_of_softrss", check, TWO_VFS, "rss"),
    ("dpdk.flow.each_item_and_action_by_a_frame_that_differs_in_it", check, TWO_VFS, "flow"),
    ("dpdk.flow.rss_spreads_as_softrss_says_over_the_rules_queues", check, TWO_VFS, "flow_rss"),
    ("dpdk.flow.testpmd_creates_queries_and_flushes", testpmd_steers),
    ("dpdk.interrupts.each_frame_wakes_the_sleeper", check, TWO_VFS, "interrupts", "--groups=1500"),
    ("dpdk.filters.addresses_groups_vlans_sizes_and_spoofing", check, TWO_VFS, "filters"),
    ("dpdk.filters.two_tags_are_put_in_and_taken_out", check, TWO_VFS, "tags"),
    ("dpdk.filters.the_pf_may_be_promiscuous", check, PF_AND_VF, "promiscuous", "--allowed=1"),
    ("dpdk.filters.promiscuous_only_when_trusted", promiscuous_only_when_trusted),
    ("dpdk.filters.trust_taken_away_ends_promiscuous_mode", trust_taken_away_ends_promiscuous_mode),
    ("dpdk.filters.administrators_address_is_taken_over", administrators_address_is_taken_over),
    ("dpdk.port.limits_registers_statistics_and_reset", check, TWO_VFS, "facts"),
    ("dpdk.link.follows_the_wire_and_the_policy", link_follows_the_wire_and_the_policy),
    ("dpdk.memory.external_memory_is_refused", check, TWO_VFS, "memory"),
    ("dpdk.recovery.killed_server_comes_back", killed_server_comes_back),
    ("dpdk.recovery.stopped_server_comes_back", stopped_server_comes_back),
    ("dpdk.recovery.reset_by_the_administrator_is_recovered_from", reset_by_the_administrator_is_recovered_from),
    ("dpdk.recovery.sleepers_are_woken_when_the_server_is_back", sleepers_are_woken_when_the_server_is_back),
    ("dpdk.recovery.a_queue_that_the_function_stopped_is_made_anew", check, TWO_VFS, "stopped"),
    ("dpdk.recovery.stop_and_close_without_a_server", stop_and_close_without_a_server),
    ("dpdk.recovery.testpmd_survives_the_server", testpmd_survives_the_server),
    ("dpdk.recovery.killed_testpmd_leaves_the_card_to_others", killed_testpmd_leaves_the_card_to_others),
    ("dpdk.documents.every_feature_is_proven_by_a_test", every_feature_is_proven),
    ("dpdk.documents.commands_of_the_readme_are_those_tested", readme_is_true),
    ("dpdk.mistakes.wrong_socket_paths_are_told", wrong_socket_paths_are_told),
    ("dpdk.mistakes.a_socket_of_another_kind_is_told", a_socket_of_another_kind_is_told),
    ("dpdk.mistakes.a_function_has_one_client", a_function_has_one_client),
    ("dpdk.mistakes.memory_without_descriptors_is_told", memory_without_descriptors_is_told),
    ("dpdk.hugepages.testpmd_exchanges_frames", testpmd_on_hugepages),
    ("dpdk.hugepages.integrity_in_one_file", with_hugepages, IN_ONE_FILE, "integrity", "--count=20000", "--max=9018",
     "--segments=4"),
    ("dpdk.hugepages.integrity_in_many_files", with_hugepages, IN_MANY_FILES, "integrity", "--count=20000"),
    ("dpdk.hugepages.integrity_in_legacy_memory", legacy_memory, "integrity", "--count=20000"),
    ("dpdk.hugepages.memory_grows_and_shrinks_under_traffic", with_hugepages, IN_MANY_FILES, "memory", "--must-grow=1"),
    ("dpdk.hugepages.memory_grows_and_shrinks_in_one_file", with_hugepages, IN_ONE_FILE, "memory", "--must-grow=1"),
]


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for missing in (processes.PMD, processes.SIM, processes.CHECK):
        if not pathlib.Path(missing).exists():
            print("Bail out! %s is not built" % missing)
            return 2
    for name, function, *arguments in TESTS:
        suite.run(name, function, *arguments)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
