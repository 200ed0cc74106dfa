/* SPDX-License-Identifier: BSD-3-Clause */
/* The reader and writer of attributes: everything malformed that there is. */
#include "suites.h"

#include <stdlib.h>
#include <string.h>

/* Parses a copy in memory of exactly its size, so that a read beyond it is seen. */
static enum weir_status parse(const struct weir_command_rule *rule,
			      const struct attributes *request, struct weir_arguments *arguments,
			      uint32_t *detail)
{
	uint8_t *exact = malloc(request->bytes ? request->bytes : 1);
	enum weir_status status;

	WEIR_REQUIRE(exact != NULL);
	memcpy(exact, request->data, request->bytes);
	*detail = 0xdead;
	status = weir_tlv_parse(rule, exact, request->bytes, arguments, detail);
	free(exact);
	return status;
}

static struct weir_attribute_set taken_by(const struct weir_command_rule *rule)
{
	return set_of_both(rule->required, rule->optional);
}

static bool takes(const struct weir_command_rule *rule, uint32_t id)
{
	return weir_set_has(&rule->required, id) || weir_set_has(&rule->optional, id);
}

/* A command that takes one attribute. */
static struct weir_command_rule rule_with(uint32_t id)
{
	struct weir_command_rule rule = { .name = "rule", .opcode = 1, .privilege = 1 };

	weir_set_add(&rule.optional, id);
	return rule;
}

/* A value of the right length for an attribute. */
static void add_valid(struct attributes *request, uint16_t id, uint16_t must)
{
	const struct weir_attribute_rule *rule = &weir_attribute_rules[id];
	uint8_t value[4096];

	for (uint32_t i = 0; i < rule->max_bytes; i++)
		value[i] = (uint8_t)(id + i);
	add_bytes(request, id | must, value, rule->max_bytes);
}

/* All attributes of a set. */
static struct attributes all_of(struct weir_attribute_set set)
{
	struct attributes request = { .bytes = 0 };

	for (uint16_t id = 1; id < WEIR_ATTRIBUTE_LIMIT; id++) {
		if (weir_set_has(&set, id))
			add_valid(&request, id, WEIR_ATTRIBUTE_MUST);
	}
	return request;
}

static void every_attribute_of_every_command_is_taken(void)
{
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];
		struct weir_attribute_set set = taken_by(rule);
		struct attributes request = all_of(set);
		struct weir_arguments arguments;
		uint32_t detail;

		WEIR_EXPECT_EQ(weir_tlv_parse(rule, request.data, request.bytes, &arguments,
					      &detail),
			       WEIR_STATUS_OK);
		WEIR_EXPECT(sets_equal(arguments.present, set));
		for (uint16_t id = 1; id < WEIR_ATTRIBUTE_LIMIT; id++) {
			if (!weir_set_has(&set, id))
				continue;
			uint32_t bytes = weir_attribute_rules[id].max_bytes;

			WEIR_EXPECT_EQ(arguments.bytes[id], bytes);
			WEIR_EXPECT_EQ(arguments.data[id][0], (uint8_t)id);
			if (weir_attribute_rules[id].kind <= WEIR_KIND_U64)
				WEIR_EXPECT(arguments.number[id] ==
					    weir_get_le(arguments.data[id], bytes));
		}
	}
}

static void a_missing_attribute_is_named(void)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];

		for (uint16_t id = 1; id < WEIR_ATTRIBUTE_LIMIT; id++) {
			if (!weir_set_has(&rule->required, id))
				continue;
			struct attributes request = all_of(set_without(taken_by(rule), id));
			struct weir_arguments arguments;
			uint32_t detail;

			WEIR_EXPECT_EQ(parse(rule, &request, &arguments, &detail),
				       WEIR_STATUS_MISSING_ATTRIBUTE);
			WEIR_EXPECT_EQ(detail, id);
			seen++;
		}
	}
	WEIR_EXPECT(seen > 10);
}

