/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs: their sizes, who decodes what and when, and what lies behind them. */
#include "bench.h"

#include <errno.h>
#include <string.h>

static uint32_t bus_read32(struct bench *bench, uint64_t address)
{
	uint32_t value = 0x12345678;

	/* Nobody answers: all ones, and false. */
	if (!weirsim_memory_read(bench->sim, address, &value, 4))
		WEIR_EXPECT_EQ(value, UINT32_MAX);
	return value;
}

static bool bus_answers(struct bench *bench, uint64_t address)
{
	uint32_t value;

	return weirsim_memory_read(bench->sim, address, &value, 4);
}

/* What software does to find a BAR's size: all ones, read back, low four bits away (PCIe 5.0, 7.5.1.2.1). */
static uint64_t size_of(struct bench *bench, uint16_t offset)
{
	uint64_t mask;

	bench_configure(bench, 0, offset, 0xffffffff, 4);
	bench_configure(bench, 0, offset + 4, 0xffffffff, 4);
	WEIR_EXPECT_EQ(bench_config(bench, 0, offset, 4) & 0xf, 0xc); /* 64-bit, prefetchable */
	mask = (uint64_t)bench_config(bench, 0, offset + 4, 4) << 32 |
	       (bench_config(bench, 0, offset, 4) & ~0xfu);
	bench_set_bar(bench, offset, 0);
	return ~mask + 1;
}

static void sizing_gives_the_sizes_of_the_specification(void)
{
	struct bench *bench = bench_new();

	WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_BAR0), WEIR_BAR_REGISTERS_PF_BYTES);
	WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_BAR2), WEIR_BAR_DOORBELLS_PF_BYTES);
	WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_BAR4), WEIR_BAR_MSIX_PF_BYTES);
	WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_SRIOV_VF_BAR0), WEIR_BAR_REGISTERS_VF_BYTES);
	WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_SRIOV_VF_BAR2), WEIR_BAR_DOORBELLS_VF_BYTES);
	WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_SRIOV_VF_BAR4), WEIR_BAR_MSIX_VF_BYTES);
	bench_end(bench);
}

/* A VF's share of a VF BAR is a multiple of the system page (PCIe 5.0, 9.2.1.1.1). */
static void vf_bars_grow_with_the_system_page(void)
{
	static const uint32_t pages[] = { 0x1, 0x2, 0x10, 0x40, 0x100, 0x400 };
	struct bench *bench = bench_new();

	for (size_t i = 0; i < WEIR_TESTS(pages); i++) {
		uint64_t page = 4096ull * pages[i];

		bench_configure(bench, 0, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, pages[i], 4);
		WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_SRIOV_VF_BAR0),
			       page > 0x4000 ? page : 0x4000);
		WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_SRIOV_VF_BAR2),
			       page > 0x10000 ? page : 0x10000);
		WEIR_EXPECT_EQ(size_of(bench, WEIR_CFG_SRIOV_VF_BAR4),
			       page > 0x2000 ? page : 0x2000);
	}
	/* Nobody is behind what the page adds to the BAR. */
	bench_configure(bench, 0, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 0x10, 4);
	bench_enable_vfs(bench, 2);
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_VF_BAR0 + WEIR_REG_FUNCTION), 1);
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_VF_BAR0 + 0x10000 + WEIR_REG_FUNCTION), 2);
	WEIR_EXPECT(!bus_answers(bench, BENCH_VF_BAR0 + 0x4000));
	WEIR_EXPECT(!bus_answers(bench, BENCH_VF_BAR0 + 0x20000));
	bench_end(bench);
}

static void the_pf_decodes_where_its_bars_say(void)
{
	struct bench *bench = bench_new();

	bench_set_bar(bench, WEIR_CFG_BAR0, BENCH_BAR0);
	WEIR_EXPECT(!bus_answers(bench, BENCH_BAR0));
	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_BAR0), 0x57454952);
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_BAR2), 0);
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_BAR4 + 12), 1);
	WEIR_EXPECT(bus_answers(bench, BENCH_BAR0 + 0x3ffc));
	WEIR_EXPECT(!bus_answers(bench, BENCH_BAR0 + 0x4000));
	WEIR_EXPECT(!bus_answers(bench, BENCH_BAR0 - 4));
	bench_set_bar(bench, WEIR_CFG_BAR0, 0x7000000000ull);
	WEIR_EXPECT_EQ(bus_read32(bench, 0x7000000000ull), 0x57454952);
	WEIR_EXPECT(!bus_answers(bench, BENCH_BAR0));
	/* At the very end of the address space */
	bench_set_bar(bench, WEIR_CFG_BAR0, ~0x3fffull);
	WEIR_EXPECT_EQ(bus_read32(bench, ~0x3fffull), 0x57454952);
	WEIR_EXPECT(!bus_answers(bench, 0));
	/* Memory Space Enable, and what asks by function and BAR instead of by address */
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x4, 2);
	WEIR_EXPECT(!bus_answers(bench, ~0x3fffull));
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 0, 0, &(uint32_t){ 0 }, 4), -EIO);
	WEIR_EXPECT_EQ(weirsim_mmio_write(bench->sim, 0, 2, 0, &(uint32_t){ 0 }, 4), -EIO);
	bench_end(bench);
}

