#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The RISC-V image alone, without hardware: what is in it, that it boots, how it tells of its end, and that its budget holds.

Arguments are shell globs of test names.
"""

import os
import re
import subprocess
import sys
import tempfile

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402
import tree  # noqa: E402
from riscv import HANG, ILLEGAL, IMAGE, WILD_LOAD, break_at, nm, suffixed  # noqa: E402

OBJECTS = tree.TOP / "build/riscv/obj/firmware"
BUDGET = tree.TOP / "firmware/boards/qemu-virt/budget.yaml"
# Called once at start-up; the first instruction of it is replaced.
VICTIM = "weir_firmware_bytes"
# enum virt_end
NO_HARDWARE, TRAP, WATCHDOG = 10, 13, 14
WRITABLE = "BbDdGgSsC"


def boot(nor, *more):
    """Runs a flash image without hardware: (exit code, what the UART said)."""
    done = subprocess.run(
        ["qemu-system-riscv64", "-M", "virt,aia=aplic-imsic", "-bios", "none", "-m", "16M", "-nodefaults", "-display", "none", "-serial",
         "stdio", "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=%s" % nor, *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    return done.returncode, done.stdout


def boot_broken(instruction, *more):
    """The same with an instruction at the beginning of VICTIM; the address of that comes third."""
    with tempfile.NamedTemporaryFile(prefix="weir-riscv-") as file:
        address = break_at(VICTIM, instruction, file.name)
        return (*boot(file.name, *more), address)


def require_dump(uart, address):
    """The registers are in the dump: the program counter is there, and the return address is within the code."""
    registers = dict(re.findall(r"\b([a-z]{1,2}[0-9]{0,2}) +([0-9a-f]{16})\b", uart))
    for name in ("pc", "ra", "sp", "gp", "a0", "s11", "t6"):
        tap.require(name in registers, "the dump has no %s:\n%s" % (name, uart))
    tap.require(int(registers["pc"], 16) == address, "pc is %s, not %x" % (registers["pc"], address))
    symbols = nm(suffixed(".elf"))
    tap.require(symbols["_image"][1] < int(registers["ra"], 16) < symbols["_image_end"][1], "ra is %s" % registers["ra"])
    tap.require(symbols["_stack"][1] < int(registers["sp"], 16) <= symbols["_stack_top"][1], "sp is %s" % registers["sp"])
    stack = re.search(r"^weir: +stack ([0-9a-f]{16}):", uart, re.MULTILINE)
    tap.require(stack and stack.group(1) == registers["sp"], "no stack from sp on:\n%s" % uart)


def has_no_library():
    """Nothing is linked but our objects and the compiler's own helpers, and nothing is missing."""
    text = suffixed(".map").read_text()
    archives = set(re.findall(r"^(\S+\.a)\(", text, re.MULTILINE))
    tap.require(all(os.path.basename(name) == "libgcc.a" for name in archives), "linked: %s" % archives)
    loaded = re.findall(r"^LOAD (\S+)", text, re.MULTILINE)
    tap.require(loaded, "the map names no file")
    foreign = [name for name in loaded if not name.startswith("build/riscv/obj/firmware/") and not name.endswith("/libgcc.a")]
    tap.require(not foreign, "linked: %s" % foreign)
    symbols = nm(suffixed(".elf"))
    for name in ("memcpy", "memset", "memcmp"):
        tap.require(symbols.get(name, ("", 0))[0] == "T", "%s is not the board's" % name)
    tap.require(not [name for name, (kind, _) in symbols.items() if kind in "Uw"], "undefined symbols")


def firmware_holds_no_state():
    """Only the board has variables; the firmware's rooms have none in this home either."""
    found = ["%s: %s" % (path.name, name) for room in ("core", "datapath", "ats") for path in sorted((OBJECTS / room).glob("*.o"))
             for name, (kind, _) in nm(path).items() if kind in WRITABLE]
    tap.require(not found, "; ".join(found))
    tap.require(any(kind in WRITABLE for kind, _ in nm(OBJECTS / "boards/qemu-virt/trap.o").values()), "nm finds nothing")


def boots_and_says_so():
    code, uart = boot(suffixed(".nor"))
    tap.require(uart.startswith("weir: firmware on qemu-virt, rv64imac, ABI 1.0\n"), uart)
    tap.require(code == NO_HARDWARE, "exit code %d" % code)
    tap.require(uart.endswith("weir: there is no hardware (ivshmem-doorbell, peer 1)\n"), uart)


def an_illegal_instruction_is_told():
    code, uart, address = boot_broken(ILLEGAL)
    tap.require("weir: trap: illegal instruction, cause 0000000000000002," in uart, uart)
    require_dump(uart, address)
    tap.require(code == TRAP, "exit code %d" % code)


def a_wild_load_is_told():
    code, uart, address = boot_broken(WILD_LOAD)
    tap.require("weir: trap: load access fault, cause 0000000000000005, value 0000000000000000" in uart, uart)
    require_dump(uart, address)
    tap.require(code == TRAP, "exit code %d" % code)


def a_hang_is_told_by_the_watchdog():
    # A microsecond an instruction: ten seconds of the machine are over soon.
    code, uart, address = boot_broken(HANG, "-icount", "shift=10,sleep=off")
    tap.require("weir: watchdog: the poll loop has not turned for 10 s; it is here:" in uart, uart)
    require_dump(uart, address)
    tap.require(code == WATCHDOG, "exit code %d" % code)


def budget(changes):
    """What sizes.py says when some lines of the budget are other ones: (exit code, output, complaints)."""
    lines = yaml.safe_load(BUDGET.read_text())
    lines.update(changes)
    with tempfile.NamedTemporaryFile("w", prefix="weir-budget-", suffix=".yaml") as file:
        yaml.safe_dump(lines, file)
        file.flush()
        done = subprocess.run(["/usr/bin/python3", "firmware/boards/qemu-virt/sizes.py", str(IMAGE), file.name], cwd=tree.TOP,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def the_image_keeps_its_budget():
    code, out, complaints = budget({})
    tap.require(code == 0 and not complaints, out + complaints)
    sizes = {name: int(size) for name, size in re.findall(r"^ +(\w+) +(\d+) of", out, re.MULTILINE)}
    tap.require(set(sizes) == {"text", "data", "ram", "vport", "queue"}, out)
    # Known from outside: what the ABI lets a VF set (4096 VLANs, nine tables of 128 queues with their keys), and the bounds.
    tap.require(sizes["vport"] > 4096 // 8 + 9 * (128 + 52), "a VF's tables do not fit %d bytes" % sizes["vport"])
    tap.require(sizes["text"] <= 192 * 1024 and sizes["ram"] <= 4 * 1024 * 1024, out)


def a_byte_less_fails_the_build():
    _, out, _ = budget({})
    for name, size in re.findall(r"^ +(\w+) +(\d+) of", out, re.MULTILINE):
        code, _, complaints = budget({name: int(size) - 1})
        if name == "data" and size == "0":
            continue
        tap.require(code == 1 and ": %s takes %s bytes" % (name, size) in complaints, "%s: %d\n%s" % (name, code, complaints))
        tap.require(len(complaints.splitlines()) == 1, complaints)


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for row, function in (("image", has_no_library), ("image", firmware_holds_no_state), ("image", boots_and_says_so),
                          ("trap", an_illegal_instruction_is_told), ("trap", a_wild_load_is_told),
                          ("watchdog", a_hang_is_told_by_the_watchdog), ("budget", the_image_keeps_its_budget),
                          ("budget", a_byte_less_fails_the_build)):
        suite.run("riscv.%s.%s" % (row, function.__name__), function)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
