// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steering rules as ethtool -N sets and ethtool -n shows them: flows to a queue or a context, dropped, or (user-def) of low
 * latency. What becomes of them is in weir_rule.c.
 *
 * Everything here runs under rules_lock.
 */
#include <linux/ethtool.h>
#include <linux/in.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "weir_hw.h"
#include "weir_rule.h"

/* What user-def asks for: that frames have their queue interrupt at once; or that alone, and other rules say where they go. */
enum weir_user_def {
	WEIR_USER_DEF_NONE,
	WEIR_USER_DEF_LOW_LATENCY,
	WEIR_USER_DEF_LOW_LATENCY_ONLY,
};

/**
 * struct weir_ntuple - a rule of the user's
 * @rule: as the card is told it
 * @spec: as the user gave it
 */
struct weir_ntuple {
	struct weir_rule rule;
	struct ethtool_rx_flow_spec spec;
};

/* Locations that the user can name. */
static u32 weir_ntuple_locations(const struct weir_device *weir)
{
	return min_t(u32, weir->rules_max, WEIR_LOCATIONS_NTUPLE);
}

static struct weir_ntuple *weir_ntuple_at(struct weir_device *weir, u32 location)
{
	struct weir_rule *rule =
		location < WEIR_LOCATIONS_NTUPLE ? xa_load(&weir->rules, location) : NULL;

	return rule ? container_of(rule, struct weir_ntuple, rule) : NULL;
}

/* Every rule of the user's; others lie behind them. */
#define weir_ntuple_for_each(weir, location, rule) \
	xa_for_each_range(&(weir)->rules, location, rule, 0, WEIR_LOCATIONS_NTUPLE - 1)

/* --- from ethtool's flows to keys --- */

static int weir_ntuple_refuse(const struct weir_device *weir, const char *why)
{
	netdev_warn(weir->netdev, "steering rule refused: %s\n", why);
	return -EINVAL;
}

/* The first four bytes behind IP's header are ports where there are ports. */
static int weir_ntuple_ports(const struct weir_device *weir, struct weir_rule *rule, __be32 value,
			   __be32 bits)
{
	if (!bits)
		return 0;
	if (!weir_rule_has_ports(rule))
		return weir_ntuple_refuse(weir,
					"l4data is looked at with l4proto 6, 17 or 132 only");
	memcpy(rule->key.source_port, &value, sizeof(value) / 2);
	memcpy(rule->mask.source_port, &bits, sizeof(bits) / 2);
	memcpy(rule->key.destination_port, (u8 *)&value + 2, sizeof(value) / 2);
	memcpy(rule->mask.destination_port, (u8 *)&bits + 2, sizeof(bits) / 2);
	return 0;
}

static void weir_ntuple_tcp4(struct weir_ntuple *ntuple, u8 protocol)
{
	const struct ethtool_tcpip4_spec *flow = &ntuple->spec.h_u.tcp_ip4_spec;
	const struct ethtool_tcpip4_spec *bits = &ntuple->spec.m_u.tcp_ip4_spec;
	struct weir_rule *rule = &ntuple->rule;

	weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV4);
	weir_rule_match_protocol(rule, protocol);
	weir_rule_match(rule, source_address, flow->ip4src, bits->ip4src);
	weir_rule_match(rule, destination_address, flow->ip4dst, bits->ip4dst);
	weir_rule_match(rule, source_port, flow->psrc, bits->psrc);
	weir_rule_match(rule, destination_port, flow->pdst, bits->pdst);
	weir_rule_match(rule, traffic_class, flow->tos, bits->tos);
}

static void weir_ntuple_tcp6(struct weir_ntuple *ntuple, u8 protocol)
{
	const struct ethtool_tcpip6_spec *flow = &ntuple->spec.h_u.tcp_ip6_spec;
	const struct ethtool_tcpip6_spec *bits = &ntuple->spec.m_u.tcp_ip6_spec;
	struct weir_rule *rule = &ntuple->rule;

	weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV6);
	weir_rule_match_protocol(rule, protocol);
	weir_rule_match(rule, source_address, flow->ip6src, bits->ip6src);
	weir_rule_match(rule, destination_address, flow->ip6dst, bits->ip6dst);
	weir_rule_match(rule, source_port, flow->psrc, bits->psrc);
	weir_rule_match(rule, destination_port, flow->pdst, bits->pdst);
	weir_rule_match(rule, traffic_class, flow->tclass, bits->tclass);
}

