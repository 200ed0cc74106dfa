/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checksum arithmetic, portable and without state: the Internet checksum (RFC 1071, RFC 1624) and CRC32c (RFC 9260, appendix A).
 * Both can be taken of pieces in any order: the sum of the pieces, each moved to its place, is the sum of the whole.
 */
#ifndef WEIR_SUM_H
#define WEIR_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- ones' complement sums: numbers of 16 bits, a word's first byte is its high one ---- */

/* A number of any size to 16 bits, carries around the end. Zero only for zero. */
static inline uint32_t weir_sum_fold(uint64_t sum)
{
	/* A number and its halves changed over: the upper half of that is their sum, with the lower half's carry. */
	sum += sum >> 32 | sum << 32;
	uint32_t half = (uint32_t)(sum >> 32);

	half += half >> 16 | half << 16;
	return half >> 16;
}

static inline uint32_t weir_sum_add(uint32_t a, uint32_t b)
{
	uint32_t sum = a + b;

	return (sum & 0xffffu) + (sum >> 16);
}

/* What a sum becomes when what it was taken of begins at an odd place. */
static inline uint32_t weir_sum_swap(uint32_t sum)
{
	return (sum >> 8 | sum << 8) & 0xffffu;
}

/* A sum of words as this processor loads them to one of words as the network orders them. */
static inline uint32_t weir_sum_from_native(uint64_t native)
{
	uint32_t sum = weir_sum_fold(native);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	sum = weir_sum_swap(sum);
#endif
	return sum;
}

/* The other way: what a number adds to a sum of this processor's words. */
static inline uint64_t weir_sum_to_native(uint32_t number)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(number);
#else
	return number;
#endif
}

/* Is a sum of words, in either order of bytes, FFFFh when it is folded? Of zeros alone it says so, too. */
static inline bool weir_sum_is_ones(uint64_t words)
{
	return words % 0xffff == 0;
}

/*
 * Goes on with a sum over bytes, as words of this processor; an odd last byte is a word's first. Eight at a time, which is what RFC
 * 1071, 2(C) allows.
 */
static inline uint64_t weir_sum_words(const void *memory, size_t bytes, uint64_t sum)
{
	const uint8_t *at = memory;
	uint64_t word;

	for (; bytes >= 8; bytes -= 8, at += 8) {
		__builtin_memcpy(&word, at, 8);
		sum += word;
		sum += sum < word;
	}
	uint64_t rest = 0;

	if (bytes & 4) {
		uint32_t half;

		__builtin_memcpy(&half, at, 4);
		rest += half;
		at += 4;
	}
	if (bytes & 2) {
		uint16_t pair;

		__builtin_memcpy(&pair, at, 2);
		rest += pair;
		at += 2;
	}
	if (bytes & 1) {
		const uint8_t last[2] = { *at, 0 };
		uint16_t pair;

		__builtin_memcpy(&pair, last, 2);
		rest += pair;
	}
	sum += rest;
	return sum + (sum < rest);
}

/*
 * The same of one byte or more that have others ahead of them, eight with theirs at least: what is left over is then one word, of which
 * those ahead are shifted out.
 */
static inline uint64_t weir_sum_words_behind(const void *memory, size_t bytes, uint64_t sum)
{
	const uint8_t *at = memory, *last = at + bytes - 8;
	uint64_t word;

	for (; at < last; at += 8) {
		__builtin_memcpy(&word, at, 8);
		sum += word;
		sum += sum < word;
	}
	__builtin_memcpy(&word, last, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word >>= 8 * (at - last);
#else
	word <<= 8 * (at - last);
#endif
	sum += word;
	return sum + (sum < word);
}

/* The sum of bytes; an odd last one is the high byte of a word. */
static inline uint32_t weir_sum_of(const void *memory, size_t bytes)
{
	return weir_sum_from_native(weir_sum_words(memory, bytes, 0));
}

/* What goes into a checksum field for a sum: its complement, and FFFFh for 0, which in UDP would mean "none" (RFC 768) and is the
 * same number to who verifies. */
static inline uint32_t weir_sum_field(uint32_t sum)
{
	uint32_t field = ~sum & 0xffffu;

	return field ? field : 0xffffu;
}

/* ---- CRC32c: the register, least significant bit first, without the complements at beginning and end ---- */

#define WEIR_CRC32C_POLYNOMIAL 0x82f63b78u

/* Goes on with a register over bytes, four bits at a time. */
static inline uint32_t weir_crc32c(uint32_t crc, const void *memory, size_t bytes)
{
	static const uint32_t of_nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *at = memory;

	while (bytes--) {
		crc ^= *at++;
		crc = crc >> 4 ^ of_nibble[crc & 15];
		crc = crc >> 4 ^ of_nibble[crc & 15];
	}
	return crc;
}

/* The product of two polynomials modulo the CRC's. */
static inline uint32_t weir_crc32c_multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a; a <<= 1) {
		if (a & 0x80000000u)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? WEIR_CRC32C_POLYNOMIAL : 0);
	}
	return product;
}

/* What a register becomes when so many zero bytes (below 2^16) follow: its product with x^(8 * bytes). */
static inline uint32_t weir_crc32c_shift(uint32_t crc, uint32_t bytes)
{
	/* x^(8 * 2^n) */
	static const uint32_t power[16] = {
		0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a,
		0xb82be955, 0xb8fdb1e7, 0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a,
		0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc,
	};

	for (uint32_t n = 0; crc && bytes; n++, bytes >>= 1)
		if (bytes & 1)
			crc = weir_crc32c_multiply(crc, power[n & 15]);
	return crc;
}

/* The CRC of `bytes` bytes whose register, begun with zero, is crc: as if it had begun with all ones, complemented. */
static inline uint32_t weir_crc32c_field(uint32_t crc, uint32_t bytes)
{
	return ~(crc ^ weir_crc32c_shift(0xffffffffu, bytes));
}

#endif
