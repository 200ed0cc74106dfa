/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rings of a receive queue, for those who fill and empty them: buffers are posted, completions looked for. Used buffers are replaced in
 * batches; their new tail is one store.
 *
 * The doorbell rule for a new tail is asked at the beginning of the next burst, when the store has long left the core, so that its fence
 * costs next to nothing. No frame can wait for that: an application that wants frames polls (or arms the interrupt, which asks, too).
 */
#ifndef WEIR_RX_RING_H
#define WEIR_RX_RING_H

#include <string.h>

#include "weir_queues.h"

/* --- completions ---------------------------------------------------------------------------------- */

/** The completion of a count, whatever its format; bursts of frames without times know that there is but one. */
static inline const volatile struct weir_rx_completion *weir_rx_completion_at(
	const struct weir_rx_queue *queue, uint16_t count)
{
	uint32_t slot = count & queue->completion_mask;

	return &queue->completions[(slot << queue->timed) + queue->timed];
}

/** Whether the completion `ahead` places from the next one has been written. */
static inline bool weir_rx_written(const struct weir_rx_queue *queue, uint16_t ahead)
{
	uint16_t place = (uint16_t)(queue->taken + ahead);
	uint32_t flags = weir_load32(&weir_rx_completion_at(queue, place)->flags);

	return ((flags ^ weir_ring_phase(place, queue->completion_log2)) & WEIR_RXC_PHASE_MASK) ==
	       0;
}

/* --- buffers --------------------------------------------------------------------------------------- */

/* Of `count` slots from `slot` on, those at the beginning that are free; all, if order was always kept. */
static inline uint16_t weir_rx_free_slots(const struct weir_rx_queue *queue, uint16_t slot,
					  uint16_t count)
{
	uint16_t free = 0;

	if (likely(!queue->disordered))
		return count;
	while (free < count && !queue->buffers[slot + free])
		free++;
	return free;
}

/* Of `count` entries that are to be posted, how many can be in one piece. */
static inline uint16_t weir_rx_piece(const struct weir_rx_queue *queue, uint16_t count)
{
	uint16_t slot = queue->posted & queue->mask;

	count = RTE_MIN(count, (uint16_t)(queue->mask + 1u - slot));
	count = RTE_MIN(count, (uint16_t)WEIR_POOL_PIECE);
	return weir_rx_free_slots(queue, slot, count);
}

/* `count` mbufs for slots that are free; false, and counted: there are none. */
static inline bool weir_rx_get(struct weir_rx_queue *queue, struct rte_mempool *pool,
			       struct rte_mbuf **buffers, uint16_t count)
{
	if (likely(rte_mempool_get_bulk(pool, (void **)buffers, count) >= 0))
		return true;
	/* The pool leaves garbage where it failed. */
	memset(buffers, 0, count * sizeof(buffers[0]));
	queue->no_mbufs++;
	queue->device->data->rx_mbuf_alloc_failed += count;
	return false;
}

/** Puts up to `count` buffers from the mempool into the ring, without telling the device; returns how many. */
static inline uint16_t weir_rx_post_piece(struct weir_rx_queue *queue, uint16_t count)
{
	uint16_t slot = queue->posted & queue->mask;
	struct rte_mbuf **buffers = &queue->buffers[slot];
	struct weir_rx_buffer *entries = &queue->ring[slot];

	count = weir_rx_piece(queue, count);
	if (unlikely(count == 0) || unlikely(!weir_rx_get(queue, queue->pool, buffers, count)))
		return 0;
	for (uint16_t i = 0; i < count; i++)
		entries[i].address = weir_cpu_to_le64(rte_mbuf_data_iova_default(buffers[i]));
	queue->posted += count;
	return count;
}

/** The same of a queue that splits: pairs of buffers. */
static inline uint16_t weir_rx_post_pairs(struct weir_rx_queue *queue, uint16_t count)
{
	const struct weir_split *split = &queue->split;
	uint16_t slot = queue->posted & queue->mask;
	struct rte_mbuf **buffers = &queue->buffers[slot], **headers = &queue->headers[slot];
	struct weir_rx_split_buffer *entries = (struct weir_rx_split_buffer *)queue->ring + slot;

	count = weir_rx_piece(queue, count);
	if (unlikely(count == 0) ||
	    unlikely(!weir_rx_get(queue, split->header_pool, headers, count)))
		return 0;
	if (unlikely(!weir_rx_get(queue, queue->pool, buffers, count))) {
		rte_mempool_put_bulk(split->header_pool, (void **)headers, count);
		memset(headers, 0, count * sizeof(headers[0]));
		return 0;
	}
	for (uint16_t i = 0; i < count; i++) {
		entries[i].header =
			weir_cpu_to_le64(rte_mbuf_iova_get(headers[i]) + split->header_offset);
		entries[i].address =
			weir_cpu_to_le64(rte_mbuf_iova_get(buffers[i]) + split->offset);
	}
	queue->posted += count;
	return count;
}

/** Tells the device the tail by its register. */
static inline void weir_rx_ring_doorbell(struct weir_rx_queue *queue)
{
	queue->doorbells++;
	weir_doorbell_ring(queue->device->transport,
			   weir_doorbell_offset(queue->device, queue->index, WEIR_DOORBELL_RX_TAIL),
			   queue->posted);
}

/** Buffers that came back less buffers that replaced them. */
static inline uint16_t weir_rx_room(const struct weir_rx_queue *queue)
{
	return (uint16_t)(queue->capacity - weir_rx_outstanding(queue));
}

/** Replaces buffers that came back, when they are worth it; their tail is one store. splits: queue->headers, a constant. */
static __rte_always_inline void weir_rx_post(struct weir_rx_queue *queue, const bool splits)
{
	uint16_t before = queue->posted, room;

	do {
		room = weir_rx_room(queue);
	} while (room >= queue->free_threshold &&
		 (splits ? weir_rx_post_pairs(queue, room) : weir_rx_post_piece(queue, room)));
	if (queue->posted == before)
		return;
	if (likely(queue->shadow != NULL)) {
		weir_shadow_store(queue->shadow, queue->posted);
	} else {
		queue->checked = queue->posted;
		weir_rx_ring_doorbell(queue);
	}
}

/** Asks the doorbell rule for the tail that the last burst left. */
static inline void weir_rx_check_doorbell(struct weir_rx_queue *queue)
{
	uint16_t before = queue->checked;

	if (likely(before == queue->posted))
		return;
	queue->checked = queue->posted;
	if (weir_shadow_wants_doorbell(queue->shadow, before, queue->posted))
		weir_rx_ring_doorbell(queue);
}

#endif
