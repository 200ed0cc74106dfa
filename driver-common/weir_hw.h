/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the PF driver (weir.ko) and the VF driver (weirvf.ko) have in common: one struct weir_device
 * a function, and what each source file offers to the others. All that the drivers know of the card
 * is the ABI header; the chapters in specs/ say how the card behaves.
 *
 * Who guards what:
 *   weir_lock()      weir->data, config, rss, contexts, rules, low_latency, vectors, every start and stop of queues, every recovery;
 *                    RTNL, and the interface's own lock where it has one
 *   rules_lock       rules and contexts, too, as tc comes without the interface's lock, and ethtool may come without RTNL
 *   admin.call_lock  one admin command at a time, from weir_call_begin() to weir_call_end()
 *   admin.ring_lock  the consumer's side of the admin completion ring (interrupt and pollers)
 *   filter_lock      what the card has been told of filters, VLANs and flags
 *   moderation_lock  weir->moderation, and that the card is told the last of it last
 *   state_lock       weir->state; the states and who moves them are in weir_reset.c
 * Order: device lock, weir_lock(), rules_lock, filter_lock or moderation_lock, call_lock, ring_lock; state_lock is a leaf.
 */
#ifndef WEIR_HW_H
#define WEIR_HW_H

#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kfifo.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/devlink.h>

#include <weir/weir_abi.h>
#include "weir_compat.h"
#include "weir_moderate.h"
#include "weir_tlv.h"

#define WEIR_ALL_ONES (~0u)

#define WEIR_DEFAULT_PAIRS 8
#define WEIR_DEFAULT_RING_LOG2 9
#define WEIR_ADMIN_SQ_LOG2 4
#define WEIR_ADMIN_CQ_LOG2 7
#define WEIR_EVENT_FIFO 64
/* Lengths of receive buffers are multiples of it (specs/data-queues.md, "Creation"). */
#define WEIR_RX_BUFFER_STEP 64

/* A model under an emulator, and its host, may be ten times slower than the card they stand for. */
#define WEIR_READY_TIMEOUT_MS (10 * WEIR_RESET_TIME_MS)
#define WEIR_COMMAND_TIMEOUT_MS 5000

/* Memory of a receive buffer: weir_page_pool.h */
#if WEIR_HAVE_QUEUE_MANAGEMENT
#include <net/netmem.h>
typedef netmem_ref weir_netmem;
#else
typedef struct page *weir_netmem;
#endif
#define WEIR_NO_NETMEM ((__force weir_netmem)0)

struct bpf_prog;
struct page_pool;
struct weir_device;
struct weir_xdp;
struct xdp_frame;

/* Life of a function as its driver sees it; transitions are listed in weir_reset.c. */
enum weir_state {
	WEIR_STATE_DOWN,
	WEIR_STATE_RUNNING,
	WEIR_STATE_RESET_WANTED,
	WEIR_STATE_RECOVERING,
	WEIR_STATE_HELD,
	WEIR_STATE_FAILED,
};

enum weir_reset_reason {
	WEIR_RESET_NONE,
	WEIR_RESET_TX_TIMEOUT,
	WEIR_RESET_ADMIN_TIMEOUT,
	WEIR_RESET_IMPENDING,
	WEIR_RESET_GENERATION,
	WEIR_RESET_NOT_READY,
	WEIR_RESET_BAD_COMPLETION,
	WEIR_RESET_QUEUE_STUCK,
	WEIR_RESET_QUEUE_STOPPED,
	WEIR_RESET_RETRY,
	WEIR_RESET_BUS,
};

/* --- data queues --- */

struct weir_rx_stats {
	struct u64_stats_sync sync;
	u64_stats_t frames;
	u64_stats_t bytes;
	u64_stats_t errors;
	u64_stats_t malformed;
	u64_stats_t no_memory;
	u64_stats_t refill_failed;
};

/* What became of received frames that an XDP program saw. */
enum weir_xdp_count {
	WEIR_XDP_COUNT_PASS,
	WEIR_XDP_COUNT_DROP,
	WEIR_XDP_COUNT_TX,
	WEIR_XDP_COUNT_REDIRECT,
	WEIR_XDP_COUNT_ABORTED,
	WEIR_XDP_COUNT_TX_FAILED,
	WEIR_XDP_COUNT_REDIRECT_FAILED,
	WEIR_XDP_COUNTS,
};

struct weir_xdp_stats {
	struct u64_stats_sync sync;
	u64_stats_t counts[WEIR_XDP_COUNTS];
};

struct weir_tx_stats {
	struct u64_stats_sync sync;
	u64_stats_t dropped;
	u64_stats_t linearized;
	u64_stats_t stopped;
	u64_stats_t doorbells;
	u64_stats_t xdp_frames; /* of XDP programs, of this interface and of others */
	u64_stats_t xdp_dropped;
};

