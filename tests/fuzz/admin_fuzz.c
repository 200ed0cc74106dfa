/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Anything a driver may say by admin queue, mailbox and admin registers: VF 1's driver as it likes, the PF's and the owner's through the
 * same commands (the PF's rings stay its own). An input is a row of acts; see enum act. Whatever happens:
 *   - responses are well-formed and never longer than the room for them;
 *   - a VF gets nothing done that needs a privilege, and what it is refused is counted;
 *   - an admin queue that stops by itself says why, is counted, and the PF is told;
 *   - nothing of VF 2 changes unless the PF or the owner said so (see also fuzz_undisturbed()).
 */
#include "card.h"

#include <string.h>

#include "weir/weir_config_space.h"
#include "weir/weir_tables.h"

enum act {
	ACT_TYPED, /* a command of the table with attributes of the table, values from the input, lengths right or not */
	ACT_BYTES, /* any opcode, any bytes */
	ACT_ENTRY, /* any submission entry, and a tail */
	ACT_REGISTER, /* any value into any register of VF 1 but its reset */
	ACT_WINDOW,   /* any word into the mailbox window */
	ACT_TURNS,
	ACT_TAKE,   /* VF 1 takes what came */
	ACT_ENABLE, /* VF 1's rings anew, of any size, or where nothing is */
	ACT_TIME,
	ACT_LINK,
	ACT_MASTER, /* bus master off or on */
	ACT_RESET,  /* of VF 1 */
	ACTS,
};

/* How a command goes in. WAY_ROOM: by the queue, with little room for the response. */
enum way { WAY_QUEUE, WAY_MAILBOX, WAY_PF_MAILBOX, WAY_OWNER, WAY_ROOM, WAYS };

static struct host *host;
/* Did PF or owner decide something that may touch VF 2? */
static bool superior_spoke;

/* ---- VF 1's admin queue as it was last looked at ---- */

static struct {
	bool running, touched; /* touched: enabled, disabled or reset since */
	uint64_t stopped;
	uint32_t stops;
} watch;

static void look(void)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];

	host_settle(host);
	uint32_t status = host_read(bad, WEIR_REG_ADMIN_STATUS);
	uint32_t error = WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, status);
	bool running = WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING, status);
	uint64_t stopped = fuzz_counter(host, FUZZ_BAD, WEIR_STATS_SCOPE_FUNCTION,
					WEIR_STAT_FUNCTION_QUEUES_STOPPED);

	MUST(!running || error == WEIR_STATUS_OK);
	if (watch.running && !running && !watch.touched) {
		MUST(error == WEIR_STATUS_BAD_VALUE || error == WEIR_STATUS_DMA_FAULT);
		MUST(stopped > watch.stopped);
		watch.stops++;
	}
	watch.running = running;
	watch.stopped = stopped;
	watch.touched = false;
}

/* A response that came with OK holds attributes of its command, in bounds, without MUST. */
static void check_response(uint16_t opcode, const uint8_t *data, uint32_t bytes)
{
	struct weir_attribute_set allowed = { { 0 } };
	uint32_t at = 0;

	for (size_t i = 0; i < WEIR_COMMAND_RULES; i++)
		if (weir_command_rules[i].opcode == opcode)
			allowed = weir_command_rules[i].response;
	MUST(bytes <= WEIR_ADMIN_DATA_MAX_BYTES);
	while (at < bytes) {
		MUST(bytes - at >= 4);
		uint32_t type = data[at] | (uint32_t)data[at + 1] << 8,
			 length = data[at + 2] | (uint32_t)data[at + 3] << 8;

		MUST(WEIR_SET_HAS(allowed, type));
		MUST(length >= weir_attribute_rules[type].min_bytes &&
		     length <= weir_attribute_rules[type].max_bytes);
		MUST(((length + 3) & ~3u) <= bytes - at - 4);
		at += 4 + ((length + 3) & ~3u);
	}
	MUST(at == bytes);
}

