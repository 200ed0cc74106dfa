/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets a frame, and what of it, see parser_model.h. */
#include "parser_model.h"

#include <string.h>

#define NO_VLAN 4095 /* in no filter and no membership */

struct vport vports[VPORTS];
uint64_t port_stats[WEIR_STAT_PORT_COUNT];
bool wire_up;
struct frame expected[VPORTS + 1][BURST_MAX];
uint32_t expected_count[VPORTS + 1];

static uint16_t word_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool is_tag(const struct frame *frame)
{
	uint16_t type = word_at(frame->data + 12);

	return type == 0x8100 || type == 0x88a8;
}

static uint16_t vid_of(const struct frame *frame)
{
	return is_tag(frame) ? word_at(frame->data + 14) & 0xfff : 0;
}

static uint64_t mac_at(const uint8_t *at)
{
	uint64_t mac = 0;

	memcpy(&mac, at, 6);
	return mac;
}

static void take_tag_out(struct frame *frame)
{
	memmove(frame->data + 12, frame->data + 16, frame->bytes - 16);
	frame->bytes -= 4;
}

static void put_tag_in(struct frame *frame, uint16_t protocol, uint16_t tci)
{
	memmove(frame->data + 16, frame->data + 12, frame->bytes - 12);
	frame->data[12] = (uint8_t)(protocol >> 8);
	frame->data[13] = (uint8_t)protocol;
	frame->data[14] = (uint8_t)(tci >> 8);
	frame->data[15] = (uint8_t)tci;
	frame->bytes += 4;
}

static uint64_t fold(uint64_t flow, const uint8_t *data, uint32_t bytes)
{
	/* FNV-1a; other flows than the same may have the same value, but never the other way round. */
	while (bytes--)
		flow = (flow ^ *data++) * 0x100000001b3ull;
	return flow;
}

/* Of what is behind the outer tag the card looks at so many bytes. */
#define IN_SIGHT 112

/* Adds the ports of what is at `at`, if they are there and it makes sense. */
static uint64_t fold_ports(uint64_t flow, uint8_t protocol, const uint8_t *at, const uint8_t *end)
{
	if (end - at < 4 || (protocol != 6 && protocol != 17 && protocol != 132))
		return flow;
	/* A TCP header shorter than one. */
	if (protocol == 6 && end - at >= 20 && at[12] >> 4 < 5)
		return flow;
	return fold(flow, at, 4);
}

static uint64_t flow_ipv4(uint64_t flow, const uint8_t *at, const uint8_t *end)
{
	uint32_t header_bytes = (at[0] & 15) * 4u, total_bytes;

	if (end - at < 20 || at[0] >> 4 != 4)
		return 0;
	total_bytes = word_at(at + 2);
	if (header_bytes < 20 || end - at < header_bytes || total_bytes < header_bytes)
		return 0;
	if (end - at > total_bytes)
		end = at + total_bytes;
	flow = fold(flow, at + 12, 8);
	if (!(word_at(at + 6) & 0x3fff))
		flow = fold_ports(flow, at[9], at + header_bytes, end);
	return flow | 1;
}

static uint64_t flow_ipv6(uint64_t flow, const uint8_t *at, const uint8_t *end)
{
	uint8_t next;

	if (end - at < 40 || at[0] >> 4 != 6)
		return 0;
	if (end - at > 40 + word_at(at + 4))
		end = at + 40 + word_at(at + 4);
	flow = fold(flow + 1, at + 8, 32);
	next = at[6];
	at += 40;
	for (int extensions = 0; extensions < 8; extensions++) {
		uint32_t bytes;

		if (next != 0 && next != 43 && next != 44 && next != 60) {
			flow = fold_ports(flow, next, at, end);
			break;
		}
		if (end - at < 8)
			break;
		bytes = next == 44 ? 8 : at[1] * 8u + 8;
		if (end - at < bytes)
			break;
		/* Offset or more to come: a fragment. */
		if (next == 44 && (word_at(at + 2) >> 3 || at[3] & 1))
			break;
		next = at[0];
		at += bytes;
	}
	return flow | 1;
}

