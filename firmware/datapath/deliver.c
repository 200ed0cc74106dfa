/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last stages: rounds of deliveries into receive queues and out of wire ports (specs/data-queues.md, "Receive"). A round
 * claims buffers and completion slots, writes the frames, then their completions, then counts and interrupts. Slots are
 * claimed in the order of the frames, so a flow stays in order however the writes finish.
 */
#include "burst.h"

/* ---- claim ---- */

enum claim_answer { CLAIM_DONE, CLAIM_WAIT, CLAIM_ROUND_FULL };

/* The frame's length without its outer tag. */
static uint32_t bare_bytes(const struct weir_frame *frame)
{
	return frame->bytes - (frame->way.rest - 12u);
}

static uint16_t choose_queue(const struct weir_vport *vport, struct weir_frame *frame)
{
	if (vport->spread_entries <= 1)
		return vport->spread[0];
	if (!frame->hashed) {
		frame->hashed = true;
		if (!weir_flow_hash(frame->header, frame->header_bytes, frame->way.rest,
				    &frame->flow_hash))
			frame->flow_hash = 0;
	}
	return vport->spread[frame->flow_hash & (vport->spread_entries - 1u)];
}

/* The flags of a frame's completions, without FLOW_HASH, PHASE and END: the same for frames alike. */
static uint32_t completion_flags(const struct weir_burst *burst, const struct weir_frame *frame,
				 const struct weir_rx_queue *queue, bool report_tag)
{
	/* A port VLAN's tag is nothing its VF may know of: report_tag is false then. */
	return WEIR_PREP(WEIR_RXC_GENERATION, queue->generation) |
	       (frame->way.cast == WEIR_MULTICAST ? WEIR_RXC_MULTICAST_MASK : 0) |
	       (frame->way.cast == WEIR_BROADCAST_FRAME ? WEIR_RXC_BROADCAST_MASK : 0) |
	       (burst->from_wire ? 0 : WEIR_RXC_LOOPED_MASK) |
	       (report_tag ? WEIR_RXC_VLAN_MASK : 0);
}

/* Fills entry `entry` of the burst with buffer and completion slot number `ahead` of those that the queue gives next. */
static void fill_entry(struct weir_burst *burst, const struct weir_rx_queue *queue,
		       const struct weir_frame *frame, uint32_t entry, uint32_t ahead,
		       uint32_t delivery, uint32_t length, uint32_t flags, uint16_t tci)
{
	uint16_t slot = (uint16_t)(queue->produced + ahead),
		 buffer = (uint16_t)(queue->used + ahead);
	/* The first lap writes 1. */
	uint32_t phase = ~(uint32_t)slot >> queue->completion_log2 & 1;

	burst->entry_address[entry] = queue->ready[buffer & (WEIR_REFILL_ENTRIES - 1)];
	burst->entry_delivery[entry] = (uint8_t)delivery;
	burst->completions[entry] = (struct weir_rx_completion){
		.flow_hash = weir_cpu_to_le32(frame->flow_hash),
		.length = weir_cpu_to_le16((uint16_t)length),
		.buffer = weir_cpu_to_le16(buffer),
		.vlan_tci = weir_cpu_to_le16(tci),
		.flags = weir_cpu_to_le32(flags | phase |
					  (frame->flow_hash ? WEIR_RXC_FLOW_HASH_MASK : 0)),
	};
}

/*
 * Before `count` buffers are taken: tells the board which will be written soon, so many as WEIR_BUFFERS_AHEAD after them, and sees to
 * it that as many addresses are there.
 */
static void hint(struct weir_firmware *firmware, const struct weir_rx_queue *queue, uint32_t count)
{
	uint32_t ready = (uint16_t)(queue->fetched - queue->used);

	for (uint32_t i = WEIR_BUFFERS_AHEAD; i < WEIR_BUFFERS_AHEAD + count && i < ready; i++)
		hal_dma_prefetch(firmware->hal, queue->requester,
				 queue->ready[(queue->used + i) & (WEIR_REFILL_ENTRIES - 1)], true);
}

