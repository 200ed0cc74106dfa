/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive and transmit queues: the host's side of specs/data-queues.md.
 */
#ifndef WEIR_QUEUES_H
#define WEIR_QUEUES_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "weir_device.h"
#include "weir_gate.h"
#include "weir_ring.h"

/** Buffers and descriptors below which posting and reclaiming is not worth a look. */
#define WEIR_RX_FREE_THRESHOLD 32
#define WEIR_TX_FREE_THRESHOLD 64

/** Pieces in which buffers go to and from a mempool: they fit the per-core cache. */
#define WEIR_POOL_PIECE 64

/** Length of an Ethernet header and two VLAN tags: what a frame is longer than the MTU, at most. */
#define WEIR_FRAME_OVERHEAD_BYTES 22

/** Segments that a queue can split frames into: the header, and the rest. */
#define WEIR_SPLIT_SEGMENTS 2

/** How a queue splits frames: RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT as the function is told (weir_split.c). All zero: not. */
struct weir_split {
	struct rte_mempool *header_pool, *pool; /* of headers, of all else */
	uint32_t buffer_bytes;			/* of a buffer for what is no header */
	uint16_t header_bytes;			/* of one that is */
	uint16_t header_offset, offset; /* of either, from the beginning of its mbuf's memory */
	uint16_t kinds;			/* set of enum weir_split_kind */
	uint8_t mode;			/* enum weir_split_mode */
	bool one_rest; /* the last segment is described as an mbuf that others cannot follow */
};

struct weir_rx_queue {
	/* touched by every burst; the second line only to post buffers */
	struct weir_gate gate;
	uint16_t taken;	    /* completions taken, and with more_used buffers that came back */
	uint16_t more_used; /* of aggregates, which have several buffers a completion; less headers, which have none (mod 2^16) */
	uint16_t posted;    /* buffers posted */
	uint16_t checked;   /* posted as it was when the doorbell rule was last asked */
	uint16_t mask;	    /* entries of the free-buffer ring less one */
	uint16_t completion_mask; /* of the completion ring */
	uint16_t capacity;	  /* buffers posted at most: what the application asked for */
	uint16_t free_threshold;
	uint8_t ring_log2, completion_log2;
	bool broken; /* the device did what it must not: nothing more until the function is reset */
	bool disordered; /* buffers have come back out of order: slots may be taken */
	bool in_frame;	 /* the next completion belongs to a frame that has begun */
	uint8_t timed;	 /* 1: completions tell the time (format 1), and are twice as long */
	uint32_t buffer_bytes;
	uint32_t good_flags; /* of a completion, its generation bit apart, when all is well */
	const volatile struct weir_rx_completion *completions;
	struct rte_mbuf **buffers; /* by slot of the free-buffer ring; NULL: none posted there */
	struct rte_mbuf **headers; /* the same, of a queue that splits: header buffers; else NULL */

	struct weir_rx_buffer *ring
		__rte_aligned(64); /* of a queue that splits, struct weir_rx_split_buffer */
	struct weir_shadow_doorbell *shadow; /* NULL: the function has none */
	struct rte_mempool *pool;
	uint64_t rearm; /* data_off, refcnt, nb_segs and port of a fresh mbuf */
	struct rte_mbuf *partial,
		*partial_last; /* what has come of it; NULL: it went wrong, drop the rest */
	bool chains;	       /* the application takes frames of several buffers */
	uint64_t ptp_time_ns;  /* when the last PTP frame came; 0: it was read, or none has */
	uint64_t frames, bytes;
	uint64_t errors;	   /* frames that cannot be handed on */
	uint64_t transfers_failed; /* frames whose transfer failed; the function counts them, too */
	uint64_t no_mbufs;	   /* attempts to post buffers that found the mempool empty */
	uint64_t doorbells;	   /* doorbells rung */
	uint64_t bad_entries;	   /* completions that cannot be true */

	struct weir_split split;
	uint64_t header_rearm; /* as rearm, of an mbuf for headers */

	/* control path */
	uint64_t base_frames, base_bytes, base_errors; /* at the last reset of statistics */
	struct weir_device *device;
	const struct rte_memzone *zone;
	uint64_t ring_iova, completion_iova, shadow_iova;
	struct rte_eth_rxconf conf;
	union rte_eth_rxseg segments[WEIR_SPLIT_SEGMENTS]; /* of conf */
	uint16_t index;
	uint16_t descriptors; /* as asked for */
	bool created;	      /* exists on the function */
} __rte_aligned(64);

