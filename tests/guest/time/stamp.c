// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sends or receives numbered frames with hardware timestamps asked for, by the kernel's SO_TIMESTAMPING, and prints a line for each:
 * its number, and the nanoseconds the card told (0: nothing was told).
 *
 *	weir-stamp send INTERFACE MAC COUNT        all at once, then their times, in the order in which they come
 *	weir-stamp receive INTERFACE COUNT         until COUNT have come, or none for ten seconds
 *
 * Exit status: 0 all were told, 1 some were not, 2 it could not be tried.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ETHERTYPE     0x88b5 /* IEEE 802 local experimental */
#define FRAME_BYTES   128
#define PATIENCE_MS   10000
#define RECEIVE_BYTES (4 << 20)

struct frame {
	uint8_t destination[6], source[6];
	uint16_t ethertype;
	uint32_t number;
	uint8_t rest[FRAME_BYTES - 18];
} __attribute__((packed));

static int give_up(const char *what)
{
	fprintf(stderr, "weir-stamp: %s: %s\n", what, strerror(errno));
	return 2;
}

/* A socket for our frames on an interface, with these timestamps; -1: errno says why. */
static int open_socket(const char *interface, int flags)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETHERTYPE),
				       .sll_ifindex = (int)if_nametoindex(interface) };
	int bytes = RECEIVE_BYTES, socket_fd = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE));

	flags |= SOF_TIMESTAMPING_RAW_HARDWARE;
	if (socket_fd < 0 || bind(socket_fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(socket_fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
	    setsockopt(socket_fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)))
		return -1;
	return socket_fd;
}

/* The hardware's time among a message's control data, in nanoseconds; 0: there is none. */
static uint64_t time_of(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		struct scm_timestamping times;

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPING)
			continue;
		memcpy(&times, CMSG_DATA(part), sizeof(times));
		return (uint64_t)times.ts[2].tv_sec * 1000000000u + (uint64_t)times.ts[2].tv_nsec;
	}
	return 0;
}

/* Takes a frame of ours, or one that comes back with its time, and prints its line. 1: done, 0: no frame of ours, -1: none came. */
static int take(int socket_fd, int flags, bool *told)
{
	struct pollfd waits = { .fd = socket_fd, .events = flags ? POLLPRI : POLLIN };
	uint8_t control[512] __attribute__((aligned(8)));
	struct frame frame;
	struct iovec iov = { &frame, sizeof(frame) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	uint64_t time_ns;

	if (poll(&waits, 1, PATIENCE_MS) <= 0)
		return -1;
	if (recvmsg(socket_fd, &message, flags | MSG_DONTWAIT) < (ssize_t)sizeof(frame) ||
	    frame.ethertype != htons(ETHERTYPE))
		return 0;
	time_ns = time_of(&message);
	printf("%u %llu\n", ntohl(frame.number), (unsigned long long)time_ns);
	*told = time_ns;
	return 1;
}

static int send_frames(const char *interface, const char *mac, uint32_t count)
{
	int socket_fd = open_socket(interface, SOF_TIMESTAMPING_TX_HARDWARE);
	uint32_t taken = 0, missed = 0;
	struct frame frame = { .ethertype = htons(ETHERTYPE) };
	bool told;

	if (socket_fd < 0)
		return give_up(interface);
	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &frame.destination[0],
		   &frame.destination[1], &frame.destination[2], &frame.destination[3],
		   &frame.destination[4], &frame.destination[5]) != 6)
		return give_up(mac);
	char path[128];
	FILE *own;

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", interface);
	own = fopen(path, "r");
	if (!own ||
	    fscanf(own, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &frame.source[0], &frame.source[1],
		   &frame.source[2], &frame.source[3], &frame.source[4], &frame.source[5]) != 6)
		return give_up(path);
	fclose(own);
	for (uint32_t i = 0; i < count; i++) {
		frame.number = htonl(i);
		if (send(socket_fd, &frame, sizeof(frame), 0) != (ssize_t)sizeof(frame))
			return give_up("send");
	}
	while (taken < count && missed < count) {
		int came = take(socket_fd, MSG_ERRQUEUE, &told);

		if (came < 0)
			break;
		taken += came && told;
		missed += !(came && told);
	}
	return taken == count ? 0 : 1;
}

static int receive_frames(const char *interface, uint32_t count)
{
	int socket_fd = open_socket(interface, SOF_TIMESTAMPING_RX_HARDWARE);
	uint32_t came = 0, with_time = 0;
	bool told;

	if (socket_fd < 0)
		return give_up(interface);
	while (came < count) {
		int some = take(socket_fd, 0, &told);

		if (some < 0)
			break;
		came += (uint32_t)some;
		with_time += some && told;
	}
	return with_time == count ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "send"))
		return send_frames(argv[2], argv[3], (uint32_t)strtoul(argv[4], NULL, 10));
	if (argc == 4 && !strcmp(argv[1], "receive"))
		return receive_frames(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
	fprintf(stderr, "usage: weir-stamp send INTERFACE MAC COUNT | receive INTERFACE COUNT\n");
	return 2;
}
