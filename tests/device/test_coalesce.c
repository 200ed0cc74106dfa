/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive coalescing (specs/coalescing.md). An aggregate is right when cutting it again gives the frames that it was made of, byte by
 * byte: the cutting here is written from RFC 791, 8200 and 9293, and sums are packets.c's.
 */
#include "large.h"
#include "packets.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#define TRAIN_MAX 64u
#define FRAME_MAX 9100u

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

/* Frames that are sent one after the other. */
struct train {
	uint8_t frame[TRAIN_MAX][FRAME_MAX];
	uint32_t bytes[TRAIN_MAX];
	struct packet packet[TRAIN_MAX];
	uint32_t count;
};

static struct train train;
static struct host_aggregate aggregate;
static struct host_frame got;

static uint32_t load16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t load32(const uint8_t *at)
{
	return load16(at) << 16 | load16(at + 2);
}

static void store16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void store32(uint8_t *at, uint32_t value)
{
	store16(at, value >> 16);
	store16(at + 2, value);
}

/* Puts the right checksums into a TCP frame. */
static void sum_up(const struct packet *packet, uint8_t *frame)
{
	uint8_t *field = frame + packet->field;

	if (!packet->ipv6) {
		store16(frame + packet->l3 + 10, 0);
		store16(frame + packet->l3 + 10,
			~packet_sum(frame + packet->l3, packet->l4 - packet->l3, 0));
	}
	store16(field, 0);
	store16(field, ~packet_sum(frame + packet->l4, packet->end - packet->l4,
				   packet_pseudo(packet, frame)));
}

/* Adds a segment to the train that continues the one before it. */
static void add_segment(const struct packet *packet, uint8_t flags)
{
	uint32_t number = train.count++;
	struct packet *own = &train.packet[number];
	uint8_t *frame = train.frame[number];

	*own = *packet;
	own->seed += number;
	train.bytes[number] = packet_make(own, frame);
	uint8_t *tcp = frame + own->l4;

	store32(tcp + 4, 0xffffff00u);
	store32(tcp + 8, 0x01020304);
	if (number) {
		const struct packet *last = &train.packet[number - 1];

		store32(tcp + 4, load32(train.frame[number - 1] + last->l4 + 4) + last->payload);
	}
	tcp[13] = flags;
	store16(tcp + 14, 501);
	if (!own->ipv6)
		store16(frame + own->l3 + 4, 0xfffe + number);
	sum_up(own, frame);
}

static struct packet segment_of(uint32_t payload)
{
	return (struct packet){ .destination = test_mac(2),
				.source = test_mac(1),
				.protocol = PACKET_TCP,
				.fragment = 0x4000,
				.tcp_options = 12,
				.payload = payload,
				.seed = payload };
}

/* So many full segments. */
static void make_train(const struct packet *packet, uint32_t count)
{
	train.count = 0;
	while (train.count < count)
		add_segment(packet, ACK);
}

static int coalesce(struct host_function *function, uint32_t segments, uint32_t bytes)
{
	return host_command(function, WEIR_COMMAND_VPORT_SET,
			    HOST_REQUEST(HOST_U(COALESCE_SEGMENTS, segments),
					 HOST_U(COALESCE_BYTES, bytes)),
			    NULL);
}

/* VF 2 coalesces. */
static struct host *card(uint16_t queues, uint32_t buffer_bytes)
{
	struct host *host = test_card(3, queues, buffer_bytes, false);

	WEIR_REQUIRE_EQ(coalesce(&host->functions[2], WEIR_COALESCE_SEGMENTS_MAX,
				 WEIR_COALESCE_BYTES_MAX),
			0);
	return host;
}

/* The train arrives from the wire; the card has not looked before all of it is there. */
static void from_wire(struct host *host)
{
	host_settle(host);
	for (uint32_t i = 0; i < train.count; i++)
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, train.frame[i], train.bytes[i]),
				0);
	host_settle(host);
}

/* The train is sent by VF 1, whose checksums the card puts in, and tags where `flags` say so. */
static void from_vf_with(struct host *host, uint32_t segments, uint16_t flags, uint16_t tci)
{
	static uint8_t frame[FRAME_MAX];

	host_settle(host);
	for (uint32_t i = 0; i < train.count; i++) {
		memcpy(frame, train.frame[i], train.bytes[i]);
		host->functions[1].tx[0].checksum = packet_ask(&train.packet[i], frame);
		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, train.bytes[i], segments,
				       i % 5, WEIR_TXD_CHECKSUM_MASK | flags, tci));
	}
	host_send_done(&host->functions[1], 0);
	host_settle(host);
}

