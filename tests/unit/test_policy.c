/* SPDX-License-Identifier: BSD-3-Clause */
/* What the administrator decides for a VF: at once on a living VF, and through its resets. */
#include "suites.h"

#include <string.h>

static const uint8_t mac[6] = { 0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };

/* Everything that can be decided. */
static struct attributes whole_policy(uint16_t function)
{
	struct attributes request = vf_request(function);

	add_mac(&request, mac);
	add_number(&request, WEIR_ATTRIBUTE_VLAN, 100);
	add_number(&request, WEIR_ATTRIBUTE_VLAN_PRIORITY, 5);
	add_number(&request, WEIR_ATTRIBUTE_VLAN_PROTOCOL, 0x88a8);
	add_number(&request, WEIR_ATTRIBUTE_SPOOF_CHECK, 0);
	add_number(&request, WEIR_ATTRIBUTE_TRUST, 1);
	add_number(&request, WEIR_ATTRIBUTE_LINK_POLICY, WEIR_LINK_POLICY_DISABLE);
	return request;
}

static void expect_whole_policy(struct card *card, uint16_t function, bool alive)
{
	struct attributes request = vf_request(function);
	struct reply reply = manage(card, WEIR_COMMAND_VF_GET, &request);
	struct weir_vport *vport = card_vport(card, function);
	uint32_t bytes = 0;

	WEIR_REQUIRE_EQ(reply.status, WEIR_STATUS_OK);
	WEIR_EXPECT_MEM(find_attribute(reply.data, reply.bytes, WEIR_ATTRIBUTE_MAC, &bytes), mac, 6);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_ADMIN_MAC), 1);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_VLAN), 100);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_VLAN_PRIORITY), 5);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_VLAN_PROTOCOL), 0x88a8);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_SPOOF_CHECK), 0);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_TRUST), 1);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LINK_POLICY),
		       WEIR_LINK_POLICY_DISABLE);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LINK_UP), 0);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_STATE),
		       alive ? WEIR_FUNCTION_STATE_READY : WEIR_FUNCTION_STATE_ABSENT);
	if (!alive)
		return;
	WEIR_EXPECT_MEM(vport->mac, mac, 6);
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, mac, WEIR_VLAN_NONE));
	WEIR_EXPECT_EQ(vport->port_vlan_tci, 100 | 5 << 13);
	WEIR_EXPECT_EQ(vport->port_vlan_protocol, 0x88a8);
	WEIR_EXPECT(!vport->spoof_check);
	WEIR_EXPECT(!vport->linked_up);
	WEIR_EXPECT_EQ(card_function(card, function)->role, WEIR_ROLE_TRUSTED_VF);
	WEIR_EXPECT_EQ(board_read(&card->hal, function, WEIR_REG_MAC_LOW), 0xccbbaa02);
	WEIR_EXPECT_EQ(board_read(&card->hal, function, WEIR_REG_MAC_HIGH), 0xeedd);
	WEIR_EXPECT(!(board_read(&card->hal, function, WEIR_REG_STATUS) &
		      WEIR_REG_STATUS_LINK_UP_MASK));
}

static void it_is_effective_at_once(void)
{
	struct attributes request = whole_policy(1);
	struct host host;
	struct card *card = card_new(2);

	card_enable_vfs(card, 2);
	host_enable(&host, card, 1, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	expect_whole_policy(card, 1, true);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 1);
	card_run(card);
	host_take_events(&host);
	WEIR_EXPECT_EQ(host.events[WEIR_EVENT_VF_CHANGED], 1);
	WEIR_EXPECT_EQ(host.events[WEIR_EVENT_LINK], 2);
	/* The same again is no change; spoof check alone is none that the VF sees. */
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	request = vf_request(1);
	add_number(&request, WEIR_ATTRIBUTE_SPOOF_CHECK, 1);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT(card_vport(card, 1)->spoof_check);
	card_run(card);
	host_take_events(&host);
	WEIR_EXPECT_EQ(host.events[WEIR_EVENT_VF_CHANGED], 1);
	/* A neighbour has its own. */
	WEIR_EXPECT_EQ(card_vport(card, 2)->port_vlan_tci, 0);
	WEIR_EXPECT_EQ(card_function(card, 2)->role, WEIR_ROLE_VF);
	card_free(card);
}

