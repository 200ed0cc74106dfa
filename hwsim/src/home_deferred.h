/* SPDX-License-Identifier: BSD-3-Clause */
/* State of the deferred home. */
#ifndef WEIR_HWSIM_HOME_DEFERRED_H
#define WEIR_HWSIM_HOME_DEFERRED_H

#include "sim.h"

#define DEFERRED_BUSY_ONE_IN 16u /* calls that find no room */

struct operation;

struct sim_home {
	struct operation *operations;
	uint32_t flying, ended;
	uint64_t next_number;
	uint64_t random;
	bool *lent; /* frame slots that the firmware has, CARD_QUEUE_FRAMES a port */
};

/* A random number below `below`. */
uint32_t deferred_chance(struct sim_home *home, uint32_t below);

#endif
