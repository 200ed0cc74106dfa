/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space against the images of specs/weir.yaml, and the rules that images cannot say. */
#include "bench.h"

#include <string.h>

#define FLR 0x8000u

static const struct weir_config_image *image_of(uint16_t function)
{
	return function ? &weir_config_vf : &weir_config_pf;
}

static uint32_t plane(const uint8_t *bytes, uint32_t offset, uint32_t size)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < size; i++)
		value |= (uint32_t)bytes[offset + i] << 8 * i;
	return value;
}

static uint32_t all_ones(uint32_t size)
{
	return size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;
}

/* What a write of `size` bytes of ones must leave out, so as to write a bit and not cause a reset. */
static uint32_t ones_without_flr(uint32_t offset, uint32_t size)
{
	uint32_t value = all_ones(size);

	for (uint32_t i = 0; i < size; i++) {
		if (offset + i == WEIR_CFG_EXP_DEVICE_CONTROL + 1)
			value &= ~(FLR >> 8 << 8 * i);
	}
	return value;
}

/* Ones, zeros, and the value from before, to every place of a function's space. */
static void write_back(uint16_t function, uint32_t size)
{
	const struct weir_config_image *image = image_of(function);
	struct bench *bench = bench_new();

	if (function)
		bench_enable_vfs(bench, function);
	for (uint32_t offset = 0; offset < WEIR_CONFIG_BYTES; offset += size) {
		uint32_t writable = plane(image->write, offset, size);
		uint32_t before = bench_config(bench, function, (uint16_t)offset, (uint8_t)size);
		uint32_t ones = ones_without_flr(offset, size);

		bench_configure(bench, function, (uint16_t)offset, ones, (uint8_t)size);
		WEIR_EXPECT_EQ(bench_config(bench, function, (uint16_t)offset, (uint8_t)size),
			       (before & ~plane(image->w1c, offset, size)) | (writable & ones));
		bench_configure(bench, function, (uint16_t)offset, 0, (uint8_t)size);
		WEIR_EXPECT_EQ(bench_config(bench, function, (uint16_t)offset, (uint8_t)size),
			       before & ~writable & ~plane(image->w1c, offset, size));
		bench_configure(bench, function, (uint16_t)offset, before, (uint8_t)size);
		WEIR_EXPECT_EQ(bench_config(bench, function, (uint16_t)offset, (uint8_t)size),
			       before & ~plane(image->w1c, offset, size));
	}
	bench_end(bench);
}

static void every_bit_of_the_pf_follows_its_access_mode(void)
{
	write_back(0, 1);
	write_back(0, 2);
	write_back(0, 4);
}

static void every_bit_of_a_vf_follows_its_access_mode(void)
{
	write_back(3, 1);
	write_back(3, 2);
	write_back(3, 4);
}

/* The image with what this card fills in. */
static void reset_values_are_those_of_the_specification(void)
{
	struct bench *bench = bench_new();

	for (uint16_t function = 0; function < 2; function++) {
		const struct weir_config_image *image = image_of(function);

		for (uint32_t i = 0; i < WEIR_CONFIG_BYTES; i++) {
			bool parameter =
				!function &&
				((i >= WEIR_CFG_SRIOV_INITIAL_VFS && i < WEIR_CFG_SRIOV_NUM_VFS) ||
				 (i >= WEIR_CFG_DSN_SERIAL && i < WEIR_CFG_DSN_SERIAL + 8));

			if (!parameter)
				WEIR_EXPECT_EQ(bench_config(bench, function, (uint16_t)i, 1),
					       image->value[i]);
		}
		if (!function) {
			bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 1, 2);
			bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 1, 2);
		}
	}
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_TOTAL_VFS, 2), BENCH_VFS);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_INITIAL_VFS, 2), BENCH_VFS);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_DSN_SERIAL, 4), 0x89abcdef);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_DSN_SERIAL + 4, 4), 0x01234567);
	bench_end(bench);
}

static void capability_lists_lead_to_every_capability(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 1);
	for (uint16_t function = 0; function < 2; function++) {
		uint32_t found = 0, expected = 0;
		uint32_t offset;
		int steps;

		for (size_t i = 0; i < WEIR_CONFIG_CAPABILITIES; i++) {
			const struct weir_config_capability *cap = &weir_config_capabilities[i];

			expected += function ? cap->vf : cap->pf;
		}
		offset = bench_config(bench, function, WEIR_CFG_CAPABILITIES, 1);
		for (steps = 0; offset && steps < 16; steps++) {
			found++;
			offset = bench_config(bench, function, (uint16_t)(offset + 1), 1);
		}
		WEIR_EXPECT(steps < 16);
		offset = 0x100;
		for (steps = 0; offset && steps < 16; steps++) {
			WEIR_EXPECT(offset >= 0x100 && offset % 4 == 0);
			found++;
			offset = bench_config(bench, function, (uint16_t)offset, 4) >> 20;
		}
		WEIR_EXPECT(steps < 16);
		WEIR_EXPECT_EQ(found, expected);
	}
	bench_end(bench);
}