static int weir_ntuple_ip4(const struct weir_device *weir, struct weir_ntuple *ntuple)
{
	const struct ethtool_usrip4_spec *flow = &ntuple->spec.h_u.usr_ip4_spec;
	const struct ethtool_usrip4_spec *bits = &ntuple->spec.m_u.usr_ip4_spec;
	struct weir_rule *rule = &ntuple->rule;

	if (flow->ip_ver != ETH_RX_NFC_IP4 || bits->ip_ver)
		return weir_ntuple_refuse(weir, "ip_ver is what the flow type says");
	weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV4);
	weir_rule_match(rule, source_address, flow->ip4src, bits->ip4src);
	weir_rule_match(rule, destination_address, flow->ip4dst, bits->ip4dst);
	weir_rule_match(rule, traffic_class, flow->tos, bits->tos);
	weir_rule_match(rule, protocol, flow->proto, bits->proto);
	return weir_ntuple_ports(weir, rule, flow->l4_4_bytes, bits->l4_4_bytes);
}

static int weir_ntuple_ip6(const struct weir_device *weir, struct weir_ntuple *ntuple)
{
	const struct ethtool_usrip6_spec *flow = &ntuple->spec.h_u.usr_ip6_spec;
	const struct ethtool_usrip6_spec *bits = &ntuple->spec.m_u.usr_ip6_spec;
	struct weir_rule *rule = &ntuple->rule;

	weir_rule_match_l3(rule, WEIR_PACKET_L3_IPV6);
	weir_rule_match(rule, source_address, flow->ip6src, bits->ip6src);
	weir_rule_match(rule, destination_address, flow->ip6dst, bits->ip6dst);
	weir_rule_match(rule, traffic_class, flow->tclass, bits->tclass);
	weir_rule_match(rule, protocol, flow->l4_proto, bits->l4_proto);
	return weir_ntuple_ports(weir, rule, flow->l4_4_bytes, bits->l4_4_bytes);
}

static void weir_ntuple_ether(struct weir_ntuple *ntuple)
{
	const struct ethhdr *flow = &ntuple->spec.h_u.ether_spec;
	const struct ethhdr *bits = &ntuple->spec.m_u.ether_spec;
	struct weir_rule *rule = &ntuple->rule;

	weir_rule_match(rule, destination, flow->h_dest, bits->h_dest);
	weir_rule_match(rule, source, flow->h_source, bits->h_source);
	weir_rule_match(rule, ethertype, flow->h_proto, bits->h_proto);
}

static int weir_ntuple_flow(const struct weir_device *weir, struct weir_ntuple *ntuple)
{
	switch (ntuple->spec.flow_type & ~(FLOW_EXT | FLOW_MAC_EXT | FLOW_RSS)) {
	case ETHER_FLOW:
		weir_ntuple_ether(ntuple);
		return 0;
	case TCP_V4_FLOW:
		weir_ntuple_tcp4(ntuple, IPPROTO_TCP);
		return 0;
	case UDP_V4_FLOW:
		weir_ntuple_tcp4(ntuple, IPPROTO_UDP);
		return 0;
	case SCTP_V4_FLOW:
		weir_ntuple_tcp4(ntuple, IPPROTO_SCTP);
		return 0;
	case TCP_V6_FLOW:
		weir_ntuple_tcp6(ntuple, IPPROTO_TCP);
		return 0;
	case UDP_V6_FLOW:
		weir_ntuple_tcp6(ntuple, IPPROTO_UDP);
		return 0;
	case SCTP_V6_FLOW:
		weir_ntuple_tcp6(ntuple, IPPROTO_SCTP);
		return 0;
	case IPV4_USER_FLOW:
		return weir_ntuple_ip4(weir, ntuple);
	case IPV6_USER_FLOW:
		return weir_ntuple_ip6(weir, ntuple);
	default:
		return weir_ntuple_refuse(
			weir, "flow types are ether, ip4, tcp4, udp4, sctp4, ip6, tcp6, udp6, sctp6");
	}
}

