/* SPDX-License-Identifier: BSD-3-Clause */
/* The admin queue: enabling, doorbells, interrupts, and each stage when it is done, pending, refused for want of room, or a fault. */
#include "suites.h"

#include <string.h>

/* ---- enable ---- */

static void enabling_sends_the_link_first(void)
{
	struct weir_admin_completion entry;
	struct host host;
	struct card *card = card_new(0);

	host_enable(&host, card, 0, 3, 4);
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 64);
	card_run(card);
	WEIR_EXPECT(host_running(&host));
	WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_OK);
	WEIR_REQUIRE(host_take(&host, &entry));
	WEIR_EXPECT_EQ(entry.kind, WEIR_ADMIN_ENTRY_EVENT);
	WEIR_EXPECT_EQ(host.last_event.event, WEIR_EVENT_LINK);
	WEIR_EXPECT_EQ(host.last_event.count, 1);
	WEIR_EXPECT_EQ(host.last_event.data, 25000);
	WEIR_EXPECT_EQ(host.last_event.detail, 1);
	WEIR_EXPECT_EQ(host.last_event.generation, 1);
	WEIR_REQUIRE(host_take(&host, &entry));
	WEIR_EXPECT_EQ(entry.kind, WEIR_ADMIN_ENTRY_COMPLETION);
	WEIR_EXPECT(!host_take(&host, &entry));
	card_free(card);
}

struct bad_enable {
	const char *what;
	uint32_t offset, value;
};

static void wrong_sizes_and_places_are_refused(void)
{
	static const struct bad_enable bad[] = {
		{ "submission ring too small", WEIR_REG_ADMIN_SIZES, 2 | 4 << 8 | 0xffffu << 16 },
		{ "submission ring too large", WEIR_REG_ADMIN_SIZES, 11 | 12 << 8 | 0xffffu << 16 },
		{ "submission ring absurd", WEIR_REG_ADMIN_SIZES, 255 | 10 << 8 | 0xffffu << 16 },
		{ "completion ring as large as submission", WEIR_REG_ADMIN_SIZES,
		  4 | 4 << 8 | 0xffffu << 16 },
		{ "completion ring too large", WEIR_REG_ADMIN_SIZES, 4 | 11 << 8 | 0xffffu << 16 },
		{ "vector there is not", WEIR_REG_ADMIN_SIZES,
		  3 | 4 << 8 | WEIR_MSIX_PF_VECTORS << 16 },
		{ "submission ring not aligned", WEIR_REG_ADMIN_SQ_BASE_LOW, 32 },
		{ "completion ring not aligned", WEIR_REG_ADMIN_CQ_BASE_LOW, 63 },
	};
	struct card *card = card_new(0);
	struct host host;

	for (size_t i = 0; i < WEIR_TESTS(bad); i++) {
		host_enable(&host, card, 0, 3, 4);
		board_write(&card->hal, 0, bad[i].offset, bad[i].value);
		card_run(card);
		WEIR_EXPECT(!host_running(&host));
		WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_BAD_VALUE);
	}
	/* A ring that runs over the end of the address space. */
	host_enable(&host, card, 0, 3, 4);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CQ_BASE_LOW, 0xffffffc0u);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CQ_BASE_HIGH, 0xffffffffu);
	card_run(card);
	WEIR_EXPECT(!host_running(&host));
	WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_BAD_VALUE);
	host_enable(&host, card, 0, 3, 4);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_SQ_BASE_LOW, 0xffffffc0u);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_SQ_BASE_HIGH, 0xffffffffu);
	card_run(card);
	WEIR_EXPECT(!host_running(&host));
	WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_BAD_VALUE);
	/* ENABLE=0 takes the error away. */
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
	card_run(card);
	WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_OK);
	/* And after all that a right one works. */
	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	WEIR_EXPECT(host_running(&host));
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_LINK_GET, NULL).status, WEIR_STATUS_OK);
	card_free(card);
}

static void enabling_twice_changes_nothing(void)
{
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	board_write(&card->hal, 0, WEIR_REG_ADMIN_SIZES, 99);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 1);
	card_run(card);
	WEIR_EXPECT(host_running(&host));
	WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_LINK_GET, NULL).status, WEIR_STATUS_OK);
	card_free(card);
}

/* ---- commands ---- */

