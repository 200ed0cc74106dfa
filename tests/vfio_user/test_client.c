/* SPDX-License-Identifier: BSD-3-Clause */
/* The client against servers that are slow, or not what they should be. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u

/* --- a server that answers by script -------------------------------------------------------------- */

/* What it does once a version is agreed on and the next command has come. */
struct script {
	int fd;
	const char *version; /* NULL: a good one */
	/* Called with that command's header; what it wants said it sends itself. */
	void (*answer)(int fd, const struct vfu_header *command);
	pthread_t thread;
};

static void send_reply(int fd, const struct vfu_header *command, uint32_t flags, uint32_t error,
		       const void *payload, size_t length_bytes)
{
	static struct raw raw;

	raw_begin(&raw, command->command);
	raw_add(&raw, payload, length_bytes);
	raw_header(&raw)->message_id = command->message_id;
	raw_header(&raw)->flags = flags;
	raw_header(&raw)->error_number = error;
	if (send(fd, raw.bytes, raw.length, MSG_NOSIGNAL) < 0)
		return;
}

/* Takes one command; false at the end. */
static bool take_command(int fd, struct vfu_header *command)
{
	char payload[8192];

	if (recv(fd, command, sizeof(*command), MSG_WAITALL) != sizeof(*command))
		return false;
	if (command->size_bytes > sizeof(*command) &&
	    recv(fd, payload, command->size_bytes - sizeof(*command), MSG_WAITALL) <= 0)
		return false;
	return true;
}

static void *play(void *argument)
{
	struct script *script = argument;
	struct vfu_header command;
	char version[4200] = { 0 };
	const char *text = script->version ? script->version
					   : "{\"capabilities\":{\"max_msg_fds\":4}}";

	if (take_command(script->fd, &command)) {
		strcpy(version + 4, text);
		send_reply(script->fd, &command, VFU_FLAG_TYPE_REPLY, 0, version,
			   4 + strlen(text) + 1);
	}
	while (take_command(script->fd, &command) && script->answer)
		script->answer(script->fd, &command);
	shutdown(script->fd, SHUT_RDWR);
	return NULL;
}

/* A client of such a server; `error` is what connecting must answer. */
static struct vfu_client *script_begin(struct script *script, uint32_t timeout_ms, int error)
{
	const struct vfu_client_config config = { .timeout_ms = timeout_ms };
	struct vfu_client *client = NULL;
	int pair[2];

	WEIR_REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	script->fd = pair[0];
	WEIR_REQUIRE_EQ(pthread_create(&script->thread, NULL, play, script), 0);
	WEIR_EXPECT_EQ(vfu_client_adopt(pair[1], &config, &client), error);
	return client;
}

static void script_end(struct script *script, struct vfu_client *client)
{
	vfu_client_destroy(client);
	pthread_join(script->thread, NULL);
	close(script->fd);
}

/* One call to a server that answers by `answer`: the call's result; afterwards the client is off. */
static int call_against(void (*answer)(int fd, const struct vfu_header *command),
			int (*call)(struct vfu_client *client))
{
	struct script script = { .answer = answer };
	struct vfu_client *client = script_begin(&script, 300, 0);
	int error;

	WEIR_REQUIRE(client != NULL);
	error = call(client);
	script_end(&script, client);
	return error;
}

/* The same, where the client must have hung up. */
static int call_ends(void (*answer)(int fd, const struct vfu_header *command),
		     int (*call)(struct vfu_client *client))
{
	struct script script = { .answer = answer };
	struct vfu_client *client = script_begin(&script, 300, 0);
	int error;

	WEIR_REQUIRE(client != NULL);
	error = call(client);
	WEIR_EXPECT_EQ(vfu_client_fd(client), -1);
	WEIR_EXPECT_EQ(vfu_client_check(client), -ENOTCONN);
	WEIR_EXPECT_EQ(vfu_client_device_reset(client), -ENOTCONN);
	script_end(&script, client);
	return error;
}

static int call_read(struct vfu_client *client)
{
	uint32_t value;

	return vfu_client_region_read(client, VFU_REGION_CONFIG, 0, &value, sizeof(value));
}

