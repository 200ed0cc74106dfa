/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of queues, doorbells, arming, and the fetching of receive buffers (specs/data-queues.md). */
#include "hold.h"

#define BUSY_MARK 0x80000000u /* shadow_doorbell.event_index: never ring */

/* ---- stopping ---- */

/* Tells the queue's own function as well as the PF; place: of the queue, see WEIR_PLACE_*. */
static void stopped(struct weir_firmware *firmware, struct weir_function *owner,
		    enum weir_misbehaviour why, const char *what, uint32_t value, uint32_t place)
{
	owner->stats[WEIR_STAT_FUNCTION_QUEUES_STOPPED]++;
	if (why == WEIR_MISBEHAVIOUR_DMA_FAULT)
		owner->stats[WEIR_STAT_FUNCTION_DMA_FAULTS]++;
	if (why == WEIR_MISBEHAVIOUR_BAD_DOORBELL)
		owner->stats[WEIR_STAT_FUNCTION_BAD_DOORBELLS]++;
	weir_misbehaviour_at(firmware, owner, why, what, value, place | WEIR_PLACE_STOPPED);
}

void weir_rx_stop(struct weir_firmware *firmware, struct weir_rx_queue *queue,
		  enum weir_misbehaviour why, const char *what, uint32_t value)
{
	if (queue->state != WEIR_QUEUE_RUNNING)
		return;
	struct weir_function *owner = &firmware->functions[queue->function];

	queue->state = WEIR_QUEUE_STOPPED;
	weir_interrupt_end(firmware, &queue->interrupt);
	weir_hold_drop(firmware, queue);
	stopped(firmware, owner, why, what, value, queue->index - owner->first_queue);
}

void weir_tx_stop(struct weir_firmware *firmware, struct weir_tx_queue *queue,
		  enum weir_misbehaviour why, const char *what, uint32_t value)
{
	if (queue->state != WEIR_QUEUE_RUNNING)
		return;
	struct weir_function *owner = &firmware->functions[queue->function];

	queue->state = WEIR_QUEUE_STOPPED;
	weir_interrupt_end(firmware, &queue->interrupt);
	stopped(firmware, owner, why, what, value,
		(queue->index - owner->first_queue) | WEIR_PLACE_TRANSMIT);
}

/* ---- doorbells ---- */

void weir_tx_activate(struct weir_firmware *firmware, struct weir_tx_queue *queue)
{
	queue->idle = queue->resting = false;
	if (queue->active)
		return;
	queue->active = true;
	/* A circular list; active_head is the queue served last, so that a new one goes to the end. */
	if (firmware->active_head == WEIR_NO_QUEUE) {
		queue->next_active = queue->index;
	} else {
		struct weir_tx_queue *last = &firmware->tx_queues[firmware->active_head];

		queue->next_active = last->next_active;
		last->next_active = queue->index;
	}
	firmware->active_head = queue->index;
}

void weir_datapath_wake(struct weir_firmware *firmware, const struct weir_function *function)
{
	for (uint32_t i = 0; i < function->queue_pairs; i++) {
		struct weir_tx_queue *queue = &firmware->tx_queues[function->first_queue + i];

		if (queue->state == WEIR_QUEUE_RUNNING)
			weir_tx_activate(firmware, queue);
		weir_hold_wake(firmware, &firmware->rx_queues[function->first_queue + i]);
	}
}

bool weir_tx_tail(struct weir_firmware *firmware, struct weir_tx_queue *queue, uint32_t value)
{
	uint16_t ahead = (uint16_t)(value - queue->head);

	if (value > UINT16_MAX || ahead > 1u << queue->ring_log2) {
		weir_tx_stop(firmware, queue, WEIR_MISBEHAVIOUR_BAD_DOORBELL,
			     "transmit tail beyond the ring", value);
		return false;
	}
	/* Never back. */
	if (ahead > (uint16_t)(queue->tail - queue->head))
		queue->tail = (uint16_t)value;
	return true;
}

