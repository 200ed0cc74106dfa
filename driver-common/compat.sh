#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Finds out by compiling what the kernel at hand offers, and writes weir_compat.h with a WEIR_HAVE_… of 0 or 1 each.
# usage: compat.sh KERNEL_BUILD_FOLDER OUTPUT_HEADER [make arguments, for example CC=…]

set -eu

kernel=$1
output=$2
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# probe NAME TEXT: NAME is 1 if TEXT compiles
probe()
{
	names="$names $1"
	printf '#include <linux/netdevice.h>\n%s\n' "$2" >"$work/$1.c"
	echo "obj-m += $1.o" >>"$work/Kbuild"
}

names=
echo 'ccflags-y := -Werror' >"$work/Kbuild"

# must always compile: tells a kernel tree that cannot build anything from one that lacks everything
probe ANYTHING ''
probe PAGE_POOL_HELPERS '#include <net/page_pool/helpers.h>'
probe PAGE_POOL_NAPI '
#if __has_include(<net/page_pool/helpers.h>)
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif
void f(struct page_pool_params *p, struct napi_struct *n);
void f(struct page_pool_params *p, struct napi_struct *n) { p->napi = n; }'
probe PAGE_POOL_NETDEV '
#include <net/page_pool/helpers.h>
void f(struct page_pool_params *p, struct net_device *d);
void f(struct page_pool_params *p, struct net_device *d) { p->netdev = d; }'
probe XDP_SKB_FLAGS '
#include <net/xdp.h>
void f(struct sk_buff *s, const struct xdp_buff *b);
void f(struct sk_buff *s, const struct xdp_buff *b)
{ xdp_update_skb_frags_info(s, 1, 1, 1, xdp_buff_get_skb_flags(b)); }'
probe SKB_FRAG_FILL '
#include <linux/skbuff.h>
void f(skb_frag_t *f, struct page *p);
void f(skb_frag_t *f, struct page *p) { skb_frag_fill_page_desc(f, p, 0, 1); }'
probe XDP_FEATURES '
#include <net/xdp.h>
void f(struct net_device *d);
void f(struct net_device *d) { xdp_set_features_flag(d, NETDEV_XDP_ACT_NDO_XMIT_SG); }'
probe DEVLINK_DRIVER_NAME '
#include <net/devlink.h>
int f(struct devlink_info_req *r);
int f(struct devlink_info_req *r) { return devlink_info_driver_name_put(r, "x"); }'
probe DEVLINK_PARAM_GET_EXTACK '
#include <net/devlink.h>
int g(struct devlink *d, u32 i, struct devlink_param_gset_ctx *c, struct netlink_ext_ack *e);
void f(struct devlink_param *p);
void f(struct devlink_param *p) { p->get = g; }'
probe DEVLINK_PARAM_SET_EXTACK '
#include <net/devlink.h>
int g(struct devlink *d, u32 i, struct devlink_param_gset_ctx *c, struct netlink_ext_ack *e);
void f(struct devlink_param *p);
void f(struct devlink_param *p) { p->set = g; }'
probe NETDEV_STAT_OPS '
#include <net/netdev_queues.h>
void f(struct net_device *d, const struct netdev_stat_ops *o, struct netdev_queue_stats_rx *s);
void f(struct net_device *d, const struct netdev_stat_ops *o, struct netdev_queue_stats_rx *s)
{ d->stat_ops = o; s->alloc_fail = 0; }'
probe NET_DIM_POINTER '
#include <linux/dim.h>
void f(struct dim *d, const struct dim_sample *s);
void f(struct dim *d, const struct dim_sample *s) { net_dim(d, s); }'
probe NETDEV_STAT_STOP '
#include <net/netdev_queues.h>
void f(struct netdev_queue_stats_tx *s);
void f(struct netdev_queue_stats_tx *s) { s->stop = 0; s->wake = 0; }'
probe QUEUE_SET_NAPI '
void f(struct net_device *d, struct napi_struct *n);
void f(struct net_device *d, struct napi_struct *n)
{ netif_queue_set_napi(d, 0, NETDEV_QUEUE_TYPE_RX, n); netif_napi_set_irq(n, 1); }'

probe RXFH_PARAM '
#include <linux/ethtool.h>
int g(struct net_device *d, struct ethtool_rxfh_param *p);
void f(struct ethtool_ops *o);
void f(struct ethtool_ops *o) { o->get_rxfh = g; }'
probe RSS_SYM_XOR '
#include <linux/ethtool.h>
u8 f(struct ethtool_ops *o, struct ethtool_rxfh_param *p);
u8 f(struct ethtool_ops *o, struct ethtool_rxfh_param *p)
{ o->cap_rss_sym_xor_supported = 1; p->input_xfrm = RXH_XFRM_SYM_XOR; return RXH_XFRM_NO_CHANGE; }'
probe RSS_INPUT_XFRM '
#include <linux/ethtool.h>
u8 f(struct ethtool_ops *o, struct ethtool_rxfh_param *p);
u8 f(struct ethtool_ops *o, struct ethtool_rxfh_param *p)
{ o->supported_input_xfrm = p->input_xfrm = RXH_XFRM_SYM_XOR; return RXH_XFRM_NO_CHANGE; }'
probe RXFH_FIELDS '
#include <linux/ethtool.h>
int g(struct net_device *d, const struct ethtool_rxfh_fields *p, struct netlink_ext_ack *e);
void f(struct ethtool_ops *o);
void f(struct ethtool_ops *o) { o->set_rxfh_fields = g; o->rxfh_per_ctx_fields = 1; }'
probe RX_RING_COUNT '
#include <linux/ethtool.h>
u32 g(struct net_device *d);
void f(struct ethtool_ops *o);
void f(struct ethtool_ops *o) { o->get_rx_ring_count = g; }'

