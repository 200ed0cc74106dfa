/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts (specs/data-queues.md, "Interrupts"; specs/pcie.md, "MSI-X"): armed once, raised once, masked, pending, never lost. */
#include "suite.h"

#include <string.h>

#include "weir/weir_config_space.h"

#define ADMIN_VECTOR 0
#define QUEUE_VECTOR 1 /* as host_up() gives queue 0 */

static void send_frames(struct host *host, uint16_t from, uint16_t to, uint32_t count)
{
	static uint8_t frame[HOST_FRAME_MAX];

	for (uint32_t i = 0; i < count; i++) {
		host_make_frame(frame, test_mac(to), test_mac(from), 0, 0, 100, from, i);
		WEIR_REQUIRE(host_send(&host->functions[from], 0, frame, 100, 1, 0, 0, 0));
	}
	host_send_done(&host->functions[from], 0);
}

static uint32_t take_frames(struct host_function *function)
{
	static struct host_frame got;
	uint32_t count = 0;

	while (host_receive(function, 0, &got))
		count++;
	return count;
}

static void arm(struct host_function *function, uint32_t which, uint16_t value)
{
	host_doorbell(function, 0, which, value);
}

/* Sender polls, receiver is what the test is about. */
static struct host *card(void)
{
	return test_card(2, 1, 2048, false);
}

static void a_receive_queue_raises_once_for_each_arming(void)
{
	struct host *host = card();
	struct host_function *b = &host->functions[2];
	uint32_t *raised = &b->interrupts[QUEUE_VECTOR];

	/* Not armed. */
	send_frames(host, 1, 2, 3);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 0);
	WEIR_EXPECT_EQ(take_frames(b), 3);
	/* Armed before. */
	arm(b, WEIR_DOORBELL_RX_ARM, b->rx[0].taken);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 0);
	send_frames(host, 1, 2, 5);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 1);
	send_frames(host, 1, 2, 5);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 1);
	/* Armed after: what came since the last look interrupts at once. */
	uint16_t looked = b->rx[0].taken;

	arm(b, WEIR_DOORBELL_RX_ARM, looked);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 2);
	WEIR_EXPECT_EQ(take_frames(b), 10);
	/* Armed for all that came: nothing, until one more. */
	arm(b, WEIR_DOORBELL_RX_ARM, b->rx[0].taken);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 2);
	send_frames(host, 1, 2, 1);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 3);
	WEIR_EXPECT_EQ(host_stat(b, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_BAD_DOORBELLS),
		       0);
	host_destroy(host);
}

static void a_transmit_queue_raises_once_for_each_arming(void)
{
	struct host *host = card();
	struct host_function *a = &host->functions[1];
	uint32_t *raised = &a->interrupts[QUEUE_VECTOR];
	static uint8_t frame[100];
	weir_le32 *head = host_pointer(a, a->tx[0].head);

	send_frames(host, 1, 2, 3);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 0);
	arm(a, WEIR_DOORBELL_TX_ARM, a->tx[0].tail);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 0);
	send_frames(host, 1, 2, 4);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 1);
	arm(a, WEIR_DOORBELL_TX_ARM, (uint16_t)(a->tx[0].tail - 2));
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 2);
	take_frames(&host->functions[2]);
	/* Without REPORT, too: the head is written, then the vector raised; also for a frame that is dropped. */
	for (uint32_t i = 0; i < 2; i++) {
		arm(a, WEIR_DOORBELL_TX_ARM, a->tx[0].tail);
		host_make_frame(frame, test_mac(2), test_mac(i ? 7 : 1), 0, 0, sizeof(frame), 1, 1);
		memcpy(host_pointer(a, a->tx[0].staging), frame, sizeof(frame));
		const struct weir_tx_descriptor descriptor = {
			.address = weir_cpu_to_le64(a->tx[0].staging),
			.length = weir_cpu_to_le16(sizeof(frame)),
			.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK),
		};

		host_post_descriptor(a, 0, &descriptor);
		host_send_done(a, 0);
		while (*raised == 2 + i)
			host_turn(host);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(*head), a->tx[0].tail);
		host_settle(host);
		WEIR_EXPECT_EQ(*raised, 3 + i);
	}
	host_destroy(host);
}

