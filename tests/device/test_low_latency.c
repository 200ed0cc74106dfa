/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames of low latency (specs/low-latency.md): which interrupt at once while others wait, and how often they may. Expected figures
 * follow from the datasheet's rules and the arrivals alone.
 */
#include "stage.h"
#include "steer.h"

#include <string.h>

#define WAIT_US 1000u /* of what is not of low latency */

enum { TCP_FLAGS = 13, ACK = 0x10, PSH = 0x08 };

static int set(struct host_function *function, const struct host_attribute *request)
{
	return host_command(function, WEIR_COMMAND_VPORT_SET, request, NULL);
}

/* The receiver's queue waits for company, is armed, and has nothing. */
static struct stage moderated(void)
{
	struct stage stage = stage_start();

	WEIR_REQUIRE_EQ(stage_moderate(&stage, WAIT_US, 0), WEIR_STATUS_OK);
	stage_arm(&stage);
	return stage;
}

static void post(struct stage *stage, const uint8_t *frame, uint32_t bytes)
{
	WEIR_REQUIRE(host_send(stage->from, 0, frame, bytes, 1, 0, 0, 0));
}

static void send(struct stage *stage, const uint8_t *frame, uint32_t bytes)
{
	post(stage, frame, bytes);
	host_send_done(stage->from, 0);
	stage_settle(stage->host);
}

/* TCP with these flags, of 100 bytes. */
static uint32_t segment(uint8_t *frame, uint8_t flags)
{
	struct packet packet = steer_packet();
	uint32_t bytes;

	packet.payload = 100 - 54;
	bytes = packet_make(&packet, frame);
	frame[packet.l4 + TCP_FLAGS] = flags;
	return bytes;
}

static uint64_t frames_of_low_latency(struct stage *stage)
{
	return host_stat(stage->to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_LOW_LATENCY);
}

static uint64_t held(struct stage *stage)
{
	return host_stat(stage->to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_LOW_LATENCY_HELD);
}

/* Others wait, the chosen frame does not, and takes the others along; `near` frames are like it and wait. */
static void expect_chosen(struct stage *stage, const uint8_t *chosen, uint32_t chosen_bytes,
			  const uint8_t *near, uint32_t near_bytes)
{
	uint64_t before = frames_of_low_latency(stage),
		 raised = stage_counter(stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_LOW_LATENCY);

	stage_send(stage, 3);
	send(stage, near, near_bytes);
	stage_pass_ns(stage->host, (WAIT_US - 1) * US);
	WEIR_EXPECT_EQ(stage_interrupts(stage), 0);
	send(stage, chosen, chosen_bytes);
	WEIR_EXPECT_EQ(stage_interrupts(stage), 1);
	WEIR_EXPECT_EQ(stage_take(stage), 5);
	stage_arm(stage);
	WEIR_EXPECT_EQ(stage_counter(stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_LOW_LATENCY), raised + 1);
	WEIR_EXPECT_EQ(frames_of_low_latency(stage), before + 1);
	/* In the middle of a burst of frames that go the same way. */
	for (uint32_t i = 0; i < 9; i++)
		post(stage, i == 4 ? chosen : near, i == 4 ? chosen_bytes : near_bytes);
	host_send_done(stage->from, 0);
	stage_settle(stage->host);
	WEIR_EXPECT_EQ(stage_interrupts(stage), 1);
	WEIR_EXPECT_EQ(stage_take(stage), 9);
	stage_arm(stage);
	/* Then the others have their time again. */
	send(stage, near, near_bytes);
	WEIR_EXPECT_EQ(stage_wait(stage, 10 * WAIT_US * US), WAIT_US * US);
	WEIR_EXPECT_EQ(stage_interrupts(stage), 1);
	stage_take(stage);
	stage_arm(stage);
	WEIR_EXPECT_EQ(frames_of_low_latency(stage), before + 2);
	WEIR_EXPECT_EQ(held(stage), 0);
}

static void short_frames_interrupt_at_once(void)
{
	struct stage stage = moderated();
	static uint8_t frame[128];

	host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1, 0);
	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 80))), 0);
	/* Shorter than 80. */
	expect_chosen(&stage, frame, 79, frame, 80);
	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 0))), 0);
	send(&stage, frame, 60);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	host_destroy(stage.host);
}

