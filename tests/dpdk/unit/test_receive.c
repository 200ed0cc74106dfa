/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK driver's receive bursts against a device that the test plays, well behaved and not. */
#include <stdlib.h>
#include <string.h>

#include "datapath.h"

#define END WEIR_RXC_END_MASK

static void frames_come_in_order_through_every_wrap(void)
{
	struct fake *fake = fake_new(256, 1023, 2048);
	struct rte_mbuf *expected[256] = { NULL }, *frames[64];
	uint32_t made = 0, got = 0, wrong = 0;

	srand(1);
	while (got < 3 * 65536) {
		uint16_t burst = (uint16_t)below(65), count;

		/* Never more than what is posted, as the device counts it. */
		while (burst-- && made - got < 200 && (uint16_t)made != fake_rx_tail(fake)) {
			expected[made % 256] = fake->rx->buffers[made & fake->rx->mask];
			wrong += fake->rx->ring[made & fake->rx->mask].address !=
				 rte_mbuf_data_iova_default(expected[made % 256]);
			fake_complete_raw(fake, (uint16_t)made, (uint16_t)(60 + made % 1900),
					  END | WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION) |
						  (made % 3 ? 0 : WEIR_RXC_VLAN_MASK) |
						  (made % 5 ? 0 : WEIR_RXC_FLOW_HASH_MASK) |
						  (made % 7 ? 0 : WEIR_RXC_BROADCAST_MASK),
					  (uint16_t)(made % 4095), made * 7);
			made++;
		}
		count = weir_receive(fake->rx, frames, (uint16_t)(1 + below(64)));
		for (uint16_t i = 0; i < count; i++, got++) {
			const struct rte_mbuf *frame = frames[i];
			uint64_t flags =
				(got % 3 ? 0 : RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED) |
				(got % 5 ? 0 : RTE_MBUF_F_RX_RSS_HASH);

			wrong += frame != expected[got % 256] ||
				 frame->pkt_len != 60 + got % 1900 ||
				 frame->data_len != frame->pkt_len || frame->nb_segs != 1 ||
				 frame->next != NULL || frame->port != 7 ||
				 frame->data_off != RTE_PKTMBUF_HEADROOM ||
				 rte_mbuf_refcnt_read(frame) != 1 || frame->ol_flags != flags ||
				 frame->vlan_tci != got % 4095 || frame->hash.rss != got * 7 ||
				 frame->packet_type != 0;
		}
		free_all(frames, count);
		WEIR_REQUIRE_EQ(wrong, 0);
	}
	WEIR_EXPECT_EQ(fake->rx->frames, got);
	WEIR_EXPECT_EQ(fake->suspected, 0);
	WEIR_EXPECT(!fake->rx->disordered);
	fake_end(fake);
}

/* All 256 things that a completion can say of four checksums, in words. */
static void checksum_states_become_flags_of_the_mbuf(void)
{
	enum { GOOD = WEIR_CHECKSUM_STATE_GOOD, BAD = WEIR_CHECKSUM_STATE_BAD };

	for (uint32_t said = 0; said < 256; said++) {
		struct fake *fake = fake_new(64, 1023, 2048);
		uint32_t ip = said & 3, l4 = said >> 2 & 3, inner_ip = said >> 4 & 3,
			 inner_l4 = said >> 6;
		bool tunnel = inner_ip || inner_l4;
		uint64_t wanted = 0;
		struct rte_mbuf *frame;

		if (tunnel) {
			wanted |= ip == BAD ? RTE_MBUF_F_RX_OUTER_IP_CKSUM_BAD : 0;
			wanted |= l4 == BAD    ? RTE_MBUF_F_RX_OUTER_L4_CKSUM_BAD
				  : l4 == GOOD ? RTE_MBUF_F_RX_OUTER_L4_CKSUM_GOOD
					       : 0;
			ip = inner_ip;
			l4 = inner_l4;
		}
		wanted |= ip == BAD    ? RTE_MBUF_F_RX_IP_CKSUM_BAD
			  : ip == GOOD ? RTE_MBUF_F_RX_IP_CKSUM_GOOD
				       : RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN;
		wanted |= l4 == BAD    ? RTE_MBUF_F_RX_L4_CKSUM_BAD
			  : l4 == GOOD ? RTE_MBUF_F_RX_L4_CKSUM_GOOD
				       : RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN;
		fake_complete(fake, 0, 100, END | said << WEIR_RXC_IP_SHIFT);
		WEIR_REQUIRE_EQ(weir_receive(fake->rx, &frame, 1), 1);
		WEIR_EXPECT_EQ(frame->ol_flags, wanted);
		rte_pktmbuf_free(frame);
		/* The same on the careful path, of a frame in two buffers. */
		fake_complete(fake, 1, 2048, 0);
		fake_complete(fake, 2, 100, END | said << WEIR_RXC_IP_SHIFT);
		WEIR_REQUIRE_EQ(weir_receive_scattered(fake->rx, &frame, 1), 1);
		WEIR_EXPECT_EQ(frame->ol_flags, wanted);
		rte_pktmbuf_free(frame);
		fake_end(fake);
	}
}

