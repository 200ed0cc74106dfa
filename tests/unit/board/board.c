/* SPDX-License-Identifier: BSD-3-Clause */
#include "board.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void violation(struct hal *hal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void violation(struct hal *hal, const char *format, ...)
{
	va_list arguments;

	if (hal->violations++)
		return;
	va_start(arguments, format);
	vsnprintf(hal->violation, sizeof(hal->violation), format, arguments);
	va_end(arguments);
}

void board_start(struct hal *hal, uint16_t total_vfs)
{
	memset(hal, 0, sizeof(*hal));
	hal->now_ns = 1000;
	hal->card = (struct hal_card){
		.board = "unit", .serial = 0x1122334455667788ull, .total_vfs = total_vfs, .ports = 1
	};
	hal->links[0] = (struct hal_link){ .up = true, .speed_mbps = 25000 };
	hal->functions[0].present = true;
	hal->functions[0].master = true;
}

uint32_t board_chance(struct hal *hal, uint32_t below)
{
	/* xorshift32 */
	hal->random ^= hal->random << 13;
	hal->random ^= hal->random >> 17;
	hal->random ^= hal->random << 5;
	return hal->random % below;
}

/* ---- the host's side ---- */

uint8_t *board_memory(struct hal *hal, uint16_t function, uint64_t address, uint64_t bytes)
{
	uint64_t base = board_domain(function);
	struct board_function *owner;

	if (function >= BOARD_FUNCTIONS || address < base || address - base > BOARD_DOMAIN_BYTES ||
	    bytes > BOARD_DOMAIN_BYTES - (address - base))
		return NULL;
	owner = &hal->functions[function];
	if (owner->hole_bytes && address < owner->hole + owner->hole_bytes &&
	    owner->hole < address + bytes)
		return NULL;
	return owner->memory + (address - base);
}

void board_event(struct hal *hal, const struct hal_event *event)
{
	if (hal->event_tail - hal->event_head == BOARD_EVENTS) {
		violation(hal, "the test's event queue is full");
		return;
	}
	hal->events[hal->event_tail++ % BOARD_EVENTS] = *event;
}

void board_write(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value)
{
	struct hal_event event = {
		.kind = HAL_EVENT_REGISTER, .function = function, .offset = offset, .value = value
	};
	bool keep = (offset >= WEIR_REG_ADMIN_SQ_BASE_LOW && offset <= WEIR_REG_ADMIN_CONTROL) ||
		    offset == WEIR_REG_MAILBOX_OWNER;

	if (!hal->functions[function].ready)
		return;
	if (keep)
		hal->functions[function].registers[offset / 4] = value;
	board_event(hal, &event);
}

uint32_t board_read(struct hal *hal, uint16_t function, uint32_t offset)
{
	return hal->functions[function].registers[offset / 4];
}

/* The function loses everything; what it had in flight ends without having done anything. */
static void clear_function(struct hal *hal, uint16_t index)
{
	struct board_function *function = &hal->functions[index];
	uint32_t generation = function->registers[WEIR_REG_GENERATION / 4];

	function->ready = false;
	memset(function->registers, 0, sizeof(function->registers));
	function->registers[WEIR_REG_GENERATION / 4] = generation;
	memset(function->window, 0, sizeof(function->window));
	memset(function->held, 0, sizeof(function->held));
	for (uint32_t i = 0; i < BOARD_OPERATIONS; i++) {
		if (hal->operations[i].used && hal->operations[i].function == index)
			hal->operations[i].result = HAL_RESET;
	}
	for (uint32_t i = hal->event_head; i != hal->event_tail; i++) {
		struct hal_event *event = &hal->events[i % BOARD_EVENTS];

		if (event->function == index && event->kind != HAL_EVENT_VF_ENABLE &&
		    event->kind != HAL_EVENT_LINK)
			event->kind = HAL_EVENT_NONE;
	}
	function->resets_untaken = 0;
}

void board_vf_enable(struct hal *hal, uint16_t count)
{
	for (uint16_t i = 1; i < BOARD_FUNCTIONS; i++) {
		clear_function(hal, i);
		hal->functions[i].present = i <= count;
		hal->functions[i].master = i <= count;
	}
	board_event(hal, &(struct hal_event){ .kind = HAL_EVENT_VF_ENABLE, .value = count });
}

