/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-instructions: what the device's side of a frame costs, without a second core: a card in this process is given frames by
 * the ABI alone, and only its own poll is looked at. Prints nanoseconds per frame; run under
 *
 *	valgrind --tool=callgrind --toggle-collect=measured_poll* bench-instructions SCENE
 *
 * callgrind counts the instructions of exactly the same work, and repeats to the last one. bench-instructions-riscv does the same against
 * the RISC-V image, and says how many of its own instructions a frame takes when its machine counts them. The scene large_vf_to_vf is of
 * frames of 64 KB that the card cuts into segments, and is measured beside a plain copy of the same bytes.
 *
 *	WEIR_MACHINE_OPTIONS='-icount shift=0,sleep=off' bench-instructions-riscv SCENE
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"
#include "packets.h"
#include "weir_cunit.h"

#define RING_LOG2    10u
#define RING	     (1u << RING_LOG2)
#define POSTED	     256u /* frames given to the card at a time */
#define BUFFER_BYTES 2048u
#define FRAMES_MOST  100000000ul
#define WARM_FRAMES  (4u * RING)

/* Frames that are cut: TCP with timestamps, in pieces of a page, as Linux sends them. */
#define LARGE_POSTED   8u
#define LARGE_PLACES   32u
#define LARGE_ROOM     65536u
#define LARGE_MSS      1448u
#define LARGE_SEGMENTS 45u
#define LARGE_PIECE    4096u
#define LARGE_HEADER   66u
#define LARGE_PAYLOAD  (LARGE_MSS * LARGE_SEGMENTS)

/* ---- what tests/device/host.c says when something is not as it should be ---- */

static void give_up(const char *file, int line, const char *text)
{
	fprintf(stderr, "bench-instructions: %s:%d: %s\n", file, line, text);
	exit(1);
}

void weir_cunit_check(bool holds, bool fatal, const char *file, int line, const char *condition)
{
	(void)fatal;
	if (!holds)
		give_up(file, line, condition);
}

void weir_cunit_check_equal(long long actual, long long expected, bool fatal, const char *file,
			    int line, const char *actual_text, const char *expected_text)
{
	(void)fatal;
	(void)expected_text;
	if (actual != expected)
		give_up(file, line, actual_text);
}

/* ---- a driver with rings of an ordinary size ---- */

struct port {
	struct host_function *function;
	uint64_t mac;
	struct weir_tx_descriptor *tx_ring;
	volatile weir_le32 *tx_head;
	struct weir_shadow_doorbell *tx_shadow, *rx_shadow;
	const volatile struct weir_rx_completion *completions;
	uint64_t frames; /* where the frames to send lie, BUFFER_BYTES apart */
	uint16_t tx_tail, rx_posted, rx_taken;
};

/* Publishes a tail, and rings when the card asks for it (specs/data-queues.md, "Shadow doorbells"). */
static void tell(struct port *port, struct weir_shadow_doorbell *shadow, uint32_t doorbell,
		 uint16_t tail)
{
	uint16_t old = (uint16_t)weir_le32_to_cpu(shadow->tail);
	uint32_t event = weir_le32_to_cpu(shadow->event_index);

	shadow->tail = weir_cpu_to_le32(tail);
	if (!(event & 0x80000000u) && (uint16_t)(tail - event - 1) < (uint16_t)(tail - old))
		host_doorbell(port->function, 0, doorbell, tail);
}

