/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums put in on transmit (specs/checksum.md): right for every receiver, in every shape of frame. */
#include "packets.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

static uint8_t whole[HOST_FRAME_MAX], asked[HOST_FRAME_MAX];
static struct host_frame got;

static uint16_t flags_of(const struct packet *packet)
{
	return (uint16_t)(WEIR_TXD_CHECKSUM_MASK |
			  (packet->protocol == PACKET_SCTP ? WEIR_TXD_CRC32C_MASK : 0));
}

/* Sends the packet from function `from` as a driver that leaves the checksum to the device; whole is what must arrive. */
static uint32_t send(struct host *host, uint16_t from, struct packet *packet, uint32_t segments,
		     uint16_t flags, uint16_t tci)
{
	struct host_function *function = &host->functions[from];
	uint32_t bytes;

	packet->source = test_mac(from);
	bytes = packet_make(packet, whole);
	memcpy(asked, whole, bytes);
	function->tx[0].checksum = packet_ask(packet, asked);
	WEIR_REQUIRE(host_send(function, 0, asked, bytes, segments, bytes % 5,
			       flags | flags_of(packet), tci));
	host_send_done(function, 0);
	host_settle(host);
	return bytes;
}

static void expect_at(struct host *host, uint16_t function, uint32_t bytes)
{
	WEIR_REQUIRE(host_receive(&host->functions[function], 0, &got));
	WEIR_EXPECT_EQ(got.bytes, bytes);
	WEIR_EXPECT_MEM(got.data, whole, bytes);
	WEIR_EXPECT(!host_receive(&host->functions[function], 0, &got));
}

static void expect_on_wire(struct host *host, uint32_t bytes)
{
	WEIR_REQUIRE_EQ(host->wire_count, 1);
	WEIR_EXPECT_EQ(host->wire[0].bytes, bytes < 60 ? 60 : bytes);
	WEIR_EXPECT_MEM(host->wire[0].data, whole, bytes);
	host->wire_count = 0;
}

static const struct {
	uint8_t protocol;
	bool ipv6;
} kinds[] = { { PACKET_UDP, false }, { PACKET_TCP, false }, { PACKET_SCTP, false },
	      { PACKET_UDP, true },  { PACKET_TCP, true },  { PACKET_SCTP, true } };

static void every_length_and_number_of_pieces(uint32_t buffer_bytes, bool shadow)
{
	struct host *host = test_card(2, 1, buffer_bytes, shadow);
	uint32_t round = 0;

	for (uint32_t payload = 0; payload <= 8900; payload += payload < 150 ? 1 : 433) {
		const uint32_t kind = round % WEIR_TESTS(kinds);
		struct packet packet = {
			.protocol = kinds[kind].protocol,
			.ipv6 = kinds[kind].ipv6,
			.payload = payload,
			.tcp_options = round % 4 ? 0 : 12,
			.seed = payload + 1,
		};
		/* Odd pieces too, and header and payload in several. */
		uint32_t segments = 1 + round % 32;

		if ((payload + 100) / buffer_bytes >= 64)
			break;
		round++;
		packet.destination = test_mac(2);
		expect_at(host, 2, send(host, 1, &packet, segments, 0, 0));
		packet.destination = test_mac(99);
		expect_on_wire(host, send(host, 1, &packet, segments, 0, 0));
	}
	WEIR_EXPECT(round > 150);
	host_destroy(host);
}

static void frames_of_every_length_in_any_pieces_get_theirs(void)
{
	every_length_and_number_of_pieces(2048, false);
}

static void frames_over_many_buffers_get_theirs(void)
{
	every_length_and_number_of_pieces(128, true);
}

