/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The admin queue (specs/admin-queue.md): an engine for each function that takes one command, or sends one event, at a time.
 *
 *   IDLE -> FETCH_COMMAND -> FETCH_REQUEST -> EXECUTE -> WRITE_RESPONSE -> WRITE_ENTRY -> IDLE
 *     |                                                                         ^
 *     +---- an event waits and there is room -----------------------------------+
 *
 * Each stage but IDLE and EXECUTE is one HAL operation, submitted until the board takes it (HAL_BUSY) and the function may use
 * the bus (HAL_RESET while it is not bus master), and waited for when it is HAL_PENDING. A place in the completion ring is
 * taken when an entry is made, and events leave one for every command that the host has submitted. From FETCH_REQUEST to its
 * answer a command has one of the card's command buffers, for which it may have to wait.
 */
#include "admin.h"

/* How a step ended. */
enum admin_step {
	STEP_ON,    /* there may be more to do at once */
	STEP_RETRY, /* nothing could be done now: try at the next poll */
	STEP_WAIT,  /* a completion, a doorbell or an event brings the engine back */
};

/* One function's share of a poll, so that a busy admin queue does not hold up the others: about six steps are a command. */
#define STEPS_PER_POLL 32

_Static_assert(sizeof(struct weir_admin_event) == sizeof(struct weir_admin_completion),
	       "both are entries of one ring");

void weir_admin_activate(struct weir_firmware *firmware, struct weir_function *function)
{
	if (function->admin_active)
		return;
	function->admin_active = true;
	firmware->admin_list[firmware->admin_list_count++] = function->index;
}

/* ---- interrupts ---- */

/* Raises the vector when the host asked for it and there is an entry that it has not seen. */
void weir_admin_notify(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	uint16_t visible = (uint16_t)(admin->cq_produced - (admin->stage == ADMIN_WRITE_ENTRY));

	/* The host may have seen an entry whose write has not been reported here yet: then head is one ahead of visible. */
	if (!admin->armed || (int16_t)(visible - admin->cq_head) <= 0)
		return;
	admin->armed = false;
	weir_interrupt(firmware, function, admin->vector);
}

/* ---- operations ---- */

static enum hal_result submit(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	struct hal_requester requester = { .function = function->index };
	hal_tag tag = WEIR_TAG(WEIR_TAG_ADMIN, function->index);
	uint32_t slot;

	switch ((enum admin_stage)admin->stage) {
	case ADMIN_FETCH_COMMAND:
		slot = admin->sq_head & ((1u << admin->sq_log2) - 1);
		return hal_dma_read(firmware->hal, requester,
				    admin->sq_address + slot * sizeof(admin->command),
				    &admin->command, sizeof(admin->command), tag);
	case ADMIN_FETCH_REQUEST:
		return hal_dma_read(firmware->hal, requester,
				    weir_le64_to_cpu(admin->command.request_address),
				    admin->buffer->request,
				    weir_le16_to_cpu(admin->command.request_length), tag);
	case ADMIN_WRITE_RESPONSE:
		return hal_dma_write(firmware->hal, requester,
				     weir_le64_to_cpu(admin->command.response_address),
				     admin->buffer->response, admin->response_bytes, tag);
	case ADMIN_WRITE_ENTRY:
		slot = (uint16_t)(admin->cq_produced - 1) & ((1u << admin->cq_log2) - 1);
		return hal_dma_write_entries(firmware->hal, requester,
					     admin->cq_address + slot * sizeof(admin->entry),
					     &admin->entry, sizeof(admin->entry), 1, tag);
	case ADMIN_IDLE:
	case ADMIN_EXECUTE:
		break;
	}
	return HAL_FAULT;
}

/* The result of the stage's operation, which is submitted if it was not yet. STEP_ON: *result is HAL_DONE or a fault. */
static enum admin_step operate(struct weir_firmware *firmware, struct weir_function *function,
			       enum hal_result *result)
{
	struct weir_admin *admin = &function->admin;

