/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that are not as they should be: what they are answered, what is counted, and what it costs. */
#include "case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u

static void headers(void)
{
	struct case_bench *c = case_begin();

	for (uint32_t size = 0; size < sizeof(struct vfu_header); size++) {
		raw_begin(&c->raw, VFU_COMMAND_DEVICE_RESET);
		raw_header(&c->raw)->size_bytes = size;
		EXPECT_HANGUP(c, EINVAL, VFU_FAULT_HEADER);
	}
	for (uint32_t type = 2; type < 16; type++) {
		raw_begin(&c->raw, VFU_COMMAND_DEVICE_RESET);
		raw_header(&c->raw)->flags = type;
		EXPECT_REFUSED(c, EINVAL, VFU_FAULT_HEADER);
	}
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_RESET);
	raw_header(&c->raw)->flags = VFU_FLAG_ERROR;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_HEADER);
	for (uint32_t bit = 6; bit < 32; bit++) {
		raw_begin(&c->raw, VFU_COMMAND_DEVICE_RESET);
		raw_header(&c->raw)->flags = 1u << bit;
		EXPECT_REFUSED(c, EINVAL, VFU_FAULT_HEADER);
	}
	WEIR_EXPECT_EQ(c->bench.resets, 0);
	case_end(c);
}

static void a_stray_reply_is_dropped_in_silence(void)
{
	struct case_bench *c = case_begin();

	raw_region_read(&c->raw, VFU_REGION_CONFIG, 0, 4);
	raw_header(&c->raw)->flags = VFU_FLAG_TYPE_REPLY;
	raw_header(&c->raw)->command = VFU_COMMAND_DMA_READ;
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), -1);
	WEIR_EXPECT_EQ(bench_stats(&c->bench).faults[VFU_FAULT_HEADER], 1);
	WEIR_EXPECT_EQ(bench_stats(&c->bench).errors_unanswered, 1);
	WEIR_EXPECT(!raw_is_closed(&c->bench, c->fd));
	case_end(c);
}

static void commands(void)
{
	static const uint16_t unknown[] = { 0, 11, 12, 14, 17, 18, 19, 20, 255, 65535 };
	struct case_bench *c = case_begin();
	const struct vfu_message_device_feature feature = { sizeof(feature), VFU_FEATURE_GET | 1 };

	for (size_t i = 0; i < WEIR_TESTS(unknown); i++) {
		raw_begin(&c->raw, unknown[i]);
		raw_add(&c->raw, "0123456789abcdef", 16);
		EXPECT_REFUSED(c, EOPNOTSUPP, VFU_FAULT_COMMAND);
	}
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_FEATURE);
	raw_add(&c->raw, &feature, sizeof(feature));
	EXPECT_REFUSED(c, ENOTTY, VFU_FAULT_COMMAND);
	raw_version(&c->raw, NULL);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_STATE);
	case_end(c);
}

/* Every command, with every payload shorter than its own and, where that is wrong, longer. */
static void payload_sizes(void)
{
	static const struct {
		uint16_t command;
		size_t size;
		bool longer; /* may be */
	} shapes[] = {
		{ VFU_COMMAND_DMA_MAP, sizeof(struct vfu_message_dma_map), false },
		{ VFU_COMMAND_DMA_UNMAP, sizeof(struct vfu_message_dma_unmap), false },
		{ VFU_COMMAND_DEVICE_GET_INFO, sizeof(struct vfu_message_device_info), true },
		{ VFU_COMMAND_DEVICE_GET_REGION_INFO, sizeof(struct vfu_message_region_info), true },
		{ VFU_COMMAND_DEVICE_GET_REGION_IO_FDS, sizeof(struct vfu_message_region_io_fds),
		  true },
		{ VFU_COMMAND_DEVICE_GET_IRQ_INFO, sizeof(struct vfu_message_irq_info), true },
		{ VFU_COMMAND_DEVICE_SET_IRQS, sizeof(struct vfu_message_set_irqs), true },
		{ VFU_COMMAND_REGION_READ, sizeof(struct vfu_message_region_access), false },
		{ VFU_COMMAND_REGION_WRITE, sizeof(struct vfu_message_region_access), true },
		{ VFU_COMMAND_DEVICE_RESET, 0, false },
		{ VFU_COMMAND_REGION_WRITE_MULTI, sizeof(struct vfu_message_write_multi), true },
		{ VFU_COMMAND_DEVICE_FEATURE, sizeof(struct vfu_message_device_feature), true },
	};
	static const uint8_t zeros[64];
	struct case_bench *c = case_begin();

	for (size_t i = 0; i < WEIR_TESTS(shapes); i++) {
		for (size_t size = 0; size < shapes[i].size; size++) {
			raw_begin(&c->raw, shapes[i].command);
			raw_add(&c->raw, zeros, size);
			EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
		}
		for (size_t more = 1; !shapes[i].longer && more < 20; more += 3) {
			raw_begin(&c->raw, shapes[i].command);
			raw_add(&c->raw, zeros, shapes[i].size + more);
			EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
		}
	}
	WEIR_EXPECT_EQ(c->bench.resets, 0);
	case_end(c);
}

