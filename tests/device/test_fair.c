/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit queues are served in turn, whatever function they belong to (specs/data-queues.md). */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#define VFS   4u
#define ALL   ((1u + VFS) * HOST_QUEUES)
#define BYTES 100u
#define BURST 32u /* frames that a turn is */

/* A frame for the wire; its flow is the number of its queue. */
static bool post(struct host *host, uint32_t queue, uint32_t bytes, uint32_t sequence)
{
	static uint8_t frame[HOST_FRAME_MAX];
	struct host_function *function = &host->functions[queue / HOST_QUEUES];

	host_make_frame(frame, test_mac(1000), test_mac(function->index), 0, 0, bytes, queue,
			sequence);
	return host_send(function, (uint16_t)(queue % HOST_QUEUES), frame, bytes, 1, 0, 0, 0);
}

/* As many as the ring takes. */
static void fill(struct host *host, uint32_t queue, uint32_t bytes)
{
	struct host_function *function = &host->functions[queue / HOST_QUEUES];
	bool any = false;

	while (post(host, queue, bytes, 0))
		any = true;
	if (any)
		host_send_done(function, (uint16_t)(queue % HOST_QUEUES));
}

/* How many frames of each queue left on the wire; forgets them. */
static uint32_t count_wire(struct host *host, uint32_t *counts)
{
	uint32_t frames = host->wire_count;

	for (uint32_t i = 0; i < frames; i++) {
		uint32_t flow, sequence;

		WEIR_REQUIRE(host_check_frame(host->wire[i].data, host->wire[i].bytes, &flow,
					      &sequence));
		WEIR_REQUIRE(flow < ALL);
		counts[flow]++;
	}
	host->wire_count = 0;
	return frames;
}

/* Every queue of every function always has more to send than it may; frames of the odd ones are this long. */
static void share(uint32_t odd_bytes)
{
	struct host *host = test_card(VFS, HOST_QUEUES, 2048, false);
	uint32_t counts[ALL] = { 0 }, least = UINT32_MAX, most = 0, total = 0;

	while (total < 20000) {
		for (uint32_t queue = 0; queue < ALL; queue++)
			fill(host, queue, queue % 2 ? odd_bytes : BYTES);
		host_turn(host);
		total += count_wire(host, counts);
	}
	for (uint32_t queue = 0; queue < ALL; queue++) {
		least = counts[queue] < least ? counts[queue] : least;
		most = counts[queue] > most ? counts[queue] : most;
	}
	printf("# of %u frames a queue sent %u to %u\n", total, least, most);
	/* A queue whose reads are late by chance, as in the deferred home, misses a turn. */
	WEIR_EXPECT(least * 10 >= most * (strcmp(weirsim_home(), "hwsim") ? 6 : 9));
	host_destroy(host);
}

static void full_queues_send_as_much_as_each_other(void)
{
	share(BYTES);
}

/* Turns are counted in frames. */
static void long_frames_take_no_turn_from_short_ones(void)
{
	share(1514);
}

static void a_lone_frame_waits_for_no_more_than_one_turn_of_each(void)
{
	struct host *host = test_card(VFS, HOST_QUEUES, 2048, false);
	uint32_t counts[ALL] = { 0 }, lone = ALL - 1, waited, longest = 0;

	for (uint32_t round = 0; round < 200; round++) {
		WEIR_REQUIRE(post(host, lone, BYTES, round));
		host_send_done(&host->functions[VFS], HOST_QUEUES - 1);
		count_wire(host, counts);
		counts[lone] = waited = 0;
		while (!counts[lone]) {
			for (uint32_t queue = 0; queue < lone; queue++)
				fill(host, queue, BYTES);
			host_turn(host);
			waited += count_wire(host, counts);
			/* A burst of each had begun, and another came before it. */
			WEIR_REQUIRE(waited <= 2 * ALL * BURST);
		}
		longest = waited > longest ? waited : longest;
	}
	printf("# behind %u full queues a frame left after %u others at most\n", lone, longest);
	host_destroy(host);
}

const struct weir_test fair_tests[] = {
	{ "fair.full_queues_send_as_much_as_each_other", full_queues_send_as_much_as_each_other },
	{ "fair.long_frames_take_no_turn_from_short_ones",
	  long_frames_take_no_turn_from_short_ones },
	{ "fair.a_lone_frame_waits_for_no_more_than_one_turn_of_each",
	  a_lone_frame_waits_for_no_more_than_one_turn_of_each },
};
const size_t fair_test_count = WEIR_TESTS(fair_tests);
