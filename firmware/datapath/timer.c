/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What waits for its time: interrupts (moderate.c) and aggregates (hold.c). The timers are a binary heap, so that the next one is known
 * without a look at the others.
 */
#include "hold.h"

/* The rest is due at the next poll, so that many at once leave the others their share. */
#define TIMERS_PER_POLL 256

/* Where its owner remembers a timer's place in the heap, + 1. */
static uint32_t *place_of(struct weir_firmware *firmware, uint32_t owner)
{
	if (owner & WEIR_TIMER_TRANSMIT)
		return &firmware->tx_queues[owner & ~WEIR_TIMER_TRANSMIT].interrupt.timer;
	if (owner & WEIR_TIMER_HELD)
		return &firmware->held[owner & ~WEIR_TIMER_HELD].timer;
	return &firmware->rx_queues[owner].interrupt.timer;
}

static void put(struct weir_firmware *firmware, uint32_t place, struct weir_timer timer)
{
	firmware->timers[place] = timer;
	*place_of(firmware, timer.owner) = place + 1;
}

/* Puts a timer to `place`, whose children are due no earlier, or above it. */
static void rise(struct weir_firmware *firmware, uint32_t place, struct weir_timer timer)
{
	while (place) {
		uint32_t parent = (place - 1) / 2;

		if (firmware->timers[parent].due_ns <= timer.due_ns)
			break;
		put(firmware, place, firmware->timers[parent]);
		place = parent;
	}
	put(firmware, place, timer);
}

/* Puts a timer to `place`, whose parent is due no later, or below it. */
static void sink(struct weir_firmware *firmware, uint32_t place, struct weir_timer timer)
{
	const struct weir_timer *timers = firmware->timers;

	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child >= firmware->timer_count)
			break;
		if (child + 1 < firmware->timer_count &&
		    timers[child + 1].due_ns < timers[child].due_ns)
			child++;
		if (timer.due_ns <= timers[child].due_ns)
			break;
		put(firmware, place, timers[child]);
		place = child;
	}
	put(firmware, place, timer);
}

void weir_timer_start(struct weir_firmware *firmware, uint32_t owner, uint64_t due_ns)
{
	rise(firmware, firmware->timer_count++,
	     (struct weir_timer){ .due_ns = due_ns, .owner = owner });
}

void weir_timer_stop(struct weir_firmware *firmware, uint32_t *timer)
{
	if (!*timer)
		return;
	uint32_t place = *timer - 1;
	struct weir_timer last = firmware->timers[--firmware->timer_count];

	*timer = 0;
	if (place == firmware->timer_count)
		return;
	if (place && last.due_ns < firmware->timers[(place - 1) / 2].due_ns)
		rise(firmware, place, last);
	else
		sink(firmware, place, last);
}

uint32_t weir_timers_poll(struct weir_firmware *firmware)
{
	uint32_t done = 0;

	while (done < TIMERS_PER_POLL && weir_timers_due_ns(firmware) <= firmware->now_ns) {
		uint32_t owner = firmware->timers[0].owner;

		done++;
		if (owner & WEIR_TIMER_HELD)
			weir_hold_due(firmware, owner & ~WEIR_TIMER_HELD);
		else
			weir_interrupt_due(firmware, owner);
	}
	return done;
}
