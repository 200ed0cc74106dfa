/* SPDX-License-Identifier: BSD-3-Clause */
/* As many VFs as PCIe can name, and more than one bus number can (specs/pcie.md). Configuration space itself is tests/sim's. */
#include "suite.h"

#include "weir/weir_config_space.h"

/* Starts all of so many VFs; the first and the last, whose routing ids lie on different buses, pass frames both ways. */
static void start_many(uint16_t vfs)
{
	struct host *host = host_create(vfs, test_seed());
	struct host_function *first = &host->functions[1], *last = &host->functions[vfs];
	struct traffic traffic;

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, vfs);
	for (uint16_t i = 1; i <= vfs; i++) {
		struct host_function *vf = &host->functions[i];

		WEIR_REQUIRE(host_start(vf));
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_FUNCTION), 1u << 16 | i);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, i, WEIR_CFG_VENDOR_ID, 2), 0xffff);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, i, WEIR_CFG_EXP_CAPABILITIES, 2),
			       0x0002);
		if (i % 50 == 0)
			WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_ECHO, NULL, NULL),
				       WEIR_STATUS_OK);
	}
	/* Behind the last there is nobody, in configuration space or memory. */
	uint64_t aperture = WEIR_BAR_REGISTERS_VF_BYTES;
	uint32_t value = 0;

	WEIR_EXPECT(!weirsim_memory_read(host->sim, host_bar(last, WEIR_BAR_REGISTERS) + aperture,
					 &value, 4));
	WEIR_EXPECT_EQ(value, UINT32_MAX);
	WEIR_EXPECT_EQ(weirsim_config_read(host->sim, (uint16_t)(vfs + 1), 0, 4), UINT32_MAX);
	for (uint32_t i = 0; i < 2; i++) {
		struct host_function *vf = i ? last : first;

		WEIR_REQUIRE_EQ(host_queue_create(vf, 0, 2048, 1, i), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(
			host_command(vf, WEIR_COMMAND_VPORT_SET,
				     HOST_REQUEST(HOST_U(MAC, test_mac(vf->index)),
						  HOST_U(VPORT_FLAGS, WEIR_VPORT_ENABLE),
						  HOST_U(VPORT_FLAGS_MASK, WEIR_VPORT_ENABLE)),
				     NULL),
			WEIR_STATUS_OK);
	}
	host_settle(host);
	traffic_start(&traffic, host);
	traffic_add(&traffic, first, last, false);
	traffic_add(&traffic, last, first, false);
	traffic_add(&traffic, &host->functions[0], last, false);
	while (traffic.flows[0].sent < 200)
		traffic_turn(&traffic);
	traffic_finish(&traffic);
	WEIR_EXPECT_EQ(host_stat(last, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_FRAMES),
		       traffic.flows[0].sent + traffic.flows[2].sent);
	/* All gone at once, all back at once. */
	host_enable_vfs(host, 0);
	WEIR_EXPECT_EQ(weirsim_config_read(host->sim, vfs, 0, 4), UINT32_MAX);
	host_enable_vfs(host, vfs);
	for (uint16_t i = 1; i <= vfs; i++)
		WEIR_EXPECT_EQ(host_read(&host->functions[i], WEIR_REG_GENERATION),
			       host->functions[i].generation + 1);
	WEIR_EXPECT(host_state(last) == WEIR_FUNCTION_STATE_READY);
	host_destroy(host);
}

static void two_hundred_and_fifty_four_vfs_start_and_pass_frames(void)
{
	start_many(254);
}

static void a_thousand_and_twenty_four_vfs_start_and_pass_frames(void)
{
	start_many(1024);
}

static bool all_usable(struct host *host, uint16_t vfs)
{
	for (uint16_t i = 1; i <= vfs; i++)
		if (!weirsim_function_usable(host->sim, i))
			return false;
	return true;
}

static void vfs_appear_within_their_time(void)
{
	struct host *host = host_create(1024, test_seed());
	uint64_t began;

	host_wire_capture(host);
	WEIR_REQUIRE(host_start(&host->functions[0]));
	began = weirsim_now_ns(host->sim);
	weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_NUM_VFS, 1024, 2);
	weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 0x19, 2);
	while (!all_usable(host, 1024)) {
		/* A turn of the loop on a slow board. */
		weirsim_poll(host->sim);
		weirsim_advance_ns(host->sim, 1000000);
		WEIR_REQUIRE(weirsim_now_ns(host->sim) - began < 1000000000);
	}
	/* RESET_TIME_MS, at a millisecond for each turn. */
	WEIR_EXPECT(weirsim_now_ns(host->sim) - began <= WEIR_RESET_TIME_MS * 1000000ull);
	host_destroy(host);
}

const struct weir_test pcie_tests[] = {
	{ "pcie.254_vfs_start_and_pass_frames",
	  two_hundred_and_fifty_four_vfs_start_and_pass_frames },
	{ "pcie.1024_vfs_start_and_pass_frames_across_buses",
	  a_thousand_and_twenty_four_vfs_start_and_pass_frames },
	{ "pcie.1024_vfs_appear_within_their_time", vfs_appear_within_their_time },
};
const size_t pcie_test_count = WEIR_TESTS(pcie_tests);
