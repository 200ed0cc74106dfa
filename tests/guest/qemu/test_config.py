# SPDX-License-Identifier: BSD-3-Clause
"""What software sees of the card in QEMU: configuration space, and what it decides about BARs. (Bit by bit: tests/attachments.)"""

import pathlib
import subprocess

from machine import (ALL_ONES, COMMAND, MASTER, MEMORY, NO_CABLE, NUM_VFS, PM_CONTROL, SRIOV_CONTROL, STATUS,
                     TOP, VF_ENABLE, VF_MEMORY, Machine, bench, tap)

import config_space as spec

SERIAL = 0x0102030405060708
PF_OPTIONS = ",serial=%#x" % SERIAL
DSN, BAR_SPAN = 0x1c4, range(0x10, 0x28)
D3HOT = 3


def expected_image(which, total_vfs=64):
    """The specification's reset image with this card's parameters in it."""
    image = bytearray(spec.planes()[which + ".value"])
    if which == "pf":
        image[0x18c:0x190] = total_vfs.to_bytes(2, "little") * 2
        image[DSN:DSN + 8] = SERIAL.to_bytes(8, "little")
    return bytes(image)


def differences(found, expected, skip=()):
    """Where two images differ, as text."""
    return ["%03x: %02x, not %02x" % (at, found[at], expected[at])
            for at in range(len(expected)) if at not in skip and found[at] != expected[at]]


def require_same(found, expected, what, skip=()):
    """Two images agree, save at the offsets of skip."""
    wrong = differences(found, expected, skip)
    tap.require(not wrong, "%s: %d bytes differ: %s" % (what, len(wrong), "; ".join(wrong[:8])))


def config_space_matches_the_image():
    with Machine(PF_OPTIONS) as machine:
        require_same(machine.pf.space(), expected_image("pf"), "PF after power-on")
        machine.place(machine.pf, 0)
        require_same(machine.pf.space(), expected_image("pf"), "PF with BARs placed", BAR_SPAN)
        machine.start()
        for vf in machine.enable_vfs(3):
            vf.write(COMMAND, 0, 2)
            require_same(vf.space(), expected_image("vf"), "VF")
        machine.pf.start_flr()
        require_same(machine.pf.space(), expected_image("pf"), "PF after an FLR")


def power_states_that_are_not_there_change_nothing():
    with Machine() as machine:
        for value, state in ((1, 0), (3, 3), (2, 3), (1, 3), (0, 0), (2, 0)):
            machine.pf.write(PM_CONTROL, value, 1)
            found = machine.pf.read(PM_CONTROL, 1) & 3
            tap.require(found == state, "PowerState %d written: it reads %d, not %d" % (value, found, state))


def vf_ids_are_ffff_raw():
    with Machine(PF_OPTIONS) as machine:
        machine.start()
        vf = machine.enable_vfs(1)[0]
        tap.require(vf.read(0) == ALL_ONES, "they are %#x" % vf.read(0))
        tap.require(machine.pf.read(0x19a, 2) == 0x5746, "VF Device ID is %#x" % machine.pf.read(0x19a, 2))
        tap.require(vf.read(0x2c) == 0x00011234, "the subsystem is %#x" % vf.read(0x2c))


def as_many_vfs_as_a_bus_holds_come_and_go():
    with Machine(",vfs=254", "opt") as machine:
        machine.start()
        for _ in range(2):
            vfs = machine.enable_vfs(254, command=0)
            for vf in vfs:
                vf.wait_ready()
            machine.pf.write(SRIOV_CONTROL, 0, 2)
            tap.require(not any(vf.answers() for vf in vfs), "a VF answers after VF Enable was cleared")


