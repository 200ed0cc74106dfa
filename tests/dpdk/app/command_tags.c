/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tags: two tags at once, 802.1ad outside and 802.1Q inside, put in on transmit by port 0 (QINQ_INSERT) and taken out on receive by
 * port 1 (QINQ_STRIP, VLAN_STRIP, both), short frames and long ones, plain ones and ones that are cut.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#define ETHERTYPE 0x88b6
#define TIMEOUT_S 10.0
#define OUTER	  0xa0c8 /* priority 5, VLAN 200 */
#define INNER	  0x6007 /* priority 3, VLAN 7 */

/* Numbers its bytes behind the type. */
static struct rte_mbuf *frame_of(const struct port *from, const struct port *to, uint16_t bytes)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(from->pool);
	struct rte_ether_hdr *ethernet;

	CHECK(frame, "no mbuf");
	ethernet = (struct rte_ether_hdr *)rte_pktmbuf_append(frame, bytes);
	CHECK(ethernet, "a frame of %u bytes does not fit", bytes);
	for (uint16_t i = sizeof(*ethernet); i < bytes; i++)
		((uint8_t *)ethernet)[i] = (uint8_t)(i * 7u + i / 256u);
	ethernet->dst_addr = to->mac;
	ethernet->src_addr = from->mac;
	ethernet->ether_type = RTE_BE16(ETHERTYPE);
	return frame;
}

static void send_one(const struct port *from, struct rte_mbuf *frame)
{
	double deadline = check_seconds() + TIMEOUT_S;

	CHECK(rte_eth_tx_prepare(from->id, 0, &frame, 1) == 1, "a frame is refused");
	while (rte_eth_tx_burst(from->id, 0, &frame, 1) != 1)
		CHECK(check_seconds() < deadline, "port %u does not send", from->id);
}

static struct rte_mbuf *receive_one(const struct port *to)
{
	double deadline = check_seconds() + TIMEOUT_S;
	struct rte_mbuf *frame;

	while (rte_eth_rx_burst(to->id, 0, &frame, 1) != 1)
		CHECK(check_seconds() < deadline, "nothing arrives at port %u", to->id);
	return frame;
}

/* The frame has these tags in it, and behind them what frame_of() wrote. */
static void check_frame(const struct rte_mbuf *frame, const uint8_t *tags, uint16_t tag_bytes,
			uint16_t bytes)
{
	const uint8_t *data = rte_pktmbuf_mtod(frame, const uint8_t *);

	CHECK(frame->nb_segs == 1 && frame->pkt_len == (uint32_t)bytes + tag_bytes,
	      "%u bytes in %u segments, sent were %u", frame->pkt_len, frame->nb_segs, bytes);
	CHECK(!memcmp(data + 12, tags, tag_bytes), "other tags: %02x%02x%02x%02x%02x%02x%02x%02x",
	      data[12], data[13], data[14], data[15], data[16], data[17], data[18], data[19]);
	data += tag_bytes;
	CHECK(data[12] == ETHERTYPE >> 8 && data[13] == (ETHERTYPE & 0xff), "type %02x%02x",
	      data[12], data[13]);
	for (uint16_t i = 14; i < bytes; i++)
		CHECK(data[i] == (uint8_t)(i * 7u + i / 256u), "byte %u is %02x", i, data[i]);
}

#define TAG_FLAGS                                                                \
	(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ | \
	 RTE_MBUF_F_RX_QINQ_STRIPPED)

/* What a received frame says of its tags. */
static unsigned long long told(const struct rte_mbuf *frame)
{
	return frame->ol_flags & TAG_FLAGS;
}

static void set_offload(const struct port *port, int mask)
{
	int error = rte_eth_dev_set_vlan_offload(port->id, mask);

	CHECK(!error, "VLAN offloads %x: %d", mask, error);
}

/* What a receiver gets of a frame with both tags, by its offloads. */
static const struct {
	int offloads;
	uint64_t flags;
	uint16_t tag_bytes; /* in the frame, from the inner one on; 8: both */
	uint16_t tci, outer;
} expectations[] = {
	{ 0, 0, 8, 0, 0 },
	{ RTE_ETH_VLAN_STRIP_OFFLOAD, 0, 8, 0, 0 },
	{ RTE_ETH_QINQ_STRIP_OFFLOAD,
	  RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED, 4, INNER, OUTER },
	{ RTE_ETH_QINQ_STRIP_OFFLOAD | RTE_ETH_VLAN_STRIP_OFFLOAD, TAG_FLAGS, 0, INNER, OUTER },
};

static void check_both_tags(const struct port *ports)
{
	static const uint8_t tags[] = { 0x88, 0xa8, OUTER >> 8, OUTER & 0xff,
					0x81, 0x00, INNER >> 8, INNER & 0xff };

	for (size_t i = 0; i < RTE_DIM(expectations); i++) {
		set_offload(&ports[1], expectations[i].offloads);
		for (uint16_t bytes = 60; bytes <= 1514; bytes += 97) {
			struct rte_mbuf *frame = frame_of(&ports[0], &ports[1], bytes);

			frame->ol_flags |= RTE_MBUF_F_TX_QINQ | RTE_MBUF_F_TX_VLAN;
			frame->vlan_tci = INNER;
			frame->vlan_tci_outer = OUTER;
			send_one(&ports[0], frame);
			frame = receive_one(&ports[1]);
			CHECK(told(frame) == expectations[i].flags, "offloads %x: flags %llx",
			      expectations[i].offloads, told(frame));
			if (expectations[i].flags)
				CHECK(frame->vlan_tci == expectations[i].tci &&
					      frame->vlan_tci_outer == expectations[i].outer,
				      "tci %x, outer %x", frame->vlan_tci, frame->vlan_tci_outer);
			check_frame(frame, tags + 8 - expectations[i].tag_bytes,
				    expectations[i].tag_bytes, bytes);
			rte_pktmbuf_free(frame);
		}
	}
	printf("two tags put in and taken out\n");
}

