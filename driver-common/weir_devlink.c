// SPDX-License-Identifier: GPL-2.0-only
/* devlink: what card and firmware this is (`devlink dev info`). */
#include <net/devlink.h>

#include "weir_hw.h"

static int weir_devlink_info(struct devlink *devlink, struct devlink_info_req *request,
			     struct netlink_ext_ack *extack)
{
	struct weir_device *weir = devlink_priv(devlink);
	char text[20];
	int err;

#if WEIR_HAVE_DEVLINK_DRIVER_NAME
	err = devlink_info_driver_name_put(request, weir->role->driver_name);
	if (err)
		return err;
#endif
	snprintf(text, sizeof(text), "%016llx", weir->info.serial);
	err = devlink_info_serial_number_put(request, text);
	if (err)
		return err;
	err = devlink_info_version_fixed_put(request, DEVLINK_INFO_VERSION_GENERIC_BOARD_ID,
					     weir->info.board);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%u.%u",
		 WEIR_GET(WEIR_REG_ABI_VERSION_MAJOR, weir->abi_version),
		 WEIR_GET(WEIR_REG_ABI_VERSION_MINOR, weir->abi_version));
	err = devlink_info_version_running_put(request, "abi", text);
	if (err)
		return err;
	return devlink_info_version_running_put(request, DEVLINK_INFO_VERSION_GENERIC_FW,
						weir->info.firmware);
}

const struct devlink_ops weir_devlink_ops = {
	.info_get = weir_devlink_info,
};