static void a_completion_says_what_it_answers(void)
{
	struct weir_admin_completion completion;
	struct attributes request = { .bytes = 0 };
	struct host host;
	struct card *card = card_with_queue(&host, 0);
	uint16_t cookie;
	uint32_t bytes;

	add_bytes(&request, WEIR_ATTRIBUTE_DATA, "hello", 5);
	cookie = host_submit(&host, WEIR_COMMAND_ECHO, &request, 64);
	card_run(card);
	WEIR_REQUIRE(host_take_completion(&host, &completion));
	WEIR_EXPECT_EQ(completion.cookie, cookie);
	WEIR_EXPECT_EQ(completion.opcode, WEIR_COMMAND_ECHO);
	WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(completion.detail, 0);
	WEIR_EXPECT_EQ(completion.sq_head, 1);
	/* More room than any response takes is as good. */
	host_acknowledge(&host);
	host_submit(&host, WEIR_COMMAND_ECHO, &request, UINT16_MAX);
	card_run(card);
	WEIR_REQUIRE(host_take_completion(&host, &completion));
	WEIR_EXPECT_EQ(completion.generation, 1);
	WEIR_EXPECT_EQ(completion.response_length, 12);
	WEIR_EXPECT_MEM(find_attribute(host_memory(&host, HOST_RESPONSE), 12, WEIR_ATTRIBUTE_DATA,
				       &bytes),
			"hello", 5);
	WEIR_EXPECT_EQ(bytes, 5);
	card_free(card);
}

static void checks_come_in_their_order(void)
{
	struct host host;
	struct card *card = card_with_queue(&host, 1);
	struct weir_admin_command *slot;
	struct weir_admin_completion completion;
	static const struct {
		uint16_t opcode, request_length;
		uint64_t reserved, address;
		enum weir_status status;
		uint32_t detail;
	} cases[] = {
		/* each has everything wrong that comes later */
		{ 0x7777, 4099, 1, 0, WEIR_STATUS_BAD_VALUE, 0 },
		{ 0x7777, 4099, 0, 0, WEIR_STATUS_BAD_LENGTH, WEIR_DETAIL_COMMAND },
		{ 0x7777, 4100, 0, 0, WEIR_STATUS_BAD_LENGTH, WEIR_DETAIL_COMMAND },
		{ 0x7777, 2, 0, 0, WEIR_STATUS_BAD_LENGTH, WEIR_DETAIL_COMMAND },
		{ 0x7777, 8, 0, 0, WEIR_STATUS_UNKNOWN_COMMAND, 0 },
		{ WEIR_COMMAND_VPORT_SET, 8, 0, 0, WEIR_STATUS_DMA_FAULT, 0 },
		{ WEIR_COMMAND_FILTER_ADD, 0, 0, 0, WEIR_STATUS_MISSING_ATTRIBUTE,
		  WEIR_ATTRIBUTE_MAC },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		uint32_t at = host.sq_tail & 7;

		host_submit(&host, cases[i].opcode, NULL, 64);
		slot = (struct weir_admin_command *)host_memory(&host, HOST_SQ) + at;
		slot->request_length = cases[i].request_length;
		slot->reserved = cases[i].reserved;
		slot->request_address = cases[i].address;
		card_run(card);
		WEIR_REQUIRE(host_take_completion(&host, &completion));
		WEIR_EXPECT_EQ(completion.status, cases[i].status);
		WEIR_EXPECT_EQ(completion.detail, cases[i].detail);
		WEIR_EXPECT_EQ(completion.response_length, 0);
		host_acknowledge(&host);
	}
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_ADMIN_COMMANDS), WEIR_TESTS(cases));
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_ADMIN_ERRORS), WEIR_TESTS(cases));
	/* A VF that may not give a command is told so before its request is read. */
	card_enable_vfs(card, 1);
	host_enable(&host, card, 1, 3, 4);
	host_submit(&host, WEIR_COMMAND_LOG_READ, NULL, 64);
	slot = (struct weir_admin_command *)host_memory(&host, HOST_SQ);
	slot->request_length = 8;
	slot->request_address = 0;
	card_run(card);
	WEIR_REQUIRE(host_take_completion(&host, &completion));
	WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_NOT_PERMITTED);
	card_free(card);
}

static void a_response_that_does_not_fit_is_told_and_not_written(void)
{
	struct weir_admin_completion completion;
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	memset(host_memory(&host, HOST_RESPONSE), 0x5a, 64);
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 15);
	card_run(card);
	WEIR_REQUIRE(host_take_completion(&host, &completion));
	WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_BAD_LENGTH);
	WEIR_EXPECT_EQ(completion.detail, WEIR_DETAIL_COMMAND);
	WEIR_EXPECT_EQ(completion.response_length, 16);
	for (uint32_t i = 0; i < 64; i++)
		WEIR_EXPECT_EQ(host_memory(&host, HOST_RESPONSE)[i], 0x5a);
	/* No misbehaviour: a driver of another age may well have less room. */
	WEIR_EXPECT_EQ(
		card_function(card, 0)->admin.misbehaviour_count[WEIR_MISBEHAVIOUR_BAD_COMMAND], 0);
	host_submit(&host, WEIR_COMMAND_LINK_GET, NULL, 16);
	card_run(card);
	WEIR_REQUIRE(host_take_completion(&host, &completion));
	WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_OK);
	card_free(card);
}

