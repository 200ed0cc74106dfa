/* SPDX-License-Identifier: BSD-3-Clause */
/* Cards as wholes: their memory, their queues, several in one process, sleep, and invalidations. */
#include "suites.h"

#include <stdlib.h>
#include <string.h>

static const struct weir_firmware_config small = { .total_vfs = 2,
						   .ports = 1,
						   .queue_pairs = 12,
						   .filters = 64,
						   .log_records = 16,
						   .trace_records = 16 };

/* ---- configurations ---- */

static void impossible_configurations_are_refused(void)
{
	struct weir_firmware_config bad[10];
	static uint8_t memory[64] __attribute__((aligned(64)));
	struct hal *hal = calloc(1, sizeof(*hal));

	WEIR_REQUIRE(hal != NULL);
	for (size_t i = 0; i < WEIR_TESTS(bad); i++)
		bad[i] = small;
	bad[0].total_vfs = WEIR_PCI_MAX_VFS + 1;
	bad[1].ports = 0;
	bad[2].ports = WEIR_PORTS_MAX + 1;
	bad[3].queue_pairs = 2;
	bad[4].queue_pairs = UINT32_MAX;
	bad[5].filters = 0;
	bad[6].filters = UINT32_MAX;
	bad[7].log_records = 0;
	bad[8].trace_records = 0;
	bad[9].trace_records = UINT32_MAX;
	for (size_t i = 0; i < WEIR_TESTS(bad); i++) {
		WEIR_EXPECT_EQ(weir_firmware_bytes(&bad[i]), 0);
		WEIR_EXPECT(weir_firmware_init(memory, hal, &bad[i]) == NULL);
	}
	WEIR_EXPECT(weir_firmware_init(NULL, hal, &small) == NULL);
	WEIR_EXPECT(weir_firmware_init(memory + 8, hal, &small) == NULL);
	free(hal);
}

static void queues_are_shared_out_fairly(void)
{
	static const struct {
		uint16_t vfs;
		uint32_t queue_pairs, pf, vf;
	} cases[] = {
		{ 0, 1, 1, 0 },	      { 0, 1000, 64, 0 },      { 1, 2, 1, 1 },
		{ 1, 80, 64, 16 },    { 1, 1000, 64, 16 },     { 3, 40, 10, 10 },
		{ 3, 43, 13, 10 },    { 4, 128, 64, 16 },      { 4, 100, 36, 16 },
		{ 64, 1088, 64, 16 }, { 64, 65, 1, 1 },	       { 64, 1000, 40, 15 },
		{ 1024, 1025, 1, 1 }, { 1024, 16448, 64, 16 },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct weir_firmware_config config = small;
		struct weir_firmware *firmware;
		struct hal *hal = calloc(1, sizeof(*hal));
		uint32_t next = 0;
		size_t bytes;
		void *memory;

		WEIR_REQUIRE(hal != NULL);
		config.total_vfs = cases[i].vfs;
		config.queue_pairs = cases[i].queue_pairs;
		bytes = weir_firmware_bytes(&config);
		memory = aligned_alloc(64, bytes);
		WEIR_REQUIRE(memory != NULL);
		memset(memory, 0, bytes);
		firmware = weir_firmware_init(memory, hal, &config);
		WEIR_REQUIRE(firmware != NULL);
		for (uint32_t f = 0; f <= cases[i].vfs; f++) {
			const struct weir_function *function = &firmware->functions[f];

			WEIR_EXPECT_EQ(function->first_queue, next);
			WEIR_EXPECT_EQ(function->queue_pairs, f ? cases[i].vf : cases[i].pf);
			next += function->queue_pairs;
		}
		WEIR_EXPECT_EQ(firmware->queue_count, next);
		WEIR_EXPECT(next <= cases[i].queue_pairs);
		/* What is said of the memory of a VF. */
		if (cases[i].vfs == 1024) {
			config.total_vfs = 0;
			config.queue_pairs = cases[i].pf;
			WEIR_EXPECT((bytes - weir_firmware_bytes(&config)) / 1024 < 65536);
		}
		free(memory);
		free(hal);
	}
}

