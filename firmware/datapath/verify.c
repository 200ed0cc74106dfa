/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of a received frame's checksums (specs/checksum.md, "Receive"). A frame that lies whole in the header copy is judged
 * when a receiver is found for it; of a longer one the sum of what is behind the copy is taken as that is written, and it is judged
 * behind that (seal.c). Unknown is the answer whenever the frame does not say for sure.
 */
#include "burst.h"
#include "bytes.h"
#include "flow.h"
#include "weir_sum.h"

#define IPV4_SOURCE_ROUTE_LOOSE	 131
#define IPV4_SOURCE_ROUTE_STRICT 137
#define TCP_CHECKSUM		 16u /* where the field is in its header */

static bool is_checksummed(const struct weir_layer *layer)
{
	return layer->l4_kind == WEIR_PACKET_L4_TCP || layer->l4_kind == WEIR_PACKET_L4_UDP ||
	       layer->l4_kind == WEIR_PACKET_L4_SCTP;
}

static uint8_t sum_kind(const struct weir_layer *layer)
{
	return layer->l4_kind == WEIR_PACKET_L4_SCTP ? HAL_SUM_CRC32C : HAL_SUM_INTERNET;
}

/* Is the destination in the header perhaps not the last one, which is that of the checksum (RFC 791, 3.1)? */
static bool is_source_routed(const uint8_t *option, const uint8_t *end)
{
	while (option < end && *option) {
		if (*option == IPV4_SOURCE_ROUTE_LOOSE || *option == IPV4_SOURCE_ROUTE_STRICT)
			return true;
		if (*option == 1) {
			option++;
			continue;
		}
		if (option + 1 >= end || option[1] < 2)
			return true;
		option += option[1];
	}
	return false;
}

static inline enum weir_checksum_state ip_state(const uint8_t *header,
						const struct weir_layer *layer)
{
	if (layer->l3_kind != WEIR_PACKET_L3_IPV4)
		return WEIR_CHECKSUM_STATE_UNKNOWN;
	const uint8_t *ip = header + layer->l3;
	uint32_t bytes = (uint32_t)layer->l4 - layer->l3;
	/* Most have no options: a length that the compiler knows. */
	uint64_t words = WEIR_LIKELY(bytes == 20) ? weir_sum_words(ip, 20, 0)
						  : weir_sum_words(ip, bytes, 0);

	return weir_sum_is_ones(words) ? WEIR_CHECKSUM_STATE_GOOD : WEIR_CHECKSUM_STATE_BAD;
}

/* Can it be told before anything was summed? Else *state is what can be said. */
static bool is_open(const uint8_t *header, const struct weir_layer *layer,
		    enum weir_checksum_state *state)
{
	const uint8_t *l4 = header + layer->l4;
	uint32_t bytes = (uint32_t)layer->end - layer->l4;

	*state = WEIR_CHECKSUM_STATE_UNKNOWN;
	if (!is_checksummed(layer) || !(layer->flags & WEIR_LAYER_L4_WHOLE) ||
	    layer->flags & WEIR_LAYER_TRUNCATED)
		return false;
	if (layer->l4_kind == WEIR_PACKET_L4_UDP) {
		if (load16(l4 + 4) != bytes)
			return false;
		if (!load16(l4 + 6)) {
			*state = WEIR_CHECKSUM_STATE_ABSENT;
			return false;
		}
	}
	return true;
}

/* The pseudo header's sum, as this processor's words (RFC 9293, 3.1; RFC 8200, 8.1). */
static inline uint64_t pseudo_words(const uint8_t *header, const struct weir_layer *layer)
{
	bool ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4;
	const uint8_t *ip = header + layer->l3;
	uint32_t bytes = (uint32_t)layer->end - layer->l4;
	uint64_t sum = weir_sum_to_native(bytes + (layer->l4_kind == WEIR_PACKET_L4_TCP ? 6 : 17));

	return ipv4 ? weir_sum_words(ip + 12, 8, sum) : weir_sum_words(ip + 8, 32, sum);
}

static inline bool l4_sum_good(const uint8_t *header, const struct weir_layer *layer,
			       uint32_t copied, const struct weir_payload *payload)
{
	uint64_t words = pseudo_words(header, layer);
	uint32_t end = layer->end < copied ? layer->end : copied;

	/* Summed from the frame's beginning: what is ahead of the L4 header, an even number of bytes, is taken out again. */
	if (layer->end > copied && !payload->begin) {
		uint32_t ahead = weir_sum_of(header, layer->l4),
			 pseudo = weir_sum_from_native(words);

		return weir_sum_is_ones((uint64_t)payload->sum.value + pseudo + (ahead ^ 0xffffu));
	}
	words = weir_sum_words(header + layer->l4, end - layer->l4, words);
	if (layer->end <= copied)
		return weir_sum_is_ones(words);
	return weir_sum_add(weir_sum_from_native(words), payload->sum.value) == 0xffff;
}

