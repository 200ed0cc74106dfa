/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host for the bench: drives a card through the ABI alone, as a bus and a driver would, in one process and without threads.
 * Written from the datasheet (specs/), so that it is also a check of it. Each function has memory of its own at addresses of its
 * own: a transfer in the wrong name faults.
 */
#ifndef WEIR_TEST_HOST_H
#define WEIR_TEST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/weir_abi.h"
#include "weirsim.h"

#define HOST_MEMORY_BYTES (8u << 20) /* of a function; pages come with their first use */
#define HOST_QUEUES	  4u
#define HOST_RING_LOG2	  6u /* small, so that rings wrap often */
#define HOST_FRAME_MAX	  9300u

struct host;

/* A frame as it was received. */
struct host_frame {
	uint8_t data[HOST_FRAME_MAX];
	uint32_t bytes;
	uint32_t flags; /* of the last completion */
	uint16_t vlan_tci;
	uint16_t packet_type;
	uint32_t flow_hash;
	uint16_t queue;
	uint32_t buffers;
	uint64_t time_ns; /* with the flag TIMESTAMP */
	/* of a queue that splits: how much came in a header buffer, and whether that was said to be the header */
	uint32_t header_bytes;
	bool header_known;
};

/* How a receive queue splits: the attributes of its creation. */
struct host_split {
	uint8_t mode; /* enum weir_split_mode */
	uint16_t header_bytes, threshold, ahead;
};

/* An aggregate as it was received. */
struct host_aggregate {
	uint8_t data[65536];
	uint32_t bytes;
	uint32_t flags;
	uint16_t vlan_tci;
	uint16_t segment; /* rx_aggregate.segment */
	uint32_t flow_hash;
	uint32_t buffers;
	uint64_t time_ns; /* with the flag TIMESTAMP */
};

struct host_tx {
	bool created, shadow;
	bool reported; /* made with a ring of reports; set before its creation */
	uint64_t reports;
	uint16_t tail;	/* posted */
	uint16_t freed; /* head seen */
	uint64_t ring, head, shadow_address, staging;
	uint64_t large; /* where a test keeps a frame that is to be cut, 0: nowhere yet */
	uint16_t checksum; /* tx_descriptor.checksum of what host_send() sends with the flag CHECKSUM */
	uint32_t doorbells; /* rung */
};

struct host_rx {
	bool created, shadow;
	bool timed;		 /* completions of format 1; set before its creation */
	struct host_split split; /* set before its creation, too */
	uint16_t split_kinds;	 /* SPLIT_KINDS, likewise */
	uint16_t posted, taken;
	uint8_t completion_log2;
	uint32_t buffer_bytes;
	uint64_t ring, completion, shadow_address;
	uint64_t buffers[1u << HOST_RING_LOG2]; /* by index of the buffer in the ring */
	uint64_t headers[1u << HOST_RING_LOG2]; /* of a queue that splits, header buffers likewise */
	/* the frame whose last buffer has not come yet */
	struct host_frame part;
	uint32_t errors;
};

struct host_function {
	struct host *host;
	uint16_t index;
	bool admin_running;
	bool by_mailbox; /* host_command() goes by mailbox: no host memory can spoil it */
	uint8_t *memory;
	uint64_t iova; /* of memory[0] */
	uint32_t allocated;
	uint8_t admin_sq_log2, admin_cq_log2;
	uint16_t admin_tail, admin_head, admin_cookie;
	uint64_t admin_sq, admin_cq, admin_request, admin_response;
	uint32_t events[16]; /* how many of each came */
	struct weir_admin_event last_event[16];
	uint32_t interrupts[WEIR_MSIX_PF_VECTORS];
	struct host_tx tx[HOST_QUEUES];
	struct host_rx rx[HOST_QUEUES];
	uint32_t generation;
	uint32_t detail; /* of the last command */
};

struct host {
	struct weirsim *sim;
	uint16_t vfs;
	struct host_function *functions; /* 1 + vfs */
	uint32_t log_lines, log_errors;
	char last_log[160];
	/* frames that left on the wire, when host_wire_capture() is on */
	struct host_frame *wire;
	uint32_t wire_count, wire_room;
};

/* A card with so many VFs possible, all the memory, nothing started. seed: of the deferred home. */
struct host *host_create(uint16_t vfs, uint64_t seed);
/* The same under the machine's own clock. */
struct host *host_create_real_time(uint16_t vfs, uint64_t seed);
void host_destroy(struct host *host);
/* Turns the card's loop until it has nothing left to do; fails the test when that takes absurdly long. */
void host_settle(struct host *host);
/* One turn. */
void host_turn(struct host *host);

