/* SPDX-License-Identifier: BSD-3-Clause */
/* The suite's parts: each file's table of tests. */
#ifndef WEIR_TEST_DEVICE_SUITE_H
#define WEIR_TEST_DEVICE_SUITE_H

#include "host.h"
#include "traffic.h"
#include "weir_cunit.h"

/* A table and its length, defined in test_<part>.c. */
#define SUITE_PART(part)                              \
	extern const struct weir_test part##_tests[]; \
	extern const size_t part##_test_count

SUITE_PART(data);
SUITE_PART(alike);
SUITE_PART(sorter);
SUITE_PART(vlan);
SUITE_PART(admin);
SUITE_PART(command);
SUITE_PART(counter);
SUITE_PART(policy);
SUITE_PART(interrupt);
SUITE_PART(moderation);
SUITE_PART(moderation_random);
SUITE_PART(badinput);
SUITE_PART(fault);
SUITE_PART(trace);
SUITE_PART(limit);
SUITE_PART(pcie);
SUITE_PART(reset);
SUITE_PART(reset_card);
SUITE_PART(storm);
SUITE_PART(fair);
SUITE_PART(protocol);
SUITE_PART(rss);
SUITE_PART(checksum);
SUITE_PART(verify);
SUITE_PART(flow);
SUITE_PART(segment);
SUITE_PART(coalesce);
SUITE_PART(aggregate);
SUITE_PART(hold);
SUITE_PART(steer);
SUITE_PART(steer_table);
SUITE_PART(context);
SUITE_PART(low_latency);
SUITE_PART(time);
SUITE_PART(timestamp);
SUITE_PART(split);
SUITE_PART(split_kinds);

/* MAC of function n in these tests, first byte lowest: 02:00:00:00:hh:ll */
static inline uint64_t test_mac(uint32_t function)
{
	return 0x02ull | (uint64_t)(function >> 8) << 32 | (uint64_t)(function & 0xff) << 40;
}

/* Seed of the deferred home: of the environment, else a fixed one. A failing run prints it. */
uint64_t test_seed(void);

/* PF and `vfs` VFs up, each with its test_mac() and `queues` queue pairs of `buffer_bytes`. */
struct host *test_card(uint16_t vfs, uint16_t queues, uint32_t buffer_bytes, bool shadow);

/* The wire, as a sender and as a bit of what test_takers() gives. */
#define TEST_WIRE (1u << 31)
/*
 * Sends a frame of 100 bytes from a function (or the wire), tagged when protocol is not 0, with these descriptor flags, and says which
 * functions got it, a bit each; TEST_WIRE: it left. A second copy fails the test.
 */
uint32_t test_takers(struct host *host, uint32_t from, uint64_t destination, uint64_t source,
		     uint16_t protocol, uint16_t tci, uint16_t flags, uint16_t vlan_tci);

#endif
