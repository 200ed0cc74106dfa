/* SPDX-License-Identifier: BSD-3-Clause */
/* Resets of a PF and its VFs together, announced resets, and every sequence of what can reset functions. */
#include "life.h"

#include <string.h>

uint32_t sorter_entries(struct card *card, uint16_t function)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < card->firmware->sorter.entry_count; i++) {
		const struct weir_sorter_entry *entry = &card->firmware->sorter.entries[i];

		count += entry->references && entry->vport == function;
	}
	return count;
}

void expect_new(struct card *card, uint16_t function)
{
	struct weir_function *owner = card_function(card, function);
	struct weir_vport *vport = card_vport(card, function);

	WEIR_EXPECT_EQ(card_state(card, function), WEIR_FUNCTION_STATE_READY);
	WEIR_EXPECT_EQ(vport->flags, WEIR_VPORT_BROADCAST);
	WEIR_EXPECT_EQ(vport->mtu, 1500);
	WEIR_EXPECT_EQ(vport->filters_used, 0);
	WEIR_EXPECT_EQ(vport->vlans[1], 0);
	WEIR_EXPECT_EQ(vport->spread_entries, 0);
	WEIR_EXPECT_EQ(vport->stats[WEIR_STAT_VPORT_RX_FRAMES], 0);
	WEIR_EXPECT_EQ(owner->stats[WEIR_STAT_FUNCTION_BAD_MMIO], 0);
	WEIR_EXPECT_EQ(owner->references, 0);
	WEIR_EXPECT(!owner->admin.running);
	WEIR_EXPECT_EQ(board_read(&card->hal, function, WEIR_REG_ADMIN_STATUS), 0);
	WEIR_EXPECT_EQ(board_read(&card->hal, function, WEIR_REG_ADMIN_CONTROL), 0);
	WEIR_EXPECT_EQ(board_read(&card->hal, function, WEIR_REG_ADMIN_SQ_BASE_LOW), 0);
	WEIR_EXPECT_EQ(board_read(&card->hal, function, WEIR_REG_GENERATION), owner->generation);
	WEIR_EXPECT_EQ(sorter_entries(card, function), function == 0 || owner->policy.mac_set);
	for (uint32_t i = 0; i < owner->queue_pairs; i++) {
		WEIR_EXPECT_EQ(card->firmware->rx_queues[owner->first_queue + i].state,
			       WEIR_QUEUE_NONE);
		WEIR_EXPECT_EQ(card->firmware->tx_queues[owner->first_queue + i].state,
			       WEIR_QUEUE_NONE);
	}
}

/* ---- a PF and its VFs ---- */

static void a_pf_waits_for_its_vfs(void)
{
	struct card *card = card_new(VFS);

	card_enable_vfs(card, VFS);
	card_function(card, 2)->references++;
	board_write(&card->hal, 0, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 10);
	/* All of them have left READY, and none is back before the PF is. */
	for (uint16_t i = 0; i <= VFS; i++)
		WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_QUIESCING);
	card_function(card, 2)->references--;
	card_poll(card, 1);
	for (uint16_t i = 0; i <= VFS; i++) {
		WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_GENERATION), 2);
	}
	card_free(card);
}

static void vfs_enabled_during_a_reset_of_the_pf_wait_for_it(void)
{
	struct card *card = card_new(VFS);

	card_function(card, 0)->references++;
	board_reset(&card->hal, 0);
	card_poll(card, 2);
	board_vf_enable(&card->hal, 2);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(card_function(card, 1)->state, WEIR_FUNCTION_STATE_INIT);
	WEIR_EXPECT(!card->hal.functions[1].ready);
	card_function(card, 0)->references--;
	card_poll(card, 1);
	for (uint16_t i = 0; i <= 2; i++)
		WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
	card_free(card);
}

