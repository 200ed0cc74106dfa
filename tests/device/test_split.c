/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive queues that split headers off (specs/header-split.md). host_receive() puts each frame together again, and looks whether more of
 * a header buffer was written than is said; where headers end is known from who made the frame, or from tshark (parse_vectors.h).
 */
#include "large.h"
#include "packets.h"
#include "scene.h"

#include "datapath/parse.h"

#include <stdlib.h>
#include <string.h>

#include "../unit/parse_vectors.h"

#define HEADER_ROOM 256u		  /* of a header buffer, where it does not matter */
#define ENDS	    WEIR_SPLIT_MODE_INNER /* the last mode */
#define TAKER	    2			  /* the VF whose queue splits */
#define SEEN	    188u /* headers are looked for up to there: 176 bytes from the type on */

static uint8_t frame[HOST_FRAME_MAX];
static struct host_frame got;

/* A card of two VFs, of which the second splits. */
static struct host *splitting_card(struct host_split split, uint32_t buffer_bytes)
{
	struct host *host = test_card(2, 1, 2048, false);

	host_queue_split(&host->functions[TAKER], split, buffer_bytes);
	return host;
}

static struct host_split of_mode(uint8_t mode, uint16_t header_bytes)
{
	return (struct host_split){ .mode = mode, .header_bytes = header_bytes };
}

/* The frame of `bytes` has come, so many of them in a header buffer. */
static void expect_split(struct host *host, uint32_t bytes, uint32_t header_bytes, bool known)
{
	const struct host_rx *rx = &host->functions[TAKER].rx[0];
	uint32_t payload = bytes - header_bytes;

	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[TAKER], 0, &got));
	WEIR_EXPECT_EQ(got.bytes, bytes);
	WEIR_EXPECT_MEM(got.data, frame, bytes);
	WEIR_EXPECT_EQ(got.header_bytes, header_bytes);
	WEIR_EXPECT_EQ(got.header_known, known);
	WEIR_EXPECT_EQ(got.buffers, 1 + (payload + rx->buffer_bytes - 1) / rx->buffer_bytes);
	WEIR_EXPECT(!host_receive(&host->functions[TAKER], 0, &got));
	host_settle(host);
}

/* The frame comes from the wire, and in pieces from VF 1: each time split like that. */
static void both_ways(struct host *host, uint32_t bytes, uint32_t header_bytes, bool known)
{
	static uint32_t round;
	uint32_t segments = 1 + round++ % 7;

	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
	expect_split(host, bytes, header_bytes, known);
	if (bytes < segments * 2)
		segments = 1;
	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, segments, round % 9, 0, 0));
	host_send_done(&host->functions[1], 0);
	expect_split(host, bytes, header_bytes, known);
}

/* ---- where ---- */

static uint32_t l4_end(const struct packet *packet, uint32_t l4)
{
	switch (packet->protocol) {
	case PACKET_TCP:
		return l4 + 20 + packet->tcp_options;
	case PACKET_SCTP:
		return l4 + 12;
	default:
		return l4 + 8;
	}
}

/* Where a mode splits a packet. */
static uint32_t end_of(const struct packet *packet, uint8_t mode)
{
	bool tunnel = packet->tunnel != PACKET_PLAIN;

	switch (mode) {
	case WEIR_SPLIT_MODE_L2:
		return tunnel ? packet->outer_l3 : packet->l3;
	case WEIR_SPLIT_MODE_L3:
		return tunnel ? packet->outer_l4 : packet->l4;
	case WEIR_SPLIT_MODE_L4:
		return tunnel ? packet->outer_l4 + 8 : l4_end(packet, packet->l4);
	default:
		return l4_end(packet, packet->l4);
	}
}

/* Packet number `number` of many kinds. */
static struct packet kind(uint32_t number)
{
	struct packet packet = packet_kind(number, test_mac(TAKER), test_mac(1));

	packet.tcp_options = (uint8_t)(number / 24 % 3 * 8);
	packet.ip_options = packet.tunnel ? 0 : (uint8_t)(number / 24 % 4 * 4);
	if (packet.ipv6 && number / 24 % 2 && !packet.tunnel)
		packet.extensions[0] = 255;
	for (uint32_t i = 0; i < number / 72 % 3 && !packet.tunnel; i++)
		packet.tag_protocol[i] = 0x8100;
	return packet;
}

static void headers_end_where_each_mode_says(void)
{
	uint32_t known = 0;

	for (uint8_t mode = WEIR_SPLIT_MODE_L2; mode <= ENDS; mode++) {
		struct host *host = splitting_card(of_mode(mode, HEADER_ROOM), 2048);

		for (uint32_t i = 0; i < 216; i++) {
			struct packet packet = kind(i);
			uint32_t bytes = packet_make(&packet, frame), end = end_of(&packet, mode);
			bool seen = end <= (packet.tag_protocol[0] ? SEEN + 4 : SEEN);
			uint32_t most = bytes < HEADER_ROOM ? bytes : HEADER_ROOM;

			both_ways(host, bytes, seen ? end : most, seen);
			known += seen;
		}
		host_destroy(host);
	}
	WEIR_EXPECT(known > 4 * 216 - 40);
}

