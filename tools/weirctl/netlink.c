/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <time.h>

#include "netlink.h"

int conversation_begin(struct conversation *talk, int protocol)
{
	talk->socket = mnl_socket_open(protocol);
	if (!talk->socket)
		return -errno;
	if (mnl_socket_bind(talk->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = -errno;

		mnl_socket_close(talk->socket);
		return error;
	}
	talk->port = mnl_socket_get_portid(talk->socket);
	talk->sequence = (uint32_t)time(NULL);
	return 0;
}

int conversation_ask(struct conversation *talk, struct nlmsghdr *message, mnl_cb_t callback,
		     void *data)
{
	ssize_t bytes;
	int result = MNL_CB_OK;

	message->nlmsg_seq = ++talk->sequence;
	if (mnl_socket_sendto(talk->socket, message, message->nlmsg_len) < 0)
		return -errno;
	while (result > MNL_CB_STOP) {
		bytes = mnl_socket_recvfrom(talk->socket, talk->buffer, sizeof(talk->buffer));
		if (bytes < 0)
			return -errno;
		result = mnl_cb_run(talk->buffer, (size_t)bytes, talk->sequence, talk->port,
				    callback, data);
		if (result < 0)
			return -errno;
	}
	return 0;
}
