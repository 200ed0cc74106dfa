/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive side scaling (specs/rss.md): what is hashed, how, and to which queue that leads; and that no flow is ever out of order. Known
 * answers: Microsoft, "Verifying the RSS Hash Calculation"; for other keys and tuples the definition, a bit at a time.
 */
#include "suite.h"

#include <string.h>

#define QUEUES 4u

static const uint8_t microsoft_key[WEIR_HASH_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Source and destination address, source and destination port; Microsoft's hashes without and with the ports. */
struct flow {
	bool ipv6;
	uint8_t tuple[36];
	uint32_t addresses, all;
};

static const struct flow published[] = {
	{ false,
	  { 66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6 },
	  0x323e8fc2,
	  0x51ccc178 },
	{ false,
	  { 199, 92, 111, 2, 65, 69, 140, 83, 0x37, 0x96, 0x12, 0x83 },
	  0xd718262a,
	  0xc626b0ea },
	{ false,
	  { 24, 19, 198, 95, 12, 22, 207, 184, 0x32, 0x62, 0x94, 0x88 },
	  0xd2d0a5de,
	  0x5c2b394a },
	{ false,
	  { 38, 27, 205, 30, 209, 142, 163, 6, 0xbc, 0x64, 0x08, 0xa9 },
	  0x82989176,
	  0xafc7327f },
	{ false,
	  { 153, 39, 163, 191, 202, 188, 127, 2, 0xac, 0xdb, 0x05, 0x17 },
	  0x5d1809c5,
	  0x10e828a2 },
	{ true,
	  { 0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0,	  0,	0,    0,
	    0,	  0,	0,    7,    0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03,
	    0,	  0,	0,    0,    0,	  0,	0,    1,    0x0a, 0xea, 0x06, 0xe6 },
	  0x2cc18cd5,
	  0x40207d3d },
	{ true,
	  { 0x3f, 0xfe, 0x05, 0x01, 0,	  8,	0, 0, 0x02, 0x60, 0x97, 0xff,
	    0xfe, 0x40, 0xef, 0xab, 0xff, 0x02, 0, 0, 0,    0,	  0,	0,
	    0,	  0,	0,    0,    0,	  0,	0, 1, 0x37, 0x96, 0x12, 0x83 },
	  0x0f0c461c,
	  0xdde51bbf },
	{ true,
	  { 0x3f, 0xfe, 0x19, 0x00, 0x45, 0x45, 0x00, 0x03, 0x02, 0x00, 0xf8, 0xff,
	    0xfe, 0x21, 0x67, 0xcf, 0xfe, 0x80, 0,    0,    0,	  0,	0,    0,
	    0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf, 0xac, 0xdb, 0x94, 0x88 },
	  0x4b61e985,
	  0x02d1feef },
};

enum { TCP = 6, UDP = 17, SCTP = 132, OTHER = 253 };

/* ---- frames ---- */

/* An IP datagram of a flow with 24 bytes behind its header; returns its length. */
static uint32_t make_datagram(uint8_t *to, const struct flow *flow, uint8_t protocol)
{
	uint32_t header_bytes = flow->ipv6 ? 40 : 20;

	memset(to, 0, header_bytes + 24);
	if (flow->ipv6) {
		to[0] = 0x60;
		to[5] = 24;
		to[6] = protocol;
		memcpy(to + 8, flow->tuple, 32);
	} else {
		to[0] = 0x45;
		to[3] = 44;
		to[9] = protocol;
		memcpy(to + 12, flow->tuple, 8);
	}
	memcpy(to + header_bytes, flow->tuple + (flow->ipv6 ? 32 : 8), 4);
	to[header_bytes + 12] = 0x50;
	return header_bytes + 24;
}

static uint32_t make_frame(uint8_t *to, uint32_t from, uint32_t dst, const struct flow *flow,
			   uint8_t protocol)
{
	uint64_t destination = test_mac(dst), source = test_mac(from);

	memcpy(to, &destination, 6);
	memcpy(to + 6, &source, 6);
	to[12] = flow->ipv6 ? 0x86 : 0x08;
	to[13] = flow->ipv6 ? 0xdd : 0x00;
	return 14 + make_datagram(to + 14, flow, protocol);
}

/* A frame as above in VXLAN between two addresses. */
static uint32_t make_tunnel(uint8_t *to, uint32_t from, uint32_t dst, const struct flow *flow,
			    uint8_t protocol)
{
	static const struct flow outer = {
		false, { 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0x12, 0xb5 }, 0, 0
	};
	uint8_t inner[128];
	uint32_t inner_bytes = make_frame(inner, 7, 8, flow, protocol);

	make_frame(to, from, dst, &outer, UDP);
	to[14 + 3] = (uint8_t)(36 + inner_bytes);
	memset(to + 38, 0, 12);
	to[42] = 0x08;
	memcpy(to + 50, inner, inner_bytes);
	return 50 + inner_bytes;
}

/* Sends a frame from VF 0 to VF 1 and gives what came of it. */
static const struct host_frame *pass(struct host *host, const uint8_t *frame, uint32_t bytes)
{
	static struct host_frame got;

	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 1, 0, 0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	for (uint16_t queue = 0; queue < QUEUES; queue++)
		if (host->functions[2].rx[queue].created &&
		    host_receive(&host->functions[2], queue, &got))
			return &got;
	WEIR_REQUIRE(!"received");
	return NULL;
}

static int spread(struct host_function *function, const struct host_attribute *request)
{
	return host_command(function, WEIR_COMMAND_VPORT_SPREAD, request, NULL);
}

/* PF and two VFs of four queues; VF 1 hashes under Microsoft's key. */
static struct host *card(void)
{
	struct host *host = test_card(2, QUEUES, 2048, false);

	WEIR_REQUIRE_EQ(
		spread(&host->functions[2],
		       HOST_REQUEST(HOST_BYTES(HASH_KEY, microsoft_key, sizeof(microsoft_key)))),
		WEIR_STATUS_OK);
	return host;
}

static void expect_hash(const struct host_frame *got, bool hashed, bool ports, uint32_t hash)
{
	WEIR_EXPECT_EQ(!!(got->flags & WEIR_RXC_FLOW_HASH_MASK), hashed);
	WEIR_EXPECT_EQ(!!(got->flags & WEIR_RXC_HASH_L4_MASK), ports);
	WEIR_EXPECT_EQ(got->flow_hash, hashed ? hash : 0);
	/* The table of host_up(). */
	WEIR_EXPECT_EQ(got->queue, (hashed ? hash & 127 : 0) % QUEUES);
}

/* ---- the definition ---- */

static uint32_t toeplitz(const uint8_t *key, const uint8_t *input, uint32_t bytes)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < 8 * bytes; i++) {
		if (!(input[i / 8] >> (7 - i % 8) & 1))
			continue;
		for (uint32_t j = 0; j < 32; j++)
			hash ^= (uint32_t)(key[(i + j) / 8] >> (7 - (i + j) % 8) & 1) << (31 - j);
	}
	return hash;
}

