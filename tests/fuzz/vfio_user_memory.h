/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Put before every source file of the vfio_user fuzz target (-include): memory comes from functions of
 * vfio_user_fuzz.c, which can run out of it.
 */
#ifndef VFIO_USER_MEMORY_H
#define VFIO_USER_MEMORY_H

#include <stdlib.h>

void *scarce_calloc(size_t count, size_t size);
void *scarce_realloc(void *memory, size_t size);

#define calloc	scarce_calloc
#define realloc scarce_realloc

#endif
