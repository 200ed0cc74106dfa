#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Prints which feature rows the last test run proves: `make rows`.

tests/rows.yaml is a list of {row, text, tests: [names or globs], note, section}; the last two may be left out. A row is
  proven    every name or glob of it met a test of the last run, and all those tests passed
  failing   one of its tests failed
  not yet   it has no tests, or one of its names met none, or none that was not skipped
The last run is what lies in build/junit: after a part of the suites was run alone, the other files are of an earlier run.
"""

import argparse
import fnmatch
import pathlib
import sys
import textwrap
import xml.etree.ElementTree as xml

import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent
STATES = ("proven", "failing", "not yet")
KEYS = {"row": str, "text": str, "tests": list, "note": str, "section": str}
OPTIONAL_KEYS = ("note", "section")


class Mistake(Exception):
    """What the user or rows.yaml got wrong."""


def load_rows(path):
    """The rows of rows.yaml, checked."""
    try:
        rows = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise Mistake("%s: %s" % (path, error)) from error
    if not isinstance(rows, list) or not rows:
        raise Mistake("%s: not a list of rows" % path)
    seen = set()
    for number, row in enumerate(rows, 1):
        where = "%s: row %d" % (path, number)
        if not isinstance(row, dict):
            raise Mistake(where + ": not a mapping")
        for key, kind in KEYS.items():
            if not isinstance(row.get(key), kind) and (key in row or key not in OPTIONAL_KEYS):
                raise Mistake("%s: `%s` is missing or of a wrong type" % (where, key))
        if set(row) - set(KEYS) or not all(isinstance(test, str) for test in row["tests"]):
            raise Mistake("%s: unknown keys, or tests that are not strings" % where)
        if row["row"] in seen:
            raise Mistake("%s: `%s` is there twice" % (where, row["row"]))
        seen.add(row["row"])
    return rows


def load_results(folder):
    """{test name: "passed" | "failed" | "skipped"} of the JUnit files in a folder."""
    results = {}
    for path in sorted(folder.glob("*.xml")):
        try:
            cases = xml.parse(path).getroot().iter("testcase")
        except xml.ParseError as error:
            raise Mistake("%s: %s" % (path, error)) from error
        for case in cases:
            if case.find("failure") is not None or case.find("error") is not None:
                results[case.get("name")] = "failed"
            else:
                results.setdefault(case.get("name"), "skipped" if case.find("skipped") is not None else "passed")
    return results


def judge(row, results):
    """(state, [lines that say by which tests, or what is missing]) of one row."""
    lines, failing, missing = [], False, not row["tests"]
    for glob in row["tests"]:
        met = {name: results[name] for name in results if fnmatch.fnmatchcase(name, glob)}
        passed = sum(status == "passed" for status in met.values())
        if passed:
            lines.append("%s: passed" % glob if passed == 1 and glob in met else "%s: %d passed" % (glob, passed))
        for name, status in sorted(met.items()):
            if status != "passed":
                lines.append("%s: %s" % (name, status))
        if not met:
            lines.append("%s: not run" % glob)
        failing = failing or "failed" in met.values()
        missing = missing or not passed
    if not row["tests"]:
        lines.append("no test")
    return "failing" if failing else "not yet" if missing else "proven", lines


def main():
    """Returns the exit code: 0 the table was printed, 2 it could not be."""
    parser = argparse.ArgumentParser(description="Prints which feature rows the last test run proves.")
    parser.add_argument("--rows", type=pathlib.Path, default=TOP / "tests" / "rows.yaml", metavar="FILE")
    parser.add_argument("--junit", type=pathlib.Path, default=TOP / "build" / "junit", metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        rows, results = load_rows(arguments.rows), load_results(arguments.junit)
    except Mistake as mistake:
        print("tests/rows.py: %s" % mistake, file=sys.stderr)
        return 2
    if not results:
        print("No tests have been run here yet: make check.\n")
    width = max(len(row["row"]) for row in rows)
    counts = dict.fromkeys(STATES, 0)
    section = None
    for row in rows:
        if row.get("section", section) != section:
            section = row["section"]
            print("\n  == %s ==" % section)
        state, lines = judge(row, results)
        counts[state] += 1
        margin = " " * (width + 11)
        print(textwrap.fill("%-*s  %-7s  %s" % (width, row["row"], state, " ".join(row["text"].split())), 120,
                            subsequent_indent=margin, break_long_words=False, break_on_hyphens=False))
        for line in lines:
            print(margin + "  " + line)
        if row.get("note"):
            print(textwrap.fill(row["note"], 120, initial_indent=margin + "  note: ", subsequent_indent=margin + "  "))
    print("\n%d rows: %s" % (len(rows), ", ".join("%d %s" % (counts[state], state) for state in STATES)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
