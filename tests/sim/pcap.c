/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture files as the wire. Files are written here by hand, so that not only libpcap agrees with libpcap. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_MICROSECONDS 0xa1b2c3d4u
#define MAGIC_NANOSECONDS  0xa1b23c4du

static char folder[64], in_path[96], out_path[96], description[256];
static uint8_t frame[70000];

struct record {
	uint32_t seconds, fraction, kept, length;
};

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/weir-sim-pcap-XXXXXX");
	WEIR_REQUIRE(mkdtemp(folder) != NULL);
	snprintf(in_path, sizeof(in_path), "%s/in.pcap", folder);
	snprintf(out_path, sizeof(out_path), "%s/out.pcap", folder);
}

static void remove_folder(void)
{
	unlink(in_path);
	unlink(out_path);
	rmdir(folder);
}

/* A file of `count` records, record i filled with bench_fill(…, i). */
static void write_file(uint32_t magic, uint32_t link_type, const struct record *records,
		       uint32_t count)
{
	uint32_t header[6] = { magic, 0x00040002, 0, 0, 262144, link_type };
	FILE *file = fopen(in_path, "wb");

	WEIR_REQUIRE(file != NULL);
	fwrite(header, sizeof(header), 1, file);
	for (uint32_t i = 0; i < count; i++) {
		fwrite(&records[i], sizeof(records[i]), 1, file);
		bench_fill(frame, records[i].kept, (uint8_t)i);
		fwrite(frame, records[i].kept, 1, file);
	}
	fclose(file);
}

/* Which files the wire has, and its options behind them. */
enum files { IN = 1, OUT = 2 };

static int open_wire(struct bench *bench, unsigned int files, const char *options)
{
	snprintf(description, sizeof(description), "pcap:%s%s%s%s%s",
		 files & IN ? "in=" : "out=", files & IN ? in_path : out_path,
		 files == (IN | OUT) ? ",out=" : "", files == (IN | OUT) ? out_path : "", options);
	return weirsim_wire_open(bench->sim, 0, description);
}

/* The next frame that came is number n of the file. */
static void expect_frame(struct bench *bench, uint32_t n, uint32_t bytes)
{
	static uint8_t expected[70000];

	bench_fill(expected, bytes, (uint8_t)n);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, frame), bytes);
	WEIR_EXPECT_MEM(frame, expected, bytes);
}

static void a_file_is_replayed_at_full_speed(void)
{
	struct record records[300];
	struct bench *bench = bench_new();

	make_folder();
	for (uint32_t i = 0; i < 300; i++)
		records[i] = (struct record){ 1000 + i * 3600, 5, 14 + i * 5, 14 + i * 5 };
	write_file(MAGIC_MICROSECONDS, 1, records, 300);
	WEIR_EXPECT_EQ(open_wire(bench, IN, ",rate=full"), 0);
	for (uint32_t i = 0; i < 300; i++)
		expect_frame(bench, i, 14 + i * 5);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, frame), 0);
	WEIR_EXPECT_EQ(weirsim_now_ns(bench->sim), 0);
	remove_folder();
	bench_end(bench);
}

/* More than the port has room for: the file waits, nothing is dropped. */
static void a_replay_waits_for_room(void)
{
	static struct record records[5000];
	struct bench *bench = bench_new();
	struct weirsim_wire_stats stats;

	make_folder();
	for (uint32_t i = 0; i < 5000; i++)
		records[i] = (struct record){ 0, 0, 64, 64 };
	write_file(MAGIC_NANOSECONDS, 1, records, 5000);
	WEIR_EXPECT_EQ(open_wire(bench, IN, ",rate=full"), 0);
	for (int i = 0; i < 200; i++)
		weirsim_poll(bench->sim);
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT_EQ(stats.frames_received, 2048);
	for (uint32_t i = 0; i < 5000; i++)
		expect_frame(bench, i, 64);
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT_EQ(stats.dropped_no_room, 0);
	remove_folder();
	bench_end(bench);
}

