# SPDX-License-Identifier: BSD-3-Clause
"""spec.headers.*: the generated C headers compile wherever they are used, and say what weir.yaml says."""

import pathlib
import tempfile

from common import HEADERS, INCLUDE, bits, run, run_well, spec, tap

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-I", INCLUDE, "-fsyntax-only", "-x", "c", "-"]

# Freestanding compiles need no C library of the target: a compiler's own stdint.h and stddef.h do.
COMPILERS = {
    "gcc_takes_them": (["gcc"], True),
    "clang_takes_them": (["clang"], True),
    "gcc_takes_them_freestanding": (["gcc", "-ffreestanding", "-nostdlib"], True),
    "clang_takes_them_freestanding": (["clang", "-ffreestanding", "-nostdlib"], True),
    "they_hold_for_32_bit_hosts": (["gcc", "-m32", "-ffreestanding"], False),
    "they_hold_for_riscv": (["clang", "--target=riscv64-unknown-elf", "-ffreestanding"], False),
    "they_hold_for_big_endian_hosts": (["clang", "--target=powerpc64-unknown-elf", "-ffreestanding"], False),
}


def compiles(compiler, required):
    """Each header alone, and all together, twice: strict C11 without a warning."""
    code, text = run(compiler + ["-fsyntax-only", "-x", "c", "-"], given="#include <stdint.h>\n#include <stddef.h>\n")
    if code != 0 and not required:
        raise tap.Skip("%s cannot compile for this target here: %s" % (compiler[0], text.splitlines()[0]))
    for headers in [[header] for header in HEADERS] + [list(HEADERS) * 2]:
        source = "".join("#include <%s>\n" % header for header in headers) + "extern int not_empty;\n"
        run_well(compiler + STRICT, given=source)


