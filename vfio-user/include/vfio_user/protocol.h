/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vfio-user protocol, version 0.1, as it lies on the wire: what a client (a virtual machine
 * monitor, a poll-mode driver, a tool) and a server (the device) say to each other over a unix
 * stream socket.
 *
 * Every message is a struct vfu_header and a payload. A command is answered by one reply with the
 * same message id, unless it carries VFU_FLAG_NO_REPLY. A reply that carries VFU_FLAG_ERROR has no
 * payload. File descriptors travel beside a message as SCM_RIGHTS. All fields are in the byte order
 * of the host, all sizes in bytes, and nothing is aligned: hence the packed structures.
 *
 * Reference: "vfio-user Protocol Specification", docs/interop/vfio-user.rst of QEMU. Where the
 * numbers are those of Linux's VFIO, the name in <linux/vfio.h> is given beside them; this header
 * needs neither.
 */
#ifndef VFIO_USER_PROTOCOL_H
#define VFIO_USER_PROTOCOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define VFU_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define VFU_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/** A structure of the wire: exactly these bytes, whatever their alignment. */
#define VFU_PACKED __attribute__((packed))

/** The version this library speaks. Both sides must have the same major, and the lower minor counts. */
#define VFU_VERSION_MAJOR 0
#define VFU_VERSION_MINOR 1

/** What a side that does not say otherwise in its VERSION message can do. */
#define VFU_DEFAULT_MAX_MESSAGE_FDS	    1
#define VFU_DEFAULT_MAX_DATA_TRANSFER_BYTES 1048576
#define VFU_DEFAULT_MAX_DMA_MAPS	    65535
#define VFU_DEFAULT_PAGE_SIZES		    4096

/** The kernel takes no more descriptors than this in one sendmsg() (SCM_MAX_FD). */
#define VFU_FDS_MAX 253

/* --- the header ---------------------------------------------------------------------------------- */

/** Commands. All go from client to server, save DMA_READ and DMA_WRITE. */
enum vfu_command {
	VFU_COMMAND_VERSION = 1,
	VFU_COMMAND_DMA_MAP = 2,
	VFU_COMMAND_DMA_UNMAP = 3,
	VFU_COMMAND_DEVICE_GET_INFO = 4,
	VFU_COMMAND_DEVICE_GET_REGION_INFO = 5,
	VFU_COMMAND_DEVICE_GET_REGION_IO_FDS = 6,
	VFU_COMMAND_DEVICE_GET_IRQ_INFO = 7,
	VFU_COMMAND_DEVICE_SET_IRQS = 8,
	VFU_COMMAND_REGION_READ = 9,
	VFU_COMMAND_REGION_WRITE = 10,
	VFU_COMMAND_DMA_READ = 11,
	VFU_COMMAND_DMA_WRITE = 12,
	VFU_COMMAND_DEVICE_RESET = 13,
	/* 14 was DIRTY_PAGES in early drafts and is not used any more. */
	VFU_COMMAND_REGION_WRITE_MULTI = 15,
	VFU_COMMAND_DEVICE_FEATURE = 16,
	VFU_COMMAND_MIG_DATA_READ = 17,
	VFU_COMMAND_MIG_DATA_WRITE = 18,
	VFU_COMMANDS, /* one more than the last */
};

/** vfu_header.flags */
#define VFU_FLAG_TYPE_MASK    0x0fu
#define VFU_FLAG_TYPE_COMMAND 0x00u
#define VFU_FLAG_TYPE_REPLY   0x01u
#define VFU_FLAG_NO_REPLY     0x10u
#define VFU_FLAG_ERROR	      0x20u
#define VFU_FLAGS_KNOWN	      (VFU_FLAG_TYPE_MASK | VFU_FLAG_NO_REPLY | VFU_FLAG_ERROR)

/** What every message begins with. */
struct vfu_header {
	uint16_t message_id;   /* chosen by the sender of the command, echoed in its reply */
	uint16_t command;      /* enum vfu_command */
	uint32_t size_bytes;   /* of the whole message, this header included */
	uint32_t flags;	       /* VFU_FLAG_… */
	uint32_t error_number; /* a UNIX errno, in a reply with VFU_FLAG_ERROR; may be 0 even there */
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_header) == 16, "vfu_header");

/* --- VERSION ------------------------------------------------------------------------------------- */

/** VERSION, both ways; followed by JSON text with its NUL, or by nothing. */
struct vfu_message_version {
	uint16_t major;
	uint16_t minor;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_version) == 4, "vfu_message_version");

/* --- DMA_MAP, DMA_UNMAP, DMA_READ, DMA_WRITE ------------------------------------------------------ */

