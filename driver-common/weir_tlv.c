// SPDX-License-Identifier: GPL-2.0-only
/* Attributes of admin commands, built and read (specs/admin-queue.md, "Commands"). */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/string.h>

#include <weir/weir_abi.h>
#include "weir_tlv.h"

/**
 * weir_tlv_start() - begin a list of attributes
 * @tlv: the list
 * @data: room for it, 4-byte aligned, owned by the caller
 * @capacity: bytes at @data
 */
void weir_tlv_start(struct weir_tlv *tlv, void *data, u16 capacity)
{
	tlv->data = data;
	tlv->length = 0;
	tlv->capacity = capacity;
	tlv->overflow = false;
}

/**
 * weir_tlv_put() - append an attribute that the receiver must understand
 * @tlv: the list; @tlv->overflow is set when the attribute does not fit
 * @type: enum weir_attribute_id
 * @value: little-endian value
 * @bytes: its length; the padding is added here
 */
void weir_tlv_put(struct weir_tlv *tlv, u16 type, const void *value, u16 bytes)
{
	unsigned int padded = ALIGN((unsigned int)bytes, 4);
	struct weir_attribute header = {
		.type = cpu_to_le16(type | WEIR_ATTRIBUTE_MUST),
		.length = cpu_to_le16(bytes),
	};
	u8 *to = tlv->data + tlv->length;

	if (tlv->overflow || sizeof(header) + padded > tlv->capacity - tlv->length) {
		tlv->overflow = true;
		return;
	}
	memcpy(to, &header, sizeof(header));
	memcpy(to + sizeof(header), value, bytes);
	memset(to + sizeof(header) + bytes, 0, padded - bytes);
	tlv->length += sizeof(header) + padded;
}

/**
 * weir_tlv_find() - look for an attribute
 * @data: a list of attributes
 * @length: its bytes
 * @type: enum weir_attribute_id
 * @bytes: set to the length of the value
 *
 * Return: the value inside @data, or NULL if there is none before the list ends or stops making
 * sense.
 */
const void *weir_tlv_find(const void *data, u32 length, u16 type, u16 *bytes)
{
	struct weir_attribute header;
	const u8 *at = data;

	while (length >= sizeof(header)) {
		u16 value_bytes;
		u32 padded;

		memcpy(&header, at, sizeof(header));
		value_bytes = le16_to_cpu(header.length);
		padded = ALIGN((u32)value_bytes, 4);
		if (padded > length - sizeof(header))
			return NULL;
		if ((le16_to_cpu(header.type) & ~WEIR_ATTRIBUTE_MUST) == type) {
			*bytes = value_bytes;
			return at + sizeof(header);
		}
		at += sizeof(header) + padded;
		length -= sizeof(header) + padded;
	}
	return NULL;
}

/**
 * weir_tlv_get() - copy an attribute's value
 * @data: a list of attributes
 * @length: its bytes
 * @type: enum weir_attribute_id
 * @value: where to
 * @bytes: the length it must have
 *
 * Return: 0, -ENOENT if there is no such attribute, -EPROTO if it has another length. @value is
 * written on success only.
 */
int weir_tlv_get(const void *data, u32 length, u16 type, void *value, u16 bytes)
{
	u16 found;
	const void *at = weir_tlv_find(data, length, type, &found);

	if (!at)
		return -ENOENT;
	if (found != bytes)
		return -EPROTO;
	memcpy(value, at, bytes);
	return 0;
}

/* weir_tlv_get_u8() - as weir_tlv_get(), one byte */
int weir_tlv_get_u8(const void *data, u32 length, u16 type, u8 *value)
{
	return weir_tlv_get(data, length, type, value, sizeof(*value));
}

/* weir_tlv_get_u16() - as weir_tlv_get(), a little-endian 16-bit value in CPU order */
int weir_tlv_get_u16(const void *data, u32 length, u16 type, u16 *value)
{
	__le16 le;
	int err = weir_tlv_get(data, length, type, &le, sizeof(le));

	if (!err)
		*value = le16_to_cpu(le);
	return err;
}

/* weir_tlv_get_u32() - as weir_tlv_get(), a little-endian 32-bit value in CPU order */
int weir_tlv_get_u32(const void *data, u32 length, u16 type, u32 *value)
{
	__le32 le;
	int err = weir_tlv_get(data, length, type, &le, sizeof(le));

	if (!err)
		*value = le32_to_cpu(le);
	return err;
}

/* weir_tlv_get_u64() - as weir_tlv_get(), a little-endian 64-bit value in CPU order */
int weir_tlv_get_u64(const void *data, u32 length, u16 type, u64 *value)
{
	__le64 le;
	int err = weir_tlv_get(data, length, type, &le, sizeof(le));

	if (!err)
		*value = le64_to_cpu(le);
	return err;
}

/**
 * weir_tlv_get_string() - copy a text, cut to fit and always terminated, unprintable bytes made '?'
 * @data: a list of attributes
 * @length: its bytes
 * @type: enum weir_attribute_id
 * @text: where to
 * @room: bytes at @text, at least one
 *
 * Return: 0, or -ENOENT if there is no such attribute; @text is then empty.
 */
int weir_tlv_get_string(const void *data, u32 length, u16 type, char *text, size_t room)
{
	u16 found;
	const char *at = weir_tlv_find(data, length, type, &found);
	size_t i;

	text[0] = '\0';
	if (!at)
		return -ENOENT;
	for (i = 0; i < found && i + 1 < room && at[i]; i++)
		text[i] = at[i] >= ' ' && at[i] <= '~' ? at[i] : '?';
	text[i] = '\0';
	return 0;
}
