# SPDX-License-Identifier: BSD-3-Clause
"""Frames with the checksums that they should have."""

import struct


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp_segment(macs, addresses, ports, identification, sequence, payload):
    """A TCP segment over IPv4, with ACK and no options.

    macs: destination and source, 12 bytes; addresses: source and destination of IPv4, 8 bytes; ports: (source, destination).
    """
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(payload), identification, 0x4000, 64, 6, 0)
    ip = ip[:10] + struct.pack("!H", checksum(ip + addresses)) + addresses
    tcp = struct.pack("!HHIIBBHHH", *ports, sequence, 1, 0x50, 0x10, 512, 0, 0)
    pseudo = addresses + struct.pack("!HH", 6, len(tcp) + len(payload))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + payload)) + tcp[18:]
    return macs + b"\x08\x00" + ip + tcp + payload
