/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <string.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include "weir_cunit.h"

#define SHADOW_BYTES sizeof(struct weir_shadow_doorbell)

int weir_logtype;

static struct fake *running;

void weir_device_suspect(struct weir_device *device)
{
	if (device == &running->device)
		running->suspected++;
}

int fake_start_dpdk(void)
{
	char *arguments[] = {
		(char *)"test",		  (char *)"--no-huge",	      (char *)"-m", (char *)"128",
		(char *)"--no-pci",	  (char *)"--no-shconf",      (char *)"-l", (char *)"0",
		(char *)"--no-telemetry", (char *)"--log-level=error"
	};

	return rte_eal_init((int)RTE_DIM(arguments), arguments) < 0 ? -1 : 0;
}

static void *zeroed(size_t bytes)
{
	void *memory = rte_zmalloc("fake", bytes, 128);

	WEIR_REQUIRE(memory != NULL);
	return memory;
}

/* What every mbuf has that comes from a queue. */
static uint64_t rearm_of(uint16_t offset)
{
	struct rte_mbuf fresh = { .data_off = offset, .nb_segs = 1, .port = 7 };
	uint64_t rearm;

	rte_mbuf_refcnt_set(&fresh, 1);
	memcpy(&rearm, RTE_PTR_ADD(&fresh, offsetof(struct rte_mbuf, data_off)), sizeof(rearm));
	return rearm;
}

/* A receive queue of the fake's pools; split->mode is 0 if it does not split. */
static void new_rx(struct fake *fake, uint16_t descriptors, const struct weir_split *split)
{
	struct weir_rx_queue *queue = zeroed(sizeof(*queue));
	uint32_t entries, completions;

	queue->ring_log2 = weir_log2_ceil(descriptors);
	queue->completion_log2 = (uint8_t)(queue->ring_log2 + (split->mode != 0));
	entries = 1u << queue->ring_log2;
	completions = 1u << queue->completion_log2;
	queue->device = &fake->device;
	queue->descriptors = descriptors;
	queue->capacity = descriptors;
	queue->mask = (uint16_t)(entries - 1);
	queue->completion_mask = (uint16_t)(completions - 1);
	queue->pool = split->pool;
	queue->buffer_bytes = split->buffer_bytes;
	queue->free_threshold = WEIR_RX_FREE_THRESHOLD;
	queue->good_flags = WEIR_RXC_END_MASK | WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION);
	queue->rearm = rearm_of(split->offset);
	queue->header_rearm = rearm_of(split->header_offset);
	queue->split = *split;
	queue->buffers = zeroed(entries * sizeof(queue->buffers[0]));
	if (split->mode)
		queue->headers = zeroed(entries * sizeof(queue->headers[0]));
	fake->completions = zeroed(completions * sizeof(fake->completions[0]));
	queue->completions = fake->completions;
	queue->ring = zeroed(entries * sizeof(struct weir_rx_split_buffer));
	queue->shadow = zeroed(SHADOW_BYTES);
	queue->shadow->event_index = weir_cpu_to_le32(WEIR_EVENT_INDEX_BUSY);
	fake->rx = queue;
	WEIR_REQUIRE_EQ(weir_rx_fill(queue), 0);
	weir_rx_announce(queue);
	weir_gate_open(&queue->gate);
}

static void new_tx(struct fake *fake, uint16_t descriptors)
{
	struct weir_tx_queue *queue = zeroed(sizeof(*queue));
	uint32_t entries;

	queue->ring_log2 = weir_log2_ceil(descriptors);
	entries = 1u << queue->ring_log2;
	queue->device = &fake->device;
	queue->descriptors = descriptors;
	queue->capacity = descriptors;
	queue->mask = (uint16_t)(entries - 1);
	queue->free_threshold = RTE_MIN(WEIR_TX_FREE_THRESHOLD, descriptors / 2);
	queue->max_segments = WEIR_MAX_SEGMENTS;
	queue->max_frame_bytes = WEIR_MAX_FRAME_BYTES;
	queue->ring = zeroed(entries * sizeof(queue->ring[0]));
	queue->mbufs = zeroed(entries * sizeof(queue->mbufs[0]));
	queue->shadow = zeroed(SHADOW_BYTES);
	queue->shadow->event_index = weir_cpu_to_le32(WEIR_EVENT_INDEX_BUSY);
	fake->head = zeroed(64);
	queue->head = fake->head;
	fake->tx = queue;
	weir_gate_open(&queue->gate);
}

static struct rte_mempool *new_pool(unsigned int mbufs, uint32_t bytes)
{
	static unsigned int number;
	struct rte_mempool *pool;
	char name[32];

	snprintf(name, sizeof(name), "fake_pool_%u", number++);
	pool = rte_pktmbuf_pool_create(name, mbufs, 0, 0, (uint16_t)bytes, 0);
	WEIR_REQUIRE(pool != NULL);
	return pool;
}

