/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic that goes on while something else happens: flows of numbered, checksummed frames between pairs of functions. A strict flow
 * must arrive whole, in order, without a gap or a repeat; a loose one (an end of it is being reset) may lose frames, nothing else.
 */
#ifndef WEIR_TEST_TRAFFIC_H
#define WEIR_TEST_TRAFFIC_H

#include "host.h"

#define TRAFFIC_FLOWS 32u
#define TRAFFIC_OUTSTANDING \
	16u /* frames of a flow on their way; a receiver has room for three flows */

struct traffic_flow {
	struct host_function *from, *to;
	bool loose;
	bool paused;	/* sends nothing, what comes is taken */
	uint32_t sent;	/* next sequence */
	uint32_t seen;	/* sequence expected next */
	uint32_t floor; /* what was sent before may never come, and is not waited for */
	uint32_t lost;	/* of a loose flow */
	uint32_t mark;	/* sent at the last traffic_finish() */
};

struct traffic {
	struct host *host;
	struct traffic_flow flows[TRAFFIC_FLOWS];
	uint32_t count;
	uint32_t random;
};

void traffic_start(struct traffic *traffic, struct host *host);
/* A flow on queue 0 of both; returns its number. */
uint32_t traffic_add(struct traffic *traffic, struct host_function *from, struct host_function *to,
		     bool loose);
/* Every flow that is not paused sends what it may, the card turns once, everybody takes what came. */
void traffic_turn(struct traffic *traffic);
void traffic_turns(struct traffic *traffic, uint32_t turns);
/* Nothing more is sent; what was sent must come. Every flow not paused must have moved since the last finish. */
void traffic_finish(struct traffic *traffic);
/* An end of the flow was reset: what was on its way is lost, the next frame may be any later one. */
void traffic_interrupted(struct traffic *traffic, struct host_function *function);

#endif
