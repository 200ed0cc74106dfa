/* SPDX-License-Identifier: BSD-3-Clause */
/* What steering rules see of a frame (specs/steering.md, "What a rule sees"): a steer_key, as the rules' vport sees the frame. */
#include "burst.h"
#include "bytes.h"

enum protocol { PROTOCOL_FRAGMENT = 44 };

/* The protocol number of an IPv6 datagram: headers up to layer->l4 were walked, and checked, by the parser. */
static uint8_t ipv6_protocol(const uint8_t *header, const struct weir_layer *layer)
{
	uint8_t next = header[layer->l3 + 6];
	uint32_t at = layer->l3 + 40u;

	while (at < layer->l4) {
		uint32_t bytes = next == PROTOCOL_FRAGMENT ? 8 : (header[at + 1] + 1u) * 8;

		next = header[at];
		at += bytes;
	}
	return next;
}

static void add_datagram(struct weir_steer_key *key, const uint8_t *header,
			 const struct weir_layer *layer)
{
	const uint8_t *ip = header + layer->l3;

	key->l3 = layer->l3_kind;
	if (layer->l3_kind == WEIR_PACKET_L3_IPV4) {
		key->protocol = ip[9];
		key->traffic_class = ip[1];
		__builtin_memcpy(key->source_address, ip + 12, 4);
		__builtin_memcpy(key->destination_address, ip + 16, 4);
	} else {
		key->protocol = ipv6_protocol(header, layer);
		key->traffic_class = (uint8_t)(load16(ip) >> 4);
		__builtin_memcpy(key->source_address, ip + 8, 16);
		__builtin_memcpy(key->destination_address, ip + 24, 16);
	}
	if (layer->l4_kind == WEIR_PACKET_L4_TCP || layer->l4_kind == WEIR_PACKET_L4_UDP ||
	    layer->l4_kind == WEIR_PACKET_L4_SCTP) {
		__builtin_memcpy(key->source_port, header + layer->l4, 2);
		__builtin_memcpy(key->destination_port, header + layer->l4 + 2, 2);
	}
}

/* Of a port VLAN's VF it is the one behind. */
bool weir_frame_seen_tag(const struct weir_frame *frame, const struct weir_vport *vport,
			 struct weir_inner_tag *tag)
{
	if (WEIR_LIKELY(!frame->way.tagged))
		return false;
	if (vport->port_vlan_tci)
		return weir_frame_inner_tag(frame, tag);
	*tag = (struct weir_inner_tag){ .protocol = frame->way.tag_protocol,
					.tci = frame->way.tci,
					.ethertype = frame->way.ethertype };
	return true;
}

static void add_tag(struct weir_steer_key *key, const struct weir_frame *frame,
		    const struct weir_vport *vport)
{
	struct weir_inner_tag seen;

	store16(key->ethertype, frame->way.ethertype);
	if (WEIR_LIKELY(!weir_frame_seen_tag(frame, vport, &seen)))
		return;
	store16(key->vlan_protocol, seen.protocol);
	store16(key->vlan_tci, seen.tci);
	store16(key->ethertype, seen.ethertype);
}

void weir_steer_key(struct weir_burst *burst, uint32_t number, const struct weir_vport *vport,
		    struct weir_steer_words *words)
{
	const struct weir_layers *layers = weir_frame_layers(burst, number);
	const struct weir_frame *frame = &burst->frames[number];
	struct weir_steer_key key = { .tunnel = layers->tunnel };

	__builtin_memcpy(key.destination, frame->header, 6);
	__builtin_memcpy(key.source, frame->header + 6, 6);
	add_tag(&key, frame, vport);
	if (layers->outer.l3_kind != WEIR_PACKET_L3_OTHER)
		add_datagram(&key, frame->header, &layers->outer);
	/* VXLAN and GENEVE have it at the same place. */
	if (layers->tunnel != WEIR_PACKET_TUNNEL_NONE)
		__builtin_memcpy(key.vni, frame->header + layers->outer.payload + 4, 3);
	__builtin_memcpy(words, &key, sizeof(*words));
}