	if (admin->waiting)
		return STEP_WAIT;
	if (admin->returned)
		*result = admin->result;
	else
		*result = submit(firmware, function);
	admin->returned = false;
	switch (*result) {
	case HAL_PENDING:
		admin->waiting = true;
		admin->epoch = firmware->burst_epoch;
		function->references++;
		return STEP_WAIT;
	case HAL_BUSY:
		return STEP_RETRY;
	case HAL_RESET:
		/* Not bus master, or about to hear of a reset: an event follows, unless it was faster than this answer, or the
		 * hardware finds while it still holds the event that nothing has changed after all. */
		return hal_function_usable(firmware->hal, function->index) || firmware->events_left
			       ? STEP_RETRY
			       : STEP_WAIT;
	default:
		return STEP_ON;
	}
}

void weir_admin_complete(struct weir_firmware *firmware, uint32_t index, enum hal_result result)
{
	if (index >= firmware->function_count || !firmware->functions[index].admin.waiting) {
		weir_log(firmware, WEIR_LOG_LEVEL_ERROR, WEIR_FUNCTION_SELF,
			 "completion of no operation, admin queue of %u", index);
		return;
	}
	struct weir_function *function = &firmware->functions[index];
	struct weir_admin *admin = &function->admin;

	admin->waiting = false;
	function->references--;
	admin->returned = true;
	admin->result = result;
	/* Aborted meanwhile; the operation had the buffer until now. */
	if (admin->stage == ADMIN_IDLE)
		weir_admin_release(firmware, function);
	weir_admin_activate(firmware, function);
}

void weir_admin_release(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;

	if (weir_command_buffer_give(firmware, &admin->buffer))
		admin->yields = true;
}

/* ---- the stages ---- */

/* An entry is ready but for its phase: gives it its place in the ring. */
static void begin_entry(struct weir_admin *admin)
{
	uint16_t lap = (uint16_t)(admin->cq_produced >> admin->cq_log2);

	admin->entry.flags = weir_cpu_to_le32(WEIR_PREP(WEIR_ADMIN_COMPLETION_PHASE, !(lap & 1)));
	admin->cq_produced++;
	admin->stage = ADMIN_WRITE_ENTRY;
}

static void answer(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;

	weir_admin_release(firmware, function);
	admin->entry = (struct weir_admin_completion){
		.kind = weir_cpu_to_le16(WEIR_ADMIN_ENTRY_COMPLETION),
		.opcode = admin->command.opcode,
		.cookie = admin->command.cookie,
		.status = weir_cpu_to_le16(admin->status),
		.response_length = weir_cpu_to_le32(admin->response_bytes),
		.detail = weir_cpu_to_le32(admin->detail),
		.sq_head = weir_cpu_to_le16(admin->sq_head),
		.generation = weir_cpu_to_le32(function->generation),
	};
	begin_entry(admin);
}

/* The command ended in a way that has no response. */
static void answer_status(struct weir_firmware *firmware, struct weir_function *function,
			  enum weir_status status, uint32_t detail)
{
	struct weir_admin *admin = &function->admin;

	admin->status = (uint8_t)status;
	admin->detail = detail;
	admin->response_bytes = 0;
	weir_command_count(firmware, function, weir_le16_to_cpu(admin->command.opcode), status, 0);
	answer(firmware, function);
}

