// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steering rules (specs/steering.md) as ethtool -N sets and ethtool -n shows them: flows to a queue, or dropped. Kept here, and told to
 * the card when it has not been told of them yet: when they are made, or at the next start, so that they outlive resets.
 *
 * Everything here runs under RTNL.
 */
#include <linux/ethtool.h>
#include <linux/in.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "weir_hw.h"

/* A TPID that the card knows has this bit, 8100h as well as 88A8h; without a tag there is zero. */
#define WEIR_TAGGED 0x80

/**
 * struct weir_rule - a rule of the user's
 * @spec: as the user gave it
 * @key: what of a frame must be, under @mask
 * @mask: which bits count
 * @context: with FLOW_RSS: the spread context that it leads to
 * @told: the card has it
 */
struct weir_rule {
	struct ethtool_rx_flow_spec spec;
	struct weir_steer_key key;
	struct weir_steer_key mask;
	u32 context;
	bool told;
};

static bool weir_ntuple_offered(const struct weir_device *weir)
{
	return weir->features & WEIR_REG_FEATURES_STEERING_MASK;
}

/* Is there a card to be told? If not, the next start does it. */
static bool weir_ntuple_live(struct weir_device *weir)
{
	return weir->data && weir_state_get(weir) == WEIR_STATE_RUNNING;
}

/* --- from ethtool's flows to keys --- */

static int weir_rule_refuse(const struct weir_device *weir, const char *why)
{
	netdev_warn(weir->netdev, "steering rule refused: %s\n", why);
	return -EINVAL;
}

/* A field and its mask; the compiler sees to it that they are of one length. */
#define weir_rule_match(rule, field, value, bits)                              \
	do {                                                                   \
		BUILD_BUG_ON(sizeof((rule)->key.field) < sizeof(value));       \
		BUILD_BUG_ON(sizeof(value) != sizeof(bits));                   \
		memcpy(&(rule)->key.field, &(value), sizeof(value));           \
		memcpy(&(rule)->mask.field, &(bits), sizeof(bits));            \
	} while (0)

static void weir_rule_exactly(u8 *key, u8 *mask, u8 value)
{
	*key = value;
	*mask = 0xff;
}

static void weir_rule_ip(struct weir_rule *rule, u8 l3)
{
	weir_rule_exactly(&rule->key.l3, &rule->mask.l3, l3);
}

static void weir_rule_protocol(struct weir_rule *rule, u8 protocol)
{
	weir_rule_exactly(&rule->key.protocol, &rule->mask.protocol, protocol);
}

/* The first four bytes behind IP's header are ports where there are ports. */
static int weir_rule_ports(const struct weir_device *weir, struct weir_rule *rule, __be32 value,
			   __be32 bits)
{
	u8 protocol = rule->key.protocol;

	if (!bits)
		return 0;
	if (rule->mask.protocol != 0xff ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP))
		return weir_rule_refuse(weir,
					"l4data is looked at with l4proto 6, 17 or 132 only");
	memcpy(rule->key.source_port, &value, sizeof(value) / 2);
	memcpy(rule->mask.source_port, &bits, sizeof(bits) / 2);
	memcpy(rule->key.destination_port, (u8 *)&value + 2, sizeof(value) / 2);
	memcpy(rule->mask.destination_port, (u8 *)&bits + 2, sizeof(bits) / 2);
	return 0;
}

static void weir_rule_tcp4(struct weir_rule *rule, u8 protocol)
{
	const struct ethtool_tcpip4_spec *flow = &rule->spec.h_u.tcp_ip4_spec;
	const struct ethtool_tcpip4_spec *bits = &rule->spec.m_u.tcp_ip4_spec;

	weir_rule_ip(rule, WEIR_PACKET_L3_IPV4);
	weir_rule_protocol(rule, protocol);
	weir_rule_match(rule, source_address, flow->ip4src, bits->ip4src);
	weir_rule_match(rule, destination_address, flow->ip4dst, bits->ip4dst);
	weir_rule_match(rule, source_port, flow->psrc, bits->psrc);
	weir_rule_match(rule, destination_port, flow->pdst, bits->pdst);
	weir_rule_match(rule, traffic_class, flow->tos, bits->tos);
}

static void weir_rule_tcp6(struct weir_rule *rule, u8 protocol)
{
	const struct ethtool_tcpip6_spec *flow = &rule->spec.h_u.tcp_ip6_spec;
	const struct ethtool_tcpip6_spec *bits = &rule->spec.m_u.tcp_ip6_spec;

	weir_rule_ip(rule, WEIR_PACKET_L3_IPV6);
	weir_rule_protocol(rule, protocol);
	weir_rule_match(rule, source_address, flow->ip6src, bits->ip6src);
	weir_rule_match(rule, destination_address, flow->ip6dst, bits->ip6dst);
	weir_rule_match(rule, source_port, flow->psrc, bits->psrc);
	weir_rule_match(rule, destination_port, flow->pdst, bits->pdst);
	weir_rule_match(rule, traffic_class, flow->tclass, bits->tclass);
}

