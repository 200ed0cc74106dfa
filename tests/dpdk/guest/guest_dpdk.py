#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The DPDK driver as a PCI driver: in a guest, on functions that vfio-pci holds, with the guest's IOMMU on.

Arguments are shell globs of test names.
"""

import glob
import os
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path[:0] = [os.path.join(TOP, "tests", "lib"), os.path.join(TOP, "tests", "guest", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402

DRIVER = os.path.join(guest.BUILD, "opt", "lib", "librte_net_weir.so")
CHECK = os.path.join(guest.BUILD, "opt", "bin", "weir-dpdk-check")

# What EAL loads by itself from the folder it was built with: the mempools that every application uses.
PLUGINS = glob.glob("/usr/lib/*/dpdk/pmds-*/librte_mempool_ring.so*")

# What the card says of a test that sends from a false address, of ports that start and stop many times, and of doorbells that
# were on their way when a function was reset.
FORESEEN = [r"emulator: .*warning: weir: VF [01]: (spoof: source MAC is not the vport's|\d+ lines left out)",
            r"emulator: .*warning: weir: VF [01]: bad_doorbell: doorbell of a queue that is not there"]


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    guest.run_tap(
        suite, "dpdk_pci.guest.stays_well", os.path.join(TOP, "tests", "dpdk", "guest", "job.sh"), guest.weir_arguments(),
        preload=guest.WEIR_QEMU, timeout_s=600, memory_mb=1024, allowed=FORESEEN, programs=[CHECK, "/usr/bin/dpdk-testpmd", DRIVER, *PLUGINS],
        overlay_files={"/usr/lib/weir/dpdk/librte_net_weir.so": DRIVER, "/usr/bin/weir-dpdk-check": CHECK},
    )
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
