/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of functions: they come with power or VF Enable, are reset, and go. Their gate (card.usable) is shut at once when
 * configuration or a reset takes away the right to use the bus; the firmware learns of it by events.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sim_function *sim_function_get(struct weirsim *sim, uint16_t number)
{
	struct sim_function *function;

	if (number >= sim->hal.function_limit)
		return NULL;
	if (sim->functions[number])
		return sim->functions[number];
	function = aligned_alloc(64, (sizeof(*function) + 63) / 64 * 64);
	if (!function)
		return NULL;
	memset(function, 0, sizeof(*function));
	function->number = number;
	function->queue_pairs = number ? WEIR_VF_QUEUE_PAIRS : WEIR_PF_QUEUE_PAIRS;
	function->msix.count = number ? WEIR_MSIX_VF_VECTORS : WEIR_MSIX_PF_VECTORS;
	function->msix.vectors = calloc(function->msix.count, sizeof(*function->msix.vectors));
	function->events.doorbell_values =
		calloc((size_t)function->queue_pairs * SIM_DOORBELLS_PER_PAIR, sizeof(uint32_t));
	function->card.registers = sim_home_registers(sim, number);
	function->invalidations_end = &function->invalidations;
	if (!function->card.registers || !function->msix.vectors ||
	    !function->events.doorbell_values) {
		sim_function_free(sim, function);
		return NULL;
	}
	sim->functions[number] = function;
	sim->hal.functions[number] = &function->card;
	return function;
}

void sim_function_free(struct weirsim *sim, struct sim_function *function)
{
	struct sim_invalidation *next;

	if (!function)
		return;
	for (struct sim_invalidation *i = function->invalidations; i; i = next) {
		next = i->next;
		free(i);
	}
	sim->iommu.mappings -= function->map_count;
	free(function->maps);
	sim_home_window_free(sim, function->window);
	sim_home_registers_free(sim, function->card.registers);
	free(function->msix.vectors);
	free(function->events.doorbell_values);
	free(function);
}

void sim_function_close_windows(struct sim_function *function)
{
	memset(&function->card.recent, 0, sizeof(function->card.recent));
	memset(function->card.windows, 0, sizeof(function->card.windows));
}

void sim_function_update_gate(struct weirsim *sim, struct sim_function *function)
{
	bool enable = sim->config.external_pci
			      ? function->signal_master
			      : sim_config_get(function, WEIR_CFG_COMMAND, 2) & 0x4;
	bool was_usable = function->card.usable;

	function->master = function->enabled && enable && sim_config_in_d0(sim);
	function->card.usable = function->ready && function->master;
	if (was_usable && !function->card.usable)
		sim_function_close_windows(function);
	if (function->master != function->master_told)
		sim_event_set(sim, function, SIM_EVENT_BUS_MASTER);
	else
		sim_event_clear(sim, function, SIM_EVENT_BUS_MASTER);
	sim_home_gate_changed(sim, function);
	if (!was_usable && function->card.usable)
		sim_msix_send_pending(sim, function);
}

void sim_function_set_ats(struct weirsim *sim, struct sim_function *function, bool on)
{
	function->ats = on;
	if (on != function->ats_told)
		sim_event_set(sim, function, SIM_EVENT_ATS_CONTROL);
	else
		sim_event_clear(sim, function, SIM_EVENT_ATS_CONTROL);
}

/* Everything a reset takes from one function; the gate is shut. */
static void clear_function(struct weirsim *sim, struct sim_function *function, enum sim_reset kind)
{
	uint32_t generation = function->card.registers[WEIR_REG_GENERATION / 4];

	function->ready = false;
	function->host_mapping_seen = false;
	function->card.usable = false;
	function->resets++;
	sim_function_close_windows(function);
	sim_events_clear(sim, function);
	memset(function->card.registers, 0, CARD_REGISTER_BYTES);
	function->card.registers[WEIR_REG_GENERATION / 4] = generation;
	sim_home_window_free(sim, function->window);
	function->window = NULL;
	function->signal_master = false;
	function->master = function->master_told = false;
	function->ats = function->ats_told = false;
	sim_msix_reset(function);
	sim_config_reset(sim, function, kind);
	sim_invalidate_release(sim, function);
	sim_home_gate_changed(sim, function);
}

/* The firmware knows that function is there: it must be told of a reset. */
static bool firmware_knows(const struct weirsim *sim, const struct sim_function *function)
{
	return !function->number ||
	       (!sim->vfs_changed_to_none && function->number <= sim->vfs_told);
}

