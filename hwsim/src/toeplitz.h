/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Toeplitz hashing as the model's hardware does it: by carry-less multiplication, which is the hash but for the order of its bits. The
 * best kernel that the CPU has is chosen at run time; where it has none the firmware does the work.
 */
#ifndef SIM_TOEPLITZ_H
#define SIM_TOEPLITZ_H

#include "hal.h"

struct sim_toeplitz_kernel {
	const char *name;
	/* Can this CPU run it? */
	bool (*usable)(void);
	/* As hal_toeplitz(). */
	void (*hash)(const uint8_t *key, const struct hal_tuple *tuples, uint32_t bytes,
		     uint32_t count, uint32_t *hashes);
};

/* All kernels there are, the best one first; ends with one without a name. */
extern const struct sim_toeplitz_kernel sim_toeplitz_kernels[];

#endif
