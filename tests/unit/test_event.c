/* SPDX-License-Identifier: BSD-3-Clause */
/* Events: folding, what the PF is told and how often, what is lost. */
#include "suites.h"

#include <string.h>

#define VFS 3

/* A card with VFS VFs whose PF listens, with every event so far taken. */
static struct card *card_listening(struct host *pf)
{
	struct card *card = card_new(VFS);

	host_enable(pf, card, 0, 4, 6);
	card_run(card);
	card_enable_vfs(card, VFS);
	host_take_events(pf);
	card_run(card);
	memset(pf->events, 0, sizeof(pf->events));
	return card;
}

/* The next event; ends the test when there is none. */
static struct weir_admin_event next_event(struct host *host)
{
	struct weir_admin_completion entry;

	WEIR_REQUIRE(host_take(host, &entry));
	WEIR_REQUIRE_EQ(entry.kind, WEIR_ADMIN_ENTRY_EVENT);
	host_acknowledge(host);
	return host->last_event;
}

static bool no_event(struct host *host)
{
	struct weir_admin_completion entry;

	card_run(host->card);
	return !host_take(host, &entry);
}

static void the_pf_hears_of_every_vf(void)
{
	struct weir_admin_completion entry;
	struct host pf;
	struct card *card = card_new(VFS);
	uint32_t states[1 + VFS] = { 0 };

	host_enable(&pf, card, 0, 4, 6);
	card_run(card);
	card_enable_vfs(card, VFS);
	while (host_take(&pf, &entry)) {
		if (pf.last_event.event == WEIR_EVENT_VF_STATE) {
			WEIR_REQUIRE(pf.last_event.function <= VFS);
			states[pf.last_event.function] = pf.last_event.detail;
			/* INIT and READY came together. */
			WEIR_EXPECT_EQ(pf.last_event.count, 2);
		}
	}
	for (uint16_t i = 1; i <= VFS; i++)
		WEIR_EXPECT_EQ(states[i], WEIR_FUNCTION_STATE_READY);
	host_acknowledge(&pf);
	card_run(card);
	board_reset(&card->hal, 2);
	card_run(card);
	struct weir_admin_event event = next_event(&pf);

	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_VF_STATE);
	WEIR_EXPECT_EQ(event.function, 2);
	WEIR_EXPECT_EQ(event.detail, WEIR_FUNCTION_STATE_READY);
	WEIR_EXPECT(no_event(&pf));
	board_vf_enable(&card->hal, 0);
	card_run(card);
	for (uint16_t i = 1; i <= VFS; i++)
		WEIR_EXPECT_EQ(next_event(&pf).detail, WEIR_FUNCTION_STATE_ABSENT);
	WEIR_EXPECT(no_event(&pf));
	card_free(card);
}

