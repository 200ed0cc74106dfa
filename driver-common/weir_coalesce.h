/* SPDX-License-Identifier: GPL-2.0-only */
/* What receiving needs of weir_coalesce.c. */
#ifndef WEIR_COALESCE_H
#define WEIR_COALESCE_H

#include "weir_hw.h"

bool weir_coalesce_add(struct weir_pair *pair, struct page *page, unsigned int bytes, u16 segment);
unsigned int weir_coalesce_describe(struct sk_buff *skb, u32 flags, u16 segment,
				    unsigned int *bytes);

#endif