static enum admin_step idle(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;

	if (admin->stopping)
		weir_admin_stopped(firmware, function);
	if (!admin->running)
		return STEP_WAIT;
	uint32_t outstanding = (uint16_t)(admin->sq_tail - admin->sq_head);
	uint32_t room = (1u << admin->cq_log2) - (uint16_t)(admin->cq_produced - admin->cq_head);
	bool event = room > outstanding && (admin->event_turn || !outstanding) &&
		     weir_event_waiting(firmware, function);

	if (event) {
		struct weir_admin_event taken;

		weir_event_take(firmware, function, &taken);
		weir_copy(&admin->entry, &taken, sizeof(taken));
		admin->event_turn = false;
		begin_entry(admin);
		return STEP_ON;
	}
	admin->event_turn = true;
	if (!outstanding || !room)
		return STEP_WAIT;
	admin->stage = ADMIN_FETCH_COMMAND;
	return STEP_ON;
}

static enum admin_step fetch_command(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	enum hal_result result;
	enum admin_step step = operate(firmware, function, &result);

	if (step != STEP_ON)
		return step;
	if (result != HAL_DONE) {
		admin->stage = ADMIN_IDLE;
		weir_admin_stop_for(firmware, function, WEIR_MISBEHAVIOUR_DMA_FAULT,
				    WEIR_STATUS_DMA_FAULT, "admin command cannot be read, index",
				    admin->sq_head);
		return STEP_ON;
	}
	admin->sq_head++;
	uint16_t bytes = weir_le16_to_cpu(admin->command.request_length);
	enum weir_status status = weir_command_check((enum weir_role)function->role,
						     weir_le16_to_cpu(admin->command.opcode));

	if (admin->command.reserved)
		answer_status(firmware, function, WEIR_STATUS_BAD_VALUE, 0);
	else if (bytes > WEIR_ADMIN_DATA_MAX_BYTES || bytes % 4)
		answer_status(firmware, function, WEIR_STATUS_BAD_LENGTH, WEIR_DETAIL_COMMAND);
	else if (status)
		answer_status(firmware, function, status, 0);
	else
		admin->stage = bytes ? ADMIN_FETCH_REQUEST : ADMIN_EXECUTE;
	return STEP_ON;
}

/* A request or response that cannot be reached is the command's failure, not the queue's. */
static void answer_fault(struct weir_firmware *firmware, struct weir_function *function,
			 const char *what, uint64_t address)
{
	function->stats[WEIR_STAT_FUNCTION_DMA_FAULTS]++;
	weir_misbehaviour(firmware, function, WEIR_MISBEHAVIOUR_DMA_FAULT, what, (uint32_t)address);
	answer_status(firmware, function, WEIR_STATUS_DMA_FAULT, 0);
}

static enum admin_step fetch_request(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	enum hal_result result;
	enum admin_step step;

	if (!weir_command_buffer_take(firmware, &admin->buffer))
		return STEP_RETRY;
	step = operate(firmware, function, &result);
	if (step != STEP_ON)
		return step;
	if (result == HAL_DONE)
		admin->stage = ADMIN_EXECUTE;
	else
		answer_fault(firmware, function, "admin request cannot be read, low address",
			     weir_le64_to_cpu(admin->command.request_address));
	return STEP_ON;
}

static enum admin_step execute(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	uint16_t opcode = weir_le16_to_cpu(admin->command.opcode);
	uint32_t capacity = weir_le16_to_cpu(admin->command.response_capacity);
	struct weir_answer result;

	if (!weir_command_buffer_take(firmware, &admin->buffer))
		return STEP_RETRY;
	if (capacity > sizeof(admin->buffer->response))
		capacity = sizeof(admin->buffer->response);
	enum weir_status status = weir_command_run(
		firmware, function, (enum weir_role)function->role, opcode, admin->buffer->request,
		weir_le16_to_cpu(admin->command.request_length), admin->buffer->response, capacity,
		admin->again, &result);

	admin->again = status == WEIR_STATUS_BUSY;
	if (admin->again)
		return STEP_RETRY;
	admin->status = (uint8_t)status;
	admin->detail = result.detail;
	admin->response_bytes = result.response_bytes;
	if (!admin->stopping && status == WEIR_STATUS_OK && admin->response_bytes) {
		admin->stage = ADMIN_WRITE_RESPONSE;
		return STEP_ON;
	}
	weir_command_count(firmware, function, opcode, status, result.response_bytes);
	answer(firmware, function);
	return STEP_ON;
}

