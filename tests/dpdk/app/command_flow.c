/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flow: rte_flow rules by each item and action. What a rule matches comes to its queue, marked and counted; what differs in that one
 * thing comes where it would come without rules, which is queue 0 here; what is dropped does not come.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_flow.h>

#define QUEUES	  4
#define TIMEOUT_S 5.0
#define MARK	  0x1234567u

/* A frame to be sent. */
struct shape {
	uint16_t tpid, tci; /* 0: no tag */
	bool ipv6;
	uint8_t protocol, traffic_class;
	uint8_t source[16], destination[16]; /* of IPv4 the first four bytes */
	uint16_t source_port, destination_port;
	uint8_t vni; /* of VXLAN, or GENEVE, by the destination port; 0: no tunnel */
};

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static uint32_t put_shape(uint8_t *to, const struct port *from, const struct port *port,
			  const struct shape *shape)
{
	uint8_t *at = to + 12, *l4;

	memcpy(to, port->mac.addr_bytes, 6);
	memcpy(to + 6, from->mac.addr_bytes, 6);
	if (shape->tpid) {
		put16(at, shape->tpid);
		put16(at + 2, shape->tci);
		at += 4;
	}
	put16(at, shape->ipv6 ? 0x86dd : 0x0800);
	at += 2;
	l4 = at + (shape->ipv6 ? 40 : 20);
	memset(at, 0, (size_t)(l4 - at) + 60);
	if (shape->ipv6) {
		put16(at, 0x6000 | shape->traffic_class << 4);
		put16(at + 4, 60);
		at[6] = shape->protocol;
		memcpy(at + 8, shape->source, 16);
		memcpy(at + 24, shape->destination, 16);
	} else {
		at[0] = 0x45;
		at[1] = shape->traffic_class;
		put16(at + 2, 80);
		at[9] = shape->protocol;
		memcpy(at + 12, shape->source, 4);
		memcpy(at + 16, shape->destination, 4);
	}
	put16(l4, shape->source_port);
	put16(l4 + 2, shape->destination_port);
	put16(l4 + 4, 60);
	if (shape->protocol == 6)
		l4[12] = 0x50;
	if (shape->vni && shape->destination_port == 6081)
		put16(l4 + 10, 0x6558);
	else if (shape->vni)
		l4[8] = 0x08;
	if (shape->vni)
		l4[14] = shape->vni;
	return (uint32_t)(l4 - to) + 60;
}

/* Sends a frame and says to which queue it came, -1: to none, as the one behind it shows; the mark goes to *mark, 0: none. */
static int pass(const struct port *from, const struct port *to, const struct shape *shape,
		uint32_t *mark)
{
	static const struct shape behind = { .protocol = 253, .source = { 1 } };
	const struct shape *shapes[] = { shape, &behind };
	double deadline = check_seconds() + TIMEOUT_S;
	struct rte_mbuf *frames[2];
	uint8_t bytes[256];
	int queue = -1;

	*mark = 0;
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t length = put_shape(bytes, from, to, shapes[i]);

		frames[i] = rte_pktmbuf_alloc(from->pool);
		CHECK(frames[i], "no mbuf");
		memcpy(rte_pktmbuf_append(frames[i], (uint16_t)length), bytes, length);
	}
	for (uint16_t sent = 0; sent < 2;) {
		sent = (uint16_t)(sent + rte_eth_tx_burst(from->id, 0, frames + sent,
							  (uint16_t)(2 - sent)));
		CHECK(check_seconds() < deadline, "the frames are not sent");
	}
	for (bool over = false; !over;) {
		for (uint16_t at = 0; at < QUEUES; at++) {
			struct rte_mbuf *got;

			if (!rte_eth_rx_burst(to->id, at, &got, 1))
				continue;
			if (rte_pktmbuf_mtod(got, const uint8_t *)[23] == 253) {
				CHECK(at == 0, "a frame of no rule is in queue %u", at);
				over = true;
			} else {
				CHECK(queue < 0, "two frames came");
				queue = at;
				if (got->ol_flags & RTE_MBUF_F_RX_FDIR_ID)
					*mark = got->hash.fdir.hi;
			}
			rte_pktmbuf_free(got);
		}
		CHECK(check_seconds() < deadline, "the frame behind does not come");
	}
	/* Queues are looked at one after the other: it may have come to one before. */
	for (uint16_t at = 0; queue < 0 && at < QUEUES; at++) {
		struct rte_mbuf *got;

		if (rte_eth_rx_burst(to->id, at, &got, 1)) {
			queue = at;
			if (got->ol_flags & RTE_MBUF_F_RX_FDIR_ID)
				*mark = got->hash.fdir.hi;
			rte_pktmbuf_free(got);
		}
	}
	return queue;
}

