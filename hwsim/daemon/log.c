/* SPDX-License-Identifier: BSD-3-Clause */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "options.h"

#define BUFFER_BYTES (256u * 1024)
#define LINE_BYTES   512u

struct log {
	char *path; /* NULL: standard error */
	int fd;
	enum weir_log_level level;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows; held for a copy, never for a write */
	pthread_cond_t more;
	char *filling; /* BUFFER_BYTES, `filled` of them in use */
	size_t filled;
	uint64_t lost; /* lines that found no room since the last one that did */
	bool reopen, end;
};

static void write_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t written = write(fd, data, bytes);

		if (written < 0 && errno == EINTR)
			continue;
		/* Whoever does not take the log goes without it. */
		if (written <= 0)
			return;
		data += written;
		bytes -= (size_t)written;
	}
}

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

static void reopen_file(struct log *log)
{
	int fd = log->path ? open_file(log->path) : -1;

	if (fd < 0)
		return;
	close(log->fd);
	log->fd = fd;
}

static void *write_lines(void *argument)
{
	struct log *log = argument;
	char *writing = malloc(BUFFER_BYTES);
	bool end = false;

	while (writing && !end) {
		size_t bytes;
		bool reopen;
		char *swap;

		pthread_mutex_lock(&log->lock);
		while (!log->filled && !log->reopen && !log->end)
			pthread_cond_wait(&log->more, &log->lock);
		bytes = log->filled;
		swap = log->filling;
		log->filling = writing;
		log->filled = 0;
		writing = swap;
		reopen = log->reopen;
		log->reopen = false;
		end = log->end;
		pthread_mutex_unlock(&log->lock);

		/* What was logged before the file was moved belongs there. */
		write_all(log->fd, writing, bytes);
		if (reopen)
			reopen_file(log);
	}
	free(writing);
	return NULL;
}

struct log *log_open(const char *path, enum weir_log_level level)
{
	struct log *log = calloc(1, sizeof(*log));
	int error;

	if (!log)
		return NULL;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->more, NULL);
	log->level = level;
	log->filling = malloc(BUFFER_BYTES);
	log->path = path ? strdup(path) : NULL;
	if (!log->filling || (path && !log->path)) {
		error = ENOMEM;
		goto fail;
	}
	log->fd = path ? open_file(path) : STDERR_FILENO;
	if (log->fd < 0) {
		error = errno;
		goto fail;
	}
	error = pthread_create(&log->thread, NULL, write_lines, log);
	if (!error)
		return log;
	if (path)
		close(log->fd);
fail:
	free(log->filling);
	free(log->path);
	free(log);
	errno = error;
	return NULL;
}

void log_close(struct log *log)
{
	struct timespec patience;

	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	log->end = true;
	pthread_cond_signal(&log->more);
	pthread_mutex_unlock(&log->lock);
	clock_gettime(CLOCK_REALTIME, &patience);
	patience.tv_sec++;
	/* If nobody takes the last lines, the process ends without them, and with the thread in its write. */
	if (pthread_timedjoin_np(log->thread, NULL, &patience))
		return;
	if (log->path)
		close(log->fd);
	pthread_cond_destroy(&log->more);
	pthread_mutex_destroy(&log->lock);
	free(log->filling);
	free(log->path);
	free(log);
}

static size_t format_line(char *line, enum weir_log_level level, const char *text)
{
	struct timespec now;
	struct tm parts;
	size_t bytes;
	int added;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	bytes = strftime(line, LINE_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
	added = snprintf(line + bytes, LINE_BYTES - bytes, ".%06ldZ %-7s %s", now.tv_nsec / 1000,
			 log_level_name(level), text);
	bytes += (size_t)added < LINE_BYTES - bytes ? (size_t)added : LINE_BYTES - bytes - 1;
	for (size_t i = 0; i < bytes; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			line[i] = '?';
	}
	line[bytes++] = '\n';
	return bytes;
}

/* Adds a line while the lock is held; false: no room. */
static bool add(struct log *log, const char *line, size_t bytes)
{
	if (BUFFER_BYTES - log->filled < bytes)
		return false;
	memcpy(log->filling + log->filled, line, bytes);
	log->filled += bytes;
	return true;
}

void log_write(struct log *log, enum weir_log_level level, const char *text)
{
	char line[LINE_BYTES + 1], lost_line[LINE_BYTES + 1], lost[64];
	size_t bytes;

	if (level > log->level)
		return;
	bytes = format_line(line, level, text);
	pthread_mutex_lock(&log->lock);
	if (log->lost) {
		snprintf(lost, sizeof(lost), "%llu lines of this log were lost",
			 (unsigned long long)log->lost);
		if (add(log, lost_line, format_line(lost_line, WEIR_LOG_LEVEL_WARNING, lost)))
			log->lost = 0;
	}
	if (log->lost || !add(log, line, bytes))
		log->lost++;
	pthread_cond_signal(&log->more);
	pthread_mutex_unlock(&log->lock);
}

enum weir_log_level log_level(const struct log *log)
{
	return log->level;
}

void log_set_level(struct log *log, enum weir_log_level level)
{
	log->level = level;
}

void log_reopen(struct log *log)
{
	pthread_mutex_lock(&log->lock);
	log->reopen = true;
	pthread_cond_signal(&log->more);
	pthread_mutex_unlock(&log->lock);
}
