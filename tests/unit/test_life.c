/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of functions: start-up, and every sequence of what can reset them, at rest and with operations in flight. */
#include "life.h"

#include <string.h>

static void the_pf_is_ready_after_the_first_poll(void)
{
	struct card *card = card_new(VFS);
	struct hal *hal = &card->hal;

	WEIR_EXPECT_EQ(hal->functions[0].ready_calls, 1);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_GENERATION), 1);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_MAGIC), WEIR_REG_MAGIC_VALUE);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_ABI_VERSION),
		       WEIR_ABI_MAJOR << 16 | WEIR_ABI_MINOR);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_STATUS),
		       WEIR_FUNCTION_STATE_READY | WEIR_REG_STATUS_LINK_UP_MASK);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_LINK_SPEED), 25000);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_MAX_FRAME), WEIR_MAX_FRAME_BYTES);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_RING_LIMITS), 12 | 6 << 8 | 15 << 16 | 32u << 24);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_FEATURES), 0x1fef);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_QUEUE_LIMITS), 4 | WEIR_MSIX_PF_VECTORS << 16);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_FUNCTION), 0);
	/* Locally administered, unicast, and told by the serial number. */
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_MAC_LOW) & 0xff, 0x02);
	WEIR_EXPECT_EQ(board_read(hal, 0, WEIR_REG_MAC_HIGH), 0x8877);
	for (uint16_t i = 1; i <= VFS; i++)
		WEIR_EXPECT_EQ(card_function(card, i)->state, WEIR_FUNCTION_STATE_ABSENT);
	card_free(card);
}

static void the_block_chain_leads_to_every_block(void)
{
	struct card *card = card_new(VFS);
	uint32_t seen = 0;

	card_enable_vfs(card, 1);
	for (uint16_t function = 0; function < 2; function++) {
		uint32_t at = board_read(&card->hal, function, WEIR_REG_FIRST_BLOCK);

		for (seen = 0; at && seen < 10; seen++) {
			uint32_t header = board_read(&card->hal, function, at);
			static const uint32_t offsets[] = { 0, WEIR_BLOCK_CONTROL, WEIR_BLOCK_ADMIN,
							    WEIR_BLOCK_MAILBOX, WEIR_BLOCK_TIME };
			uint32_t id = WEIR_GET(WEIR_BLOCK_HEADER_ID, header);

			WEIR_REQUIRE(id >= 1 && id <= 4);
			WEIR_EXPECT_EQ(at, offsets[id]);
			WEIR_EXPECT_EQ(WEIR_GET(WEIR_BLOCK_HEADER_VERSION, header), 1);
			at = board_read(&card->hal, function, at + 4);
		}
		WEIR_EXPECT_EQ(seen, 4);
	}
	card_free(card);
}

static void vfs_come_up_with_their_own_registers(void)
{
	struct card *card = card_new(VFS);

	card_enable_vfs(card, VFS);
	WEIR_EXPECT_EQ(card->firmware->vfs_enabled, VFS);
	for (uint16_t i = 1; i <= VFS; i++) {
		struct weir_vport *vport = card_vport(card, i);

		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_FUNCTION),
			       i | WEIR_REG_FUNCTION_IS_VF_MASK);
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_GENERATION), 1);
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_QUEUE_LIMITS),
			       4 | WEIR_MSIX_VF_VECTORS << 16);
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_MAC_LOW), 0);
		WEIR_EXPECT_EQ(board_read(&card->hal, i, WEIR_REG_MAC_HIGH), 0);
		WEIR_EXPECT_EQ(vport->flags, WEIR_VPORT_BROADCAST);
		WEIR_EXPECT_EQ(vport->mtu, 1500);
		WEIR_EXPECT_EQ(vport->max_frame, 1518);
		WEIR_EXPECT(vport->spoof_check);
		WEIR_EXPECT(vport->linked_up);
		WEIR_EXPECT_EQ(card_function(card, i)->role, WEIR_ROLE_VF);
	}
	WEIR_EXPECT(!card_vport(card, 0)->spoof_check);
	board_vf_enable(&card->hal, 0);
	card_run(card);
	WEIR_EXPECT_EQ(card->firmware->vfs_enabled, 0);
	for (uint16_t i = 1; i <= VFS; i++) {
		WEIR_EXPECT_EQ(card_function(card, i)->state, WEIR_FUNCTION_STATE_ABSENT);
		WEIR_EXPECT(!card_vport(card, i)->exists);
	}
	card_enable_vfs(card, 2);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	WEIR_EXPECT_EQ(board_read(&card->hal, 3, WEIR_REG_MAGIC), 0);
	card_free(card);
}

