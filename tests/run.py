#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the test suites of tests/suites.yaml and counts their tests; builds nothing (make check does, then calls this).

A suite prints TAP. Each test is a line here as soon as it is known, and a test case in build/junit/<suite>.xml; everything a
suite prints lies in build/logs/<suite>.log. A suite that is killed, runs too long, exits oddly, or prints no test or fewer
than its plan is one more failed test, <suite>.run.completes. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import collections
import fnmatch
import os
import pathlib
import re
import selectors
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent
SUITES = TOP / "tests" / "suites.yaml"
LEVELS = ("check", "check-all")
KEYS = {"name": str, "command": str, "needs": list, "timeout_s": (int, float), "level": str}
OPTIONAL_KEYS = {"room": str}

RESULT = re.compile(r"^(ok|not ok)\b\s*(?:\d+)?\s*(?:-\s+)?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*$")
BEGIN = re.compile(r"^# begin (\S+)$")
TEST_NAME = re.compile(r"^[a-z0-9_]+(\.[a-z0-9_]+){2,}$")
SKIP = re.compile(r"^skip\S*\s*", re.IGNORECASE)

# After a suite has ended or was told to, how long what it left behind may take to go
GRACE_S = 5

Result = collections.namedtuple("Result", "name status reason seconds")


class Mistake(Exception):
    """What the user or suites.yaml got wrong; shown without a traceback."""


def load_suites(path):
    """The suites of a suites.yaml as a list of dicts, every field checked."""
    try:
        suites = yaml.safe_load(path.read_text()) or []
    except (OSError, yaml.YAMLError) as error:
        raise Mistake("%s: %s" % (path, error)) from error
    seen = set()
    for number, suite in enumerate(suites, 1):
        where = "%s: suite %d (%s)" % (path, number, suite.get("name", "no name") if isinstance(suite, dict) else suite)
        if not isinstance(suite, dict):
            raise Mistake(where + ": not a mapping")
        for key, kind in KEYS.items():
            if not isinstance(suite.get(key), kind) or isinstance(suite[key], bool):
                raise Mistake("%s: `%s` is missing or of a wrong type" % (where, key))
        for key in suite:
            if key not in KEYS and key not in OPTIONAL_KEYS:
                raise Mistake("%s: unknown key `%s`" % (where, key))
        if suite["level"] not in LEVELS:
            raise Mistake("%s: level is one of %s" % (where, ", ".join(LEVELS)))
        if not re.fullmatch(r"[a-z0-9_]+", suite["name"]) or suite["name"] in seen:
            raise Mistake(where + ": the name must be of its own, of a-z 0-9 _")
        if not re.fullmatch(r"[a-z0-9_]+", suite.get("room", "x")):
            raise Mistake(where + ": `room` must be of a-z 0-9 _")
        seen.add(suite["name"])
    return suites


def choose_suites(suites, level, names):
    """The suites to run: those named (whatever their level), or those of the level."""
    for name in names:
        if not any(fnmatch.fnmatchcase(suite["name"], name) for suite in suites):
            raise Mistake("no suite %s; there are: %s" % (name, " ".join(s["name"] for s in suites)))
    if names:
        return [s for s in suites if any(fnmatch.fnmatchcase(s["name"], name) for name in names)]
    return [s for s in suites if LEVELS.index(s["level"]) <= LEVELS.index(level)]


def kill_group(group, how):
    """Signal a process group that may be gone. True if there was somebody to signal."""
    try:
        os.killpg(group, how)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_group(process):
    """End every process of the suite's group: asked first, then killed. The suite itself is reaped."""
    if kill_group(process.pid, signal.SIGTERM):
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            process.poll()
            if not kill_group(process.pid, 0):
                break
            time.sleep(0.02)
        kill_group(process.pid, signal.SIGKILL)
    process.wait()


