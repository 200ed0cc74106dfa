/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The function's registers and its start (specs/overview.md, specs/reset.md). Before STATUS says READY only STATUS
 * and GENERATION mean anything, and those stay where ABI major 1 put them.
 */
#include "weir_device.h"

#include <errno.h>
#include <string.h>

#include <rte_cycles.h>

/* RESET_TIME_MS is the device's promise; a machine without a processor of its own takes longer. */
#define READY_TIMEOUT_MS (20 * WEIR_RESET_TIME_MS)
/* More blocks than any card has: the chain must end. */
#define BLOCKS_MAX 64
#define ALL_ONES   0xffffffffu

/* A register of a block, by its default place in weir_abi.h, where the block lies on this card. */
static uint32_t place_of(const struct weir_device *device, uint32_t offset)
{
	if (offset >= WEIR_BLOCK_ADMIN && offset < WEIR_BLOCK_MAILBOX)
		return device->admin_block + (offset - WEIR_BLOCK_ADMIN);
	if (offset >= WEIR_BLOCK_CONTROL && offset < WEIR_BLOCK_ADMIN)
		return device->control_block + (offset - WEIR_BLOCK_CONTROL);
	if (offset >= WEIR_BLOCK_TIME && device->time_block)
		return device->time_block + (offset - WEIR_BLOCK_TIME);
	return offset;
}

int weir_register_read(struct weir_device *device, uint32_t offset, uint32_t *value)
{
	return device->transport->ops->read(device->transport, place_of(device, offset), value);
}

int weir_register_write(struct weir_device *device, uint32_t offset, uint32_t value)
{
	return device->transport->ops->write(device->transport, place_of(device, offset), value);
}

static bool state_is(uint32_t status, enum weir_function_state state)
{
	return status != ALL_ONES && WEIR_GET(WEIR_REG_STATUS_STATE, status) == state;
}

/* Waits for READY. -EREMOTEIO for a function that has FAILED, -ETIMEDOUT for one that stays in reset. */
static int wait_ready(struct weir_device *device)
{
	uint64_t deadline = rte_get_timer_cycles() + rte_get_timer_hz() * READY_TIMEOUT_MS / 1000;

	for (;;) {
		uint32_t status;
		int error = weir_register_read(device, WEIR_REG_STATUS, &status);

		if (error)
			return error;
		if (state_is(status, WEIR_FUNCTION_STATE_READY))
			return 0;
		if (state_is(status, WEIR_FUNCTION_STATE_FAILED))
			return -EREMOTEIO;
		if (rte_get_timer_cycles() > deadline)
			return -ETIMEDOUT;
		rte_delay_us_sleep(1000);
	}
}

bool weir_function_unchanged(struct weir_device *device)
{
	uint32_t status, generation;

	return !weir_register_read(device, WEIR_REG_STATUS, &status) &&
	       !weir_register_read(device, WEIR_REG_GENERATION, &generation) &&
	       state_is(status, WEIR_FUNCTION_STATE_READY) && generation == device->generation;
}

/* Walks the chain of blocks. Whatever it says is checked: it is the first thing that is believed. */
static int find_blocks(struct weir_device *device, bool quiet)
{
	uint32_t offset, next, header, limit = (uint32_t)device->transport->register_bytes;
	uint32_t control = 0, admin = 0, time = 0;
	int error = weir_register_read(device, WEIR_REG_FIRST_BLOCK, &offset);

	for (unsigned int i = 0; !error && offset != 0 && i < BLOCKS_MAX; i++, offset = next) {
		/* CONTROL, the longest that is used here, must fit behind its offset. */
		if (offset % 4 || offset < WEIR_BLOCK_CONTROL ||
		    offset > limit - (WEIR_BLOCK_ADMIN - WEIR_BLOCK_CONTROL)) {
			error = -EPROTO;
			break;
		}
		/* Not by name: these are offsets of this card. */
		error = device->transport->ops->read(device->transport, offset, &header);
		if (!error)
			error = device->transport->ops->read(device->transport, offset + 4, &next);
		if (error)
			break;
		switch (WEIR_GET(WEIR_BLOCK_HEADER_ID, header)) {
		case WEIR_BLOCK_CONTROL_ID:
			control = offset;
			break;
		case WEIR_BLOCK_ADMIN_ID:
			admin = offset;
			break;
		case WEIR_BLOCK_TIME_ID:
			time = offset;
			break;
		}
	}
	if (!error && (!control || !admin))
		error = -EPROTO;
	if (error) {
		if (!quiet)
			WEIR_PORT_LOG(device, ERR,
				      "the chain of register blocks cannot be followed: %s",
				      strerror(-error));
		return error;
	}
	device->control_block = control;
	device->admin_block = admin;
	device->time_block = time;
	return 0;
}

