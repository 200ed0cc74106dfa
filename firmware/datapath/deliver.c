/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage that moves frames: into receive buffers and out of wire ports (specs/data-queues.md, "Receive"). Completions follow in
 * complete.c.
 */
#include "emit.h"
#include "hold.h"

/* The source's memory could not be read: once for a frame, however many would have got it. */
static void source_fault(struct weir_firmware *firmware, struct weir_burst *burst,
			 struct weir_frame *frame)
{
	struct weir_function *function;

	if (burst->from_wire || frame->failed)
		return;
	frame->failed = true;
	function = &firmware->functions[burst->source->function];
	burst->source->stats[WEIR_STAT_VPORT_TX_DROPPED_FAULT]++;
	firmware->tx_queues[burst->queue].stats[WEIR_STAT_TX_QUEUE_DROPPED]++;
	function->stats[WEIR_STAT_FUNCTION_DMA_FAULTS]++;
	weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_DMA_FAULT,
			  "frame cannot be read, queue pair", burst->queue - function->first_queue);
}

/* All completions of the frame that entry belongs to say ERROR; false: they did already. */
static bool fail_frame(struct weir_burst *burst, struct weir_delivery *delivery, uint32_t entry)
{
	uint32_t end = entry + 1;

	/* Several frames have an entry each. */
	if (delivery->frames == 1) {
		entry = delivery->first_entry;
		end = entry + delivery->entries;
	}
	if (weir_le32_to_cpu(burst->completions[entry].flags) & WEIR_RXC_ERROR_MASK)
		return false;
	delivery->failed++;
	/* An aggregate has one completion, which says how many buffers come back. */
	if (WEIR_UNLIKELY(delivery->segments)) {
		delivery->bytes = 0;
		burst->completions[entry].flags |= weir_cpu_to_le32(WEIR_RXC_ERROR_MASK);
		return true;
	}
	for (; entry < end; entry++) {
		struct weir_rx_completion *completion = &burst->completions[entry];

		delivery->bytes -= weir_le16_to_cpu(completion->length);
		completion->length = 0;
		completion->flags |= weir_cpu_to_le32(WEIR_RXC_ERROR_MASK);
	}
	return true;
}

void weir_deliver_result(struct weir_burst *burst, uint32_t entry, enum hal_result result,
			 struct weir_firmware *firmware)
{
	struct weir_delivery *delivery = burst->deliveries;

	if (result == HAL_DONE)
		return;
	while (entry >= (uint32_t)delivery->first_entry + delivery->entries)
		delivery++;
	if (!fail_frame(burst, delivery, entry))
		return;
	/* HAL_RESET: a function of the pair is being reset; nothing to blame anybody for. */
	if (result == HAL_FAULT_SOURCE) {
		uint32_t ahead = delivery->frames == 1 ? 0 : entry - delivery->first_entry;

		source_fault(firmware, burst, &burst->frames[delivery->frame + ahead]);
	} else if (result == HAL_FAULT) {
		struct weir_function *function =
			&firmware->functions[firmware->rx_queues[delivery->queue].function];

		function->stats[WEIR_STAT_FUNCTION_DMA_FAULTS]++;
		weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_DMA_FAULT,
				  "receive buffer cannot be written, queue pair",
				  delivery->queue - function->first_queue);
	}
}

void weir_wire_result(struct weir_burst *burst, uint32_t number, enum hal_result result,
		      struct weir_firmware *firmware)
{
	uint64_t *stats = firmware->port_stats[burst->source->port];

	if (result != HAL_DONE)
		burst->sent_ns[number] = WEIR_NO_TIME;
	if (result == HAL_DONE) {
		stats[WEIR_STAT_PORT_TX_FRAMES]++;
		stats[WEIR_STAT_PORT_TX_BYTES] += weir_frame_whole_bytes(&burst->frames[number]);
	} else if (result == HAL_LINK_DOWN) {
		stats[WEIR_STAT_PORT_TX_DROPPED_LINK_DOWN]++;
	} else if (result == HAL_DROPPED) {
		stats[WEIR_STAT_PORT_TX_DROPPED_WIRE]++;
	} else if (result != HAL_RESET) {
		source_fault(firmware, burst, &burst->frames[number]);
	}
}

