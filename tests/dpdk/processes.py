# SPDX-License-Identifier: BSD-3-Clause
"""The programs of the DPDK tests: weir-sim, testpmd and weir-dpdk-check, each started, spoken to and ended by name of object.

    with processes.Folder() as folder:
        sim = folder.sim("--vfs", "2")
        testpmd = folder.testpmd([sim.vf(0), sim.vf(1)])
        print(testpmd.command("show port info 0"))

Folder ends what is still running, so that a failing test leaves nothing behind.
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import termios
import time

import tap

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = TOP / os.environ.get("BUILD", "build") / "opt"
PMD = BUILD / "lib" / "librte_net_weir.so"
SIM = BUILD / "bin" / "weir-sim"
CHECK = BUILD / "bin" / "weir-dpdk-check"
NO_MEMFD = BUILD / "lib" / "no-memfd.so"

PROMPT = "testpmd> "


def driver():
    """What EAL's -d gets. EAL refuses a path below a folder that everybody may write into, such as a clone in /tmp; a bare name, which
    the linker finds, it takes.
    """
    if not any(folder.stat().st_mode & stat.S_IWOTH for folder in PMD.parents):
        return str(PMD)
    os.environ["LD_LIBRARY_PATH"] = str(PMD.parent)
    return PMD.name


NO_HUGE = ("--no-huge", "-m", "512")

# Longest waits; a machine of CI may be slow, and nothing here is a measurement.
START_S = 60
ANSWER_S = 60
END_S = 20


class Sim:
    """A weir-sim in a folder of its own; can be killed and started again there."""

    def __init__(self, folder, arguments):
        self.directory = folder
        self.arguments = [str(SIM), "--dir", str(folder), "--serial", "5757000000a1"] + list(arguments)
        self.log_path = folder / "weir-sim.log"
        self.process = None
        self.start()

    def start(self):
        """Start it and wait until its sockets are there."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        ready, _, _ = select.select([self.process.stdout], [], [], START_S)
        line = self.process.stdout.readline() if ready else b""
        tap.require(line.strip() == b"ready", "weir-sim does not get ready:\n" + self.log())

    def log(self):
        """What it has logged."""
        return self.log_path.read_text(errors="replace")

    def vf(self, number):
        """The socket of a VF."""
        return str(self.directory / ("vf%d.sock" % number))

    def pf(self):
        """The socket of the PF."""
        return str(self.directory / "pf0.sock")

    def running(self):
        """Whether it is alive."""
        return self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        """End it by a signal, and wait for the end."""
        if self.running():
            self.process.send_signal(number)
            self.process.wait(END_S)

    def control(self, **request):
        """One request of the management socket; its answer, which must not be an error."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(ANSWER_S)
            client.connect(str(self.directory / "control.sock"))
            client.sendall(json.dumps(request).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                piece = client.recv(65536)
                tap.require(piece, "weir-sim hung up on %s" % request)
                data += piece
        answer = json.loads(data)
        tap.require("error" not in answer, "weir-sim answers %s with %s" % (request, answer))
        return answer


class Program:
    """A program on a terminal of its own, whose output is kept."""

    def __init__(self, arguments, environment=None):
        master, slave = pty.openpty()
        # No echo, no line editing, no \r\n: what is read is what was written.
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST
        mode[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        self.arguments = [str(argument) for argument in arguments]
        self.process = subprocess.Popen(self.arguments, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True)
        os.close(slave)
        self.terminal = master
        self.output = ""
        self.seen = 0

    def read_more(self, timeout_s):
        """Take what it has written; False when nothing came in time, or it has ended."""
        ready, _, _ = select.select([self.terminal], [], [], timeout_s)
        if not ready:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.output += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern, timeout_s=ANSWER_S):
        """Wait for a regular expression in what has not been matched yet; returns the text up to its end."""
        deadline = time.monotonic() + timeout_s
        compiled = re.compile(pattern)
        while True:
            match = compiled.search(self.output, self.seen)
            if match:
                text = self.output[self.seen:match.end()]
                self.seen = match.end()
                return text
            left = deadline - time.monotonic()
            if left <= 0 or (not self.read_more(left) and self.process.poll() is not None):
                raise AssertionError("%s: no %r in:\n%s" % (pathlib.Path(self.arguments[0]).name, pattern,
                                                            self.output[-4000:]))

    def send(self, text):
        """Type text and the enter key."""
        os.write(self.terminal, (text + "\n").encode())

    def wait(self, timeout_s=ANSWER_S):
        """Wait for its end; returns the exit code."""
        deadline = time.monotonic() + timeout_s
        while self.process.poll() is None:
            tap.require(time.monotonic() < deadline, "%s does not end:\n%s" % (self.arguments[0], self.output[-4000:]))
            self.read_more(0.05)
        while self.read_more(0):
            pass
        return self.process.returncode

    def kill(self):
        """End it the hard way."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(END_S)

    def close(self):
        """Kill it if it still runs, and let go of the terminal."""
        self.kill()
        if self.terminal >= 0:
            os.close(self.terminal)
        self.terminal = -1


