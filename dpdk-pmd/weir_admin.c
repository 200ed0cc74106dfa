/* SPDX-License-Identifier: BSD-3-Clause */
#include "weir_device.h"

#include <errno.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_memzone.h>
#include <rte_pause.h>

#include "weir/weir_tables.h"
#include "weir_queues.h"

/* A command ends within this time, or the function is lost. Emulated machines are slow, hence so long. */
#define COMMAND_TIMEOUT_MS 5000
/* How long the device may take to start or stop the queue. */
#define ENABLE_TIMEOUT_MS 2000
/* Answers come in microseconds where the device polls: wait that long without sleeping. */
#define SPIN_US 50
/* Times a command is repeated that the device answers with BUSY. */
#define BUSY_RETRIES 10

/* In the data of a MISBEHAVIOUR event, above the number of the queue. */
#define EVENT_TRANSMIT (UINT64_C(1) << 16)
#define EVENT_STOPPED  (UINT64_C(1) << 17)

#define SQ_ENTRIES (1u << WEIR_ADMIN_SQ_LOG2)
#define CQ_ENTRIES (1u << WEIR_ADMIN_CQ_LOG2)

/* The memory of the queue; ABI: rings on 64-byte boundaries. */
struct admin_memory {
	struct weir_admin_command commands[SQ_ENTRIES] __rte_aligned(64);
	struct weir_admin_completion completions[CQ_ENTRIES] __rte_aligned(64);
	uint8_t request[WEIR_ADMIN_DATA_MAX_BYTES] __rte_aligned(64);
	uint8_t response[WEIR_ADMIN_DATA_MAX_BYTES] __rte_aligned(64);
};

static const char *command_name(uint16_t opcode)
{
	for (size_t i = 0; i < WEIR_COMMAND_RULES; i++)
		if (weir_command_rules[i].opcode == opcode)
			return weir_command_rules[i].name;
	return "unknown";
}

static const char *status_name(uint16_t status)
{
	for (const struct weir_name *name = weir_status_names; name->name; name++)
		if (name->value == status)
			return name->name;
	return "unknown status";
}

static const char *attribute_name(uint32_t id)
{
	id &= ~(uint32_t)WEIR_ATTRIBUTE_MUST;
	if (id < WEIR_ATTRIBUTE_LIMIT && weir_attribute_rules[id].name)
		return weir_attribute_rules[id].name;
	return "none";
}

static const char *misbehaviour_name(uint32_t kind)
{
	for (const struct weir_name *name = weir_misbehaviour_names; name->name; name++)
		if (name->value == (int)kind)
			return name->name;
	return "misbehaviour of an unknown kind";
}

static int status_errno(uint16_t status)
{
	switch (status) {
	case WEIR_STATUS_OK:
		return 0;
	case WEIR_STATUS_NOT_PERMITTED:
		return -EPERM;
	case WEIR_STATUS_BAD_LENGTH:
	case WEIR_STATUS_BAD_ATTRIBUTE:
	case WEIR_STATUS_MISSING_ATTRIBUTE:
	case WEIR_STATUS_BAD_VALUE:
		return -EINVAL;
	case WEIR_STATUS_BAD_STATE:
		return -EBUSY;
	case WEIR_STATUS_EXISTS:
		return -EEXIST;
	case WEIR_STATUS_NOT_FOUND:
		return -ENOENT;
	case WEIR_STATUS_NO_SPACE:
		return -ENOSPC;
	case WEIR_STATUS_DMA_FAULT:
		return -EFAULT;
	case WEIR_STATUS_RESET:
		return -ECONNRESET;
	case WEIR_STATUS_UNKNOWN_COMMAND:
	case WEIR_STATUS_NOT_SUPPORTED:
		return -ENOTSUP;
	case WEIR_STATUS_BUSY:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

/* --- memory -------------------------------------------------------------------------------------- */

int weir_admin_create(struct weir_device *device)
{
	struct weir_admin *admin = &device->admin;
	struct admin_memory *memory;

	admin->zone = rte_eth_dma_zone_reserve(device->ethdev, "weir_admin", 0, sizeof(*memory),
					       RTE_CACHE_LINE_SIZE, device->data->numa_node);
	if (!admin->zone) {
		WEIR_PORT_LOG(device, ERR, "no memory for the admin queue (%zu bytes)",
			      sizeof(*memory));
		return -ENOMEM;
	}
	memory = admin->zone->addr;
	admin->commands = memory->commands;
	admin->completions = memory->completions;
	admin->request = memory->request;
	admin->response = memory->response;
	admin->request_iova = admin->zone->iova + offsetof(struct admin_memory, request);
	admin->response_iova = admin->zone->iova + offsetof(struct admin_memory, response);
	return 0;
}

void weir_admin_destroy(struct weir_device *device)
{
	if (device->admin.zone)
		rte_eth_dma_zone_free(device->ethdev, "weir_admin", 0);
	device->admin.zone = NULL;
}

/* --- start and stop ------------------------------------------------------------------------------- */

/* Waits until ADMIN_STATUS.RUNNING is as wanted, or ERROR says that it will not be. */
static int wait_running(struct weir_device *device, bool wanted)
{
	for (unsigned int waited_ms = 0;; waited_ms++) {
		uint32_t status;
		int error = weir_register_read(device, WEIR_REG_ADMIN_STATUS, &status);

		if (error)
			return error;
		if ((bool)WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING, status) == wanted)
			return 0;
		if (wanted && WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, status)) {
			uint16_t reason = (uint16_t)WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, status);

			WEIR_PORT_LOG(device, ERR, "the function refuses its admin queue: %s",
				      status_name(reason));
			return status_errno(reason);
		}
		if (waited_ms == ENABLE_TIMEOUT_MS) {
			WEIR_PORT_LOG(device, ERR, "the function does not %s its admin queue",
				      wanted ? "start" : "stop");
			return -ETIMEDOUT;
		}
		rte_delay_us_sleep(waited_ms == 0 ? 50 : 1000);
	}
}