static void create_queues(struct port *port)
{
	struct host_function *function = port->function;
	uint64_t tx_ring = host_alloc(function, RING * sizeof(struct weir_tx_descriptor), 64);
	uint64_t tx_head = host_alloc(function, 4, 64),
		 tx_shadow = host_alloc(function, WEIR_SHADOW_BYTES, WEIR_SHADOW_BYTES);
	uint64_t rx_ring = host_alloc(function, RING * sizeof(struct weir_rx_buffer), 64);
	uint64_t completions = host_alloc(function, RING * sizeof(struct weir_rx_completion), 64);
	uint64_t rx_shadow = host_alloc(function, WEIR_SHADOW_BYTES, WEIR_SHADOW_BYTES);
	uint64_t buffers = host_alloc(function, RING * BUFFER_BYTES, 64);
	weir_le64 *rx_entries = host_pointer(function, rx_ring);
	int status;

	port->frames = host_alloc(function, RING * BUFFER_BYTES, 64);
	port->tx_ring = host_pointer(function, tx_ring);
	port->tx_head = host_pointer(function, tx_head);
	port->tx_shadow = host_pointer(function, tx_shadow);
	port->rx_shadow = host_pointer(function, rx_shadow);
	port->completions = host_pointer(function, completions);
	status = host_command(
		function, WEIR_COMMAND_RX_QUEUE_CREATE,
		HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, rx_ring),
			     HOST_U(RING_LOG2, RING_LOG2), HOST_U(COMPLETION_ADDRESS, completions),
			     HOST_U(COMPLETION_LOG2, RING_LOG2), HOST_U(BUFFER_BYTES, BUFFER_BYTES),
			     HOST_U(SHADOW_ADDRESS, rx_shadow)),
		NULL);
	WEIR_REQUIRE_EQ(status, 0);
	status = host_command(function, WEIR_COMMAND_TX_QUEUE_CREATE,
			      HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(RING_ADDRESS, tx_ring),
					   HOST_U(RING_LOG2, RING_LOG2),
					   HOST_U(COMPLETION_ADDRESS, tx_head),
					   HOST_U(SHADOW_ADDRESS, tx_shadow)),
			      NULL);
	WEIR_REQUIRE_EQ(status, 0);
	/* DPDK's headroom. */
	for (uint32_t i = 0; i < RING; i++)
		rx_entries[i] = weir_cpu_to_le64(buffers + i * BUFFER_BYTES + 128);
	port->rx_posted = RING;
	tell(port, port->rx_shadow, WEIR_DOORBELL_RX_TAIL, port->rx_posted);
}

static void port_up(struct port *port, struct host_function *function, uint64_t mac)
{
	int status;

	port->function = function;
	port->mac = mac;
	WEIR_REQUIRE(host_start(function));
	create_queues(port);
	status = host_command(function, WEIR_COMMAND_VPORT_SET, HOST_REQUEST(HOST_U(MAC, mac)),
			      NULL);
	WEIR_REQUIRE_EQ(status, 0);
	status = host_vport_flags(function, WEIR_VPORT_ENABLE, WEIR_VPORT_ENABLE);
	WEIR_REQUIRE_EQ(status, 0);
	host_settle(function->host);
}

/* ---- scenes ---- */

struct scene {
	const char *name;
	uint16_t vfs; /* 0: the PF sends to itself by the wire, n: VF 0 to the n - 1 others in turn */
	uint32_t bytes;
	bool checksums; /* TCP whose checksum the card puts in, and verifies where it arrives */
	bool large;	/* cut by the card into frames of `bytes` */
	uint16_t rules; /* of the receiver, by source port; each frame matches one */
	uint16_t masks; /* ... behind rules of so many other masks, which none matches */
	uint32_t flows; /* sent in turn; more than 0: receivers hash them, for one queue */
};

