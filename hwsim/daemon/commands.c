/* SPDX-License-Identifier: BSD-3-Clause */
/* What the management socket's commands do (README.md lists them for their users). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "daemon.h"
#include "members.h"
#include "query.h"
#include "version.h"

#define CONFIG_BYTES	 4096u
#define REGISTERS_BYTES	 WEIR_BAR_REGISTERS_PF_BYTES
#define REGISTERS_USUAL	 (0x400u / 4) /* what lies behind is the mailbox's data window */
#define MEMBERS_MOST	 8u
#define RESET_PATIENCE_S 1u
#define VFS_PATIENCE_S	 5u
#define FAULTS_MOST	 64u

/* ---- what there is ---- */

static json_t *describe_client(const struct attachment_status *status)
{
	json_t *client = json_object();

	if (!status->client) {
		json_decref(client);
		return json_null();
	}
	put_number(client, "pid", (uint64_t)status->client_pid);
	put_number(client, "mappings", status->mappings);
	put_number(client, "mapped_bytes", status->mapped_bytes);
	put_number(client, "vectors", status->vectors);
	return client;
}

static json_t *describe_function(struct daemon *daemon, uint16_t number)
{
	struct attachment_status status;
	struct query_function life;
	json_t *function = json_object();
	uint64_t faults = 0;

	attachment_get_status(daemon->attachment, number, &status);
	query_function(daemon->sim, number, &life);
	put_name(function, number);
	put(function, "socket", json_string(status.path));
	put(function, "open", json_boolean(status.open));
	put(function, "state", json_string(life.state));
	put_number(function, "generation", life.generation);
	put(function, "client", describe_client(&status));
	put_number(function, "interrupts", status.interrupts);
	put_number(function, "interrupts_unrouted", status.interrupts_unrouted);
	put_number(function, "clients_connected", status.stats.clients_connected);
	put_number(function, "clients_refused", status.stats.clients_refused);
	put_number(function, "messages", status.stats.messages);
	put_number(function, "error_replies", status.stats.error_replies);
	for (uint32_t i = 0; i < VFU_FAULTS; i++)
		faults += status.stats.faults[i];
	put_number(function, "protocol_faults", faults);
	return function;
}

static enum request_outcome command_functions(struct daemon *daemon, struct request *request)
{
	uint16_t first = 0, last = weirsim_vfs_enabled(daemon->sim);
	json_t *functions = json_array();

	if (has(request, "function")) {
		if (!take_function(daemon, request, &first)) {
			json_decref(functions);
			return REQUEST_FAILED;
		}
		last = first;
	}
	for (uint32_t number = first; number <= last; number++)
		json_array_append_new(functions, describe_function(daemon, (uint16_t)number));
	put(request->result, "functions", functions);
	return REQUEST_DONE;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static json_t *describe_loop(struct daemon *daemon)
{
	struct loop_stats stats;
	json_t *loop = json_object();

	loop_get_stats(daemon->loop, &stats);
	put_number(loop, "polls", stats.polls);
	put_number(loop, "sleeps", stats.sleeps);
	put_number(loop, "wakes", stats.wakes);
	put_number(loop, "asleep_ns", stats.asleep_ns);
	put_number(loop, "watches", stats.watches);
	put_number(loop, "events", stats.events);
	put_number(loop, "spin_ns", stats.spin_ns);
	return loop;
}

static enum request_outcome command_info(struct daemon *daemon, struct request *request)
{
	json_t *result = request->result, *clients = json_array();
	struct query_card card;
	char serial[24];

