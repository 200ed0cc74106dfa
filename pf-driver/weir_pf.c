// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir.ko: the driver of a Weir's physical function. What it shares with the VF driver is in
 * driver-common/.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "weir_pf.h"

static const struct net_device_ops weir_pf_netdev_ops = {
	WEIR_COMMON_NETDEV_OPS,
	.ndo_set_vf_mac = weir_set_vf_mac,
	.ndo_set_vf_vlan = weir_set_vf_vlan,
	.ndo_set_vf_spoofchk = weir_set_vf_spoofchk,
	.ndo_set_vf_trust = weir_set_vf_trust,
	.ndo_set_vf_link_state = weir_set_vf_link_state,
	.ndo_get_vf_config = weir_get_vf_config,
	.ndo_get_vf_stats = weir_get_vf_stats,
};

static void weir_pf_event(struct weir_device *weir, const struct weir_admin_event *event)
{
	switch (le16_to_cpu(event->event)) {
	case WEIR_EVENT_MISBEHAVIOUR:
		weir_sriov_misbehaviour(weir, le16_to_cpu(event->function),
					le32_to_cpu(event->detail), le16_to_cpu(event->count));
		break;
	case WEIR_EVENT_VF_STATE:
		netif_dbg(weir, hw, weir->netdev, "VF %d is in state %u now\n",
			  le16_to_cpu(event->function) - 1, le32_to_cpu(event->detail));
		break;
	default:
		netif_dbg(weir, hw, weir->netdev, "event %u is unknown here\n",
			  le16_to_cpu(event->event));
	}
}

static const struct weir_role_ops weir_pf_role = {
	.driver_name = "weir",
	.is_vf = false,
	.netdev_ops = &weir_pf_netdev_ops,
	.event = weir_pf_event,
	.restart = weir_sriov_restore,
	.service = weir_sriov_service,
};

static struct weir_pf *weir_pf_alloc(struct pci_dev *pdev)
{
	int total = max(pci_sriov_get_totalvfs(pdev), 0);
	struct weir_pf *pf = kvzalloc(struct_size(pf, vfs, total), GFP_KERNEL);

	if (!pf)
		return NULL;
	pf->total = total;
	mutex_init(&pf->report_lock);
	return pf;
}

static void weir_pf_free(struct weir_pf *pf)
{
	mutex_destroy(&pf->report_lock);
	kvfree(pf);
}

static int weir_pf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct weir_pf *pf = weir_pf_alloc(pdev);
	struct weir_device *weir;
	int err;

	if (!pf)
		return -ENOMEM;
	weir = weir_probe(pdev, &weir_pf_role, pf);
	if (IS_ERR(weir)) {
		err = PTR_ERR(weir);
		goto err_pf;
	}
	weir_sriov_adopt(weir);
	err = weir_publish(weir);
	if (err)
		goto err_weir;
	return 0;

err_weir:
	weir_abandon(weir);
err_pf:
	weir_pf_free(pf);
	return err;
}

static void weir_pf_remove(struct pci_dev *pdev)
{
	struct weir_device *weir = pci_get_drvdata(pdev);
	struct weir_pf *pf = weir_pf_of(weir);

	weir_sriov_remove(weir);
	weir_remove(weir);
	weir_pf_free(pf);
}

static const struct pci_device_id weir_pf_ids[] = {
	{ PCI_DEVICE(WEIR_PCI_VENDOR_ID, WEIR_PCI_DEVICE_ID_PF) }, {}
};
MODULE_DEVICE_TABLE(pci, weir_pf_ids);

static struct pci_driver weir_pf_driver = {
	.name = "weir",
	.id_table = weir_pf_ids,
	.probe = weir_pf_probe,
	.remove = weir_pf_remove,
	.shutdown = weir_shutdown,
	.driver.pm = pm_sleep_ptr(&weir_pm_ops),
	.sriov_configure = weir_sriov_configure,
	.err_handler = &weir_error_handlers,
};

static int __init weir_pf_init(void)
{
	int err = weir_common_init("weir");

	if (err)
		return err;
	err = pci_register_driver(&weir_pf_driver);
	if (err)
		weir_common_exit();
	return err;
}
module_init(weir_pf_init);

static void __exit weir_pf_exit(void)
{
	pci_unregister_driver(&weir_pf_driver);
	weir_common_exit();
}
module_exit(weir_pf_exit);

MODULE_DESCRIPTION("Weir SR-IOV Ethernet NIC, physical function");
MODULE_AUTHOR("The Weir authors");
MODULE_LICENSE("GPL");
