# SPDX-License-Identifier: BSD-3-Clause
"""A running guest, and what came of it.

    result = run_guest("job.sh", weir_arguments(), timeout_s=60, preload=WEIR_QEMU)

or, where the host has something to do meanwhile:

    with Guest("job.sh", weir_arguments(), preload=WEIR_QEMU) as guest:
        guest.wait_for("READY", timeout_s=20)
        guest.monitor("device_del", id="pf0")
        guest.send("go\\n")
        result = guest.wait()
"""

import dataclasses
import os
import re
import secrets
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time

from . import initramfs, machine, problems
from .errors import GuestError
from .kernels import Kernel, find_kernel
from .paths import GUEST_BUILD, WEIR_QEMU, lock, shown
from .qmp import Monitor

POWER_OFF_S = 20  # from the job's end to QEMU's
BACKTRACE_S = 2  # for a hung guest to say where it hangs
DRAIN_S = 2  # for what is still on its way when QEMU has ended

# How a Result's outcome is said after "the guest".
OUTCOMES = {"timed out": "ran out of time and was killed", "killed": "was killed"}


@dataclasses.dataclass
class Result:
    """What came of a guest.

    outcome: "finished" (the job ended and the guest powered off), "timed out", "panicked", "died" (QEMU ended before the job
    did), "killed" (by the test), "did not power off". status: the job's exit status, None if it never ended. output: what the job
    printed. console: what the kernel printed. qemu_log: QEMU's standard error; qemu_status: its exit status (negative: a
    signal). problems: what is wrong in them and was not foreseen; missing: patterns expected and not seen. notes: what init
    complained about. folder: logs of the run; results: what the job wrote to $RESULTS, a folder. boot_s: from QEMU's start to
    the job's; kernel_boot_s: the guest's own idea of it; total_s: to QEMU's end. None where it didn't come to that.
    """

    outcome: str
    status: int
    output: str
    console: str
    qemu_log: str
    qemu_status: int
    problems: list
    missing: list
    notes: list
    folder: str
    results: str
    boot_s: float
    kernel_boot_s: float
    total_s: float

    @property
    def ok(self):
        """The job ended with 0, and nothing unforeseen happened, and everything expected did."""
        return self.why == ""

    @property
    def why(self):
        """In one line, why this is no success; empty if it is one."""
        return "; ".join(self.reasons())

    def reasons(self, ignore_status=False):
        """Why this is no success: a list of texts. ignore_status: the job's exit status other than 0 is none."""
        reasons = []
        if self.outcome == "died":
            reasons.append("QEMU ended with %s before the job did" % self.qemu_status)
        elif self.outcome != "finished" and not self._panic_foreseen():
            reasons.append("the guest " + OUTCOMES.get(self.outcome, self.outcome))
        elif self.status and not ignore_status:
            reasons.append("the job's exit status is %d" % self.status)
        if self.outcome == "finished" and self.qemu_status != 0:
            reasons.append("QEMU's exit status is %s" % self.qemu_status)
        reasons += [str(problem) for problem in self.problems[:3]]
        if len(self.problems) > 3:
            reasons.append("and %d problems more" % (len(self.problems) - 3))
        reasons += ["expected and not seen: %s" % pattern for pattern in self.missing]
        return reasons + self.notes

    def _panic_foreseen(self):
        return self.outcome == "panicked" and not any(problem.kind == "panic" for problem in self.problems)

    def file(self, name):
        """The content (bytes) of a file the job wrote to $RESULTS."""
        path = os.path.join(self.results, name)
        if not os.path.exists(path):
            raise GuestError("the job wrote no %s to $RESULTS (%s)" % (name, self.why or "it ended well"))
        with open(path, "rb") as stream:
            return stream.read()


class _Stream:
    """One of a guest's outputs: collects text, writes it to a log, hands over whole lines."""

    def __init__(self, name, descriptor, log_path, on_line=None):
        self.name = name
        self.descriptor = descriptor
        self.log = open(log_path, "wb")  # pylint: disable=consider-using-with
        self.on_line = on_line
        self.parts = []
        self._rest = b""

    def feed(self, data):
        """Take in bytes; an empty string is the end."""
        if self.on_line is None:
            self.keep(data)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.on_line(line)
        if not data and self._rest:
            self.on_line(self._rest)
            self._rest = b""

    def keep(self, data):
        """Add bytes to the text and the log."""
        if data:
            self.parts.append(data)
            self.log.write(data)
            self.log.flush()

    def text(self):
        """All kept so far."""
        return b"".join(self.parts).decode("utf-8", "replace").replace("\r", "")


