/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of core/ call in each other. What other rooms call lies in weir_internal.h and weir_firmware.h.
 */
#ifndef WEIR_CORE_H
#define WEIR_CORE_H

#include "weir_internal.h"
#include "weir/weir_tables.h"

#define WEIR_FIRMWARE_VERSION "0.1.0"

#define WEIR_NS_PER_MS	   1000000ull
#define WEIR_NS_PER_SECOND 1000000000ull

/* Longest wait for the host to take RESET_IMPENDING out of a full ring (specs/reset.md). */
#define WEIR_RESET_NOTICE_NS (10 * WEIR_NS_PER_MS)
/* How long the home may sleep while something waits for operations in flight: they wake it, this is for the case they do not. */
#define WEIR_WAITING_NS WEIR_NS_PER_MS

#define WEIR_MTU_MIN	 68u
#define WEIR_MTU_MAX	 (WEIR_MAX_FRAME_BYTES - 22u) /* Ethernet header and two tags */
#define WEIR_MTU_DEFAULT 1500u
#define WEIR_FRAME_EXTRA 18u /* Ethernet header and one tag */
#define WEIR_VLAN_LAST	 4094u

/* detail of an error that speaks of the command as a whole, not of a place in its request */
#define WEIR_DETAIL_COMMAND 0xffffffffu

/* The constant lengths, and only those, become instructions; other copies are calls of memcpy() and memset(). */
#define weir_copy(to, from, bytes) __builtin_memcpy(to, from, bytes)
#define weir_zero(to, bytes)	   __builtin_memset(to, 0, bytes)

/* ---- MAC addresses ---- */

static inline bool weir_mac_is_zero(const uint8_t mac[6])
{
	return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static inline bool weir_mac_is_multicast(const uint8_t mac[6])
{
	return mac[0] & 1;
}

static inline bool weir_mac_is_broadcast(const uint8_t mac[6])
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static inline bool weir_mac_equal(const uint8_t a[6], const uint8_t b[6])
{
	return __builtin_memcmp(a, b, 6) == 0;
}

/* A MAC as a number, first byte lowest. */
static inline uint64_t weir_mac_value(const uint8_t mac[6])
{
	uint64_t value = 0;

	for (int i = 5; i >= 0; i--)
		value = value << 8 | mac[i];
	return value;
}

/* ---- little-endian bytes at any alignment ---- */

static inline uint64_t weir_get_le(const uint8_t *from, uint32_t bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | from[bytes];
	return value;
}

static inline void weir_put_le(uint8_t *to, uint64_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++, value >>= 8)
		to[i] = (uint8_t)value;
}

/* ---- tlv.c: attributes in and out ---- */

static inline bool weir_set_has(const struct weir_attribute_set *set, uint32_t attribute)
{
	return WEIR_SET_HAS(*set, attribute);
}

static inline void weir_set_add(struct weir_attribute_set *set, uint32_t attribute)
{
	set->words[attribute / 64] |= 1ull << attribute % 64;
}

/* The attributes of a request, checked for form. Members are only set where `present` has their id. */
struct weir_arguments {
	struct weir_attribute_set present;
	uint64_t number[WEIR_ATTRIBUTE_LIMIT];	   /* integers */
	const uint8_t *data[WEIR_ATTRIBUTE_LIMIT]; /* the value's bytes, in the request */
	uint16_t bytes[WEIR_ATTRIBUTE_LIMIT];
};

/*
 * Takes a request of `bytes` bytes apart by the rule of its command (specs/admin-queue.md, attributes). The request must be
 * a private copy: *arguments points into it. Returns OK, BAD_LENGTH, BAD_ATTRIBUTE or MISSING_ATTRIBUTE, with *detail as
 * the status says.
 */
WEIR_MUST_CHECK enum weir_status weir_tlv_parse(const struct weir_command_rule *rule,
						const uint8_t *request, uint32_t bytes,
						struct weir_arguments *arguments, uint32_t *detail);

static inline bool weir_has(const struct weir_arguments *arguments, enum weir_attribute_id attribute)
{
	return weir_set_has(&arguments->present, attribute);
}

/* An integer attribute, or what it is when the request does not have it. */
static inline uint64_t weir_number(const struct weir_arguments *arguments,
				   enum weir_attribute_id attribute, uint64_t otherwise)
{
	return weir_has(arguments, attribute) ? arguments->number[attribute] : otherwise;
}

/*
 * A response being written. What does not fit into `capacity` is counted, not written: `bytes` is how long the response
 * would be.
 */
struct weir_writer {
	uint8_t *to;
	uint32_t capacity;
	uint32_t bytes;
};

