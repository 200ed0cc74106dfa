// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the vport takes in (specs/sorter.md): its MAC, further MACs, VLANs, flags and MTU. The stack
 * says what it wants; weir->told holds what the card was told; weir_filter_sync() brings the two
 * together. A reset makes the card forget, so the same function restores everything after one.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "weir_hw.h"

/* More MACs than this are never asked of a card, whatever it claims to hold. */
#define WEIR_FILTERS_LIMIT 4096

/*
 * Errors after which there is no point in going on: the function is being reset, or not understood.
 */
static bool weir_fatal(int err)
{
	return err == -ENODEV || err == -ETIMEDOUT || err == -EPROTO;
}

/* --- MAC --- */

static int weir_mac_tell(struct weir_device *weir, const u8 *mac)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_VPORT_SET);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put(call, WEIR_ATTRIBUTE_MAC, mac, ETH_ALEN);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

/* specs/admin-queue.md, "Privileges"; the card reports a VF that tries all the same. */
static bool weir_mac_may_choose(const struct weir_device *weir)
{
	return weir->trusted || !weir->mac_by_admin;
}

static void weir_mac_adopt(struct weir_device *weir, const u8 *mac)
{
	struct net_device *netdev = weir->netdev;

	if (ether_addr_equal(netdev->dev_addr, mac))
		return;
	eth_hw_addr_set(netdev, mac);
	if (netdev->reg_state != NETREG_REGISTERED)
		return;
	netdev_info(netdev, "MAC address is now %pM\n", mac);
	call_netdevice_notifiers(NETDEV_CHANGEADDR, netdev);
}

/**
 * weir_mac_sync() - make the card's MAC and the interface's the same
 * @weir: the function, its admin queue up; under RTNL, or before the interface is registered
 *
 * A MAC that the administrator gave (ip link set PF vf N mac) wins when it is new. Otherwise the
 * interface keeps the one it has, if the card allows it; at first it takes the card's, and a random
 * one if the card has none.
 *
 * Return: 0 or a negative errno.
 */
int weir_mac_sync(struct weir_device *weir)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_VPORT_GET);
	struct net_device *netdev = weir->netdev;
	u8 mac[ETH_ALEN], by_admin = 0, trusted = 1;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	err = weir_call_run_loud(call);
	if (!err) {
		if (weir_tlv_get(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_MAC, mac,
				 sizeof(mac)))
			eth_zero_addr(mac);
		if (weir_tlv_get_u8(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_ADMIN_MAC,
				    &by_admin))
			by_admin = 0;
		if (weir_tlv_get_u16(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_STEER_RULES_MAX,
				     &weir->rules_max))
			weir->rules_max = 0;
		if (weir_tlv_get_u8(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_TRUST, &trusted))
			trusted = 1;
	}
	weir_call_end(call);
	if (err)
		return err;

	weir->trusted = trusted;
	weir->mac_by_admin = by_admin && is_valid_ether_addr(mac);
	if (weir->mac_by_admin && !ether_addr_equal(mac, netdev->dev_addr) &&
	    !ether_addr_equal(mac, weir->admin_mac)) {
		ether_addr_copy(weir->admin_mac, mac);
		weir_mac_adopt(weir, mac);
		weir->mac_known = true;
		return 0;
	}
	if (!weir->mac_known) {
		weir->mac_known = true;
		if (is_valid_ether_addr(mac)) {
			weir_mac_adopt(weir, mac);
			return 0;
		}
		eth_hw_addr_random(netdev);
		dev_info(weir->dev, "the card gives no MAC address, taking %pM\n",
			 netdev->dev_addr);
	}
	if (ether_addr_equal(mac, netdev->dev_addr))
		return 0;
	err = weir_mac_may_choose(weir) ? weir_mac_tell(weir, netdev->dev_addr) : -EPERM;
	if (err && !weir_fatal(err) && is_valid_ether_addr(mac)) {
		weir_mac_adopt(weir, mac);
		return 0;
	}
	return err;
}

/**
 * weir_mac_set() - give the vport another MAC
 * @weir: the function
 * @mac: a valid unicast address
 *
 * Return: 0; -EPERM when the administrator decided otherwise; or another negative errno.
 */
