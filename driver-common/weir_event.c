// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the admin queue (specs/admin-queue.md, "Events"), the link, and the service task that
 * looks after the function once a second: a reset that came without notice shows in GENERATION
 * only.
 */
#include <linux/ethtool.h>

#include "weir_hw.h"
#include "weir_lock.h"

/* A transmit queue may stand still for this long, in seconds. */
#define WEIR_TX_STILL_S 5
/* At least this long between resets because the card stopped a queue, in jiffies. */
#define WEIR_STOPPED_INTERVAL (10 * HZ)
/* In the data of a MISBEHAVIOUR event (specs/admin-queue.md, "Events"). */
#define WEIR_MISBEHAVIOUR_TRANSMIT BIT_ULL(16)
#define WEIR_MISBEHAVIOUR_QUEUE_STOPPED BIT_ULL(17)

/**
 * weir_link_show() - make the interface's carrier what the link is
 * @weir: the function
 *
 * The carrier is on only while queues run.
 */
void weir_link_show(struct weir_device *weir)
{
	struct net_device *netdev = weir->netdev;
	u32 speed_mbps = READ_ONCE(weir->link_up) ? READ_ONCE(weir->link_speed_mbps) : 0;
	bool up = READ_ONCE(weir->link_up);

	if (up)
		netif_carrier_on(netdev);
	else
		netif_carrier_off(netdev);
	/* Queues that were stopped and started again are no news. */
	if (weir->link_told && up == weir->link_told_up && speed_mbps == weir->link_told_mbps)
		return;
	weir->link_told = true;
	weir->link_told_up = up;
	weir->link_told_mbps = speed_mbps;
	if (up)
		netif_info(weir, link, netdev, "link up, %u Mb/s\n", speed_mbps);
	else
		netif_info(weir, link, netdev, "link down\n");
}

/**
 * weir_link_lost() - the function is gone for longer than a reset takes: its link is down
 * @weir: the function, its interface detached and without a carrier; under RTNL
 *
 * The core puts what it would make of a lost carrier off until the interface is attached again,
 * which may be never. When the carrier comes back it catches up.
 */
void weir_link_lost(struct weir_device *weir)
{
	struct net_device *netdev = weir->netdev;

	ASSERT_RTNL();
	if (!netif_running(netdev) || READ_ONCE(netdev->operstate) == IF_OPER_DOWN)
		return;
	weir->link_told = false;
	netif_info(weir, link, netdev, "link down\n");
	WRITE_ONCE(netdev->operstate, IF_OPER_DOWN);
	netdev_state_change(netdev);
}

/**
 * weir_link_set() - note the state of the link
 * @weir: the function
 * @up: whether it is up
 * @speed_mbps: its speed in Mb/s
 */
void weir_link_set(struct weir_device *weir, bool up, u32 speed_mbps)
{
	WRITE_ONCE(weir->link_up, up);
	WRITE_ONCE(weir->link_speed_mbps, speed_mbps);
}

/**
 * weir_link_read() - ask for the state of the link
 * @weir: the function
 *
 * Return: 0 or a negative errno.
 */
int weir_link_read(struct weir_device *weir)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_LINK_GET);
	u32 speed_mbps = 0;
	u8 up = 0;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	err = weir_call_run_loud(call);
	if (!err) {
		if (weir_tlv_get_u8(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_LINK_UP, &up) ||
		    weir_tlv_get_u32(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_LINK_SPEED_MBPS,
				     &speed_mbps))
			err = -EPROTO;
		else
			weir_link_set(weir, up, speed_mbps);
	}
	weir_call_end(call);
	return err;
}

static void weir_event_link(struct weir_device *weir, const struct weir_admin_event *event)
{
	weir_link_set(weir, le32_to_cpu(event->detail) & 1,
		      min_t(u64, le64_to_cpu(event->data), U32_MAX));
	/* Under weir_lock(), so that queues do not start or stop meanwhile. */
	weir_lock(weir);
	if (weir->data && weir->data->running && weir_state_get(weir) == WEIR_STATE_RUNNING)
		weir_link_show(weir);
	weir_unlock(weir);
}

