// SPDX-License-Identifier: GPL-2.0-only
/* ethtool: what a user can see and set of a function. */
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/netlink.h>

#include <weir/weir_tables.h>
#include "weir_hw.h"
#include "weir_page_pool.h"

/* --- what it is --- */

static void weir_get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	struct weir_device *weir = weir_of(netdev);

	strscpy(info->driver, weir->role->driver_name, sizeof(info->driver));
	strscpy(info->fw_version, weir->info.firmware, sizeof(info->fw_version));
	strscpy(info->bus_info, pci_name(weir->pdev), sizeof(info->bus_info));
}

static int weir_get_link_ksettings(struct net_device *netdev,
				   struct ethtool_link_ksettings *settings)
{
	struct weir_device *weir = weir_of(netdev);
	bool up = netif_carrier_ok(netdev);

	ethtool_link_ksettings_zero_link_mode(settings, supported);
	ethtool_link_ksettings_zero_link_mode(settings, advertising);
	settings->base.autoneg = AUTONEG_DISABLE;
	settings->base.port = PORT_OTHER;
	settings->base.speed = up ? READ_ONCE(weir->link_speed_mbps) : SPEED_UNKNOWN;
	settings->base.duplex = up ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	return 0;
}

static u32 weir_get_msglevel(struct net_device *netdev)
{
	return weir_of(netdev)->msg_enable;
}

static void weir_set_msglevel(struct net_device *netdev, u32 level)
{
	weir_of(netdev)->msg_enable = level;
}

/* --- registers --- */

/*
 * The dump is BAR0 as the ABI header lays it out, up to the mailbox's window; places without a
 * register are zero.
 */
#define WEIR_REGS_BYTES 0x400

/* Whether the card has the block of a register that not every card has. */
static bool weir_has_block_of(const struct weir_device *weir, u32 reg)
{
	return reg < WEIR_BLOCK_TIME ? weir->mailbox_block : weir->time_block;
}

static int weir_get_regs_len(struct net_device *netdev)
{
	return WEIR_REGS_BYTES;
}

static void weir_get_regs(struct net_device *netdev, struct ethtool_regs *regs, void *buffer)
{
	struct weir_device *weir = weir_of(netdev);
	u32 *image = buffer;
	unsigned int i;

	memset(buffer, 0, WEIR_REGS_BYTES);
	regs->version = weir->abi_version;
	for (i = 0; i < WEIR_REGISTERS; i++) {
		const struct weir_register_info *reg = &weir_registers[i];

		if (reg->access == 'o' || reg->offset + sizeof(*image) > WEIR_REGS_BYTES)
			continue;
		if (reg->offset >= WEIR_BLOCK_MAILBOX && !weir_has_block_of(weir, reg->offset))
			continue;
		image[reg->offset / sizeof(*image)] = weir_read(weir, reg->offset);
	}
}

/* --- rings and channels --- */

static void weir_get_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			       struct kernel_ethtool_ringparam *kernel_ring,
			       struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);

	ring->rx_max_pending = 1 << weir->ring_max_log2;
	ring->tx_max_pending = 1 << weir->ring_max_log2;
	ring->rx_pending = 1 << weir->config.rx_log2;
	ring->tx_pending = 1 << weir->config.tx_log2;
	kernel_ring->rx_buf_len = weir->config.rx_buffer_bytes;
	kernel_ring->tcp_data_split = weir->config.rx_split ? ETHTOOL_TCP_DATA_SPLIT_ENABLED
							    : ETHTOOL_TCP_DATA_SPLIT_DISABLED;
#if WEIR_HAVE_RING_HDS_THRESHOLD
	kernel_ring->hds_thresh = weir->config.rx_split_threshold;
	kernel_ring->hds_thresh_max = WEIR_RX_HEADER_BYTES;
#endif
}

/* Sizes between powers of two are rounded up, as with other drivers. */
static int weir_ring_log2(const struct weir_device *weir, u32 entries)
{
	return max_t(u32, order_base_2(entries), weir->ring_min_log2);
}

/* Lengths are rounded up, too, to what the card takes. */
static int weir_set_buffer_bytes(const struct weir_device *weir, u32 bytes,
				 struct weir_config *config, struct netlink_ext_ack *extack)
{
	if (bytes < weir_rx_least_buffer_bytes(weir, config->rx_split) ||
	    bytes > weir_rx_most_buffer_bytes(weir)) {
		NL_SET_ERR_MSG_MOD(
			extack,
			"rx-buf-len: from an eighteenth of the longest frame (512 of 9216; with tcp-data-split a seventeenth, 576) to all of it");
		return -EINVAL;
	}
	config->rx_buffer_bytes = round_up(bytes, WEIR_RX_BUFFER_STEP);
	return weir_xdp_check_buffers(weir, config->rx_buffer_bytes, extack);
}

