/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics. Frames and bytes are counted by the driver's queues, which go on counting when the function is
 * lost; what the function drops, and everything else it counts (specs/admin-queue.md, STATS_GET), comes from there and
 * begins anew with it.
 */
#include "weir_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/weir_tables.h"
#include "weir_queues.h"

/* Groups of the function's counters, in their order in device_counters. */
static const struct group {
	enum weir_stats_scope scope;
	uint16_t first, count;
	const char *prefix;
	const char *const *names;
} groups[] = {
	{ WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_COUNT, "vport", weir_stat_vport_names },
	{ WEIR_STATS_SCOPE_FUNCTION, WEIR_STAT_VPORT_COUNT, WEIR_STAT_FUNCTION_COUNT, "function",
	  weir_stat_function_names },
	{ WEIR_STATS_SCOPE_PORT, WEIR_STAT_VPORT_COUNT + WEIR_STAT_FUNCTION_COUNT,
	  WEIR_STAT_PORT_COUNT, "wire", weir_stat_port_names },
};

/* The driver's own counters of a port and of its queues. */
static const struct {
	const char *name;
	size_t offset;
} port_counters[] = {
	{ "driver_losses", offsetof(struct weir_device, losses) },
	{ "driver_recoveries", offsetof(struct weir_device, recoveries) },
	{ "driver_link_changes", offsetof(struct weir_device, link_changes) },
	{ "driver_queue_restarts", offsetof(struct weir_device, queue_restarts) },
	{ "driver_admin_commands", offsetof(struct weir_device, admin.commands_sent) },
	{ "driver_admin_failures", offsetof(struct weir_device, admin.commands_failed) },
	{ "driver_admin_events", offsetof(struct weir_device, admin.events_taken) },
	{ "driver_admin_stray_entries", offsetof(struct weir_device, admin.stray_entries) },
}, rx_counters[] = {
	{ "errors", offsetof(struct weir_rx_queue, errors) },
	{ "transfers_failed", offsetof(struct weir_rx_queue, transfers_failed) },
	{ "no_mbufs", offsetof(struct weir_rx_queue, no_mbufs) },
	{ "doorbells", offsetof(struct weir_rx_queue, doorbells) },
	{ "bad_entries", offsetof(struct weir_rx_queue, bad_entries) },
}, tx_counters[] = {
	{ "dropped", offsetof(struct weir_tx_queue, dropped) },
	{ "doorbells", offsetof(struct weir_tx_queue, doorbells) },
	{ "bad_heads", offsetof(struct weir_tx_queue, bad_heads) },
};

static uint64_t counter_at(const void *object, size_t offset)
{
	return *(const uint64_t *)RTE_PTR_ADD(object, offset);
}

/* --- the function's counters ------------------------------------------------------------------------ */

/* Reads `count` counters of a scope; those an older firmware lacks are 0. */
static int read_counters(struct weir_device *device, enum weir_stats_scope scope, uint16_t index,
			 uint64_t *counters, uint16_t count)
{
	struct weir_response response;
	struct weir_tlv request;
	const uint8_t *value;
	uint16_t length = 0;
	int error;

	weir_tlv_begin(&request);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_SCOPE, (uint8_t)scope);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_INDEX, index);
	error = weir_admin_command(device, WEIR_COMMAND_STATS_GET, &request, &response, -EPERM);
	if (error)
		return error;
	value = weir_tlv_find(response.data, response.length, WEIR_ATTRIBUTE_STATISTICS, &length);
	for (uint16_t i = 0; i < count; i++) {
		weir_le64 wire = 0;

		if (value && (i + 1u) * sizeof(wire) <= length)
			memcpy(&wire, value + i * sizeof(wire), sizeof(wire));
		counters[i] = weir_le64_to_cpu(wire);
	}
	return 0;
}

