/* SPDX-License-Identifier: GPL-2.0-only */
/* Transmit rings, as the stack and XDP programs share them. */
#ifndef WEIR_TX_H
#define WEIR_TX_H

#include <linux/dma-mapping.h>
#include <linux/skbuff.h>

#include "weir_hw.h"

/* The longest piece of memory that a descriptor may name (specs: tx_descriptor.length) */
#define WEIR_TX_PIECE_BYTES 16384u
/*
 * Descriptors of an skb beyond those of its fragments: its head in two, headers and payload, and
 * what is longer than a piece in several.
 */
#define WEIR_TX_MORE_PIECES (2 + WEIR_SEGMENT_FRAME_BYTES / WEIR_TX_PIECE_BYTES)
/*
 * Room for one more skb, whatever its fragments (more of them are linearized): below it the queue
 * is stopped.
 */
#define WEIR_TX_STOP (min_t(unsigned int, MAX_SKB_FRAGS + WEIR_TX_MORE_PIECES, WEIR_MAX_SEGMENTS))
#define WEIR_TX_WAKE (WEIR_TX_STOP + WEIR_TX_STOP / 2)

/* What a frame's first descriptors ask for. */
struct weir_tx_ask {
	u16 flags;
	u16 vlan_tci;
	u16 checksum;
	/* of a frame that is cut, else 0: where the first descriptor ends, what the second says */
	u16 header_bytes;
	u16 mss;
};

static inline u16 weir_tx_room(const struct weir_tx_ring *tx)
{
	return tx->size - (u16)(READ_ONCE(tx->tail) - READ_ONCE(tx->clean));
}

/* Puts a mapped piece into slot and descriptor @at of the ring; flags are left zero, for who has some to set. */
static inline struct weir_tx_descriptor *weir_tx_place(struct weir_tx_ring *tx, u16 at,
							dma_addr_t dma, unsigned int length,
							bool is_page)
{
	u16 place = at & (tx->size - 1);
	struct weir_tx_descriptor *descriptor = &tx->descriptors[place];
	struct weir_tx_slot *slot = &tx->slots[place];

	slot->skb = NULL;
	slot->is_page = is_page;
	slot->is_xdp = false;
	slot->wants_time = false;
	dma_unmap_addr_set(slot, dma, dma);
	dma_unmap_len_set(slot, length, length);
	*descriptor = (struct weir_tx_descriptor) {
		.address = cpu_to_le64(dma),
		.length = cpu_to_le16(length),
	};
	return descriptor;
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

bool weir_segment_prepare(const struct weir_device *weir, struct sk_buff *skb);
void weir_segment_ask(const struct sk_buff *skb, struct weir_tx_ask *ask);
void weir_segment_wire(const struct sk_buff *skb, unsigned int *frames, unsigned int *bytes);

#endif
