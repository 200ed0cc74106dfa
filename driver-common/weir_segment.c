// SPDX-License-Identifier: GPL-2.0-only
/* Long TCP and UDP packets that the card cuts into segments: TSO and USO (specs/segmentation.md). */
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "weir_hw.h"
#include "weir_tx.h"

/* Identifications that the segments of a packet in a tunnel keep: of the outer header, of the inner one */
#if WEIR_HAVE_GSO_FIXEDID_INNER
#define WEIR_GSO_FIXED_IN_TUNNEL (SKB_GSO_TCP_FIXEDID | SKB_GSO_TCP_FIXEDID_INNER)
#else
#define WEIR_GSO_FIXED_IN_TUNNEL SKB_GSO_TCP_FIXEDID
#endif

#define WEIR_PORT_VXLAN 4789
#define WEIR_PORT_GENEVE 6081

#define WEIR_FEATURES_SEGMENT \
	(NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN | NETIF_F_TSO_MANGLEID | NETIF_F_GSO_UDP_L4)
#define WEIR_FEATURES_SEGMENT_TUNNEL (NETIF_F_GSO_UDP_TUNNEL | NETIF_F_GSO_UDP_TUNNEL_CSUM)

/**
 * weir_segment_offer() - segmentation becomes what the interface offers, if the card does it
 * @netdev: the interface, its checksum features set
 *
 * TSO_MANGLEID is offered since identifications are counted or kept as each skb wants it.
 */
void weir_segment_offer(struct net_device *netdev)
{
	const struct weir_device *weir = weir_of(netdev);

	if (!(weir->features & WEIR_REG_FEATURES_SEGMENTATION_MASK))
		return;
	netdev->hw_features |= WEIR_FEATURES_SEGMENT | WEIR_FEATURES_SEGMENT_TUNNEL;
	netdev->vlan_features |= WEIR_FEATURES_SEGMENT;
	netdev->hw_enc_features |= WEIR_FEATURES_SEGMENT | WEIR_FEATURES_SEGMENT_TUNNEL;
	netif_set_tso_max_size(netdev, GSO_LEGACY_MAX_SIZE);
}

/*
 * From the packet's beginning to its payload.
 * Return: bytes; 0 if the headers do not lie in the skb's head.
 */
static unsigned int weir_segment_header_bytes(const struct sk_buff *skb)
{
	unsigned int l4 = skb->encapsulation ? skb_inner_transport_offset(skb) :
					       skb_transport_offset(skb);
	unsigned int bytes = sizeof(struct udphdr);

	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)) {
		bytes = sizeof(struct tcphdr);
		if (l4 + bytes <= skb_headlen(skb))
			bytes = ((const struct tcphdr *)(skb->data + l4))->doff * 4;
	}
	return l4 + bytes <= skb_headlen(skb) ? l4 + bytes : 0;
}

/* Whether the card finds the packet inside of the tunnel, and does with its headers what Linux would. */
static bool weir_segment_knows_tunnel(const struct sk_buff *skb)
{
	__be16 port;

	if (!(skb_shinfo(skb)->gso_type & (SKB_GSO_UDP_TUNNEL | SKB_GSO_UDP_TUNNEL_CSUM)) ||
	    skb_shinfo(skb)->gso_type & WEIR_GSO_FIXED_IN_TUNNEL ||
	    skb->inner_protocol_type != ENCAP_TYPE_ETHER ||
	    skb->inner_protocol != htons(ETH_P_TEB))
		return false;
	if (skb_transport_offset(skb) + sizeof(struct udphdr) > skb_headlen(skb))
		return false;
	port = udp_hdr(skb)->dest;
	return port == htons(WEIR_PORT_VXLAN) || port == htons(WEIR_PORT_GENEVE);
}