/* The 64 bits of user-def are a number, and no match. */
static int weir_ntuple_user_def(const struct weir_device *weir, struct weir_ntuple *ntuple)
{
	const struct ethtool_rx_flow_spec *spec = &ntuple->spec;
	const struct ethtool_flow_ext *flow = &spec->h_ext, *bits = &spec->m_ext;
	u32 value = be32_to_cpu(flow->data[1]);

	if (!bits->data[0] && !bits->data[1])
		return 0;
	if (!(weir->features & WEIR_REG_FEATURES_LOW_LATENCY_MASK))
		return weir_ntuple_refuse(weir, "there is nothing that user-def could speak of");
	if (flow->data[0] || value > WEIR_USER_DEF_LOW_LATENCY_ONLY ||
	    bits->data[0] != cpu_to_be32(~0u) || bits->data[1] != cpu_to_be32(~0u))
		return weir_ntuple_refuse(weir, "user-def is 1 (low latency) or 2 (that alone)");
	if (value && spec->ring_cookie == RX_CLS_FLOW_DISC)
		return weir_ntuple_refuse(weir, "dropped frames have no latency");
	ntuple->rule.low_latency = value != WEIR_USER_DEF_NONE;
	if (value != WEIR_USER_DEF_LOW_LATENCY_ONLY)
		return 0;
	if (spec->ring_cookie || spec->flow_type & FLOW_RSS)
		return weir_ntuple_refuse(weir, "with user-def 2 there is no action or context");
	ntuple->rule.action = WEIR_STEER_ACTION_NEXT;
	return 0;
}

/* What can be asked for beside the flow: a VLAN, and with FLOW_MAC_EXT the destination's MAC. */
static int weir_ntuple_extension(const struct weir_device *weir, struct weir_ntuple *ntuple)
{
	const struct ethtool_flow_ext *flow = &ntuple->spec.h_ext, *bits = &ntuple->spec.m_ext;
	struct weir_rule *rule = &ntuple->rule;

	if (ntuple->spec.flow_type & FLOW_MAC_EXT)
		weir_rule_match(rule, destination, flow->h_dest, bits->h_dest);
	if (!(ntuple->spec.flow_type & FLOW_EXT))
		return 0;
	weir_rule_match(rule, vlan_protocol, flow->vlan_etype, bits->vlan_etype);
	weir_rule_match(rule, vlan_tci, flow->vlan_tci, bits->vlan_tci);
	if (bits->vlan_tci && !bits->vlan_etype)
		weir_rule_match_tag(rule, true);
	return weir_ntuple_user_def(weir, ntuple);
}

static int weir_ntuple_check_action(const struct weir_device *weir,
				  const struct ethtool_rxnfc *info)
{
	const struct ethtool_rx_flow_spec *spec = &info->fs;

	if (spec->flow_type & FLOW_RSS) {
		if (spec->ring_cookie)
			return weir_ntuple_refuse(weir, "with a context there is no other action");
		if (info->rss_context && !weir_context_exists(weir, info->rss_context))
			return weir_ntuple_refuse(weir, "there is no such context, see ethtool -x");
		return 0;
	}
	if (spec->ring_cookie == RX_CLS_FLOW_DISC)
		return 0;
	if (spec->ring_cookie == RX_CLS_FLOW_WAKE ||
	    ethtool_get_flow_spec_ring_vf(spec->ring_cookie))
		return weir_ntuple_refuse(weir, "an action is a queue of this interface, or -1");
	if (spec->ring_cookie >= weir->config.pairs)
		return weir_ntuple_refuse(weir, "there is no such queue, see ethtool -l");
	return 0;
}

/* What a rule whose action has been checked tells the card to do. */
static void weir_ntuple_action(struct weir_ntuple *ntuple, const struct ethtool_rxnfc *info)
{
	struct weir_rule *rule = &ntuple->rule;

	if (ntuple->spec.flow_type & FLOW_RSS) {
		rule->action = WEIR_STEER_ACTION_SPREAD;
		rule->context = info->rss_context;
	} else if (ntuple->spec.ring_cookie == RX_CLS_FLOW_DISC) {
		rule->action = WEIR_STEER_ACTION_DROP;
	} else {
		rule->action = WEIR_STEER_ACTION_QUEUE;
		rule->queue = ntuple->spec.ring_cookie;
	}
}

/**
 * weir_ntuple_clear() - delete all rules of the user's
 * @weir: the function
 */
void weir_ntuple_clear(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;

	mutex_lock(&weir->rules_lock);
	weir_ntuple_for_each(weir, location, rule) {
		weir_rule_drop(weir, rule);
		kfree(container_of(rule, struct weir_ntuple, rule));
	}
	mutex_unlock(&weir->rules_lock);
}

/* --- ethtool --- */

/* A free place: for RX_CLS_LOC_FIRST from the beginning, in front of what is there if it can be; else from the end. */
static int weir_ntuple_choose(struct weir_device *weir, u32 *location)
{
	bool first = *location == RX_CLS_LOC_FIRST;
	u32 i;

	for (i = 0; i < weir_ntuple_locations(weir); i++) {
		u32 at = first ? i : weir_ntuple_locations(weir) - 1 - i;

		if (xa_load(&weir->rules, at))
			continue;
		*location = at;
		return 0;
	}
	return -ENOSPC;
}

