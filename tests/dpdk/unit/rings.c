/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the DPDK driver that need no DPDK: attributes and ring arithmetic. */
#include <string.h>

#include "weir_cunit.h"
#include "weir_ring.h"
#include "weir_tlv.h"

/* --- attributes ----------------------------------------------------------------------------------- */

static void values_come_back(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct weir_tlv request;
	uint16_t length = 0;
	const void *value;

	weir_tlv_begin(&request);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_SCOPE, 0xfe);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_QUEUE, 0x1234);
	weir_tlv_put_u32(&request, WEIR_ATTRIBUTE_BUFFER_BYTES, 0xdeadbeef);
	weir_tlv_put_u64(&request, WEIR_ATTRIBUTE_RING_ADDRESS, UINT64_C(0x0123456789abcdef));
	weir_tlv_put(&request, WEIR_ATTRIBUTE_MAC, mac, sizeof(mac));
	WEIR_EXPECT(!request.overflow);
	WEIR_EXPECT_EQ(request.length, 8 + 8 + 8 + 12 + 12);
	WEIR_REQUIRE(weir_tlv_valid(request.data, request.length));
	WEIR_EXPECT_EQ(weir_tlv_get(request.data, request.length, WEIR_ATTRIBUTE_SCOPE, 0), 0xfe);
	WEIR_EXPECT_EQ(weir_tlv_get(request.data, request.length, WEIR_ATTRIBUTE_QUEUE, 0), 0x1234);
	WEIR_EXPECT_EQ(weir_tlv_get(request.data, request.length, WEIR_ATTRIBUTE_BUFFER_BYTES, 0),
		       0xdeadbeef);
	WEIR_EXPECT_EQ(weir_tlv_get(request.data, request.length, WEIR_ATTRIBUTE_RING_ADDRESS, 0),
		       0x0123456789abcdef);
	value = weir_tlv_find(request.data, request.length, WEIR_ATTRIBUTE_MAC, &length);
	WEIR_REQUIRE(value != NULL);
	WEIR_EXPECT_EQ(length, 6);
	WEIR_EXPECT_MEM(value, mac, 6);
	WEIR_EXPECT(!weir_tlv_find(request.data, request.length, WEIR_ATTRIBUTE_MTU, &length));
	WEIR_EXPECT_EQ(weir_tlv_get(request.data, request.length, WEIR_ATTRIBUTE_MTU, 77), 77);
	/* Not an integer: six bytes. */
	WEIR_EXPECT_EQ(weir_tlv_get(request.data, request.length, WEIR_ATTRIBUTE_MAC, 78), 78);
}

static void bytes_on_the_wire_are_those_of_the_abi(void)
{
	static const uint8_t wanted[] = {
		WEIR_ATTRIBUTE_RING_LOG2, 0x80, 1, 0, 9,    0,	  0, 0,
		WEIR_ATTRIBUTE_QUEUE,	  0x80, 2, 0, 0x34, 0x12, 0, 0,
	};
	struct weir_tlv request;

	memset(&request, 0xff, sizeof(request));
	weir_tlv_begin(&request);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_RING_LOG2, 9);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_QUEUE, 0x1234);
	WEIR_REQUIRE_EQ(request.length, sizeof(wanted));
	WEIR_EXPECT_MEM(request.data, wanted, sizeof(wanted));
}

static void what_does_not_fit_is_an_overflow(void)
{
	uint8_t bytes[sizeof(((struct weir_tlv *)0)->data)] = { 0 };
	struct weir_tlv request;

	weir_tlv_begin(&request);
	weir_tlv_put(&request, WEIR_ATTRIBUTE_DATA, bytes, sizeof(bytes) - 4);
	WEIR_EXPECT(!request.overflow);
	WEIR_EXPECT_EQ(request.length, sizeof(bytes));
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_SCOPE, 1);
	WEIR_EXPECT(request.overflow);
	weir_tlv_begin(&request);
	weir_tlv_put(&request, WEIR_ATTRIBUTE_DATA, bytes, sizeof(bytes) - 3);
	WEIR_EXPECT(request.overflow);
	WEIR_EXPECT_EQ(request.length, 0);
}

static void every_cut_of_an_answer_is_told(void)
{
	struct weir_tlv answer;
	uint8_t copy[sizeof(answer.data)];

	weir_tlv_begin(&answer);
	weir_tlv_put_u8(&answer, WEIR_ATTRIBUTE_SCOPE, 1);
	weir_tlv_put_u64(&answer, WEIR_ATTRIBUTE_SERIAL, 2);
	weir_tlv_put_u16(&answer, WEIR_ATTRIBUTE_MTU, 3);
	for (uint16_t length = 0; length <= answer.length; length++) {
		/* Exactly as long as said, so that a sanitizer sees a step beyond. */
		bool whole = length == 0 || length == 8 || length == 20 || length == 28;

		memcpy(copy, answer.data, length);
		WEIR_EXPECT_EQ(weir_tlv_valid(copy, length), whole);
	}
}

