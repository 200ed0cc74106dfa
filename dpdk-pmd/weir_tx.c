/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit (specs/data-queues.md, transmit). A burst writes its descriptors, then one tail. The device writes
 * back how far it is; that line is read only when what was read before is used up.
 */
#include "weir_queues.h"

#include <rte_errno.h>
#include <rte_net.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The only things this device does for a frame. */
#define CHECKSUMS_DONE (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)
#define CUTS_DONE      (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)
#define OFFLOADS_DONE                                                                             \
	(RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_QINQ | RTE_MBUF_F_TX_IEEE1588_TMST | CHECKSUMS_DONE | \
	 CUTS_DONE)
/* Flags of an mbuf that ask for something; others describe it. */
#define OFFLOADS_REFUSED                                                        \
	(RTE_MBUF_F_TX_OFFLOAD_MASK & ~OFFLOADS_DONE &                          \
	 ~(RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_OUTER_IPV4 | \
	   RTE_MBUF_F_TX_OUTER_IPV6))

#define PIECE_BYTES 16384u /* the longest piece of memory that a descriptor may name */

static inline void descriptor_write(struct weir_tx_descriptor *descriptor, uint64_t address,
				    uint16_t length, uint16_t flags, uint16_t vlan_tci,
				    uint16_t checksum)
{
#if defined(__SSE2__)
	uint64_t rest = length | (uint64_t)flags << 16 | (uint64_t)vlan_tci << 32 |
			(uint64_t)checksum << 48;

	_mm_store_si128((__m128i *)(void *)descriptor,
			_mm_set_epi64x((long long)rest, (long long)address));
#else
	*descriptor = (struct weir_tx_descriptor){
		.address = weir_cpu_to_le64(address),
		.length = weir_cpu_to_le16(length),
		.flags = weir_cpu_to_le16(flags),
		.vlan_tci = weir_cpu_to_le16(vlan_tci),
		.checksum = weir_cpu_to_le16(checksum),
	};
#endif
}

/* --- getting mbufs back ---------------------------------------------------------------------------- */

/* Reads how far the device is. False if it claims what it cannot have done. */
static bool read_head(struct weir_tx_queue *queue)
{
	uint16_t head = (uint16_t)weir_load32(queue->head);

	if (unlikely(weir_ring_ahead(head, queue->reclaimed) >
		     weir_ring_ahead(queue->tail, queue->reclaimed))) {
		queue->bad_heads++;
		queue->broken = true;
		weir_device_suspect(queue->device);
		return false;
	}
	weir_load_fence();
	queue->done = head;
	return true;
}

/* Frees the mbufs of `count` descriptors that the device is done with: single segments of one mempool. */
static inline void reclaim_simple(struct weir_tx_queue *queue, uint16_t count)
{
	while (count) {
		uint16_t slot = queue->reclaimed & queue->mask;
		uint16_t piece = RTE_MIN(count, (uint16_t)(queue->mask + 1u - slot));
		struct rte_mbuf **mbufs = &queue->mbufs[slot];

		piece = RTE_MIN(piece, (uint16_t)WEIR_POOL_PIECE);
		rte_mempool_put_bulk(mbufs[0]->pool, (void **)mbufs, piece);
		queue->reclaimed += piece;
		count -= piece;
	}
}

/* Frees the frames among `count` descriptors, which may be shared, cloned, chained, of any mempool. */
static uint32_t reclaim_full(struct weir_tx_queue *queue, uint16_t count)
{
	struct rte_mbuf *piece[WEIR_POOL_PIECE];
	unsigned int in_piece = 0;
	uint32_t frames = 0;

	for (; count; count--, queue->reclaimed++) {
		struct rte_mbuf *mbuf = queue->mbufs[queue->reclaimed & queue->mask];

		if (!mbuf)
			continue;
		frames++;
		if (mbuf->nb_segs > 1) {
			rte_pktmbuf_free(mbuf);
			continue;
		}
		mbuf = rte_pktmbuf_prefree_seg(mbuf);
		if (!mbuf)
			continue;
		if (in_piece && (in_piece == WEIR_POOL_PIECE || piece[0]->pool != mbuf->pool)) {
			rte_mempool_put_bulk(piece[0]->pool, (void **)piece, in_piece);
			in_piece = 0;
		}
		piece[in_piece++] = mbuf;
	}
	if (in_piece)
		rte_mempool_put_bulk(piece[0]->pool, (void **)piece, in_piece);
	return frames;
}

