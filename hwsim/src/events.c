/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the hardware has to tell the firmware. Everything is kept where it belongs and in fixed room, so that nothing is lost and
 * one function's flood takes nothing from another: doorbells keep their last value, register writes are kept in order (of more than
 * SIM_WRITES_KEPT the last value of each register), functions and their doorbells take turns. While nothing waits, polling costs one comparison (card.h).
 *
 * Order within a function: a reset first, since it took away what was waiting; doorbells before register writes, since what makes a
 * doorbell legal (a created queue) was waited for by its driver, while a register write may end the queue it rang for.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sets or clears a bit of what waits in the card. */
static void card_event(struct weirsim *sim, uint32_t bit, bool waits)
{
	if (waits)
		sim->hal.events |= bit;
	else
		sim->hal.events &= ~bit;
}

static void note_waiting(struct weirsim *sim, const struct sim_function *function)
{
	uint64_t *word = &sim->waiting_functions[function->number / 64];
	uint64_t bit = 1ull << function->number % 64;

	if (function->events.flags) {
		*word |= bit;
		card_event(sim, SIM_CARD_FUNCTIONS, true);
		return;
	}
	*word &= ~bit;
	for (uint32_t i = 0; i < sim->waiting_words; i++) {
		if (sim->waiting_functions[i])
			return;
	}
	card_event(sim, SIM_CARD_FUNCTIONS, false);
}

void sim_event_set(struct weirsim *sim, struct sim_function *function, uint32_t flags)
{
	function->events.flags |= flags;
	note_waiting(sim, function);
}

void sim_event_clear(struct weirsim *sim, struct sim_function *function, uint32_t flags)
{
	function->events.flags &= ~flags;
	note_waiting(sim, function);
}

void sim_event_doorbell(struct weirsim *sim, struct sim_function *function, uint32_t pair,
			uint32_t kind, uint32_t value)
{
	struct sim_events *events = &function->events;
	uint32_t index = pair * SIM_DOORBELLS_PER_PAIR + kind;

	events->doorbell_values[index] = value;
	events->doorbells[index / 64] |= 1ull << index % 64;
	if (!(events->flags & SIM_EVENT_DOORBELL))
		sim_event_set(sim, function, SIM_EVENT_DOORBELL);
}

/* Registers of which only the newest value says something: free-running counts. */
static bool is_count(uint32_t offset)
{
	return offset == WEIR_REG_ADMIN_SQ_TAIL || offset == WEIR_REG_ADMIN_CQ_HEAD;
}

/* A count that waits behind everything but counts takes the new value; no other write is ever folded, a release and a new claim of
 * the mailbox least of all. */
static bool fold_count(struct sim_events *events, uint32_t offset, uint32_t value)
{
	for (uint32_t i = events->write_tail; i != events->write_head; i--) {
		struct sim_register_write *write = &events->writes[(i - 1) % SIM_WRITES_KEPT];

		if (write->offset == offset) {
			write->value = value;
			return true;
		}
		if (!is_count(write->offset))
			return false;
	}
	return false;
}

void sim_event_register(struct weirsim *sim, struct sim_function *function, uint32_t offset,
			uint32_t value)
{
	struct sim_events *events = &function->events;
	uint32_t waiting = events->write_tail - events->write_head;
	uint32_t index = sim->register_index[offset / 4];

	if (!events->writes_late && is_count(offset) && fold_count(events, offset, value))
		return;
	if (events->writes_late || waiting == SIM_WRITES_KEPT) {
		events->writes_late |= 1u << index;
		events->late_values[index] = value;
	} else {
		events->writes[events->write_tail++ % SIM_WRITES_KEPT] =
			(struct sim_register_write){ .offset = (uint16_t)offset, .value = value };
	}
	sim_event_set(sim, function, SIM_EVENT_REGISTER);
}

void sim_event_bad_access(struct weirsim *sim, struct sim_function *function, uint32_t offset)
{
	if (function->events.bad_accesses != UINT32_MAX)
		function->events.bad_accesses++;
	function->events.bad_offset = offset;
	sim_event_set(sim, function, SIM_EVENT_BAD_ACCESS);
}

void sim_events_clear(struct weirsim *sim, struct sim_function *function)
{
	struct sim_events *events = &function->events;

	events->flags = 0;
	events->bad_accesses = 0;
	events->write_head = events->write_tail;
	events->writes_late = 0;
	memset(events->doorbells, 0, sizeof(events->doorbells));
	note_waiting(sim, function);
}

