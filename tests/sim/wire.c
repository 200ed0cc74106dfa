/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: loopback, cables, wires of the caller's own, link state, bounds. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t sent[70000], got[70000];

static void map_memory(struct bench *bench)
{
	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(
		weirsim_dma_map(bench->sim, 0, 0x100000, bench->memory, BENCH_MEMORY_BYTES, 1), 0);
}

/* Sends `bytes` of bench->memory, of which the first `header` from device memory. */
static enum hal_result send_bytes(struct bench *bench, uint8_t port, uint32_t header, uint32_t bytes)
{
	struct hal_segment segments[3];
	uint32_t part = (bytes - header) / 3;

	for (uint32_t i = 0; i < 3; i++)
		segments[i] = (struct hal_segment){
			.address = 0x100000 + header + i * part,
			.bytes = i < 2 ? part : bytes - header - 2 * part,
		};
	memcpy(sent, bench->memory, bytes);
	return bench_transmit(bench, port, sent, header, segments, bytes == header ? 0 : 3);
}

static void loopback_gives_back_what_was_sent(void)
{
	struct bench *bench = bench_new();
	static const uint32_t sizes[] = { 14,  15,   59,   60,	 61,   64,   65,
					  128, 1514, 2112, 2113, 9018, 9216, 65535 };

	map_memory(bench);
	bench_fill(bench->memory, BENCH_MEMORY_BYTES, 3);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 1, "loopback"), 0);
	for (size_t i = 0; i < WEIR_TESTS(sizes); i++) {
		for (uint32_t header = 0; header <= sizes[i]; header += header < 14 ? 7 : 50) {
			uint32_t bytes;

			if (header > 128 && header != sizes[i])
				header = sizes[i];
			memset(got, 0xff, sizeof(got));
			WEIR_EXPECT_EQ(send_bytes(bench, 1, header, sizes[i]), HAL_DONE);
			bytes = bench_receive(bench, 1, got);
			/* Padded with zeros to the smallest frame of a wire */
			WEIR_EXPECT_EQ(bytes, sizes[i] < 60 ? 60 : sizes[i]);
			WEIR_EXPECT_MEM(got, bench->memory, sizes[i]);
			for (uint32_t n = sizes[i]; n < bytes; n++)
				WEIR_EXPECT_EQ(got[n], 0);
		}
	}
	WEIR_EXPECT_EQ(bench_receive(bench, 0, got), 0);
	bench_end(bench);
}

static void frames_stay_in_order(void)
{
	struct bench *bench = bench_new();
	uint32_t received = 0;

	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		memcpy(sent, &i, 4);
		/* Small and large ones take different paths. */
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, i % 3 ? 64 : 4000, NULL, 0), HAL_DONE);
		if (i % 50 != 49)
			continue;
		for (uint32_t n = 0; n < 50; n++, received++) {
			WEIR_EXPECT_EQ(bench_receive(bench, 0, got), received % 3 ? 64 : 4000);
			WEIR_EXPECT_MEM(got, &received, 4);
		}
	}
	bench_end(bench);
}

static void a_full_port_drops_and_counts(void)
{
	struct bench *bench = bench_new();
	static struct hal_frame frames[4096];
	struct weirsim_wire_stats stats;
	uint32_t count = 0, before;

	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	for (uint32_t i = 0; i < 4000; i++)
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, 64, NULL, 0), HAL_DONE);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 64), -ENOBUFS);
	WEIR_EXPECT_EQ(weirsim_wire_stats(bench->sim, 0, &stats), 0);
	WEIR_EXPECT_EQ(stats.frames_sent, 4000);
	WEIR_EXPECT_EQ(stats.frames_received, 2048);
	WEIR_EXPECT_EQ(stats.dropped_no_room, 4001 - 2048);
	/* Lent frames keep their room until they are given back, in whatever order. */
	for (int i = 0; i < 100000 && count < 2048; i++)
		count += hal_receive(bench->hal, 0, frames + count, 64);
	WEIR_EXPECT_EQ(count, 2048);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 64), -ENOBUFS);
	for (uint32_t i = 1; i < 2048; i += 2)
		hal_receive_release(bench->hal, 0, &frames[i], 1);
	for (uint32_t i = 0; i < 1024; i++)
		WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 64), 0);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 64), -ENOBUFS);
	for (uint32_t i = 0; i < 2048; i += 2)
		hal_receive_release(bench->hal, 0, &frames[i], 1);
	/* Large frames have room of their own. */
	for (before = 0; !weirsim_wire_receive(bench->sim, 0, sent, 65535); before++)
		;
	WEIR_EXPECT_EQ(before, 256);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 64), 0);
	/* The other port has its own. */
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 1, "loopback"), 0);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 1, sent, 9000), 0);
	bench_end(bench);
}

