/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function's connection to a running weir-sim: socket.c (what the guest does), link.c (connection), link_memory.c (DMA maps). */
#ifndef WEIR_QEMU_LINK_H
#define WEIR_QEMU_LINK_H

#include "backend.h"

#include "vfio_user/client.h"
#include "vfio_user/protocol.h"

/* An interrupt vector of the function. */
struct weir_link_vector {
	WeirFunction *function;
	uint16_t number;
	int eventfd;
};

struct weir_link {
	WeirFunction *function;
	char *path;		   /* of the socket */
	struct vfu_client *client; /* NULL: nobody is there, or somebody else has the function */
	int watched_fd;
	bool touched;  /* something was written since the connection was made */
	bool vfs_ours; /* of the PF: its VFs were enabled by this guest, not by weir-sim's owner */
	bool trouble_told; /* with a DMA map; once a connection */
	int failure_told;  /* why there is no connection; 0: nothing was told */
	int64_t next_look_ms;
	struct weir_link_vector *vectors;
	GTree *maps; /* struct weir_link_map by iova: what the function can reach now, connected or not */
};

static inline struct weir_link *link_of(const WeirFunction *function)
{
	return function->backend_state;
}

/* ---- link.c ---- */

/* Makes a link that is not connected; the function is absent. The path is copied. */
void weir_link_new(WeirFunction *function, const char *path);
/* Hangs up and frees it. */
void weir_link_free(WeirFunction *function);
/*
 * Connects, and brings weir-sim's side to where ours is: vectors, memory, Command, ATS. The function is not absent any more. 0, or
 * -errno with *why set to what to tell the user (to be freed).
 */
int weir_link_open(struct weir_link *link, char **why);
/* Hangs up: weir-sim resets the function. It is absent. */
void weir_link_close(struct weir_link *link);
/*
 * After a call of the client that gave `error`: if the connection has ended the user is told and the function is absent. True if it goes
 * on.
 */
bool weir_link_good(struct weir_link *link, int error);
/* A register of configuration space; a failure that is not the end of the connection reads as all ones. */
uint32_t weir_link_config_read(struct weir_link *link, uint32_t offset, uint8_t bytes);
void weir_link_config_write(struct weir_link *link, uint32_t offset, uint32_t value, uint8_t bytes);

/* ---- link_memory.c ---- */

void weir_link_memory_init(struct weir_link *link);
void weir_link_memory_free(struct weir_link *link);
/* Tells weir-sim all there is, after connecting. */
void weir_link_memory_send(struct weir_link *link);
/* Members of struct weir_backend. */
void weir_link_iommu_event(WeirFunction *function, const IOMMUTLBEntry *entry);
void weir_link_iommu_refuses(WeirFunction *function, Error *error);
void weir_link_ram_come(WeirFunction *function, const MemoryRegionSection *section);
void weir_link_ram_go(WeirFunction *function, const MemoryRegionSection *section);
/* Whether the guest's memory can be given to another process, and the IOMMU tells what it maps. False with *errp set. */
bool weir_link_memory_check(Error **errp);

#endif
