/* SPDX-License-Identifier: BSD-3-Clause */
/* What commands do: information, vport, filters, VLANs. */
#include "suites.h"

#include <string.h>

static const uint8_t mac_a[6] = { 0x02, 0xa, 0, 0, 0, 1 }, mac_b[6] = { 0x02, 0xb, 0, 0, 0, 2 },
		     group[6] = { 0x33, 0x33, 0, 0, 0, 7 };

static struct attributes with_filter(const uint8_t mac[6], uint32_t vlan)
{
	struct attributes request = { .bytes = 0 };

	add_mac(&request, mac);
	if (vlan != WEIR_VLAN_NONE)
		add_number(&request, WEIR_ATTRIBUTE_VLAN, vlan);
	return request;
}

/* Runs a command of the PF and gives its status. */
static enum weir_status run(struct card *card, uint16_t opcode, struct attributes request)
{
	return command(card, 0, opcode, &request).status;
}

/* ---- information ---- */

static void get_info_tells_who_is_who(void)
{
	struct card *card = card_new(3);
	struct reply reply;
	uint32_t bytes = 0;

	card_enable_vfs(card, 2);
	reply = command(card, 2, WEIR_COMMAND_GET_INFO, NULL);
	WEIR_REQUIRE_EQ(reply.status, WEIR_STATUS_OK);
	WEIR_EXPECT_STR((const char *)find_attribute(reply.data, reply.bytes, WEIR_ATTRIBUTE_BOARD,
						     &bytes),
			"unit");
	WEIR_EXPECT_EQ(bytes, 5);
	WEIR_EXPECT_STR((const char *)find_attribute(reply.data, reply.bytes,
						     WEIR_ATTRIBUTE_FIRMWARE_VERSION, &bytes),
			WEIR_FIRMWARE_VERSION);
	WEIR_EXPECT(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_SERIAL) ==
		    0x1122334455667788ull);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_ABI_VERSION),
		       WEIR_ABI_MAJOR << 16 | WEIR_ABI_MINOR);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_ROLE), WEIR_ROLE_VF);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_FUNCTION), 2);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_GENERATION), 1);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_VFS_ENABLED), 2);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_VFS_TOTAL), 3);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_FILTERS_MAX),
		       WEIR_VPORT_FILTERS_MAX);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_PORTS), 1);
	reply = manage(card, WEIR_COMMAND_GET_INFO, NULL);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_ROLE), WEIR_ROLE_MANAGER);
	card_free(card);
}

