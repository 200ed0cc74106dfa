/* SPDX-License-Identifier: BSD-3-Clause */
/* Events: nothing lost, nobody flooded, order where it matters. */
#include "bench.h"

static void doorbells_keep_their_last_value(void)
{
	struct bench *bench = bench_new();
	static const uint32_t offsets[] = { WEIR_DOORBELL_RX_TAIL, WEIR_DOORBELL_TX_TAIL,
					    WEIR_DOORBELL_RX_ARM, WEIR_DOORBELL_TX_ARM };

	bench_enable_vfs(bench, 1);
	fake_forget(bench->firmware);
	bench->firmware->deaf = true;
	for (uint32_t value = 1; value <= 1000; value++) {
		for (uint32_t pair = 0; pair < WEIR_VF_QUEUE_PAIRS; pair++) {
			for (int i = 0; i < 4; i++)
				bench_write32(bench, 1, 2, pair * 0x1000 + offsets[i],
					      value * 100 + pair * 4 + (uint32_t)i);
		}
	}
	bench->firmware->deaf = false;
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench->firmware->event_count, WEIR_VF_QUEUE_PAIRS * 4);
	for (uint32_t n = 0; n < WEIR_VF_QUEUE_PAIRS * 4; n++) {
		const struct hal_event *event =
			fake_event(bench->firmware, HAL_EVENT_DOORBELL, 1, n);
		uint32_t pair, kind;

		WEIR_REQUIRE(event != NULL);
		pair = event->offset >> 12;
		kind = (event->offset & 0xfff) / 0x40;
		WEIR_EXPECT_EQ(event->value, 100000 + pair * 4 + kind);
	}
	/* A page that is not the VF's: none of the PF's either. */
	WEIR_EXPECT_EQ(weirsim_mmio_write(bench->sim, 1, 2, 0x10000, &(uint32_t){ 1 }, 4), -5);
	bench_end(bench);
}

/* Everybody writes all the time; the firmware takes few at a time; each gets its turn. */
static void every_function_and_queue_gets_its_turn(void)
{
	struct bench *bench = bench_new();
	uint32_t per_function[BENCH_VFS + 1] = { 0 }, per_pair[4] = { 0 }, taken = 0;

	bench_enable_vfs(bench, BENCH_VFS);
	bench->firmware->deaf = true;
	for (int round = 0; taken < 900 && round < 10000; round++) {
		struct hal_event event;

		for (uint16_t n = 0; n <= BENCH_VFS; n++) {
			for (uint32_t pair = 0; pair < 4; pair++)
				bench_write32(bench, n, 2, pair * 0x1000, (uint32_t)round);
		}
		if (hal_poll_event(bench->hal, &event) && event.kind == HAL_EVENT_DOORBELL) {
			taken++;
			per_function[event.function]++;
			per_pair[event.offset >> 12]++;
		}
	}
	WEIR_EXPECT_EQ(taken, 900);
	for (uint16_t n = 0; n <= BENCH_VFS; n++)
		WEIR_EXPECT(per_function[n] >= 99 && per_function[n] <= 101);
	for (uint32_t pair = 0; pair < 4; pair++)
		WEIR_EXPECT(per_pair[pair] >= 215 && per_pair[pair] <= 235);
	bench_end(bench);
}

static void register_writes_come_in_order(void)
{
	struct bench *bench = bench_new();
	static const uint16_t offsets[] = { WEIR_REG_ADMIN_CONTROL, WEIR_REG_ADMIN_SQ_BASE_LOW,
					    WEIR_REG_ADMIN_SIZES, WEIR_REG_ADMIN_CONTROL,
					    WEIR_REG_ADMIN_SQ_TAIL };

	bench_enable_pf(bench);
	fake_forget(bench->firmware);
	bench->firmware->deaf = true;
	for (uint32_t i = 0; i < WEIR_TESTS(offsets); i++)
		bench_write32(bench, 0, 0, offsets[i], i);
	/* The same once more: folded into the last. */
	bench_write32(bench, 0, 0, WEIR_REG_ADMIN_SQ_TAIL, 100);
	bench->firmware->deaf = false;
	bench_poll(bench);
	WEIR_REQUIRE_EQ(bench->firmware->event_count, WEIR_TESTS(offsets));
	for (uint32_t i = 0; i < WEIR_TESTS(offsets); i++) {
		WEIR_EXPECT_EQ(bench->firmware->events[i].offset, offsets[i]);
		WEIR_EXPECT_EQ(bench->firmware->events[i].value, i == 4 ? 100 : i);
	}
	bench_end(bench);
}