class SuiteRun:
    """One suite while it runs: turns its lines into Results and tells `report` each one."""

    def __init__(self, suite, taken, only, report):
        """taken: names of all tests seen so far in this run -> suite; only: globs, or empty for all."""
        self.suite = suite
        self.taken = taken
        self.only = only
        self.report = report
        self.results = []
        self.planned = None
        self.lines = 0
        self.not_ok = 0
        self.running = None
        self.since = time.monotonic()

    def completes(self, reason, seconds):
        """The suite did not end well: one failed test."""
        if self.running:
            reason += ", while in " + self.running
        self.add(Result(self.suite["name"] + ".run.completes", "failed", reason, seconds))

    def add(self, result):
        """Keep and report a result, unless the user did not ask for it; that a suite broke is always told."""
        own = result.name == self.suite["name"] + ".run.completes"
        if own or not self.only or any(fnmatch.fnmatchcase(result.name, glob) for glob in self.only):
            self.results.append(result)
            self.report(self.suite, result)

    def own_name(self, name):
        """The test's name under the suite's `room`."""
        return re.sub(r"^[^.]*", self.suite["room"], name) if "room" in self.suite else name

    def line(self, text):
        """Take one line of the suite's output."""
        plan, begin, match = PLAN.match(text), BEGIN.match(text), RESULT.match(text)
        if plan:
            self.planned = int(plan.group(1))
        if begin:
            self.running = self.own_name(begin.group(1))
        if not match:
            return
        now = time.monotonic()
        seconds, self.since, self.running = now - self.since, now, None
        self.lines += 1
        name, _, note = match.group(2).partition("#")
        name, note = self.own_name(name.strip()), note.strip()
        skip = SKIP.match(note)
        if match.group(1) == "not ok":
            status, reason = "failed", note
            self.not_ok += 1
        elif skip:
            status, reason = "skipped", note[skip.end():]
        else:
            status, reason = "passed", ""
        if not TEST_NAME.match(name):
            status, reason = "failed", "a test's name is room.row.behaviour, of a-z 0-9 _"
        elif name in self.taken:
            status, reason = "failed", "suite %s has a test of this name already" % self.taken[name]
        elif status == "skipped" and not reason:
            status, reason = "failed", "skipped without saying why"
        self.taken.setdefault(name, self.suite["name"])
        self.add(Result(name, status, reason, seconds))

    def read(self, process, log, deadline):
        """Read the suite's output to its end, at most until the deadline (time.monotonic). True if it came to its end."""
        selector = selectors.DefaultSelector()
        selector.register(process.stdout, selectors.EVENT_READ)
        rest = b""
        while True:
            left = deadline - time.monotonic()
            # A child that outlives the suite may hold the pipe open: the suite's own end counts.
            if left <= 0:
                return False
            if selector.select(min(left, 0.5)):
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    break
            elif process.poll() is not None:
                break
            else:
                continue
            log.write(data)
            log.flush()
            *lines, rest = (rest + data).split(b"\n")
            for text in lines:
                self.line(text.decode("utf-8", "replace").rstrip("\r"))
        if rest:
            self.line(rest.decode("utf-8", "replace"))
        while process.poll() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def run(self, log_path):
        """Run the suite; its Results are in self.results."""
        started = time.monotonic()
        environment = dict(os.environ, BUILD="build", PYTHONUNBUFFERED="1")
        environment.pop("MAKEFLAGS", None)
        environment.pop("MAKELEVEL", None)
        with open(log_path, "wb") as log:
            process = subprocess.Popen(["bash", "-c", self.suite["command"]], cwd=TOP, env=environment, bufsize=0,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       start_new_session=True)
            try:
                ended = self.read(process, log, started + self.suite["timeout_s"])
            finally:
                end_group(process)
                process.stdout.close()
        seconds = time.monotonic() - started
        code = process.returncode
        if not ended:
            self.completes("killed after %g s (timeout_s)" % self.suite["timeout_s"], seconds)
        elif code < 0:
            self.completes("killed by %s" % signal.Signals(-code).name, seconds)
        elif code > 128 and code - 128 in [s.value for s in signal.Signals]:
            self.completes("killed by %s" % signal.Signals(code - 128).name, seconds)
        elif self.lines == 0:
            self.completes("exit code %d and not one test" % code, seconds)
        elif self.planned is not None and self.planned != self.lines:
            self.completes("%d tests were planned, %d were run" % (self.planned, self.lines), seconds)
        elif code != 0 and not self.not_ok:
            self.completes("exit code %d, though no test failed" % code, seconds)
        elif code == 0 and self.not_ok:
            self.completes("exit code 0, though tests failed", seconds)
        return seconds


