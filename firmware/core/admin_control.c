/* SPDX-License-Identifier: BSD-3-Clause */
/* The admin queue's registers (specs/admin-queue.md): enabling, stopping, doorbells. What the queue does is in admin.c. */
#include "admin.h"

static void set_status(struct weir_firmware *firmware, const struct weir_function *function,
		       enum weir_status error)
{
	hal_register_set(firmware->hal, function->index, WEIR_REG_ADMIN_STATUS,
			 WEIR_PREP(WEIR_REG_ADMIN_STATUS_RUNNING, function->admin.running) |
				 WEIR_PREP(WEIR_REG_ADMIN_STATUS_ERROR, error));
}

/* ---- enable and stop ---- */

/* A ring's base: its two registers, the low one at offset. */
static uint64_t base_of(struct weir_firmware *firmware, const struct weir_function *function,
			uint32_t offset)
{
	uint64_t low = hal_register_get(firmware->hal, function->index, offset);
	uint64_t high = hal_register_get(firmware->hal, function->index, offset + 4);

	return high << 32 | low;
}

/* Does the ring lie on its alignment, and inside the address space? */
static bool placed(uint64_t address, uint64_t bytes)
{
	return address % 64 == 0 && address + bytes - 1 >= address;
}

/* Takes the registers into use. */
static enum weir_status enable(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	uint32_t sizes = hal_register_get(firmware->hal, function->index, WEIR_REG_ADMIN_SIZES);
	uint32_t sq_log2 = WEIR_GET(WEIR_REG_ADMIN_SIZES_SQ_LOG2, sizes);
	uint32_t cq_log2 = WEIR_GET(WEIR_REG_ADMIN_SIZES_CQ_LOG2, sizes);
	uint32_t vector = WEIR_GET(WEIR_REG_ADMIN_SIZES_VECTOR, sizes);
	uint64_t sq = base_of(firmware, function, WEIR_REG_ADMIN_SQ_BASE_LOW);
	uint64_t cq = base_of(firmware, function, WEIR_REG_ADMIN_CQ_BASE_LOW);

	if (sq_log2 < WEIR_ADMIN_RING_MIN_LOG2 || sq_log2 > WEIR_ADMIN_RING_MAX_LOG2 ||
	    cq_log2 <= sq_log2 || cq_log2 > WEIR_ADMIN_RING_MAX_LOG2)
		return WEIR_STATUS_BAD_VALUE;
	if (vector != WEIR_VECTOR_NONE && vector >= function->vectors)
		return WEIR_STATUS_BAD_VALUE;
	if (!placed(sq, sizeof(struct weir_admin_command) << sq_log2) ||
	    !placed(cq, sizeof(struct weir_admin_completion) << cq_log2))
		return WEIR_STATUS_BAD_VALUE;
	admin->sq_log2 = (uint8_t)sq_log2;
	admin->cq_log2 = (uint8_t)cq_log2;
	admin->vector = (uint16_t)vector;
	admin->sq_address = sq;
	admin->cq_address = cq;
	admin->sq_head = admin->sq_tail = admin->cq_produced = admin->cq_head = 0;
	admin->armed = false;
	admin->event_turn = true;
	admin->running = true;
	return WEIR_STATUS_OK;
}

static void try_enable(struct weir_firmware *firmware, struct weir_function *function)
{
	enum weir_status status = enable(firmware, function);

	set_status(firmware, function, status);
	if (status) {
		weir_log(firmware, WEIR_LOG_LEVEL_WARNING, function->index,
			 "admin queue not enabled: size, alignment or vector");
		return;
	}
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, function->index,
		 "admin queue enabled, 2^%u commands", (uint32_t)function->admin.sq_log2);
	weir_event_link(firmware, function);
}

/* Nothing new begins; the queue is stopped when nothing of it is in flight. */
static void stop(struct weir_firmware *firmware, struct weir_function *function,
		 enum weir_status status)
{
	struct weir_admin *admin = &function->admin;

	admin->stopping = true;
	admin->stop_status = (uint8_t)status;
	weir_event_drop(firmware, function);
	weir_admin_activate(firmware, function);
}

void weir_admin_stop_for(struct weir_firmware *firmware, struct weir_function *function,
			 enum weir_misbehaviour why, enum weir_status status, const char *what,
			 uint32_t value)
{
	function->stats[WEIR_STAT_FUNCTION_QUEUES_STOPPED]++;
	if (why == WEIR_MISBEHAVIOUR_DMA_FAULT)
		function->stats[WEIR_STAT_FUNCTION_DMA_FAULTS]++;
	else
		function->stats[WEIR_STAT_FUNCTION_BAD_DOORBELLS]++;
	stop(firmware, function, status);
	weir_misbehaviour_at(firmware, function, why, what, value,
			     WEIR_PLACE_NONE | WEIR_PLACE_STOPPED);
}