probe GSO_FIXEDID_INNER '
#include <linux/skbuff.h>
int f(void);
int f(void) { return SKB_GSO_TCP_FIXEDID_INNER; }'
probe NDO_HWTSTAMP '
int g(struct net_device *d, struct kernel_hwtstamp_config *c, struct netlink_ext_ack *e);
void f(struct net_device_ops *o);
void f(struct net_device_ops *o) { o->ndo_hwtstamp_set = g; }'
probe KERNEL_TS_INFO '
#include <linux/ethtool.h>
int g(struct net_device *d, struct kernel_ethtool_ts_info *i);
void f(struct ethtool_ops *o);
void f(struct ethtool_ops *o) { o->get_ts_info = g; }'
probe RXFH_CONTEXT_OPS '
#include <linux/ethtool.h>
int g(struct net_device *d, u32 *t, u8 *k, u8 *f, u32 c);
void f(struct ethtool_ops *o);
void f(struct ethtool_ops *o) { o->get_rxfh_context = g; }'
probe RXFH_CONTEXT_CREATE '
#include <linux/ethtool.h>
int g(struct net_device *d, struct ethtool_rxfh_context *c, const struct ethtool_rxfh_param *p, struct netlink_ext_ack *e);
void f(struct ethtool_ops *o);
void f(struct ethtool_ops *o) { o->create_rxfh_context = g; o->rxfh_max_num_contexts = 2; o->rxfh_per_ctx_key = 1; }'

probe FLOW_ACTION_RX_QUEUE '
#include <net/flow_offload.h>
u16 f(const struct flow_action_entry *e);
u16 f(const struct flow_action_entry *e) { return e->id == FLOW_ACTION_RX_QUEUE_MAPPING ? e->rx_queue : 0; }'
probe RING_TCP_DATA_SPLIT '
#include <linux/ethtool.h>
u32 f(void);
u32 f(void) { return ETHTOOL_RING_USE_TCP_DATA_SPLIT; }'
probe RING_HDS_THRESHOLD '
#include <linux/ethtool.h>
u32 f(struct kernel_ethtool_ringparam *p);
u32 f(struct kernel_ethtool_ringparam *p)
{ p->hds_thresh_max = p->hds_thresh; return ETHTOOL_RING_USE_HDS_THRS; }'
probe QUEUE_MANAGEMENT '
#include <linux/ethtool.h>
#include <net/netdev_lock.h>
#include <net/netdev_queues.h>
#include <net/page_pool/helpers.h>
int a(struct net_device *d, struct netdev_queue_config *q, void *m, int i);
void f(struct netdev_queue_mgmt_ops *o, struct net_device *d, struct netdev_queue_config *q, struct ethtool_ops *e);
void f(struct netdev_queue_mgmt_ops *o, struct net_device *d, struct netdev_queue_config *q, struct ethtool_ops *e)
{ netdev_assert_locked(d); o->ndo_queue_start = a; o->supported_params = QCFG_RX_PAGE_SIZE; netdev_queue_config(d, 0, q);
e->op_needs_rtnl = ETHTOOL_OP_NEEDS_RTNL_GLINK; }
void g(struct net_device_ops *o, struct page_pool *p, struct napi_struct *n, struct sk_buff *s, netmem_ref m);
int h(struct net_device *d, struct netdev_hw_addr_list *u, struct netdev_hw_addr_list *m);
void g(struct net_device_ops *o, struct page_pool *p, struct napi_struct *n, struct sk_buff *s, netmem_ref m)
{ o->ndo_set_rx_mode_async = h; page_pool_enable_direct_recycling(p, n); napi_enable_locked(n);
page_pool_dma_sync_netmem_for_cpu(p, m, 0, PP_FLAG_ALLOW_UNREADABLE_NETMEM); skb_add_rx_frag_netmem(s, 0, m, 0, 1, 1); }'

objects=
for name in $names; do
	objects="$objects $name.o"
done
# One run for all: -k goes on after those that fail.
# shellcheck disable=SC2086 # words are wanted
make -k -C "$kernel" M="$work" KBUILD_EXTRA_WARN= "$@" $objects >"$work/log" 2>&1 || true

if [ ! -e "$work/ANYTHING.o" ]; then
	cat "$work/log" >&2
	echo "compat.sh: nothing compiles against the kernel headers in $kernel" >&2
	exit 1
fi
{
	echo '/* SPDX-License-Identifier: GPL-2.0-only */'
	echo '/* Made by compat.sh for one kernel: what it offers. */'
	echo '#ifndef WEIR_COMPAT_H'
	echo '#define WEIR_COMPAT_H'
	for name in $names; do
		[ "$name" = ANYTHING ] && continue
		if [ -e "$work/$name.o" ]; then
			echo "#define WEIR_HAVE_$name 1"
		else
			echo "#define WEIR_HAVE_$name 0"
		fi
	done
	echo '#endif'
} >"$work/header"
if ! cmp -s "$work/header" "$output"; then
	cp "$work/header" "$output"
fi
