/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of low latency: which they are, and how often they may interrupt past their queue's moderation (specs/low-latency.md). The
 * interrupt itself is moderate.c's.
 */
#include "burst.h"

enum { TCP_FLAGS = 13, TCP_PSH = 0x08 };

static bool has_priority(const struct weir_frame *frame, const struct weir_vport *vport)
{
	struct weir_inner_tag seen;

	return weir_frame_seen_tag(frame, vport, &seen) &&
	       vport->low_latency.priorities >> (seen.tci >> 13) & 1;
}

static bool pushes(struct weir_burst *burst, uint32_t number)
{
	const struct weir_layer *layer = &weir_frame_layers(burst, number)->outer;

	return layer->l4_kind == WEIR_PACKET_L4_TCP && layer->flags & WEIR_LAYER_L4_WHOLE &&
	       burst->frames[number].header[layer->l4 + TCP_FLAGS] & TCP_PSH;
}

/* Do rules of the vport say so? What was said for another, or before the rules changed, is no answer. */
static bool rules_say_so(const struct weir_burst *burst, uint32_t number,
			 const struct weir_vport *vport)
{
	const struct weir_steered *steered = &burst->steered[number];

	return burst->frames[number].steered && steered->low_latency &&
	       steered->vport == vport->index && steered->epoch == vport->choice_epoch;
}

bool weir_low_latency(struct weir_burst *burst, uint32_t number, struct weir_vport *vport,
		      uint32_t bytes)
{
	const struct weir_low_latency *low = &vport->low_latency;

	if (!rules_say_so(burst, number, vport) && bytes >= low->bytes &&
	    !(low->priorities && has_priority(&burst->frames[number], vport)) &&
	    !(low->push && pushes(burst, number)))
		return false;
	vport->stats[WEIR_STAT_VPORT_RX_LOW_LATENCY]++;
	return true;
}

bool weir_low_latency_joined(struct weir_burst *burst, uint32_t number, struct weir_vport *vport)
{
	bool urgent = false;

	do {
		urgent |= weir_low_latency(burst, number, vport, burst->frames[number].bytes);
		number = burst->joined[number];
	} while (number);
	return urgent;
}

/*
 * Credits come back one every `us`. So many of them are lacking as it takes until all are back, which is what a queue remembers: an idle
 * queue needs no looking after.
 */
bool weir_low_latency_credit(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	struct weir_vport *vport = &firmware->vports[queue->vport];
	uint64_t one_ns = vport->low_latency.us * 1000ull;
	uint64_t most_ns = vport->low_latency.credits * one_ns;
	uint64_t now_ns = firmware->now_ns;
	uint64_t lacking_ns = queue->credits_full_ns > now_ns ? queue->credits_full_ns - now_ns : 0;

	/* So many were never there: the settings were others. */
	if (lacking_ns > most_ns)
		lacking_ns = 0;
	if (lacking_ns + one_ns > most_ns) {
		vport->stats[WEIR_STAT_VPORT_RX_LOW_LATENCY_HELD]++;
		return false;
	}
	queue->credits_full_ns = now_ns + lacking_ns + one_ns;
	return true;
}
