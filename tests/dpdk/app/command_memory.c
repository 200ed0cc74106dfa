/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory: frames from memory that DPDK got and gave back while the ports were running (--rounds), and memory that
 * is not DPDK's, which must be refused.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_memory.h>

#define TIMEOUT_S	10.0
#define EXTERNAL_BYTES	(4u << 20)
#define EXTERNAL_BUFFER 2304

/* Sends a frame that lies in `pool`, and checks what the other port gets. */
static void frame_through(const struct port *from, const struct port *to, struct rte_mempool *pool,
			  uint32_t sequence)
{
	struct frame_spec said, spec = { .destination = to->mac,
					 .source = from->mac,
					 .sequence = sequence,
					 .bytes = 1000,
					 .segments = 1 };
	struct rte_mbuf *frame = frame_make(pool, &spec);
	double deadline = check_seconds() + TIMEOUT_S;

	CHECK(frame, "no mbuf of the new mempool");
	while (rte_eth_tx_burst(from->id, 0, &frame, 1) != 1)
		CHECK(check_seconds() < deadline, "port %u does not send", from->id);
	for (;;) {
		CHECK(check_seconds() < deadline,
		      "frame %u out of new memory does not arrive (%lu transfers failed)", sequence,
		      port_xstat(from, "vport_tx_dropped_fault"));
		if (rte_eth_rx_burst(to->id, 0, &frame, 1) != 1)
			continue;
		if (frame_identify(frame, &said) && said.sequence == sequence) {
			frame_verify(frame, &spec, "new memory");
			rte_pktmbuf_free(frame);
			return;
		}
		rte_pktmbuf_free(frame);
	}
}

/* Waits until every transmitted mbuf of the pool is back, so that it can be freed. */
static void wait_whole(const struct port *port, struct rte_mempool *pool)
{
	double deadline = check_seconds() + TIMEOUT_S;

	while (rte_mempool_avail_count(pool) != pool->size) {
		rte_eth_tx_done_cleanup(port->id, 0, 0);
		CHECK(check_seconds() < deadline, "%u mbufs do not come back",
		      pool->size - rte_mempool_avail_count(pool));
	}
}

/* Bytes of memory that DPDK has now. */
static int add_bytes(const struct rte_memseg_list *list, const struct rte_memseg *piece, void *total)
{
	if (!list->external)
		*(uint64_t *)total += piece->len;
	return 0;
}

static uint64_t memory_bytes(void)
{
	uint64_t total = 0;

	rte_memseg_walk(add_bytes, &total);
	return total;
}

static void check_growth(struct port *ports, uint32_t rounds, bool must_grow)
{
	/* More than there is, where there can be more. */
	unsigned int mbufs = must_grow ? 65535 : 16383;

	uint64_t before = memory_bytes(), grown = 0;

	for (uint32_t round = 0; round < rounds; round++) {
		char name[32];
		struct rte_mempool *pool;

		snprintf(name, sizeof(name), "growth_%u", round);
		pool = rte_pktmbuf_pool_create(name, mbufs, 0, 0, 2048 + RTE_PKTMBUF_HEADROOM,
					       SOCKET_ID_ANY);
		CHECK(pool, "no memory to grow by: %s", rte_strerror(rte_errno));
		grown += memory_bytes() - before;
		for (unsigned int i = 0; i < 50; i++)
			frame_through(&ports[0], &ports[1], pool, round * 50 + i);
		wait_whole(&ports[0], pool);
		rte_mempool_free(pool);
	}
	printf("grown_bytes=%lu\n", grown);
	CHECK(!must_grow || grown, "DPDK's memory did not grow");
	CHECK(!must_grow || memory_bytes() <= before + (64 << 20),
	      "DPDK's memory was not given back");
}

static void check_external(struct port *ports)
{
	struct rte_pktmbuf_extmem piece = { .buf_len = EXTERNAL_BYTES, .elt_size = EXTERNAL_BUFFER };
	struct rte_eth_dev_info info;
	struct rte_mempool *pool;
	int error;

	piece.buf_ptr = mmap(NULL, EXTERNAL_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(piece.buf_ptr != MAP_FAILED, "no memory");
	piece.buf_iova = (rte_iova_t)(uintptr_t)piece.buf_ptr;
	error = rte_extmem_register(piece.buf_ptr, EXTERNAL_BYTES, NULL, 0, (size_t)getpagesize());
	CHECK(!error, "external memory: %s", rte_strerror(rte_errno));
	pool = rte_pktmbuf_pool_create_extbuf("external", 1023, 0, 0, EXTERNAL_BUFFER,
					      SOCKET_ID_ANY, &piece, 1);
	CHECK(pool, "mempool of external memory: %s", rte_strerror(rte_errno));
	port_stop(&ports[1]);
	error = rte_eth_rx_queue_setup(ports[1].id, 0, 512, SOCKET_ID_ANY, NULL, pool);
	CHECK(error == -ENOTSUP, "a receive queue over external memory: %s", rte_strerror(-error));
	CHECK(!rte_eth_dev_info_get(ports[1].id, &info), "no info");
	error = rte_dev_dma_map(info.device, piece.buf_ptr, piece.buf_iova, EXTERNAL_BYTES);
	CHECK(error < 0 && rte_errno == ENOTSUP, "external memory is mapped");
	rte_mempool_free(pool);
	rte_extmem_unregister(piece.buf_ptr, EXTERNAL_BYTES);
	/* And the port is none the worse for it. */
	port_configure(&ports[1]);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	frame_through(&ports[0], &ports[1], ports[0].pool, 1000000);
	printf("external memory refused\n");
}

int command_memory(void)
{
	struct port_setup setup = { .mbufs = 4095 };
	struct port ports[2];

	pair_up(ports, &setup);
	check_growth(ports, (uint32_t)check_option("rounds", 3), check_option("must-grow", 0) != 0);
	check_external(ports);
	pair_close(ports);
	return 0;
}