/* Do the request's attributes lie within it, with zeros behind their values? */
static bool is_whole(const uint8_t *request, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes;) {
		if (bytes - at < 4)
			return false;
		uint32_t length = request[at + 2] | (uint32_t)request[at + 3] << 8,
			 padded = (length + 3) & ~3u;

		if (padded > bytes - at - 4)
			return false;
		for (uint32_t i = length; i < padded; i++)
			if (request[at + 4 + i])
				return false;
		at += 4 + padded;
	}
	return bytes % 4 == 0;
}

static bool is_privileged(uint16_t opcode)
{
	return opcode >= WEIR_COMMAND_LINK_SET && opcode != WEIR_COMMAND_TIME_GET;
}

static uint64_t refused(void)
{
	return fuzz_counter(host, FUZZ_BAD, WEIR_STATS_SCOPE_FUNCTION,
			    WEIR_STAT_FUNCTION_ADMIN_ERRORS);
}

static void by_mailbox(struct host_function *function, uint16_t opcode, const uint8_t *request,
		       uint32_t bytes)
{
	static uint8_t response[WEIR_ADMIN_DATA_MAX_BYTES];
	bool vf = function->index != 0;
	uint32_t word = 0, status;

	host_settle(host);
	if (host_read(function, WEIR_REG_MAILBOX_STATUS) & WEIR_REG_MAILBOX_STATUS_BUSY_MASK)
		return;
	uint64_t before = refused();

	for (uint32_t at = 0; at < bytes; at += 4) {
		memcpy(&word, request + at, bytes - at < 4 ? bytes - at : 4);
		host_write(function, WEIR_REG_MAILBOX_WINDOW_VALUE + at, word);
	}
	host_write(function, WEIR_REG_MAILBOX_REQUEST, opcode | bytes << 16);
	host_settle(host);
	status = host_read(function, WEIR_REG_MAILBOX_STATUS);
	if (!(status & WEIR_REG_MAILBOX_STATUS_DONE_MASK))
		return;
	switch (WEIR_GET(WEIR_REG_MAILBOX_STATUS_STATUS, status)) {
	case WEIR_STATUS_OK:
		break;
	case WEIR_STATUS_NOT_PERMITTED:
	case WEIR_STATUS_BAD_LENGTH:
	case WEIR_STATUS_BAD_ATTRIBUTE:
	case WEIR_STATUS_MISSING_ATTRIBUTE:
		MUST(!vf || refused() > before);
		return;
	default:
		return;
	}
	MUST(!vf || !is_privileged(opcode));
	MUST(is_whole(request, bytes));
	uint32_t length = WEIR_GET(WEIR_REG_MAILBOX_STATUS_LENGTH, status);

	for (uint32_t at = 0; at < length && at < sizeof(response); at += 4) {
		word = host_read(function, WEIR_REG_MAILBOX_WINDOW_VALUE + at);
		memcpy(response + at, &word, 4);
	}
	check_response(opcode, response, length);
}

/* Where nothing else of VF 1 points to. */
#define APART 0x40000000u

static uint8_t apart[2 * WEIR_ADMIN_DATA_MAX_BYTES] __attribute__((aligned(4096)));

static void by_queue(uint16_t opcode, const uint8_t *request, uint32_t bytes, uint32_t capacity,
		     uint64_t response_address)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];
	const struct weir_admin_command entry = {
		.opcode = weir_cpu_to_le16(opcode),
		.request_length = weir_cpu_to_le16((uint16_t)bytes),
		.response_capacity = weir_cpu_to_le16((uint16_t)capacity),
		.request_address = weir_cpu_to_le64(bad->admin_request),
		.response_address = weir_cpu_to_le64(response_address),
	};

	memcpy(host_pointer(bad, bad->admin_request), request, bytes);
	host_command_post(bad, &entry);
	host_command_ring(bad);
}

