#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Payload that the card puts into an application's own memory (io_uring's zero-copy receive), on a Weir's PF and VFs; and receive queues
that are stopped and started one by one for it.

    zerocopy.py [--kernel 7.2] [GLOB of test names …]
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]
import tap  # noqa: E402
import weir_guest  # noqa: E402
from wire import Wire  # noqa: E402


def main():
    """Returns the exit status."""
    options = weir_guest.parser(__doc__, kernel="7.2").parse_args()
    suite = tap.Suite(options.names)
    with Wire({}, user=False) as wire:
        weir_guest.run(suite, "guest.zerocopy.guest_stays_well", __file__, options, wire.devices(), drive=wire.serve, timeout_s=1000,
                       memory_mb=1024, binaries={"rings": "weir-rings", "netdev": "weir-netdev", "zerocopy": "weir-zerocopy"},
                       settings={"WAIT_FACTOR": 2})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