/* The flow of a frame with its tags, an inner one too; 0: not IPv4 or IPv6. */
static uint64_t flow_of(const struct frame *frame)
{
	const uint8_t *at = frame->data + (is_tag(frame) ? 16 : 12),
		      *end = frame->data + frame->bytes;
	uint64_t flow = 0xcbf29ce484222325ull;

	if (end - at > IN_SIGHT)
		end = at + IN_SIGHT;
	if ((word_at(at) == 0x8100 || word_at(at) == 0x88a8) && end - at >= 6)
		at += 4;
	if (word_at(at) == 0x0800)
		return flow_ipv4(flow, at + 2, end);
	return word_at(at) == 0x86dd ? flow_ipv6(flow, at + 2, end) : 0;
}

bool has_filter(const struct vport *vport, uint64_t mac, uint16_t vlan)
{
	for (uint32_t i = 0; i < vport->filter_count; i++)
		if (vport->filters[i].mac == mac && vport->filters[i].vlan == vlan)
			return true;
	return vlan == WEIR_VLAN_NONE && mac == vport->mac;
}

static bool link_is_up(uint32_t index)
{
	if (index && vports[index].policy == WEIR_LINK_POLICY_ENABLE)
		return true;
	return wire_up && !(index && vports[index].policy == WEIR_LINK_POLICY_DISABLE);
}

/* What a vport sees of tags: the outermost one's TPID, 0 when there is none, and VID. */
struct seen_tag {
	uint16_t type, vid;
};

static bool accepts_vlan(const struct vport *vport, struct seen_tag tag)
{
	uint32_t filter = tag.type == 0x8100   ? WEIR_VPORT_VLAN_FILTER
			  : tag.type == 0x88a8 ? WEIR_VPORT_VLAN_FILTER_8021AD
					       : 0;

	return !(vport->flags & filter) || tag.vid == 0 || vport->vlans[tag.vid];
}

static bool in_port_vlan(const struct vport *vport, const struct frame *frame)
{
	return is_tag(frame) && word_at(frame->data + 12) == vport->protocol &&
	       vid_of(frame) == vport->port_vlan;
}

static struct seen_tag outer_tag(const struct frame *frame)
{
	return (struct seen_tag){ is_tag(frame) ? word_at(frame->data + 12) : 0, vid_of(frame) };
}

/* Inside a port VLAN, it is the tag behind. In no VLAN, when the frame ends in it. */
static struct seen_tag seen_tag(const struct vport *vport, const struct frame *frame)
{
	const uint8_t *behind = frame->data + 16;
	uint16_t type = word_at(behind);

	if (!vport->port_vlan)
		return outer_tag(frame);
	if (type != 0x8100 && type != 0x88a8)
		return (struct seen_tag){ 0, 0 };
	return (struct seen_tag){ type, frame->bytes < 22 ? NO_VLAN : word_at(behind + 2) & 0xfff };
}

/* By own MAC or filter. */
static bool owns(const struct vport *vport, const struct frame *frame)
{
	uint64_t mac = mac_at(frame->data);

	struct seen_tag tag = seen_tag(vport, frame);

	if (!(vport->flags & WEIR_VPORT_ENABLE))
		return false;
	if (vport->port_vlan && !in_port_vlan(vport, frame))
		return false;
	return has_filter(vport, mac, tag.vid) ||
	       (has_filter(vport, mac, WEIR_VLAN_NONE) && accepts_vlan(vport, tag));
}

static bool takes(const struct vport *vport, const struct frame *frame)
{
	uint64_t mac = mac_at(frame->data);
	uint32_t flag = mac == 0xffffffffffff ? WEIR_VPORT_BROADCAST
			: mac & 1	      ? WEIR_VPORT_ALL_MULTICAST
					      : WEIR_VPORT_PROMISCUOUS;

	if (!(vport->flags & WEIR_VPORT_ENABLE))
		return false;
	if (mac != 0xffffffffffff && owns(vport, frame))
		return true;
	if (vport->port_vlan && !in_port_vlan(vport, frame))
		return false;
	if (!accepts_vlan(vport, seen_tag(vport, frame)))
		return false;
	return vport->flags & flag;
}

