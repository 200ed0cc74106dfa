/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of privileges: every command by every role, and the finer rules inside commands. */
#include "suites.h"

#include <string.h>

static const uint8_t admin_mac[6] = { 0x02, 0xad, 0, 0, 0, 1 },
		     own_mac[6] = { 0x02, 0xee, 0, 0, 0, 2 },
		     group_mac[6] = { 0x01, 0x00, 0x5e, 0, 0, 3 };

/* A request of the command that is right in form, all its attributes with a value that is right as well. */
static struct attributes valid_request(const struct weir_command_rule *rule)
{
	struct attributes request = { .bytes = 0 };
	uint8_t zeros[WEIR_ADMIN_DATA_MAX_BYTES] = { 0 };

	for (uint16_t id = 1; id < WEIR_ATTRIBUTE_LIMIT; id++) {
		if (!weir_set_has(&rule->required, id))
			continue;
		if (id == WEIR_ATTRIBUTE_FUNCTION)
			add_number(&request, id, 2);
		else if (id == WEIR_ATTRIBUTE_MAC)
			add_mac(&request, own_mac);
		else if (weir_attribute_rules[id].kind == WEIR_KIND_BYTES)
			add_bytes(&request, id | WEIR_ATTRIBUTE_MUST, zeros,
				  weir_attribute_rules[id].max_bytes);
		else
			add_number(&request, id, 0);
	}
	return request;
}

static struct reply run_as(struct card *card, enum weir_role role, uint16_t opcode,
			   const struct attributes *request)
{
	if (role == WEIR_ROLE_MANAGER)
		return manage(card, opcode, request);
	return command(card, role == WEIR_ROLE_PF ? 0 : 1, opcode, request);
}

/* A card whose VF 0 has the role that is wanted. */
static struct card *card_for(enum weir_role role)
{
	struct card *card = card_new(2);

	card_enable_vfs(card, 2);
	if (role == WEIR_ROLE_TRUSTED_VF) {
		struct attributes trust = vf_request(1);

		add_number(&trust, WEIR_ATTRIBUTE_TRUST, 1);
		WEIR_REQUIRE_EQ(manage(card, WEIR_COMMAND_VF_SET, &trust).status, WEIR_STATUS_OK);
	}
	return card;
}

static void every_command_by_every_role_is_as_the_table_says(void)
{
	uint32_t refused = 0, allowed = 0;

	for (enum weir_role role = WEIR_ROLE_PF; role <= WEIR_ROLE_MANAGER; role++) {
		for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
			const struct weir_command_rule *rule = &weir_command_rules[i];
			struct attributes request = valid_request(rule);
			struct card *card = card_for(role);
			bool holds = weir_role_privileges[role] & rule->privilege;
			struct reply reply = run_as(card, role, rule->opcode, &request);

			WEIR_EXPECT_EQ(weir_command_check(role, rule->opcode),
				       holds ? WEIR_STATUS_OK : WEIR_STATUS_NOT_PERMITTED);
			if (holds) {
				WEIR_EXPECT(reply.status != WEIR_STATUS_NOT_PERMITTED);
				WEIR_EXPECT(reply.status != WEIR_STATUS_UNKNOWN_COMMAND);
				WEIR_EXPECT(reply.status != WEIR_STATUS_INTERNAL);
				allowed++;
			} else {
				WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NOT_PERMITTED);
				WEIR_EXPECT_EQ(reply.bytes, 0);
				refused++;
			}
			card_free(card);
		}
	}
	WEIR_EXPECT_EQ(allowed + refused, 4 * WEIR_COMMAND_RULES);
	WEIR_EXPECT(refused >= 16);
}

static void the_same_roles_hold_through_queue_and_mailbox(void)
{
	struct card *card = card_for(WEIR_ROLE_VF);
	struct host pf, vf;
	struct reply reply;

	host_enable(&pf, card, 0, 3, 4);
	host_enable(&vf, card, 1, 3, 4);
	card_run(card);
	for (uint32_t i = 0; i < WEIR_COMMAND_RULES; i++) {
		const struct weir_command_rule *rule = &weir_command_rules[i];
		struct attributes request = valid_request(rule);

		if (weir_role_privileges[WEIR_ROLE_VF] & rule->privilege)
			continue;
		WEIR_EXPECT_EQ(host_command(&vf, rule->opcode, &request).status,
			       WEIR_STATUS_NOT_PERMITTED);
		mailbox_start(card, 1, rule->opcode, &request);
		card_run(card);
		WEIR_REQUIRE(mailbox_done(card, 1, &reply));
		WEIR_EXPECT_EQ(reply.status, WEIR_STATUS_NOT_PERMITTED);
		WEIR_EXPECT(host_command(&pf, rule->opcode, &request).status !=
			    WEIR_STATUS_NOT_PERMITTED);
		mailbox_start(card, 0, rule->opcode, &request);
		card_run(card);
		WEIR_REQUIRE(mailbox_done(card, 0, &reply));
		WEIR_EXPECT(reply.status != WEIR_STATUS_NOT_PERMITTED);
	}
	WEIR_EXPECT(function_stat(card, 1, WEIR_STAT_FUNCTION_ADMIN_ERRORS) >= 16);
	card_free(card);
}

