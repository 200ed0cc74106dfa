// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive side scaling (specs/rss.md): what the user wants of it (ethtool -x, -X, -n, -N), kept here and told to the card at every
 * start, so that it outlives resets.
 *
 * Everything here runs under weir_lock().
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include "weir_hw.h"

#define WEIR_RXH_ADDRESSES (RXH_IP_SRC | RXH_IP_DST)
#define WEIR_RXH_PORTS (RXH_L4_B_0_1 | RXH_L4_B_2_3)

/**
 * weir_rss_init() - what holds before the user wants something else
 * @weir: a function being probed
 */
void weir_rss_init(struct weir_device *weir)
{
	struct weir_rss *rss = &weir->rss;

	netdev_rss_key_fill(rss->key, sizeof(rss->key));
	rss->types = WEIR_HASH_TYPES_ALL;
	rss->function = WEIR_HASH_FUNCTION_TOEPLITZ;
	weir_rss_spread_evenly(weir, weir->config.pairs);
}

/**
 * weir_rss_spread_evenly() - a table over all queues, unless the user has given one
 * @weir: the function
 * @pairs: how many queues there are
 *
 * A table of the user's never names a queue that is not there: ethtool refuses fewer channels.
 */
void weir_rss_spread_evenly(struct weir_device *weir, unsigned int pairs)
{
	unsigned int i;

	if (netif_is_rxfh_configured(weir->netdev))
		return;
	for (i = 0; i < ARRAY_SIZE(weir->rss.table); i++)
		weir->rss.table[i] = ethtool_rxfh_indir_default(i, pairs);
}

/**
 * weir_rss_command() - tell the card a table, and how to hash
 * @weir: the function, whose queues are made
 * @context: of this context; 0: the vport's own
 * @rss: what it shall be
 * @types: in place of what @rss says of them
 *
 * Return: 0 or a negative errno, the card then has what it had.
 */
int weir_rss_command(struct weir_device *weir, u32 context, const struct weir_rss *rss, u16 types)
{
	__le16 table[WEIR_INDIRECTION_ENTRIES];
	struct weir_call *call;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		table[i] = cpu_to_le16(rss->table[i]);
	call = weir_call_begin(weir, WEIR_COMMAND_VPORT_SPREAD);
	if (IS_ERR(call))
		return PTR_ERR(call);
	if (context)
		weir_call_put_u8(call, WEIR_ATTRIBUTE_SPREAD_CONTEXT, context);
	weir_call_put(call, WEIR_ATTRIBUTE_INDIRECTION, table, sizeof(table));
	weir_call_put(call, WEIR_ATTRIBUTE_HASH_KEY, rss->key, sizeof(rss->key));
	weir_call_put_u32(call, WEIR_ATTRIBUTE_HASH_TYPES, types);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_HASH_FUNCTION, rss->function);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

/**
 * weir_rss_tell() - tell the card all of it
 * @weir: the function, whose queues are made
 *
 * With one queue the hash is good for nothing but the stack's own use: without that the card need not compute it.
 *
 * Return: 0 or a negative errno, the card then has what it had.
 */
int weir_rss_tell(struct weir_device *weir)
{
	bool wanted = weir->config.pairs > 1 || weir->wanted_features & NETIF_F_RXHASH;

	if (!(weir->features & WEIR_REG_FEATURES_FLOW_SPREAD_MASK))
		return 0;
	return weir_rss_command(weir, 0, &weir->rss, wanted ? weir->rss.types : 0);
}

/* Takes new settings over; while the interface is down, or being reset, its next start tells them to the card. */
static int weir_rss_change(struct weir_device *weir, const struct weir_rss *rss)
{
	struct weir_rss old = weir->rss;
	int err;

	weir->rss = *rss;
	if (!weir->data || weir_state_get(weir) != WEIR_STATE_RUNNING)
		return 0;
	err = weir_rss_tell(weir);
	if (err)
		weir->rss = old;
	return err;
}

/* --- key, table, function --- */

