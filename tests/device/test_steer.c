/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering rules (specs/steering.md): which frames a rule matches, and what becomes of them. The frames' bytes are those of packets.c,
 * written down here a second time by hand.
 */
#include "steer.h"

#include <stddef.h>
#include <string.h>

/* The queue that no spread leads to: of the table's four only 0 to 2 are used here. */
#define CHOSEN 3u

static void spread_without_chosen(struct host_function *function)
{
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];

	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16((uint16_t)(i % CHOSEN));
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))),
				     NULL),
			0);
}

static struct host *card(uint16_t vfs)
{
	struct host *host = steer_card(vfs);

	for (uint16_t i = 0; i <= vfs; i++)
		spread_without_chosen(&host->functions[i]);
	return host;
}

static struct rule to_chosen(uint16_t location)
{
	return (struct rule){ .location = location,
			      .action = WEIR_STEER_ACTION_QUEUE,
			      .queue = CHOSEN };
}

/* ---- what matches ---- */

enum kind { TCP4, UDP4, SCTP4, TCP6, EXTENDED6, TAGGED, SERVICE, DOUBLE, VXLAN, GENEVE, FRAGMENT };

static struct packet packet_of(enum kind kind)
{
	struct packet packet = steer_packet();

	if (kind == UDP4)
		packet.protocol = PACKET_UDP;
	if (kind == SCTP4)
		packet.protocol = PACKET_SCTP;
	packet.ipv6 = kind == TCP6 || kind == EXTENDED6;
	if (kind == EXTENDED6)
		memcpy(packet.extensions, "\xff\x3c", 2);
	if (kind == TAGGED || kind == SERVICE || kind == DOUBLE) {
		packet.tag_protocol[0] = kind == TAGGED ? 0x8100 : 0x88a8;
		packet.tci[0] = 0xa123;
	}
	if (kind == DOUBLE) {
		packet.tag_protocol[1] = 0x8100;
		packet.tci[1] = 0x0456;
	}
	packet.tunnel = kind == VXLAN	 ? PACKET_VXLAN
			: kind == GENEVE ? PACKET_GENEVE
					 : PACKET_PLAIN;
	packet.fragment = kind == FRAGMENT ? 0x2000 : 0;
	return packet;
}

#define FIELD(member_) \
	offsetof(struct weir_steer_key, member_), sizeof(((struct weir_steer_key *)0)->member_)

/* What each field of a frame is. */
static const struct fact {
	uint8_t kind; /* enum kind */
	size_t offset, bytes;
	const char *value;
} facts[] = {
	{ TCP4, FIELD(destination), "\x02\0\0\0\0\x02" },
	{ TCP4, FIELD(source), "\x02\0\0\0\0\x01" },
	{ TCP4, FIELD(ethertype), "\x08\0" },
	{ TCP4, FIELD(vlan_protocol), "\0\0" },
	{ TCP4, FIELD(vlan_tci), "\0\0" },
	{ TCP4, FIELD(l3), "\x01" },
	{ TCP4, FIELD(protocol), "\x06" },
	{ TCP4, FIELD(traffic_class), "\0" },
	{ TCP4, FIELD(tunnel), "\0" },
	{ TCP4, FIELD(source_port), "\x11\x22" },
	{ TCP4, FIELD(destination_port), "\x33\x44" },
	{ TCP4, FIELD(source_address), "\xc0\0\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0" },
	{ TCP4, FIELD(destination_address), "\xc6\x33\x64\x02\0\0\0\0\0\0\0\0\0\0\0\0" },
	{ UDP4, FIELD(protocol), "\x11" },
	{ UDP4, FIELD(destination_port), "\x33\x44" },
	{ SCTP4, FIELD(protocol), "\x84" },
	{ SCTP4, FIELD(source_port), "\x11\x22" },
	{ TCP6, FIELD(ethertype), "\x86\xdd" },
	{ TCP6, FIELD(l3), "\x02" },
	{ TCP6, FIELD(protocol), "\x06" },
	{ TCP6, FIELD(source_address), "\x20\x01\x0d\xb8\0\0\0\x01\0\0\0\0\0\0\0\x01" },
	{ TCP6, FIELD(destination_address), "\x20\x01\x0d\xb8\0\0\0\x02\0\0\0\0\0\0\x80\xff" },
	{ TCP6, FIELD(destination_port), "\x33\x44" },
	{ EXTENDED6, FIELD(protocol), "\x06" },
	{ EXTENDED6, FIELD(source_port), "\x11\x22" },
	{ TAGGED, FIELD(ethertype), "\x08\0" },
	{ TAGGED, FIELD(vlan_protocol), "\x81\0" },
	{ TAGGED, FIELD(vlan_tci), "\xa1\x23" },
	{ TAGGED, FIELD(destination_port), "\x33\x44" },
	{ SERVICE, FIELD(vlan_protocol), "\x88\xa8" },
	{ SERVICE, FIELD(vlan_tci), "\xa1\x23" },
	{ DOUBLE, FIELD(vlan_protocol), "\x88\xa8" },
	{ DOUBLE, FIELD(ethertype), "\x81\0" },
	{ DOUBLE, FIELD(destination_port), "\x33\x44" },
	{ VXLAN, FIELD(tunnel), "\x01" },
	{ VXLAN, FIELD(vni), "\0\0\x07" },
	{ VXLAN, FIELD(destination_port), "\x12\xb5" },
	{ GENEVE, FIELD(tunnel), "\x02" },
	{ GENEVE, FIELD(vni), "\0\0\x07" },
	{ FRAGMENT, FIELD(protocol), "\x06" },
	{ FRAGMENT, FIELD(source_port), "\0\0" },
	{ FRAGMENT, FIELD(destination_port), "\0\0" },
};

