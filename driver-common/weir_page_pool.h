/* SPDX-License-Identifier: GPL-2.0-only */
/* The page pool's header, wherever this kernel keeps it. */
#ifndef WEIR_PAGE_POOL_H
#define WEIR_PAGE_POOL_H

#include "weir_compat.h"

#if WEIR_HAVE_PAGE_POOL_HELPERS
#include <net/page_pool/helpers.h>
#else
#include <net/page_pool.h>
#endif

#endif
