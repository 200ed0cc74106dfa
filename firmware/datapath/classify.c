/* SPDX-License-Identifier: BSD-3-Clause */
/* The stage that decides, on the private copy of a frame's header, who gets it (specs/sorter.md). */
#include "burst.h"

#define BROADCAST_MAC 0xffffffffffffull
#define PROMISCUOUS_LOOKED_AT \
	4 /* with more of them a frame's takers are not listed before its turn comes */

static uint16_t load16_network(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint64_t load_mac(const uint8_t *at)
{
	uint64_t value;

	/* Eight bytes are there: a header has at least MIN_FRAME_BYTES. */
	__builtin_memcpy(&value, at, sizeof(value));
	return weir_le64_to_cpu(value) & BROADCAST_MAC;
}

/* Finds the outer tag; false: a tag ends the frame, and whoever pads it would make it one of another VLAN. */
static bool parse_tag(struct weir_frame *frame)
{
	uint16_t type = load16_network(frame->header + 12);

	frame->way.rest = 12;
	frame->way.tagged = false;
	frame->way.tci = 0;
	frame->way.tag_protocol = 0;
	frame->way.ethertype = type;
	if (weir_is_tag(type)) {
		if (WEIR_UNLIKELY(frame->header_bytes < 18))
			return false;
		frame->way.tagged = true;
		frame->way.rest = 16;
		frame->way.tag_protocol = type;
		frame->way.tci = load16_network(frame->header + 14);
		frame->way.ethertype = load16_network(frame->header + 16);
	}
	return true;
}

bool weir_frame_inner_tag(const struct weir_frame *frame, struct weir_inner_tag *tag)
{
	const uint8_t *at = frame->header + frame->way.rest;

	*tag = (struct weir_inner_tag){ 0 };
	if (!weir_is_tag(frame->way.ethertype))
		return false;
	tag->protocol = frame->way.ethertype;
	if (WEIR_UNLIKELY(frame->way.tags_inserted > 1)) {
		tag->tci = frame->way.inner_tci;
		tag->ethertype = load16_network(at);
		return true;
	}
	/* Tag and the type behind it. */
	if (WEIR_UNLIKELY(frame->header_bytes < frame->way.rest + 6u))
		return false;
	tag->tci = load16_network(at + 2);
	tag->ethertype = load16_network(at + 4);
	return true;
}

void weir_frame_key(const struct weir_frame *frame, struct weir_sort_key *key)
{
	key->mac = load_mac(frame->header);
	key->vlan = frame->way.tci & 0xfff;
	key->tag_protocol = frame->way.tag_protocol;
	key->inner_vlan = key->inner_protocol = 0;
	if (WEIR_UNLIKELY(frame->way.tagged)) {
		struct weir_inner_tag inner;

		key->inner_vlan = WEIR_VLAN_OF_NOBODY;
		if (weir_frame_inner_tag(frame, &inner) || !inner.protocol)
			key->inner_vlan = inner.tci & 0xfff;
		key->inner_protocol = inner.protocol;
	}
}

static void drop_transmit(struct weir_firmware *firmware, struct weir_burst *burst,
			  enum weir_stat_vport why)
{
	burst->source->stats[why]++;
	firmware->tx_queues[burst->queue].stats[WEIR_STAT_TX_QUEUE_DROPPED]++;
}

static void drop_malformed(struct weir_firmware *firmware, struct weir_burst *burst,
			   const char *what, uint32_t value)
{
	drop_transmit(firmware, burst, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED);
	weir_misbehaviour(firmware, &firmware->functions[burst->source->function],
			  WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR, what, value);
}

/* The source's vport, or its administrator, does not let such a frame out. */
static void drop_spoof(struct weir_firmware *firmware, struct weir_burst *burst, const char *what,
		       uint32_t value)
{
	drop_transmit(firmware, burst, WEIR_STAT_VPORT_TX_DROPPED_SPOOF);
	weir_misbehaviour(firmware, &firmware->functions[burst->source->function],
			  WEIR_MISBEHAVIOUR_SPOOF, what, value);
}

/* Does the frame fit as it leaves, a port VLAN's tag included? A tag by descriptor was counted when the descriptors were looked at. */
static bool fits(struct weir_firmware *firmware, struct weir_burst *burst,
		 const struct weir_frame *frame)
{
	if (WEIR_LIKELY(!frame->way.tags_inserted ||
			weir_frame_whole_bytes(frame) <= WEIR_MAX_FRAME_BYTES))
		return true;
	drop_malformed(firmware, burst, "frame too long with its port VLAN's tag, bytes",
		       frame->bytes);
	return false;
}

/* The tag that the descriptor asks for is the outer one; a tag in place stays behind it. */
static void put_tag(struct weir_frame *frame, const struct weir_tx_descriptor *descriptor)
{
	frame->way.rest = 12;
	frame->way.tagged = true;
	frame->way.tags_inserted = 1;
	frame->way.tag_protocol = weir_le16_to_cpu(descriptor->flags) & WEIR_TXD_VLAN_8021AD_MASK
					  ? WEIR_TPID_8021AD
					  : WEIR_TPID_8021Q;
	frame->way.tci = weir_le16_to_cpu(descriptor->vlan_tci);
	frame->way.ethertype = load16_network(frame->header + 12);
}

/* Are source address and VLAN the vport's own? False: dropped and counted. Of a vport in a port VLAN it is the tag that it sends. */
static bool check_spoof(struct weir_firmware *firmware, struct weir_burst *burst,
			const struct weir_frame *frame, uint64_t own)
{
	const struct weir_vport *vport = burst->source;
	uint64_t mine = load_mac(frame->header + 6);
	uint16_t vlan = frame->way.tci & 0xfff;

	/* A group address is nobody's own, whatever groups the vport listens to; nor is zero, of a vport that has no MAC yet. */
	bool known = mine == own ||
		     weir_sorter_has(firmware, vport, frame->header + 6, WEIR_VLAN_NONE) ||
		     weir_sorter_has(firmware, vport, frame->header + 6, vlan);

	if (WEIR_UNLIKELY(!known || (mine & 1) || !mine)) {
		drop_spoof(firmware, burst, "source MAC is not the vport's, low bytes",
			   (uint32_t)(mine >> 16));
		return false;
	}
	if (WEIR_UNLIKELY(!weir_vport_accepts_tag(vport, frame->way.tag_protocol, vlan) &&
			  !weir_sorter_has(firmware, vport, frame->header + 6, vlan))) {
		drop_spoof(firmware, burst, "VLAN is not the vport's", vlan);
		return false;
	}
	return true;
}

/*
 * Puts the tag of the source's port VLAN in front. A customer's tag, which is one of 802.1Q inside of 802.1ad, stays behind it; any other
 * priority tag carries no VLAN and gives way: one in place is left out (rest 16), one to be inserted is overwritten.
 */
static void put_port_vlan(struct weir_frame *frame, const struct weir_vport *vport)
{
	bool stays = frame->way.tag_protocol == WEIR_TPID_8021Q &&
		     vport->port_vlan_protocol == WEIR_TPID_8021AD;

	if (stays && frame->way.tags_inserted) {
		frame->way.inner_tci = frame->way.tci;
		frame->way.ethertype = WEIR_TPID_8021Q;
		frame->way.tags_inserted = 2;
	} else {
		if (stays) {
			frame->way.rest = 12;
			frame->way.ethertype = WEIR_TPID_8021Q;
		}
		frame->way.tags_inserted = 1;
	}
	frame->way.tagged = true;
	frame->way.tci = vport->port_vlan_tci;
	frame->way.tag_protocol = vport->port_vlan_protocol;
}

/* May a frame with this outer tag (protocol 0: none) come from inside of the vport's port VLAN? */
static bool may_be_inside(const struct weir_vport *vport, const struct weir_way *way)
{
	return (way->tci & 0xfff) == 0 || (way->tag_protocol == WEIR_TPID_8021Q &&
					   vport->port_vlan_protocol == WEIR_TPID_8021AD);
}

/* Source checks and tag insertion for a frame from a vport; false: dropped and counted. */
static bool admit(struct weir_firmware *firmware, struct weir_burst *burst,
		  struct weir_frame *frame, uint64_t own)
{
	struct weir_vport *vport = burst->source;
	uint16_t flags = weir_le16_to_cpu(burst->descriptors[frame->first_descriptor].flags);

	if (WEIR_UNLIKELY(frame->refused)) {
		drop_malformed(firmware, burst,
			       burst->cuts ? burst->large.fault
					   : "no IPv4 header to put a checksum into, flags",
			       flags);
		return false;
	}
	if (WEIR_UNLIKELY(frame->failed)) {
		struct weir_function *function = &firmware->functions[vport->function];

		drop_transmit(firmware, burst, WEIR_STAT_VPORT_TX_DROPPED_FAULT);
		/* In a reset, or without bus master, there is nothing to blame anybody for. */
		if (hal_function_usable(firmware->hal, function->index)) {
			function->stats[WEIR_STAT_FUNCTION_DMA_FAULTS]++;
			weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_DMA_FAULT,
					  "frame cannot be read, queue pair",
					  burst->queue - function->first_queue);
		}
		return false;
	}
	if (WEIR_UNLIKELY(!vport->linked_up)) {
		drop_transmit(firmware, burst, WEIR_STAT_VPORT_TX_DROPPED_LINK);
		return false;
	}
	if (flags & WEIR_TXD_VLAN_MASK)
		put_tag(frame, &burst->descriptors[frame->first_descriptor]);
	if (WEIR_UNLIKELY(vport->port_vlan_tci) && !may_be_inside(vport, &frame->way)) {
		drop_spoof(firmware, burst, "tagged frame from inside a port VLAN, tci",
			   frame->way.tci);
		return false;
	}
	if (vport->spoof_check && !check_spoof(firmware, burst, frame, own))
		return false;
	if (WEIR_UNLIKELY(vport->port_vlan_tci))
		put_port_vlan(frame, vport);
	return fits(firmware, burst, frame);
}

