/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spread: UDP flows to a port with several receive queues. A flow stays in one queue and in order, every queue gets
 * some, and the indirection table decides which.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ip.h>
#include <rte_udp.h>

#define FLOWS	  256
#define PAYLOAD	  32
#define TIMEOUT_S 20.0

struct flow_frame {
	struct rte_ether_hdr ethernet;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	uint32_t flow, number;
	uint8_t rest[PAYLOAD - 8];
} __attribute__((packed, aligned(2)));

/* What was seen of a flow. */
struct flow_seen {
	uint32_t frames;
	int queue; /* -1: none yet */
	uint32_t hash;
};

static struct rte_mbuf *flow_make(const struct port *from, const struct port *to, uint32_t flow,
				  uint32_t number)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(from->pool);
	struct flow_frame *frame;

	if (!mbuf)
		return NULL;
	frame = (struct flow_frame *)rte_pktmbuf_append(mbuf, sizeof(*frame));
	memset(frame, 0, sizeof(*frame));
	frame->ethernet.dst_addr = to->mac;
	frame->ethernet.src_addr = from->mac;
	frame->ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	frame->ip.version_ihl = RTE_IPV4_VHL_DEF;
	frame->ip.total_length = rte_cpu_to_be_16(sizeof(*frame) - sizeof(frame->ethernet));
	frame->ip.time_to_live = 64;
	frame->ip.next_proto_id = 17;
	frame->ip.src_addr = rte_cpu_to_be_32(0xc0000201u);
	frame->ip.dst_addr = rte_cpu_to_be_32(0xc6336401u);
	frame->udp.src_port = rte_cpu_to_be_16((uint16_t)(1024 + flow));
	frame->udp.dst_port = rte_cpu_to_be_16(53);
	frame->udp.dgram_len = rte_cpu_to_be_16(sizeof(frame->udp) + PAYLOAD);
	frame->ip.hdr_checksum = rte_ipv4_cksum(&frame->ip);
	frame->flow = flow;
	frame->number = number;
	return mbuf;
}

/* Takes what a queue has; returns how many test frames. */
static uint32_t drain(const struct port *port, uint16_t queue, struct flow_seen *seen)
{
	struct rte_mbuf *frames[CHECK_BURST];
	uint16_t count = rte_eth_rx_burst(port->id, queue, frames, CHECK_BURST);
	uint32_t got = 0;

	for (uint16_t i = 0; i < count; i++) {
		const struct flow_frame *frame =
			rte_pktmbuf_mtod(frames[i], const struct flow_frame *);
		struct flow_seen *flow;

		if (frames[i]->pkt_len == sizeof(*frame) && frame->flow < FLOWS) {
			flow = &seen[frame->flow];
			CHECK(frame->number == flow->frames, "flow %u: frame %u came, %u was next",
			      frame->flow, frame->number, flow->frames);
			CHECK(flow->queue < 0 || flow->queue == queue,
			      "flow %u is in queues %d and %u", frame->flow, flow->queue, queue);
			CHECK(frames[i]->ol_flags & RTE_MBUF_F_RX_RSS_HASH, "flow %u has no hash",
			      frame->flow);
			CHECK(flow->queue < 0 || flow->hash == frames[i]->hash.rss,
			      "flow %u has two hashes", frame->flow);
			flow->queue = queue;
			flow->hash = frames[i]->hash.rss;
			flow->frames++;
			got++;
		}
		rte_pktmbuf_free(frames[i]);
	}
	return got;
}

/* `each` frames of every flow from one port to the other. */
static void run_flows(const struct port *from, const struct port *to, uint32_t each,
		      struct flow_seen *seen)
{
	uint32_t sent = 0, received = 0;
	double deadline = check_seconds() + TIMEOUT_S;

	for (uint32_t flow = 0; flow < FLOWS; flow++)
		seen[flow] = (struct flow_seen){ .queue = -1 };
	while (received < each * FLOWS) {
		if (sent < each * FLOWS && sent - received < 128) {
			struct rte_mbuf *frame = flow_make(from, to, sent % FLOWS, sent / FLOWS);

			if (frame &&
			    rte_eth_tx_burst(from->id, (uint16_t)(sent % from->setup.queues),
					     &frame, 1) == 1)
				sent++;
			else
				rte_pktmbuf_free(frame);
			/* The same transmit queue for a flow keeps it in order. */
			CHECK(FLOWS % from->setup.queues == 0, "flows must fit the queues");
		}
		for (uint16_t queue = 0; queue < to->setup.queues; queue++)
			received += drain(to, queue, seen);
		CHECK(check_seconds() < deadline, "%u of %u frames have come", received,
		      each * FLOWS);
	}
}