/* Frames alike in a row are written together: each with its own. */
static void frames_alike_in_a_row_get_their_own(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	static uint8_t expected[30][2000];
	uint32_t lengths[30];

	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 30; i++) {
			struct packet packet = { .destination = test_mac(2),
						 .source = test_mac(1),
						 .protocol = i % 5 ? PACKET_TCP : PACKET_SCTP,
						 .payload = (round * 97 + i * 61) % 1400,
						 .seed = round * 30 + i };

			lengths[i] = packet_make(&packet, expected[i]);
			memcpy(asked, expected[i], lengths[i]);
			host->functions[1].tx[0].checksum = packet_ask(&packet, asked);
			WEIR_REQUIRE(host_send(&host->functions[1], 0, asked, lengths[i], 1 + i % 2,
					       i, i % 7 ? flags_of(&packet) : 0, 0));
			/* Some ask for nothing, and arrive as they are. */
			if (i % 7 == 0)
				memcpy(expected[i], asked, lengths[i]);
		}
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		for (uint32_t i = 0; i < 30; i++) {
			WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
			WEIR_EXPECT_EQ(got.bytes, lengths[i]);
			WEIR_EXPECT_MEM(got.data, expected[i], lengths[i]);
		}
	}
	host_destroy(host);
}

static void every_taker_and_the_wire_get_theirs(void)
{
	struct host *host = test_card(5, 1, 512, false);

	for (uint32_t payload = 20; payload < 3000; payload += 331) {
		struct packet packet = { .destination = 0xffffffffffff,
					 .protocol = payload & 1 ? PACKET_UDP : PACKET_SCTP,
					 .payload = payload,
					 .seed = payload };
		uint32_t bytes = send(host, 3, &packet, 1 + payload % 3, 0, 0);

		for (uint16_t function = 0; function <= 5; function++)
			if (function != 3)
				expect_at(host, function, bytes);
		expect_on_wire(host, bytes);
	}
	host_destroy(host);
}

/* The worked example of specs/checksum.md, to the bytes. */
static void the_datasheets_example_comes_out(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct packet packet = { .destination = test_mac(2),
				 .source = test_mac(1),
				 .protocol = PACKET_UDP,
				 .payload = 3 };
	uint32_t bytes = packet_make(&packet, asked);

	memcpy(asked + 42, "\x01\x02\x03", 3);
	WEIR_EXPECT_MEM(asked + 26, "\xc0\x00\x02\x01\xc6\x33\x64\x02\x11\x22\x33\x44\x00\x0b", 14);
	memcpy(asked + 40, "\xec\x53", 2);
	host->functions[1].tx[0].checksum = 34 | 6 << 8;
	WEIR_REQUIRE(
		host_send(&host->functions[1], 0, asked, bytes, 1, 0, WEIR_TXD_CHECKSUM_MASK, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_MEM(got.data + 40, "\xcb\x38", 2);
	host_destroy(host);
}

/* A sum of FFFFh: the field would be 0, which in UDP is "none". */
static void a_checksum_of_zero_is_sent_as_ffff(void)
{
	struct host *host = test_card(2, 1, 2048, false);

	for (uint32_t payload = 16; payload <= 600; payload += 584) {
		struct packet packet = { .destination = test_mac(2),
					 .source = test_mac(1),
					 .protocol = PACKET_UDP,
					 .payload = payload };
		uint32_t bytes = packet_make(&packet, whole), field = packet.field,
			 last = packet.end - 2;
		/* The last word takes what is missing. */
		uint32_t sum = packet_sum(whole + packet.l4, packet.end - packet.l4,
					  packet_pseudo(&packet, whole));

		WEIR_REQUIRE_EQ(sum, 0xffff);
		uint32_t was = (uint32_t)whole[last] << 8 | whole[last + 1],
			 held = (uint32_t)whole[field] << 8 | whole[field + 1], word = was + held;

		word = (word & 0xffff) + (word >> 16);
		whole[last] = (uint8_t)(word >> 8);
		whole[last + 1] = (uint8_t)word;
		memcpy(asked, whole, bytes);
		host->functions[1].tx[0].checksum = packet_ask(&packet, asked);
		memset(whole + field, 0xff, 2);
		WEIR_EXPECT_EQ(packet_sum(whole + packet.l4, packet.end - packet.l4,
					  packet_pseudo(&packet, whole)),
			       0xffff);
		WEIR_REQUIRE(host_send(&host->functions[1], 0, asked, bytes, 2, 0,
				       WEIR_TXD_CHECKSUM_MASK, 0));
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		expect_at(host, 2, bytes);
	}
	host_destroy(host);
}

/* Tags put in by the descriptor and by a port VLAN, taken out for a receiver, over one buffer and many. */
static void tags_that_come_and_go_change_nothing(void)
{
	for (uint32_t buffer_bytes = 128; buffer_bytes <= 2048; buffer_bytes *= 16) {
		struct host *host = test_card(3, 1, buffer_bytes, false);

		for (uint32_t payload = 1; payload < 2400; payload += 211) {
			struct packet packet = { .destination = 0xffffffffffff,
						 .protocol = payload & 1 ? PACKET_TCP : PACKET_SCTP,
						 .payload = payload,
						 .seed = payload };
			uint32_t bytes = send(host, 1, &packet, 3, WEIR_TXD_VLAN_MASK, 77);

			memmove(whole + 16, whole + 12, bytes - 12);
			memcpy(whole + 12, "\x81\x00\x00\x4d", 4);
			expect_at(host, 2, bytes + 4);
			expect_on_wire(host, bytes + 4);
			WEIR_REQUIRE(host_receive(&host->functions[0], 0, &got));
			WEIR_REQUIRE(host_receive(&host->functions[3], 0, &got));
		}
		/* VF 1 and 2 in a port VLAN: it comes and goes between them, and is seen on the wire. */
		WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_VLAN, 100), 0);
		WEIR_EXPECT_EQ(host_vf_set(host, 2, WEIR_ATTRIBUTE_VLAN, 100), 0);
		for (uint32_t payload = 1; payload < 2400; payload += 211) {
			struct packet packet = { .destination = 0xffffffffffff,
						 .protocol = PACKET_UDP,
						 .payload = payload,
						 .seed = payload };
			/* A priority tag in place makes room for the port VLAN's. */
			bool tagged = payload & 2;

			packet.tag_protocol[0] = tagged ? 0x8100 : 0;
			uint32_t bytes = send(host, 1, &packet, 2, 0, 0);

			if (tagged) {
				bytes -= 4;
				memmove(whole + 12, whole + 16, bytes - 12);
			}
			expect_at(host, 2, bytes);
			memmove(whole + 16, whole + 12, bytes - 12);
			memcpy(whole + 12, "\x81\x00\x00\x64", 4);
			expect_on_wire(host, bytes + 4);
			host_receive(&host->functions[0], 0, &got);
			host_receive(&host->functions[3], 0, &got);
		}
		host_destroy(host);
	}
}

