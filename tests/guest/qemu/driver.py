# SPDX-License-Identifier: BSD-3-Clause
"""What the tests in QEMU need of a driver: an admin queue with its memory, and an IOMMU's tables."""

import struct

from machine import COMMAND, MASTER, bench, tap

PAGE = 4096
ECHO, DATA_MUST = 0x0002, 40 | 0x8000
OK, DMA_FAULT = 0, 11
SQ_LOG2, CQ_LOG2 = 3, 5
NO_VECTOR = 0xffff
# Where an admin queue's memory lies, by the function's own addresses; rings, request and response have a page each.
RINGS, REQUEST, RESPONSE, PAGES = 0, PAGE, 2 * PAGE, 3


class AdminQueue:
    """The admin queue of a function whose registers answer. base: address of its PAGES pages, as the function knows them;
    places: where they really lie, if an IOMMU translates."""

    def __init__(self, function, base, places=None, vector=NO_VECTOR):
        self.function, self.machine, self.base = function, function.machine, base
        self.places = places or [base + PAGE * page for page in range(PAGES)]
        self.tail = self.head = 0
        self.machine.memory_write(self.places[0], bytes(PAGE))
        function.wait_ready()
        # What somebody before us left running.
        function.bar_write(0, 0x11c, 0)
        bench.wait_for(lambda: not function.register(0x120) & 1, "stopped admin queue")
        for offset, value in ((0x108, base), (0x110, base + 0x800)):
            function.bar_write(0, offset, value & 0xffffffff)
            function.bar_write(0, offset + 4, value >> 32)
        function.bar_write(0, 0x118, SQ_LOG2 | CQ_LOG2 << 8 | vector << 16)
        function.bar_write(0, 0x11c, 1)

    def wait_running(self):
        """The card has taken the queue into use."""
        bench.wait_for(lambda: self.function.register(0x120) & 1, "running admin queue")
        return self

    def send_echo(self, text, response=None):
        """Submit an ECHO of `text`; response: where the answer shall go, if not to the queue's own page."""
        attribute = struct.pack("<HH", DATA_MUST, len(text)) + text + bytes(-len(text) % 4)
        self.machine.memory_write(self.places[1], attribute)
        command = struct.pack("<HHHHQQQ", ECHO, self.tail, len(attribute), PAGE, self.base + REQUEST,
                              self.base + RESPONSE if response is None else response, 0)
        self.machine.memory_write(self.places[0] + 32 * (self.tail % (1 << SQ_LOG2)), command)
        self.tail = (self.tail + 1) & 0xffff
        self.function.bar_write(0, 0x124, self.tail)

    def entry(self):
        """The next entry of the completion ring, None if there is none."""
        at = self.places[0] + 0x800 + 32 * (self.head % (1 << CQ_LOG2))
        entry = self.machine.memory_read(at, 32)
        phase = 1 ^ (self.head >> CQ_LOG2 & 1)
        if entry[28] & 1 != phase:
            return None
        self.head = (self.head + 1) & 0xffff
        self.function.bar_write(0, 0x128, self.head)
        return entry

    def completion(self):
        """Wait for the next completion, over events; its status and the response's length."""
        while True:
            entry = bench.wait_for(self.entry, "completion")
            kind, _, _, status, length = struct.unpack_from("<HHHHI", entry)
            if kind == 0:
                return status, length

    def echo(self, text):
        """An ECHO that must work."""
        self.send_echo(text)
        status, length = self.completion()
        tap.require(status == OK, "ECHO has status %d" % status)
        response = self.machine.memory_read(self.places[2], length)
        tap.require(response[4:4 + len(text)] == text, "ECHO gives %r" % response[:32])


class Iommu:
    """The tables of QEMU's VT-d in legacy mode, for functions on bus 1; 39 bits of address, three levels."""

    REGISTERS = 0xfed90000
    READ_WRITE = 3

    def __init__(self, machine, memory):
        self.machine, self.next_page = machine, memory
        self.root, self.context = self.page(), self.page()
        self.tables = {}
        self.put(self.root + 16, self.context | 1)

    def page(self):
        """A zeroed page of memory."""
        page, self.next_page = self.next_page, self.next_page + PAGE
        self.machine.memory_write(page, bytes(PAGE))
        return page

    def put(self, address, value):
        """An entry of a table."""
        self.machine.memory_write(address, struct.pack("<Q", value))

    def attach(self, devfn):
        """Give a function a domain of its own."""
        top = self.page()
        self.tables[devfn] = {(): top}
        self.put(self.context + 16 * devfn, top | 1)
        self.put(self.context + 16 * devfn + 8, 1 | (devfn + 1) << 8)

    def map(self, devfn, iova, page, access=READ_WRITE):
        """One page; page None takes it away. The guest has to flush afterwards."""
        path, table = (), self.tables[devfn][()]
        for shift in (30, 21):
            index = iova >> shift & 511
            path += (index,)
            if path not in self.tables[devfn]:
                self.tables[devfn][path] = self.page()
                self.put(table + 8 * index, self.tables[devfn][path] | self.READ_WRITE)
            table = self.tables[devfn][path]
        self.put(table + 8 * (iova >> 12 & 511), 0 if page is None else page | access)

    def flush(self):
        """Invalidate context cache and IOTLB, all of both, and wait until that is done."""
        self.machine.store(self.REGISTERS + 0x28, 1 << 63 | 1 << 61, 8)
        bench.wait_for(lambda: not self.machine.load(self.REGISTERS + 0x28, 8) >> 63, "end of the context invalidation")
        iotlb = self.REGISTERS + (self.machine.load(self.REGISTERS + 0x10, 8) >> 8 & 0x3ff) * 16 + 8
        self.machine.store(iotlb, 1 << 63 | 1 << 60, 8)
        bench.wait_for(lambda: not self.machine.load(iotlb, 8) >> 63, "end of the IOTLB invalidation")

    def fault(self):
        """The fault recorded first, and not any more: (routing id of who did it, address of the page, True for a write); None."""
        record = self.REGISTERS + (self.machine.load(self.REGISTERS + 8, 8) >> 24 & 0x3ff) * 16
        high = self.machine.load(record + 8, 8)
        if not high >> 63:
            return None
        found = high & 0xffff, self.machine.load(record, 8) & -PAGE, not high >> 62 & 1
        self.machine.store(record + 12, 1 << 31)
        return found

    def enable(self):
        """From now on addresses are translated."""
        self.machine.store(self.REGISTERS + 0x20, self.root, 8)
        self.machine.store(self.REGISTERS + 0x18, 1 << 30)
        bench.wait_for(lambda: self.machine.load(self.REGISTERS + 0x1c) >> 30 & 1, "root table")
        self.flush()
        self.machine.store(self.REGISTERS + 0x18, 1 << 31)
        bench.wait_for(lambda: self.machine.load(self.REGISTERS + 0x1c) >> 31, "translation")


def point_vector(function, vector, address, data, masked=False):
    """An entry of the MSI-X table; MSI-X is enabled."""
    function.write(0x72, 0x8000, 2)
    function.bar_write(4, 16 * vector, address, 8)
    function.bar_write(4, 16 * vector + 8, data)
    function.bar_write(4, 16 * vector + 12, int(masked))


def master(function):
    """Let a function use the bus."""
    function.write(COMMAND, function.read(COMMAND, 2) | MASTER, 2)
