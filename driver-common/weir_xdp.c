// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP: programs that see frames before the stack does (specs/data-queues.md, "Receive" and
 * "Transmit"; the card knows nothing of them).
 *
 * Buffers always have the headroom that programs want, so one comes and goes by a pointer: no queue
 * is stopped, no frame lost. Frames of several buffers are put together in ring->xdp->frame, over
 * several polls if need be; a frame that was begun for a program that is gone goes to the stack.
 *
 * What programs send shares the transmit rings of the stack, under the stack's lock of the queue,
 * which is taken once for many frames. It leaves as much room as the stack needs to be woken, so
 * that it never stops a queue, nor keeps one from being started again. While queues are stopped,
 * weir->data->sending is off, and nobody who looked at it under that lock has put a frame into a
 * ring.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/dma-mapping.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "weir_hw.h"
#include "weir_page_pool.h"
#include "weir_tx.h"
#include "weir_xdp.h"

/* --- sending --- */

static void weir_xdp_unmap(struct device *dev, struct weir_tx_ring *tx, unsigned int count)
{
	while (count--)
		weir_tx_unmap(dev, &tx->slots[(u16)(tx->tail + count) & (tx->size - 1)]);
}

/*
 * Puts a frame into a transmit ring, whose lock is held. The card is not told.
 * Return: whether it is there; if not, it is the caller's still.
 */
static bool weir_xdp_put(struct weir_device *weir, struct weir_tx_ring *tx, struct xdp_frame *frame)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_frame(frame);
	unsigned int frags = xdp_frame_has_frags(frame) ? shared->nr_frags : 0;
	unsigned int bytes = xdp_get_frame_len(frame);
	unsigned int i;
	dma_addr_t dma;
	u16 last;

	/* The card would take offence. */
	if (unlikely(bytes < WEIR_MIN_FRAME_BYTES || bytes > weir->max_frame_bytes ||
		     1 + frags > tx->max_segments))
		return false;
	if (unlikely(weir_tx_room(tx) < 1 + frags + WEIR_TX_WAKE))
		return false;
	dma = dma_map_single(weir->dev, frame->data, frame->len, DMA_TO_DEVICE);
	if (unlikely(dma_mapping_error(weir->dev, dma)))
		return false;
	weir_tx_place(tx, tx->tail, dma, frame->len, false);
	for (i = 0; i < frags; i++) {
		const skb_frag_t *frag = &shared->frags[i];

		dma = skb_frag_dma_map(weir->dev, frag, 0, skb_frag_size(frag), DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(weir->dev, dma))) {
			weir_xdp_unmap(weir->dev, tx, 1 + i);
			return false;
		}
		weir_tx_place(tx, tx->tail + 1 + i, dma, skb_frag_size(frag), true);
	}
	last = (u16)(tx->tail + frags) & (tx->size - 1);
	tx->descriptors[last].flags = cpu_to_le16(WEIR_TXD_END_MASK);
	tx->slots[last].frame = frame;
	tx->slots[last].is_xdp = true;
	tx->last_end = last;
	WRITE_ONCE(tx->tail, tx->tail + 1 + frags);
	return true;
}

/*
 * Sends frames by a queue that the stack uses, too.
 * Return: how many, the first ones; or -ENETDOWN. The others are the caller's still.
 */
static int weir_xdp_send(struct weir_device *weir, u16 index, struct xdp_frame **frames, int count,
			 bool publish)
{
	struct netdev_queue *queue = netdev_get_tx_queue(weir->netdev, index);
	struct weir_tx_ring *tx;
	struct weir_data *data;
	int sent = 0;

	__netif_tx_lock(queue, smp_processor_id());
	/* weir_data_halt() counts on this test, under this lock. */
	data = READ_ONCE(weir->data);
	if (unlikely(!data || !READ_ONCE(data->sending) || index >= data->config.pairs)) {
		__netif_tx_unlock(queue);
		return -ENETDOWN;
	}
	tx = &data->pairs[index]->tx;
	while (sent < count && weir_xdp_put(weir, tx, frames[sent]))
		sent++;
	if (publish)
		weir_tx_publish(weir, tx);
	u64_stats_update_begin(&tx->stats->sync);
	u64_stats_add(&tx->stats->xdp_frames, sent);
	u64_stats_add(&tx->stats->xdp_dropped, count - sent);
	u64_stats_update_end(&tx->stats->sync);
	__netif_tx_unlock(queue);
	return sent;
}

