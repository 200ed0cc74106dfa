# SPDX-License-Identifier: BSD-3-Clause
"""Samples in turns: of Weir and its peers right after each other, each between two readings of the cache-line probe."""

import collections
import itertools
import time

import figures
import machine

# How much a case takes: turns of one sample each that must be good, and when it makes do with fewer. repeats: of what has no peer.
# talks: every sample is shown. keeps: samples taken while somebody else had the CPUs, or while these moved, count like others.
Effort = collections.namedtuple("Effort", "rounds sample_s settle_s longest_s repeats talks keeps")


def say(text):
    """Tell the user at once."""
    print(text, flush=True)


def take_turns(everybody, effort, cpus, take, text=figures.shown):
    """Samples of all setups in turn until each has enough of one placement: {name: [Sample]}.

    everybody: what is measured, ours first, each with a name. take: a function of one of them that returns what it measured, and the
    part of the time that somebody else had the CPUs. text: what it measured, for people.
    """
    names = [setup.name for setup in everybody]
    samples, tried = [], 0
    end = time.monotonic() + effort.longest_s
    before = machine.probe_ns(cpus)
    for turn in itertools.count():
        for setup in everybody:
            value, disturbed = take(setup)
            after = machine.probe_ns(cpus)
            tried += 1
            good = effort.keeps or (disturbed <= machine.WAITED_MOST and max(before, after) <= min(before, after) * machine.PROBE_RATIO)
            if good:
                samples.append(figures.Sample(setup.name, value, (before + after) / 2, turn))
            if effort.talks:
                say("    %-20s %8s  probes %.0f and %.0f ns, disturbed %.1f %%%s" % (
                    setup.name, text(value), before, after, 100 * disturbed, "" if good else ", thrown away"))
            before = after
        found = (figures.by_name if effort.keeps else figures.regime)(samples, names)
        if figures.fullness(found)[0] >= effort.rounds or time.monotonic() > end:
            say("  %d samples taken, %d good, %d of one placement" % (tried, len(samples), sum(map(len, found.values()))))
            return found
