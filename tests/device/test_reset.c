/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets of one function, by every cause, while it works and while its neighbours do (specs/reset.md): nothing of it is written any
 * more, its generation counts, it starts again, and the neighbours' numbers have no gap. Resets of the card are in test_reset_card.c.
 */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "weir/weir_config_space.h"

#define PATTERN 0x77
#define ROUNDS	24u

/* ---- what a reset must leave alone ---- */

/* From now on nobody writes there. */
static void guard(struct host_function *function)
{
	memset(function->memory, PATTERN, HOST_MEMORY_BYTES);
}

static void expect_untouched(struct host_function *function)
{
	static uint8_t wanted[65536];

	memset(wanted, PATTERN, sizeof(wanted));
	for (uint32_t at = 0; at < HOST_MEMORY_BYTES; at += sizeof(wanted))
		WEIR_EXPECT_MEM(function->memory + at, wanted, sizeof(wanted));
}

static uint32_t interrupts_of(const struct host_function *function)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < WEIR_MSIX_PF_VECTORS; i++)
		sum += function->interrupts[i];
	return sum;
}

/* The attacker's own traffic, both ways, which its resets interrupt. */
static struct traffic own;

static void own_traffic(struct scene *scene)
{
	traffic_start(&own, scene->host);
	traffic_add(&own, scene->attacker, scene->peer, true);
	traffic_add(&own, scene->peer, scene->attacker, true);
}

/* A while of everybody's traffic, with doorbells armed, that ends in the middle of things. */
static void work(struct scene *scene, uint32_t round)
{
	struct host_function *vf = scene->attacker;

	host_doorbell(vf, 0, WEIR_DOORBELL_RX_ARM, vf->rx[0].taken);
	host_doorbell(vf, 0, WEIR_DOORBELL_TX_ARM, vf->tx[0].tail);
	for (uint32_t i = 0; i < 5 + round % 7; i++) {
		traffic_turn(&own);
		traffic_turn(&scene->traffic);
	}
	host_command_send(vf, WEIR_COMMAND_GET_INFO, NULL);
	for (uint32_t i = 0; i < round % 5; i++)
		host_turn(scene->host);
}

/* The function does not use what it had: no more frames from its rings. */
static void abandon(struct host_function *function)
{
	for (uint32_t i = 0; i < HOST_QUEUES; i++)
		function->tx[i].created = function->rx[i].created = false;
	traffic_interrupted(&own, function);
}

/* Turns, with the neighbours' traffic, until the function is READY in another generation than `old`. */
static void await_ready(struct scene *scene, struct host_function *function, uint32_t old)
{
	for (uint32_t i = 0;; i++) {
		WEIR_REQUIRE(i < 20000);
		if (host_state(function) == WEIR_FUNCTION_STATE_READY &&
		    host_read(function, WEIR_REG_GENERATION) != old)
			return;
		traffic_turn(&scene->traffic);
	}
}

/* It is READY: its memory was guarded and is not written; it starts again, and works. */
static void start_again(struct scene *scene, uint32_t old)
{
	struct host_function *vf = scene->attacker;
	uint32_t interrupts = interrupts_of(vf);

	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_GENERATION), old + 1);
	scene_turns(scene, 60);
	host_settle(scene->host);
	expect_untouched(vf);
	WEIR_EXPECT_EQ(interrupts_of(vf), interrupts);
	host_forget(vf);
	WEIR_REQUIRE(host_up(vf, test_mac(1), scene->queues, 2048, scene->shadow));
	WEIR_EXPECT_EQ(vf->generation, old + 1);
	traffic_turns(&own, 10);
}

/* ---- causes ---- */

static void flr_of_a_vf_under_traffic(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker;

	own_traffic(scene);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t old = vf->generation;

		work(scene, round);
		host_flr(vf);
		/* The write has completed on the bus: the function is quiet from here, and not READY. */
		abandon(vf);
		guard(vf);
		uint32_t interrupts = interrupts_of(vf);

		WEIR_EXPECT(host_state(vf) != WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(weirsim_config_read(scene->host->sim, 1, WEIR_CFG_EXP_DEVICE_CONTROL,
						   2) &
				       0x8000,
			       0);
		WEIR_EXPECT_EQ(weirsim_config_read(scene->host->sim, 1, WEIR_CFG_COMMAND, 2), 0);
		WEIR_EXPECT_EQ(weirsim_config_read(scene->host->sim, 1, WEIR_CFG_MSIX_CONTROL, 2) &
				       0xc000,
			       0);
		await_ready(scene, vf, old);
		WEIR_EXPECT_EQ(interrupts_of(vf), interrupts);
		start_again(scene, old);
	}
	scene_end(scene);
}

