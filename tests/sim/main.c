/* SPDX-License-Identifier: BSD-3-Clause */
/* The hardware alone, under a firmware that only writes down what it is told. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define PART(name)                                \
	{                                         \
		name##_tests, &name##_tests_count \
	}

struct part {
	const struct weir_test *tests;
	const size_t *count;
};

static const struct part both_homes[] = {
	PART(config), PART(bar),  PART(function), PART(msix),	PART(events), PART(iommu),
	PART(sum),    PART(wire), PART(pcap),	  PART(socket), PART(card),
};
static const struct part native_home = PART(native), deferred_home = PART(deferred);

static size_t add(struct weir_test *tests, size_t count, const struct part *part)
{
	memcpy(&tests[count], part->tests, *part->count * sizeof(*tests));
	return count + *part->count;
}

int main(int argc, char **argv)
{
	const struct part *own = bench_is_deferred() ? &deferred_home : &native_home;
	struct weir_test *tests;
	size_t count = 0;
	int result;

	for (size_t i = 0; i < WEIR_TESTS(both_homes); i++)
		count += *both_homes[i].count;
	count += *own->count;
	tests = calloc(count, sizeof(*tests));
	if (!tests)
		return 2;
	count = 0;
	for (size_t i = 0; i < WEIR_TESTS(both_homes); i++)
		count = add(tests, count, &both_homes[i]);
	count = add(tests, count, own);
	result = weir_cunit_main(argc, argv, "sim", tests, count);
	free(tests);
	return result;
}