/* The first bytes of the steer_key of a frame without its port VLAN's tag. */
static void key_of(const struct frame *frame, uint8_t key[RULE_BYTES])
{
	memset(key, 0, RULE_BYTES);
	memcpy(key, frame->data, 14);
	/* A frame that ends in a tag has none. */
	if (is_tag(frame) && frame->bytes >= 18) {
		memcpy(key + 12, frame->data + 16, 2);
		memcpy(key + 14, frame->data + 12, 4);
	}
}

/* The rule that decides about a frame as the vport sees it; NULL: none. */
static struct rule *rule_of(struct vport *vport, const struct frame *frame)
{
	uint8_t key[RULE_BYTES];

	key_of(frame, key);
	for (uint32_t i = 0; i < RULES; i++) {
		struct rule *rule = &vport->rules[i];
		bool matches = rule->exists;

		for (uint32_t at = 0; at < RULE_BYTES; at++)
			matches &= (key[at] & rule->mask[at]) == rule->key[at];
		if (matches)
			return rule;
	}
	return NULL;
}

static bool has_two_tags(const struct frame *frame)
{
	uint16_t type = word_at(frame->data + 16);

	return is_tag(frame) && (type == 0x8100 || type == 0x88a8) && frame->bytes >= 22;
}

static void deliver(uint32_t to, uint32_t from, const struct frame *sent)
{
	struct vport *vport = &vports[to];
	struct frame *frame = &expected[to][expected_count[to]];

	if (!link_is_up(to)) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE]++;
		return;
	}
	*frame = *sent;
	frame->taken = false;
	frame->flow = flow_of(sent);
	if (vport->port_vlan)
		take_tag_out(frame);
	struct rule *rule = rule_of(vport, frame);

	frame->steered = rule && rule->action == WEIR_STEER_ACTION_QUEUE;
	frame->queue = rule ? rule->queue : 0;
	if (rule) {
		rule->frames++;
		rule->bytes += sent->came;
	}
	if (rule && rule->action == WEIR_STEER_ACTION_DROP) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_BY_RULE]++;
		return;
	}
	if (frame->bytes > vport->mtu + (has_two_tags(frame) && !vport->port_vlan ? 22u : 18u)) {
		vport->stats[WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE]++;
		return;
	}
	uint32_t strips = outer_tag(frame).type == 0x88a8 ? WEIR_VPORT_VLAN_STRIP_8021AD
							  : WEIR_VPORT_VLAN_STRIP;

	frame->stripped = vport->flags & strips && frame->bytes >= 18 ? outer_tag(frame).type : 0;
	frame->tci = frame->stripped ? word_at(frame->data + 14) : 0;
	if (frame->stripped)
		take_tag_out(frame);
	expected_count[to]++;
	vport->stats[WEIR_STAT_VPORT_RX_FRAMES]++;
	vport->stats[WEIR_STAT_VPORT_RX_BYTES] += frame->bytes;
	if (mac_at(frame->data) == 0xffffffffffff)
		vport->stats[WEIR_STAT_VPORT_RX_BROADCAST]++;
	else if (frame->data[0] & 1)
		vport->stats[WEIR_STAT_VPORT_RX_MULTICAST]++;
	if (from != WIRE)
		vports[from].stats[WEIR_STAT_VPORT_TX_LOOPED]++;
}

static void to_wire(const struct frame *sent)
{
	struct frame *frame = &expected[WIRE][expected_count[WIRE]];

	if (!wire_up) {
		port_stats[WEIR_STAT_PORT_TX_DROPPED_LINK_DOWN]++;
		return;
	}
	*frame = *sent;
	frame->taken = false;
	expected_count[WIRE]++;
	port_stats[WEIR_STAT_PORT_TX_FRAMES]++;
	port_stats[WEIR_STAT_PORT_TX_BYTES] += frame->bytes;
	if (frame->bytes < 60) {
		memset(frame->data + frame->bytes, 0, 60 - frame->bytes);
		frame->bytes = 60;
	}
}

