/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log: a ring of lines, read by LOG_READ, and the board's console. A function that has written its share of lines within
 * a second is silent until the second is over, and then says how many lines were left out.
 */
#include "core.h"

#include <stdarg.h>

#define VF_LINES_PER_SECOND 16
#define PF_LINES_PER_SECOND 256

/* A line being written: never longer than its record, always terminated. */
struct line {
	char *text;
	uint32_t bytes, room;
};

static void put_character(struct line *line, char character)
{
	if (line->bytes + 1 < line->room)
		line->text[line->bytes++] = character;
}

static void put_text(struct line *line, const char *text)
{
	while (*text)
		put_character(line, *text++);
}

static void put_number(struct line *line, uint64_t value, uint32_t base)
{
	char digits[20];
	uint32_t count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		put_character(line, digits[--count]);
}

static void put_mac(struct line *line, const uint8_t *mac)
{
	for (uint32_t i = 0; i < 6; i++) {
		if (i)
			put_character(line, ':');
		put_character(line, "0123456789abcdef"[mac[i] >> 4]);
		put_character(line, "0123456789abcdef"[mac[i] & 15]);
	}
}

static void put_signed(struct line *line, int32_t value)
{
	if (value < 0)
		put_character(line, '-');
	put_number(line, value < 0 ? (uint32_t)0 - (uint32_t)value : (uint32_t)value, 10);
}

/* One argument of a format. */
static void put_argument(struct line *line, char kind, va_list *arguments)
{
	switch (kind) {
	case 'u':
		put_number(line, va_arg(*arguments, uint32_t), 10);
		break;
	case 'd':
		put_signed(line, va_arg(*arguments, int32_t));
		break;
	case 'x':
		put_text(line, "0x");
		put_number(line, va_arg(*arguments, uint32_t), 16);
		break;
	case 'X':
		put_text(line, "0x");
		put_number(line, va_arg(*arguments, uint64_t), 16);
		break;
	case 's':
		put_text(line, va_arg(*arguments, const char *));
		break;
	case 'm':
		put_mac(line, va_arg(*arguments, const uint8_t *));
		break;
	default:
		put_character(line, kind);
		break;
	}
}

static void put_format(struct line *line, const char *format, va_list *arguments)
{
	for (; *format; format++) {
		if (*format != '%')
			put_character(line, *format);
		else if (format[1])
			put_argument(line, *++format, arguments);
	}
	line->text[line->bytes] = 0;
}

/* A record for the next line. */
static struct weir_log_record *new_record(struct weir_firmware *firmware, enum weir_log_level level,
					  uint16_t function)
{
	struct weir_log_state *log = &firmware->log;
	struct weir_log_record *record = &log->records[log->next % log->capacity];

	*record = (struct weir_log_record){
		.time_ns = weir_cpu_to_le64(firmware->now_ns),
		.sequence = weir_cpu_to_le32(log->next),
		.function = weir_cpu_to_le16(function),
		.level = weir_cpu_to_le16((uint16_t)level),
	};
	log->next++;
	return record;
}

/* The console says of whom a line is; a record has a member for it. */
static void to_console(struct weir_firmware *firmware, const struct weir_log_record *record)
{
	char text[sizeof(record->message) + 16];
	struct line line = { .text = text, .room = sizeof(text) };
	uint16_t function = weir_le16_to_cpu(record->function);

	if (function == WEIR_FUNCTION_SELF) {
		put_text(&line, "card: ");
	} else if (function == 0) {
		put_text(&line, "PF: ");
	} else {
		put_text(&line, "VF ");
		put_number(&line, function - 1u, 10);
		put_text(&line, ": ");
	}
	put_text(&line, (const char *)record->message);
	text[line.bytes] = 0;
	hal_console(firmware->hal, (enum weir_log_level)weir_le16_to_cpu(record->level), text);
}

static void write_line(struct weir_firmware *firmware, enum weir_log_level level, uint16_t function,
		       const char *format, va_list *arguments)
{
	struct weir_log_record *record = new_record(firmware, level, function);
	struct line line = { .text = (char *)record->message, .room = sizeof(record->message) };

	put_format(&line, format, arguments);
	to_console(firmware, record);
}

static void write_left_out(struct weir_firmware *firmware, enum weir_log_level level,
			   uint16_t function, uint32_t count)
{
	struct weir_log_record *record = new_record(firmware, level, function);
	struct line line = { .text = (char *)record->message, .room = sizeof(record->message) };

	put_number(&line, count, 10);
	put_text(&line, " lines left out");
	to_console(firmware, record);
}

/* Has the function lines left in this second? What it had not is told at the level of the worst line of them. */
static bool may_write(struct weir_firmware *firmware, enum weir_log_level level, uint16_t index)
{
	/* Lines about the card come from its own hardware and owner. */
	if (index >= firmware->function_count)
		return true;
	struct weir_function *function = &firmware->functions[index];
	uint32_t share = index == 0 ? PF_LINES_PER_SECOND : VF_LINES_PER_SECOND;

	if (firmware->now_ns - function->log_window_ns >= WEIR_NS_PER_SECOND) {
		uint32_t left_out = function->log_left_out;

		function->log_window_ns = firmware->now_ns;
		function->log_window_lines = function->log_left_out = 0;
		if (left_out)
			write_left_out(firmware, function->log_left_out_level, index, left_out);
	}
	if (function->log_window_lines < share) {
		function->log_window_lines++;
		return true;
	}
	if (!function->log_left_out || level < function->log_left_out_level)
		function->log_left_out_level = level;
	if (function->log_left_out < UINT32_MAX)
		function->log_left_out++;
	return false;
}

void weir_log(struct weir_firmware *firmware, enum weir_log_level level, uint16_t function,
	      const char *format, ...)
{
	va_list arguments;

	if (level > firmware->log.level || !may_write(firmware, level, function))
		return;
	va_start(arguments, format);
	write_line(firmware, level, function, format, &arguments);
	va_end(arguments);
	if (level != WEIR_LOG_LEVEL_ERROR)
		return;
	weir_event_post(firmware, &firmware->functions[0], WEIR_EVENT_FIRMWARE_ERROR, 0, 0);
	if (function != 0 && function < firmware->function_count)
		weir_event_post(firmware, &firmware->functions[function], WEIR_EVENT_FIRMWARE_ERROR,
				0, 0);
}