/* Books so many deliveries into the queue, of so many entries in all. */
static void claimed(struct weir_firmware *firmware, struct weir_burst *burst,
		    struct weir_rx_queue *queue, uint32_t deliveries, uint32_t entries)
{
	queue->produced = (uint16_t)(queue->produced + entries);
	queue->used = (uint16_t)(queue->used + entries);
	burst->delivery_count = (uint16_t)(burst->delivery_count + deliveries);
	burst->completion_count = (uint16_t)(burst->completion_count + entries);
	queue->deliveries = (uint16_t)(queue->deliveries + deliveries);
	queue->references += deliveries;
	firmware->functions[queue->function].references += deliveries;
	if (!burst->from_wire)
		burst->source->stats[WEIR_STAT_VPORT_TX_LOOPED] += deliveries;
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
	struct weir_function *function = &firmware->functions[vport->function];
	struct weir_rx_queue *queue =
		&firmware->rx_queues[function->first_queue + choose_queue(vport, frame)];

	if (WEIR_UNLIKELY(queue->state != WEIR_QUEUE_RUNNING)) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE]++;
		return CLAIM_DONE;
	}
	bool in_port_vlan = vport->port_vlan_tci != 0;
	bool strip = frame->way.tagged &&
		     (in_port_vlan || ((vport->flags & WEIR_VPORT_VLAN_STRIP) &&
				       frame->way.tag_protocol == 0x8100));
	uint32_t bytes = bare_bytes(frame) + (frame->way.tagged && !strip ? 4 : 0);

	/* A port VLAN's tag takes nothing away from the MTU. */
	if (WEIR_UNLIKELY(bare_bytes(frame) + (frame->way.tagged && !in_port_vlan ? 4 : 0) >
			  vport->max_frame)) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE]++;
		return CLAIM_DONE;
	}
	uint32_t buffers = 1, entry = burst->completion_count;

	for (uint32_t room = queue->buffer_bytes; WEIR_UNLIKELY(room < bytes);
	     room += queue->buffer_bytes)
		buffers++;
	if (WEIR_UNLIKELY(burst->delivery_count == WEIR_BURST_DELIVERIES ||
			  entry + buffers > WEIR_BURST_COMPLETIONS))
		return CLAIM_ROUND_FULL;
	if (WEIR_UNLIKELY((uint16_t)(queue->fetched - queue->used) < buffers)) {
		enum weir_refill_answer answer = weir_rx_refill(firmware, queue, buffers);

		if (answer == WEIR_REFILL_PENDING)
			return CLAIM_WAIT;
		if (answer == WEIR_REFILL_SHORT) {
			vport->stats[WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER]++;
			queue->stats[WEIR_STAT_RX_QUEUE_DROPPED_NO_BUFFER]++;
			return CLAIM_DONE;
		}
	}
	bool report_tag = strip && !in_port_vlan;
	uint32_t flags = completion_flags(burst, frame, queue, report_tag),
		 number_of = burst->delivery_count;
	uint16_t tci = report_tag ? frame->way.tci : 0;
	struct weir_delivery *delivery = &burst->deliveries[number_of];

	*delivery = (struct weir_delivery){
		.queue = queue->index,
		.slot = queue->produced,
		.bytes = (uint16_t)bytes,
		.frame = (uint8_t)number,
		.first_entry = (uint8_t)entry,
		.buffers = (uint8_t)buffers,
		.strip = strip,
	};
	for (uint32_t i = 0; WEIR_UNLIKELY(i + 1 < buffers); i++)
		fill_entry(burst, queue, frame, entry + i, i, number_of, queue->buffer_bytes, flags,
			   tci);
	fill_entry(burst, queue, frame, entry + buffers - 1, buffers - 1, number_of,
		   bytes - (buffers - 1) * queue->buffer_bytes, flags | WEIR_RXC_END_MASK, tci);
	hint(firmware, queue, buffers);
	claimed(firmware, burst, queue, 1, buffers);
	if (WEIR_UNLIKELY(frame->trace)) {
		weir_trace_step(firmware, frame, WEIR_TRACE_KIND_QUEUE_CHOSEN, queue, 0, bytes,
				index);
		queue->traced_frame = frame->trace;
		queue->traced_slot = delivery->slot;
	}
	return CLAIM_DONE;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * The ordinary case after frame `number` was claimed for one vport: frames alike behind it, untagged, to the same queue, into a
 * buffer each that is ready. What was looked at for the one holds for them. Returns how many were claimed.
 */
