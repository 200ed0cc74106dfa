/* SPDX-License-Identifier: BSD-3-Clause */
/* What the administrator decides for a VF (specs/admin-queue.md); it takes effect at once, without a reset. */
#include "core.h"

/* The VF that FUNCTION names, enabled or not; asked after the values were checked. */
static enum weir_status find_vf(struct weir_request *request, struct weir_function **vf)
{
	uint64_t index = request->arguments.number[WEIR_ATTRIBUTE_FUNCTION];

	if (index == 0)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_FUNCTION);
	if (index >= request->firmware->function_count)
		return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_FUNCTION);
	*vf = &request->firmware->functions[index];
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_vf_get(struct weir_request *request)
{
	struct weir_writer *response = &request->response;
	struct weir_function *vf = NULL;
	enum weir_status status = find_vf(request, &vf);

	if (status)
		return status;
	const struct weir_vport *vport = weir_function_vport(request->firmware, vf);
	const struct weir_vf_policy *policy = &vf->policy;

	weir_put_bytes(response, WEIR_ATTRIBUTE_MAC, vport->exists ? vport->mac : policy->mac, 6);
	weir_put_u8(response, WEIR_ATTRIBUTE_ADMIN_MAC, policy->mac_set);
	weir_put_u16(response, WEIR_ATTRIBUTE_VLAN, policy->vlan_tci & 0xfff);
	weir_put_u8(response, WEIR_ATTRIBUTE_VLAN_PRIORITY, (uint8_t)(policy->vlan_tci >> 13));
	weir_put_u16(response, WEIR_ATTRIBUTE_VLAN_PROTOCOL, policy->vlan_protocol);
	weir_put_u8(response, WEIR_ATTRIBUTE_SPOOF_CHECK, policy->spoof_check);
	weir_put_u8(response, WEIR_ATTRIBUTE_TRUST, policy->trusted);
	weir_put_u8(response, WEIR_ATTRIBUTE_LINK_POLICY, policy->link_policy);
	weir_put_u8(response, WEIR_ATTRIBUTE_STATE, vf->state);
	weir_put_u32(response, WEIR_ATTRIBUTE_GENERATION, vf->generation);
	weir_put_u8(response, WEIR_ATTRIBUTE_LINK_UP, vport->exists && vport->linked_up);
	return WEIR_STATUS_OK;
}

/* ---- VF_SET ---- */

static enum weir_status check_vlan(struct weir_request *request, struct weir_vf_policy *policy)
{
	const struct weir_arguments *arguments = &request->arguments;
	uint64_t vlan = weir_number(arguments, WEIR_ATTRIBUTE_VLAN, policy->vlan_tci & 0xfff);
	uint64_t priority = weir_number(arguments, WEIR_ATTRIBUTE_VLAN_PRIORITY,
					vlan ? policy->vlan_tci >> 13 : 0);
	uint64_t protocol = weir_number(arguments, WEIR_ATTRIBUTE_VLAN_PROTOCOL,
					vlan ? policy->vlan_protocol : WEIR_TPID_8021Q);

	if (vlan > WEIR_VLAN_LAST)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VLAN);
	if (priority > 7 || (priority && !vlan))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VLAN_PRIORITY);
	if (protocol != WEIR_TPID_8021Q && protocol != WEIR_TPID_8021AD)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VLAN_PROTOCOL);
	policy->vlan_tci = (uint16_t)(vlan | priority << 13);
	policy->vlan_protocol = (uint16_t)(vlan ? protocol : WEIR_TPID_8021Q);
	return WEIR_STATUS_OK;
}

/* The policy as it shall be. */
static enum weir_status check_policy(struct weir_request *request, struct weir_vf_policy *policy)
{
	const struct weir_arguments *arguments = &request->arguments;
	enum weir_status status = check_vlan(request, policy);

	if (!status)
		status = weir_request_flag(request, WEIR_ATTRIBUTE_SPOOF_CHECK);
	if (!status)
		status = weir_request_flag(request, WEIR_ATTRIBUTE_TRUST);
	if (status)
		return status;
	policy->spoof_check =
		weir_number(arguments, WEIR_ATTRIBUTE_SPOOF_CHECK, policy->spoof_check);
	policy->trusted = weir_number(arguments, WEIR_ATTRIBUTE_TRUST, policy->trusted);
	uint64_t link = weir_number(arguments, WEIR_ATTRIBUTE_LINK_POLICY, policy->link_policy);

