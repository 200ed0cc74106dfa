/* SPDX-License-Identifier: BSD-3-Clause */
/* How a client and the server agree on a version, and what it means to what follows. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u

/* A first message: the reply's error, or 0. Always hung up on if it is one. */
static int first_message(struct bench *bench, const struct raw *raw, struct raw_reply *reply)
{
	int fd = raw_connect(bench);
	int error = raw_exchange(bench, fd, raw, reply);

	WEIR_EXPECT_EQ(raw_is_closed(bench, fd), error != 0);
	close(fd);
	bench_pump(bench);
	return error;
}

static void nothing_comes_before_version(void)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;

	bench_init(&bench);
	bench_start(&bench);
	for (uint16_t command = 0; command < VFU_COMMANDS; command++) {
		if (command == VFU_COMMAND_VERSION)
			continue;
		raw_begin(&raw, command);
		raw_add(&raw, "0123456789abcdef", 16);
		WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EINVAL);
	}
	WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_STATE], VFU_COMMANDS - 1);
	WEIR_EXPECT_EQ(bench.connected, 0);
	WEIR_EXPECT_EQ(bench.gone, 0);
	/* What is surely not this protocol; as it happens it asks for no reply. */
	raw.fd_count = 0;
	raw.length = sizeof(http) - 1;
	memcpy(raw.bytes, http, raw.length);
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), -1);
	WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_OVERSIZED], 1);
	bench_end(&bench);
}

static void versions(void)
{
	static const char *const bad[] = {
		"",
		"x",
		"[]",
		"17",
		"{",
		"{\"capabilities\":[]}",
		"{\"capabilities\":17}",
		"{\"capabilities\":{\"max_msg_fds\":-1}}",
		"{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
		"{\"capabilities\":{\"max_msg_fds\":8.5}}",
		"{\"capabilities\":{\"max_data_xfer_size\":[]}}",
		"{\"capabilities\":{\"max_dma_maps\":null}}",
		"{\"capabilities\":{\"pgsizes\":99999999999999999999999}}",
		"{\"capabilities\":{\"write_multiple\":1}}",
		"{\"capabilities\":{},\"capabilities\":{}}",
		"{\"capabilities\":{}} x",
		"\xff\xfe",
	};
	static const char *const good[] = {
		"{}",
		" { \"capabilities\" : { } } ",
		"{\"other\":[1,2,3]}",
		"{\"capabilities\":{\"migration\":{\"pgsize\":4096},\"unheard_of\":true}}",
		"{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}",
		"{\"capabilities\":{\"max_msg_fds\":0,\"write_multiple\":false}}",
	};
	static struct raw raw;
	static struct raw_reply reply;
	static char deep[4000];
	struct vfu_message_version version;
	struct bench bench;

	bench_init(&bench);
	bench_start(&bench);
	for (size_t i = 0; i < WEIR_TESTS(bad); i++) {
		raw_version(&raw, bad[i]);
		WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EINVAL);
		WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_VERSION], i + 1);
	}
	memset(deep, '[', sizeof(deep) - 1);
	raw_version(&raw, deep);
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EINVAL);
	for (size_t i = 0; i < WEIR_TESTS(good); i++) {
		raw_version(&raw, good[i]);
		WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), 0);
	}
	/* No NUL, and one too early. */
	raw_version(&raw, "{}");
	raw.length--;
	raw_header(&raw)->size_bytes--;
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EINVAL);
	raw_version(&raw, "{}");
	raw_add(&raw, "{}", 3);
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EINVAL);
	/* Too short, too long, with a descriptor. */
	raw_begin(&raw, VFU_COMMAND_VERSION);
	raw_add(&raw, "\0\0", 2);
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EINVAL);
	raw_begin(&raw, VFU_COMMAND_VERSION);
	raw_header(&raw)->size_bytes = 16 + 4 + 4096 + 1;
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EMSGSIZE);
	raw_version(&raw, "{}");
	raw.fds[raw.fd_count++] = 0;
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EINVAL);
	/* Another major; a minor that is newer than ours and is brought down; one without text. */
	version = (struct vfu_message_version){ 1, 0 };
	raw_begin(&raw, VFU_COMMAND_VERSION);
	raw_add(&raw, &version, sizeof(version));
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), EPROTONOSUPPORT);
	version = (struct vfu_message_version){ 0, 65535 };
	raw_begin(&raw, VFU_COMMAND_VERSION);
	raw_add(&raw, &version, sizeof(version));
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), 0);
	memcpy(&version, reply.payload, sizeof(version));
	WEIR_EXPECT_EQ(version.minor, VFU_VERSION_MINOR);
	WEIR_EXPECT_EQ(reply.payload_bytes, sizeof(version));
	version = (struct vfu_message_version){ 0, 0 };
	raw_begin(&raw, VFU_COMMAND_VERSION);
	raw_add(&raw, &version, sizeof(version));
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), 0);
	memcpy(&version, reply.payload, sizeof(version));
	WEIR_EXPECT_EQ(version.minor, 0);
	bench_end(&bench);
}