static bool rx_tail(struct weir_firmware *firmware, struct weir_rx_queue *queue, uint32_t value)
{
	uint16_t ahead = (uint16_t)(value - queue->used);

	if (value > UINT16_MAX || ahead > 1u << queue->ring_log2) {
		weir_rx_stop(firmware, queue, WEIR_MISBEHAVIOUR_BAD_DOORBELL,
			     "receive tail beyond the ring", value);
		return false;
	}
	if (ahead <= (uint16_t)(queue->tail - queue->used))
		return true;
	queue->tail = (uint16_t)value;
	if (WEIR_UNLIKELY(firmware->trace.enabled))
		weir_trace_queue_step(firmware, WEIR_TRACE_KIND_BUFFERS_POSTED, queue,
				      WEIR_NO_FRAME, queue->ring_address, value);
	return true;
}

static void trace_served(struct weir_firmware *firmware, struct weir_rx_queue *queue, uint32_t value)
{
	/* The traced frame's completion has been taken when the host's count has passed its slot. */
	if (!queue->traced_frame || (int16_t)((uint16_t)value - queue->traced_slot) <= 0)
		return;
	weir_trace_queue_step(firmware, WEIR_TRACE_KIND_DRIVER_SERVED, queue, queue->traced_frame,
			      0, value);
	queue->traced_frame = queue->untold.frame = WEIR_NO_FRAME;
}

static void rx_arm(struct weir_firmware *firmware, struct weir_rx_queue *queue, uint32_t value)
{
	if (value > UINT16_MAX ||
	    (uint16_t)(queue->produced - value) > 1u << queue->completion_log2) {
		weir_rx_stop(firmware, queue, WEIR_MISBEHAVIOUR_BAD_DOORBELL,
			     "receive arm value never produced", value);
		return;
	}
	if (WEIR_UNLIKELY(queue->traced_frame))
		trace_served(firmware, queue, value);
	weir_interrupt_arm(firmware, &queue->interrupt, (uint16_t)value);
	/* What is still being written raises the vector when it is visible (weir_stage_notify). */
	if (!queue->deliveries)
		weir_rx_notify(firmware, queue);
}

static void tx_arm(struct weir_firmware *firmware, struct weir_tx_queue *queue, uint32_t value)
{
	if (value > UINT16_MAX || (uint16_t)(queue->tail - value) > 1u << queue->ring_log2) {
		weir_tx_stop(firmware, queue, WEIR_MISBEHAVIOUR_BAD_DOORBELL,
			     "transmit arm value never reached", value);
		return;
	}
	weir_interrupt_arm(firmware, &queue->interrupt, (uint16_t)value);
	if (!queue->busy)
		weir_tx_notify(firmware, queue);
}

static void bad_doorbell(struct weir_firmware *firmware, struct weir_function *function,
			 uint32_t offset)
{
	function->stats[WEIR_STAT_FUNCTION_BAD_DOORBELLS]++;
	weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_BAD_DOORBELL,
			  "doorbell of a queue that is not there, offset", offset);
}

void weir_datapath_doorbell(struct weir_firmware *firmware, uint16_t index, uint32_t offset,
			    uint32_t value)
{
	struct weir_function *function = &firmware->functions[index];
	uint32_t pair = offset >> WEIR_DOORBELL_STRIDE_LOG2;
	uint32_t reg = offset & ((1u << WEIR_DOORBELL_STRIDE_LOG2) - 1);

	if (pair >= function->queue_pairs) {
		bad_doorbell(firmware, function, offset);
		return;
	}
	struct weir_rx_queue *rx = &firmware->rx_queues[function->first_queue + pair];
	struct weir_tx_queue *tx = &firmware->tx_queues[function->first_queue + pair];
	bool receive = reg == WEIR_DOORBELL_RX_TAIL || reg == WEIR_DOORBELL_RX_ARM;
	uint8_t state = receive ? rx->state : tx->state;

	if (state == WEIR_QUEUE_NONE ||
	    (!receive && reg != WEIR_DOORBELL_TX_TAIL && reg != WEIR_DOORBELL_TX_ARM)) {
		bad_doorbell(firmware, function, offset);
		return;
	}
	/* A host cannot know yet that its queue was stopped: not its fault. */
	if (state != WEIR_QUEUE_RUNNING)
		return;
	/*
	 * A register's value may arrive when the shadow has run ahead of it by any number of laps, so that it says nothing any more:
	 * beside a shadow, which the host writes first, it only wakes the queue.
	 */
	switch (reg) {
	case WEIR_DOORBELL_RX_TAIL:
		if (rx->shadow_address && value <= UINT16_MAX)
			weir_rx_refill_ahead(firmware, rx, 1);
		else
			rx_tail(firmware, rx, value);
		break;
	case WEIR_DOORBELL_RX_ARM:
		rx_arm(firmware, rx, value);
		break;
	case WEIR_DOORBELL_TX_TAIL:
		if ((tx->shadow_address && value <= UINT16_MAX) || weir_tx_tail(firmware, tx, value))
			weir_tx_activate(firmware, tx);
		break;
	default:
		tx_arm(firmware, tx, value);
		break;
	}
}