static void recorded_times_are_kept(void)
{
	/* 0, 1.5 ms, then one whose time goes back, then 2 s */
	static const struct record records[] = {
		{ 100, 0, 60, 60 }, { 100, 1500000, 60, 60 }, { 99, 0, 60, 60 }, { 102, 1, 60, 60 }
	};
	struct bench *bench = bench_new();
	uint64_t until_ns;

	make_folder();
	write_file(MAGIC_NANOSECONDS, 1, records, 4);
	weirsim_advance_ns(bench->sim, 777);
	WEIR_EXPECT_EQ(open_wire(bench, IN, ""), 0);
	bench_poll(bench);
	expect_frame(bench, 0, 60);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, frame), 0);
	bench_poll(bench);
	WEIR_EXPECT(weirsim_may_sleep(bench->sim, &until_ns));
	WEIR_EXPECT_EQ(until_ns, 777 + 1500000);
	weirsim_advance_ns(bench->sim, 1499999);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, frame), 0);
	weirsim_advance_ns(bench->sim, 1);
	expect_frame(bench, 1, 60);
	expect_frame(bench, 2, 60);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, frame), 0);
	WEIR_EXPECT(weirsim_may_sleep(bench->sim, &until_ns));
	WEIR_EXPECT_EQ(until_ns, 777 + 2000000001);
	weirsim_advance_ns(bench->sim, 2000000000);
	expect_frame(bench, 3, 60);
	bench_poll(bench);
	WEIR_EXPECT(weirsim_may_sleep(bench->sim, &until_ns));
	WEIR_EXPECT_EQ(until_ns, UINT64_MAX);
	remove_folder();
	bench_end(bench);
}

static void a_replay_can_begin_again(void)
{
	static const struct record records[] = { { 0, 0, 60, 60 }, { 0, 1000, 61, 61 } };
	struct bench *bench = bench_new();

	make_folder();
	write_file(MAGIC_NANOSECONDS, 1, records, 2);
	WEIR_EXPECT_EQ(open_wire(bench, IN, ",loop,rate=recorded"), 0);
	for (int round = 0; round < 5; round++) {
		expect_frame(bench, 0, 60);
		WEIR_EXPECT_EQ(bench_receive(bench, 0, frame), 0);
		weirsim_advance_ns(bench->sim, 1000);
		expect_frame(bench, 1, 61);
	}
	remove_folder();
	bench_end(bench);
}

/* What leaves is recorded: file by hand, nanoseconds of the card's time. */
static void what_leaves_is_recorded(void)
{
	struct bench *bench = bench_new();
	uint32_t header[6];
	struct record record;
	FILE *file;

	make_folder();
	WEIR_EXPECT_EQ(open_wire(bench, OUT, ""), 0);
	for (uint32_t i = 0; i < 20; i++) {
		uint8_t copy[2000];

		bench_fill(copy, 20 + i * 90, (uint8_t)i);
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, copy, 20 + i * 90, NULL, 0), HAL_DONE);
		bench_poll(bench);
		weirsim_advance_ns(bench->sim, 1000000007);
	}
	bench_poll(bench);
	/* The file is complete while the wire is still open: somebody may follow it. */
	file = fopen(out_path, "rb");
	WEIR_REQUIRE(file != NULL);
	WEIR_EXPECT_EQ(fread(header, sizeof(header), 1, file), 1);
	WEIR_EXPECT_EQ(header[0], MAGIC_NANOSECONDS);
	WEIR_EXPECT_EQ(header[5], 1);
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t bytes = 20 + i * 90;
		uint8_t expected[2000];

		WEIR_REQUIRE(fread(&record, sizeof(record), 1, file) == 1);
		WEIR_EXPECT_EQ(record.seconds, i);
		WEIR_EXPECT_EQ(record.fraction, i * 7);
		WEIR_EXPECT_EQ(record.length, bytes < 60 ? 60 : bytes);
		WEIR_EXPECT_EQ(record.kept, record.length);
		WEIR_REQUIRE(fread(frame, record.kept, 1, file) == 1);
		bench_fill(expected, bytes, (uint8_t)i);
		WEIR_EXPECT_MEM(frame, expected, bytes);
	}
	WEIR_EXPECT_EQ(fgetc(file), EOF);
	fclose(file);
	remove_folder();
	bench_end(bench);
}

