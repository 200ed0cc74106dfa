/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums verified on receive (specs/checksum.md): good is good, bad is never called good, and what cannot be told is unknown. */
#include "packets.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

enum { UNKNOWN, GOOD, BAD, ABSENT };

/* The four states as one number to compare: IP, L4, inner IP, inner L4, a decimal digit each. */
#define STATES(ip, l4, inner_ip, inner_l4) \
	((uint32_t)(ip)*1000 + (uint32_t)(l4)*100 + (uint32_t)(inner_ip)*10 + (uint32_t)(inner_l4))
#define SIMPLE(ip, l4) STATES(ip, l4, UNKNOWN, UNKNOWN)

static uint8_t frame[HOST_FRAME_MAX];
static struct host_frame got;

static struct host *verifying_card(uint32_t buffer_bytes)
{
	struct host *host = test_card(2, 1, buffer_bytes, false);

	WEIR_REQUIRE_EQ(host_vport_flags(&host->functions[2], WEIR_VPORT_RX_CHECKSUM,
					 WEIR_VPORT_RX_CHECKSUM),
			0);
	return host;
}

static uint32_t states_of(uint32_t flags)
{
	return STATES(WEIR_GET(WEIR_RXC_IP, flags), WEIR_GET(WEIR_RXC_L4, flags),
		      WEIR_GET(WEIR_RXC_INNER_IP, flags), WEIR_GET(WEIR_RXC_INNER_L4, flags));
}

/* The frame arrives at VF 2 as it is, and this is said of it. */
static uint32_t received(struct host *host, uint32_t bytes)
{
	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_EQ(got.bytes, bytes);
	WEIR_EXPECT_MEM(got.data, frame, bytes);
	return states_of(got.flags);
}

/* What is said of a frame that comes from the wire, and in pieces from VF 1: the same. */
static uint32_t states(struct host *host, uint32_t bytes)
{
	static uint32_t round;
	uint32_t segments = 1 + round++ % 7;

	/* The buffers of what was received before are posted. */
	host_settle(host);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
	uint32_t from_wire = received(host, bytes);

	if (bytes < segments * 2)
		segments = 1;
	host_settle(host);
	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, segments, round % 9, 0, 0));
	host_send_done(&host->functions[1], 0);
	WEIR_EXPECT_EQ(received(host, bytes), from_wire);
	return from_wire;
}

static struct packet packet_of(uint8_t protocol, bool ipv6, uint32_t payload)
{
	return (struct packet){ .destination = test_mac(2),
				.source = test_mac(1),
				.protocol = protocol,
				.ipv6 = ipv6,
				.payload = payload,
				.seed = payload + protocol };
}

static uint64_t bad_count(struct host *host)
{
	return vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_CHECKSUM_BAD);
}

static const uint8_t protocols[] = { PACKET_UDP, PACKET_TCP, PACKET_SCTP };

static void every_length(uint32_t buffer_bytes, uint32_t longest)
{
	struct host *host = verifying_card(buffer_bytes);

	for (uint32_t payload = 0; payload < longest; payload += payload < 140 ? 1 : 397) {
		struct packet packet = packet_of(protocols[payload % 3], payload / 3 & 1, payload);
		uint32_t ip = packet.ipv6 ? UNKNOWN : GOOD;

		packet.tcp_options = payload & 4 ? 12 : 0;
		packet.ip_options = payload & 8 ? 8 : 0;
		for (uint32_t i = 0; i < payload % 3; i++)
			packet.tag_protocol[i] = 0x8100;
		uint32_t bytes = packet_make(&packet, frame);

		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(ip, GOOD));
		/* One bit anywhere behind the ports. */
		uint32_t at = packet.l4 + 4 + (uint32_t)rand() % (packet.end - packet.l4 - 4);

		/* Not where UDP's length or TCP's is, which would make another datagram of it. */
		if (at < packet.l4 + 14 && packet.protocol != PACKET_SCTP)
			at = packet.field;
		frame[at] ^= (uint8_t)(1 << rand() % 8);
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(ip, BAD));
	}
	host_destroy(host);
}

static void good_and_bad_ones_of_every_length_are_told_apart(void)
{
	every_length(2048, 8800);
}

static void good_and_bad_ones_are_over_many_buffers(void)
{
	every_length(128, 6000);
}

static void a_wrong_ipv4_header_is_bad_whatever_is_behind_it(void)
{
	struct host *host = verifying_card(2048);

	for (uint32_t i = 0; i < 40; i++) {
		struct packet packet = packet_of(PACKET_UDP, false, i * 30);
		uint32_t bytes;

		packet.ip_options = (uint8_t)(i % 11 * 4);
		bytes = packet_make(&packet, frame);
		/* Identification and time to live are in no other checksum. */
		frame[packet.l3 + (i & 1 ? 4 : 8)] ^= 0x10;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(BAD, GOOD));
		WEIR_EXPECT_EQ(bad_count(host), 2 * (i + 1));
	}
	host_destroy(host);
}

