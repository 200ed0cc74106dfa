// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFs: enabling them, and what the administrator decides for them by `ip link set dev PF vf N …`
 * (specs/admin-queue.md, "What the commands do": VF_SET). The card keeps these decisions over
 * resets of a VF; over a reset of the PF this driver keeps them. In the card's numbering function n
 * is VF n - 1.
 */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <weir/weir_tables.h>
#include "weir_pf.h"

#define WEIR_REPORT_INTERVAL (10 * HZ)

/* --- enabling --- */

/**
 * weir_sriov_configure() - sriov_numvfs was written
 * @pdev: the PF
 * @count: VFs wanted; 0: none
 *
 * specs/pcie.md, "SR-IOV". The PCI core has checked @count against TotalVFs, and allows changes to
 * and from 0 only.
 *
 * Return: how many VFs there are now, or a negative errno.
 */
int weir_sriov_configure(struct pci_dev *pdev, int count)
{
	struct weir_device *weir = pci_get_drvdata(pdev);
	int err;

	if (!count) {
		if (pci_vfs_assigned(pdev)) {
			dev_err(&pdev->dev,
				"VFs are in use by virtual machines: detach them first\n");
			return -EBUSY;
		}
		pci_disable_sriov(pdev);
		return 0;
	}
	if (weir_state_get(weir) != WEIR_STATE_RUNNING) {
		dev_err(&pdev->dev, "the card is being reset or not working: no VFs now\n");
		return -EAGAIN;
	}
	err = pci_enable_sriov(pdev, count);
	if (err) {
		dev_err(&pdev->dev, "%d VFs could not be enabled: error %d%s\n", count, err,
			err == -ENOMEM
				? " (no room for their BARs or bus numbers: try 'pci=realloc', or fewer)"
				: "");
		return err;
	}
	return count;
}

/* --- talking to the card --- */

static int weir_vf_get(struct weir_device *weir, int vf, struct weir_vf_settings *found)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_VF_GET);
	u8 by_admin = 0;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	memset(found, 0, sizeof(*found));
	weir_call_put_u16(call, WEIR_ATTRIBUTE_FUNCTION, vf + 1);
	err = weir_call_run_loud(call);
	if (!err) {
		const u8 *reply = call->reply;
		u32 bytes = call->reply_bytes;

		/* What an answer lacks stays zero. */
		if (!weir_tlv_get(reply, bytes, WEIR_ATTRIBUTE_MAC, found->mac, ETH_ALEN) &&
		    !weir_tlv_get_u8(reply, bytes, WEIR_ATTRIBUTE_ADMIN_MAC, &by_admin) && by_admin)
			found->decided |= BIT_ULL(WEIR_ATTRIBUTE_MAC);
		if (!weir_tlv_get_u16(reply, bytes, WEIR_ATTRIBUTE_VLAN, &found->vlan))
			found->decided |= BIT_ULL(WEIR_ATTRIBUTE_VLAN);
		weir_tlv_get_u8(reply, bytes, WEIR_ATTRIBUTE_VLAN_PRIORITY, &found->priority);
		weir_tlv_get_u16(reply, bytes, WEIR_ATTRIBUTE_VLAN_PROTOCOL, &found->protocol);
		if (!weir_tlv_get_u8(reply, bytes, WEIR_ATTRIBUTE_SPOOF_CHECK, &found->spoof_check))
			found->decided |= BIT_ULL(WEIR_ATTRIBUTE_SPOOF_CHECK);
		if (!weir_tlv_get_u8(reply, bytes, WEIR_ATTRIBUTE_TRUST, &found->trust))
			found->decided |= BIT_ULL(WEIR_ATTRIBUTE_TRUST);
		if (!weir_tlv_get_u8(reply, bytes, WEIR_ATTRIBUTE_LINK_POLICY, &found->link_policy))
			found->decided |= BIT_ULL(WEIR_ATTRIBUTE_LINK_POLICY);
	}
	weir_call_end(call);
	return err;
}

/* Tells the card those of a VF's settings that are in @which. */
static int weir_vf_tell(struct weir_device *weir, int index, const struct weir_vf_settings *vf,
			u64 which)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_VF_SET);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_FUNCTION, index + 1);
	if (which & BIT_ULL(WEIR_ATTRIBUTE_MAC))
		weir_call_put(call, WEIR_ATTRIBUTE_MAC, vf->mac, ETH_ALEN);
	if (which & BIT_ULL(WEIR_ATTRIBUTE_VLAN)) {
		weir_call_put_u16(call, WEIR_ATTRIBUTE_VLAN, vf->vlan);
		weir_call_put_u8(call, WEIR_ATTRIBUTE_VLAN_PRIORITY, vf->priority);
		weir_call_put_u16(call, WEIR_ATTRIBUTE_VLAN_PROTOCOL, vf->protocol ?: ETH_P_8021Q);
	}
	if (which & BIT_ULL(WEIR_ATTRIBUTE_SPOOF_CHECK))
		weir_call_put_u8(call, WEIR_ATTRIBUTE_SPOOF_CHECK, vf->spoof_check);
	if (which & BIT_ULL(WEIR_ATTRIBUTE_TRUST))
		weir_call_put_u8(call, WEIR_ATTRIBUTE_TRUST, vf->trust);
	if (which & BIT_ULL(WEIR_ATTRIBUTE_LINK_POLICY))
		weir_call_put_u8(call, WEIR_ATTRIBUTE_LINK_POLICY, vf->link_policy);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