/* The device makes one frame of segments of 1448 bytes over IPv6: one completion, buffers from `buffer` on. */
static void complete_aggregate(struct fake *fake, uint16_t buffer, uint16_t length, uint32_t flags)
{
	struct weir_rx_completion *completion =
		&fake->completions[fake->completed & fake->rx->mask];

	fake_complete(fake, buffer, length, END | WEIR_RXC_COALESCED_MASK | flags);
	completion->packet_type =
		weir_cpu_to_le16((uint16_t)(WEIR_PREP(WEIR_RXA_L3, WEIR_PACKET_L3_IPV6) |
					    WEIR_PREP(WEIR_RXA_PAYLOAD, 1448)));
}

static void an_aggregate_is_a_chain_of_its_buffers(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	uint16_t buffer = 0;

	for (uint32_t round = 0; round < 3000; round++) {
		uint16_t bytes = (uint16_t)(1500 + round * 37 % 20000);
		struct rte_mbuf *first = fake->rx->buffers[buffer & fake->rx->mask], *frame;
		uint32_t left = bytes;

		complete_aggregate(fake, buffer, bytes, round % 5 ? 0 : WEIR_RXC_FLOW_HASH_MASK);
		WEIR_REQUIRE_EQ(weir_receive_scattered(fake->rx, &frame, 1), 1);
		WEIR_EXPECT(frame == first);
		WEIR_EXPECT_EQ(frame->pkt_len, bytes);
		WEIR_EXPECT_EQ(frame->nb_segs, (bytes + 2047) / 2048);
		WEIR_EXPECT_EQ(frame->tso_segsz, 1448);
		WEIR_EXPECT_EQ(frame->packet_type, RTE_PTYPE_L3_IPV6_EXT_UNKNOWN | RTE_PTYPE_L4_TCP);
		WEIR_EXPECT_EQ(frame->ol_flags,
			       RTE_MBUF_F_RX_LRO | (round % 5 ? 0 : RTE_MBUF_F_RX_RSS_HASH));
		for (const struct rte_mbuf *part = frame; part; part = part->next) {
			WEIR_EXPECT_EQ(part->data_len, left < 2048 ? left : 2048);
			WEIR_EXPECT_EQ(part->data_off, RTE_PKTMBUF_HEADROOM);
			left -= part->data_len;
			buffer++;
		}
		WEIR_EXPECT_EQ(left, 0);
		rte_pktmbuf_free(frame);
		/* A plain frame behind it. */
		fake_complete(fake, buffer, 60, END);
		WEIR_REQUIRE_EQ(weir_receive_scattered(fake->rx, &frame, 1), 1);
		WEIR_EXPECT_EQ(frame->nb_segs, 1);
		WEIR_EXPECT_EQ(frame->ol_flags, 0);
		rte_pktmbuf_free(frame);
		buffer++;
		WEIR_REQUIRE((uint16_t)(fake_rx_tail(fake) - buffer) <= 64);
	}
	/* One whose transfer failed gives its buffers back, too. */
	struct rte_mbuf *none;

	complete_aggregate(fake, buffer, 10000, WEIR_RXC_ERROR_MASK);
	WEIR_EXPECT_EQ(weir_receive_scattered(fake->rx, &none, 1), 0);
	WEIR_EXPECT_EQ(fake->rx->transfers_failed, 1);
	WEIR_EXPECT_EQ(fake->suspected, 0);
	fake_end(fake);
}

