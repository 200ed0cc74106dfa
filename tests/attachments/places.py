# SPDX-License-Identifier: BSD-3-Clause
"""The ways to plug the card in, and what each needs to perform operations (plan.py) on the configuration space of PF and VF.

A run gives {function: {"before": 4096 bytes, group of operations: [results]}}.
"""

import functools
import os
import struct
import subprocess

from machine import BUILD, NUM_VFS, SHARED_MEMORY, SRIOV_CONTROL, TOP, VF_ENABLE, VF_MEMORY, Machine, bench, tap
import guest

import plan

VFS, VF = 3, 1  # enabled, and the one that is looked at
GROUPS = {"bits": plan.write_back, "flr": plan.initiate_flr, "pages": plan.with_large_pages, "errors": plan.clear_errors}
PROBE = "bin/config-probe"
CARD = ("--total-vfs", plan.TOTAL_VFS, "--serial", "%x" % plan.SERIAL)
BATCH = 256  # requests that are on their way at once


def operations(which, errors):
    """[(group, operation)] of a function, in order. errors: whether it can be made to see one."""
    return [(group, operation) for group, make in GROUPS.items() if group != "errors" or errors for operation in make(which)]


def sorted_out(which, before, results, errors):
    """What a run gives for a function, from the results of all its operations."""
    found = {"before": before, **{group: [] for group in GROUPS if group != "errors" or errors}}
    results = iter(results)
    for group, operation in operations(which, errors):
        if operation[0] != "w":
            result = next(results, None)
            tap.require(result is not None, "the results end before the operations")
            found[group].append(result)
    tap.require(next(results, None) is None, "there are more results than operations")
    return found


# ---- by a program: in the same process, in a guest ----

def as_text(which, errors):
    """The operations as config-probe reads them."""
    return "".join("%s %s\n" % (operation[0], " ".join("%x" % number for number in operation[1:]))
                   for _, operation in operations(which, errors))


def from_text(which, text, errors):
    """What config-probe printed."""
    before, *lines = text.split()
    reads = [operation for _, operation in operations(which, errors) if operation[0] != "w"]
    tap.require(len(lines) == len(reads) and len(before) == 2 * plan.BYTES, "%d results, not %d" % (len(lines), len(reads)))
    results = [int(line, 16) if operation[0] == "r" else bytes.fromhex(line) for line, operation in zip(lines, reads)]
    return sorted_out(which, bytes.fromhex(before), results, errors)


