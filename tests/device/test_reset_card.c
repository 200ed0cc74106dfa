/* SPDX-License-Identifier: BSD-3-Clause */
/* Resets of the PF and of the whole card, and the table of what is lost and what survives (specs/reset.md). */
#include "suite.h"

#include <string.h>

#include "weir/weir_config_space.h"

#define PATTERN	 0x66
#define VFS	 4
#define STRANGER 0x112233445502ull

/* All functions at work, everyone to the next. */
static struct traffic everyone;

static void work(struct host *host, uint32_t turns)
{
	traffic_start(&everyone, host);
	for (uint32_t i = 0; i <= VFS; i++)
		traffic_add(&everyone, &host->functions[i], &host->functions[(i + 1) % (VFS + 1)],
			    false);
	traffic_turns(&everyone, turns);
}

/* What the administrator of the PF decides for VF 1. */
static void decide(struct host *host)
{
	WEIR_REQUIRE_EQ(host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
				     HOST_REQUEST(HOST_U(FUNCTION, 1), HOST_U(MAC, 0x667788990002),
						  HOST_U(VLAN, 77), HOST_U(VLAN_PRIORITY, 2),
						  HOST_U(VLAN_PROTOCOL, 0x88a8), HOST_U(TRUST, 1),
						  HOST_U(SPOOF_CHECK, 0),
						  HOST_U(LINK_POLICY, WEIR_LINK_POLICY_ENABLE)),
				     NULL),
			WEIR_STATUS_OK);
}

static void expect_decided(struct host *host, bool kept)
{
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_MAC), kept ? 0x667788990002 : 0);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_ADMIN_MAC), kept);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN), kept ? 77 : 0);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN_PRIORITY), kept ? 2 : 0);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_VLAN_PROTOCOL), kept ? 0x88a8 : 0x8100);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_TRUST), kept);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_SPOOF_CHECK), !kept);
	WEIR_EXPECT_EQ(host_vf_value(host, 1, WEIR_ATTRIBUTE_LINK_POLICY),
		       kept ? WEIR_LINK_POLICY_ENABLE : WEIR_LINK_POLICY_AUTO);
}

static void guard_all(struct host *host)
{
	for (uint32_t i = 0; i <= VFS; i++)
		memset(host->functions[i].memory, PATTERN, HOST_MEMORY_BYTES);
}

static void expect_untouched(struct host *host)
{
	static uint8_t wanted[65536];

	memset(wanted, PATTERN, sizeof(wanted));
	for (uint32_t i = 0; i <= VFS; i++)
		for (uint32_t at = 0; at < HOST_MEMORY_BYTES; at += sizeof(wanted))
			WEIR_EXPECT_MEM(host->functions[i].memory + at, wanted, sizeof(wanted));
}

static void start_all(struct host *host, bool enable)
{
	for (uint32_t i = 0; i <= VFS; i++) {
		host_forget(&host->functions[i]);
		WEIR_REQUIRE(host_up(&host->functions[i], i == 1 ? 0 : test_mac(i), 1, 2048, i % 2));
		if (i == 0 && enable)
			host_enable_vfs(host, VFS);
	}
	WEIR_REQUIRE_EQ(host_command(&host->functions[1], WEIR_COMMAND_VPORT_SET,
				     HOST_REQUEST(HOST_U(MTU, 9000)), NULL),
			WEIR_STATUS_OK);
}

/* Bus addresses do not survive a reset of configuration space: the host's operating system restores them. */
static void restore_bars(struct host *host, const uint32_t saved[12])
{
	for (uint32_t i = 0; i < 6; i++) {
		weirsim_config_write(host->sim, 0, (uint16_t)(WEIR_CFG_BAR0 + 4 * i), saved[i], 4);
		weirsim_config_write(host->sim, 0, (uint16_t)(WEIR_CFG_SRIOV_VF_BAR0 + 4 * i),
				     saved[6 + i], 4);
	}
}

