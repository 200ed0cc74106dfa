/* SPDX-License-Identifier: BSD-3-Clause */
/* Cards as a whole: making them, their clocks and chance, several in one process. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

static void ignore_interrupt(void *opaque, uint16_t function, uint16_t vector, uint64_t address,
			     uint32_t data)
{
	(void)opaque;
	(void)function;
	(void)vector;
	(void)address;
	(void)data;
}

static void impossible_cards_are_not_made(void)
{
	static const struct weirsim_host_ops none, some = { .interrupt = ignore_interrupt };
	struct weirsim_config configs[] = {
		{ .total_vfs = 1 },
		{ .host = &none },
		{ .host = &some, .total_vfs = WEIR_PCI_MAX_VFS + 1 },
		{ .host = &some, .ports = 33 },
	};

	errno = 0;
	WEIR_EXPECT(weirsim_create(NULL) == NULL && errno == EINVAL);
	for (size_t i = 0; i < WEIR_TESTS(configs); i++) {
		errno = 0;
		WEIR_EXPECT(weirsim_create(&configs[i]) == NULL);
		WEIR_EXPECT_EQ(errno, EINVAL);
	}
	weirsim_destroy(NULL);
}

/* Only the interrupt op is there: nothing else is called. */
static void a_card_needs_no_more_than_interrupts(void)
{
	static const struct weirsim_host_ops some = { .interrupt = ignore_interrupt };
	struct weirsim_config config = { .host = &some };
	struct weirsim *sim = weirsim_create(&config);
	uint32_t word;

	WEIR_REQUIRE(sim != NULL);
	for (int i = 0; i < 50; i++)
		weirsim_poll(sim);
	WEIR_EXPECT(weirsim_function_usable(sim, 0));
	WEIR_EXPECT_EQ(weirsim_config_read(sim, 0, WEIR_CFG_SRIOV_TOTAL_VFS, 2), 0);
	WEIR_EXPECT(weirsim_config_read(sim, 0, WEIR_CFG_DSN_SERIAL, 4) != 0);
	WEIR_EXPECT_EQ(weirsim_enable_vfs(sim, 1), -EINVAL);
	weirsim_config_write(sim, 0, WEIR_CFG_COMMAND, 6, 2);
	WEIR_EXPECT(hal_dma_read(fake_last->hal, (struct hal_requester){ 0 }, 0, &word, 4, 1) !=
		    HAL_DONE);
	for (int i = 0; i < 50; i++)
		weirsim_poll(sim);
	WEIR_EXPECT_EQ(weirsim_wire_open(sim, 0, "nonsense"), -EINVAL);
	weirsim_hot_reset(sim);
	for (int i = 0; i < 50; i++)
		weirsim_poll(sim);
	WEIR_EXPECT(weirsim_function_usable(sim, 0));
	weirsim_destroy(sim);
}

static void the_firmware_is_configured_as_asked(void)
{
	struct bench *bench = bench_new();

	WEIR_EXPECT_EQ(bench->firmware->config.total_vfs, BENCH_VFS);
	WEIR_EXPECT_EQ(bench->firmware->config.ports, 2);
	WEIR_EXPECT_EQ(bench->firmware->config.queue_pairs, 64 + 16 * BENCH_VFS);
	WEIR_EXPECT_EQ(bench->firmware->config.filters, 4096);
	bench_end(bench);
	bench = bench_new_with(
		(struct weirsim_config){ .queue_pairs = 10, .filters = 20, .seed = 1 });
	WEIR_EXPECT_EQ(bench->firmware->config.queue_pairs, 10);
	WEIR_EXPECT_EQ(bench->firmware->config.filters, 20);
	bench_end(bench);
}

static void the_owners_commands_reach_the_firmware(void)
{
	struct bench *bench = bench_new();
	uint32_t bytes, detail;
	uint8_t response[8];

	WEIR_EXPECT_EQ(weirsim_manage(bench->sim, WEIR_COMMAND_ECHO, "weir", 4, response, 8, &bytes,
				      &detail),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(bytes, 4);
	WEIR_EXPECT_MEM(response, "weir", 4);
	WEIR_EXPECT_EQ(weirsim_manage(bench->sim, 0x7777, NULL, 0, NULL, 0, &bytes, &detail),
		       WEIR_STATUS_UNKNOWN_COMMAND);
	bench_end(bench);
}

static void virtual_time_moves_only_when_told(void)
{
	struct bench *bench = bench_new();

	WEIR_EXPECT_EQ(weirsim_now_ns(bench->sim), 0);
	bench_poll(bench);
	WEIR_EXPECT_EQ(hal_now_ns(bench->hal), 0);
	weirsim_advance_ns(bench->sim, 123456789);
	WEIR_EXPECT_EQ(hal_now_ns(bench->hal), 123456789);
	WEIR_EXPECT_EQ(weirsim_now_ns(bench->sim), 123456789);
	/* Frames are stamped with it. */
	bench_poll(bench);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, bench->memory, 64), 0);
	for (int i = 0; i < 100; i++) {
		struct hal_frame frame;

		if (!hal_receive(bench->hal, 0, &frame, 1))
			continue;
		WEIR_EXPECT_EQ(frame.time_ns, 123456789);
		hal_receive_release(bench->hal, 0, &frame, 1);
		break;
	}
	bench_end(bench);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Over three tenths of a second, in which the ticks are compared with the system's clock a few times. */