/* What a mode makes of a frame by tshark's word; 0: it cannot be told. */
static uint32_t end_by_vector(const struct vector *vector, uint8_t mode)
{
	const struct weir_layers *layers = &vector->layers;
	const struct weir_layer *layer =
		mode == WEIR_SPLIT_MODE_INNER && layers->tunnel ? &layers->inner : &layers->outer;

	if (mode == WEIR_SPLIT_MODE_L3)
		return layer->l4;
	return layer->flags & WEIR_LAYER_L4_WHOLE ? layer->payload : 0;
}

static void headers_end_where_tshark_says(void)
{
	uint32_t known = 0, unknown = 0;

	for (uint8_t mode = WEIR_SPLIT_MODE_L3; mode <= ENDS; mode++) {
		struct host *host = splitting_card(of_mode(mode, 512), 1024);

		for (size_t i = 0; i < WEIR_TESTS(vectors); i++) {
			const struct vector *vector = &vectors[i];
			uint32_t bytes = vector->bytes, end = end_by_vector(vector, mode);
			uint32_t datagram = mode == WEIR_SPLIT_MODE_INNER && vector->layers.tunnel
						    ? vector->layers.inner.end
						    : vector->layers.outer.end;

			memcpy(frame, vector->frame, bytes);
			frame[5] = TAKER;
			WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
			if (!end)
				expect_split(host, bytes, bytes < 512 ? bytes : 512, false);
			else
				/* Padding stays with a header that has nothing else behind it. */
				expect_split(host, bytes,
					     datagram <= end && bytes <= 512 ? bytes : end, true);
			known += end != 0;
			unknown += end == 0;
		}
		host_destroy(host);
	}
	WEIR_EXPECT(known > 150 && unknown > 20);
}

static void what_cannot_be_told_fills_the_header_buffer(void)
{
	struct host *host = splitting_card(of_mode(WEIR_SPLIT_MODE_L4, 64), 256);
	uint32_t bytes;

	/* No IP at all. */
	for (bytes = 60; bytes < 3000; bytes += bytes < 70 ? 1 : 377) {
		host_make_frame(frame, test_mac(TAKER), test_mac(1), 0, 0, bytes, 1, bytes);
		both_ways(host, bytes, bytes < 64 ? bytes : 64, false);
	}
	/* A fragment; a header that is longer than its buffer: by four bytes, and by none. */
	struct packet packet = kind(0);

	packet.fragment = 0x2000;
	bytes = packet_make(&packet, frame);
	both_ways(host, bytes, 64, false);
	packet.fragment = 0;
	for (packet.tcp_options = 8; packet.tcp_options <= 16; packet.tcp_options += 4) {
		bool fits = packet.tcp_options <= 10;

		bytes = packet_make(&packet, frame);
		both_ways(host, bytes, fits ? 54u + packet.tcp_options : 64, fits);
	}
	host_destroy(host);
}

static void short_frames_stay_whole(void)
{
	struct host_split split = { WEIR_SPLIT_MODE_L4, 200, 120, 0 };
	struct host *host = splitting_card(split, 512);

	for (uint32_t payload = 0; payload < 160; payload++) {
		struct packet packet = kind(1);
		uint32_t bytes;

		packet.payload = payload;
		bytes = packet_make(&packet, frame);
		both_ways(host, bytes, bytes <= 120 ? bytes : 42, bytes > 120);
	}
	host_destroy(host);
}

/* Without payload there is nothing to split; what pads such a frame to the wire's least length is none. */
static void padding_alone_takes_no_buffer(void)
{
	struct host *host = splitting_card(of_mode(WEIR_SPLIT_MODE_L4, 128), 512);
	struct packet packet = kind(0);
	uint32_t bytes;

	packet.payload = 0;
	for (packet.trailer = 0; packet.trailer < 120; packet.trailer += 6) {
		bytes = packet_make(&packet, frame);
		both_ways(host, bytes, bytes <= 128 ? bytes : 54, true);
	}
	host_destroy(host);
}

static void a_fixed_length_splits_everything(void)
{
	static const uint16_t lengths[] = { 14, 63, 64, 128, 129, 200, 1000 };

	for (size_t i = 0; i < WEIR_TESTS(lengths); i++) {
		uint32_t length = lengths[i];
		struct host *host = splitting_card(of_mode(WEIR_SPLIT_MODE_FIXED, lengths[i]), 256);

		for (uint32_t bytes = 60; bytes <= 9000;
		     bytes += bytes < 140 ? 1 : 1 + bytes * 5 / 8) {
			host_make_frame(frame, test_mac(TAKER), test_mac(1), 0, 0, bytes, 2, bytes);
			both_ways(host, bytes, bytes < length ? bytes : length, bytes >= length);
		}
		host_destroy(host);
	}
}

