#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests weir-sim from outside: processes, sockets, signals. Arguments are shell globs of test names."""

import sys

import bench
import test_clients
import test_life
import test_management
import test_wires

tap = bench.tap

MODULES = ("start", test_life.START), ("sleep", test_life.SLEEP), ("clients", test_clients.CLIENTS), \
    ("kill", test_clients.KILL), ("pf", test_clients.PF), ("management", test_management.MANAGEMENT), ("wire", test_wires.WIRE)
# With ASan and UBSan: what hands over memory, takes it back, and parses what strangers send.
SANITIZED = (test_clients.two_exchange_frames, test_clients.at_any_moment_disturbs_nobody, test_clients.memory_truncated_by_its_owner,
             test_clients.pf_that_leaves_keeps_the_owners_vfs, test_clients.pf_client_enables_and_disables_vfs,
             test_clients.device_reset_answers_when_ready,
             test_clients.translation_cache_is_asked_before_memory_is_free, test_management.malformed_input_is_answered,
             test_management.a_line_too_long_is_skipped, test_management.every_command_answers, test_management.followers_that_vanish_are_forgotten,
             test_wires.replay_is_sorted_by_mac_and_vlan, test_wires.two_cards_on_a_stream)


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for row, functions in MODULES:
        for function in functions:
            suite.run("weir_sim.%s.%s" % (row, function.__name__), function)
    for function in SANITIZED:
        suite.run("weir_sim.asan.%s" % function.__name__, function, "asan")
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
