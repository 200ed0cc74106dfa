// SPDX-License-Identifier: BSD-3-Clause
/*
 * Looks at every TCP and UDP packet that an interface receives, as it lies in memory, and says how many checksums are wrong, by the
 * definition of RFC 1071 and nothing that the kernel thinks of them; and how many the kernel was told are right.
 *
 *	weir-watch INTERFACE [PORT]           until SIGTERM; then prints "seen N wrong N vouched N"; of packets to PORT alone
 *	weir-watch INTERFACE send MAC COUNT   sends COUNT UDP packets from 10.9.0.1 to 10.9.0.2, port 9, with wrong checksums
 *
 * Receive offloads that merge packets (GRO) must be off.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (16 << 20)

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static uint32_t sum_of(const uint8_t *bytes, size_t count, uint32_t sum)
{
	for (size_t i = 0; i < count; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t load16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* Whether a packet is one that counts; then *right. */
static bool judge(const uint8_t *frame, size_t bytes, uint32_t port, bool *right)
{
	const uint8_t *ip = frame + 14, *l4;
	uint32_t type, length, protocol, sum;

	if (bytes < 14 + 40)
		return false;
	type = load16(frame + 12);
	if (type == 0x0800 && ip[0] == 0x45 && !(load16(ip + 6) & 0x3fff)) {
		l4 = ip + 20;
		length = load16(ip + 2) - 20;
		protocol = ip[9];
		sum = sum_of(ip + 12, 8, protocol + length);
	} else if (type == 0x86dd && bytes >= 14 + 60) {
		l4 = ip + 40;
		length = load16(ip + 4);
		protocol = ip[6];
		sum = sum_of(ip + 8, 32, protocol + length);
	} else {
		return false;
	}
	if ((protocol != 6 && protocol != 17) || l4 + length > frame + bytes)
		return false;
	if (port && load16(l4 + 2) != port)
		return false;
	/* None given. */
	if (protocol == 17 && !load16(l4 + 6))
		return false;
	*right = sum_of(l4, length, sum) == 0xffff;
	return true;
}

/* What the kernel knows of the packet just received (packet(7), PACKET_AUXDATA). */
static uint32_t status_of(struct msghdr *message)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		struct tpacket_auxdata auxiliary;

		if (at->cmsg_level != SOL_PACKET || at->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&auxiliary, CMSG_DATA(at), sizeof(auxiliary));
		return auxiliary.tp_status;
	}
	return 0;
}

static int watch(int socket, uint32_t port)
{
	static uint8_t frame[65536];
	unsigned long seen = 0, wrong = 0, vouched = 0;

	while (!ended) {
		union {
			struct cmsghdr header;
			uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		} control;
		struct sockaddr_ll from;
		struct iovec piece = { frame, sizeof(frame) };
		struct msghdr message = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &piece,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t bytes = recvmsg(socket, &message, 0);
		bool right;

		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0) {
			perror("recvmsg");
			return 1;
		}
		if (from.sll_pkttype == PACKET_OUTGOING ||
		    !judge(frame, (size_t)bytes, port, &right))
			continue;
		seen++;
		wrong += !right;
		vouched += (status_of(&message) & TP_STATUS_CSUM_VALID) != 0;
	}
	printf("seen %lu wrong %lu vouched %lu\n", seen, wrong, vouched);
	return 0;
}

static int send_wrong(int socket, const char *interface, const char *mac, int count)
{
	uint8_t frame[14 + 28 + 100] = { 0 }, *ip = frame + 14, *udp = ip + 20;
	unsigned int address[6];
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(interface),
				  .sll_halen = 6 };
	uint32_t sum;

	if (sscanf(mac, "%x:%x:%x:%x:%x:%x", &address[0], &address[1], &address[2], &address[3],
		   &address[4], &address[5]) != 6)
		return 2;
	for (int i = 0; i < 6; i++)
		frame[i] = (uint8_t)address[i];
	FILE *file;
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", interface);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%x:%x:%x:%x:%x:%x", &address[0], &address[1], &address[2],
			    &address[3], &address[4], &address[5]) != 6)
		return 2;
	fclose(file);
	for (int i = 0; i < 6; i++)
		frame[6 + i] = (uint8_t)address[i];
	frame[12] = 8;
	memcpy(ip, "\x45\0\0\x80\0\0\0\0\x40\x11\0\0\x0a\x09\0\x01\x0a\x09\0\x02", 20);
	sum = ~sum_of(ip, 20, 0);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	memcpy(udp, "\x12\x34\0\x09\0\x6c\xde\xad", 8);
	for (int i = 0; i < count; i++) {
		udp[8] = (uint8_t)i;
		if (sendto(socket, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) <
		    0) {
			perror("sendto");
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	int on = 1, room = RECEIVE_BYTES, handle;
	struct sockaddr_ll place = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	if (argc < 2)
		return 2;
	handle = socket(AF_PACKET, SOCK_RAW, 0);
	if (handle < 0) {
		perror("socket");
		return 1;
	}
	if (argc == 5)
		return send_wrong(handle, argv[1], argv[3], atoi(argv[4]));
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	setsockopt(handle, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(handle, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
	place.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (!place.sll_ifindex || bind(handle, (struct sockaddr *)&place, sizeof(place))) {
		perror(argv[1]);
		return 1;
	}
	return watch(handle, argc > 2 ? (uint32_t)atoi(argv[2]) : 0);
}