static int check_identity(struct weir_device *device, bool quiet)
{
	uint32_t magic, version, function;
	int error = weir_register_read(device, WEIR_REG_MAGIC, &magic);

	if (!error)
		error = weir_register_read(device, WEIR_REG_ABI_VERSION, &version);
	if (!error)
		error = weir_register_read(device, WEIR_REG_FUNCTION, &function);
	if (error)
		return error;
	if (magic != WEIR_REG_MAGIC_VALUE) {
		if (!quiet)
			WEIR_PORT_LOG(device, ERR, "this is no Weir: magic is %08x", magic);
		return -ENODEV;
	}
	if (WEIR_GET(WEIR_REG_ABI_VERSION_MAJOR, version) != WEIR_ABI_MAJOR) {
		if (!quiet)
			WEIR_PORT_LOG(device, ERR, "the card speaks ABI %u.%u, this driver %u.x",
				      WEIR_GET(WEIR_REG_ABI_VERSION_MAJOR, version),
				      WEIR_GET(WEIR_REG_ABI_VERSION_MINOR, version),
				      WEIR_ABI_MAJOR);
		return -EPROTONOSUPPORT;
	}
	device->function_index = (uint16_t)WEIR_GET(WEIR_REG_FUNCTION_INDEX, function);
	device->is_vf = WEIR_GET(WEIR_REG_FUNCTION_IS_VF, function) != 0;
	return 0;
}

static int read_limits(struct weir_device *device)
{
	uint32_t queues, rings, frame, features;
	struct weir_limits *limits = &device->limits;
	int error = weir_register_read(device, WEIR_REG_QUEUE_LIMITS, &queues);

	if (!error)
		error = weir_register_read(device, WEIR_REG_RING_LIMITS, &rings);
	if (!error)
		error = weir_register_read(device, WEIR_REG_MAX_FRAME, &frame);
	if (!error)
		error = weir_register_read(device, WEIR_REG_FEATURES, &features);
	if (error)
		return error;
	limits->queue_pairs = (uint16_t)WEIR_GET(WEIR_REG_QUEUE_LIMITS_QUEUE_PAIRS, queues);
	limits->vectors = (uint16_t)WEIR_GET(WEIR_REG_QUEUE_LIMITS_VECTORS, queues);
	limits->stride_log2 = (uint8_t)WEIR_GET(WEIR_REG_RING_LIMITS_STRIDE_LOG2, rings);
	limits->ring_min_log2 = (uint8_t)WEIR_GET(WEIR_REG_RING_LIMITS_MIN_LOG2, rings);
	limits->ring_max_log2 = (uint8_t)WEIR_GET(WEIR_REG_RING_LIMITS_MAX_LOG2, rings);
	limits->max_segments = (uint8_t)WEIR_GET(WEIR_REG_RING_LIMITS_MAX_SEGMENTS, rings);
	limits->features = features;
	/* What a newer firmware has more of, this driver does without. */
	limits->queue_pairs = RTE_MIN(limits->queue_pairs, (uint16_t)RTE_MAX_QUEUES_PER_PORT);
	limits->ring_max_log2 = RTE_MIN(limits->ring_max_log2, (uint8_t)WEIR_RING_MAX_LOG2);
	limits->max_frame_bytes = RTE_MIN(frame, (uint32_t)WEIR_MAX_FRAME_BYTES);
	/* A doorbell page holds all four doorbells, BAR2 the pages of all queues; a usual frame fits. */
	if (limits->queue_pairs == 0 || limits->vectors == 0 || limits->max_segments == 0 ||
	    limits->ring_min_log2 > limits->ring_max_log2 || limits->stride_log2 < 8 ||
	    limits->stride_log2 > 20 ||
	    (uint64_t)limits->queue_pairs << limits->stride_log2 >
		    device->transport->doorbell_bytes ||
	    frame < RTE_ETHER_MTU + RTE_ETHER_HDR_LEN)
		return -EPROTO;
	return 0;
}

