/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that the card cuts into segments (specs/segmentation.md): as Linux cuts them, for every receiver. */
#include "large.h"
#include "bytes.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_MOST 16384u

static uint8_t frame[LARGE_FRAME_MAX], whole[HOST_FRAME_MAX];
static struct host_frame got;

/* A large frame in a function's memory, and how it is to be given to the card. */
struct sending {
	struct host_function *from;
	uint32_t bytes, header_bytes;
	uint16_t mss, flags, vlan_tci, checksum;
	uint32_t pieces; /* of the payload, but that none is too long */
};

static uint64_t memory_of(struct host_function *function)
{
	struct host_tx *tx = &function->tx[0];

	if (!tx->large)
		tx->large = host_alloc(function, LARGE_FRAME_MAX, 64);
	return tx->large;
}

static void post(const struct sending *sending, uint32_t at, uint32_t bytes, uint16_t flags,
		 uint16_t vlan_tci, uint16_t checksum)
{
	struct weir_tx_descriptor descriptor = {
		.address = weir_cpu_to_le64(memory_of(sending->from) + at),
		.length = weir_cpu_to_le16((uint16_t)bytes),
		.flags = weir_cpu_to_le16(flags),
		.vlan_tci = weir_cpu_to_le16(vlan_tci),
		.checksum = weir_cpu_to_le16(checksum),
	};

	host_post_descriptor(sending->from, 0, &descriptor);
}

/* Posts the frame, rings nothing. */
static void post_large(const struct sending *sending)
{
	uint32_t at = sending->header_bytes, pieces = sending->pieces, number = 0;

	memcpy(host_pointer(sending->from, memory_of(sending->from)), frame, sending->bytes);
	post(sending, 0, at, sending->flags, sending->vlan_tci, sending->checksum);
	for (; at < sending->bytes; number++) {
		uint32_t left = sending->bytes - at;
		uint32_t take = number + 1 >= pieces ? left : left / (pieces - number) + number % 3;

		take = take > PIECE_MOST ? PIECE_MOST : take < 1 ? 1 : take > left ? left : take;
		at += take;
		post(sending, at - take, take,
		     at == sending->bytes ? WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK : 0,
		     number ? 0 : sending->mss, 0);
	}
}

static void send_large(const struct sending *sending)
{
	post_large(sending);
	host_send_done(sending->from, 0);
}

/* Makes large_frames[number] of a function for a receiver. */
static struct sending make(struct host *host, uint16_t from, size_t number, uint64_t destination)
{
	struct packet packet;
	struct sending sending = { .from = &host->functions[from],
				   .mss = large_frames[number].mss,
				   .flags = WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK,
				   .pieces = 1 };

	sending.bytes = large_make(number, destination, test_mac(from), false, frame, &packet,
				   &sending.header_bytes);
	sending.checksum = (uint16_t)(packet.l4 | (packet.field - packet.l4) << 8);
	return sending;
}

/* Is it one that the card takes? */
static bool is_cuttable(const struct sending *sending)
{
	return sending->header_bytes <= WEIR_SEGMENT_HEADER_BYTES;
}

static size_t find(const char *name)
{
	for (size_t i = 0; i < large_count; i++)
		if (strcmp(large_frames[i].name, name) == 0)
			return i;
	WEIR_REQUIRE(!"there is such a frame");
	return 0;
}