/* Headers into buffers of their own, if the user says so: "auto" is off. config->rx_log2 is set. */
static int weir_set_split(const struct weir_device *weir,
			  const struct kernel_ethtool_ringparam *kernel_ring,
			  struct weir_config *config, struct netlink_ext_ack *extack)
{
	config->rx_split = kernel_ring->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED;
#if WEIR_HAVE_RING_HDS_THRESHOLD
	config->rx_split_threshold = kernel_ring->hds_thresh;
#endif
	if (!config->rx_split)
		return 0;
	if (!(weir->features & WEIR_REG_FEATURES_HEADER_SPLIT_MASK)) {
		NL_SET_ERR_MSG_MOD(extack, "this firmware cannot split headers off");
		return -EOPNOTSUPP;
	}
	if (weir_xdp_is_on(weir)) {
		NL_SET_ERR_MSG_MOD(
			extack, "XDP programs want header and payload together: take it off first");
		return -EINVAL;
	}
	if (config->rx_log2 >= weir->ring_max_log2) {
		NL_SET_ERR_MSG_MOD(
			extack, "tcp-data-split: half of the most rx entries (16384 of 32768)");
		return -EINVAL;
	}
	return 0;
}

static bool weir_same_rings(const struct weir_config *one, const struct weir_config *other)
{
	return one->rx_log2 == other->rx_log2 && one->tx_log2 == other->tx_log2 &&
	       one->rx_buffer_bytes == other->rx_buffer_bytes && one->rx_split == other->rx_split &&
	       (!one->rx_split || one->rx_split_threshold == other->rx_split_threshold);
}

static int weir_set_ringparam(struct net_device *netdev, struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kernel_ring,
			      struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_config config = weir->config;
	int err;

	if (ring->rx_mini_pending || ring->rx_jumbo_pending) {
		NL_SET_ERR_MSG_MOD(extack, "there are no mini or jumbo rings: set rx and tx only");
		return -EINVAL;
	}
	config.rx_log2 = weir_ring_log2(weir, ring->rx_pending);
	config.tx_log2 = weir_ring_log2(weir, ring->tx_pending);
	err = weir_set_split(weir, kernel_ring, &config, extack);
	if (!err)
		err = weir_set_buffer_bytes(weir, kernel_ring->rx_buf_len, &config, extack);
	if (err)
		return err;
	if (weir_same_rings(&config, &weir->config)) {
		weir->config.rx_split_threshold = config.rx_split_threshold;
		return 0;
	}
	err = weir_reconfigure(weir, &config);
	if (err == -ENOMEM)
		NL_SET_ERR_MSG_MOD(extack,
				   "not enough memory for rings of this size, the old ones run on");
	else if (err)
		NL_SET_ERR_MSG_MOD(extack, "the card did not take the new rings, see dmesg");
	return err;
}

static void weir_get_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	struct weir_device *weir = weir_of(netdev);

	channels->max_combined = weir->max_pairs;
	channels->combined_count = weir->config.pairs;
}

static int weir_set_channels(struct net_device *netdev, struct ethtool_channels *channels)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_config config = weir->config;

	if (channels->rx_count || channels->tx_count || channels->other_count ||
	    !channels->combined_count)
		return -EINVAL;
	config.pairs = channels->combined_count;
	if (config.pairs == weir->config.pairs)
		return 0;
	if (config.pairs <= max(weir_rules_max_queue(weir), weir_contexts_max_queue(weir))) {
		netdev_warn(netdev,
			    "rules or contexts name queues that would be gone, see ethtool -n, -x, tc filter\n");
		return -EINVAL;
	}
	return weir_reconfigure(weir, &config);
}

/* --- receive flows --- */

#if WEIR_HAVE_RX_RING_COUNT
static u32 weir_get_rx_ring_count(struct net_device *netdev)
{
	return weir_of(netdev)->config.pairs;
}
#endif

#if !WEIR_HAVE_RXFH_FIELDS
static int weir_get_rxnfc_fields(const struct weir_device *weir, struct ethtool_rxnfc *info)
{
	u32 fields;
	int err = weir_get_hash_fields(&weir->rss, info->flow_type, &fields);

	info->data = fields;
	return err;
}
#endif

