/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts by eventfd. */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct irq_bench {
	struct bench bench;
	struct vfu_client *client;
	int eventfds[MSIX_VECTORS];
};

static void irq_begin(struct irq_bench *irq)
{
	bench_init(&irq->bench);
	bench_start(&irq->bench);
	bench_run_thread(&irq->bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(irq->bench.path, NULL, &irq->client), 0);
	for (uint32_t i = 0; i < MSIX_VECTORS; i++)
		irq->eventfds[i] = new_eventfd();
}

static void irq_end(struct irq_bench *irq)
{
	vfu_client_destroy(irq->client);
	bench_end(&irq->bench);
	for (uint32_t i = 0; i < MSIX_VECTORS; i++)
		close(irq->eventfds[i]);
}

/* Triggers every vector on the device's side and expects exactly the eventfds of `set` to count. */
static void expect_signalled(struct irq_bench *irq, uint64_t set)
{
	for (uint32_t i = 0; i < MSIX_VECTORS; i++) {
		bool expected = set & (1ull << i);

		WEIR_EXPECT_EQ(vfu_server_irq_trigger(irq->bench.server, VFU_IRQ_MSIX, i),
			       expected ? 0 : -ENOENT);
	}
	for (uint32_t i = 0; i < MSIX_VECTORS; i++)
		WEIR_EXPECT_EQ(eventfd_count(irq->eventfds[i]), set & (1ull << i) ? 1 : 0);
}

static void vectors_signal_their_own_eventfds(void)
{
	const uint64_t all = (1ull << MSIX_VECTORS) - 1;
	struct irq_bench irq;
	int some[MSIX_VECTORS];

	irq_begin(&irq);
	expect_signalled(&irq, 0);
	/* 40 descriptors at 16 a message. */
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_MSIX, 0, MSIX_VECTORS,
					       irq.eventfds),
		       0);
	WEIR_EXPECT_EQ(irq.bench.irq_changes, 3);
	expect_signalled(&irq, all);
	for (uint32_t i = 0; i < MSIX_VECTORS; i++)
		some[i] = i % 3 == 0 ? -1 : irq.eventfds[i];
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_MSIX, 5, 7, some + 5), 0);
	expect_signalled(&irq, all & ~(1ull << 6) & ~(1ull << 9));
	WEIR_EXPECT_EQ(vfu_client_irq_disable(irq.client, VFU_IRQ_MSIX), 0);
	expect_signalled(&irq, 0);
	irq_end(&irq);
}

static void kinds_of_interrupt_are_told_apart(void)
{
	struct irq_bench irq;

	irq_begin(&irq);
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_ERROR, 0, 1, irq.eventfds), 0);
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_REQUEST, 0, 1, irq.eventfds + 1),
		       0);
	WEIR_EXPECT_EQ(vfu_server_irq_trigger(irq.bench.server, VFU_IRQ_ERROR, 0), 0);
	WEIR_EXPECT_EQ(eventfd_count(irq.eventfds[0]), 1);
	WEIR_EXPECT_EQ(eventfd_count(irq.eventfds[1]), 0);
	WEIR_EXPECT_EQ(vfu_server_irq_trigger(irq.bench.server, VFU_IRQ_MSIX, 0), -ENOENT);
	WEIR_EXPECT_EQ(vfu_server_irq_trigger(irq.bench.server, VFU_IRQ_ERROR, 1), -ENOENT);
	WEIR_EXPECT_EQ(vfu_server_irq_trigger(irq.bench.server, VFU_IRQS, 0), -ENOENT);
	/* There is no INTx; taking it away all the same, as QEMU does, is fine. */
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_INTX, 0, 1, irq.eventfds),
		       -EINVAL);
	WEIR_EXPECT_EQ(vfu_client_irq_disable(irq.client, VFU_IRQ_INTX), 0);
	irq_end(&irq);
}