static void repeated_known_attributes_are_refused_unknown_ones_skipped(void)
{
	static const uint8_t twice[] = { WEIR_ATTRIBUTE_MTU, 0, 2, 0, 1, 0, 0, 0,
					 WEIR_ATTRIBUTE_MTU, 0, 2, 0, 1, 0, 0, 0 };
	static const uint8_t unknown[] = {
		0xff, 0x7f, 1, 0, 1, 0, 0, 0, 0xff, 0x7f, 0, 0, WEIR_ATTRIBUTE_MTU,
		0,    2,    0, 5, 0, 0, 0
	};
	static const uint8_t huge[] = { WEIR_ATTRIBUTE_MTU, 0, 0xff, 0xff, 1, 0, 0, 0 };

	WEIR_EXPECT(!weir_tlv_valid(twice, sizeof(twice)));
	WEIR_EXPECT(weir_tlv_valid(unknown, sizeof(unknown)));
	WEIR_EXPECT_EQ(weir_tlv_get(unknown, sizeof(unknown), WEIR_ATTRIBUTE_MTU, 0), 5);
	WEIR_EXPECT(!weir_tlv_valid(huge, sizeof(huge)));
}

/* --- rings ---------------------------------------------------------------------------------------- */

static void generation_bit_alternates_with_laps_through_the_wrap(void)
{
	for (uint8_t log2 = WEIR_RING_MIN_LOG2; log2 <= WEIR_RING_MAX_LOG2; log2++) {
		uint32_t phase = 0; /* of memory that was zeroed */
		bool right = true;

		for (uint32_t counter = 0; counter < 3 * 65536; counter++) {
			if (counter % (UINT32_C(1) << log2) == 0)
				phase ^= 1;
			right = right && weir_ring_phase((uint16_t)counter, log2) == phase;
		}
		WEIR_EXPECT(right);
	}
}

static void log2_is_rounded_up(void)
{
	WEIR_EXPECT_EQ(weir_log2_ceil(1), 0);
	WEIR_EXPECT_EQ(weir_log2_ceil(64), 6);
	WEIR_EXPECT_EQ(weir_log2_ceil(65), 7);
	WEIR_EXPECT_EQ(weir_log2_ceil(32768), 15);
	WEIR_EXPECT_EQ(weir_log2_ceil(32769), 16);
}

/* Whether a tail that goes from old_tail to new_tail passes `event`: step by step, as the ABI says it. */
static bool passes(uint16_t event, uint16_t old_tail, uint16_t new_tail)
{
	for (uint16_t at = old_tail; at != new_tail; at++)
		if (at == event)
			return true;
	return false;
}

static void doorbell_is_rung_exactly_when_the_tail_passes_the_event_index(void)
{
	static const uint16_t starts[] = { 0, 1, 100, 32767, 32768, 65530, 65535 };
	unsigned int wrong = 0;

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (uint16_t moved = 0; moved <= 40; moved++)
			for (int event = -60; event <= 60; event++) {
				uint16_t old_tail = starts[s], new_tail = old_tail + moved;
				uint16_t index = (uint16_t)(old_tail + event);

				wrong += weir_doorbell_needed(index, old_tail, new_tail) !=
					 passes(index, old_tail, new_tail);
			}
	WEIR_EXPECT_EQ(wrong, 0);
}

static void a_busy_device_is_never_rung(void)
{
	unsigned int rung = 0;

	for (uint32_t tail = 0; tail < 65536; tail++) {
		/* The two ways a polling device has to say so. */
		rung += weir_doorbell_needed(WEIR_EVENT_INDEX_BUSY | tail, (uint16_t)(tail - 1),
					     (uint16_t)(tail + 32));
		rung += weir_doorbell_needed((uint16_t)(tail - 1 + 0x8000), (uint16_t)tail,
					     (uint16_t)(tail + 32));
	}
	WEIR_EXPECT_EQ(rung, 0);
}

static const struct weir_test tests[] = {
	{ "dpdk.tlv.values_come_back", values_come_back },
	{ "dpdk.tlv.bytes_on_the_wire_are_those_of_the_abi",
	  bytes_on_the_wire_are_those_of_the_abi },
	{ "dpdk.tlv.what_does_not_fit_is_an_overflow", what_does_not_fit_is_an_overflow },
	{ "dpdk.tlv.every_cut_of_an_answer_is_told", every_cut_of_an_answer_is_told },
	{ "dpdk.tlv.repeated_known_attributes_are_refused_unknown_ones_skipped",
	  repeated_known_attributes_are_refused_unknown_ones_skipped },
	{ "dpdk.rings.generation_bit_alternates_with_laps_through_the_wrap",
	  generation_bit_alternates_with_laps_through_the_wrap },
	{ "dpdk.rings.log2_is_rounded_up", log2_is_rounded_up },
	{ "dpdk.rings.doorbell_is_rung_exactly_when_the_tail_passes_the_event_index",
	  doorbell_is_rung_exactly_when_the_tail_passes_the_event_index },
	{ "dpdk.rings.a_busy_device_is_never_rung", a_busy_device_is_never_rung },
};

int main(int argc, char **argv)
{
	return weir_cunit_main(argc, argv, "dpdk_unit", tests, WEIR_TESTS(tests));
}
