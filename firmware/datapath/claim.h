/* SPDX-License-Identifier: BSD-3-Clause */
/* How frames get their places in a receive queue, buffers and completion slots: what claim.c has for frames, and hold.c for aggregates that
 * wait. */
#ifndef WEIR_CLAIM_H
#define WEIR_CLAIM_H

#include "burst.h"
#include "bytes.h"

enum claim_answer {
	CLAIM_DONE,
	CLAIM_WAIT,
	CLAIM_ROUND_FULL,
	CLAIM_AGAIN, /* an aggregate was taken apart: its frames one by one */
	CLAIM_PASS,  /* hold.c: the frame goes its usual way */
	CLAIM_SHORT, /* ... for which there are not enough buffers, which was just asked */
};

/* Of an aggregate in one round. */
#define MOST_BUFFERS                                                           \
	(WEIR_BURST_COMPLETIONS < WEIR_REFILL_ENTRIES ? WEIR_BURST_COMPLETIONS \
						      : WEIR_REFILL_ENTRIES)

/* What a queue gives next; by value, so that it need not be read anew for each of a run of entries. */
struct place {
	const uint64_t *ready;
	uint32_t buffer, slot;
	uint8_t completion_log2;
};

static inline struct place next_place(const struct weir_rx_queue *queue)
{
	return (struct place){ queue->ready, queue->used, queue->produced, queue->completion_log2 };
}

/* Where the buffer so far ahead lies. */
static inline uint64_t buffer_address(const struct place *place, uint32_t ahead)
{
	return place->ready[(place->buffer + ahead) & (WEIR_REFILL_ENTRIES - 1)];
}

/* What the completion of a frame says, slot and phase apart. */
struct completion {
	uint32_t flow_hash;
	uint32_t length;
	uint16_t buffer, tci, type;
	uint32_t flags;
};

/* Writes the completion of entry `entry`, for the slot. */
static inline void store_completion(struct weir_burst *burst, uint32_t entry, uint32_t slot,
				    uint32_t completion_log2, struct completion completion)
{
	/* The first lap writes 1; no ring is so large that the count's own wrap shows. */
	uint32_t phase = ~slot >> completion_log2 & 1;
	/* struct weir_rx_completion in two words: flow_hash, length, buffer; vlan_tci, packet_type, flags */
	weir_le64 words[2] = {
		weir_cpu_to_le64(completion.flow_hash | (uint64_t)completion.length << 32 |
				 (uint64_t)completion.buffer << 48),
		weir_cpu_to_le64(completion.tci | (uint64_t)completion.type << 16 |
				 (uint64_t)(completion.flags | phase) << 32),
	};

	_Static_assert(sizeof(words) == sizeof(burst->completions[0]), "a completion");
	__builtin_memcpy(&burst->completions[entry], words, sizeof(words));
}

/* Fills entry `entry` of the burst with a place, and goes on to the next one. */
static inline void fill_entry(struct weir_burst *burst, struct place *place, uint32_t entry,
			      const struct weir_frame *frame, uint32_t length, uint32_t flags,
			      uint16_t tci, uint16_t type)
{
	burst->entry_address[entry] = buffer_address(place, 0);
	store_completion(burst, entry, place->slot, place->completion_log2,
			 (struct completion){ frame->flow_hash, length, (uint16_t)place->buffer,
					      tci, type, flags | frame->hash_flags });
	place->slot++;
	place->buffer++;
}

/* Buffers of `room` bytes that so many take, at least one. */
static inline uint32_t buffers_of(uint32_t bytes, uint32_t room)
{
	uint32_t buffers = 1;

	for (uint32_t held = room; WEIR_UNLIKELY(held < bytes); held += room)
		buffers++;
	return buffers;
}

#endif
