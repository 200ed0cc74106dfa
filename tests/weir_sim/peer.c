/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One end of a conversation over a weir-sim, for tests/weir_sim/weir_sim.py: a process with a function of the card. Says "up" when
 * frames can come, and at its end one line of JSON with what it counted.
 *
 *   echo     sends every frame back to where it came from
 *   ping     sends numbered, checksummed frames to an echo, a window of them at a time, and expects each back in order
 *   flood    sends as fast as it can and looks at nothing
 *   send     sends frames given on standard input, a line of hexadecimal each
 *   sink     prints the frames it receives, a line of hexadecimal each
 *   hold     comes up and does nothing
 *   truncate sends like flood, then takes its memory away under the card's hands
 *   latency  one frame at a time to an echo, with pauses, and measures how long each is away
 *
 * echo, flood, sink and hold end with SIGTERM, all end when the server is gone.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"

#define FRAME_MARK	0x57e1f00du
#define HEADER_BYTES	14u
#define STILL_S		5.0 /* without progress: something is lost */
#define LATENCY_SAMPLES 4096u

struct payload {
	uint32_t mark, flow, sequence, bytes, sum;
};

struct peer {
	struct driver driver;
	struct driver_options options;
	const char *mode;
	uint8_t to[6];
	uint32_t flow, window, pause_us;
	uint64_t count; /* frames of ping and latency, 0: until SIGTERM */
	uint64_t sent, received, bad, gaps;
};

static volatile sig_atomic_t ended;

static void on_term(int number)
{
	(void)number;
	ended = 1;
}

/* ---- frames ---- */

static uint32_t checksum(const uint8_t *data, uint32_t bytes)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (uint32_t i = 0; i < bytes; i++)
		hash = (hash ^ data[i]) * 16777619u;
	return hash;
}