static void argument_sizes(void)
{
	struct case_bench *c = case_begin();
	struct vfu_message_device_feature feature = { 7, VFU_FEATURE_GET | 1 };

	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_INFO);
	raw_add(&c->raw, &(struct vfu_message_device_info){ .argument_bytes = 15 }, 16);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_REGION_INFO);
	raw_add(&c->raw, &(struct vfu_message_region_info){ .argument_bytes = 31 }, 32);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_REGION_IO_FDS);
	raw_add(&c->raw, &(struct vfu_message_region_io_fds){ .argument_bytes = 15 }, 16);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_IRQ_INFO);
	raw_add(&c->raw, &(struct vfu_message_irq_info){ .argument_bytes = 15 }, 16);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_FEATURE);
	raw_add(&c->raw, &feature, sizeof(feature));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	((struct vfu_message_dma_map *)payload(c))->argument_bytes = 31;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_dma_unmap(&c->raw, 0, PAGE);
	((struct vfu_message_dma_unmap *)payload(c))->argument_bytes = 23;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_set_irqs(&c->raw, VFU_IRQ_SET_DATA_NONE | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 0,
		     1);
	((struct vfu_message_set_irqs *)payload(c))->argument_bytes = 19;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	case_end(c);
}

static void too_little_room_gets_the_size_it_takes(void)
{
	struct case_bench *c = case_begin();
	struct vfu_message_region_info info = { .argument_bytes = sizeof(info),
						.index = VFU_REGION_BAR2 };
	struct vfu_message_region_info got;

	for (uint32_t room = 32; room <= 80; room += 4) {
		bool enough = room >= 32 + 16 + 2 * 16;

		info.argument_bytes = room;
		raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_REGION_INFO);
		raw_add(&c->raw, &info, sizeof(info));
		WEIR_REQUIRE_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), 0);
		memcpy(&got, c->reply.payload, sizeof(got));
		WEIR_EXPECT_EQ(got.argument_bytes, 80);
		WEIR_EXPECT_EQ(c->reply.payload_bytes, enough ? 80 : 32);
		WEIR_EXPECT_EQ(c->reply.fd >= 0, enough);
		WEIR_EXPECT_EQ(got.flags & (VFU_REGION_MMAP | VFU_REGION_CAPABILITIES),
			       enough ? VFU_REGION_MMAP | VFU_REGION_CAPABILITIES : 0);
		if (c->reply.fd >= 0)
			close(c->reply.fd);
	}
	case_end(c);
}

