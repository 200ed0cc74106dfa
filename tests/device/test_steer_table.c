/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of steering rules (specs/steering.md): what is refused, how many there may be, whose they are, how long they last. */
#include "steer.h"

#include <stddef.h>
#include <string.h>

/* Rules of one mask: TCP's source port, a number each. */
static struct rule port_rule(uint32_t number)
{
	struct rule rule = { .location = (uint16_t)number,
			     .action = WEIR_STEER_ACTION_QUEUE,
			     .queue = (uint16_t)(number % STEER_QUEUES) };

	RULE_MATCH(&rule, protocol, "\x06");
	rule.key.source_port[0] = (uint8_t)(number >> 8);
	rule.key.source_port[1] = (uint8_t)number;
	memset(rule.mask.source_port, 0xff, 2);
	return rule;
}

/* A rule of a mask of its own. */
static struct rule mask_rule(uint32_t number)
{
	struct rule rule = { .location = (uint16_t)(1000 + number),
			     .action = WEIR_STEER_ACTION_DROP };

	rule.mask.vni[number / 8] = rule.key.vni[number / 8] = (uint8_t)(1 << number % 8);
	return rule;
}

static uint32_t port_frame(uint8_t *frame, uint32_t number, uint32_t to)
{
	struct packet packet = steer_packet();
	uint32_t bytes;

	packet.destination = test_mac(to);
	bytes = packet_make(&packet, frame);
	frame[34] = (uint8_t)(number >> 8);
	frame[35] = (uint8_t)number;
	return bytes;
}

static uint32_t rules_used(struct host_function *function)
{
	return (uint32_t)host_vport_value(function, WEIR_ATTRIBUTE_STEER_RULES_USED);
}

/* ---- bad input ---- */

