/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the sender's vport: MAC, MTU, flags, filters, VLANs (specs/admin-queue.md, specs/sorter.md). */
#include "core.h"

#define KNOWN_FLAGS                                                              \
	(WEIR_VPORT_ENABLE | WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_ALL_MULTICAST | \
	 WEIR_VPORT_BROADCAST | WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_STRIP | \
	 WEIR_VPORT_RX_CHECKSUM | WEIR_VPORT_VLAN_FILTER_8021AD | WEIR_VPORT_VLAN_STRIP_8021AD)
#define PRIVILEGED_FLAGS (WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_ALL_MULTICAST)

enum weir_status weir_command_vport_get(struct weir_request *request)
{
	const struct weir_function *function = request->function;
	const struct weir_vport *vport = weir_function_vport(request->firmware, function);
	struct weir_writer *response = &request->response;
	enum weir_status status = weir_request_vport(request);

	if (status)
		return status;
	weir_put_bytes(response, WEIR_ATTRIBUTE_MAC, vport->mac, 6);
	weir_put_u8(response, WEIR_ATTRIBUTE_ADMIN_MAC, function->policy.mac_set);
	weir_put_u16(response, WEIR_ATTRIBUTE_MTU, vport->mtu);
	weir_put_u32(response, WEIR_ATTRIBUTE_VPORT_FLAGS, vport->flags);
	weir_put_u8(response, WEIR_ATTRIBUTE_LINK_UP, vport->linked_up);
	weir_put_u32(response, WEIR_ATTRIBUTE_LINK_SPEED_MBPS,
		     weir_vport_speed_mbps(request->firmware, vport));
	weir_put_u8(response, WEIR_ATTRIBUTE_TRUST, function->role != WEIR_ROLE_VF);
	weir_put_u16(response, WEIR_ATTRIBUTE_FILTERS_MAX, WEIR_VPORT_FILTERS_MAX);
	weir_put_u16(response, WEIR_ATTRIBUTE_FILTERS_USED, vport->filters_used);
	weir_put_u16(response, WEIR_ATTRIBUTE_STEER_RULES_MAX, weir_steer_rules_max(vport));
	weir_put_u16(response, WEIR_ATTRIBUTE_STEER_RULES_USED, vport->steer_rules);
	weir_put_u8(response, WEIR_ATTRIBUTE_STEER_MASKS_MAX, WEIR_STEER_MASKS);
	weir_put_u8(response, WEIR_ATTRIBUTE_COALESCE_SEGMENTS, vport->coalesce_segments);
	weir_put_u32(response, WEIR_ATTRIBUTE_COALESCE_BYTES, vport->coalesce_bytes);
	weir_put_u16(response, WEIR_ATTRIBUTE_COALESCE_US, vport->coalesce_us);
	weir_put_u16(response, WEIR_ATTRIBUTE_LOW_LATENCY_BYTES, vport->low_latency.bytes);
	weir_put_u8(response, WEIR_ATTRIBUTE_LOW_LATENCY_PUSH, vport->low_latency.push);
	weir_put_u8(response, WEIR_ATTRIBUTE_LOW_LATENCY_PRIORITIES, vport->low_latency.priorities);
	weir_put_u16(response, WEIR_ATTRIBUTE_LOW_LATENCY_US, vport->low_latency.us);
	weir_put_u8(response, WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS, vport->low_latency.credits);
	return WEIR_STATUS_OK;
}

/* May the sender have unicast MACs that the administrator did not give it? */
static bool may_choose_mac(const struct weir_request *request)
{
	return !request->function->policy.mac_set || weir_may(request, WEIR_PRIVILEGE_OWN_MAC);
}

/* Flags and mask go together. */
static enum weir_status check_flag_attributes(struct weir_request *request)
{
	const struct weir_arguments *arguments = &request->arguments;
	bool has_flags = weir_has(arguments, WEIR_ATTRIBUTE_VPORT_FLAGS);

	if (has_flags == weir_has(arguments, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK))
		return WEIR_STATUS_OK;
	return weir_refuse(request, WEIR_STATUS_MISSING_ATTRIBUTE,
			   has_flags ? WEIR_ATTRIBUTE_VPORT_FLAGS_MASK : WEIR_ATTRIBUTE_VPORT_FLAGS);
}

