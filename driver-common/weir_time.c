// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's clock as a PTP hardware clock, and the settings of hardware timestamps (specs/time.md).
 *
 * All functions of a card share one clock. The PF's may be set; a VF's can be read only, since it
 * is everybody's. Frames themselves are stamped in weir_tx.c and weir_rx.c.
 */
#include <linux/ethtool.h>
#include <linux/module.h>
#include <linux/net_tstamp.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "weir_hw.h"

/* The upper half of the time changes every four seconds: not twice in a row. */
#define WEIR_TIME_TRIES 3
#define WEIR_TIME_NONE BIT(31) /* of TIME_HIGH: no clock says so */
/*
 * What a clock says that nobody has set since the card has power: less than the first 30 years
 * after 1970.
 */
#define WEIR_TIME_UNSET_NS 1000000000000000000ull
/* TIME_MAX_RATE in parts per billion, as the core knows limits. */
#define WEIR_TIME_MAX_PPB ((s32)(WEIR_TIME_MAX_RATE * 1000 >> 16))

static struct weir_device *weir_of_clock(struct ptp_clock_info *info)
{
	return container_of(info, struct weir_device, clock_info);
}

/* specs/time.md, "Reading" */
static int weir_time_read(const struct weir_device *weir, u64 *ns, struct ptp_system_timestamp *system)
{
	u32 high, low, again = weir_read(weir, WEIR_REG_TIME_HIGH);
	unsigned int tries;

	for (tries = 0; tries < WEIR_TIME_TRIES; tries++) {
		high = again;
		ptp_read_system_prets(system);
		low = weir_read(weir, WEIR_REG_TIME_LOW);
		ptp_read_system_postts(system);
		again = weir_read(weir, WEIR_REG_TIME_HIGH);
		if (again & WEIR_TIME_NONE)
			return -ENODEV;
		if (again == high) {
			*ns = (u64)high << 32 | low;
			return 0;
		}
	}
	return -EIO;
}

/* Tells the card one attribute of TIME_SET. */
static int weir_time_tell(struct weir_device *weir, u16 attribute, u64 value)
{
	struct weir_call *call;
	int err;

	if (weir->role->is_vf)
		return -EOPNOTSUPP;
	call = weir_call_begin(weir, WEIR_COMMAND_TIME_SET);
	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u64(call, attribute, value);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

/* --- the clock's operations --- */

static int weir_clock_gettimex64(struct ptp_clock_info *info, struct timespec64 *time,
				 struct ptp_system_timestamp *system)
{
	u64 ns;
	int err;

	err = weir_time_read(weir_of_clock(info), &ns, system);
	if (!err)
		*time = ns_to_timespec64(ns);
	return err;
}

static int weir_clock_settime64(struct ptp_clock_info *info, const struct timespec64 *time)
{
	return weir_time_tell(weir_of_clock(info), WEIR_ATTRIBUTE_TIME, timespec64_to_ns(time));
}

static int weir_clock_adjtime(struct ptp_clock_info *info, s64 delta_ns)
{
	return weir_time_tell(weir_of_clock(info), WEIR_ATTRIBUTE_TIME_OFFSET, delta_ns);
}

static int weir_clock_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	return weir_time_tell(weir_of_clock(info), WEIR_ATTRIBUTE_TIME_RATE, (s64)scaled_ppm);
}

/* No pins, no pulses. */
static int weir_clock_enable(struct ptp_clock_info *info, struct ptp_clock_request *request, int on)
{
	return -EOPNOTSUPP;
}

static bool weir_has_time(const struct weir_device *weir)
{
	return weir->features & WEIR_REG_FEATURES_TIME_MASK && weir->time_block;
}

/**
 * weir_time_start() - give a clock that nobody has set the system's time
 * @weir: the function, its admin queue running
 *
 * A clock that was set goes on: other functions, perhaps in other machines, live by it.
 */
void weir_time_start(struct weir_device *weir)
{
	u64 ns;

	if (weir->role->is_vf || !weir_has_time(weir) || weir_time_read(weir, &ns, NULL) ||
	    ns >= WEIR_TIME_UNSET_NS)
		return;
	weir_time_tell(weir, WEIR_ATTRIBUTE_TIME, ktime_get_real_ns());
}

/**
 * weir_time_register() - make the card's clock a PTP hardware clock of the system
 * @weir: the function, its admin queue running
 *
 * Without one (no memory, or a kernel that has none) the function does all else.
 */
void weir_time_register(struct weir_device *weir)
{
	struct ptp_clock_info *info = &weir->clock_info;
	struct ptp_clock *clock;

	if (!weir_has_time(weir))
		return;
	weir_time_start(weir);
	*info = (struct ptp_clock_info) {
		.owner = THIS_MODULE,
		.max_adj = weir->role->is_vf ? 0 : WEIR_TIME_MAX_PPB,
		.adjfine = weir_clock_adjfine,
		.adjtime = weir_clock_adjtime,
		.gettimex64 = weir_clock_gettimex64,
		.settime64 = weir_clock_settime64,
		.enable = weir_clock_enable,
	};
	strscpy(info->name, weir->role->driver_name, sizeof(info->name));
	clock = ptp_clock_register(info, weir->dev);
	if (IS_ERR(clock))
		dev_warn(weir->dev, "no PTP clock: error %ld\n", PTR_ERR(clock));
	else
		weir->clock = clock;
}

