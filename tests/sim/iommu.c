/* SPDX-License-Identifier: BSD-3-Clause */
/* The translation agent: mappings, permissions, faults, and unmapping as invalidation. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct weirsim_iommu_stats stats_of(struct bench *bench)
{
	struct weirsim_iommu_stats stats;

	weirsim_iommu_stats(bench->sim, &stats);
	return stats;
}

static void dma_reaches_what_is_mapped(void)
{
	struct bench *bench = bench_new();
	static const uint32_t sizes[] = { 0,  1,   2,	3,   4,	  5,	7,    8,    9,
					  15, 16,  17,	31,  32,  33,	48,   63,   64,
					  65, 100, 127, 128, 129, 1518, 9018, 32000 };
	uint8_t *from = malloc(32768), *to = malloc(32768);

	WEIR_REQUIRE(from && to);
	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0x7000000000, bench->memory,
				       BENCH_MEMORY_BYTES, 3),
		       0);
	for (size_t i = 0; i < WEIR_TESTS(sizes); i++) {
		for (uint32_t shift = 0; shift < 20; shift += 3) {
			uint32_t bytes = sizes[i];

			bench_fill(from, bytes, (uint8_t)(i + shift));
			memset(bench->memory, 0xcc, BENCH_MEMORY_BYTES);
			memset(to, 0xdd, 32768);
			WEIR_EXPECT_EQ(bench_dma_write(bench, 0, 0x7000000040 + shift, from, bytes),
				       HAL_DONE);
			WEIR_EXPECT_MEM(bench->memory + 0x40 + shift, from, bytes);
			WEIR_EXPECT(bench->memory[0x3f + shift] == 0xcc &&
				    bench->memory[0x40 + shift + bytes] == 0xcc);
			WEIR_EXPECT_EQ(bench_dma_read(bench, 0, 0x7000000040 + shift, to + shift,
						      bytes),
				       HAL_DONE);
			WEIR_EXPECT_MEM(to + shift, from, bytes);
			WEIR_EXPECT_EQ(to[shift + bytes], 0xdd);
			WEIR_EXPECT_EQ(bench_dma_copy(bench, 0, 0x7000008000, 0,
						      0x7000000040 + shift, bytes),
				       HAL_DONE);
			WEIR_EXPECT_MEM(bench->memory + 0x8000, from, bytes);
			WEIR_EXPECT_EQ(bench->memory[0x8000 + bytes], 0xcc);
		}
	}
	free(from);
	free(to);
	bench_end(bench);
}

static void entries_are_written_whole(void)
{
	struct bench *bench = bench_new();
	uint8_t from[32 * 8];

	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0x10000, bench->memory, 4096, 2), 0);
	/* In two mappings, the border within the third entry */
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0x11000, bench->memory + 8192, 4096, 2), 0);
	for (uint32_t entry = 16; entry <= 32; entry += 16) {
		bench_fill(from, sizeof(from), (uint8_t)entry);
		WEIR_EXPECT_EQ(bench_dma_entries(bench, 0, 0x10100, from, entry, 8), HAL_DONE);
		WEIR_EXPECT_MEM(bench->memory + 0x100, from, entry * 8);
		WEIR_EXPECT_EQ(bench_dma_entries(bench, 0, 0x11000 - 40, from, entry, 8), HAL_DONE);
		WEIR_EXPECT_MEM(bench->memory + 4096 - 40, from, 40);
		WEIR_EXPECT_MEM(bench->memory + 8192, from + 40, entry * 8 - 40);
	}
	/* Nothing at all when the last does not fit. */
	memset(bench->memory + 8192, 0, 4096);
	WEIR_EXPECT_EQ(bench_dma_entries(bench, 0, 0x12000 - 16 * 7, from, 16, 8), HAL_FAULT);
	for (uint32_t i = 0; i < 4096; i++)
		WEIR_EXPECT_EQ(bench->memory[8192 + i], 0);
	bench_end(bench);
}

