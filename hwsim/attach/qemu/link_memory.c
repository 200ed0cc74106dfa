/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory in weir-sim's hands: every piece that a function can reach is one DMA map with the descriptor of its RAM. Without
 * translation these are QEMU's RAM sections, with it the pages that the IOMMU's notifiers tell of. An unmap waits until weir-sim has
 * let go, and with it the guest's invalidation: afterwards nothing reaches the page.
 */
#include "link.h"

#include "exec/address-spaces.h"
#include "exec/cpu-common.h"
#include "hw/boards.h"
#include "qom/object.h"

#define PAGE_OFFSET_BITS UINT64_C(0xfff)

struct weir_link_map {
	uint64_t iova, bytes;
	int fd;		 /* the RAM's, which stays as long as the map */
	uint64_t offset; /* in fd */
	uint32_t flags;	 /* VFU_DMA_MAP_READ, ..._WRITE */
};

static uint64_t end_of(const struct weir_link_map *map)
{
	return map->iova + (map->bytes - 1);
}

/* ---- the table ---- */

static gint compare(gconstpointer a, gconstpointer b, gpointer unused)
{
	uint64_t left = ((const struct weir_link_map *)a)->iova;
	uint64_t right = ((const struct weir_link_map *)b)->iova;

	(void)unused;
	return left < right ? -1 : left > right;
}

void weir_link_memory_init(struct weir_link *link)
{
	/* A map is its own key. */
	link->maps = g_tree_new_full(compare, NULL, g_free, NULL);
}

void weir_link_memory_free(struct weir_link *link)
{
	g_tree_unref(link->maps);
}

struct range {
	uint64_t first, last;
};

/* For g_tree_search(): in which direction a map that overlaps the range lies from this one. */
static gint towards(gconstpointer key, gconstpointer opaque)
{
	const struct weir_link_map *map = key;
	const struct range *range = opaque;

	if (map->iova > range->last)
		return -1;
	return end_of(map) < range->first;
}

/* A map that overlaps [first, last], NULL if there is none. */
static struct weir_link_map *find(struct weir_link *link, uint64_t first, uint64_t last)
{
	const struct range range = { first, last };

	return g_tree_search(link->maps, towards, &range);
}

/* ---- weir-sim's copy of it ---- */

static void send_map(struct weir_link *link, const struct weir_link_map *map)
{
	int error;

	if (!link->client)
		return;
	error = vfu_client_dma_map(link->client, map->iova, map->bytes, map->flags, map->fd,
				   map->offset);
	if (!error || !weir_link_good(link, error) || link->trouble_told)
		return;
	/* Its DMA there will fail, as if the page were not mapped. */
	link->trouble_told = true;
	error_report("weir: %s does not take 0x%" PRIx64
		     " bytes of the guest's memory at 0x%" PRIx64 ": %s",
		     link->path, map->bytes, map->iova, strerror(-error));
}

static void send_unmap(struct weir_link *link, const struct weir_link_map *map)
{
	int error;

	if (!link->client)
		return;
	error = vfu_client_dma_unmap(link->client, map->iova, map->bytes);
	/* What it was refused it does not have. */
	if (!error || error == -ENOENT || !weir_link_good(link, error))
		return;
	/* The page is about to be somebody else's: hanging up is the one way left to be sure. */
	error_report("weir: %s does not let go of 0x%" PRIx64 " bytes at 0x%" PRIx64 ": %s",
		     link->path, map->bytes, map->iova, strerror(-error));
	weir_link_close(link);
}

static gboolean send_one(gpointer key, gpointer value, gpointer opaque)
{
	(void)value;
	send_map(opaque, key);
	return FALSE;
}

void weir_link_memory_send(struct weir_link *link)
{
	g_tree_foreach(link->maps, send_one, link);
}

static void add(struct weir_link *link, struct weir_link_map map)
{
	struct weir_link_map *copy = g_memdup2(&map, sizeof(map));

	g_tree_insert(link->maps, copy, copy);
	send_map(link, copy);
}

