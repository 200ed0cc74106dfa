/* SPDX-License-Identifier: BSD-3-Clause */
/* What the homes have in common whose firmware runs in this process: it is called, and sees this process's memory as it is. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int sim_firmware_start(struct weirsim *sim, const struct weir_firmware_config *config)
{
	size_t bytes = (weir_firmware_bytes(config) + 63) / 64 * 64;

	if (!bytes)
		return -EINVAL;
	sim->firmware_memory = aligned_alloc(64, bytes);
	if (!sim->firmware_memory)
		return -ENOMEM;
	memset(sim->firmware_memory, 0, bytes);
	sim->firmware = weir_firmware_init(sim->firmware_memory, &sim->hal, config);
	return sim->firmware ? 0 : -EINVAL;
}

void sim_firmware_end(struct weirsim *sim)
{
	free(sim->firmware_memory);
}

uint32_t sim_firmware_poll(struct weirsim *sim)
{
	return weir_firmware_poll(sim->firmware);
}

bool sim_firmware_may_sleep(struct weirsim *sim, uint64_t *until_ns)
{
	return weir_firmware_may_sleep(sim->firmware, until_ns);
}

enum weir_status sim_firmware_manage(struct weirsim *sim, uint16_t opcode, const void *request,
				     uint32_t request_bytes, void *response, uint32_t capacity,
				     uint32_t *response_bytes, uint32_t *detail)
{
	return weir_firmware_manage(sim->firmware, opcode, request, request_bytes, response,
				    capacity, response_bytes, detail);
}

bool weirsim_firmware_ended(struct weirsim *sim)
{
	(void)sim;
	return false;
}

int weirsim_firmware_fd(struct weirsim *sim)
{
	(void)sim;
	return -1;
}

uint64_t weirsim_firmware_instructions(struct weirsim *sim)
{
	(void)sim;
	return 0;
}

void *sim_home_port_memory(struct weirsim *sim, size_t bytes)
{
	/* Pages come with their first use. */
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)sim;
	return memory == MAP_FAILED ? NULL : memory;
}

void sim_home_port_memory_free(struct weirsim *sim, void *memory, size_t bytes)
{
	(void)sim;
	munmap(memory, bytes);
}

uint32_t *sim_home_registers(struct weirsim *sim, uint16_t number)
{
	(void)sim;
	(void)number;
	return calloc(1, CARD_REGISTER_BYTES);
}

void sim_home_registers_free(struct weirsim *sim, uint32_t *registers)
{
	(void)sim;
	free(registers);
}

uint8_t *sim_home_window(struct weirsim *sim, uint16_t number)
{
	(void)sim;
	(void)number;
	return calloc(1, WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE);
}

void sim_home_window_free(struct weirsim *sim, uint8_t *window)
{
	(void)sim;
	free(window);
}

void sim_home_gate_changed(struct weirsim *sim, const struct sim_function *function)
{
	(void)sim;
	(void)function;
}