/**
 * weir_ntuple_add() - ETHTOOL_SRXCLSRLINS
 * @weir: the function
 * @info: the rule, and its context; its location is filled in where the user leaves it to us
 *
 * A rule at the location is replaced.
 *
 * Return: 0; -EINVAL for what the card cannot look at, dmesg then says what; -EEXIST when the same is matched elsewhere already;
 * -ENOSPC; or another negative errno.
 */
int weir_ntuple_add(struct weir_device *weir, struct ethtool_rxnfc *info)
{
	struct ethtool_rx_flow_spec *spec = &info->fs;
	struct weir_ntuple *ntuple, *old;
	int err;

	if (!weir_rules_offered(weir) || !(weir->wanted_features & NETIF_F_NTUPLE))
		return -EOPNOTSUPP;
	err = weir_ntuple_check_action(weir, info);
	if (!err && (spec->location == RX_CLS_LOC_ANY || spec->location == RX_CLS_LOC_FIRST))
		err = weir_ntuple_choose(weir, &spec->location);
	if (err)
		return err;
	if (spec->location >= weir_ntuple_locations(weir))
		return -EINVAL;
	ntuple = kzalloc(sizeof(*ntuple), GFP_KERNEL);
	if (!ntuple)
		return -ENOMEM;
	ntuple->spec = *spec;
	ntuple->rule.location = spec->location;
	weir_ntuple_action(ntuple, info);
	old = weir_ntuple_at(weir, spec->location);
	err = weir_ntuple_flow(weir, ntuple);
	if (!err)
		err = weir_ntuple_extension(weir, ntuple);
	if (!err) {
		weir_rule_trim(&ntuple->rule);
		err = weir_rule_place(weir, &ntuple->rule, NULL);
	}
	kfree(err ? ntuple : old);
	return err;
}

/**
 * weir_ntuple_delete() - ETHTOOL_SRXCLSRLDEL
 * @weir: the function
 * @location: of the rule
 *
 * Return: 0, -ENOENT, or another negative errno, the rule is there then.
 */
int weir_ntuple_delete(struct weir_device *weir, u32 location)
{
	struct weir_ntuple *ntuple = weir_ntuple_at(weir, location);
	int err;

	if (!ntuple)
		return -ENOENT;
	err = weir_rule_remove(weir, &ntuple->rule);
	if (!err)
		kfree(ntuple);
	return err;
}

/**
 * weir_ntuple_count() - ETHTOOL_GRXCLSRLCNT
 * @weir: the function
 * @info: its rule_cnt and data are filled in
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int weir_ntuple_count(struct weir_device *weir, struct ethtool_rxnfc *info)
{
	struct weir_rule *rule;
	unsigned long location;

	if (!weir_rules_offered(weir))
		return -EOPNOTSUPP;
	info->rule_cnt = 0;
	weir_ntuple_for_each(weir, location, rule)
		info->rule_cnt++;
	info->data = weir_ntuple_locations(weir) | RX_CLS_LOC_SPECIAL;
	return 0;
}

/**
 * weir_ntuple_read() - ETHTOOL_GRXCLSRULE
 * @weir: the function
 * @info: its location says which; filled in
 *
 * Return: 0 or -ENOENT.
 */
int weir_ntuple_read(struct weir_device *weir, struct ethtool_rxnfc *info)
{
	const struct weir_ntuple *ntuple = weir_ntuple_at(weir, info->fs.location);

	if (!ntuple)
		return -ENOENT;
	info->fs = ntuple->spec;
	if (ntuple->spec.flow_type & FLOW_RSS)
		info->rss_context = ntuple->rule.context;
	return 0;
}

/**
 * weir_ntuple_list() - ETHTOOL_GRXCLSRLALL
 * @weir: the function
 * @info: its rule_cnt is the room in @locations, and then how many there are
 * @locations: filled in
 *
 * Return: 0; -EMSGSIZE when there are more.
 */
int weir_ntuple_list(struct weir_device *weir, struct ethtool_rxnfc *info, u32 *locations)
{
	struct weir_rule *rule;
	unsigned long location;
	u32 count = 0;

	info->data = weir_ntuple_locations(weir);
	weir_ntuple_for_each(weir, location, rule) {
		if (count == info->rule_cnt)
			return -EMSGSIZE;
		locations[count++] = location;
	}
	info->rule_cnt = count;
	return 0;
}
