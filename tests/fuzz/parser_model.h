/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sorter's chapter (specs/sorter.md), and of steering.md what is about Ethernet, written down a second time: three vports and a
 * wire, what frames of one source must have come where, and what must have been counted.
 */
#ifndef WEIR_FUZZ_PARSER_MODEL_H
#define WEIR_FUZZ_PARSER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "weir/weir_abi.h"

#define VPORTS	  3u
#define WIRE	  VPORTS /* as a source */
#define BURST_MAX 8u
#define FILTERS	  64u
#define FRAME_MAX 9400u
#define RULES	  8u
struct filter {
	uint64_t mac;
	uint16_t vlan;
};

/* A steering rule about addresses, type and tag: the first bytes of steer_key. */
#define RULE_BYTES offsetof(struct weir_steer_key, l3)
struct rule {
	bool exists;
	uint8_t key[RULE_BYTES], mask[RULE_BYTES];
	uint8_t action; /* enum weir_steer_action */
	uint16_t queue;
	uint64_t frames, bytes;
};

struct vport {
	uint64_t mac;
	struct filter filters[FILTERS];
	uint32_t filter_count;
	bool vlans[4096];
	uint32_t flags;
	uint16_t port_vlan, protocol, priority, mtu;
	uint8_t policy;
	bool spoof;
	bool spreads;
	struct rule rules[RULES]; /* by location */
	uint8_t table[WEIR_INDIRECTION_ENTRIES];
	uint64_t stats[WEIR_STAT_VPORT_COUNT];
};

/* A frame somewhere: bytes, what its completion says of a tag, and its flow: 0 for none, else addresses and ports in few bits. */
struct frame {
	uint8_t data[FRAME_MAX];
	uint32_t bytes;
	uint32_t came; /* bytes, as the card got it */
	bool taken;
	uint16_t stripped; /* TPID of the tag that its completion tells, 0: none */
	uint16_t tci;
	uint64_t flow;
	bool steered; /* a rule says which queue it comes to */
	uint16_t queue;
};

extern struct vport vports[VPORTS];
extern uint64_t port_stats[WEIR_STAT_PORT_COUNT];
extern bool wire_up;
/* What must have come where, [VPORTS]: the wire. */
extern struct frame expected[VPORTS + 1][BURST_MAX];
extern uint32_t expected_count[VPORTS + 1];

/* Has the vport this filter, its own MAC included? */
bool has_filter(const struct vport *vport, uint64_t mac, uint16_t vlan);
/* A frame from a vport (or the WIRE), with a tag of this TPID to insert by descriptor, or 0: adds to what is expected and counted. */
void predict(uint32_t from, const struct frame *sent, uint16_t insert, uint16_t tci);

#endif
