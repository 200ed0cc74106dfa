/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive coalescing across bursts: aggregates that wait for more segments, how long, and what ends the wait (specs/coalescing.md, "Waiting
 * for more"). What waits does so in every home alike: however the card sees a train, it becomes one aggregate.
 */
#include "stage.h"
#include "train.h"
#include "weir/weir_config_space.h"

#include <stdlib.h>
#include <string.h>

/* ---- what comes later joins ---- */

static void segments_of_later_bursts_join(void)
{
	static const uint32_t buffers[] = { 256, 512, 2048, 4032 };
	uint32_t bytes, bursts;

	for (uint32_t variant = 0; variant < 32; variant++) {
		struct host *host = train_card_that_waits(buffers[variant % 4], TRAIN_WAIT_US);
		struct host_function *to = &host->functions[2];
		struct packet packet = train_segment(variant & 4 ? 100 : 61);

		packet.ipv6 = variant & 8;
		packet.tag_protocol[0] = variant & 16 ? 0x8100 : 0;
		packet.tci[0] = 5;
		packet.tcp_options = variant & 1 ? 12 : 0;
		train_make(&packet, 20);
		bytes = bursts = 0;
		for (uint32_t i = 0, part; i < 20; i += part, bursts++) {
			part = least(1 + (variant + bursts) % 4, 20 - i);
			train_arrive(host, i, part);
			train_expect_nothing_more(host);
		}
		for (uint32_t i = 0; i < 20; i++)
			bytes += train.bytes[i];
		host_pass_ms(host, TRAIN_WAIT_MS);
		train_expect_one(host, 0, 20);
		train_expect_nothing_more(host);
		WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_FRAMES), 20);
		WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_BYTES), bytes);
		WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 1);
		WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_COALESCED), 20);
		WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_COALESCE_EXPIRED), 1);
		host_destroy(host);
	}
}

/* The limit is reached in the middle of a burst: what is left begins the next one. */
static void limits_hold_across_bursts(void)
{
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct packet packet = train_segment(1000);

	WEIR_REQUIRE_EQ(train_coalesce(&host->functions[2], 7, 65535), 0);
	train_make(&packet, 20);
	train_arrive(host, 0, 5);
	train_expect_nothing_more(host);
	train_arrive(host, 5, 5);
	train_expect_one(host, 0, 7);
	train_expect_nothing_more(host);
	train_arrive(host, 10, 10);
	train_expect_one(host, 7, 7);
	train_expect_nothing_more(host);
	host_pass_ms(host, TRAIN_WAIT_MS);
	train_expect_one(host, 14, 6);
	/* Headers of 66 bytes and three payloads. */
	WEIR_REQUIRE_EQ(train_coalesce(&host->functions[2], 32, 66 + 3999), 0);
	train_make(&packet, 8);
	for (uint32_t i = 0; i < 8; i++)
		train_arrive(host, i, 1);
	train_expect_one(host, 0, 3);
	train_expect_one(host, 3, 3);
	host_pass_ms(host, TRAIN_WAIT_MS);
	train_expect_one(host, 6, 2);
	train_expect_nothing_more(host);
	host_destroy(host);
}

/* ---- how long ---- */

static void it_waits_from_its_first_segment_on(void)
{
	struct host *host = train_card_that_waits(2048, 50);
	struct packet packet = train_segment(700);

	train_make(&packet, 3);
	train_arrive(host, 0, 1);
	stage_pass_ns(host, 30 * US);
	train_arrive(host, 1, 2);
	stage_pass_ns(host, 20 * US - 1);
	train_expect_nothing_more(host);
	stage_pass_ns(host, 1);
	train_expect_one(host, 0, 3);
	host_destroy(host);
}

