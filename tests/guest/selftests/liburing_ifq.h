/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel's iou-zcrx.c wants of a liburing that Debian 13's is too old for; included ahead of it, behind the kernel's own
 * linux/io_uring.h.
 */
#ifndef WEIR_LIBURING_IFQ_H
#define WEIR_LIBURING_IFQ_H

#include <errno.h>
#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The ring by which buffers are given back, as a program sees it. */
struct io_uring_zcrx_rq {
	__u32 *khead;
	__u32 *ktail;
	__u32 rq_tail;
	unsigned int ring_entries;
	struct io_uring_zcrx_rqe *rqes;
};

/* Gives a receive queue memory. Returns 0 or a negative errno. */
static inline int io_uring_register_ifq(struct io_uring *ring, struct io_uring_zcrx_ifq_reg *request)
{
	long result = syscall(__NR_io_uring_register, ring->ring_fd, IORING_REGISTER_ZCRX_IFQ,
			      request, 1);

	return result < 0 ? -errno : (int)result;
}

#endif