static int weir_get_rules(struct weir_device *weir, struct ethtool_rxnfc *info, u32 *locations)
{
	int err;

	mutex_lock(&weir->rules_lock);
	switch (info->cmd) {
	case ETHTOOL_GRXCLSRLCNT:
		err = weir_ntuple_count(weir, info);
		break;
	case ETHTOOL_GRXCLSRULE:
		err = weir_ntuple_read(weir, info);
		break;
	case ETHTOOL_GRXCLSRLALL:
		err = weir_ntuple_list(weir, info, locations);
		break;
	default:
		err = -EOPNOTSUPP;
	}
	mutex_unlock(&weir->rules_lock);
	return err;
}

static int weir_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info, u32 *locations)
{
	struct weir_device *weir = weir_of(netdev);

	switch (info->cmd) {
#if !WEIR_HAVE_RX_RING_COUNT
	case ETHTOOL_GRXRINGS:
		info->data = weir->config.pairs;
		return 0;
#endif
#if !WEIR_HAVE_RXFH_FIELDS
	case ETHTOOL_GRXFH:
		return weir_get_rxnfc_fields(weir, info);
#endif
	default:
		return weir_get_rules(weir, info, locations);
	}
}

static int weir_set_rules(struct weir_device *weir, struct ethtool_rxnfc *info)
{
	int err;

	mutex_lock(&weir->rules_lock);
	switch (info->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		err = weir_ntuple_add(weir, info);
		break;
	case ETHTOOL_SRXCLSRLDEL:
		err = weir_ntuple_delete(weir, info->fs.location);
		break;
	default:
		err = -EOPNOTSUPP;
	}
	mutex_unlock(&weir->rules_lock);
	return err;
}

static int weir_set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *info)
{
	struct weir_device *weir = weir_of(netdev);

	switch (info->cmd) {
#if !WEIR_HAVE_RXFH_FIELDS
	case ETHTOOL_SRXFH:
		return weir_set_hash_fields(weir, 0, info->flow_type, info->data);
#endif
	default:
		return weir_set_rules(weir, info);
	}
}

/* --- statistics --- */

/* In the order in which weir_pair_values() fills them in. */
static const char *const weir_pair_names[] = {
	"rx_queue_%u_packets",
	"rx_queue_%u_bytes",
	"rx_queue_%u_errors",
	"rx_queue_%u_malformed",
	"rx_queue_%u_no_memory",
	"rx_queue_%u_refill_failed",
	"rx_queue_%u_xdp_pass",
	"rx_queue_%u_xdp_drop",
	"rx_queue_%u_xdp_tx",
	"rx_queue_%u_xdp_redirect",
	"rx_queue_%u_xdp_aborted",
	"rx_queue_%u_xdp_tx_failed",
	"rx_queue_%u_xdp_redirect_failed",
	"tx_queue_%u_packets",
	"tx_queue_%u_bytes",
	"tx_queue_%u_woken",
	"tx_queue_%u_timestamps",
	"tx_queue_%u_timestamps_missed",
	"tx_queue_%u_dropped",
	"tx_queue_%u_linearized",
	"tx_queue_%u_stopped",
	"tx_queue_%u_doorbells",
	"tx_queue_%u_xdp_packets",
	"tx_queue_%u_xdp_dropped",
	"queue_%u_interrupts",
};

static const char *const weir_driver_names[] = {
	"driver_resets",
	"driver_stale_admin_entries",
};

/*
 * The card's groups of counters, with the names the spec gives them. A VF sees nothing of the port.
 */
struct weir_group {
	u8 scope;
	bool pf_only;
	const char *prefix;
	const char *const *names;
	unsigned int count;
};

static const struct weir_group weir_groups[] = {
	{ WEIR_STATS_SCOPE_VPORT, false, "vport", weir_stat_vport_names, WEIR_STAT_VPORT_COUNT },
	{ WEIR_STATS_SCOPE_FUNCTION, false, "function", weir_stat_function_names,
	  WEIR_STAT_FUNCTION_COUNT },
	{ WEIR_STATS_SCOPE_PORT, true, "port", weir_stat_port_names, WEIR_STAT_PORT_COUNT },
};

static bool weir_group_offered(const struct weir_device *weir, const struct weir_group *group)
{
	return !group->pf_only || !weir->role->is_vf;
}

static int weir_get_sset_count(struct net_device *netdev, int sset)
{
	struct weir_device *weir = weir_of(netdev);
	unsigned int i, count;

	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	count = ARRAY_SIZE(weir_driver_names) + weir->config.pairs * ARRAY_SIZE(weir_pair_names);
	count += page_pool_ethtool_stats_get_count();
	for (i = 0; i < ARRAY_SIZE(weir_groups); i++)
		if (weir_group_offered(weir, &weir_groups[i]))
			count += weir_groups[i].count;
	return count;
}

