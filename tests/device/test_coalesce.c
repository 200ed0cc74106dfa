/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive coalescing: which segments become a frame (specs/coalescing.md, "Settings", "What becomes an aggregate"). */
#include "large.h"
#include "stage.h"
#include "train.h"

#include <stdlib.h>
#include <string.h>

/* ---- aggregates ---- */

static void segments_become_a_frame_that_cuts_into_them(void)
{
	const uint32_t payloads[] = { 1, 100, 1448, 8900 };

	for (uint32_t variant = 0; variant < 48; variant++) {
		struct host *host = variant % 12 ? NULL : train_card(1, variant & 16 ? 2048 : 4032);
		static struct host *kept;
		struct packet packet = train_segment(payloads[variant % 4]);
		uint32_t count = variant % 4 == 3 ? 2 + variant % 5 : 2 + variant * 7 % 30;

		if (host) {
			kept = host;
			WEIR_REQUIRE_EQ(host_command(&host->functions[2], WEIR_COMMAND_VPORT_SET,
						     HOST_REQUEST(HOST_U(MTU, 9000)), NULL),
					0);
		}
		packet.ipv6 = variant & 4;
		packet.tcp_options = variant & 1 ? 0 : variant & 2 ? 40 : 12;
		packet.tag_protocol[0] = variant & 8 ? 0x8100 : 0;
		packet.tci[0] = 5;
		if (packet.payload == 8900)
			packet.tcp_options = 12;
		train_make(&packet, count);
		train_from_wire(kept);
		train_expect(kept, 0, count);
		train_expect_nothing_more(kept);
		train_from_vf(kept, 1);
		train_expect(kept, 0, count);
		train_expect_nothing_more(kept);
		if (variant % 12 == 11)
			host_destroy(kept);
	}
}

static void the_last_segment_may_be_short_pushed_or_the_end(void)
{
	const uint8_t ends[] = { ACK, ACK | PSH, ACK | FIN, ACK | FIN | PSH };
	struct host *host = train_card(1, 2048);

	for (uint32_t i = 0; i < 8; i++) {
		struct packet packet = train_segment(1000);

		train_make(&packet, 6);
		packet.payload = i < 4 ? 1000 : 1;
		train_add(&packet, ends[i % 4]);
		train_from_wire(host);
		train_expect(host, 0, 7);
		train_expect_nothing_more(host);
	}
	host_destroy(host);
}

/* Padding is of the wire, and no part of what was sent. */
static void padding_of_a_short_segment_is_left_out(void)
{
	struct packet packet = train_segment(2);
	struct host *host = train_card(1, 2048);

	packet.tcp_options = 0;
	train_make(&packet, 1);
	/* 56 bytes: as wires pad to 60, the second one carries padding, the first must not. */
	train_add(&packet, ACK);
	memset(train.frame[1] + train.bytes[1], 0xee, 4);
	train.bytes[1] += 4;
	train_from_wire(host);
	train_expect(host, 0, 2);
	host_destroy(host);
}

/* Large frames that a VF has cut: the receiver has them as they were before, but for the sum of TCP, which has the length in it. */
static void what_a_neighbour_has_cut_is_whole_again(void)
{
	struct host *host = train_card(1, 4032);
	uint32_t seen = 0;

	for (size_t number = 0; number < large_count; number++) {
		struct packet packet;
		uint32_t bytes = train_from_large(host, number, &packet);

		if (!bytes)
			continue;
		WEIR_REQUIRE(host_receive_aggregate(&host->functions[2], 0, &aggregate));
		WEIR_EXPECT_EQ(aggregate.bytes, bytes);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXA_PAYLOAD, aggregate.segment),
			       large_frames[number].mss);
		train_expect_headers(&packet);
		store16(train_large + packet.field, load16(aggregate.data + packet.field));
		WEIR_EXPECT_MEM(aggregate.data, train_large, bytes);
		train_expect_nothing_more(host);
		seen++;
	}
	WEIR_EXPECT(seen >= 6);
	host_destroy(host);
}