	query_card(daemon->sim, &card);
	snprintf(serial, sizeof(serial), "%016llx", (unsigned long long)card.serial);
	put(result, "version", json_string(WEIR_SIM_VERSION));
	put_number(result, "pid", (uint64_t)getpid());
	put_number(result, "uptime_ms", (monotonic_ns() - daemon->start_ns) / 1000000);
	put(result, "directory", json_string(daemon->options.directory));
	put(result, "home", json_string(weirsim_home()));
	put(result, "firmware_version", json_string(card.firmware_version));
	put(result, "abi_major", json_integer(card.abi_version >> 16));
	put(result, "abi_minor", json_integer(card.abi_version & 0xffff));
	put(result, "serial", json_string(serial));
	put_number(result, "total_vfs", daemon->options.total_vfs);
	put_number(result, "vfs", weirsim_vfs_enabled(daemon->sim));
	put_number(result, "ports", daemon->options.ports);
	put(result, "busy_poll", json_boolean(daemon->options.busy_poll));
	put(result, "log_level", json_string(log_level_name(log_level(daemon->log))));
	put_number(result, "time_ns", weirsim_now_ns(daemon->sim));
	put_number(result, "control_clients", control_clients(daemon->control));
	put(result, "loop", describe_loop(daemon));
	for (uint32_t number = 0; number <= weirsim_vfs_enabled(daemon->sim); number++) {
		struct attachment_status status;
		json_t *client;

		attachment_get_status(daemon->attachment, (uint16_t)number, &status);
		if (!status.client)
			continue;
		client = describe_client(&status);
		put_name(client, (uint16_t)number);
		json_array_append_new(clients, client);
	}
	put(result, "clients", clients);
	return REQUEST_DONE;
}

/* ---- the firmware's commands ---- */

/* A number, or a name of the ABI. */
static bool take_opcode(struct request *request, uint16_t *opcode)
{
	const char *name = json_string_value(json_object_get(request->members, "opcode"));
	json_int_t number;

	if (!has(request, "opcode")) {
		fail(request, "\"opcode\" is missing: the number of an admin command, or its name");
		return false;
	}
	if (name) {
		if (query_opcode(name, opcode))
			return true;
		fail(request, "no admin command is called \"%.40s\"", name);
		return false;
	}
	if (!take_number(request, "opcode", UINT16_MAX, 0, &number))
		return false;
	*opcode = (uint16_t)number;
	return true;
}

static enum request_outcome command_admin(struct daemon *daemon, struct request *request)
{
	uint8_t bytes[WEIR_ADMIN_DATA_MAX_BYTES], response[WEIR_ADMIN_DATA_MAX_BYTES];
	uint32_t response_bytes, detail;
	enum weir_status status;
	uint16_t opcode;
	const char *text;
	int count = 0;

	if (!take_opcode(request, &opcode) || !take_text(request, "request", &text))
		return REQUEST_FAILED;
	if (text)
		count = from_hexadecimal(text, bytes, sizeof(bytes));
	if (count < 0)
		return fail(
			request,
			"\"request\" is the command's attributes in hexadecimal, at most %zu bytes",
			sizeof(bytes));
	status = weirsim_manage(daemon->sim, opcode, bytes, (uint32_t)count, response,
				sizeof(response), &response_bytes, &detail);
	/* What did not fit was not written. */
	if (status || response_bytes > sizeof(response))
		response_bytes = 0;
	put_number(request->result, "status", status);
	put(request->result, "status_name", json_string(query_status_name(status)));
	put_number(request->result, "detail", detail);
	put(request->result, "response", hexadecimal(response, response_bytes));
	return REQUEST_DONE;
}

/* ---- VFs and resets ---- */

static bool vfs_are_ready(struct daemon *daemon, const struct request_wait *wait, json_t *result)
{
	for (uint32_t number = 1; number <= wait->value; number++) {
		if (!weirsim_function_usable(daemon->sim, (uint16_t)number))
			return false;
	}
	put_number(result, "vfs", weirsim_vfs_enabled(daemon->sim));
	return true;
}

static enum request_outcome command_vfs(struct daemon *daemon, struct request *request)
{
	json_int_t count;
	int error;

