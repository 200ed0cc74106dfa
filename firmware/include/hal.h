/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The door between the firmware and the hardware around it. The firmware calls what is declared here and nothing
 * else; a board (firmware/boards/<home>/) supplies the bodies, inline where that pays. A porter implements this file.
 *
 * Rules that hold for every call:
 *
 * 1. A call that touches the bus or the wire takes a tag and returns at once:
 *      HAL_DONE     it is over and went well; no completion follows
 *      HAL_PENDING  it goes on; exactly one completion with this tag follows from hal_poll_completion()
 *      HAL_BUSY     the board has no room; nothing was done, call again after completions were taken
 *      HAL_RESET    the function is in reset (or gone, or, but for interrupts, not bus master); nothing was done
 *      HAL_FAULT    the address is not the function's, or lacks the permission; nothing (reads: nothing useful) was done
 *    Device memory handed to a pending call (sources, destinations, segment lists) stays untouched and valid until its
 *    completion.
 * 2. Pending calls are not ordered among each other, nor against later calls. What must come after something waits for
 *    that thing's completion (or HAL_DONE). A host may see what a call does, and answer it, at any time before its completion
 *    is taken. The one promise: within one hal_dma_write_entries() entries become visible in order.
 * 3. From the moment the hardware starts to reset a function, calls for it return HAL_RESET and its tags in flight
 *    end with HAL_RESET; no byte of theirs reaches host memory after that completion. This lasts until
 *    hal_function_ready().
 * 4. All calls are made from the one context that runs the firmware. No call blocks but hal_wait().
 */
#ifndef WEIR_HAL_H
#define WEIR_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/weir_abi.h"
#include "weir_clock.h"

struct hal; /* the board's own state of one card */

enum hal_result {
	HAL_DONE = 0,
	HAL_PENDING = 1,
	HAL_BUSY = 2,
	HAL_RESET = -1,
	HAL_FAULT = -2,
	HAL_UNSUPPORTED = -3,
	HAL_FAULT_SOURCE =
		-4,	    /* hal_dma_copy() and hal_transmit(): it was the source that faulted */
	HAL_LINK_DOWN = -5, /* hal_transmit(): there is no link */
	HAL_DROPPED = -6,   /* hal_transmit(): the wire did not take the frame */
};

/* Chosen by the firmware, given back verbatim with the completion. */
typedef uint32_t hal_tag;

struct hal_completion {
	hal_tag tag;
	enum hal_result result; /* any but HAL_PENDING and HAL_BUSY */
};

/* In whose name a request goes out (requester id), and how its address is to be understood (PCIe 5.0, 2.2.4.1 and 10.2). */
enum hal_requester_flags {
	HAL_TRANSLATED = 1, /* address is the result of an ATS translation (AT = 10b) */
	HAL_PASID = 2,	    /* pasid is valid */
};

struct hal_requester {
	uint16_t function; /* 0 PF, n VF n-1 */
	uint16_t flags;
	uint32_t pasid;
};

/* What the hardware tells the firmware. Events of one function come in order. */
enum hal_event_kind {
	HAL_EVENT_NONE = 0,
	HAL_EVENT_DOORBELL, /* BAR2 was written: offset in the BAR, value */
	HAL_EVENT_REGISTER, /* a WO or RW register of BAR0 was written: offset, value */
	HAL_EVENT_RESET, /* FLR or hot reset of function began (rule 3); answer with hal_function_ready() */
	HAL_EVENT_VF_ENABLE, /* VFs were enabled (value: how many, the first is function 1) or disabled (0); on enable
				   * each is in reset until hal_function_ready(), on disable they are gone */
	HAL_EVENT_BUS_MASTER, /* Bus Master Enable of function changed: value */
	HAL_EVENT_BAD_ACCESS, /* MMIO of a wrong width or at a hole: offset of the last; value: how many were folded */
	HAL_EVENT_ATS_CONTROL, /* ATS Enable changed: value */
	HAL_EVENT_ATS_INVALIDATE, /* value: tag for hal_ats_invalidate_done(); address, bytes (0: everything) */
	HAL_EVENT_LINK,	 /* offset: port; ask hal_link_get() */
	HAL_EVENT_TRACE, /* hardware saw something worth a trace record: trace */
};

