/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix stream sockets with descriptors. */
#include "transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Room for the control message of a full set of descriptors, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(VFU_FDS_MAX * sizeof(int))];
};

size_t vfu_fd_list_close(struct vfu_fd_list *list)
{
	size_t closed = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->fds[i] >= 0) {
			close(list->fds[i]);
			closed++;
		}
	}
	list->count = 0;
	return closed;
}

int vfu_fd_list_take(struct vfu_fd_list *list, size_t index)
{
	int fd = list->fds[index];

	list->fds[index] = -1;
	return fd;
}

static void collect_fds(struct msghdr *message, struct vfu_fd_list *list)
{
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
		size_t count;

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(control) + i * sizeof(fd), sizeof(fd));
			if (list->count < list->limit) {
				list->fds[list->count++] = fd;
			} else {
				close(fd);
				list->discarded++;
			}
		}
	}
	if (message->msg_flags & MSG_CTRUNC)
		list->lost = true;
}

ssize_t vfu_socket_receive(int socket_fd, void *buffer, size_t length, struct vfu_fd_list *list)
{
	union control control;
	struct iovec vector = { .iov_base = buffer, .iov_len = length };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t received;

	do {
		received = recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (received < 0 && errno == EINTR);
	if (received < 0)
		return -errno;
	collect_fds(&message, list);
	return received;
}

ssize_t vfu_socket_send(int socket_fd, const void *buffer, size_t length, const int *fds,
			size_t fd_count)
{
	union control control;
	struct iovec vector = { .iov_base = (void *)buffer, .iov_len = length };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
	}
	do {
		sent = sendmsg(socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

static ssize_t socket_receive(struct vfu_transport *transport, void *buffer, size_t length,
			      struct vfu_fd_list *list)
{
	return vfu_socket_receive(transport->fd, buffer, length, list);
}

static ssize_t socket_send(struct vfu_transport *transport, const void *buffer, size_t length,
			   int fd)
{
	return vfu_socket_send(transport->fd, buffer, length, &fd, fd >= 0 ? 1 : 0);
}

static void socket_close(struct vfu_transport *transport)
{
	close(transport->fd);
	transport->fd = -1;
}

void vfu_transport_socket(struct vfu_transport *transport, int socket_fd)
{
	transport->receive = socket_receive;
	transport->send = socket_send;
	transport->close = socket_close;
	transport->fd = socket_fd;
}

int vfu_socket_address(struct sockaddr_un *address, const char *path)
{
	size_t length = strlen(path);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (length == 0 || length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, length);
	return 0;
}
