/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steering rules (specs/steering.md): tuple space search. The rules of a vport with the same mask are a group; all groups of all
 * vports share one hash table of masked keys, so that a frame costs one look-up a group, however many rules there are. Groups are
 * looked at in the order of their least location: behind one that cannot win any more nothing is looked at.
 */
#include "burst.h"

/* ---- the table ---- */

static struct weir_steer_rule *rule_at(const struct weir_steering *steering, uint32_t index)
{
	return index ? &steering->rules[index - 1] : NULL;
}

static uint16_t index_of(const struct weir_steering *steering, const struct weir_steer_rule *rule)
{
	return (uint16_t)(rule - steering->rules + 1);
}

/* 64 bits of a product of 128: with secret seeds nobody can choose keys that collide. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Where a masked key of a group lies. Words that the mask leaves out are not looked at. */
static uint32_t bucket_of(const struct weir_steering *steering, uint16_t vport, uint8_t group,
			  uint32_t pairs, const struct weir_steer_words *key)
{
	uint64_t hash = fold(steering->seed[WEIR_STEER_WORDS] ^ ((uint32_t)vport << 8 | group),
			     steering->seed[WEIR_STEER_WORDS + 1]);

	for (; pairs; pairs &= pairs - 1) {
		uint32_t at = 2u * (uint32_t)__builtin_ctz(pairs);

		hash ^= fold(key->word[at] ^ steering->seed[at],
			     key->word[at + 1] ^ steering->seed[at + 1]);
	}
	return (uint32_t)(hash * 0x9e3779b97f4a7c15ull >> (64 - steering->bucket_log2));
}

static uint32_t located_bucket(const struct weir_steering *steering, uint16_t vport,
			       uint16_t location)
{
	return (uint32_t)(fold(steering->seed[0] ^ ((uint32_t)vport << 16 | location),
			       steering->seed[1]) >>
			  (64 - steering->bucket_log2));
}

/* Does the key, under the rule's mask, say what the rule does? */
static bool matches(const struct weir_steer_rule *rule, const struct weir_steer_words *masked,
		    uint32_t pairs)
{
	for (; pairs; pairs &= pairs - 1) {
		uint32_t at = 2u * (uint32_t)__builtin_ctz(pairs);

		if ((rule->key.word[at] ^ masked->word[at]) |
		    (rule->key.word[at + 1] ^ masked->word[at + 1]))
			return false;
	}
	return true;
}

/* The rule of a group that a key matches; NULL: none. No two rules of a group have the same key. */
static struct weir_steer_rule *find_in_group(const struct weir_steering *steering, uint16_t vport,
					     uint8_t number, const struct weir_steer_words *key)
{
	const struct weir_steer_group *group = &steering->vports[vport].groups[number];
	struct weir_steer_words masked;

	for (uint32_t pairs = group->pairs; pairs; pairs &= pairs - 1) {
		uint32_t at = 2u * (uint32_t)__builtin_ctz(pairs);

		masked.word[at] = key->word[at] & group->mask.word[at];
		masked.word[at + 1] = key->word[at + 1] & group->mask.word[at + 1];
	}
	struct weir_steer_rule *rule = rule_at(
		steering,
		steering->buckets[bucket_of(steering, vport, number, group->pairs, &masked)]);

	while (rule && !(rule->vport == vport && rule->group == number &&
			 matches(rule, &masked, group->pairs)))
		rule = rule_at(steering, rule->next);
	return rule;
}

struct weir_steer_rule *weir_steer_find(const struct weir_firmware *firmware,
					const struct weir_vport *vport, uint16_t location)
{
	const struct weir_steering *steering = &firmware->steering;
	struct weir_steer_rule *rule = rule_at(
		steering, steering->located[located_bucket(steering, vport->index, location)]);

	while (rule && !(rule->vport == vport->index && rule->location == location))
		rule = rule_at(steering, rule->next_located);
	return rule;
}

uint32_t weir_steer_list(const struct weir_firmware *firmware, const struct weir_vport *vport,
			 const struct weir_steer_rule *after, uint16_t *locations, uint32_t room)
{
	const struct weir_steering *steering = &firmware->steering;
	const struct weir_steer_rule *rule =
		rule_at(steering, after ? after->next_listed : steering->vports[vport->index].list);
	uint32_t count = 0;

	for (; rule && count < room; rule = rule_at(steering, rule->next_listed))
		locations[count++] = rule->location;
	return count;
}

