/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filters: which frames port 1 takes: its address, further ones, multicast, broadcast, VLANs; tags taken out and put in;
 * MTU; spoofed addresses. promiscuous: what the two ports may see of others' frames (--allowed=0 or 1 for each).
 *
 * That a frame does not arrive is known without waiting: a marker sent behind it arrives first.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>

#define ETHERTYPE 0x88b6
#define TIMEOUT_S 10.0

/* A frame to ask for. */
struct ask {
	struct rte_ether_addr destination;
	const struct rte_ether_addr *source; /* NULL: the sender's */
	int vlan;			     /* tag in the frame; -1: none */
	int insert;			     /* tag that the device is to insert; -1: none */
	uint16_t bytes;			     /* without the tag; 0: 80 */
};

static uint32_t next_number = 1;

/* Sends a frame; returns its number. */
static uint32_t send_asked(const struct port *from, const struct ask *ask)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(from->pool);
	double deadline = check_seconds() + TIMEOUT_S;
	uint16_t bytes = ask->bytes ? ask->bytes : 80;
	struct rte_ether_hdr *ethernet;
	uint32_t number = next_number++;
	uint8_t *at;

	CHECK(mbuf, "no mbuf");
	bytes = (uint16_t)(bytes + (ask->vlan >= 0 ? 4 : 0));
	ethernet = (struct rte_ether_hdr *)rte_pktmbuf_append(mbuf, bytes);
	CHECK(ethernet, "a frame of %u bytes does not fit", bytes);
	memset(ethernet, 0, bytes);
	ethernet->dst_addr = ask->destination;
	ethernet->src_addr = ask->source ? *ask->source : from->mac;
	at = (uint8_t *)&ethernet->ether_type;
	if (ask->vlan >= 0) {
		const rte_be16_t tag[2] = { rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN),
					    rte_cpu_to_be_16((uint16_t)ask->vlan) };

		memcpy(at, tag, sizeof(tag));
		at += sizeof(tag);
	}
	*(rte_be16_t *)at = rte_cpu_to_be_16(ETHERTYPE);
	memcpy(at + 2, &number, sizeof(number));
	if (ask->insert >= 0) {
		mbuf->ol_flags |= RTE_MBUF_F_TX_VLAN;
		mbuf->vlan_tci = (uint16_t)ask->insert;
	}
	while (rte_eth_tx_burst(from->id, 0, &mbuf, 1) != 1)
		CHECK(check_seconds() < deadline, "port %u does not send", from->id);
	return number;
}

/* The number in a received frame, and the tag in front of it; 0: not one of ours. */
static uint32_t number_in(const struct rte_mbuf *frame, int *vlan)
{
	const uint8_t *at = rte_pktmbuf_mtod_offset(frame, const uint8_t *, 12);
	uint32_t number;

	*vlan = -1;
	if (at[0] == 0x81 && at[1] == 0x00) {
		*vlan = at[2] << 8 | at[3];
		at += 4;
	}
	if ((at[0] << 8 | at[1]) != ETHERTYPE)
		return 0;
	memcpy(&number, at + 2, sizeof(number));
	return number;
}

/* Receives until frame `marker` comes; the caller gets frame `wanted` if it was among what came before. */
static struct rte_mbuf *receive_until(const struct port *to, uint32_t wanted, uint32_t marker)
{
	double deadline = check_seconds() + TIMEOUT_S;
	struct rte_mbuf *found = NULL;

	for (;;) {
		struct rte_mbuf *frame;
		uint32_t number;
		int vlan;

		CHECK(check_seconds() < deadline,
		      "port %u: a frame to its own address does not arrive", to->id);
		if (rte_eth_rx_burst(to->id, 0, &frame, 1) != 1)
			continue;
		number = number_in(frame, &vlan);
		if (number == marker) {
			rte_pktmbuf_free(frame);
			return found;
		}
		if (number == wanted && number) {
			CHECK(!found, "port %u: a frame came twice", to->id);
			found = frame;
		} else {
			rte_pktmbuf_free(frame);
		}
	}
}

