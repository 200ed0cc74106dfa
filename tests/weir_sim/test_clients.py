# SPDX-License-Identifier: BSD-3-Clause
"""Clients of the functions' sockets: they exchange frames, die, come back, and cannot disturb each other."""

import os
import random
import struct
import time

from bench import PATIENCE_S, Peer, Sim, VfioUser, require_all_back, tap, wait_for

A, B, C, D = ("02:00:00:00:00:0%d" % i for i in range(1, 5))

VENDOR_AND_VF_DEVICE = 0x57461234
COMMAND, BAR0, EXP_DEVICE_CONTROL, ATS_CONTROL, SRIOV_CONTROL, NUM_VFS = 4, 0x10, 0x88, 0x166, 0x188, 0x190
STATUS, GENERATION = 0x48, 0x4c
READY = 1


def state(client):
    """STATUS.STATE as a client reads it."""
    return client.read(VfioUser.BAR0, STATUS) & 15


def wait_ready(client):
    """Wait until the function is READY; returns its generation."""
    wait_for(lambda: state(client) == READY, "READY")
    return client.read(VfioUser.BAR0, GENERATION)


def two_exchange_frames(variant="opt"):
    for ways in ((), ("--shadow",), ("--interrupts",), ("--shadow", "--interrupts")):
        with Sim("--vfs", 2, "--wire", "loopback", variant=variant) as sim:
            with Peer("echo", sim, "vf0", *ways, mac=A) as echo, \
                    Peer("ping", sim, "vf1", "--count", 3000, *ways, mac=B, to=A) as ping:
                require_all_back(ping.finish()[1])
                tap.require(echo.end()[1]["received"] == 3000, "the echo counts other frames")


def pf_and_vf_exchange_frames():
    with Sim("--vfs", 1, "--wire", "loopback") as sim:
        with Peer("echo", sim, "pf0", "--interrupts") as echo, \
                Peer("ping", sim, "vf0", "--interrupts", "--count", 2000, mac=B, to=echo.mac) as ping:
            require_all_back(ping.finish()[1])


def never_sleeping_card_serves_them_too():
    with Sim("--vfs", 2, "--wire", "loopback", "--busy-poll", "--cpu", 0) as sim:
        with Peer("echo", sim, "vf0", "--interrupts", mac=A), \
                Peer("ping", sim, "vf1", "--count", 2000, "--interrupts", mac=B, to=A) as ping:
            require_all_back(ping.finish()[1])
        loop = sim.ask("info")["loop"]
        tap.require(loop["sleeps"] == 0, "it slept: %s" % loop)


def second_one_is_refused():
    with Sim("--vfs", 1) as sim, Peer("hold", sim, "vf0") as holder:
        with Peer("hold", sim, "vf0", wait=False) as second:
            _, errors = second.process.communicate(timeout=PATIENCE_S)
            tap.require(second.process.returncode == 1 and "Device or resource busy" in errors, errors)
        function = sim.function("vf0")
        tap.require(function["client"]["pid"] == holder.process.pid, "the client is %s" % function["client"])
        tap.require(function["clients_refused"] == 1, "clients_refused is %d" % function["clients_refused"])


def they_leave_and_come_back():
    with Sim("--vfs", 2, "--wire", "loopback") as sim, Peer("echo", sim, "vf0", "--interrupts", mac=A):
        for number in range(20):
            generation = sim.function("vf1")["generation"]
            with Peer("ping", sim, "vf1", "--count", 50, "--interrupts", "--flow", number, mac=B, to=A) as ping:
                require_all_back(ping.finish()[1])
            wait_for(lambda: sim.function("vf1")["client"] is None, "end of the client")
            tap.require(sim.function("vf1")["generation"] == generation + 1, "the function was not reset")
        with VfioUser(sim.path("vf1")):
            client = sim.function("vf1")["client"]
            tap.require(client["vectors"] == 0 and client["mappings"] == 0, "it finds what another left: %s" % client)
        iommu = sim.ask("iommu")
        tap.require(iommu["mappings"] == 1 and iommu["fault_count"] == 0, "the echo's mapping is not the only one: %s" % iommu)


