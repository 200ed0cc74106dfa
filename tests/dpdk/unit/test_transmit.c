/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK driver's transmit bursts against a device that the test plays, well behaved and not. */
#include <stdlib.h>

#include <rte_errno.h>

#include "datapath.h"

/* Checks a descriptor, by the number it was posted under. */
static void check_descriptor(const struct fake *fake, uint16_t number,
			     const struct rte_mbuf *segment, uint16_t flags, uint16_t vlan_tci)
{
	const struct weir_tx_descriptor *descriptor = &fake->tx->ring[number & fake->tx->mask];

	WEIR_EXPECT_EQ(weir_le64_to_cpu(descriptor->address), rte_mbuf_data_iova(segment));
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->length), segment->data_len);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->flags), flags);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->vlan_tci), vlan_tci);
	WEIR_EXPECT_EQ(descriptor->checksum, 0);
}

static void descriptors_say_where_the_frames_are(void)
{
	eth_tx_burst_t bursts[] = { weir_transmit_simple, weir_transmit };

	for (size_t b = 0; b < RTE_DIM(bursts); b++) {
		struct fake *fake = fake_new(128, 1023, 2048);
		struct rte_mbuf *frames[3] = { frame_new(fake, 60, 0), frame_new(fake, 1514, 13),
					       frame_new(fake, 14, 63) };

		WEIR_REQUIRE_EQ(bursts[b](fake->tx, frames, 3), 3);
		WEIR_EXPECT_EQ(fake_tx_tail(fake), 3);
		check_descriptor(fake, 0, frames[0], WEIR_TXD_END_MASK, 0);
		check_descriptor(fake, 1, frames[1], WEIR_TXD_END_MASK, 0);
		check_descriptor(fake, 2, frames[2], WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK, 0);
		WEIR_EXPECT_EQ(fake->tx->frames, 3);
		WEIR_EXPECT_EQ(fake->tx->bytes, 60 + 1514 + 14);
		WEIR_EXPECT(!fake_rung(fake, WEIR_DOORBELL_TX_TAIL, NULL));
		fake_end(fake);
	}
}

static void a_sleeping_device_is_rung_at_once(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frame = frame_new(fake, 60, 0);
	uint16_t value = 0;

	fake->tx->shadow->event_index = 0;
	WEIR_REQUIRE_EQ(weir_transmit_simple(fake->tx, &frame, 1), 1);
	WEIR_EXPECT(fake_rung(fake, WEIR_DOORBELL_TX_TAIL, &value));
	WEIR_EXPECT_EQ(value, 1);
	frame = frame_new(fake, 60, 0);
	WEIR_REQUIRE_EQ(weir_transmit_simple(fake->tx, &frame, 1), 1);
	WEIR_EXPECT(!fake_rung(fake, WEIR_DOORBELL_TX_TAIL, NULL));
	fake_end(fake);
}

static void segments_become_descriptors_and_empty_ones_none(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frame = frame_new(fake, 20, 1), *middle = frame_new(fake, 0, 0),
			*last = frame_new(fake, 100, 5), *tail_end = frame_new(fake, 0, 0);

	frame->next = middle;
	middle->next = last;
	last->next = tail_end;
	frame->nb_segs = 4;
	frame->pkt_len = 120;
	frame->ol_flags = RTE_MBUF_F_TX_VLAN;
	frame->vlan_tci = 0x6123;
	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, &frame, 1), 1);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 2);
	check_descriptor(fake, 0, frame, WEIR_TXD_VLAN_MASK, 0x6123);
	check_descriptor(fake, 1, last, WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK, 0);
	WEIR_EXPECT_EQ(fake->tx->bytes, 120);
	fake_end(fake);
}

