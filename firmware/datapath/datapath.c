/* SPDX-License-Identifier: BSD-3-Clause */
/* The scheduler: which queue or port gets a burst next, and how a burst goes from stage to stage. */
#include "hold.h"

/* ---- memory ---- */

static uint32_t bucket_log2(const struct weir_firmware_config *config)
{
	uint32_t log2 = 4;

	while (log2 < 20 && 1u << log2 < config->filters)
		log2++;
	return log2;
}

static size_t aligned(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

size_t weir_datapath_bytes(const struct weir_firmware_config *config, uint32_t vport_count,
			   uint32_t queue_count)
{
	uint32_t log2 = bucket_log2(config);
	size_t entries = (size_t)1 << log2;

	return aligned(queue_count * sizeof(struct weir_rx_queue)) +
	       aligned(queue_count * sizeof(struct weir_tx_queue)) +
	       aligned((2 * queue_count + WEIR_HELD) * sizeof(struct weir_timer)) +
	       aligned(weir_hold_bytes()) + aligned(entries * sizeof(struct weir_sorter_entry)) +
	       aligned(2 * entries * sizeof(uint32_t)) +
	       3 * aligned(vport_count * sizeof(uint16_t)) + weir_steer_bytes(vport_count) +
	       WEIR_BURSTS * aligned(sizeof(struct weir_burst)) +
	       WEIR_BURSTS * aligned(vport_count * sizeof(uint16_t));
}

static void *take(uint8_t **at, size_t bytes)
{
	void *taken = *at;

	*at += aligned(bytes);
	return taken;
}

static struct weir_burst *burst_at(struct weir_firmware *firmware, uint32_t index)
{
	return (struct weir_burst *)((uint8_t *)firmware->bursts +
				     index * aligned(sizeof(struct weir_burst)));
}

void weir_datapath_init(struct weir_firmware *firmware, void *memory)
{
	struct weir_sorter *sorter = &firmware->sorter;
	uint8_t *at = memory;

	sorter->entry_count = 1u << bucket_log2(&firmware->config);
	sorter->bucket_log2 = bucket_log2(&firmware->config) + 1;
	firmware->rx_queues = take(&at, firmware->queue_count * sizeof(struct weir_rx_queue));
	firmware->tx_queues = take(&at, firmware->queue_count * sizeof(struct weir_tx_queue));
	firmware->timers =
		take(&at, (2 * firmware->queue_count + WEIR_HELD) * sizeof(struct weir_timer));
	weir_hold_init(firmware, take(&at, weir_hold_bytes()));
	for (uint32_t i = 0; i < firmware->queue_count; i++)
		firmware->rx_queues[i].index = firmware->tx_queues[i].index = i;
	sorter->entries = take(&at, sorter->entry_count * sizeof(struct weir_sorter_entry));
	sorter->buckets = take(&at, 2 * sorter->entry_count * sizeof(uint32_t));
	for (uint32_t i = 0; i < sorter->entry_count; i++)
		sorter->entries[i].next = i + 2 <= sorter->entry_count ? i + 2 : 0;
	sorter->free_list = 1;
	sorter->broadcast = take(&at, firmware->vport_count * sizeof(uint16_t));
	sorter->promiscuous = take(&at, firmware->vport_count * sizeof(uint16_t));
	sorter->all_multicast = take(&at, firmware->vport_count * sizeof(uint16_t));
	for (uint32_t i = 0; i < firmware->vport_count; i++) {
		struct weir_vport *vport = &firmware->vports[i];

		vport->broadcast_position = vport->promiscuous_position =
			vport->all_multicast_position = UINT16_MAX;
	}
	weir_steer_init(firmware, take(&at, weir_steer_bytes(firmware->vport_count)));
	firmware->bursts = (struct weir_burst *)at;
	at += WEIR_BURSTS * aligned(sizeof(struct weir_burst));
	for (uint32_t i = 0; i < WEIR_BURSTS; i++) {
		struct weir_burst *burst = burst_at(firmware, i);

		burst->index = i;
		burst->next = i + 1 < WEIR_BURSTS ? i + 1 : WEIR_NO_BURST;
		burst->destinations = take(&at, firmware->vport_count * sizeof(uint16_t));
	}
	firmware->burst_free = 0;
	firmware->burst_waiting = WEIR_NO_BURST;
	firmware->active_head = WEIR_NO_QUEUE;
}

/* ---- a burst's way ---- */

static struct weir_burst *burst_take(struct weir_firmware *firmware)
{
	if (firmware->burst_free == WEIR_NO_BURST)
		return NULL;
	struct weir_burst *burst = burst_at(firmware, firmware->burst_free);

	firmware->burst_free = burst->next;
	firmware->bursts_in_use++;
	burst->result = HAL_PENDING;
	burst->frame_count = burst->descriptor_count = burst->consumed = burst->segment_count = 0;
	burst->next_frame = burst->wire_frame = burst->delivery_count = burst->completion_count = 0;
	burst->emit_delivery = burst->emit_frame = burst->emit_operation = 0;
	burst->seal_delivery = 0;
	burst->cut = burst->listed = burst->to_wire = burst->asks_sums = burst->seals =
		burst->cuts = burst->asks_times = burst->aheads = false;
	burst->report_frame = 0;
	burst->switched_ns = WEIR_NO_TIME;
	burst->pending = 0;
	burst->started = firmware->burst_epoch;
	return burst;
}

static void burst_end(struct weir_firmware *firmware, struct weir_burst *burst)
{
	if (burst->from_wire) {
		/* Aggregates that had waited came with no burst of a port. */
		if (WEIR_LIKELY(burst->port != WEIR_NO_PORT)) {
			hal_receive_release(firmware->hal, burst->port, burst->wire_frames,
					    burst->frame_count);
			firmware->port_busy[burst->port] = false;
		}
	} else {
		struct weir_tx_queue *queue = &firmware->tx_queues[burst->queue];

		queue->busy = false;
		queue->references--;
		firmware->functions[queue->function].references--;
		weir_tx_notify(firmware, queue);
	}
	firmware->bursts_in_use--;
	burst->next = firmware->burst_free;
	firmware->burst_free = burst->index;
}

/* Runs stages until one waits or the burst is over; true: over. */
static bool burst_run(struct weir_firmware *firmware, struct weir_burst *burst)
{
	for (;;) {
		enum weir_stage_answer answer = WEIR_END;

		switch ((enum weir_burst_stage)burst->stage) {
		case WEIR_STAGE_SHADOW:
			answer = weir_stage_shadow(firmware, burst);
			break;
		case WEIR_STAGE_FETCH:
			answer = weir_stage_fetch(firmware, burst);
			break;
		case WEIR_STAGE_HEADERS:
			answer = weir_stage_headers(firmware, burst);
			break;
		case WEIR_STAGE_CLASSIFY:
			answer = weir_stage_classify(firmware, burst);
			break;
		case WEIR_STAGE_SEGMENT:
			answer = weir_stage_segment(firmware, burst);
			break;
		case WEIR_STAGE_CLAIM:
			answer = weir_stage_claim(firmware, burst);
			break;
		case WEIR_STAGE_AHEAD:
			answer = weir_stage_ahead(firmware, burst);
			break;
		case WEIR_STAGE_EMIT:
			answer = weir_stage_emit(firmware, burst);
			break;
		case WEIR_STAGE_SEAL:
			answer = weir_stage_seal(firmware, burst);
			break;
		case WEIR_STAGE_COMPLETE:
			answer = weir_stage_complete(firmware, burst);
			break;
		case WEIR_STAGE_NOTIFY:
			answer = weir_stage_notify(firmware, burst);
			break;
		case WEIR_STAGE_REPORT:
			answer = weir_stage_report(firmware, burst);
			break;
		case WEIR_STAGE_HEAD:
			answer = weir_stage_head(firmware, burst);
			break;
		case WEIR_STAGE_SLEEP:
			answer = weir_stage_sleep(firmware, burst);
			break;
		case WEIR_STAGE_RECHECK:
			answer = weir_stage_recheck(firmware, burst);
			break;
		case WEIR_STAGE_FINISH:
			break;
		}
		if (answer == WEIR_END) {
			burst_end(firmware, burst);
			return true;
		}
		if (answer != WEIR_NEXT)
			return false;
	}
}

static void burst_start(struct weir_firmware *firmware, struct weir_burst *burst)
{
	if (burst_run(firmware, burst))
		return;
	burst->next = firmware->burst_waiting;
	firmware->burst_waiting = burst->index;
}

/* Goes on with the bursts whose operations are over. */
static uint32_t run_waiting(struct weir_firmware *firmware)
{
	uint32_t *link = &firmware->burst_waiting, done = 0;

	while (*link != WEIR_NO_BURST) {
		struct weir_burst *burst = burst_at(firmware, *link);
		uint32_t next = burst->next;

		if (burst->pending) {
			link = &burst->next;
			continue;
		}
		done++;
		if (burst_run(firmware, burst))
			*link = next;
		else
			link = &burst->next;
	}
	return done;
}

void weir_datapath_complete(struct weir_firmware *firmware, hal_tag tag, enum hal_result result)
{
	uint32_t low = WEIR_TAG_LOW(tag);

	if (WEIR_TAG_OWNER(tag) == WEIR_TAG_REFILL) {
		weir_rx_refill_complete(firmware, low, result);
		return;
	}
	struct weir_burst *burst = burst_at(firmware, low >> 12);
	uint32_t item = low & 0xfff;

	burst->pending--;
	if (item >= WEIR_ITEM_REPORT(0)) {
		if (result == HAL_FAULT)
			weir_report_fault(firmware, burst);
	} else if (item >= WEIR_ITEM_COMPLETION(0)) {
		/* The host has taken its ring away: there is nobody to tell. */
		if (result == HAL_FAULT)
			weir_rx_stop(
				firmware,
				&firmware->rx_queues[burst->deliveries[item - WEIR_ITEM_COMPLETION(0)]
							     .queue],
				WEIR_MISBEHAVIOUR_DMA_FAULT,
				"completion ring cannot be written, item", item);
	} else if (item >= WEIR_ITEM_ENTRY(0)) {
		weir_deliver_result(burst, item - WEIR_ITEM_ENTRY(0), result, firmware);
	} else if (item >= WEIR_ITEM_WIRE(0)) {
		weir_wire_result(burst, item - WEIR_ITEM_WIRE(0), result, firmware);
	} else if (item >= WEIR_ITEM_HEADER(0)) {
		if (result != HAL_DONE)
			burst->frames[item - WEIR_ITEM_HEADER(0)].failed = true;
	} else {
		burst->result = result;
	}
}

/* ---- scheduling ---- */

static uint32_t poll_port(struct weir_firmware *firmware, uint8_t port)
{
	/* One burst a port at a time keeps flows in order. */
	if (firmware->port_busy[port] || firmware->burst_free == WEIR_NO_BURST)
		return 0;
	struct weir_burst *burst = burst_at(firmware, firmware->burst_free);
	uint32_t count = hal_receive(firmware->hal, port, burst->wire_frames, WEIR_BURST_FRAMES);
	uint64_t *stats = firmware->port_stats[port], bytes = 0;

	if (!count)
		return 0;
	burst = burst_take(firmware);
	firmware->port_busy[port] = true;
	burst->from_wire = true;
	burst->port = port;
	burst->source = NULL;
	burst->frame_count = (uint16_t)count;
	burst->stage = WEIR_STAGE_CLASSIFY;
	for (uint32_t i = 0; i < count; i++) {
		const struct hal_frame *received = &burst->wire_frames[i];
		struct weir_frame *frame = &burst->frames[i];

		bytes += received->bytes;
		weir_frame_plain(frame);
		frame->header = received->data;
		frame->header_bytes = frame->bytes = (uint16_t)received->bytes;
		frame->segments = 0;
		if (WEIR_UNLIKELY(received->bytes - WEIR_MIN_FRAME_BYTES >
				  WEIR_MAX_FRAME_BYTES - WEIR_MIN_FRAME_BYTES)) {
			stats[WEIR_STAT_PORT_RX_DROPPED_MALFORMED]++;
			frame->failed = true;
			frame->header_bytes = frame->bytes = 0;
		}
	}
	stats[WEIR_STAT_PORT_RX_FRAMES] += count;
	stats[WEIR_STAT_PORT_RX_BYTES] += bytes;
	burst_start(firmware, burst);
	return count;
}

/* Delivers the aggregates that wait no longer; returns how many bursts that took. */
static uint32_t flush_held(struct weir_firmware *firmware)
{
	if (firmware->burst_free == WEIR_NO_BURST || !weir_hold_is_leaving(firmware))
		return 0;
	struct weir_burst *burst = burst_take(firmware);

	burst->from_wire = true;
	burst->port = WEIR_NO_PORT;
	burst->source = NULL;
	burst->traced = burst->coalesces = burst->coalesced = false;
	burst->stage = WEIR_STAGE_EMIT;
	weir_hold_flush(firmware, burst);
	burst_start(firmware, burst);
	return 1;
}

/* May the queue move anything now? Without, it leaves the list; weir_datapath_wake() brings it back. */
static bool may_move(const struct weir_firmware *firmware, const struct weir_tx_queue *queue)
{
	return queue->state == WEIR_QUEUE_RUNNING &&
	       (firmware->vports[queue->vport].flags & WEIR_VPORT_ENABLE) &&
	       hal_function_usable(firmware->hal, queue->function);
}

/*
 * Gives the next active queues their turns, until all have been found without anything to do; returns the descriptors consumed.
 * Takes queues that have long been idle off the list.
 */
static uint32_t poll_active(struct weir_firmware *firmware, uint32_t turns)
{
	uint32_t done = 0, first_idle = WEIR_NO_QUEUE;

	while (turns-- && firmware->active_head != WEIR_NO_QUEUE) {
		struct weir_tx_queue *last = &firmware->tx_queues[firmware->active_head];
		struct weir_tx_queue *queue = &firmware->tx_queues[last->next_active];
		bool movable = may_move(firmware, queue);
		uint32_t before = done;

		/* Once round and nobody had anything: that is enough for one poll. */
		if (queue->index == first_idle)
			break;
		if (movable && !queue->busy && !queue->resting) {
			if (firmware->burst_free == WEIR_NO_BURST)
				break;
			struct weir_burst *burst = burst_take(firmware);

			burst->from_wire = false;
			burst->queue = queue->index;
			burst->source = &firmware->vports[queue->vport];
			burst->stage = WEIR_STAGE_SHADOW;
			queue->busy = true;
			queue->references++;
			firmware->functions[queue->function].references++;
			burst_start(firmware, burst);
			done += burst->consumed;
		}
		if (!movable || (!queue->busy && queue->resting)) {
			queue->active = false;
			if (queue == last)
				firmware->active_head = WEIR_NO_QUEUE;
			else
				last->next_active = queue->next_active;
			continue;
		}
		firmware->active_head = queue->index;
		if (done != before)
			first_idle = WEIR_NO_QUEUE;
		else if (first_idle == WEIR_NO_QUEUE)
			first_idle = queue->index;
	}
	return done;
}

uint32_t weir_datapath_poll(struct weir_firmware *firmware)
{
	uint32_t done = run_waiting(firmware);

	if (WEIR_UNLIKELY(firmware->held_leaving))
		done += flush_held(firmware);
	/* As many bursts in as may go out, so that a port does not overflow while its frames go round. */
	for (uint8_t port = 0; port < firmware->config.ports; port++) {
		uint32_t turns = WEIR_TURNS_PER_POLL, count;

		do {
			count = poll_port(firmware, port);
			done += count;
		} while (count == WEIR_BURST_FRAMES && --turns);
	}
	return done + poll_active(firmware, WEIR_TURNS_PER_POLL);
}

bool weir_datapath_may_sleep(struct weir_firmware *firmware)
{
	return firmware->active_head == WEIR_NO_QUEUE && firmware->burst_waiting == WEIR_NO_BURST &&
	       !firmware->held_leaving;
}

uint32_t weir_datapath_epoch_begin(struct weir_firmware *firmware)
{
	return ++firmware->burst_epoch;
}

bool weir_datapath_epoch_over(struct weir_firmware *firmware, const struct weir_function *function,
			      uint32_t epoch)
{
	for (uint32_t at = firmware->burst_waiting; at != WEIR_NO_BURST;
	     at = burst_at(firmware, at)->next)
		if ((int32_t)(burst_at(firmware, at)->started - epoch) < 0)
			return false;
	for (uint32_t i = 0; i < function->queue_pairs; i++) {
		const struct weir_rx_queue *queue = &firmware->rx_queues[function->first_queue + i];

		if (queue->refilling && (int32_t)(queue->refill_epoch - epoch) < 0)
			return false;
	}
	return true;
}