/**
 * weir_sriov_adopt() - take over VFs that an earlier driver left enabled because they were in use
 * @weir: the PF, its admin queue up
 */
void weir_sriov_adopt(struct weir_device *weir)
{
	int vf, count = min_t(int, pci_num_vf(weir->pdev), weir_pf_of(weir)->total);

	if (!count)
		return;
	dev_info(weir->dev, "%d VFs are enabled already\n", count);
	for (vf = 0; vf < count; vf++)
		weir_vf_get(weir, vf, &weir_pf_of(weir)->vfs[vf].settings);
}

/**
 * weir_sriov_restore() - tell the card again what was decided for its VFs
 * @weir: the PF, its admin queue up after a reset; under RTNL
 *
 * The PCI core, or weir_restore_config(), has enabled the VFs again by now.
 *
 * Return: 0; or a negative errno if the card cannot be spoken to. What it refuses now is reported
 * and stays undecided.
 */
int weir_sriov_restore(struct weir_device *weir)
{
	struct weir_pf *pf = weir_pf_of(weir);
	int i, err;

	for (i = 0; i < pf->total; i++) {
		struct weir_vf_settings *vf = &pf->vfs[i].settings;

		if (!vf->decided)
			continue;
		err = weir_vf_tell(weir, i, vf, vf->decided);
		if (err == -ENODEV || err == -ETIMEDOUT)
			return err;
		if (err)
			dev_warn(
				weir->dev,
				"VF %d: the settings from before the reset were not taken: error %d\n",
				i, err);
	}
	return 0;
}

/**
 * weir_sriov_remove() - the PF driver goes: so do the VFs, unless a virtual machine uses one
 * @weir: the PF
 */
void weir_sriov_remove(struct weir_device *weir)
{
	if (!pci_num_vf(weir->pdev))
		return;
	if (pci_vfs_assigned(weir->pdev)) {
		dev_warn(weir->dev, "VFs are in use by virtual machines and stay enabled\n");
		return;
	}
	pci_disable_sriov(weir->pdev);
}

/* --- ip link set … vf --- */

/* The VF's settings, or NULL if there is no such VF. */
static struct weir_vf_settings *weir_vf_find(struct weir_device *weir, int vf)
{
	if (vf < 0 || vf >= min_t(int, pci_num_vf(weir->pdev), weir_pf_of(weir)->total))
		return NULL;
	return &weir_pf_of(weir)->vfs[vf].settings;
}

/* Tells the card what is in @wanted, and remembers it once the card has taken it. */
static int weir_vf_decide(struct weir_device *weir, int index, struct weir_vf_settings *vf,
			  const struct weir_vf_settings *wanted, u64 which)
{
	int err = weir_vf_tell(weir, index, wanted, which);

	if (err)
		return err;
	*vf = *wanted;
	vf->decided |= which;
	return 0;
}

/**
 * weir_set_vf_mac() - ip link set … vf N mac
 * @netdev: the PF's interface
 * @vf: which VF
 * @mac: its MAC; zero: it may choose one itself
 *
 * Return: 0 or a negative errno.
 */
int weir_set_vf_mac(struct net_device *netdev, int vf, u8 *mac)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_vf_settings *now = weir_vf_find(weir, vf);
	struct weir_vf_settings wanted;

	if (!now || is_multicast_ether_addr(mac))
		return -EINVAL;
	wanted = *now;
	ether_addr_copy(wanted.mac, mac);
	return weir_vf_decide(weir, vf, now, &wanted, BIT_ULL(WEIR_ATTRIBUTE_MAC));
}

/**
 * weir_set_vf_vlan() - ip link set … vf N vlan V qos P proto …
 * @netdev: the PF's interface
 * @vf: which VF
 * @vlan: the VLAN it lives in; 0: none
 * @priority: of its frames
 * @protocol: 802.1Q or 802.1ad
 *
 * Return: 0 or a negative errno.
 */
