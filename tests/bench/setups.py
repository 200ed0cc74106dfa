# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: a testpmd on one CPU that swaps addresses and sends back, and whatever gives it frames on another CPU.

All of them get the same: one CPU a side, the same frames, bursts, ring sizes, and kind of memory. What circulates is put in by
testpmd's own `start tx_first`, and what is counted is what that testpmd receives.
"""

import itertools
import os
import re
import sys
import time

import machine

sys.path.insert(0, str(machine.TOP / "tests" / "dpdk"))
sys.path.insert(0, str(machine.TOP / "tests" / "lib"))
import circulating  # noqa: E402
import pcap  # noqa: E402
import processes  # noqa: E402

DESCRIPTORS = 1024
BURST = 32
IN_FLIGHT_BURSTS = 16

HUGEPAGES = ("--in-memory", "--single-file-segments", "--iova-mode=va", "-m", "96")
HUGEPAGES_PER_TESTPMD = 48
NO_HUGEPAGES = ("--no-huge", "-m", "96")

# A port with what hashes frames and looks at checksums, and without: name, options of testpmd, and its commands. macswap asks for no
# checksums to be put in, so that of the transmit offloads only the way to ask for them is in it.
CHECKSUMS = 1 << 1 | 1 << 2 | 1 << 3  # RTE_ETH_RX_OFFLOAD_{IPV4,UDP,TCP}_CKSUM, and the same of RTE_ETH_TX_OFFLOAD_
RSS_HASH = 1 << 19  # RTE_ETH_RX_OFFLOAD_RSS_HASH
TWO_QUEUES = ("--rxq=2", "--txq=2")
OFFLOADS = (
    ("offloads on", TWO_QUEUES + ("--rx-offloads=%#x" % (CHECKSUMS | RSS_HASH), "--tx-offloads=%#x" % CHECKSUMS), ("port config all rss tcp",)),
    ("offloads off", TWO_QUEUES + ("--disable-rss",), ()),
)

NUMBERS = itertools.count(1)


class Setup:
    """Programs that are there, but do nothing between begin() and end()."""

    def __init__(self, name, application, device):
        """application: the testpmd that is looked at; device: another testpmd, or a weir-sim."""
        self.name = name
        self.application = application
        self.device = device

    def pids(self):
        """Both processes."""
        return [self.application.process.pid, self.device.process.pid]

    def shape(self, frame_bytes, burst):
        """The frames to come: their length, and how many testpmd takes at a time."""
        self.application.command("set txpkts %d" % frame_bytes)
        self.application.command("set burst %d" % burst)

    def begin(self, bursts):
        """Start both sides and put frames in."""
        if isinstance(self.device, processes.Testpmd):
            self.device.command("start")
        self.prefer()
        self.application.command("start tx_first %d" % bursts)

    def prefer(self):
        """Let the threads of both go before others."""
        for pid in self.pids():
            for task in machine.tasks(pid):
                machine.prefer(task)

    def frames_per_s(self, seconds, ports):
        """Frames received by the first `ports` ports, by testpmd's own clock."""
        self.read(ports)
        time.sleep(seconds)
        return self.read(ports)

    def read(self, ports):
        """The rate since it was last asked for."""
        return sum(int(re.search(r"Rx-pps:\s+(\d+)", self.application.command("show port stats %d" % port)).group(1))
                   for port in range(ports))

    def end(self):
        """Stop both sides; frames under way are lost (testpmd empties its queues at the next start)."""
        self.application.command("stop")
        if isinstance(self.device, processes.Testpmd):
            self.device.command("stop")


class Circulation(Setup):
    """A Weir port that loops, with frames that testpmd does not make: given to it by the wire, they stay in its rings from one
    sample to the next.
    """

    QUIET = "pcap:out=/dev/null"

    def shape(self, frame_bytes, burst):
        """Frames of another length: what was in the rings goes, and these come."""
        self.application.command("set burst %d" % burst)
        self.device.control(command="wire", port=0, open=self.QUIET)
        for command in ("set flush_rx on", "start", "stop", "set flush_rx off"):
            self.application.command(command)
        frames = circulating.make(frame_bytes, BURST * IN_FLIGHT_BURSTS, circulating.address(self.application.mac(0)),
                                  circulating.SECOND)
        capture = self.device.directory / "circulating.pcap"
        pcap.write(capture, frames)
        before = self.received()
        self.device.control(command="wire", port=0, open="pcap:in=%s,rate=full" % capture)
        processes.until(lambda: self.received() == before + len(frames), "the frames to circulate are in the ring")
        self.device.control(command="wire", port=0, open="loopback")

    def received(self):
        """Frames that the port's vport has got, by the card's own count."""
        return self.application.xstats(0)["vport_rx_frames"]

    def begin(self, bursts):
        """Start; what circulates is there already."""
        self.prefer()
        self.application.command("start")


