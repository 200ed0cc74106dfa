/* SPDX-License-Identifier: BSD-3-Clause */
/* What the card tells of itself: statistics of every scope, log and trace as they are read (specs/admin-queue.md). */
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "weir/weir_tables.h"

#define BROADCAST 0xffffffffffffull
#define GROUP	  0x010000005e0001ull

/* All counters of a scope; returns how many. */
static uint32_t counters(struct host_function *reader, uint16_t function,
			 enum weir_stats_scope scope, uint16_t index, uint64_t *values)
{
	struct host_response response;
	uint32_t bytes = 0;

	WEIR_REQUIRE_EQ(host_command(reader, WEIR_COMMAND_STATS_GET,
				     HOST_REQUEST(HOST_U(SCOPE, scope), HOST_U(FUNCTION, function),
						  HOST_U(INDEX, index)),
				     &response),
			WEIR_STATUS_OK);
	const uint8_t *data = host_get_bytes(&response, WEIR_ATTRIBUTE_STATISTICS, &bytes);

	WEIR_REQUIRE(data != NULL && bytes % 8 == 0 && bytes <= 64 * 8);
	for (uint32_t i = 0; i < bytes / 8; i++) {
		weir_le64 value;

		memcpy(&value, data + 8 * i, 8);
		values[i] = weir_le64_to_cpu(value);
	}
	return bytes / 8;
}

static void every_scope_gives_all_its_counters(void)
{
	struct host *host = test_card(2, 2, 2048, false);
	static const uint32_t expected[] = { WEIR_STAT_PORT_COUNT, WEIR_STAT_FUNCTION_COUNT,
					     WEIR_STAT_VPORT_COUNT, WEIR_STAT_RX_QUEUE_COUNT,
					     WEIR_STAT_TX_QUEUE_COUNT };
	uint64_t own[64], other[64];

	for (uint32_t scope = 0; scope < WEIR_TESTS(expected); scope++) {
		uint16_t index = scope >= WEIR_STATS_SCOPE_RX_QUEUE;

		WEIR_EXPECT_EQ(counters(&host->functions[1], WEIR_FUNCTION_SELF, scope, index, own),
			       expected[scope]);
		WEIR_EXPECT_EQ(counters(&host->functions[0], 1, scope, index, other),
			       expected[scope]);
		/* Reading is a command itself. */
		if (scope != WEIR_STATS_SCOPE_FUNCTION)
			WEIR_EXPECT_MEM(other, own, 8 * expected[scope]);
		WEIR_EXPECT_EQ(counters(&host->functions[1], 1, scope, index, own), expected[scope]);
	}
	host_destroy(host);
}

static void send(struct host *host, struct host_function *from, uint64_t destination, uint32_t bytes)
{
	static uint8_t frame[HOST_FRAME_MAX];

	host_make_frame(frame, destination, test_mac(from->index), 0, 0, bytes, from->index, 0);
	WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
	host_send_done(from, 0);
	host_settle(host);
}