/* The device puts in the outer one, by its descriptor; the inner one is in the frame by then. */
static void of_two_tags_the_inner_one_is_put_into_the_frame(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frame = frame_new(fake, 60, 0);
	uint8_t *before = rte_pktmbuf_mtod(frame, uint8_t *);
	const uint8_t *data;

	for (uint8_t i = 0; i < 60; i++)
		before[i] = i;
	frame->ol_flags = RTE_MBUF_F_TX_QINQ | RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV4;
	frame->vlan_tci = 0x6007;
	frame->vlan_tci_outer = 0xa0c8;
	frame->l2_len = 14;
	frame->l3_len = 20;
	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, &frame, 1), 1);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 1);
	const struct weir_tx_descriptor *descriptor = &fake->tx->ring[0];

	data = rte_pktmbuf_mtod(frame, const uint8_t *);
	WEIR_EXPECT(data == before - 4);
	WEIR_EXPECT_EQ(weir_le64_to_cpu(descriptor->address), rte_mbuf_data_iova(frame));
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->length), 64);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->flags),
		       WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK | WEIR_TXD_CHECKSUM_MASK |
			       WEIR_TXD_VLAN_MASK | WEIR_TXD_VLAN_8021AD_MASK);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->vlan_tci), 0xa0c8);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->checksum), 38 | 6 << 8);
	for (uint8_t i = 0; i < 12; i++)
		WEIR_EXPECT_EQ(data[i], i);
	WEIR_EXPECT_MEM(data + 12, "\x81\x00\x60\x07", 4);
	for (uint8_t i = 12; i < 60; i++)
		WEIR_EXPECT_EQ(data[4 + i], i);
	fake_end(fake);
}

/* One that somebody else holds too, one without headroom, one that both tags make too long, a checksum that they move out of reach. */
static void frames_that_two_tags_do_not_fit_are_refused(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frames[4] = { frame_new(fake, 60, 0), frame_new(fake, 60, 0),
				       frame_new(fake, 9209, 0), frame_new(fake, 200, 0) };

	for (uint16_t i = 0; i < 4; i++)
		frames[i]->ol_flags = RTE_MBUF_F_TX_QINQ;
	rte_mbuf_refcnt_set(frames[0], 2);
	rte_pktmbuf_prepend(frames[1], (uint16_t)(rte_pktmbuf_headroom(frames[1]) - 3));
	frames[3]->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV4;
	frames[3]->l2_len = 97;
	frames[3]->l3_len = 84; /* as long as options and extension headers may be */
	for (uint16_t i = 0; i < 4; i++) {
		WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, &frames[i], 1), 0);
		WEIR_EXPECT_EQ(rte_errno, EINVAL);
	}
	WEIR_EXPECT_EQ(weir_transmit(fake->tx, frames, 4), 4);
	WEIR_EXPECT_EQ(fake->tx->dropped, 4);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 0);
	rte_pktmbuf_free(frames[0]);
	fake_end(fake);
}

/* A ring that is full gives a frame back as it was. */
static void a_full_ring_puts_no_tag_in(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	struct rte_mbuf *frame;

	for (uint16_t i = 0; i < 64; i++) {
		frame = frame_new(fake, 60, 0);
		WEIR_REQUIRE_EQ(weir_transmit(fake->tx, &frame, 1), 1);
	}
	frame = frame_new(fake, 60, 0);
	frame->ol_flags = RTE_MBUF_F_TX_QINQ;
	frame->l2_len = 14;
	WEIR_EXPECT_EQ(weir_transmit(fake->tx, &frame, 1), 0);
	WEIR_EXPECT_EQ(frame->pkt_len, 60);
	WEIR_EXPECT_EQ(frame->l2_len, 14);
	rte_pktmbuf_free(frame);
	fake_end(fake);
}

