/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libweirsim: a Weir card in software. The hardware around the firmware (PCIe functions, MSI-X, a translation agent, wire ports)
 * with the card's own firmware running in it. Attachments (a test bench, vfio-user, QEMU) plug it into a host.
 *
 * Threads: a card belongs to one thread at a time; no call is made on a card while another call on it runs. Different cards are
 * independent. Callbacks are made from inside the calls, on the same thread, and must not call back into the card unless said.
 * Errors are negative errno. All addresses a host gives are untrusted.
 *
 * Two ways to hold the PCI side:
 *   - the card's own configuration space, BAR decode and MSI-X (weirsim_config_*, weirsim_memory_*, BAR4 of weirsim_mmio_*);
 *   - the attachment's (QEMU): config.external_pci is set, the attachment tells what happened with weirsim_signal_*, and interrupts reach it as
 *     vector numbers.
 */
#ifndef WEIRSIM_H
#define WEIRSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "weir/weir_abi.h"

struct weirsim;

enum weirsim_protection { WEIRSIM_READ = 1, WEIRSIM_WRITE = 2 };

/* What the attachment does for the card. Every member but `interrupt` may be NULL. */
struct weirsim_host_ops {
	/*
	 * An MSI-X message leaves function. Own PCI side: message_address and message_data from the vector's table entry;
	 * external PCI side: both 0.
	 */
	void (*interrupt)(void *opaque, uint16_t function, uint16_t vector,
			  uint64_t message_address, uint32_t message_data);
	/*
	 * Untranslated DMA of a function through the host's own IOMMU, in place of the card's translation agent. Returns -EFAULT, or
	 * how the address was translated, for the trace: 0 mapped, 1 identity, 2 by ATS. buffer is bytes long.
	 */
	int (*dma)(void *opaque, uint16_t function, uint64_t address, void *buffer, size_t bytes,
		   bool write);
	/* function left reset: its registers are valid again. */
	void (*function_ready)(void *opaque, uint16_t function);
	/* All work that used translations from before weirsim_signal_invalidate(..., tag) is over. */
	void (*invalidate_done)(void *opaque, uint16_t function, uint64_t tag);
	/* A line of the card's log or console. */
	void (*log)(void *opaque, enum weir_log_level level, const char *text);
	/* VFs were enabled (count) or disabled (0) through the card's own configuration space. */
	void (*vfs_changed)(void *opaque, uint16_t count);
};

struct weirsim_config {
	uint16_t total_vfs; /* 0 to WEIR_PCI_MAX_VFS */
	uint8_t ports;	    /* wire ports, default 1 */
	uint64_t serial;    /* default: made up, never 0 */
	bool virtual_time;  /* time moves only by weirsim_advance_ns() */
	bool external_pci;  /* see above */
	uint64_t seed; /* of hal_random32() and of the deferred home's delays; 0: from the system */
	uint32_t queue_pairs; /* default: enough for every function's */
	uint32_t filters;     /* default 4096 */
	/* The flash image of a home whose firmware runs in a machine of its own; NULL: WEIR_FIRMWARE of the environment, or what was built
	 * beside this program. Other homes have their firmware in them. */
	const char *firmware_image;
	const struct weirsim_host_ops *host;
	void *opaque; /* first argument of every host op */
};

/* Makes a card; its firmware runs with the first weirsim_poll(). NULL with errno set (EINVAL, ENOMEM; ENOENT, EIO: a firmware that
 * is a machine of its own could not be started, and the log says why). */
struct weirsim *weirsim_create(const struct weirsim_config *config);
/* Ends a card. Wires are closed, mappings dropped, no callback comes any more. NULL is allowed. */
void weirsim_destroy(struct weirsim *sim);
/* "hwsim", "hwsim-deferred" or "riscv": the home this library was built for. */
const char *weirsim_home(void);
/* The firmware has ended by itself (a trap, its watchdog, its machine died), and the log says why: every function stays in reset, for
 * good. Where it runs in this process it never does. */
bool weirsim_firmware_ended(struct weirsim *sim);
/* What poll() should wait for besides wires while asleep, to hear of that; -1 when nothing. weirsim_may_sleep() then looks at it. */
int weirsim_firmware_fd(struct weirsim *sim);
/* Instructions that the firmware has retired in its polls, where it has a processor of its own that counts them; else 0. */
uint64_t weirsim_firmware_instructions(struct weirsim *sim);

/* ---- running ---- */