static void frames_and_bytes_are_counted_where_they_pass(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *pf = &host->functions[0], *a = &host->functions[1],
			     *b = &host->functions[2];
	uint64_t port[64], vport[64], peer[64], queue[64];
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;

	WEIR_REQUIRE_EQ(host_command(b, WEIR_COMMAND_FILTER_ADD, HOST_REQUEST(HOST_U(MAC, GROUP)),
				     NULL),
			WEIR_STATUS_OK);
	for (uint32_t i = 0; i < 10; i++) {
		send(host, a, test_mac(2), 100 + i); /* inside: 1045 bytes */
		send(host, a, test_mac(77), 200);    /* wire */
		send(host, a, BROADCAST, 300);	     /* PF, b and wire */
		send(host, a, GROUP, 400);	     /* b and wire */
	}
	host_make_frame(frame, test_mac(1), test_mac(99), 0, 0, 500, 9, 9);
	for (uint32_t i = 0; i < 7; i++)
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, 500), 0);
	host_settle(host);
	counters(a, 1, WEIR_STATS_SCOPE_VPORT, 0, vport);
	WEIR_EXPECT_EQ(vport[WEIR_STAT_VPORT_TX_FRAMES], 40);
	WEIR_EXPECT_EQ(vport[WEIR_STAT_VPORT_TX_BYTES], 1045 + 2000 + 3000 + 4000);
	WEIR_EXPECT_EQ(vport[WEIR_STAT_VPORT_TX_MULTICAST], 10);
	WEIR_EXPECT_EQ(vport[WEIR_STAT_VPORT_TX_BROADCAST], 10);
	WEIR_EXPECT_EQ(vport[WEIR_STAT_VPORT_TX_LOOPED], 10 + 20 + 10);
	WEIR_EXPECT_EQ(vport[WEIR_STAT_VPORT_RX_FRAMES], 7);
	WEIR_EXPECT_EQ(vport[WEIR_STAT_VPORT_RX_BYTES], 3500);
	counters(b, 2, WEIR_STATS_SCOPE_VPORT, 0, peer);
	WEIR_EXPECT_EQ(peer[WEIR_STAT_VPORT_RX_FRAMES], 30);
	WEIR_EXPECT_EQ(peer[WEIR_STAT_VPORT_RX_BYTES], 1045 + 3000 + 4000);
	WEIR_EXPECT_EQ(peer[WEIR_STAT_VPORT_RX_MULTICAST], 10);
	WEIR_EXPECT_EQ(peer[WEIR_STAT_VPORT_RX_BROADCAST], 10);
	counters(b, 2, WEIR_STATS_SCOPE_RX_QUEUE, 0, queue);
	WEIR_EXPECT_EQ(queue[WEIR_STAT_RX_QUEUE_FRAMES], 30);
	WEIR_EXPECT_EQ(queue[WEIR_STAT_RX_QUEUE_BYTES], 1045 + 3000 + 4000);
	counters(a, 1, WEIR_STATS_SCOPE_TX_QUEUE, 0, queue);
	WEIR_EXPECT_EQ(queue[WEIR_STAT_TX_QUEUE_FRAMES], 40);
	WEIR_EXPECT_EQ(queue[WEIR_STAT_TX_QUEUE_BYTES], 1045 + 2000 + 3000 + 4000);
	WEIR_EXPECT_EQ(queue[WEIR_STAT_TX_QUEUE_DROPPED], 0);
	counters(pf, 0, WEIR_STATS_SCOPE_PORT, 0, port);
	WEIR_EXPECT_EQ(port[WEIR_STAT_PORT_TX_FRAMES], 30);
	WEIR_EXPECT_EQ(port[WEIR_STAT_PORT_TX_BYTES], 2000 + 3000 + 4000);
	WEIR_EXPECT_EQ(port[WEIR_STAT_PORT_RX_FRAMES], 7);
	WEIR_EXPECT_EQ(port[WEIR_STAT_PORT_RX_BYTES], 3500);
	for (uint32_t i = 0; i < 7; i++)
		WEIR_EXPECT(host_receive(a, 0, &got));
	host_destroy(host);
}

/* A wire that refuses every third frame. */
static int choosy(void *opaque, const struct iovec *iov, int count)
{
	uint32_t *offered = opaque;

	(void)iov;
	(void)count;
	return ++*offered % 3 ? 0 : -EAGAIN;
}

static void what_the_wire_does_not_take_is_counted_as_that(void)
{
	static const struct weirsim_wire_ops ops = { .transmit = choosy };
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *pf = &host->functions[0], *vf = &host->functions[1];
	struct weirsim_wire_stats wire;
	uint64_t values[64];
	uint32_t offered = 0;

	WEIR_REQUIRE_EQ(weirsim_wire_attach(host->sim, 0, &ops, &offered), 0);
	host_settle(host);
	for (uint32_t i = 0; i < 30; i++)
		send(host, vf, i % 2 ? test_mac(99) : BROADCAST, 100 + i);
	counters(pf, 0, WEIR_STATS_SCOPE_PORT, 0, values);
	WEIR_EXPECT_EQ(offered, 30);
	WEIR_EXPECT_EQ(values[WEIR_STAT_PORT_TX_FRAMES], 20);
	WEIR_EXPECT_EQ(values[WEIR_STAT_PORT_TX_DROPPED_WIRE], 10);
	WEIR_EXPECT_EQ(values[WEIR_STAT_PORT_TX_DROPPED_LINK_DOWN], 0);
	/* Those that went: all but the third, the sixth ... of 100, 101 ... bytes. */
	WEIR_EXPECT_EQ(values[WEIR_STAT_PORT_TX_BYTES],
		       30 * 100 + 29 * 30 / 2 - (10 * 102 + 3 * 9 * 10 / 2));
	WEIR_REQUIRE_EQ(weirsim_wire_stats(host->sim, 0, &wire), 0);
	WEIR_EXPECT_EQ(wire.frames_sent, values[WEIR_STAT_PORT_TX_FRAMES]);
	WEIR_EXPECT_EQ(wire.dropped_wire, values[WEIR_STAT_PORT_TX_DROPPED_WIRE]);
	/* Its sender has sent them all the same. With a link by policy alone it sends on, and that is another counter. */
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_TX_FRAMES), 30);
	WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_LINK_POLICY, WEIR_LINK_POLICY_ENABLE),
			0);
	weirsim_wire_link(host->sim, 0, false);
	host_settle(host);
	for (uint32_t i = 0; i < 5; i++)
		send(host, vf, test_mac(99), 100);
	counters(pf, 0, WEIR_STATS_SCOPE_PORT, 0, values);
	WEIR_EXPECT_EQ(offered, 30);
	WEIR_EXPECT_EQ(values[WEIR_STAT_PORT_TX_FRAMES], 20);
	WEIR_EXPECT_EQ(values[WEIR_STAT_PORT_TX_DROPPED_WIRE], 10);
	WEIR_EXPECT_EQ(values[WEIR_STAT_PORT_TX_DROPPED_LINK_DOWN], 5);
	host_destroy(host);
}

