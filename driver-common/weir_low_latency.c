// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which frames have their queue interrupt at once, past its moderation (specs/low-latency.md): what is set of the whole interface, as
 * parameters of devlink (`devlink dev param set`). Flows are steering rules, see weir_ntuple.c. Kept here, and told to the card at every
 * start, so that it outlives resets.
 */
#include <linux/rtnetlink.h>

#include "weir_hw.h"

enum {
	WEIR_PARAM_BYTES = DEVLINK_PARAM_GENERIC_ID_MAX + 1,
	WEIR_PARAM_PUSH,
	WEIR_PARAM_PRIORITIES,
	WEIR_PARAM_US,
	WEIR_PARAM_CREDITS,
};

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

/* --- devlink --- */

static int weir_low_latency_read(struct devlink *devlink, u32 id,
				 struct devlink_param_gset_ctx *context)
{
	const struct weir_device *weir = devlink_priv(devlink);
	const struct weir_low_latency *low = &weir->low_latency;

	switch (id) {
	case WEIR_PARAM_BYTES:
		context->val.vu16 = low->bytes;
		return 0;
	case WEIR_PARAM_PUSH:
		context->val.vbool = low->push;
		return 0;
	case WEIR_PARAM_PRIORITIES:
		context->val.vu8 = low->priorities;
		return 0;
	case WEIR_PARAM_US:
		context->val.vu16 = low->us;
		return 0;
	case WEIR_PARAM_CREDITS:
		context->val.vu8 = low->credits;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int weir_low_latency_write(struct devlink *devlink, u32 id,
				  struct devlink_param_gset_ctx *context)
{
	struct weir_device *weir = devlink_priv(devlink);
	struct weir_low_latency low;
	int err = 0;

	if (!(weir->features & WEIR_REG_FEATURES_LOW_LATENCY_MASK))
		return -EOPNOTSUPP;
	rtnl_lock();
	low = weir->low_latency;
	low.chosen = true;
	switch (id) {
	case WEIR_PARAM_BYTES:
		low.bytes = context->val.vu16;
		break;
	case WEIR_PARAM_PUSH:
		low.push = context->val.vbool;
		break;
	case WEIR_PARAM_PRIORITIES:
		low.priorities = context->val.vu8;
		break;
	case WEIR_PARAM_US:
		low.us = context->val.vu16;
		break;
	case WEIR_PARAM_CREDITS:
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
	rtnl_unlock();
	return err;
}

#if WEIR_HAVE_DEVLINK_PARAM_GET_EXTACK
static int weir_param_get(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *context,
			  struct netlink_ext_ack *extack)
{
	return weir_low_latency_read(devlink, id, context);
}
#else
#define weir_param_get weir_low_latency_read
#endif

#if WEIR_HAVE_DEVLINK_PARAM_SET_EXTACK
static int weir_param_set(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *context,
			  struct netlink_ext_ack *extack)
{
	int err = weir_low_latency_write(devlink, id, context);

	if (err == -EINVAL)
		NL_SET_ERR_MSG(extack, "low_latency_credits is 1 to 255");
	return err;
}
#else
#define weir_param_set weir_low_latency_write
#endif

#define WEIR_PARAM(id_, name_, type_)                                                            \
	DEVLINK_PARAM_DRIVER(WEIR_PARAM_##id_, "low_latency_" name_, DEVLINK_PARAM_TYPE_##type_, \
			     BIT(DEVLINK_PARAM_CMODE_RUNTIME), weir_param_get, weir_param_set,   \
			     NULL)

static const struct devlink_param weir_params[] = {
	WEIR_PARAM(BYTES, "bytes", U16),	   WEIR_PARAM(PUSH, "push", BOOL),
	WEIR_PARAM(PRIORITIES, "priorities", U8), WEIR_PARAM(US, "us", U16),
	WEIR_PARAM(CREDITS, "credits", U8),
};

/**
 * weir_low_latency_register() - offer the settings
 * @weir: the function, whose devlink is not registered yet
 *
 * Return: 0 or a negative errno.
 */
int weir_low_latency_register(struct weir_device *weir)
{
	return devlink_params_register(priv_to_devlink(weir), weir_params, ARRAY_SIZE(weir_params));
}

/**
 * weir_low_latency_unregister() - undo weir_low_latency_register()
 * @weir: the function, whose devlink is not registered any more
 */
void weir_low_latency_unregister(struct weir_device *weir)
{
	devlink_params_unregister(priv_to_devlink(weir), weir_params, ARRAY_SIZE(weir_params));
}
