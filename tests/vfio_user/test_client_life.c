/* SPDX-License-Identifier: BSD-3-Clause */
/* The client when its server is gone and comes back, and when several threads use it. */
#include "bench.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u

static int call_read(struct vfu_client *client)
{
	uint32_t value;

	return vfu_client_region_read(client, VFU_REGION_CONFIG, 0, &value, sizeof(value));
}

static void no_server_is_an_error_not_a_wait(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct vfu_client *client = NULL;
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	WEIR_EXPECT_EQ(vfu_client_connect("/tmp/there_is_no_such_socket", NULL, &client), -ENOENT);
	WEIR_EXPECT_EQ(vfu_client_connect("", NULL, &client), -ENAMETOOLONG);
	/* A socket whose server has gone without removing it. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/vfio_user_test.%d.dead",
		 (int)getpid());
	WEIR_REQUIRE_EQ(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
	close(dead);
	WEIR_EXPECT_EQ(vfu_client_connect(address.sun_path, NULL, &client), -ECONNREFUSED);
	unlink(address.sun_path);
	WEIR_EXPECT(client == NULL);
}

static void a_server_that_takes_nobody_in_times_out(void)
{
	const struct vfu_client_config config = { .timeout_ms = 200 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct vfu_client *client = NULL;
	int waiting[16];
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int count = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/vfio_user_test.%d.hung",
		 (int)getpid());
	WEIR_REQUIRE_EQ(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	WEIR_REQUIRE_EQ(listen(listener, 1), 0);
	/* In the queue, but never answered. */
	WEIR_EXPECT_EQ(vfu_client_connect(address.sun_path, &config, &client), -ETIMEDOUT);
	/* Not even in the queue. */
	for (int full = 0; !full && count < 16; count++) {
		waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		full = connect(waiting[count], (struct sockaddr *)&address, sizeof(address)) < 0;
	}
	WEIR_EXPECT(count < 16);
	WEIR_EXPECT_EQ(vfu_client_connect(address.sun_path, &config, &client), -ETIMEDOUT);
	WEIR_EXPECT(client == NULL);
	while (count > 0)
		close(waiting[--count]);
	close(listener);
	unlink(address.sun_path);
}

/* A server in a process of its own. */
static pid_t start_server(struct bench *bench)
{
	pid_t child = fork();

	WEIR_REQUIRE(child >= 0);
	if (child == 0) {
		struct pollfd pollfd;

		if (vfu_server_create(&bench->config, &bench->server) != 0)
			_exit(1);
		pollfd = (struct pollfd){ .fd = vfu_server_fd(bench->server), .events = POLLIN };
		for (;;) {
			poll(&pollfd, 1, -1);
			vfu_server_process(bench->server);
		}
	}
	return child;
}

static void a_killed_server_is_noticed_and_found_again(void)
{
	struct bench bench;
	struct vfu_client *client = NULL;
	struct pollfd pollfd;
	int memory = memory_fd(PAGE, true);
	pid_t child;
	int error = -ENOENT;

	bench_init(&bench);
	child = start_server(&bench);
	for (int i = 0; i < 5000 && error != 0; i++) {
		error = vfu_client_connect(bench.path, NULL, &client);
		usleep(1000);
	}
	WEIR_REQUIRE_EQ(error, 0);
	for (int round = 0; round < 5; round++) {
		WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, VFU_DMA_MAP_READ, memory, 0), 0);
		pollfd = (struct pollfd){ .fd = vfu_client_fd(client) };
		WEIR_EXPECT_EQ(poll(&pollfd, 1, 0), 0);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		WEIR_EXPECT_EQ(poll(&pollfd, 1, 1000), 1);
		WEIR_EXPECT(pollfd.revents & POLLHUP);
		if (round % 2)
			WEIR_EXPECT_EQ(vfu_client_check(client), -ENOTCONN);
		WEIR_EXPECT_EQ(call_read(client), -ENOTCONN);
		WEIR_EXPECT_EQ(vfu_client_region_write(client, VFU_REGION_BAR0, 0, "x", 1,
						       VFU_CLIENT_POSTED),
			       -ENOTCONN);
		WEIR_EXPECT_EQ(vfu_client_reconnect(client), -ECONNREFUSED);
		child = start_server(&bench);
		for (int i = 0; i < 5000; i++) {
			error = vfu_client_reconnect(client);
			if (error == 0)
				break;
			usleep(1000);
		}
		WEIR_REQUIRE_EQ(error, 0);
		WEIR_EXPECT_EQ(call_read(client), 0);
	}
	vfu_client_destroy(client);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(bench.path);
	bench.server = NULL;
	bench_end(&bench);
	close(memory);
}

/* --- threads ------------------------------------------------------------------------------------- */

struct worker {
	struct vfu_client *client;
	uint64_t offset;
	unsigned int errors;
};

static void *read_and_write(void *argument)
{
	struct worker *worker = argument;

	for (uint32_t i = 0; i < 500; i++) {
		uint32_t value = i * 2654435761u + (uint32_t)worker->offset;
		uint32_t got = 0;

		if (vfu_client_region_write(worker->client, VFU_REGION_BAR0, worker->offset, &value,
					    4, i % 2 ? VFU_CLIENT_POSTED : 0) != 0 ||
		    vfu_client_region_read(worker->client, VFU_REGION_BAR0, worker->offset, &got,
					   4) != 0 ||
		    got != value)
			worker->errors++;
	}
	return NULL;
}

static void threads_share_a_client(void)
{
	struct bench bench;
	struct worker workers[4];
	pthread_t threads[4];
	struct vfu_client *client;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	for (unsigned int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .client = client, .offset = i * 4 };
		WEIR_REQUIRE_EQ(pthread_create(&threads[i], NULL, read_and_write, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		WEIR_EXPECT_EQ(workers[i].errors, 0);
	}
	vfu_client_destroy(client);
	bench_end(&bench);
}

const struct weir_test client_life_tests[] = {
	{ "vfio_user.client.no_server_is_an_error_not_a_wait", no_server_is_an_error_not_a_wait },
	{ "vfio_user.client.a_server_that_takes_nobody_in_times_out",
	  a_server_that_takes_nobody_in_times_out },
	{ "vfio_user.client.a_killed_server_is_noticed_and_found_again",
	  a_killed_server_is_noticed_and_found_again },
	{ "vfio_user.client.threads_share_a_client", threads_share_a_client },
};
const size_t client_life_test_count = WEIR_TESTS(client_life_tests);