/* Buffers that a payload fills to the last byte, and by one more. */
static void payloads_fill_buffers_to_their_edges(void)
{
	struct host *host = splitting_card(of_mode(WEIR_SPLIT_MODE_L4, 64), 256);

	for (uint32_t buffers = 1; buffers <= 30; buffers++) {
		for (uint32_t more = 0; more < 3; more++) {
			struct packet packet = kind(1);
			uint32_t bytes;

			packet.payload = 256 * buffers + more - 1;
			bytes = packet_make(&packet, frame);
			both_ways(host, bytes, 42, true);
		}
	}
	host_destroy(host);
}

/* Tags that are put in, left, or taken out shift the header's end with them. */
static void tags_move_the_end_of_the_header(void)
{
	static const uint8_t modes[] = { WEIR_SPLIT_MODE_L2, WEIR_SPLIT_MODE_L3,
					 WEIR_SPLIT_MODE_L4 };
	static const uint32_t ends[] = { 14, 34, 42 };
	static uint8_t sent[HOST_FRAME_MAX];

	for (size_t i = 0; i < WEIR_TESTS(modes); i++) {
		struct host *host = splitting_card(of_mode(modes[i], HEADER_ROOM), 1024);
		struct host_function *from = &host->functions[1], *to = &host->functions[TAKER];
		struct packet packet = kind(1);
		uint32_t bytes = packet_make(&packet, frame);

		/* A tag in the descriptor. */
		memcpy(sent, frame, bytes);
		memcpy(frame + 16, sent + 12, bytes - 12);
		memcpy(frame + 12, "\x81\0\0\x07", 4);
		WEIR_REQUIRE(host_send(from, 0, sent, bytes, 3, 1, WEIR_TXD_VLAN_MASK, 7));
		host_send_done(from, 0);
		expect_split(host, bytes + 4, ends[i] + 4, true);
		/* In the frame, and taken out by the card. */
		WEIR_REQUIRE_EQ(host_vport_flags(to, WEIR_VPORT_VLAN_STRIP, WEIR_VPORT_VLAN_STRIP),
				0);
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes + 4), 0);
		memcpy(frame, sent, bytes);
		expect_split(host, bytes, ends[i], true);
		WEIR_EXPECT_EQ(got.vlan_tci, 7);
		/* In a port VLAN, whose tag nobody sees, and one within it, which is taken out, too. */
		WEIR_REQUIRE_EQ(host_vf_set(host, TAKER, WEIR_ATTRIBUTE_VLAN, 100), WEIR_STATUS_OK);
		host_settle(host);
		for (uint32_t tags = 1; tags <= 2; tags++) {
			static uint8_t tagged[HOST_FRAME_MAX];

			memcpy(tagged, sent, 12);
			memcpy(tagged + 12, "\x81\0\0\x64\x81\0\0\x07", 8);
			memcpy(tagged + 12 + 4 * tags, sent + 12, bytes - 12);
			WEIR_REQUIRE_EQ(
				weirsim_wire_receive(host->sim, 0, tagged, bytes + 4 * tags), 0);
			expect_split(host, bytes, ends[i], true);
		}
		host_destroy(host);
	}
}

/* ---- and all else ---- */

/* Checksums are put in and judged as ever; a header that carries one comes when its payload is there. */
static void checksums_are_those_of_the_whole_frame(void)
{
	for (uint16_t ahead = 0; ahead <= 1; ahead++) {
		struct host_split split = { WEIR_SPLIT_MODE_INNER, 128, 0, ahead };
		struct host *host = splitting_card(split, 512);
		struct host_function *from = &host->functions[1], *to = &host->functions[TAKER];

		WEIR_REQUIRE_EQ(
			host_vport_flags(to, WEIR_VPORT_RX_CHECKSUM, WEIR_VPORT_RX_CHECKSUM), 0);
		for (uint32_t i = 0; i < 120; i++) {
			static uint8_t asked[HOST_FRAME_MAX];
			struct packet packet = kind(i);
			uint32_t bytes;
			uint16_t flags = WEIR_TXD_CHECKSUM_MASK;

			if (packet.protocol == PACKET_ICMP || packet.tunnel)
				continue;
			bytes = packet_make(&packet, frame);
			memcpy(asked, frame, bytes);
			from->tx[0].checksum = packet_ask(&packet, asked);
			if (packet.protocol == PACKET_SCTP)
				flags |= WEIR_TXD_CRC32C_MASK;
			WEIR_REQUIRE(host_send(from, 0, asked, bytes, 1 + i % 4, i % 3, flags, 0));
			host_send_done(from, 0);
			expect_split(host, bytes, end_of(&packet, WEIR_SPLIT_MODE_L4), true);
			WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, got.flags), WEIR_CHECKSUM_STATE_GOOD);
			/* From the wire, right and wrong. */
			for (uint32_t wrong = 0; wrong <= 1; wrong++) {
				frame[bytes - 1] ^= (uint8_t)wrong;
				WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
				expect_split(host, bytes, end_of(&packet, WEIR_SPLIT_MODE_L4), true);
				WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, got.flags),
					       wrong ? WEIR_CHECKSUM_STATE_BAD
						     : WEIR_CHECKSUM_STATE_GOOD);
			}
		}
		host_destroy(host);
	}
}

