/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests of the vfio-user library: its client against its server, and everything else against it. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const struct {
		const struct weir_test *tests;
		size_t count;
	} parts[] = {
		{ device_tests, device_test_count },
		{ memory_tests, memory_test_count },
		{ unmap_tests, unmap_test_count },
		{ irq_tests, irq_test_count },
		{ agreement_tests, agreement_test_count },
		{ message_tests, message_test_count },
		{ descriptor_tests, descriptor_test_count },
		{ socket_tests, socket_test_count },
		{ life_tests, life_test_count },
		{ client_tests, client_test_count },
		{ client_life_tests, client_life_test_count },
	};
	size_t count = 0;
	struct weir_test *all;
	int result;

	for (size_t i = 0; i < WEIR_TESTS(parts); i++)
		count += parts[i].count;
	all = malloc(count * sizeof(*all));
	if (!all)
		return 2;
	count = 0;
	for (size_t i = 0; i < WEIR_TESTS(parts); i++) {
		memcpy(all + count, parts[i].tests, parts[i].count * sizeof(*all));
		count += parts[i].count;
	}
	result = weir_cunit_main(argc, argv, "vfio_user", all, count);
	free(all);
	return result;
}
