/* SPDX-License-Identifier: BSD-3-Clause */
/* When frames arrived and left (specs/time.md), under virtual time: to the nanosecond. */
#include "scene.h"
#include "times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH_NS    1700000000000000000ull
#define WIRE_MAC    0x665544332202ull /* of nobody here */
#define ASK	    WEIR_TXD_TIMESTAMP_MASK
#define RING	    (1u << HOST_RING_LOG2)
#define FRAME_BYTES 300u

static uint8_t frame[HOST_FRAME_MAX];
static struct host_frame got;

/* Queue pair 0 of a function again, with times or without. */
static void renew(struct host_function *function, bool timed, bool reported, uint32_t buffer_bytes)
{
	if (function->rx[0].created)
		WEIR_REQUIRE_EQ(host_queue_destroy(function, 0), WEIR_STATUS_OK);
	function->rx[0].timed = timed;
	function->tx[0].reported = reported;
	WEIR_REQUIRE_EQ(host_queue_create(function, 0, buffer_bytes, 1, function->index % 2),
			WEIR_STATUS_OK);
}

/* A card of so many VFs with times and reports everywhere, its clock set. */
static struct host *timed_card(uint16_t vfs, uint32_t buffer_bytes)
{
	struct host *host = test_card(vfs, 0, 2048, false);

	for (uint32_t i = 0; i <= vfs; i++)
		renew(&host->functions[i], true, true, buffer_bytes);
	WEIR_REQUIRE_EQ(test_clock_set(&host->functions[0], WEIR_ATTRIBUTE_TIME, EPOCH_NS),
			WEIR_STATUS_OK);
	host_settle(host);
	return host;
}

static void arrive(struct host *host, uint64_t destination, uint32_t bytes, uint32_t sequence)
{
	host_make_frame(frame, destination, WIRE_MAC, 0, 0, bytes, 0, sequence);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
}

/* Posts a frame that asks, or does not; the count of its last descriptor. */
static uint16_t post(struct host_function *function, uint64_t destination, uint32_t bytes,
		     uint32_t segments, uint16_t flags)
{
	static uint32_t sequence;

	host_make_frame(frame, destination, test_mac(function->index), 0, 0, bytes, function->index,
			++sequence);
	WEIR_REQUIRE(host_send(function, 0, frame, bytes, segments, bytes % 3, flags, 0));
	return (uint16_t)(function->tx[0].tail - 1);
}

static uint64_t tx_stat(struct host_function *function, enum weir_stat_tx_queue counter)
{
	return host_stat(function, WEIR_STATS_SCOPE_TX_QUEUE, 0, counter);
}

/* ---- received ---- */

static void frames_from_the_wire_tell_when_they_arrived(void)
{
	struct host *host = timed_card(1, 2048);
	struct host_function *vf = &host->functions[1];
	uint64_t arrived[40];

	/* Not when the firmware looked. */
	for (uint32_t i = 0; i < 40; i++) {
		weirsim_advance_ns(host->sim, 1 + 17 * i);
		arrive(host, test_mac(1), 64 + 30 * i, i);
		arrived[i] = test_clock(vf);
		WEIR_EXPECT(arrived[i] > EPOCH_NS);
	}
	weirsim_advance_ns(host->sim, 5000000);
	host_settle(host);
	for (uint32_t i = 0; i < 40; i++) {
		WEIR_REQUIRE(host_receive(vf, 0, &got));
		WEIR_EXPECT_EQ(got.time_ns, arrived[i]);
	}
	host_destroy(host);
}

/* Times are by the clock as it is adjusted when they are told. */
static void they_are_by_the_clock_in_force(void)
{
	struct host *host = timed_card(1, 2048);
	struct host_function *pf = &host->functions[0];

	WEIR_REQUIRE_EQ(test_clock_set(pf, WEIR_ATTRIBUTE_TIME_RATE, 100000ll * 65536),
			WEIR_STATUS_OK);
	uint64_t clock_ns = test_clock(pf);

	weirsim_advance_ns(host->sim, 1000000000);
	arrive(host, test_mac(1), 100, 1);
	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[1], 0, &got));
	/* A second of the card's, a tenth faster. */
	WEIR_EXPECT_EQ(got.time_ns, clock_ns + 1100000000);
	host_destroy(host);
}