/* Where a piece of a payload lies, for its sum: from the frame's beginning, which is an even place; or from the end. */
static inline uint32_t sum_place(const struct weir_payload *payload, uint32_t place, uint32_t bytes)
{
	return payload->sum.kind == HAL_SUM_INTERNET ? place : payload->end - place - bytes;
}

/* Writes a piece that fits its buffer. */
static enum hal_result write_piece(const struct weir_emission *emission,
				   const struct weir_piece *piece, uint64_t address)
{
	struct hal *hal = emission->firmware->hal;
	struct hal_requester to = emission->queue->requester;
	const struct hal_segment *segment = piece->segment;

	if (WEIR_LIKELY(!piece->summed))
		return piece->from ? hal_dma_write(hal, to, address, piece->from + piece->offset,
						   piece->bytes, emission->tag)
				   : hal_dma_copy(hal, to, address, segment->requester,
						  segment->address + piece->offset, piece->bytes,
						  emission->tag);
	struct weir_payload *payload = emission->payload;
	uint32_t place = sum_place(payload, piece->place, piece->bytes);

	return piece->from ? hal_dma_write_sum(hal, to, address, piece->from + piece->offset,
					       piece->bytes, &payload->sum, place, emission->tag)
			   : hal_dma_copy_sum(hal, to, address, segment->requester,
					      segment->address + piece->offset, piece->bytes,
					      &payload->sum, place, emission->tag);
}

bool weir_emit_piece(struct weir_emission *emission, struct weir_piece piece)
{
	struct weir_burst *burst = emission->burst;
	uint32_t left = piece.bytes;

	while (left) {
		piece.bytes = emission->room - emission->filled;
		if (piece.bytes > left)
			piece.bytes = left;
		if (!emission->silent && emission->buffer >= emission->from &&
		    emission->buffer < emission->to &&
		    emission->operation++ >= burst->emit_operation) {
			enum hal_result result = write_piece(
				emission, &piece,
				burst->entry_address[emission->first_entry + emission->buffer] +
					emission->filled);

			if (WEIR_UNLIKELY(weir_burst_submitted(burst, result))) {
				burst->emit_operation = (uint16_t)(emission->operation - 1);
				return false;
			}
			if (WEIR_UNLIKELY(result < 0))
				weir_deliver_result(burst, emission->first_entry, result,
						    emission->firmware);
		}
		left -= piece.bytes;
		piece.offset += piece.bytes;
		piece.place += piece.bytes;
		emission->filled += piece.bytes;
		if (emission->filled == emission->room) {
			emission->buffer++;
			emission->room = emission->queue->buffer_bytes;
			emission->filled = 0;
		}
	}
	return true;
}

/* The same for a piece at `place` of the frame of which a part may be summed. */
static bool emit_at(struct weir_emission *emission, const uint8_t *from,
		    const struct hal_segment *segment, uint32_t bytes, uint32_t place)
{
	struct weir_piece piece = { from, segment, 0, bytes, false, place };

	if (WEIR_LIKELY(!emission->payload))
		return weir_emit_piece(emission, piece);
	/* Header, payload, padding. */
	const uint32_t borders[] = { emission->payload->begin, emission->payload->end, UINT32_MAX };

	for (uint32_t i = 0; i < WEIR_ARRAY_SIZE(borders) && bytes; i++) {
		if (piece.place >= borders[i])
			continue;
		piece.bytes = borders[i] - piece.place < bytes ? borders[i] - piece.place : bytes;
		piece.summed = i == 1;
		if (!weir_emit_piece(emission, piece))
			return false;
		bytes -= piece.bytes;
		piece.offset += piece.bytes;
		piece.place += piece.bytes;
	}
	return true;
}

static void store_tag(uint8_t *to, uint16_t protocol, uint16_t tci)
{
	to[0] = (uint8_t)(protocol >> 8);
	to[1] = (uint8_t)protocol;
	to[2] = (uint8_t)(tci >> 8);
	to[3] = (uint8_t)tci;
}

