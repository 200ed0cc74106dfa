/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets a frame (specs/sorter.md). */
#include "suite.h"

#include <errno.h>
#include <string.h>

#define BROADCAST 0xffffffffffffull

static uint64_t group_mac(uint32_t n)
{
	/* 01:00:5e:00:00:nn, first byte lowest */
	return 0x5e0001ull | (uint64_t)n << 40;
}

#define WIRE TEST_WIRE

static uint32_t simple(struct host *host, uint32_t from, uint64_t destination)
{
	return test_takers(host, from, destination,
			   from == TEST_WIRE ? 0x112233445502ull : test_mac(from), 0, 0, 0, 0);
}

static uint32_t tagged(struct host *host, uint32_t from, uint64_t destination, uint16_t vlan)
{
	return test_takers(host, from, destination,
			   from == TEST_WIRE ? 0x112233445502ull : test_mac(from), 0x8100, vlan, 0,
			   0);
}

static struct host *card(uint16_t vfs)
{
	return test_card(vfs, 1, 2048, false);
}

static void unicast_goes_to_its_owner_alone(void)
{
	struct host *host = card(3);

	WEIR_EXPECT_EQ(simple(host, 1, test_mac(2)), 1u << 2);
	WEIR_EXPECT_EQ(simple(host, 0, test_mac(3)), 1u << 3);
	WEIR_EXPECT_EQ(simple(host, 3, test_mac(0)), 1u << 0);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, test_mac(2)), 1u << 2);
	host_destroy(host);
}

static void unknown_unicast_goes_to_the_wire_and_from_the_wire_is_dropped(void)
{
	struct host *host = card(2);

	WEIR_EXPECT_EQ(simple(host, 1, test_mac(77)), WIRE);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, test_mac(77)), 0);
	WEIR_EXPECT_EQ(host_stat(&host->functions[0], WEIR_STATS_SCOPE_PORT, 0,
				 WEIR_STAT_PORT_RX_DROPPED_NO_VPORT),
		       1);
	WEIR_EXPECT_EQ(host_stat(&host->functions[0], WEIR_STATS_SCOPE_PORT, 0,
				 WEIR_STAT_PORT_TX_FRAMES),
		       1);
	host_destroy(host);
}

static void a_frame_to_the_senders_own_address_goes_to_the_wire(void)
{
	struct host *host = card(2);

	WEIR_EXPECT_EQ(simple(host, 1, test_mac(1)), WIRE);
	host_destroy(host);
}

static void broadcast_reaches_everybody_once_and_never_its_sender(void)
{
	struct host *host = card(3);

	WEIR_EXPECT_EQ(simple(host, 1, BROADCAST), 0xfu - 2 + WIRE);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, BROADCAST), 0xfu);
	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[2], 0, WEIR_VPORT_BROADCAST), 0);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, BROADCAST), 0xfu - 4);
	host_destroy(host);
}

static void multicast_reaches_members_and_all_multicast(void)
{
	struct host *host = card(3);

	WEIR_EXPECT_EQ(simple(host, 1, group_mac(1)), WIRE);
	for (uint32_t i = 1; i <= 2; i++)
		WEIR_EXPECT_EQ(host_command(&host->functions[i], WEIR_COMMAND_FILTER_ADD,
					    HOST_REQUEST(HOST_U(MAC, group_mac(1))), NULL),
			       0);
	WEIR_EXPECT_EQ(simple(host, 1, group_mac(1)), 1u << 2 | WIRE);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, group_mac(1)), 6u);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, group_mac(2)), 0);
	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[0], WEIR_VPORT_ALL_MULTICAST,
					WEIR_VPORT_ALL_MULTICAST),
		       0);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, group_mac(1)), 7u);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, group_mac(2)), 1u);
	WEIR_EXPECT_EQ(host_command(&host->functions[1], WEIR_COMMAND_FILTER_DELETE,
				    HOST_REQUEST(HOST_U(MAC, group_mac(1))), NULL),
		       0);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, group_mac(1)), 5u);
	host_destroy(host);
}

static void promiscuous_sees_other_peoples_unicast_if_trusted(void)
{
	struct host *host = card(3);

	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[3], WEIR_VPORT_PROMISCUOUS,
					WEIR_VPORT_PROMISCUOUS),
		       WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
				    HOST_REQUEST(HOST_U(FUNCTION, 3), HOST_U(TRUST, 1)), NULL),
		       0);
	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[3], WEIR_VPORT_PROMISCUOUS,
					WEIR_VPORT_PROMISCUOUS),
		       0);
	WEIR_EXPECT_EQ(simple(host, 1, test_mac(2)), 1u << 2 | 1u << 3);
	WEIR_EXPECT_EQ(simple(host, 1, test_mac(77)), 1u << 3 | WIRE);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, test_mac(77)), 1u << 3);
	WEIR_EXPECT_EQ(simple(host, 1, test_mac(3)), 1u << 3);
	host_destroy(host);
}

