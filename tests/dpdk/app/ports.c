/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>

/* A link comes up with the function's first event. */
#define LINK_TIMEOUT_S 5.0

void port_configure(struct port *port)
{
	const struct port_setup *setup = &port->setup;
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {
		.rxmode = { .mtu = setup->mtu,
			    .offloads = setup->rx_offloads,
			    .max_lro_pkt_size = setup->lro_bytes,
			    .mq_mode = setup->spread ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE },
		.txmode = { .offloads = setup->tx_offloads },
		.intr_conf = { .lsc = setup->link_interrupt, .rxq = setup->rx_interrupt },
	};
	struct rte_eth_rxconf rx_conf;
	struct rte_eth_txconf tx_conf;
	int error = rte_eth_dev_info_get(port->id, &info);

	CHECK(!error, "port %u: no info: %s", port->id, rte_strerror(-error));
	if (setup->spread)
		conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads;
	error = rte_eth_dev_configure(port->id, setup->queues, setup->queues, &conf);
	CHECK(!error, "port %u cannot be configured: %s", port->id, rte_strerror(-error));
	rx_conf = info.default_rxconf;
	rx_conf.offloads = setup->rx_offloads;
	rx_conf.rx_seg = setup->segments;
	rx_conf.rx_nseg = setup->segment_count;
	tx_conf = info.default_txconf;
	tx_conf.offloads = setup->tx_offloads;
	for (uint16_t queue = 0; queue < setup->queues; queue++) {
		error = rte_eth_rx_queue_setup(port->id, queue, setup->descriptors, SOCKET_ID_ANY,
					       &rx_conf, setup->segments ? NULL : port->pool);
		CHECK(!error, "port %u: receive queue %u: %s", port->id, queue,
		      rte_strerror(-error));
		error = rte_eth_tx_queue_setup(port->id, queue, setup->descriptors, SOCKET_ID_ANY,
					       &tx_conf);
		CHECK(!error, "port %u: transmit queue %u: %s", port->id, queue,
		      rte_strerror(-error));
	}
}

void port_open(struct port *port, uint16_t id, const struct port_setup *setup)
{
	static unsigned int pools;
	char name[32];
	int error;

	port->id = id;
	port->setup = *setup;
	if (!port->setup.queues)
		port->setup.queues = 1;
	if (!port->setup.descriptors)
		port->setup.descriptors = 512;
	if (!port->setup.mtu)
		port->setup.mtu = RTE_ETHER_MTU;
	if (!port->setup.room_bytes)
		port->setup.room_bytes = 2048;
	if (!port->setup.mbufs)
		port->setup.mbufs = 4095;
	snprintf(name, sizeof(name), "check_%u_%u", id, pools++);
	/* No per-core cache: every mbuf can be accounted for. */
	port->pool = rte_pktmbuf_pool_create(
		name, port->setup.mbufs, 0, 0,
		(uint16_t)(port->setup.room_bytes + RTE_PKTMBUF_HEADROOM), SOCKET_ID_ANY);
	CHECK(port->pool, "no mempool for port %u: %s", id, rte_strerror(rte_errno));
	port_configure(port);
	error = rte_eth_macaddr_get(id, &port->mac);
	CHECK(!error && rte_is_valid_assigned_ether_addr(&port->mac), "port %u has no address", id);
}

void port_start(struct port *port)
{
	int error = rte_eth_dev_start(port->id);

	CHECK(!error, "port %u does not start: %s", port->id, rte_strerror(-error));
}

void port_stop(struct port *port)
{
	int error = rte_eth_dev_stop(port->id);

	CHECK(!error, "port %u does not stop: %s", port->id, rte_strerror(-error));
}

void port_close(struct port *port)
{
	unsigned int missing;
	int error;

	rte_eth_dev_stop(port->id);
	error = rte_eth_dev_close(port->id);
	CHECK(!error, "port %u does not close: %s", port->id, rte_strerror(-error));
	missing = port->pool->size - rte_mempool_avail_count(port->pool);
	CHECK(!missing, "port %u: %u of %u mbufs are lost", port->id, missing, port->pool->size);
	rte_mempool_free(port->pool);
	port->pool = NULL;
}

void port_wait_link(const struct port *port)
{
	double deadline = check_seconds() + LINK_TIMEOUT_S;
	struct rte_eth_link link;

	do {
		int error = rte_eth_link_get_nowait(port->id, &link);

		CHECK(!error, "port %u: no link state: %s", port->id, rte_strerror(-error));
		if (link.link_status)
			return;
		usleep(1000);
	} while (check_seconds() < deadline);
	check_fail("port %u: the link does not come up", port->id);
}

struct rte_eth_stats port_stats(const struct port *port)
{
	struct rte_eth_stats stats;
	int error = rte_eth_stats_get(port->id, &stats);

	CHECK(!error, "port %u: no statistics: %s", port->id, rte_strerror(-error));
	return stats;
}

uint64_t port_xstat(const struct port *port, const char *name)
{
	uint64_t id, value;
	int error = rte_eth_xstats_get_id_by_name(port->id, name, &id);

	CHECK(!error, "port %u has no statistic %s", port->id, name);
	error = rte_eth_xstats_get_by_id(port->id, &id, &value, 1);
	CHECK(error == 1, "port %u: statistic %s cannot be read", port->id, name);
	return value;
}

void pair_open(struct port *ports, const struct port_setup *setup)
{
	for (uint16_t i = 0; i < 2; i++)
		port_open(&ports[i], i, setup);
}

void pair_up(struct port *ports, const struct port_setup *setup)
{
	pair_open(ports, setup);
	pair_start(ports);
}

void pair_start(struct port *ports)
{
	for (uint16_t i = 0; i < 2; i++)
		port_start(&ports[i]);
	for (uint16_t i = 0; i < 2; i++)
		port_wait_link(&ports[i]);
}

void pair_close(struct port *ports)
{
	for (uint16_t i = 0; i < 2; i++)
		port_close(&ports[i]);
}
