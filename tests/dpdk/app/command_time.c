/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * time: port 0, a VF, and port 1, the PF of the same card. The card's clock, the time in every received mbuf, and timesync: what the
 * sender and the receiver of a PTP frame are told is the same number.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf_dyn.h>
#include <rte_time.h>

#define TIMEOUT_S 20.0
#define FRAMES	  2000u
#define EPOCH_S	  1700000000

static int offset;
static uint64_t flag;
static struct rte_mempool *senders; /* of mbufs that any frame fits into */

static uint64_t clock_of(const struct port *port)
{
	uint64_t clock = 0;
	int error = rte_eth_read_clock(port->id, &clock);

	CHECK(!error, "port %u: the clock cannot be read: %s", port->id, rte_strerror(-error));
	return clock;
}

/* One frame from one port to another; the mbuf that came. */
static struct rte_mbuf *pass(const struct port *from, const struct port *to, uint16_t type,
			     uint16_t bytes, uint64_t flags)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(senders), *got;
	double deadline = check_seconds() + TIMEOUT_S;
	struct rte_ether_hdr *header;

	CHECK(mbuf, "no mbuf");
	header = (void *)rte_pktmbuf_append(mbuf, bytes);
	memset(header, 0x2d, bytes);
	header->dst_addr = to->mac;
	header->src_addr = from->mac;
	header->ether_type = rte_cpu_to_be_16(type);
	mbuf->ol_flags = flags;
	while (rte_eth_tx_burst(from->id, 0, &mbuf, 1) != 1)
		CHECK(check_seconds() < deadline, "the frame is not sent");
	for (;;) {
		if (rte_eth_rx_burst(to->id, 0, &got, 1) == 1) {
			header = rte_pktmbuf_mtod(got, struct rte_ether_hdr *);
			if (header->ether_type == rte_cpu_to_be_16(type) && got->pkt_len == bytes)
				break;
			rte_pktmbuf_free(got);
		}
		CHECK(check_seconds() < deadline, "the frame has not come");
	}
	CHECK(got->ol_flags & flag, "a frame without a time");
	return got;
}

static uint64_t time_of(const struct rte_mbuf *mbuf)
{
	return *RTE_MBUF_DYNFIELD(mbuf, offset, const rte_mbuf_timestamp_t *);
}

/* Every frame's time lies between those before it was sent and after it came. */
static void every_frame_has_its_time(const struct port *from, const struct port *to)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint64_t before = i % 50 ? last : clock_of(from), time;
		struct rte_mbuf *got =
			pass(from, to, 0x88b5, (uint16_t)(60 + check_random(3000)), 0);

		time = time_of(got);
		CHECK(time >= before && time >= last, "frame %u came at %llu, before %llu", i,
		      (unsigned long long)time, (unsigned long long)before);
		if (i % 50 == 0)
			CHECK(time <= clock_of(to), "frame %u has not come yet", i);
		CHECK(!(got->ol_flags & RTE_MBUF_F_RX_IEEE1588_PTP), "it is no PTP frame");
		last = time;
		rte_pktmbuf_free(got);
	}
}

static void both_ends_are_told_the_same(const struct port *from, const struct port *to)
{
	double deadline = check_seconds() + TIMEOUT_S;
	struct timespec sent, received;

	for (uint32_t i = 0; i < 200; i++) {
		struct rte_mbuf *got =
			pass(from, to, RTE_ETHER_TYPE_1588, 90, RTE_MBUF_F_TX_IEEE1588_TMST);

		CHECK((got->ol_flags & RTE_MBUF_F_RX_IEEE1588_PTP) &&
			      (got->ol_flags & RTE_MBUF_F_RX_IEEE1588_TMST),
		      "a PTP frame that is not told as one");
		CHECK(!rte_eth_timesync_read_rx_timestamp(to->id, &received, got->timesync),
		      "no time of the frame that came");
		CHECK(rte_timespec_to_ns(&received) == time_of(got), "mbuf and timesync differ");
		CHECK(rte_eth_timesync_read_rx_timestamp(to->id, &received, got->timesync) ==
			      -EINVAL,
		      "a time is told twice");
		while (rte_eth_timesync_read_tx_timestamp(from->id, &sent))
			CHECK(check_seconds() < deadline, "no time of the frame that was sent");
		CHECK(rte_timespec_to_ns(&sent) == time_of(got), "sent at %llu, received at %llu",
		      (unsigned long long)rte_timespec_to_ns(&sent),
		      (unsigned long long)time_of(got));
		CHECK(rte_eth_timesync_read_tx_timestamp(from->id, &sent) == -EINVAL,
		      "a time is told twice");
		rte_pktmbuf_free(got);
	}
}

