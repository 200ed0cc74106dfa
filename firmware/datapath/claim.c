/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage that opens a round of deliveries: receive buffers and completion slots for as many of the burst's frames as fit
 * (specs/data-queues.md, "Receive"). Slots are claimed in the order of the frames, so a flow stays in order however the writes finish.
 */
#include "hold.h"

/* The queue of a frame for a vport that chooses, or WEIR_QUEUE_DROP; its hash is the vport's from then on. */
static uint16_t choose_queue(struct weir_firmware *firmware, const struct weir_vport *vport,
			     struct weir_burst *burst, uint32_t number)
{
	struct weir_frame *frame = &burst->frames[number];

	if (WEIR_UNLIKELY(frame->hashed_for != vport->index + 1)) {
		if (vport->hashes)
			weir_hash_frame(firmware, burst, number, vport, &vport->hash);
		else
			weir_frame_untell(frame, (uint16_t)(vport->index + 1));
	}
	/* It may have been steered by rules that are gone by now. */
	if (WEIR_UNLIKELY(vport->steer_rules || frame->steered))
		return weir_steer_frame(firmware, burst, number, vport);
	return vport->spread[frame->flow_hash & (vport->spread_entries - 1u)];
}

/* The queue of a frame for a vport that gets everything in one. */
static uint16_t only_queue(const struct weir_vport *vport, struct weir_frame *frame)
{
	/* Of several takers, another one's hash is nothing to tell this one. */
	if (WEIR_UNLIKELY(frame->hashed_for))
		weir_frame_untell(frame, 0);
	return vport->spread[0];
}

/*
 * The flags of a frame's completions, without FLOW_HASH, HASH_L4, PHASE and END: the same for frames alike. tag: those of the tag taken
 * out.
 */
static uint32_t completion_flags(const struct weir_burst *burst, const struct weir_frame *frame,
				 const struct weir_rx_queue *queue, uint32_t tag)
{
	return WEIR_PREP(WEIR_RXC_GENERATION, queue->generation) |
	       (frame->way.cast == WEIR_MULTICAST ? WEIR_RXC_MULTICAST_MASK : 0) |
	       (frame->way.cast == WEIR_BROADCAST_FRAME ? WEIR_RXC_BROADCAST_MASK : 0) |
	       (burst->from_wire ? 0 : WEIR_RXC_LOOPED_MASK) | tag;
}

/* Takes buffers that entries were filled with, and slots, and tells the board which buffers will be written not long after them. */
static void take_buffers(struct weir_firmware *firmware, struct weir_burst *burst,
			 struct weir_rx_queue *queue, uint32_t count, uint32_t slots)
{
	uint32_t ahead = (uint16_t)(queue->used + WEIR_BUFFERS_AHEAD),
		 end = least(WEIR_BUFFERS_AHEAD + count, (uint16_t)(queue->fetched - queue->used));

	for (uint32_t i = WEIR_BUFFERS_AHEAD; i < end; i++, ahead++)
		hal_dma_prefetch(firmware->hal, queue->requester,
				 queue->ready[ahead & (WEIR_REFILL_ENTRIES - 1)], true);
	queue->produced = (uint16_t)(queue->produced + slots);
	queue->used = (uint16_t)(queue->used + count);
	burst->completion_count = (uint16_t)(burst->completion_count + count);
}

/* The same for a queue that splits: so many entries of the burst, and fewer of the free-buffer ring. */
static void take_pairs(struct weir_burst *burst, struct weir_rx_queue *queue, uint32_t entries,
		       uint32_t buffers)
{
	queue->produced = (uint16_t)(queue->produced + entries);
	queue->used = (uint16_t)(queue->used + buffers);
	burst->completion_count = (uint16_t)(burst->completion_count + entries);
}

/* What a completion says of a tag when the vport wants such taken out, else 0. */
static uint32_t flags_of_stripped(const struct weir_vport *vport, uint16_t protocol)
{
	if (protocol == WEIR_TPID_8021AD)
		return vport->flags & WEIR_VPORT_VLAN_STRIP_8021AD
			       ? WEIR_RXC_VLAN_MASK | WEIR_RXC_VLAN_8021AD_MASK
			       : 0;
	return vport->flags & WEIR_VPORT_VLAN_STRIP ? WEIR_RXC_VLAN_MASK : 0;
}

