/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors that a function itself sees, recorded where PCIe wants them: Advanced Error Reporting (PCIe 5.0, 6.2 and 7.8.4), Device
 * Status and Status. No error message is sent to a root complex: there is none in this model.
 */
#include "sim.h"

#define STATUS_RECEIVED_MASTER_ABORT 0x2000u
#define DEVICE_STATUS_CORRECTABLE    0x1u
#define DEVICE_STATUS_NON_FATAL	     0x2u
#define DEVICE_STATUS_FATAL	     0x4u
#define DEVICE_STATUS_UNSUPPORTED    0x8u
#define UNCORRECTABLE_UNSUPPORTED    20u /* bit of the AER registers */
#define CORRECTABLE_ADVISORY	     0x2000u

static void set_bits(struct sim_function *function, uint32_t offset, uint32_t size, uint32_t bits)
{
	sim_config_set(function, offset, size, sim_config_get(function, offset, size) | bits);
}

/* The header of the request as it would have come (PCIe 5.0, 2.2.7): one DWORD, from requester 0. */
static void log_header(struct weirsim *sim, struct sim_function *function, uint8_t bar,
		       uint64_t offset, bool write)
{
	struct sim_function *pf = sim->functions[0];
	uint32_t place = function->number ? WEIR_CFG_SRIOV_VF_BAR0 + bar * 4u
					  : WEIR_CFG_BAR0 + bar * 4u;
	uint64_t address = ((uint64_t)sim_config_get(pf, place + 4, 4) << 32 |
			    (sim_config_get(pf, place, 4) & ~0xfu)) +
			   offset;
	bool four = address >> 32; /* header of four DWORDs */

	if (function->number)
		address += (function->number - 1ull) * sim_config_vf_aperture(pf, bar);
	sim_config_set(function, WEIR_CFG_AER_HEADER_LOG, 4,
		       (write ? 0x40000001u : 0x00000001u) | (four ? 0x20000000u : 0));
	sim_config_set(function, WEIR_CFG_AER_HEADER_LOG + 4, 4, 0x0000000fu);
	sim_config_set(function, WEIR_CFG_AER_HEADER_LOG + 8, 4,
		       four ? (uint32_t)(address >> 32) : (uint32_t)address & ~3u);
	sim_config_set(function, WEIR_CFG_AER_HEADER_LOG + 12, 4,
		       four ? (uint32_t)address & ~3u : 0);
	sim_config_set(function, WEIR_CFG_AER_CONTROL, 1,
		       UNCORRECTABLE_UNSUPPORTED); /* First Error Pointer */
}

void sim_error_unsupported_request(struct weirsim *sim, struct sim_function *function, uint8_t bar,
				   uint64_t offset, bool write)
{
	uint32_t bit = 1u << UNCORRECTABLE_UNSUPPORTED;
	/* A VF's severity is its PF's (PCIe 5.0, 9.4.2.2). */
	bool fatal = sim_config_get(sim->functions[0], WEIR_CFG_AER_UNCORRECTABLE_SEVERITY, 4) &
		     bit;
	/* PCIe 5.0, 6.2.3.2.4.1: the requester of a read is told by its completion, so here it is advisory. */
	bool advisory = !write && !fatal;
	uint32_t status = DEVICE_STATUS_UNSUPPORTED;

	if (sim->config.external_pci)
		return;
	if (advisory) {
		status |= DEVICE_STATUS_CORRECTABLE;
		set_bits(function, WEIR_CFG_AER_CORRECTABLE_STATUS, 4, CORRECTABLE_ADVISORY);
	} else {
		status |= fatal ? DEVICE_STATUS_FATAL : DEVICE_STATUS_NON_FATAL;
	}
	set_bits(function, WEIR_CFG_EXP_DEVICE_STATUS, 2, status);
	/* The first unmasked error keeps the log until software clears its bit (PCIe 5.0, 6.2.4.2). */
	if (!(sim_config_get(function, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 4) & bit) &&
	    !(sim_config_get(function, WEIR_CFG_AER_UNCORRECTABLE_MASK, 4) & bit))
		log_header(sim, function, bar, offset, write);
	set_bits(function, WEIR_CFG_AER_UNCORRECTABLE_STATUS, 4, bit);
}

void sim_error_master_abort(struct sim_function *function)
{
	set_bits(function, WEIR_CFG_STATUS, 2, STATUS_RECEIVED_MASTER_ABORT);
}