/* One that found no company is the frame it was, told of as ever. */
static void a_segment_alone_is_itself(void)
{
	struct host *host = train_card_that_waits(2048, 50);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(700);

	WEIR_REQUIRE_EQ(host_vport_flags(to, WEIR_VPORT_RX_CHECKSUM, WEIR_VPORT_RX_CHECKSUM), 0);
	train_make(&packet, 1);
	for (uint32_t us = 0; us <= 50; us += 50) {
		WEIR_REQUIRE_EQ(train_wait(to, us), 0);
		stage_settle(host);
		train_arrive(host, 0, 1);
		if (us)
			train_expect_nothing_more(host);
		stage_pass_ns(host, us * US);
		WEIR_REQUIRE(host_receive(to, 0, &got));
		WEIR_EXPECT_EQ(got.bytes, train.bytes[0]);
		WEIR_EXPECT_MEM(got.data, train.frame[0], got.bytes);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, got.flags), WEIR_CHECKSUM_STATE_GOOD);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_IP, got.flags), WEIR_CHECKSUM_STATE_GOOD);
	}
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 0);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_FRAMES), 2);
	host_destroy(host);
}

static void the_interrupt_comes_with_the_completion(void)
{
	struct host *host = train_card_that_waits(2048, 50);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(700);
	uint32_t before;

	train_make(&packet, 4);
	host_doorbell(to, 0, WEIR_DOORBELL_RX_ARM, to->rx[0].taken);
	stage_settle(host);
	before = to->interrupts[STAGE_VECTOR];
	train_arrive(host, 0, 2);
	stage_pass_ns(host, 20 * US);
	/* Armed again, as whoever polls does: there is nothing to tell of. */
	host_doorbell(to, 0, WEIR_DOORBELL_RX_ARM, to->rx[0].taken);
	train_arrive(host, 2, 2);
	WEIR_EXPECT_EQ(to->interrupts[STAGE_VECTOR], before);
	stage_pass_ns(host, 30 * US);
	WEIR_EXPECT_EQ(to->interrupts[STAGE_VECTOR], before + 1);
	train_expect_one(host, 0, 4);
	host_destroy(host);
}

static void its_time_is_that_of_its_first_segment(void)
{
	struct packet packet = train_segment(700);
	struct host *host = train_card_with_times();
	struct host_function *to = &host->functions[2];
	uint64_t first_ns;

	WEIR_REQUIRE_EQ(train_wait(to, 1000), 0);
	train_make(&packet, 8);
	stage_settle(host);
	first_ns = weirsim_now_ns(host->sim);
	train_arrive(host, 0, 3);
	stage_pass_ns(host, 700 * US);
	train_arrive(host, 3, 5);
	stage_pass_ns(host, 300 * US);
	train_expect_one(host, 0, 8);
	WEIR_EXPECT(aggregate.flags & WEIR_RXC_TIMESTAMP_MASK);
	WEIR_EXPECT_EQ(aggregate.time_ns, first_ns);
	host_destroy(host);
}

/* ---- what ends the wait ---- */

static void the_last_segment_ends_it(void)
{
	const uint8_t ends[] = { ACK, ACK | PSH, ACK | FIN };
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);

	for (uint32_t i = 0; i < 3; i++) {
		struct packet packet = train_segment(1000);

		train_make(&packet, 3);
		packet.payload = ends[i] == ACK ? 999 : 1000;
		train_add(&packet, ends[i]);
		train_arrive(host, 0, 2);
		train_arrive(host, 2, 1);
		train_expect_nothing_more(host);
		train_arrive(host, 3, 1);
		train_expect_one(host, 0, 4);
		train_expect_nothing_more(host);
	}
	WEIR_EXPECT_EQ(vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_COALESCE_EXPIRED), 0);
	host_destroy(host);
}

/* Buffers of an aggregate lie in a row: another flow's frame for the queue waits for none. */
static void another_frame_for_its_queue_ends_it(void)
{
	static uint8_t frame[100];
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct packet packet = train_segment(1000);

	train_make(&packet, 3);
	train_arrive(host, 0, 2);
	train_expect_nothing_more(host);
	host_make_frame(frame, test_mac(2), test_mac(9), 0, 0, sizeof(frame), 1, 1);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, sizeof(frame)), 0);
	stage_settle(host);
	train_expect_one(host, 0, 2);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_MEM(got.data, frame, sizeof(frame));
	train_expect_nothing_more(host);
	/* A broadcast is everybody's. */
	train_arrive(host, 0, 2);
	memset(frame, 0xff, 6);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, sizeof(frame)), 0);
	stage_settle(host);
	train_expect_one(host, 0, 2);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	train_expect_nothing_more(host);
	host_destroy(host);
}

