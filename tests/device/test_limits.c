/* SPDX-License-Identifier: BSD-3-Clause */
/* As much of everything as the datasheet promises, and the refusal of more. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define BROADCAST 0xffffffffffffull
#define STRANGER  0x112233445502ull
#define WIRE	  TEST_WIRE

static int filter(struct host_function *function, uint16_t opcode, uint64_t mac)
{
	return host_command(function, opcode, HOST_REQUEST(HOST_U(MAC, mac)), NULL);
}

static uint64_t filters_used(struct host_function *function)
{
	struct host_response response;
	uint64_t used, max;

	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_VPORT_GET, NULL, &response),
			WEIR_STATUS_OK);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_FILTERS_USED, &used));
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_FILTERS_MAX, &max));
	WEIR_EXPECT_EQ(max, 256);
	return used;
}

/* A unicast address that no function has. */
static uint64_t address(uint32_t owner, uint32_t number)
{
	return 0x0602ull | (uint64_t)owner << 16 | (uint64_t)number << 32;
}

static uint32_t from_wire(struct host *host, uint64_t destination)
{
	return test_takers(host, WIRE, destination, STRANGER, 0, 0, 0, 0);
}

/* ---- filters ---- */

static void a_vport_has_all_its_filters_and_no_more(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	for (uint32_t i = 0; i < 256; i++) {
		WEIR_REQUIRE_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, address(1, i)), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, address(1, i)),
			       WEIR_STATUS_EXISTS);
	}
	WEIR_EXPECT_EQ(filters_used(vf), 256);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, address(1, 256)), WEIR_STATUS_NO_SPACE);
	WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_MAC);
	/* The own MAC is apart, and can still be changed. */
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MAC, 0x990002)),
				    NULL),
		       WEIR_STATUS_OK);
	for (uint32_t i = 0; i < 256; i += 17)
		WEIR_EXPECT_EQ(from_wire(host, address(1, i)), 2u);
	WEIR_EXPECT_EQ(from_wire(host, address(1, 256)), 0);
	WEIR_EXPECT_EQ(from_wire(host, 0x990002), 2u);
	/* One goes, one comes. */
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_DELETE, address(1, 100)), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(from_wire(host, address(1, 100)), 0);
	WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_ADD, address(1, 256)), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(from_wire(host, address(1, 256)), 2u);
	for (uint32_t i = 0; i <= 256; i++)
		WEIR_EXPECT_EQ(filter(vf, WEIR_COMMAND_FILTER_DELETE, address(1, i)),
			       i == 100 ? WEIR_STATUS_NOT_FOUND : WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(filters_used(vf), 0);
	host_destroy(host);
}