struct weir_tx_done_stats {
	struct u64_stats_sync sync;
	u64_stats_t frames; /* as they left */
	u64_stats_t bytes;
	u64_stats_t woken;
	/* those that the card cut, as the stack gave them, and as they left */
	u64_stats_t large_frames;
	u64_stats_t large_bytes;
	u64_stats_t large_wire_frames;
	u64_stats_t large_wire_bytes;
	u64_stats_t timestamps; /* of sent frames, given to their sockets */
	u64_stats_t timestamps_missed; /* asked for, and the card had none */
};

/* Statistics outlive the queues they count for: they are kept from probe to remove. */
struct weir_pair_stats {
	/* counted by the poll */
	struct weir_rx_stats rx;
	struct weir_tx_done_stats tx_done;
	struct weir_xdp_stats xdp;
	/* counted by the sender */
	struct weir_tx_stats tx ____cacheline_aligned;
	/* counted by the interrupt handler: times that its vector fired */
	unsigned long interrupts;
};

/**
 * struct weir_doorbell - where a ring's tail is told to the card
 * @address: the doorbell in BAR2
 * @shadow: its shadow in host memory, or NULL
 * @tail: the value told last
 */
struct weir_doorbell {
	void __iomem *address;
	struct weir_shadow_doorbell *shadow;
	u16 tail;
};

/* The small things a queue pair shares with the card, each in cache lines of its own. */
struct weir_pair_memory {
	struct weir_shadow_doorbell rx_shadow;
	struct weir_shadow_doorbell tx_shadow;
	__le32 tx_head;
	u8 reserved[124];
};

struct weir_tx_slot {
	union { /* on the last descriptor of a frame; else NULL */
		struct sk_buff *skb;
		struct xdp_frame *frame;
	};
	DEFINE_DMA_UNMAP_ADDR(dma);
	DEFINE_DMA_UNMAP_LEN(length);
	bool is_page; /* mapped as a page */
	bool is_xdp; /* a frame, and no skb */
	bool wants_time; /* on the last descriptor of a frame: the card reports when it was sent */
};

struct weir_tx_ring {
	/* the sender's */
	struct weir_tx_descriptor *descriptors;
	struct weir_tx_report *reports; /* as many; NULL: the card has none */
	struct weir_tx_slot *slots;
	struct weir_tx_stats *stats;
	struct weir_doorbell doorbell;
	u16 tail;
	u16 last_end;
	u16 size;
	u16 max_segments;
	/* the cleaner's */
	const __le32 *head ____cacheline_aligned;
	struct weir_tx_done_stats *done_stats;
	void __iomem *arm;
	bool armed; /* with clean */
	u16 clean;
	/* the service task's */
	u16 watched_clean;
	u16 still_s;
	/* nobody's while queues run */
	dma_addr_t descriptors_dma;
	dma_addr_t reports_dma;
	bool created;
};

/* Why completions do not simply become skbs */
/* A header buffer, and so the longest frame that is not split. Such frames are copied. */
#define WEIR_RX_HEADER_BYTES 256
#define WEIR_RX_DISCARD BIT(0) /* until the frame's END has passed */
#define WEIR_RX_XDP BIT(1) /* an XDP program looks at frames, or has half of one */

struct weir_rx_ring {
	void *buffers; /* weir_rx_buffer or, with @headers, weir_rx_split_buffer */
	void *completions; /* see weir_rx_completion_at() */
	void *headers; /* header buffers by place, WEIR_RX_HEADER_BYTES each; NULL: not split */
	weir_netmem *netmems; /* that are posted, by place */
	struct page_pool *pool;
	struct sk_buff *partial; /* a frame whose last buffer has not come yet */
	struct weir_rx_stats *stats;
	struct weir_doorbell doorbell;
	void __iomem *arm;
	u16 posted;
	u16 returned; /* of the posted buffers */
	u16 taken; /* completions */
	u16 size; /* of the ring of buffers */
	u16 log2;
	u16 completion_log2;
	bool timed; /* completions tell the time */
	u16 buffer_bytes;
	u16 split_threshold; /* with @headers: SPLIT_THRESHOLD */
	u16 offset; /* of a buffer in its page */
	u32 page_bytes; /* of the page, or pages, that a buffer lies in */
	u8 generation;
	u8 detour; /* WEIR_RX_… */
	bool armed; /* with taken */
	bool starved; /* no buffer is posted and none could be had */
	dma_addr_t buffers_dma;
	dma_addr_t completions_dma;
	dma_addr_t headers_dma;
	struct weir_xdp *xdp;
	struct list_head zombie; /* place in weir->zombie_rings while it waits for a reset to be freed */
	bool created;
};