/* Behind the room for a response nothing is written. */
static void by_queue_in_room(uint16_t opcode, const uint8_t *request, uint32_t bytes)
{
	uint32_t capacity = opcode * 7 + bytes;

	capacity %= capacity & 1 ? 64 : sizeof(apart) / 2;
	memset(apart, 0xee, sizeof(apart));
	by_queue(opcode, request, bytes, capacity, host->functions[FUZZ_BAD].iova + APART);
	host_settle(host);
	for (uint32_t i = capacity; i < sizeof(apart); i++)
		MUST(apart[i] == 0xee);
}

static void command(enum way way, uint16_t opcode, const uint8_t *request, uint32_t bytes)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];
	static struct host_response response;

	if (way == WAY_PF_MAILBOX || way == WAY_OWNER) {
		superior_spoke |= opcode == WEIR_COMMAND_LINK_SET ||
				  opcode == WEIR_COMMAND_VF_SET || opcode == WEIR_COMMAND_VF_RESET;
		/* It may be VF 1 that is reset. */
		look();
		watch.touched = opcode == WEIR_COMMAND_VF_RESET;
	}
	switch (way) {
	case WAY_QUEUE:
		by_queue(opcode, request, bytes, WEIR_ADMIN_DATA_MAX_BYTES, bad->admin_response);
		break;
	case WAY_ROOM:
		by_queue_in_room(opcode, request, bytes);
		break;
	case WAY_MAILBOX:
		by_mailbox(bad, opcode, request, bytes);
		break;
	case WAY_PF_MAILBOX:
		/* Queues of the PF would lie in memory that its driver never gave. */
		if (opcode < WEIR_COMMAND_RX_QUEUE_CREATE || opcode > WEIR_COMMAND_TX_QUEUE_DESTROY)
			by_mailbox(&host->functions[0], opcode, request, bytes);
		break;
	default:
		if (host_manage_bytes(&host->functions[0], opcode, request, bytes, &response) ==
		    WEIR_STATUS_OK) {
			MUST(is_whole(request, bytes));
			check_response(opcode, response.data, response.bytes);
		} else {
			MUST(response.bytes == 0 || host->functions[0].detail == UINT32_MAX);
		}
		break;
	}
}

/* One attribute: its id from the command's own or any, its length by the table or not, its value small, large or as it comes. */
static uint32_t attribute(struct input *input, const struct weir_command_rule *rule, uint32_t nth,
			  uint8_t *to)
{
	uint8_t how = (uint8_t)take(input, 1);
	uint8_t own[WEIR_ATTRIBUTE_LIMIT], own_count = 0;
	uint32_t id = 0, length;

	for (; id < WEIR_ATTRIBUTE_LIMIT; id++)
		if (WEIR_SET_HAS(rule->required, id) || WEIR_SET_HAS(rule->optional, id))
			own[own_count++] = (uint8_t)id;
	if (how & 0x80 || !own_count)
		id = (uint32_t)take(input, 1) % 128;
	else
		id = own[nth % own_count];
	length = id < WEIR_ATTRIBUTE_LIMIT ? weir_attribute_rules[id].max_bytes : 4;
	if (how & 0x40)
		length = (uint32_t)take(input, 1) * (how & 0x20 ? 5 : 1);
	to[0] = (uint8_t)id;
	to[1] = how & 0x10 ? 0 : 0x80;
	to[2] = (uint8_t)length;
	to[3] = (uint8_t)(length >> 8);
	memset(to + 4, 0, (length + 3) & ~3u);
	take_bytes(input, to + 4,
		   length < 8	? (how & 0x08 ? length : 1)
		   : how & 0x08 ? length
		   : how & 0x04 ? 8
				: 2);
	/* What must be zero behind a value is not. */
	if ((how & 0x60) == 0x20 && length % 4)
		to[4 + length] = 1;
	/* An address in VF 1's memory. */
	if (how & 0x04 && length == 8) {
		uint64_t place = host->functions[FUZZ_BAD].iova + 0x100000;

		memcpy(to + 4 + 3, (uint8_t *)&place + 3, 5);
	}
	return 4 + ((length + 3) & ~3u);
}