static uint32_t claim_alike(struct weir_firmware *firmware, struct weir_burst *burst,
			    uint32_t number)
{
	uint32_t count = burst->delivery_count, entry = burst->completion_count, done = 0;

	/* The frame may have been dropped. */
	if (!count || burst->deliveries[count - 1].frame != number || WEIR_UNLIKELY(burst->traced))
		return 0;
	struct weir_rx_queue *queue = &firmware->rx_queues[burst->deliveries[count - 1].queue];
	struct weir_frame *frame = &burst->frames[number];
	const struct weir_vport *vport = &firmware->vports[frame->way.vport];
	uint32_t pair = queue->index - firmware->functions[queue->function].first_queue;
	uint32_t flags = completion_flags(burst, frame, queue, false) | WEIR_RXC_END_MASK;
	uint32_t longest = least(queue->buffer_bytes, vport->max_frame);
	uint32_t most =
		least(burst->frame_count - number - 1u, (uint16_t)(queue->fetched - queue->used));
	struct weir_delivery delivery = { .queue = queue->index,
					  .slot = queue->produced,
					  .frame = (uint8_t)number,
					  .first_entry = (uint8_t)entry,
					  .buffers = 1 };

	if (frame->way.tagged)
		return 0;
	most = least(most, least(WEIR_BURST_DELIVERIES - count, WEIR_BURST_COMPLETIONS - entry));
	for (; done < most; done++) {
		frame++;
		if (!frame->alike || frame->bytes > longest ||
		    (vport->spread_entries > 1 && choose_queue(vport, frame) != pair))
			break;
		delivery.bytes = frame->bytes;
		delivery.frame++;
		burst->deliveries[count + done] = delivery;
		delivery.slot++;
		delivery.first_entry++;
		fill_entry(burst, queue, frame, entry + done, done, count + done, frame->bytes,
			   flags, 0);
	}
	hint(firmware, queue, done);
	claimed(firmware, burst, queue, done, done);
	return done;
}