static void an_aggregate_of_more_than_was_posted_is_not_believed(void)
{
	struct fake *fake = fake_new(16, 1023, 2048);
	struct rte_mbuf *none;

	complete_aggregate(fake, 0, 65535, 0);
	WEIR_EXPECT_EQ(weir_receive_scattered(fake->rx, &none, 1), 0);
	WEIR_EXPECT_EQ(fake->suspected, 1);
	WEIR_EXPECT(fake->rx->broken);
	fake_end(fake);
}

static void ring_sizes_between_powers_of_two_post_what_was_asked_for(void)
{
	struct fake *fake = fake_new(100, 1023, 2048);
	struct rte_mbuf *frames[64];
	uint16_t made = 0, got = 0;

	WEIR_EXPECT_EQ(fake->rx->mask, 127);
	for (unsigned int turn = 0; turn < 2000; turn++) {
		uint16_t count;

		WEIR_EXPECT(weir_ring_ahead(fake_rx_tail(fake), got) <= 100);
		while (made != fake_rx_tail(fake)) {
			fake_complete(fake, made, 64, END);
			made++;
		}
		count = weir_receive(fake->rx, frames, 64);
		got += count;
		free_all(frames, count);
	}
	WEIR_EXPECT(got != 0);
	WEIR_EXPECT_EQ(fake->suspected, 0);
	fake_end(fake);
}

static void doorbell_is_rung_one_poll_after_the_tail_and_only_when_asked(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frames[64];
	uint16_t value = 0, old_tail = fake_rx_tail(fake), count;

	/* The start of a queue always rings. */
	WEIR_EXPECT(fake_rung(fake, WEIR_DOORBELL_RX_TAIL, &value));
	WEIR_EXPECT_EQ(value, 128);
	/* A device that polls. */
	for (uint16_t i = 0; i < 64; i++)
		fake_complete(fake, i, 64, END);
	count = weir_receive(fake->rx, frames, 64);
	WEIR_EXPECT_EQ(count, 64);
	free_all(frames, count);
	WEIR_EXPECT_EQ(weir_ring_ahead(fake_rx_tail(fake), old_tail), 64);
	WEIR_EXPECT_EQ(weir_receive(fake->rx, frames, 64), 0);
	WEIR_EXPECT(!fake_rung(fake, WEIR_DOORBELL_RX_TAIL, NULL));
	/* A device that went to sleep with the tail it saw. */
	fake->rx->shadow->event_index = weir_cpu_to_le32((uint32_t)fake_rx_tail(fake));
	for (uint16_t i = 64; i < 128; i++)
		fake_complete(fake, i, 64, END);
	count = weir_receive(fake->rx, frames, 64);
	free_all(frames, count);
	WEIR_EXPECT(!fake_rung(fake, WEIR_DOORBELL_RX_TAIL, NULL));
	WEIR_EXPECT_EQ(weir_receive(fake->rx, frames, 64), 0);
	WEIR_EXPECT(fake_rung(fake, WEIR_DOORBELL_RX_TAIL, &value));
	WEIR_EXPECT_EQ(value, fake_rx_tail(fake));
	WEIR_EXPECT_EQ(weir_receive(fake->rx, frames, 64), 0);
	WEIR_EXPECT(!fake_rung(fake, WEIR_DOORBELL_RX_TAIL, NULL));
	fake_end(fake);
}

static void without_shadow_doorbells_every_tail_rings(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct weir_shadow_doorbell *shadow = fake->rx->shadow;
	struct rte_mbuf *frames[64];
	uint16_t value = 0, count;

	fake_rung(fake, WEIR_DOORBELL_RX_TAIL, NULL);
	fake->rx->shadow = NULL;
	for (uint16_t i = 0; i < 64; i++)
		fake_complete(fake, i, 64, END);
	count = weir_receive(fake->rx, frames, 64);
	free_all(frames, count);
	WEIR_EXPECT(fake_rung(fake, WEIR_DOORBELL_RX_TAIL, &value));
	WEIR_EXPECT_EQ(value, 192);
	fake->rx->shadow = shadow;
	fake_end(fake);
}

