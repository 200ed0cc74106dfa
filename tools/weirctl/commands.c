/* SPDX-License-Identifier: BSD-3-Clause */
/* weirctl info, vf, stats, regs, log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weirctl.h"

#include "weir/weir_tables.h"

int command_info(struct card *card, const struct options *options)
{
	struct response response;
	json_t *object;
	int error = card_command(card, WEIR_COMMAND_GET_INFO, NULL, &response);

	if (error)
		return error;
	object = response_json(&response);
	json_object_set_new(object, "card", json_string(card->name));
	if (card->driver[0]) {
		error = kernel_info(card, object);
		if (error) {
			json_decref(object);
			return error;
		}
	}
	print_object(object, options->json);
	return 0;
}

/* ---- vf ---- */

static int vf_get(struct card *card, uint32_t vf, json_t **object)
{
	struct request request = { .bytes = 0 };
	struct response response;
	int error;

	request_add(&request, WEIR_ATTRIBUTE_FUNCTION, vf + 1);
	error = card_command(card, WEIR_COMMAND_VF_GET, &request, &response);
	if (error)
		return error;
	*object = response_json(&response);
	json_object_set_new(*object, "vf", json_integer(vf));
	return 0;
}

/* on/off, or a word of a list of names; -1: neither. */
static int64_t word_value(enum weir_attribute_id id, const char *word)
{
	char *end;
	uint64_t mac;

	switch (id) {
	case WEIR_ATTRIBUTE_MAC:
		return mac_parse(word, &mac) ? (int64_t)mac : -1;
	case WEIR_ATTRIBUTE_SPOOF_CHECK:
	case WEIR_ATTRIBUTE_TRUST:
		return strcmp(word, "on") == 0 ? 1 : strcmp(word, "off") == 0 ? 0 : -1;
	case WEIR_ATTRIBUTE_LINK_POLICY:
		return value_of(weir_link_policy_names, word);
	case WEIR_ATTRIBUTE_VLAN_PROTOCOL:
		if (strcasecmp(word, "802.1q") == 0)
			return 0x8100;
		if (strcasecmp(word, "802.1ad") == 0)
			return 0x88a8;
		return -1;
	default: {
		long value = strtol(word, &end, 0);

		return *word && !*end && value >= 0 && value <= 4094 ? value : -1;
	}
	}
}

/* What the settings are now that belong to the port VLAN: they are decided together. */
static int vf_vlan(struct card *card, uint32_t vf, struct vf_wish *wish)
{
	struct request request = { .bytes = 0 };
	struct response response;
	uint64_t value;
	int error;

	request_add(&request, WEIR_ATTRIBUTE_FUNCTION, vf + 1);
	error = card_command(card, WEIR_COMMAND_VF_GET, &request, &response);
	if (error)
		return error;
	wish->vlan = response_get(&response, WEIR_ATTRIBUTE_VLAN, &value) ? (uint16_t)value : 0;
	wish->vlan_priority =
		response_get(&response, WEIR_ATTRIBUTE_VLAN_PRIORITY, &value) ? (uint8_t)value : 0;
	wish->vlan_protocol = response_get(&response, WEIR_ATTRIBUTE_VLAN_PROTOCOL, &value) && value
				      ? (uint16_t)value
				      : 0x8100;
	return 0;
}