	if (link > WEIR_LINK_POLICY_DISABLE)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_LINK_POLICY);
	policy->link_policy = (uint8_t)link;
	if (weir_has(arguments, WEIR_ATTRIBUTE_MAC)) {
		const uint8_t *mac = arguments->data[WEIR_ATTRIBUTE_MAC];

		if (weir_mac_is_multicast(mac))
			return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_MAC);
		weir_copy(policy->mac, mac, 6);
		policy->mac_set = !weir_mac_is_zero(mac);
	}
	return WEIR_STATUS_OK;
}

/* What the VF's driver could show or do is not what it was. (Spoof checking is not among it.) */
static bool is_change(const struct weir_vf_policy *old, const struct weir_vf_policy *policy)
{
	return old->mac_set != policy->mac_set || !weir_mac_equal(old->mac, policy->mac) ||
	       old->trusted != policy->trusted || old->vlan_tci != policy->vlan_tci ||
	       old->vlan_protocol != policy->vlan_protocol ||
	       old->link_policy != policy->link_policy;
}

/* Brings a living vport from the old policy to the new one, its MAC apart: nothing here can fail. */
static void apply_policy(struct weir_firmware *firmware, struct weir_function *vf,
			 const struct weir_vf_policy *old)
{
	const struct weir_vf_policy *policy = &vf->policy;
	struct weir_vport *vport = weir_function_vport(firmware, vf);

	vport->spoof_check = policy->spoof_check;
	vport->port_vlan_tci = policy->vlan_tci;
	vport->port_vlan_protocol = policy->vlan_protocol;
	if (!policy->trusted) {
		/* What rested on the trust goes with it. */
		weir_vport_set_flags(firmware, vport,
				     vport->flags & ~(uint32_t)(WEIR_VPORT_PROMISCUOUS |
								WEIR_VPORT_ALL_MULTICAST));
		if (policy->mac_set)
			weir_vport_drop_unicast(firmware, vport);
	}
	weir_vport_update_link(firmware, vport);
	if (is_change(old, policy))
		weir_event_post(firmware, vf, WEIR_EVENT_VF_CHANGED, 0, 0);
}

enum weir_status weir_command_vf_set(struct weir_request *request)
{
	struct weir_firmware *firmware = request->firmware;
	struct weir_function *vf = NULL;
	enum weir_status found = find_vf(request, &vf), status;
	uint32_t found_detail = request->detail;
	struct weir_vf_policy old = found ? weir_vf_policy_default() : vf->policy, policy = old;

	if (found == WEIR_STATUS_BAD_VALUE)
		return found;
	status = check_policy(request, &policy);
	if (status)
		return status;
	if (found)
		return weir_refuse(request, found, found_detail);
	struct weir_vport *vport = weir_function_vport(firmware, vf);

	/* An untrusted VF that was free to choose its MAC is not any more. */
	if (vport->exists && policy.mac_set &&
	    (weir_has(&request->arguments, WEIR_ATTRIBUTE_MAC) || !policy.trusted)) {
		status = weir_vport_set_mac(firmware, vport, policy.mac, true);
		if (status)
			return weir_refuse(request, status, WEIR_ATTRIBUTE_MAC);
	}
	/* Nothing can fail past this point. */
	vf->policy = policy;
	weir_function_update_role(vf);
	if (vport->exists)
		apply_policy(firmware, vf, &old);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, vf->index,
		 "VF set: mac %m vlan %x trust %u spoof check %u link policy %u", policy.mac,
		 (uint32_t)policy.vlan_tci, (uint32_t)policy.trusted, (uint32_t)policy.spoof_check,
		 (uint32_t)policy.link_policy);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_vf_reset(struct weir_request *request)
{
	struct weir_firmware *firmware = request->firmware;
	struct weir_function *vf = NULL;
	enum weir_status status = find_vf(request, &vf);

	if (status)
		return status;
	if (request->again)
		return weir_function_resetting(vf) ? WEIR_STATUS_BUSY : WEIR_STATUS_OK;
	if (vf->state != WEIR_FUNCTION_STATE_READY && vf->state != WEIR_FUNCTION_STATE_FAILED)
		return weir_refuse(request, WEIR_STATUS_BAD_STATE, WEIR_ATTRIBUTE_FUNCTION);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, vf->index, "reset by the administrator");
	weir_event_news(firmware, vf, WEIR_EVENT_RESET_IMPENDING);
	weir_function_announced_reset(firmware, vf);
	/* The owner's command runs between two polls and does not wait. */
	return request->role == WEIR_ROLE_MANAGER ? WEIR_STATUS_OK : WEIR_STATUS_BUSY;
}
