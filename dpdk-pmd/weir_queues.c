/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of receive and transmit queues (specs/data-queues.md); what bursts do is in weir_rx*.c and weir_tx.c. */
#include "weir_queues.h"
#include "weir_rx_ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_memzone.h>

/* Addresses of rings; the ABI wants 64, a queue's own cache lines and their neighbours want this. */
#define ZONE_ALIGNMENT 128

/* --- setup ---------------------------------------------------------------------------------------- */

/* log2 of the ring for so many descriptors; negative errno, logged, for an impossible number. */
static int ring_log2_for(struct weir_device *device, const char *what, uint16_t descriptors)
{
	const struct weir_limits *limits = &device->limits;

	if (descriptors < 1u << limits->ring_min_log2 || descriptors > 1u << limits->ring_max_log2) {
		WEIR_PORT_LOG(device, ERR, "%s ring of %u descriptors; from %u to %u are possible",
			      what, descriptors, 1u << limits->ring_min_log2,
			      1u << limits->ring_max_log2);
		return -EINVAL;
	}
	return weir_log2_ceil(descriptors);
}

struct pool_check {
	struct weir_device *device;
	int error;
};

static void check_mbuf(struct rte_mempool *pool, void *opaque, void *object, unsigned int index)
{
	struct pool_check *check = opaque;
	struct weir_transport *transport = check->device->transport;
	const struct rte_mbuf *mbuf = object;

	RTE_SET_USED(pool);
	RTE_SET_USED(index);
	if (!check->error)
		check->error =
			transport->ops->check_memory(transport, mbuf->buf_addr, mbuf->buf_len);
}

int weir_pool_check(struct weir_device *device, struct rte_mempool *pool)
{
	struct pool_check check = { .device = device };

	/* Every mbuf: its data may lie elsewhere than itself (rte_pktmbuf_pool_create_extbuf). */
	rte_mempool_obj_iter(pool, check_mbuf, &check);
	if (check.error)
		WEIR_PORT_LOG(device, ERR, "mempool %s cannot be used to receive", pool->name);
	return check.error;
}

/* A queue that does not split: how long its buffers are, of one mempool. */
static int choose_whole(struct weir_device *device, struct rte_mempool *pool,
			struct weir_split *split)
{
	uint32_t room = rte_pktmbuf_data_room_size(pool);

	if (room < RTE_PKTMBUF_HEADROOM + WEIR_RX_BUFFER_MIN_BYTES) {
		WEIR_PORT_LOG(
			device, ERR,
			"buffers of mempool %s have %u bytes; %u are needed, headroom included",
			pool->name, room, RTE_PKTMBUF_HEADROOM + WEIR_RX_BUFFER_MIN_BYTES);
		return -EINVAL;
	}
	room = RTE_ALIGN_FLOOR(room - RTE_PKTMBUF_HEADROOM, 64u);
	*split = (struct weir_split){
		.pool = pool,
		.offset = RTE_PKTMBUF_HEADROOM,
		.buffer_bytes = RTE_MIN(room, (uint32_t)WEIR_RX_BUFFER_MAX_BYTES),
	};
	return weir_pool_check(device, pool);
}

/* What every fresh receive mbuf has in the eight bytes from data_off on. */
static uint64_t rearm_data(uint16_t port, uint16_t offset)
{
	struct rte_mbuf fresh = {
		.data_off = offset,
		.nb_segs = 1,
		.port = port,
	};
	uint64_t rearm;

	rte_mbuf_refcnt_set(&fresh, 1);
	memcpy(&rearm, RTE_PTR_ADD(&fresh, offsetof(struct rte_mbuf, data_off)), sizeof(rearm));
	return rearm;
}

/* Entries of a queue's rings, for so many descriptors; negative errno, logged, for an impossible number. */
static int choose_rings(struct weir_rx_queue *queue, uint16_t descriptors)
{
	struct weir_device *device = queue->device;
	bool splits = queue->split.mode != WEIR_SPLIT_MODE_NONE;
	int ring_log2 = ring_log2_for(device, "receive", descriptors);

	if (ring_log2 < 0)
		return ring_log2;
	/* Header and rest of a frame have a completion each. */
	if (ring_log2 + splits > device->limits.ring_max_log2) {
		WEIR_PORT_LOG(
			device, ERR,
			"receive ring of %u descriptors; a queue that splits frames has %u at most",
			descriptors, 1u << (device->limits.ring_max_log2 - 1));
		return -EINVAL;
	}
	queue->descriptors = descriptors;
	queue->capacity = descriptors;
	queue->ring_log2 = (uint8_t)ring_log2;
	queue->completion_log2 = (uint8_t)(ring_log2 + splits);
	queue->mask = (uint16_t)((1u << queue->ring_log2) - 1);
	queue->completion_mask = (uint16_t)((1u << queue->completion_log2) - 1);
	return 0;
}