static void absent_functions_read_all_ones(void)
{
	struct bench *bench = bench_new();

	/* VF not enabled, beyond TotalVFs, far away */
	WEIR_EXPECT_EQ(bench_config(bench, 1, 0, 4), 0xffffffff);
	WEIR_EXPECT_EQ(bench_config(bench, BENCH_VFS + 1, 0, 2), 0xffff);
	WEIR_EXPECT_EQ(bench_config(bench, UINT16_MAX, 0, 1), 0xff);
	bench_configure(bench, 1, WEIR_CFG_COMMAND, 4, 2);
	bench_configure(bench, UINT16_MAX, WEIR_CFG_COMMAND, 4, 2);
	bench_enable_vfs(bench, 1);
	/* A raw VF: no vendor, no device (SR-IOV 3.4.1.1) */
	WEIR_EXPECT_EQ(bench_config(bench, 1, 0, 4), 0xffffffff);
	WEIR_EXPECT_EQ(bench_config(bench, 1, WEIR_CFG_SUBSYSTEM_VENDOR_ID, 2),
		       WEIR_PCI_SUBSYSTEM_VENDOR_ID);
	WEIR_EXPECT_EQ(bench_config(bench, 2, WEIR_CFG_SUBSYSTEM_VENDOR_ID, 2), 0xffff);
	bench_end(bench);
}

static void crooked_accesses_do_nothing(void)
{
	struct bench *bench = bench_new();

	WEIR_EXPECT_EQ(bench_config(bench, 0, 1, 2), 0xffff);
	WEIR_EXPECT_EQ(bench_config(bench, 0, 2, 4), 0xffffffff);
	WEIR_EXPECT_EQ(bench_config(bench, 0, 0, 3), 0xffffff);
	WEIR_EXPECT_EQ(bench_config(bench, 0, 0, 0), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 0, 4096, 4), 0xffffffff);
	WEIR_EXPECT_EQ(bench_config(bench, 0, 65532, 4), 0xffffffff);
	bench_configure(bench, 0, WEIR_CFG_CACHE_LINE_SIZE, 0x1234, 8);
	bench_configure(bench, 0, WEIR_CFG_CACHE_LINE_SIZE + 1, 0xffff, 2);
	bench_configure(bench, 0, WEIR_CFG_CACHE_LINE_SIZE - 1, 0xffffffff, 4);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_CACHE_LINE_SIZE, 1), 0);
	bench_end(bench);
}

/* An unsupported request by MMIO sets AER and device status (PCIe 5.0, 6.2.3), which ones clear. */
static void an_unsupported_request_is_recorded_until_cleared(void)
{
	struct bench *bench = bench_new();
	uint16_t half;

	bench_enable_vfs(bench, 2);
	for (uint16_t function = 0; function <= 2; function += 2) {
		/* A read of a wrong width: advisory, so the correctable status has it as well. */
		WEIR_EXPECT_EQ(weirsim_mmio_read(bench->sim, function, 0, 8, &half, 2), 0);
		WEIR_EXPECT_EQ(half, 0xffff);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 4),
			       1 << 20);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_CORRECTABLE_STATUS, 4),
			       1 << 13);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_EXP_DEVICE_STATUS, 2), 0x9);
		/* The header logged is that of a memory read of one DWORD at this address. */
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_CONTROL, 4), 20);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_HEADER_LOG, 4),
			       function ? 0x20000001 : 1);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_HEADER_LOG + 8, 4),
			       function ? BENCH_VF_BAR0 >> 32 : BENCH_BAR0 + 8);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_HEADER_LOG + 12, 4),
			       function ? 0x4000 + 8 : 0);
		/* A write to a hole: not advisory. The log keeps the first. */
		bench_write32(bench, function, 0, 0x3ffc, 1);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_EXP_DEVICE_STATUS, 2), 0xb);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_HEADER_LOG, 4),
			       function ? 0x20000001 : 1);
		/* Zeros clear nothing, ones do. */
		bench_configure(bench, function, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 0, 4);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 4),
			       1 << 20);
		bench_configure(bench, function, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 1 << 20, 4);
		bench_configure(bench, function, WEIR_CFG_AER_CORRECTABLE_STATUS, 1 << 13, 4);
		bench_configure(bench, function, WEIR_CFG_EXP_DEVICE_STATUS, 0xf, 2);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 4),
			       0);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_AER_CORRECTABLE_STATUS, 4), 0);
		WEIR_EXPECT_EQ(bench_config(bench, function, WEIR_CFG_EXP_DEVICE_STATUS, 2), 0);
	}
	/* Nobody else saw it. */
	WEIR_EXPECT_EQ(bench_config(bench, 1, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 4), 0);
	bench_end(bench);
}

