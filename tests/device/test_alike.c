/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames alike, one behind the other: the device may look at the first one only and handle them together (one completion write, one
 * count). Nobody may be able to tell: each is delivered, fails, is dropped and counted by itself, in its place.
 */
#include "suite.h"

#include <string.h>

#define NOWHERE	  (1ull << 50) /* mapped to nobody */
#define BROADCAST 0xffffffffffffull

/* Frames numbered from `first` on, all handed over at once. */
static void send_some(struct host_function *from, uint64_t destination, uint32_t count,
		      uint32_t bytes, uint32_t first)
{
	static uint8_t frame[HOST_FRAME_MAX];

	for (uint32_t i = 0; i < count; i++) {
		host_make_frame(frame, destination, test_mac(from->index), 0, 0, bytes, 1,
				first + i);
		WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
	}
	host_send_done(from, 0);
}

/* The number of a frame, which is whole. */
static uint32_t number_of(const struct host_frame *frame)
{
	uint32_t flow = 0, number = UINT32_MAX;

	WEIR_EXPECT(host_check_frame(frame->data, frame->bytes, &flow, &number));
	return number;
}

/* What arrives at a function's queue 0 must be these numbers, in order; `without` is left out. */
static void expect_numbers(struct host_function *function, uint32_t first, uint32_t count,
			   uint32_t without)
{
	static struct host_frame got;

	for (uint32_t i = first; i < first + count; i++) {
		if (i == without)
			continue;
		WEIR_REQUIRE(host_receive(function, 0, &got));
		WEIR_EXPECT_EQ(number_of(&got), i);
	}
	WEIR_EXPECT(!host_receive(function, 0, &got));
}

static uint64_t stat(struct host_function *function, uint32_t counter)
{
	return host_stat(function, WEIR_STATS_SCOPE_VPORT, 0, counter);
}

static uint64_t queue_stat(struct host_function *function, uint32_t counter)
{
	return host_stat(function, WEIR_STATS_SCOPE_RX_QUEUE, 0, counter);
}

static void one_whose_buffer_faults_fails_alone(void)
{
	for (uint32_t which = 0; which < 9; which++) {
		struct host *host = test_card(2, 1, 2048, false);
		struct host_function *a = &host->functions[1], *b = &host->functions[2];
		weir_le64 *ring = host_pointer(b, b->rx[0].ring);

		/* The device has not looked at it yet: nothing has come. */
		ring[which] = weir_cpu_to_le64(NOWHERE);
		send_some(a, test_mac(2), 9, 300, 0);
		host_settle(host);
		expect_numbers(b, 0, 9, which);
		WEIR_EXPECT_EQ(b->rx[0].errors, 1);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_FRAMES), 8);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_BYTES), 8 * 300);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_DROPPED_FAULT), 1);
		WEIR_EXPECT_EQ(queue_stat(b, WEIR_STAT_RX_QUEUE_FRAMES), 8);
		WEIR_EXPECT_EQ(queue_stat(b, WEIR_STAT_RX_QUEUE_BYTES), 8 * 300);
		/* The sender has nothing to do with it. */
		WEIR_EXPECT_EQ(stat(a, WEIR_STAT_VPORT_TX_FRAMES), 9);
		WEIR_EXPECT_EQ(stat(a, WEIR_STAT_VPORT_TX_LOOPED), 9);
		WEIR_EXPECT_EQ(stat(a, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 0);
		WEIR_EXPECT_EQ(host_stat(b, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_DMA_FAULTS),
			       1);
		/* The buffer's place in the ring holds a good one by now. */
		send_some(a, test_mac(2), 20, 300, 9);
		host_settle(host);
		expect_numbers(b, 9, 20, UINT32_MAX);
		host_destroy(host);
	}
}

/* Posts a frame of 300 bytes of which the last 15, or all, lie nowhere. */
static void post_torn(struct host_function *function, bool headless)
{
	static uint8_t frame[300];
	uint64_t place = host_alloc(function, sizeof(frame), 64);
	const struct weir_tx_descriptor first = {
		.address = weir_cpu_to_le64(headless ? NOWHERE : place),
		.length = weir_cpu_to_le16(285),
	};
	const struct weir_tx_descriptor last = {
		.address = weir_cpu_to_le64(NOWHERE + 4096),
		.length = weir_cpu_to_le16(15),
		.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK),
	};

	host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1, 99);
	memcpy(host_pointer(function, place), frame, sizeof(frame));
	host_post_descriptor(function, 0, &first);
	host_post_descriptor(function, 0, &last);
}

