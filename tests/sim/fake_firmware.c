/* SPDX-License-Identifier: BSD-3-Clause */
/* The firmware of tests/sim. */
#include "fake_firmware.h"

#include <string.h>

struct weir_firmware *fake_last;

size_t weir_firmware_bytes(const struct weir_firmware_config *config)
{
	(void)config;
	return sizeof(struct weir_firmware);
}

struct weir_firmware *weir_firmware_init(void *memory, struct hal *hal,
					 const struct weir_firmware_config *config)
{
	struct weir_firmware *firmware = memory;

	firmware->hal = hal;
	firmware->config = *config;
	fake_last = firmware;
	return firmware;
}

void fake_make_ready(struct weir_firmware *firmware, uint16_t function)
{
	struct hal *hal = firmware->hal;

	hal_register_set(hal, function, WEIR_REG_MAGIC, 0x57454952);
	hal_register_set(hal, function, WEIR_REG_FUNCTION, function);
	hal_register_set(hal, function, WEIR_REG_GENERATION,
			 hal_register_get(hal, function, WEIR_REG_GENERATION) + 1);
	hal_register_set(hal, function, WEIR_REG_STATUS,
			 WEIR_PREP(WEIR_REG_STATUS_STATE, WEIR_FUNCTION_STATE_READY));
	hal_function_ready(hal, function);
}

static void take_event(struct weir_firmware *firmware, const struct hal_event *event)
{
	if (firmware->event_count < FAKE_EVENTS)
		firmware->events[firmware->event_count++] = *event;
	if (event->kind == HAL_EVENT_ATS_INVALIDATE && !firmware->hold_invalidations)
		hal_ats_invalidate_done(firmware->hal, event->function, event->value);
	if (firmware->hold_ready)
		return;
	if (event->kind == HAL_EVENT_RESET)
		fake_make_ready(firmware, event->function);
	for (uint64_t n = 1; event->kind == HAL_EVENT_VF_ENABLE && n <= event->value; n++)
		fake_make_ready(firmware, (uint16_t)n);
}

uint32_t weir_firmware_poll(struct weir_firmware *firmware)
{
	struct hal_completion completion;
	struct hal_event event;
	uint32_t done = 0;

	hal_watchdog_kick(firmware->hal);
	if (!firmware->started) {
		firmware->started = true;
		if (!firmware->hold_ready)
			fake_make_ready(firmware, 0);
		done++;
	}
	while (!firmware->deaf && hal_poll_event(firmware->hal, &event)) {
		take_event(firmware, &event);
		done++;
	}
	while (hal_poll_completion(firmware->hal, &completion)) {
		if (firmware->completion_count < FAKE_COMPLETIONS)
			firmware->completions[firmware->completion_count++] = completion;
		done++;
	}
	return done;
}

bool weir_firmware_may_sleep(struct weir_firmware *firmware, uint64_t *until_ns)
{
	*until_ns = UINT64_MAX;
	return firmware->started;
}

enum weir_status weir_firmware_manage(struct weir_firmware *firmware, uint16_t opcode,
				      const void *request, uint32_t request_bytes, void *response,
				      uint32_t capacity, uint32_t *response_bytes, uint32_t *detail)
{
	(void)firmware;
	*response_bytes = 0;
	*detail = opcode;
	if (opcode != WEIR_COMMAND_ECHO || request_bytes > capacity)
		return WEIR_STATUS_UNKNOWN_COMMAND;
	memcpy(response, request, request_bytes);
	*response_bytes = request_bytes;
	return WEIR_STATUS_OK;
}

void fake_forget(struct weir_firmware *firmware)
{
	firmware->event_count = 0;
}

uint32_t fake_count(const struct weir_firmware *firmware, enum hal_event_kind kind,
		    uint16_t function)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < firmware->event_count; i++)
		count += firmware->events[i].kind == kind &&
			 (function == UINT16_MAX || firmware->events[i].function == function);
	return count;
}

const struct hal_event *fake_event(const struct weir_firmware *firmware, enum hal_event_kind kind,
				   uint16_t function, uint32_t n)
{
	for (uint32_t i = 0; i < firmware->event_count; i++) {
		const struct hal_event *event = &firmware->events[i];

		if (event->kind == kind && event->function == function && !n--)
			return event;
	}
	return NULL;
}
