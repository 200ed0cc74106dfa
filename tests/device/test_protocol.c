/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of protocols that the card knows nothing of: sorted, checked, tagged and counted as all others, and not a byte of them touched. */
#include "suite.h"

#include <string.h>

#define BYTES 300u

/* EtherType, or what is in its place: 802.3 lengths with LLC behind them (STP, IS-IS), none at all, the greatest. */
static const uint16_t types[] = {
	0x0806 /* ARP */,
	0x8137 /* IPX */,
	0x809b /* AppleTalk */,
	0x8863 /* PPPoE discovery */,
	0x8847 /* MPLS */,
	0x88cc /* LLDP */,
	0x8892 /* PROFINET */,
	0x88a4 /* EtherCAT */,
	0x8906 /* FCoE */,
	0x88f7 /* PTP */,
	0x8915 /* RoCE */,
	0x22f0 /* AVTP */,
	0x88e5 /* MACsec */,
	0x9000 /* loopback */,
	0x0026 /* STP's LLC */,
	0x05dc /* longest length */,
	0x0600 /* the first */,
	0x0000,
	0xffff,
};

static void make(uint8_t *frame, uint64_t destination, uint64_t source, uint16_t type)
{
	/* The payload as it is: nothing in it looks like the protocol that the type says. */
	host_make_frame(frame, destination, source, 0, 0, BYTES, 1, type);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
}

static void send_one(struct host *host, uint32_t from, const uint8_t *frame, uint32_t bytes)
{
	host->wire_count = 0;
	if (from == TEST_WIRE) {
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
	} else {
		WEIR_REQUIRE(host_send(&host->functions[from], 0, frame, bytes, 3, 1, 0, 0));
		host_send_done(&host->functions[from], 0);
	}
	host_settle(host);
}

/* Who got it: bits of functions, and TEST_WIRE. Each copy is the frame, byte by byte. */
static uint32_t takers(struct host *host, const uint8_t *frame, uint32_t bytes)
{
	static struct host_frame got;
	uint32_t found = 0;

	for (uint32_t i = 0; i <= host->vfs; i++) {
		while (host_receive(&host->functions[i], 0, &got)) {
			WEIR_EXPECT_EQ(got.bytes, bytes);
			WEIR_EXPECT_MEM(got.data, frame, bytes);
			WEIR_EXPECT(!(found & 1u << i));
			found |= 1u << i;
		}
	}
	if (!host->wire_count)
		return found;
	WEIR_EXPECT_EQ(host->wire_count, 1);
	WEIR_EXPECT_EQ(host->wire[0].bytes, bytes);
	WEIR_EXPECT_MEM(host->wire[0].data, frame, bytes);
	return found | TEST_WIRE;
}

static void reaches_whom_it_is_for_unchanged(void)
{
	struct host *host = test_card(3, 1, 2048, false);
	static uint8_t frame[HOST_FRAME_MAX];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct {
			uint32_t from;
			uint64_t to, source;
			uint32_t takers;
		} ways[] = {
			{ 1, test_mac(2), test_mac(1), 1u << 2 },
			{ 1, test_mac(0), test_mac(1), 1u << 0 },
			{ 0, test_mac(3), test_mac(0), 1u << 3 },
			{ 2, test_mac(500), test_mac(2), TEST_WIRE },
			{ TEST_WIRE, test_mac(3), test_mac(500), 1u << 3 },
			{ 1, 0xffffffffffffull, test_mac(1), 0xd | TEST_WIRE },
			/* Nor is the check of addresses for IP alone. */
			{ 1, test_mac(2), test_mac(3), 0 },
		};
		for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
			make(frame, ways[way].to, ways[way].source, types[i]);
			send_one(host, ways[way].from, frame, BYTES);
			WEIR_EXPECT_EQ(takers(host, frame, BYTES), ways[way].takers);
		}
	}
	uint64_t count = sizeof(types) / sizeof(types[0]);

	WEIR_EXPECT_EQ(host_stat(&host->functions[1], WEIR_STATS_SCOPE_VPORT, 0,
				 WEIR_STAT_VPORT_TX_FRAMES),
		       3 * count);
	WEIR_EXPECT_EQ(host_stat(&host->functions[1], WEIR_STATS_SCOPE_VPORT, 0,
				 WEIR_STAT_VPORT_TX_DROPPED_SPOOF),
		       count);
	WEIR_EXPECT_EQ(host_stat(&host->functions[2], WEIR_STATS_SCOPE_VPORT, 0,
				 WEIR_STAT_VPORT_RX_BYTES),
		       2 * count * BYTES);
	host_destroy(host);
}

static void lives_in_a_port_vlan_like_any_other(void)
{
	struct host *host = test_card(3, 1, 2048, false);
	static uint8_t frame[HOST_FRAME_MAX], tagged[HOST_FRAME_MAX];

	for (uint16_t vf = 1; vf <= 2; vf++)
		WEIR_REQUIRE_EQ(host_vf_set(host, vf, WEIR_ATTRIBUTE_VLAN, 100), WEIR_STATUS_OK);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		make(frame, test_mac(2), test_mac(1), types[i]);
		send_one(host, 1, frame, BYTES);
		WEIR_EXPECT_EQ(takers(host, frame, BYTES), 1u << 2);
		/* Outside, with its tag. */
		make(frame, test_mac(500), test_mac(1), types[i]);
		memcpy(tagged, frame, 12);
		memcpy(tagged + 12, "\x81\0\0\x64", 4);
		memcpy(tagged + 16, frame + 12, BYTES - 12);
		send_one(host, 1, frame, BYTES);
		WEIR_EXPECT_EQ(takers(host, tagged, BYTES + 4), TEST_WIRE);
		/* Another network. */
		make(frame, test_mac(2), test_mac(3), types[i]);
		send_one(host, 3, frame, BYTES);
		WEIR_EXPECT_EQ(takers(host, frame, BYTES), TEST_WIRE);
		/* From the wire into it, the tag taken off. */
		make(frame, test_mac(1), test_mac(500), types[i]);
		memcpy(tagged, frame, 12);
		memcpy(tagged + 16, frame + 12, BYTES - 12);
		send_one(host, TEST_WIRE, tagged, BYTES + 4);
		WEIR_EXPECT_EQ(takers(host, frame, BYTES), 1u << 1);
	}
	host_destroy(host);
}

const struct weir_test protocol_tests[] = {
	{ "any_protocol.reaches_whom_it_is_for_unchanged", reaches_whom_it_is_for_unchanged },
	{ "any_protocol.lives_in_a_port_vlan_like_any_other", lives_in_a_port_vlan_like_any_other },
};
const size_t protocol_test_count = WEIR_TESTS(protocol_tests);