static void bad_ones_are_counted_and_delivered(void)
{
	struct host *host = verifying_card(2048);

	for (uint32_t i = 0; i < 20; i++) {
		struct packet packet = packet_of(protocols[i % 3], i & 1, i * 100);
		uint32_t bytes = packet_make(&packet, frame);

		frame[packet.field] ^= 1;
		WEIR_EXPECT_EQ(states(host, bytes) / 100 % 10, BAD);
		WEIR_EXPECT_EQ(bad_count(host), 2 * (i + 1));
	}
	WEIR_EXPECT_EQ(vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_FRAMES), 40);
	host_destroy(host);
}

static void nothing_is_said_without_being_asked(void)
{
	struct host *host = test_card(2, 1, 2048, false);

	for (uint32_t i = 0; i < 6; i++) {
		struct packet packet = packet_of(protocols[i % 3], i & 1, i * 300);
		uint32_t bytes = packet_make(&packet, frame);

		WEIR_EXPECT_EQ(states(host, bytes), 0);
		frame[packet.field] ^= 1;
		WEIR_EXPECT_EQ(states(host, bytes), 0);
	}
	WEIR_EXPECT_EQ(bad_count(host), 0);
	/* Nor of what is no IP. */
	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[2], WEIR_VPORT_RX_CHECKSUM,
					WEIR_VPORT_RX_CHECKSUM),
		       0);
	uint32_t bytes = host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, 700, 1, 1);

	WEIR_EXPECT_EQ(states(host, bytes), 0);
	host_destroy(host);
}

/* RFC 768: zero is "none". */
static void udp_without_a_checksum_is_absent(void)
{
	struct host *host = verifying_card(2048);

	for (uint32_t payload = 0; payload < 1400; payload += payload < 100 ? 20 : 100) {
		struct packet packet = packet_of(PACKET_UDP, payload & 4, payload);
		uint32_t bytes = packet_make(&packet, frame);

		uint8_t *field = frame + packet.field, *word = frame + packet.l4 + 8;
		uint32_t moved = packet_sum(word, 2, (uint32_t)field[0] << 8 | field[1]);

		memset(field, 0, 2);
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(packet.ipv6 ? UNKNOWN : GOOD, ABSENT));
		/* Also when all of it sums up as if zero were the checksum. */
		if (!payload)
			continue;
		word[0] = (uint8_t)(moved >> 8);
		word[1] = (uint8_t)moved;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(packet.ipv6 ? UNKNOWN : GOOD, ABSENT));
	}
	WEIR_EXPECT_EQ(bad_count(host), 0);
	host_destroy(host);
}

static void fragments_and_what_is_cut_are_unknown(void)
{
	struct host *host = verifying_card(2048);

	for (uint32_t payload = 8; payload < 1400; payload += 116) {
		struct packet packet = packet_of(PACKET_UDP, false, payload);
		uint32_t bytes;

		/* More fragments; a later one. */
		packet.fragment = payload & 4 ? 0x2000 : 0x0010;
		bytes = packet_make(&packet, frame);
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, UNKNOWN));
		frame[packet.field] ^= 1;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, UNKNOWN));
		/* "Do not fragment" is no fragment. */
		packet.fragment = 0x4000;
		bytes = packet_make(&packet, frame);
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, GOOD));
		/* The datagram says that it is longer than the frame. */
		if (bytes > 70)
			WEIR_EXPECT_EQ(states(host, bytes - 1), SIMPLE(GOOD, UNKNOWN));
		/* UDP and IP do not agree on the length. */
		frame[packet.l4 + 5] ^= 4;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, UNKNOWN));
	}
	/* IPv6: the fragment header of a whole datagram is none (RFC 6946), another one is. */
	struct packet packet = packet_of(PACKET_TCP, true, 500);

	packet.extensions[0] = 44;
	uint32_t bytes = packet_make(&packet, frame);

	WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(UNKNOWN, GOOD));
	frame[packet.l3 + 43] = 1;
	WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(UNKNOWN, UNKNOWN));
	/* Headers that the frame ends in. */
	packet = packet_of(PACKET_TCP, true, 0);
	bytes = packet_make(&packet, frame);
	for (; bytes >= 14; bytes--)
		if (bytes < packet.end)
			WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(UNKNOWN, UNKNOWN));
	WEIR_EXPECT_EQ(bad_count(host), 0);
	host_destroy(host);
}

