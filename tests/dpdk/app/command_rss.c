/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rss: frames of all kinds to a port of four queues, under keys and kinds of flows that the application chooses. Hash and queue must be
 * those of DPDK's rte_softrss(), the packet type that of what was sent.
 */
#include "samples.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>

#define QUEUES 4u
#define ROUNDS 40u

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
		struct sample sample = sample_random(round, inner);
		uint32_t wanted, type;
		struct rte_mbuf *got;
		uint16_t queue;

		wanted = sample_softrss(sample.tuple, sample_tuple_bytes(&sample, ports), key);
		type = datagram_type(&sample, inner);
		if (inner)
			type |= RTE_PTYPE_L3_IPV4_EXT_UNKNOWN | RTE_PTYPE_L4_UDP |
				RTE_PTYPE_TUNNEL_VXLAN;
		got = sample_pass(from, to, &sample, QUEUES, &queue);
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
