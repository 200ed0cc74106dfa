/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the sender's steering rules (specs/steering.md); the rules themselves are the datapath's. */
#include "core.h"

/* Most that one response lists. */
#define LOCATIONS 512u

static enum weir_status take_words(struct weir_request *request, enum weir_attribute_id attribute,
				   struct weir_steer_words *words)
{
	if (request->arguments.bytes[attribute] != sizeof(struct weir_steer_key))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, attribute);
	weir_copy(words, request->arguments.data[attribute], sizeof(*words));
	return WEIR_STATUS_OK;
}

/* Key and mask; a bit that is asked for must count, and no reserved one may. */
static enum weir_status take_match(struct weir_request *request, struct weir_steer_request *rule)
{
	static const uint8_t none[sizeof(((struct weir_steer_key *)0)->reserved)];
	enum weir_status status = take_words(request, WEIR_ATTRIBUTE_STEER_KEY, &rule->key);
	struct weir_steer_key mask;

	if (!status)
		status = take_words(request, WEIR_ATTRIBUTE_STEER_MASK, &rule->mask);
	if (status)
		return status;
	weir_copy(&mask, &rule->mask, sizeof(mask));
	if (__builtin_memcmp(mask.reserved, none, sizeof(none)) != 0)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_STEER_MASK);
	for (uint32_t i = 0; i < WEIR_STEER_WORDS; i++) {
		if (rule->key.word[i] & ~rule->mask.word[i])
			return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_STEER_KEY);
	}
	return WEIR_STATUS_OK;
}

/* A queue belongs to the action QUEUE, a context to SPREAD, and to no other; a frame that is dropped has no interrupt, and what its
 * completion tells is up to the rule that decides. */
static enum weir_status take_action(struct weir_request *request, struct weir_steer_request *rule)
{
	const struct weir_arguments *arguments = &request->arguments;
	bool has_queue = weir_has(arguments, WEIR_ATTRIBUTE_QUEUE);

	if (arguments->number[WEIR_ATTRIBUTE_STEER_ACTION] > WEIR_STEER_ACTION_NEXT)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_STEER_ACTION);
	rule->action = (uint8_t)arguments->number[WEIR_ATTRIBUTE_STEER_ACTION];
	if (has_queue && rule->action != WEIR_STEER_ACTION_QUEUE)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_QUEUE);
	if (weir_has(arguments, WEIR_ATTRIBUTE_SPREAD_CONTEXT) &&
	    rule->action != WEIR_STEER_ACTION_SPREAD)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	if (weir_has(arguments, WEIR_ATTRIBUTE_STEER_MARK) && rule->action == WEIR_STEER_ACTION_NEXT)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_STEER_MARK);
	if (weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY, 0) >
	    (rule->action != WEIR_STEER_ACTION_DROP))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_LOW_LATENCY);
	rule->low_latency = weir_number(arguments, WEIR_ATTRIBUTE_LOW_LATENCY, 0);
	rule->context = (uint8_t)weir_number(arguments, WEIR_ATTRIBUTE_SPREAD_CONTEXT, 0);
	rule->queue = (uint16_t)weir_number(arguments, WEIR_ATTRIBUTE_QUEUE, 0);
	rule->marks = weir_has(arguments, WEIR_ATTRIBUTE_STEER_MARK);
	rule->mark = (uint32_t)weir_number(arguments, WEIR_ATTRIBUTE_STEER_MARK, 0);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_steer_add(struct weir_request *request)
{
	struct weir_firmware *firmware = request->firmware;
	const struct weir_arguments *arguments = &request->arguments;
	struct weir_vport *vport = weir_function_vport(firmware, request->function);
	struct weir_steer_request rule = {
		.location = (uint16_t)arguments->number[WEIR_ATTRIBUTE_STEER_LOCATION],
	};
	enum weir_status status = weir_request_driver(request);

	if (status)
		return status;
	if (arguments->number[WEIR_ATTRIBUTE_STEER_ACTION] == WEIR_STEER_ACTION_QUEUE &&
	    !weir_has(arguments, WEIR_ATTRIBUTE_QUEUE))
		return weir_refuse(request, WEIR_STATUS_MISSING_ATTRIBUTE, WEIR_ATTRIBUTE_QUEUE);
	status = take_match(request, &rule);
	if (!status)
		status = take_action(request, &rule);
	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	if (rule.action == WEIR_STEER_ACTION_QUEUE &&
	    !weir_vport_has_queue(firmware, vport, rule.queue))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_QUEUE);
	if (rule.context && !weir_context_find(firmware, vport, rule.context))
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_SPREAD_CONTEXT);
	weir_vport_release(firmware, vport);
	return weir_steer_add(firmware, vport, &rule, &request->detail);
}