static void from_vf(struct host *host, uint32_t segments)
{
	from_vf_with(host, segments, 0, 0);
}

/* Cuts `aggregate` and compares: segment `number` of it is a frame of the train. */
static void expect_cut(uint32_t number, uint32_t segments, const uint8_t *frame,
		       const struct packet *packet)
{
	static uint8_t cut[FRAME_MAX];
	const uint8_t *whole = aggregate.data;
	uint32_t header = packet->end - packet->payload,
		 payload = WEIR_GET(WEIR_RXA_PAYLOAD, aggregate.segment);
	uint32_t offset = number * payload, left = aggregate.bytes - header - offset,
		 take = left < payload ? left : payload;
	struct packet own = *packet;
	bool last = number + 1 == segments;
	uint8_t *ip = cut + own.l3, *tcp = cut + own.l4;

	WEIR_REQUIRE(aggregate.bytes > header + offset);
	memcpy(cut, whole, header);
	memcpy(cut + header, whole + header + offset, take);
	if (own.ipv6) {
		store16(ip + 4, header - own.l4 + take);
	} else {
		store16(ip + 2, header - own.l3 + take);
		if (!(aggregate.flags & WEIR_RXC_COALESCED_FIXED_ID_MASK))
			store16(ip + 4, load16(ip + 4) + number);
	}
	store32(tcp + 4, load32(tcp + 4) + offset);
	if (number)
		tcp[13] &= (uint8_t)~CWR;
	if (!last)
		tcp[13] &= (uint8_t) ~(FIN | PSH);
	own.end = header + take;
	sum_up(&own, cut);
	WEIR_EXPECT_EQ(own.end, packet->end);
	WEIR_EXPECT_MEM(cut, frame, packet->end);
}

/* The headers of an aggregate say what it is: lengths, IPv4's sum, and the pseudo header's in TCP's. */
static void expect_headers(const struct packet *packet)
{
	struct packet own = *packet;
	const uint8_t *ip = aggregate.data + own.l3;

	own.end = aggregate.bytes;
	if (own.ipv6) {
		WEIR_EXPECT_EQ(load16(ip + 4), own.end - own.l4);
	} else {
		WEIR_EXPECT_EQ(load16(ip + 2), own.end - own.l3);
		WEIR_EXPECT_EQ(packet_sum(ip, 20, 0), 0xffff);
	}
	WEIR_EXPECT_EQ(load16(aggregate.data + own.field), packet_pseudo(&own, aggregate.data));
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXA_L3, aggregate.segment),
		       own.ipv6 ? WEIR_PACKET_L3_IPV6 : WEIR_PACKET_L3_IPV4);
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, aggregate.flags), WEIR_CHECKSUM_STATE_GOOD);
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_IP, aggregate.flags),
		       own.ipv6 ? WEIR_CHECKSUM_STATE_UNKNOWN : WEIR_CHECKSUM_STATE_GOOD);
}

/* The native home sees all of a train at once; the others may see it in parts, of each of which aggregates are made. */
static bool sees_trains_whole(void)
{
	return strcmp(weirsim_home(), "hwsim") == 0;
}

/* The next thing that VF 2 gets on a queue is made of frames of the train, of these from the first on: an aggregate, or one that is as
 * it was. Returns how many. */
static uint32_t take_part(struct host *host, uint16_t queue, const uint8_t *numbers, uint32_t most)
{
	struct host_function *to = &host->functions[2];
	const struct packet *packet = &train.packet[numbers[0]];
	uint32_t count, header = packet->end - packet->payload;

	if (!host_receive_aggregate(to, queue, &aggregate)) {
		WEIR_REQUIRE(host_receive(to, queue, &got));
		WEIR_EXPECT_EQ(got.bytes, train.bytes[numbers[0]]);
		WEIR_EXPECT_MEM(got.data, train.frame[numbers[0]], got.bytes);
		return 1;
	}
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXA_PAYLOAD, aggregate.segment), packet->payload);
	count = (aggregate.bytes - header + packet->payload - 1) / packet->payload;
	WEIR_REQUIRE(count > 1 && count <= most);
	expect_headers(packet);
	for (uint32_t i = 0; i < count; i++)
		expect_cut(i, count, train.frame[numbers[i]], &train.packet[numbers[i]]);
	return count;
}

