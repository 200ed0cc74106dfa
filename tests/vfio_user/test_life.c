/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients die, dawdle and do not read; the server stays. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u

/* --- clients that die ---------------------------------------------------------------------------- */

/* A stream of messages with everything in it that a client can leave behind. */
struct stream {
	struct raw messages[12];
	size_t count;
	size_t length;
};

static struct stream *stream_new(int memory, const int *eventfds)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	struct raw *next;

	WEIR_REQUIRE(stream != NULL);
	next = stream->messages;
	raw_version(next++, "{\"capabilities\":{\"max_msg_fds\":8,\"write_multiple\":true}}");
	raw_dma_map(next++, 0, PAGE, memory);
	raw_dma_map(next++, PAGE, 2 * PAGE, memory);
	raw_dma_map(next++, 16 * PAGE, PAGE, -1);
	raw_set_irqs(next, VFU_IRQ_SET_DATA_EVENTFD | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 1,
		     3);
	for (int i = 0; i < 3; i++)
		next->fds[next->fd_count++] = eventfds[i];
	next++;
	raw_region_write(next++, VFU_REGION_BAR0, 0, "some bytes", 10);
	raw_region_read(next++, VFU_REGION_BAR0, 0, 10);
	raw_begin(next, VFU_COMMAND_DEVICE_GET_REGION_INFO);
	raw_add(next++,
		&(struct vfu_message_region_info){ .argument_bytes = 4096,
						   .index = VFU_REGION_BAR2 },
		sizeof(struct vfu_message_region_info));
	raw_dma_unmap(next++, PAGE, 2 * PAGE);
	raw_begin(next++, VFU_COMMAND_DEVICE_RESET);
	raw_set_irqs(next, VFU_IRQ_SET_DATA_EVENTFD | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 2,
		     1);
	next->fds[next->fd_count++] = eventfds[0];
	next++;
	stream->count = (size_t)(next - stream->messages);
	for (size_t i = 0; i < stream->count; i++)
		stream->length += stream->messages[i].length;
	return stream;
}

/* Sends the first `bytes` bytes of it, `step` at a time, with the server served in between. */
static void stream_send(struct bench *bench, int fd, const struct stream *stream, size_t bytes,
			size_t step)
{
	for (size_t i = 0; i < stream->count && bytes > 0; i++) {
		const struct raw *raw = &stream->messages[i];

		for (size_t at = 0; at < raw->length && bytes > 0;) {
			size_t piece = raw->length - at;

			if (piece > step)
				piece = step;
			if (piece > bytes)
				piece = bytes;
			raw_send_part(fd, raw, at, piece);
			at += piece;
			bytes -= piece;
			if (step < raw->length)
				bench_pump(bench);
		}
	}
}

static void a_client_may_die_at_any_byte(void)
{
	struct bench bench;
	struct stream *stream;
	int memory = memory_fd(16 * PAGE, true);
	int eventfds[3] = { new_eventfd(), new_eventfd(), new_eventfd() };
	unsigned int mappings;
	unsigned int fds;

	bench_init(&bench);
	bench_start(&bench);
	stream = stream_new(memory, eventfds);
	mappings = open_mappings();
	fds = open_fds();
	for (size_t bytes = 0; bytes <= stream->length; bytes++) {
		/* Both when the server has read what came, and when all comes at once with the end. */
		for (int pumped = 0; pumped < 2; pumped++) {
			struct vfu_server_stats before = bench_stats(&bench);
			struct vfu_server_stats after;
			int fd = raw_connect(&bench);

			stream_send(&bench, fd, stream, bytes, SIZE_MAX);
			if (pumped)
				bench_pump(&bench);
			close(fd);
			bench_pump(&bench);
			WEIR_EXPECT_EQ(open_fds(), fds);
			WEIR_EXPECT_EQ(open_mappings(), mappings);
			WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
			WEIR_EXPECT_EQ(vfu_server_irq_eventfd(bench.server, VFU_IRQ_MSIX, 1), -1);
			WEIR_EXPECT(!vfu_server_has_client(bench.server));
			WEIR_EXPECT_EQ(bench.connected, bench.gone);
			after = bench_stats(&bench);
			WEIR_EXPECT_EQ(after.clients_gone, before.clients_gone + 1);
			WEIR_EXPECT_EQ(after.gone[VFU_GONE_HANGUP],
				       before.gone[VFU_GONE_HANGUP] + 1);
		}
	}
	WEIR_EXPECT(stream->length > 400);
	close(raw_connect_agreed(&bench));
	bench_end(&bench);
	free(stream);
	close(memory);
	for (int i = 0; i < 3; i++)
		close(eventfds[i]);
}