struct weir_tx_queue {
	struct weir_gate gate;
	uint16_t tail;	    /* descriptors posted */
	uint16_t reclaimed; /* descriptors whose mbufs were freed */
	uint16_t done;	    /* head as last read */
	uint16_t mask;
	uint16_t capacity;
	uint16_t free_threshold;
	bool broken;
	uint8_t ring_log2;
	uint8_t max_segments;
	uint32_t max_frame_bytes;
	struct weir_tx_descriptor *ring;
	struct rte_mbuf *
		*mbufs; /* by slot; in the full path the frame at its last descriptor, else NULL */
	const volatile weir_le32 *head; /* written by the device */
	struct weir_tx_report *reports; /* by slot: when frames that ask were sent */

	struct weir_shadow_doorbell *shadow __rte_aligned(64); /* NULL: the function has none */
	uint64_t frames, bytes;
	uint64_t dropped;   /* frames that no device could send */
	uint64_t doorbells; /* doorbells rung */
	uint64_t bad_heads; /* heads that cannot be true */

	/* control path */
	uint64_t base_frames, base_bytes, base_dropped; /* at the last reset of statistics */
	struct weir_device *device;
	const struct rte_memzone *zone;
	uint64_t ring_iova, head_iova, shadow_iova, reports_iova;
	struct rte_eth_txconf conf;
	uint16_t index;
	uint16_t descriptors;
	bool simple;		/* sends by weir_transmit_simple() */
	uint16_t watched_head;	/* as weir_tx_queue_stuck() saw it last */
	uint64_t watched_since; /* timer cycles */
	bool created;
} __rte_aligned(64);

/*
 * Order of accesses to memory that the device shares: a doorbell value after what it announces, a load of
 * the event index after the store of the shadow tail, an entry's contents after its generation bit. On x86
 * the first and last are the compiler's business alone, and rte_smp_mb() is the cheapest full fence.
 */
#define weir_store_fence() rte_io_wmb()
#define weir_load_fence()  rte_io_rmb()
#if defined(RTE_ARCH_X86)
#define weir_full_fence() rte_smp_mb()
#else
#define weir_full_fence() rte_mb()
#endif

static inline uint32_t weir_load32(const volatile weir_le32 *from)
{
	return weir_le32_to_cpu(*from);
}

/** Writes a shadow doorbell's tail, after everything it announces. */
static inline void weir_shadow_store(struct weir_shadow_doorbell *shadow, uint16_t tail)
{
	weir_store_fence();
	*(volatile weir_le32 *)&shadow->tail = weir_cpu_to_le32((uint32_t)tail);
}

/** Whether moving the shadow tail from old_tail to new_tail has to be followed by a doorbell. */
static inline bool weir_shadow_wants_doorbell(const struct weir_shadow_doorbell *shadow,
					      uint16_t old_tail, uint16_t new_tail)
{
	weir_full_fence();
	return weir_doorbell_needed(weir_load32(&shadow->event_index), old_tail, new_tail);
}

/* --- weir_rx.c, weir_rx_frame.c, weir_rx_ring.c, weir_tx.c: data path ------------------------------- */

/** rx_pkt_burst where a frame fits one buffer, where it may take several, and where it tells its time. */
uint16_t weir_receive(void *queue, struct rte_mbuf **frames, uint16_t count);
uint16_t weir_receive_scattered(void *queue, struct rte_mbuf **frames, uint16_t count);
uint16_t weir_receive_timed(void *queue, struct rte_mbuf **frames, uint16_t count);
/** The same on ports with RTE_ETH_RX_OFFLOAD_BUFFER_SPLIT, whatever their queues. */
uint16_t weir_receive_split(void *queue, struct rte_mbuf **frames, uint16_t count);
/**
 * Takes the next completion, which has been seen to be written, whatever it says.
 *
 * @return a frame if it was the last of one; NULL if not, or if the frame is lost
 */
struct rte_mbuf *weir_rx_take(struct weir_rx_queue *queue);
/** The same of a queue that splits. */
struct rte_mbuf *weir_rx_take_split(struct weir_rx_queue *queue);
/** Buffers that the device has. */
static inline uint16_t weir_rx_outstanding(const struct weir_rx_queue *queue)
{
	return weir_ring_ahead(queue->posted, (uint16_t)(queue->taken + queue->more_used));
}
/** Posts buffers up to the queue's capacity, for its start. 0 or -ENOMEM. */
int weir_rx_fill(struct weir_rx_queue *queue);
/** Hands the posted buffers to the device, after weir_rx_fill(). */
void weir_rx_announce(struct weir_rx_queue *queue);
uint32_t weir_rx_queue_count(void *queue);
int weir_rx_descriptor_status(void *queue, uint16_t offset);

