/* SPDX-License-Identifier: BSD-3-Clause */
/* The UART: start-up and dying words. The log goes to the hardware instead, which knows where people read it. */
#include "board.h"

#define UART_STATUS	  5u
#define UART_STATUS_EMPTY 0x20u

/* Of the finisher device: pass, or fail with a code in the upper half. */
#define FINISHER_FAIL 0x3333u

static void put(char character)
{
	while (!(read8(MACHINE_UART + UART_STATUS) & UART_STATUS_EMPTY))
		;
	write8(MACHINE_UART, (uint8_t)character);
}

void console_text(const char *text)
{
	for (; *text; text++)
		put(*text);
}

void console_number(uint64_t value)
{
	char digits[20];
	unsigned int count = 0;

	do
		digits[count++] = (char)('0' + value % 10);
	while (value /= 10);
	while (count)
		put(digits[--count]);
}

void console_hex(uint64_t value, unsigned int digits)
{
	while (digits--)
		put("0123456789abcdef"[value >> digits * 4 & 15]);
}

void board_finish(enum virt_end code)
{
	write32(MACHINE_FINISHER, (uint32_t)code << 16 | FINISHER_FAIL);
	for (;;)
		;
}

void board_end(enum virt_end code, const char *why)
{
	console_text("weir: ");
	console_text(why);
	console_text("\n");
	board_finish(code);
}
