/* SPDX-License-Identifier: BSD-3-Clause */
/* Client memory: mapping, unmapping, waiting for the device, and memory that is not what it seems. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#define PAGE 4096u
#define RW   (VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE)

static void the_device_sees_the_clients_memory(void)
{
	struct bench bench;
	struct vfu_client *client;
	int fd = memory_fd(16 * PAGE, true);
	uint8_t *mine = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unsigned int mappings;
	void *theirs = NULL;

	WEIR_REQUIRE(mine != MAP_FAILED);
	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	mappings = open_mappings();
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0x100000, 8 * PAGE, RW, fd, 4 * PAGE), 0);
	WEIR_EXPECT_EQ(bench.last_map.iova, 0x100000);
	WEIR_EXPECT_EQ(bench.last_map.length_bytes, 8 * PAGE);
	WEIR_EXPECT_EQ(bench.last_map.offset_bytes, 4 * PAGE);
	WEIR_EXPECT(bench.last_map.readable && bench.last_map.writable && bench.last_map.sealed);
	WEIR_EXPECT(bench.last_map.address != NULL && bench.last_map.fd >= 0);
	WEIR_EXPECT_EQ(open_mappings(), mappings + 1);
	mine[4 * PAGE + 100] = 0x42;
	WEIR_REQUIRE_EQ(vfu_server_dma_find(bench.server, 0x100000 + 100, 8 * PAGE - 100, true,
					    &theirs),
			0);
	WEIR_EXPECT_EQ(*(uint8_t *)theirs, 0x42);
	*(uint8_t *)theirs = 0x43;
	WEIR_EXPECT_EQ(mine[4 * PAGE + 100], 0x43);
	WEIR_EXPECT_EQ(vfu_client_dma_unmap(client, 0x100000, 8 * PAGE), 0);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, 0x100000, 1, false, &theirs), -EFAULT);
	WEIR_EXPECT_EQ(open_mappings(), mappings);
	WEIR_EXPECT_EQ(bench.dma_unmaps, 1);
	WEIR_EXPECT(!bench.unmapped_everything);
	vfu_client_destroy(client);
	bench_end(&bench);
	munmap(mine, 16 * PAGE);
	close(fd);
}

static void ranges_are_found_whatever_order_they_came_in(void)
{
	/* A permutation of 0..36: 5 generates the multiplicative group of 37. */
	struct bench bench;
	struct vfu_client *client;
	int fd = memory_fd(PAGE, true);
	uint64_t slot = 1;
	void *address;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	for (int i = 0; i < 36; i++, slot = slot * 5 % 37)
		WEIR_EXPECT_EQ(vfu_client_dma_map(client, slot * 2 * PAGE, PAGE, RW, fd, 0), 0);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 36);
	for (uint64_t i = 0; i < 40; i++) {
		bool mapped = i >= 1 && i <= 36;
		uint64_t iova = i * 2 * PAGE;

		WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, iova, PAGE, true, &address),
			       mapped ? 0 : -EFAULT);
		WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, iova + PAGE - 1, 1, true, &address),
			       mapped ? 0 : -EFAULT);
		WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, iova + PAGE - 1, 2, true, &address),
			       -EFAULT);
		WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, iova + PAGE, 1, true, &address),
			       -EFAULT);
	}
	for (uint64_t i = 1; i <= 36; i += 2)
		WEIR_EXPECT_EQ(vfu_client_dma_unmap(client, i * 2 * PAGE, PAGE), 0);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 18);
	for (uint64_t i = 1; i <= 36; i++)
		WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, i * 2 * PAGE, 1, true, &address),
			       i % 2 ? -EFAULT : 0);
	WEIR_EXPECT_EQ(vfu_client_dma_unmap_all(client), 0);
	WEIR_EXPECT(bench.unmapped_everything);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_unmap_all(client), 0);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(fd);
}

