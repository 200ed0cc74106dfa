#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes everything that follows from weir.yaml: the C headers under include/weir/ and registers.md.

  generate.py            write the files
  generate.py --check    write nothing; exit 1 and name them if any file differs from what would be written

The yaml is checked first: overlapping bits, registers, fields or capabilities, sizes that do not add up and
names used twice are errors with the place they are in.
"""
import argparse
import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
LE_BYTES = {"le16": 2, "le32": 4, "le64": 8, "u8": 1}
ATTRIBUTE_BYTES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "mac": 6, "string": 0, "bytes": 0}
CONFIG_BYTES = 4096
FIELDS_MAX = 12  # of a register


class SpecError(Exception):
    """The yaml contradicts itself; the message names the place."""


def require(condition, message):
    if not condition:
        raise SpecError(message)


def bit_range(text):
    """'7:4' -> (shift 4, width 4); '3' -> (3, 1)."""
    parts = [int(p) for p in str(text).split(":")]
    high, low = (parts[0], parts[-1])
    require(high >= low >= 0, f"bits {text}: high before low")
    return low, high - low + 1


def field_bytes(kind):
    if "[" in kind:
        base, count = kind[:-1].split("[")
        return LE_BYTES[base] * int(count)
    return LE_BYTES[kind]


def check_bits(place, fields, width):
    used = 0
    for f in fields:
        shift, size = bit_range(f["bits"])
        require(shift + size <= width, f"{place}.{f['name']}: bits beyond {width}")
        mask = ((1 << size) - 1) << shift
        require(not used & mask, f"{place}.{f['name']}: overlaps another field")
        used |= mask


def check_unique(place, items, keys):
    for key in keys:
        seen = {}
        for item in items:
            if key not in item:
                continue
            require(item[key] not in seen, f"{place}: {key} {item[key]} twice")
            seen[item[key]] = item


def check(spec):
    check_unique("constants", spec["constants"], ["name"])
    for name, enum in spec["enums"].items():
        check_unique(f"enums.{name}", enum["values"], ["name", "value"])
    names, offsets = set(), set()
    for block in spec["registers"]["blocks"]:
        for header in (block["offset"], block["offset"] + 4) if block["chained"] else ():
            require(header not in offsets, f"{block['name']}: block header on another block")
            offsets.add(header)
    for block in spec["registers"]["blocks"]:
        for reg in block["registers"]:
            offset = block["offset"] + reg["offset"]
            require(offset % 4 == 0, f"{reg['name']}: unaligned")
            require(not (block["chained"] and reg["offset"] < 8), f"{reg['name']}: on the block header")
            require(offset not in offsets, f"{reg['name']}: offset {offset:#x} twice")
            require(reg["name"] not in names, f"{reg['name']}: name twice")
            require(reg["access"] in ("RO", "RW", "WO", "W1C"), f"{reg['name']}: access")
            offsets.add(offset)
            names.add(reg["name"])
            check_bits(reg["name"], reg.get("fields", []), 32)
    check_unique("doorbells", spec["doorbells"]["registers"], ["name", "offset"])
    for reg in spec["doorbells"]["registers"]:
        require(reg["offset"] % 4 == 0, f"{reg['name']}: unaligned")
    for struct in spec["structs"]:
        total = 0
        for f in struct["fields"]:
            size = field_bytes(f["type"])
            align = LE_BYTES[f["type"].split("[")[0]]
            require(total % align == 0, f"{struct['name']}.{f['name']}: unaligned")
            f["offset"] = total
            total += size
            check_bits(f"{struct['name']}.{f['name']}", f.get("bits", []), size * 8)
        require(total == struct["size"], f"{struct['name']}: fields make {total} bytes, not {struct['size']}")
    check_unique("attributes", spec["attributes"], ["name", "id"])
    require(max(a["id"] for a in spec["attributes"]) < 0x8000, "attributes: ids are 15-bit")
    known = {a["name"] for a in spec["attributes"]}
    privileges = {p["name"] for p in spec["privileges"]}
    check_unique("commands", spec["commands"], ["name", "opcode"])
    for command in spec["commands"]:
        require(command["privilege"] in privileges, f"{command['name']}: privilege")
        for key in ("required", "optional", "response"):
            for attribute in command.get(key, []):
                require(attribute in known, f"{command['name']}: attribute {attribute}")
    check_unique("events", spec["events"], ["name", "id"])
    for which in ("pf", "vf"):
        used = {}
        for place, field, offset, size, _ in config_fields(spec, which, with_headers=True):
            require(offset + size <= CONFIG_BYTES, f"{place}: beyond configuration space")
            require(not pick(field, "write", which) & pick(field, "w1c", which), f"config {which}: {place}: bits both writable and cleared by one")
            for byte in range(offset, offset + size):
                require(byte not in used, f"config {which}: {place} overlaps {used.get(byte)}")
                used[byte] = place


def config_fields(spec, which, with_headers=False):
    """Every field of a function's configuration space: (place, field, offset, size, capability or None)."""
    for f in spec["config"]["header"]:
        yield f["name"], f, f["offset"], f["size"], None
    for kind in ("capabilities", "extended"):
        caps = [c for c in spec["config"][kind] if which in c["functions"]]
        for i, cap in enumerate(caps):
            following = caps[i + 1]["offset"] if i + 1 < len(caps) else 0
            if kind == "capabilities":
                value = cap["id"] | following << 8
                header = {"name": "header", "size": 2, "value": value}
            else:
                value = cap["id"] | cap["version"] << 16 | following << 20
                header = {"name": "header", "size": 4, "value": value}
            if with_headers:
                yield f"{cap['name']}.header", header, cap["offset"], header["size"], cap
            for f in cap["fields"]:
                require(f["offset"] + f["size"] <= cap["size"], f"{cap['name']}.{f['name']}: beyond the capability")
                yield f"{cap['name']}.{f['name']}", f, cap["offset"] + f["offset"], f["size"], cap