static bool l4_crc_good(const uint8_t *header, const struct weir_layer *layer, uint32_t copied,
			const struct weir_payload *payload)
{
	static const uint8_t zeros[4];
	const uint8_t *field = header + layer->l4 + 8;
	uint32_t end = layer->end < copied ? layer->end : copied;
	uint32_t held = (uint32_t)field[0] | (uint32_t)field[1] << 8 | (uint32_t)field[2] << 16 |
			(uint32_t)field[3] << 24;
	uint32_t crc = weir_crc32c(0, header + layer->l4, 8);

	crc = weir_crc32c(weir_crc32c(crc, zeros, 4), field + 4, end - layer->l4 - 12u);
	if (layer->end > copied)
		crc = weir_crc32c_shift(crc, layer->end - copied) ^ payload->sum.value;
	return weir_crc32c_field(crc, (uint32_t)layer->end - layer->l4) == held;
}

static enum weir_checksum_state l4_state(const uint8_t *header, const struct weir_layer *layer,
					 uint32_t copied, const struct weir_payload *payload)
{
	enum weir_checksum_state state;

	if (!is_open(header, layer, &state))
		return state;
	/* Summed, but something else: two checksums of different lengths, or padding behind one that was put in. */
	if (layer->end > copied &&
	    (payload->end != layer->end || payload->sum.kind != sum_kind(layer)))
		return WEIR_CHECKSUM_STATE_UNKNOWN;
	if (layer->l4_kind == WEIR_PACKET_L4_SCTP)
		return l4_crc_good(header, layer, copied, payload) ? WEIR_CHECKSUM_STATE_GOOD
								   : WEIR_CHECKSUM_STATE_BAD;
	if (l4_sum_good(header, layer, copied, payload))
		return WEIR_CHECKSUM_STATE_GOOD;
	/* Of other addresses it may be right. */
	if (layer->flags & WEIR_LAYER_READDRESSED ||
	    (layer->l3_kind == WEIR_PACKET_L3_IPV4 &&
	     is_source_routed(header + layer->l3 + 20, header + layer->l4)))
		return WEIR_CHECKSUM_STATE_UNKNOWN;
	return WEIR_CHECKSUM_STATE_BAD;
}

/* Was the frame summed from its beginning to the datagram's end, which lies behind the copy? */
static inline bool is_summed_whole(const struct weir_layer *layer,
				   const struct weir_payload *payload)
{
	return !payload->begin && payload->end == layer->end &&
	       payload->sum.kind == HAL_SUM_INTERNET;
}

/*
 * The ordinary frame: a plain datagram that lies whole in the copy (payload NULL), or was summed from the frame's beginning to its end.
 * Its flags when all its checksums are right; 0: it needs a closer look. The pseudo header's addresses lie right ahead of the L4 header
 * (RFC 9293, 3.1; RFC 8200, 8.1).
 */
static inline uint32_t plain_flags(const uint8_t *header, const struct weir_layer *layer,
				   const struct weir_payload *payload)
{
	bool ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4;
	const uint8_t *ip = header + layer->l3, *l4 = header + layer->l4;
	uint32_t bytes = (uint32_t)layer->end - layer->l4, protocol = 6;

	if (layer->l4_kind == WEIR_PACKET_L4_UDP) {
		if (load16(l4 + 4) != bytes || !load16(l4 + 6))
			return 0;
		protocol = 17;
	}
	uint64_t words = weir_sum_to_native(bytes + protocol);

	if (!payload) {
		uint32_t addresses = ipv4 ? 8 : 32;

		words = weir_sum_words_behind(l4 - addresses, addresses + bytes, words);
	} else {
		/* All ahead of the addresses is taken out of the sum again: its complement is added. */
		uint64_t ahead = ipv4 ? weir_sum_words(ip, 12, 0) : weir_sum_words(ip, 8, 0);

		ahead = weir_sum_words(header, layer->l3, ahead);
		words += weir_sum_to_native(payload->sum.value) + (weir_sum_fold(ahead) ^ 0xffffu);
	}
	if (!weir_sum_is_ones(words))
		return 0;
	if (!ipv4)
		return WEIR_PREP(WEIR_RXC_L4, WEIR_CHECKSUM_STATE_GOOD);
	return weir_sum_is_ones(weir_sum_words(ip, 20, 0))
		       ? WEIR_PREP(WEIR_RXC_IP, WEIR_CHECKSUM_STATE_GOOD) |
				 WEIR_PREP(WEIR_RXC_L4, WEIR_CHECKSUM_STATE_GOOD)
		       : 0;
}

/* The same of one that lies whole in the copy and ends there. */
static inline __attribute__((always_inline)) uint32_t whole_flags(const uint8_t *header,
								  uint16_t end,
								  struct weir_layer layer)
{
	layer.end = end;
	return plain_flags(header, &layer, NULL);
}