/* These frames of the train come next on a queue, as one thing. */
static void expect_made_of_at(struct host *host, uint16_t queue, const uint8_t *numbers,
			      uint32_t count)
{
	for (uint32_t done = 0, part; done < count; done += part) {
		part = take_part(host, queue, numbers + done, count - done);
		if (sees_trains_whole())
			WEIR_EXPECT_EQ(part, count);
	}
}

/* The same on queue 0 of frames in a row. */
static void expect_made_of(struct host *host, uint32_t first, uint32_t count)
{
	uint8_t numbers[TRAIN_MAX];

	for (uint32_t i = 0; i < count; i++)
		numbers[i] = (uint8_t)(first + i);
	expect_made_of_at(host, 0, numbers, count);
}

static void expect_nothing_more(struct host *host)
{
	WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT(!host_receive_aggregate(&host->functions[2], 0, &aggregate));
}

/* ---- aggregates ---- */

static void segments_become_a_frame_that_cuts_into_them(void)
{
	const uint32_t payloads[] = { 1, 100, 1448, 8900 };

	for (uint32_t variant = 0; variant < 48; variant++) {
		struct host *host = variant % 12 ? NULL : card(1, variant & 16 ? 2048 : 4032);
		static struct host *kept;
		struct packet packet = segment_of(payloads[variant % 4]);
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
		make_train(&packet, count);
		from_wire(kept);
		expect_made_of(kept, 0, count);
		expect_nothing_more(kept);
		from_vf(kept, 1);
		expect_made_of(kept, 0, count);
		expect_nothing_more(kept);
		if (variant % 12 == 11)
			host_destroy(kept);
	}
}

static void the_last_segment_may_be_short_pushed_or_the_end(void)
{
	const uint8_t ends[] = { ACK, ACK | PSH, ACK | FIN, ACK | FIN | PSH };
	struct host *host = card(1, 2048);

	for (uint32_t i = 0; i < 8; i++) {
		struct packet packet = segment_of(1000);

		make_train(&packet, 6);
		packet.payload = i < 4 ? 1000 : 1;
		add_segment(&packet, ends[i % 4]);
		from_wire(host);
		expect_made_of(host, 0, 7);
		expect_nothing_more(host);
	}
	host_destroy(host);
}

/* Padding is of the wire, and no part of what was sent. */
static void padding_of_a_short_segment_is_left_out(void)
{
	struct packet packet = segment_of(2);
	struct host *host = card(1, 2048);

	packet.tcp_options = 0;
	make_train(&packet, 1);
	/* 56 bytes: as wires pad to 60, the second one carries padding, the first must not. */
	add_segment(&packet, ACK);
	memset(train.frame[1] + train.bytes[1], 0xee, 4);
	train.bytes[1] += 4;
	from_wire(host);
	expect_made_of(host, 0, 2);
	host_destroy(host);
}

static uint8_t large_frame[LARGE_FRAME_MAX];

/* VF 1 has large_frames[number] cut for VF 2, whose segments the card sees in one go in every home; the frame is in large_frame. Returns its
 * length; 0: not one whose segments may become one frame again. */
static uint32_t send_large(struct host *host, size_t number, struct packet *packet)
{
	const struct large *large = &large_frames[number];
	struct host_function *from = &host->functions[1];
	struct host_tx *tx = &from->tx[0];
	uint32_t header_bytes, at = 0;
	uint32_t bytes = large_make(number, test_mac(2), test_mac(1), false, large_frame, packet,
				    &header_bytes);

	if (packet->protocol != PACKET_TCP || packet->ip_options || packet->extensions[0] ||
	    packet->tag_protocol[1] || large->tcp_flags & LARGE_URG ||
	    packet->payload > 32u * large->mss || bytes > WEIR_COALESCE_BYTES_MAX)
		return 0;
	if (!tx->large)
		tx->large = host_alloc(from, LARGE_FRAME_MAX, 64);
	memcpy(host_pointer(from, tx->large), large_frame, bytes);
	struct weir_tx_descriptor descriptor = {
		.address = weir_cpu_to_le64(tx->large),
		.length = weir_cpu_to_le16((uint16_t)header_bytes),
		.flags = weir_cpu_to_le16(WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK),
		.checksum = weir_cpu_to_le16((uint16_t)(packet->l4 | 16u << 8)),
	};

	host_post_descriptor(from, 0, &descriptor);
	for (at = header_bytes; at < bytes;) {
		uint32_t take = bytes - at > 16000 ? 16000 : bytes - at;
		struct weir_tx_payload_descriptor payload = {
			.address = weir_cpu_to_le64(tx->large + at),
			.length = weir_cpu_to_le16((uint16_t)take),
			.mss = weir_cpu_to_le16(at == header_bytes ? large->mss : 0),
		};

		at += take;
		payload.flags = weir_cpu_to_le16(at == bytes ? WEIR_TXD_END_MASK : 0);
		memcpy(&descriptor, &payload, sizeof(descriptor));
		host_post_descriptor(from, 0, &descriptor);
	}
	host_send_done(from, 0);
	host_settle(host);
	return bytes;
}

