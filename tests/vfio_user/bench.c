/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the device ---------------------------------------------------------------------------------- */

static void on_connected(void *device)
{
	struct bench *bench = device;

	bench->connected++;
}

static void on_gone(void *device, enum vfu_gone_reason reason)
{
	struct bench *bench = device;

	bench->gone_reason = reason;
	bench->gone++;
}

static int on_read(void *device, uint32_t region, uint64_t offset_bytes, void *buffer,
		   size_t length_bytes)
{
	struct bench *bench = device;

	memcpy(buffer, bench->regions[region] + offset_bytes, length_bytes);
	return bench->read_result;
}

static int on_write(void *device, uint32_t region, uint64_t offset_bytes, const void *buffer,
		    size_t length_bytes)
{
	struct bench *bench = device;

	if (bench->write_result == 0)
		memcpy(bench->regions[region] + offset_bytes, buffer, length_bytes);
	return bench->write_result;
}

static int on_dma_map(void *device, const struct vfu_dma_region *region)
{
	struct bench *bench = device;

	bench->last_map = *region;
	bench->dma_maps++;
	return bench->dma_map_result;
}

static enum vfu_progress on_dma_unmap(void *device, const struct vfu_dma_region *region)
{
	struct bench *bench = device;

	bench->unmapped_everything = region == NULL;
	bench->dma_unmaps++;
	if (bench->unmap_completes_early)
		vfu_server_complete_unmap(bench->server);
	return bench->unmap_result;
}

static int on_irq_eventfds(void *device, uint32_t index, uint32_t start, uint32_t count,
			   const int *eventfds)
{
	struct bench *bench = device;

	(void)index;
	(void)start;
	(void)count;
	(void)eventfds;
	bench->irq_changes++;
	return bench->irq_result;
}

static int on_irq_mask(void *device, uint32_t index, uint32_t start, uint32_t count, bool masked)
{
	struct bench *bench = device;

	(void)index;
	(void)start;
	bench->mask_calls++;
	bench->masked_vectors += masked ? count : -count;
	return bench->irq_result;
}

static int on_reset(void *device)
{
	struct bench *bench = device;

	bench->resets++;
	return bench->reset_result;
}

static void on_log(void *device, enum vfu_log_level level, const char *line)
{
	struct bench *bench = device;

	bench->log_lines++;
	if (level == VFU_LOG_WARNING)
		bench->log_warnings++;
	snprintf(bench->last_line, sizeof(bench->last_line), "%s", line);
}

static const struct vfu_server_callbacks callbacks = {
	.client_connected = on_connected,
	.client_gone = on_gone,
	.region_read = on_read,
	.region_write = on_write,
	.dma_map = on_dma_map,
	.dma_unmap = on_dma_unmap,
	.irq_eventfds = on_irq_eventfds,
	.irq_mask = on_irq_mask,
	.device_reset = on_reset,
	.log = on_log,
};

static const struct vfu_sparse_area bar2_areas[] = { { 4096, 8192 }, { 32768, 4096 } };

/* --- the bench ----------------------------------------------------------------------------------- */

