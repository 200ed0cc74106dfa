/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the port's vport takes in (specs/sorter.md): addresses, VLANs, modes.
 * Each change is tried on the function first and remembered when it has obeyed, so that
 * weir_filters_restore() can repeat it after a reset.
 */
#include "weir_device.h"

#include <errno.h>
#include <string.h>

#include "weir_queues.h"

/* --- commands ------------------------------------------------------------------------------------- */

static int flags_command(struct weir_device *device, uint32_t mask, uint32_t flags, int expected)
{
	struct weir_tlv request;
	int error;

	if (((device->vport_flags ^ flags) & mask) == 0)
		return 0;
	weir_tlv_begin(&request);
	weir_tlv_put_u32(&request, WEIR_ATTRIBUTE_VPORT_FLAGS, flags & mask);
	weir_tlv_put_u32(&request, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, mask);
	error = weir_admin_command(device, WEIR_COMMAND_VPORT_SET, &request, NULL, expected);
	if (!error)
		device->vport_flags = (device->vport_flags & ~mask) | (flags & mask);
	return error;
}

int weir_vport_flags_set(struct weir_device *device, uint32_t mask, uint32_t flags)
{
	return flags_command(device, mask, flags, 0);
}

int weir_vport_mtu_set(struct weir_device *device, uint16_t mtu)
{
	struct weir_tlv request;

	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_MTU, mtu);
	return weir_admin_command(device, WEIR_COMMAND_VPORT_SET, &request, NULL, 0);
}

static int mac_assign(struct weir_device *device, const struct rte_ether_addr *mac)
{
	struct weir_tlv request;
	int error;

	if (rte_is_same_ether_addr(mac, &device->assigned_mac))
		return 0;
	weir_tlv_begin(&request);
	weir_tlv_put(&request, WEIR_ATTRIBUTE_MAC, mac->addr_bytes, RTE_ETHER_ADDR_LEN);
	error = weir_admin_command(device, WEIR_COMMAND_VPORT_SET, &request, NULL, 0);
	if (!error)
		rte_ether_addr_copy(mac, &device->assigned_mac);
	return error;
}

/* FILTER_ADD and FILTER_DELETE; being there, or not being there, already is as good. */
static int filter_command(struct weir_device *device, const struct rte_ether_addr *mac, bool add)
{
	struct weir_tlv request;
	int expected = add ? -EEXIST : -ENOENT, error;

	weir_tlv_begin(&request);
	weir_tlv_put(&request, WEIR_ATTRIBUTE_MAC, mac->addr_bytes, RTE_ETHER_ADDR_LEN);
	error = weir_admin_command(device,
				   add ? WEIR_COMMAND_FILTER_ADD : WEIR_COMMAND_FILTER_DELETE,
				   &request, NULL, expected);
	return error == expected ? 0 : error;
}

static int vlan_command(struct weir_device *device, uint16_t vlan, bool add)
{
	struct weir_tlv request;
	int expected = add ? -EEXIST : -ENOENT, error;

	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_VLAN, vlan);
	error = weir_admin_command(device, add ? WEIR_COMMAND_VLAN_ADD : WEIR_COMMAND_VLAN_DELETE,
				   &request, NULL, expected);
	return error == expected ? 0 : error;
}

/* --- addresses ------------------------------------------------------------------------------------ */