def vf_looks_like_a_pci_function():
    with Sim("--vfs", 1) as sim, VfioUser(sim.path("vf0")) as vf:
        tap.require(vf.read(vf.CONFIG, 0) == VENDOR_AND_VF_DEVICE, "ids are %#x" % vf.read(vf.CONFIG, 0))
        for bar, size in ((0, 0x4000), (2, 0x10000), (4, 0x2000)):
            low = BAR0 + 4 * bar
            vf.write(vf.CONFIG, low, 0xffffffff)
            vf.write(vf.CONFIG, low + 4, 0xffffffff)
            value = vf.read(vf.CONFIG, low, 8)
            tap.require(value == 2 ** 64 - size | 0xc, "BAR%d reads %#x while it is sized" % (bar, value))
            vf.write(vf.CONFIG, low, 0x12345678abcd0000, 8)
            vf.write(vf.CONFIG, low + 6, 0x43, 1)
            tap.require(vf.read(vf.CONFIG, low, 8) == 0x12435678abcd000c, "BAR%d reads %#x" % (bar, vf.read(vf.CONFIG, low, 8)))
        vf.write(vf.CONFIG, COMMAND, 6, 2)
        tap.require(vf.read(vf.CONFIG, COMMAND, 2) == 6, "Command reads %#x" % vf.read(vf.CONFIG, COMMAND, 2))
        # Across the seams, in odd pieces: the same bytes.
        whole = vf.read(vf.CONFIG, 0, 64)
        pieces, at = 0, 0
        for count in (3, 1, 5, 7, 2, 13, 8, 11, 14):
            pieces |= vf.read(vf.CONFIG, at, count) << 8 * at
            at += count
        tap.require(at == 64 and pieces == whole, "%#x is not %#x" % (pieces, whole))
        tap.require(sim.ask("config-dump", function="vf0")["data"][:8] == "ffffffff", "the bus sees ids of a VF")
        # A function level reset by configuration space: BARs are forgotten.
        generation = wait_ready(vf)
        control = vf.read(vf.CONFIG, EXP_DEVICE_CONTROL, 2)
        vf.write(vf.CONFIG, EXP_DEVICE_CONTROL, control | 0x8000, 2)
        tap.require(vf.read(vf.CONFIG, BAR0, 8) == 0xc and vf.read(vf.CONFIG, COMMAND, 2) == 0, "FLR leaves BAR0 or Command")
        tap.require(wait_ready(vf) == generation + 1, "the generation is not one more")


def accesses_are_those_of_a_bus():
    with Sim("--vfs", 1) as sim, VfioUser(sim.path("pf0")) as pf, VfioUser(sim.path("vf0")) as vf:
        magic = 0x57454952
        tap.require(vf.read(vf.BAR0, 0) == magic and vf.read(vf.BAR0, 0, 8) == 2 ** 64 - 1, "a register answers to 8 bytes")
        tap.require(vf.read(vf.BAR0, 0, 2) == 0xffff and vf.read(vf.BAR0, 2, 4) == 0xffffffff, "it answers to what is not a dword")
        tap.require(vf.read(vf.BAR0, 0, 16) & 0xffffffff == magic, "16 bytes are not read as four dwords")
        tap.require(vf.read(vf.BAR4, 0, 8) == 0 and vf.read(vf.BAR2, 0) == 0, "BAR4 or BAR2 cannot be read")
        for offset, count in ((0, 3), (1, 12), (0x3ffe, 4), (0x4000, 4)):
            try:
                vf.read(vf.BAR0, offset, count)
                raise AssertionError("%d bytes at %#x are read" % (count, offset))
            except OSError:
                pass
        # The PF's memory is off until its driver enables it: all ones, and writes are lost.
        pf.write(pf.CONFIG, COMMAND, 0, 2)
        tap.require(pf.read(pf.BAR0, 0) == 0xffffffff, "the PF answers with its memory space off")
        pf.write(pf.BAR0, 0x108, 0x1000)
        pf.write(pf.CONFIG, COMMAND, 2, 2)
        tap.require(pf.read(pf.BAR0, 0) == magic and pf.read(pf.BAR0, 0x108) == 0, "the PF does not answer, or took a write")
        tap.require(vf.read(vf.BAR0, 0) == magic, "the VF's memory hangs on the PF's Command")


