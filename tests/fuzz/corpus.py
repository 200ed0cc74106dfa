#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs every fuzzer's committed corpus again, without the fuzzer: build/asan/bin/fuzz-replay-*.

    tests/fuzz/corpus.py [GLOB...]      tests to run, all without
"""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = TOP / os.environ.get("BUILD", "build") / "asan" / "bin"
CORPORA = TOP / "tests" / "fuzz" / "corpus"


def runs_clean(program, corpus):
    """The program ends well, and has run every input."""
    done = subprocess.run([str(program), str(corpus)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          stdin=subprocess.DEVNULL, timeout=240)
    output = done.stdout.decode("utf-8", "replace")
    inputs = sum(1 for _ in corpus.iterdir())
    tap.require(done.returncode == 0, "exit code %d\n%s" % (done.returncode, "\n".join(output.splitlines()[-60:])))
    tap.require(inputs and output.endswith("# %d inputs\n" % inputs), "not all of the %d inputs were run" % inputs)


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for corpus in sorted(CORPORA.iterdir()):
        programs = [PROGRAMS / ("fuzz-replay-" + corpus.name), PROGRAMS / ("fuzz-replay-%s-deferred" % corpus.name)]
        for program, where in zip(programs, ("", "_in_the_deferred_home")):
            if where and corpus.name == "vfio_user":
                continue
            suite.run("%s.fuzz.corpus_runs_clean%s" % (corpus.name, where), runs_clean, program, corpus)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