static void misbehaviour_is_told_once_a_second(void)
{
	struct weir_admin_event event;
	struct host pf;
	struct card *card = card_listening(&pf);
	struct weir_function *vf = card_function(card, 2);
	uint64_t start_ns, until_ns = 0;

	card->hal.now_ns = 10 * WEIR_NS_PER_SECOND;
	card_run(card);
	start_ns = card->hal.now_ns;
	for (int i = 0; i < 50; i++)
		weir_misbehaviour(card->firmware, vf, WEIR_MISBEHAVIOUR_SPOOF, "source", 1);
	card_run(card);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_MISBEHAVIOUR);
	WEIR_EXPECT_EQ(event.function, 2);
	WEIR_EXPECT_EQ(event.detail, WEIR_MISBEHAVIOUR_SPOOF);
	WEIR_EXPECT_EQ(event.count, 50);
	WEIR_EXPECT_EQ(event.data, WEIR_PLACE_NONE);
	/* More of it waits, other kinds and other functions do not. */
	for (int i = 0; i < 7; i++)
		weir_misbehaviour(card->firmware, vf, WEIR_MISBEHAVIOUR_SPOOF, "source", 1);
	weir_misbehaviour(card->firmware, vf, WEIR_MISBEHAVIOUR_BAD_DOORBELL, "doorbell", 1);
	weir_misbehaviour(card->firmware, card_function(card, 3), WEIR_MISBEHAVIOUR_SPOOF, "source",
			  1);
	card_run(card);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.function, 2);
	WEIR_EXPECT_EQ(event.detail, WEIR_MISBEHAVIOUR_BAD_DOORBELL);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.function, 3);
	WEIR_EXPECT(no_event(&pf));
	/* The home is told when to come back. */
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns == start_ns + WEIR_NS_PER_SECOND);
	card->hal.now_ns = start_ns + WEIR_NS_PER_SECOND - 1;
	WEIR_EXPECT(no_event(&pf));
	card->hal.now_ns = start_ns + WEIR_NS_PER_SECOND;
	card_run(card);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.function, 2);
	WEIR_EXPECT_EQ(event.detail, WEIR_MISBEHAVIOUR_SPOOF);
	WEIR_EXPECT_EQ(event.count, 7);
	WEIR_EXPECT(no_event(&pf));
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns == UINT64_MAX);
	card_free(card);
}

static void a_reset_does_not_reset_the_second(void)
{
	struct host pf;
	struct card *card = card_listening(&pf);

	card->hal.now_ns = 10 * WEIR_NS_PER_SECOND;
	card_run(card);
	weir_misbehaviour(card->firmware, card_function(card, 1), WEIR_MISBEHAVIOUR_SPOOF, "source",
			  1);
	card_run(card);
	WEIR_EXPECT_EQ(next_event(&pf).event, WEIR_EVENT_MISBEHAVIOUR);
	board_reset(&card->hal, 1);
	card_run(card);
	WEIR_EXPECT_EQ(next_event(&pf).event, WEIR_EVENT_VF_STATE);
	weir_misbehaviour(card->firmware, card_function(card, 1), WEIR_MISBEHAVIOUR_SPOOF, "source",
			  1);
	WEIR_EXPECT(no_event(&pf));
	card->hal.now_ns += WEIR_NS_PER_SECOND;
	card_run(card);
	WEIR_EXPECT_EQ(next_event(&pf).event, WEIR_EVENT_MISBEHAVIOUR);
	card_free(card);
}

static void a_function_hears_of_its_stopped_queue(void)
{
	struct weir_admin_event event;
	struct host pf, vf;
	struct card *card = card_listening(&pf);
	uint32_t place = 5 | WEIR_PLACE_TRANSMIT | WEIR_PLACE_STOPPED;

	host_enable(&vf, card, 1, 3, 4);
	card_run(card);
	host_take_events(&vf);
	card_run(card);
	weir_misbehaviour_at(card->firmware, card_function(card, 1), WEIR_MISBEHAVIOUR_DMA_FAULT,
			     "ring", 0, place);
	/* A lesser thing after it does not hide it. */
	weir_misbehaviour_at(card->firmware, card_function(card, 1), WEIR_MISBEHAVIOUR_DMA_FAULT,
			     "frame", 0, 6);
	card_run(card);
	event = next_event(&vf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_MISBEHAVIOUR);
	WEIR_EXPECT_EQ(event.function, 1);
	WEIR_EXPECT_EQ(event.detail, WEIR_MISBEHAVIOUR_DMA_FAULT);
	WEIR_EXPECT_EQ(event.data, place);
	WEIR_EXPECT(no_event(&vf));
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.function, 1);
	WEIR_EXPECT_EQ(event.count, 2);
	WEIR_EXPECT_EQ(event.data, place);
	/* The PF hears of its own once. */
	weir_misbehaviour_at(card->firmware, card_function(card, 0), WEIR_MISBEHAVIOUR_DMA_FAULT,
			     "ring", 0, place);
	card_run(card);
	WEIR_EXPECT_EQ(next_event(&pf).function, 0);
	WEIR_EXPECT(no_event(&pf));
	card_free(card);
}

