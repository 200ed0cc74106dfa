/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive coalescing: what is delivered and told of a frame made of segments, and what goes wrong (specs/coalescing.md). */
#include "train.h"

#include <stdlib.h>
#include <string.h>

static void they_are_counted_as_they_came(void)
{
	struct packet packet = train_segment(1000);
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2], *from = &host->functions[1];
	uint32_t bytes = 0;

	train_make(&packet, 9);
	train.frame[8][train.packet[8].l4 + 13] |= URG;
	train_sum_up(&train.packet[8], train.frame[8]);
	for (uint32_t i = 0; i < 9; i++)
		bytes += train.bytes[i];
	train_from_wire(host);
	train_expect(host, 0, 8);
	train_from_vf(host, 2);
	train_expect(host, 8, 1);
	train_expect(host, 0, 8);
	train_expect(host, 8, 1);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_FRAMES), 18);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_BYTES), 2 * bytes);
	if (train_is_seen_whole()) {
		WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_COALESCED), 16);
		WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 2);
	}
	WEIR_EXPECT_EQ(host_stat(to, WEIR_STATS_SCOPE_RX_QUEUE, 0, WEIR_STAT_RX_QUEUE_FRAMES), 18);
	WEIR_EXPECT_EQ(host_stat(to, WEIR_STATS_SCOPE_RX_QUEUE, 0, WEIR_STAT_RX_QUEUE_BYTES),
		       2 * bytes);
	WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_LOOPED), 9);
	host_destroy(host);
}

/* Eight segments are one completion, whatever they lie in; the next completion follows it in the ring. */
static void an_aggregate_is_one_completion(void)
{
	struct packet packet = train_segment(1448);
	struct host *host = train_card(1, 512);
	struct host_function *to = &host->functions[2];
	uint16_t before;

	train_make(&packet, 8);
	for (uint32_t round = 0; round < 20; round++) {
		before = to->rx[0].taken;
		train_from_wire(host);
		train_expect(host, 0, 8);
		if (train_is_seen_whole())
			WEIR_EXPECT_EQ((uint16_t)(to->rx[0].taken - before), 1);
		if (train_is_seen_whole())
			WEIR_EXPECT_EQ(aggregate.buffers, (8 * 1448 + 66 + 511) / 512);
		train_expect_nothing_more(host);
	}
	host_destroy(host);
}

static void too_few_buffers_take_it_apart(void)
{
	struct packet packet = train_segment(1448);
	struct host *host = train_card(1, 128);

	/* 64 buffers are posted: room for 5 such segments, and a sixth is dropped as ever. */
	train_make(&packet, 6);
	train_from_wire(host);
	for (uint32_t i = 0; i < 5; i++)
		train_expect(host, i, 1);
	train_expect_nothing_more(host);
	WEIR_EXPECT_EQ(vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER), 1);
	host_destroy(host);
}

static void one_queue_hash_and_mark_for_all_of_it(void)
{
	struct packet packet = train_segment(1000);
	struct host *host = train_card(4, 2048);
	struct host_function *to = &host->functions[2];
	uint16_t queues[WEIR_INDIRECTION_ENTRIES];
	uint32_t hash = 0;
	uint16_t queue = 0;

	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		queues[i] = (uint16_t)(i % 4);
	WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_BYTES(INDIRECTION, queues, sizeof(queues))),
				     NULL),
			0);
	train_make(&packet, 1);
	train_from_wire(host);
	for (uint16_t i = 0; i < 4; i++) {
		if (!host_receive(to, i, &got))
			continue;
		WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
		hash = got.flow_hash;
		queue = i;
	}
	train_make(&packet, 8);
	train_from_wire(host);
	train_expect_at(host, queue, (const uint8_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8);
	if (train_is_seen_whole()) {
		WEIR_EXPECT(aggregate.flags & WEIR_RXC_FLOW_HASH_MASK);
		WEIR_EXPECT(aggregate.flags & WEIR_RXC_HASH_L4_MASK);
		WEIR_EXPECT_EQ(aggregate.flow_hash, hash);
	}
	/* A rule sends it elsewhere and counts every segment. */
	struct weir_steer_key key = { .l3 = 0 }, mask = key;
	struct host_response response;
	uint64_t frames;

	memset(mask.destination_port, 0xff, 2);
	memcpy(key.destination_port, "\x33\x44", 2);
	WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_STEER_ADD,
				     HOST_REQUEST(HOST_U(STEER_LOCATION, 1),
						  HOST_BYTES(STEER_KEY, &key, sizeof(key)),
						  HOST_BYTES(STEER_MASK, &mask, sizeof(mask)),
						  HOST_U(STEER_ACTION, WEIR_STEER_ACTION_QUEUE),
						  HOST_U(QUEUE, (queue + 1) % 4),
						  HOST_U(STEER_MARK, 0xabcdef)),
				     NULL),
			0);
	train_from_wire(host);
	train_expect_at(host, (uint16_t)((queue + 1) % 4),
			(const uint8_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8);
	if (train_is_seen_whole()) {
		WEIR_EXPECT(aggregate.flags & WEIR_RXC_MARK_MASK);
		WEIR_EXPECT_EQ(aggregate.flow_hash, 0xabcdef);
	}
	WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_STEER_GET,
				     HOST_REQUEST(HOST_U(STEER_LOCATION, 1)), &response),
			0);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_STEER_FRAMES, &frames));
	WEIR_EXPECT_EQ(frames, 8);
	host_destroy(host);
}

