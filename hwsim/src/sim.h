/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole state of a card, and what the rooms of hwsim call in each other: pcie/ (functions, configuration space, BARs,
 * MSI-X), iommu/ (translation agent), wire/ (ports), src/ (the card itself, its events, its home). The hot part is in card.h.
 */
#ifndef WEIR_HWSIM_SIM_H
#define WEIR_HWSIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hal.h"
#include "weir_firmware.h"
#include "weirsim.h"
#include "weir/weir_config_space.h"

#define SIM_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ---- events (src/events.c) ---- */

#define SIM_DOORBELLS_PER_PAIR 4u
#define SIM_DOORBELL_WORDS     (WEIR_PF_QUEUE_PAIRS * SIM_DOORBELLS_PER_PAIR / 64)
#define SIM_WRITES_KEPT	       32u /* register writes of a function that are kept in order */
#define SIM_WRITABLE_MAX       32u /* RW and WO registers there can be */
#define SIM_TRACE_RECORDS      4096u

/* What can wait in a function, in the order in which it is told. */
enum sim_function_event {
	SIM_EVENT_RESET = 1 << 0,
	SIM_EVENT_BUS_MASTER = 1 << 1,
	SIM_EVENT_ATS_CONTROL = 1 << 2,
	SIM_EVENT_INVALIDATE = 1 << 3,
	SIM_EVENT_DOORBELL = 1 << 4,
	SIM_EVENT_REGISTER = 1 << 5,
	SIM_EVENT_BAD_ACCESS = 1 << 6,
};

/* Bits of struct hal's `events`: where something waits. */
enum sim_card_event {
	SIM_CARD_FUNCTIONS = 1 << 0,
	SIM_CARD_VFS = 1 << 1,
	SIM_CARD_LINKS = 1 << 2,
	SIM_CARD_TRACE = 1 << 3,
};

struct sim_register_write {
	uint16_t offset;
	uint32_t value;
};

/*
 * What a function has for the firmware. Its size is fixed, whatever a host does: a doorbell keeps its last value, register
 * writes are kept in order and, past SIM_WRITES_KEPT of them, the last value of each register.
 */
struct sim_events {
	uint32_t flags; /* enum sim_function_event */
	uint32_t bad_accesses, bad_offset;

	uint64_t doorbells[SIM_DOORBELL_WORDS]; /* which wait */
	uint32_t *doorbell_values;
	uint32_t doorbell_next; /* where the search for a waiting one goes on: each gets its turn */

	struct sim_register_write writes[SIM_WRITES_KEPT];
	uint32_t write_head, write_tail;
	uint32_t writes_late; /* which registers were written after the above were full, one bit each */
	uint32_t late_values[SIM_WRITABLE_MAX];
};

/* Hardware's own trace records, waiting for the firmware. */
struct sim_trace {
	struct weir_trace_record
		*records; /* SIM_TRACE_RECORDS, allocated when the trace is first switched on */
	uint32_t head, tail;
	uint64_t lost;
};

/* ---- MSI-X (pcie/msix.c) ---- */

/* An entry of the table as PCIe 5.0, 7.7.2 lays it out. */
struct sim_vector {
	uint32_t address_low, address_high, data, control;
};
#define SIM_VECTOR_MASKED 1u

struct sim_msix {
	uint16_t count;
	struct sim_vector *vectors;
	uint64_t pending[2];
	uint64_t attached[2]; /* delivered by the attachment itself, whatever the table says */
};

/* ---- translation agent (iommu/) ---- */

#define SIM_MAPS_MAX	65536u
#define SIM_FAULTS_KEPT 64u
#define SIM_INVALIDATE_DEPTH \
	32u /* requests a function is sent at once: its ATS capability says so */

struct sim_map {
	uint64_t iova, bytes;
	uint8_t *memory;
	int protection;
};

/* An invalidation that is not over. */
struct sim_invalidation {
	struct sim_invalidation *next;
	uint64_t iova, bytes; /* bytes 0: everything */
	uint64_t id;	      /* what the firmware answers with */
	uint64_t before;      /* operations begun before this one may use the old translation */
	bool ask_firmware;    /* ATS is on: the function may hold translations */
	bool sent, answered;
	bool external; /* of weirsim_signal_invalidate() */
	uint64_t external_tag;
	void (*done)(void *opaque);
	void *opaque;
};

