/* SPDX-License-Identifier: BSD-3-Clause */
/* Completions one at a time, with all their oddities: chains, aggregates, tags, failed transfers, and what cannot be true. */
#include "weir_rx_mbuf.h"
#include "weir_rx_ring.h"

/* Nothing the device says can be relied on any more. */
static void give_up(struct weir_rx_queue *queue)
{
	queue->bad_entries++;
	queue->broken = true;
	weir_device_suspect(queue->device);
}

/* Appends a buffer to the frame that is being put together. */
static void append(struct weir_rx_queue *queue, struct rte_mbuf *mbuf)
{
	if (!queue->partial) {
		queue->partial = mbuf;
	} else {
		queue->partial->nb_segs++;
		queue->partial->pkt_len += mbuf->data_len;
		queue->partial_last->next = mbuf;
	}
	queue->partial_last = mbuf;
}

/* The frame of a completion with COALESCED, whose first buffer is taken; NULL: it is lost. */
static struct rte_mbuf *take_aggregate(struct weir_rx_queue *queue, struct rte_mbuf *mbuf,
				       struct weir_completion *completion)
{
	uint16_t segment = completion->packet_type;

	completion->packet_type = weir_lro_type(segment);
	weir_mbuf_fill(mbuf, queue->rearm, completion);
	if (!weir_lro_gather(queue, mbuf, completion->buffer, completion->length, segment) ||
	    queue->in_frame) {
		rte_pktmbuf_free(mbuf);
		give_up(queue);
		return NULL;
	}
	if (completion->flags & WEIR_RXC_ERROR_MASK) {
		rte_pktmbuf_free(mbuf);
		queue->transfers_failed++;
		return NULL;
	}
	return mbuf;
}

/*
 * The card has taken the service tag out of a frame. To DPDK that is the outer one of two: the customer's tag behind it is told as well,
 * and taken out if the application wants that. A service tag alone is told like any other.
 */
static void tell_two_tags(const struct weir_rx_queue *queue, struct rte_mbuf *frame)
{
	const uint64_t offloads = queue->device->data->dev_conf.rxmode.offloads;
	const struct rte_ether_hdr *header = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const void *)(header + 1);

	if (frame->data_len < sizeof(*header) + sizeof(*tag) ||
	    header->ether_type != RTE_BE16(RTE_ETHER_TYPE_VLAN))
		return;
	frame->vlan_tci_outer = frame->vlan_tci;
	frame->vlan_tci = rte_be_to_cpu_16(tag->vlan_tci);
	frame->ol_flags |= RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
	if (!(offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP)) {
		frame->ol_flags &= ~RTE_MBUF_F_RX_VLAN_STRIPPED;
		return;
	}
	memmove(RTE_PTR_ADD(header, RTE_VLAN_HLEN), header, 2 * RTE_ETHER_ADDR_LEN);
	rte_pktmbuf_adj(frame, RTE_VLAN_HLEN);
}

/* Can this be a completion of ours? It is of this generation, and has data, or says that there is none. */
static inline bool is_sound(const struct weir_rx_queue *queue,
			    const struct weir_completion *completion)
{
	return !((completion->flags ^ queue->good_flags) & WEIR_RXC_GENERATION_MASK) &&
	       (completion->length || completion->flags & WEIR_RXC_ERROR_MASK);
}

/* Makes a filled mbuf, which is out of the ring, the next one of its frame. A frame if it was the last; NULL if not, or if that is lost. */
static __rte_always_inline struct rte_mbuf *chain(struct weir_rx_queue *queue,
						  struct rte_mbuf *mbuf,
						  const struct weir_completion *completion)
{
	bool last = (completion->flags & WEIR_RXC_END_MASK) != 0;
	struct rte_mbuf *frame;

	if (queue->in_frame && !queue->partial) {
		/* The rest of a frame that went wrong. */
		rte_mbuf_raw_free(mbuf);
		queue->in_frame = !last;
		return NULL;
	}
	if (completion->flags & WEIR_RXC_ERROR_MASK) {
		rte_mbuf_raw_free(mbuf);
		rte_pktmbuf_free(queue->partial);
		queue->partial = NULL;
		queue->transfers_failed++;
		queue->in_frame = !last;
		return NULL;
	}
	append(queue, mbuf);
	queue->in_frame = !last;
	if (!last) {
		if (unlikely(queue->partial->pkt_len > WEIR_MAX_FRAME_BYTES))
			give_up(queue);
		return NULL;
	}
	frame = queue->partial;
	queue->partial = NULL;
	if (frame != mbuf) {
		/* What is known of a frame is known with its last buffer. */
		frame->ol_flags = mbuf->ol_flags;
		frame->vlan_tci = mbuf->vlan_tci;
		frame->hash.rss = mbuf->hash.rss;
	}
	if (unlikely(completion->flags & WEIR_RXC_VLAN_8021AD_MASK))
		tell_two_tags(queue, frame);
	return frame;
}

