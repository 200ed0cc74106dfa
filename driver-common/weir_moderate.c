// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moderation of interrupts (specs/data-queues.md, "Moderation"): `ethtool -c` and `-C`, for all
 * queues or one, and adaptive moderation by the kernel's DIM library: after each poll DIM is told
 * what came since the interrupt before, and now and then it wants another setting, which is a
 * command to the card, from a context that may sleep.
 */
#include <linux/netlink.h>
#include <linux/slab.h>

#include "weir_hw.h"

/* While nothing is set and nothing adapts; what mlx5 has. */
#define WEIR_RX_DEFAULT_US 8
#define WEIR_RX_DEFAULT_COUNT 128
#define WEIR_TX_DEFAULT_US 16
#define WEIR_TX_DEFAULT_COUNT 32

static bool weir_moderates(const struct weir_device *weir)
{
	return weir->features & WEIR_REG_FEATURES_MODERATION_MASK;
}

static const struct weir_moderation *weir_wanted(const struct weir_pair *pair, bool transmit)
{
	const struct weir_pair_moderation *wanted = &pair->weir->moderation[pair->index];

	return transmit ? &wanted->tx : &wanted->rx;
}

#if IS_REACHABLE(CONFIG_DIMLIB)

/* The wait begins with the first event after an arming, not anew with each. */
#define WEIR_DIM_MODE DIM_CQ_PERIOD_MODE_START_FROM_EQE

/* The settings in force: DIM's, or the user's. */
static struct weir_moderation weir_in_force(const struct weir_pair *pair, bool transmit)
{
	const struct dim *dim = transmit ? &pair->tx_adapter.dim : &pair->rx_adapter.dim;
	struct weir_moderation settings = *weir_wanted(pair, transmit);
	struct dim_cq_moder profile;

	if (settings.adaptive) {
		profile = transmit ? net_dim_get_tx_moderation(WEIR_DIM_MODE, dim->profile_ix)
				   : net_dim_get_rx_moderation(WEIR_DIM_MODE, dim->profile_ix);
		settings.us = profile.usec;
		settings.count = profile.pkts;
	}
	return settings;
}

#else

static struct weir_moderation weir_in_force(const struct weir_pair *pair, bool transmit)
{
	return *weir_wanted(pair, transmit);
}

#endif

/**
 * weir_moderation_put() - the settings of a queue that is being created
 * @call: the command
 * @pair: its queue pair
 * @transmit: which of its queues
 */
void weir_moderation_put(struct weir_call *call, const struct weir_pair *pair, bool transmit)
{
	struct weir_moderation settings;

	if (!weir_moderates(pair->weir))
		return;
	settings = weir_in_force(pair, transmit);
	weir_call_put_u32(call, WEIR_ATTRIBUTE_MODERATION_US, settings.us);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_MODERATION_COUNT, settings.count);
}

/*
 * Tells the card the settings in force of a running queue. They are looked up under the lock, so
 * that the last command has the last settings, whoever sends it.
 */
static int weir_moderate(struct weir_pair *pair, bool transmit)
{
	struct weir_device *weir = pair->weir;
	struct weir_call *call;
	int err;

	mutex_lock(&weir->moderation_lock);
	call = weir_call_begin(weir, transmit ? WEIR_COMMAND_TX_QUEUE_MODERATE
					      : WEIR_COMMAND_RX_QUEUE_MODERATE);
	if (IS_ERR(call)) {
		err = PTR_ERR(call);
	} else {
		weir_call_put_u16(call, WEIR_ATTRIBUTE_QUEUE, pair->index);
		weir_moderation_put(call, pair, transmit);
		err = weir_call_run_loud(call);
		weir_call_end(call);
	}
	mutex_unlock(&weir->moderation_lock);
	return err;
}

/* --- adaptive moderation --- */

#if IS_REACHABLE(CONFIG_DIMLIB)

static void weir_rx_dim_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);

	/* What cannot be set now will be: with the next change, or with new queues. */
	weir_moderate(container_of(dim, struct weir_pair, rx_adapter.dim), false);
	dim->state = DIM_START_MEASURE;
}

static void weir_tx_dim_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);

	weir_moderate(container_of(dim, struct weir_pair, tx_adapter.dim), true);
	dim->state = DIM_START_MEASURE;
}

