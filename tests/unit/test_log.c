/* SPDX-License-Identifier: BSD-3-Clause */
/* Log and trace: formatting, sharing, reading. */
#include "suites.h"

#include <stdio.h>
#include <string.h>

static const char *last_line(struct card *card)
{
	const struct weir_log_state *log = &card->firmware->log;

	return (const char *)log->records[(log->next - 1) % log->capacity].message;
}

static void every_format_is_written(void)
{
	static const uint8_t mac[6] = { 0x02, 0xab, 0, 0xcd, 0x0f, 0xf0 };
	struct card *card = card_new(1);
	struct weir_firmware *firmware = card->firmware;

	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 0, "%u %u %u", 0u, 7u, UINT32_MAX);
	WEIR_EXPECT_STR(last_line(card), "0 7 4294967295");
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 0, "%d %d %d", 0, -7, INT32_MIN);
	WEIR_EXPECT_STR(last_line(card), "0 -7 -2147483648");
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 0, "%x %x", 0u, 0xdeadbeefu);
	WEIR_EXPECT_STR(last_line(card), "0x0 0xdeadbeef");
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 0, "%X", UINT64_MAX);
	WEIR_EXPECT_STR(last_line(card), "0xffffffffffffffff");
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 0, "<%s|%s> %m", "", "text", mac);
	WEIR_EXPECT_STR(last_line(card), "<|text> 02:ab:00:cd:0f:f0");
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 0, "100%% %");
	WEIR_EXPECT_STR(last_line(card), "100% ");
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 1, "hello");
	WEIR_EXPECT_STR(card->hal.console, "VF 0: hello");
	weir_log(firmware, WEIR_LOG_LEVEL_WARNING, 0, "hello");
	WEIR_EXPECT_STR(card->hal.console, "PF: hello");
	WEIR_EXPECT_EQ(card->hal.console_level, WEIR_LOG_LEVEL_WARNING);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, WEIR_FUNCTION_SELF, "hello");
	WEIR_EXPECT_STR(card->hal.console, "card: hello");
	card_free(card);
}

static void a_long_line_is_cut(void)
{
	struct card *card = card_new(0);
	char text[300];

	for (uint32_t length = 100; length < 130; length++) {
		memset(text, 'a', sizeof(text));
		text[length] = 0;
		weir_log(card->firmware, WEIR_LOG_LEVEL_INFO, WEIR_FUNCTION_SELF, "%s%u", text,
			 12345u);
		size_t kept = strlen(last_line(card));

		WEIR_EXPECT_EQ(kept, length + 5 < 111 ? length + 5 : 111);
	}
	card_free(card);
}

static void lines_above_the_level_are_not_kept(void)
{
	struct attributes request = { .bytes = 0 };
	struct card *card = card_new(0);

	for (uint32_t level = 0; level <= WEIR_LOG_LEVEL_DEBUG; level++) {
		request.bytes = 0;
		add_number(&request, WEIR_ATTRIBUTE_LEVEL, level);
		WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_LOG_LEVEL, &request).status,
			       WEIR_STATUS_OK);
		for (enum weir_log_level line = 0; line <= WEIR_LOG_LEVEL_DEBUG; line++) {
			uint32_t before = card->firmware->log.next;

			weir_log(card->firmware, line, WEIR_FUNCTION_SELF, "line");
			WEIR_EXPECT_EQ(card->firmware->log.next - before, line <= level);
		}
	}
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_LEVEL, 4);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_LOG_LEVEL, &request).status, WEIR_STATUS_BAD_VALUE);
	card_free(card);
}

static uint32_t level_of(const struct weir_firmware *firmware, uint32_t sequence)
{
	return weir_le16_to_cpu(firmware->log.records[sequence % firmware->log.capacity].level);
}

