/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Client memory: DMA_MAP, DMA_UNMAP and the table of what is mapped, in ascending order of iova.
 * Specification: "VFIO_USER_DMA_MAP", "VFIO_USER_DMA_UNMAP".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server_internal.h"

/* Index of the first entry that ends above iova. */
static uint32_t dma_search(const struct vfu_server *server, uint64_t iova)
{
	uint32_t low = 0;
	uint32_t high = server->dma_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct vfu_dma_region *region = &server->dma[middle].region;

		if (region->iova + (region->length_bytes - 1) < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int vfu_server_dma_find(const struct vfu_server *server, uint64_t iova, uint64_t length_bytes,
			bool writable, void **address)
{
	uint32_t index = dma_search(server, iova);
	const struct vfu_dma_region *region;
	uint64_t offset;

	if (index == server->dma_count)
		return -EFAULT;
	region = &server->dma[index].region;
	if (iova < region->iova)
		return -EFAULT;
	offset = iova - region->iova;
	if (length_bytes > region->length_bytes - offset)
		return -EFAULT;
	if (!(writable ? region->writable : region->readable))
		return -EACCES;
	if (!region->address)
		return -ENXIO;
	*address = (uint8_t *)region->address + offset;
	return 0;
}

uint32_t vfu_server_dma_count(const struct vfu_server *server)
{
	return server->dma_count;
}

/* Undoes what map_file() did. */
static void unmap_entry(struct vfu_dma_entry *entry)
{
	if (entry->guard_slot >= 0)
		vfu_guard_remove(entry->guard_slot);
	if (entry->region.address)
		munmap(entry->region.address, entry->region.length_bytes);
}

/* Checks the numbers of a DMA_MAP, and finds its place in the table. */
static int check_range(struct vfu_server *server, const struct vfu_message_dma_map *map,
		       uint32_t *index)
{
	uint64_t page_bytes = server->limits.page_sizes & -server->limits.page_sizes;

	if (map->argument_bytes < sizeof(*map))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL, "DMA_MAP: argument of %u bytes",
				 map->argument_bytes);
	if ((map->flags & VFU_DMA_MAP_FILE_IO) ||
	    (map->flags & ~(VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE | VFU_DMA_MAP_MMAP)))
		return vfu_fault(server, VFU_FAULT_DMA, -EOPNOTSUPP, "DMA_MAP: flags 0x%x",
				 map->flags);
	if (!(map->flags & (VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE)))
		return vfu_fault(server, VFU_FAULT_DMA, -EINVAL,
				 "DMA_MAP: neither to be read nor written");
	if (map->length_bytes == 0 || map->iova + (map->length_bytes - 1) < map->iova ||
	    map->length_bytes > INT64_MAX || map->offset_bytes > INT64_MAX - map->length_bytes)
		return vfu_fault(server, VFU_FAULT_DMA, -EINVAL,
				 "DMA_MAP: 0x%llx bytes at 0x%llx, offset 0x%llx",
				 (unsigned long long)map->length_bytes,
				 (unsigned long long)map->iova,
				 (unsigned long long)map->offset_bytes);
	if ((map->iova | map->length_bytes) & (page_bytes - 1))
		return vfu_fault(server, VFU_FAULT_DMA, -EINVAL,
				 "DMA_MAP: 0x%llx bytes at 0x%llx are not whole pages of 0x%llx",
				 (unsigned long long)map->length_bytes,
				 (unsigned long long)map->iova, (unsigned long long)page_bytes);
	*index = dma_search(server, map->iova);
	if (*index < server->dma_count &&
	    server->dma[*index].region.iova <= map->iova + (map->length_bytes - 1))
		return vfu_fault(server, VFU_FAULT_DMA, -EEXIST,
				 "DMA_MAP: 0x%llx bytes at 0x%llx overlap what is mapped",
				 (unsigned long long)map->length_bytes,
				 (unsigned long long)map->iova);
	if (server->dma_count >= server->limits.max_dma_maps)
		return vfu_fault(server, VFU_FAULT_DMA, -ENOSPC,
				 "DMA_MAP: %u are mapped, at most %u", server->dma_count,
				 server->limits.max_dma_maps);
	return 0;
}

/*
 * Whether fd is memory that may be mapped here. F_GET_SEALS is asked first since the kernel answers
 * it without asking anybody else, and for shared memory only; stat() of a file in, say, FUSE could
 * wait for ever.
 */
static int check_file(struct vfu_server *server, const struct vfu_message_dma_map *map, int fd,
		      bool *sealed)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;

	if (seals < 0 && !server->allow_ordinary_files)
		return vfu_fault(
			server, VFU_FAULT_FDS, -EINVAL,
			"DMA_MAP: the descriptor is not shared memory (memfd, tmpfs or hugetlbfs)");
	*sealed = seals >= 0 && (seals & F_SEAL_SHRINK);
	if (!*sealed && server->require_sealed_memory)
		return vfu_fault(server, VFU_FAULT_FDS, -EPERM,
				 "DMA_MAP: the memory is not sealed against shrinking");
	if (fstat(fd, &status) < 0)
		return vfu_fault(server, VFU_FAULT_FDS, -errno, "DMA_MAP: fstat: %s",
				 strerror(errno));
	if (!S_ISREG(status.st_mode))
		return vfu_fault(server, VFU_FAULT_FDS, -EINVAL,
				 "DMA_MAP: the descriptor is not a file");
	if ((uint64_t)status.st_size < map->offset_bytes + map->length_bytes)
		return vfu_fault(server, VFU_FAULT_DMA, -EINVAL,
				 "DMA_MAP: 0x%llx bytes at offset 0x%llx of a file of 0x%llx",
				 (unsigned long long)map->length_bytes,
				 (unsigned long long)map->offset_bytes,
				 (unsigned long long)status.st_size);
	return 0;
}

