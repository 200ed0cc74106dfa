/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function as a QEMU device: BARs, vectors, life. */
#include "backend.h"

#include "compat.h"
#include "function.h"

#define BAR_TYPE                                                        \
	(PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64 | \
	 PCI_BASE_ADDRESS_MEM_PREFETCH)

/* ---- BARs: every width goes through, so that the card can count the bad ones ---- */

static bool answers(const WeirFunction *function)
{
	return !function->absent && !function->pf->low_power;
}

static uint64_t mmio_read(WeirFunction *function, uint8_t bar, hwaddr at, unsigned int bytes)
{
	if (!answers(function))
		return UINT64_MAX;
	return function->backend->mmio_read(function, bar, at, (uint8_t)bytes);
}

static void mmio_write(WeirFunction *function, uint8_t bar, hwaddr at, uint64_t value,
		       unsigned int bytes)
{
	if (answers(function))
		function->backend->mmio_write(function, bar, at, value, (uint8_t)bytes);
}

static uint64_t registers_read(void *opaque, hwaddr at, unsigned int bytes)
{
	return mmio_read(opaque, WEIR_BAR_REGISTERS, at, bytes);
}

static void registers_write(void *opaque, hwaddr at, uint64_t value, unsigned int bytes)
{
	mmio_write(opaque, WEIR_BAR_REGISTERS, at, value, bytes);
}

static uint64_t doorbells_read(void *opaque, hwaddr at, unsigned int bytes)
{
	return mmio_read(opaque, WEIR_BAR_DOORBELLS, at, bytes);
}

static void doorbells_write(void *opaque, hwaddr at, uint64_t value, unsigned int bytes)
{
	mmio_write(opaque, WEIR_BAR_DOORBELLS, at, value, bytes);
}

