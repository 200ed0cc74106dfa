/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix sockets by path, for the wires that use them. */
#ifndef WEIR_HWSIM_SOCKET_H
#define WEIR_HWSIM_SOCKET_H

#include "sim.h"

#include <sys/socket.h>
#include <sys/un.h>

/* Makes an address of path[0..length). -EINVAL with a log line: empty or too long. */
int wire_socket_address(struct weirsim *sim, struct sockaddr_un *address, const char *path,
			size_t length);
/* Binds fd to address, where an old socket that nobody listens on any more may lie. 0 or -errno after a log line. */
int wire_socket_bind(struct weirsim *sim, int fd, int type, const struct sockaddr_un *address);

#endif
