/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive queues that put headers into buffers of their own (specs/header-split.md): where a frame is split, and the stage that hands
 * headers over before their payload is written.
 */
#include "burst.h"

#define KINDS_ALL                                                                                  \
	(WEIR_SPLIT_KIND_IPV4 | WEIR_SPLIT_KIND_IPV6 | WEIR_SPLIT_KIND_TCP | WEIR_SPLIT_KIND_UDP | \
	 WEIR_SPLIT_KIND_SCTP | WEIR_SPLIT_KIND_ICMP | WEIR_SPLIT_KIND_PLAIN |                     \
	 WEIR_SPLIT_KIND_VXLAN | WEIR_SPLIT_KIND_GENEVE)

enum weir_status weir_split_check(const struct weir_queue_request *request, uint32_t *detail)
{
	const struct weir_queue_split *split = &request->split;
	bool splits = request->split_mode != WEIR_SPLIT_MODE_NONE;

	*detail = WEIR_ATTRIBUTE_SPLIT_MODE;
	if (request->split_mode > WEIR_SPLIT_MODE_INNER)
		return WEIR_STATUS_NOT_SUPPORTED;
	*detail = WEIR_ATTRIBUTE_HEADER_BYTES;
	if (splits ? split->header_bytes < WEIR_SPLIT_HEADER_MIN_BYTES ||
			     split->header_bytes > WEIR_RX_BUFFER_MAX_BYTES
		   : split->header_bytes)
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_SPLIT_THRESHOLD;
	if (split->threshold > split->header_bytes)
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_HEADER_AHEAD;
	if (!splits && split->ahead)
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_SPLIT_KINDS;
	if (split->kinds & ~KINDS_ALL)
		return WEIR_STATUS_NOT_SUPPORTED;
	if (split->kinds && request->split_mode < WEIR_SPLIT_MODE_L3)
		return WEIR_STATUS_BAD_VALUE;
	return WEIR_STATUS_OK;
}

/* Behind an L4 header that is whole, from the frame's beginning; 0: there is none. */
static uint32_t behind_l4(const struct weir_layer *layer)
{
	return layer->flags & WEIR_LAYER_L4_WHOLE ? layer->payload : 0;
}

/* Kinds of the headers that a mode splits behind, and of what carries them. */
static uint32_t kinds_of(const struct weir_layers *layers, uint8_t mode)
{
	static const uint8_t l3[] = {
		[WEIR_PACKET_L3_IPV4] = WEIR_SPLIT_KIND_IPV4, [WEIR_PACKET_L3_IPV6] = WEIR_SPLIT_KIND_IPV6
	};
	static const uint8_t l4[] = { [WEIR_PACKET_L4_TCP] = WEIR_SPLIT_KIND_TCP,
				      [WEIR_PACKET_L4_UDP] = WEIR_SPLIT_KIND_UDP,
				      [WEIR_PACKET_L4_SCTP] = WEIR_SPLIT_KIND_SCTP,
				      [WEIR_PACKET_L4_ICMP] = WEIR_SPLIT_KIND_ICMP,
				      [WEIR_PACKET_L4_FRAGMENT] = 0 };
	static const uint16_t carriers[] = { [WEIR_PACKET_TUNNEL_NONE] = WEIR_SPLIT_KIND_PLAIN,
					     [WEIR_PACKET_TUNNEL_VXLAN] = WEIR_SPLIT_KIND_VXLAN,
					     [WEIR_PACKET_TUNNEL_GENEVE] = WEIR_SPLIT_KIND_GENEVE };
	const struct weir_layer *layer = &layers->outer;
	uint32_t carrier = 0;

	if (mode == WEIR_SPLIT_MODE_L3)
		return l3[layer->l3_kind];
	if (mode == WEIR_SPLIT_MODE_INNER) {
		carrier = carriers[layers->tunnel];
		if (layers->tunnel != WEIR_PACKET_TUNNEL_NONE)
			layer = &layers->inner;
	}
	return carrier | l3[layer->l3_kind] | l4[layer->l4_kind];
}

/* Whether a queue splits frames with such headers. */
static bool is_asked_for(struct weir_burst *burst, uint32_t number,
			 const struct weir_rx_queue *queue)
{
	return !queue->split.kinds ||
	       !(kinds_of(weir_frame_layers(burst, number), queue->split_mode) &
		 ~(uint32_t)queue->split.kinds);
}