/* In one port, out of the other: the same frames. */
static void in_and_out_agree(void)
{
	struct record records[64];
	struct bench *bench = bench_new();
	static uint8_t a[200000], b[200000];
	FILE *file;
	size_t bytes;

	make_folder();
	for (uint32_t i = 0; i < 64; i++)
		records[i] = (struct record){ i / 8, i * 1000, 60 + i * 20, 60 + i * 20 };
	write_file(MAGIC_NANOSECONDS, 1, records, 64);
	WEIR_EXPECT_EQ(open_wire(bench, IN | OUT, ""), 0);
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t got;

		weirsim_advance_ns(bench->sim, i ? (records[i].seconds - records[i - 1].seconds) *
								       1000000000ull +
							       1000
						 : 0);
		got = bench_receive(bench, 0, frame);
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, frame, got, NULL, 0), HAL_DONE);
		bench_poll(bench);
	}
	weirsim_wire_open(bench->sim, 0, "none");
	file = fopen(in_path, "rb");
	bytes = fread(a, 1, sizeof(a), file);
	fclose(file);
	file = fopen(out_path, "rb");
	WEIR_EXPECT_EQ(fread(b, 1, sizeof(b), file), bytes);
	fclose(file);
	/* Behind the file header (which holds a snap length of its own) they are the same, times and all. */
	WEIR_EXPECT_MEM(b + 24, a + 24, bytes - 24);
	remove_folder();
	bench_end(bench);
}

static void records_that_are_no_frames_are_left_out(void)
{
	static const struct record records[] = { { 0, 0, 13, 13 },
						 { 0, 0, 60, 1500 },
						 { 0, 0, 66000, 66000 },
						 { 0, 0, 60, 60 },
						 { 0, 0, 0, 0 } };
	struct bench *bench = bench_new();
	uint32_t errors;

	make_folder();
	write_file(MAGIC_NANOSECONDS, 1, records, 5);
	errors = bench->log_errors;
	WEIR_EXPECT_EQ(open_wire(bench, IN, ",loop,rate=full"), 0);
	for (int i = 0; i < 10; i++)
		expect_frame(bench, 3, 60);
	WEIR_EXPECT_EQ(bench->log_errors, errors + 1);
	/* None at all: the file is not read for ever. */
	write_file(MAGIC_NANOSECONDS, 1, records, 3);
	WEIR_EXPECT_EQ(open_wire(bench, IN, ",loop,rate=full"), 0);
	while (bench_receive(bench, 0, frame))
		;
	bench_poll(bench);
	WEIR_EXPECT_EQ(weirsim_poll(bench->sim), 0);
	remove_folder();
	bench_end(bench);
}

static void other_link_types_are_refused(void)
{
	static const struct record records[] = { { 0, 0, 60, 60 } };
	struct bench *bench = bench_new();

	make_folder();
	write_file(MAGIC_NANOSECONDS, 101, records, 1); /* raw IP */
	WEIR_EXPECT_EQ(open_wire(bench, IN, ""), -EINVAL);
	WEIR_EXPECT(strstr(bench->log, "Ethernet") != NULL);
	write_file(0x12345678, 1, records, 1);
	WEIR_EXPECT_EQ(open_wire(bench, IN, ""), -EINVAL);
	remove_folder();
	bench_end(bench);
}

