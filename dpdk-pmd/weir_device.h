/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of this driver: its function's limits, what the application has configured, and its life.
 *
 * Life of a port (enum weir_port_state). The control path runs in the application's threads and in the
 * port's monitor thread (weir_monitor.c); `lock` is held by whoever talks to the function or changes what
 * is below. Events are reported to the application without it. The data path takes no lock: each
 * queue has a gate (weir_gate.h), which is open only in state WEIR_PORT_STARTED.
 *
 *	probe          start               the function was lost
 *	 | attach        |                   |
 *	 v               v                   v
 *	ATTACHED <-> STARTED           -> LOST (was started or not) -> reattached: back to what it was
 *	 | close                             | close
 *	 v                                   v
 *	CLOSED                            CLOSED
 */
#ifndef WEIR_DEVICE_H
#define WEIR_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "weir_admin.h"
#include "weir_compat.h"
#include "weir_log.h"
#include "weir_transport.h"

/** Most unicast and multicast addresses beside the port's own that this driver keeps. */
#define WEIR_MAC_MAX	   64
#define WEIR_MULTICAST_MAX 128

/** Priorities of flow rules, 0 is the highest. */
#define WEIR_FLOW_PRIORITIES 16u

/** Receive offloads that have the function verify checksums; it does so for all of them or none. */
#define WEIR_RX_CHECKSUM_OFFLOADS                                      \
	(RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_SCTP_CKSUM | \
	 RTE_ETH_RX_OFFLOAD_OUTER_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_OUTER_UDP_CKSUM)

/** Most counters read from the function for extended statistics. */
#define WEIR_DEVICE_COUNTERS \
	(WEIR_STAT_VPORT_COUNT + WEIR_STAT_FUNCTION_COUNT + WEIR_STAT_PORT_COUNT)

/** What the function's registers say (specs/registers.md, block CONTROL). */
struct weir_limits {
	uint16_t queue_pairs;
	uint16_t vectors;
	uint8_t stride_log2;
	uint8_t ring_min_log2, ring_max_log2;
	uint8_t max_segments;
	uint32_t max_frame_bytes;
	uint32_t features;
};

enum weir_port_state {
	WEIR_PORT_CLOSED,
	WEIR_PORT_ATTACHED, /* the function obeys; queues are not running */
	WEIR_PORT_STARTED,
	WEIR_PORT_LOST, /* the function is gone or in reset; the monitor tries to get it back */
};

/** What came in by the admin queue and the monitor has yet to deal with. */
struct weir_device_events {
	bool link;
	bool policy_changed; /* VF_CHANGED: the administrator decided something for this VF */
	bool reset_impending;
	bool queue_stopped; /* by the function, for a fault or misbehaviour */
};

/* What an application can set of receive side scaling. */
struct weir_rss {
	uint8_t key[WEIR_HASH_KEY_MAX_BYTES];
	uint8_t key_bytes;
	bool table_set; /* else the table goes round the queues */
	uint16_t table[WEIR_INDIRECTION_ENTRIES];
	uint64_t flows; /* RTE_ETH_RSS_* */
};

/* How frames are spread, as the function is told. */
struct weir_spread {
	uint16_t table[WEIR_INDIRECTION_ENTRIES]; /* queues */
	uint32_t types;				  /* set of enum weir_hash_type */
	uint8_t key[WEIR_HASH_KEY_MAX_BYTES];	  /* zero behind key_bytes */
	uint8_t key_bytes;
	uint8_t function; /* enum weir_hash_function */
	uint16_t padding; /* zero: spreads are compared */
};

/* A spread to which flow rules lead (weir_context.c). */
struct weir_context {
	struct weir_spread spread;
	uint32_t rules; /* that lead to it; 0: it is free */
	bool told;	/* the function has it */
};

/* Times of frames (weir_time.c). */
struct weir_timesync {
	/* where and how an mbuf tells the time it arrived at; valid with RTE_ETH_RX_OFFLOAD_TIMESTAMP */
	int offset;
	uint64_t flag;
	bool enabled; /* rte_eth_timesync_enable(): PTP frames are told apart */
	/* the frame sent last that asked: WEIR_SENT_VALID, queue, count of its last descriptor; read once */
	uint64_t sent;
};
#define WEIR_SENT_VALID (UINT64_C(1) << 32)

struct weir_device {
	struct rte_eth_dev_data *data;
	struct rte_eth_dev *ethdev;
	char name[RTE_ETH_NAME_MAX_LEN];
	struct weir_transport *transport;