static void frames_of_impossible_length_are_counted(void)
{
	struct bench *bench = bench_new();
	struct weirsim_wire_stats stats;

	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 64), -ENETDOWN);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 13), -EMSGSIZE);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 65536), -EMSGSIZE);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 14), 0);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 0, sent, 65535), 0);
	WEIR_EXPECT_EQ(weirsim_wire_receive(bench->sim, 2, sent, 64), -EINVAL);
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT_EQ(stats.dropped_bad_length, 2);
	WEIR_EXPECT_EQ(stats.frames_received, 2);
	WEIR_EXPECT_EQ(weirsim_wire_stats(bench->sim, 2, &stats), -EINVAL);
	bench_end(bench);
}

/* ---- wires of the caller's own ---- */

struct own {
	uint32_t frames, closed;
	size_t bytes;
	int result;
};

static int own_transmit(void *opaque, const struct iovec *iov, int count)
{
	struct own *own = opaque;

	if (own->result)
		return own->result;
	own->frames++;
	own->bytes = 0;
	for (int i = 0; i < count; i++) {
		memcpy(got + own->bytes, iov[i].iov_base, iov[i].iov_len);
		own->bytes += iov[i].iov_len;
	}
	return 0;
}

static void own_close(void *opaque)
{
	struct own *own = opaque;

	own->closed++;
}

static void a_caller_can_be_the_wire(void)
{
	static const struct weirsim_wire_ops ops = { .transmit = own_transmit, .close = own_close };
	struct bench *bench = bench_new();
	struct own own = { 0 };
	struct weirsim_wire_stats stats;

	map_memory(bench);
	bench_fill(bench->memory, 2000, 7);
	WEIR_EXPECT_EQ(send_bytes(bench, 0, 14, 100), HAL_LINK_DOWN); /* no wire, no link */
	WEIR_EXPECT_EQ(weirsim_wire_attach(bench->sim, 0, &ops, &own), 0);
	WEIR_EXPECT_EQ(weirsim_wire_attach(bench->sim, 9, &ops, &own), -EINVAL);
	WEIR_EXPECT_EQ(send_bytes(bench, 0, 14, 1000), HAL_DONE);
	WEIR_EXPECT_EQ(own.frames, 1);
	WEIR_EXPECT_EQ(own.bytes, 1000);
	WEIR_EXPECT_MEM(got, bench->memory, 1000);
	WEIR_EXPECT_EQ(send_bytes(bench, 0, 14, 14), HAL_DONE);
	WEIR_EXPECT_EQ(own.bytes, 60);
	own.result = -EAGAIN;
	WEIR_EXPECT_EQ(send_bytes(bench, 0, 14, 100), HAL_DROPPED);
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT_EQ(stats.frames_sent, 2);
	WEIR_EXPECT_EQ(stats.dropped_wire, 1);
	WEIR_EXPECT_EQ(weirsim_wire_fd(bench->sim, 0), -1);
	/* Another wire closes it, so does the end of the card. */
	WEIR_EXPECT_EQ(weirsim_wire_attach(bench->sim, 0, &ops, &own), 0);
	WEIR_EXPECT_EQ(own.closed, 1);
	WEIR_EXPECT_EQ(weirsim_wire_attach(bench->sim, 0, NULL, NULL), 0);
	WEIR_EXPECT_EQ(own.closed, 2);
	WEIR_EXPECT_EQ(weirsim_wire_attach(bench->sim, 0, &ops, &own), 0);
	bench_end(bench);
	WEIR_EXPECT_EQ(own.closed, 3);
}

/* A switch that gives a frame back at once, from within transmit */
static int echo_transmit(void *opaque, const struct iovec *iov, int count)
{
	struct bench *bench = opaque;
	size_t bytes = 0;

	for (int i = 0; i < count; i++) {
		memcpy(got + bytes, iov[i].iov_base, iov[i].iov_len);
		bytes += iov[i].iov_len;
	}
	return weirsim_wire_receive(bench->sim, 0, got, bytes);
}

