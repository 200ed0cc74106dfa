/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The poll loop's turn. What nothing happens to costs nothing: completions and events come from the HAL, everything else is
 * on a list while it has something to do.
 */
#include "core.h"

/* Bounds of one turn, so that a flood of one kind leaves the others their share. */
#define COMPLETIONS_PER_POLL 1024
#define EVENTS_PER_POLL	     256
/* While a function is reset: what it was written before READY must be taken, and dropped, before it is READY. */
#define EVENTS_PER_POLL_IN_RESET 65536

static uint32_t take_completions(struct weir_firmware *firmware)
{
	struct hal_completion completion;
	uint32_t done = 0;

	while (done < COMPLETIONS_PER_POLL && hal_poll_completion(firmware->hal, &completion)) {
		done++;
		switch (WEIR_TAG_OWNER(completion.tag)) {
		case WEIR_TAG_BURST:
		case WEIR_TAG_REFILL:
			weir_datapath_complete(firmware, completion.tag, completion.result);
			break;
		case WEIR_TAG_ADMIN:
			weir_admin_complete(firmware, WEIR_TAG_LOW(completion.tag),
					    completion.result);
			break;
		case WEIR_TAG_IGNORE:
			break;
		default:
			weir_log(firmware, WEIR_LOG_LEVEL_ERROR, WEIR_FUNCTION_SELF,
				 "completion with tag %x of nobody", completion.tag);
			break;
		}
	}
	return done;
}

/* Events that are a function's. */
static void function_event(struct weir_firmware *firmware, struct weir_function *function,
			   const struct hal_event *event)
{
	switch ((enum hal_event_kind)event->kind) {
	case HAL_EVENT_DOORBELL:
		/* Before READY a doorbell is to nobody: what it was meant for is gone. */
		if (function->state == WEIR_FUNCTION_STATE_READY)
			weir_datapath_doorbell(firmware, function->index, event->offset,
					       (uint32_t)event->value);
		break;
	case HAL_EVENT_REGISTER:
		weir_registers_written(firmware, function, event->offset, (uint32_t)event->value);
		break;
	case HAL_EVENT_RESET:
		weir_function_hardware_reset(firmware, function);
		break;
	case HAL_EVENT_BUS_MASTER:
		weir_function_bus_master(firmware, function, event->value);
		break;
	case HAL_EVENT_BAD_ACCESS:
		function->stats[WEIR_STAT_FUNCTION_BAD_MMIO] += event->value ? event->value : 1;
		weir_log(firmware, WEIR_LOG_LEVEL_WARNING, function->index,
			 "access to nothing at offset %x", event->offset);
		break;
	case HAL_EVENT_ATS_CONTROL:
		weir_ats_control(firmware, function, event->value);
		break;
	case HAL_EVENT_ATS_INVALIDATE:
		weir_ats_invalidate(firmware, function->index, event->value);
		break;
	case HAL_EVENT_NONE:
	case HAL_EVENT_VF_ENABLE:
	case HAL_EVENT_LINK:
	case HAL_EVENT_TRACE:
		break;
	}
}

static void take_event(struct weir_firmware *firmware, struct hal_event *event)
{
	switch ((enum hal_event_kind)event->kind) {
	case HAL_EVENT_VF_ENABLE:
		weir_function_vf_enable(firmware, event->value);
		break;
	case HAL_EVENT_LINK:
		if (event->offset < firmware->config.ports)
			weir_link_changed(firmware, (uint8_t)event->offset);
		break;
	case HAL_EVENT_TRACE:
		weir_trace_hardware(firmware, &event->trace);
		break;
	default:
		if (event->function < firmware->function_count)
			function_event(firmware, &firmware->functions[event->function], event);
		break;
	}
}

static uint32_t take_events(struct weir_firmware *firmware)
{
	struct hal_event event;
	uint32_t done = 0;

	firmware->events_left = true;
	while (done < (firmware->functions_resetting ? EVENTS_PER_POLL_IN_RESET : EVENTS_PER_POLL) &&
	       weir_ats_has_room(firmware)) {
		if (!hal_poll_event(firmware->hal, &event)) {
			firmware->events_left = false;
			break;
		}
		done++;
		take_event(firmware, &event);
	}
	return done;
}

uint32_t weir_firmware_poll(struct weir_firmware *firmware)
{
	uint32_t done;

	hal_watchdog_kick(firmware->hal);
	firmware->now_ns = hal_now_ns(firmware->hal);
	done = take_completions(firmware);
	done += take_events(firmware);
	if (firmware->functions_resetting)
		done += weir_functions_poll(firmware);
	if (firmware->news_count && firmware->now_ns >= firmware->news_due_ns)
		weir_admin_activate(firmware, &firmware->functions[0]);
	if (firmware->admin_list_count)
		done += weir_admin_poll(firmware);
	if (weir_timers_due_ns(firmware) <= firmware->now_ns)
		done += weir_timers_poll(firmware);
	if (firmware->interrupts_owed)
		done += weir_interrupts_poll(firmware);
	if (firmware->ats.count)
		done += weir_ats_poll(firmware);
	return done + weir_datapath_poll(firmware);
}

bool weir_firmware_may_sleep(struct weir_firmware *firmware, uint64_t *until_ns)
{
	uint64_t due_ns = weir_event_due_ns(firmware);

	*until_ns = UINT64_MAX;
	if (!weir_datapath_may_sleep(firmware))
		return false;
	/* News that is due already waits for room in the PF's ring, and that comes with a doorbell. */
	if (due_ns > firmware->now_ns)
		*until_ns = due_ns;
	if (weir_timers_due_ns(firmware) < *until_ns)
		*until_ns = weir_timers_due_ns(firmware);
	/* These wait for operations in flight, whose completions wake the home, or for a board that is full. */
	if ((firmware->functions_resetting || firmware->admin_list_count ||
	     firmware->interrupts_owed || firmware->ats.count) &&
	    firmware->now_ns + WEIR_WAITING_NS < *until_ns)
		*until_ns = firmware->now_ns + WEIR_WAITING_NS;
	return true;
}