static enum weir_status check_set_privileges(struct weir_request *request,
					     const struct weir_vport *vport, uint32_t flags)
{
	const struct weir_arguments *arguments = &request->arguments;

	if (weir_has(arguments, WEIR_ATTRIBUTE_MAC) &&
	    !weir_mac_equal(arguments->data[WEIR_ATTRIBUTE_MAC], vport->mac) &&
	    !may_choose_mac(request))
		return weir_refuse(request, WEIR_STATUS_NOT_PERMITTED, WEIR_ATTRIBUTE_MAC);
	if ((flags & PRIVILEGED_FLAGS) && !weir_may(request, WEIR_PRIVILEGE_PROMISCUOUS))
		return weir_refuse(request, WEIR_STATUS_NOT_PERMITTED, WEIR_ATTRIBUTE_VPORT_FLAGS);
	return WEIR_STATUS_OK;
}

static enum weir_status check_coalescing(struct weir_request *request, uint64_t segments,
					 uint64_t bytes, uint64_t us)
{
	if (segments == 1 || segments > WEIR_COALESCE_SEGMENTS_MAX)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_COALESCE_SEGMENTS);
	if (bytes < WEIR_MIN_FRAME_BYTES || bytes > WEIR_COALESCE_BYTES_MAX)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_COALESCE_BYTES);
	if (us > WEIR_COALESCE_US_MAX)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_COALESCE_US);
	return WEIR_STATUS_OK;
}

static enum weir_status check_set_values(struct weir_request *request, uint64_t flags,
					 uint64_t mask, uint64_t mtu)
{
	const struct weir_arguments *arguments = &request->arguments;

	if (weir_has(arguments, WEIR_ATTRIBUTE_MAC)) {
		const uint8_t *mac = arguments->data[WEIR_ATTRIBUTE_MAC];

		if (weir_mac_is_zero(mac) || weir_mac_is_multicast(mac))
			return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_MAC);
	}
	if (mtu < WEIR_MTU_MIN || mtu > WEIR_MTU_MAX)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_MTU);
	if (flags & ~(uint64_t)KNOWN_FLAGS)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VPORT_FLAGS);
	if (mask & ~(uint64_t)KNOWN_FLAGS)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK);
	if (weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY_PUSH, 0) > 1)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_LOW_LATENCY_PUSH);
	if (!weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS, 1))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE,
				   WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS);
	return WEIR_STATUS_OK;
}

/* The values are checked; what is left out stays. */
static void set_low_latency(const struct weir_arguments *arguments, struct weir_vport *vport)
{
	struct weir_low_latency *low = &vport->low_latency;

	low->bytes = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY_BYTES, low->bytes);
	low->push = weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY_PUSH, low->push);
	low->priorities = (uint8_t)weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY_PRIORITIES,
					       low->priorities);
	low->us = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY_US, low->us);
	low->credits =
		(uint8_t)weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS, low->credits);
	weir_vport_low_latency_update(vport);
}

enum weir_status weir_command_vport_set(struct weir_request *request)
{
	struct weir_firmware *firmware = request->firmware;
	const struct weir_arguments *arguments = &request->arguments;
	struct weir_vport *vport = weir_function_vport(firmware, request->function);
	uint32_t flags = (uint32_t)weir_number(arguments, WEIR_ATTRIBUTE_VPORT_FLAGS, 0);
	uint32_t mask = (uint32_t)weir_number(arguments, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, 0);
	uint64_t mtu = weir_number(arguments, WEIR_ATTRIBUTE_MTU,
				   vport->exists ? vport->mtu : WEIR_MTU_DEFAULT);
	uint64_t segments =
		weir_number(arguments, WEIR_ATTRIBUTE_COALESCE_SEGMENTS, vport->coalesce_segments);
	uint64_t bytes =
		weir_number(arguments, WEIR_ATTRIBUTE_COALESCE_BYTES,
			    vport->exists ? vport->coalesce_bytes : WEIR_COALESCE_BYTES_MAX);
	uint64_t us = weir_number(arguments, WEIR_ATTRIBUTE_COALESCE_US, vport->coalesce_us);
	enum weir_status status = check_flag_attributes(request);