/* What asks for checksums, and where the descriptor then says they are. */
static void checksums_are_asked_for_by_place(void)
{
	static const struct {
		uint64_t flags;
		uint16_t l2, l3, wanted_flags, wanted_where;
	} cases[] = {
		{ RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4, 14, 20, WEIR_TXD_CHECKSUM_MASK,
		  34 | 16 << 8 },
		{ RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV6, 18, 40, WEIR_TXD_CHECKSUM_MASK,
		  58 | 6 << 8 },
		{ RTE_MBUF_F_TX_SCTP_CKSUM | RTE_MBUF_F_TX_IPV4, 14, 24,
		  WEIR_TXD_CHECKSUM_MASK | WEIR_TXD_CRC32C_MASK, 38 | 8 << 8 },
		{ RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4, 14, 20, WEIR_TXD_IPV4_CHECKSUM_MASK,
		  0 },
		{ RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV4, 14, 20,
		  WEIR_TXD_IPV4_CHECKSUM_MASK | WEIR_TXD_CHECKSUM_MASK, 34 | 6 << 8 },
		{ RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV6, 14, 96, WEIR_TXD_CHECKSUM_MASK,
		  110 | 16 << 8 },
	};
	struct fake *fake = fake_new(128, 1023, 2048);

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct rte_mbuf *frame = frame_new(fake, 60, 0), *rest = frame_new(fake, 200, 3);
		const struct weir_tx_descriptor *first = &fake->tx->ring[2 * i];

		frame->next = rest;
		frame->nb_segs = 2;
		frame->pkt_len = 260;
		frame->ol_flags = cases[i].flags;
		frame->l2_len = cases[i].l2;
		frame->l3_len = cases[i].l3;
		WEIR_REQUIRE_EQ(weir_transmit(fake->tx, &frame, 1), 1);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(first->flags), cases[i].wanted_flags);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(first->checksum), cases[i].wanted_where);
		/* The second one asks for nothing. */
		WEIR_EXPECT_EQ(weir_le16_to_cpu(first[1].checksum), 0);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(first[1].flags),
			       WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK);
	}
	WEIR_EXPECT_EQ(fake->tx->dropped, 0);
	fake_end(fake);
}

/* A field beyond the device's reach: prepare refuses the frame, a burst drops it. */
static void checksums_beyond_reach_are_refused(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frame = frame_new(fake, 300, 0);

	frame->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV6;
	frame->l2_len = 14;
	frame->l3_len = 161;
	WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, &frame, 1), 0);
	WEIR_EXPECT_EQ(rte_errno, EINVAL);
	WEIR_EXPECT_EQ(weir_transmit(fake->tx, &frame, 1), 1);
	WEIR_EXPECT_EQ(fake->tx->dropped, 1);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 0);
	/* Tunnels have a checksum too many. */
	frame = frame_new(fake, 300, 0);
	frame->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TUNNEL_VXLAN;
	WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, &frame, 1), 0);
	WEIR_EXPECT_EQ(rte_errno, ENOTSUP);
	rte_pktmbuf_free(frame);
	fake_end(fake);
}

/* The seed is that of the pseudo header, as specs/checksum.md works it out. */
static void prepare_leaves_the_pseudo_headers_sum(void)
{
	static const uint8_t packet[] = { 0x45, 0,    0, 31, 0x12, 0x34, 0,  0,	  64, 17,   0xaa,
					  0xbb, 192,  0, 2,  1,	   198,	 51, 100, 2,  0x11, 0x22,
					  0x33, 0x44, 0, 11, 0,	   0,	 1,  2,	  3 };
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frame = frame_new(fake, 14 + sizeof(packet), 0);
	uint8_t *data = rte_pktmbuf_mtod(frame, uint8_t *);

	memcpy(data + 14, packet, sizeof(packet));
	frame->ol_flags = RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	frame->l2_len = 14;
	frame->l3_len = 20;
	frame->l4_len = 8;
	WEIR_REQUIRE_EQ(weir_transmit_prepare(fake->tx, &frame, 1), 1);
	WEIR_EXPECT_EQ(data[40], 0xec);
	WEIR_EXPECT_EQ(data[41], 0x53);
	rte_pktmbuf_free(frame);
	fake_end(fake);
}