static void one_function_cannot_push_out_the_others(void)
{
	struct card *card = card_new(2);
	struct weir_firmware *firmware = card->firmware;
	uint32_t before, pushed;

	card->hal.now_ns = 5 * WEIR_NS_PER_SECOND;
	card_poll(card, 1);
	before = firmware->log.next;
	for (int i = 0; i < 1000; i++)
		weir_log(firmware, WEIR_LOG_LEVEL_WARNING, 1, "line %u", (uint32_t)i);
	pushed = firmware->log.next - before;
	WEIR_EXPECT_EQ(pushed, 16);
	WEIR_EXPECT_STR(last_line(card), "line 15");
	/* Another one has its own share. */
	weir_log(firmware, WEIR_LOG_LEVEL_WARNING, 2, "mine");
	WEIR_EXPECT_STR(last_line(card), "mine");
	/* A second later it says what is missing, once. */
	card->hal.now_ns += WEIR_NS_PER_SECOND;
	card_poll(card, 1);
	before = firmware->log.next;
	weir_log(firmware, WEIR_LOG_LEVEL_WARNING, 1, "again");
	WEIR_EXPECT_EQ(firmware->log.next - before, 2);
	WEIR_EXPECT_STR((const char *)firmware->log.records[before % firmware->log.capacity].message,
			"984 lines left out");
	WEIR_EXPECT_STR(last_line(card), "again");
	card->hal.now_ns += WEIR_NS_PER_SECOND;
	card_poll(card, 1);
	weir_log(firmware, WEIR_LOG_LEVEL_WARNING, 1, "and again");
	WEIR_EXPECT_EQ(firmware->log.next - before, 3);
	/* What is missing weighs as much as the worst of it. */
	for (int i = 0; i < 100; i++)
		weir_log(firmware, WEIR_LOG_LEVEL_INFO, 1, "info");
	card->hal.now_ns += WEIR_NS_PER_SECOND;
	card_poll(card, 1);
	before = firmware->log.next;
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 1, "info");
	WEIR_EXPECT_EQ(level_of(firmware, before), WEIR_LOG_LEVEL_INFO);
	for (int i = 0; i < 100; i++)
		weir_log(firmware, i == 50 ? WEIR_LOG_LEVEL_WARNING : WEIR_LOG_LEVEL_INFO, 1,
			 "both");
	card->hal.now_ns += WEIR_NS_PER_SECOND;
	card_poll(card, 1);
	before = firmware->log.next;
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 1, "info");
	WEIR_EXPECT_EQ(level_of(firmware, before), WEIR_LOG_LEVEL_WARNING);
	card_free(card);
}

/* Reads records from sequence on; returns how many, and checks that they follow each other. */
static uint32_t read_on(struct card *card, uint16_t opcode, uint32_t record_bytes,
			uint32_t *sequence, uint32_t *lost)
{
	struct attributes request = { .bytes = 0 };
	struct reply reply;
	uint32_t bytes = 0;
	const uint8_t *records;

	add_number(&request, WEIR_ATTRIBUTE_SEQUENCE, *sequence);
	reply = manage(card, opcode, &request);
	WEIR_REQUIRE_EQ(reply.status, WEIR_STATUS_OK);
	records = find_attribute(reply.data, reply.bytes, WEIR_ATTRIBUTE_RECORDS, &bytes);
	*lost = (uint32_t)get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_LOST);
	WEIR_EXPECT_EQ(bytes % record_bytes, 0);
	WEIR_EXPECT(bytes <= 3840);
	for (uint32_t i = 0; records && i < bytes / record_bytes; i++)
		WEIR_EXPECT_EQ(weir_get_le(records + i * record_bytes + 8, 4),
			       *sequence + *lost + i);
	*sequence = (uint32_t)get_number(reply.data, reply.bytes, WEIR_ATTRIBUTE_SEQUENCE);
	return bytes / record_bytes;
}