/* Every response has just the attributes that the ABI lists, and each right in form. */
static void responses_are_as_the_abi_lists_them(void)
{
	static const uint8_t no_bits[sizeof(struct weir_steer_key)];
	struct card *card = card_new(2);
	struct attributes steer = { .bytes = 0 };

	card_enable_vfs(card, 2);
	add_number(&steer, WEIR_ATTRIBUTE_STEER_LOCATION, 9);
	add_bytes(&steer, WEIR_ATTRIBUTE_STEER_KEY, no_bits, sizeof(no_bits));
	add_bytes(&steer, WEIR_ATTRIBUTE_STEER_MASK, no_bits, sizeof(no_bits));
	add_number(&steer, WEIR_ATTRIBUTE_STEER_ACTION, WEIR_STEER_ACTION_DROP);
	add_number(&steer, WEIR_ATTRIBUTE_STEER_MARK, 7);
	WEIR_REQUIRE_EQ(run(card, WEIR_COMMAND_STEER_ADD, steer), WEIR_STATUS_OK);
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];
		struct attributes request = { .bytes = 0 };
		struct weir_arguments arguments;
		struct reply reply;
		uint32_t detail;

		if (set_is_empty(rule->response))
			continue;
		if (weir_set_has(&rule->required, WEIR_ATTRIBUTE_FUNCTION))
			add_number(&request, WEIR_ATTRIBUTE_FUNCTION, 1);
		if (weir_set_has(&rule->required, WEIR_ATTRIBUTE_SCOPE))
			add_number(&request, WEIR_ATTRIBUTE_SCOPE, WEIR_STATS_SCOPE_FUNCTION);
		if (weir_set_has(&rule->required, WEIR_ATTRIBUTE_STEER_LOCATION))
			add_number(&request, WEIR_ATTRIBUTE_STEER_LOCATION, 9);
		if (rule->opcode == WEIR_COMMAND_ECHO)
			add_bytes(&request, WEIR_ATTRIBUTE_DATA, "abc", 3);
		reply = command(card, 0, rule->opcode, &request);
		WEIR_REQUIRE_EQ(reply.status, WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(reply.bytes % 4, 0);
		/* A trace that holds nothing gives no records. */
		const struct weir_command_rule strict = {
			.name = "response", .opcode = 1, .privilege = 1, .optional = rule->response
		};
		struct weir_attribute_set expected = rule->response;

		if (rule->opcode == WEIR_COMMAND_TRACE_READ)
			expected = set_without(expected, WEIR_ATTRIBUTE_RECORDS);
		/* A rule that drops names no queue and no context. */
		if (rule->opcode == WEIR_COMMAND_STEER_GET)
			expected = set_without(set_without(expected, WEIR_ATTRIBUTE_QUEUE),
					       WEIR_ATTRIBUTE_SPREAD_CONTEXT);

		WEIR_EXPECT_EQ(weir_tlv_parse(&strict, reply.data, reply.bytes, &arguments, &detail),
			       WEIR_STATUS_OK);
		WEIR_EXPECT(sets_equal(arguments.present, expected));
	}
	card_free(card);
}

/* ---- vport ---- */

static void vport_set_and_get_agree(void)
{
	struct card *card = card_new(0);
	struct attributes request = { .bytes = 0 };
	struct reply reply;
	uint32_t bytes = 0;

	add_mac(&request, mac_a);
	add_number(&request, WEIR_ATTRIBUTE_MTU, 9000);
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS, WEIR_VPORT_ENABLE | WEIR_VPORT_PROMISCUOUS);
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK,
		   WEIR_VPORT_ENABLE | WEIR_VPORT_PROMISCUOUS);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, request), WEIR_STATUS_OK);
	reply = command(card, 0, WEIR_COMMAND_VPORT_GET, NULL);
	WEIR_EXPECT_MEM(find_attribute(reply.data, reply.bytes, WEIR_ATTRIBUTE_MAC, &bytes), mac_a,
			6);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_ADMIN_MAC), 0);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_MTU), 9000);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_VPORT_FLAGS),
		       WEIR_VPORT_ENABLE | WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_BROADCAST);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LINK_UP), 1);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LINK_SPEED_MBPS), 25000);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_TRUST), 1);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_FILTERS_USED), 0);
	WEIR_EXPECT_EQ(card_vport(card, 0)->max_frame, 9018);
	WEIR_EXPECT_EQ(card->firmware->sorter.promiscuous_count, 1);
	WEIR_EXPECT_EQ(card->firmware->sorter.broadcast_count, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 0, WEIR_REG_MAC_LOW), 0x00000a02);
	/* Nothing given is nothing changed. */
	request.bytes = 0;
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, request), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(card_vport(card, 0)->mtu, 9000);
	card_free(card);
}

