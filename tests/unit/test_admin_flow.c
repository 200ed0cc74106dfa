/* SPDX-License-Identifier: BSD-3-Clause */
/* The admin queue over time: laps, a full completion ring, stopping, resets in every stage, and everything at once. */
#include "suites.h"

#include <string.h>

static struct attributes echo_request(uint32_t value)
{
	struct attributes request = { .bytes = 0 };

	add_bytes(&request, WEIR_ATTRIBUTE_DATA, &value, 4);
	return request;
}

/* ---- laps ---- */

static void rings_and_counters_wrap(void)
{
	struct host host;
	struct card *card = card_new(0);

	host_enable(&host, card, 0, 3, 4);
	weir_firmware_poll(card->firmware);
	/* More commands than a 16-bit counter counts: it wraps, the phase turns thousands of times. */
	for (uint32_t i = 0; i < 70000; i++) {
		struct weir_admin_completion completion;
		uint16_t cookie = host_submit(&host, WEIR_COMMAND_ECHO, NULL, 0);

		weir_firmware_poll(card->firmware);
		WEIR_REQUIRE(host_take_completion(&host, &completion));
		WEIR_REQUIRE_EQ(completion.cookie, cookie);
		WEIR_REQUIRE_EQ(completion.sq_head, (uint16_t)(i + 1));
		host_acknowledge(&host);
	}
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_ADMIN_COMMANDS), 70000);
	card_free(card);
}

/* ---- a completion ring that nobody empties ---- */

static void expect_nothing_beyond_the_ring(struct host *host)
{
	uint32_t ring_bytes = (uint32_t)sizeof(struct weir_admin_completion) << host->cq_log2;

	for (uint32_t i = ring_bytes; i < HOST_REQUEST - HOST_CQ; i++)
		WEIR_EXPECT_EQ(host_memory(host, HOST_CQ)[i], 0);
}

static void the_completion_ring_is_never_overrun(void)
{
	struct weir_admin_completion completion;
	struct host host;
	struct card *card = card_new(0);
	uint32_t answered = 0;

	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	/* The host submits as long as the submission ring has room, and takes nothing. */
	for (uint32_t i = 0; i < 24; i++) {
		uint16_t fetched = card_function(card, 0)->admin.sq_head;

		if ((uint16_t)(host.sq_tail - fetched) == 8)
			break;
		host_submit(&host, WEIR_COMMAND_ECHO, NULL, 0);
		card_run(card);
	}
	WEIR_EXPECT_EQ((uint16_t)(card_function(card, 0)->admin.cq_produced - host.cq_head), 16);
	WEIR_EXPECT_EQ(host.sq_tail, 16 + 8);
	expect_nothing_beyond_the_ring(&host);
	WEIR_EXPECT_EQ(card->firmware->admin_list_count, 0);
	/* Then it takes them, one at a time and giving the room back each time. */
	while (host_take_completion(&host, &completion)) {
		WEIR_EXPECT_EQ(completion.cookie, ++answered);
		host_acknowledge(&host);
		card_run(card);
	}
	WEIR_EXPECT_EQ(answered, 24);
	expect_nothing_beyond_the_ring(&host);
	card_free(card);
}

/* The link changes. */
static void flap(struct card *card)
{
	card->hal.links[0].up = !card->hal.links[0].up;
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK });
	card_poll(card, 1);
}

static void events_leave_room_for_every_command_and_fold(void)
{
	struct weir_admin_completion entry;
	struct host host;
	struct card *card = card_new(0);
	uint32_t completions = 0;

	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	/* Fill the ring with events, taking none of them. */
	for (uint32_t i = 0; i < 100; i++) {
		flap(card);
		card_run(card);
	}
	WEIR_EXPECT_EQ((uint16_t)(card_function(card, 0)->admin.cq_produced - host.cq_head), 16);
	/* Everything after the sixteenth is one event, which is the present state. */
	for (uint32_t i = 0; i < 16; i++)
		WEIR_REQUIRE(host_take(&host, &entry));
	host_acknowledge(&host);
	card_run(card);
	WEIR_REQUIRE(host_take(&host, &entry));
	WEIR_EXPECT_EQ(host.last_event.event, WEIR_EVENT_LINK);
	WEIR_EXPECT_EQ(host.last_event.count, 100 - 16);
	WEIR_EXPECT_EQ(host.last_event.detail, card->hal.links[0].up);
	WEIR_EXPECT(!host_take(&host, &entry));
	host_acknowledge(&host);
	card_run(card);
	/* Eight events are not taken: with eight commands submitted, no event may have one of the eight places left. */
	for (uint32_t i = 0; i < 8; i++)
		flap(card);
	card_run(card);
	WEIR_EXPECT_EQ((uint16_t)(card_function(card, 0)->admin.cq_produced - host.cq_head), 8);
	card->hal.mode = BOARD_PENDING;
	for (uint32_t i = 0; i < 8; i++)
		host_submit(&host, WEIR_COMMAND_ECHO, NULL, 0);
	for (uint32_t i = 0; i < 40; i++) {
		flap(card);
		card_poll(card, 1);
		board_complete(&card->hal, 1);
	}
	card->hal.mode = BOARD_NOW;
	card_run(card);
	while (host_take(&host, &entry))
		completions += entry.kind == WEIR_ADMIN_ENTRY_COMPLETION;
	WEIR_EXPECT_EQ(completions, 8);
	expect_nothing_beyond_the_ring(&host);
	card_free(card);
}

