/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive queues that split only frames with some headers: SPLIT_KINDS (specs/header-split.md, "Only some frames"). */
#include "packets.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#define TAKER	 2 /* the VF whose queue splits */
#define EVERY	 0x1ffu
#define HEADER	 192u
#define IPV4_TCP (WEIR_SPLIT_KIND_IPV4 | WEIR_SPLIT_KIND_TCP)

static uint8_t frame[HOST_FRAME_MAX];
static struct host_frame got;

static struct host *card(uint16_t kinds, struct host_split split, uint32_t buffer_bytes)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *taker = &host->functions[TAKER];

	taker->rx[0].split_kinds = kinds;
	host_queue_split(taker, split, buffer_bytes);
	return host;
}

/* A frame has come, so many bytes of it in a header buffer, the rest in payload buffers. */
static void expect(struct host *host, uint32_t bytes, uint32_t header_bytes, bool known)
{
	struct host_function *taker = &host->functions[TAKER];
	uint32_t room = taker->rx[0].buffer_bytes;

	WEIR_REQUIRE(host_receive(taker, 0, &got));
	WEIR_EXPECT_EQ(got.bytes, bytes);
	WEIR_EXPECT_MEM(got.data, frame, bytes);
	WEIR_EXPECT_EQ(got.header_bytes, header_bytes);
	WEIR_EXPECT_EQ(got.header_known, known);
	WEIR_EXPECT_EQ(got.buffers, !!header_bytes + (bytes - header_bytes + room - 1) / room);
}

/* From the wire, and from VF 1 in pieces. */
static void pass(struct host *host, uint32_t bytes, uint32_t header_bytes, bool known)
{
	struct host_function *sender = &host->functions[1];

	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
	host_settle(host);
	expect(host, bytes, header_bytes, known);
	WEIR_REQUIRE(host_send(sender, 0, frame, bytes, 1 + bytes % 5, bytes % 9, 0, 0));
	host_send_done(sender, 0);
	host_settle(host);
	expect(host, bytes, header_bytes, known);
	host_settle(host);
}

/* Packet number `number` of 48 kinds. */
static struct packet packet_of(uint32_t number)
{
	struct packet packet = packet_kind(number, test_mac(TAKER), test_mac(1));

	packet.tag_protocol[0] = number / 24 ? 0x8100 : 0;
	return packet;
}

static uint32_t l4_bytes(uint8_t protocol)
{
	return protocol == PACKET_TCP ? 20 : protocol == PACKET_SCTP ? 12 : 8;
}

/* What a mode splits behind in a packet, and where that ends. */
static uint32_t kinds_of(const struct packet *packet, uint8_t mode, uint32_t *end)
{
	bool tunnel = packet->tunnel != PACKET_PLAIN,
	     outer = tunnel && mode < WEIR_SPLIT_MODE_INNER;
	uint32_t ip = !outer && packet->ipv6 ? WEIR_SPLIT_KIND_IPV6 : WEIR_SPLIT_KIND_IPV4;
	uint8_t protocol = outer ? PACKET_UDP : packet->protocol;
	uint32_t l4 = protocol == PACKET_TCP	? WEIR_SPLIT_KIND_TCP
		      : protocol == PACKET_UDP	? WEIR_SPLIT_KIND_UDP
		      : protocol == PACKET_SCTP ? WEIR_SPLIT_KIND_SCTP
						: WEIR_SPLIT_KIND_ICMP;

	*end = outer ? packet->outer_l4 : packet->l4;
	if (mode == WEIR_SPLIT_MODE_L3)
		return ip;
	*end += l4_bytes(protocol);
	if (mode == WEIR_SPLIT_MODE_L4)
		return ip | l4;
	return ip | l4 |
	       (packet->tunnel == PACKET_VXLAN	  ? WEIR_SPLIT_KIND_VXLAN
		: packet->tunnel == PACKET_GENEVE ? WEIR_SPLIT_KIND_GENEVE
						  : WEIR_SPLIT_KIND_PLAIN);
}

