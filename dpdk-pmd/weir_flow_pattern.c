/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From rte_flow's words to a steering rule's. Each item is a header: pieces of it are fields of the key. Bits of an item's mask that no
 * piece takes away cannot be looked at, and are refused.
 */
#include "weir_flow.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <rte_common.h>

#include "weir_device.h"

#define PIECES		4
#define ITEM_BYTES_MAX	64
#define PRIORITY_LOWEST (WEIR_FLOW_PRIORITIES - 1u)
/* A TPID that the card knows has this bit, 8100h as well as 88A8h; without a tag there is zero. */
#define TAGGED 0x80

/* An item while it is taken apart: what of the mask has been dealt with is zero. */
struct item {
	uint8_t spec[ITEM_BYTES_MAX], mask[ITEM_BYTES_MAX];
	bool tag_follows; /* the next item is a VLAN tag */
};

#define KEY(member_) offsetof(struct weir_steer_key, member_)
#define PIECE(type_, member_, key_)                                                \
	{                                                                          \
		offsetof(type_, member_), sizeof(((type_ *)0)->member_), KEY(key_) \
	}

/* Takes `bytes` bytes at `from` of an item into the key at `to`. */
static void take(struct item *item, size_t from, size_t bytes, struct weir_flow_rule *rule,
		 size_t to)
{
	uint8_t *key = (uint8_t *)&rule->key + to, *mask = (uint8_t *)&rule->mask + to;

	for (size_t i = 0; i < bytes; i++) {
		mask[i] |= item->mask[from + i];
		key[i] = (uint8_t)((key[i] & ~item->mask[from + i]) |
				   (item->spec[from + i] & item->mask[from + i]));
		item->mask[from + i] = 0;
	}
}

static void require_tag(struct weir_flow_rule *rule)
{
	rule->key.vlan_protocol[0] |= TAGGED;
	rule->mask.vlan_protocol[0] |= TAGGED;
}

/* The type behind the addresses is a tag's, or what is behind the tag; and whether there is a tag may be asked by itself. */
static void take_ethernet(struct item *item, struct weir_flow_rule *rule)
{
	struct rte_flow_item_eth spec, mask;

	take(item, offsetof(struct rte_flow_item_eth, hdr.ether_type), 2, rule,
	     item->tag_follows ? KEY(vlan_protocol) : KEY(ethertype));
	memcpy(&spec, item->spec, sizeof(spec));
	memcpy(&mask, item->mask, sizeof(mask));
	if (!mask.has_vlan)
		return;
	rule->mask.vlan_protocol[0] |= TAGGED;
	if (spec.has_vlan)
		rule->key.vlan_protocol[0] |= TAGGED;
	mask.has_vlan = 0;
	memcpy(item->mask, &mask, sizeof(mask));
}

static void take_tag(struct item *item, struct weir_flow_rule *rule)
{
	RTE_SET_USED(item);
	if (!rule->mask.vlan_protocol[0])
		require_tag(rule);
}

/* The traffic class is eight bits behind the four of the version. */
static void take_ipv6(struct item *item, struct weir_flow_rule *rule)
{
	const uint8_t *spec = item->spec;
	uint8_t *mask = item->mask;

	rule->mask.traffic_class = (uint8_t)(mask[0] << 4 | mask[1] >> 4);
	rule->key.traffic_class = (uint8_t)(spec[0] << 4 | spec[1] >> 4) & rule->mask.traffic_class;
	mask[0] &= 0xf0;
	mask[1] &= 0x0f;
}