static void events_and_commands_take_turns(void)
{
	struct weir_admin_completion entry;
	struct host host;
	struct card *card = card_new(0);
	uint32_t answered = 0, events = 0;

	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	/* An event is due all the time, and so is a command. */
	card->hal.mode = BOARD_PENDING;
	for (uint32_t i = 0; i < 400; i++) {
		if ((uint16_t)(host.cookie - answered) < 4)
			host_submit(&host, WEIR_COMMAND_ECHO, NULL, 0);
		flap(card);
		board_complete(&card->hal, 1);
		while (host_take(&host, &entry)) {
			if (entry.kind == WEIR_ADMIN_ENTRY_EVENT)
				events++;
			else
				answered++;
			host_acknowledge(&host);
		}
	}
	/* A command is two operations, an event is one: a hundred and thirty turns each. */
	WEIR_EXPECT(answered > 120);
	WEIR_EXPECT(events > 120);
	card_free(card);
}

/* ---- stopping ---- */

static void stopping_waits_for_what_is_in_flight(void)
{
	/* command, request, response, completion: at each of them ENABLE=0 comes while the operation is in flight */
	for (uint32_t stage = 0; stage < 4; stage++) {
		struct weir_admin_completion entry;
		struct attributes request = echo_request(stage);
		struct host host;
		struct card *card = card_new(0);

		host_enable(&host, card, 0, 3, 4);
		card_run(card);
		host_take_events(&host);
		card_run(card);
		card->hal.mode = BOARD_PENDING;
		host_submit(&host, WEIR_COMMAND_ECHO, &request, 64);
		host_submit(&host, WEIR_COMMAND_ECHO, &request, 64);
		for (uint32_t i = 0; i < stage; i++) {
			card_poll(card, 1);
			board_complete(&card->hal, 1);
		}
		card_poll(card, 1);
		WEIR_EXPECT_EQ(board_pending(&card->hal), 1);
		board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
		card_poll(card, 5);
		WEIR_EXPECT(host_running(&host));
		WEIR_EXPECT_EQ(board_pending(&card->hal), 1);
		board_complete(&card->hal, 1);
		card_poll(card, 3);
		WEIR_EXPECT(!host_running(&host));
		WEIR_EXPECT_EQ(host_error(&host), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(board_pending(&card->hal), 0);
		/* Nothing but the entry that was in flight is ever written. */
		WEIR_EXPECT_EQ(host_take(&host, &entry), stage == 3);
		/* Whatever was left behind does not come back with the next enable. */
		card->hal.mode = BOARD_NOW;
		host_enable(&host, card, 0, 4, 5);
		card_run(card);
		WEIR_REQUIRE(host_take(&host, &entry));
		WEIR_EXPECT_EQ(host.last_event.event, WEIR_EVENT_LINK);
		WEIR_EXPECT(!host_take(&host, &entry));
		card_free(card);
	}
}

static void a_fetched_command_runs_to_its_end_without_an_answer(void)
{
	static const uint8_t mac[6] = { 0x02, 1, 2, 3, 4, 5 };
	struct weir_admin_completion entry;
	struct attributes request = { .bytes = 0 };
	struct host host;
	struct card *card = card_new(0);

	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	add_mac(&request, mac);
	card->hal.mode = BOARD_PENDING;
	/* A command that is being fetched when the queue stops is not begun. */
	host_submit(&host, WEIR_COMMAND_FILTER_ADD, &request, 0);
	card_poll(card, 1);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
	card_poll(card, 1);
	card->hal.mode = BOARD_NOW;
	card_run(card);
	WEIR_EXPECT(!host_running(&host));
	WEIR_EXPECT(!weir_sorter_has(card->firmware, card_vport(card, 0), mac, WEIR_VLAN_NONE));
	/* One whose request is being fetched is. */
	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	card->hal.mode = BOARD_PENDING;
	host_submit(&host, WEIR_COMMAND_FILTER_ADD, &request, 0);
	card_poll(card, 1);
	board_complete(&card->hal, 1);
	card_poll(card, 1);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
	card_poll(card, 1);
	board_complete(&card->hal, 1);
	card_poll(card, 1);
	WEIR_EXPECT(!host_running(&host));
	WEIR_EXPECT(weir_sorter_has(card->firmware, card_vport(card, 0), mac, WEIR_VLAN_NONE));
	WEIR_EXPECT(!host_take(&host, &entry));
	card_free(card);
}

static void enabling_while_stopping_happens_after_it(void)
{
	struct weir_admin_completion entry;
	struct host host;
	struct card *card = card_new(0);

	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	card->hal.mode = BOARD_PENDING;
	host_submit(&host, WEIR_COMMAND_ECHO, NULL, 0);
	card_poll(card, 1);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
	host_enable(&host, card, 0, 5, 6);
	card_poll(card, 3);
	WEIR_EXPECT_EQ(card_function(card, 0)->admin.sq_log2, 3);
	card->hal.mode = BOARD_NOW;
	card_run(card);
	WEIR_EXPECT(host_running(&host));
	WEIR_EXPECT_EQ(card_function(card, 0)->admin.sq_log2, 5);
	WEIR_REQUIRE(host_take(&host, &entry));
	WEIR_EXPECT_EQ(entry.kind, WEIR_ADMIN_ENTRY_EVENT);
	host_acknowledge(&host);
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_ECHO, NULL).status, WEIR_STATUS_OK);
	card_free(card);
}

