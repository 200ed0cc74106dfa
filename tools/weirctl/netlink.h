/* SPDX-License-Identifier: BSD-3-Clause */
/* A netlink conversation, by libmnl. */
#ifndef WEIRCTL_NETLINK_H
#define WEIRCTL_NETLINK_H

#include <stdint.h>

#include <libmnl/libmnl.h>

struct conversation {
	struct mnl_socket *socket;
	uint32_t port, sequence;
	union {
		char buffer[8192];
		struct nlmsghdr header;
	};
};

/* Opens a socket of a protocol (NETLINK_…); mnl_socket_close(talk->socket) ends it. Negative errno. */
int conversation_begin(struct conversation *talk, int protocol);
/* Sends a message that lies in talk->buffer and gives every answer to callback. Negative errno, also the one that the kernel answers. */
int conversation_ask(struct conversation *talk, struct nlmsghdr *message, mnl_cb_t callback,
		     void *data);

#endif
