/* SPDX-License-Identifier: GPL-2.0-only */
/* What making receive rings needs of weir_queue.c. */
#ifndef WEIR_QUEUE_H
#define WEIR_QUEUE_H

#include "weir_hw.h"

struct page_pool_params;

void weir_queue_attach(struct net_device *netdev);
void weir_queue_buffers(const struct weir_device *weir, struct weir_rx_ring *rx, u16 index);
void weir_queue_pool_params(struct page_pool_params *params, u16 index);

#endif