/* PF: enables VFs through its SR-IOV capability as Linux does. */
void host_enable_vfs(struct host *host, uint16_t count);
/* Memory and bus master on, READY awaited, admin queue made; false: did not come up. */
bool host_start(struct host_function *function);
/* The first half of that: up to READY, vectors pointed. */
bool host_ready(struct host_function *function);
/* The second half, with rings of these sizes and this vector; false: it does not run. */
bool host_admin_open(struct host_function *function, uint8_t sq_log2, uint8_t cq_log2,
		     uint16_t vector);
/* Puts addresses and sizes into the registers and enables; ADMIN_STATUS as it is then. */
uint32_t host_admin_enable(struct host_function *function, uint64_t sq, uint64_t cq, uint32_t sizes);
/* After a reset: forgets queues and takes the memory back. */
void host_forget(struct host_function *function);
/* FLR through configuration space, without waiting. */
void host_flr(struct host_function *function);

/* STATUS.STATE; all ones gives 15. */
uint32_t host_state(struct host_function *function);
uint32_t host_read(struct host_function *function, uint32_t reg);
void host_write(struct host_function *function, uint32_t reg, uint32_t value);
void host_doorbell(struct host_function *function, uint16_t queue, uint32_t which, uint32_t value);
/* Bus address of a BAR of the function. */
uint64_t host_bar(const struct host_function *function, uint8_t bar);
/* Mask bit of a table entry; pending bit of a vector. */
void host_vector_mask(struct host_function *function, uint16_t vector, bool masked);
bool host_vector_pending(struct host_function *function, uint16_t vector);

/* Memory of the function; never given back but by host_forget(). Zeroed. */
uint64_t host_alloc(struct host_function *function, uint32_t bytes, uint32_t alignment);
void *host_pointer(struct host_function *function, uint64_t address);

/* Building requests: an array of these ends with id 0. */
struct host_attribute {
	uint16_t id;
	uint16_t bytes;	  /* 0: by the kind of the attribute */
	uint64_t value;	  /* integers and MACs (first byte lowest) */
	const void *data; /* bytes and strings */
};
#define HOST_U(id_, value_)                                       \
	{                                                         \
		WEIR_ATTRIBUTE_##id_, 0, (uint64_t)(value_), NULL \
	}
#define HOST_BYTES(id_, pointer_, bytes_)                     \
	{                                                     \
		WEIR_ATTRIBUTE_##id_, (bytes_), 0, (pointer_) \
	}
#define HOST_REQUEST(...) \
	((const struct host_attribute[]){ __VA_ARGS__ __VA_OPT__(, ){ 0, 0, 0, NULL } })
/* Encodes into `to` (ADMIN_DATA_MAX_BYTES); returns the length. */
uint32_t host_encode(uint8_t *to, const struct host_attribute *attributes);

struct host_response {
	uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
	uint32_t bytes;
};

/* The admin queue entry by entry: a command into the ring (cookie filled in) without telling the device; telling it. */
uint16_t host_command_post(struct host_function *function, const struct weir_admin_command *command);
void host_command_ring(struct host_function *function);
/* The next entry of the completion ring, not given back to the device; false: none. host_entries_done() gives back. */
bool host_entry(struct host_function *function, struct weir_admin_completion *entry);
void host_entries_done(struct host_function *function);
/* A request as bytes, by admin queue, by mailbox, and in the name of the owner; the status, -1: no answer. Detail in function->detail. */
int host_command_bytes(struct host_function *function, uint16_t opcode, const void *request,
		       uint32_t bytes, struct host_response *response);
int host_mailbox_bytes(struct host_function *function, uint16_t opcode, const void *request,
		       uint32_t bytes, struct host_response *response);
int host_manage_bytes(struct host_function *function, uint16_t opcode, const void *request,
		      uint32_t bytes, struct host_response *response);
int host_manage(struct host *host, uint16_t opcode, const struct host_attribute *request,
		struct host_response *response);
/* VF_SET of VF n-1 with one integer attribute, by the PF's admin queue. */
int host_vf_set(struct host *host, uint16_t vf, uint16_t attribute, uint64_t value);
/* The same with a port VLAN of this protocol; vlan 0: none. */
int host_port_vlan(struct host *host, uint16_t vf, uint16_t vlan, uint8_t priority,
		   uint16_t protocol);