static void a_soft_reset_of_the_pf_is_announced_to_its_vfs(void)
{
	struct weir_admin_completion entry;
	struct host vf;
	struct card *card = card_new(VFS);

	card_enable_vfs(card, VFS);
	host_enable(&vf, card, 2, 3, 4);
	card_run(card);
	host_take_events(&vf);
	card_run(card);
	/* The event takes its time: nobody leaves READY before it is delivered. */
	card->hal.mode = BOARD_PENDING;
	board_write(&card->hal, 0, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 5);
	for (uint16_t i = 0; i <= VFS; i++)
		WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
	WEIR_EXPECT(board_read(&card->hal, 2, WEIR_REG_STATUS) &
		    WEIR_REG_STATUS_RESET_IMPENDING_MASK);
	/* Another reset of a VF meanwhile is no obstacle. */
	board_reset(&card->hal, 3);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_complete(&card->hal, 1), 1);
	card_poll(card, 2);
	WEIR_REQUIRE(host_take(&vf, &entry));
	WEIR_EXPECT_EQ(vf.last_event.event, WEIR_EVENT_RESET_IMPENDING);
	WEIR_EXPECT_EQ(vf.last_event.function, 2);
	for (uint16_t i = 0; i <= VFS; i++) {
		WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_GENERATION), i == 3 ? 3 : 2);
		WEIR_EXPECT(!(board_read(&card->hal, i, WEIR_REG_STATUS) &
			      WEIR_REG_STATUS_RESET_IMPENDING_MASK));
	}
	/* A VF whose host does not look delays it by its time only. */
	host_enable(&vf, card, 2, 3, 4);
	card_poll(card, 1);
	card->hal.mode = BOARD_BUSY;
	board_write(&card->hal, 0, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_GENERATION), 2);
	card->hal.now_ns += WEIR_RESET_NOTICE_NS;
	card->hal.mode = BOARD_NOW;
	card_run(card);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_GENERATION), 3);
	WEIR_EXPECT_EQ(card_state(card, 2), WEIR_FUNCTION_STATE_READY);
	card_free(card);
}

static void resets_planned_together_happen_once(void)
{
	struct weir_admin_completion entry;
	struct attributes request = vf_request(1);
	struct host vfs[2];
	struct card *card = card_new(VFS);

	card_enable_vfs(card, VFS);
	for (uint16_t i = 0; i < 2; i++) {
		host_enable(&vfs[i], card, (uint16_t)(i + 1), 3, 4);
		card_run(card);
		host_take_events(&vfs[i]);
		card_run(card);
	}
	card->hal.mode = BOARD_PENDING;
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_RESET, &request).status, WEIR_STATUS_OK);
	card_poll(card, 1);
	board_write(&card->hal, 0, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_RESET, &request).status, WEIR_STATUS_OK);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_pending(&card->hal), 2);
	/* VF 0 has heard, VF 1 has not: both are taken along together. */
	for (uint32_t i = 0; i < BOARD_OPERATIONS; i++) {
		if (card->hal.operations[i].used && card->hal.operations[i].function == 2)
			card->hal.operations[i].used = false;
	}
	board_complete(&card->hal, 1);
	card_poll(card, 3);
	for (uint16_t i = 0; i <= 2; i++) {
		WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_GENERATION), 1);
	}
	card->hal.completions[card->hal.completion_tail++ % BOARD_OPERATIONS] =
		(struct hal_completion){ WEIR_TAG(WEIR_TAG_ADMIN, 2), HAL_DONE };
	card_poll(card, 3);
	for (uint16_t i = 0; i <= 2; i++)
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_GENERATION), 2);
	while (host_take(&vfs[0], &entry))
		WEIR_EXPECT_EQ(entry.kind, WEIR_ADMIN_ENTRY_EVENT);
	WEIR_EXPECT_EQ(vfs[0].events[WEIR_EVENT_RESET_IMPENDING], 1);
	WEIR_EXPECT_EQ(vfs[0].last_event.count, 1);
	card_free(card);
}

/* ---- announced ---- */

static void vf_reset_is_announced(void)
{
	struct attributes request = vf_request(1);
	struct weir_admin_completion completion;
	struct host pf, vf;
	struct card *card = card_new(VFS);

	card_enable_vfs(card, VFS);
	host_enable(&pf, card, 0, 3, 4);
	host_enable(&vf, card, 1, 3, 4);
	card_run(card);
	host_take_events(&pf);
	host_take_events(&vf);
	card_run(card);
	/* The VF's event is on its way: the reset waits for it, and the command for the reset. */
	card->hal.mode = BOARD_PENDING;
	host_submit(&pf, WEIR_COMMAND_VF_RESET, &request, 0);
	for (int i = 0; i < 2; i++) {
		card_poll(card, 1);
		WEIR_EXPECT_EQ(board_complete(&card->hal, 1), 1);
	}
	card_poll(card, 5);
	WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_READY);
	WEIR_EXPECT(board_read(&card->hal, 1, WEIR_REG_STATUS) &
		    WEIR_REG_STATUS_RESET_IMPENDING_MASK);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 1);
	WEIR_EXPECT(!host_take_completion(&pf, &completion));
	card->hal.mode = BOARD_NOW;
	card_run(card);
	host_take_completion(&vf, &completion);
	WEIR_EXPECT_EQ(vf.events[WEIR_EVENT_RESET_IMPENDING], 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	WEIR_EXPECT(!(board_read(&card->hal, 1, WEIR_REG_STATUS) &
		      WEIR_REG_STATUS_RESET_IMPENDING_MASK));
	WEIR_REQUIRE(host_take_completion(&pf, &completion));
	WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_OK);
	host_take_events(&pf);
	WEIR_EXPECT_EQ(pf.events[WEIR_EVENT_RESET_IMPENDING], 1);
	card_free(card);
}

