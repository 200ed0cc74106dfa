/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checksum: packets of many kinds and lengths, in one mbuf or several, whose checksums the card is asked to put in, from one port to
 * the other; DPDK's own functions say whether they are right, and the receiving port must say the same. Then wrong ones.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define RX_OFFLOADS (RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_SCTP_CKSUM)
#define TX_OFFLOADS                                                     \
	(RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM | \
	 RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_SCTP_CKSUM | \
	 RTE_ETH_TX_OFFLOAD_MULTI_SEGS)

struct kind {
	const char *name;
	uint8_t protocol;
	bool ipv6;
	uint8_t l4_bytes;
	uint64_t flags;
};

static const struct kind kinds[] = {
	{ "UDP over IPv4", IPPROTO_UDP, false, 8, RTE_MBUF_F_TX_UDP_CKSUM },
	{ "TCP over IPv4", IPPROTO_TCP, false, 20, RTE_MBUF_F_TX_TCP_CKSUM },
	{ "SCTP over IPv4", IPPROTO_SCTP, false, 12, RTE_MBUF_F_TX_SCTP_CKSUM },
	{ "UDP over IPv6", IPPROTO_UDP, true, 8, RTE_MBUF_F_TX_UDP_CKSUM },
	{ "TCP over IPv6", IPPROTO_TCP, true, 20, RTE_MBUF_F_TX_TCP_CKSUM },
	{ "SCTP over IPv6", IPPROTO_SCTP, true, 12, RTE_MBUF_F_TX_SCTP_CKSUM },
};

static uint16_t l3_bytes(const struct kind *kind)
{
	return kind->ipv6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
}

/* The packet in one piece, checksums zero; returns its length. */
static uint16_t write_packet(uint8_t *at, const struct kind *kind, const struct port *from,
			     const struct port *to, uint16_t payload)
{
	uint16_t l4_bytes = (uint16_t)(kind->l4_bytes + payload);
	uint8_t *l4 = frame_headers(at, from, to,
				    &(struct datagram){ .ipv6 = kind->ipv6,
							.protocol = kind->protocol,
							.bytes = l4_bytes });

	memset(l4, 0, kind->l4_bytes);
	memcpy(l4, "\x12\x34\x56\x78", 4);
	if (kind->protocol == IPPROTO_UDP)
		((struct rte_udp_hdr *)(void *)l4)->dgram_len = rte_cpu_to_be_16(l4_bytes);
	if (kind->protocol == IPPROTO_TCP)
		((struct rte_tcp_hdr *)(void *)l4)->data_off = 5 << 4;
	for (uint16_t i = 0; i < payload; i++)
		l4[kind->l4_bytes + i] = (uint8_t)check_random(256);
	return (uint16_t)(l4 - at + l4_bytes);
}

/* The packet in up to `segments` mbufs, the first one with all its headers. */
static struct rte_mbuf *make(const struct kind *kind, const struct port *from,
			     const struct port *to, uint16_t payload, uint16_t segments)
{
	static uint8_t packet[2048];
	uint16_t bytes = write_packet(packet, kind, from, to, payload), at = 0;
	uint16_t headers =
		(uint16_t)(sizeof(struct rte_ether_hdr) + l3_bytes(kind) + kind->l4_bytes);
	struct rte_mbuf *frame = NULL;

	while (at < bytes) {
		struct rte_mbuf *segment = rte_pktmbuf_alloc(from->pool);
		uint16_t left = (uint16_t)(bytes - at), take = left;

		CHECK(segment, "the pool is empty");
		if (segments > 1)
			take = RTE_MIN(left, (uint16_t)(1 + check_random(left)));
		if (!frame)
			take = RTE_MAX(take, headers);
		memcpy(rte_pktmbuf_append(segment, take), packet + at, take);
		at = (uint16_t)(at + take);
		segments--;
		if (frame)
			CHECK(!rte_pktmbuf_chain(frame, segment), "no chain");
		else
			frame = segment;
	}
	frame->l2_len = sizeof(struct rte_ether_hdr);
	frame->l3_len = l3_bytes(kind);
	frame->l4_len = kind->l4_bytes;
	frame->ol_flags = kind->flags | (kind->ipv6 ? RTE_MBUF_F_TX_IPV6
						    : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
	return frame;
}

/* What DPDK's own arithmetic says of the L4 checksum. */
static bool l4_right(const struct kind *kind, const struct rte_mbuf *frame)
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(frame, const uint8_t *, 14);
	const uint8_t *l4 = l3 + l3_bytes(kind);
	uint16_t l4_offset = (uint16_t)(14 + l3_bytes(kind));

	if (kind->protocol == IPPROTO_SCTP) {
		static uint8_t copy[2048];
		uint32_t bytes = frame->pkt_len - l4_offset, held;

		memcpy(copy, l4, bytes);
		memcpy(&held, copy + offsetof(struct rte_sctp_hdr, cksum), sizeof(held));
		memset(copy + offsetof(struct rte_sctp_hdr, cksum), 0, sizeof(held));
		return rte_le_to_cpu_32(held) == ~rte_hash_crc(copy, bytes, 0xffffffffu);
	}
	return !(kind->ipv6 ? rte_ipv6_udptcp_cksum_verify((const void *)l3, l4)
			    : rte_ipv4_udptcp_cksum_verify((const void *)l3, l4));
}