/* Runs a command to its end; -1: no answer came. */
int host_command(struct host_function *function, uint16_t opcode,
		 const struct host_attribute *request, struct host_response *response);
/* Sends without waiting; the answer is taken by host_command_wait(). */
void host_command_send(struct host_function *function, uint16_t opcode,
		       const struct host_attribute *request);
int host_command_wait(struct host_function *function, struct host_response *response);
/* Takes events (and stray completions) off the ring. */
void host_take_events(struct host_function *function);
/* Attribute's value from a response; false: absent. Integers and MACs. */
bool host_get(const struct host_response *response, uint16_t id, uint64_t *value);
/* Its bytes; NULL: absent. */
const void *host_get_bytes(const struct host_response *response, uint16_t id, uint32_t *bytes);
/* An attribute of VPORT_GET of the function's own vport; of VF_GET for a VF's function number. */
uint64_t host_vport_value(struct host_function *function, uint16_t attribute);
uint64_t host_vf_value(struct host *host, uint16_t function, uint16_t attribute);
/* Flags of the function's vport: those in mask become as in flags. */
int host_vport_flags(struct host_function *function, uint32_t flags, uint32_t mask);
/* A counter of a scope of the function itself. */
uint64_t host_stat(struct host_function *function, enum weir_stats_scope scope, uint16_t index,
		   uint32_t counter);

/* Queue pair with buffers of buffer_bytes posted; vector VECTOR_NONE or one. Returns the status of the first command that failed. */
int host_queue_create(struct host_function *function, uint16_t queue, uint32_t buffer_bytes,
		      uint16_t vector, bool shadow);
/* The same, with more attributes in both commands (NULL: none). */
int host_queue_create_with(struct host_function *function, uint16_t queue, uint32_t buffer_bytes,
			   uint16_t vector, bool shadow, const struct host_attribute *more);
int host_queue_destroy(struct host_function *function, uint16_t queue);
/* Queue pair 0 again, whose receive queue splits, with the split_kinds of before. Requires success. */
void host_queue_split(struct host_function *function, struct host_split split,
		      uint32_t buffer_bytes);
/* Started function: `queues` pairs of 2048-byte buffers, MAC set (0: kept), vport enabled. */
bool host_up(struct host_function *function, uint64_t mac, uint16_t queues, uint32_t buffer_bytes,
	     bool shadow);

/* Posts one frame in `segments` pieces of uneven lengths, `offset` bytes off alignment; false: ring full. */
bool host_send(struct host_function *function, uint16_t queue, const uint8_t *frame, uint32_t bytes,
	       uint32_t segments, uint32_t offset, uint16_t flags, uint16_t vlan_tci);
/* Rings the doorbell for what was posted (or writes the shadow and rings when asked to). */
void host_send_done(struct host_function *function, uint16_t queue);
/* When the frame whose last descriptor has this count was sent; false: that was not reported. */
bool host_report(struct host_function *function, uint16_t queue, uint16_t count, uint64_t *time_ns);
/* Descriptors that fit into the ring. */
uint32_t host_transmit_room(struct host_function *function, uint16_t queue);
/* Raw descriptor into the ring at the tail. */
void host_post_descriptor(struct host_function *function, uint16_t queue,
			  const struct weir_tx_descriptor *descriptor);
/* Next received frame of a queue; false: none, or it is an aggregate. Buffers are posted again at once. */
bool host_receive(struct host_function *function, uint16_t queue, struct host_frame *frame);

/* The same of an aggregate; false: none, or it is none. With ERROR its data is whatever lies there. */
bool host_receive_aggregate(struct host_function *function, uint16_t queue,
			    struct host_aggregate *aggregate);

/* Frames that leave on the wire are kept in host->wire. */
void host_wire_capture(struct host *host);
/* Lets virtual time pass, turning the card's loop once a millisecond. */
void host_pass_ms(struct host *host, uint32_t ms);

/* Test frames: addresses, optional tag (tci, protocol 0: none), then a sequence number, a length and a checksummed random payload. */
uint32_t host_make_frame(uint8_t *frame, uint64_t destination, uint64_t source,
			 uint16_t tag_protocol, uint16_t tci, uint32_t bytes, uint32_t flow,
			 uint32_t sequence);
/* Checks such a frame's payload; true and flow/sequence when it is whole. */
bool host_check_frame(const uint8_t *frame, uint32_t bytes, uint32_t *flow, uint32_t *sequence);

#endif