struct weir_pair {
	struct weir_device *weir;
	struct napi_struct napi;
	u16 index;
	u16 vector;
	bool broken; /* the card wrote what it must not: wait for the reset */
	struct weir_rx_ring *rx; /* may be exchanged while the pair lives: weir_queue.c */
	struct weir_pair_memory *memory;
	dma_addr_t memory_dma;
	struct weir_tx_ring tx ____cacheline_aligned;
	struct weir_adapter rx_adapter;
	struct weir_adapter tx_adapter;
};

/* What a user can set of the queues (ethtool -L, -G), and what else they are made for. */
struct weir_config {
	u16 pairs;
	u8 rx_log2;
	u8 tx_log2;
	u16 rx_buffer_bytes;
	bool rx_split; /* headers into buffers of their own: tcp-data-split */
	u16 rx_split_threshold; /* of frames that are not: hds-thresh */
	bool rx_times; /* when frames arrived: SIOCSHWTSTAMP */
};

/**
 * struct weir_data - a set of queue pairs with its memory
 * @config: what it was made for
 * @attached: has NAPIs and interrupts
 * @running: they are on
 * @sending: frames may be put into the transmit rings
 * @dma_live: the card may still write to this memory
 * @zombie: place in weir->zombies while it waits for a reset to be freed
 * @pairs: config.pairs of them
 */
struct weir_data {
	struct weir_config config;
	bool attached;
	bool running;
	bool sending;
	bool dma_live;
	struct list_head zombie;
	struct weir_pair *pairs[];
};

/* --- admin queue --- */

struct weir_admin_memory {
	struct weir_admin_command commands[1 << WEIR_ADMIN_SQ_LOG2];
	struct weir_admin_completion completions[1 << WEIR_ADMIN_CQ_LOG2];
	u8 request[WEIR_ADMIN_DATA_MAX_BYTES];
	u8 response[WEIR_ADMIN_DATA_MAX_BYTES];
};

/**
 * struct weir_call - the admin command being made
 * @weir: the function
 * @request: attributes to send
 * @opcode: enum weir_command
 * @cookie: tells its completion from late ones
 * @status: enum weir_status it ended with
 * @detail: what the status speaks of
 * @reply: private copy of the response, valid until weir_call_end()
 * @reply_bytes: its length
 */
struct weir_call {
	struct weir_device *weir;
	struct weir_tlv request;
	u16 opcode;
	u16 cookie;
	u16 status;
	u32 detail;
	u8 *reply;
	u32 reply_bytes;
};

struct weir_admin {
	struct mutex call_lock;
	spinlock_t ring_lock;
	struct weir_admin_memory *memory;
	dma_addr_t memory_dma;
	struct weir_call call;
	struct completion done;
	bool up; /* under call_lock and ring_lock */
	bool waiting; /* under ring_lock: call.cookie is out */
	u16 sq_tail;
	u16 cq_head;
	u32 stale_entries;
	u32 lost_events;
	DECLARE_KFIFO(events, struct weir_admin_event, WEIR_EVENT_FIFO);
};

/* --- the function --- */

struct weir_vector {
	struct weir_device *weir;
	struct weir_data *data; /* whose pairs first, first + step, ... it serves; NULL: none */
	u16 index;
	u16 first;
	u16 step;
	int irq;
	char name[IFNAMSIZ + 16];
};

/* What differs between the PF driver and the VF driver. */
struct weir_role_ops {
	const char *driver_name;
	bool is_vf;
	const struct net_device_ops *netdev_ops;
	/* an event that is not for every function; in process context */
	void (*event)(struct weir_device *weir, const struct weir_admin_event *event);
	/* the admin queue is up again after a reset: set again what the card forgot; under RTNL */
	int (*restart)(struct weir_device *weir);
	/* once a second while running */
	void (*service)(struct weir_device *weir);
};

/* A counter of the card and what it stood at before the function's resets. */
struct weir_counter {
	u64 base;
	u64 last;
};

struct weir_filter {
	u8 mac[ETH_ALEN];
};

/* What the card has been told (under filter_lock); forgotten when the function is reset. */
struct weir_told {
	bool flags_known;
	u32 flags;
	u32 coalesce; /* weir_coalesce_wanted() */
	u16 mtu;
	struct weir_filter *filters;
	unsigned int filter_count;
	unsigned int filter_room;
	DECLARE_BITMAP(vlans, VLAN_N_VID);
};

/* What a user can set of receive side scaling (ethtool -X, -N). */
struct weir_rss {
	u8 key[WEIR_HASH_KEY_BYTES];
	u16 types; /* set of enum weir_hash_type */
	u8 function; /* enum weir_hash_function */
	u16 table[WEIR_INDIRECTION_ENTRIES];
};

