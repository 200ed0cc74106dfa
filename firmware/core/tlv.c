/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of admin commands: a strict reader and a writer (specs/admin-queue.md). Both work on private memory only. */
#include "core.h"

static uint32_t padded(uint32_t bytes)
{
	return (bytes + 3) & ~3u;
}

static enum weir_status fail(enum weir_status status, uint32_t value, uint32_t *detail)
{
	*detail = value;
	return status;
}

/* Takes one value in; its length is right. */
static enum weir_status take(struct weir_arguments *arguments, uint16_t id, const uint8_t *value,
			     uint16_t bytes, uint32_t *detail)
{
	weir_set_add(&arguments->present, id);
	arguments->data[id] = value;
	arguments->bytes[id] = bytes;
	switch ((enum weir_attribute_kind)weir_attribute_rules[id].kind) {
	case WEIR_KIND_U8:
	case WEIR_KIND_U16:
	case WEIR_KIND_U32:
	case WEIR_KIND_U64:
		arguments->number[id] = weir_get_le(value, bytes);
		break;
	case WEIR_KIND_STRING:
		if (value[bytes - 1] != 0)
			return fail(WEIR_STATUS_BAD_ATTRIBUTE, id, detail);
		break;
	case WEIR_KIND_MAC:
	case WEIR_KIND_BYTES:
		break;
	}
	return WEIR_STATUS_OK;
}

static enum weir_status walk(const struct weir_command_rule *command, const uint8_t *request,
			     uint32_t bytes, struct weir_arguments *arguments, uint32_t *detail)
{
	for (uint32_t at = 0; at < bytes;) {
		uint32_t left = bytes - at;

		if (left < sizeof(struct weir_attribute))
			return fail(WEIR_STATUS_BAD_LENGTH, at, detail);
		uint16_t type = (uint16_t)weir_get_le(request + at, 2),
			 length = (uint16_t)weir_get_le(request + at + 2, 2);
		uint16_t id = type & (uint16_t)~WEIR_ATTRIBUTE_MUST;
		const uint8_t *value = request + at + sizeof(struct weir_attribute);

		if (padded(length) > left - sizeof(struct weir_attribute))
			return fail(WEIR_STATUS_BAD_LENGTH, at, detail);
		for (uint32_t i = length; i < padded(length); i++) {
			if (value[i])
				return fail(WEIR_STATUS_BAD_ATTRIBUTE, id, detail);
		}
		if (weir_set_has(&command->required, id) || weir_set_has(&command->optional, id)) {
			const struct weir_attribute_rule *rule = &weir_attribute_rules[id];

			if (weir_set_has(&arguments->present, id))
				return fail(WEIR_STATUS_BAD_ATTRIBUTE, id, detail);
			if (length < rule->min_bytes || length > rule->max_bytes)
				return fail(WEIR_STATUS_BAD_LENGTH, at, detail);
			enum weir_status status = take(arguments, id, value, length, detail);

			if (status)
				return status;
		} else if (type & WEIR_ATTRIBUTE_MUST) {
			return fail(WEIR_STATUS_BAD_ATTRIBUTE, id, detail);
		}
		at += (uint32_t)sizeof(struct weir_attribute) + padded(length);
	}
	return WEIR_STATUS_OK;
}

enum weir_status weir_tlv_parse(const struct weir_command_rule *rule, const uint8_t *request,
				uint32_t bytes, struct weir_arguments *arguments, uint32_t *detail)
{
	arguments->present = (struct weir_attribute_set){ 0 };
	enum weir_status status = walk(rule, request, bytes, arguments, detail);

	if (status)
		return status;
	for (uint32_t i = 0; i < WEIR_ATTRIBUTE_WORDS; i++) {
		uint64_t missing = rule->required.words[i] & ~arguments->present.words[i];

		if (missing)
			return fail(WEIR_STATUS_MISSING_ATTRIBUTE,
				    64 * i + (uint32_t)__builtin_ctzll(missing), detail);
	}
	*detail = 0;
	return WEIR_STATUS_OK;
}

uint8_t *weir_put_room(struct weir_writer *writer, enum weir_attribute_id attribute, uint32_t bytes)
{
	uint32_t at = writer->bytes,
		 whole = (uint32_t)sizeof(struct weir_attribute) + padded(bytes);

	writer->bytes += whole;
	if (writer->bytes > writer->capacity)
		return NULL;
	uint8_t *to = writer->to + at;

	weir_put_le(to, attribute, 2);
	weir_put_le(to + 2, bytes, 2);
	weir_zero(to + sizeof(struct weir_attribute) + bytes, padded(bytes) - bytes);
	return to + sizeof(struct weir_attribute);
}

static void put_integer(struct weir_writer *writer, enum weir_attribute_id attribute,
			uint64_t value, uint32_t bytes)
{
	uint8_t *to = weir_put_room(writer, attribute, bytes);

	if (to)
		weir_put_le(to, value, bytes);
}

void weir_put_u8(struct weir_writer *writer, enum weir_attribute_id attribute, uint8_t value)
{
	put_integer(writer, attribute, value, 1);
}

void weir_put_u16(struct weir_writer *writer, enum weir_attribute_id attribute, uint16_t value)
{
	put_integer(writer, attribute, value, 2);
}

void weir_put_u32(struct weir_writer *writer, enum weir_attribute_id attribute, uint32_t value)
{
	put_integer(writer, attribute, value, 4);
}

void weir_put_u64(struct weir_writer *writer, enum weir_attribute_id attribute, uint64_t value)
{
	put_integer(writer, attribute, value, 8);
}

void weir_put_bytes(struct weir_writer *writer, enum weir_attribute_id attribute, const void *value,
		    uint32_t bytes)
{
	uint8_t *to = weir_put_room(writer, attribute, bytes);

	if (to)
		weir_copy(to, value, bytes);
}

void weir_put_string(struct weir_writer *writer, enum weir_attribute_id attribute, const char *text)
{
	uint32_t bytes = 0;

	while (bytes < WEIR_STRING_BYTES - 1 && text[bytes])
		bytes++;
	uint8_t *to = weir_put_room(writer, attribute, bytes + 1);

	if (to) {
		weir_copy(to, text, bytes);
		to[bytes] = 0;
	}
}