/* Large frames that a VF has cut: the receiver has them as they were before, but for the sum of TCP, which has the length in it. */
static void what_a_neighbour_has_cut_is_whole_again(void)
{
	struct host *host = card(1, 4032);
	uint32_t seen = 0;

	for (size_t number = 0; number < large_count; number++) {
		struct packet packet;
		uint32_t bytes = send_large(host, number, &packet);

		if (!bytes)
			continue;
		WEIR_REQUIRE(host_receive_aggregate(&host->functions[2], 0, &aggregate));
		WEIR_EXPECT_EQ(aggregate.bytes, bytes);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXA_PAYLOAD, aggregate.segment),
			       large_frames[number].mss);
		expect_headers(&packet);
		store16(large_frame + packet.field, load16(aggregate.data + packet.field));
		WEIR_EXPECT_MEM(aggregate.data, large_frame, bytes);
		expect_nothing_more(host);
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
	struct packet packet = segment_of(700);
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
		add_segment(&packet, ACK);
		train.count = 6;
		break;
	case CHANGE_BAD_TCP:
		sum_up(own, frame);
		frame[own->end - 1] ^= 1;
		return;
	case CHANGE_BAD_IP:
		sum_up(own, frame);
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
	sum_up(own, frame);
}

/* Six segments of which number 3 is other. */
static void make_changed(enum change change, uint32_t at, uint32_t value)
{
	struct packet packet = segment_of(700);

	make_train(&packet, 3);
	packet.payload = change == CHANGE_PURE_ACK ? 0
			 : change == CHANGE_SHORT  ? 699
			 : change == CHANGE_LONG   ? 701
						   : 700;
	add_segment(&packet, ACK);
	packet.payload = 700;
	add_segment(&packet, ACK);
	add_segment(&packet, ACK);
	change_frame(change, at, value, 3);
	for (uint32_t i = 3; i < 6; i++) {
		uint8_t *frame = train.frame[i];

		if (change == CHANGE_ID_FROM_HERE)
			store16(frame + train.packet[i].l3 + 4, 900 + i);
		if (change == CHANGE_TIMESTAMP_FROM_HERE)
			frame[train.packet[i].l4 + 27] = 7;
		if (change == CHANGE_ID_FROM_HERE || change == CHANGE_TIMESTAMP_FROM_HERE)
			sum_up(&train.packet[i], frame);
	}
}

static void whatever_does_not_follow_begins_anew(void)
{
	struct host *host = card(1, 2048);

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint32_t first = 0;

		make_changed(changes[i].change, changes[i].at, changes[i].value);
		from_wire(host);
		for (uint32_t part = 0; changes[i].parts[part]; part++) {
			/* A longer one ends nothing of what is seen apart from it. */
			if (changes[i].change == CHANGE_LONG && part && !sees_trains_whole())
				break;
			expect_made_of(host, first, changes[i].parts[part]);
			first += changes[i].parts[part];
		}
		if (first == 3)
			expect_made_of(host, 3, 3);
		expect_nothing_more(host);
	}
	host_destroy(host);
}