/* A spread besides the interface's own, to which steering rules lead. */
struct weir_context {
	struct weir_rss rss;
	bool exists;
	bool told; /* the card has it */
};

/* What has its queue interrupt at once (devlink's low_latency_… parameters). */
struct weir_low_latency {
	u16 bytes; /* shorter frames */
	bool push;
	u8 priorities; /* a bit each */
	u16 us; /* between credits of a queue */
	u8 credits; /* most of them */
	bool chosen; /* by the user: the card is to be told */
};

struct weir_info {
	char firmware[WEIR_STRING_BYTES];
	char board[WEIR_STRING_BYTES];
	u64 serial;
	u16 filters_max;
	u32 moderation_us_max;
	u16 moderation_count_max;
};

struct weir_device {
	struct pci_dev *pdev;
	struct device *dev;
	struct net_device *netdev;
	const struct weir_role_ops *role;
	void *role_data;
	struct workqueue_struct *workqueue;

	void __iomem *registers;
	void __iomem *doorbells;
	u32 registers_bytes;
	u32 doorbells_bytes;
	u32 control_block; /* offsets found in the chain of blocks */
	u32 admin_block;
	u32 mailbox_block; /* 0: there is none */
	u32 time_block; /* 0: there is none */

	/* read at every start */
	u32 abi_version;
	u32 function_index;
	u32 generation;
	u32 features;
	u32 max_frame_bytes;
	u16 max_pairs;
	u16 max_vectors;
	u16 max_segments;
	u8 stride_log2;
	u8 ring_min_log2;
	u8 ring_max_log2;
	struct weir_info info;

	bool quiet; /* a reset is wanted: no doorbell until the queues are new */

	spinlock_t state_lock;
	enum weir_state state;
	enum weir_reset_reason reset_reason;
	struct work_struct reset_work;
	unsigned long retry_at;
	unsigned int retries;
	unsigned int resets;
	unsigned long recovered_at;
	bool gone; /* not on the bus when it was stopped by force, first seen so at @gone_at */
	unsigned long gone_at;
	bool certain; /* the admin queue, and all that it made, belongs to @generation */
	bool forced; /* bus mastering was taken away: reset before it is given back */
	bool queue_stopped; /* the card said that it stopped a queue */

	struct weir_admin admin;
	struct work_struct event_work;
	struct delayed_work service_work;

	struct weir_vector *vectors;
	u16 vectors_count;

	struct ptp_clock_info clock_info;
	struct ptp_clock *clock; /* NULL: there is none */
	bool tx_times; /* sockets may ask when their frames were sent */

	struct weir_config config;
	struct weir_rss rss;
	struct weir_context contexts[WEIR_SPREAD_CONTEXTS]; /* number n is [n - 1] */
	struct mutex rules_lock;
	struct xarray rules; /* of struct weir_rule, by location */
	u16 rules_used;
	u16 rules_max; /* of the card */
	struct list_head flowers; /* of struct weir_flower, those that decide first in front */
	struct weir_low_latency low_latency;
	struct weir_data *data;
	struct bpf_prog __rcu *xdp_program;
	struct list_head zombies; /* of struct weir_data */
	struct list_head zombie_rings; /* of struct weir_rx_ring */
	struct weir_pair_stats *stats; /* stats_count of them */
	u16 stats_count;
	struct weir_pair_moderation *moderation; /* stats_count of them */
	struct mutex moderation_lock;

	struct mutex filter_lock;
	struct work_struct filter_work;
	struct weir_told told;
	netdev_features_t wanted_features;
	u32 coalesce_bytes; /* of the longest aggregate, with the buffers of today */
	u16 coalesce_us; /* that one may wait for more segments; under RTNL */
	DECLARE_BITMAP(wanted_vlans, VLAN_N_VID); /* of 802.1Q */
	DECLARE_BITMAP(wanted_service_vlans, VLAN_N_VID); /* of 802.1ad */
	bool trusted; /* may listen to what is not addressed to it, and choose its MAC */
	bool mac_by_admin;
	bool limits_told; /* the user knows that some wishes of the stack are not met */
	u8 admin_mac[ETH_ALEN]; /* the MAC the administrator gave, as last seen; zero: none */
	bool mac_known;

	bool link_up;
	u32 link_speed_mbps;
	bool link_told; /* to the user, with the following */
	bool link_told_up;
	u32 link_told_mbps;
	struct weir_counter card_multicast; /* of the vport, as of the last second */
	struct weir_counter card_missed;
	u32 msg_enable;
	struct dentry *debugfs;
};

/* The netdev's private area holds only the way back to the function. */
static inline struct weir_device *weir_of(const struct net_device *netdev)
{
	return *(struct weir_device **)netdev_priv(netdev);
}

