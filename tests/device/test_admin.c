/* SPDX-License-Identifier: BSD-3-Clause */
/* The admin queue and the mailbox as machines (specs/admin-queue.md): rings, doorbells, events, faults, start and stop. */
#include "suite.h"

#include <string.h>

#include "weir/weir_config_space.h"

#define NOWHERE(function) ((function)->iova + 0x40000000u) /* mapped to nobody */
#define WHOLE		  0xffffffffu /* detail that speaks of the command as a whole */

/* A PF that is READY and has no admin queue yet. */
static struct host *bare_card(uint16_t vfs)
{
	struct host *host = host_create(vfs, test_seed());

	host_wire_capture(host);
	WEIR_REQUIRE(host_ready(&host->functions[0]));
	return host;
}

/* Commands may be answered with events between them: the next completion, false: none. */
static bool next_completion(struct host_function *function, struct weir_admin_completion *entry)
{
	do {
		if (!host_entry(function, entry))
			return false;
	} while (weir_le16_to_cpu(entry->kind) != WEIR_ADMIN_ENTRY_COMPLETION);
	return true;
}

/* An ECHO without data: the shortest command. */
static struct weir_admin_command echo(void)
{
	return (struct weir_admin_command){ .opcode = weir_cpu_to_le16(WEIR_COMMAND_ECHO) };
}

/* ---- commands ---- */

typedef int how_to_send(struct host_function *function, uint16_t opcode, const void *request,
			uint32_t bytes, struct host_response *response);

static how_to_send *const ways[] = { host_command_bytes, host_mailbox_bytes, host_manage_bytes };

static void echo_gives_data_back(void)
{
	struct host *host = test_card(0, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	uint8_t data[1024], request[1100];
	struct host_response response;

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t way = 0; way < WEIR_TESTS(ways); way++) {
		for (uint32_t bytes = 1; bytes <= sizeof(data); bytes += bytes < 40 ? 1 : 41) {
			uint32_t length = host_encode(
					 request,
					 HOST_REQUEST(HOST_BYTES(DATA, data, (uint16_t)bytes))),
				 got;

			WEIR_EXPECT_EQ(ways[way](pf, WEIR_COMMAND_ECHO, request, length, &response),
				       WEIR_STATUS_OK);
			const void *back = host_get_bytes(&response, WEIR_ATTRIBUTE_DATA, &got);

			WEIR_REQUIRE(back != NULL);
			WEIR_EXPECT_EQ(got, bytes);
			WEIR_EXPECT_MEM(back, data, bytes);
			/* Padding is zero, and the answer does not carry MUST. */
			WEIR_EXPECT_EQ(response.bytes, 4 + ((bytes + 3) & ~3u));
			WEIR_EXPECT_EQ(response.data[1] & 0x80, 0);
			for (uint32_t i = 4 + bytes; i < response.bytes; i++)
				WEIR_EXPECT_EQ(response.data[i], 0);
		}
		WEIR_EXPECT_EQ(ways[way](pf, WEIR_COMMAND_ECHO, request, 0, &response),
			       WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(response.bytes, 0);
	}
	host_destroy(host);
}

static void a_full_ring_of_commands_is_answered_in_order(void)
{
	struct host *host = bare_card(0);
	struct host_function *pf = &host->functions[0];
	const struct weir_admin_command command = echo();
	struct weir_admin_completion entry;

	WEIR_REQUIRE(host_admin_open(pf, 3, 4, WEIR_VECTOR_NONE));
	for (uint32_t round = 0; round < 40; round++) {
		uint16_t first = (uint16_t)(pf->admin_cookie + 1);

		for (uint32_t i = 0; i < 8; i++)
			host_command_post(pf, &command);
		host_command_ring(pf);
		host_settle(host);
		for (uint32_t i = 0; i < 8; i++) {
			WEIR_REQUIRE(next_completion(pf, &entry));
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.cookie), (uint16_t)(first + i));
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.opcode), WEIR_COMMAND_ECHO);
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.status), WEIR_STATUS_OK);
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.sq_head),
				       (uint16_t)(round * 8 + i + 1));
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.reserved), 0);
			WEIR_EXPECT_EQ(weir_le32_to_cpu(entry.reserved1), 0);
			WEIR_EXPECT_EQ(weir_le32_to_cpu(entry.flags) & ~1u, 0);
		}
		host_entries_done(pf);
	}
	host_destroy(host);
}