/* Reads groups of the function's counters; when it is lost, or does not say, what was known stays. */
static void refresh(struct weir_device *device, unsigned int first_group, unsigned int count)
{
	if (device->state != WEIR_PORT_ATTACHED && device->state != WEIR_PORT_STARTED)
		return;
	for (unsigned int i = first_group; i < first_group + count; i++) {
		uint64_t fresh[WEIR_DEVICE_COUNTERS];

		if (!read_counters(device, groups[i].scope, 0, fresh, groups[i].count))
			memcpy(&device->device_counters[groups[i].first], fresh,
			       groups[i].count * sizeof(fresh[0]));
	}
}

void weir_stats_restart(struct weir_device *device)
{
	/* Some of a function's counters survive its reset, so what they are now is read. */
	memset(device->device_base, 0, sizeof(device->device_base));
	refresh(device, 0, RTE_DIM(groups));
	memcpy(device->device_base, device->device_counters, sizeof(device->device_base));
}

static uint64_t since_reset(const struct weir_device *device, unsigned int counter)
{
	return device->device_counters[counter] - device->device_base[counter];
}

/* --- basic statistics ------------------------------------------------------------------------------- */

int weir_stats_get(struct rte_eth_dev *ethdev, struct rte_eth_stats *stats)
{
	struct weir_device *device = weir_device_of(ethdev);
	const struct rte_eth_dev_data *data = ethdev->data;

	for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
		const struct weir_rx_queue *queue = data->rx_queues[i];

		if (!queue)
			continue;
		stats->ipackets += queue->frames - queue->base_frames;
		stats->ibytes += queue->bytes - queue->base_bytes;
		stats->ierrors += queue->errors - queue->base_errors;
		if (i >= RTE_ETHDEV_QUEUE_STAT_CNTRS)
			continue;
		stats->q_ipackets[i] = queue->frames - queue->base_frames;
		stats->q_ibytes[i] = queue->bytes - queue->base_bytes;
		stats->q_errors[i] = queue->errors - queue->base_errors;
	}
	for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
		const struct weir_tx_queue *queue = data->tx_queues[i];

		if (!queue)
			continue;
		stats->opackets += queue->frames - queue->base_frames;
		stats->obytes += queue->bytes - queue->base_bytes;
		stats->oerrors += queue->dropped - queue->base_dropped;
		if (i >= RTE_ETHDEV_QUEUE_STAT_CNTRS)
			continue;
		stats->q_opackets[i] = queue->frames - queue->base_frames;
		stats->q_obytes[i] = queue->bytes - queue->base_bytes;
	}
	stats->rx_nombuf = data->rx_mbuf_alloc_failed;

	pthread_mutex_lock(&device->lock);
	refresh(device, 0, 1);
	stats->imissed = since_reset(device, WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER);
	stats->ierrors += since_reset(device, WEIR_STAT_VPORT_RX_DROPPED_FAULT) +
			  since_reset(device, WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE);
	stats->oerrors += since_reset(device, WEIR_STAT_VPORT_TX_DROPPED_SPOOF) +
			  since_reset(device, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED) +
			  since_reset(device, WEIR_STAT_VPORT_TX_DROPPED_FAULT) +
			  since_reset(device, WEIR_STAT_VPORT_TX_DROPPED_LINK);
	pthread_mutex_unlock(&device->lock);
	return 0;
}

int weir_stats_reset(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct rte_eth_dev_data *data = ethdev->data;

	/* The counters belong to the cores that poll: what they are now is subtracted from now on. */
	for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
		struct weir_rx_queue *queue = data->rx_queues[i];

		if (!queue)
			continue;
		queue->base_frames = queue->frames;
		queue->base_bytes = queue->bytes;
		queue->base_errors = queue->errors;
	}
	for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
		struct weir_tx_queue *queue = data->tx_queues[i];

		if (!queue)
			continue;
		queue->base_frames = queue->frames;
		queue->base_bytes = queue->bytes;
		queue->base_dropped = queue->dropped;
	}
	pthread_mutex_lock(&device->lock);
	refresh(device, 0, RTE_DIM(groups));
	memcpy(device->device_base, device->device_counters, sizeof(device->device_base));
	pthread_mutex_unlock(&device->lock);
	return 0;
}