static void padding_behind_a_datagram_is_not_its_own(void)
{
	struct host *host = verifying_card(256);

	for (uint32_t payload = 0; payload < 1300; payload += payload < 120 ? 7 : 91) {
		struct packet packet = packet_of(protocols[payload % 3], false, payload);
		uint32_t bytes;

		packet.trailer = 1 + payload % 60;
		bytes = packet_make(&packet, frame);
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, GOOD));
		frame[bytes - 1] ^= 0x80;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, GOOD));
		frame[packet.field + 1] ^= 0x80;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, BAD));
	}
	host_destroy(host);
}

static void extension_headers_are_passed_over(void)
{
	struct host *host = verifying_card(2048);

	for (uint32_t i = 0; i < 8; i++) {
		struct packet packet = packet_of(protocols[i % 3], true, i * 77);
		uint32_t bytes, count = 0;

		/* Hop by hop, routing with nothing left, fragment of all. */
		if (i & 1)
			packet.extensions[count++] = 255;
		if (i & 2)
			packet.extensions[count++] = 43;
		if (i & 4)
			packet.extensions[count++] = 44;
		bytes = packet_make(&packet, frame);
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(UNKNOWN, GOOD));
		frame[packet.field] ^= 1;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(UNKNOWN, BAD));
	}
	host_destroy(host);
}

/* The checksum may be of addresses that are not in the header: right is right, wrong is not known to be. */
static void other_addresses_than_the_headers_make_bad_unknown(void)
{
	struct host *host = verifying_card(2048);

	for (uint32_t payload = 10; payload < 1000; payload += 300) {
		struct packet packet = packet_of(PACKET_TCP, true, payload);
		uint32_t bytes;

		/* Routing with a segment left (RFC 8200, 8.1); home address option (RFC 6275, 11.3.1). */
		for (uint32_t i = 0; i < 2; i++) {
			packet.extensions[0] = i ? 60 : 43;
			bytes = packet_make(&packet, frame);
			if (!i)
				frame[packet.l3 + 43] = 1;
			WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(UNKNOWN, GOOD));
			frame[packet.field] ^= 1;
			WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(UNKNOWN, UNKNOWN));
		}
		/* Source route (RFC 791, 3.1), loose and strict, behind a NOP. */
		packet = packet_of(PACKET_TCP, false, payload);
		packet.ip_options = 8;
		bytes = packet_make(&packet, frame);
		frame[packet.field] ^= 1;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, BAD));
		memcpy(frame + packet.l3 + 20,
		       payload & 4 ? "\x01\x83\x07\x04" : "\x01\x89\x07\x04", 4);
		memset(frame + packet.l3 + 10, 0, 2);
		uint32_t sum = ~packet_sum(frame + packet.l3, 28, 0);

		frame[packet.l3 + 10] = (uint8_t)(sum >> 8);
		frame[packet.l3 + 11] = (uint8_t)sum;
		WEIR_EXPECT_EQ(states(host, bytes), SIMPLE(GOOD, UNKNOWN));
	}
	WEIR_EXPECT_EQ(bad_count(host), 8);
	host_destroy(host);
}

static void tunnels_are_told_outside_and_inside(void)
{
	struct host *host = verifying_card(2048);

	for (uint32_t i = 0; i < 48; i++) {
		struct packet packet = packet_of(i & 1 ? PACKET_TCP : PACKET_UDP, i & 2, i * 31);
		uint32_t bytes, inner_ip, outer;

		packet.tunnel = i & 4 ? PACKET_VXLAN : PACKET_GENEVE;
		packet.outer_sum = i & 8;
		inner_ip = packet.ipv6 ? UNKNOWN : GOOD;
		outer = packet.outer_sum ? GOOD : ABSENT;
		bytes = packet_make(&packet, frame);
		/* TCP over IPv6 in a tunnel: the header is longer than what is looked at. */
		if (packet.l4 + 20 > 126) {
			WEIR_EXPECT_EQ(states(host, bytes), STATES(GOOD, outer, inner_ip, UNKNOWN));
			continue;
		}
		WEIR_EXPECT_EQ(states(host, bytes), STATES(GOOD, outer, inner_ip, GOOD));
		frame[packet.field] ^= 4;
		WEIR_EXPECT_EQ(states(host, bytes),
			       STATES(GOOD, packet.outer_sum ? BAD : ABSENT, inner_ip, BAD));
		frame[packet.field] ^= 4;
		if (packet.outer_sum) {
			frame[packet.outer_l4] ^= 4; /* the port it comes from is nothing inside */
			WEIR_EXPECT_EQ(states(host, bytes), STATES(GOOD, BAD, inner_ip, GOOD));
		}
	}
	host_destroy(host);
}

