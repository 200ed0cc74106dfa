/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames to be cut, see large.h. */
#include "large.h"
#include "bytes.h"

#include <string.h>

/* TCP or UDP, and what is behind it, over either IP. */
#define TCP4 .protocol = PACKET_TCP, .fragment = 0x4000
#define TCP6 .protocol = PACKET_TCP, .ipv6 = true
#define UDP4 .protocol = PACKET_UDP, .fragment = 0x4000
#define UDP6 .protocol = PACKET_UDP, .ipv6 = true

const struct large large_frames[] = {
	/* The worked example of specs/segmentation.md. */
	{ "tcp4",
	  { TCP4, .payload = 4000, .seed = 1 },
	  1448,
	  LARGE_CWR | LARGE_ACK | LARGE_PSH,
	  0xffff,
	  0xfffff000 },
	{ "tcp4_options",
	  { TCP4, .tcp_options = 12, .payload = 10000, .seed = 2 },
	  1448,
	  LARGE_FIN | LARGE_ACK | LARGE_PSH,
	  0x8000,
	  0x12345678 },
	{ "tcp4_ip_options",
	  { TCP4, .ip_options = 8, .tcp_options = 20, .payload = 5001, .seed = 3 },
	  537,
	  LARGE_URG | LARGE_ACK,
	  0x00ff,
	  0 },
	{ "tcp4_most_options",
	  { TCP4, .ip_options = 40, .tcp_options = 28, .payload = 3000, .seed = 4 },
	  999,
	  LARGE_FIN | LARGE_CWR | LARGE_ACK,
	  0x1234,
	  77 },
	/* The longest headers of TCP over IPv4. */
	{ "tcp4_all_options",
	  { TCP4, .ip_options = 40, .tcp_options = 40, .payload = 2000, .seed = 17 },
	  999,
	  LARGE_ACK,
	  0x2345,
	  78 },
	{ "tcp4_without_df",
	  { .protocol = PACKET_TCP, .payload = 3001, .seed = 5 },
	  1001,
	  LARGE_ACK,
	  0xfffe,
	  1 },
	{ "tcp4_no_rest",
	  { TCP4, .payload = 2896, .seed = 6 },
	  1448,
	  LARGE_PSH | LARGE_ACK,
	  5,
	  0xffffffff },
	{ "tcp4_small_mss",
	  { TCP4, .tcp_options = 12, .payload = 1000, .seed = 7 },
	  48,
	  LARGE_PSH | LARGE_ACK,
	  0xfff0,
	  9 },
	{ "tcp4_longest",
	  { TCP4, .payload = 65495, .seed = 8 },
	  1460,
	  LARGE_CWR | LARGE_PSH | LARGE_ACK,
	  0,
	  0x7fffff00 },
	{ "tcp4_vlan",
	  { TCP4, .tag_protocol = { 0x8100 }, .tci = { 0x6007 }, .tcp_options = 12, .payload = 6000,
	    .seed = 9 },
	  1444,
	  LARGE_PSH | LARGE_ACK,
	  0x4321,
	  123456789 },
	{ "tcp4_two_vlans",
	  { TCP4, .tag_protocol = { 0x88a8, 0x8100 }, .tci = { 5, 7 }, .payload = 4001, .seed = 10 },
	  1440,
	  LARGE_PSH | LARGE_ACK,
	  1,
	  2 },
	{ "tcp6",
	  { TCP6, .tcp_options = 12, .payload = 8000, .seed = 11 },
	  1428,
	  LARGE_FIN | LARGE_PSH | LARGE_CWR | LARGE_ECE | LARGE_ACK,
	  0,
	  0xdeadbeef },
	{ "tcp6_extensions",
	  { TCP6, .extensions = { 255, 60 }, .payload = 3000, .seed = 12 },
	  701,
	  LARGE_PSH | LARGE_ACK,
	  0,
	  3 },
	/* More than the card looks at: the stack's work. */
	{ "tcp6_long_extensions",
	  { TCP6, .extensions = { 255, 60 }, .extension_padding = 64, .payload = 2000, .seed = 18 },
	  701,
	  LARGE_PSH | LARGE_ACK,
	  0,
	  5 },
	{ "tcp6_longest", { TCP6, .payload = 65515, .seed = 13 }, 8191, LARGE_PSH | LARGE_ACK, 0, 4 },
	{ "udp4", { UDP4, .payload = 5000, .seed = 14 }, 1400, 0, 0xfffe, 0 },
	{ "udp4_odd", { UDP4, .payload = 2001, .seed = 15 }, 333, 0, 0x0101, 0 },
	{ "udp6", { UDP6, .payload = 3001, .seed = 16 }, 1000, 0, 0, 0 },
};
const size_t large_count = sizeof(large_frames) / sizeof(large_frames[0]);

#include "large_vectors.h"

const size_t large_vector_count = sizeof(large_vectors) / sizeof(large_vectors[0]);

uint32_t large_make(size_t number, uint64_t destination, uint64_t source, bool with_length,
		    uint8_t *frame, struct packet *packet, uint32_t *header_bytes)
{
	const struct large *large = &large_frames[number];
	uint32_t bytes, sum;

	*packet = large->packet;
	packet->destination = destination;
	packet->source = source;
	bytes = packet_make(packet, frame);
	*header_bytes = bytes - packet->payload;

	uint8_t *l3 = frame + packet->l3, *l4 = frame + packet->l4;

	store16(l4, LARGE_SOURCE + (uint32_t)number);
	if (packet->protocol == PACKET_TCP) {
		store16(l4 + 4, large->sequence >> 16);
		store16(l4 + 6, large->sequence & 0xffff);
		l4[13] = large->tcp_flags;
		store16(l4 + 14, 0xfa00);
		if (large->tcp_flags & LARGE_URG)
			store16(l4 + 18, 99);
	}
	if (!packet->ipv6) {
		store16(l3 + 4, large->id);
		store16(l3 + 10, 0);
		store16(l3 + 10, ~packet_sum(l3, packet->l4 - packet->l3, 0));
	}
	sum = packet_pseudo(packet, frame);
	if (!with_length)
		sum = packet_sum(NULL, 0, sum + (~(packet->end - packet->l4) & 0xffff));
	store16(frame + packet->field, sum);
	return bytes;
}
