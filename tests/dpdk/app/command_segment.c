/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * segment: TCP and UDP packets of up to 50 KB in chains of mbufs, which the card is asked to cut, from one port to the other. What
 * arrives must have the payload in order, lengths, identifications and sequence numbers that follow each other, flags where they
 * belong, and checksums that DPDK's own functions find right.
 *
 * coalesce: the same to ports that make one packet of TCP segments again (LRO), which must be what was cut.
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

/* Looks at a packet of the payload from `at` on; returns how much of it that has. */
static uint32_t expect_part(const struct large *large, uint32_t at, const struct rte_mbuf *frame)
{
	static uint8_t whole[65536];
	uint32_t payload = frame->pkt_len - large->header_bytes;
	const uint8_t *bytes, *l3, *l4;
	uint32_t chained = 0;

	CHECK(frame->pkt_len > large->header_bytes && at + payload <= large->payload,
	      "%u bytes behind %u of payload", frame->pkt_len, at);
	for (const struct rte_mbuf *part = frame; part; part = part->next)
		chained += part->data_len;
	CHECK(chained == frame->pkt_len, "%u bytes in the chain, not %u", chained, frame->pkt_len);
	bytes = rte_pktmbuf_read(frame, 0, frame->pkt_len, whole);
	CHECK(memcmp(bytes + large->header_bytes, large->bytes + at, payload) == 0,
	      "the packet behind %u of payload has other payload", at);
	l3 = bytes + sizeof(struct rte_ether_hdr);
	l4 = l3 + large->l3_bytes;
	CHECK((frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD,
	      "behind %u of payload: flags %#lx", at, frame->ol_flags);
	if (!(frame->ol_flags & RTE_MBUF_F_RX_LRO)) {
		CHECK(payload <= large->mss, "a segment of %u bytes", payload);
		return payload;
	}
	const struct rte_tcp_hdr *tcp = (const void *)l4;
	uint8_t flags = RTE_TCP_ACK_FLAG;

	CHECK(!large->udp && frame->tso_segsz == large->mss && payload > large->mss,
	      "an aggregate of %u bytes, segments of %u", payload, frame->tso_segsz);
	CHECK((frame->packet_type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP, "packet type %#x",
	      frame->packet_type);
	if (large->ipv6) {
		const struct rte_ipv6_hdr *ip = (const void *)l3;

		CHECK(ip->payload_len == rte_cpu_to_be_16((uint16_t)(large->l4_bytes + payload)),
		      "IPv6's length behind %u of payload", at);
	} else {
		const struct rte_ipv4_hdr *ip = (const void *)l3;

		CHECK(ip->total_length ==
			      rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + large->l4_bytes + payload)),
		      "IPv4's length behind %u of payload", at);
		CHECK(ip->packet_id == rte_cpu_to_be_16((uint16_t)(large->id + at / large->mss)),
		      "identification behind %u of payload", at);
		CHECK(rte_raw_cksum(ip, sizeof(*ip)) == 0xffff,
		      "IPv4's checksum behind %u of payload", at);
	}
	if (!at)
		flags |= RTE_TCP_CWR_FLAG;
	if (at + payload == large->payload)
		flags |= RTE_TCP_PSH_FLAG | RTE_TCP_FIN_FLAG;
	CHECK(tcp->sent_seq == rte_cpu_to_be_32(large->sequence + at),
	      "sequence number behind %u of payload", at);
	CHECK(tcp->tcp_flags == flags, "TCP flags %#x behind %u of payload", tcp->tcp_flags, at);
	return payload;
}

/* Returns how many packets came. */
static uint32_t exchange_joined(const struct large *large, const struct port *from,
				const struct port *to)
{
	double deadline = check_seconds() + 10;
	struct rte_mbuf *frame = make(large, from), *got;
	uint32_t payload = 0, packets = 0;

	CHECK(rte_eth_tx_prepare(from->id, 0, &frame, 1) == 1, "prepare refuses a packet");
	while (!rte_eth_tx_burst(from->id, 0, &frame, 1))
		CHECK(check_seconds() < deadline, "a packet is not sent");
	while (payload < large->payload) {
		CHECK(check_seconds() < deadline, "%u of %u bytes come", payload, large->payload);
		if (!rte_eth_rx_burst(to->id, 0, &got, 1))
			continue;
		payload += expect_part(large, payload, got);
		packets++;
		rte_pktmbuf_free(got);
	}
	return packets;
}

int command_coalesce(void)
{
	const struct port_setup setup = { .rx_offloads = RX_OFFLOADS | RTE_ETH_RX_OFFLOAD_TCP_LRO,
					  .tx_offloads = TX_OFFLOADS,
					  .lro_bytes = WEIR_COALESCE_BYTES_MAX };
	uint32_t packets = 0, segments = 0;
	static struct large large;
	struct port ports[2];

	for (uint16_t i = 0; i < 2; i++) {
		port_open(&ports[i], i, &setup);
		port_start(&ports[i]);
	}
	for (uint16_t i = 0; i < 2; i++)
		port_wait_link(&ports[i]);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct port *from = &ports[round / 4 & 1], *to = &ports[!(round / 4 & 1)];

		choose(&large, round, from, to);
		uint32_t came = exchange_joined(&large, from, to);

		if (large.udp)
			continue;
		packets += came;
		segments += (large.payload + large.mss - 1) / large.mss;
	}
	CHECK(segments >= 8 * packets, "%u segments in %u packets", segments, packets);
	CHECK(port_xstat(&ports[0], "vport_rx_aggregates") +
			      port_xstat(&ports[1], "vport_rx_aggregates") >
		      0,
	      "the card counts no aggregates");
	printf("segments=%u packets=%u\n", segments, packets);
	for (uint16_t i = 0; i < 2; i++)
		port_close(&ports[i]);
	return 0;
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