static void frames_of_low_latency_do_not_wait(void)
{
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(700);

	train_make(&packet, 6);
	WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_VPORT_SET,
				     HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 2000)), NULL),
			0);
	train_arrive(host, 0, 1);
	train_expect_one(host, 0, 1);
	train_arrive(host, 1, 2);
	if (train_is_seen_whole()) {
		train_expect_one(host, 1, 2);
	} else {
		train_expect(host, 1, 2);
	}
	train_expect_nothing_more(host);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_LOW_LATENCY), 3);
	/* One that joins what waits ends the wait. */
	WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_VPORT_SET,
				     HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 0),
						  HOST_U(LOW_LATENCY_PRIORITIES, 0x40)),
				     NULL),
			0);
	stage_settle(host);
	train_arrive(host, 3, 2);
	train_expect_nothing_more(host);
	WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_VPORT_SET,
				     HOST_REQUEST(HOST_U(LOW_LATENCY_PUSH, 1)), NULL),
			0);
	stage_settle(host);
	train_expect_one(host, 3, 2);
	host_destroy(host);
}

/* Settings, spread, rules: what a frame goes by changes, and what waits has gone by it already. */
static void changes_end_it(void)
{
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(700);
	uint16_t queues[WEIR_INDIRECTION_ENTRIES] = { 0 };
	struct weir_steer_key key = { .l3 = 0 }, mask = key;

	memset(mask.destination_port, 0xff, 2);
	train_make(&packet, 3);
	for (uint32_t change = 0; change < 6; change++) {
		int status = -1;

		train_arrive(host, 0, 1);
		train_arrive(host, 1, 2);
		train_expect_nothing_more(host);
		switch (change) {
		case 0:
			status = train_coalesce(to, 32, 65535);
			break;
		case 1:
			status = host_command(
				to, WEIR_COMMAND_VPORT_SPREAD,
				HOST_REQUEST(HOST_BYTES(INDIRECTION, queues, sizeof(queues))),
				NULL);
			break;
		case 2:
			status = host_command(
				to, WEIR_COMMAND_STEER_ADD,
				HOST_REQUEST(HOST_U(STEER_LOCATION, 1),
					     HOST_BYTES(STEER_KEY, &key, sizeof(key)),
					     HOST_BYTES(STEER_MASK, &mask, sizeof(mask)),
					     HOST_U(STEER_ACTION, WEIR_STEER_ACTION_QUEUE),
					     HOST_U(QUEUE, 0)),
				NULL);
			break;
		case 3:
			status = host_command(to, WEIR_COMMAND_STEER_DELETE,
					      HOST_REQUEST(HOST_U(STEER_LOCATION, 1)), NULL);
			break;
		case 4:
			status = train_wait(to, TRAIN_WAIT_US);
			break;
		default:
			status = host_vport_flags(to, 0, WEIR_VPORT_ENABLE);
			break;
		}
		WEIR_REQUIRE_EQ(status, 0);
		stage_settle(host);
		train_expect_one(host, 0, 3);
		train_expect_nothing_more(host);
	}
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_COALESCE_EXPIRED), 0);
	host_destroy(host);
}

/* ---- ends of queues and functions ---- */

static void a_queue_that_is_destroyed_delivers_first(void)
{
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(700);

	for (uint32_t round = 0; round < 80; round++) {
		train_make(&packet, 4);
		train_arrive(host, 0, 4);
		train_expect_nothing_more(host);
		WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_RX_QUEUE_DESTROY,
					     HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
				0);
		train_expect_one(host, 0, 4);
		WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_TX_QUEUE_DESTROY,
					     HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
				0);
		to->rx[0].created = to->tx[0].created = false;
		WEIR_REQUIRE_EQ(host_queue_create(to, 0, 2048, 1, false), 0);
		stage_settle(host);
	}
	host_destroy(host);
}