static void soft_reset_of_a_vf_under_traffic(void)
{
	struct scene *scene = scene_start(1, true);
	struct host_function *vf = scene->attacker;
	struct weirsim *sim = scene->host->sim;

	own_traffic(scene);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t old = vf->generation;

		work(scene, round);
		host_write(vf, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		abandon(vf);
		await_ready(scene, vf, old);
		/* READY in a new generation: the memory is the host's. */
		guard(vf);
		/* Configuration space and the vectors' table are kept. */
		WEIR_EXPECT_EQ(weirsim_config_read(sim, 1, WEIR_CFG_COMMAND, 2), 4);
		WEIR_EXPECT_EQ(weirsim_config_read(sim, 1, WEIR_CFG_MSIX_CONTROL, 2) & 0xc000,
			       0x8000);
		uint32_t data = 0;

		weirsim_memory_read(
			sim, host_bar(vf, WEIR_BAR_MSIX) + WEIR_MSIX_TABLE_OFFSET + 16 * 3 + 8,
			&data, 4);
		WEIR_EXPECT_EQ(data, 3);
		start_again(scene, old);
	}
	scene_end(scene);
}

static void vf_reset_by_the_pf_is_announced_first(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker, *pf = &scene->host->functions[0];

	own_traffic(scene);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t old = vf->generation;

		host_take_events(pf);
		host_take_events(vf);
		memset(pf->events, 0, sizeof(pf->events));
		memset(vf->events, 0, sizeof(vf->events));
		work(scene, round);
		host_command_send(pf, WEIR_COMMAND_VF_RESET, HOST_REQUEST(HOST_U(FUNCTION, 1)));
		while (host_state(vf) == WEIR_FUNCTION_STATE_READY &&
		       host_read(vf, WEIR_REG_GENERATION) == old)
			scene_turns(scene, 1);
		abandon(vf);
		WEIR_EXPECT_EQ(host_command_wait(pf, NULL), WEIR_STATUS_OK);
		/* The command ends when the VF has left QUIESCING. */
		WEIR_EXPECT(host_state(vf) != WEIR_FUNCTION_STATE_QUIESCING);
		await_ready(scene, vf, old);
		/* Its driver was told before, in the old ring. */
		struct weir_admin_completion entry;

		while (host_entry(vf, &entry))
			;
		WEIR_EXPECT_EQ(vf->events[WEIR_EVENT_RESET_IMPENDING], 1);
		WEIR_EXPECT_EQ(
			weir_le16_to_cpu(vf->last_event[WEIR_EVENT_RESET_IMPENDING].function), 1);
		guard(vf);
		host_take_events(pf);
		WEIR_EXPECT_EQ(pf->events[WEIR_EVENT_RESET_IMPENDING], 1);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(pf->last_event[WEIR_EVENT_RESET_IMPENDING].detail),
			       1);
		WEIR_EXPECT_EQ(
			weir_le16_to_cpu(pf->last_event[WEIR_EVENT_RESET_IMPENDING].function), 1);
		WEIR_EXPECT(pf->events[WEIR_EVENT_VF_STATE] >= 1);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(pf->last_event[WEIR_EVENT_VF_STATE].detail),
			       WEIR_FUNCTION_STATE_READY);
		start_again(scene, old);
	}
	scene_end(scene);
}

