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

/* A card with two VFs; PF and VF 2 are up. VF 1 is READY, with an admin queue when `admin` says so. */
struct host *fuzz_card(bool admin);
/* Whatever the PF was made to decide is taken back; then VF 2 takes a frame from the wire and sends one to it. Ends the card. */
void fuzz_end(struct host *host);

/* The same program without libFuzzer runs the inputs given on its command line (files and folders of files). */

#endif