static void unknown_opcodes_are_unknown_to_all(void)
{
	struct card *card = card_for(WEIR_ROLE_VF);
	uint32_t known = 0;

	for (uint32_t opcode = 0; opcode <= 0xffff; opcode++) {
		enum weir_status vf = weir_command_check(WEIR_ROLE_VF, (uint16_t)opcode);
		enum weir_status manager = weir_command_check(WEIR_ROLE_MANAGER, (uint16_t)opcode);

		known += manager == WEIR_STATUS_OK;
		WEIR_EXPECT((manager == WEIR_STATUS_UNKNOWN_COMMAND) ==
			    (vf == WEIR_STATUS_UNKNOWN_COMMAND));
	}
	WEIR_EXPECT_EQ(known, WEIR_COMMAND_RULES);
	WEIR_EXPECT_EQ(manage(card, 0x1234, NULL).status, WEIR_STATUS_UNKNOWN_COMMAND);
	card_free(card);
}

/* ---- finer rules ---- */

static enum weir_status set_flags(struct card *card, uint16_t function, uint32_t flags,
				  uint32_t mask)
{
	struct attributes request = { .bytes = 0 };

	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS, flags);
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, mask);
	return command(card, function, WEIR_COMMAND_VPORT_SET, &request).status;
}

static enum weir_status set_mac(struct card *card, uint16_t function, const uint8_t *mac)
{
	struct attributes request = { .bytes = 0 };

	add_mac(&request, mac);
	return command(card, function, WEIR_COMMAND_VPORT_SET, &request).status;
}

static enum weir_status add_filter(struct card *card, uint16_t function, const uint8_t *mac)
{
	struct attributes request = { .bytes = 0 };

	add_mac(&request, mac);
	return command(card, function, WEIR_COMMAND_FILTER_ADD, &request).status;
}

static void give_mac(struct card *card, uint16_t function, const uint8_t *mac)
{
	struct attributes request = vf_request(function);

	add_mac(&request, mac);
	WEIR_REQUIRE_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
}

static void hearing_others_needs_trust(void)
{
	static const uint32_t flags[] = { WEIR_VPORT_PROMISCUOUS, WEIR_VPORT_ALL_MULTICAST };

	for (enum weir_role role = WEIR_ROLE_PF; role <= WEIR_ROLE_TRUSTED_VF; role++) {
		struct card *card = card_for(role);
		uint16_t function = role == WEIR_ROLE_PF ? 0 : 1;

		for (uint32_t i = 0; i < 2; i++) {
			WEIR_EXPECT_EQ(set_flags(card, function, flags[i], flags[i]),
				       role == WEIR_ROLE_VF ? WEIR_STATUS_NOT_PERMITTED
							    : WEIR_STATUS_OK);
			/* To have it off needs nothing, nor does naming it outside the mask. */
			WEIR_EXPECT_EQ(set_flags(card, function, 0, flags[i]), WEIR_STATUS_OK);
			WEIR_EXPECT_EQ(set_flags(card, function, flags[i], WEIR_VPORT_BROADCAST),
				       WEIR_STATUS_OK);
		}
		card_free(card);
	}
}

static void an_own_mac_is_free_until_the_administrator_gives_one(void)
{
	struct card *card = card_for(WEIR_ROLE_VF);

	WEIR_EXPECT_EQ(set_mac(card, 1, own_mac), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(add_filter(card, 1, admin_mac), WEIR_STATUS_OK);
	give_mac(card, 1, admin_mac);
	WEIR_EXPECT_MEM(card_vport(card, 1)->mac, admin_mac, 6);
	WEIR_EXPECT_EQ(set_mac(card, 1, own_mac), WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(set_mac(card, 1, admin_mac), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(add_filter(card, 1, own_mac), WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(add_filter(card, 1, group_mac), WEIR_STATUS_OK);
	card_free(card);
	card = card_for(WEIR_ROLE_TRUSTED_VF);
	give_mac(card, 1, admin_mac);
	WEIR_EXPECT_EQ(add_filter(card, 1, own_mac), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(set_mac(card, 1, own_mac), WEIR_STATUS_OK);
	card_free(card);
}

static void counters_of_others_are_for_administrators(void)
{
	struct card *card = card_for(WEIR_ROLE_TRUSTED_VF);
	struct attributes request = vf_request(2);

	add_number(&request, WEIR_ATTRIBUTE_SCOPE, WEIR_STATS_SCOPE_VPORT);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_STATS_GET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_STATS_GET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(command(card, 1, WEIR_COMMAND_STATS_GET, &request).status,
		       WEIR_STATUS_NOT_PERMITTED);
	/* Its own name is itself. */
	WEIR_EXPECT_EQ(command(card, 2, WEIR_COMMAND_STATS_GET, &request).status, WEIR_STATUS_OK);
	/* A function there is not tells a VF nothing about how many there are. */
	request = vf_request(500);
	add_number(&request, WEIR_ATTRIBUTE_SCOPE, WEIR_STATS_SCOPE_VPORT);
	WEIR_EXPECT_EQ(command(card, 1, WEIR_COMMAND_STATS_GET, &request).status,
		       WEIR_STATUS_NOT_PERMITTED);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_STATS_GET, &request).status,
		       WEIR_STATUS_NOT_FOUND);
	card_free(card);
}

static void the_owner_has_no_queues(void)
{
	struct card *card = card_for(WEIR_ROLE_VF);
	struct attributes create = queue_request(0, true, 0), destroy = { .bytes = 0 };

	add_number(&destroy, WEIR_ATTRIBUTE_QUEUE, 0);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_RX_QUEUE_CREATE, &create).status,
		       WEIR_STATUS_NOT_SUPPORTED);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_RX_QUEUE_DESTROY, &destroy).status,
		       WEIR_STATUS_NOT_SUPPORTED);
	create = queue_request(0, false, 0);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TX_QUEUE_CREATE, &create).status,
		       WEIR_STATUS_NOT_SUPPORTED);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TX_QUEUE_DESTROY, &destroy).status,
		       WEIR_STATUS_NOT_SUPPORTED);
	card_free(card);
}

