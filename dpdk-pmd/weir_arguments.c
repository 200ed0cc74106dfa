/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments of a port: `-a ADDRESS,KEY=VALUE` of a PF or VF on a bus, `--vdev NAME,KEY=VALUE` of a virtual device. */
#include <errno.h>
#include <stdlib.h>

#include <dev_driver.h>
#include <rte_kvargs.h>

#include "weir_device.h"

#define LRO_TIMEOUT_ARGUMENT "lro_timeout_us"

const char *const weir_argument_keys[] = { WEIR_SOCKET_ARGUMENT, LRO_TIMEOUT_ARGUMENT, NULL };

static int take_lro_timeout(const char *key, const char *value, void *opaque)
{
	struct weir_device *device = opaque;
	unsigned long us;
	char *end;

	errno = 0;
	us = value ? strtoul(value, &end, 10) : 0;
	if (!value || *value < '0' || *value > '9' || *end || errno || us > WEIR_COALESCE_US_MAX) {
		WEIR_PORT_LOG(device, ERR, "argument %s=%s; wanted: 0 to %u", key,
			      value ? value : "", WEIR_COALESCE_US_MAX);
		return -EINVAL;
	}
	device->lro_timeout_us = (uint16_t)us;
	return 0;
}

int weir_arguments_take(struct weir_device *device)
{
	const struct rte_devargs *given = device->ethdev->device->devargs;
	struct rte_kvargs *arguments;
	int error = 0;

	if (!given || !given->args || !*given->args)
		return 0;
	arguments = rte_kvargs_parse(given->args, weir_argument_keys);
	if (!arguments) {
		WEIR_PORT_LOG(device, ERR, "arguments \"%s\" are not understood", given->args);
		return -EINVAL;
	}
	if (rte_kvargs_process(arguments, LRO_TIMEOUT_ARGUMENT, take_lro_timeout, device))
		error = -EINVAL;
	rte_kvargs_free(arguments);
	return error;
}