/* host_receive() compares what the completions of a frame say. */
static void a_frame_of_many_buffers_has_one_time(void)
{
	struct host *host = timed_card(1, 128);
	uint64_t arrived;

	for (uint32_t bytes = 100; bytes < 3000; bytes += 357) {
		weirsim_advance_ns(host->sim, 1001);
		arrive(host, test_mac(1), bytes, bytes);
		arrived = test_clock(&host->functions[0]);
		host_settle(host);
		WEIR_REQUIRE(host_receive(&host->functions[1], 0, &got));
		WEIR_EXPECT_EQ(got.bytes, bytes);
		WEIR_EXPECT_EQ(got.buffers, (bytes + 127) / 128);
		WEIR_EXPECT_EQ(got.time_ns, arrived);
	}
	host_destroy(host);
}

/* Rings of 128 completions of 32 bytes, several laps, beside one of 16. */
static void both_formats_take_the_same_frames(void)
{
	struct host *host = timed_card(2, 512);
	uint32_t flow, sequence;

	renew(&host->functions[2], false, false, 512);
	for (uint32_t i = 0; i < 300; i++) {
		weirsim_advance_ns(host->sim, 100);
		arrive(host, 0xffffffffffff, 60 + i * 7 % 1400, i);
		uint64_t arrived = test_clock(&host->functions[0]);

		host_settle(host);
		for (uint32_t n = 0; n <= 2; n++) {
			WEIR_REQUIRE(host_receive(&host->functions[n], 0, &got));
			WEIR_REQUIRE(host_check_frame(got.data, got.bytes, &flow, &sequence));
			WEIR_EXPECT_EQ(sequence, i);
			if (n < 2)
				WEIR_EXPECT_EQ(got.time_ns, arrived);
		}
	}
	host_destroy(host);
}

/* ---- sent ---- */

static void a_frame_to_the_wire_tells_when_it_left(void)
{
	struct host *host = timed_card(1, 2048);
	struct host_function *vf = &host->functions[1];
	uint64_t told;

	for (uint32_t i = 0; i < 200; i++) {
		uint16_t last = post(vf, WIRE_MAC, 60 + 11 * i, 1 + i % 7, i % 3 ? ASK : 0);
		uint64_t from = test_clock(vf);

		host_send_done(vf, 0);
		/* It is told before the head passes it. */
		while (host_transmit_room(vf, 0) < RING)
			host_turn(host);
		WEIR_EXPECT_EQ(host->wire_count, i + 1);
		if (i % 3) {
			WEIR_REQUIRE(host_report(vf, 0, last, &told));
			WEIR_EXPECT(told >= from && told <= test_clock(vf));
		}
	}
	WEIR_EXPECT_EQ(tx_stat(vf, WEIR_STAT_TX_QUEUE_TIMESTAMPS), 133);
	WEIR_EXPECT_EQ(tx_stat(vf, WEIR_STAT_TX_QUEUE_TIMESTAMPS_MISSED), 0);
	host_destroy(host);
}

/* Time stands still: what is told is no guess. */
static void its_time_is_exact_and_at_its_own_place(void)
{
	struct host *host = timed_card(1, 2048);
	struct host_function *vf = &host->functions[1];
	const uint64_t untouched = 0x1122334455667788;
	struct weir_tx_report *reports = host_pointer(vf, vf->tx[0].reports);

	for (uint32_t round = 0; round < 50; round++) {
		uint16_t last[9];
		uint64_t told;

		for (uint32_t i = 0; i < RING; i++)
			reports[i] = (struct weir_tx_report){ .time = weir_cpu_to_le64(untouched) };
		for (uint32_t i = 0; i < 9; i++)
			last[i] = post(vf, WIRE_MAC, 200 + i, 1 + (i + round) % 6, i % 2 ? ASK : 0);
		host_send_done(vf, 0);
		for (uint32_t i = 0; i < 1000 && host_transmit_room(vf, 0) < RING; i++)
			weirsim_poll(host->sim);
		WEIR_REQUIRE_EQ(host_transmit_room(vf, 0), RING);
		for (uint32_t i = 0; i < 9; i++) {
			WEIR_EXPECT_EQ(host_report(vf, 0, last[i], &told), i % 2);
			if (i % 2)
				WEIR_EXPECT_EQ(told, test_clock(vf));
			reports[last[i] % RING].time = weir_cpu_to_le64(untouched);
		}
		for (uint32_t i = 0; i < RING; i++)
			WEIR_EXPECT_EQ(weir_le64_to_cpu(reports[i].time), untouched);
		weirsim_advance_ns(host->sim, 999);
	}
	host_destroy(host);
}

