/* SPDX-License-Identifier: BSD-3-Clause */
/* The mailbox in BAR0. */
#include "suites.h"

#include <string.h>

static uint32_t status_of(struct card *card, uint16_t function)
{
	return board_read(&card->hal, function, WEIR_REG_MAILBOX_STATUS);
}

static void a_command_is_answered_in_the_window(void)
{
	struct attributes request = { .bytes = 0 };
	struct card *card = card_new(1);
	struct reply reply;
	uint32_t bytes = 0;

	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_MAILBOX_WINDOW), 0x1000);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_MAILBOX_WINDOW_BYTES), 0x1000);
	add_bytes(&request, WEIR_ATTRIBUTE_DATA, "through the window", 18);
	mailbox_start(card, 0, WEIR_COMMAND_ECHO, &request);
	card_poll(card, 1);
	WEIR_REQUIRE(mailbox_done(card, 0, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(reply.bytes, 24);
	WEIR_EXPECT_MEM(find_attribute(reply.data, reply.bytes, WEIR_ATTRIBUTE_DATA, &bytes),
			"through the window", 18);
	/* It needs no admin queue, no bus master, no host memory. */
	board_bus_master(&card->hal, 0, false);
	mailbox_start(card, 0, WEIR_COMMAND_LINK_GET, NULL);
	card_poll(card, 1);
	WEIR_REQUIRE(mailbox_done(card, 0, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LINK_UP), 1);
	WEIR_EXPECT_EQ(card->hal.submitted, 0);
	card_free(card);
}

static void errors_have_their_detail(void)
{
	struct attributes request = { .bytes = 0 };
	struct card *card = card_new(1);
	struct reply reply;

	mailbox_start(card, 0, 0x4242, NULL);
	card_poll(card, 1);
	WEIR_REQUIRE(mailbox_done(card, 0, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_UNKNOWN_COMMAND);
	mailbox_start(card, 0, WEIR_COMMAND_VF_GET, NULL);
	card_poll(card, 1);
	WEIR_REQUIRE(mailbox_done(card, 0, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_MISSING_ATTRIBUTE);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_FUNCTION);
	WEIR_EXPECT_EQ(reply.bytes, 0);
	add_number(&request, WEIR_ATTRIBUTE_FUNCTION, 2);
	mailbox_start(card, 0, WEIR_COMMAND_VF_GET, &request);
	card_poll(card, 1);
	WEIR_REQUIRE(mailbox_done(card, 0, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_ADMIN_COMMANDS), 3);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_ADMIN_ERRORS), 3);
	card_free(card);
}

static void impossible_lengths_are_refused(void)
{
	static const uint32_t lengths[] = { 1, 2, 3, 6, 4097, 4100, 0xffff, 0xfffc };
	struct card *card = card_new(0);
	struct reply reply;

	for (size_t i = 0; i < WEIR_TESTS(lengths); i++) {
		board_write(&card->hal, 0, WEIR_REG_MAILBOX_REQUEST,
			    WEIR_COMMAND_ECHO | lengths[i] << 16);
		card_poll(card, 1);
		WEIR_REQUIRE(mailbox_done(card, 0, &reply));
		WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_BAD_LENGTH);
		WEIR_EXPECT_EQ(reply.detail, WEIR_DETAIL_COMMAND);
	}
	/* A whole window of zeros is a request of 1024 attributes 0, which nobody has to know. */
	board_write(&card->hal, 0, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_ECHO | 4096u << 16);
	card_poll(card, 1);
	WEIR_REQUIRE(mailbox_done(card, 0, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_OK);
	card_free(card);
}

static void the_owner_is_the_first_who_wrote(void)
{
	struct card *card = card_new(0);
	struct reply reply;

	board_write(&card->hal, 0, WEIR_REG_MAILBOX_OWNER, 0x1111);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_MAILBOX_OWNER), 0x1111);
	board_write(&card->hal, 0, WEIR_REG_MAILBOX_OWNER, 0x2222);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_MAILBOX_OWNER), 0x1111);
	mailbox_start(card, 0, WEIR_COMMAND_ECHO, NULL);
	card_poll(card, 1);
	WEIR_EXPECT(mailbox_done(card, 0, &reply));
	board_write(&card->hal, 0, WEIR_REG_MAILBOX_OWNER, 0);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_MAILBOX_OWNER), 0);
	/* The next one does not find the last one's answer. */
	WEIR_EXPECT_EQ(status_of(card, 0), 0);
	board_write(&card->hal, 0, WEIR_REG_MAILBOX_OWNER, 0x2222);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_MAILBOX_OWNER), 0x2222);
	card_free(card);
}