/* Memory of a queue whose rings are chosen. */
static int allocate_rings(struct weir_rx_queue *queue, int socket)
{
	bool splits = queue->split.mode != WEIR_SPLIT_MODE_NONE;
	size_t entries = queue->mask + 1u, table_bytes = entries * sizeof(queue->buffers[0]),
	       ring_bytes = entries * (splits ? sizeof(struct weir_rx_split_buffer)
					      : sizeof(struct weir_rx_buffer));
	/* Room for either format. */
	size_t completion_bytes = (queue->completion_mask + 1u) *
				  (sizeof(struct weir_rx_completion) + sizeof(struct weir_rx_time));

	queue->buffers =
		rte_zmalloc_socket("weir_rx_buffers", table_bytes, RTE_CACHE_LINE_SIZE, socket);
	if (splits)
		queue->headers = rte_zmalloc_socket("weir_rx_headers", table_bytes,
						    RTE_CACHE_LINE_SIZE, socket);
	queue->zone = rte_eth_dma_zone_reserve(queue->device->ethdev, "weir_rx", queue->index,
					       sizeof(struct weir_shadow_doorbell) +
						       completion_bytes + ring_bytes,
					       ZONE_ALIGNMENT, socket);
	if (!queue->buffers || !queue->zone || (splits && !queue->headers))
		return -ENOMEM;
	queue->shadow_iova = queue->zone->iova;
	queue->completion_iova = queue->shadow_iova + sizeof(struct weir_shadow_doorbell);
	queue->ring_iova = queue->completion_iova + completion_bytes;
	queue->completions = RTE_PTR_ADD(queue->zone->addr, sizeof(struct weir_shadow_doorbell));
	queue->ring = RTE_PTR_ADD(queue->zone->addr,
				  sizeof(struct weir_shadow_doorbell) + completion_bytes);
	return 0;
}

/* What the application has said of the queue, for rxq_info_get(). */
static void keep_conf(struct weir_rx_queue *queue, const struct rte_eth_rxconf *conf)
{
	queue->conf = *conf;
	for (uint16_t i = 0; i < conf->rx_nseg; i++)
		queue->segments[i] = conf->rx_seg[i];
	queue->conf.rx_seg = conf->rx_nseg ? queue->segments : NULL;
}

int weir_rx_queue_setup(struct rte_eth_dev *ethdev, uint16_t index, uint16_t descriptors,
			unsigned int socket, const struct rte_eth_rxconf *conf,
			struct rte_mempool *pool)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct weir_rx_queue *queue;
	struct weir_split split;
	int error;

	if (conf->rx_deferred_start) {
		WEIR_PORT_LOG(device, ERR, "queues cannot be started one by one");
		return -EINVAL;
	}
	error = conf->rx_nseg ? weir_split_choose(device, conf, &split)
			      : choose_whole(device, pool, &split);
	if (error)
		return error;
	weir_rx_queue_release(ethdev, index);
	queue = rte_zmalloc_socket("weir_rx_queue", sizeof(*queue), RTE_CACHE_LINE_SIZE,
				   (int)socket);
	if (!queue)
		return -ENOMEM;
	queue->device = device;
	queue->index = index;
	queue->split = split;
	error = choose_rings(queue, descriptors);
	if (error) {
		rte_free(queue);
		return error;
	}
	keep_conf(queue, conf);
	queue->pool = split.pool;
	queue->buffer_bytes = split.buffer_bytes;
	queue->rearm = rearm_data(ethdev->data->port_id, split.offset);
	queue->header_rearm = rearm_data(ethdev->data->port_id, split.header_offset);
	queue->free_threshold = conf->rx_free_thresh ? conf->rx_free_thresh
						     : WEIR_RX_FREE_THRESHOLD;
	queue->free_threshold = RTE_MIN(queue->free_threshold, (uint16_t)(descriptors / 2));
	ethdev->data->rx_queues[index] = queue;
	if (allocate_rings(queue, (int)socket)) {
		WEIR_PORT_LOG(device, ERR, "no memory for receive queue %u of %u descriptors",
			      index, descriptors);
		weir_rx_queue_release(ethdev, index);
		return -ENOMEM;
	}
	return 0;
}

