// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the kernel's netlink family "netdev" says of an interface, as lines for a shell.
 *
 *	weir-netdev INTERFACE
 *
 *	features 0x67                   what XDP programs may do, and what may be redirected there
 *	queue rx 0 napi 8193            which NAPI serves a queue
 *	napi 8193 irq 27                which interrupt that
 *	pool 3                          its page pools
 *	statistics rx 0 packets 5       by queue; bytes, stop, wake, alloc-fail likewise
 *
 * Exit status 2: no such family, or no such interface.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* include/uapi/linux/netdev.h of kernel 6.12: the headers of Debian 12 are older. */
#include <linux/netdev.h>

static struct mnl_socket *channel;
static unsigned int interface_index;
static uint16_t family;

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static int collect(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;

	if (mnl_attr_get_type(attribute) <= NETDEV_A_QSTATS_MAX)
		table[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

/* The attributes of a message, by type; those of other interfaces are left out: false. */
static bool parse(const struct nlmsghdr *message, unsigned int index_type,
		  const struct nlattr **table)
{
	memset(table, 0, (NETDEV_A_QSTATS_MAX + 1) * sizeof(*table));
	mnl_attr_parse(message, sizeof(struct genlmsghdr), collect, table);
	return table[index_type] && mnl_attr_get_u32(table[index_type]) == interface_index;
}

static uint64_t number(const struct nlattr *attribute)
{
	return mnl_attr_get_payload_len(attribute) == sizeof(uint64_t)
		       ? mnl_attr_get_u64(attribute)
		       : mnl_attr_get_u32(attribute);
}

static const char *type_name(const struct nlattr *type)
{
	return mnl_attr_get_u32(type) == NETDEV_QUEUE_TYPE_RX ? "rx" : "tx";
}

static int show_device(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[NETDEV_A_QSTATS_MAX + 1];

	(void)data;
	if (parse(message, NETDEV_A_DEV_IFINDEX, table) && table[NETDEV_A_DEV_XDP_FEATURES])
		printf("features 0x%llx\n",
		       (unsigned long long)number(table[NETDEV_A_DEV_XDP_FEATURES]));
	return MNL_CB_OK;
}

static int show_queue(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[NETDEV_A_QSTATS_MAX + 1];

	(void)data;
	if (!parse(message, NETDEV_A_QUEUE_IFINDEX, table))
		return MNL_CB_OK;
	printf("queue %s %u", type_name(table[NETDEV_A_QUEUE_TYPE]),
	       mnl_attr_get_u32(table[NETDEV_A_QUEUE_ID]));
	if (table[NETDEV_A_QUEUE_NAPI_ID])
		printf(" napi %u", mnl_attr_get_u32(table[NETDEV_A_QUEUE_NAPI_ID]));
	printf("\n");
	return MNL_CB_OK;
}

static int show_napi(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[NETDEV_A_QSTATS_MAX + 1];

	(void)data;
	if (!parse(message, NETDEV_A_NAPI_IFINDEX, table))
		return MNL_CB_OK;
	printf("napi %u", mnl_attr_get_u32(table[NETDEV_A_NAPI_ID]));
	if (table[NETDEV_A_NAPI_IRQ])
		printf(" irq %u", mnl_attr_get_u32(table[NETDEV_A_NAPI_IRQ]));
	printf("\n");
	return MNL_CB_OK;
}

static int show_pool(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[NETDEV_A_QSTATS_MAX + 1];

	(void)data;
	if (!parse(message, NETDEV_A_PAGE_POOL_IFINDEX, table))
		return MNL_CB_OK;
	printf("pool %llu\n", (unsigned long long)number(table[NETDEV_A_PAGE_POOL_ID]));
	return MNL_CB_OK;
}

static int show_statistics(const struct nlmsghdr *message, void *data)
{
	static const struct {
		unsigned int type;
		const char *name;
	} counters[] = {
		{ NETDEV_A_QSTATS_RX_PACKETS, "packets" },
		{ NETDEV_A_QSTATS_RX_BYTES, "bytes" },
		{ NETDEV_A_QSTATS_RX_ALLOC_FAIL, "alloc-fail" },
		{ NETDEV_A_QSTATS_TX_PACKETS, "packets" },
		{ NETDEV_A_QSTATS_TX_BYTES, "bytes" },
		{ NETDEV_A_QSTATS_TX_STOP, "stop" },
		{ NETDEV_A_QSTATS_TX_WAKE, "wake" },
	};
	const struct nlattr *table[NETDEV_A_QSTATS_MAX + 1];

	(void)data;
	if (!parse(message, NETDEV_A_QSTATS_IFINDEX, table))
		return MNL_CB_OK;
	for (size_t at = 0; at < sizeof(counters) / sizeof(counters[0]); at++)
		if (table[counters[at].type])
			printf("statistics %s %u %s %llu\n",
			       type_name(table[NETDEV_A_QSTATS_QUEUE_TYPE]),
			       mnl_attr_get_u32(table[NETDEV_A_QSTATS_QUEUE_ID]), counters[at].name,
			       (unsigned long long)number(table[counters[at].type]));
	return MNL_CB_OK;
}

static int take_family(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *table[NETDEV_A_QSTATS_MAX + 1] = { 0 };

	(void)data;
	mnl_attr_parse(message, sizeof(struct genlmsghdr), collect, table);
	if (table[CTRL_ATTR_FAMILY_ID])
		family = mnl_attr_get_u16(table[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

static struct nlmsghdr *begin(char *buffer, uint16_t type, uint16_t flags, uint8_t command)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = 1;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->cmd = command;
	header->version = 1;
	return message;
}

/* Sends a request and shows each part of the answer. */
static void ask(struct nlmsghdr *message, mnl_cb_t show, const char *what)
{
	char buffer[32768];
	int result = 1;

	if (mnl_socket_sendto(channel, message, message->nlmsg_len) < 0)
		fail(what);
	while (result > 0) {
		ssize_t bytes = mnl_socket_recvfrom(channel, buffer, sizeof(buffer));

		if (bytes < 0)
			fail(what);
		result = mnl_cb_run(buffer, (size_t)bytes, 1, mnl_socket_get_portid(channel), show,
				    NULL);
	}
	if (result < 0)
		fail(what);
}

static void ask_all(uint8_t command, mnl_cb_t show, const char *what)
{
	char buffer[512];
	struct nlmsghdr *message = begin(buffer, family, NLM_F_DUMP, command);

	if (command == NETDEV_CMD_QSTATS_GET)
		mnl_attr_put_u32(message, NETDEV_A_QSTATS_SCOPE, NETDEV_QSTATS_SCOPE_QUEUE);
	ask(message, show, what);
}

int main(int count, char **arguments)
{
	char buffer[512];
	struct nlmsghdr *message;

	if (count != 2) {
		fprintf(stderr, "usage: weir-netdev INTERFACE\n");
		return 2;
	}
	interface_index = if_nametoindex(arguments[1]);
	if (!interface_index)
		fail(arguments[1]);
	channel = mnl_socket_open(NETLINK_GENERIC);
	if (!channel || mnl_socket_bind(channel, 0, MNL_SOCKET_AUTOPID) < 0)
		fail("netlink");
	message = begin(buffer, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY_NAME);
	ask(message, take_family, "family " NETDEV_FAMILY_NAME);
	ask_all(NETDEV_CMD_DEV_GET, show_device, "devices");
	ask_all(NETDEV_CMD_QUEUE_GET, show_queue, "queues");
	ask_all(NETDEV_CMD_NAPI_GET, show_napi, "NAPIs");
	ask_all(NETDEV_CMD_PAGE_POOL_GET, show_pool, "page pools");
	ask_all(NETDEV_CMD_QSTATS_GET, show_statistics, "statistics");
	mnl_socket_close(channel);
	return 0;
}