/* The race between the last look and the sleep: whatever the interleaving, frames that came are seen or interrupt. */
static void no_wake_up_is_lost_whatever_the_interleaving(void)
{
	struct host *host = card();
	struct host_function *b = &host->functions[2];
	uint32_t random = 7, woken = 0, sent = 0, taken = 0;

	for (uint32_t round = 0; round < 3000; round++) {
		random = random * 1664525u + 1013904223u;
		send_frames(host, 1, 2, 1 + random % 3);
		sent += 1 + random % 3;
		for (uint32_t i = random >> 8 & 7; i; i--)
			host_turn(host);
		taken += take_frames(b);
		for (uint32_t i = random >> 16 & 3; i; i--)
			host_turn(host);
		/* The last look was above; from here on the driver sleeps. An arming of the round before may still stand until this one comes. */
		uint32_t before = b->interrupts[QUEUE_VECTOR];

		arm(b, WEIR_DOORBELL_RX_ARM, b->rx[0].taken);
		host_settle(host);
		WEIR_REQUIRE(b->interrupts[QUEUE_VECTOR] <= before + 2 &&
			     b->interrupts[QUEUE_VECTOR] <= round + 1);
		if (taken != sent)
			WEIR_REQUIRE(b->interrupts[QUEUE_VECTOR] > before);
		woken += b->interrupts[QUEUE_VECTOR] - before;
		taken += take_frames(b);
		WEIR_REQUIRE_EQ(taken, sent);
	}
	WEIR_EXPECT(woken > 100);
	host_destroy(host);
}

static void the_interrupt_comes_after_its_data(void)
{
	struct host *host = card();
	struct host_function *b = &host->functions[2];
	uint32_t *raised = &b->interrupts[QUEUE_VECTOR];

	for (uint32_t round = 0; round < 300; round++) {
		uint32_t before = *raised;

		arm(b, WEIR_DOORBELL_RX_ARM, b->rx[0].taken);
		send_frames(host, 1, 2, 1 + round % 4);
		while (*raised == before)
			host_turn(host);
		/* In this very turn the first completion is there, whole. */
		static struct host_frame got;
		uint32_t flow, sequence;

		WEIR_REQUIRE(host_receive(b, 0, &got));
		WEIR_EXPECT(host_check_frame(got.data, got.bytes, &flow, &sequence));
		WEIR_EXPECT_EQ(sequence, 0);
		host_settle(host);
		take_frames(b);
	}
	host_destroy(host);
}

static void a_later_arming_replaces_an_earlier_one(void)
{
	struct host *host = card();
	struct host_function *b = &host->functions[2];

	send_frames(host, 1, 2, 2);
	host_settle(host);
	/* Armed for what is there already, then for what is not. In one go only the later value is seen, else both: one interrupt at most. */
	arm(b, WEIR_DOORBELL_RX_ARM, (uint16_t)(b->rx[0].taken + 2));
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[QUEUE_VECTOR], 0);
	arm(b, WEIR_DOORBELL_RX_ARM, b->rx[0].taken);
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[QUEUE_VECTOR], 1);
	send_frames(host, 1, 2, 1);
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[QUEUE_VECTOR], 1);
	host_destroy(host);
}

static void queues_without_a_vector_raise_nothing(void)
{
	struct host *host = test_card(2, 0, 2048, false);
	struct host_function *b = &host->functions[2];

	for (uint16_t i = 1; i <= 2; i++)
		WEIR_REQUIRE_EQ(host_queue_create(&host->functions[i], 0, 2048, WEIR_VECTOR_NONE,
						  false),
				WEIR_STATUS_OK);
	arm(b, WEIR_DOORBELL_RX_ARM, 0);
	arm(&host->functions[1], WEIR_DOORBELL_TX_ARM, 0);
	send_frames(host, 1, 2, 5);
	host_settle(host);
	WEIR_EXPECT_EQ(take_frames(b), 5);
	for (uint32_t i = 1; i < WEIR_MSIX_VF_VECTORS; i++)
		WEIR_EXPECT_EQ(b->interrupts[i] + host->functions[1].interrupts[i], 0);
	host_destroy(host);
}

static void queues_may_share_a_vector(void)
{
	struct host *host = test_card(2, 0, 2048, false);
	struct host_function *a = &host->functions[1], *b = &host->functions[2];

	/* Both of b's queues and its admin queue on vector 0. */
	WEIR_REQUIRE_EQ(host_queue_create(a, 0, 2048, 1, false), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_queue_create(b, 0, 2048, ADMIN_VECTOR, false), WEIR_STATUS_OK);
	host_take_events(b);
	host_settle(host);
	uint32_t before = b->interrupts[ADMIN_VECTOR];

	arm(b, WEIR_DOORBELL_RX_ARM, 0);
	arm(b, WEIR_DOORBELL_TX_ARM, 0);
	host_settle(host);
	send_frames(host, 1, 2, 1);
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[ADMIN_VECTOR], before + 1);
	send_frames(host, 2, 1, 1);
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[ADMIN_VECTOR], before + 2);
	weirsim_wire_link(host->sim, 0, false);
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[ADMIN_VECTOR], before + 3);
	host_destroy(host);
}

/* ---- mask and pending ---- */

