/* SPDX-License-Identifier: BSD-3-Clause */
/* A scene for mischief, see scene.h. */
#include "scene.h"

#include <stdlib.h>

#define VFS   5
#define TURNS 6 /* of traffic in every pause */

struct scene *scene_start(uint16_t queues, bool shadow)
{
	/* A test that fails leaves it behind; one at a time. */
	static struct scene scene;

	scene = (struct scene){ .host = host_create(VFS, test_seed()),
				.queues = queues,
				.shadow = shadow };
	struct host *host = scene.host;

	host_wire_capture(host);
	WEIR_REQUIRE(host_up(&host->functions[0], test_mac(0), 1, 2048, false));
	host_enable_vfs(host, VFS);
	for (uint16_t i = 1; i <= VFS; i++)
		WEIR_REQUIRE(host_up(&host->functions[i], test_mac(i), i == 1 ? queues : 1, 2048,
				     shadow && i < 5));
	scene.attacker = &host->functions[1];
	scene.peer = &host->functions[2];
	traffic_start(&scene.traffic, host);
	traffic_add(&scene.traffic, &host->functions[3], &host->functions[4], false);
	traffic_add(&scene.traffic, &host->functions[4], &host->functions[3], false);
	traffic_add(&scene.traffic, &host->functions[0], &host->functions[5], false);
	traffic_add(&scene.traffic, &host->functions[5], &host->functions[0], false);
	scene_settle(&scene);
	return &scene;
}

void scene_end(struct scene *scene)
{
	scene_turns(scene, 20);
	traffic_finish(&scene->traffic);
	host_destroy(scene->host);
}

void scene_turns(struct scene *scene, uint32_t turns)
{
	traffic_turns(&scene->traffic, turns);
}

void scene_settle(struct scene *scene)
{
	scene_turns(scene, TURNS);
	host_settle(scene->host);
}

uint32_t scene_frame(struct scene *scene, struct host_function *from, struct host_function *to)
{
	static uint8_t frame[300];

	host_make_frame(frame, test_mac(to->index), test_mac(from->index), 0, 0, sizeof(frame),
			from->index, ++scene->sequence);
	WEIR_REQUIRE(host_send(from, 0, frame, sizeof(frame), 2, 3, 0, 0));
	host_send_done(from, 0);
	return scene->sequence;
}

static bool arrives(struct host_function *function, uint32_t wanted)
{
	static struct host_frame got;
	uint32_t flow, sequence;

	for (uint16_t queue = 0; queue < HOST_QUEUES; queue++)
		while (host_receive(function, queue, &got))
			if (host_check_frame(got.data, got.bytes, &flow, &sequence) &&
			    sequence == wanted)
				return true;
	return false;
}

void scene_expect_attacker_works(struct scene *scene)
{
	scene_strays(scene);
	uint32_t there = scene_frame(scene, scene->attacker, scene->peer);
	uint32_t back = scene_frame(scene, scene->peer, scene->attacker);

	scene_settle(scene);
	WEIR_EXPECT(arrives(scene->peer, there));
	WEIR_EXPECT(arrives(scene->attacker, back));
}

uint32_t scene_strays(struct scene *scene)
{
	uint32_t count = 0;

	for (uint16_t queue = 0; queue < HOST_QUEUES; queue++) {
		while (host_receive(scene->peer, queue, &scene->last_stray))
			count++;
		while (host_receive(scene->attacker, queue, &scene->last_stray))
			count++;
	}
	host_settle(scene->host);
	return count;
}

/* Lets a second pass, within which one report of a kind is sent at most, and takes events. */
static void wait_for_reports(struct scene *scene, struct host_function *function)
{
	host_pass_ms(scene->host, 1100);
	host_take_events(function);
}

void scene_expect_reported(struct scene *scene, enum weir_misbehaviour kind)
{
	struct host_function *pf = &scene->host->functions[0];

	wait_for_reports(scene, pf);
	WEIR_EXPECT(pf->events[WEIR_EVENT_MISBEHAVIOUR] > 0);
	WEIR_EXPECT_EQ(weir_le16_to_cpu(pf->last_event[WEIR_EVENT_MISBEHAVIOUR].function),
		       scene->attacker->index);
	WEIR_EXPECT_EQ(weir_le32_to_cpu(pf->last_event[WEIR_EVENT_MISBEHAVIOUR].detail), kind);
}

void scene_expect_stopped(struct scene *scene, enum weir_misbehaviour kind, uint16_t queue,
			  bool transmit)
{
	struct host_function *told[] = { &scene->host->functions[0], scene->attacker };

	for (size_t i = 0; i < WEIR_TESTS(told); i++) {
		wait_for_reports(scene, told[i]);
		const struct weir_admin_event *event =
			&told[i]->last_event[WEIR_EVENT_MISBEHAVIOUR];

		WEIR_EXPECT(told[i]->events[WEIR_EVENT_MISBEHAVIOUR] > 0);
		WEIR_EXPECT_EQ(weir_le16_to_cpu(event->function), scene->attacker->index);
		WEIR_EXPECT_EQ(weir_le32_to_cpu(event->detail), kind);
		WEIR_EXPECT_EQ(weir_le64_to_cpu(event->data),
			       queue | (transmit ? 0x10000 : 0) | 0x20000);
		told[i]->events[WEIR_EVENT_MISBEHAVIOUR] = 0;
	}
}

void scene_renew_queue(struct scene *scene, uint16_t queue)
{
	WEIR_REQUIRE_EQ(host_queue_destroy(scene->attacker, queue), WEIR_STATUS_OK);
	WEIR_REQUIRE_EQ(host_queue_create(scene->attacker, queue, 2048, (uint16_t)(queue + 1),
					  scene->shadow),
			WEIR_STATUS_OK);
	scene_settle(scene);
}