static void real_time_keeps_pace_and_never_goes_back(void)
{
	struct bench *bench = bench_new_with((struct weirsim_config){ .seed = 1 });
	uint64_t start_ns = monotonic_ns(), card_start_ns = weirsim_now_ns(bench->sim);
	uint64_t started_ns = monotonic_ns();
	uint64_t last_ns = card_start_ns, real_ns, card_ns;

	do {
		weirsim_poll(bench->sim);
		card_ns = hal_now_ns(bench->hal);
		WEIR_EXPECT(card_ns >= last_ns);
		last_ns = card_ns;
		real_ns = monotonic_ns() - start_ns;
	} while (real_ns < 300000000);
	/* Between two looks at the system's clock, however long this process was kept waiting in between */
	real_ns = monotonic_ns() - started_ns;
	card_ns = weirsim_now_ns(bench->sim) - card_start_ns;
	WEIR_EXPECT(card_ns + 1000000 >= real_ns);
	WEIR_EXPECT(card_ns <= monotonic_ns() - start_ns + 1000000);
	weirsim_advance_ns(bench->sim, 1000000000000ull); /* of virtual time only */
	WEIR_EXPECT(weirsim_now_ns(bench->sim) < card_start_ns + 100000000000ull);
	bench_end(bench);
}

static void chance_follows_the_seed(void)
{
	struct bench *a = bench_new(), *b = bench_new();
	struct bench *c = bench_new_with((struct weirsim_config){ .seed = 2, .serial = 1 });
	struct bench *d = bench_new_with((struct weirsim_config){ .serial = 1 });
	struct bench *e = bench_new_with((struct weirsim_config){ .serial = 1 });
	uint32_t same = 0, other = 0, system = 0;

	for (int i = 0; i < 100; i++) {
		uint32_t number = hal_random32(a->hal);

		same += number == hal_random32(b->hal);
		other += number == hal_random32(c->hal);
		system += hal_random32(d->hal) == hal_random32(e->hal);
	}
	WEIR_EXPECT_EQ(same, 100);
	WEIR_EXPECT(other < 3 && system < 3);
	bench_end(a);
	bench_end(b);
	bench_end(c);
	bench_end(d);
	bench_end(e);
}

static void two_cards_in_one_process_do_not_meet(void)
{
	struct bench *a = bench_new(), *b = bench_new();
	uint32_t word = 7;

	bench_enable_vfs(a, 3);
	bench_enable_vfs(b, 1);
	WEIR_EXPECT_EQ(weirsim_dma_map(a->sim, 1, 0x1000, a->memory, 4096, 3), 0);
	WEIR_EXPECT_EQ(weirsim_dma_map(b->sim, 1, 0x1000, b->memory, 4096, 3), 0);
	WEIR_EXPECT_EQ(bench_dma_write(a, 1, 0x1000, &word, 4), HAL_DONE);
	WEIR_EXPECT_EQ(a->memory[0], 7);
	WEIR_EXPECT_EQ(b->memory[0], 0);
	bench_write32(a, 1, 0, WEIR_REG_MAILBOX_OWNER, 5);
	WEIR_EXPECT_EQ(bench_read32(b, 1, 0, WEIR_REG_MAILBOX_OWNER), 0);
	WEIR_EXPECT_EQ(weirsim_wire_open(a->sim, 0, "loopback"), 0);
	weirsim_wire_receive(a->sim, 0, a->memory, 64);
	WEIR_EXPECT_EQ(bench_receive(b, 0, b->memory), 0);
	weirsim_function_reset(a->sim, 0);
	bench_poll(a);
	bench_poll(b);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(a->sim), 0);
	WEIR_EXPECT_EQ(weirsim_vfs_enabled(b->sim), 1);
	WEIR_EXPECT_EQ(fake_count(b->firmware, HAL_EVENT_RESET, UINT16_MAX), 0);
	bench_end(a);
	WEIR_EXPECT_EQ(bench_dma_write(b, 1, 0x1000, &word, 4), HAL_DONE);
	bench_end(b);
}

/* Different cards are independent: each in a thread of its own. */
static void *run_card(void *opaque)
{
	static const struct weirsim_host_ops some = { .interrupt = ignore_interrupt };
	struct weirsim_config config = { .host = &some, .total_vfs = 4, .seed = 1 };
	uint32_t *usable = opaque;

	for (int round = 0; round < 20; round++) {
		struct weirsim *sim = weirsim_create(&config);

		if (!sim)
			return NULL;
		weirsim_enable_vfs(sim, 4);
		for (int i = 0; i < 100; i++)
			weirsim_poll(sim);
		*usable += weirsim_function_usable(sim, 4);
		weirsim_destroy(sim);
	}
	return NULL;
}

static void cards_of_different_threads_are_independent(void)
{
	pthread_t threads[3];
	uint32_t usable[3] = { 0 };

	for (int i = 0; i < 3; i++)
		WEIR_REQUIRE(!pthread_create(&threads[i], NULL, run_card, &usable[i]));
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		WEIR_EXPECT_EQ(usable[i], 20);
	}
}

#define TEST(name)                      \
	{                               \
		"sim.card." #name, name \
	}
const struct weir_test card_tests[] = {
	TEST(impossible_cards_are_not_made),
	TEST(a_card_needs_no_more_than_interrupts),
	TEST(the_firmware_is_configured_as_asked),
	TEST(the_owners_commands_reach_the_firmware),
	TEST(virtual_time_moves_only_when_told),
	TEST(real_time_keeps_pace_and_never_goes_back),
	TEST(chance_follows_the_seed),
	TEST(two_cards_in_one_process_do_not_meet),
	TEST(cards_of_different_threads_are_independent),
};
const size_t card_tests_count = WEIR_TESTS(card_tests);
