/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames in a row with the same headers at the same places: what was found out about those of the first one holds for those behind it, but
 * for the length. Where they are of one flow, so does all that follows from addresses and ports. Bursts tend to be of one shape, and of a
 * few flows.
 */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include "parse.h"

/*
 * Calls `loop` with *layer, and where that is the most frequent kind with constants in its place: TCP over IPv4 without a tag in place. What
 * such a loop looks at in each frame is then at places that the compiler knows.
 */
#define WEIR_FLOW_LOOP(loop, layer, ...)                                                  \
	((layer)->l3 == 14 && (layer)->l3_kind == WEIR_PACKET_L3_IPV4 &&                  \
			 (layer)->l4_kind == WEIR_PACKET_L4_TCP                           \
		 ? loop(__VA_ARGS__, (struct weir_layer){ .l3_kind = WEIR_PACKET_L3_IPV4, \
							  .l4_kind = WEIR_PACKET_L4_TCP,  \
							  .flags = WEIR_LAYER_L4_WHOLE,   \
							  .l3 = 14,                       \
							  .l4 = 34,                       \
							  .payload = (layer)->payload })  \
		 : loop(__VA_ARGS__, *(layer)))

/* Where a plain datagram ends in its frame. */
static inline uint32_t weir_flow_end(const uint8_t *header, const struct weir_layer *layer)
{
	bool ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4;
	const uint8_t *length = header + layer->l3 + (ipv4 ? 2 : 4);

	return layer->l3 + (ipv4 ? 0u : 40u) + ((uint32_t)length[0] << 8 | length[1]);
}

/* In which bits eight bytes differ. */
static inline uint64_t weir_flow_difference(const uint8_t *a, const uint8_t *b)
{
	uint64_t first, second;

	__builtin_memcpy(&first, a, 8);
	__builtin_memcpy(&second, b, 8);
	return first ^ second;
}

/* What is left of a difference where bits of `bytes` are set. */
static inline uint64_t weir_flow_masked(uint64_t difference, const uint8_t bytes[8])
{
	uint64_t mask;

	__builtin_memcpy(&mask, bytes, 8);
	return difference & mask;
}

/* How two frames' headers compare. */
enum weir_likeness {
	WEIR_UNLIKE,
	WEIR_SAME_SHAPE, /* the same headers at the same places */
	WEIR_SAME_FLOW,	 /* ... with the same addresses and ports */
};

/*
 * `header` is of a frame of `bytes` bytes; `known` that of a frame whose datagram is *layer, a plain one (struct weir_layers). Both have the
 * same type at the same place. Unless they are unlike, all of *layer but `end` holds for it.
 */
static inline enum weir_likeness weir_flow_compare(const uint8_t *known,
						   const struct weir_layer *layer,
						   const uint8_t *header, uint32_t bytes)
{
	const uint8_t *a = known + layer->l3, *b = header + layer->l3;
	uint64_t shape, flow;

	/* The headers, and so all that is looked at. */
	if (bytes < layer->payload)
		return WEIR_UNLIKE;
	if (WEIR_LIKELY(layer->l3_kind == WEIR_PACKET_L3_IPV4)) {
		/* Version and header length, fragment; protocol; addresses and ports */
		static const uint8_t first[8] = { 0xff, 0, 0, 0, 0, 0, 0x3f, 0xff },
				     protocol[8] = { 0, 0xff },
				     source[8] = { 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };
		uint64_t middle = weir_flow_difference(a + 8, b + 8);

		shape = weir_flow_masked(weir_flow_difference(a, b), first) |
			weir_flow_masked(middle, protocol);
		flow = weir_flow_masked(middle, source) | weir_flow_difference(a + 16, b + 16);
	} else {
		/* Version, next header; addresses; the end of the destination, ports */
		static const uint8_t first[8] = { 0xf0, 0, 0, 0, 0, 0, 0xff, 0 };

		shape = weir_flow_masked(weir_flow_difference(a, b), first);
		flow = weir_flow_difference(a + 36, b + 36);
		for (uint32_t at = 8; at < 40; at += 8)
			flow |= weir_flow_difference(a + at, b + at);
	}
	/* How long TCP's header is; with another port UDP may carry something. */
	if (layer->l4_kind == WEIR_PACKET_L4_TCP)
		shape |= (known[layer->l4 + 12] ^ header[layer->l4 + 12]) & 0xf0u;
	else
		shape |= weir_is_tunnel_port((uint32_t)header[layer->l4 + 2] << 8 |
					     header[layer->l4 + 3]);
	uint32_t end = weir_flow_end(header, layer);

	if (shape || end > bytes || end < layer->payload)
		return WEIR_UNLIKE;
	return flow ? WEIR_SAME_SHAPE : WEIR_SAME_FLOW;
}

#endif
