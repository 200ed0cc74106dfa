# SPDX-License-Identifier: BSD-3-Clause
"""Wires: captures replayed and recorded, a tap, two cards on a stream, the cable pulled out."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from bench import PATIENCE_S, Peer, Sim, require_all_back, tap, wait_for
import pcap

A, B, C = ("02:00:00:00:00:0%d" % i for i in range(1, 4))
STRANGER = "02:00:00:00:00:99"


def raw(mac):
    """A MAC as bytes."""
    return bytes.fromhex(mac.replace(":", ""))


def frame(to, source, text, vlan=None):
    """A frame of at least 60 bytes."""
    tag = struct.pack(">HH", 0x8100, vlan) if vlan is not None else b""
    return (raw(to) + raw(source) + tag + b"\x88\xb5" + text.encode()).ljust(60, b"\0")


def received(sink):
    """What a sink has received, once it was told to end."""
    output, _ = sink.end()
    return [bytes.fromhex(line.split()[1]) for line in output.splitlines() if line.startswith("frame ")]


def replay_is_sorted_by_mac_and_vlan(variant="opt"):
    with tempfile.TemporaryDirectory() as folder, Sim("--vfs", 3, "--wire", "loopback", variant=variant) as sim:
        # VF 1 and VF 2 have the same MAC, in two VLANs.
        for number, mac, vlan in ((1, A, 0), (2, B, 10), (3, B, 20)):
            status, _ = sim.admin("vf_set", (1, struct.pack("<H", number)), (12, raw(mac)), (13, struct.pack("<H", vlan)))
            tap.require(status == "ok", "VF_SET: " + status)
        frames, expected = [], ([], [], [])
        for number in range(200):  # fewer than a sink has buffers: none is lost however slow it is
            text = "frame %d" % number
            for index, data, arrives in ((0, frame(A, STRANGER, text), None), (1, frame(B, STRANGER, text, 10), frame(B, STRANGER, text)),
                                         (2, frame(B, STRANGER, text, 20), frame(B, STRANGER, text)),
                                         (None, frame(B, STRANGER, text, 30), None), (None, frame(B, STRANGER, text), None),
                                         (None, frame(C, STRANGER, text), None)):
                frames.append(data)
                if index is not None:
                    # The tag of a port VLAN is taken out silently, whatever was padding stays.
                    arrives = data if arrives is None else data[:12] + data[16:]
                    expected[index].append(arrives)
        pcap.write(folder + "/in.pcap", frames)
        with Peer("sink", sim, "vf0", "--shadow") as a, Peer("sink", sim, "vf1", "--shadow") as b, Peer("sink", sim, "vf2", "--shadow") as c:
            sim.ask("wire", open="pcap:in=%s/in.pcap,rate=recorded" % folder)
            wait_for(lambda: "1200 frames replayed" in sim.log(), "end of the replay")
            time.sleep(0.2)
            for index, sink in enumerate((a, b, c)):
                got = received(sink)
                tap.require(got == expected[index], "VF %d: %d frames, expected %d; the first that differ: %s" % (
                    index, len(got), len(expected[index]), [(x.hex(), y.hex()) for x, y in zip(got, expected[index]) if x != y][:1]))
        port = sim.ask("wire")["ports"][0]
        tap.require(port["frames_received"] == 1200 and port["dropped_no_room"] == 0, str(port))


def what_is_sent_is_recorded():
    with tempfile.TemporaryDirectory() as folder:
        frames = [frame(STRANGER, A, "recorded %d" % number) + bytes(number % 200) for number in range(500)]
        short = raw(STRANGER) + raw(A) + b"\x88\xb5" + b"short"
        with Sim("--vfs", 1, "--wire", "pcap:out=%s/out.pcap" % folder) as sim:
            with Peer("send", sim, "vf0", mac=A, stdin=subprocess.PIPE) as sender:
                for data in frames + [short]:
                    sender.process.stdin.write(data.hex() + "\n")
                sender.process.stdin.close()
                sender.process.stdin = None
                tap.require(sender.finish()[1]["sent"] == len(frames) + 1, "not all are sent")
            # Whoever follows the file sees it grow while the daemon runs.
            wait_for(lambda: len(pcap.read(folder + "/out.pcap")) == len(frames) + 1, "whole recording")
        got = pcap.read(folder + "/out.pcap")
        tap.require(got[:-1] == frames, "what was recorded is not what was sent")
        tap.require(got[-1] == short.ljust(60, b"\0"), "a short frame is recorded as " + got[-1].hex())


def two_cards_on_a_stream(variant="opt"):
    with tempfile.TemporaryDirectory() as folder:
        with Sim("--vfs", 1, "--wire", "stream:listen:unix:%s/wire" % folder, variant=variant) as a, \
                Sim("--vfs", 1, "--wire", "stream:unix:%s/wire" % folder, variant=variant) as b:
            for sim in (a, b):
                wait_for(lambda: sim.ask("wire")["ports"][0]["link_up"], "link")  # pylint: disable=cell-var-from-loop
            with Peer("echo", a, "vf0", "--interrupts", mac=A), \
                    Peer("ping", b, "vf0", "--interrupts", "--count", 1000, mac=B, to=A) as ping:
                require_all_back(ping.finish()[1])
            # With pauses: frames out of a wire wake a card that sleeps.
            with Peer("echo", a, "vf0", "--connect-s", 5, "--interrupts", mac=A), \
                    Peer("latency", b, "vf0", "--connect-s", 5, "--interrupts", "--count", 50, "--pause-us", 5000, mac=B, to=A) as latency:
                output, counters = latency.finish()
                require_all_back(counters)
                # Clients ask again every 100 ms, which wakes it as well.
                median_us = json.loads(output.splitlines()[0].split(" ", 1)[1])["median_us"]
                tap.require(median_us < 30000, "a frame and its echo take %.0f us" % median_us)
            tap.require(all(sim.ask("info")["loop"]["wakes"] >= 50 for sim in (a, b)), "a card did not sleep")


def the_cable_can_be_pulled_out():
    with Sim("--vfs", 1, "--ports", 2, "--wire", "loopback", "--wire", "1:loopback") as sim:
        tap.require([p["link_up"] for p in sim.ask("wire")["ports"]] == [True, True], "links are not up")
        port = sim.ask("wire", port=0, plugged=False)["ports"]
        tap.require(len(port) == 1 and not port[0]["link_up"] and not port[0]["plugged"], str(port))
        wait_for(lambda: not sim.ask("registers", function="vf0", offset=0x48, count=1)["values"][0] & 16, "link down in STATUS")
        tap.require(sim.ask("wire", port=1)["ports"][0]["link_up"], "the other port's link is down")
        tap.require(sim.ask("wire", port=0, plugged=True)["ports"][0]["link_up"], "the link stays down")
        wait_for(lambda: sim.ask("registers", function="vf0", offset=0x48, count=1)["values"][0] & 16, "link up in STATUS")
        sim.ask("wire", port=1, open="none")
        tap.require([p["link_up"] for p in sim.ask("wire")["ports"]] == [True, False], "port 1 is not disconnected")


def tap_in_this_namespace(folder):
    """Runs in a network namespace of its own; see below. The host's side of the tap is a packet socket."""
    with Sim("--vfs", 1, "--wire", "tap:weir0", folder=folder) as sim:
        with open("/proc/sys/net/ipv6/conf/weir0/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
        subprocess.run(["ip", "link", "set", "weir0", "up"], check=True, timeout=PATIENCE_S)
        with Peer("sink", sim, "vf0", "--interrupts", mac=A) as sink, \
                socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5)) as host:
            host.bind(("weir0", 0x88b5))
            host.settimeout(PATIENCE_S)
            frames = [frame(A, STRANGER, "tap %d" % number) for number in range(100)]
            for data in frames:
                host.send(data)
                time.sleep(0.001)
            wait_for(lambda: sim.ask("wire")["ports"][0]["frames_received"] >= 100, "frames out of the tap")
            time.sleep(0.2)
            tap.require(received(sink) == frames, "the VF does not receive what the host sends")
            with Peer("send", sim, "vf0", "--connect-s", 5, mac=A, stdin=subprocess.PIPE) as sender:
                # What the host itself sent is seen by its socket, too: told by the source.
                data = [frame(STRANGER, A, "to the host %d" % number) for number in range(100)]
                sender.process.stdin.write("".join(one.hex() + "\n" for one in data))
                sender.process.stdin.close()
                sender.process.stdin = None
                sender.finish()
                got = [host.recv(2048) for _ in range(100)]
            tap.require(got == data, "the host does not receive what the VF sends")
        # A tap that is deleted does not keep the card busy.
        subprocess.run(["ip", "link", "delete", "weir0"], check=True, timeout=PATIENCE_S)
        time.sleep(0.2)
        before, start = sim.processor_s(), time.monotonic()
        time.sleep(1)
        share = (sim.processor_s() - before) / (time.monotonic() - start)
        tap.require(share < 0.1, "with its tap deleted it takes %.1f %% of a processor" % (100 * share))


def tap_is_a_wire():
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun") or not shutil.which("unshare") or not shutil.which("ip"):
        raise tap.Skip("a tap needs root, /dev/net/tun, unshare and ip: run as root, modprobe tun")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["unshare", "--net", sys.executable, __file__, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=PATIENCE_S, check=False)
        if "unshare failed" in done.stdout:
            raise tap.Skip("no network namespace can be made here: " + done.stdout)
        tap.require(done.returncode == 0, done.stdout)


WIRE = (replay_is_sorted_by_mac_and_vlan, what_is_sent_is_recorded, two_cards_on_a_stream, the_cable_can_be_pulled_out, tap_is_a_wire)

if __name__ == "__main__":
    tap_in_this_namespace(sys.argv[1])