/* Numbered frames of all lengths, in order and without a gap, while rings wrap many times: split, with times, ahead, and as ever. */
static void flows_stay_whole_and_in_order(void)
{
	for (uint32_t round = 0; round < 4; round++) {
		struct host *host = test_card(3, 1, 2048, round & 1);
		struct traffic traffic;

		for (uint16_t i = 1; i <= 2; i++) {
			host->functions[i].rx[0].timed = round >> 1;
			host_queue_split(&host->functions[i],
					 (struct host_split){ WEIR_SPLIT_MODE_FIXED, 100, 90,
							      round & 1 ? 100 : 0 },
					 i == 1 ? 2048 : 512);
		}
		traffic_start(&traffic, host);
		traffic_add(&traffic, &host->functions[1], &host->functions[2], false);
		traffic_add(&traffic, &host->functions[2], &host->functions[1], false);
		traffic_add(&traffic, &host->functions[3], &host->functions[2], false);
		traffic_add(&traffic, &host->functions[2], &host->functions[3], false);
		for (uint32_t i = 0; i < 8; i++) {
			traffic_turns(&traffic, 100);
			traffic_finish(&traffic);
		}
		WEIR_EXPECT(traffic.flows[0].seen > 50);
		host_destroy(host);
	}
}

/* A frame for all: each gets it as its queue wants it. */
static void takers_of_one_frame_split_or_not(void)
{
	struct host *host = splitting_card(of_mode(WEIR_SPLIT_MODE_L3, 64), 256);
	struct packet packet = kind(0);
	uint32_t bytes;

	packet.destination = 0xffffffffffffull;
	packet.payload = 1300;
	bytes = packet_make(&packet, frame);
	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 3, 0, 0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[0], 0, &got));
	WEIR_EXPECT_MEM(got.data, frame, bytes);
	WEIR_EXPECT_EQ(got.buffers, 1);
	expect_split(host, bytes, 34, true);
	host_destroy(host);
}

/* Segments of a long frame are split like any others, all at the same place. */
static void segments_are_split(void)
{
	static uint8_t large[LARGE_FRAME_MAX];
	struct host *host = splitting_card(of_mode(WEIR_SPLIT_MODE_INNER, HEADER_ROOM), 512);
	struct host_function *from = &host->functions[1], *to = &host->functions[TAKER];
	uint32_t seen = 0;

	for (size_t i = 0; i < large_count; i++) {
		struct packet packet;
		uint32_t header_bytes, bytes = large_make(i, test_mac(TAKER), test_mac(1), false,
							  large, &packet, &header_bytes);
		uint32_t payload = 0;

		if (bytes - header_bytes > 16384 || header_bytes > WEIR_SEGMENT_HEADER_BYTES)
			continue;
		if (!from->tx[0].large)
			from->tx[0].large = host_alloc(from, LARGE_FRAME_MAX, 64);
		memcpy(host_pointer(from, from->tx[0].large), large, bytes);
		const struct weir_tx_descriptor first = {
			.address = weir_cpu_to_le64(from->tx[0].large),
			.length = weir_cpu_to_le16((uint16_t)header_bytes),
			.flags = weir_cpu_to_le16(WEIR_TXD_CHECKSUM_MASK | WEIR_TXD_SEGMENT_MASK),
			.checksum = weir_cpu_to_le16(
				(uint16_t)(packet.l4 | (packet.field - packet.l4) << 8)),
		};
		struct weir_tx_payload_descriptor second = {
			.address = weir_cpu_to_le64(from->tx[0].large + header_bytes),
			.length = weir_cpu_to_le16((uint16_t)(bytes - header_bytes)),
			.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK),
			.mss = weir_cpu_to_le16(large_frames[i].mss),
		};
		struct weir_tx_descriptor as_first;

		memcpy(&as_first, &second, sizeof(as_first));
		host_post_descriptor(from, 0, &first);
		host_post_descriptor(from, 0, &as_first);
		host_send_done(from, 0);
		host_settle(host);
		while (host_receive(to, 0, &got)) {
			WEIR_EXPECT_EQ(got.header_bytes, header_bytes);
			WEIR_EXPECT(got.header_known);
			WEIR_EXPECT_MEM(got.data + header_bytes, large + header_bytes + payload,
					got.bytes - header_bytes);
			payload += got.bytes - header_bytes;
			seen++;
			host_settle(host);
		}
		WEIR_EXPECT_EQ(payload, bytes - header_bytes);
	}
	WEIR_EXPECT(seen > 40);
	host_destroy(host);
}