static void messages_may_come_byte_by_byte(void)
{
	static struct raw_reply reply;
	struct bench bench;
	struct stream *stream;
	int memory = memory_fd(16 * PAGE, true);
	int eventfds[3] = { new_eventfd(), new_eventfd(), new_eventfd() };

	bench_init(&bench);
	bench_start(&bench);
	stream = stream_new(memory, eventfds);
	for (size_t step = 1; step < 40; step += 6) {
		int fd = raw_connect(&bench);

		stream_send(&bench, fd, stream, SIZE_MAX, step);
		for (size_t i = 0; i < stream->count; i++) {
			WEIR_REQUIRE(raw_receive(&bench, fd, &reply));
			WEIR_EXPECT_EQ(reply.header.message_id,
				       raw_header(&stream->messages[i])->message_id);
			WEIR_EXPECT_EQ(reply.header.flags, VFU_FLAG_TYPE_REPLY);
			if (reply.fd >= 0)
				close(reply.fd);
		}
		WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 2);
		close(fd);
		bench_pump(&bench);
	}
	bench_end(&bench);
	free(stream);
	close(memory);
	for (int i = 0; i < 3; i++)
		close(eventfds[i]);
}

/* A client in a process of its own, until it is killed. */
static void work_until_killed(const char *path)
{
	struct vfu_client *client;
	int memory = memory_fd(16 * PAGE, true);
	int eventfds[4];
	char buffer[5000];

	for (int i = 0; i < 4; i++)
		eventfds[i] = new_eventfd();
	if (vfu_client_connect(path, NULL, &client) != 0)
		_exit(1);
	for (;;) {
		vfu_client_dma_map(client, 0, 16 * PAGE, VFU_DMA_MAP_READ, memory, 0);
		vfu_client_irq_eventfds(client, VFU_IRQ_MSIX, 0, 4, eventfds);
		vfu_client_region_write(client, VFU_REGION_BAR0, 0, buffer, sizeof(buffer), 0);
		vfu_client_region_read(client, VFU_REGION_BAR0, 0, buffer, sizeof(buffer));
		vfu_client_dma_unmap(client, 0, 16 * PAGE);
	}
}

static void killed_clients_are_followed_by_others(void)
{
	struct bench bench;
	struct vfu_client *client;
	unsigned int fds;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	fds = open_fds();
	vfu_client_destroy(client);
	for (int i = 0; i < 40; i++) {
		unsigned int connected = atomic_load(&bench.connected);
		pid_t child = fork();
		int status;

		WEIR_REQUIRE(child >= 0);
		if (child == 0)
			work_until_killed(bench.path);
		for (int wait = 0; wait < 10000 && atomic_load(&bench.connected) == connected;
		     wait++)
			usleep(1000);
		WEIR_REQUIRE_EQ(atomic_load(&bench.connected), connected + 1);
		usleep(200u * (unsigned int)(i % 7));
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		WEIR_EXPECT(WIFSIGNALED(status));
		/* Its place is free for who comes next, at once. */
		WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
		WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
		vfu_client_destroy(client);
	}
	/* The last one's end is noticed by the time a next one is served. */
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	WEIR_EXPECT_EQ(open_fds(), fds);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void commands_sent_before_a_hangup_are_done(void)
{
	static struct raw raw;
	struct bench bench;
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	for (uint8_t i = 0; i < 200; i++) {
		raw_region_write(&raw, VFU_REGION_BAR0, i, &i, 1);
		raw_header(&raw)->flags = VFU_FLAG_NO_REPLY;
		raw_send(fd, &raw);
	}
	close(fd);
	bench_pump(&bench);
	for (unsigned int i = 0; i < 200; i++)
		WEIR_EXPECT_EQ(bench.regions[VFU_REGION_BAR0][i], i);
	WEIR_EXPECT_EQ(bench.gone, 1);
	bench_end(&bench);
}

/* --- clients that do not read -------------------------------------------------------------------- */

static void a_client_that_does_not_read_is_hung_up_on(void)
{
	static struct raw raw;
	struct bench bench;
	int sent = 0;
	int fd;

	bench_init(&bench);
	bench.config.limits.max_output_bytes = 1u << 20;
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_region_read(&raw, VFU_REGION_BAR0, 0, 65536);
	while (sent < 1000 && send(fd, raw.bytes, raw.length, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
		sent++;
		bench_pump(&bench);
	}
	/* What the socket takes, and a megabyte. */
	WEIR_EXPECT(sent >= 16 && sent < 40);
	WEIR_EXPECT_EQ(bench.gone_reason, VFU_GONE_SLOW_READER);
	WEIR_EXPECT_EQ(bench_stats(&bench).gone[VFU_GONE_SLOW_READER], 1);
	close(fd);
	close(raw_connect_agreed(&bench));
	bench_end(&bench);
}

static void a_client_that_reads_late_gets_everything(void)
{
	static struct raw raw;
	static uint8_t got[65536 + 32];
	struct bench bench;
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	for (size_t i = 0; i < BAR0_BYTES; i++)
		bench.regions[VFU_REGION_BAR0][i] = (uint8_t)(i * 7 + i / 300);
	fd = raw_connect_agreed(&bench);
	for (uint64_t i = 0; i < 40; i++) {
		raw_region_read(&raw, VFU_REGION_BAR0, i * 65536, 65536);
		raw_send(fd, &raw);
	}
	bench_pump(&bench);
	for (uint64_t i = 0; i < 40; i++) {
		size_t filled = 0;

		while (filled < sizeof(got)) {
			ssize_t piece = recv(fd, got + filled, sizeof(got) - filled, MSG_DONTWAIT);

			if (piece > 0)
				filled += (size_t)piece;
			else
				WEIR_REQUIRE_EQ(errno, EAGAIN);
			bench_pump(&bench);
		}
		WEIR_EXPECT_MEM(got + 32, bench.regions[VFU_REGION_BAR0] + i * 65536, 65536);
	}
	WEIR_EXPECT_EQ(bench.gone, 0);
	close(fd);
	bench_end(&bench);
}

/* --- a server short of descriptors ---------------------------------------------------------------- */

static void no_descriptors_left_means_later_not_never(void)
{
	struct bench bench;
	struct rlimit limit;
	struct rlimit tight;
	static struct raw raw;
	static struct raw_reply reply;
	struct pollfd pollfd;
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect(&bench);
	WEIR_REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	tight = limit;
	tight.rlim_cur = (rlim_t)dup(fd);
	close((int)tight.rlim_cur);
	WEIR_REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
	/* It says so, and does not spin. */
	bench_pump(&bench);
	pollfd = (struct pollfd){ .fd = vfu_server_fd(bench.server), .events = POLLIN };
	WEIR_EXPECT_EQ(poll(&pollfd, 1, 0), 0);
	WEIR_EXPECT(bench_stats(&bench).accept_failures >= 1);
	WEIR_REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	vfu_server_process(bench.server);
	raw_version(&raw, "{}");
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	close(fd);
	bench_end(&bench);
}

static int reentrant_read(void *device, uint32_t region, uint64_t offset_bytes, void *buffer,
			  size_t length_bytes)
{
	struct bench *bench = device;

	(void)region;
	(void)offset_bytes;
	(void)buffer;
	(void)length_bytes;
	return vfu_server_process(bench->server);
}

static void callbacks_cannot_process(void)
{
	static struct vfu_server_callbacks callbacks;
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int fd;

	bench_init(&bench);
	callbacks = *bench.config.callbacks;
	callbacks.region_read = reentrant_read;
	bench.config.callbacks = &callbacks;
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_region_read(&raw, VFU_REGION_CONFIG, 0, 4);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), EBUSY);
	close(fd);
	bench_end(&bench);
}