static void they_decide_which_frames_are_split(void)
{
	uint32_t split = 0, whole = 0;

	srand(7);
	for (uint32_t round = 0; round < 60; round++) {
		uint8_t mode = (uint8_t)(WEIR_SPLIT_MODE_L3 + round % 3);
		/* All but one of them, each in turn; then sets of chance. */
		uint32_t kinds = round < 27 ? EVERY & ~(1u << round / 3)
					    : 1 + (uint32_t)rand() % EVERY;
		struct host *host =
			card((uint16_t)kinds, (struct host_split){ mode, HEADER, 0, 0 }, 512);

		for (uint32_t i = 0; i < 48; i++) {
			struct packet packet = packet_of(i);
			uint32_t bytes = packet_make(&packet, frame), end;
			bool asked = !(kinds_of(&packet, mode, &end) & ~kinds);

			/* The last headers of some may lie where nobody looks. */
			if (mode == WEIR_SPLIT_MODE_INNER && end > 120)
				continue;
			pass(host, bytes, asked ? end : 0, asked);
			split += asked;
			whole += !asked;
		}
		host_destroy(host);
	}
	WEIR_EXPECT(split > 500 && whole > 500);
}

/* Frames without the header that is asked for, or with a longer one, have none; short ones stay whole as ever, and padding with its header. */
static void what_cannot_be_split_is_all_payload(void)
{
	struct host *host =
		card(EVERY, (struct host_split){ WEIR_SPLIT_MODE_L4, 128, 100, 0 }, 256);
	struct packet packet = packet_of(0);
	uint32_t bytes;

	for (bytes = 60; bytes < 3000; bytes += bytes < 110 ? 1 : 377) {
		host_make_frame(frame, test_mac(TAKER), test_mac(1), 0, 0, bytes, 1, bytes);
		pass(host, bytes, bytes <= 100 ? bytes : 0, false);
	}
	host_destroy(host);
	host = card(EVERY, (struct host_split){ WEIR_SPLIT_MODE_L4, 64, 0, 0 }, 256);
	packet.fragment = 0x2000;
	bytes = packet_make(&packet, frame);
	pass(host, bytes, 0, false);
	packet.fragment = 0;
	for (packet.tcp_options = 8; packet.tcp_options <= 16; packet.tcp_options += 4) {
		bytes = packet_make(&packet, frame);
		pass(host, bytes, packet.tcp_options <= 10 ? 54u + packet.tcp_options : 0,
		     packet.tcp_options <= 10);
	}
	packet.tcp_options = 0;
	packet.payload = 0;
	packet.trailer = 6;
	bytes = packet_make(&packet, frame);
	pass(host, bytes, bytes, true);
	host_destroy(host);
}

/* Frames alike, which other queues take in one go, and such that are split, many at a time and in whatever order. */
static void order_stays_among_frames_split_and_not(void)
{
	struct host *host =
		card(IPV4_TCP, (struct host_split){ WEIR_SPLIT_MODE_L4, 128, 0, 1 }, 256);
	struct host_function *sender = &host->functions[1], *taker = &host->functions[TAKER];
	static uint8_t copies[24][HOST_FRAME_MAX];
	uint32_t bytes[24], headers = 0;

	WEIR_REQUIRE_EQ(host_vport_flags(taker, WEIR_VPORT_RX_CHECKSUM, WEIR_VPORT_RX_CHECKSUM), 0);
	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < 24; i++) {
			struct packet packet = packet_of((round >> i % 6 & 1) ? 0 : 1);

			packet.seed = round * 24 + i;
			packet.payload = 30 + (i % 4) * 150;
			bytes[i] = packet_make(&packet, copies[i]);
			WEIR_REQUIRE(host_send(sender, 0, copies[i], bytes[i], 1, 0, 0, 0));
		}
		host_send_done(sender, 0);
		host_settle(host);
		for (uint32_t i = 0; i < 24; i++) {
			bool tcp = round >> i % 6 & 1;

			memcpy(frame, copies[i], bytes[i]);
			expect(host, bytes[i], tcp ? 54 : 0, tcp);
			WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, got.flags), WEIR_CHECKSUM_STATE_GOOD);
			headers += tcp;
		}
		host_settle(host);
	}
	WEIR_EXPECT(headers > 300 && headers < 1100);
	host_destroy(host);
}