static int call_write(struct vfu_client *client)
{
	return vfu_client_region_write(client, VFU_REGION_CONFIG, 0, "abcd", 4, 0);
}

static int call_multi(struct vfu_client *client)
{
	const struct vfu_client_write write = { VFU_REGION_CONFIG, 0, 4, 1 };

	return vfu_client_region_write_multi(client, &write, 1, 0);
}

static int call_info(struct vfu_client *client)
{
	uint32_t ignored;

	return vfu_client_device_info(client, &ignored, &ignored, &ignored);
}

static int call_region(struct vfu_client *client)
{
	struct vfu_client_region region;
	int error = vfu_client_region_info(client, VFU_REGION_BAR2, &region);

	if (error == 0)
		vfu_client_region_release(&region);
	return error;
}

/* --- answers that are none ------------------------------------------------------------------------ */

static void answer_nothing(int fd, const struct vfu_header *command)
{
	(void)fd;
	(void)command;
}

static void answer_other_id(int fd, const struct vfu_header *command)
{
	struct vfu_header other = *command;

	other.message_id++;
	send_reply(fd, &other, VFU_FLAG_TYPE_REPLY, 0, "", 0);
}

static void answer_other_command(int fd, const struct vfu_header *command)
{
	struct vfu_header other = *command;

	other.command++;
	send_reply(fd, &other, VFU_FLAG_TYPE_REPLY, 0, "", 0);
}

static void answer_other_type(int fd, const struct vfu_header *command)
{
	send_reply(fd, command, 7, 0, "", 0);
}

static void answer_too_short(int fd, const struct vfu_header *command)
{
	send_reply(fd, command, VFU_FLAG_TYPE_REPLY, 0, "0123456", 7);
}

static void answer_too_long(int fd, const struct vfu_header *command)
{
	static const char much[3000];

	send_reply(fd, command, VFU_FLAG_TYPE_REPLY, 0, much, sizeof(much));
}

static void answer_tiny(int fd, const struct vfu_header *command)
{
	struct vfu_header header = { .message_id = command->message_id,
				     .command = command->command,
				     .size_bytes = 3,
				     .flags = VFU_FLAG_TYPE_REPLY };

	send(fd, &header, sizeof(header), MSG_NOSIGNAL);
}

static void answer_other_count(int fd, const struct vfu_header *command)
{
	char payload[20] = { 0 };
	struct vfu_message_region_access access = { 0, VFU_REGION_CONFIG, 3 };
	const uint64_t writes = 7;

	memcpy(payload, &access, sizeof(access));
	if (command->command == VFU_COMMAND_REGION_WRITE_MULTI)
		send_reply(fd, command, VFU_FLAG_TYPE_REPLY, 0, &writes, sizeof(writes));
	else
		send_reply(fd, command, VFU_FLAG_TYPE_REPLY, 0, payload,
			   command->command == VFU_COMMAND_REGION_READ ? 20 : 16);
}

static void answer_half(int fd, const struct vfu_header *command)
{
	struct vfu_header header = { .message_id = command->message_id,
				     .command = command->command,
				     .size_bytes = 36,
				     .flags = VFU_FLAG_TYPE_REPLY };

	send(fd, &header, sizeof(header), MSG_NOSIGNAL);
	send(fd, "abc", 3, MSG_NOSIGNAL);
	shutdown(fd, SHUT_RDWR);
}

static void answers_that_are_none_end_the_connection(void)
{
	WEIR_EXPECT_EQ(call_ends(answer_other_id, vfu_client_device_reset), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_other_command, vfu_client_device_reset), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_other_type, vfu_client_device_reset), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_tiny, vfu_client_device_reset), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_too_long, vfu_client_device_reset), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_too_long, call_read), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_too_short, call_read), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_too_short, call_info), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_too_short, call_region), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_too_short, call_write), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_other_count, call_read), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_other_count, call_write), -EPROTO);
	WEIR_EXPECT_EQ(call_ends(answer_half, call_read), -ENOTCONN);
}

