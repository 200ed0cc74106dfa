/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's client against its server: what the device is, its regions, its reset. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct vfu_client *connect_client(struct bench *bench)
{
	struct vfu_client *client = NULL;

	WEIR_REQUIRE_EQ(vfu_client_connect(bench->path, NULL, &client), 0);
	return client;
}

static void both_sides_learn_the_limits(void)
{
	struct bench bench;
	struct vfu_client *client;
	struct vfu_client_limits limits;

	bench_init(&bench);
	bench.config.limits = (struct vfu_server_limits){
		.max_message_fds = 5,
		.max_data_transfer_bytes = 8192,
		.max_dma_maps = 77,
		.page_sizes = 4096 | (2u << 20),
	};
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	limits = vfu_client_get_limits(client);
	WEIR_EXPECT_EQ(limits.max_message_fds, 5);
	WEIR_EXPECT_EQ(limits.max_data_transfer_bytes, 8192);
	WEIR_EXPECT_EQ(limits.max_dma_maps, 77);
	WEIR_EXPECT_EQ(limits.page_sizes, 4096 | (2u << 20));
	WEIR_EXPECT(limits.write_multiple);
	WEIR_EXPECT_EQ(bench.connected, 1);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void device_region_and_irq_information_is_told(void)
{
	struct bench bench;
	struct vfu_client *client;
	uint32_t flags = 0;
	uint32_t regions = 0;
	uint32_t irqs = 0;
	uint32_t count = 0;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	WEIR_EXPECT_EQ(vfu_client_device_info(client, &flags, &regions, &irqs), 0);
	WEIR_EXPECT_EQ(flags, VFU_DEVICE_PCI | VFU_DEVICE_RESET);
	WEIR_EXPECT_EQ(regions, 9);
	WEIR_EXPECT_EQ(irqs, 5);
	for (uint32_t i = 0; i < VFU_REGIONS; i++) {
		const struct vfu_server_region *expected = &bench.config.regions[i];
		struct vfu_client_region region;

		WEIR_REQUIRE_EQ(vfu_client_region_info(client, i, &region), 0);
		WEIR_EXPECT_EQ(region.size_bytes, expected->size_bytes);
		WEIR_EXPECT_EQ(!!(region.flags & VFU_REGION_READ), expected->readable);
		WEIR_EXPECT_EQ(!!(region.flags & VFU_REGION_WRITE), expected->writable);
		WEIR_EXPECT_EQ(!!(region.flags & VFU_REGION_MMAP), expected->mappable);
		WEIR_EXPECT_EQ(region.fd >= 0, expected->mappable);
		vfu_client_region_release(&region);
	}
	for (uint32_t i = 0; i < VFU_IRQS; i++) {
		WEIR_EXPECT_EQ(vfu_client_irq_info(client, i, &flags, &count), 0);
		WEIR_EXPECT_EQ(count, bench.config.irqs[i].count);
		WEIR_EXPECT_EQ(flags, VFU_IRQ_INFO_EVENTFD | bench.config.irqs[i].flags);
	}
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void a_region_is_mapped_whole_or_in_its_sparse_areas(void)
{
	struct bench bench;
	struct vfu_client *client;
	struct vfu_client_region region;
	volatile uint8_t *mapped;
	void *address = NULL;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);

	WEIR_REQUIRE_EQ(vfu_client_region_info(client, VFU_REGION_BAR2, &region), 0);
	WEIR_REQUIRE_EQ(region.area_count, 2);
	WEIR_EXPECT_EQ(region.areas[0].offset_bytes, 4096);
	WEIR_EXPECT_EQ(region.areas[0].size_bytes, 8192);
	WEIR_EXPECT_EQ(region.areas[1].offset_bytes, 32768);
	WEIR_EXPECT_EQ(region.areas[1].size_bytes, 4096);
	WEIR_EXPECT_EQ(vfu_client_region_map(&region, 2, &address), -ENXIO);
	WEIR_REQUIRE_EQ(vfu_client_region_map(&region, 1, &address), 0);
	mapped = address;
	bench.regions[VFU_REGION_BAR2][32768 + 5] = 0x5a;
	WEIR_EXPECT_EQ(mapped[5], 0x5a);
	mapped[6] = 0xa5;
	WEIR_EXPECT_EQ(bench.regions[VFU_REGION_BAR2][32768 + 6], 0xa5);
	munmap(address, 4096);
	vfu_client_region_release(&region);

	WEIR_REQUIRE_EQ(vfu_client_region_info(client, VFU_REGION_BAR4, &region), 0);
	WEIR_REQUIRE_EQ(region.area_count, 1);
	WEIR_EXPECT_EQ(region.areas[0].offset_bytes, 0);
	WEIR_EXPECT_EQ(region.areas[0].size_bytes, BAR4_BYTES);
	WEIR_REQUIRE_EQ(vfu_client_region_map(&region, 0, &address), 0);
	bench.regions[VFU_REGION_BAR4][4095] = 0x77;
	WEIR_EXPECT_EQ(((uint8_t *)address)[4095], 0x77);
	munmap(address, BAR4_BYTES);
	vfu_client_region_release(&region);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void many_sparse_areas_are_asked_for_twice(void)
{
	static struct vfu_sparse_area areas[200];
	struct bench bench;
	struct vfu_client *client;
	struct vfu_client_region region;

	bench_init(&bench);
	for (uint32_t i = 0; i < 200; i++)
		areas[i] = (struct vfu_sparse_area){ i * 2 * 4096ull, 4096 };
	bench.config.regions[VFU_REGION_BAR2].size_bytes = 400 * 4096;
	bench.config.regions[VFU_REGION_BAR2].sparse_areas = areas;
	bench.config.regions[VFU_REGION_BAR2].sparse_area_count = 200;
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	WEIR_REQUIRE_EQ(vfu_client_region_info(client, VFU_REGION_BAR2, &region), 0);
	WEIR_REQUIRE_EQ(region.area_count, 200);
	WEIR_EXPECT_MEM(region.areas, areas, sizeof(areas));
	vfu_client_region_release(&region);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void region_bytes_arrive_at_every_size_and_offset(void)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 7, 8, 64, 65, 4096, 1048576, 1048577, 3000000 };
	struct bench bench;
	struct vfu_client *client;
	uint8_t *sent = malloc(BAR0_BYTES);
	uint8_t *got = malloc(BAR0_BYTES);

	WEIR_REQUIRE(sent && got);
	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	for (size_t i = 0; i < BAR0_BYTES; i++)
		sent[i] = (uint8_t)(i * 31 + i / 251);
	for (size_t i = 0; i < WEIR_TESTS(sizes); i++) {
		for (uint64_t offset = 0; offset < 4; offset++) {
			size_t size = sizes[i];

			memset(got, 0, size);
			WEIR_EXPECT_EQ(vfu_client_region_write(client, VFU_REGION_BAR0, offset,
							       sent + offset, size, 0),
				       0);
			WEIR_EXPECT_MEM(bench.regions[VFU_REGION_BAR0] + offset, sent + offset,
					size);
			WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, offset, got,
							      size),
				       0);
			WEIR_EXPECT_MEM(got, sent + offset, size);
		}
	}
	/* The last byte of a region can be reached, the one behind it cannot. */
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, BAR0_BYTES - 1, got, 1), 0);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, BAR0_BYTES, got, 1), -EINVAL);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, BAR0_BYTES - 1, got, 2),
		       -EINVAL);
	vfu_client_destroy(client);
	bench_end(&bench);
	free(sent);
	free(got);
}