static void every_mbuf_comes_back_through_every_wrap(void)
{
	eth_tx_burst_t bursts[] = { weir_transmit_simple, weir_transmit };

	for (size_t b = 0; b < RTE_DIM(bursts); b++) {
		struct fake *fake = fake_new(100, 1023, 2048);
		uint16_t head = 0;
		uint32_t sent = 0;

		srand(3);
		while (sent < 3 * 65536) {
			struct rte_mbuf *frames[64];
			uint16_t wanted = (uint16_t)(1 + below(64)), done, out;

			for (uint16_t i = 0; i < wanted; i++)
				frames[i] = frame_new(fake, 64, 0);
			done = bursts[b](fake->tx, frames, wanted);
			for (uint16_t i = done; i < wanted; i++)
				rte_pktmbuf_free(frames[i]);
			sent += done;
			out = weir_ring_ahead(fake_tx_tail(fake), head);
			WEIR_REQUIRE(out <= 100);
			head = (uint16_t)(head + below(out + 1u));
			__atomic_store_n(fake->head, weir_cpu_to_le32((uint32_t)head),
					 __ATOMIC_RELEASE);
		}
		WEIR_EXPECT_EQ(fake->tx->frames, sent);
		WEIR_EXPECT_EQ(fake->suspected, 0);
		fake_end(fake);
	}
}

static void a_full_ring_takes_nothing_and_goes_on_when_there_is_room(void)
{
	eth_tx_burst_t bursts[] = { weir_transmit_simple, weir_transmit };

	for (size_t b = 0; b < RTE_DIM(bursts); b++) {
		struct fake *fake = fake_new(64, 1023, 2048);
		struct rte_mbuf *frames[80];

		for (uint16_t i = 0; i < 80; i++)
			frames[i] = frame_new(fake, 64, 0);
		WEIR_REQUIRE_EQ(bursts[b](fake->tx, frames, 80), 64);
		WEIR_EXPECT_EQ(bursts[b](fake->tx, frames + 64, 16), 0);
		*fake->head = weir_cpu_to_le32(10);
		WEIR_EXPECT_EQ(bursts[b](fake->tx, frames + 64, 16), 10);
		WEIR_EXPECT_EQ(fake_tx_tail(fake), 74);
		free_all(frames + 74, 6);
		fake_end(fake);
	}
}

static void a_frame_is_never_sent_in_part(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	struct rte_mbuf *singles[62], *frame = frame_new(fake, 30, 0);

	for (uint16_t i = 0; i < 62; i++)
		singles[i] = frame_new(fake, 64, 0);
	frame->next = frame_new(fake, 30, 0);
	frame->next->next = frame_new(fake, 30, 0);
	frame->nb_segs = 3;
	frame->pkt_len = 90;
	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, singles, 62), 62);
	WEIR_EXPECT_EQ(weir_transmit(fake->tx, &frame, 1), 0);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 62);
	*fake->head = weir_cpu_to_le32(1);
	WEIR_EXPECT_EQ(weir_transmit(fake->tx, &frame, 1), 1);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 65);
	fake_end(fake);
}

static void shared_and_attached_mbufs_are_freed_as_they_should(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	struct rte_mbuf *frames[3];

	frames[0] = frame_new(fake, 64, 0);
	rte_mbuf_refcnt_update(frames[0], 1); /* the application keeps one reference */
	frames[1] = rte_pktmbuf_clone(frames[0], fake->pool);
	WEIR_REQUIRE(frames[1] != NULL);
	frames[2] = frame_new(fake, 64, 0);
	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, frames, 3), 3);
	*fake->head = weir_cpu_to_le32(3);
	WEIR_EXPECT_EQ(weir_tx_done_cleanup(fake->tx, 0), 3);
	WEIR_EXPECT_EQ(rte_mbuf_refcnt_read(frames[0]), 1);
	rte_pktmbuf_free(frames[0]);
	fake_end(fake);
}