/* Frame `number` of the train is so much longer ahead of its datagram. */
static void move_datagram(uint32_t number, int bytes)
{
	struct packet *packet = &train.packet[number];

	train.bytes[number] += (uint32_t)bytes;
	packet->l3 += (uint32_t)bytes;
	packet->l4 += (uint32_t)bytes;
	packet->field += (uint32_t)bytes;
	packet->end += (uint32_t)bytes;
}

static void tags_are_taken_out_of_it(void)
{
	struct packet packet = train_segment(1000);
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_REQUIRE_EQ(host_vport_flags(to, WEIR_VPORT_VLAN_STRIP, WEIR_VPORT_VLAN_STRIP), 0);
	packet.tag_protocol[0] = 0x8100;
	packet.tci[0] = 0x6123;
	train_make(&packet, 8);
	train_from_wire(host);
	/* What is left are the frames without it. */
	for (uint32_t i = 0; i < 8; i++) {
		memmove(train.frame[i] + 12, train.frame[i] + 16, train.bytes[i] - 16);
		move_datagram(i, -4);
	}
	train_expect(host, 0, 8);
	if (train_is_seen_whole()) {
		WEIR_EXPECT(aggregate.flags & WEIR_RXC_VLAN_MASK);
		WEIR_EXPECT_EQ(aggregate.vlan_tci, 0x6123);
	}
	host_destroy(host);
}

static void tags_are_put_into_it(void)
{
	static const uint8_t tags[2][4] = { { 0x81, 0x00, 0x61, 0x23 }, { 0x88, 0xa8, 0x61, 0x23 } };
	static const uint16_t flags[2] = { WEIR_TXD_VLAN_MASK,
					   WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK };
	const struct packet packet = train_segment(1000);

	for (uint32_t kind = 0; kind < 2; kind++) {
		struct host *host = train_card(1, 2048);

		train_make(&packet, 8);
		train_from_vf_with(host, 1, flags[kind], 0x6123);
		for (uint32_t i = 0; i < 8; i++) {
			memmove(train.frame[i] + 16, train.frame[i] + 12, train.bytes[i] - 12);
			memcpy(train.frame[i] + 12, tags[kind], 4);
			move_datagram(i, 4);
		}
		train_expect(host, 0, 8);
		host_destroy(host);
	}
}

/* Who has headers split off wants each of them. */
static void a_queue_that_splits_headers_gets_segments(void)
{
	const struct packet packet = train_segment(1000);
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_REQUIRE_EQ(host_queue_destroy(to, 0), WEIR_STATUS_OK);
	to->rx[0].split = (struct host_split){ .mode = WEIR_SPLIT_MODE_L4, .header_bytes = 128 };
	WEIR_REQUIRE_EQ(host_queue_create(to, 0, 2048, 1, false), WEIR_STATUS_OK);
	train_make(&packet, 24);
	train_from_wire(host);
	for (uint32_t i = 0; i < 24; i++) {
		WEIR_REQUIRE(host_receive(to, 0, &got));
		WEIR_EXPECT_EQ(got.bytes, train.bytes[i]);
		WEIR_EXPECT_MEM(got.data, train.frame[i], got.bytes);
		WEIR_EXPECT_EQ(got.header_bytes, train.packet[i].end - packet.payload);
	}
	train_expect_nothing_more(host);
	WEIR_EXPECT_EQ(host_stat(to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_COALESCED), 0);
	host_destroy(host);
}