static int weir_rule_ip4(const struct weir_device *weir, struct weir_rule *rule)
{
	const struct ethtool_usrip4_spec *flow = &rule->spec.h_u.usr_ip4_spec;
	const struct ethtool_usrip4_spec *bits = &rule->spec.m_u.usr_ip4_spec;

	if (flow->ip_ver != ETH_RX_NFC_IP4 || bits->ip_ver)
		return weir_rule_refuse(weir, "ip_ver is what the flow type says");
	weir_rule_ip(rule, WEIR_PACKET_L3_IPV4);
	weir_rule_match(rule, source_address, flow->ip4src, bits->ip4src);
	weir_rule_match(rule, destination_address, flow->ip4dst, bits->ip4dst);
	weir_rule_match(rule, traffic_class, flow->tos, bits->tos);
	weir_rule_match(rule, protocol, flow->proto, bits->proto);
	return weir_rule_ports(weir, rule, flow->l4_4_bytes, bits->l4_4_bytes);
}

static int weir_rule_ip6(const struct weir_device *weir, struct weir_rule *rule)
{
	const struct ethtool_usrip6_spec *flow = &rule->spec.h_u.usr_ip6_spec;
	const struct ethtool_usrip6_spec *bits = &rule->spec.m_u.usr_ip6_spec;

	weir_rule_ip(rule, WEIR_PACKET_L3_IPV6);
	weir_rule_match(rule, source_address, flow->ip6src, bits->ip6src);
	weir_rule_match(rule, destination_address, flow->ip6dst, bits->ip6dst);
	weir_rule_match(rule, traffic_class, flow->tclass, bits->tclass);
	weir_rule_match(rule, protocol, flow->l4_proto, bits->l4_proto);
	return weir_rule_ports(weir, rule, flow->l4_4_bytes, bits->l4_4_bytes);
}

static void weir_rule_ether(struct weir_rule *rule)
{
	const struct ethhdr *flow = &rule->spec.h_u.ether_spec;
	const struct ethhdr *bits = &rule->spec.m_u.ether_spec;

	weir_rule_match(rule, destination, flow->h_dest, bits->h_dest);
	weir_rule_match(rule, source, flow->h_source, bits->h_source);
	weir_rule_match(rule, ethertype, flow->h_proto, bits->h_proto);
}

static int weir_rule_flow(const struct weir_device *weir, struct weir_rule *rule)
{
	switch (rule->spec.flow_type & ~(FLOW_EXT | FLOW_MAC_EXT | FLOW_RSS)) {
	case ETHER_FLOW:
		weir_rule_ether(rule);
		return 0;
	case TCP_V4_FLOW:
		weir_rule_tcp4(rule, IPPROTO_TCP);
		return 0;
	case UDP_V4_FLOW:
		weir_rule_tcp4(rule, IPPROTO_UDP);
		return 0;
	case SCTP_V4_FLOW:
		weir_rule_tcp4(rule, IPPROTO_SCTP);
		return 0;
	case TCP_V6_FLOW:
		weir_rule_tcp6(rule, IPPROTO_TCP);
		return 0;
	case UDP_V6_FLOW:
		weir_rule_tcp6(rule, IPPROTO_UDP);
		return 0;
	case SCTP_V6_FLOW:
		weir_rule_tcp6(rule, IPPROTO_SCTP);
		return 0;
	case IPV4_USER_FLOW:
		return weir_rule_ip4(weir, rule);
	case IPV6_USER_FLOW:
		return weir_rule_ip6(weir, rule);
	default:
		return weir_rule_refuse(
			weir, "flow types are ether, ip4, tcp4, udp4, sctp4, ip6, tcp6, udp6, sctp6");
	}
}

/* What can be asked for beside the flow: a VLAN, and with FLOW_MAC_EXT the destination's MAC. */
static int weir_rule_extension(const struct weir_device *weir, struct weir_rule *rule)
{
	const struct ethtool_flow_ext *flow = &rule->spec.h_ext, *bits = &rule->spec.m_ext;

	if (rule->spec.flow_type & FLOW_MAC_EXT)
		weir_rule_match(rule, destination, flow->h_dest, bits->h_dest);
	if (!(rule->spec.flow_type & FLOW_EXT))
		return 0;
	if (bits->data[0] || bits->data[1])
		return weir_rule_refuse(weir, "there is nothing that user-def could speak of");
	weir_rule_match(rule, vlan_protocol, flow->vlan_etype, bits->vlan_etype);
	weir_rule_match(rule, vlan_tci, flow->vlan_tci, bits->vlan_tci);
	if (bits->vlan_tci && !bits->vlan_etype) {
		rule->key.vlan_protocol[0] = WEIR_TAGGED;
		rule->mask.vlan_protocol[0] = WEIR_TAGGED;
	}
	return 0;
}