static const struct scene scenes[] = {
	{ .name = "vf_to_vf", .vfs = 2, .bytes = 64 },
	{ .name = "vf_to_4_vfs", .vfs = 5, .bytes = 64 },
	{ .name = "port_loop", .vfs = 0, .bytes = 64 },
	{ .name = "port_loop_1514", .vfs = 0, .bytes = 1514 },
	{ .name = "vf_to_vf_checksums", .vfs = 2, .bytes = 64, .checksums = true },
	{ .name = "port_loop_checksums", .vfs = 0, .bytes = 64, .checksums = true },
	{ .name = "port_loop_1514_checksums", .vfs = 0, .bytes = 1514, .checksums = true },
	{ .name = "port_loop_hash", .vfs = 0, .bytes = 64, .flows = 1 },
	{ .name = "vf_to_vf_offloads", .vfs = 2, .bytes = 64, .checksums = true, .flows = 1 },
	{ .name = "port_loop_offloads", .vfs = 0, .bytes = 64, .checksums = true, .flows = 1 },
	{ .name = "port_loop_offloads_16_flows",
	  .vfs = 0,
	  .bytes = 64,
	  .checksums = true,
	  .flows = 16 },
	{ .name = "port_loop_1514_offloads", .vfs = 0, .bytes = 1514, .checksums = true, .flows = 1 },
	{ .name = "large_vf_to_vf", .vfs = 2, .bytes = LARGE_HEADER + LARGE_MSS, .large = true },
	{ .name = "port_loop_1_rule", .vfs = 0, .bytes = 64, .rules = 1 },
	{ .name = "port_loop_4096_rules", .vfs = 0, .bytes = 64, .rules = 4096 },
	{ .name = "port_loop_16_masks", .vfs = 0, .bytes = 64, .rules = 4081, .masks = 15 },
};

struct bench {
	struct host *host;
	struct port ports[8];
	uint32_t port_count; /* the first one sends, the others (or it alone) receive */
	const struct scene *scene;
	uint64_t measured_ns;
	/* of large frames */
	uint32_t place;
	uint16_t checksum; /* tx_descriptor.checksum */
	uint8_t *copies;   /* LARGE_PLACES times LARGE_ROOM */
	uint64_t copied_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of its own, so that callgrind can be told to count here. */
static __attribute__((noinline)) uint32_t measured_poll(struct weirsim *sim)
{
	uint32_t done = weirsim_poll(sim);

	__asm__ volatile("" ::: "memory");
	return done;
}

/* Frames that never change: the same lie in each place of the ring. */
static void write_frames(struct bench *bench)
{
	struct port *sender = &bench->ports[0];
	uint32_t receivers = bench->port_count > 1 ? bench->port_count - 1 : 1;

	for (uint32_t i = 0; i < RING; i++) {
		const struct port *receiver =
			bench->port_count > 1 ? &bench->ports[1 + i % receivers] : sender;
		uint64_t address = sender->frames + i * BUFFER_BYTES;
		uint8_t *frame = host_pointer(sender->function, address);

		struct packet packet = { .destination = receiver->mac,
					 .source = sender->mac,
					 .protocol = PACKET_TCP,
					 .payload = bench->scene->bytes - 54 };

		WEIR_REQUIRE_EQ(packet_make(&packet, frame), bench->scene->bytes);
		if (bench->scene->rules) {
			frame[34] = (uint8_t)(i % bench->scene->rules >> 8);
			frame[35] = (uint8_t)(i % bench->scene->rules);
		}
		sender->tx_ring[i] = (struct weir_tx_descriptor){
			.address = weir_cpu_to_le64(address),
			.length = weir_cpu_to_le16((uint16_t)bench->scene->bytes),
			.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK),
		};
		if (bench->scene->flows)
			frame[packet.l4 + 1] ^= (uint8_t)(i % bench->scene->flows);
		if (bench->scene->checksums) {
			sender->tx_ring[i].flags |= weir_cpu_to_le16(WEIR_TXD_CHECKSUM_MASK);
			sender->tx_ring[i].checksum = weir_cpu_to_le16(packet_ask(&packet, frame));
		}
	}
}

