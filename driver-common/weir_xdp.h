/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XDP programs on the fast path: what receiving, sending and the queues' memory need of weir_xdp.c.
 *
 * A receive ring without a program, and without half a frame that one was to see, has no
 * WEIR_RX_XDP in its detour: beyond one look a poll nothing here is touched.
 */
#ifndef WEIR_XDP_H
#define WEIR_XDP_H

#include <linux/bpf.h>
#include <linux/skbuff.h>
#include <net/xdp.h>

#include "weir_hw.h"

/**
 * struct weir_xdp - what a receive ring has for XDP programs; the poll's, but for @rxq
 * @rxq: the ring as programs and the stack's XDP core know it; registered while it has a NAPI
 * @program: that frames of this poll are shown to; NULL: none any more
 * @frame: the frame being put together, while @is_open
 * @is_open: its last buffer has not come yet
 * @has_redirected: frames went to a map since it was flushed
 * @queued: frames in @queue
 * @queue: to be sent back from this ring's pair, at the end of the poll
 * @counts: by enum weir_xdp_count, of this poll
 * @frames: of this poll that the stack did not get
 * @bytes: in them, as they came
 */
struct weir_xdp {
	struct xdp_rxq_info rxq;
	struct bpf_prog *program;
	struct xdp_buff frame;
	bool is_open;
	bool has_redirected;
	unsigned int queued;
	struct xdp_frame *queue[NAPI_POLL_WEIGHT];
	unsigned int counts[WEIR_XDP_COUNTS];
	unsigned int frames;
	unsigned int bytes;
};

/* What became of a completion that a program's frame took. */
enum weir_xdp_result {
	WEIR_XDP_TAKEN, /* nothing is left to do */
	WEIR_XDP_PASSED, /* ring->partial is the frame, for the stack */
	WEIR_XDP_FAILED, /* the frame cannot go on: nothing is left of it */
};

int weir_xdp_alloc(struct weir_device *weir, struct weir_rx_ring *rx);
void weir_xdp_free(struct weir_rx_ring *rx);
int weir_xdp_register(struct weir_device *weir, struct weir_rx_ring *rx, u16 index,
		      unsigned int napi_id);
void weir_xdp_unregister(struct weir_rx_ring *rx);

void weir_xdp_poll_begin(struct weir_pair *pair);
void weir_xdp_poll_end(struct weir_pair *pair);
enum weir_xdp_result weir_xdp_take(struct weir_pair *pair, struct page *page, unsigned int length,
				   bool is_last);
void weir_xdp_drop_open(struct weir_rx_ring *rx);

/* Where in its page a buffer begins: room for headers that programs or the stack put in front. */
static inline unsigned int weir_rx_offset(void)
{
	return max_t(unsigned int, XDP_PACKET_HEADROOM, NET_SKB_PAD) + NET_IP_ALIGN;
}

/* Whether the next completion belongs to a frame for a program, and to no skb begun before. */
static inline bool weir_xdp_wants(const struct weir_rx_ring *rx)
{
	return rx->detour & WEIR_RX_XDP && !rx->partial && (rx->xdp->program || rx->xdp->is_open);
}

#endif