static void route(struct weir_firmware *firmware, struct weir_burst *burst,
		  struct weir_frame *frame, const struct weir_sort_key *key)
{
	uint16_t source = burst->source ? burst->source->index : WEIR_NO_VPORT;

	if (!(key->mac & 1)) {
		bool self;
		uint32_t owners =
			weir_sorter_owner(firmware, key, source, &frame->way.vport, &self);

		frame->way.cast = WEIR_UNICAST;
		frame->way.to_wire = source != WEIR_NO_VPORT && owners == 0;
		/* A promiscuous vport or two are often the sender, or the owner: then there is one taker all the same. */
		if (firmware->sorter.promiscuous_count &&
		    firmware->sorter.promiscuous_count <= PROMISCUOUS_LOOKED_AT) {
			owners = weir_sorter_takers(firmware, key, WEIR_UNICAST, source,
						    burst->destinations);
			frame->way.vport = burst->destinations[0];
		} else if (firmware->sorter.promiscuous_count) {
			owners = UINT32_MAX;
		}
		if (WEIR_LIKELY(owners == 1 && !frame->way.to_wire))
			frame->way.route = WEIR_ROUTE_ONE;
		else
			frame->way.route = owners == 0 && frame->way.to_wire ? WEIR_ROUTE_WIRE
									     : WEIR_ROUTE_MANY;
		return;
	}
	frame->way.cast = key->mac == BROADCAST_MAC ? WEIR_BROADCAST_FRAME : WEIR_MULTICAST;
	frame->way.to_wire = source != WEIR_NO_VPORT;
	frame->way.route = WEIR_ROUTE_MANY;
}

