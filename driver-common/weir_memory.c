// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of queue pairs (specs/data-queues.md, "Creation"). It is made before anything is stopped,
 * so that a change of sizes that fails leaves the old queues running; and it stays where it is in a
 * reset, so that recovery needs no memory. Memory that the card may still write to is not freed: it
 * waits in the function's list of zombies for the next reset.
 *
 * Everything here runs under weir_lock().
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "weir_hw.h"
#include "weir_page_pool.h"
#include "weir_queue.h"
#include "weir_xdp.h"

/*
 * The page pool keeps at most this many pages for reuse; larger rings get the rest from the page
 * allocator.
 */
#define WEIR_POOL_PAGES_MAX 8192u

static size_t weir_rx_completions_bytes(const struct weir_rx_ring *rx)
{
	return (sizeof(struct weir_rx_completion) +
		(rx->timed ? sizeof(struct weir_rx_time) : 0))
	       << rx->completion_log2;
}

static size_t weir_rx_buffers_bytes(const struct weir_rx_ring *rx, bool split)
{
	return rx->size *
	       (split ? sizeof(struct weir_rx_split_buffer) : sizeof(struct weir_rx_buffer));
}

static int weir_tx_alloc(struct weir_pair *pair, unsigned int log2)
{
	struct weir_device *weir = pair->weir;
	struct weir_tx_ring *tx = &pair->tx;

	tx->size = 1 << log2;
	tx->max_segments = weir->max_segments;
	tx->stats = &weir->stats[pair->index].tx;
	tx->done_stats = &weir->stats[pair->index].tx_done;
	tx->head = &pair->memory->tx_head;
	tx->slots = kvcalloc(tx->size, sizeof(*tx->slots), GFP_KERNEL);
	if (!tx->slots)
		return -ENOMEM;
	tx->descriptors = dma_alloc_coherent(weir->dev, tx->size * sizeof(*tx->descriptors),
					     &tx->descriptors_dma, GFP_KERNEL);
	if (!tx->descriptors)
		return -ENOMEM;
	if (!(weir->features & WEIR_REG_FEATURES_TIME_MASK))
		return 0;
	tx->reports = dma_alloc_coherent(weir->dev, tx->size * sizeof(*tx->reports),
					 &tx->reports_dma, GFP_KERNEL);
	return tx->reports ? 0 : -ENOMEM;
}

static void weir_tx_free(struct weir_pair *pair)
{
	struct weir_tx_ring *tx = &pair->tx;

	if (tx->descriptors) {
		weir_tx_drop_all(pair);
		dma_free_coherent(pair->weir->dev, tx->size * sizeof(*tx->descriptors),
				  tx->descriptors, tx->descriptors_dma);
	}
	if (tx->reports)
		dma_free_coherent(pair->weir->dev, tx->size * sizeof(*tx->reports), tx->reports,
				  tx->reports_dma);
	kvfree(tx->slots);
}

/* Where buffers come from; @rx->size and how buffers lie in their pages are known. */
static int weir_rx_pool_create(struct weir_device *weir, struct weir_rx_ring *rx, u16 index,
			       struct napi_struct *napi, bool split)
{
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.order = get_order(rx->page_bytes),
		.pool_size = min_t(unsigned int, rx->size, WEIR_POOL_PAGES_MAX),
		.nid = dev_to_node(weir->dev),
		.dev = weir->dev,
		.dma_dir = DMA_FROM_DEVICE,
		.offset = rx->offset,
		.max_len = rx->buffer_bytes,
#if WEIR_HAVE_PAGE_POOL_NAPI
		.napi = napi,
#endif
#if WEIR_HAVE_PAGE_POOL_NETDEV
		.netdev = weir->netdev,
#endif
	};

	if (split)
		weir_queue_pool_params(&params, index);
	rx->pool = page_pool_create(&params);
	if (IS_ERR(rx->pool)) {
		int err = PTR_ERR(rx->pool);

		rx->pool = NULL;
		return err;
	}
	return 0;
}

static int weir_rx_alloc_parts(struct weir_device *weir, struct weir_rx_ring *rx,
			       const struct weir_config *config, u16 index,
			       struct napi_struct *napi)
{
	int err;

