/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of the client: what is asked of the device, and what its answers are checked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client_internal.h"

/* Room for a region's information at first asking, and at most. */
#define REGION_INFO_BYTES      1024u
#define REGION_INFO_MOST_BYTES 65536u
/* Reads up to this size need no memory of their own. */
#define SMALL_READ_BYTES 64
/* As many as QEMU sends in one REGION_WRITE_MULTI. */
#define MOST_WRITES 200

/* A command whose reply is as long as its payload, and overwrites it. */
static int ask(struct vfu_client *client, uint16_t command, void *payload, size_t payload_bytes)
{
	struct vfu_exchange exchange = { .command = command,
					 .parts = { { payload, payload_bytes } },
					 .reply = payload,
					 .reply_capacity = payload_bytes };
	int error = vfu_client_exchange(client, &exchange);

	if (error == 0 && exchange.reply_bytes != payload_bytes)
		return vfu_client_distrust(client);
	return error;
}

/* A command that is answered by a header alone. */
static int tell(struct vfu_client *client, uint16_t command, const void *payload,
		size_t payload_bytes, const int *fds, size_t fd_count)
{
	struct vfu_exchange exchange = { .command = command,
					 .parts = { { (void *)payload, payload_bytes } },
					 .fds = fds,
					 .fd_count = fd_count };

	return vfu_client_exchange(client, &exchange);
}

int vfu_client_device_info(struct vfu_client *client, uint32_t *flags, uint32_t *region_count,
			   uint32_t *irq_count)
{
	struct vfu_message_device_info info = { .argument_bytes = sizeof(info) };
	int error = ask(client, VFU_COMMAND_DEVICE_GET_INFO, &info, sizeof(info));

	if (error == 0) {
		*flags = info.flags;
		*region_count = info.region_count;
		*irq_count = info.irq_count;
	}
	return error;
}

int vfu_client_device_reset(struct vfu_client *client)
{
	return tell(client, VFU_COMMAND_DEVICE_RESET, NULL, 0, NULL, 0);
}

/* --- regions ------------------------------------------------------------------------------------- */

/* Whether an area lies in its region. */
static bool area_fits(const struct vfu_client_region *region, const struct vfu_sparse_area *area)
{
	return area->size_bytes > 0 && area->offset_bytes <= region->size_bytes &&
	       area->size_bytes <= region->size_bytes - area->offset_bytes;
}

/* Copies the areas of a sparse capability that lies at `offset` of `bytes` bytes of reply. */
static int take_areas(struct vfu_client_region *region, const uint8_t *reply, size_t bytes,
		      size_t offset)
{
	struct vfu_capability_sparse sparse;

	if (bytes - offset < sizeof(sparse))
		return -EPROTO;
	memcpy(&sparse, reply + offset, sizeof(sparse));
	if (sparse.header.version != VFU_CAPABILITY_SPARSE_MMAP_VERSION ||
	    sparse.area_count > (bytes - offset - sizeof(sparse)) / sizeof(region->areas[0]))
		return -EPROTO;
	free(region->areas);
	region->area_count = sparse.area_count;
	region->areas = malloc(sparse.area_count * sizeof(region->areas[0]) + 1);
	if (!region->areas)
		return -ENOMEM;
	memcpy(region->areas, reply + offset + sizeof(sparse),
	       sparse.area_count * sizeof(region->areas[0]));
	for (uint32_t i = 0; i < region->area_count; i++) {
		if (!area_fits(region, &region->areas[i]))
			return -EPROTO;
	}
	return 0;
}

/* Walks the list of capabilities; each lies further on than the one before, so it ends. */
static int take_capabilities(struct vfu_client_region *region, const uint8_t *reply, size_t bytes,
			     size_t offset)
{
	size_t end_of_last = sizeof(struct vfu_message_region_info);

	while (offset != 0) {
		struct vfu_capability_header header;
		int error = 0;

		if (offset < end_of_last || offset > bytes || bytes - offset < sizeof(header))
			return -EPROTO;
		memcpy(&header, reply + offset, sizeof(header));
		if (header.id == VFU_CAPABILITY_SPARSE_MMAP)
			error = take_areas(region, reply, bytes, offset);
		if (error < 0)
			return error;
		end_of_last = offset + sizeof(header);
		offset = header.next;
	}
	return 0;
}