def pick(field, key, which, default=0):
    if which == "vf" and key + "_vf" in field:
        return field[key + "_vf"]
    return field.get(key, default)


# ------------------------------------------------------------------ C output

BANNER = """/* SPDX-License-Identifier: BSD-3-Clause */
/* Generated from specs/weir.yaml by specs/generate.py: do not edit. */
"""


class Writer:
    def __init__(self):
        self.lines = []

    def __call__(self, text=""):
        self.lines.append(text)

    def comment(self, text):
        if text:
            self(f"/* {' '.join(str(text).split())} */")

    def define(self, name, value, text=None):
        note = f" /* {' '.join(str(text).split())} */" if text else ""
        self(f"#define {name} {value}{note}")

    def bits(self, prefix, fields):
        for f in fields:
            shift, size = bit_range(f["bits"])
            mask = ((1 << size) - 1) << shift
            self.define(f"{prefix}_{f['name']}_SHIFT", shift, f.get("text"))
            self.define(f"{prefix}_{f['name']}_MASK", f"{mask:#x}u")

    def text(self):
        return "\n".join(self.lines) + "\n"


def enum_block(w, tag, prefix, pairs, text=None, count=None):
    w.comment(text)
    w(f"enum {tag} {{")
    for name, value, note in pairs:
        w(f"\t{prefix}_{name} = {value},{' /* ' + ' '.join(str(note).split()) + ' */' if note else ''}")
    if count:
        w(f"\t{count}")
    w("};")
    w()


