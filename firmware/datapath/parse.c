/* SPDX-License-Identifier: BSD-3-Clause */
/* What the firmware reads of a frame's network and transport headers. Never reads beyond `bytes`. */
#include "burst.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define PROTOCOL_TCP   6
#define PROTOCOL_UDP   17
#define PROTOCOL_SCTP  132

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

static bool has_ports(uint8_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;
}

bool weir_flow_hash(const uint8_t *header, uint32_t bytes, uint32_t rest, uint32_t *result)
{
	uint32_t hash = 0x9747b28cu, l3 = rest + 2, ports = 0;

	if (bytes < l3)
		return false;
	uint32_t ethertype = (uint32_t)header[rest] << 8 | header[rest + 1];

	/* An inner tag behind the outer one: QinQ. */
	if (ethertype == 0x8100 && bytes >= l3 + 4) {
		ethertype = (uint32_t)header[l3 + 2] << 8 | header[l3 + 3];
		l3 += 4;
	}
	if (ethertype == ETHERTYPE_IPV4) {
		if (bytes < l3 + 20 || header[l3] >> 4 != 4)
			return false;
		uint32_t header_bytes = (header[l3] & 0xfu) * 4;
		uint32_t fragment = (uint32_t)header[l3 + 6] << 8 | header[l3 + 7];

		if (header_bytes < 20)
			return false;
		hash = mix(mix(hash, load32(header + l3 + 12)), load32(header + l3 + 16));
		/* All fragments of a datagram must go to one queue: ports are left out of the first one as well. */
		if (!(fragment & 0x3fff) && has_ports(header[l3 + 9]))
			ports = l3 + header_bytes;
	} else if (ethertype == ETHERTYPE_IPV6) {
		if (bytes < l3 + 40 || header[l3] >> 4 != 6)
			return false;
		for (uint32_t i = 8; i < 40; i += 4)
			hash = mix(hash, load32(header + l3 + i));
		if (has_ports(header[l3 + 6]))
			ports = l3 + 40;
	} else {
		return false;
	}
	if (ports && bytes >= ports + 4)
		hash = mix(hash, load32(header + ports));
	hash ^= hash >> 16;
	hash *= 0x85ebca6bu;
	hash ^= hash >> 13;
	*result = hash;
	return true;
}