/* ---- receive buffers ---- */

enum refill_step { REFILL_IDLE, REFILL_ANNOUNCE, REFILL_SHADOW, REFILL_FETCH };

static void refill_hold(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	queue->refilling = true;
	queue->refill_epoch = firmware->burst_epoch;
	queue->references++;
	firmware->functions[queue->function].references++;
	queue->refill_ahead = false;
}

static void refill_release(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	queue->refilling = false;
	queue->references--;
	firmware->functions[queue->function].references--;
}

/* Takes the result of the step that is over. */
static void refill_take(struct weir_firmware *firmware, struct weir_rx_queue *queue,
			enum hal_result result)
{
	uint8_t step = queue->refill_step;

	queue->refill_step = REFILL_IDLE;
	if (queue->state != WEIR_QUEUE_RUNNING)
		return;
	if (result != HAL_DONE) {
		/* HAL_RESET: the function's reset will close the queue. */
		if (result != HAL_RESET)
			weir_rx_stop(firmware, queue, WEIR_MISBEHAVIOUR_DMA_FAULT,
				     "receive ring cannot be read, step", step);
		return;
	}
	if (step == REFILL_ANNOUNCE) {
		queue->announced = true;
	} else if (step == REFILL_SHADOW) {
		uint32_t tail = weir_le32_to_cpu(queue->shadow_value);

		if (WEIR_UNLIKELY(queue->traced_frame))
			trace_served(firmware, queue, tail - (1u << queue->ring_log2));
		rx_tail(firmware, queue, tail);
	} else {
		queue->fetched = (uint16_t)(queue->fetched + queue->refill_count);
	}
}

/* Submits the next step that brings more buffers. SHORT: there are none to bring. */
static enum weir_refill_answer refill_step(struct weir_firmware *firmware,
					   struct weir_rx_queue *queue, bool *asked_shadow)
{
	uint16_t ready = (uint16_t)(queue->fetched - queue->used),
		 posted = (uint16_t)(queue->tail - queue->fetched);
	hal_tag tag = WEIR_TAG(WEIR_TAG_REFILL, queue->index);
	enum hal_result result;

	if (queue->shadow_address && !queue->announced) {
		queue->refill_step = REFILL_ANNOUNCE;
		queue->shadow_value = weir_cpu_to_le32(BUSY_MARK);
		result = hal_dma_write(firmware->hal, queue->requester,
				       queue->shadow_address +
					       offsetof(struct weir_shadow_doorbell, event_index),
				       &queue->shadow_value, sizeof(queue->shadow_value), tag);
	} else if (posted) {
		uint32_t mask = (1u << queue->ring_log2) - 1, at = queue->fetched & mask;
		/* Of a queue that splits, an entry is two addresses. */
		uint32_t addresses = queue->split_mode ? 2 : 1;
		uint32_t room = WEIR_REFILL_ENTRIES / addresses;
		uint32_t count = room - ready;
		uint32_t slot = queue->fetched & (room - 1);

		if (count > posted)
			count = posted;
		if (count > mask + 1 - at)
			count = mask + 1 - at;
		if (count > room - slot)
			count = room - slot;
		queue->refill_step = REFILL_FETCH;
		queue->refill_count = (uint16_t)count;
		result = hal_dma_read(firmware->hal, queue->requester,
				      queue->ring_address + (uint64_t)at * addresses *
								    sizeof(struct weir_rx_buffer),
				      &queue->ready[slot * addresses],
				      count * addresses * (uint32_t)sizeof(struct weir_rx_buffer),
				      tag);
	} else if (queue->shadow_address && !*asked_shadow) {
		*asked_shadow = true;
		queue->refill_step = REFILL_SHADOW;
		result = hal_dma_read(firmware->hal, queue->requester,
				      queue->shadow_address +
					      offsetof(struct weir_shadow_doorbell, tail),
				      &queue->shadow_value, sizeof(queue->shadow_value), tag);
	} else {
		return WEIR_REFILL_SHORT;
	}
	if (result == HAL_PENDING) {
		refill_hold(firmware, queue);
		return WEIR_REFILL_PENDING;
	}
	/* No room now; or no bus, until the function may use it again or its reset closes the queue: whoever waits asks again. */
	if (result == HAL_BUSY || result == HAL_RESET) {
		queue->refill_step = REFILL_IDLE;
		return WEIR_REFILL_PENDING;
	}
	refill_take(firmware, queue, result);
	return WEIR_REFILL_READY;
}

