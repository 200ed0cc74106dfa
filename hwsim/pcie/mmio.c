/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory requests: which function and BAR an address belongs to, and what its registers, doorbells and MSI-X structures do. What
 * the ABI calls a bad access is an Unsupported Request to PCIe: reads give all ones.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_MEMORY	     0x2u
#define VF_ENABLE_AND_MEMORY 0x9u
#define REGISTERS_BYTES	     WEIR_BAR_REGISTERS_PF_BYTES

_Static_assert(WEIR_BAR_REGISTERS_PF_BYTES == WEIR_BAR_REGISTERS_VF_BYTES &&
		       WEIR_BAR_MSIX_PF_BYTES == WEIR_BAR_MSIX_VF_BYTES,
	       "one layout for both kinds of function");

bool sim_mmio_decodes(struct weirsim *sim, const struct sim_function *function)
{
	const struct sim_function *pf = sim->functions[0];

	if (!function->enabled)
		return false;
	if (sim->config.external_pci)
		return true;
	if (!sim_config_in_d0(sim))
		return false;
	if (!function->number)
		return sim_config_get(pf, WEIR_CFG_COMMAND, 2) & COMMAND_MEMORY;
	/* PCIe 5.0, 9.3.3.3.4: VF MSE in the PF stands for the VFs' Memory Space Enable. */
	return (sim_config_get(pf, WEIR_CFG_SRIOV_CONTROL, 2) & VF_ENABLE_AND_MEMORY) ==
	       VF_ENABLE_AND_MEMORY;
}

static uint64_t bar_bytes(const struct sim_function *function, uint8_t bar)
{
	switch (bar) {
	case WEIR_BAR_REGISTERS:
		return REGISTERS_BYTES;
	case WEIR_BAR_DOORBELLS:
		return function->number ? WEIR_BAR_DOORBELLS_VF_BYTES : WEIR_BAR_DOORBELLS_PF_BYTES;
	case WEIR_BAR_MSIX:
		return WEIR_BAR_MSIX_PF_BYTES;
	default:
		return 0;
	}
}

/* ---- BAR0 ---- */

static bool in_window(uint64_t offset)
{
	return offset >= WEIR_REG_MAILBOX_WINDOW_VALUE &&
	       offset - WEIR_REG_MAILBOX_WINDOW_VALUE < WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE;
}

/* The clock of the card: alive in every function, whatever its state. */
static uint32_t read_time(struct weirsim *sim, uint64_t offset)
{
	uint64_t time_ns = weir_clock_at(&sim->hal.shown_clock, card_now_ns(&sim->hal));

	return (uint32_t)(offset == WEIR_REG_TIME_LOW ? time_ns : time_ns >> 32);
}

static bool read_register(struct weirsim *sim, struct sim_function *function, uint64_t offset,
			  uint32_t *value)
{
	if (in_window(offset)) {
		*value = 0;
		if (function->window)
			memcpy(value, function->window + (offset - WEIR_REG_MAILBOX_WINDOW_VALUE),
			       4);
		return true;
	}
	if (offset >= CARD_REGISTER_BYTES || !sim->register_access[offset / 4])
		return false;
	if (offset == WEIR_REG_TIME_LOW || offset == WEIR_REG_TIME_HIGH) {
		*value = read_time(sim, offset);
		return true;
	}
	*value = sim->register_access[offset / 4] == 'o' ? 0 : function->card.registers[offset / 4];
	/* The firmware may just be finishing an earlier reset: until this one is over nobody reads READY (specs/reset.md). */
	if (offset == WEIR_REG_STATUS && !function->ready)
		*value = WEIR_PREP(WEIR_REG_STATUS_STATE, WEIR_FUNCTION_STATE_INIT);
	return true;
}

static bool write_register(struct weirsim *sim, struct sim_function *function, uint64_t offset,
			   uint32_t value)
{
	char access;

	if (in_window(offset)) {
		if (!function->window && function->ready)
			function->window = sim_home_window(sim, function->number);
		if (function->window && function->ready)
			memcpy(function->window + (offset - WEIR_REG_MAILBOX_WINDOW_VALUE), &value,
			       4);
		return true;
	}
	if (offset >= CARD_REGISTER_BYTES || !sim->register_access[offset / 4])
		return false;
	access = (char)sim->register_access[offset / 4];
	/* A function in reset takes nothing in; a read-only register never does. */
	if (!function->ready || access == 'r')
		return true;
	if (access == 'w')
		function->card.registers[offset / 4] = value;
	sim_event_register(sim, function, (uint32_t)offset, value);
	return true;
}

/* ---- BAR2 ---- */

static bool write_doorbell(struct weirsim *sim, struct sim_function *function, uint64_t offset,
			   uint32_t value)
{
	uint32_t pair = (uint32_t)(offset >> WEIR_DOORBELL_STRIDE_LOG2);
	uint32_t kind;

	switch (offset & ((1u << WEIR_DOORBELL_STRIDE_LOG2) - 1)) {
	case WEIR_DOORBELL_RX_TAIL:
		kind = 0;
		break;
	case WEIR_DOORBELL_TX_TAIL:
		kind = 1;
		break;
	case WEIR_DOORBELL_RX_ARM:
		kind = 2;
		break;
	case WEIR_DOORBELL_TX_ARM:
		kind = 3;
		break;
	default:
		return false;
	}
	if (pair >= function->queue_pairs)
		return false;
	if (function->ready)
		sim_event_doorbell(sim, function, pair, kind, value);
	return true;
}