PLATFORM = """
#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/stddef.h>
#include <asm/byteorder.h>
typedef __le16 weir_le16;
typedef __le32 weir_le32;
typedef __le64 weir_le64;
#define weir_cpu_to_le16(x) cpu_to_le16(x)
#define weir_cpu_to_le32(x) cpu_to_le32(x)
#define weir_cpu_to_le64(x) cpu_to_le64(x)
#define weir_le16_to_cpu(x) le16_to_cpu(x)
#define weir_le32_to_cpu(x) le32_to_cpu(x)
#define weir_le64_to_cpu(x) le64_to_cpu(x)
#else
#include <stddef.h>
#include <stdint.h>
typedef uint16_t weir_le16;
typedef uint32_t weir_le32;
typedef uint64_t weir_le64;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define weir_cpu_to_le16(x) ((uint16_t)(x))
#define weir_cpu_to_le32(x) ((uint32_t)(x))
#define weir_cpu_to_le64(x) ((uint64_t)(x))
#else
#define weir_cpu_to_le16(x) __builtin_bswap16((uint16_t)(x))
#define weir_cpu_to_le32(x) __builtin_bswap32((uint32_t)(x))
#define weir_cpu_to_le64(x) __builtin_bswap64((uint64_t)(x))
#endif
#define weir_le16_to_cpu(x) weir_cpu_to_le16(x)
#define weir_le32_to_cpu(x) weir_cpu_to_le32(x)
#define weir_le64_to_cpu(x) weir_cpu_to_le64(x)
#endif

/* WEIR_GET(WEIR_REG_STATUS_STATE, value): a field's value; WEIR_PREP(field, value): a value in its place. */
#define WEIR_GET(field, value) (((value) & field##_MASK) >> field##_SHIFT)
#define WEIR_PREP(field, value) (((uint32_t)(value) << field##_SHIFT) & field##_MASK)
"""