struct hal_event {
	uint16_t kind;
	uint16_t function;
	uint32_t offset;
	uint64_t value;
	uint64_t address;
	uint64_t bytes;
	struct weir_trace_record trace; /* HAL_EVENT_TRACE only; sequence is set by the firmware */
};

/* Constant facts of the card, valid from start-up on. */
struct hal_card {
	const char *board; /* name, at most 31 characters */
	uint64_t serial;
	uint16_t total_vfs;
	uint8_t ports;
};

struct hal_link {
	bool up;
	uint32_t speed_mbps;
};

/* A received frame, in device memory, lent until hal_receive_release(). No FCS, padding of short frames kept. time_ns: hal_now_ns() when its
 * first byte was there, or, of a board that cannot tell, when it was whole. */
struct hal_frame {
	const uint8_t *data;
	uint32_t bytes;
	uint32_t handle;
	uint64_t time_ns;
};

/* A piece of host memory. */
struct hal_segment {
	uint64_t address;
	uint32_t bytes;
	struct hal_requester requester;
};

/* What a frame's flow is told by: addresses and ports as they are in the frame, zeros behind them. */
#define HAL_TUPLE_BYTES	   40u
#define HAL_HASH_KEY_BYTES 40u /* of a key, as many as can matter */
struct hal_tuple {
	uint8_t bytes[HAL_TUPLE_BYTES];
} __attribute__((aligned(8)));

/*
 * Checksums of what is moved. A copy takes one of the bytes on their way, of exactly those that it stores, and adds it to a struct
 * hal_sum that the firmware has zeroed; the pieces that make up one checksum may come in any order, and be in flight together. Like a
 * destination, a hal_sum in use by a pending call is the hardware's until that call's completion; then it has the piece in it, if the
 * call went well, and is as it was before, if not.
 *
 * `place` says where the piece lies within what the checksum is of:
 *   HAL_SUM_INTERNET  how many bytes lie ahead of it (whether that is odd is all that counts)
 *   HAL_SUM_CRC32C    how many bytes lie behind it, below 2^16
 *
 * value, once all pieces are in:
 *   HAL_SUM_INTERNET  the ones' complement sum of RFC 1071 in 16 bits, a word's first byte its high one; 0 only of zeros
 *   HAL_SUM_CRC32C    the register of RFC 9260, appendix A, begun with zero and not complemented (weir_crc32c_field())
 * The arithmetic is in weir_sum.h. A board whose engine does neither goes over the bytes a second time.
 */
enum hal_sum_kind { HAL_SUM_INTERNET = 0, HAL_SUM_CRC32C = 1 };

struct hal_sum {
	uint32_t value;
	uint8_t kind; /* enum hal_sum_kind */
};

/*
 * A checksum that hal_transmit() puts into the frame: over the bytes from `start` to the frame's end as it was given (padding of
 * short frames not counted), into the field at `field`. Both count from the frame's first byte; the field lies in the header, with all
 * its bytes, and not ahead of start.
 *   HAL_SUM_INTERNET  two bytes. They are summed like the others: they hold the pseudo header's sum, or zero. The complement of the
 *                     sum is stored, FFFFh in the place of 0
 *   HAL_SUM_CRC32C    four bytes, which count as zero. Stored least significant byte first (RFC 9260, appendix A)
 */
struct hal_insert {
	uint16_t start, field;
	uint8_t kind; /* enum hal_sum_kind */
};

#include "hal_board_types.h" /* defines HAL_CALL: `extern`, or `static inline` with bodies in hal_board_inline.h */

/* ---- system ---- */

/* Nanoseconds since start-up; never goes back. */
HAL_CALL uint64_t hal_now_ns(struct hal *hal);
/* The clock as hosts see it was adjusted: what they read in TIME_LOW and TIME_HIGH of any function, be it in reset or not, is
 * weir_clock_at() the moment of the read. Until the first call: hal_now_ns() itself. */
