# SPDX-License-Identifier: BSD-3-Clause
"""Resets of all kinds with VFs enabled, in-process and on a running weir-sim; and what is unplugged."""

import os
import random

from machine import (ALL_ONES, COMMAND, DEVICE_CONTROL, MASTER, MEMORY, NO_CABLE, PM_CONTROL, SHARED_MEMORY, SRIOV_CONTROL, VF_ENABLE,
                     VF_MEMORY, Machine, bench, tap)

MAX_PAYLOAD_512 = 0x40
HUNG_UP = "weir-sim has hung up"


class Attached(Machine):
    """A machine on a weir-sim of its own."""

    def __init__(self, *arguments, **more):
        self.sim = bench.Sim("--wire", "loopback")
        try:
            super().__init__(",attach=%s" % self.sim.folder, before=SHARED_MEMORY, expect=(), *arguments, **more)
        except BaseException as error:
            self.sim.__exit__(type(error), error, None)
            raise

    def __exit__(self, *exception):
        try:
            super().__exit__(*exception)
        finally:
            self.sim.__exit__(*exception)


def flr_of_the_pf_takes_vfs_along(kind):
    with kind() as machine:
        generation = machine.start()
        machine.pf.write(DEVICE_CONTROL, MAX_PAYLOAD_512 | 0x2810, 2)
        vfs = machine.enable_vfs(4)
        before = [vf.wait_ready() for vf in vfs]
        machine.pf.start_flr()
        tap.require(machine.pf.read(SRIOV_CONTROL, 2) == 0 and vfs[3].read(COMMAND) == ALL_ONES, "VFs are still there")
        tap.require(machine.pf.read(COMMAND, 2) == 0 and machine.pf.read(0x18, 4) == 0xc, "Command or BARs are not reset")
        tap.require(machine.pf.read(DEVICE_CONTROL, 2) & 0xe0 == MAX_PAYLOAD_512, "the link's payload size was reset")
        tap.require(machine.pf.read(DEVICE_CONTROL, 2) & 0x8000 == 0, "Initiate FLR reads 1")
        tap.require(machine.start() > generation, "GENERATION did not go up")
        after = [vf.wait_ready() for vf in machine.enable_vfs(4)]
        tap.require(all(now > then for now, then in zip(after, before)), "generations of VFs: %s, then %s" % (before, after))


def flr_of_a_vf_disturbs_nobody(kind):
    with kind() as machine:
        generation = machine.start()
        vfs = machine.enable_vfs(3)
        before = [vf.wait_ready() for vf in vfs]
        for round_number in range(1, 21):
            vfs[1].start_flr()
            tap.require(vfs[1].read(COMMAND, 2) == 0, "Bus Master Enable survived")
            vfs[1].write(COMMAND, MASTER, 2)
            tap.require(vfs[1].wait_ready() >= before[1] + round_number, "GENERATION did not go up")
        tap.require([vfs[0].wait_ready(), vfs[2].wait_ready()] == [before[0], before[2]], "a neighbour was reset")
        tap.require(machine.pf.wait_ready() == generation, "the PF was reset")


def hot_and_system_reset_with_vfs(kind):
    with kind() as machine:
        generation = machine.start()
        for reset in (machine.hot_reset, machine.system_reset) * 3:
            for vf in machine.enable_vfs(5):
                vf.wait_ready()
            reset()
            tap.require(machine.vf(0).read(COMMAND) == ALL_ONES, "a VF is still there")
            tap.require(machine.pf.read(COMMAND, 2) == 0 and machine.pf.read(SRIOV_CONTROL, 2) == 0, "Command or VF Enable survived")
            now = machine.start()
            tap.require(now > generation, "GENERATION went from %d to %d" % (generation, now))
            generation = now


def descriptors_of(machine):
    """How many descriptors QEMU has open."""
    return len(os.listdir("/proc/%d/fd" % machine.process.pid))