/* ---- what ends an aggregate ---- */

enum change {
	CHANGE_PURE_ACK,
	CHANGE_SHORT,
	CHANGE_LONG,
	CHANGE_FLAGS,
	CHANGE_BYTE_IP,
	CHANGE_BYTE_TCP,
	CHANGE_FRAGMENT,
	CHANGE_ID_FROM_HERE,
	CHANGE_TIMESTAMP_FROM_HERE,
	CHANGE_IP_OPTIONS,
	CHANGE_BAD_TCP,
	CHANGE_BAD_IP,
	CHANGE_GROUP,
};

/* What is other about frame 3 of 6, and what they arrive as: how many frames each thing is made of. */
static const struct {
	const char *name;
	enum change change;
	uint32_t at, value;
	uint8_t parts[4];
} changes[] = {
	{ "pure ack", CHANGE_PURE_ACK, 0, 0, { 3, 1, 2 } },
	{ "shorter", CHANGE_SHORT, 0, 0, { 4, 2 } },
	{ "longer", CHANGE_LONG, 0, 0, { 3, 2, 1 } },
	{ "psh", CHANGE_FLAGS, 0, ACK | PSH, { 4, 2 } },
	{ "fin", CHANGE_FLAGS, 0, ACK | FIN, { 4, 2 } },
	{ "urg", CHANGE_FLAGS, 0, ACK | URG, { 3, 1, 2 } },
	{ "syn", CHANGE_FLAGS, 0, ACK | SYN, { 3, 1, 2 } },
	{ "rst", CHANGE_FLAGS, 0, ACK | RST, { 3, 1, 2 } },
	{ "no ack", CHANGE_FLAGS, 0, 0, { 3, 1, 2 } },
	{ "ece", CHANGE_FLAGS, 0, ACK | ECE, { 3, 1, 2 } },
	{ "cwr", CHANGE_FLAGS, 0, ACK | CWR, { 3, 3 } },
	{ "sequence", CHANGE_BYTE_TCP, 7, 1, { 3, 1, 2 } },
	{ "acknowledged", CHANGE_BYTE_TCP, 11, 1, { 3, 1, 2 } },
	{ "reserved bit", CHANGE_BYTE_TCP, 12, 1, { 3, 1, 2 } },
	{ "window", CHANGE_BYTE_TCP, 15, 1, { 3, 1, 2 } },
	{ "urgent pointer", CHANGE_BYTE_TCP, 19, 1, { 3, 1, 2 } },
	{ "an option", CHANGE_BYTE_TCP, 27, 1, { 3, 1, 2 } },
	{ "timestamp", CHANGE_TIMESTAMP_FROM_HERE, 0, 0, { 3, 3 } },
	{ "class", CHANGE_BYTE_IP, 1, 3, { 3, 1, 2 } },
	{ "hop limit", CHANGE_BYTE_IP, 8, 1, { 3, 1, 2 } },
	{ "may be fragmented", CHANGE_BYTE_IP, 6, 0x40, { 3, 1, 2 } },
	{ "fragment", CHANGE_FRAGMENT, 0, 0, { 3, 1, 2 } },
	{ "identification", CHANGE_ID_FROM_HERE, 0, 0, { 3, 3 } },
	{ "ip options", CHANGE_IP_OPTIONS, 0, 0, { 3, 1, 2 } },
	{ "bad tcp checksum", CHANGE_BAD_TCP, 0, 0, { 3, 1, 2 } },
	{ "bad ip checksum", CHANGE_BAD_IP, 0, 0, { 3, 1, 2 } },
	{ "other sender's address", CHANGE_GROUP, 0, 0, { 3, 1, 2 } },
};