static void identifications_count_or_stay(void)
{
	struct packet packet = segment_of(500);
	struct host *host = card(1, 2048);

	for (uint32_t may_be_fragmented = 0; may_be_fragmented < 2; may_be_fragmented++) {
		packet.fragment = may_be_fragmented ? 0 : 0x4000;
		make_train(&packet, 5);
		from_wire(host);
		expect_made_of(host, 0, 5);
		WEIR_EXPECT(!(aggregate.flags & WEIR_RXC_COALESCED_FIXED_ID_MASK));
		for (uint32_t i = 0; i < 5; i++) {
			store16(train.frame[i] + train.packet[i].l3 + 4, 0x1234);
			sum_up(&train.packet[i], train.frame[i]);
		}
		from_wire(host);
		for (uint32_t i = 0; may_be_fragmented && i < 5; i++)
			expect_made_of(host, i, 1);
		if (may_be_fragmented)
			continue;
		expect_made_of(host, 0, 5);
		if (sees_trains_whole())
			WEIR_EXPECT(aggregate.flags & WEIR_RXC_COALESCED_FIXED_ID_MASK);
	}
	expect_nothing_more(host);
	host_destroy(host);
}

/* What only looks like TCP with a right checksum: the sender gives it, and it lies beyond what the card has copied. */
static void what_is_not_verified_is_left_alone(void)
{
	struct packet packet = segment_of(900);
	struct host *host = card(1, 2048);

	make_train(&packet, 4);
	host_settle(host);
	for (uint32_t i = 0; i < train.count; i++)
		WEIR_REQUIRE(host_send(&host->functions[1], 0, train.frame[i], train.bytes[i], 1, 0,
				       0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	for (uint32_t i = 0; i < 4; i++)
		expect_made_of(host, i, 1);
	/* Asked for, but of another place, or begun with another sum: it would not be right. */
	for (uint32_t i = 0; i < train.count; i++) {
		static uint8_t frame[FRAME_MAX];

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
	expect_nothing_more(host);
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
	struct packet packet = segment_of(300);
	struct host *host = card(1, 2048);
	uint8_t numbers[4][8];

	/* Four flows that take turns: ports, addresses, tags. */
	train.count = 0;
	for (uint32_t i = 0; i < 32; i++) {
		uint32_t flow = i % 4, turn = i / 4;
		struct packet own = packet;

		own.tag_protocol[0] = flow == 3 ? 0x8100 : 0;
		own.tci[0] = 9;
		add_segment(&own, ACK);
		uint8_t *frame = train.frame[i];
		struct packet *made = &train.packet[i];

		store32(frame + made->l4 + 4, 1000 + turn * 300);
		store16(frame + made->l3 + 4, turn);
		if (flow == 1)
			frame[made->l4 + 1] ^= 1;
		if (flow == 2)
			frame[made->l3 + 15] ^= 1;
		sum_up(made, frame);
		numbers[flow][turn] = (uint8_t)i;
	}
	from_wire(host);
	/* Seen in parts, none of them overtakes itself. */
	for (uint32_t taken[4] = { 0 }, done = 0; done < 32;) {
		uint32_t flow = sees_trains_whole() ? done / 8 : next_flow(host, numbers, taken);
		uint32_t part = take_part(host, 0, numbers[flow] + taken[flow], 8 - taken[flow]);

		if (sees_trains_whole())
			WEIR_EXPECT_EQ(part, 8);
		taken[flow] += part;
		done += part;
	}
	expect_nothing_more(host);
	host_destroy(host);
}

/* ---- settings ---- */

static void nothing_is_joined_unless_asked_for(void)
{
	struct packet packet = segment_of(400);
	struct host *host = card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_EXPECT_EQ(host_vport_value(&host->functions[3], WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 0);
	WEIR_EXPECT_EQ(host_vport_value(&host->functions[3], WEIR_ATTRIBUTE_COALESCE_BYTES),
		       WEIR_COALESCE_BYTES_MAX);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 32);
	/* Two flows to two vports that differ in the MAC alone. */
	train.count = 0;
	for (uint32_t i = 0; i < 8; i++) {
		add_segment(&packet, ACK);
		train.frame[i][5] = (uint8_t)(i & 1 ? 3 : 2);
		store32(train.frame[i] + train.packet[i].l4 + 4, i / 2 * 400);
		store16(train.frame[i] + train.packet[i].l3 + 4, i / 2);
		sum_up(&train.packet[i], train.frame[i]);
	}
	from_wire(host);
	expect_made_of_at(host, 0, (const uint8_t[]){ 0, 2, 4, 6 }, 4);
	for (uint32_t i = 1; i < 8; i += 2) {
		WEIR_REQUIRE(host_receive(&host->functions[3], 0, &got));
		WEIR_EXPECT_MEM(got.data, train.frame[i], train.bytes[i]);
	}
	WEIR_EXPECT_EQ(coalesce(to, 0, 65535), 0);
	make_train(&packet, 4);
	from_wire(host);
	for (uint32_t i = 0; i < 4; i++)
		expect_made_of(host, i, 1);
	/* An FLR forgets it. */
	WEIR_EXPECT_EQ(coalesce(to, 7, 5000), 0);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 7);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_BYTES), 5000);
	host_flr(to);
	host_pass_ms(host, 5);
	host_forget(to);
	WEIR_REQUIRE(host_up(to, test_mac(2), 1, 2048, false));
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_SEGMENTS), 0);
	WEIR_EXPECT_EQ(host_vport_value(to, WEIR_ATTRIBUTE_COALESCE_BYTES), 65535);
	from_wire(host);
	for (uint32_t i = 0; i < 4; i++)
		expect_made_of(host, i, 1);
	host_destroy(host);
}