class Guest:
    """One run of a guest: start(), then wait() for the Result. As a context manager it starts, and kills what still runs."""

    def __init__(self, job, devices=(), kernel="6.1", cmdline_extra="", timeout_s=60, memory_mb=512, smp=2, overlay_files=None,
                 preload=None, *, modules_folder=None, modules=(), programs=(), load=(), iommu="on", expected=(), allowed=(),
                 shares=(), settings=None, environment=None, oops_panics=True, shared_memory=False, one_thread=False, echo=None,
                 name="guest"):
        """Nothing is started yet.

        job: the script run in the guest: a path on the host, or its text where it begins with "#!".
        devices: QEMU arguments (see machine.nic_arguments). kernel: one of DEBIAN_KERNELS, or an image of one's own with modules_folder.
        cmdline_extra: more for the kernel's command line. timeout_s: from start() to the end; then QEMU is killed.
        overlay_files: {path in the guest: path on the host, or bytes}. preload: a library for LD_PRELOAD, or a list.
        modules: .ko files beside those in build/drivers/<kernel>. programs: programs of this machine to bring along.
        load: modules loaded before the job begins. iommu: "on", "pt", "off": what the kernel does with an IOMMU it has.
        expected, allowed: patterns of problems (problems.judge). shares: [(tag, folder, writable)], each mounted on /tag.
        settings: more for init. environment: {NAME: value} for QEMU. oops_panics: an Oops ends the guest at once; off where the guest is to survive one.
        one_thread: its processors take turns (see machine.base_arguments).
        shared_memory: the guest's memory is a memfd, for attach=. echo: a function called with each line of the job's output.
        name: for the folder with the logs.
        """
        self.kernel = kernel if isinstance(kernel, Kernel) else find_kernel(kernel, modules_folder)
        self.devices = list(devices)
        self.timeout_s = timeout_s
        self.job, self.name, self.echo = job, name, echo
        self.expected, self.allowed = list(expected), list(allowed)
        self.folder = self._make_folder(name)
        self.results = os.path.join(self.folder, "results")
        os.mkdir(self.results)
        self._token = secrets.token_hex(6)
        self._shares = [("results", self.results, True), *shares]
        self._memory_mb, self._smp, self._shared_memory, self._one_thread = memory_mb, smp, shared_memory, one_thread
        self._launcher = machine.launcher(preload, environment)
        if machine.needs_weir(self.devices) and preload is None:
            raise GuestError("stock QEMU knows no device weir: preload the library that brings it (%s)" % shown(WEIR_QEMU))
        words = ["loglevel=5 sysrq_always_enabled unknown_nmi_panic", "oops=panic" if oops_panics else "", cmdline_extra]
        self._command_line = machine.kernel_command_line(self.devices, iommu, " ".join(filter(None, words)))
        self._overlay = {"files": dict(overlay_files or {}), "modules": modules, "programs": programs}
        # What is built in cannot be loaded, and need not be.
        self._settings = {"LOAD": " ".join(name for name in load if not self.kernel.modules.is_builtin(name)), **(settings or {})}
        self._process = self._thread = self._monitor = self._job_socket = self._console_socket = None
        self._console_end = self._echo_error = None
        self._streams = []
        self._condition = threading.Condition()
        self._lines = []
        self._held_empty = False
        self._start_time = self._boot_s = self._kernel_boot_s = self._end_s = self._exit_time = None
        self._status = None
        self._notes = []
        self._outcome = None
        self._result = None

    @staticmethod
    def _make_folder(name):
        """A fresh folder for a run, NAME or NAME.2 …; one whose process has ended is used again."""
        folder = os.path.join(GUEST_BUILD, "runs", re.sub(r"[^A-Za-z0-9_.-]", "_", name))
        with lock(os.path.join(GUEST_BUILD, "runs", ".lock")):
            for attempt in range(1, 10000):
                candidate = folder if attempt == 1 else "%s.%d" % (folder, attempt)
                if _claim(candidate):
                    return candidate
        raise GuestError("too many runs in %s: remove them" % shown(os.path.dirname(folder)))

    def start(self):
        """Start QEMU. Returns self. Raises GuestError when something it needs is missing.

        QEMU is killed when the calling thread ends: call it from one that lives as long as the guest shall.
        """
        made = initramfs.base(self.kernel)
        files = dict(self._overlay.pop("files"))
        if isinstance(self.job, str) and self.job.startswith("#!"):
            files["/job/run"] = self.job.encode()
        else:
            with open(self.job, "rb") as stream:
                files["/job/run"] = stream.read()
        settings = {
            "TOKEN": self._token, "MODE": "job", "LINE": "/dev/ttyS1",
            "SHARES": " ".join("%s:/%s%s" % (tag, tag, "" if writable else ":ro") for tag, _folder, writable in self._shares),
            **self._settings,
        }
        archive = os.path.join(self.folder, "initramfs")
        initramfs.write_initramfs(archive, made, initramfs.overlay(self.kernel, made, settings, files, **self._overlay))

        pairs = {name: socket.socketpair() for name in ("console", "job", "monitor")}
        arguments = self._launcher + machine.base_arguments(
            self.kernel.boot_image(), archive, self._command_line, self._memory_mb, self._smp,
            one_thread=self._one_thread)
        for name, (_ours, theirs) in pairs.items():
            arguments += ["-chardev", "socket,id=%s,fd=%d" % (name, theirs.fileno())]
        arguments += ["-serial", "chardev:console", "-serial", "chardev:job", "-mon", "chardev=monitor,mode=control"]
        if self._shared_memory:
            arguments += machine.shared_memory_arguments(self._memory_mb)
        arguments += self.devices + machine.share_arguments(self._shares)
        with open(os.path.join(self.folder, "command"), "w", encoding="utf-8") as stream:
            stream.write(shlex.join(arguments) + "\n")

        error_read, error_write = os.pipe()
        self._start_time = time.monotonic()
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            arguments, stdin=subprocess.DEVNULL, stdout=error_write, stderr=error_write,
            pass_fds=[theirs.fileno() for _ours, theirs in pairs.values()],
        )
        os.close(error_write)
        for _ours, theirs in pairs.values():
            theirs.close()
        self._monitor = Monitor(pairs["monitor"][0])
        self._job_socket, self._console_socket = pairs["job"][0], pairs["console"][0]
        console, job, error = (os.path.join(self.folder, name) for name in ("console.log", "job.log", "qemu.log"))
        self._streams = [
            _Stream("console", os.dup(self._console_socket.fileno()), console),
            _Stream("job", os.dup(self._job_socket.fileno()), job, self._take_line),
            _Stream("qemu", error_read, error),
        ]
        self._thread = threading.Thread(target=self._read, name="guest " + self.name, daemon=True)
        self._thread.start()
        return self

    def __enter__(self):
        return self if self._process else self.start()

    def __exit__(self, *_exception):
        if self._result is None:
            self.kill()
            self.wait()

    @property
    def pid(self):
        """QEMU's process id."""
        return self._process.pid

    def _read(self):
        """The thread that reads all outputs, until each has ended."""
        with selectors.DefaultSelector() as selector:
            for stream in self._streams:
                selector.register(stream.descriptor, selectors.EVENT_READ, stream)
            while selector.get_map():
                for key, _events in selector.select():
                    try:
                        data = os.read(key.fd, 65536)
                    except OSError:
                        data = b""
                    key.data.feed(data)
                    if not data:
                        selector.unregister(key.fd)
                        os.close(key.fd)
                        key.data.log.close()
        with self._condition:
            self._condition.notify_all()

    def _take_line(self, line):
        """A line of the job's serial line: the job's own, or one that init says to the host."""
        if line.startswith(b"@@" + self._token.encode() + b" "):
            word, _, text = line.decode("utf-8", "replace").split(" ", 1)[1].partition(" ")
            self._held_empty = False
            with self._condition:
                if word == "start":
                    self._boot_s = time.monotonic() - self._start_time
                    self._kernel_boot_s = float(text)
                elif word == "note":
                    self._notes.append(text)
                elif word == "exit":
                    self._status = int(text)
                    self._exit_time = time.monotonic()
                self._condition.notify_all()
            return
        # init puts an empty line before what it says, since the job's last line may lack its end.
        lines = [b""] * self._held_empty + [line]
        self._held_empty = line == b""
        for each in lines[: len(lines) - self._held_empty]:
            self._streams[1].keep(each + b"\n")
            text = each.decode("utf-8", "replace")
            with self._condition:
                self._lines.append(text)
                self._condition.notify_all()
            if self.echo and self._echo_error is None:
                try:
                    self.echo(text)
                except Exception as error:  # pylint: disable=broad-except
                    # Not this thread's to handle: it must go on reading. wait() raises it.
                    self._echo_error = error
                    self.kill()

    def wait_for(self, pattern, timeout_s=30, since=0):
        """Wait until a line of the job's output matches the regular expression. Returns the match.

        since: number of lines of output to skip (see lines()). Raises GuestError when the time is over or the guest has ended.
        """
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout_s
        with self._condition:
            while True:
                for index in range(since, len(self._lines)):
                    match = expression.search(self._lines[index])
                    if match:
                        return match
                since = len(self._lines)
                if self._process.poll() is not None and not self._thread.is_alive():
                    raise GuestError("the guest ended and never said '%s'" % pattern)
                left = min(deadline, self._start_time + self.timeout_s) - time.monotonic()
                if left <= 0:
                    raise GuestError("the guest did not say '%s' within %g s" % (pattern, timeout_s))
                self._condition.wait(min(left, 0.5))

    def lines(self):
        """The job's output so far, as a list of lines."""
        with self._condition:
            return list(self._lines)

    def console(self):
        """The kernel's console so far."""
        return self._streams[0].text()

    def send(self, text):
        """Write to the job's standard input."""
        self._job_socket.sendall(text.encode())

    def monitor(self, command, /, **arguments):
        """Run a QMP command; underscores in arguments' names stand for hyphens. Returns QEMU's answer."""
        return self._monitor.command(command, **arguments)

    def kill(self, number=signal.SIGKILL):
        """Send QEMU a signal, by its process id. The Result's outcome will be "killed" unless it had ended before."""
        if self._process.poll() is None:
            self._outcome = self._outcome or "killed"
            self._process.send_signal(number)

    def wait(self):
        """Wait for the end, at most until timeout_s after the start; then QEMU is killed. Returns the Result.

        An exception of `echo` ends the guest and is raised here.
        """
        if self._result is None:
            self._wait_for_qemu()
            self._thread.join(DRAIN_S)
            self._end_s = time.monotonic() - self._start_time
            for each in (self._monitor, self._job_socket, self._console_socket):
                each.close()
            _remove(os.path.join(self.folder, "initramfs"))
            self._result = self._make_result()
            if self._echo_error is not None:
                raise self._echo_error
        return self._result

    def _wait_for_qemu(self):
        while self._process.poll() is None:
            now = time.monotonic()
            if self._exit_time is not None and now > self._exit_time + POWER_OFF_S:
                self._outcome = self._outcome or "did not power off"
                self._end_hung_guest()
            elif now > self._start_time + self.timeout_s:
                self._outcome = self._outcome or "timed out"
                self._end_hung_guest()
            else:
                self._pause(0.05)

    def _end_hung_guest(self):
        """Have the kernel say what its processors do and which tasks are blocked, then kill QEMU.

        By SysRq over the serial console; where the kernel no longer takes its interrupts, by a non-maskable one. What it answers
        is none of the guest's own problems.
        """
        self._console_end = len(self.console())
        self._monitor.patience(BACKTRACE_S)
        try:
            for key in "lw":
                self._monitor.command("chardev-send-break", id="console")
                self._console_socket.sendall(key.encode())
                self._pause(BACKTRACE_S / 2)
            if "sysrq: " not in self.console()[self._console_end :]:
                self._monitor.command("inject-nmi")
                self._pause(BACKTRACE_S / 2)
        except (GuestError, OSError) as error:
            self._notes.append(str(error))
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _pause(self, seconds):
        """Give a guest time, unless QEMU ends before."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def _make_result(self):
        console, output, qemu_log = (stream.text() for stream in self._streams)
        found = problems.on_console(console[: self._console_end]) + problems.of_emulator(qemu_log)
        panicked = any(problem.kind == "panic" for problem in found)
        outcome = self._outcome
        if outcome is None:
            outcome = "finished" if self._status is not None else "panicked" if panicked else "died"
        unexpected, missing = problems.judge(found, self.expected, self.allowed)
        return Result(
            outcome=outcome, status=self._status, output=output, console=console, qemu_log=qemu_log,
            qemu_status=self._process.returncode, problems=unexpected, missing=missing, notes=self._notes, folder=self.folder,
            results=self.results, boot_s=self._boot_s, kernel_boot_s=self._kernel_boot_s, total_s=self._end_s,
        )


def _claim(folder):
    """Make the folder ours: new, or one left by a run whose process has ended. The lock is held."""
    owner = os.path.join(folder, "owner")
    try:
        with open(owner, encoding="ascii") as stream:
            if os.path.exists("/proc/%d" % int(stream.read())):
                return False
    except (OSError, ValueError):
        pass
    if os.path.lexists(folder):
        shutil.rmtree(folder)
    os.mkdir(folder)
    with open(owner, "w", encoding="ascii") as stream:
        stream.write("%d\n" % os.getpid())
    return True


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def run_guest(job, devices=(), kernel="6.1", cmdline_extra="", timeout_s=60, memory_mb=512, smp=2, overlay_files=None,
              preload=None, **more):
    """Run a job in a guest to its end and return the Result. The arguments are Guest's."""
    with Guest(job, devices, kernel, cmdline_extra, timeout_s, memory_mb, smp, overlay_files, preload, **more) as guest:
        return guest.wait()