static void pushed_segments_interrupt_at_once(void)
{
	struct stage stage = moderated();
	static uint8_t chosen[128], near[128];
	uint32_t bytes = segment(chosen, ACK | PSH);
	struct packet packet = steer_packet();

	segment(near, (uint8_t)~PSH);
	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_PUSH, 1))), 0);
	expect_chosen(&stage, chosen, bytes, near, bytes);
	/* UDP with all bits set where TCP has it, and a fragment of TCP. */
	packet.protocol = PACKET_UDP;
	bytes = packet_make(&packet, near);
	near[packet.l4 + TCP_FLAGS] = 0xff;
	send(&stage, near, bytes);
	packet = steer_packet();
	packet.fragment = 0x2000;
	bytes = packet_make(&packet, near);
	near[packet.l4 + TCP_FLAGS] = 0xff;
	send(&stage, near, bytes);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	/* IPv6, behind two tags and an extension header. */
	packet = steer_packet();
	packet.ipv6 = true;
	packet.tag_protocol[0] = 0x88a8;
	packet.tag_protocol[1] = 0x8100;
	packet.tci[0] = packet.tci[1] = 5;
	packet.extensions[0] = 60;
	bytes = packet_make(&packet, chosen);
	chosen[packet.l4 + TCP_FLAGS] = PSH;
	send(&stage, chosen, bytes);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	host_destroy(stage.host);
}

static void chosen_priorities_interrupt_at_once(void)
{
	struct stage stage = moderated();
	static uint8_t chosen[128], near[128];

	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_PRIORITIES, 0x41))), 0);
	for (uint32_t priority = 0; priority <= 6; priority += 6) {
		uint32_t other = priority ? 7 : 5;

		host_make_frame(chosen, test_mac(2), test_mac(1), 0x8100,
				(uint16_t)(priority << 13 | 5), 100, 1, 0);
		host_make_frame(near, test_mac(2), test_mac(1), 0x8100, (uint16_t)(other << 13 | 5),
				100, 1, 0);
		expect_chosen(&stage, chosen, 100, near, 100);
	}
	/* An untagged frame has no priority, not even 0. */
	stage_send(&stage, 1);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	host_destroy(stage.host);
}

/* A VF in a port VLAN goes by the tag behind that one. */
static void a_port_vlans_priority_is_not_its_vfs(void)
{
	struct stage stage = moderated();
	struct packet packet = steer_packet();
	static uint8_t frame[256];
	uint32_t bytes;

	WEIR_REQUIRE_EQ(host_vf_set(stage.host, 2, WEIR_ATTRIBUTE_VLAN, 100), 0);
	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_PRIORITIES, 1 << 3))), 0);
	packet.tag_protocol[0] = packet.tag_protocol[1] = 0x8100;
	for (uint32_t inside = 0; inside < 2; inside++) {
		packet.tci[0] = (uint16_t)(100 | (inside ? 0 : 3 << 13));
		packet.tci[1] = (uint16_t)(5 | (inside ? 3 << 13 : 0));
		bytes = packet_make(&packet, frame);
		WEIR_REQUIRE(weirsim_wire_receive(stage.host->sim, 0, frame, bytes) == 0);
		stage_settle(stage.host);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), inside);
		WEIR_EXPECT_EQ(frames_of_low_latency(&stage), inside);
	}
	host_destroy(stage.host);
}

static void rules_choose_flows_and_ports(void)
{
	struct stage stage = moderated();
	struct rule flow = { .location = 3, .action = WEIR_STEER_ACTION_NEXT, .low_latency = true },
		    port = { .location = 4, .action = WEIR_STEER_ACTION_QUEUE, .low_latency = true };
	static uint8_t chosen[128], near[128];
	uint32_t bytes = segment(chosen, ACK);

	/* The packet's own tuple, exactly. */
	RULE_MATCH(&flow, l3, "\x01");
	RULE_MATCH(&flow, protocol, "\x06");
	memcpy(flow.key.source_address, chosen + 26, 4);
	memset(flow.mask.source_address, 0xff, 4);
	memcpy(flow.key.destination_address, chosen + 30, 4);
	memset(flow.mask.destination_address, 0xff, 4);
	memcpy(flow.key.source_port, chosen + 34, 2);
	memset(flow.mask.source_port, 0xff, 2);
	memcpy(flow.key.destination_port, chosen + 36, 2);
	memset(flow.mask.destination_port, 0xff, 2);
	WEIR_REQUIRE_EQ(rule_add(stage.to, &flow), WEIR_STATUS_OK);
	memcpy(near, chosen, bytes);
	near[35] ^= 1;
	expect_chosen(&stage, chosen, bytes, near, bytes);
	WEIR_EXPECT_EQ(rule_frames(stage.to, 3), 2);
	WEIR_REQUIRE_EQ(rule_delete(stage.to, 3), WEIR_STATUS_OK);
	send(&stage, chosen, bytes);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	stage_take(&stage);
	stage_arm(&stage);
	/* A port of the receiver's, whoever sends. */
	RULE_MATCH(&port, protocol, "\x06");
	memcpy(port.key.destination_port, chosen + 36, 2);
	memset(port.mask.destination_port, 0xff, 2);
	WEIR_REQUIRE_EQ(rule_add(stage.to, &port), WEIR_STATUS_OK);
	memcpy(near, chosen, bytes);
	near[37] ^= 0x80;
	chosen[34] ^= 0x55;
	expect_chosen(&stage, chosen, bytes, near, bytes);
	/* The same rule without it. */
	port.low_latency = false;
	WEIR_REQUIRE_EQ(rule_add(stage.to, &port), WEIR_STATUS_OK);
	send(&stage, chosen, bytes);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	host_destroy(stage.host);
}