static void answer_other_count_multi(int fd, const struct vfu_header *command)
{
	answer_other_count(fd, command);
}

static void a_server_without_write_multiple_gets_single_writes(void)
{
	struct script script = { .answer = answer_other_count_multi,
				 .version = "{\"capabilities\":{\"write_multiple\":true}}" };
	struct vfu_client *client = script_begin(&script, 300, 0);

	WEIR_EXPECT_EQ(call_multi(client), -EPROTO);
	script_end(&script, client);
	/* This one counts what it gets as single writes, and answers these wrongly. */
	script = (struct script){ .answer = answer_other_count };
	client = script_begin(&script, 300, 0);
	WEIR_EXPECT(!vfu_client_get_limits(client).write_multiple);
	WEIR_EXPECT_EQ(call_multi(client), -EPROTO);
	script_end(&script, client);
}

static void a_server_that_does_not_answer_times_out(void)
{
	struct timespec begin;
	struct timespec end;
	int64_t elapsed_ms;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	WEIR_EXPECT_EQ(call_ends(answer_nothing, call_read), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &end);
	elapsed_ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	WEIR_EXPECT(elapsed_ms >= 300 && elapsed_ms < 5000);
}

static void a_server_that_does_not_read_times_out(void)
{
	static char much[1u << 20];
	const struct vfu_client_config config = { .timeout_ms = 300 };
	struct vfu_client *client = NULL;
	int pair[2];
	struct vfu_header reply = { .command = VFU_COMMAND_VERSION,
				    .size_bytes = sizeof(reply) + 4,
				    .flags = VFU_FLAG_TYPE_REPLY };

	WEIR_REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	/* Its VERSION reply is there before it is asked: message ids begin at 0. */
	WEIR_REQUIRE_EQ(send(pair[0], &reply, sizeof(reply), 0), sizeof(reply));
	WEIR_REQUIRE_EQ(send(pair[0], "\0\0\0\0", 4, 0), 4);
	WEIR_REQUIRE_EQ(vfu_client_adopt(pair[1], &config, &client), 0);
	WEIR_EXPECT_EQ(vfu_client_region_write(client, VFU_REGION_BAR0, 0, much, sizeof(much), 0),
		       -ETIMEDOUT);
	vfu_client_destroy(client);
	close(pair[0]);
}

static void answer_odd_error(int fd, const struct vfu_header *command)
{
	static const uint32_t errors[] = { 0, 4096, UINT32_MAX, ENOSPC };
	static unsigned int next;

	send_reply(fd, command, VFU_FLAG_TYPE_REPLY | VFU_FLAG_ERROR, errors[next++ % 4], "", 0);
}

static void errors_of_the_server_are_errnos(void)
{
	struct script script = { .answer = answer_odd_error };
	struct vfu_client *client = script_begin(&script, 300, 0);

	WEIR_EXPECT_EQ(vfu_client_device_reset(client), -EIO);
	WEIR_EXPECT_EQ(vfu_client_device_reset(client), -EIO);
	WEIR_EXPECT_EQ(vfu_client_device_reset(client), -EIO);
	WEIR_EXPECT_EQ(vfu_client_device_reset(client), -ENOSPC);
	WEIR_EXPECT_EQ(vfu_client_check(client), 0);
	script_end(&script, client);
}

static atomic_int refusals;

static void answer_with_questions(int fd, const struct vfu_header *command)
{
	static struct raw raw;
	struct vfu_message_dma_access access = { 0x1000, 16 };
	struct vfu_header reply;
	int memory = memory_fd(PAGE, true);

	/* A read, a write with a descriptor that nobody asked for, and one that wants no answer. */
	raw_begin(&raw, VFU_COMMAND_DMA_READ);
	raw_add(&raw, &access, sizeof(access));
	raw_send(fd, &raw);
	raw_begin(&raw, VFU_COMMAND_DMA_WRITE);
	raw_add(&raw, &access, sizeof(access));
	raw_add(&raw, "0123456789abcdef", 16);
	raw.fds[raw.fd_count++] = memory;
	raw_send(fd, &raw);
	raw_begin(&raw, VFU_COMMAND_DMA_WRITE);
	raw_header(&raw)->flags = VFU_FLAG_NO_REPLY;
	raw_send(fd, &raw);
	close(memory);
	send_reply(fd, command, VFU_FLAG_TYPE_REPLY, 0, "", 0);
	for (int i = 0; i < 2; i++) {
		if (recv(fd, &reply, sizeof(reply), MSG_WAITALL) == sizeof(reply) &&
		    reply.flags == (VFU_FLAG_TYPE_REPLY | VFU_FLAG_ERROR) &&
		    reply.error_number == EOPNOTSUPP)
			refusals++;
	}
}

