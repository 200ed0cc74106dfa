/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of one flow in a row: the device may look at the headers of the first one only. Nobody may be able to tell: each frame is told
 * of, spread, steered, verified and timed as if it had come alone. So each row is sent twice, one by one and all at once.
 */
#include "scene.h"
#include "steer.h"
#include "times.h"

#include <stdlib.h>
#include <string.h>

#define ROW	    24u
#define LOW_DELAY   0xb8 /* a traffic class: nothing that tells flows apart */
#define MARKED	    3u	 /* the queue of frames with it */
#define MARK	    0x4d41524bu
#define MAYBE(flag) (rand() % 2 ? (flag) : 0)

enum { UNKNOWN, GOOD, BAD, ABSENT };

/* A frame of a row, and what its receiver was told of it when it came alone. */
struct member {
	uint8_t frame[2048];
	uint32_t bytes, segments;
	uint16_t to;		       /* function */
	uint16_t flags, tci, checksum; /* of its first descriptor */
	uint32_t queue;		       /* STEER_NONE: nobody got it */
	struct host_frame told;
};

static struct {
	struct member members[ROW];
	uint32_t count;
	bool asks; /* there are descriptors that ask for something: it cannot come from the wire */
} row;

/* VF 1 sends; VF 2 and VF 3 hash, verify, and take tags out. */
static struct host *flow_card(void)
{
	struct host *host = steer_card(3);
	const uint32_t flags = WEIR_VPORT_RX_CHECKSUM | WEIR_VPORT_VLAN_STRIP;

	for (uint16_t i = 2; i <= 3; i++)
		WEIR_REQUIRE_EQ(host_vport_flags(&host->functions[i], flags, flags), 0);
	row.count = 0;
	row.asks = false;
	return host;
}

static struct packet flow_packet(uint8_t protocol, bool ipv6)
{
	struct packet packet = steer_packet();

	packet.protocol = protocol;
	packet.ipv6 = ipv6;
	packet.seed = (uint32_t)rand();
	return packet;
}

/* A packet as the row's next frame. */
static struct member *add(struct packet *packet)
{
	struct member *member = &row.members[row.count++];

	WEIR_REQUIRE(row.count <= ROW);
	*member =
		(struct member){ .segments = 1, .to = packet->destination == test_mac(3) ? 3 : 2 };
	member->bytes = packet_make(packet, member->frame);
	return member;
}

/* The traffic class of a frame is this; its checksums stay right. */
static void set_class(struct member *member, const struct packet *packet, uint8_t value)
{
	uint8_t *ip = member->frame + packet->l3;

	if (packet->ipv6) {
		ip[0] = (uint8_t)(0x60 | value >> 4);
		ip[1] = (uint8_t)(value << 4);
		return;
	}
	ip[1] = value;
	memset(ip + 10, 0, 2);
	uint32_t sum = ~packet_sum(ip, packet->l4 - packet->l3, 0);

	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void send(struct host *host, const struct member *member, bool from_wire)
{
	struct host_function *from = &host->functions[1];

	if (from_wire) {
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, member->frame, member->bytes), 0);
		return;
	}
	from->tx[0].checksum = member->checksum;
	WEIR_REQUIRE(host_send(from, 0, member->frame, member->bytes, member->segments, 0,
			       member->flags, member->tci));
}

static void sent(struct host *host, bool from_wire)
{
	if (!from_wire)
		host_send_done(&host->functions[1], 0);
	host_settle(host);
}

static void expect_same(const struct host_frame *got, const struct host_frame *told)
{
	WEIR_EXPECT_EQ(got->flags & ~WEIR_RXC_PHASE_MASK, told->flags & ~WEIR_RXC_PHASE_MASK);
	WEIR_EXPECT_EQ(got->flow_hash, told->flow_hash);
	WEIR_EXPECT_EQ(got->packet_type, told->packet_type);
	WEIR_EXPECT_EQ(got->vlan_tci, told->vlan_tci);
	WEIR_REQUIRE_EQ(got->bytes, told->bytes);
	WEIR_EXPECT_MEM(got->data, told->data, told->bytes);
}

static void expect_nothing_else(struct host *host)
{
	for (uint16_t i = 2; i <= 3; i++)
		WEIR_EXPECT_EQ(steer_taken(&host->functions[i], NULL), STEER_NONE);
}

