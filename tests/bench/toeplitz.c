/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-toeplitz: nanoseconds a tuple, in bulk, of every way to hash that this CPU has. Bulk is what a burst gives: 32 tuples of one key.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "datapath/toeplitz.h"
#include "toeplitz.h"

#define TUPLES	32u
#define ROUNDS	20000u
#define SAMPLES 25u

typedef void hash_function(const uint8_t *key, const struct hal_tuple *tuples, uint32_t bytes,
			   uint32_t count, uint32_t *hashes);

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The median of samples: others run here, too. */
static double measure(hash_function *hash, uint32_t bytes)
{
	static struct hal_tuple tuples[TUPLES];
	static uint8_t key[HAL_HASH_KEY_BYTES];
	uint32_t hashes[TUPLES];
	double samples[SAMPLES];

	for (size_t i = 0; i < sizeof(tuples); i++)
		((uint8_t *)tuples)[i] = (uint8_t)random();
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)random();
	for (uint32_t sample = 0; sample < SAMPLES; sample++) {
		double begin = now_ns();

		for (uint32_t i = 0; i < ROUNDS; i++) {
			hash(key, tuples, bytes, TUPLES, hashes);
			/* So that no round can be left out. */
			tuples[0].bytes[0] ^= (uint8_t)hashes[i % TUPLES];
		}
		samples[sample] = (now_ns() - begin) / ((double)ROUNDS * TUPLES);
	}
	qsort(samples, SAMPLES, sizeof(samples[0]), compare);
	return samples[SAMPLES / 2];
}

static void show(const char *name, hash_function *hash)
{
	printf("%-10s IPv4 with ports %6.2f ns   IPv6 with ports %6.2f ns\n", name,
	       measure(hash, 16), measure(hash, 40));
}

int main(void)
{
	for (const struct sim_toeplitz_kernel *kernel = sim_toeplitz_kernels; kernel->name; kernel++)
		if (kernel->usable())
			show(kernel->name, kernel->hash);
	show("portable", weir_toeplitz);
	return 0;
}