/* Offset in BAR0 of a register of the ABI header: its block may lie elsewhere in this card. */
static inline u32 weir_register_offset(const struct weir_device *weir, u32 reg)
{
	if (reg < WEIR_BLOCK_CONTROL)
		return reg;
	if (reg < WEIR_BLOCK_ADMIN)
		return weir->control_block + reg - WEIR_BLOCK_CONTROL;
	if (reg < WEIR_BLOCK_MAILBOX)
		return weir->admin_block + reg - WEIR_BLOCK_ADMIN;
	if (reg < WEIR_BLOCK_TIME)
		return weir->mailbox_block + reg - WEIR_BLOCK_MAILBOX;
	return weir->time_block + reg - WEIR_BLOCK_TIME;
}

static inline u32 weir_read(const struct weir_device *weir, u32 reg)
{
	return readl(weir->registers + weir_register_offset(weir, reg));
}

static inline void weir_write(const struct weir_device *weir, u32 reg, u32 value)
{
	writel(value, weir->registers + weir_register_offset(weir, reg));
}

static inline void __iomem *weir_doorbell_page(const struct weir_device *weir, u16 pair)
{
	return weir->doorbells + ((size_t)pair << weir->stride_log2);
}

/* weir_device.c: probe and remove, finding one's way in BAR0 */
int weir_wait_ready(struct weir_device *weir, unsigned int timeout_ms);
int weir_identify(struct weir_device *weir);
struct weir_device *weir_probe(struct pci_dev *pdev, const struct weir_role_ops *role,
			       void *role_data);
int weir_publish(struct weir_device *weir);
void weir_remove(struct weir_device *weir);
void weir_abandon(struct weir_device *weir);
void weir_shutdown(struct pci_dev *pdev);
extern const struct dev_pm_ops weir_pm_ops;
int weir_common_init(const char *name);
void weir_common_exit(void);

/* weir_admin.c: the admin queue */
int weir_admin_alloc(struct weir_device *weir);
void weir_admin_free(struct weir_device *weir, bool stopped);
int weir_admin_start(struct weir_device *weir);
int weir_admin_stop(struct weir_device *weir);
void weir_admin_abort(struct weir_device *weir);
void weir_admin_service(struct weir_device *weir);
void weir_admin_rearm(struct weir_device *weir);
const char *weir_status_name(u16 status);

/* Bus address of a member of struct weir_admin_memory at an offset. */
static inline u64 weir_admin_address(const struct weir_admin *admin, size_t offset)
{
	return admin->memory_dma + offset;
}

/* weir_call.c: admin commands */
struct weir_call *weir_call_begin(struct weir_device *weir, u16 opcode);
int __must_check weir_call_run(struct weir_call *call);
int __must_check weir_call_run_loud(struct weir_call *call);
void weir_call_end(struct weir_call *call);
int weir_get_info(struct weir_device *weir);
int weir_get_statistics(struct weir_device *weir, u8 scope, u16 function, u16 index, u64 *counters,
			unsigned int count);

static inline void weir_call_put(struct weir_call *call, u16 type, const void *value, u16 bytes)
{
	weir_tlv_put(&call->request, type, value, bytes);
}

static inline void weir_call_put_u8(struct weir_call *call, u16 type, u8 value)
{
	weir_tlv_put(&call->request, type, &value, sizeof(value));
}

static inline void weir_call_put_u16(struct weir_call *call, u16 type, u16 value)
{
	__le16 le = cpu_to_le16(value);

	weir_tlv_put(&call->request, type, &le, sizeof(le));
}

static inline void weir_call_put_u32(struct weir_call *call, u16 type, u32 value)
{
	__le32 le = cpu_to_le32(value);

	weir_tlv_put(&call->request, type, &le, sizeof(le));
}

static inline void weir_call_put_u64(struct weir_call *call, u16 type, u64 value)
{
	__le64 le = cpu_to_le64(value);

	weir_tlv_put(&call->request, type, &le, sizeof(le));
}

/* weir_event.c: events, the link, the service task */
void weir_event_work(struct work_struct *work);
void weir_service_work(struct work_struct *work);
void weir_link_set(struct weir_device *weir, bool up, u32 speed_mbps);
void weir_link_show(struct weir_device *weir);
void weir_link_lost(struct weir_device *weir);
int weir_link_read(struct weir_device *weir);

/* weir_irq.c */
int weir_irq_setup(struct weir_device *weir, struct weir_data *data);
void weir_irq_teardown(struct weir_device *weir);

/* weir_memory.c: memory of queue pairs; under weir_lock() */
struct weir_data *weir_data_alloc(struct weir_device *weir, const struct weir_config *config);
void weir_data_dispose(struct weir_device *weir, struct weir_data *data);
void weir_data_free_zombies(struct weir_device *weir);
void weir_data_drop_frames(struct weir_device *weir, struct weir_data *data);
void weir_data_rewind(struct weir_data *data);
struct weir_rx_ring *weir_rx_alloc(struct weir_device *weir, const struct weir_config *config,
				   u16 index, struct napi_struct *napi);
