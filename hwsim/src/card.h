/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the boards' inline bodies see of a card: the hot part of its state, and the fast paths over it. Everything else of a
 * card is in sim.h. Included by hal_board_types.h in the middle of hal.h, whose structs it uses.
 *
 * The three ideas that make the native home fast:
 *   - A function holds a few translations ready to use (card_memory). Whatever takes the right to use them away (reset, bus
 *     master off, D3hot, unmap, tracing) empties them, so that a DMA's gate, translation and permission are one comparison.
 *   - A frame that stays in this process is copied once, from host memory into a slot of the receiving port.
 *   - What happened outside is one counter that is zero while nothing did.
 */
#ifndef WEIR_HWSIM_CARD_H
#define WEIR_HWSIM_CARD_H

#include "weir_sum.h"

#define CARD_LIKELY(x)	 __builtin_expect(!!(x), 1)
#define CARD_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Registers of BAR0 lie below this; the mailbox's data window is apart. */
#define CARD_REGISTER_BYTES 0x400u
/* Translations a function holds ready. */
#define CARD_WINDOWS 16u
/* Frame slots of a port: many for frames of an ordinary MTU, few for everything else. A stride of an odd number of cache
 * lines spreads the slots over all sets of a cache. */
#define CARD_SLOT_BYTES	       2112u
#define CARD_SLOTS	       2048u
#define CARD_LARGE_SLOT_BYTES  (65536u + 64u)
#define CARD_LARGE_SLOTS       256u
#define CARD_QUEUE_FRAMES      (CARD_SLOTS + CARD_LARGE_SLOTS)
#define CARD_QUEUE_RING	       4096u /* the power of two above it */
#define CARD_WIRE_MIN_BYTES    60u /* IEEE 802.3 3.2.8: a shorter frame is padded (FCS not counted) */
#define CARD_WIRE_MAX_BYTES    65535u
#define CARD_SEGMENTS_PER_CALL 64u /* of one hal_transmit() */

/* A stretch of a function's address space and where it is in this process. Empty: both lengths 0. */
struct card_window {
	uint64_t iova;
	uint8_t *memory;
	uint64_t readable; /* bytes from iova on that the function may read */
	uint64_t writable;
};

struct card_function {
	struct card_window recent; /* the one used last: most hosts have one large mapping */
	struct card_window windows[CARD_WINDOWS];
	bool usable;	     /* out of reset, enabled, bus master, in D0: the gate */
	uint32_t *registers; /* CARD_REGISTER_BYTES of them */
} __attribute__((aligned(64)));

struct card_port {
	struct hal *hal;
	struct card_port *
		peer; /* where frames go that stay in this process, NULL: by hal_board_transmit() */
	bool up;      /* link state that the firmware sees */
	uint8_t index;
	uint32_t speed_mbps;

	/* received frames, oldest at head */
	struct hal_frame *queue;
	uint32_t head, tail;

	/* slots: small ones have handles 0 to CARD_SLOTS - 1, large ones those above */
	uint8_t *slots, *large_slots;
	uint32_t *free_slots,
		*free_large_slots; /* stacks: the slot given back last is warm in the cache */
	uint32_t free_count, free_large_count;

	uint64_t frames_sent, frames_received;
};

/* Copies that take a checksum on the way: the processor's best, chosen when the card is made (src/sum.c). */
struct card_sums {
	/* Its ones' complement sum in 16 bits, as struct hal_sum has it. */
	uint32_t (*copy_internet)(void *to, const void *from, size_t bytes);
	/* Its CRC32c register, begun with zero. */
	uint32_t (*copy_crc32c)(void *to, const void *from, size_t bytes);
};

/* How processor ticks become nanoseconds; multiplier 0: ask hal_board_now_ns(). */
struct card_clock {
	uint64_t base_ticks, base_ns;
	uint64_t multiplier; /* nanoseconds per tick, shifted left by 32 */
	uint64_t last_ns;
};