void sim_function_reset(struct weirsim *sim, struct sim_function *function, enum sim_reset kind)
{
	sim_log(sim, WEIR_LOG_LEVEL_INFO, "function %u: %s", function->number,
		kind == SIM_RESET_FLR ? "function level reset" : "reset");
	/* PCIe 5.0, 9.2.2.2: FLR of a PF clears VF Enable, and its VFs are no more. */
	if (!function->number)
		sim_vfs_set(sim, 0);
	clear_function(sim, function, kind);
	if (firmware_knows(sim, function))
		sim_event_set(sim, function, SIM_EVENT_RESET);
}

int sim_vfs_set(struct weirsim *sim, uint16_t count)
{
	uint16_t before = sim->vfs;

	/* All the memory first: nothing fails behind this loop. */
	for (uint16_t n = 1; n <= count; n++) {
		if (!sim_function_get(sim, n))
			return -ENOMEM;
	}
	for (uint16_t n = 1; n <= before; n++) {
		struct sim_function *vf = sim->functions[n];

		vf->enabled = false;
		clear_function(sim, vf, SIM_RESET_POWER);
	}
	sim->vfs = 0;
	sim_event_vfs(sim, before, 0);
	for (uint16_t n = 1; n <= count; n++) {
		struct sim_function *vf = sim->functions[n];

		clear_function(sim, vf, SIM_RESET_POWER);
		vf->enabled = true;
	}
	sim->vfs = count;
	sim_event_vfs(sim, 0, count);
	if (before != count) {
		sim_log(sim, WEIR_LOG_LEVEL_INFO, "%u VFs enabled", count);
		if (sim->host.vfs_changed && !sim->config.external_pci)
			sim->host.vfs_changed(sim->config.opaque, count);
	}
	return 0;
}

/* ---- the firmware's side ---- */

void hal_board_function_ready(struct hal *hal, uint16_t number)
{
	struct weirsim *sim = sim_of(hal);
	struct sim_function *function = sim_function(sim, number);

	/* What became ready was reset again meanwhile: the firmware hears of it, and calls once more. */
	if (!function || function->events.flags & SIM_EVENT_RESET || !firmware_knows(sim, function))
		return;
	function->ready = true;
	sim_function_update_gate(sim, function);
	if (sim->host.function_ready)
		sim->host.function_ready(sim->config.opaque, number);
}

void hal_board_register_set(struct hal *hal, uint16_t number, uint32_t offset, uint32_t value)
{
	struct weirsim *sim = sim_of(hal);

	if (number < hal->function_limit && sim->functions[number] && offset < CARD_REGISTER_BYTES)
		sim->functions[number]->card.registers[offset / 4] = value;
}

void hal_board_window_read(struct hal *hal, uint16_t number, uint32_t offset, void *to,
			   uint32_t bytes)
{
	struct sim_function *function = sim_function(sim_of(hal), number);

	if (function && function->window && offset <= WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE &&
	    bytes <= WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE - offset)
		memcpy(to, function->window + offset, bytes);
	else
		memset(to, 0, bytes);
}

void hal_board_window_write(struct hal *hal, uint16_t number, uint32_t offset, const void *from,
			    uint32_t bytes)
{
	struct sim_function *function = sim_function(sim_of(hal), number);

	if (!function || offset > WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE ||
	    bytes > WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE - offset)
		return;
	if (!function->window)
		function->window = sim_home_window(sim_of(hal), number);
	if (function->window)
		memcpy(function->window + offset, from, bytes);
}

/* ---- the holder's side ---- */

int weirsim_function_reset(struct weirsim *sim, uint16_t number)
{
	struct sim_function *function = sim_function(sim, number);

	if (!function)
		return -ENODEV;
	sim_function_reset(sim, function, SIM_RESET_FLR);
	return 0;
}

void weirsim_hot_reset(struct weirsim *sim)
{
	sim_function_reset(sim, sim->functions[0], SIM_RESET_CONVENTIONAL);
}

bool weirsim_function_usable(struct weirsim *sim, uint16_t number)
{
	struct sim_function *function = sim_function(sim, number);

	return function && function->ready &&
	       WEIR_GET(WEIR_REG_STATUS_STATE, function->card.registers[WEIR_REG_STATUS / 4]) ==
		       WEIR_FUNCTION_STATE_READY;
}

uint16_t weirsim_vfs_enabled(struct weirsim *sim)
{
	return sim->vfs;
}
