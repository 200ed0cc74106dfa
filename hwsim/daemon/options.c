/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "version.h"

const char *argp_program_version = "weir-sim " WEIR_SIM_VERSION;

enum {
	KEY_DIRECTORY = 'd',
	KEY_VFS = 'n',
	KEY_WIRE = 'w',
	KEY_LOG = 'l',
	KEY_TOTAL_VFS = 0x100,
	KEY_PORTS,
	KEY_SERIAL,
	KEY_SEED,
	KEY_LOG_FILE,
	KEY_PID_FILE,
	KEY_CPU,
	KEY_BUSY_POLL,
	KEY_HOME,
	KEY_FIRMWARE,
	KEY_FOREGROUND,
	KEY_BACKGROUND,
};

static const struct argp_option option_list[] = {
	{ "dir", KEY_DIRECTORY, "DIR", 0, "Folder of the sockets; made if it is not there", 1 },
	{ "vfs", KEY_VFS, "N", 0, "VFs enabled at start by the card's owner (0)", 1 },
	{ "total-vfs", KEY_TOTAL_VFS, "N", 0, "VFs the card can have, up to 1024 (64)", 1 },
	{ "ports", KEY_PORTS, "N", 0, "Wire ports (1)", 2 },
	{ "wire", KEY_WIRE, "[PORT:]WIRE", 0,
	  "What a port is connected to (none); PORT 0 if not said", 2 },
	{ "serial", KEY_SERIAL, "HEX", 0,
	  "Serial number, from which the card's MAC is made (random)", 3 },
	{ "seed", KEY_SEED, "N", 0, "Seed of the card's random numbers (random)", 3 },
	{ "home", KEY_HOME, "HOME", 0,
	  "Where the firmware runs: native (default), in this process; riscv, as the RISC-V image in a machine of its own, slower",
	  3 },
	{ "firmware", KEY_FIRMWARE, "FILE", 0,
	  "Flash image of --home riscv (the one that was built with this program)", 3 },
	{ "log", KEY_LOG, "LEVEL", 0, "error, warning, info (default) or debug", 4 },
	{ "log-file", KEY_LOG_FILE, "FILE", 0,
	  "Where the log goes (standard error); opened anew on SIGHUP", 4 },
	{ "cpu", KEY_CPU, "N", 0, "Keep the card's thread on one CPU", 5 },
	{ "busy-poll", KEY_BUSY_POLL, NULL, 0, "Never sleep: one CPU is always busy", 5 },
	{ "foreground", KEY_FOREGROUND, NULL, 0, "Stay in the foreground (default)", 6 },
	{ "background", KEY_BACKGROUND, NULL, 0,
	  "Return when the sockets are there and run on; needs --log-file", 6 },
	{ "pid-file", KEY_PID_FILE, "FILE", 0, "Write the process id there; removed at the end", 6 },
	{ 0 },
};

static const char documentation[] =
	"A Weir network card in software: each of its PCI functions is served over a vfio-user socket, DIR/pf0.sock, "
	"DIR/vf0.sock and so on, and the card itself is managed over DIR/control.sock. Prints \"ready\" when they are there."
	"\v"
	"A WIRE is one of\n"
	"  none                                  nothing; the link is down\n"
	"  loopback                              what is sent comes back\n"
	"  tap:NAME                              an interface of the host (needs CAP_NET_ADMIN)\n"
	"  pcap:in=FILE,out=FILE[,rate=recorded|full][,loop]\n"
	"                                        replays one file, records the other; either may be left out\n"
	"  stream:unix:PATH  stream:listen:unix:PATH\n"
	"  dgram:unix:LOCAL,REMOTE               as QEMU's -netdev stream and dgram\n"
	"\n"
	"Needs no privileges but for a tap. SIGTERM and SIGINT end it, SIGHUP opens the log file anew.";

/* A whole number of [low, high]; anything else ends the program. */
static uint64_t number(const struct argp_state *state, const char *option, const char *text,
		       int base, uint64_t low, uint64_t high)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || end == text || *end || strchr(text, '-') || value < low || value > high)
		argp_error(state,
			   base == 16 ? "--%s %s: not a hexadecimal number of %#llx to %#llx"
				      : "--%s %s: not a number of %llu to %llu",
			   option, text, (unsigned long long)low, (unsigned long long)high);
	return value;
}

static void add_wire(const struct argp_state *state, struct options *options, const char *text)
{
	uint64_t port = 0;
	char digits[8] = "";
	size_t length = strspn(text, "0123456789");

	if (length && text[length] == ':') {
		if (length < sizeof(digits))
			memcpy(digits, text, length);
		port = length < sizeof(digits) ? strtoull(digits, NULL, 10) : UINT64_MAX;
		text += length + 1;
	}
	if (port >= WEIR_SIM_PORTS_MAX)
		argp_error(state, "--wire: ports are 0 to %u", WEIR_SIM_PORTS_MAX - 1);
	if (options->wires[port])
		argp_error(state, "--wire: port %u has two wires, %s and %s", (unsigned int)port,
			   options->wires[port], text);
	options->wires[port] = text;
}

