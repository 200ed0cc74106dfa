/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a header that goes ahead of its payload gains (specs/header-split.md, "Headers ahead"): a VF sends single frames to another, one
 * thread is the card, another watches the receiver's completions as a polling driver does. Printed for each length of frame, with and
 * without HEADER_AHEAD: nanoseconds from the doorbell until the header's completion is seen, and until the last one is; the least
 * and the median of many frames.
 *
 *	bench-split [FRAMES]
 */
#include "host.h"
#include "weir_cunit.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECEIVER 2
#define HEADER	 64u

/* What the watcher is to look for next, and what it saw. */
struct watch {
	const volatile struct weir_rx_completion *header, *end;
	uint32_t header_phase, end_phase;
	uint32_t wanted,
		seen; /* numbers of frames: written by the card's thread, by the watcher's */
	uint64_t header_ns, end_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void wait_for(const volatile struct weir_rx_completion *entry, uint32_t phase)
{
	while ((weir_le32_to_cpu(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE)) &
		WEIR_RXC_PHASE_MASK) != phase)
		;
}

static void *watch_frames(void *opaque)
{
	struct watch *watch = opaque;
	uint32_t number = 0;

	for (;;) {
		while (__atomic_load_n(&watch->wanted, __ATOMIC_ACQUIRE) == number)
			;
		number = watch->wanted;
		if (number == UINT32_MAX)
			return NULL;
		wait_for(watch->header, watch->header_phase);
		watch->header_ns = now_ns();
		wait_for(watch->end, watch->end_phase);
		watch->end_ns = now_ns();
		__atomic_store_n(&watch->seen, number, __ATOMIC_RELEASE);
	}
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print(const char *what, uint32_t *ns, uint32_t count)
{
	qsort(ns, count, sizeof(*ns), compare);
	printf("  %s %6u %6u", what, ns[0], ns[count / 2]);
}

/* The completion `ahead` places behind the next one, and what its phase will be. */
static const volatile struct weir_rx_completion *completion(struct host_function *to,
							    uint32_t ahead, uint32_t *phase)
{
	const struct host_rx *rx = &to->rx[0];
	const struct weir_rx_completion *ring = host_pointer(to, rx->completion);
	uint16_t place = (uint16_t)(rx->taken + ahead);

	*phase = ~(uint32_t)place >> rx->completion_log2 & 1;
	return &ring[place & ((1u << rx->completion_log2) - 1)];
}

static void run(struct host *host, struct watch *watch, uint32_t bytes, uint16_t ahead,
		uint32_t frames)
{
	struct host_function *from = &host->functions[1], *to = &host->functions[RECEIVER];
	uint32_t *header_ns = calloc(frames, sizeof(*header_ns)),
		 *end_ns = calloc(frames, sizeof(*end_ns));
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;

	WEIR_REQUIRE(header_ns && end_ns);
	WEIR_REQUIRE_EQ(host_queue_destroy(to, 0), 0);
	to->rx[0].split = (struct host_split){ WEIR_SPLIT_MODE_FIXED, HEADER, 0, ahead };
	WEIR_REQUIRE_EQ(host_queue_create(to, 0, 4032, WEIR_VECTOR_NONE, false), 0);
	host_settle(host);
	for (uint32_t i = 0; i < frames; i++) {
		uint32_t last = (bytes - HEADER + 4031) / 4032;
		uint64_t start;

		host_make_frame(frame, 0x20000000002ull, 0x10000000002ull, 0, 0, bytes, 1, i);
		WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
		watch->header = completion(to, 0, &watch->header_phase);
		watch->end = completion(to, last, &watch->end_phase);
		__atomic_store_n(&watch->wanted, watch->wanted + 1, __ATOMIC_RELEASE);
		start = now_ns();
		host_send_done(from, 0);
		host_settle(host);
		while (__atomic_load_n(&watch->seen, __ATOMIC_ACQUIRE) != watch->wanted)
			sched_yield();
		header_ns[i] = (uint32_t)(watch->header_ns - start);
		end_ns[i] = (uint32_t)(watch->end_ns - start);
		WEIR_REQUIRE(host_receive(to, 0, &got));
		host_settle(host);
	}
	printf("%5u bytes, %s:", bytes, ahead ? "header ahead" : "together    ");
	print("header least, median", header_ns, frames);
	print("end", end_ns, frames);
	printf("\n");
	free(header_ns);
	free(end_ns);
}

static uint32_t frames_asked = 5000;

static void measure(void)
{
	static const uint32_t lengths[] = { 256, 1514, 4000, 9000 };
	struct host *host = host_create_real_time(2, 0);
	struct watch watch = { 0 };
	pthread_t watcher;

	/* Without a cable there is no link. */
	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], 0x2, 1, 2048, false));
	host_enable_vfs(host, 2);
	WEIR_REQUIRE(host_up(&host->functions[1], 0x10000000002ull, 1, 2048, false));
	WEIR_REQUIRE(host_up(&host->functions[RECEIVER], 0x20000000002ull, 1, 2048, false));
	WEIR_REQUIRE_EQ(pthread_create(&watcher, NULL, watch_frames, &watch), 0);
	for (size_t i = 0; i < WEIR_TESTS(lengths); i++)
		for (uint16_t ahead = 0; ahead <= 1; ahead++)
			run(host, &watch, lengths[i], ahead, frames_asked);
	__atomic_store_n(&watch.wanted, UINT32_MAX, __ATOMIC_RELEASE);
	pthread_join(watcher, NULL);
	host_destroy(host);
}

int main(int argc, char **argv)
{
	static const struct weir_test tests[] = { { "bench.split.measured", measure } };

	if (argc > 1)
		frames_asked = (uint32_t)atoi(argv[1]);
	return weir_cunit_main(1, argv, "split", tests, 1);
}