/* The train arrives in no longer parts than these. */
static void expect_parts(struct host *host, const uint8_t *parts)
{
	uint32_t first = 0;

	from_wire(host);
	for (uint32_t i = 0; sees_trains_whole() && parts[i]; i++) {
		expect_made_of(host, first, parts[i]);
		first += parts[i];
	}
	while (first < train.count) {
		uint8_t numbers[TRAIN_MAX] = { 0 };

		for (uint32_t i = first; i < train.count; i++)
			numbers[i - first] = (uint8_t)i;
		first += take_part(host, 0, numbers, least(parts[0], train.count - first));
	}
	expect_nothing_more(host);
}

static void neither_limit_is_passed(void)
{
	struct packet packet = segment_of(1000);
	struct host *host = card(1, 2048);
	struct host_function *to = &host->functions[2];

	make_train(&packet, 10);
	WEIR_EXPECT_EQ(coalesce(to, 3, 65535), 0);
	expect_parts(host, (const uint8_t[]){ 3, 3, 3, 1, 0 });
	/* Five segments and their 66 bytes of headers, exactly; then one byte less. */
	WEIR_EXPECT_EQ(coalesce(to, 32, 5066), 0);
	expect_parts(host, (const uint8_t[]){ 5, 5, 0 });
	WEIR_EXPECT_EQ(coalesce(to, 32, 5065), 0);
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
	struct host *host = card(1, 2048);
	struct host_function *to = &host->functions[2];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool segments = wrong[i][0] != 8;

		WEIR_EXPECT_EQ(coalesce(to, wrong[i][0], wrong[i][1]), WEIR_STATUS_BAD_VALUE);
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

/* ---- what else is told, and what goes wrong ---- */

static void they_are_counted_as_they_came(void)
{
	struct packet packet = segment_of(1000);
	struct host *host = card(1, 2048);
	struct host_function *to = &host->functions[2], *from = &host->functions[1];
	uint32_t bytes = 0;

	make_train(&packet, 9);
	train.frame[8][train.packet[8].l4 + 13] |= URG;
	sum_up(&train.packet[8], train.frame[8]);
	for (uint32_t i = 0; i < 9; i++)
		bytes += train.bytes[i];
	from_wire(host);
	expect_made_of(host, 0, 8);
	from_vf(host, 2);
	expect_made_of(host, 8, 1);
	expect_made_of(host, 0, 8);
	expect_made_of(host, 8, 1);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_FRAMES), 18);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_BYTES), 2 * bytes);
	if (sees_trains_whole()) {
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
	struct packet packet = segment_of(1448);
	struct host *host = card(1, 512);
	struct host_function *to = &host->functions[2];
	uint16_t before;

	make_train(&packet, 8);
	for (uint32_t round = 0; round < 20; round++) {
		before = to->rx[0].taken;
		from_wire(host);
		expect_made_of(host, 0, 8);
		if (sees_trains_whole())
			WEIR_EXPECT_EQ((uint16_t)(to->rx[0].taken - before), 1);
		if (sees_trains_whole())
			WEIR_EXPECT_EQ(aggregate.buffers, (8 * 1448 + 66 + 511) / 512);
		expect_nothing_more(host);
	}
	host_destroy(host);
}

