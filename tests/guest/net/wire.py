# SPDX-License-Identifier: BSD-3-Clause
"""What hangs on the other end of a guest's cable: a switch made here. Behind it are QEMU's user network (the host's stack, at 10.0.2.2), and a few
hosts that answer ARP and ping only where the frames that reach them carry exactly the VLAN tags they live behind. A job in the
guest can ask what was seen on the wire and have frames sent (the function `wire` of net.sh).

    with Wire({"10.77.0.1": "-", "10.77.100.1": "8100.100.0"}) as wire:
        guest.run_tap(suite, name, job, wire.devices(), drive=wire.serve, ...)

Tags are written TPID.VID.PRIORITY, outermost first and joined by "+"; "-" is none.
"""

import collections
import os
import re
import shutil
import socket
import struct
import tempfile
import threading

import guest
from frames import checksum

TPIDS = (0x8100, 0x88a8)
ETH_ARP, ETH_IP = 0x0806, 0x0800
HOST_MAC = bytes.fromhex("0277000000fe")
USER_NETWORK = socket.inet_aton("10.0.2.0")[:3]


def mac_text(mac):
    """aa:bb:cc:dd:ee:ff"""
    return mac.hex(":")


class Frame:
    """A received frame, taken apart as far as is needed."""

    def __init__(self, data):
        self.data, self.destination, self.source = data, data[:6], data[6:12]
        tags, at = [], 12
        while len(data) >= at + 4 and struct.unpack_from("!H", data, at)[0] in TPIDS:
            tpid, tci = struct.unpack_from("!HH", data, at)
            tags.append("%04x.%d.%d" % (tpid, tci & 0xfff, tci >> 13))
            at += 4
        self.tags = "+".join(tags) or "-"
        self.header = data[6:at]
        self.kind, self.payload = struct.unpack_from("!H", data, at)[0], data[at + 2:]

    def answer(self, payload):
        """A frame back to the sender, with the same tags."""
        return self.source + HOST_MAC + self.data[12:12 + len(self.header) - 6] + struct.pack("!H", self.kind) + payload


class Wire:
    """hosts: {address: tags}. user: whether QEMU's user network is there, too."""

    def __init__(self, hosts=None, user=True):
        self.hosts = {socket.inet_aton(address): tags for address, tags in (hosts or {}).items()}
        self.folder = tempfile.mkdtemp(prefix="weir-wire-")
        self.sockets = {}
        for name in ("card", "user") if user else ("card",):
            self.sockets[name] = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.sockets[name].bind(os.path.join(self.folder, name))
            self.sockets[name].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self.seen = collections.Counter()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in self.sockets]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for end in self.sockets.values():
            end.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for end in self.sockets.values():
            end.close()
        shutil.rmtree(self.folder)

    def devices(self, **options):
        """QEMU arguments: this wire, and a Weir on it (options of guest.weir_arguments)."""
        arguments = []
        if "user" in self.sockets:
            arguments = ["-netdev", self._dgram("user") + ",id=switch", "-netdev", "hubport,id=switchport,hubid=0,netdev=switch",
                         "-netdev", "user,id=user,ipv6=off", "-netdev", "hubport,id=userport,hubid=0,netdev=user"]
        return arguments + guest.weir_arguments([self._dgram("card")], **options)

    def _dgram(self, name):
        """QEMU's end of a cable."""
        return "dgram,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s" % tuple(
            os.path.join(self.folder, path) for path in (name + ".qemu", name))

    # ---- frames ----

    def _read(self, name):
        while True:
            try:
                data = self.sockets[name].recv(65536)
            except OSError:
                return
            if not data:
                return
            if len(data) < 14:
                continue
            if name == "user":
                self.send(data)
                continue
            frame = Frame(data)
            with self.lock:
                self.seen[mac_text(frame.source), mac_text(frame.destination), frame.tags] += 1
            reply = self._reply(frame)
            if reply:
                self.send(reply)
            elif "user" in self.sockets and self._is_for_user_network(frame):
                self._send("user", data)

    def send(self, data):
        """A frame towards the card."""
        self._send("card", data)

    def _send(self, name, data):
        try:
            self.sockets[name].sendto(data, os.path.join(self.folder, name + ".qemu"))
        except OSError:
            pass  # QEMU is not there any more, or not yet

    @staticmethod
    def _is_for_user_network(frame):
        """It answers pings to anywhere, in its own way: it is given its own alone."""
        if frame.tags != "-" or len(frame.payload) < 28:
            return False
        at = {ETH_ARP: 24, ETH_IP: 16}.get(frame.kind)
        return at is not None and frame.payload[at:at + 3] == USER_NETWORK

    def _reply(self, frame):
        payload = frame.payload
        if frame.kind == ETH_ARP and len(payload) >= 28 and payload[6:8] == b"\0\1" and self._is_at(payload[24:28], frame):
            return frame.answer(payload[:6] + b"\0\2" + HOST_MAC + payload[24:28] + payload[8:18] + bytes(18))
        if frame.kind == ETH_IP and len(payload) >= 28 and payload[9] == 1 and self._is_at(payload[16:20], frame):
            header_bytes, total = (payload[0] & 15) * 4, struct.unpack_from("!H", payload, 2)[0]
            message = payload[header_bytes:total]
            if message[:1] == b"\x08":
                message = b"\0\0\0\0" + message[4:]
                message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
                header = payload[:10] + b"\0\0" + payload[16:20] + payload[12:16]
                header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
                return frame.answer(header + message)
        return None

    def _is_at(self, address, frame):
        """Whether a host with this address lives behind the frame's tags."""
        return self.hosts.get(bytes(address)) == frame.tags

    # ---- the job's questions ----

    def serve(self, running):
        """Answers the lines "wire: …" of a running guest's job, until it ends."""
        done = 0
        while True:
            lines = running.lines()
            for line in lines[done:]:
                match = re.match(r"wire: (\S+) ?(.*)$", line)
                if match:
                    running.send(self._command(running, *match.groups()) + "\n")
            done = len(lines)
            try:
                running.wait_for(r"^wire: |^1\.\.\d+$", timeout_s=running.timeout_s, since=done)
            except guest.GuestError:
                return
            if any(re.match(r"1\.\.\d+$", line) for line in running.lines()[done:]):
                return

    def _command(self, running, word, rest):
        if word == "send":
            for digits in rest.split():
                self.send(bytes.fromhex(digits))
        elif word == "forget":
            with self.lock:
                self.seen.clear()
        elif word == "count":
            source, destination, tags = rest.split()
            with self.lock:
                return str(sum(count for key, count in self.seen.items()
                               if all(want in ("any", have) for want, have in zip((source, destination, tags), key))))
        elif word == "link":
            running.monitor("set_link", name="pf0", up=rest == "up")
        else:
            return "unknown command " + word
        return "ok"
