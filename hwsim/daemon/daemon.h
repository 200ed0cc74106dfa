/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the daemon share: one card, its owner, and the loop of the thread that has it. */
#ifndef WEIR_SIM_DAEMON_H
#define WEIR_SIM_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "attachment.h"
#include "log.h"
#include "loop.h"
#include "options.h"
#include "weirsim.h"

struct control;

struct daemon {
	struct options options;
	struct log *log;
	char last_error[256]; /* of the card's log: what a failed call on it complains about */
	struct weirsim *sim;
	struct attachment *attachment;
	struct control *control;
	struct loop *loop;
	int signal_fd;
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	bool end;	   /* SIGTERM or SIGINT came */

	/* What each port was connected to; NULL: nothing */
	char *wires[WEIR_SIM_PORTS_MAX];
	bool unplugged[WEIR_SIM_PORTS_MAX];

	/* owner.c */
	uint16_t owner_vfs;    /* that the card's owner asked for */
	bool client_rules_vfs; /* the PF's client has said otherwise */
};

/* A line of the daemon's own for its log, and for those who follow it. */
void daemon_log(struct daemon *daemon, enum weir_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A signal has come. */
void daemon_signal(struct daemon *daemon);
/* Of the daemon, the card and its firmware. */
void daemon_set_log_level(struct daemon *daemon, enum weir_log_level level);
/* Connects a port by a description of weirsim_wire_open(). 0 or -errno; daemon->last_error says what is wrong. */
int daemon_open_wire(struct daemon *daemon, uint8_t port, const char *description);
/* Pulls the cable out of a port, or puts it back. */
void daemon_plug_wire(struct daemon *daemon, uint8_t port, bool plugged);

/* ---- owner.c: who decides which VFs there are ---- */

/*
 * The owner wants `count` VFs. -EBUSY: the PF's client has enabled VFs, and it is its business; or what weirsim_enable_vfs() or
 * attachment_set_vfs() said.
 */
int owner_set_vfs(struct daemon *daemon, uint16_t count);
/* struct attachment_ops.vfs_changed and .release. */
void owner_vfs_changed(struct daemon *daemon, bool on_purpose);
void owner_release(struct daemon *daemon, uint16_t function);

#endif
