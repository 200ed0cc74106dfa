/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands one by one (specs/admin-queue.md): every check of a request, every status with its detail, the table of privileges. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "weir/weir_config_space.h"
#include "weir/weir_tables.h"

#define WHOLE 0xffffffffu /* detail that speaks of the command as a whole */

typedef int how_to_send(struct host_function *function, uint16_t opcode, const void *request,
			uint32_t bytes, struct host_response *response);

/* ---- the form of a request ---- */

static const uint8_t no_bits[64];

/* A good request of each command that has attributes: what is cut and bent below. */
static const struct sample {
	uint16_t opcode;
	const struct host_attribute *request;
} samples[] = {
	{ WEIR_COMMAND_ECHO, HOST_REQUEST(HOST_BYTES(DATA, "seventeen bytes!", 17)) },
	{ WEIR_COMMAND_VPORT_GET, HOST_REQUEST(HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_VPORT_SET,
	  HOST_REQUEST(HOST_U(VPORT, 0), HOST_U(MTU, 1500), HOST_U(VPORT_FLAGS, 8),
		       HOST_U(VPORT_FLAGS_MASK, 8)) },
	{ WEIR_COMMAND_RX_QUEUE_CREATE,
	  HOST_REQUEST(HOST_U(QUEUE, 99), HOST_U(RING_ADDRESS, 0), HOST_U(RING_LOG2, 6),
		       HOST_U(COMPLETION_ADDRESS, 0), HOST_U(COMPLETION_LOG2, 6),
		       HOST_U(BUFFER_BYTES, 2048), HOST_U(VPORT, 0), HOST_U(VECTOR, 1),
		       HOST_U(FORMAT, 0), HOST_U(SHADOW_ADDRESS, 0)) },
	{ WEIR_COMMAND_TX_QUEUE_CREATE,
	  HOST_REQUEST(HOST_U(QUEUE, 99), HOST_U(RING_ADDRESS, 0), HOST_U(RING_LOG2, 6),
		       HOST_U(COMPLETION_ADDRESS, 0), HOST_U(VECTOR, 1)) },
	{ WEIR_COMMAND_RX_QUEUE_DESTROY, HOST_REQUEST(HOST_U(QUEUE, 99)) },
	{ WEIR_COMMAND_TX_QUEUE_DESTROY, HOST_REQUEST(HOST_U(QUEUE, 99)) },
	{ WEIR_COMMAND_RX_QUEUE_MODERATE, HOST_REQUEST(HOST_U(QUEUE, 99), HOST_U(MODERATION_US, 50),
						       HOST_U(MODERATION_COUNT, 32)) },
	{ WEIR_COMMAND_TX_QUEUE_MODERATE,
	  HOST_REQUEST(HOST_U(QUEUE, 99), HOST_U(MODERATION_US, 50)) },
	{ WEIR_COMMAND_STEER_ADD,
	  HOST_REQUEST(HOST_U(STEER_LOCATION, 7), HOST_BYTES(STEER_KEY, no_bits, 64),
		       HOST_BYTES(STEER_MASK, no_bits, 64), HOST_U(STEER_ACTION, 2),
		       HOST_U(STEER_MARK, 5), HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_STEER_GET, HOST_REQUEST(HOST_U(STEER_LOCATION, 7), HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_STEER_LIST, HOST_REQUEST(HOST_U(STEER_LOCATION, 7), HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_STEER_DELETE, HOST_REQUEST(HOST_U(STEER_LOCATION, 7), HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_SPREAD_DELETE, HOST_REQUEST(HOST_U(SPREAD_CONTEXT, 3), HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_FILTER_ADD,
	  HOST_REQUEST(HOST_U(MAC, 0x665544332201), HOST_U(VLAN, 5), HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_FILTER_DELETE, HOST_REQUEST(HOST_U(MAC, 0x665544332201), HOST_U(VLAN, 5)) },
	{ WEIR_COMMAND_VLAN_ADD, HOST_REQUEST(HOST_U(VLAN, 5), HOST_U(VPORT, 0)) },
	{ WEIR_COMMAND_VLAN_DELETE, HOST_REQUEST(HOST_U(VLAN, 5)) },
	{ WEIR_COMMAND_STATS_GET,
	  HOST_REQUEST(HOST_U(SCOPE, 1), HOST_U(FUNCTION, 0xffff), HOST_U(INDEX, 0)) },
	{ WEIR_COMMAND_LINK_SET, HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(INDEX, 0)) },
	{ WEIR_COMMAND_VF_GET, HOST_REQUEST(HOST_U(FUNCTION, 1)) },
	{ WEIR_COMMAND_VF_SET,
	  HOST_REQUEST(HOST_U(FUNCTION, 1), HOST_U(MAC, 0x010000000002), HOST_U(VLAN, 0),
		       HOST_U(VLAN_PRIORITY, 0), HOST_U(VLAN_PROTOCOL, 0x8100),
		       HOST_U(SPOOF_CHECK, 1), HOST_U(TRUST, 0), HOST_U(LINK_POLICY, 0)) },
	{ WEIR_COMMAND_VF_RESET, HOST_REQUEST(HOST_U(FUNCTION, 99)) },
	{ WEIR_COMMAND_LOG_READ, HOST_REQUEST(HOST_U(SEQUENCE, 0)) },
	{ WEIR_COMMAND_LOG_LEVEL, HOST_REQUEST(HOST_U(LEVEL, 2)) },
	{ WEIR_COMMAND_TRACE_SET,
	  HOST_REQUEST(HOST_U(ENABLE, 0), HOST_U(FUNCTION, 1), HOST_U(MAC, 1), HOST_U(MASK_MAC, 1),
		       HOST_U(VLAN, 1), HOST_U(ETHERTYPE, 0x800)) },
	{ WEIR_COMMAND_TRACE_READ, HOST_REQUEST(HOST_U(SEQUENCE, 0)) },
	{ WEIR_COMMAND_TIME_SET, HOST_REQUEST(HOST_U(TIME_OFFSET, 1), HOST_U(TIME_RATE, 0)) },
};

static const struct weir_command_rule *rule_of(uint16_t opcode)
{
	for (size_t i = 0; i < WEIR_COMMAND_RULES; i++)
		if (weir_command_rules[i].opcode == opcode)
			return &weir_command_rules[i];
	return NULL;
}

static uint16_t word_at(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

/* What the datasheet says of a request's form, written down a second time: OK, or the status that must come, with *detail. */
static enum weir_status form_of(uint16_t opcode, const uint8_t *request, uint32_t bytes,
				uint32_t *detail)
{
	const struct weir_command_rule *rule = rule_of(opcode);
	bool seen[WEIR_ATTRIBUTE_LIMIT] = { false };
	uint32_t at = 0;

	*detail = WHOLE;
	if (bytes % 4 || bytes > WEIR_ADMIN_DATA_MAX_BYTES)
		return WEIR_STATUS_BAD_LENGTH;
	while (at < bytes) {
		uint32_t length = word_at(request + at + 2), whole = 4 + ((length + 3) & ~3u);
		uint16_t id = word_at(request + at) & 0x7fff;
		bool must = word_at(request + at) & WEIR_ATTRIBUTE_MUST,
		     known = WEIR_SET_HAS(rule->required, id) || WEIR_SET_HAS(rule->optional, id);

		*detail = at;
		if (whole > bytes - at)
			return WEIR_STATUS_BAD_LENGTH;
		*detail = id;
		for (uint32_t i = at + 4 + length; i < at + whole; i++)
			if (request[i])
				return WEIR_STATUS_BAD_ATTRIBUTE;
		if ((known && seen[id]) || (!known && must))
			return WEIR_STATUS_BAD_ATTRIBUTE;
		*detail = at;
		if (known && (length < weir_attribute_rules[id].min_bytes ||
			      length > weir_attribute_rules[id].max_bytes))
			return WEIR_STATUS_BAD_LENGTH;
		if (known)
			seen[id] = true;
		at += whole;
	}
	*detail = 0;
	while (*detail < WEIR_ATTRIBUTE_LIMIT &&
	       !(WEIR_SET_HAS(rule->required, *detail) && !seen[*detail]))
		++*detail;
	if (*detail < WEIR_ATTRIBUTE_LIMIT)
		return WEIR_STATUS_MISSING_ATTRIBUTE;
	return WEIR_STATUS_OK;
}

/* Sends, and expects the form's status; of a well-formed request only that no complaint about its form comes. */
static void expect_form(struct host_function *function, how_to_send *send, uint16_t opcode,
			const uint8_t *request, uint32_t bytes)
{
	uint32_t detail;
	enum weir_status expected = form_of(opcode, request, bytes, &detail);
	struct host_response response;
	int status = send(function, opcode, request, bytes, &response);

	if (expected == WEIR_STATUS_OK) {
		/* Attributes that only make sense together may be missing yet. */
		WEIR_EXPECT(status != WEIR_STATUS_BAD_ATTRIBUTE &&
			    (status != WEIR_STATUS_BAD_LENGTH));
		return;
	}
	WEIR_EXPECT_EQ(status, expected);
	WEIR_EXPECT_EQ(function->detail, detail);
	WEIR_EXPECT_EQ(response.bytes, 0);
}

static void every_truncation_is_refused(void)
{
	static how_to_send *const ways[] = { host_command_bytes, host_mailbox_bytes,
					     host_manage_bytes };
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	uint8_t request[512];

	for (size_t i = 0; i < WEIR_TESTS(samples); i++) {
		uint32_t bytes = host_encode(request, samples[i].request);

		for (size_t way = 0; way < WEIR_TESTS(ways); way++)
			for (uint32_t cut = 0; cut <= bytes; cut++)
				expect_form(pf, ways[way], samples[i].opcode, request, cut);
	}
	host_destroy(host);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

/* Requests bent at random: lengths, types, MUST bits, padding, attributes twice or of nobody. */
static uint32_t bend(uint8_t *request, const struct sample *sample, uint64_t *random)
{
	uint32_t bytes = host_encode(request, sample->request);

	for (uint32_t n = next_random(random) % 4; n; n--) {
		uint32_t at = next_random(random) % (bytes + 1), length;

		switch (next_random(random) % 6) {
		case 0:
			if (at < bytes)
				request[at] ^= (uint8_t)(1u << next_random(random) % 8);
			break;
		case 1:
			if (at < bytes)
				request[at] = (uint8_t)next_random(random);
			break;
		case 2: /* one more attribute of any id */
			request[bytes] = (uint8_t)(next_random(random) % 60);
			request[bytes + 1] = next_random(random) % 2 ? 0x80 : 0;
			request[bytes + 2] = (uint8_t)(next_random(random) % 9);
			request[bytes + 3] = 0;
			memset(request + bytes + 4, 0, 8);
			bytes += 4 + ((request[bytes + 2] + 3u) & ~3u);
			break;
		case 3: /* the first once more */
			length = 4 + ((word_at(request + 2) + 3u) & ~3u);
			length = length > 64 ? 8 : length;
			memmove(request + bytes, request, length);
			bytes += length;
			break;
		case 4:
			bytes = at;
			break;
		default: /* without MUST */
			if (bytes >= 2)
				request[1] &= 0x7f;
			break;
		}
		if (bytes > 400)
			break;
	}
	return bytes;
}

static void requests_bent_at_random_are_refused_for_the_first_fault(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *pf = &host->functions[0];
	uint64_t random = test_seed();
	uint8_t request[1024];

	for (uint32_t i = 0; i < 40000; i++) {
		const struct sample *sample = &samples[next_random(&random) % WEIR_TESTS(samples)];
		uint32_t bytes = bend(request, sample, &random);

		/* What would really reset a VF is not what is asked here. */
		if (sample->opcode == WEIR_COMMAND_VF_RESET)
			continue;
		expect_form(pf,
			    i % 16   ? host_manage_bytes
			    : i % 32 ? host_mailbox_bytes
				     : host_command_bytes,
			    sample->opcode, request, bytes);
	}
	WEIR_EXPECT_EQ(host_command(pf, WEIR_COMMAND_ECHO, NULL, NULL), WEIR_STATUS_OK);
	host_destroy(host);
}

static void unknown_attributes_are_skipped_unless_they_must_not_be(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint8_t request[64] = { 0x33, 0x44, 3, 0, 1, 2, 3, 0 };
	struct host_response response;
	uint32_t got;

	/* Of nobody, of another command, both before and behind a good one. */
	for (uint32_t id = 0; id < 0x8000; id = id < 60 ? id + 1 : id * 2 + 1) {
		if (id == WEIR_ATTRIBUTE_DATA)
			continue;
		request[0] = (uint8_t)id;
		request[1] = (uint8_t)(id >> 8);
		memcpy(request + 8, "\x28\x80\x02\x00hi\0\0", 8);
		memcpy(request + 16, request, 8);
		WEIR_EXPECT_EQ(host_command_bytes(vf, WEIR_COMMAND_ECHO, request, 24, &response),
			       WEIR_STATUS_OK);
		const void *data = host_get_bytes(&response, WEIR_ATTRIBUTE_DATA, &got);

		WEIR_REQUIRE(data != NULL);
		WEIR_EXPECT_EQ(got, 2);
		WEIR_EXPECT_MEM(data, "hi", 2);
		request[17] |= 0x80;
		WEIR_EXPECT_EQ(host_command_bytes(vf, WEIR_COMMAND_ECHO, request, 24, &response),
			       WEIR_STATUS_BAD_ATTRIBUTE);
		WEIR_EXPECT_EQ(vf->detail, id);
	}
	host_destroy(host);
}

/* ---- statuses ---- */

enum who { VF, PF, OWNER };
#define MAC_OF_VF 0x010000000002ull /* test_mac(1) */

/* Values out of range, objects that are not there or there already: what comes, and which attribute it speaks of. */
static const struct {
	enum who who;
	uint16_t opcode;
	const struct host_attribute *request;
	uint16_t status;
	uint32_t detail;
} refusals[] = {
#define REFUSED(who, command, status, attribute, ...)                                         \
	{                                                                                     \
		who, WEIR_COMMAND_##command, HOST_REQUEST(__VA_ARGS__), WEIR_STATUS_##status, \
			WEIR_ATTRIBUTE_##attribute                                            \
	}
	REFUSED(VF, VPORT_GET, NOT_FOUND, VPORT, HOST_U(VPORT, 1)),
	REFUSED(VF, VPORT_GET, NOT_FOUND, VPORT, HOST_U(VPORT, 0xffff)),
	REFUSED(VF, VPORT_SET, NOT_FOUND, VPORT, HOST_U(VPORT, 1), HOST_U(MTU, 1500)),
	REFUSED(VF, VPORT_SET, BAD_VALUE, MAC, HOST_U(MAC, 0)),
	REFUSED(VF, VPORT_SET, BAD_VALUE, MAC, HOST_U(MAC, 0x010000000003)),
	REFUSED(PF, VPORT_SET, BAD_VALUE, MAC, HOST_U(MAC, 0xffffffffffff)),
	REFUSED(VF, VPORT_SET, BAD_VALUE, MTU, HOST_U(MTU, 67)),
	REFUSED(VF, VPORT_SET, BAD_VALUE, MTU, HOST_U(MTU, 9195)),
	REFUSED(VF, VPORT_SET, BAD_VALUE, MTU, HOST_U(MTU, 0xffff)),
	REFUSED(VF, VPORT_SET, MISSING_ATTRIBUTE, VPORT_FLAGS_MASK, HOST_U(VPORT_FLAGS, 1)),
	REFUSED(VF, VPORT_SET, MISSING_ATTRIBUTE, VPORT_FLAGS, HOST_U(VPORT_FLAGS_MASK, 1)),
	REFUSED(VF, VPORT_SET, BAD_VALUE, VPORT_FLAGS, HOST_U(VPORT_FLAGS, 0x100),
		HOST_U(VPORT_FLAGS_MASK, 1)),
	REFUSED(VF, VPORT_SET, BAD_VALUE, VPORT_FLAGS_MASK, HOST_U(VPORT_FLAGS, 0),
		HOST_U(VPORT_FLAGS_MASK, 0x80000000)),
	REFUSED(VF, VPORT_SET, NOT_PERMITTED, VPORT_FLAGS, HOST_U(VPORT_FLAGS, 2),
		HOST_U(VPORT_FLAGS_MASK, 2)),
	REFUSED(VF, VPORT_SET, NOT_PERMITTED, VPORT_FLAGS, HOST_U(VPORT_FLAGS, 4),
		HOST_U(VPORT_FLAGS_MASK, 4)),
	REFUSED(VF, VPORT_SPREAD, BAD_VALUE, INDIRECTION, HOST_BYTES(INDIRECTION, "\0\0\0", 4)),
	REFUSED(VF, VPORT_SPREAD, BAD_VALUE, HASH_KEY, HOST_BYTES(HASH_KEY, "\0\0\0", 4)),
	REFUSED(VF, VPORT_SPREAD, BAD_VALUE, HASH_TYPES, HOST_U(HASH_TYPES, 0x200)),
	REFUSED(VF, VPORT_SPREAD, BAD_VALUE, HASH_TYPES, HOST_U(HASH_TYPES, 0x80000001)),
	REFUSED(VF, VPORT_SPREAD, BAD_VALUE, HASH_FUNCTION, HOST_U(HASH_FUNCTION, 3)),
	REFUSED(VF, FILTER_ADD, BAD_VALUE, MAC, HOST_U(MAC, 0)),
	REFUSED(VF, FILTER_ADD, BAD_VALUE, MAC, HOST_U(MAC, 0xffffffffffff)),
	REFUSED(VF, FILTER_ADD, BAD_VALUE, VLAN, HOST_U(MAC, 2), HOST_U(VLAN, 4095)),
	REFUSED(VF, FILTER_ADD, BAD_VALUE, VLAN, HOST_U(MAC, 2), HOST_U(VLAN, 0xfffe)),
	REFUSED(VF, FILTER_ADD, EXISTS, MAC, HOST_U(MAC, MAC_OF_VF)),
	REFUSED(VF, FILTER_ADD, EXISTS, MAC, HOST_U(MAC, MAC_OF_VF), HOST_U(VLAN, WEIR_VLAN_NONE)),
	REFUSED(VF, FILTER_ADD, NOT_FOUND, VPORT, HOST_U(MAC, 2), HOST_U(VPORT, 1)),
	REFUSED(VF, FILTER_DELETE, NOT_FOUND, MAC, HOST_U(MAC, MAC_OF_VF)),
	REFUSED(VF, FILTER_DELETE, NOT_FOUND, MAC, HOST_U(MAC, 4)),
	REFUSED(VF, FILTER_DELETE, NOT_FOUND, MAC, HOST_U(MAC, MAC_OF_VF), HOST_U(VLAN, 7)),
	REFUSED(VF, FILTER_DELETE, BAD_VALUE, VLAN, HOST_U(MAC, 2), HOST_U(VLAN, 4096)),
	REFUSED(VF, VLAN_ADD, BAD_VALUE, VLAN, HOST_U(VLAN, 4095)),
	REFUSED(VF, VLAN_ADD, BAD_VALUE, VLAN, HOST_U(VLAN, WEIR_VLAN_NONE)),
	REFUSED(VF, VLAN_DELETE, NOT_FOUND, VLAN, HOST_U(VLAN, 77)),
	REFUSED(VF, VLAN_DELETE, BAD_VALUE, VLAN, HOST_U(VLAN, 4095)),
	REFUSED(VF, STATS_GET, BAD_VALUE, SCOPE, HOST_U(SCOPE, 5)),
	REFUSED(VF, STATS_GET, NOT_FOUND, INDEX, HOST_U(SCOPE, 0), HOST_U(INDEX, 1)),
	REFUSED(VF, STATS_GET, NOT_FOUND, INDEX, HOST_U(SCOPE, 2), HOST_U(INDEX, 1)),
	REFUSED(VF, STATS_GET, NOT_FOUND, INDEX, HOST_U(SCOPE, 3), HOST_U(INDEX, 1)),
	REFUSED(VF, STATS_GET, NOT_FOUND, INDEX, HOST_U(SCOPE, 4), HOST_U(INDEX, 16)),
	REFUSED(VF, STATS_GET, NOT_PERMITTED, FUNCTION, HOST_U(SCOPE, 1), HOST_U(FUNCTION, 0)),
	REFUSED(VF, STATS_GET, NOT_PERMITTED, FUNCTION, HOST_U(SCOPE, 1), HOST_U(FUNCTION, 2)),
	REFUSED(PF, STATS_GET, NOT_FOUND, FUNCTION, HOST_U(SCOPE, 1), HOST_U(FUNCTION, 4)),
	REFUSED(PF, LINK_SET, BAD_VALUE, ENABLE, HOST_U(ENABLE, 2)),
	REFUSED(PF, LINK_SET, NOT_FOUND, INDEX, HOST_U(ENABLE, 1), HOST_U(INDEX, 1)),
	REFUSED(PF, VF_GET, BAD_VALUE, FUNCTION, HOST_U(FUNCTION, 0)),
	REFUSED(PF, VF_GET, NOT_FOUND, FUNCTION, HOST_U(FUNCTION, 4)),
	REFUSED(PF, VF_GET, NOT_FOUND, FUNCTION, HOST_U(FUNCTION, WEIR_FUNCTION_SELF)),
	REFUSED(PF, VF_SET, BAD_VALUE, FUNCTION, HOST_U(FUNCTION, 0), HOST_U(TRUST, 1)),
	REFUSED(PF, VF_SET, NOT_FOUND, FUNCTION, HOST_U(FUNCTION, 4), HOST_U(TRUST, 1)),
	REFUSED(PF, VF_SET, BAD_VALUE, MAC, HOST_U(FUNCTION, 1), HOST_U(MAC, 1)),
	REFUSED(PF, VF_SET, BAD_VALUE, VLAN, HOST_U(FUNCTION, 1), HOST_U(VLAN, 4095)),
	REFUSED(PF, VF_SET, BAD_VALUE, VLAN, HOST_U(FUNCTION, 1), HOST_U(VLAN, WEIR_VLAN_NONE)),
	REFUSED(PF, VF_SET, BAD_VALUE, VLAN_PRIORITY, HOST_U(FUNCTION, 1), HOST_U(VLAN, 5),
		HOST_U(VLAN_PRIORITY, 8)),
	REFUSED(PF, VF_SET, BAD_VALUE, VLAN_PROTOCOL, HOST_U(FUNCTION, 1), HOST_U(VLAN, 5),
		HOST_U(VLAN_PROTOCOL, 0x9100)),
	REFUSED(PF, VF_SET, BAD_VALUE, SPOOF_CHECK, HOST_U(FUNCTION, 1), HOST_U(SPOOF_CHECK, 2)),
	REFUSED(PF, VF_SET, BAD_VALUE, TRUST, HOST_U(FUNCTION, 1), HOST_U(TRUST, 255)),
	REFUSED(PF, VF_SET, BAD_VALUE, LINK_POLICY, HOST_U(FUNCTION, 1), HOST_U(LINK_POLICY, 3)),
	REFUSED(PF, VF_RESET, BAD_VALUE, FUNCTION, HOST_U(FUNCTION, 0)),
	REFUSED(PF, VF_RESET, NOT_FOUND, FUNCTION, HOST_U(FUNCTION, 4)),
	REFUSED(PF, VF_RESET, BAD_STATE, FUNCTION, HOST_U(FUNCTION, 3)),
	REFUSED(PF, LOG_LEVEL, BAD_VALUE, LEVEL, HOST_U(LEVEL, 4)),
	REFUSED(PF, TRACE_SET, BAD_VALUE, ENABLE, HOST_U(ENABLE, 2)),
	REFUSED(PF, TRACE_SET, NOT_FOUND, FUNCTION, HOST_U(ENABLE, 1), HOST_U(FUNCTION, 4)),
	REFUSED(PF, TRACE_SET, BAD_VALUE, VLAN, HOST_U(ENABLE, 1), HOST_U(VLAN, 4095)),
	REFUSED(PF, TRACE_SET, MISSING_ATTRIBUTE, MAC, HOST_U(ENABLE, 1), HOST_U(MASK_MAC, 1)),
	REFUSED(OWNER, VF_RESET, BAD_STATE, FUNCTION, HOST_U(FUNCTION, 3)),
	REFUSED(OWNER, VF_SET, BAD_VALUE, TRUST, HOST_U(FUNCTION, 1), HOST_U(TRUST, 2)),
};

/* Three VFs possible, two of them enabled and up. */
static struct host *two_of_three(void)
{
	struct host *host = host_create(3, test_seed());

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, 2);
	for (uint16_t i = 1; i <= 2; i++)
		WEIR_REQUIRE(host_up(&host->functions[i], test_mac(i), 1, 2048, false));
	host_settle(host);
	return host;
}

static void what_cannot_be_done_is_refused_with_the_attribute_at_fault(void)
{
	struct host *host = two_of_three();
	uint8_t request[512];

	WEIR_REQUIRE_EQ(test_mac(1), MAC_OF_VF);
	for (size_t i = 0; i < WEIR_TESTS(refusals); i++) {
		struct host_function *function = &host->functions[refusals[i].who == VF];
		how_to_send *const ways[] = { host_command_bytes, host_mailbox_bytes };
		uint32_t bytes = host_encode(request, refusals[i].request);

		for (uint32_t way = 0; way < 2; way++) {
			how_to_send *send = refusals[i].who == OWNER ? host_manage_bytes
								     : ways[way];
			int status = send(function, refusals[i].opcode, request, bytes, NULL);

			if (status != refusals[i].status || function->detail != refusals[i].detail)
				printf("# row %zu: %s by %d, way %u: status %d, detail %u\n", i,
				       rule_of(refusals[i].opcode)->name, (int)refusals[i].who, way,
				       status, function->detail);
			WEIR_EXPECT_EQ(status, refusals[i].status);
			WEIR_EXPECT_EQ(function->detail, refusals[i].detail);
		}
	}
	host_destroy(host);
}

/* Queue creation: every value at its limits. */
static void queues_are_refused_for_each_impossible_value(void)
{
	struct host *host = test_card(1, 0, 2048, false);
	struct host_function *vf = &host->functions[1];
	const uint64_t good = host_alloc(vf, 0x10000, 4096);
	enum { BOTH, RX, TX };
	const struct {
		int which;
		uint16_t attribute;
		uint64_t value;
		uint16_t status;
	} cases[] = {
		{ BOTH, WEIR_ATTRIBUTE_QUEUE, 16, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_QUEUE, 0xffff, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_RING_LOG2, 5, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_RING_LOG2, 16, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_RING_LOG2, 255, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_RING_ADDRESS, good + 32, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_RING_ADDRESS, good + 1, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_RING_ADDRESS, UINT64_MAX - 63, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_COMPLETION_LOG2, 5, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_COMPLETION_LOG2, 16, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, good + 16, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, UINT64_MAX - 1023, WEIR_STATUS_OK },
		{ RX, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, UINT64_MAX - 959, WEIR_STATUS_BAD_VALUE },
		{ TX, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, good + 2, WEIR_STATUS_BAD_VALUE },
		{ TX, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, UINT64_MAX - 3, WEIR_STATUS_OK },
		{ RX, WEIR_ATTRIBUTE_BUFFER_BYTES, 64, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_BUFFER_BYTES, 127, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_BUFFER_BYTES, 2049, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_BUFFER_BYTES, 16448, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_BUFFER_BYTES, 0x80000000, WEIR_STATUS_BAD_VALUE },
		{ RX, WEIR_ATTRIBUTE_BUFFER_BYTES, 128, WEIR_STATUS_OK },
		{ RX, WEIR_ATTRIBUTE_BUFFER_BYTES, 16384, WEIR_STATUS_OK },
		{ BOTH, WEIR_ATTRIBUTE_VECTOR, 17, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_VECTOR, 0xfffe, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_VECTOR, 16, WEIR_STATUS_OK },
		{ BOTH, WEIR_ATTRIBUTE_FORMAT, 2, WEIR_STATUS_NOT_SUPPORTED },
		{ TX, WEIR_ATTRIBUTE_FORMAT, 1, WEIR_STATUS_NOT_SUPPORTED },
		{ RX, WEIR_ATTRIBUTE_FORMAT, 1, WEIR_STATUS_OK },
		{ BOTH, WEIR_ATTRIBUTE_SHADOW_ADDRESS, good + 64, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_SHADOW_ADDRESS, UINT64_MAX - 126, WEIR_STATUS_BAD_VALUE },
		{ BOTH, WEIR_ATTRIBUTE_VPORT, 1, WEIR_STATUS_NOT_FOUND },
		{ BOTH, WEIR_ATTRIBUTE_QUEUE, 15, WEIR_STATUS_OK },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		for (int tx = 0; tx <= 1; tx++) {
			struct host_attribute request[] = {
				HOST_U(QUEUE, 1),
				HOST_U(RING_ADDRESS, good),
				HOST_U(RING_LOG2, 6),
				HOST_U(COMPLETION_ADDRESS, good + 0x8000),
				HOST_U(VECTOR, 1),
				HOST_U(FORMAT, 0),
				HOST_U(VPORT, 0),
				HOST_U(SHADOW_ADDRESS, 0),
				HOST_U(BUFFER_BYTES, 2048),
				HOST_U(COMPLETION_LOG2, 6),
				{ 0, 0, 0, NULL },
			};
			uint16_t queue = 1;

			if (cases[i].which == (tx ? RX : TX))
				continue;
			if (tx)
				request[8].id = 0;
			for (struct host_attribute *at = request; at->id; at++)
				if (at->id == cases[i].attribute)
					at->value = cases[i].value;
			if (cases[i].attribute == WEIR_ATTRIBUTE_QUEUE)
				queue = (uint16_t)cases[i].value;
			int status = host_command(vf,
						  tx ? WEIR_COMMAND_TX_QUEUE_CREATE
						     : WEIR_COMMAND_RX_QUEUE_CREATE,
						  request, NULL);

			WEIR_EXPECT_EQ(status, cases[i].status);
			WEIR_EXPECT_EQ(vf->detail, status ? cases[i].attribute : 0);
			if (status)
				continue;
			/* It is there now: not once more, but destroyed once. */
			WEIR_EXPECT_EQ(host_command(vf,
						    tx ? WEIR_COMMAND_TX_QUEUE_CREATE
						       : WEIR_COMMAND_RX_QUEUE_CREATE,
						    request, NULL),
				       WEIR_STATUS_EXISTS);
			WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_QUEUE);
			uint16_t destroy = tx ? WEIR_COMMAND_TX_QUEUE_DESTROY
					      : WEIR_COMMAND_RX_QUEUE_DESTROY;

			WEIR_EXPECT_EQ(host_command(vf, destroy, HOST_REQUEST(HOST_U(QUEUE, queue)),
						    NULL),
				       WEIR_STATUS_OK);
			WEIR_EXPECT_EQ(host_command(vf, destroy, HOST_REQUEST(HOST_U(QUEUE, queue)),
						    NULL),
				       WEIR_STATUS_NOT_FOUND);
			WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_QUEUE);
		}
	}
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_RX_QUEUE_DESTROY,
				    HOST_REQUEST(HOST_U(QUEUE, 16)), NULL),
		       WEIR_STATUS_BAD_VALUE);
	/* A spread over queues that are not there. */
	static weir_le16 table[WEIR_INDIRECTION_ENTRIES];

	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_VPORT_SPREAD,
				    HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table))),
				    NULL),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(vf->detail, WEIR_ATTRIBUTE_INDIRECTION);
	host_destroy(host);
}

