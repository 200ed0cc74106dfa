/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration, start and stop of a port, and the table of what it can do for the ethdev layer. */
#include "weir_queues.h"

#include <errno.h>
#include <string.h>

#define RX_OFFLOADS                                                       \
	(RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_VLAN_FILTER | \
	 RTE_ETH_RX_OFFLOAD_SCATTER)
#define TX_CHECKSUM_OFFLOADS                                            \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | \
	 RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_SCTP_CKSUM)
#define TX_SEGMENT_OFFLOADS (RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_UDP_TSO)
#define TX_OFFLOADS                                                       \
	(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_MULTI_SEGS | \
	 RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)

/* --- what there is -------------------------------------------------------------------------------- */

static int dev_infos_get(struct rte_eth_dev *ethdev, struct rte_eth_dev_info *info)
{
	const struct weir_device *device = weir_device_of(ethdev);
	const struct weir_limits *limits = &device->limits;
	const struct rte_eth_desc_lim descriptors = {
		.nb_min = (uint16_t)(1u << limits->ring_min_log2),
		.nb_max = (uint16_t)(1u << limits->ring_max_log2),
		.nb_align = 1,
		.nb_seg_max = limits->max_segments,
		.nb_mtu_seg_max = limits->max_segments,
	};

	info->min_mtu = RTE_ETHER_MIN_MTU;
	info->max_mtu = (uint16_t)(limits->max_frame_bytes - WEIR_FRAME_OVERHEAD_BYTES);
	info->max_rx_pktlen = info->max_mtu + (uint32_t)WEIR_FRAME_OVERHEAD_BYTES;
	info->min_rx_bufsize = WEIR_RX_BUFFER_MIN_BYTES;
	info->max_rx_queues = limits->queue_pairs;
	info->max_tx_queues = limits->queue_pairs;
	info->max_mac_addrs = WEIR_MAC_MAX;
	info->rx_offload_capa = RX_OFFLOADS;
	info->tx_offload_capa = TX_OFFLOADS;
	if (limits->features & WEIR_REG_FEATURES_CHECKSUM_MASK) {
		info->rx_offload_capa |= WEIR_RX_CHECKSUM_OFFLOADS;
		info->tx_offload_capa |= TX_CHECKSUM_OFFLOADS;
	}
	if (limits->features & WEIR_REG_FEATURES_VLAN_8021AD_MASK) {
		info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_QINQ_STRIP;
		info->tx_offload_capa |= RTE_ETH_TX_OFFLOAD_QINQ_INSERT;
	}
	if (limits->features & WEIR_REG_FEATURES_SEGMENTATION_MASK)
		info->tx_offload_capa |= TX_SEGMENT_OFFLOADS;
	if (limits->features & WEIR_REG_FEATURES_RECEIVE_COALESCING_MASK) {
		info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_TCP_LRO;
		info->max_lro_pkt_size = WEIR_COALESCE_BYTES_MAX;
	}
	if (limits->features & WEIR_REG_FEATURES_HEADER_SPLIT_MASK) {
		info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT;
		info->rx_seg_capa = (struct rte_eth_rxseg_capa){
			.multi_pools = 1,
			.offset_allowed = 1,
			.max_nseg = WEIR_SPLIT_SEGMENTS,
		};
	}
	if (limits->features & WEIR_REG_FEATURES_TIME_MASK)
		info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	if (limits->features & WEIR_REG_FEATURES_FLOW_SPREAD_MASK) {
		info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
		info->reta_size = WEIR_INDIRECTION_ENTRIES;
		info->hash_key_size = WEIR_HASH_KEY_BYTES;
		info->flow_type_rss_offloads = weir_rss_flows();
	}
	info->rx_desc_lim = descriptors;
	info->tx_desc_lim = descriptors;
	info->speed_capa = rte_eth_speed_bitflag(device->speed_mbps, RTE_ETH_LINK_FULL_DUPLEX);
	info->default_rxconf.rx_free_thresh = WEIR_RX_FREE_THRESHOLD;
	info->default_txconf.tx_free_thresh = WEIR_TX_FREE_THRESHOLD;
	info->default_rxportconf =
		(struct rte_eth_dev_portconf){ .burst_size = 32, .ring_size = 512, .nb_queues = 1 };
	info->default_txportconf = info->default_rxportconf;
	info->err_handle_mode = RTE_ETH_ERROR_HANDLE_MODE_PROACTIVE;
	return 0;
}

