/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gate in front of a queue, so that the control path can take the queue away from a core that polls it.
 *
 * The polling core says that it is inside and then looks whether the gate is open; the control path closes
 * it and then looks whether somebody is inside. Each side must not do the second before the first has become
 * visible, which would cost the polling core a fence per burst. membarrier(2) lets the control path pay for
 * both: it makes every running thread of the process pass a full barrier. So a burst pays two plain stores
 * and a load of a line that no other core touches.
 */
#ifndef WEIR_GATE_H
#define WEIR_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>

struct weir_gate {
	uint32_t open;	 /* written by the control path */
	uint32_t inside; /* written by the core that polls the queue */
};

/** Prepares the process for weir_gate_close(); once is enough, more does no harm. 0 or a negative errno. */
int weir_gate_prepare(void);

/** Lets the polling core in. */
void weir_gate_open(struct weir_gate *gate);

/** Shuts `count` gates, and returns when nobody is inside any of them. */
void weir_gate_close(struct weir_gate *const *gates, unsigned int count);

/** Goes in; false when the gate is shut. Whoever is in leaves soon, and does not wait for the control path. */
static inline bool weir_gate_enter(struct weir_gate *gate)
{
	__atomic_store_n(&gate->inside, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(
		__ATOMIC_SEQ_CST); /* the compiler's part; weir_gate_close() does the rest */
	if (likely(__atomic_load_n(&gate->open, __ATOMIC_ACQUIRE)))
		return true;
	__atomic_store_n(&gate->inside, 0, __ATOMIC_RELEASE);
	return false;
}

static inline void weir_gate_leave(struct weir_gate *gate)
{
	__atomic_store_n(&gate->inside, 0, __ATOMIC_RELEASE);
}

#endif