int weir_mac_set(struct weir_device *weir, const u8 *mac)
{
	int err;

	if (!weir_mac_may_choose(weir)) {
		netdev_warn(
			weir->netdev,
			"the administrator gave this VF its MAC: on the host, 'ip link set dev <PF> vf <n> trust on' lets it choose one\n");
		return -EPERM;
	}
	err = weir_mac_tell(weir, mac);
	if (!err)
		eth_hw_addr_set(weir->netdev, mac);
	return err;
}

/* --- commands --- */

static int weir_filter_command(struct weir_device *weir, u16 opcode, const u8 *mac)
{
	struct weir_call *call = weir_call_begin(weir, opcode);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put(call, WEIR_ATTRIBUTE_MAC, mac, ETH_ALEN);
	err = weir_call_run(call);
	weir_call_end(call);
	return err;
}

static int weir_vlan_command(struct weir_device *weir, u16 opcode, u16 vlan)
{
	struct weir_call *call = weir_call_begin(weir, opcode);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_VLAN, vlan);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

static int weir_flags_command(struct weir_device *weir, u32 flags, u32 mask, u16 mtu,
			      const u32 *coalesce)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_VPORT_SET);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	if (mask) {
		weir_call_put_u32(call, WEIR_ATTRIBUTE_VPORT_FLAGS, flags);
		weir_call_put_u32(call, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, mask);
	}
	if (mtu)
		weir_call_put_u16(call, WEIR_ATTRIBUTE_MTU, mtu);
	if (coalesce) {
		weir_call_put_u8(call, WEIR_ATTRIBUTE_COALESCE_SEGMENTS,
				 *coalesce ? WEIR_COALESCE_SEGMENTS_MAX : 0);
		weir_call_put_u32(call, WEIR_ATTRIBUTE_COALESCE_BYTES,
				  *coalesce ?: WEIR_COALESCE_BYTES_MAX);
	}
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

/**
 * weir_vport_enable() - let frames in and out, or stop them
 * @weir: the function
 * @enable: which
 *
 * Return: 0 or a negative errno.
 */
int weir_vport_enable(struct weir_device *weir, bool enable)
{
	return weir_flags_command(weir, enable ? WEIR_VPORT_ENABLE : 0, WEIR_VPORT_ENABLE, 0,
				  NULL);
}

/* --- the stack's lists --- */

/* A copy of what the stack wants, made under its lock; unicast addresses first. */
struct weir_wanted {
	unsigned int flags; /* IFF_ */
	unsigned int unicast;
	unsigned int count;
	struct weir_filter filters[];
};

static struct weir_wanted *weir_wanted_copy(struct net_device *netdev)
{
	struct weir_wanted *wanted;
	struct netdev_hw_addr *address;
	unsigned int room = 0;

	for (;;) {
		unsigned int need;

		room += 16;
		wanted = kvmalloc(struct_size(wanted, filters, room), GFP_KERNEL);
		if (!wanted)
			return NULL;
		netif_addr_lock_bh(netdev);
		need = netdev_uc_count(netdev) + netdev_mc_count(netdev);
		if (need <= room)
			break;
		netif_addr_unlock_bh(netdev);
		kvfree(wanted);
		room = need;
	}
	wanted->flags = netdev->flags;
	wanted->count = 0;
	netdev_for_each_uc_addr(address, netdev)
		ether_addr_copy(wanted->filters[wanted->count++].mac, address->addr);
	wanted->unicast = wanted->count;
	netdev_for_each_mc_addr(address, netdev)
		ether_addr_copy(wanted->filters[wanted->count++].mac, address->addr);
	netif_addr_unlock_bh(netdev);
	return wanted;
}

static bool weir_filter_in(const struct weir_filter *filters, unsigned int count, const u8 *mac)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (ether_addr_equal(filters[i].mac, mac))
			return true;
	return false;
}

static int weir_filters_remove(struct weir_device *weir, const struct weir_wanted *wanted)
{
	struct weir_told *told = &weir->told;
	unsigned int i = 0;
	int err;

	while (i < told->filter_count) {
		if (weir_filter_in(wanted->filters, wanted->count, told->filters[i].mac)) {
			i++;
			continue;
		}
		err = weir_filter_command(weir, WEIR_COMMAND_FILTER_DELETE, told->filters[i].mac);
		if (weir_fatal(err))
			return err;
		told->filters[i] = told->filters[--told->filter_count];
	}
	return 0;
}