/** tx_pkt_burst for single segments of one mempool, and for everything. */
uint16_t weir_transmit_simple(void *queue, struct rte_mbuf **frames, uint16_t count);
uint16_t weir_transmit(void *queue, struct rte_mbuf **frames, uint16_t count);
uint16_t weir_transmit_prepare(void *queue, struct rte_mbuf **frames, uint16_t count);
int weir_tx_descriptor_status(void *queue, uint16_t offset);
int weir_tx_done_cleanup(void *queue, uint32_t count);

/* --- weir_lro.c: aggregates ------------------------------------------------------------------------ */

/** The packet_type that an ordinary completion of a frame like this would have, from rx_aggregate.segment. */
uint16_t weir_lro_type(uint16_t segment);
/**
 * Makes a chain of an aggregate of `bytes` bytes: `frame`, filled and taken out of the ring already, and the buffers behind number
 * `buffer`, its own. False: the function cannot have had all of them; what was taken is in the chain.
 */
bool weir_lro_gather(struct weir_rx_queue *queue, struct rte_mbuf *frame, uint16_t buffer,
		     uint16_t bytes, uint16_t segment);

/* --- weir_split.c: headers in mbufs of their own ---------------------------------------------------- */

/** dev_ops.buffer_split_supported_hdr_ptypes_get */
const uint32_t *weir_split_headers_get(WEIR_PTYPES_PARAMETERS);
/** Makes conf's segments, of which there are some, a split. 0 or a negative errno, logged. */
int weir_split_choose(struct weir_device *device, const struct rte_eth_rxconf *conf,
		      struct weir_split *split);
/** Whether frames of up to `bytes` bytes always fit the segments that the application has described, or may go on behind them. */
bool weir_split_holds(const struct weir_split *split, uint32_t bytes);

/* --- weir_queues.c: control path ------------------------------------------------------------------ */

/** Whether the device can reach all buffers of a mempool. 0 or a negative errno, logged. */
int weir_pool_check(struct weir_device *device, struct rte_mempool *pool);
int weir_rx_queue_setup(struct rte_eth_dev *ethdev, uint16_t index, uint16_t descriptors,
			unsigned int socket, const struct rte_eth_rxconf *conf,
			struct rte_mempool *pool);
int weir_tx_queue_setup(struct rte_eth_dev *ethdev, uint16_t index, uint16_t descriptors,
			unsigned int socket, const struct rte_eth_txconf *conf);
void weir_rx_queue_release(struct rte_eth_dev *ethdev, uint16_t index);
void weir_tx_queue_release(struct rte_eth_dev *ethdev, uint16_t index);
void weir_rxq_info_get(struct rte_eth_dev *ethdev, uint16_t index, struct rte_eth_rxq_info *info);
void weir_txq_info_get(struct rte_eth_dev *ethdev, uint16_t index, struct rte_eth_txq_info *info);
int weir_rx_burst_mode_get(struct rte_eth_dev *ethdev, uint16_t index,
			   struct rte_eth_burst_mode *mode);
int weir_tx_burst_mode_get(struct rte_eth_dev *ethdev, uint16_t index,
			   struct rte_eth_burst_mode *mode);
int weir_rx_queue_intr_enable(struct rte_eth_dev *ethdev, uint16_t index);
int weir_rx_queue_intr_disable(struct rte_eth_dev *ethdev, uint16_t index);

/**
 * Makes a queue as new (gate shut, device not using it): its mbufs are freed, its rings zeroed, its counters
 * kept.
 */
void weir_rx_queue_reset(struct weir_rx_queue *queue);
void weir_tx_queue_reset(struct weir_tx_queue *queue);

/** Creates a queue that is as new on the function; takes it away again (nothing in flight then). */
int weir_rx_queue_create(struct weir_rx_queue *queue, uint16_t vector);
int weir_tx_queue_create(struct weir_tx_queue *queue);
int weir_rx_queue_destroy(struct weir_rx_queue *queue);
int weir_tx_queue_destroy(struct weir_tx_queue *queue);

/** Whether the device has done nothing for `limit` timer cycles though frames wait. Called now and then. */
bool weir_tx_queue_stuck(struct weir_tx_queue *queue, uint64_t limit);

#endif