	INIT_LIST_HEAD(&rx->zombie);
	rx->log2 = config->rx_log2;
	rx->size = 1 << config->rx_log2;
	rx->timed = config->rx_times;
	/* Header and payload have a completion each. */
	rx->completion_log2 = config->rx_log2 + config->rx_split;
	rx->split_threshold = config->rx_split_threshold;
	rx->buffer_bytes = config->rx_buffer_bytes;
	rx->page_bytes = PAGE_SIZE << weir_rx_page_order(config->rx_buffer_bytes);
	rx->offset = weir_rx_offset();
	if (config->rx_split)
		weir_queue_buffers(weir, rx, index);
	rx->stats = &weir->stats[index].rx;
	rx->netmems = kvcalloc(rx->size, sizeof(*rx->netmems), GFP_KERNEL);
	if (!rx->netmems || weir_xdp_alloc(weir, rx))
		return -ENOMEM;
	err = weir_rx_pool_create(weir, rx, index, napi, config->rx_split);
	if (err)
		return err;
	if (config->rx_split) {
		rx->headers = dma_alloc_coherent(weir->dev, rx->size * WEIR_RX_HEADER_BYTES,
						 &rx->headers_dma, GFP_KERNEL);
		if (!rx->headers)
			return -ENOMEM;
	}
	rx->buffers = dma_alloc_coherent(weir->dev, weir_rx_buffers_bytes(rx, rx->headers),
					 &rx->buffers_dma, GFP_KERNEL);
	rx->completions = dma_alloc_coherent(weir->dev, weir_rx_completions_bytes(rx),
					     &rx->completions_dma, GFP_KERNEL);
	return rx->buffers && rx->completions ? 0 : -ENOMEM;
}

static void weir_rx_free(struct weir_device *weir, struct weir_rx_ring *rx)
{
	unsigned int i;

	if (!rx)
		return;
	if (rx->xdp)
		weir_rx_drop_partial(rx);
	weir_xdp_free(rx);
	if (rx->pool) {
		for (i = 0; i < rx->size; i++)
			if (rx->netmems[i])
				weir_pool_put(rx->pool, rx->netmems[i], false);
		page_pool_destroy(rx->pool);
	}
	kvfree(rx->netmems);
	if (rx->buffers)
		dma_free_coherent(weir->dev, weir_rx_buffers_bytes(rx, rx->headers), rx->buffers,
				  rx->buffers_dma);
	if (rx->headers)
		dma_free_coherent(weir->dev, rx->size * WEIR_RX_HEADER_BYTES, rx->headers,
				  rx->headers_dma);
	if (rx->completions)
		dma_free_coherent(weir->dev, weir_rx_completions_bytes(rx), rx->completions,
				  rx->completions_dma);
	kfree(rx);
}

/**
 * weir_rx_alloc() - memory for a receive ring
 * @weir: the function
 * @config: how large, and what for
 * @index: of the queue whose ring it is to be
 * @napi: that will poll it; NULL: none, as it is not to run
 *
 * Return: the ring, or an ERR_PTR. Given back by weir_rx_dispose().
 */
struct weir_rx_ring *weir_rx_alloc(struct weir_device *weir, const struct weir_config *config,
				   u16 index, struct napi_struct *napi)
{
	struct weir_rx_ring *rx = kzalloc_node(sizeof(*rx), GFP_KERNEL, dev_to_node(weir->dev));
	int err;

	if (!rx)
		return ERR_PTR(-ENOMEM);
	err = weir_rx_alloc_parts(weir, rx, config, index, napi);
	if (!err)
		return rx;
	weir_rx_free(weir, rx);
	return ERR_PTR(err);
}

/**
 * weir_rx_dispose() - free a receive ring, or keep it for the next reset
 * @weir: the function
 * @rx: a ring that is not polled and not registered for XDP
 * @dma_live: the card may still write to it
 */
void weir_rx_dispose(struct weir_device *weir, struct weir_rx_ring *rx, bool dma_live)
{
	if (dma_live)
		list_add(&rx->zombie, &weir->zombie_rings);
	else
		weir_rx_free(weir, rx);
}

static void weir_pair_free(struct weir_pair *pair)
{
	if (!pair)
		return;
	/* Frames that wait to be sent may lie in pages of the receive ring's pool. */
	weir_tx_free(pair);
	weir_rx_free(pair->weir, pair->rx);
	if (pair->memory)
		dma_free_coherent(pair->weir->dev, sizeof(*pair->memory), pair->memory,
				  pair->memory_dma);
	kfree(pair);
}

static struct weir_pair *weir_pair_alloc(struct weir_device *weir, const struct weir_config *config,
					 u16 index)
{
	struct weir_pair *pair = kzalloc_node(sizeof(*pair), GFP_KERNEL, dev_to_node(weir->dev));

	if (!pair)
		return NULL;
	pair->weir = weir;
	pair->index = index;
	pair->memory =
		dma_alloc_coherent(weir->dev, sizeof(*pair->memory), &pair->memory_dma, GFP_KERNEL);
	if (!pair->memory || weir_tx_alloc(pair, config->tx_log2))
		goto err_free;
	pair->rx = weir_rx_alloc(weir, config, index, &pair->napi);
	if (IS_ERR(pair->rx)) {
		pair->rx = NULL;
		goto err_free;
	}
	return pair;

err_free:
	weir_pair_free(pair);
	return NULL;
}

static void weir_data_free(struct weir_data *data)
{
	unsigned int i;

	for (i = 0; i < data->config.pairs; i++)
		weir_pair_free(data->pairs[i]);
	kvfree(data);
}

/**
 * weir_data_alloc() - memory for a set of queue pairs
 * @weir: the function
 * @config: how many pairs, how large
 *
 * Return: the queues, or NULL when memory is short. Given back by weir_data_dispose().
 */
