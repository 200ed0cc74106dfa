/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of hal.h that touch the bus or the wire: always pending, done by the hardware in the order of the calls, although
 * nobody may rely on that (rule 2). Device memory is what both sides see: the firmware's context and the slots of received frames.
 */
#include "board.h"

static uint64_t offset_of(const struct hal *hal, const void *memory, uint64_t bytes)
{
	uint64_t offset = (uint64_t)((uintptr_t)memory - (uintptr_t)hal->memory);

	if (offset > hal->shared->memory_bytes || bytes > hal->shared->memory_bytes - offset)
		board_end(VIRT_END_BAD_DMA,
			  "the firmware gave the hardware memory that it cannot reach");
	return offset;
}

/* An operation that will complete; NULL: busy. */
static struct virt_command *begin(struct hal *hal, enum virt_command_kind kind,
				  struct hal_requester requester, uint64_t address, uint32_t bytes,
				  hal_tag tag)
{
	struct virt_command *command = NULL;

	if (hal->in_flight < hal->shared->completions.entries)
		command = hal_command_begin(hal, kind, 0, false);
	if (!command)
		return NULL;
	command->tag = tag;
	command->requester = requester;
	command->address = address;
	command->bytes = bytes;
	return command;
}

static enum hal_result end(struct hal *hal, const struct virt_command *command)
{
	hal_command_end(hal, command, NULL);
	hal->in_flight++;
	return HAL_PENDING;
}

bool hal_poll_completion(struct hal *hal, struct hal_completion *completion)
{
	const struct virt_ring *ring = &hal->shared->completions;

	if (virt_load(&hal->shared->completions_tail) == hal->completions_head)
		return false;
	*completion = *(const struct hal_completion *)virt_entry(hal->memory, ring,
								 hal->completions_head);
	virt_store(&hal->shared->completions_head, ++hal->completions_head);
	hal->in_flight--;
	return true;
}

/* The sum that is taken on the way, NULL: none. */
static void take_sum(const struct hal *hal, struct virt_command *command, const struct hal_sum *sum,
		     uint32_t place)
{
	if (!sum)
		return;
	command->sum = offset_of(hal, sum, sizeof(*sum));
	command->place = place;
}

/* A transfer between host memory and one place in device memory. */
static enum hal_result transfer(struct hal *hal, enum virt_command_kind kind,
				struct hal_requester requester, uint64_t address,
				const void *memory, uint32_t entry_bytes, uint32_t count,
				const struct hal_sum *sum, uint32_t place, hal_tag tag)
{
	uint32_t bytes = entry_bytes * count;
	struct virt_command *command;

	if (!hal_function_usable(hal, requester.function))
		return HAL_RESET;
	command = begin(hal, kind, requester, address, bytes, tag);
	if (!command)
		return HAL_BUSY;
	command->memory = offset_of(hal, memory, bytes);
	command->entry_bytes = entry_bytes;
	command->count = count;
	take_sum(hal, command, sum, place);
	return end(hal, command);
}

enum hal_result hal_dma_read(struct hal *hal, struct hal_requester requester, uint64_t address,
			     void *to, uint32_t bytes, hal_tag tag)
{
	return transfer(hal, VIRT_DMA_READ, requester, address, to, bytes, 1, NULL, 0, tag);
}

enum hal_result hal_dma_write(struct hal *hal, struct hal_requester requester, uint64_t address,
			      const void *from, uint32_t bytes, hal_tag tag)
{
	return transfer(hal, VIRT_DMA_WRITE, requester, address, from, bytes, 1, NULL, 0, tag);
}

enum hal_result hal_dma_write_sum(struct hal *hal, struct hal_requester requester, uint64_t address,
				  const void *from, uint32_t bytes, struct hal_sum *sum,
				  uint32_t place, hal_tag tag)
{
	return transfer(hal, VIRT_DMA_WRITE, requester, address, from, bytes, 1, sum, place, tag);
}

enum hal_result hal_dma_write_entries(struct hal *hal, struct hal_requester requester,
				      uint64_t address, const void *from, uint32_t entry_bytes,
				      uint32_t count, hal_tag tag)
{
	return transfer(hal, VIRT_DMA_ENTRIES, requester, address, from, entry_bytes, count, NULL,
			0, tag);
}

enum hal_result hal_dma_copy(struct hal *hal, struct hal_requester to, uint64_t to_address,
			     struct hal_requester from, uint64_t from_address, uint32_t bytes,
			     hal_tag tag)
{
	return hal_dma_copy_sum(hal, to, to_address, from, from_address, bytes, NULL, 0, tag);
}

enum hal_result hal_dma_copy_sum(struct hal *hal, struct hal_requester to, uint64_t to_address,
				 struct hal_requester from, uint64_t from_address, uint32_t bytes,
				 struct hal_sum *sum, uint32_t place, hal_tag tag)
{
	struct virt_command *command;

	if (!hal_function_usable(hal, to.function) || !hal_function_usable(hal, from.function))
		return HAL_RESET;
	command = begin(hal, VIRT_DMA_COPY, to, to_address, bytes, tag);
	if (!command)
		return HAL_BUSY;
	command->source = from;
	command->source_address = from_address;
	take_sum(hal, command, sum, place);
	return end(hal, command);
}

/* A hint that would cost more than it gains. */
void hal_dma_prefetch(struct hal *hal, struct hal_requester requester, uint64_t address,
		      bool for_write)
{
	(void)hal;
	(void)requester;
	(void)address;
	(void)for_write;
}

/* The hardware puts a full barrier between the completions it has written and the commands it takes next. */
void hal_dma_order(struct hal *hal)
{
	(void)hal;
}

enum hal_result hal_transmit(struct hal *hal, uint8_t port, const void *header,
			     uint32_t header_bytes, const struct hal_segment *segments,
			     uint32_t count, const struct hal_insert *insert, uint64_t *sent_ns,
			     hal_tag tag)
{
	struct virt_command *command;

	if (!virt_load(&hal->shared->link_mbps[port]))
		return HAL_LINK_DOWN;
	command = begin(hal, VIRT_TRANSMIT, (struct hal_requester){ 0 }, 0, header_bytes, tag);
	if (!command)
		return HAL_BUSY;
	command->port = port;
	command->memory = offset_of(hal, header, header_bytes);
	command->source_address = offset_of(hal, segments, count * sizeof(*segments));
	command->count = count;
	if (insert) {
		command->insert = *insert;
		command->inserts = 1;
	}
	if (sent_ns)
		command->sent = offset_of(hal, sent_ns, sizeof(*sent_ns));
	return end(hal, command);
}
