/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two homes do differently: the deferred one delays, reorders, and stops firmware that does not wait. */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAGS 200u

static const struct hal_requester pf;

static struct bench *ready_bench(void)
{
	struct bench *bench = bench_new();

	bench_enable_vfs(bench, 1);
	for (uint16_t n = 0; n < 2; n++)
		WEIR_EXPECT_EQ(
			weirsim_dma_map(bench->sim, n, 0, bench->memory + n * 32768, 32768, 3), 0);
	return bench;
}

static void nothing_is_ever_pending(void)
{
	struct bench *bench = ready_bench();
	uint32_t word = 1;

	for (int i = 0; i < 1000; i++) {
		WEIR_EXPECT_EQ(hal_dma_read(bench->hal, pf, 64, &word, 4, 1), HAL_DONE);
		WEIR_EXPECT_EQ(hal_dma_write(bench->hal, pf, 64, &word, 4, 1), HAL_DONE);
		WEIR_EXPECT_EQ(hal_dma_copy(bench->hal, pf, 0, pf, 64, 4, 1), HAL_DONE);
	}
	WEIR_EXPECT_EQ(bench->firmware->completion_count, 0);
	bench_end(bench);
}

static void every_call_is_pending_or_busy_and_ends_once(void)
{
	struct bench *bench = ready_bench();
	static uint32_t words[TAGS];
	uint32_t busy = 0, pending = 0, seen[TAGS] = { 0 }, in_order = 0;

	for (uint32_t i = 0; i < TAGS; i++) {
		enum hal_result result;

		memcpy(bench->memory + i * 4, &(uint32_t){ i * i }, 4);
		do {
			result = hal_dma_read(bench->hal, pf, i * 4, &words[i], 4, i);
			busy += result == HAL_BUSY;
		} while (result == HAL_BUSY);
		WEIR_EXPECT_EQ(result, HAL_PENDING);
		pending++;
	}
	WEIR_EXPECT(busy > 0);
	bench_poll(bench);
	WEIR_REQUIRE_EQ(bench->firmware->completion_count, TAGS);
	for (uint32_t i = 0; i < TAGS; i++) {
		const struct hal_completion *completion = &bench->firmware->completions[i];

		WEIR_EXPECT_EQ(completion->result, HAL_DONE);
		seen[completion->tag]++;
		in_order += i && completion->tag == bench->firmware->completions[i - 1].tag + 1;
	}
	for (uint32_t i = 0; i < TAGS; i++) {
		WEIR_EXPECT_EQ(seen[i], 1);
		WEIR_EXPECT_EQ(words[i], i * i);
	}
	WEIR_EXPECT(in_order < TAGS / 4);
	bench_end(bench);
}

/* The same seed gives the same order. */
static void a_seed_repeats(void)
{
	hal_tag order[2][50];

	for (int run = 0; run < 2; run++) {
		struct bench *bench = ready_bench();
		uint32_t words[50];

		for (uint32_t i = 0; i < 50; i++) {
			while (hal_dma_read(bench->hal, pf, i * 4, &words[i], 4, i) == HAL_BUSY)
				;
		}
		bench_poll(bench);
		WEIR_REQUIRE_EQ(bench->firmware->completion_count, 50);
		for (uint32_t i = 0; i < 50; i++)
			order[run][i] = bench->firmware->completions[i].tag;
		bench_end(bench);
	}
	WEIR_EXPECT_MEM(order[0], order[1], sizeof(order[0]));
}

static void frames_of_a_port_leave_in_the_order_of_the_calls(void)
{
	struct bench *bench = ready_bench();
	static uint32_t headers[TAGS][16];
	uint8_t frame[65536];

	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	for (uint32_t i = 0; i < TAGS; i++) {
		headers[i][0] = i;
		while (hal_transmit(bench->hal, 0, headers[i], 64, NULL, 0, NULL, NULL, i) ==
		       HAL_BUSY)
			;
	}
	for (uint32_t i = 0; i < TAGS; i++) {
		WEIR_EXPECT_EQ(bench_receive(bench, 0, frame), 64);
		WEIR_EXPECT_MEM(frame, &i, 4);
	}
	bench_end(bench);
}

