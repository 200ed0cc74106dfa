/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-probe: how long a cache line takes from one CPU to another and back, in nanoseconds. Virtual CPUs wander over the host's
 * cores, and what two cores share decides how fast frames get from one to the other: a figure without this one says little.
 *
 * Prints one line: the median of many batches of round trips, so that a batch in which a thread was not running does not count.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES		 400u
#define ROUNDS_PER_BATCH 200u
#define LINE_BYTES	 128u /* two cache lines: processors fetch them in pairs */

/* Each side writes its own line and reads the other's. */
struct line {
	_Atomic unsigned long count;
} __attribute__((aligned(LINE_BYTES)));

static struct line ping, pong;
static unsigned int cpus[2];

static int pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Answers every count until the last one. Its CPU is not there: answers nothing, main() has checked that it is. */
static void *answer(void *unused)
{
	(void)unused;
	pin(cpus[1]);
	for (unsigned long i = 1; i <= BATCHES * ROUNDS_PER_BATCH; i++) {
		while (atomic_load_explicit(&ping.count, memory_order_acquire) != i)
			;
		atomic_store_explicit(&pong.count, i, memory_order_release);
	}
	return NULL;
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double measure(void)
{
	static double batches_ns[BATCHES];
	unsigned long count = 0;

	for (unsigned int batch = 0; batch < BATCHES; batch++) {
		double start_ns = now_ns();

		for (unsigned int i = 0; i < ROUNDS_PER_BATCH; i++) {
			atomic_store_explicit(&ping.count, ++count, memory_order_release);
			while (atomic_load_explicit(&pong.count, memory_order_acquire) != count)
				;
		}
		batches_ns[batch] = (now_ns() - start_ns) / ROUNDS_PER_BATCH;
	}
	qsort(batches_ns, BATCHES, sizeof(batches_ns[0]), by_value);
	return batches_ns[BATCHES / 2];
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "bench-probe: %s: %s\n", what, strerror(error));
	return 1;
}

int main(int argc, char **argv)
{
	pthread_t other;
	int error;

	if (argc != 3) {
		fprintf(stderr,
			"Usage: bench-probe CPU CPU\nPrints the round trip of a cache line between two CPUs in nanoseconds.\n");
		return 2;
	}
	for (int i = 1; i >= 0; i--) {
		char *end;
		unsigned long cpu = strtoul(argv[1 + i], &end, 10);

		if (end == argv[1 + i] || *end || cpu >= CPU_SETSIZE)
			return fail(argv[1 + i], EINVAL);
		cpus[i] = (unsigned int)cpu;
		error = pin(cpus[i]);
		if (error)
			return fail(argv[1 + i], error);
	}
	if (cpus[0] == cpus[1])
		return fail("both the same", EINVAL);
	error = pthread_create(&other, NULL, answer, NULL);
	if (error)
		return fail("thread", error);
	printf("%.1f\n", measure());
	pthread_join(other, NULL);
	return 0;
}
