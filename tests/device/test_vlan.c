/* SPDX-License-Identifier: BSD-3-Clause */
/* Tags of both kinds: put in, taken out, filtered, one inside the other, and in port VLANs (specs/sorter.md, specs/data-queues.md). */
#include "packets.h"
#include "steer.h"
#include "suite.h"

#include <string.h>

#define BROADCAST  0xffffffffffffull
#define STRANGER   0x112233445502ull
#define TAG_8021Q  WEIR_TXD_VLAN_MASK
#define TAG_8021AD ((uint16_t)(WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK))

static uint8_t frame[HOST_FRAME_MAX];
static struct host_frame got;

static uint64_t vport_stat(struct host_function *function, enum weir_stat_vport counter)
{
	return host_stat(function, WEIR_STATS_SCOPE_VPORT, 0, counter);
}

/* Makes `frame`: addresses, these bytes of tags, then what host_make_frame() gives. Returns its length. */
static uint32_t make(uint64_t destination, uint64_t source, const char *tags, uint32_t tag_bytes,
		     uint32_t bytes)
{
	static uint32_t sequence;

	host_make_frame(frame, destination, source, 0, 0, bytes, 1, ++sequence);
	memmove(frame + 12 + tag_bytes, frame + 12, bytes - 12);
	memcpy(frame + 12, tags, tag_bytes);
	return bytes + tag_bytes;
}
#define MAKE(destination_, source_, tags_, bytes_) \
	make(destination_, source_, tags_, sizeof(tags_) - 1, bytes_)

static void send(struct host *host, uint16_t from, uint32_t bytes, uint16_t flags, uint16_t tci)
{
	WEIR_REQUIRE(host_send(&host->functions[from], 0, frame, bytes, 1 + bytes % 3, bytes % 5,
			       flags, tci));
	host_send_done(&host->functions[from], 0);
	host_settle(host);
}

/* `bytes` of data are `frame` with these tags in place of the `skip` bytes behind its addresses. */
static void expect(const uint8_t *data, uint32_t bytes, const char *tags, uint32_t tag_bytes,
		   uint32_t skip, uint32_t frame_bytes)
{
	WEIR_REQUIRE_EQ(bytes, frame_bytes - skip + tag_bytes);
	WEIR_EXPECT_MEM(data, frame, 12);
	WEIR_EXPECT_MEM(data + 12, tags, tag_bytes);
	WEIR_EXPECT_MEM(data + 12 + tag_bytes, frame + 12 + skip, bytes - 12 - tag_bytes);
}
#define EXPECT_GOT(tags_, skip_, bytes_) \
	expect(got.data, got.bytes, tags_, sizeof(tags_) - 1, skip_, bytes_)
#define EXPECT_WIRE(host_, tags_, skip_, bytes_)                                              \
	expect((host_)->wire[(host_)->wire_count - 1].data,                                   \
	       (host_)->wire[(host_)->wire_count - 1].bytes, tags_, sizeof(tags_) - 1, skip_, \
	       bytes_)

/* What the last completion told of a tag. */
static void expect_told(uint16_t protocol, uint16_t tci)
{
	WEIR_EXPECT_EQ((got.flags & WEIR_RXC_VLAN_MASK) != 0, protocol != 0);
	WEIR_EXPECT_EQ((got.flags & WEIR_RXC_VLAN_8021AD_MASK) != 0, protocol == 0x88a8);
	WEIR_EXPECT_EQ(got.vlan_tci, tci);
}

/* ---- in and out ---- */

static void a_service_tag_is_put_in_by_its_descriptor(void)
{
	struct host *host = test_card(2, 1, 2048, false);

	for (uint32_t bytes = 14 + 46; bytes <= 1500; bytes += 97) {
		MAKE(test_mac(77), test_mac(1), "", bytes);
		send(host, 1, bytes, TAG_8021AD, 0x7123);
		EXPECT_WIRE(host, "\x88\xa8\x71\x23", 0, bytes);
		send(host, 1, bytes, TAG_8021Q, 0x7123);
		EXPECT_WIRE(host, "\x81\x00\x71\x23", 0, bytes);
	}
	/* In front of a tag that is there. */
	uint32_t bytes = MAKE(test_mac(2), test_mac(1), "\x81\x00\x20\x07", 300);

	send(host, 1, bytes, TAG_8021AD, 0x0005);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	EXPECT_GOT("\x88\xa8\x00\x05", 0, bytes);
	expect_told(0, 0);
	host_destroy(host);
}