/*
 * Adds what is missing as long as there is room; @missed gets the flags that stand in for the rest.
 */
static int weir_filters_add(struct weir_device *weir, const struct weir_wanted *wanted, u32 *missed)
{
	struct weir_told *told = &weir->told;
	unsigned int i;
	int err;

	for (i = 0; i < wanted->count; i++) {
		const u8 *mac = wanted->filters[i].mac;

		if (weir_filter_in(told->filters, told->filter_count, mac))
			continue;
		if (told->filter_count == told->filter_room)
			err = -ENOSPC;
		else if (i < wanted->unicast && !weir_mac_may_choose(weir))
			err = -EPERM;
		else
			err = weir_filter_command(weir, WEIR_COMMAND_FILTER_ADD, mac);
		if (weir_fatal(err))
			return err;
		if (!err || err == -EEXIST)
			ether_addr_copy(told->filters[told->filter_count++].mac, mac);
		else
			*missed |= i < wanted->unicast ? WEIR_VPORT_PROMISCUOUS
						       : WEIR_VPORT_ALL_MULTICAST;
	}
	return 0;
}

/* VLANs of one kind, by the TPID of their tags. */
static unsigned long *weir_wanted_vlans(struct weir_device *weir, __be16 protocol)
{
	return protocol == htons(ETH_P_8021AD) ? weir->wanted_service_vlans : weir->wanted_vlans;
}

/*
 * The card has one membership for both kinds (specs/sorter.md, "A frame's VLAN"): the stack sorts out
 * what it does not want of the other kind.
 */
static int weir_vlans_sync(struct weir_device *weir)
{
	DECLARE_BITMAP(wanted, VLAN_N_VID);
	struct weir_told *told = &weir->told;
	unsigned int vlan;
	int err;

	bitmap_or(wanted, weir->wanted_vlans, weir->wanted_service_vlans, VLAN_N_VID);
	for_each_set_bit(vlan, wanted, VLAN_N_VID) {
		if (test_bit(vlan, told->vlans))
			continue;
		err = weir_vlan_command(weir, WEIR_COMMAND_VLAN_ADD, vlan);
		if (weir_fatal(err))
			return err;
		if (!err || err == -EEXIST)
			__set_bit(vlan, told->vlans);
	}
	for_each_set_bit(vlan, told->vlans, VLAN_N_VID) {
		if (test_bit(vlan, wanted))
			continue;
		err = weir_vlan_command(weir, WEIR_COMMAND_VLAN_DELETE, vlan);
		if (weir_fatal(err))
			return err;
		__clear_bit(vlan, told->vlans);
	}
	return 0;
}

/* --- flags --- */

#define WEIR_FLAGS_MANAGED                                                          \
	(WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_ALL_MULTICAST | WEIR_VPORT_BROADCAST | \
	 WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_VLAN_STRIP)
/* Known to cards that offer them alone. */
#define WEIR_FLAGS_CHECKSUM WEIR_VPORT_RX_CHECKSUM
#define WEIR_FLAGS_8021AD (WEIR_VPORT_VLAN_FILTER_8021AD | WEIR_VPORT_VLAN_STRIP_8021AD)
#define WEIR_FLAGS_PRIVILEGED (WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_ALL_MULTICAST)

static u32 weir_flags_wanted(const struct weir_device *weir, unsigned int iff, u32 missed)
{
	u32 flags = WEIR_VPORT_BROADCAST | missed;

	if (iff & IFF_PROMISC)
		flags |= WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_ALL_MULTICAST;
	if (iff & IFF_ALLMULTI)
		flags |= WEIR_VPORT_ALL_MULTICAST;
	/* specs/admin-queue.md, "Privileges"; the card reports a VF that tries all the same. */
	if (!weir->trusted)
		flags &= ~WEIR_FLAGS_PRIVILEGED;
	if (weir->wanted_features & NETIF_F_HW_VLAN_CTAG_RX)
		flags |= WEIR_VPORT_VLAN_STRIP;
	if (weir->wanted_features & NETIF_F_HW_VLAN_STAG_RX)
		flags |= WEIR_VPORT_VLAN_STRIP_8021AD;
	if (weir->wanted_features & NETIF_F_RXCSUM)
		flags |= WEIR_FLAGS_CHECKSUM;
	/* Who listens to everything wants the frames of all VLANs, too. */
	if (flags & WEIR_VPORT_PROMISCUOUS)
		return flags;
	if (weir->wanted_features & NETIF_F_HW_VLAN_CTAG_FILTER)
		flags |= WEIR_VPORT_VLAN_FILTER;
	if (weir->wanted_features & NETIF_F_HW_VLAN_STAG_FILTER)
		flags |= WEIR_VPORT_VLAN_FILTER_8021AD;
	return flags;
}

