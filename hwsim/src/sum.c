/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies that take a checksum of what they store (struct card_sums), as the processor at hand does them best: chosen when a card
 * is made, so that one build runs everywhere. All of them give the same bits (tests/sim/sum.c); each byte is loaded once, since the
 * host may be changing it.
 */
#include "sim.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Sum of up to seven bytes that are copied, as this processor's words. */
static inline uint64_t copy_rest(uint8_t *to, const uint8_t *from, size_t bytes)
{
	uint64_t sum = 0;

	if (bytes & 4) {
		uint32_t word = *(const card_u32 *)from;

		*(card_u32 *)to = word;
		sum += word;
		from += 4;
		to += 4;
	}
	if (bytes & 2) {
		uint16_t word = *(const card_u16 *)from;

		*(card_u16 *)to = word;
		sum += word;
		from += 2;
		to += 2;
	}
	if (bytes & 1) {
		uint8_t byte = *from;

		*to = byte;
		sum += __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? byte : (uint32_t)byte << 8;
	}
	return sum;
}

/* The rest of a copy of which `sum` was taken so far, as this processor's words with carries added in. */
static inline uint32_t copy_words(uint8_t *to, const uint8_t *from, size_t bytes, uint64_t sum)
{
	for (; bytes >= 8; bytes -= 8, from += 8, to += 8) {
		uint64_t word = *(const card_u64 *)from;

		*(card_u64 *)to = word;
		sum += word;
		sum += sum < word;
	}
	uint64_t rest = copy_rest(to, from, bytes);

	sum += rest;
	sum += sum < rest;
	return weir_sum_from_native(sum);
}

static uint32_t portable_internet(void *to, const void *from, size_t bytes)
{
	return copy_words(to, from, bytes, 0);
}

static uint32_t portable_crc32c(void *to, const void *from, size_t bytes)
{
	card_copy(to, from, bytes);
	return weir_crc32c(0, to, bytes);
}

const struct card_sums sim_sums_portable = {
	.copy_internet = portable_internet,
	.copy_crc32c = portable_crc32c,
};

#if defined(__x86_64__)

/* Adds the 32-bit words of a chunk to 64-bit lanes, where they cannot overflow. */
#define ADD_WORDS_256(even, odd, chunk)                                      \
	do {                                                                 \
		even = _mm256_add_epi64(even, _mm256_and_si256(chunk, low)); \
		odd = _mm256_add_epi64(odd, _mm256_srli_epi64(chunk, 32));   \
	} while (0)

__attribute__((target("avx2"))) static uint32_t avx2_internet(void *to, const void *from,
							      size_t bytes)
{
	const uint8_t *s = from;
	uint8_t *d = to;
	uint64_t sum = 0;

	if (bytes >= 64) {
		const __m256i low = _mm256_set1_epi64x(0xffffffff);
		__m256i a = _mm256_setzero_si256(), b = a, c = a, e = a;

		for (; bytes >= 64; bytes -= 64, s += 64, d += 64) {
			__m256i first = _mm256_loadu_si256((const __m256i_u *)s);
			__m256i second = _mm256_loadu_si256((const __m256i_u *)(s + 32));

			_mm256_storeu_si256((__m256i_u *)d, first);
			_mm256_storeu_si256((__m256i_u *)(d + 32), second);
			ADD_WORDS_256(a, b, first);
			ADD_WORDS_256(c, e, second);
		}
		a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, e));
		/* Lanes are far below 2^63 each: 2^32 words would not fill one. */
		sum = (uint64_t)_mm256_extract_epi64(a, 0) + (uint64_t)_mm256_extract_epi64(a, 1) +
		      (uint64_t)_mm256_extract_epi64(a, 2) + (uint64_t)_mm256_extract_epi64(a, 3);
	}
	return copy_words(d, s, bytes, sum);
}

/* What no sum of a copy that long overflows: 2^15 words, each below 2^15 either way. */
#define AVX512_BYTES_MAX 65536u
#define AVX512		 "avx512f,avx512bw,avx512vnni,bmi2"

/*
 * The processor multiplies words with signs and adds them up. Without its highest bit turned over a word is 8000h too large for that,
 * which is made good at the end, also of the zeros that fill the last chunk.
 */
__attribute__((target(AVX512))) static inline __m512i add_words_512(__m512i sum, __m512i chunk)
{
	return _mm512_dpwssd_epi32(sum, _mm512_xor_si512(chunk, _mm512_set1_epi16(-0x8000)),
				   _mm512_set1_epi16(1));
}

__attribute__((target(AVX512))) static uint32_t avx512_internet(void *to, const void *from,
								size_t bytes)
{
	const uint8_t *s = from;
	uint8_t *d = to;

	if (CARD_UNLIKELY(bytes > AVX512_BYTES_MAX))
		return avx2_internet(to, from, bytes);
	__m512i sums[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
			    _mm512_setzero_si512() };
	uint64_t words = (bytes + 63) / 64 * 32;

	for (; bytes >= 256; bytes -= 256, s += 256, d += 256) {
		__m512i first = _mm512_loadu_si512(s), second = _mm512_loadu_si512(s + 64);
		__m512i third = _mm512_loadu_si512(s + 128), fourth = _mm512_loadu_si512(s + 192);

		_mm512_storeu_si512(d, first);
		_mm512_storeu_si512(d + 64, second);
		_mm512_storeu_si512(d + 128, third);
		_mm512_storeu_si512(d + 192, fourth);
		sums[0] = add_words_512(sums[0], first);
		sums[1] = add_words_512(sums[1], second);
		sums[2] = add_words_512(sums[2], third);
		sums[3] = add_words_512(sums[3], fourth);
	}
	for (; bytes >= 64; bytes -= 64, s += 64, d += 64) {
		__m512i chunk = _mm512_loadu_si512(s);

		_mm512_storeu_si512(d, chunk);
		sums[0] = add_words_512(sums[0], chunk);
	}
	if (bytes) {
		__mmask64 there = _bzhi_u64(UINT64_MAX, (uint32_t)bytes);
		__m512i chunk = _mm512_maskz_loadu_epi8(there, s);

		_mm512_mask_storeu_epi8(d, there, chunk);
		sums[1] = add_words_512(sums[1], chunk);
	}
	sums[0] = _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]),
				   _mm512_add_epi32(sums[2], sums[3]));
	return weir_sum_from_native(words * 0x8000u +
				    (uint64_t)(int64_t)_mm512_reduce_add_epi32(sums[0]));
}

__attribute__((target("sse4.2"))) static uint32_t sse42_crc32c(void *to, const void *from,
							       size_t bytes)
{
	const uint8_t *s = from;
	uint8_t *d = to;
	uint64_t crc = 0;

	for (; bytes >= 8; bytes -= 8, s += 8, d += 8) {
		uint64_t word = *(const card_u64 *)s;

		*(card_u64 *)d = word;
		crc = _mm_crc32_u64(crc, word);
	}
	for (; bytes; bytes--) {
		uint8_t byte = *s++;

		*d++ = byte;
		crc = _mm_crc32_u8((uint32_t)crc, byte);
	}
	return (uint32_t)crc;
}

#endif

void sim_sums_choose(struct card_sums *sums)
{
	*sums = sim_sums_portable;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		sums->copy_internet = avx2_internet;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni") &&
	    __builtin_cpu_supports("bmi2"))
		sums->copy_internet = avx512_internet;
	if (__builtin_cpu_supports("sse4.2"))
		sums->copy_crc32c = sse42_crc32c;
#endif
}