static void posted_writes_come_before_what_follows_them(void)
{
	struct bench bench;
	struct vfu_client *client;
	uint32_t value;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	for (uint32_t i = 1; i <= 1000; i++)
		WEIR_REQUIRE_EQ(vfu_client_region_write(client, VFU_REGION_BAR0, 16, &i, sizeof(i),
							VFU_CLIENT_POSTED),
				0);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, 16, &value, sizeof(value)),
		       0);
	WEIR_EXPECT_EQ(value, 1000);
	/* An error of a posted write is counted, and not told. */
	WEIR_EXPECT_EQ(vfu_client_region_write(client, VFU_REGION_BAR0, BAR0_BYTES, &value, 4,
					       VFU_CLIENT_POSTED),
		       0);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, 16, &value, 4), 0);
	WEIR_EXPECT_EQ(bench_stats(&bench).errors_unanswered, 1);
	WEIR_EXPECT_EQ(bench_stats(&bench).region_writes, 1000);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void many_writes_go_in_one_message(void)
{
	struct bench bench;
	struct vfu_client *client;
	struct vfu_client_write writes[200];
	uint64_t replies;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	for (uint32_t i = 0; i < 200; i++)
		writes[i] = (struct vfu_client_write){
			.region = VFU_REGION_BAR0,
			.offset_bytes = i * 8,
			.count_bytes = i % 8 + 1,
			.value = 0x8877665544332211ull + i,
		};
	replies = bench_stats(&bench).replies;
	WEIR_EXPECT_EQ(vfu_client_region_write_multi(client, writes, 200, 0), 0);
	WEIR_EXPECT_EQ(bench_stats(&bench).replies, replies + 1);
	for (uint32_t i = 0; i < 200; i++) {
		uint64_t expected = 0;

		memcpy(&expected, &writes[i].value, writes[i].count_bytes);
		WEIR_EXPECT_MEM(bench.regions[VFU_REGION_BAR0] + i * 8, &expected, 8);
	}
	WEIR_EXPECT_EQ(vfu_client_region_write_multi(client, writes, 0, 0), -EINVAL);
	WEIR_EXPECT_EQ(vfu_client_region_write_multi(client, writes, 201, 0), -EINVAL);
	writes[1].count_bytes = 9;
	WEIR_EXPECT_EQ(vfu_client_region_write_multi(client, writes, 2, 0), -EINVAL);
	writes[1].count_bytes = 8;
	writes[1].region = VFU_REGION_ROM;
	writes[0].value = 0;
	WEIR_EXPECT_EQ(vfu_client_region_write_multi(client, writes, 2, 0), -EACCES);
	/* Nothing of it was written. */
	WEIR_EXPECT_EQ(bench.regions[VFU_REGION_BAR0][0], 0x11);
	WEIR_EXPECT_EQ(vfu_client_region_write_multi(client, writes, 1, VFU_CLIENT_POSTED), 0);
	WEIR_EXPECT_EQ(vfu_client_check(client), 0);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void what_the_device_refuses_the_client_is_told(void)
{
	struct bench bench;
	struct vfu_client *client;
	struct vfu_client_write write = { VFU_REGION_BAR0, 0, 4, 1 };
	uint32_t value = 1;

	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	bench.read_result = -ENODEV;
	bench.write_result = -EROFS;
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, 0, &value, 4), -ENODEV);
	WEIR_EXPECT_EQ(vfu_client_region_write(client, VFU_REGION_BAR0, 0, &value, 4, 0), -EROFS);
	WEIR_EXPECT_EQ(vfu_client_region_write_multi(client, &write, 1, 0), -EROFS);
	/* What is no errno becomes one. */
	bench.read_result = 17;
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, 0, &value, 4), -EIO);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR1, 0, &value, 4), -EACCES);
	WEIR_EXPECT_EQ(vfu_client_region_write(client, VFU_REGION_ROM, 0, &value, 4, 0), -EACCES);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_VGA, 0, &value, 1), -EINVAL);
	WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_DEVICE], 4);
	WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_REGION], 3);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void reset_is_done_at_once_or_later_or_refused(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_begin(&raw, VFU_COMMAND_DEVICE_RESET);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	WEIR_EXPECT_EQ(bench.resets, 1);
	bench.reset_result = -EAGAIN;
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), EAGAIN);

	bench.reset_result = VFU_PENDING;
	WEIR_EXPECT_EQ(vfu_server_complete_reset(bench.server, 0), -EINVAL);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), -1);
	WEIR_EXPECT_EQ(vfu_server_complete_unmap(bench.server), -EINVAL);
	WEIR_EXPECT_EQ(vfu_server_complete_reset(bench.server, 5), -EINVAL);
	WEIR_EXPECT_EQ(vfu_server_complete_reset(bench.server, 0), 0);
	WEIR_REQUIRE(raw_receive(&bench, fd, &reply));
	WEIR_EXPECT_EQ(reply.header.flags, VFU_FLAG_TYPE_REPLY);
	WEIR_EXPECT_EQ(reply.header.message_id, raw_header(&raw)->message_id);

	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), -1);
	WEIR_EXPECT_EQ(vfu_server_complete_reset(bench.server, -EIO), 0);
	WEIR_REQUIRE(raw_receive(&bench, fd, &reply));
	WEIR_EXPECT_EQ(reply.header.error_number, EIO);
	WEIR_EXPECT_EQ(bench_stats(&bench).resets, 4);
	close(fd);
	bench_end(&bench);
}

