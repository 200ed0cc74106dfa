/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration space of the PF and its VFs. Values, write masks and sticky bits come from specs/weir.yaml through the generated
 * images; here is what a write causes, and the few bits whose access depends on others.
 */
#include "sim.h"

#include <errno.h>
#include <string.h>

#define COMMAND_MEMORY 0x2u
#define COMMAND_MASTER 0x4u
#define POWER_STATE    0x3u
#define POWER_D3HOT    0x3u
#define INITIATE_FLR   0x8000u
#define MAX_PAYLOAD    0x00e0u
#define ATS_ENABLE     0x8000u
#define VF_ENABLE      0x1u
#define VF_MEMORY      0x8u

static const struct weir_config_image *image_of(const struct sim_function *function)
{
	return function->number ? &weir_config_vf : &weir_config_pf;
}

static bool overlaps(uint32_t offset, uint32_t size, uint32_t field, uint32_t field_bytes)
{
	return offset < field + field_bytes && field < offset + size;
}

uint32_t sim_config_get(const struct sim_function *function, uint32_t offset, uint32_t size)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < size; i++)
		value |= (uint32_t)function->config[offset + i] << 8 * i;
	return value;
}

void sim_config_set(struct sim_function *function, uint32_t offset, uint32_t size, uint32_t value)
{
	for (uint32_t i = 0; i < size; i++)
		function->config[offset + i] = (uint8_t)(value >> 8 * i);
}

/* Parameters of this card in the PF's image. */
static void fill_in(struct weirsim *sim, struct sim_function *pf)
{
	sim_config_set(pf, WEIR_CFG_SRIOV_INITIAL_VFS, 2, sim->config.total_vfs);
	sim_config_set(pf, WEIR_CFG_SRIOV_TOTAL_VFS, 2, sim->config.total_vfs);
	sim_config_set(pf, WEIR_CFG_DSN_SERIAL, 4, (uint32_t)sim->config.serial);
	sim_config_set(pf, WEIR_CFG_DSN_SERIAL + 4, 4, (uint32_t)(sim->config.serial >> 32));
}

void sim_config_reset(struct weirsim *sim, struct sim_function *function, enum sim_reset kind)
{
	const struct weir_config_image *image = image_of(function);
	uint32_t payload = sim_config_get(function, WEIR_CFG_EXP_DEVICE_CONTROL, 2) & MAX_PAYLOAD;
	uint32_t link = sim_config_get(function, WEIR_CFG_EXP_LINK_CONTROL, 2);

	for (uint32_t i = 0; i < WEIR_CONFIG_BYTES; i++) {
		uint8_t kept = kind == SIM_RESET_POWER ? 0 : image->sticky[i];

		function->config[i] =
			(uint8_t)((image->value[i] & ~kept) | (function->config[i] & kept));
	}
	if (function->number)
		return;
	fill_in(sim, function);
	/* PCIe 5.0, 6.6.2: what belongs to the link and not to the function is left alone by an FLR. */
	if (kind == SIM_RESET_FLR) {
		uint32_t control = sim_config_get(function, WEIR_CFG_EXP_DEVICE_CONTROL, 2);

		sim_config_set(function, WEIR_CFG_EXP_DEVICE_CONTROL, 2,
			       (control & ~MAX_PAYLOAD) | payload);
		sim_config_set(function, WEIR_CFG_EXP_LINK_CONTROL, 2, link);
	}
}

bool sim_config_in_d0(struct weirsim *sim)
{
	return sim->config.external_pci ||
	       (sim_config_get(sim->functions[0], WEIR_CFG_PM_CONTROL, 4) & POWER_STATE) == 0;
}

uint64_t sim_config_vf_aperture(const struct sim_function *pf, uint8_t bar)
{
	static const uint32_t bytes[] = { WEIR_BAR_REGISTERS_VF_BYTES, WEIR_BAR_DOORBELLS_VF_BYTES,
					  WEIR_BAR_MSIX_VF_BYTES };
	uint32_t pages = sim_config_get(pf, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 4);
	/* Software sets one bit (PCIe 5.0, 9.3.3.13); of several the lowest counts. */
	uint64_t page = 4096ull << (pages ? __builtin_ctz(pages) : 0);

	return page > bytes[bar / 2] ? page : bytes[bar / 2];
}