static void indices_and_phase_wrap_past_65536(void)
{
	struct host *host = bare_card(0);
	struct host_function *pf = &host->functions[0];
	const struct weir_admin_command command = echo();
	struct weir_admin_completion entry;
	uint32_t answered = 0;

	WEIR_REQUIRE(host_admin_open(pf, 9, 10, WEIR_VECTOR_NONE));
	while (answered < 66000) {
		for (uint32_t i = 0; i < 512; i++)
			host_command_post(pf, &command);
		host_command_ring(pf);
		host_settle(host);
		for (uint32_t i = 0; i < 512; i++, answered++)
			WEIR_REQUIRE(next_completion(pf, &entry));
		WEIR_REQUIRE_EQ(weir_le16_to_cpu(entry.cookie), pf->admin_cookie);
		host_entries_done(pf);
	}
	WEIR_EXPECT_EQ(host_command(pf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_stat(pf, WEIR_STATS_SCOPE_FUNCTION, 0,
				 WEIR_STAT_FUNCTION_ADMIN_COMMANDS),
		       answered + 1);
	host_destroy(host);
}

static void functions_are_served_side_by_side(void)
{
	struct host *host = test_card(8, 1, 2048, false);
	const struct weir_admin_command command = echo();

	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t i = 0; i <= 8; i++) {
			for (uint32_t k = 0; k < 16; k++)
				host_command_post(&host->functions[i], &command);
			host_command_ring(&host->functions[i]);
		}
		host_settle(host);
		for (uint32_t i = 0; i <= 8; i++) {
			struct weir_admin_completion entry;

			for (uint32_t k = 0; k < 16; k++)
				WEIR_REQUIRE(next_completion(&host->functions[i], &entry));
			WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.cookie),
				       host->functions[i].admin_cookie);
			host_entries_done(&host->functions[i]);
		}
	}
	host_destroy(host);
}

#define MANY_VFS 40 /* more than a card has buffers for commands */

/* ECHO of data that tells function and command apart. */
static void post_telling_echo(struct host_function *function, uint32_t which, uint64_t request,
			      uint64_t response)
{
	uint8_t data[512];
	uint32_t bytes;

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(function->index * 31 + which * 7 + i);
	bytes = host_encode(host_pointer(function, request),
			    HOST_REQUEST(HOST_BYTES(DATA, data, sizeof(data))));
	const struct weir_admin_command command = {
		.opcode = weir_cpu_to_le16(WEIR_COMMAND_ECHO),
		.request_length = weir_cpu_to_le16((uint16_t)bytes),
		.response_capacity = weir_cpu_to_le16((uint16_t)bytes),
		.request_address = weir_cpu_to_le64(request),
		.response_address = weir_cpu_to_le64(response),
	};

	host_command_post(function, &command);
}

/* All at once, by queue and by mailbox; some of them are reset in the middle, and must not keep what others need. */
static void many_functions_commands_get_their_turn_and_their_own_data(void)
{
	struct host *host = test_card(MANY_VFS, 1, 2048, false);
	uint64_t requests[MANY_VFS + 1][4], responses[MANY_VFS + 1][4];
	struct weir_admin_completion entry;

	for (uint32_t round = 0; round < 20; round++) {
		/* Room for what follows; the card's loop turns meanwhile. */
		for (uint32_t i = 0; i <= MANY_VFS; i++)
			host_take_events(&host->functions[i]);
		for (uint32_t i = 0; i <= MANY_VFS; i++) {
			struct host_function *function = &host->functions[i];

			for (uint32_t k = 0; k < 4; k++) {
				requests[i][k] = host_alloc(function, 1024, 64);
				responses[i][k] = host_alloc(function, 1024, 64);
				post_telling_echo(function, k, requests[i][k], responses[i][k]);
			}
			host_command_ring(function);
			if (i % 5 == 1)
				host_write(function, WEIR_REG_MAILBOX_REQUEST,
					   WEIR_COMMAND_GET_INFO);
		}
		for (uint32_t turns = 0; turns < round % 8; turns++)
			host_turn(host);
		/* The hardware's reset ends what is in flight, the firmware's waits for it. */
		for (uint32_t i = 2; i <= MANY_VFS; i += 2) {
			if (i % 8)
				host_flr(&host->functions[i]);
			else
				WEIR_EXPECT_EQ(host_manage(host, WEIR_COMMAND_VF_RESET,
							   HOST_REQUEST(HOST_U(FUNCTION, i)), NULL),
					       WEIR_STATUS_OK);
		}
		host_settle(host);
		for (uint32_t i = 0; i <= MANY_VFS; i++) {
			struct host_function *function = &host->functions[i];

			if (i && i % 2 == 0) {
				host_forget(function);
				WEIR_REQUIRE(host_start(function));
				continue;
			}
			for (uint32_t k = 0; k < 4; k++) {
				WEIR_REQUIRE(next_completion(function, &entry));
				WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.status), WEIR_STATUS_OK);
				/* Behind the attribute's header, which is not the same. */
				WEIR_EXPECT_EQ(memcmp(host_pointer(function, responses[i][k] + 4),
						      host_pointer(function, requests[i][k] + 4),
						      512),
					       0);
			}
			host_entries_done(function);
			if (i % 5 == 1)
				WEIR_EXPECT_EQ(host_read(function, WEIR_REG_MAILBOX_STATUS) & 3, 2);
		}
	}
	host_destroy(host);
}