static void between_vports_both_ends_are_told_the_same(void)
{
	struct host *host = timed_card(3, 2048);
	struct host_function *vf = &host->functions[1];
	uint64_t told;

	for (uint32_t i = 0; i < 60; i++) {
		bool everybody = i % 4 == 0;
		uint16_t last = post(vf, everybody ? 0xffffffffffff : test_mac(2), 100 + 40 * i,
				     1 + i % 3, ASK);
		uint64_t from = test_clock(vf);

		host_send_done(vf, 0);
		host_settle(host);
		WEIR_REQUIRE(host_report(vf, 0, last, &told));
		WEIR_EXPECT(told >= from && told <= test_clock(vf));
		for (uint32_t n = 0; n <= 3; n++) {
			if (n == 1 || (!everybody && n != 2))
				continue;
			WEIR_REQUIRE(host_receive(&host->functions[n], 0, &got));
			WEIR_EXPECT(got.flags & WEIR_RXC_LOOPED_MASK);
			/* One that goes out as well is told when it did. */
			if (!everybody)
				WEIR_EXPECT_EQ(got.time_ns, told);
			WEIR_EXPECT(got.time_ns >= from && got.time_ns <= test_clock(vf));
		}
	}
	host_destroy(host);
}

static void out_of_the_port_and_in_again_time_goes_forward(void)
{
	struct host *host = timed_card(2, 2048);
	struct host_function *vf = &host->functions[1];
	uint64_t told, last_ns = 0;
	uint32_t came_in = 0;

	WEIR_REQUIRE_EQ(weirsim_wire_open(host->sim, 0, "loopback"), 0);
	host_settle(host);
	for (uint32_t i = 0; i < 100; i++) {
		/* To everybody, so that its own card takes it again. */
		uint16_t last = post(vf, 0xffffffffffff, 100 + 13 * i, 1 + i % 3, ASK);

		host_send_done(vf, 0);
		host_settle(host);
		WEIR_REQUIRE(host_report(vf, 0, last, &told));
		WEIR_EXPECT(told > last_ns);
		last_ns = told;
		for (uint32_t n = 0; n <= 2; n++) {
			while (host_receive(&host->functions[n], 0, &got)) {
				if (got.flags & WEIR_RXC_LOOPED_MASK)
					continue;
				came_in++;
				WEIR_EXPECT(got.time_ns >= told && got.time_ns <= test_clock(vf));
			}
		}
	}
	WEIR_EXPECT_EQ(came_in, 300);
	host_destroy(host);
}

static int refuse(void *opaque, const struct iovec *iov, int count)
{
	(void)opaque;
	(void)iov;
	(void)count;
	return -EIO;
}

static const struct weirsim_wire_ops full_wire = { .transmit = refuse };

