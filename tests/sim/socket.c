/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets and taps as wires, with the test on the other side. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64], path[96], other_path[96], description[256];
static uint8_t frame[70000], got[70000];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/weir-sim-socket-XXXXXX");
	WEIR_REQUIRE(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/a", folder);
	snprintf(other_path, sizeof(other_path), "%s/b", folder);
}

static void remove_folder(void)
{
	unlink(path);
	unlink(other_path);
	WEIR_EXPECT_EQ(rmdir(folder), 0);
}

static struct sockaddr_un address_of(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	return address;
}

static int connect_to(const char *name, int type)
{
	struct sockaddr_un address = address_of(name);
	int fd = socket(AF_UNIX, type, 0);

	WEIR_REQUIRE(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int bind_at(const char *name, int type)
{
	struct sockaddr_un address = address_of(name);
	int fd = socket(AF_UNIX, type, 0);

	WEIR_REQUIRE(fd >= 0);
	WEIR_REQUIRE(!bind(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static bool link_is_up(struct bench *bench)
{
	struct hal_link link;

	hal_link_get(bench->hal, 0, &link);
	return link.up;
}

static void open_wire(struct bench *bench, const char *format, const char *a, const char *b)
{
	/* GCC cannot see that the format is one of a few. */
	snprintf(description, sizeof(description), format, a, b);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, description), 0);
}

/* Length in network order, then the frame: the framing of QEMU's -netdev stream. */
static void write_framed(int fd, uint32_t bytes, uint8_t seed)
{
	uint32_t length = htonl(bytes);

	bench_fill(frame, bytes, seed);
	WEIR_EXPECT_EQ(write(fd, &length, 4), 4);
	WEIR_EXPECT_EQ(write(fd, frame, bytes), bytes);
}

static bool read_all(int fd, void *to, size_t bytes)
{
	return recv(fd, to, bytes, MSG_WAITALL | MSG_DONTWAIT) == (ssize_t)bytes;
}

static void expect_frame(struct bench *bench, uint32_t bytes, uint8_t seed)
{
	bench_fill(frame, bytes, seed);
	WEIR_EXPECT_EQ(bench_receive(bench, 0, got), bytes);
	WEIR_EXPECT_MEM(got, frame, bytes);
}

static void a_stream_carries_frames_both_ways(void)
{
	struct bench *bench = bench_new();
	uint32_t length;
	int fd;

	make_folder();
	open_wire(bench, "stream:listen:unix:%s", path, "");
	WEIR_EXPECT(!link_is_up(bench));
	WEIR_EXPECT(weirsim_wire_fd(bench->sim, 0) >= 0);
	fd = connect_to(path, SOCK_STREAM);
	WEIR_REQUIRE(fd >= 0);
	bench_poll(bench);
	WEIR_EXPECT(link_is_up(bench));
	for (uint32_t bytes = 60; bytes < 65000; bytes = bytes * 3 / 2) {
		write_framed(fd, bytes, (uint8_t)bytes);
		expect_frame(bench, bytes, (uint8_t)bytes);
		bench_fill(frame, bytes, 1);
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, frame, bytes, NULL, 0), HAL_DONE);
		bench_poll(bench);
		WEIR_EXPECT(read_all(fd, &length, 4) && ntohl(length) == bytes);
		WEIR_EXPECT(read_all(fd, got, bytes));
		WEIR_EXPECT_MEM(got, frame, bytes);
	}
	/* Gone: link down. Another one: up again. */
	close(fd);
	bench_poll(bench);
	WEIR_EXPECT(!link_is_up(bench));
	fd = connect_to(path, SOCK_STREAM);
	bench_poll(bench);
	WEIR_EXPECT(link_is_up(bench));
	write_framed(fd, 100, 9);
	expect_frame(bench, 100, 9);
	bench_end(bench);
	WEIR_EXPECT_EQ(read(fd, got, 1), 0);
	close(fd);
	remove_folder();
}

static void a_stream_may_come_in_pieces(void)
{
	struct bench *bench = bench_new();
	uint8_t wire[4 + 300 + 4 + 61];
	int fd;

	make_folder();
	open_wire(bench, "stream:listen:unix:%s", path, "");
	fd = connect_to(path, SOCK_STREAM);
	WEIR_REQUIRE(fd >= 0);
	memcpy(wire, &(uint32_t){ htonl(300) }, 4);
	bench_fill(wire + 4, 300, 1);
	memcpy(wire + 304, &(uint32_t){ htonl(61) }, 4);
	bench_fill(wire + 308, 61, 2);
	for (size_t piece = 1; piece < sizeof(wire); piece += piece < 8 ? 1 : 57) {
		for (size_t at = 0; at < sizeof(wire); at += piece) {
			size_t bytes = sizeof(wire) - at < piece ? sizeof(wire) - at : piece;

			WEIR_EXPECT_EQ(write(fd, wire + at, bytes), bytes);
			weirsim_poll(bench->sim);
		}
		expect_frame(bench, 300, 1);
		expect_frame(bench, 61, 2);
	}
	close(fd);
	bench_end(bench);
	remove_folder();
}

static void garbage_on_a_stream_ends_the_connection(void)
{
	static const uint32_t lengths[] = { 0, 65536, 0x7fffffff, 0xffffffff };
	struct bench *bench = bench_new();
	struct weirsim_wire_stats stats;

	make_folder();
	open_wire(bench, "stream:listen:unix:%s", path, "");
	for (size_t i = 0; i < WEIR_TESTS(lengths); i++) {
		uint32_t length = htonl(lengths[i]);
		uint32_t errors = bench->log_errors;
		int fd = connect_to(path, SOCK_STREAM);

		WEIR_REQUIRE(fd >= 0);
		write_framed(fd, 64, 3);
		WEIR_EXPECT_EQ(write(fd, &length, 4), 4);
		WEIR_EXPECT_EQ(write(fd, frame, 1000), 1000);
		expect_frame(bench, 64, 3); /* what came before counts */
		bench_poll(bench);
		WEIR_EXPECT(!link_is_up(bench));
		WEIR_EXPECT_EQ(bench->log_errors, errors + 1);
		WEIR_EXPECT_EQ(recv(fd, got, 1, 0), errno == ECONNRESET ? -1 : 0);
		close(fd);
	}
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT_EQ(stats.dropped_bad_length, WEIR_TESTS(lengths));
	bench_end(bench);
	remove_folder();
}

/* A peer that does not read: frames are dropped and counted, nothing blocks; then it reads whole frames only. */
static void a_peer_that_does_not_read_is_not_waited_for(void)
{
	struct bench *bench = bench_new();
	struct weirsim_wire_stats stats;
	uint32_t length, frames = 0;
	int fd;

	make_folder();
	open_wire(bench, "stream:listen:unix:%s", path, "");
	fd = connect_to(path, SOCK_STREAM);
	WEIR_REQUIRE(fd >= 0);
	bench_poll(bench);
	bench_fill(frame, 1500, 8);
	uint32_t refused = 0;

	for (int i = 0; i < 2000; i++) {
		enum hal_result result = bench_transmit(bench, 0, frame, 1500, NULL, 0);

		WEIR_EXPECT(result == HAL_DONE || result == HAL_DROPPED);
		refused += result == HAL_DROPPED;
		weirsim_poll(bench->sim);
	}
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT(stats.dropped_wire > 0 && stats.frames_sent > 0);
	WEIR_EXPECT_EQ(stats.dropped_wire, refused);
	WEIR_EXPECT_EQ(stats.dropped_wire + stats.frames_sent, 2000);
	for (int i = 0; i < 100000 && frames < stats.frames_sent; i++) {
		if (recv(fd, &length, 4, MSG_DONTWAIT | MSG_PEEK) != 4) {
			weirsim_advance_ns(bench->sim, 1000000);
			weirsim_poll(bench->sim);
			continue;
		}
		read_all(fd, &length, 4);
		WEIR_REQUIRE_EQ(ntohl(length), 1500);
		while (recv(fd, got, 1500, MSG_DONTWAIT | MSG_PEEK) != 1500) {
			weirsim_advance_ns(bench->sim, 1000000);
			weirsim_poll(bench->sim);
		}
		WEIR_REQUIRE(read_all(fd, got, 1500));
		WEIR_EXPECT_MEM(got, frame, 1500);
		frames++;
	}
	WEIR_EXPECT_EQ(frames, stats.frames_sent);
	close(fd);
	bench_end(bench);
	remove_folder();
}

static void a_stream_that_connects_tries_again(void)
{
	struct bench *bench = bench_new();
	uint64_t until_ns;
	int listener, fd;

	make_folder();
	open_wire(bench, "stream:unix:%s", path, "");
	bench_poll(bench);
	WEIR_EXPECT(!link_is_up(bench));
	WEIR_EXPECT(weirsim_may_sleep(bench->sim, &until_ns));
	WEIR_EXPECT_EQ(until_ns, 200000000);
	listener = bind_at(path, SOCK_STREAM);
	WEIR_EXPECT_EQ(listen(listener, 1), 0);
	bench_poll(bench);
	WEIR_EXPECT(!link_is_up(bench));
	weirsim_advance_ns(bench->sim, 200000000);
	bench_poll(bench);
	WEIR_EXPECT(link_is_up(bench));
	fd = accept(listener, NULL, NULL);
	write_framed(fd, 77, 4);
	expect_frame(bench, 77, 4);
	close(fd);
	bench_poll(bench);
	WEIR_EXPECT(!link_is_up(bench));
	weirsim_advance_ns(bench->sim, 200000000);
	bench_poll(bench);
	WEIR_EXPECT(link_is_up(bench));
	close(listener);
	bench_end(bench);
	remove_folder();
}

static void two_cards_talk_over_a_stream(void)
{
	struct bench *a = bench_new(), *b = bench_new();

	make_folder();
	open_wire(a, "stream:listen:unix:%s", path, "");
	open_wire(b, "stream:unix:%s", path, "");
	bench_poll(a);
	bench_poll(b);
	WEIR_EXPECT(link_is_up(a) && link_is_up(b));
	for (uint32_t i = 0; i < 200; i++) {
		bench_fill(frame, 60 + i, (uint8_t)i);
		WEIR_EXPECT_EQ(bench_transmit(a, 0, frame, 60 + i, NULL, 0), HAL_DONE);
	}
	bench_poll(a);
	for (uint32_t i = 0; i < 200; i++)
		expect_frame(b, 60 + i, (uint8_t)i);
	bench_end(a);
	bench_poll(b);
	WEIR_EXPECT(!link_is_up(b));
	bench_end(b);
	remove_folder();
}

static void a_left_over_socket_is_replaced_a_live_one_is_not(void)
{
	struct bench *bench = bench_new();
	int fd;

	make_folder();
	close(bind_at(path, SOCK_STREAM)); /* whoever was there died */
	open_wire(bench, "stream:listen:unix:%s", path, "");
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, "none"), 0);
	fd = bind_at(path, SOCK_STREAM);
	WEIR_EXPECT_EQ(listen(fd, 1), 0);
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, description), -EADDRINUSE);
	close(fd);
	unlink(path);
	/* Nor is anything that is no socket. */
	close(open(path, O_CREAT | O_WRONLY, 0600));
	WEIR_EXPECT_EQ(weirsim_wire_open(bench->sim, 0, description), -EADDRINUSE);
	WEIR_EXPECT_EQ(access(path, F_OK), 0);
	bench_end(bench);
	remove_folder();
}