/* ---- what is hashed ---- */

static void microsofts_hashes_choose_the_queues(void)
{
	static const struct {
		uint8_t protocol, l4;
	} kinds[] = { { TCP, WEIR_PACKET_L4_TCP },
		      { UDP, WEIR_PACKET_L4_UDP },
		      { SCTP, WEIR_PACKET_L4_SCTP },
		      { OTHER, WEIR_PACKET_L4_OTHER } };
	struct host *host = card();
	uint8_t frame[128];

	for (size_t i = 0; i < WEIR_TESTS(published); i++) {
		for (size_t kind = 0; kind < WEIR_TESTS(kinds); kind++) {
			uint32_t bytes =
				make_frame(frame, 1, 2, &published[i], kinds[kind].protocol);
			const struct host_frame *got = pass(host, frame, bytes);
			bool ports = kinds[kind].l4 != WEIR_PACKET_L4_OTHER;

			expect_hash(got, true, ports,
				    ports ? published[i].all : published[i].addresses);
			WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_L3, got->packet_type),
				       published[i].ipv6 ? WEIR_PACKET_L3_IPV6
							 : WEIR_PACKET_L3_IPV4);
			WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_L4, got->packet_type), kinds[kind].l4);
			WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_TUNNEL, got->packet_type), 0);
		}
	}
	host_destroy(host);
}

