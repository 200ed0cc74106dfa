/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client reads and writes in the regions of its function.
 *
 * Configuration space is the card's own, with one exception. A raw VF has neither ids nor BARs nor a Memory Space Enable of its
 * own (PCIe 5.0, 9.3.4): on a real bus, the PF's SR-IOV capability stands for them, and whoever hands a VF to a guest makes them
 * up, as Linux's vfio-pci does. So does this: vendor and device id, BARs that can be sized and set, and the enable bit. Nothing
 * follows from the last two, since a region is found by its number and VF MSE decides whether a VF answers.
 */
#include "function.h"

#include <errno.h>
#include <string.h>

#include "weir/weir_config_space.h"

#define COMMAND_MEMORY	 0x2u
#define BAR_FLAGS	 0xfu
#define HEADER_BARS_END	 (WEIR_CFG_BAR0 + 8 * ATTACHMENT_BARS)
#define VF_IDS		 (WEIR_PCI_VENDOR_ID | (uint32_t)WEIR_PCI_DEVICE_ID_VF << 16)
#define INITIATE_FLR_BIT 0x80u /* in the second byte of Device Control */

uint32_t attached_bar_bytes(uint16_t function, uint32_t bar)
{
	switch (bar) {
	case WEIR_BAR_REGISTERS:
		return function ? WEIR_BAR_REGISTERS_VF_BYTES : WEIR_BAR_REGISTERS_PF_BYTES;
	case WEIR_BAR_DOORBELLS:
		return function ? WEIR_BAR_DOORBELLS_VF_BYTES : WEIR_BAR_DOORBELLS_PF_BYTES;
	case WEIR_BAR_MSIX:
		return function ? WEIR_BAR_MSIX_VF_BYTES : WEIR_BAR_MSIX_PF_BYTES;
	default:
		return 0;
	}
}

/* ---- configuration space ---- */

void attached_reset_header(struct attached_function *function)
{
	memset(function->bars, 0, sizeof(function->bars));
	function->memory_enabled = false;
}

static bool in_bars(uint32_t offset)
{
	return offset >= WEIR_CFG_BAR0 && offset < HEADER_BARS_END;
}

/* A VF's BAR register: kind as the SR-IOV capability says, address as the client wrote it. */
static uint32_t vf_bar(const struct attached_function *function, uint32_t offset)
{
	uint32_t index = (offset - WEIR_CFG_BAR0) / 8;
	uint32_t flags;

	if ((offset - WEIR_CFG_BAR0) % 8)
		return (uint32_t)(function->bars[index] >> 32);
	flags = weirsim_config_read(function->attachment->config.sim, 0,
				    (uint16_t)(WEIR_CFG_SRIOV_VF_BAR0 + index * 8), 4);
	return (uint32_t)function->bars[index] | (flags & BAR_FLAGS);
}

static void vf_bar_write(struct attached_function *function, uint32_t offset, uint32_t value)
{
	uint32_t index = (offset - WEIR_CFG_BAR0) / 8;
	uint32_t shift = (offset - WEIR_CFG_BAR0) % 8 * 8;
	uint64_t size = attached_bar_bytes(function->number, index * 2);
	uint64_t *bar = &function->bars[index];

	*bar = (*bar & ~(0xffffffffull << shift)) | (uint64_t)value << shift;
	*bar &= ~(size - 1);
}

/* A dword of configuration space as the client sees it. */
static uint32_t read_dword(const struct attached_function *function, uint32_t offset)
{
	uint32_t value = weirsim_config_read(function->attachment->config.sim, function->number,
					     (uint16_t)offset, 4);

	if (!function->number)
		return value;
	if (offset == WEIR_CFG_VENDOR_ID)
		return VF_IDS;
	if (offset == WEIR_CFG_COMMAND && function->memory_enabled)
		return value | COMMAND_MEMORY;
	return in_bars(offset) ? vf_bar(function, offset) : value;
}

static void read_config(const struct attached_function *function, uint32_t offset, uint8_t *to,
			size_t bytes)
{
	while (bytes) {
		uint32_t skip = offset % 4;
		size_t piece = 4 - skip < bytes ? 4 - skip : bytes;
		uint32_t value = read_dword(function, offset - skip) >> 8 * skip;

		for (size_t i = 0; i < piece; i++)
			to[i] = (uint8_t)(value >> 8 * i);
		offset += (uint32_t)piece;
		to += piece;
		bytes -= piece;
	}
}