static uint32_t hex(const char *text, uint8_t *to)
{
	uint32_t count = 0;

	for (; text[0] && text[1]; text += 2, count++) {
		char pair[3] = { text[0], text[1], 0 };

		to[count] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return count;
}

/* The next segment of large_frames[number] behind vector *at, whole; false: there is no more. */
static bool next_segment(size_t number, const struct sending *sending, size_t *at,
			 uint32_t *payload, uint32_t *bytes)
{
	for (; *at < large_vector_count; (*at)++)
		if (strcmp(large_vectors[*at].name, large_frames[number].name) == 0)
			break;
	if (*at == large_vector_count)
		return false;
	const struct large_vector *vector = &large_vectors[(*at)++];
	uint32_t header_bytes = 12 + hex(vector->header, whole + 12);

	memcpy(whole, frame, 12);
	WEIR_REQUIRE_EQ(header_bytes, sending->header_bytes);
	memcpy(whole + header_bytes, frame + header_bytes + *payload, vector->payload_bytes);
	*payload += vector->payload_bytes;
	*bytes = header_bytes + vector->payload_bytes;
	return true;
}

/* The receiver, NULL: the wire, has exactly the segments that Linux cuts, with these bytes of tags put in. Returns how many. */
static uint32_t expect_tagged_segments(struct host *host, struct host_function *to, size_t number,
				       const struct sending *sending, const uint8_t *tags,
				       uint32_t tag_bytes)
{
	uint32_t payload = 0, bytes, count = 0;
	size_t at = 0;

	while (next_segment(number, sending, &at, &payload, &bytes)) {
		const struct host_frame *frame_there = &got;

		memmove(whole + 12 + tag_bytes, whole + 12, HOST_FRAME_MAX - 12 - tag_bytes);
		memcpy(whole + 12, tags, tag_bytes);
		bytes += tag_bytes;
		if (to) {
			WEIR_REQUIRE(host_receive(to, 0, &got));
		} else {
			WEIR_REQUIRE(host->wire_count > count);
			frame_there = &host->wire[count];
		}
		/* The wire pads. */
		WEIR_EXPECT_EQ(frame_there->bytes, !to && bytes < 60 ? 60 : bytes);
		WEIR_EXPECT_MEM(frame_there->data, whole, bytes);
		count++;
	}
	WEIR_EXPECT_EQ(payload, sending->bytes - sending->header_bytes);
	if (to) {
		WEIR_EXPECT(!host_receive(to, 0, &got));
		return count;
	}
	WEIR_EXPECT_EQ(host->wire_count, count);
	host->wire_count = 0;
	return count;
}

/* The same with one 802.1Q tag put in (0: none). */
static uint32_t expect_segments(struct host *host, struct host_function *to, size_t number,
				const struct sending *sending, uint16_t tci)
{
	return expect_tagged_segments(host, to, number, sending,
				      (uint8_t[]){ 0x81, 0, (uint8_t)(tci >> 8), (uint8_t)tci },
				      tci ? 4 : 0);
}

static void card_and_linux_cut_alike(uint32_t buffer_bytes, bool shadow)
{
	struct host *host = test_card(2, 1, buffer_bytes, shadow);

	for (size_t number = 0; number < large_count; number++) {
		for (uint32_t pieces = 1; pieces <= 31; pieces += 3) {
			struct sending sending = make(host, 1, number, test_mac(2));

			if (!is_cuttable(&sending))
				break;
			sending.pieces = pieces;
			send_large(&sending);
			host_settle(host);
			WEIR_EXPECT(expect_segments(host, &host->functions[2], number, &sending,
						    0) > 1);
			sending = make(host, 1, number, test_mac(99));
			sending.pieces = pieces;
			send_large(&sending);
			host_settle(host);
			expect_segments(host, NULL, number, &sending, 0);
		}
	}
	WEIR_EXPECT_EQ(vport_stat(&host->functions[1], WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 0);
	host_destroy(host);
}

static void linux_and_the_card_cut_alike(void)
{
	card_and_linux_cut_alike(2048, false);
}

static void with_shadow_doorbells_too(void)
{
	card_and_linux_cut_alike(4032, true);
}

/* In buffers that a segment needs many of. */
static void segments_over_many_buffers_are_whole(void)
{
	struct host *host = test_card(2, 1, 128, false);

	for (size_t number = 0; number < large_count; number++) {
		struct sending sending = make(host, 1, number, test_mac(2));

		/* The receiver has 64 buffers. */
		if (!is_cuttable(&sending) || (sending.bytes + 2000) / 128 > 64 ||
		    large_frames[number].mss < 100)
			continue;
		sending.pieces = 7;
		send_large(&sending);
		host_settle(host);
		expect_segments(host, &host->functions[2], number, &sending, 0);
	}
	host_destroy(host);
}

/* A tag by descriptor, and a port VLAN. */
static void tags_are_put_into_every_segment(void)
{
	struct host *host = test_card(2, 1, 2048, false);

	for (size_t number = 0; number < large_count; number++) {
		struct sending sending = make(host, 1, number, test_mac(2));

		if (!is_cuttable(&sending) || large_frames[number].packet.tag_protocol[0])
			continue;
		sending.flags |= WEIR_TXD_VLAN_MASK;
		sending.vlan_tci = 0x2064;
		sending.pieces = 3;
		send_large(&sending);
		host_settle(host);
		expect_segments(host, &host->functions[2], number, &sending, 0x2064);
	}
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_VLAN, 100), 0);
	WEIR_EXPECT_EQ(host_vf_set(host, 2, WEIR_ATTRIBUTE_VLAN, 100), 0);
	for (size_t number = 0; number < large_count; number++) {
		struct sending sending = make(host, 1, number, 0xffffffffffff);

		if (!is_cuttable(&sending) || large_frames[number].packet.tag_protocol[0])
			continue;
		send_large(&sending);
		host_settle(host);
		expect_segments(host, &host->functions[2], number, &sending, 0);
		expect_segments(host, NULL, number, &sending, 100);
	}
	host_destroy(host);
}

