#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The card's clock and hardware timestamps in a guest with two Weirs on one wire: phc_ctl, ptp4l, sockets that ask for times.

    timestamps.py [--kernel 6.12] [GLOB …]
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402

NET = os.path.join(HERE, "..", "net", "net.sh")
STAMP = os.path.join(guest.BUILD, "opt", "bin", "weir-stamp")
WIRE = "hubport,hubid=0"


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    guest.run_tap(suite, "guest.time.guest_stays_well", os.path.join(HERE, "job.sh"), guest.weir_arguments([WIRE, WIRE]),
                  kernel=options.kernel, preload=guest.WEIR_QEMU, timeout_s=300, memory_mb=768,
                  programs=["/usr/bin/ping", "/usr/sbin/phc_ctl", "/usr/sbin/ptp4l", "/usr/sbin/hwstamp_ctl"],
                  allowed=["emulator: .*hub 0 is not connected"], overlay_files={"/job/net.sh": NET, "/job/stamp": STAMP})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
