/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vfio-user client: the side that drives a PCI function behind a unix socket. Needs libc and
 * jansson, nothing else.
 *
 *	struct vfu_client *client;
 *	int error = vfu_client_connect("/run/nic/vf3.sock", NULL, &client);
 *
 *	if (error == 0)
 *		error = vfu_client_dma_map(client, iova, length_bytes, VFU_DMA_MAP_READ |
 *					   VFU_DMA_MAP_WRITE, memory_fd, 0);
 *	if (error == 0)
 *		error = vfu_client_irq_eventfds(client, VFU_IRQ_MSIX, 0, 2, eventfds);
 *	if (error == 0)
 *		error = vfu_client_region_read(client, VFU_REGION_CONFIG, 0, &vendor, 2);
 *
 * Every call is one exchange and returns when the server has answered: 0, or a negative errno.
 * Beyond those of the server and the ones named below, all calls can answer
 *
 *	-ENOTCONN   the server is gone, or hung up, now or earlier
 *	-ETIMEDOUT  it has not answered in time
 *	-EPROTO     it has answered what is no answer
 *	-ENOMEM
 *
 * The first three close the connection, since what the server has done is not known any more; from
 * then on calls answer -ENOTCONN until vfu_client_reconnect(). A server that notices the hangup
 * forgets all maps and interrupts of its client: after reconnecting they are made anew.
 *
 * Memory that is mapped may be used by the device until vfu_client_dma_unmap() has returned 0, or,
 * after the connection was lost, until the server is known to have let go of it: a server of this
 * library takes nobody in before that.
 *
 * Threads: any number may use one client; a lock lets one exchange through at a time. The exceptions
 * are vfu_client_destroy() and vfu_client_reconnect(), during which nothing else may be called. No
 * signal is raised when a server dies.
 */
#ifndef VFIO_USER_CLIENT_H
#define VFIO_USER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio_user/protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfu_client;

/** How a client behaves. All zero is fine. */
struct vfu_client_config {
	uint32_t timeout_ms; /* for the server's answer; 0: 10,000 */
};

/** What the server has said in its VERSION message, or the protocol's defaults. */
struct vfu_client_limits {
	uint32_t max_message_fds;
	uint32_t max_data_transfer_bytes;
	uint32_t max_dma_maps;
	uint64_t page_sizes;
	bool write_multiple; /* it knows REGION_WRITE_MULTI */
};

/** A region, as vfu_client_region_info() gives it. */
struct vfu_client_region {
	uint32_t index;
	uint32_t flags; /* VFU_REGION_READ, …_WRITE, …_MMAP */
	uint64_t size_bytes;
	int fd;			       /* to map, or -1; closed by vfu_client_region_release() */
	uint64_t offset_bytes;	       /* of the region in fd */
	uint32_t area_count;	       /* parts that can be mapped; 0 without fd */
	struct vfu_sparse_area *areas; /* inside the region; freed by vfu_client_region_release() */
};

/** One write of vfu_client_region_write_multi(). */
struct vfu_client_write {
	uint32_t region;
	uint64_t offset_bytes;
	uint32_t count_bytes; /* 1 to VFU_MULTI_WRITE_BYTES */
	uint64_t value;	      /* its first count_bytes in memory are written */
};

/** A write is not answered: errors stay unknown, later answered calls come after it. */
#define VFU_CLIENT_POSTED 0x1u

/**
 * Connects to a server and agrees on a version.
 *
 * @param config       NULL: all defaults
 * @param[out] client  the new client; give it to vfu_client_destroy()
 * @return 0; -EBUSY if another client is served; -ENOENT or -ECONNREFUSED if no server is there;
 *         -ENAMETOOLONG; or as above
 */
int vfu_client_connect(const char *socket_path, const struct vfu_client_config *config,
		       struct vfu_client **client);

/** As vfu_client_connect(), on a socket that is connected already: it is closed if this fails. */
int vfu_client_adopt(int socket_fd, const struct vfu_client_config *config,
		     struct vfu_client **client);

/** Hangs up and frees the client. NULL is ignored. */
void vfu_client_destroy(struct vfu_client *client);

