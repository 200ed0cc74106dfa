/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client side of the admin queue (specs/admin-queue.md): one command at a time, events on the way. All calls
 * with the device's lock held.
 */
#ifndef WEIR_ADMIN_H
#define WEIR_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "weir_tlv.h"

struct weir_device;
struct rte_memzone;

/** log2 of the rings; the completion ring holds events, too. */
#define WEIR_ADMIN_SQ_LOG2 WEIR_ADMIN_RING_MIN_LOG2
#define WEIR_ADMIN_CQ_LOG2 6

/** The admin queue of a device. */
struct weir_admin {
	const struct rte_memzone *zone; /* rings, request and response */
	volatile struct weir_admin_command *commands;
	volatile struct weir_admin_completion *completions;
	uint8_t *request;
	volatile uint8_t *response;
	uint64_t request_iova, response_iova;
	uint16_t tail, head; /* commands submitted, entries taken; free-running */
	uint16_t cookie;
	bool running;
	uint64_t commands_sent, commands_failed, events_taken, stray_entries;
};

/** An answer, on a private copy. */
struct weir_response {
	uint16_t length; /* bytes of attributes */
	uint32_t detail;
	uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
};

/** Allocates the memory of the admin queue; once per device. 0 or a negative errno. */
int weir_admin_create(struct weir_device *device);
/** Frees it. The queue is stopped, or the function gone. */
void weir_admin_destroy(struct weir_device *device);

/** Zeroes the rings and sets them to work (function in state READY). 0 or a negative errno, logged. */
int weir_admin_start(struct weir_device *device);
/** Stops the queue; nothing happens if it does not run. */
void weir_admin_stop(struct weir_device *device);

/**
 * Sends a command and waits for its answer.
 *
 * @param request   its attributes; NULL: none
 * @param response  the answer's attributes, well-formed; NULL: of no interest
 * @return 0, or a negative errno: what enum weir_status means (-EPERM, -EINVAL, -EEXIST, -ENOENT,
 *         -ENOSPC, …), -ETIMEDOUT or -ENOTCONN when no answer came: the device is then given up
 *         (weir_device_suspect()), -EPROTO when the answer was malformed. Failures are logged with the
 *         device's own reason, except `expected` ones.
 */
int weir_admin_command(struct weir_device *device, enum weir_command opcode,
		       const struct weir_tlv *request, struct weir_response *response,
		       int expected);

/** Takes the events that have come and notes them in the device; see weir_device_events. */
void weir_admin_take_events(struct weir_device *device);

#endif
