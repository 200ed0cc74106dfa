/* SPDX-License-Identifier: BSD-3-Clause */
/* A request of the management socket on its way from control.c (lines) to commands.c (what they mean), and back. */
#ifndef WEIR_SIM_REQUEST_H
#define WEIR_SIM_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/weir_abi.h"

struct daemon;

enum request_outcome {
	REQUEST_DONE,	/* result is the answer */
	REQUEST_FAILED, /* error says what to do about it */
	REQUEST_LATER,	/* the answer comes when wait.is_over() says so */
};

/* What an answer waits for. */
struct request_wait {
	/* Whether it is there; then fills in result. */
	bool (*is_over)(struct daemon *daemon, const struct request_wait *wait, json_t *result);
	const char *late; /* the error if it has not come in time */
	uint64_t deadline_ns;
	uint16_t value; /* of is_over()'s own */
};

struct request {
	const json_t *members; /* the request as it came, an object */
	json_t *result;	       /* an object, into which the command puts its answer's members */
	char error[256];
	struct request_wait wait;
	bool follow; /* the client wants to follow the log; changed by the command */
};

/* Runs the command that the request names. */
enum request_outcome request_run(struct daemon *daemon, struct request *request);

#endif