static void the_end_of_the_address_space_can_be_mapped(void)
{
	struct bench bench;
	struct vfu_client *client;
	int fd = memory_fd(2 * PAGE, true);
	uint64_t last = UINT64_MAX - PAGE + 1;
	void *address;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, last, PAGE, RW, fd, 0), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, last - PAGE, PAGE, RW, fd, 0), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, last, 2 * PAGE, RW, fd, 0), -EINVAL);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, UINT64_MAX, 1, true, &address), 0);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, UINT64_MAX, 2, true, &address), -EFAULT);
	WEIR_EXPECT_EQ(vfu_client_dma_unmap(client, last, PAGE), 0);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(fd);
}

static void permissions_are_kept(void)
{
	struct bench bench;
	struct vfu_client *client;
	int fd = memory_fd(PAGE, true);
	void *address = NULL;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, VFU_DMA_MAP_READ, fd, 0), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, PAGE, PAGE, VFU_DMA_MAP_WRITE, fd, 0), 0);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, 0, 1, false, &address), 0);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, 0, 1, true, &address), -EACCES);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, PAGE, 1, false, &address), -EACCES);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, PAGE, 1, true, &address), 0);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(fd);
}

static void memory_without_a_descriptor_is_accepted_and_out_of_reach(void)
{
	struct bench bench;
	struct vfu_client *client;
	void *address = NULL;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0xc0000, 8 * PAGE, VFU_DMA_MAP_READ, -1, 0), 0);
	WEIR_EXPECT(bench.last_map.address == NULL);
	WEIR_EXPECT_EQ(bench.last_map.fd, -1);
	WEIR_EXPECT_EQ(vfu_server_dma_find(bench.server, 0xc0000, 1, false, &address), -ENXIO);
	WEIR_EXPECT_EQ(vfu_client_dma_unmap(client, 0xc0000, 8 * PAGE), 0);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void a_map_the_device_refuses_leaves_nothing(void)
{
	struct bench bench;
	struct vfu_client *client;
	int fd = memory_fd(PAGE, true);
	unsigned int mappings;
	unsigned int fds;

	bench_init(&bench);
	bench.dma_map_result = -ENOBUFS;
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	mappings = open_mappings();
	fds = open_fds();
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, RW, fd, 0), -ENOBUFS);
	bench.dma_map_result = 99;
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, RW, fd, 0), -EIO);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
	WEIR_EXPECT_EQ(open_mappings(), mappings);
	WEIR_EXPECT_EQ(open_fds(), fds);
	bench.dma_map_result = 0;
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, RW, fd, 0), 0);
	/* A mapping needs no descriptor once it is made. */
	WEIR_EXPECT_EQ(open_fds(), fds);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(fd);
}

/* --- memory that is not what it seems ------------------------------------------------------------- */

static int map_error(struct bench *bench, int client_fd, uint64_t iova, uint64_t length_bytes,
		     int memory)
{
	static struct raw raw;
	static struct raw_reply reply;

	raw_dma_map(&raw, iova, length_bytes, memory);
	return raw_exchange(bench, client_fd, &raw, &reply);
}

static void only_shared_memory_of_the_right_size_is_mapped(void)
{
	char path[] = "/var/tmp/vfio_user_test.XXXXXX";
	struct bench bench;
	struct statfs status;
	int memory = memory_fd(3 * PAGE + 100, false);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	int file = mkstemp(path);
	int eventfd = new_eventfd();
	int pipes[2];
	int fd;

	WEIR_REQUIRE(zero >= 0 && file >= 0 && pipe(pipes) == 0);
	unlink(path);
	WEIR_REQUIRE_EQ(ftruncate(file, 4 * PAGE), 0);
	WEIR_REQUIRE_EQ(fstatfs(file, &status), 0);
	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 0, 4 * PAGE, memory), EINVAL);
	WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_DMA], 1);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 0, 3 * PAGE, memory), 0);
	WEIR_EXPECT(!bench.last_map.sealed);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 16 * PAGE, PAGE, zero), EINVAL);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 16 * PAGE, PAGE, pipes[0]), EINVAL);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 16 * PAGE, PAGE, eventfd), EINVAL);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 16 * PAGE, PAGE, fd), EINVAL);
	if (status.f_type != TMPFS_MAGIC)
		WEIR_EXPECT_EQ(map_error(&bench, fd, 16 * PAGE, PAGE, file), EINVAL);
	close(fd);
	bench_end(&bench);

	bench_init(&bench);
	bench.config.allow_ordinary_files = true;
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 16 * PAGE, PAGE, file), 0);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 0, 5 * PAGE, file), EINVAL);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 0, PAGE, zero), EINVAL);
	close(fd);
	bench_end(&bench);
	close(memory);
	close(zero);
	close(file);
	close(eventfd);
	close(pipes[0]);
	close(pipes[1]);
}

