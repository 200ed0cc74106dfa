/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that watches a port's function: it takes events (link, policy), finds out when the function was
 * lost (its server died, it was reset), and gets it back. Applications hear of it by INTR_LSC, ERR_RECOVERING and
 * RECOVERY_SUCCESS, always without the port's lock, so that they may ask the port whatever they like.
 */
#include "weir_queues.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_cycles.h>

/* A reset that nobody announced is noticed within this time; a server that dies at once. */
#define HEALTH_PERIOD_MS 250
/* A transmit queue that moves nothing for so long will not any more (specs/reset.md, noticing a reset). */
#define STUCK_MS 5000
/* Attempts to get a lost function back: soon at first, then rarer. */
#define RETRY_FIRST_MS 20
#define RETRY_LAST_MS  500

/* What the application is to be told when the lock is free. */
struct news {
	bool link;
	bool recovering;
	bool recovered;
};

void weir_monitor_wake(struct weir_device *device)
{
	uint64_t one = 1;

	/* A counter that is full is readable, which is all that is wanted. */
	if (write(device->transport->attention_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		WEIR_PORT_LOG(device, ERR, "cannot wake the monitor: %s", strerror(errno));
}

static void tell(struct weir_device *device, const struct news *news)
{
	struct rte_eth_dev *ethdev = device->ethdev;

	if (news->recovering)
		rte_eth_dev_callback_process(ethdev, RTE_ETH_EVENT_ERR_RECOVERING, NULL);
	if (news->link && ethdev->data->dev_conf.intr_conf.lsc)
		rte_eth_dev_callback_process(ethdev, RTE_ETH_EVENT_INTR_LSC, NULL);
	if (news->recovered)
		rte_eth_dev_callback_process(ethdev, RTE_ETH_EVENT_RECOVERY_SUCCESS, NULL);
}

/* --- link ----------------------------------------------------------------------------------------- */

bool weir_link_refresh(struct weir_device *device)
{
	struct rte_eth_link link = {
		.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_AUTONEG,
		.link_status = RTE_ETH_LINK_DOWN,
		.link_speed = RTE_ETH_SPEED_NUM_NONE,
	};
	uint32_t status, speed_mbps;

	if ((device->state == WEIR_PORT_STARTED || device->state == WEIR_PORT_ATTACHED) &&
	    !weir_register_read(device, WEIR_REG_STATUS, &status) &&
	    !weir_register_read(device, WEIR_REG_LINK_SPEED, &speed_mbps) &&
	    WEIR_GET(WEIR_REG_STATUS_STATE, status) == WEIR_FUNCTION_STATE_READY &&
	    WEIR_GET(WEIR_REG_STATUS_LINK_UP, status)) {
		device->speed_mbps = speed_mbps;
		/* A stopped port has no link for its application. */
		if (device->state == WEIR_PORT_STARTED) {
			link.link_status = RTE_ETH_LINK_UP;
			link.link_speed = speed_mbps;
		}
	}
	if (rte_eth_linkstatus_set(device->ethdev, &link) != 0)
		return false;
	device->link_changes++;
	WEIR_PORT_LOG(device, INFO, "link %s, %u Mb/s", link.link_status ? "up" : "down",
		      link.link_speed);
	return true;
}

int weir_link_update(struct rte_eth_dev *ethdev, int wait_to_complete)
{
	struct weir_device *device = weir_device_of(ethdev);
	bool changed;

	/* There is nothing to wait for: the link is what the function says it is. */
	RTE_SET_USED(wait_to_complete);
	pthread_mutex_lock(&device->lock);
	changed = weir_link_refresh(device);
	pthread_mutex_unlock(&device->lock);
	return changed ? 0 : -1;
}

/* --- losing the function and getting it back --------------------------------------------------------- */

/* The function is not what it was: nobody uses its queues from now on. */
static void lose(struct weir_device *device, struct news *news)
{
	WEIR_PORT_LOG(device, WARNING, "the function is lost; waiting for it to come back");
	device->losses++;
	weir_gates_close(device);
	device->state = WEIR_PORT_LOST;
	device->admin.running = false;
	news->link = weir_link_refresh(device);
	news->recovering = true;
}

/* One attempt. */
static int get_back(struct weir_device *device, bool quiet)
{
	struct weir_transport *transport = device->transport;
	int error = 0;

	if (transport->ops->alive(transport)) {
		/*
		 * Reachable, and it misbehaved, or may hold our memory as nothing shows that it was reset: recovery C
		 * of specs/reset.md. A function that is in reset, or was, is only waited for (A and B).
		 */
		if (__atomic_load_n(&device->suspect, __ATOMIC_ACQUIRE) ||
		    (!device->quiet && !weir_function_was_reset(device)))
			error = weir_function_reset(device);
	} else {
		transport->ops->close(transport);
		error = transport->ops->open(transport, quiet);
		if (!error)
			error = transport->ops->vectors(
				transport, device->started && device->data->dev_conf.intr_conf.rxq
						   ? device->data->nb_rx_queues
						   : 0);
	}
	if (!error)
		error = weir_device_reattach(device, quiet);
	if (error && (device->state == WEIR_PORT_ATTACHED || device->state == WEIR_PORT_STARTED))
		device->state = WEIR_PORT_LOST;
	return error;
}

/* Whoever sleeps until a frame comes armed a queue that is no more: let them look, and arm the new one. */
static void wake_sleepers(struct weir_device *device)
{
	struct rte_intr_handle *handle = device->transport->intr_handle;
	uint64_t one = 1;

	if (!device->started || !device->data->dev_conf.intr_conf.rxq)
		return;
	for (int i = 0; i < rte_intr_nb_efd_get(handle); i++)
		if (write(rte_intr_efds_index_get(handle, i), &one, sizeof(one)) < 0 &&
		    errno != EAGAIN)
			WEIR_PORT_LOG(device, ERR, "cannot wake receive queue %d: %s", i,
				      strerror(errno));
}

/* --- the thread ----------------------------------------------------------------------------------- */

static bool transmit_is_stuck(struct weir_device *device)
{
	uint64_t limit = rte_get_timer_hz() * STUCK_MS / 1000;
	bool stuck = false;

	for (uint16_t i = 0; device->state == WEIR_PORT_STARTED && i < device->data->nb_tx_queues;
	     i++)
		stuck = weir_tx_queue_stuck(device->data->tx_queues[i], limit) || stuck;
	return stuck;
}

/* Looks after a function that is there. Returns how long it may be left alone. */
static int look_after(struct weir_device *device, struct news *news)
{
	struct weir_device_events events;

	weir_admin_take_events(device);
	events = device->events;
	memset(&device->events, 0, sizeof(device->events));
	if (__atomic_load_n(&device->suspect, __ATOMIC_ACQUIRE) || !weir_function_sound(device)) {
		lose(device, news);
		return 0;
	}
	if (events.queue_stopped && device->state == WEIR_PORT_STARTED &&
	    weir_port_restart(device)) {
		lose(device, news);
		return 0;
	}
	if (transmit_is_stuck(device)) {
		weir_device_suspect(device);
		lose(device, news);
		return 0;
	}
	if (events.reset_impending)
		WEIR_PORT_LOG(device, NOTICE, "a reset of the function is announced");
	/* What fails is logged, and looked at again with the next change. */
	if (events.policy_changed && !weir_vport_mac_sync(device))
		weir_modes_apply(device);
	if (events.link || events.policy_changed)
		news->link = weir_link_refresh(device);
	/* An announced reset is worth a closer look. */
	return events.reset_impending ? RETRY_FIRST_MS : HEALTH_PERIOD_MS;
}

static void wait_for_work(struct weir_device *device, int timeout_ms)
{
	struct pollfd waits[2] = {
		{ .fd = device->transport->attention_fd, .events = POLLIN },
		{ .fd = device->transport->hangup_fd, .events = POLLRDHUP },
	};
	uint64_t count;

	poll(waits, device->state == WEIR_PORT_LOST ? 1 : 2, timeout_ms);
	/* Not blocking; empty is fine. */
	if (waits[0].revents && read(waits[0].fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		WEIR_PORT_LOG(device, ERR, "monitor: %s", strerror(errno));
}

static void *monitor(void *argument)
{
	struct weir_device *device = argument;
	int timeout_ms = HEALTH_PERIOD_MS, retry_ms = RETRY_FIRST_MS;

	for (;;) {
		struct news news = { false };

		wait_for_work(device, timeout_ms);
		if (__atomic_load_n(&device->monitor_stop, __ATOMIC_ACQUIRE))
			return NULL;
		pthread_mutex_lock(&device->lock);
		if (device->state == WEIR_PORT_LOST) {
			/* The first attempt says why it fails. */
			if (get_back(device, retry_ms != RETRY_FIRST_MS) == 0) {
				device->recoveries++;
				news.link = weir_link_refresh(device);
				news.recovered = true;
				wake_sleepers(device);
				WEIR_PORT_LOG(device, NOTICE, "the function is back");
				timeout_ms = HEALTH_PERIOD_MS;
				retry_ms = RETRY_FIRST_MS;
			} else {
				timeout_ms = retry_ms;
				retry_ms = RTE_MIN(retry_ms * 2, RETRY_LAST_MS);
			}
		} else {
			timeout_ms = look_after(device, &news);
		}
		pthread_mutex_unlock(&device->lock);
		tell(device, &news);
	}
}

int weir_monitor_start(struct weir_device *device)
{
	char name[16];
	int error;

	snprintf(name, sizeof(name), "weir-mon-%u", device->data->port_id);
	device->monitor_stop = false;
	error = weir_compat_thread_create(&device->monitor, name, monitor, device);
	device->monitor_runs = !error;
	return error;
}

void weir_monitor_stop(struct weir_device *device)
{
	if (!device->monitor_runs)
		return;
	__atomic_store_n(&device->monitor_stop, true, __ATOMIC_RELEASE);
	weir_monitor_wake(device);
	pthread_join(device->monitor, NULL);
	device->monitor_runs = false;
}