/* A service tag was taken out of frames 0 and 2, an 802.1Q tag of the others; behind the first one there is a customer's. */
static void behind_a_service_tag_the_customers_is_looked_for(void)
{
	const uint64_t vlan = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED,
		       outer = RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
	struct rte_mbuf *frames[4];

	for (unsigned int strip = 0; strip < 2; strip++) {
		struct fake *fake = fake_new(64, 255, 2048);

		fake->data.dev_conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_QINQ_STRIP |
						      (strip ? RTE_ETH_RX_OFFLOAD_VLAN_STRIP : 0);
		for (uint16_t i = 0; i < 4; i++) {
			uint8_t *data = rte_pktmbuf_mtod(fake->rx->buffers[i], uint8_t *);

			for (uint8_t k = 0; k < 100; k++)
				data[k] = k;
			/* Behind an 802.1Q tag it is nobody's business. */
			memcpy(data + 12, i < 2 ? "\x81\x00\x60\x07" : "\x88\xb5\x60\x07", 4);
			fake_complete_raw(fake, i, 100,
					  WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION) | END |
						  WEIR_RXC_VLAN_MASK |
						  (i % 2 ? 0 : WEIR_RXC_VLAN_8021AD_MASK),
					  0xa0c8, 0);
		}
		WEIR_REQUIRE_EQ(weir_receive(fake->rx, frames, 4), 4);
		for (uint16_t i = 1; i < 4; i++) {
			WEIR_EXPECT_EQ(frames[i]->ol_flags, vlan);
			WEIR_EXPECT_EQ(frames[i]->vlan_tci, 0xa0c8);
			WEIR_EXPECT_EQ(frames[i]->pkt_len, 100);
		}
		const uint8_t *data = rte_pktmbuf_mtod(frames[0], const uint8_t *);

		WEIR_EXPECT_EQ(frames[0]->ol_flags,
			       strip ? vlan | outer : RTE_MBUF_F_RX_VLAN | outer);
		WEIR_EXPECT_EQ(frames[0]->vlan_tci_outer, 0xa0c8);
		WEIR_EXPECT_EQ(frames[0]->vlan_tci, 0x6007);
		WEIR_EXPECT_EQ(frames[0]->pkt_len, strip ? 96 : 100);
		WEIR_EXPECT_EQ(frames[0]->data_len, strip ? 96 : 100);
		for (uint8_t k = 0; k < 12; k++)
			WEIR_EXPECT_EQ(data[k], k);
		for (uint8_t k = 16; k < 100; k++)
			WEIR_EXPECT_EQ(data[strip ? k - 4 : k], k);
		free_all(frames, 4);
		fake_end(fake);
	}
}

/* A frame of `buffers` buffers from buffer `first` on, the last of 100 bytes. */
static void complete_chain(struct fake *fake, uint16_t first, uint16_t buffers)
{
	for (uint16_t i = 0; i < buffers; i++)
		fake_complete_raw(fake, (uint16_t)(first + i), i + 1 == buffers ? 100 : 2048,
				  WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION) |
					  (i + 1 == buffers ? END | WEIR_RXC_VLAN_MASK : 0),
				  99, 0);
}

static void check_chain(const struct rte_mbuf *frame, uint16_t buffers)
{
	const struct rte_mbuf *segment = frame;
	uint16_t count = 0;

	WEIR_EXPECT_EQ(frame->nb_segs, buffers);
	WEIR_EXPECT_EQ(frame->pkt_len, (buffers - 1u) * 2048u + 100u);
	WEIR_EXPECT_EQ(frame->vlan_tci, 99);
	WEIR_EXPECT(frame->ol_flags == (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED));
	for (; segment; segment = segment->next, count++)
		WEIR_EXPECT_EQ(segment->data_len, segment->next ? 2048 : 100);
	WEIR_EXPECT_EQ(count, buffers);
}

