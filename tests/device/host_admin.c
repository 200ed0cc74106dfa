/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's admin queue: commands and their answers, events, and the other two ways in: mailbox and the card's owner. */
#include "host.h"

#include <string.h>

#include "weir/weir_tables.h"
#include "weir_cunit.h"

#define TURNS_MAX     200000u /* before an answer */
#define MAILBOX_TOKEN 0x7e57u

uint32_t host_encode(uint8_t *to, const struct host_attribute *attributes)
{
	uint32_t at = 0;

	for (; attributes->id; attributes++) {
		const struct weir_attribute_rule *rule = &weir_attribute_rules[attributes->id];
		uint16_t bytes = attributes->bytes ? attributes->bytes : rule->max_bytes;
		struct weir_attribute header = { weir_cpu_to_le16(attributes->id |
								  WEIR_ATTRIBUTE_MUST),
						 weir_cpu_to_le16(bytes) };
		uint64_t value = weir_cpu_to_le64(attributes->value);
		uint32_t padded = (bytes + 3u) & ~3u;

		memcpy(to + at, &header, sizeof(header));
		memset(to + at + 4, 0, padded);
		memcpy(to + at + 4, attributes->data ? attributes->data : &value, bytes);
		at += 4 + padded;
	}
	return at;
}

uint16_t host_command_post(struct host_function *function, const struct weir_admin_command *command)
{
	struct weir_admin_command *ring = host_pointer(function, function->admin_sq);
	struct weir_admin_command *place =
		&ring[function->admin_tail++ & ((1u << function->admin_sq_log2) - 1)];

	*place = *command;
	place->cookie = weir_cpu_to_le16(++function->admin_cookie);
	return function->admin_cookie;
}

void host_command_ring(struct host_function *function)
{
	host_write(function, WEIR_REG_ADMIN_SQ_TAIL, function->admin_tail);
}

/* A request that lies at admin_request. */
static void send_request(struct host_function *function, uint16_t opcode, uint32_t bytes)
{
	const struct weir_admin_command command = {
		.opcode = weir_cpu_to_le16(opcode),
		.request_length = weir_cpu_to_le16((uint16_t)bytes),
		.response_capacity = weir_cpu_to_le16(WEIR_ADMIN_DATA_MAX_BYTES),
		.request_address = weir_cpu_to_le64(function->admin_request),
		.response_address = weir_cpu_to_le64(function->admin_response),
	};

	host_command_post(function, &command);
	host_command_ring(function);
}

void host_command_send(struct host_function *function, uint16_t opcode,
		       const struct host_attribute *request)
{
	send_request(function, opcode,
		     request ? host_encode(host_pointer(function, function->admin_request), request)
			     : 0);
}

static void count_event(struct host_function *function, const struct weir_admin_completion *entry)
{
	struct weir_admin_event event;

	memcpy(&event, entry, sizeof(event));
	uint16_t id = weir_le16_to_cpu(event.event);

	WEIR_REQUIRE(id < 16);
	function->events[id] += weir_le16_to_cpu(event.count) ? weir_le16_to_cpu(event.count) : 1;
	function->last_event[id] = event;
}

bool host_entry(struct host_function *function, struct weir_admin_completion *entry)
{
	struct weir_admin_completion *ring = host_pointer(function, function->admin_cq);
	uint16_t at = function->admin_head & ((1u << function->admin_cq_log2) - 1);
	uint32_t phase = ~(uint32_t)function->admin_head >> function->admin_cq_log2 & 1;

	if ((weir_le32_to_cpu(ring[at].flags) & 1) != phase)
		return false;
	*entry = ring[at];
	WEIR_EXPECT_EQ(weir_le32_to_cpu(entry->generation), function->generation);
	function->admin_head++;
	if (weir_le16_to_cpu(entry->kind) == WEIR_ADMIN_ENTRY_EVENT)
		count_event(function, entry);
	return true;
}

void host_entries_done(struct host_function *function)
{
	host_write(function, WEIR_REG_ADMIN_CQ_HEAD, function->admin_head);
}

/* Takes the next entry of the completion ring; false: none. */
static bool take_entry(struct host_function *function, struct weir_admin_completion *entry)
{
	if (!host_entry(function, entry))
		return false;
	host_entries_done(function);
	return true;
}

void host_take_events(struct host_function *function)
{
	struct weir_admin_completion entry;

	host_settle(function->host);
	while (take_entry(function, &entry))
		host_settle(function->host);
}

