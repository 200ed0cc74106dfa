#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checksum offload of a Weir's interfaces in a guest.

    checksum.py [--kernel 6.12] [GLOB …]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__).parse_args()
    suite = tap.Suite(options.names)
    weir_guest.run(suite, "guest.checksum.guest_stays_well", __file__, options, guest.weir_arguments(), timeout_s=300,
                   binaries={"watch": "weir-watch"})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
