// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc's flower filters as steering rules of the card. What becomes of rules is in weir_rule.c; here is what a filter says, and the order
 * of filters: by pref, and in one pref as software has it, the masks in the order in which they came.
 *
 * Everything here runs under RTNL and rules_lock.
 */
#include <linux/if_vlan.h>
#include <linux/list.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "weir_hw.h"
#include "weir_rule.h"

#define WEIR_PORT_VXLAN 4789
#define WEIR_PORT_GENEVE 6081

/* Locations between filters of different prefs, as long as there is room for that, so that others find a place between them. */
#define WEIR_LOCATION_STEP 32u

/**
 * struct weir_flower - a filter
 * @rule: as the card is told it
 * @list: place in weir->flowers
 * @covered: a filter of the same match that this one has replaced, as long as tc has both; out of the list
 * @cookie: tc's name for it
 * @pref: of it, the least decides
 */
struct weir_flower {
	struct weir_rule rule;
	struct list_head list;
	struct weir_flower *covered;
	unsigned long cookie;
	u32 pref;
};

/* A message that is chosen among others, and lives for ever. */
static int weir_flower_refuse(struct netlink_ext_ack *extack, const char *why)
{
	if (extack)
		extack->_msg = why;
	return -EOPNOTSUPP;
}

/* --- from tc's matches to keys --- */

/* Fields that are looked at below. */
#define WEIR_FLOWER_KEYS                                                                   \
	(BIT_ULL(FLOW_DISSECTOR_KEY_CONTROL) | BIT_ULL(FLOW_DISSECTOR_KEY_BASIC) |         \
	 BIT_ULL(FLOW_DISSECTOR_KEY_ETH_ADDRS) | BIT_ULL(FLOW_DISSECTOR_KEY_VLAN) |        \
	 BIT_ULL(FLOW_DISSECTOR_KEY_IPV4_ADDRS) | BIT_ULL(FLOW_DISSECTOR_KEY_IPV6_ADDRS) | \
	 BIT_ULL(FLOW_DISSECTOR_KEY_IP) | BIT_ULL(FLOW_DISSECTOR_KEY_PORTS) |              \
	 BIT_ULL(FLOW_DISSECTOR_KEY_ENC_KEYID) | BIT_ULL(FLOW_DISSECTOR_KEY_ENC_PORTS))

/* What to say of some of the others. */
static const struct {
	enum flow_dissector_key_id key;
	const char *why;
} weir_flower_blind[] = {
	{ FLOW_DISSECTOR_KEY_PORTS_RANGE, "ranges of ports cannot be looked at, masks can" },
	{ FLOW_DISSECTOR_KEY_ICMP, "type and code of ICMP cannot be looked at" },
	{ FLOW_DISSECTOR_KEY_TCP, "tcp_flags cannot be looked at" },
	{ FLOW_DISSECTOR_KEY_ARP, "fields of ARP cannot be looked at" },
	{ FLOW_DISSECTOR_KEY_MPLS, "fields of MPLS cannot be looked at" },
	{ FLOW_DISSECTOR_KEY_CVLAN, "of VLAN tags the outermost one can be looked at" },
	{ FLOW_DISSECTOR_KEY_CT, "the card tracks no connections" },
	{ FLOW_DISSECTOR_KEY_META, "indev says nothing here: frames are this interface's" },
	{ FLOW_DISSECTOR_KEY_ENC_CONTROL,
	  "a tunnel is around its frames here still: its addresses are src_ip and dst_ip" },
	{ FLOW_DISSECTOR_KEY_ENC_IP,
	  "a tunnel is around its frames here still: its type of service is ip_tos" },
	{ FLOW_DISSECTOR_KEY_ENC_OPTS, "options of tunnels cannot be looked at" },
};

static int weir_flower_check_keys(const struct flow_rule *from, struct netlink_ext_ack *extack)
{
	u64 others = from->match.dissector->used_keys & ~WEIR_FLOWER_KEYS;
	unsigned int i;

	if (!others)
		return 0;
	for (i = 0; i < ARRAY_SIZE(weir_flower_blind); i++)
		if (others & BIT_ULL(weir_flower_blind[i].key))
			return weir_flower_refuse(extack, weir_flower_blind[i].why);
	return weir_flower_refuse(extack, "the filter has a field that cannot be looked at");
}