struct sim_iommu {
	uint64_t translations, faults, unmaps, mappings;
	uint64_t last_fault_address;
	uint16_t last_fault_function;
	struct weirsim_fault fault[SIM_FAULTS_KEPT];
	uint64_t fault_head, fault_tail;
	uint64_t next_id;
	uint32_t waiting; /* invalidations of all functions */
	uint64_t log_second;
	uint32_t log_lines, log_suppressed;
};

/* ---- functions (pcie/function.c) ---- */

struct sim_function {
	struct card_function card; /* first */
	uint16_t number;
	bool enabled; /* the PF, and VFs while VF Enable is set */
	bool ready;   /* hal_function_ready() since the last reset */
	bool master; /* may master the bus, as far as configuration goes; what the firmware was told is beside it */
	bool master_told;
	bool signal_master; /* external PCI side: what weirsim_signal_bus_master() said */
	bool ats, ats_told;
	uint16_t queue_pairs;
	uint32_t resets;	/* operations begun under another value are dead */
	bool host_mapping_seen; /* the host's own IOMMU let a transfer through since the last reset */
	uint8_t *window;	/* mailbox data window, NULL while all zero */
	struct sim_events events;
	struct sim_msix msix;
	struct sim_map *maps; /* sorted by iova */
	uint32_t map_count, map_capacity;
	struct sim_invalidation *invalidations, **invalidations_end;
	uint32_t invalidations_sent;
	uint8_t config[WEIR_CONFIG_BYTES];
};

/* ---- wire (wire/) ---- */

/* What a wire does; `state` is what it was attached with. Only transmit is needed. */
struct sim_wire {
	const char *name;
	/* Sends a frame; 0, -EAGAIN (no room) or another -errno. */
	int (*transmit)(void *state, const struct iovec *iov, int count);
	/* Takes in what arrived, at most budget frames; returns how much was done. */
	uint32_t (*poll)(void *state, uint32_t budget);
	/* What to wait for while asleep, -1: nothing. */
	int (*fd)(void *state);
	/* When poll has something to do again without fd becoming readable, UINT64_MAX: never. */
	uint64_t (*next_ns)(void *state);
	/* Frees state. */
	void (*close)(void *state);
};

struct sim_port {
	struct weirsim *sim;
	struct card_port *card;
	const struct sim_wire *wire; /* NULL: none */
	void *state;
	struct weirsim_wire_ops ops; /* of a caller's own wire */
	void *ops_opaque;
	struct sim_port *cable;		 /* other end of a cable, or this port itself: loopback */
	bool carrier;			 /* the wire's other side is there */
	bool plugged;			 /* weirsim_wire_link() */
	bool administered_up;		 /* hal_link_set() */
	struct weirsim_wire_stats stats; /* those that card_port does not count */
	void *memory;
	size_t memory_bytes;
};

/* ---- the card (src/card.c) ---- */

struct sim_home; /* the deferred home's operations */

struct weirsim {
	struct hal hal; /* first: struct hal * and struct weirsim * are the same address */
	struct weirsim_config config;
	struct weirsim_host_ops host;
	struct weir_firmware *firmware;
	void *firmware_memory;
	struct sim_home *home;
	bool home_holds_windows; /* the home's fast path uses translations held ready */

	struct sim_function **functions; /* by number, NULL while never needed */
	struct card_function absent;	 /* what the firmware sees in place of those */
	uint32_t absent_registers[CARD_REGISTER_BYTES / 4];
	uint16_t vfs;		  /* enabled */
	uint16_t vfs_told;	  /* what the firmware knows of */
	bool vfs_changed_to_none; /* the VFs that the firmware knows of are gone, whatever came after */

	uint64_t *waiting_functions; /* bitmap: functions that have events */
	uint32_t waiting_words;
	uint32_t waiting_next;	/* each function gets its turn */
	uint32_t waiting_links; /* bitmap of ports */
	bool trace_turn;
	struct sim_trace trace;
	uint8_t register_access[CARD_REGISTER_BYTES / 4]; /* 0: hole, else 'r', 'w', 'o' */
	uint8_t register_index[CARD_REGISTER_BYTES / 4];  /* number of a writable register */
	uint16_t writable_registers[SIM_WRITABLE_MAX];	  /* their offsets */

	struct sim_iommu iommu;
	struct sim_port *ports;
	uint8_t *bounce; /* a frame, or a piece of DMA through host->dma */

