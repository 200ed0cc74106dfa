# SPDX-License-Identifier: BSD-3-Clause
"""What is done to a function's configuration space, and what must come of it: by specs/weir.yaml, and by differences.yaml where an
attachment shows it otherwise.

Operations are tuples: ("r", offset, size), ("d",) reads all 4096 bytes, ("w", offset, size, keep, value) writes what stood there at the
beginning, where keep has ones, and value, ("e",) has the function see an error and reads all 4096 bytes.
"""

import functools
import pathlib

import yaml

from common import tap  # tests/specs
import config_space as spec

BYTES = spec.BYTES
TOTAL_VFS, SERIAL = spec.PARAMETERS["total_vfs"], spec.PARAMETERS["serial"]
DIFFERENCES = pathlib.Path(__file__).resolve().parent / "differences.yaml"
ENTRY_KEYS = {"attachments": list, "functions": list, "field": str, "value": int, "write": int, "while": dict, "reason": str}
OPTIONAL_KEYS = ("value", "write", "while")
INITIATE_FLR, MAX_PAYLOAD = 0x8000, 0x00e0


@functools.lru_cache(maxsize=None)
def places(which):
    """{name of a field: (offset, size)} of a function."""
    return {name: (offset, size) for name, offset, size, _ in spec.fields(which)}


def place(which, name):
    """(offset, size) of a field by its name in weir.yaml: bar0, SRIOV.num_vfs."""
    tap.require(name in places(which), "weir.yaml has no field %s of the %s" % (name, which))
    return places(which)[name]


def field_at(which, offset):
    """The name of the field that has this byte, for messages."""
    return next((name for name, (first, size) in places(which).items() if first <= offset < first + size), "no field")


class Contract:
    """Four planes of 4096 bytes, as those of weir.yaml: value at reset, bits that can be written, that a one clears, that survive FLR."""

    def __init__(self, which):
        self.which = which
        for name in spec.PLANES:
            setattr(self, name, bytearray(spec.planes()["%s.%s" % (which, name)]))
        for _, offset, size, field in spec.fields(which):
            if "parameter" in field:
                self.value[offset:offset + size] = spec.PARAMETERS[field["parameter"]].to_bytes(size, "little")

    def change(self, field, **planes):
        """Give a field other numbers; they must be other numbers."""
        offset, size = place(self.which, field)
        for name, number in planes.items():
            plane, data = getattr(self, name), number.to_bytes(size, "little")
            tap.require(plane[offset:offset + size] != data, "%s of the %s: %s %#x is no difference" % (field, self.which, name, number))
            plane[offset:offset + size] = data

    def number(self, plane, offset, size):
        """A little-endian number of a plane."""
        return int.from_bytes(getattr(self, plane)[offset:offset + size], "little")


def load_differences(text):
    """The entries of differences.yaml, checked."""
    entries = yaml.safe_load(text)
    tap.require(isinstance(entries, list), "differences.yaml is not a list")
    seen = set()
    for entry in entries:
        for key, kind in ENTRY_KEYS.items():
            tap.require(isinstance(entry.get(key), kind) or (key not in entry and key in OPTIONAL_KEYS), "%s: `%s` is missing or wrong" % (entry, key))
        tap.require(not set(entry) - set(ENTRY_KEYS) and ("value" in entry) + ("write" in entry) and entry["reason"].strip(),
                    "%s: an unknown key, no reason, or neither value nor write" % entry)
        for function in entry["functions"]:
            place(function, entry["field"])
            for attachment in entry["attachments"]:
                key = (attachment, function, entry["field"], str(entry.get("while")))
                tap.require(key not in seen, "%s of the %s on %s is listed twice" % (entry["field"], function, attachment))
                seen.add(key)
    return entries


def contract(attachment, which, entries, state=None):
    """What the specification says, and where it is listed otherwise for this attachment. state: {field: number} that lasts meanwhile
    (a `while` of the list); what follows from it by the datasheet is in STATES."""
    found = Contract(which)
    for field, planes in STATES.get(_key(state), {}).get(which, {}).items():
        found.change(field, **planes)
    for entry in entries:
        if attachment in entry["attachments"] and which in entry["functions"] and entry.get("while", None) in (None, state):
            found.change(entry["field"], **{name: entry[name] for name in ("value", "write") if name in entry})
    return found


