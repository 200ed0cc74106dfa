// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending, and cleaning up behind the card (specs/data-queues.md, "Transmit"). A fast path: no
 * register is read, no lock taken and no memory allocated. Barriers: see weir_doorbell.h.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>
#include <net/xdp.h>

#include "weir_doorbell.h"
#include "weir_hw.h"
#include "weir_tx.h"

/**
 * weir_tx_publish() - tell the card of every frame up to the tail
 * @weir: the function
 * @tx: the ring, its queue's lock held
 *
 * The last one shall be reported (specs: tx_descriptor.REPORT).
 */
void weir_tx_publish(const struct weir_device *weir, struct weir_tx_ring *tx)
{
	if (tx->doorbell.tail == tx->tail)
		return;
	tx->descriptors[tx->last_end].flags |= cpu_to_le16(WEIR_TXD_REPORT_MASK);
	if (weir_doorbell_publish(weir, &tx->doorbell, tx->tail)) {
		u64_stats_update_begin(&tx->stats->sync);
		u64_stats_inc(&tx->stats->doorbells);
		u64_stats_update_end(&tx->stats->sync);
	}
}

static void weir_tx_count_drop(struct weir_tx_ring *tx)
{
	u64_stats_update_begin(&tx->stats->sync);
	u64_stats_inc(&tx->stats->dropped);
	u64_stats_update_end(&tx->stats->sync);
}

/*
 * Whether the card can put in the checksum that the stack leaves to it (specs/checksum.md, "Limits").
 */
static bool weir_tx_reaches_checksum(const struct weir_device *weir, struct sk_buff *skb)
{
	unsigned int start = skb_checksum_start_offset(skb);
	unsigned int end = start + skb->csum_offset + (skb_csum_is_sctp(skb) ? 4 : 2);

	return weir->features & WEIR_REG_FEATURES_CHECKSUM_MASK &&
	       start >= WEIR_CHECKSUM_START_MIN && end <= WEIR_CHECKSUM_REACH_BYTES;
}

/* Makes the skb something the card can send, or says that it can't be. */
static bool weir_tx_prepare(struct weir_device *weir, struct weir_tx_ring *tx, struct sk_buff *skb)
{
	unsigned int tag = skb_vlan_tag_present(skb) ? VLAN_HLEN : 0;

	if (skb_is_gso(skb))
		return weir_segment_prepare(weir, skb);
	if (unlikely(skb->len < WEIR_MIN_FRAME_BYTES || skb->len + tag > weir->max_frame_bytes))
		return false;
	if (unlikely(skb_shinfo(skb)->nr_frags + 1 > tx->max_segments || skb_has_frag_list(skb))) {
		if (skb_linearize(skb))
			return false;
		u64_stats_update_begin(&tx->stats->sync);
		u64_stats_inc(&tx->stats->linearized);
		u64_stats_update_end(&tx->stats->sync);
	}
	/* Beyond the card's reach: as if it could do none, which is ours to do then. */
	if (skb->ip_summed == CHECKSUM_PARTIAL && unlikely(!weir_tx_reaches_checksum(weir, skb)))
		return !skb_csum_hwoffload_help(skb, 0);
	return true;
}

static struct weir_tx_ask weir_tx_ask(struct sk_buff *skb, bool wants_time)
{
	struct weir_tx_ask ask = {};

	if (skb_vlan_tag_present(skb)) {
		ask.flags = WEIR_TXD_VLAN_MASK;
		if (skb->vlan_proto == htons(ETH_P_8021AD))
			ask.flags |= WEIR_TXD_VLAN_8021AD_MASK;
		ask.vlan_tci = skb_vlan_tag_get(skb);
	}
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		ask.flags |= WEIR_TXD_CHECKSUM_MASK;
		if (skb_csum_is_sctp(skb))
			ask.flags |= WEIR_TXD_CRC32C_MASK;
		ask.checksum = WEIR_PREP(WEIR_TXD_START, skb_checksum_start_offset(skb)) |
			       WEIR_PREP(WEIR_TXD_OFFSET, skb->csum_offset);
	}
	if (skb_is_gso(skb))
		weir_segment_ask(skb, &ask);
	if (wants_time)
		ask.flags |= WEIR_TXD_TIMESTAMP_MASK;
	return ask;
}

/*
 * Whether the card is to tell when the skb was sent: its socket asks, and the user allows it. Of what
 * the card cuts it tells no time.
 */