static void a_full_table_refuses_and_harms_nobody(void)
{
	/* 4096 entries in the card: 20 VFs could ask for 5120. */
	struct host *host = test_card(20, 1, 2048, false);
	uint32_t added = 0, refused = 0;

	for (uint32_t i = 1; i <= 20; i++) {
		for (uint32_t k = 0; k < 256; k++) {
			int status =
				filter(&host->functions[i], WEIR_COMMAND_FILTER_ADD, address(i, k));

			WEIR_REQUIRE(status == WEIR_STATUS_OK || status == WEIR_STATUS_NO_SPACE);
			added += status == WEIR_STATUS_OK;
			refused += status != WEIR_STATUS_OK;
		}
	}
	/* Of 4096, the functions' own take 21. */
	WEIR_EXPECT_EQ(added, 4096 - 21);
	WEIR_EXPECT_EQ(refused, 5120 - added);
	for (uint32_t i = 1; i <= 15; i++)
		WEIR_EXPECT_EQ(from_wire(host, address(i, 255)), 1u << i);
	WEIR_EXPECT_EQ(from_wire(host, address(20, 255)), 0);
	WEIR_EXPECT_EQ(from_wire(host, test_mac(20)), 1u << 20);
	/* A new MAC finds no room: nothing changes. */
	WEIR_EXPECT_EQ(host_command(&host->functions[20], WEIR_COMMAND_VPORT_SET,
				    HOST_REQUEST(HOST_U(MAC, 0x990002)), NULL),
		       WEIR_STATUS_NO_SPACE);
	WEIR_EXPECT_EQ(host_vf_set(host, 20, WEIR_ATTRIBUTE_MAC, 0x990002), WEIR_STATUS_NO_SPACE);
	WEIR_EXPECT_EQ(from_wire(host, test_mac(20)), 1u << 20);
	/* A reset gives its share back. */
	host_flr(&host->functions[1]);
	host_settle(host);
	WEIR_EXPECT_EQ(host_vf_set(host, 20, WEIR_ATTRIBUTE_MAC, 0x990002), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(from_wire(host, 0x990002), 1u << 20);
	host_destroy(host);
}

static void every_vlan_can_be_added_and_deleted(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	WEIR_EXPECT_EQ(host_vport_flags(vf, WEIR_VPORT_VLAN_FILTER, WEIR_VPORT_VLAN_FILTER),
		       WEIR_STATUS_OK);
	for (uint32_t vlan = 0; vlan <= 4094; vlan++)
		WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VLAN_ADD,
					     HOST_REQUEST(HOST_U(VLAN, vlan)), NULL),
				WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_VLAN_ADD, HOST_REQUEST(HOST_U(VLAN, 4094)),
				    NULL),
		       WEIR_STATUS_EXISTS);
	for (uint32_t vlan = 1; vlan <= 4095; vlan += 63)
		WEIR_EXPECT_EQ(test_takers(host, WIRE, test_mac(1), STRANGER, 0x8100,
					   (uint16_t)vlan, 0, 0),
			       2u);
	/* 4095 is no VLAN. */
	WEIR_EXPECT_EQ(test_takers(host, WIRE, test_mac(1), STRANGER, 0x8100, 4095, 0, 0), 0);
	for (uint32_t vlan = 0; vlan <= 4094; vlan += 2)
		WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VLAN_DELETE,
					     HOST_REQUEST(HOST_U(VLAN, vlan)), NULL),
				WEIR_STATUS_OK);
	for (uint32_t vlan = 1; vlan <= 4094; vlan += 61)
		WEIR_EXPECT_EQ(test_takers(host, WIRE, test_mac(1), STRANGER, 0x8100,
					   (uint16_t)vlan, 0, 0),
			       vlan % 2 ? 2u : 0);
	host_destroy(host);
}

/* ---- queues ---- */

#define BUFFERS 8u

struct small_queue {
	uint64_t completion;
	uint32_t got;
};

/* A receive queue of few small buffers; so many would not fit otherwise. */
static void make_small(struct host_function *function, uint16_t queue, struct small_queue *small)
{
	uint64_t ring = host_alloc(function, 64 * sizeof(struct weir_rx_buffer), 64);

	small->completion = host_alloc(function, 64 * sizeof(struct weir_rx_completion), 64);
	for (uint32_t i = 0; i < BUFFERS; i++)
		((weir_le64 *)host_pointer(function, ring))[i] =
			weir_cpu_to_le64(host_alloc(function, 128, 64));
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_RX_QUEUE_CREATE,
				     HOST_REQUEST(HOST_U(QUEUE, queue), HOST_U(RING_ADDRESS, ring),
						  HOST_U(RING_LOG2, 6),
						  HOST_U(COMPLETION_ADDRESS, small->completion),
						  HOST_U(COMPLETION_LOG2, 6),
						  HOST_U(BUFFER_BYTES, 128),
						  HOST_U(VECTOR, queue + 1)),
				     NULL),
			WEIR_STATUS_OK);
	host_doorbell(function, queue, WEIR_DOORBELL_RX_TAIL, BUFFERS);
	host_doorbell(function, queue, WEIR_DOORBELL_RX_ARM, 0);
}

/* Frames that a small queue holds. */
static uint32_t frames_of(struct host_function *function, const struct small_queue *small)
{
	const struct weir_rx_completion *ring = host_pointer(function, small->completion);
	uint32_t count = 0;

	while (count < 64 && weir_le32_to_cpu(ring[count].flags) & WEIR_RXC_PHASE_MASK)
		count++;
	return count;
}