/* A rule about one field: a frame that has it goes its way, and with any bit of it another one it does not. */
static void each_field_by_itself_decides(void)
{
	struct host *host = card(2);
	struct host_function *to = &host->functions[2];

	for (size_t i = 0; i < WEIR_TESTS(facts); i++) {
		const struct fact *fact = &facts[i];
		struct packet packet = packet_of(fact->kind);
		struct rule rule = to_chosen(5);

		memcpy((uint8_t *)&rule.key + fact->offset, fact->value, fact->bytes);
		memset((uint8_t *)&rule.mask + fact->offset, 0xff, fact->bytes);
		WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
		if (steer_queue(host, packet) != CHOSEN)
			WEIR_EXPECT_EQ(i, WEIR_TESTS(facts));
		WEIR_EXPECT_EQ(rule_frames(to, 5), 1);
		for (uint32_t bit = 0; bit < 8 * fact->bytes; bit += 5) {
			((uint8_t *)&rule.key)[fact->offset + bit / 8] ^= (uint8_t)(1 << bit % 8);
			WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
			WEIR_EXPECT(steer_queue(host, packet) < CHOSEN);
			WEIR_EXPECT_EQ(rule_frames(to, 5), 0);
			((uint8_t *)&rule.key)[fact->offset + bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	host_destroy(host);
}

static void a_frame_from_the_wire_is_steered_alike(void)
{
	struct host *host = card(2);
	struct host_function *to = &host->functions[2];
	static uint8_t frame[512];

	for (size_t i = 0; i < WEIR_TESTS(facts); i++) {
		const struct fact *fact = &facts[i];
		struct packet packet = packet_of(fact->kind);
		struct rule rule = to_chosen(5);
		uint32_t bytes;

		memcpy((uint8_t *)&rule.key + fact->offset, fact->value, fact->bytes);
		memset((uint8_t *)&rule.mask + fact->offset, 0xff, fact->bytes);
		WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
		bytes = packet_make(&packet, frame);
		WEIR_REQUIRE(weirsim_wire_receive(host->sim, 0, frame, bytes) == 0);
		host_settle(host);
		WEIR_EXPECT_EQ(steer_taken(to, NULL), CHOSEN);
	}
	host_destroy(host);
}

/* Traffic class: IPv4's byte 1; of IPv6 the eight bits behind the version. */
static void the_traffic_class_is_all_eight_bits(void)
{
	struct host *host = card(2);
	static uint8_t frame[512];

	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct packet packet = packet_of(ipv6 ? TCP6 : TCP4);
		uint32_t bytes = packet_make(&packet, frame);
		struct rule rule = to_chosen(1);

		RULE_MATCH(&rule, traffic_class, "\xb9");
		WEIR_REQUIRE_EQ(rule_add(&host->functions[2], &rule), WEIR_STATUS_OK);
		WEIR_EXPECT(steer_pass(host, frame, bytes, NULL) < CHOSEN);
		if (ipv6)
			memcpy(frame + 14, "\x6b\x90", 2);
		else
			frame[15] = 0xb9;
		WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, NULL), CHOSEN);
	}
	host_destroy(host);
}

