/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams of chance, what DPDK's rte_softrss() says of them, and where they come. */
#ifndef CHECK_SAMPLES_H
#define CHECK_SAMPLES_H

#include "check.h"

/** A datagram of chance. */
struct sample {
	bool ipv6, tunnel; /* in VXLAN, always the same around it */
	uint8_t protocol;
	uint8_t tuple[36]; /* addresses and ports as in the frame */
};

/** One of TCP, UDP, SCTP and another protocol, over IPv4 or IPv6, by its number; addresses and ports are chance. */
struct sample sample_random(uint32_t number, bool tunnel);

/** rte_softrss() of `bytes` bytes of a tuple. */
uint32_t sample_softrss(const uint8_t *tuple, uint32_t bytes, const uint8_t *key);

/** Bytes of a sample's tuple: with its ports, if it has any and they are asked for. */
uint32_t sample_tuple_bytes(const struct sample *sample, bool ports);

/** Sends one frame and waits for it; *queue: where it came, of `queues`. The mbuf is the caller's. */
struct rte_mbuf *sample_pass(const struct port *from, const struct port *to,
			     const struct sample *sample, uint16_t queues, uint16_t *queue);

#endif
