# SPDX-License-Identifier: BSD-3-Clause
"""spec.chapters.*: the hand-written chapters of the datasheet speak of everything that weir.yaml defines and of nothing else,
their links resolve, and their byte-level examples decode to what they say."""

import functools
import re

from common import SPECS, spec, tap

GENERATED = "registers.md"

# Names in capitals with an underscore that are not ours, and lower-case ones in code spans.
OTHERS = {"WRITE_ONCE", "READ_ONCE"}
OTHER_CODE = {"seq_cst", "dma_wmb", "smp_mb", "rte_io_wmb", "rte_mb", "rte_write32", "rte_write32_relaxed", "atomic_thread_fence",
              "flow_hash mod 128", "table[flow_hash mod 128]", "uint16_t"}


@functools.lru_cache(maxsize=None)
def chapters():
    """{file name: text} of all chapters, the generated reference left out."""
    return {path.name: path.read_text() for path in sorted(SPECS.glob("*.md")) if path.name != GENERATED}


def everything():
    """All chapters as one text."""
    return "\n".join(chapters().values())


def anchors(text):
    """The anchors of a markdown text's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_resolve():
    """Every relative link names a file of specs/, and a heading in it."""
    wrong = []
    for name, text in chapters().items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            file, _, anchor = target.partition("#")
            path = SPECS / (file or name)
            if not path.exists():
                wrong.append("%s: %s" % (name, target))
            elif anchor and anchor not in anchors(path.read_text()):
                wrong.append("%s: %s has no such heading" % (name, target))
    tap.require(not wrong, "; ".join(wrong))
    contents = set(re.findall(r"\]\((\w[\w-]*\.md)\)", chapters()["README.md"]))
    missing = {path.name for path in SPECS.glob("*.md")} - contents - {"README.md"}
    tap.require(not missing, "not in the table of contents: %s" % sorted(missing))


def known_names():
    """Every name in capitals that weir.yaml defines."""
    y = spec()
    names = {c["name"] for c in y["constants"]} | {a["name"] for a in y["attributes"]} | {c["name"] for c in y["commands"]}
    names |= {e["name"] for e in y["events"]} | {f["name"] for f in y["vport_flags"]} | {p["name"] for p in y["privileges"]}
    names |= {v["name"] for enum in y["enums"].values() for v in enum["values"]} | {g["scope"] for g in y["statistics"]}
    for register in [r for b in y["registers"]["blocks"] for r in b["registers"]] + y["doorbells"]["registers"]:
        names |= {register["name"]} | {f["name"] for f in register.get("fields", [])}
    for struct in y["structs"]:
        names |= {b["name"] for f in struct["fields"] for b in f.get("bits", [])}
    return names


def known_code():
    """Every lower-case name with an underscore that weir.yaml defines."""
    y = spec()
    names = {c["name"] for g in y["statistics"] for c in g["counters"]} | {s["name"] for s in y["structs"]}
    names |= {f["name"] for s in y["structs"] for f in s["fields"]}
    return names | {"weir_" + name for name in y["enums"]} | {"weir_command", "weir_abi", "weir_tables", "weir_config_space"}


def every_name_exists():
    """NAMES_LIKE_THIS, REGISTER.FIELD, and counters and fields in code spans are those of weir.yaml."""
    names, code, wrong = known_names(), known_code(), []
    fields = {r["name"]: {f["name"] for f in r.get("fields", [])} for b in spec()["registers"]["blocks"] for r in b["registers"]}
    for name, text in chapters().items():
        for word in re.findall(r"(?<![\w/])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)", text):
            if word not in names and word not in OTHERS:
                wrong.append("%s: %s" % (name, word))
        for register, field in re.findall(r"\b([A-Z][A-Z_0-9]+)\.([A-Z][A-Z_0-9]+)\b", text):
            if register in fields and field not in fields[register]:
                wrong.append("%s: %s.%s" % (name, register, field))
            elif register not in fields and register not in ("MISBEHAVIOUR",):
                wrong.append("%s: no register %s" % (name, register))
        for span in re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)):
            for word in re.findall(r"(?<![\w/.*-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w*])", span):
                # A dot after it makes it the name of a file, or of a test.
                if word not in code and word not in OTHER_CODE and not re.search(re.escape(word) + r"\.\w", span):
                    wrong.append("%s: `%s`" % (name, word))
    tap.require(not wrong, "unknown: " + "; ".join(sorted(set(wrong))))


def everything_is_spoken_of():
    """Commands, events, statuses, states, misbehaviours, flags, trace kinds, registers, structures and drop counters all occur."""
    y, text = spec(), everything()
    names = [c["name"] for c in y["commands"]] + [e["name"] for e in y["events"]] + [f["name"] for f in y["vport_flags"]]
    for enum in ("status", "function_state", "misbehaviour", "trace_kind", "link_policy"):
        names += [v["name"] for v in y["enums"][enum]["values"]]
    names += [p["name"] for p in y["privileges"] if p["name"] not in ("BASIC", "PORT_ADMIN")]
    # Halves of one number, and what is read as it stands, need no words beyond the reference.
    plain = re.compile(r"_(LOW|HIGH)$|^(LINK_SPEED|PORT|MAX_FRAME|FUNCTION)$")
    names += [r["name"] for b in y["registers"]["blocks"] for r in b["registers"] if not plain.search(r["name"])]
    names += [r["name"] for r in y["doorbells"]["registers"]] + [s["name"] for s in y["structs"] if s["name"] not in ("attribute", "log_record")]
    names += [b["name"] for s in y["structs"] for f in s["fields"] for b in f.get("bits", [])]
    names += [c["name"] for g in y["statistics"] for c in g["counters"] if "dropped_" in c["name"] or "bad_" in c["name"]]
    missing = [name for name in names if not re.search(r"(?<!\w)%s(?!\w)" % re.escape(name), text)]
    tap.require(not missing, "no chapter speaks of " + ", ".join(missing))


# --- examples

def example(title):
    """The bytes of the table under `<!-- example: TITLE -->` of admin-queue.md, its offsets checked."""
    text = chapters()["admin-queue.md"]
    match = re.search(r"<!-- example: %s -->\n((?:\|.*\n)+)" % re.escape(title), text)
    tap.require(match, "no example %s" % title)
    found = b""
    for offset, data in re.findall(r"^\| (\d+) \| `([0-9a-f ]+)` \|", match.group(1), re.MULTILINE):
        tap.require(int(offset) == len(found), "%s: offset %s where %d bytes were" % (title, offset, len(found)))
        found += bytes.fromhex(data)
    return found


def decode(name, data):
    """A structure of weir.yaml as {field: number}."""
    struct = next(s for s in spec()["structs"] if s["name"] == name)
    width = {"le16": 2, "le32": 4, "le64": 8}
    tap.require(len(data) == struct["size"], "%s: %d bytes, not %d" % (name, len(data), struct["size"]))
    values, offset = {}, 0
    for field in struct["fields"]:
        size = width[field["type"]]
        values[field["name"]] = int.from_bytes(data[offset:offset + size], "little")
        offset += size
    return values


def attributes(data):
    """TLVs as a list of (name, must, value bytes); padding checked."""
    names = {a["id"]: a["name"] for a in spec()["attributes"]}
    must = next(c["value"] for c in spec()["constants"] if c["name"] == "ATTRIBUTE_MUST")
    found, offset = [], 0
    while offset < len(data):
        kind, length = (int.from_bytes(data[offset + i:offset + i + 2], "little") for i in (0, 2))
        value = data[offset + 4:offset + 4 + length]
        end = offset + 4 + (length + 3) // 4 * 4
        tap.require(len(value) == length and end <= len(data) and not any(data[offset + 4 + length:end]), "length or padding at %d" % offset)
        found.append((names[kind & ~must], bool(kind & must), value))
        offset = end
    return found


def examples_decode():
    """The worked example of the admin queue: request, command, completions and response are what the text around them says."""
    y = spec()
    opcode = {c["name"]: c["opcode"] for c in y["commands"]}
    ids = {a["name"]: a["id"] for a in y["attributes"]}
    status = {v["name"]: v["value"] for v in y["enums"]["status"]["values"]}
    request = example("request FILTER_ADD")
    tap.require(attributes(request) == [("MAC", True, bytes([2, 0, 0, 0, 0, 1])), ("VLAN", True, bytes([5, 0]))],
                "the request holds %s" % attributes(request))
    command = decode("admin_command", example("admin_command"))
    want = {"opcode": opcode["FILTER_ADD"], "cookie": 7, "request_length": len(request), "request_address": 0x123456000}
    tap.require(command == dict.fromkeys(command, 0) | want, "the command holds %s" % command)
    completion = decode("admin_completion", example("admin_completion OK"))
    want = {"opcode": opcode["FILTER_ADD"], "cookie": 7, "sq_head": 3, "generation": 1, "flags": 1}
    tap.require(completion == dict.fromkeys(completion, 0) | want, "the completion holds %s" % completion)
    response = dict((name, int.from_bytes(value, "little")) for name, must, value in attributes(example("response LINK_GET")) if not must)
    tap.require(response == {"LINK_UP": 1, "LINK_SPEED_MBPS": 100000}, "the response holds %s" % response)
    text = chapters()["admin-queue.md"]
    failure = re.search(r"would differ in\s+`([0-9a-f ]+)` \(BAD_VALUE\)\s+at 6 and `([0-9a-f ]+)` \(VLAN", text)
    tap.require(failure, "the failing example is not there")
    tap.require(int.from_bytes(bytes.fromhex(failure.group(1)), "little") == status["BAD_VALUE"] and
                int.from_bytes(bytes.fromhex(failure.group(2)), "little") == ids["VLAN"], "the failing example differs")


def ring_example_counts_right():
    """The ring wrap of data-queues.md: each count lies at count mod 64, and follows the one before modulo 2^16."""
    text = chapters()["data-queues.md"]
    table = re.search(r"\| count \| entry \|.*\n\|---.*\n((?:\|.*\n)+)", text)
    tap.require(table, "no such table")
    rows = [tuple(map(int, row)) for row in re.findall(r"^\| (\d+) \| (\d+) \|", table.group(1), re.MULTILINE)]
    tap.require(len(rows) == 4 and rows[0][0] == 65534, "rows %s" % rows)
    for number, (count, entry) in enumerate(rows):
        tap.require(count == (rows[0][0] + number) % 65536 and entry == count % 64, "count %d at entry %d" % (count, entry))


def tests():
    """The tests of this module: (name, function, arguments...)."""
    for function in (links_resolve, every_name_exists, everything_is_spoken_of, examples_decode, ring_example_counts_right):
        yield "spec.chapters." + function.__name__, function
