/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What goes between the card and the machine of its firmware: events, frames and completions to it, commands from it. A command is
 * copied once and checked on the copy. Firmware that says what cannot be is ended: it is broken, and the card is not.
 */
#include "home_riscv.h"

#include <string.h>

/* ---- to the firmware ---- */

/* Notes up to which event the firmware must have come before what it says of a function counts again. */
static void note_reset(struct weirsim *sim, const struct hal_event *event)
{
	struct sim_home *home = sim->home;

	if (event->kind == HAL_EVENT_RESET)
		home->reset_event[event->function] = home->events_tail;
	for (uint32_t i = 1; event->kind == HAL_EVENT_VF_ENABLE && i < sim->hal.function_limit; i++)
		home->reset_event[i] = home->events_tail;
}

static uint32_t give_events(struct weirsim *sim)
{
	struct sim_home *home = sim->home;
	const struct virt_ring *ring = &home->shared->events;
	uint32_t first = home->events_tail, head = virt_load(&home->shared->events_head);
	struct hal_event event;

	while (sim->hal.events && home->events_tail - head < ring->entries &&
	       hal_board_poll_event(&sim->hal, &event)) {
		*(struct hal_event *)virt_entry(home->memory, ring, home->events_tail++) = event;
		note_reset(sim, &event);
	}
	if (home->events_tail != first)
		virt_store(&home->shared->events_tail, home->events_tail);
	return home->events_tail - first;
}

/* The ring has a place for every slot there is. */
static uint32_t give_frames(struct weirsim *sim, uint8_t index)
{
	struct sim_home *home = sim->home;
	struct hal_frame frame;
	uint32_t given = 0;

	while (card_receive(&sim->hal.ports[index], &frame, 1)) {
		*(struct virt_frame *)virt_entry(home->memory, &home->shared->port[index].frames,
						 home->frames_tail[index]++) = (struct virt_frame){
			.handle = frame.handle,
			.bytes = frame.bytes,
			.time_ns = frame.time_ns,
		};
		home->lent[index * CARD_QUEUE_FRAMES + frame.handle] = true;
		given++;
	}
	if (given)
		virt_store(&home->shared->frames_tail[index], home->frames_tail[index]);
	return given;
}

uint32_t riscv_give(struct weirsim *sim)
{
	uint32_t given = give_events(sim);

	for (uint8_t i = 0; i < sim->config.ports; i++) {
		const struct card_port *port = &sim->hal.ports[i];

		virt_store(&sim->home->shared->link_mbps[i], port->up ? port->speed_mbps : 0);
		given += give_frames(sim, i);
	}
	return given;
}

bool riscv_rings_empty(const struct sim_home *home)
{
	const struct virt_shared *shared = home->shared;

	if (virt_load(&shared->commands_tail) != home->commands_head ||
	    virt_load(&shared->events_head) != home->events_tail ||
	    virt_load(&shared->completions_head) != home->completions_tail)
		return false;
	for (uint32_t i = 0; i < shared->ports; i++) {
		if (virt_load(&shared->frames_head[i]) != home->frames_tail[i] ||
		    virt_load(&shared->releases_tail[i]) != home->releases_head[i])
			return false;
	}
	return true;
}

static void complete(struct weirsim *sim, hal_tag tag, enum hal_result result)
{
	struct sim_home *home = sim->home;
	const struct virt_ring *ring = &home->shared->completions;

	if (home->completions_tail - virt_load(&home->shared->completions_head) >= ring->entries) {
		riscv_end(sim, "it has more operations in flight than there may be");
		return;
	}
	*(struct hal_completion *)virt_entry(home->memory, ring, home->completions_tail) =
		(struct hal_completion){ .tag = tag, .result = result };
	virt_store(&home->shared->completions_tail, ++home->completions_tail);
}

/* ---- commands ---- */

/* Device memory that a command names; NULL, and the end of the firmware: it is outside. */
static void *device_memory(struct weirsim *sim, uint64_t offset, uint64_t bytes)
{
	struct sim_home *home = sim->home;

	if (offset <= home->memory_bytes && bytes <= home->memory_bytes - offset)
		return home->memory + offset;
	riscv_end(sim, "a command names memory that is not there");
	return NULL;
}

/* The sum that a command takes on the way; false, and the end of the firmware: it is outside. *sum NULL: none. */
static bool sum_of(struct weirsim *sim, const struct virt_command *command, struct hal_sum **sum)
{
	*sum = NULL;
	if (!command->sum)
		return true;
	*sum = device_memory(sim, command->sum, sizeof(**sum));
	if (*sum && ((*sum)->kind > HAL_SUM_CRC32C || command->sum % _Alignof(struct hal_sum))) {
		riscv_end(sim, "a command takes an impossible checksum");
		*sum = NULL;
	}
	return *sum;
}