u32 weir_get_rxfh_key_size(struct net_device *netdev)
{
	return WEIR_HASH_KEY_BYTES;
}

u32 weir_get_rxfh_indir_size(struct net_device *netdev)
{
	return WEIR_INDIRECTION_ENTRIES;
}

static void weir_rss_read(const struct weir_rss *rss, u32 *table, u8 *key)
{
	unsigned int i;

	for (i = 0; table && i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = rss->table[i];
	if (key)
		memcpy(key, rss->key, sizeof(rss->key));
}

/**
 * weir_rss_write() - take a table and a key over
 * @rss: what is changed
 * @table: NULL: it stays
 * @key: NULL: it stays
 */
void weir_rss_write(struct weir_rss *rss, const u32 *table, const u8 *key)
{
	unsigned int i;

	for (i = 0; table && i < WEIR_INDIRECTION_ENTRIES; i++)
		rss->table[i] = table[i];
	if (key)
		memcpy(rss->key, key, sizeof(rss->key));
}

static bool weir_rss_has_function(u8 function)
{
	return function == ETH_RSS_HASH_NO_CHANGE || function == ETH_RSS_HASH_TOP;
}

#if WEIR_HAVE_RXFH_PARAM
#if WEIR_HAVE_RSS_SYM_XOR || WEIR_HAVE_RSS_INPUT_XFRM
static u8 weir_rss_transform(const struct weir_rss *rss)
{
	return rss->function == WEIR_HASH_FUNCTION_SYMMETRIC_XOR ? RXH_XFRM_SYM_XOR : 0;
}
#endif

int weir_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param)
{
	const struct weir_rss *rss = &weir_of(netdev)->rss;

	param->hfunc = ETH_RSS_HASH_TOP;
#if WEIR_HAVE_RSS_SYM_XOR || WEIR_HAVE_RSS_INPUT_XFRM
	param->input_xfrm = weir_rss_transform(rss);
#endif
	weir_rss_read(rss, param->indir, param->key);
	return 0;
}

/* Takes over what the user wants changed. */
static int weir_rss_apply(struct weir_rss *rss, const struct ethtool_rxfh_param *param,
			  struct netlink_ext_ack *extack)
{
	if (!weir_rss_has_function(param->hfunc)) {
		NL_SET_ERR_MSG_MOD(extack, "the card hashes by Toeplitz only: hfunc toeplitz");
		return -EOPNOTSUPP;
	}
#if WEIR_HAVE_RSS_SYM_XOR || WEIR_HAVE_RSS_INPUT_XFRM
	if (param->input_xfrm != RXH_XFRM_NO_CHANGE)
		rss->function = param->input_xfrm & RXH_XFRM_SYM_XOR ?
					WEIR_HASH_FUNCTION_SYMMETRIC_XOR :
					WEIR_HASH_FUNCTION_TOEPLITZ;
#endif
	weir_rss_write(rss, param->indir, param->key);
	return 0;
}

int weir_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param,
		  struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rss rss = weir->rss;

	return weir_rss_apply(&rss, param, extack) ?: weir_rss_change(weir, &rss);
}
#else
int weir_get_rxfh(struct net_device *netdev, u32 *table, u8 *key, u8 *function)
{
	if (function)
		*function = ETH_RSS_HASH_TOP;
	weir_rss_read(&weir_of(netdev)->rss, table, key);
	return 0;
}

int weir_set_rxfh(struct net_device *netdev, const u32 *table, const u8 *key, const u8 function)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rss rss = weir->rss;

	if (!weir_rss_has_function(function))
		return -EOPNOTSUPP;
	weir_rss_write(&rss, table, key);
	return weir_rss_change(weir, &rss);
}
#endif

