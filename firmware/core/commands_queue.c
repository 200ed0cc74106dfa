/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that make, spread, moderate and destroy queues; the queues themselves are the datapath's (specs/data-queues.md). */
#include "core.h"

/* What the request wants of the hash: *hash changed as it says. */
static enum weir_status wanted_hash(struct weir_request *request, struct weir_hash *hash)
{
	const struct weir_arguments *arguments = &request->arguments;
	uint64_t types = weir_number(arguments, WEIR_ATTRIBUTE_HASH_TYPES, hash->types),
		 function = weir_number(arguments, WEIR_ATTRIBUTE_HASH_FUNCTION, hash->function);

	if (weir_has(arguments, WEIR_ATTRIBUTE_HASH_KEY)) {
		uint16_t bytes = arguments->bytes[WEIR_ATTRIBUTE_HASH_KEY];

		if (bytes != WEIR_HASH_KEY_BYTES && bytes != WEIR_HASH_KEY_MAX_BYTES)
			return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HASH_KEY);
		weir_zero(hash->key, sizeof(hash->key));
		weir_copy(hash->key, arguments->data[WEIR_ATTRIBUTE_HASH_KEY], bytes);
		hash->key_bytes = (uint8_t)bytes;
	}
	if (types & ~(uint64_t)(WEIR_HASH_TYPES_ALL | WEIR_HASH_TYPE_INNER))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HASH_TYPES);
	if (function > WEIR_HASH_FUNCTION_SYMMETRIC_SORT)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HASH_FUNCTION);
	hash->types = (uint16_t)types;
	hash->function = (uint8_t)function;
	return WEIR_STATUS_OK;
}

/* The table of the request, if it has one; whatever is wrong with an entry is a wrong value of the table. */
static enum weir_status set_table(struct weir_request *request, struct weir_vport *vport)
{
	const struct weir_arguments *arguments = &request->arguments;
	uint16_t queues[WEIR_INDIRECTION_ENTRIES];

	if (!weir_has(arguments, WEIR_ATTRIBUTE_INDIRECTION))
		return WEIR_STATUS_OK;
	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		queues[i] = (uint16_t)weir_get_le(
			arguments->data[WEIR_ATTRIBUTE_INDIRECTION] + 2 * i, 2);
	if (weir_vport_spread_set(request->firmware, vport, queues, WEIR_INDIRECTION_ENTRIES))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_INDIRECTION);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_vport_spread(struct weir_request *request)
{
	const struct weir_arguments *arguments = &request->arguments;
	struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	struct weir_hash hash = vport->hash;
	enum weir_status status = weir_request_driver(request);

	if (status)
		return status;
	if (weir_has(arguments, WEIR_ATTRIBUTE_INDIRECTION) &&
	    arguments->bytes[WEIR_ATTRIBUTE_INDIRECTION] != 2 * WEIR_INDIRECTION_ENTRIES)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_INDIRECTION);
	status = wanted_hash(request, &hash);
	if (!status)
		status = weir_request_vport(request);
	if (!status)
		status = set_table(request, vport);
	if (status)
		return status;
	/* Nothing can fail past this point. */
	vport->hash = hash;
	weir_vport_hash_update(request->firmware, vport);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_vport_spread_get(struct weir_request *request)
{
	const struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	struct weir_writer *response = &request->response;
	enum weir_status status = weir_request_driver(request);

	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	weir_put_bytes(response, WEIR_ATTRIBUTE_HASH_KEY, vport->hash.key, vport->hash.key_bytes);
	weir_put_u32(response, WEIR_ATTRIBUTE_HASH_TYPES, vport->hash.types);
	weir_put_u8(response, WEIR_ATTRIBUTE_HASH_FUNCTION, vport->hash.function);
	uint8_t *table =
		weir_put_room(response, WEIR_ATTRIBUTE_INDIRECTION, 2 * WEIR_INDIRECTION_ENTRIES);

	/* Without a table there is one queue, or none. */
	for (uint32_t i = 0; table && i < WEIR_INDIRECTION_ENTRIES; i++)
		weir_put_le(table + 2 * i,
			    vport->spread_entries ? vport->spread[i & (vport->spread_entries - 1u)]
						  : 0,
			    2);
	return WEIR_STATUS_OK;
}

