/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invalidations: taking a translation away is over when nobody uses it any more. Three may: the translations held ready in the
 * fast path (emptied at once), operations in flight (asked of the home), and, when ATS is on, the function's own address
 * translation cache: it is sent a request and answers (PCIe 5.0, 10.3).
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Nothing holds this one up any more. */
static bool is_over(struct weirsim *sim, const struct sim_function *function,
		    const struct sim_invalidation *invalidation)
{
	if (invalidation->ask_firmware && !invalidation->answered)
		return false;
	return !sim_home_in_flight(sim, function->number, invalidation->iova, invalidation->bytes,
				   invalidation->before);
}

static void tell(struct weirsim *sim, const struct sim_function *function,
		 const struct sim_invalidation *invalidation)
{
	if (invalidation->external) {
		if (sim->host.invalidate_done)
			sim->host.invalidate_done(sim->config.opaque, function->number,
						  invalidation->external_tag);
	} else if (invalidation->done) {
		invalidation->done(invalidation->opaque);
	}
}

/* Ends those of function that are over. */
static uint32_t end_those_over(struct weirsim *sim, struct sim_function *function)
{
	struct sim_invalidation **link = &function->invalidations;
	uint32_t ended = 0;

	while (*link) {
		struct sim_invalidation *invalidation = *link;

		if (!is_over(sim, function, invalidation)) {
			link = &invalidation->next;
			continue;
		}
		*link = invalidation->next;
		if (!*link)
			function->invalidations_end = link;
		if (invalidation->sent)
			function->invalidations_sent--;
		sim->iommu.waiting--;
		ended++;
		tell(sim, function, invalidation);
		free(invalidation);
	}
	return ended;
}

int sim_invalidate_prepare(struct weirsim *sim, struct sim_function *function,
			   const struct sim_invalidation *request)
{
	struct sim_invalidation *invalidation = malloc(sizeof(*invalidation));

	if (!invalidation)
		return -ENOMEM;
	*invalidation = *request;
	invalidation->next = NULL;
	invalidation->id = ++sim->iommu.next_id;
	invalidation->before = sim_home_next(sim);
	invalidation->ask_firmware = function->ready && function->ats;
	invalidation->sent = invalidation->answered = false;
	*function->invalidations_end = invalidation;
	function->invalidations_end = &invalidation->next;
	sim->iommu.waiting++;
	return 0;
}

void sim_invalidate_begin(struct weirsim *sim, struct sim_function *function)
{
	sim_function_close_windows(function);
	end_those_over(sim, function);
	for (const struct sim_invalidation *i = function->invalidations; i; i = i->next) {
		if (i->ask_firmware && !i->sent) {
			sim_event_set(sim, function, SIM_EVENT_INVALIDATE);
			return;
		}
	}
}

bool sim_invalidate_next(struct sim_function *function, struct hal_event *event)
{
	struct sim_invalidation *invalidation;

	if (function->invalidations_sent == SIM_INVALIDATE_DEPTH)
		return false;
	for (invalidation = function->invalidations; invalidation;
	     invalidation = invalidation->next) {
		if (invalidation->ask_firmware && !invalidation->sent)
			break;
	}
	if (!invalidation)
		return false;
	invalidation->sent = true;
	function->invalidations_sent++;
	event->kind = HAL_EVENT_ATS_INVALIDATE;
	event->value = invalidation->id;
	event->address = invalidation->iova;
	event->bytes = invalidation->bytes;
	return true;
}

void sim_invalidate_answer(struct weirsim *sim, uint16_t number, uint64_t id)
{
	struct sim_function *function = number < sim->hal.function_limit ? sim->functions[number]
									 : NULL;

	if (!function)
		return;
	for (struct sim_invalidation *i = function->invalidations; i; i = i->next) {
		if (i->id == id && i->sent)
			i->answered = true;
	}
	/* An answer makes room for a request that was held back. */
	sim_invalidate_begin(sim, function);
}

void hal_board_ats_invalidate_done(struct hal *hal, uint16_t function, uint64_t invalidate_tag)
{
	sim_invalidate_answer(sim_of(hal), function, invalidate_tag);
}

void sim_invalidate_release(struct weirsim *sim, struct sim_function *function)
{
	for (struct sim_invalidation *i = function->invalidations; i; i = i->next)
		i->ask_firmware = false;
	end_those_over(sim, function);
}

uint32_t sim_invalidate_step(struct weirsim *sim)
{
	uint32_t ended = 0;

	for (uint32_t n = 0; sim->iommu.waiting && n < sim->hal.function_limit; n++) {
		if (sim->functions[n] && sim->functions[n]->invalidations)
			ended += end_those_over(sim, sim->functions[n]);
	}
	return ended;
}