static void what_a_server_asks_is_refused(void)
{
	unsigned int fds = open_fds();

	atomic_store(&refusals, 0);
	WEIR_EXPECT_EQ(call_against(answer_with_questions, vfu_client_device_reset), 0);
	WEIR_EXPECT_EQ(refusals, 2);
	WEIR_EXPECT_EQ(open_fds(), fds);
}

static void versions_of_the_server_are_checked(void)
{
	static const char *const bad[] = {
		"x",
		"[]",
		"{\"capabilities\":{\"max_msg_fds\":\"x\"}}",
		"{\"capabilities\":{\"max_data_xfer_size\":0}}",
		"{\"capabilities\":{\"pgsizes\":0}}",
	};
	struct vfu_client_limits limits;
	struct script script;
	struct vfu_client *client;

	for (size_t i = 0; i < WEIR_TESTS(bad); i++) {
		script = (struct script){ .version = bad[i] };
		client = script_begin(&script, 300, -EPROTO);
		WEIR_EXPECT(client == NULL);
		script_end(&script, client);
	}
	/* More than is of use here is cut down. */
	script = (struct script){ .version = "{\"capabilities\":{\"max_msg_fds\":100000,"
					     "\"max_data_xfer_size\":1099511627776,"
					     "\"max_dma_maps\":1099511627776}}" };
	client = script_begin(&script, 300, 0);
	limits = vfu_client_get_limits(client);
	WEIR_EXPECT_EQ(limits.max_message_fds, VFU_FDS_MAX);
	WEIR_EXPECT_EQ(limits.max_data_transfer_bytes, 1048576);
	WEIR_EXPECT_EQ(limits.max_dma_maps, UINT32_MAX);
	script_end(&script, client);
}

static void a_server_that_takes_no_descriptors_is_sent_none(void)
{
	struct script script = { .version = "{\"capabilities\":{\"max_msg_fds\":0}}" };
	struct vfu_client *client = script_begin(&script, 300, 0);
	int eventfd = new_eventfd();

	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(client, VFU_IRQ_MSIX, 0, 1, &eventfd), -EOPNOTSUPP);
	script_end(&script, client);
	close(eventfd);
}

/* --- region information that lies ----------------------------------------------------------------- */

/* What the next answer to DEVICE_GET_REGION_INFO is made of. */
static struct {
	struct vfu_message_region_info info;
	uint8_t rest[256];
	size_t rest_bytes;
	bool with_fd;
} lie;

static void answer_lie(int fd, const struct vfu_header *command)
{
	static struct raw raw;
	int memory = memory_fd(16 * PAGE, true);

	raw_begin(&raw, command->command);
	raw_add(&raw, &lie.info, sizeof(lie.info));
	raw_add(&raw, lie.rest, lie.rest_bytes);
	raw_header(&raw)->message_id = command->message_id;
	raw_header(&raw)->flags = VFU_FLAG_TYPE_REPLY;
	if (lie.with_fd)
		raw.fds[raw.fd_count++] = memory;
	raw_send(fd, &raw);
	close(memory);
}

