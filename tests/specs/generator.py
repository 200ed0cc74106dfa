# SPDX-License-Identifier: BSD-3-Clause
"""spec.generated.*: specs/generate.py refuses a weir.yaml that contradicts itself, and its committed output is current."""

import copy
import shutil
import sys
import tempfile
import pathlib

import yaml

from common import HEADERS, SPECS, run, run_well, spec, tap

GENERATED = ["include/" + header for header in HEADERS] + ["registers.md"]


def named(items, name):
    """The item of a list of dicts with this name."""
    return next(item for item in items if item["name"] == name)


def register(contents, name):
    """A register by its name."""
    return named([r for block in contents["registers"]["blocks"] for r in block["registers"]], name)


def capability(contents, name):
    """A capability by its name."""
    return named(contents["config"]["capabilities"] + contents["config"]["extended"], name)


def generate(contents, folder):
    """Run the generator on this yaml in a folder of its own; (exit code, output)."""
    shutil.copy(SPECS / "generate.py", folder)
    (folder / "weir.yaml").write_text(yaml.safe_dump(contents, sort_keys=False, allow_unicode=True))
    return run([sys.executable, folder / "generate.py"], folder)


def refuses(mutate, *words):
    """The generator fails on the changed yaml, with a message that names the place and without writing anything."""
    contents = copy.deepcopy(spec())
    mutate(contents)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        code, text = generate(contents, folder)
        tap.require(code != 0, "accepted")
        tap.require("Traceback" not in text, "ends in a traceback\n" + text)
        tap.require(text.startswith("weir.yaml: "), "no message of its own: " + text)
        for word in words:
            tap.require(word in text, "the message does not name %s: %s" % (word, text))
        written = [path for path in GENERATED if (folder / path).exists()]
        tap.require(not written, "wrote %s all the same" % written)


def takes_the_yaml_as_it_is():
    """Control of all refusals: the same way with nothing changed succeeds and writes what is committed."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        code, text = generate(copy.deepcopy(spec()), folder)
        tap.require(code == 0, text)
        for path in GENERATED:
            tap.require((folder / path).read_bytes() == (SPECS / path).read_bytes(), path + " differs from the committed one")


def check_finds_stale_files():
    """generate.py --check fails and names the file when a generated file is not what the yaml gives, and when one is missing."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        generate(copy.deepcopy(spec()), folder)
        code, text = run([sys.executable, folder / "generate.py", "--check"], folder)
        tap.require(code == 0, "stale right after it was written: " + text)
        with open(folder / GENERATED[0], "a") as file:
            file.write("\n")
        (folder / GENERATED[3]).unlink()
        code, text = run([sys.executable, folder / "generate.py", "--check"], folder)
        tap.require(code != 0 and GENERATED[0] in text and GENERATED[3] in text, "not found: " + text)


def files_are_current():
    """The committed headers and reference are what weir.yaml gives."""
    run_well([sys.executable, SPECS / "generate.py", "--check"])


# --- what is refused: each changes one thing, and names the words that the message must have

def overlapping_bits(contents):
    named(register(contents, "QUEUE_LIMITS")["fields"], "VECTORS")["bits"] = "31:15"


def overlapping_descriptor_bits(contents):
    flags = named(named(contents["structs"], "tx_descriptor")["fields"], "flags")
    named(flags["bits"], "END")["bits"] = "3"


def bits_beyond_the_register(contents):
    named(register(contents, "STATUS")["fields"], "LINK_UP")["bits"] = "32"


def bits_upside_down(contents):
    named(register(contents, "STATUS")["fields"], "STATE")["bits"] = "0:3"


def overlapping_registers(contents):
    register(contents, "GENERATION")["offset"] = register(contents, "STATUS")["offset"]


def registers_of_two_blocks_overlap(contents):
    named(contents["registers"]["blocks"], "ADMIN")["offset"] = named(contents["registers"]["blocks"], "CONTROL")["offset"] + 0x10


def register_on_its_block_header(contents):
    register(contents, "STATUS")["offset"] = 4


