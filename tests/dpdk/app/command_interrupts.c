/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * interrupts: port 0 sleeps until its receive interrupt comes; a thread sends to it from port 1, now and then a few
 * frames. Each must wake the sleeper, none may be lost, and nobody may be woken for nothing all the time.
 *
 * interrupts-recover: the same, while somebody takes the device away (after `flowing`) and brings it back: who sleeps is
 * woken when it is back, and by each frame from then on.
 */
#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_interrupts.h>

/* Far longer than any frame takes: to run into it is to have missed an interrupt. */
#define SLEEP_TIMEOUT_MS 5000
/* And longer than the device is away. */
#define RECOVERY_TIMEOUT_MS 15000u

struct sender {
	struct port *from, *to;
	uint32_t groups; /* UINT32_MAX: until `stop` */
	uint32_t sent;
	bool stop;
};

static void *send_groups(void *opaque)
{
	struct sender *sender = opaque;
	uint32_t random = 12345;

	for (uint32_t group = 0; group < sender->groups; group++) {
		uint32_t frames;

		if (__atomic_load_n(&sender->stop, __ATOMIC_RELAXED))
			break;

		random = random * 1103515245 + 12345;
		frames = 1 + (random >> 16) % 4;
		for (uint32_t i = 0; i < frames; i++) {
			struct frame_spec spec = { .destination = sender->to->mac,
						   .source = sender->from->mac,
						   .sequence = sender->sent,
						   .bytes = 200,
						   .segments = 1 };
			struct rte_mbuf *frame;

			while (!(frame = frame_make(sender->from->pool, &spec)))
				usleep(100);
			/* While the device is away nothing is sent. */
			while (rte_eth_tx_burst(sender->from->id, 0, &frame, 1) != 1 &&
			       !__atomic_load_n(&sender->stop, __ATOMIC_RELAXED))
				usleep(100);
			sender->sent++;
		}
		/* Sometimes at once, so that a frame comes just as the sleeper lies down; sometimes later. */
		if (group % 4)
			usleep((random >> 8) % 2000);
	}
	return NULL;
}

/* Two ports, started, the first with receive interrupts that this thread can wait for. */
static void open_ports(struct port *ports)
{
	struct port_setup setup = { .mbufs = 8191, .rx_interrupt = true };
	int error;

	port_open(&ports[0], 0, &setup);
	setup.rx_interrupt = false;
	port_open(&ports[1], 1, &setup);
	CHECK(rte_eth_dev_rx_intr_enable(ports[1].id, 0) == -ENOTSUP,
	      "a port without receive interrupts arms one");
	pair_start(ports);
	error = rte_eth_dev_rx_intr_ctl_q(ports[0].id, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
					  NULL);
	CHECK(!error, "no receive interrupt: %s", rte_strerror(-error));
}

static void close_ports(struct port *ports)
{
	int error = rte_eth_dev_rx_intr_ctl_q(ports[0].id, 0, RTE_EPOLL_PER_THREAD,
					      RTE_INTR_EVENT_DEL, NULL);

	CHECK(!error, "the interrupt cannot be given back: %s", rte_strerror(-error));
	pair_close(ports);
}

/* Arms the interrupt and sleeps; whether it came. */
static bool sleep_until_interrupt(const struct port *port, int timeout_ms)
{
	struct rte_epoll_event event;
	int error = rte_eth_dev_rx_intr_enable(port->id, 0), count;

	CHECK(!error, "the interrupt cannot be enabled: %s", rte_strerror(-error));
	count = rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, timeout_ms);
	CHECK(count >= 0, "rte_epoll_wait: %s", rte_strerror(rte_errno));
	rte_eth_dev_rx_intr_disable(port->id, 0);
	return count > 0;
}

int command_interrupts(void)
{
	struct sender sender = { .groups = (uint32_t)check_option("groups", 3000) };
	uint32_t received = 0, wakes = 0, empty_wakes = 0;
	struct port ports[2];
	pthread_t thread;

	open_ports(ports);
	sender.from = &ports[1];
	sender.to = &ports[0];
	CHECK(!pthread_create(&thread, NULL, send_groups, &sender), "no thread");
	/* The last group is over when the sender has ended and all that it sent is here. */
	while (sleep_until_interrupt(&ports[0], SLEEP_TIMEOUT_MS)) {
		struct rte_mbuf *frames[CHECK_BURST];
		uint32_t before = received;
		uint16_t count;

		wakes++;
		while ((count = rte_eth_rx_burst(ports[0].id, 0, frames, CHECK_BURST)) != 0)
			for (uint16_t i = 0; i < count; i++) {
				struct frame_spec said;

				if (frame_identify(frames[i], &said)) {
					CHECK(said.sequence == received,
					      "frame %u came, %u was next", said.sequence,
					      received);
					received++;
				}
				rte_pktmbuf_free(frames[i]);
			}
		empty_wakes += received == before;
	}
	CHECK(rte_eth_rx_queue_count(ports[0].id, 0) == 0,
	      "frames came and no interrupt, after %u of them", received);
	pthread_join(thread, NULL);
	CHECK(received == sender.sent, "%u frames sent, %u received", sender.sent, received);
	/* An interrupt may find its frame taken already, by the burst that the one before it caused. */
	CHECK(empty_wakes <= wakes / 2, "%u of %u wakes for nothing", empty_wakes, wakes);
	CHECK(wakes >= sender.groups / 8, "only %u wakes for %u groups: somebody polls", wakes,
	      sender.groups);
	printf("frames=%u wakes=%u empty=%u\n", received, wakes, empty_wakes);
	close_ports(ports);
	return 0;
}

int command_interrupts_recover(void)
{
	struct sender sender = { .groups = UINT32_MAX };
	uint32_t received = 0, after = 0;
	double deadline = check_seconds() + 60;
	struct port ports[2];
	pthread_t thread;
	bool back = false;

	open_ports(ports);
	sender.from = &ports[1];
	sender.to = &ports[0];
	CHECK(!pthread_create(&thread, NULL, send_groups, &sender), "no thread");
	while (after < 500) {
		bool woken = sleep_until_interrupt(&ports[0], (int)RECOVERY_TIMEOUT_MS);
		struct rte_mbuf *frames[CHECK_BURST];
		uint16_t count;

		while ((count = rte_eth_rx_burst(ports[0].id, 0, frames, CHECK_BURST)) != 0) {
			for (uint16_t i = 0; i < count; i++)
				rte_pktmbuf_free(frames[i]);
			if (received < 500 && received + count >= 500)
				printf("flowing\n");
			received += count;
			after += back ? count : 0;
		}
		/* Frames come all the time, but for the time without a device, and that ends with a wake. */
		CHECK(woken, "no interrupt for %u ms, after %u frames", RECOVERY_TIMEOUT_MS,
		      received);
		if (!back && port_xstat(&ports[0], "driver_recoveries") &&
		    port_xstat(&ports[1], "driver_recoveries"))
			back = true;
		CHECK(check_seconds() < deadline,
		      "%u frames, %u of them after the device came back", received, after);
	}
	__atomic_store_n(&sender.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("frames=%u\n", received);
	close_ports(ports);
	return 0;
}
