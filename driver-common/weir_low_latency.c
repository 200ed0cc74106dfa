// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which frames have their queue interrupt at once, past its moderation (specs/low-latency.md): what is set of the whole interface, as
 * parameters of devlink (`devlink dev param set`). Flows are steering rules, see weir_ntuple.c. Kept here, and told to the card at every
 * start, so that it outlives resets.
 */
#include "weir_hw.h"

static int weir_low_latency_send(struct weir_device *weir, const struct weir_low_latency *low)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_VPORT_SET);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_LOW_LATENCY_BYTES, low->bytes);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_LOW_LATENCY_PUSH, low->push);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_LOW_LATENCY_PRIORITIES, low->priorities);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_LOW_LATENCY_US, low->us);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS, low->credits);
	err = weir_call_run_loud(call);
	weir_call_end(call);
	return err;
}

/**
 * weir_low_latency_tell() - tell the card what the user chose, if anything was
 * @weir: the function; under RTNL
 *
 * Return: 0 or a negative errno.
 */
int weir_low_latency_tell(struct weir_device *weir)
{
	return weir->low_latency.chosen ? weir_low_latency_send(weir, &weir->low_latency) : 0;
}

/**
 * weir_low_latency_init() - settings as a card has them after a reset
 * @weir: the function
 */
void weir_low_latency_init(struct weir_device *weir)
{
	weir->low_latency.us = WEIR_LOW_LATENCY_US_DEFAULT;
	weir->low_latency.credits = WEIR_LOW_LATENCY_CREDITS_DEFAULT;
}

/**
 * weir_low_latency_get() - a parameter of devlink
 * @weir: the function
 * @id: WEIR_PARAM_LOW_LATENCY_...
 * @context: filled with its value
 *
 * Return: 0 or a negative errno.
 */
int weir_low_latency_get(const struct weir_device *weir, u32 id,
			 struct devlink_param_gset_ctx *context)
{
	const struct weir_low_latency *low = &weir->low_latency;

	switch (id) {
	case WEIR_PARAM_LOW_LATENCY_BYTES:
		context->val.vu16 = low->bytes;
		return 0;
	case WEIR_PARAM_LOW_LATENCY_PUSH:
		context->val.vbool = low->push;
		return 0;
	case WEIR_PARAM_LOW_LATENCY_PRIORITIES:
		context->val.vu8 = low->priorities;
		return 0;
	case WEIR_PARAM_LOW_LATENCY_US:
		context->val.vu16 = low->us;
		return 0;
	case WEIR_PARAM_LOW_LATENCY_CREDITS:
		context->val.vu8 = low->credits;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * weir_low_latency_set() - set a parameter of devlink, for now and all starts to come
 * @weir: the function; under RTNL
 * @id: WEIR_PARAM_LOW_LATENCY_...
 * @context: its value
 *
 * Return: 0 or a negative errno.
 */
int weir_low_latency_set(struct weir_device *weir, u32 id,
			 const struct devlink_param_gset_ctx *context)
{
	struct weir_low_latency low = weir->low_latency;
	int err = 0;

	if (!(weir->features & WEIR_REG_FEATURES_LOW_LATENCY_MASK))
		return -EOPNOTSUPP;
	low.chosen = true;
	switch (id) {
	case WEIR_PARAM_LOW_LATENCY_BYTES:
		low.bytes = context->val.vu16;
		break;
	case WEIR_PARAM_LOW_LATENCY_PUSH:
		low.push = context->val.vbool;
		break;
	case WEIR_PARAM_LOW_LATENCY_PRIORITIES:
		low.priorities = context->val.vu8;
		break;
	case WEIR_PARAM_LOW_LATENCY_US:
		low.us = context->val.vu16;
		break;
	case WEIR_PARAM_LOW_LATENCY_CREDITS:
		low.credits = context->val.vu8;
		break;
	default:
		err = -EOPNOTSUPP;
	}
	/* With none a queue could never interrupt at once. */
	if (!low.credits)
		err = -EINVAL;
	/* Else the next start does it. */
	if (!err && weir->data && weir_state_get(weir) == WEIR_STATE_RUNNING)
		err = weir_low_latency_send(weir, &low);
	if (!err)
		weir->low_latency = low;
	return err;
}
