/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of the thread that has the card, and how it learns of what happens outside.
 *
 *   busy     The card is polled without a system call. Another thread, the watcher, blocks in poll() on everything there is to
 *            watch and sets a flag; the card's thread looks at the flag once a poll and then handles what happened itself.
 *   light    Just woken, and perhaps about to sleep again: the card's thread looks at the descriptors itself every few
 *            microseconds, so that a short errand does not cost two wake-ups of the watcher.
 *   asleep   Nothing to do: ppoll() on the descriptors and the wires, until the card's next deadline.
 *
 * Before it sleeps, the thread goes on polling for a while, which adapts: if it was woken sooner than SPIN_MOST_NS after it went
 * to sleep, spinning would have been quicker, and it spins longer the next time; otherwise shorter, down to not at all.
 */
#ifndef WEIR_SIM_LOOP_H
#define WEIR_SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct loop;

/* Whom an event is for. */
enum loop_source {
	LOOP_SIGNAL,
	LOOP_FUNCTION, /* index: its number */
	LOOP_CONTROL_LISTEN,
	LOOP_CONTROL_CLIENT, /* index: its slot */
};

struct loop_stats {
	uint64_t polls; /* of the card */
	uint64_t sleeps;
	uint64_t wakes; /* of them, those that an event ended and not a deadline */
	uint64_t asleep_ns;
	uint64_t watches; /* how often the watcher was put to work */
	uint64_t events;  /* handled */
	uint64_t spin_ns; /* how long it spins now before it sleeps */
};

/* Makes a loop; its watcher thread begins to exist. NULL with errno set. */
struct loop *loop_create(struct daemon *daemon);
/* NULL is allowed. */
void loop_destroy(struct loop *loop);

/* Has fd watched for events (EPOLLIN, EPOLLOUT). 0 or -errno. */
int loop_watch(struct loop *loop, int fd, enum loop_source source, uint32_t index, uint32_t events);
/* Changes what an fd is watched for; 0: only its end. */
int loop_rewatch(struct loop *loop, int fd, enum loop_source source, uint32_t index,
		 uint32_t events);
void loop_unwatch(struct loop *loop, int fd);

/* Turns until daemon->end. */
void loop_run(struct loop *loop);
/* Turns until condition() holds or ms are over; true: it holds. Before loop_run(). */
bool loop_until(struct loop *loop, bool (*condition)(struct daemon *daemon), uint32_t ms);

void loop_get_stats(const struct loop *loop, struct loop_stats *stats);

#endif
