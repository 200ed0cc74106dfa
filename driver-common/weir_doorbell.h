/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the card is told of a ring's tail (specs/data-queues.md, "Doorbells" and "Shadow doorbells").
 *
 * Indices of data queues are free-running 16-bit counters as in the ABI: an entry's place is the
 * index under a mask, distances are differences modulo 2^16, and no ring has more than 2^15
 * entries. Barriers, for them all:
 *
 *   entries before the tail      writel() orders coherent memory before the doorbell;
 *                                dma_wmb() before a shadow
 *   tail before the event index  mb(): a store and a load that the card does the other way round
 *   flag before the entry        dma_rmb() after the phase bit or the head was seen
 */
#ifndef WEIR_DOORBELL_H
#define WEIR_DOORBELL_H

#include "weir_hw.h"

/**
 * weir_doorbell_publish() - tell the card of entries up to a tail
 * @weir: the function
 * @doorbell: of the ring
 * @tail: free-running count of entries, all written
 *
 * Return: whether the doorbell in BAR2 was rung; else the shadow did.
 */
static inline bool weir_doorbell_publish(const struct weir_device *weir,
					 struct weir_doorbell *doorbell, u16 tail)
{
	u16 old = doorbell->tail;
	u32 event;

	doorbell->tail = tail;
	if (doorbell->shadow) {
		/* Ring entries are visible to the card before the tail that covers them. */
		dma_wmb();
		WRITE_ONCE(doorbell->shadow->tail, cpu_to_le32(tail));
		/*
		 * Either the card, about to sleep, sees this tail after it stored its event index,
		 * or we see that event index: the store above must not pass the load below.
		 */
		mb();
		event = le32_to_cpu(READ_ONCE(doorbell->shadow->event_index));
		if (event & BIT(31))
			return false;
		if ((u16)(tail - (u16)event - 1) >= (u16)(tail - old))
			return false;
	}
	/* The queue is known to be gone, and the card would take offence. */
	if (unlikely(READ_ONCE(weir->quiet)))
		return false;
	/* Orders all that was written to coherent memory before it. */
	writel(tail, doorbell->address);
	return true;
}

#endif