static void permissions_and_domains_are_kept(void)
{
	struct bench *bench = bench_new();
	uint32_t word = 0x600d;

	bench_enable_vfs(bench, 2);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 1, 0x10000, bench->memory, 4096, WEIRSIM_READ),
		       0);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 1, 0x20000, bench->memory + 4096, 4096,
				       WEIRSIM_WRITE),
		       0);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 2, 0x30000, bench->memory + 8192, 4096, 3), 0);
	for (int round = 0; round < 2; round++) { /* the second with translations held ready */
		WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0x10000, &word, 4), HAL_DONE);
		WEIR_EXPECT_EQ(bench_dma_write(bench, 1, 0x10000, &word, 4), HAL_FAULT);
		WEIR_EXPECT_EQ(bench_dma_write(bench, 1, 0x20000, &word, 4), HAL_DONE);
		WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0x20000, &word, 4), HAL_FAULT);
		WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0x30000, &word, 4), HAL_FAULT);
		WEIR_EXPECT_EQ(bench_dma_write(bench, 2, 0x30000, &word, 4), HAL_DONE);
		WEIR_EXPECT_EQ(bench_dma_read(bench, 2, 0x10000, &word, 4), HAL_FAULT);
		/* Across the end, just behind it, and round the end of the address space */
		WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0x10ffe, &word, 4), HAL_FAULT);
		WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0x11000, &word, 1), HAL_FAULT);
		WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0xffff, &word, 4), HAL_FAULT);
		WEIR_EXPECT_EQ(bench_dma_read(bench, 1, UINT64_MAX - 1, &word, 4), HAL_FAULT);
		/* Between functions each side has its own rights. */
		WEIR_EXPECT_EQ(bench_dma_copy(bench, 2, 0x30000, 1, 0x10000, 64), HAL_DONE);
		WEIR_EXPECT_EQ(bench_dma_copy(bench, 2, 0x30000, 1, 0x20000, 64), HAL_FAULT_SOURCE);
		WEIR_EXPECT_EQ(bench_dma_copy(bench, 1, 0x10000, 2, 0x30000, 64), HAL_FAULT);
	}
	bench_end(bench);
}

static void addresses_of_another_kind_are_refused(void)
{
	struct bench *bench = bench_new();
	struct weirsim_fault faults[4];
	uint32_t word;

	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0, bench->memory, 4096, 3), 0);
	WEIR_EXPECT_EQ(bench_dma_read(bench, 0, 0, &word, 4), HAL_DONE);
	for (uint16_t flags = HAL_TRANSLATED; flags <= HAL_PASID; flags++) {
		struct hal_requester requester = { .function = 0, .flags = flags };
		enum hal_result result;

		do {
			result = hal_dma_read(bench->hal, requester, 0, &word, 4, flags);
		} while (result == HAL_BUSY);
		WEIR_EXPECT_EQ(bench_finish(bench, result, flags), HAL_FAULT);
	}
	WEIR_EXPECT_EQ(weirsim_iommu_faults(bench->sim, faults, 4), 2);
	WEIR_EXPECT_EQ(faults[0].reason, WEIRSIM_FAULT_TRANSLATED);
	WEIR_EXPECT_EQ(faults[1].reason, WEIRSIM_FAULT_PASID);
	bench_end(bench);
}