	if (!has(request, "count")) {
		put_number(request->result, "vfs", weirsim_vfs_enabled(daemon->sim));
		put_number(request->result, "total_vfs", daemon->options.total_vfs);
		put(request->result, "enabled_by",
		    json_string(daemon->client_rules_vfs ? "client" : "owner"));
		return REQUEST_DONE;
	}
	if (!take_number(request, "count", daemon->options.total_vfs, 0, &count))
		return REQUEST_FAILED;
	error = owner_set_vfs(daemon, (uint16_t)count);
	if (error == -EBUSY)
		return fail(
			request,
			"the PF's client has enabled %u VFs: it has to disable them, or to leave",
			weirsim_vfs_enabled(daemon->sim));
	if (error)
		return fail(request, "%s: %s", strerror(-error), daemon->last_error);
	request->wait = (struct request_wait){
		.is_over = vfs_are_ready,
		.late = "the VFs are enabled, but not all are ready; see the command functions",
		.deadline_ns = weirsim_now_ns(daemon->sim) + VFS_PATIENCE_S * 1000000000ull,
		.value = (uint16_t)count,
	};
	return REQUEST_LATER;
}

static bool reset_is_over(struct daemon *daemon, const struct request_wait *wait, json_t *result)
{
	struct query_function life;

	if (!weirsim_function_usable(daemon->sim, wait->value))
		return false;
	query_function(daemon->sim, wait->value, &life);
	put_name(result, wait->value);
	put_number(result, "generation", life.generation);
	return true;
}

static enum request_outcome command_reset(struct daemon *daemon, struct request *request)
{
	uint16_t vfs = weirsim_vfs_enabled(daemon->sim), function;

	if (!take_function(daemon, request, &function))
		return REQUEST_FAILED;
	weirsim_function_reset(daemon->sim, function);
	if (!function && vfs)
		owner_vfs_changed(daemon, false);
	request->wait = (struct request_wait){
		.is_over = reset_is_over,
		.late = "the function was reset, and is not ready after a second; see the log",
		.deadline_ns = weirsim_now_ns(daemon->sim) + RESET_PATIENCE_S * 1000000000ull,
		.value = function,
	};
	return REQUEST_LATER;
}

/* ---- wires ---- */

static bool take_port(const struct daemon *daemon, struct request *request, uint8_t *port)
{
	json_int_t number;

	if (!take_number(request, "port", daemon->options.ports - 1, 0, &number))
		return false;
	*port = (uint8_t)number;
	return true;
}

static json_t *describe_port(struct daemon *daemon, uint8_t index)
{
	struct weirsim_wire_stats stats = { 0 };
	json_t *port = json_object(), *wire;

	weirsim_wire_stats(daemon->sim, index, &stats);
	wire = json_string(daemon->wires[index] ? daemon->wires[index] : "none");
	put_number(port, "port", index);
	put(port, "wire", wire ? wire : json_string("a name that is no UTF-8"));
	put(port, "plugged", json_boolean(!daemon->unplugged[index]));
	put(port, "link_up", json_boolean(weirsim_wire_up(daemon->sim, index)));
	put_number(port, "frames_received", stats.frames_received);
	put_number(port, "frames_sent", stats.frames_sent);
	put_number(port, "dropped_no_room", stats.dropped_no_room);
	put_number(port, "dropped_bad_length", stats.dropped_bad_length);
	put_number(port, "dropped_wire", stats.dropped_wire);
	return port;
}

static enum request_outcome command_wire(struct daemon *daemon, struct request *request)
{
	json_t *ports;
	const char *description;
	uint8_t port;
	bool plugged;

	if (!take_port(daemon, request, &port) || !take_text(request, "open", &description))
		return REQUEST_FAILED;
	plugged = !daemon->unplugged[port];
	if (!take_flag(request, "plugged", &plugged))
		return REQUEST_FAILED;
	if (description) {
		int error = daemon_open_wire(daemon, port, description);

		if (error)
			return fail(request, "%s; the port keeps what it had",
				    *daemon->last_error ? daemon->last_error : strerror(-error));
	}
	if (plugged == daemon->unplugged[port])
		daemon_plug_wire(daemon, port, plugged);
	ports = json_array();
	if (has(request, "port"))
		json_array_append_new(ports, describe_port(daemon, port));
	for (uint8_t i = 0; !has(request, "port") && i < daemon->options.ports; i++)
		json_array_append_new(ports, describe_port(daemon, i));
	put(request->result, "ports", ports);
	return REQUEST_DONE;
}

/* ---- looking inside ---- */

static enum request_outcome command_log(struct daemon *daemon, struct request *request)
{
	const char *name;
	enum weir_log_level level;