int weir_tx_queue_setup(struct rte_eth_dev *ethdev, uint16_t index, uint16_t descriptors,
			unsigned int socket, const struct rte_eth_txconf *conf)
{
	struct weir_device *device = weir_device_of(ethdev);
	int ring_log2 = ring_log2_for(device, "transmit", descriptors);
	size_t ring_bytes, reports_bytes, head_bytes = ZONE_ALIGNMENT;
	struct weir_tx_queue *queue;
	uint32_t entries;

	if (ring_log2 < 0)
		return ring_log2;
	if (conf->tx_deferred_start) {
		WEIR_PORT_LOG(device, ERR, "queues cannot be started one by one");
		return -EINVAL;
	}
	weir_tx_queue_release(ethdev, index);
	entries = 1u << ring_log2;
	queue = rte_zmalloc_socket("weir_tx_queue", sizeof(*queue), RTE_CACHE_LINE_SIZE,
				   (int)socket);
	if (!queue)
		return -ENOMEM;
	queue->device = device;
	queue->index = index;
	queue->conf = *conf;
	queue->descriptors = descriptors;
	queue->capacity = descriptors;
	queue->ring_log2 = (uint8_t)ring_log2;
	queue->mask = (uint16_t)(entries - 1);
	queue->free_threshold = conf->tx_free_thresh ? conf->tx_free_thresh
						     : WEIR_TX_FREE_THRESHOLD;
	queue->free_threshold = RTE_MIN(queue->free_threshold, (uint16_t)(descriptors / 2));

	ring_bytes = entries * sizeof(struct weir_tx_descriptor);
	reports_bytes = entries * sizeof(struct weir_tx_report);
	queue->mbufs = rte_zmalloc_socket("weir_tx_mbufs", entries * sizeof(queue->mbufs[0]),
					  RTE_CACHE_LINE_SIZE, (int)socket);
	queue->zone = rte_eth_dma_zone_reserve(ethdev, "weir_tx", index,
					       sizeof(struct weir_shadow_doorbell) + head_bytes +
						       ring_bytes + reports_bytes,
					       ZONE_ALIGNMENT, (int)socket);
	ethdev->data->tx_queues[index] = queue;
	if (!queue->mbufs || !queue->zone) {
		WEIR_PORT_LOG(device, ERR, "no memory for transmit queue %u of %u descriptors",
			      index, descriptors);
		weir_tx_queue_release(ethdev, index);
		return -ENOMEM;
	}
	queue->shadow_iova = queue->zone->iova;
	queue->head_iova = queue->shadow_iova + sizeof(struct weir_shadow_doorbell);
	queue->ring_iova = queue->head_iova + head_bytes;
	queue->head = RTE_PTR_ADD(queue->zone->addr, sizeof(struct weir_shadow_doorbell));
	queue->ring =
		RTE_PTR_ADD(queue->zone->addr, sizeof(struct weir_shadow_doorbell) + head_bytes);
	queue->reports_iova = queue->ring_iova + ring_bytes;
	queue->reports = RTE_PTR_ADD(queue->ring, ring_bytes);
	return 0;
}

/* --- reset and release ---------------------------------------------------------------------------- */

void weir_rx_queue_reset(struct weir_rx_queue *queue)
{
	for (uint32_t slot = 0; slot <= queue->mask; slot++) {
		rte_pktmbuf_free(queue->buffers[slot]);
		queue->buffers[slot] = NULL;
		if (!queue->headers)
			continue;
		rte_pktmbuf_free(queue->headers[slot]);
		queue->headers[slot] = NULL;
	}
	rte_pktmbuf_free(queue->partial);
	queue->partial = NULL;
	queue->taken = 0;
	queue->more_used = 0;
	queue->posted = 0;
	queue->checked = 0;
	queue->broken = false;
	queue->disordered = false;
	queue->in_frame = false;
	queue->created = false;
	memset(queue->zone->addr, 0, queue->zone->len);
}

void weir_tx_queue_reset(struct weir_tx_queue *queue)
{
	for (uint16_t at = queue->reclaimed; at != queue->tail; at++) {
		rte_pktmbuf_free(queue->mbufs[at & queue->mask]);
		queue->mbufs[at & queue->mask] = NULL;
	}
	queue->tail = 0;
	queue->reclaimed = 0;
	queue->done = 0;
	queue->broken = false;
	queue->created = false;
	memset(queue->zone->addr, 0, queue->zone->len);
}

