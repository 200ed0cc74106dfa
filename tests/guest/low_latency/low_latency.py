#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Low latency interrupts of the drivers in a guest with a Weir, and weirctl lli.

    low_latency.py [--kernel 6.12] [GLOB of test names …]
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
    weirctl = os.path.join(guest.BUILD, "opt", "bin", "weirctl")
    weir_guest.run(suite, "guest.low_latency.guest_stays_well", __file__, options, guest.weir_arguments(["user,ipv6=off"]),
                   timeout_s=300, programs=[weirctl], binaries={"latency": "weir-latency"}, files={"/usr/bin/weirctl": weirctl})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
