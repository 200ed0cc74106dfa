/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spread contexts (specs/steering.md): tables and hashes besides the vport's own, to which rules lead. What a context computes must be
 * what the vport computed when its own spread was set the same, which test_rss.c holds against published vectors.
 */
#include "steer.h"

#include <stddef.h>
#include <string.h>

static const uint8_t key[WEIR_HASH_KEY_BYTES] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e,
						  0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
						  0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb };

/* A table that goes round `count` queues from `first` on. */
static void make_table(weir_le16 table[WEIR_INDIRECTION_ENTRIES], uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16((uint16_t)(first + i % count));
}

static int set_context(struct host_function *function, uint8_t number, uint32_t first,
		       uint32_t count)
{
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];

	make_table(table, first, count);
	return host_command(function, WEIR_COMMAND_VPORT_SPREAD,
			    HOST_REQUEST(HOST_U(SPREAD_CONTEXT, number),
					 HOST_BYTES(INDIRECTION, table, sizeof(table))),
			    NULL);
}

static int spread(struct host_function *function, const struct host_attribute *request)
{
	return host_command(function, WEIR_COMMAND_VPORT_SPREAD, request, NULL);
}

static int delete_context(struct host_function *function, uint8_t number)
{
	return host_command(function, WEIR_COMMAND_SPREAD_DELETE,
			    HOST_REQUEST(HOST_U(SPREAD_CONTEXT, number)), NULL);
}

/* A rule for IPv4's TCP that leads to a context. */
static int lead(struct host_function *function, uint16_t location, uint8_t number)
{
	struct weir_steer_key what = { .destination = { 0 } }, mask = what;

	what.l3 = WEIR_PACKET_L3_IPV4;
	what.protocol = PACKET_TCP;
	mask.l3 = mask.protocol = 0xff;
	return host_command(function, WEIR_COMMAND_STEER_ADD,
			    HOST_REQUEST(HOST_U(STEER_LOCATION, location),
					 HOST_BYTES(STEER_KEY, &what, sizeof(what)),
					 HOST_BYTES(STEER_MASK, &mask, sizeof(mask)),
					 HOST_U(STEER_ACTION, WEIR_STEER_ACTION_SPREAD),
					 HOST_U(SPREAD_CONTEXT, number)),
			    NULL);
}

static uint32_t flow_frame(uint8_t *frame, uint32_t flow, bool udp)
{
	struct packet packet = steer_packet();
	uint32_t bytes;

	packet.protocol = udp ? PACKET_UDP : PACKET_TCP;
	bytes = packet_make(&packet, frame);
	frame[34] = (uint8_t)(flow >> 8);
	frame[35] = (uint8_t)flow;
	return bytes;
}

static void a_context_spreads_by_its_own_key_types_and_table(void)
{
	enum { FLOWS = 40 };
	struct host *host = steer_card(2);
	struct host_function *to = &host->functions[2];
	uint32_t own[FLOWS], used = 0;
	static struct host_frame got;
	static uint8_t frame[256];

	/* What the vport's own spread makes of the flows under the key. */
	WEIR_REQUIRE_EQ(spread(to, HOST_REQUEST(HOST_BYTES(HASH_KEY, key, sizeof(key)))), 0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		WEIR_REQUIRE(steer_pass(host, frame, flow_frame(frame, i, false), &got) !=
			     STEER_NONE);
		own[i] = got.flow_hash;
	}
	/* The context has that key; the vport gets another one, and a table without queues 2 and 3. */
	WEIR_REQUIRE_EQ(set_context(to, 5, 2, 2), 0);
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	uint8_t other[WEIR_HASH_KEY_BYTES];

	make_table(table, 0, 2);
	memset(other, 0x5a, sizeof(other));
	WEIR_REQUIRE_EQ(spread(to, HOST_REQUEST(HOST_BYTES(HASH_KEY, other, sizeof(other)),
						HOST_BYTES(INDIRECTION, table, sizeof(table)))),
			0);
	WEIR_REQUIRE_EQ(lead(to, 3, 5), WEIR_STATUS_OK);
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint32_t queue = steer_pass(host, frame, flow_frame(frame, i, false), &got);

		WEIR_EXPECT_EQ(queue, 2 + own[i] % 128 % 2);
		WEIR_EXPECT_EQ(got.flow_hash, own[i]);
		WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK);
		used |= 1u << queue;
		/* What the rule does not match goes by the vport's own. */
		queue = steer_pass(host, frame, flow_frame(frame, i, true), &got);
		WEIR_EXPECT(queue < 2 && got.flow_hash != own[i]);
	}
	WEIR_EXPECT_EQ(used, 12);
	/* Addresses alone: one flow. */
	WEIR_REQUIRE_EQ(spread(to, HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 5),
						HOST_U(HASH_TYPES, WEIR_HASH_TYPE_IPV4))),
			0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		WEIR_EXPECT(steer_pass(host, frame, flow_frame(frame, i, false), &got) >= 2);
		own[i] = got.flow_hash;
		WEIR_EXPECT_EQ(own[i], own[0]);
		WEIR_EXPECT(!(got.flags & WEIR_RXC_HASH_L4_MASK));
	}
	/* No hash, the table's first entry; and another table at once. */
	WEIR_REQUIRE_EQ(spread(to, HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 5), HOST_U(HASH_TYPES, 0))),
			0);
	WEIR_EXPECT_EQ(steer_pass(host, frame, flow_frame(frame, 1, false), &got), 2);
	WEIR_EXPECT_EQ(got.flow_hash, 0);
	WEIR_REQUIRE_EQ(set_context(to, 5, 3, 1), 0);
	WEIR_EXPECT_EQ(steer_pass(host, frame, flow_frame(frame, 1, false), &got), 3);
	host_destroy(host);
}