/* How long aggregates may be; 0: there are to be none, as after a reset. */
static u32 weir_coalesce_wanted(const struct weir_device *weir)
{
	return weir->wanted_features & NETIF_F_GRO_HW ? READ_ONCE(weir->coalesce_bytes) : 0;
}

static int weir_flags_tell(struct weir_device *weir, u32 flags)
{
	struct weir_told *told = &weir->told;
	u32 mask = told->flags_known && told->flags == flags ? 0 : WEIR_FLAGS_MANAGED;
	u16 mtu = told->mtu == weir->netdev->mtu ? 0 : weir->netdev->mtu;
	u32 coalesce = weir_coalesce_wanted(weir);
	bool tell_coalesce = coalesce != told->coalesce;
	int err;

	if (mask && weir->features & WEIR_REG_FEATURES_CHECKSUM_MASK)
		mask |= WEIR_FLAGS_CHECKSUM;
	if (mask && weir->features & WEIR_REG_FEATURES_VLAN_8021AD_MASK)
		mask |= WEIR_FLAGS_8021AD;
	if (!mask && !mtu && !tell_coalesce)
		return 0;
	err = weir_flags_command(weir, flags, mask, mtu, tell_coalesce ? &coalesce : NULL);
	if (err)
		return err;
	told->flags_known = true;
	told->flags = flags;
	told->coalesce = coalesce;
	if (mtu)
		told->mtu = mtu;
	return 0;
}

/* Says, once, what the stack wants and does not get. */
static void weir_limits_tell(struct weir_device *weir, const struct weir_wanted *wanted, u32 missed)
{
	if (!missed && (weir->trusted || !(wanted->flags & (IFF_PROMISC | IFF_ALLMULTI)))) {
		weir->limits_told = false;
		return;
	}
	if (weir->limits_told)
		return;
	weir->limits_told = true;
	if (missed && weir->trusted)
		netdev_info(weir->netdev,
			    "%u addresses wanted, the card filters for %u: taking all\n",
			    wanted->count, weir->told.filter_count);
	else if (missed)
		netdev_warn(weir->netdev,
			    "%u addresses wanted, %u received: trust from the host, %s\n",
			    wanted->count, weir->told.filter_count,
			    "'ip link set dev <PF> vf <n> trust on', brings all");
	else
		netdev_warn(weir->netdev,
			    "promiscuous and all-multicast mode need trust: on the host, %s\n",
			    "'ip link set dev <PF> vf <n> trust on'");
}

/**
 * weir_filter_sync() - tell the card what the stack wants of the vport and the card was not told
 * yet
 * @weir: the function
 *
 * VLANs and MACs first, then the flags that make them count.
 *
 * Return: 0; or a negative errno when the card cannot be spoken to, or refuses flags or MTU.
 */
int weir_filter_sync(struct weir_device *weir)
{
	struct weir_wanted *wanted = weir_wanted_copy(weir->netdev);
	u32 missed = 0;
	int err;

	if (!wanted)
		return -ENOMEM;
	mutex_lock(&weir->filter_lock);
	err = weir_vlans_sync(weir);
	if (!err)
		err = weir_filters_remove(weir, wanted);
	if (!err)
		err = weir_filters_add(weir, wanted, &missed);
	if (!err)
		err = weir_flags_tell(weir, weir_flags_wanted(weir, wanted->flags, missed));
	if (!err)
		weir_limits_tell(weir, wanted, missed);
	mutex_unlock(&weir->filter_lock);
	kvfree(wanted);
	return err;
}

/**
 * weir_filter_doubt() - the administrator decided something: the card may have dropped flags and
 * unicast filters
 * @weir: the function
 *
 * The next weir_filter_sync() tells them again; what is there still, the card answers with EXISTS.
 */