static void set_control(struct host *host, uint16_t function, uint16_t control)
{
	weirsim_config_write(host->sim, function, WEIR_CFG_MSIX_CONTROL, control, 2);
}

static void rouse(struct host *host, struct host_function *b)
{
	take_frames(b);
	arm(b, WEIR_DOORBELL_RX_ARM, b->rx[0].taken);
	send_frames(host, 1, 2, 1);
	host_settle(host);
}

static void a_masked_vector_is_pending_and_sent_once(void)
{
	struct host *host = card();
	struct host_function *b = &host->functions[2];
	uint32_t *raised = &b->interrupts[QUEUE_VECTOR];

	host_vector_mask(b, QUEUE_VECTOR, true);
	for (uint32_t i = 0; i < 3; i++)
		rouse(host, b);
	WEIR_EXPECT_EQ(*raised, 0);
	WEIR_EXPECT(host_vector_pending(b, QUEUE_VECTOR));
	WEIR_EXPECT(!host_vector_pending(b, ADMIN_VECTOR));
	/* Others are not masked by it. */
	uint32_t admin = b->interrupts[ADMIN_VECTOR];

	host_take_events(b);
	weirsim_wire_link(host->sim, 0, false);
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[ADMIN_VECTOR], admin + 1);
	weirsim_wire_link(host->sim, 0, true);
	host_settle(host);
	host_vector_mask(b, QUEUE_VECTOR, false);
	WEIR_EXPECT_EQ(*raised, 1);
	WEIR_EXPECT(!host_vector_pending(b, QUEUE_VECTOR));
	host_settle(host);
	host_vector_mask(b, QUEUE_VECTOR, true);
	host_vector_mask(b, QUEUE_VECTOR, false);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 1);
	rouse(host, b);
	WEIR_EXPECT_EQ(*raised, 2);
	host_destroy(host);
}

static void every_obstacle_holds_vectors_until_the_last_is_gone(void)
{
	struct host *host = card();
	struct host_function *b = &host->functions[2];
	uint32_t *raised = &b->interrupts[QUEUE_VECTOR];

	/* Function Mask. */
	set_control(host, 2, 0xc000);
	rouse(host, b);
	WEIR_EXPECT_EQ(*raised, 0);
	WEIR_EXPECT(host_vector_pending(b, QUEUE_VECTOR));
	set_control(host, 2, 0x8000);
	WEIR_EXPECT_EQ(*raised, 1);
	/* MSI-X Enable. */
	set_control(host, 2, 0);
	rouse(host, b);
	WEIR_EXPECT_EQ(*raised, 1);
	set_control(host, 2, 0x8000);
	WEIR_EXPECT_EQ(*raised, 2);
	/* Both and its own mask. */
	set_control(host, 2, 0x4000);
	host_vector_mask(b, QUEUE_VECTOR, true);
	rouse(host, b);
	set_control(host, 2, 0xc000);
	WEIR_EXPECT_EQ(*raised, 2);
	set_control(host, 2, 0x8000);
	WEIR_EXPECT_EQ(*raised, 2);
	host_vector_mask(b, QUEUE_VECTOR, false);
	WEIR_EXPECT_EQ(*raised, 3);
	/* Bus Master Enable: a pending message is a memory write like any other. */
	host_vector_mask(b, QUEUE_VECTOR, true);
	rouse(host, b);
	weirsim_config_write(host->sim, 2, WEIR_CFG_COMMAND, 0, 2);
	host_vector_mask(b, QUEUE_VECTOR, false);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 3);
	weirsim_config_write(host->sim, 2, WEIR_CFG_COMMAND, 4, 2);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 4);
	/* Raised while it is clear: the pending bit says so to whoever looks, and goes with the message. */
	host_doorbell(b, 0, WEIR_DOORBELL_RX_ARM, (uint16_t)(b->rx[0].taken - 1));
	weirsim_config_write(host->sim, 2, WEIR_CFG_COMMAND, 2, 2);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 4);
	WEIR_EXPECT(host_vector_pending(b, QUEUE_VECTOR));
	weirsim_config_write(host->sim, 2, WEIR_CFG_COMMAND, 6, 2);
	WEIR_EXPECT_EQ(*raised, 5);
	host_settle(host);
	WEIR_EXPECT(!host_vector_pending(b, QUEUE_VECTOR));
	WEIR_EXPECT_EQ(*raised, 5);
	/* D3hot of the PF, which its VFs follow. */
	host_vector_mask(b, QUEUE_VECTOR, true);
	rouse(host, b);
	host_vector_mask(b, QUEUE_VECTOR, true);
	weirsim_config_write(host->sim, 0, WEIR_CFG_PM_CONTROL, 3, 2);
	host_settle(host);
	host_vector_mask(b, QUEUE_VECTOR, false); /* not decoded in D3hot */
	weirsim_config_write(host->sim, 0, WEIR_CFG_PM_CONTROL, 0, 2);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 5);
	host_vector_mask(b, QUEUE_VECTOR, false);
	WEIR_EXPECT_EQ(*raised, 6);
	host_destroy(host);
}