/* ---- every stage, every answer of the HAL ---- */

/* Bus calls of one command with request and response: command, request, response, completion. */
#define STAGES 4

static void submit_echo(struct host *host)
{
	struct attributes request = { .bytes = 0 };

	add_bytes(&request, WEIR_ATTRIBUTE_DATA, "0123456789", 10);
	host_submit(host, WEIR_COMMAND_ECHO, &request, 64);
}

static void expect_echo(struct host *host)
{
	struct weir_admin_completion completion;
	uint32_t bytes = 0;

	WEIR_REQUIRE(host_take_completion(host, &completion));
	WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(completion.cookie, host->cookie);
	WEIR_EXPECT_EQ(completion.response_length, 16);
	const uint8_t *data =
		find_attribute(host_memory(host, HOST_RESPONSE), 16, WEIR_ATTRIBUTE_DATA, &bytes);

	WEIR_REQUIRE(data != NULL);
	WEIR_EXPECT_MEM(data, "0123456789", 10);
}

static void every_stage_can_be_pending(void)
{
	struct weir_admin_completion entry;
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	card->hal.mode = BOARD_PENDING;
	submit_echo(&host);
	for (uint32_t stage = 0; stage < STAGES; stage++) {
		card_poll(card, 5);
		/* One operation at a time, and nothing is told before it is true. */
		WEIR_EXPECT_EQ(board_pending(&card->hal), 1);
		WEIR_EXPECT(!host_take(&host, &entry));
		WEIR_EXPECT_EQ(card_function(card, 0)->references, 1);
		WEIR_EXPECT_EQ(board_complete(&card->hal, 1), 1);
	}
	WEIR_EXPECT_EQ(card_function(card, 0)->references, 1);
	card_poll(card, 1);
	expect_echo(&host);
	WEIR_EXPECT_EQ(board_pending(&card->hal), 0);
	WEIR_EXPECT_EQ(card_function(card, 0)->references, 0);
	card_free(card);
}

static void every_stage_can_find_the_board_busy(void)
{
	struct weir_admin_completion entry;
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	for (uint32_t stage = 0; stage < STAGES; stage++) {
		/* Let the command come as far as this stage, then close the board. */
		card->hal.mode = BOARD_PENDING;
		submit_echo(&host);
		for (uint32_t i = 0; i < stage; i++) {
			card_poll(card, 1);
			WEIR_EXPECT_EQ(board_complete(&card->hal, 1), 1);
		}
		card->hal.mode = BOARD_BUSY;
		card_poll(card, 10);
		WEIR_EXPECT_EQ(board_pending(&card->hal), 0);
		WEIR_EXPECT(!host_take(&host, &entry));
		uint64_t until_ns = 0;

		WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
		WEIR_EXPECT(until_ns <= card->hal.now_ns + WEIR_NS_PER_MS);
		card->hal.mode = BOARD_NOW;
		card_poll(card, 1);
		expect_echo(&host);
		host_acknowledge(&host);
		card_poll(card, 1);
	}
	card_free(card);
}

/* Makes [offset, offset + bytes) of the PF's memory a hole. */
static void make_hole(struct card *card, uint32_t offset, uint32_t bytes)
{
	card->hal.functions[0].hole = board_domain(0) + offset;
	card->hal.functions[0].hole_bytes = bytes;
}

static void a_ring_that_faults_stops_the_queue(void)
{
	static const struct {
		uint32_t offset;
		enum board_mode mode;
	} cases[] = { { HOST_SQ, BOARD_NOW },
		      { HOST_CQ, BOARD_NOW },
		      { HOST_SQ, BOARD_PENDING },
		      { HOST_CQ, BOARD_PENDING } };

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct host host;
		struct card *card = card_with_queue(&host, 0);

		card->hal.mode = cases[i].mode;
		make_hole(card, cases[i].offset, 0x1000);
		submit_echo(&host);
		card_run(card);
		WEIR_EXPECT(!host_running(&host));
		WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_DMA_FAULT);
		WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_DMA_FAULTS), 1);
		WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 1);
		WEIR_EXPECT_EQ(card_state(card, 0), WEIR_FUNCTION_STATE_READY);
		/* With memory in place again the queue can be enabled anew. */
		make_hole(card, 0, 0);
		host_enable(&host, card, 0, 3, 4);
		card_run(card);
		WEIR_EXPECT(host_running(&host));
		submit_echo(&host);
		card_run(card);
		expect_echo(&host);
		card_free(card);
	}
}