def abi_header(spec):
    w = Writer()
    w(BANNER.rstrip())
    w("/* The whole contract between a host and a Weir device. Usable in Linux, DPDK and freestanding C11. */")
    w("#ifndef WEIR_ABI_H")
    w("#define WEIR_ABI_H")
    w(PLATFORM)
    w.define("WEIR_ABI_MAJOR", spec["abi"]["major"])
    w.define("WEIR_ABI_MINOR", spec["abi"]["minor"])
    w()
    pci = spec["pci"]
    for key in ("vendor_id", "device_id_pf", "device_id_vf", "subsystem_vendor_id", "subsystem_id", "class", "revision"):
        w.define(f"WEIR_PCI_{key.upper()}", f"{pci[key]:#x}")
    for key in ("max_vfs", "first_vf_offset", "vf_stride"):
        w.define(f"WEIR_PCI_{key.upper()}", pci[key])
    for bar in pci["bars"]:
        name = bar["name"].upper()
        w.define(f"WEIR_BAR_{name}", bar["bar"])
        w.define(f"WEIR_BAR_{name}_PF_BYTES", f"{bar['pf_bytes']:#x}u")
        w.define(f"WEIR_BAR_{name}_VF_BYTES", f"{bar['vf_bytes']:#x}u")
    for key, value in pci["msix"].items():
        if key != "bar":
            w.define(f"WEIR_MSIX_{key.upper()}", f"{value:#x}u" if "offset" in key else value)
    w()
    for c in spec["constants"]:
        value = c["value"]
        w.define(f"WEIR_{c['name']}", f"{value:#x}" if value > 32768 else value, c.get("text"))
    w()
    for name, enum in spec["enums"].items():
        enum_block(w, f"weir_{name}", f"WEIR_{name.upper()}",
                   [(v["name"], v["value"], v.get("text")) for v in enum["values"]], enum["text"])
    w("/* Privileges as bits; weir_tables.h says which role holds which. */")
    enum_block(w, "weir_privilege", "WEIR_PRIVILEGE",
               [(p["name"], f"1 << {i}", p["text"]) for i, p in enumerate(spec["privileges"])])
    w.comment(spec["registers"]["text"])
    for block in spec["registers"]["blocks"]:
        w.comment(f"block {block['name']}: {block['text']}")
        w.define(f"WEIR_BLOCK_{block['name']}", f"{block['offset']:#x}")
        if block["chained"]:
            w.define(f"WEIR_BLOCK_{block['name']}_ID", block["id"])
            w.define(f"WEIR_BLOCK_{block['name']}_VERSION", block["version"])
        for reg in block["registers"]:
            name = f"WEIR_REG_{reg['name']}"
            w.define(name, f"{block['offset'] + reg['offset']:#x}", f"{reg['access']}: {reg['text']}" if "text" in reg else reg["access"])
            if "reset" in reg:
                w.define(f"{name}_VALUE", f"{reg['reset']:#x}u")
            w.bits(name, reg.get("fields", []))
    w("/* Header of a chained block: id in bits 15:0 and version in 23:16 at +0, offset of the next block at +4. */")
    w.bits("WEIR_BLOCK_HEADER", [{"name": "ID", "bits": "15:0"}, {"name": "VERSION", "bits": "23:16"}])
    w()
    w.comment(spec["doorbells"]["text"])
    for reg in spec["doorbells"]["registers"]:
        w.define(f"WEIR_DOORBELL_{reg['name']}", f"{reg['offset']:#x}", reg["text"])
    w()
    for struct in spec["structs"]:
        w.comment(struct["text"])
        w(f"struct weir_{struct['name']} {{")
        for f in struct["fields"]:
            kind, array = f["type"], ""
            if "[" in kind:
                kind, array = kind.split("[")
                array = "[" + array
            ctype = {"u8": "uint8_t"}.get(kind, f"weir_{kind}")
            note = f" /* {' '.join(f['text'].split())} */" if "text" in f else ""
            w(f"\t{ctype} {f['name']}{array};{note}")
        w("};")
        tag = f"struct weir_{struct['name']}"
        w(f"_Static_assert(sizeof({tag}) == {struct['size']}, \"ABI\");")
        for f in struct["fields"]:
            w(f"_Static_assert(offsetof({tag}, {f['name']}) == {f['offset']}, \"ABI\");")
        for f in struct["fields"]:
            w.bits(f"WEIR_{struct['prefix']}", f.get("bits", []))
        w()
    enum_block(w, "weir_attribute_id", "WEIR_ATTRIBUTE",
               [(a["name"], a["id"], f"{a['type']}{': ' + a['text'] if 'text' in a else ''}") for a in spec["attributes"]],
               "Attributes of admin commands (TLV).", "WEIR_ATTRIBUTE_LIMIT")
    enum_block(w, "weir_vport_flag", "WEIR_VPORT",
               [(f["name"], f"1 << {f['bit']}", f["text"]) for f in spec["vport_flags"]])
    enum_block(w, "weir_command", "WEIR_COMMAND",
               [(c["name"], f"{c['opcode']:#06x}", c["text"]) for c in spec["commands"]], "Admin commands.")
    enum_block(w, "weir_event", "WEIR_EVENT",
               [(e["name"], e["id"], e["text"]) for e in spec["events"]], "Asynchronous events.")
    for group in spec["statistics"]:
        scope = group["scope"]
        enum_block(w, f"weir_stat_{scope.lower()}", f"WEIR_STAT_{scope}",
                   [(c["name"].upper(), i, c.get("text")) for i, c in enumerate(group["counters"])],
                   f"Order of the counters of scope {scope}.", f"WEIR_STAT_{scope}_COUNT")
    w("#endif")
    return w.text()