	uint64_t virtual_ns;
	uint64_t start_ns; /* CLOCK_MONOTONIC when the card was made */
	uint64_t start_ticks;
	uint64_t clock_check_ns; /* when ticks are compared with CLOCK_MONOTONIC again */
	uint64_t random;
};

#define SIM_BOUNCE_BYTES 65536u

static inline struct weirsim *sim_of(struct hal *hal)
{
	return (struct weirsim *)hal;
}

/* The function, NULL when it is not there now. */
static inline struct sim_function *sim_function(struct weirsim *sim, uint16_t number)
{
	struct sim_function *function = number < sim->hal.function_limit ? sim->functions[number]
									 : NULL;

	return function && function->enabled ? function : NULL;
}

/* ---- src/system.c: clock, chance, log ---- */

/* Sets the clock up. 0 or -errno. */
int sim_clock_start(struct weirsim *sim);
/* Compares the ticks with the system's clock now and then, and keeps them together. */
void sim_clock_check(struct weirsim *sim);
/* 64 random bits of the sequence that *state is in (splitmix64). */
uint64_t sim_random(uint64_t *state);
/* 64 bits from the system, never 0. */
uint64_t sim_random_seed(void);
void sim_log(struct weirsim *sim, enum weir_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- src/events.c ---- */

/* Notes that an event of function waits. */
void sim_event_set(struct weirsim *sim, struct sim_function *function, uint32_t flags);
/* Notes that one does not wait any more. */
void sim_event_clear(struct weirsim *sim, struct sim_function *function, uint32_t flags);
void sim_event_doorbell(struct weirsim *sim, struct sim_function *function, uint32_t pair,
			uint32_t kind, uint32_t value);
void sim_event_register(struct weirsim *sim, struct sim_function *function, uint32_t offset,
			uint32_t value);
void sim_event_bad_access(struct weirsim *sim, struct sim_function *function, uint32_t offset);
/* Forgets everything that waits in function. */
void sim_events_clear(struct weirsim *sim, struct sim_function *function);
/* VFs were enabled or disabled. */
void sim_event_vfs(struct weirsim *sim, uint16_t before, uint16_t now);
void sim_event_link(struct weirsim *sim, uint8_t port);
/* A trace record for the firmware, or NULL when the trace is off or has no room: kind, function and time are set, the rest is zero. */
struct weir_trace_record *sim_trace_add(struct weirsim *sim, enum weir_trace_kind kind,
					uint16_t function);

/* ---- src/home_*.c: what the homes do differently ---- */

/* First of all that a card is made of, and last to go. */
int sim_home_create(struct weirsim *sim);
void sim_home_destroy(struct weirsim *sim);
/* The firmware: made when the rest of the card is there, ended before any of it goes. */
int sim_firmware_start(struct weirsim *sim, const struct weir_firmware_config *config);
void sim_firmware_end(struct weirsim *sim);
/* As weir_firmware_poll(), weir_firmware_may_sleep() and weir_firmware_manage(). */
uint32_t sim_firmware_poll(struct weirsim *sim);
bool sim_firmware_may_sleep(struct weirsim *sim, uint64_t *until_ns);
enum weir_status sim_firmware_manage(struct weirsim *sim, uint16_t opcode, const void *request,
				     uint32_t request_bytes, void *response, uint32_t capacity,
				     uint32_t *response_bytes, uint32_t *detail);
/* Memory that the firmware sees, too, zeroed: of a port, the registers and the mailbox window of a function. NULL: there is none. */
void *sim_home_port_memory(struct weirsim *sim, size_t bytes);
void sim_home_port_memory_free(struct weirsim *sim, void *memory, size_t bytes);
uint32_t *sim_home_registers(struct weirsim *sim, uint16_t number);
void sim_home_registers_free(struct weirsim *sim, uint32_t *registers);
uint8_t *sim_home_window(struct weirsim *sim, uint16_t number);
void sim_home_window_free(struct weirsim *sim, uint8_t *window);
/* The function became ready or usable, or no longer is. */
void sim_home_gate_changed(struct weirsim *sim, const struct sim_function *function);
/* Lets operations in flight go on; returns how much was done. */
uint32_t sim_home_step(struct weirsim *sim);
/* Nothing is in flight. */
bool sim_home_idle(struct weirsim *sim);
/* An operation that began before `before` and has a translation in [iova, iova + bytes) of function in hand is in flight. */
bool sim_home_in_flight(struct weirsim *sim, uint16_t function, uint64_t iova, uint64_t bytes,
			uint64_t before);
/* Number of the next operation. */
uint64_t sim_home_next(struct weirsim *sim);

/* ---- pcie/function.c ---- */

enum sim_reset {
	SIM_RESET_POWER,       /* the function comes into being */
	SIM_RESET_FLR,	       /* PCIe 5.0, 6.6.2 */
	SIM_RESET_CONVENTIONAL /* hot reset, 6.6.1 */
};

/* The function's memory, made when it is first asked for. NULL: no memory, or no such function in this card. */
struct sim_function *sim_function_get(struct weirsim *sim, uint16_t number);
void sim_function_free(struct weirsim *sim, struct sim_function *function);
/* Resets a function; a PF takes its VFs along. */
void sim_function_reset(struct weirsim *sim, struct sim_function *function, enum sim_reset kind);
/* Opens or shuts the gate as configuration space, reset and power state say. */
void sim_function_update_gate(struct weirsim *sim, struct sim_function *function);
void sim_function_set_ats(struct weirsim *sim, struct sim_function *function, bool on);
/* VFs come and go. 0 or -ENOMEM. */
int sim_vfs_set(struct weirsim *sim, uint16_t count);
/* Forgets the translations that function has ready. */
void sim_function_close_windows(struct sim_function *function);

/* ---- pcie/config.c ---- */

/* Puts the reset image in place, keeping what this kind of reset keeps. */
void sim_config_reset(struct weirsim *sim, struct sim_function *function, enum sim_reset kind);
uint32_t sim_config_get(const struct sim_function *function, uint32_t offset, uint32_t size);
void sim_config_set(struct sim_function *function, uint32_t offset, uint32_t size, uint32_t value);
/* The PF is in D0; its VFs, which have no power management of their own, follow it (PCIe 5.0, 9.6.2). */
bool sim_config_in_d0(struct weirsim *sim);
/* The bytes that one VF's BAR takes: its size, or the system page if that is larger (PCIe 5.0, 9.2.1.1.1). */
uint64_t sim_config_vf_aperture(const struct sim_function *pf, uint8_t bar);

/* ---- pcie/errors.c ---- */

/* A request to function was unsupported (PCIe 5.0, 6.2.3.1): recorded in AER, Device Status and Status. */
void sim_error_unsupported_request(struct weirsim *sim, struct sim_function *function, uint8_t bar,
				   uint64_t offset, bool write);
/* A read of the function's was answered with Unsupported Request: Received Master Abort. */
void sim_error_master_abort(struct sim_function *function);

/* ---- pcie/mmio.c ---- */

/* True when function answers memory requests now. */
bool sim_mmio_decodes(struct weirsim *sim, const struct sim_function *function);

/* ---- pcie/msix.c ---- */

void sim_msix_reset(struct sim_function *function);
/* Sends what is pending and no longer masked. */
void sim_msix_send_pending(struct weirsim *sim, struct sim_function *function);
/* BAR4; size 4 or 8, aligned. */
uint32_t sim_msix_read(struct sim_function *function, uint32_t offset);
void sim_msix_write(struct weirsim *sim, struct sim_function *function, uint32_t offset,
		    uint32_t value);

/* ---- checksums (src/sum.c) ---- */

/* The copies that suit this processor. */
void sim_sums_choose(struct card_sums *sums);
/* Those that suit every processor. */
extern const struct card_sums sim_sums_portable;

/* ---- iommu/ ---- */

/* The mapping that address is in, NULL: none. */
struct sim_map *sim_iommu_find(struct sim_function *function, uint64_t address);
/* Host memory of [address, address + bytes) if it lies in one mapping with the permission, else NULL. */
uint8_t *sim_iommu_memory(struct weirsim *sim, struct sim_function *function, uint64_t address,
			  uint64_t bytes, bool write);
/* Checks gate and translation of a request without touching memory. HAL_DONE: it would succeed. */
enum hal_result sim_iommu_check(struct weirsim *sim, struct hal_requester requester,
				uint64_t address, uint64_t bytes, bool write);
/* One DMA, done at once. */
enum hal_result sim_iommu_dma(struct weirsim *sim, struct hal_requester requester, uint64_t address,
			      void *buffer, uint32_t bytes, bool write, hal_tag tag);
enum hal_result sim_iommu_dma_entries(struct weirsim *sim, struct hal_requester requester,
				      uint64_t address, const void *from, uint32_t entry_bytes,
				      uint32_t count, hal_tag tag);
/* sum: of what was copied, added when all of it went well; NULL: none is wanted. */
enum hal_result sim_iommu_dma_copy(struct weirsim *sim, struct hal_requester to,
				   uint64_t to_address, struct hal_requester from,
				   uint64_t from_address, uint32_t bytes, struct hal_sum *sum,
				   uint32_t place, hal_tag tag);
/* A trace record of a translation; call only while the trace runs. */
/* The function was seen to have a mapping: for the trace. */
void sim_trace_mapped(struct weirsim *sim, const struct sim_function *function, uint64_t iova,
		      uint64_t bytes);
void sim_trace_translated(struct weirsim *sim, struct hal_requester requester, uint64_t address,
			  uint64_t bytes, uint32_t how, hal_tag tag);
/* Invalidations (iommu/invalidate.c). */
/* Queues a request: a copy of *request with the rest filled in. Only this can fail (-ENOMEM); the table may change behind it. */
int sim_invalidate_prepare(struct weirsim *sim, struct sim_function *function,
			   const struct sim_invalidation *request);
/* Empties what is held ready, ends what is over, sends the rest to the firmware. */
void sim_invalidate_begin(struct weirsim *sim, struct sim_function *function);
/* The next request to send to the firmware: false when there is none. */
bool sim_invalidate_next(struct sim_function *function, struct hal_event *event);
void sim_invalidate_answer(struct weirsim *sim, uint16_t function, uint64_t id);
/* The function lost its translations (reset, gone): the firmware need not be asked any more. */
void sim_invalidate_release(struct weirsim *sim, struct sim_function *function);
/* Ends those that nothing holds up any more; returns how many. */
uint32_t sim_invalidate_step(struct weirsim *sim);

/* ---- wire/ ---- */

int sim_ports_create(struct weirsim *sim);
void sim_ports_destroy(struct weirsim *sim);
/* Lets wires take frames in; returns how many. */
uint32_t sim_ports_poll(struct weirsim *sim);
/* False: a port has frames for the firmware. Lowers *until_ns to when a wire wants to be polled. */
bool sim_ports_may_sleep(struct weirsim *sim, uint64_t *until_ns);
/* hal_transmit() at once. */
enum hal_result sim_transmit(struct weirsim *sim, uint8_t port, const void *header,
			     uint32_t header_bytes, const struct hal_segment *segments,
			     uint32_t count, const struct hal_insert *insert, uint64_t *sent_ns,
			     hal_tag tag);
/* Puts the checksum into a frame that lies in one piece. */
void sim_insert(uint8_t *frame, uint32_t bytes, const struct hal_insert *insert);
/* A frame leaves the port: padded, sent or dropped and counted. sent_ns as of hal_transmit(). */
enum hal_result sim_port_transmit(struct sim_port *port, const struct iovec *iov, int count,
				  uint64_t *sent_ns);
/* A frame arrives. 0, -ENOBUFS, -EMSGSIZE, -ENETDOWN. */
int sim_port_deliver(struct sim_port *port, const struct iovec *iov, int count);
/* Slots free for frames of an ordinary size: what a wire with flow control asks before it takes a frame in. */
bool sim_port_has_room(const struct sim_port *port);
/* Gives the port a wire; the old one is closed. */
void sim_port_attach(struct sim_port *port, const struct sim_wire *wire, void *state, bool carrier);
void sim_port_set_carrier(struct sim_port *port, bool carrier);
/* Total bytes of an iov. */
size_t sim_iov_bytes(const struct iovec *iov, int count);
/* Copies it to memory that has room for it. */
void sim_iov_copy(uint8_t *to, const struct iovec *iov, int count);

/* Wires made from descriptions: options is what stands behind the colon. 0 or -errno, after a log line. */
int sim_wire_open_pcap(struct sim_port *port, const char *options);
int sim_wire_open_tap(struct sim_port *port, const char *options);
int sim_wire_open_stream(struct sim_port *port, const char *options);
int sim_wire_open_datagram(struct sim_port *port, const char *options);

#endif
