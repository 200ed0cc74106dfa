/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive coalescing (specs/coalescing.md): TCP segments of a burst that follow one another become one frame, an aggregate, for a vport
 * that asks for it. Which do is decided behind classify, on private copies and before anything is moved; an aggregate is then claimed,
 * written and completed as one frame in the place of its first segment; or it is kept open beyond its burst (hold.c).
 */
#include "coalesce.h"
#include "emit.h"
#include "weir_sum.h"

#define TCP_SEQUENCE	4u /* where the fields are in their headers */
#define TCP_ACKNOWLEDGE 8u
#define TCP_OFFSET	12u
#define TCP_FLAGS	13u
#define TCP_CHECKSUM	16u
#define TCP_URGENT	18u
#define TCP_OPTIONS	20u
#define IPV4_BYTES	20u
#define IPV4_LENGTH	2u
#define IPV4_ID		4u
#define IPV4_FRAGMENT	6u
#define IPV4_SUM	10u
#define IPV4_DONT	0x40u /* in its byte */
#define IPV6_BYTES	40u
#define IPV6_LENGTH	4u

/* Flags of TCP (RFC 9293 3.1). */
enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_CWR = 0x80,
};

/* Flows whose segments can be told apart in one burst; of more, one is given up. */
#define FLOWS 8u

/* Segments of a burst that become an aggregate. */
struct flow {
	uint8_t first, last; /* frames */
	bool verified;	     /* the first one's checksums are right */
	struct weir_run run;
};

/* Bytes of the frame before its receiver's tags are seen to; padding is none of them. */
static uint32_t bytes_of(const struct weir_frame *frame, const struct weir_layer *layer)
{
	return layer->end + weir_frame_whole_bytes(frame) - frame->bytes;
}

/* ---- which segments follow one another ---- */

bool weir_head_same_flow(const struct weir_head *a, const struct weir_head *b)
{
	const uint8_t *ip_a = a->header + a->layer->l3, *ip_b = b->header + b->layer->l3;

	if (a->way->vport != b->way->vport || a->layer->l3_kind != b->layer->l3_kind ||
	    a->way->tagged != b->way->tagged || a->way->tci != b->way->tci ||
	    a->way->tag_protocol != b->way->tag_protocol ||
	    a->way->tags_inserted != b->way->tags_inserted ||
	    (a->way->tags_inserted > 1 && a->way->inner_tci != b->way->inner_tci) ||
	    memcmp(a->header + a->layer->l4, b->header + b->layer->l4, 4))
		return false;
	return a->layer->l3_kind == WEIR_PACKET_L3_IPV4 ? !memcmp(ip_a + 12, ip_b + 12, 8)
							: !memcmp(ip_a + 8, ip_b + 8, 32);
}

uint8_t weir_head_flags(const struct weir_head *head)
{
	return head->header[head->layer->l4 + TCP_FLAGS];
}

bool weir_head_is_segment(const struct weir_head *head, bool *ends)
{
	const struct weir_layer *layer = head->layer;
	const uint8_t *ip = head->header + layer->l3;
	bool ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4;
	uint8_t flags;

	if (!(layer->flags & WEIR_LAYER_L4_WHOLE) ||
	    layer->flags & (WEIR_LAYER_TRUNCATED | WEIR_LAYER_READDRESSED) ||
	    layer->end == layer->payload ||
	    (uint32_t)layer->l4 - layer->l3 != (ipv4 ? IPV4_BYTES : IPV6_BYTES) ||
	    (ipv4 && ip[IPV4_FRAGMENT] & ~IPV4_DONT))
		return false;
	flags = weir_head_flags(head);
	*ends = flags & (TCP_PSH | TCP_FIN);
	return (flags & (TCP_SYN | TCP_RST | TCP_URG | TCP_ACK)) == TCP_ACK;
}

/* IP headers that segmentation would make of one, lengths, identification and checksum apart. */
static bool is_same_ip(const uint8_t *a, const uint8_t *b, bool ipv4)
{
	/* Version, class and flow label; what follows are flags, or the next header; hop limits. */
	return ipv4 ? !memcmp(a, b, IPV4_LENGTH) && !memcmp(a + IPV4_FRAGMENT, b + IPV4_FRAGMENT, 4)
		    : !memcmp(a, b, IPV6_LENGTH) && !memcmp(a + 6, b + 6, 2);
}

