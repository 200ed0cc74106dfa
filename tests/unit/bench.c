/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* ---- a card ---- */

struct card *card_new_config(const struct weir_firmware_config *config)
{
	struct card *card = calloc(1, sizeof(*card));

	WEIR_REQUIRE(card != NULL);
	board_start(&card->hal, config->total_vfs);
	card->memory_bytes = weir_firmware_bytes(config);
	WEIR_REQUIRE(card->memory_bytes != 0);
	WEIR_REQUIRE(card->memory_bytes % 64 == 0);
	card->memory = aligned_alloc(64, card->memory_bytes);
	WEIR_REQUIRE(card->memory != NULL);
	memset(card->memory, 0, card->memory_bytes);
	card->firmware = weir_firmware_init(card->memory, &card->hal, config);
	WEIR_REQUIRE(card->firmware != NULL);
	return card;
}

struct card *card_new(uint16_t total_vfs)
{
	struct weir_firmware_config config = {
		.total_vfs = total_vfs,
		.ports = 1,
		.queue_pairs = 4u + total_vfs * 4u,
		.filters = 1024,
		.log_records = 64,
		.trace_records = 128,
	};
	struct card *card = card_new_config(&config);

	weir_firmware_poll(card->firmware);
	WEIR_REQUIRE_EQ(card_state(card, 0), WEIR_FUNCTION_STATE_READY);
	return card;
}

/* Every command buffer is free, or some function's: none was lost, and none is two's. */
static void count_command_buffers(const struct weir_firmware *firmware)
{
	const struct weir_command_buffer *free = firmware->free_command_buffers;
	uint32_t count = 0;

	for (; free && count <= WEIR_COMMAND_BUFFERS; free = free->next)
		count++;
	for (uint32_t i = 0; i < firmware->function_count; i++) {
		count += firmware->functions[i].admin.buffer != NULL;
		count += firmware->functions[i].mailbox_buffer != NULL;
	}
	WEIR_EXPECT_EQ(count, WEIR_COMMAND_BUFFERS);
}

void card_free(struct card *card)
{
	if (card->firmware)
		count_command_buffers(card->firmware);
	WEIR_EXPECT_STR(card->hal.violation, "");
	WEIR_EXPECT_EQ(card->hal.violations, 0);
	free(card->memory);
	free(card);
}

void card_poll(struct card *card, uint32_t times)
{
	while (times--)
		weir_firmware_poll(card->firmware);
}

void card_run(struct card *card)
{
	uint32_t idle = 0;

	for (uint32_t i = 0; i < 100000 && idle < 8; i++) {
		uint32_t done =
			weir_firmware_poll(card->firmware) + board_complete(&card->hal, 1000);

		idle = done ? 0 : idle + 1;
	}
	WEIR_EXPECT(idle >= 8);
}

void card_enable_vfs(struct card *card, uint16_t count)
{
	board_vf_enable(&card->hal, count);
	card_run(card);
	for (uint16_t i = 1; i <= count; i++)
		WEIR_REQUIRE_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
}

uint32_t card_state(struct card *card, uint16_t function)
{
	return WEIR_GET(WEIR_REG_STATUS_STATE, board_read(&card->hal, function, WEIR_REG_STATUS));
}

/* ---- attributes ---- */

void add_bytes(struct attributes *attributes, uint16_t type, const void *value, uint32_t bytes)
{
	uint8_t *to = attributes->data + attributes->bytes;
	uint32_t padded = (bytes + 3) & ~3u;

	WEIR_REQUIRE(attributes->bytes + 4 + padded <= sizeof(attributes->data));
	weir_put_le(to, type, 2);
	weir_put_le(to + 2, bytes, 2);
	memset(to + 4, 0, padded);
	if (bytes)
		memcpy(to + 4, value, bytes);
	attributes->bytes += 4 + padded;
}

void add_number(struct attributes *attributes, uint16_t id, uint64_t value)
{
	uint8_t bytes[8];

	weir_put_le(bytes, value, 8);
	add_bytes(attributes, id | WEIR_ATTRIBUTE_MUST, bytes, weir_attribute_rules[id].min_bytes);
}

void add_mac(struct attributes *attributes, const uint8_t mac[6])
{
	add_bytes(attributes, WEIR_ATTRIBUTE_MAC | WEIR_ATTRIBUTE_MUST, mac, 6);
}

const uint8_t *find_attribute(const uint8_t *response, uint32_t bytes, uint16_t id,
			      uint32_t *value_bytes)
{
	for (uint32_t at = 0; at + 4 <= bytes;) {
		uint32_t length = (uint32_t)weir_get_le(response + at + 2, 2);

		if (weir_get_le(response + at, 2) == id && at + 4 + length <= bytes) {
			*value_bytes = length;
			return response + at + 4;
		}
		at += 4 + ((length + 3) & ~3u);
	}
	return NULL;
}