/* Rule 3 of hal.h */
static void a_reset_ends_what_is_in_flight_and_touches_nothing(void)
{
	struct bench *bench = ready_bench();
	static uint8_t data[64][64];
	const struct hal_requester vf = { .function = 1 };
	uint32_t resets = 0;

	memset(data, 0x77, sizeof(data));
	for (uint32_t i = 0; i < 64; i++) {
		while (hal_dma_write(bench->hal, i % 2 ? vf : pf, i * 64, data[i], 64, i) ==
		       HAL_BUSY)
			;
	}
	/* Reset and ready again before any of them was carried out: they belong to the generation before. */
	bench->firmware->hold_ready = true;
	weirsim_function_reset(bench->sim, 1);
	for (struct hal_event event; !hal_poll_event(bench->hal, &event);)
		;
	fake_make_ready(bench->firmware, 1);
	bench_configure(bench, 1, WEIR_CFG_COMMAND, 4, 2);
	WEIR_EXPECT(hal_function_usable(bench->hal, 1));
	bench_poll(bench);
	WEIR_REQUIRE_EQ(bench->firmware->completion_count, 64);
	for (uint32_t i = 0; i < 64; i++) {
		const struct hal_completion *completion = &bench->firmware->completions[i];

		WEIR_EXPECT_EQ(completion->result, completion->tag % 2 ? HAL_RESET : HAL_DONE);
		resets += completion->result == HAL_RESET;
	}
	WEIR_EXPECT_EQ(resets, 32);
	for (uint32_t i = 0; i < 64; i++)
		WEIR_EXPECT_EQ(bench->memory[(i % 2) * 32768 + i * 64], i % 2 ? 0 : 0x77);
	bench_end(bench);
}

/* What was translated before the unmap may still happen, but not after `done`. */
static void unmapping_waits_for_what_is_in_flight(void)
{
	struct bench *bench = ready_bench();
	static uint8_t data[40][64];
	uint32_t late = 0, faults = 0, done = 0;

	memset(data, 0x55, sizeof(data));
	for (uint32_t i = 0; i < 40; i++) {
		while (hal_dma_write(bench->hal, pf, i * 64, data[i], 64, i) == HAL_BUSY)
			;
	}
	WEIR_EXPECT_EQ(weirsim_dma_unmap(bench->sim, 0, 0, 32768, bench_done, bench), 1);
	WEIR_EXPECT_EQ(bench->done_count, 0);
	for (int i = 0; i < 100 && !bench->done_count; i++)
		weirsim_poll(bench->sim);
	WEIR_EXPECT_EQ(bench->done_count, 1);
	for (uint32_t i = 0; i < 40; i++)
		late += bench->memory[i * 64] == 0x55;
	memset(bench->memory, 0, 32768);
	bench_poll(bench);
	for (uint32_t i = 0; i < 40; i++) {
		WEIR_EXPECT_EQ(bench->memory[i * 64], 0);
		done += bench->firmware->completions[i].result == HAL_DONE;
		faults += bench->firmware->completions[i].result == HAL_FAULT;
	}
	/* Some had their translation, some had not. */
	WEIR_EXPECT_EQ(late, done);
	WEIR_EXPECT(late > 5 && faults > 5 && done + faults == 40);
	bench_end(bench);
}

/* ---- firmware that breaks the rules ---- */

