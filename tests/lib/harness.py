#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests what the other tests rest on: tests/run.py, weir_cunit, tap.sh, tap.py, tests/rows.py, tests/bench/{figures,streams}.py.

Arguments are shell globs of test names.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))
import figures  # noqa: E402
import streams  # noqa: E402
import tap  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PYTHON = "/usr/bin/python3"
SAMPLE = "build/opt/bin/harness-sample"


def call(*command):
    """Run a command from the top of the tree; (exit code, output)."""
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    return done.returncode, done.stdout


def expect(output, *parts):
    """Every part must be in the output."""
    for part in parts:
        tap.require(part in output, "no `%s` in the output:\n%s" % (part, output))


class Run:
    """One run of tests/run.py on suites of its own."""

    def __init__(self, *suites, arguments=()):
        """suites: (name, command) or (name, command, {keys of suites.yaml to change})."""
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            text = ""
            for name, command, *keys in suites:
                entry = dict({"needs": "[]", "timeout_s": 10, "level": "check"}, **(keys[0] if keys else {}))
                text += "- name: %s\n  command: |\n    %s\n" % (name, command.replace("\n", "\n    "))
                text += "".join("  %s: %s\n" % item for item in entry.items())
            (self.folder / "suites.yaml").write_text(text)
            started = time.monotonic()
            self.code, self.output = call(PYTHON, "tests/run.py", "--suites", folder + "/suites.yaml", "--output", folder,
                                          *arguments)
            self.seconds = time.monotonic() - started
            self.last = (self.output.splitlines() or [""])[-1]
            self.junit = {path.stem: xml.parse(path).getroot() for path in self.folder.glob("junit/*.xml")}
            self.logs = {path.stem: path.read_text() for path in self.folder.glob("logs/*.log")}

    def require(self, code, last, *parts):
        """The exit code, the last line, and parts of the output must be these."""
        expect(self.output, *parts)
        tap.require(self.last == last, "last line `%s`, expected `%s`:\n%s" % (self.last, last, self.output))
        tap.require(self.code == code, "exit code %d, expected %d:\n%s" % (self.code, code, self.output))


def counts_and_reports():
    run = Run(("one", "echo 'ok 1 - a.b.first'; echo 'ok - a.b.second # SKIP no card'; echo 1..2"),
              ("two", "echo 'not ok 1 - a.c.third # file.c:3: x is 1'; exit 1"))
    run.require(1, "1 passed, 1 failed, 1 skipped", "one            a.b.first", "a.c.third: file.c:3: x is 1", "logs/two.log")
    tap.require(set(run.junit) == {"one", "two"}, "junit files: %s" % sorted(run.junit))
    one, two = run.junit["one"], run.junit["two"]
    tap.require(one.get("tests") == "2" and one.get("skipped") == "1" and one.get("failures") == "0", "counts of one.xml")
    tap.require([case.get("name") for case in one] == ["a.b.first", "a.b.second"], "cases of one.xml")
    tap.require(two.find("testcase/failure").get("message") == "file.c:3: x is 1", "message in two.xml")
    expect(run.logs["two"], "not ok 1 - a.c.third")


def all_passed_is_success():
    Run(("one", "echo 'ok 1 - a.b.first'")).require(0, "1 passed, 0 failed, 0 skipped")


def nothing_run_is_no_success():
    Run(("one", "echo 'ok 1 - a.b.first'"), arguments=["--only", "x.*"]).require(1, "0 passed, 0 failed, 0 skipped")


def suite_without_tests_fails():
    Run(("mute", "true")).require(1, "0 passed, 1 failed, 0 skipped", "mute.run.completes: exit code 0 and not one test")
    Run(("gone", "no-such-command")).require(1, "0 passed, 1 failed, 0 skipped", "gone.run.completes: exit code 127")


def short_of_its_plan_fails():
    Run(("short", "echo 1..3; echo 'ok 1 - a.b.c'")).require(
        1, "1 passed, 1 failed, 0 skipped", "short.run.completes: 3 tests were planned, 1 were run")


def exit_code_must_agree():
    Run(("s", "echo 'ok 1 - a.b.c'; exit 3")).require(
        1, "1 passed, 1 failed, 0 skipped", "s.run.completes: exit code 3, though no test failed")
    Run(("s", "echo 'not ok 1 - a.b.c # bad'")).require(
        1, "0 passed, 2 failed, 0 skipped", "s.run.completes: exit code 0, though tests failed")