def _key(state):
    return tuple(sorted((state or {}).items()))


# ---- bits whose access depends on others: specs/pcie.md, SR-IOV ----

LARGE_PAGES = {"SRIOV.system_page_size": 0x400}
ERROR_SEEN = {"AER.uncorrectable_status": 1 << 20}
STATES = {
    # A VF's part of a VF BAR is a page of 4 MiB at least, and a VF BAR is aligned to it.
    _key(LARGE_PAGES): {"pf": {"SRIOV.vf_bar%d" % bar: {"write": 2**64 - (4 << 20)} for bar in (0, 2, 4)}},
}


# ---- operations ----

def ones(which, offset, size):
    """All ones for a write, but for Initiate FLR, which has a test of its own."""
    control, _ = place(which, "EXP.device_control")
    value = (1 << 8 * size) - 1
    for i in range(size):
        if offset + i == control + 1:
            value &= ~(INITIATE_FLR >> 8 << 8 * i)
    return value


def write_back(which):
    """All ones, then zeros, then what was there, at every place and in every width."""
    for size in (4, 2, 1):
        full = (1 << 8 * size) - 1
        for offset in range(0, BYTES, size):
            for keep, value in ((0, ones(which, offset, size)), (0, 0), (full & ~_w1c(which, offset, size), 0)):
                yield ("w", offset, size, keep, value)
                yield ("r", offset, size)
    yield ("d",)


def _w1c(which, offset, size):
    return int.from_bytes(spec.planes()[which + ".w1c"][offset:offset + size], "little")


def restore(which):
    """Everything as it was, Command last."""
    command, _ = place(which, "command")
    for offset in sorted(range(0, BYTES, 4), key=lambda offset: offset == command):
        if any(spec.planes()[which + ".write"][offset:offset + 4]) or offset < 0x40:
            yield ("w", offset, 4, 0xffffffff & ~_w1c(which, offset, 4), 0)


def initiate_flr(which):
    """Bits set all over, then Initiate FLR, in each width; it reads as zero, and all else as after a reset."""
    control, _ = place(which, "EXP.device_control")
    for offset, size in ((control + 1, 1), (control, 2), (control, 4)):
        for name in ("command", "MSIX.control", "ATS.control", "AER.uncorrectable_mask", "EXP.device_control", "EXP.link_control",
                     "EXP.link_control2", "cache_line_size"):
            field, count = place(which, name)
            yield ("w", field, count, 0, ones(which, field, count))
        yield ("w", offset, size, (1 << 8 * size) - 1, INITIATE_FLR >> (8 if size == 1 else 0))
        yield ("r", offset, size)
        yield ("d",)
        yield from restore(which)
        yield ("d",)


def with_large_pages(which):
    """The VF BARs while the system page is larger than they are."""
    if which == "vf":
        return
    for bar in (0, 2, 4):
        yield ("w", place(which, "SRIOV.vf_bar%d" % bar)[0], 4, 0, 0)
    (field, number), = LARGE_PAGES.items()
    offset, size = place(which, field)
    yield ("w", offset, size, 0, number)
    yield ("r", offset, size)
    for bar in (0, 2, 4):
        first, _ = place(which, "SRIOV.vf_bar%d" % bar)
        for dword in (first, first + 4):
            for value in (0xffffffff, 0):
                yield ("w", dword, 4, 0, value)
                yield ("r", dword, 4)
    yield from restore(which)
    yield ("d",)


ERRORS = ("EXP.device_status", "AER.uncorrectable_status", "AER.correctable_status")


def clear_errors(which):
    """What an error leaves in the status registers: zeros leave it there, ones take it away, in each width."""
    for size in (4, 2, 1):
        places_w1c = [offset for offset in range(0, BYTES, size) if _w1c(which, offset, size)]
        yield ("w", place(which, "command")[0], 2, 0, 6)
        yield ("e",)
        for value in (0, (1 << 8 * size) - 1):
            for offset in places_w1c:
                # Other registers of the same word keep what they have.
                others = ((1 << 8 * size) - 1) & ~_w1c(which, offset, size)
                yield ("w", offset, size, others, value & ~others)
                yield ("r", offset, size)
            yield ("d",)
        yield from restore(which)
    yield ("d",)


