# SPDX-License-Identifier: BSD-3-Clause
"""Linux guests in QEMU with a Weir in them: what tools/weir-vm and the guest tests share.

    cpio       writes the archives that a kernel takes as initramfs
    modules    a kernel's modules: their dependencies, and the index that modprobe wants
    kernels    which kernel a guest runs: Debian's, fetched by deps/fetch-guest.sh, or one's own
    initramfs  the archive every guest of a kernel starts from (cached), and the one of a single run
    machine    QEMU's command line
    qmp        QEMU's monitor
    problems   what is wrong on a kernel's console
    guest      a running guest, and what came of it
"""
