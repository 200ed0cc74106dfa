/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How QEMU learns of our device types, and how we make sure that it is the QEMU we were compiled for. */
#include "weir_qemu.h"

#include <dlfcn.h>

#include "exec/memory.h"
#include "hw/qdev-core.h"
#include "qapi/qapi-commands-control.h"
#include "qemu/module.h"

#include "compat.h"
#include "function.h"

/* ---- properties ---- */

static Property properties[] = {
	DEFINE_NIC_PROPERTIES(WeirFunction, nic),
	DEFINE_PROP_UINT16("vfs", WeirFunction, total_vfs, WEIR_VFS_NOT_GIVEN),
	DEFINE_PROP_UINT64("serial", WeirFunction, serial, 0),
	DEFINE_PROP_UINT8("log", WeirFunction, log_level, WEIR_LOG_LEVEL_WARNING),
	DEFINE_PROP_STRING("attach", WeirFunction, attach),
	DEFINE_PROP_STRING("function", WeirFunction, attach_function),
	DEFINE_PROP_END_OF_LIST(),
};

/* ---- the right QEMU ---- */

/*
 * The layouts we were compiled with must be this QEMU's. Its types do not exist before its main(), so this is asked when the
 * class is made, not when the object is loaded.
 */
static void check_layouts(void)
{
	static const struct {
		const char *type;
		size_t bytes;
	} layouts[] = {
		{ TYPE_DEVICE, sizeof(DeviceState) },
		{ TYPE_MEMORY_REGION, sizeof(MemoryRegion) },
		{ TYPE_IOMMU_MEMORY_REGION, sizeof(IOMMUMemoryRegion) },
		{ TYPE_PCI_DEVICE, sizeof(PCIDevice) },
		{ TYPE_PCI_BUS, sizeof(PCIBus) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		size_t bytes = compat_type_size(layouts[i].type, layouts[i].bytes);

		if (bytes == layouts[i].bytes)
			continue;
		error_report(
			"weir: this weir-qemu.so was built for another QEMU (%s): its %s has %zu bytes, "
			"ours %zu. Build it again with the source of this QEMU: make deps all",
			WEIR_QEMU_VERSION, layouts[i].type, bytes, layouts[i].bytes);
		exit(1);
	}
}

/* Sizes may agree by chance. */
static void check_version(void)
{
	VersionInfo *version = qmp_query_version(NULL);
	g_autofree char *text = g_strdup_printf("%" PRId64 ".%" PRId64 ".%" PRId64,
						version->qemu->major, version->qemu->minor,
						version->qemu->micro);

	qapi_free_VersionInfo(version);
	if (!strcmp(text, WEIR_QEMU_VERSION))
		return;
	error_report(
		"weir: this weir-qemu.so was built for QEMU %s and this is QEMU %s. Build it again with the "
		"source of this QEMU: make deps all",
		WEIR_QEMU_VERSION, text);
	exit(1);
}

/* ---- types ---- */

static void function_class_init(ObjectClass *class, CLASS_DATA *data)
{
	DeviceClass *device = DEVICE_CLASS(class);
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);

	(void)data;
	check_version();
	check_layouts();
	pci->realize = weir_function_realize;
	pci->exit = weir_function_exit;
	pci->config_read = weir_config_read;
	pci->config_write = weir_config_write;
	pci->vendor_id = WEIR_PCI_VENDOR_ID;
	pci->subsystem_vendor_id = WEIR_PCI_SUBSYSTEM_VENDOR_ID;
	pci->subsystem_id = WEIR_PCI_SUBSYSTEM_ID;
	pci->revision = WEIR_PCI_REVISION;
	pci->class_id = WEIR_PCI_CLASS >> 8;
	compat_set_reset(device, weir_function_reset);
	set_bit(DEVICE_CATEGORY_NETWORK, device->categories);
}

static void card_class_init(ObjectClass *class, CLASS_DATA *data)
{
	DeviceClass *device = DEVICE_CLASS(class);

	(void)data;
	PCI_DEVICE_CLASS(class)->device_id = WEIR_PCI_DEVICE_ID_PF;
	device->desc = "Weir SR-IOV Ethernet NIC";
	device_class_set_props(device, properties);
}

static void vf_class_init(ObjectClass *class, CLASS_DATA *data)
{
	(void)data;
	PCI_DEVICE_CLASS(class)->device_id = WEIR_PCI_DEVICE_ID_VF;
	DEVICE_CLASS(class)->desc = "Weir virtual function";
	DEVICE_CLASS(class)->user_creatable = false;
}

static InterfaceInfo interfaces[] = { { INTERFACE_PCIE_DEVICE }, {} };

static const TypeInfo types[] = {
	{ .name = TYPE_WEIR_FUNCTION,
	  .parent = TYPE_PCI_DEVICE,
	  .abstract = true,
	  .instance_size = sizeof(WeirFunction),
	  .class_init = function_class_init,
	  .interfaces = interfaces },
	{ .name = TYPE_WEIR, .parent = TYPE_WEIR_FUNCTION, .class_init = card_class_init },
	{ .name = TYPE_WEIR_VF, .parent = TYPE_WEIR_FUNCTION, .class_init = vf_class_init },
};

/*
 * QEMU's children (tap scripts, helpers) must not be given this object, since QEMU's symbols are not theirs: LD_PRELOAD goes on
 * without it, and with whatever else was in it.
 */
static void hide_from_children(void)
{
	const char *preload = getenv("LD_PRELOAD");
	g_autoptr(GString) rest = g_string_new(NULL);
	g_auto(GStrv) names = NULL;
	Dl_info ours;
	struct stat us, it;

	if (!preload || !dladdr((void *)hide_from_children, &ours) || stat(ours.dli_fname, &us))
		return;
	names = g_strsplit_set(preload, ": ", -1);
	for (char **name = names; *name; name++) {
		bool same = !stat(*name, &it) && it.st_dev == us.st_dev && it.st_ino == us.st_ino;

		if (**name && !same)
			g_string_append_printf(rest, "%s%s", rest->len ? ":" : "", *name);
	}
	if (rest->len)
		setenv("LD_PRELOAD", rest->str, 1);
	else
		unsetenv("LD_PRELOAD");
}

static void weir_register(void)
{
	hide_from_children();
	type_register_static_array(types, ARRAY_SIZE(types));
}
type_init(weir_register)
