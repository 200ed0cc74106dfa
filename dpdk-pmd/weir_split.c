/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT: what an application says of a queue's segments, in the function's terms (specs/header-split.md). The
 * function has header buffers of one length, and for everything else buffers of another one.
 */
#include "weir_queues.h"

#include <errno.h>

/* An Ethernet header and a tag, which tags are looked for in. */
#define HEADER_MIN_BYTES (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

/*
 * Headers behind which frames can be split, as rte_eth_rxseg_split.proto_hdr, the function's mode for that, and the kinds of frames that
 * have them: no other frame is split.
 */
#define OUTER_L4(SPLIT, ip, l4)                                                             \
	SPLIT(RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_##ip##_EXT_UNKNOWN | RTE_PTYPE_L4_##l4, L4, \
	      WEIR_SPLIT_KIND_##ip | WEIR_SPLIT_KIND_##l4)
#define OUTER(SPLIT, ip)                                                                      \
	SPLIT(RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_##ip##_EXT_UNKNOWN, L3, WEIR_SPLIT_KIND_##ip) \
	OUTER_L4(SPLIT, ip, TCP)                                                              \
	OUTER_L4(SPLIT, ip, UDP)                                                              \
	OUTER_L4(SPLIT, ip, SCTP)                                                             \
	OUTER_L4(SPLIT, ip, ICMP)
#define INNER_L4(SPLIT, tunnel, ip, l4)                                                \
	SPLIT(RTE_PTYPE_TUNNEL_##tunnel | RTE_PTYPE_INNER_L2_ETHER |                   \
		      RTE_PTYPE_INNER_L3_##ip##_EXT_UNKNOWN | RTE_PTYPE_INNER_L4_##l4, \
	      INNER, WEIR_SPLIT_KIND_##tunnel | WEIR_SPLIT_KIND_##ip | WEIR_SPLIT_KIND_##l4)
#define INNER(SPLIT, tunnel, ip)          \
	INNER_L4(SPLIT, tunnel, ip, TCP)  \
	INNER_L4(SPLIT, tunnel, ip, UDP)  \
	INNER_L4(SPLIT, tunnel, ip, SCTP) \
	INNER_L4(SPLIT, tunnel, ip, ICMP)
#define SPLITS(SPLIT)                    \
	SPLIT(RTE_PTYPE_L2_ETHER, L2, 0) \
	OUTER(SPLIT, IPV4)               \
	OUTER(SPLIT, IPV6)               \
	INNER(SPLIT, VXLAN, IPV4)        \
	INNER(SPLIT, VXLAN, IPV6)        \
	INNER(SPLIT, GENEVE, IPV4)       \
	INNER(SPLIT, GENEVE, IPV6)

#define HEADER(header_, mode_, kinds_) (header_),
#define PLACE(header_, mode_, kinds_)  { WEIR_SPLIT_MODE_##mode_, kinds_ },

static const uint32_t headers[] = { SPLITS(HEADER) RTE_PTYPE_UNKNOWN };
static const struct {
	uint8_t mode;
	uint16_t kinds;
} places[] = { SPLITS(PLACE) };

const uint32_t *weir_split_headers_get(WEIR_PTYPES_PARAMETERS)
{
	static const uint32_t none[] = { RTE_PTYPE_UNKNOWN };

	if (!(weir_device_of(ethdev)->limits.features & WEIR_REG_FEATURES_HEADER_SPLIT_MASK))
		WEIR_PTYPES_RETURN(none, 0);
	WEIR_PTYPES_RETURN(headers, RTE_DIM(headers) - 1);
}

/* Where frames are split by a header. */
static int choose_place(struct weir_device *device, uint32_t header, struct weir_split *split)
{
	for (size_t i = 0; i < RTE_DIM(places); i++) {
		if (headers[i] != header)
			continue;
		split->mode = places[i].mode;
		split->kinds = places[i].kinds;
		return 0;
	}
	WEIR_PORT_LOG(device, ERR, "frames cannot be split behind headers %#x", header);
	return -ENOTSUP;
}

/* The first segment: a header, or so many bytes. */
static int choose_header(struct weir_device *device, const struct rte_eth_rxseg_split *segment,
			 struct weir_split *split)
{
	uint32_t begin = RTE_PKTMBUF_HEADROOM + (uint32_t)segment->offset,
		 memory = rte_pktmbuf_data_room_size(segment->mp),
		 room = memory > begin ? memory - begin : 0;
	uint32_t bytes = segment->length ? segment->length : room;

	if (bytes > room || bytes < HEADER_MIN_BYTES || bytes > WEIR_RX_BUFFER_MAX_BYTES) {
		WEIR_PORT_LOG(
			device, ERR,
			"first segment of %u bytes: possible are %u to %u, and %u in mempool %s behind headroom and offset",
			bytes, HEADER_MIN_BYTES, WEIR_RX_BUFFER_MAX_BYTES, room, segment->mp->name);
		return -EINVAL;
	}
	split->header_pool = segment->mp;
	split->header_offset = (uint16_t)begin;
	split->header_bytes = (uint16_t)bytes;
	split->mode = WEIR_SPLIT_MODE_FIXED;
	return segment->proto_hdr ? choose_place(device, segment->proto_hdr, split) : 0;
}

/* The last segment: all the rest. */
static int choose_rest(struct weir_device *device, const struct rte_eth_rxseg_split *segment,
		       struct weir_split *split)
{
	uint32_t memory = rte_pktmbuf_data_room_size(segment->mp),
		 room = memory > segment->offset ? memory - segment->offset : 0;
	uint32_t bytes = segment->length ? segment->length : room;

	if (segment->proto_hdr) {
		WEIR_PORT_LOG(device, ERR,
			      "the last segment ends behind headers %#x: frames can be split once",
			      segment->proto_hdr);
		return -ENOTSUP;
	}
	/* What is no more than the mempool's own length need not come out even. */
	if (bytes == room)
		bytes = RTE_ALIGN_FLOOR(bytes, 64u);
	if (bytes > room || bytes < WEIR_SPLIT_BUFFER_MIN_BYTES || bytes % 64) {
		WEIR_PORT_LOG(
			device, ERR,
			"last segment of %u bytes: possible are multiples of 64 from %u on, and %u in mempool %s behind the offset",
			bytes, WEIR_SPLIT_BUFFER_MIN_BYTES, room, segment->mp->name);
		return -EINVAL;
	}
	split->pool = segment->mp;
	split->offset = segment->offset;
	split->buffer_bytes = RTE_MIN(bytes, (uint32_t)WEIR_RX_BUFFER_MAX_BYTES);
	/* Those that follow would have all of their memory, and no offset. */
	split->one_rest = segment->offset || bytes != RTE_ALIGN_FLOOR(memory, 64u);
	return 0;
}

int weir_split_choose(struct weir_device *device, const struct rte_eth_rxconf *conf,
		      struct weir_split *split)
{
	const struct rte_eth_rxseg_split *first = &conf->rx_seg[0].split;
	/* What is not described comes from the last pool, as it is. */
	const struct rte_eth_rxseg_split rest = { .mp = first->mp };
	int error;

	if (conf->rx_nseg > WEIR_SPLIT_SEGMENTS) {
		WEIR_PORT_LOG(device, ERR, "%u segments: frames can be split once", conf->rx_nseg);
		return -EINVAL;
	}
	*split = (struct weir_split){ 0 };
	error = choose_header(device, first, split);
	if (!error)
		error = choose_rest(device, conf->rx_nseg > 1 ? &conf->rx_seg[1].split : &rest,
				    split);
	if (!error)
		error = weir_pool_check(device, split->header_pool);
	if (!error && split->pool != split->header_pool)
		error = weir_pool_check(device, split->pool);
	return error;
}

bool weir_split_holds(const struct weir_split *split, uint32_t bytes)
{
	/* By length the header has its share; behind a header that a frame lacks there is all of it. */
	uint32_t header_bytes = split->mode == WEIR_SPLIT_MODE_FIXED ? split->header_bytes : 0;

	return !split->one_rest || bytes <= header_bytes + split->buffer_bytes;
}
