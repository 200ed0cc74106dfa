/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trace: a ring of device events with their times (specs/trace.md). Frames are traced by the datapath; here are the ring,
 * the events of functions, and what the hardware saw.
 */
#include "core.h"

/* How far back the record is looked for that a hardware event belongs to. */
#define LOOK_BACK 512
/* queue and vport of a record that has none */
#define NONE 0xffffu

void weir_trace_start(struct weir_firmware *firmware, bool enable)
{
	struct weir_trace_state *trace = &firmware->trace;

	if (enable)
		trace->next = trace->next_frame = 0;
	trace->enabled = enable;
	hal_trace_enable(firmware->hal, enable);
}

void weir_trace_add(struct weir_firmware *firmware, const struct weir_trace_record *record)
{
	struct weir_trace_state *trace = &firmware->trace;
	struct weir_trace_record *place = &trace->records[trace->next & (trace->capacity - 1)];

	*place = *record;
	place->sequence = weir_cpu_to_le32(trace->next++);
	if (!place->time_ns)
		place->time_ns = weir_cpu_to_le64(hal_now_ns(firmware->hal));
}

/* Does the trace run, and is it about this function? */
static bool is_wanted(const struct weir_firmware *firmware, uint16_t function)
{
	const struct weir_trace_state *trace = &firmware->trace;

	return trace->enabled &&
	       (trace->function == WEIR_FUNCTION_SELF || trace->function == function);
}

void weir_trace_function(struct weir_firmware *firmware, enum weir_trace_kind kind,
			 uint16_t function, uint32_t detail)
{
	struct weir_trace_record record = {
		.kind = weir_cpu_to_le16((uint16_t)kind),
		.function = weir_cpu_to_le16(function),
		.detail = weir_cpu_to_le32(detail),
		.queue = weir_cpu_to_le16(NONE),
		.vector = weir_cpu_to_le16(WEIR_VECTOR_NONE),
		.vport = weir_cpu_to_le16(NONE),
		.vlan = weir_cpu_to_le16(WEIR_VLAN_NONE),
	};

	if (is_wanted(firmware, function))
		weir_trace_add(firmware, &record);
}

void weir_trace_queue(struct weir_firmware *firmware, uint16_t function,
		      const struct weir_queue_request *queue, bool receive)
{
	size_t entry_bytes = receive ? sizeof(struct weir_rx_buffer)
				     : sizeof(struct weir_tx_descriptor);
	struct weir_trace_record record = {
		.kind = weir_cpu_to_le16(WEIR_TRACE_KIND_QUEUE_CREATED),
		.function = weir_cpu_to_le16(function),
		.address = weir_cpu_to_le64(queue->ring_address),
		.detail = weir_cpu_to_le32(!receive),
		.length = weir_cpu_to_le32((uint32_t)(entry_bytes << queue->ring_log2)),
		.queue = weir_cpu_to_le16(queue->queue),
		.vector = weir_cpu_to_le16(queue->vector),
		.vport = weir_cpu_to_le16(queue->vport),
		.vlan = weir_cpu_to_le16(WEIR_VLAN_NONE),
	};

	if (is_wanted(firmware, function))
		weir_trace_add(firmware, &record);
}

void weir_trace_mac(struct weir_firmware *firmware, const struct weir_vport *vport,
		    bool by_administrator)
{
	struct weir_trace_record record = {
		.kind = weir_cpu_to_le16(WEIR_TRACE_KIND_MAC_ASSIGNED),
		.function = weir_cpu_to_le16(vport->function),
		.detail = weir_cpu_to_le32(by_administrator),
		.queue = weir_cpu_to_le16(NONE),
		.vector = weir_cpu_to_le16(WEIR_VECTOR_NONE),
		.vport = weir_cpu_to_le16(vport->index),
		.vlan = weir_cpu_to_le16(WEIR_VLAN_NONE),
	};

	weir_copy(record.destination, vport->mac, 6);
	if (is_wanted(firmware, vport->function))
		weir_trace_add(firmware, &record);
}

/* ---- what the hardware saw ---- */

/* Does a hardware event follow from this record of a frame? */
static bool follows_from(const struct weir_trace_record *event,
			 const struct weir_trace_record *record)
{
	if (event->function != record->function || !record->frame)
		return false;
	if (event->kind == weir_cpu_to_le16(WEIR_TRACE_KIND_TRANSLATED))
		return record->kind == weir_cpu_to_le16(WEIR_TRACE_KIND_DMA_STARTED) &&
		       event->address == record->address;
	return record->kind == weir_cpu_to_le16(WEIR_TRACE_KIND_INTERRUPT_RAISED) &&
	       event->vector == record->vector;
}

/* The youngest record that an event of the hardware follows from; NULL: it has nothing to do with a traced frame. */
static const struct weir_trace_record *find_origin(const struct weir_trace_state *trace,
						   const struct weir_trace_record *event)
{
	uint32_t count = trace->next < trace->capacity ? trace->next : trace->capacity;

	for (uint32_t i = 1; i <= count && i <= LOOK_BACK; i++) {
		const struct weir_trace_record *record =
			&trace->records[(trace->next - i) & (trace->capacity - 1)];

		if (follows_from(event, record))
			return record;
	}
	return NULL;
}

void weir_trace_hardware(struct weir_firmware *firmware, struct weir_trace_record *record)
{
	const struct weir_trace_state *trace = &firmware->trace;
	uint16_t kind = weir_le16_to_cpu(record->kind),
		 function = weir_le16_to_cpu(record->function);

	/* Not wanted, or on its way when the trace was stopped. */
	if (function >= firmware->function_count || !is_wanted(firmware, function))
		return;
	record->queue = weir_cpu_to_le16(NONE);
	record->vport = weir_cpu_to_le16(NONE);
	record->vlan = weir_cpu_to_le16(WEIR_VLAN_NONE);
	if (kind != WEIR_TRACE_KIND_VECTOR_SET && kind != WEIR_TRACE_KIND_INTERRUPT_DELIVERED)
		record->vector = weir_cpu_to_le16(WEIR_VECTOR_NONE);
	if (kind == WEIR_TRACE_KIND_TRANSLATED || kind == WEIR_TRACE_KIND_INTERRUPT_DELIVERED) {
		const struct weir_trace_record *origin = find_origin(trace, record);

		/* Rings, doorbells and the admin queue are translated and interrupt, too: not what a trace of frames is about. */
		if (!origin)
			return;
		record->frame = origin->frame;
		record->queue = origin->queue;
		record->vport = origin->vport;
		record->vlan = origin->vlan;
		record->ethertype = origin->ethertype;
		weir_copy(record->destination, origin->destination, 6);
		weir_copy(record->source, origin->source, 6);
	}
	weir_trace_add(firmware, record);
}
