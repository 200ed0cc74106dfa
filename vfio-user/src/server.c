/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a server and of its clients.
 *
 *	IDLE --accept--> CONNECTED --hangup, fault--> DRAINING --memory released--> IDLE
 *
 * One epoll descriptor gathers the listening socket, the client, those being refused, and an eventfd
 * by which other threads and the SIGBUS handler are heard. It is what the caller watches.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_internal.h"
#include "server_listen.h"

/* Messages handled in one vfu_server_process(), so that one client cannot keep the loop. */
#define MESSAGES_A_TIME 64

#define EVENTS_A_TIME (VFU_SOURCE_REFUSED + VFU_REFUSED_SLOTS)

/* --- saying what happens -------------------------------------------------------------------------- */

const char *vfu_gone_reason_name(enum vfu_gone_reason reason)
{
	static const char *const names[VFU_GONE_REASONS] = {
		[VFU_GONE_HANGUP] = "hangup",
		[VFU_GONE_PROTOCOL] = "protocol",
		[VFU_GONE_SLOW_READER] = "slow reader",
		[VFU_GONE_LOST_MEMORY] = "lost memory",
		[VFU_GONE_NO_RESOURCES] = "no resources",
		[VFU_GONE_DROPPED] = "dropped",
	};

	return (unsigned int)reason < VFU_GONE_REASONS ? names[reason] : "unknown";
}

const char *vfu_fault_name(enum vfu_fault fault)
{
	static const char *const names[VFU_FAULTS] = {
		[VFU_FAULT_HEADER] = "header",
		[VFU_FAULT_OVERSIZED] = "oversized",
		[VFU_FAULT_TRUNCATED] = "truncated",
		[VFU_FAULT_STATE] = "state",
		[VFU_FAULT_VERSION] = "version",
		[VFU_FAULT_COMMAND] = "command",
		[VFU_FAULT_SIZE] = "size",
		[VFU_FAULT_FDS] = "fds",
		[VFU_FAULT_REGION] = "region",
		[VFU_FAULT_DMA] = "dma",
		[VFU_FAULT_IRQ] = "irq",
		[VFU_FAULT_DEVICE] = "device",
	};

	return (unsigned int)fault < VFU_FAULTS ? names[fault] : "unknown";
}

static void log_line(struct vfu_server *server, enum vfu_log_level level, const char *format,
		     va_list arguments)
{
	uint32_t *lines = &server->connection.log_lines;
	char line[256];
	int length;

	if (!server->callbacks->log)
		return;
	if (level == VFU_LOG_WARNING && ++*lines > server->limits.max_log_lines) {
		server->stats.log_lines_suppressed++;
		if (*lines != server->limits.max_log_lines + 1)
			return;
		snprintf(line, sizeof(line), "%s: more warnings about this client are only counted",
			 server->name);
	} else {
		length = snprintf(line, sizeof(line), "%.80s: ", server->name);
		vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
	}
	server->callbacks->log(server->device, level, line);
}

void vfu_log(struct vfu_server *server, enum vfu_log_level level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line(server, level, format, arguments);
	va_end(arguments);
}

int vfu_fault(struct vfu_server *server, enum vfu_fault fault, int error, const char *format, ...)
{
	va_list arguments;

	server->stats.faults[fault]++;
	va_start(arguments, format);
	log_line(server, VFU_LOG_WARNING, format, arguments);
	va_end(arguments);
	return error;
}

/* --- events -------------------------------------------------------------------------------------- */

void vfu_wake(int wake_fd)
{
	uint64_t one = 1;
	/* It is ours and does not wait; if it is full, the other side is as good as woken. */
	ssize_t written = write(wake_fd, &one, sizeof(one));

	(void)written;
}

static int watch(struct vfu_server *server, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = VFU_SOURCE_CLIENT };
	int fd = server->connection.transport.fd;

	if (fd >= 0 && epoll_ctl(server->epoll_fd, operation, fd, &event) < 0)
		return -errno;
	server->connection.watched_events = events;
	return 0;
}

/* Asks for the client's events that can be served now. */
static void watch_client(struct vfu_server *server)
{
	struct vfu_connection *connection = &server->connection;
	uint32_t events = 0;

	if (server->state != VFU_STATE_CONNECTED)
		return;
	/* A hangup is told whatever is asked for. */
	if (server->pending.kind == VFU_PENDING_NONE)
		events |= EPOLLIN;
	if (connection->output_first)
		events |= EPOLLOUT;
	if (events != connection->watched_events)
		watch(server, EPOLL_CTL_MOD, events);
}

