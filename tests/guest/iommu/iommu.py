#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A Weir behind every kind of IOMMU that Linux can make of QEMU's VT-d, and behind none; a VF in the hands of vfio-pci.

    iommu.py [--more | --all] [--kernel 6.12] [GLOB of test names …]
"""

import collections
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "net")]
import guest  # noqa: E402
import tap  # noqa: E402
import weir_guest  # noqa: E402
from wire import Wire  # noqa: E402

# iommu: there is one; device_tlbs: ATS can be used; mode, cmdline: what the kernel is told; group_type: what comes of it; ats: whether the kernel
# switches it on; first: run without --more, the others with it
Case = collections.namedtuple("Case", "name iommu device_tlbs mode cmdline group_type ats first")
CASES = [
    Case("strict", True, True, "on", "iommu.strict=1", "DMA", "+", True),
    Case("lazy", True, True, "on", "iommu.strict=0", "DMA-FQ", "+", False),
    Case("passthrough", True, True, "pt", "", "identity", "-", True),
    Case("strict_without_device_tlbs", True, False, "on", "iommu.strict=1", "DMA", "-", False),
    Case("lazy_without_device_tlbs", True, False, "on", "iommu.strict=0", "DMA-FQ", "-", True),
    Case("passthrough_without_device_tlbs", True, False, "pt", "", "identity", "-", False),
    Case("none", False, False, "off", "", "", "-", True),
]


def main():
    """Returns the exit status."""
    parser = weir_guest.parser(__doc__)
    parser.add_argument("--more", action="store_true", help="the combinations that are left out otherwise")
    parser.add_argument("--all", action="store_true", help="every combination, not only those that differ most")
    options = parser.parse_args()
    suite = tap.Suite(options.names)
    for case in CASES:
        if not options.all and case.first == options.more:
            continue
        settings = {"MODE": case.name, "GROUP_TYPE": case.group_type, "ATS": case.ats, "VFIO": "yes" if case.name == "strict" else "no"}
        with Wire(user=False) as wire:
            devices = guest.iommu_arguments(device_tlbs=case.device_tlbs) if case.iommu else []
            weir_guest.run(suite, "guest.iommu.%s_guest_stays_well" % case.name, __file__, options, devices + wire.devices(iommu=False),
                           iommu=case.mode, cmdline_extra=case.cmdline, timeout_s=240, binaries={"sequence": "weir-sequence"},
                           settings=settings)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
