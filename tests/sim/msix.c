/* SPDX-License-Identifier: BSD-3-Clause */
/* MSI-X tables, masks and pending bits (PCIe 5.0, 6.1.4). */
#include "bench.h"

#include <errno.h>

#define ENABLE	      0x8000u
#define FUNCTION_MASK 0x4000u

static void set_vector(struct bench *bench, uint16_t function, uint32_t vector, uint64_t address,
		       uint32_t data, uint32_t control)
{
	bench_write32(bench, function, 4, vector * 16, (uint32_t)address);
	bench_write32(bench, function, 4, vector * 16 + 4, (uint32_t)(address >> 32));
	bench_write32(bench, function, 4, vector * 16 + 8, data);
	bench_write32(bench, function, 4, vector * 16 + 12, control);
}

static void set_control(struct bench *bench, uint16_t function, uint32_t control)
{
	bench_configure(bench, function, WEIR_CFG_MSIX_CONTROL, control, 2);
}

static uint64_t pending_of(struct bench *bench, uint16_t function)
{
	uint64_t bits = 0;

	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, function, 4, WEIR_MSIX_PBA_OFFSET, &bits, 8),
		       0);
	return bits;
}

static void a_vector_is_sent_as_its_entry_says(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 2);
	set_control(bench, 2, ENABLE);
	set_vector(bench, 2, 3, 0x1fee00124, 0x4567, 0);
	WEIR_EXPECT_EQ(bench_raise(bench, 2, 3), HAL_DONE);
	WEIR_EXPECT_EQ(bench_raise(bench, 2, 3), HAL_DONE);
	WEIR_REQUIRE_EQ(bench->interrupt_count, 2);
	WEIR_EXPECT_EQ(bench->interrupts[0].function, 2);
	WEIR_EXPECT_EQ(bench->interrupts[0].vector, 3);
	WEIR_EXPECT_EQ(bench->interrupts[0].address, 0x1fee00124);
	WEIR_EXPECT_EQ(bench->interrupts[0].data, 0x4567);
	WEIR_EXPECT_EQ(bench_raise(bench, 2, WEIR_MSIX_VF_VECTORS), HAL_FAULT);
	WEIR_EXPECT_EQ(bench_raise(bench, 2, WEIR_VECTOR_NONE), HAL_FAULT);
	WEIR_EXPECT_EQ(bench_raise(bench, 7, 0), HAL_RESET);
	bench_end(bench);
}

static void a_masked_vector_stays_pending_and_is_sent_once(void)
{
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	set_control(bench, 0, ENABLE);
	set_vector(bench, 0, 64, 0xfee00000, 1, 1);
	for (int i = 0; i < 3; i++)
		WEIR_EXPECT_EQ(bench_raise(bench, 0, 64), HAL_DONE);
	WEIR_EXPECT_EQ(bench->interrupt_count, 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, WEIR_MSIX_PBA_OFFSET + 8), 1);
	WEIR_EXPECT_EQ(pending_of(bench, 0), 0);
	bench_write32(bench, 0, 4, 64 * 16 + 12, 0);
	WEIR_EXPECT_EQ(bench->interrupt_count, 1);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, WEIR_MSIX_PBA_OFFSET + 8), 0);
	bench_write32(bench, 0, 4, 64 * 16 + 12, 1);
	bench_write32(bench, 0, 4, 64 * 16 + 12, 0);
	WEIR_EXPECT_EQ(bench->interrupt_count, 1);
	bench_end(bench);
}

static void the_function_mask_holds_all_vectors(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 1);
	set_control(bench, 1, ENABLE | FUNCTION_MASK);
	for (uint32_t n = 0; n < WEIR_MSIX_VF_VECTORS; n++)
		set_vector(bench, 1, n, 0xfee00000, n,
			   n == 5); /* the sixth is masked by itself as well */
	for (uint16_t n = 0; n < WEIR_MSIX_VF_VECTORS; n++)
		WEIR_EXPECT_EQ(bench_raise(bench, 1, n), HAL_DONE);
	WEIR_EXPECT_EQ(bench->interrupt_count, 0);
	WEIR_EXPECT_EQ(pending_of(bench, 1), 0x1ffff);
	set_control(bench, 1, ENABLE);
	WEIR_EXPECT_EQ(bench->interrupt_count, WEIR_MSIX_VF_VECTORS - 1);
	WEIR_EXPECT_EQ(pending_of(bench, 1), 1 << 5);
	bench_end(bench);
}

static void nothing_is_sent_while_msix_is_off(void)
{
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	set_vector(bench, 0, 0, 0xfee00000, 1, 0);
	WEIR_EXPECT_EQ(bench_raise(bench, 0, 0), HAL_DONE);
	WEIR_EXPECT_EQ(bench->interrupt_count, 0);
	set_control(bench, 0, ENABLE);
	WEIR_EXPECT_EQ(bench->interrupt_count, 1);
	bench_end(bench);
}