def replug(kind):
    """Unplugged with VFs on and plugged in again, a few times: nothing is left behind."""
    with kind() as machine:
        options = {"attach": str(machine.sim.folder)} if isinstance(machine, Attached) else {}
        counts = []
        for _ in range(4):
            machine.start()
            for vf in machine.enable_vfs(3):
                vf.wait_ready()
            counts.append(descriptors_of(machine))
            machine.unplug()
            tap.require(machine.pf.read(0) == ALL_ONES, "the PF is still there")
            bench.wait_for(lambda: machine.qmp("query-status") and (
                not isinstance(machine, Attached) or machine.sim.function("pf0")["client"] is None), "end of the client")
            machine.plug(**options)
        tap.require(counts[1:] == counts[:1] * 3, "open descriptors: %s" % counts)


def failed_plugs_leave_nothing():
    with Machine(None, after=["-netdev", "hubport,id=n0,hubid=0"], before=SHARED_MEMORY, expect=NO_CABLE + ("n0 has no peer",)) as machine:
        wrong = [{"vfs": 300}, {"mac": "02:00:00:00:00:01"}, {"attach": "/nonexistent"}, {"netdev": "n0", "vfs": 999},
                 {"romfile": "/nonexistent"}, {"attach": "/run", "function": "vf"}]
        before = None
        for _ in range(5):
            for more in wrong:
                try:
                    machine.plug(**more)
                except KeyError:
                    continue
                raise AssertionError("%s was taken" % more)
            before = before or descriptors_of(machine)
        tap.require(descriptors_of(machine) == before, "open descriptors: %d, then %d" % (before, descriptors_of(machine)))
        # The wire's backend was given back, too.
        machine.plug(netdev="n0")
        machine.start()


def random_life(kind, seed, steps):
    """Whatever software does, in any order: QEMU lives, and in the end everything works."""
    chance = random.Random(seed)
    with kind() as machine:
        machine.start()
        machine.expect += [HUNG_UP, "access to nothing"]
        actions = [
            lambda: machine.enable_vfs(chance.randint(0, 12), chance.choice((VF_ENABLE, VF_ENABLE | VF_MEMORY))),
            lambda: machine.pf.write(SRIOV_CONTROL, chance.choice((0, VF_MEMORY)), 2),
            lambda: machine.vf(chance.randrange(12)).start_flr(),
            lambda: machine.vf(chance.randrange(12)).write(COMMAND, chance.choice((0, MASTER, 0xffff)), 2),
            lambda: machine.vf(chance.randrange(12)).bar_write(0, chance.choice((0x50, 0x11c, 0x124, 0x20c)), chance.randrange(4)),
            lambda: machine.vf(chance.randrange(12)).bar_write(2, chance.randrange(16) << 12, chance.randrange(1 << 16)),
            lambda: machine.vf(chance.randrange(12)).register(0x48),
            lambda: machine.pf.write(COMMAND, chance.choice((0, MEMORY, MASTER, MEMORY | MASTER)), 2),
            lambda: machine.pf.write(PM_CONTROL, chance.randrange(4), 2),
            lambda: machine.pf.write(0x166, chance.choice((0, 0x8000)), 2),
            machine.pf.start_flr,
            machine.hot_reset,
            machine.start_again,
        ]
        for _ in range(steps):
            chance.choice(actions)()
        machine.pf.write(PM_CONTROL, 0, 2)
        machine.hot_reset()
        machine.start()
        for vf in machine.enable_vfs(12):
            vf.wait_ready()


def tests():
    """(name, function, arguments...) of all."""
    cases = []
    for kind, where in ((Machine, ""), (Attached, "_on_weir_sim")):
        cases += [
            ("qemu.reset.flr_of_the_pf_takes_vfs_along" + where, flr_of_the_pf_takes_vfs_along, kind),
            ("qemu.reset.flr_of_a_vf_disturbs_nobody" + where, flr_of_a_vf_disturbs_nobody, kind),
            ("qemu.reset.hot_and_system_reset_with_vfs" + where, hot_and_system_reset_with_vfs, kind),
            ("qemu.reset.unplugged_and_plugged_in_again_with_vfs" + where, replug, kind),
            ("qemu.reset.any_order_of_events_is_survived" + where, random_life, kind, 1, 400),
        ]
    return cases + [("qemu.reset.failed_plugs_leave_nothing", failed_plugs_leave_nothing)]
