/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that read and adjust the card's clock (specs/time.md). */
#include "core.h"

#define TIME_LIMIT (1ull << 63) /* a clock is below */

enum weir_status weir_command_time_get(struct weir_request *request)
{
	const struct weir_firmware *firmware = request->firmware;
	struct weir_writer *response = &request->response;

	weir_put_u64(response, WEIR_ATTRIBUTE_TIME,
		     weir_clock_at(&firmware->clock, hal_now_ns(firmware->hal)));
	weir_put_u64(response, WEIR_ATTRIBUTE_TIME_RATE, (uint64_t)firmware->clock_rate);
	weir_put_u64(response, WEIR_ATTRIBUTE_TIME_RATE_MAX, WEIR_TIME_MAX_RATE);
	return WEIR_STATUS_OK;
}

/* What the clock shall say in place of *time_ns. */
static enum weir_status wanted_time(struct weir_request *request, uint64_t *time_ns)
{
	const struct weir_arguments *arguments = &request->arguments;
	bool moved = weir_has(arguments, WEIR_ATTRIBUTE_TIME_OFFSET);

	if (moved) {
		/* Modulo 2^64: below 0 is beyond the limit as well, the sum of two that are below it never wraps. */
		*time_ns += arguments->number[WEIR_ATTRIBUTE_TIME_OFFSET];
		if (weir_has(arguments, WEIR_ATTRIBUTE_TIME) || *time_ns >= TIME_LIMIT)
			return weir_refuse(request, WEIR_STATUS_BAD_VALUE,
					   WEIR_ATTRIBUTE_TIME_OFFSET);
	}
	*time_ns = weir_number(arguments, WEIR_ATTRIBUTE_TIME, *time_ns);
	return *time_ns < TIME_LIMIT
		       ? WEIR_STATUS_OK
		       : weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_TIME);
}

enum weir_status weir_command_time_set(struct weir_request *request)
{
	struct weir_firmware *firmware = request->firmware;
	const struct weir_arguments *arguments = &request->arguments;
	int64_t rate = (int64_t)weir_number(arguments, WEIR_ATTRIBUTE_TIME_RATE,
					    (uint64_t)firmware->clock_rate);
	struct weir_clock clock = { .since_ns = hal_now_ns(firmware->hal) };
	uint64_t before_ns = weir_clock_at(&firmware->clock, clock.since_ns);
	enum weir_status status;

	clock.time_ns = before_ns;
	status = wanted_time(request, &clock.time_ns);
	if (status)
		return status;
	if (rate > WEIR_TIME_MAX_RATE || rate < -WEIR_TIME_MAX_RATE)
		return weir_refuse(request, WEIR_STATUS_BAD_VALUE, WEIR_ATTRIBUTE_TIME_RATE);
	/* Nothing can fail past this point. */
	clock.rate = weir_clock_rate(rate);
	firmware->clock = clock;
	firmware->clock_rate = rate;
	hal_clock_set(firmware->hal, &clock);
	if (clock.time_ns != before_ns)
		weir_log(firmware, WEIR_LOG_LEVEL_INFO, request->function->index,
			 "clock set from %X to %X ns", before_ns, clock.time_ns);
	/* A time daemon changes it every second. */
	if (weir_has(arguments, WEIR_ATTRIBUTE_TIME_RATE))
		weir_log(firmware, WEIR_LOG_LEVEL_DEBUG, request->function->index,
			 "clock rate is %X", (uint64_t)rate);
	return WEIR_STATUS_OK;
}