static void save_bars(struct host *host, uint32_t saved[12])
{
	for (uint32_t i = 0; i < 6; i++) {
		saved[i] = weirsim_config_read(host->sim, 0, (uint16_t)(WEIR_CFG_BAR0 + 4 * i), 4);
		saved[6 + i] = weirsim_config_read(host->sim, 0,
						   (uint16_t)(WEIR_CFG_SRIOV_VF_BAR0 + 4 * i), 4);
	}
}

static void reset_of_the_pf_by_the_bus(bool hot)
{
	struct host *host = test_card(VFS, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	uint32_t bars[12];

	save_bars(host, bars);
	for (uint32_t round = 0; round < 10; round++) {
		uint32_t old[VFS + 1];

		decide(host);
		work(host, 3 + 2 * round);
		for (uint32_t i = 0; i <= VFS; i++)
			old[i] = host_read(&host->functions[i], WEIR_REG_GENERATION);
		uint64_t port_frames =
			host_stat(pf, WEIR_STATS_SCOPE_PORT, 0, WEIR_STAT_PORT_TX_FRAMES);

		traffic_turns(&everyone, 1);
		if (hot)
			weirsim_hot_reset(host->sim);
		else
			host_flr(pf);
		guard_all(host);
		/* VFs are gone with it, and nobody decodes memory. */
		WEIR_EXPECT_EQ(weirsim_vfs_enabled(host->sim), 0);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 2), 0);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, 0, WEIR_CFG_SRIOV_NUM_VFS, 2), 0);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, 1, 0, 4), UINT32_MAX);
		WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_STATUS), UINT32_MAX);
		restore_bars(host, bars);
		weirsim_config_write(host->sim, 0, WEIR_CFG_COMMAND, 2, 2);
		WEIR_EXPECT(host_state(pf) != WEIR_FUNCTION_STATE_READY);
		host_settle(host);
		WEIR_EXPECT_EQ(host_state(pf), WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_GENERATION), old[0] + 1);
		expect_untouched(host);
		start_all(host, true);
		for (uint32_t i = 1; i <= VFS; i++)
			WEIR_EXPECT_EQ(host->functions[i].generation, old[i] + 1);
		/* The administrator's decisions ended with the PF's life; the port's counters did not. */
		host_forget(&host->functions[1]);
		host_flr(&host->functions[1]);
		host_settle(host);
		expect_decided(host, false);
		WEIR_EXPECT(host_stat(pf, WEIR_STATS_SCOPE_PORT, 0, WEIR_STAT_PORT_TX_FRAMES) >=
			    port_frames);
		WEIR_REQUIRE(host_up(&host->functions[1], test_mac(1), 1, 2048, false));
	}
	work(host, 30);
	traffic_finish(&everyone);
	WEIR_EXPECT_EQ(host->log_errors, 0);
	host_destroy(host);
}

static void flr_of_the_pf_takes_its_vfs_along(void)
{
	reset_of_the_pf_by_the_bus(false);
}

static void a_hot_reset_takes_everything_along(void)
{
	reset_of_the_pf_by_the_bus(true);
}

