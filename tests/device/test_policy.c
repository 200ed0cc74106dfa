/* SPDX-License-Identifier: BSD-3-Clause */
/* What the administrator decides and what follows from it (specs/sorter.md, specs/admin-queue.md): port VLAN, link, MACs, trust. */
#include "suite.h"

#include <string.h>

#define BROADCAST 0xffffffffffffull
#define GROUP	  0x010000005e0001ull
#define STRANGER  0x112233445502ull
#define WIRE	  TEST_WIRE

static struct host *card(uint16_t vfs)
{
	return test_card(vfs, 1, 2048, false);
}

static uint64_t vport_stat(struct host_function *function, enum weir_stat_vport counter)
{
	return host_stat(function, WEIR_STATS_SCOPE_VPORT, 0, counter);
}

static uint32_t untagged(struct host *host, uint32_t from, uint64_t destination)
{
	return test_takers(host, from, destination, from == WIRE ? STRANGER : test_mac(from), 0, 0,
			   0, 0);
}

static uint32_t tagged(struct host *host, uint32_t from, uint64_t destination, uint16_t protocol,
		       uint16_t tci)
{
	return test_takers(host, from, destination, from == WIRE ? STRANGER : test_mac(from),
			   protocol, tci, 0, 0);
}

static int set_mac(struct host_function *function, uint64_t mac)
{
	return host_command(function, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MAC, mac)), NULL);
}

static int filter(struct host_function *function, uint16_t opcode, uint64_t mac)
{
	return host_command(function, opcode, HOST_REQUEST(HOST_U(MAC, mac)), NULL);
}

/* ---- port VLAN ---- */

static void a_service_tag_is_put_on_and_taken_off_with_its_priority(void)
{
	struct host *host = card(3);
	struct host_function *vf = &host->functions[1];
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 200, 5, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_port_vlan(host, 2, 200, 1, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_port_vlan(host, 3, 200, 5, 0x8100), WEIR_STATUS_OK);
	/* By protocol and number, whatever the priority. */
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(2)), 1u << 2);
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(3)), WIRE);
	WEIR_EXPECT_EQ(tagged(host, WIRE, test_mac(1), 0x88a8, 200), 1u << 1);
	WEIR_EXPECT_EQ(tagged(host, WIRE, test_mac(1), 0x88a8, 200 | 7 << 13 | 1 << 12), 1u << 1);
	WEIR_EXPECT_EQ(tagged(host, WIRE, test_mac(1), 0x8100, 200), 0);
	WEIR_EXPECT_EQ(tagged(host, WIRE, test_mac(1), 0x88a8, 201), 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(1)), 0);
	/* Broadcasts stay in the VLAN; the PF is in all of them and sees the tag. */
	WEIR_EXPECT_EQ(untagged(host, 1, BROADCAST), 1u | 1u << 2 | WIRE);
	WEIR_EXPECT_MEM(host->wire[host->wire_count - 1].data + 12,
			((const uint8_t[]){ 0x88, 0xa8, 0xa0, 200 }), 4);
	/* What is inside the tag is the VF's own affair: its own tags come whole. */
	uint32_t bytes = host_make_frame(frame, test_mac(1), STRANGER, 0x8100, 77, 200, 4, 4);

	memmove(frame + 16, frame + 12, bytes - 12);
	memcpy(frame + 12, "\x88\xa8\x00\xc8", 4);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes + 4), 0);
	host_settle(host);
	WEIR_REQUIRE(host_receive(vf, 0, &got));
	WEIR_EXPECT_EQ(got.bytes, bytes);
	WEIR_EXPECT_EQ(got.flags & WEIR_RXC_VLAN_MASK, 0);
	WEIR_EXPECT_MEM(got.data + 12, "\x81\x00\x00\x4d", 4);
	/* Invisible to the VF, known to the administrator. */
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN), 200);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN_PRIORITY), 5);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN_PROTOCOL), 0x88a8);
	/* Taken back. */
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_VLAN, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(0)), 1u << 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(1)), 1u << 1);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN_PRIORITY), 0);
	host_take_events(vf);
	WEIR_EXPECT_EQ(vf->events[WEIR_EVENT_VF_CHANGED], 2);
	host_destroy(host);
}

