/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The firmware's state and what its rooms call in each other. core/ owns functions, vports, admin queues, events, log and
 * trace; datapath/ owns queues, bursts and the sorter. Everything hangs on struct weir_firmware.
 */
#ifndef WEIR_INTERNAL_H
#define WEIR_INTERNAL_H

#include "hal.h"
#include "weir_firmware.h"

/* The compiler may call these for struct copies; the home links them. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#define WEIR_LIKELY(x)	   __builtin_expect(!!(x), 1)
#define WEIR_UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define WEIR_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define WEIR_MUST_CHECK	   __attribute__((warn_unused_result))

/* ---- tags of HAL operations: who waits for the completion ---- */

enum weir_tag_owner {
	WEIR_TAG_ADMIN = 1,  /* low bits: function index */
	WEIR_TAG_BURST = 2,  /* low bits: burst index << 12 | item */
	WEIR_TAG_REFILL = 3, /* low bits: receive queue, index in the card */
	WEIR_TAG_IGNORE = 4, /* nobody waits (event index and head of queues that may be gone) */
};
#define WEIR_TAG(owner, low) ((hal_tag)(owner) << 28 | (hal_tag)(low))
#define WEIR_TAG_OWNER(tag)  ((tag) >> 28)
#define WEIR_TAG_LOW(tag)    ((tag)&0x0fffffffu)

/* ---- log and trace (core/log.c, core/trace.c) ---- */

/* A line of the log: %u %d %x %s %lx-free on purpose; a small own format: %u (uint32_t), %x (uint32_t), %X (uint64_t), %s, %m (MAC,
 * const uint8_t *). Rate-limited per function so that a misbehaving VF cannot push out the others' lines. */
void weir_log(struct weir_firmware *firmware, enum weir_log_level level, uint16_t function,
	      const char *format, ...);

#define WEIR_NO_FRAME 0u

/* Appends a record; sequence and (when 0) time_ns are filled in here. Call only when firmware->trace.enabled. */
void weir_trace_add(struct weir_firmware *firmware, const struct weir_trace_record *record);

/* ---- vports: what filters, queues and rules belong to (core/vport.c) ---- */

#define WEIR_VPORT_MAX_QUEUES  64
#define WEIR_VPORT_FILTERS_MAX 256

/* How a vport's frames are hashed (specs/rss.md). */
struct weir_hash {
	uint8_t key[WEIR_HASH_KEY_MAX_BYTES]; /* zeros behind key_bytes */
	uint8_t key_bytes;
	uint8_t function; /* enum weir_hash_function */
	uint16_t types;	  /* set of enum weir_hash_type */
};
_Static_assert(WEIR_HASH_KEY_MAX_BYTES >= HAL_HASH_KEY_BYTES, "the board gets the vport's key");

/* Which of a vport's frames have their queue interrupt at once, and how often (datapath/low_latency.c). */
struct weir_low_latency {
	uint16_t bytes;	    /* shorter frames; 0: none */
	uint16_t us;	    /* a queue gets a credit every so often; 0: it needs none */
	uint8_t credits;    /* most that it has */
	uint8_t priorities; /* of the frames' tags, a bit each */
	bool push;
	bool asks;	/* some frames may be: by weir_vport_low_latency_update() */
	uint16_t rules; /* that say so */
};

