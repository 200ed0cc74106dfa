/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CUnit run with TAP as its output. A line is written when a test begins, so that a crash can be
 * told by name.
 */
#include "weir_cunit.h"

#include <CUnit/CUnit.h>

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A test in a loop can fail a million times; the first few say all, and CUnit records each. */
#define FAILURES_KEPT 10

/* CUnit's tests take no argument: what the running one is, is here. */
static struct {
	const struct weir_test *tests;
	size_t count;
	size_t number;	       /* of TAP lines so far */
	unsigned int failures; /* of the running test */
	jmp_buf skip;
	bool skipped;
	char why[512];
} run;

static void fail(const char *file, int line, bool fatal, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void fail(const char *file, int line, bool fatal, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	run.failures++;
	if (fatal || run.failures <= FAILURES_KEPT)
		CU_assertImplementation(CU_FALSE, (unsigned int)line, text, file, "", fatal);
}

void weir_cunit_check(bool holds, bool fatal, const char *file, int line, const char *condition)
{
	if (!holds)
		fail(file, line, fatal, "%s", condition);
}

void weir_cunit_check_equal(long long actual, long long expected, bool fatal, const char *file,
			    int line, const char *actual_text, const char *expected_text)
{
	if (actual != expected)
		fail(file, line, fatal, "%s is %lld (%#llx), expected %s = %lld (%#llx)",
		     actual_text, actual, (unsigned long long)actual, expected_text, expected,
		     (unsigned long long)expected);
}

void weir_cunit_check_memory(const void *actual, const void *expected, size_t length_bytes,
			     const char *file, int line, const char *actual_text,
			     const char *expected_text)
{
	const uint8_t *a = actual;
	const uint8_t *b = expected;

	for (size_t i = 0; i < length_bytes; i++) {
		if (a[i] != b[i]) {
			fail(file, line, false,
			     "%s differs from %s at byte %zu of %zu: %02x, expected %02x",
			     actual_text, expected_text, i, length_bytes, a[i], b[i]);
			return;
		}
	}
}

void weir_cunit_check_string(const char *actual, const char *expected, const char *file, int line,
			     const char *actual_text, const char *expected_text)
{
	bool same = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;

	if (!same)
		fail(file, line, false, "%s is \"%s\", expected %s = \"%s\"", actual_text,
		     actual ? actual : "(null)", expected_text, expected ? expected : "(null)");
}

void weir_cunit_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(run.why, sizeof(run.why), format, arguments);
	va_end(arguments);
	run.skipped = true;
	longjmp(run.skip, 1);
}

/* Every CUnit test is this function; the name of CUnit's current test says which of ours to run. */
static void run_current_test(void)
{
	const char *name = CU_get_current_test()->pName;

	for (size_t i = 0; i < run.count; i++) {
		if (strcmp(run.tests[i].name, name) == 0) {
			if (setjmp(run.skip) == 0)
				run.tests[i].run();
			return;
		}
	}
}

static void test_starts(const CU_pTest test, const CU_pSuite suite)
{
	(void)suite;
	run.failures = 0;
	run.skipped = false;
	printf("# begin %s\n", test->pName);
	fflush(stdout);
}

/* TAP ends a description at '#': the reason must not contain a line break. */
static void print_reason(const char *text)
{
	for (; *text; text++)
		putchar(*text == '\n' || *text == '\r' ? ' ' : *text);
}

static void test_ends(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	(void)suite;
	run.number++;
	if (failures) {
		printf("not ok %zu - %s # %s:%u: ", run.number, test->pName, failures->strFileName,
		       failures->uiLineNumber);
		print_reason(failures->strCondition);
		putchar('\n');
		for (CU_pFailureRecord record = failures->pNext; record; record = record->pNext) {
			printf("#   %s:%u: ", record->strFileName, record->uiLineNumber);
			print_reason(record->strCondition);
			putchar('\n');
		}
		if (run.failures > FAILURES_KEPT)
			printf("#   and more: %u expectations failed in all\n", run.failures);
	} else if (run.skipped) {
		printf("ok %zu - %s # SKIP ", run.number, test->pName);
		print_reason(run.why);
		putchar('\n');
	} else {
		printf("ok %zu - %s\n", run.number, test->pName);
	}
	fflush(stdout);
}

static bool asked_for(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++) {
		if (fnmatch(argv[i], name, 0) == 0)
			return true;
	}
	return argc < 2;
}

int weir_cunit_main(int argc, char **argv, const char *suite_name, const struct weir_test *tests,
		    size_t count)
{
	CU_pSuite suite;
	size_t chosen = 0;
	unsigned int failed;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < count; i++)
			puts(tests[i].name);
		return 0;
	}
	run.tests = tests;
	run.count = count;
	if (CU_initialize_registry() != CUE_SUCCESS) {
		fprintf(stderr, "%s: CUnit: %s\n", suite_name, CU_get_error_msg());
		return 2;
	}
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (size_t i = 0; suite && i < count; i++) {
		if (!asked_for(argc, argv, tests[i].name))
			continue;
		/* CUnit takes a name twice and would run the first function for both. */
		if (CU_get_test(suite, tests[i].name) ||
		    !CU_add_test(suite, tests[i].name, run_current_test)) {
			fprintf(stderr,
				"%s: test %s cannot be added: it is there twice, or no memory\n",
				suite_name, tests[i].name);
			CU_cleanup_registry();
			return 2;
		}
		chosen++;
	}
	if (chosen == 0) {
		fprintf(stderr, "%s: no test has this name; --list prints the names\n", suite_name);
		CU_cleanup_registry();
		return 2;
	}
	CU_set_test_start_handler(test_starts);
	CU_set_test_complete_handler(test_ends);
	printf("1..%zu\n", chosen);
	if (CU_run_all_tests() != CUE_SUCCESS) {
		fprintf(stderr, "%s: CUnit: %s\n", suite_name, CU_get_error_msg());
		CU_cleanup_registry();
		return 2;
	}
	failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