static void it_outlives_the_vf(void)
{
	struct attributes request = whole_policy(1);
	struct card *card = card_new(2);

	/* Before the VF is there at all. */
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	expect_whole_policy(card, 1, false);
	card_enable_vfs(card, 2);
	expect_whole_policy(card, 1, true);
	board_reset(&card->hal, 1);
	card_run(card);
	expect_whole_policy(card, 1, true);
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_run(card);
	expect_whole_policy(card, 1, true);
	board_vf_enable(&card->hal, 0);
	card_run(card);
	expect_whole_policy(card, 1, false);
	card_enable_vfs(card, 1);
	expect_whole_policy(card, 1, true);
	/* VFs live through the PF's soft reset, and so does what was decided for them. */
	board_write(&card->hal, 0, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_run(card);
	expect_whole_policy(card, 1, true);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 5);
	/* They do not live through its FLR. */
	board_reset(&card->hal, 0);
	card_run(card);
	WEIR_EXPECT(!card_function(card, 1)->policy.mac_set);
	card_enable_vfs(card, 1);
	WEIR_EXPECT(card_vport(card, 1)->spoof_check);
	WEIR_EXPECT_EQ(card_vport(card, 1)->port_vlan_tci, 0);
	WEIR_EXPECT(card_vport(card, 1)->linked_up);
	WEIR_EXPECT_EQ(card_function(card, 1)->role, WEIR_ROLE_VF);
	card_free(card);
}

static void a_taken_back_mac_stays_until_the_reset(void)
{
	static const uint8_t zero[6];
	struct attributes request = vf_request(1), own = { .bytes = 0 };
	struct card *card = card_new(1);

	card_enable_vfs(card, 1);
	add_mac(&request, mac);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	request = vf_request(1);
	add_mac(&request, zero);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT(!card_function(card, 1)->policy.mac_set);
	WEIR_EXPECT_MEM(card_vport(card, 1)->mac, mac, 6);
	/* Now the VF may have one of its own. */
	add_mac(&own, (const uint8_t[]){ 0x02, 1, 1, 1, 1, 1 });
	WEIR_EXPECT_EQ(command(card, 1, WEIR_COMMAND_VPORT_SET, &own).status, WEIR_STATUS_OK);
	board_reset(&card->hal, 1);
	card_run(card);
	WEIR_EXPECT(weir_mac_is_zero(card_vport(card, 1)->mac));
	card_free(card);
}

/* One wrong value, and nothing is changed. */
static void it_is_all_or_nothing(void)
{
	static const struct {
		uint16_t id;
		uint32_t value;
		enum weir_status status;
	} wrong[] = {
		{ WEIR_ATTRIBUTE_VLAN, 4095, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_VLAN, WEIR_VLAN_NONE, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_VLAN_PRIORITY, 8, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_VLAN_PROTOCOL, 0x9100, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_SPOOF_CHECK, 2, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_TRUST, 2, WEIR_STATUS_BAD_VALUE },
		{ WEIR_ATTRIBUTE_LINK_POLICY, 3, WEIR_STATUS_BAD_VALUE },
	};
	struct card *card = card_new(1);
	struct weir_vport before;
	struct weir_vf_policy policy;

	card_enable_vfs(card, 1);
	before = *card_vport(card, 1);
	policy = card_function(card, 1)->policy;
	for (size_t i = 0; i < WEIR_TESTS(wrong); i++) {
		struct attributes request = { .bytes = 0 }, all = whole_policy(1);
		struct reply reply;

		/* The whole policy, with one attribute replaced by a wrong one. */
		for (uint32_t at = 0; at < all.bytes;) {
			uint32_t id = (uint32_t)weir_get_le(all.data + at, 2) &
				      ~WEIR_ATTRIBUTE_MUST;
			uint32_t length = (uint32_t)weir_get_le(all.data + at + 2, 2);

			if (id == wrong[i].id)
				add_number(&request, wrong[i].id, wrong[i].value);
			else
				add_bytes(&request, (uint16_t)(id | WEIR_ATTRIBUTE_MUST),
					  all.data + at + 4, length);
			at += 4 + ((length + 3) & ~3u);
		}
		reply = manage(card, WEIR_COMMAND_VF_SET, &request);
		WEIR_EXPECT_EQ(reply.status, wrong[i].status);
		WEIR_EXPECT_EQ(reply.detail, wrong[i].id);
		WEIR_EXPECT_MEM(card_vport(card, 1), &before, sizeof(before));
		WEIR_EXPECT_MEM(&card_function(card, 1)->policy, &policy, sizeof(policy));
	}
	/* A group address, a VF there is not, the PF. */
	struct attributes request = vf_request(1);

	add_mac(&request, (const uint8_t[]){ 1, 0, 0, 0, 0, 1 });
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_BAD_VALUE);
	request = whole_policy(2);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_NOT_FOUND);
	request = whole_policy(WEIR_FUNCTION_SELF);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_NOT_FOUND);
	request = whole_policy(0);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_BAD_VALUE);
	/* A priority needs a VLAN. */
	request = vf_request(1);
	add_number(&request, WEIR_ATTRIBUTE_VLAN_PRIORITY, 1);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_MEM(card_vport(card, 1), &before, sizeof(before));
	card_free(card);
}