static void nothing_decodes_in_d3hot(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 1);
	WEIR_EXPECT(bus_answers(bench, BENCH_BAR0) && bus_answers(bench, BENCH_VF_BAR0));
	bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, 3, 2);
	WEIR_EXPECT(!bus_answers(bench, BENCH_BAR0));
	WEIR_EXPECT(!bus_answers(bench, BENCH_VF_BAR0));
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_VENDOR_ID, 2), WEIR_PCI_VENDOR_ID);
	bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, 0, 2);
	/* No_Soft_Reset: everything is as it was. */
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_BAR0), 0x57454952);
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_VF_BAR0 + WEIR_REG_FUNCTION), 1);
	bench_end(bench);
}

static void vf_bars_decode_as_the_sriov_capability_says(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 3);
	for (uint32_t n = 0; n < 3; n++) {
		WEIR_EXPECT_EQ(bus_read32(bench, BENCH_VF_BAR0 + n * 0x4000 + WEIR_REG_FUNCTION),
			       n + 1);
		WEIR_EXPECT_EQ(bus_read32(bench, BENCH_VF_BAR2 + n * 0x10000), 0);
		WEIR_EXPECT_EQ(bus_read32(bench, BENCH_VF_BAR4 + n * 0x2000 + 12), 1);
	}
	WEIR_EXPECT(!bus_answers(bench, BENCH_VF_BAR0 + 3 * 0x4000));
	/* They move with the base. */
	bench_set_bar(bench, WEIR_CFG_SRIOV_VF_BAR0, 0xf00000000ull);
	WEIR_EXPECT_EQ(bus_read32(bench, 0xf00004000ull + WEIR_REG_FUNCTION), 2);
	WEIR_EXPECT(!bus_answers(bench, BENCH_VF_BAR0));
	/* VF MSE off: neither by address nor by function; the PF is not concerned. */
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0x1, 2);
	WEIR_EXPECT(!bus_answers(bench, 0xf00004000ull));
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 2, 0, 0, &(uint32_t){ 0 }, 4), -EIO);
	WEIR_EXPECT_EQ(bus_read32(bench, BENCH_BAR0), 0x57454952);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0x9, 2);
	WEIR_EXPECT(bus_answers(bench, 0xf00004000ull));
	/* A VF decodes without the PF's Memory Space Enable. */
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0, 2);
	WEIR_EXPECT(bus_answers(bench, 0xf00004000ull) && !bus_answers(bench, BENCH_BAR0));
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0x8, 2);
	WEIR_EXPECT(!bus_answers(bench, 0xf00004000ull));
	bench_end(bench);
}

/* 1024 VFs lie on five bus numbers when the PF is 00.0 of one: routing ids are what functions are named by here. */
static void a_thousand_and_twenty_four_vfs_each_decode_their_own(void)
{
	struct bench *bench = bench_new_with((struct weirsim_config){
		.total_vfs = 1024,
		.virtual_time = true,
		.seed = 1,
	});
	uint8_t byte = 0;

	bench_enable_vfs(bench, 1024);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), 1024);
	for (uint32_t n = 1; n <= 1024; n++) {
		WEIR_EXPECT(weirsim_function_usable(bench->sim, (uint16_t)n));
		WEIR_EXPECT_EQ(bus_read32(bench,
					  BENCH_VF_BAR0 + (n - 1) * 0x4000ull + WEIR_REG_FUNCTION),
			       n);
		WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, (uint16_t)n, 0x10000, bench->memory + n,
					       1, 3),
			       0);
		byte = (uint8_t)(n * 3);
		WEIR_EXPECT_EQ(bench_dma_write(bench, (uint16_t)n, 0x10000, &byte, 1), HAL_DONE);
	}
	/* Each VF's doorbells are its own. */
	fake_forget(bench->firmware);
	for (uint32_t n = 1; n <= 1024; n++)
		WEIR_EXPECT(weirsim_memory_write(bench->sim, BENCH_VF_BAR2 + (n - 1) * 0x10000ull,
						 &n, 4));
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_DOORBELL, UINT16_MAX), 1024);
	for (uint32_t n = 1; n <= 1024; n++) {
		const struct hal_event *event =
			fake_event(bench->firmware, HAL_EVENT_DOORBELL, (uint16_t)n, 0);

		WEIR_EXPECT(event && event->value == n);
		WEIR_EXPECT_EQ(bench->memory[n], (uint8_t)(n * 3));
	}
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0, 2);
	WEIR_EXPECT(!bus_answers(bench, BENCH_VF_BAR0));
	WEIR_EXPECT(!weirsim_function_usable(bench->sim, 1024));
	bench_end(bench);
}

