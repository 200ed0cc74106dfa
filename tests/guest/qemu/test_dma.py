# SPDX-License-Identifier: BSD-3-Clause
"""DMA and interrupts of the card in QEMU, in-process and on a running weir-sim, without and with translation by VT-d."""

import struct

from driver import (DMA_FAULT, PAGE, Iommu, AdminQueue, master, point_vector)
from machine import COMMAND, MASTER, MEMORY, NO_CABLE, SHARED_MEMORY, Machine, bench, sleep_ms, tap

MEGABYTE = 1 << 20
FAULT_WORDS = ("detected translation failure", "detected slpte permission error", "Interrupt Mask set", "compression of faults", "dma_fault",
               "DMA write of")
IOMMU_OPTIONS = {"in_process": ",intremap=on,device-iotlb=on", "on_weir_sim": ",intremap=on,device-iotlb=on,caching-mode=on"}


class Bench:
    """A machine of either kind, by name."""

    def __init__(self, kind, iommu=False, expect=()):
        self.sim = None
        options = IOMMU_OPTIONS[kind] if iommu else None
        if kind == "on_weir_sim":
            self.sim = bench.Sim("--wire", "loopback")
        try:
            self.machine = Machine(",attach=%s" % self.sim.folder if self.sim else "", before=SHARED_MEMORY, iommu=options,
                                   expect=(() if self.sim else NO_CABLE) + tuple(expect))
            self.machine.sim = self.sim
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def __enter__(self):
        return self.machine

    def __exit__(self, *exception):
        try:
            if hasattr(self, "machine"):
                self.machine.__exit__(*exception)
        finally:
            if self.sim:
                self.sim.__exit__(*exception)


def commands_are_answered(kind):
    with Bench(kind) as machine:
        machine.start()
        vfs = machine.enable_vfs(3)
        queues = [AdminQueue(function, (4 + index) * MEGABYTE).wait_running() for index, function in enumerate([machine.pf, *vfs])]
        for number in range(40):
            for index, queue in enumerate(queues):
                queue.echo(b"function %d, round %d" % (index, number) * (number + 1))