static void a_frame_from_the_wire_has_the_same_hash(void)
{
	struct host *host = card();
	static struct host_frame got;
	uint8_t frame[128];

	for (size_t i = 0; i < WEIR_TESTS(published); i++) {
		uint32_t bytes = make_frame(frame, 77, 2, &published[i], TCP);
		uint16_t queue = (uint16_t)((published[i].all & 127) % QUEUES);

		WEIR_REQUIRE(weirsim_wire_receive(host->sim, 0, frame, bytes) == 0);
		host_settle(host);
		WEIR_REQUIRE(host_receive(&host->functions[2], queue, &got));
		expect_hash(&got, true, true, published[i].all);
	}
	host_destroy(host);
}

static void types_say_what_is_hashed(void)
{
	static const struct {
		uint32_t types, protocol;
		bool ipv6, hashed, ports;
	} cases[] = {
		{ 0x00, TCP, false, false, false },
		{ WEIR_HASH_TYPE_IPV4, TCP, false, true, false },
		{ WEIR_HASH_TYPE_IPV4, TCP, true, false, false },
		{ WEIR_HASH_TYPE_IPV6, SCTP, true, true, false },
		{ WEIR_HASH_TYPE_IPV4_TCP, TCP, false, true, true },
		{ WEIR_HASH_TYPE_IPV4_TCP, UDP, false, false, false },
		{ WEIR_HASH_TYPE_IPV4_UDP, UDP, false, true, true },
		{ WEIR_HASH_TYPE_IPV4_SCTP, SCTP, false, true, true },
		{ WEIR_HASH_TYPE_IPV4_TCP, OTHER, false, false, false },
		{ WEIR_HASH_TYPE_IPV6_TCP, TCP, true, true, true },
		{ WEIR_HASH_TYPE_IPV6_TCP, TCP, false, false, false },
		{ WEIR_HASH_TYPE_IPV6_UDP, UDP, true, true, true },
		{ WEIR_HASH_TYPE_IPV6_SCTP, SCTP, true, true, true },
		{ 0xff & ~WEIR_HASH_TYPE_IPV4_UDP, UDP, false, true, false },
	};
	struct host *host = card();
	uint8_t frame[128];

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		const struct flow *flow = &published[cases[i].ipv6 ? 5 : 0];
		uint32_t bytes = make_frame(frame, 1, 2, flow, (uint8_t)cases[i].protocol);

		WEIR_REQUIRE_EQ(spread(&host->functions[2],
				       HOST_REQUEST(HOST_U(HASH_TYPES, cases[i].types))),
				0);
		expect_hash(pass(host, frame, bytes), cases[i].hashed, cases[i].ports,
			    cases[i].ports ? flow->all : flow->addresses);
	}
	host_destroy(host);
}

/* By the headers around it, or by those inside. */
static void tunnels_are_hashed_by_either_header(void)
{
	struct host *host = card();
	const struct host_frame *got;
	uint8_t frame[256];

	for (size_t i = 0; i < WEIR_TESTS(published); i++) {
		uint32_t bytes = make_tunnel(frame, 1, 2, &published[i], TCP);
		uint32_t outer = toeplitz(microsoft_key, frame + 26, 12);

		WEIR_REQUIRE_EQ(spread(&host->functions[2], HOST_REQUEST(HOST_U(HASH_TYPES, 0xff))),
				0);
		got = pass(host, frame, bytes);
		expect_hash(got, true, true, outer);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_TUNNEL, got->packet_type),
			       WEIR_PACKET_TUNNEL_VXLAN);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_L4, got->packet_type), WEIR_PACKET_L4_UDP);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_INNER_L4, got->packet_type),
			       WEIR_PACKET_L4_TCP);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_RXC_TYPE_INNER_L3, got->packet_type),
			       published[i].ipv6 ? WEIR_PACKET_L3_IPV6 : WEIR_PACKET_L3_IPV4);
		WEIR_REQUIRE_EQ(
			spread(&host->functions[2], HOST_REQUEST(HOST_U(HASH_TYPES, 0x1ff))), 0);
		expect_hash(pass(host, frame, bytes), true, true, published[i].all);
		/* What carries nothing is hashed by what it is. */
		frame[42] = 0;
		expect_hash(pass(host, frame, bytes), true, true, outer);
	}
	host_destroy(host);
}

/* ---- how ---- */

