/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From opcode to handler: the one place where the table of privileges decides, and where a request is checked for form
 * (specs/admin-queue.md). Admin queue, mailbox and the card's owner all come through here.
 */
#include "core.h"

static const struct {
	uint16_t opcode;
	weir_handler *run;
} handlers[] = {
	{ WEIR_COMMAND_GET_INFO, weir_command_get_info },
	{ WEIR_COMMAND_ECHO, weir_command_echo },
	{ WEIR_COMMAND_VPORT_GET, weir_command_vport_get },
	{ WEIR_COMMAND_VPORT_SET, weir_command_vport_set },
	{ WEIR_COMMAND_VPORT_SPREAD, weir_command_vport_spread },
	{ WEIR_COMMAND_VPORT_SPREAD_GET, weir_command_vport_spread_get },
	{ WEIR_COMMAND_RX_QUEUE_CREATE, weir_command_rx_queue_create },
	{ WEIR_COMMAND_TX_QUEUE_CREATE, weir_command_tx_queue_create },
	{ WEIR_COMMAND_RX_QUEUE_DESTROY, weir_command_rx_queue_destroy },
	{ WEIR_COMMAND_TX_QUEUE_DESTROY, weir_command_tx_queue_destroy },
	{ WEIR_COMMAND_RX_QUEUE_MODERATE, weir_command_rx_queue_moderate },
	{ WEIR_COMMAND_TX_QUEUE_MODERATE, weir_command_tx_queue_moderate },
	{ WEIR_COMMAND_STEER_ADD, weir_command_steer_add },
	{ WEIR_COMMAND_STEER_DELETE, weir_command_steer_delete },
	{ WEIR_COMMAND_STEER_GET, weir_command_steer_get },
	{ WEIR_COMMAND_STEER_LIST, weir_command_steer_list },
	{ WEIR_COMMAND_SPREAD_DELETE, weir_command_spread_delete },
	{ WEIR_COMMAND_FILTER_ADD, weir_command_filter_add },
	{ WEIR_COMMAND_FILTER_DELETE, weir_command_filter_delete },
	{ WEIR_COMMAND_VLAN_ADD, weir_command_vlan_add },
	{ WEIR_COMMAND_VLAN_DELETE, weir_command_vlan_delete },
	{ WEIR_COMMAND_STATS_GET, weir_command_stats_get },
	{ WEIR_COMMAND_LINK_GET, weir_command_link_get },
	{ WEIR_COMMAND_LINK_SET, weir_command_link_set },
	{ WEIR_COMMAND_VF_GET, weir_command_vf_get },
	{ WEIR_COMMAND_VF_SET, weir_command_vf_set },
	{ WEIR_COMMAND_VF_RESET, weir_command_vf_reset },
	{ WEIR_COMMAND_LOG_READ, weir_command_log_read },
	{ WEIR_COMMAND_LOG_LEVEL, weir_command_log_level },
	{ WEIR_COMMAND_TRACE_SET, weir_command_trace_set },
	{ WEIR_COMMAND_TRACE_READ, weir_command_trace_read },
	{ WEIR_COMMAND_TIME_GET, weir_command_time_get },
	{ WEIR_COMMAND_TIME_SET, weir_command_time_set },
};

_Static_assert(WEIR_ARRAY_SIZE(handlers) == WEIR_COMMAND_RULES,
	       "every command of the ABI has a handler");

static const struct weir_command_rule *find_rule(uint16_t opcode)
{
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		if (weir_command_rules[i].opcode == opcode)
			return &weir_command_rules[i];
	}
	return NULL;
}

static weir_handler *find_handler(uint16_t opcode)
{
	for (uint32_t i = 0; i < WEIR_ARRAY_SIZE(handlers); i++) {
		if (handlers[i].opcode == opcode)
			return handlers[i].run;
	}
	return NULL;
}

enum weir_status weir_command_check(enum weir_role role, uint16_t opcode)
{
	const struct weir_command_rule *rule = find_rule(opcode);