/* One turn of the firmware's loop and of the hardware around it; returns how much was done, 0 for nothing. */
uint32_t weirsim_poll(struct weirsim *sim);
/* After a poll that returned 0: true when nothing happens until somebody touches the card, a wire has a frame, or *until_ns comes. */
bool weirsim_may_sleep(struct weirsim *sim, uint64_t *until_ns);
/* The card's clock. */
uint64_t weirsim_now_ns(struct weirsim *sim);
/* Moves virtual time forward. */
void weirsim_advance_ns(struct weirsim *sim, uint64_t ns);
/* Admin command in the name of the card's owner; as weir_firmware_manage(). Returns enum weir_status. */
enum weir_status weirsim_manage(struct weirsim *sim, uint16_t opcode, const void *request,
				uint32_t request_bytes, void *response, uint32_t capacity,
				uint32_t *response_bytes, uint32_t *detail);

/* ---- the card's own PCI side ---- */

/* Functions are named by routing-id offset from the PF: 0 the PF, n VF n-1 (First VF Offset and Stride are 1). */

/* Configuration read; size 1, 2 or 4, aligned. Reads of absent functions give all ones. */
uint32_t weirsim_config_read(struct weirsim *sim, uint16_t function, uint16_t offset, uint8_t size);
/* Configuration write; writes to absent functions are dropped. */
void weirsim_config_write(struct weirsim *sim, uint16_t function, uint16_t offset, uint32_t value,
			  uint8_t size);
/* Memory read or write at a bus address, decoded as a bus would: PF BARs, and VF BARs from the SR-IOV capability. False: nobody answered
 * (reads then give all ones). size 1, 2, 4 or 8. */
bool weirsim_memory_read(struct weirsim *sim, uint64_t address, void *value, uint8_t size);
bool weirsim_memory_write(struct weirsim *sim, uint64_t address, const void *value, uint8_t size);
/* As above, the function and BAR being known (vfio-user). Memory enable is honoured: -EIO when the function does not decode. */
int weirsim_mmio_read(struct weirsim *sim, uint16_t function, uint8_t bar, uint64_t offset,
		      void *value, uint8_t size);
int weirsim_mmio_write(struct weirsim *sim, uint16_t function, uint8_t bar, uint64_t offset,
		       const void *value, uint8_t size);
/* Function level reset, as if DEVCTL.Initiate_FLR had been written (vfio-user device reset). */
int weirsim_function_reset(struct weirsim *sim, uint16_t function);
/* Conventional (hot) reset of the whole card. */
void weirsim_hot_reset(struct weirsim *sim);
/* The card's owner enables VFs without a host's PF driver: NumVFs, VF Enable, VF MSE, and bus master of the PF. */
int weirsim_enable_vfs(struct weirsim *sim, uint16_t count);
uint16_t weirsim_vfs_enabled(struct weirsim *sim);
/* Out of reset and READY. */
bool weirsim_function_usable(struct weirsim *sim, uint16_t function);
/*
 * The attachment delivers this vector by itself (vfio-user: an eventfd), whatever the MSI-X table and its enable say: host->interrupt
 * is called with message_address and message_data 0. Lasts until it is taken back; resets leave it alone. A message that was pending is
 * delivered at once. -ENODEV: no such function, -EINVAL: no such vector.
 */
int weirsim_vector_attach(struct weirsim *sim, uint16_t function, uint16_t vector, bool attached);

/* ---- external PCI side (QEMU) ---- */

/* The function's gate closes at once: no DMA of it starts any more. The firmware follows in weirsim_poll(). */
void weirsim_signal_reset(struct weirsim *sim, uint16_t function);
void weirsim_signal_vf_enable(struct weirsim *sim, uint16_t count);
void weirsim_signal_bus_master(struct weirsim *sim, uint16_t function, bool on);
void weirsim_signal_ats(struct weirsim *sim, uint16_t function, bool on);
void weirsim_signal_invalidate(struct weirsim *sim, uint16_t function, uint64_t address,
			       uint64_t bytes, uint64_t tag);
/* A vector was pointed or unmasked: for the trace. */
void weirsim_signal_vector(struct weirsim *sim, uint16_t function, uint16_t vector,
			   uint64_t message_address, uint32_t message_data);

/* ---- translation agent ---- */

/*
 * Function may reach [iova, iova + bytes) with protection, at host memory va (which stays valid until unmapped). -EEXIST when
 * it overlaps a mapping, -EINVAL when it wraps or is empty, -ENOSPC beyond 65536 mappings of a function.
 */
int weirsim_dma_map(struct weirsim *sim, uint16_t function, uint64_t iova, void *va, uint64_t bytes,
		    int protection);