static void add_rule(struct port *port, uint16_t location, const struct weir_steer_key *key,
		     const struct weir_steer_key *mask)
{
	WEIR_REQUIRE_EQ(host_command(port->function, WEIR_COMMAND_STEER_ADD,
				     HOST_REQUEST(HOST_U(STEER_LOCATION, location),
						  HOST_BYTES(STEER_KEY, key, sizeof(*key)),
						  HOST_BYTES(STEER_MASK, mask, sizeof(*mask)),
						  HOST_U(STEER_ACTION, WEIR_STEER_ACTION_QUEUE),
						  HOST_U(QUEUE, 0)),
				     NULL),
			0);
}

/* Rules as a scene wants them; the frames are no tunnel's. */
static void add_rules(struct port *port, const struct scene *scene)
{
	struct weir_steer_key key, mask;

	for (uint16_t i = 0; i < scene->masks; i++) {
		key = mask = (struct weir_steer_key){ 0 };
		key.vni[i / 8] = mask.vni[i / 8] = (uint8_t)(1 << i % 8);
		add_rule(port, i, &key, &mask);
	}
	mask = (struct weir_steer_key){ .l3 = 0xff,
					.protocol = 0xff,
					.source_port = { 0xff, 0xff } };
	for (uint16_t i = 0; i < scene->rules; i++) {
		key = (struct weir_steer_key){ .l3 = WEIR_PACKET_L3_IPV4,
					       .protocol = PACKET_TCP,
					       .source_port = { (uint8_t)(i >> 8), (uint8_t)i } };
		add_rule(port, (uint16_t)(scene->masks + i), &key, &mask);
	}
}

/* Takes what has arrived and posts the buffers again; returns the frames. */
static uint32_t take(struct bench *bench, struct port *port)
{
	uint32_t count = 0;

	for (;; count++, port->rx_taken++) {
		const volatile struct weir_rx_completion *entry =
			&port->completions[port->rx_taken % RING];
		uint32_t phase = ~(uint32_t)port->rx_taken >> RING_LOG2 & 1;
		uint32_t flags = weir_le32_to_cpu(entry->flags);

		if ((flags & WEIR_RXC_PHASE_MASK) != phase)
			break;
		WEIR_REQUIRE((flags & (WEIR_RXC_END_MASK | WEIR_RXC_ERROR_MASK)) ==
			     WEIR_RXC_END_MASK);
		WEIR_REQUIRE_EQ(weir_le16_to_cpu(entry->length), bench->scene->bytes);
		WEIR_REQUIRE_EQ(WEIR_GET(WEIR_RXC_L4, flags),
				bench->scene->checksums ? WEIR_CHECKSUM_STATE_GOOD
							: WEIR_CHECKSUM_STATE_UNKNOWN);
	}
	if (count) {
		port->rx_posted = (uint16_t)(port->rx_posted + count);
		tell(port, port->rx_shadow, WEIR_DOORBELL_RX_TAIL, port->rx_posted);
	}
	return count;
}

/* What was posted leaves: turns the card until so many frames have arrived. */
static void turn(struct bench *bench, uint32_t frames, bool measured)
{
	struct port *sender = &bench->ports[0];
	struct weirsim *sim = bench->host->sim;
	uint32_t arrived = 0;

	tell(sender, sender->tx_shadow, WEIR_DOORBELL_TX_TAIL, sender->tx_tail);
	for (uint32_t turn = 0;
	     arrived < frames || (uint16_t)weir_le32_to_cpu(*sender->tx_head) != sender->tx_tail;
	     turn++) {
		uint64_t start_ns = now_ns();

		WEIR_REQUIRE(turn < 1000);
		if (measured)
			measured_poll(sim);
		else
			weirsim_poll(sim);
		bench->measured_ns += measured ? now_ns() - start_ns : 0;
		for (uint32_t i = bench->port_count > 1; i < bench->port_count; i++)
			arrived += take(bench, &bench->ports[i]);
	}
}

/* Sends POSTED frames. */
static void one_round(struct bench *bench, bool measured)
{
	bench->ports[0].tx_tail = (uint16_t)(bench->ports[0].tx_tail + POSTED);
	turn(bench, POSTED, measured);
}

