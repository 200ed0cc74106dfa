/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the unit_core suite, a file each. */
#ifndef WEIR_TEST_SUITES_H
#define WEIR_TEST_SUITES_H

#include "bench.h"

struct suite_part {
	const struct weir_test *tests;
	size_t count;
};

extern const struct suite_part tlv_tests, admin_tests, admin_signal_tests, admin_flow_tests,
	privilege_tests, life_tests, reset_tests, mailbox_tests, log_tests, policy_tests,
	event_tests, command_tests, command_queue_tests, card_tests, parse_tests;

#endif
