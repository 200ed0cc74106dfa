/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage behind emit for deliveries whose payload was summed on its way (specs/checksum.md): now that the sums are known, headers
 * that carry a checksum follow, and completions say what the sums tell. Until then a receiver has the payload alone, and no completion.
 */
#include "hold.h"

static bool entry_failed(const struct weir_burst *burst, uint32_t entry)
{
	return weir_le32_to_cpu(burst->completions[entry].flags) & WEIR_RXC_ERROR_MASK;
}

/* Frame `ahead` of a delivery. False: HAL was busy; it is called again when nothing is in flight any more. */
static bool seal(struct weir_firmware *firmware, struct weir_burst *burst,
		 const struct weir_delivery *delivery, uint32_t ahead)
{
	uint32_t number = delivery->frame + ahead;
	uint32_t first = delivery->first_entry + ahead;
	/* Several frames have an entry each. */
	uint32_t last = delivery->frames == 1 ? first + delivery->entries - 1 : first;
	struct weir_payload *payload = &burst->payloads[first];

	if (!payload->end || entry_failed(burst, first))
		return true;
	if (payload->header_waits)
		weir_checksum_finish(burst, number, &payload->sum);
	if (payload->judged) {
		uint32_t known = weir_verify(burst, number, payload);
		const struct weir_rx_queue *queue = &firmware->rx_queues[delivery->queue];

		burst->completions[last].flags |= weir_cpu_to_le32(known);
		firmware->vports[queue->vport].stats[WEIR_STAT_VPORT_RX_CHECKSUM_BAD] +=
			weir_verify_bad(known);
		payload->judged = false;
	}
	return !payload->header_waits || weir_emit_header(firmware, burst, delivery, ahead);
}

enum weir_stage_answer weir_stage_seal(struct weir_firmware *firmware, struct weir_burst *burst)
{
	for (; burst->seal_delivery < burst->delivery_count; burst->seal_delivery++) {
		const struct weir_delivery *delivery = &burst->deliveries[burst->seal_delivery];

		if (WEIR_UNLIKELY(delivery->held))
			weir_hold_seal(firmware, burst, delivery);
		for (; delivery->summed && burst->emit_frame < delivery->frames; burst->emit_frame++)
			if (WEIR_UNLIKELY(!seal(firmware, burst, delivery, burst->emit_frame)))
				return WEIR_RETRY;
		burst->emit_frame = 0;
	}
	if (burst->pending)
		return WEIR_WAIT;
	burst->seal_delivery = 0;
	burst->seals = false;
	burst->stage = WEIR_STAGE_COMPLETE;
	return WEIR_NEXT;
}
