/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The deferred home: whatever touches the bus or the wire is begun now and carried out some polls later, in an order that is
 * random under the card's seed and respects nothing but what hal.h promises. Host memory is read and written when the operation is
 * carried out; what was read appears in device memory when its completion is taken. Firmware that touches device memory
 * which a pending operation holds is stopped with a message: that is what this home is for.
 */
#include "home_deferred.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS  256u
#define DELAY_POLLS 8u	       /* an operation waits for less than this many polls */
#define NOT_SENT    UINT64_MAX /* what stands for the time at which a frame left, until it has */
/* Operations whose faults are seen at once. */
#define EARLY_FAULT_ONE_IN 4u

enum operation_kind {
	OPERATION_READ,
	OPERATION_WRITE,
	OPERATION_ENTRIES,
	OPERATION_COPY,
	OPERATION_TRANSMIT,
};

enum operation_state { OPERATION_FREE, OPERATION_FLYING, OPERATION_ENDED };

/* A stretch of host memory that an operation uses. */
struct piece {
	struct hal_requester requester;
	uint64_t address;
	uint32_t bytes;
	bool write;
	uint32_t resets; /* the function's, when the operation began */
	uint8_t *memory; /* where it is, if that was translated at the start; NULL: it will be when it is carried out */
};

struct operation {
	enum operation_kind kind;
	enum operation_state state;
	hal_tag tag;
	enum hal_result result;
	uint64_t number;
	uint32_t delay;
	/* device memory that the firmware must leave alone: read into, or written from */
	uint8_t *to;
	const uint8_t *from;
	uint32_t bytes;
	uint64_t sum; /* of from, and of the segment list */
	uint8_t *staging;
	uint32_t entry_bytes;
	uint8_t port;
	/* the checksum that is taken, NULL: none; what it came to is added with the completion */
	struct hal_sum *checksum;
	uint32_t place, taken;
	/* the checksum that is put in */
	bool inserts;
	struct hal_insert insert;
	/* where the time goes with the completion at which the frame left, NULL: nowhere */
	uint64_t *sent_ns, left_ns;
	const struct hal_segment *segments;
	uint32_t piece_count;
	struct piece pieces[CARD_SEGMENTS_PER_CALL];
};

const char *weirsim_home(void)
{
	return "hwsim-deferred";
}

int sim_home_create(struct weirsim *sim)
{
	sim->home = calloc(1, sizeof(*sim->home));
	if (!sim->home)
		return -ENOMEM;
	sim->home->operations = calloc(OPERATIONS, sizeof(*sim->home->operations));
	sim->home->lent = calloc((size_t)sim->config.ports * CARD_QUEUE_FRAMES, sizeof(bool));
	if (!sim->home->operations || !sim->home->lent)
		return -ENOMEM;
	sim->home->random = sim->config.seed ^ 0xdefe44eddefe44edull;
	sim->home->next_number = 1;
	return 0;
}

void sim_home_destroy(struct weirsim *sim)
{
	if (!sim->home)
		return;
	for (uint32_t i = 0; sim->home->operations && i < OPERATIONS; i++)
		free(sim->home->operations[i].staging);
	free(sim->home->operations);
	free(sim->home->lent);
	free(sim->home);
}

uint32_t deferred_chance(struct sim_home *home, uint32_t below)
{
	return (uint32_t)((sim_random(&home->random) >> 32) % below);
}

/* ---- what the firmware must not touch ---- */

static const char *const kind_names[] = {
	[OPERATION_READ] = "hal_dma_read",
	[OPERATION_WRITE] = "hal_dma_write",
	[OPERATION_ENTRIES] = "hal_dma_write_entries",
	[OPERATION_COPY] = "hal_dma_copy",
	[OPERATION_TRANSMIT] = "hal_transmit",
};

static void stop(const struct operation *operation, const char *what)
{
	fprintf(stderr,
		"hwsim-deferred: firmware touched %s of a pending %s() (tag %#x, %u bytes) before its completion: rule 1 of hal.h\n",
		what, kind_names[operation->kind], operation->tag, operation->bytes);
	abort();
}