static void tunnels_get_the_inner_one(void)
{
	struct host *host = test_card(2, 1, 2048, false);

	for (uint32_t payload = 0; payload < 2000; payload += 97) {
		struct packet packet = { .destination = test_mac(2),
					 .protocol = payload & 1 ? PACKET_TCP : PACKET_UDP,
					 .ipv6 = payload & 2,
					 .tunnel = payload & 1 ? PACKET_VXLAN : PACKET_GENEVE,
					 .payload = payload,
					 .seed = payload };

		/* The field must lie within the device's reach. */
		if (payload & 1 && payload & 2)
			packet.ipv6 = false;
		expect_at(host, 2, send(host, 1, &packet, 4, 0, 0));
	}
	host_destroy(host);
}

static void ipv4_headers_get_theirs(void)
{
	struct host *host = test_card(2, 1, 2048, false);

	for (uint32_t round = 0; round < 60; round++) {
		struct packet packet = { .destination = test_mac(2),
					 .protocol = PACKET_UDP,
					 .ip_options = (uint8_t)(round % 11 * 4),
					 .payload = round * 29,
					 .seed = round };
		struct host_function *from = &host->functions[1];
		bool both = round & 1;

		for (uint32_t i = 0; i < round % 3; i++)
			packet.tag_protocol[i] = i ? 0x8100 : 0x88a8;
		packet.source = test_mac(1);
		uint32_t bytes = packet_make(&packet, whole);

		memcpy(asked, whole, bytes);
		memset(asked + packet.l3 + 10, 0x77, 2);
		from->tx[0].checksum = both ? packet_ask(&packet, asked) : 0;
		WEIR_REQUIRE(host_send(from, 0, asked, bytes, 1 + round % 4, 0,
				       (uint16_t)(WEIR_TXD_IPV4_CHECKSUM_MASK |
						  (both ? WEIR_TXD_CHECKSUM_MASK : 0)),
				       0));
		host_send_done(from, 0);
		host_settle(host);
		expect_at(host, 2, bytes);
	}
	host_destroy(host);
}

