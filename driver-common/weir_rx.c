// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving (specs/data-queues.md, "Receive"): posting buffers, taking completions, putting frames
 * together. A fast path: no register is read, no lock taken and no memory allocated but buffers and
 * skbs. Barriers: see weir_doorbell.h.
 */
#include <linux/dma-mapping.h>
#include <linux/prefetch.h>
#include <linux/skbuff.h>

#include "weir_coalesce.h"
#include "weir_doorbell.h"
#include "weir_hw.h"
#include "weir_page_pool.h"
#include "weir_xdp.h"

/* Frames up to here are copied into a small skb, and their page is posted again at once. */
#define WEIR_COPY_BYTES WEIR_RX_HEADER_BYTES
/* Buffers are posted in batches, as each batch costs a doorbell. */
#define WEIR_FILL_BATCH 16

/* What is needed of a page beside a buffer: the room in front, and what an skb around it takes. */
static unsigned int weir_rx_overhead_bytes(void)
{
	return weir_rx_offset() + SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
}

/*
 * weir_rx_default_buffer_bytes() - the longest buffer that one page has room for; a multiple of 64
 */
u16 weir_rx_default_buffer_bytes(void)
{
	return round_down(min_t(unsigned int, PAGE_SIZE - weir_rx_overhead_bytes(),
				WEIR_RX_BUFFER_MAX_BYTES),
			  WEIR_RX_BUFFER_STEP);
}

/* weir_rx_least_buffer_bytes() - so that an skb has room for all of the longest frame's buffers */
u16 weir_rx_least_buffer_bytes(const struct weir_device *weir, bool split)
{
	/* What is split has nothing but its header in front of the fragments. */
	unsigned int bytes = DIV_ROUND_UP(weir->max_frame_bytes, MAX_SKB_FRAGS + !split);

	return round_up(max_t(unsigned int, bytes, WEIR_RX_BUFFER_MIN_BYTES), WEIR_RX_BUFFER_STEP);
}

/* weir_rx_most_buffer_bytes() - so that the longest frame fits one buffer */
u16 weir_rx_most_buffer_bytes(const struct weir_device *weir)
{
	unsigned int bytes = max_t(unsigned int, weir->max_frame_bytes,
				   weir_rx_default_buffer_bytes());

	return min_t(unsigned int, round_up(bytes, WEIR_RX_BUFFER_STEP), WEIR_RX_BUFFER_MAX_BYTES);
}

/* weir_rx_page_order() - order of the pages that buffers of a length need */
unsigned int weir_rx_page_order(u16 buffer_bytes)
{
	return get_order(weir_rx_overhead_bytes() + buffer_bytes);
}

static void weir_rx_post(struct weir_rx_ring *rx, u16 place)
{
	__le64 address = cpu_to_le64(weir_netmem_dma(rx->netmems[place]) + rx->offset);
	struct weir_rx_split_buffer *pairs = rx->buffers;
	struct weir_rx_buffer *singles = rx->buffers;

	if (likely(!rx->headers)) {
		singles[place].address = address;
		return;
	}
	pairs[place].address = address;
	pairs[place].header = cpu_to_le64(rx->headers_dma + place * WEIR_RX_HEADER_BYTES);
}

/*
 * Puts a buffer into each free place of the ring, as far as there is memory. The card is not told.
 */
static void weir_rx_fill(struct weir_rx_ring *rx)
{
	u16 posted = rx->posted;

	while ((u16)(posted - rx->returned) < rx->size) {
		u16 place = posted & (rx->size - 1);

		/*
		 * The card may complete buffers out of order: the one of the last lap is still out.
		 */
		if (unlikely(rx->netmems[place]))
			break;
		rx->netmems[place] = weir_pool_alloc(rx->pool, GFP_ATOMIC | __GFP_NOWARN);
		if (unlikely(!rx->netmems[place])) {
			u64_stats_update_begin(&rx->stats->sync);
			u64_stats_inc(&rx->stats->refill_failed);
			u64_stats_update_end(&rx->stats->sync);
			break;
		}
		weir_rx_post(rx, place);
		posted++;
	}
	rx->posted = posted;
	WRITE_ONCE(rx->starved, posted == rx->returned);
}

