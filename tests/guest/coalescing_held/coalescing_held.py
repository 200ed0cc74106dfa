#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Receive coalescing that waits for more segments, in a guest: the drivers' setting, and what it saves.

    coalescing_held.py [--kernel 6.12] [GLOB of test names …]
"""

import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]
import frames  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402
from wire import HOST_MAC, Wire  # noqa: E402

MAC = "02aa00000101"  # of VF 1
PAYLOAD = 100


def segment(number):
    """Segment `number` of a TCP stream from nobody to VF 1, as hexadecimal digits."""
    payload = bytes((number + at) % 256 for at in range(PAYLOAD))
    return frames.tcp_segment(bytes.fromhex(MAC) + HOST_MAC, socket.inet_aton("10.9.0.200") + socket.inet_aton("10.9.0.2"), (5000, 5001),
                              1 + number, 1000 + number * PAYLOAD, payload).hex()


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__, kernel="6.12").parse_args()
    suite = tap.Suite(options.names)
    with Wire(user=False) as wire:
        weir_guest.run(suite, "guest.coalescing_held.guest_stays_well", __file__, options, wire.devices(), drive=wire.serve, timeout_s=400,
                       settings={"MAC": MAC, "SEGMENTS": " ".join(map(segment, range(8)))})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