static void whatever_is_wrong_is_refused_and_changes_nothing(void)
{
	struct host *host = steer_card(2);
	struct host_function *function = &host->functions[2];
	struct rule good = port_rule(0x1122), rule;
	uint8_t bytes[65] = { 0 };
	static uint8_t frame[256];
	uint32_t length = port_frame(frame, 0x1122, 2);

	WEIR_REQUIRE_EQ(rule_add(function, &good), WEIR_STATUS_OK);
#define REFUSED(status_, detail_, ...)                                                        \
	do {                                                                                  \
		WEIR_EXPECT_EQ(host_command(function, WEIR_COMMAND_STEER_ADD,                 \
					    HOST_REQUEST(__VA_ARGS__), NULL),                 \
			       WEIR_STATUS_##status_);                                        \
		WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_##detail_);                   \
		WEIR_EXPECT_EQ(rules_used(function), 1);                                      \
		WEIR_EXPECT_EQ(steer_pass(host, frame, length, NULL), 0x1122 % STEER_QUEUES); \
	} while (0)
#define MATCH(bytes_) HOST_BYTES(STEER_KEY, bytes, bytes_), HOST_BYTES(STEER_MASK, bytes, bytes_)
	REFUSED(MISSING_ATTRIBUTE, STEER_LOCATION, MATCH(64), HOST_U(STEER_ACTION, 2));
	REFUSED(MISSING_ATTRIBUTE, STEER_ACTION, HOST_U(STEER_LOCATION, 1), MATCH(64));
	REFUSED(MISSING_ATTRIBUTE, STEER_MASK, HOST_U(STEER_LOCATION, 1),
		HOST_BYTES(STEER_KEY, bytes, 64), HOST_U(STEER_ACTION, 2));
	REFUSED(MISSING_ATTRIBUTE, QUEUE, HOST_U(STEER_LOCATION, 1), MATCH(64),
		HOST_U(STEER_ACTION, 1));
	REFUSED(BAD_VALUE, STEER_KEY, HOST_U(STEER_LOCATION, 1), MATCH(63), HOST_U(STEER_ACTION, 2));
	REFUSED(BAD_VALUE, STEER_MASK, HOST_U(STEER_LOCATION, 1), HOST_BYTES(STEER_KEY, bytes, 64),
		HOST_BYTES(STEER_MASK, bytes, 4), HOST_U(STEER_ACTION, 2));
	REFUSED(BAD_VALUE, STEER_ACTION, HOST_U(STEER_LOCATION, 1), MATCH(64),
		HOST_U(STEER_ACTION, 4));
	REFUSED(BAD_VALUE, QUEUE, HOST_U(STEER_LOCATION, 1), MATCH(64), HOST_U(STEER_ACTION, 3),
		HOST_U(QUEUE, 0));
	REFUSED(BAD_VALUE, SPREAD_CONTEXT, HOST_U(STEER_LOCATION, 1), MATCH(64),
		HOST_U(STEER_ACTION, 3), HOST_U(SPREAD_CONTEXT, 1));
	REFUSED(BAD_VALUE, STEER_MARK, HOST_U(STEER_LOCATION, 1), MATCH(64),
		HOST_U(STEER_ACTION, 3), HOST_U(STEER_MARK, 1));
	REFUSED(BAD_VALUE, LOW_LATENCY, HOST_U(STEER_LOCATION, 1), MATCH(64),
		HOST_U(STEER_ACTION, 0), HOST_U(LOW_LATENCY, 2));
	REFUSED(BAD_VALUE, LOW_LATENCY, HOST_U(STEER_LOCATION, 1), MATCH(64),
		HOST_U(STEER_ACTION, 2), HOST_U(LOW_LATENCY, 1));
	REFUSED(BAD_VALUE, QUEUE, HOST_U(STEER_LOCATION, 1), MATCH(64), HOST_U(STEER_ACTION, 2),
		HOST_U(QUEUE, 0));
	REFUSED(BAD_VALUE, QUEUE, HOST_U(STEER_LOCATION, 1), MATCH(64), HOST_U(STEER_ACTION, 1),
		HOST_U(QUEUE, STEER_QUEUES));
	REFUSED(BAD_VALUE, QUEUE, HOST_U(STEER_LOCATION, 1), MATCH(64), HOST_U(STEER_ACTION, 1),
		HOST_U(QUEUE, 65535));
	REFUSED(NOT_FOUND, VPORT, HOST_U(STEER_LOCATION, 1), MATCH(64), HOST_U(STEER_ACTION, 2),
		HOST_U(VPORT, 1));
	REFUSED(BAD_ATTRIBUTE, MAC, HOST_U(STEER_LOCATION, 1), MATCH(64), HOST_U(STEER_ACTION, 2),
		HOST_U(MAC, 5));
	/* Bits that are asked for and do not count; reserved ones. */
	rule = port_rule(7);
	rule.key.vni[2] = 1;
	WEIR_EXPECT_EQ(rule_add(function, &rule), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_STEER_KEY);
	rule = port_rule(7);
	rule.mask.reserved[2] = 0x80;
	WEIR_EXPECT_EQ(rule_add(function, &rule), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_STEER_MASK);
	rule = good;
	rule.location = 9;
	WEIR_EXPECT_EQ(rule_add(function, &rule), WEIR_STATUS_EXISTS);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_STEER_KEY);
	WEIR_EXPECT_EQ(rule_delete(function, 9), WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_STEER_LOCATION);
	WEIR_EXPECT_EQ(rule_frames(function, 9), STEER_NONE);
	WEIR_EXPECT_EQ(host_command(function, WEIR_COMMAND_STEER_LIST,
				    HOST_REQUEST(HOST_U(STEER_LOCATION, 9)), NULL),
		       WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(rules_used(function), 1);
	host_destroy(host);
}

static void the_owner_of_the_card_has_no_rules(void)
{
	static const uint16_t commands[] = { WEIR_COMMAND_STEER_DELETE, WEIR_COMMAND_STEER_GET };
	struct host *host = steer_card(0);
	static const uint8_t zeros[64];

	for (size_t i = 0; i < WEIR_TESTS(commands); i++)
		WEIR_EXPECT_EQ(host_manage(host, commands[i],
					   HOST_REQUEST(HOST_U(STEER_LOCATION, 0)), NULL),
			       WEIR_STATUS_NOT_SUPPORTED);
	WEIR_EXPECT_EQ(host_manage(host, WEIR_COMMAND_STEER_LIST, HOST_REQUEST(HOST_U(VPORT, 0)),
				   NULL),
		       WEIR_STATUS_NOT_SUPPORTED);
	WEIR_EXPECT_EQ(host_manage(host, WEIR_COMMAND_STEER_ADD,
				   HOST_REQUEST(HOST_U(STEER_LOCATION, 0),
						HOST_BYTES(STEER_KEY, zeros, 64),
						HOST_BYTES(STEER_MASK, zeros, 64),
						HOST_U(STEER_ACTION, WEIR_STEER_ACTION_DROP)),
				   NULL),
		       WEIR_STATUS_NOT_SUPPORTED);
	host_destroy(host);
}

static void what_was_set_is_read_back_and_listed(void)
{
	struct host *host = steer_card(1);
	struct host_function *function = &host->functions[1];
	static struct host_response response;
	static bool listed[65536];
	struct rule rule = port_rule(0x1234);
	uint32_t bytes, seen = 0, rounds = 0;
	uint64_t value;
	int32_t after = -1;

	rule.location = 65535;
	rule.marks = true;
	rule.mark = 0xfffffffe;
	WEIR_REQUIRE_EQ(rule_add(function, &rule), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_STEER_GET,
				     HOST_REQUEST(HOST_U(STEER_LOCATION, 65535)), &response),
			WEIR_STATUS_OK);
	const void *got = host_get_bytes(&response, WEIR_ATTRIBUTE_STEER_KEY, &bytes);

	WEIR_REQUIRE(got && bytes == sizeof(rule.key));
	WEIR_EXPECT_MEM(got, &rule.key, sizeof(rule.key));
	got = host_get_bytes(&response, WEIR_ATTRIBUTE_STEER_MASK, &bytes);
	WEIR_REQUIRE(got && bytes == sizeof(rule.mask));
	WEIR_EXPECT_MEM(got, &rule.mask, sizeof(rule.mask));
	WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_STEER_ACTION, &value) && value == 1);
	WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_QUEUE, &value) && value == 0);
	WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_STEER_MARK, &value) && value == 0xfffffffe);
	rule = mask_rule(3);
	WEIR_REQUIRE_EQ(rule_add(function, &rule), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_STEER_GET,
				     HOST_REQUEST(HOST_U(STEER_LOCATION, rule.location)), &response),
			WEIR_STATUS_OK);
	WEIR_EXPECT(!host_get(&response, WEIR_ATTRIBUTE_QUEUE, &value));
	WEIR_EXPECT(!host_get(&response, WEIR_ATTRIBUTE_STEER_MARK, &value));
	for (uint32_t i = 0; i < 510; i++) {
		rule = port_rule(i * 3);
		rule.queue = 0;
		WEIR_REQUIRE_EQ(rule_add(function, &rule), WEIR_STATUS_OK);
	}
	WEIR_REQUIRE_EQ(rule_delete(function, 300), WEIR_STATUS_OK);
	for (;; rounds++) {
		WEIR_REQUIRE_EQ(after < 0
					? host_command(function, WEIR_COMMAND_STEER_LIST,
						       HOST_REQUEST(HOST_U(VPORT, 0)), &response)
					: host_command(function, WEIR_COMMAND_STEER_LIST,
						       HOST_REQUEST(HOST_U(STEER_LOCATION, after)),
						       &response),
				WEIR_STATUS_OK);
		const uint8_t *list =
			host_get_bytes(&response, WEIR_ATTRIBUTE_STEER_LOCATIONS, &bytes);

		if (!list)
			break;
		for (uint32_t i = 0; i < bytes; i += 2, seen++) {
			after = list[i] | list[i + 1] << 8;
			WEIR_EXPECT(!listed[after]);
			listed[after] = true;
		}
	}
	WEIR_EXPECT_EQ(rounds, 1);
	WEIR_EXPECT_EQ(seen, 511);
	WEIR_EXPECT(listed[65535] && listed[1003] && listed[0] && listed[297] && !listed[300] &&
		    listed[1527]);
	host_destroy(host);
}