uint64_t get_number(const uint8_t *response, uint32_t bytes, uint16_t id)
{
	uint32_t length = 0;
	const uint8_t *value = find_attribute(response, bytes, id, &length);

	WEIR_REQUIRE(value != NULL);
	WEIR_EXPECT_EQ(length, weir_attribute_rules[id].min_bytes);
	return weir_get_le(value, length);
}

/* ---- commands ---- */

static const struct attributes nothing;

struct reply manage(struct card *card, uint16_t opcode, const struct attributes *attributes)
{
	struct reply reply = { 0 };

	if (!attributes)
		attributes = &nothing;
	reply.status = weir_firmware_manage(card->firmware, opcode, attributes->data,
					    attributes->bytes, reply.data, sizeof(reply.data),
					    &reply.bytes, &reply.detail);
	return reply;
}

struct reply command(struct card *card, uint16_t function, uint16_t opcode,
		     const struct attributes *attributes)
{
	struct weir_function *owner = card_function(card, function);
	struct weir_answer answer;
	struct reply reply = { 0 };

	if (!attributes)
		attributes = &nothing;
	reply.status = weir_command_run(card->firmware, owner, (enum weir_role)owner->role, opcode,
					attributes->data, attributes->bytes, reply.data,
					sizeof(reply.data), false, &answer);
	reply.detail = answer.detail;
	reply.bytes = answer.response_bytes;
	return reply;
}

/* ---- admin queue ---- */

uint8_t *host_memory(struct host *host, uint32_t offset)
{
	return host->card->hal.functions[host->function].memory + offset;
}

static void write_register(struct host *host, uint32_t offset, uint32_t value)
{
	board_write(&host->card->hal, host->function, offset, value);
}

void host_enable(struct host *host, struct card *card, uint16_t function, uint8_t sq_log2,
		 uint8_t cq_log2)
{
	uint64_t base = board_domain(function);

	*host = (struct host){
		.card = card, .function = function, .sq_log2 = sq_log2, .cq_log2 = cq_log2
	};
	memset(host_memory(host, HOST_SQ), 0, HOST_REQUEST);
	write_register(host, WEIR_REG_ADMIN_SQ_BASE_LOW, (uint32_t)(base + HOST_SQ));
	write_register(host, WEIR_REG_ADMIN_SQ_BASE_HIGH, (uint32_t)((base + HOST_SQ) >> 32));
	write_register(host, WEIR_REG_ADMIN_CQ_BASE_LOW, (uint32_t)(base + HOST_CQ));
	write_register(host, WEIR_REG_ADMIN_CQ_BASE_HIGH, (uint32_t)((base + HOST_CQ) >> 32));
	write_register(host, WEIR_REG_ADMIN_SIZES,
		       WEIR_PREP(WEIR_REG_ADMIN_SIZES_SQ_LOG2, sq_log2) |
			       WEIR_PREP(WEIR_REG_ADMIN_SIZES_CQ_LOG2, cq_log2) |
			       WEIR_PREP(WEIR_REG_ADMIN_SIZES_VECTOR, HOST_VECTOR));
	write_register(host, WEIR_REG_ADMIN_CONTROL, 1);
}

bool host_running(struct host *host)
{
	return board_read(&host->card->hal, host->function, WEIR_REG_ADMIN_STATUS) &
	       WEIR_REG_ADMIN_STATUS_RUNNING_MASK;
}

enum weir_status host_error(struct host *host)
{
	uint32_t value = board_read(&host->card->hal, host->function, WEIR_REG_ADMIN_STATUS);

	return (enum weir_status)WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, value);
}

uint16_t host_submit(struct host *host, uint16_t opcode, const struct attributes *attributes,
		     uint16_t capacity)
{
	uint64_t base = board_domain(host->function);
	struct weir_admin_command command = {
		.opcode = opcode,
		.cookie = ++host->cookie,
		.response_capacity = capacity,
		.request_address = base + HOST_REQUEST,
		.response_address = base + HOST_RESPONSE,
	};
	uint32_t slot = host->sq_tail & ((1u << host->sq_log2) - 1);

	if (attributes) {
		command.request_length = (uint16_t)attributes->bytes;
		memcpy(host_memory(host, HOST_REQUEST), attributes->data, attributes->bytes);
	}
	memcpy(host_memory(host, HOST_SQ) + slot * sizeof(command), &command, sizeof(command));
	host->sq_tail++;
	write_register(host, WEIR_REG_ADMIN_SQ_TAIL, host->sq_tail);
	return command.cookie;
}

bool host_take(struct host *host, struct weir_admin_completion *entry)
{
	uint32_t slot = host->cq_head & ((1u << host->cq_log2) - 1);
	bool phase = !(host->cq_head >> host->cq_log2 & 1);

	memcpy(entry, host_memory(host, HOST_CQ) + slot * sizeof(*entry), sizeof(*entry));
	if ((entry->flags & WEIR_ADMIN_COMPLETION_PHASE_MASK) != phase)
		return false;
	WEIR_EXPECT_EQ(entry->flags, phase);
	host->cq_head++;
	if (entry->kind == WEIR_ADMIN_ENTRY_EVENT) {
		memcpy(&host->last_event, entry, sizeof(host->last_event));
		WEIR_REQUIRE(host->last_event.event < 8);
		host->events[host->last_event.event]++;
	}
	return true;
}

