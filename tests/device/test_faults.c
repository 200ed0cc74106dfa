/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is not there, or not for this (specs/data-queues.md, "Faults"): a fault on payload costs the frame, one on a ring its
 * queue, and never anybody else anything.
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

#include "weir/weir_config_space.h"

#define NOWHERE(function) ((function)->iova + 0x40000000u) /* mapped to nobody */

/* A page that the attacker may only read, and one that it may only write. */
struct pages {
	uint8_t *readable, *writable;
	uint64_t readable_iova, writable_iova;
};

static struct pages map_pages(struct scene *scene)
{
	static uint8_t memory[2][4096] __attribute__((aligned(4096)));
	struct pages pages = { memory[0], memory[1], scene->attacker->iova + 0x10000000u,
			       scene->attacker->iova + 0x20000000u };

	memset(memory, 0x5a, sizeof(memory));
	WEIR_REQUIRE_EQ(weirsim_dma_map(scene->host->sim, 1, pages.readable_iova, pages.readable,
					4096, WEIRSIM_READ),
			0);
	WEIR_REQUIRE_EQ(weirsim_dma_map(scene->host->sim, 1, pages.writable_iova, pages.writable,
					4096, WEIRSIM_WRITE),
			0);
	return pages;
}

/* ---- payload ---- */

/* Posts a frame whose first `good` bytes lie in the attacker's memory and whose last 200 at `address`. */
static void send_from(struct scene *scene, uint64_t destination, uint32_t good, uint64_t address)
{
	struct host_function *bad = scene->attacker;
	static uint8_t frame[2048];
	const struct weir_tx_descriptor first = {
		.address = weir_cpu_to_le64(bad->tx[0].staging),
		.length = weir_cpu_to_le16((uint16_t)good),
	};
	const struct weir_tx_descriptor last = {
		.address = weir_cpu_to_le64(address),
		.length = weir_cpu_to_le16(200),
		.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK),
	};

	host_make_frame(frame, destination, test_mac(bad->index), 0, 0, good > 60 ? good : 60, 1, 1);
	memcpy(host_pointer(bad, bad->tx[0].staging), frame, good > 60 ? good : 60);
	if (good)
		host_post_descriptor(bad, 0, &first);
	host_post_descriptor(bad, 0, &last);
	host_send_done(bad, 0);
	scene_settle(scene);
}

static void frames_that_cannot_be_read_are_dropped(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;
	struct pages pages = map_pages(scene);
	const uint64_t places[] = {
		NOWHERE(bad),	   bad->iova + HOST_MEMORY_BYTES - 100, pages.writable_iova,
		scene->peer->iova, pages.readable_iova + 4000,
	};
	const uint64_t destinations[] = { test_mac(2), test_mac(77), 0xffffffffffffull };
	uint64_t expected = 0, wire = scene->host->wire_count;

	for (size_t i = 0; i < WEIR_TESTS(places); i++) {
		/* In the header that is fetched first, and behind it. */
		for (uint32_t good = 0; good <= 400; good += good ? 285 : 115) {
			for (size_t k = 0; k < WEIR_TESTS(destinations); k++) {
				send_from(scene, destinations[k], good, places[i]);
				expected++;
				/* Once a frame, however many would have got it. */
				WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_FAULT),
					       expected);
				WEIR_EXPECT_EQ(host_stat(bad, WEIR_STATS_SCOPE_TX_QUEUE, 0,
							 WEIR_STAT_TX_QUEUE_DROPPED),
					       expected);
				WEIR_EXPECT_EQ(scene_strays(scene), 0);
				/* The head moved on. */
				WEIR_EXPECT_EQ(weir_le32_to_cpu(*(weir_le32 *)host_pointer(
						       bad, bad->tx[0].head)),
					       bad->tx[0].tail);
			}
		}
	}
	WEIR_EXPECT_EQ(scene->host->wire_count, wire);
	WEIR_EXPECT(function_stat(bad, WEIR_STAT_FUNCTION_DMA_FAULTS) >= expected);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
	/* It is the sender's fault, not the receivers'. */
	for (uint16_t i = 0; i <= 5; i++)
		if (i != 1)
			WEIR_EXPECT_EQ(function_stat(&scene->host->functions[i],
						     WEIR_STAT_FUNCTION_DMA_FAULTS),
				       0);
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_DMA_FAULT);
	/* What may be read may be sent. */
	send_from(scene, test_mac(2), 100, pages.readable_iova);
	WEIR_EXPECT_EQ(scene_strays(scene), 1);
	WEIR_EXPECT_EQ(scene->last_stray.bytes, 300);
	WEIR_EXPECT_EQ(scene->last_stray.data[299], 0x5a);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