/* Tags that a vport does not get to see in the frame. *flags, unless 0: the last of them is told, as *tci. */
static uint8_t tags_to_strip(const struct weir_vport *vport, const struct weir_frame *frame,
			     uint32_t *flags, uint16_t *tci)
{
	struct weir_inner_tag inner;

	*flags = 0;
	*tci = 0;
	if (WEIR_LIKELY(!frame->way.tagged))
		return 0;
	if (!vport->port_vlan_tci) {
		*flags = flags_of_stripped(vport, frame->way.tag_protocol);
		*tci = *flags ? frame->way.tci : 0;
		return *flags ? 1 : 0;
	}
	/* A port VLAN's tag is nothing its VF may know of, only the one behind it. */
	if (weir_frame_inner_tag(frame, &inner)) {
		*flags = flags_of_stripped(vport, inner.protocol);
		*tci = *flags ? inner.tci : 0;
	}
	return *flags ? 2 : 1;
}

/* Is a frame longer than the vport's MTU allows? Of its tags two do not count, that of a port VLAN being one. */
static bool is_oversize(const struct weir_vport *vport, const struct weir_frame *frame)
{
	uint32_t bytes = weir_frame_whole_bytes(frame);
	struct weir_inner_tag inner;

	if (WEIR_LIKELY(bytes <= vport->max_frame))
		return false;
	return bytes - 4 > vport->max_frame || !frame->way.tagged ||
	       !(vport->port_vlan_tci || weir_frame_inner_tag(frame, &inner));
}

/* May frames of the burst have to be summed on their way to this vport? */
static bool may_sum(const struct weir_burst *burst, const struct weir_vport *vport)
{
	return burst->asks_sums || vport->flags & WEIR_VPORT_RX_CHECKSUM;
}

/* Whether a frame's payload is summed on its way to a vport; then *payload says how. What is known of its checksums without goes into
 * its completion's *flags. */
static inline __attribute__((always_inline)) bool sums_payload(struct weir_burst *burst,
							       struct weir_vport *vport,
							       uint32_t number, uint32_t strip,
							       struct weir_payload *payload,
							       uint32_t *flags)
{
	const struct weir_frame *frame = &burst->frames[number];

	*payload = (struct weir_payload){ 0 };
	if (frame->insert) {
		payload->sum.kind = weir_insert_kind(frame);
		payload->begin = (uint8_t)weir_frame_copied(frame);
		payload->end = frame->bytes;
		payload->header_waits = true;
	}
	if (vport->flags & WEIR_VPORT_RX_CHECKSUM) {
		payload->judged = frame->bytes > weir_frame_copied(frame) &&
				  weir_verify_wants(burst, number,
						    weir_frame_goes_whole(frame, strip), payload);
		if (!payload->judged) {
			uint32_t known = weir_verify(burst, number, payload);

			*flags |= known;
			vport->stats[WEIR_STAT_VPORT_RX_CHECKSUM_BAD] += weir_verify_bad(known);
		}
	}
	return payload->end;
}

/* The same for `count` frames from `number` on that joined a delivery with the entries from `entry` on. */
static void sum_alike(struct weir_burst *burst, struct weir_vport *vport, uint32_t number,
		      uint32_t entry, uint32_t count, struct weir_delivery *delivery)
{
	bool verify = vport->flags & WEIR_VPORT_RX_CHECKSUM;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t flags = 0;

		/* Where frames are hashed that was looked at. */
		if (verify && !vport->hashes && !burst->frames[number + i].same_shape)
			weir_flow_follow(burst, number + i - 1);
		if (verify && burst->frames[number + i].same_shape)
			i += weir_verify_row(burst, number + i, entry + i, count - i);
		if (i == count)
			break;
		delivery->summed |= sums_payload(burst, vport, number + i, 0,
						 &burst->payloads[entry + i], &flags);
		burst->completions[entry + i].flags |= weir_cpu_to_le32(flags);
	}
	burst->seals |= delivery->summed;
}

