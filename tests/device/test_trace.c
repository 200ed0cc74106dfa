/* SPDX-License-Identifier: BSD-3-Clause */
/* The trace (specs/trace.md): the five steps of an initialisation and the seven of a reception, and which frames are followed. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/weir_tables.h"

#define STRANGER    0x112233445502ull
#define RECORDS_MAX 4096u

struct recording {
	struct weir_trace_record records[RECORDS_MAX];
	uint32_t count;
};

static void trace_set(struct host *host, const struct host_attribute *request)
{
	WEIR_REQUIRE_EQ(host_command(&host->functions[0], WEIR_COMMAND_TRACE_SET, request, NULL),
			WEIR_STATUS_OK);
}

/* Stops the trace and reads all of it. */
static struct recording *trace_read(struct host *host)
{
	static struct recording recording;
	struct host_response response;
	uint64_t sequence = 0;
	uint32_t bytes;

	recording.count = 0;
	host_settle(host);
	trace_set(host, HOST_REQUEST(HOST_U(ENABLE, 0)));
	for (;;) {
		WEIR_REQUIRE_EQ(host_command(&host->functions[0], WEIR_COMMAND_TRACE_READ,
					     HOST_REQUEST(HOST_U(SEQUENCE, sequence)), &response),
				WEIR_STATUS_OK);
		const void *data = host_get_bytes(&response, WEIR_ATTRIBUTE_RECORDS, &bytes);

		if (!data)
			break;
		WEIR_REQUIRE(recording.count + bytes / sizeof(recording.records[0]) <= RECORDS_MAX);
		memcpy(&recording.records[recording.count], data, bytes);
		recording.count += bytes / (uint32_t)sizeof(recording.records[0]);
		WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_SEQUENCE, &sequence));
	}
	if (getenv("WEIR_TEST_LOG")) {
		for (uint32_t i = 0; i < recording.count; i++) {
			const struct weir_trace_record *record = &recording.records[i];

			fprintf(stderr,
				"# %3u %12llu kind %2u function %5u address %#llx detail %#x length %u frame %u queue %u vector %u vport %u vlan %u\n",
				weir_le32_to_cpu(record->sequence),
				(unsigned long long)weir_le64_to_cpu(record->time_ns),
				weir_le16_to_cpu(record->kind), weir_le16_to_cpu(record->function),
				(unsigned long long)weir_le64_to_cpu(record->address),
				weir_le32_to_cpu(record->detail), weir_le32_to_cpu(record->length),
				weir_le32_to_cpu(record->frame), weir_le16_to_cpu(record->queue),
				weir_le16_to_cpu(record->vector), weir_le16_to_cpu(record->vport),
				weir_le16_to_cpu(record->vlan));
		}
	}
	/* Time never goes back, sequences have no gap. */
	for (uint32_t i = 0; i < recording.count; i++) {
		WEIR_EXPECT_EQ(weir_le32_to_cpu(recording.records[i].sequence), i);
		WEIR_EXPECT(weir_le64_to_cpu(recording.records[i].time_ns) != 0);
		for (uint32_t k = 0; k < sizeof(recording.records[i].reserved); k++)
			WEIR_EXPECT_EQ(recording.records[i].reserved[k], 0);
	}
	return &recording;
}

/* The first record of a kind about a function from *at on, which then stands behind it; NULL: none. */
static const struct weir_trace_record *find(const struct recording *recording, uint32_t *at,
					    enum weir_trace_kind kind, uint16_t function)
{
	while (*at < recording->count) {
		const struct weir_trace_record *record = &recording->records[(*at)++];

		if (weir_le16_to_cpu(record->kind) == kind &&
		    weir_le16_to_cpu(record->function) == function)
			return record;
	}
	return NULL;
}

static uint32_t count_kind(const struct recording *recording, enum weir_trace_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < recording->count; i++)
		count += weir_le16_to_cpu(recording->records[i].kind) == kind;
	return count;
}

static uint64_t mac_of(const uint8_t mac[6])
{
	uint64_t value = 0;

	for (int i = 5; i >= 0; i--)
		value = value << 8 | mac[i];
	return value;
}

/* ---- initialisation ---- */

