// SPDX-License-Identifier: GPL-2.0-only
/*
 * weirvf.ko: the driver of a Weir's virtual function. What it shares with the PF driver is in
 * driver-common/.
 */
#include <linux/module.h>
#include <linux/pci.h>

#include "weir_hw.h"

static const struct net_device_ops weir_vf_netdev_ops = {
	WEIR_COMMON_NETDEV_OPS,
};

static const struct weir_role_ops weir_vf_role = {
	.driver_name = "weirvf",
	.is_vf = true,
	.netdev_ops = &weir_vf_netdev_ops,
};

static int weir_vf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct weir_device *weir = weir_probe(pdev, &weir_vf_role, NULL);
	int err;

	if (IS_ERR(weir))
		return PTR_ERR(weir);
	err = weir_publish(weir);
	if (err)
		weir_abandon(weir);
	return err;
}

static void weir_vf_remove(struct pci_dev *pdev)
{
	weir_remove(pci_get_drvdata(pdev));
}

static const struct pci_device_id weir_vf_ids[] = {
	{ PCI_DEVICE(WEIR_PCI_VENDOR_ID, WEIR_PCI_DEVICE_ID_VF) }, {}
};
MODULE_DEVICE_TABLE(pci, weir_vf_ids);

static struct pci_driver weir_vf_driver = {
	.name = "weirvf",
	.id_table = weir_vf_ids,
	.probe = weir_vf_probe,
	.remove = weir_vf_remove,
	.shutdown = weir_shutdown,
	.driver.pm = pm_sleep_ptr(&weir_pm_ops),
	.err_handler = &weir_error_handlers,
};

static int __init weir_vf_init(void)
{
	int err = weir_common_init("weirvf");

	if (err)
		return err;
	err = pci_register_driver(&weir_vf_driver);
	if (err)
		weir_common_exit();
	return err;
}
module_init(weir_vf_init);

static void __exit weir_vf_exit(void)
{
	pci_unregister_driver(&weir_vf_driver);
	weir_common_exit();
}
module_exit(weir_vf_exit);

MODULE_DESCRIPTION("Weir SR-IOV Ethernet NIC, virtual function");
MODULE_AUTHOR("The Weir authors");
MODULE_LICENSE("GPL");