static const uint32_t *supported_ptypes_get(WEIR_PTYPES_PARAMETERS)
{
	/* Told of frames that are hashed (weir_rx_mbuf.h). */
	static const uint32_t known[] = {
		RTE_PTYPE_L3_IPV4_EXT_UNKNOWN,
		RTE_PTYPE_L3_IPV6_EXT_UNKNOWN,
		RTE_PTYPE_L4_TCP,
		RTE_PTYPE_L4_UDP,
		RTE_PTYPE_L4_SCTP,
		RTE_PTYPE_L4_ICMP,
		RTE_PTYPE_L4_FRAG,
		RTE_PTYPE_TUNNEL_VXLAN,
		RTE_PTYPE_TUNNEL_GENEVE,
		RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN,
		RTE_PTYPE_INNER_L3_IPV6_EXT_UNKNOWN,
		RTE_PTYPE_INNER_L4_TCP,
		RTE_PTYPE_INNER_L4_UDP,
		RTE_PTYPE_INNER_L4_SCTP,
		RTE_PTYPE_INNER_L4_ICMP,
		RTE_PTYPE_INNER_L4_FRAG,
		RTE_PTYPE_UNKNOWN,
	};
	static const uint32_t none[] = { RTE_PTYPE_UNKNOWN };

	if (!weir_rss_hashes(weir_device_of(ethdev)))
		WEIR_PTYPES_RETURN(none, 0);
	WEIR_PTYPES_RETURN(known, RTE_DIM(known) - 1);
}

/* --- configuration -------------------------------------------------------------------------------- */

static int dev_configure(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);
	const struct rte_eth_conf *conf = &ethdev->data->dev_conf;
	int error;

	if (conf->rxmode.mq_mode & ~RTE_ETH_MQ_RX_RSS_FLAG ||
	    conf->txmode.mq_mode != RTE_ETH_MQ_TX_NONE) {
		WEIR_PORT_LOG(device, ERR, "queue modes other than RSS are not supported");
		return -ENOTSUP;
	}
	if (conf->link_speeds & RTE_ETH_LINK_SPEED_FIXED) {
		WEIR_PORT_LOG(device, ERR, "the speed of the link cannot be fixed");
		return -ENOTSUP;
	}
	if (conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT && weir_lro_wanted(device)) {
		WEIR_PORT_LOG(device, ERR,
			      "segments are not put together where their headers are split off: "
			      "either RX_OFFLOAD_BUFFER_SPLIT or RX_OFFLOAD_TCP_LRO");
		return -ENOTSUP;
	}
	if (conf->lpbk_mode) {
		WEIR_PORT_LOG(device, ERR, "loopback mode is not supported");
		return -ENOTSUP;
	}
	if (conf->intr_conf.rxq && ethdev->data->nb_rx_queues + 1u > device->limits.vectors) {
		WEIR_PORT_LOG(device, ERR, "%u receive interrupts, but the function has %u vectors",
			      ethdev->data->nb_rx_queues, device->limits.vectors);
		return -ENOSPC;
	}
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	error = weir_rss_configure(device);
	if (!error)
		error = weir_times_configure(device);
	weir_xstats_forget(device);
	pthread_mutex_unlock(&device->lock);
	if (error)
		return error;
	return weir_rx_offloads_set(ethdev);
}