/* NEXT decides nothing: those behind it do; behind the one that decides it says nothing. */
static void next_leaves_the_queue_to_rules_behind(void)
{
	struct host *host = steer_card(2);
	struct host_function *to = &host->functions[2];
	struct rule next = { .location = 5, .action = WEIR_STEER_ACTION_NEXT, .low_latency = true },
		    queue = { .location = 10, .action = WEIR_STEER_ACTION_QUEUE, .queue = 3 };
	static struct host_response response;
	uint64_t value;
	uint32_t plain = steer_queue(host, steer_packet());

#define LOW_LATENCY_FRAMES host_stat(to, WEIR_STATS_SCOPE_VPORT, 0, WEIR_STAT_VPORT_RX_LOW_LATENCY)
	RULE_MATCH(&next, l3, "\x01");
	RULE_MATCH(&queue, protocol, "\x06");
	WEIR_REQUIRE_EQ(rule_add(to, &next), WEIR_STATUS_OK);
	/* By its hash, as if there were no rule. */
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), plain);
	WEIR_EXPECT_EQ(LOW_LATENCY_FRAMES, 1);
	WEIR_REQUIRE_EQ(rule_add(to, &queue), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 3);
	WEIR_EXPECT_EQ(LOW_LATENCY_FRAMES, 2);
	WEIR_EXPECT_EQ(rule_frames(to, 5), 2);
	WEIR_EXPECT_EQ(rule_frames(to, 10), 1);
	/* Also of what is dropped, which has no interrupt. */
	queue.action = WEIR_STEER_ACTION_DROP;
	WEIR_REQUIRE_EQ(rule_add(to, &queue), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), STEER_NONE);
	WEIR_EXPECT_EQ(LOW_LATENCY_FRAMES, 2);
	queue.action = WEIR_STEER_ACTION_QUEUE;
	WEIR_REQUIRE_EQ(rule_add(to, &queue), WEIR_STATUS_OK);
	/* Behind. */
	WEIR_REQUIRE_EQ(rule_delete(to, 5), WEIR_STATUS_OK);
	next.location = 11;
	WEIR_REQUIRE_EQ(rule_add(to, &next), WEIR_STATUS_OK);
	WEIR_EXPECT_EQ(steer_queue(host, steer_packet()), 3);
	WEIR_EXPECT_EQ(LOW_LATENCY_FRAMES, 2);
	WEIR_EXPECT_EQ(rule_frames(to, 11), 0);
	WEIR_REQUIRE_EQ(host_command(to, WEIR_COMMAND_STEER_GET,
				     HOST_REQUEST(HOST_U(STEER_LOCATION, 11)), &response),
			0);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_STEER_ACTION, &value));
	WEIR_EXPECT_EQ(value, WEIR_STEER_ACTION_NEXT);
	WEIR_REQUIRE(host_get(&response, WEIR_ATTRIBUTE_LOW_LATENCY, &value));
	WEIR_EXPECT_EQ(value, 1);
	host_destroy(host);
}

