/* SPDX-License-Identifier: BSD-3-Clause */
/* A unix datagram socket as the wire: a frame a datagram, as QEMU's -netdev dgram has it. */
#include "descriptor.h"
#include "socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct datagram_wire {
	struct descriptor_wire base; /* first */
	struct sockaddr_un local, remote;
};

static int datagram_send(struct descriptor_wire *base, const struct iovec *iov, int count)
{
	struct datagram_wire *wire = (struct datagram_wire *)base;
	struct msghdr message = {
		.msg_name = &wire->remote,
		.msg_namelen = sizeof(wire->remote),
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)count,
	};

	return sendmsg(base->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static ssize_t datagram_receive(struct descriptor_wire *base, void *buffer, size_t bytes)
{
	return recv(base->fd, buffer, bytes, MSG_DONTWAIT);
}

static void datagram_end(struct descriptor_wire *base)
{
	struct datagram_wire *wire = (struct datagram_wire *)base;

	unlink(wire->local.sun_path);
	close(base->fd);
	free(wire);
}

static const struct descriptor_ops datagram_ops = {
	.send = datagram_send,
	.receive = datagram_receive,
	.end = datagram_end,
};

static const struct sim_wire datagram_wire = {
	.name = "dgram",
	.transmit = descriptor_transmit,
	.poll = descriptor_poll,
	.fd = descriptor_fd,
	.next_ns = descriptor_next_ns,
	.close = descriptor_close,
};

int sim_wire_open_datagram(struct sim_port *port, const char *options)
{
	struct weirsim *sim = port->sim;
	const char *comma;
	struct datagram_wire *wire;
	int error;

	if (strncmp(options, "unix:", 5) || !(comma = strchr(options, ','))) {
		sim_log(sim, WEIR_LOG_LEVEL_ERROR, "dgram: needs unix:LOCAL,REMOTE");
		return -EINVAL;
	}
	options += 5;
	wire = calloc(1, sizeof(*wire));
	if (!wire)
		return -ENOMEM;
	wire->base.ops = &datagram_ops;
	wire->base.port = port;
	wire->base.fd = -1;
	error = wire_socket_address(sim, &wire->local, options, (size_t)(comma - options));
	if (!error)
		error = wire_socket_address(sim, &wire->remote, comma + 1, strlen(comma + 1));
	if (error)
		goto fail;
	wire->base.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->base.fd < 0) {
		error = -errno;
		goto fail;
	}
	error = wire_socket_bind(sim, wire->base.fd, SOCK_DGRAM, &wire->local);
	if (error)
		goto fail;
	sim_port_attach(port, &datagram_wire, wire, true);
	return 0;

fail:
	if (wire->base.fd >= 0)
		close(wire->base.fd);
	free(wire);
	return error;
}