/*
 * Before a burst of `needed` descriptors: gets mbufs back once enough are out. What was read of the head is
 * used up first, a piece per burst, so that mbufs go back about as fast as they come; only a burst that finds
 * no room takes everything there is.
 */
static inline void reclaim(struct weir_tx_queue *queue, uint16_t needed, bool simple)
{
	uint16_t out = weir_ring_ahead(queue->tail, queue->reclaimed), ready;
	bool short_of_room = (uint16_t)(queue->capacity - out) < needed;

	if (out < queue->free_threshold && !short_of_room)
		return;
	ready = weir_ring_ahead(queue->done, queue->reclaimed);
	if (ready < WEIR_TX_FREE_THRESHOLD || short_of_room) {
		if (!read_head(queue))
			return;
		ready = weir_ring_ahead(queue->done, queue->reclaimed);
	}
	if (!short_of_room)
		ready = RTE_MIN(ready, RTE_MAX(needed, (uint16_t)WEIR_TX_FREE_THRESHOLD));
	if (simple)
		reclaim_simple(queue, ready);
	else
		reclaim_full(queue, ready);
}

int weir_tx_done_cleanup(void *opaque, uint32_t limit)
{
	struct weir_tx_queue *queue = opaque;
	uint32_t frames = 0;

	if (!weir_gate_enter(&queue->gate))
		return 0;
	if (!queue->broken && read_head(queue)) {
		uint16_t ready = weir_ring_ahead(queue->done, queue->reclaimed);

		/* Frames end at descriptors that hold an mbuf; without segments each does. */
		while (ready && (limit == 0 || frames < limit)) {
			if (queue->simple) {
				reclaim_simple(queue, 1);
				frames++;
			} else {
				frames += reclaim_full(queue, 1);
			}
			ready--;
		}
	}
	weir_gate_leave(&queue->gate);
	return (int)frames;
}

/* --- sending --------------------------------------------------------------------------------------- */

/* The descriptors up to tail are ready: tells the device, if it does not look by itself. */
static inline void publish(struct weir_tx_queue *queue, uint16_t tail)
{
	uint16_t before = queue->tail;

	if (tail == before)
		return;
	queue->ring[(uint16_t)(tail - 1u) & queue->mask].flags |=
		weir_cpu_to_le16((uint16_t)WEIR_TXD_REPORT_MASK);
	queue->tail = tail;
	if (likely(queue->shadow != NULL)) {
		weir_shadow_store(queue->shadow, tail);
		if (likely(!weir_shadow_wants_doorbell(queue->shadow, before, tail)))
			return;
	}
	queue->doorbells++;
	weir_doorbell_ring(queue->device->transport,
			   weir_doorbell_offset(queue->device, queue->index, WEIR_DOORBELL_TX_TAIL),
			   tail);
}

static void drop(struct weir_tx_queue *queue, struct rte_mbuf *frame)
{
	queue->dropped++;
	rte_pktmbuf_free(frame);
}