/* A message is a memory write: without bus master there is none. */
static void bus_master_off_holds_messages(void)
{
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	set_control(bench, 0, ENABLE);
	set_vector(bench, 0, 0, 0xfee00000, 1, 1);
	WEIR_EXPECT_EQ(bench_raise(bench, 0, 0), HAL_DONE);
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x2, 2);
	bench_write32(bench, 0, 4, 12, 0);
	WEIR_EXPECT_EQ(bench->interrupt_count, 0);
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x6, 2);
	WEIR_EXPECT_EQ(bench->interrupt_count, 1);
	WEIR_EXPECT_EQ(pending_of(bench, 0), 0);
	/* Raised meanwhile: pending, as behind a mask, and sent once. */
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x2, 2);
	for (int i = 0; i < 3; i++)
		WEIR_EXPECT_EQ(bench_raise(bench, 0, 0), HAL_DONE);
	WEIR_EXPECT_EQ(pending_of(bench, 0), 1);
	WEIR_EXPECT_EQ(bench->interrupt_count, 1);
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x6, 2);
	WEIR_EXPECT_EQ(bench->interrupt_count, 2);
	WEIR_EXPECT_EQ(pending_of(bench, 0), 0);
	/* A vector that is not there is none even then, and a reset forgets. */
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x2, 2);
	WEIR_EXPECT_EQ(bench_raise(bench, 0, WEIR_MSIX_PF_VECTORS), HAL_FAULT);
	WEIR_EXPECT_EQ(bench_raise(bench, 0, 0), HAL_DONE);
	weirsim_function_reset(bench->sim, 0);
	WEIR_EXPECT_EQ(bench_raise(bench, 0, 0), HAL_RESET);
	bench_poll(bench);
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x6, 2);
	WEIR_EXPECT_EQ(pending_of(bench, 0), 0);
	WEIR_EXPECT_EQ(bench->interrupt_count, 2);
	bench_end(bench);
}

static void reset_masks_and_forgets(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 1);
	set_control(bench, 1, ENABLE | FUNCTION_MASK);
	set_vector(bench, 1, 0, 0xfee00004, 9, 0);
	WEIR_EXPECT_EQ(bench_raise(bench, 1, 0), HAL_DONE);
	weirsim_function_reset(bench->sim, 1);
	bench_poll(bench);
	WEIR_EXPECT_EQ(pending_of(bench, 1), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 1, 4, 0), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 1, 4, 8), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 1, 4, 12), 1);
	WEIR_EXPECT_EQ(bench_config(bench, 1, WEIR_CFG_MSIX_CONTROL, 2), WEIR_MSIX_VF_VECTORS - 1);
	set_control(bench, 1, ENABLE);
	bench_configure(bench, 1, WEIR_CFG_COMMAND, 4, 2);
	bench_write32(bench, 1, 4, 12, 0);
	WEIR_EXPECT_EQ(bench->interrupt_count, 0);
	bench_end(bench);
}

static void the_table_takes_words_and_double_words(void)
{
	struct bench *bench = bench_new();
	uint64_t value = 0x1122334455667788;
	uint32_t before;

	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(weirsim_mmio_write(bench->sim, 0, 4, 16, &value, 8), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, 16), 0x55667788);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, 20), 0x11223344);
	value = 0;
	WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, 0, 4, 16, &value, 8), 0);
	WEIR_EXPECT_EQ(value, 0x1122334455667788);
	/* Address bits 1:0 and reserved bits of Vector Control are not there. */
	bench_write32(bench, 0, 4, 16, 0xffffffff);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, 16), 0xfffffffc);
	bench_write32(bench, 0, 4, 28, 0xffffffff);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, 28), 1);
	/* The pending bits are read-only; behind table and pending bits nothing is kept. */
	bench_write32(bench, 0, 4, WEIR_MSIX_PBA_OFFSET, 0xffffffff);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, WEIR_MSIX_PBA_OFFSET), 0);
	bench_write32(bench, 0, 4, WEIR_MSIX_PF_VECTORS * 16, 5);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, WEIR_MSIX_PF_VECTORS * 16), 0);
	bench_write32(bench, 0, 4, 0x1ffc, 5);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, 0x1ffc), 0);
	/* Other widths */
	before = bench_read32(bench, 0, 4, 24);
	WEIR_EXPECT_EQ(weirsim_mmio_write(bench->sim, 0, 4, 24, &value, 2), 0);
	WEIR_EXPECT_EQ(weirsim_mmio_write(bench->sim, 0, 4, 20, &value, 8), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 4, 24), before);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_event(bench->firmware, HAL_EVENT_BAD_ACCESS, 0, 0)->value, 2);
	bench_end(bench);
}

