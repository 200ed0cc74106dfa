# SPDX-License-Identifier: BSD-3-Clause
"""Guests for tests: starts a Linux guest in stock QEMU, runs a job in it, says what came of it.

    sys.path[:0] = ["tests/lib", "tests/guest/lib"]
    import guest, tap

    result = guest.run_guest("tests/guest/link/job.sh", guest.weir_arguments(), preload=guest.WEIR_QEMU, timeout_s=60)
    tap.require(result.ok, result.why)

    suite = tap.Suite(sys.argv[1:])
    guest.run_tap(suite, "guest.link.guest_stays_well", "tests/guest/link/job.sh", guest.weir_arguments(),
                  preload=guest.WEIR_QEMU)
    sys.exit(suite.done())

A job is a shell script (guest/lib/guest.sh has what jobs share). The arguments of run_guest are those of Guest in
guest/weirvm/guest.py; QEMU's command line is made by the functions of guest/weirvm/machine.py. The logs of a run (console.log,
job.log, qemu.log, command, results/) are in the folder that the Result names, below build/guest/runs.

Every problem that a kernel reports (BUG, WARNING, Oops, DMAR fault, AER error …) makes a run fail unless the test says that it
expects it: expected=["iommu_fault: .*01:00.2"] must be seen, allowed=[…] may be. Kinds: guest/weirvm/problems.py.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "guest"))

# What tests use, under one name.
from weirvm.errors import GuestError  # noqa: E402,F401
from weirvm.guest import Guest, Result, run_guest  # noqa: E402,F401
from weirvm.kernels import find_kernel  # noqa: E402,F401
from weirvm.machine import iommu_arguments, nic_arguments, shared_memory_arguments, weir_arguments  # noqa: E402,F401
from weirvm.paths import BUILD, TOP, WEIR_QEMU, shown  # noqa: E402,F401

_RESULT_LINE = re.compile(r"(not )?ok(?: \d+)?(?: - (\S+))?(?: # (.*))?$")
_PLAN_LINE = re.compile(r"1\.\.(\d+)$")


class _Tap:
    """Takes the lines of a guest's TAP and hands its results to a suite of the host."""

    def __init__(self, suite):
        self.suite = suite
        self.count = self.failed = 0
        self.plan = None

    def line(self, text):
        """One line of the job's output."""
        result = _RESULT_LINE.match(text)
        plan = _PLAN_LINE.match(text)
        if result:
            failed, name, note = bool(result.group(1)), result.group(2) or "unnamed", result.group(3) or ""
            self.count += 1
            self.failed += failed
            if self.suite.wanted(name):
                self.suite.line(not failed, name, note)
        elif plan:
            self.plan = int(plan.group(1))
        else:
            print(text if text.startswith("#") else "#   " + text, flush=True)


def run_tap(suite, name, job, devices=(), drive=None, **arguments):
    """Run a job that prints TAP; its results become results of `suite` (a tap.Suite of tests/lib) as they come.

    `name` is one test more, of the guest itself: the job got to its end, with as many results as it planned, its exit status
    fits its results, and nothing went wrong in the guest's kernel or in QEMU that was not expected. drive: a function called
    with the running Guest, for what the host has to do meanwhile. Returns the Result, or None when the guest could not be
    started (then that test has failed).
    """
    found = _Tap(suite)
    results = []

    def guest_itself():
        with Guest(job, devices, echo=found.line, name=name, **arguments) as running:
            try:
                if drive:
                    drive(running)
            except GuestError as error:
                running.kill()
                raise AssertionError("%s (%s)\n%s" % (error, running.wait().why, console_end(running.wait()))) from error
            result = running.wait()
        results.append(result)
        tests_failed = result.status == 1 and found.failed > 0
        reasons = result.reasons(ignore_status=tests_failed)
        if result.status is not None and found.plan != found.count:
            reasons.append("%d results, planned were %s" % (found.count, "none" if found.plan is None else found.plan))
        if result.status == 0 and found.failed:
            reasons.append("the job's exit status is 0 though tests failed")
        if reasons:
            raise AssertionError("%s\n%s" % ("; ".join(reasons), console_end(result)))

    suite.run(name, guest_itself)
    return results[0] if results else None


def console_end(result, lines=40):
    """The end of what the guest's kernel printed and where the logs are, to show with a failure."""
    return "\n".join(result.console.splitlines()[-lines:] + ["logs: " + shown(result.folder)])
