/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arithmetic of the card's clock (specs/time.md): a straight line over hal_now_ns(), bent where somebody adjusts it. The firmware
 * works out the times of frames with it, and a board what hosts read in TIME_LOW and TIME_HIGH.
 */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include <stdint.h>

/* From since_ns of hal_now_ns() on the clock goes on from time_ns. */
struct weir_clock {
	uint64_t since_ns;
	uint64_t time_ns;
	int64_t rate; /* how much faster than hal_now_ns() it runs: a fraction, in 2^-64 */
};

/* The clock at a moment of hal_now_ns(), also at one before the last adjustment: by the line of today. */
static inline uint64_t weir_clock_at(const struct weir_clock *clock, uint64_t now_ns)
{
	int64_t passed_ns = (int64_t)(now_ns - clock->since_ns);
	__extension__ __int128 ahead = (__int128)passed_ns * clock->rate;

	return clock->time_ns + (uint64_t)passed_ns + (uint64_t)(ahead >> 64);
}

/* A TIME_RATE (parts per million, times 2^16; at most WEIR_TIME_MAX_RATE either way) as a weir_clock's: times 2^48 / 10^6. */
static inline int64_t weir_clock_rate(int64_t time_rate)
{
	const int64_t unit = (int64_t)1 << 42, divisor = 15625;

	return time_rate / divisor * unit + time_rate % divisor * unit / divisor;
}

#endif
