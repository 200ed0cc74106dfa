/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that can happen to a card, in random order: resets of every kind, power, bus mastering, masks, mappings that go away,
 * mistakes, policies, queues that come and go, all under traffic. After each step what must hold is looked at; in the end everybody
 * works. WEIR_TEST_SEED replays a storm, WEIR_TEST_STEPS makes it longer (10000 otherwise), WEIR_TEST_VERBOSE tells each step.
 */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/weir_config_space.h"

#define VFS	6u
#define PATTERN 0x55

enum life {
	UP,	  /* its driver works with it */
	IN_RESET, /* its driver waits for READY */
	AT_REST,  /* READY in a new generation, nothing of it may move: its memory is guarded */
	GONE,	  /* a VF that is not enabled; the same */
};

struct storm {
	struct host *host;
	struct traffic traffic;
	uint64_t random;
	uint32_t step, bars[12];
	enum life life[VFS + 1];
	uint32_t generation[VFS + 1]; /* last seen */
	bool no_master[VFS + 1];
	bool link_down, power_off;
	uint32_t done[32]; /* how often each thing was done */
};

static struct storm storm;

static uint32_t chance(uint32_t below)
{
	storm.random = storm.random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((storm.random >> 33) % below);
}

static struct host_function *function_at(uint32_t index)
{
	return &storm.host->functions[index];
}

/* ---- what is known of a function ---- */

static void guard(uint32_t index)
{
	struct host_function *function = function_at(index);

	if (function->memory)
		memset(function->memory, PATTERN, function->allocated);
}

static void expect_guarded(uint32_t index)
{
	struct host_function *function = function_at(index);

	for (uint32_t at = 0; function->memory && at < function->allocated; at++)
		if (function->memory[at] != PATTERN)
			WEIR_REQUIRE_EQ(function->memory[at], PATTERN);
}

/* Its driver lets go of everything. */
static void let_go(uint32_t index, enum life life)
{
	struct host_function *function = function_at(index);

	for (uint32_t i = 0; i < HOST_QUEUES; i++)
		function->tx[i].created = function->rx[i].created = false;
	traffic_interrupted(&storm.traffic, function);
	if (storm.life[index] == AT_REST || storm.life[index] == GONE)
		expect_guarded(index);
	storm.life[index] = life;
}

static void disturb_all(void)
{
	for (uint32_t i = 0; i <= VFS; i++)
		traffic_interrupted(&storm.traffic, function_at(i));
}

/* After every step. */
static void look(void)
{
	struct host *host = storm.host;

	WEIR_REQUIRE_EQ(host->log_errors, 0);
	host->wire_count = 0;
	if (storm.power_off)
		return;
	for (uint32_t i = 0; i <= VFS; i++) {
		struct host_function *function = function_at(i);

		if (storm.life[i] == GONE) {
			WEIR_REQUIRE_EQ(host_read(function, WEIR_REG_STATUS), UINT32_MAX);
			continue;
		}
		uint32_t state = host_state(function),
			 generation = host_read(function, WEIR_REG_GENERATION);

		if (storm.life[i] == UP) {
			/* Nobody is reset without a cause. */
			WEIR_REQUIRE_EQ(state, WEIR_FUNCTION_STATE_READY);
			WEIR_REQUIRE_EQ(generation, function->generation);
		} else if (storm.life[i] == IN_RESET && state == WEIR_FUNCTION_STATE_READY &&
			   generation != function->generation) {
			storm.life[i] = AT_REST;
			guard(i);
		} else if (storm.life[i] == AT_REST) {
			WEIR_REQUIRE_EQ(state, WEIR_FUNCTION_STATE_READY);
		}
		if (state == WEIR_FUNCTION_STATE_READY) {
			WEIR_REQUIRE(generation >= storm.generation[i]);
			storm.generation[i] = generation;
		}
	}
}