/* ---- ahead ---- */

/* Points an entry's payload buffer elsewhere, in a ring that the device has not read yet. */
static void point_payload(struct host_function *function, uint32_t index, uint64_t address)
{
	struct weir_rx_split_buffer *ring = host_pointer(function, function->rx[0].ring);

	ring[index].address = weir_cpu_to_le64(address);
}

static const struct weir_rx_completion *completion_at(struct host_function *function, uint32_t at)
{
	const struct weir_rx_completion *ring = host_pointer(function, function->rx[0].completion);

	return &ring[function->rx[0].timed ? 2 * at + 1 : at];
}

/*
 * That a header was handed over before its payload was written shows when the payload cannot be written: its completion knows nothing of
 * that, while without HEADER_AHEAD all of the frame's say ERROR.
 */
static void headers_come_ahead_where_asked(void)
{
	static const uint16_t lengths[] = { 0, 1, 900, 901, 954, 1200 };

	for (uint32_t timed = 0; timed <= 1; timed++) {
		for (size_t k = 0; k < WEIR_TESTS(lengths); k++) {
			struct host *host = test_card(2, 1, 2048, false);
			struct host_function *to = &host->functions[TAKER];
			struct packet packet = kind(0);
			uint16_t ahead = lengths[k];
			uint32_t bytes, flags;
			bool goes = ahead && ahead <= 900;

			to->rx[0].timed = timed;
			host_queue_split(
				to, (struct host_split){ WEIR_SPLIT_MODE_L4, 128, 0, ahead }, 512);
			point_payload(to, 3, to->iova + 0x40000000u);
			packet.payload =
				900; /* in two buffers, of which the second frame's last is nowhere */
			bytes = packet_make(&packet, frame);
			for (uint32_t i = 0; i < 2; i++)
				WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
			host_settle(host);
			for (uint32_t i = 0; i < 3; i++) {
				flags = weir_le32_to_cpu(completion_at(to, i)->flags);
				WEIR_EXPECT(!(flags & WEIR_RXC_ERROR_MASK));
				WEIR_EXPECT_EQ(!(flags & WEIR_RXC_END_MASK), i < 2);
			}
			flags = weir_le32_to_cpu(completion_at(to, 3)->flags);
			WEIR_EXPECT_EQ(flags & WEIR_RXC_HEADER_MASK, WEIR_RXC_HEADER_MASK);
			WEIR_EXPECT_EQ(!(flags & WEIR_RXC_ERROR_MASK), goes);
			WEIR_EXPECT_EQ(weir_le16_to_cpu(completion_at(to, 3)->length),
				       goes ? 54 : 0);
			for (uint32_t i = 4; i <= 5; i++) {
				flags = weir_le32_to_cpu(completion_at(to, i)->flags);
				WEIR_EXPECT(flags & WEIR_RXC_ERROR_MASK);
				WEIR_EXPECT_EQ(!(flags & WEIR_RXC_END_MASK), i == 4);
			}
			WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_DROPPED_FAULT), 1);
			WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_BYTES), bytes);
			host_destroy(host);
		}
	}
}

/* Every order in which a slow bus may do things: a header is never there before its bytes, nor a payload; in the deferred home. */
static void a_header_ahead_is_never_early(void)
{
	struct host_split split = { WEIR_SPLIT_MODE_FIXED, 64, 0, 1 };
	struct host *host = splitting_card(split, 512);
	struct host_function *from = &host->functions[1], *to = &host->functions[TAKER];
	uint32_t alone = 0, flow, sequence;

	for (uint32_t i = 0; i < 400; i++) {
		uint32_t bytes = 400 + i * 7 % 1500;
		uint16_t taken = to->rx[0].taken;
		const uint8_t *header = host_pointer(
			to, to->rx[0].headers[to->rx[0].posted % (1u << HOST_RING_LOG2)]);
		uint8_t before = header[0];

		host_make_frame(frame, test_mac(TAKER), test_mac(1), 0, 0, bytes, 1, i);
		WEIR_REQUIRE(host_send(from, 0, frame, bytes, 2, 0, 0, 0));
		host_send_done(from, 0);
		/* host_receive() takes the header as soon as it is there, and compares what follows. */
		for (uint32_t turns = 0; !host_receive(to, 0, &got); turns++) {
			alone += to->rx[0].taken == (uint16_t)(taken + 1);
			host_turn(host);
			WEIR_REQUIRE(turns < 100000);
		}
		WEIR_EXPECT(host_check_frame(got.data, got.bytes, &flow, &sequence));
		WEIR_EXPECT_EQ(sequence, i);
		WEIR_EXPECT_EQ(got.header_bytes, 64);
		/* Once handed over it is the host's, which has wiped it: it is not written again. */
		host_settle(host);
		for (uint32_t k = 0; k < 64; k++)
			WEIR_EXPECT_EQ(header[k], before);
	}
	if (strcmp(weirsim_home(), "hwsim-deferred") == 0)
		WEIR_EXPECT(alone > 100);
	host_destroy(host);
}