/* A service tag by descriptor; and that of a port VLAN in front of a customer's, which is there or comes by descriptor. */
static void two_tags_are_put_into_every_segment(void)
{
	static const uint8_t both[] = { 0x88, 0xa8, 0x60, 100, 0x81, 0, 0x20, 0x64 };
	struct host *host = test_card(2, 1, 2048, false);

	for (uint32_t port_vlan = 0; port_vlan < 2; port_vlan++) {
		for (size_t number = 0; number < large_count; number++) {
			struct sending sending = make(host, 1, number, 0xffffffffffff);
			bool tagged = large_frames[number].packet.tag_protocol[0] == 0x8100;

			if (!is_cuttable(&sending) || large_frames[number].packet.tag_protocol[1])
				continue;
			if (!port_vlan) {
				sending.flags |= WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK;
				sending.vlan_tci = 0x6064;
			} else if (!tagged) {
				sending.flags |= WEIR_TXD_VLAN_MASK;
				sending.vlan_tci = 0x2064;
			}
			sending.pieces = 3;
			send_large(&sending);
			host_settle(host);
			expect_tagged_segments(host, NULL, number, &sending, both,
					       port_vlan && !tagged ? 8 : 4);
			expect_tagged_segments(host, &host->functions[2], number, &sending,
					       both + (port_vlan ? 4 : 0),
					       port_vlan && tagged ? 0 : 4);
		}
		WEIR_EXPECT_EQ(host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
					    HOST_REQUEST(HOST_U(FUNCTION, 1), HOST_U(VLAN, 100),
							 HOST_U(VLAN_PRIORITY, 3),
							 HOST_U(VLAN_PROTOCOL, 0x88a8)),
					    NULL),
			       0);
		WEIR_EXPECT_EQ(host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
					    HOST_REQUEST(HOST_U(FUNCTION, 2), HOST_U(VLAN, 100),
							 HOST_U(VLAN_PROTOCOL, 0x88a8)),
					    NULL),
			       0);
	}
	WEIR_EXPECT_EQ(vport_stat(&host->functions[1], WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 0);
	host_destroy(host);
}

static void every_taker_and_the_wire_get_them(void)
{
	struct host *host = test_card(4, 1, 2048, false);

	for (size_t number = 0; number < large_count; number++) {
		struct sending sending = make(host, 3, number, 0xffffffffffff);

		if (!is_cuttable(&sending))
			continue;
		sending.pieces = 2;
		send_large(&sending);
		host_settle(host);
		for (uint16_t function = 0; function <= 4; function++)
			if (function != 3)
				expect_segments(host, &host->functions[function], number, &sending,
						0);
		expect_segments(host, NULL, number, &sending, 0);
	}
	host_destroy(host);
}