static void setting_a_vport_or_a_vf_is_all_or_nothing(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *pf = &host->functions[0], *vf = &host->functions[1];
	struct host_response before, after;

	WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VPORT_GET, NULL, &before), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_VPORT_SET,
				    HOST_REQUEST(HOST_U(MAC, 0x2202), HOST_U(MTU, 10)), NULL),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(host_command(vf, WEIR_COMMAND_VPORT_SET,
				    HOST_REQUEST(HOST_U(MAC, 0x2202), HOST_U(MTU, 1000),
						 HOST_U(VPORT_FLAGS, 2),
						 HOST_U(VPORT_FLAGS_MASK, 3)),
				    NULL),
		       WEIR_STATUS_NOT_PERMITTED);
	WEIR_REQUIRE_EQ(host_command(vf, WEIR_COMMAND_VPORT_GET, NULL, &after), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(after.bytes, before.bytes);
	WEIR_EXPECT_MEM(after.data, before.data, before.bytes);
	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_VF_GET, HOST_REQUEST(HOST_U(FUNCTION, 1)),
				     &before),
			WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_command(pf, WEIR_COMMAND_VF_SET,
				    HOST_REQUEST(HOST_U(FUNCTION, 1), HOST_U(MAC, 0x2202),
						 HOST_U(VLAN, 9), HOST_U(TRUST, 1),
						 HOST_U(SPOOF_CHECK, 0), HOST_U(LINK_POLICY, 9)),
				    NULL),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_REQUIRE_EQ(host_command(pf, WEIR_COMMAND_VF_GET, HOST_REQUEST(HOST_U(FUNCTION, 1)),
				     &after),
			WEIR_STATUS_OK);
	WEIR_EXPECT_MEM(after.data, before.data, before.bytes);
	host_take_events(vf);
	WEIR_EXPECT_EQ(vf->events[WEIR_EVENT_VF_CHANGED], 0);
	host_destroy(host);
}