static enum admin_step write_response(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	enum hal_result result;
	enum admin_step step = operate(firmware, function, &result);

	if (step != STEP_ON)
		return step;
	if (result != HAL_DONE) {
		answer_fault(firmware, function, "admin response cannot be written, low address",
			     weir_le64_to_cpu(admin->command.response_address));
		return STEP_ON;
	}
	weir_command_count(firmware, function, weir_le16_to_cpu(admin->command.opcode),
			   WEIR_STATUS_OK, admin->response_bytes);
	answer(firmware, function);
	return STEP_ON;
}

static enum admin_step write_entry(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;
	enum hal_result result;
	enum admin_step step = operate(firmware, function, &result);

	if (step != STEP_ON)
		return step;
	admin->stage = ADMIN_IDLE;
	if (result != HAL_DONE) {
		weir_admin_stop_for(firmware, function, WEIR_MISBEHAVIOUR_DMA_FAULT,
				    WEIR_STATUS_DMA_FAULT,
				    "admin completion cannot be written, index",
				    (uint16_t)(admin->cq_produced - 1));
		return STEP_ON;
	}
	if (weir_le16_to_cpu(admin->entry.kind) == WEIR_ADMIN_ENTRY_EVENT)
		function->stats[WEIR_STAT_FUNCTION_EVENTS_SENT]++;
	weir_admin_notify(firmware, function);
	return STEP_ON;
}

static enum admin_step step(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_admin *admin = &function->admin;

	/* Stopping: what is in flight is waited for, a command that was fetched runs to its end, but nobody waits for its answer,
	 * and nothing else is begun. */
	if (admin->stopping && !admin->waiting && admin->stage != ADMIN_FETCH_REQUEST &&
	    admin->stage != ADMIN_EXECUTE) {
		admin->stage = ADMIN_IDLE;
		admin->returned = false;
		weir_admin_release(firmware, function);
	}
	switch ((enum admin_stage)admin->stage) {
	case ADMIN_IDLE:
		return idle(firmware, function);
	case ADMIN_FETCH_COMMAND:
		return fetch_command(firmware, function);
	case ADMIN_FETCH_REQUEST:
		return fetch_request(firmware, function);
	case ADMIN_EXECUTE:
		return execute(firmware, function);
	case ADMIN_WRITE_RESPONSE:
		return write_response(firmware, function);
	case ADMIN_WRITE_ENTRY:
		return write_entry(firmware, function);
	}
	return STEP_WAIT;
}

/* Runs mailbox and engine of one function; true: it stays on the list. */
static bool run(struct weir_firmware *firmware, struct weir_function *function, uint32_t *done)
{
	enum admin_step last = STEP_ON;

	function->admin.yields = false;
	if (weir_mailbox_run(firmware, function))
		(*done)++;
	for (uint32_t steps = 0;
	     steps < STEPS_PER_POLL && last == STEP_ON && !function->admin.yields; steps++) {
		last = step(firmware, function);
		if (last == STEP_ON)
			(*done)++;
	}
	return last != STEP_WAIT ||
	       (function->mailbox_waiting && function->state == WEIR_FUNCTION_STATE_READY);
}

uint32_t weir_admin_poll(struct weir_firmware *firmware)
{
	uint32_t done = 0;

	/* Commands of one function can give others something to do: those join the end of the list and have their turn, too. */
	for (uint16_t i = 0; i < firmware->admin_list_count;) {
		struct weir_function *function = &firmware->functions[firmware->admin_list[i]];

		if (run(firmware, function, &done)) {
			i++;
			continue;
		}
		function->admin_active = false;
		firmware->admin_list[i] = firmware->admin_list[--firmware->admin_list_count];
	}
	return done;
}
