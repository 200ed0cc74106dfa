/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Toeplitz hashes by carry-less multiplication. Bit j of the hash is the sum over i of input[i] * key[i + j], bits counted from the
 * first one on, sums modulo two. Take 64 bits of input as the polynomial A = sum input[i] x^(63-i), which is how a big-endian load
 * gives them, and the key from there on reflected, K = sum key[m] x^m: then bit j of the hash is the coefficient of x^(63+j) in A * K,
 * as 63 - i + m = 63 + j. Products of a tuple's words add up before anything is taken out of them. K is cut in two words, of which the
 * second is the first one of the next word of input:
 *
 *	low = sum A[q] * R[q]		middle = sum A[q] * R[q + 1]
 *	reflected hash = (low >> 63) ^ (middle << 1)
 */
#include "toeplitz.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define WORDS_MAX (HAL_TUPLE_BYTES / 8)

static uint32_t reflect32(uint32_t value)
{
	value = (value >> 1 & 0x55555555u) | (value & 0x55555555u) << 1;
	value = (value >> 2 & 0x33333333u) | (value & 0x33333333u) << 2;
	value = (value >> 4 & 0x0f0f0f0fu) | (value & 0x0f0f0f0fu) << 4;
	return __builtin_bswap32(value);
}

/* The key's words, reflected, with zeros behind them. */
static void reflect_key(const uint8_t *key, uint64_t reflected[WORDS_MAX + 2])
{
	for (uint32_t i = 0; i < WORDS_MAX; i++) {
		uint32_t first, second;

		memcpy(&first, key + 8 * i, 4);
		memcpy(&second, key + 8 * i + 4, 4);
		reflected[i] = reflect32(__builtin_bswap32(first)) |
			       (uint64_t)reflect32(__builtin_bswap32(second)) << 32;
	}
	reflected[WORDS_MAX] = reflected[WORDS_MAX + 1] = 0;
}

/* ---- PCLMULQDQ: one tuple at a time ---- */

static bool pclmul_usable(void)
{
	return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3") &&
	       __builtin_cpu_supports("sse4.1");
}

__attribute__((target("pclmul,ssse3,sse4.1"))) static void pclmul_hash(
	const uint8_t *key, const struct hal_tuple *tuples, uint32_t bytes, uint32_t count,
	uint32_t *hashes)
{
	const __m128i big_endian =
		_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
	uint64_t reflected[WORDS_MAX + 2];
	uint32_t words = bytes / 8;

	reflect_key(key, reflected);
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *tuple = tuples[i].bytes;
		__m128i low = _mm_setzero_si128(), middle = low;

		for (uint32_t q = 0; q < words; q++) {
			__m128i input = _mm_shuffle_epi8(
				_mm_loadl_epi64((const __m128i *)(const void *)(tuple + 8 * q)),
				big_endian);
			__m128i window =
				_mm_loadu_si128((const __m128i *)(const void *)&reflected[q]);

			low = _mm_xor_si128(low, _mm_clmulepi64_si128(input, window, 0x00));
			middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(input, window, 0x10));
		}
		uint64_t top = (uint64_t)_mm_cvtsi128_si64(low) >> 63,
			 rest = (uint64_t)_mm_extract_epi64(low, 1) ^
				(uint64_t)_mm_cvtsi128_si64(middle);

		hashes[i] = reflect32((uint32_t)(top ^ rest << 1));
	}
}

/* ---- VPCLMULQDQ on AVX-512: four tuples at a time ---- */

#define AVX512 "avx512f,avx512bw,avx512vl,vpclmulqdq,gfni"

static bool avx512_usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vpclmulqdq") &&
	       __builtin_cpu_supports("gfni");
}

/* 16 bytes at `offset` of four tuples, their two words as numbers. */
__attribute__((target(AVX512))) static inline __m512i load_four(const struct hal_tuple *tuples,
								uint32_t offset)
{
	const __m512i big_endian = _mm512_broadcast_i32x4(
		_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
	const uint8_t *at = tuples->bytes + offset;
	__m512i all = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)at));

	at += sizeof(*tuples);
	all = _mm512_inserti32x4(all, _mm_loadu_si128((const __m128i *)(const void *)at), 1);
	at += sizeof(*tuples);
	all = _mm512_inserti32x4(all, _mm_loadu_si128((const __m128i *)(const void *)at), 2);
	at += sizeof(*tuples);
	all = _mm512_inserti32x4(all, _mm_loadu_si128((const __m128i *)(const void *)at), 3);
	return _mm512_shuffle_epi8(all, big_endian);
}

