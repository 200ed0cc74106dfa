/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Aggregates that wait for segments that come later (hold.c). A queue has one at most, which is the last thing that took buffers of it; a
 * card has WEIR_HELD.
 */
#ifndef WEIR_HOLD_H
#define WEIR_HOLD_H

#include "claim.h"
#include "coalesce.h"

/*
 * An aggregate whose payload is in its buffers as far as it has come, but not its header, and which has no completion. It is open until
 * it is decided that nothing more is added; then it belongs to the burst that writes header and completion.
 */
struct weir_held {
	bool open;     /* rx_queues[queue].held is this one */
	bool leaves;   /* it is to be delivered as soon as no burst writes to it */
	bool dropped;  /* its queue has gone: nobody gets it */
	bool failed;   /* something of it could not be written */
	uint8_t next;  /* free: the next one that is, place + 1, 0: none */
	uint8_t strip; /* tags of the header that its receiver does not see, from the outer one on */
	uint8_t last_flags;   /* TCP's of the last segment */
	uint8_t header_bytes; /* as delivered */
	uint32_t queue;	      /* in the card */
	uint32_t burst;	      /* index + 1 of the one a round of which writes to it, 0: none does */
	uint32_t timer;	      /* by weir_timer_start() */
	struct weir_way way;  /* of the first segment, */
	struct weir_layer layer; /* its headers, */
	uint64_t time_ns;	 /* and when it arrived, if its queue is timed */
	struct weir_run run;
	uint64_t bytes; /* that its receiver would have got, had the segments come one by one */
	/* what its completion says, length and what depends on the segments apart */
	struct completion completion;
	uint64_t first_address; /* of its first buffer */
	uint64_t address;	/* of the one that is being filled, with so many bytes */
	uint16_t filled;
	/* the first segment's headers as in its private copy; as they are delivered, once it is not open any more */
	uint8_t header[WEIR_HEADER_BYTES + 8] __attribute__((aligned(8)));
};

/* Lays the card's table out, in zeroed memory. */
size_t weir_hold_bytes(void);
void weir_hold_init(struct weir_firmware *firmware, void *memory);

/*
 * Frame `number` has come to a running queue in which an aggregate waits, or whose vport lets them wait: continues that aggregate, or
 * closes it, or begins one. flags, tci, strip: of the frame's completion, and its tags. CLAIM_DONE: the frame, and what is joined to it as
 * far as it fits, is in the burst's last delivery. CLAIM_PASS: it goes its usual way. CLAIM_SHORT: so it does, without buffers.
 */
enum claim_answer weir_hold_claim(struct weir_firmware *firmware, struct weir_burst *burst,
				  uint32_t number, struct weir_rx_queue *queue, uint8_t strip,
				  uint32_t flags, uint16_t tci);
/* Takes aggregates that wait no longer into a burst without frames. */
void weir_hold_flush(struct weir_firmware *firmware, struct weir_burst *burst);
/* The stages of a delivery of a held aggregate. False: HAL was busy. */
bool weir_hold_emit(struct weir_firmware *firmware, struct weir_burst *burst,
		    const struct weir_delivery *delivery);
void weir_hold_seal(struct weir_firmware *firmware, struct weir_burst *burst,
		    const struct weir_delivery *delivery);
void weir_hold_over(struct weir_firmware *firmware, const struct weir_delivery *delivery);
/* The queue's function may use the bus again: what would have been delivered meanwhile is. */
void weir_hold_wake(struct weir_firmware *firmware, const struct weir_rx_queue *queue);
/* The queue ends: what waits in it is delivered or, where that cannot be, dropped. queue->held is 0 when that is over, and
 * queue->references. */
void weir_hold_end(struct weir_firmware *firmware, struct weir_rx_queue *queue);
/* The queue writes nothing any more: what waits in it is dropped, and counted. */
void weir_hold_drop(struct weir_firmware *firmware, struct weir_rx_queue *queue);
/* The time of an aggregate, by its place, is over. */
void weir_hold_due(struct weir_firmware *firmware, uint32_t place);
/* Those to which no burst writes, of those that leave: is there one? */
bool weir_hold_is_leaving(const struct weir_firmware *firmware);

#endif