/* The same of TCP headers, but for sequence and checksum: an aggregate's segments cannot tell what only one of them told. */
static bool is_same_tcp(const uint8_t *a, const uint8_t *b, uint32_t bytes)
{
	return !memcmp(a + TCP_ACKNOWLEDGE, b + TCP_ACKNOWLEDGE, 5) &&
	       !((a[TCP_FLAGS] ^ b[TCP_FLAGS]) & ~(TCP_PSH | TCP_FIN | TCP_CWR)) &&
	       !(b[TCP_FLAGS] & TCP_CWR) &&
	       !memcmp(a + TCP_FLAGS + 1, b + TCP_FLAGS + 1, TCP_CHECKSUM - TCP_FLAGS - 1) &&
	       !memcmp(a + TCP_URGENT, b + TCP_URGENT, bytes - TCP_URGENT);
}

/* Is the identification the next one, or the first one's in all of them, which a frame that may be fragmented must not have? */
static bool id_follows(const struct weir_run *run, const uint8_t *ip)
{
	uint32_t step = (load16(ip + IPV4_ID) - run->id) & 0xffffu;

	if (step > 1 || (!step && !(ip[IPV4_FRAGMENT] & IPV4_DONT)))
		return false;
	return run->segments == 1 || (step == 0) == run->fixed_id;
}

bool weir_run_goes_on(const struct weir_run *run, const struct weir_head *first,
		      const struct weir_head *next, const struct weir_vport *vport)
{
	const struct weir_layer *layer = next->layer;
	const uint8_t *ip = next->header + layer->l3, *tcp = next->header + layer->l4;
	bool ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4;
	uint32_t payload = payload_of(layer);

	return payload <= run->payload && load32(tcp + TCP_SEQUENCE) == run->sequence &&
	       layer->l3 == first->layer->l3 && layer->payload == first->layer->payload &&
	       !memcmp(next->header, first->header, 12) &&
	       !memcmp(next->header + next->way->rest, first->header + first->way->rest,
		       layer->l3 - next->way->rest) &&
	       is_same_ip(first->header + first->layer->l3, ip, ipv4) &&
	       is_same_tcp(first->header + first->layer->l4, tcp,
			   (uint32_t)layer->payload - layer->l4) &&
	       (!ipv4 || id_follows(run, ip)) && run->segments < vport->coalesce_segments &&
	       run->bytes + payload <= vport->coalesce_bytes;
}

static uint16_t id_of(const struct weir_head *head)
{
	return head->layer->l3_kind == WEIR_PACKET_L3_IPV4
		       ? (uint16_t)load16(head->header + head->layer->l3 + IPV4_ID)
		       : 0;
}

void weir_run_add(struct weir_run *run, const struct weir_head *next)
{
	uint32_t payload = payload_of(next->layer);
	uint16_t id = id_of(next);

	run->segments++;
	run->fixed_id = next->layer->l3_kind == WEIR_PACKET_L3_IPV4 && id == run->id;
	run->id = id;
	run->bytes += payload;
	run->sequence += payload;
}

struct weir_run weir_run_of(const struct weir_burst *burst, uint32_t number)
{
	const struct weir_head head = weir_head_of(burst, number);
	uint32_t payload = payload_of(head.layer);

	return (struct weir_run){
		.segments = 1,
		.payload = (uint16_t)payload,
		.id = id_of(&head),
		.bytes = bytes_of(&burst->frames[number], head.layer),
		.sequence = load32(head.header + head.layer->l4 + TCP_SEQUENCE) + payload,
	};
}

/* Does frame `number`, a segment of the flow, follow the flow's last one? Then it is joined to it. */
static bool join(struct weir_burst *burst, const struct weir_vport *vport, struct flow *flow,
		 const struct weir_head *head, uint32_t number)
{
	const struct weir_head first = weir_head_of(burst, flow->first);

	if (!weir_run_goes_on(&flow->run, &first, head, vport))
		return false;
	/* The first one only now that it has company. */
	if (!flow->verified && !weir_verify_ahead(burst, flow->first))
		return false;
	flow->verified = true;
	if (!weir_verify_ahead(burst, number))
		return false;
	burst->joined[flow->last] = (uint8_t)number;
	burst->frames[number].way.route = WEIR_ROUTE_JOINED;
	/* Neither goes with the frame before it, whatever that is. */
	burst->frames[number].alike = burst->frames[flow->first].alike = false;
	flow->last = (uint8_t)number;
	weir_run_add(&flow->run, head);
	return true;
}