/**
 * weir_xdp_xmit() - ndo_xdp_xmit: frames that programs of other interfaces redirected to this one
 * @netdev: the interface
 * @count: how many
 * @frames: they
 * @flags: XDP_XMIT_FLUSH, or none: more will come
 *
 * Processors have queues of their own as far as there are queues.
 *
 * Return: how many were sent, the first ones, the others are the caller's still; or a negative
 * errno.
 */
int weir_xdp_xmit(struct net_device *netdev, int count, struct xdp_frame **frames, u32 flags)
{
	unsigned int queues = READ_ONCE(netdev->real_num_tx_queues);

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	if (unlikely(!netif_carrier_ok(netdev)))
		return -ENETDOWN;
	return weir_xdp_send(weir_of(netdev), smp_processor_id() % queues, frames, count,
			     flags & XDP_XMIT_FLUSH);
}

/* Sends the frames that programs of this poll sent back. */
static void weir_xdp_send_queued(struct weir_pair *pair)
{
	struct weir_xdp *xdp = pair->rx->xdp;
	int sent = weir_xdp_send(pair->weir, pair->index, xdp->queue, xdp->queued, true);
	unsigned int i = max(sent, 0);

	xdp->counts[WEIR_XDP_COUNT_TX] += i;
	xdp->counts[WEIR_XDP_COUNT_TX_FAILED] += xdp->queued - i;
	for (; i < xdp->queued; i++)
		xdp_return_frame_rx_napi(xdp->queue[i]);
	xdp->queued = 0;
}

/* --- receiving --- */

/* Gives a frame's buffers back to the pool. */
static void weir_xdp_recycle(struct weir_rx_ring *rx, struct xdp_buff *frame, bool in_poll)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(frame);
	unsigned int i;

	for (i = 0; xdp_buff_has_frags(frame) && i < shared->nr_frags; i++)
		page_pool_put_full_page(rx->pool, skb_frag_page(&shared->frags[i]), in_poll);
	page_pool_put_full_page(rx->pool, virt_to_page(frame->data_hard_start), in_poll);
}

/**
 * weir_xdp_drop_open() - forget a program's frame of which not all buffers have come
 * @rx: the ring
 */
void weir_xdp_drop_open(struct weir_rx_ring *rx)
{
	if (!rx->xdp->is_open)
		return;
	rx->xdp->is_open = false;
	weir_xdp_recycle(rx, &rx->xdp->frame, false);
}

static void weir_xdp_begin_frame(struct weir_rx_ring *rx, struct page *page, unsigned int length)
{
	struct xdp_buff *frame = &rx->xdp->frame;

	xdp_init_buff(frame, rx->page_bytes, &rx->xdp->rxq);
	xdp_prepare_buff(frame, page_address(page), weir_rx_offset(), length, true);
	net_prefetch(frame->data);
	rx->xdp->is_open = true;
}

static void weir_xdp_fill_frag(skb_frag_t *frag, struct page *page, unsigned int offset,
			       unsigned int length)
{
#if WEIR_HAVE_SKB_FRAG_FILL
	skb_frag_fill_page_desc(frag, page, offset, length);
#else
	__skb_frag_set_page(frag, page);
	skb_frag_off_set(frag, offset);
	skb_frag_size_set(frag, length);
#endif
}

/* Adds one more buffer. Return: whether there was room for it. */
static bool weir_xdp_add_frag(struct weir_rx_ring *rx, struct page *page, unsigned int length)
{
	struct xdp_buff *frame = &rx->xdp->frame;
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(frame);

	if (!xdp_buff_has_frags(frame)) {
		shared->nr_frags = 0;
		shared->xdp_frags_size = 0;
		xdp_buff_set_frags_flag(frame);
	}
	if (unlikely(shared->nr_frags >= MAX_SKB_FRAGS))
		return false;
	weir_xdp_fill_frag(&shared->frags[shared->nr_frags++], page, weir_rx_offset(), length);
	shared->xdp_frags_size += length;
	if (unlikely(page_is_pfmemalloc(page)))
		xdp_buff_set_frag_pfmemalloc(frame);
	return true;
}

/* Tells an skb made of a frame's first buffer of those behind it, which stand in its frags already. */
static void weir_xdp_adopt_frags(struct sk_buff *skb, struct xdp_buff *frame,
				 unsigned int frags, unsigned int bytes, unsigned int truesize)
{
#if WEIR_HAVE_XDP_SKB_FLAGS
	xdp_update_skb_frags_info(skb, frags, bytes, truesize, xdp_buff_get_skb_flags(frame));
#else
	skb_shinfo(skb)->nr_frags = frags;
	skb->len += bytes;
	skb->data_len += bytes;
	skb->truesize += truesize;
	skb->pfmemalloc |= xdp_buff_is_frag_pfmemalloc(frame);
#endif
}

