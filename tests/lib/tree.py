# SPDX-License-Identifier: BSD-3-Clause
"""The source files of the tree, and what kind each is: shared by the lint and doors suites."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

NOT_OURS = {".git", "build", "__pycache__"}

# Where a Linux kernel module is built, code follows the kernel's own style. Other modules (tests bring some) are told by
# their Kbuild file.
DRIVER_FOLDERS = ("driver-common", "pf-driver", "vf-driver")
QEMU_FOLDER = "hwsim/attach/qemu"

# Written by specs/generate.py
GENERATED_FOLDER = "specs/include"


def files():
    """Every file of the tree except what git, make and python leave, as paths relative to TOP, sorted."""
    found = []
    folders = [TOP]
    while folders:
        for entry in folders.pop().iterdir():
            if entry.name in NOT_OURS or entry.is_symlink():
                continue
            if entry.is_dir():
                folders.append(entry)
            elif not re.search(r"(\.mod\.c|\.mod|\.ko|\.o|\.cmd)$|^(Module\.symvers|modules\.order)$", entry.name):
                found.append(entry.relative_to(TOP))
    return sorted(found)


def within(path, folder):
    """Whether a relative path lies in a folder (also relative)."""
    return pathlib.PurePath(folder) in path.parents


def is_c(path):
    """C source or header."""
    return path.suffix in (".c", ".h")


def is_kernel(path):
    """Part of a Linux kernel module."""
    if any(within(path, folder) for folder in DRIVER_FOLDERS):
        return True
    return any((TOP / folder / "Kbuild").exists() for folder in path.parents if folder != pathlib.PurePath("."))


def is_generated(path):
    """Written by a program; the program is what is looked at."""
    return within(path, GENERATED_FOLDER)


def shebang(path):
    """The first line of a file that begins with #!, or the empty string."""
    with open(TOP / path, "rb") as file:
        line = file.readline(200)
    return line.decode("utf-8", "replace").strip() if line.startswith(b"#!") else ""


def is_shell(path):
    """A shell script, by its name or its first line."""
    return path.suffix == ".sh" or (path.suffix == "" and re.search(r"\b(ba|da|)sh\b", shebang(path)) is not None)


def is_python(path):
    """A python program or module."""
    return path.suffix == ".py" or (path.suffix == "" and "python" in shebang(path))


def room(path):
    """The top folder a path lies in, as a word for a test's name; the top folder itself is `top`."""
    first = path.parts[0].strip(".").replace("-", "_").lower() if len(path.parts) > 1 else "top"
    return first
