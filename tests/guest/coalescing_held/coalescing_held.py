#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Receive coalescing that waits for more segments, in a guest: the drivers' setting, and what it saves.

    coalescing_held.py [--kernel 6.12] [GLOB of test names …]
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
    options = weir_guest.parser(__doc__, kernel="6.12").parse_args()
    suite = tap.Suite(options.names)
    weir_guest.run(suite, "guest.coalescing_held.guest_stays_well", __file__, options, guest.weir_arguments(), timeout_s=400)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
