/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive (specs/data-queues.md, receive). A burst looks at the generation bits of the completions ahead,
 * turns what is good and in order into mbufs 16 bytes at a time, and leaves everything else to one careful
 * path. Used buffers are replaced in batches; their new tail is one store.
 *
 * The doorbell rule for a new tail is asked at the beginning of the next burst, when the store has long left
 * the core, so that its fence costs next to nothing. No frame can wait for that: an application that wants
 * frames polls (or arms the interrupt, which asks, too).
 */
#include "weir_queues.h"

#include <string.h>

#include <rte_mbuf_dyn.h>
#include <rte_prefetch.h>

#if defined(__SSSE3__)
#include <tmmintrin.h>
#endif

/* The parts of a completion's flags that tell a plain frame in one buffer from everything else. */
#define CHECKED_FLAGS                                                    \
	(WEIR_RXC_PHASE_MASK | WEIR_RXC_END_MASK | WEIR_RXC_ERROR_MASK | \
	 WEIR_RXC_GENERATION_MASK | WEIR_RXC_VLAN_8021AD_MASK)

/* Completions that one burst may take without making a frame of them; bounds a misbehaving device. */
#define ODD_COMPLETIONS_MAX 256

/* How far ahead of the mbuf that is filled the next ones are fetched. */
#define PREFETCH_AHEAD 4

/* The mbuf fields written at once: rearm data with ol_flags, and what a descriptor tells. */
_Static_assert(offsetof(struct rte_mbuf, data_off) % 16 == 0, "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, refcnt) == offsetof(struct rte_mbuf, data_off) + 2,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, nb_segs) == offsetof(struct rte_mbuf, data_off) + 4,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, port) == offsetof(struct rte_mbuf, data_off) + 6,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, data_off) + 8,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, packet_type) % 16 == 0, "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, pkt_len) == offsetof(struct rte_mbuf, packet_type) + 4,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, data_len) == offsetof(struct rte_mbuf, packet_type) + 8,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, vlan_tci) == offsetof(struct rte_mbuf, packet_type) + 10,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, hash) == offsetof(struct rte_mbuf, packet_type) + 12,
	       "mbuf layout");

/* ol_flags by the bits VLAN (of value 1 after the shift) and FLOW_HASH (of value 8) of a completion. */
#define VLAN_FLAGS (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED)
static const uint64_t offload_flags[16] = {
	[1] = VLAN_FLAGS,
	[3] = VLAN_FLAGS,
	[5] = VLAN_FLAGS,
	[7] = VLAN_FLAGS,
	[8] = RTE_MBUF_F_RX_RSS_HASH,
	[9] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
	[10] = RTE_MBUF_F_RX_RSS_HASH,
	[11] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
	[12] = RTE_MBUF_F_RX_RSS_HASH,
	[13] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
	[14] = RTE_MBUF_F_RX_RSS_HASH,
	[15] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
};
_Static_assert(WEIR_RXC_FLOW_HASH_SHIFT == WEIR_RXC_VLAN_SHIFT + 3, "offload_flags");

/*
 * ol_flags by what a completion says of an IP header's and an L4 checksum (enum weir_checksum_state, two bits each), where they are
 * the frame's own, and where they are those of the tunnel around it. UDP without a checksum (ABSENT) is "unknown".
 */
#define CHECKSUM_ROW(ip_bad, ip_good, l4_bad, l4_good)                                         \
	{                                                                                      \
		[1] = (ip_good), [2] = (ip_bad), [4] = (l4_good), [5] = (ip_good) | (l4_good), \
		[6] = (ip_bad) | (l4_good), [7] = (l4_good), [8] = (l4_bad),                   \
		[9] = (ip_good) | (l4_bad), [10] = (ip_bad) | (l4_bad), [11] = (l4_bad),       \
		[13] = (ip_good), [14] = (ip_bad),                                             \
	}