/* Maps the client's descriptor into entry. */
static int map_file(struct vfu_server *server, const struct vfu_message_dma_map *map, int fd,
		    struct vfu_dma_entry *entry)
{
	int protection = (entry->region.readable ? PROT_READ : 0) |
			 (entry->region.writable ? PROT_WRITE : 0);
	void *address;
	int error;

	error = check_file(server, map, fd, &entry->region.sealed);
	if (error < 0)
		return error;
	address =
		mmap(NULL, map->length_bytes, protection, MAP_SHARED, fd, (off_t)map->offset_bytes);
	if (address == MAP_FAILED)
		return vfu_fault(server, VFU_FAULT_DMA, -errno, "DMA_MAP: mmap: %s",
				 strerror(errno));
	entry->region.address = address;
	entry->region.fd = fd;
	entry->region.offset_bytes = map->offset_bytes;
	if (entry->region.sealed)
		return 0;
	if (vfu_guard_installed()) {
		entry->guard_slot = vfu_guard_add(address, map->length_bytes, &server->memory_lost,
						  server->wake_fd);
		if (entry->guard_slot < 0) {
			unmap_entry(entry);
			return vfu_fault(server, VFU_FAULT_DMA, -ENOMEM,
					 "DMA_MAP: no more unsealed memory can be guarded");
		}
	} else if (!server->connection.unsealed_logged) {
		server->connection.unsealed_logged = true;
		vfu_log(server, VFU_LOG_INFO,
			"client memory is not sealed against shrinking, and nothing guards it");
	}
	return 0;
}