static void soft_reset_of_the_pf_keeps_vfs_and_their_policy(void)
{
	struct host *host = test_card(VFS, 1, 2048, false);
	struct host_function *pf = &host->functions[0], *vf = &host->functions[1];

	for (uint32_t round = 0; round < 10; round++) {
		uint32_t old[VFS + 1];

		decide(host);
		WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_VLAN, 0), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, test_mac(1)),
				WEIR_STATUS_OK);
		work(host, 3 + 2 * round);
		decide(host);
		for (uint32_t i = 0; i <= VFS; i++)
			old[i] = host_read(&host->functions[i], WEIR_REG_GENERATION);
		host_write(pf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		for (uint32_t turn = 0, fresh = 0; turn < 20000 && fresh <= VFS; turn++) {
			host_turn(host);
			fresh = 0;
			for (uint32_t i = 0; i <= VFS; i++)
				fresh += host_state(&host->functions[i]) ==
						 WEIR_FUNCTION_STATE_READY &&
					 host_read(&host->functions[i], WEIR_REG_GENERATION) !=
						 old[i];
		}
		guard_all(host);
		for (uint32_t i = 0; i <= VFS; i++) {
			WEIR_EXPECT_EQ(host_state(&host->functions[i]), WEIR_FUNCTION_STATE_READY);
			WEIR_EXPECT_EQ(host_read(&host->functions[i], WEIR_REG_GENERATION),
				       old[i] + 1);
		}
		host_settle(host);
		expect_untouched(host);
		WEIR_EXPECT_EQ(weirsim_vfs_enabled(host->sim), VFS);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, 0, WEIR_CFG_COMMAND, 2) & 6, 6);
		start_all(host, false);
		expect_decided(host, true);
		/* The port VLAN held all the time: untagged frames are not the VF's. */
		WEIR_EXPECT_EQ(test_takers(host, TEST_WIRE, 0x667788990002, STRANGER, 0, 0, 0, 0),
			       0);
		WEIR_EXPECT_EQ(test_takers(host, TEST_WIRE, 0x667788990002, STRANGER, 0x88a8, 77, 0,
					   0),
			       1u << 1);
	}
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_GENERATION), 11);
	host_destroy(host);
}

static void the_card_in_d3hot_stands_still(void)
{
	struct host *host = test_card(VFS, 1, 2048, false);
	static uint8_t before[VFS + 1][HOST_MEMORY_BYTES];

	work(host, 50);
	traffic_finish(&everyone);
	for (uint32_t round = 0; round < 5; round++) {
		uint32_t wire = host->wire_count, interrupts = 0, after = 0;
		static uint8_t frame[100];

		/* Frames are posted and rung for, and then the power goes. */
		for (uint32_t i = 0; i <= VFS; i++) {
			host_make_frame(frame, test_mac(77), test_mac(i), 0, 0, sizeof(frame), i,
					round);
			WEIR_REQUIRE(host_send(&host->functions[i], 0, frame, sizeof(frame), 1, 0,
					       0, 0));
			host_send_done(&host->functions[i], 0);
			interrupts +=
				host->functions[i].interrupts[0] + host->functions[i].interrupts[1];
		}
		weirsim_config_write(host->sim, 0, WEIR_CFG_PM_CONTROL, 3, 2);
		for (uint32_t i = 0; i <= VFS; i++) {
			memcpy(before[i], host->functions[i].memory, HOST_MEMORY_BYTES);
			WEIR_EXPECT_EQ(host_read(&host->functions[i], WEIR_REG_STATUS), UINT32_MAX);
		}
		host_make_frame(frame, test_mac(1), STRANGER, 0, 0, sizeof(frame), 1, 1);
		WEIR_EXPECT_EQ(weirsim_wire_receive(host->sim, 0, frame, sizeof(frame)), 0);
		host_pass_ms(host, 20);
		for (uint32_t i = 0; i <= VFS; i++) {
			WEIR_EXPECT_MEM(host->functions[i].memory, before[i], HOST_MEMORY_BYTES);
			after +=
				host->functions[i].interrupts[0] + host->functions[i].interrupts[1];
		}
		WEIR_EXPECT_EQ(after, interrupts);
		WEIR_EXPECT_EQ(host->wire_count, wire);
		/* Not D1, not D2. */
		weirsim_config_write(host->sim, 0, WEIR_CFG_PM_CONTROL, 1 + round % 2, 2);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, 0, WEIR_CFG_PM_CONTROL, 2) & 3, 3);
		/* No_Soft_Reset: it goes on where it stood. */
		weirsim_config_write(host->sim, 0, WEIR_CFG_PM_CONTROL, 0, 2);
		host_settle(host);
		WEIR_EXPECT_EQ(host->wire_count, wire + VFS + 1);
		for (uint32_t i = 0; i <= VFS; i++)
			WEIR_EXPECT_EQ(host_read(&host->functions[i], WEIR_REG_GENERATION),
				       host->functions[i].generation);
		traffic_turns(&everyone, 20);
		traffic_finish(&everyone);
	}
	host_destroy(host);
}

