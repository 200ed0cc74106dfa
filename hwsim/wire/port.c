/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire ports: memory for frames that arrive, link state, and whatever wire is attached. Memory is bounded and belongs to the
 * port; a frame that finds no room is dropped and counted, as on any NIC.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINK_SPEED_MBPS 100000u
/* Frames that a wire may hand over in one poll. */
#define POLL_BUDGET 64u

_Static_assert(CARD_QUEUE_FRAMES <= CARD_QUEUE_RING, "a place for every slot");

size_t sim_iov_bytes(const struct iovec *iov, int count)
{
	size_t bytes = 0;

	for (int i = 0; i < count; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

void sim_iov_copy(uint8_t *to, const struct iovec *iov, int count)
{
	for (int i = 0; i < count; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
}

/* ---- memory ---- */

static int create_port(struct weirsim *sim, uint8_t index)
{
	struct sim_port *port = &sim->ports[index];
	struct card_port *card = &sim->hal.ports[index];
	size_t slots = (size_t)CARD_SLOTS * CARD_SLOT_BYTES;
	size_t large = (size_t)CARD_LARGE_SLOTS * CARD_LARGE_SLOT_BYTES;
	size_t queue = CARD_QUEUE_RING * sizeof(struct hal_frame);
	size_t stacks = (CARD_SLOTS + CARD_LARGE_SLOTS) * sizeof(uint32_t);
	uint8_t *memory;

	port->memory_bytes = slots + large + queue + stacks;
	memory = sim_home_port_memory(sim, port->memory_bytes);
	if (!memory)
		return -ENOMEM;
	port->memory = memory;
	port->sim = sim;
	port->card = card;
	port->plugged = true;
	port->administered_up = true;
	card->hal = &sim->hal;
	card->index = index;
	card->speed_mbps = LINK_SPEED_MBPS;
	card->queue = (struct hal_frame *)memory;
	card->slots = memory + queue;
	card->large_slots = card->slots + slots;
	card->free_slots = (uint32_t *)(card->large_slots + large);
	card->free_large_slots = card->free_slots + CARD_SLOTS;
	for (uint32_t i = 0; i < CARD_SLOTS; i++)
		card->free_slots[card->free_count++] = CARD_SLOTS - 1 - i;
	for (uint32_t i = 0; i < CARD_LARGE_SLOTS; i++)
		card->free_large_slots[card->free_large_count++] = CARD_QUEUE_FRAMES - 1 - i;
	return 0;
}

int sim_ports_create(struct weirsim *sim)
{
	sim->ports = calloc(sim->config.ports, sizeof(*sim->ports));
	sim->hal.ports = calloc(sim->config.ports, sizeof(*sim->hal.ports));
	if (!sim->ports || !sim->hal.ports)
		return -ENOMEM;
	for (uint8_t i = 0; i < sim->config.ports; i++) {
		int error = create_port(sim, i);

		if (error)
			return error;
	}
	return 0;
}

void sim_ports_destroy(struct weirsim *sim)
{
	for (uint8_t i = 0; sim->ports && i < sim->config.ports; i++) {
		if (!sim->ports[i].memory)
			continue;
		sim_port_attach(&sim->ports[i], NULL, NULL, false);
		sim_home_port_memory_free(sim, sim->ports[i].memory, sim->ports[i].memory_bytes);
	}
	free(sim->ports);
	free(sim->hal.ports);
}

/* ---- link ---- */

/* This end lets the link be up. */
static bool end_is_ready(const struct sim_port *port)
{
	return port->wire && port->carrier && port->plugged && port->administered_up;
}

static void update_link(struct sim_port *port)
{
	bool up = end_is_ready(port) && (!port->cable || end_is_ready(port->cable));

	port->card->peer = up && port->cable ? port->cable->card : NULL;
	if (up == port->card->up)
		return;
	port->card->up = up;
	sim_event_link(port->sim, port->card->index);
	sim_log(port->sim, WEIR_LOG_LEVEL_INFO, "port %u: link %s%s%s", port->card->index,
		up ? "up" : "down", port->wire ? ": " : "", port->wire ? port->wire->name : "");
}

static void update_links(struct sim_port *port)
{
	update_link(port);
	if (port->cable && port->cable != port)
		update_link(port->cable);
}

void sim_port_set_carrier(struct sim_port *port, bool carrier)
{
	port->carrier = carrier;
	update_links(port);
}

void hal_board_link_set(struct hal *hal, uint8_t index, bool up)
{
	struct sim_port *port = &sim_of(hal)->ports[index];

	port->administered_up = up;
	update_links(port);
}

void weirsim_wire_link(struct weirsim *sim, uint8_t index, bool up)
{
	if (index >= sim->config.ports)
		return;
	sim->ports[index].plugged = up;
	update_links(&sim->ports[index]);
}

bool weirsim_wire_up(struct weirsim *sim, uint8_t index)
{
	return index < sim->config.ports && sim->hal.ports[index].up;
}

/* ---- frames ---- */

bool sim_port_has_room(const struct sim_port *port)
{
	return port->card->free_count && port->card->free_large_count;
}

int sim_port_deliver(struct sim_port *port, const struct iovec *iov, int count)
{
	struct card_port *card = port->card;
	size_t bytes = sim_iov_bytes(iov, count);
	uint32_t handle;
	uint8_t *data;

	if (bytes < WEIR_MIN_FRAME_BYTES || bytes > CARD_WIRE_MAX_BYTES) {
		port->stats.dropped_bad_length++;
		return -EMSGSIZE;
	}
	if (!card->up)
		return -ENETDOWN;
	if (bytes <= CARD_SLOT_BYTES ? !card->free_count : !card->free_large_count) {
		port->stats.dropped_no_room++;
		return -ENOBUFS;
	}
	if (bytes <= CARD_SLOT_BYTES)
		handle = card->free_slots[--card->free_count];
	else
		handle = card->free_large_slots[--card->free_large_count];
	data = card_slot(card, handle);
	sim_iov_copy(data, iov, count);
	/* A wire may bring frames between two polls, long after the last one. */
	card->hal->time_ns = card_now_ns(card->hal);
	card_queue_frame(card, handle, data, (uint32_t)bytes);
	return 0;
}

enum hal_result sim_port_transmit(struct sim_port *port, const struct iovec *iov, int count,
				  uint64_t *sent_ns)
{
	static const uint8_t zeros[CARD_WIRE_MIN_BYTES];
	struct iovec padded[CARD_SEGMENTS_PER_CALL + 2];
	size_t bytes = sim_iov_bytes(iov, count);
	int error = -EMSGSIZE;

	if (bytes < CARD_WIRE_MIN_BYTES && count <= (int)CARD_SEGMENTS_PER_CALL + 1) {
		memcpy(padded, iov, (size_t)count * sizeof(*iov));
		padded[count].iov_base = (void *)zeros;
		padded[count].iov_len = CARD_WIRE_MIN_BYTES - bytes;
		iov = padded;
		count++;
	}
	if (sent_ns)
		*sent_ns = card_now_ns(&port->sim->hal);
	if (bytes <= CARD_WIRE_MAX_BYTES)
		error = port->wire->transmit(port->state, iov, count);
	if (error) {
		port->stats.dropped_wire++;
		return HAL_DROPPED;
	}
	port->card->frames_sent++;
	return HAL_DONE;
}

void sim_insert(uint8_t *frame, uint32_t bytes, const struct hal_insert *insert)
{
	struct hal_sum sum;

	card_insert_begin(frame, bytes, bytes, insert, &sum);
	card_insert(frame, bytes, insert, sum.value);
}

enum hal_result sim_transmit(struct weirsim *sim, uint8_t index, const void *header,
			     uint32_t header_bytes, const struct hal_segment *segments,
			     uint32_t count, const struct hal_insert *insert, uint64_t *sent_ns,
			     hal_tag tag)
{
	struct sim_port *port = &sim->ports[index];
	struct iovec iov[CARD_SEGMENTS_PER_CALL + 1];
	uint64_t bytes = header_bytes;
	/* A host may change its memory meanwhile: what a checksum is of must be in our hands. */
	bool direct = count <= CARD_SEGMENTS_PER_CALL && !insert;
	uint8_t *to = sim->bounce;

	if (!port->card->up)
		return HAL_LINK_DOWN;
	for (uint32_t i = 0; i < count; i++) {
		enum hal_result result = sim_iommu_check(
			sim, segments[i].requester, segments[i].address, segments[i].bytes, false);

		if (result != HAL_DONE)
			return result;
		bytes += segments[i].bytes;
	}
	if (bytes > CARD_WIRE_MAX_BYTES) {
		port->stats.dropped_wire++;
		return HAL_DROPPED;
	}
	iov[0].iov_base = (void *)header;
	iov[0].iov_len = header_bytes;
	for (uint32_t i = 0; direct && i < count; i++) {
		const struct hal_segment *segment = &segments[i];

		iov[i + 1].iov_base = sim_iommu_memory(sim,
						       sim->functions[segment->requester.function],
						       segment->address, segment->bytes, false);
		iov[i + 1].iov_len = segment->bytes;
		direct = iov[i + 1].iov_base;
	}
	if (direct) {
		for (uint32_t i = 0; sim->hal.trace && i < count; i++)
			sim_trace_translated(sim, segments[i].requester, segments[i].address,
					     segments[i].bytes, 0, tag);
		return sim_port_transmit(port, iov, (int)count + 1, sent_ns);
	}
	memcpy(to, header, header_bytes);
	to += header_bytes;
	for (uint32_t i = 0; i < count; i++) {
		enum hal_result result = sim_iommu_dma(sim, segments[i].requester,
						       segments[i].address, to, segments[i].bytes,
						       false, tag);

		if (result != HAL_DONE)
			return result;
		to += segments[i].bytes;
	}
	if (insert)
		sim_insert(sim->bounce, (uint32_t)bytes, insert);
	iov[0].iov_base = sim->bounce;
	iov[0].iov_len = bytes;
	return sim_port_transmit(port, iov, 1, sent_ns);
}

uint32_t sim_ports_poll(struct weirsim *sim)
{
	uint32_t done = 0;

	for (uint8_t i = 0; i < sim->config.ports; i++) {
		struct sim_port *port = &sim->ports[i];

		if (port->wire && port->wire->poll && sim_port_has_room(port))
			done += port->wire->poll(port->state, POLL_BUDGET);
	}
	return done;
}

bool sim_ports_may_sleep(struct weirsim *sim, uint64_t *until_ns)
{
	uint64_t now_ns = card_now_ns(&sim->hal);

	for (uint8_t i = 0; i < sim->config.ports; i++) {
		const struct sim_port *port = &sim->ports[i];
		uint64_t next_ns = UINT64_MAX;

		if (port->card->head != port->card->tail)
			return false;
		if (port->wire && port->wire->next_ns)
			next_ns = port->wire->next_ns(port->state);
		if (next_ns <= now_ns)
			return false;
		if (next_ns < *until_ns)
			*until_ns = next_ns;
	}
	return true;
}

int weirsim_wire_stats(struct weirsim *sim, uint8_t index, struct weirsim_wire_stats *stats)
{
	if (index >= sim->config.ports)
		return -EINVAL;
	*stats = sim->ports[index].stats;
	stats->frames_received = sim->hal.ports[index].frames_received;
	stats->frames_sent = sim->hal.ports[index].frames_sent;
	return 0;
}
