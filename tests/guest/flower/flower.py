#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""tc's flower filters in a guest with a Weir: where the card sends what they match, what it counts of it, and what it refuses.

    flower.py [--kernel 6.12] [--part short|rest] [GLOB of test names …]
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
    parser = weir_guest.parser(__doc__)
    parser.add_argument("--part", choices=["short", "rest", "all"], default="all", help="what takes a minute, the rest, or all of it")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    weir_guest.run(suite, "guest.flower.guest_stays_well", __file__, options, guest.weir_arguments(), timeout_s=400,
                   settings={"PART": options.part}, allowed=["emulator: .*hub 0 with no nics"])
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
