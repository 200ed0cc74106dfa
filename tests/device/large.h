/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that are longer than a wire takes, of many kinds, and how Linux cuts each: large_vectors.h, written by
 * tests/guest/segmentation from what a kernel without any offload sends for the same frames.
 */
#ifndef WEIR_TEST_LARGE_H
#define WEIR_TEST_LARGE_H

#include "packets.h"

#include <stddef.h>

#define LARGE_FRAME_MAX 65600u
#define LARGE_DESTINATION \
	0x3344u		     /* port of all of them, that they can be told from other traffic */
#define LARGE_SOURCE 0x1100u /* port of the first one; the others follow */

enum {
	LARGE_FIN = 0x01,
	LARGE_PSH = 0x08,
	LARGE_ACK = 0x10,
	LARGE_URG = 0x20,
	LARGE_ECE = 0x40,
	LARGE_CWR = 0x80
};

struct large {
	const char *name;
	struct packet packet; /* addresses are filled in */
	uint16_t mss;
	uint8_t tcp_flags;
	uint16_t id; /* IPv4 */
	uint32_t sequence;
};

extern const struct large large_frames[];
extern const size_t large_count;

/* A segment as it must come out: its headers from the type or tag behind the addresses on, and its payload. */
struct large_vector {
	const char *name;
	const char *header; /* hexadecimal */
	uint32_t payload_bytes;
};

extern const struct large_vector large_vectors[];
extern const size_t large_vector_count;

/*
 * Writes the frame of large_frames[number] from source to destination. The field of its L4 checksum has the pseudo header's sum, with the
 * datagram's length in it (what Linux wants) or without (what the card wants). Returns its length; *packet says where things are, and
 * *header_bytes where the payload begins.
 */
uint32_t large_make(size_t number, uint64_t destination, uint64_t source, bool with_length,
		    uint8_t *frame, struct packet *packet, uint32_t *header_bytes);

#endif
