/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes and descriptors between the two sides. The server reaches its client through struct
 * vfu_transport only, so that a test can stand in for the socket.
 */
#ifndef VFU_TRANSPORT_H
#define VFU_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vfio_user/protocol.h"

struct sockaddr_un;

/** Descriptors that came with a message. Whoever holds the list closes what is left in it. */
struct vfu_fd_list {
	int fds[VFU_FDS_MAX];
	size_t count;
	size_t limit;	  /* what comes beyond it is closed at once */
	size_t discarded; /* how many were */
	bool lost;	  /* the kernel could not deliver some (too many open files) */
};

/** Closes all descriptors of the list and empties it. Returns how many there were. */
size_t vfu_fd_list_close(struct vfu_fd_list *list);

/** Takes descriptor `index` out of the list: the caller closes it. */
int vfu_fd_list_take(struct vfu_fd_list *list, size_t index);

/** A connection to a peer. */
struct vfu_transport {
	/**
	 * Receives at most length bytes, and the descriptors that came with them, which are added to
	 * the list. Does not wait.
	 *
	 * @return bytes, 0 at the end, or a negative errno: -EAGAIN if nothing is there
	 */
	ssize_t (*receive)(struct vfu_transport *transport, void *buffer, size_t length,
			   struct vfu_fd_list *list);

	/**
	 * Sends what goes of length bytes; fd (-1: none) goes with the first of them. Does not wait.
	 *
	 * @return bytes (at least 1), or a negative errno: -EAGAIN if nothing goes
	 */
	ssize_t (*send)(struct vfu_transport *transport, const void *buffer, size_t length, int fd);

	/** Hangs up. */
	void (*close)(struct vfu_transport *transport);

	int fd; /* to be watched, or -1: always worth a try */
};

/** Makes `transport` speak through a connected, non-blocking unix stream socket, which it then owns. */
void vfu_transport_socket(struct vfu_transport *transport, int socket_fd);

/** The receive() of a socket, for whoever has one without a transport. */
ssize_t vfu_socket_receive(int socket_fd, void *buffer, size_t length, struct vfu_fd_list *list);

/** The send() of a socket, with any number of descriptors up to VFU_FDS_MAX. */
ssize_t vfu_socket_send(int socket_fd, const void *buffer, size_t length, const int *fds,
			size_t fd_count);

/**
 * Fills in the address of a unix socket.
 *
 * @return 0, or -ENAMETOOLONG
 */
int vfu_socket_address(struct sockaddr_un *address, const char *path);

#endif