uint16_t weir_transmit_simple(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	struct weir_tx_queue *queue = opaque;
	const uint32_t span = queue->max_frame_bytes - WEIR_MIN_FRAME_BYTES;
	const uint16_t mask = queue->mask;
	uint16_t tail, room, i;
	uint64_t bytes = 0;

	if (unlikely(!weir_gate_enter(&queue->gate)))
		return 0;
	reclaim(queue, count, true);
	tail = queue->tail;
	room = (uint16_t)(queue->capacity - weir_ring_ahead(tail, queue->reclaimed));
	if (unlikely(queue->broken))
		room = 0;
	count = RTE_MIN(count, room);
	for (i = 0; i < count; i++) {
		struct rte_mbuf *mbuf = frames[i];
		uint16_t slot = tail & mask, length = mbuf->data_len;

		if (unlikely((uint32_t)length - WEIR_MIN_FRAME_BYTES > span)) {
			drop(queue, mbuf);
			continue;
		}
		queue->mbufs[slot] = mbuf;
		descriptor_write(&queue->ring[slot], rte_mbuf_data_iova(mbuf), length,
				 WEIR_TXD_END_MASK, 0, 0);
		bytes += length;
		tail++;
	}
	queue->frames += weir_ring_ahead(tail, queue->tail);
	queue->bytes += bytes;
	publish(queue, tail);
	weir_gate_leave(&queue->gate);
	return count;
}

/* --- tags (specs/data-queues.md, transmit: VLAN) --- */

/* Bytes of the tags that a frame asks for. */
static inline uint32_t tag_bytes_of(const struct rte_mbuf *frame)
{
	if (unlikely(frame->ol_flags & RTE_MBUF_F_TX_QINQ))
		return 2 * RTE_VLAN_HLEN;
	return frame->ol_flags & RTE_MBUF_F_TX_VLAN ? RTE_VLAN_HLEN : 0;
}

/* The card puts in one tag, the outer one: of two the inner one is put into the frame, which moves what is behind it. */
static inline uint32_t bytes_moved(const struct rte_mbuf *frame)
{
	return frame->ol_flags & RTE_MBUF_F_TX_QINQ ? RTE_VLAN_HLEN : 0;
}

/* Whether a frame that asks for two tags can be written to. */
static bool takes_inner_tag(const struct rte_mbuf *frame)
{
	return RTE_MBUF_DIRECT(frame) && rte_mbuf_refcnt_read(frame) == 1 &&
	       rte_pktmbuf_headroom(frame) >= RTE_VLAN_HLEN &&
	       frame->data_len >= sizeof(struct rte_ether_hdr);
}

/* The same frame, sendable, with its inner tag in it, and nothing that asks for it any more. */
static void put_inner_tag(struct rte_mbuf *frame)
{
	struct rte_ether_hdr *header;
	struct rte_vlan_hdr *tag;

	/* The room was looked at by takes_inner_tag(). */
	frame->data_off = (uint16_t)(frame->data_off - RTE_VLAN_HLEN);
	frame->data_len = (uint16_t)(frame->data_len + RTE_VLAN_HLEN);
	frame->pkt_len += RTE_VLAN_HLEN;
	header = rte_pktmbuf_mtod(frame, struct rte_ether_hdr *);
	tag = (struct rte_vlan_hdr *)(header + 1);
	memmove(header, RTE_PTR_ADD(header, RTE_VLAN_HLEN), 2 * RTE_ETHER_ADDR_LEN);
	header->ether_type = RTE_BE16(RTE_ETHER_TYPE_VLAN);
	tag->vlan_tci = rte_cpu_to_be_16(frame->vlan_tci);
	frame->l2_len += RTE_VLAN_HLEN;
}

/* What the first descriptor says of a tag: flags, and *tci. */
static inline uint16_t tag_flags_of(const struct rte_mbuf *frame, uint16_t *tci)
{
	if (unlikely(frame->ol_flags & RTE_MBUF_F_TX_QINQ)) {
		*tci = frame->vlan_tci_outer;
		return WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK;
	}
	*tci = frame->ol_flags & RTE_MBUF_F_TX_VLAN ? frame->vlan_tci : 0;
	return frame->ol_flags & RTE_MBUF_F_TX_VLAN ? WEIR_TXD_VLAN_MASK : 0;
}

/* What the descriptor says of the checksums that an mbuf asks for. */
struct checksum {
	uint16_t flags, where;
};

/* The L4 checksum that is asked for; whoever has a frame cut need not say it. */
static inline uint64_t l4_of(const struct rte_mbuf *frame)
{
	if (unlikely(frame->ol_flags & CUTS_DONE))
		return frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG ? RTE_MBUF_F_TX_TCP_CKSUM
							       : RTE_MBUF_F_TX_UDP_CKSUM;
	return frame->ol_flags & RTE_MBUF_F_TX_L4_MASK;
}

