/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mailbox in BAR0 (specs/admin-queue.md): the admin commands without host memory, beside the admin queue. The request is
 * copied out of the window once, as soon as there is a buffer for it; what the host writes there afterwards changes nothing.
 */
#include "core.h"

_Static_assert(WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE == WEIR_ADMIN_DATA_MAX_BYTES,
	       "the window holds any request and response");

static void set_status(struct weir_firmware *firmware, const struct weir_function *function,
		       uint32_t value)
{
	hal_register_set(firmware->hal, function->index, WEIR_REG_MAILBOX_STATUS, value);
}

void weir_mailbox_owner(struct weir_firmware *firmware, struct weir_function *function,
			uint32_t value)
{
	bool changes = !function->mailbox_owner || !value;

	if (changes)
		function->mailbox_owner = value;
	/* The register took whatever was written; who came second reads the first one's token. */
	hal_register_set(firmware->hal, function->index, WEIR_REG_MAILBOX_OWNER,
			 function->mailbox_owner);
	/* A new owner waits for this: it shall not take the last one's DONE, or a reset's, for its own. */
	if (changes && !function->mailbox_waiting)
		set_status(firmware, function, 0);
}

void weir_mailbox_forget(struct weir_firmware *firmware, struct weir_function *function)
{
	function->mailbox_waiting = function->mailbox_again = false;
	if (weir_command_buffer_give(firmware, &function->mailbox_buffer))
		function->admin.yields = true;
}

/* The copy of the window; false: there is no room for it yet. */
static bool take_request(struct weir_firmware *firmware, struct weir_function *function)
{
	if (function->mailbox_buffer)
		return true;
	if (!weir_command_buffer_take(firmware, &function->mailbox_buffer))
		return false;
	hal_window_read(firmware->hal, function->index, 0, function->mailbox_buffer->request,
			function->mailbox_bytes);
	return true;
}

static void end(struct weir_firmware *firmware, struct weir_function *function,
		enum weir_status status, const struct weir_answer *answer)
{
	weir_mailbox_forget(firmware, function);
	weir_command_count(firmware, function, function->mailbox_opcode, status,
			   answer->response_bytes);
	hal_register_set(firmware->hal, function->index, WEIR_REG_MAILBOX_DETAIL, answer->detail);
	set_status(firmware, function,
		   WEIR_REG_MAILBOX_STATUS_DONE_MASK |
			   WEIR_PREP(WEIR_REG_MAILBOX_STATUS_STATUS, status) |
			   WEIR_PREP(WEIR_REG_MAILBOX_STATUS_LENGTH, answer->response_bytes));
}

void weir_mailbox_request(struct weir_firmware *firmware, struct weir_function *function,
			  uint32_t value)
{
	uint32_t bytes = WEIR_GET(WEIR_REG_MAILBOX_REQUEST_LENGTH, value);

	if (function->mailbox_waiting)
		return;
	function->mailbox_opcode = (uint16_t)WEIR_GET(WEIR_REG_MAILBOX_REQUEST_OPCODE, value);
	if (bytes > WEIR_ADMIN_DATA_MAX_BYTES || bytes % 4) {
		end(firmware, function, WEIR_STATUS_BAD_LENGTH,
		    &(struct weir_answer){ .detail = WEIR_DETAIL_COMMAND });
		return;
	}
	function->mailbox_bytes = (uint16_t)bytes;
	function->mailbox_waiting = true;
	set_status(firmware, function, WEIR_REG_MAILBOX_STATUS_BUSY_MASK);
	take_request(firmware, function);
	weir_admin_activate(firmware, function);
}

bool weir_mailbox_run(struct weir_firmware *firmware, struct weir_function *function)
{
	struct weir_answer answer;

	/* In a reset it stays what it is, so that its end can be told. */
	if (!function->mailbox_waiting || function->state != WEIR_FUNCTION_STATE_READY ||
	    !take_request(firmware, function))
		return false;
	struct weir_command_buffer *buffer = function->mailbox_buffer;
	enum weir_status status = weir_command_run(
		firmware, function, (enum weir_role)function->role, function->mailbox_opcode,
		buffer->request, function->mailbox_bytes, buffer->response,
		sizeof(buffer->response), function->mailbox_again, &answer);

	function->mailbox_again = status == WEIR_STATUS_BUSY;
	if (function->mailbox_again)
		return false;
	if (status == WEIR_STATUS_OK && answer.response_bytes)
		hal_window_write(firmware->hal, function->index, 0, buffer->response,
				 answer.response_bytes);
	end(firmware, function, status, &answer);
	return true;
}
