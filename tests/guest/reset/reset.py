#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Functions of a Weir in a guest, reset again and again under traffic.

    reset.py [--kernel 6.12] [--vf-resets N] [--pf-resets N] [--rounds N] [--binds N] [--row ROW] [--timeout S] [GLOB …]
    reset.py --kernel build/deps/debug-kernel/vmlinuz --drivers build/drivers/debug …      the kernel that watches its drivers

A part whose number is 0 is left out.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]
import tap  # noqa: E402
import weir_guest  # noqa: E402
from wire import Wire  # noqa: E402

WIRE_HOST = "10.9.0.200"
TRAFFIC = "-b 40M"
# Frames that the drivers copy. A page that a socket still holds when its function goes is unmapped later, by page_pool, and the DMA
# debugging of kernels before 6.16 reports that of every driver (docs/linux.md, "Removal").
TRAFFIC_WATCHED = "-b 2M -M 160"
# What the card says of traffic that a reset has overtaken: doorbells of queues that are no more, frames from before a new MAC.
ALLOWED = [r"emulator: .*weir: VF \d+: (spoof|bad_doorbell|\d+ lines left out)"]


def main():
    """Returns the exit status."""
    parser = weir_guest.parser(__doc__, watched=True)
    parser.add_argument("--row", default="driver.reset", help="what the tests' names begin with")
    parser.add_argument("--vf-resets", type=int, default=50)
    parser.add_argument("--pf-resets", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--binds", type=int, default=3)
    parser.add_argument("--traffic", help="iperf3's options; the default leaves the emulated processors something")
    parser.add_argument("--rate", type=int, help="numbered datagrams a second between neighbours")
    parser.add_argument("--timeout", type=int, default=580)
    options = parser.parse_args()
    watched = weir_guest.on_debug_kernel(options)
    suite = tap.Suite(options.names)
    settings = {
        "ROW": options.row, "VF_RESETS": options.vf_resets, "PF_RESETS": options.pf_resets, "ROUNDS": options.rounds,
        "BINDS": options.binds, "TRAFFIC": options.traffic or (TRAFFIC_WATCHED if watched else TRAFFIC),
        "RATE": options.rate or (50 if watched else 200), "WAIT_FACTOR": 6 if watched else 2,
    }
    with Wire({WIRE_HOST: "-"}, user=False) as wire:
        weir_guest.run(suite, options.row + ".guest_stays_well", __file__, options, wire.devices(), drive=wire.serve,
                       timeout_s=options.timeout, binaries={"sequence": "weir-sequence"}, settings=settings, allowed=ALLOWED,
                       one_thread=True)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
