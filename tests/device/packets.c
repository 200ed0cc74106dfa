/* SPDX-License-Identifier: BSD-3-Clause */
/* IP packets for tests, see packets.h. */
#include "packets.h"
#include "bytes.h"

#include <string.h>

#define OUTER_PORT 50000u

uint32_t packet_sum(const uint8_t *bytes, uint32_t count, uint32_t sum)
{
	for (uint32_t i = 0; i < count; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint32_t packet_crc32c(const uint8_t *bytes, uint32_t count)
{
	uint32_t crc = 0xffffffff;

	for (uint32_t i = 0; i < count; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

static uint8_t *store_macs(uint8_t *at, uint64_t destination, uint64_t source)
{
	for (int i = 0; i < 6; i++) {
		at[i] = (uint8_t)(destination >> 8 * i);
		at[6 + i] = (uint8_t)(source >> 8 * i);
	}
	return at + 12;
}

/* An IPv4 header of 20 bytes and options; returns what is behind it. */
static uint8_t *store_ipv4(uint8_t *at, uint32_t options, uint32_t protocol, uint32_t bytes,
			   uint32_t fragment)
{
	memset(at, 0, 20);
	at[0] = (uint8_t)(0x40 | (5 + options / 4));
	store16(at + 2, 20 + options + bytes);
	store16(at + 4, 0x1234);
	store16(at + 6, fragment);
	at[8] = 64;
	at[9] = (uint8_t)protocol;
	memcpy(at + 12, "\xc0\x00\x02\x01\xc6\x33\x64\x02", 8);
	memset(at + 20, 1, options);
	store16(at + 10, ~packet_sum(at, 20 + options, 0));
	return at + 20 + options;
}

static uint8_t *store_ipv6(uint8_t *at, const struct packet *packet, uint32_t protocol,
			   uint32_t bytes)
{
	const uint8_t *extensions = packet->extensions;
	uint32_t count = 0, each = 8u + packet->extension_padding;
	uint8_t *next = at + 6;

	while (count < 4 && extensions[count])
		count++;
	memset(at, 0, 40);
	at[0] = 0x60;
	store16(at + 4, each * count + bytes);
	at[7] = 64;
	memcpy(at + 8, "\x20\x01\x0d\xb8\0\0\0\x01\0\0\0\0\0\0\0\x01", 16);
	memcpy(at + 24, "\x20\x01\x0d\xb8\0\0\0\x02\0\0\0\0\0\0\x80\xff", 16);
	at += 40;
	for (uint32_t i = 0; i < count; i++, at += each) {
		*next = extensions[i] == 255 ? 0 : extensions[i];
		/* Padding: option PadN over all of it. A fragment header says "all of it"; a routing header has no segments left. */
		memset(at, 0, each);
		at[1] = packet->extension_padding / 8;
		if (extensions[i] == 255 || extensions[i] == 60) {
			at[2] = 1;
			at[3] = (uint8_t)(each - 4);
		}
		next = at;
	}
	*next = (uint8_t)protocol;
	return at;
}

static uint32_t l4_header_bytes(const struct packet *packet)
{
	switch (packet->protocol) {
	case PACKET_TCP:
		return 20u + packet->tcp_options;
	case PACKET_SCTP:
		return 12;
	default:
		return 8;
	}
}

void packet_sum_up(const struct packet *packet, uint8_t *frame)
{
	uint8_t *field = frame + packet->field;
	uint32_t bytes = packet->end - packet->l4, value;

	memset(field, 0, packet->protocol == PACKET_SCTP ? 4 : 2);
	if (packet->protocol == PACKET_SCTP) {
		value = packet_crc32c(frame + packet->l4, bytes);
		for (int i = 0; i < 4; i++)
			field[i] = (uint8_t)(value >> 8 * i);
		return;
	}
	value = packet->protocol == PACKET_ICMP ? 0 : packet_pseudo(packet, frame);
	value = ~packet_sum(frame + packet->l4, bytes, value) & 0xffff;
	if (!value && packet->protocol == PACKET_UDP)
		value = 0xffff;
	store16(field, value);
}

/* Ethernet addresses, tags, IP, L4, payload. */
static uint8_t *store_datagram(struct packet *packet, uint8_t *frame, uint8_t *at)
{
	uint32_t header_bytes = l4_header_bytes(packet), state = packet->seed;

	for (int i = 0; i < 2 && packet->tag_protocol[i]; i++, at += 4) {
		store16(at, packet->tag_protocol[i]);
		store16(at + 2, packet->tci[i]);
	}
	store16(at, packet->ipv6 ? 0x86dd : 0x0800);
	packet->l3 = (uint32_t)(at + 2 - frame);
	at = packet->ipv6
		     ? store_ipv6(at + 2, packet, packet->protocol, header_bytes + packet->payload)
		     : store_ipv4(at + 2, packet->ip_options, packet->protocol,
				  header_bytes + packet->payload, packet->fragment);
	packet->l4 = (uint32_t)(at - frame);
	memset(at, 0, header_bytes);
	memcpy(at, "\x11\x22\x33\x44", 4);
	packet->field = packet->l4 + (packet->protocol == PACKET_TCP	? 16
				      : packet->protocol == PACKET_UDP	? 6
				      : packet->protocol == PACKET_SCTP ? 8
									: 2);
	if (packet->protocol == PACKET_TCP) {
		at[12] = (uint8_t)(header_bytes / 4 << 4);
		memset(at + 20, 1, packet->tcp_options);
	} else if (packet->protocol == PACKET_UDP) {
		store16(at + 4, 8 + packet->payload);
	}
	at += header_bytes;
	for (uint32_t i = 0; i < packet->payload; i++) {
		state = state * 1664525u + 1013904223u;
		*at++ = (uint8_t)(state >> 24);
	}
	packet->end = (uint32_t)(at - frame);
	packet_sum_up(packet, frame);
	return at;
}

uint32_t packet_pseudo(const struct packet *packet, const uint8_t *frame)
{
	uint32_t sum = packet->protocol + (packet->end - packet->l4);

	return packet->ipv6 ? packet_sum(frame + packet->l3 + 8, 32, sum)
			    : packet_sum(frame + packet->l3 + 12, 8, sum);
}

struct packet packet_kind(uint32_t number, uint64_t destination, uint64_t source)
{
	static const uint8_t protocols[] = { PACKET_TCP, PACKET_UDP, PACKET_SCTP, PACKET_ICMP };

	return (struct packet){
		.destination = destination,
		.source = source,
		.protocol = protocols[number % 4],
		.ipv6 = number / 4 % 2 && number % 4 != 3,
		.tunnel = (uint8_t)(number / 8 % 3),
		.payload = 20 + number * 61 % 3000,
		.seed = number,
	};
}

uint32_t packet_make(struct packet *packet, uint8_t *frame)
{
	uint8_t *at = store_macs(frame, packet->destination, packet->source);

	if (packet->tunnel) {
		/* Outer IPv4, UDP and the tunnel's eight bytes, then a frame again. */
		struct packet inner = *packet;
		uint8_t *udp, *end;

		packet->outer_l3 = (uint32_t)(at + 2 - frame);
		packet->outer_l4 = packet->outer_l3 + 20;
		udp = frame + packet->outer_l4;
		memcpy(udp + 8,
		       packet->tunnel == PACKET_VXLAN ? "\x08\0\0\0\0\0\x07\0"
						      : "\0\0\x65\x58\0\0\x07\0",
		       8);
		end = store_datagram(&inner, frame,
				     store_macs(udp + 16, 0x060504030202, 0x0a0504030202));
		packet->l3 = inner.l3;
		packet->l4 = inner.l4;
		packet->field = inner.field;
		packet->end = inner.end;
		store16(at, 0x0800);
		store_ipv4(at + 2, 0, PACKET_UDP, (uint32_t)(end - udp), 0);
		store16(udp, OUTER_PORT);
		store16(udp + 2, packet->tunnel == PACKET_VXLAN ? 4789 : 6081);
		store16(udp + 4, (uint32_t)(end - udp));
		store16(udp + 6, 0);
		if (packet->outer_sum) {
			struct packet outer = { .protocol = PACKET_UDP,
						.l3 = packet->outer_l3,
						.l4 = packet->outer_l4,
						.field = packet->outer_l4 + 6,
						.end = packet->end };

			packet_sum_up(&outer, frame);
		}
		at = end;
	} else {
		at = store_datagram(packet, frame, at);
	}
	memset(at, 0x3c, packet->trailer);
	return (uint32_t)(at - frame) + packet->trailer;
}

uint16_t packet_ask(const struct packet *packet, uint8_t *frame)
{
	if (packet->protocol == PACKET_SCTP)
		memset(frame + packet->field, 0, 4);
	else
		store16(frame + packet->field, packet_pseudo(packet, frame));
	return (uint16_t)(packet->l4 | (packet->field - packet->l4) << 8);
}
