// SPDX-License-Identifier: BSD-3-Clause
/*
 * Numbered datagrams between two interfaces, and whether each came, once, in its turn and whole.
 *
 *	weir-sequence receive PORT
 *	weir-sequence send ADDRESS PORT PER_SECOND
 *
 * The sender goes on until SIGTERM or SIGINT; then it says how many there were, twenty times in a second, which ends the
 * receiver. Both exit with 0 if nothing is missing or wrong, and print what they found.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S      UINT64_C(1000000000)
#define GOODBYES      20
#define LEAST_BYTES   32
#define MOST_BYTES    1472
#define RECEIVE_BYTES (16 << 20)
/* How far back a number is known to have come before */
#define WINDOW 65536
/* What is said of single datagrams; all are counted. */
#define LINES_MAX 10

/* Big-endian on the wire. In a goodbye `number` is how many there were. */
struct header {
	uint64_t number;
	uint32_t bytes;
	uint32_t is_goodbye;
};

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* The byte at a place of the datagram of a number: no two neighbours, in either direction, are alike. */
static uint8_t pattern(uint64_t number, uint32_t at)
{
	return (uint8_t)(number * 131 + at * 7 + (at >> 8));
}

static uint32_t make(uint8_t *datagram, uint64_t number, bool is_goodbye)
{
	uint32_t bytes = LEAST_BYTES + (uint32_t)(number * 37 % (MOST_BYTES - LEAST_BYTES + 1));
	struct header header = { htobe64(number), htobe32(bytes), htobe32(is_goodbye) };

	memcpy(datagram, &header, sizeof(header));
	for (uint32_t at = sizeof(header); at < bytes; at++)
		datagram[at] = pattern(number, at);
	return bytes;
}

static bool is_whole(const uint8_t *datagram, size_t bytes, struct header *header)
{
	if (bytes < sizeof(*header))
		return false;
	memcpy(header, datagram, sizeof(*header));
	header->number = be64toh(header->number);
	if (be32toh(header->bytes) != bytes)
		return false;
	for (uint32_t at = sizeof(*header); at < bytes; at++)
		if (datagram[at] != pattern(header->number, at))
			return false;
	return true;
}