static void the_log_is_read_page_by_page(void)
{
	struct card *card = card_new(0);
	uint32_t sequence = 0, lost = 0, before = card->firmware->log.next;

	for (uint32_t i = before; i < 40; i++)
		weir_log(card->firmware, WEIR_LOG_LEVEL_INFO, WEIR_FUNCTION_SELF, "line %u", i);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_LOG_READ, 128, &sequence, &lost), 30);
	WEIR_EXPECT_EQ(sequence, 30);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_LOG_READ, 128, &sequence, &lost), 10);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_LOG_READ, 128, &sequence, &lost), 0);
	WEIR_EXPECT_EQ(sequence, 40);
	WEIR_EXPECT_EQ(lost, 0);
	/* A hundred more, and places for 64. */
	for (uint32_t i = 40; i < 140; i++)
		weir_log(card->firmware, WEIR_LOG_LEVEL_INFO, WEIR_FUNCTION_SELF, "line %u", i);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_LOG_READ, 128, &sequence, &lost), 30);
	WEIR_EXPECT_EQ(lost, 140 - 64 - 40);
	WEIR_EXPECT_EQ(sequence, 140 - 64 + 30);
	/* A sequence of the future gives nothing, and where the present is. */
	sequence = 1000;
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_LOG_READ, 128, &sequence, &lost), 0);
	WEIR_EXPECT_EQ(sequence, 140);
	card_free(card);
}

static void as_many_records_as_fit_are_given(void)
{
	struct card *card = card_new(0);
	uint8_t response[1024];

	for (uint32_t i = 0; i < 20; i++)
		weir_log(card->firmware, WEIR_LOG_LEVEL_INFO, WEIR_FUNCTION_SELF, "line");
	for (uint32_t capacity = 0; capacity <= sizeof(response); capacity++) {
		uint32_t bytes = 0, detail = 0, records = 0;
		enum weir_status status = weir_firmware_manage(card->firmware,
							       WEIR_COMMAND_LOG_READ, "", 0,
							       response, capacity, &bytes, &detail);

		if (capacity < 16) {
			WEIR_EXPECT_EQ(status, WEIR_STATUS_BAD_LENGTH);
			WEIR_EXPECT_EQ(bytes, 16);
			continue;
		}
		WEIR_EXPECT_EQ(status, WEIR_STATUS_OK);
		find_attribute(response, bytes, WEIR_ATTRIBUTE_RECORDS, &records);
		WEIR_EXPECT_EQ(records, capacity < 20 ? 0 : (capacity - 20) / 128 * 128);
	}
	card_free(card);
}

/* ---- trace ---- */

static void start_trace(struct card *card)
{
	struct attributes request = { .bytes = 0 };

	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	WEIR_REQUIRE_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_OK);
}

static const struct weir_trace_record *find_record(struct card *card, enum weir_trace_kind kind,
						   uint16_t function)
{
	const struct weir_trace_state *trace = &card->firmware->trace;

	for (uint32_t i = 0; i < trace->next && i < trace->capacity; i++) {
		if (trace->records[i].kind == kind && trace->records[i].function == function)
			return &trace->records[i];
	}
	return NULL;
}

static void hardware(struct card *card, enum weir_trace_kind kind, uint16_t function,
		     uint64_t address, uint16_t vector)
{
	struct hal_event event = {
		.kind = HAL_EVENT_TRACE,
		.function = function,
		.trace = { .kind = kind,
			   .function = function,
			   .address = address,
			   .vector = vector,
			   .time_ns = 55,
			   .frame = 0x2345678 },
	};

	board_event(&card->hal, &event);
	card_poll(card, 1);
}