struct weir_vport {
	bool exists;
	bool linked_up; /* link as its function sees it: policy and wire */
	bool spoof_check;
	uint8_t port;	/* wire port */
	uint16_t index; /* in the card */
	uint16_t function;
	uint16_t number; /* within the function */
	uint32_t flags;	 /* enum weir_vport_flag; read by the datapath */
	uint8_t mac[6];	 /* all zero: none */
	uint16_t mtu;
	uint32_t max_frame;	 /* mtu + Ethernet header + one tag */
	uint16_t coalesce_bytes; /* COALESCE_BYTES, _US, _SEGMENTS: by weir_vport_coalesce() */
	uint16_t coalesce_us;
	uint8_t coalesce_segments;
	/* port VLAN, 0: none; tci includes the priority */
	uint16_t port_vlan_tci;
	uint16_t port_vlan_protocol; /* 0x8100 or 0x88a8 */
	uint16_t filters_used;
	bool mac_is_filter; /* the own MAC was a filter before it became the own one */
	/* receive spread: a power of two of entries, 0 while there is no queue */
	bool hashes; /* a table was given, and there are types to hash: by weir_vport_hash_update() */
	bool chooses; /* hashes, or has steering rules: by weir_vport_choice_update() */
	uint16_t steer_rules;
	uint32_t choice_epoch; /* counts changes of what it chooses queues by */
	struct weir_low_latency low_latency;
	uint16_t spread_entries;
	uint16_t spread[WEIR_INDIRECTION_ENTRIES]; /* queue pairs of the function */
	struct weir_hash hash;
	/* positions in the sorter's dense member lists, UINT16_MAX when not a member (datapath/sorter.c) */
	uint16_t broadcast_position, promiscuous_position, all_multicast_position;
	uint64_t vlans[4096 / 64]; /* members by VLAN_ADD */
	uint64_t stats[WEIR_STAT_VPORT_COUNT];
};

/* ---- functions (core/function.c) ---- */

/*
 * Request and response of a command, while it runs. A card has a few of them for all its functions (core/command_buffer.c): most
 * functions have no command most of the time.
 */
struct weir_command_buffer {
	uint8_t request[WEIR_ADMIN_DATA_MAX_BYTES] __attribute__((aligned(8)));
	uint8_t response[WEIR_ADMIN_DATA_MAX_BYTES] __attribute__((aligned(8)));
	struct weir_command_buffer *next; /* free */
};

#define WEIR_COMMAND_BUFFERS 16

/* What an admin queue is doing; one command at a time (core/admin.c owns the values). */
struct weir_admin {
	uint8_t stage;
	bool running;
	bool armed;
	bool waiting;	    /* an operation of this queue is in flight */
	bool returned;	    /* ... it came back with result */
	bool stopping;	    /* ADMIN_CONTROL.ENABLE=0, or an error: until nothing is in flight */
	bool enable_wanted; /* ... and then enabled again */
	bool again;	    /* the command was started and answers BUSY */
	bool event_turn;    /* events and commands take turns */
	bool yields; /* it gave back a buffer that others may be waiting for: no more in this poll */
	uint8_t stop_status;	/* enum weir_status for ADMIN_STATUS.ERROR */
	uint8_t status;		/* enum weir_status of the command */
	enum hal_result result; /* of the operation that came back */
	uint32_t detail;
	uint32_t epoch; /* of the operation in flight, see weir_datapath_epoch_begin() */
	uint8_t sq_log2, cq_log2;
	uint16_t vector;
	uint16_t sq_head, sq_tail;     /* fetched, submitted */
	uint16_t cq_produced, cq_head; /* written, consumed by the host */
	uint64_t sq_address, cq_address;
	struct weir_admin_command command;
	struct weir_admin_completion entry; /* completion or event being written */
	struct weir_command_buffer
		*buffer; /* of the command, from FETCH_REQUEST or EXECUTE to its answer */
	uint32_t response_bytes;
	uint32_t events;		 /* set of enum weir_event waiting to be sent */
	struct weir_admin_event held[8]; /* by event id: what will be sent */
	/* what the PF is told about this function, by enum weir_misbehaviour */
	uint64_t misbehaviour_sent_ns[6];
	uint32_t misbehaviour_count[6];
	uint32_t misbehaviour_place[6];
};

/* What the administrator decided for a VF; outlives the VF's resets. */
struct weir_vf_policy {
	uint8_t mac[6];
	bool mac_set;
	bool spoof_check;
	bool trusted;
	uint8_t link_policy;
	uint16_t vlan_tci;
	uint16_t vlan_protocol;
};