static void an_attached_vector_needs_no_table(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 1);
	WEIR_EXPECT_EQ(bench_raise(bench, 1, 2), HAL_DONE);
	WEIR_EXPECT_EQ(weirsim_vector_attach(bench->sim, 1, 2, true), 0);
	WEIR_EXPECT_EQ(bench->interrupt_count, 1); /* it was pending */
	weirsim_function_reset(bench->sim, 1);
	bench_configure(bench, 1, WEIR_CFG_COMMAND, 4, 2);
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench_raise(bench, 1, 2), HAL_DONE);
	WEIR_EXPECT_EQ(bench_raise(bench, 1, 3), HAL_DONE);
	WEIR_EXPECT_EQ(bench->interrupt_count, 2);
	WEIR_EXPECT_EQ(weirsim_vector_attach(bench->sim, 1, 2, false), 0);
	WEIR_EXPECT_EQ(bench_raise(bench, 1, 2), HAL_DONE);
	WEIR_EXPECT_EQ(bench->interrupt_count, 2);
	WEIR_EXPECT_EQ(weirsim_vector_attach(bench->sim, 1, WEIR_MSIX_VF_VECTORS, true), -EINVAL);
	WEIR_EXPECT_EQ(weirsim_vector_attach(bench->sim, BENCH_VFS + 1, 0, true), -ENODEV);
	bench_end(bench);
}

static void delivery_is_traced_with_how_it_went(void)
{
	struct bench *bench = bench_new();
	static const uint32_t kinds[] = { WEIR_TRACE_KIND_VECTOR_SET,
					  WEIR_TRACE_KIND_INTERRUPT_DELIVERED,
					  WEIR_TRACE_KIND_INTERRUPT_DELIVERED,
					  WEIR_TRACE_KIND_VECTOR_SET,
					  WEIR_TRACE_KIND_INTERRUPT_DELIVERED };
	static const uint32_t details[] = { 0x77, 0, 2, 0, 1 };

	bench_enable_pf(bench);
	set_control(bench, 0, ENABLE);
	fake_forget(bench->firmware);
	set_vector(bench, 0, 1, 0xfee01000, 0x77, 0); /* no trace: it is off */
	hal_trace_enable(bench->hal, true);
	set_vector(bench, 0, 1, 0xfee01000, 0x77, 1);
	set_vector(bench, 0, 1, 0xfee01000, 0x77, 0);
	bench_raise(bench, 0, 1);
	set_vector(bench, 0, 1, 0xfee01000, 0x77, 1);
	bench_raise(bench, 0, 1);
	bench_raise(bench, 0, 1); /* pending already */
	weirsim_vector_attach(bench->sim, 0, 1, true);
	hal_trace_enable(bench->hal, true); /* clears what was not read */
	weirsim_vector_attach(bench->sim, 0, 1, false);
	set_vector(bench, 0, 1, 0xfee01000, 0x77, 0);
	bench_raise(bench, 0, 1);
	set_vector(bench, 0, 1, 0xfee01000, 0x77, 1);
	bench_raise(bench, 0, 1);
	weirsim_vector_attach(bench->sim, 0, 1, true);
	bench_poll(bench);
	WEIR_REQUIRE_EQ(fake_count(bench->firmware, HAL_EVENT_TRACE, 0), 5);
	for (uint32_t i = 0; i < 5; i++) {
		const struct weir_trace_record *record =
			&fake_event(bench->firmware, HAL_EVENT_TRACE, 0, i)->trace;

		WEIR_EXPECT_EQ(record->kind, kinds[i]);
		WEIR_EXPECT_EQ(record->detail, details[i]);
		WEIR_EXPECT_EQ(record->vector, 1);
		WEIR_EXPECT_EQ(record->address, i < 2 ? 0xfee01000 : 0);
	}
	bench_end(bench);
}

#define TEST(name)                      \
	{                               \
		"sim.msix." #name, name \
	}
const struct weir_test msix_tests[] = {
	TEST(a_vector_is_sent_as_its_entry_says),
	TEST(a_masked_vector_stays_pending_and_is_sent_once),
	TEST(the_function_mask_holds_all_vectors),
	TEST(nothing_is_sent_while_msix_is_off),
	TEST(bus_master_off_holds_messages),
	TEST(reset_masks_and_forgets),
	TEST(the_table_takes_words_and_double_words),
	TEST(an_attached_vector_needs_no_table),
	TEST(delivery_is_traced_with_how_it_went),
};
const size_t msix_tests_count = WEIR_TESTS(msix_tests);
