/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash that spreads flows over receive queues (specs/sorter.md, "Several receive queues"). */
#include "burst.h"

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t mix(uint32_t hash, uint32_t word)
{
	/* Step and finish of a multiply-rotate hash; only its evenness matters, no wire format knows it. */
	hash ^= word * 0xcc9e2d51u;
	hash = hash << 13 | hash >> 19;
	return hash * 5 + 0xe6546b64u;
}

bool weir_flow_hash(struct weir_burst *burst, uint32_t number, uint32_t *result)
{
	const uint8_t *header = burst->frames[number].header;
	const struct weir_layer *layer = &weir_frame_layers(burst, number)->outer;
	uint32_t hash = 0x9747b28cu;

	if (layer->l3_kind == WEIR_PACKET_L3_OTHER)
		return false;
	bool ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4;

	for (uint32_t i = ipv4 ? 12 : 8, end = ipv4 ? 20 : 40; i < end; i += 4)
		hash = mix(hash, load32(header + layer->l3 + i));
	if (layer->l4_kind == WEIR_PACKET_L4_TCP || layer->l4_kind == WEIR_PACKET_L4_UDP ||
	    layer->l4_kind == WEIR_PACKET_L4_SCTP)
		hash = mix(hash, load32(header + layer->l4));
	hash ^= hash >> 16;
	hash *= 0x85ebca6bu;
	hash ^= hash >> 13;
	*result = hash;
	return true;
}