/* A user may say more than counts; the card is asked for what counts only. */
static void weir_rule_trim(struct weir_rule *rule)
{
	u8 *key = (u8 *)&rule->key;
	const u8 *mask = (const u8 *)&rule->mask;
	unsigned int i;

	for (i = 0; i < sizeof(rule->key); i++)
		key[i] &= mask[i];
}

static int weir_rule_check_action(const struct weir_device *weir,
				  const struct ethtool_rxnfc *info)
{
	const struct ethtool_rx_flow_spec *spec = &info->fs;

	if (spec->flow_type & FLOW_RSS) {
		if (spec->ring_cookie)
			return weir_rule_refuse(weir, "with a context there is no other action");
		if (info->rss_context && !weir_context_exists(weir, info->rss_context))
			return weir_rule_refuse(weir, "there is no such context, see ethtool -x");
		return 0;
	}
	if (spec->ring_cookie == RX_CLS_FLOW_DISC)
		return 0;
	if (spec->ring_cookie == RX_CLS_FLOW_WAKE ||
	    ethtool_get_flow_spec_ring_vf(spec->ring_cookie))
		return weir_rule_refuse(weir, "an action is a queue of this interface, or -1");
	if (spec->ring_cookie >= weir->config.pairs)
		return weir_rule_refuse(weir, "there is no such queue, see ethtool -l");
	return 0;
}

/* --- rules and the card --- */

static int weir_rule_tell(struct weir_device *weir, struct weir_rule *rule)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_STEER_ADD);
	u8 action = rule->spec.flow_type & FLOW_RSS ? WEIR_STEER_ACTION_SPREAD :
		    rule->spec.ring_cookie == RX_CLS_FLOW_DISC ? WEIR_STEER_ACTION_DROP :
								 WEIR_STEER_ACTION_QUEUE;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_STEER_LOCATION, rule->spec.location);
	weir_call_put(call, WEIR_ATTRIBUTE_STEER_KEY, &rule->key, sizeof(rule->key));
	weir_call_put(call, WEIR_ATTRIBUTE_STEER_MASK, &rule->mask, sizeof(rule->mask));
	weir_call_put_u8(call, WEIR_ATTRIBUTE_STEER_ACTION, action);
	if (action == WEIR_STEER_ACTION_SPREAD && rule->context)
		weir_call_put_u8(call, WEIR_ATTRIBUTE_SPREAD_CONTEXT, rule->context);
	if (action == WEIR_STEER_ACTION_QUEUE)
		weir_call_put_u16(call, WEIR_ATTRIBUTE_QUEUE, rule->spec.ring_cookie);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	if (!err)
		rule->told = true;
	return err;
}

/* Also while the interface is down: the card keeps rules until it is told, or reset. */
static int weir_rule_untell(struct weir_device *weir, struct weir_rule *rule)
{
	struct weir_call *call;
	int err;

	if (!rule->told || weir_state_get(weir) != WEIR_STATE_RUNNING)
		return 0;
	call = weir_call_begin(weir, WEIR_COMMAND_STEER_DELETE);
	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_STEER_LOCATION, rule->spec.location);
	err = weir_call_run(call);
	weir_call_end(call);
	/* A function that is being reset forgets it. */
	return err == -ENOENT || err == -ENODEV ? 0 : err;
}

/**
 * weir_ntuple_tell() - tell the card the rules that it has not been told of
 * @weir: the function, whose queues are made
 *
 * A rule that the card refuses, as others have taken the room meanwhile, is not worth staying down for: dmesg says so, and the next
 * start tries again.
 *
 * Return: 0; or a negative errno when the card cannot be spoken to.
 */
int weir_ntuple_tell(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;

	xa_for_each(&weir->rules, location, rule) {
		int err = rule->told ? 0 : weir_rule_tell(weir, rule);

		if (err == -ENODEV || err == -ETIMEDOUT || err == -EPROTO)
			return err;
		if (err)
			netdev_warn(weir->netdev, "the card did not take the rule at %lu: error %d\n",
				    location, err);
	}
	return 0;
}

/**
 * weir_ntuple_forget() - the function was reset: the card knows no rules any more
 * @weir: the function
 */