/* ---- the datapath's question ---- */

/* The rules that speak of a key. */
struct found {
	struct weir_steer_rule *best; /* that decides; NULL: none */
	struct weir_steer_rule *
		next[WEIR_STEER_MASKS]; /* with the action NEXT; those behind `best` count for nothing */
	uint32_t next_count;
};

static void find_for(const struct weir_steering *steering, const struct weir_vport *vport,
		     const struct weir_steer_words *key, struct found *found)
{
	const struct weir_steer_vport *own = &steering->vports[vport->index];
	struct weir_steer_rule *best = NULL;

	found->next_count = 0;

	for (uint32_t i = 0; i < own->group_count; i++) {
		uint8_t group = own->order[i];

		if (best && best->location < own->groups[group].first)
			break;
		struct weir_steer_rule *rule = find_in_group(steering, vport->index, group, key);

		if (!rule)
			continue;
		if (WEIR_UNLIKELY(rule->action == WEIR_STEER_ACTION_NEXT))
			found->next[found->next_count++] = rule;
		else if (!best || rule->location < best->location)
			best = rule;
	}
	found->best = best;
}

/* What rules with the action NEXT say of a frame, which they count if it is looked at for the first time. */
static void look_further(const struct found *found, bool first, uint32_t bytes,
			 struct weir_steered *steered)
{
	for (uint32_t i = 0; i < found->next_count; i++) {
		struct weir_steer_rule *rule = found->next[i];

		if (found->best && found->best->location < rule->location)
			continue;
		rule->frames += first;
		rule->bytes += first ? bytes : 0;
		steered->low_latency |= rule->low_latency;
	}
}

/* The rule of the frame, if another than the last time, counts it. */
static void count_frame(const struct weir_steering *steering, struct weir_steered *steered,
			struct weir_steer_rule *rule, uint32_t bytes)
{
	uint32_t index = rule ? index_of(steering, rule) : 0;

	if (rule && index != steered->rule) {
		rule->frames++;
		rule->bytes += bytes;
	}
	steered->rule = index;
}

/* What rules of before told in place of the frame's hash is told no more. */
static void untell(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number,
		   const struct weir_vport *vport)
{
	struct weir_frame *frame = &burst->frames[number];

	if (!burst->steered[number].told)
		return;
	if (vport->hashes)
		weir_hash_frame(firmware, burst, number, vport, &vport->hash);
	else
		weir_frame_untell(frame, frame->hashed_for);
}

/* The frame's hash is that of a context from now on, and its queue the one of the context's table. */
static void spread_by_context(struct weir_firmware *firmware, struct weir_burst *burst,
			      uint32_t number, const struct weir_vport *vport, uint32_t context)
{
	const struct weir_context *by =
		&firmware->steering.vports[vport->index].contexts[context - 1];

	weir_hash_frame(firmware, burst, number, vport, &by->hash);
	burst->steered[number].told = true;
	burst->steered[number].queue =
		by->spread[burst->frames[number].flow_hash % WEIR_INDIRECTION_ENTRIES];
}

uint16_t weir_steer_frame(struct weir_firmware *firmware, struct weir_burst *burst, uint32_t number,
			  const struct weir_vport *vport)
{
	struct weir_frame *frame = &burst->frames[number];
	struct weir_steered *steered = &burst->steered[number];
	bool first = !frame->steered || steered->vport != vport->index;
	struct weir_steer_words key;
	struct weir_steer_rule *rule;
	struct found found;

	/* A frame that has to wait is asked about again: by the rules of the frames that are claimed with it, lest they overtake it. */
	if (first)
		steered->rule = 0;
	else if (steered->epoch == vport->choice_epoch)
		return steered->queue;
	else
		untell(firmware, burst, number, vport);
	frame->steered = true;
	steered->vport = vport->index;
	steered->epoch = vport->choice_epoch;
	steered->told = false;
	steered->low_latency = false;
	steered->queue = vport->spread[frame->flow_hash & (vport->spread_entries - 1u)];
	weir_steer_key(burst, number, vport, &key);
	find_for(&firmware->steering, vport, &key, &found);
	if (WEIR_UNLIKELY(found.next_count))
		look_further(&found, first, frame->bytes, steered);
	rule = found.best;
	count_frame(&firmware->steering, steered, rule, frame->bytes);
	if (!rule)
		return steered->queue;
	steered->low_latency |= rule->low_latency;
	if (rule->action == WEIR_STEER_ACTION_DROP)
		steered->queue = WEIR_QUEUE_DROP;
	else if (rule->action == WEIR_STEER_ACTION_QUEUE)
		steered->queue = rule->queue;
	else if (rule->context)
		spread_by_context(firmware, burst, number, vport, rule->context);
	if (rule->marks) {
		steered->told = true;
		frame->flow_hash = rule->mark;
		frame->hash_flags = WEIR_RXC_MARK_MASK;
	}
	return steered->queue;
}