/* What there is to say of a kind of item. */
static const struct kind {
	enum rte_flow_item_type type;
	uint8_t level; /* items come in the order of their levels */
	uint8_t bytes;
	const void *default_mask;
	struct {
		uint8_t from, bytes, to;
	} pieces[PIECES];
	void (*take)(struct item *item, struct weir_flow_rule *rule); /* more of it; NULL: no more */
	/* what the item's being there says; 0: nothing */
	uint8_t l3, protocol, tunnel;
} kinds[] = {
	{ .type = RTE_FLOW_ITEM_TYPE_ETH,
	  .level = 1,
	  .bytes = sizeof(struct rte_flow_item_eth),
	  .default_mask = &rte_flow_item_eth_mask,
	  .pieces = { PIECE(struct rte_flow_item_eth, hdr.dst_addr, destination),
		      PIECE(struct rte_flow_item_eth, hdr.src_addr, source) },
	  .take = take_ethernet },
	{ .type = RTE_FLOW_ITEM_TYPE_VLAN,
	  .level = 2,
	  .bytes = sizeof(struct rte_flow_item_vlan),
	  .default_mask = &rte_flow_item_vlan_mask,
	  .pieces = { PIECE(struct rte_flow_item_vlan, hdr.vlan_tci, vlan_tci),
		      PIECE(struct rte_flow_item_vlan, hdr.eth_proto, ethertype) },
	  .take = take_tag },
	{ .type = RTE_FLOW_ITEM_TYPE_IPV4,
	  .level = 3,
	  .bytes = sizeof(struct rte_flow_item_ipv4),
	  .default_mask = &rte_flow_item_ipv4_mask,
	  .pieces = { PIECE(struct rte_flow_item_ipv4, hdr.src_addr, source_address),
		      PIECE(struct rte_flow_item_ipv4, hdr.dst_addr, destination_address),
		      PIECE(struct rte_flow_item_ipv4, hdr.type_of_service, traffic_class),
		      PIECE(struct rte_flow_item_ipv4, hdr.next_proto_id, protocol) },
	  .l3 = WEIR_PACKET_L3_IPV4 },
	{ .type = RTE_FLOW_ITEM_TYPE_IPV6,
	  .level = 3,
	  .bytes = sizeof(struct rte_flow_item_ipv6),
	  .default_mask = &rte_flow_item_ipv6_mask,
	  .pieces = { PIECE(struct rte_flow_item_ipv6, hdr.src_addr, source_address),
		      PIECE(struct rte_flow_item_ipv6, hdr.dst_addr, destination_address),
		      PIECE(struct rte_flow_item_ipv6, hdr.proto, protocol) },
	  .take = take_ipv6,
	  .l3 = WEIR_PACKET_L3_IPV6 },
	{ .type = RTE_FLOW_ITEM_TYPE_TCP,
	  .level = 4,
	  .bytes = sizeof(struct rte_flow_item_tcp),
	  .default_mask = &rte_flow_item_tcp_mask,
	  .pieces = { PIECE(struct rte_flow_item_tcp, hdr.src_port, source_port),
		      PIECE(struct rte_flow_item_tcp, hdr.dst_port, destination_port) },
	  .protocol = IPPROTO_TCP },
	{ .type = RTE_FLOW_ITEM_TYPE_UDP,
	  .level = 4,
	  .bytes = sizeof(struct rte_flow_item_udp),
	  .default_mask = &rte_flow_item_udp_mask,
	  .pieces = { PIECE(struct rte_flow_item_udp, hdr.src_port, source_port),
		      PIECE(struct rte_flow_item_udp, hdr.dst_port, destination_port) },
	  .protocol = IPPROTO_UDP },
	{ .type = RTE_FLOW_ITEM_TYPE_SCTP,
	  .level = 4,
	  .bytes = sizeof(struct rte_flow_item_sctp),
	  .default_mask = &rte_flow_item_sctp_mask,
	  .pieces = { PIECE(struct rte_flow_item_sctp, hdr.src_port, source_port),
		      PIECE(struct rte_flow_item_sctp, hdr.dst_port, destination_port) },
	  .protocol = IPPROTO_SCTP },
	{ .type = RTE_FLOW_ITEM_TYPE_VXLAN,
	  .level = 5,
	  .bytes = sizeof(struct rte_flow_item_vxlan),
	  .default_mask = &rte_flow_item_vxlan_mask,
	  .pieces = { PIECE(struct rte_flow_item_vxlan, vni, vni) },
	  .tunnel = WEIR_PACKET_TUNNEL_VXLAN },
	{ .type = RTE_FLOW_ITEM_TYPE_GENEVE,
	  .level = 5,
	  .bytes = sizeof(struct rte_flow_item_geneve),
	  .default_mask = &rte_flow_item_geneve_mask,
	  .pieces = { PIECE(struct rte_flow_item_geneve, vni, vni) },
	  .tunnel = WEIR_PACKET_TUNNEL_GENEVE },
};

