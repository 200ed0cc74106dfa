/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moderation of interrupts (specs/data-queues.md, "Moderation"): how many come and when, to the nanosecond of the card's own time. The
 * expected figures follow from the datasheet's rule and the arrivals alone.
 */
#include "stage.h"

#include <string.h>

/* ---- by time ---- */

static void an_interrupt_waits_its_time_and_no_longer(void)
{
	static const uint32_t times_us[] = { 1, 7, 50, 1000, WEIR_MODERATION_MAX_US };
	struct stage stage = stage_start();

	for (size_t i = 0; i < WEIR_TESTS(times_us); i++) {
		WEIR_REQUIRE_EQ(stage_moderate(&stage, times_us[i], 0), WEIR_STATUS_OK);
		stage_arm(&stage);
		/* Idle: nothing to tell, however long. */
		stage_pass_ns(stage.host, 3 * WEIR_MODERATION_MAX_US * US);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
		stage_send(&stage, 1);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
		WEIR_EXPECT_EQ(stage_wait(&stage, 1000 * 1000 * US), times_us[i] * US);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
		WEIR_EXPECT_EQ(stage_take(&stage), 1);
	}
	host_destroy(stage.host);
}

static void the_time_runs_from_the_first_event_not_told(void)
{
	struct stage stage = stage_start();

	WEIR_REQUIRE_EQ(stage_moderate(&stage, 100, 0), WEIR_STATUS_OK);
	stage_arm(&stage);
	stage_send(&stage, 1);
	/* Those that follow lengthen nothing. */
	for (uint32_t i = 0; i < 9; i++) {
		stage_pass_ns(stage.host, 10 * US);
		stage_send(&stage, 1);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	}
	WEIR_EXPECT_EQ(stage_wait(&stage, 1000 * US), 10 * US);
	/* One for all ten, and not armed after it. */
	stage_pass_ns(stage.host, 1000 * US);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	/* What came while the host was at work counts from its arming. */
	stage_send(&stage, 1);
	stage_pass_ns(stage.host, 500 * US);
	WEIR_EXPECT_EQ(stage_take(&stage), 11);
	stage_send(&stage, 1);
	stage_pass_ns(stage.host, 70 * US);
	stage_arm(&stage);
	WEIR_EXPECT_EQ(stage_wait(&stage, 1000 * US), 100 * US);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	host_destroy(stage.host);
}

/* A frame every 10 us for 10 ms, taken whenever the interrupt comes: one interrupt every 50 us and 10 us, when the next wait begins. */
static void a_steady_flow_interrupts_once_a_period(void)
{
	struct stage stage = stage_start();

	WEIR_REQUIRE_EQ(stage_moderate(&stage, 45, 0), WEIR_STATUS_OK);
	stage_arm(&stage);
	for (uint32_t i = 0; i < 1000; i++) {
		stage_send(&stage, 1);
		stage_pass_ns(stage.host, 10 * US);
		if (stage_interrupts(&stage)) {
			/* frames 0, 10, 20, 30, 40 us; the interrupt at 45; seen at 50, before the frame of that time */
			WEIR_EXPECT_EQ(stage_take(&stage), 5);
			stage_arm(&stage);
		}
	}
	WEIR_EXPECT_EQ(stage.to->interrupts[STAGE_VECTOR], 1000 / 5);
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS), 200);
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_TIMED), 200);
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_COUNTED), 0);
	host_destroy(stage.host);
}

/* ---- by number ---- */

static void a_number_of_completions_ends_the_wait(void)
{
	static const uint32_t counts[] = { 1, 2, 8, 32 };
	struct stage stage = stage_start();

	for (size_t i = 0; i < WEIR_TESTS(counts); i++) {
		uint32_t before = stage.to->interrupts[STAGE_VECTOR];

		WEIR_REQUIRE_EQ(stage_moderate(&stage, 10000, counts[i]), WEIR_STATUS_OK);
		stage_arm(&stage);
		for (uint32_t n = 1; n <= 320; n++) {
			stage_send(&stage, 1);
			WEIR_EXPECT_EQ(stage_interrupts(&stage), n % counts[i] == 0);
			if (n % counts[i] == 0) {
				WEIR_EXPECT_EQ(stage_take(&stage), counts[i]);
				stage_arm(&stage);
			}
		}
		WEIR_EXPECT_EQ(stage.to->interrupts[STAGE_VECTOR] - before, 320 / counts[i]);
	}
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_COUNTED),
		       320 + 160 + 40 + 10);
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_TIMED), 0);
	/* The last of fewer are told when their time is over. */
	stage_send(&stage, 31);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	WEIR_EXPECT_EQ(stage_wait(&stage, 100000 * US), 10000 * US);
	WEIR_EXPECT_EQ(stage_take(&stage), 31);
	/* Armed with that many behind it: at once. */
	stage_interrupts(&stage);
	stage_send(&stage, 32);
	host_doorbell(stage.to, 0, WEIR_DOORBELL_RX_ARM, stage.to->rx[0].taken);
	stage_settle(stage.host);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	host_destroy(stage.host);
}

