#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Static checks of the tree, one test a room and checker: clang-format, cppcheck, shellcheck, python's compiler.

Kernel modules are checked where they are built, by sparse and W=1: clang-format and cppcheck leave them out.
Arguments are shell globs of test names, for example 'lint.firmware.*'. --format formats the C files instead (make format).
"""

import collections
import os
import re
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
import tap  # noqa: E402
import tree  # noqa: E402

CPPCHECK = [
    "cppcheck", "--quiet", "--std=c11", "--language=c", "--platform=unix64", "--enable=warning,portability",
    "--inline-suppr", "--suppressions-list=tests/lint/cppcheck.suppressions", "--error-exitcode=1",
    "--max-configs=4", "-j2", "-D__GNUC__=12", "-D__x86_64__=1", "-D__BYTE_ORDER__=1234", "-D__ORDER_LITTLE_ENDIAN__=1234",
    "-D__VA_OPT__(...)=__VA_ARGS__",  # younger than this cppcheck
    "-DSEC(name)=",  # of BPF programs
    "-Ispecs/include", "-Ifirmware/include", "-Ihwsim/include", "-Ivfio-user/include", "-Itests/lib",
]

FORMATTED = "c_is_formatted"


def run_tool(command):
    """Run a checker from the top of the tree; AssertionError with what it printed if it finds something."""
    try:
        done = subprocess.run(command, cwd=tree.TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise AssertionError("%s is not installed: run make deps" % command[0]) from error
    tap.require(done.returncode == 0, done.stdout.decode("utf-8", "replace").strip() or "%s: exit code %d" % (
        command[0], done.returncode))


def clang_format(paths):
    """C files are formatted as .clang-format says."""
    try:
        run_tool(["clang-format", "--style=file", "--dry-run", "-Werror"] + paths)
    except AssertionError as failure:
        lines = collections.Counter(re.findall(r"^([^\s:]+):\d+:\d+: error", str(failure), re.MULTILINE))
        if not lines:
            raise
        raise AssertionError("`make format` would change %d files: %s" % (len(lines), ", ".join(
            "%s (%d places)" % item for item in lines.items()))) from None


def cppcheck(paths):
    """cppcheck finds nothing that is not in its suppressions, where each has its reason."""
    room = tree.room(tree.pathlib.PurePath(paths[0]))
    cache = tree.TOP / "build" / "lint" / "cppcheck" / room
    cache.mkdir(parents=True, exist_ok=True)
    run_tool(CPPCHECK + ["--cppcheck-build-dir=%s" % cache] + paths)


def shellcheck(paths):
    """shellcheck finds nothing, the files a script sources included."""
    run_tool(["shellcheck", "--external-sources", "--source-path=SCRIPTDIR:."] + paths)


def python(paths):
    """Python files compile without a warning, in Debian's python."""
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                compile((tree.TOP / path).read_bytes(), path, "exec", dont_inherit=True)
            except (SyntaxError, SyntaxWarning, DeprecationWarning, ValueError) as error:
                raise AssertionError("%s: %s" % (path, error)) from error


def checks_of(path):
    """The (behaviour, function) pairs that apply to a file."""
    if tree.is_c(path) and not tree.is_kernel(path) and not tree.is_generated(path):
        yield FORMATTED, clang_format
        if path.suffix == ".c":
            yield "cppcheck_finds_nothing", cppcheck
    if tree.is_shell(path):
        yield "shellcheck_finds_nothing", shellcheck
    if tree.is_python(path):
        yield "python_compiles", python


def main():
    """Returns the exit code."""
    if sys.argv[1:] == ["--format"]:
        paths = [str(path) for path in tree.files() if (FORMATTED, clang_format) in checks_of(path)]
        return subprocess.run(["clang-format", "--style=file", "-i"] + paths, cwd=tree.TOP, check=False).returncode
    suite = tap.Suite(sys.argv[1:])
    work = collections.defaultdict(list)
    for path in tree.files():
        for behaviour, function in checks_of(path):
            work["lint.%s.%s" % (tree.room(path), behaviour), function].append(str(path))
    for (name, function), paths in sorted(work.items(), key=lambda item: item[0][0]):
        suite.run(name, function, paths)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