/* Every byte of a good file damaged in turn, and every length cut off: frames or a log line, nothing worse. */
static void damaged_files_do_no_harm(void)
{
	static const struct record records[] = { { 1, 2, 60, 60 }, { 1, 3, 70, 70 } };
	static uint8_t good[400];
	struct bench *bench = bench_new();
	size_t bytes;
	FILE *file;

	make_folder();
	write_file(MAGIC_NANOSECONDS, 1, records, 2);
	file = fopen(in_path, "rb");
	bytes = fread(good, 1, sizeof(good), file);
	fclose(file);
	for (size_t i = 0; i < 2 * bytes; i++) {
		uint32_t frames = 0;

		file = fopen(in_path, "wb");
		if (i < bytes) {
			good[i] ^= 0xff;
			fwrite(good, bytes, 1, file);
			good[i] ^= 0xff;
		} else {
			fwrite(good, i - bytes, 1, file);
		}
		fclose(file);
		if (open_wire(bench, IN, ",rate=full"))
			continue;
		while (bench_receive(bench, 0, frame))
			frames++;
		WEIR_EXPECT(frames <= 3);
	}
	remove_folder();
	bench_end(bench);
}

/* A copy that was broken off: what is whole of it arrives, and an error says that there was more. */
static void a_cut_file_is_an_error(void)
{
	static const struct record records[] = { { 1, 2, 60, 60 }, { 1, 3, 70, 70 } };
	/* Where header and records end. */
	static const size_t whole[] = { 24, 24 + 16 + 60, 24 + 16 + 60 + 16 + 70 };
	static uint8_t good[400];
	struct bench *bench = bench_new();
	FILE *file;

	make_folder();
	write_file(MAGIC_NANOSECONDS, 1, records, 2);
	file = fopen(in_path, "rb");
	WEIR_REQUIRE_EQ(fread(good, 1, sizeof(good), file), whole[2]);
	fclose(file);
	for (size_t bytes = 0; bytes <= whole[2]; bytes++) {
		uint32_t errors = bench->log_errors, frames = 0;
		bool ends_well = bytes == whole[0] || bytes == whole[1] || bytes == whole[2];

		file = fopen(in_path, "wb");
		fwrite(good, bytes, 1, file);
		fclose(file);
		int error = open_wire(bench, IN, ",rate=full");

		WEIR_EXPECT_EQ(error, bytes < whole[0] ? -EINVAL : 0);
		while (!error && bench_receive(bench, 0, frame))
			frames++;
		WEIR_EXPECT_EQ(frames, (bytes >= whole[1]) + (bytes >= whole[2]));
		WEIR_EXPECT_EQ(bench->log_errors - errors, !ends_well);
	}
	remove_folder();
	bench_end(bench);
}

static void a_full_disk_is_reported_once(void)
{
	struct bench *bench = bench_new();
	struct weirsim_wire_stats stats;
	uint32_t errors;

	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "pcap:out=/dev/full"), 0);
	errors = bench->log_errors;
	uint32_t refused = 0;

	for (int i = 0; i < 1000; i++)
		refused += bench_transmit(bench, 0, frame, 1000, NULL, 0) == HAL_DROPPED;
	bench_poll(bench);
	WEIR_EXPECT_EQ(bench->log_errors, errors + 1);
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT(refused > 0);
	WEIR_EXPECT_EQ(stats.dropped_wire, refused);
	bench_end(bench);
}

#define TEST(name)                      \
	{                               \
		"sim.pcap." #name, name \
	}
const struct weir_test pcap_tests[] = {
	TEST(a_file_is_replayed_at_full_speed),
	TEST(a_replay_waits_for_room),
	TEST(recorded_times_are_kept),
	TEST(a_replay_can_begin_again),
	TEST(what_leaves_is_recorded),
	TEST(in_and_out_agree),
	TEST(records_that_are_no_frames_are_left_out),
	TEST(other_link_types_are_refused),
	TEST(damaged_files_do_no_harm),
	TEST(a_cut_file_is_an_error),
	TEST(a_full_disk_is_reported_once),
};
const size_t pcap_tests_count = WEIR_TESTS(pcap_tests);