	pthread_mutex_t lock;
	enum weir_port_state state;
	bool started; /* the application has started the port, whatever the function does */
	bool quiet;   /* no DMA of the function to the queues' memory is possible */

	/* the function; valid while attached */
	uint32_t control_block, admin_block; /* offsets in BAR0 */
	uint32_t time_block;		     /* 0: there is none */
	uint32_t generation;
	uint16_t function_index;
	bool is_vf;
	struct weir_limits limits;
	struct weir_admin admin;
	char firmware_version[WEIR_STRING_BYTES];
	char board[WEIR_STRING_BYTES];
	uint16_t filters_max;
	bool mac_is_administrators;

	/* what is configured, put back after the function was lost */
	uint32_t vport_flags;		    /* enum weir_vport_flag as the function has them */
	struct rte_ether_addr assigned_mac; /* the vport's MAC as the function has it */
	struct rte_ether_addr multicast[WEIR_MULTICAST_MAX];
	uint32_t multicast_count;
	bool promiscuous, all_multicast; /* as the application wants them */
	uint16_t lro_timeout_us;	 /* lro_timeout_us=N */
	struct weir_rss rss;
	struct rte_flow *flows;				    /* rules, in no order */
	struct weir_context contexts[WEIR_SPREAD_CONTEXTS]; /* number n is [n - 1] */
	uint64_t flow_locations[65536 / 64];		    /* taken, a bit each */
	struct weir_timesync timesync;

	/* statistics */
	uint64_t device_counters[WEIR_DEVICE_COUNTERS]; /* as last read */
	uint64_t device_base[WEIR_DEVICE_COUNTERS]; /* what they were at the last reset of statistics */
	uint64_t *xstats_base; /* extended statistics at their last reset; NULL: none */
	unsigned int xstats_base_count;
	uint64_t recoveries, losses, link_changes, queue_restarts;
	uint32_t speed_mbps; /* of the link when it was last up */

	/* monitor */
	pthread_t monitor;
	bool monitor_runs;
	bool monitor_stop;
	struct weir_device_events events;
	uint32_t suspect; /* somebody has reason to believe that the function is lost */
};

/** The port behind an ethdev. */
static inline struct weir_device *weir_device_of(const struct rte_eth_dev *ethdev)
{
	return ethdev->data->dev_private;
}

/** BAR2 offset of a doorbell (WEIR_DOORBELL_…) of a queue pair. */
static inline uint32_t weir_doorbell_offset(const struct weir_device *device, uint16_t queue,
					    uint32_t doorbell)
{
	return ((uint32_t)queue << device->limits.stride_log2) + doorbell;
}

/* --- weir_device.c: life ------------------------------------------------------------------------- */

/**
 * Makes an ethdev that was just allocated a port of this driver: attaches the function and starts the
 * monitor. The transport belongs to the port from now on, also on failure.
 *
 * @return 0 or a negative errno, logged
 */
int weir_device_probe(struct rte_eth_dev *ethdev, struct weir_transport *transport);

/**
 * Attaches a function that has been reset, or was never attached, and brings it to where the port is: filters,
 * and queues if the port is started. The transport is open and the lock held.
 */
int weir_device_reattach(struct weir_device *device, bool quiet);

/** dev_close: ends the port. The ethdev layer releases it afterwards. */
int weir_device_close(struct rte_eth_dev *ethdev);

/**
 * Somebody saw what a sound function would not do, or got no answer: wakes the monitor, which finds out
 * and gets the function back. From any thread.
 */
void weir_device_suspect(struct weir_device *device);

/** Lock for an ethdev operation that needs the function: -EIO (and unlocked) when it is lost. */
int weir_device_lock_attached(struct weir_device *device);

/* --- weir_function.c: the function's registers ---------------------------------------------------- */

/** Registers by their names in weir_abi.h, wherever their block lies on this card. */
int weir_register_read(struct weir_device *device, uint32_t offset, uint32_t *value);
int weir_register_write(struct weir_device *device, uint32_t offset, uint32_t value);

/**
 * Waits for the function to be READY, finds its blocks and limits, and starts the admin queue; then reads
 * what the card says about itself. The transport is open.
 *
 * @return 0 or a negative errno, logged unless `quiet`
 */
int weir_function_attach(struct weir_device *device, bool quiet);

/** Whether the function has not been reset since it was attached: READY, same generation. */
bool weir_function_unchanged(struct weir_device *device);