struct hal {
	struct card_function **
		functions; /* by function number; those that are not there have no window and are not usable */
	struct card_port *ports;
	uint32_t events;  /* things that wait for hal_poll_event() */
	bool trace;	  /* the firmware's trace runs */
	uint64_t time_ns; /* of this poll, or later: stamps frames */
	struct card_clock clock;
	struct weir_clock shown_clock; /* what hosts read */
	struct card_sums sums;
	uint64_t watchdog_kicks;
	uint32_t function_limit; /* functions there can be: 1 + TotalVFs */
	struct hal_card facts;
};

/* ---- out of line: hwsim's side of the door. Only boards call these. ---- */

uint64_t hal_board_now_ns(struct hal *hal);
void hal_board_wait(struct hal *hal, uint64_t until_ns);
uint32_t hal_board_random32(struct hal *hal);
void hal_board_console(struct hal *hal, enum weir_log_level level, const char *text);
bool hal_board_poll_event(struct hal *hal, struct hal_event *event);
void hal_board_function_ready(struct hal *hal, uint16_t function);
void hal_board_register_set(struct hal *hal, uint16_t function, uint32_t offset, uint32_t value);
void hal_board_window_read(struct hal *hal, uint16_t function, uint32_t offset, void *to,
			   uint32_t bytes);
void hal_board_window_write(struct hal *hal, uint16_t function, uint32_t offset, const void *from,
			    uint32_t bytes);
enum hal_result hal_board_interrupt_raise(struct hal *hal, uint16_t function, uint16_t vector);
void hal_board_ats_invalidate_done(struct hal *hal, uint16_t function, uint64_t invalidate_tag);
void hal_board_link_set(struct hal *hal, uint8_t port, bool up);
void hal_board_trace_enable(struct hal *hal, bool on);
/* The same as card_memory(), of the translations that were not used last. */
uint8_t *hal_board_memory(struct hal *hal, struct hal_requester requester, uint64_t address,
			  uint64_t bytes, bool write);
/* The general cases of the DMA calls and of transmit: gate, translation table, faults, trace, the attachment's own DMA. */
enum hal_result hal_board_dma(struct hal *hal, struct hal_requester requester, uint64_t address,
			      void *buffer, uint32_t bytes, bool write, hal_tag tag);
enum hal_result hal_board_dma_write_entries(struct hal *hal, struct hal_requester requester,
					    uint64_t address, const void *from,
					    uint32_t entry_bytes, uint32_t count, hal_tag tag);
enum hal_result hal_board_dma_copy(struct hal *hal, struct hal_requester to, uint64_t to_address,
				   struct hal_requester from, uint64_t from_address, uint32_t bytes,
				   hal_tag tag);
enum hal_result hal_board_toeplitz(struct hal *hal, const uint8_t *key,
				   const struct hal_tuple *tuples, uint32_t bytes, uint32_t count,
				   uint32_t *hashes);
enum hal_result hal_board_dma_write_sum(struct hal *hal, struct hal_requester requester,
					uint64_t address, const void *from, uint32_t bytes,
					struct hal_sum *sum, uint32_t place, hal_tag tag);
enum hal_result hal_board_dma_copy_sum(struct hal *hal, struct hal_requester to,
				       uint64_t to_address, struct hal_requester from,
				       uint64_t from_address, uint32_t bytes, struct hal_sum *sum,
				       uint32_t place, hal_tag tag);
enum hal_result hal_board_transmit(struct hal *hal, uint8_t port, const void *header,
				   uint32_t header_bytes, const struct hal_segment *segments,
				   uint32_t count, const struct hal_insert *insert,
				   uint64_t *sent_ns, hal_tag tag);

/* ---- fast paths ---- */

/* Host memory as we access it: of any type and alignment. */
typedef uint16_t card_u16 __attribute__((aligned(1), may_alias));
typedef uint32_t card_u32 __attribute__((aligned(1), may_alias));
typedef uint64_t card_u64 __attribute__((aligned(1), may_alias));
typedef uint8_t card_chunk __attribute__((vector_size(16), aligned(1), may_alias));

/* Copies bytes. Short ones without a call; everything is loaded before anything is stored, so that a host that lets two of
 * its buffers overlap gets what it asked for and nothing worse. Two or four bytes are moved whole. */
