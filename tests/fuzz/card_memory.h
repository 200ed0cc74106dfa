/* SPDX-License-Identifier: BSD-3-Clause */
/* Included before every source of the card: its large pieces of memory are kept from input to input (card.c). */
#ifndef WEIR_FUZZ_CARD_MEMORY_H
#define WEIR_FUZZ_CARD_MEMORY_H

#include <stddef.h>
#include <stdlib.h>

void *card_aligned_alloc(size_t alignment, size_t bytes);
void card_free(void *memory);

#define aligned_alloc card_aligned_alloc
#define free	      card_free

#endif
