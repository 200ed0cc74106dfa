#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests of specs/: the generator refuses contradictions, its output is current, compiles and says what weir.yaml says, the
configuration space is one that lspci decodes, and the chapters speak of what exists.

Arguments are shell globs of test names, for example 'spec.headers.*'.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
sys.path.insert(0, os.path.dirname(__file__))
import chapters  # noqa: E402
import config_space  # noqa: E402
import generator  # noqa: E402
import headers  # noqa: E402
import tap  # noqa: E402


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for module in (generator, headers, config_space, chapters):
        for name, function, *arguments in module.tests():
            suite.run(name, function, *arguments)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
