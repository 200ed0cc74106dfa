/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <string.h>

#include <rte_ip.h>

/* IEEE 802 local experimental: no protocol of anybody. */
#define ETHERTYPE 0x88b5
#define MAGIC	  0x57656972u

/* Data begins anywhere in a cache line. */
#define SHIFTS 64

/* In front of the payload. */
struct test_header {
	struct rte_ether_hdr ethernet;
	rte_be32_t magic, epoch, sequence;
	rte_be16_t bytes;
} __attribute__((packed, aligned(2)));

/* Writes the whole frame as it must look. */
static void frame_flat(uint8_t *to, const struct frame_spec *spec)
{
	struct test_header header = {
		.ethernet = { .dst_addr = spec->destination,
			      .src_addr = spec->source,
			      .ether_type = rte_cpu_to_be_16(ETHERTYPE) },
		.magic = rte_cpu_to_be_32(MAGIC),
		.epoch = rte_cpu_to_be_32(spec->epoch),
		.sequence = rte_cpu_to_be_32(spec->sequence),
		.bytes = rte_cpu_to_be_16(spec->bytes),
	};
	uint64_t state = spec->sequence * UINT64_C(0x9e3779b97f4a7c15) + spec->epoch;

	memcpy(to, &header, sizeof(header));
	for (uint16_t at = sizeof(header); at < spec->bytes; at++) {
		if (at % 8 == 0)
			state = state * UINT64_C(6364136223846793005) + 1;
		to[at] = (uint8_t)(state >> 8 * (at % 8));
	}
}

struct rte_mbuf *frame_make(struct rte_mempool *pool, const struct frame_spec *spec)
{
	uint16_t room =
		(uint16_t)(rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM - SHIFTS);
	uint16_t segments = RTE_MAX(spec->segments, (uint16_t)((spec->bytes + room - 1) / room));
	struct rte_mbuf *first = NULL, *last = NULL;
	uint8_t flat[RTE_ETHER_MAX_JUMBO_FRAME_LEN];
	uint16_t done = 0;

	frame_flat(flat, spec);
	for (uint16_t i = 0; i < segments; i++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
		uint16_t left = (uint16_t)(spec->bytes - done),
			 others = (uint16_t)(segments - i - 1), bytes;

		if (!mbuf) {
			rte_pktmbuf_free(first);
			return NULL;
		}
		/* Any length that leaves the others something, and not more than they can hold. */
		bytes = left;
		if (others) {
			uint32_t least = left > others * room ? left - (uint32_t)others * room : 1;
			uint32_t most = RTE_MIN((uint32_t)room, (uint32_t)(left - others));

			bytes = (uint16_t)(least + check_random(most - least + 1));
		}
		if (!spec->aligned)
			mbuf->data_off = (uint16_t)(RTE_PKTMBUF_HEADROOM +
						    (spec->sequence + i * 7) % SHIFTS);
		memcpy(rte_pktmbuf_mtod(mbuf, void *), flat + done, bytes);
		mbuf->data_len = bytes;
		done = (uint16_t)(done + bytes);
		if (!first)
			first = mbuf;
		else
			last->next = mbuf;
		last = mbuf;
	}
	first->nb_segs = segments;
	first->pkt_len = spec->bytes;
	return first;
}

bool frame_identify(const struct rte_mbuf *frame, struct frame_spec *spec)
{
	struct test_header copy;
	const struct test_header *header = rte_pktmbuf_read(frame, 0, sizeof(copy), &copy);

	if (!header || header->ethernet.ether_type != rte_cpu_to_be_16(ETHERTYPE) ||
	    header->magic != rte_cpu_to_be_32(MAGIC))
		return false;
	*spec = (struct frame_spec){
		.destination = header->ethernet.dst_addr,
		.source = header->ethernet.src_addr,
		.epoch = rte_be_to_cpu_32(header->epoch),
		.sequence = rte_be_to_cpu_32(header->sequence),
		.bytes = rte_be_to_cpu_16(header->bytes),
	};
	return spec->bytes >= sizeof(copy) && spec->bytes <= RTE_ETHER_MAX_JUMBO_FRAME_LEN;
}

void frame_verify(const struct rte_mbuf *frame, const struct frame_spec *spec, const char *where)
{
	uint8_t wanted[RTE_ETHER_MAX_JUMBO_FRAME_LEN], copy[RTE_ETHER_MAX_JUMBO_FRAME_LEN];
	const struct rte_mbuf *segment = frame;
	uint32_t bytes = 0, count = 0;
	const uint8_t *got;

	CHECK(frame->pkt_len == spec->bytes, "%s: frame %u has %u bytes, not %u", where,
	      spec->sequence, frame->pkt_len, spec->bytes);
	for (; segment; segment = segment->next, count++)
		bytes += segment->data_len;
	CHECK(bytes == spec->bytes && count == frame->nb_segs,
	      "%s: frame %u of %u bytes has %u in %u segments, said to be %u", where,
	      spec->sequence, spec->bytes, bytes, count, frame->nb_segs);
	frame_flat(wanted, spec);
	got = rte_pktmbuf_read(frame, 0, spec->bytes, copy);
	for (uint16_t at = 0; memcmp(got, wanted, spec->bytes) != 0; at++)
		CHECK(got[at] == wanted[at], "%s: frame %u of %u bytes: byte %u is %02x, not %02x",
		      where, spec->sequence, spec->bytes, at, got[at], wanted[at]);
}

uint8_t *frame_headers(uint8_t *at, const struct port *from, const struct port *to,
		       const struct datagram *datagram)
{
	struct rte_ether_hdr *ether = (void *)at;

	ether->dst_addr = to->mac;
	ether->src_addr = from->mac;
	ether->ether_type =
		rte_cpu_to_be_16(datagram->ipv6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	at += sizeof(*ether);
	if (datagram->ipv6) {
		struct rte_ipv6_hdr *ip = (void *)at;

		memset(ip, 0, sizeof(*ip));
		ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
		ip->payload_len = rte_cpu_to_be_16(datagram->bytes);
		ip->proto = datagram->protocol;
		ip->hop_limits = 64;
		memset(ip->src_addr, 0x21, sizeof(ip->src_addr));
		memset(ip->dst_addr, 0xfd, sizeof(ip->dst_addr));
		return at + sizeof(*ip);
	}
	struct rte_ipv4_hdr *ip = (void *)at;

	memset(ip, 0, sizeof(*ip));
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + datagram->bytes));
	ip->packet_id = rte_cpu_to_be_16(datagram->id);
	ip->time_to_live = 64;
	ip->next_proto_id = datagram->protocol;
	ip->src_addr = rte_cpu_to_be_32(RTE_IPV4(192, 0, 2, 1));
	ip->dst_addr = rte_cpu_to_be_32(RTE_IPV4(198, 51, 100, 2));
	return at + sizeof(*ip);
}
