/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of functions: reset, VF enable, gates, and what the firmware is told in which order. */
#include "bench.h"

#include <errno.h>
#include <string.h>

/* DMA of function is let through. */
static enum hal_result try_dma(struct bench *bench, uint16_t function)
{
	uint32_t value = 0;

	return bench_dma_read(bench, function, 0x1000, &value, 4);
}

static void map_all(struct bench *bench)
{
	for (uint16_t n = 0; n <= BENCH_VFS; n++)
		WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, n, 0x1000, bench->memory, 4096, 3), 0);
}

static void the_pf_is_ready_after_the_first_polls(void)
{
	struct bench *bench = bench_new();

	WEIR_EXPECT(weirsim_function_usable(bench->sim, 0));
	WEIR_EXPECT(!weirsim_function_usable(bench->sim, 1));
	WEIR_EXPECT_EQ(bench->ready_count, 1);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_RESET, UINT16_MAX), 0);
	WEIR_EXPECT_STR(hal_card(bench->hal)->board, weirsim_home());
	WEIR_EXPECT_EQ(hal_card(bench->hal)->total_vfs, BENCH_VFS);
	WEIR_EXPECT_EQ(hal_card(bench->hal)->serial, 0x0123456789abcdef);
	bench_end(bench);
}

static void bus_master_is_the_gate_of_dma(void)
{
	struct bench *bench = bench_new();
	const struct hal_event *event;

	map_all(bench);
	WEIR_EXPECT_EQ(try_dma(bench, 0), HAL_RESET);
	WEIR_EXPECT(!hal_function_usable(bench->hal, 0));
	bench_enable_vfs(bench, 1);
	WEIR_EXPECT_EQ(try_dma(bench, 0), HAL_DONE);
	WEIR_EXPECT_EQ(try_dma(bench, 1), HAL_DONE);
	event = fake_event(bench->firmware, HAL_EVENT_BUS_MASTER, 0, 0);
	WEIR_EXPECT(event && event->value == 1);
	fake_forget(bench->firmware);
	/* The gate shuts with the write, before the firmware can know. */
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x2, 2);
	WEIR_EXPECT(!hal_function_usable(bench->hal, 0));
	WEIR_EXPECT_EQ(try_dma(bench, 0), HAL_RESET);
	/* The VF has a bus master bit of its own. */
	WEIR_EXPECT_EQ(try_dma(bench, 1), HAL_DONE);
	bench_poll(bench);
	event = fake_event(bench->firmware, HAL_EVENT_BUS_MASTER, 0, 0);
	WEIR_EXPECT(event && event->value == 0);
	/* Off and on again before the firmware looked: as if nothing had been. */
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x6, 2);
	bench_poll(bench);
	fake_forget(bench->firmware);
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x2, 2);
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x6, 2);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_BUS_MASTER, 0), 0);
	WEIR_EXPECT_EQ(try_dma(bench, 0), HAL_DONE);
	bench_end(bench);
}

/* A VF without power management follows its PF (PCIe 5.0, 9.6.2). */
static void d3hot_of_the_pf_stops_dma_of_all(void)
{
	struct bench *bench = bench_new();

	map_all(bench);
	bench_enable_vfs(bench, 2);
	bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, 3, 2);
	for (uint16_t n = 0; n <= 2; n++) {
		WEIR_EXPECT_EQ(try_dma(bench, n), HAL_RESET);
		WEIR_EXPECT_EQ(bench_raise(bench, n, 0), HAL_DONE); /* pending */
	}
	bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, 0, 2);
	for (uint16_t n = 0; n <= 2; n++)
		WEIR_EXPECT_EQ(try_dma(bench, n), HAL_DONE);
	/* It was no reset. */
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_RESET, UINT16_MAX), 0);
	bench_end(bench);
}