/* Fills in what a complete reply says. Takes the descriptor. */
static int take_region(struct vfu_client_region *region, const uint8_t *reply, size_t bytes,
		       struct vfu_fd_list *fds)
{
	struct vfu_message_region_info info;
	const struct vfu_sparse_area whole = { 0 };

	memcpy(&info, reply, sizeof(info));
	if (info.index != region->index)
		return -EPROTO;
	region->flags = info.flags & (VFU_REGION_READ | VFU_REGION_WRITE);
	region->size_bytes = info.size_bytes;
	if (!(info.flags & VFU_REGION_MMAP) || fds->count == 0)
		return 0;
	region->flags |= VFU_REGION_MMAP;
	region->offset_bytes = info.offset_bytes;
	region->fd = vfu_fd_list_take(fds, 0);
	if (info.flags & VFU_REGION_CAPABILITIES) {
		int error = take_capabilities(region, reply, bytes, info.capability_offset);

		if (error < 0 || region->areas)
			return error;
	}
	region->areas = malloc(sizeof(whole));
	if (!region->areas)
		return -ENOMEM;
	region->areas[0] = whole;
	region->areas[0].size_bytes = region->size_bytes;
	region->area_count = 1;
	return 0;
}

/* Asks once, with room for `room` bytes. *needed: what the server would have liked. */
static int ask_region(struct vfu_client *client, struct vfu_client_region *region, uint32_t room,
		      uint32_t *needed)
{
	struct vfu_message_region_info info = { .argument_bytes = room, .index = region->index };
	struct vfu_fd_list fds = { .limit = 1 };
	struct vfu_exchange exchange = { .command = VFU_COMMAND_DEVICE_GET_REGION_INFO,
					 .parts = { { &info, sizeof(info) } },
					 .reply_capacity = room,
					 .fds_in = &fds };
	int error;

	exchange.reply = malloc(room);
	if (!exchange.reply)
		return -ENOMEM;
	error = vfu_client_exchange(client, &exchange);
	if (error == 0 && exchange.reply_bytes < sizeof(info))
		error = vfu_client_distrust(client);
	if (error == 0) {
		memcpy(&info, exchange.reply, sizeof(info));
		*needed = info.argument_bytes;
		if (info.argument_bytes <= room)
			error = take_region(region, exchange.reply, exchange.reply_bytes, &fds);
		if (error == -EPROTO)
			vfu_client_distrust(client);
	}
	vfu_fd_list_close(&fds);
	free(exchange.reply);
	return error;
}

int vfu_client_region_info(struct vfu_client *client, uint32_t index,
			   struct vfu_client_region *region)
{
	uint32_t needed = 0;
	int error;

	*region = (struct vfu_client_region){ .index = index, .fd = -1 };
	error = ask_region(client, region, REGION_INFO_BYTES, &needed);
	if (error == 0 && needed > REGION_INFO_BYTES) {
		uint32_t room = needed;

		if (room > REGION_INFO_MOST_BYTES)
			return vfu_client_distrust(client);
		error = ask_region(client, region, room, &needed);
		if (error == 0 && needed > room)
			error = vfu_client_distrust(client);
	}
	if (error < 0)
		vfu_client_region_release(region);
	return error;
}

void vfu_client_region_release(struct vfu_client_region *region)
{
	if (region->fd >= 0)
		close(region->fd);
	free(region->areas);
	region->fd = -1;
	region->areas = NULL;
	region->area_count = 0;
}

int vfu_client_region_map(const struct vfu_client_region *region, uint32_t area, void **address)
{
	int protection = (region->flags & VFU_REGION_READ ? PROT_READ : 0) |
			 (region->flags & VFU_REGION_WRITE ? PROT_WRITE : 0);
	const struct vfu_sparse_area *part;
	void *mapped;

	if (area >= region->area_count)
		return -ENXIO;
	part = &region->areas[area];
	mapped = mmap(NULL, part->size_bytes, protection, MAP_SHARED, region->fd,
		      (off_t)(region->offset_bytes + part->offset_bytes));
	if (mapped == MAP_FAILED)
		return -errno;
	*address = mapped;
	return 0;
}