static bool weir_tx_wants_time(const struct weir_device *weir, const struct weir_tx_ring *tx,
			       struct sk_buff *skb)
{
	return unlikely(skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP) && tx->reports &&
	       READ_ONCE(weir->tx_times) && !skb_is_gso(skb);
}

/* Takes back what was reported of an earlier frame at this place (specs/time.md, step 1). */
static void weir_tx_await_time(struct weir_tx_ring *tx, u16 place, struct sk_buff *skb)
{
	tx->reports[place].flags = 0;
	tx->slots[place].wants_time = true;
	skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
}

/* A frame on its way into the ring. */
struct weir_tx_fill {
	struct weir_device *weir;
	struct weir_tx_ring *tx;
	struct weir_tx_ask ask;
	unsigned int count; /* descriptors written */
};

/*
 * Maps memory, of the head at @data or else of @frag, and writes its descriptors, none if it is
 * empty: the card drops a frame with an empty segment.
 * Return: false if it could not be mapped.
 */
static bool weir_tx_add(struct weir_tx_fill *fill, void *data, const skb_frag_t *frag,
			unsigned int bytes)
{
	struct weir_tx_descriptor *descriptor;
	struct device *dev = fill->weir->dev;
	unsigned int at = 0, piece;
	dma_addr_t dma;

	for (; at < bytes; at += piece) {
		piece = min(bytes - at, WEIR_TX_PIECE_BYTES);
		dma = data ? dma_map_single(dev, data + at, piece, DMA_TO_DEVICE) :
			     skb_frag_dma_map(dev, frag, at, piece, DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(dev, dma)))
			return false;
		descriptor = weir_tx_place(fill->tx, fill->tx->tail + fill->count, dma, piece, !data);
		if (!fill->count) {
			descriptor->flags = cpu_to_le16(fill->ask.flags);
			descriptor->vlan_tci = cpu_to_le16(fill->ask.vlan_tci);
			descriptor->checksum = cpu_to_le16(fill->ask.checksum);
		}
		fill->count++;
	}
	return true;
}

/*
 * Maps the skb and writes its descriptors.
 * Return: how many; 0 if it could not be mapped, and nothing is left mapped.
 */
static unsigned int weir_tx_map(struct weir_device *weir, struct weir_tx_ring *tx,
				struct sk_buff *skb, bool wants_time)
{
	struct weir_tx_fill fill = {
		.weir = weir, .tx = tx, .ask = weir_tx_ask(skb, wants_time),
	};
	unsigned int header_bytes = fill.ask.header_bytes, i;
	struct weir_tx_payload_descriptor *payload;

	if (unlikely(header_bytes && !weir_tx_add(&fill, skb->data, NULL, header_bytes)))
		goto unmap;
	if (unlikely(!weir_tx_add(&fill, skb->data + header_bytes, NULL,
				  skb_headlen(skb) - header_bytes)))
		goto unmap;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		if (unlikely(!weir_tx_add(&fill, NULL, frag, skb_frag_size(frag))))
			goto unmap;
	}
	if (header_bytes) {
		payload = (void *)&tx->descriptors[(u16)(tx->tail + 1) & (tx->size - 1)];
		payload->mss = cpu_to_le16(fill.ask.mss);
	}
	return fill.count;

unmap:
	while (fill.count--)
		weir_tx_unmap(weir->dev, &tx->slots[(u16)(tx->tail + fill.count) & (tx->size - 1)]);
	return 0;
}

/* Stops the stack when the ring may not hold another skb. */
static void weir_tx_maybe_stop(struct weir_tx_ring *tx, struct netdev_queue *queue)
{
	if (likely(weir_tx_room(tx) >= WEIR_TX_STOP))
		return;
	netif_tx_stop_queue(queue);
	u64_stats_update_begin(&tx->stats->sync);
	u64_stats_inc(&tx->stats->stopped);
	u64_stats_update_end(&tx->stats->sync);
	/*
	 * Pairs with the one in weir_tx_clean(): the cleaner sees the queue stopped, or we see its
	 * room.
	 */
	smp_mb();
	if (weir_tx_room(tx) >= WEIR_TX_STOP)
		netif_tx_start_queue(queue);
}

/**
 * weir_xmit() - ndo_start_xmit
 * @skb: the frame; ours from here on
 * @netdev: the interface
 *
 * specs/data-queues.md, "Transmit". While the stack has more frames in hand, the card is not told.
 *
 * Return: NETDEV_TX_OK, the frame sent or dropped and counted; NETDEV_TX_BUSY if the ring is full.
 */