static enum claim_answer claim_wire(struct weir_burst *burst, uint32_t number)
{
	if (burst->delivery_count == WEIR_BURST_DELIVERIES)
		return CLAIM_ROUND_FULL;
	burst->deliveries[burst->delivery_count++] =
		(struct weir_delivery){ .queue = WEIR_NO_QUEUE, .frame = (uint8_t)number };
	return CLAIM_DONE;
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
	if (frame->way.to_wire) {
		if (claim_wire(burst, number) != CLAIM_DONE)
			return CLAIM_ROUND_FULL;
		frame->way.to_wire = false;
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

enum weir_stage_answer weir_stage_claim(struct weir_firmware *firmware, struct weir_burst *burst)
{
	enum claim_answer answer = CLAIM_DONE;

	while (burst->next_frame < burst->frame_count) {
		uint32_t number = burst->next_frame;
		const struct weir_frame *frame = &burst->frames[number];

		if (frame->way.route == WEIR_ROUTE_ONE)
			answer = claim_vport(firmware, burst, number, frame->way.vport);
		else if (frame->way.route == WEIR_ROUTE_WIRE)
			answer = claim_wire(burst, number);
		else if (frame->way.route == WEIR_ROUTE_MANY)
			answer = claim_many(firmware, burst, number);
		if (answer != CLAIM_DONE)
			break;
		burst->next_frame++;
		if (frame->way.route == WEIR_ROUTE_ONE)
			burst->next_frame = (uint16_t)(burst->next_frame +
						       claim_alike(firmware, burst, number));
	}
	/* Deliveries already claimed go out while a refill is awaited: nobody's buffers wait for somebody else's. */
	if (answer == CLAIM_WAIT && !burst->delivery_count)
		return WEIR_RETRY;
	burst->stage = burst->delivery_count ? WEIR_STAGE_EMIT : WEIR_STAGE_HEAD;
	if (!burst->delivery_count && burst->from_wire)
		burst->stage = WEIR_STAGE_FINISH;
	return WEIR_NEXT;
}

/* ---- emit ---- */

void weir_deliver_result(struct weir_burst *burst, uint32_t number, enum hal_result result,
			 struct weir_firmware *firmware)
{
	struct weir_delivery *delivery = &burst->deliveries[number];

	if (result == HAL_DONE || delivery->failed)
		return;
	delivery->failed = true;
	for (uint32_t i = 0; i < delivery->buffers; i++) {
		struct weir_rx_completion *entry = &burst->completions[delivery->first_entry + i];

		entry->length = 0;
		entry->flags |= weir_cpu_to_le32(WEIR_RXC_ERROR_MASK);
	}
	/* HAL_RESET: a function of the pair is being reset; nothing to blame anybody for. */
	if (result != HAL_FAULT && result != HAL_FAULT_SOURCE)
		return;
	bool source = result == HAL_FAULT_SOURCE || delivery->queue == WEIR_NO_QUEUE;
	struct weir_function *function;

	if (source) {
		struct weir_frame *frame = &burst->frames[delivery->frame];

		/* Once, however many would have got it. */
		if (burst->from_wire || frame->failed)
			return;
		frame->failed = true;
		burst->source->stats[WEIR_STAT_VPORT_TX_DROPPED_FAULT]++;
		firmware->tx_queues[burst->queue].stats[WEIR_STAT_TX_QUEUE_DROPPED]++;
		function = &firmware->functions[burst->source->function];
	} else {
		function = &firmware->functions[firmware->rx_queues[delivery->queue].function];
	}
	function->stats[WEIR_STAT_FUNCTION_DMA_FAULTS]++;
	weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_DMA_FAULT,
			  source ? "frame cannot be read, queue pair"
				 : "receive buffer cannot be written, queue pair",
			  (source ? burst->queue : delivery->queue) - function->first_queue);
}

/* Where emission stands within a delivery: operations are numbered, those already submitted are passed over. */
struct emission {
	struct weir_firmware *firmware;
	struct weir_burst *burst;
	const struct weir_delivery *delivery;
	const struct weir_rx_queue *queue;
	hal_tag tag;
	uint32_t number;    /* of the delivery */
	uint32_t operation; /* next */
	uint32_t buffer;    /* current, and how full it is */
	uint32_t filled;
};

/* Writes a piece (device memory, or the host's when from is NULL) over as many buffers as it needs; false: HAL was busy. */
static bool emit_piece(struct emission *emission, const uint8_t *from,
		       const struct hal_segment *segment, uint32_t bytes)
{
	struct hal *hal = emission->firmware->hal;
	struct weir_burst *burst = emission->burst;
	const struct weir_rx_queue *queue = emission->queue;
	uint32_t done = 0;

	while (done < bytes) {
		uint32_t take = queue->buffer_bytes - emission->filled;
		enum hal_result result;

		if (take > bytes - done)
			take = bytes - done;
		if (emission->operation >= burst->emit_operation) {
			uint64_t address = burst->entry_address[emission->delivery->first_entry +
								emission->buffer] +
					   emission->filled;

			if (from)
				result = hal_dma_write(hal, queue->requester, address, from + done,
						       take, emission->tag);
			else
				result = hal_dma_copy(hal, queue->requester, address,
						      segment->requester, segment->address + done,
						      take, emission->tag);
			if (WEIR_UNLIKELY(weir_burst_submitted(burst, result))) {
				burst->emit_operation = (uint16_t)emission->operation;
				return false;
			}
			if (WEIR_UNLIKELY(result < 0))
				weir_deliver_result(burst, emission->number, result,
						    emission->firmware);
		}
		emission->operation++;
		done += take;
		emission->filled += take;
		if (emission->filled == queue->buffer_bytes) {
			emission->buffer++;
			emission->filled = 0;
		}
	}
	return true;
}

static void store_tag(uint8_t *to, const struct weir_frame *frame)
{
	to[0] = (uint8_t)(frame->way.tag_protocol >> 8);
	to[1] = (uint8_t)frame->way.tag_protocol;
	to[2] = (uint8_t)(frame->way.tci >> 8);
	to[3] = (uint8_t)frame->way.tci;
}

/* The ordinary case: a frame as it is, into one buffer. */
static bool emit_whole(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number)
{
	const struct weir_delivery *delivery = &burst->deliveries[number];
	const struct weir_frame *frame = &burst->frames[delivery->frame];
	const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
	uint64_t address = burst->entry_address[delivery->first_entry];
	hal_tag tag = weir_burst_tag(burst, WEIR_ITEM_DELIVERY(number));
	enum hal_result result;

	if (WEIR_LIKELY(!burst->emit_operation)) {
		result = hal_dma_write(firmware->hal, queue->requester, address, frame->header,
				       frame->header_bytes, tag);
		if (WEIR_UNLIKELY(weir_burst_submitted(burst, result)))
			return false;
		if (WEIR_UNLIKELY(result < 0))
			weir_deliver_result(burst, number, result, firmware);
	}
	address += frame->header_bytes;
	for (uint32_t i = 0; i < frame->segments; i++) {
		const struct hal_segment *segment = &burst->segments[frame->first_segment + i];

		if (i + 1 >= burst->emit_operation) {
			result = hal_dma_copy(firmware->hal, queue->requester, address,
					      segment->requester, segment->address, segment->bytes,
					      tag);
			if (WEIR_UNLIKELY(weir_burst_submitted(burst, result))) {
				burst->emit_operation = (uint16_t)(i + 1);
				return false;
			}
			if (WEIR_UNLIKELY(result < 0))
				weir_deliver_result(burst, number, result, firmware);
		}
		address += segment->bytes;
	}
	return true;
}

static bool emit_to_queue(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number)
{
	struct weir_delivery *delivery = &burst->deliveries[number];
	const struct weir_frame *frame = &burst->frames[delivery->frame];
	const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
	bool whole = !delivery->strip && !frame->way.tag_inserted &&
		     !(frame->way.rest == 16 && !frame->way.tagged);

	/* Once, also when the HAL was busy at the first operation. */
	if (WEIR_UNLIKELY(frame->trace) && !delivery->traced) {
		delivery->traced = true;
		weir_trace_step(firmware, frame, WEIR_TRACE_KIND_DMA_STARTED, queue,
				burst->entry_address[delivery->first_entry], delivery->bytes,
				weir_le16_to_cpu(burst->completions[delivery->first_entry].buffer));
	}
	if (WEIR_LIKELY(whole && delivery->buffers == 1))
		return emit_whole(firmware, burst, number);
	struct emission emission = {
		firmware, burst, delivery, queue, weir_burst_tag(burst, WEIR_ITEM_DELIVERY(number)),
		number,	  0,	 0,	   0
	};

	if (whole) {
		if (!emit_piece(&emission, frame->header, NULL, frame->header_bytes))
			return false;
	} else {
		uint8_t *tag = burst->tags[delivery->frame];

		if (!emit_piece(&emission, frame->header, NULL, 12))
			return false;
		if (!delivery->strip && frame->way.tagged) {
			store_tag(tag, frame);
			if (!emit_piece(&emission, tag, NULL, 4))
				return false;
		}
		if (!emit_piece(&emission, frame->header + frame->way.rest, NULL,
				frame->header_bytes - frame->way.rest))
			return false;
	}
	for (uint32_t i = 0; i < frame->segments; i++) {
		const struct hal_segment *segment = &burst->segments[frame->first_segment + i];

		if (!emit_piece(&emission, NULL, segment, segment->bytes))
			return false;
	}
	return true;
}

/* What went out of a port. */
struct sent {
	uint64_t frames, bytes;
};

static bool emit_to_wire(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number,
			 struct sent *sent)
{
	const struct weir_frame *frame = &burst->frames[burst->deliveries[number].frame];
	const uint8_t *header = frame->header;
	uint32_t header_bytes = frame->header_bytes;
	uint8_t port = burst->source->port;

