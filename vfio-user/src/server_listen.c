/* SPDX-License-Identifier: BSD-3-Clause */
/* The listening socket of a server: who is let in and who is told to come later. */
#include "server_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Arrivals looked at in one vfu_server_process(). */
#define ARRIVALS_A_TIME 16

/* --- the socket ---------------------------------------------------------------------------------- */

/*
 * What is there already at the path that is to be bound: -EEXIST no socket, -EADDRINUSE somebody
 * listens, 0 nobody does and it has been removed.
 */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat status;
	int probe;
	int error = 0;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return -errno;
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		error = -EADDRINUSE;
	close(probe);
	if (error == 0 && unlink(address->sun_path) < 0)
		error = -errno;
	return error;
}

int vfu_listen(struct vfu_server *server, mode_t mode)
{
	struct sockaddr_un address;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u32 = VFU_SOURCE_LISTEN };
	struct stat status;
	int error = vfu_socket_address(&address, server->socket_path);

	if (error < 0)
		return error;
	server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listen_fd < 0)
		return -errno;
	/* The file that bind() makes takes its mode from the descriptor: at no moment is it wider. */
	if (fchmod(server->listen_fd, mode) < 0)
		return -errno;
	if (bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != EADDRINUSE)
			return -errno;
		error = remove_stale(&address);
		if (error < 0)
			return error;
		if (bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			return -errno;
	}
	if (lstat(server->socket_path, &status) < 0)
		return -errno;
	server->socket_device = status.st_dev;
	server->socket_inode = status.st_ino;
	/*
	 * Each arrival is told once: a connection that cannot be taken in, for want of descriptors,
	 * does not then keep the caller's loop spinning.
	 */
	if (listen(server->listen_fd, ARRIVALS_A_TIME) < 0 ||
	    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listen_fd, &event) < 0)
		return -errno;
	return 0;
}

static void refused_close(struct vfu_refused *refused)
{
	if (refused->fd >= 0)
		close(refused->fd);
	refused->fd = -1;
}

void vfu_listen_close(struct vfu_server *server)
{
	struct stat status;

	for (unsigned int i = 0; i < VFU_REFUSED_SLOTS; i++)
		refused_close(&server->refused[i]);
	if (server->listen_fd < 0)
		return;
	close(server->listen_fd);
	server->listen_fd = -1;
	if (server->socket_inode != 0 && lstat(server->socket_path, &status) == 0 &&
	    status.st_dev == server->socket_device && status.st_ino == server->socket_inode)
		unlink(server->socket_path);
}

/* --- arrivals ------------------------------------------------------------------------------------ */

/*
 * Waits, without waiting, for the header of a refused connection's first message, so that the answer
 * carries its message id; descriptors that come along are dropped by the kernel.
 */
void vfu_refused_serve(struct vfu_server *server, unsigned int slot)
{
	struct vfu_refused *refused = &server->refused[slot];
	struct vfu_header answer;
	ssize_t received;

	if (refused->fd < 0)
		return;
	received = recv(refused->fd, (char *)&refused->header + refused->header_bytes,
			sizeof(refused->header) - refused->header_bytes, MSG_DONTWAIT);
	if (received < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (received > 0) {
		refused->header_bytes += (size_t)received;
		if (refused->header_bytes < sizeof(refused->header))
			return;
		answer = (struct vfu_header){
			.message_id = refused->header.message_id,
			.command = refused->header.command,
			.size_bytes = sizeof(answer),
			.flags = VFU_FLAG_TYPE_REPLY | VFU_FLAG_ERROR,
			.error_number = EBUSY,
		};
		vfu_socket_send(refused->fd, &answer, sizeof(answer), NULL, 0);
	}
	refused_close(refused);
}

/* Begins to refuse a connection, at the cost of the one that has been refused for longest. */
static void refuse(struct vfu_server *server, int fd)
{
	unsigned int slot = server->refused_next;
	struct vfu_refused *refused = &server->refused[slot];
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = VFU_SOURCE_REFUSED + slot };

	server->refused_next = (slot + 1) % VFU_REFUSED_SLOTS;
	server->stats.clients_refused++;
	vfu_log(server, VFU_LOG_INFO, "refused a second client");
	refused_close(refused);
	*refused = (struct vfu_refused){ .fd = fd };
	if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		refused_close(refused);
	else
		vfu_refused_serve(server, slot);
}

/* Whether the client is gone though that has not been noticed yet. */
static bool client_has_hung_up(const struct vfu_server *server)
{
	struct pollfd pollfd = { .fd = server->connection.transport.fd, .events = POLLRDHUP };

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

void vfu_accept(struct vfu_server *server)
{
	for (int i = 0; i < ARRIVALS_A_TIME && server->accept_waiting; i++) {
		int fd;

		/* Whoever comes now waits for the place that is about to be free. */
		if (server->state == VFU_STATE_DRAINING ||
		    (server->state == VFU_STATE_CONNECTED && client_has_hung_up(server)))
			return;
		if (server->listen_fd < 0) {
			server->accept_waiting = false;
			return;
		}
		fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			struct vfu_transport transport;

			vfu_transport_socket(&transport, fd);
			if (server->state != VFU_STATE_IDLE)
				refuse(server, fd);
			else if (vfu_server_connect(server, &transport) < 0)
				close(fd);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			server->accept_waiting = false;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			/* No descriptors: tried again whenever there is something else to do. */
			server->stats.accept_failures++;
			vfu_log(server, VFU_LOG_ERROR, "cannot take in a client: %s",
				strerror(errno));
			return;
		}
	}
	/* More may wait, and this descriptor will not say so again. */
	if (server->accept_waiting)
		vfu_wake(server->wake_fd);
}