static void regions(void)
{
	static const struct {
		uint32_t region;
		uint64_t offset;
		uint32_t count;
		int error;
	} reads[] = {
		{ VFU_REGIONS, 0, 1, EINVAL },
		{ UINT32_MAX, 0, 1, EINVAL },
		{ VFU_REGION_CONFIG, 0, 0, EINVAL },
		{ VFU_REGION_CONFIG, CONFIG_BYTES, 1, EINVAL },
		{ VFU_REGION_CONFIG, CONFIG_BYTES - 1, 2, EINVAL },
		{ VFU_REGION_CONFIG, 1, CONFIG_BYTES, EINVAL },
		{ VFU_REGION_CONFIG, UINT64_MAX, 1, EINVAL },
		{ VFU_REGION_CONFIG, UINT64_MAX - 3, 8, EINVAL },
		{ VFU_REGION_BAR5, 0, 1, EINVAL },
		{ VFU_REGION_BAR1, 0, 1, EACCES },
	};
	struct case_bench *c = case_begin();
	struct vfu_message_region_info info = { .argument_bytes = 32, .index = VFU_REGIONS };
	struct vfu_message_region_io_fds io = { .argument_bytes = 16, .index = VFU_REGIONS };

	for (size_t i = 0; i < WEIR_TESTS(reads); i++) {
		raw_region_read(&c->raw, reads[i].region, reads[i].offset, reads[i].count);
		EXPECT_REFUSED(c, reads[i].error, VFU_FAULT_REGION);
	}
	raw_region_write(&c->raw, VFU_REGION_ROM, 0, "x", 1);
	EXPECT_REFUSED(c, EACCES, VFU_FAULT_REGION);
	raw_region_write(&c->raw, VFU_REGION_BAR0, BAR0_BYTES, "x", 1);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_REGION);
	raw_region_write(&c->raw, VFU_REGION_BAR0, 0, "", 0);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_REGION);
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_REGION_INFO);
	raw_add(&c->raw, &info, sizeof(info));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_REGION);
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_REGION_IO_FDS);
	raw_add(&c->raw, &io, sizeof(io));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_REGION);
	io = (struct vfu_message_region_io_fds){ .argument_bytes = 16, .flags = 1 };
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_REGION_IO_FDS);
	raw_add(&c->raw, &io, sizeof(io));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_REGION);
	/* Asked rightly, the answer is that there are none. */
	io.flags = 0;
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_REGION_IO_FDS);
	raw_add(&c->raw, &io, sizeof(io));
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), 0);
	memcpy(&io, c->reply.payload, sizeof(io));
	WEIR_EXPECT_EQ(io.argument_bytes, 16);
	WEIR_EXPECT_EQ(io.count, 0);
	case_end(c);
}

static void counts_that_do_not_fit(void)
{
	struct case_bench *c = case_begin();
	struct vfu_message_write_multi multi = { 2 };
	struct vfu_multi_write write = { 0, VFU_REGION_BAR0, 4, { 1 } };

	raw_region_write(&c->raw, VFU_REGION_BAR0, 0, "abcd", 4);
	((struct vfu_message_region_access *)payload(c))->count_bytes = 5;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_region_write(&c->raw, VFU_REGION_BAR0, 0, "abcd", 4);
	((struct vfu_message_region_access *)payload(c))->count_bytes = 3;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_region_read(&c->raw, VFU_REGION_BAR0, 0, (1u << 20) + 1);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_region_read(&c->raw, VFU_REGION_BAR0, 0, UINT32_MAX);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);

	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE_MULTI);
	raw_add(&c->raw, &multi, sizeof(multi));
	raw_add(&c->raw, &write, sizeof(write));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	multi.write_count = 0;
	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE_MULTI);
	raw_add(&c->raw, &multi, sizeof(multi));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	/* 24 times this is 24 again. */
	multi.write_count = (UINT64_MAX / 24) + 2;
	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE_MULTI);
	raw_add(&c->raw, &multi, sizeof(multi));
	raw_add(&c->raw, &write, sizeof(write));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	multi.write_count = 1;
	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE_MULTI);
	raw_add(&c->raw, &multi, sizeof(multi));
	raw_add(&c->raw, &write, sizeof(write));
	raw_add(&c->raw, "x", 1);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	write.count_bytes = 9;
	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE_MULTI);
	raw_add(&c->raw, &multi, sizeof(multi));
	raw_add(&c->raw, &write, sizeof(write));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	write.count_bytes = 8;
	write.offset_bytes = BAR0_BYTES - 7;
	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE_MULTI);
	raw_add(&c->raw, &multi, sizeof(multi));
	raw_add(&c->raw, &write, sizeof(write));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_REGION);
	case_end(c);
}