static void a_request_cut_anywhere_is_refused(void)
{
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];
		struct attributes request = all_of(taken_by(rule));
		uint32_t whole = request.bytes, last = 0;

		for (uint32_t at = 0; at < whole;) {
			last = at;
			at += 4 + (((uint32_t)weir_get_le(request.data + at + 2, 2) + 3) & ~3u);
		}
		for (request.bytes = last + 1; request.bytes < whole; request.bytes++) {
			struct weir_arguments arguments;
			uint32_t detail;

			WEIR_EXPECT_EQ(parse(rule, &request, &arguments, &detail),
				       WEIR_STATUS_BAD_LENGTH);
			WEIR_EXPECT_EQ(detail, last);
		}
	}
}

static void a_wrong_length_is_refused(void)
{
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];

		for (uint16_t id = 1; id < WEIR_ATTRIBUTE_LIMIT; id++) {
			static const uint8_t value[4096];

			if (!takes(rule, id))
				continue;
			for (int longer = 0; longer < 2; longer++) {
				struct attributes request = all_of(set_without(rule->required, id));
				uint32_t at = request.bytes, detail;
				struct weir_arguments arguments;
				uint32_t bytes = longer ? weir_attribute_rules[id].max_bytes + 1u
							: weir_attribute_rules[id].min_bytes - 1u;

				add_bytes(&request, id, value, bytes);
				WEIR_EXPECT_EQ(parse(rule, &request, &arguments, &detail),
					       WEIR_STATUS_BAD_LENGTH);
				WEIR_EXPECT_EQ(detail, at);
			}
		}
	}
}

static void a_length_beyond_the_end_is_refused_even_when_unknown(void)
{
	const struct weir_command_rule echo = rule_with(WEIR_ATTRIBUTE_DATA);

	for (uint32_t length = 1; length <= 0xffff; length += 7) {
		struct attributes request = { .bytes = 0 };
		struct weir_arguments arguments;
		uint32_t detail;

		add_bytes(&request, 0x123, "abcd", 4);
		add_bytes(&request, 0x124, NULL, 0);
		weir_put_le(request.data + 10, length, 2);
		WEIR_EXPECT_EQ(parse(&echo, &request, &arguments, &detail), WEIR_STATUS_BAD_LENGTH);
		WEIR_EXPECT_EQ(detail, 8);
	}
}

static void a_repeated_attribute_is_refused(void)
{
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];

		for (uint16_t id = 1; id < WEIR_ATTRIBUTE_LIMIT; id++) {
			if (!takes(rule, id))
				continue;
			struct attributes request = all_of(set_with(rule->required, id));
			struct weir_arguments arguments;
			uint32_t detail;

			add_valid(&request, id, 0);
			WEIR_EXPECT_EQ(parse(rule, &request, &arguments, &detail),
				       WEIR_STATUS_BAD_ATTRIBUTE);
			WEIR_EXPECT_EQ(detail, id);
		}
	}
}

/* What the command does not take: an error with MUST, nothing without. */
static void what_a_command_does_not_take_counts_only_with_must(void)
{
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];

		for (uint32_t id = 0; id < WEIR_ATTRIBUTE_MUST;
		     id += id < WEIR_ATTRIBUTE_LIMIT + 6 ? 1 : 997) {
			struct attributes request = all_of(rule->required);
			struct weir_arguments arguments;
			uint32_t detail;

			if (takes(rule, id))
				continue;
			/* Twice, since only attributes of the command must not be repeated. */
			add_bytes(&request, (uint16_t)id, "abcde", 5);
			add_bytes(&request, (uint16_t)id, "abcde", 5);
			WEIR_EXPECT_EQ(parse(rule, &request, &arguments, &detail), WEIR_STATUS_OK);
			WEIR_EXPECT(sets_equal(arguments.present, rule->required));
			add_bytes(&request, (uint16_t)(id | WEIR_ATTRIBUTE_MUST), "abcde", 5);
			WEIR_EXPECT_EQ(parse(rule, &request, &arguments, &detail),
				       WEIR_STATUS_BAD_ATTRIBUTE);
			WEIR_EXPECT_EQ(detail, id);
		}
	}
}

