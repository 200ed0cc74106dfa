#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seed corpus of vfio_user_fuzz.c: for each command what is right and what is nearly right.

Usage: tests/fuzz/vfio_user_seeds.py [FOLDER]   (default: corpus/vfio_user beside this file)
"""

import pathlib
import struct
import sys

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, IO_FDS, IRQ_INFO, SET_IRQS, READ, WRITE = range(1, 11)
RESET, WRITE_MULTI, FEATURE = 13, 15, 16
NO_REPLY = 0x10

# Choices of an input, as in vfio_user_fuzz.c
AGREED, PENDING, NO_READER, SLOW, END_IN_ERROR, SEALED, FEW, BUSY = (1 << bit for bit in range(8))

# Descriptors that come along: a message id
SEALED_FD, UNSEALED_FD, EVENTFD, PIPE = (kind << 5 for kind in range(4))
MIXED = 7 << 5
WAIT = 0x100

PAGE = 4096


def message(command, payload=b"", ident=0, flags=0, size=None):
    """A command with its header; ident also says what descriptors come along."""
    return struct.pack("<HHIII", ident, command, 16 + len(payload) if size is None else size, flags, 0) + payload


def version(text, major=0, minor=0, nul=b"\0"):
    """A VERSION message."""
    return message(VERSION, struct.pack("<HH", major, minor) + text.encode() + (nul if text else b""))


def dma_map(iova, length, fds=SEALED_FD | 1, flags=3, offset=0, argument=32):
    """A DMA_MAP, with a descriptor unless told otherwise."""
    return message(DMA_MAP, struct.pack("<IIQQQ", argument, flags, offset, iova, length), fds)


def dma_unmap(iova, length, flags=0, argument=24):
    """A DMA_UNMAP."""
    return message(DMA_UNMAP, struct.pack("<IIQQ", argument, flags, iova, length))


def access(command, region, offset, count, data=b"", **more):
    """A REGION_READ or REGION_WRITE."""
    return message(command, struct.pack("<QII", offset, region, count) + data, **more)


def write_multi(writes, count=None):
    """A REGION_WRITE_MULTI of (region, offset, bytes)."""
    body = b"".join(struct.pack("<QII8s", offset, region, len(data), data) for region, offset, data in writes)
    return message(WRITE_MULTI, struct.pack("<Q", len(writes) if count is None else count) + body)


def set_irqs(flags, index, start, count, data=b"", fds=0):
    """A DEVICE_SET_IRQS."""
    return message(SET_IRQS, struct.pack("<IIIII", 20 + len(data), flags, index, start, count) + data, fds)


def info(command, index, argument):
    """One of the commands that ask: argument size, flags, index and what else they have, zero."""
    payload = struct.pack("<III", argument, 0, index) + bytes(20 if command == REGION_INFO else 4)
    return message(command, payload)


def seeds():
    """name -> (choices, haste, stream)"""
    irqs = b"".join([
        set_irqs(0x24, 2, 0, 4, fds=EVENTFD | 4), set_irqs(0x24, 2, 4, 2), set_irqs(0x21, 2, 0, 4),
        set_irqs(0x22, 2, 0, 4, b"\1\0\1\1"), set_irqs(0x09, 2, 0, 32), set_irqs(0x12, 2, 0, 4, b"\1\1\0\1"),
        set_irqs(0x24, 3, 0, 1, fds=EVENTFD | 1), set_irqs(0x21, 2, 0, 0), set_irqs(0x21, 0, 0, 0)])
    bad_irqs = b"".join([
        set_irqs(0x24, 2, 7, 1, fds=EVENTFD | 1), set_irqs(0x09, 2, 7, 1), set_irqs(0x0c, 2, 0, 1),
        set_irqs(0x24, 2, 0, 2, fds=EVENTFD | 1), set_irqs(0x24, 2, 0, 1, fds=PIPE | 1), set_irqs(0x3f, 2, 0, 1),
        set_irqs(0x21, 9, 0, 1), set_irqs(0x21, 2, 31, 2), set_irqs(0x22, 2, 0, 4, b"\1"), set_irqs(0x21, 2, 1, 0),
        set_irqs(0x24, 2, 0, 17, fds=MIXED | 17), set_irqs(0x21, 2, 0, 1, fds=EVENTFD | 1)])
    maps = b"".join([
        dma_map(0, PAGE), dma_map(2 * PAGE, PAGE, UNSEALED_FD | 1), dma_map(PAGE, PAGE, 0, flags=1),
        dma_map(16 * PAGE, 4 * PAGE, flags=7, offset=PAGE), dma_unmap(PAGE, PAGE), dma_unmap(0, 0, 2),
        dma_map(0, PAGE, flags=2), dma_unmap(0, PAGE), dma_map(4 * PAGE, PAGE)])
    bad_maps = b"".join([
        dma_map(0, PAGE), dma_map(0, PAGE), dma_map(1, PAGE), dma_map(PAGE, 0), dma_map(PAGE, PAGE, flags=0),
        dma_map(PAGE, PAGE, flags=11), dma_map(PAGE, PAGE, 0, flags=7), dma_map(PAGE, PAGE, SEALED_FD | 2),
        dma_map(PAGE, PAGE, EVENTFD | 1), dma_map(PAGE, PAGE, offset=1), dma_map(PAGE, PAGE, offset=1 << 40),
        dma_map(PAGE, PAGE, argument=3), dma_map(0xe0 * PAGE, PAGE), dma_map(0xe1 * PAGE, PAGE),
        dma_unmap(PAGE, PAGE), dma_unmap(0, PAGE, 1), dma_unmap(0, PAGE, 2), dma_unmap(0, PAGE, argument=3)])
    accesses = b"".join([
        access(READ, 7, 0, 4), access(READ, 0, 0, 2048), access(READ, 0, 0xd2, 1), access(READ, 0, 0xd3, 1), access(WRITE, 0, 16, 4, b"abcd"),
        access(WRITE, 0, 20, 4, b"abcd", flags=NO_REPLY), write_multi([(0, 0, b"a"), (1, 8, b"abcdefgh")]),
        message(RESET), message(RESET)])
    bad_accesses = b"".join([
        access(READ, 9, 0, 4), access(READ, 8, 0, 1), access(READ, 3, 0, 4), access(READ, 0, 4095, 2),
        access(READ, 0, 0, 0), access(READ, 0, 0, 1 << 31), access(READ, 0, 0xe0, 4), access(READ, 0, 0xe1, 4),
        access(WRITE, 6, 0, 1, b"a"), access(WRITE, 0, 0, 9, b"a"), access(WRITE, 0, 0xe0, 1, b"a"),
        write_multi([(0, 0xe0, b"a")]), write_multi([(0, 0, b"a")], 2), write_multi([]), write_multi([(9, 0, b"a")]),
        message(WRITE_MULTI, struct.pack("<QQII8x", 1, 0, 0, 9)), access(READ, 0, 0, 4, ident=SEALED_FD | 1)])
    infos = b"".join([
        info(GET_INFO, 0, 16), info(IRQ_INFO, 2, 16), info(IO_FDS, 0, 16)] + [
            info(REGION_INFO, index, room) for index in range(9) for room in (32, 4096)])
    bad_infos = b"".join([
        info(GET_INFO, 0, 3), info(IRQ_INFO, 2, 3), info(IO_FDS, 0, 3), info(REGION_INFO, 0, 3), info(IRQ_INFO, 9, 16),
        info(IO_FDS, 9, 16), info(REGION_INFO, 9, 32), message(FEATURE, struct.pack("<II", 8, 0x10001)),
        message(FEATURE, struct.pack("<II", 3, 0x10001))])
    headers = b"".join([
        message(RESET, flags=1), message(RESET, flags=5), message(RESET, flags=0x20), message(RESET, flags=0x100),
        message(0), message(14), message(77), message(RESET, b"x"), message(DMA_MAP, b"x"), version("{}")])
    good_version = '{"capabilities":{"max_msg_fds":0,"max_data_xfer_size":1048576,"max_dma_maps":65535,' \
        '"pgsizes":4096,"write_multiple":true,"migration":{"pgsize":4096}}}'
    yield "irqs", AGREED, 0, irqs
    yield "irqs_few_callbacks", AGREED | FEW, 7, irqs
    yield "irqs_bad", AGREED, 0, bad_irqs
    yield "maps", AGREED, 0, maps
    yield "maps_pending", AGREED | PENDING, 0, maps + message(RESET) + accesses
    yield "maps_pending_left", AGREED | PENDING | BUSY, 0, maps
    yield "reset_pending_left", AGREED | PENDING | BUSY, 0, dma_map(0, PAGE) + message(RESET)
    yield "maps_sealed_only", AGREED | SEALED, 0, maps
    yield "maps_few_callbacks", AGREED | FEW, 3, maps + message(RESET)
    yield "maps_bad", AGREED, 0, bad_maps
    yield "maps_too_many", AGREED, 0, b"".join(dma_map(i * PAGE, PAGE) for i in range(9))
    yield "accesses", AGREED, 0, accesses
    yield "memory_lost", AGREED, 0, dma_map(0, PAGE) + access(WRITE, 0, 0xd0, 1, b"a") + accesses
    yield "client_dropped", AGREED, 0, dma_map(0, PAGE) + access(WRITE, 0, 0xd1, 1, b"a") + accesses
    yield "memory_used", AGREED, 0, maps + b"".join(access(READ, 0, number * 4, 4) for number in range(24))
    yield "send_fails", AGREED | END_IN_ERROR, 0, accesses * 5
    yield "accesses_slow", AGREED | SLOW, 1, accesses
    yield "accesses_bad", AGREED, 0, bad_accesses
    yield "infos", AGREED, 0, infos
    yield "infos_no_reader", AGREED | NO_READER, 0, access(READ, 0, 0, 2048) * 10
    yield "infos_no_descriptors", 0, 0, version(good_version) + infos
    yield "infos_bad", AGREED, 0, bad_infos
    yield "headers", AGREED, 0, headers
    yield "header_too_small", AGREED, 0, message(RESET, size=15)
    yield "oversized", AGREED, 0, message(WRITE, bytes(9000), SEALED_FD | 3) + accesses
    yield "oversized_end", AGREED | END_IN_ERROR, 0, message(WRITE, bytes(5000), size=1 << 31)
    yield "waits", AGREED, 5, access(READ, 7, 0, 4, ident=WAIT) + message(RESET, ident=WAIT) + dma_map(0, PAGE, WAIT | 1)
    yield "descriptors_lost", AGREED, 0, dma_map(0, PAGE, MIXED | 0x1f)
    everything = dma_map(0, PAGE) + dma_unmap(0, PAGE) + accesses + info(GET_INFO, 0, 16) + info(IRQ_INFO, 2, 16) + \
        info(IO_FDS, 0, 16) + info(REGION_INFO, 2, 4096)
    for turn in range(1, 26):
        yield "memory_runs_out_%02d" % turn, AGREED, 0x80 | turn, everything
    yield "memory_runs_out_at_once", AGREED | PENDING, 0x81 + 4, dma_map(0, PAGE) + dma_unmap(0, PAGE)
    yield "truncated_large", AGREED, 0, message(WRITE, bytes(100), size=8000)
    yield "truncated", AGREED, 0, dma_map(0, PAGE)[:-5]
    yield "version", 0, 0, version(good_version) + accesses
    yield "version_no_data", 0, 0, version("", minor=9) + accesses
    for number, text in enumerate(["[]", "{", '{"capabilities":1}', '{"capabilities":{"pgsizes":-1}}',
                                   '{"capabilities":{"write_multiple":1}}', '{"capabilities":{"max_msg_fds":1.5}}']):
        yield "version_bad_%d" % number, 0, 0, version(text)
    yield "version_no_nul", 0, 0, version("{}", nul=b"")
    yield "version_major", 0, 0, version("{}", major=1)
    yield "version_short", 0, 0, message(VERSION, b"\0")
    yield "version_long", 0, 0, message(VERSION, bytes(5000))
    yield "not_version", 0, 0, message(RESET)


def main():
    """Returns the exit code."""
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus" / "vfio_user")
    folder.mkdir(parents=True, exist_ok=True)
    for name, choices, haste, stream in seeds():
        (folder / name).write_bytes(bytes([choices, haste]) + stream)
    return 0


if __name__ == "__main__":
    sys.exit(main())
