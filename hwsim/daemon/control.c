/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections of the management socket, and their lines. */
#include "control.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon.h"
#include "directory.h"
#include "request.h"

#define CLIENTS_MOST 16u
/* An admin command's request takes 8 KiB in hexadecimal. */
#define LINE_MOST 65536u
/* While so much of its answers is not read, a client's next line is not looked at, and it misses lines of the log. */
#define OUTPUT_PAUSE (256u * 1024)

struct client {
	int fd; /* -1: free */
	uint32_t watched;
	bool end_of_input;
	bool doomed;   /* to be hung up on as soon as nobody is in the middle of it */
	bool skipping; /* the rest of a line that is too long */
	char *input;   /* LINE_MOST */
	size_t input_bytes;
	char *output;
	size_t output_bytes, output_room;
	bool follows;
	uint64_t log_lost;
	/* an answer that waits for the card */
	bool waits;
	json_t *wait_id;
	struct request_wait wait;
};

struct control {
	struct daemon *daemon;
	int fd;
	char *path;
	struct client clients[CLIENTS_MOST];
	uint32_t count, waiting, following;
	bool any_doomed;
};

static uint32_t slot_of(const struct control *control, const struct client *client)
{
	return (uint32_t)(client - control->clients);
}

/* ---- a client's end ---- */

static void stop_waiting(struct control *control, struct client *client)
{
	if (!client->waits)
		return;
	client->waits = false;
	control->waiting--;
	json_decref(client->wait_id);
	client->wait_id = NULL;
}

static void set_follows(struct control *control, struct client *client, bool follows)
{
	control->following += follows;
	control->following -= client->follows;
	client->follows = follows;
}

/* While a command runs, the card may log, and the log be followed by the very client that asked: nobody ends in between. */
static void doom(struct control *control, struct client *client)
{
	client->doomed = true;
	control->any_doomed = true;
}

static void hang_up(struct control *control, struct client *client)
{
	if (client->fd < 0)
		return;
	stop_waiting(control, client);
	set_follows(control, client, false);
	loop_unwatch(control->daemon->loop, client->fd);
	close(client->fd);
	free(client->input);
	free(client->output);
	*client = (struct client){ .fd = -1 };
	control->count--;
}

/* ---- output ---- */

static void flush_output(struct control *control, struct client *client)
{
	size_t sent_bytes = 0;

	while (sent_bytes < client->output_bytes) {
		ssize_t sent = send(client->fd, client->output + sent_bytes,
				    client->output_bytes - sent_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent <= 0) {
			doom(control, client);
			break;
		}
		sent_bytes += (size_t)sent;
	}
	client->output_bytes -= sent_bytes;
	memmove(client->output, client->output + sent_bytes, client->output_bytes);
}

/* A line of output; false: no memory. */
static bool put_line(struct client *client, const char *text)
{
	size_t bytes = strlen(text);

	if (client->output_room - client->output_bytes < bytes + 1) {
		size_t room = 2 * (client->output_bytes + bytes + 1);
		char *output = realloc(client->output, room);

		if (!output)
			return false;
		client->output = output;
		client->output_room = room;
	}
	memcpy(client->output + client->output_bytes, text, bytes);
	client->output_bytes += bytes;
	client->output[client->output_bytes++] = '\n';
	return true;
}

/* Puts an object on its way, and lets go of it. Who cannot be answered is hung up on: better than waiting for ever. */
static void put_object(struct control *control, struct client *client, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!client->doomed && (!text || !put_line(client, text))) {
		/* In this order: the line is not for this client. */
		doom(control, client);
		daemon_log(control->daemon, WEIR_LOG_LEVEL_ERROR,
			   "management: no memory for an answer");
	}
	free(text);
}

/* A string of JSON; what is no UTF-8 in it (a path, a word that was cut off) is replaced. */
static json_t *string_of(const char *text)
{
	json_t *string = json_string(text);
	char *copy = string ? NULL : strdup(text);

	for (char *at = copy; at && *at; at++) {
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	}
	if (copy)
		string = json_string(copy);
	free(copy);
	return string;
}

/* id: new reference or NULL. */
static void answer_error(struct control *control, struct client *client, json_t *id,
			 const char *error)
{
	put_object(control, client,
		   json_pack("{s:o, s:b, s:o}", "id", id ? id : json_null(), "ok", 0, "error",
			     string_of(error)));
}

