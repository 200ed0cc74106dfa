/* SPDX-License-Identifier: BSD-3-Clause */
/* --vdev net_weir0,socket=PATH: a function of weir-sim, or of any vfio-user server that has a Weir behind it. */
#include <errno.h>
#include <string.h>

#include <ethdev_vdev.h>
#include <rte_errno.h>
#include <rte_kvargs.h>

#include "weir_device.h"

static int keep_value(const char *key, const char *value, void *opaque)
{
	const char **to = opaque;

	RTE_SET_USED(key);
	if (!value || !*value)
		return -EINVAL;
	*to = value;
	return 0;
}

static int probe_with(struct rte_vdev_device *vdev, const char *socket_path)
{
	struct rte_eth_dev *ethdev;
	struct weir_transport *transport;
	int error;

	ethdev = rte_eth_vdev_allocate(vdev, sizeof(struct weir_device));
	if (!ethdev) {
		WEIR_LOG(ERR, "%s: no room for another port", rte_vdev_device_name(vdev));
		return -ENOMEM;
	}
	transport = weir_transport_vfio_user(ethdev->data->name, socket_path);
	error = transport ? weir_device_probe(ethdev, transport) : -rte_errno;
	if (error) {
		rte_eth_dev_release_port(ethdev);
		return error;
	}
	rte_eth_dev_probing_finish(ethdev);
	return 0;
}

static int vdev_probe(struct rte_vdev_device *vdev)
{
	const char *socket_path = NULL;
	struct rte_kvargs *arguments;
	int error;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		WEIR_LOG(ERR, "%s: secondary processes are not supported",
			 rte_vdev_device_name(vdev));
		return -ENOTSUP;
	}
	arguments = rte_kvargs_parse(rte_vdev_device_args(vdev), weir_argument_keys);
	if (!arguments || rte_kvargs_count(arguments, WEIR_SOCKET_ARGUMENT) != 1 ||
	    rte_kvargs_process(arguments, WEIR_SOCKET_ARGUMENT, keep_value, &socket_path)) {
		WEIR_LOG(ERR, "%s: arguments \"%s\"; wanted: %s=PATH", rte_vdev_device_name(vdev),
			 rte_vdev_device_args(vdev), WEIR_SOCKET_ARGUMENT);
		error = -EINVAL;
	} else {
		error = probe_with(vdev, socket_path);
	}
	rte_kvargs_free(arguments);
	return error;
}

static int vdev_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *ethdev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	/* The application may have closed it. */
	if (!ethdev)
		return 0;
	if (ethdev->data->dev_started)
		rte_eth_dev_stop(ethdev->data->port_id);
	weir_device_close(ethdev);
	return rte_eth_dev_release_port(ethdev);
}

static int vdev_dma_map(struct rte_vdev_device *vdev, void *address, uint64_t iova, size_t bytes)
{
	RTE_SET_USED(iova);
	WEIR_LOG(ERR,
		 "%s: %zu bytes at %p are external memory, which cannot be handed to the server: it has no "
		 "file descriptor that DPDK knows",
		 rte_vdev_device_name(vdev), bytes, address);
	rte_errno = ENOTSUP;
	return -1;
}

static int vdev_dma_unmap(struct rte_vdev_device *vdev, void *address, uint64_t iova, size_t bytes)
{
	RTE_SET_USED(vdev);
	RTE_SET_USED(address);
	RTE_SET_USED(iova);
	RTE_SET_USED(bytes);
	rte_errno = ENOTSUP;
	return -1;
}

static struct rte_vdev_driver weir_vdev_driver = {
	.probe = vdev_probe,
	.remove = vdev_remove,
	.dma_map = vdev_dma_map,
	.dma_unmap = vdev_dma_unmap,
	.drv_flags = RTE_VDEV_DRV_NEED_IOVA_AS_VA,
};

RTE_PMD_REGISTER_VDEV(net_weir, weir_vdev_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_weir, WEIR_SOCKET_ARGUMENT "=<path>");
