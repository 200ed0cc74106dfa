# SPDX-License-Identifier: BSD-3-Clause
"""How the daemon starts, ends, and sleeps."""

import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

from bench import PATIENCE_S, Control, Peer, Sim, VfioUser, program, require_all_back, tap, wait_for

NOBODY = 65534


def run(*arguments, prefix=()):
    """A daemon that is expected to give up; (exit code, what it said)."""
    done = subprocess.run(list(prefix) + [program()] + [str(a) for a in arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S, text=True, check=False)
    return done.returncode, done.stdout


def require_refusal(part, *arguments, code=1, prefix=()):
    """It gives up with that code, and says that."""
    ended, said = run(*arguments, prefix=prefix)
    tap.require(part in said, "%s: no \"%s\" in: %s" % (" ".join(map(str, arguments)), part, said))
    tap.require(ended == code, "%s: exit code %d, expected %d" % (arguments, ended, code))
    tap.require("ready" not in said.split(), "it says ready: " + said)


def sockets_are_there_when_it_says_ready():
    with Sim("--vfs", 3) as sim:
        tap.require(sim.sockets() == ["control.sock", "pf0.sock", "vf0.sock", "vf1.sock", "vf2.sock"], str(sim.sockets()))
        for name in sim.sockets():
            mode = stat.S_IMODE((sim.folder / name).stat().st_mode)
            tap.require(mode == 0o600, "%s has mode %o" % (name, mode))
        with VfioUser(sim.path("vf2")) as vf:
            tap.require(vf.read(VfioUser.BAR0, 0) == 0x57454952, "no Weir behind vf2.sock")


def mistakes_in_the_command_line_are_told():
    with tempfile.TemporaryDirectory() as folder:
        for part, *arguments in (
                ("--dir DIR is missing",),
                ("characters here, so that a socket's path fits", "--dir", "/tmp/" + "x" * 100),
                ("--vfs 5 is more than --total-vfs 4", "--dir", folder, "--vfs", 5, "--total-vfs", 4),
                ("--vfs 65 is more than --total-vfs 64", "--dir", folder, "--vfs", 65),
                ("--total-vfs 1025: not a number of 0 to 1024", "--dir", folder, "--total-vfs", 1025),
                ("--vfs -1: not a number", "--dir", folder, "--vfs", -1),
                ("--vfs 3x: not a number", "--dir", folder, "--vfs", "3x"),
                ("--vfs : not a number", "--dir", folder, "--vfs", ""),
                ("--ports 0: not a number of 1 to 32", "--dir", folder, "--ports", 0),
                ("the card has 1 port (--ports)", "--dir", folder, "--wire", "1:loopback"),
                ("port 0 has two wires", "--dir", folder, "--wire", "loopback", "--wire", "0:none"),
                ("ports are 0 to 31", "--dir", folder, "--wire", "99999999999:none"),
                ("--serial xyz: not a hexadecimal", "--dir", folder, "--serial", "xyz"),
                ("--log loud: levels are", "--dir", folder, "--log", "loud"),
                ("may not run there", "--dir", folder, "--cpu", 1000),
                ("Add --log-file", "--dir", folder, "--background"),
                ("only options are expected", "--dir", folder, "word"),
                ("unrecognized option '--nonsense'", "--nonsense")):
            require_refusal(part, *arguments, code=2)
        for part, *arguments in (
                ("no kind of wire is called", "--dir", folder, "--wire", "carrier-pigeon"),
                ("needs in=FILE, out=FILE or both", "--dir", folder, "--wire", "pcap:"),
                ("/nowhere.pcap", "--dir", folder, "--wire", "pcap:in=/nowhere.pcap"),
                ("cannot be made", "--dir", "/nowhere/at/all"),
                ("Not a directory", "--dir", "/dev/null"),
                ("/nowhere/log", "--dir", folder, "--log-file", "/nowhere/log"),
                ("/nowhere/pid", "--dir", folder, "--pid-file", "/nowhere/pid"),
                ("/nowhere/log", "--dir", folder, "--background", "--log-file", "/nowhere/log")):
            require_refusal(part, *arguments)
        tap.require(os.listdir(folder) == ["weir-sim.lock"], "left behind: %s" % os.listdir(folder))
    tap.require(run("--help")[0] == 0 and run("--version")[0] == 0, "--help or --version fails")


def one_daemon_a_folder():
    with Sim("--vfs", 1) as sim:
        require_refusal("another weir-sim, process %d, runs there" % sim.process.pid, "--dir", sim.folder)
        tap.require(sim.ask("info")["pid"] == sim.process.pid, "the first one is disturbed")


def sockets_of_a_dead_one_are_replaced():
    with Sim("--vfs", 4) as dead:
        dead.kill()
        tap.require(len(dead.sockets()) == 6, "a killed daemon cannot have tidied up: %s" % dead.sockets())
        with Sim("--vfs", 2, folder=dead.folder) as sim:
            tap.require(sim.sockets() == ["control.sock", "pf0.sock", "vf0.sock", "vf1.sock"], str(sim.sockets()))
            with VfioUser(sim.path("vf1")) as vf:
                tap.require(vf.read(VfioUser.BAR0, 0) == 0x57454952, "no Weir behind vf1.sock")


def what_is_not_its_own_is_left_alone():
    folder = tempfile.mkdtemp(prefix="weir-sim-")
    try:
        for name in ("pf0.sock", "control.sock", "vf0.sock"):
            path = pathlib.Path(folder) / name
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
                listener.listen(8)
                require_refusal("somebody else listens there", "--dir", folder, "--vfs", 1)
                with socket.socket(socket.AF_UNIX) as caller:
                    caller.connect(str(path))
            path.unlink()
            path.write_text("mine")
            require_refusal("File exists", "--dir", folder, "--vfs", 1)
            tap.require(path.read_text() == "mine", "a file was overwritten")
            path.unlink()
    finally:
        shutil.rmtree(folder)


def signals_end_it_with_clients_there():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Sim("--vfs", 2, "--wire", "loopback") as sim, Peer("hold", sim, "vf0"):
            sim.process.send_signal(number)
            tap.require(sim.process.wait(PATIENCE_S) == 0, "exit code %s" % sim.process.returncode)
            tap.require(not sim.sockets(), "sockets are left: %s" % sim.sockets())


def hangup_signal_opens_the_log_anew():
    with tempfile.TemporaryDirectory() as folder:
        log, rotated = pathlib.Path(folder) / "log", pathlib.Path(folder) / "log.1"
        with Sim("--log-file", log) as sim:
            wait_for(lambda: "ready" in log.read_text(), "line in the log")
            log.rename(rotated)
            sim.process.send_signal(signal.SIGHUP)
            wait_for(log.exists, "new log file")
            sim.ask("vfs", count=1)
            wait_for(lambda: "VF 0: ready" in log.read_text(), "line in the new log")
            tap.require("VF 0: ready" not in rotated.read_text(), "the old log goes on")


def background_returns_when_it_is_ready():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-sim-"))
    pid_file, log = folder / "pid", folder / "log"
    try:
        code, said = run("--dir", folder, "--vfs", 1, "--background", "--log-file", log, "--pid-file", pid_file)
        tap.require((code, said) == (0, "ready\n"), "exit code %d: %s" % (code, said))
        pid = int(pid_file.read_text())
        control = Control(folder / "control.sock")
        tap.require(control.ask("info")["pid"] == pid, "the pid file names another process")
        control.close()
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not pathlib.Path("/proc/%d" % pid).exists(), "end of the daemon")
        tap.require(not pid_file.exists(), "the pid file is left")
        tap.require(sorted(os.listdir(folder)) == ["log", "weir-sim.lock"], "left: %s" % os.listdir(folder))
    finally:
        shutil.rmtree(folder)


