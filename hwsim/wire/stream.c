/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A unix stream socket as the wire, framed as QEMU's -netdev stream: 32 bits of length in network order, then the frame. The
 * link is up while somebody is connected. Who listens takes one peer at a time; who connects tries again.
 */
#include "descriptor.h"
#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH_BYTES 4u
#define BUFFER_BYTES (256u * 1024)
#define RETRY_NS     200000000u
/* How soon a peer whose buffers were full is tried again. */
#define FULL_RETRY_NS 200000u

struct stream_wire {
	struct sim_port *port;
	struct weirsim *sim;
	struct sockaddr_un address;
	bool listens;
	int listen_fd, fd;	/* -1: none */
	uint64_t retry_ns;	/* when to connect again */
	uint64_t poll_again_ns; /* when to look for data again */
	uint64_t send_ns;	/* when to send again */
	/* received and not cut into frames yet: [in_head, in_tail) */
	size_t in_head, in_tail;
	/* to be sent: [out_head, out_tail) */
	size_t out_head, out_tail;
	uint8_t in[BUFFER_BYTES], out[BUFFER_BYTES];
};

static void disconnect(struct stream_wire *wire, const char *why)
{
	if (wire->fd < 0)
		return;
	sim_log(wire->sim, WEIR_LOG_LEVEL_INFO, "stream: %s: peer gone: %s", wire->address.sun_path,
		why);
	close(wire->fd);
	wire->fd = -1;
	wire->in_head = wire->in_tail = wire->out_head = wire->out_tail = 0;
	wire->retry_ns = card_now_ns(&wire->sim->hal) + RETRY_NS;
	sim_port_set_carrier(wire->port, false);
}

static void connected(struct stream_wire *wire, int fd)
{
	sim_log(wire->sim, WEIR_LOG_LEVEL_INFO, "stream: %s: peer connected",
		wire->address.sun_path);
	wire->fd = fd;
	wire->poll_again_ns = wire->send_ns = 0;
	sim_port_set_carrier(wire->port, true);
}

/* Looks for a peer. */
static void find_peer(struct stream_wire *wire)
{
	int fd;

	if (wire->listens) {
		if (!descriptor_is_due(wire->sim, wire->poll_again_ns))
			return;
		fd = accept4(wire->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			connected(wire, fd);
		else
			wire->poll_again_ns = wire->sim->hal.time_ns + DESCRIPTOR_REST_NS;
		return;
	}
	if (card_now_ns(&wire->sim->hal) < wire->retry_ns)
		return;
	wire->retry_ns = card_now_ns(&wire->sim->hal) + RETRY_NS;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)&wire->address, sizeof(wire->address)))
		close(fd);
	else
		connected(wire, fd);
}

/* Sends what is waiting, as far as the peer takes it. */
static void flush_out(struct stream_wire *wire)
{
	while (wire->fd >= 0 && wire->out_head != wire->out_tail) {
		ssize_t sent = send(wire->fd, wire->out + wire->out_head,
				    wire->out_tail - wire->out_head, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			wire->send_ns = card_now_ns(&wire->sim->hal) + FULL_RETRY_NS;
			return;
		}
		if (sent < 0) {
			disconnect(wire, strerror(errno));
			return;
		}
		wire->out_head += (size_t)sent;
	}
	wire->out_head = wire->out_tail = 0;
	wire->send_ns = 0;
}

static int stream_transmit(void *state, const struct iovec *iov, int count)
{
	struct stream_wire *wire = state;
	size_t bytes = sim_iov_bytes(iov, count);
	uint32_t length = htonl((uint32_t)bytes);

	if (wire->fd < 0)
		return -ENOTCONN;
	if (BUFFER_BYTES - wire->out_tail < LENGTH_BYTES + bytes) {
		flush_out(wire);
		if (wire->fd < 0)
			return -ENOTCONN;
		memmove(wire->out, wire->out + wire->out_head, wire->out_tail - wire->out_head);
		wire->out_tail -= wire->out_head;
		wire->out_head = 0;
		if (BUFFER_BYTES - wire->out_tail < LENGTH_BYTES + bytes)
			return -EAGAIN;
	}
	/* Frames are gathered until the next poll: one system call for a burst. */
	memcpy(wire->out + wire->out_tail, &length, LENGTH_BYTES);
	sim_iov_copy(wire->out + wire->out_tail + LENGTH_BYTES, iov, count);
	wire->out_tail += LENGTH_BYTES + bytes;
	return 0;
}

