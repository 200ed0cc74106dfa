/* SPDX-License-Identifier: BSD-3-Clause */
/* What the management socket asks the firmware in its own interest, and the ABI's names for what comes back. */
#ifndef WEIR_SIM_QUERY_H
#define WEIR_SIM_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "weirsim.h"

struct query_card {
	char firmware_version[WEIR_STRING_BYTES + 1];
	uint64_t serial;
	uint32_t abi_version;
};

struct query_function {
	const char *state; /* name of an enum weir_function_state */
	uint32_t generation;
};

void query_card(struct weirsim *sim, struct query_card *card);
/* function: 0 the PF, n VF n-1. */
void query_function(struct weirsim *sim, uint16_t function, struct query_function *life);
/* Has the firmware log what the daemon wants to see. */
void query_set_log_level(struct weirsim *sim, enum weir_log_level level);

const char *query_status_name(enum weir_status status);
/* The number of the admin command of that name; false: there is none. */
bool query_opcode(const char *name, uint16_t *opcode);
/* Whether there is something at an offset of BAR0 that can be read: a register, a block's header, the mailbox's data window. */
bool query_is_readable(uint32_t offset);

#endif