/* Whether a queue's memory can go: it cannot while the device may use it. */
static bool is_free_to_go(const struct weir_device *device, const struct rte_memzone *zone,
			  const char *what, uint16_t index)
{
	if (!zone || device->quiet)
		return true;
	WEIR_PORT_LOG(device, WARNING, "%s queue %u stays in memory: the device may still use it",
		      what, index);
	return false;
}

void weir_rx_queue_release(struct rte_eth_dev *ethdev, uint16_t index)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct weir_rx_queue *queue = ethdev->data->rx_queues[index];

	if (!queue)
		return;
	ethdev->data->rx_queues[index] = NULL;
	if (!is_free_to_go(device, queue->zone, "receive", index))
		return;
	if (queue->zone && queue->buffers)
		weir_rx_queue_reset(queue);
	if (queue->zone)
		rte_eth_dma_zone_free(ethdev, "weir_rx", index);
	rte_free(queue->headers);
	rte_free(queue->buffers);
	rte_free(queue);
}

void weir_tx_queue_release(struct rte_eth_dev *ethdev, uint16_t index)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct weir_tx_queue *queue = ethdev->data->tx_queues[index];

	if (!queue)
		return;
	ethdev->data->tx_queues[index] = NULL;
	if (!is_free_to_go(device, queue->zone, "transmit", index))
		return;
	if (queue->zone && queue->mbufs)
		weir_tx_queue_reset(queue);
	if (queue->zone)
		rte_eth_dma_zone_free(ethdev, "weir_tx", index);
	rte_free(queue->mbufs);
	rte_free(queue);
}

/* --- on the function ------------------------------------------------------------------------------- */

static bool has_shadow(const struct weir_device *device)
{
	return (device->limits.features & WEIR_REG_FEATURES_SHADOW_DOORBELLS_MASK) != 0;
}

int weir_rx_queue_create(struct weir_rx_queue *queue, uint16_t vector)
{
	struct weir_device *device = queue->device;
	struct weir_tlv request;
	int error;

	queue->good_flags = WEIR_RXC_END_MASK | WEIR_PREP(WEIR_RXC_GENERATION, device->generation);
	queue->shadow = has_shadow(device) ? queue->zone->addr : NULL;
	queue->timed = weir_times_wanted(device);
	queue->ptp_time_ns = 0;
	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_QUEUE, queue->index);
	if (queue->timed)
		weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_FORMAT, WEIR_FORMAT_RX_TIMES);
	weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_RING_ADDRESS, queue->ring_iova);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_RING_LOG2, queue->ring_log2);
	weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, queue->completion_iova);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_COMPLETION_LOG2, queue->completion_log2);
	weir_tlv_put_u32(&request, WEIR_ATTRIBUTE_BUFFER_BYTES, queue->buffer_bytes);
	if (queue->headers) {
		weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_SPLIT_MODE, queue->split.mode);
		weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_HEADER_BYTES, queue->split.header_bytes);
		weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_SPLIT_KINDS, queue->split.kinds);
	}
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_VECTOR, vector);
	if (queue->shadow)
		weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_SHADOW_ADDRESS, queue->shadow_iova);
	error = weir_admin_command(device, WEIR_COMMAND_RX_QUEUE_CREATE, &request, NULL, 0);
	queue->created = !error;
	return error;
}

int weir_tx_queue_create(struct weir_tx_queue *queue)
{
	struct weir_device *device = queue->device;
	struct weir_tlv request;
	int error;

	queue->watched_head = 0;
	queue->watched_since = rte_get_timer_cycles();
	queue->max_segments = device->limits.max_segments;
	queue->max_frame_bytes = device->limits.max_frame_bytes;
	queue->shadow = has_shadow(device) ? queue->zone->addr : NULL;
	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_QUEUE, queue->index);
	weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_RING_ADDRESS, queue->ring_iova);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_RING_LOG2, queue->ring_log2);
	weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, queue->head_iova);
	if (device->limits.features & WEIR_REG_FEATURES_TIME_MASK)
		weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_REPORT_ADDRESS, queue->reports_iova);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_VECTOR, WEIR_VECTOR_NONE);
	if (queue->shadow)
		weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_SHADOW_ADDRESS, queue->shadow_iova);
	error = weir_admin_command(device, WEIR_COMMAND_TX_QUEUE_CREATE, &request, NULL, 0);
	queue->created = !error;
	return error;
}

/* Takes a queue from the function, if it is there. */
static int destroy(struct weir_device *device, enum weir_command command, uint16_t index,
		   bool *created)
{
	struct weir_tlv request;
	int error;

	if (!*created)
		return 0;
	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_QUEUE, index);
	error = weir_admin_command(device, command, &request, NULL, 0);
	if (!error)
		*created = false;
	return error;
}