/* A buffer that cannot be written: all of them come back, and the segments are counted as lost. */
static void a_fault_gives_all_buffers_back(void)
{
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];
	weir_le64 *ring = host_pointer(to, to->rx[0].ring);
	struct packet packet;

	host_settle(host);
	WEIR_REQUIRE_EQ(to->rx[0].posted, 64);
	/* Not fetched yet: the first frame makes the card do so. */
	ring[2] = weir_cpu_to_le64(0xdead0000);
	/* Seven segments. */
	WEIR_REQUIRE(train_from_large(host, 1, &packet) == 10066);
	WEIR_REQUIRE(host_receive_aggregate(to, 0, &aggregate));
	WEIR_EXPECT(aggregate.flags & WEIR_RXC_ERROR_MASK);
	WEIR_EXPECT_EQ(aggregate.bytes, 10066);
	WEIR_EXPECT_EQ(aggregate.buffers, 5);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_DROPPED_FAULT), 7);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_FRAMES), 0);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_BYTES), 0);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 0);
	WEIR_EXPECT_EQ(function_stat(to, WEIR_STAT_FUNCTION_DMA_FAULTS), 1);
	WEIR_REQUIRE(train_from_large(host, 1, &packet));
	WEIR_REQUIRE(host_receive_aggregate(to, 0, &aggregate));
	WEIR_EXPECT(!(aggregate.flags & WEIR_RXC_ERROR_MASK));
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 1);
	host_destroy(host);
}

static void its_time_is_that_of_its_first_segment(void)
{
	struct packet packet = train_segment(1000);
	struct host *host = train_card_with_times();

	train_make(&packet, 8);
	train_from_wire(host);
	train_expect(host, 0, 8);
	if (train_is_seen_whole()) {
		WEIR_EXPECT(aggregate.flags & WEIR_RXC_TIMESTAMP_MASK);
		WEIR_EXPECT(aggregate.time_ns != 0);
	}
	host_destroy(host);
}

/* Takes what VF 2 has got of three flows, which must go on where they were; how many aggregates that was. */
static uint32_t take_streams(struct host *host, uint32_t expected[3])
{
	struct host_function *to = &host->functions[2];
	uint32_t joined = 0;

	for (;;) {
		const uint8_t *data = got.data;
		bool one = host_receive(to, 0, &got);
		uint32_t bytes = got.bytes, l4, flow;

		if (!one) {
			if (!host_receive_aggregate(to, 0, &aggregate))
				return joined;
			data = aggregate.data;
			bytes = aggregate.bytes;
			joined++;
		}
		l4 = load16(data + 12) == 0x86dd ? 54 : 34;
		flow = data[l4 + 1];
		WEIR_REQUIRE(flow < 3);
		WEIR_EXPECT_EQ(load32(data + l4 + 4), expected[flow]);
		expected[flow] += bytes - l4 - 32;
	}
}

/* Random trains of a few flows, from the wire and a VF, settings changing: every byte of every flow arrives, in order. */
static void stream(bool waits)
{
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];
	uint32_t sequence[3] = { 0, 0xfffff000, 5 }, expected[3] = { 0, 0xfffff000, 5 };
	uint32_t joined = 0;

	srand(4711);
	for (uint32_t round = 0; round < 150; round++) {
		uint32_t frames = 1 + (uint32_t)rand() % 20;

		train.count = 0;
		for (uint32_t i = 0; i < frames; i++) {
			uint32_t flow = (uint32_t)rand() % 3;
			struct packet packet =
				train_segment(rand() % 4 ? 700 : 1 + (uint32_t)rand() % 700);

			packet.ipv6 = flow == 2;
			train_add(&packet, rand() % 9 ? ACK : ACK | PSH);
			uint8_t *frame = train.frame[i];
			struct packet *own = &train.packet[i];

			store32(frame + own->l4 + 4, sequence[flow]);
			frame[own->l4 + 1] = (uint8_t)flow;
			sequence[flow] += packet.payload;
			train_sum_up(own, frame);
		}
		if (rand() % 2)
			train_from_wire(host);
		else
			train_from_vf(host, 1 + (uint32_t)rand() % 3);
		joined += take_streams(host, expected);
		if (waits && rand() % 8 == 0)
			WEIR_EXPECT_EQ(train_wait(to, rand() % 2 ? WEIR_COALESCE_US_MAX
								 : (uint32_t)rand() % 40),
				       0);
		if (rand() % 8 == 0)
			WEIR_EXPECT_EQ(train_coalesce(to, 2 + (uint32_t)rand() % 31,
						      1000 + (uint32_t)rand() % 60000),
				       0);
	}
	host_pass_ms(host, WEIR_COALESCE_US_MAX / 1000 + 1);
	joined += take_streams(host, expected);
	for (uint32_t flow = 0; flow < 3; flow++)
		WEIR_EXPECT_EQ(expected[flow], sequence[flow]);
	WEIR_EXPECT(joined > 100);
	host_destroy(host);
}