static void too_few_buffers_take_it_apart(void)
{
	struct packet packet = segment_of(1448);
	struct host *host = card(1, 128);

	/* 64 buffers are posted: room for 5 such segments, and a sixth is dropped as ever. */
	make_train(&packet, 6);
	from_wire(host);
	for (uint32_t i = 0; i < 5; i++)
		expect_made_of(host, i, 1);
	expect_nothing_more(host);
	WEIR_EXPECT_EQ(vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER), 1);
	host_destroy(host);
}

static void one_queue_hash_and_mark_for_all_of_it(void)
{
	struct packet packet = segment_of(1000);
	struct host *host = card(4, 2048);
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
	make_train(&packet, 1);
	from_wire(host);
	for (uint16_t i = 0; i < 4; i++) {
		if (!host_receive(to, i, &got))
			continue;
		WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
		hash = got.flow_hash;
		queue = i;
	}
	make_train(&packet, 8);
	from_wire(host);
	expect_made_of_at(host, queue, (const uint8_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8);
	if (sees_trains_whole()) {
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
	from_wire(host);
	expect_made_of_at(host, (uint16_t)((queue + 1) % 4),
			  (const uint8_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8);
	if (sees_trains_whole()) {
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
	struct packet packet = segment_of(1000);
	struct host *host = card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_REQUIRE_EQ(host_vport_flags(to, WEIR_VPORT_VLAN_STRIP, WEIR_VPORT_VLAN_STRIP), 0);
	packet.tag_protocol[0] = 0x8100;
	packet.tci[0] = 0x6123;
	make_train(&packet, 8);
	from_wire(host);
	/* What is left are the frames without it. */
	for (uint32_t i = 0; i < 8; i++) {
		memmove(train.frame[i] + 12, train.frame[i] + 16, train.bytes[i] - 16);
		move_datagram(i, -4);
	}
	expect_made_of(host, 0, 8);
	if (sees_trains_whole()) {
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
	const struct packet packet = segment_of(1000);

	for (uint32_t kind = 0; kind < 2; kind++) {
		struct host *host = card(1, 2048);

		make_train(&packet, 8);
		from_vf_with(host, 1, flags[kind], 0x6123);
		for (uint32_t i = 0; i < 8; i++) {
			memmove(train.frame[i] + 16, train.frame[i] + 12, train.bytes[i] - 12);
			memcpy(train.frame[i] + 12, tags[kind], 4);
			move_datagram(i, 4);
		}
		expect_made_of(host, 0, 8);
		host_destroy(host);
	}
}

/* Who has headers split off wants each of them. */
static void a_queue_that_splits_headers_gets_segments(void)
{
	const struct packet packet = segment_of(1000);
	struct host *host = card(1, 2048);
	struct host_function *to = &host->functions[2];

	WEIR_REQUIRE_EQ(host_queue_destroy(to, 0), WEIR_STATUS_OK);
	to->rx[0].split = (struct host_split){ .mode = WEIR_SPLIT_MODE_L4, .header_bytes = 128 };
	WEIR_REQUIRE_EQ(host_queue_create(to, 0, 2048, 1, false), WEIR_STATUS_OK);
	make_train(&packet, 24);
	from_wire(host);
	for (uint32_t i = 0; i < 24; i++) {
		WEIR_REQUIRE(host_receive(to, 0, &got));
		WEIR_EXPECT_EQ(got.bytes, train.bytes[i]);
		WEIR_EXPECT_MEM(got.data, train.frame[i], got.bytes);
		WEIR_EXPECT_EQ(got.header_bytes, train.packet[i].end - packet.payload);
	}
	expect_nothing_more(host);
	WEIR_EXPECT_EQ(host_stat(to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_COALESCED), 0);
	host_destroy(host);
}

/* A buffer that cannot be written: all of them come back, and the segments are counted as lost. */
static void a_fault_gives_all_buffers_back(void)
{
	struct host *host = card(1, 2048);
	struct host_function *to = &host->functions[2];
	weir_le64 *ring = host_pointer(to, to->rx[0].ring);
	struct packet packet;

	host_settle(host);
	WEIR_REQUIRE_EQ(to->rx[0].posted, 64);
	/* Not fetched yet: the first frame makes the card do so. */
	ring[2] = weir_cpu_to_le64(0xdead0000);
	/* Seven segments. */
	WEIR_REQUIRE(send_large(host, 1, &packet) == 10066);
	WEIR_REQUIRE(host_receive_aggregate(to, 0, &aggregate));
	WEIR_EXPECT(aggregate.flags & WEIR_RXC_ERROR_MASK);
	WEIR_EXPECT_EQ(aggregate.bytes, 10066);
	WEIR_EXPECT_EQ(aggregate.buffers, 5);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_DROPPED_FAULT), 7);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_FRAMES), 0);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_BYTES), 0);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 0);
	WEIR_EXPECT_EQ(function_stat(to, WEIR_STAT_FUNCTION_DMA_FAULTS), 1);
	WEIR_REQUIRE(send_large(host, 1, &packet));
	WEIR_REQUIRE(host_receive_aggregate(to, 0, &aggregate));
	WEIR_EXPECT(!(aggregate.flags & WEIR_RXC_ERROR_MASK));
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_AGGREGATES), 1);
	host_destroy(host);
}