def in_process():
    """libweirsim, called."""
    found = {}
    for which, numbers in (("pf", (0, 0)), ("vf", (VFS, VF + 1))):
        command = [str(BUILD / "asan" / PROBE), "card", str(plan.TOTAL_VFS), str(plan.SERIAL)] + [str(number) for number in numbers]
        done = subprocess.run(command, input=as_text(which, True), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        tap.require(done.returncode == 0, "config-probe ends with %d\n%s" % (done.returncode, done.stderr))
        found[which] = from_text(which, done.stdout, True)
    return found


def linux_guest():
    """sysfs in a guest with the card in its QEMU; the PF before its driver comes, the VF with no driver of its own."""
    program = str(BUILD / "opt" / PROBE)
    result = guest.run_guest(
        str(TOP / "tests" / "attachments" / "job.sh"), guest.weir_arguments(["user,ipv6=off"], options=",vfs=%d,serial=%#x" % (plan.TOTAL_VFS, plan.SERIAL)),
        preload=guest.WEIR_QEMU, timeout_s=150, programs=[program], name="attachments",
        overlay_files={"/usr/bin/config-probe": program, **{"/job/%s.operations" % which: as_text(which, False).encode() for which in ("pf", "vf")}})
    tap.require(result.ok, result.why + "\n" + guest.console_end(result))
    found = {which: from_text(which, result.file(which + ".results").decode(), False) for which in ("pf", "vf")}
    for which in found:
        found[which].update({name: result.file("%s.%s" % (which, name)).decode() for name in ("lspci", "lspci_in_use")})
        found[which]["in_use"] = bytes.fromhex(result.file(which + ".in_use").decode().split()[0])
    return found


# ---- by messages, many on their way at once ----

def perform(which, before, send, see_error=None):
    """All operations by send([(offset, size, None or number to write)]), which gives what the reads read. see_error: has the function
    see an error; None where nobody can."""
    results, waiting = [], []

    def flush():
        found = []
        for first in range(0, len(waiting), BATCH):
            found += send(waiting[first:first + BATCH])
        found = iter(found)
        for _, size, value in waiting:
            if value is None:
                results.append(next(found).to_bytes(size, "little"))
        waiting.clear()

    for _, operation in operations(which, see_error is not None):
        if operation[0] == "e":
            flush()
            see_error()
        if operation[0] in "de":
            waiting += [(offset, 4, None) for offset in range(0, plan.BYTES, 4)]
        elif operation[0] == "r":
            waiting.append((*operation[1:], None))
        else:
            _, offset, size, keep, value = operation
            waiting.append((offset, size, int.from_bytes(before[offset:offset + size], "little") & keep | value))
    flush()
    pieces, shaped = iter(results), []
    for _, operation in operations(which, see_error is not None):
        if operation[0] == "r":
            shaped.append(int.from_bytes(next(pieces), "little"))
        elif operation[0] != "w":
            shaped.append(b"".join(next(pieces) for _ in range(plan.BYTES // 4)))
    return sorted_out(which, before, shaped, see_error is not None)


def by_vfio_user(client, which):
    """A function by the socket of weir-sim."""
    def send(requests):
        data = b""
        for number, (offset, size, value) in enumerate(requests):
            access = struct.pack("<QII", offset, client.CONFIG, size) + (b"" if value is None else value.to_bytes(size, "little"))
            command = client.REGION_READ if value is None else client.REGION_WRITE
            data += struct.pack("<HHIII", number, command, 16 + len(access), 0, 0) + access
        client.socket.sendall(data)
        found = []
        for number, (offset, size, value) in enumerate(requests):
            echoed, _, length, flags, error = struct.unpack("<HHIII", client.receive(16))
            payload = client.receive(length - 16)
            tap.require(echoed == number and not flags & 0x20, "%xh: %s" % (offset, os.strerror(error)))
            if value is None:
                found.append(int.from_bytes(payload[16:], "little"))
        return found

    before = client.read(client.CONFIG, 0, plan.BYTES).to_bytes(plan.BYTES, "little")
    # No register is one byte wide.
    return perform(which, before, send, lambda: client.read(client.BAR0, 0, 1))


def vfio_user():
    """Clients of weir-sim: one of the PF, who then enables VFs, and one of a VF."""
    with bench.Sim(*CARD, variant="asan") as sim, bench.VfioUser(sim.path("pf0")) as pf:
        found = {"pf": by_vfio_user(pf, "pf")}
        pf.write(pf.CONFIG, NUM_VFS, VFS, 2)
        pf.write(pf.CONFIG, SRIOV_CONTROL, VF_ENABLE | VF_MEMORY, 2)
        bench.wait_for(lambda: "vf%d.sock" % VF in sim.sockets(), "socket of VF %d" % VF)
        with bench.VfioUser(sim.path("vf%d" % VF)) as vf:
            found["vf"] = by_vfio_user(vf, "vf")
    return found


def by_qtest(machine, function, which, identity=None):
    """A function in a QEMU whose processor is this test. identity: the device's, if QEMU can be told to have it see an error."""
    def send(requests):
        address, lines = machine.config_address(1, function.devfn), []
        for offset, size, value in requests:
            letter = {1: "b", 2: "w", 4: "l"}[size]
            lines.append("read%s %#x" % (letter, address + offset) if value is None else "write%s %#x %#x" % (letter, address + offset, value))
        answers = machine.commands(lines)
        return [int(answer[0], 16) for answer, (_, _, value) in zip(answers, requests) if value is None]

    def see_error():
        for arguments in ("%s 0x100000", "-c %s 0x2000"):
            said = machine.qmp("human-monitor-command", command_line="pcie_aer_inject_error " + arguments % identity)
            tap.require(said.startswith("OK"), "pcie_aer_inject_error: " + said)

    return perform(which, function.space(), send, see_error if identity else None)


def in_qemu(machine):
    """PF, then a VF of it, which has no name by which QEMU would find it."""
    found = {"pf": by_qtest(machine, machine.pf, "pf", "pf0")}
    machine.start()
    found["vf"] = by_qtest(machine, machine.enable_vfs(VFS, command=0)[VF], "vf")
    return found


def qemu():
    """The card inside QEMU."""
    with Machine(",vfs=%d,serial=%#x" % (plan.TOTAL_VFS, plan.SERIAL)) as machine:
        return in_qemu(machine)


def qemu_attached():
    """QEMU as a client of weir-sim, from the PF down."""
    with bench.Sim(*CARD) as sim, Machine(",attach=%s" % sim.folder, before=SHARED_MEMORY, expect=()) as machine:
        return in_qemu(machine)


def qemu_alone():
    """QEMU as a client of weir-sim that has one VF alone."""
    with bench.Sim(*CARD, "--vfs", VFS) as sim:
        with Machine(",attach=%s,function=vf%d" % (sim.folder, VF), before=SHARED_MEMORY, expect=()) as machine:
            return {"vf": by_qtest(machine, machine.pf, "vf", "pf0")}


class Run:
    """One way to plug the card in: run once, when a result is first asked for."""

    def __init__(self, make, functions=("pf", "vf")):
        self.name, self.functions = make.__name__, functions
        self._make = functools.lru_cache(maxsize=None)(make)
        self._failure = None

    def of(self, which):
        """What the run gives for a function. A run that failed has failed for all."""
        tap.require(self._failure is None, "it could not be run: %s" % self._failure)
        try:
            return self._make()[which]
        except BaseException as failure:
            self._failure = str(failure).split("\n", 1)[0]
            raise


RUNS = [Run(in_process), Run(vfio_user), Run(qemu), Run(qemu_attached), Run(qemu_alone, ("vf",)), Run(linux_guest)]