/* All queue pairs of a function that the registers promise, each with its vector, all of them reached by the spread. */
static void every_queue_pair_works(uint16_t index, uint32_t pairs)
{
	struct host *host = test_card(2, 0, 2048, false);
	struct host_function *function = &host->functions[index], *sender = &host->functions[2];
	struct small_queue queues[WEIR_PF_QUEUE_PAIRS];
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	uint32_t reached = 0, total = 0, raised = 0;

	WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_QUEUE_LIMITS_QUEUE_PAIRS,
				host_read(function, WEIR_REG_QUEUE_LIMITS)),
		       pairs);
	WEIR_REQUIRE_EQ(host_queue_create(sender, 0, 2048, 1, false), WEIR_STATUS_OK);
	for (uint16_t i = 0; i < pairs; i++)
		make_small(function, i, &queues[i]);
	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16((uint16_t)(i % pairs));
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))),
				     NULL),
			WEIR_STATUS_OK);
	/* One frame a flow, until each queue has seen one; none gets more than it has buffers. */
	for (uint32_t flow = 0; flow < 5000 && reached < pairs; flow++) {
		uint8_t frame[64] = { 2,
				      0,
				      0,
				      0,
				      0,
				      (uint8_t)index,
				      2,
				      0,
				      0,
				      0,
				      0,
				      2,
				      8,
				      0,
				      0x45,
				      0,
				      0,
				      50,
				      0,
				      0,
				      0,
				      0,
				      64,
				      17,
				      0,
				      0,
				      10,
				      0,
				      0,
				      1,
				      10,
				      0,
				      0,
				      2,
				      (uint8_t)(flow >> 8),
				      (uint8_t)flow,
				      0x20,
				      0,
				      0,
				      30 };

		WEIR_REQUIRE(host_send(sender, 0, frame, sizeof(frame), 1, 0, 0, 0));
		host_send_done(sender, 0);
		host_settle(host);
		reached = total = 0;
		for (uint32_t i = 0; i < pairs; i++) {
			uint32_t frames = frames_of(function, &queues[i]);

			reached += frames > 0;
			total += frames;
		}
	}
	WEIR_EXPECT_EQ(reached, pairs);
	for (uint32_t i = 0; i < pairs; i++)
		raised += function->interrupts[i + 1];
	WEIR_EXPECT_EQ(raised, pairs);
	WEIR_EXPECT_EQ(total + host_stat(function, WEIR_STATS_SCOPE_VPORT, 0,
					 WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER),
		       host_stat(sender, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_TX_FRAMES));
	for (uint16_t i = 0; i < pairs; i++)
		WEIR_EXPECT_EQ(host_command(function, WEIR_COMMAND_RX_QUEUE_DESTROY,
					    HOST_REQUEST(HOST_U(QUEUE, i)), NULL),
			       WEIR_STATUS_OK);
	host_destroy(host);
}

static void every_queue_pair_of_a_vf_works(void)
{
	every_queue_pair_works(1, WEIR_VF_QUEUE_PAIRS);
}

static void every_queue_pair_of_the_pf_works(void)
{
	every_queue_pair_works(0, WEIR_PF_QUEUE_PAIRS);
}

#define LARGE (1u << WEIR_RING_MAX_LOG2)