/* ---- generations, values ---- */

static void generations_count_and_are_never_used_twice(void)
{
	struct host *host = host_create(VFS, test_seed());
	struct host_function *pf = &host->functions[0], *vf = &host->functions[2];
	uint32_t expected = 1, bars[12];

	host_wire_capture(host);
	WEIR_REQUIRE(host_start(pf));
	WEIR_EXPECT_EQ(pf->generation, 1);
	host_enable_vfs(host, VFS);
	for (uint32_t i = 1; i <= VFS; i++)
		WEIR_EXPECT_EQ(host_read(&host->functions[i], WEIR_REG_GENERATION), 1);
	save_bars(host, bars);
	for (uint32_t round = 0; round < 40; round++) {
		switch (round % 5) {
		case 0:
			host_flr(vf);
			break;
		case 1:
			host_write(vf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
			break;
		case 2:
			host_enable_vfs(host, 0);
			host_enable_vfs(host, VFS);
			break;
		case 3:
			host_flr(pf);
			host_settle(host);
			restore_bars(host, bars);
			host_forget(pf);
			WEIR_REQUIRE(host_start(pf));
			host_enable_vfs(host, VFS);
			break;
		default:
			host_write(pf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
			break;
		}
		host_settle(host);
		expected++;
		WEIR_EXPECT_EQ(host_state(vf), WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_GENERATION), expected);
	}
	WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_GENERATION), 1 + 16);
	host_destroy(host);
}