static void bad_commands_of_a_vf_are_reported(void)
{
	struct weir_admin_event event;
	struct host pf;
	struct reply reply;
	struct card *card = card_listening(&pf);

	card->hal.now_ns = WEIR_NS_PER_SECOND;
	card_run(card);
	mailbox_start(card, 1, WEIR_COMMAND_LOG_READ, NULL);
	card_run(card);
	WEIR_REQUIRE(mailbox_done(card, 1, &reply));
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_MISBEHAVIOUR);
	WEIR_EXPECT_EQ(event.function, 1);
	WEIR_EXPECT_EQ(event.detail, WEIR_MISBEHAVIOUR_BAD_COMMAND);
	/* Not what an ordinary driver runs into, and not the PF's own. */
	struct attributes request = { .bytes = 0 };

	add_number(&request, WEIR_ATTRIBUTE_MTU, 60000);
	mailbox_start(card, 2, WEIR_COMMAND_VPORT_SET, &request);
	card_run(card);
	WEIR_REQUIRE(mailbox_done(card, 2, &reply));
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_BAD_VALUE);
	mailbox_start(card, 0, WEIR_COMMAND_VF_GET, NULL);
	card_run(card);
	WEIR_EXPECT(no_event(&pf));
	card_free(card);
}

static void what_an_entry_cannot_count_is_lost_and_told(void)
{
	struct weir_admin_event event;
	struct host pf;
	struct card *card = card_listening(&pf);

	card->hal.now_ns = WEIR_NS_PER_SECOND;
	card_poll(card, 1);
	for (int i = 0; i < 70000; i++)
		weir_misbehaviour(card->firmware, card_function(card, 1), WEIR_MISBEHAVIOUR_SPOOF,
				  "source", 1);
	card_run(card);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_MISBEHAVIOUR);
	WEIR_EXPECT_EQ(event.count, 65535);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_EVENTS_LOST);
	WEIR_EXPECT_EQ(event.data, 70000 - 65535);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_EVENTS_LOST), 70000 - 65535);
	/* The same for one's own events. */
	card->hal.mode = BOARD_BUSY;
	for (int i = 0; i < 65535 + 12; i++)
		weir_event_link(card->firmware, card_function(card, 0));
	card->hal.mode = BOARD_NOW;
	card_run(card);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_LINK);
	WEIR_EXPECT_EQ(event.count, 65535);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_EVENTS_LOST);
	WEIR_EXPECT_EQ(event.data, 12);
	WEIR_EXPECT(no_event(&pf));
	card_free(card);
}

static void nobody_is_told_while_nobody_listens(void)
{
	struct host pf;
	struct card *card = card_new(VFS);
	struct weir_admin_completion entry;

	card_enable_vfs(card, VFS);
	weir_misbehaviour(card->firmware, card_function(card, 1), WEIR_MISBEHAVIOUR_SPOOF, "source",
			  1);
	WEIR_EXPECT_EQ(card->firmware->news_count, 0);
	host_enable(&pf, card, 0, 4, 6);
	card_run(card);
	WEIR_REQUIRE(host_take(&pf, &entry));
	WEIR_EXPECT_EQ(pf.last_event.event, WEIR_EVENT_LINK);
	WEIR_EXPECT(!host_take(&pf, &entry));
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_EVENTS_SENT), 1);
	/* What waits when the queue stops is lost, and counted. */
	card->hal.mode = BOARD_BUSY;
	board_reset(&card->hal, 1);
	board_reset(&card->hal, 2);
	card->hal.links[0].up = false;
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK });
	card_poll(card, 3);
	board_write(&card->hal, 0, WEIR_REG_ADMIN_CONTROL, 0);
	card_poll(card, 3);
	WEIR_EXPECT(!host_running(&pf));
	WEIR_EXPECT(function_stat(card, 0, WEIR_STAT_FUNCTION_EVENTS_LOST) >= 2);
	WEIR_EXPECT_EQ(card->firmware->news_count, 0);
	/* The next one to listen hears again. */
	card->hal.mode = BOARD_NOW;
	card_run(card);
	host_enable(&pf, card, 0, 4, 6);
	card_run(card);
	WEIR_EXPECT_EQ(next_event(&pf).event, WEIR_EVENT_LINK);
	board_reset(&card->hal, 1);
	card_run(card);
	WEIR_EXPECT_EQ(next_event(&pf).function, 1);
	card_free(card);
}