static void rings_of_the_largest_size_fill_and_wrap(void)
{
	struct host *host = test_card(2, 0, 2048, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	uint64_t tx_ring = host_alloc(a, LARGE * sizeof(struct weir_tx_descriptor), 64),
		 head = host_alloc(a, 4, 64);
	uint64_t frame = host_alloc(a, 1024 * 64, 64);
	uint64_t rx_ring = host_alloc(b, LARGE * sizeof(struct weir_rx_buffer), 64);
	uint64_t completions = host_alloc(b, LARGE * sizeof(struct weir_rx_completion), 64),
		 buffers = host_alloc(b, LARGE * 128, 64);
	struct weir_tx_descriptor *descriptors = host_pointer(a, tx_ring);
	weir_le64 *posted = host_pointer(b, rx_ring);
	const struct weir_rx_completion *ring = host_pointer(b, completions);

	WEIR_REQUIRE_EQ(host_command(a, WEIR_COMMAND_TX_QUEUE_CREATE,
				     HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, tx_ring),
						  HOST_U(RING_LOG2, WEIR_RING_MAX_LOG2),
						  HOST_U(COMPLETION_ADDRESS, head)),
				     NULL),
			WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_command(b, WEIR_COMMAND_RX_QUEUE_CREATE,
				     HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, rx_ring),
						  HOST_U(RING_LOG2, WEIR_RING_MAX_LOG2),
						  HOST_U(COMPLETION_ADDRESS, completions),
						  HOST_U(COMPLETION_LOG2, WEIR_RING_MAX_LOG2),
						  HOST_U(BUFFER_BYTES, 128)),
				     NULL),
			WEIR_STATUS_OK);
	for (uint32_t i = 0; i < 1024; i++) {
		uint8_t bytes[64];

		host_make_frame(bytes, test_mac(2), test_mac(1), 0, 0, sizeof(bytes), 1, i);
		memcpy(host_pointer(a, frame + 64 * i), bytes, sizeof(bytes));
	}
	/* Three full rings one after the other: counts wrap past 65536 on the way. */
	for (uint32_t round = 0; round < 3; round++) {
		uint16_t first = (uint16_t)(round * LARGE);

		for (uint32_t i = 0; i < LARGE; i++) {
			posted[i] = weir_cpu_to_le64(buffers + 128 * i);
			descriptors[i] = (struct weir_tx_descriptor){
				.address = weir_cpu_to_le64(frame + 64 * (i % 1024)),
				.length = weir_cpu_to_le16(64),
				.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK)
			};
		}
		host_doorbell(b, 0, WEIR_DOORBELL_RX_TAIL, (uint16_t)(first + LARGE));
		host_settle(host);
		host_doorbell(a, 0, WEIR_DOORBELL_TX_TAIL, (uint16_t)(first + LARGE));
		host_settle(host);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(*(weir_le32 *)host_pointer(a, head)),
			       (uint16_t)(first + LARGE));
		for (uint32_t i = 0; i < LARGE; i++) {
			uint32_t flow, sequence;

			WEIR_REQUIRE_EQ(WEIR_GET(WEIR_RXC_PHASE, weir_le32_to_cpu(ring[i].flags)),
					round % 2 == 0);
			WEIR_REQUIRE_EQ(weir_le16_to_cpu(ring[i].buffer), (uint16_t)(first + i));
			WEIR_REQUIRE(host_check_frame(host_pointer(b, buffers + 128 * i),
						      weir_le16_to_cpu(ring[i].length), &flow,
						      &sequence));
			WEIR_REQUIRE_EQ(sequence, i % 1024);
		}
	}
	WEIR_EXPECT_EQ(host_stat(b, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_FRAMES),
		       3 * LARGE);
	host_destroy(host);
}

/* ---- spreading ---- */

static void receive_queue_destroy(struct host_function *function, uint16_t queue)
{
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_RX_QUEUE_DESTROY,
				     HOST_REQUEST(HOST_U(QUEUE, queue)), NULL),
			WEIR_STATUS_OK);
	function->rx[queue].created = false;
}

/* Sends VF 2 -> VF 1 and says which of VF 1's queues got it; HOST_QUEUES: none. */
static uint16_t queue_of_a_frame(struct host *host)
{
	static uint8_t frame[100];
	static struct host_frame got;

	host_make_frame(frame, test_mac(1), test_mac(2), 0, 0, sizeof(frame), 1, 1);
	WEIR_REQUIRE(host_send(&host->functions[2], 0, frame, sizeof(frame), 1, 0, 0, 0));
	host_send_done(&host->functions[2], 0);
	host_settle(host);
	for (uint16_t i = 0; i < HOST_QUEUES; i++)
		if (host_receive(&host->functions[1], i, &got))
			return i;
	return HOST_QUEUES;
}

