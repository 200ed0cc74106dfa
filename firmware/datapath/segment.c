/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stage that cuts a large frame into segments (specs/segmentation.md). Its headers were fetched once and are looked at once: by
 * weir_segment_begin(), then by classify as if they were a frame's. Segments are made in rounds of a burst's worth, each with a
 * header of its own and pieces of the host's payload behind it, and go from claim on as any frames do; between two rounds the burst
 * rests for a poll, so that other queues have their turns.
 */
#include "burst.h"
#include "bytes.h"
#include "weir_sum.h"

#define TCP_CHECKSUM 16u /* where the fields are in their headers */
#define TCP_SEQUENCE 4u
#define TCP_FLAGS    13u
#define UDP_CHECKSUM 6u
#define UDP_LENGTH   4u
#define IPV4_LENGTH  2u
#define IPV4_ID	     4u
#define IPV4_SUM     10u
#define IPV6_LENGTH  4u
#define IPV6_BYTES   40u

/* Flags of TCP (RFC 9293 3.1). */
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

/* ---- descriptors ---- */

static uint32_t mss_of(const struct weir_tx_descriptor *first)
{
	struct weir_tx_payload_descriptor payload;

	_Static_assert(sizeof(payload) == sizeof(*first), "one is read as the other");
	memcpy(&payload, first + 1, sizeof(payload));
	return weir_le16_to_cpu(payload.mss);
}

const char *weir_segment_fault(const struct weir_tx_descriptor *first, uint32_t count,
			       uint32_t bytes, uint32_t *value)
{
	uint32_t flags = weir_le16_to_cpu(first->flags), header = weir_le16_to_cpu(first->length);
	uint32_t tag = flags & WEIR_TXD_VLAN_MASK ? 4 : 0, mss;

	*value = flags;
	if (!(flags & WEIR_TXD_SEGMENT_MASK) || !(flags & WEIR_TXD_CHECKSUM_MASK) ||
	    flags & (WEIR_TXD_CRC32C_MASK | WEIR_TXD_TIMESTAMP_MASK))
		return "segmentation flags that do not go together, flags";
	if (count < 2)
		return "frame to be cut without payload, flags";
	*value = bytes;
	if (bytes > WEIR_SEGMENT_FRAME_BYTES)
		return "frame to be cut too long, bytes";
	*value = header;
	if (header > WEIR_SEGMENT_HEADER_BYTES)
		return "headers of a frame to be cut too long, bytes";
	*value = mss = mss_of(first);
	if (mss < WEIR_SEGMENT_MIN_BYTES || header + mss + tag > WEIR_MAX_FRAME_BYTES)
		return "segments of an impossible length, bytes";
	return NULL;
}

void weir_segment_add(struct weir_burst *burst, uint32_t at, uint32_t bytes)
{
	const struct weir_tx_descriptor *first = &burst->descriptors[at];
	struct weir_large *large = &burst->large;

	burst->cuts = true;
	large->fault = NULL;
	large->rests = false;
	large->number = 0;
	large->header_bytes = (uint8_t)weir_le16_to_cpu(first->length);
	large->left = bytes - large->header_bytes;
	large->descriptor = (uint16_t)(at + 1);
	large->offset = 0;
	large->mss = (uint16_t)mss_of(first);
	large->fixed_id = weir_le16_to_cpu(first->flags) & WEIR_TXD_FIXED_ID_MASK;
}

/* ---- headers ---- */

/* Takes out of the common header what differs from segment to segment. */
static void take_ip(struct weir_large *large, const struct weir_layer *layer,
		    struct weir_large_ip *ip, bool counts)
{
	uint8_t *at = large->header + layer->l3;

	*ip = (struct weir_large_ip){ .at = layer->l3,
				      .ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4 };
	if (!ip->ipv4)
		return;
	ip->counts = counts;
	ip->id = (uint16_t)load16(at + IPV4_ID);
	store16(at + IPV4_LENGTH, 0);
	store16(at + IPV4_ID, 0);
	store16(at + IPV4_SUM, 0);
	ip->sum = (uint16_t)weir_sum_of(at, (uint32_t)layer->l4 - layer->l3);
}

static void take_tunnel(struct weir_large *large, const struct weir_layer *outer)
{
	uint8_t *udp = large->header + outer->l4;

	large->outer_l4 = outer->l4;
	large->outer_seed = (uint16_t)load16(udp + UDP_CHECKSUM);
	take_ip(large, outer, &large->ip[0], true);
	store16(udp + UDP_LENGTH, 0);
	store16(udp + UDP_CHECKSUM, 0);
}