static uint64_t sum_of(const void *memory, size_t bytes, uint64_t sum)
{
	const uint8_t *p = memory;

	/* FNV-1a */
	for (size_t i = 0; i < bytes; i++)
		sum = (sum ^ p[i]) * 0x100000001b3ull;
	return sum;
}

static uint64_t source_sum(const struct operation *operation)
{
	uint64_t sum = sum_of(operation->from, operation->bytes, 0xcbf29ce484222325ull);

	if (operation->kind != OPERATION_TRANSMIT)
		return sum;
	return sum_of(operation->segments, operation->piece_count * sizeof(*operation->segments),
		      sum);
}

static uint8_t poison(const struct operation *operation, uint32_t i)
{
	return (uint8_t)(0xa5 ^ (operation->number * 37) ^ (i * 11));
}

static void check_untouched(const struct operation *operation)
{
	if (operation->from && source_sum(operation) != operation->sum)
		stop(operation,
		     operation->kind == OPERATION_TRANSMIT ? "header or segments" : "the source");
	for (uint32_t i = 0; operation->to && i < operation->bytes; i++) {
		if (operation->to[i] != poison(operation, i))
			stop(operation, "the destination");
	}
	if (operation->sent_ns && *operation->sent_ns != NOT_SENT)
		stop(operation, "the time");
}

/* ---- beginning ---- */

/* A place for an operation, NULL: busy. */
static struct operation *begin(struct weirsim *sim, enum operation_kind kind, hal_tag tag)
{
	struct sim_home *home = sim->home;
	struct operation *operation = home->operations;

	if (home->flying + home->ended == OPERATIONS || !deferred_chance(home, DEFERRED_BUSY_ONE_IN))
		return NULL;
	while (operation->state != OPERATION_FREE)
		operation++;
	operation->kind = kind;
	operation->tag = tag;
	operation->number = home->next_number;
	operation->delay = deferred_chance(home, DELAY_POLLS);
	operation->to = NULL;
	operation->from = NULL;
	operation->bytes = 0;
	operation->segments = NULL;
	operation->checksum = NULL;
	operation->inserts = false;
	operation->sent_ns = NULL;
	operation->piece_count = 0;
	return operation;
}

static void add_piece(struct operation *operation, struct hal_requester requester, uint64_t address,
		      uint32_t bytes, bool write)
{
	operation->pieces[operation->piece_count++] = (struct piece){
		.requester = requester,
		.address = address,
		.bytes = bytes,
		.write = write,
	};
}

/* Everything is known: lets it fly, or says why not. */
static enum hal_result launch(struct weirsim *sim, struct operation *operation)
{
	struct sim_home *home = sim->home;
	bool fault_now = !deferred_chance(home, EARLY_FAULT_ONE_IN);
	size_t staging = operation->bytes;

	for (uint32_t i = 0; i < operation->piece_count; i++) {
		struct piece *piece = &operation->pieces[i];
		struct sim_function *function = sim_function(sim, piece->requester.function);
		enum hal_result result;

		if (!function || !function->card.usable)
			return HAL_RESET;
		if (fault_now) {
			result = sim_iommu_check(sim, piece->requester, piece->address,
						 piece->bytes, piece->write);
			/* A copy says which of its two ends faulted: the first is the source. */
			if (result == HAL_FAULT && operation->kind == OPERATION_COPY && !i)
				return HAL_FAULT_SOURCE;
			if (result != HAL_DONE)
				return result;
		}
		piece->resets = function->resets;
		/* Half of them are past the translation agent when an unmap comes, half are not there yet. */
		if (!piece->requester.flags && piece->bytes && deferred_chance(home, 2))
			piece->memory = sim_iommu_memory(sim, function, piece->address,
							 piece->bytes, piece->write);
	}
	if (operation->kind == OPERATION_READ || operation->kind == OPERATION_COPY) {
		operation->staging = malloc(staging ? staging : 1);
		if (!operation->staging)
			return HAL_BUSY;
	}
	if (operation->from)
		operation->sum = source_sum(operation);
	for (uint32_t i = 0; operation->to && i < operation->bytes; i++)
		operation->to[i] = poison(operation, i);
	operation->state = OPERATION_FLYING;
	home->flying++;
	home->next_number++;
	return HAL_PENDING;
}

