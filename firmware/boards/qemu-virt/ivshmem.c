/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hardware's place: QEMU's ivshmem-doorbell on PCIe bus 0 (QEMU's docs/specs/ivshmem-spec.txt). BAR0 has its registers, BAR1 the MSI-X
 * table, BAR2 the memory. Its one vector goes to the hart's interrupt file (AIA 1.0, chapter 3).
 */
#include "board.h"

#define IVSHMEM_ID 0x11101af4u
#define DEVICES	   32u

/* Configuration space (PCI Local Bus 3.0, 6.1 and 6.8.2) */
#define CONFIG_COMMAND	    0x04u
#define CONFIG_BAR	    0x10u
#define CONFIG_CAPABILITIES 0x34u
#define COMMAND_MEMORY	    0x2u
#define COMMAND_MASTER	    0x4u
#define CAPABILITY_MSIX	    0x11u
#define MSIX_CONTROL	    2u
#define MSIX_TABLE	    4u
#define MSIX_ENABLE	    0x8000u

/* ivshmem's registers */
#define REGISTER_POSITION 8u
#define REGISTER_DOORBELL 12u

#define BAR_REGISTERS MACHINE_PCI_LOW
#define BAR_MSIX      (MACHINE_PCI_LOW + 0x1000)
#define BAR_MEMORY    MACHINE_PCI_LARGE

/* Identity of the hardware's interrupt in the interrupt file, and the file's registers. */
#define INTERRUPT_IDENTITY 1u
#define IMSIC_EIDELIVERY   0x70u
#define IMSIC_EITHRESHOLD  0x72u
#define IMSIC_EIE0	   0xc0u

static uintptr_t find(void)
{
	for (uintptr_t device = 0; device < DEVICES; device++) {
		uintptr_t config = MACHINE_ECAM + (device << 15);

		if (read32(config) == IVSHMEM_ID)
			return config;
	}
	return 0;
}

static void set_imsic(uint64_t selector, uint64_t value)
{
	csr_write(0x350, selector);
	csr_write(0x351, value);
}

/* Points vector 0 at this hart. False: there is no MSI-X. */
static bool route_interrupt(uintptr_t config)
{
	uint8_t at = read8(config + CONFIG_CAPABILITIES);

	while (at && read8(config + at) != CAPABILITY_MSIX)
		at = read8(config + at + 1);
	if (!at)
		return false;
	uintptr_t table = BAR_MSIX + (read32(config + at + MSIX_TABLE) & ~7u);

	write32(table, (uint32_t)MACHINE_IMSIC);
	write32(table + 4, 0);
	write32(table + 8, INTERRUPT_IDENTITY);
	write32(table + 12, 0);
	write16(config + at + MSIX_CONTROL, MSIX_ENABLE);
	set_imsic(IMSIC_EIDELIVERY, 1);
	set_imsic(IMSIC_EITHRESHOLD, 0);
	set_imsic(IMSIC_EIE0, 1u << INTERRUPT_IDENTITY);
	return true;
}

bool ivshmem_find(struct hal *hal)
{
	uintptr_t config = find();

	if (!config)
		return false;
	write32(config + CONFIG_BAR, (uint32_t)BAR_REGISTERS);
	write32(config + CONFIG_BAR + 4, (uint32_t)BAR_MSIX);
	write32(config + CONFIG_BAR + 8, (uint32_t)BAR_MEMORY);
	write32(config + CONFIG_BAR + 12, 0);
	write16(config + CONFIG_COMMAND, COMMAND_MEMORY | COMMAND_MASTER);
	if (!route_interrupt(config) ||
	    read32(BAR_REGISTERS + REGISTER_POSITION) != VIRT_PEER_FIRMWARE)
		return false;
	hal->registers = BAR_REGISTERS;
	hal->memory = (uint8_t *)BAR_MEMORY;
	hal->shared = (struct virt_shared *)BAR_MEMORY;
	return true;
}

void ivshmem_ring(const struct hal *hal)
{
	write32(hal->registers + REGISTER_DOORBELL, VIRT_PEER_HARDWARE << 16);
}

void ivshmem_order(const struct hal *hal)
{
	(void)read32(hal->registers + REGISTER_POSITION);
}
