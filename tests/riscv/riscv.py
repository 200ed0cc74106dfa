# SPDX-License-Identifier: BSD-3-Clause
"""The RISC-V image as the tests handle it: its symbols, and copies of it with a fault in them.

A fault is another instruction at the beginning of some function, written into a copy of the flash: the image has no code for tests.
"""

import pathlib
import re
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
IMAGE = TOP / "build/riscv/weir-qemu-virt"
FLASH = 0x20000000
# RISC-V Unprivileged ISA 20191213: all zero is illegal (1.5); ld a0, 0(zero); c.j to itself
ILLEGAL, WILD_LOAD, HANG = b"\0\0\0\0", b"\x03\x35\0\0", b"\x01\xa0"


def suffixed(suffix):
    """The image's file of that kind."""
    return IMAGE.with_name(IMAGE.name + suffix)


def nm(path):
    """{symbol: (type, address)} of an object or program."""
    out = subprocess.run(["riscv64-unknown-elf-nm", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = {}
    for line in out.splitlines():
        match = re.match(r"^([0-9a-f]{16}|\s{16}) (\S) (\S+)$", line)
        if match:
            found[match.group(3)] = (match.group(2), int(match.group(1).strip() or "0", 16))
    return found


def break_at(function, instruction, path):
    """Writes the flash to path with an instruction at the beginning of a function; returns the function's address."""
    symbols = nm(suffixed(".elf"))
    address = symbols[function][1]
    shutil.copyfile(suffixed(".nor"), path)
    with open(path, "r+b") as copy:
        copy.seek(symbols["_image_load"][1] - FLASH + address - symbols["_image"][1])
        copy.write(instruction)
    return address
