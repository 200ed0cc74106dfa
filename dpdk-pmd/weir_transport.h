/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the driver reaches its function: a vfio-user socket (weir_transport_vfio_user.c) or a PCI bus
 * (weir_transport_pci.c). Everything above this table is the same code for both.
 */
#ifndef WEIR_TRANSPORT_H
#define WEIR_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_interrupts.h>
#include <rte_io.h>

#include "weir/weir_abi.h"

struct weir_transport;
struct rte_vdev_device;
struct rte_pci_device;

/** What a transport does. All return 0 or a negative errno unless said otherwise. */
struct weir_transport_ops {
	/** For log lines: "vfio-user socket", "PCI". */
	const char *kind;

	/**
	 * Reaches the function: after it registers can be read and DPDK's memory can be used by the
	 * device. Logs why it fails; `quiet` leaves out what a repeated attempt would say again.
	 */
	int (*open)(struct weir_transport *transport, bool quiet);

	/** Gives the function up; afterwards nothing but open, quiet and destroy may be called. */
	void (*close)(struct weir_transport *transport);

	/** Frees the transport, closed before if it was open. */
	void (*destroy)(struct weir_transport *transport);

	/** Whether the way to the function still stands. Cheap; from any thread. */
	bool (*alive)(struct weir_transport *transport);

	/** Waits until no DMA of a closed transport can be under way; false if that cannot be known. */
	bool (*quiet)(struct weir_transport *transport);

	/** A 32-bit register of BAR0. -ENOTCONN when the function cannot be reached. */
	int (*read)(struct weir_transport *transport, uint32_t offset, uint32_t *value);
	int (*write)(struct weir_transport *transport, uint32_t offset, uint32_t value);

	/**
	 * A doorbell of BAR2 where `doorbells` is NULL. From any thread. It does not wait for the device to see it,
	 * unless `seen` is set.
	 */
	void (*ring)(struct weir_transport *transport, uint32_t offset, uint32_t value, bool seen);

	/**
	 * Connects MSI-X vector 0 to attention_fd and vectors 1 to rx_queues to the event descriptors
	 * of intr_handle that rte_eth_dev_rx_intr_ctl() hands out; takes away what was there. What
	 * an earlier call connected stays usable by applications when open() is called again.
	 */
	int (*vectors)(struct weir_transport *transport, uint16_t rx_queues);

	/** Lets the function decode memory and use the bus; a reset may have taken that away. */
	int (*enable)(struct weir_transport *transport);

	/** Resets the function by the means of the bus (FLR). */
	int (*reset)(struct weir_transport *transport);

	/**
	 * Whether the device can reach [address, address + bytes) of this process: 0, or -ENOTSUP with a
	 * log line that says why not.
	 */
	int (*check_memory)(struct weir_transport *transport, void *address, size_t bytes);
};

/** What every transport begins with. */
struct weir_transport {
	const struct weir_transport_ops *ops;
	const char *name; /* of the port, for log lines */

	/* BAR2 where a store reaches it, else NULL. Changes only in open() and close(). */
	volatile uint8_t *doorbells;
	size_t doorbell_bytes;

	size_t register_bytes; /* size of BAR0 */

	/* Becomes readable when the function wants attention (vector 0); also written to wake the monitor. */
	int attention_fd;
	/* Ends (POLLHUP) when the other side goes away; -1: there is no such thing. */
	int hangup_fd;

	struct rte_intr_handle *intr_handle; /* for rte_eth_dev_rx_intr_ctl() */
};

/**
 * A transport over a vfio-user socket; nothing is connected yet.
 *
 * @param name         of the port; valid as long as the transport
 * @param socket_path  copied
 * @return the transport, or NULL with rte_errno set
 */
struct weir_transport *weir_transport_vfio_user(const char *name, const char *socket_path);

/** A transport over a probed PCI device whose BARs are mapped; NULL with rte_errno set. */
struct weir_transport *weir_transport_pci(const char *name, struct rte_pci_device *pci_device);

/** Rings a doorbell of BAR2; offset from weir_doorbell_offset(). */
static inline void weir_doorbell_ring(struct weir_transport *transport, uint32_t offset,
				      uint16_t value)
{
	if (transport->doorbells)
		rte_write32(weir_cpu_to_le32((uint32_t)value), transport->doorbells + offset);
	else
		transport->ops->ring(transport, offset, value, false);
}

/**
 * Rings an arm doorbell. Its value has to reach the device before the queue can go round once: a message has to be
 * seen, a store is fast enough.
 */
static inline void weir_doorbell_arm(struct weir_transport *transport, uint32_t offset,
				     uint16_t value)
{
	if (transport->doorbells)
		rte_write32(weir_cpu_to_le32((uint32_t)value), transport->doorbells + offset);
	else
		transport->ops->ring(transport, offset, value, true);
}

#endif
