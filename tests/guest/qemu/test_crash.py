# SPDX-License-Identifier: BSD-3-Clause
"""Who shares a running weir-sim with whom, and who dies alone."""

import os
import signal
import tempfile
import time

from driver import AdminQueue, master
from machine import (ALL_ONES, COMMAND, MASTER, MEMORY, SHARED_MEMORY, SRIOV_CONTROL, Machine, bench, tap)

MEGABYTE = 1 << 20
A, B = "02:00:00:00:00:01", "02:00:00:00:00:02"
TAKEN, HUNG_UP = "somebody else has this function", "weir-sim has hung up"
SRIOV_CAPABILITY, ARI_CAPABILITY = 0x180, 0x150


def attached(sim, function=None, expect=()):
    """A machine on that weir-sim; function None: the PF."""
    options = ",attach=%s" % sim.folder + (",function=" + function if function else "")
    return Machine(options, before=SHARED_MEMORY, expect=expect)


def works(function, base=4 * MEGABYTE):
    """A command goes through, and its answer comes back by DMA."""
    master(function)
    AdminQueue(function, base).wait_running().echo(b"it works")


def wait_no_client(sim, name):
    """weir-sim has noticed that the client of a function is gone."""
    bench.wait_for(lambda: sim.function(name)["client"] is None, "end of the client of " + name)


def vfs_of_others_stay_theirs():
    """A guest comes to a card that others use: they do not notice, and their VFs do not answer it."""
    with bench.Sim("--vfs", 4, "--wire", "loopback") as sim:
        with bench.Peer("echo", sim, "vf2", mac=A), bench.Peer("ping", sim, "vf3", mac=B, to=A) as ping:
            generations = [sim.function(name)["generation"] for name in ("vf2", "vf3")]
            with attached(sim, expect=(TAKEN,)) as machine:
                machine.start()
                works(machine.pf)
                vfs = machine.enable_vfs(4)
                for index, vf in enumerate(vfs[:2]):
                    vf.wait_ready()
                    works(vf, (5 + index) * MEGABYTE)
                tap.require([vf.register(0x48) for vf in vfs[2:]] == [ALL_ONES] * 2, "the others' VFs answer the guest")
                tap.require(machine.log().count(TAKEN) == 2, "the user is not told: " + machine.log())
                machine.pf.write(SRIOV_CONTROL, 0, 2)
                tap.require(sim.ask("vfs")["vfs"] == 4, "the guest took VFs away that it had not enabled")
                machine.enable_vfs(4)[0].wait_ready()
                tap.require([sim.function(name)["generation"] for name in ("vf2", "vf3")] == generations, "the others' VFs were reset")
                bench.require_all_back(ping.end()[1])
                wait_no_client(sim, "vf3")
                # Free now: whoever gives it to a driver has it.
                vfs[3].write(COMMAND, 0, 2)
                vfs[3].write(COMMAND, MASTER, 2)
                vfs[3].wait_ready()
                works(vfs[3], 8 * MEGABYTE)


def vf_lost_to_the_owner_comes_back():
    """weir-sim's owner takes a VF away that the guest uses, and gives it back."""
    with bench.Sim("--vfs", 2, "--wire", "loopback") as sim, attached(sim, expect=(HUNG_UP,)) as machine:
        machine.start()
        vf = machine.enable_vfs(2)[1]
        vf.wait_ready()
        sim.ask("vfs", count=0)
        bench.wait_for(lambda: vf.register(0x48) == ALL_ONES, "end of the VF")
        works(machine.pf)
        sim.ask("vfs", count=2)
        tap.require(vf.register(0x48) == ALL_ONES, "the VF is back though nobody asked for it")
        vf.start_flr()
        vf.wait_ready()
        works(vf, 5 * MEGABYTE)


def lone_vf_is_an_endpoint_of_its_own():
    with bench.Sim("--vfs", 2, "--wire", "loopback") as sim, attached(sim, "vf1") as machine:
        vf = machine.pf
        tap.require(vf.read(0) == 0x57461234, "ids are %#x" % vf.read(0))
        tap.require(vf.read(SRIOV_CAPABILITY) == 0 and vf.read(ARI_CAPABILITY) & 0xffff == 0xe, "capabilities of a PF")
        for bar, size in ((0, 0x4000), (2, 0x10000), (4, 0x2000)):
            vf.write(0x10 + 4 * bar, ALL_ONES)
            tap.require(vf.read(0x10 + 4 * bar) == (ALL_ONES & ~(size - 1)) | 0xc, "BAR%d reads %#x" % (bar, vf.read(0x10 + 4 * bar)))
        machine.place(vf, 0xffff)
        tap.require(vf.read(COMMAND, 2) & (MEMORY | MASTER) == MEMORY | MASTER, "Command reads %#x" % vf.read(COMMAND, 2))
        generation = vf.wait_ready()
        works(vf)
        vf.start_flr()
        tap.require(not vf.answers(), "it decodes after an FLR")
        machine.place(vf)
        tap.require(vf.wait_ready() > generation, "GENERATION did not go up")
        works(vf)
        machine.system_reset()
        machine.place(vf)
        vf.wait_ready()
        works(vf)