static void swap(uint8_t *first, uint32_t bytes)
{
	uint8_t copy[16];

	memcpy(copy, first, bytes);
	memcpy(first, first + bytes, bytes);
	memcpy(first + bytes, copy, bytes);
}

static void both_directions_of_a_flow_have_one_symmetric_hash(void)
{
	struct host *host = card();
	uint8_t frame[128];

	for (uint8_t function = WEIR_HASH_FUNCTION_SYMMETRIC_XOR;
	     function <= WEIR_HASH_FUNCTION_SYMMETRIC_SORT; function++) {
		WEIR_REQUIRE_EQ(spread(&host->functions[2],
				       HOST_REQUEST(HOST_U(HASH_FUNCTION, function))),
				0);
		for (size_t i = 0; i < WEIR_TESTS(published); i++) {
			struct flow flow = published[i], model = flow;
			uint32_t address_bytes = flow.ipv6 ? 16 : 4;
			uint8_t *ports = model.tuple + 2 * address_bytes;

			for (uint32_t at = 0; at < 2 * address_bytes + 4; at++) {
				uint32_t half = at < 2 * address_bytes ? address_bytes : 2;
				const uint8_t *field =
					flow.tuple +
					(at < 2 * address_bytes ? 0 : 2 * address_bytes);
				uint32_t place = at < 2 * address_bytes ? at
									: at - 2 * address_bytes;

				if (function == WEIR_HASH_FUNCTION_SYMMETRIC_XOR)
					model.tuple[at] = field[place % half] ^
							  field[place % half + half];
			}
			if (function == WEIR_HASH_FUNCTION_SYMMETRIC_SORT) {
				if (memcmp(model.tuple, model.tuple + address_bytes,
					   address_bytes) > 0)
					swap(model.tuple, address_bytes);
				if (memcmp(ports, ports + 2, 2) > 0)
					swap(ports, 2);
			}
			uint32_t hash = toeplitz(microsoft_key, model.tuple, 2 * address_bytes + 4);

			expect_hash(pass(host, frame, make_frame(frame, 1, 2, &flow, UDP)), true,
				    true, hash);
			swap(flow.tuple, address_bytes);
			swap(flow.tuple + 2 * address_bytes, 2);
			expect_hash(pass(host, frame, make_frame(frame, 1, 2, &flow, UDP)), true,
				    true, hash);
		}
	}
	host_destroy(host);
}

static void what_was_set_is_read_back(void)
{
	struct host *host = card();
	struct host_function *function = &host->functions[2];
	uint8_t key[WEIR_HASH_KEY_MAX_BYTES];
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	static struct host_response response;
	uint32_t bytes;
	uint64_t value;

	for (uint32_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7 + 1);
	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16((uint16_t)(i * i % QUEUES));
	WEIR_REQUIRE_EQ(spread(function,
			       HOST_REQUEST(HOST_BYTES(HASH_KEY, key, sizeof(key)),
					    HOST_BYTES(INDIRECTION, table, sizeof(table)),
					    HOST_U(HASH_TYPES, 0x122), HOST_U(HASH_FUNCTION, 2))),
			0);
	/* What is refused changes nothing. */
	WEIR_EXPECT_EQ(spread(function,
			      HOST_REQUEST(HOST_BYTES(HASH_KEY, microsoft_key, 40),
					   HOST_U(HASH_TYPES, 1), HOST_U(HASH_FUNCTION, 9))),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_HASH_FUNCTION);
	table[5] = weir_cpu_to_le16(QUEUES);
	WEIR_EXPECT_EQ(spread(function, HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table)),
						     HOST_U(HASH_FUNCTION, 0))),
		       WEIR_STATUS_BAD_VALUE);
	table[5] = weir_cpu_to_le16(25 % QUEUES);
	WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_VPORT_SPREAD_GET,
				     HOST_REQUEST(HOST_U(VPORT, 0)), &response),
			0);
	WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_HASH_TYPES, &value) && value == 0x122);
	WEIR_EXPECT(host_get(&response, WEIR_ATTRIBUTE_HASH_FUNCTION, &value) && value == 2);
	const uint8_t *got = host_get_bytes(&response, WEIR_ATTRIBUTE_HASH_KEY, &bytes);

	WEIR_REQUIRE(got && bytes == sizeof(key));
	WEIR_EXPECT_MEM(got, key, sizeof(key));
	got = host_get_bytes(&response, WEIR_ATTRIBUTE_INDIRECTION, &bytes);
	WEIR_REQUIRE(got && bytes == sizeof(table));
	WEIR_EXPECT_MEM(got, table, sizeof(table));
	/* Of a long key the first 40 bytes count. */
	uint8_t frame[128];

	WEIR_REQUIRE_EQ(spread(function,
			       HOST_REQUEST(HOST_U(HASH_TYPES, 0xff), HOST_U(HASH_FUNCTION, 0))),
			0);
	WEIR_EXPECT_EQ(pass(host, frame, make_frame(frame, 1, 2, &published[5], TCP))->flow_hash,
		       toeplitz(key, published[5].tuple, 36));
	host_destroy(host);
}

