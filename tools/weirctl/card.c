/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests, responses, and which way leads to a card. */
#include "card.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "weir/weir_tables.h"
#include "weirctl.h"

int card_open(struct card *card, const char *name)
{
	struct stat status;
	int error;

	memset(card, 0, sizeof(*card));
	snprintf(card->name, sizeof(card->name), "%s", name);
	if (stat(name, &status) == 0)
		return card_open_control(card, name);
	error = weirctl_find(card);
	if (error)
		return error;
	if (strcmp(card->driver, "weir") == 0 || strcmp(card->driver, "weirvf") == 0) {
		error = card_open_driver(card);
		if (error != -ENOENT)
			return error;
	}
	return card_open_mailbox(card);
}

void card_close(struct card *card)
{
	if (card->ops)
		card->ops->close(card);
	card->ops = NULL;
}

void request_add(struct request *request, enum weir_attribute_id id, uint64_t value)
{
	uint16_t bytes = weir_attribute_rules[id].max_bytes;
	struct weir_attribute header = { weir_cpu_to_le16((uint16_t)(id | WEIR_ATTRIBUTE_MUST)),
					 weir_cpu_to_le16(bytes) };
	uint32_t padded = (bytes + 3u) & ~3u;

	value = weir_cpu_to_le64(value);
	memcpy(request->data + request->bytes, &header, sizeof(header));
	memset(request->data + request->bytes + sizeof(header), 0, padded);
	memcpy(request->data + request->bytes + sizeof(header), &value, bytes);
	request->bytes += (uint32_t)sizeof(header) + padded;
}

const char *name_of(const struct weir_name *names, int value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

int value_of(const struct weir_name *names, const char *name)
{
	for (; names->name; names++)
		if (strcmp(names->name, name) == 0)
			return names->value;
	return -1;
}

int card_command(struct card *card, enum weir_command opcode, const struct request *request,
		 struct response *response)
{
	const char *command = "command", *attribute = NULL;
	uint32_t detail = 0;
	int status = card->ops->command(card, (uint16_t)opcode, request ? request->data : NULL,
					request ? request->bytes : 0, response->data,
					sizeof(response->data), &response->bytes, &detail);

	if (status <= 0)
		return status;
	for (size_t i = 0; i < WEIR_COMMAND_RULES; i++)
		if (weir_command_rules[i].opcode == opcode)
			command = weir_command_rules[i].name;
	if (detail < WEIR_ATTRIBUTE_LIMIT)
		attribute = weir_attribute_rules[detail].name;
	const char *name = name_of(weir_status_names, status);

	snprintf(card->error, sizeof(card->error), "%s: the card refused %s: %s%s%s", card->name,
		 command, name ? name : "unknown status", attribute ? " " : "",
		 attribute ? attribute : "");
	switch (status) {
	case WEIR_STATUS_NOT_PERMITTED:
		return -EPERM;
	case WEIR_STATUS_NOT_FOUND:
		return -ENOENT;
	case WEIR_STATUS_NOT_SUPPORTED:
	case WEIR_STATUS_UNKNOWN_COMMAND:
		return -EOPNOTSUPP;
	case WEIR_STATUS_NO_SPACE:
		return -ENOSPC;
	case WEIR_STATUS_BUSY:
		return -EBUSY;
	default:
		return -EINVAL;
	}
}

/* Walks the attributes: the next one from *at on; false: the end (or nonsense). */
static bool next_attribute(const struct response *response, uint32_t *at, uint16_t *id,
			   const uint8_t **value, uint32_t *bytes)
{
	struct weir_attribute header;

	if (*at + sizeof(header) > response->bytes)
		return false;
	memcpy(&header, response->data + *at, sizeof(header));
	*id = weir_le16_to_cpu(header.type) & (uint16_t)~WEIR_ATTRIBUTE_MUST;
	*bytes = weir_le16_to_cpu(header.length);
	*value = response->data + *at + sizeof(header);
	*at += (uint32_t)sizeof(header) + ((*bytes + 3) & ~3u);
	return *at <= response->bytes;
}

const void *response_bytes(const struct response *response, enum weir_attribute_id id,
			   uint32_t *bytes)
{
	const uint8_t *value;
	uint32_t at = 0;
	uint16_t found;

	while (next_attribute(response, &at, &found, &value, bytes))
		if (found == id)
			return value;
	*bytes = 0;
	return NULL;
}

bool response_get(const struct response *response, enum weir_attribute_id id, uint64_t *value)
{
	uint32_t bytes;
	const void *data = response_bytes(response, id, &bytes);

	if (!data || bytes > sizeof(*value))
		return false;
	*value = 0;
	memcpy(value, data, bytes);
	*value = weir_le64_to_cpu(*value);
	return true;
}

const char *mac_text(uint64_t mac, char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac & 0xff),
		 (unsigned)(mac >> 8 & 0xff), (unsigned)(mac >> 16 & 0xff),
		 (unsigned)(mac >> 24 & 0xff), (unsigned)(mac >> 32 & 0xff),
		 (unsigned)(mac >> 40 & 0xff));
	return text;
}