static void dma_copy(struct weirsim *sim, const struct virt_command *command)
{
	struct hal_sum *sum;

	if (sum_of(sim, command, &sum))
		complete(sim, command->tag,
			 sim_iommu_dma_copy(sim, command->requester, command->address,
					    command->source, command->source_address,
					    command->bytes, sum, command->place, command->tag));
}

static void dma(struct weirsim *sim, const struct virt_command *command)
{
	void *memory = device_memory(sim, command->memory, command->bytes);
	enum hal_result result;
	struct hal_sum *sum;

	if (!memory || !sum_of(sim, command, &sum))
		return;
	if (command->kind == VIRT_DMA_ENTRIES) {
		if (command->entry_bytes < 16 || command->entry_bytes % 16 ||
		    (uint64_t)command->entry_bytes * command->count != command->bytes) {
			riscv_end(sim, "a command writes impossible ring entries");
			return;
		}
		result = sim_iommu_dma_entries(sim, command->requester, command->address, memory,
					       command->entry_bytes, command->count, command->tag);
	} else {
		result = sim_iommu_dma(sim, command->requester, command->address, memory,
				       command->bytes, command->kind == VIRT_DMA_WRITE,
				       command->tag);
		if (sum && result == HAL_DONE)
			card_sum_add(sum, card_sum_piece(sum->kind, memory, command->bytes),
				     command->place);
	}
	complete(sim, command->tag, result);
}

/* The checksum's field lies in the header, not ahead of what it is of (struct hal_insert). */
static bool can_insert(const struct hal_insert *insert, uint32_t header_bytes)
{
	uint32_t field_bytes = insert->kind == HAL_SUM_CRC32C ? 4 : 2;

	return insert->kind <= HAL_SUM_CRC32C && insert->start <= insert->field &&
	       insert->field + field_bytes <= header_bytes;
}

static void transmit(struct weirsim *sim, const struct virt_command *command)
{
	struct hal_segment segments[CARD_SEGMENTS_PER_CALL];
	uint64_t *sent_ns = NULL;
	const void *header = device_memory(sim, command->memory, command->bytes);
	const void *list = device_memory(sim, command->source_address,
					 (uint64_t)command->count * sizeof(*segments));

	if (!header || !list)
		return;
	if (command->count > CARD_SEGMENTS_PER_CALL || command->port >= sim->config.ports ||
	    command->sent % _Alignof(uint64_t) ||
	    (command->inserts && !can_insert(&command->insert, command->bytes))) {
		riscv_end(sim, "a command sends an impossible frame");
		return;
	}
	if (command->sent) {
		sent_ns = device_memory(sim, command->sent, sizeof(*sent_ns));
		if (!sent_ns)
			return;
	}
	memcpy(segments, list, command->count * sizeof(*segments));
	complete(sim, command->tag,
		 sim_transmit(sim, command->port, header, command->bytes, segments, command->count,
			      command->inserts ? &command->insert : NULL, sent_ns, command->tag));
}

/* The firmware has not heard of the last reset of the command's function: what it says of it was meant for what was before. */
static bool is_void(struct weirsim *sim, const struct virt_command *command)
{
	uint16_t number = command->requester.function;

	if (number >= sim->hal.function_limit)
		return true;
	if ((int32_t)(command->events_taken - sim->home->reset_event[number]) < 0)
		return true;
	if (number && sim->hal.events & SIM_CARD_VFS)
		return true;
	return sim->functions[number] && sim->functions[number]->events.flags & SIM_EVENT_RESET;
}

static void write_window(struct weirsim *sim, const struct virt_command *command)
{
	if (command->address > UINT32_MAX)
		return;
	hal_board_window_write(&sim->hal, command->requester.function, (uint32_t)command->address,
			       sim->home->payload, command->bytes);
}

static void set_clock(struct weirsim *sim, const struct virt_command *command)
{
	if (command->bytes == sizeof(sim->hal.shown_clock))
		memcpy(&sim->hal.shown_clock, sim->home->payload, command->bytes);
	else
		riscv_end(sim, "a command sets an impossible clock");
}

static void say(struct weirsim *sim, const struct virt_command *command)
{
	char text[256];
	uint32_t bytes = command->bytes < sizeof(text) - 1 ? command->bytes
							   : (uint32_t)sizeof(text) - 1;

	memcpy(text, sim->home->payload, bytes);
	text[bytes] = '\0';
	if (command->level <= WEIR_LOG_LEVEL_DEBUG)
		hal_board_console(&sim->hal, (enum weir_log_level)command->level, text);
}

/* Commands about the state of a function; those that are void are dropped. */
static void function_command(struct weirsim *sim, const struct virt_command *command)
{
	uint16_t number = command->requester.function;

	if (is_void(sim, command))
		return;
	switch ((enum virt_command_kind)command->kind) {
	case VIRT_READY:
		hal_board_function_ready(&sim->hal, number);
		break;
	case VIRT_REGISTER_SET:
		if (command->address % 4 == 0 && command->address < CARD_REGISTER_BYTES)
			hal_board_register_set(&sim->hal, number, (uint32_t)command->address,
					       command->count);
		break;
	case VIRT_WINDOW_WRITE:
		write_window(sim, command);
		break;
	default:
		if (command->address <= UINT16_MAX)
			hal_board_interrupt_raise(&sim->hal, number, (uint16_t)command->address);
		break;
	}
}