static void the_function_counts_its_commands_events_and_interrupts(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint64_t before[64], after[64];

	host_take_events(vf);
	counters(vf, 1, WEIR_STATS_SCOPE_FUNCTION, 0, before);
	for (uint32_t i = 0; i < 5; i++)
		WEIR_EXPECT_EQ(host_command(vf, 0x7777, NULL, NULL), WEIR_STATUS_UNKNOWN_COMMAND);
	weirsim_wire_link(host->sim, 0, false);
	host_take_events(vf);
	weirsim_wire_link(host->sim, 0, true);
	host_take_events(vf);
	counters(vf, 1, WEIR_STATS_SCOPE_FUNCTION, 0, after);
	/* Reading them counts itself when it is over. */
	WEIR_EXPECT_EQ(after[WEIR_STAT_FUNCTION_ADMIN_COMMANDS] -
			       before[WEIR_STAT_FUNCTION_ADMIN_COMMANDS],
		       6);
	WEIR_EXPECT_EQ(after[WEIR_STAT_FUNCTION_ADMIN_ERRORS] -
			       before[WEIR_STAT_FUNCTION_ADMIN_ERRORS],
		       5);
	WEIR_EXPECT_EQ(
		after[WEIR_STAT_FUNCTION_EVENTS_SENT] - before[WEIR_STAT_FUNCTION_EVENTS_SENT], 2);
	/* The host arms with every entry that it gives back: one for each of 6 answers and 2 events. */
	WEIR_EXPECT_EQ(after[WEIR_STAT_FUNCTION_INTERRUPTS] - before[WEIR_STAT_FUNCTION_INTERRUPTS],
		       8);
	WEIR_EXPECT_EQ(after[WEIR_STAT_FUNCTION_EVENTS_LOST], 0);
	WEIR_EXPECT_EQ(after[WEIR_STAT_FUNCTION_RESETS], 0);
	host_destroy(host);
}

/* ---- log and trace ---- */

/* Reads records from *sequence on with room for `room` bytes of response; returns how many came, with the bytes in `records`. */
static uint32_t page(struct host_function *pf, uint16_t opcode, uint32_t record_bytes,
		     uint16_t room, uint32_t *sequence, uint32_t *lost, uint8_t *records)
{
	struct host_response response;
	uint64_t next, missing;
	uint32_t bytes = 0;
	const struct weir_admin_command command = {
		.opcode = weir_cpu_to_le16(opcode),
		.request_length = weir_cpu_to_le16(
			(uint16_t)host_encode(host_pointer(pf, pf->admin_request),
					      HOST_REQUEST(HOST_U(SEQUENCE, *sequence)))),
		.response_capacity = weir_cpu_to_le16(room),
		.request_address = weir_cpu_to_le64(pf->admin_request),
		.response_address = weir_cpu_to_le64(pf->admin_response),
	};

	host_command_post(pf, &command);
	host_command_ring(pf);
	WEIR_REQUIRE_EQ(host_command_wait(pf, &response), WEIR_STATUS_OK);
	WEIR_REQUIRE(response.bytes <= room);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_SEQUENCE, &next));
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_LOST, &missing));
	const uint8_t *data = host_get_bytes(&response, WEIR_ATTRIBUTE_RECORDS, &bytes);

	WEIR_EXPECT_EQ(bytes % record_bytes, 0);
	if (data)
		memcpy(records, data, bytes);
	*sequence = (uint32_t)next;
	*lost = (uint32_t)missing;
	return bytes / record_bytes;
}