/* The command of that opcode, or the next there is: so that new commands leave what inputs mean to the others. */
static const struct weir_command_rule *rule_at(uint16_t opcode)
{
	const struct weir_command_rule *found = &weir_command_rules[0];

	for (size_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];

		if (rule->opcode >= opcode &&
		    (found->opcode < opcode || rule->opcode < found->opcode))
			found = rule;
	}
	return found;
}

static void typed(struct input *input)
{
	static uint8_t request[3 * WEIR_ADMIN_DATA_MAX_BYTES];
	enum way way = (enum way)(take(input, 1) % WAYS);
	const struct weir_command_rule *rule = rule_at((uint16_t)(take(input, 1) % 128));
	uint32_t count = (uint32_t)take(input, 1) % 12, bytes = 0;

	for (uint32_t i = 0; i < count && bytes < WEIR_ADMIN_DATA_MAX_BYTES; i++)
		bytes += attribute(input, rule, i, request + bytes);
	if (bytes > WEIR_ADMIN_DATA_MAX_BYTES)
		bytes = WEIR_ADMIN_DATA_MAX_BYTES;
	command(way, rule->opcode, request, bytes);
}

static void raw_bytes(struct input *input)
{
	static uint8_t request[WEIR_ADMIN_DATA_MAX_BYTES];
	enum way way = (enum way)(take(input, 1) % WAYS);
	uint16_t opcode = (uint16_t)take(input, take(input, 1) & 1 ? 2 : 1);
	uint32_t bytes = take_bytes(input, request, (uint32_t)take(input, 1));

	command(way, opcode, request, bytes);
}

static void raw_entry(struct input *input)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];
	struct weir_admin_command entry;
	uint8_t how = (uint8_t)take(input, 1);

	memset(&entry, 0, sizeof(entry));
	take_bytes(input, &entry, how & 1 ? sizeof(entry) : 8);
	if (how & 2)
		entry.request_address =
			weir_cpu_to_le64(bad->iova + (weir_le64_to_cpu(entry.request_address) &
						      (2 * HOST_MEMORY_BYTES - 1)));
	if (how & 4)
		entry.response_address =
			weir_cpu_to_le64(bad->iova + (weir_le64_to_cpu(entry.response_address) &
						      (2 * HOST_MEMORY_BYTES - 1)));
	host_command_post(bad, &entry);
	if (how & 8)
		host_write(bad, WEIR_REG_ADMIN_SQ_TAIL, (uint32_t)take(input, how & 16 ? 4 : 2));
	else
		host_command_ring(bad);
}

static void raw_register(struct input *input)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];
	const struct weir_register_info *info = &weir_registers[take(input, 1) % WEIR_REGISTERS];
	uint32_t value = (uint32_t)take(input, 4);

	if (info->offset == WEIR_REG_CONTROL)
		return;
	if (info->offset == WEIR_REG_ADMIN_CONTROL)
		look();
	watch.touched |= info->offset == WEIR_REG_ADMIN_CONTROL;
	host_write(bad, info->offset, value);
}

/* What came, without believing any of it: other DMA may have written there. */
static void take_entries(void)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];
	const struct weir_admin_completion *ring = host_pointer(bad, bad->admin_cq);

	for (uint32_t i = 0; i < 64; i++) {
		uint32_t phase = ~(uint32_t)bad->admin_head >> bad->admin_cq_log2 & 1;

		if ((weir_le32_to_cpu(
			     ring[bad->admin_head & ((1u << bad->admin_cq_log2) - 1)].flags) &
		     1) != phase)
			break;
		bad->admin_head++;
	}
	host_write(bad, WEIR_REG_ADMIN_CQ_HEAD, bad->admin_head);
}

static void enable(struct input *input)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];
	uint8_t how = (uint8_t)take(input, 1);

	look();
	watch.touched = true;
	host_write(bad, WEIR_REG_ADMIN_CONTROL, 0);
	if (how & 0x80)
		host_settle(host);
	if (how & 0x40) {
		uint64_t sq = bad->iova + (take(input, 4) << (how & 0x20 ? 6 : 0)),
			 cq = bad->iova + (take(input, 4) << (how & 0x20 ? 6 : 0));

		host_admin_enable(bad, sq, cq, (uint32_t)take(input, 4));
		return;
	}
	/* Properly: sizes from the input, within bounds. */
	bad->allocated = 0;
	memset(bad->memory, 0, 0x20000);
	host_admin_open(bad, (uint8_t)(3 + how % 4), (uint8_t)(7 + how % 3),
			(uint16_t)(how & 0x10 ? 0xffff : 0));
}