/** vfu_message_dma_map.flags (VFIO_DMA_MAP_FLAG_…); MMAP and FILE_IO are newer than QEMU's client. */
#define VFU_DMA_MAP_READ    0x1u
#define VFU_DMA_MAP_WRITE   0x2u
#define VFU_DMA_MAP_MMAP    0x4u /* the descriptor beside the message is to be mapped */
#define VFU_DMA_MAP_FILE_IO 0x8u /* it is to be used with pread() and pwrite() */

/** DMA_MAP; the reply has no payload. The memory's descriptor, if it has one, goes beside it. */
struct vfu_message_dma_map {
	uint32_t argument_bytes; /* of this structure */
	uint32_t flags;
	uint64_t offset_bytes; /* of the memory in its descriptor */
	uint64_t iova;	       /* the address by which the device knows the memory */
	uint64_t length_bytes;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_dma_map) == 32, "vfu_message_dma_map");

/** vfu_message_dma_unmap.flags (VFIO_DMA_UNMAP_FLAG_…) */
#define VFU_DMA_UNMAP_DIRTY_BITMAP 0x1u
#define VFU_DMA_UNMAP_ALL	   0x2u /* every mapping; iova and length are 0 */

/** DMA_UNMAP, both ways: iova and length are exactly those of one earlier DMA_MAP. */
struct vfu_message_dma_unmap {
	uint32_t argument_bytes; /* room for the reply */
	uint32_t flags;
	uint64_t iova;
	uint64_t length_bytes;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_dma_unmap) == 24, "vfu_message_dma_unmap");

/** DMA_READ and DMA_WRITE, server to client; data follows the reply of one and the command of the other. */
struct vfu_message_dma_access {
	uint64_t iova;
	uint64_t count_bytes;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_dma_access) == 16, "vfu_message_dma_access");

/* --- DEVICE_GET_INFO, DEVICE_RESET ---------------------------------------------------------------- */

/** vfu_message_device_info.flags (VFIO_DEVICE_FLAGS_…) */
#define VFU_DEVICE_RESET 0x1u /* DEVICE_RESET works */
#define VFU_DEVICE_PCI	 0x2u

/** DEVICE_GET_INFO, both ways; a command carries argument_bytes only. DEVICE_RESET has no payload. */
struct vfu_message_device_info {
	uint32_t argument_bytes;
	uint32_t flags;
	uint32_t region_count;
	uint32_t irq_count; /* kinds of interrupt, see enum vfu_irq */
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_device_info) == 16, "vfu_message_device_info");

/* --- regions ------------------------------------------------------------------------------------- */

/** Regions of a PCI function (VFIO_PCI_…_REGION_INDEX). */
enum vfu_region {
	VFU_REGION_BAR0,
	VFU_REGION_BAR1,
	VFU_REGION_BAR2,
	VFU_REGION_BAR3,
	VFU_REGION_BAR4,
	VFU_REGION_BAR5,
	VFU_REGION_ROM,
	VFU_REGION_CONFIG,
	VFU_REGION_VGA,
	VFU_REGIONS,
};

/** vfu_message_region_info.flags (VFIO_REGION_INFO_FLAG_…) */
#define VFU_REGION_READ		0x1u
#define VFU_REGION_WRITE	0x2u
#define VFU_REGION_MMAP		0x4u /* a descriptor to map comes with the reply */
#define VFU_REGION_CAPABILITIES 0x8u /* capability_offset is valid */

/** DEVICE_GET_REGION_INFO, both ways; a command carries argument_bytes and index only. */
struct vfu_message_region_info {
	uint32_t argument_bytes; /* command: room for the reply; reply: what all of it needs */
	uint32_t flags;
	uint32_t index;		    /* enum vfu_region */
	uint32_t capability_offset; /* of a struct vfu_capability_header, from this structure's start */
	uint64_t size_bytes;
	uint64_t offset_bytes; /* of the region in its descriptor */
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_region_info) == 32, "vfu_message_region_info");

/** The head of a capability of a region (struct vfio_info_cap_header). */
struct vfu_capability_header {
	uint16_t id;
	uint16_t version;
	uint32_t next; /* from the start of struct vfu_message_region_info; 0 ends the list */
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_capability_header) == 8, "vfu_capability_header");

/** VFIO_REGION_INFO_CAP_SPARSE_MMAP: only these parts of the region can be mapped. */
#define VFU_CAPABILITY_SPARSE_MMAP	   1
#define VFU_CAPABILITY_SPARSE_MMAP_VERSION 1

/** One part that can be mapped. */
struct vfu_sparse_area {
	uint64_t offset_bytes; /* in the region */
	uint64_t size_bytes;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_sparse_area) == 16, "vfu_sparse_area");

/** The sparse capability; area_count struct vfu_sparse_area follow it. */
struct vfu_capability_sparse {
	struct vfu_capability_header header;
	uint32_t area_count;
	uint32_t reserved;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_capability_sparse) == 16, "vfu_capability_sparse");