/* The command's entry is checked before its opcode, that before privilege, that before the request is read. */
static void entries_are_checked_in_the_order_of_the_datasheet(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	static const struct {
		uint16_t opcode, request_length;
		uint64_t reserved;
		bool mapped;
		uint16_t status;
		uint32_t detail;
	} cases[] = {
		{ WEIR_COMMAND_ECHO, 0, 1, true, WEIR_STATUS_BAD_VALUE, 0 },
		{ WEIR_COMMAND_ECHO, 0, 1ull << 63, true, WEIR_STATUS_BAD_VALUE, 0 },
		{ 0xffff, 2, 1, false, WEIR_STATUS_BAD_VALUE, 0 },
		{ 0xffff, 2, 0, false, WEIR_STATUS_BAD_LENGTH, WHOLE },
		{ WEIR_COMMAND_ECHO, 1, 0, true, WEIR_STATUS_BAD_LENGTH, WHOLE },
		{ WEIR_COMMAND_ECHO, 4097, 0, true, WEIR_STATUS_BAD_LENGTH, WHOLE },
		{ WEIR_COMMAND_ECHO, 4100, 0, true, WEIR_STATUS_BAD_LENGTH, WHOLE },
		{ WEIR_COMMAND_ECHO, 0xffff, 0, true, WEIR_STATUS_BAD_LENGTH, WHOLE },
		{ 0xffff, 4, 0, false, WEIR_STATUS_UNKNOWN_COMMAND, 0 },
		{ 0, 0, 0, true, WEIR_STATUS_UNKNOWN_COMMAND, 0 },
		{ WEIR_COMMAND_LOG_READ, 4, 0, false, WEIR_STATUS_NOT_PERMITTED, 0 },
		{ WEIR_COMMAND_ECHO, 4, 0, false, WEIR_STATUS_DMA_FAULT, 0 },
		{ WEIR_COMMAND_ECHO, 4096, 0, true, WEIR_STATUS_BAD_LENGTH, 0 },
	};

	memset(host_pointer(vf, vf->admin_request), 0xff, WEIR_ADMIN_DATA_MAX_BYTES);
	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		const struct weir_admin_command command = {
			.opcode = weir_cpu_to_le16(cases[i].opcode),
			.request_length = weir_cpu_to_le16(cases[i].request_length),
			.request_address =
				weir_cpu_to_le64(cases[i].mapped ? vf->admin_request : NOWHERE(vf)),
			.reserved = weir_cpu_to_le64(cases[i].reserved),
		};

		host_command_post(vf, &command);
		host_command_ring(vf);
		WEIR_EXPECT_EQ(host_command_wait(vf, NULL), cases[i].status);
		WEIR_EXPECT_EQ(vf->detail, cases[i].detail);
	}
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_ADMIN_ERRORS),
		       WEIR_TESTS(cases));
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_DMA_FAULTS),
		       1);
	host_destroy(host);
}

static void requests_and_responses_out_of_reach_fail_the_command_alone(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	static uint8_t read_only[4096] __attribute__((aligned(4096)));
	const uint64_t closed = vf->iova + 0x10000000u;
	const uint64_t places[] = { NOWHERE(vf), vf->iova + HOST_MEMORY_BYTES - 8, UINT64_MAX - 3,
				    closed };

	memset(read_only, 0x5a, sizeof(read_only));
	WEIR_REQUIRE_EQ(weirsim_dma_map(host->sim, 1, closed, read_only, sizeof(read_only),
					WEIRSIM_READ),
			0);
	for (size_t i = 0; i < WEIR_TESTS(places); i++) {
		struct weir_admin_command command = {
			.opcode = weir_cpu_to_le16(WEIR_COMMAND_GET_INFO),
			.response_capacity = weir_cpu_to_le16(4096),
			.response_address = weir_cpu_to_le64(places[i]),
		};

		host_command_post(vf, &command);
		host_command_ring(vf);
		WEIR_EXPECT_EQ(host_command_wait(vf, NULL), WEIR_STATUS_DMA_FAULT);
		if (places[i] == closed)
			continue;
		command = echo();
		command.request_length = weir_cpu_to_le16(64);
		command.request_address = weir_cpu_to_le64(places[i]);
		host_command_post(vf, &command);
		host_command_ring(vf);
		WEIR_EXPECT_EQ(host_command_wait(vf, NULL), WEIR_STATUS_DMA_FAULT);
	}
	for (uint32_t i = 0; i < sizeof(read_only); i++)
		WEIR_EXPECT_EQ(read_only[i], 0x5a);
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_DMA_FAULTS),
		       7);
	WEIR_EXPECT_EQ(
		host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
	host_take_events(&host->functions[0]);
	WEIR_EXPECT(host->functions[0].events[WEIR_EVENT_MISBEHAVIOUR] > 0);
	WEIR_EXPECT_EQ(
		weir_le32_to_cpu(host->functions[0].last_event[WEIR_EVENT_MISBEHAVIOUR].detail),
		WEIR_MISBEHAVIOUR_DMA_FAULT);
	host_destroy(host);
}