/* ---- groups ---- */

/* Keeps the groups in the order of their least locations after `number` got another one, or was made. */
static void sort_group(struct weir_steer_vport *own, uint8_t number)
{
	uint32_t at = 0;

	while (own->order[at] != number)
		at++;
	for (; at && own->groups[own->order[at - 1]].first > own->groups[number].first; at--)
		own->order[at] = own->order[at - 1];
	own->order[at] = number;
}

static bool same_mask(const struct weir_steer_words *a, const struct weir_steer_words *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The vport's group of a mask; WEIR_STEER_MASKS: it has none. */
static uint8_t find_group(const struct weir_steer_vport *own, const struct weir_steer_words *mask)
{
	for (uint32_t i = 0; i < own->group_count; i++)
		if (same_mask(&own->groups[own->order[i]].mask, mask))
			return own->order[i];
	return WEIR_STEER_MASKS;
}

/* A group for a mask that has none; there is room. */
static uint8_t make_group(struct weir_steer_vport *own, const struct weir_steer_words *mask)
{
	uint8_t number = 0;

	while (own->groups[number].rules)
		number++;
	struct weir_steer_group *group = &own->groups[number];

	*group = (struct weir_steer_group){ .mask = *mask, .first = UINT16_MAX };
	for (uint32_t i = 0; i < WEIR_STEER_WORDS; i++)
		if (mask->word[i])
			group->pairs |= (uint8_t)(1u << i / 2);
	own->order[own->group_count++] = number;
	return number;
}

/* The last rule of a group is gone. */
static void drop_group(struct weir_steer_vport *own, uint8_t number)
{
	uint32_t at = 0;

	while (own->order[at] != number)
		at++;
	for (own->group_count--; at < own->group_count; at++)
		own->order[at] = own->order[at + 1];
}

/* ---- rules in and out ---- */

/* Of the shared rules, those that a vport with so many rules has taken. */
static uint32_t shared_part(uint32_t rules)
{
	return rules > WEIR_STEER_RULES_OWN ? rules - WEIR_STEER_RULES_OWN : 0;
}

static void count_rules(struct weir_steering *steering, struct weir_vport *vport, uint32_t rules)
{
	steering->shared_used += shared_part(rules) - shared_part(vport->steer_rules);
	vport->steer_rules = (uint16_t)rules;
	weir_vport_choice_update(vport);
}

uint16_t weir_steer_rules_max(const struct weir_vport *vport)
{
	return vport->function == 0 ? WEIR_STEER_RULES : WEIR_STEER_RULES_VF;
}

static bool has_room(const struct weir_steering *steering, const struct weir_vport *vport)
{
	return vport->steer_rules < WEIR_STEER_RULES_OWN ||
	       (vport->steer_rules < weir_steer_rules_max(vport) &&
		steering->shared_used < WEIR_STEER_RULES);
}

/* A rule leads to this context, or no longer does; 0: there is nothing to count. */
static void count_leads(struct weir_steer_vport *own, uint8_t context, int more)
{
	if (context)
		own->contexts[context - 1].rules =
			(uint16_t)(own->contexts[context - 1].rules + more);
}

/* A rule that says so, or not, comes or goes. */
static void count_low_latency(struct weir_vport *vport, bool says_so, int more)
{
	vport->low_latency.rules = (uint16_t)(vport->low_latency.rules + (says_so ? more : 0));
	weir_vport_low_latency_update(vport);
}

/* There is one: has_room() said so. */
static struct weir_steer_rule *take_rule(struct weir_steering *steering)
{
	struct weir_steer_rule *rule = rule_at(steering, steering->free_list);

	if (rule)
		steering->free_list = rule->next;
	else
		rule = &steering->rules[steering->fresh++];
	return rule;
}

/* Takes a rule out of a chain that begins at *link, in which `next` of a rule is the next one. */
#define unchain(steering, link, rule, next)                   \
	do {                                                  \
		uint16_t *at_ = (link);                       \
                                                              \
		while (*at_ != index_of(steering, rule))      \
			at_ = &rule_at(steering, *at_)->next; \
		*at_ = (rule)->next;                          \
	} while (0)

static void remove_rule(struct weir_steering *steering, struct weir_vport *vport,
			struct weir_steer_rule *rule)
{
	struct weir_steer_vport *own = &steering->vports[vport->index];
	struct weir_steer_group *group = &own->groups[rule->group];

	unchain(steering,
		&steering->buckets[bucket_of(steering, vport->index, rule->group, group->pairs,
					     &rule->key)],
		rule, next);
	unchain(steering,
		&steering->located[located_bucket(steering, vport->index, rule->location)], rule,
		next_located);
	if (rule->next_listed)
		rule_at(steering, rule->next_listed)->before_listed = rule->before_listed;
	if (rule->before_listed)
		rule_at(steering, rule->before_listed)->next_listed = rule->next_listed;
	else
		own->list = rule->next_listed;
	count_leads(own, rule->context, -1);
	count_low_latency(vport, rule->low_latency, -1);
	/* Its least location may now be a greater one: that only costs look-ups. */
	if (!--group->rules)
		drop_group(own, rule->group);
	rule->next = steering->free_list;
	steering->free_list = index_of(steering, rule);
	count_rules(steering, vport, vport->steer_rules - 1u);
}

static void insert_rule(struct weir_steering *steering, struct weir_vport *vport,
			const struct weir_steer_request *request)
{
	struct weir_steer_vport *own = &steering->vports[vport->index];
	struct weir_steer_rule *rule = take_rule(steering);
	uint8_t number = find_group(own, &request->mask);

	if (number == WEIR_STEER_MASKS)
		number = make_group(own, &request->mask);
	struct weir_steer_group *group = &own->groups[number];
	uint16_t *bucket = &steering->buckets[bucket_of(steering, vport->index, number,
							group->pairs, &request->key)];
	uint16_t *located =
		&steering->located[located_bucket(steering, vport->index, request->location)];

	*rule = (struct weir_steer_rule){
		.key = request->key,
		.next = *bucket,
		.next_located = *located,
		.next_listed = own->list,
		.vport = vport->index,
		.location = request->location,
		.queue = request->queue,
		.group = number,
		.action = request->action,
		.context = request->context,
		.marks = request->marks,
		.low_latency = request->low_latency,
		.mark = request->mark,
	};
	if (own->list)
		rule_at(steering, own->list)->before_listed = index_of(steering, rule);
	*bucket = *located = own->list = index_of(steering, rule);
	group->rules++;
	count_leads(own, request->context, 1);
	count_low_latency(vport, request->low_latency, 1);
	if (request->location < group->first) {
		group->first = request->location;
		sort_group(own, number);
	}
	count_rules(steering, vport, vport->steer_rules + 1u);
}

/* Another location of the vport with the same key and mask; NULL: none. */
static const struct weir_steer_rule *find_twin(const struct weir_steering *steering,
					       const struct weir_vport *vport,
					       const struct weir_steer_request *request)
{
	uint8_t number = find_group(&steering->vports[vport->index], &request->mask);

	return number == WEIR_STEER_MASKS
		       ? NULL
		       : find_in_group(steering, vport->index, number, &request->key);
}

enum weir_status weir_steer_add(struct weir_firmware *firmware, struct weir_vport *vport,
				const struct weir_steer_request *request, uint32_t *detail)
{
	struct weir_steering *steering = &firmware->steering;
	struct weir_steer_vport *own = &steering->vports[vport->index];
	struct weir_steer_rule *old = weir_steer_find(firmware, vport, request->location);
	const struct weir_steer_rule *twin = find_twin(steering, vport, request);

	if (twin && twin != old) {
		*detail = WEIR_ATTRIBUTE_STEER_KEY;
		return WEIR_STATUS_EXISTS;
	}
	if (twin) {
		/* The same match told anew: its count goes on. */
		count_leads(own, old->context, -1);
		count_leads(own, request->context, 1);
		count_low_latency(vport, old->low_latency, -1);
		count_low_latency(vport, request->low_latency, 1);
		old->context = request->context;
		old->action = request->action;
		old->queue = request->queue;
		old->marks = request->marks;
		old->low_latency = request->low_latency;
		old->mark = request->mark;
		weir_vport_choice_update(vport);
		return WEIR_STATUS_OK;
	}
	if (!old && !has_room(steering, vport)) {
		*detail = WEIR_ATTRIBUTE_STEER_LOCATION;
		return WEIR_STATUS_NO_SPACE;
	}
	if (own->group_count == WEIR_STEER_MASKS &&
	    find_group(own, &request->mask) == WEIR_STEER_MASKS &&
	    !(old && own->groups[old->group].rules == 1)) {
		*detail = WEIR_ATTRIBUTE_STEER_MASK;
		return WEIR_STATUS_NO_SPACE;
	}
	/* Nothing can fail past this point, and no frame is looked at in between. */
	if (old)
		remove_rule(steering, vport, old);
	insert_rule(steering, vport, request);
	return WEIR_STATUS_OK;
}

enum weir_status weir_steer_delete(struct weir_firmware *firmware, struct weir_vport *vport,
				   uint16_t location)
{
	struct weir_steer_rule *rule = weir_steer_find(firmware, vport, location);

	if (!rule)
		return WEIR_STATUS_NOT_FOUND;
	remove_rule(&firmware->steering, vport, rule);
	return WEIR_STATUS_OK;
}

void weir_steer_flush(struct weir_firmware *firmware, struct weir_vport *vport)
{
	struct weir_steering *steering = &firmware->steering;
	struct weir_steer_vport *own = &steering->vports[vport->index];

	while (vport->steer_rules)
		remove_rule(steering, vport, rule_at(steering, own->list));
	for (uint32_t i = 0; i < WEIR_SPREAD_CONTEXTS; i++)
		own->contexts[i].exists = false;
}

const struct weir_steer_words *weir_steer_mask(const struct weir_firmware *firmware,
					       const struct weir_steer_rule *rule)
{
	return &firmware->steering.vports[rule->vport].groups[rule->group].mask;
}

/* ---- memory ---- */

/* Every function can have its own rules, whatever is shared. */
static uint32_t rule_count(uint32_t vport_count)
{
	return WEIR_STEER_RULES + vport_count * WEIR_STEER_RULES_OWN;
}

_Static_assert(WEIR_STEER_RULES + (WEIR_PCI_MAX_VFS + 1) * WEIR_STEER_RULES_OWN <= UINT16_MAX,
	       "a link names any rule of the largest card");

static uint32_t bucket_log2(uint32_t vport_count)
{
	uint32_t log2 = 1;

	while (1u << log2 < rule_count(vport_count))
		log2++;
	return log2;
}

static size_t aligned(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

size_t weir_steer_bytes(uint32_t vport_count)
{
	return aligned(rule_count(vport_count) * sizeof(struct weir_steer_rule)) +
	       aligned(vport_count * sizeof(struct weir_steer_vport)) +
	       2 * aligned(sizeof(uint16_t) << bucket_log2(vport_count));
}

void weir_steer_init(struct weir_firmware *firmware, void *memory)
{
	struct weir_steering *steering = &firmware->steering;
	uint32_t count = firmware->vport_count;
	uint8_t *at = memory;

	steering->bucket_log2 = bucket_log2(count);
	steering->rules = (struct weir_steer_rule *)at;
	at += aligned(rule_count(count) * sizeof(struct weir_steer_rule));
	steering->vports = (struct weir_steer_vport *)at;
	at += aligned(count * sizeof(struct weir_steer_vport));
	steering->buckets = (uint16_t *)at;
	steering->located = (uint16_t *)(at + aligned(sizeof(uint16_t) << steering->bucket_log2));
	for (uint32_t i = 0; i < WEIR_ARRAY_SIZE(steering->seed); i++)
		steering->seed[i] = (uint64_t)hal_random32(firmware->hal) << 32 |
				    hal_random32(firmware->hal);
}
