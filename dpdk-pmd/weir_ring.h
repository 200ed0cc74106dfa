/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arithmetic of the data rings (specs/data-queues.md): free-running 16-bit counters, generation bits, the
 * doorbell rule. Knows nothing of DPDK, so that the unit tests can run it alone.
 */
#ifndef WEIR_RING_H
#define WEIR_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/weir_abi.h"

/** event_index of a device that is busy polling: it wants no doorbell at all. */
#define WEIR_EVENT_INDEX_BUSY 0x80000000u

/** How far counter `to` is ahead of counter `from`. */
static inline uint16_t weir_ring_ahead(uint16_t to, uint16_t from)
{
	return (uint16_t)(to - from);
}

/** Smallest power of two, as its logarithm, that is at least `count` (1 to 65536). */
static inline uint8_t weir_log2_ceil(uint32_t count)
{
	uint8_t log2 = 0;

	while ((UINT32_C(1) << log2) < count)
		log2++;
	return log2;
}

/** The generation bit that an entry written as number `counter` of its ring carries: 1 in the first lap. */
static inline uint32_t weir_ring_phase(uint16_t counter, uint8_t ring_log2)
{
	return ~((uint32_t)counter >> ring_log2) & 1u;
}

/**
 * Whether a tail that moves from old_tail to new_tail passes the device's event index, so that the doorbell
 * must be rung (specs/data-queues.md, shadow doorbells).
 */
static inline bool weir_doorbell_needed(uint32_t event_index, uint16_t old_tail, uint16_t new_tail)
{
	if (event_index & WEIR_EVENT_INDEX_BUSY)
		return false;
	return (uint16_t)(new_tail - (uint16_t)event_index - 1u) < (uint16_t)(new_tail - old_tail);
}

#endif