/* The tags that are put in, for which `to` has room. */
static void store_tags(uint8_t *to, const struct weir_way *way)
{
	store_tag(to, way->tag_protocol, way->tci);
	if (way->tags_inserted > 1)
		store_tag(to + 4, WEIR_TPID_8021Q, way->inner_tci);
}

/* Where in a header copy that begins which its receiver gets behind the tags that are put in. */
static uint32_t rest_of(const struct weir_way *way, uint32_t strip)
{
	/* Of two tags that are not shown the second one may lie in the copy. */
	return way->rest + (strip > 1 && way->tags_inserted < 2 ? 4u : 0u);
}

uint32_t weir_store_head(uint8_t *to, const struct weir_way *way, uint32_t strip,
			 const uint8_t *header, uint32_t bytes)
{
	uint32_t inserted = way->tags_inserted, rest = rest_of(way, strip),
		 shown = inserted > strip ? 4 * (inserted - strip) : 0;
	uint8_t tags[8];

	if (!(inserted | strip)) {
		memcpy(to, header, bytes);
		return bytes;
	}
	memcpy(to, header, 12);
	store_tags(tags, way);
	memcpy(to + 12, tags + 4 * inserted - shown, shown);
	memcpy(to + 12 + shown, header + rest, bytes - rest);
	return 12 + shown + bytes - rest;
}

/*
 * Segments of a frame from `operation` on into the buffer behind its header; false: HAL was busy. Operation 0 was the header. Without
 * a payload to be summed it is NULL.
 */
static inline bool emit_segments(struct weir_firmware *firmware, struct weir_burst *burst,
				 const struct weir_rx_queue *queue, const struct weir_frame *frame,
				 uint32_t entry, uint32_t operation, struct weir_payload *payload)
{
	uint64_t address = burst->entry_address[entry] + frame->header_bytes;
	hal_tag tag = weir_burst_tag(burst, WEIR_ITEM_ENTRY(entry));
	uint32_t place = frame->header_bytes;

	for (uint32_t i = 0; i < frame->segments; i++) {
		const struct hal_segment *segment = &burst->segments[frame->first_segment + i];

		if (i + 1 >= operation) {
			enum hal_result result =
				payload ? hal_dma_copy_sum(
						  firmware->hal, queue->requester, address,
						  segment->requester, segment->address,
						  segment->bytes, &payload->sum,
						  sum_place(payload, place, segment->bytes), tag)
					: hal_dma_copy(firmware->hal, queue->requester, address,
						       segment->requester, segment->address,
						       segment->bytes, tag);

			if (WEIR_UNLIKELY(weir_burst_submitted(burst, result))) {
				burst->emit_operation = (uint16_t)(i + 1);
				return false;
			}
			if (WEIR_UNLIKELY(result < 0))
				weir_deliver_result(burst, entry, result, firmware);
		}
		address += segment->bytes;
		place += segment->bytes;
	}
	return true;
}

/*
 * The ordinary case: frames as they are, into one buffer each, from the first on that was not begun yet. False: HAL was busy. What the
 * loop needs is at hand in variables: its stores into host memory could be to anything, for all that the compiler knows.
 */
static bool emit_whole(struct weir_firmware *firmware, struct weir_burst *burst,
		       const struct weir_delivery *delivery)
{
	const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
	const struct hal_requester requester = queue->requester;
	struct hal *hal = firmware->hal;
	uint32_t operation = burst->emit_operation, number = burst->emit_frame,
		 frames = delivery->frames;
	uint32_t first_entry = delivery->first_entry;
	const struct weir_frame *frame = &burst->frames[delivery->frame + number];
	hal_tag tag = weir_burst_tag(burst, WEIR_ITEM_ENTRY(0));

	for (; number < frames; number++, frame++) {
		uint32_t entry = first_entry + number;

		if (WEIR_LIKELY(!operation)) {
			enum hal_result result =
				hal_dma_write(hal, requester, burst->entry_address[entry],
					      frame->header, frame->header_bytes, tag | entry);

			if (WEIR_UNLIKELY(result != HAL_DONE)) {
				if (weir_burst_submitted(burst, result))
					break;
				if (result < 0)
					weir_deliver_result(burst, entry, result, firmware);
			}
		}
		if (WEIR_UNLIKELY(frame->segments)) {
			if (!emit_segments(firmware, burst, queue, frame, entry, operation, NULL))
				break;
			burst->emit_operation = 0;
			operation = 0;
		}
	}
	burst->emit_frame = (uint16_t)number;
	return number == frames;
}

