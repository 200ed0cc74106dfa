/* SPDX-License-Identifier: BSD-3-Clause */
/* Steering rules for tests: VF 1 sends, VF 2 has four queues, a table that goes round them, and rules. */
#ifndef WEIR_TEST_STEER_H
#define WEIR_TEST_STEER_H

#include "packets.h"
#include "suite.h"

#define STEER_QUEUES 4u
#define STEER_NONE   UINT32_MAX /* a frame that nobody got */

struct rule {
	struct weir_steer_key key, mask;
	uint16_t location;
	uint8_t action; /* enum weir_steer_action */
	uint16_t queue; /* with QUEUE */
	bool marks;
	uint32_t mark;
	bool low_latency;
};

/* Sets bytes of a member of rule->key that all count, from a string. */
#define RULE_MATCH(rule_, member_, bytes_)                                 \
	do {                                                               \
		memcpy(&(rule_)->key.member_, bytes_, sizeof(bytes_) - 1); \
		memset(&(rule_)->mask.member_, 0xff, sizeof(bytes_) - 1);  \
	} while (0)

/* STEER_ADD, STEER_DELETE: the status. */
int rule_add(struct host_function *function, const struct rule *rule);
int rule_delete(struct host_function *function, uint16_t location);
/* STEER_GET's counts; STEER_NONE: no such rule. */
uint64_t rule_frames(struct host_function *function, uint16_t location);
uint64_t rule_bytes(struct host_function *function, uint16_t location);

/* PF and `vfs` VFs of STEER_QUEUES queue pairs. */
struct host *steer_card(uint16_t vfs);
/* An ordinary frame from VF 1 to VF 2: TCP over IPv4. */
struct packet steer_packet(void);
/* Sends a frame from VF 1 and says which queue of VF 2 it came to, STEER_NONE: none. What came is in *got unless that is NULL. */
uint32_t steer_pass(struct host *host, const uint8_t *frame, uint32_t bytes, struct host_frame *got);
/* The same of a packet. */
uint32_t steer_queue(struct host *host, struct packet packet);
/* Which queue a function got a frame in. */
uint32_t steer_taken(struct host_function *function, struct host_frame *got);

#endif