/* A frame in three buffers is three completions. */
static void each_buffer_counts(void)
{
	static uint8_t frame[300];
	struct host *host = test_card(2, 1, 128, false);
	struct stage stage = { .host = host,
			       .from = &host->functions[1],
			       .to = &host->functions[2] };

	WEIR_REQUIRE_EQ(stage_moderate(&stage, 1000, 6), WEIR_STATUS_OK);
	stage_arm(&stage);
	host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1, 0);
	for (uint32_t i = 0; i < 2; i++) {
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
		WEIR_REQUIRE(host_send(stage.from, 0, frame, sizeof(frame), 1, 0, 0, 0));
		host_send_done(stage.from, 0);
		stage_settle(host);
	}
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	host_destroy(host);
}

/* ---- transmit ---- */

static void transmit_waits_likewise(void)
{
	struct stage stage = stage_start();
	struct host_function *a = stage.from;
	uint32_t *raised = &a->interrupts[STAGE_VECTOR];

	WEIR_REQUIRE_EQ(stage_moderate_queue(a, WEIR_COMMAND_TX_QUEUE_MODERATE, 200, 4),
			WEIR_STATUS_OK);
	host_doorbell(a, 0, WEIR_DOORBELL_TX_ARM, a->tx[0].tail);
	stage_settle(stage.host);
	for (uint32_t i = 0; i < 3; i++)
		stage_send(&stage, 1);
	WEIR_EXPECT_EQ(*raised, 0);
	stage_send(&stage, 1);
	WEIR_EXPECT_EQ(*raised, 1);
	host_doorbell(a, 0, WEIR_DOORBELL_TX_ARM, a->tx[0].tail);
	stage_settle(stage.host);
	stage_send(&stage, 3);
	stage_pass_ns(stage.host, 200 * US - 1);
	WEIR_EXPECT_EQ(*raised, 1);
	stage_pass_ns(stage.host, 1);
	WEIR_EXPECT_EQ(*raised, 2);
	WEIR_EXPECT_EQ(host_stat(a, WEIR_STATS_SCOPE_TX_QUEUE, 0, WEIR_STAT_TX_QUEUE_INTERRUPTS), 2);
	WEIR_EXPECT_EQ(
		host_stat(a, WEIR_STATS_SCOPE_TX_QUEUE, 0, WEIR_STAT_TX_QUEUE_INTERRUPTS_TIMED), 1);
	WEIR_EXPECT_EQ(host_stat(a, WEIR_STATS_SCOPE_TX_QUEUE, 0,
				 WEIR_STAT_TX_QUEUE_INTERRUPTS_COUNTED),
		       1);
	host_destroy(stage.host);
}

/* ---- settings ---- */

