/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of rte_flow rules: each is a steering rule of the vport (specs/steering.md). They are kept here, and told to the function as
 * long as it has not been told of them: when they are made, or when the queues are, so that they outlive stops and resets.
 */
#include "weir_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_flow_driver.h>

#include "weir_device.h"

/* A priority's locations; the lesser one decides, and among rules of one priority the one made first. */
#define LOCATIONS_EACH (65536u / WEIR_FLOW_PRIORITIES)

struct counts {
	uint64_t frames, bytes;
};

struct rte_flow {
	struct rte_flow *next;
	struct weir_flow_rule rule;
	uint16_t location;
	uint8_t context; /* with SPREAD */
	bool told;
	struct counts base; /* what it had counted when its count was reset last */
};

/* --- commands ------------------------------------------------------------------------------------- */

static bool attached(const struct weir_device *device)
{
	return device->state == WEIR_PORT_ATTACHED || device->state == WEIR_PORT_STARTED;
}

static int tell(struct weir_device *device, struct rte_flow *flow)
{
	const struct weir_flow_rule *rule = &flow->rule;
	struct weir_tlv request;
	int error;

	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_STEER_LOCATION, flow->location);
	weir_tlv_put(&request, WEIR_ATTRIBUTE_STEER_KEY, &rule->key, sizeof(rule->key));
	weir_tlv_put(&request, WEIR_ATTRIBUTE_STEER_MASK, &rule->mask, sizeof(rule->mask));
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_STEER_ACTION, rule->action);
	if (rule->action == WEIR_STEER_ACTION_QUEUE)
		weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_QUEUE, rule->queue);
	if (rule->action == WEIR_STEER_ACTION_SPREAD)
		weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_SPREAD_CONTEXT, flow->context);
	if (rule->marks)
		weir_tlv_put_u32(&request, WEIR_ATTRIBUTE_STEER_MARK, rule->mark);
	error = weir_admin_command(device, WEIR_COMMAND_STEER_ADD, &request, NULL, -EEXIST);
	if (!error) {
		flow->told = true;
		flow->base = (struct counts){ 0 };
	}
	return error;
}

/* A rule that the function has forgotten is gone as well. */
static int untell(struct weir_device *device, struct rte_flow *flow)
{
	struct weir_tlv request;
	int error;

	if (!flow->told || !attached(device))
		return 0;
	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_STEER_LOCATION, flow->location);
	error = weir_admin_command(device, WEIR_COMMAND_STEER_DELETE, &request, NULL, -ENOENT);
	return error == -ENOENT ? 0 : error;
}

int weir_flows_apply(struct weir_device *device)
{
	for (struct rte_flow *flow = device->flows; flow; flow = flow->next) {
		int error = flow->told ? 0 : tell(device, flow);

		if (!error)
			continue;
		/* Others have taken the room, or its queue is not configured any more: the port lives without it. */
		if (error != -ENOSPC && error != -EINVAL)
			return error;
		WEIR_PORT_LOG(device, ERR, "a flow rule is without effect: %s", strerror(-error));
	}
	return 0;
}

void weir_flows_forget(struct weir_device *device)
{
	for (struct rte_flow *flow = device->flows; flow; flow = flow->next)
		flow->told = false;
}

/* --- locations ------------------------------------------------------------------------------------ */

/* The first free location of a priority; -ENOSPC: there is none. */
static int choose_location(struct weir_device *device, uint32_t priority, uint16_t *location)
{
	for (uint32_t i = 0; i < LOCATIONS_EACH; i++) {
		uint32_t at = priority * LOCATIONS_EACH + i;

		if (device->flow_locations[at / 64] >> at % 64 & 1)
			continue;
		device->flow_locations[at / 64] |= UINT64_C(1) << at % 64;
		*location = (uint16_t)at;
		return 0;
	}
	return -ENOSPC;
}

static void free_location(struct weir_device *device, uint16_t location)
{
	device->flow_locations[location / 64] &= ~(UINT64_C(1) << location % 64);
}

/* --- operations ----------------------------------------------------------------------------------- */

static int flow_validate(struct rte_eth_dev *ethdev, const struct rte_flow_attr *attr,
			 const struct rte_flow_item pattern[],
			 const struct rte_flow_action actions[], struct rte_flow_error *error)
{
	struct weir_flow_rule rule;

	return weir_flow_translate(attr, pattern, actions, weir_device_of(ethdev), &rule, error);
}

/* Why the function does not take a rule. */
static const char *reason(int error)
{
	switch (error) {
	case -EEXIST:
		return "another rule matches exactly the same";
	case -ENOSPC:
		return "no room: too many rules, or rules with too many different masks";
	case -EDQUOT:
		return "no room: rules have 8 different RSS actions already";
	case -EIO:
		return "the function is lost, and being brought back";
	default:
		return "the function does not take the rule";
	}
}

static int insert(struct weir_device *device, struct rte_flow *flow)
{
	int error = choose_location(device, flow->rule.priority, &flow->location);

	if (error)
		return error;
	if (flow->rule.action == WEIR_STEER_ACTION_SPREAD)
		error = weir_context_take(device, &flow->rule.spread, &flow->context);
	if (error)
		goto fail_location;
	/* Rules name queues that run: a stopped port's are told at its start. */
	if (device->state == WEIR_PORT_STARTED)
		error = tell(device, flow);
	if (error)
		goto fail_context;
	flow->next = device->flows;
	device->flows = flow;
	return 0;

fail_context:
	if (flow->rule.action == WEIR_STEER_ACTION_SPREAD)
		weir_context_release(device, flow->context);
fail_location:
	free_location(device, flow->location);
	return error;
}