static void its_time_is_that_of_its_first_segment(void)
{
	struct packet packet = segment_of(1000);
	struct host *host = host_create(2, test_seed());
	struct host_function *to = &host->functions[2];

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, 2);
	to->rx[0].timed = true;
	WEIR_REQUIRE(host_up(to, test_mac(2), 1, 2048, false));
	WEIR_REQUIRE_EQ(coalesce(to, 32, 65535), 0);
	make_train(&packet, 8);
	from_wire(host);
	expect_made_of(host, 0, 8);
	if (sees_trains_whole()) {
		WEIR_EXPECT(aggregate.flags & WEIR_RXC_TIMESTAMP_MASK);
		WEIR_EXPECT(aggregate.time_ns != 0);
	}
	host_destroy(host);
}

/* Random trains of a few flows, from the wire and a VF, settings changing: every byte of every flow arrives, in order. */
static void streams_stay_whole_and_in_order(void)
{
	struct host *host = card(1, 2048);
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
				segment_of(rand() % 4 ? 700 : 1 + (uint32_t)rand() % 700);

			packet.ipv6 = flow == 2;
			add_segment(&packet, rand() % 9 ? ACK : ACK | PSH);
			uint8_t *frame = train.frame[i];
			struct packet *own = &train.packet[i];

			store32(frame + own->l4 + 4, sequence[flow]);
			frame[own->l4 + 1] = (uint8_t)flow;
			sequence[flow] += packet.payload;
			sum_up(own, frame);
		}
		if (rand() % 2)
			from_wire(host);
		else
			from_vf(host, 1 + (uint32_t)rand() % 3);
		for (bool any = true; any;) {
			const uint8_t *data = got.data;
			uint32_t bytes, l4;

			any = host_receive(to, 0, &got);
			bytes = got.bytes;
			if (!any && host_receive_aggregate(to, 0, &aggregate)) {
				any = true;
				data = aggregate.data;
				bytes = aggregate.bytes;
				joined++;
			}
			if (!any)
				break;
			l4 = load16(data + 12) == 0x86dd ? 54 : 34;
			uint32_t flow = data[l4 + 1];

			WEIR_REQUIRE(flow < 3);
			WEIR_EXPECT_EQ(load32(data + l4 + 4), expected[flow]);
			expected[flow] += bytes - l4 - 32;
		}
		if (rand() % 8 == 0)
			WEIR_EXPECT_EQ(coalesce(to, 2 + (uint32_t)rand() % 31,
						1000 + (uint32_t)rand() % 60000),
				       0);
	}
	for (uint32_t flow = 0; flow < 3; flow++)
		WEIR_EXPECT_EQ(expected[flow], sequence[flow]);
	WEIR_EXPECT(joined > 100);
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
	{ "coalescing.identifications_count_or_stay", identifications_count_or_stay },
	{ "coalescing.what_is_not_verified_is_left_alone", what_is_not_verified_is_left_alone },
	{ "coalescing.flows_between_each_other_are_told_apart",
	  flows_between_each_other_are_told_apart },
	{ "coalescing.nothing_is_joined_unless_asked_for", nothing_is_joined_unless_asked_for },
	{ "coalescing.neither_limit_is_passed", neither_limit_is_passed },
	{ "coalescing.impossible_settings_are_refused", impossible_settings_are_refused },
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
};
const size_t coalesce_test_count = WEIR_TESTS(coalesce_tests);
