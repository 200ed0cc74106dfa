/* SPDX-License-Identifier: BSD-3-Clause */
/* Data is right: sizes, alignments, pieces, wraps, full rings, many functions at once. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define RING (1u << HOST_RING_LOG2)

/* Sends one frame from a to b's queue 0 and expects exactly it. */
static void one_frame(struct host *host, struct host_function *a, struct host_function *b,
		      uint32_t bytes, uint32_t segments, uint32_t offset)
{
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;
	static uint32_t sequence;
	uint32_t flow, number;

	host_make_frame(frame, test_mac(b->index), test_mac(a->index), 0, 0, bytes, a->index,
			++sequence);
	WEIR_REQUIRE(host_send(a, 0, frame, bytes, segments, offset, 0, 0));
	host_send_done(a, 0);
	host_settle(host);
	WEIR_REQUIRE(host_receive(b, 0, &got));
	WEIR_EXPECT_EQ(got.bytes, bytes);
	WEIR_EXPECT(host_check_frame(got.data, got.bytes, &flow, &number));
	WEIR_EXPECT_EQ(number, sequence);
	WEIR_EXPECT_MEM(got.data, frame, bytes);
	WEIR_EXPECT_EQ(got.buffers, (bytes + b->rx[0].buffer_bytes - 1) / b->rx[0].buffer_bytes);
	WEIR_EXPECT(!host_receive(b, 0, &got));
}

static void every_size(bool shadow)
{
	struct host *host = test_card(2, 1, 2048, shadow);

	for (uint32_t bytes = 60; bytes <= 9018; bytes += bytes < 260 || bytes > 8990 ? 1 : 97)
		one_frame(host, &host->functions[1], &host->functions[2], bytes, 1, bytes % 8);
	host_destroy(host);
}

static void payloads_of_60_to_9018_bytes_arrive_whole(void)
{
	every_size(false);
}

static void payloads_arrive_whole_with_shadow_doorbells(void)
{
	every_size(true);
}

static void every_alignment_and_number_of_pieces_arrives_whole(void)
{
	struct host *host = test_card(2, 1, 256, false);

	for (uint32_t offset = 0; offset < 64; offset++)
		one_frame(host, &host->functions[1], &host->functions[2], 300 + offset, 1, offset);
	for (uint32_t segments = 1; segments <= WEIR_MAX_SEGMENTS; segments++)
		for (uint32_t bytes = 64; bytes < 9018; bytes = bytes * 3 + 1)
			one_frame(host, &host->functions[2], &host->functions[1], bytes, segments,
				  segments % 16);
	host_destroy(host);
}

static void span_buffers(bool shadow)
{
	struct host *host = test_card(2, 1, 128, shadow);

	/* The longest that a ring of this many buffers can take. */
	for (uint32_t bytes = 120; bytes <= RING * 128; bytes += 61)
		one_frame(host, &host->functions[1], &host->functions[2], bytes, 3, 1);
	host_destroy(host);
}

static void frames_longer_than_a_buffer_span_buffers(void)
{
	span_buffers(false);
}

/* Nobody rings: the device must look itself whether there are buffers, when it needs them. */
static void frames_span_buffers_with_shadow_doorbells(void)
{
	span_buffers(true);
}

static void a_frame_to_a_full_ring_is_dropped_whole_and_counted(void)
{
	struct host *host = test_card(2, 1, 1024, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;
	uint32_t flow, sequence, sent = 0, expected = 0;

	/* b takes nothing meanwhile: RING buffers of 1024 hold RING/3 frames of 3000. */
	while (sent < 2 * RING) {
		host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, 3000, 1, sent);
		if (host_send(a, 0, frame, 3000, 1, 0, 0, 0))
			sent++;
		host_send_done(a, 0);
		host_settle(host);
	}
	while (host_receive(b, 0, &got)) {
		WEIR_EXPECT(host_check_frame(got.data, got.bytes, &flow, &sequence));
		WEIR_EXPECT_EQ(sequence, expected);
		expected++;
	}
	WEIR_EXPECT_EQ(expected, RING / 3);
	WEIR_EXPECT_EQ(host_stat(b, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER),
		       sent - RING / 3);
	WEIR_EXPECT_EQ(host_stat(b, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_FRAMES), RING / 3);
	WEIR_EXPECT_EQ(host_stat(a, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_TX_FRAMES), sent);
	/* With buffers again, frames come again. */
	one_frame(host, a, b, 3000, 1, 0);
	host_destroy(host);
}