void weir_put_u8(struct weir_writer *writer, enum weir_attribute_id attribute, uint8_t value);
void weir_put_u16(struct weir_writer *writer, enum weir_attribute_id attribute, uint16_t value);
void weir_put_u32(struct weir_writer *writer, enum weir_attribute_id attribute, uint32_t value);
void weir_put_u64(struct weir_writer *writer, enum weir_attribute_id attribute, uint64_t value);
/* text without its terminating zero must be shorter than WEIR_STRING_BYTES; a longer one is cut. */
void weir_put_string(struct weir_writer *writer, enum weir_attribute_id attribute, const char *text);
void weir_put_bytes(struct weir_writer *writer, enum weir_attribute_id attribute, const void *value,
		    uint32_t bytes);
/* Makes room for a value of `bytes` bytes that the caller writes; NULL when it does not fit (or only its length counts). */
uint8_t *weir_put_room(struct weir_writer *writer, enum weir_attribute_id attribute, uint32_t bytes);

/* ---- commands.c: from opcode to handler ---- */

/* A command while its handler runs. */
struct weir_request {
	struct weir_firmware *firmware;
	struct weir_function *function; /* in whose name; the PF for MANAGER */
	enum weir_role role;
	bool again; /* the handler answered BUSY before and is called once more */
	struct weir_arguments arguments;
	struct weir_writer response;
	uint32_t detail;
};

/* Handlers check everything before they change anything; an error leaves all as it was. */
typedef enum weir_status weir_handler(struct weir_request *request);

/* What came of a command. */
struct weir_answer {
	uint32_t detail;
	uint32_t response_bytes; /* with OK: written; with BAD_LENGTH and WEIR_DETAIL_COMMAND: needed; else 0 */
};

/* Is there such a command, and may this role give it? OK, UNKNOWN_COMMAND or NOT_PERMITTED. */
WEIR_MUST_CHECK enum weir_status weir_command_check(enum weir_role role, uint16_t opcode);
/*
 * Runs a command. request: a private copy of `bytes` bytes; response: `capacity` bytes of room. BUSY: it was begun, call
 * again later with the same request and again = true.
 */
WEIR_MUST_CHECK enum weir_status weir_command_run(struct weir_firmware *firmware,
						  struct weir_function *function,
						  enum weir_role role, uint16_t opcode,
						  const uint8_t *request, uint32_t bytes,
						  uint8_t *response, uint32_t capacity, bool again,
						  struct weir_answer *answer);
/* Counts, logs and reports how a command of a function's own ended; response_bytes as in struct weir_answer. */
void weir_command_count(struct weir_firmware *firmware, struct weir_function *function,
			uint16_t opcode, enum weir_status status, uint32_t response_bytes);

/* Does the role of the request hold a privilege? */
static inline bool weir_may(const struct weir_request *request, enum weir_privilege privilege)
{
	return weir_role_privileges[request->role] & privilege;
}

/* Sets the detail and gives the status back. */
static inline enum weir_status weir_refuse(struct weir_request *request, enum weir_status status,
					   uint32_t detail)
{
	request->detail = detail;
	return status;
}

/* Queues, and what speaks of them, are the driver's in whose function they are: NOT_SUPPORTED to the card's owner. */
static inline enum weir_status weir_request_driver(const struct weir_request *request)
{
	return request->role == WEIR_ROLE_MANAGER ? WEIR_STATUS_NOT_SUPPORTED : WEIR_STATUS_OK;
}
/* Is the vport that the request speaks of there? OK, NOT_FOUND or BAD_STATE; asked after the values were checked. */
WEIR_MUST_CHECK enum weir_status weir_request_vport(struct weir_request *request);
/* An attribute that is 0 or 1, if present. OK or BAD_VALUE. */
WEIR_MUST_CHECK enum weir_status weir_request_flag(struct weir_request *request,
						   enum weir_attribute_id attribute);

/* commands_info.c */
weir_handler weir_command_get_info, weir_command_echo, weir_command_stats_get,
	weir_command_link_get, weir_command_link_set;
/* commands_vport.c */
weir_handler weir_command_vport_get, weir_command_vport_set, weir_command_filter_add,
	weir_command_filter_delete, weir_command_vlan_add, weir_command_vlan_delete;
/* commands_queue.c */
weir_handler weir_command_rx_queue_create, weir_command_tx_queue_create,
	weir_command_rx_queue_destroy, weir_command_tx_queue_destroy,
	weir_command_rx_queue_moderate, weir_command_tx_queue_moderate;
/* commands_spread.c */
weir_handler weir_command_vport_spread, weir_command_vport_spread_get, weir_command_spread_delete;
/* commands_steer.c */
weir_handler weir_command_steer_add, weir_command_steer_delete, weir_command_steer_get,
	weir_command_steer_list;