static void what_is_dropped_has_no_time(void)
{
	struct host *host = timed_card(2, 2048);
	struct host_function *vf = &host->functions[1];
	uint64_t told;
	uint16_t good, spoofed, unread;

	good = post(vf, WIRE_MAC, 100, 1, ASK);
	/* Another's source address */
	host_make_frame(frame, WIRE_MAC, test_mac(2), 0, 0, 100, 1, 1);
	WEIR_REQUIRE(host_send(vf, 0, frame, 100, 2, 0, ASK, 0));
	spoofed = (uint16_t)(vf->tx[0].tail - 1);
	/* Memory that is nobody's */
	((struct weir_tx_report *)host_pointer(vf, vf->tx[0].reports))[vf->tx[0].tail % RING].flags =
		0;
	host_post_descriptor(
		vf, 0,
		&(struct weir_tx_descriptor){ .address = weir_cpu_to_le64(0x7000),
					      .length = weir_cpu_to_le16(100),
					      .flags = weir_cpu_to_le16(ASK | WEIR_TXD_END_MASK) });
	unread = (uint16_t)(vf->tx[0].tail - 1);
	host_send_done(vf, 0);
	host_settle(host);
	WEIR_EXPECT_EQ(host_transmit_room(vf, 0), RING);
	WEIR_EXPECT(host_report(vf, 0, good, &told));
	WEIR_EXPECT(!host_report(vf, 0, spoofed, &told));
	WEIR_EXPECT(!host_report(vf, 0, unread, &told));
	WEIR_EXPECT_EQ(tx_stat(vf, WEIR_STAT_TX_QUEUE_TIMESTAMPS), 1);
	WEIR_EXPECT_EQ(tx_stat(vf, WEIR_STAT_TX_QUEUE_TIMESTAMPS_MISSED), 2);
	/* No link */
	weirsim_wire_link(host->sim, 0, false);
	good = post(vf, WIRE_MAC, 100, 1, ASK);
	host_send_done(vf, 0);
	host_settle(host);
	WEIR_EXPECT_EQ(host_transmit_room(vf, 0), RING);
	WEIR_EXPECT(!host_report(vf, 0, good, &told));
	WEIR_EXPECT_EQ(tx_stat(vf, WEIR_STAT_TX_QUEUE_TIMESTAMPS_MISSED), 3);
	/* A wire that does not take it. What it does for a vport at the same time does not count. */
	WEIR_REQUIRE_EQ(weirsim_wire_attach(host->sim, 0, &full_wire, host), 0);
	weirsim_wire_link(host->sim, 0, true);
	host_settle(host);
	for (uint32_t everybody = 0; everybody <= 1; everybody++) {
		good = post(vf, everybody ? 0xffffffffffff : WIRE_MAC, 100, 1, ASK);
		host_send_done(vf, 0);
		host_settle(host);
		WEIR_EXPECT_EQ(host_transmit_room(vf, 0), RING);
		WEIR_EXPECT(!host_report(vf, 0, good, &told));
	}
	WEIR_EXPECT_EQ(tx_stat(vf, WEIR_STAT_TX_QUEUE_TIMESTAMPS_MISSED), 5);
	/* A receiver without buffers is the receiver's loss: it left. */
	WEIR_REQUIRE_EQ(host_queue_destroy(&host->functions[2], 0), WEIR_STATUS_OK);
	good = post(vf, test_mac(2), 100, 1, ASK);
	host_send_done(vf, 0);
	host_settle(host);
	WEIR_EXPECT(host_report(vf, 0, good, &told));
	host_destroy(host);
}

/* ---- what cannot be obeyed ---- */

static void descriptors_that_ask_where_they_may_not_are_dropped(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker;
	uint64_t at = host_alloc(vf, 256, 64), told;
	struct weir_tx_descriptor descriptor = { .address = weir_cpu_to_le64(at),
						 .length = weir_cpu_to_le16(100),
						 .flags = weir_cpu_to_le16(ASK |
									   WEIR_TXD_END_MASK) };

	host_make_frame(host_pointer(vf, at), test_mac(2), test_mac(1), 0, 0, 200, 1, 1);
	/* Its queue has no reports. */
	host_post_descriptor(vf, 0, &descriptor);
	host_send_done(vf, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 1);
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR);
	/* It has, but the frame began before. */
	vf->tx[0].reported = true;
	scene_renew_queue(scene, 0);
	descriptor.flags = 0;
	host_post_descriptor(vf, 0, &descriptor);
	descriptor.flags = weir_cpu_to_le16(ASK | WEIR_TXD_END_MASK);
	host_post_descriptor(vf, 0, &descriptor);
	host_send_done(vf, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 2);
	WEIR_EXPECT(!host_report(vf, 0, 1, &told));
	WEIR_EXPECT_EQ(scene_strays(scene), 0);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