static void expect(const struct port *from, const struct port *to, const struct shape *shape,
		   int queue, uint32_t mark, const char *what)
{
	uint32_t got_mark;
	int got = pass(from, to, shape, &got_mark);

	CHECK(got == queue, "%s: queue %d, not %d", what, got, queue);
	CHECK(got_mark == mark, "%s: mark %x, not %x", what, got_mark, mark);
}

static struct rte_flow *create(const struct port *port, uint32_t priority,
			       const struct rte_flow_item *pattern,
			       const struct rte_flow_action *actions)
{
	const struct rte_flow_attr attr = { .ingress = 1, .priority = priority };
	struct rte_flow_error error = { 0 };
	struct rte_flow *flow;

	CHECK(rte_flow_validate(port->id, &attr, pattern, actions, &error) == 0, "not valid: %s",
	      error.message ? error.message : "?");
	flow = rte_flow_create(port->id, &attr, pattern, actions, &error);
	CHECK(flow, "no rule: %s", error.message ? error.message : "?");
	return flow;
}

static void destroy(const struct port *port, struct rte_flow *flow)
{
	struct rte_flow_error error;

	CHECK(rte_flow_destroy(port->id, flow, &error) == 0, "a rule cannot be destroyed");
}

static uint64_t hits(const struct port *port, struct rte_flow *flow, bool reset)
{
	const struct rte_flow_action action = { .type = RTE_FLOW_ACTION_TYPE_COUNT };
	struct rte_flow_query_count count = { .reset = reset };
	struct rte_flow_error error = { 0 };

	CHECK(rte_flow_query(port->id, flow, &action, &count, &error) == 0, "no count: %s",
	      error.message ? error.message : "?");
	CHECK(count.hits_set && count.bytes_set && (count.bytes > 0) == (count.hits > 0),
	      "what is counted");
	return count.hits;
}

/* --- items ---------------------------------------------------------------------------------------- */

static const struct shape udp4 = { .protocol = 17,
				   .traffic_class = 0x10,
				   .source = { 192, 0, 2, 1 },
				   .destination = { 198, 51, 100, 2 },
				   .source_port = 1000,
				   .destination_port = 2000 };

static struct shape udp6(void)
{
	struct shape shape = udp4;

	shape.ipv6 = true;
	memset(shape.source, 0x20, 16);
	memset(shape.destination, 0x21, 16);
	return shape;
}

#define ITEM(type_, spec_, mask_)                                                    \
	{                                                                            \
		.type = RTE_FLOW_ITEM_TYPE_##type_, .spec = (spec_), .mask = (mask_) \
	}
#define END ITEM(END, NULL, NULL)

static const struct rte_flow_action_queue to_three = { .index = 3 };
static const struct rte_flow_action_mark mark = { .id = MARK };
static const struct rte_flow_action marked[] = {
	{ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to_three },
	{ .type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &mark },
	{ .type = RTE_FLOW_ACTION_TYPE_COUNT },
	{ .type = RTE_FLOW_ACTION_TYPE_END },
};

/* A rule of a pattern: the one frame is its, the other is not. */
static void decides(const struct port *ports, const struct rte_flow_item *pattern,
		    const struct shape *its, const struct shape *other, const char *what)
{
	struct rte_flow *flow = create(&ports[1], 0, pattern, marked);

	expect(&ports[0], &ports[1], its, 3, MARK, what);
	expect(&ports[0], &ports[1], other, 0, 0, what);
	CHECK(hits(&ports[1], flow, false) == 1, "%s: hits", what);
	destroy(&ports[1], flow);
	expect(&ports[0], &ports[1], its, 0, 0, what);
}