void board_reset(struct hal *hal, uint16_t function)
{
	if (function == 0) {
		for (uint16_t i = 1; i < BOARD_FUNCTIONS; i++) {
			clear_function(hal, i);
			hal->functions[i].present = false;
		}
	}
	clear_function(hal, function);
	hal->functions[function].resets_untaken = 1;
	board_event(hal, &(struct hal_event){ .kind = HAL_EVENT_RESET, .function = function });
}

void board_bus_master(struct hal *hal, uint16_t function, bool on)
{
	struct board_function *owner = &hal->functions[function];

	owner->master = on;
	for (uint16_t vector = 0; on && vector < BOARD_VECTORS; vector++) {
		owner->interrupts[vector] += owner->held[vector];
		owner->held[vector] = false;
	}
	board_event(hal, &(struct hal_event){
				 .kind = HAL_EVENT_BUS_MASTER, .function = function, .value = on });
}

/* ---- bus calls ---- */

static bool usable(const struct hal *hal, uint16_t function)
{
	const struct board_function *owner = &hal->functions[function];

	return function < BOARD_FUNCTIONS && owner->present && owner->ready && owner->master;
}

/* Does what an operation is about. */
static enum hal_result perform(struct hal *hal, const struct board_operation *operation)
{
	uint8_t *memory =
		board_memory(hal, operation->function, operation->address, operation->bytes);

	if (!memory)
		return HAL_FAULT;
	if (operation->kind == BOARD_READ)
		memcpy(operation->to, memory, operation->bytes);
	else
		memcpy(memory, operation->from, operation->bytes);
	return HAL_DONE;
}

static enum hal_result submit(struct hal *hal, struct board_operation operation)
{
	enum board_mode mode = hal->mode;

	if (!usable(hal, operation.function))
		return HAL_RESET;
	if (mode == BOARD_RANDOM)
		mode = (enum board_mode)board_chance(hal, 3);
	if (mode == BOARD_BUSY)
		return HAL_BUSY;
	if (mode == BOARD_NOW) {
		hal->submitted++;
		return perform(hal, &operation);
	}
	for (uint32_t i = 0; i < BOARD_OPERATIONS; i++) {
		if (hal->operations[i].used && hal->operations[i].tag == operation.tag &&
		    operation.tag >> 28 == 1)
			violation(hal, "tag %#x is in flight twice", operation.tag);
	}
	for (uint32_t i = 0; i < BOARD_OPERATIONS; i++) {
		if (hal->operations[i].used)
			continue;
		operation.used = true;
		operation.result = HAL_DONE;
		if (operation.from && operation.bytes <= sizeof(operation.source))
			memcpy(operation.source, operation.from, operation.bytes);
		hal->operations[i] = operation;
		hal->submitted++;
		return HAL_PENDING;
	}
	return HAL_BUSY;
}

static void finish(struct hal *hal, struct board_operation *operation)
{
	enum hal_result result = operation->result;

	if (operation->from && operation->bytes <= sizeof(operation->source) &&
	    memcmp(operation->source, operation->from, operation->bytes))
		violation(hal, "the source of tag %#x changed while it was in flight",
			  operation->tag);
	if (result == HAL_DONE)
		result = perform(hal, operation);
	operation->used = false;
	hal->completions[hal->completion_tail++ % BOARD_OPERATIONS] =
		(struct hal_completion){ .tag = operation->tag, .result = result };
}

uint32_t board_pending(const struct hal *hal)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < BOARD_OPERATIONS; i++)
		count += hal->operations[i].used;
	return count;
}

uint32_t board_complete(struct hal *hal, uint32_t limit)
{
	uint32_t done = 0, first = hal->random ? board_chance(hal, BOARD_OPERATIONS) : 0;

	for (uint32_t i = 0; i < BOARD_OPERATIONS && done < limit; i++) {
		struct board_operation *operation =
			&hal->operations[(first + i) % BOARD_OPERATIONS];

		if (!operation->used)
			continue;
		finish(hal, operation);
		done++;
	}
	return done;
}

/* ---- hal.h ---- */

uint64_t hal_now_ns(struct hal *hal)
{
	return hal->now_ns;
}

void hal_wait(struct hal *hal, uint64_t until_ns)
{
	(void)hal;
	(void)until_ns;
}

void hal_clock_set(struct hal *hal, const struct weir_clock *clock)
{
	hal->clock = *clock;
}

