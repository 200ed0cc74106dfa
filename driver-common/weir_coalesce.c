// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive coalescing (specs/coalescing.md): TCP segments that the card has made one frame of. Its
 * aggregates keep every bit of their segments, and can be cut into them again: that is what
 * NETIF_F_GRO_HW promises, and forwarding and bridging need not be protected from it, as they need
 * from NETIF_F_LRO, which the core turns off there and which is not offered.
 */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>

#include "weir_coalesce.h"
#include "weir_page_pool.h"
#include "weir_xdp.h"

/**
 * weir_coalesce_offer() - coalescing becomes what the interface offers, if the card does it
 * @netdev: the interface, the features that are on from the beginning set
 *
 * It is off until asked for (ethtool -K ... rx-gro-hw on): aggregates take many buffers at once.
 */
void weir_coalesce_offer(struct net_device *netdev)
{
	if (weir_of(netdev)->features & WEIR_REG_FEATURES_RECEIVE_COALESCING_MASK)
		netdev->hw_features |= NETIF_F_GRO_HW;
}

/**
 * weir_coalesce_most_bytes() - the longest aggregate for which an skb has room
 * @buffer_bytes: of a receive buffer, each of which is a fragment
 *
 * Return: bytes, headers included.
 */
u32 weir_coalesce_most_bytes(u16 buffer_bytes)
{
	return min_t(u32, buffer_bytes * MAX_SKB_FRAGS, WEIR_COALESCE_BYTES_MAX);
}

static int weir_coalesce_send(struct weir_device *weir, u16 us)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_VPORT_SET);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_COALESCE_US, us);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

/**
 * weir_coalesce_tell() - tell the card how long aggregates may wait, if the user lets them
 * @weir: the function; under RTNL
 *
 * Return: 0 or a negative errno.
 */
int weir_coalesce_tell(struct weir_device *weir)
{
	return weir->coalesce_us ? weir_coalesce_send(weir, weir->coalesce_us) : 0;
}

/**
 * weir_coalesce_wait() - how long aggregates may wait for more segments, from now on
 * @weir: the function; under RTNL
 * @us: microseconds; 0: they do not wait
 *
 * Kept here, and told to the card at every start, so that it outlives resets.
 *
 * Return: 0 or a negative errno.
 */
int weir_coalesce_wait(struct weir_device *weir, u16 us)
{
	int err = 0;

	if (!(weir->features & WEIR_REG_FEATURES_RECEIVE_COALESCING_MASK))
		return -EOPNOTSUPP;
	if (us > WEIR_COALESCE_US_MAX)
		return -EINVAL;
	/* Else the next start does it. */
	if (weir->data && weir_state_get(weir) == WEIR_STATE_RUNNING)
		err = weir_coalesce_send(weir, us);
	if (!err)
		weir->coalesce_us = us;
	return err;
}

/**
 * weir_fix_features() - ndo_fix_features
 * @netdev: the interface
 * @features: what is wanted
 *
 * XDP programs see frames as they came; who turns GRO off wants to see packets so, too.
 *
 * Return: what can be.
 */
netdev_features_t weir_fix_features(struct net_device *netdev, netdev_features_t features)
{
	if (!(features & NETIF_F_GRO) || rcu_access_pointer(weir_of(netdev)->xdp_program))
		features &= ~NETIF_F_GRO_HW;
	return features;
}

/*
 * Where TCP's header begins in an aggregate of which @bytes are at hand.
 * Return: bytes from the beginning, 0: there is none; then *@header has where it ends.
 */
