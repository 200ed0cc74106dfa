/* SPDX-License-Identifier: BSD-3-Clause */
/* The card's clock, as tests read and set it. */
#ifndef WEIR_TEST_TIMES_H
#define WEIR_TEST_TIMES_H

#include "host.h"

/* TIME_HIGH and TIME_LOW. */
uint64_t test_clock(struct host_function *function);
/* TIME_SET with one attribute; the status. */
int test_clock_set(struct host_function *function, enum weir_attribute_id attribute, uint64_t value);

#endif
