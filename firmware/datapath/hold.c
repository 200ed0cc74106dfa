/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Aggregates that are kept open beyond their burst (specs/coalescing.md, "Waiting for more"). Payload is written when it comes, behind
 * what is there; header and completion when the aggregate is closed, by the burst of the frame that closes it, or by one made for that
 * purpose. As its buffers lie in a row, whatever else takes one of the queue's buffers closes it first.
 */
#include "hold.h"
#include "emit.h"

#define NO_FRAME UINT8_MAX /* of a delivery that closes an aggregate and adds nothing to it */

_Static_assert(WEIR_BURST_FRAMES <= NO_FRAME, "no frame has that number");
_Static_assert(WEIR_HELD < UINT8_MAX, "places + 1 fit a queue's member");
_Static_assert(WEIR_HELD <= WEIR_BURST_DELIVERIES && WEIR_HELD <= WEIR_BURST_COMPLETIONS,
	       "all of a card leave in one burst");

size_t weir_hold_bytes(void)
{
	return WEIR_HELD * sizeof(struct weir_held);
}

void weir_hold_init(struct weir_firmware *firmware, void *memory)
{
	firmware->held = memory;
	for (uint32_t i = 0; i < WEIR_HELD; i++)
		firmware->held[i].next = (uint8_t)(i + 1 < WEIR_HELD ? i + 2 : 0);
	firmware->held_free = 1;
}

/* ---- life ---- */

static uint32_t place_of(const struct weir_firmware *firmware, const struct weir_held *held)
{
	return (uint32_t)(held - firmware->held);
}

static struct weir_head head_of(const struct weir_held *held)
{
	return (struct weir_head){ held->header, &held->way, &held->layer };
}

static void leave(struct weir_firmware *firmware, struct weir_held *held)
{
	weir_timer_stop(firmware, &held->timer);
	firmware->held_leaving = (uint8_t)(firmware->held_leaving + !held->leaves);
	held->leaves = true;
}

/* Nothing more is added: it is its queue's no longer. */
static void detach(struct weir_firmware *firmware, struct weir_held *held)
{
	weir_timer_stop(firmware, &held->timer);
	firmware->held_leaving = (uint8_t)(firmware->held_leaving - held->leaves);
	firmware->rx_queues[held->queue].held = 0;
	held->leaves = held->open = false;
}

static void give_back(struct weir_firmware *firmware, struct weir_held *held)
{
	held->next = firmware->held_free;
	firmware->held_free = (uint8_t)(place_of(firmware, held) + 1);
}

static void count_dropped(struct weir_firmware *firmware, const struct weir_held *held)
{
	uint16_t vport = firmware->rx_queues[held->queue].vport;

	firmware->vports[vport].stats[WEIR_STAT_VPORT_RX_DROPPED_FAULT] += held->run.segments;
}

void weir_hold_drop(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	if (!queue->held)
		return;
	struct weir_held *held = &firmware->held[queue->held - 1];

	detach(firmware, held);
	/* A burst that writes to it does not know yet. */
	held->dropped = held->burst != 0;
	if (held->dropped)
		return;
	count_dropped(firmware, held);
	give_back(firmware, held);
}

void weir_hold_wake(struct weir_firmware *firmware, const struct weir_rx_queue *queue)
{
	if (queue->held && !firmware->held[queue->held - 1].timer)
		leave(firmware, &firmware->held[queue->held - 1]);
}

void weir_hold_end(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	if (!queue->held)
		return;
	if (hal_function_usable(firmware->hal, queue->function))
		leave(firmware, &firmware->held[queue->held - 1]);
	else
		weir_hold_drop(firmware, queue);
}

void weir_vport_release(struct weir_firmware *firmware, const struct weir_vport *vport)
{
	for (uint32_t i = 0; i < WEIR_HELD; i++) {
		struct weir_held *held = &firmware->held[i];

		if (held->open && firmware->rx_queues[held->queue].vport == vport->index)
			leave(firmware, held);
	}
}

/* May its function use the bus? Without bus master everything stands still where it is, until weir_hold_wake(). */
static bool may_write(const struct weir_firmware *firmware, const struct weir_held *held)
{
	return hal_function_usable(firmware->hal, firmware->rx_queues[held->queue].function);
}

