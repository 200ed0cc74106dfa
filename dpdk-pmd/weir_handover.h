/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handing DPDK's memory to a vfio-user server as DMA maps: all that there is when the connection is made, and what comes
 * and goes later.
 *
 * Later changes are told by a callback, which runs with DPDK's memory locked for writing. Lock order therefore: port,
 * DPDK's memory, `lock`; nothing is allocated from DPDK with `lock` held. Pages that may be given back one by one are
 * mapped one by one, since a map is taken back as it was made.
 */
#ifndef WEIR_HANDOVER_H
#define WEIR_HANDOVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio_user/client.h"

struct weir_handover_map;

/** What one server has been given. Zeroed before weir_handover_create(). */
struct weir_handover {
	const char *name; /* of the port, for log lines */
	pthread_mutex_t lock;
	struct vfu_client *client; /* NULL: nothing is handed over */
	bool memory_changes;	   /* DPDK may get and give back memory */
	bool timed_out;		   /* the server did not answer */
	struct weir_handover_map *maps;
	unsigned int count, room;
	unsigned int limit; /* maps that the server can hold, for a message */
};

/** Begins to listen to changes of DPDK's memory; name is valid as long as the handover. */
void weir_handover_create(struct weir_handover *handover, const char *name);

/** Ends it. */
void weir_handover_destroy(struct weir_handover *handover);

/**
 * Gives a server all of DPDK's memory, and from now on what changes.
 *
 * @return 0 or a negative errno, logged: -ENOTSUP for memory that no file is behind
 */
int weir_handover_begin(struct weir_handover *handover, struct vfu_client *client);

/** The connection ends: the client is not used any more when this returns. */
void weir_handover_end(struct weir_handover *handover);

/** Whether [address, address + bytes) is memory that is handed over: 0, or -ENOTSUP, logged. */
int weir_handover_check(const struct weir_handover *handover, void *address, size_t bytes);

#endif