struct weir_function {
	uint16_t index;	   /* 0 PF, n VF n-1 */
	uint8_t state;	   /* enum weir_function_state */
	uint8_t role;	   /* enum weir_role */
	bool reset_wanted; /* enters INIT when quiet */
	bool admin_active; /* on the list of functions with admin work */
	bool mailbox_waiting;
	bool mailbox_again;  /* the mailbox's command was started and answers BUSY */
	bool reset_listed;   /* on the list of functions in or before a reset */
	bool reset_hardware; /* hal_function_ready() is owed */
	bool reset_notice; /* RESET_IMPENDING was said, the reset waits for the event to be delivered */
	bool news_listed; /* on the list of functions about which the PF is to be told something */
	bool ats_enabled;
	uint8_t news;	       /* set of enum weir_event (bits) for the PF */
	uint16_t news_states;  /* VF_STATE events folded into one */
	uint64_t reset_due_ns; /* when the reset comes without more waiting */
	uint32_t mailbox_owner;
	uint16_t mailbox_opcode, mailbox_bytes;
	struct weir_command_buffer
		*mailbox_buffer;     /* with the window's private copy; NULL: not taken yet */
	uint64_t interrupts_owed[2]; /* vectors for which the board had no room */
	uint32_t generation;
	uint32_t references;  /* bursts and operations that still touch it; reset completes at 0 */
	uint16_t queue_pairs; /* how many it may have */
	uint16_t vectors;
	uint16_t first_vport; /* index in the card; one vport a function today */
	uint32_t first_queue; /* of its receive and transmit queues in the card's arrays */
	struct weir_vf_policy policy;
	struct weir_admin admin;
	uint64_t log_window_ns;
	uint32_t log_window_lines;
	uint32_t log_left_out;
	enum weir_log_level log_left_out_level; /* of the worst of them */
	uint64_t stats[WEIR_STAT_FUNCTION_COUNT];
};

/* ---- queues (datapath/queue.c) ---- */

enum weir_queue_state {
	WEIR_QUEUE_NONE = 0,
	WEIR_QUEUE_RUNNING,
	WEIR_QUEUE_STOPPED, /* by a fault or misbehaviour: exists, moves nothing, until destroyed */
	WEIR_QUEUE_CLOSING, /* destroy or reset asked for; references still held */
};

/* When a queue interrupts (datapath/moderate.c). */
struct weir_queue_interrupt {
	bool armed;
	uint16_t vector;    /* WEIR_VECTOR_NONE: the queue is polled */
	uint16_t arm_value; /* what the host has seen */
	uint16_t count;	    /* MODERATION_COUNT */
	uint32_t time_us;   /* MODERATION_US */
	uint32_t timer;	    /* while it waits: by weir_timer_start(); else 0 */
};

#define WEIR_REFILL_ENTRIES 128 /* buffer addresses kept ready, a power of two */

/* How a receive queue splits frames (datapath/split.c). Such a queue keeps WEIR_SPLIT_READY pairs of addresses ready. */
#define WEIR_SPLIT_READY (WEIR_REFILL_ENTRIES / 2)
struct weir_queue_split {
	uint16_t header_bytes; /* of a header buffer */
	uint16_t threshold;    /* frames of so many bytes go there whole */
	uint16_t ahead;	       /* HEADER_AHEAD */
	uint16_t kinds;	       /* set of enum weir_split_kind; 0: all */
};

struct weir_rx_queue {
	/* read on every frame */
	uint8_t state;
	uint8_t ring_log2, completion_log2;
	bool timed;	    /* format 1: completions tell the time */
	bool refilling;	    /* a refill operation is in flight */
	bool refill_ahead;  /* ... that was begun when no frame was waiting */
	uint8_t generation; /* low bits, put into completions */
	uint8_t split_mode; /* enum weir_split_mode */
	uint8_t held; /* the aggregate that waits in it: place among firmware->held + 1; else 0 */
	bool urgent; /* a frame of low latency ends before completion `urgent_end`; the host need not have seen it */
	uint16_t function, vport;
	struct weir_queue_interrupt interrupt;
	uint16_t tail;	   /* buffers posted by the host */
	uint16_t fetched;  /* buffers whose address is in ready[] or used */
	uint16_t used;	   /* buffers given to frames */
	uint16_t produced; /* completion slots given out */
	uint16_t buffer_bytes;
	struct weir_queue_split split; /* with a split_mode */
	uint32_t references;
	uint64_t credits_full_ns; /* when all of its credits are back (low_latency.c) */
	uint64_t ring_address, completion_address, shadow_address;
	struct hal_requester requester;
	uint32_t index;	       /* in the card */
	uint32_t shadow_value; /* shadow tail or event index on its way */
	uint8_t refill_step;   /* what the operation in flight is (queue.c) */
	bool announced;	       /* the shadow says that the device polls */
	bool shadow_fresh;     /* the shadow was just read */
	uint32_t refill_epoch; /* of the operation in flight */
	uint16_t refill_count;
	uint16_t deliveries; /* claimed, completion not visible yet */
	uint16_t traced_slot;
	uint16_t urgent_end;
	uint32_t traced_frame; /* waits for the driver to take it, 0: none */
	uint64_t stats[WEIR_STAT_RX_QUEUE_COUNT];
	uint64_t ready[WEIR_REFILL_ENTRIES]; /* by index of the buffer; of a pair the payload's first */
	struct weir_trace_record untold;     /* the step of the next interrupt; its frame 0: none */
};