	if (WEIR_UNLIKELY(frame->way.tag_inserted)) {
		uint8_t *copy = burst->wire_headers[burst->deliveries[number].frame];

		memcpy(copy, header, 12);
		store_tag(copy + 12, frame);
		memcpy(copy + 16, header + frame->way.rest, header_bytes - frame->way.rest);
		header = copy;
		header_bytes = header_bytes - frame->way.rest + 16;
	}
	enum hal_result result = hal_transmit(firmware->hal, port, header, header_bytes,
					      &burst->segments[frame->first_segment],
					      frame->segments,
					      weir_burst_tag(burst, WEIR_ITEM_DELIVERY(number)));

	if (WEIR_UNLIKELY(weir_burst_submitted(burst, result)))
		return false;
	if (WEIR_LIKELY(result >= 0)) {
		sent->frames++;
		sent->bytes += bare_bytes(frame) + (frame->way.tagged ? 4 : 0);
	} else if (result == HAL_UNSUPPORTED) {
		firmware->port_stats[port][firmware->links[port].up
						   ? WEIR_STAT_PORT_TX_DROPPED_WIRE
						   : WEIR_STAT_PORT_TX_DROPPED_LINK_DOWN]++;
	} else {
		weir_deliver_result(burst, number, result, firmware);
	}
	return true;
}

enum weir_stage_answer weir_stage_emit(struct weir_firmware *firmware, struct weir_burst *burst)
{
	uint32_t number = burst->emit_delivery;
	struct sent sent = { 0, 0 };

