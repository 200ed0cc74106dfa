/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes to messages, replies to bytes.
 *
 * A message is read in two steps, its header and then exactly its payload, never beyond its end:
 * descriptors come with the byte they were sent with, so that whatever has arrived by the end of a
 * message belongs to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capabilities.h"
#include "server_internal.h"

/* A payload buffer larger than this is not kept from one message to the next. */
#define KEPT_PAYLOAD_BYTES 4096

size_t vfu_max_payload(const struct vfu_server *server)
{
	size_t data = server->limits.max_data_transfer_bytes;

	if (!server->connection.negotiated)
		return sizeof(struct vfu_message_version) + VFU_CAPABILITIES_MAX_BYTES;
	data += sizeof(struct vfu_message_region_access);
	return data > VFU_MIN_PAYLOAD_BYTES ? data : VFU_MIN_PAYLOAD_BYTES;
}

/* Hangs up on whoever sends something after which the next message cannot be found. */
static int reject_header(struct vfu_server *server, const char *what)
{
	const struct vfu_header *header = &server->connection.input.header;
	int error = vfu_fault(server, VFU_FAULT_HEADER, -EINVAL,
			      "%s (command %u, size %u, flags 0x%x): hanging up", what,
			      header->command, header->size_bytes, header->flags);

	vfu_reply(server, header, error, NULL);
	vfu_doom(server, VFU_GONE_PROTOCOL);
	return error;
}

/* Answers a message that is too large for any command, and has its payload skipped. */
static int reject_size(struct vfu_server *server)
{
	struct vfu_input *input = &server->connection.input;
	int error = vfu_fault(server, VFU_FAULT_OVERSIZED, -EMSGSIZE,
			      "command %u of %u bytes: at most %zu", input->header.command,
			      input->header.size_bytes,
			      sizeof(input->header) + vfu_max_payload(server));

	vfu_reply(server, &input->header, error, NULL);
	if (!server->connection.negotiated) {
		vfu_doom(server, VFU_GONE_PROTOCOL);
		return error;
	}
	input->discard_bytes = input->header.size_bytes - sizeof(input->header);
	return 0;
}

/* The header is complete: what comes after it? */
static int header_complete(struct vfu_server *server)
{
	struct vfu_input *input = &server->connection.input;
	size_t payload;

	if (input->header.size_bytes < sizeof(input->header))
		return reject_header(server, "a message smaller than its header");
	payload = input->header.size_bytes - sizeof(input->header);
	if (payload > vfu_max_payload(server))
		return reject_size(server);
	if (payload > input->payload_capacity) {
		uint8_t *larger = realloc(input->payload, payload);

		if (!larger) {
			vfu_log(server, VFU_LOG_ERROR, "no memory for a message of %zu bytes",
				payload);
			vfu_doom(server, VFU_GONE_NO_RESOURCES);
			return -ENOMEM;
		}
		input->payload = larger;
		input->payload_capacity = payload;
	}
	input->payload_size = payload;
	return 0;
}

/* The peer is gone, or the connection is broken. */
static void receive_failed(struct vfu_server *server, ssize_t error)
{
	const struct vfu_input *input = &server->connection.input;

	if (input->header_bytes > 0)
		vfu_fault(server, VFU_FAULT_TRUNCATED, 0, "left in the middle of a message");
	if (error < 0 && error != -ECONNRESET)
		vfu_log(server, VFU_LOG_WARNING, "cannot receive: %s", strerror((int)-error));
	vfu_doom(server, VFU_GONE_HANGUP);
}

/* Receives at most `wanted` bytes: how many, 0 if none are there, or -ENOTCONN with the client doomed. */
static ssize_t receive_some(struct vfu_server *server, void *into, size_t wanted)
{
	struct vfu_connection *connection = &server->connection;
	struct vfu_fd_list *fds = &connection->input.fds;
	size_t fds_before = fds->count + fds->discarded;
	ssize_t received;

	received = connection->transport.receive(&connection->transport, into, wanted, fds);
	server->stats.fds_received += fds->count + fds->discarded - fds_before;
	if (received > 0)
		return received;
	if (received == -EAGAIN || received == -EWOULDBLOCK)
		return 0;
	receive_failed(server, received);
	return -ENOTCONN;
}

/* One buffer of an oversized message a time, so that vfu_server_process() stays bounded. */
static enum vfu_input_result discard_some(struct vfu_server *server)
{
	struct vfu_input *input = &server->connection.input;
	uint8_t scratch[4096];
	size_t wanted = sizeof(scratch);
	ssize_t received;

	if (input->discard_bytes < wanted)
		wanted = input->discard_bytes;
	received = receive_some(server, scratch, wanted);
	if (received <= 0)
		return received < 0 ? VFU_INPUT_FAILED : VFU_INPUT_NOTHING;
	server->stats.bytes_discarded += (uint64_t)received;
	input->discard_bytes -= (uint64_t)received;
	if (input->discard_bytes == 0)
		vfu_input_next(server);
	return VFU_INPUT_PROGRESS;
}

enum vfu_input_result vfu_input_receive(struct vfu_server *server)
{
	struct vfu_input *input = &server->connection.input;
	ssize_t received;