/* Every VF sends to every other at once, in bursts of uneven sizes; every receiver sees every flow complete and in order. */
static void many_vfs(uint16_t vfs, uint32_t rounds, bool shadow)
{
	struct host *host = test_card(vfs, 1, 2048, shadow);
	uint32_t *sent = calloc((vfs + 1u) * (vfs + 1u), 4),
		 *seen = calloc((vfs + 1u) * (vfs + 1u), 4);
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;
	uint32_t random = 1, total = 0, received = 0;

	for (uint32_t round = 0; round < rounds; round++) {
		for (uint32_t from = 1; from <= vfs; from++) {
			for (uint32_t k = 0; k < 8; k++) {
				random = random * 1664525u + 1013904223u;
				uint32_t to = 1 + (random >> 8) % vfs,
					 bytes = 60 + (random >> 4) % (k ? 300 : 8900);

				if (to == from)
					continue;
				host_make_frame(frame, test_mac(to), test_mac(from), 0, 0, bytes,
						from, sent[from * (vfs + 1u) + to]);
				if (!host_send(&host->functions[from], 0, frame, bytes,
					       1 + random % 3, random % 64, 0, 0))
					continue;
				sent[from * (vfs + 1u) + to]++;
				total++;
			}
			host_send_done(&host->functions[from], 0);
			if (round % 3)
				host_turn(host);
		}
		host_settle(host);
		for (uint32_t to = 1; to <= vfs; to++) {
			while (host_receive(&host->functions[to], 0, &got)) {
				uint32_t from, sequence;

				WEIR_REQUIRE(
					host_check_frame(got.data, got.bytes, &from, &sequence));
				WEIR_REQUIRE(from <= vfs);
				WEIR_EXPECT_EQ(got.data[5] | got.data[4] << 8, to);
				WEIR_EXPECT_EQ(sequence, seen[from * (vfs + 1u) + to]);
				seen[from * (vfs + 1u) + to]++;
				received++;
			}
		}
	}
	WEIR_EXPECT_EQ(received, total);
	WEIR_EXPECT(memcmp(sent, seen, (vfs + 1u) * (vfs + 1u) * 4) == 0);
	free(sent);
	free(seen);
	host_destroy(host);
}

static void sixty_four_vfs_at_once_lose_reorder_and_duplicate_nothing(void)
{
	many_vfs(64, 20, false);
}

static void sixty_four_vfs_with_shadow_doorbells_lose_nothing(void)
{
	many_vfs(64, 10, true);
}

static void indices_wrap_past_65536(void)
{
	struct host *host = test_card(2, 1, 2048, true);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;
	uint32_t sent = 0, seen = 0, flow, sequence;

	while (sent < 70000) {
		for (uint32_t i = 0; i < 40; i++) {
			host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, 60, 1, sent);
			if (!host_send(a, 0, frame, 60, 1, 0, 0, 0))
				break;
			sent++;
		}
		host_send_done(a, 0);
		host_turn(host);
		while (host_receive(b, 0, &got)) {
			WEIR_REQUIRE(host_check_frame(got.data, got.bytes, &flow, &sequence));
			WEIR_REQUIRE_EQ(sequence, seen);
			seen++;
		}
	}
	host_settle(host);
	while (host_receive(b, 0, &got))
		seen++;
	WEIR_EXPECT_EQ(seen, sent);
	host_destroy(host);
}

