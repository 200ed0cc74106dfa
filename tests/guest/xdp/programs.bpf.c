// SPDX-License-Identifier: BSD-3-Clause
/*
 * XDP programs for the tests in guests. All but `stranger` touch only frames of the tests' own ethertype and let the others pass;
 * those in xdp.frags take frames of several buffers.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETHERTYPE      0x88b5
#define META	       0x57454952
#define KEPT_BYTES     5000
#define MORE_BYTES     100
#define TOO_MANY_BYTES 300

struct addresses {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
};

/* Key 0: what frames to another interface get instead of theirs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct addresses);
} rewrite SEC(".maps");

/* Key 0: that interface */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} processors SEC(".maps");

/* Key 0: frames that the stack had with the metadata of pass_meta */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} with_meta SEC(".maps");

/* The frame's Ethernet header if it is one of the tests'. */
static __always_inline struct ethhdr *ours(const struct xdp_md *frame)
{
	void *end = (void *)(long)frame->data_end;
	struct ethhdr *header = (void *)(long)frame->data;

	if ((void *)(header + 1) > end || header->h_proto != bpf_htons(ETHERTYPE))
		return NULL;
	return header;
}

static __always_inline void swap(struct ethhdr *header)
{
	__u8 address[ETH_ALEN];

	__builtin_memcpy(address, header->h_dest, ETH_ALEN);
	__builtin_memcpy(header->h_dest, header->h_source, ETH_ALEN);
	__builtin_memcpy(header->h_source, address, ETH_ALEN);
}

SEC("xdp.frags")
int pass(struct xdp_md *frame)
{
	(void)frame;
	return XDP_PASS;
}

/* The same, for whole frames only */
SEC("xdp")
int pass_whole(struct xdp_md *frame)
{
	(void)frame;
	return XDP_PASS;
}

SEC("xdp.frags")
int drop(struct xdp_md *frame)
{
	return ours(frame) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int abort_all(struct xdp_md *frame)
{
	return ours(frame) ? XDP_ABORTED : XDP_PASS;
}

/* Says what no program may say. */
SEC("xdp.frags")
int stranger(struct xdp_md *frame)
{
	return ours(frame) ? 100 : XDP_PASS;
}

SEC("xdp.frags")
int bounce(struct xdp_md *frame)
{
	struct ethhdr *header = ours(frame);

	if (!header)
		return XDP_PASS;
	swap(header);
	return XDP_TX;
}

SEC("xdp")
int bounce_whole(struct xdp_md *frame)
{
	struct ethhdr *header = ours(frame);

	if (!header)
		return XDP_PASS;
	swap(header);
	return XDP_TX;
}

/* Sends the first KEPT_BYTES back: buffers behind them go. */
SEC("xdp.frags")
int bounce_cut(struct xdp_md *frame)
{
	struct ethhdr *header = ours(frame);

	if (!header)
		return XDP_PASS;
	swap(header);
	if (bpf_xdp_adjust_tail(frame, KEPT_BYTES - (int)bpf_xdp_get_buff_len(frame)))
		return XDP_ABORTED;
	return XDP_TX;
}

/* Sends the frame back with MORE_BYTES of zeroes behind it. */
SEC("xdp.frags")
int bounce_longer(struct xdp_md *frame)
{
	struct ethhdr *header = ours(frame);

	if (!header)
		return XDP_PASS;
	swap(header);
	if (bpf_xdp_adjust_tail(frame, MORE_BYTES))
		return XDP_ABORTED;
	return XDP_TX;
}

/* Makes a frame of 9000 bytes longer than the card takes. */
SEC("xdp.frags")
int bounce_too_long(struct xdp_md *frame)
{
	if (!ours(frame))
		return XDP_PASS;
	return bpf_xdp_adjust_tail(frame, TOO_MANY_BYTES) ? XDP_ABORTED : XDP_TX;
}

SEC("xdp.frags")
int to_device(struct xdp_md *frame)
{
	struct ethhdr *header = ours(frame);
	struct addresses *addresses;
	__u32 key = 0;

	addresses = bpf_map_lookup_elem(&rewrite, &key);
	if (!header || !addresses)
		return XDP_PASS;
	__builtin_memcpy(header->h_dest, addresses->destination, ETH_ALEN);
	__builtin_memcpy(header->h_source, addresses->source, ETH_ALEN);
	return bpf_redirect_map(&devices, 0, XDP_ABORTED);
}

SEC("xdp.frags")
int to_processor(struct xdp_md *frame)
{
	return ours(frame) ? bpf_redirect_map(&processors, 1, XDP_ABORTED) : XDP_PASS;
}

/* Tells the stack something in front of the frame. */
SEC("xdp.frags")
int pass_meta(struct xdp_md *frame)
{
	__u32 *meta;

	if (!ours(frame))
		return XDP_PASS;
	if (bpf_xdp_adjust_meta(frame, -(int)sizeof(*meta)))
		return XDP_ABORTED;
	meta = (void *)(long)frame->data_meta;
	if ((void *)(meta + 1) > (void *)(long)frame->data)
		return XDP_ABORTED;
	*meta = META;
	return XDP_PASS;
}

/* What the stack makes of that */
SEC("tc")
int count_meta(struct __sk_buff *skb)
{
	__u32 *meta = (void *)(long)skb->data_meta;
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&with_meta, &key);

	if (count && (void *)(meta + 1) <= (void *)(long)skb->data && *meta == META)
		__sync_fetch_and_add(count, 1);
	return TC_ACT_OK;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