/* It interrupts for the header; a queue whose interrupts wait is told with the frame. */
static void a_header_ahead_interrupts(void)
{
	for (uint32_t moderated = 0; moderated <= 1; moderated++) {
		struct host *host = test_card(2, 1, 2048, false);
		struct host_function *to = &host->functions[TAKER];
		uint32_t before, early = 0;

		host_queue_split(to, (struct host_split){ WEIR_SPLIT_MODE_FIXED, 64, 0, 1 }, 512);
		if (moderated)
			WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_RX_QUEUE_MODERATE,
						     HOST_REQUEST(HOST_U(QUEUE, 0),
								  HOST_U(MODERATION_US, 50)),
						     NULL),
					WEIR_STATUS_OK);
		for (uint32_t i = 0; i < 100; i++) {
			host_doorbell(to, 0, WEIR_DOORBELL_RX_ARM, to->rx[0].taken);
			host_settle(host);
			before = to->interrupts[1];
			host_make_frame(frame, test_mac(TAKER), test_mac(1), 0, 0, 1000, 1, i);
			WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, 1000), 0);
			while (!host_receive(to, 0, &got)) {
				early += to->interrupts[1] != before;
				host_turn(host);
			}
			host_pass_ms(host, 2);
			/* Once an arming, however much comes. */
			WEIR_EXPECT_EQ(to->interrupts[1], before + 1);
		}
		/* Between the two there is time where the bus is slow. */
		if (strcmp(weirsim_home(), "hwsim-deferred") == 0)
			WEIR_EXPECT_EQ(early > 0, !moderated);
		host_destroy(host);
	}
}

/* ---- mischief ---- */

static int try_create(struct host_function *function, struct host_split split,
		      uint32_t buffer_bytes, uint8_t completion_log2, uint64_t ring)
{
	return host_command(
		function, WEIR_COMMAND_RX_QUEUE_CREATE,
		HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, ring), HOST_U(RING_LOG2, 6),
			     HOST_U(COMPLETION_ADDRESS, function->rx[0].completion),
			     HOST_U(COMPLETION_LOG2, completion_log2),
			     HOST_U(BUFFER_BYTES, buffer_bytes), HOST_U(SPLIT_MODE, split.mode),
			     HOST_U(HEADER_BYTES, split.header_bytes),
			     HOST_U(SPLIT_THRESHOLD, split.threshold),
			     HOST_U(HEADER_AHEAD, split.ahead)),
		NULL);
}

static void impossible_splits_are_refused(void)
{
	static const struct {
		struct host_split split;
		uint32_t buffer_bytes;
		uint8_t completion_log2;
		enum weir_status status;
		enum weir_attribute_id detail;
	} cases[] = {
		{ { 6, 64, 0, 0 }, 512, 7, WEIR_STATUS_NOT_SUPPORTED, WEIR_ATTRIBUTE_SPLIT_MODE },
		{ { 255, 64, 0, 0 }, 512, 7, WEIR_STATUS_NOT_SUPPORTED, WEIR_ATTRIBUTE_SPLIT_MODE },
		{ { 4, 0, 0, 0 }, 512, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HEADER_BYTES },
		{ { 1, 13, 0, 0 }, 512, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HEADER_BYTES },
		{ { 1, 16385, 0, 0 }, 512, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HEADER_BYTES },
		{ { 0, 64, 0, 0 }, 512, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HEADER_BYTES },
		{ { 4, 64, 65, 0 }, 512, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SPLIT_THRESHOLD },
		{ { 0, 0, 1, 0 }, 512, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SPLIT_THRESHOLD },
		{ { 0, 0, 0, 1 }, 512, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HEADER_AHEAD },
		{ { 4, 64, 0, 0 }, 192, 7, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_BUFFER_BYTES },
		{ { 4, 64, 0, 0 }, 512, 6, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_COMPLETION_LOG2 },
		{ { 4, 64, 64, 65535 }, 256, 7, WEIR_STATUS_OK, 0 },
		{ { 5, 16384, 16384, 0 }, 512, 7, WEIR_STATUS_OK, 0 },
		{ { 0, 0, 0, 0 }, 128, 6, WEIR_STATUS_OK, 0 },
	};
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint64_t ring = vf->rx[0].ring;

	WEIR_EXPECT(host_read(vf, WEIR_REG_FEATURES) & WEIR_REG_FEATURES_HEADER_SPLIT_MASK);
	WEIR_REQUIRE_EQ(host_queue_destroy(vf, 0), WEIR_STATUS_OK);
	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		WEIR_EXPECT_EQ(try_create(vf, cases[i].split, cases[i].buffer_bytes,
					  cases[i].completion_log2, ring),
			       cases[i].status);
		if (cases[i].status) {
			WEIR_EXPECT_EQ(vf->detail, cases[i].detail);
			continue;
		}
		WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_RX_QUEUE_DESTROY,
					    HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
			       WEIR_STATUS_OK);
	}
	/* 64 pairs of addresses do not fit there, 64 addresses would. */
	WEIR_EXPECT_EQ(try_create(vf, of_mode(WEIR_SPLIT_MODE_L4, 64), 512, 7, -768ull),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_RING_ADDRESS);
	WEIR_EXPECT_EQ(try_create(vf, of_mode(WEIR_SPLIT_MODE_NONE, 0), 512, 7, -512ull),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_ADMIN_ERRORS),
		       12);
	host_destroy(host);
}