/* Cuts frames out of what was received; returns how many. */
static uint32_t take_frames(struct stream_wire *wire, uint32_t budget)
{
	uint32_t done = 0;

	while (done < budget && sim_port_has_room(wire->port) &&
	       wire->in_tail - wire->in_head >= LENGTH_BYTES) {
		struct iovec iov;
		uint32_t length;

		memcpy(&length, wire->in + wire->in_head, LENGTH_BYTES);
		length = ntohl(length);
		if (!length || length > CARD_WIRE_MAX_BYTES) {
			sim_log(wire->sim, WEIR_LOG_LEVEL_WARNING,
				"stream: %s: a frame of %u bytes is announced: not the framing of -netdev stream",
				wire->address.sun_path, length);
			wire->port->stats.dropped_bad_length++;
			disconnect(wire, "bad framing");
			return done;
		}
		if (wire->in_tail - wire->in_head < LENGTH_BYTES + length)
			break;
		iov.iov_base = wire->in + wire->in_head + LENGTH_BYTES;
		iov.iov_len = length;
		sim_port_deliver(wire->port, &iov, 1);
		wire->in_head += LENGTH_BYTES + length;
		done++;
	}
	return done;
}

/* Something whole is there already. */
static bool has_frame(const struct stream_wire *wire)
{
	uint32_t length;

	if (wire->in_tail - wire->in_head < LENGTH_BYTES)
		return false;
	memcpy(&length, wire->in + wire->in_head, LENGTH_BYTES);
	return wire->in_tail - wire->in_head - LENGTH_BYTES >= ntohl(length);
}

/* Reads on. */
static void fill_in(struct stream_wire *wire)
{
	ssize_t bytes;

	if (!descriptor_is_due(wire->sim, wire->poll_again_ns))
		return;
	memmove(wire->in, wire->in + wire->in_head, wire->in_tail - wire->in_head);
	wire->in_tail -= wire->in_head;
	wire->in_head = 0;
	bytes = recv(wire->fd, wire->in + wire->in_tail, BUFFER_BYTES - wire->in_tail, MSG_DONTWAIT);
	if (bytes > 0)
		wire->in_tail += (size_t)bytes;
	else if (!bytes)
		disconnect(wire, "end of file");
	else if (errno == EAGAIN || errno == EINTR)
		wire->poll_again_ns = wire->sim->hal.time_ns + DESCRIPTOR_REST_NS;
	else
		disconnect(wire, strerror(errno));
}

static uint32_t stream_poll(void *state, uint32_t budget)
{
	struct stream_wire *wire = state;

	if (wire->fd < 0)
		find_peer(wire);
	if (wire->fd >= 0 && wire->out_tail && card_now_ns(&wire->sim->hal) >= wire->send_ns)
		flush_out(wire);
	if (wire->fd >= 0 && !has_frame(wire))
		fill_in(wire);
	return wire->fd >= 0 ? take_frames(wire, budget) : 0;
}

static int stream_fd(void *state)
{
	struct stream_wire *wire = state;

	return wire->fd >= 0 ? wire->fd : wire->listen_fd;
}

static uint64_t stream_next_ns(void *state)
{
	struct stream_wire *wire = state;

	if (wire->fd < 0)
		return wire->listens ? UINT64_MAX : wire->retry_ns;
	if (has_frame(wire))
		return 0;
	return wire->out_tail ? wire->send_ns : UINT64_MAX;
}

static void stream_close(void *state)
{
	struct stream_wire *wire = state;

	flush_out(wire);
	if (wire->fd >= 0)
		close(wire->fd);
	if (wire->listen_fd >= 0) {
		close(wire->listen_fd);
		unlink(wire->address.sun_path);
	}
	free(wire);
}

static const struct sim_wire stream_wire = {
	.name = "stream",
	.transmit = stream_transmit,
	.poll = stream_poll,
	.fd = stream_fd,
	.next_ns = stream_next_ns,
	.close = stream_close,
};

static int start_listening(struct stream_wire *wire)
{
	int error, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	error = wire_socket_bind(wire->sim, fd, SOCK_STREAM, &wire->address);
	if (!error && listen(fd, 4))
		error = -errno;
	if (error)
		close(fd);
	else
		wire->listen_fd = fd;
	return error;
}

int sim_wire_open_stream(struct sim_port *port, const char *options)
{
	bool listens = !strncmp(options, "listen:", 7);
	struct stream_wire *wire;
	int error;

	options += listens ? 7 : 0;
	if (strncmp(options, "unix:", 5)) {
		sim_log(port->sim, WEIR_LOG_LEVEL_ERROR,
			"stream: needs unix:PATH or listen:unix:PATH");
		return -EINVAL;
	}
	options += 5;
	wire = calloc(1, sizeof(*wire));
	if (!wire)
		return -ENOMEM;
	wire->port = port;
	wire->sim = port->sim;
	wire->listens = listens;
	wire->fd = wire->listen_fd = -1;
	error = wire_socket_address(port->sim, &wire->address, options, strlen(options));
	if (!error && listens)
		error = start_listening(wire);
	if (error) {
		free(wire);
		return error;
	}
	sim_port_attach(port, &stream_wire, wire, false);
	find_peer(wire);
	return 0;
}