/* --- the client comes and goes -------------------------------------------------------------------- */

void vfu_doom(struct vfu_server *server, enum vfu_gone_reason reason)
{
	if (server->connection.doomed)
		return;
	server->connection.doomed = true;
	server->connection.doom_reason = reason;
}

int vfu_server_connect(struct vfu_server *server, const struct vfu_transport *transport)
{
	struct vfu_connection *connection = &server->connection;
	int error;

	memset(connection, 0, sizeof(*connection));
	connection->transport = *transport;
	connection->input.fds.limit = server->limits.max_message_fds;
	error = watch(server, EPOLL_CTL_ADD, EPOLLIN);
	if (error < 0) {
		vfu_log(server, VFU_LOG_ERROR, "cannot watch a client: %s", strerror(-error));
		return error;
	}
	atomic_store(&server->drop_wanted, false);
	atomic_store(&server->memory_lost, false);
	server->state = VFU_STATE_CONNECTED;
	return 0;
}

/* Has the device let go of all memory of a client that is gone; then the next may come. */
static void drain(struct vfu_server *server)
{
	if (server->pending.kind != VFU_PENDING_NONE)
		return;
	if (server->dma_count > 0) {
		enum vfu_progress progress = VFU_DONE;

		vfu_pending_begin(server, VFU_PENDING_UNMAP_ALL);
		if (server->callbacks->dma_unmap)
			progress = server->callbacks->dma_unmap(server->device, NULL);
		if (progress == VFU_PENDING)
			return;
		vfu_pending_cancel(server);
		vfu_dma_unmap_all(server);
	}
	server->state = VFU_STATE_IDLE;
}

/* Hangs up on the client. */
static void disconnect(struct vfu_server *server)
{
	struct vfu_connection *connection = &server->connection;
	enum vfu_gone_reason reason = connection->doom_reason;

	watch(server, EPOLL_CTL_DEL, 0);
	connection->transport.close(&connection->transport);
	vfu_stream_free(server);
	server->stats.clients_gone++;
	server->stats.gone[reason]++;
	vfu_log(server, VFU_LOG_INFO, "client gone: %s", vfu_gone_reason_name(reason));
	server->state = VFU_STATE_DRAINING;
	if (connection->negotiated && server->callbacks->client_gone)
		server->callbacks->client_gone(server->device, reason);
	connection->negotiated = false;
	vfu_irqs_close(server);
	drain(server);
}

bool vfu_server_has_client(const struct vfu_server *server)
{
	return server->state == VFU_STATE_CONNECTED && server->connection.negotiated;
}

pid_t vfu_server_client_pid(const struct vfu_server *server)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (!vfu_server_has_client(server) || getsockopt(server->connection.transport.fd, SOL_SOCKET,
							 SO_PEERCRED, &credentials, &length) < 0)
		return -1;
	return credentials.pid;
}

void vfu_server_drop_client(struct vfu_server *server)
{
	atomic_store(&server->drop_wanted, true);
	vfu_wake(server->wake_fd);
}

/* --- what the device finishes later --------------------------------------------------------------- */

void vfu_pending_begin(struct vfu_server *server, enum vfu_pending_kind kind)
{
	server->pending.kind = kind;
	atomic_store(&server->pending.state,
		     kind == VFU_PENDING_RESET ? VFU_PENDING_STATE_RESET : VFU_PENDING_STATE_UNMAP);
}

void vfu_pending_cancel(struct vfu_server *server)
{
	server->pending.kind = VFU_PENDING_NONE;
	atomic_store(&server->pending.state, VFU_PENDING_STATE_NONE);
}

static int complete(struct vfu_server *server, int awaited, int error)
{
	int finished = VFU_PENDING_STATE_COMPLETE | -error;

	if (!atomic_compare_exchange_strong(&server->pending.state, &awaited, finished))
		return -EINVAL;
	vfu_wake(server->wake_fd);
	return 0;
}

int vfu_server_complete_unmap(struct vfu_server *server)
{
	return complete(server, VFU_PENDING_STATE_UNMAP, 0);
}

int vfu_server_complete_reset(struct vfu_server *server, int error)
{
	if (error > 0 || error < -VFU_ERRNO_MAX)
		return -EINVAL;
	return complete(server, VFU_PENDING_STATE_RESET, error);
}