_Static_assert(sizeof(struct rte_flow_item_ipv6) <= ITEM_BYTES_MAX, "the longest item");

static const struct kind *kind_of(enum rte_flow_item_type type)
{
	for (unsigned int i = 0; i < RTE_DIM(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

/* An octet that must be this, 0: any; false: it must be something else already. */
static bool exactly(uint8_t *key, uint8_t *mask, uint8_t value)
{
	if (!value)
		return true;
	if ((*key ^ value) & *mask)
		return false;
	*key = value;
	*mask = 0xff;
	return true;
}

static const struct rte_flow_item *skip_void(const struct rte_flow_item *item)
{
	while (item->type == RTE_FLOW_ITEM_TYPE_VOID)
		item++;
	return item;
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
	while (count--)
		if (bytes[count])
			return false;
	return true;
}

static int take_item(const struct kind *kind, const struct rte_flow_item *from,
		     struct weir_flow_rule *rule, struct rte_flow_error *error)
{
	struct item item = {
		.tag_follows = skip_void(from + 1)->type == RTE_FLOW_ITEM_TYPE_VLAN,
	};

	if (from->last)
		return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST, from->last,
					  "ranges are not supported, masks are");
	if (!from->spec && from->mask)
		return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, from,
					  "a mask without a spec");
	if (from->spec) {
		memcpy(item.spec, from->spec, kind->bytes);
		memcpy(item.mask, from->mask ? from->mask : kind->default_mask, kind->bytes);
	}
	for (unsigned int i = 0; i < PIECES; i++)
		take(&item, kind->pieces[i].from, kind->pieces[i].bytes, rule, kind->pieces[i].to);
	if (kind->take)
		kind->take(&item, rule);
	if (!is_zero(item.mask, kind->bytes))
		return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK, from,
					  "the mask has a field that cannot be looked at");
	if (!exactly(&rule->key.l3, &rule->mask.l3, kind->l3) ||
	    !exactly(&rule->key.protocol, &rule->mask.protocol, kind->protocol) ||
	    !exactly(&rule->key.tunnel, &rule->mask.tunnel, kind->tunnel))
		return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, from,
					  "the header is not what the one around it says");
	return 0;
}

static int take_pattern(const struct rte_flow_item *item, struct weir_flow_rule *rule,
			struct rte_flow_error *error)
{
	unsigned int level = 0;

	for (item = skip_void(item); item->type != RTE_FLOW_ITEM_TYPE_END;
	     item = skip_void(item + 1)) {
		const struct kind *kind = kind_of(item->type);
		int result;

		if (!kind)
			return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item,
						  "no such header can be looked at");
		if (kind->level <= level)
			return rte_flow_error_set(
				error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item,
				"one header each, in the order ETH, VLAN, IP, L4, tunnel; nothing inside a tunnel");
		level = kind->level;
		result = take_item(kind, item, rule, error);
		if (result)
			return result;
	}
	return 0;
}

static int take_attributes(const struct rte_flow_attr *attr, struct weir_flow_rule *rule,
			   struct rte_flow_error *error)
{
	if (attr->group)
		return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_GROUP, NULL,
					  "there is one group, 0");
	if (attr->egress || attr->transfer || !attr->ingress)
		return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_INGRESS, NULL,
					  "rules are about ingress");
	if (attr->priority > PRIORITY_LOWEST)
		return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY, NULL,
					  "priorities are 0 to 15");
	rule->priority = attr->priority;
	return 0;
}

int weir_flow_translate(const struct rte_flow_attr *attr, const struct rte_flow_item *pattern,
			const struct rte_flow_action *actions, const struct weir_device *device,
			struct weir_flow_rule *rule, struct rte_flow_error *error)
{
	int result;

	*rule = (struct weir_flow_rule){ 0 };
	result = take_attributes(attr, rule, error);
	if (!result)
		result = take_pattern(pattern, rule, error);
	if (!result)
		result = weir_flow_take_actions(actions, device, rule, error);
	return result;
}
