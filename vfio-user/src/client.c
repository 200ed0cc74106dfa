/* SPDX-License-Identifier: BSD-3-Clause */
/* Connection to a server, and the exchange of a command for its reply, with a time limit. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "capabilities.h"
#include "client_internal.h"

#define DEFAULT_TIMEOUT_MS 10000
#define ERRNO_MAX	   4095
/* How long to sleep when the server's queue of arrivals is full. */
#define CONNECT_RETRY_MS 5
/* What this side takes: a reply never carries more descriptors than a region's one. */
#define CLIENT_MESSAGE_FDS 1

/* --- time ---------------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits for an event on the socket: 0, -ETIMEDOUT, or what poll() said. */
static int wait_for(const struct vfu_client *client, short events, uint64_t deadline_ms)
{
	struct pollfd pollfd = { .fd = client->fd, .events = events };

	for (;;) {
		uint64_t now = now_ms();
		int ready;

		if (now >= deadline_ms)
			return -ETIMEDOUT;
		ready = poll(&pollfd, 1, (int)(deadline_ms - now));
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

/* --- bytes --------------------------------------------------------------------------------------- */

/* An end of the connection, however it shows. */
static int disconnected(ssize_t error)
{
	if (error == 0 || error == -ECONNRESET || error == -EPIPE)
		return -ENOTCONN;
	return (int)error;
}

static int send_all(struct vfu_client *client, const void *bytes, size_t length, const int *fds,
		    size_t fd_count, uint64_t deadline_ms)
{
	const char *next = bytes;

	while (length > 0) {
		ssize_t sent = vfu_socket_send(client->fd, next, length, fds, fd_count);
		int error;

		if (sent == -EAGAIN) {
			error = wait_for(client, POLLOUT, deadline_ms);
			if (error < 0)
				return error;
			continue;
		}
		if (sent < 0)
			return disconnected(sent);
		/* Descriptors go with the first byte. */
		fd_count = 0;
		next += sent;
		length -= (size_t)sent;
	}
	return 0;
}

static int receive_all(struct vfu_client *client, void *buffer, size_t length,
		       struct vfu_fd_list *fds, uint64_t deadline_ms)
{
	char *next = buffer;

	while (length > 0) {
		ssize_t received = vfu_socket_receive(client->fd, next, length, fds);
		int error;

		if (received == -EAGAIN) {
			error = wait_for(client, POLLIN, deadline_ms);
			if (error < 0)
				return error;
			continue;
		}
		if (received <= 0)
			return disconnected(received);
		next += received;
		length -= (size_t)received;
	}
	return 0;
}

static int receive_nothing(struct vfu_client *client, size_t length, struct vfu_fd_list *fds,
			   uint64_t deadline_ms)
{
	char scratch[4096];

	while (length > 0) {
		size_t piece = length < sizeof(scratch) ? length : sizeof(scratch);
		int error = receive_all(client, scratch, piece, fds, deadline_ms);

		if (error < 0)
			return error;
		length -= piece;
	}
	return 0;
}

/* --- messages ------------------------------------------------------------------------------------ */

/* Refuses a command of the server (DMA_READ, DMA_WRITE): memory is shared here, or out of reach. */
static int refuse_command(struct vfu_client *client, const struct vfu_header *command,
			  struct vfu_fd_list *fds, uint64_t deadline_ms)
{
	struct vfu_header answer = {
		.message_id = command->message_id,
		.command = command->command,
		.size_bytes = sizeof(answer),
		.flags = VFU_FLAG_TYPE_REPLY | VFU_FLAG_ERROR,
		.error_number = EOPNOTSUPP,
	};
	int error =
		receive_nothing(client, command->size_bytes - sizeof(*command), fds, deadline_ms);

	if (error < 0 || (command->flags & VFU_FLAG_NO_REPLY))
		return error;
	return send_all(client, &answer, sizeof(answer), NULL, 0, deadline_ms);
}

/* Receives messages until one is the reply to message_id. *server_error: the error it carries. */
static int receive_reply(struct vfu_client *client, struct vfu_exchange *exchange,
			 uint16_t message_id, struct vfu_fd_list *fds, uint64_t deadline_ms,
			 int *server_error)
{
	struct vfu_header header;
	size_t payload;
	int error;

	for (;;) {
		error = receive_all(client, &header, sizeof(header), fds, deadline_ms);
		if (error < 0)
			return error;
		if (header.size_bytes < sizeof(header))
			return -EPROTO;
		if ((header.flags & VFU_FLAG_TYPE_MASK) != VFU_FLAG_TYPE_COMMAND)
			break;
		error = refuse_command(client, &header, fds, deadline_ms);
		vfu_fd_list_close(fds);
		if (error < 0)
			return error;
	}
	payload = header.size_bytes - sizeof(header);
	if ((header.flags & VFU_FLAG_TYPE_MASK) != VFU_FLAG_TYPE_REPLY ||
	    header.message_id != message_id || header.command != exchange->command ||
	    payload > exchange->reply_capacity)
		return -EPROTO;
	error = receive_all(client, exchange->reply, payload, fds, deadline_ms);
	exchange->reply_bytes = payload;
	if (error == 0 && (header.flags & VFU_FLAG_ERROR))
		*server_error = header.error_number > 0 && header.error_number <= ERRNO_MAX
					? -(int)header.error_number
					: -EIO;
	return error;
}

static void hang_up(struct vfu_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

/* The exchange, with the lock held and in two halves: what fails here ends the connection. */
static int exchange_locked(struct vfu_client *client, struct vfu_exchange *exchange,
			   struct vfu_fd_list *fds, int *server_error)
{
	uint64_t deadline_ms = now_ms() + client->timeout_ms;
	struct vfu_header header = {
		.message_id = client->next_message_id++,
		.command = exchange->command,
		.size_bytes = sizeof(header),
		.flags = VFU_FLAG_TYPE_COMMAND | (exchange->posted ? VFU_FLAG_NO_REPLY : 0),
	};
	uint8_t *message;
	size_t filled = sizeof(header);
	int error;

	for (size_t i = 0; i < VFU_EXCHANGE_PARTS; i++)
		header.size_bytes += (uint32_t)exchange->parts[i].iov_len;
	/* One buffer, so that the descriptors go out with the whole message. */
	message = malloc(header.size_bytes);
	if (!message) {
		*server_error = -ENOMEM;
		return 0;
	}
	memcpy(message, &header, sizeof(header));
	for (size_t i = 0; i < VFU_EXCHANGE_PARTS; i++) {
		if (exchange->parts[i].iov_len > 0)
			memcpy(message + filled, exchange->parts[i].iov_base,
			       exchange->parts[i].iov_len);
		filled += exchange->parts[i].iov_len;
	}
	error = send_all(client, message, filled, exchange->fds, exchange->fd_count, deadline_ms);
	free(message);
	if (error == 0 && !exchange->posted)
		error = receive_reply(client, exchange, header.message_id, fds, deadline_ms,
				      server_error);
	return error;
}

int vfu_client_exchange(struct vfu_client *client, struct vfu_exchange *exchange)
{
	struct vfu_fd_list unwanted = { .limit = 0 };
	struct vfu_fd_list *fds = exchange->fds_in ? exchange->fds_in : &unwanted;
	int server_error = 0;
	int error = -ENOTCONN;

	pthread_mutex_lock(&client->lock);
	if (client->fd >= 0) {
		error = exchange_locked(client, exchange, fds, &server_error);
		if (error < 0)
			hang_up(client);
	}
	pthread_mutex_unlock(&client->lock);
	if (error == 0)
		error = server_error;
	if (error < 0)
		vfu_fd_list_close(fds);
	return error;
}

int vfu_client_distrust(struct vfu_client *client)
{
	pthread_mutex_lock(&client->lock);
	hang_up(client);
	pthread_mutex_unlock(&client->lock);
	return -EPROTO;
}

/* --- connection ---------------------------------------------------------------------------------- */

/* Takes the limits of a server's VERSION reply, cut to what fits here. */
static int take_limits(struct vfu_client *client, const uint8_t *reply, size_t reply_bytes)
{
	struct vfu_message_version version;
	struct vfu_capabilities server;
	const char *why;

	if (reply_bytes < sizeof(version))
		return -EPROTO;
	memcpy(&version, reply, sizeof(version));
	if (version.major != VFU_VERSION_MAJOR || version.minor > VFU_VERSION_MINOR ||
	    vfu_capabilities_parse(reply + sizeof(version), reply_bytes - sizeof(version), &server,
				   &why) < 0)
		return -EPROTO;
	if (server.max_data_transfer_bytes == 0 || server.page_sizes == 0)
		return -EPROTO;
	if (server.max_message_fds > VFU_FDS_MAX)
		server.max_message_fds = VFU_FDS_MAX;
	/* Larger pieces would not make anything faster. */
	if (server.max_data_transfer_bytes > VFU_DEFAULT_MAX_DATA_TRANSFER_BYTES)
		server.max_data_transfer_bytes = VFU_DEFAULT_MAX_DATA_TRANSFER_BYTES;
	if (server.max_dma_maps > UINT32_MAX)
		server.max_dma_maps = UINT32_MAX;
	client->limits = (struct vfu_client_limits){
		.max_message_fds = (uint32_t)server.max_message_fds,
		.max_data_transfer_bytes = (uint32_t)server.max_data_transfer_bytes,
		.max_dma_maps = (uint32_t)server.max_dma_maps,
		.page_sizes = server.page_sizes,
		.write_multiple = server.write_multiple,
	};
	return 0;
}

static int negotiate(struct vfu_client *client)
{
	struct vfu_message_version version = { VFU_VERSION_MAJOR, VFU_VERSION_MINOR };
	const struct vfu_capabilities ours = {
		.said = VFU_SAID_ALL,
		.max_message_fds = CLIENT_MESSAGE_FDS,
		.max_data_transfer_bytes = VFU_DEFAULT_MAX_DATA_TRANSFER_BYTES,
		.max_dma_maps = VFU_DEFAULT_MAX_DMA_MAPS,
		.page_sizes = VFU_DEFAULT_PAGE_SIZES,
		.write_multiple = true,
	};
	uint8_t reply[sizeof(version) + VFU_CAPABILITIES_MAX_BYTES];
	struct vfu_exchange exchange = { .command = VFU_COMMAND_VERSION,
					 .reply = reply,
					 .reply_capacity = sizeof(reply) };
	char *text = vfu_capabilities_format(&ours);
	int error;

	if (!text)
		return -ENOMEM;
	exchange.parts[0] = (struct iovec){ &version, sizeof(version) };
	exchange.parts[1] = (struct iovec){ text, strlen(text) + 1 };
	error = vfu_client_exchange(client, &exchange);
	free(text);
	if (error == 0 && take_limits(client, reply, exchange.reply_bytes) < 0)
		return vfu_client_distrust(client);
	return error;
}

/* A connected socket, or a negative errno. */
static int open_socket(const char *path, uint64_t deadline_ms)
{
	const struct timespec pause = { .tv_nsec = CONNECT_RETRY_MS * 1000000L };
	struct sockaddr_un address;
	int error = vfu_socket_address(&address, path);
	int fd;

	if (error < 0)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		/* EAGAIN: the queue of arrivals is full. */
		error = -errno;
		if (error == -EAGAIN && now_ms() >= deadline_ms)
			error = -ETIMEDOUT;
		if (error != -EAGAIN && error != -EINTR) {
			close(fd);
			return error;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

static int open_and_negotiate(struct vfu_client *client)
{
	int error;

	client->fd = open_socket(client->socket_path, now_ms() + client->timeout_ms);
	if (client->fd < 0) {
		error = client->fd;
		client->fd = -1;
		return error;
	}
	error = negotiate(client);
	if (error < 0)
		hang_up(client);
	return error;
}

static struct vfu_client *client_new(const struct vfu_client_config *config)
{
	struct vfu_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	pthread_mutex_init(&client->lock, NULL);
	client->fd = -1;
	client->timeout_ms = config && config->timeout_ms ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
	return client;
}

int vfu_client_connect(const char *socket_path, const struct vfu_client_config *config,
		       struct vfu_client **client_out)
{
	struct vfu_client *client = client_new(config);
	int error = -ENOMEM;

	if (!client)
		return error;
	client->socket_path = strdup(socket_path);
	if (client->socket_path)
		error = open_and_negotiate(client);
	if (error < 0) {
		vfu_client_destroy(client);
		return error;
	}
	*client_out = client;
	return 0;
}

int vfu_client_adopt(int socket_fd, const struct vfu_client_config *config,
		     struct vfu_client **client_out)
{
	struct vfu_client *client = client_new(config);
	int error;

	if (!client) {
		close(socket_fd);
		return -ENOMEM;
	}
	client->fd = socket_fd;
	error = negotiate(client);
	if (error < 0) {
		vfu_client_destroy(client);
		return error;
	}
	*client_out = client;
	return 0;
}

void vfu_client_destroy(struct vfu_client *client)
{
	if (!client)
		return;
	hang_up(client);
	pthread_mutex_destroy(&client->lock);
	free(client->socket_path);
	free(client);
}

int vfu_client_reconnect(struct vfu_client *client)
{
	if (!client->socket_path)
		return -EOPNOTSUPP;
	hang_up(client);
	return open_and_negotiate(client);
}

int vfu_client_check(struct vfu_client *client)
{
	struct pollfd pollfd = { .events = POLLRDHUP };
	int error = 0;

	pthread_mutex_lock(&client->lock);
	pollfd.fd = client->fd;
	if (client->fd < 0 ||
	    (poll(&pollfd, 1, 0) > 0 && (pollfd.revents & (POLLHUP | POLLRDHUP | POLLERR)))) {
		hang_up(client);
		error = -ENOTCONN;
	}
	pthread_mutex_unlock(&client->lock);
	return error;
}

int vfu_client_fd(struct vfu_client *client)
{
	int fd;

	pthread_mutex_lock(&client->lock);
	fd = client->fd;
	pthread_mutex_unlock(&client->lock);
	return fd;
}

struct vfu_client_limits vfu_client_get_limits(struct vfu_client *client)
{
	struct vfu_client_limits limits;

	pthread_mutex_lock(&client->lock);
	limits = client->limits;
	pthread_mutex_unlock(&client->lock);
	return limits;
}
