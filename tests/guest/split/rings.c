// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sets an interface's tcp-data-split, which the ethtool of Debian 12 does not know how to: `ethtool -G INTERFACE tcp-data-split …` of
 * later ones.
 *
 *	weir-rings INTERFACE on|off|auto [ENTRIES [BUFFER-BYTES]]
 *
 * The kernel's own words on a refusal go to standard error; exit status 1 then.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint16_t family;

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static int take_family(const struct nlattr *attribute, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
		family = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int say(const struct nlattr *attribute, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG)
		fprintf(stderr, "%s\n", mnl_attr_get_str(attribute));
	return MNL_CB_OK;
}

/* Sends a request and takes its answer; the error that it is, 0: none. */
static int ask(struct mnl_socket *channel, struct nlmsghdr *request)
{
	char buffer[8192];
	int error = 1;

	if (mnl_socket_sendto(channel, request, request->nlmsg_len) < 0)
		fail("netlink");
	while (error == 1) {
		ssize_t bytes = mnl_socket_recvfrom(channel, buffer, sizeof(buffer));
		int left = (int)bytes;

		if (bytes < 0)
			fail("netlink");
		for (const struct nlmsghdr *message = (const void *)buffer;
		     mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

			if (message->nlmsg_type != NLMSG_ERROR) {
				mnl_attr_parse(message, sizeof(struct genlmsghdr), take_family,
					       NULL);
				continue;
			}
			error = answer->error;
			/* The request is not repeated (NETLINK_CAP_ACK). */
			if (message->nlmsg_flags & NLM_F_ACK_TLVS)
				mnl_attr_parse(message, sizeof(*answer), say, NULL);
		}
	}
	return error;
}

static struct nlmsghdr *begin(char *buffer, uint16_t type, uint8_t command)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = 1;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->cmd = command;
	header->version = 1;
	return message;
}

static uint8_t value_of(const char *word)
{
	if (strcmp(word, "on") == 0)
		return ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	return strcmp(word, "off") == 0 ? ETHTOOL_TCP_DATA_SPLIT_DISABLED
					: ETHTOOL_TCP_DATA_SPLIT_UNKNOWN;
}

int main(int count, char **arguments)
{
	struct mnl_socket *channel = mnl_socket_open(NETLINK_GENERIC);
	char buffer[512];
	struct nlmsghdr *message;
	struct nlattr *header;
	int one = 1, error;

	if (count < 3 || count > 5) {
		fprintf(stderr,
			"usage: weir-rings INTERFACE on|off|auto [ENTRIES [BUFFER-BYTES]]\n");
		return 2;
	}
	if (!channel || mnl_socket_bind(channel, 0, MNL_SOCKET_AUTOPID) < 0)
		fail("netlink");
	mnl_socket_setsockopt(channel, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(channel, NETLINK_CAP_ACK, &one, sizeof(one));
	message = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME);
	if (ask(channel, message) || !family)
		fail("family " ETHTOOL_GENL_NAME);
	message = begin(buffer, family, ETHTOOL_MSG_RINGS_SET);
	header = mnl_attr_nest_start(message, ETHTOOL_A_RINGS_HEADER);
	mnl_attr_put_strz(message, ETHTOOL_A_HEADER_DEV_NAME, arguments[1]);
	mnl_attr_nest_end(message, header);
	mnl_attr_put_u8(message, ETHTOOL_A_RINGS_TCP_DATA_SPLIT, value_of(arguments[2]));
	if (count > 3)
		mnl_attr_put_u32(message, ETHTOOL_A_RINGS_RX, (uint32_t)atoi(arguments[3]));
	if (count > 4)
		mnl_attr_put_u32(message, ETHTOOL_A_RINGS_RX_BUF_LEN, (uint32_t)atoi(arguments[4]));
	error = ask(channel, message);
	if (error)
		fprintf(stderr, "%s: %s\n", arguments[1], strerror(-error));
	mnl_socket_close(channel);
	return error != 0;
}
