/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ATS (PCIe 5.0, 10.3; specs/pcie.md). All requests of this firmware go out untranslated and nothing is cached, so an
 * invalidation is over as soon as what was in flight when it came has ended: the translation agent may have translated that
 * already. Work that begins later does not hold it up.
 */
#include "core/core.h"

bool weir_ats_has_room(const struct weir_firmware *firmware)
{
	return firmware->ats.count < WEIR_INVALIDATIONS;
}

void weir_ats_control(struct weir_firmware *firmware, struct weir_function *function, bool on)
{
	if (function->ats_enabled == on)
		return;
	function->ats_enabled = on;
	weir_log(firmware, WEIR_LOG_LEVEL_DEBUG, function->index, "ATS %s", on ? "on" : "off");
}

/* Has everything of the function ended that began before the epoch? */
static bool is_over(struct weir_firmware *firmware, uint16_t index, uint32_t epoch)
{
	const struct weir_function *function = &firmware->functions[index];

	if (function->admin.waiting && (int32_t)(function->admin.epoch - epoch) < 0)
		return false;
	return weir_datapath_epoch_over(firmware, function, epoch);
}

void weir_ats_invalidate(struct weir_firmware *firmware, uint16_t function, uint64_t tag)
{
	struct weir_ats_state *ats = &firmware->ats;
	uint32_t epoch = weir_datapath_epoch_begin(firmware);

	if (is_over(firmware, function, epoch)) {
		hal_ats_invalidate_done(firmware->hal, function, tag);
		return;
	}
	/* weir_ats_has_room() was asked before the event was taken. */
	ats->waiting[ats->count++] =
		(struct weir_invalidation){ .tag = tag, .epoch = epoch, .function = function };
}

uint32_t weir_ats_poll(struct weir_firmware *firmware)
{
	struct weir_ats_state *ats = &firmware->ats;
	uint32_t kept = 0, done = 0;

	for (uint32_t i = 0; i < ats->count; i++) {
		struct weir_invalidation waiting = ats->waiting[i];

		if (is_over(firmware, waiting.function, waiting.epoch)) {
			hal_ats_invalidate_done(firmware->hal, waiting.function, waiting.tag);
			done++;
		} else {
			ats->waiting[kept++] = waiting;
		}
	}
	ats->count = kept;
	return done;
}