bool weir_emit_head(struct weir_emission *emission, const struct weir_delivery *delivery,
		    const struct weir_frame *frame, uint32_t number)
{
	struct weir_burst *burst = emission->burst;
	uint32_t inserted = frame->way.tags_inserted, strip = delivery->strip;
	uint32_t rest = rest_of(&frame->way, strip);

	if (weir_frame_goes_whole(frame, delivery->strip))
		return emit_at(emission, frame->header, NULL, frame->header_bytes, 0);
	if (!emit_at(emission, frame->header, NULL, 12, 0))
		return false;
	if (inserted > strip) {
		uint8_t *tags = burst->wire_headers[number] + 12;

		/* For whichever copy asks first. */
		store_tags(tags, &frame->way);
		if (!weir_emit_piece(emission,
				     (struct weir_piece){ tags + 4 * strip, NULL, 0,
							  4 * (inserted - strip), false, 0 }))
			return false;
	}
	return emit_at(emission, frame->header + rest, NULL, frame->header_bytes - rest, rest);
}

struct weir_emission weir_emission_of(struct weir_firmware *firmware, struct weir_burst *burst,
				      const struct weir_delivery *delivery, uint32_t ahead)
{
	uint32_t entry = delivery->first_entry + ahead;
	const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];

	return (struct weir_emission){
		.firmware = firmware,
		.burst = burst,
		.queue = queue,
		.room = delivery->header_bytes ? delivery->header_bytes : queue->buffer_bytes,
		.from = delivery->ahead, /* the header is there */
		.to = UINT32_MAX,
		.payload = delivery->summed && burst->payloads[entry].end ? &burst->payloads[entry]
									  : NULL,
		.tag = weir_burst_tag(burst, WEIR_ITEM_ENTRY(entry)),
		.first_entry = entry,
	};
}

/* As far as its buffers are to be written. False: HAL was busy. */
static bool emit_frame(struct weir_emission *emission, const struct weir_delivery *delivery,
		       uint32_t ahead)
{
	struct weir_burst *burst = emission->burst;
	const struct weir_frame *frame = &burst->frames[delivery->frame + ahead];
	uint32_t place = frame->header_bytes;

	emission->silent = emission->payload && emission->payload->header_waits;
	if (!weir_emit_head(emission, delivery, frame, delivery->frame + ahead))
		return false;
	emission->silent = false;
	for (uint32_t i = 0; i < frame->segments; i++) {
		const struct hal_segment *segment = &burst->segments[frame->first_segment + i];

		if (!emit_at(emission, NULL, segment, segment->bytes, place))
			return false;
		place += segment->bytes;
	}
	burst->emit_operation = 0;
	return true;
}

/* A frame whose tag is put in or taken out, that needs several buffers, or that is summed: number `ahead` of the delivery. False: HAL
 * was busy. */
static bool emit_in_pieces(struct weir_firmware *firmware, struct weir_burst *burst,
			   const struct weir_delivery *delivery, uint32_t ahead)
{
	struct weir_emission emission = weir_emission_of(firmware, burst, delivery, ahead);

	return emit_frame(&emission, delivery, ahead);
}

bool weir_emit_split_header(struct weir_firmware *firmware, struct weir_burst *burst,
			    const struct weir_delivery *delivery)
{
	struct weir_emission emission = weir_emission_of(firmware, burst, delivery, 0);

	emission.from = 0;
	emission.to = 1;
	return emit_frame(&emission, delivery, 0);
}

/* Does a summed frame go as it is, in one buffer, and is all of it summed from where its sum begins? */
static inline bool is_sum_of_rest(const struct weir_burst *burst,
				  const struct weir_delivery *delivery, uint32_t ahead)
{
	const struct weir_frame *frame = &burst->frames[delivery->frame + ahead];

	return delivery->entries == delivery->frames &&
	       weir_frame_goes_whole(frame, delivery->strip) &&
	       burst->payloads[delivery->first_entry + ahead].end == frame->bytes;
}