enum weir_refill_answer weir_rx_refill(struct weir_firmware *firmware, struct weir_rx_queue *queue,
				       uint32_t buffers)
{
	bool asked_shadow = queue->shadow_fresh;

	queue->shadow_fresh = false;
	while (queue->state == WEIR_QUEUE_RUNNING) {
		if (queue->refilling)
			return WEIR_REFILL_PENDING;
		if ((uint16_t)(queue->fetched - queue->used) >= buffers)
			return WEIR_REFILL_READY;
		enum weir_refill_answer answer = refill_step(firmware, queue, &asked_shadow);

		if (answer != WEIR_REFILL_READY)
			return answer;
	}
	return WEIR_REFILL_SHORT;
}

void weir_rx_refill_complete(struct weir_firmware *firmware, uint32_t index, enum hal_result result)
{
	struct weir_rx_queue *queue = &firmware->rx_queues[index];

	/* A burst that waits asks again: what was just read for it is not read once more. What was read ahead may be old by then. */
	queue->shadow_fresh = queue->refill_step == REFILL_SHADOW && !queue->refill_ahead;
	refill_release(firmware, queue);
	refill_take(firmware, queue, result);
}

/* ---- creation and destruction ---- */

/* Does [address, address + bytes) lie in the address space, at the alignment? */
static bool placed(uint64_t address, uint64_t bytes, uint64_t alignment)
{
	return address % alignment == 0 && address + bytes - 1 >= address;
}

static enum weir_status check_common(const struct weir_function *function,
				     const struct weir_queue_request *request, size_t entry_bytes,
				     uint16_t last_format, uint32_t *detail)
{
	*detail = WEIR_ATTRIBUTE_QUEUE;
	if (request->queue >= function->queue_pairs)
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_FORMAT;
	if (request->format > last_format)
		return WEIR_STATUS_NOT_SUPPORTED;
	*detail = WEIR_ATTRIBUTE_RING_LOG2;
	if (request->ring_log2 < WEIR_RING_MIN_LOG2 || request->ring_log2 > WEIR_RING_MAX_LOG2)
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_RING_ADDRESS;
	if (!placed(request->ring_address, (uint64_t)entry_bytes << request->ring_log2, 64))
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_SHADOW_ADDRESS;
	if (!placed(request->shadow_address, WEIR_SHADOW_BYTES, WEIR_SHADOW_BYTES))
		return WEIR_STATUS_BAD_VALUE;
	return weir_moderation_check(request->moderation_us, request->moderation_count, detail);
}

static struct weir_queue_interrupt interrupt_as(const struct weir_queue_request *request)
{
	return (struct weir_queue_interrupt){ .vector = request->vector,
					      .count = request->moderation_count,
					      .time_us = request->moderation_us };
}

