/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow: the application's rules as steering rules of the vport (specs/steering.md). weir_flow_pattern.c knows how a rule is said in
 * DPDK's words, weir_flow_action.c what it asks for, weir_flow.c what becomes of it.
 */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_flow.h>

#include "weir/weir_abi.h"
#include "weir_device.h"

/** What a rule asks of the function, and the application of the rule. */
struct weir_flow_rule {
	struct weir_steer_key key, mask;
	uint8_t action;		   /* enum weir_steer_action */
	uint16_t queue;		   /* with QUEUE */
	struct weir_spread spread; /* with SPREAD */
	bool marks, counts;
	uint32_t mark;
	uint32_t priority;
};

/**
 * Takes a rule apart.
 *
 * @param device  whose queues, and whose own RSS settings for what an RSS action leaves open; unlocked
 * @return 0, or a negative errno that is in *error, too, with what is wrong and where
 */
int weir_flow_translate(const struct rte_flow_attr *attr, const struct rte_flow_item *pattern,
			const struct rte_flow_action *actions, const struct weir_device *device,
			struct weir_flow_rule *rule, struct rte_flow_error *error);

/** Takes a rule's actions; the rest as weir_flow_translate(). */
int weir_flow_take_actions(const struct rte_flow_action *action, const struct weir_device *device,
			   struct weir_flow_rule *rule, struct rte_flow_error *error);

#endif