int weir_rx_queue_destroy(struct weir_rx_queue *queue)
{
	return destroy(queue->device, WEIR_COMMAND_RX_QUEUE_DESTROY, queue->index, &queue->created);
}

int weir_tx_queue_destroy(struct weir_tx_queue *queue)
{
	return destroy(queue->device, WEIR_COMMAND_TX_QUEUE_DESTROY, queue->index, &queue->created);
}

bool weir_tx_queue_stuck(struct weir_tx_queue *queue, uint64_t limit)
{
	uint16_t head = (uint16_t)weir_load32(queue->head);
	uint16_t tail = __atomic_load_n(&queue->tail, __ATOMIC_RELAXED);
	uint64_t now = rte_get_timer_cycles();

	if (!queue->created || head == tail || head != queue->watched_head) {
		queue->watched_head = head;
		queue->watched_since = now;
		return false;
	}
	if (now - queue->watched_since <= limit)
		return false;
	WEIR_PORT_LOG(queue->device, WARNING,
		      "transmit queue %u stands still: tail %u, head %u, event index %#x",
		      queue->index, tail, head,
		      queue->shadow ? weir_load32(&queue->shadow->event_index) : 0);
	return true;
}

/* --- interrupts ------------------------------------------------------------------------------------ */

int weir_rx_queue_intr_enable(struct rte_eth_dev *ethdev, uint16_t index)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct weir_rx_queue *queue = ethdev->data->rx_queues[index];

	if (!ethdev->data->dev_conf.intr_conf.rxq)
		return -ENOTSUP;
	/* While the function is lost nothing can be armed; its recovery wakes whoever waits. */
	if (!weir_gate_enter(&queue->gate))
		return 0;
	/* The tail of the last burst may still have to be told: nobody polls for a while now. */
	weir_rx_check_doorbell(queue);
	weir_doorbell_arm(device->transport,
			  weir_doorbell_offset(device, index, WEIR_DOORBELL_RX_ARM), queue->taken);
	weir_gate_leave(&queue->gate);
	return 0;
}

int weir_rx_queue_intr_disable(struct rte_eth_dev *ethdev, uint16_t index)
{
	/* An armed queue interrupts once and is then quiet by itself (specs/data-queues.md). */
	RTE_SET_USED(index);
	return ethdev->data->dev_conf.intr_conf.rxq ? 0 : -ENOTSUP;
}

/* --- what applications ask -------------------------------------------------------------------------- */

void weir_rxq_info_get(struct rte_eth_dev *ethdev, uint16_t index, struct rte_eth_rxq_info *info)
{
	const struct weir_rx_queue *queue = ethdev->data->rx_queues[index];

	info->mp = queue->pool;
	info->scattered_rx = ethdev->data->scattered_rx;
	info->nb_desc = queue->descriptors;
	info->rx_buf_size = (uint16_t)RTE_MIN(queue->buffer_bytes, (uint32_t)UINT16_MAX);
	info->conf = queue->conf;
	info->conf.rx_free_thresh = queue->free_threshold;
}

void weir_txq_info_get(struct rte_eth_dev *ethdev, uint16_t index, struct rte_eth_txq_info *info)
{
	const struct weir_tx_queue *queue = ethdev->data->tx_queues[index];

	info->nb_desc = queue->descriptors;
	info->conf = queue->conf;
	info->conf.tx_free_thresh = queue->free_threshold;
}

int weir_rx_burst_mode_get(struct rte_eth_dev *ethdev, uint16_t index,
			   struct rte_eth_burst_mode *mode)
{
	const struct weir_rx_queue *queue = ethdev->data->rx_queues[index];
#if defined(__SSSE3__)
	const char *one_buffer = "Vector SSSE3";
#else
	const char *one_buffer = "Scalar";
#endif

	snprintf(mode->info, sizeof(mode->info), "%s",
		 queue->headers				     ? "Scalar Split"
		 : weir_times_wanted(weir_device_of(ethdev)) ? "Scalar with times"
		 : ethdev->data->scattered_rx		     ? "Scalar Scattered"
							     : one_buffer);
	return 0;
}

int weir_tx_burst_mode_get(struct rte_eth_dev *ethdev, uint16_t index,
			   struct rte_eth_burst_mode *mode)
{
	const struct weir_tx_queue *queue = ethdev->data->tx_queues[index];

	snprintf(mode->info, sizeof(mode->info), "%s", queue->simple ? "Scalar Simple" : "Scalar");
	return 0;
}
