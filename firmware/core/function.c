/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of functions (specs/reset.md):
 *
 *             VF Enable                 everything quiet
 *   ABSENT ---------------> INIT ------------------------> READY (or FAILED)
 *      ^                     ^                               |
 *      |                     |  FLR, hot reset, VF disable   |
 *      | VF Enable cleared   +-------------------------------+
 *      +---------------------+                               |
 *                            |  SOFT_RESET, VF_RESET         v
 *                            +------------------------- QUIESCING
 *
 * A function in INIT or QUIESCING is on the reset list until nothing of it is in flight: its queues are closed, its admin
 * queue is aborted, its references are 0. Only then is everything of it made new, the generation counted up and the function
 * READY. Causes that come meanwhile fold into the reset that is under way, and what the host wrote meanwhile is dropped. A PF
 * takes its VFs along: they leave READY with it, it waits for what they have in flight, and they become READY after it.
 */
#include "core.h"

/* Resets that end in one poll: a thousand VFs that come up together share their polls with everybody else. */
#define RESETS_PER_POLL 64

/* The function exists, or shall: the PF always, a VF while VF Enable is set. */
static bool is_present(const struct weir_firmware *firmware, const struct weir_function *function)
{
	return function->index <= firmware->vfs_enabled;
}

bool weir_function_resetting(const struct weir_function *function)
{
	return function->reset_listed;
}

void weir_function_update_role(struct weir_function *function)
{
	if (function->index == 0)
		function->role = WEIR_ROLE_PF;
	else
		function->role = function->policy.trusted ? WEIR_ROLE_TRUSTED_VF : WEIR_ROLE_VF;
}

static void set_state(struct weir_firmware *firmware, struct weir_function *function,
		      enum weir_function_state state)
{
	if (function->state == state)
		return;
	function->state = (uint8_t)state;
	if (function->index != 0)
		weir_event_news(firmware, function, WEIR_EVENT_VF_STATE);
}

static struct weir_function *pf_of(struct weir_firmware *firmware)
{
	return &firmware->functions[0];
}

static void list_add(struct weir_firmware *firmware, struct weir_function *function)
{
	if (function->reset_listed)
		return;
	function->reset_listed = true;
	firmware->reset_list[firmware->functions_resetting++] = function->index;
}

/* ---- into a reset ---- */

/* Begins the reset of one function, or folds a cause into the one under way. */
static void begin_one(struct weir_firmware *firmware, struct weir_function *function, bool hardware)
{
	bool quiesce = !hardware && is_present(firmware, function);

	function->reset_hardware |= hardware;
	function->reset_notice = false;
	list_add(firmware, function);
	if (!function->reset_wanted) {
		function->reset_wanted = true;
		if (function->state == WEIR_FUNCTION_STATE_READY ||
		    function->state == WEIR_FUNCTION_STATE_FAILED)
			function->stats[WEIR_STAT_FUNCTION_RESETS]++;
		weir_vport_close(firmware, weir_function_vport(firmware, function));
		weir_admin_abort(firmware, function);
		function->interrupts_owed[0] = function->interrupts_owed[1] = 0;
		weir_function_queues_close(firmware, function);
		weir_ats_control(firmware, function, false);
		set_state(firmware, function,
			  quiesce ? WEIR_FUNCTION_STATE_QUIESCING : WEIR_FUNCTION_STATE_INIT);
	} else if (!quiesce) {
		set_state(firmware, function, WEIR_FUNCTION_STATE_INIT);
	}
	/* In a hardware reset the register is zero already, and that is INIT. */
	if (quiesce)
		weir_registers_status(firmware, function);
}

/* The same for a function and what goes with it. hardware: its gate is shut until hal_function_ready(). */
static void begin(struct weir_firmware *firmware, struct weir_function *function, bool hardware)
{
	begin_one(firmware, function, hardware);
	for (uint32_t i = 1; function->index == 0 && i <= firmware->vfs_enabled; i++)
		begin_one(firmware, &firmware->functions[i], false);
}

