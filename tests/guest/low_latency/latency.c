/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions and answers over TCP, and the time between them; and datagrams to load a queue with.
 *
 *	latency serve PORT                           answers what connections ask, one after the other
 *	latency ask ADDRESS PORT COUNT               so many questions, 1 ms apart; prints the median and the 99th percentile in us
 *	latency load ADDRESS PORT MS INTERVAL_US     datagrams for so long, so far apart
 *	latency sink PORT                            takes them
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUESTION_BYTES 32
#define LOAD_BYTES     1000
#define QUESTIONS_MAX  100000

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	if (address && inet_pton(AF_INET, address, &to.sin_addr) != 1)
		fail(address);
	return to;
}

static int open_socket(int type)
{
	int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    (type == SOCK_STREAM && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0))
		fail("setsockopt");
	return fd;
}

static int bound(int type, const char *port)
{
	struct sockaddr_in at = address_of(NULL, port);
	int fd = open_socket(type);

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("bind");
	return fd;
}

static void serve(const char *port)
{
	int one = 1, listener = bound(SOCK_STREAM, port);
	char question[QUESTION_BYTES];
	ssize_t bytes;

	if (listen(listener, 4) < 0)
		fail("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			fail("accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		while ((bytes = read(fd, question, sizeof(question))) > 0)
			if (write(fd, question, (size_t)bytes) != bytes)
				break;
		close(fd);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

	return first < second ? -1 : first > second;
}

static void ask(const char *address, const char *port, int count)
{
	struct sockaddr_in to = address_of(address, port);
	static int64_t times_us[QUESTIONS_MAX];
	char question[QUESTION_BYTES] = "what";
	int fd = open_socket(SOCK_STREAM);

	if (count < 1 || count > QUESTIONS_MAX)
		exit(2);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect");
	/* Whoever follows the server's sockets has seen this one by then. */
	usleep(500000);
	for (int i = 0; i < count; i++) {
		int64_t start_us = now_us();

		if (write(fd, question, sizeof(question)) != sizeof(question) ||
		    recv(fd, question, sizeof(question), MSG_WAITALL) != sizeof(question))
			fail("question");
		times_us[i] = now_us() - start_us;
		usleep(1000);
	}
	qsort(times_us, (size_t)count, sizeof(times_us[0]), compare);
	printf("p50 %lld p99 %lld\n", (long long)times_us[count / 2],
	       (long long)times_us[count * 99 / 100]);
}

static void load(const char *address, const char *port, int ms, int interval_us)
{
	struct sockaddr_in to = address_of(address, port);
	static char datagram[LOAD_BYTES];
	int fd = open_socket(SOCK_DGRAM);
	int64_t end_us = now_us() + ms * 1000ll;

	while (now_us() < end_us) {
		sendto(fd, datagram, sizeof(datagram), 0, (struct sockaddr *)&to, sizeof(to));
		usleep((useconds_t)interval_us);
	}
}

static void sink(const char *port)
{
	static char datagram[LOAD_BYTES];
	int fd = bound(SOCK_DGRAM, port);

	while (recv(fd, datagram, sizeof(datagram), 0) >= 0)
		;
	fail("recv");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	else if (argc == 5 && strcmp(argv[1], "ask") == 0)
		ask(argv[2], argv[3], atoi(argv[4]));
	else if (argc == 6 && strcmp(argv[1], "load") == 0)
		load(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
	else if (argc == 3 && strcmp(argv[1], "sink") == 0)
		sink(argv[2]);
	else
		return 2;
	return 0;
}
