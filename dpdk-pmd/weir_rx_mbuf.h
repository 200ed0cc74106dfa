/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a completion to an mbuf (specs/data-queues.md, "Receive"; specs/checksum.md): 16 bytes at a time where the processor can, field by
 * field for who reads completions himself.
 */
#ifndef WEIR_RX_MBUF_H
#define WEIR_RX_MBUF_H

#include <string.h>

#include "weir_queues.h"

#if defined(__SSSE3__)
#include <tmmintrin.h>
#endif

/* The mbuf fields written at once: rearm data with ol_flags, and what a descriptor tells. */
_Static_assert(offsetof(struct rte_mbuf, data_off) % 16 == 0, "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, refcnt) == offsetof(struct rte_mbuf, data_off) + 2,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, nb_segs) == offsetof(struct rte_mbuf, data_off) + 4,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, port) == offsetof(struct rte_mbuf, data_off) + 6,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, data_off) + 8,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, packet_type) % 16 == 0, "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, pkt_len) == offsetof(struct rte_mbuf, packet_type) + 4,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, data_len) == offsetof(struct rte_mbuf, packet_type) + 8,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, vlan_tci) == offsetof(struct rte_mbuf, packet_type) + 10,
	       "mbuf layout");
_Static_assert(offsetof(struct rte_mbuf, hash) == offsetof(struct rte_mbuf, packet_type) + 12,
	       "mbuf layout");

/* ol_flags by the bits VLAN (of value 1 after the shift) and FLOW_HASH (of value 8) of a completion. */
#define VLAN_FLAGS (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED)
static const uint64_t offload_flags[16] = {
	[1] = VLAN_FLAGS,
	[3] = VLAN_FLAGS,
	[5] = VLAN_FLAGS,
	[7] = VLAN_FLAGS,
	[8] = RTE_MBUF_F_RX_RSS_HASH,
	[9] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
	[10] = RTE_MBUF_F_RX_RSS_HASH,
	[11] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
	[12] = RTE_MBUF_F_RX_RSS_HASH,
	[13] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
	[14] = RTE_MBUF_F_RX_RSS_HASH,
	[15] = RTE_MBUF_F_RX_RSS_HASH | VLAN_FLAGS,
};
_Static_assert(WEIR_RXC_FLOW_HASH_SHIFT == WEIR_RXC_VLAN_SHIFT + 3, "offload_flags");

/*
 * ol_flags by what a completion says of an IP header's and an L4 checksum (enum weir_checksum_state, two bits each), where they are
 * the frame's own, and where they are those of the tunnel around it. UDP without a checksum (ABSENT) is "unknown".
 */
#define CHECKSUM_ROW(ip_bad, ip_good, l4_bad, l4_good)                                         \
	{                                                                                      \
		[1] = (ip_good), [2] = (ip_bad), [4] = (l4_good), [5] = (ip_good) | (l4_good), \
		[6] = (ip_bad) | (l4_good), [7] = (l4_good), [8] = (l4_bad),                   \
		[9] = (ip_good) | (l4_bad), [10] = (ip_bad) | (l4_bad), [11] = (l4_bad),       \
		[13] = (ip_good), [14] = (ip_bad),                                             \
	}
static const uint32_t checksum_flags[2][16] = {
	CHECKSUM_ROW(RTE_MBUF_F_RX_IP_CKSUM_BAD, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
		     RTE_MBUF_F_RX_L4_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_GOOD),
	CHECKSUM_ROW(RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD, 0, RTE_MBUF_F_RX_OUTER_L4_CKSUM_BAD,
		     RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD),
};
_Static_assert(WEIR_RXC_L4_SHIFT == WEIR_RXC_IP_SHIFT + 2, "checksum_flags");
_Static_assert(WEIR_RXC_INNER_L4_SHIFT == WEIR_RXC_INNER_IP_SHIFT + 2, "checksum_flags");

static inline uint64_t checksum_flags_of(uint32_t flags)
{
	uint32_t outer = flags >> WEIR_RXC_IP_SHIFT & 15u,
		 inner = flags >> WEIR_RXC_INNER_IP_SHIFT & 15u;

	return checksum_flags[inner != 0][outer] | checksum_flags[0][inner];
}

static inline uint64_t offload_flags_of(uint32_t flags)
{
	return offload_flags[(flags >> WEIR_RXC_VLAN_SHIFT) & 15u] | checksum_flags_of(flags);
}

/* DPDK's words for enum weir_packet_l3, weir_packet_l4 and weir_packet_tunnel, and for the first two inside a tunnel. */
static const uint32_t l3_types[4] = { 0, RTE_PTYPE_L3_IPV4_EXT_UNKNOWN,
				      RTE_PTYPE_L3_IPV6_EXT_UNKNOWN };
static const uint32_t l4_types[8] = { 0,
				      RTE_PTYPE_L4_TCP,
				      RTE_PTYPE_L4_UDP,
				      RTE_PTYPE_L4_SCTP,
				      RTE_PTYPE_L4_ICMP,
				      RTE_PTYPE_L4_FRAG };