def device_reset_answers_when_ready(variant="opt"):
    with Sim("--vfs", 1, variant=variant) as sim, VfioUser(sim.path("vf0")) as vf, VfioUser(sim.path("pf0")) as pf:
        generation = wait_ready(vf)
        for number in range(20):
            vf.write(vf.CONFIG, COMMAND, 6, 2)
            vf.reset()
            tap.require(state(vf) == READY, "DEVICE_RESET is answered in state %d" % state(vf))
            tap.require(vf.read(vf.BAR0, GENERATION) == generation + number + 1, "the generation is not one more")
            tap.require(vf.read(vf.CONFIG, COMMAND, 2) == 0, "Command is not reset")
        # The owner's VFs survive a reset of the PF, and so do their clients.
        pf.reset()
        wait_ready(vf)
        tap.require(sim.ask("vfs")["vfs"] == 1 and sim.function("vf0")["client"], "the VF or its client is gone")


def unmapped_memory_is_free_when_the_answer_comes():
    memory = os.memfd_create("memory")
    os.ftruncate(memory, 1 << 21)
    with Sim("--vfs", 1) as sim, VfioUser(sim.path("vf0")) as vf:
        for number in range(50):
            vf.dma_map(0x100000 * number, 0x100000, memory)
        tap.require(sim.function("vf0")["client"]["mapped_bytes"] == 50 << 20, "mapped_bytes: %s" % sim.function("vf0"))
        try:
            vf.dma_map(0x1000, 0x1000, memory)
            raise AssertionError("an overlap is mapped")
        except FileExistsError:
            pass
        # Memory without a descriptor cannot be reached, and is no error (QEMU ends itself if a map is refused).
        vf.dma_map(0x80000000, 0x1000, None)
        vf.dma_unmap(0x80000000, 0x1000)
        for number in range(50):
            vf.dma_unmap(0x100000 * number, 0x100000)
        iommu = sim.ask("iommu")
        tap.require(iommu["mappings"] == 0 and iommu["unmaps"] == 50, str(iommu))
    os.close(memory)


def translation_cache_is_asked_before_memory_is_free(variant="opt"):
    memory = os.memfd_create("memory")
    os.ftruncate(memory, 1 << 20)
    with Sim("--vfs", 2, variant=variant) as sim:
        for way in ("unmap", "leave", "disable"):
            with VfioUser(sim.path("vf0")) as vf:
                vf.write(vf.CONFIG, COMMAND, 6, 2)
                wait_ready(vf)
                # With ATS on, an unmap is an invalidation that the function has to answer.
                vf.write(vf.CONFIG, ATS_CONTROL, 0x8000, 2)
                for number in range(40):
                    vf.dma_map(0x100000 * number, 0x100000, memory)
                for number in range(40 if way == "unmap" else 20):
                    vf.dma_unmap(0x100000 * number, 0x100000)
                if way == "disable":
                    sim.ask("vfs", count=0)
                    tap.require(vf.is_hung_up(), "the client of a VF that is no more stays")
                    sim.ask("vfs", count=2)
            wait_for(lambda: sim.ask("iommu")["mappings"] == 0 and sim.function("vf0")["client"] is None, "end of the client")
        with VfioUser(sim.path("vf0")) as vf:
            vf.dma_map(0, 0x100000, memory)
    os.close(memory)


def start_admin_queue(client, submission, completion):
    """Rings of 8 and 64 entries at these addresses, and vector 0."""
    client.write(client.CONFIG, COMMAND, 6, 2)
    wait_ready(client)
    for offset, value in ((0x108, submission), (0x110, completion), (0x118, 3 | 6 << 8), (0x11c, 1)):
        client.write(client.BAR0, offset, value)


def interrupt_that_waited_comes_with_its_eventfd():
    memory, event = os.memfd_create("memory"), os.eventfd(0, os.EFD_NONBLOCK)
    os.ftruncate(memory, 1 << 16)
    with Sim("--vfs", 1) as sim, VfioUser(sim.path("vf0")) as vf:
        vf.dma_map(0x100000, 1 << 16, memory)
        start_admin_queue(vf, 0x100000, 0x101000)
        # The link's state is the first entry, and whoever asks for an interrupt now is owed one.
        wait_for(lambda: os.pread(memory, 32, 0x1000)[28] & 1, "first entry")
        vf.write(vf.BAR0, 0x128, 0)  # ADMIN_CQ_HEAD
        wait_for(lambda: vf.read(vf.BAR4, 0x1000) & 1, "pending bit of vector 0")
        vf.set_eventfd(0, event)
        tap.require(os.eventfd_read(event) == 1, "not one interrupt")
        tap.require(vf.read(vf.BAR4, 0x1000) == 0, "it is still pending")
        tap.require(sim.function("vf0")["interrupts"] == 1, str(sim.function("vf0")))
    os.close(event)
    os.close(memory)


