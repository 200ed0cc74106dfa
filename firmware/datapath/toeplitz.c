/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Portable Toeplitz hashing. A set bit i of the input adds the 32 bits of the key from bit i on. For each 32 bits of input the key's 64
 * bits from there on are all that can be added, shifted to the left by the bit's place: 16 of their multiples, made once for all tuples
 * of the call, take four bits of input at a time. No table outlives the call, so memory does not grow with the number of keys.
 */
#include "toeplitz.h"
#include "bytes.h"

/* multiples[n]: what the bits of n add, the most significant one first. */
static void make_multiples(const uint8_t key[HAL_HASH_KEY_BYTES], uint32_t at,
			   uint64_t multiples[16])
{
	uint64_t window = (uint64_t)load32(key + at) << 32;

	if (at + 8 <= HAL_HASH_KEY_BYTES)
		window |= load32(key + at + 4);
	multiples[0] = 0;
	multiples[8] = window;
	multiples[4] = window << 1;
	multiples[2] = window << 2;
	multiples[1] = window << 3;
	multiples[3] = multiples[2] ^ multiples[1];
	for (uint32_t n = 1; n < 4; n++)
		multiples[4 + n] = multiples[4] ^ multiples[n];
	for (uint32_t n = 1; n < 8; n++)
		multiples[8 + n] = window ^ multiples[n];
}

/* What four bytes of input add. A function by itself keeps the table at a register's hand. */
static __attribute__((noinline)) uint32_t add_word(const uint64_t *multiples, const uint8_t *at)
{
	uint64_t sum = multiples[at[0] >> 4] ^ multiples[at[0] & 15] << 4 ^
		       multiples[at[1] >> 4] << 8 ^ multiples[at[1] & 15] << 12 ^
		       multiples[at[2] >> 4] << 16 ^ multiples[at[2] & 15] << 20 ^
		       multiples[at[3] >> 4] << 24 ^ multiples[at[3] & 15] << 28;

	return (uint32_t)(sum >> 32);
}

void weir_toeplitz(const uint8_t key[HAL_HASH_KEY_BYTES], const struct hal_tuple *tuples,
		   uint32_t bytes, uint32_t count, uint32_t *hashes)
{
	uint64_t multiples[16];

	for (uint32_t i = 0; i < count; i++)
		hashes[i] = 0;
	for (uint32_t at = 0; at < bytes; at += 4) {
		make_multiples(key, at, multiples);
		for (uint32_t i = 0; i < count; i++) {
			const uint8_t *input = tuples[i].bytes + at;
			uint32_t word;

			/* Ports that are left out, and the filling. */
			__builtin_memcpy(&word, __builtin_assume_aligned(input, 4), sizeof(word));
			if (word)
				hashes[i] ^= add_word(multiples, input);
		}
	}
}
