/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that make, moderate and destroy queues; the queues themselves are the datapath's (specs/data-queues.md). */
#include "core.h"

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
		.split_mode = (uint8_t)weir_number(arguments, WEIR_ATTRIBUTE_SPLIT_MODE,
						   WEIR_SPLIT_MODE_NONE),
		.split = {
			.header_bytes =
				(uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_HEADER_BYTES, 0),
			.threshold =
				(uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_SPLIT_THRESHOLD, 0),
			.ahead = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_HEADER_AHEAD, 0),
			.kinds = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_SPLIT_KINDS, 0),
		},
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
