// SPDX-License-Identifier: GPL-2.0-only
/* The NAPI poll of a queue pair, and its interrupts. */
#include "weir_hw.h"

/**
 * weir_pair_arm() - ask for one interrupt when there is more to do than was seen
 * @pair: a queue pair
 *
 * specs/data-queues.md, "Interrupts": the values say what was seen, so nothing that comes meanwhile
 * is missed. A queue that was armed with the same value still is, as there has been nothing to raise
 * an interrupt for: it is not told again.
 */
void weir_pair_arm(struct weir_pair *pair)
{
	if (unlikely(READ_ONCE(pair->weir->quiet)))
		return;
	if (!pair->rx->armed)
		writel(pair->rx->taken, pair->rx->arm);
	if (!pair->tx.armed)
		writel(pair->tx.clean, pair->tx.arm);
	pair->rx->armed = true;
	pair->tx.armed = true;
}

/**
 * weir_pair_arm_first() - arm a queue pair whose interrupts may have come to nothing so far
 * @pair: its NAPI has just been enabled
 */
void weir_pair_arm_first(struct weir_pair *pair)
{
	pair->rx->armed = false;
	pair->tx.armed = false;
	weir_pair_arm(pair);
}

/**
 * weir_poll() - NAPI poll of a queue pair
 * @napi: of the pair
 * @budget: how many receive completions may be taken; 0: clean up behind sent frames only
 *
 * Return: how many were taken; @budget if there may be more.
 */
int weir_poll(struct napi_struct *napi, int budget)
{
	struct weir_pair *pair = container_of(napi, struct weir_pair, napi);
	int done;

	/* What the card says cannot be believed any more: stay quiet until the reset. */
	if (unlikely(pair->broken)) {
		if (budget)
			napi_complete_done(napi, 0);
		return 0;
	}
	weir_tx_clean(pair, budget);
	if (unlikely(!budget))
		return 0;
	done = weir_rx_poll(pair, budget);
	if (done < budget && napi_complete_done(napi, done) && likely(!pair->broken)) {
		weir_adapt(pair);
		weir_pair_arm(pair);
	}
	return done;
}
