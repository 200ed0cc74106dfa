/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attributes of admin commands (specs/admin-queue.md): a builder for requests and a reader for responses. Knows
 * nothing of DPDK, so that the unit tests can run it alone.
 */
#ifndef WEIR_TLV_H
#define WEIR_TLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/weir_abi.h"

/** A request being built; begin with weir_tlv_begin(). */
struct weir_tlv {
	uint16_t length;   /* bytes used */
	bool overflow;	   /* something did not fit: the request must not be sent */
	uint8_t data[512]; /* the largest request of this driver is VPORT_SPREAD with 260 bytes */
};

/** Makes `request` empty. */
void weir_tlv_begin(struct weir_tlv *request);

/**
 * Appends an attribute with ATTRIBUTE_MUST set: whatever a driver sends, it relies on.
 *
 * @param id     enum weir_attribute_id
 * @param value  length bytes, copied; padding is added here
 */
void weir_tlv_put(struct weir_tlv *request, uint16_t id, const void *value, uint16_t length);
void weir_tlv_put_u8(struct weir_tlv *request, uint16_t id, uint8_t value);
void weir_tlv_put_u16(struct weir_tlv *request, uint16_t id, uint16_t value);
void weir_tlv_put_u32(struct weir_tlv *request, uint16_t id, uint32_t value);
void weir_tlv_put_u64(struct weir_tlv *request, uint16_t id, uint64_t value);

/**
 * Whether `data` is a well-formed list of attributes: headers and values inside `length`, none repeated.
 * The other functions may be called on nothing else.
 */
bool weir_tlv_valid(const void *data, size_t length);

/**
 * Finds an attribute in a valid list.
 *
 * @param[out] value_length  bytes of the value, where it is found
 * @return the value, inside data; NULL if it is not there
 */
const void *weir_tlv_find(const void *data, size_t length, uint16_t id, uint16_t *value_length);

/**
 * An integer attribute of 1, 2, 4 or 8 bytes from a valid list.
 *
 * @return the value, or `otherwise` if it is not there or not an integer
 */
uint64_t weir_tlv_get(const void *data, size_t length, uint16_t id, uint64_t otherwise);

#endif