static void frames_no_device_could_send_are_dropped_and_counted(void)
{
	struct fake *fake = fake_new(128, 1023, 9300);
	struct rte_mbuf *simple[4] = { frame_new(fake, 13, 0), frame_new(fake, 9217, 0),
				       frame_new(fake, 64, 0), frame_new(fake, 0, 0) };
	struct rte_mbuf *full[4] = { frame_new(fake, 64, 0), frame_new(fake, 13, 0),
				     frame_new(fake, 9216, 0), frame_new(fake, 64, 0) };
	struct rte_mbuf *last = full[3];

	WEIR_REQUIRE_EQ(weir_transmit_simple(fake->tx, simple, 4), 4);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 1);
	WEIR_EXPECT_EQ(fake->tx->dropped, 3);
	check_descriptor(fake, 0, simple[2], WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK, 0);

	/* With a tag 9216 are too long; 33 segments are too many. */
	full[2]->ol_flags = RTE_MBUF_F_TX_VLAN;
	for (unsigned int i = 1; i < 33; i++) {
		last->next = frame_new(fake, 1, 0);
		last = last->next;
		full[3]->nb_segs++;
		full[3]->pkt_len++;
	}
	WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, full, 4), 1);
	WEIR_EXPECT_EQ(rte_errno, EINVAL);
	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, full, 4), 4);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 2);
	WEIR_EXPECT_EQ(fake->tx->dropped, 6);
	WEIR_EXPECT_EQ(fake->tx->frames, 2);
	WEIR_EXPECT_EQ(fake->suspected, 0);
	fake_end(fake);
}

static void offloads_the_device_lacks_are_refused_by_prepare(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	struct rte_mbuf *frame = frame_new(fake, 64, 0);

	frame->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_VLAN;
	WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, &frame, 1), 1);
	frame->ol_flags |= RTE_MBUF_F_TX_OUTER_IP_CKSUM;
	WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, &frame, 1), 0);
	WEIR_EXPECT_EQ(rte_errno, ENOTSUP);
	rte_pktmbuf_free(frame);
	fake_end(fake);
}

static void false_heads_put_the_function_under_suspicion(void)
{
	eth_tx_burst_t bursts[] = { weir_transmit_simple, weir_transmit };

	for (size_t b = 0; b < RTE_DIM(bursts); b++) {
		struct fake *fake = fake_new(64, 1023, 2048);
		struct rte_mbuf *frames[64], *more = frame_new(fake, 64, 0);

		for (uint16_t i = 0; i < 64; i++)
			frames[i] = frame_new(fake, 64, 0);
		WEIR_REQUIRE_EQ(bursts[b](fake->tx, frames, 64), 64);
		*fake->head = weir_cpu_to_le32(65);
		WEIR_EXPECT_EQ(bursts[b](fake->tx, &more, 1), 0);
		WEIR_EXPECT_EQ(fake->suspected, 1);
		WEIR_EXPECT_EQ(fake->tx->bad_heads, 1);
		*fake->head = weir_cpu_to_le32(64);
		WEIR_EXPECT_EQ(bursts[b](fake->tx, &more, 1), 0);
		rte_pktmbuf_free(more);
		fake_end(fake);
	}
}

static void descriptor_status_tells_what_is_out(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	struct rte_mbuf *frames[48];

	for (uint16_t i = 0; i < 48; i++)
		frames[i] = frame_new(fake, 64, 0);
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 0), RTE_ETH_TX_DESC_DONE);
	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, frames, 48), 48);
	/* Offset 0 is the next to be written; the last written is a ring's length before that. */
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 0), RTE_ETH_TX_DESC_DONE);
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 15), RTE_ETH_TX_DESC_DONE);
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 16), RTE_ETH_TX_DESC_FULL);
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 63), RTE_ETH_TX_DESC_FULL);
	*fake->head = weir_cpu_to_le32(40);
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 55), RTE_ETH_TX_DESC_DONE);
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 56), RTE_ETH_TX_DESC_FULL);
	WEIR_EXPECT_EQ(weir_tx_descriptor_status(fake->tx, 64), -EINVAL);
	fake_end(fake);
}

/* TCP over IPv4 with 32 bytes of TCP header, `first` bytes in the first mbuf, then two more. */
static struct rte_mbuf *large_new(struct fake *fake, uint16_t first)
{
	struct rte_mbuf *frame = frame_new(fake, first, 3), *second = frame_new(fake, 2000, 0),
			*third = frame_new(fake, 1999, 7);

	frame->next = second;
	second->next = third;
	frame->nb_segs = 3;
	frame->pkt_len = first + 2000u + 1999u;
	frame->ol_flags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4;
	frame->l2_len = 14;
	frame->l3_len = 20;
	frame->l4_len = 32;
	frame->tso_segsz = 1448;
	return frame;
}

