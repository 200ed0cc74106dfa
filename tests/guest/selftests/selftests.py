#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's own tests of network drivers (tools/testing/selftests/drivers/net of 7.2), in a guest of that kernel, on PF and VF.

    selftests.py [--function pf|vf] [--program NAME …] [--test THEIR NAME …] [GLOB of test names …]

Each test of theirs is one of ours: selftests.<program>_<function>.<test>. One that skips must stand in skips.yaml, with the rule by
which it does and a NIC on the market that skips it, too; else its skip is a failure, and so is an entry whose test runs.
"""

import argparse
import fnmatch
import os
import re
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402

# Below drivers/net of the kernel's selftests.
PROGRAMS = ["ping", "stats", "queues", "hw/csum", "hw/tso", "hw/rss_ctx", "hw/ntuple", "hw/iou-zcrx", "hw/devmem"]
# Of these only some tests: those about sending from a device's memory (devmem.py) fail, and do not skip, where a driver does not offer it.
TESTS = {"hw/devmem": ["check_rx", "check_rx_hds"]}
TREE = os.path.join(guest.BUILD, "deps", "guest", "selftests-7.2", "tree")
DISK = os.path.join(guest.BUILD, "deps", "trixie", "root.img")
LIMIT_S = 900
# The tests give the commands they run, and packets, so many seconds. So the guest's clock goes by what its processors have done, 2 ns an
# instruction, and not by what else this machine does meanwhile; while all of them wait, it goes as clocks do.
CLOCK = ["-icount", "shift=1"]

_RESULT = re.compile(r"(not )?ok \d+ (\S+)(?: # (.*))?$")
_PLAN = re.compile(r"1\.\.(\d+)$")
_OURS = re.compile(r"== (begin|end) (\S+)(?: (\d+))?$")


def test_name(program, function, their_name):
    """Ours for one of their tests, which they name program.test or program.test.variant."""
    row = os.path.basename(program)
    rest = their_name[len(row) + 1 :] if their_name.startswith(row + ".") else their_name
    return "selftests.%s_%s.%s" % (row.replace("-", "_"), function, re.sub(r"[^a-z0-9]+", "_", rest.lower()).strip("_"))


class Skips:
    """skips.yaml: which tests skip, and why."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as stream:
            self.entries = yaml.safe_load(stream) or []
        for entry in self.entries:
            missing = {"tests", "says", "rule", "nic"} - set(entry)
            if missing:
                raise SystemExit("%s: an entry without %s: %s" % (path, ", ".join(sorted(missing)), entry))

    def find(self, name):
        """The entry for a test of ours, or None."""
        for entry in self.entries:
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in entry["tests"]):
                return entry
        return None


class Reader:
    """Takes the lines of the guest's job and makes results of `suite` of them."""

    def __init__(self, suite, function, skips):
        self.suite, self.function, self.skips = suite, function, skips
        self.program = None
        self.plan, self.count = 0, 0
        self.last = ""
        self.ended = []

    def line(self, text):
        """One line."""
        ours, result, plan = _OURS.match(text), _RESULT.match(text), _PLAN.match(text)
        if ours and ours.group(1) == "begin":
            self.program, self.plan, self.count = ours.group(2), 0, 0
            print("# begin %s on the %s" % (self.program, self.function), flush=True)
        elif ours:
            self.end(int(ours.group(3)))
        elif self.program and result:
            self.result(not result.group(1), result.group(2), result.group(3) or "")
        elif self.program and plan:
            self.plan = int(plan.group(1))
        else:
            print("#   " + text, flush=True)
            # Before a failed test's result they say what it was; the last line says most.
            self.last = re.sub(r"^[# ]*(Exception\|)?\s*", "", text) or self.last

    def result(self, passed, their_name, note):
        """One result of theirs; note is what they say behind it."""
        self.count += 1
        name = test_name(self.program, self.function, their_name)
        if not self.suite.wanted(name):
            return
        word, _, why = note.partition(" ")
        entry = self.skips.find(name)
        if not passed:
            self.suite.line(False, name, tap.one_line(note or self.last))
        elif word in ("SKIP", "XFAIL"):
            if entry and re.search(entry["says"], why):
                self.suite.line(True, name, "SKIP %s: %s; so does %s" % (why, entry["rule"], entry["nic"]))
            else:
                self.suite.line(False, name, "it skips, and skips.yaml does not say why: " + why)
        elif entry:
            self.suite.line(False, name, "it passes: take it out of skips.yaml")
        else:
            self.suite.line(True, name, "")

    def end(self, status):
        """A program has ended: it must have come through."""
        name = test_name(self.program, self.function, "gets_to_its_end")
        if self.suite.wanted(name):
            whole = self.plan > 0 and self.count == self.plan and status in (0, 1)
            self.suite.line(whole, name, "" if whole else "%d of %d results, status %d" % (self.count, self.plan, status))
        self.ended.append(self.program)
        self.program = None


def run(suite, function, programs, tests, skips):
    """All programs on one function, in one guest; of each all tests, or those of these names of theirs."""
    reader = Reader(suite, function, skips)
    kernel = guest.find_kernel("7.2")
    # PROGRAM,-t,TEST,…
    words = [",".join([program] + ["-t," + test for test in tests or TESTS.get(program, [])]) for program in programs]
    wanted = "FUNCTION=%s\nPROGRAMS='%s'\nLIMIT_S=%d\n" % (function, " ".join(words), LIMIT_S)

    def guest_itself():
        result = guest.run_guest(
            os.path.join(HERE, "job.sh"),
            guest.weir_arguments() + ["-drive", "file=%s,if=none,id=debian,format=raw,readonly=on" % DISK,
                                      "-device", "virtio-blk-pci,drive=debian"] + CLOCK,
            kernel=kernel, preload=guest.WEIR_QEMU, timeout_s=600 + LIMIT_S * len(programs), memory_mb=1536, smp=2, one_thread=True,
            echo=reader.line, name="selftests." + function, programs=["/usr/bin/ping"],
            modules=[kernel.modules.path(name) for name in ("ext4", "ip_gre", "ip6_gre", "sit", "ip6_tunnel", "ipip")],
            load=["virtio_blk", "ext4"], allowed=["emulator: .*hub 0 with no nics"],
            overlay_files={"/job/net.sh": os.path.join(HERE, "..", "net", "net.sh"), "/job/wanted": wanted.encode(),
                           "/selftests": TREE})
        tap.require(result.ok, "%s\n%s" % (result.why, guest.console_end(result)))
        tap.require(reader.ended == programs, "programs that ended: %s" % reader.ended)

    suite.run("selftests.guest_%s.stays_well" % function, guest_itself)


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", choices=["pf", "vf"], action="append")
    parser.add_argument("--program", choices=PROGRAMS, action="append")
    parser.add_argument("--test", action="append", default=[], help="of the programs only this, by the name it has there")
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    skips = Skips(os.path.join(HERE, "skips.yaml"))
    for function in options.function or ["pf", "vf"]:
        run(suite, function, options.program or PROGRAMS, options.test, skips)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