def num_vfs_is_kept_and_locked():
    with Machine() as machine:
        pf = machine.pf
        machine.start()
        machine.enable_vfs(3)
        for value, size in ((7, 2), (0x00ff, 1), (0xffff0005, 4)):
            pf.write(NUM_VFS, value & (1 << 8 * size) - 1, size)
            tap.require(pf.read(NUM_VFS, 2) == 3, "NumVFs changed to %d while VF Enable was set" % pf.read(NUM_VFS, 2))
        pf.write(0x1a0, 0x10, 4)
        tap.require(pf.read(0x1a0) == 1, "System Page Size changed while VF Enable was set")
        pf.write(SRIOV_CONTROL, VF_MEMORY, 2)
        tap.require(pf.read(NUM_VFS, 2) == 3, "NumVFs reads %d after VF Enable was cleared" % pf.read(NUM_VFS, 2))
        pf.write(NUM_VFS, 5, 2)
        tap.require(pf.read(NUM_VFS, 2) == 5, "NumVFs cannot be set any more")
        # 64 KiB pages: the register takes it, the VFs stay where BARs of 16 KiB put them.
        pf.write(0x1a0, 0x10, 4)
        tap.require(pf.read(0x1a0) == 0x10, "System Page Size cannot be set")
        machine.enable_vfs(2)[1].wait_ready()


def impossible_num_vfs_make_no_vf():
    with Machine() as machine:
        machine.start()
        for count in (0, 65, 0xffff):
            machine.enable_vfs(min(count, 1))
            machine.pf.write(SRIOV_CONTROL, 0, 2)
            machine.pf.write(NUM_VFS, count, 2)
            machine.pf.write(SRIOV_CONTROL, VF_ENABLE | VF_MEMORY, 2)
            tap.require(machine.vf(0).read(COMMAND) == ALL_ONES, "NumVFs %d makes a VF" % count)
            tap.require(not machine.vf(0).answers(), "NumVFs %d: something answers for VF 0" % count)
            machine.pf.write(SRIOV_CONTROL, 0, 2)
        machine.enable_vfs(64)[63].wait_ready()


def vfs_decode_by_vf_mse():
    with Machine() as machine:
        machine.start()
        vfs = machine.enable_vfs(4, VF_ENABLE)
        tap.require(not any(vf.answers() for vf in vfs), "a VF decodes without VF MSE")
        for vf in vfs:
            vf.write(COMMAND, MEMORY | MASTER, 2)
            tap.require(vf.read(COMMAND, 2) == MASTER, "Memory Space Enable of a VF reads %#x" % vf.read(COMMAND, 2))
        tap.require(not any(vf.answers() for vf in vfs), "a VF decodes by its own Memory Space Enable")
        machine.pf.write(SRIOV_CONTROL, VF_ENABLE | VF_MEMORY, 2)
        for index, vf in enumerate(vfs):
            vf.wait_ready()
            tap.require(vf.register(0xc) == 0x10000 | index + 1, "VF %d: FUNCTION reads %#x" % (index, vf.register(0xc)))
            vf.write(COMMAND, 0, 2)
            tap.require(vf.is_ready(), "a VF does not decode any more when its Command is written")
        machine.pf.write(SRIOV_CONTROL, VF_ENABLE, 2)
        # Nobody answers; QEMU makes it a zero.
        tap.require([vf.register(STATUS) for vf in vfs] == [0] * 4, "a VF decodes after VF MSE was cleared")
        tap.require(not machine.vf(4).answers(), "something decodes behind the last VF")


def widths_and_holes_read_all_ones():
    with Machine(expect=NO_CABLE + ("access to nothing at offset",)) as machine:
        machine.start()
        for function in (machine.pf, machine.enable_vfs(1)[0]):
            function.wait_ready()
            for size in (1, 2, 8):
                ones = (1 << 8 * size) - 1
                tap.require(function.bar_read(0, 0, size) == ones, "%d bytes of BAR0 read %#x" % (size, function.bar_read(0, 0, size)))
                function.bar_write(0, 0x118, 0, size)
            tap.require(function.register(0xffc) == ALL_ONES, "a hole reads %#x" % function.register(0xffc))
            tap.require(function.answers(), "MAGIC reads %#x" % function.register(0))
            tap.require(function.bar_read(2, 0) == 0, "a doorbell reads %#x" % function.bar_read(2, 0))
            # specs/pcie.md, Attachments: counted by the card, and not recorded in QEMU's configuration space.
            tap.require(function.read(0x8a, 2) == 0 and function.read(0x104) == 0, "an error is recorded: the datasheet says it is not")


