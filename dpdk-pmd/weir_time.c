/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The card's clock and times of frames (specs/time.md), as the ethdev layer knows them: RTE_ETH_RX_OFFLOAD_TIMESTAMP, timesync, and
 * rte_eth_read_clock(). Frames are stamped in weir_rx.c and asked about in weir_tx.c.
 *
 * All functions of a card share its clock: a VF's port reads it, and is refused when it sets it.
 */
#include "weir_queues.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_mbuf_dyn.h>
#include <rte_time.h>

/* The upper half of the time changes every four seconds: not twice in a row. */
#define READ_TRIES 3
/* TIME_HIGH of no clock: nobody answered. */
#define NO_CLOCK 0x80000000u

bool weir_times_wanted(const struct weir_device *device)
{
	return (device->limits.features & WEIR_REG_FEATURES_TIME_MASK) &&
	       (device->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP);
}

int weir_times_configure(struct weir_device *device)
{
	if (!weir_times_wanted(device))
		return 0;
	if (rte_mbuf_dyn_rx_timestamp_register(&device->timesync.offset, &device->timesync.flag)) {
		WEIR_PORT_LOG(device, ERR, "mbufs have no room for timestamps: %s",
			      rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}

/* --- the clock -------------------------------------------------------------------------------------- */

/* specs/time.md, "Reading"; the lock is held. */
static int read_locked(struct weir_device *device, uint64_t *time_ns)
{
	uint32_t high, low, again;
	int error = weir_register_read(device, WEIR_REG_TIME_HIGH, &again);

	for (unsigned int i = 0; !error && i < READ_TRIES; i++) {
		high = again;
		error = weir_register_read(device, WEIR_REG_TIME_LOW, &low);
		if (!error)
			error = weir_register_read(device, WEIR_REG_TIME_HIGH, &again);
		if (!error && again & NO_CLOCK)
			error = -EIO;
		if (error || again != high)
			continue;
		*time_ns = (uint64_t)high << 32 | low;
		return 0;
	}
	return error ? error : -EIO;
}

int weir_read_clock(struct rte_eth_dev *ethdev, uint64_t *clock)
{
	struct weir_device *device = weir_device_of(ethdev);
	int error;

	if (!(device->limits.features & WEIR_REG_FEATURES_TIME_MASK))
		return -ENOTSUP;
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	error = read_locked(device, clock);
	pthread_mutex_unlock(&device->lock);
	return error;
}

/* TIME_SET with one attribute. */
static int tell(struct rte_eth_dev *ethdev, uint16_t attribute, uint64_t value)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct weir_tlv request;
	int error = weir_device_lock_attached(device);

	if (error)
		return error;
	weir_tlv_begin(&request);
	weir_tlv_put_u64(&request, attribute, value);
	error = weir_admin_command(device, WEIR_COMMAND_TIME_SET, &request, NULL, 0);
	pthread_mutex_unlock(&device->lock);
	return error;
}

int weir_timesync_adjust_time(struct rte_eth_dev *ethdev, int64_t delta_ns)
{
	return tell(ethdev, WEIR_ATTRIBUTE_TIME_OFFSET, (uint64_t)delta_ns);
}

int weir_timesync_write_time(struct rte_eth_dev *ethdev, const struct timespec *time)
{
	return tell(ethdev, WEIR_ATTRIBUTE_TIME, rte_timespec_to_ns(time));
}

int weir_timesync_read_time(struct rte_eth_dev *ethdev, struct timespec *time)
{
	uint64_t time_ns = 0;
	int error = weir_read_clock(ethdev, &time_ns);

	if (!error)
		*time = rte_ns_to_timespec(time_ns);
	return error;
}

/* --- times of PTP frames ---------------------------------------------------------------------------- */

int weir_timesync_enable(struct rte_eth_dev *ethdev)
{
	struct weir_device *device = weir_device_of(ethdev);

	if (!weir_times_wanted(device)) {
		WEIR_PORT_LOG(device, ERR, "timesync: configure RTE_ETH_RX_OFFLOAD_TIMESTAMP first");
		return -ENOTSUP;
	}
	__atomic_store_n(&device->timesync.sent, 0, __ATOMIC_RELAXED);
	device->timesync.enabled = true;
	return 0;
}

int weir_timesync_disable(struct rte_eth_dev *ethdev)
{
	weir_device_of(ethdev)->timesync.enabled = false;
	return 0;
}

/* queue: mbuf.timesync of the frame. */
int weir_timesync_read_rx(struct rte_eth_dev *ethdev, struct timespec *time, uint32_t queue)
{
	struct weir_rx_queue *from;
	uint64_t time_ns;

	if (queue >= ethdev->data->nb_rx_queues)
		return -EINVAL;
	from = ethdev->data->rx_queues[queue];
	time_ns = __atomic_exchange_n(&from->ptp_time_ns, 0, __ATOMIC_RELAXED);
	if (!time_ns)
		return -EINVAL;
	*time = rte_ns_to_timespec(time_ns);
	return 0;
}

/* Of the frame sent last; -EINVAL: not yet, or it was read. Asked again by whoever waits. */
int weir_timesync_read_tx(struct rte_eth_dev *ethdev, struct timespec *time)
{
	struct weir_device *device = weir_device_of(ethdev);
	uint64_t sent = __atomic_load_n(&device->timesync.sent, __ATOMIC_ACQUIRE);
	const volatile struct weir_tx_report *report;
	const struct weir_tx_queue *queue;

	if (!(sent & WEIR_SENT_VALID) || (sent >> 16 & 0xffff) >= ethdev->data->nb_tx_queues)
		return -EINVAL;
	queue = ethdev->data->tx_queues[sent >> 16 & 0xffff];
	if (!queue)
		return -EINVAL;
	report = &queue->reports[sent & queue->mask];
	if (!(weir_load32(&report->flags) & WEIR_TXR_TIME_MASK))
		return -EINVAL;
	weir_load_fence();
	*time = rte_ns_to_timespec(weir_le64_to_cpu(report->time));
	/* Another one may have been sent meanwhile, whose time is still to be read. */
	__atomic_compare_exchange_n(&device->timesync.sent, &sent, 0, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	return 0;
}
