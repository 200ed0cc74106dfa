/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A scene for mischief: VF 1 does it, VF 2 is whom it talks to, and VFs 3 and 4 and the PF and VF 5 have strict flows both ways that
 * run whenever the card turns and must not notice.
 */
#ifndef WEIR_TEST_SCENE_H
#define WEIR_TEST_SCENE_H

#include "suite.h"

struct scene {
	struct host *host;
	struct host_function *attacker, *peer;
	struct traffic traffic;
	struct host_frame last_stray;
	uint32_t sequence;
	uint16_t queues;
	bool shadow;
};

/* The attacker has so many queue pairs, with shadow doorbells or not. */
struct scene *scene_start(uint16_t queues, bool shadow);
/* The strict flows are finished and checked. */
void scene_end(struct scene *scene);
/* Turns with the neighbours' traffic. */
void scene_turns(struct scene *scene, uint32_t turns);
/* The same, then until nothing is left to do. */
void scene_settle(struct scene *scene);
/* A frame that must arrive whole, from the attacker to its peer and back. */
void scene_expect_attacker_works(struct scene *scene);
/* Sends one numbered frame; returns its number. Waits for nothing. */
uint32_t scene_frame(struct scene *scene, struct host_function *from, struct host_function *to);
/* Frames that attacker and peer have and nobody expects; the last is in last_stray. */
uint32_t scene_strays(struct scene *scene);
/* The PF was told of this misbehaviour of the attacker's. */
void scene_expect_reported(struct scene *scene, enum weir_misbehaviour kind);
/* PF and attacker were told that this queue was stopped, and why. */
void scene_expect_stopped(struct scene *scene, enum weir_misbehaviour kind, uint16_t queue,
			  bool transmit);
/* Destroys the attacker's queue pair and makes it anew. */
void scene_renew_queue(struct scene *scene, uint16_t queue);

static inline uint64_t vport_stat(struct host_function *function, enum weir_stat_vport counter)
{
	return host_stat(function, WEIR_STATS_SCOPE_VPORT, 0, counter);
}

static inline uint64_t function_stat(struct host_function *function, enum weir_stat_function counter)
{
	return host_stat(function, WEIR_STATS_SCOPE_FUNCTION, 0, counter);
}

#endif
