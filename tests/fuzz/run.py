#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs one libFuzzer target for a while, as a suite: nothing may be found, and its door must be covered.

    tests/fuzz/run.py NAME --room ROOM --seconds N --least PERCENT DOOR...

NAME is the target (tests/fuzz/NAME_fuzz.c, tests/fuzz/corpus/NAME), ROOM the first word of the tests' names, DOOR the source
files that stand between the input and the rest: at least PERCENT of their lines must have run, all of them together. With
--seconds 0 the committed corpus alone is run.

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


def run(command, seconds, **more):
    """Run a command to its end; returns (exit code, output). Its output is shown as TAP comments when it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          stdin=subprocess.DEVNULL, timeout=seconds, cwd=TOP, **more)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def tail(text, lines=60):
    """The end of an output, for a failure's explanation."""
    return "\n".join(text.splitlines()[-lines:])


class Fuzzer:
    """One target and its folders."""

    def __init__(self, name):
        self.name = name
        self.program = BUILD / "fuzz" / "bin" / name
        self.counter = BUILD / "fuzz-coverage" / "bin" / name
        self.seeds = TOP / "tests" / "fuzz" / "corpus" / name
        self.grown = BUILD / "fuzz" / "corpus" / name
        self.found = BUILD / "fuzz" / "found" / name
        self.profile = BUILD / "fuzz-coverage" / (name + ".profraw")
        for folder in (self.grown, self.found):
            folder.mkdir(parents=True, exist_ok=True)

    def corpus_is_clean(self):
        """Every committed input runs without a finding."""
        inputs = sorted(self.seeds.iterdir())
        tap.require(inputs, "there is no corpus in %s" % self.seeds)
        code, output = run([self.program, "-timeout=20"] + inputs, 600)
        tap.require(code == 0, "exit code %d\n%s" % (code, tail(output)))

    def finds_nothing(self, seconds):
        """New inputs neither."""
        code, output = run([self.program, "-max_total_time=%d" % seconds, "-artifact_prefix=%s/" % self.found]
                           + LIMITS + [self.grown, self.seeds], seconds + 300)
        tap.require(code == 0, "exit code %d; the input is in %s\n%s" % (code, self.found, tail(output)))
        for line in output.splitlines():
            if line.startswith(("stat::number_of_executed_units", "stat::average_exec_per_sec")):
                print("# " + line)

    def covers(self, doors, least):
        """The corpora together reach the lines of the door."""
        for door in doors:
            tap.require((TOP / door).is_file(), "there is no file %s" % door)
        self.profile.unlink(missing_ok=True)
        code, output = run([self.counter, "-runs=0", self.grown, self.seeds], 900,
                           env={**os.environ, "LLVM_PROFILE_FILE": str(self.profile)})
        tap.require(code == 0, "exit code %d\n%s" % (code, tail(output)))
        merged = self.profile.with_suffix(".profdata")
        code, output = run(["llvm-profdata-14", "merge", "-sparse", self.profile, "-o", merged], 120)
        tap.require(code == 0, output)
        code, output = run(["llvm-cov-14", "export", "-summary-only", "-instr-profile=%s" % merged, self.counter]
                           + [TOP / door for door in doors], 120)
        tap.require(code == 0, output)
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
        code, output = run([self.program, "-merge=1", self.seeds, self.grown], 900)
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
    arguments = parser.parse_args()
    fuzzer = Fuzzer(arguments.name)
    suite = tap.Suite()
    suite.run("%s.fuzz.committed_corpus_is_clean" % arguments.room, fuzzer.corpus_is_clean)
    if arguments.seconds > 0:
        suite.run("%s.fuzz.fuzzing_finds_nothing" % arguments.room, fuzzer.finds_nothing, arguments.seconds)
    suite.run("%s.fuzz.the_door_is_covered" % arguments.room, fuzzer.covers, arguments.doors, arguments.least)
    if arguments.merge:
        fuzzer.merge()
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
