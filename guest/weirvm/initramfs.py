# SPDX-License-Identifier: BSD-3-Clause
"""The root file system of a guest: a base archive per kernel, made once, and a small one per run that is put behind it.

The kernel unpacks concatenated archives one after the other; a later file replaces an earlier one. So the base (programs of
this machine, their libraries, the kernel's own modules) stays as it is while jobs and our drivers change with every run.
"""

import dataclasses
import gzip
import hashlib
import json
import os
import shlex
import subprocess

from . import contents
from .cpio import Archive
from .errors import GuestError
from .modules import Module, index_files, read_module
from .paths import GUEST_BUILD, GUEST_SOURCE, TOP, lock, replace_file, shown


def _merged(path):
    """The path in Debian's merged layout, where /bin is /usr/bin."""
    first = path.lstrip("/").split("/", 1)[0]
    return "/usr" + path if "/" + first in contents.LINKS and path != "/" + first else path


def libraries(program):
    """The shared libraries a program of this machine needs, the loader included: a list of paths. Empty for a static one."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        if "not a dynamic executable" in listing.stdout + listing.stderr:
            return []
        raise GuestError("ldd %s: %s" % (program, (listing.stderr or listing.stdout).strip()))
    paths = []
    for line in listing.stdout.splitlines():
        words = line.split()
        if "not found" in line:
            raise GuestError("%s needs %s, which this machine does not have" % (program, words[0]))
        paths += [word for word in words if word.startswith("/")][-1:]
    return paths


def _add_program(archive, program, known=()):
    """The program and its libraries, each at the path it has here; libraries in `known` are there already."""
    archive.copy(os.path.realpath(program), _merged(program))
    for path in libraries(program):
        place = _merged(path)
        if place not in archive and place not in known:
            archive.copy(os.path.realpath(path), place)


def _add_busybox(archive):
    """The names under which busybox stands for what no other program provides."""
    listing = subprocess.run(["/bin/busybox", "--list-full"], capture_output=True, text=True, check=True)
    real = {os.path.basename(program) for program in contents.PROGRAMS} | {"init", "linuxrc", "sh", "ash"}
    for name in listing.stdout.split():
        if os.path.basename(name) not in real:
            archive.link(_merged("/" + name), "/usr/bin/busybox")


def _modules_folder(release):
    return "/usr/lib/modules/" + release


def _base_place(kernel, module):
    """Where a kernel's own module stands under lib/modules/RELEASE in the guest. Always unpacked: busybox reads no .xz."""
    relative = os.path.relpath(module.path, kernel.modules.folder)
    return relative[: -len(".xz")] if relative.endswith(".xz") else relative


