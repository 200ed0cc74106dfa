#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the RISC-V image takes, held against a budget: sizes.py IMAGE BUDGET, IMAGE without .elf and .nor.

Text and data are the linker's numbers. What a card, a vport and a queue take the image says itself, on the UART, when it is started
without hardware: it is the same computation by which it takes its memory. Exits with 1 when something is over its budget.
"""

import re
import subprocess
import sys

import yaml

QEMU = ["qemu-system-riscv64", "-M", "virt,aia=aplic-imsic", "-bios", "none", "-m", "16M", "-nodefaults", "-display", "none", "-serial", "stdio"]
SAID = {
    "image": "bytes of the image in RAM, with stacks",
    "context": "bytes of context for 64 VFs and 256 queue pairs",
    "vport": "bytes of context for a VF and its vport",
    "queue": "bytes of context for a queue pair",
}
MEANING = {
    "text": "code and read-only data",
    "data": "initialised data",
    "ram": "image, stacks, and context of 64 VFs with 256 queue pairs",
    "vport": "context of a VF with its vport",
    "queue": "context of a queue pair",
}
TIMEOUT_S = 60


def linked(elf):
    """{"text": bytes, "data": bytes} of the sections."""
    out = subprocess.run(["riscv64-unknown-elf-size", "-A", elf], stdout=subprocess.PIPE, text=True, check=True).stdout
    sections = {name: int(size) for name, size in re.findall(r"^(\.\w+)\s+(\d+)\s+\d+$", out, re.MULTILINE)}
    return {"text": sections[".boot"] + sections[".text"] + sections[".rodata"], "data": sections.get(".data", 0)}


def said(nor):
    """What the image says of itself."""
    command = QEMU + ["-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + nor]
    uart = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT_S, check=False).stdout
    found = {}
    for name, words in SAID.items():
        match = re.search("^weir: %s: (\\d+)" % re.escape(words), uart, re.MULTILINE)
        if not match:
            sys.exit("%s does not say what it takes:\n%s" % (nor, uart))
        found[name] = int(match.group(1))
    return found


def main():
    """Prints the table; the exit code says whether all of it is within the budget."""
    image, budget_file = sys.argv[1:]
    with open(budget_file, encoding="utf-8") as file:
        budget = yaml.safe_load(file)
    sizes = linked(image + ".elf")
    memory = said(image + ".nor")
    sizes.update(ram=memory["image"] + memory["context"], vport=memory["vport"], queue=memory["queue"])
    over = [name for name in MEANING if sizes[name] > budget[name]]
    for name, meaning in MEANING.items():
        print("  %-6s %9d of %9d bytes  %s" % (name, sizes[name], budget[name], meaning))
    for name in over:
        print("%s: %s takes %d bytes, %s allows %d" % (image, name, sizes[name], budget_file, budget[name]), file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