static void *shared(int fd, size_t length_bytes)
{
	void *address = mmap(NULL, length_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return address == MAP_FAILED ? NULL : address;
}

void bench_init(struct bench *bench)
{
	struct vfu_server_region *regions = bench->config.regions;
	static unsigned int number;

	memset(bench, 0, sizeof(*bench));
	snprintf(bench->path, sizeof(bench->path), "/tmp/vfio_user_test.%d.%u", (int)getpid(),
		 number++);
	bench->config.socket_path = bench->path;
	bench->config.name = "bench";
	bench->config.callbacks = &callbacks;
	bench->config.device = bench;
	bench->bar2_fd = memory_fd(BAR2_BYTES, true);
	bench->bar4_fd = memory_fd(BAR4_BYTES, true);
	bench->regions[VFU_REGION_BAR0] = calloc(1, BAR0_BYTES);
	bench->regions[VFU_REGION_BAR1] = calloc(1, BAR1_BYTES);
	bench->regions[VFU_REGION_BAR2] = shared(bench->bar2_fd, BAR2_BYTES);
	bench->regions[VFU_REGION_BAR4] = shared(bench->bar4_fd, BAR4_BYTES);
	bench->regions[VFU_REGION_ROM] = calloc(1, ROM_BYTES);
	bench->regions[VFU_REGION_CONFIG] = calloc(1, CONFIG_BYTES);
	regions[VFU_REGION_BAR0] =
		(struct vfu_server_region){ BAR0_BYTES, .readable = true, .writable = true };
	regions[VFU_REGION_BAR1] = (struct vfu_server_region){ BAR1_BYTES, .writable = true };
	regions[VFU_REGION_BAR2] = (struct vfu_server_region){
		BAR2_BYTES,
		.readable = true,
		.writable = true,
		.mappable = true,
		.mmap_fd = bench->bar2_fd,
		.sparse_areas = bar2_areas,
		.sparse_area_count = 2,
	};
	regions[VFU_REGION_BAR4] = (struct vfu_server_region){
		BAR4_BYTES,	  .readable = true,	     .writable = true,
		.mappable = true, .mmap_fd = bench->bar4_fd,
	};
	regions[VFU_REGION_ROM] = (struct vfu_server_region){ ROM_BYTES, .readable = true };
	regions[VFU_REGION_CONFIG] =
		(struct vfu_server_region){ CONFIG_BYTES, .readable = true, .writable = true };
	bench->config.irqs[VFU_IRQ_MSIX] =
		(struct vfu_server_irq){ MSIX_VECTORS, VFU_IRQ_INFO_MASKABLE };
	bench->config.irqs[VFU_IRQ_ERROR].count = 1;
	bench->config.irqs[VFU_IRQ_REQUEST].count = 1;
}

void bench_start(struct bench *bench)
{
	WEIR_REQUIRE_EQ(vfu_server_create(&bench->config, &bench->server), 0);
}

static void *run(void *argument)
{
	struct bench *bench = argument;
	struct pollfd pollfd = { .fd = vfu_server_fd(bench->server), .events = POLLIN };

	while (!atomic_load(&bench->stop)) {
		if (poll(&pollfd, 1, 20) > 0)
			vfu_server_process(bench->server);
	}
	return NULL;
}

void bench_run_thread(struct bench *bench)
{
	bench->threaded = true;
	WEIR_REQUIRE_EQ(pthread_create(&bench->thread, NULL, run, bench), 0);
}

void bench_pump(struct bench *bench)
{
	struct pollfd pollfd = { .fd = vfu_server_fd(bench->server), .events = POLLIN };

	for (int i = 0; i < 100000 && poll(&pollfd, 1, 0) > 0; i++)
		WEIR_REQUIRE_EQ(vfu_server_process(bench->server), 0);
	WEIR_EXPECT_EQ(poll(&pollfd, 1, 0), 0);
}

void bench_end(struct bench *bench)
{
	if (bench->threaded) {
		atomic_store(&bench->stop, true);
		pthread_join(bench->thread, NULL);
	}
	vfu_server_destroy(bench->server);
	munmap(bench->regions[VFU_REGION_BAR2], BAR2_BYTES);
	munmap(bench->regions[VFU_REGION_BAR4], BAR4_BYTES);
	close(bench->bar2_fd);
	close(bench->bar4_fd);
	free(bench->regions[VFU_REGION_BAR0]);
	free(bench->regions[VFU_REGION_BAR1]);
	free(bench->regions[VFU_REGION_ROM]);
	free(bench->regions[VFU_REGION_CONFIG]);
}

struct vfu_server_stats bench_stats(const struct bench *bench)
{
	struct vfu_server_stats stats;

	vfu_server_get_stats(bench->server, &stats);
	return stats;
}

unsigned int open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	WEIR_REQUIRE(directory != NULL);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

unsigned int open_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	char line[512];

	WEIR_REQUIRE(maps != NULL);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "memfd:vfio_user_test") != NULL;
	fclose(maps);
	return count;
}

