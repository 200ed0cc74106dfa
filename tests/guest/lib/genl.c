/* SPDX-License-Identifier: BSD-3-Clause */
/* Generic netlink, see genl.h. */
#include "genl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void genl_fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static int take_family_id(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)data = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int take_family(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), take_family_id, data);
}

struct genl genl_open(const char *family_name)
{
	struct genl genl = { mnl_socket_open(NETLINK_GENERIC), GENL_ID_CTRL };
	char buffer[GENL_REQUEST_BYTES];
	struct nlmsghdr *request;
	uint16_t family = 0;
	int one = 1;

	if (!genl.socket || mnl_socket_bind(genl.socket, 0, MNL_SOCKET_AUTOPID) < 0)
		genl_fail("netlink");
	mnl_socket_setsockopt(genl.socket, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(genl.socket, NETLINK_CAP_ACK, &one, sizeof(one));
	request = genl_begin(&genl, buffer, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, family_name);
	errno = -genl_ask(&genl, request, take_family, &family);
	if (errno || !family)
		genl_fail(family_name);
	genl.family = family;
	return genl;
}

void genl_close(struct genl *genl)
{
	mnl_socket_close(genl->socket);
}

struct nlmsghdr *genl_begin(const struct genl *genl, char *buffer, uint16_t flags, uint8_t command)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header;

	request->nlmsg_type = genl->family;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	request->nlmsg_seq = 1;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->cmd = command;
	header->version = 1;
	return request;
}

static int say(const struct nlattr *attribute, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
		fprintf(stderr, "%s\n", mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

int genl_ask(struct genl *genl, struct nlmsghdr *request, mnl_cb_t take, void *data)
{
	char buffer[32768];

	if (mnl_socket_sendto(genl->socket, request, request->nlmsg_len) < 0)
		genl_fail("netlink");
	while (true) {
		ssize_t bytes = mnl_socket_recvfrom(genl->socket, buffer, sizeof(buffer));
		int left = (int)bytes;

		if (bytes < 0)
			genl_fail("netlink");
		for (const struct nlmsghdr *message = (const void *)buffer;
		     mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			const struct nlmsgerr *end = mnl_nlmsg_get_payload(message);

			/* A dump ends with its error as well. */
			if (message->nlmsg_type == NLMSG_DONE)
				return *(const int *)mnl_nlmsg_get_payload(message);
			if (message->nlmsg_type == NLMSG_ERROR) {
				/* The request is not repeated (NETLINK_CAP_ACK). */
				if (message->nlmsg_flags & NLM_F_ACK_TLVS)
					mnl_attr_parse(message, sizeof(*end), say, NULL);
				return end->error;
			}
			if (take)
				take(message, data);
		}
	}
}
