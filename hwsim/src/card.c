/* SPDX-License-Identifier: BSD-3-Clause */
/* A card as a whole: made, polled, ended. */
#include "sim.h"

#include "weir/weir_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_MAX	   32u
#define FILTERS_DEFAULT	   4096u
#define LOG_RECORDS	   1024u
#define TRACE_RECORDS_KEPT 4096u

/* Which offsets of BAR0 hold a register, and how a host may access it. */
static int map_registers(struct weirsim *sim)
{
	static const uint16_t blocks[] = { WEIR_BLOCK_CONTROL, WEIR_BLOCK_ADMIN, WEIR_BLOCK_MAILBOX,
					   WEIR_BLOCK_TIME };
	uint32_t writable = 0;

	for (size_t i = 0; i < WEIR_REGISTERS; i++) {
		const struct weir_register_info *info = &weir_registers[i];

		if (info->offset >= CARD_REGISTER_BYTES)
			return -ENOTSUP;
		sim->register_access[info->offset / 4] = (uint8_t)info->access;
		if (info->access == 'r')
			continue;
		if (writable == SIM_WRITABLE_MAX)
			return -ENOTSUP;
		sim->register_index[info->offset / 4] = (uint8_t)writable;
		sim->writable_registers[writable++] = info->offset;
	}
	/* The header of a chained block: two read-only words. */
	for (size_t i = 0; i < SIM_ARRAY_SIZE(blocks); i++) {
		sim->register_access[blocks[i] / 4] = 'r';
		sim->register_access[blocks[i] / 4 + 1] = 'r';
	}
	return 0;
}

static void default_config(struct weirsim_config *config)
{
	if (!config->ports)
		config->ports = 1;
	if (!config->seed)
		config->seed = sim_random_seed();
	if (!config->queue_pairs)
		config->queue_pairs = WEIR_PF_QUEUE_PAIRS + config->total_vfs * WEIR_VF_QUEUE_PAIRS;
	if (!config->filters)
		config->filters = FILTERS_DEFAULT;
}

static int create_functions(struct weirsim *sim)
{
	uint32_t limit = 1u + sim->config.total_vfs;
	struct sim_function *pf;

	sim->hal.function_limit = limit;
	sim->waiting_words = (limit + 63) / 64;
	sim->functions = calloc(limit, sizeof(*sim->functions));
	sim->hal.functions = calloc(limit, sizeof(*sim->hal.functions));
	sim->waiting_functions = calloc(sim->waiting_words, sizeof(*sim->waiting_functions));
	if (!sim->functions || !sim->hal.functions || !sim->waiting_functions)
		return -ENOMEM;
	sim->absent.registers = sim->absent_registers;
	for (uint32_t i = 0; i < limit; i++)
		sim->hal.functions[i] = &sim->absent;
	pf = sim_function_get(sim, 0);
	if (!pf)
		return -ENOMEM;
	pf->enabled = true;
	sim_msix_reset(pf);
	sim_config_reset(sim, pf, SIM_RESET_POWER);
	return 0;
}

static int start_firmware(struct weirsim *sim)
{
	const struct weir_firmware_config config = {
		.total_vfs = sim->config.total_vfs,
		.ports = sim->config.ports,
		.queue_pairs = sim->config.queue_pairs,
		.filters = sim->config.filters,
		.log_records = LOG_RECORDS,
		.trace_records = TRACE_RECORDS_KEPT,
	};

	return sim_firmware_start(sim, &config);
}

static int create(struct weirsim *sim, const struct weirsim_config *config)
{
	int error;

	sim->config = *config;
	sim->host = *config->host;
	default_config(&sim->config);
	sim->random = sim->config.seed;
	if (!sim->config.serial)
		sim->config.serial = sim_random(&sim->random) | 1;
	sim->hal.facts = (struct hal_card){
		.board = weirsim_home(),
		.serial = sim->config.serial,
		.total_vfs = sim->config.total_vfs,
		.ports = sim->config.ports,
	};
	sim->bounce = malloc(SIM_BOUNCE_BYTES);
	if (!sim->bounce)
		return -ENOMEM;
	sim_sums_choose(&sim->hal.sums);
	error = map_registers(sim);
	if (!error)
		error = sim_clock_start(sim);
	if (!error)
		error = sim_home_create(sim);
	if (!error)
		error = create_functions(sim);
	if (!error)
		error = sim_ports_create(sim);
	if (!error)
		error = start_firmware(sim);
	return error;
}

struct weirsim *weirsim_create(const struct weirsim_config *config)
{
	struct weirsim *sim;
	int error;

	if (!config || !config->host || !config->host->interrupt ||
	    config->total_vfs > WEIR_PCI_MAX_VFS || config->ports > PORTS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	sim = aligned_alloc(64, (sizeof(*sim) + 63) / 64 * 64);
	if (!sim) {
		errno = ENOMEM;
		return NULL;
	}
	memset(sim, 0, sizeof(*sim));
	error = create(sim, config);
	if (error) {
		weirsim_destroy(sim);
		errno = -error;
		return NULL;
	}
	return sim;
}

void weirsim_destroy(struct weirsim *sim)
{
	static const struct weirsim_host_ops silent;

	if (!sim)
		return;
	/* Wires are closed, and say so; nothing else is called any more. */
	sim->host = silent;
	sim_firmware_end(sim);
	sim_ports_destroy(sim);
	for (uint32_t i = 0; sim->functions && i < sim->hal.function_limit; i++)
		sim_function_free(sim, sim->functions[i]);
	free(sim->functions);
	free(sim->hal.functions);
	free(sim->waiting_functions);
	sim_home_destroy(sim);
	free(sim->trace.records);
	free(sim->bounce);
	free(sim);
}

uint32_t weirsim_poll(struct weirsim *sim)
{
	uint32_t done = 0;

	sim->hal.time_ns = card_now_ns(&sim->hal);
	sim_clock_check(sim);
	done += sim_ports_poll(sim);
	done += sim_home_step(sim);
	if (sim->iommu.waiting)
		done += sim_invalidate_step(sim);
	done += sim_firmware_poll(sim);
	return done;
}

bool weirsim_may_sleep(struct weirsim *sim, uint64_t *until_ns)
{
	*until_ns = UINT64_MAX;
	return !sim->hal.events && sim_home_idle(sim) && sim_firmware_may_sleep(sim, until_ns) &&
	       sim_ports_may_sleep(sim, until_ns);
}

enum weir_status weirsim_manage(struct weirsim *sim, uint16_t opcode, const void *request,
				uint32_t request_bytes, void *response, uint32_t capacity,
				uint32_t *response_bytes, uint32_t *detail)
{
	return sim_firmware_manage(sim, opcode, request, request_bytes, response, capacity,
				   response_bytes, detail);
}
