# SPDX-License-Identifier: BSD-3-Clause
"""spec.config_space.*: the generated images of PF and VF are what weir.yaml says, keep the rules that PCIe sets, and real lspci
decodes them. The images are taken from the C header, by a program that dumps them."""

import functools
import pathlib
import re
import tempfile

from common import INCLUDE, run_well, spec, tap

BYTES = 4096
PLANES = ("value", "write", "w1c", "sticky")

DUMPER = """
#include <stdio.h>
#include <weir/weir_config_space.h>

static void dump(const char *name, const uint8_t *plane)
{
	printf("%s", name);
	for (int i = 0; i < WEIR_CONFIG_BYTES; i++)
		printf(" %02x", plane[i]);
	printf("\\n");
}

int main(void)
{
	dump("pf.value", weir_config_pf.value), dump("pf.write", weir_config_pf.write);
	dump("pf.w1c", weir_config_pf.w1c), dump("pf.sticky", weir_config_pf.sticky);
	dump("vf.value", weir_config_vf.value), dump("vf.write", weir_config_vf.write);
	dump("vf.w1c", weir_config_vf.w1c), dump("vf.sticky", weir_config_vf.sticky);
	return 0;
}
"""

# lspci's words for a capability, and the fields that its decoding must show, for the PF and the VF.
DECODED = {
    "PM": ("Power Management version 3", {"pf": ["NoSoftRst+", "D1-", "D2-"]}),
    "MSIX": ("MSI-X:", {"pf": ["Count=65", "Vector table: BAR=4 offset=00000000", "PBA: BAR=4 offset=00001000"],
                        "vf": ["Count=17", "Vector table: BAR=4 offset=00000000", "PBA: BAR=4 offset=00001000"]}),
    "EXP": ("Express (v2) Endpoint", {"pf": ["FLReset+", "RBE+", "ExtTag+", "MaxPayload 512 bytes", "Speed 8GT/s, Width x16, ASPM not supported",
                                             "LnkSta:\tSpeed 8GT/s", "Supported Link Speeds: 2.5-8GT/s", "Target Link Speed: 8GT/s"],
                                      "vf": ["FLReset+", "RBE+", "ExtTag+"]}),
    "AER": ("Advanced Error Reporting", {"pf": ["UESvrt:\tDLP+ SDES- TLP- FCP+ CmpltTO- CmpltAbrt- UnxCmplt- RxOF+ MalfTLP+ ECRC-"]}),
    "ARI": ("Alternative Routing-ID Interpretation (ARI)", {"pf": ["Next Function: 0"], "vf": ["Next Function: 0"]}),
    "ATS": ("Address Translation Service (ATS)", {"pf": ["Invalidate Queue Depth: 00"], "vf": ["Invalidate Queue Depth: 00"]}),
    "SRIOV": ("Single Root I/O Virtualization (SR-IOV)",
              {"pf": ["Initial VFs: 64, Total VFs: 64, Number of VFs: 0", "VF offset: 1, stride: 1, Device ID: 5746",
                      "Supported Page Size: 00000553, System Page Size: 00000001",
                      "Region 0: Memory at 0000000000000000 (64-bit, prefetchable)",
                      "Region 2: Memory at 0000000000000000 (64-bit, prefetchable)",
                      "Region 4: Memory at 0000000000000000 (64-bit, prefetchable)"]}),
    "DSN": ("Device Serial Number 01-02-03-04-05-06-07-08", {"pf": []}),
    "SECPCI": ("Secondary PCI Express", {"pf": ["LaneErrStat: 0"]}),
}

# What the card fills in (fields marked `parameter`), here.
PARAMETERS = {"total_vfs": 64, "serial": 0x0102030405060708}

# A VF's link registers are the PF's business and read zero, which lspci calls an unknown speed.
ALLOWED = {"vf": re.compile(r"LnkSta:\tSpeed unknown \(downgraded\), Width x0 \(downgraded\)")}
ODD = re.compile(r"<\?>|\?\?|unknown|Unknown|malformed|broken|Broken|<chain|<access denied|\b[Ii]nvalid\b|reserved")