void sim_event_vfs(struct weirsim *sim, uint16_t before, uint16_t now)
{
	if (before && sim->vfs_told)
		sim->vfs_changed_to_none = true;
	card_event(sim, SIM_CARD_VFS, sim->vfs_changed_to_none || now != sim->vfs_told);
}

void sim_event_link(struct weirsim *sim, uint8_t port)
{
	sim->waiting_links |= 1u << port;
	card_event(sim, SIM_CARD_LINKS, true);
}

struct weir_trace_record *sim_trace_add(struct weirsim *sim, enum weir_trace_kind kind,
					uint16_t function)
{
	struct sim_trace *trace = &sim->trace;
	struct weir_trace_record *record;

	if (!sim->hal.trace)
		return NULL;
	if (trace->tail - trace->head == SIM_TRACE_RECORDS) {
		trace->lost++;
		return NULL;
	}
	record = &trace->records[trace->tail++ % SIM_TRACE_RECORDS];
	memset(record, 0, sizeof(*record));
	record->time_ns = weir_cpu_to_le64(card_now_ns(&sim->hal));
	record->kind = weir_cpu_to_le16((uint16_t)kind);
	record->function = weir_cpu_to_le16(function);
	record->vlan = weir_cpu_to_le16(WEIR_VLAN_NONE);
	card_event(sim, SIM_CARD_TRACE, true);
	return record;
}

void hal_board_trace_enable(struct hal *hal, bool on)
{
	struct weirsim *sim = sim_of(hal);

	if (on && !sim->trace.records) {
		sim->trace.records = calloc(SIM_TRACE_RECORDS, sizeof(*sim->trace.records));
		if (!sim->trace.records) {
			sim_log(sim, WEIR_LOG_LEVEL_ERROR, "trace: no memory for records");
			return;
		}
	}
	if (sim->trace.lost)
		sim_log(sim, WEIR_LOG_LEVEL_WARNING,
			"trace: %llu records of the hardware found no room",
			(unsigned long long)sim->trace.lost);
	sim->trace.lost = 0;
	hal->trace = on;
	sim->trace.head = sim->trace.tail;
	card_event(sim, SIM_CARD_TRACE, false);
	/* Every translation shall be seen: none is held ready while the trace runs. */
	for (uint32_t i = 0; i < hal->function_limit; i++) {
		if (sim->functions[i])
			sim_function_close_windows(sim->functions[i]);
	}
}

/* ---- towards the firmware ---- */

/* The VFs that the firmware knows are gone; then, once it was told of a PF reset in between, the new ones are there. */
static bool take_vfs(struct weirsim *sim, struct hal_event *event)
{
	if (!sim->vfs_changed_to_none && sim->vfs == sim->vfs_told) {
		card_event(sim, SIM_CARD_VFS, false);
		return false;
	}
	if (!sim->vfs_changed_to_none && sim->functions[0]->events.flags & SIM_EVENT_RESET)
		return false;
	event->kind = HAL_EVENT_VF_ENABLE;
	event->value = sim->vfs_changed_to_none ? 0 : sim->vfs;
	sim->vfs_changed_to_none = false;
	sim->vfs_told = (uint16_t)event->value;
	card_event(sim, SIM_CARD_VFS, sim->vfs != sim->vfs_told);
	return true;
}

static void take_link(struct weirsim *sim, struct hal_event *event)
{
	uint32_t port = (uint32_t)__builtin_ctz(sim->waiting_links);

	sim->waiting_links &= sim->waiting_links - 1;
	card_event(sim, SIM_CARD_LINKS, sim->waiting_links);
	event->kind = HAL_EVENT_LINK;
	event->offset = port;
	event->value = sim->hal.ports[port].up;
}

static void take_trace(struct weirsim *sim, struct hal_event *event)
{
	event->trace = sim->trace.records[sim->trace.head++ % SIM_TRACE_RECORDS];
	card_event(sim, SIM_CARD_TRACE, sim->trace.head != sim->trace.tail);
	event->kind = HAL_EVENT_TRACE;
	event->function = weir_le16_to_cpu(event->trace.function);
}

/* Offset in its page of each kind of doorbell, in the order of their numbers. */
static const uint16_t doorbell_offsets[SIM_DOORBELLS_PER_PAIR] = {
	WEIR_DOORBELL_RX_TAIL,
	WEIR_DOORBELL_TX_TAIL,
	WEIR_DOORBELL_RX_ARM,
	WEIR_DOORBELL_TX_ARM,
};

