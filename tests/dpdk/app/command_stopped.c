/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stopped: a tail that no ring position can have, written into a queue's shadow doorbell behind the driver's back. The
 * function stops the queue (specs/data-queues.md, doorbells) and says so; the driver makes its queues anew.
 */
#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include <rte_memzone.h>

#include "weir/weir_abi.h"

#define TIMEOUT_S 20.0

/* The shadow doorbell of queue 0, where the driver has put it: at the beginning of the queue's memory. */
static struct weir_shadow_doorbell *shadow_of(uint16_t port, const char *kind)
{
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *zone;

	snprintf(name, sizeof(name), "eth_p%u_q0_weir_%s", port, kind);
	zone = rte_memzone_lookup(name);
	CHECK(zone, "no memory is named %s", name);
	return zone->addr;
}

static void spoil(struct weir_shadow_doorbell *shadow)
{
	uint16_t tail = (uint16_t)weir_le32_to_cpu(shadow->tail);

	__atomic_store_n(&shadow->tail, weir_cpu_to_le32((uint16_t)(tail + 30000u)),
			 __ATOMIC_RELEASE);
}

static bool send_one(const struct port *from, const struct port *to)
{
	struct frame_spec spec = {
		.destination = to->mac, .source = from->mac, .epoch = 7, .bytes = 64, .segments = 1
	};
	struct rte_mbuf *frame = frame_make(from->pool, &spec);

	if (frame && rte_eth_tx_burst(from->id, 0, &frame, 1) == 1)
		return true;
	rte_pktmbuf_free(frame);
	return false;
}

/* Takes and forgets what is there. */
static void drain(const struct port *port)
{
	struct rte_mbuf *frames[CHECK_BURST];
	uint16_t count;

	while ((count = rte_eth_rx_burst(port->id, 0, frames, CHECK_BURST)) != 0)
		while (count)
			rte_pktmbuf_free(frames[--count]);
}

/* Waits until the driver has made the queues of a port anew for the nth time; nothing else may have been lost. */
static void wait_restart(const struct port *port, uint64_t times, void (*again)(struct port *),
			 struct port *ports)
{
	double deadline = check_seconds() + TIMEOUT_S;

	while (port_xstat(port, "driver_queue_restarts") < times) {
		CHECK(check_seconds() < deadline,
		      "port %u: the driver does not make its queues anew", port->id);
		again(ports);
	}
	CHECK(port_xstat(port, "driver_losses") == 0, "the whole function was given up");
}

/* A device that polls looks at the transmit tail by itself: just after it had a frame. */
static void spoil_transmit(struct port *ports)
{
	struct weir_shadow_doorbell *shadow = shadow_of(ports[0].id, "tx");

	send_one(&ports[0], &ports[1]);
	spoil(shadow);
	usleep(10000);
	drain(&ports[1]);
}

/* It looks at the receive tail when it has used up the buffers that it knew. */
static void spoil_receive(struct port *ports)
{
	spoil(shadow_of(ports[0].id, "rx"));
	for (unsigned int i = 0; i < 700; i++)
		send_one(&ports[1], &ports[0]);
	usleep(10000);
}

int command_stopped(void)
{
	struct port_setup setup = { .mbufs = 8191 };
	struct port ports[2];
	struct stream streams[2];

	pair_up(ports, &setup);
	wait_restart(&ports[0], 1, spoil_transmit, ports);
	printf("transmit queue made anew\n");
	wait_restart(&ports[0], 2, spoil_receive, ports);
	printf("receive queue made anew\n");
	drain(&ports[0]);
	drain(&ports[1]);
	usleep(100000);
	drain(&ports[0]);
	drain(&ports[1]);
	for (unsigned int i = 0; i < 2; i++) {
		streams[i] = (struct stream){ .from = &ports[i],
					      .to = &ports[!i],
					      .bytes_min = 60,
					      .bytes_max = 1514,
					      .segments_max = 1,
					      .window = 64,
					      .epoch = 8 };
		stream_run(&streams[i], 2000);
	}
	pair_close(ports);
	return 0;
}