static void each_kind_of_tag_is_taken_out_by_its_own_flag(void)
{
	const uint32_t both = WEIR_VPORT_VLAN_STRIP | WEIR_VPORT_VLAN_STRIP_8021AD;
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	for (uint32_t set = 0; set < 4; set++) {
		bool customer = set & 1, service = set & 2;

		WEIR_EXPECT_EQ(host_vport_flags(vf,
						(customer ? WEIR_VPORT_VLAN_STRIP : 0) |
							(service ? WEIR_VPORT_VLAN_STRIP_8021AD : 0),
						both),
			       0);
		for (uint32_t length = 60; length < 2300; length += 320) {
			uint32_t bytes = MAKE(test_mac(1), STRANGER, "\x88\xa8\xe0\x05", length);

			WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
			host_settle(host);
			WEIR_REQUIRE(host_receive(vf, 0, &got));
			EXPECT_GOT("", service ? 4 : 0, bytes);
			expect_told(service ? 0x88a8 : 0, service ? 0xe005 : 0);

			bytes = MAKE(test_mac(1), STRANGER, "\x81\x00\x50\x06", length);
			WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
			host_settle(host);
			WEIR_REQUIRE(host_receive(vf, 0, &got));
			EXPECT_GOT("", customer ? 4 : 0, bytes);
			expect_told(customer ? 0x8100 : 0, customer ? 0x5006 : 0);

			/* Only the outermost one, even when both kinds are to go. */
			bytes = MAKE(test_mac(1), STRANGER, "\x88\xa8\xe0\x05\x81\x00\x50\x06",
				     length);
			WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
			host_settle(host);
			WEIR_REQUIRE(host_receive(vf, 0, &got));
			EXPECT_GOT("", service ? 4 : 0, bytes);
			expect_told(service ? 0x88a8 : 0, service ? 0xe005 : 0);
		}
	}
	host_destroy(host);
}

static void each_kind_of_tag_is_filtered_by_its_own_flag(void)
{
	const uint32_t both = WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_FILTER_8021AD;
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(
		host_command(vf, WEIR_COMMAND_VLAN_ADD, HOST_REQUEST(HOST_U(VLAN, 10)), NULL), 0);
	for (uint32_t set = 0; set < 4; set++) {
		const uint16_t protocols[] = { 0x8100, 0x88a8 };

		WEIR_EXPECT_EQ(
			host_vport_flags(vf,
					 (set & 1 ? WEIR_VPORT_VLAN_FILTER : 0) |
						 (set & 2 ? WEIR_VPORT_VLAN_FILTER_8021AD : 0),
					 both),
			0);
		for (uint32_t kind = 0; kind < 2; kind++) {
			uint32_t filtered = set >> kind & 1;

			WEIR_EXPECT_EQ(test_takers(host, TEST_WIRE, test_mac(1), STRANGER,
						   protocols[kind], 10, 0, 0),
				       1u << 1);
			WEIR_EXPECT_EQ(test_takers(host, TEST_WIRE, test_mac(1), STRANGER,
						   protocols[kind], 11, 0, 0),
				       filtered ? 0 : 1u << 1);
			WEIR_EXPECT_EQ(test_takers(host, TEST_WIRE, test_mac(1), STRANGER,
						   protocols[kind], 7 << 13, 0, 0),
				       1u << 1);
			/* What it sends, by the same flags. */
			WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(0), test_mac(1), 0, 0,
						   kind ? TAG_8021AD : TAG_8021Q, 11),
				       filtered ? 0 : 1u);
			WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(0), test_mac(1),
						   protocols[kind], 10, 0, 0),
				       1u);
		}
		WEIR_EXPECT_EQ(test_takers(host, TEST_WIRE, test_mac(1), STRANGER, 0, 0, 0, 0),
			       1u << 1);
	}
	host_destroy(host);
}