int host_command_wait(struct host_function *function, struct host_response *response)
{
	struct weir_admin_completion entry;

	for (uint32_t i = 0; i < TURNS_MAX; i++) {
		while (take_entry(function, &entry)) {
			if (weir_le16_to_cpu(entry.kind) != WEIR_ADMIN_ENTRY_COMPLETION)
				continue;
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.cookie), function->admin_cookie);
			function->detail = weir_le32_to_cpu(entry.detail);
			if (response) {
				response->bytes = weir_le32_to_cpu(entry.response_length);
				if (response->bytes <= sizeof(response->data))
					memcpy(response->data,
					       host_pointer(function, function->admin_response),
					       response->bytes);
			}
			return weir_le16_to_cpu(entry.status);
		}
		host_turn(function->host);
	}
	return -1;
}

int host_command_bytes(struct host_function *function, uint16_t opcode, const void *request,
		       uint32_t bytes, struct host_response *response)
{
	WEIR_REQUIRE(bytes <= WEIR_ADMIN_DATA_MAX_BYTES);
	memcpy(host_pointer(function, function->admin_request), request, bytes);
	send_request(function, opcode, bytes);
	return host_command_wait(function, response);
}

/* Turns until MAILBOX_STATUS has these bits; what it is then, or at the end of patience. */
static uint32_t mailbox_wait(struct host_function *function, uint32_t mask, uint32_t wanted)
{
	uint32_t status = host_read(function, WEIR_REG_MAILBOX_STATUS);

	for (uint32_t i = 0; i < TURNS_MAX && (status & mask) != wanted; i++) {
		host_turn(function->host);
		status = host_read(function, WEIR_REG_MAILBOX_STATUS);
	}
	return status;
}

int host_mailbox_bytes(struct host_function *function, uint16_t opcode, const void *request,
		       uint32_t bytes, struct host_response *response)
{
	uint8_t padded[WEIR_ADMIN_DATA_MAX_BYTES] = { 0 };
	uint32_t word;

	host_write(function, WEIR_REG_MAILBOX_OWNER, MAILBOX_TOKEN);
	mailbox_wait(function, UINT32_MAX, 0);
	memcpy(padded, request, bytes < sizeof(padded) ? bytes : sizeof(padded));
	for (uint32_t at = 0; at < bytes && at < sizeof(padded); at += 4) {
		memcpy(&word, padded + at, 4);
		host_write(function, WEIR_REG_MAILBOX_WINDOW_VALUE + at, weir_le32_to_cpu(word));
	}
	host_write(function, WEIR_REG_MAILBOX_REQUEST,
		   WEIR_PREP(WEIR_REG_MAILBOX_REQUEST_OPCODE, opcode) |
			   WEIR_PREP(WEIR_REG_MAILBOX_REQUEST_LENGTH, bytes));
	uint32_t status = mailbox_wait(function, WEIR_REG_MAILBOX_STATUS_DONE_MASK,
				       WEIR_REG_MAILBOX_STATUS_DONE_MASK);

	if (!(status & WEIR_REG_MAILBOX_STATUS_DONE_MASK))
		return -1;
	function->detail = host_read(function, WEIR_REG_MAILBOX_DETAIL);
	if (response) {
		response->bytes = WEIR_GET(WEIR_REG_MAILBOX_STATUS_LENGTH, status);
		for (uint32_t at = 0; at < response->bytes && at < sizeof(response->data); at += 4) {
			word = weir_cpu_to_le32(
				host_read(function, WEIR_REG_MAILBOX_WINDOW_VALUE + at));
			memcpy(response->data + at, &word, 4);
		}
	}
	host_write(function, WEIR_REG_MAILBOX_OWNER, 0);
	return (int)WEIR_GET(WEIR_REG_MAILBOX_STATUS_STATUS, status);
}

int host_manage_bytes(struct host_function *function, uint16_t opcode, const void *request,
		      uint32_t bytes, struct host_response *response)
{
	uint8_t *data = response ? response->data : NULL;
	uint32_t response_bytes, detail;
	enum weir_status status = weirsim_manage(function->host->sim, opcode, request, bytes, data,
						 response ? sizeof(response->data) : 0,
						 &response_bytes, &detail);

	function->detail = detail;
	if (response)
		response->bytes = response_bytes;
	return (int)status;
}

