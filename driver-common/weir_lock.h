/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lock under which a function's queues and settings change. It is RTNL; on kernels where interfaces with queue management
 * operations have a lock of their own it is both, RTNL first, as some of what the stack calls there (ethtool's, those operations, queue
 * statistics) holds the interface's lock alone. Whoever holds both may change anything; whoever holds one of them sees weir->data and
 * weir->config stand still.
 */
#ifndef WEIR_LOCK_H
#define WEIR_LOCK_H

#include <linux/rtnetlink.h>

#include "weir_hw.h"

#if WEIR_HAVE_QUEUE_MANAGEMENT
#include <net/netdev_lock.h>

static inline void weir_lock(struct weir_device *weir)
{
	rtnl_lock();
	netdev_lock(weir->netdev);
}

static inline bool weir_trylock(struct weir_device *weir)
{
	if (!rtnl_trylock())
		return false;
	if (netdev_trylock(weir->netdev))
		return true;
	rtnl_unlock();
	return false;
}

static inline void weir_unlock(struct weir_device *weir)
{
	netdev_unlock(weir->netdev);
	rtnl_unlock();
}

/* What the core offers to those who hold an interface's lock goes by other names. */
#define weir_napi_add netif_napi_add_locked
#define weir_napi_del netif_napi_del_locked
#define weir_napi_enable napi_enable_locked
#define weir_napi_disable napi_disable_locked
#define weir_napi_set_irq netif_napi_set_irq_locked

#else

static inline void weir_lock(struct weir_device *weir)
{
	rtnl_lock();
}

static inline bool weir_trylock(struct weir_device *weir)
{
	return rtnl_trylock();
}

static inline void weir_unlock(struct weir_device *weir)
{
	rtnl_unlock();
}

#define weir_napi_add netif_napi_add
#define weir_napi_del netif_napi_del
#define weir_napi_enable napi_enable
#define weir_napi_disable napi_disable
#define weir_napi_set_irq netif_napi_set_irq

#endif

#endif
