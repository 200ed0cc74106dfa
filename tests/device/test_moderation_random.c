/* SPDX-License-Identifier: BSD-3-Clause */
/* Moderation of interrupts: many queues at once, and one in any order of events, beside the datasheet's rule written down once more. */
#include "stage.h"

/* ---- many ---- */

#define MANY_VFS    12u
#define MANY_QUEUES 4u

struct many {
	struct host *host;
	uint32_t random;
	uint32_t before[MANY_VFS][MANY_QUEUES]; /* interrupts */
	uint64_t due_ns[MANY_VFS][MANY_QUEUES]; /* 0: called off */
};

static uint32_t many_chance(struct many *many, uint32_t below)
{
	many->random = many->random * 1664525u + 1013904223u;
	return (many->random >> 8) % below;
}

/* Every queue of every VF has a frame sent, and its interrupt waits; most end in time, the others are called off. */
static void many_begin(struct many *many)
{
	struct host *host = many->host;
	static uint8_t frame[STAGE_FRAME_BYTES];

	for (uint32_t i = 0; i < MANY_VFS; i++) {
		for (uint16_t q = 0; q < MANY_QUEUES; q++) {
			struct host_function *function = &host->functions[1 + i];

			many->due_ns[i][q] = (1000 + many_chance(many, 60000)) * US;
			many->before[i][q] = function->interrupts[q + 1];
			WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_TX_QUEUE_MODERATE,
						     HOST_REQUEST(HOST_U(QUEUE, q),
								  HOST_U(MODERATION_US,
									 many->due_ns[i][q] / US)),
						     NULL),
					WEIR_STATUS_OK);
			host_doorbell(function, q, WEIR_DOORBELL_TX_ARM, function->tx[q].tail);
			host_make_frame(frame, test_mac(0), test_mac(1 + i), 0, 0, sizeof(frame), i,
					q);
			WEIR_REQUIRE(host_send(function, q, frame, sizeof(frame), 1, 0, 0, 0));
		}
	}
	stage_settle(host);
	uint64_t start_ns = weirsim_now_ns(host->sim);

	for (uint32_t i = 0; i < MANY_VFS; i++)
		for (uint16_t q = 0; q < MANY_QUEUES; q++) {
			many->due_ns[i][q] += start_ns;
			host_send_done(&host->functions[1 + i], q);
		}
	stage_settle(host);
	/* Called off: armed for all there is. */
	for (uint32_t n = 0; n < MANY_VFS * MANY_QUEUES / 3; n++) {
		uint32_t i = many_chance(many, MANY_VFS);
		uint16_t q = (uint16_t)many_chance(many, MANY_QUEUES);

		host_doorbell(&host->functions[1 + i], q, WEIR_DOORBELL_TX_ARM,
			      host->functions[1 + i].tx[q].tail);
		many->due_ns[i][q] = 0;
		stage_settle(host);
	}
	WEIR_REQUIRE_EQ(weirsim_now_ns(host->sim), start_ns);
}

/* Has every queue interrupted that is due by now, once, and no other? Returns how many are yet to. */
static uint32_t many_look(struct many *many)
{
	uint64_t now_ns = weirsim_now_ns(many->host->sim);
	uint32_t left = 0;

	for (uint32_t i = 0; i < MANY_VFS; i++)
		for (uint32_t q = 0; q < MANY_QUEUES; q++) {
			const struct host_function *function = &many->host->functions[1 + i];
			bool due = many->due_ns[i][q] && many->due_ns[i][q] <= now_ns;

			WEIR_EXPECT_EQ(function->interrupts[q + 1] - many->before[i][q], due);
			left += many->due_ns[i][q] > now_ns;
		}
	return left;
}

static void many_wait_each_for_its_own_time(void)
{
	struct many many = { .host = test_card(MANY_VFS, MANY_QUEUES, 2048, false), .random = 99 };
	struct weirsim *sim = many.host->sim;
	uint64_t until_ns;

	for (uint32_t round = 0; round < 30; round++) {
		many_begin(&many);
		while (many_look(&many)) {
			WEIR_REQUIRE(weirsim_may_sleep(sim, &until_ns));
			WEIR_REQUIRE(until_ns > weirsim_now_ns(sim) && until_ns != UINT64_MAX);
			weirsim_advance_ns(sim, until_ns - weirsim_now_ns(sim));
			stage_settle(many.host);
		}
		for (uint32_t i = 0; i < MANY_VFS; i++)
			for (uint16_t q = 0; q < MANY_QUEUES; q++)
				host_transmit_room(&many.host->functions[1 + i], q);
	}
	host_destroy(many.host);
}

/* ---- against a model ---- */

/* The datasheet's rule, once more. */
struct model {
	bool armed, waits;
	uint16_t armed_for, produced;
	uint32_t us, count, raised;
	uint64_t since_ns;
};

static void model_look(struct model *model, uint64_t now_ns)
{
	uint16_t news = (uint16_t)(model->produced - model->armed_for);

	if (!model->armed || !news) {
		model->waits = false;
		return;
	}
	if (!model->waits)
		model->since_ns = now_ns;
	model->waits = true;
	if (model->us && !(model->count && news >= model->count) &&
	    now_ns < model->since_ns + model->us * US)
		return;
	model->raised++;
	model->armed = model->waits = false;
}