def ordinary_user_can_run_it():
    if os.geteuid() != 0:
        # Then every test here shows it.
        return
    folder = tempfile.mkdtemp(prefix="weir-sim-")
    prefix = ("setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups", "--no-new-privs", "--bounding-set=-all")
    try:
        os.chown(folder, NOBODY, NOBODY)
        with Sim("--vfs", 2, "--wire", "loopback", folder=folder, prefix=prefix) as sim:
            with Peer("echo", sim, "vf0", mac="02:00:00:00:00:01") as echo, \
                    Peer("ping", sim, "vf1", "--count", 500, mac="02:00:00:00:00:02", to=echo.mac) as ping:
                require_all_back(ping.finish()[1])
        require_refusal("Operation not permitted", "--dir", folder, "--wire", "tap:weirtest", prefix=prefix)
    finally:
        shutil.rmtree(folder)


START = (sockets_are_there_when_it_says_ready, mistakes_in_the_command_line_are_told, one_daemon_a_folder,
         sockets_of_a_dead_one_are_replaced, what_is_not_its_own_is_left_alone, signals_end_it_with_clients_there,
         hangup_signal_opens_the_log_anew, background_returns_when_it_is_ready, ordinary_user_can_run_it)


# --- sleep --------------------------------------------------------------------------------------------------------------