static void streams_stay_whole_and_in_order(void)
{
	stream(false);
}

static void streams_that_wait_stay_whole_and_in_order(void)
{
	stream(true);
}

/* Tags that the vport has taken out, and those that descriptors put in. */
static void tags_of_what_waits_are_seen_to(void)
{
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct packet packet = train_segment(400);

	WEIR_REQUIRE_EQ(host_vport_flags(&host->functions[2], WEIR_VPORT_VLAN_STRIP,
					 WEIR_VPORT_VLAN_STRIP),
			0);
	packet.tag_protocol[0] = 0x8100;
	packet.tci[0] = 0x6123;
	train_make(&packet, 6);
	train_arrive(host, 0, 1);
	train_arrive(host, 1, 3);
	train_arrive(host, 4, 2);
	train_expect_nothing_more(host);
	host_pass_ms(host, TRAIN_WAIT_MS);
	packet.tag_protocol[0] = 0;
	train_make(&packet, 6);
	train_expect_one(host, 0, 6);
	WEIR_EXPECT(aggregate.flags & WEIR_RXC_VLAN_MASK);
	WEIR_EXPECT_EQ(aggregate.vlan_tci, 0x6123);
	/* A service tag put in, which stays in the frame. */
	train_make(&packet, 6);
	train_from_vf_with(host, 1, WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK, 0x0042);
	train_from_vf_with(host, 1, WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK, 0x0042);
	host_pass_ms(host, TRAIN_WAIT_MS);
	for (uint32_t round = 0; round < 2; round++) {
		packet.tag_protocol[0] = 0x88a8;
		packet.tci[0] = 0x0042;
		train_make(&packet, 6);
		/* One frame alone whose checksum the card puts in does not wait; two do. */
		for (uint32_t done = 0; done < 6;)
			done += train_take_row(host, done, 6 - done);
	}
	train_expect_nothing_more(host);
	host_destroy(host);
}

/* What a neighbour sends has its checksums put in by the card. */
static void a_neighbours_segments_wait(void)
{
	struct host *host = train_card_that_waits(2048, TRAIN_WAIT_US);
	struct packet packet = train_segment(1448);

	train_make(&packet, 24);
	train_from_vf(host, 1);
	host_pass_ms(host, TRAIN_WAIT_MS);
	train_expect(host, 0, 24);
	train_expect_nothing_more(host);
	host_destroy(host);
}

const struct weir_test aggregate_tests[] = {
	{ "coalescing.they_are_counted_as_they_came", they_are_counted_as_they_came },
	{ "coalescing.an_aggregate_is_one_completion", an_aggregate_is_one_completion },
	{ "coalescing.too_few_buffers_take_it_apart", too_few_buffers_take_it_apart },
	{ "coalescing.one_queue_hash_and_mark_for_all_of_it",
	  one_queue_hash_and_mark_for_all_of_it },
	{ "coalescing.tags_are_taken_out_of_it", tags_are_taken_out_of_it },
	{ "coalescing.tags_are_put_into_it", tags_are_put_into_it },
	{ "coalescing.a_queue_that_splits_headers_gets_segments",
	  a_queue_that_splits_headers_gets_segments },
	{ "coalescing.a_fault_gives_all_buffers_back", a_fault_gives_all_buffers_back },
	{ "coalescing.its_time_is_that_of_its_first_segment",
	  its_time_is_that_of_its_first_segment },
	{ "coalescing.streams_stay_whole_and_in_order", streams_stay_whole_and_in_order },
	{ "coalescing_held.tags_are_seen_to", tags_of_what_waits_are_seen_to },
	{ "coalescing_held.a_neighbours_segments_join", a_neighbours_segments_wait },
	{ "coalescing_held.streams_stay_whole_and_in_order",
	  streams_that_wait_stay_whole_and_in_order },
};
const size_t aggregate_test_count = WEIR_TESTS(aggregate_tests);
