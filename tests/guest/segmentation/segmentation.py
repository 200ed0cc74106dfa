#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Segmentation offload of a Weir's interfaces in a guest, beside what its kernel does.

    segmentation.py [--kernel 6.1] [GLOB …]
    segmentation.py --record             writes tests/device/large_vectors.h from what the kernel does
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402

VECTORS = os.path.join(HERE, "..", "..", "device", "large_vectors.h")
HEAD = """/* SPDX-License-Identifier: BSD-3-Clause */
/* How Linux %s cuts the frames of large.c: written by tests/guest/segmentation/segmentation.py --record. */
/* clang-format off */
const struct large_vector large_vectors[] = {
"""


def record(entries, kernel):
    """Writes VECTORS from the entries (bytes) that the job has seen."""
    with open(VECTORS, "wb") as file:
        file.write((HEAD % kernel).encode() + entries + b"};\n")


def main():
    """Returns the exit status."""
    parser = weir_guest.parser(__doc__, kernel="6.12")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    result = weir_guest.run(suite, "guest.segmentation.guest_stays_well", __file__, options, guest.weir_arguments(), timeout_s=300,
                            binaries={"large": "weir-large"},
                            files={"/job/vectors": VECTORS, "/job/vectors.sh": os.path.join(HERE, "vectors.sh")})
    if options.record:
        record(result.file("linux"), options.kernel)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
