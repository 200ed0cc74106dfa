/* SPDX-License-Identifier: BSD-3-Clause */
/* The listening socket of a server: who is let in and who is told to come later. */
#ifndef VFU_SERVER_LISTEN_H
#define VFU_SERVER_LISTEN_H

#include "server_internal.h"

/** Listens at server->socket_path. Returns 0 or a negative errno, as vfu_server_create() says. */
int vfu_listen(struct vfu_server *server, mode_t mode);

/** Stops to listen, removes the socket if it is still this server's, hangs up on those being refused. */
void vfu_listen_close(struct vfu_server *server);

/** Takes in who waits, if server->accept_waiting: as the client, or to be refused. */
void vfu_accept(struct vfu_server *server);

/** A connection that is being refused has sent something, or is gone. */
void vfu_refused_serve(struct vfu_server *server, unsigned int slot);

#endif