static void powers_of_two_are_rounded_up(void)
{
	struct weir_firmware_config config = small;
	struct card *card;

	config.filters = 65;
	config.log_records = 17;
	config.trace_records = 100;
	card = card_new_config(&config);
	WEIR_EXPECT_EQ(card->firmware->config.filters, 128);
	WEIR_EXPECT_EQ(card->firmware->log.capacity, 32);
	WEIR_EXPECT_EQ(card->firmware->trace.capacity, 128);
	card_free(card);
}

static void nothing_is_used_beyond_the_memory_given(void)
{
	struct weir_firmware_config config = small;
	size_t bytes = weir_firmware_bytes(&config);
	uint8_t *memory = aligned_alloc(64, bytes + 64);
	struct hal *hal = calloc(1, sizeof(*hal));
	struct weir_firmware *firmware;

	WEIR_REQUIRE(memory != NULL && hal != NULL);
	memset(memory, 0, bytes);
	memset(memory + bytes, 0xa5, 64);
	board_start(hal, config.total_vfs);
	firmware = weir_firmware_init(memory, hal, &config);
	WEIR_REQUIRE(firmware != NULL);
	weir_firmware_poll(firmware);
	board_vf_enable(hal, 2);
	for (int i = 0; i < 10; i++)
		weir_firmware_poll(firmware);
	for (uint32_t i = 0; i < 200; i++)
		weir_log(firmware, WEIR_LOG_LEVEL_INFO, WEIR_FUNCTION_SELF,
			 "a line long enough to fill what there is, and more");
	for (int i = 0; i < 64; i++)
		WEIR_EXPECT_EQ(memory[bytes + (size_t)i], 0xa5);
	free(memory);
	free(hal);
}

/* ---- several cards ---- */

static void two_cards_know_nothing_of_each_other(void)
{
	static const uint8_t mac[6] = { 0x02, 1, 1, 1, 1, 1 };
	struct attributes request = vf_request(1);
	struct card *one = card_new(2), *two = card_new(2);
	struct weir_firmware *before;
	struct host host;

	before = malloc(sizeof(*before));
	WEIR_REQUIRE(before != NULL);
	card_enable_vfs(two, 1);
	memcpy(before, two->firmware, sizeof(*before));
	/* Everything happens to the first. */
	card_enable_vfs(one, 2);
	add_mac(&request, mac);
	WEIR_EXPECT_EQ(manage(one, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	host_enable(&host, one, 1, 3, 4);
	card_run(one);
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_ECHO, NULL).status, WEIR_STATUS_OK);
	board_reset(&one->hal, 0);
	card_run(one);
	WEIR_EXPECT_MEM(two->firmware, before, sizeof(*before));
	/* And the second lives on, in the order in which things come. */
	host_enable(&host, two, 1, 3, 4);
	card_run(two);
	card_run(one);
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_ECHO, NULL).status, WEIR_STATUS_OK);
	WEIR_EXPECT(!weir_sorter_has(two->firmware, card_vport(two, 1), mac, WEIR_VLAN_NONE));
	WEIR_EXPECT_EQ(one->firmware->vfs_enabled, 0);
	WEIR_EXPECT_EQ(two->firmware->vfs_enabled, 1);
	free(before);
	card_free(one);
	card_free(two);
}

