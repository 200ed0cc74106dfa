/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions of a card behind vfio-user sockets: DIR/pf0.sock for the PF, DIR/vf0.sock … for the VFs that are enabled. One
 * client a socket at a time; a client gets its function as Linux's vfio-pci would give it (see access.c), may die at any
 * moment, and leaves nothing behind.
 *
 * Everything here belongs to the thread that holds the card. The holder watches the descriptors that ops->watch names and calls
 * attachment_process() when one is readable, attachment_poll() after every weirsim_poll(), and passes on two of the card's host
 * ops: interrupt and function_ready need nothing else.
 */
#ifndef WEIR_HWSIM_ATTACHMENT_H
#define WEIR_HWSIM_ATTACHMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vfio_user/server.h"
#include "weirsim.h"

struct attachment;

/* What the holder of the card does. No member may be NULL. */
struct attachment_ops {
	/* Begins to watch the descriptor of function. 0 or -errno. */
	int (*watch)(void *opaque, uint16_t function, int fd);
	/* Ends it; the descriptor is still open. */
	void (*unwatch)(void *opaque, uint16_t function, int fd);
	/*
	 * The client of function is gone: makes the function what the next client may have, normally by
	 * weirsim_function_reset(). DMA of the function has to stop at once.
	 */
	void (*release)(void *opaque, uint16_t function);
	/*
	 * What the PF's client did has enabled or disabled VFs. on_purpose: it wrote SR-IOV Control; otherwise they went
	 * with a reset. The holder answers with attachment_set_vfs().
	 */
	void (*vfs_changed)(void *opaque, bool on_purpose);
	void (*log)(void *opaque, enum weir_log_level level, const char *text);
};

struct attachment_config {
	struct weirsim *sim; /* outlives the attachment's last use of it, see attachment_destroy() */
	const char *directory; /* of the sockets; copied */
	uint16_t total_vfs;
	const struct attachment_ops *ops;
	void *opaque;
};

/* What there is to know about one function's socket and client. */
struct attachment_status {
	bool open; /* its socket is there */
	char path[108];
	bool client; /* somebody is attached; otherwise the next three are 0 */
	pid_t client_pid;
	uint32_t mappings;
	uint64_t mapped_bytes;
	uint32_t vectors;	      /* that have an eventfd */
	uint64_t interrupts;	      /* signalled to clients */
	uint64_t interrupts_unrouted; /* raised while the vector had no eventfd */
	struct vfu_server_stats stats;
};

/*
 * Makes an attachment that offers the PF. Returns 0, or -errno with a log line that says what is wrong.
 */
int attachment_create(const struct attachment_config *config, struct attachment **attachment);

/*
 * Hangs up on every client and removes the sockets. The card must be destroyed already: clients' memory is unmapped here. NULL
 * is allowed.
 */
void attachment_destroy(struct attachment *attachment);

/*
 * Offers VFs 0 to count - 1, and no others: those that are no more are closed and their clients hung up on. Those that stay keep
 * their clients. Returns 0, or the first -errno; what could be opened is.
 */
int attachment_set_vfs(struct attachment *attachment, uint16_t count);

/* The descriptor of function (a routing-id offset) is readable. */
void attachment_process(struct attachment *attachment, uint16_t function);

/* Ends what waited for the card: resets, sockets that are being closed. Returns how much was done. */
uint32_t attachment_poll(struct attachment *attachment);

/* When attachment_poll() has to be called again though the card does nothing, by the card's clock; UINT64_MAX: never. */
uint64_t attachment_next_ns(const struct attachment *attachment);

/* struct weirsim_host_ops.interrupt of the card. */
void attachment_interrupt(struct attachment *attachment, uint16_t function, uint16_t vector);

/* False: there can be no such function. */
bool attachment_get_status(const struct attachment *attachment, uint16_t function,
			   struct attachment_status *status);

/* Hangs up on the client of function, if it has one. */
void attachment_drop_client(struct attachment *attachment, uint16_t function);

/*
 * Reads configuration space of function as a client of its socket sees it (access.c). bytes may be anything within its 4096;
 * the function must be there.
 */
void attachment_config_read(struct attachment *attachment, uint16_t function, uint32_t offset,
			    void *to, uint32_t bytes);

#endif
