/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix sockets by path. */
#include "socket.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int wire_socket_address(struct weirsim *sim, struct sockaddr_un *address, const char *path,
			size_t length)
{
	if (!length || length >= sizeof(address->sun_path)) {
		sim_log(sim, WEIR_LOG_LEVEL_ERROR,
			"wire: a socket's path has 1 to %zu characters, not %zu",
			sizeof(address->sun_path) - 1, length);
		return -EINVAL;
	}
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, length);
	return 0;
}

/* True when a socket lies there that nobody answers at: what a process that died left behind. */
static bool is_left_over(const struct sockaddr_un *address, int type)
{
	struct stat status;
	bool refused;
	int fd;

	if (lstat(address->sun_path, &status) || !S_ISSOCK(status.st_mode))
		return false;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
		  errno == ECONNREFUSED;
	close(fd);
	return refused;
}

int wire_socket_bind(struct weirsim *sim, int fd, int type, const struct sockaddr_un *address)
{
	int error;

	if (is_left_over(address, type))
		unlink(address->sun_path);
	if (!bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		return 0;
	error = -errno;
	sim_log(sim, WEIR_LOG_LEVEL_ERROR, "wire: %s: %s", address->sun_path, strerror(-error));
	return error;
}
