/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that tell about card, function and link, and the counters (specs/admin-queue.md). */
#include "core.h"

enum weir_status weir_command_get_info(struct weir_request *request)
{
	const struct weir_firmware *firmware = request->firmware;
	const struct hal_card *card = hal_card(firmware->hal);
	struct weir_writer *response = &request->response;

	weir_put_string(response, WEIR_ATTRIBUTE_FIRMWARE_VERSION, WEIR_FIRMWARE_VERSION);
	weir_put_string(response, WEIR_ATTRIBUTE_BOARD, card->board);
	weir_put_u64(response, WEIR_ATTRIBUTE_SERIAL, card->serial);
	weir_put_u32(response, WEIR_ATTRIBUTE_ABI_VERSION,
		     WEIR_PREP(WEIR_REG_ABI_VERSION_MAJOR, WEIR_ABI_MAJOR) |
			     WEIR_PREP(WEIR_REG_ABI_VERSION_MINOR, WEIR_ABI_MINOR));
	weir_put_u8(response, WEIR_ATTRIBUTE_ROLE, (uint8_t)request->role);
	weir_put_u16(response, WEIR_ATTRIBUTE_FUNCTION, request->function->index);
	weir_put_u32(response, WEIR_ATTRIBUTE_GENERATION, request->function->generation);
	weir_put_u16(response, WEIR_ATTRIBUTE_VFS_ENABLED, firmware->vfs_enabled);
	weir_put_u16(response, WEIR_ATTRIBUTE_VFS_TOTAL, firmware->config.total_vfs);
	weir_put_u16(response, WEIR_ATTRIBUTE_FILTERS_MAX, WEIR_VPORT_FILTERS_MAX);
	weir_put_u8(response, WEIR_ATTRIBUTE_PORTS, firmware->config.ports);
	weir_put_u32(response, WEIR_ATTRIBUTE_MODERATION_US_MAX, WEIR_MODERATION_MAX_US);
	weir_put_u16(response, WEIR_ATTRIBUTE_MODERATION_COUNT_MAX, WEIR_MODERATION_MAX_COUNT);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_echo(struct weir_request *request)
{
	const struct weir_arguments *arguments = &request->arguments;

	if (weir_has(arguments, WEIR_ATTRIBUTE_DATA))
		weir_put_bytes(&request->response, WEIR_ATTRIBUTE_DATA,
			       arguments->data[WEIR_ATTRIBUTE_DATA],
			       arguments->bytes[WEIR_ATTRIBUTE_DATA]);
	return WEIR_STATUS_OK;
}

/* ---- counters ---- */

static enum weir_status put_statistics(struct weir_request *request, const uint64_t *counters,
				       uint32_t count)
{
	uint8_t *to = weir_put_room(&request->response, WEIR_ATTRIBUTE_STATISTICS, count * 8);

	for (uint32_t i = 0; to && i < count; i++)
		weir_put_le(to + 8 * i, counters[i], 8);
	return WEIR_STATUS_OK;
}

/* Whose counters: FUNCTION, or the sender. */
static enum weir_status stats_function(struct weir_request *request, struct weir_function **function)
{
	uint64_t index =
		weir_number(&request->arguments, WEIR_ATTRIBUTE_FUNCTION, WEIR_FUNCTION_SELF);

	*function = request->function;
	if (index == WEIR_FUNCTION_SELF || index == request->function->index)
		return WEIR_STATUS_OK;
	if (!weir_may(request, WEIR_PRIVILEGE_VF_ADMIN))
		return weir_refuse(request, WEIR_STATUS_NOT_PERMITTED, WEIR_ATTRIBUTE_FUNCTION);
	if (request->arguments.number[WEIR_ATTRIBUTE_SCOPE] > WEIR_STATS_SCOPE_TX_QUEUE)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SCOPE);
	if (index >= request->firmware->function_count)
		return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_FUNCTION);
	*function = &request->firmware->functions[index];
	return WEIR_STATUS_OK;
}

static enum weir_status queue_statistics(struct weir_request *request,
					 const struct weir_function *function, uint64_t index,
					 bool receive)
{
	const struct weir_firmware *firmware = request->firmware;

	if (index < function->queue_pairs) {
		const struct weir_rx_queue *rx =
			&firmware->rx_queues[function->first_queue + index];
		const struct weir_tx_queue *tx =
			&firmware->tx_queues[function->first_queue + index];

		if (receive && rx->state != WEIR_QUEUE_NONE)
			return put_statistics(request, rx->stats, WEIR_STAT_RX_QUEUE_COUNT);
		if (!receive && tx->state != WEIR_QUEUE_NONE)
			return put_statistics(request, tx->stats, WEIR_STAT_TX_QUEUE_COUNT);
	}
	return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_INDEX);
}

enum weir_status weir_command_stats_get(struct weir_request *request)
{
	struct weir_firmware *firmware = request->firmware;
	uint64_t scope = request->arguments.number[WEIR_ATTRIBUTE_SCOPE];
	uint64_t index = weir_number(&request->arguments, WEIR_ATTRIBUTE_INDEX, 0);
	struct weir_function *function;
	enum weir_status status = stats_function(request, &function);

	if (status)
		return status;
	switch (scope) {
	case WEIR_STATS_SCOPE_PORT:
		if (index >= firmware->config.ports)
			return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_INDEX);
		return put_statistics(request, firmware->port_stats[index], WEIR_STAT_PORT_COUNT);
	case WEIR_STATS_SCOPE_FUNCTION:
		return put_statistics(request, function->stats, WEIR_STAT_FUNCTION_COUNT);
	case WEIR_STATS_SCOPE_VPORT:
		if (index != 0)
			return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_INDEX);
		return put_statistics(request, weir_function_vport(firmware, function)->stats,
				      WEIR_STAT_VPORT_COUNT);
	case WEIR_STATS_SCOPE_RX_QUEUE:
		return queue_statistics(request, function, index, true);
	case WEIR_STATS_SCOPE_TX_QUEUE:
		return queue_statistics(request, function, index, false);
	default:
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SCOPE);
	}
}

/* ---- link ---- */

enum weir_status weir_command_link_get(struct weir_request *request)
{
	const struct weir_vport *vport = weir_function_vport(request->firmware, request->function);

	weir_put_u8(&request->response, WEIR_ATTRIBUTE_LINK_UP, vport->linked_up);
	weir_put_u32(&request->response, WEIR_ATTRIBUTE_LINK_SPEED_MBPS,
		     weir_vport_speed_mbps(request->firmware, vport));
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_link_set(struct weir_request *request)
{
	uint64_t port = weir_number(&request->arguments, WEIR_ATTRIBUTE_INDEX, 0);
	bool up = request->arguments.number[WEIR_ATTRIBUTE_ENABLE];
	enum weir_status status = weir_request_flag(request, WEIR_ATTRIBUTE_ENABLE);

	if (status)
		return status;
	if (port >= request->firmware->config.ports)
		return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_INDEX);
	hal_link_set(request->firmware->hal, (uint8_t)port, up);
	weir_log(request->firmware, WEIR_LOG_LEVEL_INFO, request->function->index,
		 "port %u set administratively %s", (uint32_t)port, up ? "up" : "down");
	return WEIR_STATUS_OK;
}