static void a_device_without_reset_says_so(void)
{
	static struct vfu_server_callbacks without;
	struct bench bench;
	struct vfu_client *client;
	uint32_t flags = 0;
	uint32_t ignored;

	bench_init(&bench);
	without = *bench.config.callbacks;
	without.device_reset = NULL;
	bench.config.callbacks = &without;
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	WEIR_EXPECT_EQ(vfu_client_device_info(client, &flags, &ignored, &ignored), 0);
	WEIR_EXPECT_EQ(flags, VFU_DEVICE_PCI);
	WEIR_EXPECT_EQ(vfu_client_device_reset(client), -EOPNOTSUPP);
	vfu_client_destroy(client);
	bench_end(&bench);
}

static void only_the_two_region_callbacks_are_needed(void)
{
	static struct vfu_server_callbacks few;
	struct bench bench;
	struct vfu_client *client;
	int memory = memory_fd(4096, true);
	int eventfd = new_eventfd();
	uint32_t value = 0x12345678;
	uint32_t got = 0;

	bench_init(&bench);
	few.region_read = bench.config.callbacks->region_read;
	few.region_write = bench.config.callbacks->region_write;
	bench.config.callbacks = &few;
	bench.config.irqs[VFU_IRQ_MSIX].flags = 0;
	bench_start(&bench);
	bench_run_thread(&bench);
	client = connect_client(&bench);
	WEIR_EXPECT_EQ(vfu_client_region_write(client, VFU_REGION_BAR0, 0, &value, 4, 0), 0);
	WEIR_EXPECT_EQ(vfu_client_region_read(client, VFU_REGION_BAR0, 0, &got, 4), 0);
	WEIR_EXPECT_EQ(got, value);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, 4096, VFU_DMA_MAP_READ, memory, 0), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_unmap(client, 0, 4096), 0);
	WEIR_EXPECT_EQ(vfu_client_dma_map(client, 0, 4096, VFU_DMA_MAP_READ, memory, 0), 0);
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(client, VFU_IRQ_MSIX, 0, 1, &eventfd), 0);
	WEIR_EXPECT_EQ(vfu_client_irq_action(client, VFU_IRQ_MSIX, 0, 1, VFU_IRQ_SET_ACTION_MASK),
		       -EOPNOTSUPP);
	vfu_client_destroy(client);
	client = connect_client(&bench);
	WEIR_EXPECT_EQ(vfu_server_dma_count(bench.server), 0);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(memory);
	close(eventfd);
}