/* commands_vf.c */
weir_handler weir_command_vf_get, weir_command_vf_set, weir_command_vf_reset;
/* commands_log.c */
weir_handler weir_command_log_read, weir_command_log_level, weir_command_trace_set,
	weir_command_trace_read;
/* commands_time.c */
weir_handler weir_command_time_get, weir_command_time_set;

/* ---- command_buffer.c ---- */

void weir_command_buffers_init(struct weir_firmware *firmware);
/* Is there a buffer in *buffer, or was there a free one? False: try again at a later poll, when another command has ended. */
bool weir_command_buffer_take(struct weir_firmware *firmware, struct weir_command_buffer **buffer);
/* Gives *buffer back, if there is one; true: none was free, so that somebody may be waiting for it. */
bool weir_command_buffer_give(struct weir_firmware *firmware, struct weir_command_buffer **buffer);

/* ---- admin.c: the admin queue ---- */

/* The function has something to do: its engine runs at this poll or the next. */
void weir_admin_activate(struct weir_firmware *firmware, struct weir_function *function);
/* ADMIN_CONTROL was written. */
void weir_admin_control(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value);
/* ADMIN_SQ_TAIL and ADMIN_CQ_HEAD were written. */
void weir_admin_sq_tail(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value);
void weir_admin_cq_head(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value);
/* A completion of WEIR_TAG_ADMIN. */
void weir_admin_complete(struct weir_firmware *firmware, uint32_t function, enum hal_result result);
/* The function is being reset: nothing new begins; an operation in flight is waited for by its reference. */
void weir_admin_abort(struct weir_firmware *firmware, struct weir_function *function);
/* Has the function not been told of this event yet, or not wholly? */
bool weir_admin_holds_event(const struct weir_function *function, enum weir_event event);
/* Makes the engine new; nothing is in flight. */
void weir_admin_clear(struct weir_function *function);
/* Runs the engines that have something to do; returns how many steps were made. */
uint32_t weir_admin_poll(struct weir_firmware *firmware);

/* ---- mailbox.c ---- */

void weir_mailbox_owner(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value);
void weir_mailbox_request(struct weir_firmware *firmware, struct weir_function *function,
			  uint32_t value);
/* The command that waits, if any, is forgotten, and its buffer given back. */
void weir_mailbox_forget(struct weir_firmware *firmware, struct weir_function *function);
/* Runs the command that waits, if any; true: it ended. */
bool weir_mailbox_run(struct weir_firmware *firmware, struct weir_function *function);

/* ---- events.c ---- */

/* An event to a function about itself. Folded with one of the same kind that waits. */
void weir_event_post(struct weir_firmware *firmware, struct weir_function *function,
		     enum weir_event event, uint64_t data, uint32_t detail);
/* The function's link as it is now. */
void weir_event_link(struct weir_firmware *firmware, struct weir_function *function);
/* To the PF: VF_STATE or RESET_IMPENDING of a VF. */
void weir_event_news(struct weir_firmware *firmware, struct weir_function *function,
		     enum weir_event event);
/* To the PF: misbehaviour_count[kind] of the function is not zero. */
void weir_event_misbehaviour(struct weir_firmware *firmware, struct weir_function *function);
/* Is there an event that could be sent now? */
bool weir_event_waiting(struct weir_firmware *firmware, struct weir_function *function);
/* The next event, complete but for its phase. Call only when weir_event_waiting(). */
void weir_event_take(struct weir_firmware *firmware, struct weir_function *function,
		     struct weir_admin_event *event);
/* Events that wait are dropped and counted as lost: the queue stops. */
void weir_event_drop(struct weir_firmware *firmware, struct weir_function *function);
/* When the next event that waits for its time is due, UINT64_MAX: none. */
uint64_t weir_event_due_ns(const struct weir_firmware *firmware);

/* ---- function.c ---- */

/* Puts every function into its state after power-on. */
void weir_functions_start(struct weir_firmware *firmware);
/* HAL_EVENT_RESET, CONTROL.SOFT_RESET, HAL_EVENT_VF_ENABLE, HAL_EVENT_BUS_MASTER. */
void weir_function_hardware_reset(struct weir_firmware *firmware, struct weir_function *function);
void weir_function_soft_reset(struct weir_firmware *firmware, struct weir_function *function);
void weir_function_vf_enable(struct weir_firmware *firmware, uint64_t count);
void weir_function_bus_master(struct weir_firmware *firmware, struct weir_function *function,
			      bool on);
