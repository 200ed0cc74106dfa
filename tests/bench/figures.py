# SPDX-License-Identifier: BSD-3-Clause
"""From samples to figures: samples of one placement of the CPUs, medians, ratios, a table and build/bench.json."""

import collections
import json
import statistics
import xml.etree.ElementTree as xml

# Samples whose probes lie this close together are of one placement.
REGIME_RATIO = 1.3

# Turns in which both had a good sample, below which nothing is said about the spread of their ratios.
PAIRS_LEAST = 3

# turn: those of one turn were taken right after each other.
Sample = collections.namedtuple("Sample", "name value probe_ns turn")

# ratio: the median of the turns' ratios; half of them lie from ratio_low to ratio_high. samples: turns (without a peer: values).
Figure = collections.namedtuple("Figure", "case metric unit ours peer peer_value ratio probe_ns samples ratio_low ratio_high")


def alone(case, metric, unit, value, samples):
    """A Figure without a peer."""
    return Figure(case, metric, unit, value, None, None, None, None, samples, None, None)


def by_name(samples, names):
    """{name: [Sample]}, also of a name that has none."""
    return {name: [sample for sample in samples if sample.name == name] for name in names}


def regime(samples, names):
    """Of samples by several names, ours first, those of the placement that gives most to compare: {name: [Sample]}."""
    best = by_name([], names)
    for low in sorted({sample.probe_ns for sample in samples}):
        found = by_name([sample for sample in samples if low <= sample.probe_ns <= low * REGIME_RATIO], names)
        if fullness(found) > fullness(best):
            best = found
    return best


def fullness(found):
    """Turns in which the scarcest peer has a sample beside ours, then samples in all."""
    ours, *peers = ({sample.turn for sample in samples} for samples in found.values())
    return min(len(ours & peer) for peer in peers), sum(map(len, found.values()))


def compare(case, metric, unit, found, ours):
    """A Figure for each peer. found: as from regime()."""
    def median(name):
        return statistics.median(sample.value for sample in found[name])

    figures = []
    for peer in [name for name in found if name != ours]:
        theirs = {sample.turn: sample.value for sample in found[peer]}
        ratios = [sample.value / theirs[sample.turn] for sample in found[ours] if sample.turn in theirs]
        probe_ns = round(statistics.median(sample.probe_ns for sample in found[ours] + found[peer]), 1)
        low = high = None
        ratio = statistics.median(ratios) if ratios else None
        if len(ratios) >= PAIRS_LEAST:
            low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        figures.append(Figure(case, metric, unit, median(ours), peer, median(peer), ratio, probe_ns, len(ratios), low, high))
    return figures


def pairs(case, metric, unit, ours, peer, theirs):
    """A Figure of values that were measured in pairs, without a probe."""
    ratios = [one / other for one, other in zip(ours, theirs)]
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Figure(case, metric, unit, statistics.median(ours), peer, statistics.median(theirs), ratio, None, len(ratios), low, high)


def shown(value):
    """A number for people."""
    if value is None:
        return "-"
    if value >= 1e6:
        return "%.2f M" % (value / 1e6)
    for most, digits in ((100, 2), (10000, 1)):
        if value < most:
            return "%.*f" % (digits, value)
    return "%.0f" % value


def table(figures):
    """The figures as lines of text."""
    rows = [("case", "metric", "weir", "peer", "its value", "ratio", "half of them in", "probe", "samples")]
    for figure in figures:
        rows.append((figure.case, figure.metric + ", " + figure.unit, shown(figure.ours), figure.peer or "-",
                     shown(figure.peer_value), "-" if figure.ratio is None else "%.2f" % figure.ratio,
                     "-" if figure.ratio_low is None else "%.2f to %.2f" % (figure.ratio_low, figure.ratio_high),
                     "-" if figure.probe_ns is None else "%.0f ns" % figure.probe_ns, str(figure.samples)))
    return aligned(rows)


def aligned(rows):
    """Rows of words as lines of text, in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows)


def write_junit(path, name, passed, reason):
    """The one test of a run as tests/rows.py reads it. passed: None if the run could not tell, and reason says why."""
    top = xml.Element("testsuite", name=path.stem, tests="1", failures=str(int(passed is False)),
                      skipped=str(int(passed is None)), errors="0")
    case = xml.SubElement(top, "testcase", classname=name.rpartition(".")[0], name=name)
    if not passed:
        xml.SubElement(case, "skipped" if passed is None else "failure", message=reason)
    path.parent.mkdir(parents=True, exist_ok=True)
    xml.ElementTree(top).write(path, encoding="utf-8", xml_declaration=True)


def write(path, figures):
    """The figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump([figure._asdict() for figure in figures], file, indent=1)
        file.write("\n")