/* Resets with aggregates open, and with bursts that write to them: nothing of them arrives, and no place for one is lost. */
static void a_reset_leaves_nothing_behind(void)
{
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(700);

	srand(42);
	for (uint32_t round = 0; round < 3 * WEIR_COALESCE_SEGMENTS_MAX; round++) {
		train_make(&packet, 6);
		train_arrive(host, 0, 3);
		for (uint32_t i = 3; i < 6; i++)
			WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, train.frame[i],
							     train.bytes[i]),
					0);
		for (uint32_t turns = (uint32_t)rand() % 12; turns; turns--)
			weirsim_poll(host->sim);
		host_flr(to);
		host_pass_ms(host, 5);
		WEIR_EXPECT_EQ(host_state(to), WEIR_FUNCTION_STATE_READY);
		host_forget(to);
		WEIR_REQUIRE(host_up(to, test_mac(2), 1, 2048, false));
		WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_US), 0);
		WEIR_REQUIRE_EQ(train_coalesce(to, 32, 65535), 0);
		WEIR_REQUIRE_EQ(train_wait(to, TRAIN_WAIT_US), 0);
		host_pass_ms(host, TRAIN_WAIT_MS);
		train_expect_nothing_more(host);
	}
	train_arrive(host, 0, 1);
	train_arrive(host, 1, 5);
	train_expect_nothing_more(host);
	host_pass_ms(host, TRAIN_WAIT_MS);
	train_expect_one(host, 0, 6);
	host_destroy(host);
}

/* Without bus master a function stands still; what has waited comes when it goes on. */
static void a_function_off_the_bus_gets_it_later(void)
{
	struct host *host = train_card_that_waits(2048, 50);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(700);
	uint32_t command = weirsim_config_read(host->sim, 2, WEIR_CFG_COMMAND, 2);

	train_make(&packet, 4);
	train_arrive(host, 0, 2);
	weirsim_config_write(host->sim, 2, WEIR_CFG_COMMAND, command & ~4u, 2);
	host_pass_ms(host, 3);
	train_expect_nothing_more(host);
	weirsim_config_write(host->sim, 2, WEIR_CFG_COMMAND, command, 2);
	host_pass_ms(host, 3);
	train_expect_one(host, 0, 2);
	train_arrive(host, 2, 2);
	stage_pass_ns(host, 50 * US);
	train_expect_one(host, 2, 2);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_COALESCE_EXPIRED), 2);
	host_destroy(host);
}

static void a_fault_gives_all_buffers_back(void)
{
	struct host *host = train_card_that_waits(512, TRAIN_WAIT_US);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(400);
	weir_le64 *ring = host_pointer(to, to->rx[0].ring);

	/* Not fetched yet: the first frame makes the card do so. */
	ring[2] = weir_cpu_to_le64(0xdead0000);
	train_make(&packet, 6);
	train_arrive(host, 0, 2);
	train_arrive(host, 2, 2);
	host_pass_ms(host, TRAIN_WAIT_MS);
	WEIR_REQUIRE(host_receive_aggregate(to, 0, &aggregate));
	WEIR_EXPECT(aggregate.flags & WEIR_RXC_ERROR_MASK);
	WEIR_EXPECT_EQ(aggregate.buffers, (66 + 4 * 400 + 511) / 512);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_DROPPED_FAULT), 4);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_FRAMES), 0);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 0);
	train_arrive(host, 0, 1);
	train_arrive(host, 1, 5);
	host_pass_ms(host, TRAIN_WAIT_MS);
	train_expect_one(host, 0, 6);
	host_destroy(host);
}

/* Four buffers are left: the segment that needs a fifth is dropped as ever, and what waits is delivered. */
static void too_few_buffers_end_it(void)
{
	static uint8_t frame[100];
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct host_function *to = &host->functions[2];
	struct packet packet = train_segment(1448);

	for (uint32_t i = 0; i < 60; i++) {
		host_make_frame(frame, test_mac(2), test_mac(9), 0, 0, sizeof(frame), 1, i);
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, sizeof(frame)), 0);
		stage_settle(host);
	}
	train_make(&packet, 6);
	train_arrive(host, 0, 2);
	train_arrive(host, 2, 3);
	train_arrive(host, 5, 1);
	for (uint32_t i = 0; i < 60; i++)
		WEIR_REQUIRE(host_receive(to, 0, &got));
	train_expect_one(host, 0, 5);
	train_expect_nothing_more(host);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER), 1);
	host_destroy(host);
}

