/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous events (specs/admin-queue.md). What waits for room in a completion ring is folded, so that it takes a fixed
 * place whatever happens:
 *   - what a function is told about itself: one of each kind (admin.held[]), the last state and a count;
 *   - what the PF is told about functions: bits and counts in the function it is about, and a list of such functions.
 * Misbehaviour goes out at most once a second per function and kind. Nobody is told anything while its queue does not run.
 */
#include "core.h"

#define MISBEHAVIOURS 6 /* one more than the last enum weir_misbehaviour */
_Static_assert(WEIR_MISBEHAVIOUR_DMA_FAULT < MISBEHAVIOURS, "there is room for every kind");
_Static_assert(WEIR_EVENT_FIRMWARE_ERROR < 8, "there is room for every event");

static struct weir_function *pf_of(struct weir_firmware *firmware)
{
	return &firmware->functions[0];
}

/* ---- to a function about itself ---- */

static void lost(struct weir_function *function, uint64_t count)
{
	struct weir_admin_event *held = &function->admin.held[WEIR_EVENT_EVENTS_LOST];

	function->stats[WEIR_STAT_FUNCTION_EVENTS_LOST] += count;
	if (!(function->admin.events & 1u << WEIR_EVENT_EVENTS_LOST))
		weir_zero(held, sizeof(*held));
	function->admin.events |= 1u << WEIR_EVENT_EVENTS_LOST;
	held->count = weir_cpu_to_le16(1);
	held->data = weir_cpu_to_le64(weir_le64_to_cpu(held->data) + count);
}

void weir_event_post(struct weir_firmware *firmware, struct weir_function *function,
		     enum weir_event event, uint64_t data, uint32_t detail)
{
	struct weir_admin *admin = &function->admin;
	struct weir_admin_event *held = &admin->held[event];
	uint16_t count = 0;

	if (!admin->running || admin->stopping)
		return;
	if (admin->events & 1u << event)
		count = weir_le16_to_cpu(held->count);
	/* More than an entry can count were folded into it while the ring was full. */
	if (count == UINT16_MAX)
		lost(function, 1);
	else
		count++;
	*held = (struct weir_admin_event){
		.count = weir_cpu_to_le16(count),
		.data = weir_cpu_to_le64(data),
		.detail = weir_cpu_to_le32(detail),
	};
	admin->events |= 1u << event;
	weir_admin_activate(firmware, function);
}

void weir_event_link(struct weir_firmware *firmware, struct weir_function *function)
{
	const struct weir_vport *vport = weir_function_vport(firmware, function);

	weir_event_post(firmware, function, WEIR_EVENT_LINK, weir_vport_speed_mbps(firmware, vport),
			vport->linked_up);
}

/* ---- to the PF about functions ---- */

static void news_add(struct weir_firmware *firmware, struct weir_function *function)
{
	if (!function->news_listed) {
		function->news_listed = true;
		firmware->news_list[firmware->news_count++] = function->index;
	}
	firmware->news_due_ns = 0;
	weir_admin_activate(firmware, pf_of(firmware));
}

static bool pf_listens(struct weir_firmware *firmware)
{
	const struct weir_admin *admin = &pf_of(firmware)->admin;

	return admin->running && !admin->stopping;
}

void weir_event_news(struct weir_firmware *firmware, struct weir_function *function,
		     enum weir_event event)
{
	if (!pf_listens(firmware))
		return;
	function->news |= (uint8_t)(1u << event);
	if (event == WEIR_EVENT_VF_STATE && function->news_states < UINT16_MAX)
		function->news_states++;
	news_add(firmware, function);
}

void weir_event_misbehaviour(struct weir_firmware *firmware, struct weir_function *function)
{
	if (pf_listens(firmware))
		news_add(firmware, function);
	else
		weir_zero(function->admin.misbehaviour_count,
			  sizeof(function->admin.misbehaviour_count));
}

/* When misbehaviour of this kind may be told. */
static uint64_t misbehaviour_due_ns(const struct weir_admin *admin, uint32_t kind)
{
	uint64_t sent_ns = admin->misbehaviour_sent_ns[kind];

	return sent_ns ? sent_ns + WEIR_NS_PER_SECOND : 0;
}

/* Is there something about the function to tell now? *due_ns falls to when there will be. */
static bool news_now(const struct weir_firmware *firmware, const struct weir_function *function,
		     uint64_t *due_ns)
{
	const struct weir_admin *admin = &function->admin;

	if (function->news)
		return true;
	for (uint32_t kind = 1; kind < MISBEHAVIOURS; kind++) {
		uint64_t due = misbehaviour_due_ns(admin, kind);

		if (!admin->misbehaviour_count[kind])
			continue;
		if (due <= firmware->now_ns)
			return true;
		if (due < *due_ns)
			*due_ns = due;
	}
	return false;
}

