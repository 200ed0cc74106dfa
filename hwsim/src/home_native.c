/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The native home: everything is done within the call, so nothing is ever in flight. The fast bodies are in
 * firmware/boards/hwsim; here is what they leave over.
 */
#include "sim.h"
#include "toeplitz.h"

const char *weirsim_home(void)
{
	return "hwsim";
}

int sim_home_create(struct weirsim *sim)
{
	sim->home_holds_windows = true;
	return 0;
}

void sim_home_destroy(struct weirsim *sim)
{
	(void)sim;
}

uint32_t sim_home_step(struct weirsim *sim)
{
	(void)sim;
	return 0;
}

bool sim_home_idle(struct weirsim *sim)
{
	(void)sim;
	return true;
}

bool sim_home_in_flight(struct weirsim *sim, uint16_t function, uint64_t iova, uint64_t bytes,
			uint64_t before)
{
	(void)sim;
	(void)function;
	(void)iova;
	(void)bytes;
	(void)before;
	return false;
}

uint64_t sim_home_next(struct weirsim *sim)
{
	(void)sim;
	return 0;
}

enum hal_result hal_board_dma(struct hal *hal, struct hal_requester requester, uint64_t address,
			      void *buffer, uint32_t bytes, bool write, hal_tag tag)
{
	return sim_iommu_dma(sim_of(hal), requester, address, buffer, bytes, write, tag);
}

enum hal_result hal_board_dma_write_entries(struct hal *hal, struct hal_requester requester,
					    uint64_t address, const void *from,
					    uint32_t entry_bytes, uint32_t count, hal_tag tag)
{
	return sim_iommu_dma_entries(sim_of(hal), requester, address, from, entry_bytes, count, tag);
}

enum hal_result hal_board_dma_copy(struct hal *hal, struct hal_requester to, uint64_t to_address,
				   struct hal_requester from, uint64_t from_address, uint32_t bytes,
				   hal_tag tag)
{
	return sim_iommu_dma_copy(sim_of(hal), to, to_address, from, from_address, bytes, NULL, 0,
				  tag);
}

enum hal_result hal_board_dma_write_sum(struct hal *hal, struct hal_requester requester,
					uint64_t address, const void *from, uint32_t bytes,
					struct hal_sum *sum, uint32_t place, hal_tag tag)
{
	enum hal_result result =
		sim_iommu_dma(sim_of(hal), requester, address, (void *)from, bytes, true, tag);

	if (result == HAL_DONE)
		card_sum_add(sum, card_sum_piece(sum->kind, from, bytes), place);
	return result;
}

enum hal_result hal_board_dma_copy_sum(struct hal *hal, struct hal_requester to,
				       uint64_t to_address, struct hal_requester from,
				       uint64_t from_address, uint32_t bytes, struct hal_sum *sum,
				       uint32_t place, hal_tag tag)
{
	return sim_iommu_dma_copy(sim_of(hal), to, to_address, from, from_address, bytes, sum,
				  place, tag);
}

enum hal_result hal_board_transmit(struct hal *hal, uint8_t port, const void *header,
				   uint32_t header_bytes, const struct hal_segment *segments,
				   uint32_t count, const struct hal_insert *insert,
				   uint64_t *sent_ns, hal_tag tag)
{
	if (sent_ns)
		*sent_ns = hal->time_ns = card_now_ns(hal);
	if (insert && card_transmit_inside(hal, &hal->ports[port], header, header_bytes, segments,
					   count, insert))
		return HAL_DONE;
	if (!insert && sent_ns &&
	    card_transmit_inside(hal, &hal->ports[port], header, header_bytes, segments, count,
				 NULL))
		return HAL_DONE;
	return sim_transmit(sim_of(hal), port, header, header_bytes, segments, count, insert,
			    sent_ns, tag);
}

enum hal_result hal_board_toeplitz(struct hal *hal, const uint8_t *key,
				   const struct hal_tuple *tuples, uint32_t bytes, uint32_t count,
				   uint32_t *hashes)
{
	(void)hal;
	for (const struct sim_toeplitz_kernel *kernel = sim_toeplitz_kernels; kernel->name;
	     kernel++) {
		if (!kernel->usable())
			continue;
		kernel->hash(key, tuples, bytes, count, hashes);
		return HAL_DONE;
	}
	return HAL_UNSUPPORTED;
}
