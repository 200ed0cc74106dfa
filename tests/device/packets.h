/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP packets for tests, and their checksums straight from the definitions (RFC 1071, RFC 9260 appendix A): two bytes, or one bit, at a
 * time, by nothing that the device shares.
 */
#ifndef WEIR_TEST_PACKETS_H
#define WEIR_TEST_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

enum { PACKET_TCP = 6, PACKET_UDP = 17, PACKET_SCTP = 132, PACKET_ICMP = 1 };
enum packet_tunnel { PACKET_PLAIN, PACKET_VXLAN, PACKET_GENEVE };

struct packet {
	/* asked for */
	uint64_t destination, source;	  /* MACs, first byte lowest */
	uint16_t tag_protocol[2], tci[2]; /* tags in place, outer one first; protocol 0: none */
	bool ipv6;
	uint8_t protocol;
	uint8_t ip_options;	   /* IPv4: bytes of options (no operation); a multiple of 4 */
	uint8_t extensions[4];	   /* IPv6: extension headers, 0 ends (hop by hop: 255) */
	uint8_t extension_padding; /* ... bytes in each beyond the first 8, a multiple of 8 */
	uint8_t tcp_options;	   /* bytes, a multiple of 4 */
	uint16_t fragment;	   /* IPv4 flags and offset */
	uint32_t payload;	   /* bytes behind the L4 header */
	uint32_t trailer;	   /* bytes behind the datagram: padding */
	uint32_t seed;		   /* of the payload */
	uint8_t tunnel;		   /* enum packet_tunnel: this packet lies in UDP over IPv4 */
	bool outer_sum;		   /* the tunnel's UDP has a checksum */
	/* told */
	uint32_t l3, l4, field; /* of the (inner) datagram, in the frame */
	uint32_t end;		/* of it */
	uint32_t outer_l3, outer_l4;
};

/* Packets of 24 kinds in turn: each protocol, over either IP (ICMP over IPv4 alone), in no tunnel and in each. */
struct packet packet_kind(uint32_t number, uint64_t destination, uint64_t source);
/* The sum of 16-bit words, the first byte of each the high one. */
uint32_t packet_sum(const uint8_t *bytes, uint32_t count, uint32_t sum);
uint32_t packet_crc32c(const uint8_t *bytes, uint32_t count);
/* Writes the frame with all its checksums right; returns its length. */
uint32_t packet_make(struct packet *packet, uint8_t *frame);
/* Puts the right checksum into the (inner) L4 header of a frame that was changed. */
void packet_sum_up(const struct packet *packet, uint8_t *frame);
/* The sum of the (inner) pseudo header: what a driver leaves in the field. */
uint32_t packet_pseudo(const struct packet *packet, const uint8_t *frame);
/* Puts in what a driver leaves for the device (zero for SCTP), and says where as tx_descriptor.checksum. */
uint16_t packet_ask(const struct packet *packet, uint8_t *frame);

#endif