static void a_wire_may_answer_from_within_transmit(void)
{
	static const struct weirsim_wire_ops ops = { .transmit = echo_transmit };
	struct bench *bench = bench_new();

	map_memory(bench);
	bench_fill(bench->memory, 5000, 7);
	WEIR_EXPECT_EQ(weirsim_wire_attach(bench->sim, 0, &ops, bench), 0);
	for (uint32_t bytes = 100; bytes < 5000; bytes += 700) {
		WEIR_EXPECT_EQ(send_bytes(bench, 0, 14, bytes), HAL_DONE);
		WEIR_EXPECT_EQ(bench_receive(bench, 0, got), bytes);
		WEIR_EXPECT_MEM(got, bench->memory, bytes);
	}
	bench_end(bench);
}

static void faults_of_segments_stop_a_frame(void)
{
	static const struct weirsim_wire_ops ops = { .transmit = own_transmit };
	struct hal_segment segments[2] = { { .address = 0x100000, .bytes = 100 },
					   { .address = 0x200000, .bytes = 100 } };
	struct bench *bench = bench_new();
	struct own own = { 0 };

	map_memory(bench);
	for (int round = 0; round < 2; round++) {
		if (round)
			WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
		else
			WEIR_EXPECT_EQ(weirsim_wire_attach(bench->sim, 0, &ops, &own), 0);
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, 14, segments, 2), HAL_FAULT);
		segments[1].requester.function = 3; /* not there */
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, 14, segments, 2), HAL_RESET);
		segments[1].requester.function = 0;
		WEIR_EXPECT_EQ(own.frames, round);
		WEIR_EXPECT_EQ(bench_receive(bench, 0, got), 0);
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, 14, segments, 1), HAL_DONE);
	}
	WEIR_EXPECT_EQ(own.frames, 1);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, got), 114);
	bench_end(bench);
}

/* A frame in pieces of two mappings, or more pieces than a call of a wire takes */
static void segments_may_be_anything(void)
{
	struct hal_segment segments[64];
	struct bench *bench = bench_new();

	bench_enable_pf(bench);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0x1000, bench->memory, 0x1000, 1), 0);
	WEIR_EXPECT_EQ(weirsim_dma_map(bench->sim, 0, 0x2000, bench->memory + 0x1000, 0x1000, 1), 0);
	bench_fill(bench->memory, 0x2000, 1);
	segments[0] = (struct hal_segment){ .address = 0x1800, .bytes = 0x1000 };
	WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, 0, segments, 1), HAL_DONE);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, got), 0x1000);
	WEIR_EXPECT_MEM(got, bench->memory + 0x800, 0x1000);
	for (uint32_t i = 0; i < 64; i++)
		segments[i] = (struct hal_segment){ .address = 0x1000 + i, .bytes = 1 };
	WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, 0, segments, 64), HAL_DONE);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, got), 64);
	WEIR_EXPECT_MEM(got, bench->memory, 64);
	/* What no frame can hold is dropped and counted. */
	for (uint32_t i = 0; i < 64; i++)
		segments[i] = (struct hal_segment){ .address = 0x1000, .bytes = 0x1000 };
	WEIR_EXPECT_EQ(bench_transmit(bench, 0, sent, 0, segments, 64), HAL_DROPPED);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, got), 0);
	bench_end(bench);
}

static void a_cable_joins_two_cards(void)
{
	struct bench *a = bench_new(), *b = bench_new();
	struct hal_link link;
	uint32_t bytes;

	map_memory(a);
	bench_fill(a->memory, 9000, 5);
	WEIR_EXPECT_EQ(weirsim_wire_cable(a->sim, 0, b->sim, 1), 0);
	WEIR_EXPECT_EQ(weirsim_wire_cable(a->sim, 0, b->sim, 2), -EINVAL);
	hal_link_get(b->hal, 1, &link);
	WEIR_EXPECT(link.up && link.speed_mbps > 0);
	for (uint32_t size = 60; size < 9000; size += 1111) {
		WEIR_EXPECT_EQ(send_bytes(a, 0, 20, size), HAL_DONE);
		bytes = bench_receive(b, 1, got);
		WEIR_EXPECT_EQ(bytes, size);
		WEIR_EXPECT_MEM(got, a->memory, size);
	}
	WEIR_EXPECT_EQ(bench_transmit(b, 1, sent, 100, NULL, 0), HAL_DONE);
	WEIR_EXPECT_EQ(bench_receive(a, 0, got), 100);
	WEIR_EXPECT_EQ(bench_receive(b, 1, got), 0);
	/* Either end takes the link down for both. */
	hal_link_set(b->hal, 1, false);
	hal_link_get(a->hal, 0, &link);
	WEIR_EXPECT(!link.up && link.speed_mbps == 0);
	WEIR_EXPECT_EQ(send_bytes(a, 0, 20, 100), HAL_LINK_DOWN);
	hal_link_set(b->hal, 1, true);
	weirsim_wire_link(a->sim, 0, false);
	hal_link_get(b->hal, 1, &link);
	WEIR_EXPECT(!link.up);
	weirsim_wire_link(a->sim, 0, true);
	hal_link_get(b->hal, 1, &link);
	WEIR_EXPECT(link.up);
	/* A card that goes takes its end along. */
	fake_forget(b->firmware);
	bench_end(a);
	hal_link_get(b->hal, 1, &link);
	WEIR_EXPECT(!link.up);
	bench_poll(b);
	WEIR_EXPECT_EQ(bench_transmit(b, 1, sent, 100, NULL, 0), HAL_LINK_DOWN);
	bench_end(b);
}