static void an_initialisation_shows_its_five_steps(void)
{
	struct host *host = host_create(2, test_seed());
	struct host_function *vf = &host->functions[1];
	const struct weir_trace_record *record;
	uint32_t at = 0, queues = 0;

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	WEIR_REQUIRE_EQ(host_vf_set(host, 1, WEIR_ATTRIBUTE_MAC, 0x556677889902), WEIR_STATUS_OK);
	trace_set(host, HOST_REQUEST(HOST_U(ENABLE, 1)));
	host_enable_vfs(host, 2);
	WEIR_REQUIRE(host_up(vf, 0, 2, 2048, false));
	const struct recording *recording = trace_read(host);

	/* 1. The PF makes the configuration spaces ... */
	record = find(recording, &at, WEIR_TRACE_KIND_VF_ENABLE, 0);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), 2);
	uint32_t ready = at;

	record = find(recording, &ready, WEIR_TRACE_KIND_FUNCTION_READY, 1);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), vf->generation);
	WEIR_EXPECT(find(recording, &(uint32_t){ at }, WEIR_TRACE_KIND_FUNCTION_READY, 2) != NULL);
	/* 3. The MAC is the administrator's (it comes with the function). */
	uint32_t mac = at;

	record = find(recording, &mac, WEIR_TRACE_KIND_MAC_ASSIGNED, 1);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(mac_of(record->destination), 0x556677889902);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(record->vport), 1);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), 1);
	at = ready;
	/* 2. Interrupts point at their owner. */
	for (uint32_t i = 0; i < WEIR_MSIX_VF_VECTORS; i++) {
		record = find(recording, &at, WEIR_TRACE_KIND_VECTOR_SET, 1);
		WEIR_REQUIRE(record != NULL);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(record->vector), i);
		WEIR_EXPECT_EQ(weir_le64_to_cpu(record->address), 0xfee01000);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), i);
	}
	/* 4. The IOMMU maps the VF to its guest. */
	record = find(recording, &(uint32_t){ 0 }, WEIR_TRACE_KIND_IOMMU_MAPPED, 1);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(weir_le64_to_cpu(record->address), vf->iova);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(record->length), HOST_MEMORY_BYTES);
	/* 1. ... and each function its queues. 5. The driver posts its own buffers. */
	for (uint16_t i = 0; i < 2; i++) {
		for (uint32_t transmit = 0; transmit <= 1; transmit++, queues++) {
			record = find(recording, &at, WEIR_TRACE_KIND_QUEUE_CREATED, 1);
			WEIR_REQUIRE(record != NULL);
			WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), transmit);
			WEIR_EXPECT_EQ(weir_le16_to_cpu(record->queue), i);
			WEIR_EXPECT_EQ(weir_le16_to_cpu(record->vector), i + 1);
			WEIR_EXPECT_EQ(weir_le64_to_cpu(record->address),
				       transmit ? vf->tx[i].ring : vf->rx[i].ring);
			WEIR_EXPECT_EQ(weir_le32_to_cpu(record->length),
				       (transmit ? sizeof(struct weir_tx_descriptor)
						 : sizeof(struct weir_rx_buffer))
					       << HOST_RING_LOG2);
		}
		record = find(recording, &at, WEIR_TRACE_KIND_BUFFERS_POSTED, 1);
		WEIR_REQUIRE(record != NULL);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(record->queue), i);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), 64);
	}
	WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_FRAME_ARRIVED), 0);
	host_destroy(host);
}

/* ---- reception ---- */

static void from_wire(struct host *host, uint64_t destination, uint64_t source, uint16_t protocol,
		      uint16_t tci, uint32_t bytes)
{
	static uint8_t frame[HOST_FRAME_MAX];

	host_make_frame(frame, destination, source, protocol, tci, bytes, 1, 1);
	WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, bytes), 0);
	host_settle(host);
}

/* A driver that waited for it takes a frame: completion, buffer posted again, armed. */
static void serve(struct host_function *function)
{
	static struct host_frame got;

	while (host_receive(function, 0, &got))
		;
	host_doorbell(function, 0, WEIR_DOORBELL_RX_ARM, function->rx[0].taken);
	host_settle(function->host);
}

static const uint8_t seven_steps[] = {
	WEIR_TRACE_KIND_FRAME_ARRIVED,	  WEIR_TRACE_KIND_QUEUE_CHOSEN,
	WEIR_TRACE_KIND_DMA_STARTED,	  WEIR_TRACE_KIND_TRANSLATED,
	WEIR_TRACE_KIND_INTERRUPT_RAISED, WEIR_TRACE_KIND_INTERRUPT_DELIVERED,
	WEIR_TRACE_KIND_DRIVER_SERVED,
};

/*
 * The records of a frame in the order of their times: what the hardware saw (steps 4 and 6) reaches the ring a little later than what the
 * firmware did. Records of one time keep the order of the ring.
 */
