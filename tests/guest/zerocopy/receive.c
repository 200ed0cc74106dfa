// SPDX-License-Identifier: BSD-3-Clause
/*
 * Receives a TCP connection by io_uring's zero-copy receive: the payload is where the card put it, in this program's own memory.
 *
 *	weir-zerocopy INTERFACE QUEUE PORT FILE [BUFFER-BYTES]
 *
 * Gives the interface's queue memory of its own, says "bound", takes one connection to the port, and writes what it brings to the file;
 * at its end it says "received N bytes, M of them copied": those that came elsewhere than through the queue. With the port 0 it keeps the
 * queue until it is killed. Exit status 1, and a line about it, where anything fails.
 *
 * The kernel's interface is used as it is (linux/io_uring.h of a kernel that has it, which the build brings along): the liburing of
 * Debian 12 and 13 does not know this part of it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	AREA_BYTES = 16 << 20,
	REFILL_ENTRIES = 4096,
	REFILL_BYTES = (REFILL_ENTRIES + 1) * (int)sizeof(struct io_uring_zcrx_rqe) + 4096,
	STATS_OFFSET = REFILL_BYTES - 4096 + 64,
	QUEUE_ENTRIES = 8,
	COMPLETION_ENTRIES = 4096,
};

struct ring {
	int fd;
	_Atomic uint32_t *tail;
	uint32_t mask;
	uint32_t *array;
	struct io_uring_sqe *entries;
	_Atomic uint32_t *done_head;
	_Atomic uint32_t *done_tail;
	uint32_t done_mask;
	struct io_uring_cqe *done; /* two of them each: IORING_SETUP_CQE32 */
};

struct area {
	uint8_t *memory;
	uint64_t token;
	_Atomic uint32_t *tail;
	struct io_uring_zcrx_rqe *entries;
	const struct zcrx_stats *stats;
};

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void *map(size_t bytes, int flags, int fd, off_t offset)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, offset);

	if (memory == MAP_FAILED)
		fail("mmap");
	return memory;
}