/* The same of the first entry's, header or payload. */
static void point_first(struct host_function *function, bool header, uint64_t address)
{
	struct weir_rx_split_buffer *ring = host_pointer(function, function->rx[0].ring);

	*(header ? &ring[0].header : &ring[0].address) = weir_cpu_to_le64(address);
}

/* Addresses that lead nowhere cost the frame, whichever of the two it is, and nobody else anything. */
static void bad_addresses_cost_the_frame(void)
{
	for (uint32_t i = 0; i < 16; i++) {
		struct scene *scene = scene_start(1, false);
		struct host_function *bad = scene->attacker, *peer = scene->peer;
		bool header = i & 1, ahead = i & 2, whole = i & 8;
		uint64_t address = i & 4 ? 0 : bad->iova + 0x40000000u;
		uint64_t errors = header || !whole;

		host_queue_split(bad, (struct host_split){ WEIR_SPLIT_MODE_FIXED, 400, 0, ahead },
				 512);
		point_first(bad, header, address);
		host_make_frame(frame, test_mac(1), test_mac(2), 0, 0, whole ? 300 : 800, 1, 1);
		for (uint32_t k = 0; k < 2; k++) {
			WEIR_REQUIRE(host_send(peer, 0, frame, whole ? 300 : 800, 2, 0, 0, 0));
			host_send_done(peer, 0);
			scene_settle(scene);
			/* What is not needed is not written to. */
			WEIR_EXPECT_EQ(host_receive(bad, 0, &got), k || !errors);
		}
		WEIR_EXPECT_MEM(got.data, frame, whole ? 300 : 800);
		WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_RX_DROPPED_FAULT), errors);
		WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_DMA_FAULTS), errors);
		WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
		WEIR_EXPECT_EQ(function_stat(peer, WEIR_STAT_FUNCTION_DMA_FAULTS), 0);
		if (errors)
			scene_expect_reported(scene, WEIR_MISBEHAVIOUR_DMA_FAULT);
		scene_end(scene);
	}
}

/* The sender's memory goes away behind a header that is there already: the receiver is told with the rest. */
static void a_payload_that_cannot_be_read_costs_the_frame(void)
{
	for (uint16_t ahead = 0; ahead <= 1; ahead++) {
		struct scene *scene = scene_start(1, false);
		struct host_function *bad = scene->attacker, *peer = scene->peer;
		struct weir_tx_descriptor descriptor = {
			.address = weir_cpu_to_le64(bad->tx[0].staging),
			.length = weir_cpu_to_le16(300),
		};

		host_queue_split(peer, (struct host_split){ WEIR_SPLIT_MODE_FIXED, 100, 0, ahead },
				 512);
		host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, 700, 1, 1);
		memcpy(host_pointer(bad, bad->tx[0].staging), frame, 300);
		host_post_descriptor(bad, 0, &descriptor);
		descriptor.address = weir_cpu_to_le64(bad->iova + 0x40000000u);
		descriptor.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK);
		host_post_descriptor(bad, 0, &descriptor);
		host_send_done(bad, 0);
		scene_settle(scene);
		WEIR_EXPECT(!host_receive(peer, 0, &got));
		WEIR_EXPECT_EQ(peer->rx[0].errors, ahead ? 1 : 2);
		WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 1);
		WEIR_EXPECT_EQ(function_stat(peer, WEIR_STAT_FUNCTION_DMA_FAULTS), 0);
		scene_expect_attacker_works(scene);
		scene_end(scene);
	}
}

