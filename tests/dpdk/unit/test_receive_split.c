/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK driver's receive bursts of queues that split frames, against a device that the test plays, well behaved and not. */
#include <string.h>

#include <rte_mbuf_dyn.h>

#include "datapath.h"

#define END    WEIR_RXC_END_MASK
#define HEADER WEIR_RXC_HEADER_MASK
#define SPLIT  (WEIR_RXC_HEADER_MASK | WEIR_RXC_SPLIT_MASK)
#define KINDS  (WEIR_SPLIT_KIND_IPV4 | WEIR_SPLIT_KIND_TCP)

/* A frame as the device splits it. */
struct shape {
	uint16_t header, rest; /* bytes */
};

/* Buffers for what is no header. */
static uint16_t rests_of(const struct shape *shape)
{
	return (uint16_t)((shape->rest + FAKE_REST_BYTES - 1) / FAKE_REST_BYTES);
}

/* The device takes entries from `*entry` on for a frame, which has a tag and a hash by its last completion. */
static void complete_shape(struct fake *fake, uint16_t *entry, const struct shape *shape)
{
	const uint32_t last = WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION) | END |
			      WEIR_RXC_VLAN_MASK | WEIR_RXC_FLOW_HASH_MASK,
		       more = last & ~(END | WEIR_RXC_VLAN_MASK);
	uint16_t rests = rests_of(shape);

	if (shape->header)
		fake_complete_raw(fake, *entry, shape->header, (rests ? more : last) | SPLIT, 9,
				  0x1234);
	for (uint16_t i = 0; i < rests; i++)
		fake_complete_raw(fake, (uint16_t)(*entry + i),
				  i + 1 < rests ? FAKE_REST_BYTES
						: (uint16_t)(shape->rest - i * FAKE_REST_BYTES),
				  i + 1 < rests ? more : last, 9, 0x1234);
	*entry = (uint16_t)(*entry + RTE_MAX(rests, (uint16_t)1));
}

/* Looks at a segment, and at what the device was told of where it is. */
static void check_segment(const struct fake *fake, const struct rte_mbuf *segment, bool header,
			  uint16_t bytes)
{
	WEIR_EXPECT(segment->pool == (header ? fake->header_pool : fake->pool));
	WEIR_EXPECT_EQ(segment->data_off, header ? RTE_PKTMBUF_HEADROOM : FAKE_REST_OFFSET);
	WEIR_EXPECT_EQ(segment->data_len, bytes);
	WEIR_EXPECT_EQ(rte_mbuf_refcnt_read(segment), 1);
}

static void check_shape(const struct fake *fake, const struct rte_mbuf *frame,
			const struct shape *shape)
{
	const struct rte_mbuf *segment = frame;
	uint16_t left = shape->rest;

	WEIR_EXPECT_EQ(frame->pkt_len, shape->header + shape->rest);
	WEIR_EXPECT_EQ(frame->nb_segs, !!shape->header + rests_of(shape));
	WEIR_EXPECT_EQ(frame->ol_flags,
		       RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_RSS_HASH);
	WEIR_EXPECT_EQ(frame->vlan_tci, 9);
	WEIR_EXPECT_EQ(frame->hash.rss, 0x1234);
	if (shape->header) {
		check_segment(fake, segment, true, shape->header);
		segment = segment->next;
	}
	for (; left; segment = segment->next) {
		uint16_t bytes = RTE_MIN(left, (uint16_t)FAKE_REST_BYTES);

		WEIR_REQUIRE(segment != NULL);
		check_segment(fake, segment, false, bytes);
		left = (uint16_t)(left - bytes);
	}
	WEIR_EXPECT(segment == NULL);
}