/* Makes the frame an skb, which takes its buffers. */
static struct sk_buff *weir_xdp_build_skb(const struct weir_rx_ring *rx, struct xdp_buff *frame)
{
	struct skb_shared_info *shared = xdp_get_shared_info_from_buff(frame);
	/* To be read before an skb is made of it. */
	unsigned int frags = xdp_buff_has_frags(frame) ? shared->nr_frags : 0;
	unsigned int frags_bytes = frags ? shared->xdp_frags_size : 0;
	unsigned int meta_bytes = frame->data - frame->data_meta;
	struct sk_buff *skb = napi_build_skb(frame->data_hard_start, rx->page_bytes);

	if (unlikely(!skb))
		return NULL;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, frame->data - frame->data_hard_start);
	__skb_put(skb, frame->data_end - frame->data);
	if (meta_bytes)
		skb_metadata_set(skb, meta_bytes);
	if (frags)
		weir_xdp_adopt_frags(skb, frame, frags, frags_bytes, frags * rx->page_bytes);
	return skb;
}

static enum weir_xdp_result weir_xdp_pass(struct weir_rx_ring *rx, struct xdp_buff *frame)
{
	rx->partial = weir_xdp_build_skb(rx, frame);
	if (likely(rx->partial))
		return WEIR_XDP_PASSED;
	weir_xdp_recycle(rx, frame, true);
	return WEIR_XDP_FAILED;
}

/* Sends the frame back at the end of the poll. Return: whether that can be. */
static bool weir_xdp_send_back(struct weir_pair *pair, struct xdp_buff *frame)
{
	struct weir_xdp *xdp = pair->rx->xdp;
	struct xdp_frame *back = xdp_convert_buff_to_frame(frame);

	if (unlikely(!back))
		return false;
	xdp->queue[xdp->queued++] = back;
	if (xdp->queued == ARRAY_SIZE(xdp->queue))
		weir_xdp_send_queued(pair);
	return true;
}

/* Shows the frame to the program and does what it says. */
static enum weir_xdp_result weir_xdp_run(struct weir_pair *pair, struct xdp_buff *frame)
{
	struct net_device *netdev = pair->weir->netdev;
	struct weir_xdp *xdp = pair->rx->xdp;
	u32 action = bpf_prog_run_xdp(xdp->program, frame);

	switch (action) {
	case XDP_PASS:
		xdp->counts[WEIR_XDP_COUNT_PASS]++;
		return weir_xdp_pass(pair->rx, frame);
	case XDP_TX:
		if (likely(weir_xdp_send_back(pair, frame)))
			return WEIR_XDP_TAKEN;
		xdp->counts[WEIR_XDP_COUNT_TX_FAILED]++;
		trace_xdp_exception(netdev, xdp->program, action);
		break;
	case XDP_REDIRECT:
		if (likely(!xdp_do_redirect(netdev, frame, xdp->program))) {
			xdp->counts[WEIR_XDP_COUNT_REDIRECT]++;
			xdp->has_redirected = true;
			return WEIR_XDP_TAKEN;
		}
		xdp->counts[WEIR_XDP_COUNT_REDIRECT_FAILED]++;
		trace_xdp_exception(netdev, xdp->program, action);
		break;
	case XDP_DROP:
		xdp->counts[WEIR_XDP_COUNT_DROP]++;
		break;
	default:
		bpf_warn_invalid_xdp_action(netdev, xdp->program, action);
		fallthrough;
	case XDP_ABORTED:
		xdp->counts[WEIR_XDP_COUNT_ABORTED]++;
		trace_xdp_exception(netdev, xdp->program, action);
		break;
	}
	weir_xdp_recycle(pair->rx, frame, true);
	return WEIR_XDP_TAKEN;
}

/**
 * weir_xdp_take() - take a buffer of a frame that weir_xdp_wants()
 * @pair: the queue pair, in its poll
 * @page: the buffer's, ours from here on
 * @length: bytes in it
 * @is_last: it is the frame's last
 *
 * Return: what is left for the caller to do.
 */