static const uint32_t checksum_flags[2][16] = {
	CHECKSUM_ROW(RTE_MBUF_F_RX_IP_CKSUM_BAD, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
		     RTE_MBUF_F_RX_L4_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_GOOD),
	CHECKSUM_ROW(RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD, 0, RTE_MBUF_F_RX_OUTER_L4_CKSUM_BAD,
		     RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD),
};
_Static_assert(WEIR_RXC_L4_SHIFT == WEIR_RXC_IP_SHIFT + 2, "checksum_flags");
_Static_assert(WEIR_RXC_INNER_L4_SHIFT == WEIR_RXC_INNER_IP_SHIFT + 2, "checksum_flags");

static inline uint64_t checksum_flags_of(uint32_t flags)
{
	uint32_t outer = flags >> WEIR_RXC_IP_SHIFT & 15u,
		 inner = flags >> WEIR_RXC_INNER_IP_SHIFT & 15u;

	return checksum_flags[inner != 0][outer] | checksum_flags[0][inner];
}

static inline uint64_t offload_flags_of(uint32_t flags)
{
	return offload_flags[(flags >> WEIR_RXC_VLAN_SHIFT) & 15u] | checksum_flags_of(flags);
}

/* DPDK's words for enum weir_packet_l3, weir_packet_l4 and weir_packet_tunnel, and for the first two inside a tunnel. */
static const uint32_t l3_types[4] = { 0, RTE_PTYPE_L3_IPV4_EXT_UNKNOWN,
				      RTE_PTYPE_L3_IPV6_EXT_UNKNOWN };
static const uint32_t l4_types[8] = { 0,
				      RTE_PTYPE_L4_TCP,
				      RTE_PTYPE_L4_UDP,
				      RTE_PTYPE_L4_SCTP,
				      RTE_PTYPE_L4_ICMP,
				      RTE_PTYPE_L4_FRAG };
static const uint32_t tunnel_types[8] = { 0, RTE_PTYPE_TUNNEL_VXLAN, RTE_PTYPE_TUNNEL_GENEVE };
static const uint32_t inner_l3_types[4] = { 0, RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN,
					    RTE_PTYPE_INNER_L3_IPV6_EXT_UNKNOWN };
static const uint32_t inner_l4_types[8] = { 0,
					    RTE_PTYPE_INNER_L4_TCP,
					    RTE_PTYPE_INNER_L4_UDP,
					    RTE_PTYPE_INNER_L4_SCTP,
					    RTE_PTYPE_INNER_L4_ICMP,
					    RTE_PTYPE_INNER_L4_FRAG };

/* mbuf.packet_type of a completion's packet_type; most often both are 0, or there is no tunnel. */
static inline uint32_t packet_type_of(uint32_t type)
{
	uint32_t result;

	if (!type)
		return 0;
	result = l3_types[WEIR_GET(WEIR_RXC_TYPE_L3, type)] |
		 l4_types[WEIR_GET(WEIR_RXC_TYPE_L4, type)];
	if (unlikely(type & WEIR_RXC_TYPE_TUNNEL_MASK))
		result |= tunnel_types[WEIR_GET(WEIR_RXC_TYPE_TUNNEL, type)] |
			  inner_l3_types[WEIR_GET(WEIR_RXC_TYPE_INNER_L3, type)] |
			  inner_l4_types[WEIR_GET(WEIR_RXC_TYPE_INNER_L4, type)];
	return result;
}

/* What a completion says, read once. */
struct completion {
	uint32_t flow_hash, flags;
	uint16_t length, buffer, vlan_tci, packet_type;
};

/* Of a frame that a rule marked the hash is the rule's mark. */
static inline void mark_move(struct rte_mbuf *mbuf)
{
	mbuf->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
	mbuf->hash.fdir.hi = mbuf->hash.rss;
}

/* Makes a fresh mbuf the only segment of a frame. */
static inline void mbuf_fill(struct rte_mbuf *mbuf, uint64_t rearm,
			     const struct completion *completion)
{
	/* The fields from data_off on, in the order that the assertions above check. */
	memcpy(RTE_PTR_ADD(mbuf, offsetof(struct rte_mbuf, data_off)), &rearm, sizeof(rearm));
	mbuf->ol_flags = offload_flags_of(completion->flags);
	mbuf->packet_type = packet_type_of(completion->packet_type);
	mbuf->pkt_len = completion->length;
	mbuf->data_len = completion->length;
	mbuf->vlan_tci = completion->vlan_tci;
	mbuf->hash.rss = completion->flow_hash;
	if (unlikely(completion->flags & WEIR_RXC_MARK_MASK))
		mark_move(mbuf);
}