static void padding_that_is_not_zero_is_refused(void)
{
	const struct weir_command_rule echo = rule_with(WEIR_ATTRIBUTE_DATA);

	for (uint32_t bytes = 1; bytes < 8; bytes++) {
		for (uint32_t pad = bytes; pad < ((bytes + 3) & ~3u); pad++) {
			for (int known = 0; known < 2; known++) {
				struct attributes request = { .bytes = 0 };
				struct weir_arguments arguments;
				uint16_t id = known ? WEIR_ATTRIBUTE_DATA : 0x77;
				uint32_t detail;

				add_bytes(&request, id, "abcdefgh", bytes);
				WEIR_EXPECT_EQ(parse(&echo, &request, &arguments, &detail),
					       WEIR_STATUS_OK);
				request.data[4 + pad] = 1;
				WEIR_EXPECT_EQ(parse(&echo, &request, &arguments, &detail),
					       WEIR_STATUS_BAD_ATTRIBUTE);
				WEIR_EXPECT_EQ(detail, id);
			}
		}
	}
}

static void a_string_must_end(void)
{
	const struct weir_command_rule rule = rule_with(WEIR_ATTRIBUTE_BOARD);
	struct attributes request = { .bytes = 0 };
	struct weir_arguments arguments;
	uint32_t detail;

	add_bytes(&request, WEIR_ATTRIBUTE_BOARD, "weir", 5);
	WEIR_EXPECT_EQ(parse(&rule, &request, &arguments, &detail), WEIR_STATUS_OK);
	request.bytes = 0;
	add_bytes(&request, WEIR_ATTRIBUTE_BOARD, "weir", 4);
	WEIR_EXPECT_EQ(parse(&rule, &request, &arguments, &detail), WEIR_STATUS_BAD_ATTRIBUTE);
	WEIR_EXPECT_EQ(detail, WEIR_ATTRIBUTE_BOARD);
}

/* Whatever comes, the parser stays inside, and what it calls right is right. */
static void chance_never_gets_through(void)
{
	struct hal chance = { .random = 20240601 };
	uint32_t accepted = 0;

	for (uint32_t round = 0; round < 300000; round++) {
		const struct weir_command_rule *rule =
			&weir_command_rules[board_chance(&chance, WEIR_COMMAND_RULES)];
		struct attributes request = { .bytes = 0 };
		struct weir_arguments arguments;
		uint8_t *exact;
		uint32_t detail = 0;

		/* Half of them begin with something right and are bent in one place. */
		if (board_chance(&chance, 2))
			request = all_of(set_of_both(
				rule->required,
				set_below(rule->optional,
					  board_chance(&chance, WEIR_ATTRIBUTE_LIMIT))));
		else
			for (request.bytes = 4 * board_chance(&chance, 12); detail < request.bytes;
			     detail++)
				request.data[detail] =
					(uint8_t)(board_chance(&chance, 4)
							  ? board_chance(&chance, 8)
							  : board_chance(&chance, 256));
		if (request.bytes)
			request.data[board_chance(&chance, request.bytes)] ^=
				(uint8_t)(1u << board_chance(&chance, 8));
		exact = malloc(request.bytes + 1);
		WEIR_REQUIRE(exact != NULL);
		memcpy(exact, request.data, request.bytes);
		if (weir_tlv_parse(rule, exact, request.bytes, &arguments, &detail) ==
		    WEIR_STATUS_OK) {
			accepted++;
			WEIR_EXPECT(set_is_within(arguments.present, taken_by(rule)));
			WEIR_EXPECT(set_is_within(rule->required, arguments.present));
			for (uint16_t id = 1; id < WEIR_ATTRIBUTE_LIMIT; id++) {
				if (!weir_set_has(&arguments.present, id))
					continue;
				WEIR_EXPECT(arguments.data[id] >= exact + 4);
				WEIR_EXPECT(arguments.data[id] + arguments.bytes[id] <=
					    exact + request.bytes);
				WEIR_EXPECT(arguments.bytes[id] >=
					    weir_attribute_rules[id].min_bytes);
				WEIR_EXPECT(arguments.bytes[id] <=
					    weir_attribute_rules[id].max_bytes);
			}
		}
		free(exact);
	}
	WEIR_EXPECT(accepted > 1000);
}

