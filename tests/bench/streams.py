# SPDX-License-Identifier: BSD-3-Clause
"""What a TCP stream in a guest brings and costs: from readings of counters to figures, a table and a plot."""

import collections
import statistics
import subprocess

import figures

GIGABIT_BYTES = 1e9 / 8

# when_s: by the host's clock. received_bytes: by the receiving socket. guest_s: the time that the guest's processors were busy, all
# together, as the guest tells it. host_s: what QEMU's process has had of the host's processors.
Reading = collections.namedtuple("Reading", "when_s received_bytes guest_s host_s")

# rate: Gb/s; guest_cost, host_cost: seconds of a processor for a gigabit.
Stream = collections.namedtuple("Stream", "rate guest_cost host_cost")

# Stream's fields as metrics: what they are called, and their unit.
METRICS = {
    "rate": ("iperf3 throughput", "Gb/s"),
    "guest_cost": ("guest's CPU time", "s/Gb"),
    "host_cost": ("QEMU's CPU time", "s/Gb"),
}


def between(before, after):
    """The Stream between two Readings. Raises AssertionError when nothing has come."""
    gigabits = (after.received_bytes - before.received_bytes) / GIGABIT_BYTES
    if gigabits <= 0:
        raise AssertionError("the stream stands still")
    return Stream(gigabits / (after.when_s - before.when_s), (after.guest_s - before.guest_s) / gigabits,
                  (after.host_s - before.host_s) / gigabits)


def text(stream):
    """A Stream in a few words."""
    return "%.3f Gb/s, guest %.2f s/Gb, QEMU %.2f s/Gb" % stream


def of_field(found, field):
    """The same samples with one field of their Streams as value."""
    return {name: [sample._replace(value=getattr(sample.value, field)) for sample in samples] for name, samples in found.items()}


def compare(case, found, ours):
    """figures.compare() for each metric. found: {name: [Sample]}, the values Streams."""
    return [figure for field, (metric, unit) in METRICS.items()
            for figure in figures.compare(case, metric, unit, of_field(found, field), ours)]


def middle(values):
    """(first quartile, median, third quartile)"""
    if len(values) < 2:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))


def rows(found, base):
    """For each name with samples: (name, {field: (low, median, high)}, ratio of its rate to base's in the same turn or None, samples)."""
    based = {sample.turn: sample.value.rate for sample in found[base]}
    made = []
    for name, samples in found.items():
        if not samples:
            continue
        ratios = [sample.value.rate / based[sample.turn] for sample in samples if sample.turn in based]
        made.append((name, {field: middle([getattr(sample.value, field) for sample in samples]) for field in METRICS},
                     statistics.median(ratios) if ratios else None, len(samples)))
    return made


def table(found, base):
    """The streams side by side, as lines of text; of each its share of what base moves."""
    lines = [["", *("%s, %s" % metric for metric in METRICS.values()), "of " + base, "samples"]]
    for name, fields, ratio, samples in rows(found, base):
        lines.append([name, *("%.2f (%.2f to %.2f)" % (fields[field][1], fields[field][0], fields[field][2]) for field in METRICS),
                      "-" if ratio is None else "%.2f" % ratio, str(samples)])
    return figures.aligned(lines)


def gnuplot_commands(found, base, output):
    """What gnuplot is told: a panel for each metric, a bar for each name, from quartile to quartile a line on it."""
    made = rows(found, base)
    quoted = [name.replace("\\", "").replace('"', "") for name, *_ in made]
    lines = ['set terminal svg size 1200,480 background "white"', 'set output "%s"' % output, "set multiplot layout 1,%d" % len(METRICS),
             "set style fill solid 0.6 border", "set boxwidth 0.6", "set yrange [0:*]", "set grid ytics", "unset key",
             "set xrange [-0.7:%g]" % (len(made) - 0.3), "set xtics rotate by -30",
             "set xtics (%s)" % ", ".join('"%s" %d' % pair[::-1] for pair in enumerate(quoted)), "set rmargin 8"]
    for field, (metric, unit) in METRICS.items():
        block = "$" + field
        lines += ["%s << END" % block]
        lines += ["%d %g %g %g" % (place, fields[field][1], fields[field][0], fields[field][2])
                  for place, (_name, fields, _ratio, _samples) in enumerate(made)]
        lines += ["END", 'set title "%s, %s"' % (metric, unit),
                  'plot %s using 1:2 with boxes linecolor rgb "#4477aa", %s using 1:2:3:4 with yerrorbars linecolor rgb "black" pointtype 0'
                  % (block, block)]
    return "\n".join(lines + ["unset multiplot", ""])


def plot(found, base, output):
    """Draws an SVG. Raises AssertionError where there is no gnuplot."""
    try:
        subprocess.run(["gnuplot"], input=gnuplot_commands(found, base, output), encoding="utf-8", check=True)
    except FileNotFoundError as error:
        raise AssertionError("no plot: gnuplot is missing (make deps installs it)") from error