/* The row alone, frame by frame, then at once. */
static void pass_from(struct host *host, bool from_wire)
{
	static struct host_frame got;

	for (uint32_t i = 0; i < row.count; i++) {
		struct member *member = &row.members[i];

		send(host, member, from_wire);
		sent(host, from_wire);
		member->queue = steer_taken(&host->functions[member->to], &member->told);
	}
	expect_nothing_else(host);
	for (uint32_t i = 0; i < row.count; i++)
		send(host, &row.members[i], from_wire);
	sent(host, from_wire);
	/* In their order in each queue. */
	for (uint32_t i = 0; i < row.count; i++) {
		const struct member *member = &row.members[i];

		if (member->queue == STEER_NONE)
			continue;
		WEIR_REQUIRE(
			host_receive(&host->functions[member->to], (uint16_t)member->queue, &got));
		expect_same(&got, &member->told);
	}
	expect_nothing_else(host);
}

static void pass(struct host *host)
{
	pass_from(host, false);
	if (!row.asks)
		pass_from(host, true);
}

static uint32_t l4_state(const struct member *member)
{
	return WEIR_GET(WEIR_RXC_L4, member->told.flags);
}

static uint32_t ip_state(const struct member *member)
{
	return WEIR_GET(WEIR_RXC_IP, member->told.flags);
}

static const struct {
	uint8_t protocol;
	bool ipv6;
} kinds[] = {
	{ PACKET_TCP, false }, { PACKET_UDP, false }, { PACKET_TCP, true }, { PACKET_UDP, true }
};

/* ---- steering ---- */

/* Frames with the traffic class: to a queue with a mark; all others of the vport as they are spread. */
static struct rule class_rule(void)
{
	struct rule rule = { .location = 9,
			     .action = WEIR_STEER_ACTION_QUEUE,
			     .queue = MARKED,
			     .marks = true,
			     .mark = MARK };

	rule.key.traffic_class = LOW_DELAY;
	rule.mask.traffic_class = 0xff;
	return rule;
}

/* A traffic class is in no flow's tuple: the rules are asked about every frame. */
static void rules_of_more_than_a_flow_are_asked_of_each(void)
{
	for (size_t kind = 0; kind < WEIR_TESTS(kinds); kind++) {
		struct host *host = flow_card();
		struct rule rule = class_rule();
		uint32_t marked = 0, hash = 0;

		WEIR_REQUIRE_EQ(rule_add(&host->functions[2], &rule), WEIR_STATUS_OK);
		for (uint32_t i = 0; i < ROW; i++) {
			struct packet packet = flow_packet(kinds[kind].protocol, kinds[kind].ipv6);

			packet.payload = i * 7;
			set_class(add(&packet), &packet, i % 5 == 2 || i % 7 > 4 ? LOW_DELAY : 0);
			marked += i % 5 == 2 || i % 7 > 4;
		}
		pass(host);
		for (uint32_t i = 0; i < ROW; i++) {
			const struct member *member = &row.members[i];

			WEIR_EXPECT_EQ(l4_state(member), GOOD);
			if (i % 5 == 2 || i % 7 > 4) {
				WEIR_EXPECT_EQ(member->queue, MARKED);
				WEIR_EXPECT_EQ(member->told.flow_hash, MARK);
				WEIR_EXPECT(member->told.flags & WEIR_RXC_MARK_MASK);
				continue;
			}
			hash = i ? hash : member->told.flow_hash;
			WEIR_EXPECT_EQ(member->told.flow_hash, hash);
			WEIR_EXPECT(member->told.flags & WEIR_RXC_FLOW_HASH_MASK);
			WEIR_EXPECT_EQ(member->queue, hash % STEER_QUEUES);
		}
		/* One by one and at once, from VF 1 and the wire. */
		WEIR_EXPECT_EQ(rule_frames(&host->functions[2], rule.location), 4 * marked);
		/* Nor are those dropped together. */
		rule.action = WEIR_STEER_ACTION_DROP;
		rule.marks = false;
		WEIR_REQUIRE_EQ(rule_add(&host->functions[2], &rule), WEIR_STATUS_OK);
		pass(host);
		for (uint32_t i = 0; i < ROW; i++)
			WEIR_EXPECT_EQ(row.members[i].queue,
				       i % 5 == 2 || i % 7 > 4 ? STEER_NONE : hash % STEER_QUEUES);
		WEIR_EXPECT_EQ(vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_DROPPED_BY_RULE),
			       4 * marked);
		host_destroy(host);
	}
}