static uint32_t by_time(const struct recording *recording, uint32_t frame,
			struct weir_trace_record *steps, uint32_t max)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < recording->count; i++) {
		struct weir_trace_record record = recording->records[i];
		uint32_t at = count;

		if (weir_le32_to_cpu(record.frame) != frame)
			continue;
		WEIR_REQUIRE(count < max);
		for (; at > 0 &&
		       weir_le64_to_cpu(steps[at - 1].time_ns) > weir_le64_to_cpu(record.time_ns);
		     at--)
			steps[at] = steps[at - 1];
		steps[at] = record;
		count++;
	}
	return count;
}

static void a_reception_shows_its_seven_steps(void)
{
	struct host *host = host_create_real_time(2, test_seed());
	struct host_function *vf = &host->functions[1];
	struct weir_trace_record step[8];

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, 2);
	WEIR_REQUIRE(host_up(vf, test_mac(1), 1, 2048, false));
	serve(vf);
	trace_set(host, HOST_REQUEST(HOST_U(ENABLE, 1)));
	from_wire(host, test_mac(1), STRANGER, 0x8100, 77, 300);
	uint64_t buffer = vf->rx[0].buffers[0];

	serve(vf);
	WEIR_REQUIRE_EQ(by_time(trace_read(host), 1, step, 8), 7);
	for (uint32_t i = 0; i < 7; i++) {
		WEIR_EXPECT_EQ(weir_le16_to_cpu(step[i].kind), seven_steps[i]);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(step[i].function), i ? 1 : WEIR_FUNCTION_SELF);
		/* All but the last say which frame it was; the driver's doorbell knows only the number. */
		if (i == 6)
			break;
		WEIR_EXPECT_EQ(mac_of(step[i].destination), test_mac(1));
		WEIR_EXPECT_EQ(mac_of(step[i].source), STRANGER);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(step[i].vlan), 77);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(step[i].ethertype), 0x88b5);
	}
	WEIR_EXPECT_EQ(weir_le32_to_cpu(step[0].detail), UINT32_MAX);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(step[0].length), 300);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(step[1].vport), 1);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(step[1].queue), 0);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(step[1].vector), 1);
	WEIR_EXPECT_EQ(weir_le64_to_cpu(step[2].address), buffer);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(step[2].length), 300);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(step[2].queue), 0);
	WEIR_EXPECT_EQ(weir_le64_to_cpu(step[3].address), buffer);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(step[3].detail), 0);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(step[4].vector), 1);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(step[5].vector), 1);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(step[5].detail), 0);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(step[6].queue), 0);
	host_destroy(host);
}

static void a_frame_from_a_vf_says_from_which(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	static uint8_t frame[300];

	serve(&host->functions[1]);
	trace_set(host, HOST_REQUEST(HOST_U(ENABLE, 1)));
	host_make_frame(frame, test_mac(1), test_mac(2), 0, 0, sizeof(frame), 1, 1);
	WEIR_REQUIRE(host_send(&host->functions[2], 0, frame, sizeof(frame), 2, 0, 0, 0));
	host_send_done(&host->functions[2], 0);
	host_settle(host);
	serve(&host->functions[1]);
	const struct recording *recording = trace_read(host);

	for (uint32_t i = 0; i < recording->count; i++) {
		const struct weir_trace_record *record = &recording->records[i];

		if (weir_le16_to_cpu(record->kind) != WEIR_TRACE_KIND_FRAME_ARRIVED)
			continue;
		WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), 2);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(record->vlan), WEIR_VLAN_NONE);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(record->length), sizeof(frame));
	}
	WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_FRAME_ARRIVED), 1);
	WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_QUEUE_CHOSEN), 1);
	WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_INTERRUPT_DELIVERED), 1);
	WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_DRIVER_SERVED), 1);
	host_destroy(host);
}

static void a_masked_vector_is_told_as_pending(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1];
	uint32_t at = 0;

	serve(vf);
	host_vector_mask(vf, 1, true);
	trace_set(host, HOST_REQUEST(HOST_U(ENABLE, 1)));
	from_wire(host, test_mac(1), STRANGER, 0, 0, 300);
	host_vector_mask(vf, 1, false);
	serve(vf);
	const struct recording *recording = trace_read(host);
	const struct weir_trace_record *record =
		find(recording, &at, WEIR_TRACE_KIND_INTERRUPT_DELIVERED, 1);

	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), 2);
	record = find(recording, &at, WEIR_TRACE_KIND_INTERRUPT_DELIVERED, 1);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(record->detail), 0);
	host_destroy(host);
}