static void change_frame(enum change change, uint32_t at, uint32_t value, uint32_t number)
{
	struct packet packet = train_segment(700);
	struct packet *own = &train.packet[number];
	uint8_t *frame = train.frame[number];

	switch (change) {
	case CHANGE_FLAGS:
		frame[own->l4 + 13] = (uint8_t)value;
		break;
	case CHANGE_BYTE_IP:
		frame[own->l3 + at] ^= (uint8_t)value;
		break;
	case CHANGE_BYTE_TCP:
		frame[own->l4 + at] ^= (uint8_t)value;
		break;
	case CHANGE_FRAGMENT:
		store16(frame + own->l3 + 6, 0x2000);
		break;
	case CHANGE_IP_OPTIONS:
		packet.ip_options = 4;
		train.count = number;
		train_add(&packet, ACK);
		train.count = 6;
		break;
	case CHANGE_BAD_TCP:
		train_sum_up(own, frame);
		frame[own->end - 1] ^= 1;
		return;
	case CHANGE_BAD_IP:
		train_sum_up(own, frame);
		frame[own->l3 + 10] ^= 1;
		return;
	case CHANGE_GROUP:
		frame[11] ^= 1;
		break;
	case CHANGE_PURE_ACK:
	case CHANGE_SHORT:
	case CHANGE_LONG:
	case CHANGE_ID_FROM_HERE:
	case CHANGE_TIMESTAMP_FROM_HERE:
		break;
	}
	train_sum_up(own, frame);
}

/* Six segments of which number 3 is other. */
static void make_changed(enum change change, uint32_t at, uint32_t value)
{
	struct packet packet = train_segment(700);

	train_make(&packet, 3);
	packet.payload = change == CHANGE_PURE_ACK ? 0
			 : change == CHANGE_SHORT  ? 699
			 : change == CHANGE_LONG   ? 701
						   : 700;
	train_add(&packet, ACK);
	packet.payload = 700;
	train_add(&packet, ACK);
	train_add(&packet, ACK);
	change_frame(change, at, value, 3);
	for (uint32_t i = 3; i < 6; i++) {
		uint8_t *frame = train.frame[i];

		if (change == CHANGE_ID_FROM_HERE)
			store16(frame + train.packet[i].l3 + 4, 900 + i);
		if (change == CHANGE_TIMESTAMP_FROM_HERE)
			frame[train.packet[i].l4 + 27] = 7;
		if (change == CHANGE_ID_FROM_HERE || change == CHANGE_TIMESTAMP_FROM_HERE)
			train_sum_up(&train.packet[i], frame);
	}
}

static void whatever_does_not_follow_begins_anew(void)
{
	struct host *host = train_card(1, 2048);

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint32_t first = 0;

		make_changed(changes[i].change, changes[i].at, changes[i].value);
		train_from_wire(host);
		for (uint32_t part = 0; changes[i].parts[part]; part++) {
			/* A longer one ends nothing of what is seen apart from it. */
			if (changes[i].change == CHANGE_LONG && part && !train_is_seen_whole())
				break;
			train_expect(host, first, changes[i].parts[part]);
			first += changes[i].parts[part];
		}
		if (first == 3)
			train_expect(host, 3, 3);
		train_expect_nothing_more(host);
	}
	host_destroy(host);
}

/* The same where aggregates wait, and each frame is a burst of its own. */
static void whatever_does_not_follow_ends_the_wait(void)
{
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_REQUIRE_EQ(train_wait(to, WEIR_COALESCE_US_MAX), 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint32_t first = 0;

		make_changed(changes[i].change, changes[i].at, changes[i].value);
		for (uint32_t frame = 0; frame < 6; frame++) {
			WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, train.frame[frame],
							     train.bytes[frame]),
					0);
			stage_settle(host);
		}
		host_pass_ms(host, WEIR_COALESCE_US_MAX / 1000 + 1);
		for (uint32_t part = 0; changes[i].parts[part]; part++) {
			train_expect_one(host, first, changes[i].parts[part]);
			first += changes[i].parts[part];
		}
		train_expect_nothing_more(host);
	}
	host_destroy(host);
}