void weir_filter_doubt(struct weir_device *weir)
{
	struct weir_told *told = &weir->told;
	unsigned int i = 0;

	mutex_lock(&weir->filter_lock);
	told->flags_known = false;
	while (i < told->filter_count) {
		if (is_multicast_ether_addr(told->filters[i].mac))
			i++;
		else
			told->filters[i] = told->filters[--told->filter_count];
	}
	mutex_unlock(&weir->filter_lock);
}

/**
 * weir_filter_forget() - the function was reset: the card knows nothing any more
 * @weir: the function
 */
void weir_filter_forget(struct weir_device *weir)
{
	struct weir_told *told = &weir->told;

	mutex_lock(&weir->filter_lock);
	told->flags_known = false;
	told->mtu = 0;
	told->coalesce = 0;
	told->filter_count = 0;
	bitmap_zero(told->vlans, VLAN_N_VID);
	mutex_unlock(&weir->filter_lock);
}

/**
 * weir_filter_work() - weir_filter_sync() for ndo_set_rx_mode, which must not sleep
 * @work: weir->filter_work
 */
void weir_filter_work(struct work_struct *work)
{
	struct weir_device *weir = container_of(work, struct weir_device, filter_work);
	int err;

	if (weir_state_get(weir) != WEIR_STATE_RUNNING)
		return;
	err = weir_filter_sync(weir);
	/* A reset under way syncs everything at its end. */
	if (err && !weir_fatal(err))
		netdev_warn(weir->netdev, "the card did not take all address filters: error %d\n",
			    err);
}

/**
 * weir_filter_alloc() - make room for the list of MACs the card is told
 * @weir: the function, @weir->info filled
 *
 * Return: 0 or -ENOMEM. Undone by weir_filter_free().
 */
int weir_filter_alloc(struct weir_device *weir)
{
	struct weir_told *told = &weir->told;

	told->filter_room = clamp_t(unsigned int, weir->info.filters_max, 1, WEIR_FILTERS_LIMIT);
	told->filters = kvcalloc(told->filter_room, sizeof(*told->filters), GFP_KERNEL);
	return told->filters ? 0 : -ENOMEM;
}

/* weir_filter_free() - undo weir_filter_alloc() */
void weir_filter_free(struct weir_device *weir)
{
	kvfree(weir->told.filters);
	weir->told.filters = NULL;
}

/* --- VLANs --- */

/**
 * weir_vlan_add() - ndo_vlan_rx_add_vid
 * @netdev: the interface
 * @protocol: 802.1Q or 802.1ad
 * @vlan: VLAN id
 *
 * Return: 0, also while the card is being reset, as it is told afterwards; or a negative errno.
 */
int weir_vlan_add(struct net_device *netdev, __be16 protocol, u16 vlan)
{
	struct weir_device *weir = weir_of(netdev);
	unsigned long *wanted = weir_wanted_vlans(weir, protocol);
	int err = 0;

	mutex_lock(&weir->filter_lock);
	__set_bit(vlan, wanted);
	if (!test_bit(vlan, weir->told.vlans) && weir_state_get(weir) == WEIR_STATE_RUNNING) {
		err = weir_vlan_command(weir, WEIR_COMMAND_VLAN_ADD, vlan);
		if (err == -EEXIST)
			err = 0;
		if (!err)
			__set_bit(vlan, weir->told.vlans);
		else if (!weir_fatal(err))
			__clear_bit(vlan, wanted);
		else
			err = 0;
	}
	mutex_unlock(&weir->filter_lock);
	return err;
}

/**
 * weir_vlan_delete() - ndo_vlan_rx_kill_vid
 * @netdev: the interface
 * @protocol: 802.1Q or 802.1ad
 * @vlan: VLAN id
 *
 * Return: 0
 */
int weir_vlan_delete(struct net_device *netdev, __be16 protocol, u16 vlan)
{
	struct weir_device *weir = weir_of(netdev);

	mutex_lock(&weir->filter_lock);
	__clear_bit(vlan, weir_wanted_vlans(weir, protocol));
	if (test_bit(vlan, weir->told.vlans) && !test_bit(vlan, weir->wanted_vlans) &&
	    !test_bit(vlan, weir->wanted_service_vlans) && weir_state_get(weir) == WEIR_STATE_RUNNING &&
	    !weir_fatal(weir_vlan_command(weir, WEIR_COMMAND_VLAN_DELETE, vlan)))
		__clear_bit(vlan, weir->told.vlans);
	mutex_unlock(&weir->filter_lock);
	return 0;
}