static void registers_follow_their_access_mode(void)
{
	struct bench *bench = bench_new();
	const struct hal_event *event;

	bench_enable_pf(bench);
	fake_forget(bench->firmware);
	/* RO: nothing; RW: read back; WO: reads zero */
	bench_write32(bench, 0, 0, WEIR_REG_MAGIC, 1);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, WEIR_REG_MAGIC), 0x57454952);
	bench_write32(bench, 0, 0, WEIR_REG_MAILBOX_OWNER, 0xcafe);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, WEIR_REG_MAILBOX_OWNER), 0xcafe);
	WEIR_EXPECT_EQ(hal_register_get(bench->hal, 0, WEIR_REG_MAILBOX_OWNER), 0xcafe);
	bench_write32(bench, 0, 0, WEIR_REG_ADMIN_SQ_TAIL, 5);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, WEIR_REG_ADMIN_SQ_TAIL), 0);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 0), 2);
	event = fake_event(bench->firmware, HAL_EVENT_REGISTER, 0, 1);
	WEIR_EXPECT(event && event->offset == WEIR_REG_ADMIN_SQ_TAIL && event->value == 5);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_BAD_ACCESS, 0), 0);
	/* What the firmware sets is what a host reads; block headers are registers, too. */
	hal_register_set(bench->hal, 0, WEIR_BLOCK_ADMIN, 0x10002);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, WEIR_BLOCK_ADMIN), 0x10002);
	bench_end(bench);
}

static void wrong_widths_and_holes_are_bad_accesses(void)
{
	struct bench *bench = bench_new();
	const struct hal_event *event;
	uint64_t value = 0;

	bench_enable_pf(bench);
	fake_forget(bench->firmware);
	for (uint8_t size = 1; size <= 8; size *= 2) {
		if (size == 4)
			continue;
		WEIR_EXPECT_EQ(weirsim_mmio_write(bench->sim, 0, 0, WEIR_REG_MAILBOX_OWNER, &value,
						  size),
			       0);
		value = 0;
		WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 2, 0, &value, size), 0);
		WEIR_EXPECT_EQ(value, size == 8 ? UINT64_MAX : (1ull << 8 * size) - 1);
	}
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 0, 2, &value, 4), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, 0x2004), UINT32_MAX);
	bench_write32(bench, 0, 2, 0x1004, 1);
	bench_poll(bench);
	/* All of them in one event: the last one's offset. */
	event = fake_event(bench->firmware, HAL_EVENT_BAD_ACCESS, 0, 0);
	WEIR_EXPECT(event && event->value == 9 && event->offset == 0x1004);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_BAD_ACCESS, 0), 1);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 0), 0);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_DOORBELL, 0), 0);
	/* What is no access at all */
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 0, 0, &value, 3), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 1, 0, &value, 4), -EIO);
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 0, 0x4000, &value, 4), -EIO);
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 0, UINT64_MAX - 3, &value, 4), -EIO);
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 1, 0, 0, &value, 4), -EIO);
	bench_end(bench);
}

static void the_mailbox_window_is_memory(void)
{
	struct bench *bench = bench_new();
	uint32_t got[2];

	bench_enable_vfs(bench, 1);
	WEIR_EXPECT_EQ(bench_read32(bench, 1, 0, 0x1000), 0);
	bench_write32(bench, 1, 0, 0x1000, 0x11111111);
	bench_write32(bench, 1, 0, 0x1ffc, 0x22222222);
	hal_window_read(bench->hal, 1, 0, got, 8);
	WEIR_EXPECT(got[0] == 0x11111111 && got[1] == 0);
	hal_window_write(bench->hal, 1, 4, &(uint32_t){ 0x33333333 }, 4);
	WEIR_EXPECT_EQ(bench_read32(bench, 1, 0, 0x1004), 0x33333333);
	hal_window_read(bench->hal, 1, 0xffc, got, 4);
	WEIR_EXPECT_EQ(got[0], 0x22222222);
	/* Each function has one, and a reset empties it. */
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, 0x1000), 0);
	weirsim_function_reset(bench->sim, 1);
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench_read32(bench, 1, 0, 0x1000), 0);
	/* Beyond it: nothing is touched, zeros are read. */
	hal_window_write(bench->hal, 1, 0xffd, "1234", 4);
	hal_window_read(bench->hal, 1, UINT32_MAX, got, 4);
	WEIR_EXPECT_EQ(got[0], 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 1, 0, 0x1ffc), 0);
	bench_end(bench);
}

#define TEST(name)                     \
	{                              \
		"sim.bar." #name, name \
	}
const struct weir_test bar_tests[] = {
	TEST(sizing_gives_the_sizes_of_the_specification),
	TEST(vf_bars_grow_with_the_system_page),
	TEST(the_pf_decodes_where_its_bars_say),
	TEST(nothing_decodes_in_d3hot),
	TEST(vf_bars_decode_as_the_sriov_capability_says),
	TEST(a_thousand_and_twenty_four_vfs_each_decode_their_own),
	TEST(registers_follow_their_access_mode),
	TEST(wrong_widths_and_holes_are_bad_accesses),
	TEST(the_mailbox_window_is_memory),
};
const size_t bar_tests_count = WEIR_TESTS(bar_tests);
