/* SPDX-License-Identifier: BSD-3-Clause */
/* Vports: addresses, filters, flags and link of a function, kept true in the sorter (specs/sorter.md). */
#include "core.h"

struct weir_vf_policy weir_vf_policy_default(void)
{
	return (struct weir_vf_policy){
		.spoof_check = true,
		.link_policy = WEIR_LINK_POLICY_AUTO,
		.vlan_protocol = WEIR_TPID_8021Q,
	};
}

/* The PF's permanent MAC: locally administered, different for cards whose serial numbers differ in their low 40 bits. */
static void pf_mac(struct weir_firmware *firmware, uint8_t mac[6])
{
	uint64_t serial = hal_card(firmware->hal)->serial;

	mac[0] = 0x02;
	for (int i = 5; i > 0; i--, serial >>= 8)
		mac[i] = (uint8_t)serial;
	mac[1] ^= (uint8_t)serial;
	mac[2] ^= (uint8_t)(serial >> 8);
	mac[3] ^= (uint8_t)(serial >> 16);
}

/* After a reset: a key that nobody can guess, everything is hashed, tunnels by their outer headers. */
static struct weir_hash hash_default(struct weir_firmware *firmware)
{
	struct weir_hash hash = { .key_bytes = WEIR_HASH_KEY_BYTES,
				  .function = WEIR_HASH_FUNCTION_TOEPLITZ,
				  .types = WEIR_HASH_TYPES_ALL };

	for (uint32_t i = 0; i < WEIR_HASH_KEY_BYTES; i += 4)
		weir_put_le(hash.key + i, hal_random32(firmware->hal), 4);
	return hash;
}

enum weir_status weir_vport_open(struct weir_firmware *firmware, struct weir_vport *vport)
{
	const struct weir_function *function = &firmware->functions[vport->function];
	bool vf = function->index != 0;

	vport->flags = WEIR_VPORT_BROADCAST;
	vport->mtu = WEIR_MTU_DEFAULT;
	vport->max_frame = WEIR_MTU_DEFAULT + WEIR_FRAME_EXTRA;
	vport->spoof_check = vf && function->policy.spoof_check;
	vport->port_vlan_tci = vf ? function->policy.vlan_tci : 0;
	vport->port_vlan_protocol = vf ? function->policy.vlan_protocol : WEIR_TPID_8021Q;
	vport->filters_used = 0;
	vport->mac_is_filter = false;
	vport->spread_entries = 0;
	weir_vport_coalesce(firmware, vport, 0, WEIR_COALESCE_BYTES_MAX, 0);
	vport->low_latency = (struct weir_low_latency){
		.us = WEIR_LOW_LATENCY_US_DEFAULT,
		.credits = WEIR_LOW_LATENCY_CREDITS_DEFAULT,
	};
	vport->hash = hash_default(firmware);
	weir_vport_hash_update(firmware, vport);
	weir_zero(vport->vlans, sizeof(vport->vlans));
	weir_zero(vport->stats, sizeof(vport->stats));
	if (vf)
		weir_copy(vport->mac, function->policy.mac, 6);
	else
		pf_mac(firmware, vport->mac);
	if (!weir_mac_is_zero(vport->mac)) {
		enum weir_status status =
			weir_sorter_add(firmware, vport, vport->mac, WEIR_VLAN_NONE);

		if (status)
			return status;
		weir_trace_mac(firmware, vport, vf);
	}
	vport->exists = true;
	weir_sorter_flags(firmware, vport);
	weir_vport_update_link(firmware, vport);
	return WEIR_STATUS_OK;
}

void weir_vport_close(struct weir_firmware *firmware, struct weir_vport *vport)
{
	if (!vport->exists)
		return;
	vport->exists = false;
	vport->linked_up = false;
	vport->flags = 0;
	weir_vport_coalesce(firmware, vport, 0, WEIR_COALESCE_BYTES_MAX, 0);
	weir_sorter_flush(firmware, vport);
	weir_steer_flush(firmware, vport);
}

enum weir_status weir_vport_set_mac(struct weir_firmware *firmware, struct weir_vport *vport,
				    const uint8_t mac[6], bool by_administrator)
{
	if (weir_mac_equal(mac, vport->mac))
		return WEIR_STATUS_OK;
	bool was_filter = weir_sorter_has(firmware, vport, mac, WEIR_VLAN_NONE);
	enum weir_status status = weir_sorter_add(firmware, vport, mac, WEIR_VLAN_NONE);

	if (status)
		return status;
	if (!weir_mac_is_zero(vport->mac) &&
	    weir_sorter_delete(firmware, vport, vport->mac, WEIR_VLAN_NONE))
		weir_log(firmware, WEIR_LOG_LEVEL_ERROR, vport->function,
			 "own MAC %m was not in the sorter", vport->mac);
	weir_copy(vport->mac, mac, 6);
	vport->mac_is_filter = was_filter;
	weir_registers_mac(firmware, &firmware->functions[vport->function]);
	weir_trace_mac(firmware, vport, by_administrator);
	return WEIR_STATUS_OK;
}

