/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * split: frames of many kinds, sent by port 0, to port 1, which splits them by length, then behind each header that it says it can
 * (RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT). Where headers end is DPDK's word (rte_net_get_ptype()); whatever else is told of a frame must be what
 * was told of it before anything was split. And what cannot be is refused.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf_dyn.h>
#include <rte_net.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define TIMEOUT_S    20.0
#define HEADER_ROOM  256u
#define REST_ROOM    2176u
#define SMALL_ROOM   320u
#define TUNNEL_BYTES 16u /* UDP and VXLAN or GENEVE */
#define BURST	     15u
#define KINDS	     60u
#define FRAMES	     (3 * KINDS)
#define SCTP	     132
#define RX_OFFLOADS                                                  \
	(RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_RSS_HASH | \
	 RTE_ETH_RX_OFFLOAD_TIMESTAMP | RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT)

/* Headers behind which frames can be split; and of which frames. */
struct header {
	uint32_t type;
	uint8_t layer; /* 2 to 4 */
	bool ipv6;
	uint8_t protocol;
	uint16_t tunnel; /* port of the UDP header around the frame, or 0 */
};

#define OVER(v6, ip)                                                                   \
	{ RTE_PTYPE_L2_ETHER | ip, 3, v6, 0, 0 },                                      \
		{ RTE_PTYPE_L2_ETHER | ip | RTE_PTYPE_L4_TCP, 4, v6, IPPROTO_TCP, 0 }, \
		{ RTE_PTYPE_L2_ETHER | ip | RTE_PTYPE_L4_UDP, 4, v6, IPPROTO_UDP, 0 }, \
		{ RTE_PTYPE_L2_ETHER | ip | RTE_PTYPE_L4_SCTP, 4, v6, SCTP, 0 },       \
	{                                                                              \
		RTE_PTYPE_L2_ETHER | ip | RTE_PTYPE_L4_ICMP, 4, v6, v6 ? 58 : 1, 0     \
	}
#define INSIDE(v6, ip, around, port)                                                             \
	{ around | RTE_PTYPE_INNER_L2_ETHER | ip | RTE_PTYPE_INNER_L4_TCP, 4, v6, IPPROTO_TCP,   \
	  port },                                                                                \
		{ around | RTE_PTYPE_INNER_L2_ETHER | ip | RTE_PTYPE_INNER_L4_UDP, 4, v6,        \
		  IPPROTO_UDP, port },                                                           \
		{ around | RTE_PTYPE_INNER_L2_ETHER | ip | RTE_PTYPE_INNER_L4_SCTP, 4, v6, SCTP, \
		  port },                                                                        \
	{                                                                                        \
		around | RTE_PTYPE_INNER_L2_ETHER | ip | RTE_PTYPE_INNER_L4_ICMP, 4, v6,         \
			v6 ? 58 : 1, port                                                        \
	}

static const struct header headers[] = {
	{ RTE_PTYPE_L2_ETHER, 2, false, 0, 0 },
	OVER(false, RTE_PTYPE_L3_IPV4_EXT_UNKNOWN),
	OVER(true, RTE_PTYPE_L3_IPV6_EXT_UNKNOWN),
	INSIDE(false, RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN, RTE_PTYPE_TUNNEL_VXLAN, 4789),
	INSIDE(true, RTE_PTYPE_INNER_L3_IPV6_EXT_UNKNOWN, RTE_PTYPE_TUNNEL_VXLAN, 4789),
	INSIDE(false, RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN, RTE_PTYPE_TUNNEL_GENEVE, 6081),
	INSIDE(true, RTE_PTYPE_INNER_L3_IPV6_EXT_UNKNOWN, RTE_PTYPE_TUNNEL_GENEVE, 6081),
};

/* --- frames --------------------------------------------------------------------------------------- */

/* A frame, and what an unsplit queue told of it. */
struct test_frame {
	uint8_t bytes[3072];
	uint32_t length;
	bool ipv6;
	uint8_t protocol;
	uint16_t tunnel;
	uint64_t flags;
	uint32_t type, hash;
	uint16_t tci;
};

static struct test_frame frames[FRAMES];