static void chains_are_put_together_also_across_bursts(void)
{
	eth_rx_burst_t bursts[] = { weir_receive, weir_receive_scattered };

	for (size_t b = 0; b < RTE_DIM(bursts); b++) {
		struct fake *fake = fake_new(128, 1023, 2048);
		struct rte_mbuf *frames[64];
		uint16_t buffer = 0;

		fake->rx->chains = true;
		for (uint16_t turn = 0; turn < 3000; turn++) {
			uint16_t buffers = (uint16_t)(1 + turn % 4);

			if (buffers == 1) {
				fake_complete(fake, buffer, 64, END);
				WEIR_REQUIRE_EQ(bursts[b](fake->rx, frames, 64), 1);
				WEIR_EXPECT_EQ(frames[0]->nb_segs, 1);
			} else {
				/* All but the last first: no frame yet. */
				complete_chain(fake, buffer, buffers);
				fake->completed--;
				fake->completions[fake->completed & fake->rx->mask].flags ^=
					weir_cpu_to_le32(WEIR_RXC_PHASE_MASK);
				WEIR_REQUIRE_EQ(bursts[b](fake->rx, frames, 64), 0);
				fake->completions[fake->completed & fake->rx->mask].flags ^=
					weir_cpu_to_le32(WEIR_RXC_PHASE_MASK);
				fake->completed++;
				WEIR_REQUIRE_EQ(bursts[b](fake->rx, frames, 64), 1);
				check_chain(frames[0], buffers);
			}
			rte_pktmbuf_free(frames[0]);
			buffer = (uint16_t)(buffer + buffers);
		}
		WEIR_EXPECT_EQ(fake->rx->errors, 0);
		WEIR_EXPECT_EQ(fake->suspected, 0);
		fake_end(fake);
	}
}

static void chains_nobody_asked_for_are_dropped_and_counted(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frames[64];

	complete_chain(fake, 0, 3);
	fake_complete(fake, 3, 64, END);
	WEIR_REQUIRE_EQ(weir_receive(fake->rx, frames, 64), 1);
	WEIR_EXPECT_EQ(frames[0]->pkt_len, 64);
	rte_pktmbuf_free(frames[0]);
	WEIR_EXPECT_EQ(fake->rx->errors, 1);
	WEIR_EXPECT_EQ(fake->rx->frames, 1);
	fake_end(fake);
}

static void buffers_without_data_are_counted_and_their_frame_dropped(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frames[64];

	fake->rx->chains = true;
	fake_complete(fake, 0, 64, END);
	fake_complete(fake, 1, 0, END | WEIR_RXC_ERROR_MASK);
	fake_complete(fake, 2, 65, END);
	/* The middle of a frame failed: what came before and after it goes, too. */
	fake_complete(fake, 3, 2048, 0);
	fake_complete(fake, 4, 0, WEIR_RXC_ERROR_MASK);
	fake_complete(fake, 5, 2048, 0);
	fake_complete(fake, 6, 100, END);
	fake_complete(fake, 7, 66, END);
	WEIR_REQUIRE_EQ(weir_receive(fake->rx, frames, 64), 3);
	WEIR_EXPECT_EQ(frames[0]->pkt_len, 64);
	WEIR_EXPECT_EQ(frames[1]->pkt_len, 65);
	WEIR_EXPECT_EQ(frames[2]->pkt_len, 66);
	WEIR_EXPECT_EQ(frames[2]->nb_segs, 1);
	free_all(frames, 3);
	WEIR_EXPECT_EQ(fake->rx->transfers_failed, 2);
	WEIR_EXPECT_EQ(fake->rx->errors, 0);
	WEIR_EXPECT_EQ(fake->suspected, 0);
	fake_end(fake);
}