/* "vlan 100 trust on …" */
static int vf_wish(struct card *card, uint32_t vf, struct vf_wish *wish, int argc, char **argv)
{
	static const struct {
		const char *key;
		enum weir_attribute_id id;
	} keys[] = {
		{ "mac", WEIR_ATTRIBUTE_MAC },
		{ "vlan", WEIR_ATTRIBUTE_VLAN },
		{ "qos", WEIR_ATTRIBUTE_VLAN_PRIORITY },
		{ "proto", WEIR_ATTRIBUTE_VLAN_PROTOCOL },
		{ "spoofchk", WEIR_ATTRIBUTE_SPOOF_CHECK },
		{ "trust", WEIR_ATTRIBUTE_TRUST },
		{ "state", WEIR_ATTRIBUTE_LINK_POLICY },
	};

	memset(wish, 0, sizeof(*wish));
	for (int i = 0; i < argc; i += 2) {
		size_t k = 0;

		while (k < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[k].key, argv[i]) != 0)
			k++;
		if (k == sizeof(keys) / sizeof(keys[0])) {
			snprintf(
				card->error, sizeof(card->error),
				"vf: no setting %s; there are mac, vlan, qos, proto, spoofchk, trust, state",
				argv[i]);
			return -EINVAL;
		}
		int64_t value = i + 1 < argc ? word_value(keys[k].id, argv[i + 1]) : -1;

		if (value < 0) {
			snprintf(card->error, sizeof(card->error),
				 "vf: %s: %s is not a value for it", argv[i],
				 i + 1 < argc ? argv[i + 1] : "nothing");
			return -EINVAL;
		}
		switch (keys[k].id) {
		case WEIR_ATTRIBUTE_MAC:
			wish->mac_given = true;
			wish->mac = (uint64_t)value;
			continue;
		case WEIR_ATTRIBUTE_SPOOF_CHECK:
			wish->spoof_check_given = true;
			wish->spoof_check = value;
			continue;
		case WEIR_ATTRIBUTE_TRUST:
			wish->trust_given = true;
			wish->trust = value;
			continue;
		case WEIR_ATTRIBUTE_LINK_POLICY:
			wish->link_policy_given = true;
			wish->link_policy = (uint8_t)value;
			continue;
		default:
			break;
		}
		if (!wish->vlan_given) {
			int error = vf_vlan(card, vf, wish);

			if (error)
				return error;
		}
		wish->vlan_given = true;
		if (keys[k].id == WEIR_ATTRIBUTE_VLAN)
			wish->vlan = (uint16_t)value;
		else if (keys[k].id == WEIR_ATTRIBUTE_VLAN_PRIORITY)
			wish->vlan_priority = (uint8_t)value;
		else
			wish->vlan_protocol = (uint16_t)value;
	}
	return 0;
}

static int vf_set(struct card *card, uint32_t vf, int argc, char **argv)
{
	struct request request = { .bytes = 0 };
	struct response response;
	struct vf_wish wish;
	char interface[64];
	int error = vf_wish(card, vf, &wish, argc, argv);

	if (error)
		return error;
	if (card->driver[0]) {
		kernel_interface(card->name, interface);
		if (interface[0])
			return kernel_vf_set(card, vf, &wish);
	}
	request_add(&request, WEIR_ATTRIBUTE_FUNCTION, vf + 1);
	if (wish.mac_given)
		request_add(&request, WEIR_ATTRIBUTE_MAC, wish.mac);
	if (wish.vlan_given) {
		request_add(&request, WEIR_ATTRIBUTE_VLAN, wish.vlan);
		request_add(&request, WEIR_ATTRIBUTE_VLAN_PRIORITY, wish.vlan_priority);
		request_add(&request, WEIR_ATTRIBUTE_VLAN_PROTOCOL, wish.vlan_protocol);
	}
	if (wish.spoof_check_given)
		request_add(&request, WEIR_ATTRIBUTE_SPOOF_CHECK, wish.spoof_check);
	if (wish.trust_given)
		request_add(&request, WEIR_ATTRIBUTE_TRUST, wish.trust);
	if (wish.link_policy_given)
		request_add(&request, WEIR_ATTRIBUTE_LINK_POLICY, wish.link_policy);
	return card_command(card, WEIR_COMMAND_VF_SET, &request, &response);
}

/* A number below `limit`, or -1 with card->error set. */
static int64_t number(struct card *card, const char *text, uint32_t limit)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*text && !*end && value < limit)
		return (int64_t)value;
	snprintf(card->error, sizeof(card->error), "%s: a number from 0 to %u is wanted", text,
		 limit - 1);
	return -1;
}

/* "100 qos 5 proto 802.1ad": a port VLAN as `ip link` takes it; what is as usual is left out. */
static const char *port_vlan_text(const json_t *object, char *text, size_t bytes)
{
	json_int_t priority = json_integer_value(json_object_get(object, "vlan_priority"));
	const char *protocol = json_string_value(json_object_get(object, "vlan_protocol"));
	int length = snprintf(text, bytes, "%" JSON_INTEGER_FORMAT,
			      json_integer_value(json_object_get(object, "vlan")));

	if (priority)
		length += snprintf(text + length, bytes - (size_t)length,
				   " qos %" JSON_INTEGER_FORMAT, priority);
	if (protocol && strcasecmp(protocol, "802.1q") != 0)
		snprintf(text + length, bytes - (size_t)length, " proto %s", protocol);
	return text;
}