static void vf_reset_does_not_wait_for_a_host_that_sleeps(void)
{
	struct attributes request = vf_request(1);
	struct host vf;
	struct card *card = card_new(VFS);
	uint64_t until_ns;

	card_enable_vfs(card, VFS);
	host_enable(&vf, card, 1, 3, 4);
	card_run(card);
	/* A completion ring full of link events, and nobody takes them. */
	for (int i = 0; i < 20; i++) {
		card->hal.links[0].up = !card->hal.links[0].up;
		board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK });
		card_run(card);
	}
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_RESET, &request).status, WEIR_STATUS_OK);
	card_poll(card, 10);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 1);
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns <= card->hal.now_ns + WEIR_RESET_NOTICE_NS);
	card->hal.now_ns += WEIR_RESET_NOTICE_NS;
	card_poll(card, 1);
	expect_new(card, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	/* A second one is as good; one of a VF that is not there is not. */
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_RESET, &request).status, WEIR_STATUS_OK);
	card_run(card);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 3);
	board_vf_enable(&card->hal, 0);
	card_run(card);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_RESET, &request).status, WEIR_STATUS_BAD_STATE);
	card_free(card);
}

/* ---- every sequence ---- */

enum cause {
	PF_FLR,
	PF_SOFT_RESET,
	VF_FLR,
	VF_SOFT_RESET,
	VF_RESET,
	ENABLE_ONE,
	ENABLE_ALL,
	DISABLE,
	CAUSES,
};

/* What must be true after everything came to rest. */
struct expected {
	uint16_t vfs;
	uint32_t generation[1 + VFS]; /* of the life in which the sequence began */
	bool hit[1 + VFS];	      /* reset by one of the causes */
	bool policy;		      /* what VF_SET decided for VF 0 is still there */
};

static void hit_vfs(struct expected *expected)
{
	for (uint16_t i = 1; i <= VFS; i++)
		expected->hit[i] = true;
}

/* VF 0 is enabled in hardware and out of reset: registers can be written. */
static bool vf_listens(struct card *card)
{
	return card->hal.functions[1].ready;
}