/* What came before the arming counts as far as the host has not seen it. */
static void what_is_there_at_the_arming_counts(void)
{
	struct stage stage = moderated();
	static uint8_t frame[64];

	host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1, 0);
	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 65))), 0);
	send(&stage, frame, 64);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	/* It comes while the host is at work, which arms without having seen it. */
	send(&stage, frame, 64);
	host_doorbell(stage.to, 0, WEIR_DOORBELL_RX_ARM, (uint16_t)(stage.to->rx[0].taken + 1));
	stage_settle(stage.host);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	WEIR_EXPECT_EQ(stage_take(&stage), 2);
	/* Seen: what comes next waits. */
	send(&stage, frame, 64);
	WEIR_EXPECT_EQ(stage_take(&stage), 1);
	stage_arm(&stage);
	stage_send(&stage, 1);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 0);
	WEIR_EXPECT_EQ(stage_wait(&stage, 10 * WAIT_US * US), WAIT_US * US);
	host_destroy(stage.host);
}

/* ---- credits ---- */

static void credits_bound_what_a_flood_can_do(void)
{
	struct stage stage = moderated();
	static uint8_t frame[64];

	host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1, 0);
	WEIR_REQUIRE_EQ(stage_moderate(&stage, 50000, 0), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(set(stage.to,
			    HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 65), HOST_U(LOW_LATENCY_US, 100),
					 HOST_U(LOW_LATENCY_CREDITS, 3))),
			0);
	/* A frame every 10 us for 10 ms, each of low latency: the credits there are, and one every 100 us. */
	for (uint32_t i = 0; i < 1000; i++) {
		send(&stage, frame, 64);
		if (stage_interrupts(&stage)) {
			stage_take(&stage);
			stage_arm(&stage);
		}
		stage_pass_ns(stage.host, 10 * US);
	}
	WEIR_EXPECT_EQ(stage.to->interrupts[STAGE_VECTOR], 3 + 9990 / 100);
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_LOW_LATENCY), 102);
	WEIR_EXPECT_EQ(frames_of_low_latency(&stage), 1000);
	WEIR_EXPECT_EQ(held(&stage), 1000 - 102);
	/* However long it is quiet, there are no more than three. */
	for (uint32_t round = 0; round < 3; round++) {
		static const uint64_t quiet_us[] = { 300, 10000000, 4294967296 };

		stage_take(&stage);
		stage_arm(&stage);
		stage_pass_ns(stage.host, quiet_us[round] * US);
		stage_interrupts(&stage);
		for (uint32_t i = 0; i < 5; i++) {
			send(&stage, frame, 64);
			WEIR_EXPECT_EQ(stage_interrupts(&stage), i < 3);
			stage_take(&stage);
			stage_arm(&stage);
		}
	}
	/* Without a credit it waits as the others do. */
	send(&stage, frame, 64);
	WEIR_EXPECT_EQ(stage_wait(&stage, 100000 * US), 50000 * US);
	stage_interrupts(&stage);
	/* Where more are lacking than there can be, all are there. */
	for (uint32_t i = 0; i < 4; i++) {
		if (i == 3)
			WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_US, 1))), 0);
		stage_take(&stage);
		stage_arm(&stage);
		send(&stage, frame, 64);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	}
	/* None are needed. */
	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_US, 0))), 0);
	for (uint32_t i = 0; i < 500; i++) {
		stage_take(&stage);
		stage_arm(&stage);
		send(&stage, frame, 64);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	}
	host_destroy(stage.host);
}

/* Where nothing waits no credit is taken, and none is missing later. */
static void what_does_not_wait_takes_no_credit(void)
{
	struct stage stage = moderated();
	static uint8_t frame[64];

	host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1, 0);
	WEIR_REQUIRE_EQ(set(stage.to, HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 65),
						   HOST_U(LOW_LATENCY_US, 60000),
						   HOST_U(LOW_LATENCY_CREDITS, 1))),
			0);
	WEIR_REQUIRE_EQ(stage_moderate(&stage, 0, 0), WEIR_STATUS_OK);
	for (uint32_t i = 0; i < 5; i++) {
		send(&stage, frame, 64);
		WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
		stage_take(&stage);
		stage_arm(&stage);
	}
	WEIR_REQUIRE_EQ(stage_moderate(&stage, WAIT_US, 1), WEIR_STATUS_OK);
	send(&stage, frame, 64);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_COUNTED), 1);
	stage_take(&stage);
	stage_arm(&stage);
	WEIR_REQUIRE_EQ(stage_moderate(&stage, WAIT_US, 0), WEIR_STATUS_OK);
	send(&stage, frame, 64);
	WEIR_EXPECT_EQ(stage_interrupts(&stage), 1);
	WEIR_EXPECT_EQ(stage_counter(&stage, WEIR_STAT_RX_QUEUE_INTERRUPTS_LOW_LATENCY), 1);
	host_destroy(stage.host);
}