static void faults_are_recorded_and_their_log_is_limited(void)
{
	struct bench *bench = bench_new();
	struct weirsim_fault faults[100];
	uint32_t lines, word = 0;

	bench_enable_vfs(bench, 3);
	lines = bench->log_lines;
	for (uint32_t i = 0; i < 500; i++) {
		WEIR_EXPECT_EQ(bench_dma_write(bench, 3, 0xdead0000 + i * 16, &word, 4), HAL_FAULT);
		weirsim_advance_ns(bench->sim, 1000);
	}
	WEIR_EXPECT_EQ(bench->log_lines - lines, 10);
	WEIR_EXPECT_EQ(stats_of(bench).faults, 500);
	WEIR_EXPECT_EQ(stats_of(bench).last_fault_address, 0xdead0000 + 499 * 16);
	WEIR_EXPECT_EQ(stats_of(bench).last_fault_function, 3);
	/* The ring holds the last ones, and is emptied by reading. */
	WEIR_REQUIRE_EQ(weirsim_iommu_faults(bench->sim, faults, 100), 64);
	WEIR_EXPECT_EQ(faults[0].address, 0xdead0000 + 436 * 16);
	WEIR_EXPECT_EQ(faults[63].address, 0xdead0000 + 499 * 16);
	WEIR_EXPECT(faults[63].write && faults[63].function == 3 && faults[63].bytes == 4 &&
		    faults[63].reason == WEIRSIM_FAULT_UNMAPPED && faults[63].time_ns == 499000);
	WEIR_EXPECT_EQ(weirsim_iommu_faults(bench->sim, faults, 100), 0);
	/* A write is posted; only a read's answer tells the function (Received Master Abort). */
	WEIR_EXPECT_EQ(bench_config(bench, 3, WEIR_CFG_STATUS, 2), 0x10);
	WEIR_EXPECT_EQ(bench_dma_read(bench, 3, 0xdead0000, &word, 4), HAL_FAULT);
	WEIR_EXPECT_EQ(bench_config(bench, 3, WEIR_CFG_STATUS, 2), 0x2010);
	bench_configure(bench, 3, WEIR_CFG_STATUS, 0x2000, 2);
	WEIR_EXPECT_EQ(bench_config(bench, 3, WEIR_CFG_STATUS, 2), 0x10);
	/* A second later there are lines again, and the count of those that were not written. */
	weirsim_advance_ns(bench->sim, 1000000000);
	lines = bench->log_lines;
	WEIR_EXPECT_EQ(bench_dma_write(bench, 3, 1, &word, 4), HAL_FAULT);
	WEIR_EXPECT_EQ(bench->log_lines - lines, 2);
	bench_end(bench);
}

static void impossible_mappings_are_refused(void)
{
	struct bench *bench = bench_new();
	struct weirsim *sim = bench->sim;
	uint8_t *m = bench->memory;

	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, m, 0, 3), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, NULL, 4096, 3), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, m, 4096, 0), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, m, 4096, 4), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, UINT64_MAX, m, 2, 3), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, m, UINT64_MAX, 3), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, BENCH_VFS + 1, 0x1000, m, 4096, 3), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x2000, m, 0x2000, 3), 0);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, m, 0x1001, 3), -EEXIST);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x3fff, m, 1, 3), -EEXIST);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x2800, m, 1, 3), -EEXIST);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, m, 0x8000, 3), -EEXIST);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x4000, m, 1, 3), 0);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, 0x1000, m, 0x1000, 3), 0);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 0, UINT64_MAX, m, 1, 3), 0);
	WEIR_EXPECT_EQ(weirsim_dma_map(sim, 1, 0x2000, m, 0x2000, 3), 0);
	WEIR_EXPECT_EQ(stats_of(bench).mappings, 5);
	/* A cut mapping, an empty range, one that wraps: nothing goes, nobody is told. */
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, 0, 0x2000, 0x1000, bench_done, bench), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, 0, 0x1000, 0x1001, bench_done, bench), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, 0, 0x2000, 0, bench_done, bench), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, 0, 0x2000, UINT64_MAX, bench_done, bench), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, UINT16_MAX, 0x2000, 1, bench_done, bench), -EINVAL);
	WEIR_EXPECT_EQ(bench->done_count, 0);
	WEIR_EXPECT_EQ(stats_of(bench).mappings, 5);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, 0, 0, 0x8000, bench_done, bench), 3);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, 0, 0, 0x8000, bench_done, bench), 0);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(sim, 5, 0, 0x8000, bench_done, bench), 0);
	WEIR_EXPECT_EQ(weirsim_dma_unmap_all(sim, 0, bench_done, bench), 1);
	WEIR_EXPECT_EQ(weirsim_dma_unmap_all(sim, 1, NULL, NULL), 1);
	WEIR_EXPECT_EQ(weirsim_dma_unmap_all(sim, BENCH_VFS + 1, NULL, NULL), -EINVAL);
	WEIR_EXPECT_EQ(bench->done_count, 4);
	WEIR_EXPECT_EQ(stats_of(bench).mappings, 0);
	WEIR_EXPECT_EQ(stats_of(bench).unmaps, 5);
	bench_end(bench);
}