static void ethernet_items(const struct port *ports)
{
	const struct rte_flow_item_eth type = { .hdr.ether_type = RTE_BE16(0x86dd) },
				       type_mask = { .hdr.ether_type = RTE_BE16(0xffff) };
	const struct rte_flow_item_eth tagged = { .has_vlan = 1 };
	const struct rte_flow_item_vlan vlan = { .hdr.vlan_tci = RTE_BE16(5) };
	const struct rte_flow_item_eth from = { .hdr.src_addr = ports[0].mac },
				       to = { .hdr.src_addr = ports[1].mac },
				       source = { .hdr.src_addr.addr_bytes =
							  "\xff\xff\xff\xff\xff\xff" };
	struct rte_flow *flow;
	struct shape six = udp6(), in_5 = udp4, in_6 = udp4;

	in_5.tpid = in_6.tpid = 0x8100;
	in_5.tci = 0xa005;
	in_6.tci = 0xa006;
	decides(ports, (const struct rte_flow_item[]){ ITEM(ETH, &type, &type_mask), END }, &six,
		&udp4, "ETH type");
	decides(ports,
		(const struct rte_flow_item[]){ ITEM(ETH, NULL, NULL), ITEM(VLAN, &vlan, NULL),
						END },
		&in_5, &in_6, "VLAN");
	decides(ports, (const struct rte_flow_item[]){ ITEM(VLAN, NULL, NULL), END }, &in_6, &udp4,
		"any VLAN");
	decides(ports, (const struct rte_flow_item[]){ ITEM(ETH, &tagged, &tagged), END }, &in_6,
		&udp4, "has_vlan");
	flow = create(&ports[1], 0, (const struct rte_flow_item[]){ ITEM(ETH, &to, &source), END },
		      marked);
	expect(&ports[0], &ports[1], &udp4, 0, 0, "another source");
	destroy(&ports[1], flow);
	flow = create(&ports[1], 0,
		      (const struct rte_flow_item[]){ ITEM(ETH, &from, &source),
						      ITEM(IPV4, NULL, NULL), ITEM(UDP, NULL, NULL),
						      END },
		      marked);
	expect(&ports[0], &ports[1], &udp4, 3, MARK, "the source");
	destroy(&ports[1], flow);
}

static void ip_items(const struct port *ports)
{
	struct rte_flow_item_ipv4 four = { .hdr.src_addr = RTE_BE32(0xc0000200) };
	const struct rte_flow_item_ipv4 four_mask = { .hdr.src_addr = RTE_BE32(0xffffff00) };
	const struct rte_flow_item_ipv4 service = { .hdr.type_of_service = 0x10 },
					service_mask = { .hdr.type_of_service = 0xff };
	const struct rte_flow_item_ipv6 class = { .hdr.vtc_flow = RTE_BE32(0x01000000) },
					class_mask = { .hdr.vtc_flow = RTE_BE32(0x0ff00000) };
	struct rte_flow_item_ipv6 six = { 0 };
	struct shape its = udp4, other = udp4, its_six = udp6(), other_six = udp6();

	other.source[2] = 3;
	decides(ports,
		(const struct rte_flow_item[]){ ITEM(ETH, NULL, NULL),
						ITEM(IPV4, &four, &four_mask), END },
		&its, &other, "IPV4 net");
	four.hdr.src_addr = RTE_BE32(0xc0000201);
	four.hdr.dst_addr = RTE_BE32(0xc6336402);
	decides(ports, (const struct rte_flow_item[]){ ITEM(IPV4, &four, NULL), END }, &its, &other,
		"IPV4 addresses");
	other = udp4;
	other.traffic_class = 0x14;
	decides(ports, (const struct rte_flow_item[]){ ITEM(IPV4, &service, &service_mask), END },
		&its, &other, "IPV4 service");
	memcpy(&six.hdr.src_addr, its_six.source, 16);
	memcpy(&six.hdr.dst_addr, its_six.destination, 16);
	other_six.destination[15] ^= 1;
	decides(ports, (const struct rte_flow_item[]){ ITEM(IPV6, &six, NULL), END }, &its_six,
		&other_six, "IPV6 addresses");
	other_six = udp6();
	other_six.traffic_class = 0x20;
	decides(ports, (const struct rte_flow_item[]){ ITEM(IPV6, &class, &class_mask), END },
		&its_six, &other_six, "IPV6 class");
}

static void l4_items(const struct port *ports)
{
	const struct rte_flow_item_udp udp = { .hdr.dst_port = RTE_BE16(2000) },
				       udp_mask = { .hdr.dst_port = RTE_BE16(0xffff) };
	const struct rte_flow_item_tcp tcp = { .hdr.src_port = RTE_BE16(1000),
					       .hdr.dst_port = RTE_BE16(2000) };
	const struct rte_flow_item_sctp sctp = { .hdr.src_port = RTE_BE16(1000),
						 .hdr.dst_port = RTE_BE16(2000) };
	const struct rte_flow_item_vxlan vxlan = { .vni = { 0, 0, 9 } };
	const struct rte_flow_item_geneve geneve = { .vni = { 0, 0, 9 } };
	struct shape its = udp4, other = udp4;

	other.destination_port = 2001;
	decides(ports,
		(const struct rte_flow_item[]){ ITEM(ETH, NULL, NULL), ITEM(VOID, NULL, NULL),
						ITEM(IPV4, NULL, NULL), ITEM(UDP, &udp, &udp_mask),
						END },
		&its, &other, "UDP");
	other = its;
	its.protocol = 6;
	decides(ports, (const struct rte_flow_item[]){ ITEM(TCP, &tcp, NULL), END }, &its, &other,
		"TCP");
	its.protocol = 132;
	decides(ports,
		(const struct rte_flow_item[]){ ITEM(IPV4, NULL, NULL), ITEM(SCTP, &sctp, NULL),
						END },
		&its, &other, "SCTP");
	its = udp4;
	its.destination_port = 4789;
	its.vni = 9;
	other = its;
	other.vni = 8;
	decides(ports,
		(const struct rte_flow_item[]){ ITEM(ETH, NULL, NULL), ITEM(IPV4, NULL, NULL),
						ITEM(UDP, NULL, NULL), ITEM(VXLAN, &vxlan, NULL),
						END },
		&its, &other, "VXLAN");
	its.destination_port = other.destination_port = 6081;
	decides(ports, (const struct rte_flow_item[]){ ITEM(GENEVE, &geneve, NULL), END }, &its,
		&other, "GENEVE");
}

