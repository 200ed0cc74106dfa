/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA in full: the gate, the translation agent or the attachment's own IOMMU, faults, the trace. The native home comes here when
 * the translations it holds ready do not say enough (card.h), the deferred home always.
 */
#include "sim.h"

#include <string.h>

/* Lines of faults that are logged in a second; the rest is counted. */
#define FAULT_LINES_PER_SECOND 10u

static const char *const reasons[] = {
	[WEIRSIM_FAULT_UNMAPPED] = "nothing is mapped there",
	[WEIRSIM_FAULT_PERMISSION] = "the mapping does not permit it",
	[WEIRSIM_FAULT_TRANSLATED] = "no translation gave this address",
	[WEIRSIM_FAULT_PASID] = "PASID is not enabled",
	[WEIRSIM_FAULT_HOST] = "refused by the host",
};

static void log_fault(struct weirsim *sim, const struct weirsim_fault *fault)
{
	struct sim_iommu *iommu = &sim->iommu;
	uint64_t second = fault->time_ns / 1000000000u;

	if (second != iommu->log_second) {
		if (iommu->log_suppressed)
			sim_log(sim, WEIR_LOG_LEVEL_WARNING, "%u more DMA faults",
				iommu->log_suppressed);
		iommu->log_second = second;
		iommu->log_lines = iommu->log_suppressed = 0;
	}
	if (iommu->log_lines == FAULT_LINES_PER_SECOND) {
		iommu->log_suppressed++;
		return;
	}
	iommu->log_lines++;
	sim_log(sim, WEIR_LOG_LEVEL_WARNING, "function %u: DMA %s of %llu bytes at %#llx: %s",
		fault->function, fault->write ? "write" : "read", (unsigned long long)fault->bytes,
		(unsigned long long)fault->address, reasons[fault->reason]);
}

static enum hal_result fault(struct weirsim *sim, struct hal_requester requester, uint64_t address,
			     uint64_t bytes, bool write, enum weirsim_fault_reason reason)
{
	struct sim_iommu *iommu = &sim->iommu;
	struct weirsim_fault *entry = &iommu->fault[iommu->fault_tail++ % SIM_FAULTS_KEPT];

	if (iommu->fault_tail - iommu->fault_head > SIM_FAULTS_KEPT)
		iommu->fault_head++;
	*entry = (struct weirsim_fault){
		.time_ns = card_now_ns(&sim->hal),
		.address = address,
		.bytes = bytes,
		.function = requester.function,
		.write = write,
		.reason = reason,
	};
	iommu->faults++;
	iommu->last_fault_address = address;
	iommu->last_fault_function = requester.function;
	/* A read is answered with Unsupported Request; a posted write is dropped, and its sender never knows. */
	if (!write && !sim->config.external_pci)
		sim_error_master_abort(sim->functions[requester.function]);
	log_fault(sim, entry);
	return HAL_FAULT;
}

void sim_trace_translated(struct weirsim *sim, struct hal_requester requester, uint64_t address,
			  uint64_t bytes, uint32_t how, hal_tag tag)
{
	struct weir_trace_record *record =
		sim_trace_add(sim, WEIR_TRACE_KIND_TRANSLATED, requester.function);

	if (!record)
		return;
	record->address = weir_cpu_to_le64(address);
	record->length = weir_cpu_to_le32((uint32_t)bytes);
	record->detail = weir_cpu_to_le32(how);
	record->frame = weir_cpu_to_le32(tag);
}

static int protection_of(bool write)
{
	return write ? WEIRSIM_WRITE : WEIRSIM_READ;
}

/* Holds the mapping ready for what comes next in its neighbourhood. */
static void open_window(struct weirsim *sim, struct sim_function *function, uint64_t address,
			const struct sim_map *map)
{
	if (sim->hal.trace || !sim->home_holds_windows)
		return;
	function->card.windows[card_window_index(address)] = (struct card_window){
		.iova = map->iova,
		.memory = map->memory,
		.readable = map->protection & WEIRSIM_READ ? map->bytes : 0,
		.writable = map->protection & WEIRSIM_WRITE ? map->bytes : 0,
	};
}

