/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where QEMU's internal interfaces differ from release to release; WEIR_QEMU_RELEASE is major * 100 + minor of the source. */
#ifndef WEIR_QEMU_COMPAT_H
#define WEIR_QEMU_COMPAT_H

#if WEIR_QEMU_RELEASE < 800
#define CLASS_DATA				 void
#define compat_set_reset(class, function)	 ((class)->reset = (function))
#define compat_vf_bar(device, bar, type, region) pcie_sriov_vf_register_bar(device, bar, region)
#define compat_vf_release(device)		 object_unref(OBJECT(device))
#define compat_type_size(name, bytes)		 object_type_get_instance_size(name)
#else
#error "weir-qemu.so is known to work with QEMU 7.2 only (Debian 12); see hwsim/attach/qemu/README.md"
#endif

#endif