def used_while_idle(sim, seconds=2.0):
    """The share of a processor that an idle daemon takes."""
    time.sleep(0.3)
    before, start = sim.processor_s(), time.monotonic()
    time.sleep(seconds)
    return (sim.processor_s() - before) / (time.monotonic() - start)


def thousand_idle_functions_take_no_processor_time():
    with Sim("--vfs", 1024, "--total-vfs", 1024) as sim:
        share = used_while_idle(sim)
        print("# 1025 idle functions: %.4f %% of a processor" % (100 * share))
        tap.require(share < 0.005, "1025 idle functions take %.2f %% of a processor" % (100 * share))


def idle_clients_take_no_processor_time():
    with Sim("--vfs", 2, "--wire", "loopback") as sim:
        with Peer("sink", sim, "vf0", "--shadow", "--interrupts", mac="02:00:00:00:00:01") as a, Peer("hold", sim, "vf1", "--shadow"):
            tap.require(a.mac, "no client")
            share = used_while_idle(sim)
            print("# two idle clients: %.4f %% of a processor" % (100 * share))
            # The sink asks for an interrupt twenty times a second, which is a message.
            tap.require(share < 0.02, "two idle clients take %.2f %% of a processor" % (100 * share))


def nanoseconds_per_poll(vfs):
    """Processor time of one turn of an idle card that never sleeps."""
    with Sim("--vfs", vfs, "--total-vfs", vfs, "--busy-poll") as sim:
        best = None
        for _ in range(5):
            polls, used = sim.ask("info")["loop"]["polls"], sim.processor_s()
            time.sleep(0.2)
            polls, used = sim.ask("info")["loop"]["polls"] - polls, sim.processor_s() - used
            best = min(best or used / polls, used / polls)
        return best * 1e9


def poll_costs_the_same_with_a_thousand_functions():
    one, thousand = nanoseconds_per_poll(1), nanoseconds_per_poll(1024)
    print("# an idle poll takes %.1f ns with 1 VF, %.1f ns with 1024" % (one, thousand))
    tap.require(thousand < 1.5 * one + 10, "an idle poll takes %.1f ns with 1 VF, %.1f with 1024" % (one, thousand))


def sleeping_card_wakes_for_a_frame():
    with Sim("--vfs", 2, "--wire", "loopback") as sim:
        with Peer("echo", sim, "vf0", "--shadow", "--interrupts", mac="02:00:00:00:00:01") as echo, \
                Peer("latency", sim, "vf1", "--shadow", "--interrupts", "--count", 100, "--pause-us", 10000,
                     mac="02:00:00:00:00:02", to=echo.mac) as latency:
            output, counters = latency.finish()
            require_all_back(counters)
            print("# " + output.splitlines()[0])
        loop = sim.ask("info")["loop"]
        # Each frame finds a sleeping card, and its echo often does too.
        tap.require(loop["wakes"] >= 100, "the card was not asleep: %s" % loop)


SLEEP = (thousand_idle_functions_take_no_processor_time, idle_clients_take_no_processor_time,
         poll_costs_the_same_with_a_thousand_functions, sleeping_card_wakes_for_a_frame)
