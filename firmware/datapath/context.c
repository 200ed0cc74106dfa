/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spread contexts (specs/steering.md): tables and hashes of a vport besides its own, to which rules lead. They lie with the rules, in
 * memory that only vports with rules touch.
 */
#include "burst.h"

static struct weir_context *place_of(const struct weir_firmware *firmware,
				     const struct weir_vport *vport, uint32_t number)
{
	return &firmware->steering.vports[vport->index].contexts[number - 1];
}

struct weir_context *weir_context_find(const struct weir_firmware *firmware,
				       const struct weir_vport *vport, uint64_t number)
{
	if (!number || number > WEIR_SPREAD_CONTEXTS)
		return NULL;
	struct weir_context *context = place_of(firmware, vport, (uint32_t)number);

	return context->exists ? context : NULL;
}

enum weir_status weir_context_set(struct weir_firmware *firmware, struct weir_vport *vport,
				  uint32_t number, const struct weir_hash *hash,
				  const uint16_t *queues)
{
	struct weir_context *context = place_of(firmware, vport, number);

	for (uint32_t i = 0; queues && i < WEIR_INDIRECTION_ENTRIES; i++)
		if (!weir_vport_has_queue(firmware, vport, queues[i]))
			return WEIR_STATUS_BAD_VALUE;
	for (uint32_t i = 0; queues && i < WEIR_INDIRECTION_ENTRIES; i++)
		context->spread[i] = (uint8_t)queues[i];
	context->hash = *hash;
	context->exists = true;
	weir_vport_choice_update(vport);
	return WEIR_STATUS_OK;
}

enum weir_status weir_context_delete(struct weir_firmware *firmware, struct weir_vport *vport,
				     uint64_t number)
{
	struct weir_context *context = weir_context_find(firmware, vport, number);

	if (!context)
		return WEIR_STATUS_NOT_FOUND;
	if (context->rules)
		return WEIR_STATUS_BAD_STATE;
	context->exists = false;
	return WEIR_STATUS_OK;
}
