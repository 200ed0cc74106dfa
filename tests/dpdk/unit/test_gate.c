/* SPDX-License-Identifier: BSD-3-Clause */
/* The gates by which the control path takes queues from the cores that poll them. */
#include <sched.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "datapath.h"

static void shut_gates_keep_bursts_out(void)
{
	struct fake *fake = fake_new(64, 1023, 2048);
	struct rte_mbuf *frames[4], *frame = frame_new(fake, 64, 0);
	struct weir_gate *gates[] = { &fake->rx->gate, &fake->tx->gate };

	WEIR_REQUIRE_EQ(weir_gate_prepare(), 0);
	fake_complete(fake, 0, 64, WEIR_RXC_END_MASK);
	weir_gate_close(gates, 2);
	WEIR_EXPECT_EQ(weir_receive(fake->rx, frames, 4), 0);
	WEIR_EXPECT_EQ(weir_receive_scattered(fake->rx, frames, 4), 0);
	WEIR_EXPECT_EQ(weir_transmit(fake->tx, &frame, 1), 0);
	WEIR_EXPECT_EQ(weir_transmit_simple(fake->tx, &frame, 1), 0);
	WEIR_EXPECT_EQ(weir_tx_done_cleanup(fake->tx, 0), 0);
	WEIR_EXPECT_EQ(fake->rx->gate.inside, 0);
	WEIR_EXPECT_EQ(fake->tx->gate.inside, 0);
	weir_gate_open(&fake->rx->gate);
	weir_gate_open(&fake->tx->gate);
	WEIR_EXPECT_EQ(weir_receive(fake->rx, frames, 4), 1);
	WEIR_EXPECT_EQ(weir_transmit(fake->tx, &frame, 1), 1);
	rte_pktmbuf_free(frames[0]);
	fake_end(fake);
}

#define CONTENDED_LINES 16

struct crowd {
	struct weir_gate gate __rte_aligned(64);
	bool stop __rte_aligned(64);
	uint64_t guarded __rte_aligned(64); /* odd while the control path has the queue */
	uint64_t inside __rte_aligned(64);  /* times the poller was in */
	uint64_t races;
	/* Lines that both sides write, so that the poller's stores are late to be seen. */
	struct {
		uint64_t value __rte_aligned(64);
	} contended[CONTENDED_LINES];
};

static void write_contended(struct crowd *crowd, uint64_t value)
{
	for (unsigned int i = 0; i < CONTENDED_LINES; i++)
		__atomic_store_n(&crowd->contended[i].value, value, __ATOMIC_RELAXED);
}

static void *poll_gate(void *opaque)
{
	struct crowd *crowd = opaque;

	while (!__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED)) {
		write_contended(crowd, 1);
		if (!weir_gate_enter(&crowd->gate))
			continue;
		/* Now and then for longer than a system call takes. */
		for (unsigned int i = crowd->inside % 16 ? 50 : 200000; i; i--)
			crowd->races += __atomic_load_n(&crowd->guarded, __ATOMIC_RELAXED) & 1;
		__atomic_store_n(&crowd->inside, crowd->inside + 1, __ATOMIC_RELAXED);
		weir_gate_leave(&crowd->gate);
	}
	return NULL;
}

/* A thread on a processor of its own: DPDK has tied this one, and with it its children, to one. */
static void start_elsewhere(pthread_t *thread, void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	cpu_set_t processors;
	int here = sched_getcpu(), count = (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (count < 2)
		weir_cunit_skip("needs two processors");
	CPU_ZERO(&processors);
	for (int i = 0; i < count; i++)
		if (i != here)
			CPU_SET(i, &processors);
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof(processors), &processors);
	if (pthread_create(thread, &attributes, run, argument))
		weir_cunit_skip("no thread on another processor");
	pthread_attr_destroy(&attributes);
}

static void nobody_is_inside_when_a_gate_is_shut(void)
{
	struct crowd *crowd = rte_zmalloc("crowd", sizeof(*crowd), 64);
	struct weir_gate *gate;
	unsigned int entered = 0;
	pthread_t thread;

	WEIR_REQUIRE(crowd != NULL);
	gate = &crowd->gate;
	WEIR_REQUIRE_EQ(weir_gate_prepare(), 0);
	start_elsewhere(&thread, poll_gate, crowd);
	for (unsigned int turn = 0; turn < 20000; turn++) {
		uint64_t seen = __atomic_load_n(&crowd->inside, __ATOMIC_RELAXED);

		weir_gate_open(gate);
		/* Let it in at least once in a while. */
		while (turn % 100 == 0 && __atomic_load_n(&crowd->inside, __ATOMIC_RELAXED) == seen)
			sched_yield();
		write_contended(crowd, 2);
		weir_gate_close(&gate, 1);
		__atomic_store_n(&crowd->guarded, 2 * turn + 1, __ATOMIC_RELAXED);
		write_contended(crowd, 3);
		__atomic_store_n(&crowd->guarded, 2 * turn + 2, __ATOMIC_RELEASE);
		entered += crowd->inside != seen;
	}
	__atomic_store_n(&crowd->stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	WEIR_EXPECT_EQ(crowd->races, 0);
	WEIR_EXPECT(entered >= 200);
	rte_free(crowd);
}

const struct weir_test gate_tests[] = {
	{ "dpdk.gate.shut_gates_keep_bursts_out", shut_gates_keep_bursts_out },
	{ "dpdk.gate.nobody_is_inside_when_a_gate_is_shut", nobody_is_inside_when_a_gate_is_shut },
};
const size_t gate_tests_count = WEIR_TESTS(gate_tests);
