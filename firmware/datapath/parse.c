/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser, see parse.h. Bounded: at most two tags, one tunnel and WEIR_IPV6_EXTENSIONS_MAX extension headers a datagram. */
#include "parse.h"
#include "bytes.h"

#define ETHERTYPE_IPV4	0x0800u
#define ETHERTYPE_IPV6	0x86ddu
#define GENEVE_ETHERNET 0x6558u /* protocol type of an Ethernet frame (RFC 8926 3.4) */
#define INNER_TAGS_MAX	2u

/* IP protocol numbers and IPv6 extension headers (IANA) */
enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_SCTP = 132,
};

/* What may be looked at: limit <= bytes of the copy. */
struct view {
	const uint8_t *at;
	uint32_t limit;
	uint32_t end; /* of what carries the datagram, in the frame */
};

/* The L4 header at layer->l4, which is no fragment's. */
static void parse_l4(const struct view *view, uint32_t protocol, struct weir_layer *layer)
{
	uint32_t limit = view->limit < layer->end ? view->limit : layer->end;
	uint32_t left, header_bytes;
	uint8_t kind;

	/* Ports, or an ICMP message's type and checksum. */
	if (limit < layer->l4 + 4u)
		return;
	left = limit - layer->l4;
	switch (protocol) {
	case PROTOCOL_TCP:
		kind = WEIR_PACKET_L4_TCP;
		header_bytes = limit < layer->l4 + 20u ? UINT32_MAX
						       : (view->at[layer->l4 + 12] >> 4) * 4u;
		/* Options of negative length. */
		if (header_bytes < 20)
			return;
		break;
	case PROTOCOL_UDP:
		kind = WEIR_PACKET_L4_UDP;
		header_bytes = 8;
		break;
	case PROTOCOL_SCTP:
		kind = WEIR_PACKET_L4_SCTP;
		header_bytes = 12;
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		/* Each belongs to one version of IP. */
		if ((protocol == PROTOCOL_ICMP) != (layer->l3_kind == WEIR_PACKET_L3_IPV4))
			return;
		kind = WEIR_PACKET_L4_ICMP;
		header_bytes = 8;
		break;
	default:
		return;
	}
	layer->l4_kind = kind;
	if (header_bytes <= left) {
		layer->payload = (uint8_t)(layer->l4 + header_bytes);
		layer->flags |= WEIR_LAYER_L4_WHOLE;
	}
}

/* Sets layer->end, of a datagram of `bytes`. */
static void set_end(const struct view *view, uint32_t bytes, struct weir_layer *layer)
{
	uint32_t end = layer->l3 + bytes;

	if (end > view->end) {
		end = view->end;
		layer->flags |= WEIR_LAYER_TRUNCATED;
	}
	layer->end = (uint16_t)end;
}

static void parse_ipv4(const struct view *view, uint32_t l3, struct weir_layer *layer)
{
	const uint8_t *at;
	uint32_t header_bytes, total_bytes;

	if (view->limit < l3 + 20)
		return;
	at = view->at + l3;
	if (at[0] >> 4 != 4)
		return;
	header_bytes = (at[0] & 0xfu) * 4;
	total_bytes = load16(at + 2);
	if (header_bytes < 20 || view->limit < l3 + header_bytes || total_bytes < header_bytes)
		return;
	layer->l3_kind = WEIR_PACKET_L3_IPV4;
	layer->l3 = (uint8_t)l3;
	layer->l4 = (uint8_t)(l3 + header_bytes);
	set_end(view, total_bytes, layer);
	/* More fragments, or not the first one. */
	if (load16(at + 6) & 0x3fff)
		layer->l4_kind = WEIR_PACKET_L4_FRAGMENT;
	else
		parse_l4(view, at[9], layer);
}

