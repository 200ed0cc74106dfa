/* SPDX-License-Identifier: BSD-3-Clause */
/* facts: what a port tells of itself: limits, registers, firmware, queues; and that it refuses what it cannot do. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev_info.h>
#include <rte_errno.h>

#include "weir/weir_abi.h"

static void check_registers(const struct port *port)
{
	struct rte_dev_reg_info info = { .data = NULL };
	uint32_t *values;
	int error = rte_eth_dev_get_reg_info(port->id, &info);

	CHECK(!error && info.width == 4 && info.length > WEIR_REG_STATUS / 4,
	      "no register dump: %d", error);
	values = calloc(info.length, 4);
	CHECK(values, "no memory");
	info.data = values;
	error = rte_eth_dev_get_reg_info(port->id, &info);
	CHECK(!error, "registers cannot be read: %s", rte_strerror(-error));
	CHECK(values[WEIR_REG_MAGIC / 4] == WEIR_REG_MAGIC_VALUE, "magic is %08x",
	      values[WEIR_REG_MAGIC / 4]);
	CHECK(WEIR_GET(WEIR_REG_STATUS_STATE, values[WEIR_REG_STATUS / 4]) ==
		      WEIR_FUNCTION_STATE_READY,
	      "STATUS is %08x", values[WEIR_REG_STATUS / 4]);
	printf("registers=%u function=%08x generation=%u\n", info.length,
	       values[WEIR_REG_FUNCTION / 4], values[WEIR_REG_GENERATION / 4]);
	free(values);
	CHECK(port_xstat(port, "function_bad_mmio") == 0,
	      "reading the registers counts as an error");
}

static void check_limits(const struct port *port)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	struct rte_eth_rxconf deferred;
	int error;

	CHECK(!rte_eth_dev_info_get(port->id, &info), "no info");
	CHECK(info.max_mtu >= 9000 && info.max_rx_queues >= 1 &&
		      info.max_rx_queues == info.max_tx_queues &&
		      info.err_handle_mode == RTE_ETH_ERROR_HANDLE_MODE_PROACTIVE,
	      "limits: MTU %u, queues %u and %u", info.max_mtu, info.max_rx_queues,
	      info.max_tx_queues);
	error = rte_eth_rx_queue_setup(port->id, 0, 32, SOCKET_ID_ANY, NULL, port->pool);
	CHECK(error == -EINVAL, "a ring of 32 descriptors: %d", error);
	deferred = info.default_rxconf;
	deferred.rx_deferred_start = 1;
	error = rte_eth_rx_queue_setup(port->id, 0, 512, SOCKET_ID_ANY, &deferred, port->pool);
	CHECK(error == -EINVAL, "a deferred queue: %d", error);
	memset(&conf, 0, sizeof(conf));
	conf.lpbk_mode = 1;
	error = rte_eth_dev_configure(port->id, 1, 1, &conf);
	CHECK(error == -ENOTSUP, "loopback mode: %d", error);
	memset(&conf, 0, sizeof(conf));
	conf.rxmode.mq_mode = RTE_ETH_MQ_RX_VMDQ_ONLY;
	error = rte_eth_dev_configure(port->id, 1, 1, &conf);
	CHECK(error == -ENOTSUP, "VMDq mode: %d", error);
	printf("queues=%u mtu=%u speed_capa=%x\n", info.max_rx_queues, info.max_mtu,
	       info.speed_capa);
}

/* Frames longer than a buffer, and nothing configured to take them. */
static void check_buffers_too_small(struct port *port)
{
	int error;

	port->setup.mtu = 9000;
	port_configure(port);
	error = rte_eth_dev_start(port->id);
	CHECK(error == -EINVAL, "an MTU of 9000 over buffers of 2048 bytes starts: %d", error);
	port->setup.rx_offloads = RTE_ETH_RX_OFFLOAD_SCATTER;
	port_configure(port);
	port_start(port);
	port_stop(port);
	port->setup.mtu = 1500;
	port->setup.rx_offloads = 0;
	port_configure(port);
}

static void check_queue_info(const struct port *port)
{
	struct rte_eth_burst_mode mode;
	struct rte_eth_rxq_info rx;
	struct rte_eth_txq_info tx;

	CHECK(!rte_eth_rx_queue_info_get(port->id, 0, &rx) && rx.nb_desc == 512 &&
		      rx.mp == port->pool && rx.rx_buf_size == 2048,
	      "receive queue: %u descriptors, buffers of %u", rx.nb_desc, rx.rx_buf_size);
	CHECK(!rte_eth_tx_queue_info_get(port->id, 0, &tx) && tx.nb_desc == 512,
	      "transmit queue: %u descriptors", tx.nb_desc);
	CHECK(!rte_eth_rx_burst_mode_get(port->id, 0, &mode) && mode.info[0],
	      "no receive burst mode");
	printf("rx_burst=%s\n", mode.info);
	CHECK(!rte_eth_tx_burst_mode_get(port->id, 0, &mode) && mode.info[0],
	      "no transmit burst mode");
	printf("tx_burst=%s\n", mode.info);
}

/* The statistics have distinct names, and a reset makes the function's and the frames zero. */
static void check_statistics(const struct port *port)
{
	int count = rte_eth_xstats_get_names(port->id, NULL, 0);
	struct rte_eth_xstat_name *names;
	struct rte_eth_xstat *values;

	CHECK(count > 0, "no statistics");
	names = calloc((size_t)count, sizeof(names[0]));
	values = calloc((size_t)count, sizeof(values[0]));
	CHECK(names && values, "no memory");
	CHECK(rte_eth_xstats_get_names(port->id, names, (unsigned int)count) == count, "names");
	CHECK(rte_eth_xstats_get(port->id, values, (unsigned int)count) == count, "values");
	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
			CHECK(strcmp(names[i].name, names[j].name) != 0,
			      "two statistics are named %s", names[i].name);
	CHECK(!rte_eth_xstats_reset(port->id), "reset");
	CHECK(rte_eth_xstats_get(port->id, values, (unsigned int)count) == count, "values");
	/* Reading them is a command, so those that count commands and their interrupts move on. */
	for (int i = 0; i < count; i++)
		CHECK(strstr(names[i].name, "admin") || strstr(names[i].name, "interrupts") ||
			      values[i].value == 0,
		      "%s is %lu after a reset", names[i].name, values[i].value);
	printf("statistics=%d\n", count);
	free(names);
	free(values);
}

int command_facts(void)
{
	struct port_setup setup = { .mbufs = 2047 };
	char version[64] = "";
	struct port port;
	int error;

	port_open(&port, 0, &setup);
	error = rte_eth_dev_fw_version_get(port.id, version, sizeof(version));
	CHECK(!error && version[0], "no firmware version: %d", error);
	error = rte_eth_dev_fw_version_get(port.id, version, 1);
	CHECK(error > 1, "a version fits one byte: %d", error);
	CHECK(!rte_eth_dev_fw_version_get(port.id, version, sizeof(version)), "no firmware version");
	printf("firmware=%s\n", version);
	check_limits(&port);
	port_configure(&port);
	check_buffers_too_small(&port);
	port_start(&port);
	port_wait_link(&port);
	check_registers(&port);
	check_queue_info(&port);
	check_statistics(&port);
	port_stop(&port);
	error = rte_eth_dev_reset(port.id);
	CHECK(!error, "the function cannot be reset: %s", rte_strerror(-error));
	port_configure(&port);
	port_start(&port);
	port_wait_link(&port);
	check_registers(&port);
	port_close(&port);
	return 0;
}
