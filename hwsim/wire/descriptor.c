/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that come one by one out of a file descriptor. */
#include "descriptor.h"

#include <errno.h>
#include <string.h>

/* Says once that the wire does not work, and once that it does again. */
static void report(struct descriptor_wire *wire, int error)
{
	if (!error == !wire->failed)
		return;
	wire->failed = error;
	if (error)
		sim_log(wire->port->sim, WEIR_LOG_LEVEL_WARNING, "port %u: %s: %s",
			wire->port->card->index, wire->port->wire->name, strerror(-error));
	else
		sim_log(wire->port->sim, WEIR_LOG_LEVEL_INFO, "port %u: %s: works again",
			wire->port->card->index, wire->port->wire->name);
}

int descriptor_transmit(void *state, const struct iovec *iov, int count)
{
	struct descriptor_wire *wire = state;
	int error = wire->ops->send(wire, iov, count);

	/* A full queue is an ordinary thing on a wire, and no news. */
	if (error != -EAGAIN && error != -ENOBUFS)
		report(wire, error);
	return error;
}

uint32_t descriptor_poll(void *state, uint32_t budget)
{
	struct descriptor_wire *wire = state;
	struct weirsim *sim = wire->port->sim;
	uint32_t done = 0;

	if (!descriptor_is_due(sim, wire->poll_again_ns))
		return 0;
	while (done < budget && sim_port_has_room(wire->port)) {
		ssize_t bytes = wire->ops->receive(wire, wire->frame, sizeof(wire->frame));
		struct iovec iov = { .iov_base = wire->frame };

		if (bytes < 0) {
			/* ECONNREFUSED tells of an earlier frame that nobody took. */
			if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
				report(wire, -errno);
			wire->poll_again_ns = sim->hal.time_ns + DESCRIPTOR_REST_NS;
			break;
		}
		iov.iov_len = (size_t)bytes;
		sim_port_deliver(wire->port, &iov, 1);
		done++;
	}
	return done;
}

int descriptor_fd(void *state)
{
	struct descriptor_wire *wire = state;

	return wire->fd;
}

uint64_t descriptor_next_ns(void *state)
{
	(void)state;
	return UINT64_MAX;
}

void descriptor_close(void *state)
{
	struct descriptor_wire *wire = state;

	wire->ops->end(wire);
}