class Bench:
    """Makes setups in a folder, on two CPUs."""

    def __init__(self, folder, cpus, hugepages, preferred):
        """folder: processes.Folder; preferred: machine.Preferred."""
        self.folder = folder
        self.cpus = cpus
        self.preferred = preferred
        self.memory = HUGEPAGES if hugepages else NO_HUGEPAGES

    def testpmd(self, cpu, vdevs, *options):
        """A testpmd that forwards on a CPU; its main thread, which only reads commands, is on the other one."""
        other = self.cpus[0] if cpu == self.cpus[1] else self.cpus[1]
        arguments = ["dpdk-testpmd", "--lcores", "0@%d,1@%d" % (other, cpu), *self.memory, "--no-pci", "--no-telemetry",
                     "--file-prefix", "weirbench%d_%d" % (os.getpid(), next(NUMBERS)), "-d", processes.driver()]
        for vdev in vdevs:
            arguments += ["--vdev", vdev]
        arguments += ["--", "-i", "--no-mlockall", "--total-num-mbufs=8192", "--burst=%d" % BURST,
                      "--rxd=%d" % DESCRIPTORS, "--txd=%d" % DESCRIPTORS, *options]
        testpmd = processes.Testpmd(arguments)
        self.folder.programs.append(testpmd)
        self.preferred.add(testpmd.process.pid)
        return testpmd

    def application(self, vdevs, *options):
        """The side that is looked at. Each port sends back what it gets."""
        return self.testpmd(self.cpus[0], vdevs, "--forward-mode=macswap", "--port-topology=loop", *options)

    def reflector(self, vdevs):
        """The other side of a peer: one port sends back what it gets, two pass it to each other."""
        return self.testpmd(self.cpus[1], vdevs, "--forward-mode=io")

    def card(self, ports, *options):
        """A weir-sim whose port is a loopback, and a testpmd on VFs of it: one sends to itself through the wire, two to each other."""
        sim = self.folder.sim("--vfs", str(ports), "--wire", "loopback", "--cpu", str(self.cpus[1]), "--log", "warning")
        application = self.application(["net_weir%d,socket=%s" % (port, sim.vf(port)) for port in range(ports)], *options)
        if ports == 1:
            # Swapped, a frame must still be the port's own, in and out: a second address of it.
            second = circulating.SECOND.hex(":")
            application.command("mac_addr add 0 " + second)
            application.command("set eth-peer 0 " + second)
        else:
            for port in range(ports):
                application.command("set eth-peer %d %s" % (port, application.mac(1 - port)))
        return sim, application

    def weir(self, ports):
        """Weir as it comes."""
        sim, application = self.card(ports)
        return Setup("weir", application, sim)

    def circulation(self, name, options, commands):
        """One port of Weir that sends to itself, with its offloads as in OFFLOADS."""
        sim, application = self.card(1, *options)
        for command in commands:
            application.command(command)
        return Circulation(name, application, sim)

    def virtio(self, ports):
        """virtio-user, packed rings in their fastest form, and vhost."""
        paths = ["%s/virtio%d_%d.sock" % (self.folder.path, next(NUMBERS), port) for port in range(ports)]
        device = self.reflector(["net_vhost%d,iface=%s,queues=1" % pair for pair in enumerate(paths)])
        return Setup("virtio-user packed", self.application(
            ["net_virtio_user%d,path=%s,queues=1,queue_size=%d,packed_vq=1,mrg_rxbuf=0,in_order=1" % (port, path, DESCRIPTORS)
             for port, path in enumerate(paths)]), device)

    def memif(self, ports, zero_copy):
        """memif; without copies only the application's side does not copy, the other one must."""
        path = "%s/memif%d.sock" % (self.folder.path, next(NUMBERS))
        common = "net_memif%d,role=%s,id=%d,bsize=2048,rsize=10,socket=" + path + ",socket-abstract=no%s"
        device = self.reflector([common % (port, "server", port, "") for port in range(ports)])
        return Setup("memif zero-copy" if zero_copy else "memif copy", self.application(
            [common % (port, "client", port, ",zero-copy=yes" if zero_copy else "") for port in range(ports)]), device)