void weir_function_vf_enable(struct weir_firmware *firmware, uint64_t count)
{
	uint16_t before = firmware->vfs_enabled;

	firmware->vfs_enabled = count < firmware->config.total_vfs ? (uint16_t)count
								   : firmware->config.total_vfs;
	if (!firmware->vfs_enabled && !before)
		return;
	weir_trace_function(firmware, WEIR_TRACE_KIND_VF_ENABLE, 0, firmware->vfs_enabled);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, 0, "%u VFs enabled, %u before",
		 (uint32_t)firmware->vfs_enabled, (uint32_t)before);
	for (uint32_t i = firmware->vfs_enabled + 1u; i <= before; i++)
		begin(firmware, &firmware->functions[i], false);
	/* Those that were there have gone and come again meanwhile: all are in reset. */
	for (uint32_t i = 1; i <= firmware->vfs_enabled; i++)
		begin(firmware, &firmware->functions[i], true);
}

void weir_function_hardware_reset(struct weir_firmware *firmware, struct weir_function *function)
{
	/* A VF that is not enabled here was, or will be: VF_ENABLE says so, and READY answers both. */
	if (!is_present(firmware, function))
		return;
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, function->index, "reset by the bus");
	if (function->index == 0) {
		/* VF Enable is gone, and with this PF's life ends what its administrator decided. */
		for (uint32_t i = 1; i < firmware->function_count; i++)
			firmware->functions[i].policy = weir_vf_policy_default();
		weir_function_vf_enable(firmware, 0);
	}
	begin(firmware, function, true);
}

/* Tells a function that it will be reset; false: nobody listens. */
static bool announce(struct weir_firmware *firmware, struct weir_function *function)
{
	if (function->state != WEIR_FUNCTION_STATE_READY || !function->admin.running)
		return false;
	if (function->reset_notice)
		return true;
	function->reset_notice = true;
	weir_registers_status(firmware, function);
	weir_event_post(firmware, function, WEIR_EVENT_RESET_IMPENDING, 0, 0);
	return true;
}

/* Puts a reset off until what was announced has been delivered. */
static void put_off(struct weir_firmware *firmware, struct weir_function *function)
{
	function->reset_due_ns = firmware->now_ns + WEIR_RESET_NOTICE_NS;
	list_add(firmware, function);
}

void weir_function_soft_reset(struct weir_firmware *firmware, struct weir_function *function)
{
	bool announced = false;

	if (function->reset_wanted || !is_present(firmware, function))
		return;
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, function->index, "reset by its driver");
	/* VFs keep their existence and their settings, but are reset, too. */
	for (uint32_t i = 1; function->index == 0 && i <= firmware->vfs_enabled; i++)
		announced |= announce(firmware, &firmware->functions[i]);
	if (announced)
		put_off(firmware, function);
	else
		begin(firmware, function, false);
}

void weir_function_announced_reset(struct weir_firmware *firmware, struct weir_function *function)
{
	if (function->reset_listed)
		return;
	if (announce(firmware, function))
		put_off(firmware, function);
	else
		begin(firmware, function, false);
}

void weir_function_bus_master(struct weir_firmware *firmware, struct weir_function *function,
			      bool on)
{
	/* Off, everything stands still where it is; the HAL lets nothing out. */
	if (!on)
		return;
	weir_admin_activate(firmware, function);
	weir_datapath_wake(firmware, function);
}

/* ---- out of a reset ---- */

static void make_new(struct weir_firmware *firmware, struct weir_function *function)
{
	uint64_t resets = function->stats[WEIR_STAT_FUNCTION_RESETS];

	weir_function_queues_free(firmware, function);
	weir_admin_clear(function);
	weir_zero(function->stats, sizeof(function->stats));
	function->stats[WEIR_STAT_FUNCTION_RESETS] = resets;
	weir_mailbox_forget(firmware, function);
	function->mailbox_owner = 0;
	function->reset_wanted = false;
	weir_function_update_role(function);
}