/*
 * Fills the entries of a frame of `bytes` in a queue that splits: the header's, if it has one, which is about the header buffer of the
 * first pair, and those of the payload, from that same pair on.
 */
static void fill_split(struct weir_burst *burst, const struct weir_rx_queue *queue,
		       const struct weir_delivery *delivery, const struct weir_split *split,
		       uint32_t flags, uint32_t last_flags, uint16_t tci)
{
	const struct weir_frame *frame = &burst->frames[delivery->frame];
	struct place place = next_place(queue);
	uint32_t entry = delivery->first_entry, last = entry + delivery->entries - 1u,
		 left = delivery->bytes - split->bytes, buffer = place.buffer;

	if (split->bytes) {
		fill_entry(burst, &place, entry, frame, split->bytes,
			   (left ? flags : last_flags) | WEIR_RXC_HEADER_MASK |
				   (split->known ? WEIR_RXC_SPLIT_MASK : 0),
			   tci, frame->packet_type);
		burst->entry_address[entry++] =
			queue->ready[2 * (buffer & (WEIR_SPLIT_READY - 1)) + 1];
		place.buffer = buffer;
	}
	for (; entry <= last; entry++) {
		uint32_t bytes = least(left, queue->buffer_bytes);

		fill_entry(burst, &place, entry, frame, bytes, entry < last ? flags : last_flags,
			   tci, frame->packet_type);
		burst->entry_address[entry] = queue->ready[2 * (buffer++ & (WEIR_SPLIT_READY - 1))];
		left -= bytes;
	}
}

