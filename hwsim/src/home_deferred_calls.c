/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of the deferred home that are no bus operations. Events and frames that wait may be held back a little, and frames that
 * were given back are overwritten.
 */
#include "home_deferred.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Polls for an event that find none yet. */
#define EVENT_ONE_IN 4u

uint64_t hal_now_ns(struct hal *hal)
{
	return card_now_ns(hal);
}

void hal_clock_set(struct hal *hal, const struct weir_clock *clock)
{
	hal->shown_clock = *clock;
}

void hal_wait(struct hal *hal, uint64_t until_ns)
{
	hal_board_wait(hal, until_ns);
}

void hal_watchdog_kick(struct hal *hal)
{
	hal->watchdog_kicks++;
}

uint32_t hal_random32(struct hal *hal)
{
	return hal_board_random32(hal);
}

void hal_console(struct hal *hal, enum weir_log_level level, const char *text)
{
	hal_board_console(hal, level, text);
}

const struct hal_card *hal_card(struct hal *hal)
{
	return &hal->facts;
}

void hal_trace_enable(struct hal *hal, bool on)
{
	hal_board_trace_enable(hal, on);
}

bool hal_poll_event(struct hal *hal, struct hal_event *event)
{
	if (!hal->events || !deferred_chance(sim_of(hal)->home, EVENT_ONE_IN))
		return false;
	return hal_board_poll_event(hal, event);
}

void hal_function_ready(struct hal *hal, uint16_t function)
{
	hal_board_function_ready(hal, function);
}

bool hal_function_usable(struct hal *hal, uint16_t function)
{
	return hal->functions[function]->usable;
}

void hal_register_set(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value)
{
	hal_board_register_set(hal, function, offset, value);
}

uint32_t hal_register_get(struct hal *hal, uint16_t function, uint32_t offset)
{
	return offset < CARD_REGISTER_BYTES ? hal->functions[function]->registers[offset / 4] : 0;
}

void hal_window_read(struct hal *hal, uint16_t function, uint32_t offset, void *to, uint32_t bytes)
{
	hal_board_window_read(hal, function, offset, to, bytes);
}

void hal_window_write(struct hal *hal, uint16_t function, uint32_t offset, const void *from,
		      uint32_t bytes)
{
	hal_board_window_write(hal, function, offset, from, bytes);
}

enum hal_result hal_interrupt_raise(struct hal *hal, uint16_t function, uint16_t vector)
{
	if (!deferred_chance(sim_of(hal)->home, DEFERRED_BUSY_ONE_IN))
		return HAL_BUSY;
	return hal_board_interrupt_raise(hal, function, vector);
}

void hal_dma_prefetch(struct hal *hal, struct hal_requester requester, uint64_t address,
		      bool for_write)
{
	(void)hal;
	(void)requester;
	(void)address;
	(void)for_write;
}

/* What is complete is in host memory already. */
void hal_dma_order(struct hal *hal)
{
	(void)hal;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void hal_ats_invalidate_done(struct hal *hal, uint16_t function, uint64_t invalidate_tag)
{
	hal_board_ats_invalidate_done(hal, function, invalidate_tag);
}

void hal_link_get(struct hal *hal, uint8_t port, struct hal_link *link)
{
	link->up = hal->ports[port].up;
	link->speed_mbps = link->up ? hal->ports[port].speed_mbps : 0;
}

void hal_link_set(struct hal *hal, uint8_t port, bool up)
{
	hal_board_link_set(hal, port, up);
}

/* Some of what arrived. */
uint32_t hal_receive(struct hal *hal, uint8_t port, struct hal_frame *frames, uint32_t max)
{
	struct sim_home *home = sim_of(hal)->home;
	uint32_t count = card_receive(&hal->ports[port], frames, deferred_chance(home, max + 1));

	for (uint32_t i = 0; i < count; i++)
		home->lent[port * CARD_QUEUE_FRAMES + frames[i].handle] = true;
	return count;
}

/* What is given back is overwritten: who still uses it is found out. */
void hal_receive_release(struct hal *hal, uint8_t port, const struct hal_frame *frames,
			 uint32_t count)
{
	struct sim_home *home = sim_of(hal)->home;

	for (uint32_t i = 0; i < count; i++) {
		bool *lent = &home->lent[port * CARD_QUEUE_FRAMES + frames[i].handle];

		if (frames[i].handle >= CARD_QUEUE_FRAMES || !*lent) {
			fprintf(stderr,
				"hwsim-deferred: firmware released frame %u of port %u, which it does not have\n",
				frames[i].handle, port);
			abort();
		}
		*lent = false;
		memset(card_slot(&hal->ports[port], frames[i].handle), 0xee, frames[i].bytes);
	}
	card_receive_release(&hal->ports[port], frames, count);
}

/* The home without hardware for it: what the firmware does by itself is tested as well. */
enum hal_result hal_toeplitz(struct hal *hal, const uint8_t key[HAL_HASH_KEY_BYTES],
			     const struct hal_tuple *tuples, uint32_t bytes, uint32_t count,
			     uint32_t *hashes)
{
	(void)hal;
	(void)key;
	(void)tuples;
	(void)bytes;
	(void)count;
	(void)hashes;
	return HAL_UNSUPPORTED;
}