static void buffers_may_come_back_in_any_order(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	uint16_t pending[64], in_flight = 0, fetched = 0;
	struct rte_mbuf *frames[64];
	uint32_t got = 0, wrong = 0;

	srand(2);
	while (got < 20000) {
		uint16_t count;

		while (fetched != fake_rx_tail(fake) && in_flight < 64)
			pending[in_flight++] = fetched++;
		for (unsigned int i = below(20); i && in_flight; i--) {
			unsigned int pick = below(in_flight);
			uint16_t buffer = pending[pick];
			struct rte_mbuf *mbuf = fake->rx->buffers[buffer & fake->rx->mask];

			pending[pick] = pending[--in_flight];
			memcpy(rte_pktmbuf_mtod(mbuf, void *), &mbuf, sizeof(mbuf));
			fake_complete(fake, buffer, (uint16_t)(64 + buffer % 64), END);
		}
		count = weir_receive(fake->rx, frames, 32);
		for (uint16_t i = 0; i < count; i++) {
			struct rte_mbuf *self;

			memcpy(&self, rte_pktmbuf_mtod(frames[i], void *), sizeof(self));
			wrong += self != frames[i];
		}
		free_all(frames, count);
		got += count;
		WEIR_REQUIRE_EQ(wrong, 0);
		WEIR_REQUIRE_EQ(fake->suspected, 0);
	}
	WEIR_EXPECT(fake->rx->disordered);
	fake_end(fake);
}

/* One completion that cannot be true: no frame, the function under suspicion, and nothing more is taken. */
static void check_false_completion(uint16_t buffer, uint16_t length, uint32_t flags)
{
	eth_rx_burst_t bursts[] = { weir_receive, weir_receive_scattered };

	for (size_t b = 0; b < RTE_DIM(bursts); b++) {
		struct fake *fake = fake_new(64, 1023, 2048);
		struct rte_mbuf *frames[64];

		fake_complete(fake, 0, 64, END);
		fake_complete_raw(fake, buffer, length, flags, 0, 0);
		fake_complete(fake, 2, 64, END);
		WEIR_REQUIRE_EQ(bursts[b](fake->rx, frames, 64), 1);
		rte_pktmbuf_free(frames[0]);
		WEIR_EXPECT_EQ(fake->suspected, 1);
		WEIR_EXPECT_EQ(fake->rx->bad_entries, 1);
		WEIR_EXPECT_EQ(bursts[b](fake->rx, frames, 64), 0);
		WEIR_EXPECT_EQ(fake->suspected, 1);
		fake_end(fake);
	}
}

static void false_completions_put_the_function_under_suspicion(void)
{
	const uint32_t right = END | WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION);
	const uint32_t late = END | WEIR_PREP(WEIR_RXC_GENERATION, FAKE_GENERATION - 1);

	check_false_completion(0, 64, right);	/* a buffer that has been given back */
	check_false_completion(1, 2049, right); /* longer than the buffer */
	check_false_completion(1, 65535, right);
	check_false_completion(1, 0, right); /* nothing in it */
	check_false_completion(1, 64, late); /* of the function's last life */
}

static void endless_frames_are_stopped(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	struct rte_mbuf *frames[64];

	fake->rx->chains = true;
	for (uint16_t i = 0; i < 60; i++)
		fake_complete(fake, i, 2048, 0);
	WEIR_EXPECT_EQ(weir_receive(fake->rx, frames, 64), 0);
	WEIR_EXPECT_EQ(fake->suspected, 1);
	fake_end(fake);
}

static void an_empty_mempool_is_counted_and_outlived(void)
{
	struct fake *fake = fake_new(128, 191, 2048);
	struct rte_mbuf *kept[256], *frames[64];
	uint16_t made = 0, count = 0, taken;

	/* The application keeps what it gets, until nothing can be posted. */
	for (unsigned int turn = 0; turn < 20; turn++) {
		while (made != fake_rx_tail(fake))
			fake_complete(fake, made++, 64, END);
		count += weir_receive(fake->rx, kept + count, 32);
	}
	WEIR_EXPECT(fake->rx->no_mbufs != 0);
	WEIR_EXPECT(fake->data.rx_mbuf_alloc_failed != 0);
	WEIR_EXPECT(count >= 128);
	free_all(kept, count);
	/* And goes on when it is given back. */
	taken = 0;
	for (unsigned int turn = 0; turn < 20; turn++) {
		uint16_t now;

		while (made != fake_rx_tail(fake))
			fake_complete(fake, made++, 64, END);
		now = weir_receive(fake->rx, frames, 32);
		free_all(frames, now);
		taken += now;
	}
	WEIR_EXPECT(taken > 128);
	WEIR_EXPECT_EQ(fake->suspected, 0);
	fake_end(fake);
}