static void dma_maps(void)
{
	struct case_bench *c = case_begin();
	struct vfu_message_dma_map *map = payload(c);
	struct vfu_message_dma_unmap *unmap = payload(c);

	raw_dma_map(&c->raw, 0, 0, c->memory);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, PAGE - 1, c->memory);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 1, PAGE, c->memory);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, UINT64_MAX - PAGE + 1, 2 * PAGE, c->memory);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, 1ull << 63, c->memory);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, 17 * PAGE, c->memory);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	map->offset_bytes = 16 * PAGE;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	map->offset_bytes = UINT64_MAX - PAGE + 1;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	map->offset_bytes = 1;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	map->flags = 0;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	map->flags |= VFU_DMA_MAP_FILE_IO;
	EXPECT_REFUSED(c, EOPNOTSUPP, VFU_FAULT_DMA);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	map->flags |= 0x80000000u;
	EXPECT_REFUSED(c, EOPNOTSUPP, VFU_FAULT_DMA);

	raw_dma_map(&c->raw, 4 * PAGE, 2 * PAGE, c->memory);
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), 0);
	raw_dma_unmap(&c->raw, 4 * PAGE, PAGE);
	EXPECT_REFUSED(c, ENOENT, VFU_FAULT_DMA);
	raw_dma_unmap(&c->raw, 5 * PAGE, PAGE);
	EXPECT_REFUSED(c, ENOENT, VFU_FAULT_DMA);
	raw_dma_unmap(&c->raw, 3 * PAGE, 3 * PAGE);
	EXPECT_REFUSED(c, ENOENT, VFU_FAULT_DMA);
	raw_dma_unmap(&c->raw, 64 * PAGE, PAGE);
	EXPECT_REFUSED(c, ENOENT, VFU_FAULT_DMA);
	raw_dma_unmap(&c->raw, 4 * PAGE, 2 * PAGE);
	unmap->flags = VFU_DMA_UNMAP_DIRTY_BITMAP;
	EXPECT_REFUSED(c, EOPNOTSUPP, VFU_FAULT_DMA);
	raw_dma_unmap(&c->raw, 4 * PAGE, 2 * PAGE);
	unmap->flags = VFU_DMA_UNMAP_ALL;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_DMA);
	WEIR_EXPECT_EQ(vfu_server_dma_count(c->bench.server), 1);
	WEIR_EXPECT_EQ(c->bench.dma_unmaps, 0);
	case_end(c);
}

static void interrupts(void)
{
	const uint32_t none = VFU_IRQ_SET_DATA_NONE | VFU_IRQ_SET_ACTION_TRIGGER;
	const uint32_t events = VFU_IRQ_SET_DATA_EVENTFD | VFU_IRQ_SET_ACTION_TRIGGER;
	static const struct {
		uint32_t flags, index, start, count;
	} bad[] = {
		{ 0, VFU_IRQ_MSIX, 0, 1 },
		{ VFU_IRQ_SET_DATA_NONE, VFU_IRQ_MSIX, 0, 1 },
		{ VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 0, 1 },
		{ 0x3f, VFU_IRQ_MSIX, 0, 1 },
		{ 0x23, VFU_IRQ_MSIX, 0, 1 },
		{ 0x31, VFU_IRQ_MSIX, 0, 1 },
		{ 0x61, VFU_IRQ_MSIX, 0, 1 },
		{ 0x80000021, VFU_IRQ_MSIX, 0, 1 },
		{ 0x21, VFU_IRQS, 0, 1 },
		{ 0x21, UINT32_MAX, 0, 1 },
		{ 0x21, VFU_IRQ_MSIX, MSIX_VECTORS, 1 },
		{ 0x21, VFU_IRQ_MSIX, 0, MSIX_VECTORS + 1 },
		{ 0x21, VFU_IRQ_MSIX, 1, UINT32_MAX },
		{ 0x21, VFU_IRQ_MSIX, UINT32_MAX, 1 },
		{ 0x21, VFU_IRQ_MSIX, UINT32_MAX, UINT32_MAX },
		{ 0x21, VFU_IRQ_MSIX, 1, 0 },
		{ 0x24, VFU_IRQ_MSIX, 0, 0 },
		{ 0x09, VFU_IRQ_MSIX, 0, 0 },
		{ 0x21, VFU_IRQ_INTX, 0, 1 },
	};
	struct case_bench *c = case_begin();
	struct vfu_message_irq_info info = { .argument_bytes = sizeof(info), .index = VFU_IRQS };
	int eventfd = new_eventfd();

	c->fds++;
	for (size_t i = 0; i < WEIR_TESTS(bad); i++) {
		raw_set_irqs(&c->raw, bad[i].flags, bad[i].index, bad[i].start, bad[i].count);
		EXPECT_REFUSED(c, EINVAL, VFU_FAULT_IRQ);
	}
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_GET_IRQ_INFO);
	raw_add(&c->raw, &info, sizeof(info));
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_IRQ);
	/* A byte too many, and bytes missing. */
	raw_set_irqs(&c->raw, none, VFU_IRQ_MSIX, 0, 1);
	raw_add(&c->raw, "x", 1);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	raw_set_irqs(&c->raw, VFU_IRQ_SET_DATA_BOOL | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 0,
		     4);
	raw_add(&c->raw, "xyz", 3);
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_SIZE);
	/* Descriptors where none belong, and not as many as vectors. */
	raw_set_irqs(&c->raw, none, VFU_IRQ_MSIX, 0, 1);
	c->raw.fds[c->raw.fd_count++] = eventfd;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_FDS);
	raw_set_irqs(&c->raw, events, VFU_IRQ_MSIX, 0, 2);
	c->raw.fds[c->raw.fd_count++] = eventfd;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_FDS);
	raw_set_irqs(&c->raw, none, VFU_IRQ_MSIX, 0, 0);
	c->raw.fds[c->raw.fd_count++] = eventfd;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_FDS);
	close(eventfd);
	case_end(c);
}

