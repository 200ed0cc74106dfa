/* SPDX-License-Identifier: BSD-3-Clause */
/* unit_core: the parts in one list. */
#include "suites.h"

#define TESTS_MAX 256

int main(int argc, char **argv)
{
	const struct suite_part *const parts[] = {
		&tlv_tests,	      &admin_tests,  &admin_signal_tests, &admin_flow_tests,
		&privilege_tests,     &life_tests,   &reset_tests,	  &mailbox_tests,
		&log_tests,	      &policy_tests, &event_tests,	  &command_tests,
		&command_queue_tests, &card_tests,   &parse_tests,
	};
	struct weir_test tests[TESTS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < WEIR_TESTS(parts); i++) {
		for (size_t j = 0; j < parts[i]->count && count < TESTS_MAX; j++)
			tests[count++] = parts[i]->tests[j];
	}
	return weir_cunit_main(argc, argv, "unit_core", tests, count);
}
