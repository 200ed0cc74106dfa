/* SPDX-License-Identifier: BSD-3-Clause */
#include "weir_gate.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_cycles.h>

static int membarrier(int command)
{
	return syscall(__NR_membarrier, command, 0, 0) < 0 ? -errno : 0;
}

int weir_gate_prepare(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

void weir_gate_open(struct weir_gate *gate)
{
	__atomic_store_n(&gate->open, 1, __ATOMIC_RELEASE);
}

void weir_gate_close(struct weir_gate *const *gates, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		__atomic_store_n(&gates[i]->open, 0, __ATOMIC_SEQ_CST);
	/*
	 * weir_gate_prepare() has found that the kernel has it, so it cannot fail now; should a filter
	 * of system calls have come since, a core that was inside has long left after this time.
	 */
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) < 0)
		rte_delay_us_sleep(10000);
	for (unsigned int i = 0; i < count; i++)
		while (__atomic_load_n(&gates[i]->inside, __ATOMIC_ACQUIRE))
			rte_delay_us_sleep(10);
}