/* A reply with a sparse capability of `count` areas whose first is *area. */
static void lie_begin(uint32_t count, struct vfu_sparse_area area)
{
	const struct vfu_capability_sparse sparse = {
		.header = { .id = VFU_CAPABILITY_SPARSE_MMAP, .version = 1 },
		.area_count = count,
	};

	memset(&lie, 0, sizeof(lie));
	lie.with_fd = true;
	lie.info = (struct vfu_message_region_info){
		.argument_bytes = 64,
		.flags = VFU_REGION_READ | VFU_REGION_WRITE | VFU_REGION_MMAP |
			 VFU_REGION_CAPABILITIES,
		.index = VFU_REGION_BAR2,
		.capability_offset = 32,
		.size_bytes = 16 * PAGE,
	};
	memcpy(lie.rest, &sparse, sizeof(sparse));
	memcpy(lie.rest + sizeof(sparse), &area, sizeof(area));
	lie.rest_bytes = sizeof(sparse) + sizeof(area);
}

static void lies_about_regions_are_seen_through(void)
{
	const struct vfu_sparse_area good = { PAGE, PAGE };
	struct vfu_capability_header *header = (struct vfu_capability_header *)lie.rest;
	unsigned int fds = open_fds();

	lie_begin(1, good);
	WEIR_EXPECT_EQ(call_against(answer_lie, call_region), 0);
	/* Areas outside of the region, or of no size. */
	lie_begin(1, (struct vfu_sparse_area){ 16 * PAGE, PAGE });
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, (struct vfu_sparse_area){ PAGE, 16 * PAGE });
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, (struct vfu_sparse_area){ UINT64_MAX, 2 });
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, (struct vfu_sparse_area){ PAGE, 0 });
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	/* More areas than there are bytes; a capability cut short, of another version. */
	lie_begin(2, good);
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(UINT32_MAX, good);
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, good);
	lie.rest_bytes = 12;
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, good);
	header->version = 2;
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	/* Lists that point before themselves, into themselves, and outside. */
	for (uint32_t next = 1; next < 40; next++) {
		lie_begin(1, good);
		header->next = next;
		WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	}
	lie_begin(1, good);
	header->next = 64;
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, good);
	lie.info.capability_offset = 31;
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, good);
	lie.info.capability_offset = UINT32_MAX;
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	/* Another region's; one that needs more room without end. */
	lie_begin(1, good);
	lie.info.index = VFU_REGION_BAR4;
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	lie_begin(1, good);
	lie.info.argument_bytes = UINT32_MAX;
	WEIR_EXPECT_EQ(call_ends(answer_lie, call_region), -EPROTO);
	/* It says twice what it takes, and never has enough: 2,000 the first time, still more then. */
	lie_begin(1, good);
	lie.info.argument_bytes = 65536;
	WEIR_EXPECT_EQ(call_against(answer_lie, call_region), 0);
	/* A capability nobody knows is passed over; promised but missing descriptors mean messages. */
	lie_begin(1, good);
	header->id = 77;
	WEIR_EXPECT_EQ(call_against(answer_lie, call_region), 0);
	lie_begin(1, good);
	lie.with_fd = false;
	WEIR_EXPECT_EQ(call_against(answer_lie, call_region), 0);
	WEIR_EXPECT_EQ(open_fds(), fds);
}

const struct weir_test client_tests[] = {
	{ "vfio_user.client.answers_that_are_none_end_the_connection",
	  answers_that_are_none_end_the_connection },
	{ "vfio_user.client.a_server_without_write_multiple_gets_single_writes",
	  a_server_without_write_multiple_gets_single_writes },
	{ "vfio_user.client.a_server_that_does_not_answer_times_out",
	  a_server_that_does_not_answer_times_out },
	{ "vfio_user.client.a_server_that_does_not_read_times_out",
	  a_server_that_does_not_read_times_out },
	{ "vfio_user.client.errors_of_the_server_are_errnos", errors_of_the_server_are_errnos },
	{ "vfio_user.client.what_a_server_asks_is_refused", what_a_server_asks_is_refused },
	{ "vfio_user.client.versions_of_the_server_are_checked",
	  versions_of_the_server_are_checked },
	{ "vfio_user.client.a_server_that_takes_no_descriptors_is_sent_none",
	  a_server_that_takes_no_descriptors_is_sent_none },
	{ "vfio_user.client.lies_about_regions_are_seen_through",
	  lies_about_regions_are_seen_through },
};
const size_t client_test_count = WEIR_TESTS(client_tests);
