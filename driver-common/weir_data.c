// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of queue pairs (specs/data-queues.md): creation in the card, start, stop and change.
 * Their memory is weir_memory.c's.
 *
 * Everything here runs under weir_lock().
 */
#include "weir_hw.h"
#include "weir_lock.h"
#include "weir_xdp.h"

/* specs/data-queues.md, "Creation" */
static int weir_tx_create(struct weir_pair *pair)
{
	struct weir_call *call = weir_call_begin(pair->weir, WEIR_COMMAND_TX_QUEUE_CREATE);
	struct weir_tx_ring *tx = &pair->tx;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_QUEUE, pair->index);
	weir_call_put_u64(call, WEIR_ATTRIBUTE_RING_ADDRESS, tx->descriptors_dma);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_RING_LOG2, ilog2(tx->size));
	weir_call_put_u64(call, WEIR_ATTRIBUTE_COMPLETION_ADDRESS,
			  pair->memory_dma + offsetof(struct weir_pair_memory, tx_head));
	weir_call_put_u16(call, WEIR_ATTRIBUTE_VECTOR, pair->vector);
	weir_moderation_put(call, pair, true);
	if (tx->reports)
		weir_call_put_u64(call, WEIR_ATTRIBUTE_REPORT_ADDRESS, tx->reports_dma);
	if (tx->doorbell.shadow)
		weir_call_put_u64(call, WEIR_ATTRIBUTE_SHADOW_ADDRESS,
				  pair->memory_dma + offsetof(struct weir_pair_memory, tx_shadow));
	err = weir_call_run_loud(call);
	tx->created = !err;
	weir_call_end(call);
	return err;
}

/**
 * weir_rx_create() - give the card a pair's receive ring
 * @pair: the queue pair, its ring as new
 *
 * specs/data-queues.md, "Creation"
 *
 * Return: 0 or a negative errno.
 */
int weir_rx_create(struct weir_pair *pair)
{
	struct weir_call *call = weir_call_begin(pair->weir, WEIR_COMMAND_RX_QUEUE_CREATE);
	struct weir_rx_ring *rx = pair->rx;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_QUEUE, pair->index);
	weir_call_put_u64(call, WEIR_ATTRIBUTE_RING_ADDRESS, rx->buffers_dma);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_RING_LOG2, rx->log2);
	weir_call_put_u64(call, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, rx->completions_dma);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_COMPLETION_LOG2, rx->completion_log2);
	weir_call_put_u32(call, WEIR_ATTRIBUTE_BUFFER_BYTES, rx->buffer_bytes);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_VECTOR, pair->vector);
	weir_moderation_put(call, pair, false);
	if (rx->timed)
		weir_call_put_u16(call, WEIR_ATTRIBUTE_FORMAT, WEIR_FORMAT_RX_TIMES);
	/* specs/header-split.md, "Creation" */
	if (rx->headers) {
		weir_call_put_u8(call, WEIR_ATTRIBUTE_SPLIT_MODE, WEIR_SPLIT_MODE_INNER);
		weir_call_put_u16(call, WEIR_ATTRIBUTE_HEADER_BYTES, WEIR_RX_HEADER_BYTES);
		weir_call_put_u16(call, WEIR_ATTRIBUTE_SPLIT_THRESHOLD, rx->split_threshold);
	}
	if (rx->doorbell.shadow)
		weir_call_put_u64(call, WEIR_ATTRIBUTE_SHADOW_ADDRESS,
				  pair->memory_dma + offsetof(struct weir_pair_memory, rx_shadow));
	err = weir_call_run_loud(call);
	rx->created = !err;
	weir_call_end(call);
	return err;
}

/*
 * specs/data-queues.md, "Destruction": the command completes when no DMA of the queue is in flight.
 */
static int weir_queue_destroy(struct weir_device *weir, u16 opcode, u16 index, bool *created)
{
	struct weir_call *call;
	int err;

	if (!*created)
		return 0;
	call = weir_call_begin(weir, opcode);
	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_QUEUE, index);
	err = weir_call_run_loud(call);
	if (!err)
		*created = false;
	weir_call_end(call);
	return err;
}

/**
 * weir_rx_destroy() - take a pair's receive ring back from the card
 * @pair: the queue pair
 *
 * The card counts what comes for the queue meanwhile as rx_dropped_no_queue.
 *
 * Return: 0, the card does not write to the ring any more; or a negative errno.
 */
int weir_rx_destroy(struct weir_pair *pair)
{
	return weir_queue_destroy(pair->weir, WEIR_COMMAND_RX_QUEUE_DESTROY, pair->index,
				  &pair->rx->created);
}

static int weir_data_create(struct weir_device *weir, struct weir_data *data)
{
	unsigned int i;
	int err;

	data->dma_live = true;
	for (i = 0; i < data->config.pairs; i++) {
		err = weir_rx_create(data->pairs[i]);
		if (!err)
			err = weir_tx_create(data->pairs[i]);
		if (err)
			return err;
	}
	return 0;
}