static void write_l4(uint8_t *l3, uint8_t *l4, uint8_t protocol, bool ipv6)
{
	uint16_t sum;

	if (protocol == IPPROTO_TCP) {
		struct rte_tcp_hdr *tcp = (void *)l4;

		tcp->data_off = 0x50;
		tcp->cksum = 0;
		sum = ipv6 ? rte_ipv6_udptcp_cksum((void *)l3, tcp)
			   : rte_ipv4_udptcp_cksum((void *)l3, tcp);
		tcp->cksum = sum;
	} else if (protocol == IPPROTO_UDP) {
		struct rte_udp_hdr *udp = (void *)l4;

		udp->dgram_cksum = 0;
		udp->dst_port = RTE_BE16(9);
		udp->dgram_len =
			ipv6 ? ((struct rte_ipv6_hdr *)(void *)l3)->payload_len
			     : rte_cpu_to_be_16((
				       uint16_t)(rte_be_to_cpu_16(((struct rte_ipv4_hdr *)(void *)l3)
									  ->total_length) -
						 sizeof(struct rte_ipv4_hdr)));
		sum = ipv6 ? rte_ipv6_udptcp_cksum((void *)l3, udp)
			   : rte_ipv4_udptcp_cksum((void *)l3, udp);
		udp->dgram_cksum = sum;
	}
}

static uint8_t *datagram(uint8_t *at, const struct port *from, const struct port *to, bool ipv6,
			 uint8_t protocol, uint16_t bytes)
{
	const struct datagram spec = { .ipv6 = ipv6, .protocol = protocol, .bytes = bytes };
	uint8_t *l3 = at + sizeof(struct rte_ether_hdr), *l4 = frame_headers(at, from, to, &spec);

	if (!ipv6)
		((struct rte_ipv4_hdr *)(void *)l3)->hdr_checksum =
			rte_ipv4_cksum((struct rte_ipv4_hdr *)(void *)l3);
	return l4;
}

static void write_frame(struct test_frame *frame, uint32_t number, const struct port *from,
			const struct port *to)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, SCTP, 1, 253 };
	static const uint16_t tunnels[] = { 0, 4789, 6081 }, payloads[] = { 40, 900, 1200 };
	uint16_t payload = (uint16_t)(payloads[number / KINDS] + check_random(200)), outer;
	uint8_t *at = frame->bytes, *l4;

	for (uint32_t i = 0; i < sizeof(frame->bytes); i++)
		frame->bytes[i] = (uint8_t)check_random(256);
	frame->ipv6 = number & 1;
	frame->protocol = protocols[number / 2 % 5];
	if (frame->protocol == 1 && frame->ipv6)
		frame->protocol = 58;
	frame->tunnel = tunnels[number / 10 % 3];
	if (frame->tunnel) {
		outer = (uint16_t)(TUNNEL_BYTES + sizeof(struct rte_ether_hdr) +
				   (frame->ipv6 ? 40 : 20) + payload);
		l4 = datagram(at, from, to, false, IPPROTO_UDP, outer);
		memset(l4, 0, TUNNEL_BYTES);
		((struct rte_udp_hdr *)(void *)l4)->dst_port = rte_cpu_to_be_16(frame->tunnel);
		((struct rte_udp_hdr *)(void *)l4)->dgram_len = rte_cpu_to_be_16(outer);
		if (frame->tunnel == 4789)
			l4[8] = 8; /* VNI */
		else
			memcpy(l4 + 10, "\x65\x58", 2); /* Ethernet */
		at = l4 + TUNNEL_BYTES;
	}
	l4 = datagram(at, from, to, frame->ipv6, frame->protocol, payload);
	write_l4(at + sizeof(struct rte_ether_hdr), l4, frame->protocol, frame->ipv6);
	frame->length = (uint32_t)(l4 + payload - frame->bytes);
	if (number / 30 % 2) {
		memmove(frame->bytes + 16, frame->bytes + 12, frame->length - 12);
		memcpy(frame->bytes + 12, "\x81\x00\x60\x07", 4);
		frame->length += 4;
	}
}

/* Where an inner or outer Ethernet frame's headers end, by rte_net_get_ptype(): of its layers 2 to `layer`. */
static uint32_t end_of_layer(const struct port *from, const uint8_t *bytes, uint32_t length,
			     uint8_t layer, uint8_t protocol)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(from->pool);
	struct rte_net_hdr_lens lens;

	CHECK(mbuf && length <= rte_pktmbuf_tailroom(mbuf), "no mbuf");
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)length), bytes, length);
	rte_net_get_ptype(mbuf, &lens, RTE_PTYPE_ALL_MASK);
	rte_pktmbuf_free(mbuf);
	/* That does not know ICMP. */
	if (protocol == 1 || protocol == 58)
		lens.l4_len = sizeof(struct rte_icmp_hdr);
	return lens.l2_len + (layer > 2 ? lens.l3_len : 0u) + (layer > 3 ? lens.l4_len : 0u);
}

