/* SPDX-License-Identifier: BSD-3-Clause */
/* A PF or VF on a PCI bus, bound to vfio-pci. */
#include <errno.h>

#include <ethdev_pci.h>
#include <rte_errno.h>

#include "weir_device.h"

static int init_port(struct rte_eth_dev *ethdev)
{
	struct rte_pci_device *pci = RTE_ETH_DEV_TO_PCI(ethdev);
	struct weir_transport *transport;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		WEIR_LOG(ERR, "%s: secondary processes are not supported", pci->device.name);
		return -ENOTSUP;
	}
	transport = weir_transport_pci(ethdev->data->name, pci);
	return transport ? weir_device_probe(ethdev, transport) : -rte_errno;
}

static int pci_probe(struct rte_pci_driver *driver, struct rte_pci_device *pci)
{
	RTE_SET_USED(driver);
	return rte_eth_dev_pci_generic_probe(pci, sizeof(struct weir_device), init_port);
}

static int uninit_port(struct rte_eth_dev *ethdev)
{
	if (ethdev->data->dev_started)
		rte_eth_dev_stop(ethdev->data->port_id);
	return weir_device_close(ethdev);
}

static int pci_remove(struct rte_pci_device *pci)
{
	return rte_eth_dev_pci_generic_remove(pci, uninit_port);
}

static const struct rte_pci_id weir_pci_ids[] = {
	{ RTE_PCI_DEVICE(WEIR_PCI_VENDOR_ID, WEIR_PCI_DEVICE_ID_PF) },
	{ RTE_PCI_DEVICE(WEIR_PCI_VENDOR_ID, WEIR_PCI_DEVICE_ID_VF) },
	{ .vendor_id = 0 },
};

static struct rte_pci_driver weir_pci_driver = {
	.id_table = weir_pci_ids,
	.drv_flags = RTE_PCI_DRV_NEED_MAPPING | RTE_PCI_DRV_INTR_LSC,
	.probe = pci_probe,
	.remove = pci_remove,
};

RTE_PMD_REGISTER_PCI(net_weir_pci, weir_pci_driver);
RTE_PMD_REGISTER_PCI_TABLE(net_weir_pci, weir_pci_ids);
RTE_PMD_REGISTER_KMOD_DEP(net_weir_pci, "* vfio-pci");
