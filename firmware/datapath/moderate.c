/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When an armed queue raises its vector: at once, or moderated, after a time or a number of events (specs/data-queues.md,
 * "Interrupts") or with a frame of low latency. Only queues whose interrupt waits have a timer: one that is not moderated, not armed or idle
 * costs nothing.
 */
#include "burst.h"

_Static_assert((int)WEIR_STAT_RX_QUEUE_INTERRUPTS == (int)WEIR_STAT_TX_QUEUE_INTERRUPTS &&
		       (int)WEIR_STAT_RX_QUEUE_INTERRUPTS_TIMED ==
			       (int)WEIR_STAT_TX_QUEUE_INTERRUPTS_TIMED &&
		       (int)WEIR_STAT_RX_QUEUE_INTERRUPTS_COUNTED ==
			       (int)WEIR_STAT_TX_QUEUE_INTERRUPTS_COUNTED,
	       "one counter of interrupts does for both");

/* ---- raising ---- */

static void raise(struct weir_firmware *firmware, struct weir_queue_interrupt *interrupt,
		  uint16_t function, uint64_t *stats)
{
	weir_timer_stop(firmware, &interrupt->timer);
	interrupt->armed = false;
	stats[WEIR_STAT_RX_QUEUE_INTERRUPTS]++;
	weir_interrupt(firmware, &firmware->functions[function], interrupt->vector);
}

static void rx_raise(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	queue->urgent = false;
	if (WEIR_UNLIKELY(queue->untold.frame)) {
		if (firmware->trace.enabled)
			weir_trace_add(firmware, &queue->untold);
		queue->untold.frame = WEIR_NO_FRAME;
	}
	raise(firmware, &queue->interrupt, queue->function, queue->stats);
}

static void tx_raise(struct weir_firmware *firmware, struct weir_tx_queue *queue)
{
	raise(firmware, &queue->interrupt, queue->function, queue->stats);
}

/* Of the news of an armed queue that has to wait for company: is a frame of low latency among them, and the queue has a credit? */
static bool is_urgent(struct weir_firmware *firmware, struct weir_rx_queue *queue, uint16_t news)
{
	if (WEIR_LIKELY(!queue->urgent))
		return false;
	queue->urgent = false;
	return (uint16_t)(queue->urgent_end - queue->interrupt.arm_value - 1) < news &&
	       weir_low_latency_credit(firmware, queue);
}

/*
 * An armed queue has `news` that its host has not seen. Has it an interrupt to raise now? If not, it waits for more, from since_ns on
 * unless it does already. `receive`: the queue, if it is a receive queue.
 */
static inline bool is_due(struct weir_firmware *firmware, struct weir_queue_interrupt *interrupt,
			  struct weir_rx_queue *receive, uint32_t queue, uint16_t news,
			  uint64_t since_ns, uint64_t *stats)
{
	if (WEIR_LIKELY(!interrupt->time_us))
		return true;
	if (interrupt->count && news >= interrupt->count) {
		stats[WEIR_STAT_RX_QUEUE_INTERRUPTS_COUNTED]++;
		return true;
	}
	if (receive && is_urgent(firmware, receive, news)) {
		stats[WEIR_STAT_RX_QUEUE_INTERRUPTS_LOW_LATENCY]++;
		return true;
	}
	if (interrupt->timer)
		return false;
	uint64_t due_ns = since_ns + interrupt->time_us * 1000ull;

	if (due_ns <= firmware->now_ns) {
		stats[WEIR_STAT_RX_QUEUE_INTERRUPTS_TIMED]++;
		return true;
	}
	weir_timer_start(firmware, queue, due_ns);
	return false;
}

static void rx_notify_since(struct weir_firmware *firmware, struct weir_rx_queue *queue,
			    uint64_t since_ns)
{
	struct weir_queue_interrupt *interrupt = &queue->interrupt;
	uint16_t news = (uint16_t)(queue->produced - interrupt->arm_value);

	if (interrupt->armed && news && queue->state == WEIR_QUEUE_RUNNING &&
	    is_due(firmware, interrupt, queue, queue->index, news, since_ns, queue->stats))
		rx_raise(firmware, queue);
}

