# SPDX-License-Identifier: BSD-3-Clause
"""TAP for suites written in Python.

    sys.path.insert(0, "tests/lib")
    import tap

    def carrier_comes_up():
        tap.require(carrier() == 1, "carrier is %d" % carrier())

    suite = tap.Suite(sys.argv[1:])
    suite.run("guest.link.carrier_comes_up", carrier_comes_up)
    sys.exit(suite.done())

A test fails by any exception; tap.Skip skips it. The arguments of Suite are shell globs: only tests whose names match run.
"""

import fnmatch
import sys
import traceback


class Skip(Exception):
    """Raised by a test to end as skipped; the text says what is missing here and how to get it."""


def require(condition, why):
    """Fail the running test with the text `why` unless the condition holds."""
    if not condition:
        raise AssertionError(why)


def one_line(text):
    """The text as one line, as a TAP reason must be."""
    return " ".join(str(text).split())


class Suite:
    """Counts and prints TAP lines on standard output, each as soon as it is known."""

    def __init__(self, only=()):
        """only: shell globs of the test names to run; empty for all."""
        self.only = list(only)
        self.count = 0
        self.failed = 0

    def wanted(self, name):
        """Whether the command line asked for this test."""
        return not self.only or any(fnmatch.fnmatchcase(name, glob) for glob in self.only)

    def line(self, passed, name, note=""):
        """Print one result; note is the reason of a failure or 'SKIP why'."""
        self.count += 1
        self.failed += not passed
        print("%s %d - %s%s" % ("ok" if passed else "not ok", self.count, name, " # " + note if note else ""), flush=True)

    def run(self, name, function, *arguments):
        """Run one test: function(*arguments) passes if it returns, and fails or skips by exception. Returns True if it passed."""
        if not self.wanted(name):
            return False
        print("# begin " + name, flush=True)
        try:
            function(*arguments)
        except Skip as skip:
            self.line(True, name, "SKIP " + one_line(skip))
            return False
        except AssertionError as failure:
            for extra in str(failure).splitlines()[1:]:
                print("#   " + extra)
            self.line(False, name, one_line(str(failure).split("\n", 1)[0]) or "assertion failed")
            return False
        except Exception as error:  # pylint: disable=broad-except
            for extra in traceback.format_exc().splitlines():
                print("#   " + extra)
            self.line(False, name, one_line("%s: %s" % (type(error).__name__, error)))
            return False
        self.line(True, name)
        return True

    def done(self):
        """Print the plan; returns main()'s exit code: 0 all passed, 1 a test failed, 2 no test was run."""
        print("1..%d" % self.count, flush=True)
        if self.count == 0:
            print("no test has this name", file=sys.stderr)
            return 2
        return 1 if self.failed else 0