int weir_set_vf_vlan(struct net_device *netdev, int vf, u16 vlan, u8 priority, __be16 protocol)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_vf_settings *now = weir_vf_find(weir, vf);
	struct weir_vf_settings wanted;

	if (!now || vlan > VLAN_VID_MASK - 1 || priority > 7)
		return -EINVAL;
	if (protocol != htons(ETH_P_8021Q) && protocol != htons(ETH_P_8021AD))
		return -EPROTONOSUPPORT;
	wanted = *now;
	wanted.vlan = vlan;
	wanted.priority = priority;
	wanted.protocol = ntohs(protocol);
	return weir_vf_decide(weir, vf, now, &wanted, BIT_ULL(WEIR_ATTRIBUTE_VLAN));
}

/**
 * weir_set_vf_spoofchk() - ip link set … vf N spoofchk
 * @netdev: the PF's interface
 * @vf: which VF
 * @check: whether its source addresses are checked
 *
 * Return: 0 or a negative errno.
 */
int weir_set_vf_spoofchk(struct net_device *netdev, int vf, bool check)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_vf_settings *now = weir_vf_find(weir, vf);
	struct weir_vf_settings wanted;

	if (!now)
		return -EINVAL;
	wanted = *now;
	wanted.spoof_check = check;
	return weir_vf_decide(weir, vf, now, &wanted, BIT_ULL(WEIR_ATTRIBUTE_SPOOF_CHECK));
}

/**
 * weir_set_vf_trust() - ip link set … vf N trust
 * @netdev: the PF's interface
 * @vf: which VF
 * @trust: whether it may be promiscuous and change its MAC
 *
 * Return: 0 or a negative errno.
 */
int weir_set_vf_trust(struct net_device *netdev, int vf, bool trust)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_vf_settings *now = weir_vf_find(weir, vf);
	struct weir_vf_settings wanted;

	if (!now)
		return -EINVAL;
	wanted = *now;
	wanted.trust = trust;
	return weir_vf_decide(weir, vf, now, &wanted, BIT_ULL(WEIR_ATTRIBUTE_TRUST));
}

/**
 * weir_set_vf_link_state() - ip link set … vf N state
 * @netdev: the PF's interface
 * @vf: which VF
 * @state: IFLA_VF_LINK_STATE_AUTO, _ENABLE or _DISABLE
 *
 * Return: 0 or a negative errno.
 */
int weir_set_vf_link_state(struct net_device *netdev, int vf, int state)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_vf_settings *now = weir_vf_find(weir, vf);
	struct weir_vf_settings wanted;

	if (!now)
		return -EINVAL;
	wanted = *now;
	switch (state) {
	case IFLA_VF_LINK_STATE_AUTO:
		wanted.link_policy = WEIR_LINK_POLICY_AUTO;
		break;
	case IFLA_VF_LINK_STATE_ENABLE:
		wanted.link_policy = WEIR_LINK_POLICY_ENABLE;
		break;
	case IFLA_VF_LINK_STATE_DISABLE:
		wanted.link_policy = WEIR_LINK_POLICY_DISABLE;
		break;
	default:
		return -EINVAL;
	}
	return weir_vf_decide(weir, vf, now, &wanted, BIT_ULL(WEIR_ATTRIBUTE_LINK_POLICY));
}

static int weir_link_policy_to_state(u8 policy)
{
	switch (policy) {
	case WEIR_LINK_POLICY_ENABLE:
		return IFLA_VF_LINK_STATE_ENABLE;
	case WEIR_LINK_POLICY_DISABLE:
		return IFLA_VF_LINK_STATE_DISABLE;
	default:
		return IFLA_VF_LINK_STATE_AUTO;
	}
}

/**
 * weir_get_vf_config() - what `ip link` shows of a VF
 * @netdev: the PF's interface
 * @vf: which VF
 * @info: filled, from the card; while it does not answer, from what was decided
 *
 * Return: 0 or -EINVAL.
 */
int weir_get_vf_config(struct net_device *netdev, int vf, struct ifla_vf_info *info)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_vf_settings *decided = weir_vf_find(weir, vf);
	struct weir_vf_settings found;

	if (!decided)
		return -EINVAL;
	if (weir_vf_get(weir, vf, &found))
		found = *decided;
	info->vf = vf;
	ether_addr_copy(info->mac, found.mac);
	info->vlan = found.vlan;
	info->qos = found.priority;
	info->vlan_proto = htons(found.protocol ?: ETH_P_8021Q);
	info->spoofchk = found.spoof_check;
	info->trusted = found.trust;
	info->linkstate = weir_link_policy_to_state(found.link_policy);
	return 0;
}

/**
 * weir_get_vf_stats() - what `ip -s link` shows of a VF
 * @netdev: the PF's interface
 * @vf: which VF
 * @stats: filled
 *
 * Return: 0 or a negative errno.
 */