static void a_request_or_response_that_faults_fails_the_command_alone(void)
{
	static const uint32_t places[] = { HOST_REQUEST, HOST_RESPONSE };

	for (int pending = 0; pending < 2; pending++) {
		struct host host;
		struct card *card = card_with_queue(&host, 0);

		card->hal.mode = pending ? BOARD_PENDING : BOARD_NOW;
		for (size_t i = 0; i < WEIR_TESTS(places); i++) {
			struct weir_admin_completion completion;

			make_hole(card, places[i], 4);
			submit_echo(&host);
			card_run(card);
			WEIR_REQUIRE(host_take_completion(&host, &completion));
			WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_DMA_FAULT);
			WEIR_EXPECT_EQ(completion.response_length, 0);
			WEIR_EXPECT(host_running(&host));
			make_hole(card, 0, 0);
			submit_echo(&host);
			card_run(card);
			expect_echo(&host);
			host_acknowledge(&host);
		}
		WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_DMA_FAULTS), 2);
		card_free(card);
	}
}

/* ---- bus master ---- */

static void without_bus_master_everything_stands_still(void)
{
	struct weir_admin_completion entry;

	for (uint32_t stage = 0; stage < STAGES; stage++) {
		struct host host;
		struct card *card = card_with_queue(&host, 0);

		card->hal.mode = BOARD_PENDING;
		submit_echo(&host);
		for (uint32_t i = 0; i < stage; i++) {
			card_poll(card, 1);
			board_complete(&card->hal, 1);
		}
		card->hal.functions[0].master = false;
		board_event(&card->hal,
			    &(struct hal_event){ .kind = HAL_EVENT_BUS_MASTER, .value = 0 });
		card_poll(card, 5);
		WEIR_EXPECT_EQ(board_pending(&card->hal), 0);
		WEIR_EXPECT(!host_take(&host, &entry));
		WEIR_EXPECT(host_running(&host));
		/* It costs nothing meanwhile. */
		WEIR_EXPECT_EQ(card->firmware->admin_list_count, 0);
		card->hal.mode = BOARD_NOW;
		board_bus_master(&card->hal, 0, true);
		card_poll(card, 1);
		expect_echo(&host);
		card_free(card);
	}
}

static void bus_master_off_and_on_within_an_operation_is_survived(void)
{
	struct host host;
	struct card *card = card_with_queue(&host, 0);

	for (uint32_t stage = 0; stage < STAGES; stage++) {
		card->hal.mode = BOARD_PENDING;
		submit_echo(&host);
		for (uint32_t i = 0; i < stage; i++) {
			card_poll(card, 1);
			board_complete(&card->hal, 1);
		}
		card_poll(card, 1);
		/* The operation dies in between; both events are taken before its completion is. */
		for (uint32_t i = 0; i < BOARD_OPERATIONS; i++)
			card->hal.operations[i].result = HAL_RESET;
		board_bus_master(&card->hal, 0, false);
		board_bus_master(&card->hal, 0, true);
		card_poll(card, 1);
		board_complete(&card->hal, 1);
		card->hal.mode = BOARD_NOW;
		card_poll(card, 2);
		expect_echo(&host);
		host_acknowledge(&host);
		card_poll(card, 1);
	}
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.admin.enabling_sends_the_link_first", enabling_sends_the_link_first },
	{ "core.admin.wrong_sizes_and_places_are_refused", wrong_sizes_and_places_are_refused },
	{ "core.admin.enabling_twice_changes_nothing", enabling_twice_changes_nothing },
	{ "core.admin.a_completion_says_what_it_answers", a_completion_says_what_it_answers },
	{ "core.admin.checks_come_in_their_order", checks_come_in_their_order },
	{ "core.admin.a_response_that_does_not_fit_is_told_and_not_written",
	  a_response_that_does_not_fit_is_told_and_not_written },
	{ "core.admin.every_stage_can_be_pending", every_stage_can_be_pending },
	{ "core.admin.every_stage_can_find_the_board_busy", every_stage_can_find_the_board_busy },
	{ "core.admin.a_ring_that_faults_stops_the_queue", a_ring_that_faults_stops_the_queue },
	{ "core.admin.a_request_or_response_that_faults_fails_the_command_alone",
	  a_request_or_response_that_faults_fails_the_command_alone },
	{ "core.admin.without_bus_master_everything_stands_still",
	  without_bus_master_everything_stands_still },
	{ "core.admin.bus_master_off_and_on_within_an_operation_is_survived",
	  bus_master_off_and_on_within_an_operation_is_survived },
};

const struct suite_part admin_tests = { tests, WEIR_TESTS(tests) };
