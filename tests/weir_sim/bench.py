# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of weir-sim are made of: a daemon in a folder, its management socket, client processes, a bare vfio-user client."""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "lib"))
import tap  # noqa: E402

BUILD = TOP / os.environ.get("BUILD", "build")
PEER = BUILD / "opt" / "bin" / "weir-sim-peer"
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:")

# Longest waits; a machine of CI may be slow, and nothing here is a measurement.
PATIENCE_S = 30


def program(variant="opt"):
    """The daemon of a build variant."""
    return str(BUILD / variant / "bin" / "weir-sim")


def wait_for(condition, what, timeout_s=PATIENCE_S):
    """Wait until condition() is true; returns what it returned."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        tap.require(time.monotonic() < deadline, "in %d s there was no %s" % (timeout_s, what))
        time.sleep(0.01)


class Control:
    """A connection to the management socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(path))
        self.data = b""

    def send(self, data):
        """Raw bytes."""
        self.socket.sendall(data)

    def line(self):
        """The next line as an object; None at the end."""
        while b"\n" not in self.data:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self.data += piece
        line, self.data = self.data.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, **members):
        """One request; its answer, whatever it is."""
        members["command"] = command
        self.send(json.dumps(members).encode() + b"\n")
        return self.line()

    def close(self):
        """Hang up."""
        self.socket.close()


class Sim:
    """A daemon in a folder of its own; use it with `with`: at the end it must leave cleanly, unless it was killed."""

    def __init__(self, *arguments, variant="opt", folder=None, prefix=()):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="weir-sim-"))
        self.own_folder = folder is None
        self.log_path = self.folder / "stderr"
        self.command = list(prefix) + [program(variant), "--dir", str(self.folder)] + [str(a) for a in arguments]
        self.killed = False
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        try:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
            line = self.process.stdout.readline() if ready else b""
            tap.require(line == b"ready\n", "it does not say \"ready\": %r\n%s" % (line, self.log()))
        except BaseException:
            self.process.kill()
            self.__exit__(None, None, None)
            raise
        self.kept = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        try:
            if kind is not None and not self.killed and self.has_ended():
                print("# the daemon had ended with %d:" % self.process.returncode)
                print("".join("#   %s\n" % line for line in self.log().splitlines()[-40:]), end="")
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
                try:
                    self.process.wait(PATIENCE_S)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
            self.process.stdout.close()
            if kind is None and not self.killed:
                self.require_clean_end()
        finally:
            if self.own_folder:
                shutil.rmtree(self.folder)

    def has_ended(self):
        """Whether it has ended by itself, or is about to."""
        try:
            self.process.wait(0.5)
            return True
        except subprocess.TimeoutExpired:
            return False

    def require_clean_end(self):
        """It ended with 0, no sanitizer complained, and its sockets are gone."""
        tap.require(self.process.returncode == 0, "it ended with %s\n%s" % (self.process.returncode, self.log()))
        tap.require(not SANITIZER.search(self.log()), "a sanitizer complains\n" + self.log())
        tap.require(not self.sockets(), "sockets are left: %s" % self.sockets())

    def kill(self):
        """kill -9."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def log(self):
        """What it has logged."""
        return self.log_path.read_text(errors="replace")

    def sockets(self):
        """Names of the sockets in its folder, sorted."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_socket())

    def path(self, name):
        """The socket of a function."""
        return str(self.folder / (name + ".sock"))

    def control(self):
        """A new connection to its management socket."""
        return Control(self.folder / "control.sock")

    def ask(self, command, **members):
        """One request over a connection that is kept; the answer must not be an error."""
        if not self.kept:
            self.kept = self.control()
        answer = self.kept.ask(command, **members)
        tap.require(answer and answer["ok"], "%s %s: %s" % (command, members, answer))
        return answer

    def function(self, name):
        """What the management socket tells of one function."""
        return self.ask("functions", function=name)["functions"][0]

    def admin(self, opcode, *attributes):
        """An admin command of the owner; returns (status name, {attribute id: bytes})."""
        request = b"".join(struct.pack("<HH", kind | 0x8000, len(value)) + value + bytes(-len(value) % 4)
                           for kind, value in attributes)
        answer = self.ask("admin", opcode=opcode, request=request.hex())
        data, at, values = bytes.fromhex(answer["response"]), 0, {}
        while at < len(data):
            kind, length = struct.unpack_from("<HH", data, at)
            values[kind] = data[at + 4:at + 4 + length]
            at += 4 + (length + 3) // 4 * 4
        return answer["status_name"], values

    def processor_s(self):
        """Processor time of all its threads."""
        total = 0
        for path in pathlib.Path("/proc/%d/task" % self.process.pid).glob("*/schedstat"):
            total += int(path.read_text().split()[0])
        return total * 1e-9

    def resident_kib(self):
        """Its resident memory."""
        status = pathlib.Path("/proc/%d/status" % self.process.pid).read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