/* ---- everything of a function is gone with a reset ---- */

static void fill_function(struct card *card, uint16_t function)
{
	struct attributes request = queue_request(function, true, 0);

	WEIR_REQUIRE_EQ(command(card, function, WEIR_COMMAND_RX_QUEUE_CREATE, &request).status,
			WEIR_STATUS_OK);
	request = queue_request(function, false, 1);
	WEIR_REQUIRE_EQ(command(card, function, WEIR_COMMAND_TX_QUEUE_CREATE, &request).status,
			WEIR_STATUS_OK);
	request.bytes = 0;
	add_mac(&request, (const uint8_t[]){ 0x02, 1, 1, 1, 1, (uint8_t)function });
	add_number(&request, WEIR_ATTRIBUTE_MTU, 9000);
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS, WEIR_VPORT_ENABLE | WEIR_VPORT_VLAN_FILTER);
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK,
		   WEIR_VPORT_ENABLE | WEIR_VPORT_VLAN_FILTER | WEIR_VPORT_BROADCAST);
	WEIR_REQUIRE_EQ(command(card, function, WEIR_COMMAND_VPORT_SET, &request).status,
			WEIR_STATUS_OK);
	request.bytes = 0;
	add_mac(&request, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 });
	WEIR_REQUIRE_EQ(command(card, function, WEIR_COMMAND_FILTER_ADD, &request).status,
			WEIR_STATUS_OK);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_VLAN, 77);
	WEIR_REQUIRE_EQ(command(card, function, WEIR_COMMAND_VLAN_ADD, &request).status,
			WEIR_STATUS_OK);
	card_vport(card, function)->stats[WEIR_STAT_VPORT_RX_FRAMES] = 5;
	card_function(card, function)->stats[WEIR_STAT_FUNCTION_BAD_MMIO] = 6;
}

static void a_reset_leaves_nothing_behind(void)
{
	for (int by_bus = 0; by_bus < 2; by_bus++) {
		for (uint16_t function = 0; function < 2; function++) {
			struct host host;
			struct card *card = card_new(VFS);
			uint32_t ready_calls;

			card_enable_vfs(card, VFS);
			fill_function(card, function);
			host_enable(&host, card, function, 3, 4);
			card_run(card);
			ready_calls = card->hal.functions[function].ready_calls;
			if (by_bus)
				board_reset(&card->hal, function);
			else
				board_write(&card->hal, function, WEIR_REG_CONTROL,
					    WEIR_REG_CONTROL_SOFT_RESET_MASK);
			card_run(card);
			expect_new(card, function);
			WEIR_EXPECT_EQ(board_read(&card->hal, function, WEIR_REG_GENERATION), 2);
			WEIR_EXPECT_EQ(function_stat(card, function, WEIR_STAT_FUNCTION_RESETS), 1);
			/* Only a reset of the hardware is answered to the hardware. */
			WEIR_EXPECT_EQ(card->hal.functions[function].ready_calls,
				       ready_calls + (uint32_t)by_bus);
			card_free(card);
		}
	}
}

static void a_reset_waits_for_bursts(void)
{
	for (int by_bus = 0; by_bus < 2; by_bus++) {
		struct card *card = card_new(VFS);
		struct weir_function *function;
		uint64_t until_ns;

		card_enable_vfs(card, VFS);
		fill_function(card, 1);
		function = card_function(card, 1);
		/* As if a burst from another function delivered into it. */
		function->references++;
		if (by_bus)
			board_reset(&card->hal, 1);
		else
			board_write(&card->hal, 1, WEIR_REG_CONTROL,
				    WEIR_REG_CONTROL_SOFT_RESET_MASK);
		card_poll(card, 10);
		WEIR_EXPECT(function->state ==
			    (by_bus ? WEIR_FUNCTION_STATE_INIT : WEIR_FUNCTION_STATE_QUIESCING));
		/* INIT has no other bits, nor has QUIESCING. */
		WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_STATUS), function->state);
		/* No frame finds the way in any more. */
		WEIR_EXPECT_EQ(sorter_entries(card, 1), 0);
		WEIR_EXPECT_EQ(card_vport(card, 1)->flags, 0);
		WEIR_EXPECT(weir_firmware_may_sleep(card->firmware, &until_ns));
		WEIR_EXPECT(until_ns <= card->hal.now_ns + WEIR_NS_PER_MS);
		/* Neighbours live on. */
		WEIR_EXPECT_EQ(card_state(card, 0), WEIR_FUNCTION_STATE_READY);
		WEIR_EXPECT_EQ(card_state(card, 2), WEIR_FUNCTION_STATE_READY);
		function->references--;
		card_poll(card, 1);
		expect_new(card, 1);
		card_free(card);
	}
}