static void a_full_sorter_refuses_a_mac_and_nothing_changes(void)
{
	struct weir_firmware_config config = { .total_vfs = 1,
					       .ports = 1,
					       .queue_pairs = 2,
					       .filters = 16,
					       .log_records = 16,
					       .trace_records = 16 };
	struct card *card = card_new_config(&config);
	struct attributes request = whole_policy(1);
	struct reply reply;

	card_run(card);
	card_enable_vfs(card, 1);
	for (uint8_t i = 0; i < 15; i++) {
		struct attributes filter = { .bytes = 0 };

		add_mac(&filter, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, i });
		WEIR_REQUIRE_EQ(command(card, 0, WEIR_COMMAND_FILTER_ADD, &filter).status,
				WEIR_STATUS_OK);
	}
	reply = manage(card, WEIR_COMMAND_VF_SET, &request);
	WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NO_SPACE);
	WEIR_EXPECT_EQ(reply.detail, WEIR_ATTRIBUTE_MAC);
	WEIR_EXPECT(!card_function(card, 1)->policy.mac_set);
	WEIR_EXPECT_EQ(card_vport(card, 1)->port_vlan_tci, 0);
	card_free(card);
}

static void vlan_zero_means_none(void)
{
	struct attributes request = whole_policy(1);
	struct card *card = card_new(1);
	struct reply reply;

	card_enable_vfs(card, 1);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	/* Only the VLAN: its priority and protocol stay. */
	request = vf_request(1);
	add_number(&request, WEIR_ATTRIBUTE_VLAN, 200);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(card_vport(card, 1)->port_vlan_tci, 200 | 5 << 13);
	WEIR_EXPECT_EQ(card_vport(card, 1)->port_vlan_protocol, 0x88a8);
	request = vf_request(1);
	add_number(&request, WEIR_ATTRIBUTE_VLAN, 0);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(card_vport(card, 1)->port_vlan_tci, 0);
	request = vf_request(1);
	reply = manage(card, WEIR_COMMAND_VF_GET, &request);
	WEIR_EXPECT_EQ(get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_VLAN_PROTOCOL), 0x8100);
	card_free(card);
}

static void link_policy_and_wire_make_the_link(void)
{
	static const struct {
		uint8_t policy;
		bool wire, up;
	} cases[] = {
		{ WEIR_LINK_POLICY_AUTO, true, true },
		{ WEIR_LINK_POLICY_AUTO, false, false },
		{ WEIR_LINK_POLICY_ENABLE, true, true },
		{ WEIR_LINK_POLICY_ENABLE, false, true },
		{ WEIR_LINK_POLICY_DISABLE, true, false },
		{ WEIR_LINK_POLICY_DISABLE, false, false },
	};
	struct card *card = card_new(1);

	card_enable_vfs(card, 1);
	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct attributes request = vf_request(1);
		uint32_t status;

		add_number(&request, WEIR_ATTRIBUTE_LINK_POLICY, cases[i].policy);
		WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
		card->hal.links[0] = (struct hal_link){ .up = cases[i].wire,
							.speed_mbps = cases[i].wire ? 10000 : 0 };
		board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_LINK });
		card_run(card);
		status = board_read(&card->hal, 1, WEIR_REG_STATUS);
		WEIR_EXPECT_EQ(card_vport(card, 1)->linked_up, cases[i].up);
		WEIR_EXPECT_EQ(!!(status & WEIR_REG_STATUS_LINK_UP_MASK), cases[i].up);
		/* Up by policy on a dead wire, the speed is what it last was. */
		WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_LINK_SPEED),
			       cases[i].up ? 10000 : 0);
		/* The PF sees the wire. */
		WEIR_EXPECT_EQ(!!(board_read(&card->hal, 0, WEIR_REG_STATUS) &
				  WEIR_REG_STATUS_LINK_UP_MASK),
			       cases[i].wire);
	}
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.policy.it_is_effective_at_once", it_is_effective_at_once },
	{ "core.policy.it_outlives_the_vf", it_outlives_the_vf },
	{ "core.policy.a_taken_back_mac_stays_until_the_reset",
	  a_taken_back_mac_stays_until_the_reset },
	{ "core.policy.it_is_all_or_nothing", it_is_all_or_nothing },
	{ "core.policy.a_full_sorter_refuses_a_mac_and_nothing_changes",
	  a_full_sorter_refuses_a_mac_and_nothing_changes },
	{ "core.policy.vlan_zero_means_none", vlan_zero_means_none },
	{ "core.policy.link_policy_and_wire_make_the_link", link_policy_and_wire_make_the_link },
};

const struct suite_part policy_tests = { tests, WEIR_TESTS(tests) };
