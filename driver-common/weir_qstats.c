// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues as netlink's netdev family shows them: statistics of each, and which NAPI and interrupt
 * serve it.
 */
#include "weir_hw.h"
#include "weir_lock.h"

#if WEIR_HAVE_NETDEV_STAT_OPS
#include <net/netdev_queues.h>

static void weir_queue_stats_rx(struct net_device *netdev, int index,
				struct netdev_queue_stats_rx *stats)
{
	const struct weir_rx_stats *rx = &weir_of(netdev)->stats[index].rx;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->sync);
		stats->packets = u64_stats_read(&rx->frames);
		stats->bytes = u64_stats_read(&rx->bytes);
		stats->alloc_fail =
			u64_stats_read(&rx->no_memory) + u64_stats_read(&rx->refill_failed);
	} while (u64_stats_fetch_retry(&rx->sync, start));
}

static void weir_queue_stats_tx(struct net_device *netdev, int index,
				struct netdev_queue_stats_tx *stats)
{
	const struct weir_pair_stats *pair = &weir_of(netdev)->stats[index];
	u64 __maybe_unused stopped, woken, large[4];
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&pair->tx_done.sync);
		stats->packets = u64_stats_read(&pair->tx_done.frames);
		stats->bytes = u64_stats_read(&pair->tx_done.bytes);
		woken = u64_stats_read(&pair->tx_done.woken);
		large[0] = u64_stats_read(&pair->tx_done.large_frames);
		large[1] = u64_stats_read(&pair->tx_done.large_bytes);
		large[2] = u64_stats_read(&pair->tx_done.large_wire_frames);
		large[3] = u64_stats_read(&pair->tx_done.large_wire_bytes);
	} while (u64_stats_fetch_retry(&pair->tx_done.sync, start));
	do {
		start = u64_stats_fetch_begin(&pair->tx.sync);
		stopped = u64_stats_read(&pair->tx.stopped);
	} while (u64_stats_fetch_retry(&pair->tx.sync, start));
#if WEIR_HAVE_NETDEV_STAT_STOP
	stats->stop = stopped;
	stats->wake = woken;
	stats->hw_gso_packets = large[0];
	stats->hw_gso_bytes = large[1];
	stats->hw_gso_wire_packets = large[2];
	stats->hw_gso_wire_bytes = large[3];
#endif
}

/* What queues counted that are not there now: of more channels than are set today. */
static void weir_base_stats(struct net_device *netdev, struct netdev_queue_stats_rx *rx,
			    struct netdev_queue_stats_tx *tx)
{
	struct weir_device *weir = weir_of(netdev);
	struct netdev_queue_stats_rx one_rx;
	struct netdev_queue_stats_tx one_tx;
	unsigned int i;

	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	tx->packets = 0;
	tx->bytes = 0;
#if WEIR_HAVE_NETDEV_STAT_STOP
	tx->stop = 0;
	tx->wake = 0;
	tx->hw_gso_packets = 0;
	tx->hw_gso_bytes = 0;
	tx->hw_gso_wire_packets = 0;
	tx->hw_gso_wire_bytes = 0;
#endif
	for (i = netdev->real_num_rx_queues; i < weir->stats_count; i++) {
		weir_queue_stats_rx(netdev, i, &one_rx);
		rx->packets += one_rx.packets;
		rx->bytes += one_rx.bytes;
		rx->alloc_fail += one_rx.alloc_fail;
	}
	for (i = netdev->real_num_tx_queues; i < weir->stats_count; i++) {
		weir_queue_stats_tx(netdev, i, &one_tx);
		tx->packets += one_tx.packets;
		tx->bytes += one_tx.bytes;
#if WEIR_HAVE_NETDEV_STAT_STOP
		tx->stop += one_tx.stop;
		tx->wake += one_tx.wake;
		tx->hw_gso_packets += one_tx.hw_gso_packets;
		tx->hw_gso_bytes += one_tx.hw_gso_bytes;
		tx->hw_gso_wire_packets += one_tx.hw_gso_wire_packets;
		tx->hw_gso_wire_bytes += one_tx.hw_gso_wire_bytes;
#endif
	}
}

static const struct netdev_stat_ops weir_stat_ops = {
	.get_queue_stats_rx = weir_queue_stats_rx,
	.get_queue_stats_tx = weir_queue_stats_tx,
	.get_base_stats = weir_base_stats,
};
#endif

/**
 * weir_qstats_attach() - offer per-queue statistics, on kernels that have them
 * @netdev: the interface, not registered yet
 */
void weir_qstats_attach(struct net_device *netdev)
{
#if WEIR_HAVE_NETDEV_STAT_OPS
	netdev->stat_ops = &weir_stat_ops;
#endif
}

/**
 * weir_qstats_set_napi() - say which NAPI and interrupt serve a queue pair, on kernels that want to
 * know
 * @netdev: the interface, under RTNL
 * @pair: index of the queue pair
 * @napi: its NAPI, or NULL
 * @irq: its interrupt's number
 */
void weir_qstats_set_napi(struct net_device *netdev, u16 pair, struct napi_struct *napi, int irq)
{
#if WEIR_HAVE_QUEUE_SET_NAPI
	if (pair < netdev->real_num_rx_queues)
		netif_queue_set_napi(netdev, pair, NETDEV_QUEUE_TYPE_RX, napi);
	if (pair < netdev->real_num_tx_queues)
		netif_queue_set_napi(netdev, pair, NETDEV_QUEUE_TYPE_TX, napi);
	if (napi)
		weir_napi_set_irq(napi, irq);
#endif
}