static void bring_up(struct weir_firmware *firmware, struct weir_function *function,
		     bool mailbox_was_running)
{
	struct weir_vport *vport = weir_function_vport(firmware, function);
	enum weir_status status;

	function->generation++;
	status = weir_vport_open(firmware, vport);
	weir_registers_publish(firmware, function, mailbox_was_running);
	if (function->reset_hardware)
		hal_function_ready(firmware->hal, function->index);
	function->reset_hardware = false;
	set_state(firmware, function,
		  status ? WEIR_FUNCTION_STATE_FAILED : WEIR_FUNCTION_STATE_READY);
	weir_registers_status(firmware, function);
	if (status) {
		weir_log(firmware, WEIR_LOG_LEVEL_ERROR, function->index,
			 "no room in the sorter for the MAC %m: failed", vport->mac);
		return;
	}
	weir_trace_function(firmware, WEIR_TRACE_KIND_FUNCTION_READY, function->index,
			    function->generation);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, function->index, "ready, generation %u",
		 function->generation);
}

/* A reset was announced, and all who hear of it have heard, or had their time. */
static bool announcement_is_over(struct weir_firmware *firmware,
				 const struct weir_function *function)
{
	if (firmware->now_ns >= function->reset_due_ns)
		return true;
	if (function->index != 0)
		return !weir_admin_holds_event(function, WEIR_EVENT_RESET_IMPENDING);
	for (uint32_t i = 1; i <= firmware->vfs_enabled; i++) {
		if (weir_admin_holds_event(&firmware->functions[i], WEIR_EVENT_RESET_IMPENDING))
			return false;
	}
	return true;
}

/* Nothing of the function is in flight, of a PF's VFs neither. */
static bool is_quiet(const struct weir_firmware *firmware, const struct weir_function *function)
{
	if (function->references)
		return false;
	for (uint16_t i = 0; function->index == 0 && i < firmware->functions_resetting; i++) {
		if (firmware->functions[firmware->reset_list[i]].references)
			return false;
	}
	return true;
}

/* May the function become READY at this moment? */
static bool may_return(struct weir_firmware *firmware, const struct weir_function *function)
{
	if (!is_present(firmware, function))
		return true;
	/* What was written before READY is still with the hardware, unless that drops it itself during its resets. */
	if (firmware->events_left && !function->reset_hardware)
		return false;
	return function->index == 0 || !pf_of(firmware)->reset_wanted;
}

/* Lets a function on the list go on; true: it left the list. */
static bool go_on(struct weir_firmware *firmware, struct weir_function *function)
{
	if (!function->reset_wanted) {
		/* A PF that is about to be reset takes it along. */
		if (function->index != 0 && pf_of(firmware)->reset_listed)
			return false;
		if (!announcement_is_over(firmware, function))
			return false;
		begin(firmware, function, false);
	}
	if (!is_quiet(firmware, function) || !may_return(firmware, function))
		return false;
	bool mailbox_was_running = function->mailbox_waiting;

	make_new(firmware, function);
	function->reset_listed = false;
	if (is_present(firmware, function))
		bring_up(firmware, function, mailbox_was_running);
	else
		set_state(firmware, function, WEIR_FUNCTION_STATE_ABSENT);
	return true;
}

static void list_remove(struct weir_firmware *firmware, uint16_t at)
{
	firmware->reset_list[at] = firmware->reset_list[--firmware->functions_resetting];
}

uint32_t weir_functions_poll(struct weir_firmware *firmware)
{
	uint32_t done = 0;

	/* The PF first, since VFs return after it. */
	if (pf_of(firmware)->reset_listed && go_on(firmware, pf_of(firmware))) {
		uint16_t at = 0;

		while (firmware->reset_list[at] != 0)
			at++;
		list_remove(firmware, at);
		done++;
	}
	/* From the end: whoever takes a place that falls free had its turn. */
	for (uint16_t at = firmware->functions_resetting; at-- > 0 && done < RESETS_PER_POLL;) {
		struct weir_function *function = &firmware->functions[firmware->reset_list[at]];

		if (function->index == 0 || !go_on(firmware, function))
			continue;
		list_remove(firmware, at);
		done++;
	}
	return done;
}

void weir_functions_start(struct weir_firmware *firmware)
{
	for (uint32_t i = 0; i < firmware->function_count; i++) {
		struct weir_function *function = &firmware->functions[i];

		function->state = i == 0 ? WEIR_FUNCTION_STATE_INIT : WEIR_FUNCTION_STATE_ABSENT;
		function->policy = weir_vf_policy_default();
		weir_function_update_role(function);
	}
	begin(firmware, &firmware->functions[0], true);
}