static inline __attribute__((always_inline)) uint32_t verify_run(struct weir_burst *burst,
								 uint32_t number, uint32_t entry,
								 uint32_t count,
								 struct weir_layer layer)
{
	const struct weir_frame *frame = &burst->frames[number];
	struct weir_rx_completion *completion = &burst->completions[entry];
	struct weir_payload *payload = &burst->payloads[entry];
	uint32_t done = 0;

	for (; done < count && frame->same_shape && frame->bytes == weir_frame_copied(frame);
	     done++, frame++, completion++, payload++) {
		layer.end = (uint16_t)weir_flow_end(frame->header, &layer);
		uint32_t flags = plain_flags(frame->header, &layer, NULL);

		if (WEIR_UNLIKELY(!flags))
			break;
		completion->flags |= weir_cpu_to_le32(flags);
		payload->end = 0;
	}
	return done;
}

uint32_t weir_verify_row(struct weir_burst *burst, uint32_t number, uint32_t entry, uint32_t count)
{
	const struct weir_layers *layers = weir_frame_layers(burst, number);

	return WEIR_FLOW_LOOP(verify_run, &layers->outer, burst, number, entry, count);
}

uint32_t weir_verify(struct weir_burst *burst, uint32_t number, const struct weir_payload *payload)
{
	const struct weir_frame *frame = &burst->frames[number];
	const struct weir_layers *layers = weir_frame_layers(burst, number);
	const uint8_t *header = frame->header;
	/* As much is judged in place; what is behind it is summed as it is written. */
	uint32_t copied = weir_frame_copied(frame), flags;

	if (WEIR_LIKELY(layers->plain)) {
		bool whole = layers->outer.end <= copied;

		if (whole)
			flags = WEIR_FLOW_LOOP(whole_flags, &layers->outer, header,
					       layers->outer.end);
		else
			flags = is_summed_whole(&layers->outer, payload)
					? plain_flags(header, &layers->outer, payload)
					: 0;
		if (WEIR_LIKELY(flags))
			return flags;
	}
	flags = WEIR_PREP(WEIR_RXC_IP, (uint32_t)ip_state(header, &layers->outer)) |
		WEIR_PREP(WEIR_RXC_L4, (uint32_t)l4_state(header, &layers->outer, copied, payload));

	if (WEIR_LIKELY(layers->tunnel == WEIR_PACKET_TUNNEL_NONE))
		return flags;
	return flags | WEIR_PREP(WEIR_RXC_INNER_IP, (uint32_t)ip_state(header, &layers->inner)) |
	       WEIR_PREP(WEIR_RXC_INNER_L4,
			 (uint32_t)l4_state(header, &layers->inner, copied, payload));
}

bool weir_verify_wants(struct weir_burst *burst, uint32_t number, bool whole,
		       struct weir_payload *payload)
{
	const struct weir_layers *layers = weir_frame_layers(burst, number);
	const struct weir_layer *both[] = { &layers->inner, &layers->outer };
	const struct weir_frame *frame = &burst->frames[number];
	uint32_t copied = weir_frame_copied(frame);
	enum weir_checksum_state state;

	/* The inner one where there are two: it is the application's. */
	for (uint32_t i = layers->plain; i < WEIR_ARRAY_SIZE(both); i++) {
		if (both[i]->end <= copied || !is_open(frame->header, both[i], &state))
			continue;
		/* What is put in is taken of the whole payload already. */
		if (!payload->end) {
			payload->sum.kind = sum_kind(both[i]);
			payload->begin = whole && !frame->segments &&
							 payload->sum.kind == HAL_SUM_INTERNET
						 ? 0
						 : (uint8_t)copied;
			payload->end = both[i]->end;
		}
		return true;
	}
	return false;
}

uint32_t weir_pseudo_sum(const uint8_t *header, const struct weir_layer *layer)
{
	return weir_sum_from_native(pseudo_words(header, layer));
}

bool weir_verify_ahead(struct weir_burst *burst, uint32_t number)
{
	static const struct weir_payload none;
	const struct weir_frame *frame = &burst->frames[number];
	const struct weir_layer *layer = &weir_frame_layers(burst, number)->outer;
	const uint8_t *header = frame->header;

	if (layer->l3_kind == WEIR_PACKET_L3_IPV4 &&
	    ip_state(header, layer) != WEIR_CHECKSUM_STATE_GOOD)
		return false;
	/* What the device puts in is right if it is put where it belongs, over what it is of, and begun with the pseudo header. */
	if (frame->insert)
		return frame->insert == WEIR_INSERT_INTERNET && frame->insert_start == layer->l4 &&
		       frame->insert_field == layer->l4 + TCP_CHECKSUM &&
		       layer->end == frame->bytes &&
		       weir_sum_is_ones((uint64_t)weir_pseudo_sum(header, layer) +
					(~frame->insert_seed & 0xffffu));
	return layer->end <= frame->header_bytes &&
	       l4_sum_good(header, layer, frame->header_bytes, &none);
}