struct weir_tx_queue {
	uint8_t state;
	uint8_t ring_log2;
	bool active;	/* on the scheduler's list */
	bool busy;	/* a burst of this queue is under way */
	bool skipping;	/* inside a frame of too many descriptors, up to its END */
	bool announced; /* the shadow says that the device polls */
	bool idle;	/* nothing was posted, since idle_since_ns */
	bool resting;	/* leaves the list; a doorbell brings it back */
	uint64_t idle_since_ns;
	uint16_t function, vport;
	struct weir_queue_interrupt interrupt;
	uint16_t head, tail;
	uint16_t hinted; /* descriptors whose memory the board was told to have at hand */
	uint32_t references;
	uint64_t ring_address, head_address, shadow_address;
	uint64_t report_address; /* 0: frames are not reported */
	struct hal_requester requester;
	uint32_t index;	      /* in the card */
	uint32_t next_active; /* scheduler's ring, index in the card */
	uint64_t stats[WEIR_STAT_TX_QUEUE_COUNT];
};

/* ---- the sorter (datapath/sorter.c) ---- */

struct weir_sorter_entry {
	uint64_t key;  /* MAC in bits 47:0 (first byte lowest), VLAN or WEIR_VLAN_NONE in 63:48 */
	uint32_t next; /* index + 1, 0 ends the chain */
	uint16_t vport;
	uint16_t references; /* how often it was added (own MAC and a filter may coincide) */
};

struct weir_sorter {
	struct weir_sorter_entry *entries;
	uint32_t *buckets; /* index + 1 of the first entry */
	uint32_t bucket_log2;
	uint32_t entry_count, free_list;
	uint32_t exact_vlan_entries; /* entries with a VLAN: with none the second look-up is left out */
	/* dense lists of vport indices, each of vport_count room */
	uint16_t *broadcast, *promiscuous, *all_multicast;
	uint16_t broadcast_count, promiscuous_count, all_multicast_count;
};

/* ---- steering rules (datapath/steer.c) ---- */

#define WEIR_STEER_WORDS (sizeof(struct weir_steer_key) / sizeof(uint64_t))

/* A struct weir_steer_key as it is compared. */
struct weir_steer_words {
	uint64_t word[WEIR_STEER_WORDS];
};

/* Free rules are chained by `next`. Links are index + 1 in steering.rules, 0 ends. Short, as there are thousands of rules. */
struct weir_steer_rule {
	struct weir_steer_words key;	     /* under the mask of its group */
	uint16_t next, next_located;	     /* in the chains of buckets[], located[] */
	uint16_t next_listed, before_listed; /* of the vport's */
	uint16_t vport;
	uint16_t location;
	uint16_t queue; /* queue pair of the function, with QUEUE */
	uint8_t group;
	uint8_t action;	 /* enum weir_steer_action */
	uint8_t context; /* spread context, with SPREAD; 0: the vport's own */
	bool marks;
	bool low_latency;
	uint32_t mark;
	uint64_t frames; /* that matched */
	uint64_t bytes;	 /* of them */
};