/* One frame whose checksum cannot be put in: dropped, counted, reported, and the ring goes on. */
static void expect_refused(struct scene *scene, uint32_t bytes, uint16_t flags, uint16_t checksum,
			   bool ip)
{
	struct host_function *bad = scene->attacker;
	uint64_t malformed = vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED);
	struct packet packet = { .destination = test_mac(scene->peer->index),
				 .source = test_mac(bad->index),
				 .protocol = PACKET_UDP,
				 .payload = 400 };

	packet_make(&packet, whole);
	if (!ip)
		whole[packet.l3] = 0x70;
	bad->tx[0].checksum = checksum;
	uint64_t at = bad->tx[0].staging;
	struct weir_tx_descriptor descriptor = {
		.address = weir_cpu_to_le64(at),
		.length = weir_cpu_to_le16((uint16_t)bytes),
		.flags = weir_cpu_to_le16((uint16_t)(flags | WEIR_TXD_END_MASK)),
		.checksum = weir_cpu_to_le16(checksum),
	};

	memcpy(host_pointer(bad, at), whole, bytes);
	host_post_descriptor(bad, 0, &descriptor);
	host_send_done(bad, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), malformed + 1);
	WEIR_EXPECT_EQ(scene_strays(scene), 0);
	scene_expect_attacker_works(scene);
}

static void places_that_no_checksum_may_have_are_refused(void)
{
	struct scene *scene = scene_start(1, false);
	static const struct {
		uint16_t bytes, flags;
		uint8_t start, offset;
	} cases[] = {
		{ 300, WEIR_TXD_CHECKSUM_MASK, 0, 0 },
		{ 300, WEIR_TXD_CHECKSUM_MASK, 0, 40 },
		{ 300, WEIR_TXD_CHECKSUM_MASK, 21, 10 },
		{ 300, WEIR_TXD_CHECKSUM_MASK, 191, 0 },
		{ 300, WEIR_TXD_CHECKSUM_MASK, 34, 157 },
		{ 300, WEIR_TXD_CHECKSUM_MASK, 255, 255 },
		{ 300, WEIR_TXD_CHECKSUM_MASK, 192, 0 },
		{ 300, WEIR_TXD_CHECKSUM_MASK | WEIR_TXD_CRC32C_MASK, 34, 155 },
		{ 64, WEIR_TXD_CHECKSUM_MASK, 34, 29 },
		{ 64, WEIR_TXD_CHECKSUM_MASK | WEIR_TXD_CRC32C_MASK, 34, 27 },
		{ 300, WEIR_TXD_CRC32C_MASK, 34, 8 },
		{ 300, WEIR_TXD_CRC32C_MASK, 0, 0 },
		{ 300, 0, 34, 6 },
		{ 300, WEIR_TXD_IPV4_CHECKSUM_MASK, 34, 6 },
		{ 33, WEIR_TXD_IPV4_CHECKSUM_MASK, 0, 0 },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++)
		expect_refused(scene, cases[i].bytes, cases[i].flags,
			       (uint16_t)(cases[i].start | cases[i].offset << 8), true);
	expect_refused(scene, 300, WEIR_TXD_IPV4_CHECKSUM_MASK, 0, false);
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR);
	scene_end(scene);
}

