# SPDX-License-Identifier: BSD-3-Clause
"""Frames that circulate between two addresses: TCP over IPv4 of many flows, with the checksums that they should have."""

import struct

# The other address of a port that sends to itself.
SECOND = bytes.fromhex("02000000beef")
FLOWS = 64
HEADERS_BYTES = 54


def address(text):
    """A MAC address from words of hexadecimal digits with colons."""
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(frame_bytes, destination, source, flow):
    """One frame of a flow, 54 bytes or more."""
    payload = bytes((flow + 7 * place) & 0xff for place in range(frame_bytes - HEADERS_BYTES))
    addresses = bytes((192, 0, 2, 1 + flow, 198, 51, 100, 1))
    ip = struct.pack(">BBHHHBBH", 0x45, 0, frame_bytes - 14, flow, 0x4000, 64, 6, 0) + addresses
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    tcp = struct.pack(">HHIIBBHHH", 40000 + flow, 5001, 1, 1, 0x50, 0x10, 512, 0, 0) + payload
    pseudo = addresses + struct.pack(">BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    return destination + source + b"\x08\x00" + ip + tcp


def frames(frame_bytes, count, destination, source):
    """So many frames of FLOWS flows in turn."""
    return [frame(frame_bytes, destination, source, number % FLOWS) for number in range(count)]