static void identifications_count_or_stay(void)
{
	struct packet packet = train_segment(500);
	struct host *host = train_card(1, 2048);

	for (uint32_t may_be_fragmented = 0; may_be_fragmented < 2; may_be_fragmented++) {
		packet.fragment = may_be_fragmented ? 0 : 0x4000;
		train_make(&packet, 5);
		train_from_wire(host);
		train_expect(host, 0, 5);
		WEIR_EXPECT(!(aggregate.flags & WEIR_RXC_COALESCED_FIXED_ID_MASK));
		for (uint32_t i = 0; i < 5; i++) {
			store16(train.frame[i] + train.packet[i].l3 + 4, 0x1234);
			train_sum_up(&train.packet[i], train.frame[i]);
		}
		train_from_wire(host);
		for (uint32_t i = 0; may_be_fragmented && i < 5; i++)
			train_expect(host, i, 1);
		if (may_be_fragmented)
			continue;
		train_expect(host, 0, 5);
		if (train_is_seen_whole())
			WEIR_EXPECT(aggregate.flags & WEIR_RXC_COALESCED_FIXED_ID_MASK);
	}
	train_expect_nothing_more(host);
	host_destroy(host);
}

/* What only looks like TCP with a right checksum: the sender gives it, and it lies beyond what the card has copied. */
static void what_is_not_verified_is_left_alone(void)
{
	struct packet packet = train_segment(900);
	struct host *host = train_card(1, 2048);

	train_make(&packet, 4);
	host_settle(host);
	for (uint32_t i = 0; i < train.count; i++)
		WEIR_REQUIRE(host_send(&host->functions[1], 0, train.frame[i], train.bytes[i], 1, 0,
				       0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	for (uint32_t i = 0; i < 4; i++)
		train_expect(host, i, 1);
	/* Asked for, but of another place, or begun with another sum: it would not be right. */
	for (uint32_t i = 0; i < train.count; i++) {
		static uint8_t frame[TRAIN_FRAME_MAX];

		memcpy(frame, train.frame[i], train.bytes[i]);
		host->functions[1].tx[0].checksum = packet_ask(&train.packet[i], frame);
		frame[train.packet[i].field] ^= 1;
		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, train.bytes[i], 1, 0,
				       WEIR_TXD_CHECKSUM_MASK, 0));
	}
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	for (uint32_t i = 0; i < 4; i++)
		WEIR_EXPECT(host_receive(&host->functions[2], 0, &got));
	train_expect_nothing_more(host);
	host_destroy(host);
}

/* Of which flow is what comes next? Its addresses, type and ports are in its buffer. */
static uint32_t next_flow(struct host *host, uint8_t numbers[4][8], const uint32_t taken[4])
{
	struct host_function *to = &host->functions[2];
	const struct host_rx *rx = &to->rx[0];
	const struct weir_rx_completion *ring = host_pointer(to, rx->completion);
	uint32_t slot = rx->taken & ((1u << rx->completion_log2) - 1);
	uint32_t place = weir_le16_to_cpu(ring[slot].buffer) % (1u << HOST_RING_LOG2);
	const uint8_t *data = host_pointer(to, rx->buffers[place]);

	for (uint32_t flow = 0; flow < 4; flow++) {
		uint32_t number = numbers[flow][taken[flow] % 8];
		const uint8_t *frame = train.frame[number];
		const struct packet *packet = &train.packet[number];

		if (taken[flow] < 8 && !memcmp(data, frame, packet->l3) &&
		    !memcmp(data + packet->l3 + 12, frame + packet->l3 + 12, 8) &&
		    !memcmp(data + packet->l4, frame + packet->l4, 4))
			return flow;
	}
	WEIR_REQUIRE(!"it is of one of the flows");
	return 0;
}

