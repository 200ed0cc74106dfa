# SPDX-License-Identifier: BSD-3-Clause
"""Capture files as weir-sim's wires replay and record them."""

import pathlib
import struct

import tap


def write(path, frames):
    """A capture file, a microsecond between frames."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number, data in enumerate(frames):
            file.write(struct.pack("<IIII", 1, number, len(data), len(data)) + data)


def read(path):
    """The frames of a capture file of nanoseconds."""
    data = pathlib.Path(path).read_bytes()
    tap.require(struct.unpack_from("<I", data)[0] == 0xa1b23c4d, "not a capture file of nanoseconds")
    frames, at = [], 24
    while at < len(data):
        _, _, kept, length = struct.unpack_from("<IIII", data, at)
        tap.require(kept == length, "a frame was cut")
        frames.append(data[at + 16:at + 16 + kept])
        at += 16 + kept
    return frames
