/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about how the sender's vport spreads frames over receive queues (specs/rss.md), and its contexts (specs/steering.md). */
#include "core.h"

/* What the request wants of the hash: *hash changed as it says. */
static enum weir_status wanted_hash(struct weir_request *request, struct weir_hash *hash)
{
	const struct weir_arguments *arguments = &request->arguments;
	uint64_t types = weir_number(arguments, WEIR_ATTRIBUTE_HASH_TYPES, hash->types),
		 function = weir_number(arguments, WEIR_ATTRIBUTE_HASH_FUNCTION, hash->function);

	if (weir_has(arguments, WEIR_ATTRIBUTE_HASH_KEY)) {
		uint16_t bytes = arguments->bytes[WEIR_ATTRIBUTE_HASH_KEY];

		if (bytes != WEIR_HASH_KEY_BYTES && bytes != WEIR_HASH_KEY_MAX_BYTES)
			return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HASH_KEY);
		weir_zero(hash->key, sizeof(hash->key));
		weir_copy(hash->key, arguments->data[WEIR_ATTRIBUTE_HASH_KEY], bytes);
		hash->key_bytes = (uint8_t)bytes;
	}
	if (types & ~(uint64_t)(WEIR_HASH_TYPES_ALL | WEIR_HASH_TYPE_INNER))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HASH_TYPES);
	if (function > WEIR_HASH_FUNCTION_SYMMETRIC_SORT)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_HASH_FUNCTION);
	hash->types = (uint16_t)types;
	hash->function = (uint8_t)function;
	return WEIR_STATUS_OK;
}

/* The table of the request, NULL: it has none. A table of another length is BAD_VALUE. */
static enum weir_status wanted_table(struct weir_request *request,
				     uint16_t room[WEIR_INDIRECTION_ENTRIES],
				     const uint16_t **table)
{
	const struct weir_arguments *arguments = &request->arguments;

	*table = NULL;
	if (!weir_has(arguments, WEIR_ATTRIBUTE_INDIRECTION))
		return WEIR_STATUS_OK;
	if (arguments->bytes[WEIR_ATTRIBUTE_INDIRECTION] != 2 * WEIR_INDIRECTION_ENTRIES)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_INDIRECTION);
	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		room[i] = (uint16_t)weir_get_le(arguments->data[WEIR_ATTRIBUTE_INDIRECTION] + 2 * i,
						2);
	*table = room;
	return WEIR_STATUS_OK;
}

/* The vport's own spread. */
static enum weir_status set_own(struct weir_request *request, struct weir_vport *vport,
				const struct weir_hash *hash, const uint16_t *table)
{
	/* Whatever is wrong with an entry is a wrong value of the table. */
	if (table &&
	    weir_vport_spread_set(request->firmware, vport, table, WEIR_INDIRECTION_ENTRIES))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_INDIRECTION);
	/* Nothing can fail past this point. */
	vport->hash = *hash;
	weir_vport_hash_update(request->firmware, vport);
	return WEIR_STATUS_OK;
}

/* A context; of a new one what is left out is as the vport's own, but for the table. */
static enum weir_status set_context(struct weir_request *request, struct weir_vport *vport,
				    uint64_t number, const struct weir_hash *hash,
				    const uint16_t *table)
{
	struct weir_firmware *firmware = request->firmware;

	if (!table && !weir_context_find(firmware, vport, number))
		return weir_refuse(request, WEIR_STATUS_MISSING_ATTRIBUTE,
				   WEIR_ATTRIBUTE_INDIRECTION);
	if (weir_context_set(firmware, vport, (uint32_t)number, hash, table))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_INDIRECTION);
	return WEIR_STATUS_OK;
}

/* Which context the request speaks of; 0: the vport's own spread. */
static enum weir_status wanted_context(struct weir_request *request, uint64_t *number)
{
	*number = weir_number(&request->arguments, WEIR_ATTRIBUTE_SPREAD_CONTEXT, 0);
	if (*number > WEIR_SPREAD_CONTEXTS)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_vport_spread(struct weir_request *request)
{
	struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	enum weir_status status = weir_request_driver(request);
	uint16_t room[WEIR_INDIRECTION_ENTRIES];
	const struct weir_context *context;
	const uint16_t *table;
	struct weir_hash hash;
	uint64_t number;

	if (!status)
		status = wanted_context(request, &number);
	if (status)
		return status;
	context = weir_context_find(request->firmware, vport, number);
	hash = context ? context->hash : vport->hash;
	status = wanted_table(request, room, &table);
	if (!status)
		status = wanted_hash(request, &hash);
	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	weir_vport_release(request->firmware, vport);
	return number ? set_context(request, vport, number, &hash, table)
		      : set_own(request, vport, &hash, table);
}

/* Without a table there is one queue, or none. */
static uint16_t table_entry(const struct weir_vport *vport, const struct weir_context *context,
			    uint32_t at)
{
	if (context)
		return context->spread[at];
	return vport->spread_entries ? vport->spread[at & (vport->spread_entries - 1u)] : 0;
}

enum weir_status weir_command_vport_spread_get(struct weir_request *request)
{
	const struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	struct weir_writer *response = &request->response;
	enum weir_status status = weir_request_driver(request);
	const struct weir_context *context;
	const struct weir_hash *hash;
	uint64_t number;

	if (!status)
		status = wanted_context(request, &number);
	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	context = weir_context_find(request->firmware, vport, number);
	if (number && !context)
		return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	hash = context ? &context->hash : &vport->hash;
	weir_put_bytes(response, WEIR_ATTRIBUTE_HASH_KEY, hash->key, hash->key_bytes);
	weir_put_u32(response, WEIR_ATTRIBUTE_HASH_TYPES, hash->types);
	weir_put_u8(response, WEIR_ATTRIBUTE_HASH_FUNCTION, hash->function);
	uint8_t *table =
		weir_put_room(response, WEIR_ATTRIBUTE_INDIRECTION, 2 * WEIR_INDIRECTION_ENTRIES);

	for (uint32_t i = 0; table && i < WEIR_INDIRECTION_ENTRIES; i++)
		weir_put_le(table + 2 * i, table_entry(vport, context, i), 2);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_spread_delete(struct weir_request *request)
{
	struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	enum weir_status status = weir_request_driver(request);
	uint64_t number;

	if (!status)
		status = wanted_context(request, &number);
	if (!status && !number)
		status = weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	status = weir_context_delete(request->firmware, vport, number);
	return weir_refuse(request, status, status ? WEIR_ATTRIBUTE_SPREAD_CONTEXT : 0);
}