static void a_response_that_does_not_fit_says_how_much_it_needs(void)
{
	struct host *host = test_card(0, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	struct host_response whole, response;

	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_GET_INFO, NULL, &whole), WEIR_STATUS_OK);
	for (uint32_t capacity = 0; capacity <= whole.bytes + 4; capacity++) {
		const struct weir_admin_command command = {
			.opcode = weir_cpu_to_le16(WEIR_COMMAND_GET_INFO),
			.response_capacity = weir_cpu_to_le16((uint16_t)capacity),
			.response_address = weir_cpu_to_le64(pf->admin_response),
		};
		uint8_t *place = host_pointer(pf, pf->admin_response);

		memset(place, 0xc3, WEIR_ADMIN_DATA_MAX_BYTES);
		host_command_post(pf, &command);
		host_command_ring(pf);
		int status = host_command_wait(pf, &response);

		WEIR_EXPECT_EQ(response.bytes, whole.bytes);
		WEIR_EXPECT_EQ(status,
			       capacity < whole.bytes ? WEIR_STATUS_BAD_LENGTH : WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(pf->detail, capacity < whole.bytes ? WHOLE : 0);
		if (capacity >= whole.bytes)
			WEIR_EXPECT_MEM(place, whole.data, whole.bytes);
		for (uint32_t i = capacity < whole.bytes ? 0 : whole.bytes;
		     i < WEIR_ADMIN_DATA_MAX_BYTES; i++)
			WEIR_REQUIRE_EQ(place[i], 0xc3);
	}
	host_destroy(host);
}

/* ---- start, stop ---- */

static void enabling_refuses_impossible_rings(void)
{
	struct host *host = bare_card(1);
	struct host_function *pf = &host->functions[0];
	const uint64_t good = pf->iova;
#define SIZES(sq, cq, vector) ((uint32_t)(sq) | (uint32_t)(cq) << 8 | (uint32_t)(vector) << 16)
	const struct {
		uint64_t sq, cq;
		uint32_t sizes;
		bool possible;
	} cases[] = {
		{ good, good + 0x10000, SIZES(3, 4, 0), true },
		{ good, good + 0x10000, SIZES(9, 10, 64), true },
		{ good, good + 0x10000, SIZES(3, 10, 0xffff), true },
		{ good, good + 0x10000, SIZES(2, 4, 0), false },
		{ good, good + 0x10000, SIZES(10, 10, 0), false },
		{ good, good + 0x10000, SIZES(10, 11, 0), false },
		{ good, good + 0x10000, SIZES(255, 255, 0), false },
		{ good, good + 0x10000, SIZES(4, 4, 0), false },
		{ good, good + 0x10000, SIZES(4, 3, 0), false },
		{ good, good + 0x10000, SIZES(3, 4, 65), false },
		{ good, good + 0x10000, SIZES(3, 4, 0xfffe), false },
		{ good + 32, good + 0x10000, SIZES(3, 4, 0), false },
		{ good, good + 0x10000 + 4, SIZES(3, 4, 0), false },
		{ UINT64_MAX - 63, good, SIZES(3, 4, 0), false },
		{ good, UINT64_MAX - 127, SIZES(3, 4, 0), false },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		uint32_t status = host_admin_enable(pf, cases[i].sq, cases[i].cq, cases[i].sizes);

		WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING, status), cases[i].possible);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, status),
			       cases[i].possible ? WEIR_STATUS_OK : WEIR_STATUS_BAD_VALUE);
		host_write(pf, WEIR_REG_ADMIN_CONTROL, 0);
		host_settle(host);
		WEIR_EXPECT_EQ(host_read(pf, WEIR_REG_ADMIN_STATUS), 0);
	}
	/* Writing ENABLE again, or other sizes, to a queue that runs changes nothing. */
	WEIR_REQUIRE(host_admin_open(pf, 3, 4, 0));
	host_write(pf, WEIR_REG_ADMIN_SIZES, SIZES(2, 2, 0));
	host_write(pf, WEIR_REG_ADMIN_SQ_BASE_LOW, 4);
	host_write(pf, WEIR_REG_ADMIN_CONTROL, WEIR_REG_ADMIN_CONTROL_ENABLE_MASK);
	WEIR_EXPECT_EQ(host_command(pf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
	host_destroy(host);
}

static void disabling_leaves_memory_alone_and_data_queues_moving(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	const struct weir_admin_command command = echo();
	struct weir_admin_completion entry;
	struct traffic traffic;

	traffic_start(&traffic, host);
	traffic_add(&traffic, vf, &host->functions[2], false);
	traffic_add(&traffic, &host->functions[2], vf, false);
	for (uint32_t round = 0; round < 20; round++) {
		uint64_t sq = vf->admin_sq, cq = vf->admin_cq;
		uint32_t sq_bytes = sizeof(command) << vf->admin_sq_log2,
			 cq_bytes = sizeof(entry) << vf->admin_cq_log2;

		for (uint32_t i = 0; i < 8; i++)
			host_command_post(vf, &command);
		host_command_ring(vf);
		traffic_turns(&traffic, round);
		host_write(vf, WEIR_REG_ADMIN_CONTROL, 0);
		for (uint32_t i = 0; host_read(vf, WEIR_REG_ADMIN_STATUS) & 1; i++) {
			WEIR_REQUIRE(i < 10000);
			traffic_turn(&traffic);
		}
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_ADMIN_STATUS), 0);
		/* RUNNING reads 0: the memory is the host's. */
		memset(host_pointer(vf, sq), 0x3c, sq_bytes);
		memset(host_pointer(vf, cq), 0x3c, cq_bytes);
		/* Events that nobody can be told of; frames on their way would be lost while the link is down. */
		host_settle(host);
		weirsim_wire_link(host->sim, 0, false);
		host_turn(host);
		weirsim_wire_link(host->sim, 0, true);
		host_settle(host);
		traffic_turns(&traffic, 50);
		for (uint32_t i = 0; i < sq_bytes; i++)
			WEIR_REQUIRE_EQ(((uint8_t *)host_pointer(vf, sq))[i], 0x3c);
		for (uint32_t i = 0; i < cq_bytes; i++)
			WEIR_REQUIRE_EQ(((uint8_t *)host_pointer(vf, cq))[i], 0x3c);
		/* A new queue starts at zero, with the link's state. */
		WEIR_REQUIRE(host_admin_open(vf, 4, 5, 0));
		WEIR_REQUIRE(host_entry(vf, &entry));
		WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.kind), WEIR_ADMIN_ENTRY_EVENT);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(entry.opcode), WEIR_EVENT_LINK);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(vf->last_event[WEIR_EVENT_LINK].detail), 1);
		host_entries_done(vf);
		WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
	}
	host_destroy(host);
}

