/* SPDX-License-Identifier: BSD-3-Clause */
/* The admin queue's interrupts and doorbells. */
#include "suites.h"

/* ---- interrupts ---- */

static uint32_t interrupts(struct card *card)
{
	return card->hal.functions[0].interrupts[HOST_VECTOR];
}

static void the_vector_is_raised_once_per_arming(void)
{
	struct host host;
	struct card *card = card_new(0);

	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	/* Nothing is armed by enabling: the LINK event came without. */
	WEIR_EXPECT_EQ(interrupts(card), 0);
	/* Arming with an entry that was not taken raises at once. */
	host_acknowledge(&host);
	card_run(card);
	WEIR_EXPECT_EQ(interrupts(card), 1);
	/* More entries do not raise again. */
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	card_run(card);
	WEIR_EXPECT_EQ(interrupts(card), 1);
	/* Taking everything arms for the next entry. */
	host.cq_head = 3;
	host_acknowledge(&host);
	card_run(card);
	WEIR_EXPECT_EQ(interrupts(card), 1);
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	card_run(card);
	WEIR_EXPECT_EQ(interrupts(card), 2);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_INTERRUPTS), 2);
	card_free(card);
}

static void the_interrupt_follows_the_entry(void)
{
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	card->hal.mode = BOARD_PENDING;
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	for (uint32_t stage = 0; stage < 2; stage++) {
		card_poll(card, 2);
		WEIR_EXPECT_EQ(interrupts(card), 0);
		board_complete(&card->hal, 1);
	}
	card_poll(card, 2);
	/* Arming now does not raise for an entry that is still being written. */
	host_acknowledge(&host);
	card_poll(card, 2);
	WEIR_EXPECT_EQ(interrupts(card), 0);
	board_complete(&card->hal, 1);
	/* The entry is visible. A host that polls takes it, and arms for the next, before the firmware hears that it was written. */
	host.cq_head++;
	host_acknowledge(&host);
	card_poll(card, 2);
	WEIR_EXPECT(host_running(&host));
	WEIR_EXPECT_EQ(interrupts(card), 0);
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	card_run(card);
	WEIR_EXPECT_EQ(interrupts(card), 1);
	card_free(card);
}

static void arming_ends_with_the_queue(void)
{
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	/* Armed, with nothing to come; then another queue begins, with its LINK event. */
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
	card_run(card);
	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	WEIR_EXPECT(host_running(&host));
	WEIR_EXPECT_EQ(interrupts(card), 0);
	card_free(card);
}

static void a_polled_queue_has_no_interrupts(void)
{
	struct host host;
	struct card *card = card_new(0);

	host_enable(&host, card, 0, 3, 4);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_SIZES,
		    WEIR_PREP(WEIR_REG_ADMIN_SIZES_SQ_LOG2, 3) |
			    WEIR_PREP(WEIR_REG_ADMIN_SIZES_CQ_LOG2, 4) |
			    WEIR_PREP(WEIR_REG_ADMIN_SIZES_VECTOR, WEIR_VECTOR_NONE));
	card_run(card);
	host_acknowledge(&host);
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_LINK_GET, NULL).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_INTERRUPTS), 0);
	card_free(card);
}

static void an_interrupt_that_finds_no_room_is_raised_later(void)
{
	struct host host;
	struct card *card = card_with_queue(&host, 0);
	uint64_t until_ns;

	card->hal.interrupt_mode = BOARD_BUSY;
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	card_poll(card, 3);
	WEIR_EXPECT_EQ(interrupts(card), 0);
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns <= card->hal.now_ns + WEIR_NS_PER_MS);
	card->hal.interrupt_mode = BOARD_NOW;
	card_poll(card, 3);
	WEIR_EXPECT_EQ(interrupts(card), 1);
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns == UINT64_MAX);
	/* Without bus master it is the hardware that keeps it: the firmware raises it once and has nothing to remember. */
	host.cq_head += 1;
	host_acknowledge(&host);
	card_poll(card, 1);
	card->hal.mode = BOARD_PENDING;
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	for (uint32_t stage = 0; stage < 3; stage++) {
		card_poll(card, 1);
		board_complete(&card->hal, 1);
	}
	card->hal.functions[0].master = false;
	card_poll(card, 1);
	WEIR_EXPECT_EQ(interrupts(card), 1);
	WEIR_EXPECT(card->hal.functions[0].held[HOST_VECTOR]);
	WEIR_EXPECT(!card->firmware->interrupts_owed);
	board_bus_master(&card->hal, 0, true);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(interrupts(card), 2);
	card_free(card);
}