/* The rules of a vport with one mask. */
struct weir_steer_group {
	struct weir_steer_words mask;
	uint16_t rules; /* 0: not in use */
	uint16_t first; /* none of them has a lesser location */
	uint8_t pairs;	/* of words with bits in the mask, a bit each */
};

/* A spread besides the vport's own (datapath/context.c). */
struct weir_context {
	struct weir_hash hash;
	uint8_t spread[WEIR_INDIRECTION_ENTRIES]; /* queue pairs of the function */
	uint16_t rules;				  /* that lead to it */
	bool exists;
};
_Static_assert(WEIR_VPORT_MAX_QUEUES <= UINT8_MAX, "a queue pair fits an entry");

struct weir_steer_vport {
	struct weir_context contexts[WEIR_SPREAD_CONTEXTS]; /* number n is [n - 1] */
	struct weir_steer_group groups[WEIR_STEER_MASKS];
	uint8_t order[WEIR_STEER_MASKS]; /* groups in use, least `first` first */
	uint8_t group_count;
	uint16_t list; /* of its rules */
};

struct weir_steering {
	struct weir_steer_rule *rules;
	struct weir_steer_vport *vports; /* by index */
	uint16_t *buckets, *located;	 /* by masked key; by vport and location */
	uint32_t bucket_log2;
	uint16_t free_list;
	uint32_t fresh; /* rules given back; rules below were taken at least once */
	uint32_t shared_used;
	uint64_t seed[WEIR_STEER_WORDS + 2]; /* of the hash, secret */
};

/* A rule to be: values checked, bits outside the mask zero. */
struct weir_steer_request {
	struct weir_steer_words key, mask;
	uint16_t location, queue;
	uint8_t action, context;
	bool marks;
	bool low_latency;
	uint32_t mark;
};

/* ---- log and trace storage ---- */

struct weir_log_state {
	struct weir_log_record *records;
	uint32_t capacity;
	uint32_t next; /* sequence of the next line */
	uint8_t level;
};

struct weir_trace_state {
	bool enabled;
	struct weir_trace_record *records;
	uint32_t capacity;   /* a power of two */
	uint32_t next;	     /* sequence of the next record */
	uint32_t next_frame; /* number given to the next traced frame */
	/* which frames: members not wanted have their mask zero */
	uint64_t mac_value, mac_mask;
	uint16_t function;  /* WEIR_FUNCTION_SELF: any */
	uint16_t vlan;	    /* WEIR_VLAN_NONE: any */
	bool untagged;	    /* untagged frames only */
	uint16_t ethertype; /* 0: any */
};

/* Invalidations that are not answered yet (ats/ats.c). */
#define WEIR_INVALIDATIONS 256

struct weir_ats_state {
	uint32_t count;
	struct weir_invalidation {
		uint64_t tag;
		uint32_t epoch;
		uint16_t function;
	} waiting[WEIR_INVALIDATIONS];
};

/* Something that waits for its time. They are a heap: none is due before its parent, the next of all is the first. */
struct weir_timer {
	uint64_t due_ns;
	/* whose: the interrupt of a receive queue, by its index in the card; with WEIR_TIMER_TRANSMIT of a transmit queue; with
	 * WEIR_TIMER_HELD an aggregate, by its place among firmware->held */
	uint32_t owner;
};

#define WEIR_TIMER_TRANSMIT 0x80000000u
#define WEIR_TIMER_HELD	    0x40000000u

/* Aggregates of a card that may wait for more segments at a time. */
#define WEIR_HELD 64u

struct weir_burst; /* datapath/burst.h */
struct weir_held;  /* datapath/hold.h */

