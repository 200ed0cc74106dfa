/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the attachment share: attachment.c (sockets and clients), access.c (regions). */
#ifndef WEIR_HWSIM_ATTACHMENT_FUNCTION_H
#define WEIR_HWSIM_ATTACHMENT_FUNCTION_H

#include "attachment.h"

#define ATTACHMENT_BARS 3u /* of 64 bits: 0, 2 and 4 */

enum attached_state {
	ATTACHED_CLOSED,  /* no socket */
	ATTACHED_OPEN,	  /* clients may come */
	ATTACHED_CLOSING, /* the function is gone; its client's memory is being let go of */
};

/* What client memory waits for. */
enum attached_unmap {
	UNMAP_NONE,
	UNMAP_ASKED, /* the card will say when it is done */
	UNMAP_RETRY, /* the card had no memory to begin it */
};

/* One function. Made when it is first needed, freed with the attachment. */
struct attached_function {
	struct attachment *attachment;
	uint16_t number;
	char name[16]; /* pf0, vf0 … */
	enum attached_state state;
	struct vfu_server *server; /* NULL when CLOSED */
	bool wanted;		   /* the function is there: open it once its last life is CLOSED */
	bool let_go;		   /* CLOSING: the card was asked to forget all memory */

	/* the client */
	pid_t client_pid;
	uint64_t mapped_bytes;
	int eventfds[WEIR_MSIX_PF_VECTORS]; /* the server's, -1: none */
	bool reset_waits;		    /* a DEVICE_RESET has not been answered */
	uint64_t reset_deadline_ns;

	/* an unmap that is not over; bytes 0: of everything */
	enum attached_unmap unmap;
	bool unmap_in_call; /* the card may say "done" before the call that asks comes back */
	bool unmap_failed;  /* said so in the log */
	uint64_t unmap_iova, unmap_bytes;

	/* a VF's header as its client sees it */
	uint64_t bars[ATTACHMENT_BARS];
	bool memory_enabled;

	uint64_t interrupts, interrupts_unrouted;
	struct attached_function *next_unfinished; /* on attachment->unfinished while `listed` */
	bool listed;
};

struct attachment {
	struct attachment_config config;
	struct attached_function **functions; /* by number; NULL: not needed yet */
	uint16_t function_limit;
	struct attached_function *unfinished; /* those that wait for something of the card */
	uint64_t next_ns;
};

/* ---- access.c ---- */

/* The client's view of configuration space after a reset of the function. */
void attached_reset_header(struct attached_function *function);
/* The size of a BAR of the function, 0 for one that it has not. */
uint32_t attached_bar_bytes(uint16_t function, uint32_t bar);
/* Callbacks of the server: `device` is a struct attached_function. */
int attached_region_read(void *device, uint32_t region, uint64_t offset, void *buffer, size_t bytes);
int attached_region_write(void *device, uint32_t region, uint64_t offset, const void *buffer,
			  size_t bytes);

#endif