static void same_mac_two_vlans_are_told_apart(void)
{
	struct host *host = card(2);
	const uint64_t mac = 0x665544332202ull;

	WEIR_EXPECT_EQ(host_command(&host->functions[1], WEIR_COMMAND_FILTER_ADD,
				    HOST_REQUEST(HOST_U(MAC, mac), HOST_U(VLAN, 10)), NULL),
		       0);
	WEIR_EXPECT_EQ(host_command(&host->functions[2], WEIR_COMMAND_FILTER_ADD,
				    HOST_REQUEST(HOST_U(MAC, mac), HOST_U(VLAN, 20)), NULL),
		       0);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, mac, 10), 1u << 1);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, mac, 20), 1u << 2);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, mac, 30), 0);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, mac), 0);
	host_destroy(host);
}

static void vlan_filter_takes_only_the_vlans_added(void)
{
	struct host *host = card(2);

	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, test_mac(1), 10), 1u << 1);
	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[1], WEIR_VPORT_VLAN_FILTER,
					WEIR_VPORT_VLAN_FILTER),
		       0);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, test_mac(1), 10), 0);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, test_mac(1)), 1u << 1);
	WEIR_EXPECT_EQ(host_command(&host->functions[1], WEIR_COMMAND_VLAN_ADD,
				    HOST_REQUEST(HOST_U(VLAN, 10)), NULL),
		       0);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, test_mac(1), 10), 1u << 1);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, BROADCAST, 11), 1u | 1u << 2);
	WEIR_EXPECT_EQ(host_command(&host->functions[1], WEIR_COMMAND_VLAN_DELETE,
				    HOST_REQUEST(HOST_U(VLAN, 10)), NULL),
		       0);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, test_mac(1), 10), 0);
	host_destroy(host);
}

static void a_port_vlan_is_invisible_inside_and_a_tag_outside(void)
{
	struct host *host = card(3);
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;

	for (uint32_t i = 1; i <= 2; i++)
		WEIR_EXPECT_EQ(host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
					    HOST_REQUEST(HOST_U(FUNCTION, i), HOST_U(VLAN, 100),
							 HOST_U(VLAN_PRIORITY, 3)),
					    NULL),
			       0);
	/* Inside the VLAN both are untagged to each other; VF 3 is not in it. */
	WEIR_EXPECT_EQ(simple(host, 1, test_mac(2)), 1u << 2);
	WEIR_EXPECT_EQ(simple(host, 3, test_mac(2)), WIRE);
	WEIR_EXPECT_EQ(tagged(host, TEST_WIRE, test_mac(1), 100), 1u << 1);
	WEIR_EXPECT_EQ(simple(host, TEST_WIRE, test_mac(1)), 0);
	/* On the wire the tag is there, priority included, and the rest is untouched. */
	host_make_frame(frame, test_mac(77), test_mac(1), 0, 0, 300, 1, 1);
	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, 300, 2, 3, 0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	const struct host_frame *wire = &host->wire[host->wire_count - 1];

	WEIR_EXPECT_EQ(wire->bytes, 304);
	WEIR_EXPECT_MEM(wire->data, frame, 12);
	WEIR_EXPECT_MEM(wire->data + 12, ((const uint8_t[]){ 0x81, 0x00, 0x60, 100 }), 4);
	WEIR_EXPECT_MEM(wire->data + 16, frame + 12, 288);
	/* From the wire it is taken out again. */
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, wire->data, 12), -EMSGSIZE);
	static uint8_t back[HOST_FRAME_MAX];

	memcpy(back, wire->data, 304);
	memcpy(back, "\x02\0\0\0\0\x02", 6);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, back, 304), 0);
	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT_EQ(got.bytes, 300);
	WEIR_EXPECT(!(got.flags & WEIR_RXC_VLAN_MASK));
	WEIR_EXPECT_MEM(got.data + 12, frame + 12, 288);
	/* A tag of the VF's own is a spoof. */
	WEIR_EXPECT_EQ(tagged(host, 1, test_mac(2), 5), 0);
	WEIR_EXPECT_EQ(host_stat(&host->functions[1], WEIR_STATS_SCOPE_VPORT, 0,
				 WEIR_STAT_VPORT_TX_DROPPED_SPOOF),
		       1);
	host_destroy(host);
}