static void a_command_without_reply_gets_none_even_if_wrong(void)
{
	struct case_bench *c = case_begin();

	raw_region_read(&c->raw, VFU_REGIONS, 0, 4);
	raw_header(&c->raw)->flags = VFU_FLAG_NO_REPLY;
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), -1);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	raw_header(&c->raw)->flags = VFU_FLAG_NO_REPLY;
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), -1);
	WEIR_EXPECT_EQ(vfu_server_dma_count(c->bench.server), 1);
	c->bench.unmap_result = VFU_PENDING;
	raw_dma_unmap(&c->raw, 0, PAGE);
	raw_header(&c->raw)->flags = VFU_FLAG_NO_REPLY;
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), -1);
	WEIR_EXPECT_EQ(vfu_server_complete_unmap(c->bench.server), 0);
	WEIR_EXPECT(!raw_receive(&c->bench, c->fd, &c->reply));
	WEIR_EXPECT_EQ(vfu_server_dma_count(c->bench.server), 0);
	WEIR_EXPECT_EQ(bench_stats(&c->bench).errors_unanswered, 1);
	WEIR_EXPECT(!raw_is_closed(&c->bench, c->fd));
	case_end(c);
}

const struct weir_test message_tests[] = {
	{ "vfio_user.messages.bad_headers_are_refused", headers },
	{ "vfio_user.messages.a_stray_reply_is_dropped_in_silence",
	  a_stray_reply_is_dropped_in_silence },
	{ "vfio_user.messages.commands_that_are_none_are_refused", commands },
	{ "vfio_user.messages.bad_payload_sizes_are_refused", payload_sizes },
	{ "vfio_user.messages.bad_argument_sizes_are_refused", argument_sizes },
	{ "vfio_user.messages.too_little_room_gets_the_size_it_takes",
	  too_little_room_gets_the_size_it_takes },
	{ "vfio_user.messages.accesses_outside_of_regions_are_refused", regions },
	{ "vfio_user.messages.counts_that_do_not_fit_are_refused", counts_that_do_not_fit },
	{ "vfio_user.messages.bad_dma_maps_are_refused", dma_maps },
	{ "vfio_user.messages.bad_interrupt_settings_are_refused", interrupts },
	{ "vfio_user.messages.a_command_without_reply_gets_none_even_if_wrong",
	  a_command_without_reply_gets_none_even_if_wrong },
};
const size_t message_test_count = WEIR_TESTS(message_tests);
