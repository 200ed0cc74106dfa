/* SPDX-License-Identifier: BSD-3-Clause */
/* Unmapping, and resetting, that the device takes its time for. */
#include "bench.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u
#define RW   (VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE)

static void an_unmap_is_answered_when_the_device_is_done(void)
{
	static struct raw unmap;
	static struct raw read;
	static struct raw_reply reply;
	struct vfu_message_dma_unmap echoed;
	struct bench bench;
	int memory = memory_fd(PAGE, true);
	int fd;
	void *address;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_dma_map(&unmap, 0, PAGE, memory);
	WEIR_REQUIRE_EQ(raw_exchange(&bench, fd, &unmap, &reply), 0);
	bench.unmap_result = VFU_PENDING;
	raw_dma_unmap(&unmap, 0, PAGE);
	raw_region_read(&read, VFU_REGION_CONFIG, 0, 4);
	raw_send(fd, &unmap);
	raw_send(fd, &read);
	WEIR_EXPECT(!raw_receive(&bench, fd, &reply));
	WEIR_EXPECT_EQ(bench.dma_unmaps, 1);
	/* Still mapped; nothing behind the unmap is looked at. */
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, 0, PAGE, true, &address), 0);
	WEIR_EXPECT_EQ(bench_stats(&bench).region_reads, 0);

	WEIR_EXPECT_EQ(vfu_server_complete_unmap(bench.server), 0);
	WEIR_EXPECT_EQ(vfu_server_complete_unmap(bench.server), -EINVAL);
	WEIR_REQUIRE(raw_receive(&bench, fd, &reply));
	WEIR_EXPECT_EQ(reply.header.command, VFU_COMMAND_DMA_UNMAP);
	WEIR_EXPECT_EQ(reply.header.message_id, raw_header(&unmap)->message_id);
	WEIR_REQUIRE_EQ(reply.payload_bytes, sizeof(echoed));
	memcpy(&echoed, reply.payload, sizeof(echoed));
	WEIR_EXPECT_EQ(echoed.length_bytes, PAGE);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
	WEIR_REQUIRE(raw_receive(&bench, fd, &reply));
	WEIR_EXPECT_EQ(reply.header.command, VFU_COMMAND_REGION_READ);
	close(fd);
	close(memory);
	bench_end(&bench);
}

static void an_unmap_may_be_complete_before_its_callback_returns(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int memory = memory_fd(PAGE, true);
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	bench.unmap_completes_early = true;
	for (int pending = 0; pending < 2; pending++) {
		bench.unmap_result = pending ? VFU_PENDING : VFU_DONE;
		raw_dma_map(&raw, 0, PAGE, memory);
		WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
		raw_dma_unmap(&raw, 0, PAGE);
		WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
		WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
	}
	close(fd);
	close(memory);
	bench_end(&bench);
}

static void *complete_later(void *argument)
{
	struct bench *bench = argument;

	while (vfu_server_complete_unmap(bench->server) != 0)
		usleep(1000);
	return NULL;
}

static void another_thread_completes_an_unmap(void)
{
	struct bench bench;
	struct vfu_client *client;
	pthread_t thread;
	int memory = memory_fd(PAGE, true);

	bench_init(&bench);
	bench.unmap_result = VFU_PENDING;
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	for (int i = 0; i < 20; i++) {
		WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, RW, memory, 0), 0);
		WEIR_REQUIRE_EQ(pthread_create(&thread, NULL, complete_later, &bench), 0);
		WEIR_EXPECT_EQ(i % 2 ? vfu_client_dma_unmap(client, 0, PAGE)
				     : vfu_client_dma_unmap_all(client),
			       0);
		pthread_join(thread, NULL);
	}
	vfu_client_destroy(client);
	bench_end(&bench);
	close(memory);
}

static void a_client_that_dies_during_an_unmap_is_released_in_steps(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int memory = memory_fd(PAGE, true);
	unsigned int fds;
	int fd;
	int next;

	bench_init(&bench);
	bench_start(&bench);
	fds = open_fds();
	fd = raw_connect_agreed(&bench);
	for (uint64_t i = 0; i < 3; i++) {
		raw_dma_map(&raw, i * PAGE, PAGE, memory);
		WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	}
	bench.unmap_result = VFU_PENDING;
	raw_dma_unmap(&raw, PAGE, PAGE);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), -1);
	close(fd);
	bench_pump(&bench);
	WEIR_EXPECT_EQ(bench.gone, 1);
	WEIR_EXPECT(!vfu_server_has_client(bench.server));
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 3);
	WEIR_EXPECT_EQ(bench.dma_unmaps, 1);

	/* Who comes now waits. */
	next = raw_connect(&bench);
	raw_version(&raw, NULL);
	WEIR_EXPECT_EQ(raw_exchange(&bench, next, &raw, &reply), -1);
	WEIR_EXPECT_EQ(vfu_server_complete_unmap(bench.server), 0);
	bench_pump(&bench);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 2);
	WEIR_EXPECT_EQ(bench.dma_unmaps, 2);
	WEIR_EXPECT(bench.unmapped_everything);
	WEIR_EXPECT(!raw_receive(&bench, next, &reply));
	WEIR_EXPECT_EQ(vfu_server_complete_unmap(bench.server), 0);
	WEIR_REQUIRE(raw_receive(&bench, next, &reply));
	WEIR_EXPECT_EQ(reply.header.flags, VFU_FLAG_TYPE_REPLY);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
	WEIR_EXPECT_EQ(bench.connected, 2);
	close(next);
	bench.unmap_result = VFU_DONE;
	bench_pump(&bench);
	WEIR_EXPECT_EQ(open_fds(), fds);
	bench_end(&bench);
	close(memory);
}

static void a_client_that_dies_during_a_reset_is_released_after_it(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int memory = memory_fd(PAGE, true);
	int fd;

	bench_init(&bench);
	bench.reset_result = VFU_PENDING;
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_dma_map(&raw, 0, PAGE, memory);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	raw_begin(&raw, VFU_COMMAND_DEVICE_RESET);
	raw_send(fd, &raw);
	close(fd);
	bench_pump(&bench);
	WEIR_EXPECT_EQ(bench.gone, 1);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 1);
	WEIR_EXPECT_EQ(vfu_server_complete_reset(bench.server, 0), 0);
	bench_pump(&bench);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
	close(raw_connect_agreed(&bench));
	bench_end(&bench);
	close(memory);
}

const struct weir_test unmap_tests[] = {
	{ "vfio_user.unmap.an_unmap_is_answered_when_the_device_is_done",
	  an_unmap_is_answered_when_the_device_is_done },
	{ "vfio_user.unmap.an_unmap_may_be_complete_before_its_callback_returns",
	  an_unmap_may_be_complete_before_its_callback_returns },
	{ "vfio_user.unmap.another_thread_completes_an_unmap", another_thread_completes_an_unmap },
	{ "vfio_user.unmap.a_client_that_dies_during_an_unmap_is_released_in_steps",
	  a_client_that_dies_during_an_unmap_is_released_in_steps },
	{ "vfio_user.unmap.a_client_that_dies_during_a_reset_is_released_after_it",
	  a_client_that_dies_during_a_reset_is_released_after_it },
};
const size_t unmap_test_count = WEIR_TESTS(unmap_tests);