static void only_what_was_proposed_is_answered(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	const char *text = (const char *)reply.payload + 4;

	bench_init(&bench);
	bench_start(&bench);
	raw_version(&raw, "{\"capabilities\":{\"max_dma_maps\":9,\"write_multiple\":true}}");
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), 0);
	WEIR_EXPECT_STR(text, "{\"capabilities\":{\"max_dma_maps\":4096,\"write_multiple\":true}}");
	raw_version(&raw, "{}");
	WEIR_EXPECT_EQ(first_message(&bench, &raw, &reply), 0);
	WEIR_EXPECT_STR(text, "{\"capabilities\":{}}");
	bench_end(&bench);
}

static void a_client_that_takes_no_descriptors_is_sent_none(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct vfu_message_region_info info = { .argument_bytes = 4096, .index = VFU_REGION_BAR2 };
	struct bench bench;
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect(&bench);
	raw_version(&raw, "{\"capabilities\":{\"max_msg_fds\":0}}");
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	raw_begin(&raw, VFU_COMMAND_DEVICE_GET_REGION_INFO);
	raw_add(&raw, &info, sizeof(info));
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	memcpy(&info, reply.payload, sizeof(info));
	WEIR_EXPECT_EQ(info.flags, VFU_REGION_READ | VFU_REGION_WRITE);
	WEIR_EXPECT_EQ(info.argument_bytes, sizeof(info));
	WEIR_EXPECT_EQ(reply.fd, -1);
	close(fd);
	bench_end(&bench);
}

