/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder of the sockets: who owns it, and what a daemon that died left in it. */
#ifndef WEIR_SIM_DIRECTORY_H
#define WEIR_SIM_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Makes the folder if it is not there (mode 0700) and takes its lock, which the process holds until it ends, however it ends; then
 * removes sockets of this program's names at which nobody listens. Returns the lock's descriptor, or -1 with `message` saying
 * what is wrong.
 */
int directory_claim(const char *path, char *message, size_t message_bytes);

/*
 * A listening unix stream socket at path, for its owner only. One that nobody listens at is replaced. Returns it, or -errno:
 * -EADDRINUSE somebody listens there, -EEXIST something else is there.
 */
int directory_listen(const char *path);

/* Writes the process id to a file. 0 or -errno. */
int directory_write_pid(const char *path);

#endif