/* ---- how many ---- */

static void a_pf_has_4096_rules_and_every_one_works(void)
{
	struct host *host = steer_card(2);
	struct host_function *pf = &host->functions[0];
	struct rule rule = port_rule(5000);
	static uint8_t frame[256];

	WEIR_EXPECT_EQ(host_vport_value(pf, WEIR_ATTRIBUTE_STEER_RULES_MAX), 4096);
	WEIR_EXPECT_EQ(host_vport_value(pf, WEIR_ATTRIBUTE_STEER_MASKS_MAX), 16);
	for (uint32_t i = 0; i < 4096; i++) {
		/* In an order of no order. */
		struct rule next = port_rule(i * 1237 % 4096);

		WEIR_REQUIRE_EQ(rule_add(pf, &next), WEIR_STATUS_OK);
	}
	WEIR_EXPECT_EQ(rules_used(pf), 4096);
	WEIR_EXPECT_EQ(rule_add(pf, &rule), WEIR_STATUS_NO_SPACE);
	WEIR_EXPECT_EQ(pf->detail, WEIR_ATTRIBUTE_STEER_LOCATION);
	for (uint32_t i = 0; i < 4096; i += 7) {
		uint32_t bytes = port_frame(frame, i, 0);

		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 1, 0, 0, 0));
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		WEIR_EXPECT_EQ(steer_taken(pf, NULL), i % STEER_QUEUES);
		WEIR_EXPECT_EQ(rule_frames(pf, (uint16_t)i), 1);
	}
	/* One in the place of another needs no more room. */
	rule.location = 77;
	WEIR_EXPECT_EQ(rule_add(pf, &rule), WEIR_STATUS_OK);
	for (uint32_t i = 0; i < 4096; i++)
		WEIR_REQUIRE_EQ(rule_delete(pf, (uint16_t)i), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(rules_used(pf), 0);
	WEIR_EXPECT_EQ(rule_add(pf, &rule), WEIR_STATUS_OK);
	host_destroy(host);
}