netdev_tx_t weir_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct weir_device *weir = weir_of(netdev);
	u16 index = skb_get_queue_mapping(skb);
	struct weir_data *data = READ_ONCE(weir->data);
	struct netdev_queue *queue;
	struct weir_tx_ring *tx;
	unsigned int count, bytes;
	struct weir_tx_slot *end;
	bool wants_time;

	/*
	 * The queue may have been woken while it was being stopped; weir_data_halt() counts on this
	 * test.
	 */
	if (unlikely(!data || !READ_ONCE(data->sending) || index >= data->config.pairs)) {
		dev_kfree_skb_any(skb);
		dev_core_stats_tx_dropped_inc(netdev);
		return NETDEV_TX_OK;
	}
	tx = &data->pairs[index]->tx;
	queue = netdev_get_tx_queue(netdev, index);
	if (unlikely(weir_tx_room(tx) < WEIR_TX_STOP)) {
		weir_tx_maybe_stop(tx, queue);
		weir_tx_publish(weir, tx);
		return NETDEV_TX_BUSY;
	}
	if (unlikely(!weir_tx_prepare(weir, tx, skb)))
		goto drop;
	wants_time = weir_tx_wants_time(weir, tx, skb);
	count = weir_tx_map(weir, tx, skb, wants_time);
	if (unlikely(!count))
		goto drop;

	bytes = skb->len;
	tx->last_end = (u16)(tx->tail + count - 1) & (tx->size - 1);
	tx->descriptors[tx->last_end].flags |= cpu_to_le16(WEIR_TXD_END_MASK);
	end = &tx->slots[tx->last_end];
	end->skb = skb;
	if (unlikely(wants_time))
		weir_tx_await_time(tx, tx->last_end, skb);
	skb_tx_timestamp(skb);
	WRITE_ONCE(tx->tail, tx->tail + count);

	weir_tx_maybe_stop(tx, queue);
	if (__netdev_tx_sent_queue(queue, bytes, netdev_xmit_more()))
		weir_tx_publish(weir, tx);
	return NETDEV_TX_OK;

drop:
	dev_kfree_skb_any(skb);
	weir_tx_count_drop(tx);
	/* Frames before this one may wait for the doorbell that this one would have rung. */
	if (!netdev_xmit_more())
		weir_tx_publish(weir, tx);
	return NETDEV_TX_OK;
}

/* Gives an XDP frame's buffers back where they came from. Return: its length. */
static unsigned int weir_tx_return_frame(struct weir_tx_slot *slot, struct xdp_frame_bulk *bulk)
{
	unsigned int bytes = xdp_get_frame_len(slot->frame);

	rcu_read_lock();
	xdp_return_frame_bulk(slot->frame, bulk);
	rcu_read_unlock();
	slot->frame = NULL;
	return bytes;
}

/* Packets that the card has cut, as they came from the stack and as they left. */
struct weir_tx_large {
	unsigned int frames;
	unsigned int bytes;
	unsigned int wire_frames;
	unsigned int wire_bytes;
};

static void weir_tx_count_large(struct weir_tx_large *large, const struct sk_buff *skb)
{
	unsigned int frames, bytes;

	weir_segment_wire(skb, &frames, &bytes);
	large->frames++;
	large->bytes += skb->len;
	large->wire_frames += frames;
	large->wire_bytes += bytes;
}

/*
 * Gives a sent frame's socket the time the card has reported, if it has (specs/time.md, step 3).
 * The head that has passed the frame was read before.
 */
static void weir_tx_take_time(struct weir_tx_ring *tx, u16 place, struct sk_buff *skb)
{
	const struct weir_tx_report *report = &tx->reports[place];
	bool known = le32_to_cpu(READ_ONCE(report->flags)) & WEIR_TXR_TIME_MASK;
	struct skb_shared_hwtstamps times = {};

	if (known) {
		times.hwtstamp = ns_to_ktime(le64_to_cpu(report->time));
		skb_tstamp_tx(skb, &times);
	}
	u64_stats_update_begin(&tx->done_stats->sync);
	if (known)
		u64_stats_inc(&tx->done_stats->timestamps);
	else
		u64_stats_inc(&tx->done_stats->timestamps_missed);
	u64_stats_update_end(&tx->done_stats->sync);
}

