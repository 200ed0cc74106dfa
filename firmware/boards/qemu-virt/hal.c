/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hal.h by shared memory: what only reads is answered from what the hardware keeps there, what has an effect is a command
 * (shared.h). Calls that touch the bus are always pending; they are in hal_bus.c.
 */
#include "board.h"

#include "weir_firmware.h"
#include "weir_internal.h"

/* Of the command ring, kept free for calls that cannot be refused. */
#define COMMANDS_RESERVED 512u

/* ---- start ---- */

static bool is_power_of_two(uint32_t value)
{
	return value && !(value & (value - 1));
}

static bool ring_fits(const struct hal *hal, const struct virt_ring *ring, uint32_t entry_bytes)
{
	uint64_t bytes = (uint64_t)ring->entries * entry_bytes;

	return is_power_of_two(ring->entries) && ring->entry_bytes == entry_bytes &&
	       ring->offset % 8 == 0 && ring->offset <= hal->shared->memory_bytes &&
	       bytes <= hal->shared->memory_bytes - ring->offset;
}

static bool area_fits(const struct hal *hal, uint64_t offset, uint64_t bytes)
{
	return offset % VIRT_LINE == 0 && offset <= hal->shared->memory_bytes &&
	       bytes <= hal->shared->memory_bytes - offset;
}

static bool is_consistent(const struct hal *hal)
{
	const struct virt_shared *shared = hal->shared;
	uint64_t functions = shared->functions;

	if (shared->memory_bytes > MACHINE_PCI_LARGE_BYTES || functions != shared->total_vfs + 1u ||
	    shared->ports < 1 || shared->ports > VIRT_PORTS ||
	    !ring_fits(hal, &shared->commands, sizeof(struct virt_command)) ||
	    shared->commands.entries < 2 * COMMANDS_RESERVED ||
	    !ring_fits(hal, &shared->completions, sizeof(struct hal_completion)) ||
	    !ring_fits(hal, &shared->events, sizeof(struct hal_event)) ||
	    !area_fits(hal, shared->registers, functions * shared->register_bytes) ||
	    !area_fits(hal, shared->windows, functions * shared->window_bytes) ||
	    !area_fits(hal, shared->states, functions * sizeof(uint32_t)) ||
	    !area_fits(hal, shared->context, shared->context_bytes))
		return false;
	for (uint32_t i = 0; i < shared->ports; i++) {
		const struct virt_port *port = &shared->port[i];

		if (!ring_fits(hal, &port->frames, sizeof(struct virt_frame)) ||
		    !ring_fits(hal, &port->releases, sizeof(uint32_t)) ||
		    !area_fits(hal, port->slots,
			       (uint64_t)shared->slot_count * shared->slot_bytes) ||
		    !area_fits(hal, port->large_slots,
			       (uint64_t)shared->large_slot_count * shared->large_slot_bytes))
			return false;
	}
	return true;
}

void hal_start(struct hal *hal)
{
	const struct virt_shared *shared = hal->shared;

	if (shared->magic != VIRT_MAGIC || shared->version != VIRT_VERSION)
		board_end(VIRT_END_BAD_HARDWARE,
			  "the hardware is not this board's, or of another version");
	if (!is_consistent(hal))
		board_end(VIRT_END_BAD_HARDWARE,
			  "what the hardware says of its memory does not fit together");
	hal->card = (struct hal_card){
		.board = shared->board,
		.serial = shared->serial,
		.total_vfs = (uint16_t)shared->total_vfs,
		.ports = (uint8_t)shared->ports,
	};
	hal->random = shared->seed;
	hal_begin_turn(hal);
}

/* ---- commands ---- */

/* Lets the hardware do something while the firmware cannot go on; its time is not ours to be watched. */
static void wait_for_hardware(struct hal *hal)
{
	if (!hal->shared->waiting) {
		virt_store(&hal->shared->waiting, 1);
		ivshmem_ring(hal);
	}
	watchdog_kick();
}

static uint32_t commands_free(struct hal *hal)
{
	return hal->shared->commands.entries - (hal->commands_tail - hal->commands_head);
}

struct virt_command *hal_command_begin(struct hal *hal, enum virt_command_kind kind,
				       uint32_t payload_bytes, bool may_wait)
{
	uint32_t needed = 1 + virt_payload_entries(payload_bytes);
	struct virt_command *command;

	if (!may_wait)
		needed += COMMANDS_RESERVED;
	if (commands_free(hal) < needed) {
		hal->commands_head = virt_load(&hal->shared->commands_head);
		if (commands_free(hal) < needed && !may_wait)
			return NULL;
		while (commands_free(hal) < needed) {
			wait_for_hardware(hal);
			hal->commands_head = virt_load(&hal->shared->commands_head);
		}
		virt_store(&hal->shared->waiting, 0);
	}
	command = virt_entry(hal->memory, &hal->shared->commands, hal->commands_tail);
	*command =
		(struct virt_command){ .kind = (uint16_t)kind, .events_taken = hal->events_head };
	return command;
}

