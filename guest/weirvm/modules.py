# SPDX-License-Identifier: BSD-3-Clause
"""A kernel's loadable modules: what they need, and the index files from which modprobe learns it.

Debian's kernel package holds no such index (depmod makes it at installation), so it is read from the modules themselves:
every module carries a section .modinfo with lines such as depends=, alias= and vermagic=.
"""

import dataclasses
import lzma
import os
import struct

from .errors import GuestError

SUFFIXES = (".ko", ".ko.xz")


def module_name(path):
    """The name under which the kernel lists a module: the file's, with underscores."""
    name = os.path.basename(path)
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)].replace("-", "_")
    return name.replace("-", "_")


def read_module(path):
    """A module's ELF image, unpacked if need be."""
    with open(path, "rb") as stream:
        data = stream.read()
    if path.endswith(".xz"):
        try:
            data = lzma.decompress(data)
        except lzma.LZMAError as error:
            raise GuestError("%s: %s" % (path, error)) from error
    return data


def modinfo(image, path="module"):
    """The .modinfo of a 64-bit little-endian ELF image: a list of (key, value). `path` is for messages."""
    try:
        if image[:6] != b"\x7fELF\x02\x01":
            raise GuestError("%s is not a 64-bit kernel module" % path)
        (table,) = struct.unpack_from("<Q", image, 0x28)
        entry_bytes, count, names_index = struct.unpack_from("<HHH", image, 0x3A)

        def section(index):
            """Offset of the section's name among the names, and its content."""
            name, _kind, _flags, _address, offset, size = struct.unpack_from("<IIQQQQ", image, table + index * entry_bytes)
            return name, image[offset : offset + size]

        _, names = section(names_index)
        for index in range(count):
            name, content = section(index)
            if names[name : names.index(b"\0", name)] == b".modinfo":
                lines = (line.decode("utf-8", "replace") for line in content.split(b"\0") if line)
                return [tuple(line.partition("=")[::2]) for line in lines]
    except (struct.error, ValueError) as error:
        raise GuestError("%s is damaged: %s" % (path, error)) from error
    raise GuestError("%s has no .modinfo: not a kernel module" % path)


@dataclasses.dataclass
class Module:
    """One module: its name, the host's file, and from its .modinfo what it depends on, its aliases, softdeps and the
    release of the kernel it was built for (None if it doesn't say)."""

    name: str
    path: str
    depends: list = dataclasses.field(default_factory=list)
    aliases: list = dataclasses.field(default_factory=list)
    softdeps: list = dataclasses.field(default_factory=list)
    release: str = None

    @classmethod
    def read(cls, path):
        """The module in the file `path`."""
        module = cls(module_name(path), path)
        for key, value in modinfo(read_module(path), path):
            if key == "depends":
                module.depends = [module_name(name) for name in value.split(",") if name]
            elif key == "alias":
                module.aliases.append(value)
            elif key == "softdep":
                module.softdeps.append(value)
            elif key == "vermagic":
                module.release = value.split(" ")[0]
        return module


class ModuleTree:
    """The modules of one kernel, by name. `folder` is lib/modules/RELEASE, or any folder of modules; None for no modules."""

    def __init__(self, folder):
        self.folder = folder
        self._paths = {}
        self._loaded = {}
        self._builtin = set()
        if folder is None:
            return
        if not os.path.isdir(folder):
            raise GuestError("%s is no folder of modules" % folder)
        for where, _folders, names in os.walk(folder):
            for name in names:
                if name.endswith(SUFFIXES):
                    self._paths.setdefault(module_name(name), os.path.join(where, name))
        try:
            with open(os.path.join(folder, "modules.builtin"), encoding="utf-8") as stream:
                self._builtin = {module_name(line.strip()) for line in stream}
        except FileNotFoundError:
            pass

    def is_builtin(self, name):
        """Whether the kernel has that module built in, as far as modules.builtin says."""
        return module_name(name) in self._builtin

    def path(self, name):
        """The file of the module of that name, or None."""
        return self._paths.get(module_name(name))

    def get(self, name):
        """The Module of that name, or None if there is no such file."""
        name = module_name(name)
        if name not in self._loaded:
            path = self.path(name)
            self._loaded[name] = Module.read(path) if path else None
        return self._loaded[name]

    def closure(self, wanted):
        """The modules in `wanted` that exist, with all they depend on: {name: Module}."""
        found = {}
        queue = list(wanted)
        while queue:
            module = self.get(queue.pop())
            if module is None or module.name in found:
                continue
            found[module.name] = module
            queue += module.depends
        return found


def _dependencies(name, modules, seen=()):
    """Everything `name` needs, so ordered that each comes before what it itself needs, as modprobe reads it."""
    ordered = []
    for needed in modules[name].depends if name in modules else ():
        if needed in modules and needed not in seen:
            for deeper in [needed] + _dependencies(needed, modules, (*seen, name)):
                if deeper in ordered:
                    ordered.remove(deeper)
                ordered.append(deeper)
    return ordered


def index_files(modules, place):
    """modules.dep, modules.alias and modules.softdep for a set of modules.

    modules: {name: Module}. place(name): the module's path relative to lib/modules/RELEASE in the guest.
    Returns {file name: text}.
    """
    dep, alias, softdep = [], [], []
    for name in sorted(modules):
        dep.append("%s: %s" % (place(name), " ".join(place(other) for other in _dependencies(name, modules))))
        alias += ["alias %s %s" % (pattern, name) for pattern in modules[name].aliases]
        softdep += ["softdep %s %s" % (name, text) for text in modules[name].softdeps]
    return {
        "modules.dep": "".join(line.rstrip() + "\n" for line in dep),
        "modules.alias": "".join(line + "\n" for line in alias),
        "modules.softdep": "".join(line + "\n" for line in softdep),
    }