static void a_reset_forgets_what_is_pending(void)
{
	struct host *host = card();
	struct host_function *b = &host->functions[2];

	host_vector_mask(b, QUEUE_VECTOR, true);
	rouse(host, b);
	WEIR_EXPECT(host_vector_pending(b, QUEUE_VECTOR));
	host_flr(b);
	host_settle(host);
	WEIR_EXPECT(!host_vector_pending(b, QUEUE_VECTOR));
	host_forget(b);
	WEIR_REQUIRE(host_up(b, test_mac(2), 1, 2048, false));
	host_settle(host);
	WEIR_EXPECT_EQ(b->interrupts[QUEUE_VECTOR], 0);
	rouse(host, b);
	WEIR_EXPECT_EQ(b->interrupts[QUEUE_VECTOR], 1);
	host_destroy(host);
}

/* ---- the admin queue's ---- */

static void the_admin_queue_raises_once_for_each_head_given_back(void)
{
	struct host *host = host_create(1, test_seed());
	struct host_function *pf = &host->functions[0];
	const struct weir_admin_command command = { .opcode = weir_cpu_to_le16(WEIR_COMMAND_ECHO) };
	struct weir_admin_completion entry;
	uint32_t *raised = &pf->interrupts[3];

	host_wire_capture(host);
	WEIR_REQUIRE(host_ready(pf));
	WEIR_REQUIRE(host_admin_open(pf, 4, 5, 3));
	/* Nothing is armed at enable, though LINK is there. */
	WEIR_EXPECT_EQ(*raised, 0);
	host_write(pf, WEIR_REG_ADMIN_CQ_HEAD, 0);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 1);
	WEIR_REQUIRE(host_entry(pf, &entry));
	host_entries_done(pf);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 1);
	for (uint32_t i = 0; i < 5; i++)
		host_command_post(pf, &command);
	host_command_ring(pf);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 2);
	/* Only two of five taken: there is more, at once. */
	WEIR_REQUIRE(host_entry(pf, &entry) && host_entry(pf, &entry));
	host_entries_done(pf);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 3);
	while (host_entry(pf, &entry))
		;
	host_entries_done(pf);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 3);
	/* A link that changes wakes the driver. */
	weirsim_wire_link(host->sim, 0, false);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 4);
	WEIR_REQUIRE(host_entry(pf, &entry));
	WEIR_EXPECT_EQ(weir_le32_to_cpu(pf->last_event[WEIR_EVENT_LINK].detail), 0);
	WEIR_EXPECT_EQ(weir_le64_to_cpu(pf->last_event[WEIR_EVENT_LINK].data), 0);
	host_entries_done(pf);
	weirsim_wire_link(host->sim, 0, true);
	host_settle(host);
	WEIR_EXPECT_EQ(*raised, 5);
	WEIR_REQUIRE(host_entry(pf, &entry));
	WEIR_EXPECT_EQ(weir_le64_to_cpu(pf->last_event[WEIR_EVENT_LINK].data), 100000);
	host_destroy(host);
}

const struct weir_test interrupt_tests[] = {
	{ "interrupts.a_receive_queue_raises_once_for_each_arming",
	  a_receive_queue_raises_once_for_each_arming },
	{ "interrupts.a_transmit_queue_raises_once_for_each_arming",
	  a_transmit_queue_raises_once_for_each_arming },
	{ "interrupts.no_wake_up_is_lost_whatever_the_interleaving",
	  no_wake_up_is_lost_whatever_the_interleaving },
	{ "interrupts.come_after_their_data", the_interrupt_comes_after_its_data },
	{ "interrupts.a_later_arming_replaces_an_earlier_one",
	  a_later_arming_replaces_an_earlier_one },
	{ "interrupts.queues_without_a_vector_raise_nothing",
	  queues_without_a_vector_raise_nothing },
	{ "interrupts.queues_may_share_a_vector", queues_may_share_a_vector },
	{ "interrupts.a_masked_vector_is_pending_and_sent_once",
	  a_masked_vector_is_pending_and_sent_once },
	{ "interrupts.every_obstacle_holds_vectors_until_the_last_is_gone",
	  every_obstacle_holds_vectors_until_the_last_is_gone },
	{ "interrupts.a_reset_forgets_what_is_pending", a_reset_forgets_what_is_pending },
	{ "interrupts.the_admin_queue_raises_once_for_each_head_given_back",
	  the_admin_queue_raises_once_for_each_head_given_back },
};
const size_t interrupt_test_count = WEIR_TESTS(interrupt_tests);
