/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MSI-X: tables, masks and pending bits (PCIe 5.0, 6.1.4 and 7.7.2). A vector that may not be sent (masked by itself or by the
 * function, MSI-X off, or the function kept from the bus) is remembered in the pending bit array, and sent once when it may.
 */
#include "sim.h"

#include <errno.h>
#include <string.h>

#define CONTROL_ENABLE	      0x8000u
#define CONTROL_FUNCTION_MASK 0x4000u

/* TRACE_KIND_INTERRUPT_DELIVERED: how */
enum { DELIVERED_MESSAGE = 0, DELIVERED_EVENTFD = 1, DELIVERED_PENDING = 2 };

static bool bit_of(const uint64_t *bits, uint16_t vector)
{
	return bits[vector / 64] >> vector % 64 & 1;
}

static void trace_delivery(struct weirsim *sim, const struct sim_function *function,
			   uint16_t vector, uint64_t address, uint32_t how)
{
	struct weir_trace_record *record =
		sim_trace_add(sim, WEIR_TRACE_KIND_INTERRUPT_DELIVERED, function->number);

	if (!record)
		return;
	record->address = weir_cpu_to_le64(address);
	record->detail = weir_cpu_to_le32(how);
	record->vector = weir_cpu_to_le16(vector);
}

static bool may_send(const struct weirsim *sim, const struct sim_function *function, uint16_t vector)
{
	uint32_t control;

	if (!function->card.usable)
		return false;
	if (bit_of(function->msix.attached, vector) || sim->config.external_pci)
		return true;
	control = sim_config_get(function, WEIR_CFG_MSIX_CONTROL, 2);
	return control & CONTROL_ENABLE && !(control & CONTROL_FUNCTION_MASK) &&
	       !(function->msix.vectors[vector].control & SIM_VECTOR_MASKED);
}

static void send(struct weirsim *sim, struct sim_function *function, uint16_t vector)
{
	const struct sim_vector *entry = &function->msix.vectors[vector];
	bool attached = bit_of(function->msix.attached, vector);
	uint64_t address = 0;
	uint32_t data = 0;

	if (!attached && !sim->config.external_pci) {
		address = (uint64_t)entry->address_high << 32 | entry->address_low;
		data = entry->data;
	}
	if (sim->hal.trace)
		trace_delivery(sim, function, vector, address,
			       attached ? DELIVERED_EVENTFD : DELIVERED_MESSAGE);
	sim->host.interrupt(sim->config.opaque, function->number, vector, address, data);
}

enum hal_result hal_board_interrupt_raise(struct hal *hal, uint16_t number, uint16_t vector)
{
	struct weirsim *sim = sim_of(hal);
	struct sim_function *function = sim_function(sim, number);

	if (!function || !function->enabled || !function->ready)
		return HAL_RESET;
	if (vector >= function->msix.count)
		return HAL_FAULT;
	if (may_send(sim, function, vector)) {
		send(sim, function, vector);
		return HAL_DONE;
	}
	if (sim->hal.trace && !bit_of(function->msix.pending, vector))
		trace_delivery(sim, function, vector, 0, DELIVERED_PENDING);
	function->msix.pending[vector / 64] |= 1ull << vector % 64;
	return HAL_DONE;
}

void sim_msix_reset(struct sim_function *function)
{
	struct sim_msix *msix = &function->msix;

	memset(msix->vectors, 0, msix->count * sizeof(*msix->vectors));
	for (uint16_t i = 0; i < msix->count; i++)
		msix->vectors[i].control = SIM_VECTOR_MASKED;
	memset(msix->pending, 0, sizeof(msix->pending));
}

void sim_msix_send_pending(struct weirsim *sim, struct sim_function *function)
{
	struct sim_msix *msix = &function->msix;

	for (uint32_t word = 0; word < SIM_ARRAY_SIZE(msix->pending); word++) {
		for (uint64_t rest = msix->pending[word]; rest; rest &= rest - 1) {
			uint16_t vector = (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(rest));

			if (!may_send(sim, function, vector))
				continue;
			msix->pending[word] &= ~(1ull << vector % 64);
			send(sim, function, vector);
		}
	}
}

uint32_t sim_msix_read(struct sim_function *function, uint32_t offset)
{
	struct sim_msix *msix = &function->msix;

	if (offset < msix->count * sizeof(struct sim_vector)) {
		const struct sim_vector *entry = &msix->vectors[offset / sizeof(*entry)];

		switch (offset % sizeof(*entry)) {
		case 0:
			return entry->address_low;
		case 4:
			return entry->address_high;
		case 8:
			return entry->data;
		default:
			return entry->control;
		}
	}
	if (offset >= WEIR_MSIX_PBA_OFFSET &&
	    offset < WEIR_MSIX_PBA_OFFSET + sizeof(msix->pending)) {
		uint32_t bit = (offset - WEIR_MSIX_PBA_OFFSET) * 8;

		return (uint32_t)(msix->pending[bit / 64] >> bit % 64);
	}
	return 0;
}

void sim_msix_write(struct weirsim *sim, struct sim_function *function, uint32_t offset,
		    uint32_t value)
{
	struct sim_vector *entry;
	uint16_t vector = (uint16_t)(offset / sizeof(*entry));

	if (vector >= function->msix.count)
		return; /* reserved, or the read-only pending bit array */
	entry = &function->msix.vectors[vector];
	switch (offset % sizeof(*entry)) {
	case 0:
		entry->address_low = value & ~3u; /* DWORD aligned */
		break;
	case 4:
		entry->address_high = value;
		break;
	case 8:
		entry->data = value;
		break;
	default:
		if (entry->control & ~value & SIM_VECTOR_MASKED)
			weirsim_signal_vector(sim, function->number, vector,
					      (uint64_t)entry->address_high << 32 |
						      entry->address_low,
					      entry->data);
		entry->control = value & SIM_VECTOR_MASKED;
		sim_msix_send_pending(sim, function);
		break;
	}
}

int weirsim_vector_attach(struct weirsim *sim, uint16_t number, uint16_t vector, bool attached)
{
	struct sim_function *function = sim_function_get(sim, number);
	uint64_t bit = 1ull << vector % 64;

	if (!function)
		return -ENODEV;
	if (vector >= function->msix.count)
		return -EINVAL;
	if (attached) {
		function->msix.attached[vector / 64] |= bit;
		if (sim->hal.trace)
			weirsim_signal_vector(sim, number, vector, 0, 0);
		sim_msix_send_pending(sim, function);
	} else {
		function->msix.attached[vector / 64] &= ~bit;
	}
	return 0;
}
