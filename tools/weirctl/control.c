/* SPDX-License-Identifier: BSD-3-Clause */
/* A card through the management socket of its weir-sim: JSON lines (hwsim/daemon/README.md). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "card.h"
#include "weirctl.h"

struct connection {
	FILE *in, *out; /* the same socket, each with a buffer of its own */
};

/* Sends {"command": ...} and waits for its answer; takes the reference of request. NULL with card->error set. */
json_t *control_call(struct card *card, json_t *request)
{
	struct connection *connection = card->private;
	char *line = json_dumps(request, JSON_COMPACT);
	char *answer = NULL;
	size_t room = 0;
	json_t *object = NULL;

	json_decref(request);
	if (fprintf(connection->out, "%s\n", line) < 0 || fflush(connection->out)) {
		snprintf(card->error, sizeof(card->error), "%s: %s: is weir-sim still running?",
			 card->name, strerror(errno));
	} else if (getline(&answer, &room, connection->in) <= 0) {
		snprintf(card->error, sizeof(card->error), "%s: weir-sim closed the connection",
			 card->name);
	} else {
		object = json_loads(answer, 0, NULL);
		if (!json_is_true(json_object_get(object, "ok"))) {
			const char *why = json_string_value(json_object_get(object, "error"));

			snprintf(card->error, sizeof(card->error), "%s: %s", card->name,
				 why ? why : "an answer that is not understood");
			json_decref(object);
			object = NULL;
		}
	}
	free(answer);
	free(line);
	return object;
}

static void to_hex(const uint8_t *data, uint32_t bytes, char *text)
{
	for (uint32_t i = 0; i < bytes; i++)
		sprintf(text + 2 * i, "%02x", data[i]);
	text[2 * bytes] = 0;
}

static bool from_hex(const char *text, uint8_t *data, uint32_t capacity, uint32_t *bytes)
{
	size_t length = strlen(text);

	if (length % 2 || length / 2 > capacity)
		return false;
	for (size_t i = 0; i < length / 2; i++)
		if (sscanf(text + 2 * i, "%2hhx", &data[i]) != 1)
			return false;
	*bytes = (uint32_t)(length / 2);
	return true;
}

static int command(struct card *card, uint16_t opcode, const void *request, uint32_t request_bytes,
		   void *response, uint32_t capacity, uint32_t *response_bytes, uint32_t *detail)
{
	char hex[2 * WEIR_ADMIN_DATA_MAX_BYTES + 1];
	json_t *answer;
	int status;

	to_hex(request, request_bytes, hex);
	answer = control_call(card, json_pack("{s:s, s:i, s:s}", "command", "admin", "opcode",
					      opcode, "request", hex));
	if (!answer)
		return -EIO;
	const char *bytes = json_string_value(json_object_get(answer, "response"));

	*response_bytes = 0;
	*detail = (uint32_t)json_integer_value(json_object_get(answer, "detail"));
	status = (int)json_integer_value(json_object_get(answer, "status"));
	if (bytes && !from_hex(bytes, response, capacity, response_bytes)) {
		snprintf(card->error, sizeof(card->error), "%s: an answer that is not understood",
			 card->name);
		status = -EPROTO;
	}
	json_decref(answer);
	return status;
}

static int read_register(struct card *card, uint16_t function, uint32_t offset, uint32_t *value)
{
	json_t *answer =
		control_call(card, json_pack("{s:s, s:i, s:i, s:i}", "command", "registers",
					     "function", function, "offset", offset, "count", 1));

	if (!answer)
		return -EIO;
	*value = (uint32_t)json_integer_value(json_array_get(json_object_get(answer, "values"), 0));
	json_decref(answer);
	return 0;
}

static void close_control(struct card *card)
{
	struct connection *connection = card->private;

	fclose(connection->in);
	fclose(connection->out);
	free(connection);
}

int card_open_control(struct card *card, const char *path)
{
	static const struct card_ops ops = { command, read_register, close_control };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	int fd, length;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock",
				  path);
	else
		length = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (length >= (int)sizeof(address.sun_path)) {
		snprintf(card->error, sizeof(card->error),
			 "%s: a socket's path has at most %zu characters", path,
			 sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = -errno;

		snprintf(card->error, sizeof(card->error), "%s: %s: does a weir-sim run there?",
			 address.sun_path, strerror(-error));
		if (fd >= 0)
			close(fd);
		return error;
	}
	struct connection *connection = calloc(1, sizeof(*connection));

	connection->out = fdopen(fd, "w");
	connection->in = fdopen(dup(fd), "r");
	card->private = connection;
	card->ops = &ops;
	return 0;
}