uint8_t *hal_board_memory(struct hal *hal, struct hal_requester requester, uint64_t address,
			  uint64_t bytes, bool write)
{
	struct card_function *function = hal->functions[requester.function];
	const struct card_window *window = &function->windows[card_window_index(address)];
	uint8_t *memory = requester.flags ? NULL : card_in_window(window, address, bytes, write);

	if (memory)
		function->recent = *window;
	return memory;
}

enum hal_result sim_iommu_check(struct weirsim *sim, struct hal_requester requester,
				uint64_t address, uint64_t bytes, bool write)
{
	struct sim_function *function = sim_function(sim, requester.function);

	if (!function || !function->card.usable)
		return HAL_RESET;
	if (requester.flags & HAL_PASID)
		return fault(sim, requester, address, bytes, write, WEIRSIM_FAULT_PASID);
	/* This agent gives no translations out (it has no translation requests), so every such address is forged. */
	if (requester.flags & HAL_TRANSLATED)
		return fault(sim, requester, address, bytes, write, WEIRSIM_FAULT_TRANSLATED);
	if (bytes && address + (bytes - 1) < address)
		return fault(sim, requester, address, bytes, write, WEIRSIM_FAULT_UNMAPPED);
	if (sim->host.dma)
		return HAL_DONE;
	while (bytes) {
		const struct sim_map *map = sim_iommu_find(function, address);
		uint64_t rest;

		sim->iommu.translations++;
		if (!map)
			return fault(sim, requester, address, bytes, write, WEIRSIM_FAULT_UNMAPPED);
		if (!(map->protection & protection_of(write)))
			return fault(sim, requester, address, bytes, write,
				     WEIRSIM_FAULT_PERMISSION);
		rest = map->bytes - (address - map->iova);
		if (bytes <= rest)
			break;
		address += rest;
		bytes -= rest;
	}
	return HAL_DONE;
}

uint8_t *sim_iommu_memory(struct weirsim *sim, struct sim_function *function, uint64_t address,
			  uint64_t bytes, bool write)
{
	const struct sim_map *map = sim_iommu_find(function, address);

	if (sim->host.dma || !map || !(map->protection & protection_of(write)) ||
	    bytes > map->bytes - (address - map->iova))
		return NULL;
	open_window(sim, function, address, map);
	return map->memory + (address - map->iova);
}

enum hal_result sim_iommu_dma(struct weirsim *sim, struct hal_requester requester, uint64_t address,
			      void *buffer, uint32_t bytes, bool write, hal_tag tag)
{
	enum hal_result result = sim_iommu_check(sim, requester, address, bytes, write);
	struct sim_function *function;
	uint8_t *place = buffer;
	uint32_t how = 0;

	if (result != HAL_DONE || !bytes)
		return result;
	function = sim->functions[requester.function];
	if (sim->host.dma) {
		int status = sim->host.dma(sim->config.opaque, requester.function, address, buffer,
					   bytes, write);

		if (status < 0)
			return fault(sim, requester, address, bytes, write, WEIRSIM_FAULT_HOST);
		how = (uint32_t)status;
		/* Of the host's own IOMMU we only see that it has a mapping, when it lets the first transfer through. */
		if (sim->hal.trace && !function->host_mapping_seen) {
			function->host_mapping_seen = true;
			sim_trace_mapped(sim, function, address, bytes);
		}
	} else {
		for (uint32_t rest = bytes; rest;) {
			const struct sim_map *map =
				sim_iommu_find(function, address + (bytes - rest));
			uint64_t offset = address + (bytes - rest) - map->iova;
			uint32_t piece =
				map->bytes - offset < rest ? (uint32_t)(map->bytes - offset) : rest;

			if (write)
				card_copy(map->memory + offset, place, piece);
			else
				card_copy(place, map->memory + offset, piece);
			open_window(sim, function, address + (bytes - rest), map);
			place += piece;
			rest -= piece;
		}
	}
	if (sim->hal.trace)
		sim_trace_translated(sim, requester, address, bytes, how, tag);
	return HAL_DONE;
}

