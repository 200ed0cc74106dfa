#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes seeds of parser_fuzz.c that chance is slow to find: network and transport headers whole and cut, tags, spreading.

Usage: tests/fuzz/parser_seeds.py [FOLDER]   (default: corpus/parser beside this file)
"""

import pathlib
import struct
import sys

FRAMES, FILTER, VLAN, FLAGS, MAC, POLICY, LINK, MTU, SPREAD, TRACE, RULE = range(11)
PF, VF1, VF2, WIRE = range(4)
# Addresses besides those of the functions
UNICAST, GROUP, BROADCAST = 64, 96, 128


def frames(ethertype, payload, source=WIRE, destination=PF, tags=(), length=None, count=8, sender=None):
    """A burst of one frame; tags: (service tag?, one of the common VLANs); sender: whose address, the source's own without."""
    text = bytes([FRAMES, source, count - 1, destination, 3 if sender is None else sender])
    if source != WIRE:
        text += bytes([sender is None])
    text += bytes([len(tags)])
    for service, vlan in tags:
        text += bytes([service, vlan, 0])
    text += b"\1" + struct.pack("<H", ethertype) + bytes([len(payload)]) + payload
    whole = 14 + 4 * len(tags) + len(payload)
    text += b"\0" + struct.pack("<H", (whole if length is None else length) - 14)
    return text + bytes(2 * count)


def ipv4(protocol, fragment=0, header_words=5, version=4):
    """An IPv4 header and ports."""
    header = struct.pack(">BBHHHBBHII", version << 4 | header_words, 0, 60, 1, fragment, 64, protocol, 0, 0x0a000001, 0x0a000002)
    return header + bytes(4 * max(header_words - 5, 0)) + struct.pack(">HH", 1000, 80)


def ipv6(protocol, version=6):
    """An IPv6 header and ports."""
    return struct.pack(">IHBB", version << 28, 20, protocol, 64) + bytes(range(32)) + struct.pack(">HH", 1000, 80)


def extension(following, payload, words=0):
    """An IPv6 extension header."""
    return struct.pack("BB", following, words) + bytes(6 + 8 * words) + payload


def fragment6(following, payload, bits):
    """An IPv6 fragment header."""
    return struct.pack(">BBHI", following, 0, bits, 1) + payload


def over_ipv6(following, payload):
    """Extension headers of an IPv6 datagram."""
    return ipv6(following)[:40] + payload


def tunnel(port, header, inner):
    """A frame in UDP in IPv4."""
    datagram = struct.pack(">HHHH", 1000, port, 16 + len(inner), 0) + header + inner
    head = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0, 0x0a000001, 0x0a000002)
    return head + datagram


SPREAD_ON, QUEUE, DROP = range(3)


def steering(vport, location, action, fields, values):
    """A rule in whole fields: 1 destination, 2 source, 4 type, 8 TPID, 16 TCI."""
    return bytes([RULE, vport, location, 1, action]) + (b"\1" if action == QUEUE else b"") + bytes([fields]) + values


