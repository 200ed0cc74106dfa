#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs one libFuzzer target for a while, as a suite: nothing may be found, and its door must be covered.

    tests/fuzz/run.py NAME --room ROOM --seconds N --least PERCENT [--deferred] DOOR...

NAME is the target (tests/fuzz/NAME_fuzz.c, tests/fuzz/corpus/NAME), ROOM the first word of the tests' names, DOOR the source
files that stand between the input and the rest: at least PERCENT of their lines must have run, all of them together. With
--seconds 0 the committed corpus alone is run. With --deferred the target is run a second time, as long, in the home where the
hardware answers late; what either has reached counts.

What the fuzzer finds is left in build/fuzz/found/NAME, and the corpus it has grown in build/fuzz/corpus/NAME, from where
--merge copies to the committed one those inputs that cover more than it does.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = TOP / os.environ.get("BUILD", "build")

# libFuzzer's defaults would let one input take 20 minutes.
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=16384", "-print_final_stats=1"]


def run(command, seconds, stderr=subprocess.STDOUT, **more):
    """Run a command to its end; returns (exit code, output). Its output is shown as TAP comments when it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=stderr, check=False,
                          stdin=subprocess.DEVNULL, timeout=seconds, cwd=TOP, **more)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def tail(text, lines=60):
    """The end of an output, for a failure's explanation."""
    return "\n".join(text.splitlines()[-lines:])


class Fuzzer:
    """One target and its folders."""

    def __init__(self, name, homes):
        """homes: what its programs' names end in."""
        self.name = name
        self.homes = homes
        self.programs = [BUILD / "fuzz" / "bin" / (name + home) for home in homes]
        self.counters = [BUILD / "fuzz-coverage" / "bin" / (name + home) for home in homes]
        self.seeds = TOP / "tests" / "fuzz" / "corpus" / name
        self.grown = BUILD / "fuzz" / "corpus" / name
        self.found = BUILD / "fuzz" / "found" / name
        for folder in (self.grown, self.found):
            folder.mkdir(parents=True, exist_ok=True)

    def corpus_is_clean(self, program):
        """Every committed input runs without a finding."""
        inputs = sorted(self.seeds.iterdir())
        tap.require(inputs, "there is no corpus in %s" % self.seeds)
        code, output = run([program, "-timeout=20"] + inputs, 600)
        tap.require(code == 0, "exit code %d\n%s" % (code, tail(output)))

    def finds_nothing(self, program, seconds):
        """New inputs neither."""
        code, output = run([program, "-max_total_time=%d" % seconds, "-artifact_prefix=%s/" % self.found]
                           + LIMITS + [self.grown, self.seeds], seconds + 300)
        tap.require(code == 0, "exit code %d; the input is in %s\n%s" % (code, self.found, tail(output)))
        for line in output.splitlines():
            if line.startswith(("stat::number_of_executed_units", "stat::average_exec_per_sec")):
                print("# " + line)

    def covers(self, doors, least):
        """The corpora together reach the lines of the door."""
        for door in doors:
            tap.require((TOP / door).is_file(), "there is no file %s" % door)
        profiles = []
        for counter in self.counters:
            profiles.append(counter.parent.parent / (counter.name + ".profraw"))
            profiles[-1].unlink(missing_ok=True)
            code, output = run([counter, "-runs=0", self.grown, self.seeds], 900,
                               env={**os.environ, "LLVM_PROFILE_FILE": str(profiles[-1])})
            tap.require(code == 0, "exit code %d\n%s" % (code, tail(output)))
        merged = profiles[0].with_suffix(".profdata")
        code, output = run(["llvm-profdata-14", "merge", "-sparse"] + profiles + ["-o", merged], 120)
        tap.require(code == 0, output)
        # It warns of inline functions in headers that a program has, but does not use.
        more = [word for counter in self.counters[1:] for word in ("-object", counter)]
        code, output = run(["llvm-cov-14", "export", "-summary-only", "-instr-profile=%s" % merged, self.counters[0]] + more
                           + [TOP / door for door in doors], 120, stderr=None)
        tap.require(code == 0, "llvm-cov-14 failed")
        covered = total = 0
        for file in json.loads(output)["data"][0]["files"]:
            lines = file["summary"]["lines"]
            covered += lines["covered"]
            total += lines["count"]
            print("# %5.1f %% of %4d lines: %s" % (lines["percent"], lines["count"],
                                                  os.path.relpath(file["filename"], TOP)))
        tap.require(total > 0, "llvm-cov knows none of these files")
        percent = 100.0 * covered / total
        print("# %5.1f %% of %4d lines: the door of %s" % (percent, total, self.name))
        tap.require(percent >= least, "%.1f %% of the door's lines are covered, at least %.1f %% must be" % (percent, least))

    def merge(self):
        """Copy what covers more to the committed corpus."""
        for program in self.programs:
            code, output = run([program, "-merge=1", self.seeds, self.grown], 900)
            tap.require(code == 0, tail(output))


def main():
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("name")
    parser.add_argument("doors", nargs="+", metavar="DOOR")
    parser.add_argument("--room", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--least", type=float, default=90.0)
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("--deferred", action="store_true")
    arguments = parser.parse_args()
    fuzzer = Fuzzer(arguments.name, ["", "-deferred"] if arguments.deferred else [""])
    suite = tap.Suite()
    for home, program in zip(fuzzer.homes, fuzzer.programs):
        where = "_in_the_deferred_home" if home else ""
        suite.run("%s.fuzz.committed_corpus_is_clean%s" % (arguments.room, where), fuzzer.corpus_is_clean, program)
        if arguments.seconds > 0:
            suite.run("%s.fuzz.fuzzing_finds_nothing%s" % (arguments.room, where), fuzzer.finds_nothing, program,
                      arguments.seconds)
    suite.run("%s.fuzz.the_door_is_covered" % arguments.room, fuzzer.covers, arguments.doors, arguments.least)
    if arguments.merge:
        fuzzer.merge()
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