/* Which tag, and the type behind it. The protocol of a filter is that of the tag, if there is one. */
static void weir_flower_types(const struct flow_cls_offload *cls, struct weir_rule *rule)
{
	const struct flow_rule *from = cls->rule;
	__be16 protocol = cls->common.protocol, all_bits = cpu_to_be16(0xffff);

	if (eth_type_vlan(protocol)) {
		weir_rule_match(rule, vlan_protocol, protocol, all_bits);
	} else if (protocol != htons(ETH_P_ALL)) {
		weir_rule_match_tag(rule, false);
		weir_rule_match(rule, ethertype, protocol, all_bits);
	}
	if (flow_rule_match_key(from, FLOW_DISSECTOR_KEY_VLAN)) {
		struct flow_match_vlan match;
		__be16 tci, bits;

		flow_rule_match_vlan(from, &match);
		tci = cpu_to_be16(match.key->vlan_id | match.key->vlan_dei << 12 |
				  match.key->vlan_priority << VLAN_PRIO_SHIFT);
		bits = cpu_to_be16(match.mask->vlan_id | match.mask->vlan_dei << 12 |
				   match.mask->vlan_priority << VLAN_PRIO_SHIFT);
		weir_rule_match(rule, vlan_tci, tci, bits);
	}
	if (flow_rule_match_key(from, FLOW_DISSECTOR_KEY_BASIC)) {
		struct flow_match_basic match;

		flow_rule_match_basic(from, &match);
		if (match.mask->n_proto)
			weir_rule_match(rule, ethertype, match.key->n_proto, match.mask->n_proto);
	}
}

static void weir_flower_macs(const struct flow_rule *from, struct weir_rule *rule)
{
	struct flow_match_eth_addrs match;

	if (!flow_rule_match_key(from, FLOW_DISSECTOR_KEY_ETH_ADDRS))
		return;
	flow_rule_match_eth_addrs(from, &match);
	weir_rule_match(rule, destination, match.key->dst, match.mask->dst);
	weir_rule_match(rule, source, match.key->src, match.mask->src);
}

/* Fields of IP are there where the card has found IP behind the type. */
static bool weir_flower_is_ip(struct weir_rule *rule)
{
	const u8 *type = rule->key.ethertype, *bits = rule->mask.ethertype;

	if (bits[0] != 0xff || bits[1] != 0xff)
		return false;
	if (type[0] == ETH_P_IP >> 8 && type[1] == (ETH_P_IP & 0xff))
		weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV4);
	else if (type[0] == ETH_P_IPV6 >> 8 && type[1] == (ETH_P_IPV6 & 0xff))
		weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV6);
	else
		return false;
	return true;
}

/* Addresses of both versions share their place in a filter: it says which there are. */
static int weir_flower_addresses(const struct flow_rule *from, struct weir_rule *rule,
				 struct netlink_ext_ack *extack)
{
	struct flow_match_control control;
	struct flow_match_ipv4_addrs ipv4;
	struct flow_match_ipv6_addrs ipv6;

	if (!flow_rule_match_key(from, FLOW_DISSECTOR_KEY_CONTROL))
		return 0;
	flow_rule_match_control(from, &control);
	if (control.mask->flags)
		return weir_flower_refuse(extack, "ip_flags cannot be looked at");
	if (control.key->addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS &&
	    flow_rule_match_key(from, FLOW_DISSECTOR_KEY_IPV4_ADDRS)) {
		flow_rule_match_ipv4_addrs(from, &ipv4);
		weir_rule_match(rule, source_address, ipv4.key->src, ipv4.mask->src);
		weir_rule_match(rule, destination_address, ipv4.key->dst, ipv4.mask->dst);
		weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV4);
	} else if (control.key->addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS &&
		   flow_rule_match_key(from, FLOW_DISSECTOR_KEY_IPV6_ADDRS)) {
		flow_rule_match_ipv6_addrs(from, &ipv6);
		weir_rule_match(rule, source_address, ipv6.key->src, ipv6.mask->src);
		weir_rule_match(rule, destination_address, ipv6.key->dst, ipv6.mask->dst);
		weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV6);
	}
	return 0;
}