enum weir_xdp_result weir_xdp_take(struct weir_pair *pair, struct page *page, unsigned int length,
				   bool is_last)
{
	struct weir_rx_ring *rx = pair->rx;
	struct weir_xdp *xdp = rx->xdp;
	enum weir_xdp_result result;
	unsigned int bytes;

	dma_sync_single_range_for_cpu(pair->weir->dev, page_pool_get_dma_addr(page),
				      weir_rx_offset(), length, DMA_FROM_DEVICE);
	if (!xdp->is_open) {
		weir_xdp_begin_frame(rx, page, length);
	} else if (unlikely(!weir_xdp_add_frag(rx, page, length))) {
		page_pool_recycle_direct(rx->pool, page);
		weir_xdp_drop_open(rx);
		return WEIR_XDP_FAILED;
	}
	if (!is_last)
		return WEIR_XDP_TAKEN;
	xdp->is_open = false;
	/* The program was taken off between two buffers. */
	if (unlikely(!xdp->program))
		return weir_xdp_pass(rx, &xdp->frame);
	bytes = xdp_get_buff_len(&xdp->frame);
	result = weir_xdp_run(pair, &xdp->frame);
	/* Received, whatever the program did with it. */
	if (result == WEIR_XDP_TAKEN) {
		xdp->frames++;
		xdp->bytes += bytes;
	}
	return result;
}

/**
 * weir_xdp_poll_begin() - note which program frames of this poll are shown to
 * @pair: the queue pair
 *
 * Programs are freed after a grace period, and polls are readers.
 */
void weir_xdp_poll_begin(struct weir_pair *pair)
{
	struct weir_rx_ring *rx = pair->rx;

	rx->xdp->program = rcu_dereference_bh(pair->weir->xdp_program);
	if (rx->xdp->program || rx->xdp->is_open)
		rx->detour |= WEIR_RX_XDP;
	else
		rx->detour &= ~WEIR_RX_XDP;
}

/**
 * weir_xdp_poll_end() - send what programs of this poll sent, and count
 * @pair: the queue pair, WEIR_RX_XDP in its detour
 */
void weir_xdp_poll_end(struct weir_pair *pair)
{
	struct weir_xdp_stats *stats = &pair->weir->stats[pair->index].xdp;
	struct weir_rx_stats *rx_stats = pair->rx->stats;
	struct weir_xdp *xdp = pair->rx->xdp;
	unsigned int i;

	if (xdp->queued)
		weir_xdp_send_queued(pair);
	if (xdp->has_redirected) {
		xdp_do_flush();
		xdp->has_redirected = false;
	}
	u64_stats_update_begin(&stats->sync);
	for (i = 0; i < WEIR_XDP_COUNTS; i++)
		u64_stats_add(&stats->counts[i], xdp->counts[i]);
	u64_stats_update_end(&stats->sync);
	memset(xdp->counts, 0, sizeof(xdp->counts));
	u64_stats_update_begin(&rx_stats->sync);
	u64_stats_add(&rx_stats->frames, xdp->frames);
	u64_stats_add(&rx_stats->bytes, xdp->bytes);
	u64_stats_update_end(&rx_stats->sync);
	xdp->frames = 0;
	xdp->bytes = 0;
	/* It may be freed before the next poll looks again. */
	xdp->program = NULL;
}

/* --- memory --- */

/**
 * weir_xdp_alloc() - memory of a receive ring for XDP
 * @weir: the function
 * @rx: the ring
 *
 * Return: 0 or -ENOMEM. Undone by weir_xdp_free().
 */
int weir_xdp_alloc(struct weir_device *weir, struct weir_rx_ring *rx)
{
	rx->xdp = kzalloc_node(sizeof(*rx->xdp), GFP_KERNEL, dev_to_node(weir->dev));
	return rx->xdp ? 0 : -ENOMEM;
}

/**
 * weir_xdp_free() - undo weir_xdp_alloc()
 * @rx: the ring, not registered (any more)
 */
void weir_xdp_free(struct weir_rx_ring *rx)
{
	kfree(rx->xdp);
}

/**
 * weir_xdp_register() - make a ring known to the stack's XDP core
 * @weir: the function
 * @rx: the ring
 * @index: of its queue
 * @napi_id: of the NAPI that polls it
 *
 * Programs may let frames of several buffers grow up to the end of their last page.
 *
 * Return: 0 or a negative errno. Undone by weir_xdp_unregister().
 */
int weir_xdp_register(struct weir_device *weir, struct weir_rx_ring *rx, u16 index,
		      unsigned int napi_id)
{
	struct xdp_rxq_info *rxq = &rx->xdp->rxq;
	int err;

	err = __xdp_rxq_info_reg(rxq, weir->netdev, index, napi_id, rx->page_bytes);
	if (err)
		return err;
	err = xdp_rxq_info_reg_mem_model(rxq, MEM_TYPE_PAGE_POOL, rx->pool);
	if (err)
		xdp_rxq_info_unreg(rxq);
	return err;
}

/**
 * weir_xdp_unregister() - undo weir_xdp_register()
 * @rx: the ring, registered or not
 */