/* ---- any BAR ---- */

static void bad_access(struct weirsim *sim, struct sim_function *function, uint8_t bar,
		       uint64_t offset, bool write)
{
	sim_error_unsupported_request(sim, function, bar, offset, write);
	if (function->ready)
		sim_event_bad_access(sim, function, (uint32_t)offset);
}

/* Registers and doorbells are 32 bits wide; the MSI-X structures may be accessed by 64 as well (PCIe 5.0, 7.7.2). */
static bool width_fits(uint8_t bar, uint64_t offset, uint8_t size)
{
	return (size == 4 || (size == 8 && bar == WEIR_BAR_MSIX)) && offset % size == 0;
}

int weirsim_mmio_read(struct weirsim *sim, uint16_t number, uint8_t bar, uint64_t offset,
		      void *value, uint8_t size)
{
	struct sim_function *function = sim_function(sim, number);
	uint32_t words[2] = { 0, 0 };

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return -EINVAL;
	memset(value, 0xff, size);
	if (!function || !sim_mmio_decodes(sim, function) || offset >= bar_bytes(function, bar))
		return -EIO;
	if (!width_fits(bar, offset, size) ||
	    (bar == WEIR_BAR_REGISTERS && !read_register(sim, function, offset, &words[0]))) {
		bad_access(sim, function, bar, offset, false);
		return 0;
	}
	if (bar == WEIR_BAR_MSIX) {
		words[0] = sim_msix_read(function, (uint32_t)offset);
		if (size == 8)
			words[1] = sim_msix_read(function, (uint32_t)offset + 4);
	}
	memcpy(value, words, size);
	return 0;
}

int weirsim_mmio_write(struct weirsim *sim, uint16_t number, uint8_t bar, uint64_t offset,
		       const void *value, uint8_t size)
{
	struct sim_function *function = sim_function(sim, number);
	uint32_t words[2] = { 0, 0 };
	bool there = true;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return -EINVAL;
	if (!function || !sim_mmio_decodes(sim, function) || offset >= bar_bytes(function, bar))
		return -EIO;
	memcpy(words, value, size);
	if (!width_fits(bar, offset, size)) {
		there = false;
	} else if (bar == WEIR_BAR_REGISTERS) {
		there = write_register(sim, function, offset, words[0]);
	} else if (bar == WEIR_BAR_DOORBELLS) {
		there = write_doorbell(sim, function, offset, words[0]);
	} else {
		sim_msix_write(sim, function, (uint32_t)offset, words[0]);
		if (size == 8)
			sim_msix_write(sim, function, (uint32_t)offset + 4, words[1]);
	}
	if (!there)
		bad_access(sim, function, bar, offset, true);
	return 0;
}

/* ---- decode ---- */

static uint64_t base_of(const struct sim_function *pf, uint32_t offset)
{
	return (uint64_t)sim_config_get(pf, offset + 4, 4) << 32 |
	       (sim_config_get(pf, offset, 4) & ~0xfu);
}

/* Who answers at a bus address: PF BARs, then the VF BARs, where each VF has its share in order (PCIe 5.0, 9.2.1.1.1). */
static bool decode(struct weirsim *sim, uint64_t address, uint16_t *number, uint8_t *bar,
		   uint64_t *offset)
{
	const struct sim_function *pf = sim->functions[0];

	if (sim->config.external_pci)
		return false;
	for (*bar = 0; *bar <= 4; *bar += 2) {
		*offset = address - base_of(pf, WEIR_CFG_BAR0 + *bar * 4u);
		if (sim_mmio_decodes(sim, pf) && *offset < bar_bytes(pf, *bar)) {
			*number = 0;
			return true;
		}
	}
	if (!sim->vfs || !sim_mmio_decodes(sim, sim->functions[1]))
		return false;
	for (*bar = 0; *bar <= 4; *bar += 2) {
		uint64_t aperture = sim_config_vf_aperture(pf, *bar);

		*offset = address - base_of(pf, WEIR_CFG_SRIOV_VF_BAR0 + *bar * 4u);
		if (*offset / aperture >= sim->vfs)
			continue;
		*number = (uint16_t)(1 + *offset / aperture);
		*offset %= aperture;
		/* A system page larger than the BAR: nobody is behind it. */
		return *offset < bar_bytes(sim->functions[*number], *bar);
	}
	return false;
}

bool weirsim_memory_read(struct weirsim *sim, uint64_t address, void *value, uint8_t size)
{
	uint16_t number;
	uint64_t offset;
	uint8_t bar;

	if (size <= 8)
		memset(value, 0xff, size);
	return decode(sim, address, &number, &bar, &offset) &&
	       !weirsim_mmio_read(sim, number, bar, offset, value, size);
}

bool weirsim_memory_write(struct weirsim *sim, uint64_t address, const void *value, uint8_t size)
{
	uint16_t number;
	uint64_t offset;
	uint8_t bar;

	return decode(sim, address, &number, &bar, &offset) &&
	       !weirsim_mmio_write(sim, number, bar, offset, value, size);
}