/* The administrator decided something for this VF: its MAC, or what it may do. */
static void weir_event_vf_changed(struct weir_device *weir)
{
	weir_lock(weir);
	if (weir_state_get(weir) == WEIR_STATE_RUNNING) {
		weir_mac_sync(weir);
		weir_filter_doubt(weir);
		weir_filter_sync(weir);
	}
	weir_unlock(weir);
}

static void weir_event_queue_stopped(struct weir_device *weir, u64 data)
{
	const char *kind = data & WEIR_MISBEHAVIOUR_TRANSMIT ? "transmit" : "receive";

	netdev_warn(weir->netdev, "the card stopped %s queue %llu\n", kind, data & 0xffff);
	WRITE_ONCE(weir->queue_stopped, true);
}

static void weir_event_handle(struct weir_device *weir, const struct weir_admin_event *event)
{
	switch (le16_to_cpu(event->event)) {
	case WEIR_EVENT_LINK:
		weir_event_link(weir, event);
		break;
	case WEIR_EVENT_VF_CHANGED:
		weir_event_vf_changed(weir);
		break;
	case WEIR_EVENT_MISBEHAVIOUR:
		/* To any function when one of its queues was stopped; else to the PF about VFs. */
		if (le16_to_cpu(event->function) == weir->function_index &&
		    le64_to_cpu(event->data) & WEIR_MISBEHAVIOUR_QUEUE_STOPPED)
			weir_event_queue_stopped(weir, le64_to_cpu(event->data));
		if (weir->role->event)
			weir->role->event(weir, event);
		break;
	case WEIR_EVENT_EVENTS_LOST:
		dev_warn_ratelimited(weir->dev, "the card dropped %llu events for want of room\n",
				     le64_to_cpu(event->data));
		/* The link's state may have been among them. */
		if (!weir_link_read(weir)) {
			weir_lock(weir);
			if (weir->data && weir->data->running)
				weir_link_show(weir);
			weir_unlock(weir);
		}
		break;
	case WEIR_EVENT_FIRMWARE_ERROR:
		dev_err_ratelimited(
			weir->dev,
			"the firmware reports an error: its log says what ('weirctl log')\n");
		break;
	default:
		if (weir->role->event)
			weir->role->event(weir, event);
	}
}

/**
 * weir_event_work() - handle the events that weir_admin_service() queued
 * @work: weir->event_work
 */
void weir_event_work(struct work_struct *work)
{
	struct weir_device *weir = container_of(work, struct weir_device, event_work);
	struct weir_admin *admin = &weir->admin;
	struct weir_admin_event event;
	u32 lost;

	for (;;) {
		bool some;

		spin_lock_irq(&admin->ring_lock);
		some = kfifo_get(&admin->events, &event);
		lost = admin->lost_events;
		admin->lost_events = 0;
		spin_unlock_irq(&admin->ring_lock);
		if (lost)
			dev_warn_ratelimited(
				weir->dev, "%u events came faster than they were handled\n", lost);
		if (!some)
			return;
		weir_event_handle(weir, &event);
	}
}

/*
 * A transmit queue whose head stands still while frames are out. The stack's own watchdog sees only
 * queues that are full. Return: whether this one has for too long.
 */
static bool weir_tx_stands_still(struct weir_pair *pair)
{
	struct weir_tx_ring *tx = &pair->tx;
	u16 clean = READ_ONCE(tx->clean);

	if (clean == READ_ONCE(tx->tail) || clean != tx->watched_clean) {
		tx->watched_clean = clean;
		tx->still_s = 0;
		return false;
	}
	if (++tx->still_s < WEIR_TX_STILL_S)
		return false;
	netdev_warn(pair->weir->netdev, "transmit queue %u stands still: tail %u, cleaned %u\n",
		    pair->index, READ_ONCE(tx->tail), clean);
	return true;
}