/* ---- what is no plain datagram of the flow ---- */

static void fragments_among_them_have_no_ports(void)
{
	static const uint16_t words[] = { 0, 0x4000, 0x2000, 0, 0x0010, 0x4000, 0 };
	struct host *host = flow_card();

	for (uint32_t i = 0; i < ROW; i++) {
		struct packet packet = flow_packet(PACKET_UDP, false);

		packet.fragment = words[i % WEIR_TESTS(words)];
		add(&packet);
	}
	pass(host);
	for (uint32_t i = 0; i < ROW; i++) {
		const struct member *member = &row.members[i];
		bool fragment = words[i % WEIR_TESTS(words)] & 0x3fff;

		WEIR_EXPECT_EQ(!(member->told.flags & WEIR_RXC_HASH_L4_MASK), fragment);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_L4, member->told.packet_type),
			       fragment ? WEIR_PACKET_L4_FRAGMENT : WEIR_PACKET_L4_UDP);
		WEIR_EXPECT_EQ(ip_state(member), GOOD);
		WEIR_EXPECT_EQ(l4_state(member), fragment ? UNKNOWN : GOOD);
		WEIR_EXPECT_EQ(member->told.flow_hash, row.members[fragment ? 2 : 0].told.flow_hash);
	}
	WEIR_EXPECT(row.members[0].told.flow_hash != row.members[2].told.flow_hash);
	host_destroy(host);
}

/* Of another type the same bytes are no IP. */
static void the_same_bytes_of_another_type_are_none(void)
{
	struct host *host = flow_card();

	for (uint32_t i = 0; i < ROW; i++) {
		struct packet packet = flow_packet(PACKET_TCP, i / 12);
		struct member *member = add(&packet);

		if (i % 3 == 1)
			memcpy(member->frame + 12, "\x88\xb5", 2);
	}
	pass(host);
	for (uint32_t i = 0; i < ROW; i++) {
		const struct member *member = &row.members[i];
		uint32_t kind = i / 12 ? WEIR_PACKET_L3_IPV6 : WEIR_PACKET_L3_IPV4;

		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_L3, member->told.packet_type),
			       i % 3 == 1 ? WEIR_PACKET_L3_OTHER : kind);
		WEIR_EXPECT_EQ(!(member->told.flags & WEIR_RXC_FLOW_HASH_MASK), i % 3 == 1);
		WEIR_EXPECT_EQ(l4_state(member), i % 3 == 1 ? UNKNOWN : GOOD);
	}
	host_destroy(host);
}

/* Headers of other lengths, and lengths that lie. */
static void each_is_as_long_as_it_says_itself(void)
{
	for (size_t kind = 0; kind < WEIR_TESTS(kinds); kind++) {
		struct host *host = flow_card();
		bool ipv6 = kinds[kind].ipv6, tcp = kinds[kind].protocol == PACKET_TCP;

		for (uint32_t i = 0; i < ROW; i++) {
			struct packet packet = flow_packet(kinds[kind].protocol, ipv6);

			packet.payload = i % 3 * 90;
			packet.trailer = i % 4;
			if (i % 6 == 1 && tcp)
				packet.tcp_options = 12;
			if (i % 6 == 2 && ipv6)
				packet.extensions[0] = 60;
			if (i % 6 == 2 && !ipv6)
				packet.ip_options = 8;
			struct member *member = add(&packet);
			uint8_t *length = member->frame + packet.l3 + (ipv6 ? 4 : 2);

			/* Longer than the frame; nothing but headers; TCP's header longer than the datagram. */
			if (i % 6 == 3)
				length[0] = 3;
			if (i % 6 == 4)
				length[1] = ipv6 ? 8 : 28;
			if (i % 6 == 4 && i % 3)
				length[0] = 0;
			if (i % 6 == 5 && tcp)
				member->frame[packet.l4 + 12] = 0xf0;
		}
		pass(host);
		for (uint32_t i = 0; i < ROW; i += 6) {
			WEIR_EXPECT_EQ(l4_state(&row.members[i]), GOOD);
			WEIR_EXPECT_EQ(l4_state(&row.members[i + 1]), GOOD);
			WEIR_EXPECT_EQ(l4_state(&row.members[i + 2]), GOOD);
			WEIR_EXPECT_EQ(l4_state(&row.members[i + 3]), UNKNOWN);
		}
		host_destroy(host);
	}
}

