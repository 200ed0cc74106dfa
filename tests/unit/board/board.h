/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A board for unit tests: hal.h over arrays, where the test decides of each bus call whether it is done at once, pending, or
 * refused for want of room, and where it keeps an eye on the firmware's side of the contract.
 *
 * Host memory: each function owns BOARD_DOMAIN_BYTES of it from address board_domain(function) on; everything else faults.
 */
#ifndef WEIR_TEST_BOARD_H
#define WEIR_TEST_BOARD_H

#include "hal.h"

#define BOARD_FUNCTIONS	      16u
#define BOARD_DOMAIN_BYTES    0x20000u
#define BOARD_REGISTER_BYTES  0x400u
#define BOARD_EVENTS	      1024u
#define BOARD_OPERATIONS      256u
#define BOARD_VECTORS	      80u
#define BOARD_DOMAIN_BASE     0x100000000ull
#define BOARD_INVALIDATIONS   512u
#define BOARD_OPERATION_BYTES 16384u

/* What becomes of bus calls. */
enum board_mode {
	BOARD_NOW,     /* done at once */
	BOARD_PENDING, /* pending until board_complete() */
	BOARD_BUSY,    /* no room */
	BOARD_RANDOM,  /* any of the above */
};

enum board_operation_kind { BOARD_READ, BOARD_WRITE, BOARD_ENTRIES, BOARD_COPY };

/* A bus call that is pending. */
struct board_operation {
	bool used;
	enum board_operation_kind kind;
	uint16_t function;
	uint64_t address;
	uint8_t *to;
	const uint8_t *from;
	uint32_t bytes;
	hal_tag tag;
	enum hal_result result; /* what the completion will say */
	uint8_t source[64]; /* how a short source was when it was handed over: it must not change */
};

struct board_function {
	bool ready;  /* out of reset */
	bool master; /* Bus Master Enable */
	bool present;
	uint32_t resets_untaken; /* HAL_EVENT_RESET in the queue */
	uint32_t ready_calls;
	uint32_t registers[BOARD_REGISTER_BYTES / 4];
	uint8_t window[WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE];
	uint32_t interrupts[BOARD_VECTORS];
	bool held[BOARD_VECTORS]; /* raised without bus master: pending */
	uint8_t memory[BOARD_DOMAIN_BYTES] __attribute__((aligned(8)));
	/* addresses in here fault whatever the domain says; bytes 0: none */
	uint64_t hole, hole_bytes;
};

struct hal {
	uint64_t now_ns;
	struct weir_clock clock; /* as hal_clock_set() was told */
	uint64_t kicks;
	struct hal_card card;
	struct hal_link links[8];
	uint32_t link_sets;
	bool trace;

	enum board_mode mode;
	enum board_mode interrupt_mode;
	uint32_t random;
	uint32_t submitted; /* bus calls that were taken (done or pending) */

	struct board_function functions[BOARD_FUNCTIONS];
	struct hal_event events[BOARD_EVENTS];
	uint32_t event_head, event_tail;
	struct board_operation operations[BOARD_OPERATIONS];
	struct hal_completion completions[BOARD_OPERATIONS];
	uint32_t completion_head, completion_tail;
	uint64_t invalidations_done[BOARD_INVALIDATIONS];
	uint32_t invalidation_count;

	uint32_t console_lines;
	enum weir_log_level console_level;
	char console[160]; /* the last line */
	/* Breaches of the contract by the firmware; the first one in words. */
	uint32_t violations;
	char violation[128];
};

/* Makes a board in *hal with total_vfs VFs, none enabled, the PF in reset. */
void board_start(struct hal *hal, uint16_t total_vfs);

static inline uint64_t board_domain(uint16_t function)
{
	return BOARD_DOMAIN_BASE + (uint64_t)function * 2 * BOARD_DOMAIN_BYTES;
}

/* Host memory behind address of a function, NULL when it is not the function's. */
uint8_t *board_memory(struct hal *hal, uint16_t function, uint64_t address, uint64_t bytes);
/* Queues an event for the firmware. */
void board_event(struct hal *hal, const struct hal_event *event);
/* The host writes a register: RW ones are kept, the firmware is told. */
void board_write(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value);
uint32_t board_read(struct hal *hal, uint16_t function, uint32_t offset);
/* FLR or hot reset of one function: its gate is shut, its operations die. */
void board_reset(struct hal *hal, uint16_t function);
/* Writes VF Enable: functions 1 to count come (in reset), the others go. */
void board_vf_enable(struct hal *hal, uint16_t count);
void board_bus_master(struct hal *hal, uint16_t function, bool on);
/* Brings up to `limit` pending operations to their end, in an order of chance when hal->random is not 0; returns how many. */
uint32_t board_complete(struct hal *hal, uint32_t limit);
uint32_t board_pending(const struct hal *hal);
/* Chance from hal->random: 0 to below - 1. */
uint32_t board_chance(struct hal *hal, uint32_t below);

#endif