int weir_admin_start(struct weir_device *device)
{
	struct weir_admin *admin = &device->admin;
	uint64_t commands = admin->zone->iova + offsetof(struct admin_memory, commands);
	uint64_t completions = admin->zone->iova + offsetof(struct admin_memory, completions);
	const struct {
		uint32_t offset, value;
	} writes[] = {
		{ WEIR_REG_ADMIN_SQ_BASE_LOW, (uint32_t)commands },
		{ WEIR_REG_ADMIN_SQ_BASE_HIGH, (uint32_t)(commands >> 32) },
		{ WEIR_REG_ADMIN_CQ_BASE_LOW, (uint32_t)completions },
		{ WEIR_REG_ADMIN_CQ_BASE_HIGH, (uint32_t)(completions >> 32) },
		{ WEIR_REG_ADMIN_SIZES,
		  WEIR_PREP(WEIR_REG_ADMIN_SIZES_SQ_LOG2, WEIR_ADMIN_SQ_LOG2) |
			  WEIR_PREP(WEIR_REG_ADMIN_SIZES_CQ_LOG2, WEIR_ADMIN_CQ_LOG2) |
			  WEIR_PREP(WEIR_REG_ADMIN_SIZES_VECTOR, 0) },
		{ WEIR_REG_ADMIN_CONTROL, WEIR_REG_ADMIN_CONTROL_ENABLE_MASK },
		/* Nothing taken yet: arms the vector for the first event. */
		{ WEIR_REG_ADMIN_CQ_HEAD, 0 },
	};
	int error;

	/* A driver before us may have left it running. */
	error = weir_register_write(device, WEIR_REG_ADMIN_CONTROL, 0);
	if (!error)
		error = wait_running(device, false);
	if (error)
		return error;
	memset(admin->zone->addr, 0, sizeof(struct admin_memory));
	admin->tail = 0;
	admin->head = 0;
	weir_store_fence();
	for (size_t i = 0; i < RTE_DIM(writes); i++) {
		if (writes[i].offset == WEIR_REG_ADMIN_CQ_HEAD) {
			error = wait_running(device, true);
			if (error)
				return error;
		}
		error = weir_register_write(device, writes[i].offset, writes[i].value);
		if (error)
			return error;
	}
	admin->running = true;
	return 0;
}

void weir_admin_stop(struct weir_device *device)
{
	if (!device->admin.running)
		return;
	device->admin.running = false;
	if (!weir_register_write(device, WEIR_REG_ADMIN_CONTROL, 0))
		wait_running(device, false);
}

/* --- entries of the completion ring --------------------------------------------------------------- */

