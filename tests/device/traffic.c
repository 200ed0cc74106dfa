/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows of numbered frames, see traffic.h. */
#include "traffic.h"

#include <stdio.h>

#include "suite.h"

void traffic_start(struct traffic *traffic, struct host *host)
{
	*traffic = (struct traffic){ .host = host, .random = 1 };
}

uint32_t traffic_add(struct traffic *traffic, struct host_function *from, struct host_function *to,
		     bool loose)
{
	WEIR_REQUIRE(traffic->count < TRAFFIC_FLOWS);
	traffic->flows[traffic->count] =
		(struct traffic_flow){ .from = from, .to = to, .loose = loose };
	return traffic->count++;
}

static uint32_t chance(struct traffic *traffic, uint32_t below)
{
	traffic->random = traffic->random * 1664525u + 1013904223u;
	return (traffic->random >> 8) % below;
}

static uint32_t outstanding(const struct traffic_flow *flow)
{
	return flow->sent - (flow->floor > flow->seen ? flow->floor : flow->seen);
}

static void send(struct traffic *traffic, uint32_t number)
{
	struct traffic_flow *flow = &traffic->flows[number];
	static uint8_t frame[HOST_FRAME_MAX];
	uint32_t burst = 1 + chance(traffic, 4), posted = 0;

	if (flow->paused || !flow->from->tx[0].created || !flow->to->rx[0].created)
		return;
	while (posted < burst && outstanding(flow) < TRAFFIC_OUTSTANDING) {
		uint32_t bytes = 60 + chance(traffic, chance(traffic, 8) ? 400 : 1400);

		/* Some ask when they were sent, where that is told. */
		uint16_t flags = flow->from->tx[0].reported && flow->sent % 3 == 0
					 ? WEIR_TXD_TIMESTAMP_MASK
					 : 0;

		host_make_frame(frame, test_mac(flow->to->index), test_mac(flow->from->index), 0, 0,
				bytes, number, flow->sent);
		if (!host_send(flow->from, 0, frame, bytes, 1 + chance(traffic, 3),
			       chance(traffic, 64), flags, 0))
			break;
		flow->sent++;
		posted++;
	}
	if (posted)
		host_send_done(flow->from, 0);
}

/* A frame that is not what was sent, for whoever looks for the reason. */
static void show(const struct host_function *function, const struct host_frame *frame)
{
	printf("# function %u got %u bytes in %u buffers, flags %#x:", function->index,
	       frame->bytes, frame->buffers, frame->flags);
	for (uint32_t i = 0; i < frame->bytes && i < 64; i++)
		printf(" %02x", frame->data[i]);
	printf("\n");
}

static void take(struct traffic *traffic, struct host_function *function)
{
	static struct host_frame got;

	while (host_receive(function, 0, &got)) {
		uint32_t number, sequence;

		bool whole = host_check_frame(got.data, got.bytes, &number, &sequence);

		if (!whole)
			show(function, &got);
		WEIR_REQUIRE(whole);
		WEIR_REQUIRE(number < traffic->count);
		struct traffic_flow *flow = &traffic->flows[number];

		WEIR_REQUIRE_EQ(flow->to->index, function->index);
		WEIR_REQUIRE(sequence >= flow->seen && sequence < flow->sent);
		if (!flow->loose)
			WEIR_REQUIRE_EQ(sequence, flow->seen);
		flow->lost += sequence - flow->seen;
		flow->seen = sequence + 1;
	}
}

static void take_all(struct traffic *traffic)
{
	for (uint32_t i = 0; i < traffic->count; i++)
		if (traffic->flows[i].to->rx[0].created)
			take(traffic, traffic->flows[i].to);
}

void traffic_turn(struct traffic *traffic)
{
	for (uint32_t i = 0; i < traffic->count; i++)
		send(traffic, i);
	host_turn(traffic->host);
	take_all(traffic);
}

void traffic_turns(struct traffic *traffic, uint32_t turns)
{
	while (turns--)
		traffic_turn(traffic);
}

void traffic_finish(struct traffic *traffic)
{
	/* Buffers posted on the way may be waited for. */
	for (uint32_t i = 0; i < 4; i++) {
		host_settle(traffic->host);
		take_all(traffic);
	}
	for (uint32_t i = 0; i < traffic->count; i++) {
		struct traffic_flow *flow = &traffic->flows[i];

		if (!flow->paused)
			WEIR_EXPECT(flow->sent > flow->mark);
		if (!flow->loose)
			WEIR_EXPECT_EQ(flow->seen, flow->sent);
		flow->lost += flow->sent - flow->seen;
		flow->seen = flow->mark = flow->sent;
	}
}

void traffic_interrupted(struct traffic *traffic, struct host_function *function)
{
	for (uint32_t i = 0; i < traffic->count; i++) {
		struct traffic_flow *flow = &traffic->flows[i];

		if (flow->from != function && flow->to != function)
			continue;
		WEIR_REQUIRE(flow->loose);
		/* What was fetched before may still come; what was not is never seen. */
		flow->floor = flow->sent;
	}
}