/* What a receiver that asks for it hears of them: all right, one flow, one queue. */
static void receivers_hear_that_they_are_right(void)
{
	struct host *host = test_card(2, 4, 2048, false);
	struct host_function *to = &host->functions[2];
	uint32_t count = 0;

	WEIR_EXPECT_EQ(host_vport_flags(to, WEIR_VPORT_RX_CHECKSUM, WEIR_VPORT_RX_CHECKSUM), 0);
	for (size_t number = 0; number < large_count; number++) {
		const struct packet *packet = &large_frames[number].packet;
		struct sending sending = make(host, 1, number, test_mac(2));
		uint32_t flow_hash = 0, payload = 0;
		uint16_t queue = 0;
		bool any = false;

		if (!is_cuttable(&sending))
			continue;
		sending.pieces = 5;
		send_large(&sending);
		host_settle(host);
		for (uint16_t i = 0; i < 4; i++) {
			for (; host_receive(to, i, &got); any = true, count++) {
				payload += got.bytes - sending.header_bytes;
				WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, got.flags),
					       WEIR_CHECKSUM_STATE_GOOD);
				WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_IP, got.flags),
					       packet->ipv6 ? WEIR_CHECKSUM_STATE_UNKNOWN
							    : WEIR_CHECKSUM_STATE_GOOD);
				WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
				WEIR_EXPECT(got.flags & WEIR_RXC_HASH_L4_MASK);
				if (any) {
					WEIR_EXPECT_EQ(got.flow_hash, flow_hash);
					WEIR_EXPECT_EQ(got.queue, queue);
				}
				flow_hash = got.flow_hash;
				queue = got.queue;
			}
		}
		WEIR_EXPECT_EQ(payload, sending.bytes - sending.header_bytes);
	}
	WEIR_EXPECT(count > 100);
	WEIR_EXPECT_EQ(vport_stat(to, WEIR_STAT_VPORT_RX_CHECKSUM_BAD), 0);
	host_destroy(host);
}

/* As Linux does for a packet with SKB_GSO_TCP_FIXEDID: nothing else differs. */
static void a_fixed_identification_stays(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct sending sending = make(host, 1, 0, test_mac(2));
	uint32_t payload = 0, bytes, count = 0;
	size_t at = 0;

	sending.flags |= WEIR_TXD_FIXED_ID_MASK;
	send_large(&sending);
	host_settle(host);
	for (; next_segment(0, &sending, &at, &payload, &bytes); count++) {
		store16(whole + 18, 0xffff);
		store16(whole + 24, 0);
		store16(whole + 24, ~packet_sum(whole + 14, 20, 0));
		WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
		WEIR_EXPECT_MEM(got.data, whole, bytes);
	}
	WEIR_EXPECT_EQ(count, 3);
	host_destroy(host);
}

/* The inner frames are Linux's; the headers around them by the definitions. */
static void tunnels(bool geneve, bool outer_sum)
{
	struct host *host = test_card(2, 1, 2048, false);
	uint32_t frames = 0;

	for (size_t number = 0; number < large_count; number++) {
		static uint8_t inner[LARGE_FRAME_MAX];
		struct packet outer = { .destination = test_mac(2),
					.source = test_mac(1),
					.protocol = PACKET_UDP,
					.tunnel = geneve ? PACKET_GENEVE : PACKET_VXLAN };
		struct sending sending = make(host, 1, number, 0x060504030202);
		uint32_t payload = 0, bytes, count = 0, around;
		size_t at = 0;

		memcpy(inner, frame, sending.bytes);
		packet_make(&outer, frame);
		around = outer.outer_l4 + 16;
		/* The headers together must lie in the card's reach, the whole in a datagram. */
		if (around + sending.header_bytes > WEIR_SEGMENT_HEADER_BYTES ||
		    around + sending.bytes > 65535)
			continue;
		memcpy(frame + around, inner, sending.bytes);
		sending.bytes += around;
		sending.header_bytes += around;
		sending.checksum = (uint16_t)(sending.checksum + around);
		sending.pieces = 4;
		store16(frame + outer.outer_l3 + 2, sending.bytes - outer.outer_l3);
		store16(frame + outer.outer_l4 + 4, sending.bytes - outer.outer_l4);
		store16(frame + outer.outer_l4 + 6,
			outer_sum ? packet_sum(frame + outer.outer_l3 + 12, 8, PACKET_UDP) : 0);
		send_large(&sending);
		host_settle(host);
		memcpy(frame, inner, sending.bytes - around);
		sending.header_bytes -= around;
		for (; next_segment(number, &sending, &at, &payload, &bytes); count++, frames++) {
			const uint8_t *ip = got.data + outer.outer_l3,
				      *udp = got.data + outer.outer_l4;

			WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
			WEIR_EXPECT_EQ(got.bytes, around + bytes);
			WEIR_EXPECT_MEM(got.data + around, whole, bytes);
			WEIR_EXPECT_EQ(load16(ip + 2), 36 + bytes);
			WEIR_EXPECT_EQ(load16(ip + 4), 0x1234 + count);
			WEIR_EXPECT_EQ(packet_sum(ip, 20, 0), 0xffff);
			WEIR_EXPECT_EQ(load16(udp + 4), 16 + bytes);
			if (outer_sum)
				WEIR_EXPECT_EQ(
					packet_sum(udp, 16 + bytes,
						   packet_sum(ip + 12, 8, PACKET_UDP + 16 + bytes)),
					0xffff);
			else
				WEIR_EXPECT_EQ(load16(udp + 6), 0);
		}
		WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
	}
	WEIR_EXPECT(frames > 50);
	host_destroy(host);
}