	for (; number < burst->delivery_count; number++) {
		bool emitted = burst->deliveries[number].queue == WEIR_NO_QUEUE
				       ? emit_to_wire(firmware, burst, number, &sent)
				       : emit_to_queue(firmware, burst, number);

		if (WEIR_UNLIKELY(!emitted))
			break;
		burst->emit_operation = 0;
	}
	if (sent.frames) {
		uint64_t *stats = firmware->port_stats[burst->source->port];

		stats[WEIR_STAT_PORT_TX_FRAMES] += sent.frames;
		stats[WEIR_STAT_PORT_TX_BYTES] += sent.bytes;
	}
	burst->emit_delivery = (uint16_t)number;
	if (number < burst->delivery_count)
		return WEIR_RETRY;
	if (burst->pending)
		return WEIR_WAIT;
	burst->complete_cursor = 0;
	burst->stage = WEIR_STAGE_COMPLETE;
	return WEIR_NEXT;
}

/* ---- complete ---- */

enum weir_stage_answer weir_stage_complete(struct weir_firmware *firmware, struct weir_burst *burst)
{
	while (burst->complete_cursor < burst->completion_count) {
		uint32_t first = burst->complete_cursor, last = burst->entry_delivery[first];
		const struct weir_delivery *delivery = &burst->deliveries[last];
		const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
		uint32_t mask = (1u << queue->completion_log2) - 1;
		uint32_t slot = (delivery->slot + first - delivery->first_entry) & mask, count;

		/* Deliveries to one queue in a row lie together in its ring, but for the ring's end: one write. */
		while (last + 1 < burst->delivery_count &&
		       burst->deliveries[last + 1].queue == delivery->queue)
			last++;
		count = burst->deliveries[last].first_entry + burst->deliveries[last].buffers -
			first;
		count = least(count, mask + 1 - slot);

		enum hal_result result = hal_dma_write_entries(
			firmware->hal, queue->requester,
			queue->completion_address +
				(uint64_t)slot * sizeof(struct weir_rx_completion),
			&burst->completions[first], sizeof(struct weir_rx_completion), count,
			weir_burst_tag(burst, WEIR_ITEM_COMPLETION + burst->entry_delivery[first]));

		if (weir_burst_submitted(burst, result))
			return WEIR_RETRY;
		if (result == HAL_FAULT)
			weir_rx_stop(firmware, &firmware->rx_queues[queue->index],
				     WEIR_MISBEHAVIOUR_DMA_FAULT,
				     "completion ring cannot be written, slot", slot);
		burst->complete_cursor = (uint16_t)(first + count);
	}
	if (burst->pending)
		return WEIR_WAIT;
	burst->stage = WEIR_STAGE_NOTIFY;
	return WEIR_NEXT;
}

static void count_cast(uint64_t *stats, const struct weir_frame *frame)
{
	if (frame->way.cast == WEIR_MULTICAST)
		stats[WEIR_STAT_VPORT_RX_MULTICAST]++;
	else if (frame->way.cast == WEIR_BROADCAST_FRAME)
		stats[WEIR_STAT_VPORT_RX_BROADCAST]++;
}

enum weir_stage_answer weir_stage_notify(struct weir_firmware *firmware, struct weir_burst *burst)
{
	uint32_t at = 0;