static void enable_right_after_disable_starts_anew(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	const struct weir_admin_command command = echo();

	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < round % 9; i++)
			host_command_post(vf, &command);
		host_command_ring(vf);
		for (uint32_t i = 0; i < round % 5; i++)
			host_turn(host);
		host_write(vf, WEIR_REG_ADMIN_CONTROL, 0);
		/* Not even waiting for RUNNING=0. */
		WEIR_REQUIRE(host_admin_open(vf, 4, 5, 0));
		WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
	}
	host_destroy(host);
}

/* Expects that the queue stopped for this, and that the PF was told so. */
static void expect_stopped(struct host *host, struct host_function *vf, enum weir_status error,
			   enum weir_misbehaviour why)
{
	struct host_function *pf = &host->functions[0];

	host_settle(host);
	uint32_t status = host_read(vf, WEIR_REG_ADMIN_STATUS);

	WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING, status), 0);
	WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, status), error);
	host_pass_ms(host, 1001);
	host_take_events(pf);
	WEIR_REQUIRE(pf->events[WEIR_EVENT_MISBEHAVIOUR] > 0);
	const struct weir_admin_event *event = &pf->last_event[WEIR_EVENT_MISBEHAVIOUR];

	WEIR_EXPECT_EQ(weir_le16_to_cpu(event->function), vf->index);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(event->detail), why);
	/* No queue pair; the queue was stopped. */
	WEIR_EXPECT_EQ(weir_le64_to_cpu(event->data), 0x2ffff);
	pf->events[WEIR_EVENT_MISBEHAVIOUR] = 0;
	WEIR_REQUIRE(host_admin_open(vf, 4, 5, 0));
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
}

static void doorbells_beyond_the_rings_stop_the_queue(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	static const struct {
		uint32_t reg;
		uint16_t ahead;
		uint32_t high;
	} cases[] = {
		{ WEIR_REG_ADMIN_SQ_TAIL, 17, 0 },
		{ WEIR_REG_ADMIN_SQ_TAIL, 0x7fff, 0 },
		{ WEIR_REG_ADMIN_SQ_TAIL, 0xffff, 0 },
		{ WEIR_REG_ADMIN_CQ_HEAD, 1, 0 },
		{ WEIR_REG_ADMIN_CQ_HEAD, 0x8000, 0 },
		{ WEIR_REG_ADMIN_CQ_HEAD, 0xffff, 0 },
		/* A position that is right, in more than 16 bits. */
		{ WEIR_REG_ADMIN_SQ_TAIL, 0, 0x10000 },
		{ WEIR_REG_ADMIN_SQ_TAIL, 0, 0x80000000 },
		{ WEIR_REG_ADMIN_CQ_HEAD, 0, 0x10000 },
		{ WEIR_REG_ADMIN_CQ_HEAD, 0, 0x80000000 },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		host_take_events(vf);
		uint16_t base = cases[i].reg == WEIR_REG_ADMIN_SQ_TAIL ? vf->admin_tail
								       : vf->admin_head;

		host_write(vf, cases[i].reg, cases[i].high | (uint16_t)(base + cases[i].ahead));
		expect_stopped(host, vf, WEIR_STATUS_BAD_VALUE, WEIR_MISBEHAVIOUR_BAD_DOORBELL);
	}
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_BAD_DOORBELLS),
		       WEIR_TESTS(cases));
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0,
				 WEIR_STAT_FUNCTION_QUEUES_STOPPED),
		       WEIR_TESTS(cases));
	/* To a queue that does not run: ignored and counted, nothing is stopped. */
	host_write(vf, WEIR_REG_ADMIN_CONTROL, 0);
	host_settle(host);
	host_write(vf, WEIR_REG_ADMIN_SQ_TAIL, 1);
	host_settle(host);
	host_write(vf, WEIR_REG_ADMIN_CQ_HEAD, 0x10000);
	host_settle(host);
	WEIR_REQUIRE(host_admin_open(vf, 4, 5, 0));
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_BAD_DOORBELLS),
		       WEIR_TESTS(cases) + 2);
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0,
				 WEIR_STAT_FUNCTION_QUEUES_STOPPED),
		       WEIR_TESTS(cases));
	host_destroy(host);
}

