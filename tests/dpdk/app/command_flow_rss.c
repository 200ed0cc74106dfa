/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flow_rss: rte_flow rules with the action RSS, on a port whose own table leads everything to queue 0. Hash and
 * queue of what one matches must be those of DPDK's rte_softrss() over the rule's own queues.
 */
#include "samples.h"

#include <string.h>

#include <rte_errno.h>
#include <rte_flow.h>

#define QUEUES	 4u
#define SAMPLES	 32u
#define CONTEXTS 8u

#define ITEM(type_)                                \
	{                                          \
		.type = RTE_FLOW_ITEM_TYPE_##type_ \
	}

static const struct rte_flow_item any_ipv4[] = { ITEM(IPV4), ITEM(END) };
static const struct rte_flow_item any_ipv6[] = { ITEM(IPV6), ITEM(END) };
static const struct rte_flow_item any_udp[] = { ITEM(UDP), ITEM(END) };
static const struct rte_flow_item any_tcp[] = { ITEM(TCP), ITEM(END) };
static const struct rte_flow_item any_vxlan[] = { ITEM(VXLAN), ITEM(END) };
static const struct rte_flow_attr ingress = { .ingress = 1 };

#define ADDRESSES (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6)
#define PORTS                                                                      \
	(ADDRESSES | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP | \
	 RTE_ETH_RSS_NONFRAG_IPV4_SCTP | RTE_ETH_RSS_NONFRAG_IPV6_TCP |            \
	 RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_NONFRAG_IPV6_SCTP)

static const uint16_t some_queues[] = { 1, 3, 2 };

static struct rte_flow *try_create(const struct port *port, const struct rte_flow_item *pattern,
				   const struct rte_flow_action_rss *rss,
				   struct rte_flow_error *error)
{
	const struct rte_flow_action actions[] = {
		{ .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = rss },
		{ .type = RTE_FLOW_ACTION_TYPE_COUNT },
		{ .type = RTE_FLOW_ACTION_TYPE_END },
	};

	return rte_flow_create(port->id, &ingress, pattern, actions, error);
}

static struct rte_flow *create(const struct port *port, const struct rte_flow_item *pattern,
			       const struct rte_flow_action_rss *rss)
{
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow = try_create(port, pattern, rss, &error);

	CHECK(flow, "no rule: %s", error.message ? error.message : "?");
	return flow;
}

static void flush(const struct port *port)
{
	struct rte_flow_error error;

	CHECK(rte_flow_flush(port->id, &error) == 0, "rules cannot be flushed");
}

static void refused(const struct port *port, const struct rte_flow_action_rss *rss, int expected)
{
	struct rte_flow_error error = { 0 };

	CHECK(!try_create(port, any_udp, rss, &error) && rte_errno == expected && error.message,
	      "errno %d, not %d: %s", rte_errno, expected, error.message ? error.message : "-");
}

/* What a rule spreads by. */
struct expected {
	const uint8_t *key;
	const uint16_t *queues;
	uint32_t queue_count;
	bool ports, symmetric;
};

/* Over some queues, by addresses and ports and a key of 40 bytes. */
static struct rte_flow_action_rss by_ports(const uint8_t *key)
{
	return (struct rte_flow_action_rss){ .types = PORTS,
					     .key = key,
					     .key_len = 40,
					     .queue = some_queues,
					     .queue_num = RTE_DIM(some_queues) };
}

/* What a rule of by_ports() spreads by. */
static struct expected expected_of(const struct rte_flow_action_rss *rss)
{
	return (struct expected){
		.key = rss->key, .queues = rss->queue, .queue_count = rss->queue_num, .ports = true
	};
}

static uint32_t expected_hash(const struct expected *expected, const struct sample *sample)
{
	uint32_t address = sample->ipv6 ? 16 : 4;
	struct sample both = *sample;
	uint8_t *ports = both.tuple + 2 * address;

	if (expected->symmetric) {
		for (uint32_t i = 0; i < address; i++)
			both.tuple[i] = both.tuple[address + i] ^= both.tuple[i];
		for (uint32_t i = 0; i < 2; i++)
			ports[i] = ports[2 + i] ^= ports[i];
	}
	return sample_softrss(both.tuple, sample_tuple_bytes(sample, expected->ports),
			      expected->key);
}