static struct rte_mbuf *exchange(const struct port *from, const struct port *to,
				 struct rte_mbuf *frame, bool prepare)
{
	double deadline = check_seconds() + 10;
	struct rte_mbuf *got;

	if (prepare)
		CHECK(rte_eth_tx_prepare(from->id, 0, &frame, 1) == 1, "prepare refuses a frame");
	CHECK(rte_eth_tx_burst(from->id, 0, &frame, 1) == 1, "a frame is not sent");
	do {
		if (rte_eth_rx_burst(to->id, 0, &got, 1))
			return got;
	} while (check_seconds() < deadline);
	check_fail("a frame does not come");
}

static void expect(const struct kind *kind, const struct rte_mbuf *frame, bool right,
		   uint16_t payload)
{
	uint64_t ip = frame->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK,
		 l4 = frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	CHECK(l4_right(kind, frame) == right, "%s, %u bytes of payload: the checksum is %s",
	      kind->name, payload, right ? "wrong" : "right");
	CHECK(l4 == (right ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : RTE_MBUF_F_RX_L4_CKSUM_BAD),
	      "%s, %u bytes of payload: flags %#lx", kind->name, payload, frame->ol_flags);
	CHECK(ip == (kind->ipv6 ? RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN : RTE_MBUF_F_RX_IP_CKSUM_GOOD),
	      "%s, %u bytes of payload: flags %#lx", kind->name, payload, frame->ol_flags);
	if (!kind->ipv6) {
		const struct rte_ipv4_hdr *header =
			rte_pktmbuf_mtod_offset(frame, const struct rte_ipv4_hdr *, 14);

		CHECK(rte_raw_cksum(header, sizeof(*header)) == 0xffff,
		      "%s: the checksum of the IPv4 header is wrong", kind->name);
	}
}

int command_checksum(void)
{
	const struct port_setup setup = { .rx_offloads = RX_OFFLOADS, .tx_offloads = TX_OFFLOADS };
	struct port ports[2];
	uint32_t frames = 0, bad = 0;

	pair_up(ports, &setup);
	for (uint16_t payload = 0; payload < 1440; payload++) {
		const struct kind *kind = &kinds[payload % RTE_DIM(kinds)];
		const struct port *from = &ports[payload & 1], *to = &ports[!(payload & 1)];
		struct rte_mbuf *frame =
			make(kind, from, to, payload, (uint16_t)(1 + check_random(5)));

		frame = exchange(from, to, frame, true);
		expect(kind, frame, true, payload);
		/* Back as it is, but for a bit: nothing is put in. */
		if (kind->protocol != IPPROTO_UDP || payload > 1) {
			struct rte_ether_hdr *ether = rte_pktmbuf_mtod(frame, void *);

			ether->dst_addr = from->mac;
			ether->src_addr = to->mac;
			*rte_pktmbuf_mtod_offset(frame, uint8_t *, 14 + l3_bytes(kind) + 2) ^= 1;
			frame->ol_flags = 0;
			frame = exchange(to, from, frame, false);
			expect(kind, frame, false, payload);
			bad++;
		}
		rte_pktmbuf_free(frame);
		frames++;
	}
	CHECK(port_xstat(&ports[0], "vport_rx_checksum_bad") +
			      port_xstat(&ports[1], "vport_rx_checksum_bad") ==
		      bad,
	      "the functions count other than %u bad ones", bad);
	printf("frames=%u\n", frames);
	pair_close(ports);
	return 0;
}