bool mac_parse(const char *text, uint64_t *mac)
{
	unsigned bytes[6];
	int used = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
		   &bytes[4], &bytes[5], &used) != 6 ||
	    text[used])
		return false;
	*mac = 0;
	for (int i = 5; i >= 0; i--)
		*mac = *mac << 8 | bytes[i];
	return true;
}

const char *function_text(uint16_t function, char text[16])
{
	if (function == WEIR_FUNCTION_SELF)
		snprintf(text, 16, "-");
	else if (function == 0)
		snprintf(text, 16, "PF");
	else
		snprintf(text, 16, "VF %d", function - 1);
	return text;
}

/* How a value reads: enumerations by name, flags as a list, VLAN_NONE as null. */
static json_t *value_json(uint16_t id, uint64_t value)
{
	char text[24];
	const char *name = NULL;

	switch (id) {
	case WEIR_ATTRIBUTE_MAC:
	case WEIR_ATTRIBUTE_MASK_MAC:
		return json_string(mac_text(value, text));
	case WEIR_ATTRIBUTE_STATE:
		name = name_of(weir_function_state_names, (int)value);
		break;
	case WEIR_ATTRIBUTE_ROLE:
		name = name_of(weir_role_names, (int)value);
		break;
	case WEIR_ATTRIBUTE_LINK_POLICY:
		name = name_of(weir_link_policy_names, (int)value);
		break;
	case WEIR_ATTRIBUTE_LINK_UP:
	case WEIR_ATTRIBUTE_SPOOF_CHECK:
	case WEIR_ATTRIBUTE_TRUST:
	case WEIR_ATTRIBUTE_ADMIN_MAC:
		return json_boolean(value != 0);
	case WEIR_ATTRIBUTE_SERIAL:
		snprintf(text, sizeof(text), "%016llx", (unsigned long long)value);
		return json_string(text);
	case WEIR_ATTRIBUTE_ABI_VERSION:
		snprintf(text, sizeof(text), "%u.%u", (unsigned)(value >> 16),
			 (unsigned)(value & 0xffff));
		return json_string(text);
	case WEIR_ATTRIBUTE_VLAN_PROTOCOL:
		return json_string(value == 0x88a8 ? "802.1ad" : "802.1q");
	case WEIR_ATTRIBUTE_VLAN:
		return value == WEIR_VLAN_NONE ? json_null() : json_integer((json_int_t)value);
	case WEIR_ATTRIBUTE_VPORT_FLAGS: {
		json_t *list = json_array();

		for (const struct weir_name *flag = weir_vport_flag_names; flag->name; flag++)
			if (value & (uint64_t)flag->value)
				json_array_append_new(list, json_string(flag->name));
		return list;
	}
	default:
		break;
	}
	return name ? json_string(name) : json_integer((json_int_t)value);
}

json_t *response_json(const struct response *response)
{
	json_t *object = json_object();
	const uint8_t *value;
	uint32_t at = 0, bytes;
	uint16_t id;

	while (next_attribute(response, &at, &id, &value, &bytes)) {
		const struct weir_attribute_rule *rule =
			id < WEIR_ATTRIBUTE_LIMIT ? &weir_attribute_rules[id] : NULL;
		uint64_t number = 0;

		if (!rule || !rule->name || rule->kind == WEIR_KIND_BYTES)
			continue;
		if (rule->kind == WEIR_KIND_STRING) {
			json_object_set_new(object, rule->name,
					    json_stringn((const char *)value,
							 strnlen((const char *)value, bytes)));
			continue;
		}
		if (bytes > sizeof(number))
			continue;
		memcpy(&number, value, bytes);
		json_object_set_new(object, rule->name, value_json(id, weir_le64_to_cpu(number)));
	}
	return object;
}