/* False: the L4 checksum lies beyond the device's reach (specs/checksum.md, limits), once the frame has moved by so many bytes. */
static inline bool checksum_of(const struct rte_mbuf *frame, uint32_t moved,
			       struct checksum *checksum)
{
	static const uint8_t fields[] = { [RTE_MBUF_F_TX_TCP_CKSUM >> 52] = 16,
					  [RTE_MBUF_F_TX_SCTP_CKSUM >> 52] = 8,
					  [RTE_MBUF_F_TX_UDP_CKSUM >> 52] = 6 };
	uint64_t l4 = l4_of(frame);
	uint32_t start = moved + frame->l2_len + frame->l3_len, field = fields[l4 >> 52];

	*checksum = (struct checksum){ 0 };
	if (frame->ol_flags & RTE_MBUF_F_TX_IP_CKSUM)
		checksum->flags = WEIR_TXD_IPV4_CHECKSUM_MASK;
	if (!l4)
		return true;
	checksum->flags |= WEIR_TXD_CHECKSUM_MASK;
	if (l4 == RTE_MBUF_F_TX_SCTP_CKSUM)
		checksum->flags |= WEIR_TXD_CRC32C_MASK;
	checksum->where = (uint16_t)(start | field << 8);
	field += start + (l4 == RTE_MBUF_F_TX_SCTP_CKSUM ? 4u : 2u);
	return start >= WEIR_CHECKSUM_START_MIN && field <= WEIR_CHECKSUM_REACH_BYTES &&
	       field <= frame->pkt_len + moved;
}

/* --- frames that the device cuts (specs/segmentation.md) --- */

static inline uint32_t header_bytes_of(const struct rte_mbuf *frame)
{
	return (uint32_t)frame->l2_len + frame->l3_len + frame->l4_len;
}

/* Descriptors of a frame that is cut, whose first mbuf holds its headers: these have one of their own. */
static uint32_t large_descriptors(const struct rte_mbuf *frame)
{
	uint32_t count = 1, first = frame->data_len - header_bytes_of(frame);

	count += (first + PIECE_BYTES - 1) / PIECE_BYTES;
	for (const struct rte_mbuf *segment = frame->next; segment; segment = segment->next)
		count += (segment->data_len + PIECE_BYTES - 1) / PIECE_BYTES;
	return count;
}

static bool large_sendable(const struct weir_tx_queue *queue, const struct rte_mbuf *frame)
{
	uint32_t header = header_bytes_of(frame), moved = bytes_moved(frame);
	struct checksum checksum;

	return (frame->ol_flags & CUTS_DONE) != CUTS_DONE && frame->l4_len &&
	       checksum_of(frame, moved, &checksum) &&
	       header + moved <= WEIR_SEGMENT_HEADER_BYTES && header <= frame->data_len &&
	       header < frame->pkt_len && frame->pkt_len + moved <= WEIR_SEGMENT_FRAME_BYTES &&
	       frame->tso_segsz >= WEIR_SEGMENT_MIN_BYTES &&
	       header + frame->tso_segsz + tag_bytes_of(frame) <= queue->max_frame_bytes &&
	       large_descriptors(frame) <= queue->max_segments;
}

