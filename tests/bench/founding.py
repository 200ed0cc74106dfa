# SPDX-License-Identifier: BSD-3-Clause
"""The founding comparison: iperf3 between two interfaces of a guest, over the ways a guest can be given a network.

One guest has two interfaces of each kind, in namespaces of their own (founding.sh). It has no IOMMU, as most guests; two NICs that QEMU
emulates are wired as virtual machines usually are: taps of the host, on a bridge.
"""

import collections
import os
import subprocess
import sys
import time

import machine
import streams

sys.path.insert(0, str(machine.TOP / "tests" / "guest" / "lib"))
import guest  # noqa: E402
from guest import GuestError  # noqa: E402,F401

HERE = os.path.dirname(os.path.abspath(__file__))
NET = os.path.join(HERE, "..", "guest", "net", "net.sh")

# name: for people. interfaces: what founding.sh calls them. ethtool: features set before each stream, which others may have changed.
Kind = collections.namedtuple("Kind", "name interfaces ethtool")

BARE = Kind("bare (veth)", "veth", "")
EMULATED = Kind("fully emulated (e1000e)", "e1000e", "")
PARAVIRTUAL = Kind("paravirtual (virtio)", "virtio", "")
SRIOV = Kind("SR-IOV (two VFs)", "weir", "tso on gso on gro on rx-gro-hw off")
COALESCING = Kind("SR-IOV, rx-gro-hw on", "weir", "tso on gso on gro on rx-gro-hw on")
ALL_KINDS = (COALESCING, SRIOV, BARE, EMULATED, PARAVIRTUAL)

# The same VFs, with and without what TSO and RSC do for them. In the second the kernel itself makes long packets, in the third nobody.
BOTH_ON = Kind("tso, rx-gro-hw on", "weir", COALESCING.ethtool)
BOTH_OFF = Kind("tso, rx-gro-hw off", "weir", "tso off gso on gro on rx-gro-hw off")
ALL_OFF = Kind("tso, rx-gro-hw, gso, gro off", "weir", "tso off gso off rx-gro-hw off gro off")
OFFLOADS = (BOTH_ON, BOTH_OFF, ALL_OFF)

# In /proc/stat: /usr/include/asm-generic/param.h
USER_HZ = 100
ANSWER_S = 60
BOOT_S = 300


class Wires:
    """Cables between NICs that QEMU emulates, for as long as the block runs."""

    def __init__(self):
        self.made = []

    def __enter__(self):
        return self

    def cable(self, number):
        """The two network backends of a cable, as -netdev takes them."""
        bridge = "wb%d_%d" % (os.getpid(), number)
        self._add(bridge, "ip", "link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
        ends = [bridge + end for end in "ab"]
        for end in ends:
            self._add(end, "ip", "tuntap", "add", "dev", end, "mode", "tap", "vnet_hdr")
            _ip("link", "set", "dev", end, "master", bridge)
        for name in (bridge, *ends):
            # Nobody here has anything to say on it.
            _ip("link", "set", "dev", name, "addrgenmode", "none")
            _ip("link", "set", "dev", name, "up")
        return ["tap,ifname=%s,script=no,downscript=no" % end for end in ends]

    def _add(self, name, *command):
        subprocess.run(command, check=True)
        self.made.append(name)

    def __exit__(self, *failure):
        for name in reversed(self.made):
            subprocess.run(["ip", "link", "del", name], check=False)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def host_s(pid):
    """What a process has had of the processors, all its threads together."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Founding:
    """The guest with all kinds; as a context manager it runs as long as the block."""

    def __init__(self, wires, cpus):
        """wires: Wires. cpus: those whose other users disturb. Raises subprocess.CalledProcessError without the right to make wires."""
        self.cpus = cpus
        devices = guest.nic_arguments("weir", iommu=False)
        for number, device in enumerate(("e1000e", "virtio-net-pci")):
            devices += guest.nic_arguments(device, wires.cable(number), iommu=False, first=1 + 2 * number)
        names = dict.fromkeys(kind.interfaces for kind in ALL_KINDS)
        settings = "KINDS='%s'\n" % " ".join("%s:10.%d.0" % pair[::-1] for pair in enumerate(names, 1))
        self.running = guest.Guest(
            os.path.join(HERE, "founding.sh"), devices, preload=guest.WEIR_QEMU, memory_mb=1024, timeout_s=3600,
            programs=["/usr/bin/ping"], overlay_files={"/job/net.sh": NET, "/job/settings.sh": settings.encode()}, name="bench.founding")

    def __enter__(self):
        self.running.__enter__()
        self._answer("@ready", BOOT_S, 0)
        return self

    def __exit__(self, *failure):
        try:
            if not failure[0]:
                self.running.send("quit\n")
                result = self.running.wait()
                if not result.ok:
                    raise AssertionError("the guest of the streams: %s (logs: %s)" % (result.why, guest.shown(result.folder)))
        finally:
            self.running.__exit__(*failure)

    @property
    def pid(self):
        """QEMU's process id."""
        return self.running.pid

    def _answer(self, wanted, timeout_s, since):
        """The rest of the line that begins with that word."""
        match = self.running.wait_for(r"^@failed .*|^%s\b *(.*)" % wanted, timeout_s, since)
        if match.group(1) is None:
            raise AssertionError("the guest of the streams: %s" % " | ".join(self.running.lines()[since:]))
        return match.group(1)

    def _ask(self, wanted, *words):
        since = len(self.running.lines())
        self.running.send(" ".join(words) + "\n")
        return self._answer(wanted, ANSWER_S, since)

    def _read(self, interfaces):
        received, ticks = self._ask("@counted", "count", interfaces).split()
        return streams.Reading(time.monotonic(), int(received), int(ticks) / USER_HZ, host_s(self.running.pid))

    def take(self, kind, effort):
        """A stream over a kind: (streams.Stream, part of the time that somebody else had the processors)."""
        if kind.ethtool:
            self._ask("@set", "set", kind.interfaces, kind.ethtool)
        self._ask("@begun", "begin", kind.interfaces)
        time.sleep(effort.settle_s)
        others = machine.Others([self.running.pid], self.cpus)
        before = self._read(kind.interfaces)
        time.sleep(effort.sample_s)
        after = self._read(kind.interfaces)
        disturbed = others.share()
        self._ask("@ended", "end")
        return streams.between(before, after), disturbed