static struct rte_flow *flow_create(struct rte_eth_dev *ethdev, const struct rte_flow_attr *attr,
				    const struct rte_flow_item pattern[],
				    const struct rte_flow_action actions[],
				    struct rte_flow_error *error)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct rte_flow *flow = calloc(1, sizeof(*flow));
	int result;

	if (!flow) {
		rte_flow_error_set(error, ENOMEM, RTE_FLOW_ERROR_TYPE_HANDLE, NULL, "no memory");
		return NULL;
	}
	result = weir_flow_translate(attr, pattern, actions, device, &flow->rule, error);
	if (result)
		goto fail;
	result = weir_device_lock_attached(device);
	if (!result) {
		result = insert(device, flow);
		pthread_mutex_unlock(&device->lock);
	}
	if (!result)
		return flow;
	rte_flow_error_set(error, -result, RTE_FLOW_ERROR_TYPE_HANDLE, NULL, reason(result));
fail:
	free(flow);
	return NULL;
}

/* Takes the rule at *link out, and frees it; the lock is held. On failure it is as before. */
static int drop_flow(struct weir_device *device, struct rte_flow **link)
{
	struct rte_flow *flow = *link;
	int error = untell(device, flow);

	if (error)
		return error;
	*link = flow->next;
	if (flow->rule.action == WEIR_STEER_ACTION_SPREAD)
		weir_context_release(device, flow->context);
	free_location(device, flow->location);
	free(flow);
	return 0;
}

static struct rte_flow **find_link(struct weir_device *device, const struct rte_flow *flow)
{
	struct rte_flow **link = &device->flows;

	while (*link && *link != flow)
		link = &(*link)->next;
	return link;
}

static int answer(int result, struct rte_flow_error *error)
{
	return result ? rte_flow_error_set(error, -result, RTE_FLOW_ERROR_TYPE_HANDLE, NULL,
					   result == -ENOENT ? "no such rule" : reason(result))
		      : 0;
}

static int flow_destroy(struct rte_eth_dev *ethdev, struct rte_flow *flow,
			struct rte_flow_error *error)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct rte_flow **link;
	int result;

	pthread_mutex_lock(&device->lock);
	link = find_link(device, flow);
	result = *link ? drop_flow(device, link) : -ENOENT;
	pthread_mutex_unlock(&device->lock);
	return answer(result, error);
}

static int flow_flush(struct rte_eth_dev *ethdev, struct rte_flow_error *error)
{
	struct weir_device *device = weir_device_of(ethdev);
	int result = 0;

	pthread_mutex_lock(&device->lock);
	while (!result && device->flows)
		result = drop_flow(device, &device->flows);
	pthread_mutex_unlock(&device->lock);
	return answer(result, error);
}

/* What the function has counted for a rule. */
static int read_counts(struct weir_device *device, const struct rte_flow *flow,
		       struct counts *counts)
{
	struct weir_response response;
	struct weir_tlv request;
	int error;

	*counts = (struct counts){ 0 };
	if (!flow->told)
		return 0;
	weir_tlv_begin(&request);
	weir_tlv_put_u16(&request, WEIR_ATTRIBUTE_STEER_LOCATION, flow->location);
	error = weir_admin_command(device, WEIR_COMMAND_STEER_GET, &request, &response, 0);
	if (error)
		return error;
	counts->frames =
		weir_tlv_get(response.data, response.length, WEIR_ATTRIBUTE_STEER_FRAMES, 0);
	counts->bytes = weir_tlv_get(response.data, response.length, WEIR_ATTRIBUTE_STEER_BYTES, 0);
	return 0;
}

static int flow_query(struct rte_eth_dev *ethdev, struct rte_flow *flow,
		      const struct rte_flow_action *action, void *data,
		      struct rte_flow_error *error)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct rte_flow_query_count *count = data;
	struct counts counts;
	int result;

	if (action->type != RTE_FLOW_ACTION_TYPE_COUNT || !flow->rule.counts)
		return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, action,
					  "COUNT can be asked, of rules that have it");
	result = weir_device_lock_attached(device);
	if (result)
		return answer(result, error);
	result = read_counts(device, flow, &counts);
	if (!result) {
		count->hits_set = 1;
		count->bytes_set = 1;
		count->hits = counts.frames - flow->base.frames;
		count->bytes = counts.bytes - flow->base.bytes;
		if (count->reset)
			flow->base = counts;
	}
	pthread_mutex_unlock(&device->lock);
	return answer(result, error);
}

static const struct rte_flow_ops operations = {
	.validate = flow_validate,
	.create = flow_create,
	.destroy = flow_destroy,
	.flush = flow_flush,
	.query = flow_query,
};

int weir_flow_ops_get(struct rte_eth_dev *ethdev, const struct rte_flow_ops **ops)
{
	const struct weir_device *device = weir_device_of(ethdev);

	if (!(device->limits.features & WEIR_REG_FEATURES_STEERING_MASK))
		return -ENOTSUP;
	*ops = &operations;
	return 0;
}

void weir_flows_free(struct weir_device *device)
{
	while (device->flows) {
		struct rte_flow *flow = device->flows;

		device->flows = flow->next;
		free(flow);
	}
}
