// SPDX-License-Identifier: GPL-2.0-only
/* The network interface: what the stack asks of a function, apart from frames (weir_txrx.c). */
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>

#include "weir_hw.h"
#include "weir_queue.h"

#define WEIR_FEATURES_VLAN \
	(NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX | NETIF_F_HW_VLAN_CTAG_FILTER)

#define WEIR_FEATURES_VLAN_8021AD \
	(NETIF_F_HW_VLAN_STAG_TX | NETIF_F_HW_VLAN_STAG_RX | NETIF_F_HW_VLAN_STAG_FILTER)

#define WEIR_FEATURES_TX_CHECKSUM (NETIF_F_HW_CSUM | NETIF_F_SCTP_CRC)
/* What the card is told of: weir_flags_wanted() */
#define WEIR_FEATURES_TOLD \
	(WEIR_FEATURES_VLAN | WEIR_FEATURES_VLAN_8021AD | NETIF_F_RXCSUM | NETIF_F_GRO_HW)

/**
 * weir_set_netdev_limits() - what the card can do becomes what the interface offers
 * @weir: the function, identified
 */
void weir_set_netdev_limits(struct weir_device *weir)
{
	struct net_device *netdev = weir->netdev;

	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = weir->max_frame_bytes - ETH_HLEN - 2 * VLAN_HLEN;
}

/**
 * weir_netdev_alloc() - make the interface of a function; it is registered by weir_publish()
 * @weir: the function, identified
 *
 * Scatter-gather is offered also where the card computes no checksums: the stack does, over the
 * fragments, and can segment in software without copying.
 *
 * Return: the interface, also in @weir->netdev, or NULL. Undone by free_netdev().
 */
struct net_device *weir_netdev_alloc(struct weir_device *weir)
{
	struct net_device *netdev;

	netdev = alloc_etherdev_mqs(sizeof(struct weir_device *), weir->max_pairs, weir->max_pairs);
	if (!netdev)
		return NULL;
	*(struct weir_device **)netdev_priv(netdev) = weir;
	weir->netdev = netdev;
	SET_NETDEV_DEV(netdev, weir->dev);
	netdev->netdev_ops = weir->role->netdev_ops;
	netdev->ethtool_ops = &weir_ethtool_ops;
	netdev->watchdog_timeo = 5 * HZ;
	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_UNICAST_FLT;
	netdev->hw_features = NETIF_F_SG | NETIF_F_RXHASH | WEIR_FEATURES_VLAN;
	if (weir->features & WEIR_REG_FEATURES_VLAN_8021AD_MASK)
		netdev->hw_features |= WEIR_FEATURES_VLAN_8021AD;
	netdev->vlan_features = NETIF_F_SG | NETIF_F_HIGHDMA;
	if (weir->features & WEIR_REG_FEATURES_CHECKSUM_MASK) {
		netdev->hw_features |= WEIR_FEATURES_TX_CHECKSUM | NETIF_F_RXCSUM;
		netdev->vlan_features |= WEIR_FEATURES_TX_CHECKSUM;
		/* A checksum is put in by its place, wherever tunnels have moved it. */
		netdev->hw_enc_features = NETIF_F_SG | NETIF_F_HIGHDMA | WEIR_FEATURES_TX_CHECKSUM;
	}
	weir_segment_offer(netdev);
	if (weir->features & WEIR_REG_FEATURES_STEERING_MASK)
		netdev->hw_features |= NETIF_F_NTUPLE | NETIF_F_HW_TC;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	weir->wanted_features = netdev->features;
	weir_coalesce_offer(netdev);
	weir_set_netdev_limits(weir);
	weir_qstats_attach(netdev);
	weir_queue_attach(netdev);
	weir_xdp_offer(netdev);
	netif_carrier_off(netdev);
	return netdev;
}

/**
 * weir_open() - ndo_open
 * @netdev: the interface
 *
 * Return: 0 or a negative errno; with -EIO dmesg has said why.
 */
