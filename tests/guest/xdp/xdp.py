#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""XDP programs on a Weir's PF and VFs in a guest: what each action does to frames, and that programs, sizes and resets come and go.

    xdp.py [--kernel 6.12] [GLOB of test names …]
    xdp.py --kernel build/deps/debug-kernel/vmlinuz --drivers build/drivers/debug …      the kernel that watches its drivers
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]
import guest  # noqa: E402
import tap  # noqa: E402
from wire import Wire  # noqa: E402

NET = os.path.join(HERE, "..", "net", "net.sh")
BIN = os.path.join(guest.BUILD, "opt", "bin")
PROGRAMS = os.path.join(guest.BUILD, "bpf", "xdp.o")
# What the card says of traffic that a reset has overtaken; what the kernel says, once, of a program's verdict that there is not.
ALLOWED = [r"emulator: .*weir: VF \d+: (spoof|bad_doorbell|\d+ lines left out)", "(Illegal|Unsupported) XDP return value"]


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1", help="6.1, 6.12, or the image of a debug kernel")
    parser.add_argument("--drivers", help="folder with weir.ko and weirvf.ko built for a debug kernel")
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    arguments = {"kernel": options.kernel, "memory_mb": 768}
    if options.drivers:
        arguments["modules"] = [os.path.join(options.drivers, name) for name in ("weir.ko", "weirvf.ko")]
        arguments.update(memory_mb=1800, cmdline_extra="kasan_multi_shot pci=realloc")
    settings = "WAIT_FACTOR=%d\n" % (6 if options.drivers else 2)
    with Wire({}, user=False) as wire:
        guest.run_tap(
            suite, "guest.xdp.guest_stays_well", os.path.join(HERE, "job.sh"), wire.devices(), drive=wire.serve, preload=guest.WEIR_QEMU,
            timeout_s=540, programs=["/usr/bin/ping", "/usr/sbin/bpftool"], allowed=ALLOWED, load=["cls_bpf", "sch_ingress"],
            overlay_files={"/job/net.sh": NET, "/job/settings.sh": settings.encode(), "/job/programs.o": PROGRAMS,
                           "/job/frames": os.path.join(BIN, "weir-frames"), "/job/sequence": os.path.join(BIN, "weir-sequence")},
            one_thread=True, **arguments)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