def msix_table_is_masked_and_takes_64_bits():
    with Machine() as machine:
        machine.start()
        for function, vectors in ((machine.pf, 65), (machine.enable_vfs(1)[0], 17)):
            for vector in range(vectors):
                found = [function.bar_read(4, 16 * vector + 4 * word) for word in range(4)]
                tap.require(found == [0, 0, 0, 1], "entry %d reads %s" % (vector, found))
            function.bar_write(4, 0, 0x12345678fee00000, 8)
            tap.require(function.bar_read(4, 0, 8) == 0x12345678fee00000, "an address reads %#x" % function.bar_read(4, 0, 8))
            tap.require(function.bar_read(4, 0x1000) == 0, "pending bits read %#x" % function.bar_read(4, 0x1000))


def d3hot_silences_all_functions():
    with Machine() as machine:
        generation = machine.start()
        vf = machine.enable_vfs(1)[0]
        vf.wait_ready()
        machine.pf.write(PM_CONTROL, D3HOT, 2)
        tap.require(machine.pf.register(STATUS) == ALL_ONES, "the PF decodes in D3hot")
        tap.require(vf.register(STATUS) == ALL_ONES, "a VF decodes while its PF is in D3hot")
        tap.require(machine.pf.read(PM_CONTROL, 2) & 3 == D3HOT, "PowerState reads %#x" % machine.pf.read(PM_CONTROL, 2))
        machine.pf.write(PM_CONTROL, 0, 2)
        tap.require(machine.pf.wait_ready() == generation and vf.is_ready(), "the way back to D0 was a reset (No_Soft_Reset is set)")


def undefined_symbols_are_qemus():
    check = TOP / "hwsim" / "attach" / "qemu" / "check-symbols"
    card = bench.BUILD / "opt" / "lib" / "weir-qemu.so"
    done = subprocess.run([check, card], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    tap.require(done.returncode == 0, done.stdout)
    # A symbol that nobody has is noticed.
    done = subprocess.run([check, "/usr/bin/python3"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    tap.require(pathlib.Path("/usr/bin/python3").exists() and done.returncode == 0, "a program's symbols are not found: " + done.stdout)


def nothing_of_ours_stands_before_qemus():
    for variant in ("opt", "asan"):
        card = bench.BUILD / variant / "lib" / "weir-qemu.so"
        names = subprocess.run(["nm", "-D", "--defined-only", card], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        tap.require(not names, "it exports %s" % names)


def tests():
    """(name, function) of all."""
    return [
        ("qemu.attach.undefined_symbols_are_qemus", undefined_symbols_are_qemus),
        ("qemu.attach.nothing_of_ours_stands_before_qemus", nothing_of_ours_stands_before_qemus),
        ("qemu.attach.config_space_matches_the_image", config_space_matches_the_image),
        ("qemu.attach.power_states_that_are_not_there_change_nothing", power_states_that_are_not_there_change_nothing),
        ("qemu.attach.vf_ids_are_ffff_raw", vf_ids_are_ffff_raw),
        ("qemu.attach.as_many_vfs_as_a_bus_holds_come_and_go", as_many_vfs_as_a_bus_holds_come_and_go),
        ("qemu.sriov.num_vfs_is_kept_and_locked", num_vfs_is_kept_and_locked),
        ("qemu.sriov.impossible_num_vfs_make_no_vf", impossible_num_vfs_make_no_vf),
        ("qemu.bar.vfs_decode_by_vf_mse", vfs_decode_by_vf_mse),
        ("qemu.bar.widths_and_holes_read_all_ones", widths_and_holes_read_all_ones),
        ("qemu.bar.msix_table_is_masked_and_takes_64_bits", msix_table_is_masked_and_takes_64_bits),
        ("qemu.bar.d3hot_silences_all_functions", d3hot_silences_all_functions),
    ]
