# SPDX-License-Identifier: BSD-3-Clause
"""Archives in the "newc" cpio format, as the kernel unpacks them into its first root file system.

Written here and not by cpio(1) because device nodes then need no root, and an archive is the same bytes for the same input.
The format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""

import os
import stat

MAGIC = b"070701"
END_OF_ARCHIVE = "TRAILER!!!"


def _padded(data):
    """The bytes with zeros appended up to a multiple of four."""
    return data + bytes(-len(data) % 4)


class Archive:
    """Collects files, then gives the archive as bytes. Paths are absolute, as they will be in the guest.

    Parent directories come by themselves. Adding a path twice keeps the later one.
    """

    def __init__(self):
        self._entries = {}

    def __contains__(self, path):
        return self._key(path) in self._entries

    def paths(self):
        """Everything in the archive, as absolute paths."""
        return ["/" + name for name in self._entries]

    @staticmethod
    def _key(path):
        name = os.path.normpath("/" + path).lstrip("/")
        if not name:
            raise ValueError("the root directory itself cannot be put in an archive")
        return name

    def _add(self, path, mode, data=b"", device=(0, 0)):
        name = self._key(path)
        parent = os.path.dirname(name)
        if parent and parent not in self._entries:
            self._add(parent, stat.S_IFDIR | 0o755)
        self._entries.pop(name, None)
        self._entries[name] = (mode, data, device)

    def directory(self, path, mode=0o755):
        """An empty directory."""
        self._add(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        """A file with the given content (bytes or str)."""
        self._add(path, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def link(self, path, target):
        """A symbolic link that says `target`."""
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path, major, minor, mode=0o600):
        """A character device node."""
        self._add(path, stat.S_IFCHR | mode, device=(major, minor))

    def copy(self, source, path):
        """The host's file `source` with its permissions; a directory with everything in it. Links inside it stay links."""
        mode = os.stat(source).st_mode
        if stat.S_ISREG(mode):
            with open(source, "rb") as stream:
                self.file(path, stream.read(), stat.S_IMODE(mode))
            return
        if not stat.S_ISDIR(mode):
            raise ValueError("%s is neither a file nor a directory" % source)
        self.directory(path, stat.S_IMODE(mode))
        for name in sorted(os.listdir(source)):
            child = os.path.join(source, name)
            if os.path.islink(child):
                self.link(os.path.join(path, name), os.readlink(child))
            elif os.path.isfile(child) or os.path.isdir(child):
                self.copy(child, os.path.join(path, name))

    def to_bytes(self):
        """The whole archive, a multiple of four bytes long, so that another can be put behind it."""
        parts = []
        for number, (name, (mode, data, device)) in enumerate(self._entries.items(), start=1):
            parts.append(self._record(number, name, mode, data, device))
        parts.append(self._record(0, END_OF_ARCHIVE, 0, b"", (0, 0)))
        return b"".join(parts)

    @staticmethod
    def _record(number, name, mode, data, device):
        links = 1  # more than one would make the kernel look for hard links
        fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name.encode()) + 1, 0)
        head = MAGIC + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        return _padded(head) + _padded(data)