static void headers_and_rests_are_chained_through_every_wrap(void)
{
	struct fake *fake = fake_new_split(128, 511, 1023, KINDS);
	const struct weir_rx_split_buffer *ring = (const void *)fake->rx->ring;
	uint16_t entry = 0;

	srand(3);
	for (uint32_t round = 0; round < 100000; round++) {
		struct shape shape = { .header = (uint16_t)(round % 5 ? 14 + below(83) : 0) };
		uint16_t slot = entry & fake->rx->mask, completed = fake->completed;
		struct rte_mbuf *frame;

		shape.rest = (uint16_t)(round % 3 || !shape.header ? 1 + below(2000) : 0);
		WEIR_REQUIRE_EQ(weir_le64_to_cpu(ring[slot].header),
				rte_mbuf_data_iova_default(fake->rx->headers[slot]));
		WEIR_REQUIRE_EQ(weir_le64_to_cpu(ring[slot].address),
				rte_mbuf_iova_get(fake->rx->buffers[slot]) + FAKE_REST_OFFSET);
		complete_shape(fake, &entry, &shape);
		/* The last completion becomes visible later than the others. */
		if (round % 7 == 0) {
			weir_le32 *flags = &fake->completions[(uint16_t)(fake->completed - 1) &
							      fake->rx->completion_mask]
						    .flags;

			*flags ^= weir_cpu_to_le32(WEIR_RXC_PHASE_MASK);
			WEIR_REQUIRE_EQ(weir_receive_split(fake->rx, &frame, 1), 0);
			*flags ^= weir_cpu_to_le32(WEIR_RXC_PHASE_MASK);
		}
		WEIR_REQUIRE_EQ(weir_receive_split(fake->rx, &frame, 1), 1);
		check_shape(fake, frame, &shape);
		rte_pktmbuf_free(frame);
		WEIR_REQUIRE_EQ(fake->rx->taken, fake->completed);
		WEIR_REQUIRE(fake->completed != completed);
		/* As many entries as it took are posted again, sooner or later. */
		WEIR_REQUIRE((uint16_t)(fake_rx_tail(fake) - entry) <= 128 &&
			     (uint16_t)(fake_rx_tail(fake) - entry) >= 96);
	}
	WEIR_EXPECT(!fake->rx->disordered);
	WEIR_EXPECT_EQ(fake->suspected, 0);
	fake_end(fake);
}

static void times_are_told_of_split_frames(void)
{
	struct fake *fake = fake_new_split(64, 255, 255, 0);
	struct rte_mbuf *frame;

	/* Completions of format 1: the time, then what there is in format 0. */
	fake->rx->timed = 1;
	WEIR_REQUIRE_EQ(rte_mbuf_dyn_rx_timestamp_register(&fake->device.timesync.offset,
							   &fake->device.timesync.flag),
			0);
	for (uint16_t i = 0; i < 2; i++) {
		struct weir_rx_time *time = (void *)&fake->completions[2 * i];
		struct weir_rx_completion *entry = &fake->completions[2 * i + 1];

		time->time = weir_cpu_to_le64(1000u + i);
		entry->length = weir_cpu_to_le16(i ? 100 : 54);
		entry->flags = weir_cpu_to_le32(WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION) |
						(i ? END : SPLIT) | 1u);
	}
	WEIR_REQUIRE_EQ(weir_receive_split(fake->rx, &frame, 1), 1);
	WEIR_EXPECT_EQ(frame->nb_segs, 2);
	WEIR_EXPECT_EQ(*RTE_MBUF_DYNFIELD(frame, fake->device.timesync.offset, uint64_t *), 1001);
	WEIR_EXPECT_EQ(frame->ol_flags, fake->device.timesync.flag);
	rte_pktmbuf_free(frame);
	fake_end(fake);
}

/* The customer's tag behind a service tag that was taken out is looked for in the header. */
static void two_tags_are_told_of_split_frames(void)
{
	struct fake *fake = fake_new_split(64, 255, 255, 0);
	uint8_t *data = rte_pktmbuf_mtod(fake->rx->headers[0], uint8_t *);
	const uint32_t flags = WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION) |
			       WEIR_RXC_VLAN_MASK | WEIR_RXC_VLAN_8021AD_MASK;
	struct rte_mbuf *frame;

	fake->data.dev_conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_QINQ_STRIP |
					      RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	memset(data, 0x33, FAKE_HEADER_BYTES);
	memcpy(data + 12, "\x81\x00\x60\x07", 4);
	fake_complete_raw(fake, 0, 18, flags | SPLIT, 0xa0c8, 0);
	fake_complete_raw(fake, 0, 300, flags | END, 0xa0c8, 0);
	WEIR_REQUIRE_EQ(weir_receive_split(fake->rx, &frame, 1), 1);
	WEIR_EXPECT_EQ(frame->vlan_tci, 0x6007);
	WEIR_EXPECT_EQ(frame->vlan_tci_outer, 0xa0c8);
	WEIR_EXPECT_EQ(frame->pkt_len, 314);
	WEIR_EXPECT_EQ(frame->data_len, 14);
	WEIR_EXPECT_EQ(frame->next->data_len, 300);
	rte_pktmbuf_free(frame);
	fake_end(fake);
}