static void reset(struct input *input)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];

	look();
	watch.touched = true;
	if (take(input, 1) & 1)
		host_flr(bad);
	else
		host_write(bad, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	host_settle(host);
	host_forget(bad);
	MUST(host_start(bad));
}

static void act(struct input *input)
{
	struct host_function *bad = &host->functions[FUZZ_BAD];
	uint32_t place;

	switch ((enum act)(take(input, 1) % ACTS)) {
	case ACT_TYPED:
		typed(input);
		break;
	case ACT_BYTES:
		raw_bytes(input);
		break;
	case ACT_ENTRY:
		raw_entry(input);
		break;
	case ACT_REGISTER:
		raw_register(input);
		break;
	case ACT_WINDOW:
		place = WEIR_REG_MAILBOX_WINDOW_VALUE + ((uint32_t)take(input, 2) & 0xffc);
		host_write(bad, place, (uint32_t)take(input, 4));
		break;
	case ACT_TURNS:
		for (uint32_t i = (uint32_t)take(input, 1) % 16; i; i--)
			host_turn(host);
		break;
	case ACT_TAKE:
		look();
		take_entries();
		break;
	case ACT_ENABLE:
		enable(input);
		break;
	case ACT_TIME:
		weirsim_advance_ns(host->sim, take(input, 1) * 20000000);
		break;
	case ACT_LINK:
		weirsim_wire_link(host->sim, 0, take(input, 1) & 1);
		break;
	case ACT_MASTER:
		weirsim_config_write(host->sim, FUZZ_BAD, WEIR_CFG_COMMAND,
				     take(input, 1) & 1 ? 4 : 0, 2);
		break;
	default:
		reset(input);
		break;
	}
}

/* What the administrator decided for VF 2, and how it is. */
static void get_neighbour(struct host_response *response)
{
	MUST(host_manage(host, WEIR_COMMAND_VF_GET, HOST_REQUEST(HOST_U(FUNCTION, FUZZ_NEIGHBOUR)),
			 response) == WEIR_STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	static struct host_response before, after;

	host = fuzz_card(&input, true);
	struct host_function *bad = &host->functions[FUZZ_BAD], *pf = &host->functions[0];

	MUST(weirsim_dma_map(host->sim, FUZZ_BAD, bad->iova + APART, apart, sizeof(apart),
			     WEIRSIM_READ | WEIRSIM_WRITE) == 0);
	memset(&watch, 0, sizeof(watch));
	superior_spoke = false;
	get_neighbour(&before);
	look();
	while (input.left)
		act(&input);
	weirsim_wire_link(host->sim, 0, true);
	weirsim_config_write(host->sim, FUZZ_BAD, WEIR_CFG_COMMAND, 6, 2);
	look();
	if (watch.stops) {
		host_take_events(pf);
		MUST(pf->events[WEIR_EVENT_MISBEHAVIOUR] > 0);
	}
	get_neighbour(&after);
	if (!superior_spoke)
		MUST(before.bytes == after.bytes && !memcmp(before.data, after.data, before.bytes));
	/* Counters add up. */
	MUST(refused() <= fuzz_counter(host, FUZZ_BAD, WEIR_STATS_SCOPE_FUNCTION,
				       WEIR_STAT_FUNCTION_ADMIN_COMMANDS));
	/* VF 1 itself is no worse for it, once it starts again. */
	host_write(bad, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	host_settle(host);
	host_forget(bad);
	MUST(host_start(bad));
	MUST(host_command(bad, WEIR_COMMAND_ECHO, NULL, NULL) == WEIR_STATUS_OK);
	fuzz_end(host);
	return 0;
}