/* Nobody can tell in advance where flows go. */
static void every_function_has_a_key_of_chance_after_each_reset(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	static struct host_response response;
	uint8_t keys[4][WEIR_HASH_KEY_BYTES];
	uint32_t bytes;

	for (uint32_t i = 0; i < 4; i++) {
		struct host_function *function = &host->functions[i < 3 ? i : 2];

		if (i == 3) {
			host_flr(function);
			host_settle(host);
			host_forget(function);
			WEIR_REQUIRE(host_up(function, test_mac(2), 1, 2048, false));
		}
		WEIR_REQUIRE_EQ(host_command(function, WEIR_COMMAND_VPORT_SPREAD_GET,
					     HOST_REQUEST(HOST_U(VPORT, 0)), &response),
				0);
		const void *key = host_get_bytes(&response, WEIR_ATTRIBUTE_HASH_KEY, &bytes);

		WEIR_REQUIRE(key && bytes == WEIR_HASH_KEY_BYTES);
		memcpy(keys[i], key, bytes);
		for (uint32_t other = 0; other < i; other++)
			WEIR_EXPECT(memcmp(keys[i], keys[other], bytes) != 0);
	}
	host_destroy(host);
}

/* ---- who is told ---- */

static void with_one_queue_nothing_is_hashed(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	uint8_t frame[128];
	const struct host_frame *got =
		pass(host, frame, make_frame(frame, 1, 2, &published[0], TCP));

	expect_hash(got, false, false, 0);
	WEIR_EXPECT_EQ(got->packet_type, 0);
	host_destroy(host);
}

/* Of a frame to all, each gets the hash under its own key, or none. */
static void a_hash_is_told_to_nobody_else(void)
{
	struct host *host = card();
	static struct host_frame got;
	uint8_t frame[128];
	uint32_t seen = 0;

	for (uint32_t silent = 0; silent < 2; silent++) {
		const struct flow *flow = &published[silent ? 6 : 1];
		uint32_t bytes = make_frame(frame, 99, 0, flow, TCP);

		for (uint32_t i = 0; i < 2; i++)
			WEIR_REQUIRE_EQ(
				spread(&host->functions[i],
				       HOST_REQUEST(HOST_U(HASH_TYPES, i == silent ? 0 : 0xff))),
				0);
		memset(frame, 0xff, 6);
		WEIR_REQUIRE(weirsim_wire_receive(host->sim, 0, frame, bytes) == 0);
		host_settle(host);
		for (uint16_t i = 0; i < 3; i++) {
			for (uint16_t queue = 0; queue < QUEUES; queue++) {
				if (!host_receive(&host->functions[i], queue, &got))
					continue;
				seen++;
				WEIR_EXPECT_EQ(!got.packet_type, i == silent);
				if (i == silent || i == 2)
					expect_hash(&got, i == 2, i == 2, flow->all);
				else
					WEIR_EXPECT(got.flow_hash != flow->all);
			}
		}
	}
	WEIR_EXPECT_EQ(seen, 6);
	host_destroy(host);
}

/* ---- order ---- */