/* Taking the mailbox anew right behind giving it back: two writes of one register that must both be told. */
static void writes_of_one_register_are_not_folded(void)
{
	static const uint32_t tokens[] = { 5, 0, 6, 6 };
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	fake_forget(bench->firmware);
	bench->firmware->deaf = true;
	for (uint32_t i = 0; i < WEIR_TESTS(tokens); i++)
		bench_write32(bench, 0, 0, WEIR_REG_MAILBOX_OWNER, tokens[i]);
	bench->firmware->deaf = false;
	bench_poll(bench);
	WEIR_REQUIRE_EQ(bench->firmware->event_count, WEIR_TESTS(tokens));
	for (uint32_t i = 0; i < WEIR_TESTS(tokens); i++)
		WEIR_EXPECT_EQ(bench->firmware->events[i].value, tokens[i]);
	bench_end(bench);
}

static void a_flood_of_register_writes_keeps_the_last_of_each(void)
{
	struct bench *bench = bench_new();
	uint32_t last_tail = 0, last_head = 0;

	bench_enable_vfs(bench, 2);
	fake_forget(bench->firmware);
	bench->firmware->deaf = true;
	bench_write32(bench, 2, 0, WEIR_REG_MAILBOX_OWNER, 42);
	for (uint32_t i = 1; i <= 100000; i++) {
		bench_write32(bench, 1, 0, WEIR_REG_ADMIN_SQ_TAIL, i);
		bench_write32(bench, 1, 0, WEIR_REG_ADMIN_CQ_HEAD, i + 7);
	}
	bench->firmware->deaf = false;
	bench_poll(bench);
	/* The two counts were folded. */
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 1), 2);
	bench->firmware->deaf = true;
	for (uint32_t i = 1; i <= 100000; i++) {
		bench_write32(bench, 1, 0, WEIR_REG_MAILBOX_OWNER, i);
		bench_write32(bench, 1, 0, WEIR_REG_ADMIN_SQ_TAIL, i);
		bench_write32(bench, 1, 0, WEIR_REG_ADMIN_CQ_HEAD, i + 7);
	}
	fake_forget(bench->firmware);
	bench_write32(bench, 2, 0, WEIR_REG_MAILBOX_OWNER, 42);
	bench->firmware->deaf = false;
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 1), 35);
	for (uint32_t i = 0; i < bench->firmware->event_count; i++) {
		const struct hal_event *event = &bench->firmware->events[i];

		if (event->function == 1 && event->offset == WEIR_REG_ADMIN_SQ_TAIL)
			last_tail = (uint32_t)event->value;
		if (event->function == 1 && event->offset == WEIR_REG_ADMIN_CQ_HEAD)
			last_head = (uint32_t)event->value;
	}
	WEIR_EXPECT_EQ(last_tail, 100000);
	WEIR_EXPECT_EQ(last_head, 100007);
	/* The neighbour's one write is there. */
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 2), 1);
	WEIR_EXPECT_EQ(fake_event(bench->firmware, HAL_EVENT_REGISTER, 2, 0)->value, 42);
	/* And afterwards order is kept again. */
	fake_forget(bench->firmware);
	bench_write32(bench, 1, 0, WEIR_REG_ADMIN_CQ_HEAD, 1);
	bench_write32(bench, 1, 0, WEIR_REG_ADMIN_SQ_TAIL, 2);
	bench_poll(bench);
	WEIR_REQUIRE_EQ(bench->firmware->event_count, 2);
	WEIR_EXPECT_EQ(bench->firmware->events[0].offset, WEIR_REG_ADMIN_CQ_HEAD);
	bench_end(bench);
}