def two_qemus_share_a_card_and_die_alone():
    with bench.Sim("--vfs", 3, "--wire", "loopback") as sim:
        with attached(sim) as first:
            first.start()
            works(first.pf)
            with bench.Peer("echo", sim, "vf1", mac=A), bench.Peer("ping", sim, "vf2", mac=B, to=A) as ping:
                for _ in range(3):
                    with attached(sim, "vf0") as second:
                        second.place(second.pf)
                        second.pf.wait_ready()
                        works(second.pf)
                        second.kill()
                    wait_no_client(sim, "vf0")
                    works(first.pf)
                bench.require_all_back(ping.end()[1])
            with attached(sim, "vf0") as second:
                second.place(second.pf)
                generation = second.pf.wait_ready()
                first.kill()
                wait_no_client(sim, "pf0")
                # The PF's reset takes its VFs along; the second guest is still there and goes on.
                bench.wait_for(lambda: second.pf.is_ready() and second.pf.register(0x4c) > generation, "READY after the PF's reset")
                works(second.pf)
        with attached(sim) as third:
            third.start()
            works(third.pf)


def killed_weir_sim_is_a_pulled_card():
    with tempfile.TemporaryDirectory(prefix="weir-qemu-") as folder, bench.Sim("--wire", "loopback", folder=folder) as sim:
        with attached(sim, expect=(HUNG_UP, "nobody listens there")) as machine:
            machine.start()
            vfs = machine.enable_vfs(3)
            for vf in vfs:
                vf.wait_ready()
            sim.kill()
            bench.wait_for(lambda: machine.pf.register(0x48) == ALL_ONES and machine.pf.read(0) == ALL_ONES, "end of the card")
            tap.require([vf.register(0x48) for vf in vfs] == [ALL_ONES] * 3, "VFs still answer")
            machine.pf.write(COMMAND, MEMORY | MASTER, 2)
            machine.pf.bar_write(0, 0x11c, 1)
            tap.require(machine.is_alive() and machine.qmp("query-status")["status"], "QEMU is gone, too")
            machine.system_reset()
            tap.require(machine.pf.read(0) == ALL_ONES, "a card without weir-sim")
            with bench.Sim("--wire", "loopback", folder=folder):
                # A scan of the bus finds the new one, as plugged in just now.
                bench.wait_for(lambda: machine.pf.read(0) != ALL_ONES, "new card")
                tap.require(machine.pf.read(COMMAND, 2) == 0 and not machine.pf.answers(), "Command is not reset")
                machine.start()
                works(machine.pf)
                machine.enable_vfs(3)[2].wait_ready()


def guests_reset_finds_the_new_weir_sim():
    with tempfile.TemporaryDirectory(prefix="weir-qemu-") as folder, bench.Sim("--wire", "loopback", folder=folder) as sim:
        with attached(sim, expect=(HUNG_UP,)) as machine:
            machine.start()
            machine.enable_vfs(2)
            sim.kill()
            with bench.Sim("--wire", "loopback", folder=folder) as again:
                machine.system_reset()
                machine.start()
                works(machine.pf)
                tap.require(again.function("pf0")["client"]["pid"] == machine.process.pid, "it has another client")


def stopped_weir_sim_does_not_stop_qemu():
    """It counts as dead after five seconds without an answer."""
    with bench.Sim("--wire", "loopback") as sim:
        with attached(sim, expect=(HUNG_UP, "Connection timed out")) as machine:
            machine.start()
            sim.process.send_signal(signal.SIGSTOP)
            try:
                began = time.monotonic()
                tap.require(machine.pf.register(0x48) == ALL_ONES, "something answers")
                tap.require(3 < time.monotonic() - began < 15, "after %.1f s" % (time.monotonic() - began))
                tap.require(machine.pf.read(0) == ALL_ONES, "configuration space answers")
            finally:
                sim.process.send_signal(signal.SIGCONT)
            wait_no_client(sim, "pf0")
            bench.wait_for(lambda: machine.pf.read(0) != ALL_ONES, "card that is back")
            machine.start()
            works(machine.pf)


def qemu_killed_at_any_moment():
    """Thirty QEMUs die while VFs come and go; each leaves a card that works."""
    with bench.Sim("--wire", "loopback") as sim:
        for number in range(30):
            with attached(sim) as machine:
                machine.start()
                pid = os.fork()
                if pid == 0:
                    time.sleep(0.001 * number)
                    os.kill(machine.process.pid, signal.SIGKILL)
                    os._exit(0)
                try:
                    for _ in range(100):
                        machine.enable_vfs(4)
                        machine.pf.write(SRIOV_CONTROL, 0, 2)
                except OSError:
                    pass
                os.waitpid(pid, 0)
                machine.process.wait()
            wait_no_client(sim, "pf0")
        iommu = sim.ask("iommu")
        tap.require(iommu["mappings"] == 0 and iommu["fault_count"] == 0, "what is left: %s" % iommu)
        with attached(sim) as machine:
            machine.start()
            works(machine.pf)
            machine.enable_vfs(4)[3].wait_ready()


def tests():
    """(name, function) of all."""
    return [
        ("qemu.attach.lone_vf_is_an_endpoint_of_its_own", lone_vf_is_an_endpoint_of_its_own),
        ("qemu.crash.vfs_of_others_stay_theirs", vfs_of_others_stay_theirs),
        ("qemu.crash.vf_lost_to_the_owner_comes_back", vf_lost_to_the_owner_comes_back),
        ("qemu.crash.two_qemus_share_a_card_and_die_alone", two_qemus_share_a_card_and_die_alone),
        ("qemu.crash.killed_weir_sim_is_a_pulled_card", killed_weir_sim_is_a_pulled_card),
        ("qemu.crash.guests_reset_finds_the_new_weir_sim", guests_reset_finds_the_new_weir_sim),
        ("qemu.crash.stopped_weir_sim_does_not_stop_qemu", stopped_weir_sim_does_not_stop_qemu),
        ("qemu.crash.qemu_killed_at_any_moment", qemu_killed_at_any_moment),
    ]