static void take_event(struct weir_device *device, const struct weir_admin_event *event)
{
	uint16_t kind = weir_le16_to_cpu(event->event),
		 function = weir_le16_to_cpu(event->function);
	uint64_t data = weir_le64_to_cpu(event->data);
	uint32_t detail = weir_le32_to_cpu(event->detail);

	device->admin.events_taken++;
	switch (kind) {
	case WEIR_EVENT_LINK:
		device->events.link = true;
		break;
	case WEIR_EVENT_RESET_IMPENDING:
		if (function == device->function_index)
			device->events.reset_impending = true;
		break;
	case WEIR_EVENT_VF_CHANGED:
		device->events.policy_changed = true;
		break;
	case WEIR_EVENT_MISBEHAVIOUR:
		WEIR_PORT_LOG(device, WARNING, "function %u: %s, %u times, %s queue %u%s", function,
			      misbehaviour_name(detail), weir_le16_to_cpu(event->count),
			      data & EVENT_TRANSMIT ? "transmit" : "receive", (uint16_t)data,
			      data & EVENT_STOPPED ? ", stopped" : "");
		if (function == device->function_index && (data & EVENT_STOPPED))
			device->events.queue_stopped = true;
		break;
	case WEIR_EVENT_EVENTS_LOST:
		/* Whatever they were: look at everything that events speak of. */
		WEIR_PORT_LOG(device, WARNING, "%llu events were lost", (unsigned long long)data);
		device->events.link = true;
		device->events.policy_changed = device->is_vf;
		break;
	case WEIR_EVENT_FIRMWARE_ERROR:
		WEIR_PORT_LOG(device, ERR, "the firmware reports an error: see its log");
		break;
	default:
		WEIR_PORT_LOG(device, DEBUG, "event %u of function %u, data %llu, detail %u", kind,
			      function, (unsigned long long)data, detail);
	}
}

/* Copies the next entry of the completion ring; false if there is none. */
static bool next_entry(struct weir_device *device, struct weir_admin_completion *entry)
{
	struct weir_admin *admin = &device->admin;
	const volatile struct weir_admin_completion *from =
		&admin->completions[admin->head & (CQ_ENTRIES - 1)];

	if (((weir_load32(&from->flags) ^ weir_ring_phase(admin->head, WEIR_ADMIN_CQ_LOG2)) &
	     WEIR_ADMIN_COMPLETION_PHASE_MASK) != 0)
		return false;
	weir_load_fence();
	*entry = *from;
	admin->head++;
	return true;
}

/* Takes what is in the completion ring, up to the answer to our command, if there is one. */
static bool take_entries(struct weir_device *device, bool waiting, uint16_t cookie,
			 struct weir_admin_completion *answer)
{
	struct weir_admin *admin = &device->admin;
	uint16_t before = admin->head;
	bool found = false;

	/* A sane device cannot have more than a ring of them. */
	for (unsigned int i = 0; i < CQ_ENTRIES && !found && next_entry(device, answer); i++) {
		_Static_assert(sizeof(struct weir_admin_event) == sizeof(*answer), "entries");
		if (weir_le32_to_cpu(answer->generation) != device->generation) {
			admin->stray_entries++;
		} else if (weir_le16_to_cpu(answer->kind) == WEIR_ADMIN_ENTRY_EVENT) {
			struct weir_admin_event event;

			memcpy(&event, answer, sizeof(event));
			take_event(device, &event);
		} else if (waiting && weir_le16_to_cpu(answer->cookie) == cookie) {
			found = true;
		} else {
			admin->stray_entries++;
		}
	}
	if (admin->head != before)
		weir_register_write(device, WEIR_REG_ADMIN_CQ_HEAD, admin->head);
	return found;
}

void weir_admin_take_events(struct weir_device *device)
{
	struct weir_admin_completion entry;

	if (device->admin.running)
		take_entries(device, false, 0, &entry);
}

/* --- commands ------------------------------------------------------------------------------------- */

/* Waits for the answer to the command with `cookie`. */
static int wait_answer(struct weir_device *device, uint16_t cookie,
		       struct weir_admin_completion *answer)
{
	uint64_t hz = rte_get_timer_hz(), start = rte_get_timer_cycles();
	unsigned int naps = 0;

	for (;;) {
		uint64_t waited_us;

		if (take_entries(device, true, cookie, answer))
			return 0;
		waited_us = (rte_get_timer_cycles() - start) * 1000000 / hz;
		if (waited_us < SPIN_US) {
			rte_pause();
			continue;
		}
		if (waited_us > COMMAND_TIMEOUT_MS * UINT64_C(1000))
			return -ETIMEDOUT;
		if (++naps % 16 == 0 && !device->transport->ops->alive(device->transport))
			return -ENOTCONN;
		rte_delay_us_sleep(naps < 100 ? 20 : 500);
	}
}