/* A single tag of either kind is told as the one that there is. */
static void check_single_tags(const struct port *ports)
{
	static const uint8_t service[] = { 0x88, 0xa8, OUTER >> 8, OUTER & 0xff };

	set_offload(&ports[1], RTE_ETH_QINQ_STRIP_OFFLOAD | RTE_ETH_VLAN_STRIP_OFFLOAD);
	for (int kind = 0; kind < 2; kind++) {
		struct rte_mbuf *frame = frame_of(&ports[0], &ports[1], 200);

		if (kind) {
			uint8_t *data = (uint8_t *)rte_pktmbuf_prepend(frame, 4);

			CHECK(data, "no headroom");
			memmove(data, data + 4, 12);
			memcpy(data + 12, service, 4);
		} else {
			frame->ol_flags |= RTE_MBUF_F_TX_VLAN;
			frame->vlan_tci = INNER;
		}
		send_one(&ports[0], frame);
		frame = receive_one(&ports[1]);
		CHECK(told(frame) == (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED),
		      "flags %llx", told(frame));
		CHECK(frame->vlan_tci == (kind ? OUTER : INNER), "tci %x", frame->vlan_tci);
		check_frame(frame, service, 0, 200);
		rte_pktmbuf_free(frame);
	}
	printf("single tags told\n");
}

/* Segments have both tags, and checksums that are right behind them. */
static void check_cut(const struct port *ports)
{
	const uint16_t mss = 500, payload = 1300;
	const uint16_t headers = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) +
				 sizeof(struct rte_tcp_hdr);
	struct rte_mbuf *frame = frame_of(&ports[0], &ports[1], headers + payload);
	struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(frame, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ethernet + 1);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
	uint32_t left = payload;

	ethernet->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	*ip = (struct rte_ipv4_hdr){ .version_ihl = 0x45,
				     .total_length = rte_cpu_to_be_16(headers - 14 + payload),
				     .time_to_live = 9,
				     .next_proto_id = IPPROTO_TCP,
				     .src_addr = RTE_BE32(0x0a000001),
				     .dst_addr = RTE_BE32(0x0a000002) };
	*tcp = (struct rte_tcp_hdr){ .data_off = 0x50, .tcp_flags = RTE_TCP_ACK_FLAG };
	frame->l2_len = sizeof(*ethernet);
	frame->l3_len = sizeof(*ip);
	frame->l4_len = sizeof(*tcp);
	frame->tso_segsz = mss;
	frame->ol_flags |= RTE_MBUF_F_TX_QINQ | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4 |
			   RTE_MBUF_F_TX_IP_CKSUM;
	frame->vlan_tci = INNER;
	frame->vlan_tci_outer = OUTER;
	set_offload(&ports[1], RTE_ETH_QINQ_STRIP_OFFLOAD | RTE_ETH_VLAN_STRIP_OFFLOAD);
	send_one(&ports[0], frame);
	while (left) {
		uint16_t part = (uint16_t)RTE_MIN(left, mss);

		frame = receive_one(&ports[1]);
		ip = rte_pktmbuf_mtod_offset(frame, struct rte_ipv4_hdr *, sizeof(*ethernet));
		tcp = (struct rte_tcp_hdr *)(ip + 1);
		CHECK(told(frame) == TAG_FLAGS && frame->vlan_tci == INNER &&
			      frame->vlan_tci_outer == OUTER,
		      "tci %x, outer %x, flags %llx", frame->vlan_tci, frame->vlan_tci_outer,
		      told(frame));
		CHECK(frame->pkt_len == (uint32_t)headers + part, "a segment of %u bytes",
		      frame->pkt_len);
		CHECK(rte_ipv4_cksum(ip) == 0 || rte_ipv4_cksum(ip) == 0xffff, "IPv4 checksum");
		CHECK(rte_ipv4_udptcp_cksum_verify(ip, tcp) == 0, "TCP checksum");
		CHECK(rte_be_to_cpu_32(tcp->sent_seq) == payload - left, "sequence number");
		left -= part;
		rte_pktmbuf_free(frame);
	}
	printf("cut behind two tags\n");
}

int command_tags(void)
{
	struct port_setup setup = {
		.mbufs = 4095,
		.rx_offloads = RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_QINQ_STRIP,
		.tx_offloads = RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_QINQ_INSERT |
			       RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM
	};
	struct port ports[2];

	for (uint16_t i = 0; i < 2; i++) {
		port_open(&ports[i], i, &setup);
		port_start(&ports[i]);
	}
	for (unsigned int i = 0; i < 2; i++)
		port_wait_link(&ports[i]);
	check_both_tags(ports);
	check_single_tags(ports);
	check_cut(ports);
	for (unsigned int i = 0; i < 2; i++)
		port_close(&ports[i]);
	return 0;
}