static void nobody_takes_the_rules_of_others(void)
{
	enum { GREEDY = 9 };
	struct host *host = test_card(GREEDY + 1, 1, 2048, false);
	struct host_function *modest = &host->functions[GREEDY + 1];
	uint32_t sum = 0;

	for (uint16_t vf = 1; vf <= GREEDY; vf++) {
		struct host_function *function = &host->functions[vf];
		uint32_t count = 0;

		WEIR_EXPECT_EQ(host_vport_value(function, WEIR_ATTRIBUTE_STEER_RULES_MAX), 512);
		for (uint32_t i = 0; i <= 512; i++) {
			struct rule rule = port_rule(i);

			rule.queue = 0;
			if (rule_add(function, &rule) != WEIR_STATUS_OK)
				break;
			count++;
		}
		WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_STEER_LOCATION);
		WEIR_EXPECT_EQ(rules_used(function), count);
		WEIR_EXPECT_EQ(count, vf < GREEDY ? 512 : 4096 - 8 * (512 - 16) + 16);
		sum += count;
	}
	WEIR_EXPECT_EQ(sum, 4096 + GREEDY * 16);
	/* What is promised is there. */
	for (uint32_t i = 0; i <= 16; i++) {
		struct rule rule = port_rule(i);

		rule.queue = 0;
		WEIR_EXPECT_EQ(rule_add(modest, &rule),
			       i < 16 ? WEIR_STATUS_OK : WEIR_STATUS_NO_SPACE);
	}
	/* A rule given back by one is another's. */
	WEIR_REQUIRE_EQ(rule_delete(&host->functions[3], 100), WEIR_STATUS_OK);
	struct rule rule = port_rule(16);

	rule.queue = 0;
	WEIR_EXPECT_EQ(rule_add(modest, &rule), WEIR_STATUS_OK);
	/* With a function go all its rules. */
	host_flr(&host->functions[1]);
	host_settle(host);
	for (uint32_t i = 17; i < 512; i++) {
		rule = port_rule(i);
		rule.queue = 0;
		WEIR_EXPECT_EQ(rule_add(modest, &rule), WEIR_STATUS_OK);
	}
	host_destroy(host);
}

static void a_vport_has_sixteen_masks_and_no_more(void)
{
	struct host *host = steer_card(2);
	struct host_function *function = &host->functions[2];
	struct rule rule;

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 16; i++) {
			rule = mask_rule(i);
			WEIR_REQUIRE_EQ(rule_add(function, &rule), WEIR_STATUS_OK);
		}
		rule = mask_rule(16);
		WEIR_EXPECT_EQ(rule_add(function, &rule), WEIR_STATUS_NO_SPACE);
		WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_STEER_MASK);
		/* Others of a mask that there is; another mask in the place of the last rule of one. */
		rule = mask_rule(3);
		rule.key.vni[0] = 0;
		rule.location = 3;
		WEIR_EXPECT_EQ(rule_add(function, &rule), WEIR_STATUS_OK);
		rule = mask_rule(17);
		rule.location = 1003;
		WEIR_EXPECT_EQ(rule_add(function, &rule), WEIR_STATUS_NO_SPACE);
		rule.location = 1004;
		WEIR_EXPECT_EQ(rule_add(function, &rule), WEIR_STATUS_OK);
		/* It is another vport's mask all the same. */
		rule = mask_rule(18);
		WEIR_EXPECT_EQ(rule_add(&host->functions[1], &rule), WEIR_STATUS_OK);
		for (uint32_t i = 0; i < 16; i++)
			WEIR_REQUIRE_EQ(rule_delete(function, (uint16_t)(1000 + i)), WEIR_STATUS_OK);
		WEIR_REQUIRE_EQ(rule_delete(function, 3), WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(rules_used(function), 0);
	}
	host_destroy(host);
}