static inline void card_copy(void *to, const void *from, size_t bytes)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	/* Short frames first. */
	if (bytes - 33 < 32) {
		card_chunk a = *(const card_chunk *)s, b = *(const card_chunk *)(s + 16);
		card_chunk c = *(const card_chunk *)(s + bytes - 32),
			   e = *(const card_chunk *)(s + bytes - 16);

		*(card_chunk *)d = a;
		*(card_chunk *)(d + 16) = b;
		*(card_chunk *)(d + bytes - 32) = c;
		*(card_chunk *)(d + bytes - 16) = e;
	} else if (bytes > 128) {
		__builtin_memmove(to, from, bytes);
	} else if (bytes > 64) {
		card_chunk a = *(const card_chunk *)s, b = *(const card_chunk *)(s + 16);
		card_chunk c = *(const card_chunk *)(s + 32), e = *(const card_chunk *)(s + 48);
		card_chunk f = *(const card_chunk *)(s + bytes - 64),
			   g = *(const card_chunk *)(s + bytes - 48);
		card_chunk h = *(const card_chunk *)(s + bytes - 32),
			   i = *(const card_chunk *)(s + bytes - 16);

		*(card_chunk *)d = a;
		*(card_chunk *)(d + 16) = b;
		*(card_chunk *)(d + 32) = c;
		*(card_chunk *)(d + 48) = e;
		*(card_chunk *)(d + bytes - 64) = f;
		*(card_chunk *)(d + bytes - 48) = g;
		*(card_chunk *)(d + bytes - 32) = h;
		*(card_chunk *)(d + bytes - 16) = i;
	} else if (bytes > 16) {
		card_chunk a = *(const card_chunk *)s, b = *(const card_chunk *)(s + bytes - 16);

		*(card_chunk *)d = a;
		*(card_chunk *)(d + bytes - 16) = b;
	} else if (bytes >= 8) {
		uint64_t a = *(const card_u64 *)s, b = *(const card_u64 *)(s + bytes - 8);

		*(card_u64 *)d = a;
		*(card_u64 *)(d + bytes - 8) = b;
	} else if (bytes >= 4) {
		uint32_t a = *(const card_u32 *)s, b = *(const card_u32 *)(s + bytes - 4);

		*(card_u32 *)d = a;
		*(card_u32 *)(d + bytes - 4) = b;
	} else if (bytes >= 2) {
		uint16_t a = *(const card_u16 *)s;
		uint8_t b = s[bytes - 1];

		*(card_u16 *)d = a;
		if (bytes == 3)
			d[2] = b;
	} else if (bytes) {
		*d = *s;
	}
}

/* Adds a piece that was taken by itself to a sum of several (struct hal_sum). */
static inline void card_sum_add(struct hal_sum *sum, uint32_t piece, uint32_t place)
{
	if (CARD_LIKELY(sum->kind == HAL_SUM_INTERNET))
		sum->value = weir_sum_add(sum->value, place & 1 ? weir_sum_swap(piece) : piece);
	else
		sum->value ^= weir_crc32c_shift(piece, place);
}

/* A piece of a sum, of memory that is moved elsewhere. */
static inline uint32_t card_sum_piece(uint8_t kind, const void *memory, size_t bytes)
{
	return kind == HAL_SUM_INTERNET ? weir_sum_of(memory, bytes)
					: weir_crc32c(0, memory, bytes);
}

/* Copies, and adds what was copied to a sum. */
static inline void card_copy_sum(const struct hal *hal, void *to, const void *from, size_t bytes,
				 struct hal_sum *sum, uint32_t place)
{
	uint32_t piece = CARD_LIKELY(sum->kind == HAL_SUM_INTERNET)
				 ? hal->sums.copy_internet(to, from, bytes)
				 : hal->sums.copy_crc32c(to, from, bytes);

	card_sum_add(sum, piece, place);
}

/* Puts a finished sum into the field of a frame of `bytes` bytes, whose first is at `frame`. */
static inline void card_insert(uint8_t *frame, uint32_t bytes, const struct hal_insert *insert,
			       uint32_t sum)
{
	uint8_t *field = frame + insert->field;

	if (CARD_LIKELY(insert->kind == HAL_SUM_INTERNET)) {
		uint32_t value = weir_sum_field(sum);

		field[0] = (uint8_t)(value >> 8);
		field[1] = (uint8_t)value;
	} else {
		uint32_t value = weir_crc32c_field(sum, bytes - insert->start);

		for (int i = 0; i < 4; i++)
			field[i] = (uint8_t)(value >> 8 * i);
	}
}