static void the_life_of_a_vf_is_traced(void)
{
	static const uint8_t mac[6] = { 0x02, 3, 3, 3, 3, 3 };
	struct attributes request = vf_request(2);
	struct card *card = card_new(3);
	const struct weir_trace_record *record;

	card_enable_vfs(card, 1);
	WEIR_EXPECT_EQ(card->firmware->trace.next, 0);
	start_trace(card);
	WEIR_EXPECT(card->hal.trace);
	add_mac(&request, mac);
	WEIR_REQUIRE_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	board_vf_enable(&card->hal, 0);
	card->hal.now_ns = 7000;
	card_enable_vfs(card, 3);
	record = find_record(card, WEIR_TRACE_KIND_VF_ENABLE, 0);
	WEIR_REQUIRE(record != NULL);
	record = find_record(card, WEIR_TRACE_KIND_FUNCTION_READY, 2);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(record->detail, 1);
	WEIR_EXPECT_EQ(record->time_ns, 7000);
	record = find_record(card, WEIR_TRACE_KIND_MAC_ASSIGNED, 2);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_MEM(record->destination, mac, 6);
	WEIR_EXPECT_EQ(record->vport, 2);
	WEIR_EXPECT_EQ(record->detail, 1);
	WEIR_EXPECT_EQ(record->queue, 0xffff);
	WEIR_EXPECT_EQ(record->vlan, WEIR_VLAN_NONE);
	request = queue_request(2, true, 1);
	WEIR_EXPECT_EQ(command(card, 2, WEIR_COMMAND_RX_QUEUE_CREATE, &request).status,
		       WEIR_STATUS_OK);
	request = queue_request(2, false, 0);
	WEIR_EXPECT_EQ(command(card, 2, WEIR_COMMAND_TX_QUEUE_CREATE, &request).status,
		       WEIR_STATUS_OK);
	record = find_record(card, WEIR_TRACE_KIND_QUEUE_CREATED, 2);
	WEIR_REQUIRE(record != NULL);
	WEIR_EXPECT_EQ(record->detail, 0);
	WEIR_EXPECT_EQ(record->queue, 1);
	WEIR_EXPECT_EQ(record->vector, 1);
	WEIR_EXPECT(record->address == board_domain(2) + HOST_RINGS + 0x1000);
	WEIR_EXPECT_EQ(record->length, 64 * 8);
	WEIR_EXPECT_EQ(record[1].detail, 1);
	WEIR_EXPECT_EQ(record[1].length, 64 * 16);
	/* Stopped, it stays readable and takes nothing in. */
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 0);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT(!card->hal.trace);
	uint32_t next = card->firmware->trace.next, sequence = 0, lost;

	board_reset(&card->hal, 2);
	card_run(card);
	WEIR_EXPECT_EQ(card->firmware->trace.next, next);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_TRACE_READ, 64, &sequence, &lost), next);
	/* Started again, it begins anew. */
	start_trace(card);
	WEIR_EXPECT_EQ(card->firmware->trace.next, 0);
	card_free(card);
}

static void a_trace_of_one_function_leaves_the_others_out(void)
{
	struct attributes request = { .bytes = 0 };
	struct card *card = card_new(3);

	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	add_number(&request, WEIR_ATTRIBUTE_FUNCTION, 2);
	WEIR_REQUIRE_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_OK);
	card_enable_vfs(card, 3);
	request.bytes = 0;
	add_mac(&request, (const uint8_t[]){ 0x02, 2, 2, 2, 2, 2 });
	for (uint16_t i = 1; i <= 3; i++)
		WEIR_EXPECT_EQ(command(card, i, WEIR_COMMAND_VPORT_SET, &request).status,
			       WEIR_STATUS_OK);
	hardware(card, WEIR_TRACE_KIND_VECTOR_SET, 1, 0xfee00000, 4);
	hardware(card, WEIR_TRACE_KIND_VECTOR_SET, 2, 0xfee00000, 4);
	WEIR_EXPECT_EQ(card->firmware->trace.next, 3);
	WEIR_EXPECT(find_record(card, WEIR_TRACE_KIND_FUNCTION_READY, 2) != NULL);
	WEIR_EXPECT(find_record(card, WEIR_TRACE_KIND_VECTOR_SET, 2) != NULL);
	WEIR_EXPECT_EQ(find_record(card, WEIR_TRACE_KIND_VECTOR_SET, 2)->vector, 4);
	WEIR_REQUIRE(find_record(card, WEIR_TRACE_KIND_MAC_ASSIGNED, 2) != NULL);
	WEIR_EXPECT_EQ(find_record(card, WEIR_TRACE_KIND_MAC_ASSIGNED, 2)->detail, 0);
	card_free(card);
}