static void frames_inside_of_tunnels_are_cut(void)
{
	tunnels(false, false);
	tunnels(true, false);
}

static void checksums_around_them_are_right(void)
{
	tunnels(false, true);
	tunnels(true, true);
}

/* Between others of the same queue, which stay where they are, with a head that comes behind. */
static void frames_around_them_keep_their_order(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *from = &host->functions[1], *to = &host->functions[2];
	static uint8_t small[200];
	uint32_t flow, sequence, next = 0;

	for (uint32_t round = 0; round < 40; round++) {
		size_t number = round % 3 ? 0 : 1;

		for (uint32_t i = 0; i < round % 4; i++) {
			host_make_frame(small, test_mac(2), test_mac(1), 0, 0, sizeof(small), 1,
					next + i);
			WEIR_REQUIRE(host_send(from, 0, small, sizeof(small), 1 + i % 2, 0, 0, 0));
		}
		struct sending sending = make(host, 1, number, test_mac(2));

		sending.pieces = 1 + round % 9;
		post_large(&sending);
		for (uint32_t i = 0; i < 3; i++) {
			host_make_frame(small, test_mac(2), test_mac(1), 0, 0, sizeof(small), 1,
					next + round % 4 + i);
			WEIR_REQUIRE(host_send(from, 0, small, sizeof(small), 1, 0, 0, 0));
		}
		host_send_done(from, 0);
		host_settle(host);
		WEIR_EXPECT_EQ(host_transmit_room(from, 0), 1u << HOST_RING_LOG2);
		for (uint32_t i = 0; i < round % 4; i++, next++) {
			WEIR_REQUIRE(host_receive(to, 0, &got));
			WEIR_REQUIRE(host_check_frame(got.data, got.bytes, &flow, &sequence));
			WEIR_EXPECT_EQ(sequence, next);
		}
		uint32_t payload = 0, bytes;

		for (size_t at = 0; next_segment(number, &sending, &at, &payload, &bytes);) {
			WEIR_REQUIRE(host_receive(to, 0, &got));
			WEIR_EXPECT_MEM(got.data, whole, bytes);
		}
		for (uint32_t i = 0; i < 3; i++, next++) {
			WEIR_REQUIRE(host_receive(to, 0, &got));
			WEIR_REQUIRE(host_check_frame(got.data, got.bytes, &flow, &sequence));
			WEIR_EXPECT_EQ(sequence, next);
		}
	}
	host_destroy(host);
}

static void they_are_counted(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *from = &host->functions[1];
	struct sending sending = make(host, 1, 0, test_mac(2));

	send_large(&sending);
	host_settle(host);
	WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_SEGMENTED), 1);
	WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_FRAMES), 3);
	WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_BYTES), 4000 + 3 * 54);
	WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_LOOPED), 3);
	WEIR_EXPECT_EQ(host_stat(from, WEIR_STATS_SCOPE_TX_QUEUE, 0, WEIR_STAT_TX_QUEUE_SEGMENTED),
		       1);
	WEIR_EXPECT_EQ(host_stat(from, WEIR_STATS_SCOPE_TX_QUEUE, 0, WEIR_STAT_TX_QUEUE_FRAMES), 3);
	host_destroy(host);
}