enum hal_result hal_dma_read(struct hal *hal, struct hal_requester requester, uint64_t address,
			     void *to, uint32_t bytes, hal_tag tag)
{
	struct operation *operation = begin(sim_of(hal), OPERATION_READ, tag);

	if (!operation)
		return HAL_BUSY;
	operation->to = to;
	operation->bytes = bytes;
	add_piece(operation, requester, address, bytes, false);
	return launch(sim_of(hal), operation);
}

enum hal_result hal_dma_write_sum(struct hal *hal, struct hal_requester requester, uint64_t address,
				  const void *from, uint32_t bytes, struct hal_sum *sum,
				  uint32_t place, hal_tag tag)
{
	struct operation *operation = begin(sim_of(hal), OPERATION_WRITE, tag);

	if (!operation)
		return HAL_BUSY;
	operation->from = from;
	operation->bytes = bytes;
	operation->checksum = sum;
	operation->place = place;
	add_piece(operation, requester, address, bytes, true);
	return launch(sim_of(hal), operation);
}

enum hal_result hal_dma_write(struct hal *hal, struct hal_requester requester, uint64_t address,
			      const void *from, uint32_t bytes, hal_tag tag)
{
	return hal_dma_write_sum(hal, requester, address, from, bytes, NULL, 0, tag);
}

enum hal_result hal_dma_write_entries(struct hal *hal, struct hal_requester requester,
				      uint64_t address, const void *from, uint32_t entry_bytes,
				      uint32_t count, hal_tag tag)
{
	struct operation *operation = begin(sim_of(hal), OPERATION_ENTRIES, tag);

	if (!operation)
		return HAL_BUSY;
	operation->from = from;
	operation->bytes = entry_bytes * count;
	operation->entry_bytes = entry_bytes;
	add_piece(operation, requester, address, operation->bytes, true);
	return launch(sim_of(hal), operation);
}

enum hal_result hal_dma_copy_sum(struct hal *hal, struct hal_requester to, uint64_t to_address,
				 struct hal_requester from, uint64_t from_address, uint32_t bytes,
				 struct hal_sum *sum, uint32_t place, hal_tag tag)
{
	struct operation *operation = begin(sim_of(hal), OPERATION_COPY, tag);

	if (!operation)
		return HAL_BUSY;
	operation->bytes = bytes;
	operation->checksum = sum;
	operation->place = place;
	add_piece(operation, from, from_address, bytes, false);
	add_piece(operation, to, to_address, bytes, true);
	return launch(sim_of(hal), operation);
}

enum hal_result hal_dma_copy(struct hal *hal, struct hal_requester to, uint64_t to_address,
			     struct hal_requester from, uint64_t from_address, uint32_t bytes,
			     hal_tag tag)
{
	return hal_dma_copy_sum(hal, to, to_address, from, from_address, bytes, NULL, 0, tag);
}

enum hal_result hal_transmit(struct hal *hal, uint8_t port, const void *header,
			     uint32_t header_bytes, const struct hal_segment *segments,
			     uint32_t count, const struct hal_insert *insert, uint64_t *sent_ns,
			     hal_tag tag)
{
	struct operation *operation;

	if (!hal->ports[port].up)
		return HAL_LINK_DOWN;
	operation = count <= CARD_SEGMENTS_PER_CALL ? begin(sim_of(hal), OPERATION_TRANSMIT, tag)
						    : NULL;
	if (!operation)
		return HAL_BUSY;
	operation->from = header;
	operation->bytes = header_bytes;
	operation->port = port;
	operation->segments = segments;
	operation->inserts = insert != NULL;
	if (insert)
		operation->insert = *insert;
	operation->sent_ns = sent_ns;
	/* Whoever looks before the completion sees it. */
	if (sent_ns)
		*sent_ns = NOT_SENT;
	for (uint32_t i = 0; i < count; i++)
		add_piece(operation, segments[i].requester, segments[i].address, segments[i].bytes,
			  false);
	return launch(sim_of(hal), operation);
}

