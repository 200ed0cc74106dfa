/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Anything a client may send, against the vfio-user server, through a transport in memory.
 *
 * The input is a byte of choices, a byte of haste (bytes received at a time, 0: all; with bit 7, instead,
 * which allocation fails), and then the stream of messages. The message id,
 * which means nothing to the server, says what descriptors come along:
 *
 *	bits 0-4   how many
 *	bits 5-7   of what kind: sealed memory, unsealed memory, eventfds, pipes, or these in turn
 *	bit 8      receiving has to wait after this header
 *
 * Whatever happens: no descriptor may be left open and no memory mapped, every reply must be one, and
 * the next client must be served.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server_internal.h"

/* The byte of choices. */
#define CHOICE_AGREED	 0x01 /* a good VERSION is put before the stream */
#define CHOICE_PENDING	 0x02 /* the device takes its time */
#define CHOICE_NO_READER 0x04 /* the client takes no replies */
#define CHOICE_SLOW	 0x08 /* replies go a few bytes at a time, with waits */
#define CHOICE_RESET	 0x10 /* the stream ends in an error, not an end */
#define CHOICE_SEALED	 0x20 /* the server insists on sealed memory */
#define CHOICE_FEW	 0x40 /* the device has but the callbacks it must have */
#define CHOICE_BUSY	 0x80 /* what takes its time ends only after the client has left */

#define HASTE_SCARCE 0x80

#define MEMORY_BYTES (64 * 4096)
#define REGION_BYTES 4096
#define MOST_FDS     4096

