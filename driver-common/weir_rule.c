// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steering rules (specs/steering.md), whoever wants them. Kept here, and told to the card when it has not been told of them yet: when
 * they are made, or at the next start, so that they outlive resets.
 *
 * Everything here runs under rules_lock, or under all of weir_lock().
 */
#include <linux/in.h>
#include <linux/netlink.h>
#include <linux/xarray.h>

#include "weir_hw.h"
#include "weir_rule.h"

/* --- what a rule matches --- */

static void weir_rule_exactly(u8 *key, u8 *mask, u8 value)
{
	*key = value;
	*mask = 0xff;
}

/* weir_rule_match_l3() - @l3: enum weir_packet_l3 */
void weir_rule_match_l3(struct weir_rule *rule, u8 l3)
{
	weir_rule_exactly(&rule->key.l3, &rule->mask.l3, l3);
}

/* weir_rule_match_protocol() - @protocol: IPPROTO_… */
void weir_rule_match_protocol(struct weir_rule *rule, u8 protocol)
{
	weir_rule_exactly(&rule->key.protocol, &rule->mask.protocol, protocol);
}

/* weir_rule_match_tag() - frames with a VLAN tag of whatever kind, or without one */
void weir_rule_match_tag(struct weir_rule *rule, bool tagged)
{
	rule->key.vlan_protocol[0] = tagged ? WEIR_TAGGED : 0;
	rule->mask.vlan_protocol[0] = WEIR_TAGGED;
}

/* weir_rule_has_ports() - does the rule ask for a protocol whose ports the card sees? */
bool weir_rule_has_ports(const struct weir_rule *rule)
{
	u8 protocol = rule->key.protocol;

	return rule->mask.protocol == 0xff &&
	       (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP);
}

/* weir_rule_trim() - a user may say more than counts; the card is asked for what counts only */
void weir_rule_trim(struct weir_rule *rule)
{
	u8 *key = (u8 *)&rule->key;
	const u8 *mask = (const u8 *)&rule->mask;
	unsigned int i;

	for (i = 0; i < sizeof(rule->key); i++)
		key[i] &= mask[i];
}

static bool weir_rule_same_match(const struct weir_rule *a, const struct weir_rule *b)
{
	return !memcmp(&a->key, &b->key, sizeof(a->key)) &&
	       !memcmp(&a->mask, &b->mask, sizeof(a->mask));
}

/**
 * weir_rule_twin() - look for a rule that matches exactly the same
 * @weir: the function
 * @rule: trimmed
 *
 * Return: it, or NULL.
 */
struct weir_rule *weir_rule_twin(struct weir_device *weir, const struct weir_rule *rule)
{
	struct weir_rule *other;
	unsigned long location;

	xa_for_each(&weir->rules, location, other)
		if (weir_rule_same_match(other, rule))
			return other;
	return NULL;
}

/* --- rules and the card --- */

bool weir_rules_offered(const struct weir_device *weir)
{
	return weir->features & WEIR_REG_FEATURES_STEERING_MASK;
}

/* Is there a card to be told? If not, the next start does it. */
static bool weir_rules_live(struct weir_device *weir)
{
	return weir->data && weir_state_get(weir) == WEIR_STATE_RUNNING;
}

static void weir_rule_explain(const struct weir_call *call, int err, struct netlink_ext_ack *extack)
{
	if (err == -EEXIST)
		NL_SET_ERR_MSG_MOD(extack, "another rule matches exactly the same");
	else if (err == -ENOSPC && call->detail == WEIR_ATTRIBUTE_STEER_MASK)
		NL_SET_ERR_MSG_MOD(extack, "the rules have as many different masks as they may");
	else if (err == -ENOSPC)
		NL_SET_ERR_MSG_MOD(extack, "there is no room for another rule");
	else
		NL_SET_ERR_MSG_MOD(extack, "the card does not take it: dmesg says why");
}

static int weir_rule_tell(struct weir_device *weir, struct weir_rule *rule,
			  struct netlink_ext_ack *extack)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_STEER_ADD);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_STEER_LOCATION, rule->location);
	weir_call_put(call, WEIR_ATTRIBUTE_STEER_KEY, &rule->key, sizeof(rule->key));
	weir_call_put(call, WEIR_ATTRIBUTE_STEER_MASK, &rule->mask, sizeof(rule->mask));
	weir_call_put_u8(call, WEIR_ATTRIBUTE_STEER_ACTION, rule->action);
	if (rule->action == WEIR_STEER_ACTION_SPREAD && rule->context)
		weir_call_put_u8(call, WEIR_ATTRIBUTE_SPREAD_CONTEXT, rule->context);
	if (rule->action == WEIR_STEER_ACTION_QUEUE)
		weir_call_put_u16(call, WEIR_ATTRIBUTE_QUEUE, rule->queue);
	if (rule->low_latency)
		weir_call_put_u8(call, WEIR_ATTRIBUTE_LOW_LATENCY, 1);
	if (rule->marks)
		weir_call_put_u32(call, WEIR_ATTRIBUTE_STEER_MARK, rule->mark);
	err = weir_call_run_loud(call);
	if (err)
		weir_rule_explain(call, err, extack);
	else
		rule->told = true;
	weir_call_end(call);
	return err;
}