void hal_watchdog_kick(struct hal *hal)
{
	hal->kicks++;
}

uint32_t hal_random32(struct hal *hal)
{
	(void)hal;
	return 4;
}

enum hal_result hal_toeplitz(struct hal *hal, const uint8_t key[HAL_HASH_KEY_BYTES],
			     const struct hal_tuple *tuples, uint32_t bytes, uint32_t count,
			     uint32_t *hashes)
{
	(void)hal;
	(void)key;
	(void)tuples;
	(void)bytes;
	(void)count;
	(void)hashes;
	return HAL_UNSUPPORTED;
}

void hal_console(struct hal *hal, enum weir_log_level level, const char *text)
{
	hal->console_lines++;
	hal->console_level = level;
	snprintf(hal->console, sizeof(hal->console), "%s", text);
}

const struct hal_card *hal_card(struct hal *hal)
{
	return &hal->card;
}

void hal_trace_enable(struct hal *hal, bool on)
{
	hal->trace = on;
}

bool hal_poll_event(struct hal *hal, struct hal_event *event)
{
	while (hal->event_head != hal->event_tail) {
		*event = hal->events[hal->event_head++ % BOARD_EVENTS];
		if (event->kind == HAL_EVENT_NONE)
			continue;
		if (event->kind == HAL_EVENT_RESET)
			hal->functions[event->function].resets_untaken--;
		return true;
	}
	return false;
}

bool hal_poll_completion(struct hal *hal, struct hal_completion *completion)
{
	if (hal->completion_head == hal->completion_tail)
		return false;
	*completion = hal->completions[hal->completion_head++ % BOARD_OPERATIONS];
	return true;
}

void hal_function_ready(struct hal *hal, uint16_t function)
{
	struct board_function *owner = &hal->functions[function];

	owner->ready_calls++;
	if (owner->ready)
		violation(hal, "hal_function_ready() of function %u, which is not in reset",
			  function);
	for (uint32_t i = 0; i < BOARD_OPERATIONS; i++) {
		if (hal->operations[i].used && hal->operations[i].function == function)
			violation(hal,
				  "function %u is ready with an operation of its old life in flight",
				  function);
	}
	if (owner->present && !owner->resets_untaken)
		owner->ready = true;
}

bool hal_function_usable(struct hal *hal, uint16_t function)
{
	return usable(hal, function);
}

void hal_register_set(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value)
{
	if (function >= BOARD_FUNCTIONS || offset >= BOARD_REGISTER_BYTES || offset % 4)
		violation(hal, "register %#x of function %u", offset, function);
	else
		hal->functions[function].registers[offset / 4] = value;
}

uint32_t hal_register_get(struct hal *hal, uint16_t function, uint32_t offset)
{
	return hal->functions[function].registers[offset / 4];
}

void hal_window_read(struct hal *hal, uint16_t function, uint32_t offset, void *to, uint32_t bytes)
{
	if (offset > sizeof(hal->functions[0].window) ||
	    bytes > sizeof(hal->functions[0].window) - offset)
		violation(hal, "window read at %u of %u bytes", offset, bytes);
	else
		memcpy(to, hal->functions[function].window + offset, bytes);
}

void hal_window_write(struct hal *hal, uint16_t function, uint32_t offset, const void *from,
		      uint32_t bytes)
{
	if (offset > sizeof(hal->functions[0].window) ||
	    bytes > sizeof(hal->functions[0].window) - offset)
		violation(hal, "window write at %u of %u bytes", offset, bytes);
	else
		memcpy(hal->functions[function].window + offset, from, bytes);
}

enum hal_result hal_interrupt_raise(struct hal *hal, uint16_t function, uint16_t vector)
{
	struct board_function *owner = &hal->functions[function];

	if (function >= BOARD_FUNCTIONS || !owner->present || !owner->ready)
		return HAL_RESET;
	if (hal->interrupt_mode == BOARD_BUSY)
		return HAL_BUSY;
	if (vector >= (function ? WEIR_MSIX_VF_VECTORS : WEIR_MSIX_PF_VECTORS))
		violation(hal, "vector %u of function %u", vector, function);
	else if (owner->master)
		owner->interrupts[vector]++;
	else
		owner->held[vector] = true;
	return HAL_DONE;
}