static void any_order_of_things_interrupts_as_the_rule_says(void)
{
	struct stage stage = stage_start();
	struct model model = { .us = 0 };
	struct weirsim *sim = stage.host->sim;
	uint64_t random = test_seed(), left_ns;
	uint32_t pass;

	for (uint32_t step = 0; step < 20000; step++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		uint32_t dice = (uint32_t)(random >> 33), more = dice >> 8;

		switch (dice % 8) {
		case 0:
		case 1:
		case 2: {
			uint32_t count = 1 + more % 3;

			if ((uint16_t)(model.produced - stage.to->rx[0].taken) + count > 60)
				break;
			stage_send(&stage, count);
			/* Told frame by frame or in one go: the time is the same, and a number reached is reached. */
			model.produced = (uint16_t)(model.produced + count);
			break;
		}
		case 3:
		case 4:
			left_ns = 1 + more % 40000;
			while (left_ns) {
				uint64_t now_ns = weirsim_now_ns(sim);
				uint64_t due_ns = model.since_ns + model.us * US;

				pass = (uint32_t)(model.waits && due_ns < now_ns + left_ns
							  ? due_ns - now_ns
							  : left_ns);
				if (pass > 1) {
					stage_pass_ns(stage.host, pass - 1);
					model_look(&model, weirsim_now_ns(sim));
					WEIR_REQUIRE_EQ(stage.to->interrupts[STAGE_VECTOR],
							model.raised);
				}
				stage_pass_ns(stage.host, 1);
				model_look(&model, weirsim_now_ns(sim));
				WEIR_REQUIRE_EQ(stage.to->interrupts[STAGE_VECTOR], model.raised);
				left_ns -= pass;
			}
			break;
		case 5:
			stage_take(&stage);
			__attribute__((fallthrough));
		case 6:
			if (model.armed_for != stage.to->rx[0].taken)
				model.waits = false;
			model.armed = true;
			model.armed_for = stage.to->rx[0].taken;
			stage_arm(&stage);
			break;
		default: {
			/* A command takes time of its own in this bench: so that nothing waits, arm for all. */
			stage_take(&stage);
			model.armed = true;
			model.armed_for = stage.to->rx[0].taken;
			model.waits = false;
			stage_arm(&stage);
			model.us = more % 4 ? more % 50 : 0;
			model.count = more >> 8 & 1 ? 1 + (more >> 9) % 12 : 0;
			WEIR_REQUIRE_EQ(stage_moderate(&stage, model.us, model.count),
					WEIR_STATUS_OK);
			break;
		}
		}
		model_look(&model, weirsim_now_ns(sim));
		WEIR_REQUIRE_EQ(stage.to->interrupts[STAGE_VECTOR], model.raised);
	}
	WEIR_EXPECT(model.raised > 1000);
	stage_take(&stage);
	WEIR_EXPECT_EQ(stage.taken, stage.sequence);
	host_destroy(stage.host);
}

/* Whatever the interleaving of arrivals, arming, time and changes: who sleeps with frames behind him is woken. */
static void no_wake_up_is_lost_while_settings_change(void)
{
	struct stage stage = stage_start();
	static uint8_t frame[STAGE_FRAME_BYTES];
	uint32_t random = 5, woken = 0;

	for (uint32_t round = 0; round < 3000; round++) {
		random = random * 1664525u + 1013904223u;
		for (uint32_t i = 0; i < 1 + random % 5; i++) {
			host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1,
					stage.sequence++);
			WEIR_REQUIRE(host_send(stage.from, 0, frame, sizeof(frame), 1, 0, 0, 0));
		}
		host_send_done(stage.from, 0);
		for (uint32_t i = random >> 8 & 7; i; i--)
			host_turn(stage.host);
		stage_take(&stage);
		for (uint32_t i = random >> 16 & 3; i; i--)
			host_turn(stage.host);
		uint32_t before = stage.to->interrupts[STAGE_VECTOR];

		host_doorbell(stage.to, 0, WEIR_DOORBELL_RX_ARM, stage.to->rx[0].taken);
		for (uint32_t i = random >> 20 & 3; i; i--)
			host_turn(stage.host);
		if (random >> 24 & 1)
			WEIR_REQUIRE_EQ(stage_moderate(&stage, (random >> 12) % 30,
						       random >> 25 & 3),
					WEIR_STATUS_OK);
		stage_pass_ns(stage.host, 40 * US);
		if (stage.taken != stage.sequence)
			WEIR_REQUIRE(stage.to->interrupts[STAGE_VECTOR] > before);
		woken += stage.to->interrupts[STAGE_VECTOR] - before;
		stage_take(&stage);
		WEIR_REQUIRE_EQ(stage.taken, stage.sequence);
	}
	WEIR_EXPECT(woken > 100);
	host_destroy(stage.host);
}

const struct weir_test moderation_random_tests[] = {
	{ "moderation.many_wait_each_for_its_own_time", many_wait_each_for_its_own_time },
	{ "moderation.any_order_of_things_interrupts_as_the_rule_says",
	  any_order_of_things_interrupts_as_the_rule_says },
	{ "moderation.no_wake_up_is_lost_while_settings_change",
	  no_wake_up_is_lost_while_settings_change },
};
const size_t moderation_random_test_count = WEIR_TESTS(moderation_random_tests);