static int weir_data_destroy(struct weir_device *weir, struct weir_data *data)
{
	int err, first = 0;
	unsigned int i;

	for (i = 0; i < data->config.pairs; i++) {
		err = weir_queue_destroy(weir, WEIR_COMMAND_TX_QUEUE_DESTROY, i,
					 &data->pairs[i]->tx.created);
		first = first ?: err;
	}
	for (i = 0; i < data->config.pairs; i++) {
		err = weir_rx_destroy(data->pairs[i]);
		first = first ?: err;
	}
	if (!first)
		data->dma_live = false;
	return first;
}

static void weir_data_run(struct weir_device *weir, struct weir_data *data)
{
	unsigned int i;

	WRITE_ONCE(weir->quiet, false);
	WRITE_ONCE(weir->queue_stopped, false);
	for (i = 0; i < data->config.pairs; i++) {
		struct weir_pair *pair = data->pairs[i];

		weir_napi_enable(&pair->napi);
		weir_qstats_set_napi(weir->netdev, pair->index, &pair->napi,
				     weir->vectors[pair->vector].irq);
		weir_rx_publish(pair);
		weir_pair_arm_first(pair);
	}
	data->running = true;
}

static void weir_data_napi_delete(struct weir_data *data)
{
	unsigned int i;

	for (i = 0; i < data->config.pairs; i++) {
		weir_xdp_unregister(data->pairs[i]->rx);
		weir_napi_del(&data->pairs[i]->napi);
	}
}

static int weir_data_napi_add(struct weir_device *weir, struct weir_data *data)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < data->config.pairs; i++)
		weir_napi_add(weir->netdev, &data->pairs[i]->napi, weir_poll);
	for (i = 0; i < data->config.pairs && !err; i++)
		err = weir_xdp_register(weir, data->pairs[i]->rx, i, data->pairs[i]->napi.napi_id);
	if (err)
		weir_data_napi_delete(data);
	return err;
}

/*
 * Gives the pairs interrupts. They keep them over resets: with many VFs others would take them
 * meanwhile.
 */
static int weir_data_attach(struct weir_device *weir, struct weir_data *data)
{
	int err;

	if (data->attached)
		return 0;
	err = weir_data_napi_add(weir, data);
	if (err)
		return err;
	weir_irq_teardown(weir);
	err = weir_irq_setup(weir, data);
	if (err) {
		weir_data_napi_delete(data);
		return err;
	}
	data->attached = true;
	return 0;
}

/**
 * weir_data_detach() - take the pairs' interrupts away; the admin queue keeps one, or is polled
 * @weir: the function
 * @data: quiesced queues
 */
void weir_data_detach(struct weir_device *weir, struct weir_data *data)
{
	if (data->attached) {
		weir_irq_teardown(weir);
		weir_data_napi_delete(data);
		data->attached = false;
	}
	if (!weir->vectors_count)
		weir_irq_setup(weir, NULL);
}

static void weir_data_xps(struct weir_device *weir, struct weir_data *data)
{
	unsigned int i;

	for (i = 0; i < data->config.pairs; i++) {
		unsigned int cpu = cpumask_local_spread(i, dev_to_node(weir->dev));

		netif_set_xps_queue(weir->netdev, cpumask_of(cpu), i);
	}
}

/*
 * No frame is put into a ring from here on: weir_xmit() and weir_xdp_send() look at @sending under
 * the locks taken here.
 */
static void weir_data_halt(struct weir_device *weir, struct weir_data *data)
{
	WRITE_ONCE(data->sending, false);
	netif_carrier_off(weir->netdev);
	netif_tx_disable(weir->netdev);
}

/**
 * weir_data_quiesce() - the software half of stopping: no frame is sent and no poll runs
 * @weir: the function, whose state does not matter; no register is touched
 * @data: queues, running or not; the card may go on writing to their memory
 */
void weir_data_quiesce(struct weir_device *weir, struct weir_data *data)
{
	unsigned int i;

	weir_data_halt(weir, data);
	if (!data->running)
		return;
	data->running = false;
	for (i = 0; i < data->config.pairs; i++) {
		weir_qstats_set_napi(weir->netdev, i, NULL, 0);
		weir_napi_disable(&data->pairs[i]->napi);
	}
	/*
	 * That waits for napi_complete_done() only, and the poll arms its vectors after it: those
	 * doorbells must not come when the queues are gone.
	 */
	synchronize_net();
	for (i = 0; i < data->config.pairs; i++)
		weir_adapt_stop(data->pairs[i]);
	/* A last poll may have woken a queue. */
	netif_tx_disable(weir->netdev);
}

