/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking members out of a request, with an error for its sender if they are not what they should be; putting them into an answer. */
#ifndef WEIR_SIM_MEMBERS_H
#define WEIR_SIM_MEMBERS_H

#include "request.h"

/* Sets the request's error; REQUEST_FAILED. */
enum request_outcome fail(struct request *request, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether the request has that member. */
bool has(const struct request *request, const char *name);
/* A whole number of [0, most]; if the member is not there, `otherwise`. False: error is set. */
bool take_number(struct request *request, const char *name, json_int_t most, json_int_t otherwise,
		 json_int_t *value);
/* True or false; if the member is not there, *value stays. False: error is set. */
bool take_flag(struct request *request, const char *name, bool *value);
/* Text; NULL: not there. False: error is set. */
bool take_text(struct request *request, const char *name, const char **value);
/* A function that is there: a number (0 the PF, n VF n-1) or a name (pf0, vf0 …). False: error is set. */
bool take_function(const struct daemon *daemon, struct request *request, uint16_t *function);
/* Hexadecimal digits to at most `room` bytes; returns how many, or -1. */
int from_hexadecimal(const char *text, uint8_t *bytes, size_t room);

/* Adds a member to an object, taking over value. For want of memory it is missing. */
void put(json_t *object, const char *name, json_t *value);
/* value: at most 2^63 - 1, JSON's integers here have a sign. */
void put_number(json_t *object, const char *name, uint64_t value);
/* An address, as text: 0x and hexadecimal digits. */
void put_address(json_t *object, const char *name, uint64_t value);
/* `function` and `name` of a function. */
void put_name(json_t *object, uint16_t function);
/* New reference to text of 2 * count digits; NULL: no memory. */
json_t *hexadecimal(const uint8_t *bytes, size_t count);

#endif
