# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of specs/ share: the parsed yaml, and running a program."""

import functools
import pathlib
import subprocess
import sys

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SPECS = TOP / "specs"
INCLUDE = SPECS / "include"
HEADERS = ("weir/weir_abi.h", "weir/weir_tables.h", "weir/weir_config_space.h")


@functools.lru_cache(maxsize=None)
def spec():
    """specs/weir.yaml, parsed anew here: not through the generator, whose output is tested. Not to be changed."""
    return yaml.safe_load((SPECS / "weir.yaml").read_text())


def run(command, cwd=TOP, given=None):
    """Run a program; returns (exit code, everything it printed). AssertionError if it is not installed."""
    try:
        done = subprocess.run([str(word) for word in command], cwd=cwd, input=given, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, text=True)
    except FileNotFoundError as error:
        raise AssertionError("%s is not installed: run make deps" % command[0]) from error
    return done.returncode, done.stdout


def run_well(command, cwd=TOP, given=None):
    """Run a program that has to end with 0; returns what it printed."""
    code, text = run(command, cwd, given)
    tap.require(code == 0, "%s: exit code %d\n%s" % (command[0], code, text))
    return text


def bits(text):
    """'7:4' as (shift, width)."""
    high, _, low = str(text).partition(":")
    low = int(low or high)
    return low, int(high) - low + 1
