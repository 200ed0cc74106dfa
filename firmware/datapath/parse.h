/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parser: where a frame's network and transport headers are, and behind VXLAN or GENEVE those of the frame inside. Everything in
 * the datapath that looks beyond the Ethernet header (hashing, checksums, steering, segmentation, coalescing, splitting) takes what
 * it knows from here, and trusts no length in a frame by itself.
 *
 * What is said of a frame is the same whether it came from a wire or from a vport, and whether its outer VLAN tag is in place or in a
 * descriptor: only WEIR_PARSED_BYTES behind the outer tag are looked at, which every private copy of a header holds.
 */
#ifndef WEIR_PARSE_H
#define WEIR_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/weir_abi.h"

/* Of each frame, fetched once and checked; exactly this copy is what goes out. */
#define WEIR_HEADER_BYTES 192u
/* From the type behind the outer tag on: enough for TCP with all its options over IPv6, in VXLAN over IPv6. */
#define WEIR_PARSED_BYTES (WEIR_HEADER_BYTES - 16)
/* IPv6 extension headers that are walked; behind more nothing is known of the transport. */
#define WEIR_IPV6_EXTENSIONS_MAX 8u

/* Does this type say that a VLAN tag follows? */
static inline bool weir_is_tag(uint32_t type)
{
	return type == WEIR_TPID_8021Q || type == WEIR_TPID_8021AD;
}

enum weir_tunnel_port { WEIR_PORT_VXLAN = 4789, WEIR_PORT_GENEVE = 6081 };

/* May a datagram to this port of UDP carry a frame? */
static inline bool weir_is_tunnel_port(uint32_t port)
{
	return port == WEIR_PORT_VXLAN || port == WEIR_PORT_GENEVE;
}

enum weir_layer_flag {
	WEIR_LAYER_L4_WHOLE =
		1, /* the L4 header, options included, is in the copy: `payload` is valid */
	WEIR_LAYER_TRUNCATED =
		2, /* the datagram is longer than what carries it: L4 checksums cannot be judged */
	/* Routing or destination options: other addresses than the header's may be in the L4 checksum (RFC 8200 8.1, RFC 6275 11.3) */
	WEIR_LAYER_READDRESSED = 4,
};

/*
 * An IP datagram. Offsets are from the start of the frame's header copy; l3 <= l4 <= payload <= end, and all but `end` lie within the
 * copy. Without IP (l3_kind OTHER) all is zero.
 */
struct weir_layer {
	uint8_t l3_kind; /* enum weir_packet_l3; unless OTHER the IP header, options included, is in the copy and sane */
	/* enum weir_packet_l4; TCP, UDP and SCTP: at least the ports are in the copy. OTHER also for what cannot be seen or makes no sense */
	uint8_t l4_kind;
	uint8_t flags; /* enum weir_layer_flag */
	uint8_t l3;    /* the IP header */
	uint8_t l4; /* behind the IP header, its options or extension headers (as far as they could be walked) */
	uint8_t payload; /* behind the L4 header; with WEIR_LAYER_L4_WHOLE */
	uint16_t end; /* of the datagram by its own length, in the frame; what follows is padding */
};

struct weir_layers {
	struct weir_layer outer;
	struct weir_layer inner; /* with a tunnel, and IP in it */
	uint8_t tunnel;		 /* enum weir_packet_tunnel, of the outer datagram */
	/* TCP or UDP with a whole header, right behind IPv4 without options or IPv6 without extension headers, all of the datagram in the
	 * frame; and no tunnel by its port, whatever is in it */
	bool plain;
};

/*
 * Fills *layers from the first `bytes` of a frame of `frame_bytes` (at most WEIR_MAX_FRAME_BYTES + 4). The type behind the outer tag is
 * at `rest` (12 or 16; rest + 2 <= bytes); `tags` more tags may follow there. Reads nothing beyond `bytes`; never fails.
 */
void weir_parse(const uint8_t *header, uint32_t bytes, uint32_t rest, uint32_t tags,
		uint32_t frame_bytes, struct weir_layers *layers);

#endif