int weir_open(struct net_device *netdev)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_data *data;
	int err;

	/* Under RTNL the reset's work cannot run: do what it would. */
	if (weir_state_get(weir) == WEIR_STATE_RESET_WANTED)
		weir_recover(weir);
	if (weir_state_get(weir) != WEIR_STATE_RUNNING) {
		netdev_err(
			netdev,
			"the card is not working: see dmesg, or reset it by /sys/bus/pci/devices/%s/reset\n",
			pci_name(weir->pdev));
		return -EIO;
	}
	data = weir_data_alloc(weir, &weir->config);
	if (!data)
		return -ENOMEM;
	err = weir_data_start(weir, data);
	if (err) {
		weir_data_detach(weir, data);
		weir_data_dispose(weir, data);
	}
	return err;
}

/**
 * weir_stop() - ndo_stop
 * @netdev: the interface
 *
 * Return: 0
 */
int weir_stop(struct net_device *netdev)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_data *data = weir->data;

	if (!data)
		return 0;
	/*
	 * Also when being removed, or about to be reset: if the card cannot be spoken to, the first
	 * command says so.
	 */
	if (READ_ONCE(weir->admin.up)) {
		weir_data_stop(weir, data);
	} else {
		weir_data_quiesce(weir, data);
		WRITE_ONCE(weir->data, NULL);
	}
	weir_data_detach(weir, data);
	weir_data_dispose(weir, data);
	return 0;
}

/**
 * weir_change_mtu() - ndo_change_mtu
 * @netdev: the interface
 * @mtu: checked by the core against what weir_set_netdev_limits() said
 *
 * Buffers are the same for every MTU: longer frames take more of them.
 *
 * Return: 0 or a negative errno, the MTU then is what it was.
 */
int weir_change_mtu(struct net_device *netdev, int mtu)
{
	struct weir_device *weir = weir_of(netdev);
	int old = netdev->mtu;
	int err = weir_xdp_check_mtu(weir, mtu);

	if (err)
		return err;
	WRITE_ONCE(netdev->mtu, mtu);
	if (weir_state_get(weir) == WEIR_STATE_RUNNING)
		err = weir_filter_sync(weir);
	if (err)
		WRITE_ONCE(netdev->mtu, old);
	return err;
}

/**
 * weir_set_mac_address() - ndo_set_mac_address
 * @netdev: the interface
 * @address: struct sockaddr
 *
 * Return: 0 or a negative errno.
 */
int weir_set_mac_address(struct net_device *netdev, void *address)
{
	struct weir_device *weir = weir_of(netdev);
	const struct sockaddr *wanted = address;

	if (!is_valid_ether_addr(wanted->sa_data))
		return -EADDRNOTAVAIL;
	if (ether_addr_equal(netdev->dev_addr, wanted->sa_data))
		return 0;
	return weir_mac_set(weir, wanted->sa_data);
}

/**
 * weir_set_features() - ndo_set_features
 * @netdev: the interface
 * @features: what they shall be
 *
 * Return: 0 or a negative errno.
 */
int weir_set_features(struct net_device *netdev, netdev_features_t features)
{
	struct weir_device *weir = weir_of(netdev);
	netdev_features_t old = weir->wanted_features;
	int err = 0;

	if (!(features & NETIF_F_HW_TC) && !list_empty(&weir->flowers)) {
		netdev_err(netdev, "hw-tc-offload stays on while the card has filters of tc\n");
		return -EBUSY;
	}
	weir->wanted_features = features;
	if ((features ^ old) & WEIR_FEATURES_TOLD && weir_state_get(weir) == WEIR_STATE_RUNNING)
		err = weir_filter_sync(weir);
	/* With one queue it decides whether anything is hashed. */
	if (!err && (features ^ old) & NETIF_F_RXHASH && weir->data &&
	    weir_state_get(weir) == WEIR_STATE_RUNNING)
		err = weir_rss_tell(weir);
	if (err)
		weir->wanted_features = old;
	else if (!(features & NETIF_F_NTUPLE))
		weir_ntuple_clear(weir);
	return err;
}