def tables_header(spec):
    w = Writer()
    w(BANNER.rstrip())
    w("/* Names and rules of the ABI as constant tables: for the firmware's door and for tools that decode. */")
    w("#ifndef WEIR_TABLES_H")
    w("#define WEIR_TABLES_H")
    w("#include \"weir_abi.h\"")
    w()
    w("#define WEIR_TABLE static const __attribute__((unused))")
    w()
    w("enum weir_attribute_kind { WEIR_KIND_U8 = 1, WEIR_KIND_U16, WEIR_KIND_U32, WEIR_KIND_U64, WEIR_KIND_MAC, WEIR_KIND_STRING, WEIR_KIND_BYTES };")
    w()
    w("struct weir_attribute_rule {\n\tconst char *name;\n\tuint8_t kind; /* enum weir_attribute_kind, 0: no such attribute */\n\tuint16_t min_bytes, max_bytes;\n};")
    w("WEIR_TABLE struct weir_attribute_rule weir_attribute_rules[WEIR_ATTRIBUTE_LIMIT] = {")
    for a in spec["attributes"]:
        size = ATTRIBUTE_BYTES[a["type"]]
        low, high = (size, size) if size else (1, a.get("max", 32))
        w(f"\t[WEIR_ATTRIBUTE_{a['name']}] = {{ \"{a['name'].lower()}\", WEIR_KIND_{a['type'].upper()}, {low}, {high} }},")
    w("};")
    w()
    words = max(a["id"] for a in spec["attributes"]) // 64 + 1
    w(f"/* A set of attributes: id n is bit n % 64 of word n / 64. */\n#define WEIR_ATTRIBUTE_WORDS {words}")
    w("struct weir_attribute_set {\n\tuint64_t words[WEIR_ATTRIBUTE_WORDS];\n};")
    w("#define WEIR_SET_HAS(set, id) ((id) < WEIR_ATTRIBUTE_LIMIT && ((set).words[(id) / 64] >> (id) % 64 & 1))")
    w("struct weir_command_rule {\n\tconst char *name;\n\tuint16_t opcode;\n\tuint16_t privilege; /* enum weir_privilege */\n\tstruct weir_attribute_set required, optional, response;\n};")
    w("WEIR_TABLE struct weir_command_rule weir_command_rules[] = {")
    ids = {a["name"]: a["id"] for a in spec["attributes"]}
    for c in spec["commands"]:
        sets = [sum(1 << ids[a] for a in c.get(k, [])) for k in ("required", "optional", "response")]
        w(f"\t{{ \"{c['name'].lower()}\", WEIR_COMMAND_{c['name']}, WEIR_PRIVILEGE_{c['privilege']}, "
          + ", ".join("{ { " + ", ".join(f"{s >> 64 * i & (1 << 64) - 1:#x}ull" for i in range(words)) + " } }" for s in sets) + " },")
    w("};")
    w("#define WEIR_COMMAND_RULES (sizeof(weir_command_rules) / sizeof(weir_command_rules[0]))")
    w()
    w("/* The table of privileges: what each role holds. */")
    w("WEIR_TABLE uint16_t weir_role_privileges[] = {")
    for role in spec["enums"]["role"]["values"]:
        held = [f"WEIR_PRIVILEGE_{p['name']}" for p in spec["privileges"] if role["name"] in p["roles"]]
        w(f"\t[WEIR_ROLE_{role['name']}] = {' | '.join(held) or '0'},")
    w("};")
    w()
    for group in spec["statistics"]:
        w(f"WEIR_TABLE char *const weir_stat_{group['scope'].lower()}_names[WEIR_STAT_{group['scope']}_COUNT] = {{")
        for c in group["counters"]:
            w(f"\t\"{c['name']}\",")
        w("};")
    w()
    w("/* A value's name; value -1 ends a list. */")
    w("struct weir_name {\n\tint value;\n\tconst char *name;\n};")
    lists = {name: [(v["value"], v["name"]) for v in e["values"]] for name, e in spec["enums"].items()}
    lists["event"] = [(e["id"], e["name"]) for e in spec["events"]]
    lists["vport_flag"] = [(1 << f["bit"], f["name"]) for f in spec["vport_flags"]]
    for name, pairs in lists.items():
        w(f"WEIR_TABLE struct weir_name weir_{name}_names[] = {{")
        for value, text in pairs:
            w(f"\t{{ {value}, \"{text.lower()}\" }},")
        w("\t{ -1, NULL },")
        w("};")
    w()
    w("struct weir_field_info {\n\tconst char *name;\n\tuint8_t shift, width;\n};")
    w("/* access: 'r' RO, 'w' RW, 'o' WO, 'c' W1C. */")
    w("struct weir_register_info {\n\tconst char *name;\n\tconst char *block;\n\tuint16_t offset;\n\tchar access;\n\tuint8_t fields;\n"
      f"\tstruct weir_field_info field[{FIELDS_MAX}];\n}};")
    w("WEIR_TABLE struct weir_register_info weir_registers[] = {")
    letter = {"RO": "r", "RW": "w", "WO": "o", "W1C": "c"}
    for block in spec["registers"]["blocks"]:
        for reg in block["registers"]:
            fields = reg.get("fields", [])
            require(len(fields) <= FIELDS_MAX, f"{reg['name']}: over {FIELDS_MAX} fields")
            inner = ", ".join("{{ \"{}\", {}, {} }}".format(f["name"].lower(), *bit_range(f["bits"])) for f in fields)
            w(f"\t{{ \"{reg['name'].lower()}\", \"{block['name'].lower()}\", {block['offset'] + reg['offset']:#x}, '{letter[reg['access']]}', {len(fields)}, {{ {inner or '{ NULL, 0, 0 }'} }} }},")
    w("};")
    w("#define WEIR_REGISTERS (sizeof(weir_registers) / sizeof(weir_registers[0]))")
    w()
    w("#endif")
    return w.text()