static void only_the_masks_bits_count(void)
{
	struct host *host = card(2);
	struct rule rule = to_chosen(9);
	static uint8_t frame[512];
	struct packet packet = steer_packet();
	uint32_t bytes = packet_make(&packet, frame);

	/* 192.0.2.0/25, even destination ports */
	memcpy(rule.key.source_address, "\xc0\0\x02\0", 4);
	memcpy(rule.mask.source_address, "\xff\xff\xff\x80", 4);
	rule.mask.destination_port[1] = 1;
	WEIR_REQUIRE_EQ(rule_add(&host->functions[2], &rule), WEIR_STATUS_OK);
	for (uint32_t last = 0; last < 256; last += 17) {
		for (uint32_t port = 0; port < 4; port++) {
			frame[29] = (uint8_t)last;
			frame[37] = (uint8_t)port;
			WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, NULL) == CHOSEN,
				       last < 128 && port % 2 == 0);
		}
	}
	frame[28] = 3;
	frame[29] = frame[37] = 0;
	WEIR_EXPECT(steer_pass(host, frame, bytes, NULL) < CHOSEN);
	host_destroy(host);
}

/* Inside, 802.1Q VLAN 1110; the port VLAN around it is not the VF's to see. */
static void a_port_vlans_vf_steers_by_what_it_sees(void)
{
	struct host *host = card(2);
	struct host_function *to = &host->functions[2];
	struct packet packet = steer_packet();
	struct rule rule = to_chosen(1);
	static uint8_t frame[512];
	uint32_t bytes;

	WEIR_REQUIRE_EQ(host_vf_set(host, 2, WEIR_ATTRIBUTE_VLAN, 100), 0);
	packet.tag_protocol[0] = packet.tag_protocol[1] = 0x8100;
	packet.tci[0] = 100;
	packet.tci[1] = 0x0456;
	RULE_MATCH(&rule, vlan_protocol, "\x81\0");
	RULE_MATCH(&rule, vlan_tci, "\x04\x56");
	RULE_MATCH(&rule, ethertype, "\x08\0");
	WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
	bytes = packet_make(&packet, frame);
	WEIR_REQUIRE(weirsim_wire_receive(host->sim, 0, frame, bytes) == 0);
	host_settle(host);
	WEIR_EXPECT_EQ(steer_taken(to, NULL), CHOSEN);
	/* Of an untagged one it sees no tag. */
	packet.tag_protocol[1] = 0;
	bytes = packet_make(&packet, frame);
	WEIR_REQUIRE(weirsim_wire_receive(host->sim, 0, frame, bytes) == 0);
	host_settle(host);
	WEIR_EXPECT(steer_taken(to, NULL) < CHOSEN);
	memset(&rule.key.vlan_protocol, 0, 4);
	WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
	WEIR_REQUIRE(weirsim_wire_receive(host->sim, 0, frame, bytes) == 0);
	host_settle(host);
	WEIR_EXPECT_EQ(steer_taken(to, NULL), CHOSEN);
	host_destroy(host);
}

/* ---- what becomes of them ---- */