/*
 * Looks after queues: those that stand still, and those without buffers because memory was short.
 */
static void weir_service_queues(struct weir_device *weir)
{
	unsigned int i;

	/* Whoever holds RTNL may be stopping the queues; there is another second. */
	if (!weir_trylock(weir))
		return;
	for (i = 0; weir->data && weir->data->running && i < weir->data->config.pairs; i++) {
		struct weir_pair *pair = weir->data->pairs[i];

		if (weir_tx_stands_still(pair))
			weir_request_reset(weir, WEIR_RESET_TX_TIMEOUT);
		if (!READ_ONCE(pair->rx->starved))
			continue;
		local_bh_disable();
		napi_schedule(&pair->napi);
		local_bh_enable();
	}
	weir_unlock(weir);
}

/*
 * A queue that the card stopped, for a fault or because it did not like what it read, stays so
 * (specs/data-queues.md, "Faults"). A reset makes all queues new. The reason may be there after it
 * as well, so there is some time between such resets.
 */
static void weir_service_stopped(struct weir_device *weir)
{
	if (!READ_ONCE(weir->queue_stopped) ||
	    time_before(jiffies, weir->recovered_at + WEIR_STOPPED_INTERVAL))
		return;
	WRITE_ONCE(weir->queue_stopped, false);
	weir_request_reset(weir, WEIR_RESET_QUEUE_STOPPED);
}

/* Follows a counter that starts again at zero when the function is reset. */
static void weir_counter_follow(struct weir_counter *counter, u64 now)
{
	u64 last = counter->last;

	if (now < last)
		WRITE_ONCE(counter->base, counter->base + last);
	WRITE_ONCE(counter->last, now);
}

/* What `ip -s link` shows of the card's own counters, as ndo_get_stats64 must not sleep. */
static void weir_service_statistics(struct weir_device *weir)
{
	u64 counters[WEIR_STAT_VPORT_COUNT];

	if (weir_get_statistics(weir, WEIR_STATS_SCOPE_VPORT, WEIR_FUNCTION_SELF, 0, counters,
				ARRAY_SIZE(counters)))
		return;
	weir_counter_follow(&weir->card_multicast, counters[WEIR_STAT_VPORT_RX_MULTICAST]);
	weir_counter_follow(&weir->card_missed, counters[WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER]);
}

static void weir_service_running(struct weir_device *weir)
{
	u32 status = weir_read(weir, WEIR_REG_STATUS);
	u32 generation = weir_read(weir, WEIR_REG_GENERATION);

	/* specs/reset.md, "Noticing a reset": this is all that an FLR shows. */
	if (status == WEIR_ALL_ONES || generation != weir->generation) {
		weir_request_reset(weir, WEIR_RESET_GENERATION);
	} else if (WEIR_GET(WEIR_REG_STATUS_STATE, status) != WEIR_FUNCTION_STATE_READY) {
		weir_request_reset(weir, WEIR_RESET_NOT_READY);
	} else {
		weir_admin_service(weir);
		weir_service_queues(weir);
		if (netif_running(weir->netdev)) {
			weir_service_stopped(weir);
			weir_service_statistics(weir);
		}
		if (weir->role->service)
			weir->role->service(weir);
	}
}

/**
 * weir_service_work() - the service task, once a second from probe to remove
 * @work: weir->service_work.work
 */
void weir_service_work(struct work_struct *work)
{
	struct weir_device *weir =
		container_of(to_delayed_work(work), struct weir_device, service_work);

	switch (weir_state_get(weir)) {
	case WEIR_STATE_DOWN:
		return;
	case WEIR_STATE_RUNNING:
		weir_service_running(weir);
		break;
	case WEIR_STATE_FAILED:
		if (time_after(jiffies, weir->retry_at))
			weir_request_reset(weir, WEIR_RESET_RETRY);
		break;
	default:
		break;
	}
	queue_delayed_work(weir->workqueue, &weir->service_work, round_jiffies_relative(HZ));
}