/* ---- limits, bad input, faults ---- */

static void expect_refused(struct scene *scene, const struct sending *sending)
{
	uint64_t before = vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED);
	uint64_t cut = vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_SEGMENTED);

	send_large(sending);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED),
		       before + 1);
	WEIR_EXPECT_EQ(vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_SEGMENTED), cut);
	WEIR_EXPECT_EQ(scene_strays(scene), 0);
	scene_expect_attacker_works(scene);
}

static void what_cannot_be_cut_is_refused(void)
{
	struct scene *scene = scene_start(1, false);
	const uint16_t cut = WEIR_TXD_SEGMENT_MASK, sum = WEIR_TXD_CHECKSUM_MASK;
	static const struct {
		uint16_t flags;
		int mss, header_bytes, start, offset, byte, value;
	} cases[] = {
		{ WEIR_TXD_SEGMENT_MASK, 1448, 54, 0, 0, 0, 0 },
		{ WEIR_TXD_FIXED_ID_MASK | WEIR_TXD_CHECKSUM_MASK, 1448, 54, 34, 16, 0, 0 },
		{ WEIR_TXD_FIXED_ID_MASK, 1448, 54, 0, 0, 0, 0 },
		{ WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK | WEIR_TXD_CRC32C_MASK, 1448, 54,
		  34, 8, 0, 0 },
		{ WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK | WEIR_TXD_TIMESTAMP_MASK, 1448,
		  54, 34, 16, 0, 0 },
		/* segments too short and too long */
		{ 0, 0, 54, 34, 16, 0, 0 },
		{ 0, 31, 54, 34, 16, 0, 0 },
		{ 0, WEIR_MAX_FRAME_BYTES - 53, 54, 34, 16, 0, 0 },
		{ 0, 65535, 54, 34, 16, 0, 0 },
		/* headers that end elsewhere */
		{ 0, 1448, 53, 34, 16, 0, 0 },
		{ 0, 1448, 55, 34, 16, 0, 0 },
		{ 0, 1448, 14, 34, 16, 0, 0 },
		{ 0, 1448, 1, 34, 16, 0, 0 },
		{ 0, 1448, 125, 34, 16, 0, 0 },
		{ 0, 1448, 3000, 34, 16, 0, 0 },
		/* no L4 header there, or none of this kind */
		{ 0, 1448, 54, 33, 16, 0, 0 },
		{ 0, 1448, 54, 34, 6, 0, 0 },
		{ 0, 1448, 54, 34, 18, 0, 0 },
		{ 0, 1448, 54, 22, 16, 0, 0 },
		/* another type; IP of version 5; a header of 16 bytes; a fragment; SCTP; length below the headers'; TCP's of 24, of 16 */
		{ 0, 1448, 54, 34, 16, 12, 0x09 },
		{ 0, 1448, 54, 34, 16, 14, 0x55 },
		{ 0, 1448, 54, 34, 16, 14, 0x44 },
		{ 0, 1448, 54, 34, 16, 20, 0x20 },
		{ 0, 1448, 54, 34, 16, 23, 132 },
		{ 0, 1448, 54, 34, 16, 16, 0 },
		{ 0, 1448, 54, 34, 16, 46, 0x60 },
		{ 0, 1448, 54, 34, 16, 46, 0x40 },
	};

	/* One that could report when frames leave. */
	scene->attacker->tx[0].reported = true;
	scene_renew_queue(scene, 0);
	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct sending sending =
			make(scene->host, scene->attacker->index, 0, test_mac(scene->peer->index));

		sending.flags = cases[i].flags ? cases[i].flags : cut | sum;
		sending.mss = (uint16_t)cases[i].mss;
		sending.header_bytes = (uint32_t)cases[i].header_bytes;
		sending.checksum = (uint16_t)(cases[i].start | cases[i].offset << 8);
		if (cases[i].byte)
			frame[cases[i].byte] = (uint8_t)cases[i].value;
		if (cases[i].byte == 16)
			frame[17] = 39;
		expect_refused(scene, &sending);
	}
	/* Longer than any datagram. */
	struct sending longest = make(scene->host, scene->attacker->index, find("tcp4_longest"),
				      test_mac(scene->peer->index));

	longest.bytes = WEIR_SEGMENT_FRAME_BYTES;
	post_large(&longest);
	struct weir_tx_descriptor *ring =
		host_pointer(scene->attacker, scene->attacker->tx[0].ring);
	struct weir_tx_descriptor *last =
		&ring[(uint16_t)(scene->attacker->tx[0].tail - 1) % (1u << HOST_RING_LOG2)];

	last->length = weir_cpu_to_le16((uint16_t)(weir_le16_to_cpu(last->length) + 1));
	uint64_t before = vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED);

	host_send_done(scene->attacker, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED),
		       before + 1);
	/* Headers alone. */
	struct sending alone =
		make(scene->host, scene->attacker->index, 0, test_mac(scene->peer->index));

	post(&alone, 0, 54, (uint16_t)(alone.flags | WEIR_TXD_END_MASK), 0, alone.checksum);
	host_send_done(scene->attacker, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED),
		       before + 2);
	WEIR_EXPECT_EQ(scene_strays(scene), 0);
	scene_expect_attacker_works(scene);
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR);
	scene_end(scene);
}