/* id and result: new references. */
static void answer(struct control *control, struct client *client, json_t *id, json_t *result)
{
	json_t *object = json_pack("{s:o, s:b}", "id", id ? id : json_null(), "ok", 1);

	if (object && json_object_update(object, result)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(result);
	put_object(control, client, object);
}

/* ---- requests ---- */

/* The id that an answer repeats; NULL: none, or one that cannot be. */
static json_t *id_of(const json_t *members)
{
	json_t *id = json_object_get(members, "id");

	if (!id || json_is_object(id) || json_is_array(id))
		return NULL;
	return json_incref(id);
}

static void run_request(struct control *control, struct client *client, const json_t *members)
{
	struct request request = { .members = members,
				   .result = json_object(),
				   .follow = client->follows };
	json_t *id = id_of(members);

	if (!request.result) {
		answer_error(control, client, id, "no memory; ask again later");
		return;
	}
	switch (request_run(control->daemon, &request)) {
	case REQUEST_DONE:
		set_follows(control, client, request.follow);
		answer(control, client, id, request.result);
		break;
	case REQUEST_FAILED:
		answer_error(control, client, id, request.error);
		json_decref(request.result);
		break;
	case REQUEST_LATER:
		client->waits = true;
		client->wait_id = id;
		client->wait = request.wait;
		control->waiting++;
		json_decref(request.result);
		break;
	}
}

static void handle_line(struct control *control, struct client *client, const char *line,
			size_t bytes)
{
	json_error_t problem;
	char error[sizeof(problem.text) + 64];
	json_t *members;

	/* A blank line asks nothing. */
	if (strspn(line, " \t\r") >= bytes)
		return;
	members = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &problem);
	if (!members) {
		snprintf(error, sizeof(error), "not JSON: %s (character %d)", problem.text,
			 problem.position);
		answer_error(control, client, NULL, error);
	} else if (!json_is_object(members)) {
		answer_error(control, client, NULL, "a request is an object: {\"command\": …}");
	} else {
		run_request(control, client, members);
	}
	json_decref(members);
}

/* Handles the next line that is there whole; false: there is none, or it has to wait. */
static bool next_line(struct control *control, struct client *client)
{
	size_t bytes, taken;
	char *end;

	if (client->doomed || client->waits || client->output_bytes >= OUTPUT_PAUSE)
		return false;
	end = memchr(client->input, '\n', client->input_bytes);
	if (!end && client->input_bytes < LINE_MOST &&
	    !(client->end_of_input && client->input_bytes))
		return false;
	bytes = end ? (size_t)(end - client->input) : client->input_bytes;
	taken = end ? bytes + 1 : bytes;
	if (!end && client->input_bytes == LINE_MOST && !client->skipping) {
		client->skipping = true;
		answer_error(control, client, NULL, "a request has at most 65535 characters");
	} else if (client->skipping) {
		client->skipping = !end;
	} else {
		/* The last line of input need not end with a line feed. */
		client->input[bytes] = '\0';
		handle_line(control, client, client->input, bytes);
	}
	client->input_bytes -= taken;
	memmove(client->input, client->input + taken, client->input_bytes);
	return true;
}

/* ---- connections ---- */

static void watch_client(struct control *control, struct client *client)
{
	uint32_t events = 0;

	if (!client->end_of_input && !client->waits && client->output_bytes < OUTPUT_PAUSE)
		events |= EPOLLIN;
	if (client->output_bytes)
		events |= EPOLLOUT;
	if (events == client->watched)
		return;
	client->watched = events;
	loop_rewatch(control->daemon->loop, client->fd, LOOP_CONTROL_CLIENT,
		     slot_of(control, client), events);
}

/* Handles what can be handled now, and sends what can be sent. */
static void go_on(struct control *control, struct client *client)
{
	do {
		while (next_line(control, client))
			;
		if (client->output_bytes)
			flush_output(control, client);
		/* What was sent may have made room for the next line. */
	} while (!client->doomed && !client->output_bytes && !client->waits &&
		 client->input_bytes &&
		 (client->end_of_input || memchr(client->input, '\n', client->input_bytes)));
	if (client->doomed || (client->end_of_input && !client->waits && !client->output_bytes))
		hang_up(control, client);
	else
		watch_client(control, client);
}

static void receive(struct control *control, struct client *client)
{
	ssize_t received = recv(client->fd, client->input + client->input_bytes,
				LINE_MOST - client->input_bytes, MSG_DONTWAIT);

	if (received > 0)
		client->input_bytes += (size_t)received;
	else if (!received)
		client->end_of_input = true;
	else if (errno != EAGAIN && errno != EINTR)
		doom(control, client);
}

void control_serve(struct control *control, uint32_t slot, uint32_t events)
{
	struct client *client = &control->clients[slot];
	bool reads = client->watched & EPOLLIN;

	if (client->fd < 0)
		return;
	/* The other side is gone altogether: nobody reads an answer any more. */
	if (events & EPOLLERR || (events & EPOLLHUP && !reads)) {
		hang_up(control, client);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP) && reads && client->input_bytes < LINE_MOST)
		receive(control, client);
	go_on(control, client);
}

/* Says why, as far as it goes, and hangs up. */
static void refuse(int fd, const char *line)
{
	ssize_t ignored = send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)ignored;
	close(fd);
}

