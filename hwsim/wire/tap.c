/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tap interface of the host's stack as the wire (Linux Documentation/networking/tuntap.rst). Frames come and go whole, without
 * FCS and without a packet information header.
 */
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int tap_send(struct descriptor_wire *wire, const struct iovec *iov, int count)
{
	ssize_t sent = writev(wire->fd, iov, count);

	/* EIO: the interface is down; the host's administrator decides that. */
	return sent < 0 ? -errno : 0;
}

static ssize_t tap_receive(struct descriptor_wire *wire, void *buffer, size_t bytes)
{
	return read(wire->fd, buffer, bytes);
}

static void tap_end(struct descriptor_wire *wire)
{
	close(wire->fd);
	free(wire);
}

static const struct descriptor_ops tap_ops = {
	.send = tap_send,
	.receive = tap_receive,
	.end = tap_end,
};

static const struct sim_wire tap_wire = {
	.name = "tap",
	.transmit = descriptor_transmit,
	.poll = descriptor_poll,
	.fd = descriptor_fd,
	.next_ns = descriptor_next_ns,
	.close = descriptor_close,
};

int sim_wire_open_tap(struct sim_port *port, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct descriptor_wire *wire;
	int fd, error;

	if (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/: \t\n%") || !strcmp(name, ".") ||
	    !strcmp(name, "..")) {
		sim_log(port->sim, WEIR_LOG_LEVEL_ERROR,
			"tap: \"%.32s\" cannot be an interface's name", name);
		return -EINVAL;
	}
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		error = -errno;
		sim_log(port->sim, WEIR_LOG_LEVEL_ERROR, "tap: /dev/net/tun: %s", strerror(errno));
		return error;
	}
	memcpy(request.ifr_name, name, strlen(name));
	if (ioctl(fd, TUNSETIFF, &request)) {
		error = -errno;
		sim_log(port->sim, WEIR_LOG_LEVEL_ERROR, "tap: %s: %s", name, strerror(errno));
		close(fd);
		return error;
	}
	wire = calloc(1, sizeof(*wire));
	if (!wire) {
		close(fd);
		return -ENOMEM;
	}
	wire->ops = &tap_ops;
	wire->port = port;
	wire->fd = fd;
	sim_port_attach(port, &tap_wire, wire, true);
	return 0;
}