enum weir_status weir_rx_queue_create(struct weir_firmware *firmware,
				      struct weir_function *function,
				      const struct weir_queue_request *request, uint32_t *detail)
{
	bool timed = request->format == WEIR_FORMAT_RX_TIMES;
	/* Header and payload of a frame have a completion each. */
	bool splits = request->split_mode != WEIR_SPLIT_MODE_NONE;
	enum weir_status status = check_common(function, request,
					       splits ? sizeof(struct weir_rx_split_buffer)
						      : sizeof(struct weir_rx_buffer),
					       WEIR_FORMAT_RX_TIMES, detail);

	if (status)
		return status;
	status = weir_split_check(request, detail);
	if (status)
		return status;
	*detail = WEIR_ATTRIBUTE_COMPLETION_LOG2;
	if (request->completion_log2 < request->ring_log2 + splits ||
	    request->completion_log2 > WEIR_RING_MAX_LOG2)
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_COMPLETION_ADDRESS;
	if (!placed(request->completion_address,
		    (timed ? sizeof(struct weir_timed_completion) : sizeof(struct weir_rx_completion))
			    << request->completion_log2,
		    64))
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_BUFFER_BYTES;
	if (request->buffer_bytes <
		    (splits ? WEIR_SPLIT_BUFFER_MIN_BYTES : WEIR_RX_BUFFER_MIN_BYTES) ||
	    request->buffer_bytes > WEIR_RX_BUFFER_MAX_BYTES || request->buffer_bytes % 64)
		return WEIR_STATUS_BAD_VALUE;

	struct weir_rx_queue *queue = &firmware->rx_queues[function->first_queue + request->queue];
	struct weir_vport *vport = &firmware->vports[request->vport];

	*detail = WEIR_ATTRIBUTE_QUEUE;
	if (queue->state != WEIR_QUEUE_NONE)
		return WEIR_STATUS_EXISTS;
	*queue = (struct weir_rx_queue){
		.state = WEIR_QUEUE_RUNNING,
		.ring_log2 = request->ring_log2,
		.completion_log2 = request->completion_log2,
		.timed = timed,
		.generation = (uint8_t)function->generation,
		.function = function->index,
		.vport = request->vport,
		.interrupt = interrupt_as(request),
		.buffer_bytes = (uint16_t)request->buffer_bytes,
		.split_mode = request->split_mode,
		.split = request->split,
		.ring_address = request->ring_address,
		.completion_address = request->completion_address,
		.shadow_address = request->shadow_address,
		.requester = { .function = function->index },
		.index = function->first_queue + request->queue,
	};
	/* Without VPORT_SPREAD everything goes to the queue that was made first. */
	if (!vport->spread_entries) {
		vport->spread_entries = 1;
		vport->spread[0] = request->queue;
		weir_vport_hash_update(firmware, vport);
	}
	*detail = 0;
	return WEIR_STATUS_OK;
}

enum weir_status weir_tx_queue_create(struct weir_firmware *firmware,
				      struct weir_function *function,
				      const struct weir_queue_request *request, uint32_t *detail)
{
	enum weir_status status =
		check_common(function, request, sizeof(struct weir_tx_descriptor), 0, detail);

	if (status)
		return status;
	*detail = WEIR_ATTRIBUTE_COMPLETION_ADDRESS;
	if (!placed(request->completion_address, sizeof(weir_le32), sizeof(weir_le32)))
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_REPORT_ADDRESS;
	if (!placed(request->report_address, sizeof(struct weir_tx_report) << request->ring_log2,
		    64))
		return WEIR_STATUS_BAD_VALUE;

	struct weir_tx_queue *queue = &firmware->tx_queues[function->first_queue + request->queue];

	*detail = WEIR_ATTRIBUTE_QUEUE;
	if (queue->state != WEIR_QUEUE_NONE)
		return WEIR_STATUS_EXISTS;
	/* A queue that was just destroyed may still hang on the scheduler's list: its place there outlives it. */
	*queue = (struct weir_tx_queue){
		.state = WEIR_QUEUE_RUNNING,
		.active = queue->active,
		.next_active = queue->next_active,
		.ring_log2 = request->ring_log2,
		.function = function->index,
		.vport = request->vport,
		.interrupt = interrupt_as(request),
		.ring_address = request->ring_address,
		.head_address = request->completion_address,
		.shadow_address = request->shadow_address,
		.report_address = request->report_address,
		.requester = { .function = function->index },
		.index = function->first_queue + request->queue,
	};
	*detail = 0;
	/* With a shadow the host need not ring until an event index says so, so the queue starts out polled. */
	if (queue->shadow_address)
		weir_tx_activate(firmware, queue);
	return WEIR_STATUS_OK;
}

/* A vport's spread is forgotten with its last receive queue; entries of a queue that is gone drop until then. */
static void spread_check(struct weir_firmware *firmware, const struct weir_rx_queue *gone)
{
	const struct weir_function *function = &firmware->functions[gone->function];

	for (uint32_t i = 0; i < function->queue_pairs; i++) {
		const struct weir_rx_queue *queue = &firmware->rx_queues[function->first_queue + i];

		if (queue->vport == gone->vport &&
		    (queue->state == WEIR_QUEUE_RUNNING || queue->state == WEIR_QUEUE_STOPPED))
			return;
	}
	firmware->vports[gone->vport].spread_entries = 0;
	weir_vport_hash_update(firmware, &firmware->vports[gone->vport]);
}