static void failed_transfers_cost_their_frame_alone(void)
{
	const struct shape good = { 54, 700 };
	struct fake *fake = fake_new_split(64, 255, 255, 0);
	struct rte_mbuf *frames[8];
	uint16_t entry = 0;

	for (uint32_t turn = 0; turn < 300; turn++) {
		complete_shape(fake, &entry, &good);
		/* The header is there already, its payload does not come; or nothing does; or it was all header. */
		fake_complete(fake, entry, turn % 3 ? 0 : 54,
			      turn % 3 == 2 ? HEADER | WEIR_RXC_ERROR_MASK | END
			      : turn % 3    ? HEADER | WEIR_RXC_ERROR_MASK
					    : SPLIT);
		if (turn % 3 != 2) {
			fake_complete(fake, entry++, 0, WEIR_RXC_ERROR_MASK);
			fake_complete(fake, entry, 0, WEIR_RXC_ERROR_MASK | END);
		}
		entry++;
		complete_shape(fake, &entry, &good);
		WEIR_REQUIRE_EQ(weir_receive_split(fake->rx, frames, 8), 2);
		check_shape(fake, frames[0], &good);
		check_shape(fake, frames[1], &good);
		free_all(frames, 2);
		WEIR_REQUIRE_EQ(fake->rx->transfers_failed, turn + 1);
	}
	WEIR_EXPECT_EQ(fake->suspected, 0);
	fake_end(fake);
}

/* One good frame, then a completion that cannot be true; `begun`: after the header of a frame. */
static void check_false(bool begun, uint16_t entry, uint16_t length, uint32_t flags, uint16_t kinds)
{
	const struct shape good = { 60, 100 };
	struct fake *fake = fake_new_split(64, 255, 255, kinds);
	struct rte_mbuf *frames[8];
	uint16_t at = 0;

	complete_shape(fake, &at, &good);
	if (begun)
		fake_complete(fake, at, 60, SPLIT);
	fake_complete_raw(fake, entry, length, flags, 0, 0);
	WEIR_REQUIRE_EQ(weir_receive_split(fake->rx, frames, 8), 1);
	rte_pktmbuf_free(frames[0]);
	WEIR_EXPECT_EQ(fake->suspected, 1);
	WEIR_EXPECT(fake->rx->broken);
	WEIR_EXPECT_EQ(fake->rx->bad_entries, 1);
	fake_end(fake);
}

static void false_completions_put_the_function_under_suspicion(void)
{
	const uint32_t right = WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION);

	check_false(false, 0, 60, right | HEADER, 0); /* a pair that was given back */
	check_false(false, 1, FAKE_HEADER_BYTES + 1, right | HEADER, 0);
	check_false(false, 1, 0, right | HEADER | END, 0);
	check_false(false, 1, 60, right | END, 0); /* no header, where all frames have one */
	check_false(false, 1, 60, right | END | HEADER | WEIR_RXC_COALESCED_MASK, 0);
	check_false(false, 1, FAKE_REST_BYTES + 1, right | END, KINDS);
	check_false(false, 0, 60, right | END, KINDS);
	check_false(true, 1, 60, right | HEADER | END, 0); /* a second header, of the same pair */
	check_false(true, 2, 60, right | HEADER | END, 0);
	check_false(true, 1, FAKE_REST_BYTES + 1, right | END, 0);
	check_false(true, 1, 0, right | END, 0);
	check_false(true, 1, 60, END | WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION - 1), 0);
}

