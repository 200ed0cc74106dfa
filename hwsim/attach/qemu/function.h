/* SPDX-License-Identifier: GPL-2.0-or-later */
/* function.c as device.c registers it. */
#ifndef WEIR_QEMU_FUNCTION_H
#define WEIR_QEMU_FUNCTION_H

#include "weir_qemu.h"

#define WEIR_VFS_NOT_GIVEN UINT16_MAX /* of the property vfs= */

void weir_function_realize(PCIDevice *device, Error **errp);
void weir_function_exit(PCIDevice *device);
void weir_function_reset(DeviceState *state);

#endif