static enum claim_answer claim_vport(struct weir_firmware *firmware, struct weir_burst *burst,
				     uint32_t number, uint16_t index)
{
	struct weir_frame *frame = &burst->frames[number];
	struct weir_vport *vport = &firmware->vports[index];

	if (WEIR_UNLIKELY(!(vport->flags & WEIR_VPORT_ENABLE) || !vport->linked_up ||
			  !vport->spread_entries ||
			  !hal_function_usable(firmware->hal, vport->function))) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE]++;
		return CLAIM_DONE;
	}
	uint16_t pair;

	if (WEIR_LIKELY(!vport->chooses)) {
		pair = only_queue(vport, frame);
	} else {
		pair = choose_queue(firmware, vport, burst, number);
		if (WEIR_UNLIKELY(pair == WEIR_QUEUE_DROP)) {
			vport->stats[WEIR_STAT_VPORT_RX_DROPPED_BY_RULE]++;
			return CLAIM_DONE;
		}
	}
	struct weir_function *function = &firmware->functions[vport->function];
	struct weir_rx_queue *queue = &firmware->rx_queues[function->first_queue + pair];

	if (WEIR_UNLIKELY(queue->state != WEIR_QUEUE_RUNNING)) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE]++;
		return CLAIM_DONE;
	}
	uint32_t tag_flags;
	uint16_t tci;
	uint8_t strip = tags_to_strip(vport, frame, &tag_flags, &tci);
	uint32_t bytes = weir_frame_whole_bytes(frame) - 4u * strip;

	if (WEIR_UNLIKELY(is_oversize(vport, frame))) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE]++;
		return CLAIM_DONE;
	}
	bool is_short = false;

	if (WEIR_UNLIKELY(queue->held | vport->coalesce_us)) {
		enum claim_answer answer =
			weir_hold_claim(firmware, burst, number, queue, strip,
					completion_flags(burst, frame, queue, tag_flags), tci);

		is_short = answer == CLAIM_SHORT;
		if (answer != CLAIM_PASS && !is_short)
			return answer;
	}
	/* A copy's checksum is that of its own payload: the header copy has room for one at a time. */
	if (WEIR_UNLIKELY(frame->insert) && burst->delivery_count &&
	    burst->deliveries[burst->delivery_count - 1].frame == number)
		return CLAIM_ROUND_FULL;
	uint32_t buffers, entry = burst->completion_count;
	struct weir_aggregate aggregate = { .segments = 0 };
	struct weir_split split = { 0 };

	if (weir_coalesce_begins(burst, number)) {
		/* Headers of its segments are what a queue that splits them off is after. */
		if (queue->split_mode) {
			weir_coalesce_undo(burst, number);
			return CLAIM_AGAIN;
		}
		aggregate = weir_coalesce_make(burst, number);
		bytes += aggregate.more_bytes;
	} else if (WEIR_UNLIKELY(queue->split_mode)) {
		split = weir_split_frame(burst, number, queue, strip, bytes);
	}
	buffers = buffers_of(bytes - split.bytes, queue->buffer_bytes);
	/* One that no round has room for, nor the addresses kept ready. */
	if (WEIR_UNLIKELY(aggregate.segments && buffers > MOST_BUFFERS)) {
		weir_coalesce_undo(burst, number);
		return CLAIM_AGAIN;
	}
	/* A header has an entry of its own, a payload that is not there has none. */
	uint32_t entries = buffers + (split.bytes && split.bytes < bytes);

	if (WEIR_UNLIKELY(burst->delivery_count == WEIR_BURST_DELIVERIES ||
			  entry + entries > WEIR_BURST_COMPLETIONS))
		return CLAIM_ROUND_FULL;
	if (WEIR_UNLIKELY((uint16_t)(queue->fetched - queue->used) < buffers)) {
		/* Asked once more, the host would be looked at once more, and the frame would wait for that: again and again. */
		enum weir_refill_answer answer =
			is_short ? WEIR_REFILL_SHORT : weir_rx_refill(firmware, queue, buffers);

		if (answer == WEIR_REFILL_PENDING)
			return CLAIM_WAIT;
		if (answer == WEIR_REFILL_SHORT && aggregate.segments) {
			weir_coalesce_undo(burst, number);
			return CLAIM_AGAIN;
		}
		if (answer == WEIR_REFILL_SHORT) {
			vport->stats[WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER]++;
			queue->stats[WEIR_STAT_RX_QUEUE_DROPPED_NO_BUFFER]++;
			return CLAIM_DONE;
		}
	}
	uint32_t flags = completion_flags(burst, frame, queue, tag_flags), full = buffers - 1,
		 last_flags = flags | WEIR_RXC_END_MASK;
	bool summed =
		!aggregate.segments && WEIR_UNLIKELY(may_sum(burst, vport)) &&
		sums_payload(burst, vport, number, strip, &burst->payloads[entry], &last_flags);

	struct weir_delivery *delivery = &burst->deliveries[burst->delivery_count++];

	*delivery = (struct weir_delivery){
		.queue = queue->index,
		.bytes = bytes,
		.slot = queue->produced,
		.frame = (uint8_t)number,
		.frames = 1,
		.first_entry = (uint8_t)entry,
		.entries = (uint8_t)entries,
		.strip = strip,
		.summed = summed,
		.segments = aggregate.segments,
		.urgent = WEIR_UNLIKELY(vport->low_latency.asks) &&
			  (aggregate.segments ? weir_low_latency_joined(burst, number, vport)
					      : weir_low_latency(burst, number, vport, bytes)),
	};
	burst->seals |= summed;
	if (WEIR_UNLIKELY(queue->split_mode)) {
		delivery->header_bytes = (uint16_t)split.bytes;
		/* A header that carries a checksum waits for the payload. */
		delivery->ahead = split.bytes && queue->split.ahead &&
				  bytes - split.bytes >= queue->split.ahead && !frame->insert;
		burst->aheads |= delivery->ahead;
		fill_split(burst, queue, delivery, &split, flags, last_flags, tci);
	} else {
		struct place place = next_place(queue);

		if (WEIR_UNLIKELY(aggregate.segments)) {
			last_flags |= aggregate.flags;
			fill_entry(burst, &place, entry, frame, bytes, last_flags, tci,
				   aggregate.segment);
			for (uint32_t i = 1; i < buffers; i++)
				burst->entry_address[entry + i] = buffer_address(&place, i - 1);
		} else {
			for (uint32_t i = 0; WEIR_UNLIKELY(i < full); i++)
				fill_entry(burst, &place, entry + i, frame, queue->buffer_bytes,
					   flags, tci, frame->packet_type);
			fill_entry(burst, &place, entry + full, frame,
				   bytes - full * queue->buffer_bytes, last_flags, tci,
				   frame->packet_type);
		}
	}
	if (WEIR_UNLIKELY(frame->trace)) {
		weir_trace_step(firmware, frame, WEIR_TRACE_KIND_QUEUE_CHOSEN, queue, 0, bytes,
				index);
		queue->traced_frame = frame->trace;
		queue->traced_slot = queue->produced;
	}
	if (WEIR_UNLIKELY(queue->split_mode))
		take_pairs(burst, queue, entries, buffers);
	else
		take_buffers(firmware, burst, queue, buffers, aggregate.segments ? 1 : buffers);
	queue->deliveries++;
	queue->references++;
	function->references++;
	if (!burst->from_wire)
		burst->source->stats[WEIR_STAT_VPORT_TX_LOOPED] +=
			aggregate.segments ? aggregate.segments : 1;
	return CLAIM_DONE;
}