/* First set bit at or behind `from`, going round; bits holds at least one. */
static uint32_t next_bit(const uint64_t *bits, uint32_t words, uint32_t from)
{
	uint32_t word = from / 64 % words;
	uint64_t rest = bits[word] & ~0ull << from % 64;

	while (!rest) {
		word = (word + 1) % words;
		rest = bits[word];
	}
	return word * 64 + (uint32_t)__builtin_ctzll(rest);
}

/* Takes a doorbell; returns whether more wait. */
static bool take_doorbell(struct sim_events *events, struct hal_event *event)
{
	uint32_t index = next_bit(events->doorbells, SIM_DOORBELL_WORDS, events->doorbell_next);

	events->doorbells[index / 64] &= ~(1ull << index % 64);
	events->doorbell_next = index + 1;
	event->kind = HAL_EVENT_DOORBELL;
	event->offset = (index / SIM_DOORBELLS_PER_PAIR << WEIR_DOORBELL_STRIDE_LOG2) +
			doorbell_offsets[index % SIM_DOORBELLS_PER_PAIR];
	event->value = events->doorbell_values[index];
	for (uint32_t i = 0; i < SIM_DOORBELL_WORDS; i++) {
		if (events->doorbells[i])
			return true;
	}
	return false;
}

/* Takes a register write; returns whether more wait. */
static bool take_register(struct weirsim *sim, struct sim_events *events, struct hal_event *event)
{
	event->kind = HAL_EVENT_REGISTER;
	if (events->write_head != events->write_tail) {
		const struct sim_register_write *write =
			&events->writes[events->write_head++ % SIM_WRITES_KEPT];

		event->offset = write->offset;
		event->value = write->value;
	} else {
		uint32_t index = (uint32_t)__builtin_ctz(events->writes_late);

		events->writes_late &= events->writes_late - 1;
		event->offset = sim->writable_registers[index];
		event->value = events->late_values[index];
	}
	return events->write_head != events->write_tail || events->writes_late;
}

/* Takes the next event of a function that has one. False: it had none after all. */
static bool take_function_event(struct weirsim *sim, struct sim_function *function,
				struct hal_event *event)
{
	struct sim_events *events = &function->events;
	uint32_t flag = events->flags & -events->flags;

	event->function = function->number;
	switch (flag) {
	case SIM_EVENT_RESET:
		event->kind = HAL_EVENT_RESET;
		break;
	case SIM_EVENT_BUS_MASTER:
		event->kind = HAL_EVENT_BUS_MASTER;
		event->value = function->master;
		function->master_told = function->master;
		break;
	case SIM_EVENT_ATS_CONTROL:
		event->kind = HAL_EVENT_ATS_CONTROL;
		event->value = function->ats;
		function->ats_told = function->ats;
		break;
	case SIM_EVENT_INVALIDATE:
		if (sim_invalidate_next(function, event))
			return true; /* it knows itself when there is no other */
		sim_event_clear(sim, function, flag);
		return false;
	case SIM_EVENT_DOORBELL:
		if (take_doorbell(events, event))
			flag = 0;
		break;
	case SIM_EVENT_REGISTER:
		if (take_register(sim, events, event))
			flag = 0;
		break;
	default:
		event->kind = HAL_EVENT_BAD_ACCESS;
		event->offset = events->bad_offset;
		event->value = events->bad_accesses;
		events->bad_accesses = 0;
		break;
	}
	sim_event_clear(sim, function, flag);
	return true;
}

bool hal_board_poll_event(struct hal *hal, struct hal_event *event)
{
	struct weirsim *sim = sim_of(hal);

	memset(event, 0, sizeof(*event));
	if (hal->events & SIM_CARD_VFS && take_vfs(sim, event))
		return true;
	if (hal->events & SIM_CARD_LINKS) {
		take_link(sim, event);
		return true;
	}
	/* Neither a flood of trace records nor one of functions' events keeps the other waiting. */
	sim->trace_turn = !sim->trace_turn;
	if (hal->events & SIM_CARD_TRACE &&
	    (sim->trace_turn || !(hal->events & SIM_CARD_FUNCTIONS))) {
		take_trace(sim, event);
		return true;
	}
	while (hal->events & SIM_CARD_FUNCTIONS) {
		uint32_t number;

		/* VFs that are not announced yet wait for the PF's reset: it is told first. */
		if (sim->functions[0]->events.flags & SIM_EVENT_RESET)
			number = 0;
		else
			number = next_bit(sim->waiting_functions, sim->waiting_words,
					  sim->waiting_next);
		sim->waiting_next = number + 1;
		if (take_function_event(sim, sim->functions[number], event))
			return true;
	}
	return false;
}
