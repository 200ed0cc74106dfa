/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A firmware that does next to nothing, so that the hardware can be looked at alone: it writes down what the door tells it, and makes
 * functions ready. Tests call the door themselves in its place.
 */
#ifndef TESTS_SIM_FAKE_FIRMWARE_H
#define TESTS_SIM_FAKE_FIRMWARE_H

#include "hal.h"
#include "weir_firmware.h"

#define FAKE_EVENTS	 8192
#define FAKE_COMPLETIONS 1024

struct weir_firmware {
	struct hal *hal;
	struct weir_firmware_config config;
	bool started;
	bool hold_ready;	 /* leaves functions in reset */
	bool hold_invalidations; /* does not answer them */
	bool deaf;		 /* takes no events */
	struct hal_event events[FAKE_EVENTS];
	uint32_t event_count;
	struct hal_completion completions[FAKE_COMPLETIONS];
	uint32_t completion_count;
};

/* The firmware of the card made last in this process. */
extern struct weir_firmware *fake_last;

/* Sets up the registers of a function that starts its next generation, and lets it leave reset. */
void fake_make_ready(struct weir_firmware *firmware, uint16_t function);
/* Forgets the events written down. */
void fake_forget(struct weir_firmware *firmware);
/* How many events of a kind were written down, of any function if function is UINT16_MAX. */
uint32_t fake_count(const struct weir_firmware *firmware, enum hal_event_kind kind,
		    uint16_t function);
/* The n-th event of a kind of function, NULL when there is none. */
const struct hal_event *fake_event(const struct weir_firmware *firmware, enum hal_event_kind kind,
				   uint16_t function, uint32_t n);

#endif
