/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers in frames, first byte highest, and the lesser of two: the tests' own, by nothing that the device shares. */
#ifndef WEIR_TEST_BYTES_H
#define WEIR_TEST_BYTES_H

#include <stdint.h>

static inline uint32_t load16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t load32(const uint8_t *at)
{
	return load16(at) << 16 | load16(at + 2);
}

static inline void store16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void store32(uint8_t *at, uint32_t value)
{
	store16(at, value >> 16);
	store16(at + 2, value);
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

#endif