static void flows_spread_over_queues_and_stay_in_order(void)
{
	struct host *host = test_card(2, 4, 2048, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	uint32_t queue_of[32], next[32] = { 0 }, used = 0;
	static struct host_frame got;

	memset(queue_of, 0xff, sizeof(queue_of));
	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t flow = 0; flow < 32; flow++) {
			/* Ethernet, IPv4, UDP with the flow in the source port and the round in the payload. */
			uint8_t frame[64] = { 2,
					      0,
					      0,
					      0,
					      0,
					      2,
					      2,
					      0,
					      0,
					      0,
					      0,
					      1,
					      8,
					      0,
					      0x45,
					      0,
					      0,
					      50,
					      0,
					      0,
					      0,
					      0,
					      64,
					      17,
					      0,
					      0,
					      10,
					      0,
					      0,
					      1,
					      10,
					      0,
					      0,
					      2,
					      0x10,
					      (uint8_t)flow,
					      0x20,
					      0,
					      0,
					      30,
					      0,
					      0,
					      (uint8_t)round };

			/* The hash is linear: flows that differ in five bits alone can all miss a queue under some keys. */
			frame[27] = (uint8_t)(flow * flow + 7);
			frame[28] = (uint8_t)(flow * flow * flow >> 3);
			WEIR_REQUIRE(host_send(a, 0, frame, sizeof(frame), 1, 0, 0, 0));
			host_send_done(a, 0);
			host_turn(host);
		}
		host_settle(host);
		for (uint16_t queue = 0; queue < 4; queue++) {
			while (host_receive(b, queue, &got)) {
				uint32_t flow = got.data[35];

				WEIR_REQUIRE(flow < 32);
				WEIR_EXPECT_EQ(got.data[42], next[flow]);
				next[flow]++;
				if (queue_of[flow] == UINT32_MAX)
					queue_of[flow] = queue;
				WEIR_EXPECT_EQ(queue_of[flow], queue);
				WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
				used |= 1u << queue;
			}
		}
	}
	for (uint32_t flow = 0; flow < 32; flow++)
		WEIR_EXPECT_EQ(next[flow], 50);
	WEIR_EXPECT_EQ(used, 0xf);
	host_destroy(host);
}

static void two_cards_live_in_one_process(void)
{
	struct host *one = test_card(2, 1, 2048, false), *other = test_card(3, 1, 2048, true);

	for (uint32_t i = 0; i < 20; i++) {
		one_frame(one, &one->functions[1], &one->functions[2], 100 + i, 1, 0);
		one_frame(other, &other->functions[3], &other->functions[1], 200 + i, 1, 0);
	}
	host_destroy(one);
	one_frame(other, &other->functions[2], &other->functions[3], 500, 1, 0);
	host_destroy(other);
}

const struct weir_test data_tests[] = {
	{ "data.payloads_of_60_to_9018_bytes_arrive_whole",
	  payloads_of_60_to_9018_bytes_arrive_whole },
	{ "data.payloads_arrive_whole_with_shadow_doorbells",
	  payloads_arrive_whole_with_shadow_doorbells },
	{ "data.every_alignment_and_number_of_pieces_arrives_whole",
	  every_alignment_and_number_of_pieces_arrives_whole },
	{ "data.frames_longer_than_a_buffer_span_buffers",
	  frames_longer_than_a_buffer_span_buffers },
	{ "data.frames_span_buffers_with_shadow_doorbells",
	  frames_span_buffers_with_shadow_doorbells },
	{ "data.a_frame_to_a_full_ring_is_dropped_whole_and_counted",
	  a_frame_to_a_full_ring_is_dropped_whole_and_counted },
	{ "data.sixty_four_vfs_at_once_lose_reorder_and_duplicate_nothing",
	  sixty_four_vfs_at_once_lose_reorder_and_duplicate_nothing },
	{ "data.sixty_four_vfs_with_shadow_doorbells_lose_nothing",
	  sixty_four_vfs_with_shadow_doorbells_lose_nothing },
	{ "data.indices_wrap_past_65536", indices_wrap_past_65536 },
	{ "data.flows_spread_over_queues_and_stay_in_order",
	  flows_spread_over_queues_and_stay_in_order },
	{ "firmware.two_cards_live_in_one_process", two_cards_live_in_one_process },
};
const size_t data_test_count = WEIR_TESTS(data_tests);