/* --- extended statistics ---------------------------------------------------------------------------- */

static unsigned int xstats_count(const struct rte_eth_dev_data *data)
{
	return WEIR_DEVICE_COUNTERS + RTE_DIM(port_counters) +
	       data->nb_rx_queues * (WEIR_STAT_RX_QUEUE_COUNT + RTE_DIM(rx_counters)) +
	       data->nb_tx_queues * (WEIR_STAT_TX_QUEUE_COUNT + RTE_DIM(tx_counters));
}

int weir_xstats_get_names(struct rte_eth_dev *ethdev, struct rte_eth_xstat_name *names,
			  unsigned int count)
{
	const struct rte_eth_dev_data *data = ethdev->data;
	unsigned int all = xstats_count(data), n = 0;

	if (!names || count < all)
		return (int)all;
	for (size_t group = 0; group < RTE_DIM(groups); group++)
		for (unsigned int i = 0; i < groups[group].count; i++)
			snprintf(names[n++].name, RTE_ETH_XSTATS_NAME_SIZE, "%s_%s",
				 groups[group].prefix, groups[group].names[i]);
	for (size_t i = 0; i < RTE_DIM(port_counters); i++)
		snprintf(names[n++].name, RTE_ETH_XSTATS_NAME_SIZE, "%s", port_counters[i].name);
	for (uint16_t queue = 0; queue < data->nb_rx_queues; queue++) {
		for (unsigned int i = 0; i < WEIR_STAT_RX_QUEUE_COUNT; i++)
			snprintf(names[n++].name, RTE_ETH_XSTATS_NAME_SIZE, "device_rx_q%u_%s",
				 queue, weir_stat_rx_queue_names[i]);
		for (size_t i = 0; i < RTE_DIM(rx_counters); i++)
			snprintf(names[n++].name, RTE_ETH_XSTATS_NAME_SIZE, "driver_rx_q%u_%s",
				 queue, rx_counters[i].name);
	}
	for (uint16_t queue = 0; queue < data->nb_tx_queues; queue++) {
		for (unsigned int i = 0; i < WEIR_STAT_TX_QUEUE_COUNT; i++)
			snprintf(names[n++].name, RTE_ETH_XSTATS_NAME_SIZE, "device_tx_q%u_%s",
				 queue, weir_stat_tx_queue_names[i]);
		for (size_t i = 0; i < RTE_DIM(tx_counters); i++)
			snprintf(names[n++].name, RTE_ETH_XSTATS_NAME_SIZE, "driver_tx_q%u_%s",
				 queue, tx_counters[i].name);
	}
	return (int)n;
}

/* The function's counters of a queue, into the list; zero while the queue is not there. */
static unsigned int queue_xstats(struct weir_device *device, enum weir_stats_scope scope,
				 uint16_t queue, uint16_t count, struct rte_eth_xstat *stats,
				 unsigned int n)
{
	uint64_t counters[WEIR_DEVICE_COUNTERS] = { 0 };

	if (device->state == WEIR_PORT_STARTED &&
	    read_counters(device, scope, queue, counters, count))
		memset(counters, 0, sizeof(counters));
	for (uint16_t i = 0; i < count; i++)
		stats[n++].value = counters[i];
	return n;
}

