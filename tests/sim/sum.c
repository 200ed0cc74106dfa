/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums taken while the hardware copies, and put into frames that leave (hal.h, struct hal_sum and struct hal_insert). */
#include "bench.h"
#include "packets.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define LONGEST 1700u

static struct bench *mapped_bench(void)
{
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	WEIR_REQUIRE_EQ(weirsim_dma_map(bench->sim, 0, 0, bench->memory, BENCH_MEMORY_BYTES, 3), 0);
	return bench;
}

/* RFC 1071, section 3: 0001 f203 f4f5 f6f7 sum up to ddf2. */
static void the_example_of_rfc_1071_sums_to_ddf2(void)
{
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t copy[sizeof(example)];

	WEIR_EXPECT_EQ(weir_sum_of(example, 8), 0xddf2);
	WEIR_EXPECT_EQ(weir_sum_field(0xddf2), 0x220d);
	WEIR_EXPECT_EQ(sim_sums_portable.copy_internet(copy, example, 8), 0xddf2);
	/* ... and byte swapped, which is what a piece at an odd place sums to. */
	WEIR_EXPECT_EQ(weir_sum_swap(weir_sum_of(example, 8)), 0xf2dd);
}

/* RFC 1624, section 4: a header that sums to fffe with a field changed; section 3's warning is about the two zeros. */
static void a_sum_of_ffff_gives_the_field_ffff_not_zero(void)
{
	static const uint8_t all[] = { 0xff, 0xff, 0xff, 0xff }, none[4];

	WEIR_EXPECT_EQ(weir_sum_of(all, 4), 0xffff);
	WEIR_EXPECT_EQ(weir_sum_of(none, 4), 0);
	WEIR_EXPECT_EQ(weir_sum_field(0xffff), 0xffff);
	WEIR_EXPECT_EQ(weir_sum_field(0), 0xffff);
	/* HC = DD2F, a field goes from 5555 to 3285: HC' is 0000 by the rule of RFC 1624, and the same by a new sum. */
	WEIR_EXPECT_EQ(weir_sum_add(weir_sum_add(0xffff & ~0xdd2fu, 0xffff & ~0x5555u), 0x3285),
		       0xffff);
}

/* RFC 3720, B.4, and the check value that every catalogue of CRCs gives. */
static void crc32c_gives_the_values_of_rfc_3720(void)
{
	static const struct {
		uint8_t first;
		int8_t step;
		uint32_t crc;
	} known[] = { { 0, 0, 0x8a9136aa },
		      { 0xff, 0, 0x62a8ab43 },
		      { 0, 1, 0x46dd794e },
		      { 31, -1, 0x113fdb5c } };
	uint8_t bytes[32], copy[32];

	for (size_t i = 0; i < WEIR_TESTS(known); i++) {
		for (int n = 0; n < 32; n++)
			bytes[n] = (uint8_t)(known[i].first + n * known[i].step);
		WEIR_EXPECT_EQ(weir_crc32c_field(weir_crc32c(0, bytes, 32), 32), known[i].crc);
		WEIR_EXPECT_EQ(weir_crc32c_field(sim_sums_portable.copy_crc32c(copy, bytes, 32), 32),
			       known[i].crc);
	}
	WEIR_EXPECT_EQ(weir_crc32c_field(weir_crc32c(0, "123456789", 9), 9), 0xe3069283);
}

