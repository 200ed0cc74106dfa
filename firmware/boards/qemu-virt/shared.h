/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory between the firmware on this board and the hardware around it, which is hwsim in another process
 * (hwsim/src/home_riscv*.c): both include this header, and nobody else does. It is the wiring of one board, not the ABI of the card:
 * hosts never see it, and the two sides are always built together (VIRT_VERSION says whether they were).
 *
 * The memory is the BAR2 of QEMU's ivshmem-doorbell. struct virt_shared lies at offset 0; it says where the rest is. All numbers are
 * little-endian, as both sides are. Offsets count from the start of the memory.
 *
 * Who writes what: each member has one writer. Rings have one producer and one consumer; the producer fills entries and then stores
 * its tail with release, the consumer loads the tail with acquire, uses the entries, and then stores its head with release. Indices run freely,
 * entry = index % entries, entries is a power of two. Nothing needs another barrier but the two places where one side goes to sleep:
 *   firmware: stores `asleep`, reads a register of ivshmem (which orders like a read that pushes posted writes), looks at `turn` and
 *             `manage_asked` once more, and only then waits for an interrupt;
 *   hardware: stores `turn` or `manage_asked`, a full barrier, then looks at `asleep` and, if set, sends an interrupt.
 * The firmware ends each turn, and begins each wait for the hardware, with a doorbell.
 *
 * A turn: the hardware fills events, frames and completions in and counts `turn` up. The firmware turns its loop up to `polls` times
 * and answers with `turn_done`. With VIRT_VIRTUAL_TIME the hardware carries commands out between two turns, or when `waiting` is set, so
 * that what happens does not depend on how fast the two processes run; otherwise also meanwhile.
 */
#ifndef WEIR_VIRT_SHARED_H
#define WEIR_VIRT_SHARED_H

#include <stddef.h>
#include <stdint.h>

#include "hal.h"

#define VIRT_MAGIC   0x74726976u /* "virt" */
#define VIRT_VERSION 2u
#define VIRT_PORTS   8u
#define VIRT_LINE    64u /* bytes of a cache line */

/* Interrupt vectors, and who is who among ivshmem's peers. */
#define VIRT_PEER_HARDWARE 0u
#define VIRT_PEER_FIRMWARE 1u

/* Exit codes of the firmware by QEMU's finisher device. */
enum virt_end {
	VIRT_END_NO_HARDWARE = 10, /* there is no ivshmem-doorbell */
	VIRT_END_BAD_HARDWARE =
		11, /* it is none of ours, or of another version, or contradicts itself */
	VIRT_END_BAD_CONFIG = 12, /* the card that is asked for does not fit its memory */
	VIRT_END_TRAP = 13,
	VIRT_END_WATCHDOG = 14,
	VIRT_END_BAD_DMA = 15, /* the firmware handed memory to the hardware that it cannot reach */
};

enum virt_flags { VIRT_VIRTUAL_TIME = 1 };

/* Bits of a function's state word; the number of its vectors is in the upper half. */
enum virt_function_state {
	VIRT_FUNCTION_READY = 1,  /* enabled, out of reset */
	VIRT_FUNCTION_USABLE = 2, /* and may use the bus */
};

/* ---- commands: firmware to hardware ---- */

enum virt_command_kind {
	VIRT_DMA_READ = 1, /* completes */
	VIRT_DMA_WRITE,	   /* completes */
	VIRT_DMA_ENTRIES,  /* completes; count entries of entry_bytes */
	VIRT_DMA_COPY,	   /* completes; source, source_address */
	VIRT_TRANSMIT, /* completes; memory: header of `bytes`; source_address: offset of `count` struct hal_segment */
	VIRT_INTERRUPT,	   /* address: vector */
	VIRT_READY,	   /* hal_function_ready() */
	VIRT_REGISTER_SET, /* address: offset in BAR0; count: value */
	VIRT_WINDOW_WRITE, /* address: offset in the window; bytes of payload */
	VIRT_INVALIDATED,  /* address: the invalidation's tag */
	VIRT_LINK_SET,	   /* port; count: 1 up, 0 down */
	VIRT_TRACE_ENABLE, /* count: 1 on, 0 off */
	VIRT_CONSOLE,	   /* level; bytes of payload, no terminating zero */
	VIRT_CLOCK_SET,	   /* payload: a struct weir_clock */
};

/* An entry of the command ring. A payload follows in the next entries, `bytes` of it, the last one filled up. */
struct virt_command {
	uint16_t kind;
	uint8_t port;
	uint8_t level;
	hal_tag tag;
	/* How many events the firmware had taken: what it says of a function whose reset it has not heard of yet is void. */
	uint32_t events_taken;
	uint32_t bytes;
	uint64_t address;		/* host memory */
	uint64_t memory;		/* device memory: an offset */
	struct hal_requester requester; /* its function is the command's */
	struct hal_requester source;
	uint64_t source_address;
	uint32_t count;
	uint32_t entry_bytes;
	uint64_t sum; /* VIRT_DMA_WRITE, VIRT_DMA_COPY: offset of a struct hal_sum, 0: none is taken */
	uint32_t place;		  /* of the piece in it */
	struct hal_insert insert; /* VIRT_TRANSMIT, with inserts */
	uint32_t inserts;	  /* 1: insert is meant */
	uint64_t sent; /* VIRT_TRANSMIT: offset of the uint64_t that is told when the frame left, 0: nobody asks */
};