/* ---- large frames ---- */

static uint64_t large_place(const struct bench *bench, uint32_t place)
{
	return bench->ports[0].frames + (uint64_t)(place % LARGE_PLACES) * LARGE_ROOM;
}

static void write_large_frames(struct bench *bench)
{
	struct port *sender = &bench->ports[0];

	_Static_assert(LARGE_PLACES * LARGE_ROOM == RING * BUFFER_BYTES, "they lie in its place");
	_Static_assert(LARGE_HEADER + LARGE_PAYLOAD <= LARGE_ROOM, "one fits");
	bench->copies = calloc(LARGE_PLACES, LARGE_ROOM);
	WEIR_REQUIRE(bench->copies);
	for (uint32_t i = 0; i < LARGE_PLACES; i++) {
		uint8_t *frame = host_pointer(sender->function, large_place(bench, i));
		struct packet packet = { .destination = bench->ports[1].mac,
					 .source = sender->mac,
					 .protocol = PACKET_TCP,
					 .tcp_options = 12,
					 .payload = LARGE_PAYLOAD,
					 .seed = i };

		WEIR_REQUIRE_EQ(packet_make(&packet, frame), LARGE_HEADER + LARGE_PAYLOAD);
		bench->checksum = packet_ask(&packet, frame);
	}
}

static void post_piece(struct port *port, uint64_t address, uint32_t bytes, uint16_t flags,
		       uint16_t vlan_tci, uint16_t checksum)
{
	port->tx_ring[port->tx_tail++ % RING] = (struct weir_tx_descriptor){
		.address = weir_cpu_to_le64(address),
		.length = weir_cpu_to_le16((uint16_t)bytes),
		.flags = weir_cpu_to_le16(flags),
		.vlan_tci = weir_cpu_to_le16(vlan_tci),
		.checksum = weir_cpu_to_le16(checksum),
	};
}

/* Of its own, like measured_poll(). */
static __attribute__((noinline)) void measured_copy(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
	__asm__ volatile("" ::: "memory");
}

/* Sends LARGE_POSTED frames, and copies the payload of as many. */
static void one_large_round(struct bench *bench, bool measured)
{
	struct port *sender = &bench->ports[0];
	uint64_t start_ns;

	for (uint32_t i = 0; i < LARGE_POSTED; i++) {
		uint64_t address = large_place(bench, bench->place + i);

		post_piece(sender, address, LARGE_HEADER,
			   WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK, 0, bench->checksum);
		address += LARGE_HEADER;
		for (uint32_t done = 0; done < LARGE_PAYLOAD; done += LARGE_PIECE) {
			uint32_t left = LARGE_PAYLOAD - done;

			/* The second descriptor says where to cut. */
			post_piece(sender, address + done, left < LARGE_PIECE ? left : LARGE_PIECE,
				   left <= LARGE_PIECE ? WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK
						       : 0,
				   done ? 0 : LARGE_MSS, 0);
		}
	}
	turn(bench, LARGE_POSTED * LARGE_SEGMENTS, measured);
	start_ns = now_ns();
	for (uint32_t i = 0; i < LARGE_POSTED; i++) {
		uint32_t place = bench->place + i;

		measured_copy(bench->copies + (size_t)(place % LARGE_PLACES) * LARGE_ROOM,
			      host_pointer(sender->function,
					   large_place(bench, place) + LARGE_HEADER),
			      LARGE_PAYLOAD);
	}
	bench->copied_ns += measured ? now_ns() - start_ns : 0;
	bench->place += LARGE_POSTED;
}