static void weir_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	struct weir_device *weir = weir_of(netdev);
	unsigned int i, j;

	if (sset != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(weir_driver_names); i++)
		ethtool_sprintf(&data, "%s", weir_driver_names[i]);
	for (i = 0; i < weir->config.pairs; i++)
		for (j = 0; j < ARRAY_SIZE(weir_pair_names); j++)
			ethtool_sprintf(&data, weir_pair_names[j], i);
	data = page_pool_ethtool_stats_get_strings(data);
	for (i = 0; i < ARRAY_SIZE(weir_groups); i++) {
		const struct weir_group *group = &weir_groups[i];

		for (j = 0; weir_group_offered(weir, group) && j < group->count; j++)
			ethtool_sprintf(&data, "%s_%s", group->prefix, group->names[j]);
	}
}

static u64 *weir_pair_values(const struct weir_pair_stats *stats, u64 *to)
{
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&stats->rx.sync);
		to[0] = u64_stats_read(&stats->rx.frames);
		to[1] = u64_stats_read(&stats->rx.bytes);
		to[2] = u64_stats_read(&stats->rx.errors);
		to[3] = u64_stats_read(&stats->rx.malformed);
		to[4] = u64_stats_read(&stats->rx.no_memory);
		to[5] = u64_stats_read(&stats->rx.refill_failed);
	} while (u64_stats_fetch_retry(&stats->rx.sync, start));
	to += 6;
	do {
		start = u64_stats_fetch_begin(&stats->xdp.sync);
		for (i = 0; i < WEIR_XDP_COUNTS; i++)
			to[i] = u64_stats_read(&stats->xdp.counts[i]);
	} while (u64_stats_fetch_retry(&stats->xdp.sync, start));
	to += WEIR_XDP_COUNTS;
	do {
		start = u64_stats_fetch_begin(&stats->tx_done.sync);
		to[0] = u64_stats_read(&stats->tx_done.frames);
		to[1] = u64_stats_read(&stats->tx_done.bytes);
		to[2] = u64_stats_read(&stats->tx_done.woken);
		to[3] = u64_stats_read(&stats->tx_done.timestamps);
		to[4] = u64_stats_read(&stats->tx_done.timestamps_missed);
	} while (u64_stats_fetch_retry(&stats->tx_done.sync, start));
	to += 5;
	do {
		start = u64_stats_fetch_begin(&stats->tx.sync);
		to[0] = u64_stats_read(&stats->tx.dropped);
		to[1] = u64_stats_read(&stats->tx.linearized);
		to[2] = u64_stats_read(&stats->tx.stopped);
		to[3] = u64_stats_read(&stats->tx.doorbells);
		to[4] = u64_stats_read(&stats->tx.xdp_frames);
		to[5] = u64_stats_read(&stats->tx.xdp_dropped);
	} while (u64_stats_fetch_retry(&stats->tx.sync, start));
	to[6] = READ_ONCE(stats->interrupts);
	return to + 7;
}

/* The sum over the page pools there are now, where the kernel keeps such statistics. */
static u64 *weir_pool_values(const struct weir_device *weir, u64 *to)
{
#ifdef CONFIG_PAGE_POOL_STATS
	struct page_pool_stats stats = {};
	unsigned int i;

	for (i = 0; weir->data && i < weir->data->config.pairs; i++)
		page_pool_get_stats(weir->data->pairs[i]->rx->pool, &stats);
	to = page_pool_ethtool_stats_get(to, &stats);
#endif
	return to;
}

static void weir_get_ethtool_stats(struct net_device *netdev, struct ethtool_stats *stats,
				   u64 *data)
{
	struct weir_device *weir = weir_of(netdev);
	unsigned int i;

	*data++ = weir->resets;
	*data++ = READ_ONCE(weir->admin.stale_entries);
	for (i = 0; i < weir->config.pairs; i++)
		data = weir_pair_values(&weir->stats[i], data);
	data = weir_pool_values(weir, data);
	for (i = 0; i < ARRAY_SIZE(weir_groups); i++) {
		const struct weir_group *group = &weir_groups[i];

		if (!weir_group_offered(weir, group))
			continue;
		/* Zeroes if the card does not answer. */
		weir_get_statistics(weir, group->scope, WEIR_FUNCTION_SELF, 0, data, group->count);
		data += group->count;
	}
}