def dma_outside_of_its_memory_is_stopped_and_told():
    with Sim("--vfs", 2, "--wire", "loopback") as sim, VfioUser(sim.path("vf0")) as vf:
        start_admin_queue(vf, 0xdead0000, 0xbeef0000)
        vf.write(vf.BAR0, 0x124, 1)  # ADMIN_SQ_TAIL
        fault = wait_for(lambda: sim.ask("iommu")["faults"], "fault")[0]
        tap.require(fault["name"] == "vf0" and fault["reason"] == "unmapped", str(fault))
        tap.require(int(fault["address"], 16) >> 16 in (0xdead, 0xbeef), str(fault))


CLIENTS = (two_exchange_frames, pf_and_vf_exchange_frames, never_sleeping_card_serves_them_too, second_one_is_refused,
           they_leave_and_come_back, vf_looks_like_a_pci_function, accesses_are_those_of_a_bus, device_reset_answers_when_ready,
           unmapped_memory_is_free_when_the_answer_comes, translation_cache_is_asked_before_memory_is_free,
           interrupt_that_waited_comes_with_its_eventfd, dma_outside_of_its_memory_is_stopped_and_told)


# --- kill ---------------------------------------------------------------------------------------------------------------


def at_any_moment_disturbs_nobody(variant="opt"):
    rounds = 100 if variant == "opt" else 25
    chance = random.Random(57)
    with Sim("--vfs", 4, "--wire", "loopback", variant=variant) as sim:
        with Peer("echo", sim, "vf0", "--interrupts", mac=A), Peer("ping", sim, "vf1", "--interrupts", "--count", 0, mac=B, to=A) as ping:
            for number in range(rounds):
                ways = ("--connect-s", 5) + (("--shadow",) if number % 2 else ())
                one = Peer("flood", sim, "vf2", *ways, mac=C, to=D, wait=False)
                other = Peer("flood", sim, "vf3", *ways, mac=D, to=C, wait=False)
                with one, other:
                    time.sleep(chance.random() * 0.05)
                    for victim in chance.sample((one, other), 2):
                        victim.kill()
            require_all_back(ping.end()[1])
        for name in ("vf2", "vf3"):
            function = sim.function(name)
            tap.require(function["clients_connected"] > rounds / 4, "%s was killed before it came: %s" % (name, function))
        # Who comes now finds a function like any other.
        with Peer("echo", sim, "vf2", "--connect-s", 5, mac=C), Peer("ping", sim, "vf3", "--connect-s", 5, "--count", 500, mac=D, to=C) as ping:
            require_all_back(ping.finish()[1])
        # The one mapping left is of the echo above, if it has not been noticed yet that it is gone.
        wait_for(lambda: sim.ask("iommu")["mappings"] == 0, "end of all mappings")


def memory_truncated_by_its_owner(variant="opt"):
    with Sim("--vfs", 4, "--wire", "loopback", variant=variant) as sim:
        with Peer("echo", sim, "vf0", "--interrupts", mac=A), Peer("ping", sim, "vf1", "--interrupts", "--count", 0, mac=B, to=A) as ping:
            for ways in (("--shadow",), (), ("--shadow", "--interrupts")):
                with Peer("truncate", sim, "vf2", "--unsealed", "--connect-s", 5, *ways, mac=C, to=D, wait=False) as bad:
                    output, errors = bad.process.communicate(timeout=PATIENCE_S)
                    tap.require(bad.process.returncode == 0 and "hung up on" in output, "%s%s" % (output, errors))
            require_all_back(ping.end()[1])
        tap.require("the client has truncated memory it had mapped" in sim.log(), "no word in the log")
        with Peer("hold", sim, "vf2", "--connect-s", 5, mac=C):
            tap.require(sim.function("vf2")["client"], "the function is not given to the next client")


