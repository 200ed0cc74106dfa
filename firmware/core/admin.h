/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files of the admin queue share: its engine (admin.c), and its life and doorbells (admin_control.c). */
#ifndef WEIR_ADMIN_H
#define WEIR_ADMIN_H

#include "core.h"

/* weir_admin.stage; the picture is in admin.c. */
enum admin_stage {
	ADMIN_IDLE = 0,
	ADMIN_FETCH_COMMAND,
	ADMIN_FETCH_REQUEST,
	ADMIN_EXECUTE,
	ADMIN_WRITE_RESPONSE,
	ADMIN_WRITE_ENTRY,
};

/* admin.c: raises the vector when the host asked for it and there is an entry that it has not seen. */
void weir_admin_notify(struct weir_firmware *firmware, struct weir_function *function);
/* admin.c: the command's buffer is given back. */
void weir_admin_release(struct weir_firmware *firmware, struct weir_function *function);
/* admin_control.c: a fault or misbehaviour stops the queue, with `status` in ADMIN_STATUS.ERROR; `what` and value are for the log. */
void weir_admin_stop_for(struct weir_firmware *firmware, struct weir_function *function,
			 enum weir_misbehaviour why, enum weir_status status, const char *what,
			 uint32_t value);
/* admin_control.c: nothing of a queue that is stopping is in flight any more. */
void weir_admin_stopped(struct weir_firmware *firmware, struct weir_function *function);

#endif