def seeds():
    """name -> acts"""
    yield "ipv4", b"".join(frames(0x0800, ipv4(protocol)) for protocol in (6, 17, 132, 1))
    yield "ipv4_crooked", frames(0x0800, ipv4(6, fragment=0x2000)) + frames(0x0800, ipv4(6, fragment=3)) + \
        frames(0x0800, ipv4(6, header_words=4)) + frames(0x0800, ipv4(6, header_words=15)) + frames(0x0800, ipv4(6, version=5))
    yield "ipv4_cut", b"".join(frames(0x0800, ipv4(6), length=14 + cut) for cut in (0, 1, 19, 20, 23, 24))
    yield "ipv6", b"".join(frames(0x86dd, ipv6(protocol)) for protocol in (6, 17, 132, 58, 44)) + frames(0x86dd, ipv6(6, version=4))
    yield "ipv6_cut", b"".join(frames(0x86dd, ipv6(6), length=14 + cut) for cut in (0, 39, 40, 43, 44))
    ports = struct.pack(">HH", 1000, 80)
    yield "ipv6_extensions", frames(0x86dd, over_ipv6(0, extension(6, ports))) + frames(0x86dd, over_ipv6(60, extension(43, extension(17, ports)))) + \
        frames(0x86dd, over_ipv6(0, extension(6, ports, 3))) + frames(0x86dd, over_ipv6(44, fragment6(17, ports, 0))) + \
        frames(0x86dd, over_ipv6(44, fragment6(17, ports, 1))) + frames(0x86dd, over_ipv6(44, fragment6(17, ports, 8)))
    inner = bytes(12) + b"\x08\0" + ipv4(6)
    yield "tunnels", frames(0x0800, tunnel(4789, struct.pack(">II", 8 << 24, 5000 << 8), inner)) + \
        frames(0x0800, tunnel(6081, struct.pack(">BBHI", 1, 0, 0x6558, 5000 << 8), bytes(4) + inner)) + \
        frames(0x0800, tunnel(4789, struct.pack(">II", 8 << 24, 0), inner[:14] + inner[14:20])) + \
        frames(0x0800, tunnel(4789, struct.pack(">II", 0, 0), inner))
    yield "tagged", b"".join(frames(0x0800, ipv4(6), tags=tags, source=source)
                             for tags in (((0, 1),), ((1, 1),), ((1, 1), (0, 2)), ((0, 0),)) for source in (WIRE, PF))
    yield "tag_ends_frame", frames(0x0800, b"", tags=((0, 1),), length=14) + frames(0x0800, b"", tags=((1, 1),), length=17)
    spread = bytes([SPREAD, PF]) + bytes([0xaa] * 8)
    yield "spread_anew", spread + frames(0x0800, ipv4(17)) + frames(0x86dd, ipv6(17)) + bytes([SPREAD, PF]) + bytes(8) + \
        frames(0x0800, ipv4(17)) + frames(0x0806, b"")
    yield "rules", steering(PF, 3, QUEUE, 4, b"\0\0") + steering(PF, 1, DROP, 4, b"\1\0") + \
        b"".join(frames(0x0800, ipv4(protocol)) for protocol in (6, 17, 132)) + frames(0x86dd, ipv6(17)) + \
        frames(0x86dd, over_ipv6(60, extension(43, extension(17, ports)))) + \
        frames(0x0800, tunnel(4789, struct.pack(">II", 8 << 24, 5000 << 8), inner)) + bytes([RULE, PF, 1, 0]) + frames(0x86dd, ipv6(17))
    yield "rules_about_tags", steering(PF, 0, QUEUE, 24, b"\0\0\1\0") + frames(0x0800, ipv4(6), tags=((0, 1),)) + \
        frames(0x0800, ipv4(6), tags=((0, 1), (0, 2))) + frames(0x0800, ipv4(6)) + \
        bytes([POLICY, 0, 1, 1, 3, 1, 0]) + steering(VF1, 2, QUEUE, 24, b"\0\0\1\0") + \
        frames(0x0800, ipv4(6), destination=VF1, tags=((0, 1),)) + frames(0x0800, ipv4(6), destination=VF1, tags=((0, 1), (0, 1)))
    yield "exact_filter", bytes([FILTER, VF1, 1, GROUP, 0, 1]) + frames(0x88b5, bytes(50), destination=GROUP, tags=((0, 1),)) + \
        frames(0x88b5, bytes(50), destination=GROUP)
    yield "borrowed_sources", bytes([FILTER, VF1, 1, GROUP, 1]) + frames(0x88b5, bytes(50), source=VF1, sender=GROUP) + \
        bytes([FILTER, VF1, 1, UNICAST, 1]) + frames(0x88b5, bytes(50), source=VF1, sender=UNICAST) + \
        frames(0x88b5, bytes(50), source=VF1, sender=VF2) + bytes([FILTER, VF1, 1, UNICAST, 0, 1]) + \
        frames(0x88b5, bytes(50), source=VF1, sender=UNICAST, tags=((0, 1),))
    yield "promiscuous", bytes([FLAGS, VF1, 0x0f, FLAGS, VF2, 0x3f]) + frames(0x88b5, bytes(50), destination=3) + \
        frames(0x88b5, bytes(50), destination=BROADCAST, source=PF)
    yield "port_vlan", bytes([POLICY, 0, 1, 1, 3, 1, 0]) + frames(0x0800, ipv4(6), source=VF1) + \
        frames(0x0800, ipv4(6), source=VF1, tags=((0, 1),)) + frames(0x0800, ipv4(6), source=VF1, tags=((0, 0),)) + \
        frames(0x0800, ipv4(6), destination=VF1, tags=((0, 1),))


def main():
    """Returns the exit code."""
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus" / "parser")
    folder.mkdir(parents=True, exist_ok=True)
    for name, acts in seeds():
        (folder / name).write_bytes(b"\0" + acts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