static bool was_claimed(const struct weir_burst *burst, uint32_t number)
{
	return burst->delivery_count &&
	       burst->deliveries[burst->delivery_count - 1].frame == number;
}

/* Rules count the frames of an aggregate as if each had come by itself. */
static void count_joined(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number)
{
	const struct weir_vport *vport = &firmware->vports[burst->frames[number].way.vport];

	while (vport->steer_rules && (number = burst->joined[number]))
		choose_queue(firmware, vport, burst, number);
}

/* The same of a burst with aggregates, after claim_vport() has answered. */
static enum claim_answer claim_joined(struct weir_firmware *firmware, struct weir_burst *burst,
				      uint32_t number, enum claim_answer answer)
{
	/* Dropped, and counted: so will be the frames that were to go with it, each by itself. */
	if (answer == CLAIM_DONE && burst->joined[number] && !was_claimed(burst, number))
		weir_coalesce_undo(burst, number);
	else if (answer == CLAIM_DONE && burst->joined[number])
		count_joined(firmware, burst, number);
	return answer;
}

/*
 * The ordinary case after frame `number` was claimed for one vport: frames alike behind it, untagged, to the same queue, into a
 * buffer each that is ready, join its delivery. What was looked at for the one holds for them. Returns how many did.
 */
static uint32_t claim_alike(struct weir_firmware *firmware, struct weir_burst *burst,
			    uint32_t number)
{
	struct weir_frame *frame = &burst->frames[number];
	uint32_t entry = burst->completion_count, done = 0, bytes = 0;

	/* Most flows come alone. The frame may have been dropped. */
	if (number + 1 == burst->frame_count || !frame[1].alike || frame->way.tagged ||
	    burst->traced || !burst->delivery_count)
		return 0;
	struct weir_delivery *delivery = &burst->deliveries[burst->delivery_count - 1];

	if (delivery->frame != number || delivery->entries != 1 || delivery->segments)
		return 0;
	struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];

	if (queue->split_mode)
		return 0;
	struct weir_vport *vport = &firmware->vports[frame->way.vport];
	uint32_t pair = queue->index - firmware->functions[queue->function].first_queue;
	uint32_t flags = completion_flags(burst, frame, queue, 0) | WEIR_RXC_END_MASK;
	uint32_t longest = least(queue->buffer_bytes, vport->max_frame);
	uint32_t most = least(burst->frame_count - number - 1,
			      least((uint16_t)(queue->fetched - queue->used),
				    WEIR_BURST_COMPLETIONS - entry));

	struct place place = next_place(queue);

	for (frame++; done < most && frame[done].alike && frame[done].bytes <= longest; done++)
		if (vport->chooses &&
		    choose_queue(firmware, vport, burst, number + 1 + done) != pair)
			break;
	for (uint32_t i = 0; i < done; i++) {
		bytes += frame[i].bytes;
		fill_entry(burst, &place, entry + i, &frame[i], frame[i].bytes, flags, 0,
			   frame[i].packet_type);
	}
	for (uint32_t i = 0; WEIR_UNLIKELY(vport->low_latency.asks) && i < done; i++)
		delivery->urgent |= weir_low_latency(burst, number + 1 + i, vport, frame[i].bytes);
	if (WEIR_UNLIKELY(may_sum(burst, vport)))
		sum_alike(burst, vport, number + 1, entry, done, delivery);
	take_buffers(firmware, burst, queue, done, done);
	delivery->frames = (uint8_t)(1 + done);
	delivery->entries = (uint8_t)(1 + done);
	delivery->bytes += bytes;
	if (!burst->from_wire)
		burst->source->stats[WEIR_STAT_VPORT_TX_LOOPED] += done;
	return done;
}

