/* SPDX-License-Identifier: BSD-3-Clause */
/* From rte_flow's actions to a steering rule's. */
#include "weir_flow.h"

#include <errno.h>
#include <string.h>

/* --- RSS ------------------------------------------------------------------------------------------ */

static int refuse_rss(const struct rte_flow_action *action, int error_number, const char *why,
		      struct rte_flow_error *error)
{
	return rte_flow_error_set(error, error_number, RTE_FLOW_ERROR_TYPE_ACTION_CONF, action, why);
}

/* The queues in turn, all the table long. */
static int take_queues(const struct rte_flow_action *action, uint16_t queues,
		       struct weir_spread *spread, struct rte_flow_error *error)
{
	const struct rte_flow_action_rss *rss = action->conf;

	if (!rss->queue_num || rss->queue_num > WEIR_INDIRECTION_ENTRIES)
		return refuse_rss(action, EINVAL, "RSS goes over 1 to 128 queues", error);
	for (uint32_t i = 0; i < rss->queue_num; i++)
		if (rss->queue[i] >= queues)
			return refuse_rss(action, EINVAL, "the port has no such receive queue",
					  error);
	for (uint32_t i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		spread->table[i] = rss->queue[i % rss->queue_num];
	return 0;
}

static int take_function(const struct rte_flow_action *action, struct weir_spread *spread,
			 struct rte_flow_error *error)
{
	switch (((const struct rte_flow_action_rss *)action->conf)->func) {
	case RTE_ETH_HASH_FUNCTION_DEFAULT:
	case RTE_ETH_HASH_FUNCTION_TOEPLITZ:
		spread->function = WEIR_HASH_FUNCTION_TOEPLITZ;
		return 0;
	case RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ:
		spread->function = WEIR_HASH_FUNCTION_SYMMETRIC_XOR;
		return 0;
	default:
		return refuse_rss(action, ENOTSUP,
				  "hash functions are toeplitz and symmetric_toeplitz", error);
	}
}

/* Without a key, the port's own, as it is now. */
static int take_key(const struct rte_flow_action *action, const struct weir_device *device,
		    struct weir_spread *spread, struct rte_flow_error *error)
{
	const struct rte_flow_action_rss *rss = action->conf;
	const uint8_t *key = rss->key_len ? rss->key : device->rss.key;

	spread->key_bytes = rss->key_len ? (uint8_t)rss->key_len : device->rss.key_bytes;
	if (!key || (rss->key_len && rss->key_len != WEIR_HASH_KEY_BYTES &&
		     rss->key_len != WEIR_HASH_KEY_MAX_BYTES))
		return refuse_rss(action, EINVAL, "an RSS key has 40 or 52 bytes", error);
	memcpy(spread->key, key, spread->key_bytes);
	return 0;
}

/* Without types, those of the port, and if it has none, all. */
static int take_types(const struct rte_flow_action *action, const struct weir_device *device,
		      struct weir_spread *spread, struct rte_flow_error *error)
{
	const struct rte_flow_action_rss *rss = action->conf;

	if (rss->types & ~weir_rss_flows())
		return refuse_rss(action, ENOTSUP, "RSS types with what is not hashed", error);
	if (rss->level > 2)
		return refuse_rss(action, ENOTSUP, "RSS levels are 0 to 2", error);
	spread->types = weir_rss_types(rss->types);
	if (!(spread->types & WEIR_HASH_TYPES_ALL))
		spread->types |= weir_rss_types(device->rss.flows) & WEIR_HASH_TYPES_ALL;
	if (!(spread->types & WEIR_HASH_TYPES_ALL))
		spread->types |= WEIR_HASH_TYPES_ALL;
	if (rss->level == 2)
		spread->types |= WEIR_HASH_TYPE_INNER;
	return 0;
}

static int take_rss(const struct rte_flow_action *action, const struct weir_device *device,
		    struct weir_flow_rule *rule, struct rte_flow_error *error)
{
	struct weir_spread *spread = &rule->spread;
	int result;

	if (!(device->limits.features & WEIR_REG_FEATURES_SPREAD_CONTEXTS_MASK))
		return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, action,
					  "this card has no RSS contexts");
	rule->action = WEIR_STEER_ACTION_SPREAD;
	result = take_queues(action, device->data->nb_rx_queues, spread, error);
	if (!result)
		result = take_function(action, spread, error);
	if (!result)
		result = take_key(action, device, spread, error);
	if (!result)
		result = take_types(action, device, spread, error);
	return result;
}

/* --- all actions ---------------------------------------------------------------------------------- */

static int take_queue(const struct rte_flow_action *action, const struct weir_device *device,
		      struct weir_flow_rule *rule, struct rte_flow_error *error)
{
	rule->action = WEIR_STEER_ACTION_QUEUE;
	rule->queue = ((const struct rte_flow_action_queue *)action->conf)->index;
	if (rule->queue < device->data->nb_rx_queues)
		return 0;
	return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, action,
				  "the port has no such receive queue");
}

int weir_flow_take_actions(const struct rte_flow_action *action, const struct weir_device *device,
			   struct weir_flow_rule *rule, struct rte_flow_error *error)
{
	unsigned int fates = 0;
	int result = 0;

	for (; !result && action->type != RTE_FLOW_ACTION_TYPE_END; action++) {
		switch (action->type) {
		case RTE_FLOW_ACTION_TYPE_VOID:
			break;
		case RTE_FLOW_ACTION_TYPE_QUEUE:
			fates++;
			result = take_queue(action, device, rule, error);
			break;
		case RTE_FLOW_ACTION_TYPE_RSS:
			fates++;
			result = take_rss(action, device, rule, error);
			break;
		case RTE_FLOW_ACTION_TYPE_DROP:
			rule->action = WEIR_STEER_ACTION_DROP;
			fates++;
			break;
		case RTE_FLOW_ACTION_TYPE_COUNT:
			rule->counts = true;
			break;
		case RTE_FLOW_ACTION_TYPE_MARK:
			rule->marks = true;
			rule->mark = ((const struct rte_flow_action_mark *)action->conf)->id;
			break;
		default:
			return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION,
						  action,
						  "actions are QUEUE, RSS, DROP, COUNT, MARK");
		}
	}
	if (!result && fates != 1)
		return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION, NULL,
					  "one of QUEUE, RSS and DROP is needed");
	return result;
}