void weir_rx_dispose(struct weir_device *weir, struct weir_rx_ring *rx, bool dma_live);
void weir_pair_rewind_rx(struct weir_pair *pair);

/* weir_data.c: queue pairs: creation in the card, start and stop; under weir_lock() */
int weir_data_start(struct weir_device *weir, struct weir_data *data);
void weir_data_quiesce(struct weir_device *weir, struct weir_data *data);
int weir_rx_create(struct weir_pair *pair);
int weir_rx_destroy(struct weir_pair *pair);
void weir_data_detach(struct weir_device *weir, struct weir_data *data);
int weir_data_stop(struct weir_device *weir, struct weir_data *data);
int weir_reconfigure(struct weir_device *weir, const struct weir_config *config);

/* weir_tx.c: sending */
netdev_tx_t weir_xmit(struct sk_buff *skb, struct net_device *netdev);
void weir_segment_offer(struct net_device *netdev);
netdev_features_t weir_features_check(struct sk_buff *skb, struct net_device *netdev,
				      netdev_features_t features);
void weir_tx_publish(const struct weir_device *weir, struct weir_tx_ring *tx);
void weir_tx_clean(struct weir_pair *pair, int budget);
void weir_tx_drop_all(struct weir_pair *pair);

/* weir_rx.c: receiving */
int weir_rx_poll(struct weir_pair *pair, int budget);
void weir_rx_rewind(struct weir_rx_ring *rx);
void weir_rx_publish(struct weir_pair *pair);
void weir_rx_drop_partial(struct weir_rx_ring *rx);
u16 weir_rx_default_buffer_bytes(void);
unsigned int weir_rx_page_order(u16 buffer_bytes);
u16 weir_rx_least_buffer_bytes(const struct weir_device *weir, bool split);
u16 weir_rx_most_buffer_bytes(const struct weir_device *weir);

/* weir_coalesce.c: frames made of several; for the fast path see weir_coalesce.h */
void weir_coalesce_offer(struct net_device *netdev);
u32 weir_coalesce_most_bytes(u16 buffer_bytes);
int weir_coalesce_tell(struct weir_device *weir);
int weir_coalesce_wait(struct weir_device *weir, u16 us);
netdev_features_t weir_fix_features(struct net_device *netdev, netdev_features_t features);

/* weir_txrx.c: both */
int weir_poll(struct napi_struct *napi, int budget);
void weir_pair_arm(struct weir_pair *pair);
void weir_pair_arm_first(struct weir_pair *pair);

/* weir_xdp.c: XDP programs; for the fast path see weir_xdp.h */
int weir_bpf(struct net_device *netdev, struct netdev_bpf *bpf);
int weir_xdp_xmit(struct net_device *netdev, int count, struct xdp_frame **frames, u32 flags);
void weir_xdp_offer(struct net_device *netdev);
int weir_xdp_check_mtu(const struct weir_device *weir, int mtu);
bool weir_xdp_is_on(const struct weir_device *weir);
int weir_xdp_check_buffers(const struct weir_device *weir, u16 buffer_bytes,
			   struct netlink_ext_ack *extack);

/* weir_filter.c: what the vport takes in: MACs, VLANs, flags, MTU */
int weir_mac_sync(struct weir_device *weir);
int weir_mac_set(struct weir_device *weir, const u8 *mac);
int weir_filter_sync(struct weir_device *weir);
int weir_vport_enable(struct weir_device *weir, bool enable);
void weir_filter_doubt(struct weir_device *weir);
void weir_filter_forget(struct weir_device *weir);
int weir_filter_alloc(struct weir_device *weir);
void weir_filter_free(struct weir_device *weir);
void weir_filter_work(struct work_struct *work);
int weir_vlan_add(struct net_device *netdev, __be16 protocol, u16 vlan);
int weir_vlan_delete(struct net_device *netdev, __be16 protocol, u16 vlan);

/* weir_netdev.c */
struct net_device *weir_netdev_alloc(struct weir_device *weir);
void weir_set_netdev_limits(struct weir_device *weir);
int weir_open(struct net_device *netdev);
int weir_stop(struct net_device *netdev);
int weir_change_mtu(struct net_device *netdev, int mtu);
int weir_set_mac_address(struct net_device *netdev, void *address);
int weir_set_features(struct net_device *netdev, netdev_features_t features);
void weir_set_rx_mode(struct net_device *netdev);
#if WEIR_HAVE_QUEUE_MANAGEMENT
int weir_set_rx_mode_async(struct net_device *netdev, struct netdev_hw_addr_list *unicast,
			   struct netdev_hw_addr_list *multicast);