static void who_lives_in_a_port_vlan_sends_no_tags(void)
{
	struct host *host = card(2);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 100, 3, 0x8100), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_SPOOF_CHECK, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(77), 0x8100, 5), 0);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(77), 0x88a8, 5), 0);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(77), 0x8100, 100), 0);
	WEIR_EXPECT_EQ(
		test_takers(host, 1, test_mac(77), test_mac(1), 0, 0, WEIR_TXD_VLAN_MASK, 100), 0);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 4);
	/* A priority tag names no VLAN: the port VLAN's tag takes its place. */
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(77), 0x8100, 6 << 13), WIRE);
	const struct host_frame *wire = &host->wire[host->wire_count - 1];

	WEIR_EXPECT_EQ(wire->bytes, 100);
	WEIR_EXPECT_MEM(wire->data + 12, ((const uint8_t[]){ 0x81, 0x00, 0x60, 100, 0x88, 0xb5 }),
			6);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(77), test_mac(1), 0, 0, WEIR_TXD_VLAN_MASK,
				   6 << 13),
		       WIRE);
	wire = &host->wire[host->wire_count - 1];
	WEIR_EXPECT_EQ(wire->bytes, 104);
	WEIR_EXPECT_MEM(wire->data + 12, ((const uint8_t[]){ 0x81, 0x00, 0x60, 100, 0x88, 0xb5 }),
			6);
	host_destroy(host);
}

/* From the wire: the port VLAN's tag (802.1ad, 200), and behind it one of the VF's own, protocol 0: none. Which functions took it. */
static uint32_t inside_a_tag(struct host *host, uint64_t destination, uint16_t protocol,
			     uint16_t tci, struct host_frame *last)
{
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;
	static uint32_t sequence;
	uint32_t bytes = host_make_frame(frame, destination, STRANGER, protocol, tci, 200, 4,
					 ++sequence),
		 result = 0, flow, number;

	memmove(frame + 16, frame + 12, bytes - 12);
	memcpy(frame + 12, "\x88\xa8\x00\xc8", 4);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes + 4), 0);
	host_settle(host);
	/* The PF is in all VLANs. */
	while (host_receive(&host->functions[0], 0, &got))
		WEIR_EXPECT_EQ(destination, BROADCAST);
	for (uint32_t i = 1; i <= host->vfs; i++) {
		while (host_receive(&host->functions[i], 0, &got)) {
			WEIR_EXPECT(host_check_frame(got.data, got.bytes, &flow, &number));
			WEIR_EXPECT_EQ(number, sequence);
			WEIR_EXPECT(!(result & 1u << i));
			result |= 1u << i;
			*last = got;
		}
	}
	return result;
}