/* Of a frame that is not split the header buffer is not written to, whatever its address; nor is its payload's of one that is all header. */
static void addresses_that_are_not_needed_may_be_anything(void)
{
	for (uint32_t split = 0; split <= 1; split++) {
		struct scene *scene = scene_start(1, false);
		struct host_function *bad = scene->attacker, *peer = scene->peer;
		struct weir_rx_split_buffer *ring = host_pointer(bad, bad->rx[0].ring);
		struct packet packet = packet_of(split ? 0 : 1);
		uint32_t bytes;

		packet.destination = test_mac(1);
		packet.source = test_mac(2);
		bytes = packet_make(&packet, frame);
		bad->rx[0].split_kinds = IPV4_TCP;
		host_queue_split(bad, (struct host_split){ WEIR_SPLIT_MODE_L4, HEADER, 0, 0 }, 512);
		ring[0].header = weir_cpu_to_le64(bad->iova + 0x40000000u);
		WEIR_REQUIRE(host_send(peer, 0, frame, bytes, 1, 0, 0, 0));
		host_send_done(peer, 0);
		scene_settle(scene);
		WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_DMA_FAULTS), split);
		if (!split) {
			struct host_rx *rx = &bad->rx[0];
			const struct weir_rx_completion *entry = host_pointer(bad, rx->completion);

			WEIR_EXPECT(!(weir_le32_to_cpu(entry->flags) &
				      (WEIR_RXC_HEADER_MASK | WEIR_RXC_ERROR_MASK)));
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry->length), bytes);
			WEIR_EXPECT_MEM(host_pointer(bad, rx->buffers[0]), frame, bytes);
		} else {
			scene_expect_reported(scene, WEIR_MISBEHAVIOUR_DMA_FAULT);
		}
		scene_end(scene);
	}
}

static void impossible_sets_are_refused(void)
{
	static const struct {
		uint8_t mode;
		uint16_t kinds;
		enum weir_status status;
	} cases[] = {
		{ WEIR_SPLIT_MODE_NONE, 1, WEIR_STATUS_BAD_VALUE },
		{ WEIR_SPLIT_MODE_FIXED, 1, WEIR_STATUS_BAD_VALUE },
		{ WEIR_SPLIT_MODE_L2, EVERY, WEIR_STATUS_BAD_VALUE },
		{ WEIR_SPLIT_MODE_L3, 0x200, WEIR_STATUS_NOT_SUPPORTED },
		{ WEIR_SPLIT_MODE_INNER, 0xffff, WEIR_STATUS_NOT_SUPPORTED },
		{ WEIR_SPLIT_MODE_L3, 1, WEIR_STATUS_OK },
		{ WEIR_SPLIT_MODE_NONE, 0, WEIR_STATUS_OK },
		{ WEIR_SPLIT_MODE_INNER, EVERY, WEIR_STATUS_OK },
	};
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		WEIR_REQUIRE_EQ(host_queue_destroy(vf, 0), WEIR_STATUS_OK);
		vf->rx[0].split =
			(struct host_split){ cases[i].mode,
					     cases[i].mode == WEIR_SPLIT_MODE_NONE ? 0 : 64, 0, 0 };
		vf->rx[0].split_kinds = cases[i].kinds;
		WEIR_EXPECT_EQ(host_queue_create(vf, 0, 512, 1, false), cases[i].status);
		if (!cases[i].status)
			continue;
		WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_SPLIT_KINDS);
		vf->rx[0].split = (struct host_split){ WEIR_SPLIT_MODE_NONE, 0, 0, 0 };
		vf->rx[0].split_kinds = 0;
		WEIR_REQUIRE_EQ(host_queue_create(vf, 0, 512, 1, false), WEIR_STATUS_OK);
	}
	host_destroy(host);
}

const struct weir_test split_kinds_tests[] = {
	{ "split.kinds_decide_which_frames_are_split", they_decide_which_frames_are_split },
	{ "split.what_is_not_of_the_kinds_is_all_payload", what_cannot_be_split_is_all_payload },
	{ "split.order_stays_among_frames_split_and_not", order_stays_among_frames_split_and_not },
	{ "split.addresses_that_are_not_needed_may_be_anything",
	  addresses_that_are_not_needed_may_be_anything },
	{ "split.impossible_kinds_are_refused", impossible_sets_are_refused },
};
const size_t split_kinds_test_count = WEIR_TESTS(split_kinds_tests);