/* ---- commands that take their time ---- */

static void a_command_that_waits_holds_up_nobody_else(void)
{
	struct attributes create = queue_request(1, true, 0), destroy = { .bytes = 0 };
	struct weir_admin_completion completion;
	struct reply reply;
	struct host pf, vf;
	struct card *card = card_new(2);
	struct weir_rx_queue *queue;
	uint64_t until_ns;

	card_enable_vfs(card, 2);
	host_enable(&pf, card, 0, 3, 4);
	host_enable(&vf, card, 1, 3, 4);
	card_run(card);
	WEIR_EXPECT_EQ(host_command(&vf, WEIR_COMMAND_RX_QUEUE_CREATE, &create).status,
		       WEIR_STATUS_OK);
	queue = &card->firmware->rx_queues[card_function(card, 1)->first_queue];
	/* As if a frame were on its way into the queue. */
	queue->references++;
	card_function(card, 1)->references++;
	add_number(&destroy, WEIR_ATTRIBUTE_QUEUE, 0);
	host_submit(&vf, WEIR_COMMAND_RX_QUEUE_DESTROY, &destroy, 0);
	host_submit(&vf, WEIR_COMMAND_ECHO, NULL, 0);
	card_poll(card, 20);
	WEIR_EXPECT(!host_take_completion(&vf, &completion));
	WEIR_EXPECT_EQ(queue->state, WEIR_QUEUE_CLOSING);
	/* The home may sleep, but not for long. */
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns <= card->hal.now_ns + WEIR_NS_PER_MS);
	/* The PF, and the VF's own mailbox, go on. */
	WEIR_EXPECT_EQ(host_command(&pf, WEIR_COMMAND_ECHO, NULL).status, WEIR_STATUS_OK);
	mailbox_start(card, 1, WEIR_COMMAND_LINK_GET, NULL);
	card_poll(card, 2);
	WEIR_REQUIRE(mailbox_done(card, 1, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_OK);
	queue->references--;
	card_function(card, 1)->references--;
	card_poll(card, 1);
	WEIR_REQUIRE(host_take_completion(&vf, &completion));
	WEIR_EXPECT_EQ(completion.opcode, WEIR_COMMAND_RX_QUEUE_DESTROY);
	WEIR_EXPECT_EQ(completion.status, WEIR_STATUS_OK);
	WEIR_REQUIRE(host_take_completion(&vf, &completion));
	WEIR_EXPECT_EQ(completion.opcode, WEIR_COMMAND_ECHO);
	WEIR_EXPECT_EQ(queue->state, WEIR_QUEUE_NONE);
	card_free(card);
}