def killed_suite_fails_and_names_the_test():
    run = Run(("dies", "echo 'ok - a.b.c'; echo '# begin a.b.d'; kill -SEGV $$"))
    run.require(1, "1 passed, 1 failed, 0 skipped", "dies.run.completes: killed by SIGSEGV, while in a.b.d")


def alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        return "\nState:\tZ" not in pathlib.Path("/proc/%d/status" % pid).read_text()
    except FileNotFoundError:
        return False


def pids(log):
    """The numbers in lines `pid N` of a log."""
    return [int(line.split()[1]) for line in log.splitlines() if line.startswith("pid ")]


def timeout_kills_the_whole_group():
    run = Run(("slow", "echo 'ok - a.b.c'; (trap '' TERM; while :; do sleep 1; done) & echo pid $!; echo pid $$; sleep 100",
               {"timeout_s": 1}))
    run.require(1, "1 passed, 1 failed, 0 skipped", "slow.run.completes: killed after 1 s")
    started = pids(run.logs["slow"])
    tap.require(len(started) == 2 and not any(map(alive, started)), "still alive of %s" % started)
    tap.require(run.seconds < 15, "took %.1f s" % run.seconds)


def what_a_suite_leaves_is_ended():
    run = Run(("leaves", "sleep 100 & echo pid $!; echo 'ok - a.b.c'"))
    run.require(0, "1 passed, 0 failed, 0 skipped")
    tap.require(not alive(pids(run.logs["leaves"])[0]), "the sleep lives on")
    tap.require(run.seconds < 5, "took %.1f s" % run.seconds)


def a_name_twice_is_an_error():
    Run(("one", "echo 'ok - a.b.c'"), ("two", "echo 'ok - a.b.c'")).require(
        1, "1 passed, 1 failed, 0 skipped", "a.b.c: suite one has a test of this name already")
    Run(("one", "echo 'ok - a.b.c'"), ("two", "echo 'ok - a.b.c'", {"room": "z"})).require(
        0, "2 passed, 0 failed, 0 skipped", "z.b.c")


def a_bad_name_or_bare_skip_is_an_error():
    Run(("one", "echo 'ok - Just a name'")).require(1, "0 passed, 1 failed, 0 skipped", "room.row.behaviour")
    Run(("one", "echo 'ok - a.b.c # SKIP'")).require(1, "0 passed, 1 failed, 0 skipped", "skipped without saying why")


def level_and_choice():
    both = (("short", "echo 'ok - a.b.c'"), ("long", "echo 'ok - a.b.d'", {"level": "check-all"}))
    Run(*both).require(0, "1 passed, 0 failed, 0 skipped")
    Run(*both, arguments=["--level", "check-all"]).require(0, "2 passed, 0 failed, 0 skipped")
    Run(*both, arguments=["--suite", "long"]).require(0, "1 passed, 0 failed, 0 skipped", "a.b.d")
    unknown = Run(*both, arguments=["--suite", "nix"])
    tap.require(unknown.code == 2, "exit code %d" % unknown.code)
    expect(unknown.output, "no suite nix; there are: short long")


def a_mistake_in_suites_yaml_is_told():
    for keys, message in (({"timeout_s": "soon"}, "`timeout_s` is missing or of a wrong type"), ({"level": "x"}, "level is"),
                          ({"colour": "red"}, "unknown key `colour`")):
        run = Run(("one", "true", keys))
        tap.require(run.code == 2, "exit code %d" % run.code)
        expect(run.output, message)


def needs_are_printed_once():
    run = Run(("a", "true", {"needs": "[x, y]"}), ("b", "true", {"needs": "[y, z]"}), arguments=["--print-needs"])
    run.require(0, "x y z")


def failed_build_is_one_failed_test():
    Run(("one", "echo 'ok - a.b.c'"), arguments=["--build-failed"]).require(
        1, "0 passed, 1 failed, 0 skipped", "build.tree.compiles")


def cunit_prints_tap():
    code, output = call(SAMPLE, "*passes", "*goes_on", "*requirement", "*loop", "*is_skipped", "*then_skips")
    tap.require(code == 1, "exit code %d" % code)
    expect(output, "1..6\n", "ok 1 - sample.end.passes\n",
           "not ok 2 - sample.end.fails_and_goes_on # tests/lib/harness_sample.c:", "answer is 41 (0x29), expected 42 = 42",
           "differs from \"abd\" at byte 2 of 3: 63, expected 64", "answer == 43",
           "1 is 1 (0x1), expected 2 = 2", "1000 expectations failed in all",
           "ok 5 - sample.end.is_skipped # SKIP no /dev/vfio here: load the module\n",
           "not ok 6 - sample.end.fails_and_then_skips")