/* The header of such a frame. False: HAL was busy. */
static inline bool write_header(struct weir_firmware *firmware, struct weir_burst *burst,
				const struct weir_delivery *delivery, uint32_t ahead)
{
	const struct weir_frame *frame = &burst->frames[delivery->frame + ahead];
	uint32_t entry = delivery->first_entry + ahead;
	enum hal_result result =
		hal_dma_write(firmware->hal, firmware->rx_queues[delivery->queue].requester,
			      burst->entry_address[entry], frame->header, weir_frame_copied(frame),
			      weir_burst_tag(burst, WEIR_ITEM_ENTRY(entry)));

	if (WEIR_UNLIKELY(weir_burst_submitted(burst, result)))
		return false;
	if (WEIR_UNLIKELY(result < 0))
		weir_deliver_result(burst, entry, result, firmware);
	return true;
}

/* What is summed in device memory, the header too or what is behind it: of a frame from the wire, which has no segments. False: HAL was
 * busy. */
static inline bool write_rest(struct weir_firmware *firmware, struct weir_burst *burst,
			      const struct weir_rx_queue *queue, const struct weir_frame *frame,
			      uint32_t entry)
{
	struct weir_payload *payload = &burst->payloads[entry];
	uint32_t begin = payload->begin, bytes = frame->header_bytes - begin;
	enum hal_result result = hal_dma_write_sum(firmware->hal, queue->requester,
						   burst->entry_address[entry] + begin,
						   frame->header + begin, bytes, &payload->sum,
						   sum_place(payload, begin, bytes),
						   weir_burst_tag(burst, WEIR_ITEM_ENTRY(entry)));

	if (WEIR_UNLIKELY(weir_burst_submitted(burst, result)))
		return false;
	if (WEIR_UNLIKELY(result < 0))
		weir_deliver_result(burst, entry, result, firmware);
	return true;
}

/* The same as emit_in_pieces() of such a frame: operation 0 is the header that is not summed, the others follow. */
static bool emit_sum_of_rest(struct weir_firmware *firmware, struct weir_burst *burst,
			     const struct weir_delivery *delivery, uint32_t ahead)
{
	const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
	const struct weir_frame *frame = &burst->frames[delivery->frame + ahead];
	uint32_t entry = delivery->first_entry + ahead;
	struct weir_payload *payload = &burst->payloads[entry];

	if (!burst->emit_operation && payload->begin && !payload->header_waits) {
		if (!write_header(firmware, burst, delivery, ahead))
			return false;
		burst->emit_operation = 1;
	}
	if (frame->segments ? !emit_segments(firmware, burst, queue, frame, entry,
					     burst->emit_operation, payload)
			    : !write_rest(firmware, burst, queue, frame, entry))
		return false;
	burst->emit_operation = 0;
	return true;
}

bool weir_emit_header(struct weir_firmware *firmware, struct weir_burst *burst,
		      const struct weir_delivery *delivery, uint32_t ahead)
{
	uint32_t number = delivery->frame + ahead;
	struct weir_emission emission;

	if (WEIR_LIKELY(is_sum_of_rest(burst, delivery, ahead)))
		return write_header(firmware, burst, delivery, ahead);
	emission = weir_emission_of(firmware, burst, delivery, ahead);
	if (!weir_emit_head(&emission, delivery, &burst->frames[number], number))
		return false;
	burst->emit_operation = 0;
	return true;
}

/* Frames that are summed: each by itself. False: HAL was busy. */
static bool emit_summed(struct weir_firmware *firmware, struct weir_burst *burst,
			const struct weir_delivery *delivery)
{
	for (; burst->emit_frame < delivery->frames; burst->emit_frame++) {
		uint32_t ahead = burst->emit_frame;

		if (!(WEIR_LIKELY(is_sum_of_rest(burst, delivery, ahead))
			      ? emit_sum_of_rest(firmware, burst, delivery, ahead)
			      : emit_in_pieces(firmware, burst, delivery, ahead)))
			return false;
	}
	return true;
}