static void queue_count_and_status_tell_what_has_come(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frames[64];

	for (uint16_t turn = 0; turn < 2000; turn++) {
		uint16_t ready = (uint16_t)(turn % 60);

		WEIR_REQUIRE_EQ(weir_rx_queue_count(fake->rx), 0);
		WEIR_REQUIRE_EQ(weir_rx_descriptor_status(fake->rx, 0), RTE_ETH_RX_DESC_AVAIL);
		for (uint16_t i = 0; i < ready; i++)
			fake_complete(fake, (uint16_t)(fake->rx->taken + i), 64, END);
		WEIR_REQUIRE_EQ(weir_rx_queue_count(fake->rx), ready);
		if (ready)
			WEIR_REQUIRE_EQ(weir_rx_descriptor_status(fake->rx, (uint16_t)(ready - 1)),
					RTE_ETH_RX_DESC_DONE);
		WEIR_REQUIRE_EQ(weir_rx_descriptor_status(fake->rx, ready), RTE_ETH_RX_DESC_AVAIL);
		WEIR_REQUIRE_EQ(weir_receive(fake->rx, frames, 64), ready);
		free_all(frames, ready);
	}
	WEIR_EXPECT_EQ(weir_rx_descriptor_status(fake->rx, 128), -EINVAL);
	fake_end(fake);
}

const struct weir_test receive_tests[] = {
	{ "dpdk.receive.frames_come_in_order_through_every_wrap",
	  frames_come_in_order_through_every_wrap },
	{ "dpdk.receive.behind_a_service_tag_the_customers_is_looked_for",
	  behind_a_service_tag_the_customers_is_looked_for },
	{ "dpdk.receive.checksum_states_become_flags_of_the_mbuf",
	  checksum_states_become_flags_of_the_mbuf },
	{ "dpdk.receive.an_aggregate_is_a_chain_of_its_buffers",
	  an_aggregate_is_a_chain_of_its_buffers },
	{ "dpdk.receive.an_aggregate_of_more_than_was_posted_is_not_believed",
	  an_aggregate_of_more_than_was_posted_is_not_believed },
	{ "dpdk.receive.ring_sizes_between_powers_of_two_post_what_was_asked_for",
	  ring_sizes_between_powers_of_two_post_what_was_asked_for },
	{ "dpdk.receive.doorbell_is_rung_one_poll_after_the_tail_and_only_when_asked",
	  doorbell_is_rung_one_poll_after_the_tail_and_only_when_asked },
	{ "dpdk.receive.without_shadow_doorbells_every_tail_rings",
	  without_shadow_doorbells_every_tail_rings },
	{ "dpdk.receive.chains_are_put_together_also_across_bursts",
	  chains_are_put_together_also_across_bursts },
	{ "dpdk.receive.chains_nobody_asked_for_are_dropped_and_counted",
	  chains_nobody_asked_for_are_dropped_and_counted },
	{ "dpdk.receive.buffers_without_data_are_counted_and_their_frame_dropped",
	  buffers_without_data_are_counted_and_their_frame_dropped },
	{ "dpdk.receive.buffers_may_come_back_in_any_order", buffers_may_come_back_in_any_order },
	{ "dpdk.receive.false_completions_put_the_function_under_suspicion",
	  false_completions_put_the_function_under_suspicion },
	{ "dpdk.receive.endless_frames_are_stopped", endless_frames_are_stopped },
	{ "dpdk.receive.an_empty_mempool_is_counted_and_outlived",
	  an_empty_mempool_is_counted_and_outlived },
	{ "dpdk.receive.queue_count_and_status_tell_what_has_come",
	  queue_count_and_status_tell_what_has_come },
};
const size_t receive_tests_count = WEIR_TESTS(receive_tests);