static void link_changes_are_told(void)
{
	struct bench *bench = bench_new();
	struct hal_link link;
	const struct hal_event *event;

	hal_link_get(bench->hal, 1, &link);
	WEIR_EXPECT(!link.up);
	fake_forget(bench->firmware);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 1, "loopback"), 0);
	bench_poll(bench);
	event = fake_event(bench->firmware, HAL_EVENT_LINK, 0, 0);
	WEIR_EXPECT(event && event->offset == 1 && event->value == 1);
	fake_forget(bench->firmware);
	/* Port 0 as well: they are told apart. Twice the same is no change. */
	weirsim_wire_link(bench->sim, 1, false);
	weirsim_wire_link(bench->sim, 1, false);
	weirsim_wire_link(bench->sim, 7, false);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	bench_poll(bench);
	WEIR_EXPECT_EQ(fake_count(bench->firmware, HAL_EVENT_LINK, 0), 2);
	WEIR_EXPECT_EQ(fake_event(bench->firmware, HAL_EVENT_LINK, 0, 0)->offset, 0);
	WEIR_EXPECT_EQ(fake_event(bench->firmware, HAL_EVENT_LINK, 0, 1)->offset, 1);
	WEIR_EXPECT_EQ(fake_event(bench->firmware, HAL_EVENT_LINK, 0, 1)->value, 0);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "none"), 0);
	hal_link_get(bench->hal, 0, &link);
	WEIR_EXPECT(!link.up);
	bench_end(bench);
}

static void bad_descriptions_are_refused_with_a_reason(void)
{
	static const char *const bad[] = {
		"",
		"loop",
		"loopback:x",
		"none:",
		"tap",
		"tap:",
		"tap:a/b",
		"tap:a-name-that-is-too-long",
		"pcap:",
		"pcap:in=",
		"pcap:in",
		"pcap:in=/nonexistent/file",
		"pcap:out=/nonexistent/file",
		"pcap:in=/dev/null",
		"pcap:in=/tmp",
		"pcap:rate=fast",
		"pcap:loop",
		"pcap:in=/etc/passwd",
		"stream:",
		"stream:tcp:1",
		"stream:unix:",
		"stream:listen:",
		"stream:listen:unix:/nonexistent/s",
		"dgram:",
		"dgram:unix:/tmp/x",
		"dgram:unix:,",
		"dgram:unix:/tmp/x,",
		"dgram:unix:/nonexistent/a,/tmp/b",
		"stream:unix:/tmp/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345",
	};
	struct bench *bench = bench_new();
	struct hal_link link;

	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "loopback"), 0);
	for (size_t i = 0; i < WEIR_TESTS(bad); i++) {
		uint32_t errors = bench->log_errors;

		WEIR_EXPECT(weirsim_wire_open(bench->sim, 0, bad[i]) < 0);
		WEIR_EXPECT_EQ(bench->log_errors, errors + 1);
	}
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 2, "loopback"), -EINVAL);
	/* What was there before stays. */
	hal_link_get(bench->hal, 0, &link);
	WEIR_EXPECT(link.up);
	bench_end(bench);
}

#define TEST(name)                      \
	{                               \
		"sim.wire." #name, name \
	}
const struct weir_test wire_tests[] = {
	TEST(loopback_gives_back_what_was_sent),
	TEST(frames_stay_in_order),
	TEST(a_full_port_drops_and_counts),
	TEST(frames_of_impossible_length_are_counted),
	TEST(a_caller_can_be_the_wire),
	TEST(a_wire_may_answer_from_within_transmit),
	TEST(faults_of_segments_stop_a_frame),
	TEST(segments_may_be_anything),
	TEST(a_cable_joins_two_cards),
	TEST(link_changes_are_told),
	TEST(bad_descriptions_are_refused_with_a_reason),
};
const size_t wire_tests_count = WEIR_TESTS(wire_tests);
