#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the kernel's netdev family says of a Weir's queues, on a kernel that has it.

    queues.py [--kernel 6.12] [GLOB of test names …]
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
NETDEV = os.path.join(guest.BUILD, "opt", "bin", "weir-netdev")


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.12")
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    with Wire({}, user=False) as wire:
        guest.run_tap(suite, "guest.queues.guest_stays_well", os.path.join(HERE, "job.sh"), wire.devices(), drive=wire.serve,
                      kernel=options.kernel, preload=guest.WEIR_QEMU, timeout_s=240, memory_mb=768, programs=["/usr/bin/ping"],
                      overlay_files={"/job/net.sh": NET, "/job/settings.sh": b"WAIT_FACTOR=2\n", "/job/netdev": NETDEV})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