/* ---- carrying out ---- */

/* Moves a piece between host memory and buffer. */
static enum hal_result move_piece(struct weirsim *sim, const struct operation *operation,
				  const struct piece *piece, uint8_t *buffer)
{
	if (!piece->memory)
		return sim_iommu_dma(sim, piece->requester, piece->address, buffer, piece->bytes,
				     piece->write, operation->tag);
	if (piece->write)
		card_copy(piece->memory, buffer, piece->bytes);
	else
		card_copy(buffer, piece->memory, piece->bytes);
	if (sim->hal.trace)
		sim_trace_translated(sim, piece->requester, piece->address, piece->bytes, 0,
				     operation->tag);
	return HAL_DONE;
}

static enum hal_result carry_out_transmit(struct weirsim *sim, struct operation *operation)
{
	struct sim_port *port = &sim->ports[operation->port];
	struct iovec iov = { .iov_base = sim->bounce, .iov_len = operation->bytes };

	for (uint32_t i = 0; i < operation->piece_count; i++)
		iov.iov_len += operation->pieces[i].bytes;
	if (!port->card->up)
		return HAL_LINK_DOWN;
	if (iov.iov_len > CARD_WIRE_MAX_BYTES) {
		port->stats.dropped_wire++;
		return HAL_DROPPED;
	}
	memcpy(sim->bounce, operation->from, operation->bytes);
	iov.iov_len = operation->bytes;
	for (uint32_t i = 0; i < operation->piece_count; i++) {
		const struct piece *piece = &operation->pieces[i];
		enum hal_result result =
			move_piece(sim, operation, piece, sim->bounce + iov.iov_len);

		if (result != HAL_DONE)
			return result;
		iov.iov_len += piece->bytes;
	}
	if (operation->inserts)
		sim_insert(sim->bounce, (uint32_t)iov.iov_len, &operation->insert);
	return sim_port_transmit(port, &iov, 1, &operation->left_ns);
}

static enum hal_result carry_out(struct weirsim *sim, struct operation *operation)
{
	struct piece *piece = operation->pieces;
	enum hal_result result;

	check_untouched(operation);
	for (uint32_t i = 0; i < operation->piece_count; i++) {
		const struct sim_function *function =
			sim_function(sim, piece[i].requester.function);

		/* Rule 3: what began before a reset ends with it, and touches nothing any more. */
		if (!function || !function->card.usable || function->resets != piece[i].resets)
			return HAL_RESET;
	}
	switch (operation->kind) {
	case OPERATION_READ:
		return move_piece(sim, operation, piece, operation->staging);
	case OPERATION_WRITE:
		return move_piece(sim, operation, piece, (uint8_t *)operation->from);
	case OPERATION_ENTRIES:
		if (!piece->memory)
			return sim_iommu_dma_entries(sim, piece->requester, piece->address,
						     operation->from, operation->entry_bytes,
						     operation->bytes / operation->entry_bytes,
						     operation->tag);
		card_copy_entries(piece->memory, operation->from, operation->entry_bytes,
				  operation->bytes / operation->entry_bytes);
		if (sim->hal.trace)
			sim_trace_translated(sim, piece->requester, piece->address, piece->bytes, 0,
					     operation->tag);
		return HAL_DONE;
	case OPERATION_COPY:
		result = move_piece(sim, operation, &piece[0], operation->staging);
		if (result == HAL_FAULT)
			return HAL_FAULT_SOURCE;
		if (result == HAL_DONE)
			result = move_piece(sim, operation, &piece[1], operation->staging);
		return result;
	default:
		return carry_out_transmit(sim, operation);
	}
}