class Peer:
    """A client process (peer.c); use it with `with`: it is killed at the end if it still runs."""

    def __init__(self, mode, sim, function, *arguments, mac=None, to=None, wait=True, stdin=None):
        command = [str(PEER), mode, "--socket", sim.path(function)] + [str(a) for a in arguments]
        command += ["--mac", mac] if mac else []
        command += ["--to", to] if to else []
        self.process = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.mac = None
        if wait:
            line = self.process.stdout.readline()
            if not line.startswith("up "):
                self.process.wait(PATIENCE_S)
                raise AssertionError("%s at %s: %s%s" % (mode, function, line, self.process.stderr.read()))
            self.mac = line.split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.stdout.close()
        self.process.stderr.close()

    def kill(self):
        """kill -9, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def finish(self):
        """Wait for its end; returns what it wrote, and its counters. It must have ended well."""
        output, errors = self.process.communicate(timeout=PATIENCE_S)
        tap.require(self.process.returncode == 0, "a client ended with %d: %s" % (self.process.returncode, errors.strip()))
        return output, json.loads(output.splitlines()[-1])

    def end(self):
        """SIGTERM, then as finish()."""
        self.process.send_signal(signal.SIGTERM)
        return self.finish()


def require_all_back(counters):
    """Of a ping's counters: every frame came back, whole and in order."""
    tap.require(counters["sent"] > 0 and counters["received"] == counters["sent"], "frames are lost: %s" % counters)
    tap.require(counters["gaps"] == 0 and counters["bad"] == 0, "frames are damaged or out of order: %s" % counters)


class VfioUser:
    """A bare client of a function's socket, message by message."""

    BAR0, BAR2, BAR4, CONFIG = 0, 2, 4, 7
    VERSION, DMA_MAP, DMA_UNMAP, SET_IRQS, REGION_READ, REGION_WRITE, DEVICE_RESET = 1, 2, 3, 8, 9, 10, 13

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(path)
        self.number = 0
        self.call(self.VERSION, struct.pack("<HH", 0, 1) + b'{"capabilities":{}}\0')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self, count):
        """Exactly count bytes; ConnectionError at the end of the stream."""
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the server hung up")
            data += piece
        return data

    def call(self, command, payload=b"", fds=()):
        """A command and its reply's payload; OSError if the reply is an error."""
        self.number = (self.number + 1) & 0xffff
        message = struct.pack("<HHIII", self.number, command, 16 + len(payload), 0, 0) + payload
        socket.send_fds(self.socket, [message], list(fds))
        number, echoed, size, flags, error = struct.unpack("<HHIII", self.receive(16))
        data = self.receive(size - 16)
        tap.require(number == self.number and echoed == command, "a reply to something else")
        if flags & 0x20:
            raise OSError(error, os.strerror(error))
        return data

    def read(self, region, offset, count=4):
        """A region read, as a number."""
        data = self.call(self.REGION_READ, struct.pack("<QII", offset, region, count))
        return int.from_bytes(data[16:], "little")

    def write(self, region, offset, value, count=4):
        """A region write."""
        self.call(self.REGION_WRITE, struct.pack("<QII", offset, region, count) + value.to_bytes(count, "little"))

    def dma_map(self, iova, count, fd):
        """Memory of a descriptor, from its start, for reading and writing."""
        self.call(self.DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, iova, count), [fd] if fd is not None else [])

    def dma_unmap(self, iova, count):
        """Takes it back."""
        self.call(self.DMA_UNMAP, struct.pack("<IIQQ", 24, 0, iova, count))

    def set_eventfd(self, vector, fd):
        """The eventfd of an MSI-X vector."""
        self.call(self.SET_IRQS, struct.pack("<IIIII", 20, 0x24, 2, vector, 1), [fd])

    def reset(self):
        """DEVICE_RESET."""
        self.call(self.DEVICE_RESET)

    def is_hung_up(self):
        """Whether the server has hung up; waits a little for it."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
