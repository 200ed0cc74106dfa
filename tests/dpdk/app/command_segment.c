/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * segment: TCP and UDP packets of up to 50 KB in chains of mbufs, which the card is asked to cut, from one port to the other. What
 * arrives must have the payload in order, lengths, identifications and sequence numbers that follow each other, flags where they
 * belong, and checksums that DPDK's own functions find right.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "weir/weir_abi.h"

#define RX_OFFLOADS RTE_ETH_RX_OFFLOAD_CHECKSUM
#define TX_OFFLOADS                                                     \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | \
	 RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS | \
	 RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_UDP_TSO)
#define PAYLOAD_MOST  50000u
#define SEGMENTS_MOST 200u /* the receiver has buffers for */
#define ROUNDS	      400u
#define TCP_FLAGS     (RTE_TCP_CWR_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG)

struct large {
	bool udp, ipv6;
	uint32_t payload, sequence;
	uint16_t mss, id;
	uint16_t header_bytes, l3_bytes, l4_bytes;
	uint8_t header[128];
	uint8_t bytes[PAYLOAD_MOST];
};

static void write_header(struct large *large, const struct port *from, const struct port *to)
{
	uint16_t l4_bytes = (uint16_t)(large->l4_bytes + large->payload);
	uint8_t *l4;

	memset(large->header, 0, sizeof(large->header));
	l4 = frame_headers(large->header, from, to,
			   &(struct datagram){ .ipv6 = large->ipv6,
					       .protocol = large->udp ? IPPROTO_UDP : IPPROTO_TCP,
					       .bytes = l4_bytes,
					       .id = large->id });
	memcpy(l4, "\x12\x34\x56\x78", 4);
	if (large->udp) {
		((struct rte_udp_hdr *)(void *)l4)->dgram_len = rte_cpu_to_be_16(l4_bytes);
	} else {
		struct rte_tcp_hdr *tcp = (void *)l4;

		tcp->sent_seq = rte_cpu_to_be_32(large->sequence);
		tcp->data_off = (uint8_t)(large->l4_bytes / 4 << 4);
		tcp->tcp_flags = TCP_FLAGS;
		memset(tcp + 1, 1, large->l4_bytes - sizeof(*tcp));
	}
}

static void choose(struct large *large, uint32_t round, const struct port *from,
		   const struct port *to)
{
	uint32_t least;

	large->udp = round & 1;
	large->ipv6 = round & 2;
	large->l3_bytes = large->ipv6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	large->l4_bytes = large->udp ? 8 : (uint16_t)(20 + 4 * check_random(11));
	large->header_bytes =
		(uint16_t)(sizeof(struct rte_ether_hdr) + large->l3_bytes + large->l4_bytes);
	large->payload = 1 + check_random(round % 5 ? PAYLOAD_MOST : 3000);
	least = RTE_MAX(WEIR_SEGMENT_MIN_BYTES, large->payload / SEGMENTS_MOST + 1);
	large->mss = (uint16_t)(least + check_random(1514 - large->header_bytes - least + 1));
	large->sequence = check_random(UINT32_MAX);
	large->id = (uint16_t)check_random(65536);
	for (uint32_t i = 0; i < large->payload; i++)
		large->bytes[i] = (uint8_t)check_random(256);
	write_header(large, from, to);
}

/* In mbufs: headers alone or with payload behind them, then what is left. */
static struct rte_mbuf *make(const struct large *large, const struct port *from)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(from->pool), *last = frame;
	uint32_t done = check_random(2) ? 0 : check_random(RTE_MIN(large->payload, 500u) + 1);

	CHECK(frame, "the pool is empty");
	memcpy(rte_pktmbuf_append(frame, large->header_bytes), large->header, large->header_bytes);
	memcpy(rte_pktmbuf_append(frame, (uint16_t)done), large->bytes, done);
	while (done < large->payload) {
		struct rte_mbuf *segment = rte_pktmbuf_alloc(from->pool);
		uint32_t take;

		CHECK(segment, "the pool is empty");
		take = RTE_MIN(large->payload - done, (uint32_t)rte_pktmbuf_tailroom(segment));
		memcpy(rte_pktmbuf_append(segment, (uint16_t)take), large->bytes + done, take);
		done += take;
		last->next = segment;
		last = segment;
		frame->nb_segs++;
		frame->pkt_len += take;
	}
	frame->l2_len = sizeof(struct rte_ether_hdr);
	frame->l3_len = large->l3_bytes;
	frame->l4_len = large->l4_bytes & 0xff;
	frame->tso_segsz = large->mss;
	frame->ol_flags =
		(large->udp ? RTE_MBUF_F_TX_UDP_SEG : RTE_MBUF_F_TX_TCP_SEG) |
		(large->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
	return frame;
}