	if (!rule || !find_handler(opcode))
		return WEIR_STATUS_UNKNOWN_COMMAND;
	if (!(weir_role_privileges[role] & rule->privilege))
		return WEIR_STATUS_NOT_PERMITTED;
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_run(struct weir_firmware *firmware, struct weir_function *function,
				  enum weir_role role, uint16_t opcode, const uint8_t *request,
				  uint32_t bytes, uint8_t *response, uint32_t capacity, bool again,
				  struct weir_answer *answer)
{
	struct weir_request command = {
		.firmware = firmware,
		.function = function,
		.role = role,
		.again = again,
		.response = { .to = response, .capacity = capacity },
	};
	enum weir_status status = weir_command_check(role, opcode);

	*answer = (struct weir_answer){ 0 };
	if (status)
		return status;
	status = weir_tlv_parse(find_rule(opcode), request, bytes, &command.arguments,
				&answer->detail);
	if (status)
		return status;
	status = find_handler(opcode)(&command);
	answer->detail = command.detail;
	if (status)
		return status;
	answer->response_bytes = command.response.bytes;
	if (command.response.bytes > capacity) {
		answer->detail = WEIR_DETAIL_COMMAND;
		return WEIR_STATUS_BAD_LENGTH;
	}
	return WEIR_STATUS_OK;
}

void weir_command_count(struct weir_firmware *firmware, struct weir_function *function,
			uint16_t opcode, enum weir_status status, uint32_t response_bytes)
{
	function->stats[WEIR_STAT_FUNCTION_ADMIN_COMMANDS]++;
	weir_log(firmware, WEIR_LOG_LEVEL_DEBUG, function->index,
		 "command %x answered with status %u", (uint32_t)opcode, (uint32_t)status);
	if (status == WEIR_STATUS_OK)
		return;
	function->stats[WEIR_STAT_FUNCTION_ADMIN_ERRORS]++;
	/* What a wrong or hostile driver sends, not what an ordinary one can run into: a response larger than it thought. */
	if (status == WEIR_STATUS_NOT_PERMITTED ||
	    (status == WEIR_STATUS_BAD_LENGTH && !response_bytes) ||
	    status == WEIR_STATUS_BAD_ATTRIBUTE || status == WEIR_STATUS_MISSING_ATTRIBUTE)
		weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_BAD_COMMAND,
				  "command refused, opcode", opcode);
}

enum weir_status weir_request_vport(struct weir_request *request)
{
	if (weir_number(&request->arguments, WEIR_ATTRIBUTE_VPORT, 0) != 0)
		return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_VPORT);
	/* Only the owner can ask while the function is in reset. */
	if (!weir_function_vport(request->firmware, request->function)->exists)
		return weir_refuse(request, WEIR_STATUS_BAD_STATE, WEIR_ATTRIBUTE_VPORT);
	return WEIR_STATUS_OK;
}

enum weir_status weir_request_flag(struct weir_request *request, enum weir_attribute_id attribute)
{
	if (weir_number(&request->arguments, attribute, 0) > 1)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, attribute);
	return WEIR_STATUS_OK;
}

enum weir_status weir_firmware_manage(struct weir_firmware *firmware, uint16_t opcode,
				      const void *request, uint32_t request_bytes, void *response,
				      uint32_t capacity, uint32_t *response_bytes, uint32_t *detail)
{
	struct weir_answer answer = { 0 };
	enum weir_status status = WEIR_STATUS_BAD_LENGTH;

	firmware->now_ns = hal_now_ns(firmware->hal);
	if (request_bytes > WEIR_ADMIN_DATA_MAX_BYTES || request_bytes % 4)
		answer.detail = WEIR_DETAIL_COMMAND;
	else
		status = weir_command_run(firmware, &firmware->functions[0], WEIR_ROLE_MANAGER,
					  opcode, request, request_bytes, response, capacity, false,
					  &answer);
	*response_bytes = answer.response_bytes;
	*detail = answer.detail;
	weir_log(firmware, WEIR_LOG_LEVEL_DEBUG, WEIR_FUNCTION_SELF,
		 "owner's command %x answered with status %u", (uint32_t)opcode, (uint32_t)status);
	return status;
}
