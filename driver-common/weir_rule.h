/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A steering rule of the function (specs/steering.md), whoever wants it: ethtool -N (weir_ntuple.c) or tc (weir_flower.c).
 */
#ifndef WEIR_RULE_H
#define WEIR_RULE_H

#include <linux/build_bug.h>
#include <linux/string.h>
#include <linux/types.h>

#include <weir/weir_abi.h>

struct netlink_ext_ack;
struct weir_device;

/*
 * Of several rules that match the one with the least location decides. The first ones are those that users of ethtool name; tc's are
 * behind them, as its filters are asked about frames that a card has let through.
 */
#define WEIR_LOCATIONS_NTUPLE 0x4000u
#define WEIR_LOCATIONS 0x10000u

/* A TPID that the card knows has this bit, 8100h as well as 88A8h; without a tag there is zero. */
#define WEIR_TAGGED 0x80

struct weir_rule_counts {
	u64 frames;
	u64 bytes;
};

/**
 * struct weir_rule - what the card is told
 * @key: what of a frame must be, under @mask
 * @mask: which bits count
 * @location: its place among the others, and in weir->rules
 * @action: enum weir_steer_action
 * @queue: with QUEUE
 * @context: with SPREAD: the spread context that it leads to, 0: the interface's own
 * @low_latency: frames that match have their queue interrupt at once
 * @marks: frames that match are told @mark
 * @mark: see @marks
 * @told: the card has it
 * @seen: what the card had counted when it was asked last
 * @kept: counted, and nobody has asked yet
 */
struct weir_rule {
	struct weir_steer_key key;
	struct weir_steer_key mask;
	u16 location;
	u8 action;
	u8 context;
	u16 queue;
	bool low_latency;
	bool marks;
	bool told;
	u32 mark;
	struct weir_rule_counts seen;
	struct weir_rule_counts kept;
};

/* A field and its mask; the compiler sees to it that they are of one length. */
#define weir_rule_match(rule, field, value, bits)                              \
	do {                                                                   \
		BUILD_BUG_ON(sizeof((rule)->key.field) < sizeof(value));       \
		BUILD_BUG_ON(sizeof(value) != sizeof(bits));                   \
		memcpy(&(rule)->key.field, &(value), sizeof(value));           \
		memcpy(&(rule)->mask.field, &(bits), sizeof(bits));            \
	} while (0)

void weir_rule_match_l3(struct weir_rule *rule, u8 l3);
void weir_rule_match_protocol(struct weir_rule *rule, u8 protocol);
void weir_rule_match_tag(struct weir_rule *rule, bool tagged);
bool weir_rule_has_ports(const struct weir_rule *rule);
void weir_rule_trim(struct weir_rule *rule);

bool weir_rules_offered(const struct weir_device *weir);
struct weir_rule *weir_rule_twin(struct weir_device *weir, const struct weir_rule *rule);
int weir_rule_place(struct weir_device *weir, struct weir_rule *rule,
		    struct netlink_ext_ack *extack);
void weir_rule_substitute(struct weir_device *weir, struct weir_rule *old, struct weir_rule *rule);
int weir_rule_move(struct weir_device *weir, struct weir_rule *rule, u16 location);
int weir_rule_remove(struct weir_device *weir, struct weir_rule *rule);
void weir_rule_drop(struct weir_device *weir, struct weir_rule *rule);
int weir_rule_count(struct weir_device *weir, struct weir_rule *rule,
		    struct weir_rule_counts *counts);

#endif