def interrupts_are_messages(kind):
    """MSI-X messages are writes: pointed at memory, they can be read there."""
    with Bench(kind) as machine:
        machine.start()
        vf = machine.enable_vfs(2)[1]
        place = 2 * MEGABYTE
        for function, vector, base in ((machine.pf, 64, 4 * MEGABYTE), (vf, 16, 5 * MEGABYTE)):
            machine.memory_write(place, bytes(8))
            point_vector(function, vector, place, 0xc0ffee00 + vector)
            queue = AdminQueue(function, base, vector=vector).wait_running()
            function.bar_write(0, 0x128, 0)
            queue.echo(b"one")
            bench.wait_for(lambda: machine.load(place) == 0xc0ffee00 + vector, "message")

            # Masked: pending; sent once, when it is unmasked.
            machine.memory_write(place, bytes(8))
            function.bar_write(4, 16 * vector + 12, 1)
            queue.echo(b"two")
            bench.wait_for(lambda: function.bar_read(4, 0x1000 + vector // 64 * 8, 8) >> vector % 64 & 1, "pending bit")
            tap.require(machine.load(place) == 0, "a masked vector sent its message")
            function.bar_write(4, 16 * vector + 12, 0)
            bench.wait_for(lambda: machine.load(place) == 0xc0ffee00 + vector, "message after unmasking")
            tap.require(function.bar_read(4, 0x1000 + vector // 64 * 8, 8) == 0, "the pending bit stays")


def without_bus_mastering_nothing_moves(kind):
    """specs/pcie.md: nothing fails, and everything goes on where it stood."""
    with Bench(kind) as machine:
        machine.start()
        vf = machine.enable_vfs(1)[0]
        neighbour = AdminQueue(machine.pf, 6 * MEGABYTE).wait_running()
        queue = AdminQueue(vf, 4 * MEGABYTE).wait_running()
        queue.echo(b"before")
        for number in range(5):
            vf.write(COMMAND, 0, 2)
            queue.send_echo(b"meanwhile %d" % number)
            neighbour.echo(b"not concerned")
            sleep_ms(30)
            tap.require(queue.entry() is None, "a command was answered without bus mastering")
            master(vf)
            tap.require(queue.completion()[0] == 0, "the command failed")
        tap.require(vf.is_ready(), "the VF was reset")


def pf_gates_itself_alone(kind):
    with Bench(kind) as machine:
        machine.start()
        vf = machine.enable_vfs(1)[0]
        queue = AdminQueue(vf, 4 * MEGABYTE).wait_running()
        machine.pf.write(COMMAND, MEMORY, 2)
        queue.echo(b"the PF's Bus Master Enable is not the VF's")
        machine.pf.write(COMMAND, MEMORY | MASTER, 2)
        AdminQueue(machine.pf, 5 * MEGABYTE).wait_running().echo(b"again")


def translated(machine, functions):
    """Each function's admin memory at the same address of its own, elsewhere in memory; an IOMMU that says so."""
    iommu = Iommu(machine, 16 * MEGABYTE)
    iova, queues = 0x7f0000000, []
    places = [[(32 + 4 * index + page) * MEGABYTE for page in range(3)] for index in range(len(functions))]
    for function, pages in zip(functions, places):
        iommu.attach(function.devfn)
        for number, page in enumerate(pages):
            iommu.map(function.devfn, iova + PAGE * number, page)
    iommu.enable()
    for function, pages in zip(functions, places):
        queues.append(AdminQueue(function, iova, pages).wait_running())
    return iommu, iova, places, queues


def each_function_has_its_own_addresses(kind):
    with Bench(kind, iommu=True) as machine:
        machine.start()
        functions = [machine.pf, *machine.enable_vfs(3)]
        for function in functions:
            function.wait_ready()
        iommu, iova, places, queues = translated(machine, functions)
        for number in range(20):
            for index, queue in enumerate(queues):
                queue.echo(b"%d is of function %d" % (number, index))
        # VFs that come later find what was mapped before.
        del iommu
        functions[2].start_flr()
        master(functions[2])
        AdminQueue(functions[2], iova, places[2]).wait_running().echo(b"after an FLR")
        queues[1].echo(b"a neighbour")


def invalidated_memory_is_not_touched(kind):
    """After an invalidation nothing reaches the page; a new page is found; neighbours do not notice."""
    with Bench(kind, iommu=True, expect=FAULT_WORDS) as machine:
        machine.start()
        functions = machine.enable_vfs(2)
        for function in functions:
            function.wait_ready()
            # ATS on: the IOMMU tells the function as well.
            function.write(0x166, 0x8000, 2)
        iommu, iova, places, queues = translated(machine, functions)
        devfn = functions[0].devfn
        for number in range(10):
            old = places[0][2]
            queues[0].echo(b"to the old page %d" % number)
            iommu.map(devfn, iova + 2 * PAGE, None)
            iommu.flush()
            mark = struct.pack("<Q", 0x1234567800000000 + number) * (PAGE // 8)
            machine.memory_write(old, mark)
            queues[0].send_echo(b"to nowhere %d" % number)
            status, _ = queues[0].completion()
            tap.require(status == DMA_FAULT, "the response found a place: status %d" % status)
            tap.require(machine.memory_read(old, PAGE) == mark, "the page was written after the invalidation")
            queues[1].echo(b"a neighbour's %d" % number)
            queues[0].places[2] = places[0][2] = old + 2 * PAGE
            iommu.map(devfn, iova + 2 * PAGE, places[0][2])
            iommu.flush()
            queues[0].echo(b"to the new page %d" % number)
            tap.require(machine.memory_read(old, PAGE) == mark, "the response went to the old page")


def read_only_memory_is_not_written(kind):
    with Bench(kind, iommu=True, expect=FAULT_WORDS) as machine:
        machine.start()
        vf = machine.enable_vfs(1)[0]
        vf.wait_ready()
        iommu, iova, places, queues = translated(machine, [vf])
        iommu.map(vf.devfn, iova + 2 * PAGE, places[0][2], access=1)
        iommu.flush()
        machine.memory_write(places[0][2], bytes(PAGE))
        queues[0].send_echo(b"to a page that can only be read")
        tap.require(queues[0].completion()[0] == DMA_FAULT, "no fault")
        tap.require(machine.memory_read(places[0][2], PAGE) == bytes(PAGE), "it was written")


def a_vf_outside_of_its_domain_is_stopped_and_reported(kind):
    """What is mapped for one VF is nothing to another, who is named with the address; both go on."""
    with Bench(kind, iommu=True, expect=FAULT_WORDS) as machine:
        machine.start()
        functions = machine.enable_vfs(2)
        for function in functions:
            function.wait_ready()
        iommu, iova, places, queues = translated(machine, functions)
        page, address = places[1][0] + 16 * PAGE, iova + 16 * PAGE
        iommu.map(functions[1].devfn, address, page)
        iommu.flush()
        for number in range(5):
            queues[1].send_echo(b"to a page of one's own", response=address)
            tap.require(queues[1].completion()[0] == 0, "its owner cannot write to the page")
            mark = struct.pack("<Q", 0x7654321000000000 + number) * (PAGE // 8)
            machine.memory_write(page, mark)
            tap.require(iommu.fault() is None, "the IOMMU reports what nobody did")
            queues[0].send_echo(b"to a page of somebody else's", response=address)
            status = queues[0].completion()[0]
            tap.require(status == DMA_FAULT, "status %d" % status)
            tap.require(machine.memory_read(page, PAGE) == mark, "somebody else's page was written")
            if machine.sim:
                found = [(fault["name"], int(fault["address"], 16), fault["write"]) for fault in machine.sim.ask("iommu")["faults"]]
                tap.require(found == [("vf0", address, True)], "weir-sim reports %s" % found)
            else:
                found = iommu.fault()
                tap.require(found == (1 << 8 | functions[0].devfn, address, True), "the IOMMU reports %s" % (found,))
            for queue in queues:
                queue.echo(b"and on")


def tests():
    """(name, function, arguments...) of all."""
    cases = [
        ("qemu.dma.commands_are_answered", commands_are_answered),
        ("qemu.dma.interrupts_are_messages", interrupts_are_messages),
        ("qemu.dma.without_bus_mastering_nothing_moves", without_bus_mastering_nothing_moves),
        ("qemu.dma.pf_gates_itself_alone", pf_gates_itself_alone),
        ("qemu.ats.each_function_has_its_own_addresses", each_function_has_its_own_addresses),
        ("qemu.ats.invalidated_memory_is_not_touched", invalidated_memory_is_not_touched),
        ("qemu.ats.read_only_memory_is_not_written", read_only_memory_is_not_written),
        ("qemu.iommu.a_vf_outside_of_its_domain_is_stopped_and_reported", a_vf_outside_of_its_domain_is_stopped_and_reported),
    ]
    return [("%s_%s" % (name, kind), function, kind) for kind in ("in_process", "on_weir_sim") for name, function in cases]