static void settings_are_checked_and_what_is_left_out_stays(void)
{
	struct stage stage = stage_start();
	struct host_response response;
	uint64_t value;

	WEIR_REQUIRE_EQ(host_command(stage.to, WEIR_COMMAND_GET_INFO, NULL, &response),
			WEIR_STATUS_OK);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_MODERATION_US_MAX, &value));
	WEIR_EXPECT_EQ(value, 65535);
	WEIR_EXPECT_EQ(stage_moderate(&stage, value + 1, 1), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(stage.to->detail, WEIR_ATTRIBUTE_MODERATION_US);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_MODERATION_COUNT_MAX, &value));
	WEIR_EXPECT_EQ(value, 32768);
	WEIR_EXPECT_EQ(stage_moderate(&stage, 1, value + 1), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(stage.to->detail, WEIR_ATTRIBUTE_MODERATION_COUNT);
	WEIR_EXPECT(host_read(stage.to, WEIR_REG_FEATURES) & WEIR_REG_FEATURES_MODERATION_MASK);
	for (uint16_t queue = 1; queue <= WEIR_VF_QUEUE_PAIRS; queue += WEIR_VF_QUEUE_PAIRS - 1)
		for (uint32_t transmit = 0; transmit < 2; transmit++) {
			WEIR_EXPECT_EQ(host_command(stage.to,
						    transmit ? WEIR_COMMAND_TX_QUEUE_MODERATE
							     : WEIR_COMMAND_RX_QUEUE_MODERATE,
						    HOST_REQUEST(HOST_U(QUEUE, queue)), NULL),
				       queue < WEIR_VF_QUEUE_PAIRS ? WEIR_STATUS_NOT_FOUND
								   : WEIR_STATUS_BAD_VALUE);
			WEIR_EXPECT_EQ(stage.to->detail, WEIR_ATTRIBUTE_QUEUE);
		}
	/* None of those changed anything; and the one setting leaves the other alone. */
	WEIR_REQUIRE_EQ(stage_moderate(&stage, 500, 3), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_command(stage.to, WEIR_COMMAND_RX_QUEUE_MODERATE,
				     HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(MODERATION_COUNT, 2)),
				     NULL),
			WEIR_STATUS_OK);
	stage_arm(&stage);
	stage_send(&stage, 1);
	WEIR_EXPECT_EQ(stage_wait(&stage, 10000 * US), 500 * US);
	stage_take(&stage);
	stage_arm(&stage);
	stage_interrupts(&stage);
	stage_send(&stage, 2);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	host_destroy(stage.host);
}