/* Everything the attacker's receive queue gave back since: completions, those with ERROR, frames. */
struct returned {
	uint32_t completions, errors, ends;
};

static struct returned take_raw(struct host_function *function)
{
	struct host_rx *rx = &function->rx[0];
	struct weir_rx_completion *ring = host_pointer(function, rx->completion);
	struct returned returned = { 0 };

	for (;; rx->taken++, returned.completions++) {
		const struct weir_rx_completion *entry =
			&ring[rx->taken & ((1u << rx->completion_log2) - 1)];
		uint32_t flags = weir_le32_to_cpu(entry->flags);

		if (WEIR_GET(WEIR_RXC_PHASE, flags) !=
		    (~(uint32_t)rx->taken >> rx->completion_log2 & 1))
			return returned;
		WEIR_EXPECT_EQ(weir_le16_to_cpu(entry->buffer), rx->taken);
		if (flags & WEIR_RXC_ERROR_MASK) {
			returned.errors++;
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry->length), 0);
		}
		returned.ends += (flags & WEIR_RXC_END_MASK) != 0;
	}
}

static void buffers_that_cannot_be_written_come_back_with_an_error(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker, *peer = scene->peer;
	struct pages pages = map_pages(scene);
	const uint64_t places[] = { NOWHERE(bad), UINT64_MAX - 10, pages.readable_iova, peer->iova,
				    bad->iova + HOST_MEMORY_BYTES - 100 };
	weir_le64 *ring = host_pointer(bad, bad->rx[0].ring);
	static uint8_t frame[5000];
	uint32_t expected = 0;

	/* Fresh buffers come behind the good ones that the device has read already: use those up first. */
	for (uint32_t i = 0; i < 64; i++) {
		scene_frame(scene, peer, bad);
		scene_settle(scene);
	}
	WEIR_EXPECT_EQ(take_raw(bad).completions, 64);
	for (size_t i = 0; i < WEIR_TESTS(places); i++) {
		/* A frame over three buffers, each of them in turn the bad one. */
		for (uint32_t which = 0; which < 3; which++) {
			for (uint32_t k = 0; k < 3; k++)
				ring[(bad->rx[0].posted + k) % 64] = weir_cpu_to_le64(
					k == which ? places[i] : bad->rx[0].buffers[k]);
			bad->rx[0].posted += 3;
			host_doorbell(bad, 0, WEIR_DOORBELL_RX_TAIL, bad->rx[0].posted);
			scene_settle(scene);
			host_make_frame(frame, test_mac(1), test_mac(2), 0, 0, 5000, 1, 1);
			WEIR_REQUIRE(host_send(peer, 0, frame, 5000, 2, 0, 0, 0));
			host_send_done(peer, 0);
			scene_settle(scene);
			struct returned returned = take_raw(bad);

			expected++;
			WEIR_EXPECT_EQ(returned.completions, 3);
			WEIR_EXPECT_EQ(returned.errors, 3);
			WEIR_EXPECT_EQ(returned.ends, 1);
			WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_RX_DROPPED_FAULT), expected);
		}
	}
	for (uint32_t i = 0; i < 4096; i++)
		WEIR_EXPECT_EQ(pages.readable[i], 0x5a);
	WEIR_EXPECT(function_stat(bad, WEIR_STAT_FUNCTION_DMA_FAULTS) >= expected);
	WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_RX_FRAMES), 64);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
	/* The sender did nothing wrong. */
	WEIR_EXPECT_EQ(vport_stat(peer, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 0);
	WEIR_EXPECT_EQ(function_stat(peer, WEIR_STAT_FUNCTION_DMA_FAULTS), 0);
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_DMA_FAULT);
	scene_renew_queue(scene, 0);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

