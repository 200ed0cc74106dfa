#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Receive coalescing of a Weir's interfaces in a guest: what the kernel makes of aggregates, and how many completions they save.

    coalescing.py [--kernel 6.1] [GLOB …]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402

PROGRAMS = os.path.join(guest.BUILD, "bpf", "xdp.o")
VECTORS = os.path.join(HERE, "..", "..", "device", "large_vectors.h")


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__, kernel="6.12").parse_args()
    suite = tap.Suite(options.names)
    weir_guest.run(suite, "guest.coalescing.guest_stays_well", __file__, options, guest.weir_arguments(), timeout_s=300,
                   binaries={"large": "weir-large"},
                   files={"/job/vectors": VECTORS, "/job/vectors.sh": os.path.join(HERE, "..", "segmentation", "vectors.sh"),
                          "/job/programs.o": PROGRAMS})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
