#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the kernel's netdev family says of a Weir's queues, on a kernel that has it.

    queues.py [--kernel 6.12] [GLOB of test names …]
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
    options = weir_guest.parser(__doc__, kernel="6.12").parse_args()
    suite = tap.Suite(options.names)
    with Wire({}, user=False) as wire:
        weir_guest.run(suite, "guest.queues.guest_stays_well", __file__, options, wire.devices(), drive=wire.serve, timeout_s=240,
                       binaries={"netdev": "weir-netdev"}, settings={"WAIT_FACTOR": 2})
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