void weir_xdp_unregister(struct weir_rx_ring *rx)
{
	if (xdp_rxq_info_is_reg(&rx->xdp->rxq))
		xdp_rxq_info_unreg(&rx->xdp->rxq);
}

/* --- control --- */

/* Whether every frame of an MTU fits one buffer (specs/data-queues.md, "Receive", on its length). */
static bool weir_xdp_fits(u16 buffer_bytes, int mtu)
{
	return mtu + ETH_HLEN + 2 * VLAN_HLEN <= buffer_bytes;
}

/* Whether a program that takes whole frames only can have them. */
static bool weir_xdp_may_run(const struct bpf_prog *program, u16 buffer_bytes, int mtu)
{
	return !program || program->aux->xdp_has_frags || weir_xdp_fits(buffer_bytes, mtu);
}

/**
 * weir_xdp_check_mtu() - whether the program there can go on with an MTU
 * @weir: the function, under RTNL
 * @mtu: the MTU
 *
 * Return: 0; or -EINVAL, dmesg says what to do.
 */
int weir_xdp_check_mtu(const struct weir_device *weir, int mtu)
{
	const struct bpf_prog *program = rtnl_dereference(weir->xdp_program);

	if (weir_xdp_may_run(program, weir->config.rx_buffer_bytes, mtu))
		return 0;
	netdev_warn(weir->netdev,
		    "MTU %d: frames would take several buffers of %u bytes, which the XDP program does not: %s\n",
		    mtu, weir->config.rx_buffer_bytes,
		    "load one for fragments (xdp.frags), or 'ethtool -G' a longer rx-buf-len");
	return -EINVAL;
}

/**
 * weir_xdp_is_on() - whether there is a program
 * @weir: the function, under RTNL
 */
bool weir_xdp_is_on(const struct weir_device *weir)
{
	return rtnl_dereference(weir->xdp_program);
}

/**
 * weir_xdp_check_buffers() - whether the program there can go on with a length of buffers
 * @weir: the function, under RTNL
 * @buffer_bytes: the length
 * @extack: says what to do if not
 *
 * Return: 0 or -EINVAL.
 */
int weir_xdp_check_buffers(const struct weir_device *weir, u16 buffer_bytes,
			   struct netlink_ext_ack *extack)
{
	const struct bpf_prog *program = rtnl_dereference(weir->xdp_program);

	if (weir_xdp_may_run(program, buffer_bytes, weir->netdev->mtu))
		return 0;
	NL_SET_ERR_MSG_MOD(extack,
			   "the XDP program takes no fragments: lower the MTU, or load one that does (xdp.frags)");
	return -EINVAL;
}

/* Frames begin to be shown to the new program with each ring's next poll; queues run on. */
static int weir_xdp_set_program(struct weir_device *weir, struct bpf_prog *program,
				struct netlink_ext_ack *extack)
{
	struct bpf_prog *old;

	ASSERT_RTNL();
	if (program && weir->config.rx_split) {
		NL_SET_ERR_MSG_MOD(
			extack,
			"headers and payload come apart: 'ethtool -G tcp-data-split off' first");
		return -EINVAL;
	}
	if (!weir_xdp_may_run(program, weir->config.rx_buffer_bytes, weir->netdev->mtu)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "frames of this MTU take several buffers: lower it, set a longer rx-buf-len (ethtool -G), or load a program for fragments (xdp.frags)");
		return -EINVAL;
	}
	old = rcu_replace_pointer(weir->xdp_program, program, lockdep_rtnl_is_held());
	if (old)
		bpf_prog_put(old);
	/* Coalescing goes, or may come back: weir_fix_features(). */
	if (!old != !program)
		netdev_update_features(weir->netdev);
	return 0;
}

/**
 * weir_bpf() - ndo_bpf
 * @netdev: the interface
 * @bpf: the stack's wish
 *
 * Return: 0 or a negative errno, extack says what to do.
 */
int weir_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	switch (bpf->command) {
	case XDP_SETUP_PROG:
		return weir_xdp_set_program(weir_of(netdev), bpf->prog, bpf->extack);
	default:
		return -EINVAL;
	}
}

/**
 * weir_xdp_offer() - say what of XDP there is, on kernels that want to know
 * @netdev: the interface, not registered yet
 */
void weir_xdp_offer(struct net_device *netdev)
{
#if WEIR_HAVE_XDP_FEATURES
	xdp_set_features_flag(netdev, NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
					      NETDEV_XDP_ACT_RX_SG | NETDEV_XDP_ACT_NDO_XMIT |
					      NETDEV_XDP_ACT_NDO_XMIT_SG);
#endif
}
