/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spread contexts (specs/steering.md): what the RSS actions of flow rules want. Rules that want the same share one. They are kept here,
 * and told to the function as long as it has not been told of them, as the rules are.
 */
#include "weir_device.h"

#include <errno.h>
#include <string.h>

static bool attached(const struct weir_device *device)
{
	return device->state == WEIR_PORT_ATTACHED || device->state == WEIR_PORT_STARTED;
}

static int tell(struct weir_device *device, uint8_t number)
{
	struct weir_context *context = &device->contexts[number - 1];
	int error = weir_spread_command(device, number, &context->spread);

	context->told = !error;
	return error;
}

/* The context of exactly this spread, or a free one; 0: neither. */
static uint8_t choose(const struct weir_device *device, const struct weir_spread *spread)
{
	uint8_t free = 0;

	for (uint8_t number = WEIR_SPREAD_CONTEXTS; number; number--) {
		const struct weir_context *context = &device->contexts[number - 1];

		if (!context->rules)
			free = number;
		else if (memcmp(&context->spread, spread, sizeof(*spread)) == 0)
			return number;
	}
	return free;
}

int weir_context_take(struct weir_device *device, const struct weir_spread *spread, uint8_t *number)
{
	struct weir_context *context;
	int error = 0;

	*number = choose(device, spread);
	if (!*number)
		return -EDQUOT;
	context = &device->contexts[*number - 1];
	if (!context->rules) {
		context->spread = *spread;
		context->told = false;
	}
	/* Tables name queues that run: a stopped port's are told at its start. */
	if (!context->told && device->state == WEIR_PORT_STARTED)
		error = tell(device, *number);
	if (!error)
		context->rules++;
	return error;
}

void weir_context_release(struct weir_device *device, uint8_t number)
{
	struct weir_context *context = &device->contexts[number - 1];
	struct weir_tlv request;
	int error;

	if (--context->rules || !context->told || !attached(device))
		return;
	weir_tlv_begin(&request);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_SPREAD_CONTEXT, number);
	error = weir_admin_command(device, WEIR_COMMAND_SPREAD_DELETE, &request, NULL, -ENOENT);
	/* What the next rule wants takes its place. */
	if (error && error != -ENOENT)
		WEIR_PORT_LOG(device, ERR, "RSS context %u stays: %s", number, strerror(-error));
}

int weir_contexts_apply(struct weir_device *device)
{
	for (uint8_t number = 1; number <= WEIR_SPREAD_CONTEXTS; number++) {
		struct weir_context *context = &device->contexts[number - 1];
		int error = context->rules && !context->told ? tell(device, number) : 0;

		/* It names queues that are not configured any more: its rules are without effect, and said to be. */
		if (error && error != -EINVAL)
			return error;
	}
	return 0;
}

void weir_contexts_forget(struct weir_device *device)
{
	for (unsigned int i = 0; i < WEIR_SPREAD_CONTEXTS; i++)
		device->contexts[i].told = false;
}