/* ---- doorbells ---- */

static void a_tail_beyond_the_ring_stops_the_queue(void)
{
	static const uint32_t tails[] = { 9, 100, 0x8000, 0xffff, 0x10001, 0x80000000 };

	for (size_t i = 0; i < WEIR_TESTS(tails); i++) {
		struct host host;
		struct card *card = card_with_queue(&host, 0);

		board_write(&card->hal, 0, WEIR_REG_ADMIN_SQ_TAIL, tails[i]);
		card_run(card);
		WEIR_EXPECT(!host_running(&host));
		WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_BAD_VALUE);
		WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 1);
		WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 1);
		card_free(card);
	}
}

static void a_full_ring_is_legal_and_an_old_tail_is_ignored(void)
{
	struct weir_admin_completion completion;
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	card->hal.mode = BOARD_BUSY;
	for (int i = 0; i < 8; i++)
		host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	card_poll(card, 2);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_SQ_TAIL, 3);
	card_poll(card, 2);
	card->hal.mode = BOARD_NOW;
	card_run(card);
	WEIR_EXPECT(host_running(&host));
	for (uint16_t i = 1; i <= 8; i++) {
		WEIR_REQUIRE(host_take_completion(&host, &completion));
		WEIR_EXPECT_EQ(completion.cookie, i);
	}
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 0);
	card_free(card);
}

static void a_head_beyond_what_came_stops_the_queue(void)
{
	static const uint32_t heads[] = { 2, 3, 0, 0xffff, 0x10001, 0x80000001 };

	for (size_t i = 0; i < WEIR_TESTS(heads); i++) {
		struct host host;
		struct card *card = card_with_queue(&host, 0);

		/* One entry came and was taken: 1 is right. */
		board_write(&card->hal, 0, WEIR_REG_ADMIN_CQ_HEAD, 1);
		card_run(card);
		WEIR_EXPECT(host_running(&host));
		board_write(&card->hal, 0, WEIR_REG_ADMIN_CQ_HEAD, heads[i]);
		card_run(card);
		WEIR_EXPECT(!host_running(&host));
		WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_BAD_VALUE);
		card_free(card);
	}
}

static void doorbells_of_no_queue_are_counted_and_ignored(void)
{
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
	card_run(card);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_SQ_TAIL, 1);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CQ_HEAD, 0x10000);
	card_run(card);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 2);
	WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_OK);
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.admin.the_vector_is_raised_once_per_arming", the_vector_is_raised_once_per_arming },
	{ "core.admin.the_interrupt_follows_the_entry", the_interrupt_follows_the_entry },
	{ "core.admin.arming_ends_with_the_queue", arming_ends_with_the_queue },
	{ "core.admin.a_polled_queue_has_no_interrupts", a_polled_queue_has_no_interrupts },
	{ "core.admin.an_interrupt_that_finds_no_room_is_raised_later",
	  an_interrupt_that_finds_no_room_is_raised_later },
	{ "core.admin.a_tail_beyond_the_ring_stops_the_queue",
	  a_tail_beyond_the_ring_stops_the_queue },
	{ "core.admin.a_full_ring_is_legal_and_an_old_tail_is_ignored",
	  a_full_ring_is_legal_and_an_old_tail_is_ignored },
	{ "core.admin.a_head_beyond_what_came_stops_the_queue",
	  a_head_beyond_what_came_stops_the_queue },
	{ "core.admin.doorbells_of_no_queue_are_counted_and_ignored",
	  doorbells_of_no_queue_are_counted_and_ignored },
};

const struct suite_part admin_signal_tests = { tests, WEIR_TESTS(tests) };