static void settings_may_come_with_creation(void)
{
	struct host *host = test_card(2, 0, 2048, false);
	struct stage stage = { .host = host,
			       .from = &host->functions[1],
			       .to = &host->functions[2] };
	const struct host_attribute bad[] = { HOST_U(MODERATION_US, WEIR_MODERATION_MAX_US + 1),
					      { 0, 0, 0, NULL } };
	const struct host_attribute good[] = { HOST_U(MODERATION_US, 30),
					       HOST_U(MODERATION_COUNT, 4),
					       { 0, 0, 0, NULL } };

	WEIR_REQUIRE_EQ(host_queue_create(stage.from, 0, 2048, WEIR_VECTOR_NONE, false), 0);
	WEIR_EXPECT_EQ(host_queue_create_with(stage.to, 0, 2048, STAGE_VECTOR, false, bad),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(stage.to->detail, WEIR_ATTRIBUTE_MODERATION_US);
	WEIR_REQUIRE_EQ(host_queue_create_with(stage.to, 0, 2048, STAGE_VECTOR, false, good), 0);
	stage_arm(&stage);
	stage_send(&stage, 3);
	WEIR_EXPECT_EQ(stage_wait(&stage, 1000 * US), 30 * US);
	stage_take(&stage);
	stage_arm(&stage);
	stage_interrupts(&stage);
	stage_send(&stage, 4);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	host_destroy(host);
}

static void a_change_counts_for_what_waits_already(void)
{
	struct stage stage = stage_start();

	/* Shorter, not over yet: the rest of it. */
	WEIR_REQUIRE_EQ(stage_moderate(&stage, 60000, 0), WEIR_STATUS_OK);
	stage_arm(&stage);
	uint64_t start_ns = weirsim_now_ns(stage.host->sim);

	stage_send(&stage, 1);
	stage_pass_ns(stage.host, 1000 * US);
	WEIR_REQUIRE_EQ(stage_moderate(&stage, 40000, 0), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	stage_wait(&stage, 100000 * US);
	WEIR_EXPECT_EQ(weirsim_now_ns(stage.host->sim) - start_ns, 40000 * US);
	/* Longer. */
	stage_take(&stage);
	stage_arm(&stage);
	stage_interrupts(&stage);
	start_ns = weirsim_now_ns(stage.host->sim);
	stage_send(&stage, 1);
	WEIR_REQUIRE_EQ(stage_moderate(&stage, 50000, 0), WEIR_STATUS_OK);
	stage_wait(&stage, 100000 * US);
	WEIR_EXPECT_EQ(weirsim_now_ns(stage.host->sim) - start_ns, 50000 * US);
	/* Over, by its time or its number, or off. */
	static const struct {
		uint32_t us, count;
	} over[] = { { 900, 0 }, { 60000, 3 }, { 0, 0 }, { 0, 100 } };

	for (size_t i = 0; i < WEIR_TESTS(over); i++) {
		WEIR_REQUIRE_EQ(stage_moderate(&stage, 60000, 0), WEIR_STATUS_OK);
		stage_take(&stage);
		stage_arm(&stage);
		stage_interrupts(&stage);
		stage_send(&stage, 3);
		stage_pass_ns(stage.host, 1000 * US);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
		WEIR_REQUIRE_EQ(stage_moderate(&stage, over[i].us, over[i].count), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
		stage_pass_ns(stage.host, 200000 * US);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	}
	host_destroy(stage.host);
}

/* ---- arming anew ---- */

static void arming_again_for_the_same_lengthens_nothing(void)
{
	struct stage stage = stage_start();

	WEIR_REQUIRE_EQ(stage_moderate(&stage, 100, 0), WEIR_STATUS_OK);
	stage_arm(&stage);
	stage_send(&stage, 2);
	for (uint32_t i = 0; i < 9; i++) {
		stage_pass_ns(stage.host, 10 * US);
		stage_arm(&stage);
	}
	WEIR_EXPECT_EQ(stage_wait(&stage, 1000 * US), 10 * US);
	/* For all that came: nothing is left to tell, until more comes. */
	stage_take(&stage);
	stage_arm(&stage);
	stage_send(&stage, 1);
	stage_pass_ns(stage.host, 50 * US);
	stage_take(&stage);
	stage_arm(&stage);
	stage_interrupts(&stage);
	stage_pass_ns(stage.host, 10000 * US);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	stage_send(&stage, 1);
	WEIR_EXPECT_EQ(stage_wait(&stage, 1000 * US), 100 * US);
	host_destroy(stage.host);
}

/* ---- ends ---- */

enum end { END_DESTROYED, END_SOFT_RESET, END_FLR, END_STOPPED, END_COUNT };

static void what_waits_ends_with_its_queue(void)
{
	for (enum end end = 0; end < END_COUNT; end++) {
		struct stage stage = stage_start();
		struct host_function *b = stage.to;
		uint64_t until_ns;

		WEIR_REQUIRE_EQ(stage_moderate(&stage, 60000, 0), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(stage_moderate_queue(b, WEIR_COMMAND_TX_QUEUE_MODERATE, 50000, 0),
				WEIR_STATUS_OK);
		stage_arm(&stage);
		host_doorbell(b, 0, WEIR_DOORBELL_TX_ARM, b->tx[0].tail);
		stage_send(&stage, 1);
		static uint8_t frame[STAGE_FRAME_BYTES];

		host_make_frame(frame, test_mac(1), test_mac(2), 0, 0, sizeof(frame), 2, 0);
		WEIR_REQUIRE(host_send(b, 0, frame, sizeof(frame), 1, 0, 0, 0));
		host_send_done(b, 0);
		stage_settle(stage.host);
		WEIR_REQUIRE(weirsim_may_sleep(stage.host->sim, &until_ns));
		WEIR_EXPECT(until_ns != UINT64_MAX);
		switch (end) {
		case END_DESTROYED:
			WEIR_REQUIRE_EQ(host_queue_destroy(b, 0), WEIR_STATUS_OK);
			break;
		case END_SOFT_RESET:
			host_write(b, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
			break;
		case END_FLR:
			host_flr(b);
			break;
		default:
			/* No position is defined any more. */
			host_doorbell(b, 0, WEIR_DOORBELL_RX_TAIL, 0x10000);
			host_doorbell(b, 0, WEIR_DOORBELL_TX_TAIL, 0x10000);
			break;
		}
		stage_pass_ns(stage.host, 500000 * US);
		WEIR_EXPECT_EQ(b->interrupts[STAGE_VECTOR], 0);
		/* Nothing is waited for any more. */
		stage_settle(stage.host);
		WEIR_REQUIRE(weirsim_may_sleep(stage.host->sim, &until_ns));
		WEIR_EXPECT(until_ns > weirsim_now_ns(stage.host->sim) + 60000 * US);
		/* And its successor begins without moderation, and with nothing that waits. */
		if (end == END_SOFT_RESET || end == END_FLR) {
			host_forget(b);
			WEIR_REQUIRE(host_up(b, test_mac(2), 1, 2048, false));
		} else {
			if (end == END_STOPPED)
				WEIR_REQUIRE_EQ(host_queue_destroy(b, 0), WEIR_STATUS_OK);
			WEIR_REQUIRE_EQ(host_queue_create(b, 0, 2048, STAGE_VECTOR, false),
					WEIR_STATUS_OK);
		}
		stage_interrupts(&stage);
		stage_arm(&stage);
		stage_send(&stage, 1);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
		host_destroy(stage.host);
	}
}

static void a_masked_vector_is_pending_when_the_time_is_over(void)
{
	struct stage stage = stage_start();

	WEIR_REQUIRE_EQ(stage_moderate(&stage, 100, 0), WEIR_STATUS_OK);
	host_vector_mask(stage.to, STAGE_VECTOR, true);
	stage_arm(&stage);
	stage_send(&stage, 1);
	WEIR_EXPECT(!host_vector_pending(stage.to, STAGE_VECTOR));
	stage_pass_ns(stage.host, 100 * US);
	WEIR_EXPECT(host_vector_pending(stage.to, STAGE_VECTOR));
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	host_vector_mask(stage.to, STAGE_VECTOR, false);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	host_destroy(stage.host);
}

/* ---- trace ---- */

/* Step 5 of a reception is recorded when it happens: at the end of the wait, about the last frame that waited. */
static void the_trace_shows_the_interrupt_when_it_is_raised(void)
{
	struct stage stage = stage_start();
	struct host_function *pf = &stage.host->functions[0];
	struct host_response response;
	uint64_t arrived_ns = 0, raised_ns = 0;
	uint32_t bytes, raised = 0, last_frame = 0;

	WEIR_REQUIRE_EQ(stage_moderate(&stage, 100, 0), WEIR_STATUS_OK);
	stage_arm(&stage);
	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_TRACE_SET,
				     HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(FUNCTION, 2)), NULL),
			WEIR_STATUS_OK);
	stage_send(&stage, 1);
	stage_pass_ns(stage.host, 60 * US);
	stage_send(&stage, 1);
	stage_pass_ns(stage.host, 40 * US);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_TRACE_READ, NULL, &response), WEIR_STATUS_OK);
	const uint8_t *records = host_get_bytes(&response, WEIR_ATTRIBUTE_RECORDS, &bytes);

	for (; bytes; records += sizeof(struct weir_trace_record),
		      bytes -= (uint32_t)sizeof(struct weir_trace_record)) {
		struct weir_trace_record record;

		memcpy(&record, records, sizeof(record));
		if (weir_le16_to_cpu(record.kind) == WEIR_TRACE_KIND_FRAME_ARRIVED) {
			arrived_ns = arrived_ns ? arrived_ns : weir_le64_to_cpu(record.time_ns);
			last_frame = weir_le32_to_cpu(record.frame);
		} else if (weir_le16_to_cpu(record.kind) == WEIR_TRACE_KIND_INTERRUPT_RAISED) {
			raised++;
			raised_ns = weir_le64_to_cpu(record.time_ns);
			WEIR_EXPECT_EQ(weir_le32_to_cpu(record.frame), last_frame);
			WEIR_EXPECT_EQ(weir_le16_to_cpu(record.vector), STAGE_VECTOR);
		}
	}
	WEIR_EXPECT_EQ(raised, 1);
	WEIR_EXPECT_EQ(raised_ns - arrived_ns, 100 * US);
	host_destroy(stage.host);
}