/* ---- customers' tags inside of a service tag ---- */

static void customers_tags_go_through_a_service_port_vlan(void)
{
	struct host *host = test_card(3, 1, 2048, false);
	struct host_function *vf = &host->functions[1], *other = &host->functions[2];
	uint32_t bytes;

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 200, 5, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_port_vlan(host, 2, 200, 1, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_port_vlan(host, 3, 291, 1, 0x88a8), WEIR_STATUS_OK);
	/* To the wire: in place, by descriptor, both, with a priority alone. */
	bytes = MAKE(test_mac(77), test_mac(1), "\x81\x00\x60\x07", 300);
	send(host, 1, bytes, 0, 0);
	EXPECT_WIRE(host, "\x88\xa8\xa0\xc8", 0, bytes);
	send(host, 1, bytes, TAG_8021Q, 0x2123);
	EXPECT_WIRE(host, "\x88\xa8\xa0\xc8\x81\x00\x21\x23", 0, bytes);
	bytes = MAKE(test_mac(77), test_mac(1), "", 300);
	send(host, 1, bytes, TAG_8021Q, 0x2123);
	EXPECT_WIRE(host, "\x88\xa8\xa0\xc8\x81\x00\x21\x23", 0, bytes);
	send(host, 1, bytes, TAG_8021Q, 7 << 13);
	EXPECT_WIRE(host, "\x88\xa8\xa0\xc8\x81\x00\xe0\x00", 0, bytes);
	send(host, 1, bytes, 0, 0);
	EXPECT_WIRE(host, "\x88\xa8\xa0\xc8", 0, bytes);
	/* A service tag is the provider's: one with a VLAN is none of the VF's business, one without gives way. */
	send(host, 1, bytes, TAG_8021AD, 200);
	bytes = MAKE(test_mac(77), test_mac(1), "\x88\xa8\x00\xc8", 300);
	send(host, 1, bytes, 0, 0);
	WEIR_EXPECT_EQ(host->wire_count, 5);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 2);
	bytes = MAKE(test_mac(77), test_mac(1), "\x88\xa8\x20\x00\x81\x00\x00\x07", 300);
	send(host, 1, bytes, 0, 0);
	EXPECT_WIRE(host, "\x88\xa8\xa0\xc8", 4, bytes);
	bytes = MAKE(test_mac(77), test_mac(1), "", 300);
	send(host, 1, bytes, TAG_8021AD, 1 << 13);
	EXPECT_WIRE(host, "\x88\xa8\xa0\xc8", 0, bytes);
	/* To a neighbour, who sees the customer's tag and nothing else; and to the PF, who sees both. */
	for (uint32_t strip = 0; strip < 2; strip++) {
		WEIR_EXPECT_EQ(host_vport_flags(other, strip ? WEIR_VPORT_VLAN_STRIP : 0,
						WEIR_VPORT_VLAN_STRIP),
			       0);
		for (uint32_t way = 0; way < 2; way++) {
			bytes = way ? MAKE(BROADCAST, test_mac(1), "", 600)
				    : MAKE(BROADCAST, test_mac(1), "\x81\x00\x21\x23", 600);
			send(host, 1, bytes, way ? TAG_8021Q : 0, 0x2123);
			WEIR_REQUIRE(host_receive(other, 0, &got));
			if (strip)
				EXPECT_GOT("", way ? 0 : 4, bytes);
			else
				EXPECT_GOT("\x81\x00\x21\x23", way ? 0 : 4, bytes);
			expect_told(strip ? 0x8100 : 0, strip ? 0x2123 : 0);
			WEIR_REQUIRE(host_receive(&host->functions[0], 0, &got));
			EXPECT_GOT("\x88\xa8\xa0\xc8\x81\x00\x21\x23", way ? 0 : 4, bytes);
			WEIR_EXPECT(!host_receive(&host->functions[3], 0, &got));
		}
	}
	host_destroy(host);
}