static void what_was_written_before_ready_is_dropped(void)
{
	struct host host;
	struct card *card = card_new(1);

	card_enable_vfs(card, 1);
	/* All of it comes in one poll, more than an ordinary poll takes. */
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	for (uint32_t i = 0; i < 600; i++)
		board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_DOORBELL,
							     .function = 1,
							     .value = i });
	host_enable(&host, card, 1, 3, 4);
	mailbox_start(card, 1, WEIR_COMMAND_LINK_GET, NULL);
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 1);
	expect_new(card, 1);
	card_run(card);
	expect_new(card, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_MAILBOX_STATUS), 0);
	WEIR_EXPECT_EQ(function_stat(card, 1, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 0);
	card_free(card);
}

/* Invalidations that wait keep the firmware from taking further events: then READY waits, too. */
static void what_cannot_be_taken_yet_holds_ready_up(void)
{
	struct host busy, host;
	struct card *card = card_new(2);

	card_enable_vfs(card, 2);
	host_enable(&busy, card, 1, 3, 4);
	card_run(card);
	card->hal.mode = BOARD_PENDING;
	host_submit(&busy, WEIR_COMMAND_ECHO, NULL, 0);
	card_poll(card, 1);
	board_write(&card->hal, 2, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	for (uint32_t i = 0; i < WEIR_INVALIDATIONS; i++)
		board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_ATS_INVALIDATE,
							     .function = 1,
							     .value = i });
	host_enable(&host, card, 2, 3, 4);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(card->firmware->ats.count, WEIR_INVALIDATIONS);
	WEIR_EXPECT_EQ(card_state(card, 2), WEIR_FUNCTION_STATE_QUIESCING);
	card->hal.mode = BOARD_NOW;
	card_run(card);
	expect_new(card, 2);
	card_free(card);
}

static void nothing_is_begun_during_a_reset(void)
{
	struct attributes echo = { .bytes = 0 };
	struct host host;
	struct card *card = card_new(1);
	uint32_t submitted;

	card_enable_vfs(card, 1);
	host_enable(&host, card, 1, 3, 4);
	card_run(card);
	host_take_events(&host);
	card_run(card);
	add_bytes(&echo, WEIR_ATTRIBUTE_DATA, "x", 1);
	card->hal.mode = BOARD_PENDING;
	for (int i = 0; i < 4; i++)
		host_submit(&host, WEIR_COMMAND_ECHO, &echo, 64);
	card_poll(card, 1);
	/* A burst holds the reset up while the admin queue's operation ends. */
	card_function(card, 1)->references++;
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 1);
	submitted = card->hal.submitted;
	board_complete(&card->hal, 1);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(card->hal.submitted, submitted);
	WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_QUIESCING);
	card_function(card, 1)->references--;
	card_poll(card, 2);
	expect_new(card, 1);
	card_free(card);
}

static void interrupts_of_the_old_life_are_forgotten(void)
{
	struct card *card = card_new(1);

	card_enable_vfs(card, 1);
	card->hal.interrupt_mode = BOARD_BUSY;
	weir_interrupt(card->firmware, card_function(card, 1), 7);
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 2);
	card->hal.interrupt_mode = BOARD_NOW;
	card_poll(card, 5);
	WEIR_EXPECT_EQ(card->hal.functions[1].interrupts[7], 0);
	/* One raised during the reset is not remembered either. */
	card_function(card, 1)->references++;
	board_reset(&card->hal, 1);
	card_poll(card, 1);
	weir_interrupt(card->firmware, card_function(card, 1), 7);
	card_function(card, 1)->references--;
	card_poll(card, 5);
	board_bus_master(&card->hal, 1, true);
	card_poll(card, 5);
	WEIR_EXPECT_EQ(card->hal.functions[1].interrupts[7], 0);
	card_free(card);
}