/* Bytes of the frame as it arrives that are the header; 0: it has no such. */
static uint32_t split_of(const struct port *from, const struct test_frame *frame,
			 const uint8_t *bytes, uint32_t length, const struct header *header)
{
	bool around = frame->tunnel && !header->tunnel;
	uint8_t protocol = around ? IPPROTO_UDP : frame->protocol;
	bool ipv6 = !around && frame->ipv6;
	uint32_t at = 0;

	if (header->layer > 2 && ipv6 != header->ipv6)
		return 0;
	if (header->layer > 3 && protocol != header->protocol)
		return 0;
	if (header->tunnel) {
		if (frame->tunnel != header->tunnel)
			return 0;
		at = end_of_layer(from, bytes, length, 4, IPPROTO_UDP) + 8;
	}
	return at + end_of_layer(from, bytes + at, length - at, header->layer, protocol);
}

/* --- passing -------------------------------------------------------------------------------------- */

/* How port 1 is set up in one round. */
struct round {
	union rte_eth_rxseg segments[2];
	uint16_t count;		     /* of segments; 0: unsplit */
	const struct header *header; /* NULL: by length */
	bool strip;
	char what[64];
};

static void check_segments(const struct rte_mbuf *got, const struct round *round, uint32_t split)
{
	const struct rte_eth_rxseg_split *first = &round->segments[0].split,
					 *rest = &round->segments[round->count - 1].split;
	uint32_t offset = round->count > 1 ? rest->offset : 0,
		 room = rte_pktmbuf_data_room_size(rest->mp) - offset, left = got->pkt_len;
	uint32_t count = 0;

	if (split) {
		CHECK(got->pool == first->mp && got->data_len == split &&
			      got->data_off == RTE_PKTMBUF_HEADROOM + first->offset,
		      "%s: %u bytes in %s at %u, not %u", round->what, got->data_len,
		      got->pool->name, got->data_off, split);
		left -= split;
		count++;
	}
	if (rest->length && round->count > 1)
		room = rest->length;
	room = RTE_ALIGN_FLOOR(room, 64u);
	for (const struct rte_mbuf *part = split ? got->next : got; part; part = part->next) {
		CHECK(part->pool == rest->mp && part->data_len == RTE_MIN(left, room) &&
			      part->data_off == offset,
		      "%s: %u bytes of %u in %s at %u", round->what, part->data_len, left,
		      part->pool->name, part->data_off);
		left -= part->data_len;
		count++;
	}
	CHECK(!left && count == got->nb_segs, "%s: %u bytes are missing in %u segments, said %u",
	      round->what, left, count, got->nb_segs);
}

static void check_frame(const struct port *from, struct test_frame *frame,
			const struct rte_mbuf *got, const struct round *round)
{
	static uint8_t copy[4096], wanted[4096];
	static uint64_t last_ns;
	uint32_t length = frame->length, split;
	uint64_t now_ns;
	int offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);

	memcpy(wanted, frame->bytes, length);
	if (round->strip && !memcmp(wanted + 12, "\x81\x00", 2)) {
		length -= 4;
		memmove(wanted + 12, wanted + 16, length - 12);
		CHECK(got->vlan_tci == 0x6007 && got->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED,
		      "%s: tag %x", round->what, got->vlan_tci);
	}
	CHECK(got->pkt_len == length, "%s: %u bytes, not %u", round->what, got->pkt_len, length);
	CHECK(!memcmp(rte_pktmbuf_read(got, 0, length, copy), wanted, length), "%s: other bytes",
	      round->what);
	CHECK(offset >= 0, "no timestamps");
	now_ns = *RTE_MBUF_DYNFIELD(got, offset, rte_mbuf_timestamp_t *);
	CHECK(now_ns >= last_ns && now_ns, "%s: time %lu after %lu", round->what, now_ns, last_ns);
	last_ns = now_ns;
	if (!round->count) {
		frame->flags = got->ol_flags;
		frame->type = got->packet_type;
		frame->hash = got->hash.rss;
		CHECK(frame->flags & RTE_MBUF_F_RX_RSS_HASH && frame->type, "no hash, no type");
		return;
	}
	CHECK((got->ol_flags & ~RTE_MBUF_F_RX_VLAN_STRIPPED & ~RTE_MBUF_F_RX_VLAN) == frame->flags &&
		      got->packet_type == frame->type && got->hash.rss == frame->hash,
	      "%s: flags %lx, type %x, hash %x; of the whole frame %lx, %x, %x", round->what,
	      got->ol_flags, got->packet_type, got->hash.rss, frame->flags, frame->type,
	      frame->hash);
	split = round->header ? split_of(from, frame, wanted, length, round->header)
			      : RTE_MIN(length, (uint32_t)round->segments[0].split.length);
	check_segments(got, round, split);
}

