/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes of admin commands: type, length, value (specs/admin-queue.md). The builder never
 * writes past its room and remembers that it wanted to; the reader never believes a length.
 */
#ifndef WEIR_TLV_H
#define WEIR_TLV_H

#include <linux/types.h>

/**
 * struct weir_tlv - a list of attributes being built
 * @data: where
 * @length: bytes used so far, a multiple of four
 * @capacity: bytes at @data
 * @overflow: something did not fit: the list must not be sent
 */
struct weir_tlv {
	u8 *data;
	u16 length;
	u16 capacity;
	bool overflow;
};

void weir_tlv_start(struct weir_tlv *tlv, void *data, u16 capacity);
void weir_tlv_put(struct weir_tlv *tlv, u16 type, const void *value, u16 bytes);
const void *weir_tlv_find(const void *data, u32 length, u16 type, u16 *bytes);
int weir_tlv_get(const void *data, u32 length, u16 type, void *value, u16 bytes);
int weir_tlv_get_u8(const void *data, u32 length, u16 type, u8 *value);
int weir_tlv_get_u16(const void *data, u32 length, u16 type, u16 *value);
int weir_tlv_get_u32(const void *data, u32 length, u16 type, u32 *value);
int weir_tlv_get_u64(const void *data, u32 length, u16 type, u64 *value);
int weir_tlv_get_string(const void *data, u32 length, u16 type, char *text, size_t room);

#endif