static void flows_between_each_other_are_told_apart(void)
{
	struct packet packet = train_segment(300);
	struct host *host = train_card(1, 2048);
	uint8_t numbers[4][8];

	/* Four flows that take turns: ports, addresses, tags. */
	train.count = 0;
	for (uint32_t i = 0; i < 32; i++) {
		uint32_t flow = i % 4, turn = i / 4;
		struct packet own = packet;

		own.tag_protocol[0] = flow == 3 ? 0x8100 : 0;
		own.tci[0] = 9;
		train_add(&own, ACK);
		uint8_t *frame = train.frame[i];
		struct packet *made = &train.packet[i];

		store32(frame + made->l4 + 4, 1000 + turn * 300);
		store16(frame + made->l3 + 4, turn);
		if (flow == 1)
			frame[made->l4 + 1] ^= 1;
		if (flow == 2)
			frame[made->l3 + 15] ^= 1;
		train_sum_up(made, frame);
		numbers[flow][turn] = (uint8_t)i;
	}
	train_from_wire(host);
	/* Seen in parts, none of them overtakes itself. */
	for (uint32_t taken[4] = { 0 }, done = 0; done < 32;) {
		uint32_t flow = train_is_seen_whole() ? done / 8 : next_flow(host, numbers, taken);
		uint32_t part = train_take(host, 0, numbers[flow] + taken[flow], 8 - taken[flow]);

		if (train_is_seen_whole())
			WEIR_EXPECT_EQ(part, 8);
		taken[flow] += part;
		done += part;
	}
	train_expect_nothing_more(host);
	host_destroy(host);
}

/* ---- settings ---- */

static void nothing_is_joined_unless_asked_for(void)
{
	struct packet packet = train_segment(400);
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_EXPECT_EQ(host_vport_value(&host->functions[3], WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 0);
	WEIR_EXPECT_EQ(host_vport_value(&host->functions[3], WEIR_ATTRIBUTE_COALESCE_BYTES),
		       WEIR_COALESCE_BYTES_MAX);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 32);
	/* Two flows to two vports that differ in the MAC alone. */
	train.count = 0;
	for (uint32_t i = 0; i < 8; i++) {
		train_add(&packet, ACK);
		train.frame[i][5] = (uint8_t)(i & 1 ? 3 : 2);
		store32(train.frame[i] + train.packet[i].l4 + 4, i / 2 * 400);
		store16(train.frame[i] + train.packet[i].l3 + 4, i / 2);
		train_sum_up(&train.packet[i], train.frame[i]);
	}
	train_from_wire(host);
	train_expect_at(host, 0, (const uint8_t[]){ 0, 2, 4, 6 }, 4);
	for (uint32_t i = 1; i < 8; i += 2) {
		WEIR_REQUIRE(host_receive(&host->functions[3], 0, &got));
		WEIR_EXPECT_MEM(got.data, train.frame[i], train.bytes[i]);
	}
	WEIR_EXPECT_EQ(train_coalesce(to, 0, 65535), 0);
	train_make(&packet, 4);
	train_from_wire(host);
	for (uint32_t i = 0; i < 4; i++)
		train_expect(host, i, 1);
	/* An FLR forgets it. */
	WEIR_EXPECT_EQ(train_coalesce(to, 7, 5000), 0);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 7);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_BYTES), 5000);
	host_flr(to);
	host_pass_ms(host, 5);
	host_forget(to);
	WEIR_REQUIRE(host_up(to, test_mac(2), 1, 2048, false));
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 0);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_BYTES), 65535);
	train_from_wire(host);
	for (uint32_t i = 0; i < 4; i++)
		train_expect(host, i, 1);
	host_destroy(host);
}

/* The train arrives in no longer parts than these. */
static void expect_parts(struct host *host, const uint8_t *parts)
{
	uint32_t first = 0;

	train_from_wire(host);
	for (uint32_t i = 0; train_is_seen_whole() && parts[i]; i++) {
		train_expect(host, first, parts[i]);
		first += parts[i];
	}
	while (first < train.count)
		first += train_take_row(host, first, least(parts[0], train.count - first));
	train_expect_nothing_more(host);
}

