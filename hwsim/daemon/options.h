/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of weir-sim. */
#ifndef WEIR_SIM_OPTIONS_H
#define WEIR_SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/weir_abi.h"

#define WEIR_SIM_PORTS_MAX 32u

struct options {
	const char *directory;
	uint16_t vfs;	    /* enabled at start */
	uint16_t total_vfs; /* that can be enabled */
	uint8_t ports;
	const char *wires[WEIR_SIM_PORTS_MAX]; /* descriptions of weirsim_wire_open(), NULL: none */
	uint64_t serial;		       /* 0: made up */
	uint64_t seed;			       /* 0: from the system */
	enum weir_log_level log_level;
	const char *log_file; /* NULL: standard error */
	const char *pid_file; /* NULL: none */
	int cpu;	      /* that the card's thread is kept on, -1: any */
	bool busy_poll;	      /* never sleep */
	bool background;
	bool riscv;	      /* the firmware is the RISC-V image */
	const char *firmware; /* the image's file, NULL: the one built with this program */
};

/*
 * Reads the command line; strings point into argv. Mistakes are told on standard error, and end the process with 2, as --help and
 * --version end it with 0.
 */
void options_parse(struct options *options, int argc, char **argv);

/* "error", "warning", "info" or "debug", as options and the management socket name levels. */
const char *log_level_name(enum weir_log_level level);
/* The level of that name; false: there is none. */
bool log_level_parse(const char *name, enum weir_log_level *level);

#endif