static void rx_close(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	if (queue->state == WEIR_QUEUE_NONE || queue->state == WEIR_QUEUE_CLOSING)
		return;
	queue->state = WEIR_QUEUE_CLOSING;
	weir_interrupt_end(firmware, &queue->interrupt);
	spread_check(firmware, queue);
}

static void tx_close(struct weir_firmware *firmware, struct weir_tx_queue *queue)
{
	if (queue->state == WEIR_QUEUE_NONE)
		return;
	queue->state = WEIR_QUEUE_CLOSING;
	weir_interrupt_end(firmware, &queue->interrupt);
}

enum weir_status weir_rx_queue_destroy(struct weir_firmware *firmware,
				       struct weir_function *function, uint16_t number)
{
	if (number >= function->queue_pairs)
		return WEIR_STATUS_BAD_VALUE;
	struct weir_rx_queue *queue = &firmware->rx_queues[function->first_queue + number];

	if (queue->state == WEIR_QUEUE_NONE)
		return WEIR_STATUS_NOT_FOUND;
	rx_close(firmware, queue);
	/* What waits is delivered first. */
	weir_hold_end(firmware, queue);
	if (queue->references || queue->held)
		return WEIR_STATUS_BUSY;
	queue->state = WEIR_QUEUE_NONE;
	return WEIR_STATUS_OK;
}

enum weir_status weir_tx_queue_destroy(struct weir_firmware *firmware,
				       struct weir_function *function, uint16_t number)
{
	if (number >= function->queue_pairs)
		return WEIR_STATUS_BAD_VALUE;
	struct weir_tx_queue *queue = &firmware->tx_queues[function->first_queue + number];

	if (queue->state == WEIR_QUEUE_NONE)
		return WEIR_STATUS_NOT_FOUND;
	tx_close(firmware, queue);
	if (queue->references)
		return WEIR_STATUS_BUSY;
	queue->state = WEIR_QUEUE_NONE;
	return WEIR_STATUS_OK;
}

void weir_function_queues_close(struct weir_firmware *firmware, struct weir_function *function)
{
	for (uint32_t i = 0; i < function->queue_pairs; i++) {
		rx_close(firmware, &firmware->rx_queues[function->first_queue + i]);
		weir_hold_drop(firmware, &firmware->rx_queues[function->first_queue + i]);
		tx_close(firmware, &firmware->tx_queues[function->first_queue + i]);
	}
}

void weir_function_queues_free(struct weir_firmware *firmware, struct weir_function *function)
{
	for (uint32_t i = 0; i < function->queue_pairs; i++) {
		firmware->rx_queues[function->first_queue + i].state = WEIR_QUEUE_NONE;
		firmware->tx_queues[function->first_queue + i].state = WEIR_QUEUE_NONE;
	}
}

void weir_vport_hash_update(struct weir_firmware *firmware, struct weir_vport *vport)
{
	bool hashes = vport->spread_entries > 1 && vport->hash.types & WEIR_HASH_TYPES_ALL;

	firmware->hashing_vports = (uint16_t)(firmware->hashing_vports + hashes - vport->hashes);
	vport->hashes = hashes;
	weir_vport_choice_update(vport);
}

bool weir_vport_has_queue(const struct weir_firmware *firmware, const struct weir_vport *vport,
			  uint16_t queue)
{
	const struct weir_function *function = &firmware->functions[vport->function];

	if (queue >= function->queue_pairs)
		return false;
	const struct weir_rx_queue *found = &firmware->rx_queues[function->first_queue + queue];

	return found->state == WEIR_QUEUE_RUNNING && found->vport == vport->index;
}

enum weir_status weir_vport_spread_set(struct weir_firmware *firmware, struct weir_vport *vport,
				       const uint16_t *queues, uint16_t entries)
{
	if (entries == 0 || entries > WEIR_INDIRECTION_ENTRIES || (entries & (entries - 1)))
		return WEIR_STATUS_BAD_VALUE;
	for (uint16_t i = 0; i < entries; i++) {
		if (!weir_vport_has_queue(firmware, vport, queues[i]))
			return WEIR_STATUS_BAD_VALUE;
	}
	for (uint16_t i = 0; i < entries; i++)
		vport->spread[i] = queues[i];
	vport->spread_entries = entries;
	weir_vport_hash_update(firmware, vport);
	return WEIR_STATUS_OK;
}
