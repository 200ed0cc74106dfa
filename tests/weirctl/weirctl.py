#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Suite `weirctl`: the tool against a weir-sim, and in a guest with the kernel driver bound and with none."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests" / "lib"), str(TOP / "tests" / "dpdk"), str(TOP / "tests" / "guest" / "lib")]
import guest  # noqa: E402
import processes  # noqa: E402
import tap  # noqa: E402

BUILD = TOP / os.environ.get("BUILD", "build")
WEIRCTL = BUILD / "asan" / "bin" / "weirctl"


def weirctl(*arguments):
    """Runs it; returns (status, output, errors)."""
    done = subprocess.run([str(WEIRCTL), *map(str, arguments)], capture_output=True, text=True, timeout=60)
    tap.require("ERROR: AddressSanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr)
    return done.returncode, done.stdout, done.stderr


def ok(*arguments):
    """What it prints; it must succeed."""
    status, output, errors = weirctl(*arguments)
    tap.require(status == 0, "weirctl %s: %s" % (" ".join(map(str, arguments)), errors))
    return output


def answer(*arguments):
    """Its JSON."""
    return json.loads(ok("--json", *arguments))


def refused(pattern, *arguments):
    """It must fail, and say why in words with pattern in them."""
    status, output, errors = weirctl(*arguments)
    tap.require(status not in (0, None) and status > 0, "weirctl %s succeeded: %s" % (arguments, output))
    tap.require(pattern in errors, "weirctl %s says: %s" % (arguments, errors))


class Card:
    """A weir-sim for the length of a test."""

    def __init__(self, *arguments):
        self.folder = processes.Folder()
        self.arguments = arguments

    def __enter__(self):
        return self.folder.__enter__().sim(*self.arguments).directory

    def __exit__(self, *failure):
        return self.folder.__exit__(*failure)


def info_says_what_the_card_is():
    with Card("--vfs", "3", "--total-vfs", "9") as card:
        info = answer("info", card)
        tap.require(info["board"] == "hwsim" and info["role"] == "manager", info)
        tap.require(info["vfs_enabled"] == 3 and info["vfs_total"] == 9, info)
        tap.require(info["serial"] == "00005757000000a1", info)
        tap.require("vfs_enabled              3" in ok("info", card), "text form")


def vf_settings_are_made_and_shown():
    with Card("--vfs", "2") as card:
        ok("vf", card, 1, "mac", "02:57:00:00:00:11", "vlan", 100, "qos", 5, "proto", "802.1ad", "spoofchk", "off", "trust", "on",
           "state", "enable")
        vf = answer("vf", card, 1)
        wanted = {"mac": "02:57:00:00:00:11", "vlan": 100, "vlan_priority": 5, "vlan_protocol": "802.1ad", "spoof_check": False,
                  "trust": True, "link_policy": "enable", "state": "ready", "admin_mac": True}
        tap.require(wanted.items() <= vf.items(), vf)
        both = answer("vf", card)
        tap.require([v["vf"] for v in both] == [0, 1] and both[0]["vlan"] == 0, both)
        tap.require("02:57:00:00:00:11  vlan 100 qos 5 proto 802.1ad  spoofchk" in ok("vf", card), "text form")


def bad_settings_are_refused_with_a_reason():
    with Card("--vfs", "1") as card:
        refused("is not a value for it", "vf", card, 0, "mac", "02:57:00:00:00")
        refused("is not a value for it", "vf", card, 0, "vlan", "4095")
        refused("is not a value for it", "vf", card, 0, "trust")
        refused("no setting colour", "vf", card, 0, "colour", "red")
        refused("a number from 0", "vf", card, "one")
        refused("refused vf_set", "vf", card, 0, "mac", "01:00:5e:00:00:01")
        refused("refused vf_get", "vf", card, 1000)
        refused("no readable register", "regs", card, "nonsense")
        refused("start, stop, init or rx", "trace", card, "dance")
        refused("there are mac", "trace", card, "start", "mac", "x")
        tap.require(answer("vf", card, 0)["mac"] == "00:00:00:00:00:00", "a refused setting was made")


def unreachable_cards_are_told():
    refused("no Weir there", "info", "0000:00:1e.7")
    refused("does a weir-sim run there", "info", "/tmp")
    status, _, errors = weirctl("info")
    tap.require(status == 2 and "which card" in errors, errors)
    status, _, errors = weirctl("fly", "/tmp")
    tap.require(status == 2 and "no command fly" in errors, errors)


def registers_are_decoded_from_the_specification():
    with Card("--vfs", "2") as card:
        registers = answer("regs", card)
        tap.require(registers["magic"]["value"] == "0x57454952", registers["magic"])
        tap.require(registers["status"]["state"] == 1 and registers["generation"]["value"] == "0x00000001", registers["status"])
        tap.require(registers["queue_limits"]["queue_pairs"] == 64 and registers["queue_limits"]["vectors"] == 65, registers["queue_limits"])
        tap.require("admin_sq_tail" not in registers, "a write-only register was read")
        one = answer("regs", card, "abi_version")
        tap.require(list(one) == ["abi_version"] and one["abi_version"]["major"] == 1, one)


def the_log_and_the_counters_are_read():
    with Card("--vfs", "2") as card:
        ok("vf", card, 0, "mac", "02:57:00:00:00:33")
        lines = answer("log", card)
        tap.require([line["sequence"] for line in lines] == list(range(lines[0]["sequence"], lines[0]["sequence"] + len(lines))), lines)
        tap.require(any("02:57:00:00:00:33" in line["message"] and line["function"] == 1 for line in lines), lines)
        stats = answer("stats", card, 0)["firmware"]
        tap.require(stats["tx_frames"] == 0 and stats["bad_doorbells"] == 0 and stats["admin_commands"] >= 0, stats)
        tap.require("rx_dropped_no_vport" in answer("stats", card, "port")["firmware"], "port scope")


def a_trace_starts_empty_and_stops():
    """Without a driver and without frames there is nothing to tell."""
    with Card("--vfs", "1", "--wire", "loopback") as card:
        ok("trace", card, "start", "mac", "02:57:00:00:00:10")
        tap.require(answer("trace", card, "rx") == [], "a frame before any was sent")
        tap.require(answer("trace", card, "init") == [], "records from before the start")
        ok("trace", card, "stop")


def lli_says_what_it_cannot_do():
    """What it does is shown in a guest (tests/guest/low_latency)."""
    status, _, errors = weirctl("lli", "--pid", "0")
    tap.require(status > 0 and "no number from 1 on" in errors, errors)
    refused("which process", "lli")
    refused("No such process", "lli", "--pid", 2 ** 22 + 1)
    refused("no interface of Weir", "lli", "--pid", os.getpid(), "lo")


def lli_ends_with_its_process_and_with_a_signal():
    """Beside a process with sockets of every kind, on a machine without a Weir: nothing is chosen, and nothing goes wrong."""
    sockets = [socket.socket(family, kind) for family in (socket.AF_INET, socket.AF_INET6)
               for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    listener, udp = sockets[0], sockets[1]
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    udp.bind(("127.0.0.1", 0))
    sockets.append(socket.create_connection(listener.getsockname()))
    # It has them all, too.
    child = subprocess.Popen(["sleep", "60"], pass_fds=[each.fileno() for each in sockets])
    for end in (signal.SIGINT, signal.SIGTERM, None):
        follower = subprocess.Popen([str(WEIRCTL), "lli", "--interval", "5", "--pid", str(child.pid)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        tap.require(follower.poll() is None, "it ended: %s" % follower.stderr)
        if end:
            follower.send_signal(end)
        else:
            child.kill()
        output, errors = follower.communicate(timeout=30)
        tap.require(follower.returncode == 0 and not output and not errors, (follower.returncode, output, errors))
    child.wait()
    for each in sockets:
        each.close()


def in_a_guest(suite):
    """The same tool beside the kernel driver, and with the function bound to none."""
    program = str(BUILD / "opt" / "bin" / "weirctl")
    guest.run_tap(suite, "weirctl.guest.stays_well", str(TOP / "tests" / "weirctl" / "job.sh"), guest.weir_arguments(["user,ipv6=off"]),
                  preload=guest.WEIR_QEMU, timeout_s=120, programs=[program],
                  overlay_files={"/usr/bin/weirctl": program}, settings={"COLDPLUG": "yes"})


def main():
    suite = tap.Suite(sys.argv[1:])
    for name, test in (
            ("weirctl.info.says_what_the_card_is", info_says_what_the_card_is),
            ("weirctl.vf.settings_are_made_and_shown", vf_settings_are_made_and_shown),
            ("weirctl.vf.bad_settings_are_refused_with_a_reason", bad_settings_are_refused_with_a_reason),
            ("weirctl.card.unreachable_ones_are_told", unreachable_cards_are_told),
            ("weirctl.regs.are_decoded_from_the_specification", registers_are_decoded_from_the_specification),
            ("weirctl.log.and_counters_are_read", the_log_and_the_counters_are_read),
            ("weirctl.trace.starts_empty_and_stops", a_trace_starts_empty_and_stops),
            ("weirctl.lli.says_what_it_cannot_do", lli_says_what_it_cannot_do),
            ("weirctl.lli.ends_with_its_process_and_with_a_signal", lli_ends_with_its_process_and_with_a_signal)):
        suite.run(name, test)
    in_a_guest(suite)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