/* The answer's attributes on a private copy, checked. */
static int copy_response(struct weir_device *device, const struct weir_admin_completion *answer,
			 struct weir_response *response)
{
	uint32_t length = weir_le32_to_cpu(answer->response_length);

	response->detail = weir_le32_to_cpu(answer->detail);
	response->length = 0;
	if (length > sizeof(response->data))
		return -EPROTO;
	for (uint32_t i = 0; i < length; i++)
		response->data[i] = device->admin.response[i];
	if (!weir_tlv_valid(response->data, length))
		return -EPROTO;
	response->length = (uint16_t)length;
	return 0;
}

static void log_refusal(struct weir_device *device, uint16_t opcode, uint16_t status,
			uint32_t detail)
{
	switch (status) {
	case WEIR_STATUS_NOT_PERMITTED:
		WEIR_PORT_LOG(
			device, ERR,
			"%s is not permitted to this function; for a VF the administrator allows "
			"more with: ip link set dev PF vf N trust on",
			command_name(opcode));
		break;
	case WEIR_STATUS_BAD_ATTRIBUTE:
	case WEIR_STATUS_MISSING_ATTRIBUTE:
	case WEIR_STATUS_BAD_VALUE:
		WEIR_PORT_LOG(device, ERR, "%s failed: %s, attribute %s", command_name(opcode),
			      status_name(status), attribute_name(detail));
		break;
	default:
		WEIR_PORT_LOG(device, ERR, "%s failed: %s, detail %u", command_name(opcode),
			      status_name(status), detail);
	}
}

/* Submits a command once; *status is what the device answers. */
static int submit(struct weir_device *device, uint16_t opcode, const struct weir_tlv *request,
		  struct weir_admin_completion *answer)
{
	struct weir_admin *admin = &device->admin;
	volatile struct weir_admin_command *command =
		&admin->commands[admin->tail & (SQ_ENTRIES - 1)];
	uint16_t cookie = ++admin->cookie;
	int error;

	if (request)
		memcpy(admin->request, request->data, request->length);
	command->opcode = weir_cpu_to_le16(opcode);
	command->cookie = weir_cpu_to_le16(cookie);
	command->request_length = weir_cpu_to_le16(request ? request->length : (uint16_t)0);
	command->response_capacity = weir_cpu_to_le16((uint16_t)WEIR_ADMIN_DATA_MAX_BYTES);
	command->request_address = weir_cpu_to_le64(admin->request_iova);
	command->response_address = weir_cpu_to_le64(admin->response_iova);
	command->reserved = 0;
	admin->tail++;
	admin->commands_sent++;
	weir_store_fence();
	error = weir_register_write(device, WEIR_REG_ADMIN_SQ_TAIL, admin->tail);
	if (error)
		return error;
	return wait_answer(device, cookie, answer);
}

int weir_admin_command(struct weir_device *device, enum weir_command opcode,
		       const struct weir_tlv *request, struct weir_response *response, int expected)
{
	struct weir_admin *admin = &device->admin;
	struct weir_admin_completion answer;
	uint16_t status;
	int error;

	if (!admin->running)
		return -ENOTCONN;
	if (request && request->overflow)
		return -E2BIG;
	for (unsigned int tries = 0;; tries++) {
		error = submit(device, (uint16_t)opcode, request, &answer);
		if (error) {
			/* The device may still read the request and write an answer: this queue is over. */
			WEIR_PORT_LOG(device, ERR, "no answer to %s: %s", command_name(opcode),
				      strerror(-error));
			admin->running = false;
			admin->commands_failed++;
			weir_device_suspect(device);
			return error;
		}
		status = weir_le16_to_cpu(answer.status);
		if (status != WEIR_STATUS_BUSY || tries == BUSY_RETRIES)
			break;
		rte_delay_us_sleep(1000);
	}
	error = status_errno(status);
	if (error) {
		admin->commands_failed++;
		if (error != expected)
			log_refusal(device, (uint16_t)opcode, status,
				    weir_le32_to_cpu(answer.detail));
		return error;
	}
	if (response) {
		error = copy_response(device, &answer, response);
		if (error)
			WEIR_PORT_LOG(device, ERR, "the answer to %s is malformed",
				      command_name(opcode));
	}
	return error;
}
