/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a wrong or hostile driver does through registers, doorbells and descriptors (specs/data-queues.md, specs/pcie.md): it is counted,
 * reported, costs what it must, and harms nobody else. Strict flows between neighbours run all the while. Faults of memory are in
 * test_faults.c.
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

#include "weir/weir_config_space.h"
#include "weir/weir_tables.h"

/* ---- doorbells ---- */

static void doorbells_of_nothing_are_counted_and_ignored(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;
	uint64_t doorbells = function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS),
		 mmio = function_stat(bad, WEIR_STAT_FUNCTION_BAD_MMIO);
	uint32_t expected_doorbells = 0, expected_mmio = 0;

	/* Every word of every page: four doorbells a page, of which queue 0 alone exists. */
	for (uint32_t offset = 0; offset < WEIR_BAR_DOORBELLS_VF_BYTES; offset += 4) {
		uint32_t reg = offset & 0xfff, value = 0x5555;

		if (offset < 0x1000 && reg % 0x40 == 0 && reg <= 0xc0)
			continue;
		WEIR_EXPECT(weirsim_memory_write(
			scene->host->sim, host_bar(bad, WEIR_BAR_DOORBELLS) + offset, &value, 4));
		if (reg % 0x40 == 0 && reg <= 0xc0)
			expected_doorbells++;
		else
			expected_mmio++;
		if (offset % 256 == 0)
			scene_turns(scene, 1);
	}
	scene_settle(scene);
	/* The same doorbell rung again before it was looked at is one. */
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS) - doorbells,
		       expected_doorbells);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_MMIO) - mmio, expected_mmio);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
	/* Reads give zero and are no mistake. */
	for (uint32_t offset = 0; offset < 0x2000; offset += 4) {
		uint32_t value = 1;

		WEIR_EXPECT(weirsim_memory_read(
			scene->host->sim, host_bar(bad, WEIR_BAR_DOORBELLS) + offset, &value, 4));
		WEIR_EXPECT_EQ(value, 0);
	}
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_BAD_DOORBELL);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

static void values_that_no_position_can_have_stop_their_queue(void)
{
	static const struct {
		uint32_t which;
		bool transmit;
	} doorbells[] = { { WEIR_DOORBELL_RX_TAIL, false },
			  { WEIR_DOORBELL_TX_TAIL, true },
			  { WEIR_DOORBELL_RX_ARM, false },
			  { WEIR_DOORBELL_TX_ARM, true } };
	static const uint32_t values[] = { 0x10000, 0x80000000, 0xffffffff, 0x00010001 };

	for (uint32_t shadow = 0; shadow <= 1; shadow++) {
		struct scene *scene = scene_start(2, shadow);
		struct host_function *bad = scene->attacker;

		for (size_t i = 0; i < WEIR_TESTS(doorbells); i++) {
			/* More than 16 bits; and an arm value that never was, far ahead of what was produced or posted. */
			for (size_t k = 0; k <= WEIR_TESTS(values); k++) {
				uint64_t stopped =
					function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED);
				uint64_t counted =
					function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS);
				uint32_t value =
					k < WEIR_TESTS(values) ? values[k] | bad->rx[0].posted : 0;

				if (k == WEIR_TESTS(values) && i < 2)
					continue;
				if (k == WEIR_TESTS(values))
					value = (uint16_t)((doorbells[i].transmit
								    ? bad->tx[0].tail
								    : bad->rx[0].taken) +
							   1000);
				host_doorbell(bad, 0, doorbells[i].which, value);
				scene_settle(scene);
				WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS),
					       counted + 1);
				WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED),
					       stopped + 1);
				scene_expect_stopped(scene, WEIR_MISBEHAVIOUR_BAD_DOORBELL, 0,
						     doorbells[i].transmit);
				scene_renew_queue(scene, 0);
				scene_expect_attacker_works(scene);
			}
		}
		scene_end(scene);
	}
}