/* The same of the last 8 bytes of four tuples, zeros behind. */
__attribute__((target(AVX512))) static inline __m512i load_four_last(const struct hal_tuple *tuples,
								     uint32_t offset)
{
	uint64_t word[4];

	for (uint32_t i = 0; i < 4; i++)
		memcpy(&word[i], tuples[i].bytes + offset, 8);
	return _mm512_setr_epi64((long long)__builtin_bswap64(word[0]), 0,
				 (long long)__builtin_bswap64(word[1]), 0,
				 (long long)__builtin_bswap64(word[2]), 0,
				 (long long)__builtin_bswap64(word[3]), 0);
}

__attribute__((target(AVX512))) static inline __m512i window_at(const uint64_t *reflected)
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)reflected));
}

__attribute__((target(AVX512))) static void avx512_hash(const uint8_t *key,
							const struct hal_tuple *tuples,
							uint32_t bytes, uint32_t count,
							uint32_t *hashes)
{
	/* Reflects the bits of each byte (Intel SDM, GF2P8AFFINEQB with the anti-diagonal matrix). */
	const __m256i reflect_bits = _mm256_set1_epi64x((long long)0x8040201008040201ull);
	/* The lanes' words (their first 32 bits count), and the bytes of those the other way round. */
	const __m256i swap_bytes = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(3, 2, 1, 0, -1, -1, -1, -1, 11, 10, 9, 8, -1, -1, -1, -1));
	const __m512i words = _mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6);
	uint64_t reflected[WORDS_MAX + 2];

	reflect_key(key, reflected);
	for (; count >= 4; count -= 4, tuples += 4, hashes += 4) {
		__m512i low = _mm512_setzero_si512(), middle = low;
		uint32_t q = 0;

		for (; q + 2 <= bytes / 8; q += 2) {
			__m512i input = load_four(tuples, 8 * q), window = window_at(&reflected[q]),
				next = window_at(&reflected[q + 1]);

			low = _mm512_ternarylogic_epi64(
				low, _mm512_clmulepi64_epi128(input, window, 0x00),
				_mm512_clmulepi64_epi128(input, window, 0x11), 0x96);
			middle = _mm512_ternarylogic_epi64(
				middle, _mm512_clmulepi64_epi128(input, window, 0x10),
				_mm512_clmulepi64_epi128(input, next, 0x11), 0x96);
		}
		if (q < bytes / 8) {
			__m512i input = load_four_last(tuples, 8 * q),
				window = window_at(&reflected[q]);

			low = _mm512_xor_si512(low, _mm512_clmulepi64_epi128(input, window, 0x00));
			middle = _mm512_xor_si512(middle,
						  _mm512_clmulepi64_epi128(input, window, 0x10));
		}
		/* In the first word of each lane: (low >> 63) ^ (middle << 1). */
		__m512i high = _mm512_xor_si512(_mm512_bsrli_epi128(low, 8), middle);
		__m512i sum =
			_mm512_xor_si512(_mm512_srli_epi64(low, 63), _mm512_slli_epi64(high, 1));
		__m256i four = _mm512_castsi512_si256(_mm512_permutexvar_epi64(words, sum));

		four = _mm256_shuffle_epi8(_mm256_gf2p8affine_epi64_epi8(four, reflect_bits, 0),
					   swap_bytes);
		_mm_storeu_si128((__m128i *)(void *)hashes, _mm256_cvtepi64_epi32(four));
	}
	if (count)
		pclmul_hash(key, tuples, bytes, count, hashes);
}

const struct sim_toeplitz_kernel sim_toeplitz_kernels[] = {
	{ "avx512", avx512_usable, avx512_hash },
	{ "pclmul", pclmul_usable, pclmul_hash },
	{ NULL, NULL, NULL },
};
#else
const struct sim_toeplitz_kernel sim_toeplitz_kernels[] = { { NULL, NULL, NULL } };
#endif