/* The flows of a burst that are open: what comes next may follow their last segment. */
struct flows {
	struct flow flow[FLOWS];
	uint32_t count;
};

static void close(struct flows *flows, uint32_t at)
{
	flows->flow[at] = flows->flow[--flows->count];
}

/* Takes frame `number`, which has TCP, into the aggregate that it continues, or lets it begin one. */
static void take(struct weir_burst *burst, const struct weir_vport *vport, struct flows *flows,
		 uint32_t number)
{
	const struct weir_head head = weir_head_of(burst, number);
	bool ends = false, segment = weir_head_is_segment(&head, &ends);
	uint32_t at = 0;

	while (at < flows->count) {
		const struct weir_head first = weir_head_of(burst, flows->flow[at].first);

		if (weir_head_same_flow(&first, &head))
			break;
		at++;
	}
	if (at < flows->count) {
		struct flow *flow = &flows->flow[at];

		if (segment && join(burst, vport, flow, &head, number)) {
			if (weir_run_is_over(&flow->run, &head, ends, vport))
				close(flows, at);
			burst->coalesced = true;
			return;
		}
		/* Whatever else comes of the flow must not be overtaken by what comes behind it. */
		close(flows, at);
	}
	/* Padding behind a full segment would lie in the middle. */
	if (!segment || ends || head.layer->end != burst->frames[number].bytes)
		return;
	if (flows->count == FLOWS)
		close(flows, 0);
	flows->flow[flows->count++] = (struct flow){
		.first = (uint8_t)number,
		.last = (uint8_t)number,
		.run = weir_run_of(burst, number),
	};
}

void weir_coalesce_burst(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct flows flows = { .count = 0 };

	/* A frame that is followed step by step is followed by itself. */
	if (burst->traced)
		return;
	burst->coalesces = true;
	for (uint32_t i = 0; i < burst->frame_count; i++) {
		const struct weir_frame *frame = &burst->frames[i];
		const struct weir_vport *vport = &firmware->vports[frame->way.vport];

		burst->joined[i] = 0;
		if (frame->way.route != WEIR_ROUTE_ONE || !vport->coalesce_segments)
			continue;
		if (weir_frame_layers(burst, i)->outer.l4_kind == WEIR_PACKET_L4_TCP)
			take(burst, vport, &flows, i);
	}
}

void weir_coalesce_cut(struct weir_burst *burst, uint32_t last)
{
	uint32_t next = burst->joined[last];

	if (!next)
		return;
	burst->joined[last] = 0;
	burst->frames[next].way.route = WEIR_ROUTE_ONE;
}

void weir_coalesce_undo(struct weir_burst *burst, uint32_t number)
{
	uint32_t next;

	for (; (next = burst->joined[number]); number = next) {
		burst->frames[next].way.route = WEIR_ROUTE_ONE;
		burst->joined[number] = 0;
	}
}

/* ---- what is delivered ---- */

/* Where the headers of an aggregate are made: in the second segment's place for one that leaves on a wire, which it does not. */
static uint8_t *header_of(struct weir_burst *burst, uint32_t number)
{
	return burst->wire_headers[burst->joined[number]];
}

void weir_coalesce_header(uint8_t *header, const struct weir_layer *first, uint32_t payload,
			  uint8_t last_flags)
{
	struct weir_layer layer = *first;
	uint8_t *ip = header + layer.l3, *tcp = header + layer.l4;
	uint32_t bytes = (uint32_t)layer.payload - layer.l3 + payload;

	layer.end = (uint16_t)(layer.payload + payload);
	if (layer.l3_kind == WEIR_PACKET_L3_IPV4) {
		store16(ip + IPV4_LENGTH, bytes);
		store16(ip + IPV4_SUM, 0);
		store16(ip + IPV4_SUM, ~weir_sum_of(ip, IPV4_BYTES));
	} else {
		store16(ip + IPV6_LENGTH, bytes - IPV6_BYTES);
	}
	tcp[TCP_FLAGS] |= last_flags & (TCP_PSH | TCP_FIN);
	store16(tcp + TCP_CHECKSUM, weir_pseudo_sum(header, &layer));
}