int memory_fd(size_t length_bytes, bool sealed)
{
	int fd = memfd_create("vfio_user_test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	WEIR_REQUIRE(fd >= 0);
	WEIR_REQUIRE_EQ(ftruncate(fd, (off_t)length_bytes), 0);
	if (sealed)
		WEIR_REQUIRE_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	WEIR_REQUIRE(fd >= 0);
	return fd;
}

uint64_t eventfd_count(int eventfd)
{
	uint64_t count = 0;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* --- the raw client ------------------------------------------------------------------------------ */

struct vfu_header *raw_header(struct raw *raw)
{
	return (struct vfu_header *)raw->bytes;
}

void raw_begin(struct raw *raw, uint16_t command)
{
	static uint16_t message_id;

	raw->fd_count = 0;
	raw->length = sizeof(struct vfu_header);
	*raw_header(raw) = (struct vfu_header){ .message_id = message_id++,
						.command = command,
						.size_bytes = sizeof(struct vfu_header) };
}

void raw_add(struct raw *raw, const void *payload, size_t length_bytes)
{
	WEIR_REQUIRE(raw->length + length_bytes <= sizeof(raw->bytes));
	memcpy(raw->bytes + raw->length, payload, length_bytes);
	raw->length += length_bytes;
	raw_header(raw)->size_bytes = (uint32_t)raw->length;
}

void raw_version(struct raw *raw, const char *json)
{
	const struct vfu_message_version version = { VFU_VERSION_MAJOR, VFU_VERSION_MINOR };

	raw_begin(raw, VFU_COMMAND_VERSION);
	raw_add(raw, &version, sizeof(version));
	if (json)
		raw_add(raw, json, strlen(json) + 1);
}

void raw_dma_map(struct raw *raw, uint64_t iova, uint64_t length_bytes, int fd)
{
	const struct vfu_message_dma_map map = {
		.argument_bytes = sizeof(map),
		.flags = VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE,
		.iova = iova,
		.length_bytes = length_bytes,
	};

	raw_begin(raw, VFU_COMMAND_DMA_MAP);
	raw_add(raw, &map, sizeof(map));
	if (fd >= 0)
		raw->fds[raw->fd_count++] = fd;
}

void raw_dma_unmap(struct raw *raw, uint64_t iova, uint64_t length_bytes)
{
	const struct vfu_message_dma_unmap unmap = {
		.argument_bytes = sizeof(unmap),
		.iova = iova,
		.length_bytes = length_bytes,
	};

	raw_begin(raw, VFU_COMMAND_DMA_UNMAP);
	raw_add(raw, &unmap, sizeof(unmap));
}

void raw_region_read(struct raw *raw, uint32_t region, uint64_t offset_bytes, uint32_t count_bytes)
{
	const struct vfu_message_region_access access = { offset_bytes, region, count_bytes };

	raw_begin(raw, VFU_COMMAND_REGION_READ);
	raw_add(raw, &access, sizeof(access));
}

void raw_region_write(struct raw *raw, uint32_t region, uint64_t offset_bytes, const void *data,
		      uint32_t count_bytes)
{
	const struct vfu_message_region_access access = { offset_bytes, region, count_bytes };

	raw_begin(raw, VFU_COMMAND_REGION_WRITE);
	raw_add(raw, &access, sizeof(access));
	raw_add(raw, data, count_bytes);
}

void raw_set_irqs(struct raw *raw, uint32_t flags, uint32_t index, uint32_t start, uint32_t count)
{
	const struct vfu_message_set_irqs set = { sizeof(set), flags, index, start, count };

	raw_begin(raw, VFU_COMMAND_DEVICE_SET_IRQS);
	raw_add(raw, &set, sizeof(set));
}

int raw_connect(const struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	WEIR_REQUIRE(fd >= 0);
	memcpy(address.sun_path, bench->path, sizeof(bench->path));
	WEIR_REQUIRE_EQ(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

int raw_connect_agreed(struct bench *bench)
{
	static struct raw raw;
	static struct raw_reply reply;
	int fd = raw_connect(bench);

	raw_version(&raw, "{\"capabilities\":{\"max_msg_fds\":8}}");
	WEIR_REQUIRE_EQ(raw_exchange(bench, fd, &raw, &reply), 0);
	return fd;
}

void raw_send_part(int socket_fd, const struct raw *raw, size_t from, size_t length)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(VFU_FDS_MAX * sizeof(int))];
	} control;
	struct iovec vector = { (void *)(raw->bytes + from), length };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	if (length == 0)
		return;
	if (from == 0 && raw->fd_count > 0) {
		memset(&control, 0, sizeof(control));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(raw->fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), raw->fds, raw->fd_count * sizeof(int));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(raw->fd_count * sizeof(int));
	}
	WEIR_REQUIRE_EQ(sendmsg(socket_fd, &message, MSG_NOSIGNAL), length);
}

void raw_send(int socket_fd, const struct raw *raw)
{
	raw_send_part(socket_fd, raw, 0, raw->length);
}

bool raw_receive(struct bench *bench, int socket_fd, struct raw_reply *reply)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec vector = { &reply->header, sizeof(reply->header) };
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	const struct cmsghdr *header;
	ssize_t got;

	bench_pump(bench);
	reply->fd = -1;
	reply->payload_bytes = 0;
	got = recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got != sizeof(reply->header))
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&reply->fd, CMSG_DATA(header), sizeof(reply->fd));
	WEIR_REQUIRE(reply->header.size_bytes >= sizeof(reply->header));
	reply->payload_bytes = reply->header.size_bytes - sizeof(reply->header);
	WEIR_REQUIRE(reply->payload_bytes <= sizeof(reply->payload));
	if (reply->payload_bytes > 0)
		WEIR_REQUIRE_EQ(recv(socket_fd, reply->payload, reply->payload_bytes,
				     MSG_DONTWAIT | MSG_WAITALL),
				reply->payload_bytes);
	return true;
}

int raw_exchange(struct bench *bench, int socket_fd, const struct raw *raw, struct raw_reply *reply)
{
	const struct vfu_header *command = (const struct vfu_header *)raw->bytes;

	raw_send(socket_fd, raw);
	if (!raw_receive(bench, socket_fd, reply))
		return -1;
	WEIR_EXPECT_EQ(reply->header.message_id, command->message_id);
	WEIR_EXPECT_EQ(reply->header.command, command->command);
	WEIR_EXPECT_EQ(reply->header.flags & VFU_FLAG_TYPE_MASK, VFU_FLAG_TYPE_REPLY);
	if (!(reply->header.flags & VFU_FLAG_ERROR)) {
		WEIR_EXPECT_EQ(reply->header.error_number, 0);
		return 0;
	}
	WEIR_EXPECT_EQ(reply->payload_bytes, 0);
	WEIR_EXPECT(reply->header.error_number != 0);
	return (int)reply->header.error_number;
}

bool raw_is_closed(struct bench *bench, int socket_fd)
{
	char byte;
	ssize_t got;

	bench_pump(bench);
	got = recv(socket_fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
	return got == 0 || (got < 0 && errno == ECONNRESET);
}