static void flr_of_a_vf_is_its_own(void)
{
	struct bench *bench = bench_new();

	map_all(bench);
	bench_enable_vfs(bench, 3);
	bench_write32(bench, 2, 0, WEIR_REG_MAILBOX_OWNER, 77);
	bench_poll(bench);
	fake_forget(bench->firmware);
	bench->ready_count = 0;
	bench_configure(bench, 2, WEIR_CFG_EXP_DEVICE_CONTROL, 0x8000, 2);
	/* At once: no DMA, no bus master, registers cleared but for the generation, no interrupts. */
	WEIR_EXPECT_EQ(bench_config(bench, 2, WEIR_CFG_COMMAND, 2), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 2, WEIR_CFG_EXP_DEVICE_CONTROL, 2), 0);
	WEIR_EXPECT(!weirsim_function_usable(bench->sim, 2));
	WEIR_EXPECT_EQ(bench_read32(bench, 2, 0, WEIR_REG_STATUS), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 2, 0, WEIR_REG_MAILBOX_OWNER), 0);
	WEIR_EXPECT_EQ(bench_read32(bench, 2, 0, WEIR_REG_GENERATION), 1);
	/* In reset nothing is taken in. */
	bench_write32(bench, 2, 0, WEIR_REG_MAILBOX_OWNER, 78);
	bench_write32(bench, 2, 2, 0, 1);
	WEIR_EXPECT_EQ(bench_read32(bench, 2, 0, WEIR_REG_MAILBOX_OWNER), 0);
	bench_configure(bench, 2, WEIR_CFG_COMMAND, 4, 2);
	bench->firmware->hold_ready = true;
	bench_poll(bench);
	WEIR_EXPECT_EQ(try_dma(bench, 2), HAL_RESET);
	WEIR_EXPECT_EQ(try_dma(bench, 1), HAL_DONE);
	WEIR_EXPECT_EQ(try_dma(bench, 3), HAL_DONE);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_RESET, UINT16_MAX), 1);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_RESET, 2), 1);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_DOORBELL, 2), 0);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 2), 0);
	/* The firmware answers. */
	fake_make_ready(bench->firmware, 2);
	WEIR_EXPECT(weirsim_function_usable(bench->sim, 2));
	WEIR_EXPECT_EQ(bench->ready_count, 1);
	WEIR_EXPECT_EQ(bench_read32(bench, 2, 0, WEIR_REG_GENERATION), 2);
	WEIR_EXPECT_EQ(try_dma(bench, 2), HAL_DONE);
	bench_end(bench);
}

/* PCIe 5.0, 9.2.2.2 */
static void flr_of_the_pf_takes_the_vfs_along(void)
{
	struct bench *bench = bench_new();

	map_all(bench);
	bench_enable_vfs(bench, 3);
	fake_forget(bench->firmware);
	bench_configure(bench, 0, WEIR_CFG_EXP_DEVICE_CONTROL, 0x8000, 2);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_CONTROL, 2), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 2), 0);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 1, WEIR_CFG_STATUS, 2), 0xffff);
	WEIR_EXPECT_EQ(bench->vfs, 0);
	for (uint16_t n = 0; n <= 3; n++)
		WEIR_EXPECT_EQ(try_dma(bench, n), HAL_RESET);
	bench_poll(bench);
	/* VFs are gone first, then the PF begins its reset. */
	WEIR_EXPECT_EQ(bench->firmware->event_count, 2);
	WEIR_EXPECT_EQ(bench->firmware->events[0].kind, HAL_EVENT_VF_ENABLE);
	WEIR_EXPECT_EQ(bench->firmware->events[0].value, 0);
	WEIR_EXPECT_EQ(bench->firmware->events[1].kind, HAL_EVENT_RESET);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, WEIR_REG_GENERATION), UINT32_MAX);
	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(bench_read32(bench, 0, 0, WEIR_REG_GENERATION), 2);
	bench_end(bench);
}