struct weir_firmware {
	struct hal *hal;
	struct weir_firmware_config config;
	uint64_t now_ns; /* of this poll */
	/* the card's clock, and the TIME_RATE it runs at: core/commands_time.c sets them */
	struct weir_clock clock;
	int64_t clock_rate;
	uint16_t function_count, vport_count;
	uint16_t vfs_enabled;
	uint16_t hashing_vports;    /* how many have `hashes` */
	uint16_t coalescing_vports; /* ... coalesce_segments */
	uint32_t queue_count;	    /* receive queues, and as many transmit queues */
	struct weir_function *functions;
	struct weir_vport *vports;
	struct weir_rx_queue *rx_queues;
	struct weir_tx_queue *tx_queues;
	struct weir_sorter sorter;
	struct weir_steering steering;
	struct weir_log_state log;
	struct weir_trace_state trace;
	struct weir_burst *bursts;
	uint32_t burst_free;	/* list of free bursts */
	uint32_t burst_waiting; /* list of bursts with operations in flight or waiting for a buffer */
	uint32_t bursts_in_use;
	uint32_t burst_epoch; /* see weir_datapath_epoch_begin() */
	bool port_busy[8];    /* a burst from the port is under way */
	uint32_t active_head; /* scheduler: ring of active transmit queues, UINT32_MAX when empty */
	struct weir_timer *timers; /* room for every queue's and aggregate's; timer_count are running */
	uint32_t timer_count;
	struct weir_held *held;
	uint8_t held_free;    /* list of those that are free: place + 1, 0: none is */
	uint8_t held_leaving; /* that wait no longer, and are to be delivered */
	uint16_t *admin_list; /* functions with admin work */
	uint16_t admin_list_count;
	uint16_t *reset_list;	      /* functions in or before a reset */
	uint16_t functions_resetting; /* length of the above */
	uint16_t *news_list;	      /* functions about which the PF is to be told something */
	uint16_t news_count;
	bool interrupts_owed;	     /* the board had no room for a vector of some function */
	bool events_left;	     /* the last poll left events with the hardware */
	uint64_t news_due_ns;	     /* no news is due before */
	uint32_t port_speed_mbps[8]; /* last speed of a link that was up */
	struct weir_ats_state ats;
	struct weir_command_buffer command_buffers[WEIR_COMMAND_BUFFERS];
	struct weir_command_buffer *free_command_buffers;
	struct hal_link links[8];
	uint64_t port_stats[8][WEIR_STAT_PORT_COUNT];
};

#define WEIR_PORTS_MAX 8

/* ---- core calls datapath ---- */

struct weir_queue_request {
	uint16_t queue;	 /* queue pair within the function */
	uint16_t vport;	 /* index in the card, checked */
	uint16_t vector; /* checked, or WEIR_VECTOR_NONE */
	uint16_t format;
	uint8_t ring_log2, completion_log2;
	uint16_t moderation_count;
	uint32_t moderation_us;
	uint32_t buffer_bytes;
	uint8_t split_mode;	       /* receive: enum weir_split_mode, unchecked */
	struct weir_queue_split split; /* ... and what goes with it */
	uint64_t ring_address, completion_address, shadow_address;
	uint64_t report_address; /* transmit */
};

/* Lays the datapath's state out: how many bytes of what datapath owns are needed is in weir_datapath_bytes(). */
size_t weir_datapath_bytes(const struct weir_firmware_config *config, uint32_t vport_count,
			   uint32_t queue_count);
void weir_datapath_init(struct weir_firmware *firmware, void *memory);
/* Bursts of every port and active queue; returns the work done. */
uint32_t weir_datapath_poll(struct weir_firmware *firmware);
bool weir_datapath_may_sleep(struct weir_firmware *firmware);
/* A completion of WEIR_TAG_BURST or WEIR_TAG_REFILL. */
void weir_datapath_complete(struct weir_firmware *firmware, hal_tag tag, enum hal_result result);
/* The function may move frames again (bus master on, vport enabled): its transmit queues are looked at. */
void weir_datapath_wake(struct weir_firmware *firmware, const struct weir_function *function);
/*
 * To wait for all that was in flight at a moment without stopping what comes later: begin gives the moment a number, over tells
 * whether every burst of the card and every refill of function that was under way then has ended.
 */
uint32_t weir_datapath_epoch_begin(struct weir_firmware *firmware);
bool weir_datapath_epoch_over(struct weir_firmware *firmware, const struct weir_function *function,
			      uint32_t epoch);