static void a_descriptor_that_cannot_be_written_is_not_mapped_for_writing(void)
{
	char path[64];
	struct bench bench;
	int memory = memory_fd(PAGE, true);
	struct vfu_client *client;
	int read_only;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	read_only = open(path, O_RDONLY | O_CLOEXEC);
	WEIR_REQUIRE(read_only >= 0);
	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, RW, read_only, 0), -EACCES);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, PAGE, VFU_DMA_MAP_READ, read_only, 0), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, PAGE, PAGE, RW, memory, 100), -EINVAL);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(read_only);
	close(memory);
}

static void a_server_can_insist_on_sealed_memory(void)
{
	struct bench bench;
	int sealed = memory_fd(PAGE, true);
	int unsealed = memory_fd(PAGE, false);
	int fd;

	bench_init(&bench);
	bench.config.require_sealed_memory = true;
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 0, PAGE, unsealed), EPERM);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 0, PAGE, sealed), 0);
	close(fd);
	bench_end(&bench);
	close(sealed);
	close(unsealed);
}

static void no_more_maps_than_allowed(void)
{
	struct bench bench;
	int memory = memory_fd(PAGE, true);
	int fd;

	bench_init(&bench);
	bench.config.limits.max_dma_maps = 4;
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	for (uint64_t i = 0; i < 4; i++)
		WEIR_EXPECT_EQ(map_error(&bench, fd, i * PAGE, PAGE, memory), 0);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 4 * PAGE, PAGE, memory), ENOSPC);
	WEIR_EXPECT_EQ(bench.dma_maps, 4);
	close(fd);
	bench_end(&bench);
	close(memory);
}

static void overlaps_are_refused_on_every_side(void)
{
	struct bench bench;
	int memory = memory_fd(16 * PAGE, true);
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 8 * PAGE, 4 * PAGE, memory), 0);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 8 * PAGE, 4 * PAGE, memory), EEXIST);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 9 * PAGE, PAGE, memory), EEXIST);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 7 * PAGE, 2 * PAGE, memory), EEXIST);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 11 * PAGE, 2 * PAGE, memory), EEXIST);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 4 * PAGE, 12 * PAGE, memory), EEXIST);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 7 * PAGE, PAGE, memory), 0);
	WEIR_EXPECT_EQ(map_error(&bench, fd, 12 * PAGE, PAGE, memory), 0);
	WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_DMA], 5);
	close(fd);
	bench_end(&bench);
	close(memory);
}

/* What the child of the next test returns: 0 if all went as it should. */
static int survive_truncation(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int memory = memory_fd(4 * PAGE, false);
	volatile uint8_t *page;
	void *address = NULL;
	int result = 0;
	int fd;

	if (vfu_sigbus_guard_install() != 0 || vfu_sigbus_guard_install() != 0)
		return 10;
	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_dma_map(&raw, 0, 4 * PAGE, memory);
	if (raw_exchange(&bench, fd, &raw, &reply) != 0 ||
	    vfu_server_dma_find(bench.server, 0, 4 * PAGE, true, &address) != 0)
		return 11;
	page = address;
	page[2 * PAGE] = 1;
	if (ftruncate(memory, PAGE) != 0)
		return 12;
	/* These would have been the end. */
	if (page[2 * PAGE] != 0)
		return 13;
	page[3 * PAGE] = 7;
	if (page[3 * PAGE] != 7)
		return 14;
	if (!raw_is_closed(&bench, fd) || bench.gone != 1 ||
	    bench.gone_reason != VFU_GONE_LOST_MEMORY || vfu_server_dma_count(bench.server) != 0)
		result = 15;
	close(fd);
	/* The next client is none the worse for it. */
	fd = raw_connect_agreed(&bench);
	if (!vfu_server_has_client(bench.server))
		result = 16;
	close(fd);
	bench_end(&bench);
	close(memory);
	return result;
}