static void losing_trust_undoes_what_rested_on_it(void)
{
	struct card *card = card_for(WEIR_ROLE_TRUSTED_VF);
	struct attributes request = vf_request(1);
	struct weir_vport *vport = card_vport(card, 1);

	give_mac(card, 1, admin_mac);
	WEIR_EXPECT_EQ(set_flags(card, 1,
				 WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_ALL_MULTICAST |
					 WEIR_VPORT_VLAN_FILTER,
				 WEIR_VPORT_PROMISCUOUS | WEIR_VPORT_ALL_MULTICAST |
					 WEIR_VPORT_VLAN_FILTER),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(set_mac(card, 1, own_mac), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(add_filter(card, 1, (const uint8_t[]){ 0x02, 9, 9, 9, 9, 9 }),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(add_filter(card, 1, group_mac), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(vport->filters_used, 2);
	add_number(&request, WEIR_ATTRIBUTE_TRUST, 0);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(vport->flags, WEIR_VPORT_BROADCAST | WEIR_VPORT_VLAN_FILTER);
	WEIR_EXPECT_MEM(vport->mac, admin_mac, 6);
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, admin_mac, WEIR_VLAN_NONE));
	WEIR_EXPECT(!weir_sorter_has(card->firmware, vport, own_mac, WEIR_VLAN_NONE));
	WEIR_EXPECT(!weir_sorter_has(card->firmware, vport,
				     (const uint8_t[]){ 0x02, 9, 9, 9, 9, 9 }, WEIR_VLAN_NONE));
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, group_mac, WEIR_VLAN_NONE));
	WEIR_EXPECT_EQ(vport->filters_used, 1);
	card_free(card);
}

static void a_given_mac_takes_the_others_of_an_untrusted_vf(void)
{
	struct card *card = card_for(WEIR_ROLE_VF);
	struct weir_vport *vport = card_vport(card, 1);

	/* The MAC that the administrator will give is a filter of the VF's already. */
	WEIR_EXPECT_EQ(set_mac(card, 1, own_mac), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(add_filter(card, 1, admin_mac), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(add_filter(card, 1, group_mac), WEIR_STATUS_OK);
	give_mac(card, 1, admin_mac);
	WEIR_EXPECT_EQ(vport->filters_used, 1);
	WEIR_EXPECT(weir_sorter_has(card->firmware, vport, admin_mac, WEIR_VLAN_NONE));
	WEIR_EXPECT(!weir_sorter_has(card->firmware, vport, own_mac, WEIR_VLAN_NONE));
	/* It is held once only: taken away, it is gone. */
	give_mac(card, 1, (const uint8_t[]){ 0x02, 7, 7, 7, 7, 7 });
	WEIR_EXPECT(!weir_sorter_has(card->firmware, vport, admin_mac, WEIR_VLAN_NONE));
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.privileges.every_command_by_every_role_is_as_the_table_says",
	  every_command_by_every_role_is_as_the_table_says },
	{ "core.privileges.the_same_roles_hold_through_queue_and_mailbox",
	  the_same_roles_hold_through_queue_and_mailbox },
	{ "core.privileges.unknown_opcodes_are_unknown_to_all", unknown_opcodes_are_unknown_to_all },
	{ "core.privileges.hearing_others_needs_trust", hearing_others_needs_trust },
	{ "core.privileges.an_own_mac_is_free_until_the_administrator_gives_one",
	  an_own_mac_is_free_until_the_administrator_gives_one },
	{ "core.privileges.counters_of_others_are_for_administrators",
	  counters_of_others_are_for_administrators },
	{ "core.privileges.the_owner_has_no_queues", the_owner_has_no_queues },
	{ "core.privileges.losing_trust_undoes_what_rested_on_it",
	  losing_trust_undoes_what_rested_on_it },
	{ "core.privileges.a_given_mac_takes_the_others_of_an_untrusted_vf",
	  a_given_mac_takes_the_others_of_an_untrusted_vf },
};

const struct suite_part privilege_tests = { tests, WEIR_TESTS(tests) };
