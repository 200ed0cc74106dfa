# SPDX-License-Identifier: BSD-3-Clause
"""Cards that must not come to be, and say why; and what QEMU's children are given."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from machine import (NO_CABLE, PATIENCE_S, PORT, SHARED_MEMORY, Machine, bench, environment, preload, qemu_command, refusal, tap)

WEIR = "weir,bus=rp0,romfile="


def require_refused(words, *arguments, variant="asan"):
    """QEMU does not start, and says these words."""
    said = refusal(*arguments, variant=variant)
    tap.require(words in said, "it says: " + said)
    tap.require("AddressSanitizer:" not in said and "runtime error:" not in said, said)


def more_than_254_vfs_are_refused():
    require_refused("at most 254", "-device", PORT, "-device", WEIR + ",vfs=255")
    require_refused("at most 254", "-device", PORT, "-device", WEIR + ",vfs=1024")


def wrong_places_are_refused():
    for device in ("weir,romfile=", "weir,bus=pcie.0,romfile=,addr=9.0"):
        require_refused("needs a PCIe slot of its own", "-device", device)
    require_refused("needs a PCIe slot of its own", "-device", "pcie-pci-bridge,id=br", "-device", "weir,bus=br,addr=1.0,romfile=")
    require_refused("must be function 0", "-device", PORT, "-device", WEIR + ",addr=0.1")


def senseless_properties_are_refused():
    slot = ("-device", PORT, "-device")
    require_refused("serial=", *slot, WEIR + ",mac=02:00:00:00:00:01")
    require_refused("attach= is missing", *slot, WEIR + ",function=vf0")
    require_refused("the wire is weir-sim's", "-netdev", "user,id=n0", *slot, WEIR + ",netdev=n0,attach=/run")
    for option in ("vfs=3", "serial=4"):
        require_refused("both are weir-sim's", *slot, WEIR + ",attach=/run," + option)
    require_refused("Property 'weir.nonsense' not found", *slot, WEIR + ",nonsense=1")
    for name in ("vf", "vf01", "pf-1", "vf1024", "vf99999999999", "control", "../pf0", "vf0x1"):
        require_refused("functions of weir-sim are pf0, vf0", *SHARED_MEMORY, *slot, WEIR + ",attach=/run,function=" + name)


def attach_says_what_it_needs():
    with bench.Sim("--vfs", 1) as sim:
        slot = ("-device", PORT, "-device", WEIR + ",attach=%s" % sim.folder)
        require_refused("memory-backend-memfd", *slot)
        private = ["-object", "memory-backend-memfd,id=ram0,size=256M,share=off", "-machine", "memory-backend=ram0"]
        require_refused("memory-backend-memfd", *private, *slot)
        require_refused("caching-mode=on", *SHARED_MEMORY, "-device", "intel-iommu", *slot)
        require_refused("vf1.sock: nobody listens there", *SHARED_MEMORY, *slot[:-1], slot[-1] + ",function=vf1")
        control = os.path.join(sim.folder, "vf9.sock")
        os.symlink(os.path.join(sim.folder, "control.sock"), control)
        require_refused("weir: %s: " % control, *SHARED_MEMORY, *slot[:-1], slot[-1] + ",function=vf9")
        pf_as_vf = os.path.join(sim.folder, "vf8.sock")
        os.symlink(os.path.join(sim.folder, "pf0.sock"), pf_as_vf)
        require_refused("no Weir of this version", *SHARED_MEMORY, *slot[:-1], slot[-1] + ",function=vf8")
        os.unlink(control)
        os.unlink(pf_as_vf)
        with Machine(",attach=%s" % sim.folder, before=SHARED_MEMORY, expect=()):
            require_refused("somebody else has this function", *SHARED_MEMORY, *slot)
        folder = str(sim.folder)
    require_refused("nobody listens there", *SHARED_MEMORY, "-device", PORT, "-device", WEIR + ",attach=" + folder)


def another_qemu_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        original = pathlib.Path(preload("opt")[-1]).read_bytes()
        version = next(match for match in re.findall(rb"\x00(\d+\.\d+\.\d+)(?=\x00)", original) if match == qemu_version())
        card = pathlib.Path(folder) / "weir-qemu.so"
        card.write_bytes(original.replace(b"\0" + version + b"\0", b"\0" + b"9" * len(version) + b"\0"))
        done = subprocess.run(qemu_command("-device", PORT, "-device", WEIR), stdin=subprocess.DEVNULL, timeout=PATIENCE_S, check=False,
                              env=dict(os.environ, LD_PRELOAD=str(card)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        words = "was built for QEMU %s and this is QEMU %s" % ("9" * len(version), version.decode())
        tap.require(done.returncode == 1 and words in done.stdout, "%d: %s" % (done.returncode, done.stdout))
        tap.require("make deps all" in done.stdout, "it does not say what to do: " + done.stdout)


def qemu_version():
    """Version of the installed QEMU, as bytes."""
    text = subprocess.run([shutil.which("qemu-system-x86_64"), "--version"], stdout=subprocess.PIPE, check=True).stdout
    return re.search(rb"version (\d+\.\d+\.\d+)", text).group(1)


def children_keep_the_rest_of_ld_preload():
    libraries = [subprocess.run(["gcc", "-print-file-name=" + name], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
                 for name in ("libasan.so", "libubsan.so")]
    for card, expected in ((preload("opt"), "unset"), (preload("asan"), ":".join(libraries))):
        with tempfile.TemporaryDirectory() as folder:
            said = os.path.join(folder, "said")
            machine = subprocess.Popen(
                qemu_command("-device", PORT, "-device", WEIR, "-incoming", 'exec:echo "${LD_PRELOAD-unset}" >%s.new; mv %s.new %s; sleep 60'
                             % (said, said, said)),
                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(environment("opt"), LD_PRELOAD=":".join(card)))
            try:
                bench.wait_for(lambda: os.path.exists(said), "word from QEMU's child")
                found = pathlib.Path(said).read_text().strip()
                tap.require(found == expected, "a child has LD_PRELOAD %s, not %s" % (found, expected))
            finally:
                machine.kill()
                machine.wait()


def two_cards_are_told_apart():
    second = ["-device", "pcie-root-port,id=rp1,chassis=2,slot=2,addr=5.0", "-device", "weir,bus=rp1,id=pf1,romfile="]
    with Machine(after=second, expect=NO_CABLE + ("warning: nic pf1 has no peer",)) as machine:
        serials = []
        for slot, bus in ((4, 1), (5, 2)):
            machine.config_write(0, slot << 3, 0x18, bus << 8 | bus << 16)
            serials.append(machine.config_read(bus, 0, 0x1c4, 8))
        tap.require(len(set(serials)) == 2, "their serial numbers are %s" % [hex(number) for number in serials])


def tests():
    """(name, function) of all."""
    return [
        ("qemu.attach.more_than_254_vfs_are_refused", more_than_254_vfs_are_refused),
        ("qemu.attach.wrong_places_are_refused", wrong_places_are_refused),
        ("qemu.attach.senseless_properties_are_refused", senseless_properties_are_refused),
        ("qemu.attach.missing_needs_of_a_running_weir_sim_are_told", attach_says_what_it_needs),
        ("qemu.attach.another_qemu_is_refused", another_qemu_is_refused),
        ("qemu.attach.children_keep_the_rest_of_ld_preload", children_keep_the_rest_of_ld_preload),
        ("qemu.attach.two_cards_are_told_apart", two_cards_are_told_apart),
    ]