static void a_driver_that_takes_no_events_cannot_put_its_reset_off(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker, *pf = &scene->host->functions[0];
	uint32_t old = vf->generation;
	bool up = true;

	/* Its completion ring is full of link events that it never takes. */
	traffic_finish(&scene->traffic);
	for (uint32_t i = 0; i < 80; i++) {
		up = !up;
		weirsim_wire_link(scene->host->sim, 0, up);
		host_settle(scene->host);
		host_take_events(pf);
	}
	uint64_t began = weirsim_now_ns(scene->host->sim);

	WEIR_EXPECT_EQ(host_command(pf, WEIR_COMMAND_VF_RESET, HOST_REQUEST(HOST_U(FUNCTION, 1)),
				    NULL),
		       WEIR_STATUS_OK);
	WEIR_EXPECT(weirsim_now_ns(scene->host->sim) - began < 500000000);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_GENERATION), old + 1);
	scene_end(scene);
}

static void disabling_and_enabling_vfs_under_traffic(void)
{
	struct scene *scene = scene_start(1, false);
	struct host *host = scene->host;

	own_traffic(scene);
	for (uint32_t round = 0; round < 12; round++) {
		struct host_function *vf = scene->attacker;
		uint32_t old = vf->generation;

		work(scene, round);
		traffic_finish(&scene->traffic);
		weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 0x10, 2);
		/* Gone with that write. */
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_STATUS), UINT32_MAX);
		WEIR_EXPECT_EQ(weirsim_config_read(host->sim, 1, 0, 4), UINT32_MAX);
		for (uint16_t i = 1; i <= 5; i++) {
			abandon(&host->functions[i]);
			guard(&host->functions[i]);
		}
		uint32_t interrupts = interrupts_of(vf);

		host_pass_ms(host, round % 2 ? 1000 : 0);
		for (uint16_t i = 1; i <= 5; i++)
			expect_untouched(&host->functions[i]);
		host_enable_vfs(host, 5);
		WEIR_EXPECT_EQ(interrupts_of(vf), interrupts);
		for (uint16_t i = 1; i <= 5; i++) {
			WEIR_EXPECT_EQ(host_read(&host->functions[i], WEIR_REG_GENERATION),
				       host->functions[i].generation + 1);
			expect_untouched(&host->functions[i]);
			host_forget(&host->functions[i]);
			WEIR_REQUIRE(host_up(&host->functions[i], test_mac(i), 1, 2048, false));
		}
		WEIR_EXPECT_EQ(vf->generation, old + 1);
		traffic_turns(&own, 10);
	}
	scene_end(scene);
}

/* ---- standing still ---- */

static bool transactions_pending(struct scene *scene, uint16_t function)
{
	return weirsim_config_read(scene->host->sim, function, WEIR_CFG_EXP_DEVICE_STATUS, 2) &
	       0x20;
}