/* A soft reset that is announced first: it begins when the event was delivered, at the latest after WEIR_RESET_NOTICE_NS. */
void weir_function_announced_reset(struct weir_firmware *firmware, struct weir_function *function);
/* Lets resets go on; returns how many ended. */
uint32_t weir_functions_poll(struct weir_firmware *firmware);
/* True while a reset is planned or under way. */
bool weir_function_resetting(const struct weir_function *function);
/* role follows from the function and its policy. */
void weir_function_update_role(struct weir_function *function);

/* A function's only vport. */
static inline struct weir_vport *weir_function_vport(struct weir_firmware *firmware,
						     const struct weir_function *function)
{
	return &firmware->vports[function->first_vport];
}

/* ---- registers.c ---- */

/* Sets every register of a function that comes out of reset; STATUS reads INIT. */
void weir_registers_publish(struct weir_firmware *firmware, struct weir_function *function,
			    bool mailbox_was_running);
/* STATUS and LINK_SPEED follow the function's state and link. */
void weir_registers_status(struct weir_firmware *firmware, const struct weir_function *function);
void weir_registers_mac(struct weir_firmware *firmware, const struct weir_function *function);
/* HAL_EVENT_REGISTER */
void weir_registers_written(struct weir_firmware *firmware, struct weir_function *function,
			    uint32_t offset, uint32_t value);

/* ---- vport.c ---- */

/* The vport of a function that comes out of reset: reset values, its MAC in the sorter. NO_SPACE. */
WEIR_MUST_CHECK enum weir_status weir_vport_open(struct weir_firmware *firmware,
						 struct weir_vport *vport);
/* Takes the vport out of everything: no frame finds it any more. */
void weir_vport_close(struct weir_firmware *firmware, struct weir_vport *vport);
/* Changes the own MAC (not zero). NO_SPACE: nothing was changed. */
WEIR_MUST_CHECK enum weir_status weir_vport_set_mac(struct weir_firmware *firmware,
						    struct weir_vport *vport, const uint8_t mac[6],
						    bool by_administrator);
void weir_vport_set_flags(struct weir_firmware *firmware, struct weir_vport *vport, uint32_t flags);
/* EXISTS, NO_SPACE; NOT_FOUND. vlan may be WEIR_VLAN_NONE. */
WEIR_MUST_CHECK enum weir_status weir_vport_filter_add(struct weir_firmware *firmware,
						       struct weir_vport *vport,
						       const uint8_t mac[6], uint16_t vlan);
WEIR_MUST_CHECK enum weir_status weir_vport_filter_delete(struct weir_firmware *firmware,
							  struct weir_vport *vport,
							  const uint8_t mac[6], uint16_t vlan);
/* Drops the unicast filters that FILTER_ADD made. */
void weir_vport_drop_unicast(struct weir_firmware *firmware, struct weir_vport *vport);
/* Works the link out of policy and wire; a change is told to the function. */
void weir_vport_update_link(struct weir_firmware *firmware, struct weir_vport *vport);
/* Speed that the function sees, 0 while down. */
uint32_t weir_vport_speed_mbps(const struct weir_firmware *firmware, const struct weir_vport *vport);
/* HAL_EVENT_LINK, and at start-up. */
void weir_link_changed(struct weir_firmware *firmware, uint8_t port);
/* What a VF has while the administrator decided nothing. */
struct weir_vf_policy weir_vf_policy_default(void);

/* ---- trace.c ---- */

void weir_trace_start(struct weir_firmware *firmware, bool enable);
/* HAL_EVENT_TRACE */
void weir_trace_hardware(struct weir_firmware *firmware, struct weir_trace_record *record);
/* VF_ENABLE, FUNCTION_READY; QUEUE_CREATED; MAC_ASSIGNED. They do nothing while the trace is off or about another function. */
void weir_trace_function(struct weir_firmware *firmware, enum weir_trace_kind kind,
			 uint16_t function, uint32_t detail);
void weir_trace_queue(struct weir_firmware *firmware, uint16_t function,
		      const struct weir_queue_request *queue, bool receive);
void weir_trace_mac(struct weir_firmware *firmware, const struct weir_vport *vport,
		    bool by_administrator);

/* ---- interrupt.c ---- */

/* Tries vectors again for which the board had no room; returns how many it took. */
uint32_t weir_interrupts_poll(struct weir_firmware *firmware);

/* ---- ats/ats.c ---- */

/* Is there room for one more invalidation? Events are left with the hardware while not. */
bool weir_ats_has_room(const struct weir_firmware *firmware);
void weir_ats_invalidate(struct weir_firmware *firmware, uint16_t function, uint64_t tag);
void weir_ats_control(struct weir_firmware *firmware, struct weir_function *function, bool on);
/* Answers invalidations that nothing in flight holds up any more; returns how many. */
uint32_t weir_ats_poll(struct weir_firmware *firmware);

#endif