void hal_command_end(struct hal *hal, const struct virt_command *command, const void *payload)
{
	uint32_t entries = payload ? virt_payload_entries(command->bytes) : 0;
	const uint8_t *from = payload;

	for (uint32_t i = 1, left = payload ? command->bytes : 0; i <= entries; i++) {
		uint32_t piece = left < sizeof(*command) ? left : (uint32_t)sizeof(*command);

		memcpy(virt_entry(hal->memory, &hal->shared->commands, hal->commands_tail + i),
		       from, piece);
		from += piece;
		left -= piece;
	}
	hal->commands_tail += 1 + entries;
	virt_store(&hal->shared->commands_tail, hal->commands_tail);
}

/* ---- system ---- */

void hal_begin_turn(struct hal *hal)
{
	hal->base_ns = hal->shared->time_ns;
	hal->base_ticks = machine_ticks();
}

uint64_t hal_now_ns(struct hal *hal)
{
	uint64_t now_ns = hal->base_ns;

	if (!(hal->shared->flags & VIRT_VIRTUAL_TIME))
		now_ns += (machine_ticks() - hal->base_ticks) * MACHINE_TICK_NS;
	/* The two machines' clocks are the same one, but are not read at the same moment. */
	if (now_ns < hal->last_ns)
		return hal->last_ns;
	hal->last_ns = now_ns;
	return now_ns;
}

void hal_clock_set(struct hal *hal, const struct weir_clock *clock)
{
	struct virt_command *command = hal_command_begin(hal, VIRT_CLOCK_SET, sizeof(*clock), true);

	command->bytes = sizeof(*clock);
	hal_command_end(hal, command, clock);
}

/* The board's loop sleeps between turns; within one there is nothing to wait for. */
void hal_wait(struct hal *hal, uint64_t until_ns)
{
	(void)hal;
	(void)until_ns;
}

void hal_watchdog_kick(struct hal *hal)
{
	hal->shared->kicks++;
	watchdog_kick();
}

