/* SPDX-License-Identifier: BSD-3-Clause */
/* How the pieces of a frame go into the buffers of a receive queue: what deliver.c has for frames, and coalesce.c for aggregates. */
#ifndef WEIR_EMIT_H
#define WEIR_EMIT_H

#include "burst.h"

/* Where emission of a frame stands: operations are numbered, those already submitted are passed over. */
struct weir_emission {
	struct weir_firmware *firmware;
	struct weir_burst *burst;
	const struct weir_rx_queue *queue;
	struct weir_payload *payload; /* what is summed, NULL: nothing */
	hal_tag tag;
	uint32_t first_entry;
	uint32_t operation; /* next */
	uint32_t buffer;    /* current, how long and how full it is */
	uint32_t room;
	uint32_t filled;
	uint32_t from, to; /* of the buffers those in [from, to) are written */
	bool silent;	   /* nothing is written: room is left */
};

/* A piece of a frame: device memory, or the host's when from is NULL. */
struct weir_piece {
	const uint8_t *from;
	const struct hal_segment *segment;
	uint32_t offset; /* in the segment */
	uint32_t bytes;
	bool summed;
	uint32_t place; /* of its sum, in the frame */
};

/* The emission of frame `ahead` of a delivery, from its beginning. */
struct weir_emission weir_emission_of(struct weir_firmware *firmware, struct weir_burst *burst,
				      const struct weir_delivery *delivery, uint32_t ahead);
/* Writes a piece over as many buffers as it needs; false: HAL was busy, and burst->emit_operation says how far it came. */
bool weir_emit_piece(struct weir_emission *emission, struct weir_piece piece);
/* The same of the header of `frame`, whose tags are those of the burst's frame `number`, as the delivery's receiver gets it. */
bool weir_emit_head(struct weir_emission *emission, const struct weir_delivery *delivery,
		    const struct weir_frame *frame, uint32_t number);

/* The payloads of frame `number` and of those that are joined to it, one behind the other. */
bool weir_emit_joined(struct weir_emission *emission, uint32_t number);

#endif
