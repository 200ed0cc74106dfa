/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests of single messages: an agreed client, a message in the making, and what must come of it. */
#ifndef VFIO_USER_CASE_H
#define VFIO_USER_CASE_H

#include "bench.h"

struct case_bench {
	struct bench bench;
	int fd;		  /* the client's socket */
	int memory;	  /* 16 pages, sealed */
	unsigned int fds; /* open when all is as it should be */
	struct raw raw;	  /* the message */
	struct raw_reply reply;
};

struct case_bench *case_begin(void);
void case_end(struct case_bench *c);

/** The payload of the message in the making. */
void *payload(struct case_bench *c);

/**
 * Sends the message: it must be answered by `error`, counted as `fault` and nothing else, logged in one
 * line, cost no descriptor, and leave the connection as useful as before.
 */
#define EXPECT_REFUSED(c, error, fault) case_expect_refused(c, error, fault, __FILE__, __LINE__)

/** Sends it where it must cost the client its connection, after the reply `error` (-1: none). */
#define EXPECT_HANGUP(c, error, fault) case_expect_hangup(c, error, fault, __FILE__, __LINE__)

/* What the macros above call. */
void case_expect_refused(struct case_bench *c, int error, enum vfu_fault fault, const char *file,
			 int line);
void case_expect_hangup(struct case_bench *c, int error, enum vfu_fault fault, const char *file,
			int line);

#endif