static void the_log_is_read_page_by_page(void)
{
	struct host *host = test_card(8, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	static const uint16_t rooms[] = { 4096, 148, 300, 1000, 2000 };
	static uint8_t records[4096];
	struct weir_log_record record;
	bool seen[64] = { false };

	for (size_t i = 0; i < WEIR_TESTS(rooms); i++) {
		uint32_t sequence = 0, lost, expected = 0, count;
		uint64_t last_ns = 0;

		while ((count = page(pf, WEIR_COMMAND_LOG_READ, sizeof(record), rooms[i], &sequence,
				     &lost, records)) != 0) {
			WEIR_EXPECT(count <= (rooms[i] - 20u) / sizeof(record));
			for (uint32_t k = 0; k < count; k++) {
				memcpy(&record, records + k * sizeof(record), sizeof(record));
				WEIR_EXPECT_EQ(weir_le32_to_cpu(record.sequence), expected);
				expected++;
				WEIR_EXPECT(weir_le64_to_cpu(record.time_ns) >= last_ns);
				last_ns = weir_le64_to_cpu(record.time_ns);
				WEIR_EXPECT(memchr(record.message, 0, sizeof(record.message)) !=
					    NULL);
				WEIR_EXPECT(record.message[0] != 0);
				WEIR_EXPECT(weir_le16_to_cpu(record.level) <= WEIR_LOG_LEVEL_INFO);
				if (weir_le16_to_cpu(record.function) < 64)
					seen[weir_le16_to_cpu(record.function)] = true;
			}
			WEIR_EXPECT_EQ(sequence, expected);
			WEIR_EXPECT_EQ(lost, 0);
		}
		WEIR_EXPECT(expected > 20);
		/* No room for one, or none left: the place to go on from stays. */
		WEIR_EXPECT_EQ(page(pf, WEIR_COMMAND_LOG_READ, sizeof(record), 147, &sequence,
				    &lost, records),
			       0);
		WEIR_EXPECT_EQ(sequence, expected);
		sequence = expected + 1000;
		WEIR_EXPECT_EQ(page(pf, WEIR_COMMAND_LOG_READ, sizeof(record), 4096, &sequence,
				    &lost, records),
			       0);
		WEIR_EXPECT_EQ(sequence, expected);
	}
	for (uint32_t i = 0; i <= 8; i++)
		WEIR_EXPECT(seen[i]);
	host_destroy(host);
}

static void lines_overwritten_are_counted_as_lost(void)
{
	struct host *host = test_card(0, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	static uint8_t records[4096];
	uint32_t sequence = 0, lost = 0, first;

	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_LOG_LEVEL,
				     HOST_REQUEST(HOST_U(LEVEL, WEIR_LOG_LEVEL_DEBUG)), NULL),
			WEIR_STATUS_OK);
	/* More lines than are kept, slowly enough that all are written. */
	for (uint32_t i = 0; i < 3000; i++) {
		WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
		weirsim_advance_ns(host->sim, 10000000);
	}
	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_LOG_LEVEL,
				     HOST_REQUEST(HOST_U(LEVEL, WEIR_LOG_LEVEL_ERROR)), NULL),
			WEIR_STATUS_OK);
	uint32_t count = page(pf, WEIR_COMMAND_LOG_READ, sizeof(struct weir_log_record), 4096,
			      &sequence, &lost, records);

	WEIR_EXPECT_EQ(count, 30);
	WEIR_EXPECT(lost >= 1000);
	memcpy(&first, records + offsetof(struct weir_log_record, sequence), 4);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(first), lost);
	WEIR_EXPECT_EQ(sequence, lost + 30);
	/* From there on everything is there. */
	uint32_t again = sequence;

	WEIR_EXPECT_EQ(page(pf, WEIR_COMMAND_LOG_READ, sizeof(struct weir_log_record), 4096, &again,
			    &lost, records),
		       30);
	WEIR_EXPECT_EQ(lost, 0);
	/* Nothing at level ERROR was written meanwhile. */
	uint32_t end = 0xfffff;

	page(pf, WEIR_COMMAND_LOG_READ, sizeof(struct weir_log_record), 4096, &end, &lost, records);
	host_command(pf, WEIR_COMMAND_ECHO, NULL, NULL);
	again = end;
	WEIR_EXPECT_EQ(page(pf, WEIR_COMMAND_LOG_READ, sizeof(struct weir_log_record), 4096, &again,
			    &lost, records),
		       0);
	WEIR_EXPECT_EQ(again, end);
	host_destroy(host);
}