struct weir_data *weir_data_alloc(struct weir_device *weir, const struct weir_config *config)
{
	struct weir_data *data = kvzalloc(struct_size(data, pairs, config->pairs), GFP_KERNEL);
	unsigned int i;

	if (!data)
		return NULL;
	data->config = *config;
	INIT_LIST_HEAD(&data->zombie);
	for (i = 0; i < config->pairs; i++) {
		data->pairs[i] = weir_pair_alloc(weir, config, i);
		if (!data->pairs[i]) {
			weir_data_free(data);
			return NULL;
		}
	}
	return data;
}

/**
 * weir_data_dispose() - free queues, or keep them for the next reset if the card may still write to
 * them
 * @weir: the function
 * @data: stopped or quiesced queues
 */
void weir_data_dispose(struct weir_device *weir, struct weir_data *data)
{
	/* Programs of other interfaces may just have found it in weir->data: see weir_xdp_send(). */
	synchronize_net();
	if (data->dma_live)
		list_add(&data->zombie, &weir->zombies);
	else
		weir_data_free(data);
}

/**
 * weir_data_free_zombies() - free the queues that waited for a reset
 * @weir: the function, just reset, or not a bus master any more
 */
void weir_data_free_zombies(struct weir_device *weir)
{
	struct weir_rx_ring *rx, *next_rx;
	struct weir_data *data, *next;

	list_for_each_entry_safe(rx, next_rx, &weir->zombie_rings, zombie) {
		list_del(&rx->zombie);
		weir_rx_free(weir, rx);
	}
	list_for_each_entry_safe(data, next, &weir->zombies, zombie) {
		list_del(&data->zombie);
		weir_data_free(data);
	}
}

/**
 * weir_data_drop_frames() - let go of every frame that waits to be sent or completed
 * @weir: the function
 * @data: quiesced queues that the card does not use any more
 */
void weir_data_drop_frames(struct weir_device *weir, struct weir_data *data)
{
	unsigned int i;

	for (i = 0; i < data->config.pairs; i++) {
		weir_tx_drop_all(data->pairs[i]);
		weir_rx_drop_partial(data->pairs[i]->rx);
	}
}

static void weir_doorbell_rewind(struct weir_device *weir, struct weir_doorbell *doorbell,
				 void __iomem *address, struct weir_shadow_doorbell *shadow)
{
	doorbell->address = address;
	doorbell->shadow = weir->features & WEIR_REG_FEATURES_SHADOW_DOORBELLS_MASK ? shadow : NULL;
	doorbell->tail = 0;
}

/**
 * weir_pair_rewind_rx() - make a pair's receive ring as new
 * @pair: a queue pair whose receive ring the card does not use
 *
 * Indices are at zero, completions of the first lap's phase, all buffers posted.
 */
void weir_pair_rewind_rx(struct weir_pair *pair)
{
	struct weir_device *weir = pair->weir;
	struct weir_rx_ring *rx = pair->rx;
	u8 __iomem *page = weir_doorbell_page(weir, pair->index);

	weir_rx_drop_partial(rx);
	memset(&pair->memory->rx_shadow, 0, sizeof(pair->memory->rx_shadow));
	memset(rx->completions, 0, weir_rx_completions_bytes(rx));
	rx->detour = 0;
	rx->created = false;
	rx->generation = weir->generation;
	rx->arm = page + WEIR_DOORBELL_RX_ARM;
	weir_doorbell_rewind(weir, &rx->doorbell, page + WEIR_DOORBELL_RX_TAIL,
			     &pair->memory->rx_shadow);
	weir_rx_rewind(rx);
}

/* Makes a pair's transmit ring as new. */
static void weir_pair_rewind_tx(struct weir_pair *pair)
{
	struct weir_device *weir = pair->weir;
	struct weir_tx_ring *tx = &pair->tx;
	u8 __iomem *page = weir_doorbell_page(weir, pair->index);

	weir_tx_drop_all(pair);
	memset(&pair->memory->tx_shadow, 0, sizeof(pair->memory->tx_shadow));
	pair->memory->tx_head = 0;
	tx->tail = 0;
	tx->clean = 0;
	tx->last_end = 0;
	tx->watched_clean = 0;
	tx->still_s = 0;
	tx->created = false;
	tx->arm = page + WEIR_DOORBELL_TX_ARM;
	weir_doorbell_rewind(weir, &tx->doorbell, page + WEIR_DOORBELL_TX_TAIL,
			     &pair->memory->tx_shadow);
}

/**
 * weir_data_rewind() - make all rings as new, before the card is given them
 * @data: queues that the card does not use
 *
 * Frames that waited to be sent are dropped; buffers stay, and are posted again.
 */
void weir_data_rewind(struct weir_data *data)
{
	unsigned int i;

	for (i = 0; i < data->config.pairs; i++) {
		struct weir_pair *pair = data->pairs[i];

		pair->broken = false;
		weir_adapt_init(pair);
		weir_pair_rewind_tx(pair);
		weir_pair_rewind_rx(pair);
	}
}