static void a_tail_beyond_the_ring_stops_its_queue_alone(void)
{
	struct scene *scene = scene_start(2, false);
	struct host_function *bad = scene->attacker;
	static const uint32_t ahead[] = { 1, 100, 0x7fbf, 0x8000, 0xffbe };

	for (size_t i = 0; i < WEIR_TESTS(ahead); i++) {
		for (uint32_t transmit = 0; transmit <= 1; transmit++) {
			/* A full ring is legal; one more is not. Receive: all buffers are posted. */
			uint16_t tail = (uint16_t)(transmit ? bad->tx[0].tail + 64 + ahead[i]
							    : bad->rx[0].posted + ahead[i]);
			uint64_t stopped = function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED);
			uint64_t doorbells = function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS);

			if (transmit)
				WEIR_EXPECT_EQ(*(uint32_t *)host_pointer(bad, bad->tx[0].head),
					       bad->tx[0].tail);
			host_doorbell(bad, 0,
				      transmit ? WEIR_DOORBELL_TX_TAIL : WEIR_DOORBELL_RX_TAIL,
				      tail);
			scene_settle(scene);
			WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED),
				       stopped + 1);
			WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS),
				       doorbells + 1);
			scene_expect_stopped(scene, WEIR_MISBEHAVIOUR_BAD_DOORBELL, 0, transmit);
			/* A stopped queue's doorbells are nobody's fault any more. */
			host_doorbell(bad, 0,
				      transmit ? WEIR_DOORBELL_TX_TAIL : WEIR_DOORBELL_RX_TAIL,
				      tail);
			scene_settle(scene);
			WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS),
				       doorbells + 1);
			scene_renew_queue(scene, 0);
			scene_expect_attacker_works(scene);
		}
	}
	scene_end(scene);
}

static void a_tail_that_does_not_move_ahead_changes_nothing(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;

	for (uint32_t i = 0; i < 200; i++) {
		scene_expect_attacker_works(scene);
		host_doorbell(bad, 0, WEIR_DOORBELL_TX_TAIL, bad->tx[0].tail);
		host_doorbell(bad, 0, WEIR_DOORBELL_RX_TAIL, bad->rx[0].posted);
	}
	scene_settle(scene);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 0);
	scene_end(scene);
}

static void shadow_tails_that_cannot_be_stop_their_queue(void)
{
	static const uint32_t values[] = { 0x10000, 0xffffffff, 0x80000000, 65 + 64 };

	for (size_t i = 0; i < WEIR_TESTS(values); i++) {
		for (uint32_t transmit = 0; transmit <= 1; transmit++) {
			struct scene *scene = scene_start(1, true);
			struct host_function *bad = scene->attacker;
			uint64_t address = transmit ? bad->tx[0].shadow_address
						    : bad->rx[0].shadow_address;
			struct weir_shadow_doorbell *shadow = host_pointer(bad, address);
			uint32_t base = transmit ? bad->tx[0].tail : bad->rx[0].posted;

			shadow->tail = weir_cpu_to_le32(
				values[i] < 0x10000 ? (base + values[i]) & 0xffff : values[i]);
			/* Rung, so that a sleeping device looks; receive looks when it runs out of addresses it has read. */
			if (transmit)
				host_doorbell(bad, 0, WEIR_DOORBELL_TX_TAIL, base);
			for (uint32_t k = 0; k < 100 && !transmit; k++) {
				scene_frame(scene, scene->peer, bad);
				scene_settle(scene);
			}
			scene_settle(scene);
			WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 1);
			scene_expect_stopped(scene, WEIR_MISBEHAVIOUR_BAD_DOORBELL, 0, transmit);
			scene_renew_queue(scene, 0);
			scene_expect_attacker_works(scene);
			scene_end(scene);
		}
	}
}

/* ---- registers ---- */

static bool is_register(uint32_t offset)
{
	static const uint32_t blocks[] = { WEIR_BLOCK_CONTROL, WEIR_BLOCK_ADMIN, WEIR_BLOCK_MAILBOX,
					   WEIR_BLOCK_TIME };

	for (size_t i = 0; i < WEIR_REGISTERS; i++)
		if (weir_registers[i].offset == offset)
			return true;
	for (size_t i = 0; i < WEIR_TESTS(blocks); i++)
		if (offset == blocks[i] || offset == blocks[i] + 4)
			return true;
	return offset >= WEIR_REG_MAILBOX_WINDOW_VALUE &&
	       offset < WEIR_REG_MAILBOX_WINDOW_VALUE + WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE;
}