static void rings_out_of_reach_stop_the_queue(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint64_t good = host_alloc(vf, 0x4000, 4096);

	for (uint32_t i = 0; i < 2; i++) {
		host_write(vf, WEIR_REG_ADMIN_CONTROL, 0);
		host_settle(host);
		memset(host_pointer(vf, good), 0, 0x4000);
		/* The completion ring is used at once, for the link's state; the submission ring with the first command. */
		host_admin_enable(vf, i == 0 ? NOWHERE(vf) : good,
				  i == 0 ? good + 0x2000 : NOWHERE(vf), SIZES(4, 5, 0));
		if (i == 0)
			host_write(vf, WEIR_REG_ADMIN_SQ_TAIL, 1);
		expect_stopped(host, vf, WEIR_STATUS_DMA_FAULT, WEIR_MISBEHAVIOUR_DMA_FAULT);
	}
	WEIR_EXPECT_EQ(host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_DMA_FAULTS),
		       2);
	WEIR_EXPECT_EQ(
		host_stat(vf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 2);
	host_destroy(host);
}

/* ---- events ---- */

static void toggle_link(struct host *host, uint32_t times, bool *up)
{
	while (times--) {
		*up = !*up;
		weirsim_wire_link(host->sim, 0, *up);
		host_settle(host);
	}
}

static void a_full_completion_ring_holds_events_and_folds_them(void)
{
	struct host *host = bare_card(0);
	struct host_function *pf = &host->functions[0];
	const struct weir_admin_command command = echo();
	struct weir_admin_completion entry, ring[16];
	bool up = true;
	uint32_t completions = 0, entries = 0;

	WEIR_REQUIRE(host_admin_open(pf, 3, 4, WEIR_VECTOR_NONE));
	/* With the one of enabling: as many as the ring has places. */
	toggle_link(host, 15, &up);
	memcpy(ring, host_pointer(pf, pf->admin_cq), sizeof(ring));
	for (uint32_t i = 0; i < 16; i++)
		WEIR_EXPECT_EQ(weir_le32_to_cpu(ring[i].flags) & 1, 1);
	toggle_link(host, 100, &up);
	for (uint32_t i = 0; i < 8; i++)
		host_command_post(pf, &command);
	host_command_ring(pf);
	host_settle(host);
	WEIR_EXPECT_MEM(host_pointer(pf, pf->admin_cq), ring, sizeof(ring));
	while (host_entry(pf, &entry))
		entries++;
	WEIR_EXPECT_EQ(entries, 16);
	host_entries_done(pf);
	host_settle(host);
	for (entries = 0; host_entry(pf, &entry); entries++)
		completions += weir_le16_to_cpu(entry.kind) == WEIR_ADMIN_ENTRY_COMPLETION;
	host_entries_done(pf);
	WEIR_EXPECT_EQ(completions, 8);
	WEIR_EXPECT_EQ(entries, 9);
	/* All were told, the last of them as it is now. */
	WEIR_EXPECT_EQ(pf->events[WEIR_EVENT_LINK], 1 + 15 + 100);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(pf->last_event[WEIR_EVENT_LINK].count), 100);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(pf->last_event[WEIR_EVENT_LINK].detail), up);
	WEIR_EXPECT_EQ(weir_le64_to_cpu(pf->last_event[WEIR_EVENT_LINK].data),
		       host_read(pf, WEIR_REG_LINK_SPEED));
	WEIR_EXPECT_EQ(host_stat(pf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_EVENTS_SENT),
		       17);
	WEIR_EXPECT_EQ(host_stat(pf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_EVENTS_LOST),
		       0);
	host_destroy(host);
}

