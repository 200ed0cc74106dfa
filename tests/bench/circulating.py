# SPDX-License-Identifier: BSD-3-Clause
"""Frames that circulate between two addresses: TCP over IPv4 of many flows, with the checksums that they should have."""

import frames

# The other address of a port that sends to itself.
SECOND = bytes.fromhex("02000000beef")
FLOWS = 64
HEADERS_BYTES = 54


def address(text):
    """A MAC address from words of hexadecimal digits with colons."""
    return bytes.fromhex(text.replace(":", ""))


def of_flow(frame_bytes, destination, source, flow):
    """One frame of a flow, 54 bytes or more."""
    payload = bytes((flow + 7 * place) & 0xff for place in range(frame_bytes - HEADERS_BYTES))
    return frames.tcp_segment(destination + source, bytes((192, 0, 2, 1 + flow, 198, 51, 100, 1)), (40000 + flow, 5001), flow, 1, payload)


def make(frame_bytes, count, destination, source):
    """So many frames of FLOWS flows in turn."""
    return [of_flow(frame_bytes, destination, source, number % FLOWS) for number in range(count)]