static int weir_flower_ip(const struct flow_rule *from, struct weir_rule *rule,
			  struct netlink_ext_ack *extack)
{
	static const char *const no_ip = "fields of IP need protocol or vlan_ethtype ip or ipv6";

	if (flow_rule_match_key(from, FLOW_DISSECTOR_KEY_BASIC)) {
		struct flow_match_basic match;

		flow_rule_match_basic(from, &match);
		if (match.mask->ip_proto && !weir_flower_is_ip(rule))
			return weir_flower_refuse(extack, no_ip);
		weir_rule_match(rule, protocol, match.key->ip_proto, match.mask->ip_proto);
	}
	if (flow_rule_match_key(from, FLOW_DISSECTOR_KEY_IP)) {
		struct flow_match_ip match;

		flow_rule_match_ip(from, &match);
		if (match.mask->ttl)
			return weir_flower_refuse(extack, "ip_ttl cannot be looked at");
		if (match.mask->tos && !weir_flower_is_ip(rule))
			return weir_flower_refuse(extack, no_ip);
		weir_rule_match(rule, traffic_class, match.key->tos, match.mask->tos);
	}
	return weir_flower_addresses(from, rule, extack);
}

static int weir_flower_ports(const struct flow_rule *from, struct weir_rule *rule,
			     struct netlink_ext_ack *extack)
{
	struct flow_match_ports match;

	if (!flow_rule_match_key(from, FLOW_DISSECTOR_KEY_PORTS))
		return 0;
	flow_rule_match_ports(from, &match);
	if (!match.mask->src && !match.mask->dst)
		return 0;
	if (!weir_rule_has_ports(rule))
		return weir_flower_refuse(extack, "ports need ip_proto tcp, udp or sctp");
	weir_rule_match(rule, source_port, match.key->src, match.mask->src);
	weir_rule_match(rule, destination_port, match.key->dst, match.mask->dst);
	return 0;
}

/* A tunnel is named by its port, and known by the card at no other. */
static int weir_flower_tunnel(const struct flow_rule *from, struct weir_rule *rule,
			      struct netlink_ext_ack *extack)
{
	bool has_port = flow_rule_match_key(from, FLOW_DISSECTOR_KEY_ENC_PORTS);
	struct flow_match_enc_keyid id;
	struct flow_match_ports ports;

	if (!flow_rule_match_key(from, FLOW_DISSECTOR_KEY_ENC_KEYID)) {
		if (has_port)
			return weir_flower_refuse(extack, "enc_dst_port needs enc_key_id");
		return 0;
	}
	flow_rule_match_enc_keyid(from, &id);
	if (has_port)
		flow_rule_match_enc_ports(from, &ports);
	if (!has_port || ports.mask->src || ports.mask->dst != cpu_to_be16(0xffff))
		return weir_flower_refuse(
			extack, "enc_key_id needs enc_dst_port 4789 (VXLAN) or 6081 (GENEVE)");
	if (ports.key->dst == htons(WEIR_PORT_VXLAN))
		rule->key.tunnel = WEIR_PACKET_TUNNEL_VXLAN;
	else if (ports.key->dst == htons(WEIR_PORT_GENEVE))
		rule->key.tunnel = WEIR_PACKET_TUNNEL_GENEVE;
	else
		return weir_flower_refuse(extack,
					  "the card knows VXLAN at 4789 and GENEVE at 6081");
	rule->mask.tunnel = 0xff;
	if (ntohl(id.key->keyid & id.mask->keyid) >> 24)
		return weir_flower_refuse(extack, "enc_key_id has 24 bits");
	memcpy(rule->key.vni, (u8 *)&id.key->keyid + 1, sizeof(rule->key.vni));
	memcpy(rule->mask.vni, (u8 *)&id.mask->keyid + 1, sizeof(rule->mask.vni));
	return 0;
}