/* Everything changed several times while the firmware was busy: it hears of it in an order that makes sense. */
static void vf_enable_is_told_after_what_took_the_old_vfs(void)
{
	struct bench *bench = bench_new();
	uint32_t i;

	bench_enable_vfs(bench, 4);
	fake_forget(bench->firmware);
	bench->firmware->deaf = true;
	bench_write32(bench, 3, 2, 0, 1);
	bench_configure(bench, 3, WEIR_CFG_EXP_DEVICE_CONTROL, 0x8000, 2);
	bench_configure(bench, 0, WEIR_CFG_EXP_DEVICE_CONTROL, 0x8000, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 2, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0x9, 2);
	bench_configure(bench, 2, WEIR_CFG_COMMAND, 4, 2);
	bench_configure(bench, 1, WEIR_CFG_EXP_DEVICE_CONTROL, 0x8000, 2);
	bench_poll(bench);
	bench->firmware->deaf = false;
	bench_poll(bench);
	/* gone; PF reset; two new ones; then the second one's bus master. The FLR of one that is in reset anyway is no news. */
	WEIR_REQUIRE_EQ(bench->firmware->event_count, 4);
	for (i = 0; i < 4; i++)
		WEIR_EXPECT_EQ(bench->firmware->events[i].kind,
			       ((int[]){ HAL_EVENT_VF_ENABLE, HAL_EVENT_RESET, HAL_EVENT_VF_ENABLE,
					 HAL_EVENT_BUS_MASTER })[i]);
	WEIR_EXPECT_EQ(bench->firmware->events[0].value, 0);
	WEIR_EXPECT_EQ(bench->firmware->events[2].value, 2);
	WEIR_EXPECT_EQ(bench->firmware->events[3].function, 2);
	WEIR_EXPECT(weirsim_function_usable(bench->sim, 1) &&
		    weirsim_function_usable(bench->sim, 2));
	WEIR_EXPECT(!weirsim_function_usable(bench->sim, 3));
	bench_end(bench);
}

static void enabled_and_disabled_before_the_firmware_looked_is_no_news(void)
{
	struct bench *bench = bench_new();

	bench->firmware->deaf = true;
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 2, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 1, 2);
	bench_configure(bench, 2, WEIR_CFG_COMMAND, 4, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0, 2);
	bench->firmware->deaf = false;
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench->firmware->event_count, 0);
	WEIR_EXPECT_EQ(bench->vfs_changed_count, 2);
	bench_end(bench);
}

/* A second reset while the firmware still works on the first: its answer to the first must not open the gate. */
static void an_answer_to_an_older_reset_does_not_count(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 2);
	bench->firmware->hold_ready = true;
	weirsim_function_reset(bench->sim, 1);
	bench_poll(bench);
	weirsim_function_reset(bench->sim, 1);
	bench->firmware->deaf = true;
	fake_make_ready(bench->firmware, 1);
	WEIR_EXPECT(!weirsim_function_usable(bench->sim, 1));
	bench->firmware->deaf = false;
	bench_poll(bench);
	fake_make_ready(bench->firmware, 1);
	WEIR_EXPECT(weirsim_function_usable(bench->sim, 1));
	/* The same of VFs that were disabled and enabled anew. */
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 8, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 9, 2);
	fake_make_ready(bench->firmware, 1);
	WEIR_EXPECT(!weirsim_function_usable(bench->sim, 1));
	bench_poll(bench);
	fake_make_ready(bench->firmware, 1);
	WEIR_EXPECT(weirsim_function_usable(bench->sim, 1));
	bench_end(bench);
}

static void generations_outlive_vf_disable(void)
{
	struct bench *bench = bench_new();

	for (uint32_t round = 1; round <= 3; round++) {
		bench_enable_vfs(bench, 2);
		WEIR_EXPECT_EQ(bench_read32(bench, 2, 0, WEIR_REG_GENERATION), round);
		bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0, 2);
	}
	bench_end(bench);
}

static void the_owner_can_enable_vfs_without_a_driver(void)
{
	struct bench *bench = bench_new();

	WEIR_EXPECT_EQ(weirsim_enable_vfs(bench->sim, 4), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 2), 4);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_CONTROL, 2), 9);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_COMMAND, 2), 6);
	WEIR_EXPECT_EQ(weirsim_enable_vfs(bench->sim, 4), 0);
	WEIR_EXPECT_EQ(weirsim_enable_vfs(bench->sim, 5), -EBUSY);
	bench_poll(bench);
	WEIR_EXPECT(weirsim_function_usable(bench->sim, 4));
	WEIR_EXPECT_EQ(weirsim_enable_vfs(bench->sim, 0), 0);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), 0);
	WEIR_EXPECT_EQ(weirsim_function_reset(bench->sim, 1), -ENODEV);
	bench_end(bench);
}