uint32_t weirsim_config_read(struct weirsim *sim, uint16_t number, uint16_t offset, uint8_t size)
{
	const struct sim_function *function = sim_function(sim, number);

	if (!function || (size != 1 && size != 2 && size != 4) || offset % size ||
	    offset >= WEIR_CONFIG_BYTES)
		return size < 4 ? (1u << 8 * size) - 1 : UINT32_MAX;
	return sim_config_get(function, offset, size);
}

/* Bits of a byte that a host can write now. */
static uint8_t writable_now(const struct sim_function *function, uint32_t offset)
{
	uint8_t writable = image_of(function)->write[offset];
	bool enabled;

	if (function->number)
		return writable;
	enabled = sim_config_get(function, WEIR_CFG_SRIOV_CONTROL, 2) & VF_ENABLE;
	/* PCIe 5.0, 9.3.3.7 and 9.3.3.13: NumVFs and System Page Size must not change while VF Enable is set. */
	if (enabled && (overlaps(offset, 1, WEIR_CFG_SRIOV_NUM_VFS, 2) ||
			overlaps(offset, 1, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 4)))
		return 0;
	return writable;
}

/* A VF BAR is aligned to what a VF takes of it, which grows with the system page (PCIe 5.0, 9.2.1.1.1). */
static void align_vf_bars(struct sim_function *pf)
{
	static const uint16_t offsets[] = { WEIR_CFG_SRIOV_VF_BAR0, WEIR_CFG_SRIOV_VF_BAR2,
					    WEIR_CFG_SRIOV_VF_BAR4 };

	for (uint8_t i = 0; i < SIM_ARRAY_SIZE(offsets); i++) {
		uint32_t low = sim_config_get(pf, offsets[i], 4);
		uint64_t aperture = sim_config_vf_aperture(pf, (uint8_t)(i * 2));

		sim_config_set(pf, offsets[i], 4, (low & ~((uint32_t)aperture - 1)) | (low & 0xf));
	}
}

/* SR-IOV Control was written; bit 0 of before is the old VF Enable. */
static void sriov_control_written(struct weirsim *sim, struct sim_function *pf, uint32_t before)
{
	uint32_t control = sim_config_get(pf, WEIR_CFG_SRIOV_CONTROL, 2);
	uint32_t count = sim_config_get(pf, WEIR_CFG_SRIOV_NUM_VFS, 2);

	if (!((control ^ before) & VF_ENABLE))
		return;
	if (!(control & VF_ENABLE)) {
		sim_vfs_set(sim, 0);
		return;
	}
	/* Undefined by PCIe 5.0, 9.3.3.7; here VF Enable stays clear. */
	if (count > sim->config.total_vfs) {
		sim_log(sim, WEIR_LOG_LEVEL_ERROR,
			"VF Enable with NumVFs %u refused: TotalVFs is %u", count,
			sim->config.total_vfs);
		sim_config_set(pf, WEIR_CFG_SRIOV_CONTROL, 2, control & ~VF_ENABLE);
		return;
	}
	if (sim_vfs_set(sim, (uint16_t)count)) {
		sim_log(sim, WEIR_LOG_LEVEL_ERROR, "VF Enable refused: no memory for %u VFs", count);
		sim_config_set(pf, WEIR_CFG_SRIOV_CONTROL, 2, control & ~VF_ENABLE);
	}
}

/* D1 and D2 are not there: such a write changes nothing (PCIe 5.0, 7.5.2.2). VFs follow the PF. */
static void power_written(struct weirsim *sim, struct sim_function *pf, uint32_t before)
{
	uint32_t control = sim_config_get(pf, WEIR_CFG_PM_CONTROL, 4);
	uint32_t state = control & POWER_STATE;

	if (state != 0 && state != POWER_D3HOT) {
		sim_config_set(pf, WEIR_CFG_PM_CONTROL, 4,
			       (control & ~POWER_STATE) | (before & POWER_STATE));
		return;
	}
	for (uint16_t n = 0; n <= sim->vfs; n++)
		sim_function_update_gate(sim, sim->functions[n]);
}

