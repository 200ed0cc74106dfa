/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * recover: traffic between two ports while somebody kills, stops or resets the device. Says `flowing` (once after
 * the start and after each recovery) when --frames frames have been verified, and what the driver reports. Goes on for
 * --recoveries of them, then closes the ports and accounts for every mbuf.
 *
 * With --stop-lost=1 it does not wait for the device: as soon as the function is lost it stops and closes.
 */
#include "check.h"

#include <stdio.h>
#include <unistd.h>

/* Between the loss and the return of the device the test starts a new one. */
#define RETURN_TIMEOUT_S 60.0

struct watched {
	uint32_t recovering, recovered, link_changes;
};

static struct watched watched[RTE_MAX_ETHPORTS];

/* In the driver's thread. */
static int event(uint16_t port, enum rte_eth_event_type type, void *argument, void *result)
{
	struct rte_eth_link link = { .link_status = 0 };
	struct watched *seen = argument;

	RTE_SET_USED(result);
	switch (type) {
	case RTE_ETH_EVENT_INTR_LSC:
		rte_eth_link_get_nowait(port, &link);
		printf("port=%u link=%s\n", port, link.link_status ? "up" : "down");
		__atomic_add_fetch(&seen->link_changes, 1, __ATOMIC_RELAXED);
		break;
	case RTE_ETH_EVENT_ERR_RECOVERING:
		printf("port=%u recovering\n", port);
		__atomic_add_fetch(&seen->recovering, 1, __ATOMIC_RELEASE);
		break;
	case RTE_ETH_EVENT_RECOVERY_SUCCESS:
		printf("port=%u recovered\n", port);
		__atomic_add_fetch(&seen->recovered, 1, __ATOMIC_RELEASE);
		break;
	default:
		printf("port=%u event=%d\n", port, (int)type);
	}
	return 0;
}

static uint32_t recovering(void)
{
	return __atomic_load_n(&watched[0].recovering, __ATOMIC_ACQUIRE) +
	       __atomic_load_n(&watched[1].recovering, __ATOMIC_ACQUIRE);
}

static uint32_t recovered(void)
{
	return __atomic_load_n(&watched[0].recovered, __ATOMIC_ACQUIRE) +
	       __atomic_load_n(&watched[1].recovered, __ATOMIC_ACQUIRE);
}

/* Traffic goes on while nothing works: bursts must take nothing, give nothing, and not crash. */
static void poll_lost_ports(struct port *ports)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct frame_spec spec = { .destination = ports[!i].mac,
					   .source = ports[i].mac,
					   .bytes = 64 };
		struct rte_mbuf *frame = frame_make(ports[i].pool, &spec);
		struct rte_mbuf *frames[CHECK_BURST];
		uint16_t count;

		if (frame && rte_eth_tx_burst(ports[i].id, 0, &frame, 1) != 1)
			rte_pktmbuf_free(frame);
		count = rte_eth_rx_burst(ports[i].id, 0, frames, CHECK_BURST);
		while (count)
			rte_pktmbuf_free(frames[--count]);
	}
}

/* Runs until the driver reports one more loss; verifies what comes until then. */
static void run_until_lost(struct stream *streams, uint32_t losses, uint32_t flowing)
{
	bool said = false;

	while (recovering() < losses) {
		for (unsigned int i = 0; i < 2; i++)
			stream_turn(&streams[i], UINT32_MAX);
		if (!said && streams[0].received >= flowing && streams[1].received >= flowing) {
			printf("flowing\n");
			said = true;
		}
	}
}

int command_recover(void)
{
	uint32_t wanted = (uint32_t)check_option("recoveries", 1);
	uint32_t flowing = (uint32_t)check_option("frames", 2000);
	bool stop_lost = check_option("stop-lost", 0) != 0;
	struct port_setup setup = { .link_interrupt = true, .mbufs = 8191 };
	struct port ports[2];
	struct stream streams[2];
	uint32_t round;

	for (uint16_t i = 0; i < 2; i++) {
		rte_eth_dev_callback_register(i, RTE_ETH_EVENT_INTR_LSC, event, &watched[i]);
		rte_eth_dev_callback_register(i, RTE_ETH_EVENT_ERR_RECOVERING, event, &watched[i]);
		rte_eth_dev_callback_register(i, RTE_ETH_EVENT_RECOVERY_SUCCESS, event, &watched[i]);
		port_open(&ports[i], i, &setup);
		port_start(&ports[i]);
	}
	for (unsigned int i = 0; i < 2; i++) {
		port_wait_link(&ports[i]);
		streams[i] = (struct stream){ .from = &ports[i],
					      .to = &ports[!i],
					      .bytes_min = 60,
					      .bytes_max = 1514,
					      .segments_max = 1,
					      .window = 128,
					      .epoch = 1 };
	}
	for (round = 0; round < wanted; round++) {
		double deadline;

		/* Both ports lose their function, as it is one card. */
		run_until_lost(streams, 2 * round + 1, flowing);
		deadline = check_seconds() + RETURN_TIMEOUT_S;
		while (recovering() < 2 * round + 2) {
			poll_lost_ports(ports);
			CHECK(check_seconds() < deadline, "only one port has noticed");
		}
		printf("lost\n");
		if (stop_lost)
			break;
		while (recovered() < 2 * round + 2) {
			poll_lost_ports(ports);
			CHECK(check_seconds() < deadline, "the function does not come back");
		}
		for (unsigned int i = 0; i < 2; i++) {
			struct rte_ether_addr mac;

			port_wait_link(&ports[i]);
			rte_eth_macaddr_get(ports[i].id, &mac);
			CHECK(rte_is_same_ether_addr(&mac, &ports[i].mac),
			      "port %u came back with another address", i);
			stream_restart(&streams[i]);
		}
		/* What was sent while one port was back and the other not. */
		for (double quiet = check_seconds() + 0.2; check_seconds() < quiet;) {
			struct rte_mbuf *frames[CHECK_BURST];

			for (unsigned int i = 0; i < 2; i++) {
				uint16_t count =
					rte_eth_rx_burst(ports[i].id, 0, frames, CHECK_BURST);

				while (count)
					rte_pktmbuf_free(frames[--count]);
			}
		}
	}
	if (!stop_lost) {
		for (unsigned int i = 0; i < 2; i++)
			stream_run(&streams[i], flowing);
		for (unsigned int i = 0; i < 2; i++)
			CHECK(port_xstat(&ports[i], "driver_recoveries") == wanted,
			      "port %u counts %lu recoveries, not %u", i,
			      port_xstat(&ports[i], "driver_recoveries"), wanted);
		printf("flowing\n");
	}
	pair_close(ports);
	printf("closed\n");
	return 0;
}