/**
 * weir_rx_rewind() - fill a receive ring from its beginning, with the pages it holds and new ones
 * @rx: the ring, which the card does not use
 */
void weir_rx_rewind(struct weir_rx_ring *rx)
{
	unsigned int place;

	rx->taken = 0;
	rx->returned = 0;
	for (place = 0; place < rx->size; place++) {
		if (!rx->netmems[place])
			rx->netmems[place] = weir_pool_alloc(rx->pool, GFP_KERNEL | __GFP_NOWARN);
		if (!rx->netmems[place])
			break;
		weir_rx_post(rx, place);
	}
	rx->posted = place;
	WRITE_ONCE(rx->starved, !place);
	/* Places that are not posted hold no page. */
	for (; place < rx->size; place++) {
		if (rx->netmems[place])
			weir_pool_put(rx->pool, rx->netmems[place], false);
		rx->netmems[place] = WEIR_NO_NETMEM;
	}
}

/**
 * weir_rx_publish() - tell the card of the buffers posted
 * @pair: its queue pair
 *
 * specs/data-queues.md, "Receive", step 1.
 */
void weir_rx_publish(struct weir_pair *pair)
{
	struct weir_rx_ring *rx = pair->rx;

	if (rx->doorbell.tail != rx->posted)
		weir_doorbell_publish(pair->weir, &rx->doorbell, rx->posted);
}

/**
 * weir_rx_drop_partial() - forget a frame of which not all buffers have come
 * @rx: the ring
 */
void weir_rx_drop_partial(struct weir_rx_ring *rx)
{
	if (rx->partial) {
		dev_kfree_skb_any(rx->partial);
		rx->partial = NULL;
	}
	if (unlikely(rx->detour & WEIR_RX_XDP))
		weir_xdp_drop_open(rx);
}

/* One completion as the card wrote it, checked. */
struct weir_rx_entry {
	u32 flags;
	u32 flow_hash;
	u16 length;
	u16 place;
	u16 vlan_tci;
	u16 segment; /* with COALESCED: rx_aggregate.segment */
	u64 time_ns; /* with TIMESTAMP */
};

/* A completion, behind the time where the ring has times (specs/time.md, "Received frames"). */
static const struct weir_rx_completion *weir_rx_completion_at(const struct weir_rx_ring *rx,
							      u16 place)
{
	const struct weir_rx_completion *all = rx->completions;

	return &all[rx->timed ? 2 * place + 1 : place];
}

/* When the completion's frame arrived. */
static u64 weir_rx_time_of(const struct weir_rx_completion *completion)
{
	const struct weir_rx_time *time = (const struct weir_rx_time *)completion - 1;

	BUILD_BUG_ON(sizeof(*time) != sizeof(*completion));
	return le64_to_cpu(time->time);
}

/*
 * Whether a completion may come here that is of a ring with header buffers, or says it is: a frame
 * begins with a header, and has no other; aggregates do not come (specs/header-split.md, "Buffers
 * and completions").
 */
static bool weir_rx_split_fits(const struct weir_rx_ring *rx, const struct weir_rx_entry *entry)
{
	bool is_begun = rx->partial || rx->detour & WEIR_RX_DISCARD;

	if (!(entry->flags & WEIR_RXC_HEADER_MASK))
		return is_begun;
	return rx->headers && !is_begun && entry->length <= WEIR_RX_HEADER_BYTES &&
	       !(entry->flags & WEIR_RXC_COALESCED_MASK);
}

/*
 * Looks at the next completion (specs/data-queues.md, "Receive").
 * Return: 1 if there is one, 0 if not, -EPROTO if the card wrote something impossible.
 */
