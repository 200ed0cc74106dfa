/* SPDX-License-Identifier: BSD-3-Clause */
/* Which frames are traced, and the records of their steps (specs/trace.md). Nothing here runs while the trace is off. */
#include "burst.h"

static uint64_t mac_of(const uint8_t *at)
{
	uint64_t value = 0;

	for (int i = 5; i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

static void fill(struct weir_trace_record *record, const struct weir_frame *frame)
{
	record->frame = weir_cpu_to_le32(frame->trace);
	record->vlan =
		weir_cpu_to_le16(frame->way.tagged ? frame->way.tci & 0xfff : WEIR_VLAN_NONE);
	record->ethertype = weir_cpu_to_le16(frame->way.ethertype);
	memcpy(record->destination, frame->header, 6);
	memcpy(record->source, frame->header + 6, 6);
}

void weir_trace_frame(struct weir_firmware *firmware, struct weir_burst *burst,
		      struct weir_frame *frame)
{
	struct weir_trace_state *trace = &firmware->trace;

	frame->trace = WEIR_NO_FRAME;
	if (frame->failed || frame->way.route == WEIR_ROUTE_DROP)
		return;
	if (trace->vlan != WEIR_VLAN_NONE &&
	    (!frame->way.tagged || (frame->way.tci & 0xfff) != trace->vlan))
		return;
	if (trace->untagged && frame->way.tagged)
		return;
	if (trace->ethertype && frame->way.ethertype != trace->ethertype)
		return;
	if ((mac_of(frame->header) & trace->mac_mask) != trace->mac_value &&
	    (mac_of(frame->header + 6) & trace->mac_mask) != trace->mac_value)
		return;
	/* Of a frame with several takers it is not known yet who they are. */
	if (trace->function != WEIR_FUNCTION_SELF && frame->way.route != WEIR_ROUTE_MANY &&
	    !(frame->way.route == WEIR_ROUTE_ONE &&
	      firmware->vports[frame->way.vport].function == trace->function))
		return;
	frame->trace = ++trace->next_frame ? trace->next_frame : ++trace->next_frame;

	struct weir_trace_record record = {
		.kind = weir_cpu_to_le16(WEIR_TRACE_KIND_FRAME_ARRIVED),
		.function = weir_cpu_to_le16(burst->source ? burst->source->function
							   : WEIR_FUNCTION_SELF),
		.detail = weir_cpu_to_le32(burst->source ? burst->source->index : UINT32_MAX),
		.length = weir_cpu_to_le32(frame->bytes),
		.vport = weir_cpu_to_le16(burst->source ? burst->source->index : UINT16_MAX),
	};
	fill(&record, frame);
	weir_trace_add(firmware, &record);
}

static struct weir_trace_record record_of_queue(const struct weir_firmware *firmware,
						enum weir_trace_kind kind,
						const struct weir_rx_queue *queue)
{
	const struct weir_function *function = &firmware->functions[queue->function];

	return (struct weir_trace_record){
		.kind = weir_cpu_to_le16((uint16_t)kind),
		.function = weir_cpu_to_le16(queue->function),
		.queue = weir_cpu_to_le16((uint16_t)(queue->index - function->first_queue)),
		.vector = weir_cpu_to_le16(queue->interrupt.vector),
		.vport = weir_cpu_to_le16(queue->vport),
		.vlan = weir_cpu_to_le16(WEIR_VLAN_NONE),
	};
}

void weir_trace_record_of(const struct weir_firmware *firmware, const struct weir_frame *frame,
			  enum weir_trace_kind kind, const struct weir_rx_queue *queue,
			  struct weir_trace_record *record)
{
	*record = record_of_queue(firmware, kind, queue);
	fill(record, frame);
}

void weir_trace_step(struct weir_firmware *firmware, const struct weir_frame *frame,
		     enum weir_trace_kind kind, const struct weir_rx_queue *queue, uint64_t address,
		     uint32_t length, uint32_t detail)
{
	struct weir_trace_record record;

	weir_trace_record_of(firmware, frame, kind, queue, &record);
	record.address = weir_cpu_to_le64(address);
	record.detail = weir_cpu_to_le32(detail);
	record.length = weir_cpu_to_le32(length);
	if (firmware->trace.enabled)
		weir_trace_add(firmware, &record);
}

void weir_trace_queue_step(struct weir_firmware *firmware, enum weir_trace_kind kind,
			   const struct weir_rx_queue *queue, uint32_t frame, uint64_t address,
			   uint32_t detail)
{
	struct weir_trace_record record = record_of_queue(firmware, kind, queue);

	record.address = weir_cpu_to_le64(address);
	record.detail = weir_cpu_to_le32(detail);
	record.frame = weir_cpu_to_le32(frame);
	if (firmware->trace.enabled)
		weir_trace_add(firmware, &record);
}