/* A flow's frames, on whichever queues, are looked at after every turn: none may be there before all earlier ones are. */
static void look_for_disorder(struct host_function *function, uint32_t *next, uint32_t flows)
{
	static struct host_frame got;
	static uint32_t numbers[QUEUES * 64];
	uint32_t count = 0;

	/* All queues at one moment: what is visible there, in any order of queues, has no holes. */
	for (uint16_t queue = 0; queue < QUEUES; queue++) {
		while (host_receive(function, queue, &got)) {
			uint32_t number;

			memcpy(&number, got.data + 46, 4);
			WEIR_REQUIRE(count < QUEUES * 64);
			numbers[count++] = number;
		}
	}
	for (bool found = true; found;) {
		found = false;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t flow = numbers[i] >> 24;

			if (flow < flows && (numbers[i] & 0xffffff) == next[flow]) {
				next[flow]++;
				numbers[i] = UINT32_MAX;
				found = true;
			}
		}
	}
	for (uint32_t i = 0; i < count; i++)
		WEIR_EXPECT_EQ(numbers[i], UINT32_MAX);
}

static void a_flow_is_never_out_of_order_while_the_table_changes(void)
{
	enum { FLOWS = 6, ROUNDS = 400 };
	struct host *host = card();
	struct host_function *a = &host->functions[1], *b = &host->functions[2];
	uint32_t next[FLOWS] = { 0 }, sent[FLOWS] = { 0 }, state = (uint32_t)test_seed(),
		 changes = 0;
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	uint8_t frame[128], key[WEIR_HASH_KEY_BYTES];

	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < 12 && host_transmit_room(a, 0); i++) {
			struct flow flow = published[0];
			uint32_t bytes, number;

			state = state * 1664525u + 1013904223u;
			number = state >> 16 & 255;
			number %= FLOWS;
			flow.tuple[9] = (uint8_t)number;
			bytes = make_frame(frame, 1, 2, &flow, UDP);
			number = number << 24 | sent[number]++;
			memcpy(frame + 46, &number, 4);
			WEIR_REQUIRE(host_send(a, 0, frame, bytes, 1, 0, 0, 0));
		}
		host_send_done(a, 0);
		if (round % 4 == 0) {
			state = state * 1664525u + 1013904223u;
			for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
				table[i] =
					weir_cpu_to_le16((uint16_t)((i + state / 65536) % QUEUES));
			for (uint32_t i = 0; i < sizeof(key); i++)
				key[i] = (uint8_t)(microsoft_key[i] ^ (round & 8 ? state >> 8 : 0));
			host_command_send(b, WEIR_COMMAND_VPORT_SPREAD,
					  HOST_REQUEST(HOST_BYTES(INDIRECTION, table, sizeof(table)),
						       HOST_BYTES(HASH_KEY, key, sizeof(key))));
			for (uint32_t turn = 0; turn < 3 + round % 16; turn++) {
				host_turn(host);
				look_for_disorder(b, next, FLOWS);
			}
			WEIR_REQUIRE_EQ(host_command_wait(b, NULL), WEIR_STATUS_OK);
			changes++;
		}
		host_turn(host);
		look_for_disorder(b, next, FLOWS);
	}
	host_settle(host);
	look_for_disorder(b, next, FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++) {
		WEIR_EXPECT(sent[i] > 100);
		WEIR_EXPECT_EQ(next[i], sent[i]);
	}
	WEIR_EXPECT_EQ(changes, ROUNDS / 4);
	host_destroy(host);
}

const struct weir_test rss_tests[] = {
	{ "rss.microsofts_hashes_choose_the_queues", microsofts_hashes_choose_the_queues },
	{ "rss.a_frame_from_the_wire_has_the_same_hash", a_frame_from_the_wire_has_the_same_hash },
	{ "rss.types_say_what_is_hashed", types_say_what_is_hashed },
	{ "rss.tunnels_are_hashed_by_either_header", tunnels_are_hashed_by_either_header },
	{ "rss.both_directions_of_a_flow_have_one_symmetric_hash",
	  both_directions_of_a_flow_have_one_symmetric_hash },
	{ "rss.what_was_set_is_read_back", what_was_set_is_read_back },
	{ "rss.every_function_has_a_key_of_chance_after_each_reset",
	  every_function_has_a_key_of_chance_after_each_reset },
	{ "rss.with_one_queue_nothing_is_hashed", with_one_queue_nothing_is_hashed },
	{ "rss.a_hash_is_told_to_nobody_else", a_hash_is_told_to_nobody_else },
	{ "rss.a_flow_is_never_out_of_order_while_the_table_changes",
	  a_flow_is_never_out_of_order_while_the_table_changes },
};
const size_t rss_test_count = WEIR_TESTS(rss_tests);