static void events_leave_a_place_for_every_command_submitted(void)
{
	struct host *host = bare_card(0);
	struct host_function *pf = &host->functions[0];
	const struct weir_admin_command command = echo();
	struct weir_admin_completion entry;
	bool up = true;
	uint32_t completions = 0;

	WEIR_REQUIRE(host_admin_open(pf, 3, 4, WEIR_VECTOR_NONE));
	toggle_link(host, 7, &up);
	for (uint32_t i = 0; i < 8; i++)
		WEIR_REQUIRE(host_entry(pf, &entry));
	/* Eight places are left, eight commands are submitted, and an event waits. It all begins with bus master. */
	weirsim_config_write(host->sim, 0, WEIR_CFG_COMMAND, 0x0002, 2);
	for (uint32_t i = 0; i < 8; i++)
		host_command_post(pf, &command);
	host_command_ring(pf);
	host_settle(host);
	toggle_link(host, 1, &up);
	WEIR_EXPECT(!host_entry(pf, &entry));
	weirsim_config_write(host->sim, 0, WEIR_CFG_COMMAND, 0x0006, 2);
	host_settle(host);
	while (host_entry(pf, &entry))
		completions += weir_le16_to_cpu(entry.kind) == WEIR_ADMIN_ENTRY_COMPLETION;
	WEIR_EXPECT_EQ(completions, 8);
	WEIR_EXPECT_EQ(pf->events[WEIR_EVENT_LINK], 8);
	host_entries_done(pf);
	host_settle(host);
	WEIR_EXPECT(host_entry(pf, &entry));
	WEIR_EXPECT_EQ(pf->events[WEIR_EVENT_LINK], 9);
	host_destroy(host);
}

static void events_too_many_to_count_are_lost_and_said_to_be(void)
{
	struct host *host = bare_card(0);
	struct host_function *pf = &host->functions[0];
	struct weir_admin_completion entry;
	bool up = true;

	WEIR_REQUIRE(host_admin_open(pf, 3, 4, WEIR_VECTOR_NONE));
	toggle_link(host, 15, &up);
	toggle_link(host, 65535 + 10, &up);
	while (host_entry(pf, &entry))
		;
	host_entries_done(pf);
	host_settle(host);
	while (host_entry(pf, &entry))
		;
	host_entries_done(pf);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(pf->last_event[WEIR_EVENT_LINK].count), 65535);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(pf->last_event[WEIR_EVENT_LINK].detail), up);
	WEIR_EXPECT_EQ(pf->events[WEIR_EVENT_EVENTS_LOST], 1);
	WEIR_EXPECT_EQ(weir_le64_to_cpu(pf->last_event[WEIR_EVENT_EVENTS_LOST].data), 10);
	WEIR_EXPECT_EQ(host_stat(pf, WEIR_STATS_SCOPE_FUNCTION, 0, WEIR_STAT_FUNCTION_EVENTS_LOST),
		       10);
	host_destroy(host);
}

/* ---- mailbox ---- */

static void the_mailbox_belongs_to_who_came_first(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];

	host_write(vf, WEIR_REG_MAILBOX_OWNER, 0x1111);
	host_settle(host);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_OWNER), 0x1111);
	host_write(vf, WEIR_REG_MAILBOX_OWNER, 0x2222);
	host_settle(host);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_OWNER), 0x1111);
	WEIR_EXPECT_EQ(host_mailbox_bytes(vf, WEIR_COMMAND_ECHO, "", 0, NULL), WEIR_STATUS_OK);
	host_write(vf, WEIR_REG_MAILBOX_OWNER, 0);
	host_settle(host);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_OWNER), 0);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_STATUS), 0);
	host_write(vf, WEIR_REG_MAILBOX_OWNER, 0x2222);
	host_settle(host);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_OWNER), 0x2222);
	/* Handed over in one go: nothing falls between the two writes. */
	host_write(vf, WEIR_REG_MAILBOX_OWNER, 0);
	host_write(vf, WEIR_REG_MAILBOX_OWNER, 0x3333);
	host_settle(host);
	WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_OWNER), 0x3333);
	/* Each function's is its own. */
	WEIR_EXPECT_EQ(host_read(&host->functions[0], WEIR_REG_MAILBOX_OWNER), 0);
	host_destroy(host);
}

static void the_mailbox_reads_its_window_once(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint8_t request[64], data[32];
	uint32_t bytes, word;

	memset(data, 0x77, sizeof(data));
	bytes = host_encode(request, HOST_REQUEST(HOST_BYTES(DATA, data, sizeof(data))));
	for (uint32_t round = 0; round < 20; round++) {
		for (uint32_t at = 0; at < bytes; at += 4) {
			memcpy(&word, request + at, 4);
			host_write(vf, WEIR_REG_MAILBOX_WINDOW_VALUE + at, word);
		}
		host_write(vf, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_ECHO | bytes << 16);
		/* Until it was taken in, it is BUSY or not begun; what is written then changes nothing. */
		while (!(host_read(vf, WEIR_REG_MAILBOX_STATUS) & 3))
			host_turn(host);
		host_write(vf, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_GET_INFO);
		for (uint32_t at = 0; at < bytes && !(host_read(vf, WEIR_REG_MAILBOX_STATUS) & 2);
		     at += 4) {
			host_write(vf, WEIR_REG_MAILBOX_WINDOW_VALUE + at, 0xffffffff);
			host_turn(host);
		}
		while (host_read(vf, WEIR_REG_MAILBOX_STATUS) & 1)
			host_turn(host);
		uint32_t status = host_read(vf, WEIR_REG_MAILBOX_STATUS);

		WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_MAILBOX_STATUS_STATUS, status), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(status & 3, 2);
		host_settle(host);
		host_write(vf, WEIR_REG_MAILBOX_OWNER, 0);
		host_settle(host);
	}
	host_destroy(host);
}