/* Brings a function that is at rest back to work. */
static void revive(uint32_t index)
{
	struct host_function *function = function_at(index);

	expect_guarded(index);
	host_forget(function);
	WEIR_REQUIRE(host_up(function, test_mac(index), 1, chance(2) ? 2048 : 512, chance(2)));
	WEIR_REQUIRE(function->generation > 0);
	storm.life[index] = UP;
	storm.no_master[index] = false;
	traffic_interrupted(&storm.traffic, function);
}

static bool pf_works(void)
{
	return storm.life[0] == UP && !storm.no_master[0];
}

static bool works(uint32_t index)
{
	return storm.life[index] == UP && !storm.no_master[index];
}

/* A VF that works, 0: none. */
static uint32_t some_vf(void)
{
	uint32_t first = chance(VFS);

	for (uint32_t i = 0; i < VFS; i++)
		if (works(1 + (first + i) % VFS))
			return 1 + (first + i) % VFS;
	return 0;
}

/* ---- what happens ---- */

static bool turn_a_while(void)
{
	traffic_turns(&storm.traffic, 1 + chance(6));
	return true;
}

static bool settle(void)
{
	host_settle(storm.host);
	return true;
}

static bool flr_of_a_vf(void)
{
	uint32_t vf = 1 + chance(VFS);

	if (storm.life[vf] == GONE)
		return false;
	let_go(vf, IN_RESET);
	host_flr(function_at(vf));
	/* It is quiet from here, and what its driver was is forgotten. */
	function_at(vf)->generation = storm.generation[vf];
	return true;
}

