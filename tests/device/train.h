/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trains: TCP segments that follow one another, and what they become for VF 2, which coalesces (specs/coalescing.md). An aggregate is
 * right when cutting it again gives the frames that it was made of, byte by byte: the cutting here is written from RFC 791, 8200 and
 * 9293, and sums are packets.c's.
 */
#ifndef WEIR_TEST_TRAIN_H
#define WEIR_TEST_TRAIN_H

#include "bytes.h"
#include "large.h"
#include "packets.h"
#include "scene.h"

#define TRAIN_MAX	64u
#define TRAIN_FRAME_MAX 9100u
/* As long as segments may wait. */
#define TRAIN_WAIT_US WEIR_COALESCE_US_MAX
#define TRAIN_WAIT_MS (TRAIN_WAIT_US / 1000 + 1)

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

/* Frames that are sent one after the other. */
struct train {
	uint8_t frame[TRAIN_MAX][TRAIN_FRAME_MAX];
	uint32_t bytes[TRAIN_MAX];
	struct packet packet[TRAIN_MAX];
	uint32_t count;
};

/* The one under way, the frame that was cut last, and the aggregate and the frame that came last. */
extern struct train train;
extern uint8_t train_large[LARGE_FRAME_MAX];
extern struct host_aggregate aggregate;
extern struct host_frame got;

/* Puts the right checksums into a TCP frame. */
void train_sum_up(const struct packet *packet, uint8_t *frame);
/* Adds a segment to the train that continues the one before it. */
void train_add(const struct packet *packet, uint8_t flags);
/* A full segment from VF 1 to VF 2. */
struct packet train_segment(uint32_t payload);
/* So many full segments. */
void train_make(const struct packet *packet, uint32_t count);
/* VPORT_SET; its status. */
int train_coalesce(struct host_function *function, uint32_t segments, uint32_t bytes);
/* ... of COALESCE_US. */
int train_wait(struct host_function *function, uint32_t us);
/* VF 2 coalesces. */
struct host *train_card(uint16_t queues, uint32_t buffer_bytes);
/* The same with one queue, whose completions tell the time. */
struct host *train_card_with_times(void);
/* The same as train_card() with one queue, and its segments wait so long for more. */
struct host *train_card_that_waits(uint32_t buffer_bytes, uint32_t us);
/* Frames [first, first + count) of the train arrive from the wire, and all is done that is to be done now: no time passes. */
void train_arrive(struct host *host, uint32_t first, uint32_t count);
/* The train arrives from the wire; the card has not looked before all of it is there. */
void train_from_wire(struct host *host);
/* The train is sent by VF 1, whose checksums the card puts in, and tags where `flags` say so. */
void train_from_vf_with(struct host *host, uint32_t segments, uint16_t flags, uint16_t tci);
/* The same without tags. */
void train_from_vf(struct host *host, uint32_t segments);
/* The headers of an aggregate say what it is: lengths, IPv4's sum, and the pseudo header's in TCP's. */
void train_expect_headers(const struct packet *packet);
/* The native home sees all of a train at once; the others may see it in parts, of each of which aggregates are made. */
bool train_is_seen_whole(void);
/* The next thing that VF 2 gets on a queue is made of frames of the train, of these from the first on: an aggregate, or one that is as
 * it was. Returns how many. */
uint32_t train_take(struct host *host, uint16_t queue, const uint8_t *numbers, uint32_t most);
/* The same on queue 0, of frames in a row. */
uint32_t train_take_row(struct host *host, uint32_t first, uint32_t most);
/* These frames of the train come next on a queue, as one thing. */
void train_expect_at(struct host *host, uint16_t queue, const uint8_t *numbers, uint32_t count);
/* The same on queue 0 of frames in a row. */
void train_expect(struct host *host, uint32_t first, uint32_t count);
/* The next thing on queue 0 is made of exactly these frames, in every home. */
void train_expect_one(struct host *host, uint32_t first, uint32_t count);
/* VF 2 has got everything. */
void train_expect_nothing_more(struct host *host);
/* VF 1 has large_frames[number] cut for VF 2, whose segments the card sees in one go in every home; the frame is in train_large. Returns its
 * length; 0: not one whose segments may become one frame again. */
uint32_t train_from_large(struct host *host, size_t number, struct packet *packet);

#endif