class Testpmd(Program):
    """An interactive testpmd."""

    def __init__(self, arguments):
        super().__init__(arguments)
        self.expect(re.escape(PROMPT), START_S)

    def command(self, text, timeout_s=ANSWER_S):
        """Type a command; returns what it printed."""
        self.send(text)
        return self.expect(re.escape(PROMPT), timeout_s)[:-len(PROMPT)]

    def stats(self, port):
        """Basic statistics of a port, as testpmd names them: RX-packets, TX-packets, RX-missed ..."""
        return {name: int(value) for name, value in
                re.findall(r"([RT]X-\w+):\s+(\d+)", self.command("show port stats %d" % port))}

    def xstats(self, port):
        """Extended statistics of a port."""
        return {name: int(value) for name, value in
                re.findall(r"^(\w+): (\d+)$", self.command("show port xstats %d" % port), re.M)}

    def mac(self, port):
        """The address of a port."""
        match = re.search(r"MAC address: ([0-9A-F:]{17})", self.command("show port info %d" % port))
        tap.require(match, "port %d has no address" % port)
        return match.group(1)

    def link(self, port):
        """'up' or 'down'."""
        match = re.search(r"Link status: (\w+)", self.command("show port info %d" % port))
        tap.require(match, "port %d has no link status" % port)
        return match.group(1)

    def quit(self):
        """Leave as a user does; must end well."""
        self.send("quit")
        code = self.wait()
        tap.require(code == 0, "testpmd ends with %s:\n%s" % (code, self.output[-4000:]))