/* ---- privileges ---- */

/* Who may give which command: P the PF, V a VF, T a trusted VF, M the owner. From the datasheet, not from the generated table. */
static const struct {
	uint16_t opcode;
	const char *roles;
} table_of_privileges[] = {
	{ WEIR_COMMAND_GET_INFO, "PVTM" },
	{ WEIR_COMMAND_ECHO, "PVTM" },
	{ WEIR_COMMAND_VPORT_GET, "PVTM" },
	{ WEIR_COMMAND_VPORT_SET, "PVTM" },
	{ WEIR_COMMAND_VPORT_SPREAD, "PVTM" },
	{ WEIR_COMMAND_VPORT_SPREAD_GET, "PVTM" },
	{ WEIR_COMMAND_RX_QUEUE_CREATE, "PVTM" },
	{ WEIR_COMMAND_TX_QUEUE_CREATE, "PVTM" },
	{ WEIR_COMMAND_RX_QUEUE_DESTROY, "PVTM" },
	{ WEIR_COMMAND_TX_QUEUE_DESTROY, "PVTM" },
	{ WEIR_COMMAND_RX_QUEUE_MODERATE, "PVTM" },
	{ WEIR_COMMAND_TX_QUEUE_MODERATE, "PVTM" },
	{ WEIR_COMMAND_STEER_ADD, "PVTM" },
	{ WEIR_COMMAND_STEER_DELETE, "PVTM" },
	{ WEIR_COMMAND_STEER_GET, "PVTM" },
	{ WEIR_COMMAND_STEER_LIST, "PVTM" },
	{ WEIR_COMMAND_SPREAD_DELETE, "PVTM" },
	{ WEIR_COMMAND_FILTER_ADD, "PVTM" },
	{ WEIR_COMMAND_FILTER_DELETE, "PVTM" },
	{ WEIR_COMMAND_VLAN_ADD, "PVTM" },
	{ WEIR_COMMAND_VLAN_DELETE, "PVTM" },
	{ WEIR_COMMAND_STATS_GET, "PVTM" },
	{ WEIR_COMMAND_LINK_GET, "PVTM" },
	{ WEIR_COMMAND_LINK_SET, "PM" },
	{ WEIR_COMMAND_VF_GET, "PM" },
	{ WEIR_COMMAND_VF_SET, "PM" },
	{ WEIR_COMMAND_VF_RESET, "PM" },
	{ WEIR_COMMAND_LOG_READ, "PM" },
	{ WEIR_COMMAND_LOG_LEVEL, "PM" },
	{ WEIR_COMMAND_TRACE_SET, "PM" },
	{ WEIR_COMMAND_TRACE_READ, "PM" },
	{ WEIR_COMMAND_TIME_GET, "PVTM" },
	{ WEIR_COMMAND_TIME_SET, "PM" },
};