static void the_trace_overwrites_its_oldest_records(void)
{
	struct card *card = card_new(0);
	struct weir_trace_record record = { .kind = WEIR_TRACE_KIND_BUFFERS_POSTED };
	uint32_t sequence = 0, lost = 0;

	start_trace(card);
	for (uint32_t i = 0; i < 300; i++)
		weir_trace_add(card->firmware, &record);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_TRACE_READ, 64, &sequence, &lost), 60);
	WEIR_EXPECT_EQ(lost, 300 - 128);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_TRACE_READ, 64, &sequence, &lost), 60);
	WEIR_EXPECT_EQ(read_on(card, WEIR_COMMAND_TRACE_READ, 64, &sequence, &lost), 8);
	WEIR_EXPECT_EQ(sequence, 300);
	card_free(card);
}

static void what_the_hardware_saw_joins_its_frame(void)
{
	struct card *card = card_new(2);
	struct weir_trace_state *trace = &card->firmware->trace;
	struct weir_trace_record record = {
		.function = 1, .queue = 3, .vector = 4, .ethertype = 0x88b5, .destination = { 2 }
	};

	start_trace(card);
	/* Two frames of the same function, one of another with the same address. */
	record.kind = WEIR_TRACE_KIND_DMA_STARTED;
	for (uint32_t frame = 1; frame <= 2; frame++) {
		record.frame = frame;
		record.address = 0x1000 * frame;
		weir_trace_add(card->firmware, &record);
	}
	record.function = 2;
	record.frame = 3;
	record.address = 0x1000;
	weir_trace_add(card->firmware, &record);
	record.kind = WEIR_TRACE_KIND_INTERRUPT_RAISED;
	weir_trace_add(card->firmware, &record);
	hardware(card, WEIR_TRACE_KIND_TRANSLATED, 1, 0x1000, 0);
	WEIR_EXPECT_EQ(trace->next, 5);
	WEIR_EXPECT_EQ(trace->records[4].frame, 1);
	WEIR_EXPECT_EQ(trace->records[4].queue, 3);
	WEIR_EXPECT_EQ(trace->records[4].ethertype, 0x88b5);
	WEIR_EXPECT_EQ(trace->records[4].time_ns, 55);
	hardware(card, WEIR_TRACE_KIND_TRANSLATED, 2, 0x1000, 0);
	WEIR_EXPECT_EQ(trace->records[5].frame, 3);
	hardware(card, WEIR_TRACE_KIND_INTERRUPT_DELIVERED, 2, 0, 4);
	WEIR_EXPECT_EQ(trace->records[6].frame, 3);
	WEIR_EXPECT_EQ(trace->next, 7);
	/* What belongs to no traced frame is left out; what is no frame's at all is kept. */
	hardware(card, WEIR_TRACE_KIND_TRANSLATED, 1, 0x9000, 0);
	hardware(card, WEIR_TRACE_KIND_INTERRUPT_DELIVERED, 2, 0, 5);
	hardware(card, WEIR_TRACE_KIND_INTERRUPT_DELIVERED, 1, 0, 4);
	WEIR_EXPECT_EQ(trace->next, 7);
	hardware(card, WEIR_TRACE_KIND_VECTOR_SET, 1, 0xfee00000, 4);
	WEIR_EXPECT_EQ(trace->next, 8);
	/* A function there is not does no harm. */
	hardware(card, WEIR_TRACE_KIND_VECTOR_SET, 900, 0xfee00000, 4);
	WEIR_EXPECT_EQ(trace->next, 8);
	card_free(card);
}