static void send_all(const struct port *from, const struct test_frame *some)
{
	double deadline = check_seconds() + TIMEOUT_S;

	for (uint32_t i = 0; i < BURST; i++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(from->pool);

		CHECK(mbuf, "no mbuf");
		memcpy(rte_pktmbuf_append(mbuf, (uint16_t)some[i].length), some[i].bytes,
		       some[i].length);
		while (rte_eth_tx_burst(from->id, 0, &mbuf, 1) != 1)
			CHECK(check_seconds() < deadline, "a frame is not sent");
	}
}

static void pass_all(struct port *ports, struct round *round)
{
	struct rte_mbuf *got[BURST];

	ports[1].setup.segments = round->count ? round->segments : NULL;
	ports[1].setup.segment_count = round->count;
	ports[1].setup.rx_offloads = RX_OFFLOADS |
				     (round->strip ? RTE_ETH_RX_OFFLOAD_VLAN_STRIP : 0);
	port_configure(&ports[1]);
	pair_start(ports);
	for (uint32_t at = 0; at + BURST <= FRAMES; at += BURST) {
		double deadline = check_seconds() + TIMEOUT_S;

		send_all(&ports[0], &frames[at]);
		for (uint32_t count = 0, more; count < BURST; count += more) {
			CHECK(check_seconds() < deadline, "%s: %u of %u frames", round->what, count,
			      BURST);
			more = rte_eth_rx_burst(ports[1].id, 0, got, (uint16_t)(BURST - count));
			for (uint32_t i = 0; i < more; i++) {
				check_frame(&ports[0], &frames[at + count + i], got[i], round);
				rte_pktmbuf_free(got[i]);
			}
		}
	}
	port_stop(&ports[1]);
	port_stop(&ports[0]);
}

static struct rte_mempool *make_pool(const char *name, uint32_t room)
{
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create(name, 4095, 0, 0, (uint16_t)room, SOCKET_ID_ANY);

	CHECK(pool, "no mempool: %s", rte_strerror(rte_errno));
	return pool;
}