static void signals_of_an_external_pci_side_take_effect_at_once(void)
{
	struct bench *bench = bench_new_with((struct weirsim_config){
		.total_vfs = BENCH_VFS, .virtual_time = true, .external_pci = true, .seed = 1 });
	const struct hal_event *event;

	map_all(bench);
	WEIR_EXPECT_EQ(try_dma(bench, 0), HAL_RESET);
	weirsim_signal_bus_master(bench->sim, 0, true);
	WEIR_EXPECT_EQ(try_dma(bench, 0), HAL_DONE);
	weirsim_signal_vf_enable(bench->sim, 2);
	bench_poll(bench);
	weirsim_signal_bus_master(bench->sim, 2, true);
	weirsim_signal_bus_master(bench->sim, 5, true); /* not there */
	WEIR_EXPECT_EQ(try_dma(bench, 2), HAL_DONE);
	WEIR_EXPECT_EQ(bench_read32(bench, 2, 0, WEIR_REG_MAGIC), 0x57454952);
	/* Vectors go out by number, masks are the attachment's. */
	WEIR_EXPECT_EQ(bench_raise(bench, 2, 5), HAL_DONE);
	WEIR_EXPECT_EQ(bench->interrupt_count, 1);
	WEIR_EXPECT(bench->interrupts[0].function == 2 && bench->interrupts[0].vector == 5 &&
		    bench->interrupts[0].address == 0 && bench->interrupts[0].data == 0);
	weirsim_signal_reset(bench->sim, 2);
	WEIR_EXPECT_EQ(try_dma(bench, 2), HAL_RESET);
	bench_poll(bench);
	WEIR_EXPECT(weirsim_function_usable(bench->sim, 2));
	WEIR_EXPECT_EQ(try_dma(bench, 2), HAL_RESET); /* bus master went with the reset */
	weirsim_signal_ats(bench->sim, 1, true);
	bench_poll(bench);
	event = fake_event(bench->firmware, HAL_EVENT_ATS_CONTROL, 1, 0);
	WEIR_EXPECT(event && event->value == 1);
	weirsim_signal_invalidate(bench->sim, 1, 0x5000, 0x1000, 0xabcdef);
	weirsim_signal_invalidate(bench->sim, 7, 0x5000, 0x1000, 1); /* not there: over at once */
	WEIR_EXPECT_EQ(bench->invalidated_count, 1);
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench->invalidated_count, 2);
	WEIR_EXPECT_EQ(bench->invalidated_tag, 0xabcdef);
	event = fake_event(bench->firmware, HAL_EVENT_ATS_INVALIDATE, 1, 0);
	WEIR_EXPECT(event && event->address == 0x5000 && event->bytes == 0x1000);
	weirsim_signal_vf_enable(bench->sim, 0);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), 0);
	WEIR_EXPECT_EQ(bench->vfs_changed_count, 0); /* whoever signals knows */
	weirsim_signal_vf_enable(bench->sim, UINT16_MAX);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), BENCH_VFS);
	bench_end(bench);
}

#define TEST(name)                          \
	{                                   \
		"sim.function." #name, name \
	}
const struct weir_test function_tests[] = {
	TEST(the_pf_is_ready_after_the_first_polls),
	TEST(bus_master_is_the_gate_of_dma),
	TEST(d3hot_of_the_pf_stops_dma_of_all),
	TEST(flr_of_a_vf_is_its_own),
	TEST(flr_of_the_pf_takes_the_vfs_along),
	TEST(vf_enable_is_told_after_what_took_the_old_vfs),
	TEST(enabled_and_disabled_before_the_firmware_looked_is_no_news),
	TEST(an_answer_to_an_older_reset_does_not_count),
	TEST(generations_outlive_vf_disable),
	TEST(the_owner_can_enable_vfs_without_a_driver),
	TEST(signals_of_an_external_pci_side_take_effect_at_once),
};
const size_t function_tests_count = WEIR_TESTS(function_tests);
