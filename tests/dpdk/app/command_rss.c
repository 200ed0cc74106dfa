/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss: frames of all kinds to a port of four queues, under keys and kinds of flows that the application chooses. Hash and queue must be
 * those of DPDK's rte_softrss(), the packet type that of what was sent.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ip.h>
#include <rte_thash.h>

#define QUEUES	  4u
#define TIMEOUT_S 20.0
#define ROUNDS	  40u

/* A datagram of chance. */
struct sample {
	bool ipv6, tunnel;
	uint8_t protocol;
	uint8_t tuple[36]; /* addresses and ports as in the frame */
};

static const uint8_t protocols[] = { 6, 17, 132, 253 };

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

static uint32_t softrss(const uint8_t *tuple, uint32_t bytes, const uint8_t *key)
{
	uint32_t words[9];

	memcpy(words, tuple, bytes);
	for (uint32_t i = 0; i < bytes / 4; i++)
		words[i] = rte_be_to_cpu_32(words[i]);
	return rte_softrss(words, bytes / 4, key);
}

/* The packet type of a datagram, and (level 2) of the same inside of a tunnel. */
static uint32_t datagram_type(const struct sample *sample, bool inner)
{
	uint32_t l4 = sample->protocol == 6	? RTE_PTYPE_L4_TCP
		      : sample->protocol == 17	? RTE_PTYPE_L4_UDP
		      : sample->protocol == 132 ? RTE_PTYPE_L4_SCTP
						: 0;
	uint32_t type =
		(sample->ipv6 ? RTE_PTYPE_L3_IPV6_EXT_UNKNOWN : RTE_PTYPE_L3_IPV4_EXT_UNKNOWN) | l4;

	if (!inner)
		return type;
	return (sample->ipv6 ? RTE_PTYPE_INNER_L3_IPV6_EXT_UNKNOWN
			     : RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN) |
	       (sample->protocol == 6	  ? RTE_PTYPE_INNER_L4_TCP
		: sample->protocol == 17  ? RTE_PTYPE_INNER_L4_UDP
		: sample->protocol == 132 ? RTE_PTYPE_INNER_L4_SCTP
					  : 0);
}

/* Sends one frame; *queue: where it came. */
static struct rte_mbuf *pass(const struct port *from, const struct port *to,
			     const struct sample *sample, uint16_t *queue)
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
		for (*queue = 0; *queue < QUEUES; (*queue)++) {
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

/* What was set is read back. */
static void set_conf(const struct port *port, uint8_t *key, uint64_t flows)
{
	uint8_t back[52] = { 0 };
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = 40, .rss_hf = flows };
	int error = rte_eth_dev_rss_hash_update(port->id, &conf);

	CHECK(!error, "key and flows cannot be set: %s", rte_strerror(-error));
	conf = (struct rte_eth_rss_conf){ .rss_key = back, .rss_key_len = sizeof(back) };
	error = rte_eth_dev_rss_hash_conf_get(port->id, &conf);
	CHECK(!error && conf.rss_key_len == 40 && memcmp(back, key, 40) == 0 && conf.rss_hf == flows,
	      "what is read is not what was set: flows %#llx, key of %u bytes",
	      (unsigned long long)conf.rss_hf, conf.rss_key_len);
}

/* Frames of chance; flows: those that are hashed; level 2: by their inner headers. */
static void run_samples(const struct port *from, const struct port *to, const uint8_t *key,
			bool ports, bool inner)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct sample sample = { .ipv6 = round & 1,
					 .tunnel = inner,
					 .protocol = protocols[round / 2 % 4] };
		uint32_t bytes = sample.ipv6 ? 32 : 8, wanted, type;
		struct rte_mbuf *got;
		uint16_t queue;

		for (uint32_t i = 0; i < sizeof(sample.tuple); i++)
			sample.tuple[i] = (uint8_t)check_random(256);
		if (ports && sample.protocol != 253)
			bytes += 4;
		wanted = softrss(sample.tuple, bytes, key);
		type = datagram_type(&sample, inner);
		if (inner)
			type |= RTE_PTYPE_L3_IPV4_EXT_UNKNOWN | RTE_PTYPE_L4_UDP |
				RTE_PTYPE_TUNNEL_VXLAN;
		got = pass(from, to, &sample, &queue);
		CHECK(got->ol_flags & RTE_MBUF_F_RX_RSS_HASH, "round %u: no hash", round);
		CHECK(got->hash.rss == wanted, "round %u: hash %08x, softrss %08x", round,
		      got->hash.rss, wanted);
		CHECK(queue == (wanted & 127) % QUEUES, "round %u: queue %u", round, queue);
		CHECK(got->packet_type == type, "round %u: packet type %#x, not %#x", round,
		      got->packet_type, type);
		rte_pktmbuf_free(got);
	}
}

int command_rss(void)
{
	const uint64_t addresses = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
	const uint64_t all = addresses | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
			     RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV4_SCTP |
			     RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP |
			     RTE_ETH_RSS_NONFRAG_IPV6_SCTP;
	struct port_setup setup = { .queues = QUEUES,
				    .spread = true,
				    .mbufs = 16383,
				    .rx_offloads = RTE_ETH_RX_OFFLOAD_RSS_HASH };
	struct rte_eth_rss_conf conf = { 0 };
	struct port ports[2];
	uint32_t known[32];
	uint8_t key[40];

	pair_up(ports, &setup);
	CHECK(rte_eth_dev_get_supported_ptypes(ports[1].id, RTE_PTYPE_ALL_MASK, known, 32) == 16,
	      "packet types are missing");
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)check_random(256);
		set_conf(&ports[1], key, all);
		run_samples(&ports[0], &ports[1], key, true, false);
		set_conf(&ports[1], key, addresses);
		run_samples(&ports[0], &ports[1], key, false, false);
		set_conf(&ports[1], key, all | RTE_ETH_RSS_LEVEL_INNERMOST);
		run_samples(&ports[0], &ports[1], key, true, true);
	}
	/* Both stay over a restart. */
	set_conf(&ports[1], key, all);
	port_stop(&ports[1]);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	run_samples(&ports[0], &ports[1], key, true, false);
	conf.rss_key = key;
	conf.rss_key_len = 39;
	conf.rss_hf = all;
	CHECK(rte_eth_dev_rss_hash_update(ports[1].id, &conf) == -EINVAL,
	      "a key of 39 bytes is taken");
	conf.rss_key = NULL;
	conf.rss_hf = RTE_ETH_RSS_GTPU;
	CHECK(rte_eth_dev_rss_hash_update(ports[1].id, &conf) == -EINVAL, "GTP-U is taken");
	run_samples(&ports[0], &ports[1], key, true, false);
	pair_close(ports);
	return 0;
}