static const uint32_t tunnel_types[8] = { 0, RTE_PTYPE_TUNNEL_VXLAN, RTE_PTYPE_TUNNEL_GENEVE };
static const uint32_t inner_l3_types[4] = { 0, RTE_PTYPE_INNER_L3_IPV4_EXT_UNKNOWN,
					    RTE_PTYPE_INNER_L3_IPV6_EXT_UNKNOWN };
static const uint32_t inner_l4_types[8] = { 0,
					    RTE_PTYPE_INNER_L4_TCP,
					    RTE_PTYPE_INNER_L4_UDP,
					    RTE_PTYPE_INNER_L4_SCTP,
					    RTE_PTYPE_INNER_L4_ICMP,
					    RTE_PTYPE_INNER_L4_FRAG };

/* mbuf.packet_type of a completion's packet_type; most often both are 0, or there is no tunnel. */
static inline uint32_t packet_type_of(uint32_t type)
{
	uint32_t result;

	if (!type)
		return 0;
	result = l3_types[WEIR_GET(WEIR_RXC_TYPE_L3, type)] |
		 l4_types[WEIR_GET(WEIR_RXC_TYPE_L4, type)];
	if (unlikely(type & WEIR_RXC_TYPE_TUNNEL_MASK))
		result |= tunnel_types[WEIR_GET(WEIR_RXC_TYPE_TUNNEL, type)] |
			  inner_l3_types[WEIR_GET(WEIR_RXC_TYPE_INNER_L3, type)] |
			  inner_l4_types[WEIR_GET(WEIR_RXC_TYPE_INNER_L4, type)];
	return result;
}

/** What a completion says, read once. */
struct weir_completion {
	uint32_t flow_hash, flags;
	uint16_t length, buffer, vlan_tci, packet_type;
};

/** Reads a completion whose generation bit was seen, behind a load fence, field by field. */
static inline struct weir_completion weir_completion_read(
	const volatile struct weir_rx_completion *from)
{
	return (struct weir_completion){
		.flow_hash = weir_load32(&from->flow_hash),
		.flags = weir_load32(&from->flags),
		.length = weir_le16_to_cpu(from->length),
		.buffer = weir_le16_to_cpu(from->buffer),
		.vlan_tci = weir_le16_to_cpu(from->vlan_tci),
		.packet_type = weir_le16_to_cpu(from->packet_type),
	};
}

/* Of a frame that a rule marked the hash is the rule's mark. */
static inline void mark_move(struct rte_mbuf *mbuf)
{
	mbuf->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
	mbuf->hash.fdir.hi = mbuf->hash.rss;
}

/** Makes a fresh mbuf the only segment of a frame. rearm: a queue's. */
static inline void weir_mbuf_fill(struct rte_mbuf *mbuf, uint64_t rearm,
				  const struct weir_completion *completion)
{
	/* The fields from data_off on, in the order that the assertions above check. */
	memcpy(RTE_PTR_ADD(mbuf, offsetof(struct rte_mbuf, data_off)), &rearm, sizeof(rearm));
	mbuf->ol_flags = offload_flags_of(completion->flags);
	mbuf->packet_type = packet_type_of(completion->packet_type);
	mbuf->pkt_len = completion->length;
	mbuf->data_len = completion->length;
	mbuf->vlan_tci = completion->vlan_tci;
	mbuf->hash.rss = completion->flow_hash;
	if (unlikely(completion->flags & WEIR_RXC_MARK_MASK))
		mark_move(mbuf);
}

#if defined(__SSSE3__)
/**
 * Reads a completion whose generation bit was seen, and makes a fresh mbuf the only segment of a frame.
 *
 * @return length of its data in bits 15:0, number of its buffer in bits 31:16; the mbuf is worth nothing if they are odd
 */
static inline uint32_t weir_completion_to_mbuf(const volatile struct weir_rx_completion *from,
					       struct rte_mbuf *mbuf, uint64_t rearm)
{
	/* packet_type, below | pkt_len = length | data_len = length, vlan_tci | hash = flow_hash */
	const __m128i order = _mm_setr_epi8(-1, -1, -1, -1, 4, 5, -1, -1, 4, 5, 8, 9, 0, 1, 2, 3);
	__m128i completion = _mm_load_si128((const __m128i *)(uintptr_t)from);
	uint32_t flags = (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(completion, 12));
	uint32_t type = packet_type_of((uint32_t)_mm_extract_epi16(completion, 5));
	__m128i head = _mm_set_epi64x((long long)offload_flags_of(flags), (long long)rearm);

	_mm_store_si128((__m128i *)(void *)&mbuf->data_off, head);
	_mm_store_si128((__m128i *)(void *)&mbuf->packet_type,
			_mm_or_si128(_mm_shuffle_epi8(completion, order),
				     _mm_cvtsi32_si128((int)type)));
	if (unlikely(flags & WEIR_RXC_MARK_MASK))
		mark_move(mbuf);
	return (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(completion, 4));
}
#else
static inline uint32_t weir_completion_to_mbuf(const volatile struct weir_rx_completion *from,
					       struct rte_mbuf *mbuf, uint64_t rearm)
{
	const struct weir_completion completion = weir_completion_read(from);

	weir_mbuf_fill(mbuf, rearm, &completion);
	return completion.length | (uint32_t)completion.buffer << 16;
}
#endif

#endif