static const char *roles_of(uint32_t opcode)
{
	for (size_t i = 0; i < WEIR_TESTS(table_of_privileges); i++)
		if (table_of_privileges[i].opcode == opcode)
			return table_of_privileges[i].roles;
	return NULL;
}

/* A request that no command takes tells "permitted" from "not" and does nothing. */
static void walk_opcodes(struct host_function *function, how_to_send *send, char role)
{
	static const uint8_t of_nobody[] = { 0xff, 0xff, 0, 0 };

	for (uint32_t opcode = 0; opcode <= 0x100; opcode++) {
		const char *roles = roles_of(opcode);
		int expected = !roles		     ? WEIR_STATUS_UNKNOWN_COMMAND
			       : strchr(roles, role) ? WEIR_STATUS_BAD_ATTRIBUTE
						     : WEIR_STATUS_NOT_PERMITTED;

		WEIR_EXPECT_EQ(send(function, (uint16_t)opcode, of_nobody, sizeof(of_nobody), NULL),
			       expected);
		WEIR_EXPECT_EQ(function->detail, expected == WEIR_STATUS_BAD_ATTRIBUTE ? 0x7fff : 0);
	}
	WEIR_EXPECT_EQ(send(function, 0xffff, of_nobody, sizeof(of_nobody), NULL),
		       WEIR_STATUS_UNKNOWN_COMMAND);
}