static void an_error_of_the_firmware_is_told_to_the_pf(void)
{
	struct host pf;
	struct card *card = card_listening(&pf);

	weir_log(card->firmware, WEIR_LOG_LEVEL_WARNING, WEIR_FUNCTION_SELF, "no error");
	WEIR_EXPECT(no_event(&pf));
	weir_log(card->firmware, WEIR_LOG_LEVEL_ERROR, WEIR_FUNCTION_SELF, "an error");
	weir_log(card->firmware, WEIR_LOG_LEVEL_ERROR, WEIR_FUNCTION_SELF, "an error");
	card_run(card);
	struct weir_admin_event event = next_event(&pf);

	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_FIRMWARE_ERROR);
	WEIR_EXPECT_EQ(event.count, 2);
	/* And to the function that it concerns. */
	struct host vf;

	host_enable(&vf, card, 2, 3, 4);
	card_run(card);
	host_take_events(&vf);
	weir_log(card->firmware, WEIR_LOG_LEVEL_ERROR, 2, "an error");
	card_run(card);
	WEIR_EXPECT_EQ(next_event(&vf).event, WEIR_EVENT_FIRMWARE_ERROR);
	WEIR_EXPECT_EQ(next_event(&pf).event, WEIR_EVENT_FIRMWARE_ERROR);
	card_free(card);
}

static void a_changed_speed_is_told(void)
{
	struct weir_admin_event event;
	struct host pf;
	struct card *card = card_listening(&pf);

	card->hal.links[0].speed_mbps = 100000;
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK });
	card_run(card);
	event = next_event(&pf);
	WEIR_EXPECT_EQ(event.event, WEIR_EVENT_LINK);
	WEIR_EXPECT_EQ(event.data, 100000);
	WEIR_EXPECT_EQ(event.detail, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 2, WEIR_REG_LINK_SPEED), 100000);
	/* The same once more is nothing new. */
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK });
	WEIR_EXPECT(no_event(&pf));
	/* A port there is not. */
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK, .offset = 5 });
	WEIR_EXPECT(no_event(&pf));
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.events.the_pf_hears_of_every_vf", the_pf_hears_of_every_vf },
	{ "core.events.misbehaviour_is_told_once_a_second", misbehaviour_is_told_once_a_second },
	{ "core.events.a_reset_does_not_reset_the_second", a_reset_does_not_reset_the_second },
	{ "core.events.a_function_hears_of_its_stopped_queue",
	  a_function_hears_of_its_stopped_queue },
	{ "core.events.bad_commands_of_a_vf_are_reported", bad_commands_of_a_vf_are_reported },
	{ "core.events.what_an_entry_cannot_count_is_lost_and_told",
	  what_an_entry_cannot_count_is_lost_and_told },
	{ "core.events.nobody_is_told_while_nobody_listens", nobody_is_told_while_nobody_listens },
	{ "core.events.an_error_of_the_firmware_is_told_to_the_pf",
	  an_error_of_the_firmware_is_told_to_the_pf },
	{ "core.events.a_changed_speed_is_told", a_changed_speed_is_told },
};

const struct suite_part event_tests = { tests, WEIR_TESTS(tests) };