static void frames_go_to_the_first_queue_made_without_a_spread(void)
{
	struct host *host = test_card(2, 0, 2048, false);
	struct host_function *vf = &host->functions[1];
	static const uint16_t order[] = { 2, 3, 1 };

	WEIR_REQUIRE_EQ(host_queue_create(&host->functions[2], 0, 2048, 1, false), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(queue_of_a_frame(host), HOST_QUEUES);
	WEIR_EXPECT_EQ(
		host_stat(vf, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE), 1);
	for (size_t i = 0; i < WEIR_TESTS(order); i++) {
		WEIR_REQUIRE_EQ(host_queue_create(vf, order[i], 2048, 1, false), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(queue_of_a_frame(host), 2);
	}
	/* It goes: what it would get is dropped until a spread is set, or all are gone and one is made. */
	receive_queue_destroy(vf, 2);
	WEIR_EXPECT_EQ(queue_of_a_frame(host), HOST_QUEUES);
	receive_queue_destroy(vf, 1);
	receive_queue_destroy(vf, 3);
	WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_TX_QUEUE_DESTROY,
				     HOST_REQUEST(HOST_U(QUEUE, 3)), NULL),
			WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_queue_create(vf, 3, 2048, 1, false), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(queue_of_a_frame(host), 3);
	host_destroy(host);
}

static void a_spread_drops_what_its_lost_queues_would_get(void)
{
	struct host *host = test_card(2, 0, 2048, false);
	struct host_function *vf = &host->functions[1];
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];

	WEIR_REQUIRE_EQ(host_queue_create(&host->functions[2], 0, 2048, 1, false), WEIR_STATUS_OK);
	for (uint16_t i = 0; i < 3; i++)
		WEIR_REQUIRE_EQ(host_queue_create(vf, i, 2048, 1, false), WEIR_STATUS_OK);
	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16(2);
	WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))),
				     NULL),
			WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(queue_of_a_frame(host), 2);
	receive_queue_destroy(vf, 2);
	WEIR_EXPECT_EQ(queue_of_a_frame(host), HOST_QUEUES);
	WEIR_EXPECT_EQ(
		host_stat(vf, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE), 1);
	/* The table is forgotten with the last queue. */
	receive_queue_destroy(vf, 0);
	receive_queue_destroy(vf, 1);
	WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_TX_QUEUE_DESTROY,
				     HOST_REQUEST(HOST_U(QUEUE, 1)), NULL),
			WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_queue_create(vf, 1, 2048, 1, false), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(queue_of_a_frame(host), 1);
	host_destroy(host);
}

/* ---- lengths ---- */

static uint32_t frame_of(struct host *host, uint32_t bytes, uint16_t protocol, uint16_t tci)
{
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;

	host_make_frame(frame, test_mac(2), test_mac(1), protocol, tci, bytes, 1, 1);
	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 1, 0, 0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	if (!host_receive(&host->functions[2], 0, &got))
		return 0;
	WEIR_EXPECT_MEM(got.data, frame, bytes);
	return got.bytes;
}

static void frames_longer_than_the_mtu_are_dropped(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[2];
	static const uint16_t mtus[] = { 68, 69, 1500, 9000, 9194 };
	uint64_t oversize = 0;

	for (size_t i = 0; i < WEIR_TESTS(mtus); i++) {
		uint32_t longest = mtus[i] + 18u;

		WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VPORT_SET,
					     HOST_REQUEST(HOST_U(MTU, mtus[i])), NULL),
				WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(frame_of(host, longest, 0, 0), longest);
		WEIR_EXPECT_EQ(frame_of(host, longest, 0x8100, 5), longest);
		WEIR_EXPECT_EQ(frame_of(host, longest + 1, 0, 0), 0);
		WEIR_EXPECT_EQ(frame_of(host, longest + 1, 0x8100, 5), 0);
		oversize += 2;
		WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_VPORT, 0,
					 WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE),
			       oversize);
	}
	/* A port VLAN's tag is not counted. */
	for (uint16_t i = 1; i <= 2; i++)
		WEIR_REQUIRE_EQ(host_vf_set(host, i, WEIR_ATTRIBUTE_VLAN, 9), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MTU, 1500)),
				     NULL),
			WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(frame_of(host, 1518, 0, 0), 1518);
	WEIR_EXPECT_EQ(frame_of(host, 1519, 0, 0), 0);
	host_destroy(host);
}

static void the_shortest_frames_are_padded_on_the_wire_alone(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	uint8_t frame[60] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	static const uint8_t zeroes[60];
	static struct host_frame got;

	for (uint32_t bytes = 14; bytes <= 60; bytes++) {
		frame[5] = 2;
		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 1, 0, 0, 0));
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		WEIR_REQUIRE(host_receive(&host->functions[2], 0, &got));
		WEIR_EXPECT_EQ(got.bytes, bytes);
		frame[5] = 77;
		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 1, 0, 0, 0));
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		const struct host_frame *wire = &host->wire[host->wire_count - 1];

		WEIR_EXPECT_EQ(wire->bytes, 60);
		WEIR_EXPECT_MEM(wire->data, frame, bytes);
		WEIR_EXPECT_MEM(wire->data + bytes, zeroes, 60 - bytes);
	}
	WEIR_EXPECT_EQ(host->wire_count, 60 - 14 + 1);
	host_destroy(host);
}