@functools.lru_cache(maxsize=None)
def planes():
    """{"pf.value": 4096 bytes, ...} as the C header has them."""
    with tempfile.TemporaryDirectory() as name:
        output = pathlib.Path(name) / "dump"
        run_well(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", INCLUDE, "-x", "c", "-", "-o", output], given=DUMPER)
        text = run_well([output])
    found = {line.split(" ", 1)[0]: bytes.fromhex(line.split(" ", 1)[1]) for line in text.splitlines()}
    tap.require(len(found) == 8 and all(len(plane) == BYTES for plane in found.values()), "the dump is not complete")
    return found


def capabilities(which):
    """The capabilities of a function, in order."""
    config = spec()["config"]
    return [cap for kind in ("capabilities", "extended") for cap in config[kind] if which in cap["functions"]]


def fields(which):
    """(name, offset, size, field) of every field of a function, capability headers left out."""
    for field in spec()["config"]["header"]:
        yield field["name"], field["offset"], field["size"], field
    for cap in capabilities(which):
        for field in cap["fields"]:
            yield "%s.%s" % (cap["name"], field["name"]), cap["offset"] + field["offset"], field["size"], field


def read(which, plane, offset, size):
    """A little-endian number of an image."""
    return int.from_bytes(planes()["%s.%s" % (which, plane)][offset:offset + size], "little")


def mine(field, key, which):
    """A field's number for PF or VF, as weir.yaml has it."""
    return field.get(key + "_vf", field.get(key, 0)) if which == "vf" else field.get(key, 0)


def image_is_that_of_the_yaml(which):
    """Every byte of the four planes is explained by the yaml: fields, the two capability chains, zeros elsewhere."""
    want = {plane: bytearray(BYTES) for plane in PLANES}
    for _, offset, size, field in fields(which):
        for plane in ("value", "write", "w1c"):
            want[plane][offset:offset + size] = mine(field, plane, which).to_bytes(size, "little")
        if field.get("sticky"):
            want["sticky"][offset:offset + size] = b"\xff" * size
    for kind, size in (("capabilities", 2), ("extended", 4)):
        chain = [cap for cap in spec()["config"][kind] if which in cap["functions"]]
        for cap, following in zip(chain, [cap["offset"] for cap in chain[1:]] + [0]):
            header = cap["id"] | (following << 8 if size == 2 else cap["version"] << 16 | following << 20)
            want["value"][cap["offset"]:cap["offset"] + size] = header.to_bytes(size, "little")
    for plane in PLANES:
        have = planes()["%s.%s" % (which, plane)]
        wrong = ["%03x: %02x, not %02x" % (i, have[i], want[plane][i]) for i in range(BYTES) if have[i] != want[plane][i]]
        tap.require(not wrong, "%s: %s" % (plane, "; ".join(wrong[:5])))


def chains_reach_every_capability(which):
    """Walking the chains as software does finds each capability at its place, in order, and ends (PCIe 7.5.1.1.11, 7.6.3)."""
    found, offset = [], read(which, "value", 0x34, 1)
    while offset and len(found) < 64:
        tap.require(offset % 4 == 0 and offset >= 0x40, "capability at %#x" % offset)
        found.append((read(which, "value", offset, 1), offset))
        offset = read(which, "value", offset + 1, 1)
    offset = 0x100
    while offset and len(found) < 64:
        header = read(which, "value", offset, 4)
        found.append((header & 0xffff, offset))
        offset = header >> 20
    want = [(cap["id"], cap["offset"]) for cap in capabilities(which)]
    tap.require(found == want, "found %s, not %s" % (found, want))


def bars_have_their_sizes():
    """Writable bits of BARs and VF BARs give the sizes of the table of BARs; MSI-X and doorbells lie inside them."""
    y = spec()
    numbers = {c["name"]: c["value"] for c in y["constants"]}
    sriov = next(cap for cap in capabilities("pf") if cap["name"] == "SRIOV")["offset"]
    for bar in y["pci"]["bars"]:
        for size, offset in ((bar["pf_bytes"], 0x10 + 4 * bar["bar"]), (bar["vf_bytes"], sriov + 0x24 + 4 * bar["bar"])):
            tap.require(size & (size - 1) == 0 and size >= 4096, "%s: %#x bytes" % (bar["name"], size))
            tap.require(read("pf", "write", offset, 8) == 2**64 - size, "%s: mask at %#x" % (bar["name"], offset))
            tap.require(read("pf", "value", offset, 8) == 0xc, "%s: not 64-bit prefetchable at %#x" % (bar["name"], offset))
            tap.require(read("vf", "value", 0x10 + 4 * bar["bar"], 8) == 0 == read("vf", "write", 0x10 + 4 * bar["bar"], 8),
                        "a VF has a BAR of its own (PCIe 9.3.4.1.11)")
    bars = {bar["name"]: bar for bar in y["pci"]["bars"]}
    msix = y["pci"]["msix"]
    for which in ("pf", "vf"):
        vectors, pairs = msix[which + "_vectors"], numbers[which.upper() + "_QUEUE_PAIRS"]
        cap = next(cap for cap in capabilities(which) if cap["name"] == "MSIX")["offset"]
        tap.require(read(which, "value", cap + 2, 2) & 0x7ff == vectors - 1, "MSI-X table size of the " + which)
        tap.require(read(which, "value", cap + 4, 4) == msix["table_offset"] | msix["bar"], "MSI-X table of the " + which)
        tap.require(read(which, "value", cap + 8, 4) == msix["pba_offset"] | msix["bar"], "MSI-X PBA of the " + which)
        tap.require(msix["table_offset"] + 16 * vectors <= msix["pba_offset"], "MSI-X table runs into the PBA")
        tap.require(msix["pba_offset"] + (vectors + 63) // 64 * 8 <= bars["msix"][which + "_bytes"], "PBA beyond its BAR")
        tap.require(pairs << numbers["DOORBELL_STRIDE_LOG2"] <= bars["doorbells"][which + "_bytes"], "doorbells beyond their BAR")
        tap.require(vectors >= pairs + 1, "fewer vectors than queue pairs and the admin queue")
        window = next(r for b in y["registers"]["blocks"] for r in b["registers"] if r["name"] == "MAILBOX_WINDOW")["reset"]
        last = max(b["offset"] + r["offset"] + 4 for b in y["registers"]["blocks"] for r in b["registers"])
        length = next(r for b in y["registers"]["blocks"] for r in b["registers"] if r["name"] == "MAILBOX_WINDOW_BYTES")["reset"]
        tap.require(last <= window and window + length <= bars["registers"][which + "_bytes"], "mailbox window and registers overlap")
        tap.require(length >= numbers["ADMIN_DATA_MAX_BYTES"], "the mailbox cannot hold the largest request")


def vf_keeps_the_rules_of_sriov():
    """What PCIe chapter 9 takes from a VF: ids, Memory Space Enable, INTx, device control but FLR, ATS's translation unit."""
    tap.require(read("vf", "value", 0, 4) == 0xffffffff, "ids are not FFFF (9.3.4.1.1)")
    tap.require(read("vf", "write", 4, 2) == 0x0004, "command: only Bus Master Enable is a VF's (9.3.4.1.3)")
    tap.require(read("vf", "value", 0x3c, 4) == 0 == read("vf", "write", 0x3c, 4), "interrupt line or pin (9.3.4.1)")
    for name in ("EXP.device_control", "EXP.link_control", "EXP.device_control2", "EXP.link_control2", "AER.uncorrectable_mask",
                 "AER.uncorrectable_severity", "AER.correctable_mask"):
        offset, size = next((o, s) for n, o, s, _ in fields("vf") if n == name)
        tap.require(read("vf", "write", offset, size) == 0, name + " can be written in a VF")
    control = next(o for n, o, _, _ in fields("vf") if n == "ATS.control")
    tap.require(read("vf", "write", control, 2) == 0x8000, "ATS: a VF has Enable alone (10.5.1.3)")
    tap.require(not [cap["name"] for cap in capabilities("vf") if cap["name"] in ("SRIOV", "PM", "DSN", "SECPCI")], "capabilities of a PF in a VF")
    first = next(o for n, o, _, _ in fields("pf") if n == "SRIOV.first_vf_offset")
    pci = spec()["pci"]
    tap.require(read("pf", "value", first, 2) == pci["first_vf_offset"] > 0 and read("pf", "value", first + 2, 2) == pci["vf_stride"] > 0,
                "offset or stride of VFs")
    page = next(o for n, o, _, _ in fields("pf") if n == "SRIOV.supported_page_sizes")
    tap.require(read("pf", "value", page, 4) & 0x553 == 0x553, "page sizes that must be supported (9.3.3.12)")


def image_of(which):
    """The image as the operating system shows it: with this card's parameters, and a VF with its real ids."""
    image = bytearray(planes()[which + ".value"])
    for _, offset, size, field in fields(which):
        if "parameter" in field:
            image[offset:offset + size] = PARAMETERS[field["parameter"]].to_bytes(size, "little")
    return bytes(image)


def lspci(image):
    """What `lspci -vvv -nn` says of a configuration space."""
    if image[0:4] == b"\xff\xff\xff\xff":
        pci = spec()["pci"]
        image = pci["vendor_id"].to_bytes(2, "little") + pci["device_id_vf"].to_bytes(2, "little") + image[4:]
    lines = ["01:00.0 Ethernet controller"]
    for offset in range(0, BYTES, 16):
        lines.append("%02x: %s" % (offset, " ".join("%02x" % byte for byte in image[offset:offset + 16])))
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name) / "dump"
        path.write_text("\n".join(lines) + "\n\n")
        # lspci complains on standard error that no kernel modules are here.
        return run_well(["sh", "-c", "exec lspci -F %s -vvv -nn 2>/dev/null" % path])


def require_decoded(which, text, details=None):
    """lspci found every capability of a function at its place, and no other, and understood each. details: which of DECODED's details must be shown;
    all, as after a reset, if it is None."""
    ids = "[%04x:%04x]" % (spec()["pci"]["vendor_id"], spec()["pci"]["device_id_" + which])
    tap.require("Ethernet controller [0200]" in text and ids in text, "class or ids are not shown\n" + text)
    parts = {}
    for part in re.split(r"\n\tCapabilities: ", text)[1:]:
        match = re.match(r"\[([0-9a-f]+)(?: v(\d+))?\] (.*)", part, re.DOTALL)
        tap.require(match, "malformed: " + part.splitlines()[0])
        parts[int(match.group(1), 16)] = (match.group(2), match.group(3))
    tap.require(sorted(parts) == [cap["offset"] for cap in capabilities(which)], "capabilities at %s" % [hex(o) for o in parts])
    for cap in capabilities(which):
        version, part = parts[cap["offset"]]
        title, wanted = DECODED[cap["name"]]
        tap.require(part.startswith(title), "%s is decoded as %s" % (cap["name"], part.splitlines()[0]))
        tap.require(version is None or int(version) == cap["version"], "%s has version %s" % (cap["name"], version))
        for detail in filter(details or bool, wanted.get(which, [])):
            tap.require(detail in part, "%s does not show %r\n%s" % (cap["name"], detail, part))
    allowed = ALLOWED.get(which)
    odd = [line.strip() for line in text.splitlines() if ODD.search(line) and not (allowed and allowed.search(line))]
    tap.require(not odd, "lspci does not understand: " + "; ".join(odd))


def lspci_decodes(which):
    """lspci -vvv understands the image."""
    text = lspci(image_of(which))
    print("\n".join("#   " + line for line in text.splitlines()))
    require_decoded(which, text)


def tests():
    """The tests of this module: (name, function, arguments...)."""
    for which in ("pf", "vf"):
        yield "spec.config_space.image_of_the_%s_is_that_of_the_yaml" % which, image_is_that_of_the_yaml, which
        yield "spec.config_space.chains_of_the_%s_reach_every_capability" % which, chains_reach_every_capability, which
        yield "spec.config_space.lspci_decodes_the_" + which, lspci_decodes, which
    yield "spec.config_space.bars_have_their_sizes", bars_have_their_sizes
    yield "spec.config_space.vf_keeps_the_rules_of_sriov", vf_keeps_the_rules_of_sriov