static void without_bus_master_a_function_stands_still(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker;
	struct host *host = scene->host;
	uint8_t *before = malloc(HOST_MEMORY_BYTES);
	static struct host_frame got;

	own_traffic(scene);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		work(scene, round);
		weirsim_config_write(host->sim, 1, WEIR_CFG_COMMAND, 0, 2);
		for (uint32_t i = 0; transactions_pending(scene, 1); i++) {
			WEIR_REQUIRE(i < 1000);
			host_turn(host);
		}
		/* Nothing is requested any more: its memory stays as it is, whatever is asked of it. */
		memcpy(before, vf->memory, HOST_MEMORY_BYTES);
		uint64_t dropped = host_stat(&host->functions[0], WEIR_STATS_SCOPE_PORT, 0,
					     WEIR_STAT_PORT_RX_DROPPED_NO_VPORT);
		uint32_t interrupts = interrupts_of(vf);

		for (uint32_t i = 0; i < 5; i++)
			scene_frame(scene, scene->peer, vf);
		scene_turns(scene, 30);
		host_settle(host);
		WEIR_EXPECT_MEM(vf->memory, before, HOST_MEMORY_BYTES);
		WEIR_EXPECT_EQ(interrupts_of(vf), interrupts);
		WEIR_EXPECT_EQ(host_state(vf), WEIR_FUNCTION_STATE_READY);
		/* Its registers answer, its doorbells are remembered. */
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAGIC), WEIR_REG_MAGIC_VALUE);
		for (uint32_t i = 0; i < 3; i++) {
			static uint8_t frame[200];

			host_make_frame(frame, test_mac(77), test_mac(1), 0, 0, sizeof(frame), 1, i);
			WEIR_REQUIRE(host_send(vf, 0, frame, sizeof(frame), 1, 0, 0, 0));
		}
		host_send_done(vf, 0);
		scene_settle(scene);
		uint32_t wire = host->wire_count;

		weirsim_config_write(host->sim, 1, WEIR_CFG_COMMAND, 4, 2);
		scene_settle(scene);
		/* It goes on where it stood: the command that waited is answered, the frames go out. */
		WEIR_EXPECT_EQ(host_command_wait(vf, NULL), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(host->wire_count, wire + 3);
		WEIR_EXPECT_EQ(host_stat(&host->functions[0], WEIR_STATS_SCOPE_PORT, 0,
					 WEIR_STAT_PORT_RX_DROPPED_NO_VPORT),
			       dropped);
		/* Frames that were for it meanwhile are lost; what the peer sends from here on comes. */
		while (host_receive(scene->peer, 0, &got))
			;
		while (host_receive(vf, 0, &got))
			;
		traffic_interrupted(&own, vf);
		for (uint32_t i = 0; i < own.count; i++)
			own.flows[i].seen = own.flows[i].sent;
		traffic_turns(&own, 10);
		traffic_finish(&own);
	}
	WEIR_EXPECT(vport_stat(vf, WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE) >= 5 * ROUNDS);
	WEIR_EXPECT_EQ(function_stat(vf, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
	WEIR_EXPECT_EQ(function_stat(vf, WEIR_STAT_FUNCTION_DMA_FAULTS), 0);
	WEIR_EXPECT_EQ(vf->generation, host_read(vf, WEIR_REG_GENERATION));
	free(before);
	scene_end(scene);
}

/* ---- destruction ---- */

static void destroyed_queues_give_their_memory_back(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker;

	own_traffic(scene);
	for (uint32_t round = 0; round < 40; round++) {
		struct host_rx *rx = &vf->rx[0];
		struct host_tx *tx = &vf->tx[0];
		bool receive_first = round % 2;

		work(scene, round);
		WEIR_EXPECT_EQ(host_command_wait(vf, NULL), WEIR_STATUS_OK);
		for (uint32_t i = 0; i < 2; i++) {
			bool receive = receive_first == (i == 0);

			(receive ? &rx->created : &tx->created)[0] = false;
			host_command_send(vf,
					  receive ? WEIR_COMMAND_RX_QUEUE_DESTROY
						  : WEIR_COMMAND_TX_QUEUE_DESTROY,
					  HOST_REQUEST(HOST_U(QUEUE, 0)));
			/* More comes while it is being destroyed. */
			for (uint32_t k = 0; k < 3; k++)
				scene_frame(scene, scene->peer, vf);
			WEIR_EXPECT_EQ(host_command_wait(vf, NULL), WEIR_STATUS_OK);
			if (receive) {
				memset(host_pointer(vf, rx->ring), PATTERN,
				       64 * sizeof(struct weir_rx_buffer));
				memset(host_pointer(vf, rx->completion), PATTERN,
				       128 * sizeof(struct weir_rx_completion));
				for (uint32_t k = 0; k < 64; k++)
					memset(host_pointer(vf, rx->buffers[k]), PATTERN, 2048);
			} else {
				memset(host_pointer(vf, tx->ring), PATTERN,
				       64 * sizeof(struct weir_tx_descriptor));
				memset(host_pointer(vf, tx->head), PATTERN, 4);
			}
		}
		uint32_t interrupts = vf->interrupts[1];

		for (uint32_t k = 0; k < 10; k++) {
			scene_frame(scene, scene->peer, vf);
			scene_settle(scene);
		}
		WEIR_EXPECT_EQ(vf->interrupts[1], interrupts);
		static uint8_t wanted[2048];

		memset(wanted, PATTERN, sizeof(wanted));
		WEIR_EXPECT_MEM(host_pointer(vf, rx->ring), wanted,
				64 * sizeof(struct weir_rx_buffer));
		WEIR_EXPECT_MEM(host_pointer(vf, rx->completion), wanted,
				128 * sizeof(struct weir_rx_completion));
		WEIR_EXPECT_MEM(host_pointer(vf, tx->head), wanted, 4);
		for (uint32_t k = 0; k < 64; k++)
			WEIR_EXPECT_MEM(host_pointer(vf, rx->buffers[k]), wanted, 2048);
		WEIR_REQUIRE_EQ(host_queue_create(vf, 0, 2048, 1, false), WEIR_STATUS_OK);
		traffic_interrupted(&own, vf);
		traffic_turns(&own, 5);
	}
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

/* ---- many ---- */

static void a_thousand_flrs_under_traffic(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *vf = scene->attacker;

	own_traffic(scene);
	for (uint32_t round = 0; round < 1000; round++) {
		uint32_t old = vf->generation, used = vf->allocated;

		traffic_turns(&own, 1 + round % 4);
		scene_turns(scene, 1);
		host_flr(vf);
		abandon(vf);
		memset(vf->memory, PATTERN, used);
		await_ready(scene, vf, old);
		scene_turns(scene, 2);
		for (uint32_t i = 0; i < used; i++)
			if (vf->memory[i] != PATTERN)
				WEIR_REQUIRE_EQ(vf->memory[i], PATTERN);
		host_forget(vf);
		WEIR_REQUIRE(host_up(vf, test_mac(1), 1, 2048, round % 2));
	}
	WEIR_EXPECT_EQ(vf->generation, 1001);
	WEIR_EXPECT_EQ(function_stat(vf, WEIR_STAT_FUNCTION_RESETS), 1000);
	WEIR_EXPECT_EQ(scene->host->log_errors, 0);
	scene_end(scene);
}

static void two_hundred_rounds_of_enabling_and_disabling(void)
{
	struct host *host = host_create(8, test_seed());
	struct traffic traffic;

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	for (uint32_t round = 0; round < 200; round++) {
		uint16_t count = (uint16_t)(2 + round % 7);

		host_enable_vfs(host, count);
		for (uint16_t i = 1; i <= count; i++)
			WEIR_REQUIRE(host_up(&host->functions[i], test_mac(i), 1, 2048, round % 2));
		traffic_start(&traffic, host);
		for (uint16_t i = 1; i <= count; i++)
			traffic_add(&traffic, &host->functions[i], &host->functions[i % count + 1],
				    false);
		traffic_add(&traffic, &host->functions[0], &host->functions[count], false);
		traffic_turns(&traffic, 10);
		/* Every other time in the middle of it. */
		if (round % 2)
			traffic_finish(&traffic);
		weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 0x10, 2);
		for (uint16_t i = 1; i <= count; i++)
			host_forget(&host->functions[i]);
		host_settle(host);
		for (uint16_t i = 1; i <= count; i++)
			for (uint32_t at = 0; at < 0x100000; at += 8)
				WEIR_REQUIRE_EQ(*(uint64_t *)(host->functions[i].memory + at), 0);
	}
	WEIR_EXPECT_EQ(host_command(&host->functions[0], WEIR_COMMAND_ECHO, NULL, NULL),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host->log_errors, 0);
	host_destroy(host);
}

const struct weir_test reset_tests[] = {
	{ "reset.flr_of_a_vf_under_traffic", flr_of_a_vf_under_traffic },
	{ "reset.soft_reset_of_a_vf_under_traffic", soft_reset_of_a_vf_under_traffic },
	{ "reset.vf_reset_by_the_pf_is_announced_first", vf_reset_by_the_pf_is_announced_first },
	{ "reset.a_driver_that_takes_no_events_cannot_put_its_reset_off",
	  a_driver_that_takes_no_events_cannot_put_its_reset_off },
	{ "reset.disabling_and_enabling_vfs_under_traffic",
	  disabling_and_enabling_vfs_under_traffic },
	{ "reset.without_bus_master_a_function_stands_still",
	  without_bus_master_a_function_stands_still },
	{ "reset.destroyed_queues_give_their_memory_back", destroyed_queues_give_their_memory_back },
	{ "reset.a_thousand_flrs_under_traffic", a_thousand_flrs_under_traffic },
	{ "reset.two_hundred_rounds_of_enabling_and_disabling",
	  two_hundred_rounds_of_enabling_and_disabling },
};
const size_t reset_test_count = WEIR_TESTS(reset_tests);