/* ---- resets ---- */

enum reset_kind { BY_DRIVER, BY_BUS };

/* Nothing of an old life reaches host memory once the new one is READY. */
static void reset_in_stage(uint32_t stage, enum reset_kind kind)
{
	struct attributes request = echo_request(7);
	struct host host;
	struct card *card = card_new(1);
	static uint8_t before[BOARD_DOMAIN_BYTES];

	card_enable_vfs(card, 1);
	host_enable(&host, card, 1, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	card->hal.mode = BOARD_PENDING;
	host_submit(&host, WEIR_COMMAND_ECHO, &request, 64);
	for (uint32_t i = 0; i < stage; i++) {
		card_poll(card, 1);
		board_complete(&card->hal, 1);
	}
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_pending(&card->hal), 1);
	if (kind == BY_BUS)
		board_reset(&card->hal, 1);
	else
		board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 5);
	/* The operation is still in flight: the function is not ready. */
	WEIR_EXPECT_EQ(card_state(card, 1),
		       kind == BY_BUS ? WEIR_FUNCTION_STATE_INIT : WEIR_FUNCTION_STATE_QUIESCING);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 1);
	WEIR_EXPECT(!card->hal.functions[1].ready || kind == BY_DRIVER);
	board_complete(&card->hal, 1);
	card_poll(card, 2);
	WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_READY);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	memcpy(before, card->hal.functions[1].memory, sizeof(before));
	memset(card->hal.functions[1].interrupts, 0, sizeof(card->hal.functions[1].interrupts));
	card->hal.mode = BOARD_NOW;
	card_run(card);
	WEIR_EXPECT_MEM(card->hal.functions[1].memory, before, sizeof(before));
	WEIR_EXPECT_EQ(card->hal.functions[1].interrupts[HOST_VECTOR], 0);
	WEIR_EXPECT(!host_running(&host));
	/* The new life works, from zero. */
	host_enable(&host, card, 1, 3, 4);
	card_run(card);
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_ECHO, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(function_stat(card, 1, WEIR_STAT_FUNCTION_ADMIN_COMMANDS), 1);
	WEIR_EXPECT_EQ(function_stat(card, 1, WEIR_STAT_FUNCTION_RESETS), 1);
	card_free(card);
}

static void a_reset_in_any_stage_is_clean(void)
{
	for (uint32_t stage = 0; stage < 4; stage++) {
		reset_in_stage(stage, BY_BUS);
		reset_in_stage(stage, BY_DRIVER);
	}
}

static void a_reset_while_the_board_is_busy_is_clean(void)
{
	for (int kind = 0; kind < 2; kind++) {
		struct host host;
		struct card *card = card_new(1);

		card_enable_vfs(card, 1);
		host_enable(&host, card, 1, 3, 4);
		card_run(card);
		card->hal.mode = BOARD_BUSY;
		host_submit(&host, WEIR_COMMAND_ECHO, NULL, 0);
		card_poll(card, 3);
		if (kind == BY_BUS)
			board_reset(&card->hal, 1);
		else
			board_write(&card->hal, 1, WEIR_REG_CONTROL,
				    WEIR_REG_CONTROL_SOFT_RESET_MASK);
		card_poll(card, 2);
		WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(card->firmware->admin_list_count, 0);
		card->hal.mode = BOARD_NOW;
		host_enable(&host, card, 1, 3, 4);
		card_run(card);
		WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_ECHO, NULL).status, WEIR_STATUS_OK);
		card_free(card);
	}
}

/* ---- everything at once ---- */

#define SOAK_FUNCTIONS 4

/* What a host knows of its function: its queue is of which generation, and what it waits for. */
struct soak_host {
	struct host host;
	uint32_t generation;
	bool enabled;
	uint16_t next_cookie; /* of the answer that is due */
	uint32_t answers;
};

static void soak_take(struct soak_host *soak)
{
	struct weir_admin_completion entry;

	if (!soak->enabled || board_read(&soak->host.card->hal, soak->host.function,
					 WEIR_REG_GENERATION) != soak->generation)
		return;
	while (host_take(&soak->host, &entry)) {
		WEIR_EXPECT_EQ(entry.generation, soak->generation);
		if (entry.kind == WEIR_ADMIN_ENTRY_EVENT)
			continue;
		WEIR_EXPECT_EQ(entry.cookie, soak->next_cookie);
		WEIR_EXPECT_EQ(entry.status, WEIR_STATUS_OK);
		soak->next_cookie++;
		soak->answers++;
	}
	host_acknowledge(&soak->host);
}