/* Queues of pools that there are. */
static void start(struct fake *fake, uint16_t descriptors, const struct weir_split *split)
{
	running = fake;
	memset(fake->doorbells, 0xff, sizeof(fake->doorbells));
	fake->transport.doorbells = (volatile uint8_t *)fake->doorbells;
	fake->device.transport = &fake->transport;
	fake->device.data = &fake->data;
	fake->device.limits.stride_log2 = WEIR_DOORBELL_STRIDE_LOG2;
	snprintf(fake->device.name, sizeof(fake->device.name), "fake");
	new_rx(fake, descriptors, split);
	new_tx(fake, descriptors);
}

struct fake *fake_new(uint16_t descriptors, unsigned int mbufs, uint16_t room_bytes)
{
	struct fake *fake = zeroed(sizeof(*fake));

	fake->pool = new_pool(mbufs, RTE_PKTMBUF_HEADROOM + (uint32_t)room_bytes);
	start(fake, descriptors,
	      &(struct weir_split){ .pool = fake->pool,
				    .offset = RTE_PKTMBUF_HEADROOM,
				    .buffer_bytes = room_bytes });
	return fake;
}

struct fake *fake_new_split(uint16_t descriptors, unsigned int headers, unsigned int mbufs,
			    uint16_t kinds)
{
	struct fake *fake = zeroed(sizeof(*fake));

	fake->pool = new_pool(mbufs, FAKE_REST_OFFSET + FAKE_REST_BYTES);
	fake->header_pool = new_pool(headers, RTE_PKTMBUF_HEADROOM + FAKE_HEADER_BYTES);
	start(fake, descriptors,
	      &(struct weir_split){ .pool = fake->pool,
				    .header_pool = fake->header_pool,
				    .offset = FAKE_REST_OFFSET,
				    .header_offset = RTE_PKTMBUF_HEADROOM,
				    .buffer_bytes = FAKE_REST_BYTES,
				    .header_bytes = FAKE_HEADER_BYTES,
				    .mode = WEIR_SPLIT_MODE_L4,
				    .kinds = kinds });
	return fake;
}

void fake_end(struct fake *fake)
{
	for (uint32_t slot = 0; slot <= fake->rx->mask; slot++) {
		rte_pktmbuf_free(fake->rx->buffers[slot]);
		if (fake->rx->headers)
			rte_pktmbuf_free(fake->rx->headers[slot]);
	}
	if (fake->rx->in_frame)
		rte_pktmbuf_free(fake->rx->partial);
	for (uint16_t at = fake->tx->reclaimed; at != fake->tx->tail; at++)
		rte_pktmbuf_free(fake->tx->mbufs[at & fake->tx->mask]);
	WEIR_EXPECT_EQ(rte_mempool_avail_count(fake->pool), fake->pool->size);
	rte_mempool_free(fake->pool);
	if (fake->header_pool) {
		WEIR_EXPECT_EQ(rte_mempool_avail_count(fake->header_pool), fake->header_pool->size);
		rte_mempool_free(fake->header_pool);
	}
	rte_free(fake->rx->headers);
	rte_free(fake->rx->buffers);
	rte_free(fake->completions);
	rte_free(fake->rx->ring);
	rte_free(fake->rx->shadow);
	rte_free(fake->rx);
	rte_free(fake->tx->ring);
	rte_free(fake->tx->mbufs);
	rte_free(fake->tx->shadow);
	rte_free(fake->head);
	rte_free(fake->tx);
	rte_free(fake);
}

void fake_complete_raw(struct fake *fake, uint16_t buffer, uint16_t length, uint32_t flags,
		       uint16_t vlan_tci, uint32_t flow_hash)
{
	struct weir_rx_completion *entry =
		&fake->completions[fake->completed & fake->rx->completion_mask];

	entry->flow_hash = weir_cpu_to_le32(flow_hash);
	entry->length = weir_cpu_to_le16(length);
	entry->buffer = weir_cpu_to_le16(buffer);
	entry->vlan_tci = weir_cpu_to_le16(vlan_tci);
	entry->packet_type = 0;
	__atomic_store_n(&entry->flags,
			 weir_cpu_to_le32(flags | weir_ring_phase(fake->completed,
								  fake->rx->completion_log2)),
			 __ATOMIC_RELEASE);
	fake->completed++;
}

void fake_complete(struct fake *fake, uint16_t buffer, uint16_t length, uint32_t flags)
{
	fake_complete_raw(fake, buffer, length,
			  flags | WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION), 0, 0);
}

uint16_t fake_rx_tail(const struct fake *fake)
{
	return (uint16_t)weir_le32_to_cpu(fake->rx->shadow->tail);
}

uint16_t fake_tx_tail(const struct fake *fake)
{
	return (uint16_t)weir_le32_to_cpu(fake->tx->shadow->tail);
}

bool fake_rung(struct fake *fake, uint32_t doorbell, uint16_t *value)
{
	uint32_t written = fake->doorbells[doorbell / 4];

	fake->doorbells[doorbell / 4] = UINT32_MAX;
	if (value)
		*value = (uint16_t)written;
	return written != UINT32_MAX;
}

struct rte_mbuf *frame_new(struct fake *fake, uint16_t length, uint16_t shift)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(fake->pool);

	WEIR_REQUIRE(frame != NULL);
	frame->data_off = (uint16_t)(frame->data_off + shift);
	frame->data_len = length;
	frame->pkt_len = length;
	return frame;
}
