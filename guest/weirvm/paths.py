# SPDX-License-Identifier: BSD-3-Clause
"""Where things are in the tree."""

import contextlib
import fcntl
import os

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
GUEST_BUILD = os.path.join(BUILD, "guest")
GUEST_SOURCE = os.path.join(TOP, "guest")
WEIR_QEMU = os.path.join(BUILD, "opt", "lib", "weir-qemu.so")


def shown(path):
    """The path as shown to a user: relative to the current folder where that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(path) else path


@contextlib.contextmanager
def lock(path):
    """Hold the lock that the file `path` stands for (made if need be): one process at a time."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def replace_file(path, data):
    """Write a file so that nobody ever sees half of it."""
    temporary = "%s.%d.new" % (path, os.getpid())
    with open(temporary, "wb") as stream:
        stream.write(data)
    os.replace(temporary, path)
