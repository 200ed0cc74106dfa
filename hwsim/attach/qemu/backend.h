/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is behind the functions that a guest sees. QEMU's side tells what happened to a function and hands over its accesses; the
 * backend moves data and raises interrupts by msix_notify(). All calls are made under the big lock; every member that is not said to
 * be optional is there.
 */
#ifndef WEIR_QEMU_BACKEND_H
#define WEIR_QEMU_BACKEND_H

#include "weir_qemu.h"

struct weir_backend {
	/*
	 * A function that a user made comes (index is set); fills in total_vfs and serial where they are not the user's to choose. On
	 * failure *errp is set and nothing is left.
	 */
	bool (*create)(WeirFunction *function, Error **errp);
	/* Optional: a function is about to go, and has no more business with the card. */
	void (*leaving)(WeirFunction *function);
	/* It goes; its VFs have gone before. */
	void (*destroy)(WeirFunction *function);
	/* A VF came with VF Enable. That it cannot be had is no error: it is absent then. */
	void (*vf_come)(WeirFunction *vf);
	void (*vf_go)(WeirFunction *vf);

	/* An access inside a BAR, of any width up to 8 bytes. */
	uint64_t (*mmio_read)(WeirFunction *function, uint8_t bar, uint64_t at, uint8_t bytes);
	void (*mmio_write)(WeirFunction *function, uint8_t bar, uint64_t at, uint64_t value,
			   uint8_t bytes);

	/* Memory Space and Bus Master Enable changed (bits of Command). Whoever loses the bus hears it before its memory goes. */
	void (*command)(WeirFunction *function, uint16_t command);
	/* ATS Control changed. */
	void (*ats)(WeirFunction *function, uint16_t control);
	/* SR-IOV Control changed; VFs of this number are there from now on. QEMU makes, or unmakes, its own next. */
	void (*sriov)(WeirFunction *pf, uint16_t control, uint16_t vfs);
	/* The PF went to D3hot, or came back. */
	void (*power)(WeirFunction *pf, bool low);
	/* The function is reset: from now on no DMA of it may happen. flr: by itself; otherwise with the bus, or the whole machine. */
	void (*reset)(WeirFunction *function, bool flr);
	/* Optional: configuration space has its reset values, and the function's memory is gone. */
	void (*reset_done)(WeirFunction *function, bool flr);
	/* Optional: a vector was pointed somewhere, or unmasked. */
	void (*vector)(WeirFunction *function, uint32_t vector, MSIMessage message);
	/* Optional: the guest looks for an absent function that is not a VF. */
	void (*look)(WeirFunction *function);

	/* What a notifier of an IOMMU is registered for. */
	IOMMUNotifierFlag iommu_events;
	/* Such an event. */
	void (*iommu_event)(WeirFunction *function, const IOMMUTLBEntry *entry);
	/* The IOMMU refuses to tell us; takes *error. */
	void (*iommu_refuses)(WeirFunction *function, Error *error);
	/* Optional: RAM that the function reaches without translation. */
	void (*ram_come)(WeirFunction *function, const MemoryRegionSection *section);
	void (*ram_go)(WeirFunction *function, const MemoryRegionSection *section);
};

extern const struct weir_backend
	weir_backend_inprocess; /* inprocess.c: a card of libweirsim in this process */
extern const struct weir_backend weir_backend_socket; /* socket.c: a running weir-sim */

#endif