def _fingerprint(kernel, modules):
    """Changes when anything that goes into the base does."""
    here = os.path.dirname(os.path.abspath(__file__))
    inputs = [os.path.join(here, name) for name in ("contents.py", "cpio.py", "initramfs.py", "modules.py")]
    inputs += [os.path.join(GUEST_SOURCE, "init"), kernel.image]
    inputs += list(contents.PROGRAMS) + list(contents.FILES)
    inputs += [module.path for module in modules.values()]
    found = [kernel.modules.path(name) for name in contents.MODULES]
    digest = hashlib.sha256(("%s %s\n" % (kernel.release, found)).encode())
    for path in inputs:
        status = os.stat(path)
        digest.update(("%s %d %d\n" % (path, status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()


@dataclasses.dataclass
class Base:
    """path: the archive; paths: everything in it; modules: {name: Module} in it; places: {name: path under lib/modules/…}."""

    path: str
    paths: list
    modules: dict
    places: dict


def _stored_base(path, kernel):
    """The Base made earlier, or None if there is none or something it was made from has changed."""
    try:
        with open(path + ".json", encoding="utf-8") as stream:
            stored = json.load(stream)
        modules = {name: Module(**fields) for name, fields in stored["modules"].items()}
        if os.path.exists(path) and stored["fingerprint"] == _fingerprint(kernel, modules):
            return Base(path, stored["paths"], modules, stored["places"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def base(kernel, rebuild=False):
    """The Base of a kernel, made now if it isn't there or is stale (a second or two)."""
    for path, package in {**contents.PROGRAMS, **contents.FILES}.items():
        if not os.path.exists(path):
            raise GuestError("%s is missing: install Debian's %s (make deps does)" % (path, package))
    path = os.path.join(GUEST_BUILD, "initramfs-%s.cpio.gz" % kernel.label)
    # Several runs may find at once that the same base is missing: one makes it.
    with lock(path + ".lock"):
        found = None if rebuild else _stored_base(path, kernel)
        return found or _make_base(path, kernel)


def _make_base(path, kernel):
    archive = Archive()
    for directory in contents.DIRECTORIES:
        archive.directory(directory)
    archive.directory("/tmp", 0o1777)
    for place, target in contents.LINKS.items():
        archive.link(place, target)
    archive.link("/etc/mtab", "/proc/mounts")
    # busybox's own shell prefers its own ip to the real one, and there is nothing one can do about it.
    archive.link("/usr/bin/sh", "dash")
    archive.character_device("/dev/console", 5, 1)
    archive.character_device("/dev/null", 1, 3, 0o666)
    archive.copy(os.path.join(GUEST_SOURCE, "init"), "/init")
    for program in contents.PROGRAMS:
        _add_program(archive, program)
    _add_busybox(archive)
    for file in contents.FILES:
        archive.copy(file, _merged(file))
    for place, text in contents.TEXTS.items():
        archive.file(place, text)

    modules = kernel.modules.closure(contents.MODULES)
    places = {name: _base_place(kernel, module) for name, module in modules.items()}
    folder = _modules_folder(kernel.release)
    archive.directory(folder)
    for name, module in modules.items():
        archive.file(os.path.join(folder, places[name]), read_module(module.path))
    for name, text in index_files(modules, places.get).items():
        archive.file(os.path.join(folder, name), text)

    packed = gzip.compress(archive.to_bytes(), 6, mtime=0)
    stored = {
        "fingerprint": _fingerprint(kernel, modules),
        "paths": archive.paths(),
        "modules": {name: dataclasses.asdict(module) for name, module in modules.items()},
        "places": places,
    }
    replace_file(path, packed + bytes(-len(packed) % 4))
    replace_file(path + ".json", json.dumps(stored).encode())
    return Base(path, stored["paths"], modules, places)


def _add_modules(archive, kernel, made, files):
    """Our modules and what they depend on, and the index of all."""
    modules = dict(made.modules)
    places = dict(made.places)
    folder = _modules_folder(kernel.release)
    for path in files:
        module = Module.read(path)
        if module.release not in (None, kernel.release):
            raise GuestError("%s was built for kernel %s; the guest's is %s"
                             % (shown(path), module.release, kernel.release))
        modules[module.name] = module
        places[module.name] = "extra/" + module.name + ".ko"
        archive.file(os.path.join(folder, places[module.name]), read_module(path))
        for name, needed in kernel.modules.closure(module.depends).items():
            if name not in modules:
                modules[name] = needed
                places[name] = _base_place(kernel, needed)
                archive.file(os.path.join(folder, places[name]), read_module(needed.path))
    for name, text in index_files(modules, places.get).items():
        if text:
            archive.file(os.path.join(folder, name), text)


def driver_files(kernel):
    """Our own modules built for that kernel: build/drivers/SERIES/*.ko."""
    if kernel.drivers is None or not os.path.isdir(kernel.drivers):
        return []
    return [os.path.join(kernel.drivers, name) for name in sorted(os.listdir(kernel.drivers)) if name.endswith(".ko")]


def overlay(kernel, made, settings, files=None, modules=(), programs=()):
    """The archive of one run, as bytes.

    settings: {NAME: value} that init reads as shell variables (guest/init says which). files: {guest path: host path, or
    bytes}; a folder brings everything in it. modules: module files beside the drivers in build/drivers. programs: programs
    of this machine, brought with their libraries.
    """
    archive = Archive()
    text = "".join("%s=%s\n" % (name, shlex.quote(str(value))) for name, value in settings.items())
    archive.file("/job/settings", text)
    archive.copy(os.path.join(TOP, "tests", "lib", "tap.sh"), "/usr/lib/weir/tap.sh")
    archive.copy(os.path.join(GUEST_SOURCE, "lib", "guest.sh"), "/usr/lib/weir/guest.sh")
    chosen = driver_files(kernel) + list(modules)
    if chosen:
        _add_modules(archive, kernel, made, chosen)
    known = set(made.paths)
    for program in programs:
        if not os.path.exists(program):
            raise GuestError("no program %s on this machine" % program)
        _add_program(archive, program, known)
    for place, source in (files or {}).items():
        if isinstance(source, bytes):
            archive.file(_merged(place), source, 0o755)
        elif os.path.exists(source):
            archive.copy(source, _merged(place))
        else:
            raise GuestError("no file %s for the guest's %s" % (source, place))
    return archive.to_bytes()


def write_initramfs(path, made, extra):
    """The base and, behind it, the archive of a run."""
    with open(made.path, "rb") as source, open(path, "wb") as stream:
        stream.write(source.read())
        stream.write(extra)
