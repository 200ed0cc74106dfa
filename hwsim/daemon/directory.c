/* SPDX-License-Identifier: BSD-3-Clause */
#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCK_NAME "weir-sim.lock"
#define PATH_ROOM 4096

/* ---- sockets ---- */

static int address_of(struct sockaddr_un *address, const char *path)
{
	size_t length = strlen(path);

	if (length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, length);
	return 0;
}

/* 0: nothing is there any more. -EADDRINUSE, -EEXIST: as directory_listen(). */
static int remove_stale(const char *path)
{
	struct sockaddr_un address;
	struct stat status;
	int probe, error = address_of(&address, path);

	if (error)
		return error;
	if (lstat(path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return -errno;
	if (!connect(probe, (const struct sockaddr *)&address, sizeof(address)) ||
	    errno != ECONNREFUSED)
		error = -EADDRINUSE;
	close(probe);
	if (!error && unlink(path))
		error = -errno;
	return error;
}

int directory_listen(const char *path)
{
	struct sockaddr_un address;
	int fd, error = address_of(&address, path);

	if (!error)
		error = remove_stale(path);
	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The file takes its mode from the descriptor: at no moment is it wider. */
	if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, 16)) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* pf0.sock, vf<number>.sock, control.sock */
static bool is_our_name(const char *name)
{
	size_t digits = strncmp(name, "vf", 2) ? 0 : strspn(name + 2, "0123456789");

	return !strcmp(name, "control.sock") || !strcmp(name, "pf0.sock") ||
	       (digits && !strcmp(name + 2 + digits, ".sock"));
}

/* What a daemon with more VFs left behind would look like VFs of this one. */
static void remove_left_overs(const char *directory)
{
	DIR *folder = opendir(directory);
	const struct dirent *entry;
	char path[PATH_ROOM];

	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		if (!is_our_name(entry->d_name) || snprintf(path, sizeof(path), "%s/%s", directory,
							    entry->d_name) >= (int)sizeof(path))
			continue;
		/* If it cannot be removed, whoever needs the name will say so. */
		remove_stale(path);
	}
	closedir(folder);
}

/* ---- the folder ---- */

/* Who has the lock says so in it. */
static void holder_of(int fd, char *text, size_t bytes)
{
	ssize_t length = pread(fd, text, bytes - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	text[strspn(text, "0123456789")] = '\0';
}

int directory_claim(const char *directory, char *message, size_t message_bytes)
{
	char path[PATH_ROOM], pid[24];
	int fd, length;

	if (mkdir(directory, 0700) && errno != EEXIST) {
		snprintf(message, message_bytes, "%s: cannot be made: %s", directory,
			 strerror(errno));
		return -1;
	}
	snprintf(path, sizeof(path), "%s/%s", directory, LOCK_NAME);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		snprintf(message, message_bytes, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int error = errno;

		holder_of(fd, pid, sizeof(pid));
		if (error == EWOULDBLOCK)
			snprintf(
				message, message_bytes,
				"%s: another weir-sim, process %s, runs there; end it or choose another --dir",
				directory, *pid ? pid : "unknown");
		else
			snprintf(message, message_bytes, "%s: %s", path, strerror(error));
		close(fd);
		return -1;
	}
	length = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)length, 0) != length) {
		snprintf(message, message_bytes, "%s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	remove_left_overs(directory);
	return fd;
}

int directory_write_pid(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char pid[24];
	int length = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, pid, (size_t)length) != length)
		error = errno ? -errno : -EIO;
	close(fd);
	return error;
}