static void bus_master_on_wakes_what_stood_still(void)
{
	struct attributes request = queue_request(0, false, 1);
	struct weir_tx_descriptor descriptor = { .address = board_domain(0) + HOST_REQUEST,
						 .length = 60,
						 .flags = WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK };
	struct card *card = card_new(0);
	struct weir_tx_queue *queue;

	WEIR_REQUIRE_EQ(command(card, 0, WEIR_COMMAND_TX_QUEUE_CREATE, &request).status,
			WEIR_STATUS_OK);
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS, WEIR_VPORT_ENABLE);
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK, WEIR_VPORT_ENABLE);
	queue = &card->firmware->tx_queues[card_function(card, 0)->first_queue + 1];
	memcpy(card->hal.functions[0].memory + HOST_RINGS + 0x1000, &descriptor, sizeof(descriptor));
	board_bus_master(&card->hal, 0, false);
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_DOORBELL,
						     .offset = (1u << WEIR_DOORBELL_STRIDE_LOG2) +
							       WEIR_DOORBELL_TX_TAIL,
						     .value = 1 });
	card_poll(card, 20);
	WEIR_EXPECT_EQ(queue->head, 0);
	board_bus_master(&card->hal, 0, true);
	card_poll(card, 20);
	/* Not before the vport is enabled as well. */
	WEIR_EXPECT_EQ(queue->head, 0);
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_VPORT_SET, &request).status, WEIR_STATUS_OK);
	card_poll(card, 20);
	WEIR_EXPECT_EQ(queue->head, 1);
	/* And with the vport enabled, bus master alone wakes it. */
	board_bus_master(&card->hal, 0, false);
	memcpy(card->hal.functions[0].memory + HOST_RINGS + 0x1000 + sizeof(descriptor),
	       &descriptor, sizeof(descriptor));
	board_event(&card->hal, &(struct hal_event){ .kind = HAL_EVENT_DOORBELL,
						     .offset = (1u << WEIR_DOORBELL_STRIDE_LOG2) +
							       WEIR_DOORBELL_TX_TAIL,
						     .value = 2 });
	card_poll(card, 20);
	WEIR_EXPECT_EQ(queue->head, 1);
	board_bus_master(&card->hal, 0, true);
	card_poll(card, 20);
	WEIR_EXPECT_EQ(queue->head, 2);
	card_free(card);
}

static void doorbells_and_registers_of_the_old_life_are_ignored(void)
{
	struct host host;
	struct card *card = card_new(VFS);
	struct hal_event doorbell = { .kind = HAL_EVENT_DOORBELL,
				      .function = 1,
				      .offset = WEIR_DOORBELL_RX_TAIL,
				      .value = 5 };

	card_enable_vfs(card, 1);
	host_enable(&host, card, 1, 3, 4);
	card_run(card);
	card_function(card, 1)->references++;
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_QUIESCING);
	board_event(&card->hal, &doorbell);
	card_poll(card, 1);
	WEIR_EXPECT_EQ(function_stat(card, 1, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 0);
	board_write(&card->hal, 1, WEIR_REG_ADMIN_CONTROL, 1);
	board_write(&card->hal, 1, WEIR_REG_ADMIN_SQ_TAIL, 77);
	board_write(&card->hal, 1, WEIR_REG_MAILBOX_REQUEST, WEIR_COMMAND_LINK_GET);
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_poll(card, 2);
	card_function(card, 1)->references--;
	card_poll(card, 2);
	expect_new(card, 1);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	WEIR_EXPECT_EQ(function_stat(card, 1, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 0);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_MAILBOX_STATUS), 0);
	card_free(card);
}

/* ---- failed ---- */