/* Each of the pools runs dry while the application keeps frames, and nothing is lost. */
static void empty_mempools_are_counted_and_outlived(void)
{
	const struct shape shape = { 54, 700 };

	for (unsigned int dry = 0; dry < 2; dry++) {
		struct fake *fake = fake_new_split(64, dry ? 511 : 95, dry ? 191 : 511, 0);
		struct rte_mbuf *kept[512];
		uint16_t entry = 0, count = 0, taken = 0;

		for (unsigned int turn = 0; turn < 40; turn++) {
			while ((uint16_t)(fake_rx_tail(fake) - entry) >= 2)
				complete_shape(fake, &entry, &shape);
			count += weir_receive_split(fake->rx, kept + count, 16);
		}
		WEIR_EXPECT(fake->rx->no_mbufs != 0);
		WEIR_EXPECT(fake->data.rx_mbuf_alloc_failed != 0);
		WEIR_EXPECT(count >= 32);
		free_all(kept, count);
		for (unsigned int turn = 0; turn < 40; turn++) {
			while ((uint16_t)(fake_rx_tail(fake) - entry) >= 2)
				complete_shape(fake, &entry, &shape);
			count = weir_receive_split(fake->rx, kept, 16);
			free_all(kept, count);
			taken = (uint16_t)(taken + count);
		}
		WEIR_EXPECT(taken > 64);
		WEIR_EXPECT_EQ(fake->suspected, 0);
		fake_end(fake);
	}
}

static void queue_count_and_status_tell_of_pairs(void)
{
	struct fake *fake = fake_new_split(128, 511, 1023, 0);
	struct rte_mbuf *frames[128];
	uint16_t entry = 0;

	for (uint16_t turn = 0; turn < 3000; turn++) {
		const struct shape shape = { 60, (uint16_t)(turn % 4 * 400) };
		uint16_t before = entry, count = 0, ready;

		WEIR_REQUIRE_EQ(weir_rx_queue_count(fake->rx), 0);
		WEIR_REQUIRE_EQ(weir_rx_descriptor_status(fake->rx, 0), RTE_ETH_RX_DESC_AVAIL);
		/* As many as there are buffers for, now and then. */
		for (; count < turn % 128 && (uint16_t)(fake_rx_tail(fake) - entry) > 3; count++)
			complete_shape(fake, &entry, &shape);
		ready = (uint16_t)(entry - before);
		WEIR_REQUIRE_EQ(weir_rx_queue_count(fake->rx), ready);
		if (ready)
			WEIR_REQUIRE_EQ(weir_rx_descriptor_status(fake->rx, (uint16_t)(ready - 1)),
					RTE_ETH_RX_DESC_DONE);
		WEIR_REQUIRE_EQ(weir_rx_descriptor_status(fake->rx, ready), RTE_ETH_RX_DESC_AVAIL);
		WEIR_REQUIRE_EQ(weir_receive_split(fake->rx, frames, 128), count);
		free_all(frames, count);
	}
	fake_end(fake);
}

const struct weir_test receive_split_tests[] = {
	{ "dpdk.split.headers_and_rests_are_chained_through_every_wrap",
	  headers_and_rests_are_chained_through_every_wrap },
	{ "dpdk.split.times_are_told_of_split_frames", times_are_told_of_split_frames },
	{ "dpdk.split.two_tags_are_told_of_split_frames", two_tags_are_told_of_split_frames },
	{ "dpdk.split.failed_transfers_cost_their_frame_alone",
	  failed_transfers_cost_their_frame_alone },
	{ "dpdk.split.false_completions_put_the_function_under_suspicion",
	  false_completions_put_the_function_under_suspicion },
	{ "dpdk.split.empty_mempools_are_counted_and_outlived",
	  empty_mempools_are_counted_and_outlived },
	{ "dpdk.split.queue_count_and_status_tell_of_pairs", queue_count_and_status_tell_of_pairs },
};
const size_t receive_split_tests_count = WEIR_TESTS(receive_split_tests);