void weir_admin_stopped(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;

	admin->running = admin->stopping = false;
	set_status(firmware, function, (enum weir_status)admin->stop_status);
	weir_log(firmware, WEIR_LOG_LEVEL_INFO, function->index, "admin queue stopped, status %u",
		 (uint32_t)admin->stop_status);
	if (admin->enable_wanted)
		try_enable(firmware, function);
	admin->enable_wanted = false;
}

void weir_admin_control(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value)
{
	struct weir_admin *admin = &function->admin;

	if (value & WEIR_REG_ADMIN_CONTROL_ENABLE_MASK) {
		if (admin->stopping)
			admin->enable_wanted = true;
		else if (!admin->running)
			try_enable(firmware, function);
		return;
	}
	admin->enable_wanted = false;
	if (admin->running)
		stop(firmware, function, WEIR_STATUS_OK);
	else
		set_status(firmware, function, WEIR_STATUS_OK);
}

void weir_admin_abort(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;

	if (admin->running)
		weir_event_drop(firmware, function);
	admin->running = admin->stopping = admin->enable_wanted = false;
	admin->returned = admin->again = false;
	/* An operation in flight is waited for by its reference, and has its buffer until then; its result is forgotten with
	 * everything else. */
	admin->stage = ADMIN_IDLE;
	if (!admin->waiting)
		weir_admin_release(firmware, function);
}

void weir_admin_clear(struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;

	/* What was told the PF about this function, and when, outlives its resets. */
	weir_zero(admin, offsetof(struct weir_admin, misbehaviour_sent_ns));
}

bool weir_admin_holds_event(const struct weir_function *function, enum weir_event event)
{
	const struct weir_admin *admin = &function->admin;

	if (!admin->running)
		return false;
	if (admin->events & 1u << event)
		return true;
	return admin->stage == ADMIN_WRITE_ENTRY &&
	       weir_le16_to_cpu(admin->entry.kind) == WEIR_ADMIN_ENTRY_EVENT &&
	       weir_le16_to_cpu(admin->entry.opcode) == event;
}

/* ---- doorbells ---- */

/* Doorbells of a queue that does not run; false: take it. */
static bool refuse_doorbell(struct weir_firmware *firmware, struct weir_function *function,
			    uint32_t value, const char *what)
{
	struct weir_admin *admin = &function->admin;

	/* A host cannot know yet that its queue was stopped: not its fault. */
	if (admin->running)
		return admin->stopping;
	function->stats[WEIR_STAT_FUNCTION_BAD_DOORBELLS]++;
	weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_BAD_DOORBELL, what, value);
	return true;
}

void weir_admin_sq_tail(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value)
{
	struct weir_admin *admin = &function->admin;
	uint16_t ahead = (uint16_t)(value - admin->sq_head);

	if (refuse_doorbell(firmware, function, value, "admin tail of a queue that does not run"))
		return;
	if (value > UINT16_MAX || ahead > 1u << admin->sq_log2) {
		weir_admin_stop_for(firmware, function, WEIR_MISBEHAVIOUR_BAD_DOORBELL,
				    WEIR_STATUS_BAD_VALUE, "admin tail beyond the ring", value);
		return;
	}
	/* A tail behind what is known already is an old one. */
	if (ahead > (uint16_t)(admin->sq_tail - admin->sq_head))
		admin->sq_tail = (uint16_t)value;
	weir_admin_activate(firmware, function);
}

void weir_admin_cq_head(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value)
{
	struct weir_admin *admin = &function->admin;

	if (refuse_doorbell(firmware, function, value, "admin head of a queue that does not run"))
		return;
	if (value > UINT16_MAX ||
	    (uint16_t)(value - admin->cq_head) > (uint16_t)(admin->cq_produced - admin->cq_head)) {
		weir_admin_stop_for(firmware, function, WEIR_MISBEHAVIOUR_BAD_DOORBELL,
				    WEIR_STATUS_BAD_VALUE, "admin head beyond what came", value);
		return;
	}
	admin->cq_head = (uint16_t)value;
	admin->armed = admin->vector != WEIR_VECTOR_NONE;
	weir_admin_notify(firmware, function);
	weir_admin_activate(firmware, function);
}
