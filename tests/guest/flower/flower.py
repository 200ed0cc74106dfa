#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""tc's flower filters in a guest with a Weir: where the card sends what they match, what it counts of it, and what it refuses.

    flower.py [--kernel 6.12] [--part short|rest] [GLOB of test names …]
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("--part", choices=["short", "rest", "all"], default="all", help="what takes a minute, the rest, or all of it")
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    guest.run_tap(suite, "guest.flower.guest_stays_well", os.path.join(HERE, "job.sh"), guest.weir_arguments(), kernel=options.kernel,
                  preload=guest.WEIR_QEMU, timeout_s=300, memory_mb=768, programs=["/usr/bin/ping"],
                  allowed=["emulator: .*hub 0 with no nics"],
                  overlay_files={"/job/net.sh": os.path.join(HERE, "..", "net", "net.sh"),
                                 "/job/settings.sh": b"PART=%s\n" % options.part.encode()})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