int command_vf(struct card *card, const struct options *options)
{
	struct response response;
	uint64_t total;
	json_t *list, *object;
	int error;

	if (options->argc) {
		int64_t vf = number(card, options->argv[0], WEIR_PCI_MAX_VFS);

		if (vf < 0)
			return -EINVAL;
		if (options->argc > 1)
			return vf_set(card, (uint32_t)vf, options->argc - 1, options->argv + 1);
		error = vf_get(card, (uint32_t)vf, &object);
		if (!error)
			print_object(object, options->json);
		return error;
	}
	error = card_command(card, WEIR_COMMAND_GET_INFO, NULL, &response);
	if (error)
		return error;
	if (!response_get(&response, WEIR_ATTRIBUTE_VFS_ENABLED, &total))
		total = 0;
	list = json_array();
	for (uint32_t vf = 0; vf < total; vf++) {
		error = vf_get(card, vf, &object);
		if (error) {
			json_decref(list);
			return error;
		}
		json_array_append_new(list, object);
	}
	if (!options->json && !total)
		printf("no VF is enabled\n");
	if (options->json) {
		print_object(list, true);
		return 0;
	}
	size_t i;

	json_array_foreach(list, i, object)
	{
		char vlan[80];

		printf("vf %-4zu %-9s mac %s  vlan %s  spoofchk %s  trust %s  state %s  link %s  generation %" JSON_INTEGER_FORMAT
		       "\n",
		       i, json_string_value(json_object_get(object, "state")),
		       json_string_value(json_object_get(object, "mac")),
		       port_vlan_text(object, vlan, sizeof(vlan)),
		       json_is_true(json_object_get(object, "spoof_check")) ? "on" : "off",
		       json_is_true(json_object_get(object, "trust")) ? "on" : "off",
		       json_string_value(json_object_get(object, "link_policy")),
		       json_is_true(json_object_get(object, "link_up")) ? "up" : "down",
		       json_integer_value(json_object_get(object, "generation")));
	}
	json_decref(list);
	return 0;
}

/* ---- stats ---- */

static int stats_scope(struct card *card, enum weir_stats_scope scope, uint16_t function,
		       const char *const *names, uint32_t count, json_t *object)
{
	struct request request = { .bytes = 0 };
	struct response response;
	const uint8_t *data;
	uint32_t bytes;
	int error;

	request_add(&request, WEIR_ATTRIBUTE_SCOPE, scope);
	if (function != WEIR_FUNCTION_SELF)
		request_add(&request, WEIR_ATTRIBUTE_FUNCTION, function);
	error = card_command(card, WEIR_COMMAND_STATS_GET, &request, &response);
	if (error)
		return error;
	data = response_bytes(&response, WEIR_ATTRIBUTE_STATISTICS, &bytes);
	for (uint32_t i = 0; data && i < count && (i + 1) * 8 <= bytes; i++) {
		weir_le64 value;

		memcpy(&value, data + 8 * i, sizeof(value));
		json_object_set_new(object, names[i],
				    json_integer((json_int_t)weir_le64_to_cpu(value)));
	}
	return 0;
}

int command_stats(struct card *card, const struct options *options)
{
	json_t *object = json_object(), *part = json_object();
	uint16_t function = 0;
	int error = 0;

	json_object_set_new(object, "firmware", part);
	if (options->argc && strcmp(options->argv[0], "port") == 0) {
		error = stats_scope(card, WEIR_STATS_SCOPE_PORT, WEIR_FUNCTION_SELF,
				    weir_stat_port_names, WEIR_STAT_PORT_COUNT, part);
	} else {
		if (options->argc) {
			int64_t vf = number(card, options->argv[0], WEIR_PCI_MAX_VFS);

			if (vf < 0) {
				json_decref(object);
				return -EINVAL;
			}
			function = (uint16_t)(vf + 1);
		}
		error = stats_scope(card, WEIR_STATS_SCOPE_VPORT, function, weir_stat_vport_names,
				    WEIR_STAT_VPORT_COUNT, part);
		if (!error)
			error = stats_scope(card, WEIR_STATS_SCOPE_FUNCTION, function,
					    weir_stat_function_names, WEIR_STAT_FUNCTION_COUNT,
					    part);
		if (!error && !function && card->driver[0])
			error = kernel_stats(card, object);
	}
	if (error)
		json_decref(object);
	else
		print_object(object, options->json);
	return error;
}

