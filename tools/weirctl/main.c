/* SPDX-License-Identifier: BSD-3-Clause */
/* weirctl: looks at Weir cards and operates them. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weirctl.h"

const char *argp_program_version = "weirctl 0.1.0";

static const char documentation[] =
	"Look at Weir cards and operate them.\v"
	"CARD is a PCI address (01:00.0), or the directory or control socket of a weir-sim.\n"
	"\n"
	"  weirctl list                     the cards in this machine\n"
	"  weirctl info CARD                what it is, firmware, functions\n"
	"  weirctl vf CARD                  all VFs: what the administrator decided, and how they are\n"
	"  weirctl vf CARD N KEY VALUE...   decide for VF N: mac, vlan, qos, proto, spoofchk, trust, state\n"
	"  weirctl stats CARD [N|port]      counters of the PF, of VF N, of the wire port\n"
	"  weirctl regs CARD [NAME]         registers, decoded\n"
	"  weirctl log CARD [-f]            the firmware's log\n"
	"  weirctl trace CARD start [KEY VALUE...]   record: function, mac, vlan, ethertype limit it\n"
	"  weirctl trace CARD stop|init|rx           stop; show an initialisation, the way of a received frame\n"
	"  weirctl lli --pid PID [INTERFACE]         have what a process receives interrupt at once, until it or this ends\n"
	"\n"
	"With a kernel driver bound, info and stats are also what the kernel says (devlink, ethtool), VFs are set as by `ip link set dev PF "
	"vf N ...`, and the rest is asked through the driver (debugfs). With none, it goes through the card's own mailbox in BAR0.";

static const struct argp_option argp_options[] = {
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ "follow", 'f', NULL, 0, "log: go on as lines come", 0 },
	{ "pid", 'p', "PID", 0, "lli: the process", 0 },
	{ "interval", 'i', "MS", 0, "lli: how often to look for new sockets, default 100", 0 },
	{ 0 },
};

struct command_line {
	struct options options;
	const char *words[64];
	int count;
};

/* A whole number from 1 on. */
static int parse_number(const char *text, struct argp_state *state)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < 1 || value > INT_MAX)
		argp_error(state, "%s is no number from 1 on", text);
	return (int)value;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct command_line *line = state->input;

	switch (key) {
	case 'j':
		line->options.json = true;
		return 0;
	case 'f':
		line->options.follow = true;
		return 0;
	case 'p':
		line->options.pid = parse_number(argument, state);
		return 0;
	case 'i':
		line->options.interval_ms = parse_number(argument, state);
		return 0;
	case ARGP_KEY_ARG:
		if (line->count == (int)(sizeof(line->words) / sizeof(line->words[0])))
			argp_error(state, "too many words");
		line->words[line->count++] = argument;
		return 0;
	case ARGP_KEY_END:
		if (!line->count)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_value(const json_t *value, int indent);

static void print_members(const json_t *object, int indent)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		printf("%*s%-*s ", indent, "", 24 - indent, key);
		print_value(value, indent);
	}
}

static void print_value(const json_t *value, int indent)
{
	size_t i;
	json_t *item;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		printf("\n");
		print_members(value, indent + 2);
		return;
	case JSON_ARRAY:
		json_array_foreach(value, i, item)
		{
			if (json_is_object(item)) {
				printf("\n");
				print_members(item, indent + 2);
			} else {
				printf("%s%s", i ? "," : "",
				       json_is_string(item) ? json_string_value(item) : "?");
			}
		}
		printf("\n");
		return;
	case JSON_STRING:
		printf("%s\n", json_string_value(value));
		return;
	case JSON_INTEGER:
		printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
		return;
	case JSON_TRUE:
		printf("on\n");
		return;
	case JSON_FALSE:
		printf("off\n");
		return;
	default:
		printf("-\n");
		return;
	}
}

void print_object(json_t *object, bool json)
{
	if (json) {
		json_dumpf(object, stdout, JSON_INDENT(2));
		printf("\n");
	} else if (json_is_object(object)) {
		print_members(object, 0);
	} else {
		print_value(object, 0);
	}
	json_decref(object);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct card *card, const struct options *options);
	} commands[] = {
		{ "info", command_info }, { "vf", command_vf },	  { "stats", command_stats },
		{ "regs", command_regs }, { "log", command_log }, { "trace", command_trace },
	};
	static const struct argp argp = { argp_options,	 parse, "COMMAND [CARD] [ARGUMENTS]",
					  documentation, NULL,	NULL,
					  NULL };
	struct command_line line = { .options.interval_ms = 100 };
	struct card card;
	int error;

	argp_parse(&argp, argc, argv, 0, NULL, &line);
	if (strcmp(line.words[0], "list") == 0)
		return command_list(&line.options) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (strcmp(line.words[0], "lli") == 0) {
		line.options.argc = line.count - 1;
		line.options.argv = (char **)(uintptr_t)(line.words + 1);
		return command_lli(&line.options) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(line.words[0], commands[i].name) != 0)
			continue;
		if (line.count < 2) {
			fprintf(stderr,
				"weirctl %s: which card? `weirctl list` shows those of this machine\n",
				commands[i].name);
			return 2;
		}
		line.options.argc = line.count - 2;
		line.options.argv = (char **)(uintptr_t)(line.words + 2);
		error = card_open(&card, line.words[1]);
		if (!error)
			error = commands[i].run(&card, &line.options);
		if (error)
			fprintf(stderr, "weirctl: %s\n",
				card.error[0] ? card.error : strerror(-error));
		card_close(&card);
		return error ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	fprintf(stderr, "weirctl: no command %s; see weirctl --help\n", line.words[0]);
	return 2;
}