/* What the write of value to [offset, offset + size) causes; before: what was there. */
static void written(struct weirsim *sim, struct sim_function *function, uint32_t offset,
		    uint32_t size, uint32_t before, uint32_t value)
{
	if (overlaps(offset, size, WEIR_CFG_COMMAND, 2))
		sim_function_update_gate(sim, function);
	if (overlaps(offset, size, WEIR_CFG_MSIX_CONTROL, 2))
		sim_msix_send_pending(sim, function);
	if (overlaps(offset, size, WEIR_CFG_ATS_CONTROL + 1, 1)) {
		bool on = sim_config_get(function, WEIR_CFG_ATS_CONTROL, 2) & ATS_ENABLE;

		if (on != function->ats)
			sim_function_set_ats(sim, function, on);
	}
	if (!function->number) {
		if (overlaps(offset, size, WEIR_CFG_PM_CONTROL, 1))
			power_written(sim, function, before >> 8 * (WEIR_CFG_PM_CONTROL - offset));
		if (overlaps(offset, size, WEIR_CFG_SRIOV_SYSTEM_PAGE_SIZE, 4) ||
		    overlaps(offset, size, WEIR_CFG_SRIOV_VF_BAR0, 24))
			align_vf_bars(function);
		if (overlaps(offset, size, WEIR_CFG_SRIOV_CONTROL, 1))
			sriov_control_written(sim, function,
					      before >> 8 * (WEIR_CFG_SRIOV_CONTROL - offset));
	}
	/* Last, since it undoes the rest: PCIe 5.0, 7.5.3.4, Initiate Function Level Reset. */
	if (overlaps(offset, size, WEIR_CFG_EXP_DEVICE_CONTROL + 1, 1)) {
		uint32_t shift = 8 * (WEIR_CFG_EXP_DEVICE_CONTROL + 1 - offset);

		if (value >> shift & INITIATE_FLR >> 8)
			sim_function_reset(sim, function, SIM_RESET_FLR);
	}
}

void weirsim_config_write(struct weirsim *sim, uint16_t number, uint16_t offset, uint32_t value,
			  uint8_t size)
{
	struct sim_function *function = sim_function(sim, number);
	const struct weir_config_image *image;
	uint32_t before;

	if (!function || (size != 1 && size != 2 && size != 4) || offset % size ||
	    offset >= WEIR_CONFIG_BYTES)
		return;
	image = image_of(function);
	before = sim_config_get(function, offset, size);
	for (uint32_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);
		uint8_t writable = writable_now(function, offset + i);
		uint8_t *place = &function->config[offset + i];

		*place = (uint8_t)((*place & ~writable) | (byte & writable));
		*place &= (uint8_t) ~(byte & image->w1c[offset + i]);
	}
	written(sim, function, offset, size, before, value);
}

int weirsim_enable_vfs(struct weirsim *sim, uint16_t count)
{
	struct sim_function *pf = sim->functions[0];

	if (sim->config.external_pci || count > sim->config.total_vfs)
		return -EINVAL;
	if (!count) {
		weirsim_config_write(sim, 0, WEIR_CFG_SRIOV_CONTROL,
				     sim_config_get(pf, WEIR_CFG_SRIOV_CONTROL, 2) &
					     ~(VF_ENABLE | VF_MEMORY),
				     2);
		return 0;
	}
	if (sim->vfs)
		return sim->vfs == count ? 0 : -EBUSY;
	weirsim_config_write(
		sim, 0, WEIR_CFG_COMMAND,
		sim_config_get(pf, WEIR_CFG_COMMAND, 2) | COMMAND_MEMORY | COMMAND_MASTER, 2);
	weirsim_config_write(sim, 0, WEIR_CFG_SRIOV_NUM_VFS, count, 2);
	weirsim_config_write(sim, 0, WEIR_CFG_SRIOV_CONTROL,
			     sim_config_get(pf, WEIR_CFG_SRIOV_CONTROL, 2) | VF_ENABLE | VF_MEMORY,
			     2);
	return sim->vfs == count ? 0 : -ENOMEM;
}