int weir_vport_mac_sync(struct weir_device *device)
{
	struct rte_ether_addr *ours = &device->data->mac_addrs[0], wish;
	struct weir_response response;
	uint16_t length = 0;
	const void *value;
	int error = weir_admin_command(device, WEIR_COMMAND_VPORT_GET, NULL, &response, 0);

	if (error)
		return error;
	value = weir_tlv_find(response.data, response.length, WEIR_ATTRIBUTE_MAC, &length);
	if (!value || length != RTE_ETHER_ADDR_LEN) {
		WEIR_PORT_LOG(device, ERR, "the function says no MAC address");
		return -EPROTO;
	}
	memcpy(device->assigned_mac.addr_bytes, value, RTE_ETHER_ADDR_LEN);
	device->filters_max = (uint16_t)weir_tlv_get(
		response.data, response.length, WEIR_ATTRIBUTE_FILTERS_MAX, device->filters_max);
	device->vport_flags = (uint32_t)weir_tlv_get(
		response.data, response.length, WEIR_ATTRIBUTE_VPORT_FLAGS, device->vport_flags);
	device->mac_is_administrators =
		weir_tlv_get(response.data, response.length, WEIR_ATTRIBUTE_ADMIN_MAC, 0) != 0;

	/* The administrator's counts; else the one the application knows; else the card's; else a new one. */
	if (!rte_is_zero_ether_addr(ours) && !device->mac_is_administrators)
		rte_ether_addr_copy(ours, &wish);
	else if (rte_is_valid_assigned_ether_addr(&device->assigned_mac))
		rte_ether_addr_copy(&device->assigned_mac, &wish);
	else
		rte_eth_random_addr(wish.addr_bytes);
	error = mac_assign(device, &wish);
	if (error)
		return error;
	if (!rte_is_zero_ether_addr(ours) && !rte_is_same_ether_addr(ours, &wish))
		WEIR_PORT_LOG(
			device, NOTICE,
			"the administrator has given this port the address " RTE_ETHER_ADDR_PRT_FMT,
			RTE_ETHER_ADDR_BYTES(&wish));
	rte_ether_addr_copy(&wish, ours);
	return 0;
}

int weir_mac_addr_set(struct rte_eth_dev *ethdev, struct rte_ether_addr *mac)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error = weir_device_lock_attached(device);

	if (error)
		return error;
	error = mac_assign(device, mac);
	pthread_mutex_unlock(&device->lock);
	return error;
}

int weir_mac_addr_add(struct rte_eth_dev *ethdev, struct rte_ether_addr *mac, uint32_t index,
		      uint32_t pool)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error;

	RTE_SET_USED(index);
	if (pool != 0)
		return -EINVAL;
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	error = filter_command(device, mac, true);
	pthread_mutex_unlock(&device->lock);
	return error;
}

void weir_mac_addr_remove(struct rte_eth_dev *ethdev, uint32_t index)
{
	struct weir_device *device = weir_device_of(ethdev);

	/* A lost function has forgotten it anyway. */
	if (weir_device_lock_attached(device))
		return;
	filter_command(device, &ethdev->data->mac_addrs[index], false);
	pthread_mutex_unlock(&device->lock);
}

static bool list_holds(const struct rte_ether_addr *list, uint32_t count,
		       const struct rte_ether_addr *mac)
{
	for (uint32_t i = 0; i < count; i++)
		if (rte_is_same_ether_addr(&list[i], mac))
			return true;
	return false;
}

/* Adds to, or deletes from, the function what is in one list and not in the other. */
static int list_difference(struct weir_device *device, const struct rte_ether_addr *in,
			   uint32_t in_count, const struct rte_ether_addr *not_in,
			   uint32_t not_in_count, bool add)
{
	for (uint32_t i = 0; i < in_count; i++) {
		int error;

		if (list_holds(not_in, not_in_count, &in[i]))
			continue;
		error = filter_command(device, &in[i], add);
		if (error)
			return error;
	}
	return 0;
}

int weir_set_mc_addr_list(struct rte_eth_dev *ethdev, struct rte_ether_addr *list, uint32_t count)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error;

	if (count > WEIR_MULTICAST_MAX) {
		WEIR_PORT_LOG(device, ERR, "%u multicast addresses; at most %u", count,
			      WEIR_MULTICAST_MAX);
		return -ENOSPC;
	}
	for (uint32_t i = 0; i < count; i++)
		if (!rte_is_multicast_ether_addr(&list[i]))
			return -EINVAL;
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	/* New ones first: if there is no room for all, the old list goes on unharmed. */
	error = list_difference(device, list, count, device->multicast, device->multicast_count,
				true);
	if (error) {
		list_difference(device, list, count, device->multicast, device->multicast_count,
				false);
	} else {
		error = list_difference(device, device->multicast, device->multicast_count, list,
					count, false);
		if (count)
			memcpy(device->multicast, list, count * sizeof(list[0]));
		device->multicast_count = count;
	}
	pthread_mutex_unlock(&device->lock);
	return error;
}

/* --- modes ---------------------------------------------------------------------------------------- */

