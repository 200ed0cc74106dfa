/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the client share: client.c (connection, exchanges), client_device.c (the calls). */
#ifndef VFU_CLIENT_INTERNAL_H
#define VFU_CLIENT_INTERNAL_H

#include <pthread.h>
#include <sys/uio.h>

#include "transport.h"
#include "vfio_user/client.h"

/** Parts of a command's payload. */
#define VFU_EXCHANGE_PARTS 2

struct vfu_client {
	pthread_mutex_t lock; /* one exchange at a time; guards all below */
	int fd;		      /* -1: not connected */
	char *socket_path;    /* NULL: adopted */
	uint32_t timeout_ms;
	uint16_t next_message_id;
	struct vfu_client_limits limits;
};

/** A command and what its reply may be. */
struct vfu_exchange {
	uint16_t command;
	bool posted; /* no reply */
	struct iovec parts[VFU_EXCHANGE_PARTS];
	const int *fds;
	size_t fd_count;
	/* The reply's payload; what it has beyond `reply_capacity` bytes makes it no answer. */
	void *reply;
	size_t reply_capacity;
	size_t reply_bytes;	    /* out */
	struct vfu_fd_list *fds_in; /* NULL: none are wanted, and those that come are closed */
};

/** Sends the command and receives its reply. Takes the lock. */
int vfu_client_exchange(struct vfu_client *client, struct vfu_exchange *exchange);

/** Closes the connection because the server is not understood; returns -EPROTO. Takes the lock. */
int vfu_client_distrust(struct vfu_client *client);

#endif