/* Not what it was a moment ago, and nobody has written it. */
static bool runs(uint32_t offset)
{
	return offset == WEIR_REG_TIME_LOW || offset == WEIR_REG_TIME_HIGH;
}

/* What the registers hold, as a sum; those that may move (WO read as zero) included. */
static uint64_t registers_sum(struct host_function *function)
{
	uint64_t sum = 0;

	for (uint32_t offset = 0; offset < WEIR_BAR_REGISTERS_VF_BYTES; offset += 4)
		if (is_register(offset) && !runs(offset))
			sum = sum * 1099511628211ull + host_read(function, offset);
	return sum;
}

static void accesses_of_other_widths_or_to_holes_do_nothing(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;
	struct weirsim *sim = scene->host->sim;
	uint64_t before = registers_sum(bad),
		 expected = function_stat(bad, WEIR_STAT_FUNCTION_BAD_MMIO);

	for (uint32_t size = 1; size <= 8; size *= 2) {
		/* Aligned to their own size, and not. */
		for (uint32_t offset = 0; offset + size <= WEIR_BAR_REGISTERS_VF_BYTES;
		     offset += offset < 0x400 || size == 4 ? 1 : 61) {
			uint64_t value = 0, ones = size == 8 ? UINT64_MAX : (1ull << 8 * size) - 1,
				 written = 0x0101010101010101u;

			if (size == 4 && offset % 4 == 0 && is_register(offset))
				continue;
			WEIR_EXPECT(weirsim_memory_read(sim,
							host_bar(bad, WEIR_BAR_REGISTERS) + offset,
							&value, (uint8_t)size));
			WEIR_EXPECT_EQ(value, ones);
			WEIR_EXPECT(weirsim_memory_write(sim,
							 host_bar(bad, WEIR_BAR_REGISTERS) + offset,
							 &written, (uint8_t)size));
			expected += 2;
		}
		scene_turns(scene, 20);
	}
	/* Doorbells and the MSI-X structures take no bytes either. */
	for (uint32_t offset = 0; offset < 64; offset++) {
		for (uint32_t size = 1; size <= 8; size *= 2) {
			static const uint8_t bars[] = { WEIR_BAR_DOORBELLS, WEIR_BAR_MSIX };
			uint64_t written = UINT64_MAX;

			for (size_t i = 0; i < WEIR_TESTS(bars); i++) {
				if (offset % size == 0 &&
				    (size == 4 || (size == 8 && bars[i] == WEIR_BAR_MSIX)))
					continue;
				WEIR_EXPECT(weirsim_memory_write(sim,
								 host_bar(bad, bars[i]) + offset,
								 &written, (uint8_t)size));
				expected++;
			}
		}
	}
	scene_settle(scene);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_MMIO), expected);
	WEIR_EXPECT_EQ(registers_sum(bad), before);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_BAD_DOORBELLS), 0);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