static void one_that_cannot_be_read_fails_alone(void)
{
	for (uint32_t headless = 0; headless < 2; headless++) {
		struct host *host = test_card(2, 1, 2048, false);
		struct host_function *a = &host->functions[1], *b = &host->functions[2];
		static uint8_t frame[300];

		for (uint32_t i = 0; i < 9; i++) {
			host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, 300, 1, i);
			if (i == 4)
				post_torn(a, headless);
			else
				WEIR_REQUIRE(host_send(a, 0, frame, 300, 1, 0, 0, 0));
		}
		host_send_done(a, 0);
		host_settle(host);
		expect_numbers(b, 0, 9, 4);
		/* Found out before a buffer was taken for it, or when it was being filled. */
		WEIR_EXPECT_EQ(b->rx[0].errors, !headless);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_FRAMES), 8);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_BYTES), 8 * 300);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_DROPPED_FAULT), !headless);
		WEIR_EXPECT_EQ(stat(a, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 1);
		WEIR_EXPECT_EQ(host_stat(b, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_DMA_FAULTS),
			       0);
		WEIR_EXPECT_EQ(host_stat(a, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_DMA_FAULTS),
			       1);
		host_destroy(host);
	}
}

/* Takes `count` completions of good frames without giving the buffers back. */
static void take_and_keep(struct host_function *function, uint32_t count)
{
	struct host_rx *rx = &function->rx[0];
	const struct weir_rx_completion *ring = host_pointer(function, rx->completion);

	for (; count; count--, rx->taken++) {
		const struct weir_rx_completion *entry =
			&ring[rx->taken & ((1u << rx->completion_log2) - 1)];
		uint32_t flags = weir_le32_to_cpu(entry->flags);

		WEIR_REQUIRE_EQ(WEIR_GET(WEIR_RXC_PHASE, flags),
				(~(uint32_t)rx->taken >> rx->completion_log2 & 1));
		WEIR_EXPECT_EQ(flags & (WEIR_RXC_END_MASK | WEIR_RXC_ERROR_MASK), WEIR_RXC_END_MASK);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(entry->buffer), rx->taken);
	}
}

static void a_queue_with_too_few_buffers_takes_the_first(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	uint32_t buffers = 1u << HOST_RING_LOG2;

	for (uint32_t i = 0; i < buffers - 4; i += 12) {
		send_some(a, test_mac(2), 12, 100, i);
		host_settle(host);
	}
	take_and_keep(b, buffers - 4);
	for (uint32_t round = 1; round <= 3; round++) {
		send_some(a, test_mac(2), 9, 100, 1000 * round);
		host_settle(host);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER), 5 * round);
		WEIR_EXPECT_EQ(queue_stat(b, WEIR_STAT_RX_QUEUE_DROPPED_NO_BUFFER), 5 * round);
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_FRAMES), buffers - 4 + 4 * round);
		/* Those four are given back one by one. */
		expect_numbers(b, 1000 * round, 4, UINT32_MAX);
		host_settle(host);
	}
	host_destroy(host);
}

static void longer_and_shorter_ones_keep_their_order(void)
{
	static const uint32_t bytes[] = { 100, 128, 129, 60, 1518, 64, 1519, 128,
					  500, 61,  60,	 60, 60,   60, 9000, 60 };
	struct host *host = test_card(2, 1, 128, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	static struct host_frame got;
	uint32_t dropped = 0;

	WEIR_REQUIRE_EQ(
		host_command(b, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MTU, 1500)), NULL), 0);
	for (uint32_t round = 0; round < 40; round++) {
		uint32_t count = 1 + round % WEIR_TESTS(bytes), buffers = 0;

		for (uint32_t i = 0; i < count; i++) {
			uint32_t length = bytes[(round + i) % WEIR_TESTS(bytes)];

			if (length <= 1518)
				buffers += (length + 127) / 128;
			if (length > 1518)
				dropped++;
			send_some(a, test_mac(2), 1, length, i);
		}
		WEIR_REQUIRE(buffers <= 1u << HOST_RING_LOG2);
		host_settle(host);
		for (uint32_t i = 0; i < count; i++) {
			uint32_t length = bytes[(round + i) % WEIR_TESTS(bytes)];

			if (length > 1518)
				continue;
			WEIR_REQUIRE(host_receive(b, 0, &got));
			WEIR_EXPECT_EQ(got.bytes, length);
			WEIR_EXPECT_EQ(number_of(&got), i);
			WEIR_EXPECT_EQ(got.buffers, (length + 127) / 128);
		}
		WEIR_EXPECT(!host_receive(b, 0, &got));
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE), dropped);
		host_settle(host);
	}
	host_destroy(host);
}