/* Takes away [iova, last]. What is cut is made anew without that part: a map is unmapped as a whole. */
static void cut(struct weir_link *link, uint64_t iova, uint64_t last)
{
	struct weir_link_map *found;

	while ((found = find(link, iova, last))) {
		struct weir_link_map map = *found;

		send_unmap(link, found);
		g_tree_remove(link->maps, found);
		if (map.iova < iova) {
			struct weir_link_map left = map;

			left.bytes = iova - map.iova;
			add(link, left);
		}
		if (end_of(&map) > last) {
			struct weir_link_map right = map;

			right.iova = last + 1;
			right.bytes = end_of(&map) - last;
			right.offset += right.iova - map.iova;
			add(link, right);
		}
	}
}

/* ---- whose memory it is ---- */

/* Whether another process that is given its descriptor sees the same memory. */
static bool is_shared(MemoryRegion *region)
{
	return memory_region_is_ram(region) && !memory_region_is_ram_device(region) &&
	       memory_region_get_fd(region) >= 0 && qemu_ram_is_shared(region->ram_block);
}

/* Adds [iova, iova + bytes) at `offset` of region, if it is memory that can be shared: ROMs and the like are not, and fault. */
static void add_ram(struct weir_link *link, MemoryRegion *region, uint64_t iova, uint64_t bytes,
		    uint64_t offset, uint32_t flags)
{
	struct weir_link_map map = {
		.iova = iova, .bytes = bytes, .offset = offset, .flags = flags
	};

	if (!bytes || (iova | bytes | offset) & PAGE_OFFSET_BITS || !is_shared(region))
		return;
	map.fd = memory_region_get_fd(region);
	cut(link, iova, end_of(&map));
	add(link, map);
}

bool weir_link_memory_check(Error **errp)
{
	Object *iommu = object_resolve_path_type("", "intel-iommu", NULL);

	if (!current_machine->ram || !is_shared(current_machine->ram)) {
		error_setg(
			errp,
			"weir: attach=: weir-sim must be able to reach the guest's memory. With -m SIZE add: "
			"-object memory-backend-memfd,id=ram0,size=SIZE,share=on "
			"-machine memory-backend=ram0");
		return false;
	}
	if (iommu && !object_property_get_bool(iommu, "caching-mode", NULL)) {
		error_setg(
			errp,
			"weir: attach=: the IOMMU must tell what it maps: -device intel-iommu,caching-mode=on,...");
		return false;
	}
	return true;
}

/* ---- without translation ---- */

void weir_link_ram_come(WeirFunction *function, const MemoryRegionSection *section)
{
	uint32_t flags = VFU_DMA_MAP_READ | (section->readonly ? 0 : VFU_DMA_MAP_WRITE);

	add_ram(link_of(function), section->mr, section->offset_within_address_space,
		int128_get64(section->size), section->offset_within_region, flags);
}

void weir_link_ram_go(WeirFunction *function, const MemoryRegionSection *section)
{
	uint64_t iova = section->offset_within_address_space;

	cut(link_of(function), iova, iova + (int128_get64(section->size) - 1));
}

/* ---- with an IOMMU ---- */

static void map_translated(struct weir_link *link, const IOMMUTLBEntry *entry)
{
	uint32_t flags = (entry->perm & IOMMU_RO ? VFU_DMA_MAP_READ : 0) |
			 (entry->perm & IOMMU_WO ? VFU_DMA_MAP_WRITE : 0);
	uint64_t rest = entry->addr_mask + 1, at = 0;

	RCU_READ_LOCK_GUARD();
	while (rest) {
		hwaddr offset, bytes = rest;
		MemoryRegion *region = address_space_translate(entry->target_as,
							       entry->translated_addr + at, &offset,
							       &bytes, entry->perm & IOMMU_WO,
							       MEMTXATTRS_UNSPECIFIED);

		add_ram(link, region, entry->iova + at, bytes, offset, flags);
		at += bytes;
		rest -= bytes;
	}
}

void weir_link_iommu_event(WeirFunction *function, const IOMMUTLBEntry *entry)
{
	struct weir_link *link = link_of(function);

	if (entry->perm == IOMMU_NONE)
		cut(link, entry->iova, entry->iova + entry->addr_mask);
	else
		map_translated(link, entry);
}

void weir_link_iommu_refuses(WeirFunction *function, Error *error)
{
	struct weir_link *link = link_of(function);

	if (!link->trouble_told)
		error_report(
			"weir: %s: the guest translates this function's addresses and the IOMMU does not tell how (%s): "
			"its DMA fails",
			link->path, error_get_pretty(error));
	link->trouble_told = true;
	error_free(error);
}
