#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Guests on a running weir-sim, beside testpmd and each other; each is killed in turn, and the others go on.

    attach.py [--kernel 6.12] [GLOB of test names …]
    attach.py --storm 20        only: so many QEMUs killed at any moment of a guest's life
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "..", "dpdk")]
import guest  # noqa: E402
import processes  # noqa: E402
import tap  # noqa: E402

NET = os.path.join(HERE, "..", "net", "net.sh")
# Where testpmd's port answers ARP and ping; it does for any address that is asked for.
ECHO = "10.9.0.77"
START_S = 120
COMMAND_S = 120
# What QEMU says of a card that is shared, or gone.
TAKEN = r"emulator: .*vf\d+\.sock: somebody else has this function"
HUNG_UP = r"emulator: .*\.sock: weir-sim has hung up"
NOBODY = r"emulator: .*\.sock: nobody listens there"


class AttachedGuest:
    """A guest that does what it is told. functions: those of weir-sim that it gets; with the PF come the VFs that are free."""

    def __init__(self, sim, name, functions=("pf0",), iommu=True, kernel="6.1", allowed=(), alone=False):
        """alone: it does not wait for commands, but does what a guest's life consists of, again and again."""
        self.running = guest.Guest(
            os.path.join(HERE, "job.sh"), guest.weir_arguments(attach=str(sim.directory), functions=functions, iommu=iommu),
            kernel=kernel, preload=guest.WEIR_QEMU, shared_memory=True, timeout_s=600, programs=["/usr/bin/ping"],
            overlay_files={"/job/net.sh": NET, "/job/settings.sh": b"ALONE=%d\n" % alone}, name="guest.attach." + name, allowed=allowed)
        self.name = name
        self.result = None
        self.running.start()

    def wait_ready(self):
        """Wait until its job takes commands. Returns self."""
        self.running.wait_for("^@ready$", START_S)
        return self

    def run(self, command):
        """Run shell text, functions of net.sh and job.sh included; it must succeed. Returns what it printed."""
        since = len(self.running.lines())
        self.running.send(command + "\n")
        try:
            status = self.running.wait_for(r"^@done (\d+)$", COMMAND_S, since).group(1)
        except guest.GuestError as error:
            raise AssertionError("%s: %s: %s" % (self.name, command, error)) from error
        output = [line for line in self.running.lines()[since:] if not line.startswith("@done")]
        tap.require(status == "0", "%s: %s: %s" % (self.name, command, " / ".join(output[-8:])))
        return "\n".join(output)

    def kill(self):
        """kill -9 of its QEMU; nothing was wrong until then."""
        self.running.kill()
        result = self.end()
        tap.require(result.outcome == "killed" and not result.problems, "%s: %s" % (self.name, result.why))

    @contextlib.contextmanager
    def held(self):
        """Within this its QEMU stands still."""
        os.kill(self.running.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.running.pid, signal.SIGCONT)

    def leave(self):
        """Power off; it must have been well."""
        self.running.send("exit 0\n")
        result = self.end()
        tap.require(result.ok, "%s: %s" % (self.name, result.why))

    def end(self):
        """Wait for its end; the Result."""
        self.result = self.running.wait()
        return self.result


class Bench:
    """What the tests pass on to each other: the card, and who is on it by name."""

    def __init__(self, folder, kernel):
        self.kernel = kernel
        self.folder = folder
        self.sim = folder.sim("--vfs", "4", "--wire", "loopback")
        self.pmd = None
        self.guests = {}

    def guest(self, name, **more):
        """Start a guest, and wait for it."""
        self.guests[name] = made = AttachedGuest(self.sim, name, kernel=self.kernel, **more)
        return made.wait_ready()

    def start_testpmd(self, vf=3):
        """testpmd on a VF, which answers pings."""
        self.pmd = self.folder.testpmd([self.sim.vf(vf)])
        self.pmd.command("set fwd icmpecho")
        self.pmd.command("start")

    def wait_clients(self, *wanted):
        """Wait until exactly these functions have clients."""
        deadline = time.monotonic() + 20
        while True:
            functions = self.sim.control(command="functions")["functions"]
            clients = {function["name"] for function in functions if function["client"]}
            if clients == set(wanted):
                return
            tap.require(time.monotonic() < deadline, "clients are %s, not %s" % (sorted(clients), wanted))
            time.sleep(0.05)

    def require_alive(self):
        """weir-sim and testpmd are."""
        tap.require(self.sim.running(), "weir-sim ended:\n" + self.sim.log())
        tap.require(self.pmd.process.poll() is None, "testpmd ended:\n" + self.pmd.output[-2000:])

    def close(self):
        """End the guests that are still there; what they said last."""
        for made in self.guests.values():
            if made.result is None:
                made.running.kill()
                print("#   " + guest.console_end(made.end()).replace("\n", "\n#   "))


