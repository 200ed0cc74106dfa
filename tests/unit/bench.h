/* SPDX-License-Identifier: BSD-3-Clause */
/* What unit tests of the firmware share: a card over the test board, attributes in and out, a host's side of the admin queue
 * and of the mailbox. */
#ifndef WEIR_TEST_BENCH_H
#define WEIR_TEST_BENCH_H

#include "board.h"
#include "core/core.h"
#include "weir_cunit.h"

/* ---- a card ---- */

struct card {
	struct hal hal;
	struct weir_firmware *firmware;
	void *memory;
	size_t memory_bytes;
};

/* A card with total_vfs VFs whose PF is READY. Ends the test when it cannot be made. */
struct card *card_new(uint16_t total_vfs);
/* The same, not polled yet, with a configuration of the test's own. */
struct card *card_new_config(const struct weir_firmware_config *config);
/* Checks that the firmware kept the contract of hal.h and ends the card. */
void card_free(struct card *card);
/* Polls until nothing moves any more; pending operations are brought to their end as well. */
void card_run(struct card *card);
/* Polls `times` times; operations stay pending. */
void card_poll(struct card *card, uint32_t times);
/* Enables VFs and lets them become READY. */
void card_enable_vfs(struct card *card, uint16_t count);
uint32_t card_state(struct card *card, uint16_t function); /* STATUS.STATE as the host sees it */
static inline struct weir_function *card_function(struct card *card, uint16_t function)
{
	return &card->firmware->functions[function];
}
static inline struct weir_vport *card_vport(struct card *card, uint16_t function)
{
	return &card->firmware->vports[function];
}

/* ---- sets of attributes ---- */

static inline struct weir_attribute_set set_with(struct weir_attribute_set set, uint32_t id)
{
	weir_set_add(&set, id);
	return set;
}

static inline struct weir_attribute_set set_without(struct weir_attribute_set set, uint32_t id)
{
	set.words[id / 64] &= ~(1ull << id % 64);
	return set;
}

/* Those with ids below one. */
static inline struct weir_attribute_set set_below(struct weir_attribute_set set, uint32_t id)
{
	for (uint32_t above = id; above < 64 * WEIR_ATTRIBUTE_WORDS; above++)
		set = set_without(set, above);
	return set;
}

static inline struct weir_attribute_set set_of_both(struct weir_attribute_set a,
						    struct weir_attribute_set b)
{
	for (uint32_t i = 0; i < WEIR_ATTRIBUTE_WORDS; i++)
		a.words[i] |= b.words[i];
	return a;
}

/* Is everything of a in b? */
static inline bool set_is_within(struct weir_attribute_set a, struct weir_attribute_set b)
{
	for (uint32_t i = 0; i < WEIR_ATTRIBUTE_WORDS; i++)
		if (a.words[i] & ~b.words[i])
			return false;
	return true;
}

static inline bool sets_equal(struct weir_attribute_set a, struct weir_attribute_set b)
{
	return set_is_within(a, b) && set_is_within(b, a);
}

static inline bool set_is_empty(struct weir_attribute_set set)
{
	return set_is_within(set, (struct weir_attribute_set){ 0 });
}

/* ---- attributes ---- */

struct attributes {
	uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES + 512];
	uint32_t bytes;
};

/* Appends an attribute; type may have WEIR_ATTRIBUTE_MUST. */
void add_bytes(struct attributes *attributes, uint16_t type, const void *value, uint32_t bytes);
void add_number(struct attributes *attributes, uint16_t id,
		uint64_t value); /* as long as the ABI says, MUST set */
void add_mac(struct attributes *attributes, const uint8_t mac[6]); /* MUST set */
/* The value of an attribute in a response; NULL when it is not there. */
const uint8_t *find_attribute(const uint8_t *response, uint32_t bytes, uint16_t id,
			      uint32_t *value_bytes);
/* An integer of a response; fails the test when it is not there. */
uint64_t get_number(const uint8_t *response, uint32_t bytes, uint16_t id);

/* ---- commands in the owner's name ---- */

struct reply {
	enum weir_status status;
	uint32_t detail;
	uint32_t bytes;
	uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
};

struct reply manage(struct card *card, uint16_t opcode, const struct attributes *attributes);
/* A command in the name of a function, run at once, as admin queue and mailbox do. */
struct reply command(struct card *card, uint16_t function, uint16_t opcode,
		     const struct attributes *attributes);

/* ---- the host's side of an admin queue ---- */

#define HOST_SQ	      0x00000u
#define HOST_CQ	      0x08000u
#define HOST_REQUEST  0x10000u
#define HOST_RESPONSE 0x11000u
#define HOST_RINGS    0x12000u /* for data queues */
#define HOST_VECTOR   3u

struct host {
	struct card *card;
	uint16_t function;
	uint8_t sq_log2, cq_log2;
	uint16_t sq_tail, cq_head; /* submitted, taken */
	uint16_t cookie;
	uint32_t events[8]; /* taken, by event */
	struct weir_admin_event last_event;
};

uint8_t *host_memory(struct host *host, uint32_t offset);
/* Zeroes the rings, sets the registers and enables; does not poll. */
void host_enable(struct host *host, struct card *card, uint16_t function, uint8_t sq_log2,
		 uint8_t cq_log2);
bool host_running(struct host *host);
enum weir_status host_error(struct host *host); /* ADMIN_STATUS.ERROR */
/* Puts a command into the ring and rings the doorbell; returns its cookie. */
uint16_t host_submit(struct host *host, uint16_t opcode, const struct attributes *attributes,
		     uint16_t capacity);
/* Takes the next entry of the completion ring; false: there is none. Does not give the room back. */
bool host_take(struct host *host, struct weir_admin_completion *entry);
/* Takes entries until a completion comes, counting events; false: none. */
bool host_take_completion(struct host *host, struct weir_admin_completion *completion);
/* Takes all events that are there. */
void host_take_events(struct host *host);
/* Gives room back and arms the vector. */
void host_acknowledge(struct host *host);
/* Submits, runs the card and takes the answer; the response is in the reply. */
struct reply host_command(struct host *host, uint16_t opcode, const struct attributes *attributes);

/* A card whose PF has an admin queue and has taken the LINK event. */
struct card *card_with_queue(struct host *host, uint16_t vfs);

/* ---- the mailbox ---- */

/* Writes window and request; does not poll. */
void mailbox_start(struct card *card, uint16_t function, uint16_t opcode,
		   const struct attributes *attributes);
/* MAILBOX_STATUS, DETAIL and the window as a reply; false: BUSY or never started. */
bool mailbox_done(struct card *card, uint16_t function, struct reply *reply);

/* ---- ready-made requests ---- */

/* Makes the attributes that create receive or transmit queue `queue` in the function's memory. */
struct attributes queue_request(uint16_t function, bool receive, uint16_t queue);
struct attributes with_number(uint16_t id, uint64_t value);
struct attributes vf_request(uint16_t function);
/* A counter of a function. */
uint64_t function_stat(struct card *card, uint16_t function, enum weir_stat_function stat);

#endif