static int weir_flower_match(const struct flow_cls_offload *cls, struct weir_rule *rule)
{
	struct netlink_ext_ack *extack = cls->common.extack;
	const struct flow_rule *from = cls->rule;
	int err;

	err = weir_flower_check_keys(from, extack);
	if (err)
		return err;
	weir_flower_types(cls, rule);
	weir_flower_macs(from, rule);
	err = weir_flower_ip(from, rule, extack);
	if (!err)
		err = weir_flower_ports(from, rule, extack);
	if (!err)
		err = weir_flower_tunnel(from, rule, extack);
	weir_rule_trim(rule);
	return err;
}

/* --- from tc's actions to the card's --- */

static int weir_flower_queue(const struct weir_device *weir, struct weir_rule *rule, u32 queue,
			     struct netlink_ext_ack *extack)
{
	if (queue >= weir->config.pairs)
		return weir_flower_refuse(extack, "there is no such queue, see ethtool -l");
	rule->action = WEIR_STEER_ACTION_QUEUE;
	rule->queue = queue;
	return 0;
}

/* Here each queue is a traffic class. hw_tc is the one way to name a queue that kernels before 6.2 have. */
static int weir_flower_class(const struct weir_device *weir, struct weir_rule *rule, u32 classid,
			     struct netlink_ext_ack *extack)
{
	u32 class = TC_H_MIN(classid) - TC_H_MIN_PRIORITY;

	if (!classid)
		return 0;
	if (class >= TC_QOPT_MAX_QUEUE)
		return weir_flower_refuse(extack, "of classids the card has hw_tc 0 to 15");
	return weir_flower_queue(weir, rule, class, extack);
}

static int weir_flower_entry(const struct weir_device *weir, struct weir_rule *rule,
			     const struct flow_action_entry *action, struct netlink_ext_ack *extack)
{
	switch (action->id) {
	case FLOW_ACTION_DROP:
		rule->action = WEIR_STEER_ACTION_DROP;
		return 0;
	case FLOW_ACTION_ACCEPT:
		return 0;
#if WEIR_HAVE_FLOW_ACTION_RX_QUEUE
	case FLOW_ACTION_RX_QUEUE_MAPPING:
		return weir_flower_queue(weir, rule, action->rx_queue, extack);
#endif
	case FLOW_ACTION_MARK:
		rule->marks = true;
		rule->mark = action->mark;
		return 0;
	default:
		return weir_flower_refuse(
			extack, "actions are drop, ok, and skbedit with queue_mapping or with mark");
	}
}

static int weir_flower_action(const struct weir_device *weir, const struct flow_cls_offload *cls,
			      struct weir_rule *rule)
{
	const struct flow_action *actions = &cls->rule->action;
	struct netlink_ext_ack *extack = cls->common.extack;
	const struct flow_action_entry *action;
	bool ended = false;
	int i, err;

	if (!cls->classid && !flow_action_has_entries(actions))
		return weir_flower_refuse(extack, "an action or hw_tc is needed");
	if (!flow_action_hw_stats_check(actions, extack, FLOW_ACTION_HW_STATS_IMMEDIATE_BIT))
		return -EOPNOTSUPP;
	rule->action = WEIR_STEER_ACTION_SPREAD;
	err = weir_flower_class(weir, rule, cls->classid, extack);
	flow_action_for_each(i, action, actions) {
		if (err)
			break;
		if (ended)
			return weir_flower_refuse(extack, "drop and ok are the last action");
		err = weir_flower_entry(weir, rule, action, extack);
		ended = action->id == FLOW_ACTION_DROP || action->id == FLOW_ACTION_ACCEPT;
	}
	return err;
}

/* --- the order of filters --- */

static bool weir_flower_same_mask(const struct weir_flower *a, const struct weir_flower *b)
{
	return !memcmp(&a->rule.mask, &b->rule.mask, sizeof(a->rule.mask));
}

/* The filter behind which one goes, NULL: it is the first. */
static struct weir_flower *weir_flower_before(struct weir_device *weir,
					      const struct weir_flower *flower)
{
	struct weir_flower *other, *last = NULL, *alike = NULL;

	list_for_each_entry(other, &weir->flowers, list) {
		if (other->pref > flower->pref)
			break;
		last = other;
		if (other->pref == flower->pref && weir_flower_same_mask(other, flower))
			alike = other;
	}
	return alike ?: last;
}

