/* SPDX-License-Identifier: BSD-3-Clause */
/* Bodies of hal.h in the native home. Nothing here is ever pending or busy. */
#ifndef HAL_BOARD_INLINE_H
#define HAL_BOARD_INLINE_H

/* ---- system ---- */

HAL_CALL uint64_t hal_now_ns(struct hal *hal)
{
	return card_now_ns(hal);
}

HAL_CALL void hal_clock_set(struct hal *hal, const struct weir_clock *clock)
{
	hal->shown_clock = *clock;
}

HAL_CALL void hal_wait(struct hal *hal, uint64_t until_ns)
{
	hal_board_wait(hal, until_ns);
}

HAL_CALL void hal_watchdog_kick(struct hal *hal)
{
	hal->watchdog_kicks++;
}

HAL_CALL uint32_t hal_random32(struct hal *hal)
{
	return hal_board_random32(hal);
}

HAL_CALL void hal_console(struct hal *hal, enum weir_log_level level, const char *text)
{
	hal_board_console(hal, level, text);
}

HAL_CALL const struct hal_card *hal_card(struct hal *hal)
{
	return &hal->facts;
}

HAL_CALL void hal_trace_enable(struct hal *hal, bool on)
{
	hal_board_trace_enable(hal, on);
}

/* ---- PCIe: events, functions, registers ---- */

HAL_CALL bool hal_poll_event(struct hal *hal, struct hal_event *event)
{
	if (CARD_LIKELY(!hal->events))
		return false;
	return hal_board_poll_event(hal, event);
}

HAL_CALL bool hal_poll_completion(struct hal *hal, struct hal_completion *completion)
{
	(void)hal;
	(void)completion;
	return false;
}

HAL_CALL void hal_function_ready(struct hal *hal, uint16_t function)
{
	hal_board_function_ready(hal, function);
}

HAL_CALL bool hal_function_usable(struct hal *hal, uint16_t function)
{
	return hal->functions[function]->usable;
}

HAL_CALL void hal_register_set(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value)
{
	hal_board_register_set(hal, function, offset, value);
}

HAL_CALL uint32_t hal_register_get(struct hal *hal, uint16_t function, uint32_t offset)
{
	return offset < CARD_REGISTER_BYTES ? hal->functions[function]->registers[offset / 4] : 0;
}

HAL_CALL void hal_window_read(struct hal *hal, uint16_t function, uint32_t offset, void *to,
			      uint32_t bytes)
{
	hal_board_window_read(hal, function, offset, to, bytes);
}

HAL_CALL void hal_window_write(struct hal *hal, uint16_t function, uint32_t offset,
			       const void *from, uint32_t bytes)
{
	hal_board_window_write(hal, function, offset, from, bytes);
}

/* ---- interrupts ---- */

HAL_CALL enum hal_result hal_interrupt_raise(struct hal *hal, uint16_t function, uint16_t vector)
{
	return hal_board_interrupt_raise(hal, function, vector);
}

/* ---- DMA ---- */

HAL_CALL enum hal_result hal_dma_read(struct hal *hal, struct hal_requester requester,
				      uint64_t address, void *to, uint32_t bytes, hal_tag tag)
{
	const uint8_t *from = card_memory(hal, requester, address, bytes, false);

	if (CARD_UNLIKELY(!from))
		return hal_board_dma(hal, requester, address, to, bytes, false, tag);
	card_copy(to, from, bytes);
	return HAL_DONE;
}

HAL_CALL enum hal_result hal_dma_write(struct hal *hal, struct hal_requester requester,
				       uint64_t address, const void *from, uint32_t bytes,
				       hal_tag tag)
{
	uint8_t *to = card_memory(hal, requester, address, bytes, true);

	if (CARD_UNLIKELY(!to))
		return hal_board_dma(hal, requester, address, (void *)from, bytes, true, tag);
	card_copy(to, from, bytes);
	return HAL_DONE;
}

HAL_CALL enum hal_result hal_dma_write_entries(struct hal *hal, struct hal_requester requester,
					       uint64_t address, const void *from,
					       uint32_t entry_bytes, uint32_t count, hal_tag tag)
{
	uint8_t *to = card_memory(hal, requester, address, (uint64_t)entry_bytes * count, true);

	if (CARD_UNLIKELY(!to))
		return hal_board_dma_write_entries(hal, requester, address, from, entry_bytes,
						   count, tag);
	card_copy_entries(to, from, entry_bytes, count);
	return HAL_DONE;
}