/*
 * The card's half of stopping (specs/reset.md, "Stop of a function"), and ours in between: a poll
 * that ran on would ring doorbells of queues that are gone.
 */
static int weir_data_unwind(struct weir_device *weir, struct weir_data *data)
{
	int err = 0;

	weir_data_halt(weir, data);
	if (data->dma_live)
		err = weir_vport_enable(weir, false);
	weir_data_quiesce(weir, data);
	if (data->dma_live)
		err = weir_data_destroy(weir, data) ?: err;
	return err;
}

/**
 * weir_data_start() - bring queues to life: vectors, creation in the card, filters, buffers,
 * carrier
 * @weir: RUNNING or RECOVERING, no queues in the card
 * @data: queues with or without a past
 *
 * specs/data-queues.md, "Creation": queues first, then what the vport takes in, then buffers, and
 * ENABLE last.
 *
 * Return: 0, the function's data is then @data; or a negative errno, the card then holds no queue
 * unless @data->dma_live.
 */
int weir_data_start(struct weir_device *weir, struct weir_data *data)
{
	unsigned int i;
	int err;

	err = weir_data_attach(weir, data);
	if (err)
		return err;
	weir_data_rewind(data);

	WRITE_ONCE(weir->coalesce_bytes, weir_coalesce_most_bytes(data->config.rx_buffer_bytes));
	weir_rss_spread_evenly(weir, data->config.pairs);
	err = weir_data_create(weir, data);
	if (!err)
		err = weir_rss_tell(weir);
	if (!err)
		err = weir_contexts_tell(weir);
	if (!err)
		err = weir_rules_tell(weir);
	if (!err)
		err = weir_low_latency_tell(weir);
	if (!err)
		err = weir_coalesce_tell(weir);
	if (!err)
		err = netif_set_real_num_queues(weir->netdev, data->config.pairs,
						data->config.pairs);
	if (!err)
		err = weir_filter_sync(weir);
	if (err)
		goto err_unwind;

	weir_data_run(weir, data);
	err = weir_vport_enable(weir, true);
	if (!err)
		err = weir_link_read(weir);
	if (err)
		goto err_unwind;

	/* Nothing can fail past this point. */
	for (i = 0; i < data->config.pairs; i++)
		netdev_tx_reset_queue(netdev_get_tx_queue(weir->netdev, i));
	weir_data_xps(weir, data);
	WRITE_ONCE(data->sending, true);
	WRITE_ONCE(weir->data, data);
	netif_tx_start_all_queues(weir->netdev);
	weir_link_show(weir);
	return 0;

err_unwind:
	weir_data_unwind(weir, data);
	return err;
}

/**
 * weir_data_stop() - take queues out of the card and stop them
 * @weir: RUNNING
 * @data: started queues
 *
 * If the card does not give a queue back, @data->dma_live stays set and a reset is
 * asked for: without one the memory cannot be freed.
 *
 * Return: 0 or a negative errno; @data is stopped either way, and the function without data.
 */
int weir_data_stop(struct weir_device *weir, struct weir_data *data)
{
	int err;

	err = weir_data_unwind(weir, data);
	WRITE_ONCE(weir->data, NULL);
	if (err)
		weir_request_reset(weir, WEIR_RESET_QUEUE_STUCK);
	return err;
}

/**
 * weir_reconfigure() - change number or size of the queues
 * @weir: the function
 * @config: what they shall be
 *
 * Return: 0; or a negative errno, the old queues then run on, or the reset that was asked for
 * starts them.
 */
int weir_reconfigure(struct weir_device *weir, const struct weir_config *config)
{
	struct weir_config old_config = weir->config;
	struct weir_data *old = weir->data;
	struct weir_data *data;
	int err;

	if (!old) {
		weir->config = *config;
		weir_rss_spread_evenly(weir, config->pairs);
		return 0;
	}
	if (weir_state_get(weir) != WEIR_STATE_RUNNING)
		return -EBUSY;
	data = weir_data_alloc(weir, config);
	if (!data)
		return -ENOMEM;

	err = weir_data_stop(weir, old);
	if (err) {
		/* The reset that was asked for starts the old queues again. */
		WRITE_ONCE(weir->data, old);
		weir_data_dispose(weir, data);
		return err;
	}
	weir_data_detach(weir, old);
	weir->config = *config;
	err = weir_data_start(weir, data);
	if (!err) {
		weir_data_dispose(weir, old);
		return 0;
	}

	netdev_warn(weir->netdev, "the new queues do not start (%d), back to the old ones\n", err);
	weir->config = old_config;
	weir_data_detach(weir, data);
	weir_data_dispose(weir, data);
	if (weir_data_start(weir, old)) {
		WRITE_ONCE(weir->data, old);
		weir_request_reset(weir, WEIR_RESET_QUEUE_STUCK);
	}
	return err;
}