static void the_least_location_decides(void)
{
	struct host *host = card(2);
	struct host_function *to = &host->functions[2];
	struct rule any = { .location = 20, .action = WEIR_STEER_ACTION_QUEUE, .queue = 0 },
		    address = any, port = any, drop = any;

	address.location = 10;
	address.queue = 1;
	RULE_MATCH(&address, source_address, "\xc0\0\x02\x01");
	port.location = 30;
	port.queue = 2;
	RULE_MATCH(&port, source_port, "\x11\x22");
	drop.location = 0;
	drop.action = WEIR_STEER_ACTION_DROP;
	RULE_MATCH(&drop, l3, "\x01");
	/* Whichever comes first. */
	WEIR_REQUIRE_EQ(rule_add(to, &port), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 2);
	WEIR_REQUIRE_EQ(rule_add(to, &address), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 1);
	WEIR_REQUIRE_EQ(rule_add(to, &any), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 1);
	WEIR_REQUIRE_EQ(rule_add(to, &drop), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), STEER_NONE);
	WEIR_REQUIRE_EQ(rule_delete(to, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 1);
	WEIR_REQUIRE_EQ(rule_delete(to, 10), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 0);
	/* A lesser location for a mask that had a greater one. */
	port.location = 5;
	RULE_MATCH(&port, source_port, "\x11\x22");
	WEIR_EXPECT_EQ(rule_add(to, &port), WEIR_STATUS_EXISTS);
	WEIR_REQUIRE_EQ(rule_delete(to, 30), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(rule_add(to, &port), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 2);
	WEIR_EXPECT_EQ(rule_frames(to, 20), 1);
	WEIR_EXPECT_EQ(rule_frames(to, 5), 1);
	host_destroy(host);
}

/* Two masks: both have the lesser locations in rules that do not match; where the one's rule that does stands, varies. */
static void masks_are_looked_at_until_none_can_win(void)
{
	struct host *host = card(2);
	struct host_function *to = &host->functions[2];
	struct rule first = { .location = 0, .action = WEIR_STEER_ACTION_DROP },
		    second = { .location = 5, .action = WEIR_STEER_ACTION_DROP },
		    by_source = { .action = WEIR_STEER_ACTION_QUEUE, .queue = 1 },
		    by_protocol = { .location = 30, .action = WEIR_STEER_ACTION_QUEUE, .queue = 2 };

	RULE_MATCH(&first, source_address, "\xc0\0\x02\x09");
	RULE_MATCH(&second, protocol, "\x11");
	RULE_MATCH(&by_source, source_address, "\xc0\0\x02\x01");
	RULE_MATCH(&by_protocol, protocol, "\x06");
	WEIR_REQUIRE_EQ(rule_add(to, &first), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(rule_add(to, &second), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(rule_add(to, &by_protocol), WEIR_STATUS_OK);
	for (uint16_t location = 20; location <= 40; location += 20) {
		by_source.location = location;
		WEIR_REQUIRE_EQ(rule_add(to, &by_source), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), location == 20 ? 1 : 2);
		WEIR_REQUIRE_EQ(rule_delete(to, location), WEIR_STATUS_OK);
	}
	host_destroy(host);
}

static void dropped_frames_are_counted_and_others_come(void)
{
	struct host *host = card(2);
	struct host_function *to = &host->functions[2];
	struct rule rule = { .location = 1, .action = WEIR_STEER_ACTION_DROP };
	static uint8_t frames[2][512];
	uint32_t bytes[2], seen = 0;

	for (int i = 0; i < 2; i++) {
		struct packet packet = steer_packet();

		packet.ipv6 = i;
		bytes[i] = packet_make(&packet, frames[i]);
	}
	RULE_MATCH(&rule, l3, "\x01");
	WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
	/* In one burst, as frames alike and not. */
	for (int i = 0; i < 30; i++)
		WEIR_REQUIRE(host_send(&host->functions[1], 0, frames[i / 3 % 2], bytes[i / 3 % 2],
				       1, 0, 0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	while (steer_taken(to, NULL) != STEER_NONE)
		seen++;
	WEIR_EXPECT_EQ(seen, 15);
	WEIR_EXPECT_EQ(rule_frames(to, 1), 15);
	WEIR_EXPECT_EQ(rule_bytes(to, 1), 15 * bytes[0]);
	WEIR_EXPECT_EQ(host_stat(to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_DROPPED_BY_RULE),
		       15);
	host_destroy(host);
}

static void a_mark_is_told_in_place_of_the_hash(void)
{
	struct host *host = card(2);
	struct rule rule = { .location = 4, .action = WEIR_STEER_ACTION_SPREAD };
	struct packet packet = steer_packet();
	static struct host_frame before, after;
	static uint8_t frame[512];
	uint32_t bytes = packet_make(&packet, frame),
		 queue = steer_pass(host, frame, bytes, &before);

	WEIR_EXPECT(before.flags & WEIR_RXC_FLOW_HASH_MASK);
	WEIR_REQUIRE_EQ(rule_add(&host->functions[2], &rule), WEIR_STATUS_OK);
	/* Without a mark nothing is told. */
	WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, &after), queue);
	WEIR_EXPECT_EQ(after.flow_hash, before.flow_hash);
	WEIR_EXPECT_EQ(after.flags & 0xffff, before.flags & 0xffff);
	rule.marks = true;
	rule.mark = 0xdeadbeef;
	WEIR_REQUIRE_EQ(rule_add(&host->functions[2], &rule), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, &after), queue);
	WEIR_EXPECT_EQ(after.flow_hash, 0xdeadbeef);
	WEIR_EXPECT(after.flags & WEIR_RXC_MARK_MASK);
	WEIR_EXPECT(!(after.flags & (WEIR_RXC_FLOW_HASH_MASK | WEIR_RXC_HASH_L4_MASK)));
	WEIR_EXPECT_EQ(after.packet_type, before.packet_type);
	/* It is the same rule still. */
	WEIR_EXPECT_EQ(rule_frames(&host->functions[2], 4), 2);
	host_destroy(host);
}

/* Of a frame to all, each taker's own rules decide, and no mark or hash is told to another. */
static void every_taker_has_its_own_rules(void)
{
	struct host *host = card(4);
	struct rule rule = to_chosen(1);
	struct packet packet = steer_packet();
	static struct host_frame got;
	static uint8_t frame[512];
	uint32_t bytes;

	packet.destination = 0xffffffffffff;
	bytes = packet_make(&packet, frame);
	RULE_MATCH(&rule, destination, "\xff\xff\xff\xff\xff\xff");
	rule.marks = true;
	rule.mark = 77;
	WEIR_REQUIRE_EQ(rule_add(&host->functions[2], &rule), WEIR_STATUS_OK);
	rule.action = WEIR_STEER_ACTION_DROP;
	WEIR_REQUIRE_EQ(rule_add(&host->functions[3], &rule), WEIR_STATUS_OK);
	/* VF 4 hashes nothing: it is told nothing. */
	WEIR_REQUIRE_EQ(host_command(&host->functions[4], WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_U(HASH_TYPES, 0)), NULL),
			0);
	for (int i = 0; i < 2; i++) {
		WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, &got), CHOSEN);
		WEIR_EXPECT_EQ(got.flow_hash, 77);
		WEIR_EXPECT_EQ(steer_taken(&host->functions[3], &got), STEER_NONE);
		WEIR_EXPECT_EQ(steer_taken(&host->functions[4], &got), 0);
		WEIR_EXPECT_EQ(got.flow_hash | (got.flags & WEIR_RXC_MARK_MASK) | got.packet_type,
			       0);
		WEIR_EXPECT(steer_taken(&host->functions[0], &got) < CHOSEN);
		WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
		WEIR_EXPECT(!(got.flags & WEIR_RXC_MARK_MASK) && got.flow_hash != 77);
		/* Rules of one that does not hash are asked, too. */
		rule = to_chosen(3);
		rule.queue = 0;
		WEIR_REQUIRE_EQ(rule_add(&host->functions[4], &rule), WEIR_STATUS_OK);
	}
	WEIR_EXPECT_EQ(rule_frames(&host->functions[2], 1), 2);
	WEIR_EXPECT_EQ(rule_frames(&host->functions[3], 1), 2);
	WEIR_EXPECT_EQ(rule_frames(&host->functions[4], 3), 1);
	host_destroy(host);
}