/* A string attribute, cut to what fits and made printable. */
static void copy_string(char *to, size_t bytes, const struct weir_response *response, uint16_t id)
{
	uint16_t length = 0;
	const char *from = weir_tlv_find(response->data, response->length, id, &length);
	size_t i;

	for (i = 0; from && i < length && i + 1 < bytes && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}

static int read_info(struct weir_device *device)
{
	struct weir_response response;
	int error = weir_admin_command(device, WEIR_COMMAND_GET_INFO, NULL, &response, 0);

	if (error)
		return error;
	copy_string(device->firmware_version, sizeof(device->firmware_version), &response,
		    WEIR_ATTRIBUTE_FIRMWARE_VERSION);
	copy_string(device->board, sizeof(device->board), &response, WEIR_ATTRIBUTE_BOARD);
	device->filters_max = (uint16_t)weir_tlv_get(response.data, response.length,
						     WEIR_ATTRIBUTE_FILTERS_MAX, 0);
	return 0;
}

/* The generation that everything made from now on is meant to belong to (specs/reset.md, start, step 4). */
static int read_generation(struct weir_device *device)
{
	uint32_t status;
	int error = weir_register_read(device, WEIR_REG_GENERATION, &device->generation);

	if (!error)
		error = weir_register_read(device, WEIR_REG_STATUS, &status);
	if (!error && !state_is(status, WEIR_FUNCTION_STATE_READY))
		error = -EAGAIN;
	return error;
}

int weir_function_attach(struct weir_device *device, bool quiet)
{
	struct weir_transport *transport = device->transport;
	int error;

	/* Until the chain has been walked. */
	device->control_block = WEIR_BLOCK_CONTROL;
	device->admin_block = WEIR_BLOCK_ADMIN;
	device->admin.running = false;
	memset(&device->events, 0, sizeof(device->events));
	error = transport->ops->enable(transport);
	if (!error)
		error = wait_ready(device);
	if (error == -EREMOTEIO) {
		WEIR_PORT_LOG(device, WARNING, "the function has failed; resetting it");
		error = transport->ops->reset(transport);
		if (!error)
			error = wait_ready(device);
	}
	/* A reset through the bus that was waited for has switched it off again. */
	if (!error)
		error = transport->ops->enable(transport);
	if (error) {
		if (!quiet)
			WEIR_PORT_LOG(device, ERR, "the function does not get ready: %s",
				      strerror(-error));
		return error;
	}
	error = check_identity(device, quiet);
	if (error)
		return error;
	error = find_blocks(device, quiet);
	if (error)
		return error;
	error = read_generation(device);
	if (error)
		return error; /* a reset has come in between; tried again */
	error = read_limits(device);
	if (error) {
		if (!quiet)
			WEIR_PORT_LOG(device, ERR, "the function's limits make no sense");
		return error;
	}
	error = weir_admin_start(device);
	if (error)
		return error;
	/* The second look: a reset since the first would have given the queue to another generation. */
	if (!weir_function_unchanged(device)) {
		device->admin.running = false;
		device->quiet = false;
		/* Nobody knows which of the two has the queue: recovery C. */
		__atomic_store_n(&device->suspect, 1, __ATOMIC_RELEASE);
		return -EAGAIN;
	}
	error = read_info(device);
	if (error)
		return error;
	device->vport_flags = WEIR_VPORT_BROADCAST;
	WEIR_PORT_LOG(
		device, DEBUG,
		"function %u (%s), generation %u, board %s, firmware %s, %u queue pairs, features %x",
		device->function_index, device->is_vf ? "VF" : "PF", device->generation,
		device->board, device->firmware_version, device->limits.queue_pairs,
		device->limits.features);
	return 0;
}

bool weir_function_sound(struct weir_device *device)
{
	uint32_t admin;

	return device->admin.running && device->transport->ops->alive(device->transport) &&
	       weir_function_unchanged(device) &&
	       !weir_register_read(device, WEIR_REG_ADMIN_STATUS, &admin) &&
	       WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING, admin);
}

bool weir_function_was_reset(struct weir_device *device)
{
	uint32_t generation;

	/* Registers that cannot be read say nothing, and a generation read in a reset is worth nothing. */
	return !wait_ready(device) &&
	       !weir_register_read(device, WEIR_REG_GENERATION, &generation) &&
	       generation != ALL_ONES && generation != device->generation;
}

/* Waits until generation `before` is over: all else that a reset shows may have another cause. */
static int wait_generation_over(struct weir_device *device, uint32_t before)
{
	for (unsigned int waited_ms = 0; waited_ms < READY_TIMEOUT_MS; waited_ms++) {
		uint32_t generation;
		int error = weir_register_read(device, WEIR_REG_GENERATION, &generation);

		if (error)
			return error;
		if (generation != before && generation != ALL_ONES)
			return 0;
		rte_delay_us_sleep(1000);
	}
	return -ETIMEDOUT;
}

/* Recovery C. What counts is the generation read right before the reset is asked for, not the one remembered. */
static int soft_reset(struct weir_device *device)
{
	uint32_t before;
	int error = weir_register_read(device, WEIR_REG_GENERATION, &before);

	if (!error && before == ALL_ONES)
		error = -ETIMEDOUT;
	if (!error)
		error = weir_register_write(device, WEIR_REG_CONTROL,
					    WEIR_REG_CONTROL_SOFT_RESET_MASK);
	if (!error)
		error = wait_generation_over(device, before);
	return error;
}

int weir_function_reset(struct weir_device *device)
{
	uint32_t status;
	int error;

	device->admin.running = false;
	error = weir_register_read(device, WEIR_REG_STATUS, &status);
	/* It would not hear of a reset before it is READY. */
	if (!error)
		error = wait_ready(device);
	/* One that was seen in reset is not reset again (specs/reset.md, recovery A). */
	if (!error && (status == ALL_ONES || state_is(status, WEIR_FUNCTION_STATE_READY))) {
		error = soft_reset(device);
		if (!error)
			error = wait_ready(device);
	}
	if (error == -ETIMEDOUT || error == -EREMOTEIO) {
		error = device->transport->ops->reset(device->transport);
		if (!error)
			error = wait_ready(device);
	}
	if (error)
		WEIR_PORT_LOG(device, ERR, "the function cannot be reset: %s", strerror(-error));
	return error;
}