static void set_table(const struct port *port, uint16_t (*queue_of)(unsigned int entry))
{
	struct rte_eth_rss_reta_entry64 table[2], back[2];
	int error;

	memset(table, 0, sizeof(table));
	memset(back, 0, sizeof(back));
	for (unsigned int i = 0; i < 128; i++) {
		table[i / 64].mask |= UINT64_C(1) << i % 64;
		table[i / 64].reta[i % 64] = queue_of(i);
	}
	back[0].mask = back[1].mask = UINT64_MAX;
	error = rte_eth_dev_rss_reta_update(port->id, table, 128);
	CHECK(!error, "the table cannot be set: %s", rte_strerror(-error));
	error = rte_eth_dev_rss_reta_query(port->id, back, 128);
	CHECK(!error && memcmp(back[0].reta, table[0].reta, sizeof(table[0].reta)) == 0 &&
		      memcmp(back[1].reta, table[1].reta, sizeof(table[1].reta)) == 0,
	      "the table that is read is not the one that was set");
}

static uint16_t everything_to_two(unsigned int entry)
{
	RTE_SET_USED(entry);
	return 2;
}

static uint16_t one_and_three(unsigned int entry)
{
	return entry % 2 ? 3 : 1;
}

int command_spread(void)
{
	struct port_setup setup = { .queues = 4,
				    .spread = true,
				    .mbufs = 16383,
				    .rx_offloads = RTE_ETH_RX_OFFLOAD_RSS_HASH };
	struct flow_seen seen[FLOWS];
	uint32_t used[4] = { 0 };
	struct port ports[2];
	int error;

	pair_up(ports, &setup);
	run_flows(&ports[0], &ports[1], 20, seen);
	for (unsigned int flow = 0; flow < FLOWS; flow++)
		used[seen[flow].queue]++;
	for (unsigned int queue = 0; queue < 4; queue++)
		CHECK(used[queue] > FLOWS / 16, "queue %u has %u of %u flows", queue, used[queue],
		      FLOWS);
	printf("spread=%u,%u,%u,%u\n", used[0], used[1], used[2], used[3]);

	set_table(&ports[1], everything_to_two);
	run_flows(&ports[0], &ports[1], 5, seen);
	for (unsigned int flow = 0; flow < FLOWS; flow++)
		CHECK(seen[flow].queue == 2, "flow %u is in queue %d, not 2", flow,
		      seen[flow].queue);
	set_table(&ports[1], one_and_three);
	run_flows(&ports[0], &ports[1], 5, seen);
	for (unsigned int flow = 0; flow < FLOWS; flow++)
		CHECK(seen[flow].queue == 1 || seen[flow].queue == 3, "flow %u is in queue %d",
		      flow, seen[flow].queue);
	/* It stays over a restart. */
	port_stop(&ports[1]);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	run_flows(&ports[0], &ports[1], 5, seen);
	for (unsigned int flow = 0; flow < FLOWS; flow++)
		CHECK(seen[flow].queue == 1 || seen[flow].queue == 3,
		      "after a restart flow %u is in queue %d", flow, seen[flow].queue);
	for (unsigned int queue = 0; queue < 4; queue++) {
		char name[RTE_ETH_XSTATS_NAME_SIZE];
		struct rte_eth_stats stats = port_stats(&ports[1]);

		snprintf(name, sizeof(name), "driver_rx_q%u_errors", queue);
		CHECK(port_xstat(&ports[1], name) == 0, "queue %u has errors", queue);
		CHECK(stats.q_ipackets[queue] != 0, "queue %u counts nothing", queue);
	}
	{
		struct rte_eth_rss_reta_entry64 table[8];

		memset(table, 0xff, sizeof(table));
		memset(table[0].reta, 0, sizeof(table[0].reta));
		memset(table[1].reta, 0, sizeof(table[1].reta));
		memset(&table[2], 0, sizeof(table) - 2 * sizeof(table[0]));
		error = rte_eth_dev_rss_reta_update(ports[1].id, table, 512);
		CHECK(error == -EINVAL, "a table of 512 entries is taken: %d", error);
	}
	pair_close(ports);
	return 0;
}