static void read_only_registers_stay_what_they_are(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;

	for (size_t i = 0; i < WEIR_REGISTERS; i++) {
		const struct weir_register_info *info = &weir_registers[i];
		uint32_t before = host_read(bad, info->offset);

		if (info->access == 'o')
			WEIR_EXPECT_EQ(before, 0);
		if (info->access != 'r' || runs(info->offset))
			continue;
		host_write(bad, info->offset, ~before);
		scene_settle(scene);
		WEIR_EXPECT_EQ(host_read(bad, info->offset), before);
	}
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

static void the_block_chain_leads_to_every_block(void)
{
	struct scene *scene = scene_start(1, false);
	uint32_t found = 0;

	for (uint32_t i = 0; i <= 1; i++) {
		struct host_function *function = &scene->host->functions[i];
		uint32_t offset = host_read(function, WEIR_REG_FIRST_BLOCK), steps = 0;

		WEIR_EXPECT_EQ(host_read(function, WEIR_REG_ABI_VERSION),
			       (uint32_t)WEIR_ABI_MAJOR << 16 | WEIR_ABI_MINOR);
		WEIR_EXPECT_EQ(host_read(function, WEIR_REG_FUNCTION), i | (i ? 1u << 16 : 0));
		for (; offset && steps < 64; steps++) {
			uint32_t header = host_read(function, offset);

			WEIR_REQUIRE(offset % 4 == 0 && offset < WEIR_BAR_REGISTERS_VF_BYTES);
			found |= 1u << WEIR_GET(WEIR_BLOCK_HEADER_ID, header);
			offset = host_read(function, offset + 4);
		}
		WEIR_EXPECT_EQ(steps, 4);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_QUEUE_LIMITS_QUEUE_PAIRS,
					host_read(function, WEIR_REG_QUEUE_LIMITS)),
			       i ? WEIR_VF_QUEUE_PAIRS : WEIR_PF_QUEUE_PAIRS);
		WEIR_EXPECT_EQ(WEIR_GET(WEIR_REG_QUEUE_LIMITS_VECTORS,
					host_read(function, WEIR_REG_QUEUE_LIMITS)),
			       i ? WEIR_MSIX_VF_VECTORS : WEIR_MSIX_PF_VECTORS);
	}
	WEIR_EXPECT_EQ(found, 1u << WEIR_BLOCK_CONTROL_ID | 1u << WEIR_BLOCK_ADMIN_ID |
				      1u << WEIR_BLOCK_MAILBOX_ID | 1u << WEIR_BLOCK_TIME_ID);
	scene_end(scene);
}

/* ---- descriptors ---- */

/* A descriptor of a good frame of `bytes` bytes to the peer, which lies at the staging place of the tail. */
static struct weir_tx_descriptor good_descriptor(struct scene *scene, uint32_t bytes)
{
	struct host_function *bad = scene->attacker;
	uint64_t at = bad->tx[0].staging;
	static uint8_t frame[HOST_FRAME_MAX];

	host_make_frame(frame, test_mac(scene->peer->index), test_mac(bad->index), 0, 0, bytes, 99,
			99);
	memcpy(host_pointer(bad, at), frame, bytes);
	return (struct weir_tx_descriptor){
		.address = weir_cpu_to_le64(at),
		.length = weir_cpu_to_le16((uint16_t)bytes),
		.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK),
	};
}

/* Posts descriptors that make one frame that cannot be obeyed: dropped, counted, passed over. */
static void expect_malformed(struct scene *scene, const struct weir_tx_descriptor *descriptors,
			     uint32_t count, const char *what)
{
	struct host_function *bad = scene->attacker;
	uint64_t malformed = vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED),
		 frames = vport_stat(bad, WEIR_STAT_VPORT_TX_FRAMES);
	uint64_t dropped = host_stat(bad, WEIR_STATS_SCOPE_TX_QUEUE, 0, WEIR_STAT_TX_QUEUE_DROPPED);

	for (uint32_t i = 0; i < count; i++)
		host_post_descriptor(bad, 0, &descriptors[i]);
	host_send_done(bad, 0);
	scene_settle(scene);
	if (vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED) != malformed + 1)
		printf("# %s\n", what);
	WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), malformed + 1);
	WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_FRAMES), frames);
	WEIR_EXPECT_EQ(host_stat(bad, WEIR_STATS_SCOPE_TX_QUEUE, 0, WEIR_STAT_TX_QUEUE_DROPPED),
		       dropped + 1);
	WEIR_EXPECT_EQ(scene_strays(scene), 0);
	/* The ring goes on behind it, to the descriptor. */
	scene_expect_attacker_works(scene);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(*(weir_le32 *)host_pointer(bad, bad->tx[0].head)),
		       bad->tx[0].tail);
}

