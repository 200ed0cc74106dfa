/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets a frame: sent from somewhere, looked for everywhere. */
#include "suite.h"

uint32_t test_takers(struct host *host, uint32_t from, uint64_t destination, uint64_t source,
		     uint16_t protocol, uint16_t tci, uint16_t flags, uint16_t vlan_tci)
{
	static uint8_t frame[HOST_FRAME_MAX];
	static struct host_frame got;
	static uint32_t sequence;
	uint32_t result = 0, bytes = 100, flow, number, wire = host->wire_count;

	host_make_frame(frame, destination, source, protocol, tci, bytes, from, ++sequence);
	if (from == TEST_WIRE) {
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
	} else {
		WEIR_REQUIRE(
			host_send(&host->functions[from], 0, frame, bytes, 1, 0, flags, vlan_tci));
		host_send_done(&host->functions[from], 0);
	}
	host_settle(host);
	for (uint32_t i = 0; i <= host->vfs; i++) {
		while (host_receive(&host->functions[i], 0, &got)) {
			WEIR_EXPECT(host_check_frame(got.data, got.bytes, &flow, &number));
			WEIR_EXPECT_EQ(number, sequence);
			WEIR_EXPECT(!(result & 1u << i));
			result |= 1u << i;
		}
	}
	if (host->wire_count > wire) {
		WEIR_EXPECT_EQ(host->wire_count, wire + 1);
		result |= TEST_WIRE;
	}
	return result;
}
