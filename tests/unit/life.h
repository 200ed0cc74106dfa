/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of functions' lives share. */
#ifndef WEIR_TEST_LIFE_H
#define WEIR_TEST_LIFE_H

#include "suites.h"

#define VFS 3

/* Entries of the sorter that are a function's. */
uint32_t sorter_entries(struct card *card, uint16_t function);
/* The function is READY, and everything of it is as after power-on, save what the administrator decided. */
void expect_new(struct card *card, uint16_t function);

#endif