void weir_hold_due(struct weir_firmware *firmware, uint32_t place)
{
	struct weir_held *held = &firmware->held[place];
	uint16_t vport = firmware->rx_queues[held->queue].vport;

	firmware->vports[vport].stats[WEIR_STAT_VPORT_RX_COALESCE_EXPIRED]++;
	weir_timer_stop(firmware, &held->timer);
	if (may_write(firmware, held))
		leave(firmware, held);
}

bool weir_hold_is_leaving(const struct weir_firmware *firmware)
{
	for (uint32_t i = 0; firmware->held_leaving && i < WEIR_HELD; i++)
		if (firmware->held[i].leaves && !firmware->held[i].burst)
			return true;
	return false;
}

/* ---- deliveries ---- */

/* A delivery that adds to an aggregate, or closes it; its first entry is the header's, and the completion's. */
static struct weir_delivery *add_delivery(struct weir_firmware *firmware, struct weir_burst *burst,
					  struct weir_held *held, uint32_t frame)
{
	struct weir_rx_queue *queue = &firmware->rx_queues[held->queue];
	struct weir_delivery *delivery = &burst->deliveries[burst->delivery_count++];
	uint32_t entry = burst->completion_count++;

	*delivery = (struct weir_delivery){
		.queue = held->queue,
		.frame = (uint8_t)frame,
		.frames = 1,
		.first_entry = (uint8_t)entry,
		.entries = 1,
		.segments = 1,
		.held = (uint8_t)(place_of(firmware, held) + 1),
		.open = true,
	};
	burst->entry_address[entry] = held->first_address;
	/* An error goes there, whether it is written or not. */
	burst->completions[entry].flags = 0;
	burst->seals = true;
	held->burst = burst->index + 1;
	queue->deliveries++;
	queue->references++;
	firmware->functions[queue->function].references++;
	return delivery;
}

/* Makes the header the one that is delivered. */
static void make_header(struct weir_held *held)
{
	uint8_t copy[sizeof(held->header)];

	if (held->run.segments > 1)
		weir_coalesce_header(held->header, &held->layer,
				     held->run.bytes - held->header_bytes - 4u * held->strip,
				     held->last_flags);
	memcpy(copy, held->header, sizeof(copy));
	held->header_bytes = (uint8_t)weir_store_head(held->header, &held->way, held->strip, copy,
						      held->layer.payload);
}

/* The delivery, the burst's last one, is what closes the aggregate. */
static void close(struct weir_firmware *firmware, struct weir_burst *burst, struct weir_held *held,
		  struct weir_delivery *delivery)
{
	struct weir_rx_queue *queue = &firmware->rx_queues[held->queue];
	const struct weir_vport *vport = &firmware->vports[queue->vport];
	const struct weir_head head = head_of(held);
	struct completion completion = held->completion;

	completion.length = held->run.bytes - 4u * held->strip;
	if (held->run.segments > 1) {
		completion.flags |= weir_run_flags(&held->run, &head);
		completion.type = weir_run_segment(&held->run, &head);
	} else if (vport->flags & WEIR_VPORT_RX_CHECKSUM) {
		/* It was verified before it was let wait. */
		completion.flags |= weir_run_flags(&held->run, &head) & ~WEIR_RXC_COALESCED_MASK;
	}
	delivery->slot = queue->produced++;
	delivery->open = false;
	store_completion(burst, delivery->first_entry, delivery->slot, queue->completion_log2,
			 completion);
	make_header(held);
	detach(firmware, held);
}

static bool has_room(const struct weir_burst *burst, uint32_t entries)
{
	return burst->delivery_count < WEIR_BURST_DELIVERIES &&
	       burst->completion_count + entries <= WEIR_BURST_COMPLETIONS;
}

/* Room in the round for a delivery that takes so many buffers, which are ready: CLAIM_DONE. CLAIM_SHORT: there are not so many; CLAIM_PASS:
 * no round has room for them. */