static void expect(const struct large *large, uint32_t number, const struct rte_mbuf *frame)
{
	uint32_t at = number * large->mss, bytes = RTE_MIN(large->payload - at, large->mss);
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(frame, const uint8_t *, 14),
		      *l4 = l3 + large->l3_bytes;
	uint16_t l4_bytes = (uint16_t)(large->l4_bytes + bytes);
	bool last = at + bytes == large->payload, right;

	CHECK(frame->pkt_len == large->header_bytes + bytes, "segment %u has %u bytes, not %u",
	      number, frame->pkt_len, large->header_bytes + bytes);
	CHECK(memcmp(l4 + large->l4_bytes, large->bytes + at, bytes) == 0,
	      "segment %u has other payload", number);
	CHECK((frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD,
	      "segment %u: flags %#lx", number, frame->ol_flags);
	if (large->ipv6) {
		const struct rte_ipv6_hdr *ip = (const void *)l3;

		CHECK(ip->payload_len == rte_cpu_to_be_16(l4_bytes), "segment %u: IPv6's length",
		      number);
		right = !rte_ipv6_udptcp_cksum_verify(ip, l4);
	} else {
		const struct rte_ipv4_hdr *ip = (const void *)l3;

		CHECK(ip->total_length == rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + l4_bytes)),
		      "segment %u: IPv4's length", number);
		CHECK(ip->packet_id == rte_cpu_to_be_16((uint16_t)(large->id + number)),
		      "segment %u: identification", number);
		CHECK(rte_raw_cksum(ip, sizeof(*ip)) == 0xffff, "segment %u: IPv4's checksum",
		      number);
		right = !rte_ipv4_udptcp_cksum_verify(ip, l4);
	}
	CHECK(right, "segment %u: checksum", number);
	if (large->udp) {
		CHECK(((const struct rte_udp_hdr *)(const void *)l4)->dgram_len ==
			      rte_cpu_to_be_16(l4_bytes),
		      "segment %u: UDP's length", number);
		return;
	}
	const struct rte_tcp_hdr *tcp = (const void *)l4;
	uint8_t flags = TCP_FLAGS;

	if (number)
		flags &= (uint8_t)~RTE_TCP_CWR_FLAG;
	if (!last)
		flags &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
	CHECK(tcp->sent_seq == rte_cpu_to_be_32(large->sequence + at),
	      "segment %u: sequence number", number);
	CHECK(tcp->tcp_flags == flags, "segment %u: TCP flags %#x", number, tcp->tcp_flags);
}

static uint32_t exchange(const struct large *large, const struct port *from, const struct port *to)
{
	uint32_t segments = (large->payload + large->mss - 1) / large->mss, seen = 0;
	double deadline = check_seconds() + 10;
	struct rte_mbuf *frame = make(large, from), *got;

	CHECK(rte_eth_tx_prepare(from->id, 0, &frame, 1) == 1, "prepare refuses a packet");
	while (!rte_eth_tx_burst(from->id, 0, &frame, 1))
		CHECK(check_seconds() < deadline, "a packet is not sent");
	while (seen < segments) {
		CHECK(check_seconds() < deadline, "segment %u of %u does not come", seen, segments);
		if (!rte_eth_rx_burst(to->id, 0, &got, 1))
			continue;
		expect(large, seen++, got);
		rte_pktmbuf_free(got);
	}
	return segments;
}

int command_segment(void)
{
	const struct port_setup setup = { .rx_offloads = RX_OFFLOADS, .tx_offloads = TX_OFFLOADS };
	static struct large large;
	struct port ports[2];
	uint32_t segments = 0;

	pair_up(ports, &setup);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct port *from = &ports[round / 4 & 1], *to = &ports[!(round / 4 & 1)];

		choose(&large, round, from, to);
		segments += exchange(&large, from, to);
	}
	CHECK(port_xstat(&ports[0], "vport_tx_segmented") +
			      port_xstat(&ports[1], "vport_tx_segmented") ==
		      ROUNDS,
	      "the card has cut other than %u packets", ROUNDS);
	printf("segments=%u\n", segments);
	pair_close(ports);
	return 0;
}