/**
 * Hangs up if need be and connects again to the same path.
 *
 * @return as vfu_client_connect(); -EOPNOTSUPP if the client came by vfu_client_adopt()
 */
int vfu_client_reconnect(struct vfu_client *client);

/** Whether the server is there, found out without an exchange: 0 or -ENOTCONN. */
int vfu_client_check(struct vfu_client *client);

/** A descriptor that polls POLLHUP when the server is gone; -1 when that is known. Do not read it. */
int vfu_client_fd(struct vfu_client *client);

/** What the server can take. */
struct vfu_client_limits vfu_client_get_limits(struct vfu_client *client);

/** Asks for VFU_DEVICE_… flags and the numbers of regions and of kinds of interrupt. */
int vfu_client_device_info(struct vfu_client *client, uint32_t *flags, uint32_t *region_count,
			   uint32_t *irq_count);

/** Asks what a region is. On success give *region to vfu_client_region_release(). */
int vfu_client_region_info(struct vfu_client *client, uint32_t index,
			   struct vfu_client_region *region);

/** Closes and frees what vfu_client_region_info() gave. */
void vfu_client_region_release(struct vfu_client_region *region);

/**
 * Maps one of the areas of a region, for reading and writing as the region allows. Not an exchange.
 *
 * @param[out] address  of the area; munmap() it with its size_bytes
 * @return 0; -ENXIO if there is no such area; or what mmap() said
 */
int vfu_client_region_map(const struct vfu_client_region *region, uint32_t area, void **address);

/** Asks how many vectors a kind of interrupt has, and its VFU_IRQ_INFO_… flags. */
int vfu_client_irq_info(struct vfu_client *client, uint32_t index, uint32_t *flags, uint32_t *count);

/** Reads; more than the server transfers at once is asked for in pieces. */
int vfu_client_region_read(struct vfu_client *client, uint32_t region, uint64_t offset_bytes,
			   void *buffer, size_t length_bytes);

/** Writes, likewise. flags: 0 or VFU_CLIENT_POSTED. */
int vfu_client_region_write(struct vfu_client *client, uint32_t region, uint64_t offset_bytes,
			    const void *buffer, size_t length_bytes, uint32_t flags);

/**
 * Several small writes, in order, in one exchange, or one each for a server without
 * write_multiple.
 *
 * @param count  1 to 200
 * @return 0; -EINVAL for a count out of range; or as above
 */
int vfu_client_region_write_multi(struct vfu_client *client, const struct vfu_client_write *writes,
				  uint32_t count, uint32_t flags);

/**
 * Gives the device memory.
 *
 * @param flags  VFU_DMA_MAP_READ and/or VFU_DMA_MAP_WRITE, as the device sees it
 * @param fd     that backs it, from offset_bytes on; stays the caller's; -1: none, and then a
 *               server can reach it only by messages that this client refuses
 */
int vfu_client_dma_map(struct vfu_client *client, uint64_t iova, uint64_t length_bytes,
		       uint32_t flags, int fd, uint64_t offset_bytes);

/** Takes back one map, exactly as it was made. When this returns 0 the device has let go of it. */
int vfu_client_dma_unmap(struct vfu_client *client, uint64_t iova, uint64_t length_bytes);

/** Takes back all maps, likewise. */
int vfu_client_dma_unmap_all(struct vfu_client *client);

/**
 * Has vectors [start, start + count) of kind `index` signalled by eventfds, which stay the
 * caller's; -1 takes one away. In as many exchanges as it takes: an error may leave a part done.
 */
int vfu_client_irq_eventfds(struct vfu_client *client, uint32_t index, uint32_t start,
			    uint32_t count, const int *eventfds);

/** Takes away all eventfds of a kind. */
int vfu_client_irq_disable(struct vfu_client *client, uint32_t index);

/**
 * Triggers, masks or unmasks vectors [start, start + count).
 *
 * @param action  one of VFU_IRQ_SET_ACTION_…
 */
int vfu_client_irq_action(struct vfu_client *client, uint32_t index, uint32_t start, uint32_t count,
			  uint32_t action);

/** Resets the function. */
int vfu_client_device_reset(struct vfu_client *client);

#ifdef __cplusplus
}
#endif

#endif
