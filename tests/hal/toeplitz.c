/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Toeplitz hashing in every way there is here: the firmware's portable code, and the model's kernels as far as this CPU has them. Known
 * answers: Microsoft, "Verifying the RSS Hash Calculation" (Windows network driver documentation); DPDK's rte_softrss().
 */
#include <stdlib.h>
#include <string.h>

#include <rte_thash.h>

#include "datapath/toeplitz.h"
#include "toeplitz.h"
#include "weir_cunit.h"

#define TUPLES 64u

static const uint8_t microsoft_key[HAL_HASH_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Input: source address, destination address, source port, destination port; hashes without and with the ports. */
static const struct {
	uint8_t input[36];
	uint32_t address_bytes;
	uint32_t addresses, all;
} published[] = {
	{ { 66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6 }, 8, 0x323e8fc2, 0x51ccc178 },
	{ { 199, 92, 111, 2, 65, 69, 140, 83, 0x37, 0x96, 0x12, 0x83 }, 8, 0xd718262a, 0xc626b0ea },
	{ { 24, 19, 198, 95, 12, 22, 207, 184, 0x32, 0x62, 0x94, 0x88 }, 8, 0xd2d0a5de, 0x5c2b394a },
	{ { 38, 27, 205, 30, 209, 142, 163, 6, 0xbc, 0x64, 0x08, 0xa9 }, 8, 0x82989176, 0xafc7327f },
	{ { 153, 39, 163, 191, 202, 188, 127, 2, 0xac, 0xdb, 0x05, 0x17 },
	  8,
	  0x5d1809c5,
	  0x10e828a2 },
	{ { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0,	  0,	0,    0,
	    0,	  0,	0,    7,    0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03,
	    0,	  0,	0,    0,    0,	  0,	0,    1,    0x0a, 0xea, 0x06, 0xe6 },
	  32,
	  0x2cc18cd5,
	  0x40207d3d },
	{ { 0x3f, 0xfe, 0x05, 0x01, 0,	  8,	0, 0, 0x02, 0x60, 0x97, 0xff,
	    0xfe, 0x40, 0xef, 0xab, 0xff, 0x02, 0, 0, 0,    0,	  0,	0,
	    0,	  0,	0,    0,    0,	  0,	0, 1, 0x37, 0x96, 0x12, 0x83 },
	  32,
	  0x0f0c461c,
	  0xdde51bbf },
	{ { 0x3f, 0xfe, 0x19, 0x00, 0x45, 0x45, 0x00, 0x03, 0x02, 0x00, 0xf8, 0xff,
	    0xfe, 0x21, 0x67, 0xcf, 0xfe, 0x80, 0,    0,    0,	  0,	0,    0,
	    0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf, 0xac, 0xdb, 0x94, 0x88 },
	  32,
	  0x4b61e985,
	  0x02d1feef },
};

/* What a test is about: one way to hash after the other. */
typedef void hash_function(const uint8_t *key, const struct hal_tuple *tuples, uint32_t bytes,
			   uint32_t count, uint32_t *hashes);

static void with_each(void (*check)(hash_function *hash))
{
	check(weir_toeplitz);
	for (const struct sim_toeplitz_kernel *kernel = sim_toeplitz_kernels; kernel->name; kernel++)
		if (kernel->usable())
			check(kernel->hash);
}

static uint32_t one(hash_function *hash, const uint8_t *key, const uint8_t *input, uint32_t bytes)
{
	struct hal_tuple tuple = { { 0 } };
	uint32_t result = 0;

	memcpy(tuple.bytes, input, bytes);
	hash(key, &tuple, (bytes + 7) & ~7u, 1, &result);
	return result;
}

static void check_published(hash_function *hash)
{
	for (size_t i = 0; i < WEIR_TESTS(published); i++) {
		uint32_t bytes = published[i].address_bytes;

		WEIR_EXPECT_EQ(one(hash, microsoft_key, published[i].input, bytes),
			       published[i].addresses);
		WEIR_EXPECT_EQ(one(hash, microsoft_key, published[i].input, bytes + 4),
			       published[i].all);
		/* Zeros behind an input add nothing. */
		WEIR_EXPECT_EQ(one(hash, microsoft_key, published[i].input, bytes == 8 ? 12 : 36),
			       published[i].all);
	}
}

static void microsofts_published_hashes_come_out(void)
{
	with_each(check_published);
}

/* ---- keys and tuples of chance ---- */

static struct hal_tuple tuples[TUPLES];
static uint8_t key[HAL_HASH_KEY_BYTES];

static void fill(void *to, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = (uint8_t)(random() >> 7);
}

static uint32_t softrss(const struct hal_tuple *tuple, uint32_t words)
{
	/* It reads a word of key behind the one of the last word of input. */
	uint8_t padded[HAL_HASH_KEY_BYTES + 4] = { 0 };
	uint32_t input[HAL_TUPLE_BYTES / 4];

	memcpy(padded, key, sizeof(key));
	memcpy(input, tuple->bytes, sizeof(input));
	for (uint32_t i = 0; i < words; i++)
		input[i] = rte_be_to_cpu_32(input[i]);
	return rte_softrss(input, words, padded);
}

static void check_random(hash_function *hash)
{
	static const uint32_t lengths[] = { 8, 12, 16, 24, 32, 36, 40 };
	uint32_t hashes[TUPLES + 1];

	srandom(20261121);
	for (uint32_t turn = 0; turn < 400; turn++) {
		uint32_t bytes = lengths[turn % WEIR_TESTS(lengths)], count = turn % (TUPLES + 1);

		fill(key, sizeof(key));
		fill(tuples, sizeof(tuples));
		for (uint32_t i = 0; i < TUPLES; i++)
			memset(tuples[i].bytes + bytes, 0, HAL_TUPLE_BYTES - bytes);
		memset(hashes, 0x5a, sizeof(hashes));
		hash(key, tuples, (bytes + 7) & ~7u, count, hashes);
		for (uint32_t i = 0; i < count; i++)
			WEIR_EXPECT_EQ(hashes[i], softrss(&tuples[i], bytes / 4));
		/* And not one more. */
		WEIR_EXPECT_EQ(hashes[count], 0x5a5a5a5a);
	}
}

static void every_way_agrees_with_dpdk_on_any_key_and_tuple(void)
{
	with_each(check_random);
}

/* ASan sees a read of one byte more than there is. */
static void check_bounds(hash_function *hash)
{
	for (uint32_t count = 1; count <= 9; count++) {
		struct hal_tuple *exact = malloc(count * sizeof(*exact));
		uint8_t *exact_key = malloc(HAL_HASH_KEY_BYTES);
		uint32_t *hashes = malloc(count * sizeof(*hashes));

		WEIR_REQUIRE(exact && exact_key && hashes);
		memset(exact, 0xff, count * sizeof(*exact));
		memset(exact_key, 0, HAL_HASH_KEY_BYTES);
		hash(exact_key, exact, HAL_TUPLE_BYTES, count, hashes);
		for (uint32_t i = 0; i < count; i++)
			WEIR_EXPECT_EQ(hashes[i], 0);
		free(exact);
		free(exact_key);
		free(hashes);
	}
}

static void nothing_is_read_behind_key_and_tuples(void)
{
	with_each(check_bounds);
}

static void this_cpu_has_a_kernel(void)
{
#if defined(__x86_64__)
	const struct sim_toeplitz_kernel *kernel = sim_toeplitz_kernels;

	while (kernel->name && !kernel->usable())
		kernel++;
	if (!kernel->name)
		weir_cunit_skip("this CPU has no PCLMULQDQ");
	WEIR_EXPECT(kernel->hash != NULL);
#else
	weir_cunit_skip("kernels are for x86-64");
#endif
}

static const struct weir_test tests[] = {
	{ "hal.toeplitz.microsofts_published_hashes_come_out",
	  microsofts_published_hashes_come_out },
	{ "hal.toeplitz.every_way_agrees_with_dpdk_on_any_key_and_tuple",
	  every_way_agrees_with_dpdk_on_any_key_and_tuple },
	{ "hal.toeplitz.nothing_is_read_behind_key_and_tuples",
	  nothing_is_read_behind_key_and_tuples },
	{ "hal.toeplitz.this_cpu_has_a_kernel", this_cpu_has_a_kernel },
};

int main(int argc, char **argv)
{
	return weir_cunit_main(argc, argv, "hal_toeplitz", tests, WEIR_TESTS(tests));
}
