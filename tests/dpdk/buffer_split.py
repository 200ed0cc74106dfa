# SPDX-License-Identifier: BSD-3-Clause
"""testpmd with RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT: mb_pool_0 has the headers, mb_pool_0_1 all else."""

import random
import re
import struct

import pcap
import tap
from processes import Folder, until

BUFFER_SPLIT = ("--rx-offloads=0x100000", "--mbuf-size=384,2176")
# A wire that is up and gives nothing back.
QUIET_WIRE = ("--wire", "pcap:out=/dev/null")


def receiver(folder, socket, *options):
    """A testpmd that splits what it receives, and prints it."""
    testpmd = folder.testpmd([socket], "--forward-mode=rxonly", *BUFFER_SPLIT, *options)
    testpmd.command("set verbose 1")
    return testpmd


def splits_by_length_and_by_headers():
    """testpmd's own UDP over IPv4, 200 bytes: where it begins, and in how many segments it is, by what was asked for."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "2", *QUIET_WIRE)
        sender = folder.testpmd([sim.vf(0)], "--forward-mode=txonly", "--txpkts=200")
        for options, pool, segments in (("--rxpkts=64,0", "mb_pool_0", 2), ("--rxpkts=250,0", "mb_pool_0", 1),
                                        ("--rxhdrs=eth", "mb_pool_0", 2), ("--rxhdrs=ipv4", "mb_pool_0", 2),
                                        ("--rxhdrs=ipv4-udp", "mb_pool_0", 2), ("--rxhdrs=ipv4-tcp", "mb_pool_0_1", 1),
                                        ("--rxhdrs=ipv6-udp", "mb_pool_0_1", 1)):
            testpmd = receiver(folder, sim.vf(1), options)
            sender.command("set eth-peer 0 " + testpmd.mac(0))
            testpmd.command("start")
            sender.command("start")
            testpmd.expect(r"nb_segs=\d+ ")
            sender.command("stop")
            # What it prints of packets and its prompts would come mixed.
            while testpmd.read_more(0.5):
                pass
            testpmd.command("stop")
            seen = set(re.findall(r"pool=(\S+) - .* length=(\d+) - nb_segs=(\d+)", testpmd.output))
            tap.require(seen == {(pool, "200", str(segments))}, "%s: %s" % (options, seen))
            testpmd.quit()
        sender.quit()


def refuses_what_cannot_be():
    """Segments that the card cannot make: the port does not start, and the reason is told."""
    with Folder() as folder:
        sim = folder.sim("--vfs", "1", *QUIET_WIRE)
        for options, reason in ((("--rxpkts=17,0",), "first segment of 17 bytes: possible are 18 to 16384, and 256 in mempool mb_pool_0"),
                                (("--rxpkts=64,1000",), "last segment of 1000 bytes: possible are multiples of 64"),
                                (("--rxpkts=64,1024",), "frames of 1522 bytes do not fit the segments of receive queue 0"),
                                (("--rxhdrs=ipv4-tcp", "--rxd=32768"), "a queue that splits frames has 16384 at most"),
                                (("--rxhdrs=grenat",), "protocols 0x6000 is not supported"),
                                (("--rxhdrs=eth,ipv4",), "Requested Rx segments 3 exceed supported 2"),
                                (("--rxhdrs=eth", "--enable-lro"), "either RX_OFFLOAD_BUFFER_SPLIT or RX_OFFLOAD_TCP_LRO")):
            testpmd = folder.program(["dpdk-testpmd", *folder.eal([sim.vf(0)], cores="0,1"), "--", "-i", "--no-mlockall",
                                      "--total-num-mbufs=40000", *BUFFER_SPLIT, *options])
            testpmd.expect(re.escape(reason))
            testpmd.close()


def udp_or_tcp(number):
    """A frame over IPv4, every third one UDP, of any length."""
    payload = random.randbytes(random.randrange(20, 1400))
    protocol = 6 if number % 3 else 17
    l4 = struct.pack(">HHIIHHHH", 1000 + number, 9, 0, 0, 0x5010, 0, 0, 0) if number % 3 else \
        struct.pack(">HHHH", 1000 + number, 9, 8 + len(payload), 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(l4) + len(payload), number, 0, 64, protocol, 0, bytes(4), bytes(4))
    return bytes.fromhex("020202020202" "040404040404" "0800") + ip + l4 + payload


def forwards_a_capture_byte_for_byte():
    """Frames of a capture file, split, and sent on in the segments that they have: the file that the wire records is the same."""
    random.seed(22)
    frames = [udp_or_tcp(number) for number in range(600)]
    with Folder() as folder:
        sim = folder.sim("--vfs", "1", *QUIET_WIRE)
        before, after = str(folder.path / "in.pcap"), str(folder.path / "out.pcap")
        pcap.write(before, frames)
        for options in ("--rxhdrs=ipv4-udp", "--rxpkts=100,256"):
            # MULTI_SEGS, to send them; small buffers would not do for a last segment that others cannot follow.
            mbufs = "--mbuf-size=384,%d" % (256 if "pkts" in options else 2176)
            testpmd = folder.testpmd([sim.pf()], "--forward-mode=io", "--port-topology=loop", "--tx-offloads=0x8000", "--rxd=4096",
                                     "--txd=8192", *BUFFER_SPLIT, mbufs, options)
            testpmd.command("start")
            sim.control(command="wire", port=0, open="pcap:in=%s,out=%s,rate=full" % (before, after))
            until(lambda port=testpmd: port.stats(0)["TX-packets"] >= len(frames), "not all is forwarded")
            sim.control(command="wire", port=0, open=QUIET_WIRE[1])
            got = pcap.read(after)
            tap.require(got == frames, "%s: %d frames, %d as they were" %
                        (options, len(got), sum(one == other for one, other in zip(got, frames))))
            testpmd.quit()


TESTS = [
    ("dpdk.split.testpmd_splits_by_length_and_by_headers", splits_by_length_and_by_headers),
    ("dpdk.split.testpmd_tells_what_cannot_be", refuses_what_cannot_be),
    ("dpdk.split.a_capture_is_forwarded_byte_for_byte", forwards_a_capture_byte_for_byte),
]
