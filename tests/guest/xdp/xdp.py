#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""XDP programs on a Weir's PF and VFs in a guest: what each action does to frames, and that programs, sizes and resets come and go.

    xdp.py [--kernel 6.12] [GLOB of test names …]
    xdp.py --kernel build/deps/debug-kernel/vmlinuz --drivers build/drivers/debug …      the kernel that watches its drivers
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]
import guest  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402
from wire import Wire  # noqa: E402

PROGRAMS = os.path.join(guest.BUILD, "bpf", "xdp.o")
# What the card says of traffic that a reset has overtaken; what the kernel says, once, of a program's verdict that there is not.
ALLOWED = [r"emulator: .*weir: VF \d+: (spoof|bad_doorbell|\d+ lines left out)", "(Illegal|Unsupported) XDP return value"]


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__, watched=True).parse_args()
    suite = tap.Suite(options.names)
    with Wire({}, user=False) as wire:
        weir_guest.run(suite, "guest.xdp.guest_stays_well", __file__, options, wire.devices(), drive=wire.serve, timeout_s=540,
                       programs=["/usr/sbin/bpftool"], binaries={"frames": "weir-frames", "sequence": "weir-sequence"},
                       settings={"WAIT_FACTOR": 6 if weir_guest.on_debug_kernel(options) else 2}, files={"/job/programs.o": PROGRAMS},
                       allowed=ALLOWED, load=["cls_bpf", "sch_ingress"], one_thread=True)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
