#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The card's clock and hardware timestamps in a guest with two Weirs on one wire: phc_ctl, ptp4l, sockets that ask for times.

    timestamps.py [--kernel 6.12] [GLOB …]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402

WIRE = "hubport,hubid=0"


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__).parse_args()
    suite = tap.Suite(options.names)
    weir_guest.run(suite, "guest.time.guest_stays_well", __file__, options, guest.weir_arguments([WIRE, WIRE]), timeout_s=300,
                   programs=["/usr/sbin/phc_ctl", "/usr/sbin/ptp4l", "/usr/sbin/hwstamp_ctl"], binaries={"stamp": "weir-stamp"},
                   allowed=["emulator: .*hub 0 is not connected"])
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
