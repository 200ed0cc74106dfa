// SPDX-License-Identifier: BSD-3-Clause
/*
 * Numbered frames of an ethertype of their own, and whether each came, once, in its turn and whole.
 *
 *	weir-frames send INTERFACE DESTINATION COUNT BYTES [PER_SECOND]
 *	weir-frames receive INTERFACE SOURCE COUNT BYTES
 *	weir-frames bounce INTERFACE DESTINATION COUNT BYTES [RETURNED]
 *
 * `send` sends, COUNT 0: until SIGTERM. `receive` waits for frames from SOURCE to its interface. `bounce` sends frames and waits
 * for each to come back from where it went, with RETURNED bytes: of the frame as it was, and zeroes behind it. BYTES count from the
 * destination address on. Exit status 0: as it should be.
 */
#define _GNU_SOURCE /* for processors */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ETHERTYPE   0x88b5
#define LEAST_BYTES 60
#define MOST_BYTES  9216
/* Frames on their way at a time: no ring is shorter. */
#define WINDOW	   16
#define SILENCE_MS 5000
/* Without a rate, a pause after so many: a ring of buffers, of which a frame may take eighteen, can be filled again. */
#define BURST	       8
#define BURST_PAUSE_NS 1000000
#define RECEIVE_BYTES  (16 << 20)

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

/* Transmit queues belong to processors, and have no order between them: frames that shall keep theirs are sent from one. */
static void stay_here(void)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_setaffinity(0, sizeof(here), &here))
		fail("sched_setaffinity");
}

static long number(const char *text, long least, long most)
{
	char *rest;
	long value = strtol(text, &rest, 10);

	if (*rest || rest == text || value < least || value > most) {
		fprintf(stderr, "%s is no number from %ld to %ld\n", text, least, most);
		exit(2);
	}
	return value;
}

static void parse_mac(const char *text, uint8_t mac[ETH_ALEN])
{
	unsigned int byte[ETH_ALEN];

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5]) != ETH_ALEN) {
		fprintf(stderr, "%s is no MAC address\n", text);
		exit(2);
	}
	for (int at = 0; at < ETH_ALEN; at++)
		mac[at] = (uint8_t)byte[at];
}

/* A socket for the frames of an interface; its address goes to `mac`. */
static int open_interface(const char *name, uint8_t mac[ETH_ALEN])
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE) };
	int receive_bytes = RECEIVE_BYTES;
	struct ifreq request = { 0 };
	int descriptor = socket(AF_PACKET, SOCK_RAW, 0);

	if (descriptor < 0)
		fail("socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(descriptor, SIOCGIFHWADDR, &request))
		fail(name);
	memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	address.sll_ifindex = (int)if_nametoindex(name);
	setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof(receive_bytes));
	if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)))
		fail("bind");
	return descriptor;
}

/* The byte at a place of a frame: no two neighbours, in either direction, are alike. */
static uint8_t pattern(uint32_t index, size_t at)
{
	return (uint8_t)(index * 131 + at * 7 + (at >> 8));
}

static void make(uint8_t *frame, size_t bytes, const uint8_t *destination, const uint8_t *source,
		 uint32_t index)
{
	uint16_t ethertype = htons(ETHERTYPE);
	uint32_t be = htonl(index);

	memcpy(frame, destination, ETH_ALEN);
	memcpy(frame + ETH_ALEN, source, ETH_ALEN);
	memcpy(frame + 12, &ethertype, sizeof(ethertype));
	memcpy(frame + 14, &be, sizeof(be));
	for (size_t at = 18; at < bytes; at++)
		frame[at] = pattern(index, at);
}

static void send_frame(int descriptor, const uint8_t *frame, size_t bytes)
{
	while (send(descriptor, frame, bytes, 0) < 0) {
		/* The interface is being changed or reset; whether frames may be lost the caller knows. */
		if (errno == ENETDOWN || errno == ENXIO)
			return;
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			fail("send");
		usleep(1000);
	}
}

/* Waits for the next frame. Returns its length, 0 when none has come for too long. */
static size_t receive_frame(int descriptor, uint8_t *frame)
{
	struct pollfd wait = { .fd = descriptor, .events = POLLIN };
	ssize_t bytes;

	if (poll(&wait, 1, SILENCE_MS) <= 0)
		return 0;
	bytes = recv(descriptor, frame, MOST_BYTES + 1, 0);
	if (bytes < 0)
		fail("recv");
	return (size_t)bytes;
}