static void a_broadcast_reaches_the_others_past_a_bad_buffer(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;
	struct host *host = scene->host;
	static uint8_t frame[300];
	static struct host_frame got;
	weir_le64 *ring = host_pointer(bad, bad->rx[0].ring);

	traffic_finish(&scene->traffic);
	for (uint32_t i = 0; i < 64; i++) {
		scene_frame(scene, scene->peer, bad);
		host_settle(host);
	}
	take_raw(bad);
	ring[bad->rx[0].posted++ % 64] = weir_cpu_to_le64(NOWHERE(bad));
	host_doorbell(bad, 0, WEIR_DOORBELL_RX_TAIL, bad->rx[0].posted);
	host_make_frame(frame, 0xffffffffffff, test_mac(2), 0, 0, sizeof(frame), 2, 7);
	WEIR_REQUIRE(host_send(scene->peer, 0, frame, sizeof(frame), 1, 0, 0, 0));
	host_send_done(scene->peer, 0);
	host_settle(host);
	WEIR_EXPECT_EQ(take_raw(bad).errors, 1);
	for (uint32_t i = 0; i <= 5; i++) {
		if (i == 1 || i == 2)
			continue;
		WEIR_REQUIRE(host_receive(&host->functions[i], 0, &got));
		WEIR_EXPECT_MEM(got.data, frame, sizeof(frame));
	}
	WEIR_EXPECT_EQ(host->wire_count, 1);
	scene_end(scene);
}

/* ---- rings ---- */

/* Makes the attacker's queue 0 with one attribute pointing nowhere, and lets it work. */
static void rings_out_of_reach_stop_their_queue_alone(void)
{
	static const struct {
		bool transmit, shadow;
		uint16_t attribute;
	} cases[] = {
		{ true, false, WEIR_ATTRIBUTE_RING_ADDRESS },
		{ true, false, WEIR_ATTRIBUTE_COMPLETION_ADDRESS },
		{ true, true, WEIR_ATTRIBUTE_SHADOW_ADDRESS },
		{ true, true, WEIR_ATTRIBUTE_RING_ADDRESS },
		{ false, false, WEIR_ATTRIBUTE_RING_ADDRESS },
		{ false, false, WEIR_ATTRIBUTE_COMPLETION_ADDRESS },
		{ false, true, WEIR_ATTRIBUTE_SHADOW_ADDRESS },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct scene *scene = scene_start(2, cases[i].shadow);
		struct host_function *bad = scene->attacker;
		struct host_rx *rx = &bad->rx[0];
		struct host_tx *tx = &bad->tx[0];
		struct host_attribute request[] = {
			HOST_U(QUEUE, 0),
			HOST_U(RING_ADDRESS, cases[i].transmit ? tx->ring : rx->ring),
			HOST_U(RING_LOG2, HOST_RING_LOG2),
			HOST_U(COMPLETION_ADDRESS, cases[i].transmit ? tx->head : rx->completion),
			HOST_U(VECTOR, 1),
			HOST_U(SHADOW_ADDRESS, !cases[i].shadow	   ? 0
					       : cases[i].transmit ? tx->shadow_address
								   : rx->shadow_address),
			HOST_U(BUFFER_BYTES, 2048),
			HOST_U(COMPLETION_LOG2, HOST_RING_LOG2 + 1),
			{ 0, 0, 0, NULL },
		};

		if (cases[i].transmit)
			request[6].id = 0;
		for (struct host_attribute *at = request; at->id; at++)
			if (at->id == cases[i].attribute)
				at->value = NOWHERE(bad);
		WEIR_REQUIRE_EQ(host_queue_destroy(bad, 0), WEIR_STATUS_OK);
		memset(host_pointer(bad, tx->shadow_address), 0, WEIR_SHADOW_BYTES);
		memset(host_pointer(bad, rx->shadow_address), 0, WEIR_SHADOW_BYTES);
		memset(host_pointer(bad, rx->completion), 0,
		       sizeof(struct weir_rx_completion) << (HOST_RING_LOG2 + 1));
		WEIR_REQUIRE_EQ(host_command(bad,
					     cases[i].transmit ? WEIR_COMMAND_TX_QUEUE_CREATE
							       : WEIR_COMMAND_RX_QUEUE_CREATE,
					     request, NULL),
				WEIR_STATUS_OK);
		if (!cases[i].transmit)
			((struct weir_shadow_doorbell *)host_pointer(bad, rx->shadow_address))->tail =
				weir_cpu_to_le32(64);
		if (cases[i].transmit) {
			*tx = (struct host_tx){ .ring = tx->ring,
						.head = tx->head,
						.staging = tx->staging,
						.shadow_address = tx->shadow_address,
						.shadow = cases[i].attribute ==
								  WEIR_ATTRIBUTE_RING_ADDRESS &&
							  cases[i].shadow };
			*(weir_le32 *)host_pointer(bad, tx->head) = 0;
			scene_frame(scene, bad, scene->peer);
		} else {
			host_doorbell(bad, 0, WEIR_DOORBELL_RX_TAIL, 64);
			scene_frame(scene, scene->peer, bad);
		}
		scene_settle(scene);
		if (function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED) != 1)
			printf("# case %zu\n", i);
		WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 1);
		WEIR_EXPECT(function_stat(bad, WEIR_STAT_FUNCTION_DMA_FAULTS) >= 1);
		scene_expect_stopped(scene, WEIR_MISBEHAVIOUR_DMA_FAULT, 0, cases[i].transmit);
		/* Its other queue pair never noticed. */
		static uint8_t frame[100];

		host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1, 1);
		scene_strays(scene);
		WEIR_REQUIRE(host_send(bad, 1, frame, sizeof(frame), 1, 0, 0, 0));
		host_send_done(bad, 1);
		scene_settle(scene);
		WEIR_EXPECT_EQ(scene_strays(scene), 1);
		/* Frames for the stopped receive queue are dropped and counted. */
		if (!cases[i].transmit && cases[i].attribute != WEIR_ATTRIBUTE_SHADOW_ADDRESS) {
			uint64_t dropped = vport_stat(bad, WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE);

			scene_frame(scene, scene->peer, bad);
			scene_settle(scene);
			WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE),
				       dropped + 1);
		}
		WEIR_EXPECT_EQ(host_command(bad,
					    cases[i].transmit ? WEIR_COMMAND_TX_QUEUE_DESTROY
							      : WEIR_COMMAND_RX_QUEUE_DESTROY,
					    HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
			       WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_queue_create(bad, 0, 2048, 1, scene->shadow), WEIR_STATUS_OK);
		scene_end(scene);
	}
}