static int weir_rx_next(const struct weir_rx_ring *rx, struct weir_rx_entry *entry)
{
	const struct weir_rx_completion *completion =
		weir_rx_completion_at(rx, rx->taken & ((1 << rx->completion_log2) - 1));
	u32 phase = !((rx->taken >> rx->completion_log2) & 1);
	u16 buffer;

	entry->flags = le32_to_cpu(READ_ONCE(completion->flags));
	if ((entry->flags & WEIR_RXC_PHASE_MASK) != phase)
		return 0;
	/*
	 * The flags are written last, with or after the rest: read the rest, and the buffer, after
	 * them.
	 */
	dma_rmb();
	entry->flow_hash = le32_to_cpu(completion->flow_hash);
	entry->length = le16_to_cpu(completion->length);
	entry->vlan_tci = le16_to_cpu(completion->vlan_tci);
	buffer = le16_to_cpu(completion->buffer);
	if (unlikely(rx->timed))
		entry->time_ns = weir_rx_time_of(completion);
	entry->segment = le16_to_cpu(completion->packet_type);
	entry->place = buffer & (rx->size - 1);

	if (unlikely(WEIR_GET(WEIR_RXC_GENERATION, entry->flags) != rx->generation ||
		     (u16)(rx->posted - 1 - buffer) >= rx->size || !rx->netmems[entry->place] ||
		     (entry->length > rx->buffer_bytes &&
		      !(entry->flags & WEIR_RXC_COALESCED_MASK))))
		return -EPROTO;
	if (unlikely(rx->headers || entry->flags & WEIR_RXC_HEADER_MASK) &&
	    !weir_rx_split_fits(rx, entry))
		return -EPROTO;
	return 1;
}

static u32 weir_rx_state(u32 flags, unsigned int shift)
{
	return flags >> shift & 3;
}

/*
 * What the card knows of the frame's checksums (specs/checksum.md, "Receive"). What it calls bad is
 * looked at by the stack, which counts it.
 */
static void weir_rx_checksum(struct sk_buff *skb, u32 flags)
{
	u32 outer = weir_rx_state(flags, WEIR_RXC_L4_SHIFT);
	u32 inner = weir_rx_state(flags, WEIR_RXC_INNER_L4_SHIFT);

	/* The stack counts a tunnel's checksum of zero among those verified (skbuff.h, csum_level). */
	if (inner == WEIR_CHECKSUM_STATE_GOOD &&
	    (outer == WEIR_CHECKSUM_STATE_GOOD || outer == WEIR_CHECKSUM_STATE_ABSENT)) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		skb->csum_level = 1;
	} else if (outer == WEIR_CHECKSUM_STATE_GOOD) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	}
}