def daemon_killed_and_started_again():
    with Sim("--vfs", 2, "--wire", "loopback") as sim:
        with Peer("echo", sim, "vf0", "--interrupts", mac=A) as echo, \
                Peer("ping", sim, "vf1", "--interrupts", "--count", 0, mac=B, to=A) as ping:
            time.sleep(0.1)
            sim.kill()
            for client in (echo, ping):
                _, errors = client.process.communicate(timeout=PATIENCE_S)
                tap.require(client.process.returncode == 1, "a client ends with %d: %s" % (client.process.returncode, errors))
        with Sim("--vfs", 2, "--wire", "loopback", folder=sim.folder) as again:
            with Peer("echo", again, "vf0", mac=A), Peer("ping", again, "vf1", "--count", 500, mac=B, to=A) as ping:
                require_all_back(ping.finish()[1])


def client_that_stops_reading_is_hung_up_on():
    with Sim("--vfs", 2, "--wire", "loopback") as sim, VfioUser(sim.path("vf0")) as vf:
        before = sim.resident_kib()
        message = struct.pack("<HHIII", 1, vf.REGION_READ, 32, 0, 0) + struct.pack("<QII", 0, vf.CONFIG, 4096)
        vf.socket.settimeout(2)
        try:
            for _ in range(20000):
                vf.socket.sendall(message * 16)
            raise AssertionError("320000 answers were not read, and it goes on")
        except (BrokenPipeError, ConnectionResetError):
            pass
        wait_for(lambda: sim.function("vf0")["client"] is None, "end of the client")
        tap.require(sim.resident_kib() - before < 16384, "it grew by %d KiB" % (sim.resident_kib() - before))
        tap.require("slow reader" in sim.log(), "no word in the log")


KILL = (at_any_moment_disturbs_nobody, memory_truncated_by_its_owner, daemon_killed_and_started_again,
        client_that_stops_reading_is_hung_up_on)


# --- who decides which VFs there are ----------------------------------------------------------------------------------


def owner_enables_and_disables_vfs():
    with Sim("--total-vfs", 8) as sim:
        tap.require(sim.sockets() == ["control.sock", "pf0.sock"], str(sim.sockets()))
        for count in (3, 8, 1, 0, 5):
            tap.require(sim.ask("vfs", count=count)["vfs"] == count, "not %d VFs" % count)
            tap.require(len(sim.sockets()) == 2 + count, "%d VFs: %s" % (count, sim.sockets()))
        with VfioUser(sim.path("vf0")) as first, VfioUser(sim.path("vf4")) as last:
            generation = wait_ready(last)
            sim.ask("vfs", count=0)
            tap.require(first.is_hung_up() and last.is_hung_up(), "clients of VFs that are no more stay")
        sim.ask("vfs", count=5)
        with VfioUser(sim.path("vf4")) as last:
            tap.require(wait_ready(last) > generation, "the generation went back")
        answer = sim.control().ask("vfs", count=9)
        tap.require(not answer["ok"] and "0 to 8" in answer["error"], str(answer))


def pf_client_enables_and_disables_vfs(variant="opt"):
    with Sim("--total-vfs", 4, variant=variant) as sim:
        with VfioUser(sim.path("pf0")) as pf:
            pf.write(pf.CONFIG, COMMAND, 6, 2)
            pf.write(pf.CONFIG, NUM_VFS, 3, 2)
            pf.write(pf.CONFIG, SRIOV_CONTROL, 9, 2)
            # When the write is answered the sockets are there.
            tap.require("vf2.sock" in sim.sockets() and "vf3.sock" not in sim.sockets(), str(sim.sockets()))
            with VfioUser(sim.path("vf2")) as vf:
                wait_ready(vf)
                answer = sim.control().ask("vfs", count=1)
                tap.require(not answer["ok"] and "the PF's client has enabled 3 VFs" in answer["error"], str(answer))
                pf.write(pf.CONFIG, SRIOV_CONTROL, 0, 2)
                tap.require(vf.is_hung_up(), "a client of a VF that is no more stays")
            tap.require(sim.sockets() == ["control.sock", "pf0.sock"], str(sim.sockets()))
            pf.write(pf.CONFIG, SRIOV_CONTROL, 9, 2)
            with VfioUser(sim.path("vf0")) as vf:
                wait_ready(vf)
                # A reset of the PF takes its VFs away.
                pf.reset()
                tap.require(vf.is_hung_up() and pf.read(pf.CONFIG, SRIOV_CONTROL, 2) == 0, "VFs survive a reset of their PF")
            pf.write(pf.CONFIG, COMMAND, 6, 2)
            pf.write(pf.CONFIG, NUM_VFS, 2, 2)
            pf.write(pf.CONFIG, SRIOV_CONTROL, 9, 2)
        # And they go with the client that enabled them.
        wait_for(lambda: sim.sockets() == ["control.sock", "pf0.sock"], "end of the VFs")
        tap.require(sim.ask("vfs", count=1)["vfs"] == 1, "the owner cannot enable VFs afterwards")