/*
 * Takes away everything inside [iova, iova + bytes); a mapping that is cut is -EINVAL. It is an invalidation: the memory is free only
 * when `done` was called, from a later weirsim_poll() or at once. Returns how many mappings went, or -errno (done is not called then).
 */
int weirsim_dma_unmap(struct weirsim *sim, uint16_t function, uint64_t iova, uint64_t bytes,
		      void (*done)(void *opaque), void *opaque);
/* All mappings of a function at once (a client died). */
int weirsim_dma_unmap_all(struct weirsim *sim, uint16_t function, void (*done)(void *opaque),
			  void *opaque);

struct weirsim_iommu_stats {
	uint64_t mappings, translations, faults, unmaps;
	uint64_t last_fault_address;
	uint16_t last_fault_function;
};
/* translations counts look-ups in the table; DMA by a translation that the function has ready is not counted. */
void weirsim_iommu_stats(struct weirsim *sim, struct weirsim_iommu_stats *stats);

enum weirsim_fault_reason {
	WEIRSIM_FAULT_UNMAPPED = 1, /* no mapping */
	WEIRSIM_FAULT_PERMISSION,   /* mapped, but not for this */
	WEIRSIM_FAULT_TRANSLATED, /* a translated address that no translation gave (PCIe 5.0, 10.2.3) */
	WEIRSIM_FAULT_PASID,	  /* a PASID, which no function has enabled */
	WEIRSIM_FAULT_HOST,	  /* host->dma refused */
};
struct weirsim_fault {
	uint64_t time_ns, address, bytes;
	uint16_t function;
	bool write;
	enum weirsim_fault_reason reason;
};
/* Takes up to max recorded faults, oldest first; returns how many. The last 64 are kept. */
size_t weirsim_iommu_faults(struct weirsim *sim, struct weirsim_fault *faults, size_t max);

/* ---- wire ---- */

/* A wire of the caller's own. */
struct weirsim_wire_ops {
	/* A frame leaves the port. Returns 0, -EAGAIN (no room: dropped and counted) or another -errno. iov is valid during the call. */
	int (*transmit)(void *opaque, const struct iovec *iov, int count);
	/* The port is closed or given another wire. */
	void (*close)(void *opaque);
};

/* Attaches a wire; what was there before is closed. ops NULL: nothing attached, link down. */
int weirsim_wire_attach(struct weirsim *sim, uint8_t port, const struct weirsim_wire_ops *ops,
			void *opaque);
/* A frame comes in from a wire of the caller's own (14 to 65535 bytes, copied). -ENOBUFS: the port's queue is full, -ENETDOWN, -EMSGSIZE.
 * May be called from within transmit. */
int weirsim_wire_receive(struct weirsim *sim, uint8_t port, const void *frame, size_t bytes);
/*
 * Attaches one of the card's own wires by its description:
 *   none | loopback | tap:NAME | pcap:in=FILE,out=FILE[,rate=recorded|full][,loop]   (either file may be left out; recorded by default)
 *   stream:unix:PATH | stream:listen:unix:PATH | dgram:unix:LOCAL,REMOTE              (QEMU's -netdev stream/dgram framing)
 * -EINVAL with a log line that says what is wrong; other -errno from the system.
 */
int weirsim_wire_open(struct weirsim *sim, uint8_t port, const char *description);
/* A cable between two ports, perhaps of two cards (both then belong to the same thread). */
int weirsim_wire_cable(struct weirsim *a, uint8_t port_a, struct weirsim *b, uint8_t port_b);
/* What poll() should wait for on this port while asleep, -1 when nothing. */
int weirsim_wire_fd(struct weirsim *sim, uint8_t port);
/* Takes the cable out (up = false) and puts it back. */
void weirsim_wire_link(struct weirsim *sim, uint8_t port, bool up);
/* The link state that the firmware sees; false also when there is no such port. */
bool weirsim_wire_up(struct weirsim *sim, uint8_t port);

/* What a port's wire saw, since the card was made. */
struct weirsim_wire_stats {
	uint64_t frames_received;    /* given to the firmware, or waiting for it */
	uint64_t frames_sent;	     /* given to the wire */
	uint64_t dropped_no_room;    /* arrived while the port's memory was full */
	uint64_t dropped_bad_length; /* arrived with less than 14 or more than 65535 bytes */
	uint64_t dropped_wire;	     /* the wire did not take it */
};
/* -EINVAL: no such port. */
int weirsim_wire_stats(struct weirsim *sim, uint8_t port, struct weirsim_wire_stats *stats);

#endif