/* The first 14 bytes, as far as they decide anything: frames with equal ones that carry no tag go the same way. */
struct alike {
	uint64_t first, last;
};

static void look(const struct weir_frame *frame, struct alike *alike)
{
	__builtin_memcpy(&alike->first, frame->header, sizeof(alike->first));
	__builtin_memcpy(&alike->last, frame->header + 6, sizeof(alike->last));
}

void weir_count_transmitted(struct weir_firmware *firmware, struct weir_burst *burst,
			    const struct weir_transmitted *sum)
{
	struct weir_tx_queue *queue = &firmware->tx_queues[burst->queue];
	uint64_t *stats = burst->source->stats;
	uint64_t frames = sum->frames[WEIR_UNICAST] + sum->frames[WEIR_MULTICAST] +
			  sum->frames[WEIR_BROADCAST_FRAME];

	stats[WEIR_STAT_VPORT_TX_FRAMES] += frames;
	stats[WEIR_STAT_VPORT_TX_BYTES] += sum->bytes;
	stats[WEIR_STAT_VPORT_TX_MULTICAST] += sum->frames[WEIR_MULTICAST];
	stats[WEIR_STAT_VPORT_TX_BROADCAST] += sum->frames[WEIR_BROADCAST_FRAME];
	queue->stats[WEIR_STAT_TX_QUEUE_FRAMES] += frames;
	queue->stats[WEIR_STAT_TX_QUEUE_BYTES] += sum->bytes;
}