	if (!take_text(request, "level", &name) || !take_flag(request, "follow", &request->follow))
		return REQUEST_FAILED;
	if (name) {
		if (!log_level_parse(name, &level))
			return fail(request,
				    "levels are error, warning, info and debug, not \"%.40s\"",
				    name);
		daemon_set_log_level(daemon, level);
	}
	put(request->result, "level", json_string(log_level_name(log_level(daemon->log))));
	put(request->result, "follow", json_boolean(request->follow));
	return REQUEST_DONE;
}

static enum request_outcome command_iommu(struct daemon *daemon, struct request *request)
{
	static const char *const reasons[] = {
		[WEIRSIM_FAULT_UNMAPPED] = "unmapped",
		[WEIRSIM_FAULT_PERMISSION] = "permission",
		[WEIRSIM_FAULT_TRANSLATED] = "translated",
		[WEIRSIM_FAULT_PASID] = "pasid",
		[WEIRSIM_FAULT_HOST] = "host",
	};
	struct weirsim_iommu_stats stats;
	struct weirsim_fault faults[FAULTS_MOST];
	size_t count = weirsim_iommu_faults(daemon->sim, faults, FAULTS_MOST);
	json_t *list = json_array();

	weirsim_iommu_stats(daemon->sim, &stats);
	put_number(request->result, "mappings", stats.mappings);
	put_number(request->result, "translations", stats.translations);
	put_number(request->result, "fault_count", stats.faults);
	put_number(request->result, "unmaps", stats.unmaps);
	for (size_t i = 0; i < count; i++) {
		json_t *fault = json_object();

		put_number(fault, "time_ns", faults[i].time_ns);
		put_name(fault, faults[i].function);
		put_address(fault, "address", faults[i].address);
		put_number(fault, "bytes", faults[i].bytes);
		put(fault, "write", json_boolean(faults[i].write));
		put(fault, "reason", json_string(reasons[faults[i].reason]));
		json_array_append_new(list, fault);
	}
	put(request->result, "faults", list);
	return REQUEST_DONE;
}

/* The form that `lspci -F` reads. The PF is at 01:00.0, VFs follow by routing id. */
static json_t *lspci_text(uint16_t function, const uint8_t *config)
{
	uint32_t id = 0x100u + function;
	char *text = malloc(64 + CONFIG_BYTES / 16 * 56), *at = text;
	json_t *string;

	if (!text)
		return NULL;
	at += sprintf(at, "%02x:%02x.%u Ethernet controller\n", id >> 8, id >> 3 & 31, id & 7);
	for (uint32_t row = 0; row < CONFIG_BYTES; row += 16) {
		at += sprintf(at, "%02x:", row);
		for (uint32_t i = 0; i < 16; i++)
			at += sprintf(at, " %02x", config[row + i]);
		*at++ = '\n';
	}
	string = json_stringn(text, (size_t)(at - text));
	free(text);
	return string;
}

static enum request_outcome command_config_dump(struct daemon *daemon, struct request *request)
{
	uint8_t config[CONFIG_BYTES];
	uint16_t function;
	const char *view;

	if (!take_function(daemon, request, &function) || !take_text(request, "view", &view))
		return REQUEST_FAILED;
	if (!view || !strcmp(view, "bus")) {
		for (uint32_t at = 0; at < CONFIG_BYTES; at++)
			config[at] = (uint8_t)weirsim_config_read(daemon->sim, function,
								  (uint16_t)at, 1);
	} else if (!strcmp(view, "client")) {
		attachment_config_read(daemon->attachment, function, 0, config, sizeof(config));
	} else {
		return fail(
			request,
			"\"view\" is \"bus\", what a configuration read of the bus gives, or \"client\", "
			"what a client of the function's socket reads");
	}
	put_name(request->result, function);
	put(request->result, "data", hexadecimal(config, sizeof(config)));
	put(request->result, "lspci", lspci_text(function, config));
	return REQUEST_DONE;
}

static enum request_outcome command_registers(struct daemon *daemon, struct request *request)
{
	json_t *values;
	json_int_t first, count;
	uint16_t function;