static void sort(uint32_t from, const struct frame *frame)
{
	bool inside = false, taken = false;

	for (uint32_t i = 0; i < VPORTS; i++) {
		inside |= i != from && owns(&vports[i], frame);
		if (i == from || !takes(&vports[i], frame))
			continue;
		taken = true;
		deliver(i, from, frame);
	}
	if (from == WIRE) {
		port_stats[WEIR_STAT_PORT_RX_DROPPED_NO_VPORT] += !taken;
		return;
	}
	if (frame->data[0] & 1 || !inside)
		to_wire(frame);
}

/* What a vport may send (specs/sorter.md), and what leaves it; false: dropped and counted. */
static bool admit(struct vport *vport, bool link, struct frame *frame, uint16_t insert, uint16_t tci)
{
	bool cut = is_tag(frame) && frame->bytes < 18;

	if (frame->bytes < WEIR_MIN_FRAME_BYTES ||
	    frame->bytes + (insert ? 4 : 0) > WEIR_MAX_FRAME_BYTES || cut) {
		vport->stats[WEIR_STAT_VPORT_TX_DROPPED_MALFORMED]++;
		return false;
	}
	if (!link) {
		vport->stats[WEIR_STAT_VPORT_TX_DROPPED_LINK]++;
		return false;
	}
	if (insert)
		put_tag_in(frame, insert, tci);
	uint64_t source = mac_at(frame->data + 6);
	struct seen_tag tag = outer_tag(frame);
	uint16_t vid = tag.vid;
	bool customers = tag.type == 0x8100 && vport->protocol == 0x88a8;
	bool spoof = vport->port_vlan && vid && !customers;

	if (vport->spoof) {
		bool exact = has_filter(vport, source, vid);

		spoof |= source & 1 || !source ||
			 !(has_filter(vport, source, WEIR_VLAN_NONE) || exact);
		spoof |= !accepts_vlan(vport, tag) && !exact;
	}
	if (spoof) {
		vport->stats[WEIR_STAT_VPORT_TX_DROPPED_SPOOF]++;
		return false;
	}
	if (vport->port_vlan) {
		if (is_tag(frame) && !customers)
			take_tag_out(frame);
		if (frame->bytes + 4 > WEIR_MAX_FRAME_BYTES) {
			vport->stats[WEIR_STAT_VPORT_TX_DROPPED_MALFORMED]++;
			return false;
		}
		put_tag_in(frame, vport->protocol,
			   (uint16_t)(vport->port_vlan | vport->priority << 13));
	}
	return true;
}

void predict(uint32_t from, const struct frame *sent, uint16_t insert, uint16_t tci)
{
	static struct frame frame;

	frame = *sent;
	frame.came = frame.bytes;
	if (from == WIRE) {
		port_stats[WEIR_STAT_PORT_RX_FRAMES]++;
		port_stats[WEIR_STAT_PORT_RX_BYTES] += frame.bytes;
		if (frame.bytes > WEIR_MAX_FRAME_BYTES || (is_tag(&frame) && frame.bytes < 18)) {
			port_stats[WEIR_STAT_PORT_RX_DROPPED_MALFORMED]++;
			return;
		}
		sort(WIRE, &frame);
		return;
	}
	struct vport *vport = &vports[from];

	if (!admit(vport, link_is_up(from), &frame, insert, tci))
		return;
	vport->stats[WEIR_STAT_VPORT_TX_FRAMES]++;
	vport->stats[WEIR_STAT_VPORT_TX_BYTES] += sent->bytes;
	if (mac_at(frame.data) == 0xffffffffffff)
		vport->stats[WEIR_STAT_VPORT_TX_BROADCAST]++;
	else if (frame.data[0] & 1)
		vport->stats[WEIR_STAT_VPORT_TX_MULTICAST]++;
	sort(from, &frame);
}