static void unmapped(void *opaque)
{
	*(bool *)opaque = true;
}

/* The completions of a burst are written in two pieces, around the ring's end, of which the first is a fault. */
static void a_stopped_queue_writes_and_raises_nothing_more(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker, *peer = scene->peer;
	struct weirsim *sim = scene->host->sim;
	const uint32_t entries = 1u << HOST_RING_LOG2, bytes = entries * 16;
	static uint8_t memory[2][4096] __attribute__((aligned(4096)));
	static uint8_t before[4096], frame[100];
	uint64_t place = bad->iova + 0x30000000u;
	uint32_t interrupts;
	bool done = false;

	/* Half of the ring in a page each. */
	memset(memory, 0, sizeof(memory));
	for (uint32_t i = 0; i < 2; i++)
		WEIR_REQUIRE_EQ(weirsim_dma_map(sim, 1, place + 4096 * i, memory[i], 4096,
						WEIRSIM_READ | WEIRSIM_WRITE),
				0);
	WEIR_REQUIRE_EQ(host_queue_destroy(bad, 0), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(
		host_command(bad, WEIR_COMMAND_RX_QUEUE_CREATE,
			     HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, bad->rx[0].ring),
					  HOST_U(RING_LOG2, HOST_RING_LOG2),
					  HOST_U(COMPLETION_ADDRESS, place + 4096 - bytes / 2),
					  HOST_U(COMPLETION_LOG2, HOST_RING_LOG2),
					  HOST_U(BUFFER_BYTES, 2048), HOST_U(VECTOR, 1)),
			     NULL),
		WEIR_STATUS_OK);
	host_doorbell(bad, 0, WEIR_DOORBELL_RX_TAIL, entries);
	scene_settle(scene);
	for (uint32_t i = 0; i < entries - 4; i++) {
		scene_frame(scene, peer, bad);
		scene_settle(scene);
	}
	host_doorbell(bad, 0, WEIR_DOORBELL_RX_TAIL, entries + 8);
	host_doorbell(bad, 0, WEIR_DOORBELL_RX_ARM, entries - 4);
	scene_settle(scene);
	WEIR_REQUIRE_EQ(weirsim_dma_unmap(sim, 1, place + 4096, 4096, unmapped, &done), 1);
	scene_settle(scene);
	WEIR_REQUIRE(done);
	memcpy(before, memory[0], sizeof(before));
	interrupts = bad->interrupts[1];
	for (uint32_t i = 0; i < 8; i++) {
		host_make_frame(frame, test_mac(1), test_mac(2), 0, 0, sizeof(frame), 2, i);
		WEIR_REQUIRE(host_send(peer, 0, frame, sizeof(frame), 1, 0, 0, 0));
	}
	host_send_done(peer, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 1);
	/* Where writes take their time the second one is on its way before the first one's fault is known. */
	if (strcmp(weirsim_home(), "hwsim") == 0)
		WEIR_EXPECT_EQ(memcmp(memory[0], before, sizeof(before)), 0);
	scene_expect_stopped(scene, WEIR_MISBEHAVIOUR_DMA_FAULT, 0, false);
	WEIR_EXPECT_EQ(bad->interrupts[1], interrupts);
	WEIR_REQUIRE_EQ(host_command(bad, WEIR_COMMAND_RX_QUEUE_DESTROY,
				     HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
			WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_queue_create(bad, 0, 2048, 1, false), WEIR_STATUS_OK);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

/* ---- maps that go away ---- */

static void unmapping_under_traffic_gives_the_memory_back(void)
{
	for (uint32_t round = 0; round < 12; round++) {
		struct scene *scene = scene_start(1, round % 2);
		struct host_function *bad = scene->attacker;
		struct host *host = scene->host;
		struct traffic own;
		bool done = false;

		traffic_start(&own, host);
		traffic_add(&own, bad, scene->peer, true);
		traffic_add(&own, scene->peer, bad, true);
		traffic_turns(&own, 10 + round);
		WEIR_REQUIRE_EQ(weirsim_dma_unmap_all(host->sim, bad->index, unmapped, &done), 1);
		uint32_t waited = 0;

		while (!done) {
			WEIR_REQUIRE(waited++ < 10000);
			scene_turns(scene, 1);
		}
		/* From here on nothing reaches it, neither by what was in flight nor by what the rings still say. */
		memset(bad->memory, 0x99, HOST_MEMORY_BYTES);
		for (uint32_t i = 0; i < 20; i++) {
			host_doorbell(bad, 0, WEIR_DOORBELL_TX_TAIL, bad->tx[0].tail + i);
			host_write(bad, WEIR_REG_ADMIN_SQ_TAIL, bad->admin_tail);
			scene_frame(scene, scene->peer, bad);
			scene_settle(scene);
		}
		for (uint32_t i = 0; i < HOST_MEMORY_BYTES; i++)
			WEIR_REQUIRE_EQ(bad->memory[i], 0x99);
		/* The model says who reached where. */
		struct weirsim_fault fault;

		WEIR_REQUIRE(weirsim_iommu_faults(host->sim, &fault, 1) == 1);
		WEIR_EXPECT_EQ(fault.function, bad->index);
		WEIR_EXPECT_EQ(fault.reason, WEIRSIM_FAULT_UNMAPPED);
		WEIR_EXPECT(fault.address >= bad->iova &&
			    fault.address < bad->iova + HOST_MEMORY_BYTES);
		/* A reset and its memory back make it whole again. */
		host_flr(bad);
		host_settle(host);
		host_forget(bad);
		WEIR_REQUIRE_EQ(weirsim_dma_map(host->sim, bad->index, bad->iova, bad->memory,
						HOST_MEMORY_BYTES, WEIRSIM_READ | WEIRSIM_WRITE),
				0);
		WEIR_REQUIRE(host_up(bad, test_mac(1), 1, 2048, round % 2));
		scene_settle(scene);
		scene_expect_attacker_works(scene);
		scene_end(scene);
	}
}

const struct weir_test fault_tests[] = {
	{ "faults.frames_that_cannot_be_read_are_dropped", frames_that_cannot_be_read_are_dropped },
	{ "faults.buffers_that_cannot_be_written_come_back_with_an_error",
	  buffers_that_cannot_be_written_come_back_with_an_error },
	{ "faults.a_broadcast_reaches_the_others_past_a_bad_buffer",
	  a_broadcast_reaches_the_others_past_a_bad_buffer },
	{ "faults.rings_out_of_reach_stop_their_queue_alone",
	  rings_out_of_reach_stop_their_queue_alone },
	{ "faults.a_stopped_queue_writes_and_raises_nothing_more",
	  a_stopped_queue_writes_and_raises_nothing_more },
	{ "faults.unmapping_under_traffic_gives_the_memory_back",
	  unmapping_under_traffic_gives_the_memory_back },
};
const size_t fault_test_count = WEIR_TESTS(fault_tests);