# ---- each goes on where the one before has left everybody ----


def guest_and_testpmd_share_a_card(bench):
    """VF 3 is testpmd's, PF and VFs 0 to 2 are a guest's: traffic inside the guest, through the card, and to testpmd."""
    bench.start_testpmd()
    first = bench.guest("first", allowed=[TAKEN])
    first.run("become_pf 0 1 2 && take_vf 0 && take_vf 1 && take_vf 2")
    bench.wait_clients("pf0", "vf0", "vf1", "vf2", "vf3")
    # The VF that testpmd has is there, and has no driver.
    first.run("! netdev_of $(vf_address 3) && [ -e $PF_PATH/virtfn3 ]")
    first.run("ping_well 0 -c 20 -i 0.02 10.9.0.2 && ping_well pf -c 20 -i 0.02 10.9.0.3")
    first.run("ping_well 0 -c 20 -i 0.05 " + ECHO)
    first.run("serve_iperf - 5301; moves_data 1 -c 10.9.0.100 -p 5301 -n 3M")


def testpmd_dies_alone(bench):
    """kill -9 of testpmd, which the guest does not notice; the next one is as good as the first."""
    first = bench.guests["first"]
    first.run("watch_begin neighbours 1 10.9.0.3; reaches 0 " + ECHO)
    bench.pmd.kill()
    bench.wait_clients("pf0", "vf0", "vf1", "vf2")
    first.run("stranger 0 " + ECHO)
    bench.start_testpmd()
    # It has another MAC address.
    first.run("in_vf 0 ip neighbour del %s dev vf; wait_until 30 reaches 0 %s" % (ECHO, ECHO))
    first.run("watch_end neighbours 20")


def flr_of_a_vf_disturbs_nobody(bench):
    """The guest resets VF 0, three times, and its other VFs lose nothing."""
    first = bench.guests["first"]
    first.run("watch_begin neighbours 1 10.9.0.3; watch_begin echo 2 " + ECHO)
    for _ in range(3):
        first.run("echo 1 >$PF_PATH/virtfn0/reset && wait_until 10 reaches 0 10.9.0.2")
    first.run("watch_end neighbours 20 && watch_end echo 20")


def qemu_dies_alone(bench):
    """kill -9 of the PF's QEMU under traffic: testpmd goes on, and the next guest finds it where it was."""
    bench.guests["first"].run("traffic_begin storm 0 5301 10.9.0.100; sleep 1")
    bench.guests["first"].kill()
    bench.wait_clients("vf3")
    bench.require_alive()
    tap.require(bench.sim.control(command="vfs")["vfs"] == 4, "the VFs are gone")
    second = bench.guest("second", iommu=False, allowed=[TAKEN])
    second.run("become_pf 0 1 2 && take_vf 1 && take_vf 2 && wait_until 20 reaches 1 " + ECHO)
    second.run("ping_well 1 -c 10 -i 0.05 %s && ping_well 2 -c 10 -i 0.02 10.9.0.2" % ECHO)
    bench.require_alive()
    bench.pmd.quit()
    bench.wait_clients("pf0", "vf0", "vf1", "vf2")


def second_guest_dies_alone(bench):
    """Another QEMU with a VF and without the PF reaches the first guest's; killed, it takes nobody along."""
    second = bench.guests["second"]
    other = bench.guest("other", functions=("vf3",))
    other.run("become_vf 3 && ping_well pf -c 10 -i 0.05 10.9.0.100 && ping_well pf -c 10 -i 0.05 10.9.0.2")
    other.run("! [ -e $PF_PATH/sriov_numvfs ]")
    second.run("watch_begin neighbours 1 10.9.0.3; ping_well pf -c 10 -i 0.05 10.9.0.4")
    other.run("ping -q -f 10.9.0.2 >/dev/null 2>&1 </dev/null &")
    other.kill()
    bench.wait_clients("pf0", "vf0", "vf1", "vf2")
    second.run("stranger pf 10.9.0.4 && watch_end neighbours 20")


def vf_outlives_the_pfs_qemu(bench):
    """The PF's QEMU is killed: the other guest's VF is reset, and its driver brings it back by itself."""
    second = bench.guests["second"]
    third = bench.guest("third", functions=("vf3",), iommu=False)
    third.run("become_vf 3 && ping_well pf -c 5 -i 0.05 10.9.0.100")
    second.kill()
    bench.wait_clients("vf3")
    third.run("wait_until 10 says 'recovered within' dmesg && wait_until 10 carrier_in - pf")
    bench.start_testpmd(2)
    third.run("wait_until 20 reaches pf %s && ping_well pf -c 10 -i 0.05 %s" % (ECHO, ECHO))
    bench.pmd.quit()