/* Many mappings, in no order, against a plain array that knows the truth. */
static void many_mappings_are_found(void)
{
	enum { PAGES = 4096 };
	struct bench *bench = bench_new();
	static uint8_t truth[PAGES]; /* 0: not mapped, else the page of memory + 1 */
	uint64_t random = 12345;
	uint8_t byte;

	memset(truth, 0, sizeof(truth));
	bench_enable_pf(bench);
	for (uint32_t i = 0; i < 16; i++)
		memset(bench->memory + i * 4096, (int)i + 1, 4096);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t page;
		uint64_t iova;

		random = random * 6364136223846793005u + 1442695040888963407u;
		page = (uint32_t)(random >> 40) % PAGES;
		iova = 0x100000 + page * 4096ull;
		switch (random >> 60) {
		case 0 ... 5:
			WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, iova,
						       bench->memory + i % 16 * 4096, 4096, 3),
				       truth[page] ? -EEXIST : 0);
			if (!truth[page])
				truth[page] = (uint8_t)(i % 16 + 1);
			break;
		case 6 ... 8:
			WEIR_EXPECT_EQ(weirsim_dma_unmap(bench->sim, 0, iova, 4096, NULL, NULL),
				       truth[page] != 0);
			truth[page] = 0;
			break;
		default:
			WEIR_EXPECT_EQ(bench_dma_read(bench, 0, iova + i % 4096, &byte, 1),
				       truth[page] ? HAL_DONE : HAL_FAULT);
			if (truth[page])
				WEIR_EXPECT_EQ(byte, truth[page]);
			break;
		}
	}
	bench_end(bench);
}

static void there_is_a_limit_of_mappings(void)
{
	struct bench *bench = bench_new();
	uint64_t i;

	for (i = 0; i < 65536; i++) {
		if (weirsim_dma_map(bench->sim, 3, i * 8, bench->memory, 4, 1))
			break;
	}
	WEIR_EXPECT_EQ(i, 65536);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 3, i * 8, bench->memory, 4, 1), -ENOSPC);
	/* Not of the neighbour's */
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 4, i * 8, bench->memory, 4, 1), 0);
	WEIR_EXPECT_EQ(weirsim_dma_unmap_all(bench->sim, 3, bench_done, bench), 65536);
	WEIR_EXPECT_EQ(bench->done_count, 1);
	bench_end(bench);
}

static void unmapped_memory_is_not_touched_again(void)
{
	struct bench *bench = bench_new();
	uint32_t word = 1;

	bench_enable_pf(bench);
	for (int round = 0; round < 50; round++) {
		uint8_t *own = malloc(4096);

		WEIR_REQUIRE(own != NULL);
		memset(own, 0, 4096);
		WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0x5000, own, 4096, 3), 0);
		WEIR_EXPECT_EQ(bench_dma_write(bench, 0, 0x5800, &word, 4), HAL_DONE);
		WEIR_EXPECT_EQ(own[0x800], 1);
		bench->done_count = 0;
		WEIR_EXPECT_EQ(weirsim_dma_unmap(bench->sim, 0, 0x5000, 4096, bench_done, bench), 1);
		bench_poll(bench);
		WEIR_EXPECT_EQ(bench->done_count, 1);
		free(own); /* the sanitizer watches what follows */
		WEIR_EXPECT_EQ(bench_dma_write(bench, 0, 0x5800, &word, 4), HAL_FAULT);
	}
	bench_end(bench);
}