/* Makes room for one more entry. */
static int grow_table(struct vfu_server *server)
{
	uint32_t capacity = server->dma_capacity ? server->dma_capacity * 2 : 16;
	struct vfu_dma_entry *larger;

	if (server->dma_count < server->dma_capacity)
		return 0;
	larger = realloc(server->dma, capacity * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	server->dma = larger;
	server->dma_capacity = capacity;
	return 0;
}

int vfu_handle_dma_map(struct vfu_server *server, struct vfu_message *message)
{
	struct vfu_message_dma_map map;
	struct vfu_dma_entry entry;
	uint32_t index = 0;
	int error;

	memcpy(&map, message->payload, sizeof(map));
	error = check_range(server, &map, &index);
	if (error < 0)
		return error;
	if (message->fds->count > 1)
		return vfu_fault(server, VFU_FAULT_FDS, -EINVAL, "DMA_MAP: %zu descriptors",
				 message->fds->count);
	if (message->fds->count == 0 && (map.flags & VFU_DMA_MAP_MMAP))
		return vfu_fault(server, VFU_FAULT_FDS, -EINVAL,
				 "DMA_MAP: to be mapped, but without a descriptor");
	if (grow_table(server) < 0)
		return -ENOMEM;

	entry = (struct vfu_dma_entry){
		.region = { .iova = map.iova,
			    .length_bytes = map.length_bytes,
			    .readable = map.flags & VFU_DMA_MAP_READ,
			    .writable = map.flags & VFU_DMA_MAP_WRITE,
			    .fd = -1 },
		.guard_slot = -1,
	};
	if (message->fds->count == 1) {
		error = map_file(server, &map, message->fds->fds[0], &entry);
		if (error < 0)
			return error;
	}
	if (server->callbacks->dma_map) {
		error = server->callbacks->dma_map(server->device, &entry.region);
		if (error) {
			unmap_entry(&entry);
			if (error > 0 || error < -VFU_ERRNO_MAX)
				error = -EIO;
			return vfu_fault(server, VFU_FAULT_DEVICE, error,
					 "DMA_MAP: the device answers: %s", strerror(-error));
		}
	}
	/* The mapping does not need its descriptor. */
	if (message->fds->count == 1)
		close(vfu_fd_list_take(message->fds, 0));
	entry.region.fd = -1;
	memmove(&server->dma[index + 1], &server->dma[index],
		(server->dma_count - index) * sizeof(entry));
	server->dma[index] = entry;
	server->dma_count++;
	server->stats.dma_maps++;
	return 0;
}

void vfu_dma_unmap_all(struct vfu_server *server)
{
	for (uint32_t i = 0; i < server->dma_count; i++)
		unmap_entry(&server->dma[i]);
	server->stats.dma_unmaps += server->dma_count;
	free(server->dma);
	server->dma = NULL;
	server->dma_count = 0;
	server->dma_capacity = 0;
}

struct vfu_output *vfu_dma_unmap_finish(struct vfu_server *server)
{
	const struct vfu_message_dma_unmap *unmap = &server->pending.unmap;
	struct vfu_output *reply = vfu_reply_new(sizeof(*unmap));

	if (server->pending.kind == VFU_PENDING_UNMAP_ALL) {
		vfu_dma_unmap_all(server);
	} else {
		uint32_t index = dma_search(server, unmap->iova);

		unmap_entry(&server->dma[index]);
		server->dma_count--;
		memmove(&server->dma[index], &server->dma[index + 1],
			(server->dma_count - index) * sizeof(server->dma[0]));
		server->stats.dma_unmaps++;
	}
	if (reply)
		memcpy(vfu_reply_payload(reply), unmap, sizeof(*unmap));
	return reply;
}

/* What a DMA_UNMAP names: *region, NULL for everything. */
static int check_unmap(struct vfu_server *server, const struct vfu_message_dma_unmap *unmap,
		       const struct vfu_dma_region **region)
{
	uint32_t index;

	if (unmap->argument_bytes < sizeof(*unmap))
		return vfu_fault(server, VFU_FAULT_SIZE, -EINVAL, "DMA_UNMAP: %u bytes of room",
				 unmap->argument_bytes);
	if (unmap->flags & ~VFU_DMA_UNMAP_ALL)
		return vfu_fault(server, VFU_FAULT_DMA, -EOPNOTSUPP, "DMA_UNMAP: flags 0x%x",
				 unmap->flags);
	*region = NULL;
	if (unmap->flags & VFU_DMA_UNMAP_ALL) {
		if (unmap->iova == 0 && unmap->length_bytes == 0)
			return 0;
		return vfu_fault(server, VFU_FAULT_DMA, -EINVAL,
				 "DMA_UNMAP: everything, and yet 0x%llx bytes at 0x%llx",
				 (unsigned long long)unmap->length_bytes,
				 (unsigned long long)unmap->iova);
	}
	index = dma_search(server, unmap->iova);
	if (index < server->dma_count)
		*region = &server->dma[index].region;
	if (!*region || (*region)->iova != unmap->iova ||
	    (*region)->length_bytes != unmap->length_bytes)
		return vfu_fault(server, VFU_FAULT_DMA, -ENOENT,
				 "DMA_UNMAP: no mapping is 0x%llx bytes at 0x%llx",
				 (unsigned long long)unmap->length_bytes,
				 (unsigned long long)unmap->iova);
	return 0;
}

int vfu_handle_dma_unmap(struct vfu_server *server, struct vfu_message *message)
{
	const struct vfu_dma_region *region = NULL;
	enum vfu_progress progress = VFU_DONE;
	int error;

	memcpy(&server->pending.unmap, message->payload, sizeof(server->pending.unmap));
	error = check_unmap(server, &server->pending.unmap, &region);
	if (error < 0)
		return error;
	vfu_pending_begin(server, region ? VFU_PENDING_UNMAP : VFU_PENDING_UNMAP_ALL);
	if (server->callbacks->dma_unmap)
		progress = server->callbacks->dma_unmap(server->device, region);
	if (progress == VFU_PENDING)
		return VFU_PENDING;
	message->reply = vfu_dma_unmap_finish(server);
	vfu_pending_cancel(server);
	return message->reply ? 0 : -ENOMEM;
}