/* One burst of frames that are alike but for their customers' tags. */
static void customers_vlans_are_told_apart_in_a_burst(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *from = &host->functions[1], *to = &host->functions[2];
	uint32_t bytes = MAKE(test_mac(2), test_mac(1), "\x81\x00\x00\x00", 100);

	for (uint16_t vf = 1; vf <= 2; vf++)
		WEIR_EXPECT_EQ(host_port_vlan(host, vf, 200, 0, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vport_flags(to, WEIR_VPORT_VLAN_FILTER, WEIR_VPORT_VLAN_FILTER), 0);
	for (uint16_t vlan = 3; vlan < 10; vlan += 3)
		WEIR_EXPECT_EQ(host_command(to, WEIR_COMMAND_VLAN_ADD,
					    HOST_REQUEST(HOST_U(VLAN, vlan)), NULL),
			       0);
	for (uint8_t vlan = 1; vlan < 12; vlan++) {
		frame[15] = vlan;
		WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
	}
	host_send_done(from, 0);
	host_settle(host);
	for (uint8_t vlan = 3; vlan < 10; vlan += 3) {
		WEIR_REQUIRE(host_receive(to, 0, &got));
		WEIR_EXPECT_EQ(got.data[15], vlan);
	}
	WEIR_EXPECT(!host_receive(to, 0, &got));
	host_destroy(host);
}

static void inside_of_it_the_source_check_knows_customers_vlans(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	const uint64_t other = 0x665544332202ull;

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 200, 0, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vport_flags(vf, WEIR_VPORT_VLAN_FILTER, WEIR_VPORT_VLAN_FILTER), 0);
	WEIR_EXPECT_EQ(
		host_command(vf, WEIR_COMMAND_VLAN_ADD, HOST_REQUEST(HOST_U(VLAN, 10)), NULL), 0);
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_FILTER_ADD,
				    HOST_REQUEST(HOST_U(MAC, other), HOST_U(VLAN, 12)), NULL),
		       0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), test_mac(1), 0x8100, 10, 0, 0), TEST_WIRE);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), test_mac(1), 0x8100, 11, 0, 0), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), test_mac(1), 0, 0, TAG_8021Q, 11), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), other, 0x8100, 12, 0, 0), TEST_WIRE);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), other, 0x8100, 10, 0, 0), 0);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 3);
	/* In a port VLAN of 802.1Q there are no customers. */
	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 200, 0, 0x8100), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), test_mac(1), 0x8100, 10, 0, 0), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), test_mac(1), 0x88a8, 10, 0, 0), 0);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 5);
	host_destroy(host);
}

/* ---- what lies behind two tags ---- */

/* Ways that a frame gets two tags: both in place, the outer one by descriptor, in a service port VLAN the inner one in place or by it. */
enum two_tags { BOTH_IN_PLACE, OUTER_BY_DESCRIPTOR, INNER_IN_PLACE, NONE_IN_PLACE, TWO_TAGS };

/* Sends a TCP packet with an open checksum from VF 1 to VF 2, which gets both tags, or the inner one in a port VLAN. */
static void send_two_tags(struct host *host, enum two_tags way, uint32_t payload, bool ipv6)
{
	struct packet packet = { .destination = test_mac(2),
				 .source = test_mac(1),
				 .protocol = PACKET_TCP,
				 .ipv6 = ipv6,
				 .tcp_options = 12,
				 .payload = payload,
				 .seed = 3 };
	uint16_t flags = WEIR_TXD_CHECKSUM_MASK, tci = 0;
	struct host_tx *tx = &host->functions[1].tx[0];
	uint32_t at = 0, bytes;

	if (way == BOTH_IN_PLACE) {
		packet.tag_protocol[at] = 0x88a8;
		packet.tci[at++] = 0x20c8;
	} else if (way == OUTER_BY_DESCRIPTOR) {
		flags |= TAG_8021AD;
		tci = 0x20c8;
	}
	if (way != NONE_IN_PLACE) {
		packet.tag_protocol[at] = 0x8100;
		packet.tci[at] = 0x6007;
	} else {
		flags |= TAG_8021Q;
		tci = 0x6007;
	}
	for (uint16_t vf = 1; vf <= 2; vf++)
		WEIR_REQUIRE_EQ(host_port_vlan(host, vf, way >= INNER_IN_PLACE ? 200 : 0,
					       way >= INNER_IN_PLACE,
					       way >= INNER_IN_PLACE ? 0x88a8 : 0x8100),
				WEIR_STATUS_OK);
	bytes = packet_make(&packet, frame);
	tx->checksum = packet_ask(&packet, frame);
	send(host, 1, bytes, flags, tci);
}