HAL_CALL void hal_clock_set(struct hal *hal, const struct weir_clock *clock);
/* Sleep until an event, a completion or a frame is there, or until_ns has come; may return early. */
HAL_CALL void hal_wait(struct hal *hal, uint64_t until_ns);
/* Tell the watchdog that the poll loop turns; called once per poll. */
HAL_CALL void hal_watchdog_kick(struct hal *hal);
/* 32 unpredictable bits (seeds of hash keys). */
HAL_CALL uint32_t hal_random32(struct hal *hal);
/* One line for the board's console; text is zero terminated. For people: nothing depends on it. */
HAL_CALL void hal_console(struct hal *hal, enum weir_log_level level, const char *text);
/* The card's constant facts. */
HAL_CALL const struct hal_card *hal_card(struct hal *hal);
/* The trace runs (or no longer does): whether the hardware makes HAL_EVENT_TRACE events. In a TRANSLATED record, frame holds the tag of
 * the call whose address was translated. */
HAL_CALL void hal_trace_enable(struct hal *hal, bool on);

/* ---- PCIe: events, functions, registers ---- */

/* Takes the next event into *event. False: none. */
HAL_CALL bool hal_poll_event(struct hal *hal, struct hal_event *event);
/* Takes the next completion. False: none. */
HAL_CALL bool hal_poll_completion(struct hal *hal, struct hal_completion *completion);
/* The function's registers are set up: leave reset, complete the FLR towards the host. */
HAL_CALL void hal_function_ready(struct hal *hal, uint16_t function);
/* True while the function may use the bus: out of reset, enabled, Bus Master Enable set. */
HAL_CALL bool hal_function_usable(struct hal *hal, uint16_t function);
/* What a host reads at offset of BAR0 from now on (aligned register offsets only). */
HAL_CALL void hal_register_set(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value);
/* What a host last wrote to a RW register, or hal_register_set() set. Reset clears registers to zero, GENERATION apart. */
HAL_CALL uint32_t hal_register_get(struct hal *hal, uint16_t function, uint32_t offset);
/* The mailbox data window of a function; offset + bytes within MAILBOX_WINDOW_BYTES. A host may write at any time: copy once. */
HAL_CALL void hal_window_read(struct hal *hal, uint16_t function, uint32_t offset, void *to,
			      uint32_t bytes);
HAL_CALL void hal_window_write(struct hal *hal, uint16_t function, uint32_t offset,
			       const void *from, uint32_t bytes);

/* ---- interrupts ---- */

/*
 * Raise an MSI-X vector: HAL_DONE, HAL_BUSY, HAL_RESET (in reset, or gone) or HAL_FAULT (there is no such vector). Tables, masks and
 * pending bits are hardware (PCIe 5.0, 6.1.4). A vector whose message may not be written now is remembered there and sent once when
 * the last obstacle goes, which is HAL_DONE: masked, MSI-X off, and also Bus Master Enable clear or D3hot, as a message is a memory
 * write of the function like any other (PCIe 5.0, 7.5.1.1.3). A reset forgets it.
 */
HAL_CALL enum hal_result hal_interrupt_raise(struct hal *hal, uint16_t function, uint16_t vector);

/* ---- DMA ---- */

/* Host memory to device memory. */
HAL_CALL enum hal_result hal_dma_read(struct hal *hal, struct hal_requester requester,
				      uint64_t address, void *to, uint32_t bytes, hal_tag tag);
/* Device memory to host memory. Writes of 4 aligned bytes are seen whole. */
HAL_CALL enum hal_result hal_dma_write(struct hal *hal, struct hal_requester requester,
				       uint64_t address, const void *from, uint32_t bytes,
				       hal_tag tag);
/* count ring entries of entry_bytes (a multiple of 16, contiguous on both sides): a host that sees the last eight bytes of an entry
 * sees the rest of it, and of the entries before it. */
HAL_CALL enum hal_result hal_dma_write_entries(struct hal *hal, struct hal_requester requester,
					       uint64_t address, const void *from,
					       uint32_t entry_bytes, uint32_t count, hal_tag tag);