static void cause_reset(struct card *card, enum cause cause, struct expected *expected)
{
	struct hal *hal = &card->hal;
	struct attributes request = vf_request(1);

	switch (cause) {
	case PF_FLR:
		board_reset(hal, 0);
		expected->vfs = 0;
		expected->policy = false;
		expected->hit[0] = true;
		hit_vfs(expected);
		break;
	case PF_SOFT_RESET:
		if (hal->functions[0].ready)
			expected->hit[0] = true;
		board_write(hal, 0, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		break;
	case VF_FLR:
		if (hal->functions[1].present) {
			board_reset(hal, 1);
			expected->hit[1] = true;
		}
		break;
	case VF_SOFT_RESET:
		if (vf_listens(card)) {
			board_write(hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
			expected->hit[1] = true;
		}
		break;
	case VF_RESET:
		/* Refused while there is no VF in a state for it. */
		if (manage(card, WEIR_COMMAND_VF_RESET, &request).status == WEIR_STATUS_OK)
			expected->hit[1] = true;
		break;
	case ENABLE_ONE:
	case ENABLE_ALL:
		board_vf_enable(hal, 0);
		board_vf_enable(hal, cause == ENABLE_ONE ? 1 : VFS);
		expected->vfs = cause == ENABLE_ONE ? 1 : VFS;
		hit_vfs(expected);
		break;
	case DISABLE:
		board_vf_enable(hal, 0);
		expected->vfs = 0;
		break;
	case CAUSES:
		break;
	}
}

static void expect_rest(struct card *card, const struct expected *expected)
{
	WEIR_EXPECT_EQ(card->firmware->functions_resetting, 0);
	WEIR_EXPECT_EQ(card->firmware->vfs_enabled, expected->vfs);
	WEIR_EXPECT_EQ(card->firmware->admin_list_count, 0);
	for (uint16_t i = 0; i <= VFS; i++) {
		struct weir_function *function = card_function(card, i);
		bool present = i <= expected->vfs;

		WEIR_EXPECT_EQ(function->references, 0);
		WEIR_EXPECT_EQ(function->state,
			       present ? WEIR_FUNCTION_STATE_READY : WEIR_FUNCTION_STATE_ABSENT);
		WEIR_EXPECT_EQ(card_vport(card, i)->exists, present);
		if (present && expected->hit[i])
			WEIR_EXPECT(function->generation > expected->generation[i]);
		else
			WEIR_EXPECT(function->generation >= expected->generation[i]);
		WEIR_EXPECT_EQ(card->hal.functions[i].ready, present);
		if (present)
			WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
		else
			WEIR_EXPECT_EQ(sorter_entries(card, i), 0);
	}
	WEIR_EXPECT_EQ(card_function(card, 1)->policy.mac_set, expected->policy);
}

/*
 * Runs one sequence: three causes, with the functions at work in between or not, polls in between or not, and operations in
 * flight all the time.
 */
static void run_sequence(struct card *card, const enum cause causes[3], uint32_t polls,
			 enum board_mode mode)
{
	struct attributes request = vf_request(1), echo = { .bytes = 0 };
	struct expected expected = { .policy = true };
	struct host hosts[1 + VFS];

	card->hal.mode = BOARD_NOW;
	board_vf_enable(&card->hal, 2);
	card_run(card);
	expected.vfs = 2;
	add_mac(&request, (const uint8_t[]){ 0x02, 5, 5, 5, 5, 5 });
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	add_bytes(&echo, WEIR_ATTRIBUTE_DATA, "x", 1);
	for (uint16_t i = 0; i < 2; i++) {
		host_enable(&hosts[i], card, i, 3, 4);
		weir_firmware_poll(card->firmware);
		host_submit(&hosts[i], WEIR_COMMAND_ECHO, &echo, 64);
	}
	for (uint16_t i = 0; i <= VFS; i++)
		expected.generation[i] = card_function(card, i)->generation;
	card->hal.mode = mode;
	card_poll(card, 1);
	for (int i = 0; i < 3; i++) {
		cause_reset(card, causes[i], &expected);
		card_poll(card, polls);
	}
	card->hal.mode = BOARD_NOW;
	card_run(card);
	/* What waits for a sleeping host's ring ends by time. */
	card->hal.now_ns += WEIR_RESET_NOTICE_NS;
	card_run(card);
	expect_rest(card, &expected);
}

static void every_sequence_of_causes_comes_to_rest(void)
{
	struct card *card = card_new(VFS);
	uint32_t last_generation[1 + VFS] = { 0 };

	for (uint32_t n = 0; n < CAUSES * CAUSES * CAUSES; n++) {
		const enum cause causes[3] = { n % CAUSES, n / CAUSES % CAUSES,
					       n / CAUSES / CAUSES };

		for (uint32_t polls = 0; polls < 3; polls++) {
			run_sequence(card, causes, polls, BOARD_NOW);
			run_sequence(card, causes, polls, BOARD_PENDING);
		}
		for (uint16_t i = 0; i <= VFS; i++) {
			WEIR_EXPECT(card_function(card, i)->generation >= last_generation[i]);
			last_generation[i] = card_function(card, i)->generation;
		}
	}
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.life.a_pf_waits_for_its_vfs", a_pf_waits_for_its_vfs },
	{ "core.life.vfs_enabled_during_a_reset_of_the_pf_wait_for_it",
	  vfs_enabled_during_a_reset_of_the_pf_wait_for_it },
	{ "core.life.a_soft_reset_of_the_pf_is_announced_to_its_vfs",
	  a_soft_reset_of_the_pf_is_announced_to_its_vfs },
	{ "core.life.resets_planned_together_happen_once", resets_planned_together_happen_once },
	{ "core.life.vf_reset_is_announced", vf_reset_is_announced },
	{ "core.life.vf_reset_does_not_wait_for_a_host_that_sleeps",
	  vf_reset_does_not_wait_for_a_host_that_sleeps },
	{ "core.life.every_sequence_of_causes_comes_to_rest",
	  every_sequence_of_causes_comes_to_rest },
};

const struct suite_part reset_tests = { tests, WEIR_TESTS(tests) };
