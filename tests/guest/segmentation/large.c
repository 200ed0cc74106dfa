// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sends the frames of tests/device/large.c as packets that somebody else is to cut, the kernel or the card, and shows what arrives.
 *
 *	weir-large send INTERFACE MAC [untagged|TAGS]
 *	                                 all of them, or those without tags, which get TAGS (in hexadecimal digits, such as 88a800c8), one after
 *	                                 the other; says which the kernel does not take
 *	weir-large watch INTERFACE       until SIGTERM: each segment as an entry of tests/device/large_vectors.h, its payload compared;
 *	                                 of a tunnel the frame inside
 *
 * Receive offloads that merge packets or take tags out must be off.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "large.h"

#define ROOM_BYTES  (16 << 20)
#define PAUSE_US    20000
#define MOST_FRAMES 64
#define TAG_BYTES   4u
#define TAGS_MOST   2u
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int packet_socket(const char *interface)
{
	struct sockaddr_ll place = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_ALL),
				     .sll_ifindex = (int)if_nametoindex(interface) };
	int handle = socket(AF_PACKET, SOCK_RAW, 0), room = ROOM_BYTES;

	if (handle < 0 || !place.sll_ifindex ||
	    bind(handle, (struct sockaddr *)&place, sizeof(place)) ||
	    setsockopt(handle, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(handle, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room))) {
		perror(interface);
		exit(1);
	}
	return handle;
}

/* First byte lowest, as struct packet has it. */
static uint64_t mac_value(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (int i = 5; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

static uint64_t own_mac(int handle, const char *interface)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(handle, SIOCGIFHWADDR, &request)) {
		perror(interface);
		exit(1);
	}
	return mac_value((const uint8_t *)request.ifr_hwaddr.sa_data);
}

/* Tags that go in front of the type of frames without one. */
struct tags {
	uint8_t bytes[TAGS_MOST * TAG_BYTES];
	uint32_t length;
};

/* Reads tags from hexadecimal digits; false: they are none. */
static bool read_tags(const char *text, struct tags *tags)
{
	size_t digits = strlen(text);

	if (!digits || digits % (2 * TAG_BYTES) || digits > 2 * sizeof(tags->bytes))
		return false;
	for (tags->length = 0; tags->length < digits / 2; tags->length++) {
		unsigned int byte;

		if (sscanf(text + 2 * tags->length, "%2x", &byte) != 1)
			return false;
		tags->bytes[tags->length] = (uint8_t)byte;
	}
	return true;
}

/* Those without tags if `tags` is not NULL. */
static int send_all(const char *interface, const char *mac, const struct tags *tags)
{
	static uint8_t frame[sizeof(struct virtio_net_hdr) + LARGE_FRAME_MAX + TAGS_MOST * TAG_BYTES];
	uint32_t more_bytes = tags ? tags->length : 0;
	int handle = packet_socket(interface), on = 1;
	uint64_t source = own_mac(handle, interface);
	unsigned int address[6];
	uint8_t to[6];

	if (sscanf(mac, "%x:%x:%x:%x:%x:%x", &address[0], &address[1], &address[2], &address[3],
		   &address[4], &address[5]) != 6)
		return 2;
	for (int i = 0; i < 6; i++)
		to[i] = (uint8_t)address[i];
	if (setsockopt(handle, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on))) {
		perror("PACKET_VNET_HDR");
		return 1;
	}
	for (size_t i = 0; i < large_count; i++) {
		struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
		struct packet packet;
		uint32_t header_bytes, bytes;

		if (tags && large_frames[i].packet.tag_protocol[0])
			continue;
		bytes = large_make(i, mac_value(to), source, true, frame + sizeof(header), &packet,
				   &header_bytes);
		if (more_bytes) {
			uint8_t *type = frame + sizeof(header) + 2 * ETH_ALEN;

			memmove(type + more_bytes, type, bytes - 2 * ETH_ALEN);
			memcpy(type, tags->bytes, more_bytes);
			bytes += more_bytes;
		}
		header.gso_type = packet.protocol == PACKET_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4
				  : packet.ipv6			? VIRTIO_NET_HDR_GSO_TCPV6
								: VIRTIO_NET_HDR_GSO_TCPV4;
		if (large_frames[i].tcp_flags & LARGE_CWR)
			header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
		header.hdr_len = (uint16_t)(header_bytes + more_bytes);
		header.gso_size = large_frames[i].mss;
		header.csum_start = (uint16_t)(packet.l4 + more_bytes);
		header.csum_offset = (uint16_t)(packet.field - packet.l4);
		memcpy(frame, &header, sizeof(header));
		if (send(handle, frame, sizeof(header) + bytes, 0) < 0)
			printf("%s: %s\n", large_frames[i].name, strerror(errno));
		usleep(PAUSE_US);
	}
	return 0;
}