static void reports_that_cannot_be_written_stop_the_queue(void)
{
	struct scene *scene = scene_start(1, true);
	struct host_function *vf = scene->attacker;

	vf->tx[0].reported = true;
	scene_renew_queue(scene, 0);
	WEIR_REQUIRE_EQ(host_queue_destroy(vf, 0), WEIR_STATUS_OK);
	uint64_t there = vf->tx[0].reports;

	vf->tx[0].reports = 0x40000; /* nobody's */
	WEIR_REQUIRE_EQ(host_queue_create(vf, 0, 2048, 1, true), WEIR_STATUS_OK);
	uint64_t at = host_alloc(vf, 256, 64);

	host_make_frame(host_pointer(vf, at), test_mac(2), test_mac(1), 0, 0, 100, 1, 1);
	host_post_descriptor(
		vf, 0,
		&(struct weir_tx_descriptor){ .address = weir_cpu_to_le64(at),
					      .length = weir_cpu_to_le16(100),
					      .flags = weir_cpu_to_le16(ASK | WEIR_TXD_END_MASK) });
	host_send_done(vf, 0);
	scene_settle(scene);
	scene_expect_stopped(scene, WEIR_MISBEHAVIOUR_DMA_FAULT, 0, true);
	WEIR_EXPECT(function_stat(vf, WEIR_STAT_FUNCTION_DMA_FAULTS) > 0);
	scene_strays(scene);
	vf->tx[0].reports = there;
	scene_renew_queue(scene, 0);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

static void queues_with_impossible_rings_are_refused(void)
{
	struct host *host = test_card(1, 0, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint64_t good = host_alloc(vf, 0x10000, 4096);
	const struct {
		uint64_t reports;
		int status;
	} cases[] = {
		{ good + 1, WEIR_STATUS_BAD_VALUE },
		{ good + 32, WEIR_STATUS_BAD_VALUE },
		{ UINT64_MAX - 1023 + 64, WEIR_STATUS_BAD_VALUE },
		{ UINT64_MAX - 63, WEIR_STATUS_BAD_VALUE },
		{ UINT64_MAX - 1023, WEIR_STATUS_OK },
		{ 0, WEIR_STATUS_OK },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		int status = host_command(vf, WEIR_COMMAND_TX_QUEUE_CREATE,
					  HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, good),
						       HOST_U(RING_LOG2, 6),
						       HOST_U(COMPLETION_ADDRESS, good + 0x8000),
						       HOST_U(REPORT_ADDRESS, cases[i].reports)),
					  NULL);

		WEIR_EXPECT_EQ(status, cases[i].status);
		if (status)
			WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_REPORT_ADDRESS);
		else
			WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_TX_QUEUE_DESTROY,
						     HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
					WEIR_STATUS_OK);
	}
	/* 64 completions of 32 bytes: 16 would have fitted. */
	for (uint32_t format = 0; format <= 1; format++) {
		int status = host_command(
			vf, WEIR_COMMAND_RX_QUEUE_CREATE,
			HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, good),
				     HOST_U(RING_LOG2, 6),
				     HOST_U(COMPLETION_ADDRESS, UINT64_MAX - 1023),
				     HOST_U(COMPLETION_LOG2, 6), HOST_U(BUFFER_BYTES, 2048),
				     HOST_U(FORMAT, format)),
			NULL);

		WEIR_EXPECT_EQ(status, format ? WEIR_STATUS_BAD_VALUE : WEIR_STATUS_OK);
		if (format)
			WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_COMPLETION_ADDRESS);
		else
			WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_RX_QUEUE_DESTROY,
						     HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
					WEIR_STATUS_OK);
	}
	host_destroy(host);
}

const struct weir_test timestamp_tests[] = {
	{ "timestamp.frames_from_the_wire_tell_when_they_arrived",
	  frames_from_the_wire_tell_when_they_arrived },
	{ "timestamp.they_are_by_the_clock_in_force", they_are_by_the_clock_in_force },
	{ "timestamp.a_frame_of_many_buffers_has_one_time", a_frame_of_many_buffers_has_one_time },
	{ "timestamp.both_formats_take_the_same_frames", both_formats_take_the_same_frames },
	{ "timestamp.a_frame_to_the_wire_tells_when_it_left",
	  a_frame_to_the_wire_tells_when_it_left },
	{ "timestamp.its_time_is_exact_and_at_its_own_place",
	  its_time_is_exact_and_at_its_own_place },
	{ "timestamp.between_vports_both_ends_are_told_the_same",
	  between_vports_both_ends_are_told_the_same },
	{ "timestamp.out_of_the_port_and_in_again_time_goes_forward",
	  out_of_the_port_and_in_again_time_goes_forward },
	{ "timestamp.what_is_dropped_has_no_time", what_is_dropped_has_no_time },
	{ "timestamp.descriptors_that_ask_where_they_may_not_are_dropped",
	  descriptors_that_ask_where_they_may_not_are_dropped },
	{ "timestamp.reports_that_cannot_be_written_stop_the_queue",
	  reports_that_cannot_be_written_stop_the_queue },
	{ "timestamp.queues_with_impossible_rings_are_refused",
	  queues_with_impossible_rings_are_refused },
};
const size_t timestamp_test_count = WEIR_TESTS(timestamp_tests);