static void a_context_works_where_the_vport_itself_does_not_hash(void)
{
	struct host *host = steer_card(2);
	struct host_function *to = &host->functions[2];
	static struct host_frame got;
	static uint8_t frame[256];

	WEIR_REQUIRE_EQ(set_context(to, 1, 1, 1), 0);
	WEIR_REQUIRE_EQ(spread(to, HOST_REQUEST(HOST_U(HASH_TYPES, 0))), 0);
	WEIR_REQUIRE_EQ(lead(to, 3, 1), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_pass(host, frame, flow_frame(frame, 1, false), &got), 1);
	WEIR_EXPECT(got.flags & WEIR_RXC_FLOW_HASH_MASK && got.packet_type);
	WEIR_EXPECT_EQ(steer_pass(host, frame, flow_frame(frame, 1, true), &got), 0);
	WEIR_EXPECT(!(got.flags & WEIR_RXC_FLOW_HASH_MASK) && !got.packet_type && !got.flow_hash);
	host_destroy(host);
}

static void eight_contexts_are_read_back_and_the_rest_is_refused(void)
{
	struct host *host = steer_card(2);
	struct host_function *function = &host->functions[2];
	static struct host_response response;
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	uint64_t value = 0;
	uint32_t bytes = 0;

	for (uint8_t i = 1; i <= 8; i++)
		WEIR_REQUIRE_EQ(set_context(function, i, i % STEER_QUEUES, 1), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(set_context(function, 9, 0, 1), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	WEIR_REQUIRE_EQ(spread(function,
			       HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 7), HOST_U(HASH_TYPES, 0x21),
					    HOST_U(HASH_FUNCTION, 1),
					    HOST_BYTES(HASH_KEY, key, sizeof(key)))),
			WEIR_STATUS_OK);
	/* What is refused changes nothing. */
	make_table(table, 0, STEER_QUEUES + 1);
	WEIR_EXPECT_EQ(spread(function,
			      HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 7), HOST_U(HASH_TYPES, 1),
					   HOST_BYTES(INDIRECTION, table, sizeof(table)))),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_INDIRECTION);
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_VPORT_SPREAD_GET,
				     HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 7)), &response),
			WEIR_STATUS_OK);
	WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_HASH_TYPES, &value) && value == 0x21);
	WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_HASH_FUNCTION, &value) && value == 1);
	WEIR_EXPECT_MEM(host_get_bytes(&response, WEIR_ATTRIBUTE_HASH_KEY, &bytes), key,
			sizeof(key));
	make_table(table, 7 % STEER_QUEUES, 1);
	WEIR_EXPECT_MEM(host_get_bytes(&response, WEIR_ATTRIBUTE_INDIRECTION, &bytes), table,
			sizeof(table));
	/* A context that a rule leads to stays. */
	WEIR_REQUIRE_EQ(lead(function, 1, 7), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(delete_context(function, 7), WEIR_STATUS_BAD_STATE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	WEIR_REQUIRE_EQ(lead(function, 1, 8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(delete_context(function, 7), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(delete_context(function, 8), WEIR_STATUS_BAD_STATE);
	WEIR_REQUIRE_EQ(rule_delete(function, 1), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(delete_context(function, 8), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(delete_context(function, 8), WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(delete_context(function, 0), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(delete_context(function, 255), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(lead(function, 1, 8), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(lead(function, 1, 200), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	WEIR_EXPECT_EQ(spread(function,
			      HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 8), HOST_U(HASH_TYPES, 1))),
		       WEIR_STATUS_MISSING_ATTRIBUTE);
	WEIR_EXPECT_EQ(host_command(function, WEIR_COMMAND_VPORT_SPREAD_GET,
				    HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 8)), &response),
		       WEIR_STATUS_NOT_FOUND);
	/* It is another vport's number all the same, and ends with the function. */
	WEIR_EXPECT_EQ(delete_context(&host->functions[1], 1), WEIR_STATUS_NOT_FOUND);
	WEIR_REQUIRE_EQ(lead(function, 1, 1), WEIR_STATUS_OK);
	host_flr(function);
	host_settle(host);
	host_forget(function);
	WEIR_REQUIRE(host_up(function, test_mac(2), STEER_QUEUES, 2048, false));
	WEIR_EXPECT_EQ(delete_context(function, 1), WEIR_STATUS_NOT_FOUND);
	WEIR_REQUIRE_EQ(set_context(function, 1, 0, 1), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(delete_context(function, 1), WEIR_STATUS_OK);
	host_destroy(host);
}

const struct weir_test context_tests[] = {
	{ "context.a_context_spreads_by_its_own_key_types_and_table",
	  a_context_spreads_by_its_own_key_types_and_table },
	{ "context.a_context_works_where_the_vport_itself_does_not_hash",
	  a_context_works_where_the_vport_itself_does_not_hash },
	{ "context.eight_contexts_are_read_back_and_the_rest_is_refused",
	  eight_contexts_are_read_back_and_the_rest_is_refused },
};
const size_t context_test_count = WEIR_TESTS(context_tests);