/* ---- filters ---- */

static void only_frames_that_match_all_that_was_given_are_followed(void)
{
	struct host *host = test_card(3, 1, 2048, false);
	/* What is sent below: to VF 1 in VLAN 5, to VF 2 in VLAN 5, to VF 2 untagged, to VF 3 as IPv4, VF 1 to VF 2, each once. */
	const struct {
		const struct host_attribute *request;
		uint32_t frames;
	} cases[] = {
		{ HOST_REQUEST(HOST_U(ENABLE, 1)), 5 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(MAC, 0x020000000002)),
		  3 }, /* test_mac(2), destination */
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(MAC, 0x010000000002)),
		  2 }, /* one of them its source */
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(MAC, STRANGER)), 4 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(MAC, 0x000000000002),
			       HOST_U(MASK_MAC, 0x0000ffffffff)),
		  5 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(VLAN, 5)), 2 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(VLAN, 6)), 0 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(ETHERTYPE, 0x0800)), 1 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(ETHERTYPE, 0x88b5)), 4 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(FUNCTION, 2)), 3 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(FUNCTION, 1)), 1 }, /* that it takes */
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(VLAN, WEIR_VLAN_NONE)), 3 }, /* untagged */
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(FUNCTION, 2), HOST_U(VLAN, 5)), 1 },
		{ HOST_REQUEST(HOST_U(ENABLE, 1), HOST_U(MAC, 0x020000000002),
			       HOST_U(ETHERTYPE, 0x0800)),
		  0 },
		{ HOST_REQUEST(HOST_U(ENABLE, 0)), 0 },
	};
	static uint8_t frame[100];

	WEIR_REQUIRE_EQ(test_mac(2), 0x020000000002);
	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		trace_set(host, cases[i].request);
		from_wire(host, test_mac(1), STRANGER, 0x8100, 5, 100);
		from_wire(host, test_mac(2), STRANGER, 0x8100, 5, 100);
		from_wire(host, test_mac(2), STRANGER, 0, 0, 100);
		host_make_frame(frame, test_mac(3), STRANGER, 0, 0, 100, 1, 1);
		memcpy(frame + 12, "\x08\x00\x45", 3);
		WEIR_REQUIRE_EQ(weirsim_wire_receive(host->sim, 0, frame, 100), 0);
		host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, 100, 1, 1);
		WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, 100, 1, 0, 0, 0));
		host_send_done(&host->functions[1], 0);
		host_settle(host);
		const struct recording *recording = trace_read(host);

		if (count_kind(recording, WEIR_TRACE_KIND_QUEUE_CHOSEN) != cases[i].frames)
			printf("# filter %zu\n", i);
		WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_FRAME_ARRIVED),
			       cases[i].frames);
		WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_QUEUE_CHOSEN), cases[i].frames);
		WEIR_EXPECT_EQ(count_kind(recording, WEIR_TRACE_KIND_DMA_STARTED), cases[i].frames);
		for (uint16_t k = 0; k <= 3; k++)
			serve(&host->functions[k]);
	}
	host_destroy(host);
}

static void tracing_changes_nothing_for_the_traffic(void)
{
	struct host *host = test_card(4, 1, 2048, true);
	struct traffic traffic;

	traffic_start(&traffic, host);
	for (uint32_t i = 0; i < 4; i++)
		traffic_add(&traffic, &host->functions[1 + i], &host->functions[1 + (i + 1) % 4],
			    false);
	for (uint32_t round = 0; round < 40; round++) {
		trace_set(host, HOST_REQUEST(HOST_U(ENABLE, round % 2)));
		traffic_turns(&traffic, 40);
	}
	traffic_finish(&traffic);
	host_destroy(host);
}

const struct weir_test trace_tests[] = {
	{ "trace.an_initialisation_shows_its_five_steps", an_initialisation_shows_its_five_steps },
	{ "trace.a_reception_shows_its_seven_steps", a_reception_shows_its_seven_steps },
	{ "trace.a_frame_from_a_vf_says_from_which", a_frame_from_a_vf_says_from_which },
	{ "trace.a_masked_vector_is_told_as_pending", a_masked_vector_is_told_as_pending },
	{ "trace.only_frames_that_match_all_that_was_given_are_followed",
	  only_frames_that_match_all_that_was_given_are_followed },
	{ "trace.changes_nothing_for_the_traffic", tracing_changes_nothing_for_the_traffic },
};
const size_t trace_test_count = WEIR_TESTS(trace_tests);
