/* SPDX-License-Identifier: BSD-3-Clause */
#include "samples.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_thash.h>

#define TIMEOUT_S 20.0

static const uint8_t protocols[] = { 6, 17, 132, 253 };

struct sample sample_random(uint32_t number, bool tunnel)
{
	struct sample sample = { .ipv6 = number & 1,
				 .tunnel = tunnel,
				 .protocol = protocols[number / 2 % RTE_DIM(protocols)] };

	for (uint32_t i = 0; i < sizeof(sample.tuple); i++)
		sample.tuple[i] = (uint8_t)check_random(256);
	return sample;
}

uint32_t sample_tuple_bytes(const struct sample *sample, bool ports)
{
	return (sample->ipv6 ? 32 : 8) + (ports && sample->protocol != 253 ? 4 : 0);
}

static uint32_t put_datagram(uint8_t *to, const struct sample *sample)
{
	uint32_t header_bytes = sample->ipv6 ? 40 : 20;

	memset(to, 0, header_bytes + 24);
	if (sample->ipv6) {
		to[0] = 0x60;
		to[5] = 24;
		to[6] = sample->protocol;
		memcpy(to + 8, sample->tuple, 32);
	} else {
		to[0] = 0x45;
		to[3] = 44;
		to[9] = sample->protocol;
		memcpy(to + 12, sample->tuple, 8);
	}
	memcpy(to + header_bytes, sample->tuple + (sample->ipv6 ? 32 : 8), 4);
	to[header_bytes + 12] = 0x50;
	return header_bytes + 24;
}

static uint32_t put_frame(uint8_t *to, const struct port *from, const struct port *port,
			  const struct sample *sample)
{
	static const struct sample around = {
		.protocol = 17, .tuple = { 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0x12, 0xb5 }
	};
	uint32_t bytes;

	memcpy(to, port->mac.addr_bytes, 6);
	memcpy(to + 6, from->mac.addr_bytes, 6);
	if (sample->tunnel) {
		to[12] = 0x08;
		to[13] = 0x00;
		put_datagram(to + 14, &around);
		memset(to + 38, 0, 12);
		to[42] = 0x08;
		memset(to + 50, 2, 12);
	}
	uint8_t *inner = sample->tunnel ? to + 50 : to;

	inner[12] = sample->ipv6 ? 0x86 : 0x08;
	inner[13] = sample->ipv6 ? 0xdd : 0x00;
	bytes = (uint32_t)(inner - to) + 14 + put_datagram(inner + 14, sample);
	if (sample->tunnel)
		to[14 + 3] = (uint8_t)(bytes - 14);
	return bytes;
}

uint32_t sample_softrss(const uint8_t *tuple, uint32_t bytes, const uint8_t *key)
{
	uint32_t words[9];

	memcpy(words, tuple, bytes);
	for (uint32_t i = 0; i < bytes / 4; i++)
		words[i] = rte_be_to_cpu_32(words[i]);
	return rte_softrss(words, bytes / 4, key);
}

struct rte_mbuf *sample_pass(const struct port *from, const struct port *to,
			     const struct sample *sample, uint16_t queues, uint16_t *queue)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(from->pool), *got;
	double deadline = check_seconds() + TIMEOUT_S;
	uint8_t frame[256];
	uint32_t bytes = put_frame(frame, from, to, sample);

	CHECK(mbuf, "no mbuf");
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)bytes), frame, bytes);
	while (rte_eth_tx_burst(from->id, 0, &mbuf, 1) != 1)
		CHECK(check_seconds() < deadline, "the frame is not sent");
	for (;;) {
		for (*queue = 0; *queue < queues; (*queue)++) {
			if (rte_eth_rx_burst(to->id, *queue, &got, 1) != 1)
				continue;
			if (got->pkt_len == bytes &&
			    memcmp(rte_pktmbuf_mtod(got, void *), frame, bytes) == 0)
				return got;
			rte_pktmbuf_free(got);
		}
		CHECK(check_seconds() < deadline, "the frame has not come");
	}
}
