/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * integrity: every size from --min to --max bytes, at every alignment, in up to --segments pieces, from each of two
 * ports to the other at once.
 *
 * cycles: start, traffic, stop, --rounds times with other queue sizes each time; and close and plug in again.
 */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_errno.h>

int command_integrity(void)
{
	uint16_t min = (uint16_t)check_option("min", 60), max = (uint16_t)check_option("max", 1514);
	uint16_t segments = (uint16_t)check_option("segments", 1);
	uint32_t count = (uint32_t)check_option("count", 20000);
	struct port_setup setup = {
		.mtu = (uint16_t)RTE_MAX(max - RTE_ETHER_HDR_LEN, RTE_ETHER_MTU),
		.descriptors = (uint16_t)check_option("descriptors", 512),
		.room_bytes = (uint16_t)check_option("room", 2048),
		.mbufs = 8191,
	};
	uint32_t buffers_a_frame = (max + setup.room_bytes - 1u) / setup.room_bytes;
	struct port ports[2];
	struct stream streams[2];

	if (max > setup.room_bytes)
		setup.rx_offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	if (segments > 1 || max > setup.room_bytes - 64)
		setup.tx_offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	else if (check_option("simple", 0))
		setup.tx_offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	pair_up(ports, &setup);
	for (unsigned int i = 0; i < 2; i++)
		streams[i] = (struct stream){
			.from = &ports[i],
			.to = &ports[!i],
			.bytes_min = min,
			.bytes_max = max,
			.segments_max = segments,
			.window = (uint16_t)RTE_MIN(64u, setup.descriptors / 2u / buffers_a_frame),
			.epoch = 1,
		};
	while (streams[0].received < count || streams[1].received < count) {
		uint32_t step = RTE_MIN(1000u, count - streams[0].received);

		stream_run(&streams[0], step);
		stream_run(&streams[1], step);
	}
	for (unsigned int i = 0; i < 2; i++) {
		struct rte_eth_stats stats = port_stats(&ports[i]);

		CHECK(stats.ipackets >= count && stats.opackets == count && stats.imissed == 0 &&
			      stats.ierrors == 0 && stats.oerrors == 0,
		      "port %u counts %lu received, %lu sent, %lu missed, %lu and %lu errors", i,
		      stats.ipackets, stats.opackets, stats.imissed, stats.ierrors, stats.oerrors);
		CHECK(port_xstat(&ports[i], "vport_tx_looped") == count,
		      "port %u: the function counts %lu frames inside the card, not %u", i,
		      port_xstat(&ports[i], "vport_tx_looped"), count);
	}
	printf("frames=%u\n", 2 * count);
	pair_close(ports);
	return 0;
}

/* Descriptors that the process has open. */
static unsigned int open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int count = 0;

	CHECK(folder, "/proc/self/fd cannot be read");
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void round_of_traffic(struct port *ports, uint32_t frames)
{
	struct stream streams[2];

	pair_start(ports);
	for (unsigned int i = 0; i < 2; i++) {
		static uint32_t epoch;

		streams[i] = (struct stream){ .from = &ports[i],
					      .to = &ports[!i],
					      .bytes_min = 60,
					      .bytes_max = 1514,
					      .segments_max = 1,
					      .window = 32,
					      .epoch = ++epoch };
		stream_run(&streams[i], frames);
	}
	/* And some that nobody takes: they must not turn up in the next round. */
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int frame = 0; frame < 10; frame++) {
			struct frame_spec spec = { .destination = ports[!i].mac,
						   .source = ports[i].mac,
						   .bytes = 100,
						   .sequence = frame };
			struct rte_mbuf *mbuf = frame_make(ports[i].pool, &spec);

			if (mbuf && rte_eth_tx_burst(ports[i].id, 0, &mbuf, 1) != 1)
				rte_pktmbuf_free(mbuf);
		}
	for (unsigned int i = 0; i < 2; i++)
		port_stop(&ports[i]);
}

/* Takes a device out, whose port is closed, and plugs it in again, as an application does with hot plugging. */
static void replug(const char *name, const char *arguments)
{
	int error = rte_eal_hotplug_remove("vdev", name);

	CHECK(!error, "%s cannot be taken out: %s", name, rte_strerror(-error));
	error = rte_eal_hotplug_add("vdev", name, arguments);
	CHECK(!error, "%s cannot be plugged in: %s", name, rte_strerror(-error));
}

int command_cycles(void)
{
	static const uint16_t sizes[] = { 512, 64, 1024, 100, 4096, 257 };
	uint32_t rounds = (uint32_t)check_option("rounds", 20);
	uint32_t frames = (uint32_t)check_option("frames", 500);
	uint32_t replugs = (uint32_t)check_option("replugs", 5);
	char names[2][RTE_ETH_NAME_MAX_LEN], arguments[2][256];
	struct port_setup setup = { .mbufs = 16383 };
	struct port ports[2];
	unsigned int files = 0;

	for (uint16_t i = 0; i < 2; i++) {
		struct rte_eth_dev_info info;

		CHECK(!rte_eth_dev_info_get(i, &info), "no info of port %u", i);
		CHECK(!rte_eth_dev_get_name_by_port(i, names[i]), "port %u has no name", i);
		snprintf(arguments[i], sizeof(arguments[i]), "%s",
			 rte_dev_devargs(info.device)->args);
	}
	pair_open(ports, &setup);
	for (uint32_t round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < 2; i++) {
			ports[i].setup.descriptors = sizes[round % RTE_DIM(sizes)];
			ports[i].setup.queues = (uint16_t)(1 + round % 3);
			port_configure(&ports[i]);
		}
		round_of_traffic(ports, frames);
		if (round == 1)
			files = open_files();
	}
	CHECK(rounds < 3 || open_files() == files,
	      "%u files are open; after the second round it were %u", open_files(), files);
	printf("rounds=%u\n", rounds);
	pair_close(ports);
	for (uint32_t round = 0; round < replugs; round++) {
		uint16_t ids[2];

		for (unsigned int i = 0; i < 2; i++) {
			replug(names[i], arguments[i]);
			CHECK(!rte_eth_dev_get_port_by_name(names[i], &ids[i]), "%s is not there",
			      names[i]);
			port_open(&ports[i], ids[i], &setup);
		}
		round_of_traffic(ports, frames);
		pair_close(ports);
		if (round == 0)
			files = open_files();
	}
	CHECK(replugs < 2 || open_files() == files,
	      "%u files are open after plugging; after the first time it were %u", open_files(),
	      files);
	printf("replugs=%u\n", replugs);
	return 0;
}
