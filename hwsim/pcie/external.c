/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The external PCI side: configuration space, BAR decode and MSI-X are somebody else's (QEMU's), who tells what happened. Each
 * signal takes effect on the gates before it returns; the firmware follows with the next poll.
 */
#include "sim.h"

void weirsim_signal_reset(struct weirsim *sim, uint16_t number)
{
	struct sim_function *function = sim_function(sim, number);

	if (function)
		sim_function_reset(sim, function, SIM_RESET_FLR);
}

void weirsim_signal_vf_enable(struct weirsim *sim, uint16_t count)
{
	if (count > sim->config.total_vfs) {
		sim_log(sim, WEIR_LOG_LEVEL_ERROR, "%u VFs were enabled, the card has %u", count,
			sim->config.total_vfs);
		count = sim->config.total_vfs;
	}
	if (count == sim->vfs)
		return;
	if (sim_vfs_set(sim, count))
		sim_log(sim, WEIR_LOG_LEVEL_ERROR, "no memory for %u VFs", count);
}

void weirsim_signal_bus_master(struct weirsim *sim, uint16_t number, bool on)
{
	struct sim_function *function = sim_function(sim, number);

	if (!function)
		return;
	function->signal_master = on;
	sim_function_update_gate(sim, function);
}

void weirsim_signal_ats(struct weirsim *sim, uint16_t number, bool on)
{
	struct sim_function *function = sim_function(sim, number);

	if (function)
		sim_function_set_ats(sim, function, on);
}

void weirsim_signal_invalidate(struct weirsim *sim, uint16_t number, uint64_t address,
			       uint64_t bytes, uint64_t tag)
{
	struct sim_function *function = sim_function(sim, number);
	struct sim_invalidation request = {
		.iova = address,
		.bytes = bytes,
		.external = true,
		.external_tag = tag,
	};

	/* A function that is not there holds no translation. */
	if (function && !sim_invalidate_prepare(sim, function, &request)) {
		sim_invalidate_begin(sim, function);
		return;
	}
	if (function)
		sim_log(sim, WEIR_LOG_LEVEL_ERROR, "function %u: no memory for an invalidation",
			number);
	if (sim->host.invalidate_done)
		sim->host.invalidate_done(sim->config.opaque, number, tag);
}

void weirsim_signal_vector(struct weirsim *sim, uint16_t number, uint16_t vector,
			   uint64_t message_address, uint32_t message_data)
{
	struct weir_trace_record *record = sim_trace_add(sim, WEIR_TRACE_KIND_VECTOR_SET, number);

	if (!record)
		return;
	record->address = weir_cpu_to_le64(message_address);
	record->detail = weir_cpu_to_le32(message_data);
	record->vector = weir_cpu_to_le16(vector);
}