static void vport_set_is_all_or_nothing(void)
{
	static const struct {
		uint16_t id;
		uint32_t value;
		enum weir_status status;
	} wrong[] = {
		{ WEIR_ATTRIBUTE_MTU, 67, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_MTU, 0, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_MTU, 9195, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_MTU, 65535, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_VPORT_FLAGS, 1u << 8, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, 1u << 31, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_VPORT, 1, WEIR_STATUS_NOT_FOUND },
	};
	struct card *card = card_new(0);
	struct weir_vport before = *card_vport(card, 0);

	for (size_t i = 0; i < WEIR_TESTS(wrong); i++) {
		struct attributes request = { .bytes = 0 };
		struct reply reply;

		add_mac(&request, mac_a);
		if (wrong[i].id != WEIR_ATTRIBUTE_MTU)
			add_number(&request, WEIR_ATTRIBUTE_MTU, 2000);
		if (wrong[i].id != WEIR_ATTRIBUTE_VPORT_FLAGS)
			add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS, WEIR_VPORT_ENABLE);
		if (wrong[i].id != WEIR_ATTRIBUTE_VPORT_FLAGS_MASK)
			add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, WEIR_VPORT_ENABLE);
		add_number(&request, wrong[i].id, wrong[i].value);
		reply = command(card, 0, WEIR_COMMAND_VPORT_SET, &request);
		WEIR_EXPECT_EQ(reply.status, wrong[i].status);
		WEIR_EXPECT_EQ(reply.detail, wrong[i].id);
		WEIR_EXPECT_MEM(card_vport(card, 0), &before, sizeof(before));
	}
	struct attributes request = with_number(WEIR_ATTRIBUTE_VPORT_FLAGS, WEIR_VPORT_ENABLE);

	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, request), WEIR_STATUS_MISSING_ATTRIBUTE);
	request = with_number(WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, WEIR_VPORT_ENABLE);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, request), WEIR_STATUS_MISSING_ATTRIBUTE);
	request.bytes = 0;
	add_mac(&request, group);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, request), WEIR_STATUS_BAD_VALUE);
	request.bytes = 0;
	add_mac(&request, (const uint8_t[6]){ 0 });
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, request), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_MEM(card_vport(card, 0), &before, sizeof(before));
	/* The bounds themselves are right. */
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, with_number(WEIR_ATTRIBUTE_MTU, 68)),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, with_number(WEIR_ATTRIBUTE_MTU, 9194)),
		       WEIR_STATUS_OK);
	card_free(card);
}

/* specs/admin-queue.md: privileges, then values, then objects; each request has something wrong of every later kind, too. */
static void finer_checks_come_in_their_order(void)
{
	struct card *card = card_new(2);
	struct attributes request = vf_request(1);
	struct reply reply;

	card_enable_vfs(card, 1);
	add_mac(&request, mac_a);
	WEIR_REQUIRE_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_VPORT, 1);
	add_number(&request, WEIR_ATTRIBUTE_MTU, 1);
	add_mac(&request, (const uint8_t[6]){ 0 });
	reply = command(card, 1, WEIR_COMMAND_VPORT_SET, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_MAC);
	reply = command(card, 0, WEIR_COMMAND_VPORT_SET, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_MAC);
	request = with_filter((const uint8_t[6]){ 0 }, 4095);
	add_number(&request, WEIR_ATTRIBUTE_VPORT, 1);
	WEIR_EXPECT_EQ(command(card, 1, WEIR_COMMAND_FILTER_ADD, &request).status,
		       WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_FILTER_ADD, &request).status,
		       WEIR_STATUS_BAD_VALUE);
	request = with_filter(mac_b, 1);
	add_number(&request, WEIR_ATTRIBUTE_VPORT, 1);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_FILTER_ADD, &request).status,
		       WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_FILTER_DELETE, &request).status,
		       WEIR_STATUS_NOT_FOUND);
	request = with_number(WEIR_ATTRIBUTE_VLAN, 4095);
	add_number(&request, WEIR_ATTRIBUTE_VPORT, 1);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_VLAN_ADD, &request).status,
		       WEIR_STATUS_BAD_VALUE);
	request = vf_request(99);
	add_number(&request, WEIR_ATTRIBUTE_TRUST, 2);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_VF_SET, &request).status,
		       WEIR_STATUS_BAD_VALUE);
	request = vf_request(99);
	add_number(&request, WEIR_ATTRIBUTE_SCOPE, 99);
	WEIR_EXPECT_EQ(command(card, 1, WEIR_COMMAND_STATS_GET, &request).status,
		       WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_STATS_GET, &request).status,
		       WEIR_STATUS_BAD_VALUE);
	card_free(card);
}

