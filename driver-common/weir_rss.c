// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive side scaling (specs/rss.md): what the user wants of it (ethtool -x, -X, -n, -N), kept here and told to the card at every
 * start, so that it outlives resets.
 *
 * Everything here runs under RTNL.
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
int weir_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param)
{
	const struct weir_rss *rss = weir_context_rss(weir_of(netdev), param->rss_context);

	if (!rss)
		return -ENOENT;
	param->hfunc = ETH_RSS_HASH_TOP;
#if WEIR_HAVE_RSS_SYM_XOR
	if (rss->function == WEIR_HASH_FUNCTION_SYMMETRIC_XOR)
		param->input_xfrm = RXH_XFRM_SYM_XOR;
#endif
	weir_rss_read(rss, param->indir, param->key);
	return 0;
}

int weir_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param,
		  struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);
	struct weir_rss rss = weir->rss;

	if (!weir_rss_has_function(param->hfunc)) {
		NL_SET_ERR_MSG_MOD(extack, "the card hashes by Toeplitz only: hfunc toeplitz");
		return -EOPNOTSUPP;
	}
	if (param->rss_context && param->rss_delete)
		return weir_context_delete(weir, param->rss_context);
	if (param->rss_context)
		return weir_context_set(weir, &param->rss_context, param->indir, param->key);
#if WEIR_HAVE_RSS_SYM_XOR
	if (param->input_xfrm != RXH_XFRM_NO_CHANGE)
		rss.function = param->input_xfrm & RXH_XFRM_SYM_XOR ?
				       WEIR_HASH_FUNCTION_SYMMETRIC_XOR :
				       WEIR_HASH_FUNCTION_TOEPLITZ;
#endif
	weir_rss_write(&rss, param->indir, param->key);
	return weir_rss_change(weir, &rss);
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
	if (delete)
		return weir_context_delete(weir_of(netdev), *number);
	if (!weir_rss_has_function(function))
		return -EOPNOTSUPP;
	return weir_context_set(weir_of(netdev), number, table, key);
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
 * weir_get_hash_fields() - ETHTOOL_GRXFH
 * @weir: the function
 * @info: its flow_type says which flows; data is filled in
 *
 * Return: 0, or -EINVAL: no such flows.
 */
int weir_get_hash_fields(const struct weir_device *weir, struct ethtool_rxnfc *info)
{
	const struct weir_rss_flow *flow = weir_rss_flow_of(info->flow_type);

	info->data = 0;
	if (!flow)
		return -EINVAL;
	if (weir->rss.types & flow->ports)
		info->data = WEIR_RXH_ADDRESSES | WEIR_RXH_PORTS;
	else if (weir->rss.types & flow->addresses)
		info->data = WEIR_RXH_ADDRESSES;
	return 0;
}

/**
 * weir_set_hash_fields() - ETHTOOL_SRXFH
 * @weir: the function
 * @info: flow_type, and in data what is hashed of it
 *
 * A protocol without its ports is hashed as any other of its version of IP is: by the addresses, or (when IPv4 or IPv6 as such are
 * not hashed) not at all. Wishes that this cannot meet are refused.
 *
 * Return: 0 or a negative errno.
 */
int weir_set_hash_fields(struct weir_device *weir, const struct ethtool_rxnfc *info)
{
	const struct weir_rss_flow *flow = weir_rss_flow_of(info->flow_type);
	struct weir_rss rss = weir->rss;

	if (!flow)
		return -EINVAL;
	if (flow->ports && info->data == (WEIR_RXH_ADDRESSES | WEIR_RXH_PORTS)) {
		rss.types |= flow->ports;
	} else if (flow->ports) {
		if (info->data != (rss.types & flow->addresses ? WEIR_RXH_ADDRESSES : 0))
			return -EINVAL;
		rss.types &= ~flow->ports;
	} else if (info->data == WEIR_RXH_ADDRESSES) {
		rss.types |= flow->addresses;
	} else if (!info->data) {
		rss.types &= ~flow->addresses;
	} else {
		return -EINVAL;
	}
	return weir_rss_change(weir, &rss);
}