static void neither_limit_is_passed(void)
{
	struct packet packet = train_segment(1000);
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];

	train_make(&packet, 10);
	WEIR_EXPECT_EQ(train_coalesce(to, 3, 65535), 0);
	expect_parts(host, (const uint8_t[]){ 3, 3, 3, 1, 0 });
	/* Five segments and their 66 bytes of headers, exactly; then one byte less. */
	WEIR_EXPECT_EQ(train_coalesce(to, 32, 5066), 0);
	expect_parts(host, (const uint8_t[]){ 5, 5, 0 });
	WEIR_EXPECT_EQ(train_coalesce(to, 32, 5065), 0);
	expect_parts(host, (const uint8_t[]){ 4, 4, 2, 0 });
	host_destroy(host);
}

static void impossible_settings_are_refused(void)
{
	const uint32_t wrong[][2] = { { 1, 65535 },
				      { 33, 65535 },
				      { 255, 65535 },
				      { 8, 65536 },
				      { 8, WEIR_MIN_FRAME_BYTES - 1 },
				      { 8, 0 } };
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool segments = wrong[i][0] != 8;

		WEIR_EXPECT_EQ(train_coalesce(to, wrong[i][0], wrong[i][1]), WEIR_STATUS_BAD_VALUE);
		WEIR_EXPECT_EQ(to->detail, segments ? WEIR_ATTRIBUTE_COALESCE_SEGMENTS
						    : WEIR_ATTRIBUTE_COALESCE_BYTES);
	}
	/* All or nothing. */
	WEIR_EXPECT_EQ(host_command(to, WEIR_COMMAND_VPORT_SET,
				    HOST_REQUEST(HOST_U(COALESCE_SEGMENTS, 4), HOST_U(MTU, 1)),
				    NULL),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 32);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_BYTES), 65535);
	host_destroy(host);
}

static void an_impossible_time_is_refused(void)
{
	struct host *host = train_card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_US), 0);
	WEIR_EXPECT_EQ(train_wait(to, WEIR_COALESCE_US_MAX), 0);
	WEIR_EXPECT_EQ(train_wait(to, WEIR_COALESCE_US_MAX + 1), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(to->detail, WEIR_ATTRIBUTE_COALESCE_US);
	/* All or nothing. */
	WEIR_EXPECT_EQ(host_command(to, WEIR_COMMAND_VPORT_SET,
				    HOST_REQUEST(HOST_U(MTU, 1), HOST_U(COALESCE_US, 5)), NULL),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_US), WEIR_COALESCE_US_MAX);
	host_destroy(host);
}

const struct weir_test coalesce_tests[] = {
	{ "coalescing.segments_become_a_frame_that_cuts_into_them",
	  segments_become_a_frame_that_cuts_into_them },
	{ "coalescing.the_last_segment_may_be_short_pushed_or_the_end",
	  the_last_segment_may_be_short_pushed_or_the_end },
	{ "coalescing.padding_of_a_short_segment_is_left_out",
	  padding_of_a_short_segment_is_left_out },
	{ "coalescing.what_a_neighbour_has_cut_is_whole_again",
	  what_a_neighbour_has_cut_is_whole_again },
	{ "coalescing.whatever_does_not_follow_begins_anew", whatever_does_not_follow_begins_anew },
	{ "coalescing_held.whatever_does_not_follow_ends_the_wait",
	  whatever_does_not_follow_ends_the_wait },
	{ "coalescing.identifications_count_or_stay", identifications_count_or_stay },
	{ "coalescing.what_is_not_verified_is_left_alone", what_is_not_verified_is_left_alone },
	{ "coalescing.flows_between_each_other_are_told_apart",
	  flows_between_each_other_are_told_apart },
	{ "coalescing.nothing_is_joined_unless_asked_for", nothing_is_joined_unless_asked_for },
	{ "coalescing.neither_limit_is_passed", neither_limit_is_passed },
	{ "coalescing.impossible_settings_are_refused", impossible_settings_are_refused },
	{ "coalescing_held.an_impossible_time_is_refused", an_impossible_time_is_refused },
};
const size_t coalesce_test_count = WEIR_TESTS(coalesce_tests);