/* PCIe 5.0, 6.6.2 */
static void flr_keeps_sticky_bits_and_the_links(void)
{
	struct bench *bench = bench_new();
	uint32_t severity;
	uint16_t half;

	bench_enable_pf(bench);
	weirsim_mmio_read(bench->sim, 0, 0, 8, &half, 2); /* a sticky status bit */
	bench_configure(bench, 0, WEIR_CFG_AER_UNCORRECTABLE_MASK, 0x100000, 4);
	severity = bench_config(bench, 0, WEIR_CFG_AER_UNCORRECTABLE_SEVERITY, 4) ^ 0x1000;
	bench_configure(bench, 0, WEIR_CFG_AER_UNCORRECTABLE_SEVERITY, severity, 4);
	bench_configure(bench, 0, WEIR_CFG_EXP_LINK_CONTROL, 0xc8, 2);
	bench_configure(bench, 0, WEIR_CFG_INTERRUPT_LINE, 7, 1);
	bench_configure(bench, 0, WEIR_CFG_EXP_DEVICE_CONTROL, 0x2850 | FLR, 2);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_COMMAND, 2), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_BAR0, 4), 0xc);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_INTERRUPT_LINE, 1), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 4), 1 << 20);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_AER_UNCORRECTABLE_MASK, 4), 0x100000);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_AER_UNCORRECTABLE_SEVERITY, 4), severity);
	/* Max_Payload_Size and Link Control are the link's; Initiate FLR reads as zero. */
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_EXP_DEVICE_CONTROL, 2), 0x2850);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_EXP_LINK_CONTROL, 2), 0xc8);
	/* A hot reset takes the link along, and leaves sticky bits. */
	weirsim_hot_reset(bench->sim);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_EXP_DEVICE_CONTROL, 2), 0x2810);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_EXP_LINK_CONTROL, 2), 0);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_AER_UNCORRECTABLE_MASK, 4), 0x100000);
	bench_end(bench);
}

static void power_states_that_are_not_there_change_nothing(void)
{
	struct bench *bench = bench_new();

	for (uint32_t state = 1; state <= 2; state++) {
		bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, state, 2);
		WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_PM_CONTROL, 2), 0x8);
	}
	bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, 3, 1);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_PM_CONTROL, 2), 0xb);
	bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, 2, 1);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_PM_CONTROL, 2), 0xb);
	bench_configure(bench, 0, WEIR_CFG_PM_CONTROL, 0, 4);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_PM_CONTROL, 2), 0x8);
	bench_end(bench);
}

static void numvfs_is_read_only_while_vfs_are_enabled(void)
{
	struct bench *bench = bench_new();

	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 3, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 2, 4);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 1, 2);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), 3);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 5, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 5, 4);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 5, 1);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 1, 4);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 2), 3);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 4), 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 5, 2);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 2), 5);
	bench_end(bench);
}

static void more_vfs_than_there_are_cannot_be_enabled(void)
{
	struct bench *bench = bench_new();
	uint32_t errors = bench->log_errors;

	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, BENCH_VFS + 1, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0x9, 2);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_CONTROL, 2), 0x8);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), 0);
	WEIR_EXPECT_EQ(bench->log_errors, errors + 1);
	WEIR_EXPECT_EQ(weirsim_enable_vfs(bench->sim, BENCH_VFS + 1), -22);
	/* None at all is allowed, and nothing comes of it. */
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, 0, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0x9, 2);
	WEIR_EXPECT_EQ(bench_config(bench, 0, WEIR_CFG_SRIOV_CONTROL, 2), 0x9);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(bench->sim), 0);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_VF_ENABLE, 0), 0);
	bench_end(bench);
}

#define TEST(name)                        \
	{                                 \
		"sim.config." #name, name \
	}
const struct weir_test config_tests[] = {
	TEST(every_bit_of_the_pf_follows_its_access_mode),
	TEST(every_bit_of_a_vf_follows_its_access_mode),
	TEST(reset_values_are_those_of_the_specification),
	TEST(capability_lists_lead_to_every_capability),
	TEST(absent_functions_read_all_ones),
	TEST(crooked_accesses_do_nothing),
	TEST(an_unsupported_request_is_recorded_until_cleared),
	TEST(flr_keeps_sticky_bits_and_the_links),
	TEST(power_states_that_are_not_there_change_nothing),
	TEST(numvfs_is_read_only_while_vfs_are_enabled),
	TEST(more_vfs_than_there_are_cannot_be_enabled),
};
const size_t config_tests_count = WEIR_TESTS(config_tests);
