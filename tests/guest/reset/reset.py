#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Functions of a Weir in a guest, reset again and again under traffic.

    reset.py [--kernel 6.12] [--vf-resets 1000] [--pf-resets 50] [--rounds 200] [--timeout S] [GLOB of test names …]
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


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1", help="6.1, 6.12, or an image with --modules")
    parser.add_argument("--modules", help="the modules' folder of a kernel of one's own")
    parser.add_argument("--vf-resets", type=int, default=50)
    parser.add_argument("--pf-resets", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--timeout", type=int, default=240)
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    settings = b"VF_RESETS=%d PF_RESETS=%d ROUNDS=%d\n" % (options.vf_resets, options.pf_resets, options.rounds)
    with Wire(user=False) as wire:
        guest.run_tap(suite, "guest.reset.guest_stays_well", os.path.join(HERE, "job.sh"), wire.devices(), drive=wire.serve,
                      kernel=options.kernel, modules_folder=options.modules, preload=guest.WEIR_QEMU, timeout_s=options.timeout,
                      memory_mb=768, programs=["/usr/bin/ping"], overlay_files={"/job/net.sh": NET, "/job/settings.sh": settings})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