/* Reads at most what one message holds. */
static int read_piece(struct vfu_client *client, uint32_t region, uint64_t offset_bytes,
		      void *buffer, uint32_t count_bytes)
{
	struct vfu_message_region_access access = { .offset_bytes = offset_bytes,
						    .region = region,
						    .count_bytes = count_bytes };
	uint8_t small[sizeof(access) + SMALL_READ_BYTES];
	struct vfu_exchange exchange = { .command = VFU_COMMAND_REGION_READ,
					 .parts = { { &access, sizeof(access) } },
					 .reply = small,
					 .reply_capacity = sizeof(access) + count_bytes };
	int error;

	if (count_bytes > SMALL_READ_BYTES)
		exchange.reply = malloc(exchange.reply_capacity);
	if (!exchange.reply)
		return -ENOMEM;
	error = vfu_client_exchange(client, &exchange);
	if (error == 0) {
		memcpy(&access, exchange.reply, sizeof(access));
		if (exchange.reply_bytes != exchange.reply_capacity ||
		    access.count_bytes != count_bytes)
			error = vfu_client_distrust(client);
		else
			memcpy(buffer, (uint8_t *)exchange.reply + sizeof(access), count_bytes);
	}
	if (exchange.reply != small)
		free(exchange.reply);
	return error;
}

/* Writes at most what one message holds. */
static int write_piece(struct vfu_client *client, uint32_t region, uint64_t offset_bytes,
		       const void *buffer, uint32_t count_bytes, uint32_t flags)
{
	struct vfu_message_region_access access = { .offset_bytes = offset_bytes,
						    .region = region,
						    .count_bytes = count_bytes };
	struct vfu_exchange exchange = { .command = VFU_COMMAND_REGION_WRITE,
					 .posted = flags & VFU_CLIENT_POSTED,
					 .parts = { { &access, sizeof(access) },
						    { (void *)buffer, count_bytes } },
					 .reply = &access,
					 .reply_capacity = sizeof(access) };
	int error = vfu_client_exchange(client, &exchange);

	if (error == 0 && !exchange.posted &&
	    (exchange.reply_bytes != sizeof(access) || access.count_bytes != count_bytes))
		return vfu_client_distrust(client);
	return error;
}

int vfu_client_region_read(struct vfu_client *client, uint32_t region, uint64_t offset_bytes,
			   void *buffer, size_t length_bytes)
{
	size_t most = vfu_client_get_limits(client).max_data_transfer_bytes;
	size_t done = 0;

	do {
		size_t piece = length_bytes - done < most ? length_bytes - done : most;
		int error = read_piece(client, region, offset_bytes + done, (char *)buffer + done,
				       (uint32_t)piece);

		if (error < 0)
			return error;
		done += piece;
	} while (done < length_bytes);
	return 0;
}

int vfu_client_region_write(struct vfu_client *client, uint32_t region, uint64_t offset_bytes,
			    const void *buffer, size_t length_bytes, uint32_t flags)
{
	size_t most = vfu_client_get_limits(client).max_data_transfer_bytes;
	size_t done = 0;

	do {
		size_t piece = length_bytes - done < most ? length_bytes - done : most;
		int error = write_piece(client, region, offset_bytes + done,
					(const char *)buffer + done, (uint32_t)piece, flags);

		if (error < 0)
			return error;
		done += piece;
	} while (done < length_bytes);
	return 0;
}

int vfu_client_region_write_multi(struct vfu_client *client, const struct vfu_client_write *writes,
				  uint32_t count, uint32_t flags)
{
	struct vfu_message_write_multi multi = { .write_count = count };
	struct vfu_multi_write packed[MOST_WRITES];
	struct vfu_exchange exchange = { .command = VFU_COMMAND_REGION_WRITE_MULTI,
					 .posted = flags & VFU_CLIENT_POSTED,
					 .parts = { { &multi, sizeof(multi) },
						    { packed, count * sizeof(packed[0]) } },
					 .reply = &multi,
					 .reply_capacity = sizeof(multi) };
	bool together = vfu_client_get_limits(client).write_multiple;
	int error = 0;

	if (count == 0 || count > MOST_WRITES)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		const struct vfu_client_write *write = &writes[i];

		if (write->count_bytes == 0 || write->count_bytes > VFU_MULTI_WRITE_BYTES)
			return -EINVAL;
		packed[i] = (struct vfu_multi_write){ .offset_bytes = write->offset_bytes,
						      .region = write->region,
						      .count_bytes = write->count_bytes };
		memcpy(packed[i].data, &write->value, sizeof(packed[i].data));
	}
	for (uint32_t i = 0; !together && error == 0 && i < count; i++)
		error = write_piece(client, packed[i].region, packed[i].offset_bytes,
				    packed[i].data, packed[i].count_bytes, flags);
	if (!together)
		return error;
	error = vfu_client_exchange(client, &exchange);
	if (error == 0 && !exchange.posted &&
	    (exchange.reply_bytes != sizeof(multi) || multi.write_count != count))
		return vfu_client_distrust(client);
	return error;
}