uint32_t weir_run_flags(const struct weir_run *run, const struct weir_head *first)
{
	bool ipv4 = first->layer->l3_kind == WEIR_PACKET_L3_IPV4;

	return WEIR_RXC_COALESCED_MASK | WEIR_PREP(WEIR_RXC_L4, WEIR_CHECKSUM_STATE_GOOD) |
	       (ipv4 ? WEIR_PREP(WEIR_RXC_IP, WEIR_CHECKSUM_STATE_GOOD) : 0) |
	       (run->fixed_id ? WEIR_RXC_COALESCED_FIXED_ID_MASK : 0);
}

uint16_t weir_run_segment(const struct weir_run *run, const struct weir_head *first)
{
	return (uint16_t)(WEIR_PREP(WEIR_RXA_L3, first->layer->l3_kind) |
			  WEIR_PREP(WEIR_RXA_PAYLOAD, run->payload));
}

struct weir_aggregate weir_coalesce_make(struct weir_burst *burst, uint32_t number)
{
	const struct weir_head first = weir_head_of(burst, number);
	struct weir_head last = first;
	struct weir_run run = weir_run_of(burst, number);
	uint32_t bytes = run.bytes;
	uint8_t *header = header_of(burst, number);

	for (uint32_t next = number; (next = burst->joined[next]);) {
		last = weir_head_of(burst, next);
		weir_run_add(&run, &last);
	}
	/* 12 bytes of addresses, then what way.rest says. */
	memcpy(header, first.header, first.layer->payload);
	weir_coalesce_header(header, first.layer, run.bytes - bytes + payload_of(first.layer),
			     weir_head_flags(&last));
	return (struct weir_aggregate){
		.segments = run.segments,
		.segment = weir_run_segment(&run, &first),
		.more_bytes = run.bytes - bytes,
		.flags = weir_run_flags(&run, &first),
	};
}

/* The payload of frame `number`, without what pads it. False: HAL was busy. */
static bool emit_payload(struct weir_emission *emission, uint32_t number)
{
	struct weir_burst *burst = emission->burst;
	const struct weir_frame *frame = &burst->frames[number];
	const struct weir_layer *layer = &burst->layers[number].outer;
	uint32_t left = payload_of(layer);
	struct weir_piece piece = { .from = frame->header + layer->payload };

	piece.bytes = least(left, (uint32_t)frame->header_bytes - layer->payload);
	left -= piece.bytes;
	if (!weir_emit_piece(emission, piece))
		return false;
	for (uint32_t i = 0; left && i < frame->segments; i++) {
		piece = (struct weir_piece){ .segment = &burst->segments[frame->first_segment + i] };
		piece.bytes = least(left, piece.segment->bytes);
		left -= piece.bytes;
		if (!weir_emit_piece(emission, piece))
			return false;
	}
	return true;
}

bool weir_emit_joined(struct weir_emission *emission, uint32_t number)
{
	do {
		if (!emit_payload(emission, number))
			return false;
		number = emission->burst->joined[number];
	} while (number);
	return true;
}

bool weir_emit_aggregate(struct weir_firmware *firmware, struct weir_burst *burst,
			 const struct weir_delivery *delivery)
{
	struct weir_emission emission = weir_emission_of(firmware, burst, delivery, 0);
	uint32_t number = delivery->frame;
	struct weir_frame head = burst->frames[number];

	head.header = header_of(burst, number);
	head.header_bytes = burst->layers[number].outer.payload;
	if (!weir_emit_head(&emission, delivery, &head, number))
		return false;
	if (!weir_emit_joined(&emission, number))
		return false;
	burst->emit_operation = 0;
	return true;
}

uint32_t weir_coalesced_bytes(const struct weir_burst *burst, const struct weir_delivery *delivery)
{
	const struct weir_layer *layer = &burst->layers[delivery->frame].outer;
	uint32_t payload = payload_of(layer), number = delivery->frame;

	while ((number = burst->joined[number]))
		payload += payload_of(&burst->layers[number].outer);
	return delivery->bytes + (delivery->segments - 1u) * (delivery->bytes - payload);
}