static void set_cpu(const struct argp_state *state, struct options *options, const char *text)
{
	uint64_t cpu = number(state, "cpu", text, 10, 0, CPU_SETSIZE - 1);
	cpu_set_t allowed;

	if (!sched_getaffinity(0, sizeof(allowed), &allowed) && !CPU_ISSET(cpu, &allowed))
		argp_error(state, "--cpu %s: this process may not run there", text);
	options->cpu = (int)cpu;
}

/* What can only be said when everything is known. */
static void check(const struct argp_state *state, const struct options *options)
{
	/* The longest name in the folder. */
	size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("/control.sock");

	if (!options->directory)
		argp_error(state, "--dir DIR is missing: where shall the sockets be?");
	if (!*options->directory || strlen(options->directory) > room)
		argp_error(
			state,
			"--dir: a folder's name has 1 to %zu characters here, so that a socket's path fits",
			room);
	if (options->vfs > options->total_vfs)
		argp_error(state, "--vfs %u is more than --total-vfs %u", options->vfs,
			   options->total_vfs);
	for (uint32_t port = options->ports; port < WEIR_SIM_PORTS_MAX; port++) {
		if (options->wires[port])
			argp_error(state, "--wire %u:%s: the card has %u port%s (--ports)", port,
				   options->wires[port], options->ports,
				   options->ports == 1 ? "" : "s");
	}
	if (options->firmware && !options->riscv)
		argp_error(state,
			   "--firmware is for --home riscv: here the firmware is in the program");
	if (options->background && !options->log_file)
		argp_error(state, "--background: where shall the log go? Add --log-file FILE");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_DIRECTORY:
		options->directory = text;
		break;
	case KEY_VFS:
		options->vfs = (uint16_t)number(state, "vfs", text, 10, 0, WEIR_PCI_MAX_VFS);
		break;
	case KEY_TOTAL_VFS:
		options->total_vfs =
			(uint16_t)number(state, "total-vfs", text, 10, 0, WEIR_PCI_MAX_VFS);
		break;
	case KEY_PORTS:
		options->ports = (uint8_t)number(state, "ports", text, 10, 1, WEIR_SIM_PORTS_MAX);
		break;
	case KEY_WIRE:
		add_wire(state, options, text);
		break;
	case KEY_SERIAL:
		options->serial = number(state, "serial", text, 16, 1, UINT64_MAX);
		break;
	case KEY_SEED:
		options->seed = number(state, "seed", text, 10, 1, UINT64_MAX);
		break;
	case KEY_LOG:
		if (!log_level_parse(text, &options->log_level))
			argp_error(state, "--log %s: levels are error, warning, info and debug",
				   text);
		break;
	case KEY_LOG_FILE:
		options->log_file = text;
		break;
	case KEY_PID_FILE:
		options->pid_file = text;
		break;
	case KEY_CPU:
		set_cpu(state, options, text);
		break;
	case KEY_BUSY_POLL:
		options->busy_poll = true;
		break;
	case KEY_HOME:
		options->riscv = !strcmp(text, "riscv");
		if (!options->riscv && strcmp(text, "native") != 0)
			argp_error(state, "--home %s: homes are native and riscv", text);
		break;
	case KEY_FIRMWARE:
		options->firmware = text;
		break;
	case KEY_FOREGROUND:
		options->background = false;
		break;
	case KEY_BACKGROUND:
		options->background = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: only options are expected", text);
		break;
	case ARGP_KEY_END:
		check(state, options);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		option_list, parse, NULL, documentation, NULL, NULL, NULL
	};

	*options = (struct options){
		.total_vfs = 64,
		.ports = 1,
		.log_level = WEIR_LOG_LEVEL_INFO,
		.cpu = -1,
	};
	/* What argp itself finds wrong ends the program as what is found here: with 2. */
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, options))
		exit(2);
}

static const char *const level_names[] = {
	[WEIR_LOG_LEVEL_ERROR] = "error",
	[WEIR_LOG_LEVEL_WARNING] = "warning",
	[WEIR_LOG_LEVEL_INFO] = "info",
	[WEIR_LOG_LEVEL_DEBUG] = "debug",
};

const char *log_level_name(enum weir_log_level level)
{
	return level_names[level];
}

bool log_level_parse(const char *name, enum weir_log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (!strcmp(name, level_names[i])) {
			*level = (enum weir_log_level)i;
			return true;
		}
	}
	return false;
}
