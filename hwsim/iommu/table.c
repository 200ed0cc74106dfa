/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The translation agent's tables (PCIe 5.0, 10.1): what of a function's address space is mapped to which host memory. Sorted by
 * address; a look-up is a binary search, and the fast paths in card.h hold a few of its results ready.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Index of the first mapping that ends behind address. */
static uint32_t first_behind(const struct sim_function *function, uint64_t address)
{
	uint32_t low = 0, high = function->map_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct sim_map *map = &function->maps[middle];

		if (map->iova + (map->bytes - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct sim_map *sim_iommu_find(struct sim_function *function, uint64_t address)
{
	uint32_t index = first_behind(function, address);

	if (index == function->map_count || function->maps[index].iova > address)
		return NULL;
	return &function->maps[index];
}

/* [iova, iova + bytes) is not empty and does not wrap; its last byte is at most the last address. */
static bool is_range(uint64_t iova, uint64_t bytes)
{
	return bytes && iova + (bytes - 1) >= iova;
}

void sim_trace_mapped(struct weirsim *sim, const struct sim_function *function, uint64_t iova,
		      uint64_t bytes)
{
	struct weir_trace_record *record =
		sim_trace_add(sim, WEIR_TRACE_KIND_IOMMU_MAPPED, function->number);

	if (!record)
		return;
	record->address = weir_cpu_to_le64(iova);
	record->length = weir_cpu_to_le32(bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes);
}

int weirsim_dma_map(struct weirsim *sim, uint16_t number, uint64_t iova, void *va, uint64_t bytes,
		    int protection)
{
	struct sim_function *function;
	uint32_t index;

	if (!is_range(iova, bytes) || !va || (uintptr_t)va + (bytes - 1) < (uintptr_t)va ||
	    !protection || protection & ~(WEIRSIM_READ | WEIRSIM_WRITE) ||
	    number >= sim->hal.function_limit)
		return -EINVAL;
	function = sim_function_get(sim, number);
	if (!function)
		return -ENOMEM;
	index = first_behind(function, iova);
	if (index < function->map_count && function->maps[index].iova <= iova + (bytes - 1))
		return -EEXIST;
	if (function->map_count == SIM_MAPS_MAX)
		return -ENOSPC;
	if (function->map_count == function->map_capacity) {
		uint32_t capacity = function->map_capacity ? function->map_capacity * 2 : 8;
		struct sim_map *maps = realloc(function->maps, capacity * sizeof(*maps));

		if (!maps)
			return -ENOMEM;
		function->maps = maps;
		function->map_capacity = capacity;
	}
	memmove(&function->maps[index + 1], &function->maps[index],
		(function->map_count - index) * sizeof(*function->maps));
	function->maps[index] = (struct sim_map){
		.iova = iova,
		.bytes = bytes,
		.memory = va,
		.protection = protection,
	};
	function->map_count++;
	sim->iommu.mappings++;
	sim_trace_mapped(sim, function, iova, bytes);
	return 0;
}

/* Takes mappings [first, first + count) away, and calls done when nothing uses them any more. */
static int unmap(struct weirsim *sim, struct sim_function *function, uint32_t first, uint32_t count,
		 uint64_t iova, uint64_t bytes, void (*done)(void *opaque), void *opaque)
{
	struct sim_invalidation request = {
		.iova = iova,
		.bytes = bytes,
		.done = done,
		.opaque = opaque,
	};
	int error = sim_invalidate_prepare(sim, function, &request);

	if (error)
		return error;
	/* A function that never had a mapping has no table. */
	if (count)
		memmove(&function->maps[first], &function->maps[first + count],
			(function->map_count - first - count) * sizeof(*function->maps));
	function->map_count -= count;
	sim->iommu.mappings -= count;
	sim->iommu.unmaps += count;
	sim_invalidate_begin(sim, function);
	return (int)count;
}

int weirsim_dma_unmap(struct weirsim *sim, uint16_t number, uint64_t iova, uint64_t bytes,
		      void (*done)(void *opaque), void *opaque)
{
	uint64_t last = iova + (bytes - 1);
	struct sim_function *function;
	uint32_t first, count = 0;

	if (!is_range(iova, bytes) || number >= sim->hal.function_limit)
		return -EINVAL;
	function = sim->functions[number];
	if (!function) {
		if (done)
			done(opaque);
		return 0;
	}
	first = first_behind(function, iova);
	for (uint32_t i = first; i < function->map_count && function->maps[i].iova <= last; i++) {
		const struct sim_map *map = &function->maps[i];

		if (map->iova < iova || map->iova + (map->bytes - 1) > last)
			return -EINVAL;
		count++;
	}
	return unmap(sim, function, first, count, iova, bytes, done, opaque);
}

int weirsim_dma_unmap_all(struct weirsim *sim, uint16_t number, void (*done)(void *opaque),
			  void *opaque)
{
	struct sim_function *function;

	if (number >= sim->hal.function_limit)
		return -EINVAL;
	function = sim->functions[number];
	if (!function) {
		if (done)
			done(opaque);
		return 0;
	}
	return unmap(sim, function, 0, function->map_count, 0, 0, done, opaque);
}