static void headers_behind_two_tags_are_known(void)
{
	struct host *host = test_card(2, STEER_QUEUES, 2048, false);
	struct host_function *to = &host->functions[2];

	WEIR_EXPECT_EQ(host_vport_flags(to, WEIR_VPORT_RX_CHECKSUM, WEIR_VPORT_RX_CHECKSUM), 0);
	for (uint32_t ipv6 = 0; ipv6 < 2; ipv6++) {
		for (uint32_t payload = 1; payload < 1400; payload += 93) {
			struct packet plain = { .destination = test_mac(2),
						.source = test_mac(1),
						.protocol = PACKET_TCP,
						.ipv6 = ipv6,
						.tcp_options = 12,
						.payload = payload,
						.seed = 3 };
			static uint8_t wanted[HOST_FRAME_MAX];
			uint32_t bytes = packet_make(&plain, wanted), hash = 0;

			for (uint32_t way = 0; way < TWO_TAGS; way++) {
				bool port = way >= INNER_IN_PLACE;

				send_two_tags(host, way, payload, ipv6);
				WEIR_REQUIRE(steer_taken(to, &got) != STEER_NONE);
				/* The packet is whole, its checksum is put in, and the receiver hears that it is right. */
				WEIR_REQUIRE_EQ(got.bytes, bytes + (port ? 4 : 8));
				WEIR_EXPECT_MEM(got.data + 12,
						port ? "\x81\x00\x60\x07"
						     : "\x88\xa8\x20\xc8\x81\x00\x60\x07",
						port ? 4 : 8);
				WEIR_EXPECT_MEM(got.data + (port ? 16 : 20), wanted + 12,
						bytes - 12);
				WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_L4, got.flags),
					       WEIR_CHECKSUM_STATE_GOOD);
				WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_IP, got.flags),
					       ipv6 ? WEIR_CHECKSUM_STATE_UNKNOWN
						    : WEIR_CHECKSUM_STATE_GOOD);
				/* One flow, whatever carries it. */
				WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
				WEIR_EXPECT(got.flags & WEIR_RXC_HASH_L4_MASK);
				WEIR_EXPECT_EQ(got.flow_hash, way ? hash : got.flow_hash);
				hash = got.flow_hash;
			}
		}
	}
	host_destroy(host);
}

