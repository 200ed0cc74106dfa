# SPDX-License-Identifier: BSD-3-Clause
"""From samples to figures: samples of one placement of the CPUs, medians, ratios, a table and build/bench.json."""

import collections
import json
import statistics

# Samples whose probes lie this close together are of one placement.
REGIME_RATIO = 1.3

Sample = collections.namedtuple("Sample", "name value probe_ns")

Figure = collections.namedtuple("Figure", "case metric unit ours peer peer_value ratio probe_ns samples")


def regime(samples, names):
    """Of samples by several names those of the placement in which the scarcest name has most: {name: [Sample]}."""
    best = {name: [] for name in names}
    for low in sorted({sample.probe_ns for sample in samples}):
        inside = [sample for sample in samples if low <= sample.probe_ns <= low * REGIME_RATIO]
        found = {name: [sample for sample in inside if sample.name == name] for name in names}
        if fullness(found) > fullness(best):
            best = found
    return best


def fullness(found):
    """Samples of the scarcest name, then of all."""
    return min(map(len, found.values())), sum(map(len, found.values()))


def compare(case, metric, unit, found, ours):
    """A Figure for each peer; one without a peer if there is none. found: as from regime()."""
    def median(name):
        return statistics.median(sample.value for sample in found[name])

    peers = [name for name in found if name != ours]
    figures = []
    for peer in peers or [None]:
        used = found[ours] + (found[peer] if peer else [])
        figures.append(Figure(
            case, metric, unit, median(ours), peer, median(peer) if peer else None,
            median(ours) / median(peer) if peer else None, round(statistics.median(sample.probe_ns for sample in used), 1),
            min(len(found[ours]), len(found[peer]) if peer else len(found[ours]))))
    return figures


def shown(value):
    """A number for people."""
    if value is None:
        return "-"
    if value >= 1e6:
        return "%.2f M" % (value / 1e6)
    return "%.1f" % value if value < 10000 else "%.0f" % value


def table(figures):
    """The figures as lines of text."""
    rows = [("case", "metric", "weir", "peer", "its value", "ratio", "probe", "samples")]
    for figure in figures:
        rows.append((figure.case, figure.metric + ", " + figure.unit, shown(figure.ours), figure.peer or "-",
                     shown(figure.peer_value), "-" if figure.ratio is None else "%.2f" % figure.ratio,
                     "-" if figure.probe_ns is None else "%.0f ns" % figure.probe_ns, str(figure.samples)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows)


def write(path, figures):
    """The figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump([figure._asdict() for figure in figures], file, indent=1)
        file.write("\n")
