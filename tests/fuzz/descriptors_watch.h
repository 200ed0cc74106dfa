/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold whatever VF 1 puts into its rings: what its neighbours get and is counted of them, and how its queues stop.
 */
#ifndef WEIR_FUZZ_DESCRIPTORS_WATCH_H
#define WEIR_FUZZ_DESCRIPTORS_WATCH_H

#include "card.h"

#define STRANGER 0x112233445502ull /* on the wire */

extern struct host *host;
extern struct host_function *bad; /* VF 1 */
/* What the administrator decided for VF 1. */
extern struct decided {
	uint16_t vlan, protocol;
	bool spoof_check;
} decided;
/* VF 1's queues, [receive, transmit]: whether they are there; and how many lives have ended. */
extern bool alive[2][HOST_QUEUES];
extern uint64_t ended;
/* Frames that the well-behaved have sent. */
extern uint64_t sent_by_neighbour, sent_by_wire;

/* A new card. */
void watch_start(struct input *input);
/* Takes what has come to PF, VF 2 and wire, and judges it. */
void drain(void);
/* Until the card has nothing to do; then drain(). */
void settle(void);
/* A command of VF 1, which must be answered; its status. */
int bad_command(uint16_t opcode, const struct host_attribute *request);
uint64_t bad_counter(enum weir_stat_function counter);
/*
 * The end of a queue's life: it is told a position that cannot be. Unless it was stopped before, that stops it now, by the book: counted
 * once, logged, and told to the PF with its place. So every life has one stop.
 */
void end_of_life(bool transmit, uint16_t queue);
/* The well-behaved: they got as much as is counted, and nothing of theirs was dropped as wrong. */
void check_neighbours(void);

#endif