/* Whether the card can cut the packet (specs/segmentation.md, "Limits"). */
static bool weir_segment_fits(const struct weir_device *weir, const struct sk_buff *skb)
{
	unsigned int header = weir_segment_header_bytes(skb);
	unsigned int mss = skb_shinfo(skb)->gso_size;

	if (!(weir->features & WEIR_REG_FEATURES_SEGMENTATION_MASK) || !header ||
	    header > WEIR_SEGMENT_HEADER_BYTES || skb->len > WEIR_SEGMENT_FRAME_BYTES ||
	    skb->len <= header)
		return false;
	if (mss < WEIR_SEGMENT_MIN_BYTES || header + mss + VLAN_HLEN > weir->max_frame_bytes)
		return false;
	if (skb_shinfo(skb)->nr_frags + WEIR_TX_MORE_PIECES > weir->max_segments)
		return false;
	return !skb->encapsulation || weir_segment_knows_tunnel(skb);
}

/**
 * weir_features_check() - ndo_features_check: what the card can do for this packet
 * @skb: the packet
 * @netdev: the interface
 * @features: what it can do for most
 *
 * Return: what is left; what the card cannot cut, the stack does.
 */
netdev_features_t weir_features_check(struct sk_buff *skb, struct net_device *netdev,
				      netdev_features_t features)
{
	/* Behind two tags, and one that it puts in, the card finds what it has to; not behind more. */
	if (skb_network_offset(skb) > ETH_HLEN + 2 * VLAN_HLEN)
		features = vlan_features_check(skb, features);
	if (skb_is_gso(skb) && !weir_segment_fits(weir_of(netdev), skb))
		features &= ~NETIF_F_GSO_MASK;
	return features;
}

/* Takes the length out of a pseudo header's sum. */
static void weir_segment_take_length(__sum16 *sum, unsigned int length)
{
	csum_replace_by_diff(sum, (__force __wsum)htonl(length));
}

/**
 * weir_segment_prepare() - make a packet that is to be cut one that the card can cut
 * @weir: the function
 * @skb: the packet; its checksums hold sums of pseudo headers, of which the length is taken out
 *
 * Return: false if the card cannot.
 */
bool weir_segment_prepare(const struct weir_device *weir, struct sk_buff *skb)
{
	unsigned int l4, bytes;
	void *header;

	if (unlikely(skb->ip_summed != CHECKSUM_PARTIAL || !weir_segment_fits(weir, skb)))
		return false;
	if (unlikely(skb_cow_head(skb, 0)))
		return false;
	l4 = skb_checksum_start_offset(skb);
	bytes = skb->len - l4;
	header = skb->data + l4;
	if (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)
		weir_segment_take_length(&((struct udphdr *)header)->check, bytes);
	else
		weir_segment_take_length(&((struct tcphdr *)header)->check, bytes);
	if (skb->encapsulation && skb_shinfo(skb)->gso_type & SKB_GSO_UDP_TUNNEL_CSUM) {
		weir_segment_take_length(&udp_hdr(skb)->check,
					 skb->len - skb_transport_offset(skb));
		/* The same number, and not "none". */
		if (!udp_hdr(skb)->check)
			udp_hdr(skb)->check = CSUM_MANGLED_0;
	}
	return true;
}

/**
 * weir_segment_ask() - what a frame's first descriptors say of cutting it
 * @skb: the packet, prepared
 * @ask: filled, but for what other offloads need
 */
void weir_segment_ask(const struct sk_buff *skb, struct weir_tx_ask *ask)
{
	ask->flags |= WEIR_TXD_SEGMENT_MASK;
	if (skb_shinfo(skb)->gso_type & SKB_GSO_TCP_FIXEDID)
		ask->flags |= WEIR_TXD_FIXED_ID_MASK;
	ask->header_bytes = weir_segment_header_bytes(skb);
	ask->mss = skb_shinfo(skb)->gso_size;
}

/**
 * weir_segment_wire() - what a packet that was cut was on the wire
 * @skb: the packet
 * @frames: segments
 * @bytes: of them all, headers included
 */
void weir_segment_wire(const struct sk_buff *skb, unsigned int *frames, unsigned int *bytes)
{
	unsigned int header = weir_segment_header_bytes(skb);

	*frames = DIV_ROUND_UP(skb->len - header, skb_shinfo(skb)->gso_size);
	*bytes = skb->len + (*frames - 1) * header;
}