static void a_client_can_trigger_its_own_interrupts(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	static const uint8_t chosen[4] = { 1, 0, 0, 255 };
	struct bench bench;
	int eventfds[4];
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_set_irqs(&raw, VFU_IRQ_SET_DATA_EVENTFD | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 2,
		     4);
	for (int i = 0; i < 4; i++)
		raw.fds[raw.fd_count++] = eventfds[i] = new_eventfd();
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	raw_set_irqs(&raw, VFU_IRQ_SET_DATA_NONE | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 1, 3);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	for (int i = 0; i < 4; i++)
		WEIR_EXPECT_EQ(eventfd_count(eventfds[i]), i < 2);
	raw_set_irqs(&raw, VFU_IRQ_SET_DATA_BOOL | VFU_IRQ_SET_ACTION_TRIGGER, VFU_IRQ_MSIX, 2, 4);
	((struct vfu_message_set_irqs *)(raw.bytes + sizeof(struct vfu_header)))->argument_bytes +=
		4;
	raw_add(&raw, chosen, sizeof(chosen));
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	for (int i = 0; i < 4; i++)
		WEIR_EXPECT_EQ(eventfd_count(eventfds[i]), chosen[i] != 0);
	WEIR_EXPECT_EQ(bench_stats(&bench).irq_commands, 3);
	close(fd);
	bench_end(&bench);
	for (int i = 0; i < 4; i++)
		close(eventfds[i]);
}

static void masking_reaches_the_device(void)
{
	static struct raw raw;
	static struct raw_reply reply;
	static const uint8_t chosen[6] = { 1, 1, 0, 1, 0, 0 };
	struct bench bench;
	int fd;

	bench_init(&bench);
	bench_start(&bench);
	fd = raw_connect_agreed(&bench);
	raw_set_irqs(&raw, VFU_IRQ_SET_DATA_NONE | VFU_IRQ_SET_ACTION_MASK, VFU_IRQ_MSIX, 0,
		     MSIX_VECTORS);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	WEIR_EXPECT_EQ(bench.masked_vectors, MSIX_VECTORS);
	WEIR_EXPECT_EQ(bench.mask_calls, 1);
	raw_set_irqs(&raw, VFU_IRQ_SET_DATA_BOOL | VFU_IRQ_SET_ACTION_UNMASK, VFU_IRQ_MSIX, 4, 6);
	((struct vfu_message_set_irqs *)(raw.bytes + sizeof(struct vfu_header)))->argument_bytes +=
		6;
	raw_add(&raw, chosen, sizeof(chosen));
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), 0);
	WEIR_EXPECT_EQ(bench.masked_vectors, MSIX_VECTORS - 3);
	WEIR_EXPECT_EQ(bench.mask_calls, 3);
	bench.irq_result = -EPERM;
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), EPERM);
	raw_set_irqs(&raw, VFU_IRQ_SET_DATA_EVENTFD | VFU_IRQ_SET_ACTION_MASK, VFU_IRQ_MSIX, 0, 1);
	WEIR_EXPECT_EQ(raw_exchange(&bench, fd, &raw, &reply), EOPNOTSUPP);
	close(fd);
	bench_end(&bench);
}

static void a_refused_change_keeps_the_old_eventfds(void)
{
	struct irq_bench irq;
	unsigned int fds;

	irq_begin(&irq);
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_MSIX, 0, 2, irq.eventfds), 0);
	fds = open_fds();
	irq.bench.irq_result = -EBUSY;
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_MSIX, 0, 2, irq.eventfds + 2),
		       -EBUSY);
	WEIR_EXPECT_EQ(vfu_client_irq_disable(irq.client, VFU_IRQ_MSIX), -EBUSY);
	irq.bench.irq_result = 1;
	WEIR_EXPECT_EQ(vfu_client_irq_disable(irq.client, VFU_IRQ_MSIX), -EIO);
	WEIR_EXPECT_EQ(open_fds(), fds);
	expect_signalled(&irq, 3);
	irq_end(&irq);
}