def program(lines):
    """Compile and run a program whose main consists of these lines; returns what it prints."""
    source = "#include <stdio.h>\n" + "".join("#include <%s>\n" % header for header in HEADERS)
    source += "int main(void)\n{\n" + "\n".join(lines) + "\n\treturn 0;\n}\n"
    with tempfile.TemporaryDirectory() as name:
        output = pathlib.Path(name) / "program"
        run_well(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", INCLUDE, "-x", "c", "-", "-o", output], given=source)
        return run_well([output])


def compare(expected):
    """Every C expression has the value that the yaml gives it: expected is {expression: value}."""
    lines = ['\tprintf("%%s %%lld\\n", "%s", (long long)(%s));' % (e.replace('"', '\\"'), e) for e in expected]
    seen = dict(line.rsplit(" ", 1) for line in program(lines).splitlines())
    wrong = ["%s is %s, not %d" % (e, seen.get(e), v) for e, v in expected.items() if int(seen.get(e, -1)) != v]
    tap.require(not wrong, "%d of %d differ: %s" % (len(wrong), len(expected), "; ".join(wrong[:5])))


def fields(prefix, items):
    """Shift and mask of each field, and that the accessors are each other's inverse on all ones and on the lowest bit."""
    expected = {}
    for field in items:
        name = "%s_%s" % (prefix, field["name"])
        shift, width = bits(field["bits"])
        ones = (1 << width) - 1
        expected[name + "_SHIFT"] = shift
        expected[name + "_MASK"] = ones << shift
        expected["WEIR_PREP(%s, 0x%xu)" % (name, ones)] = ones << shift
        expected["WEIR_PREP(%s, 1)" % name] = 1 << shift
        expected["WEIR_GET(%s, 0xffffffffu)" % name] = ones
        expected["WEIR_GET(%s, ~WEIR_PREP(%s, 0xffffffffu))" % (name, name)] = 0
    return expected


def registers_are_those_of_the_yaml():
    """Offsets, shifts, masks and fixed values of every register and doorbell."""
    expected = {}
    for block in spec()["registers"]["blocks"]:
        expected["WEIR_BLOCK_" + block["name"]] = block["offset"]
        if block["chained"]:
            expected["WEIR_BLOCK_%s_ID" % block["name"]] = block["id"]
            expected["WEIR_BLOCK_%s_VERSION" % block["name"]] = block["version"]
        for register in block["registers"]:
            name = "WEIR_REG_" + register["name"]
            expected[name] = block["offset"] + register["offset"]
            if "reset" in register:
                expected[name + "_VALUE"] = register["reset"]
            expected.update(fields(name, register.get("fields", [])))
    for register in spec()["doorbells"]["registers"]:
        expected["WEIR_DOORBELL_" + register["name"]] = register["offset"]
    compare(expected)


def structures_are_those_of_the_yaml():
    """Size of every structure, offset and width of every field, and the bits in it."""
    width = {"u8": 1, "le16": 2, "le32": 4, "le64": 8}
    expected = {}
    for struct in spec()["structs"]:
        tag, offset = "struct weir_" + struct["name"], 0
        expected["sizeof(%s)" % tag] = struct["size"]
        for field in struct["fields"]:
            kind, _, count = field["type"].partition("[")
            size = width[kind] * int(count.rstrip("]") or 1)
            expected["offsetof(%s, %s)" % (tag, field["name"])] = offset
            expected["sizeof(((%s *)0)->%s)" % (tag, field["name"])] = size
            expected.update(fields("WEIR_" + struct["prefix"], field.get("bits", [])))
            offset += size
    compare(expected)


def numbers_are_those_of_the_yaml():
    """Constants, enumerations, opcodes, attribute ids, events, flags, counters, PCI ids."""
    y = spec()
    expected = {"WEIR_ABI_MAJOR": y["abi"]["major"], "WEIR_ABI_MINOR": y["abi"]["minor"]}
    expected.update({"WEIR_PCI_" + key.upper(): value for key, value in y["pci"].items() if isinstance(value, int)})
    expected.update({"WEIR_" + c["name"]: c["value"] for c in y["constants"]})
    for bar in y["pci"]["bars"]:
        name = "WEIR_BAR_" + bar["name"].upper()
        expected.update({name: bar["bar"], name + "_PF_BYTES": bar["pf_bytes"], name + "_VF_BYTES": bar["vf_bytes"]})
    expected.update({"WEIR_MSIX_" + key.upper(): value for key, value in y["pci"]["msix"].items() if key != "bar"})
    for name, enum in y["enums"].items():
        expected.update({"WEIR_%s_%s" % (name.upper(), v["name"]): v["value"] for v in enum["values"]})
    expected.update({"WEIR_ATTRIBUTE_" + a["name"]: a["id"] for a in y["attributes"]})
    expected.update({"WEIR_COMMAND_" + c["name"]: c["opcode"] for c in y["commands"]})
    expected.update({"WEIR_EVENT_" + e["name"]: e["id"] for e in y["events"]})
    expected.update({"WEIR_VPORT_" + f["name"]: 1 << f["bit"] for f in y["vport_flags"]})
    for group in y["statistics"]:
        expected.update({"WEIR_STAT_%s_%s" % (group["scope"], c["name"].upper()): i for i, c in enumerate(group["counters"])})
        expected["WEIR_STAT_%s_COUNT" % group["scope"]] = len(group["counters"])
    compare(expected)


def tables_are_those_of_the_yaml():
    """Which command takes which attributes, who may send it, and how long each attribute is."""
    y = spec()
    ids = {a["name"]: a["id"] for a in y["attributes"]}
    sizes = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "mac": 6}
    expected = {"WEIR_COMMAND_RULES": len(y["commands"])}
    for number, command in enumerate(y["commands"]):
        rule = "weir_command_rules[%d]" % number
        expected[rule + ".opcode"] = command["opcode"]
        expected[rule + ".privilege == WEIR_PRIVILEGE_" + command["privilege"]] = 1
        for key in ("required", "optional", "response"):
            members = {ids[name] for name in command.get(key, [])}
            for word in range(max(ids.values()) // 64 + 1):
                expected["%s.%s.words[%d]" % (rule, key, word)] = sum(1 << i % 64 for i in members if i // 64 == word)
    for attribute in y["attributes"]:
        rule = "weir_attribute_rules[WEIR_ATTRIBUTE_%s]" % attribute["name"]
        size = sizes.get(attribute["type"])
        expected[rule + ".min_bytes"] = size or 1
        expected[rule + ".max_bytes"] = size or attribute.get("max", 32)
        expected["%s.kind == WEIR_KIND_%s" % (rule, attribute["type"].upper())] = 1
    for privilege in y["privileges"]:
        for role in y["enums"]["role"]["values"]:
            holds = "!!(weir_role_privileges[WEIR_ROLE_%s] & WEIR_PRIVILEGE_%s)" % (role["name"], privilege["name"])
            expected[holds] = int(role["name"] in privilege["roles"])
    compare(expected)


def tests():
    """The tests of this module: (name, function, arguments...)."""
    for name, (compiler, required) in COMPILERS.items():
        yield "spec.headers." + name, compiles, compiler, required
    for function in (registers_are_those_of_the_yaml, structures_are_those_of_the_yaml, numbers_are_those_of_the_yaml,
                     tables_are_those_of_the_yaml):
        yield "spec.headers." + function.__name__, function
