/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Room for requests and responses of commands, shared by all functions of a card: memory follows what goes on at a time, not how
 * many functions there are. Nobody is kept waiting for good: who gives back the last one of them does nothing more in that poll,
 * and the functions have their turns in a fixed order, so that a buffer passes nobody who waits.
 */
#include "core.h"

void weir_command_buffers_init(struct weir_firmware *firmware)
{
	firmware->free_command_buffers = NULL;
	for (uint32_t i = 0; i < WEIR_COMMAND_BUFFERS; i++) {
		firmware->command_buffers[i].next = firmware->free_command_buffers;
		firmware->free_command_buffers = &firmware->command_buffers[i];
	}
}

bool weir_command_buffer_take(struct weir_firmware *firmware, struct weir_command_buffer **buffer)
{
	if (*buffer)
		return true;
	if (!firmware->free_command_buffers)
		return false;
	*buffer = firmware->free_command_buffers;
	firmware->free_command_buffers = (*buffer)->next;
	return true;
}

bool weir_command_buffer_give(struct weir_firmware *firmware, struct weir_command_buffer **buffer)
{
	bool was_last = *buffer && !firmware->free_command_buffers;

	if (*buffer) {
		(*buffer)->next = firmware->free_command_buffers;
		firmware->free_command_buffers = *buffer;
		*buffer = NULL;
	}
	return was_last;
}