const struct weir_test moderation_tests[] = {
	{ "moderation.an_interrupt_waits_its_time_and_no_longer",
	  an_interrupt_waits_its_time_and_no_longer },
	{ "moderation.the_time_runs_from_the_first_event_not_told",
	  the_time_runs_from_the_first_event_not_told },
	{ "moderation.a_steady_flow_interrupts_once_a_period",
	  a_steady_flow_interrupts_once_a_period },
	{ "moderation.a_number_of_completions_ends_the_wait",
	  a_number_of_completions_ends_the_wait },
	{ "moderation.each_buffer_counts", each_buffer_counts },
	{ "moderation.transmit_waits_likewise", transmit_waits_likewise },
	{ "moderation.settings_are_checked_and_what_is_left_out_stays",
	  settings_are_checked_and_what_is_left_out_stays },
	{ "moderation.settings_may_come_with_creation", settings_may_come_with_creation },
	{ "moderation.a_change_counts_for_what_waits_already",
	  a_change_counts_for_what_waits_already },
	{ "moderation.arming_again_for_the_same_lengthens_nothing",
	  arming_again_for_the_same_lengthens_nothing },
	{ "moderation.what_waits_ends_with_its_queue", what_waits_ends_with_its_queue },
	{ "moderation.a_masked_vector_is_pending_when_the_time_is_over",
	  a_masked_vector_is_pending_when_the_time_is_over },
	{ "moderation.the_trace_shows_the_interrupt_when_it_is_raised",
	  the_trace_shows_the_interrupt_when_it_is_raised },
};
const size_t moderation_test_count = WEIR_TESTS(moderation_tests);
