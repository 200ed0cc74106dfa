#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The card in QEMU without a guest: the test programs it (machine.py). Arguments are shell globs of test names."""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "specs")]
from machine import tap  # noqa: E402
import test_crash  # noqa: E402
import test_config  # noqa: E402
import test_dma  # noqa: E402
import test_reset  # noqa: E402
import test_start  # noqa: E402


def main():
    """Returns the exit status."""
    suite = tap.Suite(sys.argv[1:])
    for module in (test_start, test_config, test_dma, test_reset, test_crash):
        for name, function, *arguments in module.tests():
            suite.run(name, function, *arguments)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