static enum claim_answer make_room(struct weir_firmware *firmware, struct weir_burst *burst,
				   struct weir_rx_queue *queue, uint32_t buffers)
{
	if (buffers + 2 > MOST_BUFFERS)
		return CLAIM_PASS;
	if (!has_room(burst, buffers + 2))
		return CLAIM_ROUND_FULL;
	if ((uint16_t)(queue->fetched - queue->used) >= buffers)
		return CLAIM_DONE;
	switch (weir_rx_refill(firmware, queue, buffers)) {
	case WEIR_REFILL_READY:
		return CLAIM_DONE;
	case WEIR_REFILL_PENDING:
		return CLAIM_WAIT;
	default:
		return CLAIM_SHORT;
	}
}

/* Entries for so many bytes of payload behind what is there, in buffers that are ready. */
static void place_payload(struct weir_burst *burst, struct weir_rx_queue *queue,
			  struct weir_held *held, struct weir_delivery *delivery, uint32_t bytes)
{
	uint32_t room = (uint32_t)queue->buffer_bytes - held->filled;

	delivery->header_bytes = (uint16_t)(room ? room : queue->buffer_bytes);
	while (bytes) {
		room = (uint32_t)queue->buffer_bytes - held->filled;
		if (!room) {
			held->address = queue->ready[queue->used++ & (WEIR_REFILL_ENTRIES - 1)];
			held->filled = 0;
			room = queue->buffer_bytes;
		}
		uint32_t take = least(bytes, room);

		burst->entry_address[burst->completion_count++] = held->address + held->filled;
		delivery->entries++;
		held->filled = (uint16_t)(held->filled + take);
		bytes -= take;
	}
}

/* Frame `number` and what is joined to it are in the delivery: counts them; are there any of low latency among them? */
static bool count_frames(struct weir_burst *burst, uint32_t number, struct weir_vport *vport,
			 uint32_t frames)
{
	if (!burst->from_wire)
		burst->source->stats[WEIR_STAT_VPORT_TX_LOOPED] += frames;
	return vport->low_latency.asks && weir_low_latency_joined(burst, number, vport);
}

/* ---- what comes next ---- */

/* Continues the aggregate with the frame, and as many of those that are joined to it as fit. CLAIM_PASS: none does. CLAIM_SHORT: there is
 * no buffer for them. */
static enum claim_answer go_on(struct weir_firmware *firmware, struct weir_burst *burst,
			       uint32_t number, struct weir_rx_queue *queue, struct weir_held *held)
{
	struct weir_vport *vport = &firmware->vports[queue->vport];
	const struct weir_head first = head_of(held);
	/* What has company was verified when it got it. */
	bool verified = burst->joined[number], over = false;
	struct weir_run run = held->run;
	uint32_t next = number, last = number;
	struct weir_head head;

	do {
		struct weir_head looked_at = weir_head_of(burst, next);
		bool ends = false;

		if (!weir_head_is_segment(&looked_at, &ends) ||
		    !weir_head_same_flow(&first, &looked_at) ||
		    !weir_run_goes_on(&run, &first, &looked_at, vport) ||
		    (!verified && !weir_verify_ahead(burst, next)))
			break;
		head = looked_at;
		last = next;
		weir_run_add(&run, &head);
		over = weir_run_is_over(&run, &head, ends, vport);
		next = burst->joined[next];
	} while (next && !over);

	uint32_t frames = (uint32_t)run.segments - held->run.segments,
		 bytes = run.bytes - held->run.bytes,
		 space = (uint32_t)queue->buffer_bytes - held->filled,
		 buffers = bytes > space ? buffers_of(bytes - space, queue->buffer_bytes) : 0;

	enum claim_answer room = frames ? make_room(firmware, burst, queue, buffers) : CLAIM_PASS;

	if (room != CLAIM_DONE)
		return room;
	weir_coalesce_cut(burst, last);

	struct weir_delivery *delivery = add_delivery(firmware, burst, held, number);

	place_payload(burst, queue, held, delivery, bytes);
	held->run = run;
	held->bytes += bytes + (uint64_t)frames * held->header_bytes;
	held->last_flags = weir_head_flags(&head);
	delivery->urgent = count_frames(burst, number, vport, frames);
	if (over || delivery->urgent || held->leaves)
		close(firmware, burst, held, delivery);
	return CLAIM_DONE;
}