static const MemoryRegionOps registers_ops = {
	.read = registers_read,
	.write = registers_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static const MemoryRegionOps doorbells_ops = {
	.read = doorbells_read,
	.write = doorbells_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static void register_bar(WeirFunction *function, uint8_t bar, MemoryRegion *region)
{
	if (weir_is_sriov_vf(function))
		compat_vf_bar(PCI_DEVICE(function), bar, BAR_TYPE, region);
	else
		pci_register_bar(PCI_DEVICE(function), bar, BAR_TYPE, region);
}

static void make_bars(WeirFunction *function)
{
	Object *owner = OBJECT(function);

	memory_region_init_io(&function->registers, owner, &registers_ops, function,
			      "weir-registers", weir_bar_bytes(function, WEIR_BAR_REGISTERS));
	memory_region_init_io(&function->doorbells, owner, &doorbells_ops, function,
			      "weir-doorbells", weir_bar_bytes(function, WEIR_BAR_DOORBELLS));
	/* A container: msix_init() puts table and pending bits in. */
	memory_region_init(&function->msix, owner, "weir-msix",
			   weir_bar_bytes(function, WEIR_BAR_MSIX));
	register_bar(function, WEIR_BAR_REGISTERS, &function->registers);
	register_bar(function, WEIR_BAR_DOORBELLS, &function->doorbells);
	register_bar(function, WEIR_BAR_MSIX, &function->msix);
}

/* ---- vectors ---- */

static int vector_used(PCIDevice *device, unsigned int vector, MSIMessage message)
{
	WeirFunction *function = WEIR_FUNCTION(device);

	if (function->backend->vector)
		function->backend->vector(function, vector, message);
	return 0;
}

static void vector_released(PCIDevice *device, unsigned int vector)
{
	(void)device;
	(void)vector;
}

static void use_vectors(WeirFunction *function)
{
	PCIDevice *device = PCI_DEVICE(function);

	for (uint32_t i = 0; i < weir_vectors(function); i++)
		msix_vector_use(device, i);
	msix_set_vector_notifiers(device, vector_used, vector_released, NULL);
}

/* ---- reset ---- */

void weir_function_reset(DeviceState *state)
{
	WeirFunction *function = WEIR_FUNCTION(state);
	PCIDevice *device = PCI_DEVICE(state);
	bool flr = pci_get_word(device->config + WEIR_CFG_EXP_DEVICE_CONTROL) &
		   PCI_EXP_DEVCTL_BCR_FLR;

	/* First the DMA ends, then VFs and memory go. */
	function->backend->reset(function, flr);
	weir_config_reset(function, flr);
	/* 7.2 clears Bus Master Enable next, but forgets what follows from it. */
	memory_region_set_enabled(&device->bus_master_enable_region, false);
	function->command = function->ats_control = 0;
	function->low_power = false;
	if (function->backend->reset_done)
		function->backend->reset_done(function, flr);
}

/* ---- life ---- */

/* The slot of what a user makes. VFs, if it has any, take the functions behind it. */
static bool check_slot(PCIDevice *device, Error **errp)
{
	PCIBus *bus = pci_get_bus(device);

	if (!pci_bus_is_express(bus) || pci_bus_is_root(bus)) {
		error_setg(
			errp,
			"weir: needs a PCIe slot of its own: -device pcie-root-port,id=rp0,chassis=1 "
			"-device weir,bus=rp0,...");
		return false;
	}
	if (device->devfn != 0) {
		error_setg(errp, "weir: must be function 0 of its slot: leave out addr=");
		return false;
	}
	return true;
}

/* Properties that only one kind of card has. */
static bool check_properties(WeirFunction *function, Error **errp)
{
	static const MACAddr none;

	if (memcmp(&function->nic.macaddr, &none, sizeof(none))) {
		error_setg(errp, "weir: mac=: the card makes its MAC address from serial=");
		return false;
	}
	if (!function->attach && function->attach_function) {
		error_setg(errp, "weir: function= is for a running weir-sim: attach= is missing");
		return false;
	}
	if (function->attach && function->nic.peers.ncs[0]) {
		error_setg(errp,
			   "weir: netdev=: with attach= the wire is weir-sim's: see its --wire");
		return false;
	}
	if (function->attach && (function->total_vfs != WEIR_VFS_NOT_GIVEN || function->serial)) {
		error_setg(errp, "weir: vfs= and serial=: with attach= both are weir-sim's");
		return false;
	}
	return true;
}

static void choose_defaults(WeirFunction *function)
{
	static uint32_t cards;

	if (function->total_vfs == WEIR_VFS_NOT_GIVEN)
		function->total_vfs = 64;
	/* Two cards must not have the same MAC address. */
	if (!function->serial)
		function->serial = 0x0057454952000001ull + cards++;
}

static bool make_card(WeirFunction *function, Error **errp)
{
	if (!check_slot(PCI_DEVICE(function), errp) || !check_properties(function, errp))
		return false;
	function->pf = function;
	function->backend = function->attach ? &weir_backend_socket : &weir_backend_inprocess;
	if (!function->attach)
		choose_defaults(function);
	if (!function->attach && function->total_vfs > WEIR_QEMU_VFS_MAX) {
		error_setg(errp, "weir: vfs=%u: QEMU's VFs do not cross a bus: at most %u",
			   function->total_vfs, WEIR_QEMU_VFS_MAX);
		return false;
	}
	return function->backend->create(function, errp);
}

static void join_card(WeirFunction *vf)
{
	PCIDevice *device = PCI_DEVICE(vf);

	vf->pf = WEIR_FUNCTION(pcie_sriov_get_pf(device));
	vf->backend = vf->pf->backend;
	vf->index = (uint16_t)(pcie_sriov_vf_number(device) + 1);
	vf->backend->vf_come(vf);
}

/* The other end of make_card() and join_card(). */
static void leave_card(WeirFunction *function)
{
	if (weir_is_sriov_vf(function))
		function->backend->vf_go(function);
	else
		function->backend->destroy(function);
}

void weir_function_realize(PCIDevice *device, Error **errp)
{
	WeirFunction *function = WEIR_FUNCTION(device);

	QLIST_INIT(&function->notifiers);
	if (pci_is_vf(device))
		join_card(function);
	else if (!make_card(function, errp))
		return;
	make_bars(function);
	if (!weir_config_init(function, errp)) {
		weir_config_exit(function);
		leave_card(function);
		return;
	}
	use_vectors(function);
	weir_memory_follow(function);
}

void weir_function_exit(PCIDevice *device)
{
	WeirFunction *function = WEIR_FUNCTION(device);

	/* Another processor may have found the BAR already and wait for the lock that we hold. */
	function->absent = true;
	if (function->backend->leaving)
		function->backend->leaving(function);
	weir_memory_leave(function);
	msix_unset_vector_notifiers(device);
	msix_unuse_all_vectors(device);
	weir_config_exit(function);
	leave_card(function);
	/* 7.2's register_vf() keeps the reference of pci_new() for itself and forgets it. */
	if (weir_is_sriov_vf(function))
		compat_vf_release(device);
}
