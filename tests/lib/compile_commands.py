#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes compile_commands.json, from which editors (clangd) learn how each file is compiled.

    compile_commands.py OUTPUT OBJECTS    OBJECTS: build/opt/obj, where make leaves a .compile (the command) and a .link (the
                                          sources) stamp of each target
"""

import json
import pathlib
import sys


def entries(objects):
    """One entry for every source of every target; a source of several targets has several."""
    for stamp in sorted(objects.glob("*/.compile")):
        command = stamp.read_text().split("\n", 1)[0]
        for source in (stamp.parent / ".link").read_text().split("\n", 1)[0].split():
            output = (stamp.parent / source).with_suffix(".o")
            yield {"directory": str(pathlib.Path.cwd()), "file": source, "output": str(output),
                   "command": "%s -c -o %s %s" % (command, output, source)}


def main():
    """Returns the exit code."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(entries(pathlib.Path(sys.argv[2])))
    pathlib.Path(sys.argv[1]).write_text(json.dumps(found, indent=1) + "\n")
    print("  JSON     %s: %d files" % (sys.argv[1], len(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