# ---- what must come of them ----

class Model:
    """A configuration space that does what its contract says, and nothing else."""

    def __init__(self, before, planes):
        self.before, self.bytes, self.planes = bytes(before), bytearray(before), planes

    def perform(self, operation):
        """What an operation reads, None for a write."""
        if operation[0] == "d":
            return bytes(self.bytes)
        offset, size = operation[1:3]
        if operation[0] == "r":
            return int.from_bytes(self.bytes[offset:offset + size], "little")
        keep, value = operation[3:]
        value |= int.from_bytes(self.before[offset:offset + size], "little") & keep
        for at in range(offset, offset + size):
            byte, writable = value >> 8 * (at - offset) & 0xff, self.planes.write[at]
            self.bytes[at] = (self.bytes[at] & ~writable | byte & writable) & ~(byte & self.planes.w1c[at])
        control, _ = place(self.planes.which, "EXP.device_control")
        if offset <= control + 1 < offset + size and value >> 8 * (control + 1 - offset) & INITIATE_FLR >> 8:
            self._flr(control)
        return None

    def see_error(self, space, mask):
        """An error has come, and this is the space with it; complaints if it shows in other places than mask leaves for it, or not."""
        plain = Contract(self.planes.which).value
        expected = bytes(now if now != usual else byte for now, usual, byte in zip(self.planes.value, plain, self.bytes))
        found = byte_complaints(space, expected, self.planes.which, bytes(byte & ~w1c for byte, w1c in zip(mask, self.planes.w1c)))
        for field in ERRORS:
            offset, size = place(self.planes.which, field)
            if not any(space[offset:offset + size]):
                found.append("%s shows no error" % field)
        self.bytes = bytearray(space)
        return found

    def _flr(self, control):
        """PCIe 5.0, 6.6.2: what is sticky stays, and in the PF what belongs to the link."""
        planes, old = self.planes, bytes(self.bytes)
        self.bytes = bytearray(planes.value[at] & ~planes.sticky[at] | old[at] & planes.sticky[at] for at in range(BYTES))
        if planes.which == "pf":
            self.bytes[control] = self.bytes[control] & ~MAX_PAYLOAD | old[control] & MAX_PAYLOAD
            link, size = place("pf", "EXP.link_control")
            self.bytes[link:link + size] = old[link:link + size]


def complaints(before, operations, results, planes):
    """Where what was read is not what the contract says, as text. results: of the reading operations, in order."""
    model, found, results, last = Model(before, planes), [], iter(results), None
    mask = None
    for operation in operations:
        if operation[0] == "w":
            model.perform(operation)
            last = operation
            continue
        result = next(results, None)
        tap.require(result is not None, "there are fewer results than reads")
        if operation[0] == "e":
            mask = _error_mask(planes)
            found += model.see_error(result, mask)
            continue
        expected = model.perform(operation)
        if operation[0] == "d":
            found += byte_complaints(result, expected, planes.which, mask)
        elif result != expected:
            _, offset, size, keep, value = last
            wrong = next(at for at in range(size) if (result ^ expected) >> 8 * at & 0xff)
            found.append("%03xh (%s), %d bytes: %0*x written gives %0*x, not %0*x" % (
                offset, field_at(planes.which, offset + wrong), size, 2 * size,
                value | int.from_bytes(before[offset:offset + size], "little") & keep, 2 * size, result, 2 * size, expected))
    tap.require(next(results, None) is None, "there are more results than reads")
    return found


def _error_mask(planes):
    """Ones everywhere but in the log of the last error, which is kept or not when the error is cleared."""
    mask = bytearray(b"\xff" * BYTES)
    for field in ("AER.control", "AER.header_log"):
        offset, size = place(planes.which, field)
        mask[offset:offset + size] = bytes(size)
    return mask


def byte_complaints(found, expected, which, mask=None):
    """Where two spaces differ, as text; mask has ones where bits count."""
    return ["%03xh (%s): %02x, not %02x" % (at, field_at(which, at), found[at], expected[at]) for at in range(BYTES)
            if (found[at] ^ expected[at]) & (mask[at] if mask else 0xff)]