/**
 * Whether it was reset since it was attached, for sure: READY in another generation. Waits for READY, and answers false
 * where nothing can be read.
 */
bool weir_function_was_reset(struct weir_device *device);

/** Whether all is well with it: not reset, reachable, its admin queue running. */
bool weir_function_sound(struct weir_device *device);

/**
 * Recovery C of specs/reset.md: SOFT_RESET, unless it is in reset already, or the bus's own reset where that does not
 * help. 0 when it is READY again: nothing that it was given before is used any more.
 */
int weir_function_reset(struct weir_device *device);

/* --- weir_filters.c ------------------------------------------------------------------------------ */

/** Changes the flags in mask (enum weir_vport_flag); those that are so already cost nothing. */
int weir_vport_flags_set(struct weir_device *device, uint32_t mask, uint32_t flags);
/** Sets the vport's MTU. */
int weir_vport_mtu_set(struct weir_device *device, uint16_t mtu);
/** Reads the vport's MAC from the function; with none there, makes one up (or keeps ours) and sets it. */
int weir_vport_mac_sync(struct weir_device *device);
/** Asks once more for the modes that the application wants: the administrator may have changed his mind. */
int weir_modes_apply(struct weir_device *device);
/** Writes everything that is configured to a function that has just been reset. */
int weir_filters_restore(struct weir_device *device);

int weir_promiscuous_enable(struct rte_eth_dev *ethdev);
int weir_promiscuous_disable(struct rte_eth_dev *ethdev);
int weir_allmulticast_enable(struct rte_eth_dev *ethdev);
int weir_allmulticast_disable(struct rte_eth_dev *ethdev);
int weir_mac_addr_add(struct rte_eth_dev *ethdev, struct rte_ether_addr *mac, uint32_t index,
		      uint32_t pool);
void weir_mac_addr_remove(struct rte_eth_dev *ethdev, uint32_t index);
int weir_mac_addr_set(struct rte_eth_dev *ethdev, struct rte_ether_addr *mac);
int weir_set_mc_addr_list(struct rte_eth_dev *ethdev, struct rte_ether_addr *list, uint32_t count);
int weir_vlan_filter_set(struct rte_eth_dev *ethdev, uint16_t vlan, int on);
int weir_vlan_offload_set(struct rte_eth_dev *ethdev, int mask);
/** Tells the vport of all receive offloads that are configured. */
int weir_rx_offloads_set(struct rte_eth_dev *ethdev);
/** Keys of a port's arguments, NULL at the end. */
extern const char *const weir_argument_keys[];
#define WEIR_SOCKET_ARGUMENT "socket"
/** Takes what the port's arguments say into `device`, whose ethdev is set. 0, or -EINVAL, logged. */
int weir_arguments_take(struct weir_device *device);

/** Did the application configure RTE_ETH_RX_OFFLOAD_TCP_LRO? */
bool weir_lro_wanted(const struct weir_device *device);
int weir_mtu_set(struct rte_eth_dev *ethdev, uint16_t mtu);
/* --- weir_rss.c ----------------------------------------------------------------------------------- */

/** What can be in rss_hf. */
uint64_t weir_rss_flows(void);
/** A set of enum weir_hash_type for kinds of flows. */
uint32_t weir_rss_types(uint64_t flows);
/** Tells the function a spread: the vport's own (context 0), or a context's. 0 or a negative errno. */
int weir_spread_command(struct weir_device *device, uint8_t context,
			const struct weir_spread *spread);
/** A key of chance, until the application gives one. */
void weir_rss_init(struct weir_device *device);
/** Takes over what the port is configured with; -EINVAL: an impossible key. */
int weir_rss_configure(struct weir_device *device);
/** Tells the function everything, for the queues that were just made. */
int weir_rss_apply(struct weir_device *device);
/** Will frames be hashed, and their types told? */
bool weir_rss_hashes(const struct weir_device *device);
int weir_rss_hash_update(struct rte_eth_dev *ethdev, struct rte_eth_rss_conf *conf);
int weir_rss_hash_conf_get(struct rte_eth_dev *ethdev, struct rte_eth_rss_conf *conf);
int weir_reta_update(struct rte_eth_dev *ethdev, struct rte_eth_rss_reta_entry64 *reta,
		     uint16_t entries);
int weir_reta_query(struct rte_eth_dev *ethdev, struct rte_eth_rss_reta_entry64 *reta,
		    uint16_t entries);

/* --- weir_context.c ------------------------------------------------------------------------------- */