enum hal_result hal_dma_read(struct hal *hal, struct hal_requester requester, uint64_t address,
			     void *to, uint32_t bytes, hal_tag tag)
{
	return submit(hal, (struct board_operation){ .kind = BOARD_READ,
						     .function = requester.function,
						     .address = address,
						     .to = to,
						     .bytes = bytes,
						     .tag = tag });
}

enum hal_result hal_dma_write(struct hal *hal, struct hal_requester requester, uint64_t address,
			      const void *from, uint32_t bytes, hal_tag tag)
{
	return submit(hal, (struct board_operation){ .kind = BOARD_WRITE,
						     .function = requester.function,
						     .address = address,
						     .from = from,
						     .bytes = bytes,
						     .tag = tag });
}

enum hal_result hal_dma_write_entries(struct hal *hal, struct hal_requester requester,
				      uint64_t address, const void *from, uint32_t entry_bytes,
				      uint32_t count, hal_tag tag)
{
	return submit(hal, (struct board_operation){ .kind = BOARD_ENTRIES,
						     .function = requester.function,
						     .address = address,
						     .from = from,
						     .bytes = entry_bytes * count,
						     .tag = tag });
}

enum hal_result hal_dma_copy(struct hal *hal, struct hal_requester to, uint64_t to_address,
			     struct hal_requester from, uint64_t from_address, uint32_t bytes,
			     hal_tag tag)
{
	uint8_t *source = board_memory(hal, from.function, from_address, bytes);

	if (!usable(hal, from.function))
		return HAL_RESET;
	if (!source)
		return HAL_FAULT_SOURCE;
	return submit(hal, (struct board_operation){ .kind = BOARD_COPY,
						     .function = to.function,
						     .address = to_address,
						     .from = source,
						     .bytes = bytes,
						     .tag = tag });
}

enum hal_result hal_dma_write_sum(struct hal *hal, struct hal_requester requester, uint64_t address,
				  const void *from, uint32_t bytes, struct hal_sum *sum,
				  uint32_t place, hal_tag tag)
{
	(void)sum;
	(void)place;
	return hal_dma_write(hal, requester, address, from, bytes, tag);
}

enum hal_result hal_dma_copy_sum(struct hal *hal, struct hal_requester to, uint64_t to_address,
				 struct hal_requester from, uint64_t from_address, uint32_t bytes,
				 struct hal_sum *sum, uint32_t place, hal_tag tag)
{
	(void)sum;
	(void)place;
	return hal_dma_copy(hal, to, to_address, from, from_address, bytes, tag);
}

void hal_dma_prefetch(struct hal *hal, struct hal_requester requester, uint64_t address,
		      bool for_write)
{
	(void)hal;
	(void)requester;
	(void)address;
	(void)for_write;
}

void hal_dma_order(struct hal *hal)
{
	(void)hal;
}

void hal_ats_invalidate_done(struct hal *hal, uint16_t function, uint64_t invalidate_tag)
{
	(void)function;
	if (hal->invalidation_count < BOARD_INVALIDATIONS)
		hal->invalidations_done[hal->invalidation_count] = invalidate_tag;
	hal->invalidation_count++;
}

void hal_link_get(struct hal *hal, uint8_t port, struct hal_link *link)
{
	*link = hal->links[port];
}

void hal_link_set(struct hal *hal, uint8_t port, bool up)
{
	hal->link_sets++;
	hal->links[port].up = up;
	board_event(hal, &(struct hal_event){ .kind = HAL_EVENT_LINK, .offset = port });
}

uint32_t hal_receive(struct hal *hal, uint8_t port, struct hal_frame *frames, uint32_t max)
{
	(void)hal;
	(void)port;
	(void)frames;
	(void)max;
	return 0;
}

void hal_receive_release(struct hal *hal, uint8_t port, const struct hal_frame *frames,
			 uint32_t count)
{
	(void)hal;
	(void)port;
	(void)frames;
	(void)count;
}

enum hal_result hal_transmit(struct hal *hal, uint8_t port, const void *header,
			     uint32_t header_bytes, const struct hal_segment *segments,
			     uint32_t count, const struct hal_insert *insert, uint64_t *sent_ns,
			     hal_tag tag)
{
	(void)hal;
	(void)insert;
	(void)sent_ns;
	(void)port;
	(void)header;
	(void)header_bytes;
	(void)segments;
	(void)count;
	(void)tag;
	return HAL_DONE;
}