static void rules_see_the_tag_that_their_vport_sees(void)
{
	struct host *host = steer_card(2);
	struct host_function *to = &host->functions[2];
	struct rule service = { .location = 1, .action = WEIR_STEER_ACTION_QUEUE, .queue = 2 },
		    customer = { .location = 2, .action = WEIR_STEER_ACTION_QUEUE, .queue = 3 };

	RULE_MATCH(&service, vlan_protocol, "\x88\xa8");
	RULE_MATCH(&service, vlan_tci, "\x20\xc8");
	RULE_MATCH(&service, ethertype, "\x81\x00");
	RULE_MATCH(&service, destination_port, "\x33\x44");
	RULE_MATCH(&customer, vlan_protocol, "\x81\x00");
	RULE_MATCH(&customer, vlan_tci, "\x60\x07");
	RULE_MATCH(&customer, ethertype, "\x08\x00");
	memcpy(customer.key.destination_port, service.key.destination_port, 2);
	memcpy(customer.mask.destination_port, service.mask.destination_port, 2);
	WEIR_EXPECT_EQ(rule_add(to, &service), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(rule_add(to, &customer), WEIR_STATUS_OK);
	for (uint32_t way = 0; way < TWO_TAGS; way++) {
		send_two_tags(host, way, 200, false);
		WEIR_EXPECT_EQ(steer_taken(to, &got), way >= INNER_IN_PLACE ? 3u : 2u);
	}
	WEIR_EXPECT_EQ(rule_frames(to, 1), 2);
	WEIR_EXPECT_EQ(rule_frames(to, 2), 2);
	host_destroy(host);
}

/* ---- lengths ---- */

/* Does VF 1 take a frame of `bytes` with these tags, counted in, from the wire? */
static bool takes(struct host *host, const char *tags, uint32_t tag_bytes, uint32_t bytes)
{
	make(test_mac(1), STRANGER, tags, tag_bytes, bytes - tag_bytes);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
	host_settle(host);
	return host_receive(&host->functions[1], 0, &got);
}
#define TAKES(host_, tags_, bytes_) takes(host_, tags_, sizeof(tags_) - 1, bytes_)

static void two_tags_take_nothing_away_from_the_mtu(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(
		host_command(vf, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MTU, 1500)), NULL), 0);
	WEIR_EXPECT(TAKES(host, "\x88\xa8\x00\x05", 1518));
	WEIR_EXPECT(!TAKES(host, "\x88\xa8\x00\x05", 1519));
	WEIR_EXPECT(TAKES(host, "\x88\xa8\x00\x05\x81\x00\x00\x07", 1522));
	WEIR_EXPECT(!TAKES(host, "\x88\xa8\x00\x05\x81\x00\x00\x07", 1523));
	WEIR_EXPECT(TAKES(host, "\x81\x00\x00\x05\x81\x00\x00\x07", 1522));
	/* Of three, two. */
	WEIR_EXPECT(!TAKES(host, "\x88\xa8\x00\x05\x88\xa8\x00\x06\x81\x00\x00\x07", 1526));
	/* What is taken out does count as it came. */
	WEIR_EXPECT_EQ(host_vport_flags(vf, WEIR_VPORT_VLAN_STRIP_8021AD,
					WEIR_VPORT_VLAN_STRIP_8021AD),
		       0);
	WEIR_EXPECT(TAKES(host, "\x88\xa8\x00\x05\x81\x00\x00\x07", 1522));
	WEIR_EXPECT_EQ(got.bytes, 1518);
	WEIR_EXPECT(!TAKES(host, "\x88\xa8\x00\x05\x81\x00\x00\x07", 1523));
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE), 4);
	/* In a port VLAN, its tag and one of the VF's own. */
	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 5, 0, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT(TAKES(host, "\x88\xa8\x00\x05\x81\x00\x00\x07", 1522));
	WEIR_EXPECT_EQ(got.bytes, 1518);
	WEIR_EXPECT(!TAKES(host, "\x88\xa8\x00\x05\x81\x00\x00\x07", 1523));
	/* The longest MTU there is: header and two tags fill MAX_FRAME. */
	WEIR_EXPECT_EQ(
		host_command(vf, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MTU, 9194)), NULL), 0);
	WEIR_EXPECT(TAKES(host, "\x88\xa8\x00\x05\x81\x00\x00\x07", 9216));
	host_destroy(host);
}

static void the_longest_frame_has_room_for_what_is_put_in(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 200, 0, 0x88a8), WEIR_STATUS_OK);
	for (uint32_t bytes = 9206; bytes <= 9210; bytes++) {
		uint32_t wire = host->wire_count;

		MAKE(test_mac(77), test_mac(1), "", bytes);
		send(host, 1, bytes, TAG_8021Q, 7);
		WEIR_EXPECT_EQ(host->wire_count - wire, bytes <= 9208);
		if (bytes <= 9208)
			EXPECT_WIRE(host, "\x88\xa8\x00\xc8\x81\x00\x00\x07", 0, bytes);
	}
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 2);
	host_destroy(host);
}

/* ---- what makes no sense ---- */