bool host_take_completion(struct host *host, struct weir_admin_completion *completion)
{
	while (host_take(host, completion)) {
		if (completion->kind == WEIR_ADMIN_ENTRY_COMPLETION)
			return true;
	}
	return false;
}

void host_take_events(struct host *host)
{
	struct weir_admin_completion entry;

	while (host_take(host, &entry))
		WEIR_EXPECT_EQ(entry.kind, WEIR_ADMIN_ENTRY_EVENT);
	host_acknowledge(host);
}

void host_acknowledge(struct host *host)
{
	write_register(host, WEIR_REG_ADMIN_CQ_HEAD, host->cq_head);
}

struct reply host_command(struct host *host, uint16_t opcode, const struct attributes *attributes)
{
	struct weir_admin_completion completion;
	struct reply reply = { 0 };
	uint16_t cookie = host_submit(host, opcode, attributes, WEIR_ADMIN_DATA_MAX_BYTES);

	card_run(host->card);
	WEIR_REQUIRE(host_take_completion(host, &completion));
	WEIR_EXPECT_EQ(completion.cookie, cookie);
	WEIR_EXPECT_EQ(completion.opcode, opcode);
	reply.status = (enum weir_status)completion.status;
	reply.detail = completion.detail;
	reply.bytes = completion.response_length;
	if (reply.status == WEIR_STATUS_OK)
		memcpy(reply.data, host_memory(host, HOST_RESPONSE), reply.bytes);
	host_acknowledge(host);
	return reply;
}

struct card *card_with_queue(struct host *host, uint16_t vfs)
{
	struct card *card = card_new(vfs);

	host_enable(host, card, 0, 3, 4);
	card_run(card);
	host_take_events(host);
	card_run(card);
	return card;
}

/* ---- mailbox ---- */

void mailbox_start(struct card *card, uint16_t function, uint16_t opcode,
		   const struct attributes *attributes)
{
	if (!attributes)
		attributes = &nothing;
	memcpy(card->hal.functions[function].window, attributes->data, attributes->bytes);
	board_write(&card->hal, function, WEIR_REG_MAILBOX_REQUEST,
		    WEIR_PREP(WEIR_REG_MAILBOX_REQUEST_OPCODE, opcode) |
			    WEIR_PREP(WEIR_REG_MAILBOX_REQUEST_LENGTH, attributes->bytes));
}

bool mailbox_done(struct card *card, uint16_t function, struct reply *reply)
{
	uint32_t status = board_read(&card->hal, function, WEIR_REG_MAILBOX_STATUS);

	if (!(status & WEIR_REG_MAILBOX_STATUS_DONE_MASK))
		return false;
	WEIR_EXPECT(!(status & WEIR_REG_MAILBOX_STATUS_BUSY_MASK));
	reply->status = (enum weir_status)WEIR_GET(WEIR_REG_MAILBOX_STATUS_STATUS, status);
	reply->detail = board_read(&card->hal, function, WEIR_REG_MAILBOX_DETAIL);
	reply->bytes = WEIR_GET(WEIR_REG_MAILBOX_STATUS_LENGTH, status);
	memcpy(reply->data, card->hal.functions[function].window, sizeof(reply->data));
	return true;
}

/* ---- requests ---- */

struct attributes queue_request(uint16_t function, bool receive, uint16_t queue)
{
	struct attributes attributes = { .bytes = 0 };
	uint64_t base = board_domain(function) + HOST_RINGS + queue * 0x1000u;

	add_number(&attributes, WEIR_ATTRIBUTE_QUEUE, queue);
	add_number(&attributes, WEIR_ATTRIBUTE_RING_ADDRESS, base);
	add_number(&attributes, WEIR_ATTRIBUTE_RING_LOG2, 6);
	add_number(&attributes, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, base + 0x800);
	add_number(&attributes, WEIR_ATTRIBUTE_VECTOR, 1);
	if (receive) {
		add_number(&attributes, WEIR_ATTRIBUTE_COMPLETION_LOG2, 6);
		add_number(&attributes, WEIR_ATTRIBUTE_BUFFER_BYTES, 2048);
	}
	return attributes;
}

struct attributes with_number(uint16_t id, uint64_t value)
{
	struct attributes request = { .bytes = 0 };

	add_number(&request, id, value);
	return request;
}

struct attributes vf_request(uint16_t function)
{
	struct attributes attributes = { .bytes = 0 };

	add_number(&attributes, WEIR_ATTRIBUTE_FUNCTION, function);
	return attributes;
}

uint64_t function_stat(struct card *card, uint16_t function, enum weir_stat_function stat)
{
	return card_function(card, function)->stats[stat];
}
