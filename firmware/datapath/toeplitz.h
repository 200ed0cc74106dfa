/* SPDX-License-Identifier: BSD-3-Clause */
/* Toeplitz hashes for boards that leave them to the firmware. */
#ifndef WEIR_TOEPLITZ_H
#define WEIR_TOEPLITZ_H

#include "hal.h"

/* What hal_toeplitz() does, without it. Keeps nothing from call to call. */
void weir_toeplitz(const uint8_t key[HAL_HASH_KEY_BYTES], const struct hal_tuple *tuples,
		   uint32_t bytes, uint32_t count, uint32_t *hashes);

#endif
