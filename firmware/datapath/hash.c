/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash that spreads flows over receive queues (specs/rss.md): tuples of a burst's frames are gathered by vport, as each has a key of
 * its own, and hashed together, by the board or here.
 */
#include "burst.h"
#include "toeplitz.h"

/* Of struct weir_tuples: IPv4 from the front, IPv6 from the back. */
struct weir_tuples {
	struct hal_tuple tuples[WEIR_BURST_FRAMES];
	uint32_t hashes[WEIR_BURST_FRAMES];
	uint8_t frames[WEIR_BURST_FRAMES]; /* whose tuple it is */
	uint32_t ipv4, ipv6;
};

/* Bytes of a tuple with ports, a multiple of 8. */
#define IPV4_BYTES 16u
#define IPV6_BYTES 40u
_Static_assert(IPV6_BYTES == HAL_TUPLE_BYTES, "the longest tuple");

static uint16_t packet_type(const struct weir_layers *layers)
{
	return (uint16_t)(WEIR_PREP(WEIR_RXC_TYPE_L3, layers->outer.l3_kind) |
			  WEIR_PREP(WEIR_RXC_TYPE_L4, layers->outer.l4_kind) |
			  WEIR_PREP(WEIR_RXC_TYPE_TUNNEL, layers->tunnel) |
			  WEIR_PREP(WEIR_RXC_TYPE_INNER_L3, layers->inner.l3_kind) |
			  WEIR_PREP(WEIR_RXC_TYPE_INNER_L4, layers->inner.l4_kind));
}

/* The bit of `types` that asks for a datagram's ports; 0: it has none. */
static uint32_t ports_type(const struct weir_layer *layer)
{
	uint32_t shift = layer->l3_kind == WEIR_PACKET_L3_IPV4 ? 0 : 4;

	switch (layer->l4_kind) {
	case WEIR_PACKET_L4_TCP:
		return (uint32_t)WEIR_HASH_TYPE_IPV4_TCP << shift;
	case WEIR_PACKET_L4_UDP:
		return (uint32_t)WEIR_HASH_TYPE_IPV4_UDP << shift;
	case WEIR_PACKET_L4_SCTP:
		return (uint32_t)WEIR_HASH_TYPE_IPV4_SCTP << shift;
	default:
		return 0;
	}
}
_Static_assert(WEIR_HASH_TYPE_IPV4 << 4 == WEIR_HASH_TYPE_IPV6 &&
		       WEIR_HASH_TYPE_IPV4_TCP << 4 == WEIR_HASH_TYPE_IPV6_TCP &&
		       WEIR_HASH_TYPE_IPV4_UDP << 4 == WEIR_HASH_TYPE_IPV6_UDP &&
		       WEIR_HASH_TYPE_IPV4_SCTP << 4 == WEIR_HASH_TYPE_IPV6_SCTP,
	       "IPv6 types are IPv4's, shifted");

/* Makes a field and the one behind it, of `bytes` bytes each, what both directions of a flow have in common. */
static void make_symmetric(uint8_t *first, uint32_t bytes, uint8_t function)
{
	uint8_t *second = first + bytes;

	if (function == WEIR_HASH_FUNCTION_SYMMETRIC_XOR) {
		for (uint32_t i = 0; i < bytes; i++)
			first[i] = second[i] ^= first[i];
	} else if (memcmp(first, second, bytes) > 0) {
		for (uint32_t i = 0; i < bytes; i++) {
			uint8_t byte = first[i];

			first[i] = second[i];
			second[i] = byte;
		}
	}
}

/* What a vport makes of frames whose headers are like those that were looked at. */
struct weir_gathering {
	bool hashed, ipv4, ports;
	uint8_t addresses, l4; /* where they are in the header */
	uint16_t packet_type;
	uint32_t flags; /* of a completion */
};

static struct weir_gathering gathering_of(const struct weir_hash *hash,
					  const struct weir_layers *layers)
{
	struct weir_gathering gathering = { .packet_type = packet_type(layers) };
	const struct weir_layer *layer = &layers->outer;

	if (hash->types & WEIR_HASH_TYPE_INNER && layers->inner.l3_kind != WEIR_PACKET_L3_OTHER)
		layer = &layers->inner;
	if (layer->l3_kind == WEIR_PACKET_L3_OTHER)
		return gathering;
	gathering.ipv4 = layer->l3_kind == WEIR_PACKET_L3_IPV4;
	gathering.ports = hash->types & ports_type(layer);
	gathering.hashed = gathering.ports || hash->types & (gathering.ipv4 ? WEIR_HASH_TYPE_IPV4
									    : WEIR_HASH_TYPE_IPV6);
	gathering.addresses = (uint8_t)(layer->l3 + (gathering.ipv4 ? 12 : 8));
	gathering.l4 = layer->l4;
	if (gathering.hashed)
		gathering.flags = WEIR_RXC_FLOW_HASH_MASK |
				  (gathering.ports ? WEIR_RXC_HASH_L4_MASK : 0);
	return gathering;
}