static void tx_notify_since(struct weir_firmware *firmware, struct weir_tx_queue *queue,
			    uint64_t since_ns)
{
	struct weir_queue_interrupt *interrupt = &queue->interrupt;
	uint16_t news = (uint16_t)(queue->head - interrupt->arm_value);

	if (interrupt->armed && news && queue->state == WEIR_QUEUE_RUNNING &&
	    is_due(firmware, interrupt, NULL, queue->index | WEIR_TIMER_TRANSMIT, news, since_ns,
		   queue->stats))
		tx_raise(firmware, queue);
}

void weir_rx_notify(struct weir_firmware *firmware, struct weir_rx_queue *queue)
{
	rx_notify_since(firmware, queue, firmware->now_ns);
}

void weir_tx_notify(struct weir_firmware *firmware, struct weir_tx_queue *queue)
{
	tx_notify_since(firmware, queue, firmware->now_ns);
}

void weir_interrupt_due(struct weir_firmware *firmware, uint32_t owner)
{
	if (owner & WEIR_TIMER_TRANSMIT) {
		struct weir_tx_queue *queue = &firmware->tx_queues[owner & ~WEIR_TIMER_TRANSMIT];

		queue->stats[WEIR_STAT_TX_QUEUE_INTERRUPTS_TIMED]++;
		tx_raise(firmware, queue);
	} else {
		struct weir_rx_queue *queue = &firmware->rx_queues[owner];

		queue->stats[WEIR_STAT_RX_QUEUE_INTERRUPTS_TIMED]++;
		rx_raise(firmware, queue);
	}
}

/* ---- arming, settings ---- */

void weir_interrupt_arm(struct weir_firmware *firmware, struct weir_queue_interrupt *interrupt,
			uint16_t value)
{
	/* What waits is about events that the host may have seen by now. */
	if (value != interrupt->arm_value)
		weir_timer_stop(firmware, &interrupt->timer);
	interrupt->arm_value = value;
	interrupt->armed = interrupt->vector != WEIR_VECTOR_NONE;
}

void weir_interrupt_end(struct weir_firmware *firmware, struct weir_queue_interrupt *interrupt)
{
	weir_timer_stop(firmware, &interrupt->timer);
	interrupt->armed = false;
}

enum weir_status weir_moderation_check(uint64_t time_us, uint64_t count, uint32_t *detail)
{
	*detail = WEIR_ATTRIBUTE_MODERATION_US;
	if (time_us > WEIR_MODERATION_MAX_US)
		return WEIR_STATUS_BAD_VALUE;
	*detail = WEIR_ATTRIBUTE_MODERATION_COUNT;
	if (count > WEIR_MODERATION_MAX_COUNT)
		return WEIR_STATUS_BAD_VALUE;
	*detail = 0;
	return WEIR_STATUS_OK;
}

enum weir_status weir_queue_moderate(struct weir_firmware *firmware, struct weir_function *function,
				     uint16_t number, bool transmit, const uint64_t *time_us,
				     const uint64_t *count, uint32_t *detail)
{
	enum weir_status status =
		weir_moderation_check(time_us ? *time_us : 0, count ? *count : 0, detail);

	if (status)
		return status;
	*detail = WEIR_ATTRIBUTE_QUEUE;
	if (number >= function->queue_pairs)
		return WEIR_STATUS_BAD_VALUE;
	struct weir_rx_queue *rx = &firmware->rx_queues[function->first_queue + number];
	struct weir_tx_queue *tx = &firmware->tx_queues[function->first_queue + number];
	struct weir_queue_interrupt *interrupt = transmit ? &tx->interrupt : &rx->interrupt;
	uint64_t since_ns = firmware->now_ns;
	bool waits = interrupt->timer;

	if ((transmit ? tx->state : rx->state) == WEIR_QUEUE_NONE)
		return WEIR_STATUS_NOT_FOUND;
	*detail = 0;
	/* What waits has waited for a while already. */
	if (waits)
		since_ns = weir_timer_due_ns(firmware, interrupt->timer) -
			   interrupt->time_us * 1000ull;
	weir_timer_stop(firmware, &interrupt->timer);
	if (time_us)
		interrupt->time_us = (uint32_t)*time_us;
	if (count)
		interrupt->count = (uint16_t)*count;
	if (waits && transmit)
		tx_notify_since(firmware, tx, since_ns);
	else if (waits)
		rx_notify_since(firmware, rx, since_ns);
	return WEIR_STATUS_OK;
}