static void a_kind_of_tag_without_a_tag_is_refused(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint32_t bytes = MAKE(test_mac(2), test_mac(1), "", 200);

	send(host, 1, bytes, WEIR_TXD_VLAN_8021AD_MASK, 5);
	WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 1);
	WEIR_EXPECT(strstr(host->last_log, "kind of a tag that is not asked for"));
	/* On another descriptor than the first it is a reserved bit. */
	struct host_tx *tx = &vf->tx[0];
	struct weir_tx_descriptor descriptor = { .address = weir_cpu_to_le64(tx->staging),
						 .length = weir_cpu_to_le16(100),
						 .flags = weir_cpu_to_le16(TAG_8021AD) };

	memcpy(host_pointer(vf, tx->staging), frame, bytes);
	host_post_descriptor(vf, 0, &descriptor);
	descriptor.address = weir_cpu_to_le64(tx->staging + 100);
	descriptor.flags = weir_cpu_to_le16((uint16_t)(TAG_8021AD | WEIR_TXD_END_MASK));
	host_post_descriptor(vf, 0, &descriptor);
	host_send_done(vf, 0);
	host_settle(host);
	WEIR_EXPECT(!host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 2);
	host_take_events(&host->functions[0]);
	WEIR_EXPECT(host->functions[0].events[WEIR_EVENT_MISBEHAVIOUR] > 0);
	/* The queue goes on. */
	send(host, 1, bytes, TAG_8021AD, 5);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	EXPECT_GOT("\x88\xa8\x00\x05", 0, bytes);
	host_destroy(host);
}

static void a_port_vlan_of_another_protocol_is_refused(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	const uint16_t protocols[] = { 0, 1, 0x0800, 0x9100, 0xa888, 0x0081, 0xffff };

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 7, 3, 0x88a8), WEIR_STATUS_OK);
	for (size_t i = 0; i < WEIR_TESTS(protocols); i++) {
		WEIR_EXPECT_EQ(host_port_vlan(host, 1, 8, 1, protocols[i]), WEIR_STATUS_BAD_VALUE);
		WEIR_EXPECT_EQ(host->functions[0].detail, WEIR_ATTRIBUTE_VLAN_PROTOCOL);
	}
	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 4095, 1, 0x88a8), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 8, 8, 0x88a8), WEIR_STATUS_BAD_VALUE);
	/* All or nothing. */
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN), 7);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN_PRIORITY), 3);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN_PROTOCOL), 0x88a8);
	host_destroy(host);
}

const struct weir_test vlan_tests[] = {
	{ "vlan.a_service_tag_is_put_in_by_its_descriptor",
	  a_service_tag_is_put_in_by_its_descriptor },
	{ "vlan.each_kind_of_tag_is_taken_out_by_its_own_flag",
	  each_kind_of_tag_is_taken_out_by_its_own_flag },
	{ "vlan.each_kind_of_tag_is_filtered_by_its_own_flag",
	  each_kind_of_tag_is_filtered_by_its_own_flag },
	{ "vlan.customers_tags_go_through_a_service_port_vlan",
	  customers_tags_go_through_a_service_port_vlan },
	{ "vlan.customers_vlans_are_told_apart_in_a_burst",
	  customers_vlans_are_told_apart_in_a_burst },
	{ "vlan.inside_of_it_the_source_check_knows_customers_vlans",
	  inside_of_it_the_source_check_knows_customers_vlans },
	{ "vlan.headers_behind_two_tags_are_known", headers_behind_two_tags_are_known },
	{ "vlan.rules_see_the_tag_that_their_vport_sees", rules_see_the_tag_that_their_vport_sees },
	{ "vlan.two_tags_take_nothing_away_from_the_mtu", two_tags_take_nothing_away_from_the_mtu },
	{ "vlan.the_longest_frame_has_room_for_what_is_put_in",
	  the_longest_frame_has_room_for_what_is_put_in },
	{ "vlan.a_kind_of_tag_without_a_tag_is_refused", a_kind_of_tag_without_a_tag_is_refused },
	{ "vlan.a_port_vlan_of_another_protocol_is_refused",
	  a_port_vlan_of_another_protocol_is_refused },
};
const size_t vlan_test_count = WEIR_TESTS(vlan_tests);
