/* SPDX-License-Identifier: BSD-3-Clause */
#include "query.h"

#include <string.h>

#include "weir/weir_tables.h"

/* A response, and the attributes in it. */
struct response {
	uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
	uint32_t bytes;
};

/* An attribute's value, at most `room` bytes of it; what is missing is zero. */
static void get(const struct response *response, uint16_t id, void *to, size_t room)
{
	memset(to, 0, room);
	for (uint32_t at = 0; at + sizeof(struct weir_attribute) <= response->bytes;) {
		struct weir_attribute header;
		uint32_t length;

		memcpy(&header, response->data + at, sizeof(header));
		at += sizeof(header);
		length = weir_le16_to_cpu(header.length);
		if (length > response->bytes - at)
			return;
		if ((weir_le16_to_cpu(header.type) & ~WEIR_ATTRIBUTE_MUST) == id) {
			memcpy(to, response->data + at, length < room ? length : room);
			return;
		}
		at += (length + 3) & ~3u;
	}
}

static uint64_t get_number(const struct response *response, uint16_t id)
{
	weir_le64 value;

	get(response, id, &value, sizeof(value));
	return weir_le64_to_cpu(value);
}

/* Runs a command with at most one attribute, of a number of `bytes`. */
static bool run(struct weirsim *sim, uint16_t opcode, uint16_t id, uint16_t value, uint16_t bytes,
		struct response *response)
{
	struct {
		struct weir_attribute header;
		weir_le16 value;
		weir_le16 padding;
	} request = { { weir_cpu_to_le16(id | WEIR_ATTRIBUTE_MUST), weir_cpu_to_le16(bytes) },
		      weir_cpu_to_le16(value),
		      0 };
	uint32_t detail;
	enum weir_status status = weirsim_manage(sim, opcode, &request, id ? sizeof(request) : 0,
						 response->data, sizeof(response->data),
						 &response->bytes, &detail);

	if (status || response->bytes > sizeof(response->data))
		response->bytes = 0;
	return !status;
}

void query_card(struct weirsim *sim, struct query_card *card)
{
	struct response response;

	run(sim, WEIR_COMMAND_GET_INFO, 0, 0, 0, &response);
	get(&response, WEIR_ATTRIBUTE_FIRMWARE_VERSION, card->firmware_version,
	    sizeof(card->firmware_version));
	card->firmware_version[WEIR_STRING_BYTES] = '\0';
	card->serial = get_number(&response, WEIR_ATTRIBUTE_SERIAL);
	card->abi_version = (uint32_t)get_number(&response, WEIR_ATTRIBUTE_ABI_VERSION);
}

static const char *name_in(const struct weir_name *names, int value)
{
	for (; names->name; names++) {
		if (names->value == value)
			return names->name;
	}
	return "unknown";
}

void query_function(struct weirsim *sim, uint16_t function, struct query_function *life)
{
	enum weir_function_state state = WEIR_FUNCTION_STATE_INIT;
	struct response response;

	if (function)
		run(sim, WEIR_COMMAND_VF_GET, WEIR_ATTRIBUTE_FUNCTION, function, 2, &response);
	else
		run(sim, WEIR_COMMAND_GET_INFO, 0, 0, 0, &response);
	life->generation = (uint32_t)get_number(&response, WEIR_ATTRIBUTE_GENERATION);
	/* GET_INFO does not tell the PF's state; whether it is ready is what matters. */
	if (function)
		state = (enum weir_function_state)get_number(&response, WEIR_ATTRIBUTE_STATE);
	/* Hardware knows of a reset before the firmware does. */
	if (weirsim_function_usable(sim, function))
		state = WEIR_FUNCTION_STATE_READY;
	else if (state == WEIR_FUNCTION_STATE_READY)
		state = WEIR_FUNCTION_STATE_INIT;
	life->state = name_in(weir_function_state_names, (int)state);
}

void query_set_log_level(struct weirsim *sim, enum weir_log_level level)
{
	struct response response;

	/* What the firmware keeps for LOG_READ is at least what it keeps by itself. */
	if (level < WEIR_LOG_LEVEL_INFO)
		level = WEIR_LOG_LEVEL_INFO;
	run(sim, WEIR_COMMAND_LOG_LEVEL, WEIR_ATTRIBUTE_LEVEL, (uint16_t)level, 1, &response);
}

const char *query_status_name(enum weir_status status)
{
	return name_in(weir_status_names, (int)status);
}

bool query_opcode(const char *name, uint16_t *opcode)
{
	for (size_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		if (!strcmp(name, weir_command_rules[i].name)) {
			*opcode = weir_command_rules[i].opcode;
			return true;
		}
	}
	return false;
}

bool query_is_readable(uint32_t offset)
{
	static const uint32_t blocks[] = { WEIR_BLOCK_CONTROL, WEIR_BLOCK_ADMIN,
					   WEIR_BLOCK_MAILBOX };

	for (size_t i = 0; i < WEIR_REGISTERS; i++) {
		if (weir_registers[i].offset == offset)
			return weir_registers[i].access != 'o';
	}
	/* A block's header is two words. */
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		if (offset == blocks[i] || offset == blocks[i] + 4)
			return true;
	}
	return offset >= WEIR_REG_MAILBOX_WINDOW_VALUE &&
	       offset < WEIR_REG_MAILBOX_WINDOW_VALUE + WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE;
}
