/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue of the DPDK driver with a device that the test plays: completions, heads and event indices are
 * written by hand, buffers and descriptors looked at in memory. DPDK's mempools are real.
 */
#ifndef FAKE_H
#define FAKE_H

#include "weir_queues.h"

/** Generation the fake function is in. */
#define FAKE_GENERATION 0xa5

struct fake {
	struct weir_device device;
	struct weir_transport transport;
	struct rte_eth_dev_data data;
	uint32_t doorbells[4096 / 4]; /* BAR2 of one queue pair; ~0: not rung since fake_new() */
	unsigned int suspected;	      /* times weir_device_suspect() was called */

	struct rte_mempool *pool;
	struct rte_mempool *header_pool; /* of fake_new_split() */
	struct weir_rx_queue *rx;
	struct weir_tx_queue *tx;

	struct weir_rx_completion *completions; /* the device's view of the receive queue's memory */
	uint16_t completed;			/* completions written */
	weir_le32 *head;
};

/** Starts DPDK without hugepages, devices or files; for main(), before the tests. Returns 0. */
int fake_start_dpdk(void);

/**
 * A queue pair of `descriptors` each, running, with its buffers posted. The mempool has `mbufs` mbufs of
 * `room_bytes`, headroom not counted. Requires success. Ends with fake_end().
 */
struct fake *fake_new(uint16_t descriptors, unsigned int mbufs, uint16_t room_bytes);

/** Lengths of the buffers of fake_new_split(), and where the second kind begins in its mbufs. */
#define FAKE_HEADER_BYTES 96
#define FAKE_REST_BYTES	  512
#define FAKE_REST_OFFSET  32

/**
 * The same with a receive queue that splits at L4 headers, of frames of these kinds (0: all), from pools of so many mbufs for headers and
 * for the rest.
 */
struct fake *fake_new_split(uint16_t descriptors, unsigned int headers, unsigned int mbufs,
			    uint16_t kinds);

/** Frees what the queues hold and checks that no mbuf is missing. */
void fake_end(struct fake *fake);

/** The device fills posted buffer number `buffer` with `length` bytes. flags without generation and phase. */
void fake_complete(struct fake *fake, uint16_t buffer, uint16_t length, uint32_t flags);

/** The same with everything as given: another generation, a vlan tag, a hash. */
void fake_complete_raw(struct fake *fake, uint16_t buffer, uint16_t length, uint32_t flags,
		       uint16_t vlan_tci, uint32_t flow_hash);

/** What the device reads in the shadow doorbells. */
uint16_t fake_rx_tail(const struct fake *fake);
uint16_t fake_tx_tail(const struct fake *fake);

/** A frame of one segment from the pool that begins `shift` bytes behind the usual place. Requires success. */
struct rte_mbuf *frame_new(struct fake *fake, uint16_t length, uint16_t shift);

/** Whether a doorbell (WEIR_DOORBELL_…) was rung, and forgets it. */
bool fake_rung(struct fake *fake, uint32_t doorbell, uint16_t *value);

#endif
