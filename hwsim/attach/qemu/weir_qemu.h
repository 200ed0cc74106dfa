/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Weir card in a stock QEMU: this object is loaded with LD_PRELOAD and registers `-device weir,...`.
 *
 * QEMU keeps what is QEMU's: configuration space, BAR decode, MSI-X tables, SR-IOV (VFs are real PCI functions), VT-d. The card behind
 * that is a backend (backend.h): one of libweirsim in this process, or functions of a running weir-sim. Everything here runs
 * under the big lock, on whichever thread holds it.
 */
#ifndef WEIR_QEMU_H
#define WEIR_QEMU_H

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qapi/error.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_sriov.h"
#include "hw/qdev-properties.h"
#include "net/net.h"

#include "weir/weir_abi.h"
#include "weir/weir_config_space.h"

#define TYPE_WEIR_FUNCTION "weir-function" /* what all functions have in common; abstract */
#define TYPE_WEIR	   "weir" /* what a user makes: a PF, or a VF of a running weir-sim alone */
#define TYPE_WEIR_VF	   "weir-vf" /* what SR-IOV makes */

#define WEIR_QEMU_VFS_MAX 254 /* QEMU's VFs do not cross a bus */

typedef struct WeirFunction WeirFunction;
typedef struct WeirNotifier WeirNotifier;
struct weir_backend;

struct WeirFunction {
	PCIDevice parent_obj;
	const struct weir_backend *backend;
	void *backend_state; /* of this function; NULL: none */
	WeirFunction *pf;    /* itself, if it is not a VF that SR-IOV made */
	uint16_t index;	     /* 0 the PF, n VF n-1 */
	/*
	 * Nothing answers for the function. Its registers read all ones; unless it belongs to a PF here, configuration space does
	 * as well, as if the card had been pulled out.
	 */
	bool absent;
	bool low_power;		       /* D3hot; of the PF */
	uint16_t command, ats_control; /* as the backend knows them */
	MemoryRegion registers, doorbells, msix;
	MemoryListener listener;
	QLIST_HEAD(WeirNotifiers, WeirNotifier) notifiers;
	uint32_t iommu_regions; /* in its address space: 0 means that addresses are not translated */
	/* properties of what a user makes */
	NICConf nic;
	uint16_t total_vfs;
	uint64_t serial;
	uint8_t log_level;
	char *attach, *attach_function;
};

/* The function that a QEMU object is; ends QEMU if it is something else. */
static inline WeirFunction *WEIR_FUNCTION(const void *object)
{
	return OBJECT_CHECK(WeirFunction, object, TYPE_WEIR_FUNCTION);
}

/* It is a VF to the guest as well; otherwise it has ids and BARs of its own. */
static inline bool weir_is_sriov_vf(WeirFunction *function)
{
	return function->pf != function;
}

static inline uint32_t weir_vectors(const WeirFunction *function)
{
	return function->index ? WEIR_MSIX_VF_VECTORS : WEIR_MSIX_PF_VECTORS;
}

static inline uint64_t weir_bar_bytes(const WeirFunction *function, uint8_t bar)
{
	switch (bar) {
	case WEIR_BAR_REGISTERS:
		return function->index ? WEIR_BAR_REGISTERS_VF_BYTES : WEIR_BAR_REGISTERS_PF_BYTES;
	case WEIR_BAR_DOORBELLS:
		return function->index ? WEIR_BAR_DOORBELLS_VF_BYTES : WEIR_BAR_DOORBELLS_PF_BYTES;
	default:
		return function->index ? WEIR_BAR_MSIX_VF_BYTES : WEIR_BAR_MSIX_PF_BYTES;
	}
}

/* config.c: capabilities at the offsets of the specification, with its values and access masks. False with *errp set. */
bool weir_config_init(WeirFunction *function, Error **errp);
/* Undoes as much of it as was done. */
void weir_config_exit(WeirFunction *function);
/* A reset: what QEMU itself does not reset gets its reset values; VFs go. */
void weir_config_reset(WeirFunction *function, bool flr);
void weir_config_write(PCIDevice *device, uint32_t address, uint32_t value, int bytes);
uint32_t weir_config_read(PCIDevice *device, uint32_t address, int bytes);

/* memory.c: follows what the function can reach by DMA, for the backend. */
void weir_memory_follow(WeirFunction *function);
void weir_memory_leave(WeirFunction *function);

#endif