/* ---- checksums ---- */

static void a_bad_checksum_is_told_of_its_own_frame(void)
{
	for (size_t kind = 0; kind < WEIR_TESTS(kinds); kind++) {
		struct host *host = flow_card();
		bool ipv6 = kinds[kind].ipv6, tcp = kinds[kind].protocol == PACKET_TCP;
		uint32_t bad = 0;

		for (uint32_t i = 0; i < ROW; i++) {
			struct packet packet = flow_packet(kinds[kind].protocol, ipv6);

			/* In the copy of the header, and beyond. */
			packet.payload = i % 2 ? 20 + i : 500 + i;
			struct member *member = add(&packet);

			if (i % 5 == 2)
				member->frame[packet.end - 1] ^= 1;
			if (i % 5 == 3)
				member->frame[packet.l3 + 8] ^= 1; /* of IPv6, an address */
			if (i % 5 == 4 && !tcp)
				memset(member->frame + packet.field, 0, 2);
			bad += i % 5 == 2 || i % 5 == 3;
		}
		pass(host);
		for (uint32_t i = 0; i < ROW; i++) {
			const struct member *member = &row.members[i];

			WEIR_EXPECT_EQ(ip_state(member), ipv6 ? UNKNOWN : i % 5 == 3 ? BAD : GOOD);
			WEIR_EXPECT_EQ(l4_state(member), i % 5 == 2 || (i % 5 == 3 && ipv6) ? BAD
							 : i % 5 == 4 && !tcp		    ? ABSENT
											    : GOOD);
		}
		WEIR_EXPECT_EQ(vport_stat(&host->functions[2], WEIR_STAT_VPORT_RX_CHECKSUM_BAD),
			       4 * bad);
		host_destroy(host);
	}
}

/* What one descriptor asks for is not what the next one asks for. */
static void each_gets_the_checksum_that_it_asks_for(void)
{
	struct host *host = flow_card();
	uint32_t refused = 0;

	row.asks = true;
	for (uint32_t i = 0; i < ROW; i++) {
		struct packet packet = flow_packet(i % 7 == 6 ? PACKET_SCTP : PACKET_TCP, false);
		struct member *member;

		packet.payload = i * 9;
		member = add(&packet);
		member->flags = WEIR_TXD_CHECKSUM_MASK;
		if (i % 7 == 3)
			member->flags = WEIR_TXD_IPV4_CHECKSUM_MASK;
		if (i % 7 == 4)
			member->flags = 0;
		if (i % 7 == 5)
			member->flags |= WEIR_TXD_IPV4_CHECKSUM_MASK;
		if (i % 7 == 6)
			member->flags |= WEIR_TXD_CRC32C_MASK;
		if (member->flags & WEIR_TXD_IPV4_CHECKSUM_MASK)
			memset(member->frame + packet.l3 + 10, 0xaa, 2);
		if (member->flags & WEIR_TXD_CHECKSUM_MASK)
			member->checksum = packet_ask(&packet, member->frame);
		/* A frame that ends ahead of the field that the ones beside it have as well; one whose field lies nowhere. */
		if (i % 7 == 2) {
			member->bytes = packet.field + 1;
			if (i % 2) {
				member->bytes = packet.end;
				member->checksum = 0xffff;
			}
			refused++;
		}
	}
	pass(host);
	for (uint32_t i = 0; i < ROW; i++) {
		if (i % 7 == 2) {
			WEIR_EXPECT_EQ(row.members[i].queue, STEER_NONE);
			continue;
		}
		WEIR_EXPECT_EQ(ip_state(&row.members[i]), GOOD);
		WEIR_EXPECT_EQ(l4_state(&row.members[i]), GOOD);
	}
	WEIR_EXPECT_EQ(vport_stat(&host->functions[1], WEIR_STAT_VPORT_TX_DROPPED_MALFORMED),
		       2 * refused);
	host_destroy(host);
}

/* ---- tags ---- */

