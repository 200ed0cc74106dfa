/* SPDX-License-Identifier: BSD-3-Clause */
/* Steering rules for tests, see steer.h. */
#include "steer.h"

int rule_add(struct host_function *function, const struct rule *rule)
{
	struct host_attribute request[8] = {
		HOST_U(STEER_LOCATION, rule->location),
		HOST_BYTES(STEER_KEY, &rule->key, sizeof(rule->key)),
		HOST_BYTES(STEER_MASK, &rule->mask, sizeof(rule->mask)),
		HOST_U(STEER_ACTION, rule->action),
	};
	uint32_t count = 4;

	if (rule->action == WEIR_STEER_ACTION_QUEUE)
		request[count++] = (struct host_attribute)HOST_U(QUEUE, rule->queue);
	if (rule->marks)
		request[count++] = (struct host_attribute)HOST_U(STEER_MARK, rule->mark);
	if (rule->low_latency)
		request[count++] = (struct host_attribute)HOST_U(LOW_LATENCY, 1);
	return host_command(function, WEIR_COMMAND_STEER_ADD, request, NULL);
}

int rule_delete(struct host_function *function, uint16_t location)
{
	return host_command(function, WEIR_COMMAND_STEER_DELETE,
			    HOST_REQUEST(HOST_U(STEER_LOCATION, location)), NULL);
}

static uint64_t rule_count(struct host_function *function, uint16_t location,
			   enum weir_attribute_id attribute)
{
	static struct host_response response;
	uint64_t count = 0;

	if (host_command(function, WEIR_COMMAND_STEER_GET,
			 HOST_REQUEST(HOST_U(STEER_LOCATION, location)), &response))
		return STEER_NONE;
	WEIR_REQUIRE(host_get(&response, attribute, &count));
	return count;
}

uint64_t rule_frames(struct host_function *function, uint16_t location)
{
	return rule_count(function, location, WEIR_ATTRIBUTE_STEER_FRAMES);
}

uint64_t rule_bytes(struct host_function *function, uint16_t location)
{
	return rule_count(function, location, WEIR_ATTRIBUTE_STEER_BYTES);
}

struct host *steer_card(uint16_t vfs)
{
	return test_card(vfs, STEER_QUEUES, 2048, false);
}

struct packet steer_packet(void)
{
	return (struct packet){ .destination = test_mac(2),
				.source = test_mac(1),
				.protocol = PACKET_TCP,
				.payload = 30 };
}

uint32_t steer_taken(struct host_function *function, struct host_frame *got)
{
	static struct host_frame spare;

	for (uint16_t queue = 0; queue < STEER_QUEUES; queue++)
		if (function->rx[queue].created && host_receive(function, queue, got ? got : &spare))
			return queue;
	return STEER_NONE;
}

uint32_t steer_pass(struct host *host, const uint8_t *frame, uint32_t bytes, struct host_frame *got)
{
	WEIR_REQUIRE(host_send(&host->functions[1], 0, frame, bytes, 1, 0, 0, 0));
	host_send_done(&host->functions[1], 0);
	host_settle(host);
	return steer_taken(&host->functions[2], got);
}

uint32_t steer_queue(struct host *host, struct packet packet)
{
	static uint8_t frame[HOST_FRAME_MAX];
	uint32_t bytes = packet_make(&packet, frame);

	return steer_pass(host, frame, bytes, NULL);
}