static uint16_t make_frame(const struct peer *peer, uint8_t *frame, uint32_t sequence)
{
	uint32_t state = peer->flow * 2654435761u ^ sequence * 2246822519u;
	uint32_t bytes = 60 + state % 1400;
	struct payload payload = { FRAME_MARK, peer->flow, sequence, bytes, 0 };

	memcpy(frame, peer->to, 6);
	memcpy(frame + 6, peer->driver.mac, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* IEEE 802 local experimental */
	for (uint32_t i = HEADER_BYTES + sizeof(payload); i < bytes; i++) {
		state = state * 1664525u + 1013904223u;
		frame[i] = (uint8_t)(state >> 24);
	}
	payload.sum = checksum(frame + HEADER_BYTES + sizeof(payload),
			       bytes - HEADER_BYTES - (uint32_t)sizeof(payload));
	memcpy(frame + HEADER_BYTES, &payload, sizeof(payload));
	return (uint16_t)bytes;
}

/* Whether a frame is whole and of this peer's flow. */
static bool check_frame(const struct peer *peer, const uint8_t *frame, uint16_t bytes,
			uint32_t *sequence)
{
	struct payload payload;

	if (bytes < HEADER_BYTES + sizeof(payload))
		return false;
	memcpy(&payload, frame + HEADER_BYTES, sizeof(payload));
	*sequence = payload.sequence;
	return payload.mark == FRAME_MARK && payload.flow == peer->flow && payload.bytes == bytes &&
	       payload.sum == checksum(frame + HEADER_BYTES + sizeof(payload),
				       bytes - HEADER_BYTES - (uint32_t)sizeof(payload));
}

/* ---- modes ---- */

static void echo(struct peer *peer)
{
	const uint8_t *frame;
	uint8_t copy[BUFFER_BYTES];
	uint16_t bytes;

	while (!ended) {
		bool idle = true;

		while (driver_sending(&peer->driver) < RING &&
		       driver_receive(&peer->driver, &frame, &bytes)) {
			idle = false;
			peer->received++;
			memcpy(copy, frame, bytes);
			memcpy(copy, frame + 6, 6);
			memcpy(copy + 6, peer->driver.mac, 6);
			peer->sent += driver_send(&peer->driver, copy, bytes);
		}
		driver_receive_done(&peer->driver);
		driver_send_done(&peer->driver);
		if (idle) {
			if (vfu_client_check(peer->driver.client))
				die("the server is gone");
			driver_wait(&peer->driver, 100);
		}
	}
}

static void ping(struct peer *peer)
{
	uint8_t frame[BUFFER_BYTES];
	const uint8_t *back;
	double progress_s = now_s();
	uint32_t sequence;
	uint16_t bytes;

	while (!(ended || (peer->count && peer->sent == peer->count)) ||
	       peer->received != peer->sent) {
		bool may_send = !ended && (!peer->count || peer->sent < peer->count), idle = true;

		while (may_send && peer->sent - peer->received < peer->window) {
			if (!driver_send(&peer->driver, frame,
					 make_frame(peer, frame, (uint32_t)peer->sent)))
				break;
			peer->sent++;
			may_send = !peer->count || peer->sent < peer->count;
		}
		driver_send_done(&peer->driver);
		while (driver_receive(&peer->driver, &back, &bytes)) {
			idle = false;
			if (!check_frame(peer, back, bytes, &sequence)) {
				peer->bad++;
				continue;
			}
			peer->gaps += sequence != (uint32_t)peer->received;
			peer->received++;
			progress_s = now_s();
		}
		driver_receive_done(&peer->driver);
		if (!idle)
			continue;
		if (now_s() - progress_s > STILL_S)
			die("flow %u: %llu frames sent, %llu came back, and then nothing for %.0f s",
			    peer->flow, (unsigned long long)peer->sent,
			    (unsigned long long)peer->received, STILL_S);
		driver_wait(&peer->driver, 100);
	}
}

static void flood(struct peer *peer, uint64_t most)
{
	uint8_t frame[BUFFER_BYTES];
	const uint8_t *back;
	uint16_t bytes;

	while (!ended && (!most || peer->sent < most)) {
		while (driver_send(&peer->driver, frame,
				   make_frame(peer, frame, (uint32_t)peer->sent)))
			peer->sent++;
		driver_send_done(&peer->driver);
		while (driver_receive(&peer->driver, &back, &bytes))
			peer->received++;
		driver_receive_done(&peer->driver);
		if (vfu_client_check(peer->driver.client))
			die("the server is gone");
	}
}

static void send_lines(struct peer *peer)
{
	char line[2 * BUFFER_BYTES + 2];
	uint8_t frame[BUFFER_BYTES];
	double end_s;

	while (fgets(line, sizeof(line), stdin)) {
		size_t bytes = strcspn(line, "\n") / 2;

		for (size_t i = 0; i < bytes; i++) {
			char pair[3] = { line[2 * i], line[2 * i + 1], 0 };

			frame[i] = (uint8_t)strtoul(pair, NULL, 16);
		}
		while (!driver_send(&peer->driver, frame, (uint16_t)bytes))
			driver_send_done(&peer->driver);
		peer->sent++;
	}
	driver_send_done(&peer->driver);
	end_s = now_s() + STILL_S;
	while (driver_sending(&peer->driver)) {
		if (now_s() > end_s)
			die("%u frames were not taken", driver_sending(&peer->driver));
	}
}

static void sink(struct peer *peer)
{
	const uint8_t *frame;
	uint16_t bytes;

	while (!ended) {
		while (driver_receive(&peer->driver, &frame, &bytes)) {
			peer->received++;
			fputs("frame ", stdout);
			for (uint16_t i = 0; i < bytes; i++)
				printf("%02x", frame[i]);
			putchar('\n');
		}
		fflush(stdout);
		driver_receive_done(&peer->driver);
		driver_wait(&peer->driver, 50);
	}
}

static void hold(struct peer *peer)
{
	while (!ended) {
		usleep(20000);
		if (vfu_client_check(peer->driver.client))
			die("the server is gone");
	}
}

static void truncate_memory(struct peer *peer)
{
	flood(peer, 10000);
	if (ftruncate(peer->driver.memory_fd, 0))
		die("ftruncate: %s", strerror(errno));
	/* Its own memory is gone, too: from here on only the socket. */
	for (int i = 0; i < 500; i++) {
		uint32_t doorbell = (uint16_t)(peer->driver.tx_tail + 1);

		if (vfu_client_region_write(peer->driver.client, VFU_REGION_BAR2,
					    WEIR_DOORBELL_TX_TAIL, &doorbell, sizeof(doorbell), 0)) {
			puts("hung up on");
			fflush(stdout);
			_exit(0);
		}
		usleep(10000);
	}
	die("the server does not mind");
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static void latency(struct peer *peer)
{
	static double samples[LATENCY_SAMPLES];
	uint32_t count = peer->count < LATENCY_SAMPLES ? (uint32_t)peer->count : LATENCY_SAMPLES,
		 sequence;
	uint8_t frame[BUFFER_BYTES];
	const uint8_t *back;
	uint16_t bytes;

	for (uint32_t i = 0; i < count; i++) {
		double start_s;

		if (peer->pause_us)
			usleep(peer->pause_us);
		start_s = now_s();
		driver_send(&peer->driver, frame, make_frame(peer, frame, i));
		driver_send_done(&peer->driver);
		while (!driver_receive(&peer->driver, &back, &bytes)) {
			if (now_s() - start_s > STILL_S)
				die("frame %u does not come back", i);
			driver_wait(&peer->driver, 100);
		}
		samples[i] = (now_s() - start_s) * 1e6;
		peer->bad += !check_frame(peer, back, bytes, &sequence) || sequence != i;
		driver_receive_done(&peer->driver);
		peer->sent++;
		peer->received++;
	}
	qsort(samples, count, sizeof(samples[0]), compare);
	printf("latency {\"least_us\": %.2f, \"median_us\": %.2f, \"p99_us\": %.2f, \"most_us\": %.2f}\n",
	       samples[0], samples[count / 2], samples[count * 99 / 100], samples[count - 1]);
}

/* ---- command line ---- */

enum { KEY_CONNECT_S = 0x100, KEY_UNSEALED, KEY_SHADOW, KEY_INTERRUPTS, KEY_PAUSE_US };

static const struct argp_option option_list[] = {
	{ "socket", 's', "PATH", 0, "the function", 0 },
	{ "mac", 'm', "MAC", 0, "its address", 0 },
	{ "to", 't', "MAC", 0, "where frames go", 0 },
	{ "flow", 'f', "N", 0, "marks its frames", 0 },
	{ "count", 'c', "N", 0, "frames of ping and latency", 0 },
	{ "window", 'w', "N", 0, "frames under way", 0 },
	{ "pause-us", KEY_PAUSE_US, "N", 0, "between frames of latency", 0 },
	{ "connect-s", KEY_CONNECT_S, "N", 0, "how long to try to connect", 0 },
	{ "interrupts", KEY_INTERRUPTS, NULL, 0, "do not poll", 0 },
	{ "shadow", KEY_SHADOW, NULL, 0, "shadow doorbells", 0 },
	{ "unsealed", KEY_UNSEALED, NULL, 0, "memory that can be truncated", 0 },
	{ 0 },
};

static void parse_mac(const struct argp_state *state, const char *text, uint8_t *mac)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		argp_error(state, "%s is no MAC", text);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct peer *peer = state->input;

	switch (key) {
	case 's':
		peer->options.socket = text;
		break;
	case 'm':
		parse_mac(state, text, peer->options.mac);
		break;
	case 't':
		parse_mac(state, text, peer->to);
		break;
	case 'f':
		peer->flow = (uint32_t)strtoul(text, NULL, 0);
		break;
	case 'c':
		peer->count = strtoull(text, NULL, 0);
		break;
	case 'w':
		peer->window = (uint32_t)strtoul(text, NULL, 0);
		break;
	case KEY_PAUSE_US:
		peer->pause_us = (uint32_t)strtoul(text, NULL, 0);
		break;
	case KEY_CONNECT_S:
		peer->options.connect_s = (uint32_t)strtoul(text, NULL, 0);
		break;
	case KEY_INTERRUPTS:
		peer->options.interrupts = true;
		break;
	case KEY_SHADOW:
		peer->options.shadow = true;
		break;
	case KEY_UNSEALED:
		peer->options.unsealed = true;
		break;
	case ARGP_KEY_ARG:
		peer->mode = text;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void run(struct peer *peer)
{
	if (!strcmp(peer->mode, "echo"))
		echo(peer);
	else if (!strcmp(peer->mode, "ping"))
		ping(peer);
	else if (!strcmp(peer->mode, "flood"))
		flood(peer, 0);
	else if (!strcmp(peer->mode, "send"))
		send_lines(peer);
	else if (!strcmp(peer->mode, "sink"))
		sink(peer);
	else if (!strcmp(peer->mode, "hold"))
		hold(peer);
	else if (!strcmp(peer->mode, "truncate"))
		truncate_memory(peer);
	else if (!strcmp(peer->mode, "latency"))
		latency(peer);
	else
		die("%s is no mode", peer->mode);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { option_list, parse, "MODE", NULL, NULL, NULL, NULL };
	struct peer peer = { .window = 32, .flow = 1 };
	struct sigaction action = { .sa_handler = on_term };

	if (argp_parse(&argp, argc, argv, 0, NULL, &peer) || !peer.mode || !peer.options.socket)
		die("a mode and --socket are needed");
	sigaction(SIGTERM, &action, NULL);
	driver_start(&peer.driver, &peer.options);
	printf("up %02x:%02x:%02x:%02x:%02x:%02x\n", peer.driver.mac[0], peer.driver.mac[1],
	       peer.driver.mac[2], peer.driver.mac[3], peer.driver.mac[4], peer.driver.mac[5]);
	fflush(stdout);
	run(&peer);
	driver_stop(&peer.driver);
	printf("{\"sent\": %llu, \"received\": %llu, \"bad\": %llu, \"gaps\": %llu}\n",
	       (unsigned long long)peer.sent, (unsigned long long)peer.received,
	       (unsigned long long)peer.bad, (unsigned long long)peer.gaps);
	return 0;
}