/**
 * weir_time_unregister() - undo weir_time_register(); its users find it gone
 * @weir: the function
 */
void weir_time_unregister(struct weir_device *weir)
{
	if (weir->clock)
		ptp_clock_unregister(weir->clock);
	weir->clock = NULL;
}

/* --- timestamps of frames --- */

/**
 * weir_get_ts_info() - ethtool -T
 * @netdev: the interface
 * @info: filled
 *
 * Return: 0
 */
int weir_get_ts_info(struct net_device *netdev, struct kernel_ethtool_ts_info *info)
{
	const struct weir_device *weir = weir_of(netdev);

	info->so_timestamping = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
				SOF_TIMESTAMPING_SOFTWARE;
	info->phc_index = weir->clock ? ptp_clock_index(weir->clock) : -1;
	if (!weir_has_time(weir))
		return 0;
	info->so_timestamping |= SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE |
				 SOF_TIMESTAMPING_RAW_HARDWARE;
	info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
	info->rx_filters = BIT(HWTSTAMP_FILTER_NONE) | BIT(HWTSTAMP_FILTER_ALL);
	return 0;
}

/* What is stamped now, as the user is told. */
static void weir_times_get(const struct weir_device *weir, int *tx_type, int *rx_filter)
{
	*tx_type = weir->tx_times ? HWTSTAMP_TX_ON : HWTSTAMP_TX_OFF;
	*rx_filter = weir->config.rx_times ? HWTSTAMP_FILTER_ALL : HWTSTAMP_FILTER_NONE;
}

/*
 * All received frames are stamped, or none. That is a matter of the completions' format, so queues
 * are made anew when it changes. Sent ones are stamped when their sockets ask for it.
 */
static int weir_times_set(struct weir_device *weir, int tx_type, int rx_filter)
{
	struct weir_config config = weir->config;
	int err = 0;

	if (!weir_has_time(weir))
		return -EOPNOTSUPP;
	if (tx_type != HWTSTAMP_TX_OFF && tx_type != HWTSTAMP_TX_ON)
		return -ERANGE;
	config.rx_times = rx_filter != HWTSTAMP_FILTER_NONE;
	if (config.rx_times != weir->config.rx_times)
		err = weir_reconfigure(weir, &config);
	if (!err)
		WRITE_ONCE(weir->tx_times, tx_type == HWTSTAMP_TX_ON);
	return err;
}

#if WEIR_HAVE_NDO_HWTSTAMP
/**
 * weir_hwtstamp_get() - ndo_hwtstamp_get
 * @netdev: the interface
 * @config: filled
 *
 * Return: 0
 */
int weir_hwtstamp_get(struct net_device *netdev, struct kernel_hwtstamp_config *config)
{
	config->flags = 0;
	weir_times_get(weir_of(netdev), &config->tx_type, &config->rx_filter);
	return 0;
}

/**
 * weir_hwtstamp_set() - ndo_hwtstamp_set
 * @netdev: the interface
 * @config: what is wanted; then what it is
 * @extack: says why not
 *
 * Return: 0 or a negative errno, everything then is as before.
 */
int weir_hwtstamp_set(struct net_device *netdev, struct kernel_hwtstamp_config *config,
		      struct netlink_ext_ack *extack)
{
	struct weir_device *weir = weir_of(netdev);
	int err = weir_times_set(weir, config->tx_type, config->rx_filter);

	if (err == -ERANGE)
		NL_SET_ERR_MSG_MOD(extack, "sent frames: timestamps are off or on, nothing else");
	if (!err)
		weir_times_get(weir, &config->tx_type, &config->rx_filter);
	return err;
}
#else
/**
 * weir_eth_ioctl() - ndo_eth_ioctl: SIOCGHWTSTAMP and SIOCSHWTSTAMP, of kernels that have no call
 * for them
 * @netdev: the interface
 * @request: of the user, struct hwtstamp_config behind it
 * @command: which
 *
 * Return: 0 or a negative errno, everything then is as before.
 */
int weir_eth_ioctl(struct net_device *netdev, struct ifreq *request, int command)
{
	struct weir_device *weir = weir_of(netdev);
	struct hwtstamp_config config = {};
	int err;

	if (command != SIOCSHWTSTAMP && command != SIOCGHWTSTAMP)
		return -EOPNOTSUPP;
	if (command == SIOCSHWTSTAMP) {
		if (copy_from_user(&config, request->ifr_data, sizeof(config)))
			return -EFAULT;
		err = weir_times_set(weir, config.tx_type, config.rx_filter);
		if (err)
			return err;
	}
	weir_times_get(weir, &config.tx_type, &config.rx_filter);
	return copy_to_user(request->ifr_data, &config, sizeof(config)) ? -EFAULT : 0;
}
#endif
