/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket, the configuration, and who is let in. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void the_socket_is_private_and_removed_at_the_end(void)
{
	struct bench bench;
	struct stat status;

	bench_init(&bench);
	bench_start(&bench);
	WEIR_REQUIRE_EQ(stat(bench.path, &status), 0);
	WEIR_EXPECT_EQ(status.st_mode & 0777, 0600);
	bench_end(&bench);
	WEIR_EXPECT_EQ(stat(bench.path, &status), -1);

	bench_init(&bench);
	bench.config.socket_mode = 0644;
	bench_start(&bench);
	WEIR_REQUIRE_EQ(stat(bench.path, &status), 0);
	WEIR_EXPECT_EQ(status.st_mode & 0777, 0644);
	bench_end(&bench);
}

static void a_dead_servers_socket_is_replaced_a_live_ones_is_not(void)
{
	struct bench bench;
	struct bench other;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	unsigned int fds = open_fds();
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	int file;

	bench_init(&bench);
	memcpy(address.sun_path, bench.path, sizeof(bench.path));
	WEIR_REQUIRE_EQ(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
	close(dead);
	bench_start(&bench);
	bench_init(&other);
	other.config.socket_path = bench.path;
	WEIR_EXPECT_EQ(vfu_server_create(&other.config, &other.server), -EADDRINUSE);
	/* It is still the first one's. */
	close(raw_connect_agreed(&bench));
	/* Somebody has put another in its place: that is not taken away. */
	WEIR_REQUIRE_EQ(unlink(bench.path), 0);
	other.server = NULL;
	WEIR_EXPECT_EQ(vfu_server_create(&other.config, &other.server), 0);
	bench_end(&bench);
	WEIR_EXPECT_EQ(stat(other.config.socket_path, &status), 0);
	bench_end(&other);

	bench_init(&bench);
	file = open(bench.path, O_CREAT | O_RDWR, 0600);
	WEIR_EXPECT_EQ(vfu_server_create(&bench.config, &bench.server), -EEXIST);
	close(file);
	unlink(bench.path);
	bench.config.socket_path = "/nonexistent/directory/socket";
	WEIR_EXPECT_EQ(vfu_server_create(&bench.config, &bench.server), -ENOENT);
	bench.config.socket_path = "/tmp/0123456789012345678901234567890123456789012345678901234567"
				   "89012345678901234567890123456789012345678901234567890123456789";
	WEIR_EXPECT_EQ(vfu_server_create(&bench.config, &bench.server), -ENAMETOOLONG);
	bench.config.socket_path = "";
	WEIR_EXPECT_EQ(vfu_server_create(&bench.config, &bench.server), -ENAMETOOLONG);
	bench.server = NULL;
	bench_end(&bench);
	WEIR_EXPECT_EQ(open_fds(), fds);
}

static void a_configuration_that_contradicts_itself_is_refused(void)
{
	static const struct vfu_sparse_area outside = { 61440, 8192 };
	static const struct vfu_sparse_area crooked = { 100, 4096 };
	static const struct vfu_sparse_area empty = { 4096, 0 };
	static const struct vfu_sparse_area twice[2] = { { 4096, 8192 }, { 8192, 4096 } };
	const struct vfu_server_callbacks nothing = { 0 };
	struct bench bench;
	struct vfu_server_config good;
	struct vfu_server *server = NULL;

#define EXPECT_BAD(change)                                                          \
	do {                                                                        \
		bench.config = good;                                                \
		change;                                                             \
		WEIR_EXPECT_EQ(vfu_server_create(&bench.config, &server), -EINVAL); \
	} while (0)

	bench_init(&bench);
	good = bench.config;
	EXPECT_BAD(bench.config.callbacks = NULL);
	EXPECT_BAD(bench.config.callbacks = &nothing);
	EXPECT_BAD(bench.config.limits.max_message_fds = VFU_FDS_MAX + 1);
	EXPECT_BAD(bench.config.limits.max_data_transfer_bytes = (64u << 20) + 1);
	EXPECT_BAD(bench.config.limits.max_dma_maps = 65536);
	EXPECT_BAD(bench.config.limits.page_sizes = 2048);
	EXPECT_BAD(bench.config.limits.page_sizes = 1ull << 63);
	EXPECT_BAD(bench.config.irqs[VFU_IRQ_MSIX].count = 4097);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].size_bytes = 0);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].mmap_fd = -1);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].mmap_offset_bytes = 5);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].sparse_areas = NULL);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].sparse_area_count = 1;
		   bench.config.regions[VFU_REGION_BAR2].sparse_areas = &outside);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].sparse_area_count = 1;
		   bench.config.regions[VFU_REGION_BAR2].sparse_areas = &crooked);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].sparse_area_count = 1;
		   bench.config.regions[VFU_REGION_BAR2].sparse_areas = &empty);
	EXPECT_BAD(bench.config.regions[VFU_REGION_BAR2].sparse_areas = twice);
	bench.config = good;
	bench.server = NULL;
	bench_end(&bench);
}

/* --- one at a time ------------------------------------------------------------------------------- */