static void parse_ipv6(const struct view *view, uint32_t l3, struct weir_layer *layer)
{
	const uint8_t *at;
	uint32_t next, limit;

	if (view->limit < l3 + 40)
		return;
	at = view->at + l3;
	if (at[0] >> 4 != 6)
		return;
	layer->l3_kind = WEIR_PACKET_L3_IPV6;
	layer->l3 = (uint8_t)l3;
	layer->l4 = (uint8_t)(l3 + 40);
	set_end(view, 40 + load16(at + 4), layer);
	limit = view->limit < layer->end ? view->limit : layer->end;
	next = at[6];
	for (uint32_t i = 0; i < WEIR_IPV6_EXTENSIONS_MAX; i++) {
		uint32_t bytes;

		if (next != PROTOCOL_HOP_BY_HOP && next != PROTOCOL_ROUTING &&
		    next != PROTOCOL_DESTINATION && next != PROTOCOL_FRAGMENT) {
			parse_l4(view, next, layer);
			return;
		}
		if (limit < layer->l4 + 8u)
			return;
		at = view->at + layer->l4;
		bytes = next == PROTOCOL_FRAGMENT ? 8 : (at[1] + 1u) * 8;
		if (limit < layer->l4 + bytes)
			return;
		layer->l4 = (uint8_t)(layer->l4 + bytes);
		/* A fragment that is the whole datagram is none (RFC 6946). */
		if (next == PROTOCOL_FRAGMENT && load16(at + 2) & 0xfff9) {
			layer->l4_kind = WEIR_PACKET_L4_FRAGMENT;
			return;
		}
		/* Segments left to go through, or perhaps a home address. */
		if ((next == PROTOCOL_ROUTING && at[3]) || next == PROTOCOL_DESTINATION)
			layer->flags |= WEIR_LAYER_READDRESSED;
		next = at[0];
	}
}

/* What an Ethernet header whose type is at `at` (at + 2 <= limit) leads to. */
static void parse_ethernet(const struct view *view, uint32_t at, uint32_t tags,
			   struct weir_layer *layer)
{
	uint32_t type = load16(view->at + at);

	while (weir_is_tag(type) && tags && view->limit >= at + 6) {
		at += 4;
		tags--;
		type = load16(view->at + at);
	}
	if (type == ETHERTYPE_IPV4)
		parse_ipv4(view, at + 2, layer);
	else if (type == ETHERTYPE_IPV6)
		parse_ipv6(view, at + 2, layer);
}

/* The frame in a UDP datagram whose payload is at `at`: which kind of tunnel, and where it begins; NONE: none. */
static uint8_t tunnel_of(const struct view *view, const struct weir_layer *outer, uint32_t *frame)
{
	uint32_t port = load16(view->at + outer->l4 + 2), at = outer->payload;
	const uint8_t *header;

	if (view->limit < at + 8)
		return WEIR_PACKET_TUNNEL_NONE;
	header = view->at + at;
	/* RFC 7348 5: the I bit says that there is a VNI; the others are reserved, and ignored. */
	if (port == WEIR_PORT_VXLAN && header[0] & 0x08) {
		*frame = at + 8;
		return WEIR_PACKET_TUNNEL_VXLAN;
	}
	/* RFC 8926 3.4: version 0, options in words of four bytes */
	if (port == WEIR_PORT_GENEVE && header[0] >> 6 == 0 &&
	    load16(header + 2) == GENEVE_ETHERNET) {
		*frame = at + 8 + (header[0] & 0x3fu) * 4;
		return WEIR_PACKET_TUNNEL_GENEVE;
	}
	return WEIR_PACKET_TUNNEL_NONE;
}

static bool is_plain(const uint8_t *header, const struct weir_layer *layer)
{
	if (layer->flags != WEIR_LAYER_L4_WHOLE ||
	    layer->l4 - layer->l3 != (layer->l3_kind == WEIR_PACKET_L3_IPV4 ? 20 : 40))
		return false;
	if (layer->l4_kind == WEIR_PACKET_L4_TCP)
		return true;
	return layer->l4_kind == WEIR_PACKET_L4_UDP &&
	       !weir_is_tunnel_port(load16(header + layer->l4 + 2));
}

void weir_parse(const uint8_t *header, uint32_t bytes, uint32_t rest, uint32_t tags,
		uint32_t frame_bytes, struct weir_layers *layers)
{
	struct view view = { header, bytes, frame_bytes };
	uint32_t frame = 0;

	if (view.limit > rest + WEIR_PARSED_BYTES)
		view.limit = rest + WEIR_PARSED_BYTES;
	*layers = (struct weir_layers){ .tunnel = WEIR_PACKET_TUNNEL_NONE };
	parse_ethernet(&view, rest, tags, &layers->outer);
	layers->plain = is_plain(header, &layers->outer);
	if (layers->plain || layers->outer.l4_kind != WEIR_PACKET_L4_UDP ||
	    !(layers->outer.flags & WEIR_LAYER_L4_WHOLE))
		return;
	/* What is inside ends where the datagram around it does. */
	view.end = layers->outer.end;
	if (view.limit > view.end)
		view.limit = view.end;
	layers->tunnel = tunnel_of(&view, &layers->outer, &frame);
	if (layers->tunnel != WEIR_PACKET_TUNNEL_NONE && view.limit >= frame + 14)
		parse_ethernet(&view, frame + 12, INNER_TAGS_MAX, &layers->inner);
}