static void macs_follow_the_serial_number(void)
{
	uint64_t serials[] = {
		0, 1, 2, 0x1122334455667788ull, 0xffffffffffffffffull, 0x100000000ull
	};
	uint8_t macs[WEIR_TESTS(serials)][6];

	for (size_t i = 0; i < WEIR_TESTS(serials); i++) {
		struct card *card = card_new_config(&small);

		card->hal.card.serial = serials[i];
		card_poll(card, 1);
		memcpy(macs[i], card_vport(card, 0)->mac, 6);
		WEIR_EXPECT_EQ(macs[i][0], 0x02);
		for (size_t j = 0; j < i; j++)
			WEIR_EXPECT(memcmp(macs[i], macs[j], 6) != 0);
		/* The same serial, the same MAC, also after a reset. */
		board_reset(&card->hal, 0);
		card_run(card);
		WEIR_EXPECT_MEM(card_vport(card, 0)->mac, macs[i], 6);
		card_free(card);
	}
}

/* ---- the loop ---- */

static void an_idle_card_sleeps(void)
{
	struct card *card = card_new(2);
	uint64_t until_ns = 0, kicks = card->hal.kicks;

	card_enable_vfs(card, 2);
	WEIR_EXPECT_EQ(weir_firmware_poll(card->firmware), 0);
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns == UINT64_MAX);
	WEIR_EXPECT_EQ(card->firmware->admin_list_count, 0);
	WEIR_EXPECT(card->hal.kicks > kicks);
	card_free(card);
}

static void stray_completions_do_no_harm(void)
{
	static const hal_tag tags[] = { WEIR_TAG(WEIR_TAG_ADMIN, 0),
					WEIR_TAG(WEIR_TAG_ADMIN, 2),
					WEIR_TAG(WEIR_TAG_ADMIN, 0xffffff),
					WEIR_TAG(WEIR_TAG_IGNORE, 5),
					0,
					0xffffffff };
	struct host host;
	struct card *card = card_new(2);

	host_enable(&host, card, 0, 3, 4);
	card_run(card);
	host_acknowledge(&host);
	for (size_t i = 0; i < WEIR_TESTS(tags); i++) {
		card->hal.completions[card->hal.completion_tail++] =
			(struct hal_completion){ tags[i], HAL_DONE };
		card_poll(card, 1);
	}
	WEIR_EXPECT_EQ(card_function(card, 0)->references, 0);
	WEIR_EXPECT_EQ(host_command(&host, WEIR_COMMAND_ECHO, NULL).status, WEIR_STATUS_OK);
	card_free(card);
}

/* ---- invalidations ---- */

static void invalidate(struct card *card, uint16_t function, uint64_t tag)
{
	struct hal_event event = {
		.kind = HAL_EVENT_ATS_INVALIDATE, .function = function, .value = tag, .bytes = 4096
	};

	board_event(&card->hal, &event);
}

static void with_nothing_in_flight_an_invalidation_is_over_at_once(void)
{
	struct card *card = card_new(1);

	card_enable_vfs(card, 1);
	board_event(&card->hal, &(struct hal_event){
					.kind = HAL_EVENT_ATS_CONTROL, .function = 1, .value = 1 });
	invalidate(card, 1, 0x77);
	card_poll(card, 1);
	WEIR_EXPECT(card_function(card, 1)->ats_enabled);
	WEIR_EXPECT_EQ(card->hal.invalidation_count, 1);
	WEIR_EXPECT_EQ(card->hal.invalidations_done[0], 0x77);
	board_reset(&card->hal, 1);
	card_run(card);
	WEIR_EXPECT(!card_function(card, 1)->ats_enabled);
	card_free(card);
}

