/* SPDX-License-Identifier: BSD-3-Clause */
/* The sockets of a process are links in its /proc/PID/fd; whose flows they are, the kernel says by sock_diag. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flows.h"
#include "netlink.h"

struct inodes {
	uint32_t *inode; /* ascending */
	size_t count, room;
};

struct search {
	const struct inodes *inodes;
	struct flows *flows;
	uint8_t protocol;
};

static int compare_inodes(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

	return first < second ? -1 : first > second;
}

/* Room for one more. */
static bool grow(void **array, size_t count, size_t *room, size_t bytes)
{
	size_t wanted = *room ? 2 * *room : 32;
	void *larger;

	if (count < *room)
		return true;
	larger = realloc(*array, wanted * bytes);
	if (!larger)
		return false;
	*array = larger;
	*room = wanted;
	return true;
}

static int sockets_of(pid_t process, struct inodes *inodes)
{
	char path[64], target[64];
	struct dirent *entry;
	int error = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)process);
	DIR *directory = opendir(path);

	if (!directory)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!error && (entry = readdir(directory))) {
		ssize_t bytes =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
		unsigned int inode;

		if (bytes < 0)
			continue;
		target[bytes] = 0;
		if (sscanf(target, "socket:[%u]", &inode) != 1)
			continue;
		if (grow((void **)&inodes->inode, inodes->count, &inodes->room, sizeof(uint32_t)))
			inodes->inode[inodes->count++] = inode;
		else
			error = -ENOMEM;
	}
	closedir(directory);
	if (inodes->count)
		qsort(inodes->inode, inodes->count, sizeof(uint32_t), compare_inodes);
	return error;
}

/* An IPv6 socket that speaks IPv4: what is on the wire is IPv4. */
static void unmap(struct flow *flow)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, none[16];

	if (flow->family != AF_INET6 || memcmp(flow->local, mapped, sizeof(mapped)) != 0)
		return;
	memmove(flow->local, flow->local + 12, 4);
	memset(flow->local + 4, 0, 12);
	if (memcmp(flow->remote, none, sizeof(none)) != 0) {
		memmove(flow->remote, flow->remote + 12, 4);
		memset(flow->remote + 4, 0, 12);
	}
	flow->family = AF_INET;
}

static int on_socket(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);
	const struct search *search = data;
	struct flows *flows = search->flows;
	struct flow flow = { .family = socket->idiag_family, .protocol = search->protocol };
	size_t bytes = socket->idiag_family == AF_INET ? 4 : 16;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*socket) ||
	    !bsearch(&socket->idiag_inode, search->inodes->inode, search->inodes->count,
		     sizeof(uint32_t), compare_inodes))
		return MNL_CB_OK;
	if (!socket->id.idiag_sport || (search->protocol == IPPROTO_TCP && !socket->id.idiag_dport))
		return MNL_CB_OK;
	flow.local_port = socket->id.idiag_sport;
	flow.remote_port = socket->id.idiag_dport;
	memcpy(flow.local, socket->id.idiag_src, bytes);
	memcpy(flow.remote, socket->id.idiag_dst, bytes);
	unmap(&flow);
	for (size_t i = 0; i < flows->count; i++)
		if (memcmp(&flows->flow[i], &flow, sizeof(flow)) == 0)
			return MNL_CB_OK;
	if (!grow((void **)&flows->flow, flows->count, &flows->room, sizeof(flow))) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	flows->flow[flows->count++] = flow;
	return MNL_CB_OK;
}

static int ask_sockets(struct conversation *talk, uint8_t family, struct search *search)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(talk->buffer);
	struct inet_diag_req_v2 *request;

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = search->protocol;
	/* A UDP socket that is not connected is CLOSE; of TCP neither that nor LISTEN has a flow. */
	request->idiag_states = search->protocol == IPPROTO_UDP
					? UINT32_MAX
					: ~(1u << TCP_LISTEN | 1u << TCP_CLOSE);
	return conversation_ask(talk, message, on_socket, search);
}

/* Of all inodes, with an open conversation. */
static int find_flows(struct conversation *talk, const struct inodes *inodes, struct flows *flows)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int error = 0;

	for (size_t i = 0; !error && i < 4; i++) {
		struct search search = { inodes, flows, protocols[i / 2] };

		error = ask_sockets(talk, families[i % 2], &search);
		/* A kernel without IPv6 has none of its sockets. */
		if (error == -ENOENT)
			error = 0;
	}
	return error;
}

int flows_of(pid_t process, struct flows *flows)
{
	struct inodes inodes = { 0 };
	struct conversation talk;
	int error = sockets_of(process, &inodes);

	flows->count = 0;
	if (!error && inodes.count) {
		error = conversation_begin(&talk, NETLINK_SOCK_DIAG);
		if (!error) {
			error = find_flows(&talk, &inodes, flows);
			mnl_socket_close(talk.socket);
		}
	}
	free(inodes.inode);
	return error;
}