/* A VF with a receive queue that cannot be destroyed yet, and the command that waits for it. */
static struct card *card_with_waiting_command(struct weir_rx_queue **queue)
{
	struct attributes request = queue_request(1, true, 2);
	struct card *card = card_new(1);

	card_enable_vfs(card, 1);
	WEIR_REQUIRE_EQ(command(card, 1, WEIR_COMMAND_RX_QUEUE_CREATE, &request).status,
			WEIR_STATUS_OK);
	*queue = &card->firmware->rx_queues[card_function(card, 1)->first_queue + 2];
	(*queue)->references++;
	card_function(card, 1)->references++;
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_QUEUE, 2);
	mailbox_start(card, 1, WEIR_COMMAND_RX_QUEUE_DESTROY, &request);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(status_of(card, 1), WEIR_REG_MAILBOX_STATUS_BUSY_MASK);
	return card;
}

static void what_the_host_writes_later_changes_nothing(void)
{
	struct weir_rx_queue *queue;
	struct card *card = card_with_waiting_command(&queue);
	struct reply reply;

	/* The window becomes rubbish, and a request while BUSY is ignored. */
	memset(card->hal.functions[1].window, 0xff, sizeof(card->hal.functions[1].window));
	board_write(&card->hal, 1, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_GET_INFO | 4u << 16);
	board_write(&card->hal, 1, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_GET_INFO | 3u << 16);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(status_of(card, 1), WEIR_REG_MAILBOX_STATUS_BUSY_MASK);
	queue->references--;
	card_function(card, 1)->references--;
	card_poll(card, 1);
	WEIR_REQUIRE(mailbox_done(card, 1, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(queue->state, WEIR_QUEUE_NONE);
	card_free(card);
}

static void a_reset_ends_a_command_with_its_status(void)
{
	for (int by_bus = 0; by_bus < 2; by_bus++) {
		struct weir_rx_queue *queue;
		struct card *card = card_with_waiting_command(&queue);
		struct reply reply;
		struct host host;

		/* The admin queue has something in flight as well, which ends during the reset. */
		card->hal.mode = BOARD_PENDING;
		host_enable(&host, card, 1, 3, 4);
		card_poll(card, 2);
		WEIR_EXPECT_EQ(board_pending(&card->hal), 1);
		if (by_bus)
			board_reset(&card->hal, 1);
		else
			board_write(&card->hal, 1, WEIR_REG_CONTROL,
				    WEIR_REG_CONTROL_SOFT_RESET_MASK);
		card_poll(card, 3);
		WEIR_EXPECT(!mailbox_done(card, 1, &reply));
		/* The queue is free now, but the command belongs to the old life. */
		queue->references--;
		board_complete(&card->hal, 1);
		card_poll(card, 3);
		WEIR_EXPECT(!mailbox_done(card, 1, &reply));
		card_function(card, 1)->references--;
		card_poll(card, 3);
		WEIR_REQUIRE(mailbox_done(card, 1, &reply));
		WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_RESET);
		WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_MAILBOX_OWNER), 0);
		WEIR_EXPECT_EQ(card->firmware->admin_list_count, 0);
		/* With no command running there is nothing to tell. */
		board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		card_poll(card, 3);
		WEIR_EXPECT_EQ(status_of(card, 1), 0);
		card_free(card);
	}
}

static void vf_reset_through_the_mailbox_ends_with_the_reset(void)
{
	struct attributes request = vf_request(1);
	struct card *card = card_new(1);
	struct reply reply;

	card_enable_vfs(card, 1);
	card_function(card, 1)->references++;
	mailbox_start(card, 0, WEIR_COMMAND_VF_RESET, &request);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(status_of(card, 0), WEIR_REG_MAILBOX_STATUS_BUSY_MASK);
	card_function(card, 1)->references--;
	card_poll(card, 2);
	WEIR_REQUIRE(mailbox_done(card, 0, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.mailbox.a_command_is_answered_in_the_window", a_command_is_answered_in_the_window },
	{ "core.mailbox.errors_have_their_detail", errors_have_their_detail },
	{ "core.mailbox.impossible_lengths_are_refused", impossible_lengths_are_refused },
	{ "core.mailbox.the_owner_is_the_first_who_wrote", the_owner_is_the_first_who_wrote },
	{ "core.mailbox.what_the_host_writes_later_changes_nothing",
	  what_the_host_writes_later_changes_nothing },
	{ "core.mailbox.a_reset_ends_a_command_with_its_status",
	  a_reset_ends_a_command_with_its_status },
	{ "core.mailbox.vf_reset_through_the_mailbox_ends_with_the_reset",
	  vf_reset_through_the_mailbox_ends_with_the_reset },
};

const struct suite_part mailbox_tests = { tests, WEIR_TESTS(tests) };