	while (input->header_bytes < sizeof(input->header)) {
		received = receive_some(server, (uint8_t *)&input->header + input->header_bytes,
					sizeof(input->header) - input->header_bytes);
		if (received <= 0)
			return received < 0 ? VFU_INPUT_FAILED : VFU_INPUT_NOTHING;
		input->header_bytes += (size_t)received;
		if (input->header_bytes == sizeof(input->header) && header_complete(server) < 0)
			return VFU_INPUT_FAILED;
	}
	if (input->discard_bytes > 0)
		return discard_some(server);
	while (input->payload_bytes < input->payload_size) {
		received = receive_some(server, input->payload + input->payload_bytes,
					input->payload_size - input->payload_bytes);
		if (received <= 0)
			return received < 0 ? VFU_INPUT_FAILED : VFU_INPUT_NOTHING;
		input->payload_bytes += (size_t)received;
	}
	return VFU_INPUT_MESSAGE;
}

void vfu_input_next(struct vfu_server *server)
{
	struct vfu_input *input = &server->connection.input;

	server->stats.fds_discarded += input->fds.discarded + vfu_fd_list_close(&input->fds);
	input->fds.discarded = 0;
	input->fds.lost = false;
	input->header_bytes = 0;
	input->payload_bytes = 0;
	input->payload_size = 0;
	input->discard_bytes = 0;
	if (input->payload_capacity > KEPT_PAYLOAD_BYTES) {
		free(input->payload);
		input->payload = NULL;
		input->payload_capacity = 0;
	}
}

void vfu_stream_free(struct vfu_server *server)
{
	struct vfu_connection *connection = &server->connection;

	vfu_input_next(server);
	free(connection->input.payload);
	connection->input.payload = NULL;
	connection->input.payload_capacity = 0;
	while (connection->output_first) {
		struct vfu_output *output = connection->output_first;

		connection->output_first = output->next;
		free(output);
	}
	connection->output_last = NULL;
	connection->output_bytes = 0;
}

/* --- replies ------------------------------------------------------------------------------------- */

struct vfu_output *vfu_reply_new(size_t payload_bytes)
{
	size_t size = sizeof(struct vfu_header) + payload_bytes;
	struct vfu_output *reply = calloc(1, sizeof(*reply) + size);

	if (reply) {
		reply->size_bytes = size;
		reply->fd = -1;
	}
	return reply;
}

void *vfu_reply_payload(struct vfu_output *reply)
{
	return reply->bytes + sizeof(struct vfu_header);
}

void vfu_reply(struct vfu_server *server, const struct vfu_header *header, int error,
	       struct vfu_output *reply)
{
	struct vfu_connection *connection = &server->connection;
	struct vfu_header answer = {
		.message_id = header->message_id,
		.command = header->command,
		.flags = VFU_FLAG_TYPE_REPLY | (error < 0 ? VFU_FLAG_ERROR : 0),
		.error_number = error < 0 ? (uint32_t)-error : 0,
	};

	if (error < 0) {
		free(reply);
		reply = NULL;
	}
	/* A reply is not replied to, else two peers could go on for ever. */
	if ((header->flags & VFU_FLAG_NO_REPLY) ||
	    (header->flags & VFU_FLAG_TYPE_MASK) == VFU_FLAG_TYPE_REPLY) {
		if (error < 0)
			server->stats.errors_unanswered++;
		free(reply);
		return;
	}
	if (!reply)
		reply = vfu_reply_new(0);
	if (!reply) {
		vfu_log(server, VFU_LOG_ERROR, "no memory for a reply");
		vfu_doom(server, VFU_GONE_NO_RESOURCES);
		return;
	}
	answer.size_bytes = (uint32_t)reply->size_bytes;
	memcpy(reply->bytes, &answer, sizeof(answer));
	if (error < 0)
		server->stats.error_replies++;
	else
		server->stats.replies++;

	if (connection->output_last)
		connection->output_last->next = reply;
	else
		connection->output_first = reply;
	connection->output_last = reply;
	/* With its bookkeeping, else small replies would cost far more than the limit says. */
	connection->output_bytes += sizeof(*reply) + reply->size_bytes;
	vfu_output_flush(server);
}

void vfu_output_flush(struct vfu_server *server)
{
	struct vfu_connection *connection = &server->connection;

	while (connection->output_first) {
		struct vfu_output *output = connection->output_first;
		ssize_t sent;

		sent = connection->transport.send(&connection->transport,
						  output->bytes + output->sent_bytes,
						  output->size_bytes - output->sent_bytes,
						  output->sent_bytes == 0 ? output->fd : -1);
		if (sent == -EAGAIN || sent == -EWOULDBLOCK)
			break;
		if (sent < 0) {
			if (sent != -EPIPE && sent != -ECONNRESET)
				vfu_log(server, VFU_LOG_WARNING, "cannot send: %s",
					strerror((int)-sent));
			vfu_doom(server, VFU_GONE_HANGUP);
			return;
		}
		output->sent_bytes += (size_t)sent;
		if (output->sent_bytes < output->size_bytes)
			continue;
		connection->output_bytes -= sizeof(*output) + output->size_bytes;
		connection->output_first = output->next;
		if (!connection->output_first)
			connection->output_last = NULL;
		free(output);
	}
	if (connection->output_bytes > server->limits.max_output_bytes) {
		vfu_log(server, VFU_LOG_WARNING,
			"%zu bytes of replies wait, at most %u may: hanging up",
			connection->output_bytes, server->limits.max_output_bytes);
		vfu_doom(server, VFU_GONE_SLOW_READER);
	}
}