/* Ends the waits that are over by firmware->now_ns, some of many at a time; returns how many. */
uint32_t weir_timers_poll(struct weir_firmware *firmware);
/* When the next wait is over, UINT64_MAX: nothing waits. */
static inline uint64_t weir_timers_due_ns(const struct weir_firmware *firmware)
{
	return firmware->timer_count ? firmware->timers[0].due_ns : UINT64_MAX;
}
/* BAR2 was written. Bad offsets and values are counted and reported here. */
void weir_datapath_doorbell(struct weir_firmware *firmware, uint16_t function, uint32_t offset,
			    uint32_t value);

/* Queue life; the request's values are checked here, *detail names the attribute that is wrong. */
WEIR_MUST_CHECK enum weir_status weir_rx_queue_create(struct weir_firmware *firmware,
						      struct weir_function *function,
						      const struct weir_queue_request *request,
						      uint32_t *detail);
WEIR_MUST_CHECK enum weir_status weir_tx_queue_create(struct weir_firmware *firmware,
						      struct weir_function *function,
						      const struct weir_queue_request *request,
						      uint32_t *detail);
/* Starts or goes on destroying: WEIR_STATUS_BUSY until nothing of the queue is in flight; call again at later polls. */
WEIR_MUST_CHECK enum weir_status weir_rx_queue_destroy(struct weir_firmware *firmware,
						       struct weir_function *function,
						       uint16_t queue);
WEIR_MUST_CHECK enum weir_status weir_tx_queue_destroy(struct weir_firmware *firmware,
						       struct weir_function *function,
						       uint16_t queue);
/* NOT_FOUND, or BAD_VALUE with *detail as above; NULL leaves a setting as it is. What waits, waits by the new settings from then on. */
WEIR_MUST_CHECK enum weir_status weir_queue_moderate(struct weir_firmware *firmware,
						     struct weir_function *function, uint16_t queue,
						     bool transmit, const uint64_t *time_us,
						     const uint64_t *count, uint32_t *detail);
/* All queues of a function at once, for its reset; its references fall to 0 as bursts end. */
void weir_function_queues_close(struct weir_firmware *firmware, struct weir_function *function);
/* Frees closed queues; called when references is 0. */
void weir_function_queues_free(struct weir_firmware *firmware, struct weir_function *function);
/* Receive spread of a vport: entries are queue pairs of its function. */
WEIR_MUST_CHECK enum weir_status weir_vport_spread_set(struct weir_firmware *firmware,
						       struct weir_vport *vport,
						       const uint16_t *queues, uint16_t entries);

/* Spread or hash of the vport changed: keeps what the datapath asks true. */
void weir_vport_hash_update(struct weir_firmware *firmware, struct weir_vport *vport);

/* Settings or rules of the vport changed. */
static inline void weir_vport_low_latency_update(struct weir_vport *vport)
{
	struct weir_low_latency *low = &vport->low_latency;

	low->asks = low->bytes || low->priorities || low->push || low->rules;
}
/* Aggregates that wait in queues of the vport wait no longer: what its frames go by is about to change. */
void weir_vport_release(struct weir_firmware *firmware, const struct weir_vport *vport);
/* Spread, hash or steering rules of the vport changed. */
static inline void weir_vport_choice_update(struct weir_vport *vport)
{
	vport->choice_epoch++;
	vport->chooses = vport->hashes || vport->steer_rules;
}
/* Received segments of the vport become aggregates of at most so many (0: none do) and so long, from the next burst on, which wait at most
 * `us` for more. */
static inline void weir_vport_coalesce(struct weir_firmware *firmware, struct weir_vport *vport,
				       uint8_t segments, uint16_t bytes, uint16_t us)
{
	firmware->coalescing_vports = (uint16_t)(firmware->coalescing_vports + (segments != 0) -
						 (vport->coalesce_segments != 0));
	vport->coalesce_segments = segments;
	vport->coalesce_bytes = bytes;
	vport->coalesce_us = us;
}

/* Is it a receive queue of the vport that works? */
bool weir_vport_has_queue(const struct weir_firmware *firmware, const struct weir_vport *vport,
			  uint16_t queue);

/* The vport's spread context of a number (1 to SPREAD_CONTEXTS), NULL: there is none. */
struct weir_context *weir_context_find(const struct weir_firmware *firmware,
				       const struct weir_vport *vport, uint64_t number);