struct rte_mbuf *weir_rx_take(struct weir_rx_queue *queue)
{
	const volatile struct weir_rx_completion *entry =
		weir_rx_completion_at(queue, queue->taken);
	struct weir_completion completion;
	struct rte_mbuf *mbuf;
	uint16_t slot;

	weir_load_fence();
	completion = weir_completion_read(entry);
	slot = completion.buffer & queue->mask;
	mbuf = queue->buffers[slot];
	/* A buffer that is not posted, or data that does not fit it: false. Another generation: late. */
	if (!mbuf || !is_sound(queue, &completion) ||
	    (!(completion.flags & WEIR_RXC_COALESCED_MASK) &&
	     completion.length > queue->buffer_bytes)) {
		give_up(queue);
		return NULL;
	}
	if (completion.buffer != queue->taken)
		queue->disordered = true;
	queue->buffers[slot] = NULL;
	queue->taken++;
	if (unlikely(completion.flags & WEIR_RXC_COALESCED_MASK)) {
		/* From now on completions and buffers are counted apart. */
		queue->disordered = true;
		return take_aggregate(queue, mbuf, &completion);
	}
	weir_mbuf_fill(mbuf, queue->rearm, &completion);
	return chain(queue, mbuf, &completion);
}

/* Takes the header of the pair in a slot, and with it the pair if the frame is no more than that. */
static inline struct rte_mbuf *take_header(struct weir_rx_queue *queue, uint16_t slot, bool last)
{
	struct rte_mbuf *header = queue->headers[slot];

	queue->headers[slot] = NULL;
	if (last) {
		rte_mbuf_raw_free(queue->buffers[slot]);
		queue->buffers[slot] = NULL;
	} else {
		queue->more_used--;
	}
	return header;
}

/* Takes the other buffer of a pair, and with it the pair; its header went ahead, or was not used. */
static inline struct rte_mbuf *take_rest(struct weir_rx_queue *queue, uint16_t slot)
{
	struct rte_mbuf *rest = queue->buffers[slot];

	queue->buffers[slot] = NULL;
	if (queue->headers[slot]) {
		rte_mbuf_raw_free(queue->headers[slot]);
		queue->headers[slot] = NULL;
	}
	return rest;
}

struct rte_mbuf *weir_rx_take_split(struct weir_rx_queue *queue)
{
	const volatile struct weir_rx_completion *entry =
		weir_rx_completion_at(queue, queue->taken);
	const struct weir_split *split = &queue->split;
	struct weir_completion completion;
	bool header, possible;
	struct rte_mbuf *mbuf;
	uint16_t slot;

	weir_load_fence();
	completion = weir_completion_read(entry);
	slot = completion.buffer & queue->mask;
	header = completion.flags & WEIR_RXC_HEADER_MASK;
	/* A frame begins with a header, unless only some have one, and has no other. */
	possible = header ? !queue->in_frame && queue->headers[slot] &&
				    completion.length <= split->header_bytes
			  : (queue->in_frame || split->kinds) &&
				    completion.length <= queue->buffer_bytes;
	if (!possible || !queue->buffers[slot] || !is_sound(queue, &completion) ||
	    completion.flags & WEIR_RXC_COALESCED_MASK) {
		give_up(queue);
		return NULL;
	}
	if (completion.buffer != (uint16_t)(queue->taken + queue->more_used))
		queue->disordered = true;
	queue->taken++;
	mbuf = header ? take_header(queue, slot, completion.flags & WEIR_RXC_END_MASK)
		      : take_rest(queue, slot);
	weir_mbuf_fill(mbuf, header ? queue->header_rearm : queue->rearm, &completion);
	return chain(queue, mbuf, &completion);
}