static void several_causes_at_once_fold_into_one_reset(void)
{
	struct host *host = test_card(VFS, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint32_t generation = vf->generation;

	for (uint32_t round = 0; round < 30; round++) {
		for (uint32_t i = 0; i < 1 + round % 3; i++)
			host_write(vf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		for (uint32_t i = 0; i < round % 4; i++)
			host_turn(host);
		if (round % 2)
			host_flr(vf);
		host_manage(host, WEIR_COMMAND_VF_RESET, HOST_REQUEST(HOST_U(FUNCTION, 1)), NULL);
		host_settle(host);
		uint32_t now = host_read(vf, WEIR_REG_GENERATION);

		WEIR_EXPECT(now > generation && now <= generation + 4);
		WEIR_EXPECT_EQ(host_state(vf), WEIR_FUNCTION_STATE_READY);
		generation = now;
	}
	host_forget(vf);
	WEIR_REQUIRE(host_up(vf, test_mac(1), 1, 2048, false));
	WEIR_EXPECT_EQ(test_takers(host, 2, test_mac(1), test_mac(2), 0, 0, 0, 0), 2u);
	host_destroy(host);
}

static void a_reset_function_has_its_reset_values(void)
{
	struct host *host = test_card(VFS, 2, 2048, false);
	struct host_function *pf = &host->functions[0], *vf = &host->functions[1];
	uint64_t pf_mac = 0;
	struct host_response response;

	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_LOG_LEVEL,
				     HOST_REQUEST(HOST_U(LEVEL, WEIR_LOG_LEVEL_DEBUG)), NULL),
			WEIR_STATUS_OK);
	for (uint32_t round = 0; round < 4; round++) {
		/* Everything that can be set. */
		if (round % 2)
			WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, 0x445566778802),
					WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_TRUST, 1), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_vport_flags(vf, 0x37, 0x3f), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_FILTER_ADD,
					     HOST_REQUEST(HOST_U(MAC, 0x3302)), NULL),
				WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VLAN_ADD,
					     HOST_REQUEST(HOST_U(VLAN, 12)), NULL),
				WEIR_STATUS_OK);
		for (uint32_t i = 0; i < 5; i++)
			WEIR_EXPECT_EQ(host_command(vf, 0x7777, NULL, NULL),
				       WEIR_STATUS_UNKNOWN_COMMAND);
		host_write(vf, WEIR_REG_MAILBOX_OWNER, 99);
		host_settle(host);
		if (round < 2)
			host_flr(vf);
		else
			host_write(vf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		host_settle(host);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_OWNER), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_STATUS), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_ADMIN_STATUS), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_ADMIN_SQ_BASE_LOW), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_ADMIN_SIZES), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAC_LOW), round % 2 ? 0x66778802 : 0);
		host_forget(vf);
		WEIR_REQUIRE(host_start(vf));
		WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_VPORT_FLAGS),
			       WEIR_VPORT_BROADCAST);
		WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_MTU), 1500);
		WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_MAC),
			       round % 2 ? 0x445566778802 : 0);
		WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_FILTERS_USED), 0);
		WEIR_EXPECT_EQ(host_vport_value(vf, WEIR_ATTRIBUTE_TRUST), 1);
		WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_VLAN_DELETE,
					    HOST_REQUEST(HOST_U(VLAN, 12)), NULL),
			       WEIR_STATUS_NOT_FOUND);
		WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_RX_QUEUE_DESTROY,
					    HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
			       WEIR_STATUS_NOT_FOUND);
		WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_TX_QUEUE_DESTROY,
					    HOST_REQUEST(HOST_U(QUEUE, 1)), NULL),
			       WEIR_STATUS_NOT_FOUND);
		/* Counters: all gone but the resets. */
		for (uint32_t i = 0; i < WEIR_STAT_VPORT_COUNT; i++)
			WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_VPORT, 0, i), 0);
		WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_RESETS),
			       2 * round + 1);
		WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_ADMIN_ERRORS),
			       3);
		WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, 0), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_TRUST, 0), WEIR_STATUS_OK);
		host_flr(vf);
		host_settle(host);
		host_forget(vf);
		WEIR_REQUIRE(host_up(vf, test_mac(1), 2, 2048, false));
	}
	/* The PF's MAC is the same in every life. */
	host_forget(pf);
	for (uint32_t round = 0; round < 3; round++) {
		host_write(pf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		host_settle(host);
		host_forget(pf);
		WEIR_REQUIRE(host_start(pf));
		WEIR_EXPECT(host_vport_value(pf, WEIR_ATTRIBUTE_MAC) != 0);
		if (round)
			WEIR_EXPECT_EQ(host_vport_value(pf, WEIR_ATTRIBUTE_MAC), pf_mac);
		pf_mac = host_vport_value(pf, WEIR_ATTRIBUTE_MAC);
		WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_MAC_LOW), (uint32_t)pf_mac);
	}
	/* The log's level lives as long as the power: commands are still logged. */
	uint32_t lines = host->log_lines;

	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_ECHO, NULL, &response), WEIR_STATUS_OK);
	WEIR_EXPECT(host->log_lines > lines);
	host_destroy(host);
}

/* ---- what is written before READY ---- */

