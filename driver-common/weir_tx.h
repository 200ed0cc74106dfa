/* SPDX-License-Identifier: GPL-2.0-only */
/* Transmit rings, as the stack and XDP programs share them. */
#ifndef WEIR_TX_H
#define WEIR_TX_H

#include <linux/dma-mapping.h>
#include <linux/skbuff.h>

#include "weir_hw.h"

/*
 * Room for one more skb, whatever its fragments (more of them are linearized): below it the queue
 * is stopped.
 */
#define WEIR_TX_STOP (min_t(unsigned int, MAX_SKB_FRAGS + 1, WEIR_MAX_SEGMENTS))
#define WEIR_TX_WAKE (2 * WEIR_TX_STOP)

static inline u16 weir_tx_room(const struct weir_tx_ring *tx)
{
	return tx->size - (u16)(READ_ONCE(tx->tail) - READ_ONCE(tx->clean));
}

static inline void weir_tx_unmap(struct device *dev, struct weir_tx_slot *slot)
{
	if (slot->is_page)
		dma_unmap_page(dev, dma_unmap_addr(slot, dma), dma_unmap_len(slot, length),
			       DMA_TO_DEVICE);
	else
		dma_unmap_single(dev, dma_unmap_addr(slot, dma), dma_unmap_len(slot, length),
				 DMA_TO_DEVICE);
}

#endif