static void carry_out(struct weirsim *sim, const struct virt_command *command)
{
	switch ((enum virt_command_kind)command->kind) {
	case VIRT_DMA_READ:
	case VIRT_DMA_WRITE:
	case VIRT_DMA_ENTRIES:
		dma(sim, command);
		return;
	case VIRT_DMA_COPY:
		dma_copy(sim, command);
		return;
	case VIRT_TRANSMIT:
		transmit(sim, command);
		return;
	case VIRT_READY:
	case VIRT_REGISTER_SET:
	case VIRT_WINDOW_WRITE:
	case VIRT_INTERRUPT:
		function_command(sim, command);
		return;
	case VIRT_INVALIDATED:
		hal_board_ats_invalidate_done(&sim->hal, command->requester.function,
					      command->address);
		return;
	case VIRT_LINK_SET:
		if (command->port < sim->config.ports)
			hal_board_link_set(&sim->hal, command->port, command->count);
		return;
	case VIRT_TRACE_ENABLE:
		hal_board_trace_enable(&sim->hal, command->count);
		return;
	case VIRT_CONSOLE:
		say(sim, command);
		return;
	case VIRT_CLOCK_SET:
		set_clock(sim, command);
		return;
	}
	riscv_end(sim, "a command is of no known kind");
}

static bool has_payload(const struct virt_command *command)
{
	return command->kind == VIRT_WINDOW_WRITE || command->kind == VIRT_CONSOLE ||
	       command->kind == VIRT_CLOCK_SET;
}

/* Copies what follows a command; false, and the end of the firmware: it cannot be. */
static bool take_payload(struct weirsim *sim, const struct virt_command *command, uint32_t at,
			 uint32_t available)
{
	struct sim_home *home = sim->home;

	if (command->bytes > VIRT_PAYLOAD_MAX || virt_payload_entries(command->bytes) > available) {
		riscv_end(sim, "a command's payload is longer than it can be");
		return false;
	}
	for (uint32_t done = 0; done < command->bytes; done += (uint32_t)sizeof(*command), at++) {
		uint32_t left = command->bytes - done;

		memcpy(home->payload + done, virt_entry(home->memory, &home->shared->commands, at),
		       left < sizeof(*command) ? left : sizeof(*command));
	}
	return true;
}

static uint32_t serve_commands(struct weirsim *sim)
{
	struct sim_home *home = sim->home;
	struct virt_shared *shared = home->shared;
	uint32_t tail = virt_load(&shared->commands_tail), served = 0;

	if (tail == home->commands_head)
		return 0;
	if (tail - home->commands_head > shared->commands.entries) {
		riscv_end(sim, "its ring of commands holds more than it can");
		return 0;
	}
	/* Reads of host memory come after the writes whose completions the firmware has seen: hal_dma_order(). */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (home->commands_head != tail && !home->ended) {
		struct virt_command command = *(const struct virt_command *)virt_entry(
			home->memory, &shared->commands, home->commands_head);
		uint32_t next = home->commands_head + 1;

		if (has_payload(&command)) {
			if (!take_payload(sim, &command, next, tail - next))
				break;
			next += virt_payload_entries(command.bytes);
		}
		home->commands_head = next;
		carry_out(sim, &command);
		served++;
	}
	virt_store(&shared->commands_head, home->commands_head);
	return served;
}

/* Frames that the firmware gives back. */
static void serve_releases(struct weirsim *sim, uint8_t index)
{
	struct sim_home *home = sim->home;
	uint32_t tail = virt_load(&home->shared->releases_tail[index]);

	while (home->releases_head[index] != tail && !home->ended) {
		uint32_t handle = *(const uint32_t *)virt_entry(home->memory,
								&home->shared->port[index].releases,
								home->releases_head[index]++);
		const struct hal_frame frame = { .handle = handle };

		if (handle >= CARD_QUEUE_FRAMES || !home->lent[index * CARD_QUEUE_FRAMES + handle]) {
			riscv_end(sim, "it gives a frame back that it does not have");
			return;
		}
		home->lent[index * CARD_QUEUE_FRAMES + handle] = false;
		card_receive_release(&sim->hal.ports[index], &frame, 1);
	}
	virt_store(&home->shared->releases_head[index], home->releases_head[index]);
}

uint32_t riscv_serve(struct weirsim *sim)
{
	uint32_t served;

	if (sim->home->ended)
		return 0;
	served = serve_commands(sim);
	for (uint8_t i = 0; i < sim->config.ports; i++)
		serve_releases(sim, i);
	return served;
}