/* A VF cannot tell that it lives in a port VLAN: what it asked for holds for what it sees. */
static void inside_a_port_vlan_its_own_vlan_rules_hold(void)
{
	struct host *host = card(3);
	struct host_function *vf = &host->functions[1];
	const uint64_t group = 0x010000005e0001ull, other = 0x665544332202ull;
	static struct host_frame got;

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 200, 5, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_port_vlan(host, 2, 200, 5, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_port_vlan(host, 3, 201, 5, 0x88a8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vport_flags(vf, WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_FILTER_8021AD,
					WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_FILTER_8021AD),
		       0);
	WEIR_EXPECT_EQ(
		host_command(vf, WEIR_COMMAND_VLAN_ADD, HOST_REQUEST(HOST_U(VLAN, 10)), NULL), 0);
	/* Membership, by the tag that the VF would see. */
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0, 0, &got), 1u << 1);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x8100, 10 | 3 << 13, &got), 1u << 1);
	WEIR_EXPECT_MEM(got.data + 12, "\x81\x00\x60\x0a", 4);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x88a8, 10, &got), 1u << 1);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x8100, 5 << 13, &got), 1u << 1);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x8100, 11, &got), 0);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x88a8, 11, &got), 0);
	WEIR_EXPECT_EQ(inside_a_tag(host, BROADCAST, 0x8100, 11, &got), 1u << 2);
	WEIR_EXPECT_EQ(inside_a_tag(host, BROADCAST, 0x8100, 10, &got), 1u << 1 | 1u << 2);
	/* The port VLAN's number is none of its VLANs. */
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x8100, 200, &got), 0);
	WEIR_EXPECT_EQ(tagged(host, WIRE, test_mac(1), 0x8100, 10), 0);
	/* Filters with a VLAN, whatever the membership; also those of another vport's VLAN 200 are not meant. */
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_FILTER_ADD,
				    HOST_REQUEST(HOST_U(MAC, other), HOST_U(VLAN, 77)), NULL),
		       0);
	WEIR_EXPECT_EQ(host_command(&host->functions[3], WEIR_COMMAND_FILTER_ADD,
				    HOST_REQUEST(HOST_U(MAC, other), HOST_U(VLAN, 77)), NULL),
		       0);
	WEIR_EXPECT_EQ(host_command(&host->functions[2], WEIR_COMMAND_FILTER_ADD,
				    HOST_REQUEST(HOST_U(MAC, other), HOST_U(VLAN, 200)), NULL),
		       0);
	WEIR_EXPECT_EQ(inside_a_tag(host, other, 0x8100, 77, &got), 1u << 1);
	WEIR_EXPECT_EQ(inside_a_tag(host, other, 0x8100, 10, &got), 0);
	WEIR_EXPECT_EQ(inside_a_tag(host, other, 0, 0, &got), 0);
	WEIR_EXPECT_EQ(inside_a_tag(host, other, 0x8100, 200, &got), 1u << 2);
	WEIR_EXPECT_EQ(tagged(host, WIRE, other, 0x8100, 77), 0);
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_FILTER_ADD,
				    HOST_REQUEST(HOST_U(MAC, group), HOST_U(VLAN, 0)), NULL),
		       0);
	WEIR_EXPECT_EQ(inside_a_tag(host, group, 0, 0, &got), 1u << 1);
	WEIR_EXPECT_EQ(inside_a_tag(host, group, 0x8100, 10, &got), 0);
	/* Both kinds of filter: once. */
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_FILTER_ADD, HOST_REQUEST(HOST_U(MAC, other)),
				    NULL),
		       0);
	WEIR_EXPECT_EQ(inside_a_tag(host, other, 0x8100, 77, &got), 1u << 1);
	WEIR_EXPECT_EQ(inside_a_tag(host, other, 0x8100, 10, &got), 1u << 1);
	/* Its VLAN_STRIP takes its own tag, of 802.1Q alone. */
	WEIR_EXPECT_EQ(host_vport_flags(vf, WEIR_VPORT_VLAN_STRIP, WEIR_VPORT_VLAN_STRIP), 0);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x8100, 10 | 3 << 13, &got), 1u << 1);
	WEIR_EXPECT(got.flags & WEIR_RXC_VLAN_MASK);
	WEIR_EXPECT_EQ(got.vlan_tci, 10 | 3 << 13);
	WEIR_EXPECT_EQ(got.bytes, 196);
	WEIR_EXPECT_MEM(got.data + 12, "\x88\xb5", 2);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0x88a8, 10, &got), 1u << 1);
	WEIR_EXPECT_EQ(got.flags & WEIR_RXC_VLAN_MASK, 0);
	WEIR_EXPECT_EQ(got.bytes, 200);
	WEIR_EXPECT_EQ(inside_a_tag(host, test_mac(1), 0, 0, &got), 1u << 1);
	WEIR_EXPECT_EQ(got.flags & WEIR_RXC_VLAN_MASK, 0);
	WEIR_EXPECT_EQ(got.bytes, 200);
	host_destroy(host);
}