static void what_is_not_there_is_told(void)
{
	static const uint16_t of_a_vport[] = { WEIR_COMMAND_VPORT_GET, WEIR_COMMAND_VPORT_SET };
	struct card *card = card_new(1);
	struct attributes request;
	uint8_t response[64];
	uint32_t bytes = 7, detail = 7;

	for (size_t i = 0; i < WEIR_TESTS(of_a_vport); i++) {
		struct reply reply;

		request = with_number(WEIR_ATTRIBUTE_VPORT, 1);
		reply = command(card, 0, of_a_vport[i], &request);
		WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NOT_FOUND);
		WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_VPORT);
	}
	request = with_number(WEIR_ATTRIBUTE_VPORT, 1);
	add_number(&request, WEIR_ATTRIBUTE_VLAN, 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VLAN_ADD, request), WEIR_STATUS_NOT_FOUND);
	request = queue_request(0, true, 0);
	add_number(&request, WEIR_ATTRIBUTE_VPORT, 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_RX_QUEUE_CREATE, request), WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VF_RESET, vf_request(2)), WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VF_RESET, vf_request(0)), WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VF_GET, vf_request(2)), WEIR_STATUS_NOT_FOUND);
	/* The owner: impossible lengths, and a PF that is in reset. */
	WEIR_EXPECT_EQ(weir_firmware_manage(card->firmware, WEIR_COMMAND_ECHO, response, 3,
					    response, sizeof(response), &bytes, &detail),
		       WEIR_STATUS_BAD_LENGTH);
	WEIR_EXPECT_EQ(bytes, 0);
	WEIR_EXPECT_EQ(detail, WEIR_DETAIL_COMMAND);
	WEIR_EXPECT_EQ(weir_firmware_manage(card->firmware, WEIR_COMMAND_ECHO, response, 4100,
					    response, sizeof(response), &bytes, &detail),
		       WEIR_STATUS_BAD_LENGTH);
	card_function(card, 0)->references++;
	board_reset(&card->hal, 0);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VPORT_GET, NULL).status, WEIR_STATUS_BAD_STATE);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_GET_INFO, NULL).status, WEIR_STATUS_OK);
	card_function(card, 0)->references--;
	card_run(card);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VPORT_GET, NULL).status, WEIR_STATUS_OK);
	card_free(card);
}

static void a_full_sorter_refuses_a_mac_of_the_vport(void)
{
	struct weir_firmware_config config = { .total_vfs = 0,
					       .ports = 1,
					       .queue_pairs = 1,
					       .filters = 16,
					       .log_records = 16,
					       .trace_records = 16 };
	struct card *card = card_new_config(&config);
	struct attributes request = { .bytes = 0 };
	struct weir_vport before;
	struct reply reply;

	card_run(card);
	for (uint8_t i = 0; i < 15; i++)
		WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD,
				   with_filter((const uint8_t[6]){ 0x33, 0x33, 0, 0, 0, i }, 1)),
			       WEIR_STATUS_OK);
	before = *card_vport(card, 0);
	add_mac(&request, mac_a);
	add_number(&request, WEIR_ATTRIBUTE_MTU, 9000);
	reply = command(card, 0, WEIR_COMMAND_VPORT_SET, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NO_SPACE);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_MAC);
	WEIR_EXPECT_MEM(card_vport(card, 0), &before, sizeof(before));
	card_free(card);
}