static bool emit_to_queue(struct weir_firmware *firmware, struct weir_burst *burst,
			  struct weir_delivery *delivery)
{
	/* Nothing of an aggregate is traced. */
	if (WEIR_UNLIKELY(delivery->segments))
		return delivery->held ? weir_hold_emit(firmware, burst, delivery)
				      : weir_emit_aggregate(firmware, burst, delivery);
	const struct weir_frame *frame = &burst->frames[delivery->frame];

	/* Once, also when the HAL was busy at the first operation; in a trace each frame has a delivery of its own. */
	if (WEIR_UNLIKELY(frame->trace) && !delivery->traced) {
		delivery->traced = true;
		weir_trace_step(firmware, frame, WEIR_TRACE_KIND_DMA_STARTED,
				&firmware->rx_queues[delivery->queue],
				burst->entry_address[delivery->first_entry], delivery->bytes,
				weir_le16_to_cpu(burst->completions[delivery->first_entry].buffer));
	}
	if (WEIR_UNLIKELY(delivery->summed))
		return emit_summed(firmware, burst, delivery);
	if (WEIR_LIKELY(delivery->entries == delivery->frames &&
			weir_frame_goes_whole(frame, delivery->strip)))
		return emit_whole(firmware, burst, delivery);
	return emit_in_pieces(firmware, burst, delivery, 0);
}

/* Those of the frames looked at so far that go out of the port. False: HAL was busy. */
static bool emit_to_wire(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct hal *hal = firmware->hal;
	uint8_t port = burst->source->port;
	uint32_t number = burst->wire_frame, end = burst->next_frame;
	uint64_t frames = 0, bytes = 0;
	const struct weir_frame *frame = &burst->frames[number];
	hal_tag tag = weir_burst_tag(burst, WEIR_ITEM_WIRE(0));

	for (; number < end; number++, frame++) {
		const uint8_t *header = frame->header;
		uint32_t header_bytes = frame->header_bytes, out = frame->bytes;
		struct hal_insert insert;

		if (WEIR_UNLIKELY(!frame->way.to_wire || frame->way.route == WEIR_ROUTE_DROP))
			continue;
		if (WEIR_UNLIKELY(frame->insert))
			weir_checksum_leave(burst, number, &insert);
		if (WEIR_UNLIKELY(frame->way.tags_inserted)) {
			header = burst->wire_headers[number];
			header_bytes = weir_store_head(burst->wire_headers[number], &frame->way, 0,
						       frame->header, frame->header_bytes);
			out = weir_frame_whole_bytes(frame);
		}
		enum hal_result result = hal_transmit(
			hal, port, header, header_bytes, &burst->segments[frame->first_segment],
			frame->segments, frame->insert ? &insert : NULL,
			frame->asks_time ? &burst->sent_ns[number] : NULL, tag | number);

		if (WEIR_LIKELY(result == HAL_DONE)) {
			frames++;
			bytes += out;
		} else if (weir_burst_submitted(burst, result)) {
			break;
		} else if (result != HAL_PENDING) {
			weir_wire_result(burst, number, result, firmware);
		}
	}
	uint64_t *stats = firmware->port_stats[port];

	stats[WEIR_STAT_PORT_TX_FRAMES] += frames;
	stats[WEIR_STAT_PORT_TX_BYTES] += bytes;
	burst->wire_frame = (uint16_t)number;
	return number == end;
}

enum weir_stage_answer weir_stage_emit(struct weir_firmware *firmware, struct weir_burst *burst)
{
	for (; burst->emit_delivery < burst->delivery_count; burst->emit_delivery++) {
		if (WEIR_UNLIKELY(!emit_to_queue(firmware, burst,
						 &burst->deliveries[burst->emit_delivery])))
			return WEIR_RETRY;
		burst->emit_frame = 0;
	}
	if (burst->to_wire) {
		if (WEIR_UNLIKELY(!emit_to_wire(firmware, burst)))
			return WEIR_RETRY;
		burst->to_wire = false;
	}
	if (burst->pending)
		return WEIR_WAIT;
	burst->complete_delivery = burst->complete_entry = 0;
	burst->stage = WEIR_UNLIKELY(burst->seals) ? WEIR_STAGE_SEAL : WEIR_STAGE_COMPLETE;
	return WEIR_NEXT;
}