/* From a neighbour in the port VLAN: what it hides behind a priority tag is a tag of the VF's own, and a torn one is in no VLAN. */
static void a_tag_behind_a_priority_tag_is_the_receivers_own(void)
{
	struct host *host = card(2);
	struct host_function *from = &host->functions[2], *vf = &host->functions[1];
	uint8_t frame[64] = { 2, 0,    0, 0, 0, 1,    2, 0, 0,	0,    0,
			      2, 0x81, 0, 0, 0, 0x81, 0, 0, 10, 0x88, 0xb5 };
	static struct host_frame got;

	WEIR_EXPECT_EQ(host_port_vlan(host, 1, 100, 0, 0x8100), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_port_vlan(host, 2, 100, 0, 0x8100), WEIR_STATUS_OK);
	for (uint32_t filter = 0; filter < 2; filter++) {
		for (uint32_t bytes = 18; bytes <= 64; bytes += bytes < 26 ? 1 : 38) {
			WEIR_EXPECT_EQ(host_vport_flags(vf, filter ? WEIR_VPORT_VLAN_FILTER : 0,
							WEIR_VPORT_VLAN_FILTER),
				       0);
			WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
			host_send_done(from, 0);
			host_settle(host);
			WEIR_EXPECT_EQ(host_receive(vf, 0, &got), !filter);
			if (filter)
				continue;
			WEIR_EXPECT_EQ(got.bytes, bytes - 4);
			WEIR_EXPECT_MEM(got.data + 12, frame + 16, bytes - 16);
			WEIR_EXPECT_EQ(got.flags & WEIR_RXC_VLAN_MASK, 0);
		}
	}
	/* Stripped only when there is something behind it. */
	WEIR_EXPECT_EQ(host_vport_flags(vf, WEIR_VPORT_VLAN_STRIP,
					WEIR_VPORT_VLAN_STRIP | WEIR_VPORT_VLAN_FILTER),
		       0);
	for (uint32_t bytes = 18; bytes <= 64; bytes += bytes < 26 ? 1 : 38) {
		bool whole = bytes >= 22;

		WEIR_REQUIRE(host_send(from, 0, frame, bytes, 1, 0, 0, 0));
		host_send_done(from, 0);
		host_settle(host);
		WEIR_REQUIRE(host_receive(vf, 0, &got));
		WEIR_EXPECT_EQ(got.bytes, bytes - (whole ? 8 : 4));
		WEIR_EXPECT_EQ((got.flags & WEIR_RXC_VLAN_MASK) != 0, whole);
		WEIR_EXPECT_EQ(got.vlan_tci, whole ? 10 : 0);
	}
	host_destroy(host);
}

static void port_vlans_keep_vfs_apart(void)
{
	struct host *host = card(6);

	for (uint16_t i = 1; i <= 6; i++)
		WEIR_EXPECT_EQ(host_port_vlan(host, i, (uint16_t)(10 + i % 3), 0, 0x8100),
			       WEIR_STATUS_OK);
	for (uint32_t from = 1; from <= 6; from++) {
		for (uint32_t to = 1; to <= 6; to++) {
			if (to == from)
				continue;
			WEIR_EXPECT_EQ(untagged(host, from, test_mac(to)),
				       from % 3 == to % 3 ? 1u << to : WIRE);
		}
		uint32_t partner = from > 3 ? from - 3 : from + 3;

		WEIR_EXPECT_EQ(untagged(host, from, BROADCAST), 1u | 1u << partner | WIRE);
		WEIR_EXPECT_EQ(tagged(host, WIRE, BROADCAST, 0x8100, (uint16_t)(10 + from % 3)),
			       1u | 1u << partner | 1u << from);
	}
	WEIR_EXPECT_EQ(untagged(host, WIRE, BROADCAST), 1u);
	host_destroy(host);
}

/* ---- link ---- */

static bool link_of(struct host_function *function)
{
	struct host_response response;
	uint64_t up = 0, speed = 0;

	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_LINK_GET, NULL, &response),
			WEIR_STATUS_OK);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_LINK_UP, &up) &&
		     host_get(&response, WEIR_ATTRIBUTE_LINK_SPEED_MBPS, &speed));
	/* All views agree. */
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_STATUS_LINK_UP, host_read(function, WEIR_REG_STATUS)), up);
	WEIR_EXPECT_EQ(host_read(function, WEIR_REG_LINK_SPEED), speed);
	WEIR_EXPECT_EQ(host_vport_value(function, WEIR_ATTRIBUTE_LINK_UP), up);
	WEIR_EXPECT_EQ(speed != 0, up);
	host_take_events(function);
	if (function->events[WEIR_EVENT_LINK])
		WEIR_EXPECT_EQ(weir_le32_to_cpu(function->last_event[WEIR_EVENT_LINK].detail), up);
	return up;
}