static void a_run_of_broadcasts_reaches_everybody_and_the_wire_in_order(void)
{
	struct host *host = test_card(5, 1, 2048, false);
	uint32_t flow, number, sent = 0;

	for (uint32_t round = 0; round < 12; round++) {
		uint32_t count = 1 + 7 * round % 32, wire = host->wire_count;

		send_some(&host->functions[1], BROADCAST, count, 200, sent);
		host_settle(host);
		for (uint16_t i = 0; i <= 5; i++)
			if (i != 1)
				expect_numbers(&host->functions[i], sent, count, UINT32_MAX);
		WEIR_REQUIRE_EQ(host->wire_count, wire + count);
		for (uint32_t i = 0; i < count; i++) {
			WEIR_EXPECT(
				host_check_frame(host->wire[wire + i].data, 200, &flow, &number));
			WEIR_EXPECT_EQ(number, sent + i);
		}
		sent += count;
		host_settle(host);
	}
	WEIR_EXPECT_EQ(stat(&host->functions[1], WEIR_STAT_VPORT_TX_LOOPED), 5 * sent);
	WEIR_EXPECT_EQ(stat(&host->functions[1], WEIR_STAT_VPORT_TX_BROADCAST), sent);
	WEIR_EXPECT_EQ(stat(&host->functions[2], WEIR_STAT_VPORT_RX_BROADCAST), sent);
	WEIR_EXPECT_EQ(host_stat(&host->functions[0], WEIR_STATS_SCOPE_PORT, 0,
				 WEIR_STAT_PORT_TX_FRAMES),
		       sent);
	WEIR_EXPECT_EQ(host_stat(&host->functions[0], WEIR_STATS_SCOPE_PORT, 0,
				 WEIR_STAT_PORT_TX_BYTES),
		       200 * sent);
	host_destroy(host);
}

/* A filter goes while frames by it are on their way: each takes one of the two ways, the first of them the old one. */
static void a_filter_that_goes_meanwhile_parts_them_once(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	const uint64_t mac = 0x665544332202ull;
	static struct host_frame got;

	for (uint32_t round = 0; round < 30; round++) {
		uint32_t wire = host->wire_count, inside = 0, flow, number;

		WEIR_REQUIRE_EQ(host_command(b, WEIR_COMMAND_FILTER_ADD,
					     HOST_REQUEST(HOST_U(MAC, mac)), NULL),
				0);
		send_some(a, mac, 20, 100, 0);
		for (uint32_t turn = 0; turn < round % 10; turn++)
			host_turn(host);
		host_command_send(b, WEIR_COMMAND_FILTER_DELETE, HOST_REQUEST(HOST_U(MAC, mac)));
		WEIR_REQUIRE(host_transmit_room(a, 0) >= 20);
		send_some(a, mac, 20, 100, 20);
		WEIR_REQUIRE_EQ(host_command_wait(b, NULL), 0);
		/* Whoever was told that it is gone sees it used no more. */
		host_settle(host);
		send_some(a, mac, 5, 100, 40);
		host_settle(host);
		while (host_receive(b, 0, &got))
			WEIR_EXPECT_EQ(number_of(&got), inside++);
		WEIR_EXPECT(inside <= 40);
		WEIR_REQUIRE_EQ(host->wire_count - wire, 45 - inside);
		for (uint32_t i = wire; i < host->wire_count; i++) {
			WEIR_EXPECT(host_check_frame(host->wire[i].data, 100, &flow, &number));
			WEIR_EXPECT_EQ(number, inside++);
		}
		host_settle(host);
	}
	host_destroy(host);
}

/* In one burst: flows, by their ports, to queues in turn and in a row. */
static void flows_among_them_keep_to_their_queues(void)
{
	struct host *host = test_card(2, 4, 2048, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	uint32_t queue_of[8], next[8] = { 0 }, sent[8] = { 0 }, state = 1;
	static struct host_frame got;

	memset(queue_of, 0xff, sizeof(queue_of));
	for (uint32_t round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < 30; i++) {
			static const uint8_t ip[] = { 8,  0, 0x45, 0,  0, 50, 0, 0,  0, 0, 64,
						      17, 0, 0,	   10, 0, 0,  1, 10, 0, 0, 2 };
			uint8_t frame[64] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
			uint32_t flow;

			/* Often the same again. */
			state = state * 1664525u + 1013904223u;
			flow = state >> 30 ? state >> 27 & 7 : round & 7;
			memcpy(frame + 12, ip, sizeof(ip));
			frame[34] = 0x10;
			frame[35] = (uint8_t)flow;
			frame[42] = (uint8_t)sent[flow]++;
			WEIR_REQUIRE(host_send(a, 0, frame, sizeof(frame), 1, 0, 0, 0));
		}
		host_send_done(a, 0);
		host_settle(host);
		for (uint16_t queue = 0; queue < 4; queue++) {
			while (host_receive(b, queue, &got)) {
				uint32_t flow = got.data[35] & 7;

				WEIR_EXPECT_EQ(got.data[42], (uint8_t)next[flow]);
				next[flow]++;
				if (queue_of[flow] == UINT32_MAX)
					queue_of[flow] = queue;
				WEIR_EXPECT_EQ(queue_of[flow], queue);
			}
		}
		host_settle(host);
	}
	for (uint32_t flow = 0; flow < 8; flow++)
		WEIR_EXPECT_EQ(next[flow], sent[flow]);
	host_destroy(host);
}