#if WEIR_HAVE_RXFH_CONTEXT_CREATE
/* The kernel chooses the number, and shows the user what it keeps of a context itself: what he had no wish for it learns here. */
int weir_create_rxfh_context(struct net_device *netdev, struct ethtool_rxfh_context *context,
			     const struct ethtool_rxfh_param *param, struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rss rss;
	int err;

	weir_context_init(weir, &rss);
	err = weir_rss_apply(&rss, param, extack) ?:
		      weir_context_set(weir, param->rss_context, &rss);
	if (err)
		return err;
	weir_rss_read(&rss, param->indir ? NULL : ethtool_rxfh_context_indir(context),
		      param->key ? NULL : ethtool_rxfh_context_key(context));
	context->hfunc = ETH_RSS_HASH_TOP;
	context->input_xfrm = weir_rss_transform(&rss);
	return 0;
}

int weir_modify_rxfh_context(struct net_device *netdev, struct ethtool_rxfh_context *context,
			     const struct ethtool_rxfh_param *param, struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rss rss;

	if (!weir_context_exists(weir, param->rss_context))
		return -ENOENT;
	rss = *weir_context_rss(weir, param->rss_context);
	return weir_rss_apply(&rss, param, extack) ?:
		       weir_context_set(weir, param->rss_context, &rss);
}

int weir_remove_rxfh_context(struct net_device *netdev, struct ethtool_rxfh_context *context,
			     u32 number, struct netlink_ext_ack *extack)
{
	return weir_context_delete(weir_of(netdev), number);
}
#endif

#if WEIR_HAVE_RXFH_CONTEXT_OPS
int weir_get_rxfh_context(struct net_device *netdev, u32 *table, u8 *key, u8 *function, u32 number)
{
	const struct weir_rss *rss = weir_context_rss(weir_of(netdev), number);

	if (!rss)
		return -ENOENT;
	if (function)
		*function = ETH_RSS_HASH_TOP;
	weir_rss_read(rss, table, key);
	return 0;
}

int weir_set_rxfh_context(struct net_device *netdev, const u32 *table, const u8 *key,
			  const u8 function, u32 *number, bool delete)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rss rss;
	int chosen = *number, err;

	if (delete)
		return weir_context_delete(weir, *number);
	if (!weir_rss_has_function(function))
		return -EOPNOTSUPP;
	if (*number == ETH_RXFH_CONTEXT_ALLOC) {
		chosen = weir_context_choose(weir);
		if (chosen < 0)
			return chosen;
		weir_context_init(weir, &rss);
	} else if (weir_context_exists(weir, *number)) {
		rss = *weir_context_rss(weir, *number);
	} else {
		return -ENOENT;
	}
	weir_rss_write(&rss, table, key);
	err = weir_context_set(weir, chosen, &rss);
	if (!err)
		*number = chosen;
	return err;
}
#endif

/* --- what is hashed --- */

/* ethtool's kinds of flows: the types that hash their addresses, and their ports (0: they have none). */
static const struct weir_rss_flow {
	u32 flow;
	u16 addresses;
	u16 ports;
} weir_rss_flows[] = {
	{ TCP_V4_FLOW, WEIR_HASH_TYPE_IPV4, WEIR_HASH_TYPE_IPV4_TCP },
	{ UDP_V4_FLOW, WEIR_HASH_TYPE_IPV4, WEIR_HASH_TYPE_IPV4_UDP },
	{ SCTP_V4_FLOW, WEIR_HASH_TYPE_IPV4, WEIR_HASH_TYPE_IPV4_SCTP },
	{ AH_ESP_V4_FLOW, WEIR_HASH_TYPE_IPV4, 0 },
	{ AH_V4_FLOW, WEIR_HASH_TYPE_IPV4, 0 },
	{ ESP_V4_FLOW, WEIR_HASH_TYPE_IPV4, 0 },
	{ IPV4_FLOW, WEIR_HASH_TYPE_IPV4, 0 },
	{ TCP_V6_FLOW, WEIR_HASH_TYPE_IPV6, WEIR_HASH_TYPE_IPV6_TCP },
	{ UDP_V6_FLOW, WEIR_HASH_TYPE_IPV6, WEIR_HASH_TYPE_IPV6_UDP },
	{ SCTP_V6_FLOW, WEIR_HASH_TYPE_IPV6, WEIR_HASH_TYPE_IPV6_SCTP },
	{ AH_ESP_V6_FLOW, WEIR_HASH_TYPE_IPV6, 0 },
	{ AH_V6_FLOW, WEIR_HASH_TYPE_IPV6, 0 },
	{ ESP_V6_FLOW, WEIR_HASH_TYPE_IPV6, 0 },
	{ IPV6_FLOW, WEIR_HASH_TYPE_IPV6, 0 },
};