/* Finds a function with something to tell now; takes those off the list that have nothing at all. */
static struct weir_function *news_find(struct weir_firmware *firmware)
{
	uint64_t due_ns = UINT64_MAX;

	if (firmware->now_ns < firmware->news_due_ns)
		return NULL;
	for (uint16_t i = 0; i < firmware->news_count;) {
		struct weir_function *function = &firmware->functions[firmware->news_list[i]];
		uint64_t function_due_ns = UINT64_MAX;

		if (news_now(firmware, function, &function_due_ns))
			return function;
		if (function_due_ns == UINT64_MAX) {
			function->news_listed = false;
			firmware->news_list[i] = firmware->news_list[--firmware->news_count];
			continue;
		}
		if (function_due_ns < due_ns)
			due_ns = function_due_ns;
		i++;
	}
	firmware->news_due_ns = due_ns;
	return NULL;
}

uint64_t weir_event_due_ns(const struct weir_firmware *firmware)
{
	return firmware->news_count ? firmware->news_due_ns : UINT64_MAX;
}

/* Takes one piece of news about a function. */
static void news_take(struct weir_firmware *firmware, struct weir_function *function,
		      struct weir_admin_event *event)
{
	struct weir_admin *admin = &function->admin;

	event->function = weir_cpu_to_le16(function->index);
	event->count = weir_cpu_to_le16(1);
	if (function->news & 1u << WEIR_EVENT_RESET_IMPENDING) {
		function->news &= (uint8_t) ~(1u << WEIR_EVENT_RESET_IMPENDING);
		event->event = weir_cpu_to_le16(WEIR_EVENT_RESET_IMPENDING);
		event->detail = weir_cpu_to_le32(1);
		return;
	}
	if (function->news & 1u << WEIR_EVENT_VF_STATE) {
		function->news &= (uint8_t) ~(1u << WEIR_EVENT_VF_STATE);
		event->event = weir_cpu_to_le16(WEIR_EVENT_VF_STATE);
		event->detail = weir_cpu_to_le32(function->state);
		event->count = weir_cpu_to_le16(function->news_states);
		function->news_states = 0;
		return;
	}
	for (uint32_t kind = 1; kind < MISBEHAVIOURS; kind++) {
		uint32_t count = admin->misbehaviour_count[kind];

		if (!count || misbehaviour_due_ns(admin, kind) > firmware->now_ns)
			continue;
		if (count > UINT16_MAX) {
			lost(pf_of(firmware), count - UINT16_MAX);
			count = UINT16_MAX;
		}
		event->event = weir_cpu_to_le16(WEIR_EVENT_MISBEHAVIOUR);
		event->detail = weir_cpu_to_le32(kind);
		event->data = weir_cpu_to_le64(admin->misbehaviour_place[kind]);
		event->count = weir_cpu_to_le16((uint16_t)count);
		admin->misbehaviour_count[kind] = 0;
		admin->misbehaviour_sent_ns[kind] = firmware->now_ns ? firmware->now_ns : 1;
		return;
	}
}

/* ---- out ---- */

bool weir_event_waiting(struct weir_firmware *firmware, struct weir_function *function)
{
	return function->admin.events ||
	       (function->index == 0 && firmware->news_count && news_find(firmware));
}

void weir_event_take(struct weir_firmware *firmware, struct weir_function *function,
		     struct weir_admin_event *event)
{
	struct weir_admin *admin = &function->admin;

	if (admin->events) {
		uint32_t id = (uint32_t)__builtin_ctz(admin->events);

		admin->events &= ~(1u << id);
		*event = admin->held[id];
		event->event = weir_cpu_to_le16((uint16_t)id);
		event->function = weir_cpu_to_le16(function->index);
	} else {
		struct weir_function *about = news_find(firmware);

		*event = (struct weir_admin_event){ 0 };
		if (about)
			news_take(firmware, about, event);
	}
	event->kind = weir_cpu_to_le16(WEIR_ADMIN_ENTRY_EVENT);
	event->generation = weir_cpu_to_le32(function->generation);
}

void weir_event_drop(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	uint32_t dropped = 0;

	for (uint32_t id = 1; id < WEIR_ARRAY_SIZE(admin->held); id++)
		dropped += id != WEIR_EVENT_EVENTS_LOST && (admin->events & 1u << id);
	admin->events = 0;
	if (function->index == 0) {
		for (uint16_t i = 0; i < firmware->news_count; i++) {
			struct weir_function *about = &firmware->functions[firmware->news_list[i]];

			dropped++;
			about->news_listed = false;
			about->news = 0;
			about->news_states = 0;
			weir_zero(about->admin.misbehaviour_count,
				  sizeof(about->admin.misbehaviour_count));
		}
		firmware->news_count = 0;
	}
	function->stats[WEIR_STAT_FUNCTION_EVENTS_LOST] += dropped;
}