static void each_has_its_own_tag(void)
{
	struct host *host = flow_card();

	for (uint32_t by_descriptor = 0; by_descriptor < 2; by_descriptor++) {
		row.count = 0;
		row.asks = by_descriptor;
		for (uint32_t i = 0; i < ROW; i++) {
			struct packet packet = flow_packet(PACKET_TCP, i / 12);
			bool tagged = i % 4;

			if (tagged && !by_descriptor) {
				packet.tag_protocol[0] = 0x8100;
				packet.tci[0] = (uint16_t)(100 + i / 2);
			}
			struct member *member = add(&packet);

			if (tagged && by_descriptor) {
				member->flags = WEIR_TXD_VLAN_MASK;
				member->tci = (uint16_t)(100 + i / 2);
			}
		}
		pass(host);
		for (uint32_t i = 0; i < ROW; i++) {
			const struct member *member = &row.members[i];

			WEIR_EXPECT_EQ(!(member->told.flags & WEIR_RXC_VLAN_MASK), i % 4 == 0);
			WEIR_EXPECT_EQ(member->told.vlan_tci, i % 4 ? 100 + i / 2 : 0);
			WEIR_EXPECT_EQ(member->told.flow_hash,
				       row.members[i / 12 * 12].told.flow_hash);
			WEIR_EXPECT_EQ(l4_state(member), GOOD);
		}
	}
	host_destroy(host);
}

/* ---- tunnels ---- */

static void inside_a_tunnel_are_other_flows(void)
{
	struct host *host = flow_card();

	WEIR_REQUIRE_EQ(host_command(&host->functions[2], WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_U(HASH_TYPES, WEIR_HASH_TYPES_ALL |
									     WEIR_HASH_TYPE_INNER)),
				     NULL),
			0);
	for (uint32_t i = 0; i < ROW; i++) {
		struct packet packet = flow_packet(PACKET_UDP, i % 8 == 7);

		packet.tunnel = i % 5 == 4 ? PACKET_GENEVE : PACKET_VXLAN;
		packet.outer_sum = i & 1;
		struct member *member = add(&packet);

		/* The inner port alone is another, which the checksum of IPv4's UDP may not know of. */
		member->frame[packet.l4 + 1] = (uint8_t)(i % 3);
		memset(member->frame + packet.field, 0, 2);
		if (packet.outer_sum)
			memset(member->frame + packet.outer_l4 + 6, 0, 2);
	}
	pass(host);
	for (uint32_t i = 0; i + 3 < ROW; i++) {
		const struct host_frame *told = &row.members[i].told;

		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_INNER_L4, told->packet_type),
			       WEIR_PACKET_L4_UDP);
		WEIR_EXPECT(told->flow_hash != row.members[i + 1].told.flow_hash);
		if (i % 8 < 4)
			WEIR_EXPECT_EQ(told->flow_hash, row.members[i + 3].told.flow_hash);
	}
	host_destroy(host);
}

/* ---- receivers ---- */

/* Flows and vports in turns: each vport hashes by its own key, and only one has rules. */
static void each_vport_tells_its_own(void)
{
	struct host *host = flow_card();
	struct rule rule = class_rule();

	WEIR_REQUIRE_EQ(rule_add(&host->functions[3], &rule), WEIR_STATUS_OK);
	for (uint32_t i = 0; i < ROW; i++) {
		struct packet packet = flow_packet(PACKET_TCP, i / 6 & 1);

		packet.destination = test_mac(2 + i / 3 % 2);
		set_class(add(&packet), &packet, LOW_DELAY);
	}
	pass(host);
	for (uint32_t i = 0; i < ROW; i++) {
		const struct member *member = &row.members[i];

		WEIR_EXPECT_EQ(member->told.flow_hash == MARK, member->to == 3);
		WEIR_EXPECT_EQ(member->queue,
			       member->to == 3 ? MARKED : member->told.flow_hash % STEER_QUEUES);
		WEIR_EXPECT_EQ(member->told.flow_hash, row.members[i % 12].told.flow_hash);
	}
	WEIR_REQUIRE_EQ(rule_delete(&host->functions[3], rule.location), WEIR_STATUS_OK);
	pass(host);
	WEIR_EXPECT(row.members[0].told.flow_hash != row.members[3].told.flow_hash);
	host_destroy(host);
}

/* ---- times ---- */