/* Also while the interface is down: the card keeps rules until it is told, or reset. */
static int weir_rule_untell(struct weir_device *weir, struct weir_rule *rule)
{
	struct weir_call *call;
	int err;

	if (!rule->told || weir_state_get(weir) != WEIR_STATE_RUNNING)
		return 0;
	call = weir_call_begin(weir, WEIR_COMMAND_STEER_DELETE);
	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_STEER_LOCATION, rule->location);
	err = weir_call_run(call);
	weir_call_end(call);
	/* A function that is being reset forgets it. */
	if (err && err != -ENOENT && err != -ENODEV)
		return err;
	rule->told = false;
	return 0;
}

/* The card goes on counting where one rule takes the place of another that matches the same. */
static void weir_rule_replaced(struct weir_rule *old, struct weir_rule *rule)
{
	bool goes_on = old && old->told && weir_rule_same_match(old, rule);

	rule->seen = goes_on ? old->seen : (struct weir_rule_counts){ 0 };
	if (old)
		old->told = false;
}

/**
 * weir_rule_place() - take a rule in
 * @weir: the function
 * @rule: in place of one that is at its location, which is the caller's then
 * @extack: told why it is refused; or NULL
 *
 * Return: 0; -EEXIST when the same is matched elsewhere already; -ENOSPC; or another negative errno. All is as before then.
 */
int weir_rule_place(struct weir_device *weir, struct weir_rule *rule,
		    struct netlink_ext_ack *extack)
{
	struct weir_rule *old = xa_load(&weir->rules, rule->location);
	bool live = weir_rules_live(weir);
	int err;

	if (!old && weir->rules_used >= weir->rules_max) {
		NL_SET_ERR_MSG_MOD(extack, "there is no room for another rule");
		return -ENOSPC;
	}
	/* Room first: nothing can fail once the card has it. */
	err = xa_err(xa_store(&weir->rules, rule->location, rule, GFP_KERNEL));
	if (err)
		return err;
	if (live)
		err = weir_rule_tell(weir, rule, extack);
	else if (old)
		err = weir_rule_untell(weir, old);
	if (err) {
		if (old)
			xa_store(&weir->rules, rule->location, old, GFP_KERNEL);
		else
			xa_erase(&weir->rules, rule->location);
		return err;
	}
	weir_rule_replaced(old, rule);
	weir->rules_used += !old;
	return 0;
}

/**
 * weir_rule_substitute() - let a rule take the place of one that goes
 * @weir: the function
 * @old: it is the caller's then
 * @rule: matches the same. If the card does not take it, the next start tries again
 */
void weir_rule_substitute(struct weir_device *weir, struct weir_rule *old, struct weir_rule *rule)
{
	rule->location = old->location;
	if (!weir_rule_place(weir, rule, NULL))
		return;
	weir_rule_drop(weir, old);
	if (xa_err(xa_store(&weir->rules, rule->location, rule, GFP_KERNEL)))
		return;
	weir->rules_used++;
	netdev_warn(weir->netdev, "the card did not take the rule at %u\n", rule->location);
}

/* Forgets a rule that the card does not have any more. */
static void weir_rule_erase(struct weir_device *weir, struct weir_rule *rule)
{
	if (xa_load(&weir->rules, rule->location) != rule)
		return;
	xa_erase(&weir->rules, rule->location);
	weir->rules_used--;
}

/**
 * weir_rule_remove() - delete a rule
 * @weir: the function
 * @rule: is the caller's then
 *
 * Return: 0 or a negative errno, the rule is there then.
 */
int weir_rule_remove(struct weir_device *weir, struct weir_rule *rule)
{
	int err = weir_rule_untell(weir, rule);

	if (!err)
		weir_rule_erase(weir, rule);
	return err;
}

/**
 * weir_rule_drop() - delete a rule, whatever the card says
 * @weir: the function
 * @rule: is the caller's then
 */