/* ---- settings ---- */

static uint64_t setting(struct host_function *function, uint16_t attribute)
{
	return host_vport_value(function, attribute);
}

static void expect_settings(struct host_function *function, uint64_t bytes, uint64_t push,
			    uint64_t priorities, uint64_t us, uint64_t credits)
{
	WEIR_EXPECT_EQ(setting(function, WEIR_ATTRIBUTE_LOW_LATENCY_BYTES), bytes);
	WEIR_EXPECT_EQ(setting(function, WEIR_ATTRIBUTE_LOW_LATENCY_PUSH), push);
	WEIR_EXPECT_EQ(setting(function, WEIR_ATTRIBUTE_LOW_LATENCY_PRIORITIES), priorities);
	WEIR_EXPECT_EQ(setting(function, WEIR_ATTRIBUTE_LOW_LATENCY_US), us);
	WEIR_EXPECT_EQ(setting(function, WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS), credits);
}

static void settings_are_checked_kept_and_end_with_a_reset(void)
{
	struct host *host = test_card(2, 1, 2048, false);
	struct host_function *function = &host->functions[1];

	WEIR_EXPECT(host_read(function, WEIR_REG_FEATURES) & WEIR_REG_FEATURES_LOW_LATENCY_MASK);
	expect_settings(function, 0, 0, 0, 25, 32);
	WEIR_REQUIRE_EQ(
		set(function,
		    HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 65535), HOST_U(LOW_LATENCY_PUSH, 1),
				 HOST_U(LOW_LATENCY_PRIORITIES, 0xff),
				 HOST_U(LOW_LATENCY_US, 65535), HOST_U(LOW_LATENCY_CREDITS, 255))),
		0);
	expect_settings(function, 65535, 1, 0xff, 65535, 255);
	/* All or nothing. */
	WEIR_EXPECT_EQ(set(function,
			   HOST_REQUEST(HOST_U(LOW_LATENCY_BYTES, 1), HOST_U(LOW_LATENCY_PUSH, 2))),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_LOW_LATENCY_PUSH);
	WEIR_EXPECT_EQ(set(function, HOST_REQUEST(HOST_U(LOW_LATENCY_PRIORITIES, 1),
						  HOST_U(LOW_LATENCY_CREDITS, 0))),
		       WEIR_STATUS_BAD_VALUE);
	WEIR_EXPECT_EQ(function->detail, WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS);
	expect_settings(function, 65535, 1, 0xff, 65535, 255);
	/* What is left out stays; nobody else's is touched. */
	WEIR_REQUIRE_EQ(set(function, HOST_REQUEST(HOST_U(LOW_LATENCY_US, 7))), 0);
	expect_settings(function, 65535, 1, 0xff, 7, 255);
	expect_settings(&host->functions[2], 0, 0, 0, 25, 32);
	host_flr(function);
	host_settle(host);
	host_forget(function);
	WEIR_REQUIRE(host_up(function, test_mac(1), 1, 2048, false));
	expect_settings(function, 0, 0, 0, 25, 32);
	host_destroy(host);
}

const struct weir_test low_latency_tests[] = {
	{ "low_latency.short_frames_interrupt_at_once", short_frames_interrupt_at_once },
	{ "low_latency.pushed_segments_interrupt_at_once", pushed_segments_interrupt_at_once },
	{ "low_latency.chosen_priorities_interrupt_at_once", chosen_priorities_interrupt_at_once },
	{ "low_latency.a_port_vlans_priority_is_not_its_vfs", a_port_vlans_priority_is_not_its_vfs },
	{ "low_latency.rules_choose_flows_and_ports", rules_choose_flows_and_ports },
	{ "low_latency.next_leaves_the_queue_to_rules_behind",
	  next_leaves_the_queue_to_rules_behind },
	{ "low_latency.what_is_there_at_the_arming_counts", what_is_there_at_the_arming_counts },
	{ "low_latency.credits_bound_what_a_flood_can_do", credits_bound_what_a_flood_can_do },
	{ "low_latency.what_does_not_wait_takes_no_credit", what_does_not_wait_takes_no_credit },
	{ "low_latency.settings_are_checked_kept_and_end_with_a_reset",
	  settings_are_checked_kept_and_end_with_a_reset },
};
const size_t low_latency_test_count = WEIR_TESTS(low_latency_tests);
