// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spread contexts (specs/steering.md, "Contexts"): further tables and keys to which steering rules lead (ethtool -X context new, -N
 * context N). Kept here, and told to the card when it has not been told of them yet, so that they outlive resets.
 *
 * Everything here runs under weir_lock().
 */
#include <linux/ethtool.h>

#include "weir_hw.h"

static bool weir_contexts_offered(const struct weir_device *weir)
{
	return weir->features & WEIR_REG_FEATURES_SPREAD_CONTEXTS_MASK;
}

static bool weir_contexts_live(struct weir_device *weir)
{
	return weir->data && weir_state_get(weir) == WEIR_STATE_RUNNING;
}

/**
 * weir_context_exists() - is there a context of this number?
 * @weir: the function
 * @number: from 1 on
 *
 * Return: whether there is.
 */
bool weir_context_exists(const struct weir_device *weir, u32 number)
{
	return number && number <= ARRAY_SIZE(weir->contexts) && weir->contexts[number - 1].exists;
}

static int weir_context_tell(struct weir_device *weir, u32 number)
{
	struct weir_context *context = &weir->contexts[number - 1];
	int err = weir_rss_command(weir, number, &context->rss, context->rss.types);

	if (!err)
		context->told = true;
	return err;
}

static int weir_context_untell(struct weir_device *weir, u32 number)
{
	struct weir_call *call;
	int err;

	if (!weir->contexts[number - 1].told || weir_state_get(weir) != WEIR_STATE_RUNNING)
		return 0;
	call = weir_call_begin(weir, WEIR_COMMAND_SPREAD_DELETE);
	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_SPREAD_CONTEXT, number);
	err = weir_call_run(call);
	weir_call_end(call);
	/* A function that is being reset forgets it. */
	return err == -ENOENT || err == -ENODEV ? 0 : err;
}

/**
 * weir_contexts_tell() - tell the card the contexts that it has not been told of
 * @weir: the function, whose queues are made
 *
 * Return: 0 or a negative errno.
 */
int weir_contexts_tell(struct weir_device *weir)
{
	u32 number;
	int err = 0;

	for (number = 1; number <= ARRAY_SIZE(weir->contexts) && !err; number++)
		if (weir_context_exists(weir, number) && !weir->contexts[number - 1].told)
			err = weir_context_tell(weir, number);
	return err;
}

/**
 * weir_contexts_forget() - the function was reset: the card knows no contexts any more
 * @weir: the function
 */
void weir_contexts_forget(struct weir_device *weir)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(weir->contexts); i++)
		weir->contexts[i].told = false;
}

/**
 * weir_contexts_max_queue() - the greatest queue that a context's table names
 * @weir: the function
 *
 * Return: its number, -1: none is named.
 */
int weir_contexts_max_queue(const struct weir_device *weir)
{
	int most = -1;
	unsigned int i, at;

	for (i = 0; i < ARRAY_SIZE(weir->contexts); i++)
		for (at = 0; weir->contexts[i].exists && at < WEIR_INDIRECTION_ENTRIES; at++)
			most = max_t(int, most, weir->contexts[i].rss.table[at]);
	return most;
}

/**
 * weir_context_choose() - a number that no context has
 * @weir: the function
 *
 * Return: it, or -ENOSPC: there are as many as can be.
 */
int weir_context_choose(const struct weir_device *weir)
{
	int number;

	for (number = 1; number <= ARRAY_SIZE(weir->contexts); number++)
		if (!weir_context_exists(weir, number))
			return number;
	return -ENOSPC;
}

/**
 * weir_context_init() - what a new context is where the user has no wish
 * @weir: the function
 * @rss: filled in: as the interface's own, but over all queues
 */
void weir_context_init(const struct weir_device *weir, struct weir_rss *rss)
{
	unsigned int i;

	*rss = weir->rss;
	for (i = 0; i < ARRAY_SIZE(rss->table); i++)
		rss->table[i] = ethtool_rxfh_indir_default(i, weir->config.pairs);
}

/**
 * weir_context_set() - make or change a context
 * @weir: the function
 * @number: which, from 1 to WEIR_SPREAD_CONTEXTS
 * @rss: what it shall be
 *
 * Return: 0, or a negative errno, nothing is changed then.
 */
int weir_context_set(struct weir_device *weir, u32 number, const struct weir_rss *rss)
{
	struct weir_context *context = &weir->contexts[number - 1], old = *context;
	int err = 0;

	if (!weir_contexts_offered(weir))
		return -EOPNOTSUPP;
	mutex_lock(&weir->rules_lock);
	context->exists = true;
	context->rss = *rss;
	if (weir_contexts_live(weir))
		err = weir_context_tell(weir, number);
	else
		context->told = false;
	if (err)
		*context = old;
	mutex_unlock(&weir->rules_lock);
	return err;
}

/**
 * weir_context_delete() - delete a context
 * @weir: the function
 * @number: which
 *
 * Return: 0; -ENOENT; -EBUSY: a rule leads to it; or another negative errno.
 */
int weir_context_delete(struct weir_device *weir, u32 number)
{
	int err;

	if (!weir_context_exists(weir, number))
		return -ENOENT;
	mutex_lock(&weir->rules_lock);
	err = weir_rules_lead_to(weir, number) ? -EBUSY : weir_context_untell(weir, number);
	if (!err)
		weir->contexts[number - 1].exists = weir->contexts[number - 1].told = false;
	mutex_unlock(&weir->rules_lock);
	return err;
}

/**
 * weir_context_rss() - what a context, or the interface itself, is set to
 * @weir: the function
 * @number: of the context, 0: the interface's own
 *
 * Return: it, or NULL: there is none.
 */
const struct weir_rss *weir_context_rss(const struct weir_device *weir, u32 number)
{
	if (!number)
		return &weir->rss;
	return weir_context_exists(weir, number) ? &weir->contexts[number - 1].rss : NULL;
}