void attachment_config_read(struct attachment *attachment, uint16_t function, uint32_t offset,
			    void *to, uint32_t bytes)
{
	read_config(attachment->functions[function], offset, to, bytes);
}

/* The part of a VF's header that is made up here takes a naturally aligned write. */
static void vf_header_write(struct attached_function *function, uint32_t offset, uint32_t value,
			    uint32_t size)
{
	uint32_t dword = offset & ~3u, shift = offset % 4 * 8;
	uint32_t mask = (size == 4 ? 0xffffffffu : (1u << 8 * size) - 1) << shift;

	if (in_bars(dword))
		vf_bar_write(function, dword,
			     (vf_bar(function, dword) & ~mask) | (value << shift & mask));
	else if (offset == WEIR_CFG_COMMAND)
		function->memory_enabled = value & COMMAND_MEMORY;
}

/* One naturally aligned write of 1, 2 or 4 bytes. */
static void write_config_piece(struct attached_function *function, uint32_t offset, uint32_t value,
			       uint32_t size)
{
	const struct attachment_config *config = &function->attachment->config;
	uint16_t vfs = weirsim_vfs_enabled(config->sim);
	uint32_t flr_byte = WEIR_CFG_EXP_DEVICE_CONTROL + 1;

	if (function->number)
		vf_header_write(function, offset, value, size);
	if (offset <= flr_byte && flr_byte < offset + size &&
	    value >> 8 * (flr_byte - offset) & INITIATE_FLR_BIT)
		attached_reset_header(function);
	weirsim_config_write(config->sim, function->number, (uint16_t)offset, value, (uint8_t)size);
	if (!function->number && weirsim_vfs_enabled(config->sim) != vfs)
		config->ops->vfs_changed(config->opaque, offset / 4 == WEIR_CFG_SRIOV_CONTROL / 4);
}

static void write_config(struct attached_function *function, uint32_t offset, const uint8_t *from,
			 size_t bytes)
{
	while (bytes) {
		uint32_t size = 4, value = 0;

		while (size > bytes || offset % size)
			size /= 2;
		for (uint32_t i = 0; i < size; i++)
			value |= (uint32_t)from[i] << 8 * i;
		write_config_piece(function, offset, value, size);
		offset += size;
		from += size;
		bytes -= size;
	}
}

/* ---- BARs ---- */

/* How an access reaches the bus: as one, or, if no bus has that width, as dwords. 0: it cannot. */
static uint32_t piece_bytes(uint64_t offset, size_t bytes)
{
	if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8)
		return (uint32_t)bytes;
	return offset % 4 || bytes % 4 ? 0 : 4;
}

/* Where nobody answers, a bus reads all ones and forgets what is written; neither is an error of the client. */
static int bus_result(int error)
{
	return error == -EIO ? 0 : error;
}

int attached_region_read(void *device, uint32_t region, uint64_t offset, void *buffer, size_t bytes)
{
	struct attached_function *function = device;
	uint32_t piece = piece_bytes(offset, bytes);
	int error = 0;

	if (region == VFU_REGION_CONFIG) {
		read_config(function, (uint32_t)offset, buffer, bytes);
		return 0;
	}
	if (!piece)
		return -EINVAL;
	for (size_t at = 0; at < bytes && !error; at += piece)
		error = bus_result(weirsim_mmio_read(function->attachment->config.sim,
						     function->number, (uint8_t)region, offset + at,
						     (uint8_t *)buffer + at, (uint8_t)piece));
	return error;
}

int attached_region_write(void *device, uint32_t region, uint64_t offset, const void *buffer,
			  size_t bytes)
{
	struct attached_function *function = device;
	uint32_t piece = piece_bytes(offset, bytes);
	int error = 0;

	if (region == VFU_REGION_CONFIG) {
		write_config(function, (uint32_t)offset, buffer, bytes);
		return 0;
	}
	if (!piece)
		return -EINVAL;
	for (size_t at = 0; at < bytes && !error; at += piece)
		error = bus_result(weirsim_mmio_write(
			function->attachment->config.sim, function->number, (uint8_t)region,
			offset + at, (const uint8_t *)buffer + at, (uint8_t)piece));
	return error;
}