def unaligned_register(contents):
    register(contents, "STATUS")["offset"] += 2


def unknown_access_mode(contents):
    register(contents, "STATUS")["access"] = "RX"


def doorbells_at_one_place(contents):
    named(contents["doorbells"]["registers"], "RX_ARM")["offset"] = 0


def struct_size_that_does_not_add_up(contents):
    named(contents["structs"], "rx_completion")["size"] = 24


def struct_field_unaligned(contents):
    fields = named(contents["structs"], "admin_command")["fields"]
    fields.insert(1, {"name": "odd", "type": "u8"})


def unknown_attribute_in_a_command(contents):
    named(contents["commands"], "FILTER_ADD")["optional"].append("COLOUR")


def unknown_privilege(contents):
    named(contents["commands"], "FILTER_ADD")["privilege"] = "ROYAL"


def opcode_twice(contents):
    named(contents["commands"], "ECHO")["opcode"] = named(contents["commands"], "GET_INFO")["opcode"]


def attribute_id_twice(contents):
    named(contents["attributes"], "VPORT")["id"] = named(contents["attributes"], "QUEUE")["id"]


def attribute_id_too_great(contents):
    named(contents["attributes"], "VPORT")["id"] = 0x8000


def enumeration_value_twice(contents):
    named(contents["enums"]["status"]["values"], "BUSY")["value"] = 0


def event_id_twice(contents):
    named(contents["events"], "LINK")["id"] = named(contents["events"], "VF_STATE")["id"]


def overlapping_config_fields(contents):
    named(contents["config"]["header"], "status")["offset"] = 5


def overlapping_capabilities(contents):
    capability(contents, "MSIX")["offset"] = 0x44


def config_field_beyond_its_capability(contents):
    capability(contents, "MSIX")["size"] = 8


def config_field_beyond_the_space(contents):
    capability(contents, "SECPCI")["offset"] = 0xff0


def config_value_too_great(contents):
    named(contents["config"]["header"], "revision")["value"] = 0x100


def config_bits_both_writable_and_cleared(contents):
    named(contents["config"]["header"], "status")["write"] = 0x8000


REFUSED = [
    (overlapping_bits, "QUEUE_LIMITS", "VECTORS"),
    (overlapping_descriptor_bits, "tx_descriptor", "END"),
    (bits_beyond_the_register, "STATUS", "LINK_UP"),
    (bits_upside_down, "0:3"),
    (overlapping_registers, "GENERATION"),
    (registers_of_two_blocks_overlap,),
    (register_on_its_block_header, "STATUS"),
    (unaligned_register, "STATUS"),
    (unknown_access_mode, "STATUS", "access"),
    (doorbells_at_one_place, "doorbells", "offset 0"),
    (struct_size_that_does_not_add_up, "rx_completion", "24"),
    (struct_field_unaligned, "admin_command"),
    (unknown_attribute_in_a_command, "FILTER_ADD", "COLOUR"),
    (unknown_privilege, "FILTER_ADD", "privilege"),
    (opcode_twice, "commands", "opcode"),
    (attribute_id_twice, "attributes", "id"),
    (attribute_id_too_great, "attributes"),
    (enumeration_value_twice, "enums.status", "value"),
    (event_id_twice, "events", "id"),
    (overlapping_config_fields, "status", "command"),
    (overlapping_capabilities, "MSIX", "PM"),
    (config_field_beyond_its_capability, "MSIX", "beyond"),
    (config_field_beyond_the_space, "SECPCI", "beyond"),
    (config_value_too_great, "revision"),
    (config_bits_both_writable_and_cleared, "status"),
]


def tests():
    """The tests of this module: (name, function, arguments...)."""
    yield "spec.generated.files_are_current", files_are_current
    yield "spec.generated.takes_the_yaml_as_it_is", takes_the_yaml_as_it_is
    yield "spec.generated.check_finds_stale_files", check_finds_stale_files
    for mutate, *words in REFUSED:
        yield ("spec.generated.refuses_" + mutate.__name__, refuses, mutate, *words)