static void sample_lands(const struct port *ports, const struct sample *sample,
			 const struct expected *expected, const char *what)
{
	uint32_t wanted = expected_hash(expected, sample);
	uint16_t queue, wanted_queue = expected->queues[(wanted & 127) % expected->queue_count];
	struct rte_mbuf *got = sample_pass(&ports[0], &ports[1], sample, QUEUES, &queue);

	CHECK(got->ol_flags & RTE_MBUF_F_RX_RSS_HASH && got->hash.rss == wanted,
	      "%s, protocol %u: hash %08x, not %08x", what, sample->protocol, got->hash.rss,
	      wanted);
	CHECK(queue == wanted_queue, "%s, protocol %u: queue %u, not %u", what, sample->protocol,
	      queue, wanted_queue);
	rte_pktmbuf_free(got);
}

/* Datagrams of chance of all kinds, which rules spread like that. */
static void all_land(const struct port *ports, bool tunnel, const struct expected *expected,
		     const char *what)
{
	for (uint32_t number = 0; number < SAMPLES; number++) {
		struct sample sample = sample_random(number, tunnel);

		sample_lands(ports, &sample, expected, what);
	}
}

/* Those come to queue 0. */
static void none_lands(const struct port *ports, const char *what)
{
	for (uint32_t number = 0; number < SAMPLES; number++) {
		struct sample sample = sample_random(number, false);
		uint16_t queue;
		struct rte_mbuf *got = sample_pass(&ports[0], &ports[1], &sample, QUEUES, &queue);

		CHECK(queue == 0, "%s: queue %u", what, queue);
		rte_pktmbuf_free(got);
	}
}

static void random_key(uint8_t key[40])
{
	for (uint32_t i = 0; i < 40; i++)
		key[i] = (uint8_t)check_random(256);
}

static void both_versions(const struct port *port, const struct rte_flow_action_rss *rss)
{
	create(port, any_ipv4, rss);
	create(port, any_ipv6, rss);
}

static void keys_types_and_functions(const struct port *ports)
{
	uint8_t key[40];
	struct rte_flow_action_rss rss = by_ports(key);
	struct expected expected = expected_of(&rss);

	none_lands(ports, "without rules");
	random_key(key);
	both_versions(&ports[1], &rss);
	all_land(ports, false, &expected, "a key");
	flush(&ports[1]);
	none_lands(ports, "after a flush");
	rss.types = ADDRESSES;
	expected.ports = false;
	both_versions(&ports[1], &rss);
	all_land(ports, false, &expected, "addresses");
	flush(&ports[1]);
	rss.types = PORTS;
	rss.func = RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ;
	expected.ports = expected.symmetric = true;
	both_versions(&ports[1], &rss);
	all_land(ports, false, &expected, "symmetric");
	flush(&ports[1]);
	rss.func = RTE_ETH_HASH_FUNCTION_TOEPLITZ;
	expected.symmetric = false;
	rss.level = 2;
	create(&ports[1], any_vxlan, &rss);
	all_land(ports, true, &expected, "inside of a tunnel");
	flush(&ports[1]);
}

/* What is left out is the port's, and two rules go two ways. */
static void defaults(const struct port *ports)
{
	static const uint16_t two[] = { 2 };
	uint8_t key[52];
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = sizeof(key) };
	const struct rte_flow_action_rss udp = { .queue = some_queues, .queue_num = 2 };
	const struct rte_flow_action_rss tcp = { .queue = two, .queue_num = 1 };
	struct expected for_udp = {
		.key = key, .queues = some_queues, .queue_count = 2, .ports = true
	};
	struct expected for_tcp = { .key = key, .queues = two, .queue_count = 1, .ports = true };
	const struct rte_flow_action count = { .type = RTE_FLOW_ACTION_TYPE_COUNT };
	struct rte_flow_query_count counts = { 0 };
	struct rte_flow_error error;
	struct rte_flow *flow;

	CHECK(rte_eth_dev_rss_hash_conf_get(ports[1].id, &conf) == 0, "no key");
	flow = create(&ports[1], any_udp, &udp);
	create(&ports[1], any_tcp, &tcp);
	for (uint32_t number = 0; number < SAMPLES; number++) {
		struct sample sample = sample_random(number, false);

		if (sample.protocol == 17)
			sample_lands(ports, &sample, &for_udp, "UDP");
		if (sample.protocol == 6)
			sample_lands(ports, &sample, &for_tcp, "TCP");
	}
	/* A quarter of the samples, half of which are IPv4: 58 bytes or 78. */
	CHECK(rte_flow_query(ports[1].id, flow, &count, &counts, &error) == 0 && counts.hits_set &&
		      counts.hits == SAMPLES / 4 && counts.bytes_set &&
		      counts.bytes == SAMPLES / 8 * (58 + 78),
	      "%llu hits, %llu bytes", (unsigned long long)counts.hits,
	      (unsigned long long)counts.bytes);
	flush(&ports[1]);
}