static void frames_with_reserved_bits_are_dropped(void)
{
	struct scene *scene = scene_start(1, false);

	for (uint32_t segments = 1; segments <= 2; segments++) {
		/* In the only, the first or the last descriptor. */
		for (uint32_t bit = 0; bit < 16; bit++) {
			struct weir_tx_descriptor pair[2] = { good_descriptor(scene, 200),
							      good_descriptor(scene, 200) };
			struct weir_tx_descriptor *place = &pair[bit % segments];

			if (segments == 2)
				pair[0].flags = 0;
			if (bit < 4 || bit > 6) {
				place->flags |= weir_cpu_to_le16((uint16_t)(1u << bit));
				expect_malformed(scene, pair, segments, "flags");
				place->flags &= weir_cpu_to_le16((uint16_t) ~(1u << bit));
			}
			place->checksum = weir_cpu_to_le16((uint16_t)(1u << bit));
			expect_malformed(scene, pair, segments, "checksum");
		}
	}
	WEIR_EXPECT_EQ(function_stat(scene->attacker, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
	scene_expect_reported(scene, WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR);
	scene_end(scene);
}

static void frames_of_impossible_lengths_are_dropped(void)
{
	struct scene *scene = scene_start(1, false);
	static const struct {
		uint16_t first, second; /* 0xffff: no second one */
		uint16_t flags;
	} cases[] = {
		{ 0, 0xffff, 0 },	{ 13, 0xffff, 0 },
		{ 9217, 0xffff, 0 },	{ 16385, 0xffff, 0 },
		{ 0xfffe, 0xffff, 0 },	{ 100, 0, 0 },
		{ 0, 100, 0 },		{ 6, 7, 0 },
		{ 9216, 1, 0 },		{ 16384, 16384, 0 },
		{ 9213, 0xffff, 0x40 }, { 9000, 213, 0x40 },
		{ 1, 16385, 0 },	{ 9216, 0xffff, 0x40 },
	};

	for (size_t i = 0; i < WEIR_TESTS(cases); i++) {
		struct weir_tx_descriptor pair[2] = { good_descriptor(scene, 9200),
						      good_descriptor(scene, 9200) };
		uint32_t count = cases[i].second == 0xffff ? 1 : 2;

		pair[0].length = weir_cpu_to_le16(cases[i].first);
		pair[1].length = weir_cpu_to_le16(cases[i].second);
		if (count == 2)
			pair[0].flags = 0;
		pair[0].flags |= weir_cpu_to_le16(cases[i].flags);
		expect_malformed(scene, pair, count, "length");
	}
	/* In a port VLAN the device inserts a tag, too. */
	WEIR_REQUIRE_EQ(host_vf_set(scene->host, scene->attacker->index, WEIR_ATTRIBUTE_VLAN, 5),
			WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_vf_set(scene->host, scene->peer->index, WEIR_ATTRIBUTE_VLAN, 5),
			WEIR_STATUS_OK);
	for (uint32_t bytes = 9213; bytes <= 9216; bytes++) {
		struct weir_tx_descriptor descriptor = good_descriptor(scene, bytes);

		expect_malformed(scene, &descriptor, 1, "length with the port VLAN's tag");
	}
	scene_end(scene);
}

static void segments_that_wrap_the_address_space_are_dropped(void)
{
	struct scene *scene = scene_start(1, false);
	static const uint64_t addresses[] = { UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 98 };

	for (size_t i = 0; i < WEIR_TESTS(addresses); i++) {
		struct weir_tx_descriptor pair[2] = { good_descriptor(scene, 100),
						      good_descriptor(scene, 100) };

		pair[0].address = weir_cpu_to_le64(addresses[i]);
		expect_malformed(scene, pair, 1, "wraps");
		pair[1].address = pair[0].address;
		pair[0] = good_descriptor(scene, 100);
		pair[0].flags = 0;
		expect_malformed(scene, pair, 2, "second wraps");
	}
	scene_end(scene);
}

static void frames_without_an_end_are_skipped_up_to_it(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;
	uint64_t malformed = 0;

	for (uint32_t count = 33; count <= 64; count++) {
		struct weir_tx_descriptor many[64];

		for (uint32_t i = 0; i < count; i++) {
			many[i] = good_descriptor(scene, 100);
			many[i].flags = weir_cpu_to_le16(i + 1 == count ? WEIR_TXD_END_MASK : 0);
		}
		expect_malformed(scene, many, count, "no END");
		malformed++;
	}
	/* 32 are legal. */
	struct weir_tx_descriptor segment = good_descriptor(scene, 320);

	segment.length = weir_cpu_to_le16(10);
	for (uint32_t i = 0; i < 32; i++) {
		struct weir_tx_descriptor piece = segment;

		piece.address = weir_cpu_to_le64(bad->tx[0].staging + 10 * i);
		piece.flags =
			weir_cpu_to_le16(i == 31 ? WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK : 0);
		host_post_descriptor(bad, 0, &piece);
	}
	host_send_done(bad, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(scene_strays(scene), 1);
	/* A frame that never ends, posted bit by bit: several rings full of it are one malformed frame, and then it goes on. */
	segment.flags = 0;
	for (uint32_t i = 0; i < 300; i++) {
		host_post_descriptor(bad, 0, &segment);
		host_send_done(bad, 0);
		if (i % 20 == 19)
			scene_settle(scene);
	}
	segment.flags = weir_cpu_to_le16(WEIR_TXD_END_MASK);
	host_post_descriptor(bad, 0, &segment);
	host_send_done(bad, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), malformed + 1);
	scene_expect_attacker_works(scene);
	WEIR_EXPECT_EQ(function_stat(bad, WEIR_STAT_FUNCTION_QUEUES_STOPPED), 0);
	scene_end(scene);
}

static void a_tail_in_the_middle_of_a_frame_waits_for_the_rest(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;

	for (uint32_t pieces = 2; pieces <= 32; pieces++) {
		struct weir_tx_descriptor piece = good_descriptor(scene, 320);

		for (uint32_t i = 0; i < pieces; i++) {
			piece.address = weir_cpu_to_le64(bad->tx[0].staging + 10 * i);
			piece.length =
				weir_cpu_to_le16((uint16_t)(i + 1 == pieces ? 320 - 10 * i : 10));
			piece.flags = weir_cpu_to_le16(
				i + 1 == pieces ? WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK : 0);
			WEIR_EXPECT_EQ(scene_strays(scene), 0);
			host_post_descriptor(bad, 0, &piece);
			host_send_done(bad, 0);
			if (i % 3 == 0)
				scene_settle(scene);
		}
		scene_settle(scene);
		WEIR_EXPECT_EQ(scene_strays(scene), 1);
	}
	WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 0);
	scene_end(scene);
}

/* What means nothing where it stands is not looked at. */
static void bits_that_mean_nothing_in_their_place_are_ignored(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;
	struct weir_tx_descriptor piece = good_descriptor(scene, 300);

	piece.length = weir_cpu_to_le16(100);
	piece.flags = weir_cpu_to_le16(WEIR_TXD_REPORT_MASK);
	piece.vlan_tci = weir_cpu_to_le16(0x1234);
	host_post_descriptor(bad, 0, &piece);
	piece.address = weir_cpu_to_le64(bad->tx[0].staging + 100);
	piece.flags = weir_cpu_to_le16(WEIR_TXD_VLAN_MASK | WEIR_TXD_REPORT_MASK);
	host_post_descriptor(bad, 0, &piece);
	piece.address = weir_cpu_to_le64(bad->tx[0].staging + 200);
	piece.flags = weir_cpu_to_le16(WEIR_TXD_VLAN_MASK | WEIR_TXD_END_MASK);
	host_post_descriptor(bad, 0, &piece);
	host_send_done(bad, 0);
	scene_settle(scene);
	WEIR_EXPECT_EQ(scene_strays(scene), 1);
	WEIR_EXPECT_EQ(vport_stat(bad, WEIR_STAT_VPORT_TX_DROPPED_MALFORMED), 0);
	WEIR_EXPECT_EQ(scene->last_stray.bytes, 300);
	scene_end(scene);
}

/* ---- from the wire ---- */

static void frames_from_the_wire_out_of_bounds_are_counted(void)
{
	struct scene *scene = scene_start(1, false);
	struct weirsim *sim = scene->host->sim;
	struct host_function *pf = &scene->host->functions[0];
	static uint8_t frame[65535];
	uint64_t before =
		host_stat(pf, WEIR_STATS_SCOPE_PORT, 0, WEIR_STAT_PORT_RX_DROPPED_MALFORMED);
	static const uint32_t lengths[] = { 9217, 9300, 16384, 65535 };

	host_make_frame(frame, test_mac(scene->attacker->index), 0x112233445502, 0, 0, 100, 99, 99);
	for (size_t i = 0; i < WEIR_TESTS(lengths); i++) {
		WEIR_EXPECT_EQ(weirsim_wire_receive(sim, 0, frame, lengths[i]), 0);
		scene_settle(scene);
	}
	/* A tag that ends the frame. */
	memcpy(frame + 12, "\x81\x00\x00\x05", 4);
	for (uint32_t bytes = 14; bytes < 18; bytes++) {
		WEIR_EXPECT_EQ(weirsim_wire_receive(sim, 0, frame, bytes), 0);
		scene_settle(scene);
	}
	WEIR_EXPECT_EQ(host_stat(pf, WEIR_STATS_SCOPE_PORT, 0, WEIR_STAT_PORT_RX_DROPPED_MALFORMED) -
			       before,
		       WEIR_TESTS(lengths) + 4);
	WEIR_EXPECT_EQ(scene_strays(scene), 0);
	scene_expect_attacker_works(scene);
	scene_end(scene);
}

static void a_tag_that_ends_the_frame_is_no_way_into_a_vlan(void)
{
	struct scene *scene = scene_start(1, false);
	struct host_function *bad = scene->attacker;
	static const uint16_t types[] = { 0x8100, 0x88a8 };

	for (size_t i = 0; i < WEIR_TESTS(types); i++) {
		for (uint32_t bytes = 14; bytes < 18; bytes++) {
			uint8_t frame[18] = { 2,
					      0,
					      0,
					      0,
					      0,
					      77,
					      2,
					      0,
					      0,
					      0,
					      0,
					      1,
					      (uint8_t)(types[i] >> 8),
					      (uint8_t)types[i],
					      0,
					      5 };
			struct weir_tx_descriptor descriptor = good_descriptor(scene, 100);
			uint32_t wire = scene->host->wire_count;

			memcpy(host_pointer(bad, bad->tx[0].staging), frame, bytes);
			descriptor.length = weir_cpu_to_le16((uint16_t)bytes);
			expect_malformed(scene, &descriptor, 1, "tag that ends the frame");
			WEIR_EXPECT_EQ(scene->host->wire_count, wire);
		}
	}
	scene_end(scene);
}

/* ---- pace ---- */

/* What an attack of each kind does in one turn. */
static void attack(struct scene *scene, uint32_t kind, uint32_t turn)
{
	struct host_function *bad = scene->attacker;
	uint64_t value = 0x5555;

	switch (kind) {
	case 1: /* doorbells of nothing */
		for (uint16_t i = 0; i < 16; i++)
			host_doorbell(bad, i, WEIR_DOORBELL_TX_ARM, turn & 0xffff);
		break;
	case 2: /* registers of nothing */
		for (uint32_t i = 0; i < 64; i++)
			weirsim_memory_write(scene->host->sim,
					     host_bar(bad, WEIR_BAR_REGISTERS) + 0x3000 + i, &value,
					     8);
		break;
	case 3: /* mailbox commands of nobody */
		host_write(bad, WEIR_REG_MAILBOX_REQUEST, 0x7777);
		break;
	case 4: /* resets of itself */
		if (turn % 16 == 0)
			host_write(bad, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
		break;
	default:
		break;
	}
}

static uint32_t frames_in(struct scene *scene, uint32_t kind, uint32_t turns)
{
	uint32_t before = 0, after = 0;

	for (uint32_t i = 0; i < scene->traffic.count; i++)
		before += scene->traffic.flows[i].seen;
	for (uint32_t i = 0; i < turns; i++) {
		attack(scene, kind, i);
		traffic_turn(&scene->traffic);
	}
	for (uint32_t i = 0; i < scene->traffic.count; i++)
		after += scene->traffic.flows[i].seen;
	return after - before;
}

static void an_attack_does_not_slow_the_neighbours(void)
{
	for (uint32_t kind = 1; kind <= 4; kind++) {
		struct scene *scene = scene_start(1, false);
		uint32_t quiet = frames_in(scene, 0, 2000), loud = frames_in(scene, kind, 2000);

		if (loud < quiet * 9 / 10)
			printf("# attack %u: %u frames in place of %u\n", kind, loud, quiet);
		WEIR_EXPECT(quiet > 1000);
		WEIR_EXPECT(loud >= quiet * 9 / 10);
		scene_end(scene);
	}
}

static void a_frame_that_never_left_is_not_counted_as_sent(void)
{
	struct host *host = test_card(1, 1, 2048, false);
	struct host_function *vf = &host->functions[1], *pf = &host->functions[0];
	struct weir_tx_descriptor *ring = host_pointer(vf, vf->tx[0].ring);
	enum weir_stats_scope port = WEIR_STATS_SCOPE_PORT;
	static uint8_t frame[800];

	host_wire_capture(host);
	for (uint32_t i = 0; i < 40; i++) {
		/* Every second one ends where there is nothing, behind what is read to decide on it. */
		host_make_frame(frame, test_mac(77), test_mac(1), 0, 0, sizeof(frame), 1, i);
		WEIR_REQUIRE(host_send(vf, 0, frame, sizeof(frame), 2, 0, 0, 0));
		if (i % 2)
			ring[(uint16_t)(vf->tx[0].tail - 1) % 64].address =
				weir_cpu_to_le64(vf->iova + 0x40000000);
		host_send_done(vf, 0);
		host_settle(host);
	}
	WEIR_EXPECT_EQ(host->wire_count, 20);
	WEIR_EXPECT_EQ(host_stat(pf, port, 0, WEIR_STAT_PORT_TX_FRAMES), 20);
	WEIR_EXPECT_EQ(host_stat(pf, port, 0, WEIR_STAT_PORT_TX_BYTES), 20 * sizeof(frame));
	WEIR_EXPECT_EQ(vport_stat(vf, WEIR_STAT_VPORT_TX_DROPPED_FAULT), 20);
	host_destroy(host);
}

const struct weir_test badinput_tests[] = {
	{ "badinput.doorbells_of_nothing_are_counted_and_ignored",
	  doorbells_of_nothing_are_counted_and_ignored },
	{ "badinput.values_that_no_position_can_have_stop_their_queue",
	  values_that_no_position_can_have_stop_their_queue },
	{ "badinput.a_tail_beyond_the_ring_stops_its_queue_alone",
	  a_tail_beyond_the_ring_stops_its_queue_alone },
	{ "badinput.a_tail_that_does_not_move_ahead_changes_nothing",
	  a_tail_that_does_not_move_ahead_changes_nothing },
	{ "badinput.shadow_tails_that_cannot_be_stop_their_queue",
	  shadow_tails_that_cannot_be_stop_their_queue },
	{ "badinput.accesses_of_other_widths_or_to_holes_do_nothing",
	  accesses_of_other_widths_or_to_holes_do_nothing },
	{ "badinput.read_only_registers_stay_what_they_are",
	  read_only_registers_stay_what_they_are },
	{ "badinput.the_block_chain_leads_to_every_block", the_block_chain_leads_to_every_block },
	{ "badinput.frames_with_reserved_bits_are_dropped", frames_with_reserved_bits_are_dropped },
	{ "badinput.frames_of_impossible_lengths_are_dropped",
	  frames_of_impossible_lengths_are_dropped },
	{ "badinput.segments_that_wrap_the_address_space_are_dropped",
	  segments_that_wrap_the_address_space_are_dropped },
	{ "badinput.a_frame_that_never_left_is_not_counted_as_sent",
	  a_frame_that_never_left_is_not_counted_as_sent },
	{ "badinput.frames_without_an_end_are_skipped_up_to_it",
	  frames_without_an_end_are_skipped_up_to_it },
	{ "badinput.a_tail_in_the_middle_of_a_frame_waits_for_the_rest",
	  a_tail_in_the_middle_of_a_frame_waits_for_the_rest },
	{ "badinput.bits_that_mean_nothing_in_their_place_are_ignored",
	  bits_that_mean_nothing_in_their_place_are_ignored },
	{ "badinput.frames_from_the_wire_out_of_bounds_are_counted",
	  frames_from_the_wire_out_of_bounds_are_counted },
	{ "badinput.a_tag_that_ends_the_frame_is_no_way_into_a_vlan",
	  a_tag_that_ends_the_frame_is_no_way_into_a_vlan },
	{ "badinput.an_attack_does_not_slow_the_neighbours",
	  an_attack_does_not_slow_the_neighbours },
};
const size_t badinput_test_count = WEIR_TESTS(badinput_tests);
