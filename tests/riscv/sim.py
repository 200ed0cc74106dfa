#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""weir-sim --home riscv from outside: DPDK applications on the RISC-V image, and how it ends. Arguments are shell globs of test names."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "dpdk"), HERE]
import processes  # noqa: E402
import tap  # noqa: E402
from processes import circulate, until  # noqa: E402
from riscv import HANG, ILLEGAL, break_at  # noqa: E402

HOME = ("--home", "riscv")
QUIET_WIRE = ("--wire", "pcap:out=/dev/null")
# Called when the card's owner enables VFs.
VICTIM = "weir_function_vf_enable"
# Longer than the watchdog's 10 s, on a slow machine.
BITE_S = 60
END_S = 20


def machines_of(sim):
    """The process ids of the emulators that a weir-sim has started."""
    children = pathlib.Path("/proc/%d/task" % sim.process.pid).glob("*/children")
    return [int(pid) for path in children for pid in path.read_text().split()]


def is_alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def require_end(sim, reason, timeout_s=END_S):
    """It has ended with 1, and its log says why; no machine is left."""
    until(lambda: not sim.running(), "weir-sim goes on:\n" + sim.log(), timeout_s)
    tap.require(sim.process.returncode == 1, "exit code %s" % sim.process.returncode)
    tap.require(re.search("error +the firmware has ended: " + reason, sim.log()), sim.log())


def says_where_its_firmware_runs():
    with processes.Folder() as folder:
        sim = folder.sim(*HOME)
        tap.require(sim.control(command="info")["home"] == "riscv", "another home")
        tap.require(len(machines_of(sim)) == 1, "machines: %s" % machines_of(sim))
        until(lambda: "machine: weir: firmware on qemu-virt, rv64imac" in sim.log(), "the machine does not say what it is")


def frames_circulate_and_all_counters_agree():
    """As dpdk.testpmd.two_vfs_exchange_frames, on this home."""
    with processes.Folder() as folder:
        sim = folder.sim(*HOME, "--vfs", "2", *QUIET_WIRE)
        testpmd = folder.testpmd([sim.vf(0), sim.vf(1)], "--forward-mode=macswap", "--port-topology=loop")
        begin = time.monotonic()
        stats, _ = circulate(testpmd, 2, 20000, 1)
        print("# %d frames/s" % (stats[0]["RX-packets"] * 2 / (time.monotonic() - begin)))
        testpmd.quit()


def every_size_arrives_whole():
    with processes.Folder() as folder:
        sim = folder.sim(*HOME, "--vfs", "2", *QUIET_WIRE)
        folder.check([sim.vf(0), sim.vf(1)], "integrity", "--count=5000")


def a_wire_loop_brings_frames_back():
    with processes.Folder() as folder:
        sim = folder.sim(*HOME, "--vfs", "1", "--wire", "loopback")
        testpmd = folder.testpmd([sim.vf(0)], "--forward-mode=macswap", "--port-topology=loop")
        testpmd.command("set eth-peer 0 " + testpmd.mac(0))
        testpmd.command("start tx_first 2")
        until(lambda: testpmd.stats(0)["RX-packets"] > 5000, "frames do not come back")
        testpmd.command("stop")
        tap.require(testpmd.xstats(0)["wire_tx_frames"] > 5000, "they did not go by the wire")
        testpmd.quit()


def broken(instruction, pattern, lines, timeout_s):
    """A firmware that goes wrong when VFs are enabled ends the card, and the log tells all of it."""
    with processes.Folder() as folder, tempfile.NamedTemporaryFile(prefix="weir-riscv-") as file:
        address = break_at(VICTIM, instruction, file.name)
        sim = folder.sim(*HOME, "--firmware", file.name)
        machine, = machines_of(sim)
        try:
            sim.control(command="vfs", count=1)
        except (AssertionError, ConnectionError):
            pass  # It may end before it answers.
        require_end(sim, pattern, timeout_s)
        tap.require(not is_alive(machine), "the machine lives on")
        for line in lines + ["pc %016x" % address, "stack "]:
            tap.require(re.search("error +machine: weir: .*" + line, sim.log()), "no %s:\n%s" % (line, sim.log()))


def a_trap_ends_the_card_and_is_in_the_log():
    broken(ILLEGAL, "a trap", ["trap: illegal instruction"], END_S)


def the_watchdog_ends_the_card_and_is_in_the_log():
    broken(HANG, "its watchdog has bitten", ["watchdog: the poll loop has not turned for 10 s"], BITE_S)


def a_machine_that_is_killed_ends_the_card():
    with processes.Folder() as folder:
        sim = folder.sim(*HOME)
        time.sleep(1)
        machine, = machines_of(sim)
        os.kill(machine, signal.SIGKILL)
        require_end(sim, r"its machine is gone \(signal 9\)")


def no_machine_outlives_its_card():
    for number in (signal.SIGTERM, signal.SIGKILL):
        with processes.Folder() as folder:
            sim = folder.sim(*HOME)
            machine, = machines_of(sim)
            tap.require(is_alive(machine), "there is no machine")
            sim.kill(number)
            until(lambda: not is_alive(machine), "the machine lives on after %s" % number)


def a_missing_image_is_told():
    with tempfile.TemporaryDirectory(prefix="weir-riscv-") as folder:
        done = subprocess.run([str(processes.SIM), "--dir", folder + "/nic", *HOME, "--firmware", folder + "/none"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        tap.require(done.returncode == 1 and "image %s/none cannot be read: No such file" % folder in done.stdout, done.stdout)
        done = subprocess.run([str(processes.SIM), "--dir", folder + "/nic", "--firmware", folder + "/none"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        tap.require(done.returncode == 2 and "--firmware is for --home riscv" in done.stdout, done.stdout)


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for row, function in (("sim", says_where_its_firmware_runs), ("testpmd", frames_circulate_and_all_counters_agree),
                          ("testpmd", every_size_arrives_whole), ("testpmd", a_wire_loop_brings_frames_back),
                          ("sim", a_trap_ends_the_card_and_is_in_the_log), ("sim", the_watchdog_ends_the_card_and_is_in_the_log),
                          ("sim", a_machine_that_is_killed_ends_the_card), ("sim", no_machine_outlives_its_card),
                          ("sim", a_missing_image_is_told)):
        suite.run("riscv.%s.%s" % (row, function.__name__), function)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
