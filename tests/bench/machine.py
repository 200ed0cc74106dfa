# SPDX-License-Identifier: BSD-3-Clause
"""The machine under a measurement: which two CPUs, how far apart they are, and whether somebody else had them meanwhile.

A figure of two CPUs that talk to each other is worth something only with the time that a cache line takes between them: on a
virtual machine this changes by a factor of ten while one watches, whenever the host moves a virtual CPU.
"""

import os
import pathlib
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = TOP / os.environ.get("BUILD", "build") / "opt" / "bin"

# A sample counts if the probe before and the one after it differ by no more than this.
PROBE_RATIO = 1.2
# ... and if its threads waited for a CPU, or the host had it, for no more than this part of the time.
WAITED_MOST = 0.05


class Unfit(Exception):
    """This machine cannot run the benchmark; the text says what is missing."""


def two_cpus():
    """The CPUs of the two sides: (application, device)."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Unfit("two CPUs are needed, this process may use %d" % len(cpus))
    return cpus[0], cpus[1]


def probe_ns(cpus):
    """Round trip of a cache line between two CPUs."""
    done = subprocess.run([str(BIN / "bench-probe"), str(cpus[0]), str(cpus[1])], stdout=subprocess.PIPE, check=True,
                          preexec_fn=go_first)
    return float(done.stdout)


def go_first():
    """Let this process (and threads it starts) go before others, where that is allowed: neighbours disturb less."""
    prefer(os.getpid())


def prefer(task):
    """The same for one thread."""
    try:
        os.setpriority(os.PRIO_PROCESS, task, -20)
    except (PermissionError, ProcessLookupError):
        pass


class Preferred:
    """Sessions that go before others. With autogroups (sched(7)) nice values count only within a session."""

    def __init__(self, wanted=True):
        """wanted: False to leave everything as it is."""
        self.wanted = wanted
        self.before = {}

    def __enter__(self):
        return self

    def add(self, pid):
        """Prefer the session of a process, where that is allowed, until the block ends."""
        if not self.wanted:
            return
        path = "/proc/%d/autogroup" % pid
        try:
            with open(path, encoding="ascii") as file:
                nice = file.read().split()[-1]
            with open(path, "w", encoding="ascii") as file:
                file.write("-20")
        except (FileNotFoundError, PermissionError):
            return
        self.before.setdefault(pid, nice)

    def __exit__(self, *failure):
        for pid, nice in self.before.items():
            try:
                with open("/proc/%d/autogroup" % pid, "w", encoding="ascii") as file:
                    file.write(nice)
            except (FileNotFoundError, ProcessLookupError):
                pass


def tasks(pid):
    """The threads of a process."""
    return [int(task) for task in os.listdir("/proc/%d/task" % pid)]


def times_ns(pids):
    """{thread: (time it ran, time it was ready to run while something else had its CPU)} of some processes."""
    times = {}
    for pid in pids:
        for task in tasks(pid):
            try:
                with open("/proc/%d/task/%d/schedstat" % (pid, task), encoding="ascii") as file:
                    ran, waited, _ = file.read().split()
            except FileNotFoundError:
                continue
            times[task] = int(ran), int(waited)
    return times


def stolen_ns(cpus):
    """How long the host had these CPUs while they were wanted here (/proc/stat), in all."""
    total = 0
    with open("/proc/stat", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] in ["cpu%d" % cpu for cpu in cpus]:
                total += int(words[8])
    return total * 1000000000 // os.sysconf("SC_CLK_TCK")


class Watch:
    """A stretch of time in which those threads of some processes that poll should have had their CPUs."""

    def __init__(self, pids, cpus):
        self.pids = pids
        self.cpus = cpus
        self.start = self.read()

    def read(self):
        """What is compared."""
        return time.monotonic_ns(), times_ns(self.pids), stolen_ns(self.cpus)

    def disturbed(self):
        """Part of the time that they did not have, so far."""
        start, before, stolen = self.start
        now, after, stolen_now = self.read()
        lost = stolen_now - stolen
        for task, (ran, waited) in after.items():
            ran_before, waited_before = before.get(task, (0, 0))
            # One that slept did not poll: nobody waited for it.
            if ran - ran_before + waited - waited_before > (now - start) / 2:
                lost += waited - waited_before
        return lost / max(1, now - start)


class Others:
    """A stretch of time in which some processes should have had these CPUs for themselves, without being said to need them."""

    def __init__(self, pids, cpus):
        """pids: of the processes. cpus: all that they may run on."""
        self.pids = pids
        self.cpus = cpus
        self.start = self.read()

    def read(self):
        """(now, what the CPUs did for anybody, what they did for us), in nanoseconds. Interrupts are nobody's in particular."""
        tick_ns = 1000000000 // os.sysconf("SC_CLK_TCK")
        total = 0
        with open("/proc/stat", encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] in ["cpu%d" % cpu for cpu in self.cpus]:
                    total += sum(int(words[column]) for column in (1, 2, 3, 8)) * tick_ns
        return time.monotonic_ns(), total, sum(ran for ran, _waited in times_ns(self.pids).values())

    def share(self):
        """Part of the CPUs' time that somebody else had, so far."""
        (start, total, ours), (now, total_now, ours_now) = self.start, self.read()
        return max(0, total_now - total - (ours_now - ours)) / max(1, (now - start) * len(self.cpus))