/* Of a queue whose buffers a shadow doorbell tells of: what it says is asked for once, not for ever. */
static void too_few_buffers_begin_none(void)
{
	struct packet packet = train_segment(1448);
	struct host *host = test_card(3, 1, 128, true);
	struct host_function *to = &host->functions[2];

	WEIR_REQUIRE_EQ(train_coalesce(to, WEIR_COALESCE_SEGMENTS_MAX, WEIR_COALESCE_BYTES_MAX), 0);
	WEIR_REQUIRE_EQ(train_wait(to, TRAIN_WAIT_US), 0);
	/* 64 buffers are posted: room for 5 such segments, in one aggregate or not. */
	train_make(&packet, 24);
	train_from_wire(host);
	host_pass_ms(host, TRAIN_WAIT_MS);
	for (uint32_t done = 0; done < 5;)
		done += train_take_row(host, done, 5 - done);
	train_expect_nothing_more(host);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER), 19);
	host_destroy(host);
}

/* More than may wait at a time: the others are delivered at once. */
static void so_many_wait_at_a_time(void)
{
	enum { VFS = 66, HELD = 64 };
	struct host *host = host_create(VFS, test_seed());
	struct packet packet = train_segment(300);
	uint32_t at_once = 0, later = 0;

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, VFS);
	train_make(&packet, 1);
	for (uint32_t vf = 1; vf <= VFS; vf++) {
		struct host_function *to = &host->functions[vf];

		WEIR_REQUIRE(host_up(to, test_mac(vf), 1, 2048, false));
		WEIR_REQUIRE_EQ(train_coalesce(to, 32, 65535), 0);
		WEIR_REQUIRE_EQ(train_wait(to, TRAIN_WAIT_US), 0);
	}
	for (uint32_t vf = 1; vf <= VFS; vf++) {
		packet.destination = test_mac(vf);
		train_make(&packet, 1);
		train_arrive(host, 0, 1);
	}
	for (uint32_t vf = 1; vf <= VFS; vf++)
		at_once += host_receive(&host->functions[vf], 0, &got);
	WEIR_EXPECT_EQ(at_once, VFS - HELD);
	host_pass_ms(host, TRAIN_WAIT_MS);
	for (uint32_t vf = 1; vf <= VFS; vf++)
		later += host_receive(&host->functions[vf], 0, &got);
	WEIR_EXPECT_EQ(later, HELD);
	host_destroy(host);
}

const struct weir_test hold_tests[] = {
	{ "coalescing_held.segments_of_later_bursts_join", segments_of_later_bursts_join },
	{ "coalescing_held.limits_hold_across_bursts", limits_hold_across_bursts },
	{ "coalescing_held.it_waits_from_its_first_segment_on", it_waits_from_its_first_segment_on },
	{ "coalescing_held.a_segment_alone_is_itself", a_segment_alone_is_itself },
	{ "coalescing_held.the_interrupt_comes_with_the_completion",
	  the_interrupt_comes_with_the_completion },
	{ "coalescing_held.its_time_is_that_of_its_first_segment",
	  its_time_is_that_of_its_first_segment },
	{ "coalescing_held.the_last_segment_ends_it", the_last_segment_ends_it },
	{ "coalescing_held.another_frame_for_its_queue_ends_it",
	  another_frame_for_its_queue_ends_it },
	{ "coalescing_held.frames_of_low_latency_do_not_wait", frames_of_low_latency_do_not_wait },
	{ "coalescing_held.changes_end_it", changes_end_it },
	{ "coalescing_held.a_queue_that_is_destroyed_delivers_first",
	  a_queue_that_is_destroyed_delivers_first },
	{ "coalescing_held.a_reset_leaves_nothing_behind", a_reset_leaves_nothing_behind },
	{ "coalescing_held.a_function_off_the_bus_gets_it_later",
	  a_function_off_the_bus_gets_it_later },
	{ "coalescing_held.a_fault_gives_all_buffers_back", a_fault_gives_all_buffers_back },
	{ "coalescing_held.too_few_buffers_end_it", too_few_buffers_end_it },
	{ "coalescing_held.too_few_buffers_begin_none", too_few_buffers_begin_none },
	{ "coalescing_held.so_many_wait_at_a_time", so_many_wait_at_a_time },
};
const size_t hold_test_count = WEIR_TESTS(hold_tests);
