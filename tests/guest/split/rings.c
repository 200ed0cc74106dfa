// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sets an interface's tcp-data-split, which the ethtool of Debian 12 does not know how to: `ethtool -G INTERFACE tcp-data-split …` of
 * later ones.
 *
 *	weir-rings INTERFACE on|off|auto [ENTRIES [BUFFER-BYTES]]
 *
 * The kernel's own words on a refusal go to standard error; exit status 1 then.
 */
#include <linux/ethtool_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "genl.h"

static uint8_t value_of(const char *word)
{
	if (strcmp(word, "on") == 0)
		return ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	return strcmp(word, "off") == 0 ? ETHTOOL_TCP_DATA_SPLIT_DISABLED
					: ETHTOOL_TCP_DATA_SPLIT_UNKNOWN;
}

int main(int count, char **arguments)
{
	char buffer[GENL_REQUEST_BYTES];
	struct nlmsghdr *request;
	struct nlattr *header;
	struct genl genl;
	int error;

	if (count < 3 || count > 5) {
		fprintf(stderr,
			"usage: weir-rings INTERFACE on|off|auto [ENTRIES [BUFFER-BYTES]]\n");
		return 2;
	}
	genl = genl_open(ETHTOOL_GENL_NAME);
	request = genl_begin(&genl, buffer, NLM_F_ACK, ETHTOOL_MSG_RINGS_SET);
	header = mnl_attr_nest_start(request, ETHTOOL_A_RINGS_HEADER);
	mnl_attr_put_strz(request, ETHTOOL_A_HEADER_DEV_NAME, arguments[1]);
	mnl_attr_nest_end(request, header);
	mnl_attr_put_u8(request, ETHTOOL_A_RINGS_TCP_DATA_SPLIT, value_of(arguments[2]));
	if (count > 3)
		mnl_attr_put_u32(request, ETHTOOL_A_RINGS_RX, (uint32_t)atoi(arguments[3]));
	if (count > 4)
		mnl_attr_put_u32(request, ETHTOOL_A_RINGS_RX_BUF_LEN, (uint32_t)atoi(arguments[4]));
	error = genl_ask(&genl, request, NULL, NULL);
	if (error)
		fprintf(stderr, "%s: %s\n", arguments[1], strerror(-error));
	genl_close(&genl);
	return error != 0;
}
