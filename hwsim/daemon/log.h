/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon's log. Lines are put into memory by the card's thread and written by another, so that a full disk or a pipe that
 * nobody reads costs lines, which are counted, and never the card's time.
 */
#ifndef WEIR_SIM_LOG_H
#define WEIR_SIM_LOG_H

#include <stdint.h>

#include "weir/weir_abi.h"

struct log;

/*
 * Opens a log and starts its thread. path NULL: standard error. Returns NULL with errno set.
 */
struct log *log_open(const char *path, enum weir_log_level level);
/* Writes what is left, for at most a second, and ends it. NULL is allowed. */
void log_close(struct log *log);
/* A line, if its level is wanted. Control characters are replaced. From one thread. */
void log_write(struct log *log, enum weir_log_level level, const char *text);
enum weir_log_level log_level(const struct log *log);
void log_set_level(struct log *log, enum weir_log_level level);
/* Opens the file anew (it was rotated away); if that fails, lines go on into the old one. */
void log_reopen(struct log *log);

#endif
