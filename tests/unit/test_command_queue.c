/* SPDX-License-Identifier: BSD-3-Clause */
/* What commands do: queues, counters, link. */
#include "suites.h"

static struct attributes spread(uint16_t first, uint16_t second, uint32_t entries)
{
	struct attributes request = { .bytes = 0 };
	uint8_t table[2 * WEIR_INDIRECTION_ENTRIES];

	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		weir_put_le(table + 2 * i, i % 2 ? second : first, 2);
	add_bytes(&request, WEIR_ATTRIBUTE_INDIRECTION | WEIR_ATTRIBUTE_MUST, table, 2 * entries);
	return request;
}

/* Runs a command of the PF and gives its status. */
static enum weir_status run(struct card *card, uint16_t opcode, struct attributes request)
{
	return command(card, 0, opcode, &request).status;
}

/* ---- queues ---- */

static void queues_are_made_spread_and_destroyed(void)
{
	struct card *card = card_new(0);
	struct reply reply;
	struct attributes request;

	for (uint16_t queue = 0; queue < 4; queue++) {
		WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_RX_QUEUE_CREATE,
				   queue_request(0, true, queue)),
			       WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_RX_QUEUE_CREATE,
				   queue_request(0, true, queue)),
			       WEIR_STATUS_EXISTS);
		WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_TX_QUEUE_CREATE,
				   queue_request(0, false, queue)),
			       WEIR_STATUS_OK);
	}
	/* One more than the function has. */
	request = queue_request(0, true, 4);
	reply = command(card, 0, WEIR_COMMAND_RX_QUEUE_CREATE, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_QUEUE);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SPREAD, spread(1, 3, WEIR_INDIRECTION_ENTRIES)),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(card_vport(card, 0)->spread_entries, WEIR_INDIRECTION_ENTRIES);
	WEIR_EXPECT_EQ(card_vport(card, 0)->spread[127], 3);
	/* A table with a queue that is not there, or too short, changes nothing. */
	request = spread(0, 4, WEIR_INDIRECTION_ENTRIES);
	reply = command(card, 0, WEIR_COMMAND_VPORT_SPREAD, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_INDIRECTION);
	request = spread(0, 1, 3);
	add_number(&request, WEIR_ATTRIBUTE_VPORT, 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SPREAD, request), WEIR_STATUS_BAD_VALUE);
	request = spread(0, 1, WEIR_INDIRECTION_ENTRIES);
	add_number(&request, WEIR_ATTRIBUTE_VPORT, 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SPREAD, request), WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SPREAD, spread(0, 1, 64)),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(card_vport(card, 0)->spread[127], 3);
	request = with_number(WEIR_ATTRIBUTE_QUEUE, 0);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_RX_QUEUE_DESTROY, request), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_RX_QUEUE_DESTROY, request), WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_TX_QUEUE_DESTROY, request), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_TX_QUEUE_DESTROY,
			   with_number(WEIR_ATTRIBUTE_QUEUE, 4)),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SPREAD, spread(0, 1, WEIR_INDIRECTION_ENTRIES)),
		       WEIR_STATUS_BAD_VALUE);
	card_free(card);
}

static void a_vector_there_is_not_is_refused(void)
{
	struct card *card = card_new(1);
	static const struct {
		uint16_t function, vector;
		enum weir_status status;
	} cases[] = {
		{ 0, WEIR_MSIX_PF_VECTORS - 1, WEIR_STATUS_OK },
		{ 0, WEIR_MSIX_PF_VECTORS, WEIR_STATUS_BAD_VALUE },
		{ 1, WEIR_MSIX_VF_VECTORS - 1, WEIR_STATUS_OK },
		{ 1, WEIR_MSIX_VF_VECTORS, WEIR_STATUS_BAD_VALUE },
		{ 0, WEIR_VECTOR_NONE, WEIR_STATUS_EXISTS },
	};

	card_enable_vfs(card, 1);
	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct attributes request = { .bytes = 0 },
				  all = queue_request(cases[i].function, true, 0);
		struct reply reply;

		for (uint32_t at = 0; at < all.bytes;) {
			uint32_t id = (uint32_t)weir_get_le(all.data + at, 2) &
				      ~WEIR_ATTRIBUTE_MUST;
			uint32_t length = (uint32_t)weir_get_le(all.data + at + 2, 2);

			if (id == WEIR_ATTRIBUTE_VECTOR)
				add_number(&request, WEIR_ATTRIBUTE_VECTOR, cases[i].vector);
			else
				add_bytes(&request, (uint16_t)(id | WEIR_ATTRIBUTE_MUST),
					  all.data + at + 4, length);
			at += 4 + ((length + 3) & ~3u);
		}
		reply = command(card, cases[i].function, WEIR_COMMAND_RX_QUEUE_CREATE, &request);
		WEIR_EXPECT_EQ(reply.status, cases[i].status);
		if (reply.status == WEIR_STATUS_BAD_VALUE)
			WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_VECTOR);
	}
	card_free(card);
}

/* ---- counters ---- */

