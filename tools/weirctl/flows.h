/* SPDX-License-Identifier: BSD-3-Clause */
/* The flows of a process's sockets. */
#ifndef WEIRCTL_FLOWS_H
#define WEIRCTL_FLOWS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A TCP connection, or a UDP socket, connected or not: then the other end is zero. No padding: compared by memcmp(). */
struct flow {
	uint8_t local[16],
		remote[16]; /* in network order, of IPv4 the first four bytes; zero: any */
	uint16_t local_port, remote_port; /* likewise */
	uint8_t family;			  /* AF_INET, AF_INET6 */
	uint8_t protocol;		  /* IPPROTO_TCP, IPPROTO_UDP */
	uint8_t reserved[2];
};

struct flows {
	struct flow *flow;
	size_t count, room;
};

/*
 * Fills *flows (zeroed, or used before) with those that a process has open now, each once; listening sockets and those with no port are
 * left out. Asks the network namespace that the caller is in. -ESRCH: no such process; other negative errno. free(flows->flow) in the end.
 */
int flows_of(pid_t process, struct flows *flows);

#endif