/* Decides how the port receives and sends; every queue must be able to take the longest frame. */
static int choose_bursts(struct weir_device *device)
{
	struct rte_eth_dev *ethdev = device->ethdev;
	const struct rte_eth_conf *conf = &ethdev->data->dev_conf;
	uint32_t frame_bytes = ethdev->data->mtu + WEIR_FRAME_OVERHEAD_BYTES;
	/* Who wants aggregates takes them as they come. */
	bool lro = weir_lro_wanted(device);
	bool chains = lro || conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER;
	bool timed = weir_times_wanted(device);
	/* Who synchronises clocks wants to know when frames were sent as well. */
	bool simple = conf->txmode.offloads == RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE && !timed;
	bool scattered = lro, split = false;

	for (uint16_t i = 0; i < ethdev->data->nb_rx_queues; i++) {
		struct weir_rx_queue *queue = ethdev->data->rx_queues[i];

		queue->chains = chains || queue->headers;
		if (queue->headers) {
			scattered = split = true;
			if (weir_split_holds(&queue->split, frame_bytes))
				continue;
			WEIR_PORT_LOG(
				device, ERR,
				"frames of %u bytes do not fit the segments of receive queue %u, the last of which has an offset, or "
				"is shorter than its mempool's buffers, so that no other can follow",
				frame_bytes, i);
			return -EINVAL;
		}
		if (frame_bytes <= queue->buffer_bytes)
			continue;
		scattered = true;
		if (chains)
			continue;
		WEIR_PORT_LOG(
			device, ERR,
			"frames of %u bytes do not fit the %u-byte buffers of receive queue %u: use "
			"larger mbufs, or RX_OFFLOAD_SCATTER",
			frame_bytes, queue->buffer_bytes, i);
		return -EINVAL;
	}
	for (uint16_t i = 0; i < ethdev->data->nb_tx_queues; i++)
		((struct weir_tx_queue *)ethdev->data->tx_queues[i])->simple = simple;
	ethdev->data->scattered_rx = scattered;
	/* Both do everything; the first is made for frames of one buffer, the second for many of several. */
	ethdev->rx_pkt_burst = split	   ? weir_receive_split
			       : timed	   ? weir_receive_timed
			       : scattered ? weir_receive_scattered
					   : weir_receive;
	ethdev->tx_pkt_burst = simple ? weir_transmit_simple : weir_transmit;
	ethdev->tx_pkt_prepare = weir_transmit_prepare;
	ethdev->rx_queue_count = weir_rx_queue_count;
	ethdev->rx_descriptor_status = weir_rx_descriptor_status;
	ethdev->tx_descriptor_status = weir_tx_descriptor_status;
	return 0;
}

/* --- running and halting --------------------------------------------------------------------------- */

static unsigned int list_gates(const struct rte_eth_dev_data *data, struct weir_gate **gates)
{
	unsigned int count = 0;

	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		if (data->rx_queues[i])
			gates[count++] = &((struct weir_rx_queue *)data->rx_queues[i])->gate;
	for (uint16_t i = 0; i < data->nb_tx_queues; i++)
		if (data->tx_queues[i])
			gates[count++] = &((struct weir_tx_queue *)data->tx_queues[i])->gate;
	return count;
}

void weir_gates_open(struct weir_device *device)
{
	struct weir_gate *gates[2 * RTE_MAX_QUEUES_PER_PORT];
	unsigned int count = list_gates(device->data, gates);

	for (unsigned int i = 0; i < count; i++)
		weir_gate_open(gates[i]);
}

void weir_gates_close(struct weir_device *device)
{
	struct weir_gate *gates[2 * RTE_MAX_QUEUES_PER_PORT];
	unsigned int count = list_gates(device->data, gates);

	if (count)
		weir_gate_close(gates, count);
}

/* Frees what the queues hold. Gates shut, and no DMA. */
static void reset_queues(struct weir_device *device)
{
	const struct rte_eth_dev_data *data = device->data;

	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		if (data->rx_queues[i])
			weir_rx_queue_reset(data->rx_queues[i]);
	for (uint16_t i = 0; i < data->nb_tx_queues; i++)
		if (data->tx_queues[i])
			weir_tx_queue_reset(data->tx_queues[i]);
}