/* Stops with a report: the fuzzer keeps the input. */
#define MUST(condition)                                                 \
	do {                                                            \
		if (!(condition)) {                                     \
			fprintf(stderr, "must hold: %s\n", #condition); \
			abort();                                        \
		}                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is there for every input: descriptors to duplicate. */
static struct {
	bool made;
	int sealed;
	int unsealed;
	int eventfd;
	int pipe;
	int region;
} stock;

/* The client of one input. */
static struct {
	uint8_t choices;
	unsigned int piece;	   /* bytes received at a time, 0: all */
	unsigned int memory_turns; /* until an allocation fails, 0: none does */
	const uint8_t *bytes;
	size_t left;
	bool wait;
	unsigned int waits;
	int fds[MOST_FDS]; /* all that were handed out */
	size_t fd_count;
	/* its view of the replies */
	uint8_t header[sizeof(struct vfu_header)];
	size_t header_bytes;
	uint32_t payload_left;
	bool closed;
} peer;

static struct vfu_server *server;

/* --- memory that runs out ------------------------------------------------------------------------- */

#undef calloc
#undef realloc

/* Whether this allocation is the one that fails. */
static bool memory_is_out(void)
{
	return peer.memory_turns > 0 && --peer.memory_turns == 0;
}

void *scarce_calloc(size_t count, size_t size)
{
	return memory_is_out() ? NULL : calloc(count, size);
}

void *scarce_realloc(void *memory, size_t size)
{
	return memory_is_out() ? NULL : realloc(memory, size);
}

static void make_stock(void)
{
	int pipes[2];

	stock.made = true;
	stock.sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	stock.unsealed = memfd_create("unsealed", MFD_CLOEXEC);
	stock.region = memfd_create("region", MFD_CLOEXEC);
	stock.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	MUST(pipe(pipes) == 0);
	stock.pipe = pipes[1];
	MUST(ftruncate(stock.sealed, MEMORY_BYTES) == 0);
	MUST(ftruncate(stock.unsealed, MEMORY_BYTES) == 0);
	MUST(ftruncate(stock.region, REGION_BYTES) == 0);
	MUST(fcntl(stock.sealed, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
}

/* --- the device ---------------------------------------------------------------------------------- */

static void client_connected(void *device)
{
	(void)device;
	MUST(vfu_server_has_client(server));
	/* It is behind no socket here. */
	MUST(vfu_server_client_pid(server) == -1);
}

static void client_gone(void *device, enum vfu_gone_reason reason)
{
	(void)device;
	MUST(strcmp(vfu_gone_reason_name(reason), "unknown") != 0);
	MUST(!vfu_server_has_client(server));
}

/* Some offsets do not work, and at some things happen to the client. */
static int access_result(uint64_t offset_bytes)
{
	switch (offset_bytes & 0xff) {
	case 0xd0:
		/* As the SIGBUS handler does. */
		atomic_store(&server->memory_lost, true);
		vfu_wake(server->wake_fd);
		return 0;
	case 0xd1:
		vfu_server_drop_client(server);
		return 0;
	case 0xd2:
		return vfu_server_process(server);
	case 0xd3:
		vfu_server_complete_reset(server, -EIO);
		return vfu_server_complete_unmap(server);
	case 0xe0:
		return -EIO;
	case 0xe1:
		return 5;
	default:
		return 0;
	}
}

static int region_read(void *device, uint32_t region, uint64_t offset_bytes, void *buffer,
		       size_t length_bytes)
{
	(void)device;
	MUST(region < VFU_REGIONS && length_bytes > 0);
	MUST(offset_bytes + length_bytes <= REGION_BYTES);
	memset(buffer, 0xab, length_bytes);
	/* As a device would that is told to read or write client memory there. */
	for (int writable = 0; writable < 2; writable++) {
		void *address;

		if (vfu_server_dma_find(server, offset_bytes << 10, 4096, writable, &address) != 0)
			continue;
		if (writable)
			memset(address, 0xcd, 4096);
		else
			memcpy(buffer, address, length_bytes < 4096 ? length_bytes : 4096);
	}
	return access_result(offset_bytes);
}

static int region_write(void *device, uint32_t region, uint64_t offset_bytes, const void *buffer,
			size_t length_bytes)
{
	static uint8_t sink[REGION_BYTES];

	(void)device;
	MUST(region < VFU_REGIONS && length_bytes > 0);
	MUST(offset_bytes + length_bytes <= REGION_BYTES);
	memcpy(sink + offset_bytes, buffer, length_bytes);
	return access_result(offset_bytes);
}

static int dma_map(void *device, const struct vfu_dma_region *region)
{
	(void)device;
	MUST(region->length_bytes > 0);
	/* All of it can be touched. */
	if (region->address) {
		volatile uint8_t *bytes = region->address;

		if (region->writable)
			bytes[region->length_bytes - 1] = bytes[0];
	}
	return access_result(region->iova >> 12);
}

static enum vfu_progress dma_unmap(void *device, const struct vfu_dma_region *region)
{
	(void)device;
	if (region)
		MUST(region->length_bytes > 0);
	return peer.choices & CHOICE_PENDING ? VFU_PENDING : VFU_DONE;
}

static int irq_eventfds(void *device, uint32_t index, uint32_t start, uint32_t count,
			const int *eventfds)
{
	(void)device;
	(void)eventfds;
	MUST(index < VFU_IRQS && count > 0);
	return start == 7 ? -EBUSY : 0;
}

static int irq_mask(void *device, uint32_t index, uint32_t start, uint32_t count, bool masked)
{
	(void)device;
	(void)masked;
	MUST(index < VFU_IRQS && count > 0);
	return start == 7 ? 3 : 0;
}

static int device_reset(void *device)
{
	static unsigned int number;

	(void)device;
	if (peer.choices & CHOICE_PENDING)
		return VFU_PENDING;
	return number++ % 4 == 3 ? -EIO : 0;
}

static void log_line(void *device, enum vfu_log_level level, const char *line)
{
	(void)device;
	(void)level;
	MUST(strchr(line, '\n') == NULL && strlen(line) < 256);
}

static const struct vfu_server_callbacks all_callbacks = {
	.client_connected = client_connected,
	.client_gone = client_gone,
	.region_read = region_read,
	.region_write = region_write,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.irq_eventfds = irq_eventfds,
	.irq_mask = irq_mask,
	.device_reset = device_reset,
	.log = log_line,
};

static const struct vfu_server_callbacks few_callbacks = {
	.region_read = region_read,
	.region_write = region_write,
};

/* --- the transport ------------------------------------------------------------------------------- */

/* What comes along with the message whose header is next. */
static void hand_over_fds(struct vfu_fd_list *list)
{
	const int kinds[] = { stock.sealed, stock.unsealed, stock.eventfd, stock.pipe };
	struct vfu_header header;
	unsigned int count;
	unsigned int kind;

	if (peer.left < sizeof(header))
		return;
	memcpy(&header, peer.bytes, sizeof(header));
	count = header.message_id & 0x1f;
	kind = (header.message_id >> 5) & 7;
	peer.wait = header.message_id & 0x100;
	for (unsigned int i = 0; i < count && peer.fd_count < MOST_FDS; i++) {
		int fd = fcntl(kinds[(kind < 4 ? kind : i) % 4], F_DUPFD_CLOEXEC, 0);

		MUST(fd >= 0);
		peer.fds[peer.fd_count++] = fd;
		if (list->count < list->limit) {
			list->fds[list->count++] = fd;
		} else {
			close(fd);
			list->discarded++;
		}
	}
	if (kind == 7 && count == 0x1f)
		list->lost = true;
}

static ssize_t receive(struct vfu_transport *transport, void *buffer, size_t length,
		       struct vfu_fd_list *list)
{
	(void)transport;
	MUST(length > 0 && !peer.closed);
	if (peer.wait) {
		peer.wait = false;
		return -EAGAIN;
	}
	if (peer.left == 0) {
		/* A pause, so that what is pending can be looked at before the end. */
		if (peer.waits++ == 0)
			return -EAGAIN;
		return peer.choices & CHOICE_RESET ? -EIO : 0;
	}
	if (server->connection.input.header_bytes == 0)
		hand_over_fds(list);
	if (length > peer.left)
		length = peer.left;
	if (peer.piece && length > peer.piece)
		length = peer.piece;
	memcpy(buffer, peer.bytes, length);
	peer.bytes += length;
	peer.left -= length;
	return (ssize_t)length;
}

/* Follows the stream of replies: each must be well-formed. */
static void look_at(const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		struct vfu_header header;

		if (peer.payload_left > 0) {
			size_t piece = length < peer.payload_left ? length : peer.payload_left;

			peer.payload_left -= (uint32_t)piece;
			bytes += piece;
			length -= piece;
			continue;
		}
		peer.header[peer.header_bytes++] = *bytes++;
		length--;
		if (peer.header_bytes < sizeof(header))
			continue;
		peer.header_bytes = 0;
		memcpy(&header, peer.header, sizeof(header));
		MUST(header.size_bytes >= sizeof(header));
		MUST((header.flags & ~VFU_FLAG_ERROR) == VFU_FLAG_TYPE_REPLY);
		if (header.flags & VFU_FLAG_ERROR)
			MUST(header.error_number > 0 && header.error_number <= VFU_ERRNO_MAX &&
			     header.size_bytes == sizeof(header));
		else
			MUST(header.error_number == 0);
		peer.payload_left = header.size_bytes - sizeof(header);
	}
}

static ssize_t send_reply(struct vfu_transport *transport, const void *buffer, size_t length, int fd)
{
	static unsigned int turn; /* of all inputs: where it stands is a matter of chance */

	(void)transport;
	MUST(length > 0 && !peer.closed);
	MUST(fd == -1 || fd == stock.region);
	if (peer.choices & CHOICE_NO_READER)
		return -EAGAIN;
	turn++;
	if ((peer.choices & CHOICE_RESET) && turn % 16 == 0)
		return turn % 32 ? -EIO : -EPIPE;
	if (peer.choices & CHOICE_SLOW) {
		if (turn % 3 == 2)
			return -EAGAIN;
		if (length > 5)
			length = 5;
	}
	look_at(buffer, length);
	return (ssize_t)length;
}

static void hang_up(struct vfu_transport *transport)
{
	(void)transport;
	MUST(!peer.closed);
	peer.closed = true;
}

static const struct vfu_transport in_memory = {
	.receive = receive,
	.send = send_reply,
	.close = hang_up,
	.fd = -1,
};

/* --- one input ----------------------------------------------------------------------------------- */

static void create_server(void)
{
	static const struct vfu_sparse_area area = { 0, REGION_BYTES };
	struct vfu_server_config config = {
		.require_sealed_memory = peer.choices & CHOICE_SEALED,
		.callbacks = peer.choices & CHOICE_FEW ? &few_callbacks : &all_callbacks,
		.limits = { .max_dma_maps = 8,
			    .max_data_transfer_bytes = 2048,
			    .max_output_bytes = 16384,
			    .max_log_lines = 8 },
	};

	for (int i = 0; i < VFU_REGIONS; i++)
		config.regions[i] = (struct vfu_server_region){
			.size_bytes = i == VFU_REGION_VGA ? 0 : REGION_BYTES,
			.readable = i != VFU_REGION_BAR3,
			.writable = i != VFU_REGION_ROM,
		};
	config.regions[VFU_REGION_BAR2].mappable = true;
	config.regions[VFU_REGION_BAR2].mmap_fd = stock.region;
	config.regions[VFU_REGION_BAR2].sparse_areas = &area;
	config.regions[VFU_REGION_BAR2].sparse_area_count = 1;
	config.regions[VFU_REGION_BAR4].mappable = true;
	config.regions[VFU_REGION_BAR4].mmap_fd = stock.region;
	config.irqs[VFU_IRQ_MSIX].count = 32;
	config.irqs[VFU_IRQ_ERROR].count = 1;
	MUST(vfu_server_create(&config, &server) == 0);
}

/* Lets the client `bytes` be served until it is gone. */
static void serve(const uint8_t *bytes, size_t size)
{
	peer.bytes = bytes;
	peer.left = size;
	peer.wait = false;
	peer.waits = 0;
	peer.header_bytes = 0;
	peer.payload_left = 0;
	peer.closed = false;
	MUST(vfu_server_connect(server, &in_memory) == 0);
	for (unsigned int i = 0; server->state != VFU_STATE_IDLE; i++) {
		MUST(i < 200000);
		MUST(vfu_server_process(server) == 0);
		vfu_output_flush(server);
		if (server->pending.kind == VFU_PENDING_NONE)
			continue;
		/* Nobody else sees that a client in memory hangs up while the device is busy. */
		if ((peer.choices & CHOICE_BUSY) && server->state == VFU_STATE_CONNECTED)
			vfu_server_drop_client(server);
		else if (server->pending.kind == VFU_PENDING_RESET)
			vfu_server_complete_reset(server, i % 2 ? -ETIME : 0);
		else
			vfu_server_complete_unmap(server);
	}
	MUST(peer.closed);
	MUST(vfu_server_dma_count(server) == 0);
	MUST(!vfu_server_has_client(server));
}

/* A VERSION message, and room for a stream behind it. */
static size_t put_version(uint8_t *bytes)
{
	static const char json[] = "{\"capabilities\":{\"max_msg_fds\":8,\"write_multiple\":true}}";
	const struct vfu_header header = {
		.command = VFU_COMMAND_VERSION,
		.size_bytes = sizeof(header) + 4 + sizeof(json),
	};

	memcpy(bytes, &header, sizeof(header));
	memset(bytes + sizeof(header), 0, 4);
	memcpy(bytes + sizeof(header) + 4, json, sizeof(json));
	return header.size_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *stream;
	size_t length = 0;

	if (size < 2)
		return 0;
	if (!stock.made)
		make_stock();
	memset(&peer, 0, sizeof(peer));
	peer.choices = data[0];
	stream = malloc(size + 256);
	MUST(stream != NULL);
	if (peer.choices & CHOICE_AGREED)
		length = put_version(stream);
	memcpy(stream + length, data + 2, size - 2);
	length += size - 2;

	create_server();
	if (data[1] & HASTE_SCARCE)
		peer.memory_turns = data[1] & ~HASTE_SCARCE;
	else
		peer.piece = data[1];
	serve(stream, length);
	/* Whoever comes next finds everything as it should be. */
	peer.choices = 0;
	peer.piece = 0;
	peer.memory_turns = 0;
	serve(stream, put_version(stream));
	MUST(server->stats.clients_connected > 0);
	vfu_server_destroy(server);
	for (size_t i = 0; i < peer.fd_count; i++)
		MUST(fcntl(peer.fds[i], F_GETFD) < 0);
	free(stream);
	return 0;
}
