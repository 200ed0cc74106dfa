/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage.h"

#include <string.h>

struct stage stage_start(void)
{
	struct stage stage = { .host = test_card(2, 1, 2048, false) };

	stage.from = &stage.host->functions[1];
	stage.to = &stage.host->functions[2];
	return stage;
}

int stage_moderate_queue(struct host_function *function, uint16_t opcode, uint64_t us,
			 uint64_t count)
{
	return host_command(function, opcode,
			    HOST_REQUEST(HOST_U(QUEUE, 0), HOST_U(MODERATION_US, us),
					 HOST_U(MODERATION_COUNT, count)),
			    NULL);
}

int stage_moderate(struct stage *stage, uint64_t us, uint64_t count)
{
	return stage_moderate_queue(stage->to, WEIR_COMMAND_RX_QUEUE_MODERATE, us, count);
}

/* Everything that is to be done now is done, and no later than that: no time passes. In the deferred home things take time. */
void stage_settle(struct host *host)
{
	uint64_t until_ns;
	uint32_t idle = 0;

	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t done = weirsim_poll(host->sim);

		idle = done || !weirsim_may_sleep(host->sim, &until_ns) ? 0 : idle + 1;
		if (idle == 3)
			return;
	}
	WEIR_REQUIRE(!"the card never came to rest");
}

/* Lets time pass to the nanosecond, the card's own deadlines kept on the way. */
void stage_pass_ns(struct host *host, uint64_t ns)
{
	uint64_t end_ns = weirsim_now_ns(host->sim) + ns, now_ns, until_ns;

	for (;;) {
		stage_settle(host);
		now_ns = weirsim_now_ns(host->sim);
		if (now_ns >= end_ns)
			return;
		WEIR_REQUIRE(weirsim_may_sleep(host->sim, &until_ns));
		if (until_ns > end_ns)
			until_ns = end_ns;
		weirsim_advance_ns(host->sim, until_ns > now_ns ? until_ns - now_ns : 0);
	}
}

void stage_send(struct stage *stage, uint32_t frames)
{
	static uint8_t frame[STAGE_FRAME_BYTES];

	for (uint32_t i = 0; i < frames; i++) {
		host_make_frame(frame, test_mac(2), test_mac(1), 0, 0, sizeof(frame), 1,
				stage->sequence++);
		WEIR_REQUIRE(host_send(stage->from, 0, frame, sizeof(frame), 1, 0, 0, 0));
	}
	host_send_done(stage->from, 0);
	stage_settle(stage->host);
}

uint32_t stage_take(struct stage *stage)
{
	static struct host_frame got;
	uint32_t count = 0;

	while (host_receive(stage->to, 0, &got))
		count++;
	stage->taken += count;
	return count;
}

void stage_arm(struct stage *stage)
{
	host_doorbell(stage->to, 0, WEIR_DOORBELL_RX_ARM, stage->to->rx[0].taken);
	stage_settle(stage->host);
}

/* Interrupts of the receiver since this was asked last. */
uint32_t stage_interrupts(struct stage *stage)
{
	uint32_t all = stage->to->interrupts[STAGE_VECTOR], news = all - stage->seen;

	stage->seen = all;
	return news;
}

/* Lets time pass until the interrupt comes, and says when it did, from the call on; at most `most_ns`. */
uint64_t stage_wait(struct stage *stage, uint64_t most_ns)
{
	uint64_t start_ns = weirsim_now_ns(stage->host->sim), until_ns, now_ns;
	uint32_t before = stage->to->interrupts[STAGE_VECTOR];

	for (;;) {
		stage_settle(stage->host);
		now_ns = weirsim_now_ns(stage->host->sim);
		if (stage->to->interrupts[STAGE_VECTOR] != before || now_ns - start_ns >= most_ns)
			return now_ns - start_ns;
		WEIR_REQUIRE(weirsim_may_sleep(stage->host->sim, &until_ns));
		if (until_ns > start_ns + most_ns)
			until_ns = start_ns + most_ns;
		weirsim_advance_ns(stage->host->sim, until_ns > now_ns ? until_ns - now_ns : 0);
	}
}

uint64_t stage_counter(struct stage *stage, enum weir_stat_rx_queue counter)
{
	return host_stat(stage->to, WEIR_STATS_SCOPE_RX_QUEUE, 0, counter);
}