/* Frames of a port leave in the order of the calls. */
static bool is_first_of_port(const struct sim_home *home, const struct operation *operation)
{
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		const struct operation *other = &home->operations[i];

		if (other->state == OPERATION_FLYING && other->kind == OPERATION_TRANSMIT &&
		    other->port == operation->port && other->number < operation->number)
			return false;
	}
	return true;
}

/* What waits for the firmware and may be held back from it: then a poll that found nothing was not the last. */
static uint32_t held_back(const struct weirsim *sim)
{
	uint32_t waiting = sim->home->ended + (sim->hal.events != 0);

	for (uint8_t i = 0; i < sim->config.ports; i++)
		waiting += sim->hal.ports[i].tail - sim->hal.ports[i].head;
	return waiting;
}

uint32_t sim_home_step(struct weirsim *sim)
{
	struct sim_home *home = sim->home;
	uint32_t order[OPERATIONS], count = 0;

	for (uint32_t i = 0; i < OPERATIONS && count < home->flying; i++) {
		if (home->operations[i].state == OPERATION_FLYING)
			order[count++] = i;
	}
	for (uint32_t rest = count; rest; rest--) {
		uint32_t chosen = deferred_chance(home, rest);
		struct operation *operation = &home->operations[order[chosen]];

		order[chosen] = order[rest - 1];
		if (operation->delay) {
			operation->delay--;
			continue;
		}
		if (operation->kind == OPERATION_TRANSMIT && !is_first_of_port(home, operation))
			continue;
		operation->result = carry_out(sim, operation);
		/* Of the bytes that were moved: the host's may be others by now. */
		if (operation->checksum && operation->result == HAL_DONE)
			operation->taken = card_sum_piece(operation->checksum->kind,
							  operation->staging ? operation->staging
									     : operation->from,
							  operation->bytes);
		operation->state = OPERATION_ENDED;
		home->flying--;
		home->ended++;
	}
	return count + held_back(sim);
}

bool sim_home_idle(struct weirsim *sim)
{
	return !sim->home->flying && !sim->home->ended;
}

uint64_t sim_home_next(struct weirsim *sim)
{
	return sim->home->next_number;
}

bool sim_home_in_flight(struct weirsim *sim, uint16_t function, uint64_t iova, uint64_t bytes,
			uint64_t before)
{
	for (uint32_t i = 0; sim->home->flying && i < OPERATIONS; i++) {
		const struct operation *operation = &sim->home->operations[i];

		if (operation->state != OPERATION_FLYING || operation->number >= before)
			continue;
		for (uint32_t n = 0; n < operation->piece_count; n++) {
			const struct piece *piece = &operation->pieces[n];

			if (piece->memory && piece->requester.function == function &&
			    (!bytes || (piece->address <= iova + (bytes - 1) &&
					iova <= piece->address + (piece->bytes - 1))))
				return true;
		}
	}
	return false;
}

bool hal_poll_completion(struct hal *hal, struct hal_completion *completion)
{
	struct sim_home *home = sim_of(hal)->home;
	struct operation *operation;
	uint32_t skip;

	if (!home->ended)
		return false;
	skip = deferred_chance(home, home->ended);
	for (operation = home->operations;; operation++) {
		if (operation->state == OPERATION_ENDED && !skip--)
			break;
	}
	check_untouched(operation);
	if (operation->to && operation->result == HAL_DONE)
		memcpy(operation->to, operation->staging, operation->bytes);
	if (operation->checksum && operation->result == HAL_DONE)
		card_sum_add(operation->checksum, operation->taken, operation->place);
	if (operation->sent_ns && operation->result == HAL_DONE)
		*operation->sent_ns = operation->left_ns;
	free(operation->staging);
	operation->staging = NULL;
	operation->state = OPERATION_FREE;
	home->ended--;
	completion->tag = operation->tag;
	completion->result = operation->result;
	return true;
}