const struct weir_test device_tests[] = {
	{ "vfio_user.device.both_sides_learn_the_limits", both_sides_learn_the_limits },
	{ "vfio_user.device.device_region_and_irq_information_is_told",
	  device_region_and_irq_information_is_told },
	{ "vfio_user.device.a_region_is_mapped_whole_or_in_its_sparse_areas",
	  a_region_is_mapped_whole_or_in_its_sparse_areas },
	{ "vfio_user.device.many_sparse_areas_are_asked_for_twice",
	  many_sparse_areas_are_asked_for_twice },
	{ "vfio_user.device.region_bytes_arrive_at_every_size_and_offset",
	  region_bytes_arrive_at_every_size_and_offset },
	{ "vfio_user.device.posted_writes_come_before_what_follows_them",
	  posted_writes_come_before_what_follows_them },
	{ "vfio_user.device.many_writes_go_in_one_message", many_writes_go_in_one_message },
	{ "vfio_user.device.what_the_device_refuses_the_client_is_told",
	  what_the_device_refuses_the_client_is_told },
	{ "vfio_user.device.reset_is_done_at_once_or_later_or_refused",
	  reset_is_done_at_once_or_later_or_refused },
	{ "vfio_user.device.a_device_without_reset_says_so", a_device_without_reset_says_so },
	{ "vfio_user.device.only_the_two_region_callbacks_are_needed",
	  only_the_two_region_callbacks_are_needed },
};
const size_t device_test_count = WEIR_TESTS(device_tests);