static void a_datagram_is_a_frame(void)
{
	struct bench *bench = bench_new();
	struct weirsim_wire_stats stats;
	struct sockaddr_un address;
	uint32_t errors;
	int fd;

	make_folder();
	address = address_of(path);
	open_wire(bench, "dgram:unix:%s,%s", path, other_path);
	WEIR_EXPECT(link_is_up(bench));
	/* Nobody is there yet: dropped, said once. */
	errors = bench->log_errors;
	for (int i = 0; i < 3; i++)
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, frame, 100, NULL, 0), HAL_DROPPED);
	WEIR_EXPECT_EQ(bench->log_errors, errors + 1);
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT_EQ(stats.dropped_wire, 3);
	fd = bind_at(other_path, SOCK_DGRAM);
	for (uint32_t bytes = 60; bytes < 60000; bytes *= 2) {
		bench_fill(frame, bytes, 5);
		WEIR_EXPECT_EQ(sendto(fd, frame, bytes, 0, (struct sockaddr *)&address,
				      sizeof(address)),
			       bytes);
		expect_frame(bench, bytes, 5);
		bench_fill(frame, bytes, 6);
		WEIR_EXPECT_EQ(bench_transmit(bench, 0, frame, bytes, NULL, 0), HAL_DONE);
		WEIR_EXPECT_EQ(recv(fd, got, sizeof(got), MSG_DONTWAIT), bytes);
		WEIR_EXPECT_MEM(got, frame, bytes);
	}
	/* What is no frame: counted, and those behind it come. */
	WEIR_EXPECT_EQ(sendto(fd, frame, 0, 0, (struct sockaddr *)&address, sizeof(address)), 0);
	WEIR_EXPECT_EQ(sendto(fd, frame, 13, 0, (struct sockaddr *)&address, sizeof(address)), 13);
	WEIR_EXPECT_EQ(sendto(fd, frame, 66000, 0, (struct sockaddr *)&address, sizeof(address)),
		       66000);
	bench_fill(frame, 64, 7);
	WEIR_EXPECT_EQ(sendto(fd, frame, 64, 0, (struct sockaddr *)&address, sizeof(address)), 64);
	expect_frame(bench, 64, 7);
	weirsim_wire_stats(bench->sim, 0, &stats);
	WEIR_EXPECT_EQ(stats.dropped_bad_length, 3);
	close(fd);
	bench_end(bench);
	remove_folder();
}

