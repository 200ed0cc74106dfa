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
#include <linux/genetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "genl.h"

/* include/uapi/linux/netdev.h of kernel 6.12: the headers of Debian 12 are older. */
#include <linux/netdev.h>

static unsigned int interface_index;

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

static void ask_all(struct genl *genl, uint8_t command, mnl_cb_t show, const char *what)
{
	char buffer[GENL_REQUEST_BYTES];
	struct nlmsghdr *request = genl_begin(genl, buffer, NLM_F_DUMP, command);

	if (command == NETDEV_CMD_QSTATS_GET)
		mnl_attr_put_u32(request, NETDEV_A_QSTATS_SCOPE, NETDEV_QSTATS_SCOPE_QUEUE);
	errno = -genl_ask(genl, request, show, NULL);
	if (errno)
		genl_fail(what);
}

int main(int count, char **arguments)
{
	struct genl genl;

	if (count != 2) {
		fprintf(stderr, "usage: weir-netdev INTERFACE\n");
		return 2;
	}
	interface_index = if_nametoindex(arguments[1]);
	if (!interface_index)
		genl_fail(arguments[1]);
	genl = genl_open(NETDEV_FAMILY_NAME);
	ask_all(&genl, NETDEV_CMD_DEV_GET, show_device, "devices");
	ask_all(&genl, NETDEV_CMD_QUEUE_GET, show_queue, "queues");
	ask_all(&genl, NETDEV_CMD_NAPI_GET, show_napi, "NAPIs");
	ask_all(&genl, NETDEV_CMD_PAGE_POOL_GET, show_pool, "page pools");
	ask_all(&genl, NETDEV_CMD_QSTATS_GET, show_statistics, "statistics");
	genl_close(&genl);
	return 0;
}
