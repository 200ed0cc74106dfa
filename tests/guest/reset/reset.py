#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Functions of a Weir in a guest, reset again and again under traffic.

    reset.py [--kernel 6.12] [--vf-resets N] [--pf-resets N] [--rounds N] [--binds N] [--row ROW] [--timeout S] [GLOB …]
    reset.py --kernel build/deps/debug-kernel/vmlinuz --drivers build/drivers/debug …      the kernel that watches its drivers

A part whose number is 0 is left out.
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
SEQUENCE = os.path.join(guest.BUILD, "opt", "bin", "weir-sequence")
WIRE_HOST = "10.9.0.200"
TRAFFIC = "-b 40M"
# Frames that the drivers copy. A page that a socket still holds when its function goes is unmapped later, by page_pool, and the DMA
# debugging of kernels before 6.16 reports that of every driver (docs/linux.md, "Removal").
TRAFFIC_WATCHED = "-b 10M -M 160"
# What the card says of traffic that a reset has overtaken: doorbells of queues that are no more, frames from before a new MAC.
ALLOWED = [r"emulator: .*weir: VF \d+: (spoof|bad_doorbell|\d+ lines left out)"]


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1", help="6.1, 6.12, or the image of a debug kernel")
    parser.add_argument("--drivers", help="folder with weir.ko and weirvf.ko built for a debug kernel")
    parser.add_argument("--row", default="driver.reset", help="what the tests' names begin with")
    parser.add_argument("--vf-resets", type=int, default=50)
    parser.add_argument("--pf-resets", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--binds", type=int, default=3)
    parser.add_argument("--traffic", help="iperf3's options; the default leaves the emulated processors something")
    parser.add_argument("--rate", type=int, help="numbered datagrams a second between neighbours")
    parser.add_argument("--timeout", type=int, default=580)
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    settings = {
        "ROW": options.row, "VF_RESETS": options.vf_resets, "PF_RESETS": options.pf_resets, "ROUNDS": options.rounds,
        "BINDS": options.binds, "TRAFFIC": options.traffic or (TRAFFIC_WATCHED if options.drivers else TRAFFIC), "RATE": options.rate or (50 if options.drivers else 200),
        "WAIT_FACTOR": 6 if options.drivers else 2,
    }
    text = "".join("%s='%s'\n" % item for item in settings.items())
    arguments = {"kernel": options.kernel, "memory_mb": 768}
    if options.drivers:
        arguments["modules"] = [os.path.join(options.drivers, name) for name in ("weir.ko", "weirvf.ko")]
        arguments.update(memory_mb=1800, cmdline_extra="kasan_multi_shot pci=realloc")
    with Wire({WIRE_HOST: "-"}, user=False) as wire:
        guest.run_tap(
            suite, options.row + ".guest_stays_well", os.path.join(HERE, "job.sh"), wire.devices(), drive=wire.serve,
            preload=guest.WEIR_QEMU, timeout_s=options.timeout, programs=["/usr/bin/ping"], allowed=ALLOWED,
            overlay_files={"/job/net.sh": NET, "/job/settings.sh": text.encode(), "/job/sequence": SEQUENCE}, one_thread=True, **arguments)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