/* A function is reset while a run for it, and runs for others behind it, are on their way. */
static void a_reset_of_the_receiver_takes_only_its_own(void)
{
	for (uint32_t round = 0; round < 24; round++) {
		struct host *host = test_card(3, 1, 2048, round % 2);
		struct host_function *a = &host->functions[1], *b = &host->functions[2],
				     *c = &host->functions[3];
		uint32_t seen = 0;
		static struct host_frame got;

		send_some(a, test_mac(2), 20, 500, 0);
		send_some(a, test_mac(3), 20, 500, 0);
		for (uint32_t turn = 0; turn < round; turn++)
			host_turn(host);
		host_flr(b);
		host_settle(host);
		expect_numbers(c, 0, 20, UINT32_MAX);
		host_forget(b);
		WEIR_REQUIRE(host_up(b, test_mac(2), 1, 2048, false));
		/* Nothing of its former life. */
		WEIR_EXPECT(!host_receive(b, 0, &got));
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_FRAMES), 0);
		WEIR_EXPECT_EQ(stat(a, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 0);
		send_some(a, test_mac(2), 20, 500, 100);
		host_settle(host);
		while (host_receive(b, 0, &got))
			WEIR_EXPECT_EQ(number_of(&got), 100 + seen++);
		WEIR_EXPECT_EQ(seen, 20);
		host_destroy(host);
	}
}

static void the_sender_may_be_reset_between_them(void)
{
	for (uint32_t round = 0; round < 24; round++) {
		struct host *host = test_card(2, 1, 2048, false);
		struct host_function *a = &host->functions[1], *b = &host->functions[2];
		uint32_t seen = 0;
		static struct host_frame got;

		send_some(a, test_mac(2), 30, 500, 0);
		for (uint32_t turn = 0; turn < round; turn++)
			host_turn(host);
		host_flr(a);
		host_settle(host);
		/* The first so many, each whole; those that were torn came back as errors. */
		while (host_receive(b, 0, &got)) {
			uint32_t number = number_of(&got);

			WEIR_EXPECT(number >= seen && number < 30);
			seen = number + 1;
		}
		WEIR_EXPECT_EQ(stat(b, WEIR_STAT_VPORT_RX_DROPPED_FAULT), b->rx[0].errors);
		WEIR_EXPECT_EQ(host_stat(b, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_DMA_FAULTS),
			       0);
		host_destroy(host);
	}
}

const struct weir_test alike_tests[] = {
	{ "alike.one_whose_buffer_faults_fails_alone", one_whose_buffer_faults_fails_alone },
	{ "alike.one_that_cannot_be_read_fails_alone", one_that_cannot_be_read_fails_alone },
	{ "alike.a_queue_with_too_few_buffers_takes_the_first",
	  a_queue_with_too_few_buffers_takes_the_first },
	{ "alike.longer_and_shorter_ones_keep_their_order",
	  longer_and_shorter_ones_keep_their_order },
	{ "alike.a_run_of_broadcasts_reaches_everybody_and_the_wire_in_order",
	  a_run_of_broadcasts_reaches_everybody_and_the_wire_in_order },
	{ "alike.a_filter_that_goes_meanwhile_parts_them_once",
	  a_filter_that_goes_meanwhile_parts_them_once },
	{ "alike.flows_among_them_keep_to_their_queues", flows_among_them_keep_to_their_queues },
	{ "alike.a_reset_of_the_receiver_takes_only_its_own",
	  a_reset_of_the_receiver_takes_only_its_own },
	{ "alike.the_sender_may_be_reset_between_them", the_sender_may_be_reset_between_them },
};
const size_t alike_test_count = WEIR_TESTS(alike_tests);