static void ats_makes_unmapping_wait_for_the_firmware(void)
{
	struct bench *bench = bench_new();
	const struct hal_event *event;

	bench_enable_vfs(bench, 1);
	bench_configure(bench, 1, WEIR_CFG_ATS_CONTROL, 0x8000, 2);
	bench_poll(bench);
	event = fake_event(bench->firmware, HAL_EVENT_ATS_CONTROL, 1, 0);
	WEIR_EXPECT(event && event->value == 1);
	bench->firmware->hold_invalidations = true;
	for (uint64_t i = 0; i < 40; i++) {
		WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 1, i * 4096, bench->memory, 4096, 3), 0);
		WEIR_EXPECT_EQ(weirsim_dma_unmap(bench->sim, 1, i * 4096, 4096, bench_done, bench),
			       1);
	}
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench->done_count, 0);
	/* No more than the invalidate queue depth at once (PCIe 5.0, 10.5.1.2) */
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_ATS_INVALIDATE, 1), 32);
	event = fake_event(bench->firmware, HAL_EVENT_ATS_INVALIDATE, 1, 7);
	WEIR_EXPECT(event->address == 7 * 4096 && event->bytes == 4096);
	/* In any order, and an unknown or repeated answer is none. */
	for (uint32_t i = 32; i-- > 0;)
		hal_ats_invalidate_done(
			bench->hal, 1,
			fake_event(bench->firmware, HAL_EVENT_ATS_INVALIDATE, 1, i)->value);
	hal_ats_invalidate_done(bench->hal, 1, event->value);
	hal_ats_invalidate_done(bench->hal, 1, 999999);
	hal_ats_invalidate_done(bench->hal, 7, 1);
	WEIR_EXPECT_EQ(bench->done_count, 32);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_ATS_INVALIDATE, 1), 40);
	/* A reset takes the function's translations: it need not answer any more. */
	weirsim_function_reset(bench->sim, 1);
	WEIR_EXPECT_EQ(bench->done_count, 40);
	WEIR_EXPECT_EQ(bench_config(bench, 1, WEIR_CFG_ATS_CONTROL, 2), 0);
	hal_ats_invalidate_done(
		bench->hal, 1, fake_event(bench->firmware, HAL_EVENT_ATS_INVALIDATE, 1, 39)->value);
	WEIR_EXPECT_EQ(bench->done_count, 40);
	/* ATS off: no question. */
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 1, 0, bench->memory, 4096, 3), 0);
	WEIR_EXPECT_EQ(weirsim_dma_unmap(bench->sim, 1, 0, 4096, bench_done, bench), 1);
	WEIR_EXPECT_EQ(bench->done_count, 41);
	bench_end(bench);
}

static void a_card_that_ends_forgets_what_is_open(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 1);
	bench_configure(bench, 1, WEIR_CFG_ATS_CONTROL, 0x8000, 2);
	bench_poll(bench);
	bench->firmware->hold_invalidations = true;
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 1, 0, bench->memory, 4096, 3), 0);
	WEIR_EXPECT_EQ(weirsim_dma_unmap_all(bench->sim, 1, bench_done, bench), 1);
	weirsim_destroy(bench->sim);
	WEIR_EXPECT_EQ(bench->done_count, 0);
	free(bench->memory);
	free(bench);
}

/* ---- the host's own IOMMU ---- */

static uint8_t host_memory[8192];
static uint64_t host_base;

static int host_dma(void *opaque, uint16_t function, uint64_t address, void *buffer, size_t bytes,
		    bool write)
{
	(void)opaque;
	if (function != 1 || address < host_base ||
	    address + bytes > host_base + sizeof(host_memory))
		return -EFAULT;
	if (write)
		memcpy(host_memory + (address - host_base), buffer, bytes);
	else
		memcpy(buffer, host_memory + (address - host_base), bytes);
	return 1;
}