/* --- life ----------------------------------------------------------------------------------------- */

static const struct rte_flow_item any_ipv4[] = { ITEM(IPV4, NULL, NULL), END };
static const struct rte_flow_item any_udp[] = { ITEM(UDP, NULL, NULL), END };

static void priorities_and_drop(const struct port *ports)
{
	static const struct rte_flow_action drop[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
						       { .type = RTE_FLOW_ACTION_TYPE_COUNT },
						       { .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_item_ipv4 not_253 = { .hdr.next_proto_id = 17 },
					       protocol = { .hdr.next_proto_id = 0xff };
	const struct rte_flow_item pattern[] = { ITEM(IPV4, &not_253, &protocol), END };
	struct rte_flow *low = create(&ports[1], 15, pattern, drop), *high;

	expect(&ports[0], &ports[1], &udp4, -1, 0, "dropped");
	high = create(&ports[1], 3, any_udp, marked);
	expect(&ports[0], &ports[1], &udp4, 3, MARK, "of the higher priority");
	CHECK(hits(&ports[1], low, true) == 1 && hits(&ports[1], low, false) == 0,
	      "a count is not reset");
	destroy(&ports[1], high);
	expect(&ports[0], &ports[1], &udp4, -1, 0, "dropped again");
	CHECK(hits(&ports[1], low, false) == 1, "a count does not go on");
	destroy(&ports[1], low);
}

static void stop_and_reset(struct port *ports)
{
	struct rte_flow *flow, *second;
	struct rte_flow_error error;
	struct shape six = udp6(), sctp = udp4;

	port_stop(&ports[1]);
	flow = create(&ports[1], 0, any_udp, marked);
	sctp.protocol = 132;
	second = create(&ports[1], 0, (const struct rte_flow_item[]){ ITEM(SCTP, NULL, NULL), END },
			marked);
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	expect(&ports[0], &ports[1], &six, 3, MARK, "made while the port was stopped");
	expect(&ports[0], &ports[1], &sctp, 3, MARK, "made while the port was stopped, too");
	port_stop(&ports[1]);
	destroy(&ports[1], second);
	CHECK(rte_eth_dev_reset(ports[1].id) == 0, "the port is not reset");
	port_start(&ports[1]);
	port_wait_link(&ports[1]);
	expect(&ports[0], &ports[1], &udp4, 3, MARK, "after a reset");
	expect(&ports[0], &ports[1], &sctp, 0, 0, "destroyed while the port was stopped");
	CHECK(rte_flow_flush(ports[1].id, &error) == 0, "rules cannot be flushed");
	expect(&ports[0], &ports[1], &udp4, 0, 0, "after a flush");
	CHECK(rte_flow_destroy(ports[1].id, flow, &error) == -ENOENT, "destroyed twice");
}

/* --- what is refused ------------------------------------------------------------------------------ */

static void refused(const struct port *port, const struct rte_flow_attr *attr,
		    const struct rte_flow_item *pattern, const struct rte_flow_action *actions,
		    int expected, enum rte_flow_error_type type)
{
	struct rte_flow_error error = { 0 };
	int result = rte_flow_validate(port->id, attr, pattern, actions, &error);

	CHECK(result == expected && error.type == type && error.message,
	      "validate says %d of type %d: %s", result, error.type,
	      error.message ? error.message : "nothing");
	CHECK(!rte_flow_create(port->id, attr, pattern, actions, &error) && rte_errno == -expected,
	      "created all the same");
}

static void nonsense(const struct port *port)
{
	static const struct rte_flow_attr in = { .ingress = 1 }, out = { .egress = 1 },
					  grouped = { .ingress = 1, .group = 1 },
					  lowest = { .ingress = 1, .priority = 16 };
	static const struct rte_flow_action_queue four = { .index = QUEUES };
	static const struct rte_flow_action bad_queue[] = { { .type = RTE_FLOW_ACTION_TYPE_QUEUE,
							      .conf = &four },
							    { .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_action two_fates[] = { { .type = RTE_FLOW_ACTION_TYPE_DROP },
							    { .type = RTE_FLOW_ACTION_TYPE_QUEUE,
							      .conf = &to_three },
							    { .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_action unknown[] = { { .type = RTE_FLOW_ACTION_TYPE_DEC_TTL },
							  { .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_action none[] = { { .type = RTE_FLOW_ACTION_TYPE_COUNT },
						       { .type = RTE_FLOW_ACTION_TYPE_END } };
	static const struct rte_flow_item_ipv4 ttl = { .hdr.time_to_live = 1 },
					       tcp = { .hdr.next_proto_id = 6 },
					       protocol = { .hdr.next_proto_id = 0xff };
	struct rte_flow_item range = ITEM(IPV4, &tcp, &protocol);

	refused(port, &out, any_udp, marked, -ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_INGRESS);
	refused(port, &grouped, any_udp, marked, -ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_GROUP);
	refused(port, &lowest, any_udp, marked, -EINVAL, RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY);
	refused(port, &in, any_udp, bad_queue, -EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF);
	refused(port, &in, any_udp, two_fates, -EINVAL, RTE_FLOW_ERROR_TYPE_ACTION);
	refused(port, &in, any_udp, none, -EINVAL, RTE_FLOW_ERROR_TYPE_ACTION);
	refused(port, &in, any_udp, unknown, -ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION);
	refused(port, &in, (const struct rte_flow_item[]){ ITEM(ICMP, NULL, NULL), END }, marked,
		-ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM);
	refused(port, &in,
		(const struct rte_flow_item[]){ ITEM(UDP, NULL, NULL), ITEM(IPV4, NULL, NULL), END },
		marked, -ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM);
	refused(port, &in, (const struct rte_flow_item[]){ ITEM(IPV4, &ttl, &ttl), END }, marked,
		-ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK);
	refused(port, &in, (const struct rte_flow_item[]){ ITEM(IPV4, NULL, &protocol), END },
		marked, -EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC);
	refused(port, &in,
		(const struct rte_flow_item[]){ ITEM(IPV4, &tcp, &protocol), ITEM(UDP, NULL, NULL),
						END },
		marked, -EINVAL, RTE_FLOW_ERROR_TYPE_ITEM);
	range.last = &protocol;
	refused(port, &in, (const struct rte_flow_item[]){ range, END }, marked, -ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ITEM_LAST);
}

/* As many as a VF may have, and one more; the same twice. */
static void limits(const struct port *port)
{
	static const struct rte_flow_attr attr = { .ingress = 1 };
	struct rte_flow_error error = { 0 };
	unsigned int count = 0;

	for (;; count++) {
		const struct rte_flow_item_udp udp = { .hdr.src_port =
							       rte_cpu_to_be_16((uint16_t)count) };
		const struct rte_flow_item_udp mask = { .hdr.src_port = RTE_BE16(0xffff) };
		const struct rte_flow_item pattern[] = { ITEM(UDP, &udp, &mask), END };

		CHECK(count <= 512, "more rules than a VF may have");
		if (!rte_flow_create(port->id, &attr, pattern, marked, &error))
			break;
		CHECK(count || (!rte_flow_create(port->id, &attr, pattern, marked, &error) &&
				rte_errno == EEXIST),
		      "the same rule twice");
	}
	CHECK(count == 512 && rte_errno == ENOSPC, "%u rules, then: %s", count, error.message);
	CHECK(rte_flow_flush(port->id, &error) == 0, "rules cannot be flushed");
	create(port, 0, any_ipv4, marked);
	CHECK(rte_flow_flush(port->id, &error) == 0, "rules cannot be flushed");
}

int command_flow(void)
{
	struct port_setup setup = { .queues = QUEUES };
	struct port ports[2];

	/* Without RSS everything comes to queue 0. */
	pair_up(ports, &setup);
	expect(&ports[0], &ports[1], &udp4, 0, 0, "without rules");
	ethernet_items(ports);
	ip_items(ports);
	l4_items(ports);
	priorities_and_drop(ports);
	nonsense(&ports[1]);
	limits(&ports[1]);
	stop_and_reset(ports);
	pair_close(ports);
	return 0;
}