/* A checksum that the device has just put in is known, when what it was of is what it should be of. */
static void what_was_put_in_is_known(void)
{
	struct host *host = verifying_card(2048);
	struct host_function *from = &host->functions[1];

	for (uint32_t i = 0; i < 60; i++) {
		struct packet packet = packet_of(protocols[i % 3], i & 1, i % 20 * 67);
		uint32_t ip = packet.ipv6 ? UNKNOWN : GOOD;
		uint16_t flags = (uint16_t)(WEIR_TXD_CHECKSUM_MASK |
					    (i % 3 == 2 ? WEIR_TXD_CRC32C_MASK : 0));
		bool wrong = i >= 40 && i % 3 != 2;
		static uint8_t asked[HOST_FRAME_MAX];
		uint32_t bytes = packet_make(&packet, frame);

		memcpy(asked, frame, bytes);
		from->tx[0].checksum = packet_ask(&packet, asked);
		/* A seed that is not the pseudo header's gives a checksum that is not the packet's. */
		if (wrong)
			asked[packet.field + 1] ^= 1;
		WEIR_REQUIRE(host_send(from, 0, asked, bytes, 1 + i % 4, i, flags, 0));
		host_send_done(from, 0);
		host_settle(host);
		WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
		WEIR_EXPECT_EQ(states_of(got.flags), SIMPLE(ip, wrong ? BAD : GOOD));
		if (!wrong)
			WEIR_EXPECT_MEM(got.data, frame, bytes);
	}
	host_destroy(host);
}

/* Each receiver of a frame is told by its own wish. */
static void takers_with_and_without_the_flag_share_a_frame(void)
{
	struct host *host = test_card(4, 1, 512, false);

	for (uint16_t i = 2; i <= 4; i += 2)
		WEIR_REQUIRE_EQ(host_vport_flags(&host->functions[i], WEIR_VPORT_RX_CHECKSUM,
						 WEIR_VPORT_RX_CHECKSUM),
				0);
	for (uint32_t payload = 10; payload < 2000; payload += 199) {
		struct packet packet = packet_of(PACKET_TCP, false, payload);

		packet.destination = 0xffffffffffff;
		uint32_t bytes = packet_make(&packet, frame);

		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 3, 0, 0, 0));
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		for (uint16_t i = 0; i <= 4; i++) {
			if (i == 1)
				continue;
			WEIR_REQUIRE(host_receive(&host->functions[i], 0, &got));
			WEIR_EXPECT_EQ(states_of(got.flags),
				       i == 2 || i == 4 ? SIMPLE(GOOD, GOOD) : 0);
			WEIR_EXPECT_MEM(got.data, frame, bytes);
		}
	}
	host_destroy(host);
}

/* Frames alike in a row, short and long, good and bad: nobody gets another's. */
static void frames_in_a_row_have_their_own(void)
{
	struct host *host = verifying_card(2048);
	uint32_t expected[30], lengths[30];
	static uint8_t frames[30][2000];

	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 30; i++) {
			struct packet packet =
				packet_of(protocols[i % 3], false, (round * 131 + i * 89) % 1400);

			packet.seed = round * 30 + i;
			lengths[i] = packet_make(&packet, frames[i]);
			expected[i] = SIMPLE(GOOD, (round + i) % 4 ? GOOD : BAD);
			if ((round + i) % 4 == 0)
				frames[i][packet.field + 1] ^= 0x20;
			WEIR_REQUIRE(host_send(&host->functions[1], 0, frames[i], lengths[i],
					       1 + i % 2, 0, 0, 0));
		}
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		for (uint32_t i = 0; i < 30; i++) {
			WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
			WEIR_EXPECT_EQ(got.bytes, lengths[i]);
			WEIR_EXPECT_MEM(got.data, frames[i], lengths[i]);
			WEIR_EXPECT_EQ(states_of(got.flags), expected[i]);
		}
	}
	host_destroy(host);
}

#define TEST(name)                    \
	{                             \
		"verify." #name, name \
	}
const struct weir_test verify_tests[] = {
	TEST(good_and_bad_ones_of_every_length_are_told_apart),
	TEST(good_and_bad_ones_are_over_many_buffers),
	TEST(a_wrong_ipv4_header_is_bad_whatever_is_behind_it),
	TEST(bad_ones_are_counted_and_delivered),
	TEST(nothing_is_said_without_being_asked),
	TEST(udp_without_a_checksum_is_absent),
	TEST(fragments_and_what_is_cut_are_unknown),
	TEST(padding_behind_a_datagram_is_not_its_own),
	TEST(extension_headers_are_passed_over),
	TEST(other_addresses_than_the_headers_make_bad_unknown),
	TEST(tunnels_are_told_outside_and_inside),
	TEST(what_was_put_in_is_known),
	TEST(takers_with_and_without_the_flag_share_a_frame),
	TEST(frames_in_a_row_have_their_own),
};
const size_t verify_test_count = WEIR_TESTS(verify_tests);