static void open_ring(struct ring *ring)
{
	struct io_uring_params parameters = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_CQE32 | IORING_SETUP_CQSIZE,
		.cq_entries = COMPLETION_ENTRIES,
	};
	uint8_t *memory;

	ring->fd = (int)syscall(__NR_io_uring_setup, QUEUE_ENTRIES, &parameters);
	if (ring->fd < 0)
		fail("io_uring_setup");
	memory = map(parameters.cq_off.cqes +
			     parameters.cq_entries * 2 * sizeof(struct io_uring_cqe),
		     MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
	ring->entries = map(parameters.sq_entries * sizeof(struct io_uring_sqe),
			    MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	ring->tail = (void *)(memory + parameters.sq_off.tail);
	ring->mask = parameters.sq_entries - 1;
	ring->array = (void *)(memory + parameters.sq_off.array);
	ring->done_head = (void *)(memory + parameters.cq_off.head);
	ring->done_tail = (void *)(memory + parameters.cq_off.tail);
	ring->done_mask = parameters.cq_entries - 1;
	ring->done = (void *)(memory + parameters.cq_off.cqes);
}

/* Gives the queue memory of ours. */
static void bind_queue(const struct ring *ring, struct area *area, const char *interface,
		       uint32_t queue, uint32_t buffer_bytes)
{
	/* Buffers longer than a page lie in pages that are together: huge ones. */
	int huge = buffer_bytes ? MAP_HUGETLB : 0;
	uint8_t *refill = map(REFILL_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct io_uring_zcrx_area_reg memory = { .len = AREA_BYTES };
	struct io_uring_region_desc region = {
		.user_addr = (uintptr_t)refill,
		.size = (REFILL_BYTES + 4095) / 4096 * 4096,
		.flags = IORING_MEM_REGION_TYPE_USER,
	};
	struct zcrx_event_desc events = {
		.flags = ZCRX_EVENT_DESC_FLAG_STATS,
		.stats_offset = STATS_OFFSET,
	};
	struct io_uring_zcrx_ifq_reg request = {
		.if_idx = if_nametoindex(interface),
		.if_rxq = queue,
		.rq_entries = REFILL_ENTRIES,
		.area_ptr = (uintptr_t)&memory,
		.region_ptr = (uintptr_t)&region,
		.event_desc = (uintptr_t)&events,
		.rx_buf_len = buffer_bytes,
	};

	area->memory = map(AREA_BYTES, MAP_PRIVATE | MAP_ANONYMOUS | huge, -1, 0);
	memory.addr = (uintptr_t)area->memory;
	if (syscall(__NR_io_uring_register, ring->fd, IORING_REGISTER_ZCRX_IFQ, &request, 1) < 0)
		fail("IORING_REGISTER_ZCRX_IFQ");
	area->token = memory.rq_area_token;
	area->tail = (void *)(refill + request.offsets.tail);
	area->entries = (void *)(refill + request.offsets.rqes);
	area->stats = (void *)(refill + STATS_OFFSET);
}

static int take_connection(uint16_t port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), one = 1, connection;

	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		fail("listen");
	connection = accept(listener, NULL, NULL);
	if (connection < 0)
		fail("accept");
	close(listener);
	return connection;
}

static void ask_for_data(struct ring *ring, int connection)
{
	uint32_t tail = atomic_load_explicit(ring->tail, memory_order_relaxed);
	struct io_uring_sqe *entry = &ring->entries[tail & ring->mask];

	memset(entry, 0, sizeof(*entry));
	entry->opcode = IORING_OP_RECV_ZC;
	entry->fd = connection;
	entry->ioprio = IORING_RECV_MULTISHOT;
	ring->array[tail & ring->mask] = tail & ring->mask;
	atomic_store_explicit(ring->tail, tail + 1, memory_order_release);
}

/* Writes what a completion brought, and gives the memory back. */
static void take_piece(struct area *area, const struct io_uring_cqe *done, FILE *file)
{
	const struct io_uring_zcrx_cqe *place = (const void *)(done + 1);
	uint64_t offset = place->off & ~IORING_ZCRX_AREA_MASK;
	uint32_t tail = atomic_load_explicit(area->tail, memory_order_relaxed);
	struct io_uring_zcrx_rqe *entry = &area->entries[tail & (REFILL_ENTRIES - 1)];

	if (fwrite(area->memory + offset, 1, (size_t)done->res, file) != (size_t)done->res)
		fail("write");
	*entry = (struct io_uring_zcrx_rqe){ .off = offset | area->token,
					     .len = (uint32_t)done->res };
	atomic_store_explicit(area->tail, tail + 1, memory_order_release);
}

/* Until the other side has ended. Returns bytes. */
static uint64_t receive(struct ring *ring, struct area *area, int connection, FILE *file)
{
	uint64_t bytes = 0;
	bool asked = false;

	for (;;) {
		uint32_t head = atomic_load_explicit(ring->done_head, memory_order_relaxed);

		if (!asked)
			ask_for_data(ring, connection);
		if (syscall(__NR_io_uring_enter, ring->fd, asked ? 0 : 1, 1, IORING_ENTER_GETEVENTS,
			    NULL, 0) < 0)
			fail("io_uring_enter");
		asked = true;
		while (head != atomic_load_explicit(ring->done_tail, memory_order_acquire)) {
			const struct io_uring_cqe *done =
				&ring->done[2 * (head++ & ring->done_mask)];

			errno = done->res < 0 ? -done->res : 0;
			if (errno)
				fail("IORING_OP_RECV_ZC");
			if (done->res)
				take_piece(area, done, file);
			else if (!(done->flags & IORING_CQE_F_MORE))
				return bytes;
			bytes += (uint64_t)done->res;
			asked = done->flags & IORING_CQE_F_MORE;
		}
		atomic_store_explicit(ring->done_head, head, memory_order_release);
	}
}

int main(int count, char **arguments)
{
	struct ring ring;
	struct area area;
	uint64_t bytes;
	FILE *file;
	int connection;

	if (count < 5 || count > 6) {
		fprintf(stderr, "usage: weir-zerocopy INTERFACE QUEUE PORT FILE [BUFFER-BYTES]\n");
		return 2;
	}
	open_ring(&ring);
	bind_queue(&ring, &area, arguments[1], (uint32_t)atoi(arguments[2]),
		   count > 5 ? (uint32_t)atoi(arguments[5]) : 0);
	puts("bound");
	fflush(stdout);
	if (atoi(arguments[3]) == 0)
		for (;;)
			pause();
	file = fopen(arguments[4], "w");
	if (!file)
		fail(arguments[4]);
	connection = take_connection((uint16_t)atoi(arguments[3]));
	bytes = receive(&ring, &area, connection, file);
	if (fclose(file))
		fail(arguments[4]);
	printf("received %llu bytes, %llu of them copied\n", (unsigned long long)bytes,
	       (unsigned long long)area.stats->copy_bytes);
	return 0;
}
