/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traps and the watchdog. An exception is always the end: it is told on the UART with everything that helps to find it, and QEMU
 * ends with a code of its own. The only interrupt that is ever taken is the timer's: it is the watchdog's. Those of the hardware wake
 * machine_sleep() without being taken (a pending interrupt ends wfi although mstatus.MIE is clear: Privileged Architecture 1.12, 3.3.3).
 */
#include "board.h"

/* A poll takes microseconds; a turn under a debugger or on a busy machine takes what it takes. */
#define WATCHDOG_S     10u
#define WATCHDOG_TICKS (WATCHDOG_S * (1000000000ull / MACHINE_TICK_NS))

#define CAUSE_INTERRUPT (1ul << 63)
#define CAUSE_TIMER	(CAUSE_INTERRUPT | 7)
/* Words of the stack that a dump shows. */
#define STACK_WORDS 16u

/* As start.S lays it out; x2 is the stack pointer, and x0's place has the program counter. */
struct trap_frame {
	uint64_t pc;
	uint64_t x[31]; /* from x1 on */
};

extern const uint64_t _stack[], _stack_top[];
void trap(struct trap_frame *frame);

static uint64_t kicked_ticks;

static const char *const register_names[32] = {
	"pc", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
	"a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
	"s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

static const char *const cause_names[16] = {
	"instruction address misaligned",
	"instruction access fault",
	"illegal instruction",
	"breakpoint",
	"load address misaligned",
	"load access fault",
	"store address misaligned",
	"store access fault",
	"environment call",
	"environment call",
	"environment call",
	"environment call",
	"instruction page fault",
	"load page fault",
	"reserved",
	"store page fault",
};

static void dump(const struct trap_frame *frame)
{
	const uint64_t *words = (const uint64_t *)frame;
	const uint64_t *stack = (const uint64_t *)frame->x[1];

	for (uint32_t i = 0; i < 32; i++) {
		console_text(i % 4 ? "  " : "weir:  ");
		if (!register_names[i][2])
			console_text(" ");
		console_text(register_names[i]);
		console_text(" ");
		console_hex(words[i], 16);
		if (i % 4 == 3)
			console_text("\n");
	}
	if (stack < _stack || stack >= _stack_top || (uintptr_t)stack % sizeof(*stack)) {
		console_text("weir:  the stack pointer is not in the stack\n");
		return;
	}
	for (uint32_t i = 0; i < STACK_WORDS && stack + i < _stack_top; i++) {
		if (!(i % 4)) {
			console_text("weir:  stack ");
			console_hex((uintptr_t)(stack + i), 16);
			console_text(":");
		}
		console_text(" ");
		console_hex(stack[i], 16);
		if (i % 4 == 3 || stack + i + 1 == _stack_top)
			console_text("\n");
	}
}

void trap(struct trap_frame *frame)
{
	uint64_t cause = csr_read(mcause);
	uint64_t now = machine_ticks();

	if (cause == CAUSE_TIMER) {
		if (now - kicked_ticks < WATCHDOG_TICKS) {
			machine_set_timer(kicked_ticks + WATCHDOG_TICKS);
			return;
		}
		console_text("weir: watchdog: the poll loop has not turned for ");
		console_number((now - kicked_ticks) * MACHINE_TICK_NS / 1000000000u);
		console_text(" s; it is here:\n");
		dump(frame);
		board_finish(VIRT_END_WATCHDOG);
	}
	console_text("weir: trap: ");
	console_text(cause < 16 ? cause_names[cause] : "unexpected interrupt");
	console_text(", cause ");
	console_hex(cause, 16);
	console_text(", value ");
	console_hex(csr_read(mtval), 16);
	console_text("\n");
	dump(frame);
	board_finish(VIRT_END_TRAP);
}

void watchdog_kick(void)
{
	kicked_ticks = machine_ticks();
}

void watchdog_start(void)
{
	watchdog_kick();
	machine_set_timer(kicked_ticks + WATCHDOG_TICKS);
	csr_set(mie, MACHINE_MIE_TIMER);
	csr_set(mstatus, MACHINE_MSTATUS_MIE);
}

void machine_sleep(uint64_t until_ticks)
{
	csr_clear(mstatus, MACHINE_MSTATUS_MIE);
	machine_set_timer(until_ticks);
	csr_set(mie, MACHINE_MIE_EXTERNAL);
	__asm__ volatile("wfi" ::: "memory");
	/* Claims what is pending (AIA 1.0, 3.10); who rings again from now on wakes the next sleep. */
	__asm__ volatile("csrrw zero, " MACHINE_STRING(0x35c) ", zero" ::: "memory");
	csr_clear(mie, MACHINE_MIE_EXTERNAL);
	watchdog_kick();
	machine_set_timer(kicked_ticks + WATCHDOG_TICKS);
	csr_set(mstatus, MACHINE_MSTATUS_MIE);
}