	if (!take_function(daemon, request, &function) ||
	    !take_number(request, "offset", REGISTERS_BYTES - 4, 0, &first) ||
	    !take_number(request, "count", REGISTERS_BYTES / 4, REGISTERS_USUAL, &count))
		return REQUEST_FAILED;
	if (first % 4)
		return fail(request, "\"offset\" is a multiple of 4");
	values = json_array();
	for (json_int_t at = first; at < first + 4 * count && at < REGISTERS_BYTES; at += 4) {
		uint32_t value = 0;
		/* A read where nothing is would count as the function's fault. */
		bool readable = query_is_readable((uint32_t)at);

		if (readable && weirsim_mmio_read(daemon->sim, function, WEIR_BAR_REGISTERS,
						  (uint64_t)at, &value, 4)) {
			json_decref(values);
			return fail(
				request,
				"the function does not answer memory requests: its driver has not enabled "
				"Memory Space (VFs: VF MSE in the PF), or put it to sleep");
		}
		json_array_append_new(values, readable ? json_integer(value) : json_null());
	}
	put_name(request->result, function);
	put_number(request->result, "offset", (uint64_t)first);
	put(request->result, "values", values);
	return REQUEST_DONE;
}

/* ---- which command ---- */

static const struct {
	const char *name;
	enum request_outcome (*run)(struct daemon *daemon, struct request *request);
	const char *members[MEMBERS_MOST]; /* besides id and command */
} commands[] = {
	{ "info", command_info, { NULL } },
	{ "functions", command_functions, { "function" } },
	{ "admin", command_admin, { "opcode", "request" } },
	{ "vfs", command_vfs, { "count" } },
	{ "reset", command_reset, { "function" } },
	{ "wire", command_wire, { "port", "open", "plugged" } },
	{ "log", command_log, { "level", "follow" } },
	{ "iommu", command_iommu, { NULL } },
	{ "config-dump", command_config_dump, { "function", "view" } },
	{ "registers", command_registers, { "function", "offset", "count" } },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static enum request_outcome fail_with_names(struct request *request, const char *name)
{
	size_t length = (size_t)snprintf(request->error, sizeof(request->error),
					 "no command is called \"%.40s\"; there are:", name);

	for (size_t i = 0; i < COMMANDS && length < sizeof(request->error); i++)
		length += (size_t)snprintf(request->error + length, sizeof(request->error) - length,
					   " %s", commands[i].name);
	return REQUEST_FAILED;
}

/* The first member that the command does not know; NULL: none. */
static const char *unknown_member(const struct request *request, size_t command)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)request->members, name, value)
	{
		bool known = !strcmp(name, "id") || !strcmp(name, "command");

		for (size_t i = 0; !known && i < MEMBERS_MOST && commands[command].members[i]; i++)
			known = !strcmp(name, commands[command].members[i]);
		if (!known)
			return name;
	}
	return NULL;
}

enum request_outcome request_run(struct daemon *daemon, struct request *request)
{
	const json_t *id = json_object_get(request->members, "id");
	const char *name, *unknown;

	if (json_is_object(id) || json_is_array(id))
		return fail(request, "\"id\" is text or a number, and comes back in the answer");
	if (!take_text(request, "command", &name))
		return REQUEST_FAILED;
	if (!name)
		return fail_with_names(request, "");
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		unknown = unknown_member(request, i);
		if (unknown)
			return fail(request, "the command %s has no member \"%.40s\"", name,
				    unknown);
		return commands[i].run(daemon, request);
	}
	return fail_with_names(request, name);
}