static void an_invalidation_waits_for_what_was_in_flight_and_no_longer(void)
{
	struct host vf;
	struct card *card = card_new(2);
	struct weir_rx_queue *queue;
	uint64_t until_ns;

	card_enable_vfs(card, 2);
	host_enable(&vf, card, 1, 3, 4);
	card_run(card);
	host_take_events(&vf);
	card_run(card);
	card->hal.mode = BOARD_PENDING;
	host_submit(&vf, WEIR_COMMAND_ECHO, NULL, 0);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_pending(&card->hal), 1);
	invalidate(card, 1, 1);
	invalidate(card, 2, 2);
	card_poll(card, 5);
	/* The other function has nothing in flight. */
	WEIR_EXPECT_EQ(card->hal.invalidation_count, 1);
	WEIR_EXPECT_EQ(card->hal.invalidations_done[0], 2);
	WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
	WEIR_EXPECT(until_ns <= card->hal.now_ns + WEIR_NS_PER_MS);
	/* The operation ends, the next one begins in the same poll: that one is not waited for. */
	board_complete(&card->hal, 1);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(board_pending(&card->hal), 1);
	WEIR_EXPECT_EQ(card->hal.invalidation_count, 2);
	WEIR_EXPECT_EQ(card->hal.invalidations_done[1], 1);
	card->hal.mode = BOARD_NOW;
	card_run(card);
	/* A refill of a receive queue holds it up just so. */
	queue = &card->firmware->rx_queues[card_function(card, 1)->first_queue];
	queue->refilling = true;
	queue->refill_epoch = card->firmware->burst_epoch;
	invalidate(card, 1, 3);
	card_poll(card, 3);
	WEIR_EXPECT_EQ(card->hal.invalidation_count, 2);
	queue->refill_epoch = card->firmware->burst_epoch;
	card_poll(card, 1);
	WEIR_EXPECT_EQ(card->hal.invalidation_count, 3);
	queue->refilling = false;
	card_free(card);
}

static void a_flood_of_invalidations_stays_with_the_hardware(void)
{
	struct host vf;
	struct card *card = card_new(1);
	uint32_t sum = 0;

	card_enable_vfs(card, 1);
	host_enable(&vf, card, 1, 3, 4);
	card_run(card);
	card->hal.mode = BOARD_PENDING;
	host_submit(&vf, WEIR_COMMAND_ECHO, NULL, 0);
	card_poll(card, 1);
	for (uint32_t i = 1; i <= WEIR_INVALIDATIONS + 50; i++)
		invalidate(card, 1, i);
	card_poll(card, 10);
	WEIR_EXPECT_EQ(card->hal.invalidation_count, 0);
	WEIR_EXPECT_EQ(card->firmware->ats.count, WEIR_INVALIDATIONS);
	card->hal.mode = BOARD_NOW;
	card_run(card);
	WEIR_EXPECT_EQ(card->hal.invalidation_count, WEIR_INVALIDATIONS + 50);
	for (uint32_t i = 0; i < WEIR_INVALIDATIONS + 50; i++)
		sum += (uint32_t)card->hal.invalidations_done[i];
	WEIR_EXPECT_EQ(sum, (WEIR_INVALIDATIONS + 50) * (WEIR_INVALIDATIONS + 51) / 2);
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.cards.impossible_configurations_are_refused",
	  impossible_configurations_are_refused },
	{ "core.cards.queues_are_shared_out_fairly", queues_are_shared_out_fairly },
	{ "core.cards.powers_of_two_are_rounded_up", powers_of_two_are_rounded_up },
	{ "core.cards.nothing_is_used_beyond_the_memory_given",
	  nothing_is_used_beyond_the_memory_given },
	{ "core.cards.two_cards_know_nothing_of_each_other", two_cards_know_nothing_of_each_other },
	{ "core.cards.macs_follow_the_serial_number", macs_follow_the_serial_number },
	{ "core.cards.an_idle_card_sleeps", an_idle_card_sleeps },
	{ "core.cards.stray_completions_do_no_harm", stray_completions_do_no_harm },
	{ "core.ats.with_nothing_in_flight_an_invalidation_is_over_at_once",
	  with_nothing_in_flight_an_invalidation_is_over_at_once },
	{ "core.ats.an_invalidation_waits_for_what_was_in_flight_and_no_longer",
	  an_invalidation_waits_for_what_was_in_flight_and_no_longer },
	{ "core.ats.a_flood_of_invalidations_stays_with_the_hardware",
	  a_flood_of_invalidations_stays_with_the_hardware },
};

const struct suite_part card_tests = { tests, WEIR_TESTS(tests) };
