// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's own parameters of devlink (`devlink dev param set`): settings of a whole interface for which there is nothing standard.
 * What they mean is where they are kept: weir_low_latency.c, weir_coalesce.c.
 */

#include "weir_hw.h"
#include "weir_lock.h"

static int weir_param_read(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *context)
{
	const struct weir_device *weir = devlink_priv(devlink);

	if (id != WEIR_PARAM_GRO_HW_TIMEOUT_US)
		return weir_low_latency_get(weir, id, context);
	context->val.vu16 = weir->coalesce_us;
	return 0;
}

static int weir_param_write(struct devlink *devlink, u32 id,
			    const struct devlink_param_gset_ctx *context)
{
	struct weir_device *weir = devlink_priv(devlink);
	int err;

	weir_lock(weir);
	if (id == WEIR_PARAM_GRO_HW_TIMEOUT_US)
		err = weir_coalesce_wait(weir, context->val.vu16);
	else
		err = weir_low_latency_set(weir, id, context);
	weir_unlock(weir);
	return err;
}

#if WEIR_HAVE_DEVLINK_PARAM_GET_EXTACK
static int weir_param_get(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *context,
			  struct netlink_ext_ack *extack)
{
	return weir_param_read(devlink, id, context);
}
#else
#define weir_param_get weir_param_read
#endif

#if WEIR_HAVE_DEVLINK_PARAM_SET_EXTACK
static int weir_param_set(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *context,
			  struct netlink_ext_ack *extack)
{
	int err = weir_param_write(devlink, id, context);

	if (err == -EINVAL && id == WEIR_PARAM_GRO_HW_TIMEOUT_US)
		NL_SET_ERR_MSG(extack, "gro_hw_timeout_us is 0 to 10000");
	else if (err == -EINVAL)
		NL_SET_ERR_MSG(extack, "low_latency_credits is 1 to 255");
	return err;
}
#else
static int weir_param_set(struct devlink *devlink, u32 id, struct devlink_param_gset_ctx *context)
{
	return weir_param_write(devlink, id, context);
}
#endif

#define WEIR_PARAM(id_, name_, type_)                                                          \
	DEVLINK_PARAM_DRIVER(WEIR_PARAM_##id_, name_, DEVLINK_PARAM_TYPE_##type_,              \
			     BIT(DEVLINK_PARAM_CMODE_RUNTIME), weir_param_get, weir_param_set, \
			     NULL)

static const struct devlink_param weir_params[] = {
	WEIR_PARAM(LOW_LATENCY_BYTES, "low_latency_bytes", U16),
	WEIR_PARAM(LOW_LATENCY_PUSH, "low_latency_push", BOOL),
	WEIR_PARAM(LOW_LATENCY_PRIORITIES, "low_latency_priorities", U8),
	WEIR_PARAM(LOW_LATENCY_US, "low_latency_us", U16),
	WEIR_PARAM(LOW_LATENCY_CREDITS, "low_latency_credits", U8),
	WEIR_PARAM(GRO_HW_TIMEOUT_US, "gro_hw_timeout_us", U16),
};

/**
 * weir_params_register() - offer the settings
 * @weir: the function, whose devlink is not registered yet
 *
 * Return: 0 or a negative errno.
 */
int weir_params_register(struct weir_device *weir)
{
	return devlink_params_register(priv_to_devlink(weir), weir_params, ARRAY_SIZE(weir_params));
}

/**
 * weir_params_unregister() - undo weir_params_register()
 * @weir: the function, whose devlink is not registered any more
 */
void weir_params_unregister(struct weir_device *weir)
{
	devlink_params_unregister(priv_to_devlink(weir), weir_params, ARRAY_SIZE(weir_params));
}