/* Every counter as it is, into a list with room for all. The lock is held. */
static unsigned int read_xstats(struct weir_device *device, struct rte_eth_xstat *stats)
{
	const struct rte_eth_dev_data *data = device->data;
	unsigned int n = 0;

	refresh(device, 0, RTE_DIM(groups));
	for (unsigned int i = 0; i < WEIR_DEVICE_COUNTERS; i++)
		stats[n++].value = device->device_counters[i];
	for (size_t i = 0; i < RTE_DIM(port_counters); i++)
		stats[n++].value = counter_at(device, port_counters[i].offset);
	for (uint16_t queue = 0; queue < data->nb_rx_queues; queue++) {
		const void *counters = data->rx_queues[queue];

		n = queue_xstats(device, WEIR_STATS_SCOPE_RX_QUEUE, queue, WEIR_STAT_RX_QUEUE_COUNT,
				 stats, n);
		for (size_t i = 0; i < RTE_DIM(rx_counters); i++)
			stats[n++].value = counters ? counter_at(counters, rx_counters[i].offset)
						    : 0;
	}
	for (uint16_t queue = 0; queue < data->nb_tx_queues; queue++) {
		const void *counters = data->tx_queues[queue];

		n = queue_xstats(device, WEIR_STATS_SCOPE_TX_QUEUE, queue, WEIR_STAT_TX_QUEUE_COUNT,
				 stats, n);
		for (size_t i = 0; i < RTE_DIM(tx_counters); i++)
			stats[n++].value = counters ? counter_at(counters, tx_counters[i].offset)
						    : 0;
	}
	return n;
}

int weir_xstats_get(struct rte_eth_dev *ethdev, struct rte_eth_xstat *stats, unsigned int count)
{
	struct weir_device *device = weir_device_of(ethdev);
	unsigned int all = xstats_count(ethdev->data), n;

	if (!stats || count < all)
		return (int)all;
	pthread_mutex_lock(&device->lock);
	n = read_xstats(device, stats);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t base = i < device->xstats_base_count ? device->xstats_base[i] : 0;

		stats[i].id = i;
		/* A counter that is smaller than it was has begun anew, with its function or queue. */
		if (stats[i].value >= base)
			stats[i].value -= base;
	}
	pthread_mutex_unlock(&device->lock);
	return (int)n;
}

void weir_xstats_forget(struct weir_device *device)
{
	free(device->xstats_base);
	device->xstats_base = NULL;
	device->xstats_base_count = 0;
}

int weir_xstats_reset(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);
	unsigned int count = xstats_count(ethdev->data);
	struct rte_eth_xstat *stats = calloc(count, sizeof(stats[0]));
	uint64_t *base = calloc(count, sizeof(base[0]));

	if (!stats || !base) {
		free(stats);
		free(base);
		return -ENOMEM;
	}
	pthread_mutex_lock(&device->lock);
	weir_xstats_forget(device);
	device->xstats_base = base;
	device->xstats_base_count = read_xstats(device, stats);
	for (unsigned int i = 0; i < count; i++)
		base[i] = stats[i].value;
	pthread_mutex_unlock(&device->lock);
	free(stats);
	/* The ethdev layer's own, which appear among the extended ones, are the basic ones. */
	return weir_stats_reset(ethdev);
}

/* --- registers and versions ------------------------------------------------------------------------- */

int weir_get_reg(struct rte_eth_dev *ethdev, struct rte_dev_reg_info *info)
{
	struct weir_device *device = weir_device_of(ethdev);
	uint32_t bytes = 0, *values = info->data;
	int error;

	for (size_t i = 0; i < WEIR_REGISTERS; i++)
		bytes = RTE_MAX(bytes, weir_registers[i].offset + 4u);
	if (!values) {
		info->length = bytes / 4;
		info->width = 4;
		return 0;
	}
	if (info->length && info->length < bytes / 4)
		return -ENOTSUP; /* no part of it */
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	/* Only what exists is read: the function counts other accesses as errors. */
	memset(values, 0, bytes);
	for (size_t i = 0; i < WEIR_REGISTERS && !error; i++)
		if (weir_registers[i].access != 'o')
			error = weir_register_read(device, weir_registers[i].offset,
						   &values[weir_registers[i].offset / 4]);
	info->version = device->generation;
	pthread_mutex_unlock(&device->lock);
	return error;
}

int weir_fw_version_get(struct rte_eth_dev *ethdev, char *version, size_t bytes)
{
	struct weir_device *device = weir_device_of(ethdev);
	int length = snprintf(version, bytes, "%s", device->firmware_version);

	/* The ethdev layer wants to know how much room it takes where there is not enough. */
	return length >= (int)bytes ? length + 1 : 0;
}
