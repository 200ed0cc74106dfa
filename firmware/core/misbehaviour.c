/* SPDX-License-Identifier: BSD-3-Clause */
/* What a function must not do, logged and told to the PF (specs/admin-queue.md, MISBEHAVIOUR). */
#include "core.h"

static const char *name_of(enum weir_misbehaviour kind)
{
	for (const struct weir_name *name = weir_misbehaviour_names; name->value >= 0; name++) {
		if (name->value == (int)kind)
			return name->name;
	}
	return "?";
}

void weir_misbehaviour_at(struct weir_firmware *firmware, struct weir_function *function,
			  enum weir_misbehaviour kind, const char *what, uint32_t value,
			  uint32_t place)
{
	struct weir_admin *admin = &function->admin;

	weir_log(firmware, WEIR_LOG_LEVEL_WARNING, function->index, "%s: %s %x", name_of(kind),
		 what, value);
	/* The PF hears of its own refused commands by their status. */
	if (function->index == 0 && kind == WEIR_MISBEHAVIOUR_BAD_COMMAND)
		return;
	if (admin->misbehaviour_count[kind] < UINT32_MAX)
		admin->misbehaviour_count[kind]++;
	/* That a queue was stopped must not be lost among lesser things that follow within the second. */
	if (admin->misbehaviour_count[kind] == 1 || (place & WEIR_PLACE_STOPPED))
		admin->misbehaviour_place[kind] = place;
	weir_event_misbehaviour(firmware, function);
	if ((place & WEIR_PLACE_STOPPED) && function->index != 0)
		weir_event_post(firmware, function, WEIR_EVENT_MISBEHAVIOUR, place, kind);
}

void weir_misbehaviour(struct weir_firmware *firmware, struct weir_function *function,
		       enum weir_misbehaviour kind, const char *what, uint32_t value)
{
	weir_misbehaviour_at(firmware, function, kind, what, value, WEIR_PLACE_NONE);
}