/* Takes frames and queues from the function. False if it does not obey. */
static bool withdraw_queues(struct weir_device *device)
{
	const struct rte_eth_dev_data *data = device->data;
	bool obeyed = !weir_vport_flags_set(device, WEIR_VPORT_ENABLE, 0);

	for (uint16_t i = 0; obeyed && i < data->nb_tx_queues; i++)
		obeyed = !weir_tx_queue_destroy(data->tx_queues[i]);
	for (uint16_t i = 0; obeyed && i < data->nb_rx_queues; i++)
		obeyed = !weir_rx_queue_destroy(data->rx_queues[i]);
	return obeyed;
}

bool weir_port_halt(struct weir_device *device)
{
	struct weir_transport *transport = device->transport;

	weir_gates_close(device);
	if (device->state == WEIR_PORT_STARTED || device->state == WEIR_PORT_ATTACHED) {
		device->quiet = withdraw_queues(device);
		if (device->quiet) {
			device->state = WEIR_PORT_ATTACHED;
		} else {
			/* After its reset the function holds nothing of ours; the monitor sets it up again. */
			WEIR_PORT_LOG(device, WARNING,
				      "the function does not give its queues back; resetting it");
			device->state = WEIR_PORT_LOST;
			device->quiet = !weir_function_reset(device);
		}
	} else if (!device->quiet && transport->ops->alive(transport)) {
		device->quiet = !weir_function_reset(device);
	} else if (!device->quiet) {
		transport->ops->close(transport);
		device->quiet = transport->ops->quiet(transport);
	}
	if (device->quiet)
		reset_queues(device);
	return device->quiet;
}

int weir_port_run(struct weir_device *device)
{
	const struct rte_eth_dev_data *data = device->data;
	bool interrupts = data->dev_conf.intr_conf.rxq;
	int error = 0;

	reset_queues(device);
	for (uint16_t i = 0; !error && i < data->nb_rx_queues; i++) {
		error = weir_rx_fill(data->rx_queues[i]);
		if (error)
			WEIR_PORT_LOG(device, ERR,
				      "receive queue %u: the mempool has too few mbufs", i);
	}
	if (!error)
		error = device->transport->ops->vectors(device->transport,
							interrupts ? data->nb_rx_queues : 0);
	if (!error)
		error = weir_vport_mtu_set(device, data->mtu);
	/* From here on the device may use the queues' memory. */
	if (!error)
		device->quiet = false;
	for (uint16_t i = 0; !error && i < data->nb_rx_queues; i++)
		error = weir_rx_queue_create(data->rx_queues[i],
					     interrupts ? (uint16_t)(i + 1) : WEIR_VECTOR_NONE);
	for (uint16_t i = 0; !error && i < data->nb_tx_queues; i++)
		error = weir_tx_queue_create(data->tx_queues[i]);
	if (!error)
		error = weir_rss_apply(device);
	if (!error)
		error = weir_contexts_apply(device);
	if (!error)
		error = weir_flows_apply(device);
	for (uint16_t i = 0; !error && i < data->nb_rx_queues; i++)
		weir_rx_announce(data->rx_queues[i]);
	if (!error)
		error = weir_vport_flags_set(device, WEIR_VPORT_ENABLE | WEIR_VPORT_BROADCAST,
					     WEIR_VPORT_ENABLE | WEIR_VPORT_BROADCAST);
	if (error) {
		weir_port_halt(device);
		return error;
	}
	device->state = WEIR_PORT_STARTED;
	weir_gates_open(device);
	return 0;
}

int weir_port_restart(struct weir_device *device)
{
	device->queue_restarts++;
	if (!weir_port_halt(device) || device->state != WEIR_PORT_ATTACHED)
		return -EIO;
	return weir_port_run(device);
}

/* --- start and stop -------------------------------------------------------------------------------- */

static void set_queue_states(struct rte_eth_dev_data *data, uint8_t state)
{
	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		data->rx_queue_state[i] = state;
	for (uint16_t i = 0; i < data->nb_tx_queues; i++)
		data->tx_queue_state[i] = state;
}

static int dev_start(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error = choose_bursts(device);

	if (error)
		return error;
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	error = weir_port_run(device);
	if (!error) {
		device->started = true;
		set_queue_states(ethdev->data, RTE_ETH_QUEUE_STATE_STARTED);
		weir_link_refresh(device);
	}
	pthread_mutex_unlock(&device->lock);
	if (error)
		WEIR_PORT_LOG(device, ERR, "the port does not start: %s", strerror(-error));
	return error;
}