/* The sum that hal_transmit() takes, of the header alone; frame is a copy that may be changed. */
static inline void card_insert_begin(uint8_t *frame, uint32_t header_bytes, uint32_t bytes,
				     const struct hal_insert *insert, struct hal_sum *sum)
{
	uint32_t ahead = insert->start < header_bytes ? insert->start : header_bytes;

	*sum = (struct hal_sum){ 0, insert->kind };
	if (insert->kind == HAL_SUM_CRC32C)
		__builtin_memset(frame + insert->field, 0, 4);
	card_sum_add(sum, card_sum_piece(insert->kind, frame + ahead, header_bytes - ahead),
		     insert->kind == HAL_SUM_INTERNET ? 0 : bytes - header_bytes);
}

/* The same of a header that is copied for that: what was just written is not read again. */
static inline void card_copy_insert(const struct hal *hal, uint8_t *frame, const uint8_t *header,
				    uint32_t header_bytes, uint32_t bytes,
				    const struct hal_insert *insert, struct hal_sum *sum)
{
	if (CARD_LIKELY(insert->kind == HAL_SUM_INTERNET && insert->start < header_bytes)) {
		*sum = (struct hal_sum){ 0, HAL_SUM_INTERNET };
		card_copy(frame, header, insert->start);
		card_copy_sum(hal, frame + insert->start, header + insert->start,
			      header_bytes - insert->start, sum, 0);
	} else {
		card_copy(frame, header, header_bytes);
		card_insert_begin(frame, header_bytes, bytes, insert, sum);
	}
}

/* Copies ring entries so that who sees the last eight bytes of one sees everything before them. */
static inline void card_copy_entries(uint8_t *to, const uint8_t *from, uint32_t entry_bytes,
				     uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		card_copy(to, from, entry_bytes - 8);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		*(volatile card_u64 *)(to + entry_bytes - 8) =
			*(const card_u64 *)(from + entry_bytes - 8);
		to += entry_bytes;
		from += entry_bytes;
	}
}

/* Which of a function's windows an address would be in. */
static inline uint32_t card_window_index(uint64_t address)
{
	return (uint32_t)((address >> 16) ^ (address >> 21)) % CARD_WINDOWS;
}

/* The host memory behind [address, address + bytes), NULL when the window does not have all of it. */
static inline uint8_t *card_in_window(const struct card_window *window, uint64_t address,
				      uint64_t bytes, bool write)
{
	uint64_t offset = address - window->iova;
	uint64_t limit = write ? window->writable : window->readable;

	if (CARD_LIKELY(offset < limit && bytes <= limit - offset))
		return window->memory + offset;
	return NULL;
}

/* The host memory behind [address, address + bytes), NULL when the ready translations do not say. */
static inline uint8_t *card_memory(struct hal *hal, struct hal_requester requester,
				   uint64_t address, uint64_t bytes, bool write)
{
	uint8_t *memory =
		card_in_window(&hal->functions[requester.function]->recent, address, bytes, write);

	if (CARD_LIKELY(memory && !requester.flags))
		return memory;
	return hal_board_memory(hal, requester, address, bytes, write);
}

/* hal_now_ns() */
static inline uint64_t card_now_ns(struct hal *hal)
{
#if defined(__x86_64__)
	struct card_clock *clock = &hal->clock;

	if (CARD_LIKELY(clock->multiplier)) {
		uint64_t ticks = __builtin_ia32_rdtsc() - clock->base_ticks;
		uint64_t now_ns = clock->base_ns +
				  (uint64_t)(((unsigned __int128)ticks * clock->multiplier) >> 32);

		/* Ticks of two processors may differ by a few. */
		if (CARD_UNLIKELY(now_ns < clock->last_ns))
			return clock->last_ns;
		clock->last_ns = now_ns;
		return now_ns;
	}
#endif
	return hal_board_now_ns(hal);
}