/* A doorbell is told before a register write that may end its queue. */
static void doorbells_come_before_register_writes(void)
{
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	fake_forget(bench->firmware);
	bench->firmware->deaf = true;
	bench_write32(bench, 0, 2, 0x1000, 9);
	bench_write32(bench, 0, 0, WEIR_REG_CONTROL, 1);
	bench->firmware->deaf = false;
	bench_poll(bench);
	WEIR_REQUIRE_EQ(bench->firmware->event_count, 2);
	WEIR_EXPECT_EQ(bench->firmware->events[0].kind, HAL_EVENT_DOORBELL);
	WEIR_EXPECT_EQ(bench->firmware->events[1].kind, HAL_EVENT_REGISTER);
	bench_end(bench);
}

static void a_reset_takes_what_waited(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 2);
	fake_forget(bench->firmware);
	bench->firmware->deaf = true;
	for (uint16_t n = 1; n <= 2; n++) {
		bench_write32(bench, n, 2, 0, 9);
		bench_write32(bench, n, 0, WEIR_REG_ADMIN_CONTROL, 1);
		bench_write32(bench, n, 0, 0x3f0, 1);
	}
	weirsim_function_reset(bench->sim, 1);
	bench->firmware->deaf = false;
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_RESET, 1), 1);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_DOORBELL, 1), 0);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 1), 0);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_BAD_ACCESS, 1), 0);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_DOORBELL, 2), 1);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_REGISTER, 2), 1);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_BAD_ACCESS, 2), 1);
	bench_end(bench);
}

static void the_trace_is_bounded_and_delays_nobody(void)
{
	struct bench *bench = bench_new();
	uint32_t traces = 0, doorbells = 0;

	bench_enable_vfs(bench, 1);
	bench->firmware->deaf = true;
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 1, 0, bench->memory, 4096, 3), 0);
	hal_trace_enable(bench->hal, true);
	for (uint32_t i = 0; i < 6000; i++) {
		uint32_t value;

		bench_dma_read(bench, 1, 64, &value, 4);
	}
	for (int i = 0; i < 40; i++) {
		struct hal_event event;

		bench_write32(bench, 1, 2, 0, 1);
		if (!hal_poll_event(bench->hal, &event))
			continue;
		traces += event.kind == HAL_EVENT_TRACE;
		doorbells += event.kind == HAL_EVENT_DOORBELL;
	}
	WEIR_EXPECT(traces >= 8 && doorbells >= 8);
	WEIR_EXPECT(traces - doorbells + 1 <= 2);
	bench->firmware->deaf = false;
	fake_forget(bench->firmware);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_TRACE, 1), 4096 - traces);
	/* Off: nothing more. */
	fake_forget(bench->firmware);
	hal_trace_enable(bench->hal, false);
	bench_dma_read(bench, 1, 64, &traces, 4);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_TRACE, 1), 0);
	bench_end(bench);
}

static void the_card_does_not_sleep_while_something_waits(void)
{
	struct bench *bench = bench_new();
	uint64_t until_ns;

	bench_enable_pf(bench);
	WEIR_EXPECT(weirsim_may_sleep(bench->sim, &until_ns));
	WEIR_EXPECT_EQ(until_ns, UINT64_MAX);
	bench_write32(bench, 0, 2, 0, 1);
	WEIR_EXPECT(!weirsim_may_sleep(bench->sim, &until_ns));
	bench_poll(bench);
	WEIR_EXPECT(weirsim_may_sleep(bench->sim, &until_ns));
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	WEIR_EXPECT(!weirsim_may_sleep(bench->sim, &until_ns)); /* the link */
	bench_poll(bench);
	WEIR_EXPECT(weirsim_may_sleep(bench->sim, &until_ns));
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, bench->memory, 64), 0);
	WEIR_EXPECT(!weirsim_may_sleep(bench->sim, &until_ns)); /* a frame */
	bench_end(bench);
}

#define TEST(name)                        \
	{                                 \
		"sim.events." #name, name \
	}
const struct weir_test events_tests[] = {
	TEST(doorbells_keep_their_last_value),
	TEST(every_function_and_queue_gets_its_turn),
	TEST(register_writes_come_in_order),
	TEST(writes_of_one_register_are_not_folded),
	TEST(a_flood_of_register_writes_keeps_the_last_of_each),
	TEST(doorbells_come_before_register_writes),
	TEST(a_reset_takes_what_waited),
	TEST(the_trace_is_bounded_and_delays_nobody),
	TEST(the_card_does_not_sleep_while_something_waits),
};
const size_t events_tests_count = WEIR_TESTS(events_tests);
