/* SPDX-License-Identifier: BSD-3-Clause */
/* What wires have in common whose frames come one by one out of a file descriptor: tap and datagram sockets. */
#ifndef WEIR_HWSIM_DESCRIPTOR_H
#define WEIR_HWSIM_DESCRIPTOR_H

#include "sim.h"

#include <sys/types.h>

struct descriptor_wire;

struct descriptor_ops {
	/* Sends a frame without waiting; 0 or -errno. */
	int (*send)(struct descriptor_wire *wire, const struct iovec *iov, int count);
	/* Takes a frame in without waiting, as read(). */
	ssize_t (*receive)(struct descriptor_wire *wire, void *buffer, size_t bytes);
	/* Closes and frees it. */
	void (*end)(struct descriptor_wire *wire);
};

struct descriptor_wire {
	const struct descriptor_ops *ops;
	struct sim_port *port;
	int fd;
	bool failed;		/* said so in the log, until it works again */
	uint64_t poll_again_ns; /* an empty descriptor is left in peace until then */
	uint8_t frame[CARD_WIRE_MAX_BYTES + 1]; /* one more: a longer frame is seen to be */
};

/* Real time between two looks at a descriptor that had nothing: asking the system costs as much as many frames. */
#define DESCRIPTOR_REST_NS 10000u

/* True when a look is worth it; a wire that found nothing calls descriptor_rest(). Under virtual time it always is. */
static inline bool descriptor_is_due(const struct weirsim *sim, uint64_t poll_again_ns)
{
	return sim->config.virtual_time || sim->hal.time_ns >= poll_again_ns;
}

/* Members of struct sim_wire; state is a struct descriptor_wire. */
int descriptor_transmit(void *state, const struct iovec *iov, int count);
uint32_t descriptor_poll(void *state, uint32_t budget);
int descriptor_fd(void *state);
uint64_t descriptor_next_ns(void *state);
void descriptor_close(void *state);

#endif