/**
 * weir_tx_clean() - free what the card has sent, up to the head it wrote back
 * @pair: its queue pair
 * @budget: of the poll
 *
 * specs/data-queues.md, "Transmit", step 4.
 */
void weir_tx_clean(struct weir_pair *pair, int budget)
{
	struct weir_device *weir = pair->weir;
	struct weir_tx_ring *tx = &pair->tx;
	struct netdev_queue *queue = netdev_get_tx_queue(weir->netdev, pair->index);
	u16 clean = tx->clean;
	u16 head = le32_to_cpu(READ_ONCE(*tx->head));
	unsigned int frames = 0, bytes = 0, xdp_frames = 0, xdp_bytes = 0;
	struct weir_tx_large large = {};
	struct xdp_frame_bulk bulk;

	if (head == clean)
		return;
	if (unlikely((u16)(head - clean) > (u16)(READ_ONCE(tx->tail) - clean))) {
		pair->broken = true;
		weir_request_reset(weir, WEIR_RESET_BAD_COMPLETION);
		return;
	}
	/* The slots were written before the doorbell that led to this head: read them after it. */
	dma_rmb();
	for (; clean != head; clean++) {
		struct weir_tx_slot *slot = &tx->slots[clean & (tx->size - 1)];
		struct sk_buff *skb = slot->skb;

		if (unlikely(slot->is_xdp)) {
			/* netpoll, perhaps with interrupts off: their buffers have to wait. */
			if (!budget)
				break;
			weir_tx_unmap(weir->dev, slot);
			if (!xdp_frames++)
				xdp_frame_bulk_init(&bulk);
			xdp_bytes += weir_tx_return_frame(slot, &bulk);
			continue;
		}
		weir_tx_unmap(weir->dev, slot);
		if (skb) {
			if (unlikely(slot->wants_time))
				weir_tx_take_time(tx, clean & (tx->size - 1), skb);
			frames++;
			bytes += skb->len;
			if (skb_is_gso(skb))
				weir_tx_count_large(&large, skb);
			slot->skb = NULL;
			napi_consume_skb(skb, budget);
		}
	}
	if (unlikely(xdp_frames)) {
		rcu_read_lock();
		xdp_flush_frame_bulk(&bulk);
		rcu_read_unlock();
	}
	WRITE_ONCE(tx->clean, clean);
	tx->armed = false;
	/* The stack knows nothing of XDP's frames. */
	netdev_tx_completed_queue(queue, frames, bytes);

	u64_stats_update_begin(&tx->done_stats->sync);
	u64_stats_add(&tx->done_stats->frames,
		      frames + xdp_frames + large.wire_frames - large.frames);
	u64_stats_add(&tx->done_stats->bytes, bytes + xdp_bytes + large.wire_bytes - large.bytes);
	u64_stats_add(&tx->done_stats->large_frames, large.frames);
	u64_stats_add(&tx->done_stats->large_bytes, large.bytes);
	u64_stats_add(&tx->done_stats->large_wire_frames, large.wire_frames);
	u64_stats_add(&tx->done_stats->large_wire_bytes, large.wire_bytes);
	u64_stats_update_end(&tx->done_stats->sync);

	/* Pairs with the one in weir_tx_maybe_stop(). */
	smp_mb();
	if (unlikely(netif_tx_queue_stopped(queue)) &&
	    weir_tx_room(tx) >= min_t(u16, WEIR_TX_WAKE, tx->size)) {
		netif_tx_wake_queue(queue);
		u64_stats_update_begin(&tx->done_stats->sync);
		u64_stats_inc(&tx->done_stats->woken);
		u64_stats_update_end(&tx->done_stats->sync);
	}
}

/**
 * weir_tx_drop_all() - free all frames of a transmit ring, sent or not
 * @pair: its queue pair; the card does not read the ring any more, and nobody sends
 */
void weir_tx_drop_all(struct weir_pair *pair)
{
	struct weir_tx_ring *tx = &pair->tx;

	for (; tx->clean != tx->tail; tx->clean++) {
		struct weir_tx_slot *slot = &tx->slots[tx->clean & (tx->size - 1)];

		weir_tx_unmap(pair->weir->dev, slot);
		if (slot->is_xdp)
			xdp_return_frame(slot->frame);
		else
			dev_kfree_skb_any(slot->skb);
		slot->skb = NULL;
	}
}