static void a_second_client_is_refused_until_the_first_has_left(void)
{
	struct bench bench;
	struct vfu_client *first;
	struct vfu_client *second = NULL;
	uint32_t value;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &first), 0);
	for (int i = 0; i < 10; i++)
		WEIR_EXPECT_EQ(vfu_client_connect(bench.path, NULL, &second), -EBUSY);
	WEIR_EXPECT_EQ(vfu_client_region_read(first, VFU_REGION_CONFIG, 0, &value, 4), 0);
	/* No race: who connects after the first has left gets in. */
	for (int i = 0; i < 100; i++) {
		vfu_client_destroy(first);
		first = NULL;
		WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &first), 0);
	}
	WEIR_EXPECT_EQ(bench_stats(&bench).clients_refused, 10);
	WEIR_EXPECT_EQ(bench_stats(&bench).clients_connected, 101);
	vfu_client_destroy(first);
	bench_end(&bench);
}

static void those_refused_who_say_nothing_cost_little(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	unsigned int fds;
	int first;
	int others[40];

	bench_init(&bench);
	bench_start(&bench);
	first = raw_connect_agreed(&bench);
	fds = open_fds();
	for (int i = 0; i < 40; i++) {
		others[i] = raw_connect(&bench);
		bench_pump(&bench);
		/* At most four are waited for. */
		WEIR_EXPECT(open_fds() <= fds + (unsigned int)i + 1 + 4);
	}
	for (int i = 0; i < 36; i++)
		WEIR_EXPECT(raw_is_closed(&bench, others[i]));
	/* One of those says its first message in two parts, one leaves, one is cut off. */
	raw_version(&raw, "{}");
	raw_send_part(others[39], &raw, 0, 7);
	bench_pump(&bench);
	raw_send_part(others[39], &raw, 7, raw.length - 7);
	WEIR_REQUIRE(raw_receive(&bench, others[39], &reply));
	WEIR_EXPECT_EQ(reply.header.error_number, EBUSY);
	WEIR_EXPECT_EQ(reply.header.message_id, raw_header(&raw)->message_id);
	close(others[38]);
	raw_region_read(&raw, VFU_REGION_CONFIG, 0, 4);
	WEIR_EXPECT_EQ(raw_exchange(&bench, first, &raw, &reply), 0);
	for (int i = 0; i < 40; i++) {
		if (i != 38)
			close(others[i]);
	}
	bench_pump(&bench);
	WEIR_EXPECT_EQ(open_fds(), fds);
	WEIR_EXPECT_EQ(bench_stats(&bench).clients_refused, 40);
	close(first);
	bench_end(&bench);
}

static void a_client_can_be_adopted(void)
{
	struct bench bench;
	struct vfu_client *client;
	int pair[2];
	int spare[2];
	uint32_t value;

	WEIR_REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	WEIR_REQUIRE_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, spare), 0);
	bench_init(&bench);
	bench.config.socket_path = NULL;
	bench_start(&bench);
	WEIR_EXPECT_EQ(vfu_server_adopt(bench.server, pair[0]), 0);
	WEIR_EXPECT_EQ(vfu_server_adopt(bench.server, spare[0]), -EBUSY);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_adopt(pair[1], NULL, &client), 0);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_CONFIG, 0, &value, 4), 0);
	WEIR_EXPECT_EQ(vfu_client_reconnect(client), -EOPNOTSUPP);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(spare[0]);
	close(spare[1]);
}

static void a_client_can_be_dropped(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	vfu_server_drop_client(bench.server);
	fd = raw_connect_agreed(&bench);
	WEIR_EXPECT(vfu_server_has_client(bench.server));
	WEIR_EXPECT_EQ(vfu_server_client_pid(bench.server), getpid());
	vfu_server_drop_client(bench.server);
	raw_region_read(&raw, VFU_REGION_CONFIG, 0, 4);
	raw_send(fd, &raw);
	bench_pump(&bench);
	WEIR_EXPECT(!vfu_server_has_client(bench.server));
	WEIR_EXPECT_EQ(vfu_server_client_pid(bench.server), -1);
	WEIR_EXPECT_EQ(bench.gone_reason, VFU_GONE_DROPPED);
	WEIR_EXPECT_EQ(bench_stats(&bench).gone[VFU_GONE_DROPPED], 1);
	WEIR_EXPECT(!raw_receive(&bench, fd, &reply));
	close(fd);
	close(raw_connect_agreed(&bench));
	bench_end(&bench);
}

const struct weir_test socket_tests[] = {
	{ "vfio_user.socket.the_socket_is_private_and_removed_at_the_end",
	  the_socket_is_private_and_removed_at_the_end },
	{ "vfio_user.socket.a_dead_servers_socket_is_replaced_a_live_ones_is_not",
	  a_dead_servers_socket_is_replaced_a_live_ones_is_not },
	{ "vfio_user.socket.a_configuration_that_contradicts_itself_is_refused",
	  a_configuration_that_contradicts_itself_is_refused },
	{ "vfio_user.socket.a_second_client_is_refused_until_the_first_has_left",
	  a_second_client_is_refused_until_the_first_has_left },
	{ "vfio_user.socket.those_refused_who_say_nothing_cost_little",
	  those_refused_who_say_nothing_cost_little },
	{ "vfio_user.socket.a_client_can_be_adopted", a_client_can_be_adopted },
	{ "vfio_user.socket.a_client_can_be_dropped", a_client_can_be_dropped },
};
const size_t socket_test_count = WEIR_TESTS(socket_tests);