static void a_disabled_link_drops_both_ways(void)
{
	struct host *host = card(2);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT(link_of(vf));
	uint32_t events = vf->events[WEIR_EVENT_LINK];

	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_LINK_POLICY, WEIR_LINK_POLICY_DISABLE),
		       WEIR_STATUS_OK);
	WEIR_EXPECT(!link_of(vf));
	WEIR_EXPECT(link_of(&host->functions[2]));
	WEIR_EXPECT_EQ(vf->events[WEIR_EVENT_LINK], events + 1);
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(2)), 0);
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(77)), 0);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_LINK), 2);
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_TX_QUEUE, 0, WEIR_STAT_TX_QUEUE_DROPPED), 2);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(1)), 0);
	WEIR_EXPECT_EQ(untagged(host, 2, BROADCAST), 1u | WIRE);
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_LINK_POLICY, WEIR_LINK_POLICY_AUTO),
		       WEIR_STATUS_OK);
	WEIR_EXPECT(link_of(vf));
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(2)), 1u << 2);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(1)), 1u << 1);
	host_destroy(host);
}

static void an_enabled_link_outlives_the_wires(void)
{
	struct host *host = card(3);
	struct host_function *pf = &host->functions[0];

	for (uint16_t i = 1; i <= 2; i++)
		WEIR_EXPECT_EQ(host_vf_set(host, i, WEIR_ATTRIBUTE_LINK_POLICY,
					   WEIR_LINK_POLICY_ENABLE),
			       WEIR_STATUS_OK);
	weirsim_wire_link(host->sim, 0, false);
	host_settle(host);
	WEIR_EXPECT(!link_of(pf));
	WEIR_EXPECT(link_of(&host->functions[1]));
	WEIR_EXPECT(!link_of(&host->functions[3]));
	/* Inside it goes on; to the wire it is lost, and counted at the port. */
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(2)), 1u << 2);
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(77)), 0);
	WEIR_EXPECT_EQ(untagged(host, 1, BROADCAST), 1u << 2);
	WEIR_EXPECT_EQ(host_stat(pf, WEIR_STATS_SCOPE_PORT, 0, WEIR_STAT_PORT_TX_DROPPED_LINK_DOWN),
		       2);
	WEIR_EXPECT_EQ(untagged(host, 3, test_mac(2)), 0);
	WEIR_EXPECT_EQ(vport_stat(&host->functions[3], WEIR_STAT_VPORT_TX_DROPPED_LINK), 1);
	weirsim_wire_link(host->sim, 0, true);
	host_settle(host);
	WEIR_EXPECT(link_of(pf) && link_of(&host->functions[3]));
	WEIR_EXPECT_EQ(untagged(host, 3, test_mac(2)), 1u << 2);
	host_destroy(host);
}

static void the_ports_administrator_switches_it(void)
{
	struct host *host = card(1);
	struct host_function *pf = &host->functions[0];

	WEIR_EXPECT_EQ(host_command(pf, WEIR_COMMAND_LINK_SET, HOST_REQUEST(HOST_U(ENABLE, 0)),
				    NULL),
		       WEIR_STATUS_OK);
	host_settle(host);
	WEIR_EXPECT(!link_of(pf) && !link_of(&host->functions[1]));
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(0)), 0);
	WEIR_EXPECT_EQ(host_manage(host, WEIR_COMMAND_LINK_SET,
				   HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(INDEX, 0)), NULL),
		       WEIR_STATUS_OK);
	host_settle(host);
	WEIR_EXPECT(link_of(pf) && link_of(&host->functions[1]));
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(0)), 1u);
	host_destroy(host);
}