static struct weir_flower *weir_flower_next(struct weir_device *weir, struct weir_flower *flower)
{
	if (!flower)
		return list_first_entry_or_null(&weir->flowers, struct weir_flower, list);
	return list_is_last(&flower->list, &weir->flowers) ? NULL : list_next_entry(flower, list);
}

static struct weir_flower *weir_flower_previous(struct weir_device *weir,
						struct weir_flower *flower)
{
	return list_is_first(&flower->list, &weir->flowers) ? NULL : list_prev_entry(flower, list);
}

/* Moves a filter, and those that stand close behind it, one location up; or down those close before it. */
static int weir_flower_push(struct weir_device *weir, struct weir_flower *flower, int step)
{
	struct weir_flower *at = flower, *further;
	int err;

	for (;; at = further) {
		further = step > 0 ? weir_flower_next(weir, at) : weir_flower_previous(weir, at);
		if (!further || further->rule.location != at->rule.location + step)
			break;
	}
	if (at->rule.location == (step > 0 ? WEIR_LOCATIONS - 1 : WEIR_LOCATIONS_NTUPLE))
		return -ENOSPC;
	for (;; at = further) {
		err = weir_rule_move(weir, &at->rule, at->rule.location + step);
		if (err || at == flower)
			return err;
		further = step > 0 ? weir_flower_previous(weir, at) : weir_flower_next(weir, at);
	}
}

/* Finds a location for a filter behind another one, NULL: for the first. */
static int weir_flower_locate(struct weir_device *weir, struct weir_flower *before,
			      struct weir_flower *flower)
{
	struct weir_flower *behind = weir_flower_next(weir, before);
	u32 low, high, middle;
	int err;

	if (before && behind && before->rule.location + 1 == behind->rule.location) {
		err = weir_flower_push(weir, behind, 1);
		if (err == -ENOSPC)
			err = weir_flower_push(weir, before, -1);
		if (err)
			return err;
	} else if (before && !behind && before->rule.location == WEIR_LOCATIONS - 1) {
		err = weir_flower_push(weir, before, -1);
		if (err)
			return err;
	} else if (!before && behind && behind->rule.location == WEIR_LOCATIONS_NTUPLE) {
		err = weir_flower_push(weir, behind, 1);
		if (err)
			return err;
	}
	low = before ? before->rule.location : WEIR_LOCATIONS_NTUPLE - 1;
	high = behind ? behind->rule.location : WEIR_LOCATIONS;
	middle = low + (high - low) / 2;
	if (before && before->pref == flower->pref)
		flower->rule.location = low + 1;
	else if (before && !behind)
		flower->rule.location = min(middle, low + WEIR_LOCATION_STEP);
	else if (behind && !before)
		flower->rule.location = max(middle, high - WEIR_LOCATION_STEP);
	else
		flower->rule.location = middle;
	return 0;
}

/* --- filters --- */

/* The filter of a cookie; *@covering is the one that has replaced it, if tc has both still. */
static struct weir_flower *weir_flower_find(struct weir_device *weir, unsigned long cookie,
					    struct weir_flower **covering)
{
	struct weir_flower *first, *flower;

	list_for_each_entry(first, &weir->flowers, list) {
		*covering = NULL;
		for (flower = first; flower; flower = flower->covered) {
			if (flower->cookie == cookie)
				return flower;
			*covering = flower;
		}
	}
	return NULL;
}

/* Takes a filter in. tc replaces one by making the new one first: of one pref and match the new one counts. */
static int weir_flower_insert(struct weir_device *weir, struct weir_flower *flower,
			      struct netlink_ext_ack *extack)
{
	struct weir_rule *twin = weir_rule_twin(weir, &flower->rule);
	struct weir_flower *before = NULL, *covered = NULL;
	int err = 0;