static unsigned int weir_coalesce_l4(const void *data, unsigned int bytes, u16 segment,
				     unsigned int *header)
{
	unsigned int at = ETH_HLEN, tags;
	const struct tcphdr *tcp;
	__be16 type;

	if (bytes < ETH_HLEN)
		return 0;
	type = ((const struct ethhdr *)data)->h_proto;
	for (tags = 0; tags < 2 && eth_type_vlan(type); tags++) {
		if (at + VLAN_HLEN > bytes)
			return 0;
		type = ((const struct vlan_hdr *)(data + at))->h_vlan_encapsulated_proto;
		at += VLAN_HLEN;
	}
	/* Neither has options or extension headers. */
	if (WEIR_GET(WEIR_RXA_L3, segment) == WEIR_PACKET_L3_IPV4 && type == htons(ETH_P_IP))
		at += sizeof(struct iphdr);
	else if (WEIR_GET(WEIR_RXA_L3, segment) == WEIR_PACKET_L3_IPV6 && type == htons(ETH_P_IPV6))
		at += sizeof(struct ipv6hdr);
	else
		return 0;
	if (at + sizeof(*tcp) > bytes)
		return 0;
	tcp = data + at;
	*header = at + tcp->doff * 4;
	return tcp->doff < sizeof(*tcp) / 4 || *header > bytes ? 0 : at;
}

/**
 * weir_coalesce_add() - add a buffer to the aggregate that is being put together
 * @pair: its queue pair
 * @page: the buffer, synchronised; taken, or given back to the pool
 * @bytes: what it holds
 * @segment: rx_aggregate.segment
 *
 * The skb's head has the headers alone, and all payload lies in fragments: GRO may chain aggregates,
 * and skb_segment() cuts no chain of heads that are longer than a segment.
 *
 * Return: false if the packet cannot go on.
 */
bool weir_coalesce_add(struct weir_pair *pair, struct page *page, unsigned int bytes, u16 segment)
{
	struct weir_rx_ring *rx = pair->rx;
	unsigned int offset = weir_rx_offset(), header;
	struct sk_buff *skb = rx->partial;

	if (!skb) {
		void *data = page_address(page) + offset;

		if (likely(weir_coalesce_l4(data, bytes, segment, &header)))
			skb = napi_alloc_skb(&pair->napi, header);
		if (unlikely(!skb))
			goto err;
		skb_put_data(skb, data, header);
		skb_mark_for_recycle(skb);
		rx->partial = skb;
		offset += header;
		bytes -= header;
	}
	if (unlikely(!bytes || skb_shinfo(skb)->nr_frags >= MAX_SKB_FRAGS))
		goto err;
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, offset, bytes, rx->page_bytes);
	return true;

err:
	page_pool_recycle_direct(rx->pool, page);
	return false;
}

/**
 * weir_coalesce_describe() - make an aggregate one that the stack knows how to cut
 * @skb: the frame, from its Ethernet header on
 * @flags: of its completion
 * @segment: rx_aggregate.segment
 * @bytes: filled with what its segments had on the wire, headers included
 *
 * TCP's checksum field holds the pseudo header's sum, as in a packet that is sent with
 * CHECKSUM_PARTIAL; the segments' own checksums were right.
 *
 * Return: how many segments it has; 0 if it cannot be one.
 */
unsigned int weir_coalesce_describe(struct sk_buff *skb, u32 flags, u16 segment,
				    unsigned int *bytes)
{
	struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int size = WEIR_GET(WEIR_RXA_PAYLOAD, segment), l4, header, segments;

	l4 = weir_coalesce_l4(skb->data, skb_headlen(skb), segment, &header);
	if (unlikely(!l4 || !size || header + size >= skb->len))
		return 0;
	segments = DIV_ROUND_UP(skb->len - header, size);
	info->gso_size = size;
	info->gso_segs = segments;
	info->gso_type = WEIR_GET(WEIR_RXA_L3, segment) == WEIR_PACKET_L3_IPV6 ? SKB_GSO_TCPV6 :
										 SKB_GSO_TCPV4;
	if (flags & WEIR_RXC_COALESCED_FIXED_ID_MASK)
		info->gso_type |= SKB_GSO_TCP_FIXEDID;
	if (((const struct tcphdr *)(skb->data + l4))->cwr)
		info->gso_type |= SKB_GSO_TCP_ECN;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + l4;
	skb->csum_offset = offsetof(struct tcphdr, check);
	*bytes = skb->len + (segments - 1) * header;
	return segments;
}