/* ---- regs ---- */

static json_t *register_json(const struct weir_register_info *info, uint32_t value)
{
	char text[16];
	json_t *object = json_object();

	snprintf(text, sizeof(text), "0x%03x", info->offset);
	json_object_set_new(object, "offset", json_string(text));
	json_object_set_new(object, "block", json_string(info->block));
	snprintf(text, sizeof(text), "0x%08x", value);
	json_object_set_new(object, "value", json_string(text));
	for (uint32_t i = 0; i < info->fields; i++) {
		uint32_t mask = info->field[i].width == 32 ? UINT32_MAX
							   : (1u << info->field[i].width) - 1;

		json_object_set_new(object, info->field[i].name,
				    json_integer(value >> info->field[i].shift & mask));
	}
	return object;
}

int command_regs(struct card *card, const struct options *options)
{
	json_t *object = json_object();
	bool found = false;

	for (size_t i = 0; i < WEIR_REGISTERS; i++) {
		const struct weir_register_info *info = &weir_registers[i];
		uint32_t value;

		if (info->access == 'o' ||
		    (options->argc && strcmp(options->argv[0], info->name) != 0))
			continue;
		int error = card->ops->read_register(card, 0, info->offset, &value);

		if (error) {
			json_decref(object);
			return error;
		}
		found = true;
		if (options->json) {
			json_object_set_new(object, info->name, register_json(info, value));
			continue;
		}
		printf("%03x  %-8s %-22s %08x", info->offset, info->block, info->name, value);
		for (uint32_t f = 0; f < info->fields; f++) {
			uint32_t mask = info->field[f].width == 32
						? UINT32_MAX
						: (1u << info->field[f].width) - 1;

			printf("  %s=%u", info->field[f].name, value >> info->field[f].shift & mask);
		}
		printf("\n");
	}
	if (!found) {
		snprintf(card->error, sizeof(card->error), "regs: no readable register %s",
			 options->argv[0]);
		json_decref(object);
		return -ENOENT;
	}
	if (options->json)
		print_object(object, true);
	else
		json_decref(object);
	return 0;
}

/* ---- log ---- */

int command_log(struct card *card, const struct options *options)
{
	uint64_t sequence = 0, lost = 0;
	json_t *list = json_array();
	char text[16];

	for (;;) {
		struct request request = { .bytes = 0 };
		struct response response;
		struct weir_log_record record;
		uint32_t bytes = 0;

		request_add(&request, WEIR_ATTRIBUTE_SEQUENCE, sequence);
		int error = card_command(card, WEIR_COMMAND_LOG_READ, &request, &response);

		if (error) {
			json_decref(list);
			return error;
		}
		const uint8_t *data = response_bytes(&response, WEIR_ATTRIBUTE_RECORDS, &bytes);

		response_get(&response, WEIR_ATTRIBUTE_SEQUENCE, &sequence);
		if (response_get(&response, WEIR_ATTRIBUTE_LOST, &lost) && lost && !options->json)
			printf("(%llu lines lost)\n", (unsigned long long)lost);
		for (uint32_t at = 0; data && at + sizeof(record) <= bytes; at += sizeof(record)) {
			memcpy(&record, data + at, sizeof(record));
			const char *level =
				name_of(weir_log_level_names, weir_le16_to_cpu(record.level));
			uint64_t time_ns = weir_le64_to_cpu(record.time_ns);
			uint16_t function = weir_le16_to_cpu(record.function);
			int length =
				(int)strnlen((const char *)record.message, sizeof(record.message));

			if (options->json)
				json_array_append_new(
					list,
					json_pack("{s:I, s:I, s:i, s:s, s:s#}", "time_ns",
						  (json_int_t)time_ns, "sequence",
						  (json_int_t)weir_le32_to_cpu(record.sequence),
						  "function", function, "level", level ? level : "?",
						  "message", record.message, length));
			else
				printf("%12.6f  %-7s %-8s %.*s\n", (double)time_ns / 1e9,
				       function_text(function, text), level ? level : "?", length,
				       record.message);
		}
		if (bytes)
			continue;
		if (!options->follow)
			break;
		fflush(stdout);
		struct timespec wait = { 0, 200000000 };

		nanosleep(&wait, NULL);
	}
	if (options->json)
		print_object(list, true);
	else
		json_decref(list);
	return 0;
}