static void trace_filters_are_checked_and_set(void)
{
	struct card *card = card_new(2);
	struct weir_trace_state *trace = &card->firmware->trace;
	struct attributes request = { .bytes = 0 };

	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	add_number(&request, WEIR_ATTRIBUTE_FUNCTION, 2);
	add_mac(&request, (const uint8_t[]){ 0x02, 1, 2, 3, 4, 5 });
	add_number(&request, WEIR_ATTRIBUTE_VLAN, 100);
	add_number(&request, WEIR_ATTRIBUTE_ETHERTYPE, 0x0806);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(trace->function, 2);
	WEIR_EXPECT(trace->mac_value == 0x050403020102ull);
	WEIR_EXPECT(trace->mac_mask == 0xffffffffffffull);
	WEIR_EXPECT_EQ(trace->vlan, 100);
	WEIR_EXPECT_EQ(trace->ethertype, 0x0806);
	add_bytes(&request, WEIR_ATTRIBUTE_MASK_MAC, (const uint8_t[]){ 0xff, 0xff, 0, 0, 0, 0 }, 6);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT(trace->mac_value == 0x0102ull);
	WEIR_EXPECT(trace->mac_mask == 0xffffull);
	WEIR_EXPECT(!trace->untagged);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	add_number(&request, WEIR_ATTRIBUTE_VLAN, WEIR_VLAN_NONE);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT(trace->untagged);
	add_number(&request, WEIR_ATTRIBUTE_FUNCTION, WEIR_FUNCTION_SELF);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(trace->function, 0);
	/* Without filters: everything. */
	start_trace(card);
	WEIR_EXPECT(!trace->untagged);
	WEIR_EXPECT_EQ(trace->function, WEIR_FUNCTION_SELF);
	WEIR_EXPECT_EQ(trace->vlan, WEIR_VLAN_NONE);
	WEIR_EXPECT(trace->mac_mask == 0);
	WEIR_EXPECT_EQ(trace->ethertype, 0);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 2);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_BAD_VALUE);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	add_number(&request, WEIR_ATTRIBUTE_FUNCTION, 3);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_NOT_FOUND);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	add_number(&request, WEIR_ATTRIBUTE_VLAN, 4095);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status, WEIR_STATUS_BAD_VALUE);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_ENABLE, 1);
	add_bytes(&request, WEIR_ATTRIBUTE_MASK_MAC, (const uint8_t[]){ 1, 0, 0, 0, 0, 0 }, 6);
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_TRACE_SET, &request).status,
		       WEIR_STATUS_MISSING_ATTRIBUTE);
	WEIR_EXPECT(trace->enabled);
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.log.every_format_is_written", every_format_is_written },
	{ "core.log.a_long_line_is_cut", a_long_line_is_cut },
	{ "core.log.lines_above_the_level_are_not_kept", lines_above_the_level_are_not_kept },
	{ "core.log.one_function_cannot_push_out_the_others",
	  one_function_cannot_push_out_the_others },
	{ "core.log.the_log_is_read_page_by_page", the_log_is_read_page_by_page },
	{ "core.log.as_many_records_as_fit_are_given", as_many_records_as_fit_are_given },
	{ "core.trace.the_life_of_a_vf_is_traced", the_life_of_a_vf_is_traced },
	{ "core.trace.a_trace_of_one_function_leaves_the_others_out",
	  a_trace_of_one_function_leaves_the_others_out },
	{ "core.trace.the_trace_overwrites_its_oldest_records",
	  the_trace_overwrites_its_oldest_records },
	{ "core.trace.what_the_hardware_saw_joins_its_frame",
	  what_the_hardware_saw_joins_its_frame },
	{ "core.trace.trace_filters_are_checked_and_set", trace_filters_are_checked_and_set },
};

const struct suite_part log_tests = { tests, WEIR_TESTS(tests) };