/* Is the frame one that may wait for more, with what is joined to it? Then *run is what they are. */
static bool may_wait(struct weir_burst *burst, uint32_t number, const struct weir_vport *vport,
		     struct weir_run *run, uint8_t *last_flags)
{
	struct weir_head head = weir_head_of(burst, number);
	bool ends = false;

	/* Padding would lie in the middle. */
	if (!weir_head_is_segment(&head, &ends) || head.layer->end != burst->frames[number].bytes)
		return false;
	*run = weir_run_of(burst, number);
	/* Alone it needs its own checksum in the end, and that must be right now. */
	if (!burst->joined[number] &&
	    (ends || burst->frames[number].insert || !weir_verify_ahead(burst, number)))
		return false;
	while ((number = burst->joined[number])) {
		head = weir_head_of(burst, number);
		(void)weir_head_is_segment(&head, &ends);
		weir_run_add(run, &head);
	}
	*last_flags = weir_head_flags(&head);
	return !weir_run_is_over(run, &head, ends, vport);
}

/* Lets the frame, with what is joined to it, begin an aggregate that waits. */
static enum claim_answer begin(struct weir_firmware *firmware, struct weir_burst *burst,
			       uint32_t number, struct weir_rx_queue *queue, uint8_t strip,
			       uint32_t flags, uint16_t tci)
{
	struct weir_vport *vport = &firmware->vports[queue->vport];
	const struct weir_frame *frame = &burst->frames[number];
	const struct weir_layer *layer = &burst->layers[number].outer;
	struct weir_run run;
	uint8_t last_flags;

	if (!firmware->held_free || !may_wait(burst, number, vport, &run, &last_flags))
		return CLAIM_PASS;
	uint32_t header =
			 layer->payload + weir_frame_whole_bytes(frame) - frame->bytes - 4u * strip,
		 bytes = run.bytes - 4u * strip, buffers = buffers_of(bytes, queue->buffer_bytes);

	/* Alone it has a completion for each of its buffers. */
	if (header > queue->buffer_bytes || (run.segments == 1 && buffers > 1))
		return CLAIM_PASS;
	enum claim_answer room = make_room(firmware, burst, queue, buffers);

	if (room != CLAIM_DONE)
		return room;

	struct weir_held *held = &firmware->held[firmware->held_free - 1];
	uint8_t next = held->next;

	*held = (struct weir_held){
		.open = true,
		.strip = strip,
		.last_flags = last_flags,
		.header_bytes = (uint8_t)header,
		.queue = queue->index,
		.way = frame->way,
		.layer = *layer,
		.time_ns = queue->timed ? weir_arrived_ns(firmware, burst, number) : 0,
		.run = run,
		.bytes = bytes + (run.segments - 1ull) * header,
		.completion = { .flow_hash = frame->flow_hash,
				.buffer = queue->used,
				.tci = tci,
				.type = frame->packet_type,
				.flags = flags | frame->hash_flags | WEIR_RXC_END_MASK },
		.first_address = queue->ready[queue->used & (WEIR_REFILL_ENTRIES - 1)],
		.filled = (uint16_t)header,
	};
	held->address = held->first_address;
	queue->used++;
	memcpy(held->header, frame->header, layer->payload);
	queue->held = firmware->held_free;
	firmware->held_free = next;

	struct weir_delivery *delivery = add_delivery(firmware, burst, held, number);

	place_payload(burst, queue, held, delivery, bytes - header);
	delivery->urgent = count_frames(burst, number, vport, run.segments);
	if (delivery->urgent)
		close(firmware, burst, held, delivery);
	else
		weir_timer_start(firmware, place_of(firmware, held) | WEIR_TIMER_HELD,
				 firmware->now_ns + vport->coalesce_us * 1000ull);
	return CLAIM_DONE;
}