def weir_sim_dies_alone(bench):
    """kill -9 of weir-sim: two guests, one with the PF and one with a VF, lose their carrier and nothing else."""
    third = bench.guests["third"]
    fourth = bench.guest("fourth", allowed=[TAKEN, HUNG_UP, NOBODY])
    third.running.allowed += [HUNG_UP, NOBODY]
    fourth.run("become_pf 0 1 2 && take_vf 0 && take_vf 1 && ping_well 0 -c 5 -i 0.05 10.9.0.2 && ping_well pf -c 5 -i 0.05 10.9.0.4")
    fourth.run("serve_iperf v1 5302; traffic_begin storm 0 5302 10.9.0.2; sleep 1")
    bench.sim.kill()
    third.run("wait_until 20 says 'NO-CARRIER' ip link show dev pf")
    fourth.run("wait_until 20 says 'NO-CARRIER' ip link show dev pf && wait_until 20 says 'NO-CARRIER' ip -n v0 link show dev vf")
    fourth.run("traffic_end storm; end_iperf")
    # Who asks for something gets an answer.
    for each in third, fourth:
        each.run("[ $(cat /sys/class/net/pf/carrier) = 0 ] && ip -s link show dev pf && says 'Link detected: no|No such device' ethtool pf")


def weir_sim_comes_back(bench):
    """A new weir-sim in the same folder: the guests find it by themselves."""
    third, fourth = bench.guests["third"], bench.guests["fourth"]
    # Who comes first gets a function; the PF's guest would take VF 3 along.
    with fourth.held():
        bench.sim.start()
        third.run("wait_until 60 carrier_in - pf")
    fourth.run("wait_until 60 carrier_in - pf && wait_until 60 carrier_in v0 vf && wait_until 60 carrier_in v1 vf")
    fourth.run("ping_well 0 -c 5 -i 0.05 10.9.0.2 && ping_well pf -c 5 -i 0.05 10.9.0.1 && ping_well pf -c 5 -i 0.05 10.9.0.4")
    third.leave()
    fourth.leave()
    bench.wait_clients()


TESTS = [guest_and_testpmd_share_a_card, testpmd_dies_alone, flr_of_a_vf_disturbs_nobody, qemu_dies_alone, second_guest_dies_alone,
         vf_outlives_the_pfs_qemu, weir_sim_dies_alone, weir_sim_comes_back]


# ---- kill -9 at any moment ----


def qemus_killed_at_any_moment(bench, rounds):
    """Guests with the PF and three VFs, each killed somewhere in its life: start, probe, traffic, VFs off, drivers gone. testpmd on VF 3
    is not disturbed, and the last guest finds everything in order."""
    seed = int(os.environ.get("WEIR_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print("# WEIR_TEST_SEED=%d" % seed, flush=True)
    moments = random.Random(seed)
    bench.start_testpmd()
    for number in range(rounds):
        made = AttachedGuest(bench.sim, "storm", kernel=bench.kernel, allowed=[TAKEN], alone=True, iommu=number % 2 == 0)
        bench.guests["storm"] = made
        time.sleep(moments.uniform(0.3, 3))
        if number % 4:
            made.wait_ready()
            time.sleep(moments.uniform(0, 20))
        made.kill()
        bench.wait_clients("vf3")
        bench.require_alive()
        tap.require(bench.sim.control(command="vfs")["vfs"] == 4, "round %d: the VFs are gone" % number)
    last = bench.guest("last", allowed=[TAKEN])
    last.run("become_pf 0 1 2 && take_vf 0 && take_vf 1 && wait_until 20 reaches 0 " + ECHO)
    last.run("ping_well 0 -c 10 -i 0.05 %s && ping_well 1 -c 20 -i 0.02 10.9.0.1" % ECHO)
    last.leave()
    bench.pmd.quit()
    bench.wait_clients()
    mappings = bench.sim.control(command="iommu")["mappings"]
    tap.require(mappings == 0, "weir-sim still has %d mappings of the dead" % mappings)


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--storm", type=int)
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    with processes.Folder() as folder:
        bench = Bench(folder, options.kernel)
        try:
            if options.storm:
                suite.run("guest.attach.qemus_killed_at_any_moment", qemus_killed_at_any_moment, bench, options.storm)
                return suite.done()
            for test in TESTS:
                if not suite.run("guest.attach." + test.__name__, test, bench):
                    break
        finally:
            bench.close()
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
