/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this board share. Only the board itself has state of its own; the firmware's is in the context. */
#ifndef WEIR_VIRT_BOARD_H
#define WEIR_VIRT_BOARD_H

#include "hal.h"
#include "machine.h"
#include "shared.h"

/* The board's own state of its one card. */
struct hal {
	struct virt_shared *shared; /* NULL: there is no hardware */
	uint8_t *memory;	    /* the same place: what offsets count from */
	uintptr_t registers;	    /* of ivshmem, its BAR0 */
	struct hal_card card;

	/* own copies of what this side writes, and of what it read last */
	uint32_t commands_tail, commands_head;
	uint32_t completions_head, in_flight;
	uint32_t events_head;
	uint32_t registers_set; /* command that sets a register and may not be carried out yet: its tail */
	uint32_t frames_head[VIRT_PORTS], releases_tail[VIRT_PORTS];

	/* clock: what the card said at a moment of this machine's */
	uint64_t base_ns, base_ticks, last_ns;
	uint64_t random;
};

/* ---- console.c: the UART, and the end ---- */

void console_text(const char *text);
void console_number(uint64_t value);
/* `digits` hexadecimal digits. */
void console_hex(uint64_t value, unsigned int digits);
/* Says why in one line that begins with "weir: ", and ends QEMU with the code. */
__attribute__((noreturn)) void board_end(enum virt_end code, const char *why);
__attribute__((noreturn)) void board_finish(enum virt_end code);

/* ---- trap.c: traps and the watchdog ---- */

/* From now on the watchdog bites when it is not kicked for WATCHDOG_S. */
void watchdog_start(void);
void watchdog_kick(void);
/* Sleeps until an interrupt from the hardware waits, or ticks have come; takes the interrupt. The watchdog rests meanwhile. */
void machine_sleep(uint64_t until_ticks);

/* ---- ivshmem.c: finding the hardware ---- */

/* Fills hal's memory and registers in and lets doorbells through. False: there is none. */
bool ivshmem_find(struct hal *hal);
/* Wakes the hardware. */
void ivshmem_ring(const struct hal *hal);
/* Everything stored before it is seen before anything loaded after it. */
void ivshmem_order(const struct hal *hal);

/* ---- hal.c ---- */

/* Checks what the hardware says of itself and makes hal ready for use; ends with a line when it contradicts itself. */
void hal_start(struct hal *hal);
/* A turn begins: sets the clock by the card's. */
void hal_begin_turn(struct hal *hal);
/* Makes room for a command and its payload, waiting for the hardware if it must; NULL when it may not wait and there is none. The
 * entry is all zero but for kind and events_taken. */
struct virt_command *hal_command_begin(struct hal *hal, enum virt_command_kind kind,
				       uint32_t payload_bytes, bool may_wait);
/* Hands it over; payload as many bytes as were said. */
void hal_command_end(struct hal *hal, const struct virt_command *command, const void *payload);
/* State word of a function. */
uint32_t hal_function_state(const struct hal *hal, uint16_t function);

#endif