def config_header(spec):
    w = Writer()
    w(BANNER.rstrip())
    w("/* Configuration space images of PF and VF: reset values and access masks, byte by byte. */")
    w("#ifndef WEIR_CONFIG_SPACE_H")
    w("#define WEIR_CONFIG_SPACE_H")
    w("#include <stdint.h>")
    w()
    w(f"#define WEIR_CONFIG_BYTES {CONFIG_BYTES}")
    for f in spec["config"]["header"]:
        w.define(f"WEIR_CFG_{f['name'].upper()}", f"{f['offset']:#x}", f.get("text"))
    for kind in ("capabilities", "extended"):
        for cap in spec["config"][kind]:
            w.define(f"WEIR_CFG_{cap['name']}", f"{cap['offset']:#x}")
            w.define(f"WEIR_CFG_{cap['name']}_BYTES", f"{cap['size']:#x}")
            for f in cap["fields"]:
                w.define(f"WEIR_CFG_{cap['name']}_{f['name'].upper()}", f"{cap['offset'] + f['offset']:#x}", f.get("text"))
    w()
    w("struct weir_config_capability {\n\tconst char *name;\n\tuint16_t id, offset, bytes;\n\tuint8_t extended, version, pf, vf;\n};")
    w("static const __attribute__((unused)) struct weir_config_capability weir_config_capabilities[] = {")
    for kind in ("capabilities", "extended"):
        for cap in spec["config"][kind]:
            w(f"\t{{ \"{cap['name']}\", {cap['id']:#x}, {cap['offset']:#x}, {cap['size']:#x}, {int(kind == 'extended')}, "
              f"{cap.get('version', 0)}, {int('pf' in cap['functions'])}, {int('vf' in cap['functions'])} }},")
    w("};")
    w("#define WEIR_CONFIG_CAPABILITIES (sizeof(weir_config_capabilities) / sizeof(weir_config_capabilities[0]))")
    w()
    w("/* value: after reset; write: bits a host can set and clear; w1c: bits a one clears; sticky: bits FLR leaves alone. */")
    w("struct weir_config_image {\n\tuint8_t value[WEIR_CONFIG_BYTES], write[WEIR_CONFIG_BYTES], w1c[WEIR_CONFIG_BYTES], sticky[WEIR_CONFIG_BYTES];\n};")
    for which in ("pf", "vf"):
        planes = {k: bytearray(CONFIG_BYTES) for k in ("value", "write", "w1c", "sticky")}
        for place, field, offset, size, _ in config_fields(spec, which, with_headers=True):
            for key in ("value", "write", "w1c"):
                number = pick(field, key, which)
                require(number < 1 << 8 * size, f"{place}: {key} too large")
                planes[key][offset:offset + size] = number.to_bytes(size, "little")
            if field.get("sticky"):
                planes["sticky"][offset:offset + size] = b"\xff" * size
        w(f"static const __attribute__((unused)) struct weir_config_image weir_config_{which} = {{")
        for key, plane in planes.items():
            items = [f"[{i:#x}] = {b:#x}" for i, b in enumerate(plane) if b]
            w(f"\t.{key} = {{")
            for i in range(0, len(items), 8):
                w("\t\t" + ", ".join(items[i:i + 8]) + ",")
            w("\t},")
        w("};")
    w("#endif")
    return w.text()


