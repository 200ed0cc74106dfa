/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive bursts (specs/data-queues.md, receive). weir_receive() looks at the generation bits of the completions ahead, turns what is good
 * and in order into mbufs, and leaves everything else to the careful path (weir_rx_frame.c), which the other bursts take always.
 */
#include "weir_rx_mbuf.h"
#include "weir_rx_ring.h"

#include <rte_mbuf_dyn.h>
#include <rte_prefetch.h>

/* The parts of a completion's flags that tell a plain frame in one buffer from everything else. */
#define CHECKED_FLAGS                                                    \
	(WEIR_RXC_PHASE_MASK | WEIR_RXC_END_MASK | WEIR_RXC_ERROR_MASK | \
	 WEIR_RXC_GENERATION_MASK | WEIR_RXC_VLAN_8021AD_MASK)

/* Completions that one burst may take without making a frame of them; bounds a misbehaving device. */
#define ODD_COMPLETIONS_MAX 256

/* How far ahead of the mbuf that is filled the next ones are fetched. */
#define PREFETCH_AHEAD 4

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
		said = weir_completion_to_mbuf(&entries[i], mbuf, queue->rearm);
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

/* Takes a completion by the careful path; a frame of several buffers that the application did not ask for is dropped. */
static __rte_noinline struct rte_mbuf *take_odd(struct weir_rx_queue *queue)
{
	struct rte_mbuf *frame = weir_rx_take(queue);

	if (!frame)
		return NULL;
	if (frame->nb_segs > 1 && !queue->chains) {
		rte_pktmbuf_free(frame);
		queue->errors++;
		return NULL;
	}
	return frame;
}

/* The end of a burst. splits: queue->headers, a constant. */
static __rte_always_inline void leave(struct weir_rx_queue *queue, const bool splits)
{
	if (weir_rx_room(queue) >= queue->free_threshold)
		weir_rx_post(queue, splits);
	weir_gate_leave(&queue->gate);
}

uint16_t weir_receive(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	struct weir_rx_queue *queue = opaque;
	uint16_t got = 0, odd = 0;

	if (unlikely(!weir_gate_enter(&queue->gate)))
		return 0;
	weir_rx_check_doorbell(queue);
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
		if (!weir_rx_written(queue, 0) || odd++ == ODD_COMPLETIONS_MAX)
			break;
		frame = take_odd(queue);
		if (!frame)
			continue;
		queue->frames++;
		queue->bytes += frame->pkt_len;
		frames[got++] = frame;
	}
	leave(queue, false);
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

/* A burst by the careful path alone. timed: queue->timed, splits: queue->headers, constants both. */
static __rte_always_inline uint16_t receive_carefully(struct weir_rx_queue *queue,
						      struct rte_mbuf **frames, uint16_t count,
						      const bool timed, const bool splits)
{
	uint32_t left = queue->completion_mask + 1u;
	uint16_t got = 0;

	if (unlikely(!weir_gate_enter(&queue->gate)))
		return 0;
	weir_rx_check_doorbell(queue);
	while (got < count && left-- && !queue->broken && weir_rx_written(queue, 0)) {
		uint16_t taken = (uint16_t)(queue->taken + (splits ? queue->more_used : 0));
		uint16_t next = (taken + 1u) & queue->mask;
		struct rte_mbuf *ahead = splits ? queue->headers[next] : queue->buffers[next];
		struct rte_mbuf *frame;
		uint64_t time_ns = 0;

		if (ahead)
			rte_prefetch0(ahead);
		if (timed) {
			weir_load_fence();
			time_ns = time_of(weir_rx_completion_at(queue, queue->taken));
		}
		frame = splits	? weir_rx_take_split(queue)
			: timed ? take_odd(queue)
				: weir_rx_take(queue);
		if (!frame)
			continue;
		if (timed)
			stamp(queue, frame, time_ns);
		else
			rte_prefetch0(rte_pktmbuf_mtod(frame, void *));
		queue->frames++;
		queue->bytes += frame->pkt_len;
		frames[got++] = frame;
	}
	leave(queue, splits);
	return got;
}

uint16_t weir_receive_scattered(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	return receive_carefully(opaque, frames, count, false, false);
}

uint16_t weir_receive_timed(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	return receive_carefully(opaque, frames, count, true, false);
}

uint16_t weir_receive_split(void *opaque, struct rte_mbuf **frames, uint16_t count)
{
	struct weir_rx_queue *queue = opaque;

	if (!queue->headers)
		return queue->timed ? weir_receive_timed(queue, frames, count)
				    : weir_receive(queue, frames, count);
	return queue->timed ? receive_carefully(queue, frames, count, true, true)
			    : receive_carefully(queue, frames, count, false, true);
}