static void tags_are_stripped_into_the_completion_and_inserted_from_the_descriptor(void)
{
	struct host *host = card(2);
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;

	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[2], WEIR_VPORT_VLAN_STRIP,
					WEIR_VPORT_VLAN_STRIP),
		       0);
	host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, 200, 1, 9);
	WEIR_REQUIRE(
		host_send(&host->functions[1], 0, frame, 200, 1, 0, WEIR_TXD_VLAN_MASK, 0x2123));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
	WEIR_EXPECT(got.flags & WEIR_RXC_VLAN_MASK);
	WEIR_EXPECT_EQ(got.vlan_tci, 0x2123);
	WEIR_EXPECT_EQ(got.bytes, 200);
	WEIR_EXPECT_MEM(got.data, frame, 200);
	/* To one who does not strip it is in the frame. */
	host_make_frame(frame, test_mac(0), test_mac(1), 0, 0, 200, 1, 10);
	WEIR_REQUIRE(
		host_send(&host->functions[1], 0, frame, 200, 1, 0, WEIR_TXD_VLAN_MASK, 0x2123));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	WEIR_REQUIRE(host_receive(&host->functions[0], 0, &got));
	WEIR_EXPECT_EQ(got.bytes, 204);
	WEIR_EXPECT_MEM(got.data + 12, ((const uint8_t[]){ 0x81, 0x00, 0x21, 0x23 }), 4);
	host_destroy(host);
}

static void a_source_that_is_not_the_vports_is_dropped_counted_and_reported(void)
{
	struct host *host = card(2);

	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), test_mac(5), 0, 0, 0, 0), 0);
	WEIR_EXPECT_EQ(host_stat(&host->functions[1], WEIR_STATS_SCOPE_VPORT, 0,
				 WEIR_STAT_VPORT_TX_DROPPED_SPOOF),
		       1);
	host_take_events(&host->functions[0]);
	WEIR_EXPECT_EQ(host->functions[0].events[WEIR_EVENT_MISBEHAVIOUR], 1);
	WEIR_EXPECT_EQ(
		weir_le16_to_cpu(host->functions[0].last_event[WEIR_EVENT_MISBEHAVIOUR].function),
		1);
	WEIR_EXPECT_EQ(
		weir_le32_to_cpu(host->functions[0].last_event[WEIR_EVENT_MISBEHAVIOUR].detail),
		WEIR_MISBEHAVIOUR_SPOOF);
	/* The administrator may allow it. */
	WEIR_EXPECT_EQ(host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
				    HOST_REQUEST(HOST_U(FUNCTION, 1), HOST_U(SPOOF_CHECK, 0)), NULL),
		       0);
	WEIR_EXPECT_EQ(test_takers(host, 1, test_mac(2), test_mac(5), 0, 0, 0, 0), 1u << 2);
	host_destroy(host);
}

const struct weir_test sorter_tests[] = {
	{ "sorter.unicast_goes_to_its_owner_alone", unicast_goes_to_its_owner_alone },
	{ "sorter.unknown_unicast_goes_to_the_wire_and_from_the_wire_is_dropped",
	  unknown_unicast_goes_to_the_wire_and_from_the_wire_is_dropped },
	{ "sorter.a_frame_to_the_senders_own_address_goes_to_the_wire",
	  a_frame_to_the_senders_own_address_goes_to_the_wire },
	{ "sorter.broadcast_reaches_everybody_once_and_never_its_sender",
	  broadcast_reaches_everybody_once_and_never_its_sender },
	{ "sorter.multicast_reaches_members_and_all_multicast",
	  multicast_reaches_members_and_all_multicast },
	{ "sorter.promiscuous_sees_other_peoples_unicast_if_trusted",
	  promiscuous_sees_other_peoples_unicast_if_trusted },
	{ "sorter.same_mac_two_vlans_are_told_apart", same_mac_two_vlans_are_told_apart },
	{ "sorter.vlan_filter_takes_only_the_vlans_added", vlan_filter_takes_only_the_vlans_added },
	{ "sorter.a_port_vlan_is_invisible_inside_and_a_tag_outside",
	  a_port_vlan_is_invisible_inside_and_a_tag_outside },
	{ "sorter.tags_are_stripped_into_the_completion_and_inserted_from_the_descriptor",
	  tags_are_stripped_into_the_completion_and_inserted_from_the_descriptor },
	{ "sorter.a_source_that_is_not_the_vports_is_dropped_counted_and_reported",
	  a_source_that_is_not_the_vports_is_dropped_counted_and_reported },
};
const size_t sorter_test_count = WEIR_TESTS(sorter_tests);