/* Rings that cannot be read or written stop their queue, at whatever stage; it works when it is made anew. */
static void rings_out_of_reach_stop_the_queue(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		struct scene *scene = scene_start(1, false);
		struct host_function *bad = scene->attacker;
		struct host_rx *rx = &bad->rx[0];
		uint64_t ring = rx->ring, completion = rx->completion;
		uint64_t nowhere = bad->iova + 0x40000000u;

		WEIR_REQUIRE_EQ(host_queue_destroy(bad, 0), WEIR_STATUS_OK);
		rx->timed = i & 4;
		WEIR_REQUIRE_EQ(
			host_command(bad, WEIR_COMMAND_RX_QUEUE_CREATE,
				     HOST_REQUEST(HOST_U(QUEUE, 0),
						  HOST_U(RING_ADDRESS, i & 1 ? nowhere : ring),
						  HOST_U(RING_LOG2, HOST_RING_LOG2),
						  HOST_U(COMPLETION_ADDRESS,
							 i & 1 ? completion : nowhere),
						  HOST_U(COMPLETION_LOG2, HOST_RING_LOG2 + 1),
						  HOST_U(BUFFER_BYTES, 512), HOST_U(VECTOR, 1),
						  HOST_U(FORMAT, rx->timed),
						  HOST_U(SPLIT_MODE, WEIR_SPLIT_MODE_FIXED),
						  HOST_U(HEADER_BYTES, 64),
						  HOST_U(HEADER_AHEAD, i & 2 ? 1 : 0)),
				     NULL),
			WEIR_STATUS_OK);
		memset(host_pointer(bad, ring), 0, 16u << HOST_RING_LOG2);
		host_doorbell(bad, 0, WEIR_DOORBELL_RX_TAIL, 64);
		for (uint32_t k = 0; k < 3; k++)
			scene_frame(scene, scene->peer, bad);
		scene_settle(scene);
		scene_expect_stopped(scene, WEIR_MISBEHAVIOUR_DMA_FAULT, 0, false);
		rx->timed = false;
		rx->created = true;
		WEIR_REQUIRE_EQ(host_command(bad, WEIR_COMMAND_RX_QUEUE_DESTROY,
					     HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
				WEIR_STATUS_OK);
		rx->split = of_mode(WEIR_SPLIT_MODE_L4, 64);
		WEIR_REQUIRE_EQ(host_queue_create(bad, 0, 512, 1, false), WEIR_STATUS_OK);
		scene_settle(scene);
		scene_expect_attacker_works(scene);
		scene_end(scene);
	}
}

/* A function that is reset while headers and payloads are on their way: nothing is written then, neighbours notice nothing. */
static void resets_come_at_any_time(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker;

	for (uint32_t i = 0; i < 30; i++) {
		vf->rx[0].split =
			(struct host_split){ WEIR_SPLIT_MODE_FIXED, 64, 0, i & 1 ? 1 : 0 };
		WEIR_REQUIRE_EQ(host_queue_destroy(vf, 0), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_queue_create(vf, 0, 512, 1, false), WEIR_STATUS_OK);
		scene_settle(scene);
		for (uint32_t k = 0; k < 12; k++)
			scene_frame(scene, scene->peer, vf);
		scene_turns(scene, i % 10);
		host_flr(vf);
		scene_settle(scene);
		host_forget(vf);
		WEIR_REQUIRE(host_up(vf, test_mac(1), 1, 2048, false));
		scene_settle(scene);
		scene_expect_attacker_works(scene);
	}
	scene_end(scene);
}

const struct weir_test split_tests[] = {
	{ "split.headers_end_where_each_mode_says", headers_end_where_each_mode_says },
	{ "split.headers_end_where_tshark_says", headers_end_where_tshark_says },
	{ "split.what_cannot_be_told_fills_the_header_buffer",
	  what_cannot_be_told_fills_the_header_buffer },
	{ "split.short_frames_stay_whole", short_frames_stay_whole },
	{ "split.padding_alone_takes_no_buffer", padding_alone_takes_no_buffer },
	{ "split.a_fixed_length_splits_everything", a_fixed_length_splits_everything },
	{ "split.payloads_fill_buffers_to_their_edges", payloads_fill_buffers_to_their_edges },
	{ "split.tags_move_the_end_of_the_header", tags_move_the_end_of_the_header },
	{ "split.checksums_are_those_of_the_whole_frame", checksums_are_those_of_the_whole_frame },
	{ "split.flows_stay_whole_and_in_order", flows_stay_whole_and_in_order },
	{ "split.takers_of_one_frame_split_or_not", takers_of_one_frame_split_or_not },
	{ "split.segments_are_split", segments_are_split },
	{ "split.headers_come_ahead_where_asked", headers_come_ahead_where_asked },
	{ "split.a_header_ahead_is_never_early", a_header_ahead_is_never_early },
	{ "split.a_header_ahead_interrupts", a_header_ahead_interrupts },
	{ "split.impossible_splits_are_refused", impossible_splits_are_refused },
	{ "split.bad_addresses_cost_the_frame", bad_addresses_cost_the_frame },
	{ "split.a_payload_that_cannot_be_read_costs_the_frame",
	  a_payload_that_cannot_be_read_costs_the_frame },
	{ "split.rings_out_of_reach_stop_the_queue", rings_out_of_reach_stop_the_queue },
	{ "split.resets_come_at_any_time", resets_come_at_any_time },
};
const size_t split_test_count = WEIR_TESTS(split_tests);