/* Whether a frame arrives; *keep gets it (or it is freed). */
static bool arrives(const struct port *from, const struct port *to, const struct ask *ask,
		    struct rte_mbuf **keep)
{
	const struct ask marker = { .destination = to->mac, .vlan = -1, .insert = -1 };
	uint32_t wanted = send_asked(from, ask);
	struct rte_mbuf *found = receive_until(to, wanted, send_asked(from, &marker));

	if (keep)
		*keep = found;
	else
		rte_pktmbuf_free(found);
	return found != NULL;
}

static struct ask to_address(struct rte_ether_addr mac)
{
	return (struct ask){ .destination = mac, .vlan = -1, .insert = -1 };
}

static void expect(const struct port *ports, const struct ask *ask, bool wanted, const char *what)
{
	CHECK(arrives(&ports[0], &ports[1], ask, NULL) == wanted, "%s %s", what,
	      wanted ? "does not arrive" : "arrives");
	printf("%s\n", what);
}

static void must(int error, const char *what)
{
	CHECK(!error, "%s: %s", what, rte_strerror(-error));
}

static void check_addresses(struct port *ports)
{
	struct rte_ether_addr other = { { 2, 0x57, 0, 0, 0xaa, 1 } },
			      changed = { { 2, 0x57, 0, 0, 0xbb, 2 } };
	struct rte_ether_addr old = ports[1].mac;
	struct ask to_other = to_address(other), to_own = to_address(ports[1].mac);

	expect(ports, &to_own, true, "frame to own address");
	expect(ports, &to_other, false, "frame to an address of nobody");
	must(rte_eth_dev_mac_addr_add(ports[1].id, &other, 0), "address cannot be added");
	expect(ports, &to_other, true, "frame to an added address");
	expect(ports, &to_own, true, "frame to own address beside it");
	/* Filters outlive a restart. */
	port_stop(&ports[1]);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	expect(ports, &to_other, true, "frame to an added address after a restart");
	must(rte_eth_dev_mac_addr_remove(ports[1].id, &other), "address cannot be removed");
	expect(ports, &to_other, false, "frame to a removed address");

	must(rte_eth_dev_default_mac_addr_set(ports[1].id, &changed),
	     "own address cannot be changed");
	ports[1].mac = changed;
	to_own = to_address(changed);
	expect(ports, &to_own, true, "frame to the changed own address");
	to_own = to_address(old);
	expect(ports, &to_own, false, "frame to the old own address");
	must(rte_eth_dev_default_mac_addr_set(ports[1].id, &old),
	     "own address cannot be changed back");
	ports[1].mac = old;
}

static void check_groups(struct port *ports)
{
	struct rte_ether_addr groups[2] = { { { 0x01, 0, 0x5e, 1, 2, 3 } },
					    { { 0x33, 0x33, 0, 0, 0, 9 } } };
	struct rte_ether_addr broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct ask first = to_address(groups[0]), second = to_address(groups[1]);
	struct ask to_all = to_address(broadcast);

	expect(ports, &to_all, true, "broadcast");
	expect(ports, &first, false, "multicast nobody asked for");
	must(rte_eth_dev_set_mc_addr_list(ports[1].id, groups, 2), "multicast list");
	expect(ports, &first, true, "multicast of the list");
	expect(ports, &second, true, "second multicast of the list");
	must(rte_eth_dev_set_mc_addr_list(ports[1].id, &groups[1], 1), "shorter multicast list");
	expect(ports, &first, false, "multicast of the old list");
	expect(ports, &second, true, "multicast of the new list");
	must(rte_eth_dev_set_mc_addr_list(ports[1].id, NULL, 0), "empty multicast list");
	expect(ports, &second, false, "multicast after the list");
}

