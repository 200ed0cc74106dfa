/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The home whose firmware is a RISC-V image in a machine of its own: a QEMU that this process starts. home_riscv.c has the memory between
 * the two and takes turns, home_riscv_rings.c moves what goes through the rings, home_riscv_machine.c is the QEMU process. What is in the
 * memory, and who may touch what when, is in firmware/boards/qemu-virt/shared.h.
 */
#ifndef WEIR_HWSIM_HOME_RISCV_H
#define WEIR_HWSIM_HOME_RISCV_H

#include <sys/types.h>

#include "sim.h"

#include "boards/qemu-virt/shared.h"

/* The process that the firmware runs in. */
struct machine {
	pid_t process; /* 0: none */
	int hardware_fd; /* our end of the socket by which ivshmem was told of the memory; open as long as it shall live */
	int wake_fd;	/* eventfd: interrupts it */
	int rung_fd;	/* eventfd: its doorbell */
	int uart_fd;	/* what it says, and what QEMU says */
	char line[512]; /* of that, what is not a whole line yet */
	uint32_t line_bytes;
	bool dying;  /* it has said that it will end */
	bool counts; /* its processor counts instructions */
};

struct sim_home {
	struct machine machine;
	bool ended; /* the firmware is no more */
	bool early_effects;

	uint8_t *memory;
	int memory_fd;
	uint64_t memory_bytes;
	uint64_t memory_used;
	struct virt_shared *shared; /* at its start */

	/* own copies of what this side writes */
	uint32_t turn, manage_asked;
	uint32_t commands_head, events_tail, completions_tail;
	uint32_t frames_tail[VIRT_PORTS], releases_head[VIRT_PORTS];

	bool resting;	   /* the last turn found nothing to do, and the firmware may sleep */
	uint64_t until_ns; /* until then */

	uint32_t *reset_event; /* by function: events there were when it was last reset, as the firmware is told */
	bool *lent; /* frame slots that the firmware has, CARD_QUEUE_FRAMES a port */
	uint8_t payload[VIRT_PAYLOAD_MAX];
};

/* ---- home_riscv.c ---- */

/* The firmware did what it must not, or is gone: every function is in reset from now on. Says why in the log. */
void riscv_end(struct weirsim *sim, const char *why);

/* ---- home_riscv_rings.c ---- */

/* Hands events, frames and the state of links over as far as there is room; returns how much. */
uint32_t riscv_give(struct weirsim *sim);
/* Carries out what the firmware has asked for; returns how much. */
uint32_t riscv_serve(struct weirsim *sim);
/* Nothing is in a ring. */
bool riscv_rings_empty(const struct sim_home *home);

/* ---- home_riscv_machine.c ---- */

/* Starts QEMU with the image and hands the memory to it. 0 or -errno, after a log line. */
int machine_start(struct weirsim *sim);
void machine_kill(struct machine *machine);
/* Interrupts the firmware's processor. */
void machine_wake(struct machine *machine);
enum machine_news { MACHINE_SILENT, MACHINE_RANG, MACHINE_ENDED };
/* Waits at most ms until the firmware rings or the machine says something, and logs what it says. */
enum machine_news machine_wait(struct weirsim *sim, int ms);

#endif