/* Every byte of frames up to the longest, in order, by the stream of the integrity command. */
static void stream_long(struct port *ports, struct round *round)
{
	struct stream stream = { .from = &ports[0],
				 .to = &ports[1],
				 .bytes_min = 60,
				 .bytes_max = 9018,
				 .segments_max = 6,
				 .window = 32,
				 .epoch = 77 };

	for (unsigned int i = 0; i < 2; i++) {
		ports[i].setup.mtu = 9000;
		ports[i].setup.rx_offloads = i ? RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT
					       : RTE_ETH_RX_OFFLOAD_SCATTER;
		ports[i].setup.tx_offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	ports[1].setup.segments = round->segments;
	ports[1].setup.segment_count = 2;
	ports[1].setup.descriptors = 2048;
	for (unsigned int i = 0; i < 2; i++)
		port_configure(&ports[i]);
	pair_start(ports);
	stream_run(&stream, 9000);
	for (unsigned int i = 0; i < 2; i++)
		port_stop(&ports[i]);
}

/* --- refusals ------------------------------------------------------------------------------------- */

static void refused(const struct port *port, const struct rte_eth_rxseg_split *segments,
		    uint16_t count, uint16_t descriptors, int expected)
{
	union rte_eth_rxseg all[4];
	struct rte_eth_rxconf conf = { .rx_seg = all, .rx_nseg = count };
	int error;

	for (uint16_t i = 0; i < count; i++)
		all[i].split = segments[i];
	error = rte_eth_rx_queue_setup(port->id, 0, descriptors, SOCKET_ID_ANY, &conf, NULL);
	CHECK(error == expected, "%u segments, the first of %u: %d, not %d", count,
	      segments[0].length, error, expected);
}

static void check_refusals(struct port *port, struct rte_mempool *first, struct rte_mempool *rest)
{
	const struct rte_eth_conf conf = { .rxmode = { .offloads =
							       RTE_ETH_RX_OFFLOAD_TCP_LRO |
							       RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT } };
	struct rte_eth_rxseg_split segments[3] = { { .mp = first, .length = 64 },
						   { .mp = rest, .length = 1024 },
						   { .mp = rest, .length = 1024 } };
	const struct rte_eth_rxseg_split good[2] = { segments[0], segments[1] };

	CHECK(rte_eth_dev_configure(port->id, 1, 1, &conf) == -ENOTSUP, "LRO and split");
	port->setup.rx_offloads = RX_OFFLOADS;
	port_configure(port);
	refused(port, segments, 3, 512, -EINVAL);
	segments[0].length = 17;
	refused(port, segments, 2, 512, -EINVAL);
	segments[0] = good[0];
	segments[1].length = 1000;
	refused(port, segments, 2, 512, -EINVAL);
	segments[1].length = 192;
	refused(port, segments, 2, 512, -EINVAL);
	segments[0].length = 0;
	segments[0].proto_hdr = RTE_PTYPE_L2_ETHER_VLAN;
	refused(port, segments, 2, 512, -EINVAL);
	segments[0].proto_hdr = RTE_PTYPE_L2_ETHER;
	segments[1].length = 0;
	segments[1].proto_hdr = RTE_PTYPE_L3_IPV4_EXT_UNKNOWN;
	refused(port, segments, 2, 512, -ENOTSUP);
	refused(port, good, 2, 32768, -EINVAL);
	/* Frames of 1522 bytes do not fit 64 and 1024, and what follows would be described otherwise. */
	segments[0] = good[0];
	segments[1] = good[1];
	refused(port, good, 2, 512, 0);
	CHECK(rte_eth_dev_start(port->id) == -EINVAL, "frames that do not fit");
}

int command_split(void)
{
	const struct port_setup setup = {
		.spread = true, .rx_offloads = RX_OFFLOADS, .mbufs = 8191, .room_bytes = 3072
	};
	struct rte_mempool *pools[] = {
		make_pool("split_headers", HEADER_ROOM + RTE_PKTMBUF_HEADROOM),
		make_pool("split_rest", REST_ROOM), make_pool("split_small", SMALL_ROOM)
	};
	static const uint16_t lengths[] = { 18, 64, 101, 256 };
	uint32_t said[RTE_DIM(headers) + 1], rounds = 0;
	struct round round = { .count = 0, .what = "unsplit" };
	struct port ports[2];

	pair_open(ports, &setup);
	for (uint32_t i = 0; i < FRAMES; i++)
		write_frame(&frames[i], i, &ports[0], &ports[1]);
	CHECK(rte_eth_buffer_split_get_supported_hdr_ptypes(ports[1].id, said, RTE_DIM(said)) ==
		      RTE_DIM(headers),
	      "other headers");
	pass_all(ports, &round);
	round.count = 2;
	round.segments[0].split = (struct rte_eth_rxseg_split){ .mp = pools[0] };
	for (uint32_t i = 0; i < 2 * RTE_DIM(lengths); i++, rounds++) {
		round.strip = i & 1;
		round.segments[0].split.length = lengths[i / 2];
		round.segments[1].split = (struct rte_eth_rxseg_split){ .mp = pools[1 + (i & 1)] };
		snprintf(round.what, sizeof(round.what), "length %u", lengths[i / 2]);
		pass_all(ports, &round);
	}
	round.segments[0].split.length = 0;
	for (uint32_t i = 0; i < RTE_DIM(headers); i++, rounds++) {
		round.strip = i & 1;
		round.header = &headers[i];
		CHECK(said[i] == headers[i].type, "header %u is %x", i, said[i]);
		round.segments[0].split.proto_hdr = headers[i].type;
		round.segments[1].split.mp = pools[1 + (i / 2 & 1)];
		snprintf(round.what, sizeof(round.what), "headers %x", headers[i].type);
		pass_all(ports, &round);
	}
	/* Offsets; one pool for all; and a single segment. */
	round.segments[0].split.offset = 24;
	round.segments[1].split =
		(struct rte_eth_rxseg_split){ .mp = pools[1], .offset = 100, .length = 1600 };
	pass_all(ports, &round);
	round.header = NULL;
	round.segments[0].split =
		(struct rte_eth_rxseg_split){ .mp = pools[1], .offset = 7, .length = 100 };
	round.count = 1;
	pass_all(ports, &round);
	round.segments[0].split = (struct rte_eth_rxseg_split){ .mp = pools[0], .length = 100 };
	round.segments[1].split = (struct rte_eth_rxseg_split){ .mp = pools[1] };
	check_refusals(&ports[1], pools[0], pools[1]);
	stream_long(ports, &round);
	printf("rounds=%u frames=%u\n", rounds, FRAMES);
	pair_close(ports);
	for (uint32_t i = 0; i < RTE_DIM(pools); i++)
		CHECK(rte_mempool_avail_count(pools[i]) == pools[i]->size, "mbufs of %s are lost",
		      pools[i]->name);
	return 0;
}