int weir_get_vf_stats(struct net_device *netdev, int vf, struct ifla_vf_stats *stats)
{
	struct weir_device *weir = weir_of(netdev);
	u64 counters[WEIR_STAT_VPORT_COUNT];
	int err;

	if (!weir_vf_find(weir, vf))
		return -EINVAL;
	err = weir_get_statistics(weir, WEIR_STATS_SCOPE_VPORT, vf + 1, 0, counters,
				  ARRAY_SIZE(counters));
	if (err)
		return err;
	stats->rx_packets = counters[WEIR_STAT_VPORT_RX_FRAMES];
	stats->rx_bytes = counters[WEIR_STAT_VPORT_RX_BYTES];
	stats->tx_packets = counters[WEIR_STAT_VPORT_TX_FRAMES];
	stats->tx_bytes = counters[WEIR_STAT_VPORT_TX_BYTES];
	stats->multicast = counters[WEIR_STAT_VPORT_RX_MULTICAST];
	stats->broadcast = counters[WEIR_STAT_VPORT_RX_BROADCAST];
	stats->rx_dropped = counters[WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE] +
		counters[WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER] +
		counters[WEIR_STAT_VPORT_RX_DROPPED_FAULT] +
		counters[WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE];
	stats->tx_dropped = counters[WEIR_STAT_VPORT_TX_DROPPED_SPOOF] +
		counters[WEIR_STAT_VPORT_TX_DROPPED_MALFORMED] +
		counters[WEIR_STAT_VPORT_TX_DROPPED_FAULT] +
		counters[WEIR_STAT_VPORT_TX_DROPPED_LINK];
	return 0;
}

/* --- misbehaviour --- */

static const char *weir_misbehaviour_text(unsigned int kind)
{
	switch (kind) {
	case WEIR_MISBEHAVIOUR_BAD_DOORBELL:
		return "impossible doorbells";
	case WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR:
		return "descriptors that cannot be obeyed";
	case WEIR_MISBEHAVIOUR_BAD_COMMAND:
		return "malformed or forbidden commands";
	case WEIR_MISBEHAVIOUR_SPOOF:
		return "frames with a source MAC or VLAN that is not its own";
	case WEIR_MISBEHAVIOUR_DMA_FAULT:
		return "addresses outside its memory";
	default:
		return "misbehaviour of another kind";
	}
}

/*
 * One line for each kind of misbehaviour since the last report, if it is time. Return: whether
 * nothing is left to say.
 */
static bool weir_vf_report(struct weir_device *weir, int index, struct weir_vf *vf)
{
	bool due = !vf->reported || time_after_eq(jiffies, vf->next_report);
	unsigned int kind;

	for (kind = 0; kind < WEIR_MISBEHAVIOUR_KINDS; kind++) {
		if (!vf->misbehaved[kind])
			continue;
		if (!due)
			return false;
		netdev_warn(weir->netdev, "VF %d: %s (%u)\n", index, weir_misbehaviour_text(kind),
			    vf->misbehaved[kind]);
		vf->misbehaved[kind] = 0;
		vf->next_report = jiffies + WEIR_REPORT_INTERVAL;
		vf->reported = true;
	}
	return true;
}

/**
 * weir_sriov_misbehaviour() - the card reports that a function did something it must not
 * @weir: the PF
 * @function: which; 0 is the PF itself
 * @kind: enum weir_misbehaviour
 * @count: how often
 *
 * A VF is reported to the log at once, and then no more than once in ten seconds.
 */
void weir_sriov_misbehaviour(struct weir_device *weir, u16 function, u32 kind, u16 count)
{
	struct weir_pf *pf = weir_pf_of(weir);
	struct weir_vf *vf;

	kind = kind < WEIR_MISBEHAVIOUR_KINDS ? kind : 0;
	if (!function || function > pf->total) {
		netdev_warn_once(weir->netdev, "the card complains of this driver: %s\n",
				 weir_misbehaviour_text(kind));
		return;
	}
	vf = &pf->vfs[function - 1];
	mutex_lock(&pf->report_lock);
	vf->misbehaved[kind] += max_t(u16, count, 1);
	if (!weir_vf_report(weir, function - 1, vf))
		pf->reports_pending = true;
	mutex_unlock(&pf->report_lock);
}

/**
 * weir_sriov_service() - once a second: report what came since the last report of a VF
 * @weir: the PF
 */
void weir_sriov_service(struct weir_device *weir)
{
	struct weir_pf *pf = weir_pf_of(weir);
	int i;

	mutex_lock(&pf->report_lock);
	if (pf->reports_pending) {
		pf->reports_pending = false;
		for (i = 0; i < pf->total; i++)
			if (!weir_vf_report(weir, i, &pf->vfs[i]))
				pf->reports_pending = true;
	}
	mutex_unlock(&pf->report_lock);
}
