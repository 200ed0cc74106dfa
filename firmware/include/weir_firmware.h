/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a home (board start-up code, hwsim) calls in the firmware: give it memory, turn its poll loop. All state lives in the
 * memory given, so several cards can live in one process.
 */
#ifndef WEIR_FIRMWARE_H
#define WEIR_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/weir_abi.h"

struct hal;
struct weir_firmware;

/* How much of everything this card shall have. */
struct weir_firmware_config {
	uint16_t total_vfs;	/* VFs the PF may enable, at most WEIR_PCI_MAX_VFS */
	uint8_t ports;		/* wire ports, at least 1 */
	uint32_t queue_pairs;	/* of all functions together */
	uint32_t filters;	/* entries of the sorter's table, rounded up to a power of two */
	uint32_t log_records;	/* lines of log kept */
	uint32_t trace_records; /* trace records kept, rounded up to a power of two */
};

/* Bytes of zeroed, 64-byte aligned memory that weir_firmware_init() needs for config. */
size_t weir_firmware_bytes(const struct weir_firmware_config *config);

/*
 * Makes a firmware in memory (zeroed, weir_firmware_bytes(config) long, owned by the caller and alive as long as the
 * firmware). hal is the board's state, ready for use. Function 0 is READY after the first poll. NULL: config is impossible.
 */
struct weir_firmware *weir_firmware_init(void *memory, struct hal *hal,
					 const struct weir_firmware_config *config);

/*
 * One turn of the loop: events, completions, admin queues, a burst from each active queue and port. Returns how much was done; 0
 * means that nothing was to do.
 */
uint32_t weir_firmware_poll(struct weir_firmware *firmware);

/*
 * True when the home may sleep until an event, a completion or a frame comes, or *until_ns (UINT64_MAX: no deadline): every queue has
 * published its event index and nothing waits. Call it after a poll that returned 0.
 */
bool weir_firmware_may_sleep(struct weir_firmware *firmware, uint64_t *until_ns);

/*
 * Runs an admin command between two polls in the name of the card's owner (role MANAGER). request: request_bytes of
 * attributes as in specs/admin-queue.md; response: capacity bytes of room; *response_bytes and *detail are always set. Commands
 * that need DMA of a function (queues) answer WEIR_STATUS_NOT_SUPPORTED.
 */
enum weir_status weir_firmware_manage(struct weir_firmware *firmware, uint16_t opcode,
				      const void *request, uint32_t request_bytes, void *response,
				      uint32_t capacity, uint32_t *response_bytes,
				      uint32_t *detail);

#endif