/* ---- life ---- */

static void rules_are_their_functions_and_end_with_it(void)
{
	struct host *host = steer_card(3);
	struct rule rule = port_rule(0x1122);
	static uint8_t frame[256];

	for (uint16_t vf = 2; vf <= 3; vf++) {
		rule.queue = vf;
		WEIR_REQUIRE_EQ(rule_add(&host->functions[vf], &rule), WEIR_STATUS_OK);
	}
	WEIR_REQUIRE_EQ(rule_delete(&host->functions[1], rule.location), WEIR_STATUS_NOT_FOUND);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint16_t vf = 2; vf <= 3; vf++) {
			uint32_t bytes = port_frame(frame, 0x1122, vf);
			bool gone = round && vf == 2;

			WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 1, 0, 0, 0));
			host_send_done(&host->functions[1], 0);
			host_settle(host);
			WEIR_EXPECT_EQ(steer_taken(&host->functions[vf], NULL), gone ? 0 : vf);
			WEIR_EXPECT_EQ(rules_used(&host->functions[vf]), !gone);
		}
		if (round)
			break;
		host_flr(&host->functions[2]);
		host_settle(host);
		host_forget(&host->functions[2]);
		/* Of one queue, so that there is no doubt where it goes without a rule. */
		WEIR_REQUIRE(host_up(&host->functions[2], test_mac(2), 1, 2048, false));
		WEIR_EXPECT_EQ(rule_frames(&host->functions[2], rule.location), STEER_NONE);
	}
	host_destroy(host);
}

static void a_rule_to_a_queue_that_is_gone_drops(void)
{
	struct host *host = steer_card(2);
	struct host_function *to = &host->functions[2];
	struct rule rule = port_rule(0x1122);
	static uint8_t frame[256];
	uint32_t bytes = port_frame(frame, 0x1122, 2);
	uint64_t dropped;

	rule.queue = 3;
	WEIR_REQUIRE_EQ(rule_add(to, &rule), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, NULL), 3);
	WEIR_REQUIRE_EQ(host_queue_destroy(to, 3), WEIR_STATUS_OK);
	to->rx[3].created = false;
	dropped = host_stat(to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE);
	WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, NULL), STEER_NONE);
	WEIR_EXPECT_EQ(host_stat(to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE),
		       dropped + 1);
	/* No other rule can be made for it; this one works on with a new queue of its number. */
	rule = port_rule(7);
	rule.queue = 3;
	WEIR_EXPECT_EQ(rule_add(to, &rule), WEIR_STATUS_BAD_VALUE);
	WEIR_REQUIRE_EQ(host_queue_create(to, 3, 2048, 4, false), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_pass(host, frame, bytes, NULL), 3);
	WEIR_EXPECT_EQ(rule_frames(to, 0x1122), 3);
	host_destroy(host);
}

const struct weir_test steer_table_tests[] = {
	{ "steer.whatever_is_wrong_is_refused_and_changes_nothing",
	  whatever_is_wrong_is_refused_and_changes_nothing },
	{ "steer.the_owner_of_the_card_has_no_rules", the_owner_of_the_card_has_no_rules },
	{ "steer.what_was_set_is_read_back_and_listed", what_was_set_is_read_back_and_listed },
	{ "steer.a_pf_has_4096_rules_and_every_one_works", a_pf_has_4096_rules_and_every_one_works },
	{ "steer.nobody_takes_the_rules_of_others", nobody_takes_the_rules_of_others },
	{ "steer.a_vport_has_sixteen_masks_and_no_more", a_vport_has_sixteen_masks_and_no_more },
	{ "steer.rules_are_their_functions_and_end_with_it",
	  rules_are_their_functions_and_end_with_it },
	{ "steer.a_rule_to_a_queue_that_is_gone_drops", a_rule_to_a_queue_that_is_gone_drops },
};
const size_t steer_table_test_count = WEIR_TESTS(steer_table_tests);