/* The takers of a frame with several, one after the other; the cursor lives in the burst. */
static enum claim_answer claim_many(struct weir_firmware *firmware, struct weir_burst *burst,
				    uint32_t number)
{
	struct weir_frame *frame = &burst->frames[number];

	if (!burst->listed) {
		struct weir_sort_key key;
		uint16_t source = burst->source ? burst->source->index : WEIR_NO_VPORT;

		weir_frame_key(frame, &key);
		burst->destination_count = (uint16_t)weir_sorter_takers(
			firmware, &key, frame->way.cast, source, burst->destinations);
		burst->next_destination = 0;
		burst->listed = true;
		if (burst->from_wire && !burst->destination_count)
			firmware->port_stats[burst->port][WEIR_STAT_PORT_RX_DROPPED_NO_VPORT]++;
	}
	while (burst->next_destination < burst->destination_count) {
		enum claim_answer answer = claim_vport(
			firmware, burst, number, burst->destinations[burst->next_destination]);

		if (answer != CLAIM_DONE)
			return answer;
		burst->next_destination++;
	}
	burst->listed = false;
	return CLAIM_DONE;
}

/* Frames from `number` on that go the way of the one before. */
static uint32_t count_alike(const struct weir_burst *burst, uint32_t number)
{
	const struct weir_frame *first = &burst->frames[number], *frame = first,
				*end = &burst->frames[burst->frame_count];

	while (frame < end && frame->alike)
		frame++;
	return (uint32_t)(frame - first);
}

enum weir_stage_answer weir_stage_claim(struct weir_firmware *firmware, struct weir_burst *burst)
{
	enum claim_answer answer = CLAIM_DONE;

	while (burst->next_frame < burst->frame_count) {
		uint32_t number = burst->next_frame;
		const struct weir_frame *frame = &burst->frames[number];

		if (WEIR_LIKELY(frame->way.route == WEIR_ROUTE_ONE))
			answer = claim_vport(firmware, burst, number, frame->way.vport);
		else if (frame->way.route == WEIR_ROUTE_MANY)
			answer = claim_many(firmware, burst, number);
		if (WEIR_UNLIKELY(burst->coalesced) && frame->way.route == WEIR_ROUTE_ONE) {
			answer = claim_joined(firmware, burst, number, answer);
			if (answer == CLAIM_AGAIN)
				continue;
		}
		if (answer != CLAIM_DONE)
			break;
		number++;
		if (frame->way.route == WEIR_ROUTE_ONE) {
			number += claim_alike(firmware, burst, number - 1);
		} else if (frame->way.route != WEIR_ROUTE_DROP && frame->way.to_wire) {
			burst->to_wire = true;
			if (frame->way.route == WEIR_ROUTE_WIRE)
				number += count_alike(burst, number);
		}
		burst->next_frame = (uint16_t)number;
	}
	/* What has been claimed goes out while a refill is awaited: nobody's buffers wait for somebody else's. */
	burst->complete_delivery = 0;
	if (WEIR_UNLIKELY(burst->aheads))
		burst->stage = WEIR_STAGE_AHEAD;
	else if (burst->delivery_count || burst->to_wire)
		burst->stage = WEIR_STAGE_EMIT;
	else if (answer == CLAIM_WAIT)
		return WEIR_RETRY;
	else if (WEIR_UNLIKELY(burst->cuts))
		burst->stage = WEIR_STAGE_SEGMENT;
	else
		burst->stage = burst->from_wire			  ? WEIR_STAGE_FINISH
			       : WEIR_UNLIKELY(burst->asks_times) ? WEIR_STAGE_REPORT
								  : WEIR_STAGE_HEAD;
	return WEIR_NEXT;
}
