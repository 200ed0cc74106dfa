/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A C test suite in a few lines: CUnit underneath, TAP on standard output, so that tests/run.py and
 * a person read the same.
 *
 *	static void same_mac_two_vlans_are_told_apart(void)
 *	{
 *		struct bench *bench = bench_new();
 *
 *		WEIR_REQUIRE(bench != NULL);
 *		WEIR_EXPECT_EQ(bench_frames(bench, 3), 1);
 *	}
 *
 *	static const struct weir_test tests[] = {
 *		{ "device.sorter.same_mac_two_vlans_are_told_apart",
 *		  same_mac_two_vlans_are_told_apart },
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		return weir_cunit_main(argc, argv, "device", tests, WEIR_TESTS(tests));
 *	}
 *
 * `suite` runs all tests, `suite NAME…` those whose names match (shell globs), and `suite --list`
 * prints the names.
 * Link with -lcunit and tests/lib/weir_cunit.c. CUnit's own CU_ASSERT… macros work too.
 */
#ifndef WEIR_CUNIT_H
#define WEIR_CUNIT_H

#include <stdbool.h>
#include <stddef.h>

/** One test: its dotted name `room.row.behaviour` and what it does; both outlive the run. */
struct weir_test {
	const char *name;
	void (*run)(void);
};

/** Number of tests in an array of struct weir_test. */
#define WEIR_TESTS(array) (sizeof(array) / sizeof((array)[0]))

/**
 * The condition must hold; if not, the test fails but goes on. Evaluates the condition once.
 */
#define WEIR_EXPECT(condition) weir_cunit_check((condition), false, __FILE__, __LINE__, #condition)

/**
 * The condition must hold; if not, the test fails and ends here, by longjmp: what it holds is lost.
 */
#define WEIR_REQUIRE(condition) weir_cunit_check((condition), true, __FILE__, __LINE__, #condition)

/**
 * Two integers (or enums, or bools) must be equal; if not, the test fails with both values shown,
 * and goes on.
 */
#define WEIR_EXPECT_EQ(actual, expected)                                                    \
	weir_cunit_check_equal((long long)(actual), (long long)(expected), false, __FILE__, \
			       __LINE__, #actual, #expected)

/** As WEIR_EXPECT_EQ, but the test ends here. */
#define WEIR_REQUIRE_EQ(actual, expected)                                                  \
	weir_cunit_check_equal((long long)(actual), (long long)(expected), true, __FILE__, \
			       __LINE__, #actual, #expected)

/**
 * Two stretches of memory must hold the same length_bytes; if not, the test fails, names the first
 * byte that differs, and goes on.
 */
#define WEIR_EXPECT_MEM(actual, expected, length_bytes)                                            \
	weir_cunit_check_memory((actual), (expected), (length_bytes), __FILE__, __LINE__, #actual, \
				#expected)

/** Two strings must be equal (NULL equals NULL only); if not, the test fails and goes on. */
#define WEIR_EXPECT_STR(actual, expected) \
	weir_cunit_check_string((actual), (expected), __FILE__, __LINE__, #actual, #expected)

/**
 * Runs the tests that the command line asks for, and prints their TAP lines.
 *
 * @param argc, argv  of main(); a program with options of its own takes them out first
 * @param suite       the suite's name, for CUnit
 * @param tests       `count` tests
 * @return main()'s value: 0 all passed or were skipped, 1 a test failed, 2 no test has the name
 *         asked for or CUnit failed
 */
int weir_cunit_main(int argc, char **argv, const char *suite, const struct weir_test *tests,
		    size_t count);

/**
 * Ends the running test as skipped, and says why (a printf format: what is missing here, and how to
 * get it). A test that has already failed an expectation stays failed. Does not return.
 */
void weir_cunit_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* What the macros above call. */
void weir_cunit_check(bool holds, bool fatal, const char *file, int line, const char *condition);
void weir_cunit_check_equal(long long actual, long long expected, bool fatal, const char *file,
			    int line, const char *actual_text, const char *expected_text);
void weir_cunit_check_memory(const void *actual, const void *expected, size_t length_bytes,
			     const char *file, int line, const char *actual_text,
			     const char *expected_text);
void weir_cunit_check_string(const char *actual, const char *expected, const char *file, int line,
			     const char *actual_text, const char *expected_text);

#endif
