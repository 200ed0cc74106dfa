/* SPDX-License-Identifier: BSD-3-Clause */
#include "members.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

enum request_outcome fail(struct request *request, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(request->error, sizeof(request->error), format, arguments);
	va_end(arguments);
	return REQUEST_FAILED;
}

bool has(const struct request *request, const char *name)
{
	return json_object_get(request->members, name) != NULL;
}

bool take_number(struct request *request, const char *name, json_int_t most, json_int_t otherwise,
		 json_int_t *value)
{
	const json_t *member = json_object_get(request->members, name);

	*value = member ? json_integer_value(member) : otherwise;
	if (member && (!json_is_integer(member) || *value < 0 || *value > most)) {
		fail(request, "\"%s\" is a whole number of 0 to %lld", name, (long long)most);
		return false;
	}
	return true;
}

bool take_flag(struct request *request, const char *name, bool *value)
{
	const json_t *member = json_object_get(request->members, name);

	if (member && !json_is_boolean(member)) {
		fail(request, "\"%s\" is true or false", name);
		return false;
	}
	if (member)
		*value = json_is_true(member);
	return true;
}

bool take_text(struct request *request, const char *name, const char **value)
{
	const json_t *member = json_object_get(request->members, name);

	*value = json_string_value(member);
	if (member && (!*value || strlen(*value) != json_string_length(member))) {
		fail(request, "\"%s\" is text without a zero character", name);
		return false;
	}
	return true;
}

bool take_function(const struct daemon *daemon, struct request *request, uint16_t *function)
{
	const json_t *member = json_object_get(request->members, "function");
	const char *name = json_string_value(member);
	long long number = json_is_integer(member) ? json_integer_value(member) : -1;
	char *end;

	if (name && !strcmp(name, "pf0")) {
		number = 0;
	} else if (name && !strncmp(name, "vf", 2) && name[2] >= '0' && name[2] <= '9') {
		number = strtoll(name + 2, &end, 10);
		if (*end)
			number = -1;
		else if (number < WEIR_PCI_MAX_VFS)
			number++;
	}
	if (number < 0) {
		fail(request,
		     "\"function\" is \"pf0\", \"vf0\" … or a number, 0 the PF and n VF n-1");
		return false;
	}
	if (number > weirsim_vfs_enabled(daemon->sim)) {
		fail(request, "there is no such function: %u VFs are enabled; see the command vfs",
		     weirsim_vfs_enabled(daemon->sim));
		return false;
	}
	*function = (uint16_t)number;
	return true;
}

void put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

void put_number(json_t *object, const char *name, uint64_t value)
{
	put(object, name, json_integer((json_int_t)value));
}

void put_address(json_t *object, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	put(object, name, json_string(text));
}

json_t *hexadecimal(const uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * count + 1);
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	string = json_stringn(text, 2 * count);
	free(text);
	return string;
}

int from_hexadecimal(const char *text, uint8_t *bytes, size_t room)
{
	size_t length = strlen(text);

	if (length % 2 || length / 2 > room || strspn(text, "0123456789abcdefABCDEF") != length)
		return -1;
	for (size_t i = 0; i < length; i += 2) {
		char pair[3] = { text[i], text[i + 1], 0 };

		bytes[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return (int)(length / 2);
}

void put_name(json_t *object, uint16_t function)
{
	char name[16];

	if (function)
		snprintf(name, sizeof(name), "vf%u", function - 1u);
	else
		snprintf(name, sizeof(name), "pf0");
	put_number(object, "function", function);
	put(object, "name", json_string(name));
}