#if defined(__SSSE3__)
/* Reads a completion whose generation bit was seen, fills the mbuf with it, and returns length and buffer. */
static inline uint32_t completion_to_mbuf(const volatile struct weir_rx_completion *from,
					  struct rte_mbuf *mbuf, uint64_t rearm)
{
	/* packet_type, below | pkt_len = length | data_len = length, vlan_tci | hash = flow_hash */
	const __m128i order = _mm_setr_epi8(-1, -1, -1, -1, 4, 5, -1, -1, 4, 5, 8, 9, 0, 1, 2, 3);
	__m128i completion = _mm_load_si128((const __m128i *)(uintptr_t)from);
	uint32_t flags = (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(completion, 12));
	uint32_t type = packet_type_of((uint32_t)_mm_extract_epi16(completion, 5));
	__m128i head = _mm_set_epi64x((long long)offload_flags_of(flags), (long long)rearm);

	_mm_store_si128((__m128i *)(void *)&mbuf->data_off, head);
	_mm_store_si128((__m128i *)(void *)&mbuf->packet_type,
			_mm_or_si128(_mm_shuffle_epi8(completion, order),
				     _mm_cvtsi32_si128((int)type)));
	if (unlikely(flags & WEIR_RXC_MARK_MASK))
		mark_move(mbuf);
	return (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(completion, 4));
}
#else
static inline uint32_t completion_to_mbuf(const volatile struct weir_rx_completion *from,
					  struct rte_mbuf *mbuf, uint64_t rearm)
{
	struct completion completion = {
		.flow_hash = weir_load32(&from->flow_hash),
		.flags = weir_load32(&from->flags),
		.length = weir_le16_to_cpu(from->length),
		.buffer = weir_le16_to_cpu(from->buffer),
		.vlan_tci = weir_le16_to_cpu(from->vlan_tci),
		.packet_type = weir_le16_to_cpu(from->packet_type),
	};

	mbuf_fill(mbuf, rearm, &completion);
	return completion.length | (uint32_t)completion.buffer << 16;
}
#endif

/* --- posting buffers ----------------------------------------------------------------------------- */

/* Of `count` slots from `slot` on, those at the beginning that are free; all, if order was always kept. */
static uint16_t free_slots(const struct weir_rx_queue *queue, uint16_t slot, uint16_t count)
{
	uint16_t free = 0;

	if (likely(!queue->disordered))
		return count;
	while (free < count && !queue->buffers[slot + free])
		free++;
	return free;
}

/* Puts up to `count` buffers from the mempool into the ring, without telling the device; returns how many. */
static inline uint16_t post_piece(struct weir_rx_queue *queue, uint16_t count)
{
	uint16_t slot = queue->posted & queue->mask;
	struct rte_mbuf **buffers = &queue->buffers[slot];
	struct weir_rx_buffer *entries = &queue->ring[slot];

	count = RTE_MIN(count, (uint16_t)(queue->mask + 1u - slot));
	count = RTE_MIN(count, (uint16_t)WEIR_POOL_PIECE);
	count = free_slots(queue, slot, count);
	if (unlikely(count == 0))
		return 0;
	if (unlikely(rte_mempool_get_bulk(queue->pool, (void **)buffers, count) < 0)) {
		/* The pool leaves garbage where it failed. */
		memset(buffers, 0, count * sizeof(buffers[0]));
		queue->no_mbufs++;
		queue->device->data->rx_mbuf_alloc_failed += count;
		return 0;
	}
	for (uint16_t i = 0; i < count; i++)
		entries[i].address = weir_cpu_to_le64(rte_mbuf_data_iova_default(buffers[i]));
	queue->posted += count;
	return count;
}

static void ring_doorbell(struct weir_rx_queue *queue)
{
	queue->doorbells++;
	weir_doorbell_ring(queue->device->transport,
			   weir_doorbell_offset(queue->device, queue->index, WEIR_DOORBELL_RX_TAIL),
			   queue->posted);
}

