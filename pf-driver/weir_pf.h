/* SPDX-License-Identifier: GPL-2.0-only */
/* What only the PF driver has: VFs, and what the administrator decided for them. */
#ifndef WEIR_PF_H
#define WEIR_PF_H

#include "weir_hw.h"

#define WEIR_MISBEHAVIOUR_KINDS 8

/**
 * struct weir_vf_settings - what the administrator decides for a VF
 * @decided: which of the following were, BIT_ULL(WEIR_ATTRIBUTE_…): told again after a
 *	reset of the PF
 * @mac: MAC; zero: none
 * @vlan: port VLAN; 0: none
 * @protocol: its ethertype, in host order
 * @priority: its priority
 * @spoof_check: whether source addresses are checked
 * @trust: whether it may do what only trusted VFs may
 * @link_policy: enum weir_link_policy
 */
struct weir_vf_settings {
	u64 decided;
	u8 mac[ETH_ALEN];
	u16 vlan;
	u16 protocol;
	u8 priority;
	u8 spoof_check;
	u8 trust;
	u8 link_policy;
};

/**
 * struct weir_vf - a VF as the PF driver knows it
 * @settings: under RTNL
 * @misbehaved: how often, by enum weir_misbehaviour, since the last report; under report_lock
 * @next_report: when there may be another report, in jiffies; under report_lock
 * @reported: whether there was one yet
 */
struct weir_vf {
	struct weir_vf_settings settings;
	u32 misbehaved[WEIR_MISBEHAVIOUR_KINDS];
	unsigned long next_report;
	bool reported;
};

/**
 * struct weir_pf - the PF driver's own part of a function
 * @total: VFs the card can have
 * @report_lock: guards the reports of misbehaviour
 * @reports_pending: some VF has misbehaved since its last report
 * @vfs: one each
 */
struct weir_pf {
	u16 total;
	struct mutex report_lock;
	bool reports_pending;
	struct weir_vf vfs[];
};

static inline struct weir_pf *weir_pf_of(const struct weir_device *weir)
{
	return weir->role_data;
}

/* weir_sriov.c */
int weir_sriov_configure(struct pci_dev *pdev, int count);
void weir_sriov_adopt(struct weir_device *weir);
int weir_sriov_restore(struct weir_device *weir);
void weir_sriov_remove(struct weir_device *weir);
void weir_sriov_misbehaviour(struct weir_device *weir, u16 function, u32 kind, u16 count);
void weir_sriov_service(struct weir_device *weir);
int weir_set_vf_mac(struct net_device *netdev, int vf, u8 *mac);
int weir_set_vf_vlan(struct net_device *netdev, int vf, u16 vlan, u8 priority, __be16 protocol);
int weir_set_vf_spoofchk(struct net_device *netdev, int vf, bool check);
int weir_set_vf_trust(struct net_device *netdev, int vf, bool trust);
int weir_set_vf_link_state(struct net_device *netdev, int vf, int state);
int weir_get_vf_config(struct net_device *netdev, int vf, struct ifla_vf_info *info);
int weir_get_vf_stats(struct net_device *netdev, int vf, struct ifla_vf_stats *stats);

#endif