static void dma_goes_through_the_host_when_it_wants_so(void)
{
	struct weirsim_host_ops ops = { .dma = host_dma };
	struct bench *bench = bench_new_with((struct weirsim_config){ .total_vfs = 2,
								      .ports = 1,
								      .virtual_time = true,
								      .external_pci = true,
								      .seed = 3,
								      .host = &ops });
	struct hal_segment segment = { .address = 0x8000 + 100,
				       .bytes = 200,
				       .requester = { .function = 1 } };
	uint8_t data[256], got[65536];
	const struct hal_event *event;
	struct weirsim_fault fault;

	host_base = 0x8000;
	weirsim_signal_vf_enable(bench->sim, 2);
	bench_poll(bench);
	weirsim_signal_bus_master(bench->sim, 1, true);
	weirsim_signal_bus_master(bench->sim, 2, true);
	bench_poll(bench);
	hal_trace_enable(bench->hal, true);
	bench_fill(data, sizeof(data), 9);
	WEIR_EXPECT_EQ(bench_dma_write(bench, 1, 0x8064, data, sizeof(data)), HAL_DONE);
	WEIR_EXPECT_MEM(host_memory + 100, data, sizeof(data));
	WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0x8064, got, sizeof(data)), HAL_DONE);
	WEIR_EXPECT_MEM(got, data, sizeof(data));
	WEIR_EXPECT_EQ(bench_dma_copy(bench, 1, 0x9000, 1, 0x8064, sizeof(data)), HAL_DONE);
	WEIR_EXPECT_MEM(host_memory + 0x1000, data, sizeof(data));
	WEIR_EXPECT_EQ(bench_dma_entries(bench, 1, 0x9800, data, 32, 8), HAL_DONE);
	WEIR_EXPECT_MEM(host_memory + 0x1800, data, sizeof(data));
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	WEIR_EXPECT_EQ(bench_transmit(bench, 0, data, 14, &segment, 1), HAL_DONE);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, got), 214);
	WEIR_EXPECT_MEM(got + 14, data, 200);
	bench_poll(bench);
	/* That the host's IOMMU has a mapping is seen once, at the first transfer it lets through. */
	event = fake_event(bench->firmware, HAL_EVENT_TRACE, 1, 0);
	WEIR_REQUIRE(event != NULL);
	WEIR_EXPECT(event->trace.kind == WEIR_TRACE_KIND_IOMMU_MAPPED &&
		    event->trace.address == 0x8064);
	/* The host said how it translated: 1, identity. */
	event = fake_event(bench->firmware, HAL_EVENT_TRACE, 1, 1);
	WEIR_REQUIRE(event != NULL);
	WEIR_EXPECT(event->trace.kind == WEIR_TRACE_KIND_TRANSLATED && event->trace.detail == 1 &&
		    event->trace.address == 0x8064 && event->trace.length == 256);
	WEIR_EXPECT_EQ(bench_dma_read(bench, 1, 0x7fff, got, 2), HAL_FAULT);
	WEIR_EXPECT_EQ(bench_dma_read(bench, 2, 0x8000, got, 2), HAL_FAULT);
	WEIR_EXPECT_EQ(weirsim_iommu_faults(bench->sim, &fault, 1), 1);
	WEIR_EXPECT_EQ(fault.reason, WEIRSIM_FAULT_HOST);
	bench_end(bench);
}

static void translations_are_traced(void)
{
	struct bench *bench = bench_new();
	uint32_t word = 0;

	bench_enable_pf(bench);
	fake_forget(bench->firmware);
	hal_trace_enable(bench->hal, true);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0x4000, bench->memory, 8192, 3), 0);
	for (int i = 0; i < 3; i++)
		WEIR_EXPECT_EQ(bench_dma_read(bench, 0, 0x4100, &word, 4), HAL_DONE);
	bench_poll(bench);
	WEIR_REQUIRE_EQ(fake_count(bench->firmware, HAL_EVENT_TRACE, 0), 4);
	for (uint32_t i = 0; i < 4; i++) {
		const struct weir_trace_record *record =
			&fake_event(bench->firmware, HAL_EVENT_TRACE, 0, i)->trace;

		WEIR_EXPECT_EQ(record->kind,
			       i ? WEIR_TRACE_KIND_TRANSLATED : WEIR_TRACE_KIND_IOMMU_MAPPED);
		WEIR_EXPECT_EQ(record->address, i ? 0x4100 : 0x4000);
		WEIR_EXPECT_EQ(record->length, i ? 4 : 8192);
	}
	bench_end(bench);
}

#define TEST(name)                       \
	{                                \
		"sim.iommu." #name, name \
	}
const struct weir_test iommu_tests[] = {
	TEST(dma_reaches_what_is_mapped),
	TEST(entries_are_written_whole),
	TEST(permissions_and_domains_are_kept),
	TEST(addresses_of_another_kind_are_refused),
	TEST(faults_are_recorded_and_their_log_is_limited),
	TEST(impossible_mappings_are_refused),
	TEST(many_mappings_are_found),
	TEST(there_is_a_limit_of_mappings),
	TEST(unmapped_memory_is_not_touched_again),
	TEST(ats_makes_unmapping_wait_for_the_firmware),
	TEST(a_card_that_ends_forgets_what_is_open),
	TEST(dma_goes_through_the_host_when_it_wants_so),
	TEST(translations_are_traced),
};
const size_t iommu_tests_count = WEIR_TESTS(iommu_tests);
