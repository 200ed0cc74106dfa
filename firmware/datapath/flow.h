/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of one flow in a row: what was found out about the headers of the first one holds for those behind it, but for the length.
 * Bursts tend to be one flow, or a few.
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

/* In which bits eight bytes differ, of those that are set in `mask`. */
static inline uint64_t weir_flow_difference(const uint8_t *a, const uint8_t *b,
					    const uint8_t mask[8])
{
	uint64_t first, second, bits;

	__builtin_memcpy(&first, a, 8);
	__builtin_memcpy(&second, b, 8);
	__builtin_memcpy(&bits, mask, 8);
	return (first ^ second) & bits;
}

/*
 * Is `header`, of a frame of `bytes` bytes, of the flow of the frame whose header is `first` and whose datagram is *layer, a plain one
 * (struct weir_layers)? Both have the same type at the same place. All of *layer but `end` holds for it, then.
 */
static inline bool weir_flow_same(const uint8_t *first, const struct weir_layer *layer,
				  const uint8_t *header, uint32_t bytes)
{
	static const uint8_t all[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t *a = first + layer->l3, *b = header + layer->l3;
	uint64_t difference;

	/* The headers, and so all that is looked at. */
	if (bytes < layer->payload)
		return false;
	if (WEIR_LIKELY(layer->l3_kind == WEIR_PACKET_L3_IPV4)) {
		/* Version and header length, fragment; protocol, source; destination, ports. */
		static const uint8_t masks[2][8] = { { 0xff, 0, 0, 0, 0, 0, 0x3f, 0xff },
						     { 0, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff } };

		difference = weir_flow_difference(a, b, masks[0]) |
			     weir_flow_difference(a + 8, b + 8, masks[1]) |
			     weir_flow_difference(a + 16, b + 16, all);
	} else {
		/* Version, next header; addresses; the end of the destination, ports. */
		static const uint8_t mask[8] = { 0xf0, 0, 0, 0, 0, 0, 0xff, 0 };

		difference = weir_flow_difference(a, b, mask) |
			     weir_flow_difference(a + 36, b + 36, all);
		for (uint32_t at = 8; at < 40; at += 8)
			difference |= weir_flow_difference(a + at, b + at, all);
	}
	/* How long TCP's header is. */
	if (layer->l4_kind == WEIR_PACKET_L4_TCP)
		difference |= (first[layer->l4 + 12] ^ header[layer->l4 + 12]) & 0xf0u;
	uint32_t end = weir_flow_end(header, layer);

	return !difference && end <= bytes && end >= layer->payload;
}

#endif