def cunit_runs_one_test_by_name():
    tap.require(call(SAMPLE, "sample.end.passes") == (0, "1..1\n# begin sample.end.passes\nok 1 - sample.end.passes\n"),
                "other output than one test's")
    code, output = call(SAMPLE, "sample.end.nothing")
    tap.require(code == 2, "exit code %d for an unknown name" % code)
    expect(output, "no test has this name")
    tap.require(call(SAMPLE, "--list")[1].count("\n") == 9, "--list")


def cunit_crash_hang_and_early_exit_are_seen():
    Run(("s", SAMPLE + " '*crashes'")).require(
        1, "0 passed, 1 failed, 0 skipped", "killed by SIGABRT, while in sample.end.crashes")
    Run(("s", SAMPLE + " '*passes' '*early'")).require(
        1, "1 passed, 1 failed, 0 skipped", "2 tests were planned, 1 were run, while in sample.end.exits_early")
    Run(("s", SAMPLE + " '*hangs'", {"timeout_s": 1})).require(
        1, "0 passed, 1 failed, 0 skipped", "killed after 1 s (timeout_s), while in sample.end.hangs")


def shell_tap():
    script = """
        . tests/lib/tap.sh
        tap_ok a.b.one
        tap_skip a.b.two no card
        tap_run a.b.three sh -c 'echo said; exit 4'
        tap_run a.b.four true && tap_ok a.b.five
        tap_not_ok a.b.six broken
        tap_done
        echo not reached"""
    for shell in (["sh"], ["bash"], ["busybox", "sh"]):
        code, output = call(*shell, "-c", script)
        tap.require(code == 1, "%s: exit code %d" % (shell, code))
        expect(output, "ok 1 - a.b.one\n", "ok 2 - a.b.two # SKIP no card\n", "#   said\n",
               "not ok 3 - a.b.three # exit code 4: said\n", "ok 4 - a.b.four\n", "ok 5 - a.b.five\n",
               "not ok 6 - a.b.six # broken\n", "\n1..6\n")
        tap.require("not reached" not in output, "tap_done does not end the script")


def rows_are_judged_by_the_last_run():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "junit").mkdir()
        (folder / "junit" / "s.xml").write_text(
            '<testsuite name="s"><testcase name="a.b.passes"/><testcase name="a.b.fails"><failure message="m"/></testcase>'
            '<testcase name="a.b.skips"><skipped message="m"/></testcase></testsuite>')
        (folder / "rows.yaml").write_text("""
- {row: good, text: t, tests: [a.b.pass*]}
- {row: bad, text: t, tests: [a.b.passes, a.b.fails]}
- {row: half, text: t, tests: [a.b.passes, a.b.other], note: the other one is missing}
- {row: skipping, text: t, tests: [a.b.skips]}
- {row: empty, text: t, tests: []}
""")
        rows = [PYTHON, "tests/rows.py", "--rows", name + "/rows.yaml", "--junit", name + "/junit"]
        code, output = call(*rows)
        tap.require(code == 0, "exit code %d: %s" % (code, output))
        words = {line.split()[0]: line for line in output.splitlines() if line and not line.startswith(" ")}
        for row, state in (("good", "proven"), ("bad", "failing"), ("half", "not yet"), ("skipping", "not yet"),
                           ("empty", "not yet")):
            tap.require(state in words.get(row, ""), "row %s is not `%s`:\n%s" % (row, state, output))
        expect(output, "a.b.other: not run", "a.b.skips: skipped", "a.b.fails: failed", "the other one is missing")
        tap.require(output.splitlines()[-1] == "5 rows: 1 proven, 1 failing, 3 not yet", output)
        (folder / "rows.yaml").write_text("- {row: good, text: t, tests: a}\n")
        tap.require(call(*rows)[0] == 2, "a mistake in rows.yaml is taken")


def ratios_are_of_neighbours_in_one_placement():
    sample = figures.Sample
    near = [sample("we", 30.0 + turn, 100 + turn, turn) for turn in range(5)]
    near += [sample("they", 20.0, 101 + turn, turn) for turn in range(4)]
    far = [sample(name, 1.0, 500, turn) for turn in range(5, 8) for name in ("we", "they")]
    found = figures.regime(near + far, ["we", "they"])
    tap.require([len(found[name]) for name in ("we", "they")] == [5, 4], "placement: %s" % found)
    figure = figures.compare("case", "metric", "unit", found, "we")[0]
    tap.require((figure.ours, figure.peer_value, round(figure.ratio, 9), figure.samples) == (32.0, 20.0, 1.575, 4),
                "figure: %s" % (figure,))
    tap.require(figure.ratio_low < figure.ratio < figure.ratio_high, "spread: %s" % (figure,))
    expect(figures.table([figure]), "1.54 to 1.61")
    # Without a turn in which both were good nothing is compared.
    found = {"we": near[:1], "they": near[6:7]}
    tap.require(figures.compare("case", "metric", "unit", found, "we")[0].ratio is None, "a ratio of nothing")