	while (at < burst->delivery_count) {
		uint32_t first = at, index = burst->deliveries[at].queue, frames = 0;
		uint64_t bytes = 0;

		if (index == WEIR_NO_QUEUE) {
			at++;
			continue;
		}
		struct weir_rx_queue *queue = &firmware->rx_queues[index];
		uint64_t *stats = firmware->vports[queue->vport].stats;

		/* Frames to one queue in a row are counted, and interrupt, as one. */
		for (; at < burst->delivery_count && burst->deliveries[at].queue == index; at++) {
			const struct weir_delivery *delivery = &burst->deliveries[at];
			const struct weir_frame *frame = &burst->frames[delivery->frame];

			if (WEIR_UNLIKELY(delivery->failed)) {
				stats[WEIR_STAT_VPORT_RX_DROPPED_FAULT]++;
				continue;
			}
			frames++;
			bytes += delivery->bytes;
			if (WEIR_UNLIKELY(frame->way.cast != WEIR_UNICAST))
				count_cast(stats, frame);
			if (WEIR_UNLIKELY(frame->trace) && queue->armed)
				weir_trace_step(firmware, frame, WEIR_TRACE_KIND_INTERRUPT_RAISED,
						queue, 0, 0, queue->vector);
		}
		stats[WEIR_STAT_VPORT_RX_FRAMES] += frames;
		stats[WEIR_STAT_VPORT_RX_BYTES] += bytes;
		queue->stats[WEIR_STAT_RX_QUEUE_FRAMES] += frames;
		queue->stats[WEIR_STAT_RX_QUEUE_BYTES] += bytes;
		queue->deliveries = (uint16_t)(queue->deliveries - (at - first));
		queue->references -= at - first;
		firmware->functions[queue->function].references -= at - first;
		weir_rx_notify(firmware, queue);
		/* Before it has to be waited for. */
		if ((uint16_t)(queue->fetched - queue->used) < 2 * WEIR_BUFFERS_AHEAD)
			weir_rx_refill(firmware, queue, 2 * WEIR_BUFFERS_AHEAD);
	}
	burst->delivery_count = 0;
	burst->completion_count = 0;
	burst->emit_delivery = 0;
	burst->stage = WEIR_STAGE_CLAIM;
	return WEIR_NEXT;
}