/* Decides on a frame by itself; false: it is dropped, and counted. */
static bool decide(struct weir_firmware *firmware, struct weir_burst *burst,
		   struct weir_frame *frame, uint64_t own)
{
	struct weir_sort_key key;

	frame->way.tags_inserted = 0;
	if (WEIR_LIKELY(!frame->failed) && WEIR_UNLIKELY(!parse_tag(frame))) {
		if (burst->from_wire)
			firmware->port_stats[burst->port][WEIR_STAT_PORT_RX_DROPPED_MALFORMED]++;
		else
			drop_malformed(firmware, burst, "frame that ends in a tag, bytes",
				       frame->bytes);
		return false;
	}
	if (burst->from_wire ? frame->failed : !admit(firmware, burst, frame, own))
		return false;
	weir_frame_key(frame, &key);
	route(firmware, burst, frame, &key);
	return true;
}

/*
 * Frames behind number `first`, which was decided on, that go the same way for sure; returns how many. *bytes: their sum is added.
 */
static uint32_t follow(struct weir_burst *burst, uint32_t first, uint64_t *bytes)
{
	const struct weir_frame *decided = &burst->frames[first],
				*end = &burst->frames[burst->frame_count];
	/* The tag that a port VLAN puts in must fit as well. */
	uint32_t longest = decided->way.tags_inserted ? WEIR_MAX_FRAME_BYTES - 4 : UINT32_MAX;
	struct weir_frame *frame = &burst->frames[first + 1];
	struct alike wanted, found;

	look(decided, &wanted);
	for (; frame < end; frame++) {
		if (frame->failed | frame->asks_tag)
			break;
		look(frame, &found);
		if ((found.first ^ wanted.first) | (found.last ^ wanted.last) ||
		    frame->bytes > longest)
			break;
		frame->way = decided->way;
		frame->alike = true;
		*bytes += frame->bytes;
	}
	return (uint32_t)(frame - decided) - 1;
}

enum weir_stage_answer weir_stage_classify(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_transmitted sum = { { 0, 0, 0 }, 0 };
	uint64_t own = 0;

	for (int i = 5; burst->source && i >= 0; i--)
		own = own << 8 | burst->source->mac[i];
	for (uint32_t i = 0; i < burst->frame_count; i++) {
		struct weir_frame *frame = &burst->frames[i];

		if (WEIR_UNLIKELY(!decide(firmware, burst, frame, own))) {
			frame->way.route = WEIR_ROUTE_DROP;
			continue;
		}
		sum.frames[frame->way.cast]++;
		sum.bytes += frame->bytes;
		/* Bursts tend to be one flow. Of a tag in place the 14 bytes do not tell all. */
		if (frame->way.rest == 12 && !frame->asks_tag &&
		    !weir_is_tag(frame->way.ethertype)) {
			uint32_t more = follow(burst, i, &sum.bytes);

			sum.frames[frame->way.cast] += more;
			i += more;
		}
	}
	if (WEIR_UNLIKELY(firmware->hashing_vports))
		weir_hash_burst(firmware, burst);
	/* Of a frame that is cut, its segments are counted and traced. */
	if (WEIR_UNLIKELY(burst->cuts)) {
		burst->stage = WEIR_STAGE_SEGMENT;
		return WEIR_NEXT;
	}
	weir_trace_burst(firmware, burst);
	if (burst->source)
		weir_count_transmitted(firmware, burst, &sum);
	weir_coalesce(firmware, burst);
	burst->stage = WEIR_STAGE_CLAIM;
	return WEIR_NEXT;
}
