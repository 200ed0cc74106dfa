/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that read the log and the trace, and set what goes into them (specs/admin-queue.md, specs/trace.md). */
#include "core.h"

_Static_assert(sizeof(struct weir_log_record) % 4 == 0 && sizeof(struct weir_trace_record) % 4 == 0,
	       "records need no padding");

/*
 * Answers with the records from SEQUENCE on, as many as fit. The ring holds `capacity` records of record_bytes each; the one
 * with sequence s lies at s % capacity; `next` is the sequence that comes next.
 */
static enum weir_status read_records(struct weir_request *request, const void *ring,
				     uint32_t record_bytes, uint32_t capacity, uint32_t next)
{
	struct weir_writer *response = &request->response;
	const uint32_t tail_bytes = 2 * (sizeof(struct weir_attribute) + 4),
		       header_bytes = sizeof(struct weir_attribute);
	uint32_t held = next < capacity ? next : capacity;
	uint32_t oldest = next - held;
	uint32_t first =
		(uint32_t)weir_number(&request->arguments, WEIR_ATTRIBUTE_SEQUENCE, oldest);
	uint32_t lost = 0;

	/* Sequences wrap: what lies ahead of the ring is a reader of an earlier life, who gets nothing but its end. */
	if ((int32_t)(next - first) < 0)
		first = next;
	if (next - first > held) {
		lost = oldest - first;
		first = oldest;
	}
	uint32_t count = next - first, room = 0;

	if (response->capacity > tail_bytes + header_bytes)
		room = response->capacity - tail_bytes - header_bytes;
	if (room > weir_attribute_rules[WEIR_ATTRIBUTE_RECORDS].max_bytes)
		room = weir_attribute_rules[WEIR_ATTRIBUTE_RECORDS].max_bytes;
	if (count > room / record_bytes)
		count = room / record_bytes;
	if (count) {
		uint8_t *to = weir_put_room(response, WEIR_ATTRIBUTE_RECORDS, count * record_bytes);

		for (uint32_t i = 0; to && i < count; i++)
			weir_copy(to + i * record_bytes,
				  (const uint8_t *)ring +
					  (size_t)((first + i) % capacity) * record_bytes,
				  record_bytes);
	}
	weir_put_u32(response, WEIR_ATTRIBUTE_SEQUENCE, first + count);
	weir_put_u32(response, WEIR_ATTRIBUTE_LOST, lost);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_log_read(struct weir_request *request)
{
	const struct weir_log_state *log = &request->firmware->log;

	return read_records(request, log->records, sizeof(*log->records), log->capacity, log->next);
}

enum weir_status weir_command_log_level(struct weir_request *request)
{
	uint64_t level = request->arguments.number[WEIR_ATTRIBUTE_LEVEL];

	if (level > WEIR_LOG_LEVEL_DEBUG)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_LEVEL);
	request->firmware->log.level = (uint8_t)level;
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_trace_read(struct weir_request *request)
{
	const struct weir_trace_state *trace = &request->firmware->trace;

	return read_records(request, trace->records, sizeof(*trace->records), trace->capacity,
			    trace->next);
}

enum weir_status weir_command_trace_set(struct weir_request *request)
{
	struct weir_firmware *firmware = request->firmware;
	const struct weir_arguments *arguments = &request->arguments;
	struct weir_trace_state *trace = &firmware->trace;
	uint64_t function = weir_number(arguments, WEIR_ATTRIBUTE_FUNCTION, WEIR_FUNCTION_SELF);
	uint64_t vlan = weir_number(arguments, WEIR_ATTRIBUTE_VLAN, WEIR_VLAN_NONE);
	enum weir_status status = weir_request_flag(request, WEIR_ATTRIBUTE_ENABLE);

	if (status)
		return status;
	/* FUNCTION_SELF, said in the request, is the sender; the trace's own word for "any" is the same number. */
	if (weir_has(arguments, WEIR_ATTRIBUTE_FUNCTION) && function == WEIR_FUNCTION_SELF)
		function = request->function->index;
	if (vlan > WEIR_VLAN_LAST && vlan != WEIR_VLAN_NONE)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_VLAN);
	if (weir_has(arguments, WEIR_ATTRIBUTE_MASK_MAC) && !weir_has(arguments, WEIR_ATTRIBUTE_MAC))
		return weir_refuse(request, WEIR_STATUS_MISSING_ATTRIBUTE, WEIR_ATTRIBUTE_MAC);
	if (function != WEIR_FUNCTION_SELF && function >= firmware->function_count)
		return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_FUNCTION);
	trace->mac_value = trace->mac_mask = 0;
	if (weir_has(arguments, WEIR_ATTRIBUTE_MAC)) {
		trace->mac_mask = 0xffffffffffffull;
		if (weir_has(arguments, WEIR_ATTRIBUTE_MASK_MAC))
			trace->mac_mask = weir_mac_value(arguments->data[WEIR_ATTRIBUTE_MASK_MAC]);
		trace->mac_value = weir_mac_value(arguments->data[WEIR_ATTRIBUTE_MAC]) &
				   trace->mac_mask;
	}
	trace->function = (uint16_t)function;
	trace->vlan = (uint16_t)vlan;
	trace->untagged = weir_has(arguments, WEIR_ATTRIBUTE_VLAN) && vlan == WEIR_VLAN_NONE;
	trace->ethertype = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_ETHERTYPE, 0);
	weir_trace_start(firmware, arguments->number[WEIR_ATTRIBUTE_ENABLE]);
	return WEIR_STATUS_OK;
}
