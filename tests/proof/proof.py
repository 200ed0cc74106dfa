#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the Promela models of this folder with Spin, one test a property; and, so that the model is known to be able to fail,
one test for each deliberately broken protocol, which Spin must refute.

Usage: proof.py [--deep] [GLOB...]    --deep: more resets in a run, minutes instead of seconds
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import tap  # noqa: E402
import tree  # noqa: E402

MODEL = pathlib.Path(__file__).resolve().parent / "reset.pml"
BUILD = tree.TOP / "build" / "proof"

# A verifier that stores less than this did not look at the protocol at all.
LEAST_STATES = 10000

# Resets by the bus and wishes of the driver in one run: enough for a reset during the reset that answers a third one.
SAFETY_BUDGET = {"check": (2, 1), "deep": (3, 2)}
LIVENESS_BUDGET = {"check": (1, 1), "deep": (2, 1)}

# (test, switches, what is claimed): a claim is the name of an ltl formula, or "safety" for the assertions of the switches.
HOLDS = [
    ("no_dma_of_an_old_generation_once_ready", ["CHECK_DMA"], "safety"),
    ("no_interrupt_of_an_old_generation_once_ready", ["CHECK_INTERRUPT"], "safety"),
    ("no_completion_is_taken_across_generations", ["CHECK_COMPLETION"], "safety"),
    ("memory_is_never_freed_with_dma_to_come", ["CHECK_MEMORY"], "safety"),
    ("every_reset_of_the_pf_ends_in_ready", [], "pf_ready"),
    ("every_reset_of_the_vf_ends_in_ready", [], "vf_ready"),
    ("the_driver_comes_back_to_work", [], "driver_works"),
]

# (what is broken, switches, the claim that must fall)
FALLS = [
    ("firmware_that_does_not_wait_for_dma", ["BREAK_NO_QUIESCE", "CHECK_DMA"], "safety"),
    ("firmware_that_does_not_wait_for_dma_and_interrupts_late",
     ["BREAK_NO_QUIESCE", "BREAK_INTERRUPT_UNCHECKED", "CHECK_INTERRUPT"], "safety"),
    ("firmware_that_gives_old_dma_the_new_generation", ["BREAK_NO_QUIESCE", "BREAK_STALE_TAG", "CHECK_COMPLETION"], "safety"),
    ("pf_reset_that_forgets_its_vfs", ["BREAK_PF_FORGETS_VFS", "CHECK_DMA"], "safety"),
    ("firmware_that_keeps_what_was_enabled_during_the_reset", ["BREAK_KEEP_ENABLE", "CHECK_MEMORY"], "safety"),
    ("firmware_that_acknowledges_a_reset_late", ["BREAK_LATE_ACKNOWLEDGE"], "vf_ready"),
    ("firmware_that_completes_a_destruction_early", ["BREAK_DESTROY_EARLY", "CHECK_MEMORY"], "safety"),
    ("driver_without_a_second_look_at_the_generation", ["BREAK_NO_SECOND_LOOK", "CHECK_MEMORY"], "safety"),
    ("driver_that_trusts_the_generation_of_completions_alone", ["BREAK_NO_SECOND_LOOK", "CHECK_COMPLETION"], "safety"),
    ("driver_that_looks_at_no_generation_at_all",
     ["BREAK_NO_SECOND_LOOK", "BREAK_NO_GENERATION_CHECK", "CHECK_COMPLETION"], "safety"),
    ("driver_that_takes_the_old_ready_for_the_new", ["BREAK_STALE_READY", "CHECK_MEMORY"], "safety"),
    ("driver_that_frees_memory_when_the_function_is_gone", ["BREAK_FREE_WHEN_GONE", "CHECK_MEMORY"], "safety"),
    ("driver_that_ignores_transactions_pending", ["BREAK_IGNORE_PENDING", "CHECK_MEMORY"], "safety"),
    ("driver_that_masters_the_bus_again_without_a_reset", ["BREAK_NO_RESET_AFTER_CUT", "CHECK_MEMORY"], "safety"),
    ("driver_that_answers_each_reset_by_a_reset", ["BREAK_RESET_ON_RESET"], "driver_works"),
]