def until(condition, what, timeout_s=60):
    """Wait for a condition; fails with the text `what`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        tap.require(time.monotonic() < deadline, what)
        time.sleep(0.05)


def circulate(testpmd, burst, frames, drain_s):
    """Frames circulate by macswap between ports 0 and 1 until port 0 has received so many; what is under way then is received, too.

    testpmd: a Testpmd with --forward-mode=macswap --port-topology=loop, whose ports are left stopped. burst: `start tx_first`'s
    number. Returns, for both ports, the lists of stats and of xstats: without errors, and each frame sent was received or missed.
    """
    macs = [testpmd.mac(port) for port in (0, 1)]
    for port in (0, 1):
        testpmd.command("set eth-peer %d %s" % (port, macs[1 - port]))
    testpmd.command("start tx_first %d" % burst)
    until(lambda: testpmd.stats(0)["RX-packets"] > frames, "frames do not circulate")
    testpmd.command("stop")
    testpmd.command("set fwd rxonly")
    testpmd.command("start")
    time.sleep(drain_s)
    testpmd.command("stop")
    stats = [testpmd.stats(port) for port in (0, 1)]
    xstats = [testpmd.xstats(port) for port in (0, 1)]
    for port in (0, 1):
        mine, other = stats[port], stats[1 - port]
        tap.require(mine["TX-errors"] == 0 and mine["RX-errors"] == 0, "errors: %s" % mine)
        tap.require(xstats[port]["vport_tx_frames"] == mine["TX-packets"],
                    "port %d sent %d, the function counts %s" % (port, mine["TX-packets"], xstats[port]))
        tap.require(other["RX-packets"] + other["RX-missed"] == mine["TX-packets"],
                    "port %d sent %d, the other received %d and missed %d" % (port, mine["TX-packets"], other["RX-packets"], other["RX-missed"]))
    return stats, xstats


def flood(sender, receiver, condition, what):
    """One testpmd sends to another, as fast as it can, until a condition holds (or fails with the text `what`).

    sender: with --forward-mode=txonly; receiver: with rxonly. Their ports 0 are left stopped. Returns the stats of both: each frame
    sent was received or missed.
    """
    sender.command("set eth-peer 0 " + receiver.mac(0))
    receiver.command("start")
    sender.command("start")
    until(condition, what)
    sender.command("stop")
    time.sleep(0.5)
    receiver.command("stop")
    sent, got = sender.stats(0), receiver.stats(0)
    tap.require(got["RX-packets"] > 0 and got["RX-packets"] + got["RX-missed"] == sent["TX-packets"],
                "sent %s, received %s" % (sent, got))
    return sent, got


class Folder:
    """A temporary folder, and the programs that were started in it."""

    started = 0

    def __init__(self):
        # Sockets have short names, and EAL wants a folder that only its user can write to.
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="weir-dpdk-"))
        self.programs = []
        self.sims = []

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for program in self.programs:
            program.close()
        for sim in self.sims:
            sim.kill()
            sim.process.stdout.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def sim(self, *arguments):
        """Start a weir-sim."""
        directory = self.path / ("sim%d" % len(self.sims))
        directory.mkdir(mode=0o700)
        sim = Sim(directory, arguments)
        self.sims.append(sim)
        return sim

    def eal(self, sockets, memory=NO_HUGE, cores="0"):
        """The EAL arguments for ports behind these sockets."""
        # Files of EAL's own, so that several programs can run at once.
        Folder.started += 1
        prefix = "weir%d_%d" % (os.getpid(), Folder.started)
        arguments = ["-l", cores, *memory, "--no-pci", "--no-telemetry", "--file-prefix", prefix, "-d", driver()]
        for number, path in enumerate(sockets):
            arguments += ["--vdev", "net_weir%d,socket=%s" % (number, path)]
        return arguments

    def testpmd(self, sockets, *options, memory=NO_HUGE):
        """Start a testpmd and wait for its prompt."""
        arguments = ["dpdk-testpmd", *self.eal(sockets, memory, "0,1"), "--", "-i", "--total-num-mbufs=16384",
                     "--no-mlockall", *options]
        testpmd = Testpmd(arguments)
        self.programs.append(testpmd)
        return testpmd

    def program(self, arguments, environment=None):
        """Start any other program."""
        program = Program(arguments, environment)
        self.programs.append(program)
        return program

    def start_check(self, sockets, command, *options, memory=NO_HUGE):
        """Start weir-dpdk-check."""
        return self.program([CHECK, *self.eal(sockets, memory), "--", command, *options])

    def check(self, sockets, command, *options, memory=NO_HUGE, timeout_s=300):
        """Run weir-dpdk-check to its end, which must be a good one; returns what it printed."""
        program = self.start_check(sockets, command, *options, memory=memory)
        code = program.wait(timeout_s)
        failure = re.search(r"^FAIL (.*)$", program.output, re.M)
        tap.require(not failure, "%s\n%s" % (failure.group(1) if failure else "", program.output[-4000:]))
        tap.require(code == 0, "weir-dpdk-check ends with %s:\n%s" % (code, program.output[-4000:]))
        return program.output


class Hugepages:
    """
    Some 2 MiB pages for as long as the block runs, and a hugetlbfs for those who want files (`folder`); skips the test where
    there are none to be had. What was reserved here is given back.
    """

    POOL = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")

    def __init__(self, pages):
        self.pages = pages
        self.before = None
        self.folder = None

    def __enter__(self):
        try:
            self.before = int((self.POOL / "nr_hugepages").read_text())
            free = int((self.POOL / "free_hugepages").read_text())
            if free < self.pages:
                (self.POOL / "nr_hugepages").write_text(str(self.before + self.pages - free))
            free = int((self.POOL / "free_hugepages").read_text())
        except OSError as error:
            raise tap.Skip("no hugepages can be reserved: %s" % error) from error
        if free < self.pages:
            self.__exit__()
            raise tap.Skip("%d hugepages could be reserved, %d are needed" % (free, self.pages))
        folder = tempfile.mkdtemp(prefix="weir-huge-")
        mounted = subprocess.run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", folder], check=False,
                                 stderr=subprocess.PIPE)
        if mounted.returncode:
            os.rmdir(folder)
            self.__exit__()
            raise tap.Skip("no hugetlbfs can be mounted: %s" % mounted.stderr.decode())
        self.folder = folder
        return self

    def __exit__(self, *failure):
        if self.folder:
            subprocess.run(["umount", "--lazy", self.folder], check=False)
            os.rmdir(self.folder)
        if self.before is not None:
            (self.POOL / "nr_hugepages").write_text(str(self.before))