enum weir_status weir_command_steer_delete(struct weir_request *request)
{
	struct weir_vport *vport = weir_function_vport(request->firmware, request->function);
	enum weir_status status = weir_request_driver(request);

	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	weir_vport_release(request->firmware, vport);
	status = weir_steer_delete(
		request->firmware, vport,
		(uint16_t)request->arguments.number[WEIR_ATTRIBUTE_STEER_LOCATION]);
	return weir_refuse(request, status, status ? WEIR_ATTRIBUTE_STEER_LOCATION : 0);
}

/* The rule that the request speaks of; NULL: NOT_FOUND. */
static const struct weir_steer_rule *named_rule(struct weir_request *request)
{
	return weir_steer_find(request->firmware,
			       weir_function_vport(request->firmware, request->function),
			       (uint16_t)request->arguments.number[WEIR_ATTRIBUTE_STEER_LOCATION]);
}

enum weir_status weir_command_steer_get(struct weir_request *request)
{
	struct weir_writer *response = &request->response;
	enum weir_status status = weir_request_driver(request);
	const struct weir_steer_rule *rule;

	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	rule = named_rule(request);
	if (!rule)
		return weir_refuse(request, WEIR_STATUS_NOT_FOUND, WEIR_ATTRIBUTE_STEER_LOCATION);
	weir_put_bytes(response, WEIR_ATTRIBUTE_STEER_KEY, &rule->key, sizeof(rule->key));
	weir_put_bytes(response, WEIR_ATTRIBUTE_STEER_MASK,
		       weir_steer_mask(request->firmware, rule), sizeof(struct weir_steer_words));
	weir_put_u8(response, WEIR_ATTRIBUTE_STEER_ACTION, rule->action);
	if (rule->action == WEIR_STEER_ACTION_QUEUE)
		weir_put_u16(response, WEIR_ATTRIBUTE_QUEUE, rule->queue);
	if (rule->context)
		weir_put_u8(response, WEIR_ATTRIBUTE_SPREAD_CONTEXT, rule->context);
	if (rule->marks)
		weir_put_u32(response, WEIR_ATTRIBUTE_STEER_MARK, rule->mark);
	weir_put_u8(response, WEIR_ATTRIBUTE_LOW_LATENCY, rule->low_latency);
	weir_put_u64(response, WEIR_ATTRIBUTE_STEER_FRAMES, rule->frames);
	weir_put_u64(response, WEIR_ATTRIBUTE_STEER_BYTES, rule->bytes);
	return WEIR_STATUS_OK;
}

enum weir_status weir_command_steer_list(struct weir_request *request)
{
	const struct weir_steer_rule *after = NULL;
	enum weir_status status = weir_request_driver(request);
	uint16_t locations[LOCATIONS];
	uint32_t count;

	if (!status)
		status = weir_request_vport(request);
	if (status)
		return status;
	if (weir_has(&request->arguments, WEIR_ATTRIBUTE_STEER_LOCATION)) {
		after = named_rule(request);
		if (!after)
			return weir_refuse(request, WEIR_STATUS_NOT_FOUND,
					   WEIR_ATTRIBUTE_STEER_LOCATION);
	}
	count = weir_steer_list(request->firmware,
				weir_function_vport(request->firmware, request->function), after,
				locations, LOCATIONS);
	if (!count)
		return WEIR_STATUS_OK;
	uint8_t *to = weir_put_room(&request->response, WEIR_ATTRIBUTE_STEER_LOCATIONS, 2 * count);

	for (uint32_t i = 0; to && i < count; i++)
		weir_put_le(to + 2 * i, locations[i], 2);
	return WEIR_STATUS_OK;
}