/* Writes the descriptors of a frame that is cut; returns the tail behind them. There is room. */
static uint16_t large_write(struct weir_tx_queue *queue, struct rte_mbuf *frame, uint16_t tail)
{
	uint16_t vlan_tci, flags = WEIR_TXD_SEGMENT_MASK, mss = frame->tso_segsz, last;
	uint32_t at = header_bytes_of(frame);
	struct checksum first;

	checksum_of(frame, 0, &first);
	flags |= first.flags | tag_flags_of(frame, &vlan_tci);
	descriptor_write(&queue->ring[tail & queue->mask], rte_mbuf_data_iova(frame), (uint16_t)at,
			 flags, vlan_tci, first.where);
	queue->mbufs[tail & queue->mask] = NULL;
	last = tail++;
	for (const struct rte_mbuf *segment = frame; segment; segment = segment->next, at = 0) {
		while (at < segment->data_len) {
			uint32_t bytes = RTE_MIN(segment->data_len - at, PIECE_BYTES);

			/* The second descriptor says where to cut: tx_payload_descriptor.mss lies where vlan_tci does. */
			descriptor_write(&queue->ring[tail & queue->mask],
					 rte_mbuf_data_iova(segment) + at, (uint16_t)bytes, 0, mss,
					 0);
			queue->mbufs[tail & queue->mask] = NULL;
			mss = 0;
			at += bytes;
			last = tail++;
		}
	}
	queue->ring[last & queue->mask].flags |= weir_cpu_to_le16((uint16_t)WEIR_TXD_END_MASK);
	queue->mbufs[last & queue->mask] = frame;
	return tail;
}

/* --- frames of every kind --- */

/* Descriptors that a frame takes at most. */
static inline uint32_t descriptors_of(const struct rte_mbuf *frame)
{
	if (unlikely(frame->ol_flags & CUTS_DONE))
		return large_descriptors(frame);
	return frame->nb_segs;
}

/* Whether the device can send a frame: its segments, its bytes with tags that are to be inserted, and its checksums. */
static inline bool sendable(const struct weir_tx_queue *queue, const struct rte_mbuf *frame)
{
	struct checksum checksum;

	if (unlikely(frame->ol_flags & RTE_MBUF_F_TX_QINQ) && !takes_inner_tag(frame))
		return false;
	if (unlikely(frame->ol_flags & CUTS_DONE))
		return large_sendable(queue, frame);
	if (unlikely(frame->ol_flags & CHECKSUMS_DONE) &&
	    !checksum_of(frame, bytes_moved(frame), &checksum))
		return false;
	return frame->nb_segs <= queue->max_segments && frame->pkt_len >= WEIR_MIN_FRAME_BYTES &&
	       frame->pkt_len <= queue->max_frame_bytes - tag_bytes_of(frame);
}

/* Whether a frame asks when it is sent, of a function that can tell. */
static inline bool asks_time(const struct weir_tx_queue *queue, const struct rte_mbuf *frame)
{
	return unlikely(frame->ol_flags & RTE_MBUF_F_TX_IEEE1588_TMST) &&
	       (queue->device->limits.features & WEIR_REG_FEATURES_TIME_MASK);
}

/* Where the time of a frame will be, whose last descriptor has this count (specs/time.md, "Transmitted frames"). */
static void await_time(struct weir_tx_queue *queue, uint16_t last)
{
	queue->reports[last & queue->mask].flags = 0;
	__atomic_store_n(&queue->device->timesync.sent,
			 WEIR_SENT_VALID | (uint64_t)queue->index << 16 | last, __ATOMIC_RELEASE);
}

/* Writes the descriptors of a frame; returns the tail behind them. There is room. */
static inline uint16_t frame_write(struct weir_tx_queue *queue, struct rte_mbuf *frame,
				   uint16_t tail)
{
	uint16_t vlan_tci, last = tail;
	struct checksum first = { 0 };

	/* It goes for sure: nobody will be given it back with a tag too many. */
	if (unlikely(frame->ol_flags & RTE_MBUF_F_TX_QINQ))
		put_inner_tag(frame);
	if (unlikely(frame->ol_flags & CUTS_DONE))
		return large_write(queue, frame, tail);
	if (frame->ol_flags & CHECKSUMS_DONE)
		checksum_of(frame, 0, &first);
	first.flags |= tag_flags_of(frame, &vlan_tci);
	if (asks_time(queue, frame))
		first.flags |= WEIR_TXD_TIMESTAMP_MASK;
	for (const struct rte_mbuf *segment = frame; segment; segment = segment->next) {
		uint16_t slot = tail & queue->mask;

		if (unlikely(segment->data_len == 0))
			continue; /* a descriptor of no bytes is an error (specs/data-queues.md) */
		descriptor_write(&queue->ring[slot], rte_mbuf_data_iova(segment), segment->data_len,
				 first.flags, vlan_tci, first.where);
		queue->mbufs[slot] = NULL;
		first = (struct checksum){ 0 };
		vlan_tci = 0;
		last = tail++;
	}
	queue->ring[last & queue->mask].flags |= weir_cpu_to_le16((uint16_t)WEIR_TXD_END_MASK);
	if (asks_time(queue, frame))
		await_time(queue, last);
	queue->mbufs[last & queue->mask] = frame;
	return tail;
}