static void the_longest_frame_leaves_whole(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	static uint8_t frame[9216];

	for (uint32_t segments = 1; segments <= 32; segments += 31) {
		host_make_frame(frame, test_mac(77), test_mac(1), 0, 0, sizeof(frame), 1, segments);
		WEIR_REQUIRE(
			host_send(&host->functions[1], 0, frame, sizeof(frame), segments, 1, 0, 0));
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		const struct host_frame *wire = &host->wire[host->wire_count - 1];

		WEIR_EXPECT_EQ(wire->bytes, sizeof(frame));
		WEIR_EXPECT_MEM(wire->data, frame, sizeof(frame));
	}
	/* With a tag that the device puts in. */
	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, 9212, 1, 1, WEIR_TXD_VLAN_MASK, 5));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	WEIR_EXPECT_EQ(host->wire[host->wire_count - 1].bytes, 9216);
	host_destroy(host);
}

/* ---- many at once ---- */

static void a_broadcast_reaches_more_vfs_than_a_round_has_room_for(void)
{
	const uint16_t vfs = 150;
	struct host *host = test_card(vfs, 1, 2048, false);
	static uint8_t frame[300];
	static struct host_frame got;

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 4; i++) {
			host_make_frame(frame, BROADCAST, test_mac(1), 0, 0, sizeof(frame), 1, i);
			WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, sizeof(frame), 2, 0,
					       0, 0));
		}
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		for (uint32_t i = 0; i <= vfs; i++) {
			for (uint32_t k = 0; k < 4 && i != 1; k++) {
				uint32_t flow, sequence;

				WEIR_REQUIRE(host_receive(&host->functions[i], 0, &got));
				WEIR_EXPECT(host_check_frame(got.data, got.bytes, &flow, &sequence));
				WEIR_EXPECT_EQ(sequence, k);
			}
			WEIR_EXPECT(!host_receive(&host->functions[i], 0, &got));
		}
	}
	WEIR_EXPECT_EQ(host->wire_count, 12);
	WEIR_EXPECT_EQ(host_stat(&host->functions[1], WEIR_STATS_SCOPE_VPORT, 0,
				 WEIR_STAT_VPORT_TX_LOOPED),
		       12u * vfs);
	host_destroy(host);
}

const struct weir_test limit_tests[] = {
	{ "limits.a_vport_has_all_its_filters_and_no_more",
	  a_vport_has_all_its_filters_and_no_more },
	{ "limits.a_full_table_refuses_and_harms_nobody", a_full_table_refuses_and_harms_nobody },
	{ "limits.every_vlan_can_be_added_and_deleted", every_vlan_can_be_added_and_deleted },
	{ "limits.every_queue_pair_of_a_vf_works", every_queue_pair_of_a_vf_works },
	{ "limits.every_queue_pair_of_the_pf_works", every_queue_pair_of_the_pf_works },
	{ "limits.rings_of_the_largest_size_fill_and_wrap",
	  rings_of_the_largest_size_fill_and_wrap },
	{ "limits.frames_longer_than_the_mtu_are_dropped", frames_longer_than_the_mtu_are_dropped },
	{ "limits.the_shortest_frames_are_padded_on_the_wire_alone",
	  the_shortest_frames_are_padded_on_the_wire_alone },
	{ "limits.the_longest_frame_leaves_whole", the_longest_frame_leaves_whole },
	{ "limits.a_broadcast_reaches_more_vfs_than_a_round_has_room_for",
	  a_broadcast_reaches_more_vfs_than_a_round_has_room_for },
	{ "spread.frames_go_to_the_first_queue_made_without_one",
	  frames_go_to_the_first_queue_made_without_a_spread },
	{ "spread.drops_what_its_lost_queues_would_get",
	  a_spread_drops_what_its_lost_queues_would_get },
};
const size_t limit_test_count = WEIR_TESTS(limit_tests);