#define WEIR_RX_MODE_NDO .ndo_set_rx_mode_async = weir_set_rx_mode_async
#else
#define WEIR_RX_MODE_NDO .ndo_set_rx_mode = weir_set_rx_mode
#endif
void weir_get_stats64(struct net_device *netdev, struct rtnl_link_stats64 *stats);
void weir_tx_timeout(struct net_device *netdev, unsigned int queue);

/* Both drivers' net_device_ops begin with these. */
#define WEIR_COMMON_NETDEV_OPS                                                          \
	.ndo_open = weir_open, .ndo_stop = weir_stop, .ndo_start_xmit = weir_xmit,      \
	.ndo_features_check = weir_features_check,                                     \
	.ndo_change_mtu = weir_change_mtu, .ndo_set_mac_address = weir_set_mac_address, \
	.ndo_validate_addr = eth_validate_addr, .ndo_set_features = weir_set_features,  \
	.ndo_fix_features = weir_fix_features,                                          \
	WEIR_RX_MODE_NDO, .ndo_get_stats64 = weir_get_stats64,       \
	.ndo_tx_timeout = weir_tx_timeout, .ndo_vlan_rx_add_vid = weir_vlan_add,        \
	.ndo_vlan_rx_kill_vid = weir_vlan_delete, .ndo_bpf = weir_bpf,                  \
	.ndo_xdp_xmit = weir_xdp_xmit, .ndo_setup_tc = weir_setup_tc, WEIR_HWTSTAMP_NDOS

/* weir_time.c: the card's clock, and which frames are stamped by it */
#if !WEIR_HAVE_KERNEL_TS_INFO
#define kernel_ethtool_ts_info ethtool_ts_info
#endif
void weir_time_register(struct weir_device *weir);
void weir_time_unregister(struct weir_device *weir);
void weir_time_start(struct weir_device *weir);
int weir_get_ts_info(struct net_device *netdev, struct kernel_ethtool_ts_info *info);
#if WEIR_HAVE_NDO_HWTSTAMP
int weir_hwtstamp_get(struct net_device *netdev, struct kernel_hwtstamp_config *config);
int weir_hwtstamp_set(struct net_device *netdev, struct kernel_hwtstamp_config *config,
		      struct netlink_ext_ack *extack);
#define WEIR_HWTSTAMP_NDOS \
	.ndo_hwtstamp_get = weir_hwtstamp_get, .ndo_hwtstamp_set = weir_hwtstamp_set
#else
int weir_eth_ioctl(struct net_device *netdev, struct ifreq *request, int command);
#define WEIR_HWTSTAMP_NDOS .ndo_eth_ioctl = weir_eth_ioctl
#endif

/* weir_ethtool.c */
extern const struct ethtool_ops weir_ethtool_ops;

/* weir_rss.c: receive side scaling; under weir_lock() */
struct ethtool_rxnfc;
struct ethtool_rxfh_context;
struct ethtool_rxfh_fields;
struct ethtool_rxfh_param;
void weir_rss_init(struct weir_device *weir);
void weir_rss_spread_evenly(struct weir_device *weir, unsigned int pairs);
int weir_rss_tell(struct weir_device *weir);
int weir_rss_command(struct weir_device *weir, u32 context, const struct weir_rss *rss, u16 types);
void weir_rss_write(struct weir_rss *rss, const u32 *table, const u8 *key);
u32 weir_get_rxfh_key_size(struct net_device *netdev);
u32 weir_get_rxfh_indir_size(struct net_device *netdev);
#if WEIR_HAVE_RXFH_PARAM
int weir_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param);
int weir_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param,
		  struct netlink_ext_ack *extack);
#else
int weir_get_rxfh(struct net_device *netdev, u32 *table, u8 *key, u8 *function);
int weir_set_rxfh(struct net_device *netdev, const u32 *table, const u8 *key, const u8 function);
#endif
int weir_get_hash_fields(const struct weir_rss *rss, u32 flow_type, u32 *fields);
int weir_set_hash_fields(struct weir_device *weir, u32 context, u32 flow_type, u64 fields);
#if WEIR_HAVE_RXFH_FIELDS
int weir_get_rxfh_fields(struct net_device *netdev, struct ethtool_rxfh_fields *fields);
int weir_set_rxfh_fields(struct net_device *netdev, const struct ethtool_rxfh_fields *fields,
			 struct netlink_ext_ack *extack);
#endif
#if WEIR_HAVE_RXFH_CONTEXT_CREATE
int weir_create_rxfh_context(struct net_device *netdev, struct ethtool_rxfh_context *context,
			     const struct ethtool_rxfh_param *param,
			     struct netlink_ext_ack *extack);