/* ---- MAC, trust ---- */

static void a_vf_chooses_its_mac_until_the_administrator_does(void)
{
	struct host *host = card(2);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(set_mac(vf, 0x2202), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, 0x3302), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, GROUP), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x2202), 1u << 1);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(1)), 0);
	/* It takes effect at once, and what the VF had chosen is gone. */
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, 0x4402), WEIR_STATUS_OK);
	host_take_events(vf);
	WEIR_EXPECT_EQ(vf->events[WEIR_EVENT_VF_CHANGED], 1);
	WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_MAC), 0x4402);
	WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_ADMIN_MAC), 1);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAC_LOW), 0x4402);
	WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_FILTERS_USED), 1);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x2202), 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x3302), 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x4402), 1u << 1);
	WEIR_EXPECT_EQ(untagged(host, WIRE, GROUP), 1u << 1);
	WEIR_EXPECT_EQ(set_mac(vf, 0x2202), WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_MAC);
	WEIR_EXPECT_EQ(set_mac(vf, 0x4402), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, 0x3302), WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, GROUP + (1ull << 40)), WEIR_STATUS_OK);
	/* The claim withdrawn: what it has stays, what it wants it may. */
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_ADMIN_MAC), 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x4402), 1u << 1);
	WEIR_EXPECT_EQ(set_mac(vf, 0x2202), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x2202), 1u << 1);
	host_destroy(host);
}

static void trust_gives_and_its_loss_takes(void)
{
	struct host *host = card(2);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, test_mac(1)), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, 0x3302), WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_TRUST, 1), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_TRUST), 1);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, 0x3302), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, GROUP), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vport_flags(vf, 6, 6), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(2)), 6u);
	WEIR_EXPECT_EQ(untagged(host, WIRE, GROUP + (9ull << 40)), 2u);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x3302), 2u);
	/* What rested on the trust goes with it; the rest stays. */
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_TRUST, 0), WEIR_STATUS_OK);
	host_take_events(vf);
	WEIR_EXPECT_EQ(vf->events[WEIR_EVENT_VF_CHANGED], 3);
	WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_VPORT_FLAGS),
		       WEIR_VPORT_ENABLE | WEIR_VPORT_BROADCAST);
	WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_FILTERS_USED), 1);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(2)), 4u);
	WEIR_EXPECT_EQ(untagged(host, WIRE, GROUP + (9ull << 40)), 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x3302), 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, GROUP), 2u);
	WEIR_EXPECT_EQ(untagged(host, WIRE, test_mac(1)), 2u);
	WEIR_EXPECT_EQ(host_vport_flags(vf, 6, 6), WEIR_STATUS_NOT_PERMITTED);
	/* Clearing what one may not set is nobody's harm. */
	WEIR_EXPECT_EQ(host_vport_flags(vf, 0, 6), WEIR_STATUS_OK);
	/* Without an administrator's MAC its own filters are its own affair, trusted or not. */
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, 0x3302), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_TRUST, 1), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_TRUST, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x3302), 2u);
	host_destroy(host);
}

static void a_mac_given_before_the_vf_exists_is_its_mac(void)
{
	struct host *host = host_create(2, test_seed());
	struct host_function *vf = &host->functions[1];

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, 0x556677889902), WEIR_STATUS_OK);
	host_enable_vfs(host, 2);
	WEIR_REQUIRE(host_up(vf, 0, 1, 2048, false));
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAC_LOW), 0x77889902);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAC_HIGH), 0x5566);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0x556677889902), 2u);
	/* The other has none, and gets nothing by accident. */
	WEIR_REQUIRE(host_up(&host->functions[2], 0, 1, 2048, false));
	WEIR_EXPECT_EQ(host_vport_value(&host->functions[2], WEIR_ATTRIBUTE_MAC), 0);
	WEIR_EXPECT_EQ(untagged(host, WIRE, 0), 0);
	host_destroy(host);
}