def pf_that_leaves_keeps_the_owners_vfs(variant="opt"):
    with Sim("--vfs", 2, "--wire", "loopback", variant=variant) as sim, VfioUser(sim.path("vf0")) as vf:
        mac = bytes.fromhex("020000000042")
        tap.require(sim.admin("vf_set", (1, struct.pack("<H", 1)), (12, mac))[0] == "ok", "VF_SET fails")
        for way in ("kill", "leave", "sleep"):
            generation = wait_ready(vf)
            if way == "kill":
                with Peer("flood", sim, "pf0", to=A) as pf:
                    time.sleep(0.02)
                    pf.kill()
            elif way == "leave":
                with Peer("hold", sim, "pf0") as pf:
                    pf.end()
            else:
                with VfioUser(sim.path("pf0")) as pf:
                    pf.write(pf.CONFIG, 0x44, 3, 2)  # D3hot
                    pf.write(pf.CONFIG, SRIOV_CONTROL, 1, 2)  # VF MSE off
                    tap.require(vf.read(vf.BAR0, 0) == 0xffffffff, "a VF answers while its PF sleeps")
            wait_for(lambda: sim.function("pf0")["client"] is None, "end of the PF's client")
            wait_for(lambda: vf.read(vf.BAR0, GENERATION) == generation + 1, "one reset of the VF (PF: %s)" % way)
            wait_ready(vf)
            tap.require(sim.function("vf0")["client"] and sim.ask("vfs")["vfs"] == 2, "PF: %s: the VF or its client is gone" % way)
            tap.require(sim.admin("vf_get", (1, struct.pack("<H", 1)))[1][12] == mac, "PF: %s: the VF's MAC is forgotten" % way)
        with Peer("echo", sim, "pf0", "--interrupts") as echo, Peer("ping", sim, "vf1", "--count", 300, mac=B, to=echo.mac) as ping:
            require_all_back(ping.finish()[1])


def owners_vfs_come_back_after_a_reset_of_the_pf():
    with Sim("--vfs", 3) as sim, VfioUser(sim.path("pf0")) as pf, VfioUser(sim.path("vf2")) as vf:
        generation = wait_ready(vf)
        pf.write(pf.CONFIG, EXP_DEVICE_CONTROL, 0x8000, 2)
        tap.require(wait_ready(vf) > generation, "the VF was not reset")
        tap.require(len(sim.sockets()) == 5 and sim.function("vf2")["client"], "a VF or its client is gone: %s" % sim.sockets())
        # Until the PF's client takes over.
        pf.write(pf.CONFIG, SRIOV_CONTROL, 0, 2)
        tap.require(sim.sockets() == ["control.sock", "pf0.sock"] and vf.is_hung_up(), "VFs stay though VF Enable was cleared")
        pf.write(pf.CONFIG, EXP_DEVICE_CONTROL, 0x8000, 2)
        tap.require(sim.sockets() == ["control.sock", "pf0.sock"], "VFs come back though the PF's client has cleared VF Enable")
        pf.socket.close()
        wait_for(lambda: len(sim.sockets()) == 5, "return of the owner's VFs")


PF = (owner_enables_and_disables_vfs, pf_client_enables_and_disables_vfs, pf_that_leaves_keeps_the_owners_vfs,
      owners_vfs_come_back_after_a_reset_of_the_pf)