# ------------------------------------------------------------------ the register reference

def cell(text):
    return " ".join(str(text or "").split()).replace("|", "\\|")


def reference(spec):
    w = Writer()
    w("<!-- SPDX-License-Identifier: BSD-3-Clause -->")
    w("<!-- Generated from specs/weir.yaml by specs/generate.py: do not edit. -->")
    w("# Weir register, descriptor and command reference")
    w()
    w(f"ABI {spec['abi']['major']}.{spec['abi']['minor']}. All values are little-endian; reserved fields are written as zero.")
    w()
    pci = spec["pci"]
    w("## PCI identity and BARs")
    w()
    w(f"Vendor {pci['vendor_id']:#06x}, PF device {pci['device_id_pf']:#06x}, VF device {pci['device_id_vf']:#06x}, class {pci['class']:#08x}.")
    w()
    w("| BAR | name | PF bytes | VF bytes |\n|---|---|---|---|")
    for bar in pci["bars"]:
        w(f"| {bar['bar']} | {bar['name']} | {bar['pf_bytes']:#x} | {bar['vf_bytes']:#x} |")
    w()
    w(f"MSI-X table at {pci['msix']['table_offset']:#x} and pending bits at {pci['msix']['pba_offset']:#x} of BAR{pci['msix']['bar']}; "
      f"{pci['msix']['pf_vectors']} vectors in a PF, {pci['msix']['vf_vectors']} in a VF.")
    w()
    w("## Constants")
    w()
    w("| name | value | meaning |\n|---|---|---|")
    for c in spec["constants"]:
        w(f"| {c['name']} | {c['value']} | {cell(c.get('text'))} |")
    w()
    w("## Registers (BAR0)")
    w()
    w(spec["registers"]["text"])
    for block in spec["registers"]["blocks"]:
        w()
        w(f"### {block['name']} at {block['offset']:#x}")
        w()
        w(f"{block['text']}." + (f" Block id {block['id']}, version {block['version']}." if block["chained"] else ""))
        w()
        w("| offset | register | access | bits | field | meaning |\n|---|---|---|---|---|---|")
        for reg in block["registers"]:
            w(f"| {block['offset'] + reg['offset']:#05x} | {reg['name']} | {reg['access']} | 31:0 | | {cell(reg.get('text'))} |")
            for f in reg.get("fields", []):
                w(f"| | | | {f['bits']} | {f['name']} | {cell(f.get('text'))} |")
    w()
    w("## Doorbells (BAR2)")
    w()
    w(spec["doorbells"]["text"])
    w()
    w("| offset | doorbell | meaning |\n|---|---|---|")
    for reg in spec["doorbells"]["registers"]:
        w(f"| {reg['offset']:#04x} | {reg['name']} | {cell(reg['text'])} |")
    w()
    w("## Structures in host memory")
    for struct in spec["structs"]:
        w()
        w(f"### {struct['name']} ({struct['size']} bytes)")
        w()
        w(f"{struct['text']}.")
        w()
        w("| offset | field | type | bits | name | meaning |\n|---|---|---|---|---|---|")
        for f in struct["fields"]:
            w(f"| {f['offset']} | {f['name']} | {f['type']} | | | {cell(f.get('text'))} |")
            for b in f.get("bits", []):
                w(f"| | | | {b['bits']} | {b['name']} | {cell(b.get('text'))} |")
    w()
    w("## Admin commands")
    w()
    w("| opcode | command | privilege | required | optional | response | meaning |\n|---|---|---|---|---|---|---|")
    for c in spec["commands"]:
        names = [", ".join(a.lower() for a in c.get(k, [])) for k in ("required", "optional", "response")]
        w(f"| {c['opcode']:#06x} | {c['name']} | {c['privilege']} | {names[0]} | {names[1]} | {names[2]} | {cell(c['text'])} |")
    w()
    w("### Attributes")
    w()
    w("| id | attribute | type | meaning |\n|---|---|---|---|")
    for a in spec["attributes"]:
        w(f"| {a['id']} | {a['name'].lower()} | {a['type']} | {cell(a.get('text'))} |")
    w()
    w("### Vport flags")
    w()
    w("| bit | flag | meaning |\n|---|---|---|")
    for f in spec["vport_flags"]:
        w(f"| {f['bit']} | {f['name']} | {cell(f['text'])} |")
    w()
    w("### Privileges")
    w()
    roles = [r["name"] for r in spec["enums"]["role"]["values"]]
    w("| privilege | " + " | ".join(roles) + " | meaning |\n|---|" + "---|" * len(roles) + "---|")
    for p in spec["privileges"]:
        w(f"| {p['name']} | " + " | ".join("yes" if r in p["roles"] else "no" for r in roles) + f" | {cell(p['text'])} |")
    w()
    w("## Events")
    w()
    w("| id | event | meaning |\n|---|---|---|")
    for e in spec["events"]:
        w(f"| {e['id']} | {e['name']} | {cell(e['text'])} |")
    w()
    w("## Enumerations")
    for name, enum in spec["enums"].items():
        w()
        w(f"### {name}")
        w()
        w(f"{enum['text']}.")
        w()
        w("| value | name | meaning |\n|---|---|---|")
        for v in enum["values"]:
            w(f"| {v['value']} | {v['name']} | {cell(v.get('text'))} |")
    w()
    w("## Statistics")
    for group in spec["statistics"]:
        w()
        w(f"### {group['scope']}")
        w()
        w("| index | counter | meaning |\n|---|---|---|")
        for i, c in enumerate(group["counters"]):
            w(f"| {i} | {c['name']} | {cell(c.get('text'))} |")
    w()
    w("## Configuration space")
    w()
    w("| offset | size | field | functions | PF value | VF value | PF writable | VF writable | one clears | meaning |\n|---|---|---|---|---|---|---|---|---|---|")
    rows = [(f["name"], f, f["offset"], ["pf", "vf"]) for f in spec["config"]["header"]]
    for kind in ("capabilities", "extended"):
        for cap in spec["config"][kind]:
            rows += [(f"{cap['name']}.{f['name']}", f, cap["offset"] + f["offset"], cap["functions"]) for f in cap["fields"]]
    for place, f, offset, functions in rows:
        value = "set by the card" if "parameter" in f else f"{f['value']:#x}"
        has_vf = "vf" in functions
        w(f"| {offset:#05x} | {f['size']} | {place} | {', '.join(functions)} | {value} | {format(pick(f, 'value', 'vf'), '#x') if has_vf else ''} | "
          f"{f.get('write', 0):#x} | {format(pick(f, 'write', 'vf'), '#x') if has_vf else ''} | {f.get('w1c', 0):#x} | {cell(f.get('text'))} |")
    return w.text()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is stale")
    arguments = parser.parse_args()
    spec = yaml.safe_load((HERE / "weir.yaml").read_text())
    try:
        check(spec)
        files = {
            "include/weir/weir_abi.h": abi_header(spec),
            "include/weir/weir_tables.h": tables_header(spec),
            "include/weir/weir_config_space.h": config_header(spec),
            "registers.md": reference(spec),
        }
    except SpecError as error:
        sys.exit(f"weir.yaml: {error}")
    stale = [n for n, text in files.items() if not (HERE / n).exists() or (HERE / n).read_text() != text]
    if arguments.check:
        if stale:
            sys.exit("stale, run specs/generate.py: " + ", ".join(stale))
        return
    for name in stale:
        (HERE / name).parent.mkdir(parents=True, exist_ok=True)
        (HERE / name).write_text(files[name])


if __name__ == "__main__":
    main()
