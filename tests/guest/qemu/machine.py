# SPDX-License-Identifier: BSD-3-Clause
"""QEMU with a Weir in it and no processor that runs: the test is the host's software. It reads and writes configuration space, BARs and
memory through QEMU's qtest socket, and plugs and resets by QMP.

    with Machine() as machine:
        pf = machine.pf
        machine.enable_vfs(4)
        state = machine.vf(0).register(STATUS)
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "tests" / "lib"), str(TOP / "tests" / "weir_sim")]
import bench  # noqa: E402
import tap  # noqa: E402

BUILD = bench.BUILD
PATIENCE_S = bench.PATIENCE_S
SANITIZER = re.compile(r"ERROR: AddressSanitizer|runtime error:")
# What is said of a Weir that has no cable, as most here have, and by QEMU of any NIC without one.
NO_CABLE = ("the wire port has no cable in it", "warning: nic pf0 has no peer")

ECAM, ECAM_CONTROL = 0xb0000000, 0x60
MEMORY_BYTES = 256 << 20
PORT_SLOT = 4
PREFETCHABLE, WINDOW_BYTES = 0x800000000, 64 << 20
BARS = {0: 0x0, 2: 0x100000, 4: 0x200000}
VF_BARS = {0: 0x1000000, 2: 0x2000000, 4: 0x3000000}
VF_BAR_BYTES = {0: 0x4000, 2: 0x10000, 4: 0x2000}

COMMAND, DEVICE_CONTROL, PM_CONTROL, ATS_CONTROL, MSIX_CONTROL = 0x4, 0x88, 0x44, 0x166, 0x72
SRIOV_CONTROL, TOTAL_VFS, NUM_VFS, VF_BAR0 = 0x188, 0x18e, 0x190, 0x1a4
MEMORY, MASTER = 2, 4
VF_ENABLE, VF_MEMORY = 1, 8
INITIATE_FLR = 0x8000
MAGIC, MAGIC_VALUE, STATUS, GENERATION, READY = 0x0, 0x57454952, 0x48, 0x4c, 1
ALL_ONES = 0xffffffff


def preload(variant="opt"):
    """LD_PRELOAD for a variant of the card."""
    card = BUILD / variant / "lib" / "weir-qemu.so"
    tap.require(card.exists(), "no %s: make" % card)
    if variant != "asan":
        return [str(card)]
    runtimes = [subprocess.run(["gcc", "-print-file-name=" + name], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
                for name in ("libasan.so", "libubsan.so")]
    return runtimes + [str(card)]


def qemu_command(*arguments):
    """Stock QEMU, stopped in its tracks, with these devices."""
    return [shutil.which("qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35",
            # Hot-plug by the root port, as on a server, not by ACPI
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off", "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
            "-accel", "tcg", "-S", "-m", "%dM" % (MEMORY_BYTES >> 20)] + list(arguments)


def environment(variant="opt", **more):
    """For QEMU with the card."""
    variables = dict(os.environ, LD_PRELOAD=":".join(preload(variant)), **more)
    # QEMU frees nothing when it ends, and its coroutines change stacks behind the sanitizer's back.
    variables["ASAN_OPTIONS"] = "detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1"
    return variables


PORT = "pcie-root-port,id=rp0,chassis=1,slot=1,addr=%d.0" % PORT_SLOT
SHARED_MEMORY = ["-object", "memory-backend-memfd,id=ram0,size=%dM,share=on" % (MEMORY_BYTES >> 20),
                 "-machine", "memory-backend=ram0"]


def refusal(*arguments, variant="opt", **more):
    """What QEMU says when it must not start with these arguments."""
    done = subprocess.run(qemu_command(*arguments), env=environment(variant, **more), stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    tap.require(done.returncode == 1, "QEMU's exit status is %s: %s" % (done.returncode, done.stdout))
    return done.stdout


class Function:
    """A PCI function behind the root port."""

    def __init__(self, machine, devfn, bars):
        self.machine, self.devfn, self.bars = machine, devfn, bars

    def read(self, offset, size=4):
        """Configuration space."""
        return self.machine.config_read(1, self.devfn, offset, size)

    def write(self, offset, value, size=4):
        """Configuration space."""
        self.machine.config_write(1, self.devfn, offset, value, size)

    def space(self):
        """All of configuration space, as bytes."""
        return self.machine.memory_read(self.machine.config_address(1, self.devfn), 4096)

    def bar_read(self, bar, offset, size=4):
        """In a BAR."""
        return self.machine.load(self.bars[bar] + offset, size)

    def bar_write(self, bar, offset, value, size=4):
        """In a BAR."""
        self.machine.store(self.bars[bar] + offset, value, size)

    def register(self, offset):
        """A register of BAR0."""
        return self.bar_read(0, offset)

    def answers(self):
        """Something decodes at BAR0 and is a Weir. (Where nobody answers a load in QEMU gives zero.)"""
        return self.register(MAGIC) == MAGIC_VALUE

    def is_ready(self):
        """STATUS says READY."""
        return self.register(STATUS) & 15 == READY and self.register(STATUS) != ALL_ONES

    def wait_ready(self):
        """Wait until the function is READY; returns its generation."""
        bench.wait_for(self.is_ready, "READY of function %d" % self.devfn)
        return self.register(GENERATION)

    def start_flr(self):
        """Write Initiate FLR."""
        self.write(DEVICE_CONTROL, self.read(DEVICE_CONTROL, 2) | INITIATE_FLR, 2)


class Machine:
    """A running QEMU. device: the arguments of -device weir behind bus=, None for an empty slot."""

    def __init__(self, device="", variant="asan", before=(), after=(), iommu=None, expect=NO_CABLE):
        self.folder = tempfile.mkdtemp(prefix="weir-qemu-")
        self.log_path = os.path.join(self.folder, "log")
        self.expect = list(expect)
        self.data = b""
        ends = [socket.socketpair() for _ in range(2)]
        self.qtest, self.qmp_stream = ends[0][0], ends[1][0].makefile("rwb", buffering=0)
        for ours, _ in ends:
            ours.settimeout(PATIENCE_S)
        arguments = list(before)
        if iommu is not None:
            arguments += ["-device", "intel-iommu" + iommu]
        arguments += ["-device", PORT]
        if device is not None:
            arguments += ["-device", "weir,bus=rp0,id=pf0,romfile=" + device]
        for name, (_, theirs) in zip(("qtest", "qmp"), ends):
            arguments += ["-chardev", "socket,id=%s,fd=%d" % (name, theirs.fileno())]
        arguments += ["-qtest", "chardev:qtest", "-qtest-log", "none", "-mon", "chardev=qmp,mode=control"]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(qemu_command(*arguments, *after), env=environment(variant), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, pass_fds=[theirs.fileno() for _, theirs in ends])
        for _, theirs in ends:
            theirs.close()
        try:
            self.events = []
            self._qmp_line()
            self.qmp("qmp_capabilities")
            self.command("endianness")
        except BaseException:
            self._end()
            print("# " + self.log().replace("\n", "\n# "))
            raise
        self.prepare()
        self.pf = Function(self, 0, {bar: PREFETCHABLE + offset for bar, offset in BARS.items()})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        was_alive = self.process.poll() is None
        if was_alive and kind is None:
            try:
                self.qmp("quit")
                self.process.wait(PATIENCE_S)
            except (OSError, subprocess.TimeoutExpired, ValueError):
                pass
        self._end()
        log = self.log()
        shutil.rmtree(self.folder)
        if kind is not None:
            print("# QEMU says:\n#   " + log.replace("\n", "\n#   "))
            return
        tap.require(not SANITIZER.search(log), "a sanitizer complains\n" + log)
        tap.require(self.process.returncode in (0, -signal.SIGKILL), "QEMU ended with %s\n%s" % (self.process.returncode, log))
        expect = self.expect + ["WARNING: ASan ", "False positive error reports", "github.com/google/sanitizers"]
        unexpected = [line for line in log.splitlines() if line.strip() and not any(text in line for text in expect)]
        tap.require(not unexpected, "QEMU says: " + "; ".join(unexpected))

    def _end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.qtest.close()
        self.qmp_stream.close()

    def log(self):
        """What QEMU printed so far."""
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def is_alive(self):
        """QEMU runs."""
        return self.process.poll() is None

    # ---- QMP ----

    def _qmp_line(self):
        line = self.qmp_stream.readline()
        if not line:
            raise OSError("QEMU's monitor has ended")
        return json.loads(line)

    def qmp(self, command, **arguments):
        """A monitor command; its answer. KeyError with QEMU's text if it is refused."""
        request = {"execute": command, "arguments": {name.replace("_", "-"): value for name, value in arguments.items()}}
        self.qmp_stream.write(json.dumps(request).encode() + b"\n")
        while True:
            answer = self._qmp_line()
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise KeyError(answer["error"]["desc"])
            else:
                return answer["return"]

    def wait_event(self, name, **data):
        """Wait for a monitor event with this data."""
        def came():
            self.qmp("query-status")  # takes in what waits
            return any(event["event"] == name and data.items() <= event.get("data", {}).items() for event in self.events)

        bench.wait_for(came, "event " + name)
        self.events = []

    # ---- qtest ----

    def command(self, text):
        """One line to qtest; what follows OK in its answer."""
        return self.commands([text])[0]

    def commands(self, texts):
        """Several lines at once, as many as sockets hold; what follows OK in each answer."""
        self.qtest.sendall("".join(text + "\n" for text in texts).encode())
        answers = []
        for text in texts:
            while b"\n" not in self.data:
                piece = self.qtest.recv(1 << 20)
                if not piece:
                    raise OSError("QEMU has ended")
                self.data += piece
            line, self.data = self.data.split(b"\n", 1)
            words = line.decode().split()
            tap.require(words[0] == "OK", "qtest answers %s to %s" % (line, text))
            answers.append(words[1:])
        return answers

    def load(self, address, size=4):
        """A load as a processor does it, 1 to 8 bytes."""
        return int(self.command("read%s %#x" % ({1: "b", 2: "w", 4: "l", 8: "q"}[size], address))[0], 16)

    def store(self, address, value, size=4):
        """A store."""
        self.command("write%s %#x %#x" % ({1: "b", 2: "w", 4: "l", 8: "q"}[size], address, value))

    def memory_read(self, address, count):
        """Bytes of memory."""
        return bytes.fromhex(self.command("read %#x %#x" % (address, count))[0][2:])

    def memory_write(self, address, data):
        """Bytes of memory."""
        self.command("write %#x %#x 0x%s" % (address, len(data), data.hex()))

    @staticmethod
    def config_address(bus, devfn):
        """Where a function's configuration space lies, in the window that prepare() opened."""
        return ECAM + (bus << 20) + (devfn << 12)

    def config_read(self, bus, devfn, offset, size=4):
        """Configuration space."""
        return self.load(self.config_address(bus, devfn) + offset, size)

    def config_write(self, bus, devfn, offset, value, size=4):
        """Configuration space."""
        self.store(self.config_address(bus, devfn) + offset, value, size)

    # ---- what firmware and kernel would do ----

    def prepare(self):
        """After power-on or a reset: the ECAM window, the root port's bus number and memory window."""
        self.command("outl 0xcf8 %#x" % (0x80000000 | ECAM_CONTROL))
        self.command("outl 0xcfc %#x" % (ECAM | 1))
        port = PORT_SLOT << 3
        self.config_write(0, port, 0x18, 0x010100)
        limit = PREFETCHABLE + WINDOW_BYTES - 1
        self.config_write(0, port, 0x24, (PREFETCHABLE >> 16) & 0xfff0 | ((limit >> 16) & 0xfff0) << 16)
        self.config_write(0, port, 0x28, PREFETCHABLE >> 32)
        self.config_write(0, port, 0x2c, limit >> 32)
        self.config_write(0, port, COMMAND, MEMORY | MASTER, 2)

    def place(self, function, command=MEMORY | MASTER):
        """Set a function's own BARs and Command."""
        for bar, address in function.bars.items():
            function.write(0x10 + 4 * bar, address & ALL_ONES)
            function.write(0x14 + 4 * bar, address >> 32)
        function.write(COMMAND, command, 2)

    def start(self):
        """Place the PF's BARs and wait until it is READY; returns its generation."""
        self.place(self.pf)
        return self.pf.wait_ready()

    def start_again(self):
        """Place the PF's BARs, and wait until it is READY unless it sleeps."""
        self.place(self.pf)
        if self.pf.read(PM_CONTROL, 2) & 3 == 0:
            self.pf.wait_ready()

    def vf(self, number):
        """A VF, there or not."""
        return Function(self, 1 + number,
                        {bar: PREFETCHABLE + offset + number * VF_BAR_BYTES[bar] for bar, offset in VF_BARS.items()})

    def enable_vfs(self, count, control=VF_ENABLE | VF_MEMORY, command=MASTER):
        """Place the VF BARs and set VF Enable; returns the VFs, their Command written."""
        for bar, offset in VF_BARS.items():
            self.pf.write(VF_BAR0 + 4 * bar, (PREFETCHABLE + offset) & ALL_ONES)
            self.pf.write(VF_BAR0 + 4 + 4 * bar, (PREFETCHABLE + offset) >> 32)
        self.pf.write(NUM_VFS, count, 2)
        self.pf.write(SRIOV_CONTROL, control, 2)
        vfs = [self.vf(number) for number in range(count)]
        for vf in vfs:
            if command:
                vf.write(COMMAND, command, 2)
        return vfs

    def hot_reset(self):
        """Secondary Bus Reset of the root port."""
        port = PORT_SLOT << 3
        control = self.config_read(0, port, 0x3e, 2)
        self.config_write(0, port, 0x3e, control | 0x40, 2)
        self.config_write(0, port, 0x3e, control & ~0x40, 2)

    def system_reset(self):
        """The machine's reset button; configuration is prepared anew."""
        self.qmp("system_reset")
        self.wait_event("RESET")
        self.prepare()

    def unplug(self):
        """device_del, answered as a guest's hot-plug driver does: power and indicator off."""
        slot_control = self._slot_control()
        self.qmp("device_del", id="pf0")
        self.config_write(0, PORT_SLOT << 3, slot_control, 0x700, 2)
        self.wait_event("DEVICE_DELETED", device="pf0")
        self.config_write(0, PORT_SLOT << 3, slot_control + 2, 0x1f, 2)

    def plug(self, **options):
        """device_add of a Weir, answered likewise; its BARs are not placed."""
        self.qmp("device_add", **dict({"driver": "weir", "bus": "rp0", "id": "pf0", "romfile": ""}, **options))
        self.config_write(0, PORT_SLOT << 3, self._slot_control(), 0x100, 2)
        self.prepare()

    def _slot_control(self):
        return self._capability(PORT_SLOT << 3, 0x10) + 0x18

    def _capability(self, devfn, wanted):
        at = self.config_read(0, devfn, 0x34, 1)
        while at:
            if self.config_read(0, devfn, at, 1) == wanted:
                return at
            at = self.config_read(0, devfn, at + 1, 1)
        raise AssertionError("function %#x has no capability %#x" % (devfn, wanted))


def sleep_ms(milliseconds):
    """For what must not happen."""
    time.sleep(milliseconds / 1000)
