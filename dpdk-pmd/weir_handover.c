/* SPDX-License-Identifier: BSD-3-Clause */
#include "weir_handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_eal_memconfig.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include "weir_log.h"

struct weir_handover_map {
	uint64_t iova, bytes;
	uint8_t *address; /* in this process */
};

/* Every exchange passes here: remembers that a server does not answer. */
static int answered(struct weir_handover *handover, int error)
{
	if (error == -ETIMEDOUT)
		handover->timed_out = true;
	return error;
}

/* A run of memory that is one map. */
struct run {
	struct weir_handover *handover;
	struct weir_handover_map map;
	uint64_t offset_bytes; /* in fd */
	int fd;		       /* -1: no run begun */
	bool fixed;	       /* never given back */
	unsigned int made;
	int error;
};

static int remember_map(struct weir_handover *handover, const struct weir_handover_map *map)
{
	if (handover->count == handover->room) {
		unsigned int room = handover->room ? 2 * handover->room : 64;
		struct weir_handover_map *maps = realloc(handover->maps, room * sizeof(maps[0]));

		if (!maps)
			return -ENOMEM;
		handover->maps = maps;
		handover->room = room;
	}
	handover->maps[handover->count++] = *map;
	return 0;
}

/* Makes the map of a run, and begins a new one. */
static void finish_run(struct run *run)
{
	struct weir_handover *handover = run->handover;

	if (run->fd < 0 || run->error)
		return;
	run->error = remember_map(handover, &run->map);
	if (!run->error) {
		run->error =
			answered(handover,
				 vfu_client_dma_map(handover->client, run->map.iova, run->map.bytes,
						    VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE, run->fd,
						    run->offset_bytes));
		if (run->error)
			handover->count--;
	}
	if (run->error)
		WEIR_PORT_LOG(
			handover, ERR,
			"the server does not take %llu bytes of memory at %#llx: %s%s",
			(unsigned long long)run->map.bytes, (unsigned long long)run->map.iova,
			strerror(-run->error),
			handover->count >= handover->limit
				? " (more maps than it can hold: use --single-file-segments or larger pages)"
				: "");
	else
		run->made++;
	run->fd = -1;
}

/* Whether fd can be the file behind that many bytes: where there is none, EAL may name any descriptor. */
static bool backs(int fd, uint64_t bytes)
{
	struct stat status;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size >= bytes)
		return true;
	rte_errno = ENODEV;
	return false;
}

/* Adds a piece of DPDK's memory to the run, or begins a new run with it. DPDK's memory is locked. */
static void add_piece(struct run *run, const struct rte_memseg_list *list,
		      const struct rte_memseg *piece)
{
	size_t offset_bytes = 0;
	bool fixed = !run->handover->memory_changes ||
		     (piece->flags & RTE_MEMSEG_FLAG_DO_NOT_FREE) != 0;
	int fd = rte_memseg_get_fd_thread_unsafe(piece);

	if (fd >= 0 && (rte_memseg_get_fd_offset_thread_unsafe(piece, &offset_bytes) < 0 ||
			!backs(fd, offset_bytes + piece->len)))
		fd = -1;
	if (fd < 0) {
		WEIR_PORT_LOG(
			run->handover, ERR,
			"DPDK's memory at %p has no file descriptor (%s), so it cannot be handed to the "
			"server: use hugepages (--in-memory --single-file-segments), or --no-huge on a "
			"kernel that has memfd_create()",
			piece->addr, rte_strerror(rte_errno));
		run->error = -ENOTSUP;
		return;
	}
	if (piece->iova == RTE_BAD_IOVA) {
		WEIR_PORT_LOG(run->handover, ERR,
			      "DPDK's memory at %p has no IO address: use --iova-mode=va",
			      piece->addr);
		run->error = -ENOTSUP;
		return;
	}
	RTE_SET_USED(list);
	if (run->fd == fd && fixed && run->fixed && run->map.iova + run->map.bytes == piece->iova &&
	    run->map.address + run->map.bytes == (uint8_t *)piece->addr &&
	    run->offset_bytes + run->map.bytes == offset_bytes) {
		run->map.bytes += piece->len;
		return;
	}
	finish_run(run);
	if (run->error)
		return;
	run->fd = fd;
	run->fixed = fixed;
	run->offset_bytes = offset_bytes;
	run->map = (struct weir_handover_map){ .iova = piece->iova,
					       .bytes = piece->len,
					       .address = piece->addr };
}