def a_benchs_mark_is_read_by_rows():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "rows.yaml").write_text("- {row: speed, text: t, tests: [bench.peers.*]}\n")
        for passed, state in ((True, "proven"), (False, "failing"), (None, "not yet")):
            figures.write_junit(folder / "junit" / "bench.xml", "bench.peers.x", passed, "why & <how>")
            code, output = call(PYTHON, "tests/rows.py", "--rows", name + "/rows.yaml", "--junit", name + "/junit")
            tap.require(code == 0 and "1 " + state in output, "%s: %s" % (passed, output))


def stream(rate, guest_cost, host_cost, name="we", turn=0):
    """A sample of a stream."""
    return figures.Sample(name, streams.Stream(rate, guest_cost, host_cost), 100, turn)


def a_streams_rate_and_cost_are_of_the_time_between_its_readings():
    # 250 MB are 2 Gb: in 4 s, for which the guest's processors worked 5 s and the host's 3.
    found = streams.between(streams.Reading(100.0, 1000, 7.0, 50.0), streams.Reading(104.0, 250001000, 12.0, 53.0))
    tap.require(found == (0.5, 2.5, 1.5), "stream: %s" % (found,))
    try:
        streams.between(streams.Reading(0, 5, 0, 0), streams.Reading(1, 5, 1, 1))
    except AssertionError:
        return
    raise AssertionError("a stream that stands still has a cost")


def streams_are_compared_turn_by_turn():
    # Everything is twice as fast in the second turn: the ratio is not.
    found = {"we": [stream(1, 6, 3), stream(2, 3, 1.5, turn=1)], "bare": [stream(4, 2, 1, "bare"), stream(8, 1, 0.5, "bare", 1)], "none": []}
    ratios = {figure.metric: figure.ratio for figure in streams.compare("case", {name: found[name] for name in ("we", "bare")}, "we")}
    tap.require(ratios == {"iperf3 throughput": 0.25, "guest's CPU time": 3, "QEMU's CPU time": 3}, "ratios: %s" % ratios)
    expect(streams.table(found, "bare"), "1.50 (1.25 to 1.75)", "4.50 (3.75 to 5.25)", " 0.25 ", " 1.00 ")
    tap.require("none" not in streams.table(found, "bare"), "a row without a sample")


def a_plot_has_a_bar_for_each_stream():
    found = {"we": [stream(1, 6, 3), stream(2, 3, 1.5, turn=1)], 'a "bare"': [stream(4, 2, 1)]}
    expect(streams.gnuplot_commands(found, "we", "out.svg"), 'set output "out.svg"', 'set xtics ("we" 0, "a bare" 1)',
           "$rate << END\n0 1.5 1.25 1.75\n1 4 4 4\nEND", "$host_cost << END\n0 2.25 1.875 2.625\n1 1 1 1\nEND")


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for row, function in (
            ("run", counts_and_reports), ("run", all_passed_is_success), ("run", nothing_run_is_no_success),
            ("run", suite_without_tests_fails), ("run", short_of_its_plan_fails), ("run", exit_code_must_agree),
            ("run", killed_suite_fails_and_names_the_test), ("run", timeout_kills_the_whole_group),
            ("run", what_a_suite_leaves_is_ended), ("run", a_name_twice_is_an_error),
            ("run", a_bad_name_or_bare_skip_is_an_error), ("run", level_and_choice),
            ("run", a_mistake_in_suites_yaml_is_told), ("run", needs_are_printed_once),
            ("run", failed_build_is_one_failed_test), ("tap", cunit_prints_tap), ("tap", cunit_runs_one_test_by_name),
            ("tap", cunit_crash_hang_and_early_exit_are_seen), ("tap", shell_tap),
            ("rows", rows_are_judged_by_the_last_run), ("bench", ratios_are_of_neighbours_in_one_placement),
            ("bench", a_benchs_mark_is_read_by_rows),
            ("bench", a_streams_rate_and_cost_are_of_the_time_between_its_readings), ("bench", streams_are_compared_turn_by_turn),
            ("bench", a_plot_has_a_bar_for_each_stream)):
        suite.run("harness.%s.%s" % (row, function.__name__), function)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