/* splitmix64 */
uint32_t hal_random32(struct hal *hal)
{
	uint64_t z = hal->random += 0x9e3779b97f4a7c15ul;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

void hal_console(struct hal *hal, enum weir_log_level level, const char *text)
{
	uint32_t bytes = 0;
	struct virt_command *command;

	while (bytes < VIRT_PAYLOAD_MAX && text[bytes])
		bytes++;
	command = hal_command_begin(hal, VIRT_CONSOLE, bytes, true);
	command->level = (uint8_t)level;
	command->bytes = bytes;
	hal_command_end(hal, command, text);
}

const struct hal_card *hal_card(struct hal *hal)
{
	return &hal->card;
}

void hal_trace_enable(struct hal *hal, bool on)
{
	struct virt_command *command = hal_command_begin(hal, VIRT_TRACE_ENABLE, 0, true);

	command->count = on;
	hal_command_end(hal, command, NULL);
}

/* ---- PCIe: events, functions, registers ---- */

bool hal_poll_event(struct hal *hal, struct hal_event *event)
{
	const struct virt_ring *ring = &hal->shared->events;

	if (virt_load(&hal->shared->events_tail) == hal->events_head)
		return false;
	*event = *(const struct hal_event *)virt_entry(hal->memory, ring, hal->events_head);
	virt_store(&hal->shared->events_head, ++hal->events_head);
	return true;
}

void hal_function_ready(struct hal *hal, uint16_t function)
{
	struct virt_command *command = hal_command_begin(hal, VIRT_READY, 0, true);

	command->requester.function = function;
	hal_command_end(hal, command, NULL);
}

uint32_t hal_function_state(const struct hal *hal, uint16_t function)
{
	const uint32_t *states = (const uint32_t *)(hal->memory + hal->shared->states);

	return function < hal->shared->functions ? virt_load(&states[function]) : 0;
}

bool hal_function_usable(struct hal *hal, uint16_t function)
{
	return hal_function_state(hal, function) & VIRT_FUNCTION_USABLE;
}

void hal_register_set(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value)
{
	struct virt_command *command = hal_command_begin(hal, VIRT_REGISTER_SET, 0, true);

	command->requester.function = function;
	command->address = offset;
	command->count = value;
	hal_command_end(hal, command, NULL);
	hal->registers_set = hal->commands_tail;
}

uint32_t hal_register_get(struct hal *hal, uint16_t function, uint32_t offset)
{
	const struct virt_shared *shared = hal->shared;
	const uint8_t *registers = hal->memory + shared->registers;

	if (function >= shared->functions || offset >= shared->register_bytes)
		return 0;
	/* What was set by a command that is still under way must be read, too. */
	while ((int32_t)(hal->registers_set - virt_load(&shared->commands_head)) > 0)
		wait_for_hardware(hal);
	virt_store(&hal->shared->waiting, 0);
	hal->registers_set = virt_load(&shared->commands_head);
	return virt_load(
		(const uint32_t *)(registers + (size_t)function * shared->register_bytes + offset));
}

void hal_window_read(struct hal *hal, uint16_t function, uint32_t offset, void *to, uint32_t bytes)
{
	const struct virt_shared *shared = hal->shared;

	if (function >= shared->functions || offset > shared->window_bytes ||
	    bytes > shared->window_bytes - offset) {
		memset(to, 0, bytes);
		return;
	}
	memcpy(to, hal->memory + shared->windows + (size_t)function * shared->window_bytes + offset,
	       bytes);
}

void hal_window_write(struct hal *hal, uint16_t function, uint32_t offset, const void *from,
		      uint32_t bytes)
{
	struct virt_command *command = hal_command_begin(hal, VIRT_WINDOW_WRITE, bytes, true);

	command->requester.function = function;
	command->address = offset;
	command->bytes = bytes;
	hal_command_end(hal, command, from);
}

/* ---- interrupts, ATS ---- */

/* The ring keeps order: what was written to host memory by commands before it is there before the message is. */
enum hal_result hal_interrupt_raise(struct hal *hal, uint16_t function, uint16_t vector)
{
	uint32_t state = hal_function_state(hal, function);
	struct virt_command *command;

	if (!(state & VIRT_FUNCTION_READY))
		return HAL_RESET;
	if (vector >= state >> 16)
		return HAL_FAULT;
	command = hal_command_begin(hal, VIRT_INTERRUPT, 0, false);
	if (!command)
		return HAL_BUSY;
	command->requester.function = function;
	command->address = vector;
	hal_command_end(hal, command, NULL);
	return HAL_DONE;
}

void hal_ats_invalidate_done(struct hal *hal, uint16_t function, uint64_t invalidate_tag)
{
	struct virt_command *command = hal_command_begin(hal, VIRT_INVALIDATED, 0, true);

	command->requester.function = function;
	command->address = invalidate_tag;
	hal_command_end(hal, command, NULL);
}

/* ---- network ---- */

void hal_link_get(struct hal *hal, uint8_t port, struct hal_link *link)
{
	link->speed_mbps = virt_load(&hal->shared->link_mbps[port]);
	link->up = link->speed_mbps;
}

void hal_link_set(struct hal *hal, uint8_t port, bool up)
{
	struct virt_command *command = hal_command_begin(hal, VIRT_LINK_SET, 0, true);

	command->port = port;
	command->count = up;
	hal_command_end(hal, command, NULL);
}

uint32_t hal_receive(struct hal *hal, uint8_t port, struct hal_frame *frames, uint32_t max)
{
	const struct virt_shared *shared = hal->shared;
	const struct virt_port *place = &shared->port[port];
	uint32_t head = hal->frames_head[port];
	uint32_t count = virt_load(&shared->frames_tail[port]) - head;

	if (count > max)
		count = max;
	for (uint32_t i = 0; i < count; i++) {
		const struct virt_frame *frame = virt_entry(hal->memory, &place->frames, head + i);
		uint32_t handle = frame->handle;

		frames[i].data =
			handle < shared->slot_count
				? hal->memory + place->slots + (size_t)handle * shared->slot_bytes
				: hal->memory + place->large_slots +
					  (size_t)(handle - shared->slot_count) *
						  shared->large_slot_bytes;
		frames[i].bytes = frame->bytes;
		frames[i].handle = handle;
		frames[i].time_ns = frame->time_ns;
	}
	hal->frames_head[port] = head + count;
	if (count)
		virt_store(&hal->shared->frames_head[port], head + count);
	return count;
}

void hal_receive_release(struct hal *hal, uint8_t port, const struct hal_frame *frames,
			 uint32_t count)
{
	const struct virt_ring *ring = &hal->shared->port[port].releases;
	uint32_t tail = hal->releases_tail[port];

	/* There is room for every handle there is. */
	for (uint32_t i = 0; i < count; i++)
		*(uint32_t *)virt_entry(hal->memory, ring, tail + i) = frames[i].handle;
	hal->releases_tail[port] = tail + count;
	virt_store(&hal->shared->releases_tail[port], tail + count);
}

/* The processor is as fast at it as the hardware would be at the other end of a ring. */
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
