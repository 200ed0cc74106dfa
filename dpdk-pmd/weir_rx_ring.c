/* SPDX-License-Identifier: BSD-3-Clause */
/* A receive queue's rings between bursts: filled and told at its start, and what applications ask about them. */
#include "weir_rx_ring.h"

#include <errno.h>

int weir_rx_fill(struct weir_rx_queue *queue)
{
	uint16_t room;

	while ((room = weir_rx_room(queue)))
		if (!(queue->headers ? weir_rx_post_pairs(queue, room)
				     : weir_rx_post_piece(queue, room)))
			return -ENOMEM;
	return 0;
}

void weir_rx_announce(struct weir_rx_queue *queue)
{
	if (queue->shadow)
		weir_shadow_store(queue->shadow, queue->posted);
	queue->checked = queue->posted;
	/* A device that has just been given the queue may know nothing of its shadow yet. */
	weir_rx_ring_doorbell(queue);
}

/* Completions that are written and not taken, at most `most`. */
static uint32_t count_written(const struct weir_rx_queue *queue, uint32_t most)
{
	uint32_t below = 0, above = most;

	/* They are written in order, so the border can be searched for. */
	while (below < above) {
		uint32_t middle = (below + above) / 2;

		if (weir_rx_written(queue, (uint16_t)middle))
			below = middle + 1;
		else
			above = middle;
	}
	return below;
}

/* Entries that completions written so far are about, of a queue that splits: a frame has one more than it has entries, or none. */
static uint32_t count_pairs(const struct weir_rx_queue *queue)
{
	uint16_t posted = weir_rx_outstanding(queue), last;
	uint32_t written = count_written(queue, RTE_MIN(2u * posted, queue->completion_mask + 1u));

	if (!written)
		return 0;
	weir_load_fence();
	last = weir_le16_to_cpu(
		weir_rx_completion_at(queue, (uint16_t)(queue->taken + written - 1))->buffer);
	last = weir_ring_ahead(last, (uint16_t)(queue->taken + queue->more_used));
	return RTE_MIN(last + 1u, (uint32_t)posted);
}

uint32_t weir_rx_queue_count(void *opaque)
{
	const struct weir_rx_queue *queue = opaque;

	return queue->headers ? count_pairs(queue)
			      : count_written(queue, weir_rx_outstanding(queue));
}

int weir_rx_descriptor_status(void *opaque, uint16_t offset)
{
	const struct weir_rx_queue *queue = opaque;
	bool done;

	if (offset >= queue->descriptors)
		return -EINVAL;
	if (offset >= weir_rx_outstanding(queue))
		return RTE_ETH_RX_DESC_UNAVAIL;
	done = queue->headers ? offset < count_pairs(queue) : weir_rx_written(queue, offset);
	return done ? RTE_ETH_RX_DESC_DONE : RTE_ETH_RX_DESC_AVAIL;
}