/** DEVICE_GET_REGION_IO_FDS, both ways; in a reply `count` sub-regions follow. */
struct vfu_message_region_io_fds {
	uint32_t argument_bytes;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_region_io_fds) == 16, "vfu_message_region_io_fds");

/** REGION_READ and REGION_WRITE, both ways; data follows a read's reply and a write's command. */
struct vfu_message_region_access {
	uint64_t offset_bytes;
	uint32_t region; /* enum vfu_region */
	uint32_t count_bytes;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_region_access) == 16, "vfu_message_region_access");

/** Most bytes that one write of a REGION_WRITE_MULTI holds. */
#define VFU_MULTI_WRITE_BYTES 8

/** One of the writes of a REGION_WRITE_MULTI. */
struct vfu_multi_write {
	uint64_t offset_bytes;
	uint32_t region;
	uint32_t count_bytes; /* 1 to VFU_MULTI_WRITE_BYTES */
	uint8_t data[VFU_MULTI_WRITE_BYTES];
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_multi_write) == 24, "vfu_multi_write");

/** REGION_WRITE_MULTI, both ways; in a command write_count struct vfu_multi_write follow. */
struct vfu_message_write_multi {
	uint64_t write_count;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_write_multi) == 8, "vfu_message_write_multi");

/* --- interrupts ---------------------------------------------------------------------------------- */

/** Kinds of interrupt of a PCI function (VFIO_PCI_…_IRQ_INDEX). */
enum vfu_irq {
	VFU_IRQ_INTX,
	VFU_IRQ_MSI,
	VFU_IRQ_MSIX,
	VFU_IRQ_ERROR,	 /* an uncorrectable error was reported */
	VFU_IRQ_REQUEST, /* the device wants to be released */
	VFU_IRQS,
};

/** vfu_message_irq_info.flags (VFIO_IRQ_INFO_…) */
#define VFU_IRQ_INFO_EVENTFD	0x1u
#define VFU_IRQ_INFO_MASKABLE	0x2u
#define VFU_IRQ_INFO_AUTOMASKED 0x4u
#define VFU_IRQ_INFO_NORESIZE	0x8u

/** DEVICE_GET_IRQ_INFO, both ways; a command carries argument_bytes and index only. */
struct vfu_message_irq_info {
	uint32_t argument_bytes;
	uint32_t flags;
	uint32_t index; /* enum vfu_irq */
	uint32_t count; /* vectors of this kind */
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_irq_info) == 16, "vfu_message_irq_info");

/** vfu_message_set_irqs.flags (VFIO_IRQ_SET_…): one DATA and one ACTION. */
#define VFU_IRQ_SET_DATA_NONE 0x01u /* act on every vector of the range */
#define VFU_IRQ_SET_DATA_BOOL 0x02u /* act where the byte that follows for the vector is not 0 */
#define VFU_IRQ_SET_DATA_EVENTFD \
	0x04u /* one eventfd a vector beside the message, or none: take away */
#define VFU_IRQ_SET_ACTION_MASK	   0x08u
#define VFU_IRQ_SET_ACTION_UNMASK  0x10u
#define VFU_IRQ_SET_ACTION_TRIGGER 0x20u
#define VFU_IRQ_SET_DATA_MASK	   0x07u
#define VFU_IRQ_SET_ACTIONS_MASK   0x38u

/**
 * DEVICE_SET_IRQS; the reply has no payload. A range of 0 vectors from 0 with DATA_NONE and
 * ACTION_TRIGGER takes away every eventfd of the kind.
 */
struct vfu_message_set_irqs {
	uint32_t argument_bytes; /* of this structure and what follows it */
	uint32_t flags;
	uint32_t index; /* enum vfu_irq */
	uint32_t start;
	uint32_t count;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_set_irqs) == 20, "vfu_message_set_irqs");

/* --- features and migration ----------------------------------------------------------------------- */

/** vfu_message_device_feature.flags (VFIO_DEVICE_FEATURE_…) */
#define VFU_FEATURE_INDEX_MASK 0x0000ffffu
#define VFU_FEATURE_GET	       0x00010000u
#define VFU_FEATURE_SET	       0x00020000u
#define VFU_FEATURE_PROBE      0x00040000u

/** DEVICE_FEATURE, both ways; the feature's own data follows. */
struct vfu_message_device_feature {
	uint32_t argument_bytes;
	uint32_t flags;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_device_feature) == 8, "vfu_message_device_feature");

/** MIG_DATA_READ and MIG_DATA_WRITE, both ways; data follows a read's reply and a write's command. */
struct vfu_message_migration_data {
	uint32_t argument_bytes;
	uint32_t size_bytes;
} VFU_PACKED;
VFU_STATIC_ASSERT(sizeof(struct vfu_message_migration_data) == 8, "vfu_message_migration_data");

#ifdef __cplusplus
}
#endif

#endif