static void source_addresses_are_checked_against_all_ones_own(void)
{
	struct host *host = card(2);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, 0x3302), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, GROUP), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), 0x3302, 0, 0, 0, 0), 4u);
	/* Nobody is a group, or nothing, or somebody else. */
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), GROUP, 0, 0, 0, 0), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), BROADCAST, 0, 0, 0, 0), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), 0, 0, 0, 0, 0), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), test_mac(2), 0, 0, 0, 0), 0);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 4);
	/* The PF is never checked. */
	WEIR_EXPECT_EQ(test_takers(host, 0, test_mac(2), test_mac(1), 0, 0, 0, 0), 4u);
	/* A zero MAC that was never set is no licence. */
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_DELETE, 0x3302), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), 0x3302, 0, 0, 0, 0), 0);
	host_destroy(host);
}

static void a_function_without_a_mac_cannot_send_as_nobody(void)
{
	struct host *host = host_create(2, test_seed());

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, 2);
	WEIR_REQUIRE(host_up(&host->functions[1], 0, 1, 2048, false));
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(0), 0, 0, 0, 0, 0), 0);
	WEIR_EXPECT_EQ(vport_stat(&host->functions[1], WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 1);
	host_destroy(host);
}

static void vlans_are_checked_when_the_vf_filters_them(void)
{
	struct host *host = card(2);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(2), 0x8100, 10), 4u);
	WEIR_EXPECT_EQ(host_vport_flags(vf, WEIR_VPORT_VLAN_FILTER, WEIR_VPORT_VLAN_FILTER),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(2), 0x8100, 10), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), test_mac(1), 0, 0, WEIR_TXD_VLAN_MASK, 10),
		       0);
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_SPOOF), 2);
	WEIR_EXPECT_EQ(untagged(host, 1, test_mac(2)), 4u);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(2), 0x8100, 7 << 13), 4u);
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_VLAN_ADD, HOST_REQUEST(HOST_U(VLAN, 10)), NULL),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(2), 0x8100, 10), 4u);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(2), 0x8100, 11), 0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), test_mac(1), 0, 0, WEIR_TXD_VLAN_MASK, 10),
		       4u);
	/* No check, no complaint. */
	WEIR_EXPECT_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_SPOOF_CHECK, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(2), 0x8100, 11), 4u);
	host_destroy(host);
}

const struct weir_test policy_tests[] = {
	{ "policy.a_service_tag_is_put_on_and_taken_off_with_its_priority",
	  a_service_tag_is_put_on_and_taken_off_with_its_priority },
	{ "policy.who_lives_in_a_port_vlan_sends_no_tags", who_lives_in_a_port_vlan_sends_no_tags },
	{ "policy.inside_a_port_vlan_its_own_vlan_rules_hold",
	  inside_a_port_vlan_its_own_vlan_rules_hold },
	{ "policy.a_tag_behind_a_priority_tag_is_the_receivers_own",
	  a_tag_behind_a_priority_tag_is_the_receivers_own },
	{ "policy.port_vlans_keep_vfs_apart", port_vlans_keep_vfs_apart },
	{ "policy.a_disabled_link_drops_both_ways", a_disabled_link_drops_both_ways },
	{ "policy.an_enabled_link_outlives_the_wires", an_enabled_link_outlives_the_wires },
	{ "policy.the_ports_administrator_switches_it", the_ports_administrator_switches_it },
	{ "policy.a_vf_chooses_its_mac_until_the_administrator_does",
	  a_vf_chooses_its_mac_until_the_administrator_does },
	{ "policy.trust_gives_and_its_loss_takes", trust_gives_and_its_loss_takes },
	{ "policy.a_mac_given_before_the_vf_exists_is_its_mac",
	  a_mac_given_before_the_vf_exists_is_its_mac },
	{ "policy.source_addresses_are_checked_against_all_ones_own",
	  source_addresses_are_checked_against_all_ones_own },
	{ "policy.a_function_without_a_mac_cannot_send_as_nobody",
	  a_function_without_a_mac_cannot_send_as_nobody },
	{ "policy.vlans_are_checked_when_the_vf_filters_them",
	  vlans_are_checked_when_the_vf_filters_them },
};
const size_t policy_test_count = WEIR_TESTS(policy_tests);