uint16_t weir_transmit(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	struct weir_tx_queue *queue = opaque;
	uint16_t tail, i, sent = 0;
	uint64_t bytes = 0;

	if (unlikely(!weir_gate_enter(&queue->gate)))
		return 0;
	reclaim(queue, count, false);
	tail = queue->tail;
	for (i = 0; i < count && likely(!queue->broken); i++) {
		struct rte_mbuf *frame = frames[i];

		if (unlikely(!sendable(queue, frame))) {
			drop(queue, frame);
			continue;
		}
		uint32_t descriptors = descriptors_of(frame);

		if (unlikely(weir_ring_ahead(tail, queue->reclaimed) + descriptors >
			     queue->capacity)) {
			/* reclaim() counts from the published tail: what was written stays as it is. */
			reclaim(queue, (uint16_t)(weir_ring_ahead(tail, queue->tail) + descriptors),
				false);
			if (weir_ring_ahead(tail, queue->reclaimed) + descriptors > queue->capacity)
				break;
		}
		bytes += frame->pkt_len;
		tail = frame_write(queue, frame, tail);
		sent++;
	}
	queue->frames += sent;
	queue->bytes += bytes;
	publish(queue, tail);
	weir_gate_leave(&queue->gate);
	return i;
}

/* Leaves the sum of a pseudo header without a length in the UDP header of a frame that is cut: what DPDK 22.11 does for TCP alone. */
static void prepare_large_udp(struct rte_mbuf *frame)
{
	const void *ip = rte_pktmbuf_mtod_offset(frame, const void *, frame->l2_len);
	struct rte_udp_hdr *udp =
		rte_pktmbuf_mtod_offset(frame, struct rte_udp_hdr *, frame->l2_len + frame->l3_len);

	udp->dgram_cksum = frame->ol_flags & RTE_MBUF_F_TX_IPV6
				   ? rte_ipv6_phdr_cksum(ip, RTE_MBUF_F_TX_TCP_SEG)
				   : rte_ipv4_phdr_cksum(ip, RTE_MBUF_F_TX_TCP_SEG);
}

uint16_t weir_transmit_prepare(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	const struct weir_tx_queue *queue = opaque;

	for (uint16_t i = 0; i < count; i++) {
		if (frames[i]->ol_flags & OFFLOADS_REFUSED) {
			rte_errno = ENOTSUP;
			return i;
		}
		if (!sendable(queue, frames[i])) {
			rte_errno = EINVAL;
			return i;
		}
		if (frames[i]->ol_flags & RTE_MBUF_F_TX_UDP_SEG) {
			prepare_large_udp(frames[i]);
		} else if (frames[i]->ol_flags & (CHECKSUMS_DONE | CUTS_DONE)) {
			int error = rte_net_intel_cksum_prepare(frames[i]);

			if (error) {
				rte_errno = -error;
				return i;
			}
		}
	}
	return count;
}

int weir_tx_descriptor_status(void *opaque, uint16_t offset)
{
	const struct weir_tx_queue *queue = opaque;
	uint16_t head, place;

	if (offset >= queue->descriptors)
		return -EINVAL;
	/* Counted from the next descriptor to be written; those behind the tail were written a lap ago. */
	place = (uint16_t)(queue->tail + offset - queue->capacity);
	head = (uint16_t)weir_load32(queue->head);
	if (weir_ring_ahead(queue->tail, place) > weir_ring_ahead(queue->tail, head))
		return RTE_ETH_TX_DESC_DONE;
	return RTE_ETH_TX_DESC_FULL;
}