/* The bytes of specs/admin-queue.md, "A command, byte by byte". */
static void the_datasheets_example_is_answered_as_it_says(void)
{
	static const uint8_t filter[] = { 0x0c, 0x80, 6,    0,	  2, 0, 0, 0, 0, 1,
					  0,	0,    0x0d, 0x80, 2, 0, 5, 0, 0, 0 };
	static const uint8_t link[] = { 0x17, 0, 1, 0, 1, 0, 0, 0, 0x18, 0, 4, 0, 0xa0, 0x86, 1, 0 };
	struct attributes request = { .bytes = sizeof(filter) };
	struct card *card = card_new(0);
	struct reply reply;

	memcpy(request.data, filter, sizeof(filter));
	reply = command(card, 0, WEIR_COMMAND_FILTER_ADD, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(reply.detail, 0);
	WEIR_EXPECT_EQ(reply.bytes, 0);
	WEIR_EXPECT(weir_sorter_has(card->firmware, card_vport(card, 0),
				    (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 }, 5));
	request.data[16] = 0xff;
	request.data[17] = 0x0f;
	reply = command(card, 0, WEIR_COMMAND_FILTER_ADD, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_VLAN);
	card->hal.links[0].speed_mbps = 100000;
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK });
	card_run(card);
	reply = command(card, 0, WEIR_COMMAND_LINK_GET, NULL);
	WEIR_EXPECT_EQ(reply.bytes, sizeof(link));
	WEIR_EXPECT_MEM(reply.data, link, sizeof(link));
	card_free(card);
}

/* ---- filters ---- */

static void filters_are_added_and_deleted(void)
{
	struct card *card = card_new(0);
	struct weir_vport *vport = card_vport(card, 0);

	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_a, WEIR_VLAN_NONE)),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_a, WEIR_VLAN_NONE)),
		       WEIR_STATUS_EXISTS);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_a, 0)), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_a, 4094)), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(group, 9)), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(vport->filters_used, 4);
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, mac_a, 4094));
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_DELETE, with_filter(mac_a, 4093)),
		       WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_DELETE, with_filter(mac_a, 4094)),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_DELETE, with_filter(mac_a, 4094)),
		       WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT_EQ(vport->filters_used, 3);
	/* What cannot be a filter. */
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_a, 4095)),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter((const uint8_t[6]){ 0 }, 1)),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD,
			   with_filter((const uint8_t[6]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
				       WEIR_VLAN_NONE)),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(vport->filters_used, 3);
	card_free(card);
}

static void the_own_mac_and_a_filter_of_it_do_not_mix(void)
{
	struct card *card = card_new(0);
	struct weir_vport *vport = card_vport(card, 0);
	struct attributes set = { .bytes = 0 };

	add_mac(&set, mac_a);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, set), WEIR_STATUS_OK);
	/* The own MAC is a filter by itself: it cannot be added, nor deleted. */
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_a, WEIR_VLAN_NONE)),
		       WEIR_STATUS_EXISTS);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_DELETE, with_filter(mac_a, WEIR_VLAN_NONE)),
		       WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, mac_a, WEIR_VLAN_NONE));
	WEIR_EXPECT_EQ(vport->filters_used, 0);
	/* A filter that becomes the own MAC stays a filter, and is one when the MAC changes again. */
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_b, WEIR_VLAN_NONE)),
		       WEIR_STATUS_OK);
	set.bytes = 0;
	add_mac(&set, mac_b);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, set), WEIR_STATUS_OK);
	WEIR_EXPECT(!weir_sorter_has(card->firmware, vport, mac_a, WEIR_VLAN_NONE));
	set.bytes = 0;
	add_mac(&set, mac_a);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, set), WEIR_STATUS_OK);
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, mac_b, WEIR_VLAN_NONE));
	WEIR_EXPECT_EQ(vport->filters_used, 1);
	/* Deleted while it is the own MAC, the MAC stays. */
	set.bytes = 0;
	add_mac(&set, mac_b);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VPORT_SET, set), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_DELETE, with_filter(mac_b, WEIR_VLAN_NONE)),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_DELETE, with_filter(mac_b, WEIR_VLAN_NONE)),
		       WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, mac_b, WEIR_VLAN_NONE));
	WEIR_EXPECT_EQ(vport->filters_used, 0);
	card_free(card);
}

