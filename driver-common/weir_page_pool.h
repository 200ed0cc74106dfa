/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page pool, wherever this kernel keeps its header, and what comes out of it: a page, or on kernels with memory providers
 * (io_uring's zero-copy receive, devmem TCP) something that stands for memory which the processor may be unable to read.
 */
#ifndef WEIR_PAGE_POOL_H
#define WEIR_PAGE_POOL_H

#include <linux/dma-mapping.h>
#include <linux/skbuff.h>

#include "weir_hw.h"

#if WEIR_HAVE_PAGE_POOL_HELPERS
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif

#if WEIR_HAVE_QUEUE_MANAGEMENT

static inline weir_netmem weir_pool_alloc(struct page_pool *pool, gfp_t gfp)
{
	return page_pool_alloc_netmems(pool, gfp);
}

static inline void weir_pool_put(struct page_pool *pool, weir_netmem netmem, bool in_poll)
{
	page_pool_put_full_netmem(pool, netmem, in_poll);
}

static inline dma_addr_t weir_netmem_dma(weir_netmem netmem)
{
	return page_pool_get_dma_addr_netmem(netmem);
}

/* Of a ring that splits no headers off: there it is a page always. */
static inline struct page *weir_netmem_page(weir_netmem netmem)
{
	return __netmem_to_page(netmem);
}

/* The card wrote so many bytes from where the pool's buffers begin: the processor may read them, if it can. */
static inline void weir_pool_sync_for_cpu(struct page_pool *pool, weir_netmem netmem, u32 bytes)
{
	page_pool_dma_sync_netmem_for_cpu(pool, netmem, 0, bytes);
}

static inline void weir_skb_add_netmem(struct sk_buff *skb, weir_netmem netmem, unsigned int offset,
				       unsigned int bytes, unsigned int truesize)
{
	skb_add_rx_frag_netmem(skb, skb_shinfo(skb)->nr_frags, netmem, offset, bytes, truesize);
}

#else

static inline weir_netmem weir_pool_alloc(struct page_pool *pool, gfp_t gfp)
{
	return page_pool_alloc_pages(pool, gfp);
}

static inline void weir_pool_put(struct page_pool *pool, weir_netmem netmem, bool in_poll)
{
	page_pool_put_full_page(pool, netmem, in_poll);
}

static inline dma_addr_t weir_netmem_dma(weir_netmem netmem)
{
	return page_pool_get_dma_addr(netmem);
}

static inline struct page *weir_netmem_page(weir_netmem netmem)
{
	return netmem;
}

static inline void weir_pool_sync_for_cpu(struct page_pool *pool, weir_netmem netmem, u32 bytes)
{
	dma_sync_single_range_for_cpu(pool->p.dev, page_pool_get_dma_addr(netmem), pool->p.offset,
				      bytes, DMA_FROM_DEVICE);
}

static inline void weir_skb_add_netmem(struct sk_buff *skb, weir_netmem netmem, unsigned int offset,
				       unsigned int bytes, unsigned int truesize)
{
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, netmem, offset, bytes, truesize);
}

#endif

#endif