static void set_vlan_offload(const struct port *port, int mask)
{
	int error = rte_eth_dev_set_vlan_offload(port->id, mask);

	CHECK(!error, "VLAN offloads %x: %s", mask, rte_strerror(-error));
}

static void check_vlans(struct port *ports)
{
	struct ask untagged = to_address(ports[1].mac), member = untagged, stranger = untagged;
	struct rte_mbuf *frame;
	int vlan;

	member.vlan = 0x6000 | 100; /* priority 3 */
	stranger.vlan = 200;
	expect(ports, &member, true, "tagged frame without a VLAN filter");
	set_vlan_offload(&ports[1], RTE_ETH_VLAN_FILTER_OFFLOAD);
	expect(ports, &untagged, true, "untagged frame under a VLAN filter");
	expect(ports, &member, false, "frame of a VLAN not added");
	must(rte_eth_dev_vlan_filter(ports[1].id, 100, 1), "VLAN cannot be added");
	expect(ports, &member, true, "frame of an added VLAN");
	expect(ports, &stranger, false, "frame of another VLAN");
	port_stop(&ports[1]);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	expect(ports, &member, true, "frame of an added VLAN after a restart");
	expect(ports, &stranger, false, "frame of another VLAN after a restart");

	/* Not stripped: the tag is in the frame and nowhere else. */
	CHECK(arrives(&ports[0], &ports[1], &member, &frame), "tagged frame does not arrive");
	CHECK(number_in(frame, &vlan) && vlan == member.vlan && frame->pkt_len == 84 &&
		      !(frame->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED)),
	      "tag %x of %u bytes, flags %lx", vlan, frame->pkt_len, frame->ol_flags);
	rte_pktmbuf_free(frame);
	set_vlan_offload(&ports[1], RTE_ETH_VLAN_FILTER_OFFLOAD | RTE_ETH_VLAN_STRIP_OFFLOAD);
	CHECK(arrives(&ports[0], &ports[1], &member, &frame),
	      "tagged frame does not arrive to be stripped");
	CHECK(number_in(frame, &vlan) && vlan == -1 && frame->pkt_len == 80 &&
		      (frame->ol_flags & RTE_MBUF_F_RX_VLAN) &&
		      (frame->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) &&
		      frame->vlan_tci == member.vlan,
	      "tag %x, tci %x, %u bytes, flags %lx", vlan, frame->vlan_tci, frame->pkt_len,
	      frame->ol_flags);
	rte_pktmbuf_free(frame);
	printf("tag taken out\n");
	set_vlan_offload(&ports[1], RTE_ETH_VLAN_FILTER_OFFLOAD);

	/* The device puts a tag in. */
	untagged.insert = 0xa000 | 100;
	CHECK(arrives(&ports[0], &ports[1], &untagged, &frame),
	      "frame with a tag put in does not arrive");
	CHECK(number_in(frame, &vlan) && vlan == untagged.insert && frame->pkt_len == 84,
	      "tag %x, %u bytes", vlan, frame->pkt_len);
	rte_pktmbuf_free(frame);
	printf("tag put in\n");
	must(rte_eth_dev_vlan_filter(ports[1].id, 100, 0), "VLAN cannot be taken away");
	expect(ports, &member, false, "frame of a VLAN taken away");
	set_vlan_offload(&ports[1], 0);
	expect(ports, &stranger, true, "tagged frame without a VLAN filter again");
}

