#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""tcp-data-split of a Weir's PF and VFs, on a kernel that lets it be set: what is shown, and what the stack gets.

    split.py [--kernel 6.12] [GLOB of test names …]
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
RINGS = os.path.join(guest.BUILD, "opt", "bin", "weir-rings")
PROGRAMS = os.path.join(guest.BUILD, "bpf", "xdp.o")


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.12")
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    with Wire({}, user=False) as wire:
        guest.run_tap(suite, "guest.split.guest_stays_well", os.path.join(HERE, "job.sh"), wire.devices(), drive=wire.serve,
                      kernel=options.kernel, preload=guest.WEIR_QEMU, timeout_s=300, memory_mb=768,
                      programs=["/usr/bin/ping", "/usr/sbin/bpftool"],
                      overlay_files={"/job/net.sh": NET, "/job/settings.sh": b"WAIT_FACTOR=2\n", "/job/rings": RINGS,
                                     "/job/programs.o": PROGRAMS})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