static void check_place(const struct fake *fake, uint16_t number, uint64_t address, uint32_t length,
			uint32_t flags, uint32_t mss, uint32_t checksum)
{
	const struct weir_tx_descriptor *descriptor = &fake->tx->ring[number & fake->tx->mask];

	WEIR_EXPECT_EQ(weir_le64_to_cpu(descriptor->address), address);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->length), length);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->flags), flags);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->vlan_tci), mss);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(descriptor->checksum), checksum);
}

/* Headers have a descriptor of their own, the next one says where to cut (specs/segmentation.md). */
static void frames_to_be_cut_have_their_headers_apart(void)
{
	const uint32_t last = WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK;
	const uint32_t cut = WEIR_TXD_SEGMENT_MASK | WEIR_TXD_CHECKSUM_MASK;
	struct fake *fake = fake_new(128, 1023, 2048);
	struct rte_mbuf *frame = large_new(fake, 66), *next;

	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, &frame, 1), 1);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 3);
	check_place(fake, 0, rte_mbuf_data_iova(frame), 66, cut, 0, 34 | 16 << 8);
	check_place(fake, 1, rte_mbuf_data_iova(frame->next), 2000, 0, 1448, 0);
	check_place(fake, 2, rte_mbuf_data_iova(frame->next->next), 1999, last, 0, 0);
	/* Headers and payload in one mbuf; UDP; a tag. */
	next = large_new(fake, 100);
	next->ol_flags = RTE_MBUF_F_TX_UDP_SEG | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
			 RTE_MBUF_F_TX_VLAN;
	next->vlan_tci = 0x123;
	next->l4_len = 8;
	WEIR_REQUIRE_EQ(weir_transmit(fake->tx, &next, 1), 1);
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 7);
	check_place(fake, 3, rte_mbuf_data_iova(next), 42,
		    cut | WEIR_TXD_VLAN_MASK | WEIR_TXD_IPV4_CHECKSUM_MASK, 0x123, 34 | 6 << 8);
	check_place(fake, 4, rte_mbuf_data_iova(next) + 42, 58, 0, 1448, 0);
	check_place(fake, 5, rte_mbuf_data_iova(next->next), 2000, 0, 0, 0);
	check_place(fake, 6, rte_mbuf_data_iova(next->next->next), 1999, last, 0, 0);
	WEIR_EXPECT_EQ(fake->tx->dropped, 0);
	fake_end(fake);
}

static void what_cannot_be_cut_is_refused(void)
{
	struct fake *fake = fake_new(128, 1023, 2048);

	for (uint32_t i = 0; i < 8; i++) {
		struct rte_mbuf *frame = large_new(fake, i == 3 ? 65 : 200);

		switch (i) {
		case 0:
			frame->tso_segsz = WEIR_SEGMENT_MIN_BYTES - 1;
			break;
		case 1:
			frame->tso_segsz = WEIR_MAX_FRAME_BYTES - 66 + 1;
			break;
		case 2:
			frame->l3_len = WEIR_SEGMENT_HEADER_BYTES - 14 - 32 + 1;
			break;
		case 3: /* the headers are not all in the first mbuf */
			break;
		case 4:
			frame->l4_len = 0;
			break;
		case 5:
			frame->pkt_len = WEIR_SEGMENT_FRAME_BYTES + 1;
			break;
		case 6:
			frame->ol_flags |= RTE_MBUF_F_TX_UDP_SEG;
			break;
		default:
			frame->pkt_len = 66;
		}
		WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, &frame, 1), 0);
		WEIR_EXPECT_EQ(rte_errno, EINVAL);
		WEIR_EXPECT_EQ(weir_transmit(fake->tx, &frame, 1), 1);
		WEIR_EXPECT_EQ(fake->tx->dropped, i + 1);
	}
	WEIR_EXPECT_EQ(fake_tx_tail(fake), 0);
	fake_end(fake);
}

