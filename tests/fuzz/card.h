/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fuzzers of the device share: a card made anew for every input, with the bench's host (tests/device/host.h) around it, and the
 * reader of inputs. The PF and VF 2 are well-behaved, VF 1 is whose driver the input is. Whatever it does, VF 2 must work in the end.
 */
#ifndef WEIR_FUZZ_CARD_H
#define WEIR_FUZZ_CARD_H

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

/* Stops with a report: the fuzzer keeps the input. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inputs are read from the front; what is no longer there is zero. */
struct input {
	const uint8_t *data;
	size_t left;
};

uint64_t take(struct input *input, uint32_t bytes);
/* Up to `bytes` bytes; returns how many. */
uint32_t take_bytes(struct input *input, void *to, uint32_t bytes);

#define FUZZ_BAD       1 /* VF 1 */
#define FUZZ_NEIGHBOUR 2 /* VF 2 */

/*
 * A card with two VFs; PF and VF 2 are up. VF 1 is READY, with an admin queue when `admin` says so. The input's first byte is the seed of
 * the deferred home.
 */
struct host *fuzz_card(struct input *input, bool admin);
/* A counter of a function's vport or of itself, or of the port; the card's owner reads it, so that nobody's queues are needed. */
uint64_t fuzz_counter(struct host *host, uint16_t function, enum weir_stats_scope scope,
		      uint32_t counter);
/*
 * VF 2 has noticed nothing: no fault, stop or bad doorbell is counted against it, and of its memory nothing was written but what it gave
 * to the device. The PF the same, but that it may have sent bad commands.
 */
void fuzz_undisturbed(struct host *host);
/* fuzz_undisturbed(); then whatever the PF was made to decide is taken back, and VF 2 takes a frame from the wire and sends one to it.
 * Ends the card. */
void fuzz_end(struct host *host);

#endif
