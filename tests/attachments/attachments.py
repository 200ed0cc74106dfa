#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The configuration space of PF and VF is the same, and each bit of it behaves the same, however the card is plugged in: by libweirsim in a
process, as clients of weir-sim, in QEMU and as Linux in a guest sees it. What PCIe or QEMU forces to be otherwise is in differences.yaml.
Arguments are shell globs of test names."""

import os
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE] + [os.path.join(HERE, "..", folder) for folder in ("specs", os.path.join("guest", "qemu"), os.path.join("guest", "lib"))]
from machine import tap  # noqa: E402
import config_space as spec  # noqa: E402
import places  # noqa: E402
import plan  # noqa: E402

REFERENCE = places.RUNS[0]


def require_none(complaints, what):
    """Fail with the first of some complaints."""
    tap.require(not complaints, "%s: %d complaints: %s\n%s" % (what, len(complaints), "; ".join(complaints[:4]), "\n".join(complaints[:200])))


def listed():
    """The entries of differences.yaml."""
    return plan.load_differences(plan.DIFFERENCES.read_text())


def dump_complaints(attachment, which, dump, reference, entries):
    """Where a dump is not that of the reference; entries say where it need not be. What the host of a guest wrote is its own matter."""
    planes, expected, mask = plan.contract(attachment, which, entries), bytearray(reference), None
    for at in range(plan.BYTES):
        if planes.value[at] != plan.Contract(which).value[at]:
            expected[at] = planes.value[at]
    if attachment == "linux_guest":
        mask = bytes(byte ^ 0xff for byte in planes.write)
    return plan.byte_complaints(dump, expected, which, mask)


def dump_is_that_of_the_others(run, which):
    reference = REFERENCE.of(which)["before"]
    require_none(plan.byte_complaints(reference, plan.Contract(which).value, which), "in process, not as weir.yaml has it")
    require_none(dump_complaints(run.name, which, run.of(which)["before"], reference, listed()), "not as in process")


def bits_keep_their_access(run, which):
    found = run.of(which)
    for group, state in (("bits", None), ("pages", plan.LARGE_PAGES), ("errors", plan.ERROR_SEEN)):
        if group not in found:
            continue
        planes = plan.contract(run.name, which, listed(), state)
        require_none(plan.complaints(found["before"], list(places.GROUPS[group](which)), found[group], planes), group)


def flr_resets_what_is_not_sticky(run, which):
    found, planes = run.of(which), plan.contract(run.name, which, listed())
    require_none(plan.complaints(found["before"], list(plan.initiate_flr(which)), found["flr"], planes), "FLR")


def lspci_decodes(run, which):
    found = run.of(which)
    if "lspci" not in found:
        spec.require_decoded(which, spec.lspci(found["before"]))
        return
    # Linux has chosen addresses, and drivers have chosen the rest.
    spec.require_decoded(which, found["lspci"], details=lambda detail: not detail.startswith("Region"))
    spec.require_decoded(which, found["lspci_in_use"], details=lambda detail: False)


def drivers_leave_it_as_it_was():
    """Bits that no host can write are the same when both drivers work."""
    for which in ("pf", "vf"):
        found = places.RUNS[-1].of(which)
        require_none(dump_complaints("linux_guest", which, found["in_use"], REFERENCE.of(which)["before"], listed()), which)


# ---- the tests themselves ----

def unlisted_one_is_noticed():
    """A byte that reads otherwise, a bit that is kept or lost against its access; and what is right is let pass."""
    for which in ("pf", "vf"):
        before = bytes(plan.Contract(which).value)
        for at in (0x0e, 0x34, 0x77, 0x84, 0x103, 0x164, 0xfff):
            other = bytearray(before)
            other[at] ^= 0x10
            tap.require(len(dump_complaints("qemu", which, bytes(other), before, [])) == 1, "%s: a byte at %#x" % (which, at))
        operations = list(plan.write_back(which))
        model = plan.Model(before, plan.Contract(which))
        right = [result for result in map(model.perform, operations) if result is not None]
        tap.require(not plan.complaints(before, operations, right, plan.Contract(which)), "right results are complained of")
        for field, plane in (("command", "write"), ("EXP.device_status", "w1c"), ("ATS.control", "write"), ("AER.header_log", "write")):
            other = plan.Contract(which)
            offset, size = plan.place(which, field)
            getattr(other, plane)[offset:offset + size] = (other.number(plane, offset, size) ^ 4).to_bytes(size, "little")
            if plane == "w1c":
                other.write[offset] |= 4
            model = plan.Model(before, other)
            wrong = [result for result in map(model.perform, operations) if result is not None]
            found = plan.complaints(before, operations, wrong, plan.Contract(which))
            tap.require(found and all(field in line for line in found), "%s of the %s: %s" % (field, which, found[:3]))


def listed_one_that_is_none_is_noticed():
    """An entry that says what weir.yaml says, and one that an attachment does not show."""
    entry = {"attachments": ["qemu"], "functions": ["pf"], "field": "revision", "value": 1, "reason": "none"}
    for wrong in ({"value": 1}, {"field": "no_such"}, {"write": 0, "field": "command", "value": 0}):
        try:
            plan.contract("qemu", "pf", plan.load_differences(yaml.safe_dump([{**entry, **wrong}])))
        except AssertionError:
            continue
        raise AssertionError("%s is taken" % wrong)
    for wrong in ([{**entry, "reason": " "}], [entry, entry], [{**entry, "surprise": 1}], [{key: entry[key] for key in entry if key != "value"}], {}):
        try:
            plan.load_differences(yaml.safe_dump(wrong))
        except AssertionError:
            continue
        raise AssertionError("%s is taken" % wrong)
    before = bytes(plan.Contract("pf").value)
    tap.require(len(dump_complaints("qemu", "pf", before, before, [{**entry, "value": 2}])) == 1, "a listed value that does not occur")
    operations = list(plan.write_back("pf"))
    model = plan.Model(before, plan.Contract("pf"))
    results = [result for result in map(model.perform, operations) if result is not None]
    planes = plan.contract("qemu", "pf", [{**entry, "write": 0x80, "value": 2}])
    tap.require(plan.complaints(before, operations, results, planes), "listed bits that cannot be written")


def every_listed_one_is_looked_at():
    """No entry is of an attachment or function that is not run."""
    runs = {run.name: run.functions for run in places.RUNS}
    for entry in listed():
        for attachment in entry["attachments"]:
            tap.require(attachment in runs, "no attachment %s" % attachment)
            for which in entry["functions"]:
                tap.require(which in runs[attachment], "%s has no %s" % (attachment, which))
                plan.contract(attachment, which, listed(), entry.get("while"))
        tap.require(entry.get("while") in (None, plan.LARGE_PAGES, plan.ERROR_SEEN), "nothing is done while %s" % entry.get("while"))


def main():
    """Returns the exit status."""
    suite = tap.Suite(sys.argv[1:])
    suite.run("attachments.differences.an_unlisted_one_is_noticed", unlisted_one_is_noticed)
    suite.run("attachments.differences.a_listed_one_that_is_none_is_noticed", listed_one_that_is_none_is_noticed)
    suite.run("attachments.differences.every_listed_one_is_looked_at", every_listed_one_is_looked_at)
    for run in places.RUNS:
        for which in run.functions:
            for room, behaviour, test in (("dump", "is_that_of_the_others", dump_is_that_of_the_others), ("bits", "keep_their_access", bits_keep_their_access),
                                          ("flr", "resets_what_is_not_sticky", flr_resets_what_is_not_sticky), ("lspci", "is_decoded", lspci_decodes)):
                suite.run("attachments.%s.%s_%s_%s" % (room, run.name, which, behaviour), test, run, which)
    suite.run("attachments.dump.linux_guest_drivers_leave_it_as_it_was", drivers_leave_it_as_it_was)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