static void each_has_its_own_time(void)
{
	struct host *host = test_card(1, 0, 2048, false);
	struct host_function *vf = &host->functions[1];
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	static struct host_frame got;
	uint64_t arrived[ROW];
	uint32_t hash = 0;

	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16(i % 2);
	for (uint16_t queue = 0; queue < 2; queue++) {
		vf->rx[queue].timed = true;
		WEIR_REQUIRE_EQ(host_queue_create(vf, queue, 2048, 1, false), WEIR_STATUS_OK);
	}
	WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))),
				     NULL),
			0);
	WEIR_REQUIRE_EQ(host_vport_flags(vf, WEIR_VPORT_RX_CHECKSUM, WEIR_VPORT_RX_CHECKSUM), 0);
	for (uint32_t i = 0; i < ROW; i++) {
		struct packet packet = flow_packet(PACKET_TCP, false);
		static uint8_t frame[2048];

		packet.destination = test_mac(1);
		packet.source = 0x665544332202;
		packet.payload = i * 30;
		weirsim_advance_ns(host->sim, 1 + 13 * i);
		WEIR_REQUIRE_EQ(
			weirsim_wire_receive(host->sim, 0, frame, packet_make(&packet, frame)), 0);
		arrived[i] = test_clock(vf);
	}
	weirsim_advance_ns(host->sim, 1000000);
	host_settle(host);
	for (uint32_t i = 0; i < ROW; i++) {
		WEIR_REQUIRE(host_receive(vf, (uint16_t)(hash & 1), &got) ||
			     (!i && host_receive(vf, 1, &got)));
		hash = got.flow_hash;
		WEIR_EXPECT_EQ(got.time_ns, arrived[i]);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, got.flags), GOOD);
		WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
	}
	host_destroy(host);
}

/* ---- changes ---- */

/* While a row waits, its receiver hashes or does not, verifies or does not: what is told is right, in order, and says if it is there. */
static void what_changes_while_they_wait_is_told_right(void)
{
	enum { ROUNDS = 200 };
	struct host *host = flow_card();
	struct host_function *from = &host->functions[1], *to = &host->functions[2];
	static struct host_frame got;
	struct packet packet = flow_packet(PACKET_UDP, false);
	static uint8_t frame[2048];
	uint32_t bytes = packet_make(&packet, frame), number = 0, next = 0, hash;
	uint32_t seen[2] = { 0, 0 };

	WEIR_REQUIRE(steer_pass(host, frame, bytes, &got) != STEER_NONE);
	hash = got.flow_hash;
	for (uint32_t round = 0; round <= ROUNDS; round++) {
		for (uint32_t i = 0; i < 20 && host_transmit_room(from, 0) && round < ROUNDS; i++) {
			packet.seed = number;
			packet.payload = number % 11 * 30 + 8;
			bytes = packet_make(&packet, frame);
			/* The identification, which is in no other checksum. */
			frame[packet.l3 + 4] = (uint8_t)(number >> 8);
			frame[packet.l3 + 5] = (uint8_t)number++;
			WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
		}
		host_send_done(from, 0);
		for (uint32_t turn = 0; turn < round % 9; turn++)
			host_turn(host);
		if (round % 3 == 0)
			WEIR_REQUIRE_EQ(
				host_command(to, WEIR_COMMAND_VPORT_SPREAD,
					     HOST_REQUEST(HOST_U(HASH_TYPES, round % 2 ? 0xff : 0)),
					     NULL),
				0);
		else if (round % 3 == 1)
			WEIR_REQUIRE_EQ(host_vport_flags(to, round % 2 ? WEIR_VPORT_RX_CHECKSUM : 0,
							 WEIR_VPORT_RX_CHECKSUM),
					0);
		host_settle(host);
		for (uint16_t queue = 0; queue < STEER_QUEUES; queue++) {
			uint32_t last = 0;

			for (; host_receive(to, queue, &got); next++) {
				bool hashed = got.flags & WEIR_RXC_FLOW_HASH_MASK;
				uint32_t l4 = WEIR_GET(WEIR_RXC_L4, got.flags);
				uint32_t id = (uint32_t)got.data[packet.l3 + 4] << 8 |
					      got.data[packet.l3 + 5];

				WEIR_EXPECT_EQ(got.flow_hash, hashed ? hash : 0);
				WEIR_EXPECT(l4 == UNKNOWN || l4 == GOOD);
				WEIR_EXPECT(id >= last);
				last = id + 1;
				seen[hashed]++;
			}
		}
	}
	WEIR_EXPECT_EQ(next, number);
	WEIR_EXPECT(seen[0] > ROUNDS && seen[1] > ROUNDS);
	host_destroy(host);
}

/* ---- anything ---- */