/* The header of which START and OFFSET tell, as its own lengths and the first descriptor's agree; NULL: there is none. */
static const struct weir_layer *find_layer(const struct weir_layers *layers, uint32_t header_bytes,
					   uint32_t where)
{
	const struct weir_layer *layer = &layers->outer;
	uint32_t field = WEIR_GET(WEIR_TXD_OFFSET, where);

	if (layers->tunnel != WEIR_PACKET_TUNNEL_NONE &&
	    layers->inner.l4 == WEIR_GET(WEIR_TXD_START, where))
		layer = &layers->inner;
	if (layer->l4 != WEIR_GET(WEIR_TXD_START, where) || !(layer->flags & WEIR_LAYER_L4_WHOLE) ||
	    layer->payload != header_bytes)
		return NULL;
	if (field != (layer->l4_kind == WEIR_PACKET_L4_TCP   ? TCP_CHECKSUM
		      : layer->l4_kind == WEIR_PACKET_L4_UDP ? UDP_CHECKSUM
							     : UINT32_MAX))
		return NULL;
	return layer;
}

void weir_segment_begin(struct weir_burst *burst)
{
	struct weir_frame *frame = &burst->frames[0];
	struct weir_large *large = &burst->large;
	uint32_t where = weir_le16_to_cpu(burst->descriptors[frame->first_descriptor].checksum);
	const struct weir_layer *layer;
	struct weir_layers layers;

	if (frame->failed)
		return;
	/* Tags in place are two at most; whether the outer one is another's does not matter here. */
	weir_parse(frame->header, large->header_bytes, 12, 2, large->header_bytes, &layers);
	layer = find_layer(&layers, large->header_bytes, where);
	if (!layer) {
		large->fault = "headers that cannot be cut, flags";
		frame->failed = frame->refused = true;
		return;
	}
	memcpy(large->header, frame->header, sizeof(large->header));
	large->l4 = layer->l4;
	large->udp = layer->l4_kind == WEIR_PACKET_L4_UDP;
	large->outer_l4 = 0;
	if (layer == &layers.inner)
		take_tunnel(large, &layers.outer);
	take_ip(large, layer, &large->ip[1], !large->fixed_id);
	frame->insert = WEIR_INSERT_INTERNET;
	frame->insert_start = large->l4;
	frame->insert_field = (uint8_t)(large->l4 + WEIR_GET(WEIR_TXD_OFFSET, where));
	large->seed = (uint16_t)load16(large->header + frame->insert_field);
	large->sequence = load16(large->header + large->l4 + TCP_SEQUENCE) << 16 |
			  load16(large->header + large->l4 + TCP_SEQUENCE + 2);
	/* As long as any segment: so much must be allowed. */
	frame->bytes = (uint16_t)(large->header_bytes + least(large->mss, large->left));
}

/* ---- segments ---- */

static void store_ip(uint8_t *header, const struct weir_large_ip *ip, uint32_t number,
		     uint32_t frame_bytes)
{
	uint32_t bytes = frame_bytes - ip->at, id = ip->id + (ip->counts ? number : 0);
	uint8_t *at = header + ip->at;

	if (!ip->ipv4) {
		store16(at + IPV6_LENGTH, bytes - IPV6_BYTES);
		return;
	}
	store16(at + IPV4_LENGTH, bytes);
	store16(at + IPV4_ID, id);
	store16(at + IPV4_SUM, ~weir_sum_add(weir_sum_add(ip->sum, bytes), id & 0xffff));
}

