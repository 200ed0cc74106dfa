/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What QEMU's -M virt,aia=aplic-imsic has where, as seen from one hart in machine mode. Constants and accessors only: no state.
 * Addresses: QEMU's hw/riscv/virt.c; privileged registers: RISC-V Privileged Architecture 1.12 and AIA 1.0.
 */
#ifndef WEIR_VIRT_MACHINE_H
#define WEIR_VIRT_MACHINE_H

#include <stdint.h>

#define MACHINE_FINISHER  0x00100000ul /* sifive_test: ends QEMU */
#define MACHINE_MTIMECMP  0x02004000ul
#define MACHINE_MTIME	  0x0200bff8ul
#define MACHINE_UART	  0x10000000ul /* ns16550a */
#define MACHINE_IMSIC	  0x24000000ul /* machine-level interrupt file of hart 0 */
#define MACHINE_ECAM	  0x30000000ul /* configuration space of PCIe bus 0 */
#define MACHINE_PCI_LOW	  0x40000000ul /* small BARs go here */
#define MACHINE_PCI_LARGE 0x60000000ul /* a BAR of up to 512 MiB, aligned for it */

#define MACHINE_PCI_LARGE_BYTES 0x20000000ul
#define MACHINE_TICK_NS		100u /* mtime runs at 10 MHz */

/* Bits of mie and mip, and of mstatus (3.1.6, 3.1.9) */
#define MACHINE_MIE_TIMER    (1ul << 7)
#define MACHINE_MIE_EXTERNAL (1ul << 11)
#define MACHINE_MSTATUS_MIE  (1ul << 3)

/* Privileged registers by name, those of AIA by number: the assembler of Debian 12 does not know them. */
#define MACHINE_MISELECT 0x350
#define MACHINE_MIREG	 0x351
#define MACHINE_MTOPEI	 0x35c

#define MACHINE_STRING(x) #x
#define csr_write(name, value) \
	__asm__ volatile("csrw " MACHINE_STRING(name) ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_set(name, bits) \
	__asm__ volatile("csrs " MACHINE_STRING(name) ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#define csr_clear(name, bits) \
	__asm__ volatile("csrc " MACHINE_STRING(name) ", %0" ::"rK"((uint64_t)(bits)) : "memory")
#define csr_read(name)                                                                          \
	({                                                                                      \
		uint64_t csr_value;                                                             \
		__asm__ volatile("csrr %0, " MACHINE_STRING(name) : "=r"(csr_value)::"memory"); \
		csr_value;                                                                      \
	})

static inline uint8_t read8(uintptr_t address)
{
	return *(volatile uint8_t *)address;
}

static inline uint32_t read32(uintptr_t address)
{
	return *(volatile uint32_t *)address;
}

static inline void write8(uintptr_t address, uint8_t value)
{
	*(volatile uint8_t *)address = value;
}

static inline void write16(uintptr_t address, uint16_t value)
{
	*(volatile uint16_t *)address = value;
}

static inline void write32(uintptr_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

/* The machine's clock, in ticks of MACHINE_TICK_NS since it was switched on. */
static inline uint64_t machine_ticks(void)
{
	return *(volatile uint64_t *)MACHINE_MTIME;
}

/* When the timer interrupt comes, in the same ticks. */
static inline void machine_set_timer(uint64_t ticks)
{
	*(volatile uint64_t *)MACHINE_MTIMECMP = ticks;
}

#endif