static void a_vport_has_its_limit_of_filters(void)
{
	struct card *card = card_new(1);

	card_enable_vfs(card, 1);
	for (uint32_t i = 0; i <= WEIR_VPORT_FILTERS_MAX; i++) {
		uint8_t mac[6] = { 0x33, 0x33, 0, 0, (uint8_t)(i >> 8), (uint8_t)i };
		struct attributes request = with_filter(mac, WEIR_VLAN_NONE);

		WEIR_EXPECT_EQ(command(card, 1, WEIR_COMMAND_FILTER_ADD, &request).status,
			       i < WEIR_VPORT_FILTERS_MAX ? WEIR_STATUS_OK : WEIR_STATUS_NO_SPACE);
	}
	WEIR_EXPECT_EQ(card_vport(card, 1)->filters_used, WEIR_VPORT_FILTERS_MAX);
	/* The neighbour has its own limit. */
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_FILTER_ADD, with_filter(mac_a, 1)), WEIR_STATUS_OK);
	card_free(card);
}

static void vlans_are_added_and_deleted(void)
{
	struct card *card = card_new(0);
	struct weir_vport *vport = card_vport(card, 0);

	for (uint32_t vlan = 0; vlan <= 4094; vlan++)
		WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VLAN_ADD,
				   with_number(WEIR_ATTRIBUTE_VLAN, vlan)),
			       WEIR_STATUS_OK);
	for (uint32_t i = 0; i < 63; i++)
		WEIR_EXPECT(vport->vlans[i] == UINT64_MAX);
	WEIR_EXPECT(vport->vlans[63] == UINT64_MAX >> 1);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VLAN_ADD, with_number(WEIR_ATTRIBUTE_VLAN, 5)),
		       WEIR_STATUS_EXISTS);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VLAN_DELETE, with_number(WEIR_ATTRIBUTE_VLAN, 5)),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VLAN_DELETE, with_number(WEIR_ATTRIBUTE_VLAN, 5)),
		       WEIR_STATUS_NOT_FOUND);
	WEIR_EXPECT(vport->vlans[0] == (UINT64_MAX & ~(1ull << 5)));
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VLAN_ADD, with_number(WEIR_ATTRIBUTE_VLAN, 4095)),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(run(card, WEIR_COMMAND_VLAN_ADD,
			   with_number(WEIR_ATTRIBUTE_VLAN, WEIR_VLAN_NONE)),
		       WEIR_STATUS_BAD_VALUE);
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.commands.get_info_tells_who_is_who", get_info_tells_who_is_who },
	{ "core.commands.responses_are_as_the_abi_lists_them", responses_are_as_the_abi_lists_them },
	{ "core.commands.vport_set_and_get_agree", vport_set_and_get_agree },
	{ "core.commands.vport_set_is_all_or_nothing", vport_set_is_all_or_nothing },
	{ "core.commands.finer_checks_come_in_their_order", finer_checks_come_in_their_order },
	{ "core.commands.what_is_not_there_is_told", what_is_not_there_is_told },
	{ "core.commands.a_full_sorter_refuses_a_mac_of_the_vport",
	  a_full_sorter_refuses_a_mac_of_the_vport },
	{ "core.commands.the_datasheets_example_is_answered_as_it_says",
	  the_datasheets_example_is_answered_as_it_says },
	{ "core.commands.filters_are_added_and_deleted", filters_are_added_and_deleted },
	{ "core.commands.the_own_mac_and_a_filter_of_it_do_not_mix",
	  the_own_mac_and_a_filter_of_it_do_not_mix },
	{ "core.commands.a_vport_has_its_limit_of_filters", a_vport_has_its_limit_of_filters },
	{ "core.commands.vlans_are_added_and_deleted", vlans_are_added_and_deleted },
};

const struct suite_part command_tests = { tests, WEIR_TESTS(tests) };