/* Returns 0 or a negative errno. A full queue is waited for: it is not the network's loss. */
static int send_one(int fd, const uint8_t *datagram, uint32_t bytes)
{
	while (send(fd, datagram, bytes, 0) < 0) {
		if (errno == ENOBUFS)
			usleep(1000);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int run_sender(int fd, uint64_t per_second)
{
	uint8_t datagram[MOST_BYTES];
	uint64_t number = 0, due = now_ns();
	int error = 0;

	while (!ended && !error) {
		uint64_t now = now_ns();

		if (now < due) {
			usleep((useconds_t)((due - now) / 1000 + 1));
			continue;
		}
		/* After a long sleep of this processor: no burst that a socket cannot take. */
		due = now > due + NS_PER_S / 10 ? now : due + NS_PER_S / per_second;
		error = send_one(fd, datagram, make(datagram, number, false));
		if (!error)
			number++;
	}
	for (int i = 0; i < GOODBYES && !error; i++) {
		error = send_one(fd, datagram, make(datagram, number, true));
		usleep(1000000 / GOODBYES);
	}
	/* Who has heard the first goodbye has gone. */
	if (error && !(error == -ECONNREFUSED && ended)) {
		printf("after %llu: %s\n", (unsigned long long)number, strerror(-error));
		return 1;
	}
	printf("sent %llu\n", (unsigned long long)number);
	return 0;
}

struct found {
	uint64_t next; /* the number expected */
	uint64_t came, missing, gaps, twice, out_of_turn, damaged, longest_silence_ns;
	uint8_t seen[WINDOW / 8];
	unsigned int lines;
};

static void complain(struct found *found, const char *what, uint64_t number)
{
	if (found->lines++ < LINES_MAX)
		printf("%llu %s, expected was %llu\n", (unsigned long long)number, what,
		       (unsigned long long)found->next);
}

/* Notes whether a number has come; returns whether it had. */
static bool note(struct found *found, uint64_t number, bool come)
{
	uint8_t *byte = &found->seen[number % WINDOW / 8], bit = (uint8_t)(1u << number % 8);
	bool had = *byte & bit;

	*byte = (uint8_t)(come ? *byte | bit : *byte & ~bit);
	return had;
}

static void take(struct found *found, uint64_t number)
{
	found->came++;
	if (number < found->next) {
		if (note(found, number, true)) {
			found->twice++;
			complain(found, "came twice", number);
		} else {
			found->out_of_turn++;
			found->missing--;
			complain(found, "came late", number);
		}
		return;
	}
	if (number > found->next) {
		found->gaps++;
		found->missing += number - found->next;
		complain(found, "came too early", number);
	}
	for (; found->next < number; found->next++)
		note(found, found->next, false);
	note(found, number, true);
	found->next = number + 1;
}

static int run_receiver(int fd)
{
	static struct found found;
	uint8_t datagram[MOST_BYTES + 1];
	struct header header;
	uint64_t last_ns = 0, sent = 0;
	bool complete = false;

	while (!ended && !complete) {
		ssize_t bytes = recv(fd, datagram, sizeof(datagram), 0);
		uint64_t now = now_ns();

		if (bytes < 0)
			continue;
		if (!is_whole(datagram, (size_t)bytes, &header)) {
			found.damaged++;
			complain(&found, "bytes are not a datagram of ours", (uint64_t)bytes);
		} else if (header.is_goodbye) {
			complete = true;
			sent = header.number;
		} else {
			take(&found, header.number);
		}
		if (last_ns && now - last_ns > found.longest_silence_ns)
			found.longest_silence_ns = now - last_ns;
		last_ns = now;
	}
	if (complete && sent > found.next) {
		found.gaps++;
		found.missing += sent - found.next;
	}
	if (!complete)
		printf("the sender did not say how many there were\n");
	printf("received %llu of %llu: %llu gaps with %llu missing, %llu twice, %llu out of turn, %llu damaged; longest silence %llu ms\n",
	       (unsigned long long)found.came, (unsigned long long)sent,
	       (unsigned long long)found.gaps, (unsigned long long)found.missing,
	       (unsigned long long)found.twice, (unsigned long long)found.out_of_turn,
	       (unsigned long long)found.damaged,
	       (unsigned long long)(found.longest_silence_ns / 1000000));
	return !complete || !found.came || found.gaps || found.twice || found.out_of_turn ||
	       found.damaged;
}

static int usage(void)
{
	fprintf(stderr, "usage: weir-sequence receive PORT | send ADDRESS PORT PER_SECOND\n");
	return 2;
}

static bool number_of(const char *text, unsigned long most, unsigned long *number)
{
	char *rest;

	*number = strtoul(text, &rest, 10);
	return *text && !*rest && *number > 0 && *number <= most;
}

int main(int count, char **arguments)
{
	struct sigaction action = { .sa_handler = end };
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = RECEIVE_BYTES, error;
	unsigned long port, per_second = 0;
	bool receives = count == 3 && !strcmp(arguments[1], "receive");

	if (!receives && !(count == 5 && !strcmp(arguments[1], "send") &&
			   number_of(arguments[4], 1000000, &per_second) &&
			   inet_pton(AF_INET, arguments[2], &address.sin_addr) == 1))
		return usage();
	if (!number_of(arguments[receives ? 2 : 3], 65535, &port))
		return usage();
	address.sin_port = htons((uint16_t)port);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	/* What a busy machine leaves lying must not count as lost. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	error = receives ? bind(fd, (struct sockaddr *)&address, sizeof(address))
			 : connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (fd < 0 || error) {
		perror("weir-sequence");
		return 1;
	}
	return receives ? run_receiver(fd) : run_sender(fd, per_second);
}