/* Gathers the tuple of a frame for a vport, and notes what is known of the frame without the hash. */
static inline void gather(struct weir_burst *burst, const struct weir_vport *vport,
			  const struct weir_hash *hash, const struct weir_gathering *gathering,
			  uint32_t number, struct weir_tuples *tuples)
{
	struct weir_frame *frame = &burst->frames[number];
	const uint8_t *header = frame->header;
	bool ipv4 = gathering->ipv4;
	uint32_t place, address_bytes = ipv4 ? 4 : 16;

	frame->hashed_for = (uint16_t)(vport->index + 1);
	frame->packet_type = gathering->packet_type;
	frame->hash_flags = gathering->flags;
	frame->flow_hash = 0;
	if (!gathering->hashed)
		return;
	place = ipv4 ? tuples->ipv4++ : WEIR_BURST_FRAMES - ++tuples->ipv6;
	tuples->frames[place] = (uint8_t)number;
	uint8_t *to = tuples->tuples[place].bytes;

	if (ipv4) {
		__builtin_memcpy(to, header + gathering->addresses, 8);
		__builtin_memset(to + 8, 0, 8);
	} else {
		__builtin_memcpy(to, header + gathering->addresses, 32);
		__builtin_memset(to + 32, 0, 8);
	}
	if (gathering->ports)
		__builtin_memcpy(to + 2 * address_bytes, header + gathering->l4, 4);
	if (WEIR_UNLIKELY(hash->function != WEIR_HASH_FUNCTION_TOEPLITZ)) {
		make_symmetric(to, address_bytes, hash->function);
		make_symmetric(to + 2 * address_bytes, 2, hash->function);
	}
}

/* Hashes `count` tuples from `place` on and tells the frames. */
static void hash_some(struct weir_firmware *firmware, struct weir_burst *burst,
		      const struct weir_hash *hash, struct weir_tuples *tuples, uint32_t place,
		      uint32_t count, uint32_t bytes)
{
	if (!count)
		return;
	if (hal_toeplitz(firmware->hal, hash->key, &tuples->tuples[place], bytes, count,
			 tuples->hashes) != HAL_DONE)
		weir_toeplitz(hash->key, &tuples->tuples[place], bytes, count, tuples->hashes);
	for (uint32_t i = 0; i < count; i++)
		burst->frames[tuples->frames[place + i]].flow_hash = tuples->hashes[i];
}

static void hash_gathered(struct weir_firmware *firmware, struct weir_burst *burst,
			  const struct weir_hash *hash, struct weir_tuples *tuples)
{
	hash_some(firmware, burst, hash, tuples, 0, tuples->ipv4, IPV4_BYTES);
	hash_some(firmware, burst, hash, tuples, WEIR_BURST_FRAMES - tuples->ipv6, tuples->ipv6,
		  IPV6_BYTES);
}

void weir_hash_frame(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number,
		     const struct weir_vport *vport, const struct weir_hash *hash)
{
	struct weir_gathering gathering = gathering_of(hash, weir_frame_layers(burst, number));
	struct weir_tuples tuples;

	tuples.ipv4 = tuples.ipv6 = 0;
	gather(burst, vport, hash, &gathering, number, &tuples);
	hash_gathered(firmware, burst, hash, &tuples);
}

/* Frames behind number `first` that are of its flow have its hash. */
static void share_hash(struct weir_burst *burst, uint32_t first)
{
	const struct weir_frame hashed = burst->frames[first];
	struct weir_frame *end = &burst->frames[burst->frame_count];

	for (struct weir_frame *frame = &burst->frames[first + 1]; frame < end && frame->same_flow;
	     frame++) {
		frame->hashed_for = hashed.hashed_for;
		frame->packet_type = hashed.packet_type;
		frame->flow_hash = hashed.flow_hash;
		frame->hash_flags = hashed.hash_flags;
	}
}

void weir_hash_burst(struct weir_firmware *firmware, struct weir_burst *burst)
{
	const struct weir_frame *frames = burst->frames;
	struct weir_tuples tuples;
	/* Frames that are hashed: of a flow in a row, the first alone; and those of them that others follow. */
	uint32_t left = 0, leading = 0;

	_Static_assert(WEIR_BURST_FRAMES <= 32, "a bit a frame");
	for (uint32_t i = 0; i < burst->frame_count; i++) {
		if (frames[i].way.route != WEIR_ROUTE_ONE ||
		    !firmware->vports[frames[i].way.vport].hashes)
			continue;
		uint32_t last = i + weir_flow_follow(burst, i), leader = i;

		left |= 1u << i;
		for (; i < last; i++) {
			if (frames[i + 1].same_flow) {
				leading |= 1u << leader;
			} else {
				leader = i + 1;
				left |= 1u << leader;
			}
		}
	}
	while (left) {
		uint16_t index = frames[__builtin_ctz(left)].way.vport;
		const struct weir_vport *vport = &firmware->vports[index];
		struct weir_gathering gathering = { 0 };

		tuples.ipv4 = tuples.ipv6 = 0;
		for (uint32_t rest = left; rest; rest &= rest - 1) {
			uint32_t number = (uint32_t)__builtin_ctz(rest);

			if (frames[number].way.vport != index)
				continue;
			left &= ~(1u << number);
			/* One of the same shape goes the same way: the one before it in `rest` is the vport's, too. */
			if (!frames[number].same_shape)
				gathering = gathering_of(&vport->hash,
							 weir_frame_layers(burst, number));
			gather(burst, vport, &vport->hash, &gathering, number, &tuples);
		}
		hash_gathered(firmware, burst, &vport->hash, &tuples);
	}
	for (; leading; leading &= leading - 1)
		share_hash(burst, (uint32_t)__builtin_ctz(leading));
}
