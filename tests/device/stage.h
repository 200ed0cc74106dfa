/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stage for interrupts: VF 1 sends and polls, VF 2 receives and sleeps; time passes to the nanosecond, and only when the test says so
 * (the deferred home's delays are polls, not time).
 */
#ifndef WEIR_TEST_STAGE_H
#define WEIR_TEST_STAGE_H

#include "suite.h"

#define STAGE_VECTOR	  1 /* as host_up() gives queue 0 */
#define STAGE_FRAME_BYTES 100
#define US		  1000ull

struct stage {
	struct host *host;
	struct host_function *from, *to;
	uint32_t seen;		  /* interrupts of the receiver that were looked at */
	uint32_t sequence, taken; /* frames sent and taken */
};

/* The card and its two VFs, queue pairs without moderation. */
struct stage stage_start(void);
/* RX_QUEUE_MODERATE or TX_QUEUE_MODERATE of queue 0; of the receiver's. The status. */
int stage_moderate_queue(struct host_function *function, uint16_t opcode, uint64_t us,
			 uint64_t count);
int stage_moderate(struct stage *stage, uint64_t us, uint64_t count);
/* Everything that is to be done now is done: no time passes. */
void stage_settle(struct host *host);
/* Lets time pass to the nanosecond, the card's own deadlines kept on the way. */
void stage_pass_ns(struct host *host, uint64_t ns);
/* Numbered frames from sender to receiver, in one go; delivered when it returns. */
void stage_send(struct stage *stage, uint32_t frames);
/* Takes what the receiver has got; how many frames. */
uint32_t stage_take(struct stage *stage);
/* Arms the receiver for what it has taken. */
void stage_arm(struct stage *stage);
/* Interrupts of the receiver since this was asked last. */
uint32_t stage_interrupts(struct stage *stage);
/* Lets time pass until the next interrupt of the receiver comes, at most `most_ns`; how long that was. */
uint64_t stage_wait(struct stage *stage, uint64_t most_ns);
/* A counter of the receiver's receive queue. */
uint64_t stage_counter(struct stage *stage, enum weir_stat_rx_queue counter);

#endif