/* ---- tap ---- */

static int packet_socket(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(0x88b5) };
	struct ifreq request = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(0x88b5));

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		return -1;
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		return -1;
	address.sll_ifindex = (int)if_nametoindex(name);
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -1 : fd;
}

static void a_tap_is_an_interface_of_the_host(void)
{
	struct bench *bench = bench_new();
	struct pollfd wait;
	char name[IFNAMSIZ];
	uint32_t bytes = 0;
	int error, fd;

	snprintf(name, sizeof(name), "weirt%d", getpid() % 100000);
	snprintf(description, sizeof(description), "tap:%s", name);
	error = weirsim_wire_open(bench->sim, 0, description);
	if (error == -EPERM || error == -EACCES || error == -ENOENT || error == -ENODEV) {
		bench_end(bench);
		weir_cunit_skip("no tap can be made here (%s): run as root with /dev/net/tun",
				strerror(-error));
	}
	WEIR_REQUIRE_EQ(error, 0);
	WEIR_EXPECT(link_is_up(bench));
	fd = packet_socket(name);
	WEIR_REQUIRE(fd >= 0);
	/* An ethertype that is for experiments: the host's stack lets it alone. */
	bench_fill(frame, 1514, 11);
	frame[0] = 2;
	frame[12] = 0x88;
	frame[13] = 0xb5;
	WEIR_EXPECT_EQ(send(fd, frame, 1514, 0), 1514);
	wait = (struct pollfd){ .fd = weirsim_wire_fd(bench->sim, 0), .events = POLLIN };
	WEIR_EXPECT_EQ(poll(&wait, 1, 5000), 1);
	/* The stack may say something of its own on a new interface. */
	for (int i = 0; i < 20 && bytes != 1514; i++)
		bytes = bench_receive(bench, 0, got);
	WEIR_EXPECT_EQ(bytes, 1514);
	WEIR_EXPECT_MEM(got, frame, 1514);
	WEIR_EXPECT_EQ(bench_transmit(bench, 0, frame, 900, NULL, 0), HAL_DONE);
	wait = (struct pollfd){ .fd = fd, .events = POLLIN };
	for (int i = 0; i < 20 && bytes != 900; i++) {
		ssize_t read_bytes;

		WEIR_EXPECT_EQ(poll(&wait, 1, 5000), 1);
		read_bytes = recv(fd, got, sizeof(got), 0);
		bytes = read_bytes > 0 ? (uint32_t)read_bytes : 0;
	}
	WEIR_EXPECT_EQ(bytes, 900);
	WEIR_EXPECT_MEM(got, frame, 900);
	close(fd);
	bench_end(bench);
	WEIR_EXPECT_EQ(if_nametoindex(name), 0);
}

#define TEST(name)                        \
	{                                 \
		"sim.socket." #name, name \
	}
const struct weir_test socket_tests[] = {
	TEST(a_stream_carries_frames_both_ways),
	TEST(a_stream_may_come_in_pieces),
	TEST(garbage_on_a_stream_ends_the_connection),
	TEST(a_peer_that_does_not_read_is_not_waited_for),
	TEST(a_stream_that_connects_tries_again),
	TEST(two_cards_talk_over_a_stream),
	TEST(a_left_over_socket_is_replaced_a_live_one_is_not),
	TEST(a_datagram_is_a_frame),
	TEST(a_tap_is_an_interface_of_the_host),
};
const size_t socket_tests_count = WEIR_TESTS(socket_tests);