static void check_sizes(struct port *ports)
{
	struct ask large = to_address(ports[1].mac);
	uint64_t before = port_xstat(&ports[1], "vport_rx_dropped_oversize");

	large.bytes = 1514;
	expect(ports, &large, true, "frame of the MTU");
	large.bytes = 1600;
	expect(ports, &large, false, "frame longer than the MTU");
	CHECK(port_xstat(&ports[1], "vport_rx_dropped_oversize") == before + 1,
	      "it is not counted as oversize");
	must(rte_eth_dev_set_mtu(ports[1].id, 1800), "MTU of a running port");
	expect(ports, &large, true, "frame of a raised MTU");
	CHECK(rte_eth_dev_set_mtu(ports[1].id, 9000) == -EBUSY,
	      "an MTU that does not fit the buffers is taken on a running port");
	CHECK(rte_eth_dev_set_mtu(ports[1].id, 9500) == -EINVAL, "an MTU of 9500 is taken");
	must(rte_eth_dev_set_mtu(ports[1].id, 1500), "MTU back");
}

static void check_spoofing(struct port *ports)
{
	struct rte_ether_addr false_source = { { 2, 0x57, 0, 0, 0xcc, 3 } };
	struct ask spoofed = to_address(ports[1].mac);
	uint64_t before = port_xstat(&ports[0], "vport_tx_dropped_spoof");
	uint64_t errors = port_stats(&ports[0]).oerrors;

	spoofed.source = &false_source;
	expect(ports, &spoofed, false, "frame from an address not one's own");
	CHECK(port_xstat(&ports[0], "vport_tx_dropped_spoof") == before + 1, "it is not counted");
	CHECK(port_stats(&ports[0]).oerrors == errors + 1, "it is no error of the port");
}

int command_filters(void)
{
	struct port_setup setup = { .mbufs = 4095,
				    .rx_offloads = RTE_ETH_RX_OFFLOAD_VLAN_FILTER,
				    .tx_offloads = RTE_ETH_TX_OFFLOAD_VLAN_INSERT };
	struct port ports[2];

	for (uint16_t i = 0; i < 2; i++) {
		port_open(&ports[i], i, &setup);
		/* The offload stays configured; it is switched by the checks. */
		set_vlan_offload(&ports[i], 0);
	}
	pair_start(ports);
	check_addresses(ports);
	check_groups(ports);
	check_vlans(ports);
	check_sizes(ports);
	if (check_option("spoof", 1))
		check_spoofing(ports);
	pair_close(ports);
	return 0;
}

int command_promiscuous(void)
{
	bool allowed = check_option("allowed", 0) != 0;
	struct rte_ether_addr nobody = { { 2, 0x57, 0, 0, 0xdd, 4 } };
	struct rte_ether_addr group = { { 0x01, 0, 0x5e, 7, 7, 7 } };
	struct ask to_nobody = to_address(nobody), to_group = to_address(group);
	struct port_setup setup = { .mbufs = 4095 };
	struct port ports[2];
	int error;

	pair_up(ports, &setup);
	expect(ports, &to_nobody, false, "frame to nobody");
	error = rte_eth_promiscuous_enable(ports[1].id);
	CHECK(error == (allowed ? 0 : -EPERM), "promiscuous mode: %s", rte_strerror(-error));
	CHECK(rte_eth_promiscuous_get(ports[1].id) == allowed,
	      "promiscuous mode is not as answered");
	expect(ports, &to_nobody, allowed, "frame to nobody in promiscuous mode");
	error = rte_eth_allmulticast_enable(ports[1].id);
	CHECK(error == (allowed ? 0 : -EPERM), "all multicast: %s", rte_strerror(-error));
	expect(ports, &to_group, allowed, "multicast in all-multicast mode");
	if (allowed) {
		port_stop(&ports[1]);
		port_start(&ports[1]);
		port_wait_link(&ports[1]);
		expect(ports, &to_nobody, true, "frame to nobody after a restart");
		must(rte_eth_promiscuous_disable(ports[1].id), "promiscuous mode off");
		must(rte_eth_allmulticast_disable(ports[1].id), "all multicast off");
		expect(ports, &to_nobody, false, "frame to nobody after promiscuous mode");
		expect(ports, &to_group, false, "multicast after all-multicast mode");
	}
	pair_close(ports);
	return 0;
}