static void truncated_memory_costs_the_client_not_the_process(void)
{
	int status = 0;
	pid_t child = fork();

	WEIR_REQUIRE(child >= 0);
	if (child == 0)
		_exit(survive_truncation());
	WEIR_REQUIRE_EQ(waitpid(child, &status, 0), child);
	WEIR_EXPECT(WIFEXITED(status));
	WEIR_EXPECT_EQ(WEXITSTATUS(status), 0);
}

static void plain_handler(int signal_number)
{
	_exit(signal_number == SIGBUS ? 44 : 1);
}

static void full_handler(int signal_number, siginfo_t *info, void *context)
{
	_exit(signal_number == SIGBUS && info && info->si_code == BUS_ADRERR && context ? 45 : 1);
}

static void a_foreign_sigbus_goes_where_it_went_before(void)
{
	static const struct {
		struct sigaction before;
		int exit_status; /* 0: killed by the signal */
	} cases[] = {
		{ { .sa_handler = SIG_DFL }, 0 },
		{ { .sa_handler = SIG_IGN }, 0 },
		{ { .sa_handler = plain_handler }, 44 },
		{ { .sa_sigaction = full_handler, .sa_flags = SA_SIGINFO }, 45 },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		int status = 0;
		pid_t child = fork();

		WEIR_REQUIRE(child >= 0);
		if (child == 0) {
			int memory = memory_fd(PAGE, false);
			volatile uint8_t *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory, 0);

			if (sigaction(SIGBUS, &cases[i].before, NULL) != 0 ||
			    vfu_sigbus_guard_install() != 0 || ftruncate(memory, 0) != 0)
				_exit(1);
			_exit(page[0] ? 2 : 3);
		}
		WEIR_REQUIRE_EQ(waitpid(child, &status, 0), child);
		WEIR_EXPECT_EQ(WIFEXITED(status), cases[i].exit_status != 0);
		if (cases[i].exit_status)
			WEIR_EXPECT_EQ(WEXITSTATUS(status), cases[i].exit_status);
		else
			WEIR_EXPECT_EQ(WTERMSIG(status), SIGBUS);
	}
}

const struct weir_test memory_tests[] = {
	{ "vfio_user.memory.the_device_sees_the_clients_memory",
	  the_device_sees_the_clients_memory },
	{ "vfio_user.memory.ranges_are_found_whatever_order_they_came_in",
	  ranges_are_found_whatever_order_they_came_in },
	{ "vfio_user.memory.the_end_of_the_address_space_can_be_mapped",
	  the_end_of_the_address_space_can_be_mapped },
	{ "vfio_user.memory.permissions_are_kept", permissions_are_kept },
	{ "vfio_user.memory.memory_without_a_descriptor_is_accepted_and_out_of_reach",
	  memory_without_a_descriptor_is_accepted_and_out_of_reach },
	{ "vfio_user.memory.a_map_the_device_refuses_leaves_nothing",
	  a_map_the_device_refuses_leaves_nothing },
	{ "vfio_user.memory.only_shared_memory_of_the_right_size_is_mapped",
	  only_shared_memory_of_the_right_size_is_mapped },
	{ "vfio_user.memory.a_descriptor_that_cannot_be_written_is_not_mapped_for_writing",
	  a_descriptor_that_cannot_be_written_is_not_mapped_for_writing },
	{ "vfio_user.memory.a_server_can_insist_on_sealed_memory",
	  a_server_can_insist_on_sealed_memory },
	{ "vfio_user.memory.no_more_maps_than_allowed", no_more_maps_than_allowed },
	{ "vfio_user.memory.overlaps_are_refused_on_every_side",
	  overlaps_are_refused_on_every_side },
	{ "vfio_user.memory.truncated_memory_costs_the_client_not_the_process",
	  truncated_memory_costs_the_client_not_the_process },
	{ "vfio_user.memory.a_foreign_sigbus_goes_where_it_went_before",
	  a_foreign_sigbus_goes_where_it_went_before },
};
const size_t memory_test_count = WEIR_TESTS(memory_tests);