static void what_is_written_before_ready_is_lost(void)
{
	struct host *host = test_card(VFS, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	for (uint32_t round = 0; round < 60; round++) {
		uint32_t old = host_read(vf, WEIR_REG_GENERATION);

		if (round % 2)
			host_flr(vf);
		else
			host_write(vf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		/* Until it leaves READY a write is to the old life; then it is to nobody. */
		for (uint32_t i = 0; i < 20000 && host_state(vf) == WEIR_FUNCTION_STATE_READY &&
				     host_read(vf, WEIR_REG_GENERATION) == old;
		     i++)
			host_turn(host);
		while (host_state(vf) != WEIR_FUNCTION_STATE_READY) {
			host_write(vf, WEIR_REG_ADMIN_SIZES, 0xffff0504);
			host_write(vf, WEIR_REG_ADMIN_SQ_BASE_LOW, (uint32_t)vf->iova);
			host_write(vf, WEIR_REG_ADMIN_SQ_BASE_HIGH, (uint32_t)(vf->iova >> 32));
			host_write(vf, WEIR_REG_ADMIN_CQ_BASE_LOW, (uint32_t)vf->iova + 0x1000);
			host_write(vf, WEIR_REG_ADMIN_CQ_BASE_HIGH, (uint32_t)(vf->iova >> 32));
			host_write(vf, WEIR_REG_ADMIN_CONTROL, 1);
			host_write(vf, WEIR_REG_MAILBOX_OWNER, 5);
			host_write(vf, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_GET_INFO);
			host_doorbell(vf, 0, WEIR_DOORBELL_RX_TAIL, 5);
			host_turn(host);
		}
		host_settle(host);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_ADMIN_STATUS), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_ADMIN_SIZES), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_OWNER), 0);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_STATUS), 0);
		host_forget(vf);
		WEIR_REQUIRE(host_up(vf, test_mac(1), 1, 2048, false));
		WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0,
					 WEIR_STAT_FUNCTION_BAD_DOORBELLS),
			       0);
	}
	host_destroy(host);
}

static void a_mailbox_command_that_a_reset_cuts_off_says_so(void)
{
	struct host *host = test_card(VFS, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	bool up = true;

	/* VF 1's ring is full: its announced reset takes ten milliseconds, and with it the PF's command. */
	for (uint32_t i = 0; i < 80; i++) {
		up = !up;
		weirsim_wire_link(host->sim, 0, up);
		host_settle(host);
		host_take_events(pf);
	}
	uint8_t request[8];

	host_encode(request, HOST_REQUEST(HOST_U(FUNCTION, 1)));
	for (uint32_t at = 0; at < 8; at += 4) {
		uint32_t word;

		memcpy(&word, request + at, 4);
		host_write(pf, WEIR_REG_MAILBOX_WINDOW_VALUE + at, word);
	}
	host_write(pf, WEIR_REG_MAILBOX_OWNER, 7);
	host_write(pf, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_VF_RESET | 8u << 16);
	for (uint32_t i = 0; i < 40; i++)
		host_turn(host);
	WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_MAILBOX_STATUS), 1);
	host_write(pf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	host_settle(host);
	WEIR_EXPECT_EQ(host_state(pf), WEIR_FUNCTION_STATE_READY);
	WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_MAILBOX_STATUS), 2 | WEIR_STATUS_RESET << 8);
	WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_MAILBOX_OWNER), 0);
	/* The next command is answered as ever. */
	WEIR_EXPECT_EQ(host_mailbox_bytes(pf, WEIR_COMMAND_GET_INFO, "", 0, NULL), WEIR_STATUS_OK);
	host_destroy(host);
}

const struct weir_test reset_card_tests[] = {
	{ "reset.flr_of_the_pf_takes_its_vfs_along", flr_of_the_pf_takes_its_vfs_along },
	{ "reset.a_hot_reset_takes_everything_along", a_hot_reset_takes_everything_along },
	{ "reset.soft_reset_of_the_pf_keeps_vfs_and_their_policy",
	  soft_reset_of_the_pf_keeps_vfs_and_their_policy },
	{ "reset.the_card_in_d3hot_stands_still", the_card_in_d3hot_stands_still },
	{ "reset.generations_count_and_are_never_used_twice",
	  generations_count_and_are_never_used_twice },
	{ "reset.several_causes_at_once_fold_into_one", several_causes_at_once_fold_into_one_reset },
	{ "reset.a_function_has_its_reset_values_again", a_reset_function_has_its_reset_values },
	{ "reset.what_is_written_before_ready_is_lost", what_is_written_before_ready_is_lost },
	{ "reset.a_mailbox_command_that_is_cut_off_says_so",
	  a_mailbox_command_that_a_reset_cuts_off_says_so },
};
const size_t reset_card_test_count = WEIR_TESTS(reset_card_tests);