static void weir_adapter_init(struct weir_adapter *adapter, work_func_t work)
{
	memset(&adapter->dim, 0, sizeof(adapter->dim));
	adapter->dim.mode = WEIR_DIM_MODE;
	INIT_WORK(&adapter->dim.work, work);
}

/**
 * weir_adapt_init() - begin to adapt anew, from the shortest wait on
 * @pair: a queue pair that does not run
 */
void weir_adapt_init(struct weir_pair *pair)
{
	weir_adapter_init(&pair->rx_adapter, weir_rx_dim_work);
	weir_adapter_init(&pair->tx_adapter, weir_tx_dim_work);
}

/**
 * weir_adapt_stop() - no command about moderation is sent after this
 * @pair: a queue pair that is not polled any more
 */
void weir_adapt_stop(struct weir_pair *pair)
{
	cancel_work_sync(&pair->rx_adapter.dim.work);
	cancel_work_sync(&pair->tx_adapter.dim.work);
}

/**
 * weir_adapt_rx_anew() - begin to adapt anew to what is received; no command about that is sent until the pair is polled again
 * @pair: a queue pair that is not polled
 */
void weir_adapt_rx_anew(struct weir_pair *pair)
{
	cancel_work_sync(&pair->rx_adapter.dim.work);
	weir_adapter_init(&pair->rx_adapter, weir_rx_dim_work);
}

static void weir_adapt_by(struct dim *dim, u16 events, u64 frames, u64 bytes)
{
	struct dim_sample sample = {};

	dim_update_sample(events, frames, bytes, &sample);
#if WEIR_HAVE_NET_DIM_POINTER
	net_dim(dim, &sample);
#else
	net_dim(dim, sample);
#endif
}

/**
 * weir_adapt() - tell DIM what came; at the end of a poll, before interrupts are armed
 * @pair: the queue pair that was polled
 */
void weir_adapt(struct weir_pair *pair)
{
	const struct weir_rx_stats *rx = pair->rx->stats;
	const struct weir_tx_done_stats *tx = pair->tx.done_stats;
	u16 events = READ_ONCE(pair->weir->stats[pair->index].interrupts);

	if (READ_ONCE(weir_wanted(pair, false)->adaptive))
		weir_adapt_by(&pair->rx_adapter.dim, events, u64_stats_read(&rx->frames),
			      u64_stats_read(&rx->bytes));
	if (READ_ONCE(weir_wanted(pair, true)->adaptive))
		weir_adapt_by(&pair->tx_adapter.dim, events, u64_stats_read(&tx->frames),
			      u64_stats_read(&tx->bytes));
}

#else

void weir_adapt_init(struct weir_pair *pair)
{
}

void weir_adapt_stop(struct weir_pair *pair)
{
}

void weir_adapt_rx_anew(struct weir_pair *pair)
{
}

void weir_adapt(struct weir_pair *pair)
{
}

#endif

/**
 * weir_moderation_alloc() - the settings before anybody set any: adaptive where that is possible
 * @weir: the function, @weir->stats_count known
 *
 * Return: 0 or -ENOMEM; freed by kfree(@weir->moderation).
 */
int weir_moderation_alloc(struct weir_device *weir)
{
	unsigned int i;

	weir->moderation = kcalloc(weir->stats_count, sizeof(*weir->moderation), GFP_KERNEL);
	if (!weir->moderation)
		return -ENOMEM;
	for (i = 0; i < weir->stats_count; i++)
		weir->moderation[i] = (struct weir_pair_moderation) {
			.rx = { WEIR_RX_DEFAULT_US, WEIR_RX_DEFAULT_COUNT, IS_REACHABLE(CONFIG_DIMLIB) },
			.tx = { WEIR_TX_DEFAULT_US, WEIR_TX_DEFAULT_COUNT, IS_REACHABLE(CONFIG_DIMLIB) },
		};
	return 0;
}

/* --- ethtool --- */

static void weir_show_moderation(const struct weir_pair_moderation *from,
				 struct ethtool_coalesce *coalesce)
{
	coalesce->rx_coalesce_usecs = from->rx.us;
	coalesce->rx_max_coalesced_frames = from->rx.count;
	coalesce->use_adaptive_rx_coalesce = from->rx.adaptive;
	coalesce->tx_coalesce_usecs = from->tx.us;
	coalesce->tx_max_coalesced_frames = from->tx.count;
	coalesce->use_adaptive_tx_coalesce = from->tx.adaptive;
}