/* Entries that a payload takes. */
static inline uint32_t virt_payload_entries(uint32_t bytes)
{
	return (bytes + (uint32_t)sizeof(struct virt_command) - 1) /
	       (uint32_t)sizeof(struct virt_command);
}

#define VIRT_PAYLOAD_MAX 8192u

/* ---- hardware to firmware ---- */

/* An entry of a port's ring of received frames. */
struct virt_frame {
	uint32_t handle;
	uint32_t bytes;
	uint64_t time_ns;
};

/* Where a ring's entries are. */
struct virt_ring {
	uint64_t offset;
	uint32_t entries;
	uint32_t entry_bytes;
};

struct virt_port {
	struct virt_ring frames; /* struct virt_frame: received, hardware to firmware */
	struct virt_ring
		releases; /* uint32_t: handles given back, firmware to hardware; room for every handle */
	uint64_t slots, large_slots;
};

struct virt_shared {
	/* constant while the firmware runs */
	uint32_t magic, version;
	uint32_t flags;
	uint32_t ports;
	uint64_t memory_bytes;
	uint64_t serial, seed;
	char board[32];
	uint32_t total_vfs, queue_pairs, filters, log_records, trace_records;
	uint32_t functions;		       /* 1 + total_vfs: of the arrays below */
	uint32_t register_bytes, window_bytes; /* of one function */
	uint64_t registers, windows, states;   /* offsets; states: a uint32_t each */
	uint64_t context, context_bytes;       /* the firmware's own memory, zero at the start */
	/* handles below `slot_count` are small ones; those from it on are large ones */
	uint32_t slot_bytes, slot_count, large_slot_bytes, large_slot_count;
	struct virt_ring commands;    /* struct virt_command */
	struct virt_ring completions; /* struct hal_completion */
	struct virt_ring events;      /* struct hal_event */
	struct virt_port port[VIRT_PORTS];

	/* written by the hardware */
	uint64_t time_ns __attribute__((aligned(VIRT_LINE))); /* of the card, when the turn began */
	uint32_t turn, polls;
	uint32_t commands_head, events_tail, completions_tail;
	uint32_t manage_asked;
	uint32_t frames_tail[VIRT_PORTS], releases_head[VIRT_PORTS];
	uint32_t link_mbps[VIRT_PORTS]; /* 0: down */

	/* written by the firmware */
	uint32_t running __attribute__((aligned(VIRT_LINE))); /* its loop has begun */
	uint32_t turn_done, turn_work; /* what weir_firmware_poll() returned, added up */
	uint32_t may_sleep;
	uint64_t until_ns;
	uint32_t asleep, waiting;
	uint32_t commands_tail, events_head, completions_head;
	uint32_t manage_done;
	uint32_t frames_head[VIRT_PORTS], releases_tail[VIRT_PORTS];
	uint64_t kicks,
		instructions; /* hal_watchdog_kick(); instructions retired in polls (true with -icount) */

	/* weir_firmware_manage() between two turns: the request is the hardware's until it is asked, the answer the firmware's */
	uint32_t opcode __attribute__((aligned(VIRT_LINE)));
	uint32_t request_bytes, capacity;
	uint32_t response_bytes, status, detail;
	uint8_t request[WEIR_ADMIN_DATA_MAX_BYTES];
	uint8_t response[WEIR_ADMIN_DATA_MAX_BYTES];
};

_Static_assert(sizeof(struct virt_command) == 96, "the same on both sides");
_Static_assert(sizeof(struct hal_sum) == 8, "the same on both sides");
_Static_assert(sizeof(struct weir_clock) == 24, "the same on both sides");
_Static_assert(sizeof(struct hal_completion) == 8, "the same on both sides");
_Static_assert(sizeof(struct hal_event) == 32 + sizeof(struct weir_trace_record),
	       "the same on both sides");
_Static_assert(sizeof(struct hal_segment) == 24, "the same on both sides");
_Static_assert(sizeof(struct virt_frame) == 16, "the same on both sides");

/* ---- access ---- */

static inline uint32_t virt_load(const uint32_t *place)
{
	return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}

static inline void virt_store(uint32_t *place, uint32_t value)
{
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
}

/* Entry `index` of a ring that begins at memory + ring->offset. */
static inline void *virt_entry(uint8_t *memory, const struct virt_ring *ring, uint32_t index)
{
	return memory + ring->offset + (size_t)(index & (ring->entries - 1)) * ring->entry_bytes;
}

#endif