	if (!status)
		status = check_coalescing(request, segments, bytes, us);
	if (!status)
		status = check_set_privileges(request, vport, flags & mask);
	if (!status)
		status = check_set_values(request, flags, mask, mtu);
	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	if (weir_has(arguments, WEIR_ATTRIBUTE_MAC)) {
		status = weir_vport_set_mac(firmware, vport, arguments->data[WEIR_ATTRIBUTE_MAC],
					    false);
		if (status)
			return weir_refuse(request, status, WEIR_ATTRIBUTE_MAC);
	}
	/* Nothing can fail past this point. */
	vport->mtu = (uint16_t)mtu;
	vport->max_frame = (uint32_t)mtu + WEIR_FRAME_EXTRA;
	weir_vport_release(firmware, vport);
	weir_vport_coalesce(firmware, vport, (uint8_t)segments, (uint16_t)bytes, (uint16_t)us);
	set_low_latency(arguments, vport);
	weir_vport_set_flags(firmware, vport, (vport->flags & ~mask) | (flags & mask));
	return WEIR_STATUS_OK;
}

/* ---- filters ---- */

/* Checks the values and the vport. */
static enum weir_status filter_key(struct weir_request *request, const uint8_t mac[6],
				   uint16_t *vlan)
{
	*vlan = (uint16_t)weir_number(&request->arguments, WEIR_ATTRIBUTE_VLAN, WEIR_VLAN_NONE);
	if (weir_mac_is_zero(mac) || weir_mac_is_broadcast(mac))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_MAC);
	if (*vlan > WEIR_VLAN_LAST && *vlan != WEIR_VLAN_NONE)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VLAN);
	return weir_request_vport(request);
}

enum weir_status weir_command_filter_add(struct weir_request *request)
{
	struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	const uint8_t *mac = request->arguments.data[WEIR_ATTRIBUTE_MAC];
	uint16_t vlan = 0;

	if (!weir_mac_is_multicast(mac) && !weir_mac_equal(mac, vport->mac) &&
	    !may_choose_mac(request))
		return weir_refuse(request, WEIR_STATUS_NOT_PERMITTED, WEIR_ATTRIBUTE_MAC);
	enum weir_status status = filter_key(request, mac, &vlan);

	if (status)
		return status;
	status = weir_vport_filter_add(request->firmware, vport, mac, vlan);
	return weir_refuse(request, status, status ? WEIR_ATTRIBUTE_MAC : 0);
}

enum weir_status weir_command_filter_delete(struct weir_request *request)
{
	struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	const uint8_t *mac = request->arguments.data[WEIR_ATTRIBUTE_MAC];
	uint16_t vlan = 0;
	enum weir_status status = filter_key(request, mac, &vlan);

	if (status)
		return status;
	status = weir_vport_filter_delete(request->firmware, vport, mac, vlan);
	return weir_refuse(request, status, status ? WEIR_ATTRIBUTE_MAC : 0);
}

/* ---- VLANs ---- */

static enum weir_status vlan_change(struct weir_request *request, bool add)
{
	uint64_t vlan = request->arguments.number[WEIR_ATTRIBUTE_VLAN];
	struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	enum weir_status status;

	if (vlan > WEIR_VLAN_LAST)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VLAN);
	status = weir_request_vport(request);
	if (status)
		return status;
	uint64_t bit = 1ull << (vlan % 64);
	bool member = vport->vlans[vlan / 64] & bit;

	if (member == add)
		return weir_refuse(request, add ? WEIR_STATUS_EXISTS : WEIR_STATUS_NOT_FOUND,
				   WEIR_ATTRIBUTE_VLAN);
	vport->vlans[vlan / 64] ^= bit;
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_vlan_add(struct weir_request *request)
{
	return vlan_change(request, true);
}

enum weir_status weir_command_vlan_delete(struct weir_request *request)
{
	return vlan_change(request, false);
}