/* The limits themselves are within. */
static void the_first_and_last_places_work(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	static const struct {
		uint16_t bytes;
		uint8_t start, field;
	} cases[] = { { 300, 22, 22 }, { 300, 22, 190 }, { 300, 190, 190 }, { 192, 22, 190 },
		      { 64, 62, 62 },  { 193, 33, 33 },	 { 301, 23, 99 },   { 24, 22, 22 } };

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct packet packet = { .destination = test_mac(2),
					 .source = test_mac(1),
					 .protocol = PACKET_UDP,
					 .payload = 400 };
		uint32_t start = cases[i].start, field = cases[i].field, bytes = cases[i].bytes;
		struct host_function *from = &host->functions[1];

		packet_make(&packet, whole);
		from->tx[0].checksum = (uint16_t)(start | (field - start) << 8);
		WEIR_REQUIRE(host_send(from, 0, whole, bytes, 1 + (i & 1), 0,
				       WEIR_TXD_CHECKSUM_MASK, 0));
		uint32_t sum = ~packet_sum(whole + start, bytes - start, 0) & 0xffff;

		whole[field] = (uint8_t)(sum >> 8);
		whole[field + 1] = (uint8_t)sum;
		host_send_done(from, 0);
		host_settle(host);
		expect_at(host, 2, bytes);
	}
	host_destroy(host);
}

/* One segment of it, in the header copy, behind it, and at the end; to one taker and to many. */
static void payload_that_cannot_be_read_is_never_delivered(void)
{
	struct host *host = test_card(3, 1, 2048, false);
	struct host_function *from = &host->functions[1];

	for (uint32_t broken = 1; broken < 4; broken++) {
		struct packet packet = { .destination = broken & 1 ? test_mac(2) : 0xffffffffffff,
					 .source = test_mac(1),
					 .protocol = PACKET_TCP,
					 .payload = 1200 };
		uint32_t bytes = packet_make(&packet, whole);

		memcpy(asked, whole, bytes);
		uint16_t checksum = packet_ask(&packet, asked);

		for (uint32_t i = 0; i < 4; i++) {
			uint64_t at = from->tx[0].staging + i * 1000;
			uint32_t take = i < 3 ? 300 : bytes - 900;
			struct weir_tx_descriptor descriptor = {
				.address = weir_cpu_to_le64(i == broken ? 0x10 : at),
				.length = weir_cpu_to_le16((uint16_t)take),
				.flags = weir_cpu_to_le16((uint16_t)(i == 0 ? WEIR_TXD_CHECKSUM_MASK
								     : i < 3 ? 0
									     : WEIR_TXD_END_MASK)),
				.checksum = weir_cpu_to_le16(i ? 0 : checksum),
			};

			memcpy(host_pointer(from, at), asked + i * 300, take);
			host_post_descriptor(from, 0, &descriptor);
		}
		host_send_done(from, 0);
		host_settle(host);
		WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
		WEIR_EXPECT(!host_receive(&host->functions[3], 0, &got));
		WEIR_EXPECT(!host_receive(&host->functions[0], 0, &got));
		WEIR_EXPECT(host->functions[2].rx[0].errors >= broken);
		WEIR_EXPECT_EQ(host->wire_count, 0);
		WEIR_EXPECT_EQ(vport_stat(from, WEIR_STAT_VPORT_TX_DROPPED_FAULT), broken);
		/* The next one comes. */
		packet.destination = test_mac(2);
		expect_at(host, 2, send(host, 1, &packet, 4, 0, 0));
	}
	host_destroy(host);
}

#define TEST(name)                      \
	{                               \
		"checksum." #name, name \
	}
const struct weir_test checksum_tests[] = {
	TEST(frames_of_every_length_in_any_pieces_get_theirs),
	TEST(frames_over_many_buffers_get_theirs),
	TEST(frames_alike_in_a_row_get_their_own),
	TEST(every_taker_and_the_wire_get_theirs),
	TEST(the_datasheets_example_comes_out),
	TEST(a_checksum_of_zero_is_sent_as_ffff),
	TEST(tags_that_come_and_go_change_nothing),
	TEST(tunnels_get_the_inner_one),
	TEST(ipv4_headers_get_theirs),
	TEST(places_that_no_checksum_may_have_are_refused),
	TEST(the_first_and_last_places_work),
	TEST(payload_that_cannot_be_read_is_never_delivered),
};
const size_t checksum_test_count = WEIR_TESTS(checksum_tests);