static uint32_t load16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* Where a frame's L4 header begins and ends; false: it is none of ours. Of VXLAN *inside is where the frame in it begins, else 0. */
static bool find_l4(const uint8_t *frame, uint32_t bytes, uint32_t *l4, uint32_t *payload,
		    uint32_t *inside)
{
	uint32_t at = 12, next;

	*inside = 0;
	while (bytes > at + 4 && (load16(frame + at) == 0x8100 || load16(frame + at) == 0x88a8))
		at += 4;
	/* The shortest there are: IPv4 and UDP, and a byte. */
	if (bytes < at + 2 + 29)
		return false;
	const uint8_t *ip = frame + at + 2;

	if (load16(frame + at) == 0x0800) {
		*l4 = at + 2 + (ip[0] & 15u) * 4;
		next = ip[9];
	} else if (load16(frame + at) == 0x86dd) {
		*l4 = at + 2 + 40;
		for (next = ip[6]; (next == 0 || next == 60) && bytes > *l4 + 8;
		     next = frame[*l4 - 8])
			*l4 += 8 + frame[*l4 + 1] * 8u;
	} else {
		return false;
	}
	if (bytes < *l4 + (next == PACKET_TCP ? 20u : 8u))
		return false;
	*payload = *l4 + (next == PACKET_TCP ? (frame[*l4 + 12] >> 4) * 4u : 8u);
	if (next == PACKET_UDP && load16(frame + *l4 + 2) == 4789)
		*inside = *payload + 8;
	return next == PACKET_TCP || next == PACKET_UDP;
}

/* What has come of each frame's payload. */
static uint32_t seen[MOST_FRAMES];

static void show(const uint8_t *frame, uint32_t bytes)
{
	static uint8_t whole[LARGE_FRAME_MAX];
	uint32_t l4, payload, header_bytes, inside;
	struct packet packet;

	if (!find_l4(frame, bytes, &l4, &payload, &inside))
		return;
	if (inside) {
		frame += inside;
		bytes -= inside;
		if (!find_l4(frame, bytes, &l4, &payload, &inside))
			return;
	}
	size_t number = load16(frame + l4) - LARGE_SOURCE;

	if (load16(frame + l4 + 2) != LARGE_DESTINATION || number >= large_count)
		return;
	large_make(number, 0, 0, true, whole, &packet, &header_bytes);
	printf("\t{ \"%s\", \"", large_frames[number].name);
	for (uint32_t i = 12; i < payload; i++)
		printf("%02x", frame[i]);
	printf("\", %u },%s\n", bytes - payload,
	       memcmp(frame + payload, whole + header_bytes + seen[number], bytes - payload)
		       ? " WRONG PAYLOAD"
		       : "");
	seen[number] += bytes - payload;
}

/* Puts the tag back that the kernel takes out of every packet (packet(7), PACKET_AUXDATA); returns the frame's length. */
static uint32_t put_tag_back(struct msghdr *message, uint8_t *frame, uint32_t bytes)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		struct tpacket_auxdata auxiliary;

		if (at->cmsg_level != SOL_PACKET || at->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&auxiliary, CMSG_DATA(at), sizeof(auxiliary));
		if (!(auxiliary.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		uint32_t protocol = auxiliary.tp_status & TP_STATUS_VLAN_TPID_VALID
					    ? auxiliary.tp_vlan_tpid
					    : ETH_P_8021Q;
		const uint8_t tag[] = { (uint8_t)(protocol >> 8), (uint8_t)protocol,
					(uint8_t)(auxiliary.tp_vlan_tci >> 8),
					(uint8_t)auxiliary.tp_vlan_tci };

		memmove(frame + 16, frame + 12, bytes - 12);
		memcpy(frame + 12, tag, sizeof(tag));
		bytes += 4;
	}
	return bytes;
}

static int watch(const char *interface)
{
	static uint8_t frame[LARGE_FRAME_MAX];
	int handle = packet_socket(interface), on = 1;

	setsockopt(handle, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
	while (!ended) {
		union {
			struct cmsghdr header;
			uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		} control;
		struct sockaddr_ll from;
		struct iovec piece = { frame, sizeof(frame) - 4 };
		struct msghdr message = { .msg_name = &from,
					  .msg_namelen = sizeof(from),
					  .msg_iov = &piece,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };
		ssize_t bytes = recvmsg(handle, &message, 0);

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0) {
			perror("recvmsg");
			return 1;
		}
		if (from.sll_pkttype != PACKET_OUTGOING && bytes > 12)
			show(frame, put_tag_back(&message, frame, (uint32_t)bytes));
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct tags tags = { .length = 0 };

	_Static_assert(sizeof(struct virtio_net_hdr) == 10, "what PACKET_VNET_HDR takes");
	if (large_count > MOST_FRAMES)
		return 2;
	sigaction(SIGTERM, &action, NULL);
	if (argc == 4 && !strcmp(argv[1], "send"))
		return send_all(argv[2], argv[3], NULL);
	if (argc == 5 && !strcmp(argv[1], "send") &&
	    (!strcmp(argv[4], "untagged") || read_tags(argv[4], &tags)))
		return send_all(argv[2], argv[3], &tags);
	if (argc == 3 && !strcmp(argv[1], "watch"))
		return watch(argv[2]);
	fprintf(stderr, "Usage: weir-large send INTERFACE MAC [untagged|TAGS] | watch INTERFACE\n");
	return 2;
}