int weir_modify_rxfh_context(struct net_device *netdev, struct ethtool_rxfh_context *context,
			     const struct ethtool_rxfh_param *param,
			     struct netlink_ext_ack *extack);
int weir_remove_rxfh_context(struct net_device *netdev, struct ethtool_rxfh_context *context,
			     u32 number, struct netlink_ext_ack *extack);
#endif
#if WEIR_HAVE_RXFH_CONTEXT_OPS
int weir_get_rxfh_context(struct net_device *netdev, u32 *table, u8 *key, u8 *function, u32 number);
int weir_set_rxfh_context(struct net_device *netdev, const u32 *table, const u8 *key,
			  const u8 function, u32 *number, bool delete);
#endif

/* weir_context.c: spread contexts; under weir_lock() */
bool weir_context_exists(const struct weir_device *weir, u32 number);
int weir_contexts_tell(struct weir_device *weir);
void weir_contexts_forget(struct weir_device *weir);
int weir_contexts_max_queue(const struct weir_device *weir);
int weir_context_choose(const struct weir_device *weir);
void weir_context_init(const struct weir_device *weir, struct weir_rss *rss);
int weir_context_set(struct weir_device *weir, u32 number, const struct weir_rss *rss);
int weir_context_delete(struct weir_device *weir, u32 number);
const struct weir_rss *weir_context_rss(const struct weir_device *weir, u32 number);

/* weir_rule.c: steering rules; under rules_lock or weir_lock(). For those who make rules see weir_rule.h */
int weir_rules_tell(struct weir_device *weir);
void weir_rules_forget(struct weir_device *weir);
int weir_rules_max_queue(struct weir_device *weir);
bool weir_rules_lead_to(struct weir_device *weir, u32 context);

/* weir_flower.c: those that tc wants; under RTNL */
int weir_setup_tc(struct net_device *netdev, enum tc_setup_type type, void *data);

/* weir_ntuple.c: those that ethtool -N wants; under rules_lock, but for weir_ntuple_clear(), which takes it */
void weir_ntuple_clear(struct weir_device *weir);
int weir_ntuple_add(struct weir_device *weir, struct ethtool_rxnfc *info);
int weir_ntuple_delete(struct weir_device *weir, u32 location);
int weir_ntuple_count(struct weir_device *weir, struct ethtool_rxnfc *info);
int weir_ntuple_read(struct weir_device *weir, struct ethtool_rxnfc *info);
int weir_ntuple_list(struct weir_device *weir, struct ethtool_rxnfc *info, u32 *locations);

/* weir_qstats.c */
void weir_qstats_attach(struct net_device *netdev);
void weir_qstats_set_napi(struct net_device *netdev, u16 pair, struct napi_struct *napi, int irq);

/* weir_debugfs.c: what tools may ask while the driver is bound */
void weir_debugfs_init(const char *name);
void weir_debugfs_exit(void);
void weir_debugfs_add(struct weir_device *weir);
void weir_debugfs_remove(struct weir_device *weir);

/* weir_low_latency.c */
int weir_low_latency_tell(struct weir_device *weir);
void weir_low_latency_init(struct weir_device *weir);
int weir_low_latency_get(const struct weir_device *weir, u32 id,
			 struct devlink_param_gset_ctx *context);
int weir_low_latency_set(struct weir_device *weir, u32 id,
			 const struct devlink_param_gset_ctx *context);

/* weir_params.c: the driver's own parameters of devlink */
enum weir_param {
	WEIR_PARAM_LOW_LATENCY_BYTES = DEVLINK_PARAM_GENERIC_ID_MAX + 1,
	WEIR_PARAM_LOW_LATENCY_PUSH,
	WEIR_PARAM_LOW_LATENCY_PRIORITIES,
	WEIR_PARAM_LOW_LATENCY_US,
	WEIR_PARAM_LOW_LATENCY_CREDITS,
	WEIR_PARAM_GRO_HW_TIMEOUT_US,
};

int weir_params_register(struct weir_device *weir);
void weir_params_unregister(struct weir_device *weir);

/* weir_devlink.c */
extern const struct devlink_ops weir_devlink_ops;

/* weir_reset.c: the state machine of resets */
bool weir_state_move(struct weir_device *weir, unsigned long from_mask, enum weir_state to);
enum weir_state weir_state_get(struct weir_device *weir);
void weir_request_reset(struct weir_device *weir, enum weir_reset_reason reason);
void weir_reset_work(struct work_struct *work);
int weir_recover(struct weir_device *weir);
int weir_soft_reset(struct weir_device *weir);
bool weir_stop_by_force(struct weir_device *weir);
int weir_function_level_reset(struct weir_device *weir);
void weir_hold(struct weir_device *weir);
void weir_release(struct weir_device *weir);
extern const struct pci_error_handlers weir_error_handlers;

#endif
