/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The management socket: a line of JSON a request, a line of JSON an answer (README.md). It is served by the card's thread, between
 * two polls, and is bounded in everything: clients, length of a line, answers that nobody reads.
 */
#ifndef WEIR_SIM_CONTROL_H
#define WEIR_SIM_CONTROL_H

#include <stdint.h>

#include "weir/weir_abi.h"

struct control;
struct daemon;

/* Listens at DIR/control.sock. 0, or -errno with a log line. */
int control_create(struct daemon *daemon, struct control **control);
/* Hangs up on everybody and removes the socket. NULL is allowed. */
void control_destroy(struct control *control);

/* Somebody wants to connect. */
void control_accept(struct control *control);
/* The descriptor of the client in slot has these epoll events. */
void control_serve(struct control *control, uint32_t slot, uint32_t events);
/* Sends the answers that waited for the card; returns how many. */
uint32_t control_poll(struct control *control);
/* When control_poll() has to be called again, by the card's clock; UINT64_MAX: never. */
uint64_t control_next_ns(const struct control *control);
/* A line of the log, for those who follow it. NULL is allowed. */
void control_log(struct control *control, enum weir_log_level level, const char *text);
/* How many clients there are. */
uint32_t control_clients(const struct control *control);

#endif