/* One direction as the user wants it, checked. */
static int weir_check_moderation(const struct weir_device *weir, struct weir_moderation *to,
				 u32 us, u32 count, u32 adaptive, struct netlink_ext_ack *extack)
{
	if (us > weir->info.moderation_us_max) {
		NL_SET_ERR_MSG_MOD(extack, "the card does not wait for so many microseconds");
		return -ERANGE;
	}
	if (count > weir->info.moderation_count_max) {
		NL_SET_ERR_MSG_MOD(extack, "the card does not wait for so many frames");
		return -ERANGE;
	}
	if (adaptive && to->adaptive && (us != to->us || count != to->count)) {
		NL_SET_ERR_MSG_MOD(
			extack,
			"usecs and frames have no effect while moderation is adaptive: switch that off first");
		return -EINVAL;
	}
	*to = (struct weir_moderation) { us, count, adaptive };
	return 0;
}

/* Settings of a queue pair: kept, and in the card if the pair runs. */
static int weir_set_moderation(struct weir_device *weir, u16 index,
			       const struct weir_pair_moderation *to)
{
	struct weir_data *data = weir->data;
	struct weir_pair *pair;
	int err;

	mutex_lock(&weir->moderation_lock);
	weir->moderation[index] = *to;
	mutex_unlock(&weir->moderation_lock);
	if (!data || !data->running || index >= data->config.pairs)
		return 0;
	pair = data->pairs[index];
	err = weir_moderate(pair, false);
	return err ?: weir_moderate(pair, true);
}

static int weir_set_moderations(struct weir_device *weir, unsigned int first, unsigned int count,
				const struct ethtool_coalesce *coalesce,
				struct netlink_ext_ack *extack)
{
	/* What ethtool did not change it gives back as it was shown: that of the first. */
	struct weir_pair_moderation to = weir->moderation[first];
	unsigned int i;
	int err;

	if (!weir_moderates(weir)) {
		NL_SET_ERR_MSG_MOD(extack, "this card or firmware does not moderate interrupts");
		return -EOPNOTSUPP;
	}
	err = weir_check_moderation(weir, &to.rx, coalesce->rx_coalesce_usecs,
				    coalesce->rx_max_coalesced_frames,
				    coalesce->use_adaptive_rx_coalesce, extack);
	if (!err)
		err = weir_check_moderation(weir, &to.tx, coalesce->tx_coalesce_usecs,
					    coalesce->tx_max_coalesced_frames,
					    coalesce->use_adaptive_tx_coalesce, extack);
	for (i = first; !err && i < first + count; i++)
		err = weir_set_moderation(weir, i, &to);
	return err;
}

/* weir_get_coalesce() - ethtool -c: as the first queue pair has it; -C sets all alike */
int weir_get_coalesce(struct net_device *netdev, struct ethtool_coalesce *coalesce,
		      struct kernel_ethtool_coalesce *kernel_coalesce,
		      struct netlink_ext_ack *extack)
{
	weir_show_moderation(&weir_of(netdev)->moderation[0], coalesce);
	return 0;
}

/* weir_set_coalesce() - ethtool -C: of every queue pair, those that are not there yet, too */
int weir_set_coalesce(struct net_device *netdev, struct ethtool_coalesce *coalesce,
		      struct kernel_ethtool_coalesce *kernel_coalesce,
		      struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);

	return weir_set_moderations(weir, 0, weir->stats_count, coalesce, extack);
}

/* weir_get_per_queue_coalesce() - ethtool --per-queue DEV queue_mask MASK --show-coalesce */
int weir_get_per_queue_coalesce(struct net_device *netdev, u32 queue,
				struct ethtool_coalesce *coalesce)
{
	struct weir_device *weir = weir_of(netdev);

	if (queue >= weir->config.pairs)
		return -EINVAL;
	weir_show_moderation(&weir->moderation[queue], coalesce);
	return 0;
}

/* weir_set_per_queue_coalesce() - ethtool --per-queue DEV queue_mask MASK --coalesce … */
int weir_set_per_queue_coalesce(struct net_device *netdev, u32 queue,
				struct ethtool_coalesce *coalesce)
{
	struct weir_device *weir = weir_of(netdev);

	if (queue >= weir->config.pairs)
		return -EINVAL;
	return weir_set_moderations(weir, queue, 1, coalesce, NULL);
}