void weir_ntuple_forget(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;

	xa_for_each(&weir->rules, location, rule)
		rule->told = false;
}

/**
 * weir_ntuple_clear() - delete all rules
 * @weir: the function
 */
void weir_ntuple_clear(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;

	xa_for_each(&weir->rules, location, rule) {
		if (weir_rule_untell(weir, rule))
			netdev_warn(weir->netdev, "the card did not delete the rule at %lu\n",
				    location);
		xa_erase(&weir->rules, location);
		kfree(rule);
	}
	weir->rules_used = 0;
}

/**
 * weir_ntuple_max_queue() - the greatest queue that a rule names
 * @weir: the function
 *
 * Return: its number, -1: none is named.
 */
int weir_ntuple_max_queue(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;
	int most = -1;

	xa_for_each(&weir->rules, location, rule)
		if (rule->spec.ring_cookie != RX_CLS_FLOW_DISC &&
		    !(rule->spec.flow_type & FLOW_RSS))
			most = max_t(int, most, rule->spec.ring_cookie);
	return most;
}

/**
 * weir_ntuple_leads_to() - does a rule lead to a context?
 * @weir: the function
 * @context: its number
 *
 * Return: whether one does.
 */
bool weir_ntuple_leads_to(struct weir_device *weir, u32 context)
{
	struct weir_rule *rule;
	unsigned long location;

	xa_for_each(&weir->rules, location, rule)
		if (rule->spec.flow_type & FLOW_RSS && rule->context == context)
			return true;
	return false;
}

/* --- ethtool --- */

/* A place behind all that the user has chosen: from the end. */
static int weir_ntuple_choose(struct weir_device *weir, u32 *location)
{
	u32 at = weir->rules_max;

	while (at--) {
		if (xa_load(&weir->rules, at))
			continue;
		*location = at;
		return 0;
	}
	return -ENOSPC;
}

static int weir_ntuple_insert(struct weir_device *weir, struct weir_rule *rule)
{
	u32 location = rule->spec.location;
	struct weir_rule *old = xa_load(&weir->rules, location);
	bool live = weir_ntuple_live(weir);
	int err;

	/* Room first: nothing can fail once the card has it. */
	err = xa_err(xa_store(&weir->rules, location, rule, GFP_KERNEL));
	if (err)
		return err;
	if (live)
		err = weir_rule_tell(weir, rule);
	else if (old)
		err = weir_rule_untell(weir, old);
	if (err) {
		if (old)
			xa_store(&weir->rules, location, old, GFP_KERNEL);
		else
			xa_erase(&weir->rules, location);
		return err;
	}
	weir->rules_used += !old;
	kfree(old);
	return 0;
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
	struct weir_rule *rule;
	int err;

	if (!weir_ntuple_offered(weir) || !(weir->wanted_features & NETIF_F_NTUPLE))
		return -EOPNOTSUPP;
	err = weir_rule_check_action(weir, info);
	if (!err && spec->location == RX_CLS_LOC_ANY)
		err = weir_ntuple_choose(weir, &spec->location);
	if (err)
		return err;
	if (spec->location >= weir->rules_max)
		return -EINVAL;
	rule = kzalloc(sizeof(*rule), GFP_KERNEL);
	if (!rule)
		return -ENOMEM;
	rule->spec = *spec;
	rule->context = spec->flow_type & FLOW_RSS ? info->rss_context : 0;
	err = weir_rule_flow(weir, rule);
	if (!err)
		err = weir_rule_extension(weir, rule);
	if (!err) {
		weir_rule_trim(rule);
		err = weir_ntuple_insert(weir, rule);
	}
	if (err)
		kfree(rule);
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
	struct weir_rule *rule = xa_load(&weir->rules, location);
	int err;

	if (!rule)
		return -ENOENT;
	err = weir_rule_untell(weir, rule);
	if (err)
		return err;
	xa_erase(&weir->rules, location);
	weir->rules_used--;
	kfree(rule);
	return 0;
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
	if (!weir_ntuple_offered(weir))
		return -EOPNOTSUPP;
	info->rule_cnt = weir->rules_used;
	info->data = weir->rules_max | RX_CLS_LOC_SPECIAL;
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
	const struct weir_rule *rule = xa_load(&weir->rules, info->fs.location);

	if (!rule)
		return -ENOENT;
	info->fs = rule->spec;
	if (rule->spec.flow_type & FLOW_RSS)
		info->rss_context = rule->context;
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

	info->data = weir->rules_max;
	xa_for_each(&weir->rules, location, rule) {
		if (count == info->rule_cnt)
			return -EMSGSIZE;
		locations[count++] = location;
	}
	info->rule_cnt = count;
	return 0;
}
