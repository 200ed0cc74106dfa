/* SPDX-License-Identifier: BSD-3-Clause */
/* Which TCP segments follow one another: what coalesce.c has for the frames of a burst, and hold.c for an aggregate that waits. */
#ifndef WEIR_COALESCE_H
#define WEIR_COALESCE_H

#include "burst.h"
#include "bytes.h"

/* A segment's headers, as they are in its private copy, and what classify and the parser said of them. */
struct weir_head {
	const uint8_t *header;
	const struct weir_way *way;
	const struct weir_layer *layer;
};

/* Segments of a flow that follow one another, from their first one on: what the next one must be to follow them. */
struct weir_run {
	uint8_t segments;
	bool fixed_id;	   /* the second one has the first one's identification */
	uint16_t payload;  /* of the first */
	uint16_t id;	   /* of the last */
	uint32_t bytes;	   /* of all of them, as one frame */
	uint32_t sequence; /* behind the last */
};

static inline uint32_t payload_of(const struct weir_layer *layer)
{
	return (uint32_t)layer->end - layer->payload;
}

/* The head of frame `number`, which is parsed. */
static inline struct weir_head weir_head_of(const struct weir_burst *burst, uint32_t number)
{
	return (struct weir_head){ burst->frames[number].header, &burst->frames[number].way,
				   &burst->layers[number].outer };
}

/* Two frames with TCP: the same flow, by what tells flows apart anywhere on their way? */
bool weir_head_same_flow(const struct weir_head *a, const struct weir_head *b);
/* May a frame with TCP be part of an aggregate at all? *ends: it can only be the last. */
bool weir_head_is_segment(const struct weir_head *head, bool *ends);
/* The run that frame `number` begins. */
struct weir_run weir_run_of(const struct weir_burst *burst, uint32_t number);
/* Does a segment of the flow follow the run that begins with `first`, and neither limit of the vport is passed? */
bool weir_run_goes_on(const struct weir_run *run, const struct weir_head *first,
		      const struct weir_head *next, const struct weir_vport *vport);
/* Then it is added. */
void weir_run_add(struct weir_run *run, const struct weir_head *next);
/* Nothing that comes can follow a run with this last segment. */
static inline bool weir_run_is_over(const struct weir_run *run, const struct weir_head *last,
				    bool ends, const struct weir_vport *vport)
{
	return ends || payload_of(last->layer) < run->payload ||
	       run->segments == vport->coalesce_segments;
}
/* What the completion of a run of several segments that begins with `first` says of it: flags besides those of any frame, and
 * rx_aggregate.segment. */
uint32_t weir_run_flags(const struct weir_run *run, const struct weir_head *first);
uint16_t weir_run_segment(const struct weir_run *run, const struct weir_head *first);
/* Makes the header of the first segment that of all of them, which have so much payload; last_flags: TCP's of the last. */
void weir_coalesce_header(uint8_t *header, const struct weir_layer *first, uint32_t payload,
			  uint8_t last_flags);
/* TCP's flags in a head. */
uint8_t weir_head_flags(const struct weir_head *head);

#endif