enum claim_answer weir_hold_claim(struct weir_firmware *firmware, struct weir_burst *burst,
				  uint32_t number, struct weir_rx_queue *queue, uint8_t strip,
				  uint32_t flags, uint16_t tci)
{
	const struct weir_vport *vport = &firmware->vports[queue->vport];
	struct weir_held *held = queue->held ? &firmware->held[queue->held - 1] : NULL;
	bool segment = burst->frames[number].way.route == WEIR_ROUTE_ONE && burst->coalesces &&
		       vport->coalesce_segments && !queue->split_mode &&
		       weir_frame_layers(burst, number)->outer.l4_kind == WEIR_PACKET_L4_TCP;
	enum claim_answer answer = CLAIM_PASS;

	/* Its completion must not overtake what another burst writes. */
	if (held && held->burst && held->burst != burst->index + 1)
		return CLAIM_WAIT;
	if (held && segment)
		answer = go_on(firmware, burst, number, queue, held);
	if (answer != CLAIM_PASS && answer != CLAIM_SHORT)
		return answer;
	if (held) {
		if (!has_room(burst, 1))
			return CLAIM_ROUND_FULL;
		close(firmware, burst, held, add_delivery(firmware, burst, held, NO_FRAME));
	}
	return segment && vport->coalesce_us
		       ? begin(firmware, burst, number, queue, strip, flags, tci)
		       : CLAIM_PASS;
}

void weir_hold_flush(struct weir_firmware *firmware, struct weir_burst *burst)
{
	for (uint32_t i = 0; i < WEIR_HELD; i++) {
		struct weir_held *held = &firmware->held[i];

		if (!held->leaves || held->burst)
			continue;
		if (may_write(firmware, held)) {
			close(firmware, burst, held, add_delivery(firmware, burst, held, NO_FRAME));
			continue;
		}
		firmware->held_leaving--;
		held->leaves = false;
	}
}

/* ---- the stages of a delivery ---- */

bool weir_hold_emit(struct weir_firmware *firmware, struct weir_burst *burst,
		    const struct weir_delivery *delivery)
{
	const struct weir_held *held = &firmware->held[delivery->held - 1];
	struct weir_emission emission = weir_emission_of(firmware, burst, delivery, 0);

	emission.room = emission.queue->buffer_bytes;
	if (!delivery->open &&
	    !weir_emit_piece(&emission, (struct weir_piece){ .from = held->header,
							     .bytes = held->header_bytes }))
		return false;
	if (delivery->frame != NO_FRAME) {
		emission.first_entry++;
		emission.buffer = emission.filled = 0;
		emission.room = delivery->header_bytes;
		if (!weir_emit_joined(&emission, delivery->frame))
			return false;
	}
	burst->emit_operation = 0;
	return true;
}

void weir_hold_seal(struct weir_firmware *firmware, struct weir_burst *burst,
		    const struct weir_delivery *delivery)
{
	struct weir_held *held = &firmware->held[delivery->held - 1];

	held->failed |= delivery->failed != 0;
	if (!delivery->open && held->failed)
		burst->completions[delivery->first_entry].flags |=
			weir_cpu_to_le32(WEIR_RXC_ERROR_MASK);
}

static void count(struct weir_firmware *firmware, const struct weir_held *held)
{
	struct weir_rx_queue *queue = &firmware->rx_queues[held->queue];
	uint64_t *stats = firmware->vports[queue->vport].stats;
	uint32_t segments = held->run.segments;

	if (held->failed) {
		count_dropped(firmware, held);
		return;
	}
	if (segments > 1) {
		stats[WEIR_STAT_VPORT_RX_AGGREGATES]++;
		stats[WEIR_STAT_VPORT_RX_COALESCED] += segments;
	}
	stats[WEIR_STAT_VPORT_RX_FRAMES] += segments;
	stats[WEIR_STAT_VPORT_RX_BYTES] += held->bytes;
	queue->stats[WEIR_STAT_RX_QUEUE_FRAMES] += segments;
	queue->stats[WEIR_STAT_RX_QUEUE_BYTES] += held->bytes;
}

void weir_hold_over(struct weir_firmware *firmware, const struct weir_delivery *delivery)
{
	struct weir_held *held = &firmware->held[delivery->held - 1];

	/* Another delivery of the burst closes what this one has added to. */
	held->burst = 0;
	if (delivery->open && !held->dropped)
		return;
	if (held->dropped)
		count_dropped(firmware, held);
	else
		count(firmware, held);
	held->dropped = false;
	give_back(firmware, held);
}