/**
 * weir_set_rx_mode() - ndo_set_rx_mode: promiscuous, all multicast, lists of addresses
 * @netdev: the interface
 *
 * Called under a spin lock, while admin commands sleep.
 */
void weir_set_rx_mode(struct net_device *netdev)
{
	struct weir_device *weir = weir_of(netdev);

	queue_work(weir->workqueue, &weir->filter_work);
}

#if WEIR_HAVE_QUEUE_MANAGEMENT
/**
 * weir_set_rx_mode_async() - ndo_set_rx_mode_async, what kernels ask for instead where interfaces have a lock of their own
 * @netdev: the interface
 * @unicast: its addresses, as of now; what is told to the card is as of then
 * @multicast: the same
 *
 * Return: 0
 */
int weir_set_rx_mode_async(struct net_device *netdev, struct netdev_hw_addr_list *unicast,
			   struct netdev_hw_addr_list *multicast)
{
	weir_set_rx_mode(netdev);
	return 0;
}
#endif

static void weir_add_rx_stats(const struct weir_rx_stats *rx, struct rtnl_link_stats64 *stats)
{
	u64 frames, bytes, errors, malformed, no_memory;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&rx->sync);
		frames = u64_stats_read(&rx->frames);
		bytes = u64_stats_read(&rx->bytes);
		errors = u64_stats_read(&rx->errors);
		malformed = u64_stats_read(&rx->malformed);
		no_memory = u64_stats_read(&rx->no_memory);
	} while (u64_stats_fetch_retry(&rx->sync, start));
	stats->rx_packets += frames;
	stats->rx_bytes += bytes;
	stats->rx_errors += errors + malformed;
	stats->rx_length_errors += malformed;
	stats->rx_dropped += no_memory;
}

static void weir_add_tx_stats(const struct weir_pair_stats *pair, struct rtnl_link_stats64 *stats)
{
	u64 frames, bytes, dropped;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&pair->tx_done.sync);
		frames = u64_stats_read(&pair->tx_done.frames);
		bytes = u64_stats_read(&pair->tx_done.bytes);
	} while (u64_stats_fetch_retry(&pair->tx_done.sync, start));
	do {
		start = u64_stats_fetch_begin(&pair->tx.sync);
		dropped = u64_stats_read(&pair->tx.dropped);
	} while (u64_stats_fetch_retry(&pair->tx.sync, start));
	stats->tx_packets += frames;
	stats->tx_bytes += bytes;
	stats->tx_dropped += dropped;
}

/**
 * weir_get_stats64() - ndo_get_stats64
 * @netdev: the interface
 * @stats: filled
 *
 * Must not sleep: what only the card counts is as of the last second.
 */
void weir_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	struct weir_device *weir = weir_of(netdev);
	unsigned int i;

	for (i = 0; i < weir->stats_count; i++) {
		weir_add_rx_stats(&weir->stats[i].rx, stats);
		weir_add_tx_stats(&weir->stats[i], stats);
	}
	stats->multicast =
		READ_ONCE(weir->card_multicast.base) + READ_ONCE(weir->card_multicast.last);
	stats->rx_missed_errors =
		READ_ONCE(weir->card_missed.base) + READ_ONCE(weir->card_missed.last);
}

/**
 * weir_tx_timeout() - ndo_tx_timeout: a queue made no progress
 * @netdev: the interface
 * @queue: which
 */
void weir_tx_timeout(struct net_device *netdev, unsigned int queue)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_data *data = weir->data;

	if (data && queue < data->config.pairs) {
		struct weir_tx_ring *tx = &data->pairs[queue]->tx;

		netdev_warn(netdev,
			    "transmit queue %u stands still: tail %u, head %u, cleaned %u\n", queue,
			    tx->tail, le32_to_cpu(READ_ONCE(*tx->head)) & 0xffff, tx->clean);
	}
	weir_request_reset(weir, WEIR_RESET_TX_TIMEOUT);
}
