/* SPDX-License-Identifier: BSD-3-Clause */
/* A receive queue's rings between bursts: filled and told at its start, and what applications ask about them. */
#include "weir_rx_ring.h"

#include <errno.h>

int weir_rx_fill(struct weir_rx_queue *queue)
{
	while (weir_rx_room(queue))
		if (!weir_rx_post_piece(queue, weir_rx_room(queue)))
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

uint32_t weir_rx_queue_count(void *opaque)
{
	const struct weir_rx_queue *queue = opaque;
	uint16_t posted = weir_rx_outstanding(queue);
	uint32_t below = 0, above = posted;

	/* Completions are written in order, so the border can be searched for. */
	while (below < above) {
		uint32_t middle = (below + above) / 2;

		if (weir_rx_written(queue, (uint16_t)middle))
			below = middle + 1;
		else
			above = middle;
	}
	return below;
}

int weir_rx_descriptor_status(void *opaque, uint16_t offset)
{
	const struct weir_rx_queue *queue = opaque;

	if (offset >= queue->descriptors)
		return -EINVAL;
	if (offset >= weir_rx_outstanding(queue))
		return RTE_ETH_RX_DESC_UNAVAIL;
	return weir_rx_written(queue, offset) ? RTE_ETH_RX_DESC_DONE : RTE_ETH_RX_DESC_AVAIL;
}