static void soak_act(struct card *card, struct soak_host *soak, uint16_t function)
{
	struct hal *hal = &card->hal;
	struct attributes request = echo_request(function);
	uint32_t act = board_chance(hal, 100);

	if (act == 0 && function != 0)
		board_reset(hal, function);
	else if (act == 1 && function != 0)
		board_write(hal, function, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	else if (act == 2)
		board_bus_master(hal, function, false);
	else if (act < 10)
		board_bus_master(hal, function, true);
	else if (card_state(card, function) == WEIR_FUNCTION_STATE_READY &&
		 hal->functions[function].ready) {
		uint32_t generation = board_read(hal, function, WEIR_REG_GENERATION);

		if (!soak->enabled || soak->generation != generation) {
			host_enable(&soak->host, card, function, 3, 5);
			soak->enabled = true;
			soak->generation = generation;
			soak->next_cookie = 1;
			return;
		}
		soak_take(soak);
		if ((uint16_t)(soak->host.cookie - (uint16_t)(soak->next_cookie - 1)) < 8)
			host_submit(&soak->host, WEIR_COMMAND_ECHO, &request, 64);
	}
}

static void everything_at_once_keeps_its_order(void)
{
	for (uint32_t seed = 1; seed <= 5; seed++) {
		struct soak_host soaks[SOAK_FUNCTIONS] = { 0 };
		struct card *card = card_new(SOAK_FUNCTIONS - 1);
		struct hal *hal = &card->hal;

		card_enable_vfs(card, SOAK_FUNCTIONS - 1);
		hal->random = seed * 7919;
		hal->mode = BOARD_RANDOM;
		for (uint32_t round = 0; round < 30000; round++) {
			uint16_t function = (uint16_t)board_chance(hal, SOAK_FUNCTIONS);

			soak_act(card, &soaks[function], function);
			if (board_chance(hal, 3))
				board_complete(hal, board_chance(hal, 4));
			hal->now_ns += board_chance(hal, 100000);
			weir_firmware_poll(card->firmware);
		}
		/* In the end everything comes to rest, and everybody gets what is due. */
		for (uint16_t i = 0; i < SOAK_FUNCTIONS; i++)
			board_bus_master(hal, i, true);
		hal->mode = BOARD_NOW;
		card_run(card);
		for (uint16_t i = 0; i < SOAK_FUNCTIONS; i++) {
			struct soak_host *soak = &soaks[i];

			soak_take(soak);
			card_run(card);
			soak_take(soak);
			WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
			WEIR_EXPECT_EQ(card_function(card, i)->references, 0);
			if (soak->enabled &&
			    soak->generation == board_read(hal, i, WEIR_REG_GENERATION))
				WEIR_EXPECT_EQ((uint16_t)(soak->host.cookie + 1), soak->next_cookie);
			WEIR_EXPECT(soak->answers > 100);
		}
		WEIR_EXPECT_EQ(card->firmware->functions_resetting, 0);
		card_free(card);
	}
}

static const struct weir_test tests[] = {
	{ "core.admin.rings_and_counters_wrap", rings_and_counters_wrap },
	{ "core.admin.the_completion_ring_is_never_overrun", the_completion_ring_is_never_overrun },
	{ "core.admin.events_leave_room_for_every_command_and_fold",
	  events_leave_room_for_every_command_and_fold },
	{ "core.admin.events_and_commands_take_turns", events_and_commands_take_turns },
	{ "core.admin.stopping_waits_for_what_is_in_flight", stopping_waits_for_what_is_in_flight },
	{ "core.admin.a_fetched_command_runs_to_its_end_without_an_answer",
	  a_fetched_command_runs_to_its_end_without_an_answer },
	{ "core.admin.enabling_while_stopping_happens_after_it",
	  enabling_while_stopping_happens_after_it },
	{ "core.admin.a_command_that_waits_holds_up_nobody_else",
	  a_command_that_waits_holds_up_nobody_else },
	{ "core.admin.a_reset_in_any_stage_is_clean", a_reset_in_any_stage_is_clean },
	{ "core.admin.a_reset_while_the_board_is_busy_is_clean",
	  a_reset_while_the_board_is_busy_is_clean },
	{ "core.admin.everything_at_once_keeps_its_order", everything_at_once_keeps_its_order },
};

const struct suite_part admin_flow_tests = { tests, WEIR_TESTS(tests) };