static bool soft_reset_of_a_vf(void)
{
	uint32_t vf = 1 + chance(VFS);

	if (storm.life[vf] != UP)
		return false;
	let_go(vf, IN_RESET);
	host_write(function_at(vf), WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	return true;
}

static bool vf_reset_by_the_owner(void)
{
	uint32_t vf = some_vf();

	if (!vf)
		return false;
	let_go(vf, IN_RESET);
	WEIR_REQUIRE_EQ(host_manage(storm.host, WEIR_COMMAND_VF_RESET,
				    HOST_REQUEST(HOST_U(FUNCTION, vf)), NULL),
			WEIR_STATUS_OK);
	return true;
}

static bool vf_reset_by_the_pf(void)
{
	uint32_t vf = some_vf();

	if (!vf || !pf_works())
		return false;
	let_go(vf, IN_RESET);
	WEIR_REQUIRE_EQ(host_command(function_at(0), WEIR_COMMAND_VF_RESET,
				     HOST_REQUEST(HOST_U(FUNCTION, vf)), NULL),
			WEIR_STATUS_OK);
	return true;
}

static bool start_somebody(void)
{
	for (uint32_t i = 0; i <= VFS; i++) {
		uint32_t index = (storm.step + i) % (VFS + 1);

		if (storm.life[index] == AT_REST) {
			revive(index);
			return true;
		}
	}
	return false;
}

static bool vfs_come_or_go(void)
{
	bool on = weirsim_vfs_enabled(storm.host->sim) == 0;
	uint32_t count = 1 + chance(VFS);

	/* Only the PF's driver, which works, does so. */
	if (!pf_works())
		return false;
	if (!on) {
		weirsim_config_write(storm.host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 0x10, 2);
		for (uint32_t i = 1; i <= VFS; i++) {
			if (storm.life[i] == GONE)
				continue;
			let_go(i, GONE);
			guard(i);
		}
		return true;
	}
	host_settle(storm.host);
	weirsim_config_write(storm.host->sim, 0, WEIR_CFG_SRIOV_NUM_VFS, count, 2);
	weirsim_config_write(storm.host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 0x19, 2);
	for (uint32_t i = 1; i <= count; i++) {
		expect_guarded(i);
		function_at(i)->generation = storm.generation[i];
		storm.life[i] = IN_RESET;
	}
	return true;
}

static void restore_bars(void)
{
	for (uint32_t i = 0; i < 6; i++) {
		weirsim_config_write(storm.host->sim, 0, (uint16_t)(WEIR_CFG_BAR0 + 4 * i),
				     storm.bars[i], 4);
		weirsim_config_write(storm.host->sim, 0, (uint16_t)(WEIR_CFG_SRIOV_VF_BAR0 + 4 * i),
				     storm.bars[6 + i], 4);
	}
	weirsim_config_write(storm.host->sim, 0, WEIR_CFG_COMMAND, 2, 2);
}

static bool reset_of_the_card(void)
{
	for (uint32_t i = 0; i <= VFS; i++) {
		if (storm.life[i] != GONE)
			let_go(i, i ? GONE : IN_RESET);
		guard(i);
	}
	function_at(0)->generation = storm.generation[0];
	if (chance(2))
		weirsim_hot_reset(storm.host->sim);
	else
		host_flr(function_at(0));
	restore_bars();
	return true;
}

static bool soft_reset_of_the_pf(void)
{
	if (storm.life[0] != UP)
		return false;
	for (uint32_t i = 0; i <= VFS; i++) {
		if (storm.life[i] == GONE)
			continue;
		let_go(i, IN_RESET);
		function_at(i)->generation = storm.generation[i];
	}
	host_write(function_at(0), WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	/* Those at rest are READY yet: until the reset was obeyed nothing can be said. */
	host_settle(storm.host);
	return true;
}

static bool bus_master_goes_or_comes(void)
{
	uint32_t index = chance(VFS + 1);

	if (storm.life[index] != UP)
		return false;
	storm.no_master[index] = !storm.no_master[index];
	weirsim_config_write(storm.host->sim, (uint16_t)index, WEIR_CFG_COMMAND,
			     storm.no_master[index] ? 2 : 6, 2);
	traffic_interrupted(&storm.traffic, function_at(index));
	return true;
}

static bool power_goes_or_comes(void)
{
	storm.power_off = !storm.power_off;
	weirsim_config_write(storm.host->sim, 0, WEIR_CFG_PM_CONTROL, storm.power_off ? 3 : 0, 2);
	if (storm.power_off)
		for (uint32_t i = 1 + chance(20); i; i--)
			host_turn(storm.host);
	disturb_all();
	return true;
}

static bool link_goes_or_comes(void)
{
	storm.link_down = !storm.link_down;
	weirsim_wire_link(storm.host->sim, 0, !storm.link_down);
	disturb_all();
	return true;
}

static bool vectors_are_masked(void)
{
	uint32_t index = chance(VFS + 1);

	if (storm.life[index] != UP)
		return false;
	if (chance(2))
		host_vector_mask(function_at(index), (uint16_t)chance(4), chance(2));
	else
		weirsim_config_write(storm.host->sim, (uint16_t)index, WEIR_CFG_MSIX_CONTROL,
				     0x8000 | (chance(2) ? 0x4000 : 0), 2);
	host_doorbell(function_at(index), 0, WEIR_DOORBELL_RX_ARM, function_at(index)->rx[0].taken);
	return true;
}

static bool a_queue_is_made_anew(void)
{
	uint32_t index = chance(VFS + 1);
	struct host_function *function = function_at(index);

	if (!works(index))
		return false;
	WEIR_REQUIRE_EQ(host_queue_destroy(function, 0), WEIR_STATUS_OK);
	traffic_turns(&storm.traffic, chance(3));
	const struct host_attribute moderation[] = {
		HOST_U(MODERATION_US, chance(2) ? chance(2000) : 0),
		HOST_U(MODERATION_COUNT, chance(2) ? chance(40) : 0),
		{ 0, 0, 0, NULL },
	};

	function->rx[0].timed = chance(2);
	function->tx[0].reported = chance(2);
	WEIR_REQUIRE_EQ(host_queue_create_with(function, 0, 1024, (uint16_t)chance(3), chance(2),
					       moderation),
			WEIR_STATUS_OK);
	traffic_interrupted(&storm.traffic, function);
	return true;
}

static bool a_filter_comes_or_goes(void)
{
	uint32_t index = chance(VFS + 1);
	uint64_t mac = 0x5500000000fe + (uint64_t)chance(8) * 0x10000;

	if (!works(index))
		return false;
	int status = host_command(
		function_at(index),
		chance(2) ? WEIR_COMMAND_FILTER_ADD : WEIR_COMMAND_FILTER_DELETE,
		HOST_REQUEST(HOST_U(MAC, mac), HOST_U(VLAN, chance(2) ? WEIR_VLAN_NONE : 5)), NULL);

	WEIR_REQUIRE(status == WEIR_STATUS_OK || status == WEIR_STATUS_EXISTS ||
		     status == WEIR_STATUS_NOT_FOUND || status == WEIR_STATUS_NOT_PERMITTED);
	return true;
}

static bool flags_change(void)
{
	uint32_t index = chance(VFS + 1);
	uint32_t flags = WEIR_VPORT_BROADCAST | WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_STRIP |
			 WEIR_VPORT_VLAN_FILTER_8021AD | WEIR_VPORT_VLAN_STRIP_8021AD |
			 (chance(8) ? 0 : WEIR_VPORT_ENABLE);

	if (!works(index))
		return false;
	WEIR_REQUIRE_EQ(host_vport_flags(function_at(index),
					 chance(64) | (flags & WEIR_VPORT_ENABLE ? chance(2) : 0),
					 flags & ~chance(64)),
			WEIR_STATUS_OK);
	traffic_interrupted(&storm.traffic, function_at(index));
	return true;
}

static bool a_policy_changes(void)
{
	static const uint16_t attributes[] = { WEIR_ATTRIBUTE_VLAN, WEIR_ATTRIBUTE_TRUST,
					       WEIR_ATTRIBUTE_SPOOF_CHECK,
					       WEIR_ATTRIBUTE_LINK_POLICY };
	uint32_t vf = 1 + chance(VFS), which = chance(4);
	uint64_t value = which == 0 ? (chance(3) ? 0 : 5) : chance(which == 3 ? 3 : 2);

	WEIR_REQUIRE_EQ(host_manage(storm.host, WEIR_COMMAND_VF_SET,
				    HOST_REQUEST(HOST_U(FUNCTION, vf),
						 { attributes[which], 0, value, NULL }),
				    NULL),
			WEIR_STATUS_OK);
	traffic_interrupted(&storm.traffic, function_at(vf));
	return true;
}

static bool a_vf_errs(void)
{
	uint32_t vf = some_vf();
	struct host_function *function = function_at(vf);
	struct weir_tx_descriptor descriptor = {
		.address = weir_cpu_to_le64(function->iova + (chance(2) ? 0x40000000u : 0)),
		.length = weir_cpu_to_le16((uint16_t)chance(65536)),
		.flags = weir_cpu_to_le16((uint16_t)(WEIR_TXD_END_MASK | chance(65536))),
		.checksum = weir_cpu_to_le16((uint16_t)(chance(2) ? chance(65536) : 0)),
	};
	uint64_t garbage = storm.random;

	if (!vf)
		return false;
	switch (chance(6)) {
	case 0:
		host_doorbell(function, (uint16_t)(1 + chance(15)), WEIR_DOORBELL_TX_TAIL,
			      chance(0x20000));
		break;
	case 1:
		weirsim_memory_write(storm.host->sim,
				     host_bar(function, WEIR_BAR_REGISTERS) + 0x800 + chance(0x400),
				     &garbage, 1u << chance(4));
		break;
	case 2:
		for (uint32_t i = chance(8); i && host_transmit_room(function, 0); i--)
			host_post_descriptor(function, 0, &descriptor);
		host_send_done(function, 0);
		break;
	case 3:
		host_command(function, (uint16_t)chance(0x80), HOST_REQUEST(HOST_U(QUEUE, 77)),
			     NULL);
		break;
	case 4:
		host_write(function, WEIR_REG_MAILBOX_REQUEST, (uint32_t)garbage & 0x0fffffff);
		break;
	default:
		host_doorbell(function, 0, WEIR_DOORBELL_RX_ARM, 0x10000 + chance(0x10000));
		break;
	}
	traffic_interrupted(&storm.traffic, function);
	return true;
}

static void unmapped(void *opaque)
{
	*(bool *)opaque = true;
}

static bool a_vf_loses_its_memory(void)
{
	uint32_t vf = some_vf();
	struct host_function *function = function_at(vf);
	bool done = false;

	if (!vf)
		return false;
	let_go(vf, IN_RESET);
	WEIR_REQUIRE(weirsim_dma_unmap_all(storm.host->sim, (uint16_t)vf, unmapped, &done) > 0);
	for (uint32_t i = 0; !done; i++) {
		WEIR_REQUIRE(i < 10000);
		host_turn(storm.host);
	}
	guard(vf);
	traffic_turns(&storm.traffic, chance(10));
	expect_guarded(vf);
	WEIR_REQUIRE_EQ(weirsim_dma_map(storm.host->sim, (uint16_t)vf, function->iova,
					function->memory, HOST_MEMORY_BYTES,
					WEIRSIM_READ | WEIRSIM_WRITE),
			0);
	host_flr(function);
	function->generation = storm.generation[vf];
	return true;
}

static bool the_admin_queue_is_made_anew(void)
{
	uint32_t index = chance(VFS + 1);
	struct host_function *function = function_at(index);

	if (!works(index) || function->allocated > HOST_MEMORY_BYTES / 2)
		return false;
	host_write(function, WEIR_REG_ADMIN_CONTROL, 0);
	WEIR_REQUIRE(host_admin_open(function, (uint8_t)(3 + chance(3)), 7, (uint16_t)chance(3)));
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
	return true;
}

static bool the_trace_is_switched(void)
{
	host_manage(storm.host, WEIR_COMMAND_TRACE_SET, HOST_REQUEST(HOST_U(ENABLE, chance(2))),
		    NULL);
	return true;
}

static bool time_passes(void)
{
	weirsim_advance_ns(storm.host->sim, chance(2000) * 1000000ull);
	host_turn(storm.host);
	return true;
}

static bool events_are_taken(void)
{
	uint32_t index = chance(VFS + 1);

	if (!works(index))
		return false;
	host_take_events(function_at(index));
	return true;
}

static const struct {
	const char *name;
	bool (*run)(void);
	uint32_t weight;
} things[] = {
	{ "turns", turn_a_while, 500 },
	{ "settle", settle, 20 },
	{ "FLR of a VF", flr_of_a_vf, 30 },
	{ "soft reset of a VF", soft_reset_of_a_vf, 30 },
	{ "VF_RESET by the owner", vf_reset_by_the_owner, 15 },
	{ "VF_RESET by the PF", vf_reset_by_the_pf, 15 },
	{ "start", start_somebody, 120 },
	{ "VFs come or go", vfs_come_or_go, 10 },
	{ "reset of the card", reset_of_the_card, 3 },
	{ "soft reset of the PF", soft_reset_of_the_pf, 4 },
	{ "bus master", bus_master_goes_or_comes, 40 },
	{ "power", power_goes_or_comes, 5 },
	{ "link", link_goes_or_comes, 15 },
	{ "masks", vectors_are_masked, 30 },
	{ "queue", a_queue_is_made_anew, 30 },
	{ "filter", a_filter_comes_or_goes, 30 },
	{ "flags", flags_change, 20 },
	{ "policy", a_policy_changes, 20 },
	{ "mistake", a_vf_errs, 40 },
	{ "unmap", a_vf_loses_its_memory, 6 },
	{ "admin queue", the_admin_queue_is_made_anew, 15 },
	{ "trace", the_trace_is_switched, 4 },
	{ "time", time_passes, 10 },
	{ "events", events_are_taken, 40 },
};
_Static_assert(sizeof(things) / sizeof(things[0]) <= 32, "storm.done has room");

static void one_thing(bool verbose)
{
	uint32_t sum = 0, which = 0;

	for (size_t i = 0; i < WEIR_TESTS(things); i++)
		sum += things[i].weight;
	for (uint32_t at = chance(sum); at >= things[which].weight; which++)
		at -= things[which].weight;
	/* Without power there is nobody to talk to. */
	if (storm.power_off)
		power_goes_or_comes();
	bool happened = things[which].run();

	storm.done[which] += happened;
	if (verbose && happened)
		printf("# %u: %s\n", storm.step, things[which].name);
}

/* Everything is put right; everybody must work then. */
static void clear_up(void)
{
	struct host *host = storm.host;

	if (storm.power_off)
		power_goes_or_comes();
	if (storm.link_down)
		link_goes_or_comes();
	for (uint32_t i = 1; i <= VFS; i++)
		WEIR_REQUIRE_EQ(host_manage(host, WEIR_COMMAND_VF_SET,
					    HOST_REQUEST(HOST_U(FUNCTION, i), HOST_U(VLAN, 0),
							 HOST_U(TRUST, 0), HOST_U(SPOOF_CHECK, 1),
							 HOST_U(LINK_POLICY, 0)),
					    NULL),
				WEIR_STATUS_OK);
	reset_of_the_card();
	host_settle(host);
	look();
	revive(0);
	host_enable_vfs(host, VFS);
	for (uint32_t i = 1; i <= VFS; i++) {
		storm.life[i] = AT_REST;
		revive(i);
	}
	traffic_finish(&storm.traffic);
	for (uint32_t i = 0; i < storm.traffic.count; i++)
		storm.traffic.flows[i].loose = false;
	traffic_turns(&storm.traffic, 100);
	traffic_finish(&storm.traffic);
	look();
}

static void anything_in_any_order(void)
{
	const char *text = getenv("WEIR_TEST_STEPS");
	uint32_t steps = text ? (uint32_t)strtoul(text, NULL, 0) : 10000;
	bool verbose = getenv("WEIR_TEST_VERBOSE") != NULL;

	storm = (struct storm){ .host = host_create(VFS, test_seed()), .random = test_seed() };
	printf("# storm: WEIR_TEST_SEED=%llu WEIR_TEST_STEPS=%u replays it\n",
	       (unsigned long long)test_seed(), steps);
	host_wire_capture(storm.host);
	WEIR_REQUIRE(host_up(function_at(0), test_mac(0), 1, 2048, false));
	for (uint32_t i = 0; i < 6; i++) {
		storm.bars[i] = weirsim_config_read(storm.host->sim, 0,
						    (uint16_t)(WEIR_CFG_BAR0 + 4 * i), 4);
		storm.bars[6 + i] = weirsim_config_read(
			storm.host->sim, 0, (uint16_t)(WEIR_CFG_SRIOV_VF_BAR0 + 4 * i), 4);
	}
	host_enable_vfs(storm.host, VFS);
	for (uint16_t i = 1; i <= VFS; i++)
		WEIR_REQUIRE(host_up(function_at(i), test_mac(i), 1, 2048, i % 2));
	traffic_start(&storm.traffic, storm.host);
	for (uint32_t i = 0; i <= VFS; i++) {
		traffic_add(&storm.traffic, function_at(i), function_at((i + 1) % (VFS + 1)), true);
		traffic_add(&storm.traffic, function_at(i), function_at((i + 3) % (VFS + 1)), true);
	}
	look();
	uint64_t began = 0;

	for (storm.step = 0; storm.step < steps; storm.step++) {
		one_thing(verbose);
		look();
	}
	for (uint32_t i = 0; i < storm.traffic.count; i++)
		began += storm.traffic.flows[i].seen;
	/* It was a storm: everything happened, and frames got through. */
	for (size_t i = 0; steps >= 10000 && i < WEIR_TESTS(things); i++)
		WEIR_EXPECT(storm.done[i] > 0);
	WEIR_EXPECT(began > steps / 2);
	clear_up();
	host_destroy(storm.host);
}

const struct weir_test storm_tests[] = {
	{ "reset.anything_in_any_order", anything_in_any_order },
};
const size_t storm_test_count = WEIR_TESTS(storm_tests);
