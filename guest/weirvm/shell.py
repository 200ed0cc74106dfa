# SPDX-License-Identifier: BSD-3-Clause
"""A guest with a shell on the terminal, for people."""

import os
import shutil
import subprocess
import tempfile

from . import initramfs, machine


def run_shell(kernel, devices, *, cmdline_extra="", memory_mb=512, smp=2, preload=None, iommu="on", shares=(), modules=(),
              files=None, settings=None, shared_memory=False):
    """Start a guest whose shell is on this terminal and wait for its end. The arguments are those of Guest.

    Ctrl-A X ends QEMU, Ctrl-A C is its monitor. Returns QEMU's exit status.
    """
    size = shutil.get_terminal_size()
    values = {
        "TOKEN": "", "MODE": "shell", "ROWS": size.lines, "COLUMNS": size.columns,
        "SHARES": " ".join("%s:/%s%s" % (tag, tag, "" if writable else ":ro") for tag, _folder, writable in shares),
        **(settings or {}),
    }
    made = initramfs.base(kernel)
    with tempfile.TemporaryDirectory(prefix="weir-vm-") as folder:
        archive = os.path.join(folder, "initramfs")
        initramfs.write_initramfs(archive, made, initramfs.overlay(kernel, made, values, files, modules))
        command_line = machine.kernel_command_line(devices, iommu, "quiet " + cmdline_extra)
        arguments = machine.launcher(preload)
        arguments += machine.base_arguments(kernel.boot_image(), archive, command_line, memory_mb, smp)
        arguments += ["-serial", "mon:stdio"]
        if shared_memory:
            arguments += machine.shared_memory_arguments(memory_mb)
        arguments += list(devices) + machine.share_arguments(shares)
        return subprocess.run(arguments, check=False).returncode
