/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One test for each way a test can end, so that tests/lib/harness.py can see what weir_cunit and
 * tests/run.py make of it. Most of these are meant to fail: no suite of its own.
 */
#include "weir_cunit.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static void passes(void)
{
	static const uint8_t frame[] = { 1, 2, 3 };

	WEIR_EXPECT(frame[0] == 1);
	WEIR_EXPECT_EQ(frame[1], 2);
	WEIR_EXPECT_MEM(frame, "\1\2\3", sizeof(frame));
	WEIR_EXPECT_STR("weir", "weir");
	WEIR_EXPECT_STR(NULL, NULL);
	WEIR_REQUIRE(true);
	WEIR_REQUIRE_EQ(-1, -1);
}

static void fails_and_goes_on(void)
{
	int answer = 41;

	WEIR_EXPECT_EQ(answer, 42);
	WEIR_EXPECT_MEM("abc", "abd", 3);
	WEIR_EXPECT_STR("weir", NULL);
	WEIR_EXPECT(answer == 43);
}

static void ends_at_a_requirement(void)
{
	WEIR_REQUIRE_EQ(1, 2);
	abort();
}

static void fails_in_a_loop(void)
{
	for (int i = 0; i < 1000; i++)
		WEIR_EXPECT(i < 0);
}

static void is_skipped(void)
{
	weir_cunit_skip("no %s here:\nload the module", "/dev/vfio");
}

static void fails_and_then_skips(void)
{
	WEIR_EXPECT(false);
	weir_cunit_skip("too late");
}

static void crashes(void)
{
	abort();
}

static void exits_early(void)
{
	exit(0);
}

static void hangs(void)
{
	for (;;)
		pause();
}

static const struct weir_test tests[] = {
	{ "sample.end.passes", passes },
	{ "sample.end.fails_and_goes_on", fails_and_goes_on },
	{ "sample.end.ends_at_a_requirement", ends_at_a_requirement },
	{ "sample.end.fails_in_a_loop", fails_in_a_loop },
	{ "sample.end.is_skipped", is_skipped },
	{ "sample.end.fails_and_then_skips", fails_and_then_skips },
	{ "sample.end.crashes", crashes },
	{ "sample.end.exits_early", exits_early },
	{ "sample.end.hangs", hangs },
};

int main(int argc, char **argv)
{
	return weir_cunit_main(argc, argv, "sample", tests, WEIR_TESTS(tests));
}
