/* SPDX-License-Identifier: BSD-3-Clause */
#include "weir_tlv.h"

#include <string.h>

#define TLV_PADDED(length) (((size_t)(length) + 3u) & ~(size_t)3u)

void weir_tlv_begin(struct weir_tlv *request)
{
	request->length = 0;
	request->overflow = false;
}

void weir_tlv_put(struct weir_tlv *request, uint16_t id, const void *value, uint16_t length)
{
	struct weir_attribute header = {
		.type = weir_cpu_to_le16(id | WEIR_ATTRIBUTE_MUST),
		.length = weir_cpu_to_le16(length),
	};
	size_t padded = TLV_PADDED(length);

	if (request->overflow || sizeof(header) + padded > sizeof(request->data) - request->length) {
		request->overflow = true;
		return;
	}
	memcpy(request->data + request->length, &header, sizeof(header));
	request->length += sizeof(header);
	memset(request->data + request->length, 0, padded);
	memcpy(request->data + request->length, value, length);
	request->length += (uint16_t)padded;
}

void weir_tlv_put_u8(struct weir_tlv *request, uint16_t id, uint8_t value)
{
	weir_tlv_put(request, id, &value, sizeof(value));
}

void weir_tlv_put_u16(struct weir_tlv *request, uint16_t id, uint16_t value)
{
	weir_le16 wire = weir_cpu_to_le16(value);

	weir_tlv_put(request, id, &wire, sizeof(wire));
}

void weir_tlv_put_u32(struct weir_tlv *request, uint16_t id, uint32_t value)
{
	weir_le32 wire = weir_cpu_to_le32(value);

	weir_tlv_put(request, id, &wire, sizeof(wire));
}

void weir_tlv_put_u64(struct weir_tlv *request, uint16_t id, uint64_t value)
{
	weir_le64 wire = weir_cpu_to_le64(value);

	weir_tlv_put(request, id, &wire, sizeof(wire));
}

/* The attribute at offset; false where there is none, or not all of it. Without its MUST bit. */
static bool attribute_at(const uint8_t *data, size_t length, size_t offset, uint16_t *id,
			 uint16_t *value_length)
{
	struct weir_attribute header;

	if (offset > length || length - offset < sizeof(header))
		return false;
	memcpy(&header, data + offset, sizeof(header));
	*id = weir_le16_to_cpu(header.type) & (uint16_t)~WEIR_ATTRIBUTE_MUST;
	*value_length = weir_le16_to_cpu(header.length);
	return length - offset - sizeof(header) >= TLV_PADDED(*value_length);
}

bool weir_tlv_valid(const void *data, size_t length)
{
	uint64_t seen[(WEIR_ATTRIBUTE_LIMIT + 63) / 64] = {
		0
	}; /* only of the ids this driver knows: others may mean anything */
	uint16_t id, value_length;
	size_t offset = 0;

	while (offset < length) {
		if (!attribute_at(data, length, offset, &id, &value_length))
			return false;
		if (id < WEIR_ATTRIBUTE_LIMIT) {
			uint64_t bit = UINT64_C(1) << id % 64;

			if (seen[id / 64] & bit)
				return false;
			seen[id / 64] |= bit;
		}
		offset += sizeof(struct weir_attribute) + TLV_PADDED(value_length);
	}
	return true;
}

const void *weir_tlv_find(const void *data, size_t length, uint16_t wanted, uint16_t *value_length)
{
	const uint8_t *bytes = data;
	uint16_t id, found_length;
	size_t offset = 0;

	while (attribute_at(bytes, length, offset, &id, &found_length)) {
		if (id == wanted) {
			*value_length = found_length;
			return bytes + offset + sizeof(struct weir_attribute);
		}
		offset += sizeof(struct weir_attribute) + TLV_PADDED(found_length);
	}
	return NULL;
}

uint64_t weir_tlv_get(const void *data, size_t length, uint16_t id, uint64_t otherwise)
{
	uint16_t value_length = 0;
	const uint8_t *value = weir_tlv_find(data, length, id, &value_length);
	uint64_t result = 0;

	if (!value ||
	    (value_length != 1 && value_length != 2 && value_length != 4 && value_length != 8))
		return otherwise;
	for (unsigned int i = 0; i < value_length; i++)
		result |= (uint64_t)value[i] << (8 * i);
	return result;
}