/**
 * Finds a context for a rule that spreads, makes one if none is alike; the lock is held.
 *
 * @return 0, *number is the rule's until weir_context_release(); -EDQUOT: all are taken by other spreads; or another negative errno
 */
int weir_context_take(struct weir_device *device, const struct weir_spread *spread, uint8_t *number);
/** A rule, which the function does not have any more, led there. */
void weir_context_release(struct weir_device *device, uint8_t number);
/** Tells the function of the contexts that it does not know, for the queues that were just made. */
int weir_contexts_apply(struct weir_device *device);
/** The function was reset: it knows no contexts any more. */
void weir_contexts_forget(struct weir_device *device);

/* --- weir_flow.c ---------------------------------------------------------------------------------- */

struct rte_flow_ops;

/** dev_ops.flow_ops_get */
int weir_flow_ops_get(struct rte_eth_dev *ethdev, const struct rte_flow_ops **ops);
/** Tells the function of the rules that it does not know, for the queues that were just made. */
int weir_flows_apply(struct weir_device *device);
/** The function was reset: it knows no rules any more. */
void weir_flows_forget(struct weir_device *device);
/** Frees all rules, without a word to the function. */
void weir_flows_free(struct weir_device *device);

/* --- weir_time.c ---------------------------------------------------------------------------------- */

/** Whether received frames tell when they arrived. */
bool weir_times_wanted(const struct weir_device *device);
/** Finds room for the time in mbufs, if the port is configured for it. 0 or a negative errno, logged. */
int weir_times_configure(struct weir_device *device);
int weir_read_clock(struct rte_eth_dev *ethdev, uint64_t *clock);
int weir_timesync_enable(struct rte_eth_dev *ethdev);
int weir_timesync_disable(struct rte_eth_dev *ethdev);
int weir_timesync_read_rx(struct rte_eth_dev *ethdev, struct timespec *time, uint32_t queue);
int weir_timesync_read_tx(struct rte_eth_dev *ethdev, struct timespec *time);
int weir_timesync_adjust_time(struct rte_eth_dev *ethdev, int64_t delta_ns);
int weir_timesync_read_time(struct rte_eth_dev *ethdev, struct timespec *time);
int weir_timesync_write_time(struct rte_eth_dev *ethdev, const struct timespec *time);

/* --- weir_stats.c -------------------------------------------------------------------------------- */

/** The function's counters begin at zero again. */
void weir_stats_restart(struct weir_device *device);
/** Forgets what extended statistics were when they were reset: their list changes. */
void weir_xstats_forget(struct weir_device *device);

int weir_stats_get(struct rte_eth_dev *ethdev, struct rte_eth_stats *stats);
int weir_stats_reset(struct rte_eth_dev *ethdev);
int weir_xstats_get(struct rte_eth_dev *ethdev, struct rte_eth_xstat *stats, unsigned int count);
int weir_xstats_get_names(struct rte_eth_dev *ethdev, struct rte_eth_xstat_name *names,
			  unsigned int count);
int weir_xstats_reset(struct rte_eth_dev *ethdev);
int weir_get_reg(struct rte_eth_dev *ethdev, struct rte_dev_reg_info *info);
int weir_fw_version_get(struct rte_eth_dev *ethdev, char *version, size_t bytes);

/* --- weir_monitor.c ------------------------------------------------------------------------------ */

/** Starts and ends the port's monitor thread. */
int weir_monitor_start(struct weir_device *device);
void weir_monitor_stop(struct weir_device *device);
/** Wakes the monitor. From any thread. */
void weir_monitor_wake(struct weir_device *device);
/** Puts the function's link into the ethdev; returns whether it went up or down. */
bool weir_link_refresh(struct weir_device *device);

int weir_link_update(struct rte_eth_dev *ethdev, int wait_to_complete);

/* --- weir_ethdev.c ------------------------------------------------------------------------------- */

/** Creates the queues of a started port on the function, and lets frames in. Unwinds on failure. */
int weir_port_run(struct weir_device *device);
/**
 * Takes the queues from the polling cores and from the function. Returns false if the device may still use
 * their buffers, which then stay where they are.
 */
bool weir_port_halt(struct weir_device *device);

/** Makes the queues of a running port anew, after the function has stopped one of them. */
int weir_port_restart(struct weir_device *device);

/** Lets the polling cores use the port's queues, and keeps them out. */
void weir_gates_open(struct weir_device *device);
void weir_gates_close(struct weir_device *device);

extern const struct eth_dev_ops weir_ethdev_ops;

#endif