/* Gives the frame in @rx->partial to the stack. */
static bool weir_rx_deliver(struct weir_pair *pair, const struct weir_rx_entry *entry)
{
	struct net_device *netdev = pair->weir->netdev;
	struct sk_buff *skb = pair->rx->partial;

	pair->rx->partial = NULL;
	if (unlikely(skb_headlen(skb) < ETH_HLEN)) {
		dev_kfree_skb_any(skb);
		return false;
	}
	skb_record_rx_queue(skb, pair->index);
	if (entry->flags & WEIR_RXC_FLOW_HASH_MASK && netdev->features & NETIF_F_RXHASH)
		skb_set_hash(skb, entry->flow_hash,
			     entry->flags & WEIR_RXC_HASH_L4_MASK ? PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
	if (unlikely(entry->flags & WEIR_RXC_MARK_MASK))
		skb->mark = entry->flow_hash;
	if (netdev->features & NETIF_F_RXCSUM && !(entry->flags & WEIR_RXC_COALESCED_MASK))
		weir_rx_checksum(skb, entry->flags);
	if (entry->flags & WEIR_RXC_VLAN_MASK)
		__vlan_hwaccel_put_tag(skb,
				       entry->flags & WEIR_RXC_VLAN_8021AD_MASK ?
					       htons(ETH_P_8021AD) : htons(ETH_P_8021Q),
				       entry->vlan_tci);
	if (unlikely(pair->rx->timed) && entry->flags & WEIR_RXC_TIMESTAMP_MASK)
		skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(entry->time_ns);
	skb->protocol = eth_type_trans(skb, netdev);
	napi_gro_receive(&pair->napi, skb);
	return true;
}

/* Begins a frame with its first buffer, of a ring without headers; takes the page or gives it back to the pool. */
static struct sk_buff *weir_rx_begin(struct weir_pair *pair, const struct weir_rx_entry *entry,
				     struct page *page)
{
	struct weir_rx_ring *rx = pair->rx;
	void *data = page_address(page) + weir_rx_offset();
	struct sk_buff *skb;

	net_prefetch(data);
	if (entry->length <= WEIR_COPY_BYTES && entry->flags & WEIR_RXC_END_MASK) {
		skb = napi_alloc_skb(&pair->napi, entry->length);
		if (likely(skb))
			skb_put_data(skb, data, entry->length);
		page_pool_recycle_direct(rx->pool, page);
		return skb;
	}
	skb = napi_build_skb(page_address(page), rx->page_bytes);
	if (unlikely(!skb)) {
		page_pool_recycle_direct(rx->pool, page);
		return NULL;
	}
	skb_mark_for_recycle(skb);
	skb_reserve(skb, weir_rx_offset());
	skb_put(skb, entry->length);
	return skb;
}

/*
 * Begins a frame with its header, which is copied: its buffer serves the place in the ring for good.
 * Fragments may follow.
 * Return: whether there was memory.
 */
static bool weir_rx_begin_split(struct weir_pair *pair, const struct weir_rx_entry *entry)
{
	struct weir_rx_ring *rx = pair->rx;
	struct sk_buff *skb = napi_alloc_skb(&pair->napi, entry->length);

	if (unlikely(!skb))
		return false;
	skb_put_data(skb, rx->headers + entry->place * WEIR_RX_HEADER_BYTES, entry->length);
	skb_mark_for_recycle(skb);
	rx->partial = skb;
	return true;
}

/*
 * Adds the completion's buffer to the frame that is being put together.
 * Return: false if the frame cannot go on; its rest is to be discarded.
 */
static bool weir_rx_add(struct weir_pair *pair, const struct weir_rx_entry *entry,
			weir_netmem netmem)
{
	struct weir_rx_ring *rx = pair->rx;
	struct sk_buff *skb = rx->partial;

	weir_pool_sync_for_cpu(rx->pool, netmem, entry->length);
	if (!skb) {
		rx->partial = weir_rx_begin(pair, entry, weir_netmem_page(netmem));
		return rx->partial;
	}
	if (unlikely(skb_shinfo(skb)->nr_frags >= MAX_SKB_FRAGS)) {
		weir_pool_put(rx->pool, netmem, true);
		return false;
	}
	weir_skb_add_netmem(skb, netmem, rx->offset, entry->length, rx->page_bytes);
	return true;
}

struct weir_rx_sums {
	unsigned int frames;
	unsigned int bytes;
	unsigned int malformed;
	unsigned int no_memory;
};

/* What came of the frame is dropped, and what is still to come of it. */
static void weir_rx_discard(struct weir_rx_ring *rx, bool end)
{
	weir_rx_drop_partial(rx);
	if (end)
		rx->detour &= ~WEIR_RX_DISCARD;
	else
		rx->detour |= WEIR_RX_DISCARD;
}

/* Where a completion goes on. */
enum weir_rx_way {
	WEIR_RX_ADD, /* its buffer is added to the skb */
	WEIR_RX_DELIVER, /* the skb is whole already */
	WEIR_RX_DONE,
};

/* Takes a buffer of a frame for an XDP program. */
static enum weir_rx_way weir_rx_take_xdp(struct weir_pair *pair, struct page *page,
					 unsigned int length, bool end)
{
	struct weir_rx_stats *stats = pair->rx->stats;

	switch (weir_xdp_take(pair, page, length, end)) {
	case WEIR_XDP_PASSED:
		return WEIR_RX_DELIVER;
	case WEIR_XDP_FAILED:
		u64_stats_update_begin(&stats->sync);
		u64_stats_inc(&stats->no_memory);
		u64_stats_update_end(&stats->sync);
		weir_rx_discard(pair->rx, end);
		break;
	case WEIR_XDP_TAKEN:
		break;
	}
	return WEIR_RX_DONE;
}

/*
 * Takes a completion that may not simply be added to an skb. It counts by itself and is told no
 * address, so that the poll's variables stay in registers.
 */
static noinline enum weir_rx_way weir_rx_detour(struct weir_pair *pair, weir_netmem netmem,
						u32 flags, unsigned int length)
{
	bool failed = flags & WEIR_RXC_ERROR_MASK || !length;
	bool end = flags & WEIR_RXC_END_MASK;
	struct weir_rx_ring *rx = pair->rx;

	if (!failed && !(rx->detour & WEIR_RX_DISCARD)) {
		if (weir_xdp_wants(rx))
			return weir_rx_take_xdp(pair, weir_netmem_page(netmem), length, end);
		return WEIR_RX_ADD;
	}
	if (netmem)
		weir_pool_put(rx->pool, netmem, true);
	if (!(rx->detour & WEIR_RX_DISCARD)) {
		u64_stats_update_begin(&rx->stats->sync);
		u64_stats_inc(&rx->stats->errors);
		u64_stats_update_end(&rx->stats->sync);
	}
	weir_rx_discard(rx, end);
	return WEIR_RX_DONE;
}

/*
 * Takes a completion's buffer out of the ring. A header leaves its place's to the payload, if there
 * is any.
 */
static weir_netmem weir_rx_take_netmem(struct weir_rx_ring *rx, const struct weir_rx_entry *entry)
{
	weir_netmem netmem = rx->netmems[entry->place];

	rx->taken++;
	if (unlikely((entry->flags & (WEIR_RXC_HEADER_MASK | WEIR_RXC_END_MASK)) ==
		     WEIR_RXC_HEADER_MASK))
		return WEIR_NO_NETMEM;
	rx->netmems[entry->place] = WEIR_NO_NETMEM;
	rx->returned++;
	return netmem;
}

/* Begins a frame, or adds to it. Return: false if it cannot go on. */
static bool weir_rx_put_together(struct weir_pair *pair, const struct weir_rx_entry *entry,
				 weir_netmem netmem)
{
	if (likely(!(entry->flags & WEIR_RXC_HEADER_MASK)))
		return weir_rx_add(pair, entry, netmem);
	/* The frame ends with its header. */
	if (netmem)
		weir_pool_put(pair->rx->pool, netmem, true);
	return weir_rx_begin_split(pair, entry);
}

/* Takes one completion and its buffer out of the ring. */
static void weir_rx_take(struct weir_pair *pair, const struct weir_rx_entry *entry,
			 struct weir_rx_sums *sums)
{
	struct weir_rx_ring *rx = pair->rx;
	weir_netmem netmem = weir_rx_take_netmem(rx, entry);
	unsigned int bytes;

	if (unlikely(entry->flags & WEIR_RXC_ERROR_MASK || !entry->length || rx->detour)) {
		switch (weir_rx_detour(pair, netmem, entry->flags, entry->length)) {
		case WEIR_RX_DONE:
			return;
		case WEIR_RX_DELIVER:
			goto deliver;
		case WEIR_RX_ADD:
			break;
		}
	}
	if (unlikely(!weir_rx_put_together(pair, entry, netmem))) {
		sums->no_memory++;
		weir_rx_discard(rx, entry->flags & WEIR_RXC_END_MASK);
		return;
	}
	if (!(entry->flags & WEIR_RXC_END_MASK))
		return;
deliver:
	bytes = rx->partial->len;
	if (likely(weir_rx_deliver(pair, entry))) {
		sums->frames++;
		sums->bytes += bytes;
	} else {
		sums->malformed++;
	}
}

/*
 * Takes an aggregate and all its buffers out of the ring (specs/coalescing.md, "Completions").
 * Return: false if it has buffers that the card cannot have.
 */
static noinline bool weir_rx_take_aggregate(struct weir_pair *pair,
					    const struct weir_rx_entry *entry,
					    struct weir_rx_sums *sums)
{
	struct weir_rx_ring *rx = pair->rx;
	unsigned int left = entry->length, segments, bytes;
	bool failed, lost = false;
	u16 place = entry->place;

	/* A program that has just been loaded sees no aggregates: weir_fix_features(). */
	failed = entry->flags & WEIR_RXC_ERROR_MASK || !left || rx->partial ||
		 rx->detour & (WEIR_RX_DISCARD | WEIR_RX_XDP);
	if (unlikely(failed))
		weir_rx_discard(rx, true);
	rx->taken++;
	for (; left; left -= bytes) {
		weir_netmem netmem = rx->netmems[place];

		if (unlikely(!netmem))
			return false;
		rx->netmems[place] = WEIR_NO_NETMEM;
		rx->returned++;
		bytes = min_t(unsigned int, left, rx->buffer_bytes);
		place = (place + 1) & (rx->size - 1);
		if (unlikely(failed || lost)) {
			weir_pool_put(rx->pool, netmem, true);
			continue;
		}
		weir_pool_sync_for_cpu(rx->pool, netmem, bytes);
		lost = !weir_coalesce_add(pair, weir_netmem_page(netmem), bytes, entry->segment);
		if (unlikely(lost))
			weir_rx_drop_partial(rx);
	}
	if (unlikely(failed || lost)) {
		u64_stats_update_begin(&rx->stats->sync);
		u64_stats_add(&rx->stats->errors, failed);
		u64_stats_update_end(&rx->stats->sync);
		sums->no_memory += lost;
		return true;
	}
	segments = weir_coalesce_describe(rx->partial, entry->flags, entry->segment, &bytes);
	if (unlikely(!segments)) {
		weir_rx_drop_partial(rx);
		sums->malformed++;
	} else if (likely(weir_rx_deliver(pair, entry))) {
		sums->frames += segments;
		sums->bytes += bytes;
	}
	return true;
}

/**
 * weir_rx_poll() - take completions and give frames to the stack
 * @pair: its queue pair
 * @budget: how many completions at most
 *
 * Return: how many were taken.
 */
int weir_rx_poll(struct weir_pair *pair, int budget)
{
	struct weir_rx_ring *rx = pair->rx;
	struct weir_rx_sums sums = {};
	struct weir_rx_entry entry;
	int done;

	if (unlikely(rcu_access_pointer(pair->weir->xdp_program) || rx->detour))
		weir_xdp_poll_begin(pair);
	for (done = 0; done < budget; done++) {
		int some = weir_rx_next(rx, &entry);

		if (!some)
			break;
		if (some > 0 && entry.flags & WEIR_RXC_COALESCED_MASK)
			some = weir_rx_take_aggregate(pair, &entry, &sums) ? 2 : -EPROTO;
		if (unlikely(some < 0)) {
			pair->broken = true;
			weir_request_reset(pair->weir, WEIR_RESET_BAD_COMPLETION);
			break;
		}
		if (likely(some == 1))
			weir_rx_take(pair, &entry, &sums);
	}
	if (unlikely(rx->detour & WEIR_RX_XDP))
		weir_xdp_poll_end(pair);
	if (done) {
		rx->armed = false;
		u64_stats_update_begin(&rx->stats->sync);
		u64_stats_add(&rx->stats->frames, sums.frames);
		u64_stats_add(&rx->stats->bytes, sums.bytes);
		u64_stats_add(&rx->stats->malformed, sums.malformed);
		u64_stats_add(&rx->stats->no_memory, sums.no_memory);
		u64_stats_update_end(&rx->stats->sync);
	}
	if ((u16)(rx->size - (u16)(rx->posted - rx->returned)) >= WEIR_FILL_BATCH) {
		weir_rx_fill(rx);
		weir_rx_publish(pair);
	}
	return done;
}