/* ---- order ---- */

#define ORDER_MARK 0x5555u

/* Frames that are visible now, of all queues: none is missing before a later one. Each is told the mark of a rule to its queue, or its flow's hash. */
static void look_for_holes(struct host_function *function, uint32_t *next, uint32_t hash)
{
	static struct host_frame got;
	bool seen[512] = { false };
	uint32_t count = 0;

	for (uint16_t queue = 0; queue < STEER_QUEUES; queue++) {
		while (host_receive(function, queue, &got)) {
			uint32_t number;

			WEIR_EXPECT_EQ(got.flow_hash,
				       got.flags & WEIR_RXC_MARK_MASK ? ORDER_MARK + queue : hash);
			memcpy(&number, got.data + 60, 4);
			WEIR_REQUIRE(number - *next < WEIR_TESTS(seen));
			seen[number - *next] = true;
			count++;
		}
	}
	for (uint32_t i = 0; i < count; i++)
		WEIR_EXPECT(seen[i]);
	*next += count;
}

static void a_flow_stays_in_order_while_rules_change(void)
{
	enum { ROUNDS = 300 };
	struct host *host = card(2);
	struct host_function *from = &host->functions[1], *to = &host->functions[2];
	uint32_t sent = 0, next = 0;
	struct packet packet = steer_packet();
	static uint8_t frame[512];
	static struct host_frame plain;
	uint32_t bytes = packet_make(&packet, frame);

	WEIR_REQUIRE(steer_pass(host, frame, bytes, &plain) != STEER_NONE);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct rule rule = to_chosen((uint16_t)(round * 7 % 5));

		for (uint32_t i = 0; i < 12 && host_transmit_room(from, 0); i++) {
			memcpy(frame + 60, &sent, 4);
			sent++;
			WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
		}
		host_send_done(from, 0);
		rule.queue = (uint16_t)(round % STEER_QUEUES);
		rule.marks = round % 4 < 2;
		rule.mark = ORDER_MARK + rule.queue;
		rule.mask.source_port[round % 2] = (uint8_t)(1 << round % 8);
		rule.key.source_port[round % 2] =
			(uint8_t)((round % 2 ? 0x22 : 0x11) & rule.mask.source_port[round % 2]);
		if (round % 3 == 0) {
			const int status = rule_delete(to, rule.location);

			WEIR_EXPECT(status == WEIR_STATUS_OK || status == WEIR_STATUS_NOT_FOUND);
		} else {
			const int status = rule_add(to, &rule);

			WEIR_EXPECT(status == WEIR_STATUS_OK || status == WEIR_STATUS_EXISTS);
		}
		host_turn(host);
		look_for_holes(to, &next, plain.flow_hash);
	}
	host_settle(host);
	look_for_holes(to, &next, plain.flow_hash);
	WEIR_EXPECT_EQ(next, sent);
	WEIR_EXPECT(sent > 3 * ROUNDS);
	host_destroy(host);
}

const struct weir_test steer_tests[] = {
	{ "steer.each_field_by_itself_decides", each_field_by_itself_decides },
	{ "steer.a_frame_from_the_wire_is_steered_alike", a_frame_from_the_wire_is_steered_alike },
	{ "steer.the_traffic_class_is_all_eight_bits", the_traffic_class_is_all_eight_bits },
	{ "steer.only_the_masks_bits_count", only_the_masks_bits_count },
	{ "steer.a_port_vlans_vf_steers_by_what_it_sees", a_port_vlans_vf_steers_by_what_it_sees },
	{ "steer.the_least_location_decides", the_least_location_decides },
	{ "steer.masks_are_looked_at_until_none_can_win", masks_are_looked_at_until_none_can_win },
	{ "steer.dropped_frames_are_counted_and_others_come",
	  dropped_frames_are_counted_and_others_come },
	{ "steer.a_mark_is_told_in_place_of_the_hash", a_mark_is_told_in_place_of_the_hash },
	{ "steer.every_taker_has_its_own_rules", every_taker_has_its_own_rules },
	{ "steer.a_flow_stays_in_order_while_rules_change",
	  a_flow_stays_in_order_while_rules_change },
};
const size_t steer_test_count = WEIR_TESTS(steer_tests);
