// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue management operations: a receive queue gets other memory while the interface is up, and the other queues do not notice. So the
 * stack puts payload where an application, or another device, wants to have it (io_uring's zero-copy receive, devmem TCP): it binds a
 * memory provider to the queue, of whose memory the queue's next page pool then is. Headers are split off into memory of ours
 * (specs/header-split.md), as nobody here can read what lies behind them.
 *
 * The queue is destroyed in the card and created again (specs/data-queues.md, "Destruction"). What the card has for it meanwhile, it
 * drops and counts (rx_dropped_no_queue). The transmit queue of the pair goes on; frames that were sent are cleaned up behind when the
 * pair is polled again.
 *
 * These operations run under the interface's lock, without RTNL (weir_lock.h). They must not fail while the interface is up: what goes
 * wrong in the card ends with a reset, which makes all queues from the memory that they have by then.
 */
#include "weir_lock.h"
#include "weir_page_pool.h"
#include "weir_queue.h"
#include "weir_xdp.h"

#if WEIR_HAVE_QUEUE_MANAGEMENT
#include <net/netdev_queues.h>

static bool weir_queue_cards(struct weir_device *weir)
{
	return weir_state_get(weir) == WEIR_STATE_RUNNING;
}

/* Memory of the queue is what per_queue_mem points to. */
static int weir_queue_mem_alloc(struct net_device *netdev, struct netdev_queue_config *config,
				void *memory, int index)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rx_ring **at = memory, *rx;
	struct weir_data *data = weir->data;
	int err = 0;

	rx = weir_rx_alloc(weir, &weir->config, index, NULL);
	if (IS_ERR(rx))
		return PTR_ERR(rx);
	/* All that may fail, now. Without queues it is only asked whether there is the memory. */
	if (data && data->attached && index < data->config.pairs)
		err = weir_xdp_register(weir, rx, index, data->pairs[index]->napi.napi_id);
	if (err)
		weir_rx_dispose(weir, rx, false);
	else
		*at = rx;
	return err;
}

static void weir_queue_mem_free(struct net_device *netdev, void *memory)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rx_ring **at = memory;
	struct weir_data *data = weir->data;

	weir_xdp_unregister(*at);
	/* The card did not give it back, or could not be asked to. */
	weir_rx_dispose(weir, *at, (*at)->created && data && data->dma_live);
}

static int weir_queue_stop(struct net_device *netdev, void *memory, int index)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rx_ring **at = memory;
	struct weir_data *data = weir->data;
	struct weir_pair *pair;

	if (!data || index >= data->config.pairs)
		return -ENETDOWN;
	pair = data->pairs[index];
	if (data->running) {
		weir_napi_disable(&pair->napi);
		/* See weir_data_quiesce(). */
		synchronize_net();
		weir_adapt_rx_anew(pair);
	}
	if (weir_queue_cards(weir) && weir_rx_destroy(pair))
		weir_request_reset(weir, WEIR_RESET_QUEUE_STUCK);
	weir_rx_drop_partial(pair->rx);
	/* Frames of it that are still about may be freed while its successor is polled. */
	page_pool_disable_direct_recycling(pair->rx->pool);
	*at = pair->rx;
	return 0;
}

static int weir_queue_create(struct weir_device *weir, struct weir_data *data,
			     struct weir_pair *pair)
{
	int err = weir_rx_create(pair);

	/* The table of the spread goes with the last queue (specs/rss.md). */
	if (!err && data->config.pairs == 1)
		err = weir_rss_tell(weir);
	return err;
}

static int weir_queue_start(struct net_device *netdev, struct netdev_queue_config *config,
			    void *memory, int index)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rx_ring **at = memory;
	struct weir_data *data = weir->data;
	struct weir_pair *pair = data->pairs[index];

	pair->rx = *at;
	page_pool_enable_direct_recycling(pair->rx->pool, &pair->napi);
	weir_pair_rewind_rx(pair);
	if (weir_queue_cards(weir) && weir_queue_create(weir, data, pair))
		weir_request_reset(weir, WEIR_RESET_QUEUE_STUCK);
	/* Else the reset that is under way starts it. */
	if (data->running) {
		weir_napi_enable(&pair->napi);
		if (pair->rx->created)
			weir_rx_publish(pair);
		weir_pair_arm_first(pair);
	}
	return 0;
}

/* Of what a memory provider brings a buffer is one piece of this length, whatever rx-buf-len is for other queues. */
static void weir_queue_default_config(struct net_device *netdev, struct netdev_queue_config *config)
{
	config->rx_page_size = PAGE_SIZE;
}

static int weir_queue_validate_config(struct net_device *netdev, struct netdev_queue_config *config,
				      struct netlink_ext_ack *extack)
{
	if (is_power_of_2(config->rx_page_size) && config->rx_page_size >= PAGE_SIZE &&
	    config->rx_page_size <= WEIR_RX_BUFFER_MAX_BYTES)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "rx-page-size: a power of two, from a page to 16384");
	return -ERANGE;
}

static const struct netdev_queue_mgmt_ops weir_queue_ops = {
	.supported_params = QCFG_RX_PAGE_SIZE,
	.ndo_queue_mem_size = sizeof(struct weir_rx_ring *),
	.ndo_queue_mem_alloc = weir_queue_mem_alloc,
	.ndo_queue_mem_free = weir_queue_mem_free,
	.ndo_queue_start = weir_queue_start,
	.ndo_queue_stop = weir_queue_stop,
	.ndo_default_qcfg = weir_queue_default_config,
	.ndo_validate_qcfg = weir_queue_validate_config,
};
#endif

/**
 * weir_queue_attach() - offer queue management, on kernels that have it
 * @netdev: the interface, not registered yet
 */
void weir_queue_attach(struct net_device *netdev)
{
#if WEIR_HAVE_QUEUE_MANAGEMENT
	netdev->queue_mgmt_ops = &weir_queue_ops;
#endif
}

/**
 * weir_queue_buffers() - how buffers lie in memory if a provider brings it
 * @weir: the function
 * @rx: a ring that splits headers off; its lengths and offset are as for pages, and changed if there is a provider
 * @index: of the queue
 */
void weir_queue_buffers(const struct weir_device *weir, struct weir_rx_ring *rx, u16 index)
{
#if WEIR_HAVE_QUEUE_MANAGEMENT
	struct netdev_queue_config config;

	if (!netif_rxq_has_unreadable_mp(weir->netdev, index))
		return;
	netdev_queue_config(weir->netdev, index, &config);
	rx->page_bytes = config.rx_page_size;
	rx->buffer_bytes = config.rx_page_size;
	rx->offset = 0;
#endif
}

/**
 * weir_queue_pool_params() - let memory of a provider into a page pool, if there is one
 * @params: of a ring that splits headers off
 * @index: of its queue
 */
void weir_queue_pool_params(struct page_pool_params *params, u16 index)
{
#if WEIR_HAVE_QUEUE_MANAGEMENT
	params->flags |= PP_FLAG_ALLOW_UNREADABLE_NETMEM;
	params->queue_idx = index;
#endif
}