static void replaced_eventfds_are_closed(void)
{
	struct irq_bench irq;
	unsigned int fds;

	irq_begin(&irq);
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_MSIX, 0, 4, irq.eventfds), 0);
	fds = open_fds();
	for (int i = 0; i < 50; i++)
		WEIR_EXPECT_EQ(vfu_client_irq_eventfds(irq.client, VFU_IRQ_MSIX, 0, 4,
						       irq.eventfds + i % 8),
			       0);
	WEIR_EXPECT_EQ(open_fds(), fds);
	WEIR_EXPECT_EQ(vfu_client_irq_disable(irq.client, VFU_IRQ_MSIX), 0);
	WEIR_EXPECT_EQ(open_fds(), fds - 4);
	irq_end(&irq);
}

static void an_eventfd_that_is_full_does_not_block(void)
{
	const uint64_t most = UINT64_MAX - 1;
	struct bench bench;
	struct vfu_client *client;
	/* One whose writes do wait. */
	int eventfd_waiting = eventfd(0, EFD_CLOEXEC);

	WEIR_REQUIRE(eventfd_waiting >= 0);
	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(client, VFU_IRQ_MSIX, 3, 1, &eventfd_waiting), 0);
	WEIR_REQUIRE_EQ(write(eventfd_waiting, &most, sizeof(most)), sizeof(most));
	WEIR_EXPECT_EQ(vfu_server_irq_trigger(bench.server, VFU_IRQ_MSIX, 3), -EAGAIN);
	WEIR_EXPECT_EQ(eventfd_count(eventfd_waiting), most);
	WEIR_EXPECT_EQ(vfu_server_irq_trigger(bench.server, VFU_IRQ_MSIX, 3), 0);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(eventfd_waiting);
}

static void what_is_no_eventfd_is_refused(void)
{
	struct bench bench;
	struct vfu_client *client;
	int pipes[2];
	int mixed[2];
	unsigned int fds;

	WEIR_REQUIRE_EQ(pipe(pipes), 0);
	mixed[0] = new_eventfd();
	mixed[1] = pipes[1];
	bench_init(&bench);
	bench_start(&bench);
	bench_run_thread(&bench);
	WEIR_REQUIRE_EQ(vfu_client_connect(bench.path, NULL, &client), 0);
	fds = open_fds();
	WEIR_EXPECT_EQ(vfu_client_irq_eventfds(client, VFU_IRQ_MSIX, 0, 2, mixed), -EINVAL);
	WEIR_EXPECT_EQ(vfu_server_irq_eventfd(bench.server, VFU_IRQ_MSIX, 0), -1);
	WEIR_EXPECT_EQ(open_fds(), fds);
	WEIR_EXPECT_EQ(bench_stats(&bench).fds_discarded, 2);
	vfu_client_destroy(client);
	bench_end(&bench);
	close(pipes[0]);
	close(pipes[1]);
	close(mixed[0]);
}

const struct weir_test irq_tests[] = {
	{ "vfio_user.irq.vectors_signal_their_own_eventfds", vectors_signal_their_own_eventfds },
	{ "vfio_user.irq.kinds_of_interrupt_are_told_apart", kinds_of_interrupt_are_told_apart },
	{ "vfio_user.irq.a_client_can_trigger_its_own_interrupts",
	  a_client_can_trigger_its_own_interrupts },
	{ "vfio_user.irq.masking_reaches_the_device", masking_reaches_the_device },
	{ "vfio_user.irq.a_refused_change_keeps_the_old_eventfds",
	  a_refused_change_keeps_the_old_eventfds },
	{ "vfio_user.irq.replaced_eventfds_are_closed", replaced_eventfds_are_closed },
	{ "vfio_user.irq.an_eventfd_that_is_full_does_not_block",
	  an_eventfd_that_is_full_does_not_block },
	{ "vfio_user.irq.what_is_no_eventfd_is_refused", what_is_no_eventfd_is_refused },
};
const size_t irq_test_count = WEIR_TESTS(irq_tests);
