#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Receive coalescing of a Weir's interfaces in a guest: what the kernel makes of aggregates, and how many completions they save.

    coalescing.py [--kernel 6.1] [GLOB …]
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402

NET = os.path.join(HERE, "..", "net", "net.sh")
LARGE = os.path.join(guest.BUILD, "opt", "bin", "weir-large")
PROGRAMS = os.path.join(guest.BUILD, "bpf", "xdp.o")
VECTORS = os.path.join(HERE, "..", "..", "device", "large_vectors.h")


def main():
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.12")
    parser.add_argument("names", nargs="*", metavar="GLOB")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    guest.run_tap(suite, "guest.coalescing.guest_stays_well", os.path.join(HERE, "job.sh"), guest.weir_arguments(),
                  kernel=options.kernel, preload=guest.WEIR_QEMU, timeout_s=300, memory_mb=768, programs=["/usr/bin/ping"],
                  overlay_files={"/job/net.sh": NET, "/job/large": LARGE, "/job/vectors": VECTORS, "/job/programs.o": PROGRAMS})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
