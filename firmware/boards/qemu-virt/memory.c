/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a compiler may call for copies and comparisons, C11 7.24, there being no library. The build keeps it from seeing loops in
 * here as such calls. Eight bytes at a time where both sides are aligned alike.
 */
#include "weir_internal.h"

void *memmove(void *to, const void *from, size_t bytes);

#define WORD sizeof(uint64_t)

typedef uint64_t __attribute__((may_alias)) word;

static bool aligned_alike(const void *a, const void *b)
{
	return !(((uintptr_t)a ^ (uintptr_t)b) % WORD);
}

void *memcpy(void *to, const void *from, size_t bytes)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (aligned_alike(d, s)) {
		for (; bytes && (uintptr_t)d % WORD; bytes--)
			*d++ = *s++;
		for (; bytes >= 4 * WORD; bytes -= 4 * WORD, d += 4 * WORD, s += 4 * WORD) {
			word a = ((const word *)s)[0], b = ((const word *)s)[1];
			word c = ((const word *)s)[2], e = ((const word *)s)[3];

			((word *)d)[0] = a;
			((word *)d)[1] = b;
			((word *)d)[2] = c;
			((word *)d)[3] = e;
		}
		for (; bytes >= WORD; bytes -= WORD, d += WORD, s += WORD)
			*(word *)d = *(const word *)s;
	}
	while (bytes--)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= bytes)
		return memcpy(to, from, bytes);
	while (bytes--)
		d[bytes] = s[bytes];
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	uint8_t *d = to;
	word pattern = (uint8_t)value * 0x0101010101010101ul;

	for (; bytes && (uintptr_t)d % WORD; bytes--)
		*d++ = (uint8_t)value;
	for (; bytes >= WORD; bytes -= WORD, d += WORD)
		*(word *)d = pattern;
	while (bytes--)
		*d++ = (uint8_t)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *p = a, *q = b;

	for (; bytes; bytes--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}