/* Buffers that came back less buffers that replaced them. */
static inline uint16_t room(const struct weir_rx_queue *queue)
{
	return (uint16_t)(queue->capacity - weir_rx_outstanding(queue));
}

static inline void post_buffers(struct weir_rx_queue *queue)
{
	uint16_t before = queue->posted;

	while (room(queue) >= queue->free_threshold && post_piece(queue, room(queue)))
		;
	if (queue->posted == before)
		return;
	if (likely(queue->shadow != NULL)) {
		weir_shadow_store(queue->shadow, queue->posted);
	} else {
		queue->checked = queue->posted;
		ring_doorbell(queue);
	}
}

/* Asks the doorbell rule for the tail that the last burst left. */
static inline void check_doorbell(struct weir_rx_queue *queue)
{
	uint16_t before = queue->checked;

	if (likely(before == queue->posted))
		return;
	queue->checked = queue->posted;
	if (weir_shadow_wants_doorbell(queue->shadow, before, queue->posted))
		ring_doorbell(queue);
}

int weir_rx_fill(struct weir_rx_queue *queue)
{
	while (room(queue))
		if (!post_piece(queue, room(queue)))
			return -ENOMEM;
	return 0;
}

void weir_rx_announce(struct weir_rx_queue *queue)
{
	if (queue->shadow)
		weir_shadow_store(queue->shadow, queue->posted);
	queue->checked = queue->posted;
	/* A device that has just been given the queue may know nothing of its shadow yet. */
	ring_doorbell(queue);
}

/* --- completions, one at a time, with all their oddities ------------------------------------------ */

/* Nothing the device says can be relied on any more. */
static void give_up(struct weir_rx_queue *queue)
{
	queue->bad_entries++;
	queue->broken = true;
	weir_device_suspect(queue->device);
}

/* The completion of a count, whatever its format; bursts of frames without times know that there is but one. */
static inline const volatile struct weir_rx_completion *completion_at(
	const struct weir_rx_queue *queue, uint16_t count)
{
	uint32_t slot = count & queue->mask;

	return &queue->completions[(slot << queue->timed) + queue->timed];
}

static bool completion_is_new(const struct weir_rx_queue *queue)
{
	uint32_t flags = weir_load32(&completion_at(queue, queue->taken)->flags);

	return ((flags ^ weir_ring_phase(queue->taken, queue->ring_log2)) & WEIR_RXC_PHASE_MASK) ==
	       0;
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
				       struct completion *completion)
{
	uint16_t segment = completion->packet_type;

	completion->packet_type = weir_lro_type(segment);
	mbuf_fill(mbuf, queue->rearm, completion);
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

/*
 * Takes the completion that completion_is_new() has seen. Returns a frame if it was the last of one, NULL if
 * not, or if the frame is lost.
 */
static struct rte_mbuf *take_completion(struct weir_rx_queue *queue)
{
	const volatile struct weir_rx_completion *entry = completion_at(queue, queue->taken);
	struct completion completion;
	struct rte_mbuf *mbuf, *frame;
	uint16_t slot;
	bool last;