/* --- memory -------------------------------------------------------------------------------------- */

int vfu_client_dma_map(struct vfu_client *client, uint64_t iova, uint64_t length_bytes,
		       uint32_t flags, int fd, uint64_t offset_bytes)
{
	const struct vfu_message_dma_map map = {
		.argument_bytes = sizeof(map),
		.flags = flags,
		.offset_bytes = offset_bytes,
		.iova = iova,
		.length_bytes = length_bytes,
	};

	return tell(client, VFU_COMMAND_DMA_MAP, &map, sizeof(map), &fd, fd >= 0 ? 1 : 0);
}

static int unmap(struct vfu_client *client, uint64_t iova, uint64_t length_bytes, uint32_t flags)
{
	struct vfu_message_dma_unmap message = {
		.argument_bytes = sizeof(message),
		.flags = flags,
		.iova = iova,
		.length_bytes = length_bytes,
	};

	return ask(client, VFU_COMMAND_DMA_UNMAP, &message, sizeof(message));
}

int vfu_client_dma_unmap(struct vfu_client *client, uint64_t iova, uint64_t length_bytes)
{
	return unmap(client, iova, length_bytes, 0);
}

int vfu_client_dma_unmap_all(struct vfu_client *client)
{
	return unmap(client, 0, 0, VFU_DMA_UNMAP_ALL);
}

/* --- interrupts ---------------------------------------------------------------------------------- */

int vfu_client_irq_info(struct vfu_client *client, uint32_t index, uint32_t *flags, uint32_t *count)
{
	struct vfu_message_irq_info info = { .argument_bytes = sizeof(info), .index = index };
	int error = ask(client, VFU_COMMAND_DEVICE_GET_IRQ_INFO, &info, sizeof(info));

	if (error == 0) {
		*flags = info.flags;
		*count = info.count;
	}
	return error;
}

static int set_irqs(struct vfu_client *client, uint32_t flags, uint32_t index, uint32_t start,
		    uint32_t count, const int *fds, size_t fd_count)
{
	const struct vfu_message_set_irqs set = {
		.argument_bytes = sizeof(set),
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};

	return tell(client, VFU_COMMAND_DEVICE_SET_IRQS, &set, sizeof(set), fds, fd_count);
}

int vfu_client_irq_eventfds(struct vfu_client *client, uint32_t index, uint32_t start,
			    uint32_t count, const int *eventfds)
{
	uint32_t most = vfu_client_get_limits(client).max_message_fds;
	uint32_t done = 0;

	while (done < count) {
		bool given = eventfds[done] >= 0;
		uint32_t run = 1;
		int error;

		if (given && most == 0)
			return -EOPNOTSUPP;
		/* A message sets eventfds or takes them away; only the former has a limit. */
		while (done + run < count && (eventfds[done + run] >= 0) == given &&
		       (!given || run < most))
			run++;
		error = set_irqs(client, VFU_IRQ_SET_DATA_EVENTFD | VFU_IRQ_SET_ACTION_TRIGGER,
				 index, start + done, run, eventfds + done, given ? run : 0);
		if (error < 0)
			return error;
		done += run;
	}
	return 0;
}

int vfu_client_irq_disable(struct vfu_client *client, uint32_t index)
{
	return set_irqs(client, VFU_IRQ_SET_DATA_NONE | VFU_IRQ_SET_ACTION_TRIGGER, index, 0, 0,
			NULL, 0);
}

int vfu_client_irq_action(struct vfu_client *client, uint32_t index, uint32_t start, uint32_t count,
			  uint32_t action)
{
	return set_irqs(client, VFU_IRQ_SET_DATA_NONE | action, index, start, count, NULL, 0);
}