static int mode_set(struct rte_eth_dev *ethdev, uint32_t flag, bool *wanted, bool on)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error = weir_device_lock_attached(device);

	if (error)
		return error;
	error = weir_vport_flags_set(device, flag, on ? flag : 0);
	if (!error)
		*wanted = on;
	pthread_mutex_unlock(&device->lock);
	return error;
}

int weir_promiscuous_enable(struct rte_eth_dev *ethdev)
{
	return mode_set(ethdev, WEIR_VPORT_PROMISCUOUS, &weir_device_of(ethdev)->promiscuous, true);
}

int weir_promiscuous_disable(struct rte_eth_dev *ethdev)
{
	return mode_set(ethdev, WEIR_VPORT_PROMISCUOUS, &weir_device_of(ethdev)->promiscuous, false);
}

int weir_allmulticast_enable(struct rte_eth_dev *ethdev)
{
	return mode_set(ethdev, WEIR_VPORT_ALL_MULTICAST, &weir_device_of(ethdev)->all_multicast,
			true);
}

int weir_allmulticast_disable(struct rte_eth_dev *ethdev)
{
	return mode_set(ethdev, WEIR_VPORT_ALL_MULTICAST, &weir_device_of(ethdev)->all_multicast,
			false);
}

/* --- VLANs ---------------------------------------------------------------------------------------- */

int weir_vlan_filter_set(struct rte_eth_dev *ethdev, uint16_t vlan, int on)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error;

	if (vlan > 4094)
		return -EINVAL;
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	error = vlan_command(device, vlan, on != 0);
	pthread_mutex_unlock(&device->lock);
	return error;
}

/* What VLAN_FILTER filters: outermost tags of either kind. */
#define FILTER_FLAGS (WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_FILTER_8021AD)

/* Flags that the function knows. */
static uint32_t offload_flags_known(const struct weir_device *device)
{
	uint32_t features = device->limits.features;

	return WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_STRIP |
	       (features & WEIR_REG_FEATURES_CHECKSUM_MASK ? WEIR_VPORT_RX_CHECKSUM : 0) |
	       (features & WEIR_REG_FEATURES_VLAN_8021AD_MASK
			? WEIR_VPORT_VLAN_FILTER_8021AD | WEIR_VPORT_VLAN_STRIP_8021AD
			: 0);
}

/* The vport's flags for the receive offloads that are configured. */
static uint32_t offload_flags(const struct weir_device *device)
{
	uint64_t offloads = device->data->dev_conf.rxmode.offloads;
	uint32_t flags =
		(offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER ? FILTER_FLAGS : 0) |
		(offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP ? WEIR_VPORT_VLAN_STRIP : 0) |
		(offloads & RTE_ETH_RX_OFFLOAD_QINQ_STRIP ? WEIR_VPORT_VLAN_STRIP_8021AD : 0) |
		(offloads & WEIR_RX_CHECKSUM_OFFLOADS ? WEIR_VPORT_RX_CHECKSUM : 0);

	return flags & offload_flags_known(device);
}

/* --- large receive -------------------------------------------------------------------------------- */

bool weir_lro_wanted(const struct weir_device *device)
{
	return device->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO;
}

/* Tells the function of RTE_ETH_RX_OFFLOAD_TCP_LRO; under the device's lock. */
static int lro_set(struct weir_device *device)
{
	uint32_t longest = device->data->dev_conf.rxmode.max_lro_pkt_size;
	struct weir_tlv request;

	if (!(device->limits.features & WEIR_REG_FEATURES_RECEIVE_COALESCING_MASK))
		return 0;
	longest = longest ? RTE_MIN(longest, (uint32_t)WEIR_COALESCE_BYTES_MAX)
			  : (uint32_t)WEIR_COALESCE_BYTES_MAX;
	weir_tlv_begin(&request);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_COALESCE_SEGMENTS,
			weir_lro_wanted(device) ? WEIR_COALESCE_SEGMENTS_MAX : 0);
	weir_tlv_put_u32(&request, WEIR_ATTRIBUTE_COALESCE_BYTES, longest);
	if (device->lro_timeout_us)
		weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_COALESCE_US, device->lro_timeout_us);
	return weir_admin_command(device, WEIR_COMMAND_VPORT_SET, &request, NULL, 0);
}

int weir_rx_offloads_set(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error = weir_device_lock_attached(device);

	if (error)
		return error;
	error = weir_vport_flags_set(device, offload_flags_known(device), offload_flags(device));
	if (!error)
		error = lro_set(device);
	pthread_mutex_unlock(&device->lock);
	return error;
}