static void a_vf_without_room_in_the_sorter_fails_and_recovers(void)
{
	struct weir_firmware_config config = { .total_vfs = 2,
					       .ports = 1,
					       .queue_pairs = 3,
					       .filters = 16,
					       .log_records = 16,
					       .trace_records = 16 };
	struct card *card = card_new_config(&config);
	struct attributes request = vf_request(1);

	card_poll(card, 1);
	add_mac(&request, (const uint8_t[]){ 0x02, 0, 0, 0, 0, 1 });
	WEIR_EXPECT_EQ(manage(card, WEIR_COMMAND_VF_SET, &request).status, WEIR_STATUS_OK);
	/* The PF takes all that is left of the table. */
	for (uint8_t i = 0; i < 15; i++) {
		request.bytes = 0;
		add_mac(&request, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, i });
		WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_FILTER_ADD, &request).status,
			       WEIR_STATUS_OK);
	}
	request.bytes = 0;
	add_mac(&request, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 99 });
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_FILTER_ADD, &request).status,
		       WEIR_STATUS_NO_SPACE);
	board_vf_enable(&card->hal, 2);
	card_run(card);
	WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_FAILED);
	WEIR_EXPECT_EQ(card_state(card, 2), WEIR_FUNCTION_STATE_READY);
	/* It takes nothing, but a reset. */
	mailbox_start(card, 1, WEIR_COMMAND_LINK_GET, NULL);
	board_write(&card->hal, 1, WEIR_REG_ADMIN_CONTROL, 1);
	card_run(card);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_MAILBOX_STATUS), 0);
	board_write(&card->hal, 1, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	card_run(card);
	WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_FAILED);
	WEIR_EXPECT_EQ(board_read(&card->hal, 1, WEIR_REG_GENERATION), 2);
	request.bytes = 0;
	add_mac(&request, (const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 });
	WEIR_EXPECT_EQ(command(card, 0, WEIR_COMMAND_FILTER_DELETE, &request).status,
		       WEIR_STATUS_OK);
	board_reset(&card->hal, 1);
	card_run(card);
	WEIR_EXPECT_EQ(card_state(card, 1), WEIR_FUNCTION_STATE_READY);
	card_free(card);
}

static void many_vfs_share_the_polls(void)
{
	struct weir_firmware_config config = { .total_vfs = BOARD_FUNCTIONS - 1,
					       .ports = 1,
					       .queue_pairs = 64,
					       .filters = 64,
					       .log_records = 16,
					       .trace_records = 16 };
	struct card *card = card_new_config(&config);

	for (int round = 0; round < 20; round++) {
		card_run(card);
		board_vf_enable(&card->hal, BOARD_FUNCTIONS - 1);
		card_run(card);
		for (uint16_t i = 1; i < BOARD_FUNCTIONS; i++)
			WEIR_EXPECT_EQ(card_state(card, i), WEIR_FUNCTION_STATE_READY);
		board_vf_enable(&card->hal, 0);
	}
	WEIR_EXPECT_EQ(card_function(card, 9)->generation, 20);
	card_free(card);
}

static const struct weir_test tests[] = {
	{ "core.life.the_pf_is_ready_after_the_first_poll", the_pf_is_ready_after_the_first_poll },
	{ "core.life.the_block_chain_leads_to_every_block", the_block_chain_leads_to_every_block },
	{ "core.life.vfs_come_up_with_their_own_registers", vfs_come_up_with_their_own_registers },
	{ "core.life.a_reset_leaves_nothing_behind", a_reset_leaves_nothing_behind },
	{ "core.life.a_reset_waits_for_bursts", a_reset_waits_for_bursts },
	{ "core.life.what_was_written_before_ready_is_dropped",
	  what_was_written_before_ready_is_dropped },
	{ "core.life.what_cannot_be_taken_yet_holds_ready_up",
	  what_cannot_be_taken_yet_holds_ready_up },
	{ "core.life.nothing_is_begun_during_a_reset", nothing_is_begun_during_a_reset },
	{ "core.life.interrupts_of_the_old_life_are_forgotten",
	  interrupts_of_the_old_life_are_forgotten },
	{ "core.life.bus_master_on_wakes_what_stood_still", bus_master_on_wakes_what_stood_still },
	{ "core.life.doorbells_and_registers_of_the_old_life_are_ignored",
	  doorbells_and_registers_of_the_old_life_are_ignored },
	{ "core.life.a_vf_without_room_in_the_sorter_fails_and_recovers",
	  a_vf_without_room_in_the_sorter_fails_and_recovers },
	{ "core.life.many_vfs_share_the_polls", many_vfs_share_the_polls },
};

const struct suite_part life_tests = { tests, WEIR_TESTS(tests) };