int host_manage(struct host *host, uint16_t opcode, const struct host_attribute *request,
		struct host_response *response)
{
	uint8_t bytes[WEIR_ADMIN_DATA_MAX_BYTES];
	struct host_response ignored;

	return host_manage_bytes(&host->functions[0], opcode, bytes,
				 request ? host_encode(bytes, request) : 0,
				 response ? response : &ignored);
}

int host_vf_set(struct host *host, uint16_t vf, uint16_t attribute, uint64_t value)
{
	return host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
			    HOST_REQUEST(HOST_U(FUNCTION, vf), { attribute, 0, value, NULL }),
			    NULL);
}

int host_port_vlan(struct host *host, uint16_t vf, uint16_t vlan, uint8_t priority,
		   uint16_t protocol)
{
	return host_command(&host->functions[0], WEIR_COMMAND_VF_SET,
			    HOST_REQUEST(HOST_U(FUNCTION, vf), HOST_U(VLAN, vlan),
					 HOST_U(VLAN_PRIORITY, priority),
					 HOST_U(VLAN_PROTOCOL, protocol)),
			    NULL);
}

int host_vport_flags(struct host_function *function, uint32_t flags, uint32_t mask)
{
	return host_command(
		function, WEIR_COMMAND_VPORT_SET,
		HOST_REQUEST(HOST_U(VPORT_FLAGS, flags), HOST_U(VPORT_FLAGS_MASK, mask)), NULL);
}

int host_command(struct host_function *function, uint16_t opcode,
		 const struct host_attribute *request, struct host_response *response)
{
	if (function->by_mailbox) {
		uint8_t bytes[WEIR_ADMIN_DATA_MAX_BYTES] = { 0 };

		return host_mailbox_bytes(function, opcode, bytes,
					  request ? host_encode(bytes, request) : 0, response);
	}
	host_command_send(function, opcode, request);
	return host_command_wait(function, response);
}

const void *host_get_bytes(const struct host_response *response, uint16_t id, uint32_t *bytes)
{
	for (uint32_t at = 0; at + 4 <= response->bytes;) {
		struct weir_attribute header;

		memcpy(&header, response->data + at, sizeof(header));
		uint32_t length = weir_le16_to_cpu(header.length);

		if ((weir_le16_to_cpu(header.type) & ~WEIR_ATTRIBUTE_MUST) == id) {
			*bytes = length;
			return response->data + at + 4;
		}
		at += 4 + ((length + 3) & ~3u);
	}
	return NULL;
}

bool host_get(const struct host_response *response, uint16_t id, uint64_t *value)
{
	uint32_t bytes;
	const void *data = host_get_bytes(response, id, &bytes);

	if (!data || bytes > 8)
		return false;
	*value = 0;
	memcpy(value, data, bytes);
	*value = weir_le64_to_cpu(*value);
	return true;
}

static uint64_t value_of(const struct host_response *response, int status, uint16_t attribute)
{
	uint64_t value = UINT64_MAX;

	WEIR_REQUIRE_EQ(status, WEIR_STATUS_OK);
	WEIR_REQUIRE(host_get(response, attribute, &value));
	return value;
}

uint64_t host_vport_value(struct host_function *function, uint16_t attribute)
{
	struct host_response response;
	int status = host_command(function, WEIR_COMMAND_VPORT_GET, NULL, &response);

	return value_of(&response, status, attribute);
}

uint64_t host_vf_value(struct host *host, uint16_t function, uint16_t attribute)
{
	struct host_response response;
	int status = host_command(&host->functions[0], WEIR_COMMAND_VF_GET,
				  HOST_REQUEST(HOST_U(FUNCTION, function)), &response);

	return value_of(&response, status, attribute);
}

uint64_t host_stat(struct host_function *function, enum weir_stats_scope scope, uint16_t index,
		   uint32_t counter)
{
	struct host_response response;
	uint32_t bytes;
	weir_le64 value;
	int status = host_command(function, WEIR_COMMAND_STATS_GET,
				  HOST_REQUEST(HOST_U(SCOPE, scope), HOST_U(INDEX, index)),
				  &response);

	WEIR_REQUIRE_EQ(status, WEIR_STATUS_OK);
	const uint8_t *data = host_get_bytes(&response, WEIR_ATTRIBUTE_STATISTICS, &bytes);

	WEIR_REQUIRE(data != NULL && (counter + 1) * 8 <= bytes);
	memcpy(&value, data + counter * 8, 8);
	return weir_le64_to_cpu(value);
}