static void a_response_never_leaves_its_room(void)
{
	for (uint32_t capacity = 0; capacity <= 64; capacity++) {
		uint8_t *room = malloc(capacity + 1);
		struct weir_writer writer = { .to = room, .capacity = capacity };

		WEIR_REQUIRE(room != NULL);
		room[capacity] = 0xa5;
		weir_put_u8(&writer, WEIR_ATTRIBUTE_ROLE, 1);
		weir_put_u16(&writer, WEIR_ATTRIBUTE_FUNCTION, 2);
		weir_put_u64(&writer, WEIR_ATTRIBUTE_SERIAL, 3);
		weir_put_string(&writer, WEIR_ATTRIBUTE_BOARD, "weir");
		weir_put_bytes(&writer, WEIR_ATTRIBUTE_DATA, "abc", 3);
		weir_put_u32(&writer, WEIR_ATTRIBUTE_GENERATION, 4);
		WEIR_EXPECT_EQ(writer.bytes, 8 + 8 + 12 + 12 + 8 + 8);
		WEIR_EXPECT_EQ(room[capacity], 0xa5);
		free(room);
	}
}

static void a_response_is_padded_with_zero(void)
{
	static const uint8_t expected[] = { 36,	 0,   1, 0, 7, 0, 0, 0, 33,   0,    3, 0,
					    'a', 'b', 0, 0, 1, 0, 2, 0, 0x34, 0x12, 0, 0 };
	uint8_t room[sizeof(expected)];
	struct weir_writer writer = { .to = room, .capacity = sizeof(room) };

	memset(room, 0xff, sizeof(room));
	weir_put_u8(&writer, WEIR_ATTRIBUTE_ROLE, 7);
	weir_put_string(&writer, WEIR_ATTRIBUTE_BOARD, "ab");
	weir_put_u16(&writer, WEIR_ATTRIBUTE_FUNCTION, 0x1234);
	WEIR_EXPECT_EQ(writer.bytes, sizeof(expected));
	WEIR_EXPECT_MEM(room, expected, sizeof(expected));
}

static void a_long_string_is_cut(void)
{
	uint8_t room[64];
	struct weir_writer writer = { .to = room, .capacity = sizeof(room) };

	weir_put_string(&writer, WEIR_ATTRIBUTE_BOARD, "0123456789012345678901234567890123456789");
	WEIR_EXPECT_EQ(weir_get_le(room + 2, 2), WEIR_STRING_BYTES);
	WEIR_EXPECT_EQ(room[4 + 30], '0');
	WEIR_EXPECT_EQ(room[4 + 31], 0);
}

static const struct weir_test tests[] = {
	{ "core.tlv.every_attribute_of_every_command_is_taken",
	  every_attribute_of_every_command_is_taken },
	{ "core.tlv.a_missing_attribute_is_named", a_missing_attribute_is_named },
	{ "core.tlv.a_request_cut_anywhere_is_refused", a_request_cut_anywhere_is_refused },
	{ "core.tlv.a_wrong_length_is_refused", a_wrong_length_is_refused },
	{ "core.tlv.a_length_beyond_the_end_is_refused_even_when_unknown",
	  a_length_beyond_the_end_is_refused_even_when_unknown },
	{ "core.tlv.a_repeated_attribute_is_refused", a_repeated_attribute_is_refused },
	{ "core.tlv.what_a_command_does_not_take_counts_only_with_must",
	  what_a_command_does_not_take_counts_only_with_must },
	{ "core.tlv.padding_that_is_not_zero_is_refused", padding_that_is_not_zero_is_refused },
	{ "core.tlv.a_string_must_end", a_string_must_end },
	{ "core.tlv.chance_never_gets_through", chance_never_gets_through },
	{ "core.tlv.a_response_never_leaves_its_room", a_response_never_leaves_its_room },
	{ "core.tlv.a_response_is_padded_with_zero", a_response_is_padded_with_zero },
	{ "core.tlv.a_long_string_is_cut", a_long_string_is_cut },
};

const struct suite_part tlv_tests = { tests, WEIR_TESTS(tests) };