	if (twin && twin->location >= WEIR_LOCATIONS_NTUPLE)
		covered = container_of(twin, struct weir_flower, rule);
	if (twin && !(covered && covered->pref == flower->pref)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "a filter of another pref, or a rule of ethtool -N, matches exactly the same");
		return -EEXIST;
	}
	if (covered) {
		flower->rule.location = covered->rule.location;
	} else {
		before = weir_flower_before(weir, flower);
		err = weir_flower_locate(weir, before, flower);
	}
	if (!err)
		err = weir_rule_place(weir, &flower->rule, extack);
	if (err)
		return err;
	flower->covered = covered;
	if (covered)
		list_replace(&covered->list, &flower->list);
	else
		list_add(&flower->list, before ? &before->list : &weir->flowers);
	return 0;
}

static int weir_flower_add(struct weir_device *weir, struct flow_cls_offload *cls)
{
	struct weir_flower *flower;
	int err;

	if (!tc_cls_can_offload_and_chain0(weir->netdev, &cls->common))
		return -EOPNOTSUPP;
	flower = kzalloc(sizeof(*flower), GFP_KERNEL);
	if (!flower)
		return -ENOMEM;
	flower->cookie = cls->cookie;
	flower->pref = cls->common.prio;
	err = weir_flower_match(cls, &flower->rule);
	if (!err)
		err = weir_flower_action(weir, cls, &flower->rule);
	if (!err)
		err = weir_flower_insert(weir, flower, cls->common.extack);
	if (err)
		kfree(flower);
	return err;
}

static int weir_flower_delete(struct weir_device *weir, const struct flow_cls_offload *cls)
{
	struct weir_flower *covering;
	struct weir_flower *flower = weir_flower_find(weir, cls->cookie, &covering);

	if (!flower)
		return -ENOENT;
	if (covering) {
		covering->covered = flower->covered;
	} else if (flower->covered) {
		list_replace(&flower->list, &flower->covered->list);
		weir_rule_substitute(weir, &flower->rule, &flower->covered->rule);
	} else {
		list_del(&flower->list);
		weir_rule_drop(weir, &flower->rule);
	}
	kfree(flower);
	return 0;
}

/* The card has no clock for it: a filter was used when it has counted more than the last time. */
static int weir_flower_stats(struct weir_device *weir, struct flow_cls_offload *cls)
{
	struct weir_rule_counts counts;
	struct weir_flower *covering;
	struct weir_flower *flower = weir_flower_find(weir, cls->cookie, &covering);
	int err;

	if (!flower)
		return -ENOENT;
	err = weir_rule_count(weir, &flower->rule, &counts);
	flow_stats_update(&cls->stats, counts.bytes, counts.frames,
			  flower->rule.action == WEIR_STEER_ACTION_DROP ? counts.frames : 0,
			  counts.frames ? jiffies : 0, FLOW_ACTION_HW_STATS_IMMEDIATE);
	return err;
}

static int weir_flower_block(enum tc_setup_type type, void *data, void *private)
{
	struct weir_device *weir = private;
	struct flow_cls_offload *cls = data;
	int err;

	ASSERT_RTNL();
	if (type != TC_SETUP_CLSFLOWER || !weir_rules_offered(weir))
		return -EOPNOTSUPP;
	mutex_lock(&weir->rules_lock);
	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		err = weir_flower_add(weir, cls);
		break;
	case FLOW_CLS_DESTROY:
		err = weir_flower_delete(weir, cls);
		break;
	case FLOW_CLS_STATS:
		err = weir_flower_stats(weir, cls);
		break;
	default:
		err = -EOPNOTSUPP;
	}
	mutex_unlock(&weir->rules_lock);
	return err;
}

static LIST_HEAD(weir_flower_blocks);

/**
 * weir_setup_tc() - ndo_setup_tc: filters of what comes in
 * @netdev: the interface
 * @type: TC_SETUP_BLOCK, or what the card has nothing for
 * @data: struct flow_block_offload
 *
 * Return: 0 or a negative errno.
 */
int weir_setup_tc(struct net_device *netdev, enum tc_setup_type type, void *data)
{
	struct weir_device *weir = weir_of(netdev);

	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;
	return flow_block_cb_setup_simple(data, &weir_flower_blocks, weir_flower_block, weir, weir,
					  true);
}