/* What QEMU 11.1 sends on its way in, and what it insists on in the answers. */
static void qemu_is_answered_as_it_expects(void)
{
	static const char json[] =
		"{\"capabilities\": {\"migration\": {\"max_bitmap_size\": 268435456, "
		"\"pgsize\": 4096}, \"write_multiple\": true, \"max_msg_fds\": 16, "
		"\"pgsizes\": 4096, \"max_data_xfer_size\": 1048576, \"max_dma_maps\": 65535}}";
	static struct raw raw;
	static struct raw_reply reply;
	struct vfu_message_version version = { 0, 0 };
	struct vfu_message_device_info device = { .argument_bytes = sizeof(device) };
	struct bench bench;
	int memory = memory_fd(64 * PAGE, true);
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect(&bench);
	raw_begin(&raw, VFU_COMMAND_VERSION);
	raw_add(&raw, &version, sizeof(version));
	raw_add(&raw, json, sizeof(json));
	WEIR_REQUIRE_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	/* It receives into the buffer of its own message, and wants the NUL. */
	WEIR_EXPECT(reply.header.size_bytes <= raw.length);
	WEIR_EXPECT_EQ(reply.payload[reply.payload_bytes - 1], 0);
	WEIR_EXPECT_STR((char *)reply.payload + 4,
			"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
			"\"max_dma_maps\":4096,\"pgsizes\":4096,\"write_multiple\":true}}");
	/* Guest RAM, then a ROM that has no descriptor; it aborts if one of them is refused. */
	raw_dma_map(&raw, 0, 64 * PAGE, memory);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	raw_dma_map(&raw, 0xfffc0000, 64 * PAGE, -1);
	((struct vfu_message_dma_map *)(raw.bytes + 16))->flags = VFU_DMA_MAP_READ;
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	raw_begin(&raw, VFU_COMMAND_DEVICE_GET_INFO);
	raw_add(&raw, &device, sizeof(device));
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	memcpy(&device, reply.payload, sizeof(device));
	WEIR_EXPECT_EQ(device.region_count, 9);
	WEIR_EXPECT_EQ(device.irq_count, 5);
	/* First with the least room, then with what the answer says it takes. */
	for (uint32_t index = 0; index < VFU_REGIONS; index++) {
		struct vfu_message_region_info info = { .argument_bytes = sizeof(info),
							.index = index };

		for (int again = 0; again < 2; again++) {
			uint32_t room = info.argument_bytes;

			info = (struct vfu_message_region_info){ .argument_bytes = room,
								 .index = index };
			raw_begin(&raw, VFU_COMMAND_DEVICE_GET_REGION_INFO);
			raw_add(&raw, &info, sizeof(info));
			WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
			WEIR_EXPECT(reply.payload_bytes <= room);
			memcpy(&info, reply.payload, sizeof(info));
			if (reply.fd >= 0)
				close(reply.fd);
		}
		WEIR_EXPECT_EQ(!!(info.flags & VFU_REGION_MMAP),
			       bench.config.regions[index].mappable);
		WEIR_EXPECT_EQ(reply.fd >= 0, bench.config.regions[index].mappable);
	}
	raw_set_irqs(&raw, VFU_IRQ_SET_DATA_NONE | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_INTX, 0, 0);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	raw_begin(&raw, VFU_COMMAND_DEVICE_RESET);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	raw_dma_unmap(&raw, 0, 64 * PAGE);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	WEIR_EXPECT_EQ(reply.payload_bytes, sizeof(struct vfu_message_dma_unmap));
	close(fd);
	close(memory);
	bench_end(&bench);
}

static void warnings_about_one_client_are_limited(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	struct bench bench;
	int fd;

	bench_init(&bench);
	bench.config.limits.max_log_lines = 5;
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_begin(&raw, 99);
	for (int i = 0; i < 100; i++)
		WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), EOPNOTSUPP);
	WEIR_EXPECT_EQ(bench.log_warnings, 6);
	WEIR_EXPECT_STR(bench.last_line, "bench: more warnings about this client are only counted");
	WEIR_EXPECT_EQ(bench_stats(&bench).log_lines_suppressed, 95);
	WEIR_EXPECT_EQ(bench_stats(&bench).faults[VFU_FAULT_COMMAND], 100);
	close(fd);
	/* The next is judged anew. */
	fd = raw_connect_agreed(&bench);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), EOPNOTSUPP);
	WEIR_EXPECT_EQ(bench.log_warnings, 7);
	close(fd);
	bench_end(&bench);
}

const struct weir_test agreement_tests[] = {
	{ "vfio_user.agreement.nothing_comes_before_version", nothing_comes_before_version },
	{ "vfio_user.agreement.bad_versions_are_refused", versions },
	{ "vfio_user.agreement.only_what_was_proposed_is_answered",
	  only_what_was_proposed_is_answered },
	{ "vfio_user.agreement.a_client_that_takes_no_descriptors_is_sent_none",
	  a_client_that_takes_no_descriptors_is_sent_none },
	{ "vfio_user.agreement.qemu_is_answered_as_it_expects", qemu_is_answered_as_it_expects },
	{ "vfio_user.agreement.warnings_about_one_client_are_limited",
	  warnings_about_one_client_are_limited },
};
const size_t agreement_test_count = WEIR_TESTS(agreement_tests);