def run(command, folder):
    """Run a command in a folder and return what it prints; AssertionError if it fails."""
    try:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              check=False)
    except FileNotFoundError as error:
        raise AssertionError("%s is not installed: run make deps" % command[0]) from error
    text = done.stdout.decode("utf-8", "replace")
    tap.require(done.returncode == 0, "%s: exit code %d\n%s" % (command[0], done.returncode, text))
    return text


def verify(name, switches, claim, budget, options):
    """Build and run one verifier in its own folder; returns what pan prints. options: of pan."""
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    live = claim != "safety"
    defines = ["-D" + switch for switch in switches + (["LIVENESS"] if live else [])]
    run(["spin", "-DSPONTANEOUS=%d" % budget[0], "-DWISHES=%d" % budget[1]] + defines + ["-a", str(MODEL)], folder)
    mode = ["-DNFAIR=3"] if live else ["-DSAFETY", "-DNOCLAIM"]
    # What Spin generates is not written for -Wall.
    run(["gcc", "-w", "-O1", "-DMEMLIM=6144"] + mode + ["-o", "pan", "pan.c"], folder)
    text = run(["./pan", "-m1000000"] + options + (["-a", "-f", "-N", claim] if live else []), folder)
    (folder / "pan.log").write_text(text)
    return text


def errors_of(text):
    """How many errors pan found."""
    match = re.search(r"errors: (\d+)", text)
    tap.require(match, "pan came to no result\n" + text)
    return int(match.group(1))


def finding_of(text):
    """pan's own line on its first finding."""
    return next((line for line in text.splitlines() if line.startswith("pan:1:")), "nothing found")


def must_hold(result):
    """The whole state space was searched, was worth searching, and holds no error."""
    text = result()
    tap.require(errors_of(text) == 0, finding_of(text))
    for sign in ("Search not completed", "max search depth too small", "out of memory"):
        tap.require(sign not in text, "the search is not complete: " + sign)
    states = int(float(re.search(r"([\d.e+]+) states, stored", text).group(1)))
    tap.require(states >= LEAST_STATES, "only %d states" % states)
    print("#   %d states" % states)


def must_fall(result, claim):
    """pan refutes the claim: by an assertion of the model or, for an ltl formula, by an endless run."""
    text = result()
    tap.require(errors_of(text) > 0, "the broken protocol passes")
    expected = "assertion violated" if claim == "safety" else "acceptance cycle"
    tap.require(expected in finding_of(text), "refuted for another reason: " + finding_of(text))
    print("#   " + finding_of(text))


def everything_is_reached(result):
    """No statement of the model is dead but the ends of processes that have none."""
    text = result()
    dead = [line.strip() for line in text.splitlines() if re.match(r"\s+\S*reset\.pml:\d+, state", line) and '"-end-"' not in line]
    tap.require("unreached in" in text, "pan says nothing about reached states")
    tap.require(not dead, "never reached: " + "; ".join(dead))


def main():
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deep", action="store_true", help="more resets in a run")
    parser.add_argument("globs", nargs="*", help="only the tests whose names match")
    arguments = parser.parse_args()
    level = "deep" if arguments.deep else "check"
    prefix = "proof.reset_deep." if arguments.deep else "proof.reset."
    suite = tap.Suite(arguments.globs)

    def budget(claim):
        return (SAFETY_BUDGET if claim == "safety" else LIVENESS_BUDGET)[level]

    tests = [(prefix + name, switches, claim, [], must_hold, ()) for name, switches, claim in HOLDS]
    if not arguments.deep:
        tests += [(prefix + "refutes_" + name, switches, claim, [], must_fall, (claim,)) for name, switches, claim in FALLS]
        # Without the second look, so that the check of completions behind it has something to do; -E: it may well end in a deadlock.
        tests.append((prefix + "no_step_of_the_model_is_dead", ["BREAK_NO_SECOND_LOOK"], "safety", ["-E"], everything_is_reached, ()))
    with concurrent.futures.ThreadPoolExecutor(max_workers=1 if arguments.deep else 2) as pool:
        wanted = [test for test in tests if suite.wanted(test[0])]
        futures = [pool.submit(verify, name.split(".", 1)[1], switches, claim, budget(claim), options)
                   for name, switches, claim, options, _, _ in wanted]
        for future, (name, _, _, _, check, more) in zip(futures, wanted):
            suite.run(name, check, future.result, *more)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