/* A frame of a few flows that is unlike them in some way, or not. */
static struct member *add_any(void)
{
	struct packet packet = flow_packet(kinds[rand() % 4].protocol, rand() % 4 == 0);
	static const uint16_t words[] = { 0, 0, 0, 0x4000, 0x2000, 3 };
	bool plain = rand() % 3;

	packet.payload = (uint32_t)(rand() % 2 ? rand() % 60 : rand() % 900);
	if (!plain) {
		packet.destination = test_mac((uint32_t)(2 + rand() % 2));
		packet.fragment = words[rand() % 6];
		packet.ip_options = (uint8_t)MAYBE(4);
		packet.tcp_options = (uint8_t)MAYBE(8);
		packet.trailer = (uint32_t)MAYBE(5);
		packet.tunnel = rand() % 5 ? PACKET_PLAIN : PACKET_VXLAN;
		packet.tag_protocol[0] = rand() % 5 ? 0 : 0x8100;
		packet.tci[0] = (uint16_t)(rand() % 3);
	}
	struct member *member = add(&packet);

	if (!packet.tunnel && rand() % 2)
		set_class(member, &packet, LOW_DELAY);
	if (!plain)
		member->frame[packet.l3 + (uint32_t)rand() % (packet.end - packet.l3)] ^=
			(uint8_t)MAYBE(1 << rand() % 8);
	if (row.asks) {
		member->segments = 1 + (uint32_t)rand() % 2;
		if (rand() % 2) {
			member->flags = WEIR_TXD_CHECKSUM_MASK;
			member->checksum = packet_ask(&packet, member->frame);
		}
		if (rand() % 5 == 0) {
			member->flags |= WEIR_TXD_VLAN_MASK;
			member->tci = (uint16_t)(rand() % 3);
		}
	}
	return member;
}

static void any_row_is_told_as_its_frames_alone(void)
{
	struct host *host = flow_card();
	struct host_function *to = &host->functions[2];
	struct rule rule = class_rule();

	srand((unsigned int)test_seed());
	for (uint32_t round = 0; round < 48; round++) {
		uint32_t flags = (round & 1 ? WEIR_VPORT_RX_CHECKSUM : 0) |
				 (round & 2 ? WEIR_VPORT_VLAN_STRIP : 0);

		WEIR_REQUIRE_EQ(host_vport_flags(to, flags,
						 WEIR_VPORT_RX_CHECKSUM | WEIR_VPORT_VLAN_STRIP),
				0);
		WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_VPORT_SPREAD,
					     HOST_REQUEST(HOST_U(HASH_TYPES, round & 4 ? 0xff : 0)),
					     NULL),
				0);
		if (round % 16 == 0)
			WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
		if (round % 16 == 8)
			WEIR_REQUIRE_EQ(rule_delete(to, rule.location), WEIR_STATUS_OK);
		row.count = 0;
		row.asks = round % 3 == 0;
		while (row.count < ROW)
			add_any();
		pass(host);
	}
	host_destroy(host);
}

const struct weir_test flow_tests[] = {
	{ "flow.rules_of_more_than_a_flow_are_asked_of_each",
	  rules_of_more_than_a_flow_are_asked_of_each },
	{ "flow.fragments_among_them_have_no_ports", fragments_among_them_have_no_ports },
	{ "flow.the_same_bytes_of_another_type_are_none", the_same_bytes_of_another_type_are_none },
	{ "flow.each_is_as_long_as_it_says_itself", each_is_as_long_as_it_says_itself },
	{ "flow.a_bad_checksum_is_told_of_its_own_frame", a_bad_checksum_is_told_of_its_own_frame },
	{ "flow.each_gets_the_checksum_that_it_asks_for", each_gets_the_checksum_that_it_asks_for },
	{ "flow.each_has_its_own_tag", each_has_its_own_tag },
	{ "flow.inside_a_tunnel_are_other_flows", inside_a_tunnel_are_other_flows },
	{ "flow.each_vport_tells_its_own", each_vport_tells_its_own },
	{ "flow.each_has_its_own_time", each_has_its_own_time },
	{ "flow.what_changes_while_they_wait_is_told_right",
	  what_changes_while_they_wait_is_told_right },
	{ "flow.any_row_is_told_as_its_frames_alone", any_row_is_told_as_its_frames_alone },
};
const size_t flow_test_count = WEIR_TESTS(flow_tests);