/* TCP's or UDP's header of a segment, but for the checksum. */
static void store_l4(uint8_t *l4, const struct weir_large *large, uint32_t l4_bytes, bool last)
{
	if (large->udp) {
		store16(l4 + UDP_LENGTH, l4_bytes);
		return;
	}
	uint32_t sequence = large->sequence + (uint32_t)large->number * large->mss;

	store16(l4 + TCP_SEQUENCE, sequence >> 16);
	store16(l4 + TCP_SEQUENCE + 2, sequence);
	if (large->number)
		l4[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	if (!last)
		l4[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

/*
 * The tunnel's UDP header, all behind it but the inner checksum being in place. That one makes the inner datagram's sum the complement of
 * its pseudo header's, so the payload need not be looked at.
 */
static void store_tunnel(uint8_t *header, const struct weir_large *large, uint32_t frame_bytes,
			 uint32_t inner_seed)
{
	uint8_t *udp = header + large->outer_l4;
	uint32_t bytes = frame_bytes - large->outer_l4, sum;

	store16(udp + UDP_LENGTH, bytes);
	if (!large->outer_seed)
		return;
	sum = weir_sum_of(udp, (uint32_t)large->l4 - large->outer_l4);
	sum = weir_sum_add(weir_sum_add(sum, bytes), large->outer_seed);
	store16(udp + UDP_CHECKSUM, weir_sum_field(weir_sum_add(sum, ~inner_seed & 0xffff)));
}

/* Lists the next `bytes` of payload. */
static void take_payload(struct weir_burst *burst, const struct hal_requester *requester,
			 uint32_t bytes)
{
	struct weir_large *large = &burst->large;

	large->left -= bytes;
	while (bytes) {
		const struct weir_tx_descriptor *descriptor =
			&burst->descriptors[large->descriptor];
		uint32_t length = weir_le16_to_cpu(descriptor->length),
			 take = least(bytes, length - large->offset);

		burst->segments[burst->segment_count++] =
			(struct hal_segment){ weir_le64_to_cpu(descriptor->address) + large->offset,
					      take, *requester };
		large->offset += take;
		bytes -= take;
		if (large->offset == length) {
			large->descriptor++;
			large->offset = 0;
		}
	}
}

/* Cuts the next segment into place `place` of the burst. */
static void cut(struct weir_burst *burst, const struct hal_requester *requester, uint32_t place)
{
	struct weir_large *large = &burst->large;
	struct weir_frame *frame = &burst->frames[place];
	uint32_t payload = least(large->mss, large->left);
	uint32_t bytes = large->header_bytes + payload, l4_bytes = bytes - large->l4;
	uint8_t *header = burst->headers[place];
	uint32_t seed = weir_sum_add(large->seed, l4_bytes);

	*frame = large->frame;
	frame->header = header;
	frame->bytes = (uint16_t)bytes;
	frame->insert_seed = (uint16_t)seed;
	frame->alike = place > 0;
	frame->first_segment = burst->segment_count;
	take_payload(burst, requester, payload);
	frame->segments = (uint16_t)(burst->segment_count - frame->first_segment);

	memcpy(header, large->header, sizeof(large->header));
	store_ip(header, &large->ip[1], large->number, bytes);
	store_l4(header + large->l4, large, l4_bytes, !large->left);
	store16(header + frame->insert_field, seed);
	if (WEIR_UNLIKELY(large->outer_l4)) {
		store_ip(header, &large->ip[0], large->number, bytes);
		store_tunnel(header, large, bytes, seed);
	}
	large->number++;
}

/* The first round: what classify has said of the headers is true of every segment. False: they were dropped. */
static bool open_large(struct weir_firmware *firmware, struct weir_burst *burst)
{
	struct weir_frame *frame = &burst->large.frame;

	*frame = burst->frames[0];
	if (frame->way.route == WEIR_ROUTE_DROP)
		return false;
	/* Each has lengths of its own, and is a frame of its own in the trace. */
	frame->parsed = false;
	frame->trace = WEIR_NO_FRAME;
	burst->source->stats[WEIR_STAT_VPORT_TX_SEGMENTED]++;
	firmware->tx_queues[burst->queue].stats[WEIR_STAT_TX_QUEUE_SEGMENTED]++;
	return true;
}

enum weir_stage_answer weir_stage_segment(struct weir_firmware *firmware, struct weir_burst *burst)
{
	const struct weir_tx_queue *queue = &firmware->tx_queues[burst->queue];
	struct weir_large *large = &burst->large;
	struct weir_transmitted sum = { { 0, 0, 0 }, 0 };
	uint32_t count = 0;

	burst->stage = WEIR_STAGE_HEAD;
	if (!large->number) {
		if (!open_large(firmware, burst))
			return WEIR_NEXT;
	} else if (!large->left || queue->state != WEIR_QUEUE_RUNNING) {
		return WEIR_NEXT;
	} else if (!large->rests) {
		large->rests = true;
		burst->stage = WEIR_STAGE_SEGMENT;
		return WEIR_RETRY;
	}
	large->rests = false;
	burst->segment_count = 0;
	while (large->left && count < WEIR_BURST_FRAMES) {
		cut(burst, &queue->requester, count);
		sum.bytes += burst->frames[count++].bytes;
	}
	sum.frames[large->frame.way.cast] = count;
	weir_count_transmitted(firmware, burst, &sum);
	burst->frame_count = (uint16_t)count;
	burst->next_frame = burst->wire_frame = 0;
	weir_trace_burst(firmware, burst);
	weir_coalesce(firmware, burst);
	burst->stage = WEIR_STAGE_CLAIM;
	return WEIR_NEXT;
}
