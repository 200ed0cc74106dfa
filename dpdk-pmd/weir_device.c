/* SPDX-License-Identifier: BSD-3-Clause */
/* Beginning and end of a port, and its way back when the function was lost. */
#include "weir_queues.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

RTE_LOG_REGISTER(weir_logtype, pmd.net.weir, NOTICE);

int weir_device_lock_attached(struct weir_device *device)
{
	pthread_mutex_lock(&device->lock);
	if (device->state == WEIR_PORT_ATTACHED || device->state == WEIR_PORT_STARTED)
		return 0;
	pthread_mutex_unlock(&device->lock);
	WEIR_PORT_LOG(device, NOTICE,
		      "the function is lost; the driver is waiting for it to come back");
	return -EIO;
}

void weir_device_suspect(struct weir_device *device)
{
	__atomic_store_n(&device->suspect, 1, __ATOMIC_RELEASE);
	weir_monitor_wake(device);
}

int weir_device_reattach(struct weir_device *device, bool quiet)
{
	int error = weir_function_attach(device, quiet);

	if (error)
		return error;
	/* A function that is READY again does nothing any more of what it did before (specs/reset.md). */
	device->quiet = true;
	weir_flows_forget(device);
	weir_contexts_forget(device);
	device->state = WEIR_PORT_ATTACHED;
	__atomic_store_n(&device->suspect, 0, __ATOMIC_RELEASE);
	error = weir_filters_restore(device);
	if (!error && device->started)
		error = weir_port_run(device);
	if (!error)
		weir_stats_restart(device);
	return error;
}

/* --- probe and close ------------------------------------------------------------------------------- */

static void free_all(struct weir_device *device)
{
	weir_xstats_forget(device);
	weir_flows_free(device);
	weir_admin_destroy(device);
	device->transport->ops->destroy(device->transport);
	device->ethdev->intr_handle = NULL;
	pthread_mutex_destroy(&device->lock);
}

int weir_device_probe(struct rte_eth_dev *ethdev, struct weir_transport *transport)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct rte_eth_dev_data *data = ethdev->data;
	int error;

	device->ethdev = ethdev;
	device->data = data;
	device->transport = transport;
	device->state = WEIR_PORT_CLOSED;
	device->quiet = true;
	snprintf(device->name, sizeof(device->name), "%s", data->name);
	pthread_mutex_init(&device->lock, NULL);
	weir_rss_init(device);

	ethdev->dev_ops = &weir_ethdev_ops;
	ethdev->intr_handle = transport->intr_handle;
	data->dev_flags |= RTE_ETH_DEV_INTR_LSC | RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	data->dev_link = (struct rte_eth_link){ .link_duplex = RTE_ETH_LINK_FULL_DUPLEX };
	error = weir_arguments_take(device);
	if (error)
		goto fail;
	error = weir_gate_prepare();
	if (error) {
		WEIR_PORT_LOG(device, ERR, "the kernel lacks membarrier(2): %s", strerror(-error));
		goto fail;
	}
	data->mac_addrs = rte_zmalloc("weir_mac", WEIR_MAC_MAX * sizeof(data->mac_addrs[0]), 0);
	if (!data->mac_addrs) {
		error = -ENOMEM;
		goto fail;
	}
	error = weir_admin_create(device);
	if (error)
		goto fail;
	error = transport->ops->open(transport, false);
	if (error)
		goto fail;
	error = transport->ops->vectors(transport, 0);
	if (!error)
		error = weir_device_reattach(device, false);
	if (error)
		goto fail_open;
	weir_link_refresh(device);
	error = weir_monitor_start(device);
	if (error) {
		WEIR_PORT_LOG(device, ERR, "no thread for the port: %s", strerror(-error));
		goto fail_open;
	}
	return 0;

fail_open:
	weir_admin_stop(device);
	transport->ops->close(transport);
fail:
	free_all(device);
	return error;
}

int weir_device_close(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct rte_eth_dev_data *data = ethdev->data;

	weir_monitor_stop(device);
	pthread_mutex_lock(&device->lock);
	device->started = false;
	/* The ethdev layer has stopped the port, but not one that never came back. */
	if (device->state == WEIR_PORT_STARTED || !device->quiet)
		weir_port_halt(device);
	if (device->state != WEIR_PORT_LOST)
		weir_admin_stop(device);
	device->state = WEIR_PORT_CLOSED;
	device->transport->ops->close(device->transport);
	if (!device->quiet)
		device->quiet = device->transport->ops->quiet(device->transport);
	pthread_mutex_unlock(&device->lock);

	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		weir_rx_queue_release(ethdev, i);
	for (uint16_t i = 0; i < data->nb_tx_queues; i++)
		weir_tx_queue_release(ethdev, i);
	data->nb_rx_queues = 0;
	data->nb_tx_queues = 0;
	free_all(device);
	return 0;
}
