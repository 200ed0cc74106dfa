/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

static const struct {
	const char *name;
	int (*run)(void);
	uint16_t ports; /* it needs */
} commands[] = {
	{ "integrity", command_integrity, 2 },
	{ "cycles", command_cycles, 2 },
	{ "recover", command_recover, 2 },
	{ "interrupts", command_interrupts, 2 },
	{ "interrupts-recover", command_interrupts_recover, 2 },
	{ "spread", command_spread, 2 },
	{ "rss", command_rss, 2 },
	{ "filters", command_filters, 2 },
	{ "tags", command_tags, 2 },
	{ "promiscuous", command_promiscuous, 2 },
	{ "memory", command_memory, 2 },
	{ "facts", command_facts, 1 },
	{ "stopped", command_stopped, 2 },
	{ "checksum", command_checksum, 2 },
	{ "flow", command_flow, 2 },
	{ "flow_rss", command_flow_rss, 2 },
	{ "segment", command_segment, 2 },
	{ "coalesce", command_coalesce, 2 },
	{ "time", command_time, 2 },
	{ "split", command_split, 2 },
};

static char **options;
static int option_count;
static uint64_t random_state = 1;

void check_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("FAIL ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	fflush(stdout);
	/* Not exit(): other threads of the driver may still run. */
	_exit(1);
}

long check_option(const char *name, long otherwise)
{
	size_t length = strlen(name);

	for (int i = 0; i < option_count; i++) {
		const char *option = options[i];

		if (strncmp(option, "--", 2) == 0 && strncmp(option + 2, name, length) == 0 &&
		    option[2 + length] == '=')
			return strtol(option + 3 + length, NULL, 0);
	}
	return otherwise;
}

double check_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint32_t check_random(uint32_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % limit;
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), result;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (used < 0)
		check_fail("DPDK does not start: %s", rte_strerror(rte_errno));
	if (used + 1 >= argc)
		check_fail("no command");
	options = argv + used + 2;
	option_count = argc - used - 2;
	random_state = (uint64_t)check_option("seed", 1);
	for (size_t i = 0; i < RTE_DIM(commands); i++) {
		if (strcmp(argv[used + 1], commands[i].name) != 0)
			continue;
		if (rte_eth_dev_count_avail() < commands[i].ports)
			check_fail("%u ports, %u are needed", rte_eth_dev_count_avail(),
				   commands[i].ports);
		result = commands[i].run();
		rte_eal_cleanup();
		return result;
	}
	check_fail("no command %s", argv[used + 1]);
}
