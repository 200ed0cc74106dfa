/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function can reach by DMA. Its address space holds nothing while it must not master the bus, RAM where nothing is
 * translated, and the IOMMU's regions where it is; the backend hears of RAM as it comes and goes, and of the IOMMU's events.
 */
#include "backend.h"

/* An IOMMU region in the function's address space, and our interest in what becomes of it. */
struct WeirNotifier {
	IOMMUMemoryRegion *region;
	IOMMUNotifier notifier;
	WeirFunction *function;
	QLIST_ENTRY(WeirNotifier) next;
};

static void on_iommu_event(IOMMUNotifier *notifier, IOMMUTLBEntry *entry)
{
	WeirFunction *function = container_of(notifier, WeirNotifier, notifier)->function;

	function->backend->iommu_event(function, entry);
}

static void iommu_come(WeirFunction *function, MemoryRegionSection *section)
{
	WeirNotifier *entry = g_new0(WeirNotifier, 1);
	Int128 end =
		int128_sub(int128_add(int128_make64(section->offset_within_region), section->size),
			   int128_one());
	Error *error = NULL;

	function->iommu_regions++;
	entry->function = function;
	entry->region = IOMMU_MEMORY_REGION(section->mr);
	iommu_notifier_init(&entry->notifier, on_iommu_event, function->backend->iommu_events,
			    section->offset_within_region, int128_get64(end),
			    memory_region_iommu_attrs_to_index(entry->region,
							       MEMTXATTRS_UNSPECIFIED));
	if (memory_region_register_iommu_notifier(section->mr, &entry->notifier, &error)) {
		function->backend->iommu_refuses(function, error);
		g_free(entry);
		return;
	}
	QLIST_INSERT_HEAD(&function->notifiers, entry, next);
	/* What was mapped before we came. */
	if (function->backend->iommu_events & IOMMU_NOTIFIER_MAP)
		memory_region_iommu_replay(entry->region, &entry->notifier);
}

static void iommu_go(WeirFunction *function, MemoryRegionSection *section)
{
	WeirNotifier *entry, *following;

	function->iommu_regions--;
	QLIST_FOREACH_SAFE(entry, &function->notifiers, next, following)
	{
		if (MEMORY_REGION(entry->region) != section->mr ||
		    /* cppcheck-suppress uninitvar ; the macro above sets entry */
		    entry->notifier.start != section->offset_within_region)
			continue;
		if (function->backend->iommu_events & IOMMU_NOTIFIER_UNMAP) {
			IOMMUTLBEntry all = {
				.iova = entry->notifier.start,
				.addr_mask = entry->notifier.end - entry->notifier.start,
				.perm = IOMMU_NONE,
			};

			function->backend->iommu_event(function, &all);
		}
		memory_region_unregister_iommu_notifier(section->mr, &entry->notifier);
		QLIST_REMOVE(entry, next);
		g_free(entry);
	}
}

static void region_added(MemoryListener *listener, MemoryRegionSection *section)
{
	WeirFunction *function = container_of(listener, WeirFunction, listener);

	if (memory_region_is_iommu(section->mr))
		iommu_come(function, section);
	else if (memory_region_is_ram(section->mr) && function->backend->ram_come)
		function->backend->ram_come(function, section);
}

static void region_removed(MemoryListener *listener, MemoryRegionSection *section)
{
	WeirFunction *function = container_of(listener, WeirFunction, listener);

	if (memory_region_is_iommu(section->mr))
		iommu_go(function, section);
	else if (memory_region_is_ram(section->mr) && function->backend->ram_go)
		function->backend->ram_go(function, section);
}

void weir_memory_follow(WeirFunction *function)
{
	function->listener = (MemoryListener){
		.region_add = region_added,
		.region_del = region_removed,
		.name = "weir",
	};
	memory_listener_register(&function->listener, pci_get_address_space(PCI_DEVICE(function)));
}

void weir_memory_leave(WeirFunction *function)
{
	memory_listener_unregister(&function->listener);
}