static enum weir_status create(struct weir_request *request, bool receive)
{
	struct weir_firmware *firmware = request->firmware;
	const struct weir_arguments *arguments = &request->arguments;
	enum weir_status status = weir_request_driver(request);

	if (status)
		return status;
	struct weir_queue_request queue = {
		.queue = (uint16_t)arguments->number[WEIR_ATTRIBUTE_QUEUE],
		.vport = request->function->first_vport,
		.vector = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_VECTOR, WEIR_VECTOR_NONE),
		.format = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_FORMAT, 0),
		.ring_log2 = (uint8_t)arguments->number[WEIR_ATTRIBUTE_RING_LOG2],
		.completion_log2 =
			(uint8_t)weir_number(arguments, WEIR_ATTRIBUTE_COMPLETION_LOG2, 0),
		.moderation_us = (uint32_t)weir_number(arguments, WEIR_ATTRIBUTE_MODERATION_US, 0),
		.moderation_count =
			(uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_MODERATION_COUNT, 0),
		.buffer_bytes = (uint32_t)weir_number(arguments, WEIR_ATTRIBUTE_BUFFER_BYTES, 0),
		.ring_address = arguments->number[WEIR_ATTRIBUTE_RING_ADDRESS],
		.completion_address = arguments->number[WEIR_ATTRIBUTE_COMPLETION_ADDRESS],
		.shadow_address = weir_number(arguments, WEIR_ATTRIBUTE_SHADOW_ADDRESS, 0),
		.report_address = weir_number(arguments, WEIR_ATTRIBUTE_REPORT_ADDRESS, 0),
	};

	if (queue.vector != WEIR_VECTOR_NONE && queue.vector >= request->function->vectors)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VECTOR);
	status = weir_request_vport(request);
	if (status)
		return status;
	status = receive ? weir_rx_queue_create(firmware, request->function, &queue,
						&request->detail)
			 : weir_tx_queue_create(firmware, request->function, &queue,
						&request->detail);
	if (status)
		return status;
	weir_trace_queue(firmware, request->function->index, &queue, receive);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, request->function->index,
		 "%s queue %u made, 2^%u entries", receive ? "receive" : "transmit",
		 (uint32_t)queue.queue, (uint32_t)queue.ring_log2);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_rx_queue_create(struct weir_request *request)
{
	return create(request, true);
}

enum weir_status weir_command_tx_queue_create(struct weir_request *request)
{
	return create(request, false);
}

static enum weir_status destroy(struct weir_request *request, bool receive)
{
	struct weir_firmware *firmware = request->firmware;
	uint16_t queue = (uint16_t)request->arguments.number[WEIR_ATTRIBUTE_QUEUE];
	enum weir_status status = weir_request_driver(request);

	if (status)
		return status;
	status = receive ? weir_rx_queue_destroy(firmware, request->function, queue)
			 : weir_tx_queue_destroy(firmware, request->function, queue);
	if (status)
		return weir_refuse(request, status, WEIR_ATTRIBUTE_QUEUE);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, request->function->index, "%s queue %u destroyed",
		 receive ? "receive" : "transmit", (uint32_t)queue);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_rx_queue_destroy(struct weir_request *request)
{
	return destroy(request, true);
}

enum weir_status weir_command_tx_queue_destroy(struct weir_request *request)
{
	return destroy(request, false);
}

static enum weir_status moderate(struct weir_request *request, bool transmit)
{
	const struct weir_arguments *arguments = &request->arguments;
	const uint64_t *number = arguments->number;
	enum weir_status status = weir_request_driver(request);

	if (status)
		return status;
	return weir_queue_moderate(request->firmware, request->function,
				   (uint16_t)number[WEIR_ATTRIBUTE_QUEUE], transmit,
				   weir_has(arguments, WEIR_ATTRIBUTE_MODERATION_US)
					   ? &number[WEIR_ATTRIBUTE_MODERATION_US]
					   : NULL,
				   weir_has(arguments, WEIR_ATTRIBUTE_MODERATION_COUNT)
					   ? &number[WEIR_ATTRIBUTE_MODERATION_COUNT]
					   : NULL,
				   &request->detail);
}

enum weir_status weir_command_rx_queue_moderate(struct weir_request *request)
{
	return moderate(request, false);
}

enum weir_status weir_command_tx_queue_moderate(struct weir_request *request)
{
	return moderate(request, true);
}
