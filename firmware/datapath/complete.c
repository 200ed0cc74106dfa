/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last stages of a round: completions are written for what deliver.c has moved, then all is counted and interrupts are raised
 * (specs/data-queues.md, "Receive").
 */
#include "hold.h"

enum hal_result weir_write_completions(struct weir_firmware *firmware, struct weir_burst *burst,
				       uint32_t end, uint32_t slot)
{
	uint32_t first = burst->complete_entry;
	struct weir_rx_queue *queue =
		&firmware->rx_queues[burst->deliveries[burst->complete_delivery].queue];
	enum hal_result result = HAL_DONE;

	if (WEIR_LIKELY(!(queue->timed | (queue->state == WEIR_QUEUE_STOPPED))))
		result = hal_dma_write_entries(
			firmware->hal, queue->requester,
			queue->completion_address +
				(uint64_t)slot * sizeof(struct weir_rx_completion),
			&burst->completions[first], sizeof(struct weir_rx_completion), end - first,
			weir_burst_tag(burst, WEIR_ITEM_COMPLETION(burst->complete_delivery)));
	else if (queue->state != WEIR_QUEUE_STOPPED) /* which writes nothing more */
		result = weir_write_timed(firmware, burst, end, slot);
	if (result == HAL_FAULT)
		weir_rx_stop(firmware, queue, WEIR_MISBEHAVIOUR_DMA_FAULT,
			     "completion ring cannot be written, slot", slot);
	return result;
}

enum weir_stage_answer weir_stage_complete(struct weir_firmware *firmware, struct weir_burst *burst)
{
	while (burst->complete_entry < burst->completion_count) {
		uint32_t number = burst->complete_delivery, end, room;
		const struct weir_delivery *delivery = &burst->deliveries[number];
		const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];

		if (WEIR_UNLIKELY(delivery->ahead | delivery->open)) {
			/* An aggregate that is open has none yet. */
			if (delivery->open) {
				burst->complete_entry =
					(uint16_t)(delivery->first_entry + delivery->entries);
				burst->complete_delivery++;
				continue;
			}
			/* A header that went ahead has its completion. */
			if (burst->complete_entry == delivery->first_entry)
				burst->complete_entry++;
		}
		uint32_t first = burst->complete_entry, mask = (1u << queue->completion_log2) - 1;
		uint32_t slot = (delivery->slot + first - delivery->first_entry) & mask;

		/* Deliveries to one queue in a row lie together in its ring, but for the ring's end: one write. Of an aggregate's entries
		 * only the first is a completion. */
		do {
			bool whole = !burst->deliveries[number].segments;

			end = (uint32_t)burst->deliveries[number].first_entry +
			      (WEIR_LIKELY(whole) ? burst->deliveries[number].entries : 1u);
			number++;
			if (WEIR_UNLIKELY(!whole))
				break;
		} while (number < burst->delivery_count &&
			 burst->deliveries[number].queue == delivery->queue &&
			 !(burst->deliveries[number].ahead | burst->deliveries[number].open));
		room = mask + 1 - slot;
		if (end - first > room)
			end = first + room;
		if (WEIR_UNLIKELY(queue->timed)) {
			if (burst->pending)
				return WEIR_WAIT;
			if (end - first > WEIR_BURST_TIMED)
				end = first + WEIR_BURST_TIMED;
		}
		enum hal_result result = weir_write_completions(firmware, burst, end, slot);

		if (weir_burst_submitted(burst, result))
			return WEIR_RETRY;
		number--;
		if (WEIR_UNLIKELY(burst->deliveries[number].segments) &&
		    end == burst->deliveries[number].first_entry + 1u)
			end = (uint32_t)burst->deliveries[number].first_entry +
			      burst->deliveries[number].entries;
		burst->complete_entry = (uint16_t)end;
		for (number = burst->complete_delivery; number < burst->delivery_count; number++)
			if (end < (uint32_t)burst->deliveries[number].first_entry +
					  burst->deliveries[number].entries)
				break;
		burst->complete_delivery = (uint16_t)number;
	}
	if (burst->pending)
		return WEIR_WAIT;
	burst->stage = WEIR_STAGE_NOTIFY;
	return WEIR_NEXT;
}

static void count(struct weir_firmware *firmware, const struct weir_burst *burst,
		  const struct weir_delivery *delivery)
{
	if (WEIR_UNLIKELY(delivery->held)) {
		weir_hold_over(firmware, delivery);
		return;
	}
	struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
	const struct weir_frame *frame = &burst->frames[delivery->frame];
	uint64_t *stats = firmware->vports[queue->vport].stats;
	uint32_t frames = (uint32_t)delivery->frames - delivery->failed, bytes = delivery->bytes,
		 failed = delivery->failed;

	if (WEIR_UNLIKELY(delivery->segments)) {
		stats[WEIR_STAT_VPORT_RX_AGGREGATES] += frames;
		frames *= delivery->segments;
		stats[WEIR_STAT_VPORT_RX_COALESCED] += frames;
		failed *= delivery->segments;
		bytes = frames ? weir_coalesced_bytes(burst, delivery) : 0;
	}
	stats[WEIR_STAT_VPORT_RX_FRAMES] += frames;
	stats[WEIR_STAT_VPORT_RX_BYTES] += bytes;
	stats[WEIR_STAT_VPORT_RX_DROPPED_FAULT] += failed;
	queue->stats[WEIR_STAT_RX_QUEUE_FRAMES] += frames;
	queue->stats[WEIR_STAT_RX_QUEUE_BYTES] += bytes;
	if (frame->way.cast == WEIR_MULTICAST)
		stats[WEIR_STAT_VPORT_RX_MULTICAST] += frames;
	else if (frame->way.cast == WEIR_BROADCAST_FRAME)
		stats[WEIR_STAT_VPORT_RX_BROADCAST] += frames;
	if (WEIR_UNLIKELY(frame->trace) && frames)
		weir_trace_record_of(firmware, frame, WEIR_TRACE_KIND_INTERRUPT_RAISED, queue,
				     &queue->untold);
}

enum weir_stage_answer weir_stage_notify(struct weir_firmware *firmware, struct weir_burst *burst)
{
	for (uint32_t at = 0; at < burst->delivery_count; at++) {
		const struct weir_delivery *delivery = &burst->deliveries[at];
		struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];

		count(firmware, burst, delivery);
		queue->deliveries--;
		queue->references--;
		firmware->functions[queue->function].references--;
		if (WEIR_UNLIKELY(delivery->urgent)) {
			queue->urgent = true;
			/* An aggregate has one completion, whatever it takes of buffers. */
			queue->urgent_end =
				(uint16_t)(delivery->slot +
					   (delivery->segments ? 1u : delivery->entries));
		}
		weir_rx_notify(firmware, queue);
		/* Before the next burst has to wait for it. */
		if ((uint16_t)(queue->fetched - queue->used) < 2 * WEIR_BUFFERS_AHEAD)
			weir_rx_refill_ahead(firmware, queue, 2 * WEIR_BUFFERS_AHEAD);
	}
	burst->delivery_count = 0;
	burst->completion_count = 0;
	burst->emit_delivery = 0;
	burst->stage = WEIR_STAGE_CLAIM;
	return WEIR_NEXT;
}