HAL_CALL enum hal_result hal_dma_copy(struct hal *hal, struct hal_requester to, uint64_t to_address,
				      struct hal_requester from, uint64_t from_address,
				      uint32_t bytes, hal_tag tag)
{
	uint8_t *destination = card_memory(hal, to, to_address, bytes, true);
	const uint8_t *source = card_memory(hal, from, from_address, bytes, false);

	if (CARD_UNLIKELY(!destination || !source))
		return hal_board_dma_copy(hal, to, to_address, from, from_address, bytes, tag);
	card_copy(destination, source, bytes);
	return HAL_DONE;
}

HAL_CALL enum hal_result hal_dma_write_sum(struct hal *hal, struct hal_requester requester,
					   uint64_t address, const void *from, uint32_t bytes,
					   struct hal_sum *sum, uint32_t place, hal_tag tag)
{
	uint8_t *to = card_memory(hal, requester, address, bytes, true);

	if (CARD_UNLIKELY(!to))
		return hal_board_dma_write_sum(hal, requester, address, from, bytes, sum, place,
					       tag);
	card_copy_sum(hal, to, from, bytes, sum, place);
	return HAL_DONE;
}

HAL_CALL enum hal_result hal_dma_copy_sum(struct hal *hal, struct hal_requester to,
					  uint64_t to_address, struct hal_requester from,
					  uint64_t from_address, uint32_t bytes,
					  struct hal_sum *sum, uint32_t place, hal_tag tag)
{
	uint8_t *destination = card_memory(hal, to, to_address, bytes, true);
	const uint8_t *source = card_memory(hal, from, from_address, bytes, false);

	if (CARD_UNLIKELY(!destination || !source))
		return hal_board_dma_copy_sum(hal, to, to_address, from, from_address, bytes, sum,
					      place, tag);
	card_copy_sum(hal, destination, source, bytes, sum, place);
	return HAL_DONE;
}

HAL_CALL void hal_dma_prefetch(struct hal *hal, struct hal_requester requester, uint64_t address,
			       bool for_write)
{
	const struct card_function *there = hal->functions[requester.function];
	const uint8_t *memory = card_in_window(&there->recent, address, 1, for_write);

	if (CARD_UNLIKELY(!memory))
		memory = card_in_window(&there->windows[card_window_index(address)], address, 1,
					for_write);
	if (CARD_UNLIKELY(!memory))
		return;
	if (for_write)
		__builtin_prefetch(memory, 1);
	else
		__builtin_prefetch(memory, 0);
}

HAL_CALL void hal_dma_order(struct hal *hal)
{
	(void)hal;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- ATS ---- */

HAL_CALL void hal_ats_invalidate_done(struct hal *hal, uint16_t function, uint64_t invalidate_tag)
{
	hal_board_ats_invalidate_done(hal, function, invalidate_tag);
}

/* ---- network ---- */

HAL_CALL void hal_link_get(struct hal *hal, uint8_t port, struct hal_link *link)
{
	link->up = hal->ports[port].up;
	link->speed_mbps = link->up ? hal->ports[port].speed_mbps : 0;
}

HAL_CALL void hal_link_set(struct hal *hal, uint8_t port, bool up)
{
	hal_board_link_set(hal, port, up);
}

HAL_CALL uint32_t hal_receive(struct hal *hal, uint8_t port, struct hal_frame *frames, uint32_t max)
{
	return card_receive(&hal->ports[port], frames, max);
}

HAL_CALL void hal_receive_release(struct hal *hal, uint8_t port, const struct hal_frame *frames,
				  uint32_t count)
{
	card_receive_release(&hal->ports[port], frames, count);
}

HAL_CALL enum hal_result hal_transmit(struct hal *hal, uint8_t port, const void *header,
				      uint32_t header_bytes, const struct hal_segment *segments,
				      uint32_t count, const struct hal_insert *insert,
				      uint64_t *sent_ns, hal_tag tag)
{
	if (CARD_LIKELY(!insert && !sent_ns &&
			card_transmit_inside(hal, &hal->ports[port], header, header_bytes, segments,
					     count, NULL)))
		return HAL_DONE;
	return hal_board_transmit(hal, port, header, header_bytes, segments, count, insert, sent_ns,
				  tag);
}

/* ---- hashing ---- */

HAL_CALL enum hal_result hal_toeplitz(struct hal *hal, const uint8_t key[HAL_HASH_KEY_BYTES],
				      const struct hal_tuple *tuples, uint32_t bytes,
				      uint32_t count, uint32_t *hashes)
{
	return hal_board_toeplitz(hal, key, tuples, bytes, count, hashes);
}

#endif