static void counters_of_every_scope_are_given(void)
{
	static const struct {
		enum weir_stats_scope scope;
		uint32_t count;
		uint64_t first;
		uint16_t beyond;
	} scopes[] = {
		{ WEIR_STATS_SCOPE_PORT, WEIR_STAT_PORT_COUNT, 101, 1 },
		{ WEIR_STATS_SCOPE_FUNCTION, WEIR_STAT_FUNCTION_COUNT, 102, 0 },
		{ WEIR_STATS_SCOPE_VPORT, WEIR_STAT_VPORT_COUNT, 103, 1 },
		{ WEIR_STATS_SCOPE_RX_QUEUE, WEIR_STAT_RX_QUEUE_COUNT, 104, 3 },
		{ WEIR_STATS_SCOPE_TX_QUEUE, WEIR_STAT_TX_QUEUE_COUNT, 105, 200 },
	};
	struct card *card = card_new(1);
	struct weir_firmware *firmware = card->firmware;
	uint32_t queue;

	card_enable_vfs(card, 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_RX_QUEUE_CREATE, queue_request(0, true, 2)),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_TX_QUEUE_CREATE, queue_request(0, false, 2)),
		       WEIR_STATUS_OK);
	queue = card_function(card, 0)->first_queue + 2;
	firmware->port_stats[0][0] = 101;
	card_function(card, 0)->stats[0] = 102;
	card_vport(card, 0)->stats[0] = 103;
	firmware->rx_queues[queue].stats[0] = 104;
	firmware->tx_queues[queue].stats[0] = 105;
	for (size_t i = 0; i < WEIR_TESTS(scopes); i++) {
		bool is_queue = scopes[i].scope >= WEIR_STATS_SCOPE_RX_QUEUE;
		struct attributes request = with_number(WEIR_ATTRIBUTE_SCOPE, scopes[i].scope);
		struct reply reply;
		uint32_t bytes = 0;
		const uint8_t *counters;

		if (is_queue)
			add_number(&request, WEIR_ATTRIBUTE_INDEX, 2);
		reply = command(card, 0, WEIR_COMMAND_STATS_GET, &request);
		WEIR_REQUIRE_EQ(reply.status, WEIR_STATUS_OK);
		counters =
			find_attribute(reply.data, reply.bytes, WEIR_ATTRIBUTE_STATISTICS, &bytes);
		WEIR_REQUIRE(counters != NULL);
		WEIR_EXPECT_EQ(bytes, scopes[i].count * 8);
		WEIR_EXPECT_EQ(weir_get_le(counters, 8), scopes[i].first);
		/* An index there is not. */
		if (!scopes[i].beyond)
			continue;
		request = with_number(WEIR_ATTRIBUTE_SCOPE, scopes[i].scope);
		add_number(&request, WEIR_ATTRIBUTE_INDEX, scopes[i].beyond);
		reply = command(card, 0, WEIR_COMMAND_STATS_GET, &request);
		WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NOT_FOUND);
		WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_INDEX);
	}
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_STATS_GET, with_number(WEIR_ATTRIBUTE_SCOPE, 5)),
		       WEIR_STATUS_BAD_VALUE);
	/* Queues of a VF, read by the PF. */
	struct attributes request = with_number(WEIR_ATTRIBUTE_SCOPE, WEIR_STATS_SCOPE_RX_QUEUE);

	add_number(&request, WEIR_ATTRIBUTE_FUNCTION, 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_STATS_GET, request), WEIR_STATUS_NOT_FOUND);
	card_free(card);
}

static void bad_accesses_are_counted(void)
{
	struct card *card = card_new(0);

	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_BAD_ACCESS, .offset = 0x44 });
	board_event(&card->hal, &(struct hal_event){
					.kind = HAL_EVENT_BAD_ACCESS, .offset = 0x44, .value = 5 });
	board_event(&card->hal,
		    &(struct hal_event){ .kind = HAL_EVENT_BAD_ACCESS, .function = 200 });
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_DOORBELL, .offset = 0x20 });
	board_event(&card->hal, &(struct hal_event){ .kind = 77 });
	card_run(card);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_BAD_MMIO), 6);
	WEIR_EXPECT_EQ(function_stat(card, 0, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 1);
	card_free(card);
}

static void the_link_is_set_and_read(void)
{
	struct card *card = card_new(0);
	struct attributes request = with_number(WEIR_ATTRIBUTE_ENABLE, 0);
	struct reply reply;

	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_LINK_SET, request), WEIR_STATUS_OK);
	card_run(card);
	reply = command(card, 0, WEIR_COMMAND_LINK_GET, NULL);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LINK_UP), 0);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LINK_SPEED_MBPS), 0);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_LINK_SET, with_number(WEIR_ATTRIBUTE_ENABLE, 2)),
		       WEIR_STATUS_BAD_VALUE);
	request = with_number(WEIR_ATTRIBUTE_ENABLE, 1);
	add_number(&request, WEIR_ATTRIBUTE_INDEX, 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_LINK_SET, request), WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(card->hal.link_sets, 1);
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.commands.queues_are_made_spread_and_destroyed",
	  queues_are_made_spread_and_destroyed },
	{ "core.commands.a_vector_there_is_not_is_refused", a_vector_there_is_not_is_refused },
	{ "core.commands.counters_of_every_scope_are_given", counters_of_every_scope_are_given },
	{ "core.commands.bad_accesses_are_counted", bad_accesses_are_counted },
	{ "core.commands.the_link_is_set_and_read", the_link_is_set_and_read },
};

const struct suite_part command_queue_tests = { tests, WEIR_TESTS(tests) };
