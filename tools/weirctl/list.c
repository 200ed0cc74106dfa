/* SPDX-License-Identifier: BSD-3-Clause */
/* weirctl list: the Weir functions of this machine, by libpci. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weirctl.h"

#include "weir/weir_abi.h"

struct pci_access *weirctl_pci(void)
{
	struct pci_access *access = pci_alloc();

	pci_init(access);
	pci_scan_bus(access);
	for (struct pci_dev *device = access->devices; device; device = device->next)
		pci_fill_info(device, PCI_FILL_IDENT | PCI_FILL_BASES);
	return access;
}

bool weirctl_is_weir(struct pci_dev *device)
{
	return device->vendor_id == WEIR_PCI_VENDOR_ID &&
	       (device->device_id == WEIR_PCI_DEVICE_ID_PF ||
		device->device_id == WEIR_PCI_DEVICE_ID_VF);
}

void weirctl_driver(struct pci_dev *device, char *driver, size_t bytes)
{
	char path[128], target[256];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%04x:%02x:%02x.%x/driver",
		 (unsigned)device->domain, device->bus, device->dev, device->func);
	length = readlink(path, target, sizeof(target) - 1);
	driver[0] = 0;
	if (length <= 0)
		return;
	target[length] = 0;
	snprintf(driver, bytes, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
}

int weirctl_find(struct card *card)
{
	struct pci_access *access = weirctl_pci();
	struct pci_filter filter;
	struct pci_dev *device = NULL;
	char text[64];

	snprintf(text, sizeof(text), "%.63s", card->name);
	pci_filter_init(access, &filter);
	if (!pci_filter_parse_slot(&filter, text))
		for (device = access->devices; device; device = device->next)
			if (pci_filter_match(&filter, device) && weirctl_is_weir(device))
				break;
	if (device) {
		snprintf(card->name, sizeof(card->name), "%04x:%02x:%02x.%x",
			 (unsigned)device->domain, device->bus, device->dev, device->func);
		weirctl_driver(device, card->driver, sizeof(card->driver));
	} else {
		snprintf(card->error, sizeof(card->error),
			 "%s: no Weir there; `weirctl list` shows those that are", text);
	}
	pci_cleanup(access);
	return device ? 0 : -ENODEV;
}

int command_list(const struct options *options)
{
	struct pci_access *access = weirctl_pci();
	json_t *list = json_array();

	for (struct pci_dev *device = access->devices; device; device = device->next) {
		char address[32], driver[64], interface[64];

		if (!weirctl_is_weir(device))
			continue;
		snprintf(address, sizeof(address), "%04x:%02x:%02x.%x", (unsigned)device->domain,
			 device->bus, device->dev, device->func);
		weirctl_driver(device, driver, sizeof(driver));
		kernel_interface(address, interface);
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s}", "address", address, "function",
					device->device_id == WEIR_PCI_DEVICE_ID_PF ? "pf" : "vf",
					"driver", driver, "interface", interface));
	}
	pci_cleanup(access);
	if (options->json) {
		print_object(list, true);
		return 0;
	}
	size_t i;
	json_t *item;

	if (json_array_size(list) == 0)
		printf("no Weir in this machine\n");
	json_array_foreach(list, i, item)
	{
		const char *driver = json_string_value(json_object_get(item, "driver"));

		printf("%s  %s  driver %-10s %s\n",
		       json_string_value(json_object_get(item, "address")),
		       json_string_value(json_object_get(item, "function")),
		       driver[0] ? driver : "-",
		       json_string_value(json_object_get(item, "interface")));
	}
	json_decref(list);
	return 0;
}