static void every_role_may_do_what_the_table_says_by_queue_and_mailbox(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	static const struct {
		uint16_t function;
		char role;
		uint8_t number;
	} roles[] = { { 0, 'P', WEIR_ROLE_PF },
		      { 1, 'V', WEIR_ROLE_VF },
		      { 2, 'T', WEIR_ROLE_TRUSTED_VF } };
	struct host_response response;
	uint64_t role;

	WEIR_REQUIRE_EQ(WEIR_COMMAND_RULES, WEIR_TESTS(table_of_privileges));
	WEIR_REQUIRE_EQ(host_vf_set(host, 2, WEIR_ATTRIBUTE_TRUST, 1), WEIR_STATUS_OK);
	for (size_t i = 0; i < WEIR_TESTS(roles); i++) {
		struct host_function *function = &host->functions[roles[i].function];

		WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_GET_INFO, NULL, &response),
				WEIR_STATUS_OK);
		WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_ROLE, &role) &&
			    role == roles[i].number);
		walk_opcodes(function, host_command_bytes, roles[i].role);
		walk_opcodes(function, host_mailbox_bytes, roles[i].role);
	}
	walk_opcodes(&host->functions[0], host_manage_bytes, 'M');
	/* What a VF may not is told to the PF, what the PF did wrong is not. */
	host_pass_ms(host, 2000);
	host_take_events(&host->functions[0]);
	WEIR_EXPECT(host->functions[0].events[WEIR_EVENT_MISBEHAVIOUR] >= 2 * (8 + 15 + 8 + 15));
	WEIR_EXPECT_EQ(
		weir_le32_to_cpu(host->functions[0].last_event[WEIR_EVENT_MISBEHAVIOUR].detail),
		WEIR_MISBEHAVIOUR_BAD_COMMAND);
	WEIR_EXPECT(weir_le16_to_cpu(
			    host->functions[0].last_event[WEIR_EVENT_MISBEHAVIOUR].function) != 0);
	host_destroy(host);
}

