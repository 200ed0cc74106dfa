/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest driver of a Weir function behind a vfio-user socket: one queue pair, polled or by interrupt, with or without shadow
 * doorbells. Written from the datasheet (specs/). For tests: what goes wrong ends the process with a message.
 */
#ifndef WEIR_SIM_TEST_DRIVER_H
#define WEIR_SIM_TEST_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio_user/client.h"
#include "weir/weir_abi.h"

#define RING_LOG2      8u
#define RING	       (1u << RING_LOG2)
#define BUFFER_BYTES   2048u
#define ADMIN_LOG2     3u
#define ADMIN_CQ_LOG2  6u
#define MEMORY_IOVA    0x4000000000ull
#define MEMORY_BYTES   (4u << 20)
#define RECEIVE_VECTOR 1u

struct driver_options {
	const char *socket;
	uint8_t mac[6];	    /* all zero: the one that the function has */
	bool interrupts;    /* wait for received frames by interrupt */
	bool shadow;	    /* shadow doorbells */
	bool unsealed;	    /* memory that this process can truncate later */
	uint32_t connect_s; /* how long to try to connect */
};

struct driver {
	struct driver_options options;
	struct vfu_client *client;
	int memory_fd;
	uint8_t *memory;
	size_t allocated;
	int eventfds[2];
	uint8_t mac[6];
	uint32_t generation;

	struct weir_admin_command *admin_sq;
	struct weir_admin_completion *admin_cq;
	uint8_t *admin_data; /* request, then response */
	uint16_t admin_tail, admin_head;

	struct weir_rx_buffer *rx_ring;
	struct weir_rx_completion *rx_completions;
	struct weir_shadow_doorbell *rx_shadow;
	uint8_t *rx_buffers;
	uint16_t rx_posted, rx_taken;
	bool rx_rung; /* posted was told to the device */

	struct weir_tx_descriptor *tx_ring;
	volatile uint32_t *tx_head;
	struct weir_shadow_doorbell *tx_shadow;
	uint8_t *tx_buffers;
	uint16_t tx_tail, tx_told;
};

/* Ends the process with a message. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Seconds of a clock that does not jump. */
double now_s(void);

/* Connects, waits for READY, makes the admin queue and one queue pair, posts buffers, and lets frames in. */
void driver_start(struct driver *driver, const struct driver_options *options);
/* Destroys the queues in order and leaves. */
void driver_stop(struct driver *driver);

/* A frame into the ring; false: it is full. */
bool driver_send(struct driver *driver, const void *frame, uint16_t bytes);
/* Tells the device what was put into the ring. */
void driver_send_done(struct driver *driver);
/* How many frames are in the ring that the device has not taken. */
uint32_t driver_sending(const struct driver *driver);

/* The next frame received, valid until driver_receive_done(); false: none. */
bool driver_receive(struct driver *driver, const uint8_t **frame, uint16_t *bytes);
/* Gives the buffers of the frames received back. */
void driver_receive_done(struct driver *driver);
/* Waits until a frame is there, or ms are over: by interrupt, or, if polling, returns at once. */
void driver_wait(struct driver *driver, int ms);

/* A register of BAR0. */
uint32_t driver_read(struct driver *driver, uint32_t offset);
/* Runs an admin command with a request of `bytes`; returns its status. */
int driver_command(struct driver *driver, uint16_t opcode, const void *request, uint16_t bytes);

#endif