void weir_vport_set_flags(struct weir_firmware *firmware, struct weir_vport *vport, uint32_t flags)
{
	uint32_t changed = vport->flags ^ flags;

	if (!changed)
		return;
	vport->flags = flags;
	weir_sorter_flags(firmware, vport);
	if (changed & WEIR_VPORT_ENABLE)
		weir_log(firmware, WEIR_LOG_LEVEL_INFO, vport->function, "vport %s",
			 flags & WEIR_VPORT_ENABLE ? "enabled" : "disabled");
}

/* ---- filters ---- */

/* Is this key held by the own MAC, whatever filters there are? */
static bool is_own(const struct weir_vport *vport, const uint8_t mac[6], uint16_t vlan)
{
	return vlan == WEIR_VLAN_NONE && weir_mac_equal(mac, vport->mac);
}

enum weir_status weir_vport_filter_add(struct weir_firmware *firmware, struct weir_vport *vport,
				       const uint8_t mac[6], uint16_t vlan)
{
	if (weir_sorter_has(firmware, vport, mac, vlan))
		return WEIR_STATUS_EXISTS;
	if (vport->filters_used >= WEIR_VPORT_FILTERS_MAX)
		return WEIR_STATUS_NO_SPACE;
	enum weir_status status = weir_sorter_add(firmware, vport, mac, vlan);

	if (!status)
		vport->filters_used++;
	return status;
}

enum weir_status weir_vport_filter_delete(struct weir_firmware *firmware, struct weir_vport *vport,
					  const uint8_t mac[6], uint16_t vlan)
{
	if (is_own(vport, mac, vlan) && !vport->mac_is_filter)
		return WEIR_STATUS_NOT_FOUND;
	enum weir_status status = weir_sorter_delete(firmware, vport, mac, vlan);

	if (status)
		return status;
	vport->filters_used--;
	if (is_own(vport, mac, vlan))
		vport->mac_is_filter = false;
	return WEIR_STATUS_OK;
}

void weir_vport_drop_unicast(struct weir_firmware *firmware, struct weir_vport *vport)
{
	const struct weir_sorter *sorter = &firmware->sorter;

	/* Entries that are free have no references. */
	for (uint32_t i = 0; i < sorter->entry_count; i++) {
		const struct weir_sorter_entry *entry = &sorter->entries[i];
		uint16_t vlan = (uint16_t)(entry->key >> 48);
		uint8_t mac[6];

		if (!entry->references || entry->vport != vport->index)
			continue;
		weir_put_le(mac, entry->key, 6);
		if (!weir_mac_is_multicast(mac) &&
		    !(is_own(vport, mac, vlan) && !vport->mac_is_filter) &&
		    weir_vport_filter_delete(firmware, vport, mac, vlan))
			weir_log(firmware, WEIR_LOG_LEVEL_ERROR, vport->function,
				 "filter %m cannot be dropped", mac);
	}
}

/* ---- link ---- */

uint32_t weir_vport_speed_mbps(const struct weir_firmware *firmware, const struct weir_vport *vport)
{
	/* A vport that is up by policy while its wire is down has the speed the wire last had. */
	return vport->linked_up ? firmware->port_speed_mbps[vport->port] : 0;
}

void weir_vport_update_link(struct weir_firmware *firmware, struct weir_vport *vport)
{
	struct weir_function *function = &firmware->functions[vport->function];
	bool up = firmware->links[vport->port].up;

	if (function->index != 0 && function->policy.link_policy == WEIR_LINK_POLICY_ENABLE)
		up = true;
	if (function->index != 0 && function->policy.link_policy == WEIR_LINK_POLICY_DISABLE)
		up = false;
	if (up == vport->linked_up)
		return;
	vport->linked_up = up;
	if (function->state != WEIR_FUNCTION_STATE_READY)
		return;
	weir_registers_status(firmware, function);
	weir_event_link(firmware, function);
}

void weir_link_changed(struct weir_firmware *firmware, uint8_t port)
{
	struct hal_link *link = &firmware->links[port];
	bool was_up = link->up;
	uint32_t old_speed = firmware->port_speed_mbps[port];

	hal_link_get(firmware->hal, port, link);
	if (link->up)
		firmware->port_speed_mbps[port] = link->speed_mbps;
	if (link->up != was_up)
		weir_log(firmware, WEIR_LOG_LEVEL_INFO, WEIR_FUNCTION_SELF,
			 "port %u is %s, %u Mb/s", (uint32_t)port, link->up ? "up" : "down",
			 link->speed_mbps);
	for (uint32_t i = 0; i < firmware->vport_count; i++) {
		struct weir_vport *vport = &firmware->vports[i];
		struct weir_function *function = &firmware->functions[vport->function];

		if (!vport->exists || vport->port != port)
			continue;
		bool before = vport->linked_up;

		weir_vport_update_link(firmware, vport);
		/* Up as before, but not as fast. */
		if (before && vport->linked_up && firmware->port_speed_mbps[port] != old_speed &&
		    function->state == WEIR_FUNCTION_STATE_READY) {
			weir_registers_status(firmware, function);
			weir_event_link(firmware, function);
		}
	}
}
