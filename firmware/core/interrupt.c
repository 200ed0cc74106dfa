/* SPDX-License-Identifier: BSD-3-Clause */
/* Raising vectors. Masks and pending bits are hardware; here a vector waits only while the board has no room. */
#include "core.h"

_Static_assert(WEIR_MSIX_PF_VECTORS <= 128 && WEIR_MSIX_VF_VECTORS <= 128,
	       "interrupts_owed has a bit for each vector");

/* True: it is the hardware's, or there is nobody to tell (a reset). */
static bool raise(struct weir_firmware *firmware, const struct weir_function *function,
		  uint16_t vector)
{
	enum hal_result result = hal_interrupt_raise(firmware->hal, function->index, vector);

	if (result == HAL_BUSY)
		firmware->interrupts_owed = true;
	return result != HAL_BUSY;
}

void weir_interrupt(struct weir_firmware *firmware, struct weir_function *function, uint16_t vector)
{
	if (vector >= function->vectors)
		return;
	function->stats[WEIR_STAT_FUNCTION_INTERRUPTS]++;
	if (WEIR_UNLIKELY(!raise(firmware, function, vector)) &&
	    function->state == WEIR_FUNCTION_STATE_READY)
		function->interrupts_owed[vector / 64] |= 1ull << (vector % 64);
}

static uint32_t retry(struct weir_firmware *firmware, struct weir_function *function)
{
	uint32_t done = 0;

	for (uint32_t word = 0; word < WEIR_ARRAY_SIZE(function->interrupts_owed); word++) {
		for (uint64_t owed = function->interrupts_owed[word]; owed; owed &= owed - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(owed);

			if (!raise(firmware, function, (uint16_t)(word * 64 + bit)))
				return done;
			function->interrupts_owed[word] &= ~(1ull << bit);
			done++;
		}
	}
	return done;
}

uint32_t weir_interrupts_poll(struct weir_firmware *firmware)
{
	uint32_t done = 0;

	firmware->interrupts_owed = false;
	for (uint32_t i = 0; i < firmware->function_count; i++)
		done += retry(firmware, &firmware->functions[i]);
	return done;
}