static int dev_stop(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);

	pthread_mutex_lock(&device->lock);
	device->started = false;
	if (!weir_port_halt(device))
		WEIR_PORT_LOG(device, WARNING,
			      "the function cannot be reached; its buffers are kept until it is");
	if (device->state == WEIR_PORT_ATTACHED)
		device->transport->ops->vectors(device->transport, 0);
	set_queue_states(ethdev->data, RTE_ETH_QUEUE_STATE_STOPPED);
	weir_link_refresh(device);
	pthread_mutex_unlock(&device->lock);
	/* A function that had to be reset is the monitor's to get back. */
	if (device->state == WEIR_PORT_LOST)
		weir_monitor_wake(device);
	return 0;
}

static int dev_reset(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error = weir_device_lock_attached(device);

	if (error)
		return error;
	error = weir_function_reset(device);
	if (!error)
		error = weir_device_reattach(device, false);
	if (error)
		device->state = WEIR_PORT_LOST;
	pthread_mutex_unlock(&device->lock);
	weir_monitor_wake(device);
	return error;
}

const struct eth_dev_ops weir_ethdev_ops = {
	.dev_configure = dev_configure,
	.dev_start = dev_start,
	.dev_stop = dev_stop,
	.dev_close = weir_device_close,
	.dev_reset = dev_reset,
	.dev_infos_get = dev_infos_get,
	.dev_supported_ptypes_get = supported_ptypes_get,
	.buffer_split_supported_hdr_ptypes_get = weir_split_headers_get,
	.link_update = weir_link_update,

	.rx_queue_setup = weir_rx_queue_setup,
	.rx_queue_release = weir_rx_queue_release,
	.rx_queue_intr_enable = weir_rx_queue_intr_enable,
	.rx_queue_intr_disable = weir_rx_queue_intr_disable,
	.rxq_info_get = weir_rxq_info_get,
	.rx_burst_mode_get = weir_rx_burst_mode_get,
	.tx_queue_setup = weir_tx_queue_setup,
	.tx_queue_release = weir_tx_queue_release,
	.txq_info_get = weir_txq_info_get,
	.tx_burst_mode_get = weir_tx_burst_mode_get,
	.tx_done_cleanup = weir_tx_done_cleanup,

	.promiscuous_enable = weir_promiscuous_enable,
	.promiscuous_disable = weir_promiscuous_disable,
	.allmulticast_enable = weir_allmulticast_enable,
	.allmulticast_disable = weir_allmulticast_disable,
	.mac_addr_add = weir_mac_addr_add,
	.mac_addr_remove = weir_mac_addr_remove,
	.mac_addr_set = weir_mac_addr_set,
	.set_mc_addr_list = weir_set_mc_addr_list,
	.vlan_filter_set = weir_vlan_filter_set,
	.vlan_offload_set = weir_vlan_offload_set,
	.mtu_set = weir_mtu_set,
	.reta_update = weir_reta_update,
	.reta_query = weir_reta_query,
	.rss_hash_update = weir_rss_hash_update,
	.rss_hash_conf_get = weir_rss_hash_conf_get,
	.flow_ops_get = weir_flow_ops_get,

	.stats_get = weir_stats_get,
	.stats_reset = weir_stats_reset,
	.xstats_get = weir_xstats_get,
	.xstats_get_names = weir_xstats_get_names,
	.xstats_reset = weir_xstats_reset,
	.read_clock = weir_read_clock,
	.timesync_enable = weir_timesync_enable,
	.timesync_disable = weir_timesync_disable,
	.timesync_read_rx_timestamp = weir_timesync_read_rx,
	.timesync_read_tx_timestamp = weir_timesync_read_tx,
	.timesync_adjust_time = weir_timesync_adjust_time,
	.timesync_read_time = weir_timesync_read_time,
	.timesync_write_time = weir_timesync_write_time,
	.get_reg = weir_get_reg,
	.fw_version_get = weir_fw_version_get,
};