/* Where a mode splits a frame, in its header copy; 0: that cannot be told. *end: behind it there is no payload, only padding; 0: unknown. */
static uint32_t split_at(struct weir_burst *burst, uint32_t number, uint8_t mode, uint32_t *end)
{
	const struct weir_frame *frame = &burst->frames[number];
	const struct weir_layers *layers;
	struct weir_inner_tag inner;

	*end = 0;
	if (mode == WEIR_SPLIT_MODE_L2) {
		(void)weir_frame_inner_tag(frame, &inner);
		/* One that is put in is not in the copy. */
		return frame->way.rest + (inner.protocol && frame->way.tags_inserted < 2 ? 6u : 2u);
	}
	layers = weir_frame_layers(burst, number);
	*end = layers->outer.end;
	if (mode == WEIR_SPLIT_MODE_L3)
		return layers->outer.l4;
	if (mode == WEIR_SPLIT_MODE_L4 || layers->tunnel == WEIR_PACKET_TUNNEL_NONE)
		return behind_l4(&layers->outer);
	*end = layers->inner.end;
	return behind_l4(&layers->inner);
}

struct weir_split weir_split_frame(struct weir_burst *burst, uint32_t number,
				   const struct weir_rx_queue *queue, uint8_t strip, uint32_t bytes)
{
	const struct weir_queue_split *split = &queue->split;
	const struct weir_frame *frame = &burst->frames[number];
	uint32_t room = split->header_bytes < bytes ? split->header_bytes : bytes, at, end;
	/* Whoever asks for some headers gets nothing else apart from its payload. */
	const struct weir_split unknown = { .bytes = split->kinds ? 0 : room };

	if (bytes <= split->threshold)
		return (struct weir_split){ .bytes = bytes };
	if (queue->split_mode == WEIR_SPLIT_MODE_FIXED)
		return (struct weir_split){ .bytes = room, .known = bytes >= split->header_bytes };
	at = split_at(burst, number, queue->split_mode, &end);
	if (!at || !is_asked_for(burst, number, queue))
		return unknown;
	/* Padding is nothing to spend a buffer on. */
	if (end && end <= at && bytes <= split->header_bytes)
		return (struct weir_split){ .bytes = bytes, .known = true };
	/* From the copy, in which tags may be or not, to the frame as it is delivered. */
	at += weir_frame_whole_bytes(frame) - frame->bytes - 4u * strip;
	return at <= room ? (struct weir_split){ .bytes = at, .known = true } : unknown;
}

/* The completions of headers that are written by now. False: wait, or HAL was busy, as *answer says. */
static bool complete_headers(struct weir_firmware *firmware, struct weir_burst *burst,
			     enum weir_stage_answer *answer)
{
	for (; burst->complete_delivery < burst->delivery_count; burst->complete_delivery++) {
		const struct weir_delivery *delivery = &burst->deliveries[burst->complete_delivery];
		const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
		uint32_t mask = (1u << queue->completion_log2) - 1;

		if (!delivery->ahead)
			continue;
		*answer = WEIR_WAIT;
		if (queue->timed && burst->pending)
			return false;
		burst->complete_entry = delivery->first_entry;
		*answer = WEIR_RETRY;
		if (weir_burst_submitted(burst, weir_write_completions(firmware, burst,
								       delivery->first_entry + 1u,
								       delivery->slot & mask)))
			return false;
	}
	*answer = WEIR_WAIT;
	return !burst->pending;
}

enum weir_stage_answer weir_stage_ahead(struct weir_firmware *firmware, struct weir_burst *burst)
{
	enum weir_stage_answer answer;

	for (; burst->emit_delivery < burst->delivery_count; burst->emit_delivery++) {
		const struct weir_delivery *delivery = &burst->deliveries[burst->emit_delivery];

		if (delivery->ahead && !weir_emit_split_header(firmware, burst, delivery))
			return WEIR_RETRY;
	}
	if (burst->pending)
		return WEIR_WAIT;
	if (!complete_headers(firmware, burst, &answer))
		return answer;
	for (uint32_t i = 0; i < burst->delivery_count; i++) {
		struct weir_rx_queue *queue = &firmware->rx_queues[burst->deliveries[i].queue];

		/* Whoever lets interrupts wait is in no hurry. */
		if (burst->deliveries[i].ahead && !queue->interrupt.time_us)
			weir_rx_notify(firmware, queue);
	}
	burst->emit_delivery = 0;
	burst->aheads = false;
	burst->stage = WEIR_STAGE_EMIT;
	return WEIR_NEXT;
}