/* True when `wrong` was stopped by abort(), with the message. */
static bool is_stopped(void (*wrong)(struct bench *bench), const char *message)
{
	char text[512] = "";
	int status = 0, pipes[2];
	ssize_t bytes;
	pid_t child;

	WEIR_REQUIRE(!pipe(pipes));
	child = fork();
	if (!child) {
		dup2(pipes[1], 2);
		wrong(ready_bench());
		_exit(0);
	}
	close(pipes[1]);
	bytes = read(pipes[0], text, sizeof(text) - 1);
	close(pipes[0]);
	waitpid(child, &status, 0);
	return bytes > 0 && strstr(text, message) && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

static void writes_destination_early(struct bench *bench)
{
	uint32_t word[4];

	while (hal_dma_read(bench->hal, pf, 0, word, 16, 1) == HAL_BUSY)
		;
	word[2] = 5;
	bench_poll(bench);
}

static void reuses_source_early(struct bench *bench)
{
	uint32_t word[4] = { 1, 2, 3, 4 };

	while (hal_dma_write(bench->hal, pf, 0, word, 16, 1) == HAL_BUSY)
		;
	word[3] = 5;
	bench_poll(bench);
}

static void reuses_segments_early(struct bench *bench)
{
	struct hal_segment segment = { .address = 0, .bytes = 100 };
	uint8_t header[14] = { 0 };

	weirsim_wire_open(bench->sim, 0, "loopback");
	while (hal_transmit(bench->hal, 0, header, 14, &segment, 1, NULL, NULL, 1) == HAL_BUSY)
		;
	segment.bytes = 50;
	bench_poll(bench);
}

static void releases_a_frame_twice(struct bench *bench)
{
	struct hal_frame frame;

	weirsim_wire_open(bench->sim, 0, "loopback");
	weirsim_wire_receive(bench->sim, 0, bench->memory, 64);
	while (!hal_receive(bench->hal, 0, &frame, 1))
		;
	hal_receive_release(bench->hal, 0, &frame, 1);
	hal_receive_release(bench->hal, 0, &frame, 1);
}

static void releases_a_frame_that_is_being_written(struct bench *bench)
{
	struct hal_frame frame;

	weirsim_wire_open(bench->sim, 0, "loopback");
	weirsim_wire_receive(bench->sim, 0, bench->memory, 64);
	while (!hal_receive(bench->hal, 0, &frame, 1))
		;
	while (hal_dma_write(bench->hal, pf, 0, frame.data, 64, 1) == HAL_BUSY)
		;
	hal_receive_release(bench->hal, 0, &frame, 1);
	bench_poll(bench);
}

static void obeys(struct bench *bench)
{
	uint32_t word = 0;

	bench_dma_read(bench, 0, 0, &word, 4);
	word++;
}

static void firmware_that_does_not_wait_is_stopped(void)
{
	WEIR_EXPECT(
		is_stopped(writes_destination_early, "the destination of a pending hal_dma_read"));
	WEIR_EXPECT(is_stopped(reuses_source_early, "the source of a pending hal_dma_write"));
	WEIR_EXPECT(is_stopped(reuses_segments_early, "segments of a pending hal_transmit"));
	WEIR_EXPECT(is_stopped(releases_a_frame_twice, "released frame"));
	WEIR_EXPECT(is_stopped(releases_a_frame_that_is_being_written,
			       "the source of a pending hal_dma_write"));
	WEIR_EXPECT(!is_stopped(obeys, "hwsim-deferred"));
}

const struct weir_test native_tests[] = {
	{ "sim.native.nothing_is_ever_pending", nothing_is_ever_pending },
};
const size_t native_tests_count = WEIR_TESTS(native_tests);

#define TEST(name)                          \
	{                                   \
		"sim.deferred." #name, name \
	}
const struct weir_test deferred_tests[] = {
	TEST(every_call_is_pending_or_busy_and_ends_once),
	TEST(a_seed_repeats),
	TEST(frames_of_a_port_leave_in_the_order_of_the_calls),
	TEST(a_reset_ends_what_is_in_flight_and_touches_nothing),
	TEST(unmapping_waits_for_what_is_in_flight),
	TEST(firmware_that_does_not_wait_is_stopped),
};
const size_t deferred_tests_count = WEIR_TESTS(deferred_tests);
