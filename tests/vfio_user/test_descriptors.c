/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes along with messages: descriptors, and more bytes than there should be. */
#include "case.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE 4096u

static void descriptors(void)
{
	struct case_bench *c = case_begin();
	struct vfu_message_dma_map *map = payload(c);

	/* Where none belong. */
	raw_region_read(&c->raw, VFU_REGION_CONFIG, 0, 4);
	c->raw.fds[c->raw.fd_count++] = c->memory;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_FDS);
	raw_begin(&c->raw, VFU_COMMAND_DEVICE_RESET);
	c->raw.fds[c->raw.fd_count++] = c->memory;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_FDS);
	/* Two instead of one. */
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	c->raw.fds[c->raw.fd_count++] = c->memory;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_FDS);
	/* Promised, not sent. */
	raw_dma_map(&c->raw, 0, PAGE, -1);
	map->flags |= VFU_DMA_MAP_MMAP;
	EXPECT_REFUSED(c, EINVAL, VFU_FAULT_FDS);
	/* More than may come at once, as many as the kernel lets through. */
	raw_set_irqs(&c->raw, VFU_IRQ_SET_DATA_EVENTFD | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX,
		     0, 17);
	while (c->raw.fd_count < 17)
		c->raw.fds[c->raw.fd_count++] = c->memory;
	EXPECT_REFUSED(c, E2BIG, VFU_FAULT_FDS);
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	while (c->raw.fd_count < VFU_FDS_MAX)
		c->raw.fds[c->raw.fd_count++] = c->memory;
	EXPECT_REFUSED(c, E2BIG, VFU_FAULT_FDS);
	WEIR_EXPECT_EQ(c->bench.dma_maps, 0);
	/* With a descriptor, and saying so, it is fine. */
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	map->flags |= VFU_DMA_MAP_MMAP;
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), 0);
	case_end(c);
}

static void descriptors_on_every_byte_of_a_message(void)
{
	struct case_bench *c = case_begin();
	struct raw one = { .length = 1, .fds = { c->memory }, .fd_count = 1 };

	raw_dma_map(&c->raw, 0, PAGE, -1);
	for (size_t i = 0; i < c->raw.length; i++) {
		one.bytes[0] = c->raw.bytes[i];
		raw_send(c->fd, &one);
	}
	WEIR_REQUIRE(raw_receive(&c->bench, c->fd, &c->reply));
	WEIR_EXPECT_EQ(c->reply.header.error_number, E2BIG);
	WEIR_EXPECT_EQ(open_fds(), c->fds);
	/* On a byte in the middle, one is as good as on the first. */
	raw_dma_map(&c->raw, 0, PAGE, -1);
	raw_send_part(c->fd, &c->raw, 0, 20);
	one.bytes[0] = c->raw.bytes[20];
	raw_send(c->fd, &one);
	raw_send_part(c->fd, &c->raw, 21, c->raw.length - 21);
	WEIR_REQUIRE(raw_receive(&c->bench, c->fd, &c->reply));
	WEIR_EXPECT_EQ(c->reply.header.flags, VFU_FLAG_TYPE_REPLY);
	WEIR_EXPECT(c->bench.last_map.address != NULL);
	case_end(c);
}

static void oversized_messages_are_skipped(void)
{
	static const uint8_t zeros[65536];
	struct case_bench *c = case_begin();
	const uint32_t size = (2u << 20) + 77;
	size_t left = size;
	ssize_t sent;

	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE);
	raw_header(&c->raw)->size_bytes = size;
	c->raw.fds[c->raw.fd_count++] = c->memory;
	raw_send(c->fd, &c->raw);
	left -= sizeof(struct vfu_header);
	WEIR_REQUIRE(raw_receive(&c->bench, c->fd, &c->reply));
	WEIR_EXPECT_EQ(c->reply.header.error_number, EMSGSIZE);
	while (left > 0) {
		sent = send(c->fd, zeros, left < sizeof(zeros) ? left : sizeof(zeros),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		WEIR_REQUIRE(sent > 0 || errno == EAGAIN);
		if (sent > 0)
			left -= (size_t)sent;
		bench_pump(&c->bench);
	}
	WEIR_EXPECT_EQ(bench_stats(&c->bench).bytes_discarded, size - sizeof(struct vfu_header));
	WEIR_EXPECT_EQ(bench_stats(&c->bench).faults[VFU_FAULT_OVERSIZED], 1);
	WEIR_EXPECT_EQ(open_fds(), c->fds);
	raw_region_read(&c->raw, VFU_REGION_CONFIG, 0, 4);
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), 0);
	/* Left in the middle of one. */
	raw_begin(&c->raw, VFU_COMMAND_REGION_WRITE);
	raw_header(&c->raw)->size_bytes = UINT32_MAX;
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), EMSGSIZE);
	close(c->fd);
	c->fd = raw_connect_agreed(&c->bench);
	WEIR_EXPECT_EQ(bench_stats(&c->bench).faults[VFU_FAULT_TRUNCATED], 1);
	case_end(c);
}

static void descriptors_that_find_no_room_here_are_told(void)
{
	struct case_bench *c = case_begin();
	struct rlimit limit;
	struct rlimit tight;
	int error;

	WEIR_REQUIRE_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	tight = limit;
	raw_dma_map(&c->raw, 0, PAGE, c->memory);
	/* No descriptor above this one, and the highest is open. */
	tight.rlim_cur = (rlim_t)dup(c->memory);
	close((int)tight.rlim_cur);
	WEIR_REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
	error = raw_exchange(&c->bench, c->fd, &c->raw, &c->reply);
	WEIR_REQUIRE_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	WEIR_EXPECT_EQ(error, EMFILE);
	WEIR_EXPECT_EQ(bench_stats(&c->bench).faults[VFU_FAULT_FDS], 1);
	WEIR_EXPECT_EQ(open_fds(), c->fds);
	WEIR_EXPECT_EQ(raw_exchange(&c->bench, c->fd, &c->raw, &c->reply), 0);
	case_end(c);
}

const struct weir_test descriptor_tests[] = {
	{ "vfio_user.descriptors.bad_descriptors_are_refused_and_closed", descriptors },
	{ "vfio_user.descriptors.descriptors_may_come_on_any_byte",
	  descriptors_on_every_byte_of_a_message },
	{ "vfio_user.descriptors.descriptors_that_find_no_room_here_are_told",
	  descriptors_that_find_no_room_here_are_told },
	{ "vfio_user.descriptors.oversized_messages_are_skipped", oversized_messages_are_skipped },
};
const size_t descriptor_test_count = WEIR_TESTS(descriptor_tests);
