/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When frames arrived and left (specs/time.md): completions of receive queues of format 1, and the reports of transmit queues. A queue
 * without either does not come here.
 */
#include "hold.h"

/* When the burst's frames went from vport to vport: the same moment for all of them, and for whoever is told of it. */
static uint64_t switched_ns(struct weir_firmware *firmware, struct weir_burst *burst)
{
	if (burst->switched_ns == WEIR_NO_TIME)
		burst->switched_ns = hal_now_ns(firmware->hal);
	return burst->switched_ns;
}

uint64_t weir_arrived_ns(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number)
{
	return burst->from_wire ? burst->wire_frames[number].time_ns : switched_ns(firmware, burst);
}

/* The completions of entries [first, end), of deliveries from `delivery` on, as format 1 has them, in burst->timed. */
static void stamp(struct weir_firmware *firmware, struct weir_burst *burst,
		  const struct weir_delivery *delivery, uint32_t first, uint32_t end)
{
	for (uint32_t entry = first; entry < end; entry++) {
		while (entry >= (uint32_t)delivery->first_entry + delivery->entries)
			delivery++;
		/* Several frames have an entry each. */
		uint32_t number = delivery->frame +
				  (delivery->frames == 1 ? 0 : entry - delivery->first_entry);
		uint64_t arrived_ns = delivery->held ? firmware->held[delivery->held - 1].time_ns
						     : weir_arrived_ns(firmware, burst, number);
		struct weir_timed_completion *timed = &burst->timed[entry - first];

		timed->time = (struct weir_rx_time){
			.time = weir_cpu_to_le64(weir_clock_at(&firmware->clock, arrived_ns)),
		};
		timed->completion = burst->completions[entry];
		timed->completion.flags |= weir_cpu_to_le32(WEIR_RXC_TIMESTAMP_MASK);
	}
}

enum hal_result weir_write_timed(struct weir_firmware *firmware, struct weir_burst *burst,
				 uint32_t end, uint32_t slot)
{
	const struct weir_delivery *delivery = &burst->deliveries[burst->complete_delivery];
	const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];
	uint32_t first = burst->complete_entry;

	stamp(firmware, burst, delivery, first, end);
	return hal_dma_write_entries(
		firmware->hal, queue->requester,
		queue->completion_address + (uint64_t)slot * sizeof(struct weir_timed_completion),
		burst->timed, sizeof(struct weir_timed_completion), end - first,
		weir_burst_tag(burst, WEIR_ITEM_COMPLETION(burst->complete_delivery)));
}

/* When a frame that asks was sent, in hal_now_ns(); WEIR_NO_TIME: it was not, or nobody knows. */
static uint64_t sent_ns(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number)
{
	const struct weir_frame *frame = &burst->frames[number];

	if (frame->way.route == WEIR_ROUTE_DROP || frame->failed)
		return WEIR_NO_TIME;
	return frame->way.to_wire ? burst->sent_ns[number] : switched_ns(firmware, burst);
}

void weir_report_fault(struct weir_firmware *firmware, const struct weir_burst *burst)
{
	weir_tx_stop(firmware, &firmware->tx_queues[burst->queue], WEIR_MISBEHAVIOUR_DMA_FAULT,
		     "transmit reports cannot be written, queue", burst->queue);
}

enum weir_stage_answer weir_stage_report(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_tx_queue *queue = &firmware->tx_queues[burst->queue];
	const struct weir_function *function = &firmware->functions[queue->function];
	uint32_t mask = (1u << queue->ring_log2) - 1;

	/* A stopped queue writes nothing more. */
	for (; queue->state != WEIR_QUEUE_STOPPED && burst->report_frame < burst->frame_count;
	     burst->report_frame++) {
		uint32_t number = burst->report_frame;
		const struct weir_frame *frame = &burst->frames[number];

		if (!frame->asks_time)
			continue;
		uint64_t left_ns = sent_ns(firmware, burst, number);
		uint32_t last = queue->head + frame->first_descriptor + frame->descriptors - 1u;

		if (left_ns == WEIR_NO_TIME) {
			queue->stats[WEIR_STAT_TX_QUEUE_TIMESTAMPS_MISSED]++;
			continue;
		}
		burst->reports[number] = (struct weir_tx_report){
			.time = weir_cpu_to_le64(weir_clock_at(&firmware->clock, left_ns)),
			.flags = weir_cpu_to_le32(
				WEIR_TXR_TIME_MASK |
				WEIR_PREP(WEIR_TXR_GENERATION, function->generation & 0xff)),
		};
		enum hal_result result = hal_dma_write_entries(
			firmware->hal, queue->requester,
			queue->report_address + (last & mask) * sizeof(struct weir_tx_report),
			&burst->reports[number], sizeof(struct weir_tx_report), 1,
			weir_burst_tag(burst, WEIR_ITEM_REPORT(number)));

		if (weir_burst_submitted(burst, result))
			return WEIR_RETRY;
		if (result == HAL_FAULT)
			weir_report_fault(firmware, burst);
		else if (result >= 0)
			queue->stats[WEIR_STAT_TX_QUEUE_TIMESTAMPS]++;
	}
	if (burst->pending)
		return WEIR_WAIT;
	burst->stage = WEIR_STAGE_HEAD;
	return WEIR_NEXT;
}