/* The standard group of the port's MAC; a VF has no port. */
static void weir_get_eth_mac_stats(struct net_device *netdev, struct ethtool_eth_mac_stats *stats)
{
	struct weir_device *weir = weir_of(netdev);
	u64 port[WEIR_STAT_PORT_COUNT];

	if (weir->role->is_vf ||
	    weir_get_statistics(weir, WEIR_STATS_SCOPE_PORT, WEIR_FUNCTION_SELF, 0, port,
				ARRAY_SIZE(port)))
		return;
	stats->FramesReceivedOK = port[WEIR_STAT_PORT_RX_FRAMES];
	stats->OctetsReceivedOK = port[WEIR_STAT_PORT_RX_BYTES];
	stats->FramesTransmittedOK = port[WEIR_STAT_PORT_TX_FRAMES];
	stats->OctetsTransmittedOK = port[WEIR_STAT_PORT_TX_BYTES];
	stats->FramesLostDueToIntMACXmitError = port[WEIR_STAT_PORT_TX_DROPPED_WIRE];
}

#if WEIR_HAVE_RING_HDS_THRESHOLD
#define WEIR_RING_USE_SPLIT (ETHTOOL_RING_USE_TCP_DATA_SPLIT | ETHTOOL_RING_USE_HDS_THRS)
#elif WEIR_HAVE_RING_TCP_DATA_SPLIT
#define WEIR_RING_USE_SPLIT ETHTOOL_RING_USE_TCP_DATA_SPLIT
#else
#define WEIR_RING_USE_SPLIT 0
#endif

const struct ethtool_ops weir_ethtool_ops = {
#if WEIR_HAVE_QUEUE_MANAGEMENT
	/* What makes queues anew changes how many the stack sees; and programs of XDP are under RTNL. */
	.op_needs_rtnl = ETHTOOL_OP_NEEDS_RTNL_SRINGPARAM | ETHTOOL_OP_NEEDS_RTNL_SCHANNELS |
			 ETHTOOL_OP_NEEDS_RTNL_GLINK,
#endif
	.supported_ring_params = ETHTOOL_RING_USE_RX_BUF_LEN | WEIR_RING_USE_SPLIT,
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS | ETHTOOL_COALESCE_MAX_FRAMES |
				     WEIR_COALESCE_ADAPTIVE,
#if WEIR_HAVE_RSS_SYM_XOR
	.cap_rss_sym_xor_supported = true,
#endif
#if WEIR_HAVE_RSS_INPUT_XFRM
	.supported_input_xfrm = RXH_XFRM_SYM_XOR,
#endif
#if WEIR_HAVE_RXFH_CONTEXT_CREATE
	.rxfh_per_ctx_key = true,
	.rxfh_max_num_contexts = WEIR_SPREAD_CONTEXTS + 1,
	.create_rxfh_context = weir_create_rxfh_context,
	.modify_rxfh_context = weir_modify_rxfh_context,
	.remove_rxfh_context = weir_remove_rxfh_context,
#endif
#if WEIR_HAVE_RXFH_FIELDS
	.rxfh_per_ctx_fields = true,
	.get_rxfh_fields = weir_get_rxfh_fields,
	.set_rxfh_fields = weir_set_rxfh_fields,
#endif
#if WEIR_HAVE_RX_RING_COUNT
	.get_rx_ring_count = weir_get_rx_ring_count,
#endif
	.get_drvinfo = weir_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = weir_get_link_ksettings,
	.get_msglevel = weir_get_msglevel,
	.set_msglevel = weir_set_msglevel,
	.get_regs_len = weir_get_regs_len,
	.get_regs = weir_get_regs,
	.get_ringparam = weir_get_ringparam,
	.set_ringparam = weir_set_ringparam,
	.get_channels = weir_get_channels,
	.set_channels = weir_set_channels,
	.get_coalesce = weir_get_coalesce,
	.set_coalesce = weir_set_coalesce,
	.get_per_queue_coalesce = weir_get_per_queue_coalesce,
	.set_per_queue_coalesce = weir_set_per_queue_coalesce,
	.get_rxfh_key_size = weir_get_rxfh_key_size,
	.get_rxfh_indir_size = weir_get_rxfh_indir_size,
	.get_rxfh = weir_get_rxfh,
	.set_rxfh = weir_set_rxfh,
#if WEIR_HAVE_RXFH_CONTEXT_OPS
	.get_rxfh_context = weir_get_rxfh_context,
	.set_rxfh_context = weir_set_rxfh_context,
#endif
	.get_rxnfc = weir_get_rxnfc,
	.set_rxnfc = weir_set_rxnfc,
	.get_sset_count = weir_get_sset_count,
	.get_strings = weir_get_strings,
	.get_ethtool_stats = weir_get_ethtool_stats,
	.get_eth_mac_stats = weir_get_eth_mac_stats,
	.get_ts_info = weir_get_ts_info,
};