def write_junit(path, suite, results, seconds, log_path):
    """One JUnit XML file a suite."""
    def clean(text):
        return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", text)

    counts = collections.Counter(result.status for result in results)
    top = xml.Element("testsuite", name=suite, tests=str(len(results)), failures=str(counts["failed"]),
                      skipped=str(counts["skipped"]), errors="0", time="%.3f" % seconds)
    for result in results:
        group, _, _ = clean(result.name).rpartition(".")
        case = xml.SubElement(top, "testcase", classname=group, name=clean(result.name), time="%.3f" % result.seconds)
        if result.status == "failed":
            xml.SubElement(case, "failure", message=clean(result.reason)).text = "log: %s" % log_path
        elif result.status == "skipped":
            xml.SubElement(case, "skipped", message=clean(result.reason))
    xml.ElementTree(top).write(path, encoding="utf-8", xml_declaration=True)


def report_line(suite, result):
    """One line of progress."""
    word = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[result.status]
    print("%s %8.2f s  %-14s %s%s" % (word, result.seconds, suite["name"], result.name,
                                      "  # " + result.reason if result.reason else ""), flush=True)


def close(runs, count_path):
    """Print the closing summary of [(suite name, log path, results)], and write its last line to a file of its own (.ci/run
    prints that after make's own last words); returns main()'s exit code."""
    results = [(suite, log, result) for suite, log, own in runs for result in own]
    for status, title in (("skipped", "Skipped:"), ("failed", "Failed:")):
        chosen = [entry for entry in results if entry[2].status == status]
        if chosen:
            print("\n" + title)
        for _, log, result in chosen:
            print("  %s: %s" % (result.name, result.reason or "no reason given"))
            if status == "failed":
                print("      log: %s" % log)
    counts = collections.Counter(result.status for _, _, result in results)
    count = "%d passed, %d failed, %d skipped" % (counts["passed"], counts["failed"], counts["skipped"])
    count_path.write_text(count + "\n")
    print("\n" + count, flush=True)
    return 1 if counts["failed"] or not results else 0


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description="Runs the suites of tests/suites.yaml; `make check` builds first.")
    parser.add_argument("--level", choices=LEVELS, default="check", help="check (default), or check-all: the long ones too")
    parser.add_argument("--suite", action="append", default=[], metavar="NAME", help="only this suite, of any level (a glob)")
    parser.add_argument("--only", action="append", default=[], metavar="GLOB",
                        help="count only tests whose names match; suites run whole")
    parser.add_argument("--suites", type=pathlib.Path, default=SUITES, metavar="FILE", help="another suites.yaml")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build"), metavar="FOLDER",
                        help="where junit/ and logs/ go (default build)")
    parser.add_argument("--list", action="store_true", help="print the suites that would run, and end")
    parser.add_argument("--print-needs", action="store_true", help="print the make targets these suites need, and end")
    parser.add_argument("--build-failed", action="store_true", help="run nothing: the tree did not build, one failed test")
    return parser.parse_args()


def main():
    """Returns the exit code."""
    arguments = parse_arguments()
    try:
        suites = choose_suites(load_suites(arguments.suites), arguments.level, arguments.suite)
    except Mistake as mistake:
        print("tests/run.py: %s" % mistake, file=sys.stderr)
        return 2
    if arguments.print_needs:
        print(" ".join(dict.fromkeys(need for suite in suites for need in suite["needs"])))
        return 0
    if arguments.list:
        for suite in suites:
            print("%-20s %-10s %6g s  %s" % (suite["name"], suite["level"], suite["timeout_s"], suite["command"]))
        return 0

    os.chdir(TOP)
    junit, logs = arguments.output / "junit", arguments.output / "logs"
    junit.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    if not arguments.suite:
        for old in junit.glob("*.xml"):
            # `make bench` is a run of its own: what it found stays until its next one.
            if old.stem.partition("-")[0] != "bench":
                old.unlink()
    if arguments.build_failed:
        result = Result("build.tree.compiles", "failed", "make failed; its messages are above", 0)
        write_junit(junit / "build.xml", "build", [result], 0, "none")
        return close([("build", "none", [result])], logs / "count")

    runs, taken = [], {}
    for suite in suites:
        log_path = logs / (suite["name"] + ".log")
        run = SuiteRun(suite, taken, arguments.only, report_line)
        seconds = run.run(log_path)
        write_junit(junit / (suite["name"] + ".xml"), suite["name"], run.results, seconds, log_path)
        runs.append((suite["name"], log_path, run.results))
    return close(runs, logs / "count")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