static void a_vf_cannot_flood_the_log(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint32_t sequence = 0, lost, lines = 0, left_out = 0, count;
	static uint8_t records[4096];

	for (uint32_t i = 0; i < 5000; i++)
		host_command(vf, 0x7777, NULL, NULL);
	for (uint32_t i = 0; i < 5000; i++) {
		host_doorbell(vf, 9, WEIR_DOORBELL_TX_TAIL, i);
		host_settle(host);
	}
	host_pass_ms(host, 1000);
	host_doorbell(vf, 9, WEIR_DOORBELL_TX_TAIL, 0);
	host_settle(host);
	while ((count = page(&host->functions[0], WEIR_COMMAND_LOG_READ,
			     sizeof(struct weir_log_record), 4096, &sequence, &lost, records)) !=
	       0) {
		for (uint32_t k = 0; k < count; k++) {
			struct weir_log_record record;

			memcpy(&record, records + k * sizeof(record), sizeof(record));
			if (weir_le16_to_cpu(record.function) != 1)
				continue;
			lines++;
			if (strstr((const char *)record.message, "left out"))
				sscanf((const char *)record.message, "%u", &left_out);
		}
	}
	WEIR_EXPECT_EQ(lost, 0);
	WEIR_EXPECT(lines > 5 && lines < 100);
	WEIR_EXPECT(left_out > 4900);
	host_destroy(host);
}

static void the_trace_is_read_page_by_page_and_says_what_was_lost(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	static uint8_t records[4096];
	struct weir_trace_record record;
	struct traffic traffic;
	uint32_t sequence = 0, lost = 0, total = 0, count, expected;

	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_TRACE_SET, HOST_REQUEST(HOST_U(ENABLE, 1)),
				     NULL),
			WEIR_STATUS_OK);
	traffic_start(&traffic, host);
	traffic_add(&traffic, &host->functions[1], &host->functions[2], false);
	while (traffic.flows[0].sent < 2000)
		traffic_turn(&traffic);
	traffic_finish(&traffic);
	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_TRACE_SET, HOST_REQUEST(HOST_U(ENABLE, 0)),
				     NULL),
			WEIR_STATUS_OK);
	count = page(pf, WEIR_COMMAND_TRACE_READ, sizeof(record), 4096, &sequence, &lost, records);
	WEIR_EXPECT_EQ(count, 60);
	WEIR_EXPECT(lost > 1000);
	expected = lost;
	do {
		for (uint32_t k = 0; k < count; k++, expected++) {
			memcpy(&record, records + k * sizeof(record), sizeof(record));
			WEIR_REQUIRE_EQ(weir_le32_to_cpu(record.sequence), expected);
		}
		total += count;
		count = page(pf, WEIR_COMMAND_TRACE_READ, sizeof(record),
			     (uint16_t)(84 + total % 4000), &sequence, &lost, records);
		WEIR_EXPECT_EQ(lost, 0);
	} while (count);
	/* The datasheet promises so many. */
	WEIR_EXPECT(total >= 1024);
	WEIR_EXPECT_EQ(sequence, expected);
	host_destroy(host);
}

const struct weir_test counter_tests[] = {
	{ "stats.what_the_wire_does_not_take_is_counted_as_that",
	  what_the_wire_does_not_take_is_counted_as_that },
	{ "stats.every_scope_gives_all_its_counters", every_scope_gives_all_its_counters },
	{ "stats.frames_and_bytes_are_counted_where_they_pass",
	  frames_and_bytes_are_counted_where_they_pass },
	{ "stats.the_function_counts_its_commands_events_and_interrupts",
	  the_function_counts_its_commands_events_and_interrupts },
	{ "log.is_read_page_by_page", the_log_is_read_page_by_page },
	{ "log.lines_overwritten_are_counted_as_lost", lines_overwritten_are_counted_as_lost },
	{ "log.a_vf_cannot_flood_it", a_vf_cannot_flood_the_log },
	{ "trace.is_read_page_by_page_and_says_what_was_lost",
	  the_trace_is_read_page_by_page_and_says_what_was_lost },
};
const size_t counter_test_count = WEIR_TESTS(counter_tests);