/* One of another's, and one into a VLAN that is not the sender's: nothing leaves, and it counts once. */
static void a_source_that_is_not_the_senders_is_refused_once(void)
{
	struct scene *scene = scene_start(1, false);
	struct sending sending =
		make(scene->host, scene->attacker->index, 1, test_mac(scene->peer->index));

	WEIR_EXPECT_EQ(
		host_vf_set(scene->host, scene->attacker->index, WEIR_ATTRIBUTE_SPOOF_CHECK, 1), 0);
	frame[11] ^= 0x40;
	send_large(&sending);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 1);
	WEIR_EXPECT_EQ(vport_stat(scene->attacker, WEIR_STAT_VPORT_TX_SEGMENTED), 0);
	WEIR_EXPECT_EQ(scene_strays(scene), 0);
	scene_expect_attacker_works(scene);
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_SPOOF);
	scene_end(scene);
}

/* A piece in the middle of the payload, then the headers. */
static void what_cannot_be_read_is_left_out(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *from = &host->functions[1];
	struct sending sending = make(host, 1, 1, test_mac(2));
	struct weir_tx_descriptor *ring = host_pointer(from, from->tx[0].ring);
	uint32_t payload = 0, bytes, number = 0;

	/* Pieces of 2500 bytes: the second one begins in segment 1 and ends in segment 3 of seven. */
	sending.pieces = 4;
	post_large(&sending);
	ring[2].address = weir_cpu_to_le64(0x10);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(ring[1].length), 2500);
	host_send_done(from, 0);
	host_settle(host);
	for (size_t at = 0; next_segment(1, &sending, &at, &payload, &bytes); number++) {
		if (number >= 1 && number <= 3)
			continue;
		WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
		WEIR_EXPECT_MEM(got.data, whole, bytes);
	}
	WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 3);
	WEIR_EXPECT_EQ(vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_DROPPED_FAULT), 3);

	uint16_t first = from->tx[0].tail;

	post_large(&sending);
	ring[first].address = weir_cpu_to_le64(0x10);
	host_send_done(from, 0);
	host_settle(host);
	WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 4);
	WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_EQ(host_transmit_room(from, 0), 1u << HOST_RING_LOG2);
	host_destroy(host);
}

/* 2048 segments: others have their turns meanwhile, and a reset or a destroyed queue does not wait for the last one. */
static struct sending giant(struct host *host, uint16_t from, uint64_t destination)
{
	struct sending sending = make(host, from, find("tcp4_longest"), destination);

	sending.mss = WEIR_SEGMENT_MIN_BYTES;
	return sending;
}