/* Makes a context, or changes it; queues: INDIRECTION_ENTRIES of the vport's that work, or NULL: as they are. BAD_VALUE: an entry is wrong,
 * nothing was changed. */
WEIR_MUST_CHECK enum weir_status weir_context_set(struct weir_firmware *firmware,
						  struct weir_vport *vport, uint32_t number,
						  const struct weir_hash *hash,
						  const uint16_t *queues);
/* NOT_FOUND; BAD_STATE: a rule leads to it. */
WEIR_MUST_CHECK enum weir_status weir_context_delete(struct weir_firmware *firmware,
						     struct weir_vport *vport, uint64_t number);

/* Steering: makes a rule, or changes the one at its location. EXISTS, NO_SPACE, with *detail the attribute concerned. */
WEIR_MUST_CHECK enum weir_status weir_steer_add(struct weir_firmware *firmware,
						struct weir_vport *vport,
						const struct weir_steer_request *request,
						uint32_t *detail);
/* NOT_FOUND */
WEIR_MUST_CHECK enum weir_status weir_steer_delete(struct weir_firmware *firmware,
						   struct weir_vport *vport, uint16_t location);
/* Drops all rules and spread contexts of a vport. */
void weir_steer_flush(struct weir_firmware *firmware, struct weir_vport *vport);
/* The vport's rule at a location, NULL: none; its mask. Both valid until rules change. */
struct weir_steer_rule *weir_steer_find(const struct weir_firmware *firmware,
					const struct weir_vport *vport, uint16_t location);
const struct weir_steer_words *weir_steer_mask(const struct weir_firmware *firmware,
					       const struct weir_steer_rule *rule);
/* Locations of a vport's rules, in no particular order, those behind `after` (NULL: all); how many, at most `room`. */
uint32_t weir_steer_list(const struct weir_firmware *firmware, const struct weir_vport *vport,
			 const struct weir_steer_rule *after, uint16_t *locations, uint32_t room);
/* Rules that the vport may have. */
uint16_t weir_steer_rules_max(const struct weir_vport *vport);

/* Sorter: add and delete count references; vlan may be WEIR_VLAN_NONE. NO_SPACE, NOT_FOUND. */
WEIR_MUST_CHECK enum weir_status weir_sorter_add(struct weir_firmware *firmware,
						 const struct weir_vport *vport,
						 const uint8_t mac[6], uint16_t vlan);
WEIR_MUST_CHECK enum weir_status weir_sorter_delete(struct weir_firmware *firmware,
						    const struct weir_vport *vport,
						    const uint8_t mac[6], uint16_t vlan);
/* Has the vport this filter? */
bool weir_sorter_has(const struct weir_firmware *firmware, const struct weir_vport *vport,
		     const uint8_t mac[6], uint16_t vlan);
/* Drops everything of a vport. */
void weir_sorter_flush(struct weir_firmware *firmware, struct weir_vport *vport);
/* The vport's flags changed: keeps the member lists true. */
void weir_sorter_flags(struct weir_firmware *firmware, struct weir_vport *vport);

/* ---- datapath calls core ---- */

/* function did something it must not: counted by the caller, logged, told to the PF at most once a second per kind. */
void weir_misbehaviour(struct weir_firmware *firmware, struct weir_function *function,
		       enum weir_misbehaviour kind, const char *what, uint32_t value);
/*
 * The same, saying where: place is the event's data, a queue pair of the function or WEIR_PLACE_NONE, and flags. With
 * WEIR_PLACE_STOPPED the function is told about it, too.
 */
#define WEIR_PLACE_NONE	    0xffffu
#define WEIR_PLACE_TRANSMIT 0x10000u
#define WEIR_PLACE_STOPPED  0x20000u
void weir_misbehaviour_at(struct weir_firmware *firmware, struct weir_function *function,
			  enum weir_misbehaviour kind, const char *what, uint32_t value,
			  uint32_t place);
/* An interrupt of the function, counted. */
void weir_interrupt(struct weir_firmware *firmware, struct weir_function *function, uint16_t vector);

#endif