/* Compares a frame with what was awaited; says where they differ. */
static bool is_same(const uint8_t *frame, size_t bytes, const uint8_t *wanted, size_t wanted_bytes,
		    uint32_t index)
{
	if (bytes != wanted_bytes) {
		printf("frame %u has %zu bytes, wanted %zu\n", index, bytes, wanted_bytes);
		return false;
	}
	for (size_t at = 0; at < bytes; at++)
		if (frame[at] != wanted[at]) {
			printf("frame %u, byte %zu: %02x, wanted %02x\n", index, at, frame[at],
			       wanted[at]);
			return false;
		}
	return true;
}

/* Sends; `gap_ns` between two, or as fast as the interface takes them. */
static int run_send(int descriptor, const uint8_t *mac, const uint8_t *peer, uint32_t count,
		    size_t bytes, long gap_ns)
{
	struct timespec gap = { .tv_nsec = gap_ns }, pause = { .tv_nsec = BURST_PAUSE_NS };
	uint8_t frame[MOST_BYTES];
	uint32_t index;

	for (index = 0; !ended && (!count || index < count); index++) {
		make(frame, bytes, peer, mac, index);
		send_frame(descriptor, frame, bytes);
		if (gap_ns)
			nanosleep(&gap, NULL);
		else if (index % BURST == BURST - 1)
			nanosleep(&pause, NULL);
	}
	printf("%u sent\n", index);
	return 0;
}

static int run_receive(int descriptor, const uint8_t *mac, const uint8_t *peer, uint32_t count,
		       size_t bytes)
{
	uint8_t frame[MOST_BYTES + 1], wanted[MOST_BYTES];

	printf("waiting\n");
	fflush(stdout);
	for (uint32_t index = 0; index < count; index++) {
		size_t length = receive_frame(descriptor, frame);

		if (!length) {
			printf("%u came, %u wanted\n", index, count);
			return 1;
		}
		make(wanted, bytes, mac, peer, index);
		if (!is_same(frame, length, wanted, bytes, index))
			return 1;
	}
	printf("%u came\n", count);
	return 0;
}

static int run_bounce(int descriptor, const uint8_t *mac, const uint8_t *peer, uint32_t count,
		      size_t bytes, size_t returned)
{
	uint8_t frame[MOST_BYTES + 1], wanted[MOST_BYTES] = { 0 };
	uint32_t sent = 0;

	for (uint32_t index = 0; index < count; index++) {
		size_t length;

		for (; sent < count && sent - index < WINDOW; sent++) {
			make(frame, bytes, peer, mac, sent);
			send_frame(descriptor, frame, bytes);
		}
		length = receive_frame(descriptor, frame);
		if (!length) {
			printf("%u came back, %u wanted\n", index, count);
			return 1;
		}
		/* Back from where it was sent to. */
		make(wanted, bytes < returned ? bytes : returned, mac, peer, index);
		if (!is_same(frame, length, wanted, returned, index))
			return 1;
	}
	printf("%u came back\n", count);
	return 0;
}

int main(int count, char **arguments)
{
	struct sigaction action = { .sa_handler = end };
	uint8_t mac[ETH_ALEN], peer[ETH_ALEN];
	uint32_t frames;
	size_t bytes;
	int descriptor;

	if (count < 6 || count > 7) {
		fprintf(stderr,
			"usage: weir-frames send|receive|bounce INTERFACE ADDRESS COUNT BYTES [PER_SECOND|RETURNED]\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	parse_mac(arguments[3], peer);
	frames = (uint32_t)number(arguments[4], 0, INT32_MAX);
	bytes = (size_t)number(arguments[5], LEAST_BYTES, MOST_BYTES);
	descriptor = open_interface(arguments[2], mac);
	stay_here();
	if (!strcmp(arguments[1], "send"))
		return run_send(descriptor, mac, peer, frames, bytes,
				count > 6 ? 1000000000 / number(arguments[6], 2, 1000000) : 0);
	if (!strcmp(arguments[1], "receive"))
		return run_receive(descriptor, mac, peer, frames, bytes);
	return run_bounce(descriptor, mac, peer, frames, bytes,
			  count > 6 ? (size_t)number(arguments[6], LEAST_BYTES, MOST_BYTES) : bytes);
}