/* Host memory to host memory, perhaps of two functions. The regions do not overlap. */
HAL_CALL enum hal_result hal_dma_copy(struct hal *hal, struct hal_requester to, uint64_t to_address,
				      struct hal_requester from, uint64_t from_address,
				      uint32_t bytes, hal_tag tag);
/* The same two, with a checksum of the bytes taken on the way: see struct hal_sum. */
HAL_CALL enum hal_result hal_dma_write_sum(struct hal *hal, struct hal_requester requester,
					   uint64_t address, const void *from, uint32_t bytes,
					   struct hal_sum *sum, uint32_t place, hal_tag tag);
HAL_CALL enum hal_result hal_dma_copy_sum(struct hal *hal, struct hal_requester to,
					  uint64_t to_address, struct hal_requester from,
					  uint64_t from_address, uint32_t bytes,
					  struct hal_sum *sum, uint32_t place, hal_tag tag);
/* A hint that address (a cache line or two) will be read or written soon; may do nothing, never fails. */
HAL_CALL void hal_dma_prefetch(struct hal *hal, struct hal_requester requester, uint64_t address,
			       bool for_write);
/* Reads after it see memory no older than what a host saw when it saw the completed writes before it (store-load order, as a PCIe
 * read has behind posted writes). */
HAL_CALL void hal_dma_order(struct hal *hal);

/* ---- ATS (PCIe 5.0, 10.3) ---- */

/* The invalidation is over: nothing that used the old translation is in flight, nothing of it is cached. */
HAL_CALL void hal_ats_invalidate_done(struct hal *hal, uint16_t function, uint64_t invalidate_tag);

/* ---- network ---- */

HAL_CALL void hal_link_get(struct hal *hal, uint8_t port, struct hal_link *link);
/* Administrative state of the port; a HAL_EVENT_LINK follows when the link changes. */
HAL_CALL void hal_link_set(struct hal *hal, uint8_t port, bool up);
/* Up to max received frames, oldest first; returns how many. */
HAL_CALL uint32_t hal_receive(struct hal *hal, uint8_t port, struct hal_frame *frames, uint32_t max);
/* Gives frames back, in any order. */
HAL_CALL void hal_receive_release(struct hal *hal, uint8_t port, const struct hal_frame *frames,
				  uint32_t count);
/* Send one frame: header_bytes of device memory, then count segments of host memory; insert: the checksum to put in, NULL: none
 * (the description is copied, the header is not changed). Frames of a port leave in the order of the calls. HAL_DONE and HAL_PENDING's completion mean that header and segments are free again. A frame that the board has found no
 * room for on the wire, or no link, when the call or its completion says so, is lost: HAL_DROPPED, HAL_LINK_DOWN.
 * sent_ns: where hal_now_ns() is put when the frame's first byte left, or, by a board that cannot tell, when it was taken; in device
 * memory that is the hardware's until the completion, and means nothing if the frame was lost. NULL: nobody asks. */
HAL_CALL enum hal_result hal_transmit(struct hal *hal, uint8_t port, const void *header,
				      uint32_t header_bytes, const struct hal_segment *segments,
				      uint32_t count, const struct hal_insert *insert,
				      uint64_t *sent_ns, hal_tag tag);

/* ---- hashing ---- */

/*
 * Toeplitz hashes of `count` tuples under one key: bit j of a hash (0 is the most significant) is the sum modulo two, over the bits i
 * of the tuple that are set, of bit i + j of the key. The first `bytes` of each tuple count (a multiple of 8, at most HAL_TUPLE_BYTES);
 * bits of the key behind its end are zero. HAL_DONE, or HAL_UNSUPPORTED: the board has nothing for that, always or now; nothing was
 * done. Touches no bus, so it is never pending.
 */
HAL_CALL enum hal_result hal_toeplitz(struct hal *hal, const uint8_t key[HAL_HASH_KEY_BYTES],
				      const struct hal_tuple *tuples, uint32_t bytes,
				      uint32_t count, uint32_t *hashes);

#include "hal_board_inline.h"

#endif
