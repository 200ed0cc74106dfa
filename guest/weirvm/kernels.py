# SPDX-License-Identifier: BSD-3-Clause
"""Which kernel a guest runs."""

import hashlib
import lzma
import os
import re
import struct
import subprocess
import zlib

from .errors import GuestError
from .modules import ModuleTree
from .paths import BUILD, GUEST_BUILD, lock, replace_file, shown

# Fetched by make deps; the last by `make guest-7.2` alone.
DEBIAN_KERNELS = ("6.1", "6.12", "7.2")

# A note in the kernel's ELF image with the address at which QEMU can start it as it is (PVH): Xen's elfnote.h.
XEN_NOTE_PHYS32_ENTRY = 18
PROGRAM_HEADER_NOTE = 4


def _read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise GuestError("cannot read the kernel: %s" % error) from error


def release_of_image(path):
    """What `uname -r` will say in a kernel: a bzImage (whose boot header points to the text) or an ELF vmlinux."""
    image = _read(path)
    if image[:4] == b"\x7fELF":
        found = re.search(rb"Linux version (\S+) \(", image)
        if not found:
            raise GuestError("%s is no Linux kernel" % path)
        return found.group(1).decode("ascii", "replace")
    if len(image) < 0x260 or image[0x202:0x206] != b"HdrS":
        raise GuestError("%s is no x86 kernel image (bzImage, vmlinuz, vmlinux)" % path)
    (offset,) = struct.unpack_from("<H", image, 0x20E)
    words = image[offset + 0x200 :][:128].split(b"\0", 1)[0].decode("ascii", "replace").split()
    if not offset or not words:
        raise GuestError("%s does not say which release it is" % path)
    return words[0]


def _unpacked(image):
    """The ELF kernel inside a bzImage, or None where it is packed in a way not known here. Boot protocol 2.08 and later."""
    sectors = image[0x1F1] or 4
    offset, size = struct.unpack_from("<II", image, 0x248)
    start = (sectors + 1) * 512 + offset
    payload = image[start : start + size]
    try:
        if payload[:6] == b"\xfd7zXZ\0":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(payload)
        if payload[:2] == b"\x1f\x8b":
            return zlib.decompressobj(31).decompress(payload)
        if payload[:4] == b"\x28\xb5\x2f\xfd":
            # Kbuild puts the unpacked size, four bytes, behind it.
            return subprocess.run(["zstd", "-dcq"], input=payload[:-4], capture_output=True, check=True).stdout
    except (OSError, lzma.LZMAError, zlib.error, subprocess.CalledProcessError):
        pass
    return None


def _starts_as_it_is(elf):
    """Whether QEMU can start this ELF kernel (it was built with CONFIG_PVH)."""
    try:
        if elf[:6] != b"\x7fELF\x02\x01":
            return False
        (table,) = struct.unpack_from("<Q", elf, 0x20)
        entry_bytes, count = struct.unpack_from("<HH", elf, 0x36)
        for index in range(count):
            kind, _flags, offset, _virtual, _physical, size = struct.unpack_from("<IIQQQQ", elf, table + index * entry_bytes)
            place = offset
            while kind == PROGRAM_HEADER_NOTE and place + 12 <= offset + size:
                name_bytes, data_bytes, note = struct.unpack_from("<III", elf, place)
                if note == XEN_NOTE_PHYS32_ENTRY and elf[place + 12 : place + 16] == b"Xen\0":
                    return True
                place += 12 + (name_bytes + 3 & ~3) + (data_bytes + 3 & ~3)
    except struct.error:
        pass
    return False


class Kernel:
    """label: short name for files; image: path; release: `uname -r`; modules: ModuleTree; drivers: folder of ours, or None."""

    def __init__(self, label, image, modules_folder, drivers):
        self.label = label
        self.image = image
        self.release = release_of_image(image)
        self.modules = ModuleTree(modules_folder)
        self.drivers = drivers

    def boot_image(self):
        """The file to give to QEMU. An emulated CPU takes 3 s to unpack Debian's kernel, so it is unpacked here, once, where
        QEMU can start the result; else the image as it is."""
        status = os.stat(self.image)
        key = "%s %d %d\n" % (os.path.realpath(self.image), status.st_size, status.st_mtime_ns)
        path = os.path.join(GUEST_BUILD, "vmlinux-" + self.label)
        with lock(path + ".lock"):
            try:
                with open(path + ".from", encoding="utf-8") as stream:
                    stored = stream.read()
            except FileNotFoundError:
                stored = ""
            if not stored.startswith(key) or (stored.endswith("unpacked\n") and not os.path.exists(path)):
                stored = self._unpack(path, key)
        return path if stored.endswith("unpacked\n") else self.image

    def _unpack(self, path, key):
        """Write the unpacked kernel to `path` where it can be used, and what was found to path.from; returns that text."""
        image = _read(self.image)
        elf = None if image[:4] == b"\x7fELF" else _unpacked(image)
        usable = elf is not None and _starts_as_it_is(elf)
        if usable:
            replace_file(path, elf)
        stored = key + ("unpacked\n" if usable else "as it is\n")
        replace_file(path + ".from", stored.encode())
        return stored


def debian_kernel(series):
    """The kernel of that series (one of DEBIAN_KERNELS) as fetched by deps/fetch-guest.sh."""
    home = os.path.join(BUILD, "deps", "guest", "kernel-" + series)
    if not os.path.exists(os.path.join(home, "versions")):
        raise GuestError("kernel %s is not in %s: fetch it with deps/fetch-guest.sh %s" % (series, shown(home), series))
    return Kernel(
        series, os.path.join(home, "vmlinuz"), os.path.join(home, "modules"), os.path.join(BUILD, "drivers", series)
    )


def own_kernel(image, modules_folder=None):
    """A kernel of one's own. modules_folder: what `make modules_install` wrote (with or without lib/modules/RELEASE below
    it), or a kernel's build tree, or any folder of .ko files; None for a kernel without modules."""
    release = release_of_image(image)
    if modules_folder is not None:
        installed = os.path.join(modules_folder, "lib", "modules", release)
        if os.path.isdir(installed):
            modules_folder = installed
    place = hashlib.sha256(os.path.realpath(image).encode()).hexdigest()[:8]
    return Kernel("own-%s-%s" % (release, place), image, modules_folder, None)


def find_kernel(name, modules_folder=None):
    """The kernel of that series (one of DEBIAN_KERNELS), or the one in the file `name`."""
    if name in DEBIAN_KERNELS:
        if modules_folder is not None:
            raise GuestError("kernel %s has its own modules: a modules folder goes with a kernel image of one's own" % name)
        return debian_kernel(name)
    if not os.path.isfile(name):
        raise GuestError("no kernel '%s': none of %s, nor a file" % (name, ", ".join(DEBIAN_KERNELS)))
    return own_kernel(name, modules_folder)
