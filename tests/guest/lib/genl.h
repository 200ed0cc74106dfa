/* SPDX-License-Identifier: BSD-3-Clause */
/* Generic netlink for programs that jobs in guests bring along: a channel to one family, requests and their answers, by libmnl. */
#ifndef WEIR_TEST_GENL_H
#define WEIR_TEST_GENL_H

#include <libmnl/libmnl.h>
#include <stdint.h>

/* Enough for any request here. */
#define GENL_REQUEST_BYTES 512

struct genl {
	struct mnl_socket *socket;
	uint16_t family;
};

/* Says why on standard error, and ends the program with status 2. */
_Noreturn void genl_fail(const char *what);

/* A channel to a family by its name; fails if the kernel has none. */
struct genl genl_open(const char *family_name);
void genl_close(struct genl *genl);

/* Begins a request in a buffer of GENL_REQUEST_BYTES; flags: NLM_F_ACK, NLM_F_DUMP. */
struct nlmsghdr *genl_begin(const struct genl *genl, char *buffer, uint16_t flags, uint8_t command);

/*
 * Sends a request and gives each message of the answer to `take` (NULL: there is nothing to take). Returns 0, or the negative errno the
 * kernel answers; its own words on a refusal go to standard error.
 */
int genl_ask(struct genl *genl, struct nlmsghdr *request, mnl_cb_t take, void *data);

#endif