static void the_pf_sets_and_the_vf_does_not(const struct port *vf, const struct port *pf)
{
	struct timespec time = { .tv_sec = EPOCH_S };
	uint64_t before, after;
	int error = rte_eth_timesync_write_time(pf->id, &time);

	CHECK(!error, "the PF cannot set the clock: %s", rte_strerror(-error));
	before = clock_of(vf);
	CHECK(before / 1000000000 - EPOCH_S < 60, "the VF reads %llu", (unsigned long long)before);
	CHECK(!rte_eth_timesync_adjust_time(pf->id, 3600 * INT64_C(1000000000)),
	      "the PF cannot move the clock");
	after = clock_of(vf);
	CHECK(after - before >= UINT64_C(3600000000000) && after - before < UINT64_C(3660000000000),
	      "an hour ahead is %llu ns", (unsigned long long)(after - before));
	CHECK(!rte_eth_timesync_read_time(vf->id, &time) && time.tv_sec >= EPOCH_S + 3600,
	      "timesync reads another clock");
	CHECK(rte_eth_timesync_write_time(vf->id, &time) == -EPERM, "a VF sets the clock");
	CHECK(rte_eth_timesync_adjust_time(vf->id, 1) == -EPERM, "a VF moves the clock");
	time.tv_sec = -1;
	CHECK(rte_eth_timesync_write_time(pf->id, &time) == -EINVAL, "a time below 0 is taken");
}

int command_time(void)
{
	struct port_setup setup = { .queues = 1,
				    .descriptors = 512,
				    .room_bytes = 1024,
				    .rx_offloads = RTE_ETH_RX_OFFLOAD_TIMESTAMP |
						   RTE_ETH_RX_OFFLOAD_SCATTER,
				    .mtu = 3500 };
	struct port ports[2];
	struct rte_eth_dev_info info;

	senders = rte_pktmbuf_pool_create("senders", 1023, 0, 0, 4096, SOCKET_ID_ANY);
	CHECK(senders, "no mempool");
	for (uint16_t i = 0; i < 2; i++) {
		struct port_setup without = { .mtu = 900, .room_bytes = 1024 };

		CHECK(!rte_eth_dev_info_get(i, &info) &&
			      info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP,
		      "the offload is not offered");
		port_open(&ports[i], i, &without);
		CHECK(rte_eth_timesync_enable(i) == -ENOTSUP, "timesync without times");
		ports[i].setup = setup;
		port_configure(&ports[i]);
	}
	pair_start(ports);
	offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
	CHECK(offset >= 0, "mbufs have no field for the time");
	flag = RTE_BIT64(rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL));
	every_frame_has_its_time(&ports[0], &ports[1]);
	every_frame_has_its_time(&ports[1], &ports[0]);
	for (unsigned int i = 0; i < 2; i++)
		CHECK(!rte_eth_timesync_enable(ports[i].id), "timesync cannot be enabled");
	both_ends_are_told_the_same(&ports[0], &ports[1]);
	both_ends_are_told_the_same(&ports[1], &ports[0]);
	the_pf_sets_and_the_vf_does_not(&ports[0], &ports[1]);
	both_ends_are_told_the_same(&ports[0], &ports[1]);
	for (unsigned int i = 0; i < 2; i++)
		CHECK(!rte_eth_timesync_disable(ports[i].id), "timesync cannot be disabled");
	/* Over a restart, and without the offload. */
	port_stop(&ports[1]);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	every_frame_has_its_time(&ports[0], &ports[1]);
	pair_close(ports);
	return 0;
}