static void run_large(struct bench *bench, const struct scene *scene, unsigned long rounds)
{
	double frames = (double)rounds * LARGE_POSTED;
	uint64_t instructions;

	write_large_frames(bench);
	for (uint32_t i = 0; i < 2 * LARGE_PLACES / LARGE_POSTED; i++)
		one_large_round(bench, false);
	instructions = weirsim_firmware_instructions(bench->host->sim);
	for (unsigned long i = 0; i < rounds; i++)
		one_large_round(bench, true);
	instructions = weirsim_firmware_instructions(bench->host->sim) - instructions;
	if (instructions)
		printf("%s %.1f instructions of the firmware's own a frame\n", scene->name,
		       (double)instructions / frames);
	printf("%s %lu frames %.2f ns, a copy %.2f ns for %u bytes\n", scene->name,
	       rounds * LARGE_POSTED, (double)bench->measured_ns / frames,
	       (double)bench->copied_ns / frames, LARGE_PAYLOAD);
	free(bench->copies);
}

/* Frames are hashed, and go where they would without. */
static void spread_to_one_queue(struct host_function *function)
{
	static const weir_le16 table[WEIR_INDIRECTION_ENTRIES];

	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_VPORT_SPREAD,
				     HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))),
				     NULL),
			0);
}

static void run(const struct scene *scene, unsigned long frames)
{
	struct bench bench = { .host = host_create(scene->vfs, 1), .scene = scene };
	struct host *host = bench.host;
	unsigned long rounds = (frames + POSTED - 1) / POSTED;
	uint64_t instructions;

	WEIR_REQUIRE_EQ(weirsim_wire_open(host->sim, 0, "loopback"), 0);
	port_up(&bench.ports[0], &host->functions[0], 0x0000000000a02ull);
	if (scene->vfs) {
		host_enable_vfs(host, scene->vfs);
		/* The PF's vport is there, but takes no part. */
		for (uint16_t i = 0; i < scene->vfs; i++)
			port_up(&bench.ports[i], &host->functions[1 + i],
				0x100000000b02ull + ((uint64_t)i << 32));
	}
	bench.port_count = scene->vfs ? scene->vfs : 1;
	add_rules(&bench.ports[bench.port_count - 1], scene);
	for (uint32_t i = 0; scene->checksums && i < bench.port_count; i++)
		WEIR_REQUIRE_EQ(host_vport_flags(bench.ports[i].function, WEIR_VPORT_RX_CHECKSUM,
						 WEIR_VPORT_RX_CHECKSUM),
				0);
	for (uint32_t i = 0; scene->flows && i < bench.port_count; i++)
		spread_to_one_queue(bench.ports[i].function);
	if (scene->large) {
		run_large(&bench, scene, (frames + LARGE_POSTED - 1) / LARGE_POSTED);
		host_destroy(host);
		return;
	}
	write_frames(&bench);
	for (uint32_t i = 0; i < WARM_FRAMES / POSTED; i++)
		one_round(&bench, false);
	instructions = weirsim_firmware_instructions(host->sim);
	for (unsigned long i = 0; i < rounds; i++)
		one_round(&bench, true);
	instructions = weirsim_firmware_instructions(host->sim) - instructions;
	if (instructions)
		printf("%s %.1f instructions of the firmware's own a frame\n", scene->name,
		       (double)instructions / (double)(rounds * POSTED));
	printf("%s %lu frames %.2f ns\n", scene->name, rounds * POSTED,
	       (double)bench.measured_ns / (double)(rounds * POSTED));
	host_destroy(host);
}

int main(int argc, char **argv)
{
	unsigned long frames = 200000;
	char *end;

	if (argc == 3) {
		errno = 0;
		frames = strtoul(argv[2], &end, 10);
	}
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		if ((argc == 2 ||
		     (argc == 3 && !errno && !*end && frames && frames <= FRAMES_MOST)) &&
		    strcmp(argv[1], scenes[i].name) == 0) {
			run(&scenes[i], frames);
			return 0;
		}
	}
	fprintf(stderr, "Usage: bench-instructions SCENE [FRAMES]\nScenes:");
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		fprintf(stderr, " %s", scenes[i].name);
	fprintf(stderr, "\n");
	return 2;
}