/* Rules that want the same share what the card has eight of. */
static void limits(struct port *ports)
{
	uint8_t key[40];
	struct rte_flow_action_rss rss = by_ports(key);
	struct expected expected = expected_of(&rss);
	struct rte_flow *flows[2 * CONTEXTS];
	struct rte_flow_error error = { 0 };

	random_key(key);
	for (uint16_t i = 0; i < 2 * CONTEXTS; i++) {
		const struct rte_flow_item_udp udp = { .hdr.src_port = rte_cpu_to_be_16(
							       (uint16_t)(i + 1)) };
		const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_UDP,
							   .spec = &udp,
							   .mask = &rte_flow_item_udp_mask },
							 ITEM(END) };

		key[0] = (uint8_t)(i / 2);
		flows[i] = create(&ports[1], pattern, &rss);
	}
	key[0] = CONTEXTS;
	refused(&ports[1], &rss, EDQUOT);
	CHECK(rte_flow_destroy(ports[1].id, flows[0], &error) == 0, "not destroyed");
	refused(&ports[1], &rss, EDQUOT);
	CHECK(rte_flow_destroy(ports[1].id, flows[1], &error) == 0, "not destroyed");
	both_versions(&ports[1], &rss);
	all_land(ports, false, &expected, "in the place of another");
	/* All of them come back. */
	port_stop(&ports[1]);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	all_land(ports, false, &expected, "after a stop");
	port_stop(&ports[1]);
	CHECK(rte_eth_dev_reset(ports[1].id) == 0, "the port is not reset");
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	all_land(ports, false, &expected, "after a reset");
	flush(&ports[1]);
	port_stop(&ports[1]);
	both_versions(&ports[1], &rss);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	all_land(ports, false, &expected, "made while the port was stopped");
	flush(&ports[1]);
}

static void nonsense(const struct port *port)
{
	static const uint16_t four[] = { 1, QUEUES };
	static uint16_t many[129];
	uint8_t key[40] = { 1 };
	const struct rte_flow_action_rss good = by_ports(key);
	struct rte_flow_action_rss bad = good;

	bad.queue = four;
	bad.queue_num = 2;
	refused(port, &bad, EINVAL);
	bad.queue = many;
	bad.queue_num = RTE_DIM(many);
	refused(port, &bad, EINVAL);
	bad.queue_num = 0;
	refused(port, &bad, EINVAL);
	bad = good;
	bad.key_len = 39;
	refused(port, &bad, EINVAL);
	bad = good;
	bad.key = NULL;
	refused(port, &bad, EINVAL);
	bad = good;
	bad.func = RTE_ETH_HASH_FUNCTION_SIMPLE_XOR;
	refused(port, &bad, ENOTSUP);
	bad = good;
	bad.types |= RTE_ETH_RSS_GTPU;
	refused(port, &bad, ENOTSUP);
	bad = good;
	bad.level = 3;
	refused(port, &bad, ENOTSUP);
}

/* The port's own spread: by ports, all to queue 0. */
static void spread_nothing(const struct port *port)
{
	struct rte_eth_rss_conf conf = { .rss_hf = PORTS };
	struct rte_eth_rss_reta_entry64 table[2] = { { .mask = UINT64_MAX },
						     { .mask = UINT64_MAX } };

	CHECK(rte_eth_dev_rss_hash_update(port->id, &conf) == 0, "types cannot be set");
	CHECK(rte_eth_dev_rss_reta_update(port->id, table, 128) == 0, "no table can be set");
}

int command_flow_rss(void)
{
	struct port_setup setup = { .queues = QUEUES,
				    .spread = true,
				    .mbufs = 16383,
				    .rx_offloads = RTE_ETH_RX_OFFLOAD_RSS_HASH };
	struct port ports[2];

	pair_up(ports, &setup);
	spread_nothing(&ports[1]);
	keys_types_and_functions(ports);
	defaults(ports);
	nonsense(&ports[1]);
	limits(ports);
	pair_close(ports);
	return 0;
}