/* Every length and alignment: what was chosen for this processor, what is for every one, and the definitions. */
static void all_copies_give_the_same_bits(void)
{
	static uint8_t from[LONGEST + 64], first[LONGEST + 64], second[LONGEST + 64];
	struct card_sums chosen;

	sim_sums_choose(&chosen);
	for (uint32_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(rand() >> 7);
	/* Long runs of ones are where carries get lost. */
	memset(from + 300, 0xff, 700);
	/* Longer than what the widest of them takes at a time. */
	static uint8_t long_from[70001], long_to[sizeof(long_from)];

	memset(long_from, 0xff, sizeof(long_from) / 2);
	WEIR_EXPECT_EQ(chosen.copy_internet(long_to, long_from, 65536),
		       packet_sum(long_from, 65536, 0));
	WEIR_EXPECT_EQ(chosen.copy_internet(long_to, long_from, sizeof(long_from)),
		       packet_sum(long_from, sizeof(long_from), 0));
	WEIR_EXPECT_MEM(long_to, long_from, sizeof(long_from));
	for (uint32_t bytes = 0; bytes <= LONGEST; bytes += bytes < 300 ? 1 : 37) {
		const uint8_t *source = from + bytes % 33;
		uint8_t *to = first + bytes % 7;

		memset(first, 0x55, sizeof(first));
		memset(second, 0x55, sizeof(second));
		uint32_t sum = chosen.copy_internet(to, source, bytes);

		WEIR_EXPECT_EQ(sum, packet_sum(source, bytes, 0));
		WEIR_EXPECT_EQ(weir_sum_of(source, bytes), sum);
		if (bytes)
			WEIR_EXPECT_EQ(
				weir_sum_from_native(weir_sum_words_behind(source + 8, bytes, 0)),
				packet_sum(source + 8, bytes, 0));
		WEIR_EXPECT_EQ(sim_sums_portable.copy_internet(second + bytes % 7, source, bytes),
			       sum);
		WEIR_EXPECT_MEM(to, source, bytes);
		WEIR_EXPECT_MEM(first, second, sizeof(first));
		memset(first, 0x55, sizeof(first));
		uint32_t crc = chosen.copy_crc32c(to, source, bytes);

		WEIR_EXPECT_EQ(weir_crc32c_field(crc, bytes), packet_crc32c(source, bytes));
		WEIR_EXPECT_EQ(sim_sums_portable.copy_crc32c(second + bytes % 7, source, bytes),
			       crc);
		WEIR_EXPECT_MEM(first, second, sizeof(first));
	}
}

/* One sum of pieces of odd lengths, all in flight at once; copies and writes in turn. */
static void pieces_in_flight_together_make_one_sum(uint8_t kind)
{
	struct bench *bench = mapped_bench();
	static uint8_t device[LONGEST];

	for (uint32_t round = 0; round < 40; round++) {
		struct hal_sum sum = { 0, kind };
		uint32_t total = 1 + (uint32_t)rand() % LONGEST, at = 0, calls = 0;

		bench_fill(bench->memory, total, (uint8_t)round);
		memcpy(device, bench->memory, total);
		memset(bench->memory + 8192, 0, LONGEST);
		bench->firmware->completion_count = 0;
		while (at < total) {
			uint32_t bytes = 1 + (uint32_t)rand() % 400;
			const struct hal_requester pf = { .function = 0 };
			enum hal_result result;

			if (bytes > total - at)
				bytes = total - at;
			uint32_t place = kind == HAL_SUM_INTERNET ? at : total - at - bytes;

			do {
				if (calls & 1)
					result = hal_dma_write_sum(bench->hal, pf, 8192 + at,
								   device + at, bytes, &sum, place,
								   calls);
				else
					result = hal_dma_copy_sum(bench->hal, pf, 8192 + at, pf, at,
								  bytes, &sum, place, calls);
			} while (result == HAL_BUSY);
			WEIR_EXPECT_EQ(result, bench_is_deferred() ? HAL_PENDING : HAL_DONE);
			calls++;
			at += bytes;
		}
		/* Only a completion adds to it. */
		if (bench_is_deferred())
			WEIR_EXPECT_EQ(sum.value, 0);
		bench_poll(bench);
		WEIR_EXPECT_EQ(bench->firmware->completion_count, bench_is_deferred() ? calls : 0);
		if (kind == HAL_SUM_INTERNET)
			WEIR_EXPECT_EQ(sum.value, packet_sum(device, total, 0));
		else
			WEIR_EXPECT_EQ(weir_crc32c_field(sum.value, total),
				       packet_crc32c(device, total));
		WEIR_EXPECT_MEM(bench->memory + 8192, device, total);
	}
	bench_end(bench);
}

static void internet_sums_of_pieces_are_that_of_the_whole(void)
{
	pieces_in_flight_together_make_one_sum(HAL_SUM_INTERNET);
}

static void crcs_of_pieces_are_that_of_the_whole(void)
{
	pieces_in_flight_together_make_one_sum(HAL_SUM_CRC32C);
}

/* Mappings of a page each, so that a copy does not lie in one piece. */
static void a_copy_over_several_mappings_has_its_sum(void)
{
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	for (uint32_t page = 0; page < 16; page++)
		WEIR_REQUIRE_EQ(weirsim_dma_map(bench->sim, 0, page * 4096ull,
						bench->memory + (15 - page) * 4096, 4096, 3),
				0);
	for (uint8_t kind = 0; kind < 2; kind++) {
		static uint8_t whole[9001];
		struct hal_sum sum = { 0, kind };

		bench_fill(whole, sizeof(whole), kind);
		WEIR_EXPECT_EQ(bench_dma_write(bench, 0, 100, whole, sizeof(whole)), HAL_DONE);
		WEIR_EXPECT_EQ(bench_dma_copy_sum(bench, 32769, 100, sizeof(whole), &sum, 0),
			       HAL_DONE);
		WEIR_EXPECT_EQ(kind ? weir_crc32c_field(sum.value, sizeof(whole)) : sum.value,
			       kind ? packet_crc32c(whole, sizeof(whole))
				    : packet_sum(whole, sizeof(whole), 0));
		sum.value = 0;
		WEIR_EXPECT_EQ(bench_dma_write_sum(bench, 32767, whole, sizeof(whole), &sum, 0),
			       HAL_DONE);
		WEIR_EXPECT_EQ(kind ? weir_crc32c_field(sum.value, sizeof(whole)) : sum.value,
			       kind ? packet_crc32c(whole, sizeof(whole))
				    : packet_sum(whole, sizeof(whole), 0));
	}
	bench_end(bench);
}

static void a_copy_that_faults_adds_nothing(void)
{
	struct bench *bench = mapped_bench();
	struct hal_sum sum = { 0x1234, HAL_SUM_INTERNET };

	bench_fill(bench->memory, BENCH_MEMORY_BYTES, 3);
	WEIR_EXPECT_EQ(bench_dma_copy_sum(bench, 0, BENCH_MEMORY_BYTES - 10, 100, &sum, 0),
		       HAL_FAULT_SOURCE);
	WEIR_EXPECT_EQ(bench_dma_copy_sum(bench, BENCH_MEMORY_BYTES - 10, 0, 100, &sum, 0),
		       HAL_FAULT);
	WEIR_EXPECT_EQ(bench_dma_write_sum(bench, BENCH_MEMORY_BYTES, bench->memory, 10, &sum, 0),
		       HAL_FAULT);
	WEIR_EXPECT_EQ(sum.value, 0x1234);
	bench_end(bench);
}

/* A frame that leaves: header of device memory, the rest in pieces of odd lengths, through the wire and into the port again. */
static void frames_leave_with_their_checksum(void)
{
	struct bench *bench = mapped_bench();
	static uint8_t frame[65536], got[65536];

	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	bench_poll(bench);
	for (uint32_t round = 0; round < 200; round++) {
		uint8_t kind = round & 1;
		uint32_t header = 60 + (uint32_t)rand() % 68, bytes = header;
		struct hal_insert insert = { .start = (uint16_t)(rand() % 34), .kind = kind };
		struct hal_segment segments[5];

		bench_fill(frame, sizeof(frame), (uint8_t)round);
		insert.field = (uint16_t)(insert.start + (uint32_t)rand() % (header - 36));
		if (!kind)
			memset(frame + insert.field, round % 4 ? 0 : 0x5a, 2);
		for (uint32_t i = 0; i < 5; i++) {
			segments[i] = (struct hal_segment){
				.address = bytes,
				.bytes = 1 + (uint32_t)rand() % (round % 8 ? 300 : 3000)
			};
			bytes += segments[i].bytes;
		}
		memcpy(bench->memory, frame, bytes);
		WEIR_EXPECT_EQ(bench_transmit_insert(bench, 0, frame, header, segments,
						     round % 3 ? 5 : 0, &insert),
			       HAL_DONE);
		if (round % 3 == 0)
			bytes = header;
		WEIR_REQUIRE_EQ(bench_receive(bench, 0, got), bytes);
		/* Nothing but the field has changed, in the frame, and nothing at all in the header. */
		WEIR_EXPECT_MEM(frame, bench->memory, header);
		if (kind) {
			uint32_t field = got[insert.field] | (uint32_t)got[insert.field + 1] << 8 |
					 (uint32_t)got[insert.field + 2] << 16 |
					 (uint32_t)got[insert.field + 3] << 24;

			memset(frame + insert.field, 0, 4);
			WEIR_EXPECT_EQ(field,
				       packet_crc32c(frame + insert.start, bytes - insert.start));
			memset(got + insert.field, 0, 4);
		} else {
			uint32_t sum = packet_sum(frame + insert.start, bytes - insert.start, 0);

			WEIR_EXPECT_EQ((uint32_t)got[insert.field] << 8 | got[insert.field + 1],
				       sum == 0xffff ? 0xffff : ~sum & 0xffff);
			memcpy(got + insert.field, frame + insert.field, 2);
		}
		WEIR_EXPECT_MEM(got, frame, bytes);
	}
	bench_end(bench);
}

/* Short frames are padded behind their checksum: RFC 1071 would not notice, CRC32c would. */
static void padding_is_not_summed(void)
{
	struct bench *bench = mapped_bench();
	static uint8_t got[65536];
	uint8_t frame[40] = { 0 };
	struct hal_insert insert = { .start = 14, .field = 22, .kind = HAL_SUM_CRC32C };

	bench_fill(frame + 26, 14, 9);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench_transmit_insert(bench, 0, frame, 40, NULL, 0, &insert), HAL_DONE);
	WEIR_REQUIRE_EQ(bench_receive(bench, 0, got), 60);
	uint32_t crc = packet_crc32c(frame + 14, 26);

	for (int i = 0; i < 4; i++)
		WEIR_EXPECT_EQ(got[22 + i], crc >> 8 * i & 0xff);
	bench_end(bench);
}

#define TEST(name)                     \
	{                              \
		"sim.sum." #name, name \
	}
const struct weir_test sum_tests[] = {
	TEST(the_example_of_rfc_1071_sums_to_ddf2),
	TEST(a_sum_of_ffff_gives_the_field_ffff_not_zero),
	TEST(crc32c_gives_the_values_of_rfc_3720),
	TEST(all_copies_give_the_same_bits),
	TEST(internet_sums_of_pieces_are_that_of_the_whole),
	TEST(crcs_of_pieces_are_that_of_the_whole),
	TEST(a_copy_over_several_mappings_has_its_sum),
	TEST(a_copy_that_faults_adds_nothing),
	TEST(frames_leave_with_their_checksum),
	TEST(padding_is_not_summed),
};
const size_t sum_tests_count = WEIR_TESTS(sum_tests);