static int walk_piece(const struct rte_memseg_list *list, const struct rte_memseg *piece,
		      void *opaque)
{
	struct run *run = opaque;

	/* Not DPDK's own: what is there is refused where it would be used (check_memory). */
	if (!list->external)
		add_piece(run, list, piece);
	return run->error ? -1 : 0;
}

static void unmap_pages(struct weir_handover *handover, uint8_t *address, size_t bytes)
{
	for (unsigned int i = 0; i < handover->count;) {
		struct weir_handover_map map = handover->maps[i];
		int error;

		if (map.address < address || map.address >= address + bytes) {
			i++;
			continue;
		}
		error = answered(handover,
				 vfu_client_dma_unmap(handover->client, map.iova, map.bytes));
		if (error)
			WEIR_PORT_LOG(handover, ERR, "the server does not give back %#llx: %s",
				      (unsigned long long)map.iova, strerror(-error));
		handover->maps[i] = handover->maps[--handover->count];
	}
}

static void map_pages(struct weir_handover *handover, uint8_t *address, size_t bytes)
{
	const struct rte_memseg_list *list = rte_mem_virt2memseg_list(address);
	struct run run = { .handover = handover, .fd = -1 };

	if (!list || list->external)
		return;
	for (size_t done = 0; done < bytes && !run.error;) {
		const struct rte_memseg *piece = rte_mem_virt2memseg(address + done, list);

		if (!piece || piece->len == 0)
			break;
		add_piece(&run, list, piece);
		done += piece->len;
	}
	finish_run(&run);
}

/* DPDK's memory is locked for writing. An allocation cannot be refused here; what cannot be mapped is logged. */
static void memory_changed(enum rte_mem_event event, const void *address, size_t bytes, void *opaque)
{
	struct weir_handover *handover = opaque;
	uint8_t *at = (uint8_t *)(uintptr_t)address;

	pthread_mutex_lock(&handover->lock);
	if (handover->client) {
		if (event == RTE_MEM_EVENT_FREE)
			unmap_pages(handover, at, bytes);
		else
			map_pages(handover, at, bytes);
	}
	pthread_mutex_unlock(&handover->lock);
}

void weir_handover_create(struct weir_handover *handover, const char *name)
{
	char callback[RTE_MEM_EVENT_CALLBACK_NAME_LEN];

	handover->name = name;
	pthread_mutex_init(&handover->lock, NULL);
	/* Where memory never changes this is refused, which is as good. */
	snprintf(callback, sizeof(callback), "%s", name);
	handover->memory_changes =
		rte_mem_event_callback_register(callback, memory_changed, handover) == 0;
}

void weir_handover_destroy(struct weir_handover *handover)
{
	char callback[RTE_MEM_EVENT_CALLBACK_NAME_LEN];

	if (handover->memory_changes) {
		snprintf(callback, sizeof(callback), "%s", handover->name);
		rte_mem_event_callback_unregister(callback, handover);
	}
	pthread_mutex_destroy(&handover->lock);
	free(handover->maps);
}

int weir_handover_begin(struct weir_handover *handover, struct vfu_client *client)
{
	struct run run = { .handover = handover, .fd = -1 };

	handover->timed_out = false;
	handover->limit = vfu_client_get_limits(client).max_dma_maps;
	rte_mcfg_mem_read_lock();
	pthread_mutex_lock(&handover->lock);
	handover->count = 0;
	handover->client = client;
	rte_memseg_walk_thread_unsafe(walk_piece, &run);
	finish_run(&run);
	if (run.error)
		handover->client = NULL;
	pthread_mutex_unlock(&handover->lock);
	rte_mcfg_mem_read_unlock();
	if (!run.error)
		WEIR_PORT_LOG(handover, DEBUG, "memory handed over in %u maps", run.made);
	return run.error;
}

void weir_handover_end(struct weir_handover *handover)
{
	pthread_mutex_lock(&handover->lock);
	handover->client = NULL;
	handover->count = 0;
	pthread_mutex_unlock(&handover->lock);
}

int weir_handover_check(const struct weir_handover *handover, void *address, size_t bytes)
{
	const struct rte_memseg_list *first = rte_mem_virt2memseg_list(address);
	const struct rte_memseg_list *last =
		rte_mem_virt2memseg_list(RTE_PTR_ADD(address, bytes ? bytes - 1 : 0));

	if (first && last && !first->external && !last->external)
		return 0;
	WEIR_PORT_LOG(
		handover, ERR,
		"%zu bytes at %p are external memory, which cannot be handed to the server: it has no "
		"file descriptor that DPDK knows",
		bytes, address);
	return -ENOTSUP;
}