static const struct weir_rss_flow *weir_rss_flow_of(u32 flow)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(weir_rss_flows); i++)
		if (weir_rss_flows[i].flow == flow)
			return &weir_rss_flows[i];
	return NULL;
}

/**
 * weir_get_hash_fields() - what is hashed of some flows
 * @rss: by these settings
 * @flow_type: which flows (ethtool's TCP_V4_FLOW …)
 * @fields: filled in: RXH_…
 *
 * Return: 0, or -EINVAL: no such flows.
 */
int weir_get_hash_fields(const struct weir_rss *rss, u32 flow_type, u32 *fields)
{
	const struct weir_rss_flow *flow = weir_rss_flow_of(flow_type);

	*fields = 0;
	if (!flow)
		return -EINVAL;
	if (rss->types & flow->ports)
		*fields = WEIR_RXH_ADDRESSES | WEIR_RXH_PORTS;
	else if (rss->types & flow->addresses)
		*fields = WEIR_RXH_ADDRESSES;
	return 0;
}

/* A protocol without its ports is hashed as any other of its version of IP is: by the addresses, or (when IPv4 or IPv6 as such are
 * not hashed) not at all. Wishes that this cannot meet are refused. */
static int weir_rss_choose_fields(struct weir_rss *rss, u32 flow_type, u64 fields)
{
	const struct weir_rss_flow *flow = weir_rss_flow_of(flow_type);

	if (!flow)
		return -EINVAL;
	if (flow->ports && fields == (WEIR_RXH_ADDRESSES | WEIR_RXH_PORTS)) {
		rss->types |= flow->ports;
	} else if (flow->ports) {
		if (fields != (rss->types & flow->addresses ? WEIR_RXH_ADDRESSES : 0))
			return -EINVAL;
		rss->types &= ~flow->ports;
	} else if (fields == WEIR_RXH_ADDRESSES) {
		rss->types |= flow->addresses;
	} else if (!fields) {
		rss->types &= ~flow->addresses;
	} else {
		return -EINVAL;
	}
	return 0;
}

/**
 * weir_set_hash_fields() - choose what is hashed of some flows
 * @weir: the function
 * @context: of this context; 0: of the interface itself
 * @flow_type: which flows
 * @fields: RXH_…
 *
 * Return: 0; -EINVAL: the card cannot; -ENOENT: no such context; or another negative errno.
 */
int weir_set_hash_fields(struct weir_device *weir, u32 context, u32 flow_type, u64 fields)
{
	const struct weir_rss *now = weir_context_rss(weir, context);
	struct weir_rss rss;
	int err;

	if (!now)
		return -ENOENT;
	rss = *now;
	err = weir_rss_choose_fields(&rss, flow_type, fields);
	if (err)
		return err;
	return context ? weir_context_set(weir, context, &rss) : weir_rss_change(weir, &rss);
}

#if WEIR_HAVE_RXFH_FIELDS
int weir_get_rxfh_fields(struct net_device *netdev, struct ethtool_rxfh_fields *fields)
{
	const struct weir_rss *rss = weir_context_rss(weir_of(netdev), fields->rss_context);

	return rss ? weir_get_hash_fields(rss, fields->flow_type, &fields->data) : -ENOENT;
}

int weir_set_rxfh_fields(struct net_device *netdev, const struct ethtool_rxfh_fields *fields,
			 struct netlink_ext_ack *extack)
{
	int err = weir_set_hash_fields(weir_of(netdev), fields->rss_context, fields->flow_type,
				       fields->data);

	if (err == -EINVAL)
		NL_SET_ERR_MSG_MOD(extack, "the card hashes both addresses or none of a kind of flows, and both ports or none");
	return err;
}
#endif