static void others_have_their_turns_meanwhile(void)
{
	struct host *host = test_card(3, 1, 2048, false);
	struct sending sending = giant(host, 1, test_mac(99));
	static uint8_t small[200];
	uint32_t arrived = 0, flow, sequence;

	send_large(&sending);
	for (uint32_t turn = 0; turn < 20; turn++) {
		host_make_frame(small, test_mac(3), test_mac(2), 0, 0, sizeof(small), 1, turn);
		WEIR_REQUIRE(host_send(&host->functions[2], 0, small, sizeof(small), 1, 0, 0, 0));
		host_send_done(&host->functions[2], 0);
		host_turn(host);
		while (host_receive(&host->functions[3], 0, &got)) {
			WEIR_REQUIRE(host_check_frame(got.data, got.bytes, &flow, &sequence));
			WEIR_EXPECT_EQ(sequence, arrived);
			arrived++;
		}
	}
	/* In 20 turns no more than 20 bursts of it have left; in the native home each small frame went at once. */
	WEIR_EXPECT(host->wire_count <= 20 * 32);
	WEIR_EXPECT(host_transmit_room(&host->functions[1], 0) < 1u << HOST_RING_LOG2);
	if (strcmp(weirsim_home(), "hwsim") == 0) {
		WEIR_EXPECT_EQ(arrived, 20);
		WEIR_EXPECT(host->wire_count >= 19 * 32);
	}
	host_settle(host);
	WEIR_EXPECT_EQ(host->wire_count, (sending.bytes - sending.header_bytes + 31) / 32);
	WEIR_EXPECT_EQ(host_transmit_room(&host->functions[1], 0), 1u << HOST_RING_LOG2);
	host_destroy(host);
}

static void a_destroyed_queue_or_a_reset_ends_them(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *from = &host->functions[1];
	struct sending sending = giant(host, 1, test_mac(99));
	uint32_t most = (sending.bytes - sending.header_bytes + 31) / 32;

	send_large(&sending);
	host_turn(host);
	host_turn(host);
	WEIR_EXPECT_EQ(host_queue_destroy(from, 0), 0);
	WEIR_EXPECT(host->wire_count < most);
	host->wire_count = 0;
	WEIR_EXPECT_EQ(host_queue_create(from, 0, 2048, 1, false), 0);
	sending = make(host, 1, 0, test_mac(2));
	send_large(&sending);
	host_settle(host);
	expect_segments(host, &host->functions[2], 0, &sending, 0);

	sending = giant(host, 1, test_mac(99));
	send_large(&sending);
	host_turn(host);
	host_flr(from);
	host_settle(host);
	WEIR_EXPECT(host->wire_count < most);
	host->wire_count = 0;
	host_forget(from);
	WEIR_REQUIRE(host_up(from, test_mac(1), 1, 2048, false));
	sending = make(host, 1, 0, test_mac(2));
	send_large(&sending);
	host_settle(host);
	expect_segments(host, &host->functions[2], 0, &sending, 0);
	host_destroy(host);
}

#define TEST(name)                     \
	{                              \
		"segment." #name, name \
	}
const struct weir_test segment_tests[] = {
	TEST(linux_and_the_card_cut_alike),
	TEST(with_shadow_doorbells_too),
	TEST(segments_over_many_buffers_are_whole),
	TEST(tags_are_put_into_every_segment),
	TEST(two_tags_are_put_into_every_segment),
	TEST(every_taker_and_the_wire_get_them),
	TEST(receivers_hear_that_they_are_right),
	TEST(a_fixed_identification_stays),
	TEST(frames_inside_of_tunnels_are_cut),
	TEST(checksums_around_them_are_right),
	TEST(frames_around_them_keep_their_order),
	TEST(they_are_counted),
	TEST(what_cannot_be_cut_is_refused),
	TEST(a_source_that_is_not_the_senders_is_refused_once),
	TEST(what_cannot_be_read_is_left_out),
	TEST(others_have_their_turns_meanwhile),
	TEST(a_destroyed_queue_or_a_reset_ends_them),
};
const size_t segment_test_count = WEIR_TESTS(segment_tests);