static void everything_has_a_name(void)
{
	for (int i = 0; i < VFU_FAULTS; i++) {
		WEIR_EXPECT(strlen(vfu_fault_name((enum vfu_fault)i)) > 0);
		for (int j = 0; j < i; j++)
			WEIR_EXPECT(strcmp(vfu_fault_name((enum vfu_fault)i),
					   vfu_fault_name((enum vfu_fault)j)) != 0);
	}
	for (int i = 0; i < VFU_GONE_REASONS; i++) {
		WEIR_EXPECT(strlen(vfu_gone_reason_name((enum vfu_gone_reason)i)) > 0);
		for (int j = 0; j < i; j++)
			WEIR_EXPECT(strcmp(vfu_gone_reason_name((enum vfu_gone_reason)i),
					   vfu_gone_reason_name((enum vfu_gone_reason)j)) != 0);
	}
	WEIR_EXPECT_STR(vfu_fault_name(VFU_FAULTS), "unknown");
	WEIR_EXPECT_STR(vfu_gone_reason_name(VFU_GONE_REASONS), "unknown");
}

const struct weir_test life_tests[] = {
	{ "vfio_user.life.a_client_may_die_at_any_byte", a_client_may_die_at_any_byte },
	{ "vfio_user.life.messages_may_come_byte_by_byte", messages_may_come_byte_by_byte },
	{ "vfio_user.life.killed_clients_are_followed_by_others",
	  killed_clients_are_followed_by_others },
	{ "vfio_user.life.commands_sent_before_a_hangup_are_done",
	  commands_sent_before_a_hangup_are_done },
	{ "vfio_user.life.a_client_that_does_not_read_is_hung_up_on",
	  a_client_that_does_not_read_is_hung_up_on },
	{ "vfio_user.life.a_client_that_reads_late_gets_everything",
	  a_client_that_reads_late_gets_everything },
	{ "vfio_user.life.no_descriptors_left_means_later_not_never",
	  no_descriptors_left_means_later_not_never },
	{ "vfio_user.life.callbacks_cannot_process", callbacks_cannot_process },
	{ "vfio_user.life.everything_has_a_name", everything_has_a_name },
};
const size_t life_test_count = WEIR_TESTS(life_tests);