/* ---- the owner ---- */

static void the_owner_gets_what_the_pf_gets(void)
{
	struct host *host = two_of_three();
	struct host_function *pf = &host->functions[0];
	const struct sample same[] = {
		{ WEIR_COMMAND_VPORT_GET, NULL },
		{ WEIR_COMMAND_LINK_GET, NULL },
		{ WEIR_COMMAND_VF_GET, HOST_REQUEST(HOST_U(FUNCTION, 1)) },
		{ WEIR_COMMAND_VF_GET, HOST_REQUEST(HOST_U(FUNCTION, 3)) },
		{ WEIR_COMMAND_STATS_GET, HOST_REQUEST(HOST_U(SCOPE, 0)) },
		{ WEIR_COMMAND_STATS_GET, HOST_REQUEST(HOST_U(SCOPE, 2), HOST_U(FUNCTION, 1)) },
		{ WEIR_COMMAND_STATS_GET, HOST_REQUEST(HOST_U(SCOPE, 3), HOST_U(FUNCTION, 2)) },
		{ WEIR_COMMAND_LOG_READ, HOST_REQUEST(HOST_U(SEQUENCE, 3)) },
		{ WEIR_COMMAND_TRACE_READ, NULL },
		{ WEIR_COMMAND_ECHO, HOST_REQUEST(HOST_BYTES(DATA, "same", 4)) },
	};
	struct host_response by_pf, by_owner;
	uint64_t value;

	WEIR_REQUIRE_EQ(host_manage(host, WEIR_COMMAND_LOG_LEVEL,
				    HOST_REQUEST(HOST_U(LEVEL, WEIR_LOG_LEVEL_ERROR)), NULL),
			WEIR_STATUS_OK);
	for (size_t i = 0; i < WEIR_TESTS(same); i++) {
		WEIR_EXPECT_EQ(host_manage(host, same[i].opcode, same[i].request, &by_owner),
			       WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(host_command(pf, same[i].opcode, same[i].request, &by_pf),
			       WEIR_STATUS_OK);
		WEIR_EXPECT_EQ(by_owner.bytes, by_pf.bytes);
		WEIR_EXPECT_MEM(by_owner.data, by_pf.data, by_pf.bytes);
	}
	WEIR_EXPECT_EQ(host_manage(host, WEIR_COMMAND_GET_INFO, NULL, &by_owner), WEIR_STATUS_OK);
	WEIR_EXPECT(host_get(&by_owner, WEIR_ATTRIBUTE_ROLE, &value) && value == WEIR_ROLE_MANAGER);
	WEIR_EXPECT(host_get(&by_owner, WEIR_ATTRIBUTE_VFS_ENABLED, &value) && value == 2);
	WEIR_EXPECT(host_get(&by_owner, WEIR_ATTRIBUTE_VFS_TOTAL, &value) && value == 3);
	/* What it sets holds as if the PF had. */
	WEIR_EXPECT_EQ(host_manage(host, WEIR_COMMAND_VF_SET,
				   HOST_REQUEST(HOST_U(FUNCTION, 1), HOST_U(TRUST, 1)), NULL),
		       WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(host_vport_flags(&host->functions[1], WEIR_VPORT_PROMISCUOUS,
					WEIR_VPORT_PROMISCUOUS),
		       WEIR_STATUS_OK);
	/* Queues lie in a function's memory: the owner has none. */
	static const uint16_t queues[] = { WEIR_COMMAND_RX_QUEUE_DESTROY,
					   WEIR_COMMAND_TX_QUEUE_DESTROY };

	for (size_t i = 0; i < WEIR_TESTS(queues); i++)
		WEIR_EXPECT_EQ(host_manage(host, queues[i], HOST_REQUEST(HOST_U(QUEUE, 0)), NULL),
			       WEIR_STATUS_NOT_SUPPORTED);
	for (size_t i = 3; i <= 4; i++)
		WEIR_EXPECT_EQ(host_manage(host, samples[i].opcode, samples[i].request, NULL),
			       WEIR_STATUS_NOT_SUPPORTED);
	/* A reset that it asks for is on its way when the call comes back. */
	uint32_t generation = host->functions[2].generation;

	WEIR_EXPECT_EQ(host_manage(host, WEIR_COMMAND_VF_RESET, HOST_REQUEST(HOST_U(FUNCTION, 2)),
				   NULL),
		       WEIR_STATUS_OK);
	host_settle(host);
	WEIR_EXPECT_EQ(host_read(&host->functions[2], WEIR_REG_GENERATION), generation + 1);
	host_destroy(host);
}

const struct weir_test command_tests[] = {
	{ "admin.every_truncation_is_refused", every_truncation_is_refused },
	{ "admin.requests_bent_at_random_are_refused_for_the_first_fault",
	  requests_bent_at_random_are_refused_for_the_first_fault },
	{ "admin.unknown_attributes_are_skipped_unless_they_must_not_be",
	  unknown_attributes_are_skipped_unless_they_must_not_be },
	{ "admin.what_cannot_be_done_is_refused_with_the_attribute_at_fault",
	  what_cannot_be_done_is_refused_with_the_attribute_at_fault },
	{ "admin.queues_are_refused_for_each_impossible_value",
	  queues_are_refused_for_each_impossible_value },
	{ "admin.setting_a_vport_or_a_vf_is_all_or_nothing",
	  setting_a_vport_or_a_vf_is_all_or_nothing },
	{ "admin.every_role_may_do_what_the_table_says_by_queue_and_mailbox",
	  every_role_may_do_what_the_table_says_by_queue_and_mailbox },
	{ "admin.the_owner_gets_what_the_pf_gets", the_owner_gets_what_the_pf_gets },
};
const size_t command_test_count = WEIR_TESTS(command_tests);