/* C000h + 0201h + C633h + 6402h, the addresses, and the protocol: the carry added in. */
static void prepare_leaves_a_sum_without_a_length_where_it_is_cut(void)
{
	static const uint8_t ip[] = { 0x45, 0, 0x10, 0, 0, 0, 0,   0,  64,  17,
				      0,    0, 192,  0, 2, 1, 198, 51, 100, 2 };
	struct fake *fake = fake_new(128, 1023, 2048);

	for (uint32_t udp = 0; udp < 2; udp++) {
		struct rte_mbuf *frame = large_new(fake, 100);
		uint8_t *data = rte_pktmbuf_mtod(frame, uint8_t *);
		uint32_t wanted = 0xec37 + (udp ? 17 : 6), field = 34 + (udp ? 6 : 16);

		memcpy(data + 14, ip, sizeof(ip));
		data[23] = udp ? 17 : 6;
		if (udp) {
			frame->ol_flags = RTE_MBUF_F_TX_UDP_SEG | RTE_MBUF_F_TX_IPV4;
			frame->l4_len = 8;
		}
		WEIR_EXPECT_EQ(weir_transmit_prepare(fake->tx, &frame, 1), 1);
		WEIR_EXPECT_EQ((uint32_t)data[field] << 8 | data[field + 1], wanted);
		rte_pktmbuf_free(frame);
	}
	fake_end(fake);
}

const struct weir_test transmit_tests[] = {
	{ "dpdk.transmit.frames_to_be_cut_have_their_headers_apart",
	  frames_to_be_cut_have_their_headers_apart },
	{ "dpdk.transmit.what_cannot_be_cut_is_refused", what_cannot_be_cut_is_refused },
	{ "dpdk.transmit.prepare_leaves_a_sum_without_a_length_where_it_is_cut",
	  prepare_leaves_a_sum_without_a_length_where_it_is_cut },
	{ "dpdk.transmit.descriptors_say_where_the_frames_are",
	  descriptors_say_where_the_frames_are },
	{ "dpdk.transmit.a_sleeping_device_is_rung_at_once", a_sleeping_device_is_rung_at_once },
	{ "dpdk.transmit.segments_become_descriptors_and_empty_ones_none",
	  segments_become_descriptors_and_empty_ones_none },
	{ "dpdk.transmit.of_two_tags_the_inner_one_is_put_into_the_frame",
	  of_two_tags_the_inner_one_is_put_into_the_frame },
	{ "dpdk.transmit.frames_that_two_tags_do_not_fit_are_refused",
	  frames_that_two_tags_do_not_fit_are_refused },
	{ "dpdk.transmit.a_full_ring_puts_no_tag_in", a_full_ring_puts_no_tag_in },
	{ "dpdk.transmit.checksums_are_asked_for_by_place", checksums_are_asked_for_by_place },
	{ "dpdk.transmit.checksums_beyond_reach_are_refused", checksums_beyond_reach_are_refused },
	{ "dpdk.transmit.prepare_leaves_the_pseudo_headers_sum",
	  prepare_leaves_the_pseudo_headers_sum },
	{ "dpdk.transmit.every_mbuf_comes_back_through_every_wrap",
	  every_mbuf_comes_back_through_every_wrap },
	{ "dpdk.transmit.a_full_ring_takes_nothing_and_goes_on_when_there_is_room",
	  a_full_ring_takes_nothing_and_goes_on_when_there_is_room },
	{ "dpdk.transmit.a_frame_is_never_sent_in_part", a_frame_is_never_sent_in_part },
	{ "dpdk.transmit.shared_and_attached_mbufs_are_freed_as_they_should",
	  shared_and_attached_mbufs_are_freed_as_they_should },
	{ "dpdk.transmit.frames_no_device_could_send_are_dropped_and_counted",
	  frames_no_device_could_send_are_dropped_and_counted },
	{ "dpdk.transmit.offloads_the_device_lacks_are_refused_by_prepare",
	  offloads_the_device_lacks_are_refused_by_prepare },
	{ "dpdk.transmit.false_heads_put_the_function_under_suspicion",
	  false_heads_put_the_function_under_suspicion },
	{ "dpdk.transmit.descriptor_status_tells_what_is_out", descriptor_status_tells_what_is_out },
};
const size_t transmit_tests_count = WEIR_TESTS(transmit_tests);
