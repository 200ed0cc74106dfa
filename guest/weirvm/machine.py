# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's command line for a guest."""

import os
import shutil

from .errors import GuestError
from .paths import WEIR_QEMU, shown

QEMU = "qemu-system-x86_64"

# Emulated, without KVM. i8042 and the like would only cost boot time.
MACHINE = "q35,i8042=off,vmport=off,sata=off,smbus=off,usb=off"

# panic=-1 with -no-reboot ends QEMU at once. Watchdogs are made patient and the timer is believed in without a check that panics: a
# busy host steals much time from an emulated CPU.
KERNEL_COMMAND_LINE = (
    "console=ttyS0,115200 panic=-1 mitigations=off random.trust_cpu=on audit=0 apparmor=0 cryptomgr.notests "
    "watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 no_timer_check"
)


def _netdev_argument(netdev, identity):
    """A -netdev argument with our id in it."""
    if any(part.startswith("id=") for part in netdev.split(",")):
        raise GuestError("network backend '%s': leave out id=, the device needs its own" % netdev)
    return "%s,id=%s" % (netdev, identity)


def iommu_arguments(caching=False, device_tlbs=True):
    """An IOMMU with interrupt remapping and device TLBs (ATS). It must come before the devices it serves. caching: it tells QEMU's
    devices what the guest maps, as devices in other processes need it."""
    options = ",caching-mode=on" if caching else ""
    return ["-device", "intel-iommu,intremap=on,device-iotlb=%s%s" % ("on" if device_tlbs else "off", options)]


def _slot_arguments(index):
    """Root port number `index` for one NIC."""
    return ["-device", "pcie-root-port,id=rp%d,chassis=%d,slot=%d,addr=%#x.0" % (index, index + 1, index + 1, index + 4)]


def nic_arguments(device, netdevs=("user",), iommu=True, options="", first=0):
    """QEMU arguments for NICs, each behind a root port of its own.

    device: the QEMU device type ("weir", "e1000e"). netdevs: a network backend for each NIC, as -netdev takes it but without
    an id. options: more for every device, as ",name=value". first: how many NICs a guest of several types has in front of these.
    NIC number i is pf<i> on port rp<i> with backend n<i>; in the guest it is 0000:<i+1>:00.0.
    """
    arguments = iommu_arguments() if iommu else []
    for index, netdev in enumerate(netdevs, first):
        arguments += ["-netdev", _netdev_argument(netdev, "n%d" % index)]
        arguments += _slot_arguments(index)
        arguments += ["-device", "%s,bus=rp%d,netdev=n%d,id=pf%d,romfile=%s" % (device, index, index, index, options)]
    return arguments


def weir_arguments(netdevs=("user",), iommu=True, attach=None, options="", functions=("pf0",)):
    """nic_arguments() for Weirs. attach: the folder of a running weir-sim, whose `functions` the guest gets, each in a slot of its
    own; None for NICs inside QEMU. The wire of a running weir-sim is its own, so netdevs mean nothing then."""
    if attach is None:
        return nic_arguments("weir", netdevs, iommu, options)
    if "," in attach:
        raise GuestError("the path of weir-sim's folder, %s, must not have a comma in it" % attach)
    arguments = iommu_arguments(caching=True) if iommu else []
    for index, function in enumerate(functions):
        arguments += _slot_arguments(index)
        arguments += ["-device", "weir,bus=rp%d,id=pf%d,romfile=,attach=%s,function=%s%s" % (index, index, attach, function, options)]
    return arguments


def shared_memory_arguments(memory_mb):
    """The guest's memory as a file descriptor that another process can be handed (for attach=)."""
    return ["-object", "memory-backend-memfd,id=ram0,size=%dM,share=on" % memory_mb, "-machine", "memory-backend=ram0"]


def _time_stamp_counter_is_sound():
    """Whether this machine's own kernel keeps time by the processors' counters; an emulated CPU reads the same ones."""
    try:
        with open("/sys/devices/system/clocksource/clocksource0/current_clocksource", encoding="ascii") as stream:
            return stream.read().strip() == "tsc"
    except OSError:
        return False


def kernel_command_line(devices, iommu="on", extra=""):
    """The kernel's command line. iommu: "on", "pt" (devices of the guest kernel itself untranslated) or "off"; the kernel is
    told of an IOMMU only when there is one among `devices`."""
    words = [KERNEL_COMMAND_LINE]
    if _time_stamp_counter_is_sound():
        words.append("tsc=reliable")
    if any("intel-iommu" in argument for argument in devices) and iommu != "off":
        words.append("intel_iommu=on")
        if iommu == "pt":
            words.append("iommu=pt")
    if extra:
        words.append(extra)
    return " ".join(words)


def needs_weir(devices):
    """Whether these QEMU arguments ask for a Weir, which stock QEMU knows only with our library loaded."""
    return any(argument == "weir" or argument.startswith("weir,") for argument in devices)


def launcher(preload, environment=None):
    """What stands before QEMU's own arguments: QEMU dies with whoever starts it (with the thread that does), loads `preload` (a
    library or several, a sanitizer's runtime first, or None) and has the variables {NAME: value} in its environment."""
    libraries = [preload] if isinstance(preload, str) else list(preload or ())
    for library in libraries:
        if "/" in library and not os.path.exists(library):
            hint = ": build it with make" if os.path.abspath(library) == WEIR_QEMU else ""
            raise GuestError("%s, which QEMU is to load, does not exist%s" % (shown(library), hint))
    words = ["setpriv", "--pdeathsig", "KILL", "env", "-u", "LD_PRELOAD"]
    variables = dict(environment or {})
    if libraries:
        variables["LD_PRELOAD"] = ":".join(libraries)
    return words + ["%s=%s" % item for item in variables.items()]


def find_qemu():
    """The path of stock QEMU."""
    path = shutil.which(QEMU)
    if path is None:
        raise GuestError("no %s: install Debian's qemu-system-x86 (make deps does)" % QEMU)
    return path


def base_arguments(kernel_image, initramfs, command_line, memory_mb, smp, one_thread=False):
    """The arguments of every guest: machine, processors, memory, kernel.

    one_thread: the processors take turns instead of running at once. QEMU before 8.1 may crash where one of them writes to a
    device's memory while another has the device's BARs unmapped: tcg_commit() changes the map of all processors before they have
    dropped what they remember of the old one.
    """
    return [
        find_qemu(), "-nodefaults", "-no-user-config", "-machine", MACHINE, "-accel",
        "tcg,thread=" + ("single" if one_thread else "multi"), "-cpu", "max",
        "-smp", str(smp), "-m", "%dM" % memory_mb, "-display", "none", "-no-reboot",
        "-kernel", kernel_image, "-initrd", initramfs, "-append", command_line,
    ]


def share_arguments(shares):
    """9p shares. shares: list of (tag, host folder, writable)."""
    arguments = []
    for tag, folder, writable in shares:
        if "," in folder:
            raise GuestError("a shared folder's name must not have a comma in it: %s" % folder)
        access = "" if writable else ",readonly=on"
        arguments += [
            "-fsdev", "local,id=%s,path=%s,security_model=none,multidevs=remap%s" % (tag, folder, access),
            "-device", "virtio-9p-pci,fsdev=%s,mount_tag=%s" % (tag, tag),
        ]
    return arguments
