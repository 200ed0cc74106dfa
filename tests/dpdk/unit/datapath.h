/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of test-dpdk-datapath share. */
#ifndef DATAPATH_H
#define DATAPATH_H

#include <stdlib.h>

#include "fake.h"
#include "weir_cunit.h"

/** A number from 0 to limit - 1, by rand(). */
static inline unsigned int below(unsigned int limit)
{
	return (unsigned int)rand() % limit;
}

/** Frees frames. */
static inline void free_all(struct rte_mbuf **frames, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++)
		rte_pktmbuf_free(frames[i]);
}

extern const struct weir_test receive_tests[], receive_split_tests[], transmit_tests[],
	gate_tests[];
extern const size_t receive_tests_count, receive_split_tests_count, transmit_tests_count,
	gate_tests_count;

#endif