int weir_vlan_offload_set(struct rte_eth_dev *ethdev, int mask)
{
	struct weir_device *device = weir_device_of(ethdev);
	uint32_t flags = 0;
	int error;

	if (mask & RTE_ETH_VLAN_FILTER_MASK)
		flags |= FILTER_FLAGS;
	if (mask & RTE_ETH_VLAN_STRIP_MASK)
		flags |= WEIR_VPORT_VLAN_STRIP;
	if (mask & RTE_ETH_QINQ_STRIP_MASK)
		flags |= WEIR_VPORT_VLAN_STRIP_8021AD;
	flags &= offload_flags_known(device);
	if (!flags)
		return 0;
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	error = weir_vport_flags_set(device, flags, offload_flags(device));
	pthread_mutex_unlock(&device->lock);
	return error;
}

/* --- MTU ------------------------------------------------------------------------------------------ */

int weir_mtu_set(struct rte_eth_dev *ethdev, uint16_t mtu)
{
	struct weir_device *device = weir_device_of(ethdev);
	uint32_t frame_bytes = (uint32_t)mtu + WEIR_FRAME_OVERHEAD_BYTES;
	int error;

	/* A stopped port looks at it when it starts. */
	if (ethdev->data->dev_started &&
	    !(ethdev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER)) {
		for (uint16_t i = 0; i < ethdev->data->nb_rx_queues; i++) {
			const struct weir_rx_queue *queue = ethdev->data->rx_queues[i];

			if (frame_bytes <= queue->buffer_bytes)
				continue;
			WEIR_PORT_LOG(
				device, ERR,
				"MTU %u needs frames of several buffers (each %u bytes): stop the "
				"port and configure it with RX_OFFLOAD_SCATTER",
				mtu, queue->buffer_bytes);
			return -EBUSY;
		}
	}
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	error = weir_vport_mtu_set(device, mtu);
	pthread_mutex_unlock(&device->lock);
	return error;
}

/* --- after a reset -------------------------------------------------------------------------------- */

static int vlans_restore(struct weir_device *device)
{
	const struct rte_vlan_filter_conf *conf = &device->data->vlan_filter_conf;

	for (unsigned int word = 0; word < RTE_DIM(conf->ids); word++) {
		uint64_t bits = conf->ids[word];

		while (bits) {
			unsigned int bit = (unsigned int)__builtin_ctzll(bits);
			int error = vlan_command(device, (uint16_t)(word * 64 + bit), true);

			if (error)
				return error;
			bits &= bits - 1;
		}
	}
	return 0;
}

int weir_modes_apply(struct weir_device *device)
{
	uint32_t modes = (device->promiscuous ? WEIR_VPORT_PROMISCUOUS : 0) |
			 (device->all_multicast ? WEIR_VPORT_ALL_MULTICAST : 0);
	int error = flags_command(device, modes, modes, -EPERM);

	if (error != -EPERM)
		return error;
	WEIR_PORT_LOG(
		device, NOTICE,
		"the administrator does not permit promiscuous or all-multicast mode any more");
	return 0;
}

int weir_filters_restore(struct weir_device *device)
{
	int error = weir_vport_mac_sync(device);

	if (error)
		return error;
	/*
	 * What the administrator has forbidden meanwhile is not worth staying down for: it is logged, and
	 * the port lives without it.
	 */
	for (unsigned int i = 1; i < WEIR_MAC_MAX; i++) {
		const struct rte_ether_addr *mac = &device->data->mac_addrs[i];

		if (rte_is_zero_ether_addr(mac))
			continue;
		error = filter_command(device, mac, true);
		if (error && error != -EPERM && error != -ENOSPC)
			return error;
	}
	for (uint32_t i = 0; i < device->multicast_count; i++) {
		error = filter_command(device, &device->multicast[i], true);
		if (error && error != -EPERM && error != -ENOSPC)
			return error;
	}
	error = vlans_restore(device);
	if (error)
		return error;
	error = weir_vport_flags_set(device, offload_flags_known(device), offload_flags(device));
	if (!error)
		error = lro_set(device);
	if (error)
		return error;
	return weir_modes_apply(device);
}