/* Answers the command that the device has finished, or goes on releasing a client that is gone. */
static void finish_pending(struct vfu_server *server)
{
	struct vfu_pending *pending = &server->pending;
	int state = atomic_load(&pending->state);
	struct vfu_output *reply = NULL;
	int error;

	if (!(state & VFU_PENDING_STATE_COMPLETE))
		return;
	error = -(state & VFU_ERRNO_MAX);
	if (pending->kind != VFU_PENDING_RESET) {
		reply = vfu_dma_unmap_finish(server);
		if (!reply)
			error = -ENOMEM;
	} else if (error) {
		vfu_fault(server, VFU_FAULT_DEVICE, error, "DEVICE_RESET: the device answers: %s",
			  strerror(-error));
	}
	vfu_pending_cancel(server);
	if (server->state == VFU_STATE_CONNECTED) {
		vfu_reply(server, &pending->header, error, reply);
	} else {
		free(reply);
		drain(server);
	}
}

/* --- the loop ------------------------------------------------------------------------------------ */

/* Serves the client for a while. */
static void serve_client(struct vfu_server *server, uint32_t events)
{
	struct vfu_connection *connection = &server->connection;

	if (events & EPOLLOUT)
		vfu_output_flush(server);
	/* While the device is busy nothing is read, so the end of the stream would not be seen. */
	if (server->pending.kind != VFU_PENDING_NONE && (events & (EPOLLHUP | EPOLLERR)))
		vfu_doom(server, VFU_GONE_HANGUP);
	for (int i = 0; i < MESSAGES_A_TIME; i++) {
		enum vfu_input_result result;

		if (connection->doomed || server->pending.kind != VFU_PENDING_NONE)
			return;
		if (atomic_load(&server->memory_lost) || atomic_load(&server->drop_wanted))
			return;
		result = vfu_input_receive(server);
		if (result == VFU_INPUT_NOTHING || result == VFU_INPUT_FAILED)
			return;
		if (result == VFU_INPUT_MESSAGE)
			vfu_message_handle(server);
	}
}

/* What happened outside of this thread. */
static void heed_flags(struct vfu_server *server)
{
	if (server->state != VFU_STATE_CONNECTED)
		return;
	if (atomic_load(&server->memory_lost)) {
		vfu_log(server, VFU_LOG_WARNING, "the client has truncated memory it had mapped");
		vfu_doom(server, VFU_GONE_LOST_MEMORY);
	}
	if (atomic_load(&server->drop_wanted))
		vfu_doom(server, VFU_GONE_DROPPED);
}

static void process_events(struct vfu_server *server, const struct epoll_event *events, int count)
{
	/* A client without a descriptor (a test's) may always have something. */
	bool client_ready = server->state == VFU_STATE_CONNECTED &&
			    server->connection.transport.fd < 0;
	uint32_t client_events = 0;
	uint64_t wakes;

	for (int i = 0; i < count; i++) {
		uint32_t source = events[i].data.u32;

		if (source == VFU_SOURCE_WAKE) {
			ssize_t ignored = read(server->wake_fd, &wakes, sizeof(wakes));

			(void)ignored;
		} else if (source == VFU_SOURCE_LISTEN) {
			server->accept_waiting = true;
		} else if (source == VFU_SOURCE_CLIENT) {
			client_ready = true;
			client_events = events[i].events;
		} else {
			vfu_refused_serve(server, source - VFU_SOURCE_REFUSED);
		}
	}
	finish_pending(server);
	heed_flags(server);
	if (client_ready && server->state == VFU_STATE_CONNECTED)
		serve_client(server, client_events);
	heed_flags(server);
	if (server->state == VFU_STATE_CONNECTED && server->connection.doomed)
		disconnect(server);
	/* Last, so that who comes right after a client has died finds its place free. */
	vfu_accept(server);
	watch_client(server);
}

int vfu_server_process(struct vfu_server *server)
{
	struct epoll_event events[EVENTS_A_TIME];
	int count;

	if (server->processing)
		return -EBUSY;
	do {
		count = epoll_wait(server->epoll_fd, events, EVENTS_A_TIME, 0);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	server->processing = true;
	process_events(server, events, count);
	server->processing = false;
	return 0;
}

int vfu_server_fd(const struct vfu_server *server)
{
	return server->epoll_fd;
}

void vfu_server_get_stats(const struct vfu_server *server, struct vfu_server_stats *stats)
{
	*stats = server->stats;
}