	weir_load_fence();
	completion = (struct completion){
		.flow_hash = weir_load32(&entry->flow_hash),
		.flags = weir_load32(&entry->flags),
		.length = weir_le16_to_cpu(entry->length),
		.buffer = weir_le16_to_cpu(entry->buffer),
		.vlan_tci = weir_le16_to_cpu(entry->vlan_tci),
		.packet_type = weir_le16_to_cpu(entry->packet_type),
	};
	slot = completion.buffer & queue->mask;
	mbuf = queue->buffers[slot];
	/* A buffer that is not posted, or data that does not fit it: false. Another generation: late. */
	if (!mbuf || ((completion.flags ^ queue->good_flags) & WEIR_RXC_GENERATION_MASK) ||
	    (!(completion.flags & WEIR_RXC_ERROR_MASK) && completion.length == 0) ||
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

	mbuf_fill(mbuf, queue->rearm, &completion);
	last = (completion.flags & WEIR_RXC_END_MASK) != 0;
	if (queue->in_frame && !queue->partial) {
		/* The rest of a frame that went wrong. */
		rte_mbuf_raw_free(mbuf);
		queue->in_frame = !last;
		return NULL;
	}
	if (completion.flags & WEIR_RXC_ERROR_MASK) {
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
	if (unlikely(completion.flags & WEIR_RXC_VLAN_8021AD_MASK))
		tell_two_tags(queue, frame);
	return frame;
}

/* --- bursts -------------------------------------------------------------------------------------- */

/* Good completions from the next one on, at most `limit`, none beyond the end of the ring. */
static inline uint16_t good_completions(const struct weir_rx_queue *queue, uint16_t limit)
{
	uint16_t slot = queue->taken & queue->mask, count;
	const volatile struct weir_rx_completion *entries = &queue->completions[slot];
	uint32_t wanted = queue->good_flags | weir_ring_phase(queue->taken, queue->ring_log2);

	limit = RTE_MIN(limit, (uint16_t)(queue->mask + 1u - slot));
	for (count = 0; count < limit; count++)
		if ((weir_load32(&entries[count].flags) & CHECKED_FLAGS) != wanted)
			break;
	return count;
}

/* Turns `count` good completions into frames; stops before one whose length or buffer is odd. */
static inline uint16_t take_good(struct weir_rx_queue *queue, struct rte_mbuf **frames,
				 uint16_t count)
{
	uint16_t slot = queue->taken & queue->mask, i;
	const volatile struct weir_rx_completion *entries = &queue->completions[slot];
	struct rte_mbuf **buffers = &queue->buffers[slot];
	uint32_t longest = queue->buffer_bytes - 1, bytes = 0;

	for (i = 0; i < RTE_MIN(count, (uint16_t)PREFETCH_AHEAD); i++)
		if (buffers[i])
			rte_prefetch0(buffers[i]);
	for (i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = buffers[i];
		uint32_t said;

		if (i + PREFETCH_AHEAD < count)
			rte_prefetch0(buffers[i + PREFETCH_AHEAD]);
		if (unlikely(!mbuf))
			break;
		said = completion_to_mbuf(&entries[i], mbuf, queue->rearm);
		if (unlikely(said >> 16 != (uint16_t)(queue->taken + i) ||
			     (said & 0xffffu) - 1u > longest))
			break;
		rte_prefetch0(rte_pktmbuf_mtod(mbuf, void *));
		bytes += said & 0xffffu;
		buffers[i] = NULL;
		frames[i] = mbuf;
	}
	queue->taken += i;
	queue->frames += i;
	queue->bytes += bytes;
	return i;
}

uint16_t weir_receive(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	struct weir_rx_queue *queue = opaque;
	uint16_t got = 0, odd = 0;

	if (unlikely(!weir_gate_enter(&queue->gate)))
		return 0;
	check_doorbell(queue);
	while (got < count && !queue->broken) {
		uint16_t good = good_completions(queue, count - got);
		struct rte_mbuf *frame;

		if (likely(good && !queue->in_frame)) {
			uint16_t taken;

			weir_load_fence();
			taken = take_good(queue, frames + got, good);
			got += taken;
			if (likely(taken))
				continue;
		}
		if (!completion_is_new(queue) || odd++ == ODD_COMPLETIONS_MAX)
			break;
		frame = take_completion(queue);
		if (!frame)
			continue;
		if (frame->nb_segs > 1 && !queue->chains) {
			/* Longer than a buffer, and the application did not ask for such. */
			rte_pktmbuf_free(frame);
			queue->errors++;
			continue;
		}
		queue->frames++;
		queue->bytes += frame->pkt_len;
		frames[got++] = frame;
	}
	if (room(queue) >= queue->free_threshold)
		post_buffers(queue);
	weir_gate_leave(&queue->gate);
	return got;
}

uint16_t weir_receive_scattered(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	struct weir_rx_queue *queue = opaque;
	uint16_t got = 0;
	uint32_t left = queue->mask + 1u;

	if (unlikely(!weir_gate_enter(&queue->gate)))
		return 0;
	check_doorbell(queue);
	while (got < count && left-- && !queue->broken && completion_is_new(queue)) {
		uint16_t next = (queue->taken + 1u) & queue->mask;
		struct rte_mbuf *frame;

		if (queue->buffers[next])
			rte_prefetch0(queue->buffers[next]);
		frame = take_completion(queue);
		if (!frame)
			continue;
		queue->frames++;
		queue->bytes += frame->pkt_len;
		rte_prefetch0(rte_pktmbuf_mtod(frame, void *));
		frames[got++] = frame;
	}
	if (room(queue) >= queue->free_threshold)
		post_buffers(queue);
	weir_gate_leave(&queue->gate);
	return got;
}

/* The time ahead of a completion that was seen to be new. */
static inline uint64_t time_of(const volatile struct weir_rx_completion *completion)
{
	const volatile struct weir_rx_time *time = (const volatile void *)(completion - 1);

	return weir_le64_to_cpu(time->time);
}

/* Puts the time that its last completion tells into a frame, and keeps it of a PTP frame. */
static inline void stamp(struct weir_rx_queue *queue, struct rte_mbuf *frame, uint64_t time_ns)
{
	const struct weir_timesync *timesync = &queue->device->timesync;
	const struct rte_ether_hdr *header = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);

	*RTE_MBUF_DYNFIELD(frame, timesync->offset, rte_mbuf_timestamp_t *) = time_ns;
	frame->ol_flags |= timesync->flag;
	if (timesync->enabled && frame->data_len >= sizeof(*header) &&
	    header->ether_type == RTE_BE16(RTE_ETHER_TYPE_1588)) {
		frame->ol_flags |= RTE_MBUF_F_RX_IEEE1588_PTP | RTE_MBUF_F_RX_IEEE1588_TMST;
		frame->timesync = queue->index;
		__atomic_store_n(&queue->ptp_time_ns, time_ns, __ATOMIC_RELAXED);
	}
}

uint16_t weir_receive_timed(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	struct weir_rx_queue *queue = opaque;
	uint32_t left = queue->mask + 1u;
	uint16_t got = 0;

	if (unlikely(!weir_gate_enter(&queue->gate)))
		return 0;
	check_doorbell(queue);
	while (got < count && left-- && !queue->broken && completion_is_new(queue)) {
		uint16_t next = (queue->taken + 1u) & queue->mask;
		struct rte_mbuf *frame;
		uint64_t time_ns;

		if (queue->buffers[next])
			rte_prefetch0(queue->buffers[next]);
		weir_load_fence();
		time_ns = time_of(completion_at(queue, queue->taken));
		frame = take_completion(queue);
		if (!frame)
			continue;
		if (unlikely(frame->nb_segs > 1 && !queue->chains)) {
			rte_pktmbuf_free(frame);
			queue->errors++;
			continue;
		}
		stamp(queue, frame, time_ns);
		queue->frames++;
		queue->bytes += frame->pkt_len;
		frames[got++] = frame;
	}
	if (room(queue) >= queue->free_threshold)
		post_buffers(queue);
	weir_gate_leave(&queue->gate);
	return got;
}

/* --- what applications ask about a queue ----------------------------------------------------------- */

/* Whether the completion `ahead` places from the next one has been written. Looks only. */
static bool written_ahead(const struct weir_rx_queue *queue, uint16_t ahead)
{
	uint16_t place = (uint16_t)(queue->taken + ahead);
	uint32_t flags = weir_load32(&completion_at(queue, place)->flags);

	return ((flags ^ weir_ring_phase(place, queue->ring_log2)) & WEIR_RXC_PHASE_MASK) == 0;
}

uint32_t weir_rx_queue_count(void *opaque)
{
	const struct weir_rx_queue *queue = opaque;
	uint16_t posted = weir_rx_outstanding(queue);
	uint32_t below = 0, above = posted;

	/* Completions are written in order, so the border can be searched for. */
	while (below < above) {
		uint32_t middle = (below + above) / 2;

		if (written_ahead(queue, (uint16_t)middle))
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
	return written_ahead(queue, offset) ? RTE_ETH_RX_DESC_DONE : RTE_ETH_RX_DESC_AVAIL;
}