void weir_rule_drop(struct weir_device *weir, struct weir_rule *rule)
{
	if (weir_rule_untell(weir, rule))
		netdev_warn(weir->netdev, "the card did not delete the rule at %u\n",
			    rule->location);
	weir_rule_erase(weir, rule);
}

/* Keeps what the card has counted of a rule since it was asked last. */
static int weir_rule_collect(struct weir_device *weir, struct weir_rule *rule)
{
	struct weir_rule_counts now = { 0 };
	struct weir_call *call;
	int err;

	if (!rule->told || weir_state_get(weir) != WEIR_STATE_RUNNING)
		return 0;
	call = weir_call_begin(weir, WEIR_COMMAND_STEER_GET);
	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_STEER_LOCATION, rule->location);
	err = weir_call_run(call);
	if (!err)
		err = weir_tlv_get_u64(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_STEER_FRAMES,
				       &now.frames);
	if (!err)
		err = weir_tlv_get_u64(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_STEER_BYTES,
				       &now.bytes);
	weir_call_end(call);
	if (err)
		return err;
	rule->kept.frames += now.frames - rule->seen.frames;
	rule->kept.bytes += now.bytes - rule->seen.bytes;
	rule->seen = now;
	return 0;
}

/**
 * weir_rule_count() - how many frames matched a rule since this was asked last
 * @weir: the function
 * @rule: which
 * @counts: filled in
 *
 * Return: 0; or a negative errno, what could not be read comes the next time.
 */
int weir_rule_count(struct weir_device *weir, struct weir_rule *rule,
		    struct weir_rule_counts *counts)
{
	int err = weir_rule_collect(weir, rule);

	*counts = rule->kept;
	rule->kept = (struct weir_rule_counts){ 0 };
	return err;
}

/**
 * weir_rule_move() - give a rule another location
 * @weir: the function
 * @rule: which
 * @location: at which there is none
 *
 * The card cannot have it at both: for a moment it has it at neither.
 *
 * Return: 0; or a negative errno, it is where it was, or the next start tells it.
 */
int weir_rule_move(struct weir_device *weir, struct weir_rule *rule, u16 location)
{
	u16 old = rule->location;
	bool told = rule->told;
	int err = xa_err(xa_store(&weir->rules, location, rule, GFP_KERNEL));

	if (err)
		return err;
	err = weir_rule_collect(weir, rule);
	if (!err)
		err = weir_rule_untell(weir, rule);
	if (err) {
		xa_erase(&weir->rules, location);
		return err;
	}
	xa_erase(&weir->rules, old);
	rule->location = location;
	rule->seen = (struct weir_rule_counts){ 0 };
	return told && weir_rules_live(weir) ? weir_rule_tell(weir, rule, NULL) : 0;
}

/**
 * weir_rules_tell() - tell the card the rules that it has not been told of
 * @weir: the function, whose queues are made
 *
 * A rule that the card refuses, as others have taken the room meanwhile, is not worth staying down for: dmesg says so, and the next
 * start tries again.
 *
 * Return: 0; or a negative errno when the card cannot be spoken to.
 */
int weir_rules_tell(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;

	xa_for_each(&weir->rules, location, rule) {
		int err = rule->told ? 0 : weir_rule_tell(weir, rule, NULL);

		if (err == -ENODEV || err == -ETIMEDOUT || err == -EPROTO)
			return err;
		if (err)
			netdev_warn(weir->netdev, "the card did not take the rule at %lu: error %d\n",
				    location, err);
	}
	return 0;
}

/**
 * weir_rules_forget() - the function was reset: the card knows no rules any more
 * @weir: the function
 */
void weir_rules_forget(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;

	xa_for_each(&weir->rules, location, rule) {
		rule->told = false;
		rule->seen = (struct weir_rule_counts){ 0 };
	}
}

/**
 * weir_rules_max_queue() - the greatest queue that a rule names
 * @weir: the function
 *
 * Return: its number, -1: none is named.
 */
int weir_rules_max_queue(struct weir_device *weir)
{
	struct weir_rule *rule;
	unsigned long location;
	int most = -1;

	xa_for_each(&weir->rules, location, rule)
		if (rule->action == WEIR_STEER_ACTION_QUEUE)
			most = max_t(int, most, rule->queue);
	return most;
}

/**
 * weir_rules_lead_to() - does a rule lead to a context?
 * @weir: the function
 * @context: its number
 *
 * Return: whether one does.
 */
bool weir_rules_lead_to(struct weir_device *weir, u32 context)
{
	struct weir_rule *rule;
	unsigned long location;

	xa_for_each(&weir->rules, location, rule)
		if (rule->action == WEIR_STEER_ACTION_SPREAD && rule->context == context)
			return true;
	return false;
}
