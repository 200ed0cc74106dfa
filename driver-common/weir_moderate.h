/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moderation of interrupts (specs/data-queues.md, "Moderation"): what a user sets of it, and what
 * the kernel's DIM library makes of it where it is adaptive.
 */
#ifndef WEIR_MODERATE_H
#define WEIR_MODERATE_H

#include <linux/ethtool.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#if IS_REACHABLE(CONFIG_DIMLIB)
#include <linux/dim.h>
#define WEIR_COALESCE_ADAPTIVE ETHTOOL_COALESCE_USE_ADAPTIVE
#else
#define WEIR_COALESCE_ADAPTIVE 0
#endif

struct weir_call;
struct weir_device;
struct weir_pair;

/**
 * struct weir_moderation - moderation of one direction of a queue pair, as the user wants it
 * @us: longest wait, 0: none
 * @count: completions (receive) or descriptors (transmit) that end it, 0: only @us does
 * @adaptive: DIM chooses both by the traffic
 */
struct weir_moderation {
	u32 us;
	u16 count;
	bool adaptive;
};

/*
 * Kept from probe to remove, whatever becomes of the queues; written under RTNL and
 * moderation_lock.
 */
struct weir_pair_moderation {
	struct weir_moderation rx;
	struct weir_moderation tx;
};

/* What adapts a direction of a queue pair while it runs. */
struct weir_adapter {
#if IS_REACHABLE(CONFIG_DIMLIB)
	struct dim dim;
#endif
};

int weir_moderation_alloc(struct weir_device *weir);
void weir_moderation_put(struct weir_call *call, const struct weir_pair *pair, bool transmit);
void weir_adapt_init(struct weir_pair *pair);
void weir_adapt_stop(struct weir_pair *pair);
void weir_adapt_rx_anew(struct weir_pair *pair);
void weir_adapt(struct weir_pair *pair);
int weir_get_coalesce(struct net_device *netdev, struct ethtool_coalesce *coalesce,
		      struct kernel_ethtool_coalesce *kernel_coalesce,
		      struct netlink_ext_ack *extack);
int weir_set_coalesce(struct net_device *netdev, struct ethtool_coalesce *coalesce,
		      struct kernel_ethtool_coalesce *kernel_coalesce,
		      struct netlink_ext_ack *extack);
int weir_get_per_queue_coalesce(struct net_device *netdev, u32 queue,
				struct ethtool_coalesce *coalesce);
int weir_set_per_queue_coalesce(struct net_device *netdev, u32 queue,
				struct ethtool_coalesce *coalesce);

#endif
