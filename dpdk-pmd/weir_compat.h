/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What differs between the DPDK releases this driver builds with (22.11 to 24.11). Found out by probes in
 * room.mk, which look for the feature in the headers (WEIR_HAVE_…), not by version numbers.
 */
#ifndef WEIR_COMPAT_H
#define WEIR_COMPAT_H

#include <pthread.h>
#include <stdint.h>

#include <rte_lcore.h>
#ifdef WEIR_HAVE_THREAD_CREATE_CONTROL
#include <rte_thread.h>
#endif
#include <ethdev_driver.h>

/** Starts a thread that stays off the cores that poll. Joined with pthread_join(). 0 or a negative errno. */
int weir_compat_thread_create(pthread_t *thread, const char *name, void *(*run)(void *),
			      void *argument);

/* The list of packet types got its length beside it in 24.07, and a terminating entry before that. */
#ifdef WEIR_HAVE_PTYPES_COUNT
#define WEIR_PTYPES_PARAMETERS struct rte_eth_dev *ethdev, size_t *count
#define WEIR_PTYPES_RETURN(list, number) \
	do {                             \
		(void)ethdev;            \
		*count = (number);       \
		return (list);           \
	} while (0)
#else
#define WEIR_PTYPES_PARAMETERS struct rte_eth_dev *ethdev
#define WEIR_PTYPES_RETURN(list, number) \
	do {                             \
		(void)ethdev;            \
		return (list);           \
	} while (0)
#endif

#endif