void control_accept(struct control *control)
{
	int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client = control->clients;

	if (fd < 0)
		return;
	while (client < control->clients + CLIENTS_MOST && client->fd >= 0)
		client++;
	if (client == control->clients + CLIENTS_MOST) {
		refuse(fd,
		       "{\"id\":null,\"ok\":false,\"error\":\"16 clients are here already; come back when one has left\"}\n");
		return;
	}
	*client = (struct client){ .fd = fd, .watched = EPOLLIN };
	client->input = malloc(LINE_MOST + 1);
	if (!client->input || loop_watch(control->daemon->loop, fd, LOOP_CONTROL_CLIENT,
					 slot_of(control, client), client->watched)) {
		free(client->input);
		client->fd = -1;
		refuse(fd, "{\"id\":null,\"ok\":false,\"error\":\"no memory; come back later\"}\n");
		return;
	}
	control->count++;
}

/* ---- what waits, what is followed ---- */

/* Answers a client whose wait is over; true: it was. */
static bool end_wait(struct control *control, struct client *client, uint64_t now_ns)
{
	json_t *result = json_object();
	json_t *id = json_incref(client->wait_id);
	const char *late = client->wait.late;
	bool over = result && client->wait.is_over(control->daemon, &client->wait, result);

	if (!over && now_ns < client->wait.deadline_ns) {
		json_decref(result);
		json_decref(id);
		return false;
	}
	stop_waiting(control, client);
	if (over) {
		answer(control, client, id, result);
	} else {
		json_decref(result);
		answer_error(control, client, id, late);
	}
	go_on(control, client);
	return true;
}

uint32_t control_poll(struct control *control)
{
	uint32_t done = 0;
	uint64_t now_ns;

	if (!control->waiting && !control->any_doomed)
		return 0;
	now_ns = weirsim_now_ns(control->daemon->sim);
	control->any_doomed = false;
	for (uint32_t i = 0; i < CLIENTS_MOST; i++) {
		if (control->clients[i].doomed)
			hang_up(control, &control->clients[i]);
		else if (control->clients[i].waits)
			done += end_wait(control, &control->clients[i], now_ns);
	}
	return done;
}

uint64_t control_next_ns(const struct control *control)
{
	uint64_t next_ns = UINT64_MAX;

	for (uint32_t i = 0; control->waiting && i < CLIENTS_MOST; i++) {
		if (control->clients[i].waits && control->clients[i].wait.deadline_ns < next_ns)
			next_ns = control->clients[i].wait.deadline_ns;
	}
	return next_ns;
}

static void follow_line(struct control *control, struct client *client, enum weir_log_level level,
			const char *text)
{
	json_t *object;

	if (client->output_bytes >= OUTPUT_PAUSE) {
		client->log_lost++;
		return;
	}
	object = json_pack("{s:s, s:s, s:I, s:o}", "event", "log", "level", log_level_name(level),
			   "lost", (json_int_t)client->log_lost, "text", string_of(text));
	client->log_lost = 0;
	put_object(control, client, object);
	/* It is sent when the loop finds that the client takes it. */
	watch_client(control, client);
}

void control_log(struct control *control, enum weir_log_level level, const char *text)
{
	if (!control || !control->following)
		return;
	for (uint32_t i = 0; i < CLIENTS_MOST; i++) {
		if (control->clients[i].follows && !control->clients[i].doomed)
			follow_line(control, &control->clients[i], level, text);
	}
}

uint32_t control_clients(const struct control *control)
{
	return control->count;
}

/* ---- life ---- */

int control_create(struct daemon *daemon, struct control **control_out)
{
	struct control *control = calloc(1, sizeof(*control));
	int error = -ENOMEM;

	if (!control)
		return error;
	control->daemon = daemon;
	control->fd = -1;
	for (uint32_t i = 0; i < CLIENTS_MOST; i++)
		control->clients[i].fd = -1;
	if (asprintf(&control->path, "%s/control.sock", daemon->options.directory) < 0) {
		control->path = NULL;
	} else {
		control->fd = directory_listen(control->path);
		error = control->fd < 0 ? control->fd
					: loop_watch(daemon->loop, control->fd, LOOP_CONTROL_LISTEN,
						     0, EPOLLIN);
		if (error)
			daemon_log(daemon, WEIR_LOG_LEVEL_ERROR, "%s: %s%s", control->path,
				   strerror(-error),
				   error == -EADDRINUSE ? ": somebody else listens there" : "");
	}
	if (error) {
		control_destroy(control);
		return error;
	}
	*control_out = control;
	return 0;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	for (uint32_t i = 0; i < CLIENTS_MOST; i++)
		hang_up(control, &control->clients[i]);
	if (control->fd >= 0) {
		loop_unwatch(control->daemon->loop, control->fd);
		close(control->fd);
		unlink(control->path);
	}
	free(control->path);
	free(control);
}