static void the_mailbox_refuses_impossible_lengths(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	static const uint16_t lengths[] = { 1, 2, 3, 5, 4097, 4100, 0xfffc, 0xffff };
	struct host_response response;

	for (size_t i = 0; i < WEIR_TESTS(lengths); i++) {
		host_write(vf, WEIR_REG_MAILBOX_REQUEST,
			   WEIR_COMMAND_ECHO | (uint32_t)lengths[i] << 16);
		host_settle(host);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_STATUS),
			       2 | WEIR_STATUS_BAD_LENGTH << 8);
		WEIR_EXPECT_EQ(host_read(vf, WEIR_REG_MAILBOX_DETAIL), WHOLE);
	}
	/* A whole window. */
	uint8_t request[4096] = { 0 };

	for (uint32_t at = 0; at < sizeof(request); at += 1024)
		memcpy(request + at, "\x99\x00\xfc\x03", 4);
	WEIR_EXPECT_EQ(host_mailbox_bytes(vf, WEIR_COMMAND_GET_INFO, request, sizeof(request),
					  &response),
		       WEIR_STATUS_OK);
	WEIR_EXPECT(response.bytes > 60);
	host_destroy(host);
}

static void mailbox_and_queue_work_side_by_side(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	const struct weir_admin_command command = echo();
	struct weir_admin_completion entry;

	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 16; i++)
			host_command_post(vf, &command);
		host_command_ring(vf);
		WEIR_EXPECT_EQ(host_mailbox_bytes(vf, WEIR_COMMAND_GET_INFO, "", 0, NULL),
			       WEIR_STATUS_OK);
		host_settle(host);
		for (uint32_t i = 0; i < 16; i++)
			WEIR_REQUIRE(next_completion(vf, &entry));
		host_entries_done(vf);
	}
	/* And without any queue. */
	host_write(vf, WEIR_REG_ADMIN_CONTROL, 0);
	host_settle(host);
	WEIR_EXPECT_EQ(host_mailbox_bytes(vf, WEIR_COMMAND_GET_INFO, "", 0, NULL), WEIR_STATUS_OK);
	host_destroy(host);
}

const struct weir_test admin_tests[] = {
	{ "admin.echo_gives_data_back", echo_gives_data_back },
	{ "admin.a_full_ring_of_commands_is_answered_in_order",
	  a_full_ring_of_commands_is_answered_in_order },
	{ "admin.indices_and_phase_wrap_past_65536", indices_and_phase_wrap_past_65536 },
	{ "admin.functions_are_served_side_by_side", functions_are_served_side_by_side },
	{ "admin.many_functions_commands_get_their_turn_and_their_own_data",
	  many_functions_commands_get_their_turn_and_their_own_data },
	{ "admin.entries_are_checked_in_the_order_of_the_datasheet",
	  entries_are_checked_in_the_order_of_the_datasheet },
	{ "admin.requests_and_responses_out_of_reach_fail_the_command_alone",
	  requests_and_responses_out_of_reach_fail_the_command_alone },
	{ "admin.a_response_that_does_not_fit_says_how_much_it_needs",
	  a_response_that_does_not_fit_says_how_much_it_needs },
	{ "admin.enabling_refuses_impossible_rings", enabling_refuses_impossible_rings },
	{ "admin.disabling_leaves_memory_alone_and_data_queues_moving",
	  disabling_leaves_memory_alone_and_data_queues_moving },
	{ "admin.enable_right_after_disable_starts_anew", enable_right_after_disable_starts_anew },
	{ "admin.doorbells_beyond_the_rings_stop_the_queue",
	  doorbells_beyond_the_rings_stop_the_queue },
	{ "admin.rings_out_of_reach_stop_the_queue", rings_out_of_reach_stop_the_queue },
	{ "admin.a_full_completion_ring_holds_events_and_folds_them",
	  a_full_completion_ring_holds_events_and_folds_them },
	{ "admin.events_leave_a_place_for_every_command_submitted",
	  events_leave_a_place_for_every_command_submitted },
	{ "admin.events_too_many_to_count_are_lost_and_said_to_be",
	  events_too_many_to_count_are_lost_and_said_to_be },
	{ "mailbox.belongs_to_who_came_first", the_mailbox_belongs_to_who_came_first },
	{ "mailbox.reads_its_window_once", the_mailbox_reads_its_window_once },
	{ "mailbox.refuses_impossible_lengths", the_mailbox_refuses_impossible_lengths },
	{ "mailbox.works_beside_the_queue_and_without_it", mailbox_and_queue_work_side_by_side },
};
const size_t admin_test_count = WEIR_TESTS(admin_tests);