/* Memory of a frame slot. */
static inline uint8_t *card_slot(struct card_port *port, uint32_t handle)
{
	if (CARD_LIKELY(handle < CARD_SLOTS))
		return port->slots + (size_t)handle * CARD_SLOT_BYTES;
	return port->large_slots + (size_t)(handle - CARD_SLOTS) * CARD_LARGE_SLOT_BYTES;
}

/* Queues the frame in a slot that was taken from port's stack. */
static inline void card_queue_frame(struct card_port *port, uint32_t handle, uint8_t *data,
				    uint32_t bytes)
{
	struct hal_frame *frame = &port->queue[port->tail++ % CARD_QUEUE_RING];

	frame->data = data;
	frame->bytes = bytes;
	frame->handle = handle;
	frame->time_ns = port->hal->time_ns;
	port->frames_received++;
}

/* Takes up to max frames that arrived. */
static inline uint32_t card_receive(struct card_port *port, struct hal_frame *frames, uint32_t max)
{
	const struct hal_frame *queue = port->queue;
	uint32_t head = port->head, count = port->tail - head;

	if (count > max)
		count = max;
	for (uint32_t i = 0; i < count; i++)
		frames[i] = queue[(head + i) % CARD_QUEUE_RING];
	port->head = head + count;
	return count;
}

/* Gives slots back. */
static inline void card_receive_release(struct card_port *port, const struct hal_frame *frames,
					uint32_t count)
{
	uint32_t *free_slots = port->free_slots, free_count = port->free_count;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t handle = frames[i].handle;

		if (CARD_LIKELY(handle < CARD_SLOTS))
			free_slots[free_count++] = handle;
		else
			port->free_large_slots[port->free_large_count++] = handle;
	}
	port->free_count = free_count;
}

/* A frame that stays in this process, in the ordinary case: true when it was sent. False: nothing was done. Within a card it arrives at
 * hal->time_ns. */
static inline bool card_transmit_inside(struct hal *hal, struct card_port *port, const void *header,
					uint32_t header_bytes, const struct hal_segment *segments,
					uint32_t count, const struct hal_insert *insert)
{
	struct card_port *peer = port->peer;
	uint64_t bytes = header_bytes;
	struct hal_sum sum;
	uint32_t handle;
	uint8_t *data, *to;

	if (!peer || !peer->free_count)
		return false;
	for (uint32_t i = 0; CARD_UNLIKELY(i < count); i++)
		bytes += segments[i].bytes;
	if (CARD_UNLIKELY(bytes > CARD_SLOT_BYTES))
		return false;
	/* The slot is only taken when everything went well: until then writing to it harms nobody. */
	handle = peer->free_slots[peer->free_count - 1];
	data = to = card_slot(peer, handle);
	if (insert)
		card_copy_insert(hal, to, header, header_bytes, (uint32_t)bytes, insert, &sum);
	else
		card_copy(to, header, header_bytes);
	to += header_bytes;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *from = card_memory(hal, segments[i].requester, segments[i].address,
						  segments[i].bytes, false);
		uint32_t ahead = (uint32_t)(to - data);

		if (CARD_UNLIKELY(!from))
			return false;
		if (!insert)
			card_copy(to, from, segments[i].bytes);
		else
			card_copy_sum(hal, to, from, segments[i].bytes, &sum,
				      insert->kind == HAL_SUM_INTERNET
					      ? ahead - insert->start
					      : (uint32_t)bytes - ahead - segments[i].bytes);
		to += segments[i].bytes;
	}
	if (insert)
		card_insert(data, (uint32_t)bytes, insert, sum.value);
	if (CARD_UNLIKELY(bytes < CARD_WIRE_MIN_BYTES)) {
		__builtin_memset(to, 0, CARD_WIRE_MIN_BYTES - bytes);
		bytes = CARD_WIRE_MIN_BYTES;
	}
	/* Another card may be asleep. */
	if (CARD_UNLIKELY(peer->hal != hal))
		peer->hal->time_ns = card_now_ns(peer->hal);
	peer->free_count--;
	port->frames_sent++;
	card_queue_frame(peer, handle, data, (uint32_t)bytes);
	return true;
}

#endif