enum hal_result sim_iommu_dma_entries(struct weirsim *sim, struct hal_requester requester,
				      uint64_t address, const void *from, uint32_t entry_bytes,
				      uint32_t count, hal_tag tag)
{
	uint64_t bytes = (uint64_t)entry_bytes * count;
	enum hal_result result = sim_iommu_check(sim, requester, address, bytes, true);
	uint8_t *memory;

	if (result != HAL_DONE || !count)
		return result;
	memory = sim_iommu_memory(sim, sim->functions[requester.function], address, bytes, true);
	if (memory) {
		card_copy_entries(memory, from, entry_bytes, count);
		if (sim->hal.trace)
			sim_trace_translated(sim, requester, address, bytes, 0, tag);
		return HAL_DONE;
	}
	/* In several pieces, or by the attachment: the end of each entry behind the rest of it. */
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *entry = (uint8_t *)from + (size_t)entry_bytes * i;
		uint64_t place = address + (uint64_t)entry_bytes * i;

		result = sim_iommu_dma(sim, requester, place, entry, entry_bytes - 8, true, tag);
		if (result != HAL_DONE)
			return result;
		__atomic_thread_fence(__ATOMIC_RELEASE);
		result = sim_iommu_dma(sim, requester, place + entry_bytes - 8,
				       entry + entry_bytes - 8, 8, true, tag);
		if (result != HAL_DONE)
			return result;
	}
	return HAL_DONE;
}

/* A copy says which of its two ends faulted. */
static enum hal_result of_source(enum hal_result result)
{
	return result == HAL_FAULT ? HAL_FAULT_SOURCE : result;
}

enum hal_result sim_iommu_dma_copy(struct weirsim *sim, struct hal_requester to,
				   uint64_t to_address, struct hal_requester from,
				   uint64_t from_address, uint32_t bytes, struct hal_sum *sum,
				   uint32_t place, hal_tag tag)
{
	enum hal_result result = of_source(sim_iommu_check(sim, from, from_address, bytes, false));

	if (result == HAL_DONE)
		result = sim_iommu_check(sim, to, to_address, bytes, true);
	if (result == HAL_DONE && bytes && !sim->host.dma) {
		const uint8_t *source = sim_iommu_memory(sim, sim->functions[from.function],
							 from_address, bytes, false);
		uint8_t *destination =
			sim_iommu_memory(sim, sim->functions[to.function], to_address, bytes, true);

		if (source && destination) {
			if (sum)
				card_copy_sum(&sim->hal, destination, source, bytes, sum, place);
			else
				card_copy(destination, source, bytes);
			if (sim->hal.trace) {
				sim_trace_translated(sim, from, from_address, bytes, 0, tag);
				sim_trace_translated(sim, to, to_address, bytes, 0, tag);
			}
			return HAL_DONE;
		}
	}
	struct hal_sum all = { 0, sum ? sum->kind : HAL_SUM_INTERNET };

	/* In several pieces, or by the attachment: through the card. */
	for (uint32_t offset = 0; result == HAL_DONE && offset < bytes;) {
		uint32_t piece = bytes - offset < SIM_BOUNCE_BYTES ? bytes - offset
								   : SIM_BOUNCE_BYTES;

		result = of_source(sim_iommu_dma(sim, from, from_address + offset, sim->bounce,
						 piece, false, tag));
		if (result == HAL_DONE)
			result = sim_iommu_dma(sim, to, to_address + offset, sim->bounce, piece,
					       true, tag);
		if (result == HAL_DONE && sum)
			card_sum_add(&all, card_sum_piece(all.kind, sim->bounce, piece),
				     all.kind == HAL_SUM_INTERNET ? offset : bytes - offset - piece);
		offset += piece;
	}
	if (result == HAL_DONE && sum)
		card_sum_add(sum, all.value, place);
	return result;
}

/* ---- what the holder can ask ---- */

void weirsim_iommu_stats(struct weirsim *sim, struct weirsim_iommu_stats *stats)
{
	*stats = (struct weirsim_iommu_stats){
		.mappings = sim->iommu.mappings,
		.translations = sim->iommu.translations,
		.faults = sim->iommu.faults,
		.unmaps = sim->iommu.unmaps,
		.last_fault_address = sim->iommu.last_fault_address,
		.last_fault_function = sim->iommu.last_fault_function,
	};
}

size_t weirsim_iommu_faults(struct weirsim *sim, struct weirsim_fault *faults, size_t max)
{
	struct sim_iommu *iommu = &sim->iommu;
	size_t count = 0;

	while (count < max && iommu->fault_head != iommu->fault_tail)
		faults[count++] = iommu->fault[iommu->fault_head++ % SIM_FAULTS_KEPT];
	return count;
}
