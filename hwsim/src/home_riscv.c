/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory between the card and the machine of its firmware, and the turns they take: weirsim_poll() gives the firmware what has
 * happened, lets it turn its loop, and carries out what it asks for. Under virtual time a turn is one poll, and what it asks for is carried
 * out before the next one, so that everything is as repeatable as in the other homes. With WEIR_EARLY_EFFECTS in the environment it is carried
 * out at the end of the turn: then a host sees it before the firmware hears that it is done, as on a bus.
 */
#include "home_riscv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Polls in a turn while there is work; each one sees what the one before has asked for. */
#define POLLS_A_TURN 32u
/* Looks at the memory before this process sleeps in a turn. */
#define SPINS	2000u
#define WAIT_MS 100
/* A firmware that is silent for so long is lost. Its own watchdog is quicker. */
#define SILENCE_MS 60000

#define COMMANDS    4096u
#define COMPLETIONS 2048u
#define EVENTS	    1024u
/* For the firmware's context. Pages come with their first use. */
#define CONTEXT_LEAST (64ull << 20)

const char *weirsim_home(void)
{
	return "riscv";
}

/* ---- memory ---- */

/* A place in the memory for bytes, aligned to a cache line. */
static uint64_t take(struct sim_home *home, uint64_t bytes)
{
	uint64_t offset = home->memory_used;

	home->memory_used = (offset + bytes + VIRT_LINE - 1) / VIRT_LINE * VIRT_LINE;
	return offset;
}

static struct virt_ring take_ring(struct sim_home *home, uint32_t entries, size_t entry_bytes)
{
	return (struct virt_ring){
		.offset = take(home, entries * entry_bytes),
		.entries = entries,
		.entry_bytes = (uint32_t)entry_bytes,
	};
}

static uint64_t port_bytes(void)
{
	return (uint64_t)CARD_SLOTS * CARD_SLOT_BYTES +
	       (uint64_t)CARD_LARGE_SLOTS * CARD_LARGE_SLOT_BYTES +
	       CARD_QUEUE_RING * (sizeof(struct hal_frame) + sizeof(struct virt_frame) + 3 * 4);
}

/* A power of two that has room for everything. */
static uint64_t memory_needed(const struct weirsim *sim)
{
	uint64_t functions = 1u + sim->config.total_vfs;
	uint64_t needed =
		sizeof(struct virt_shared) + CONTEXT_LEAST +
		functions * (CARD_REGISTER_BYTES + WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE + 4) +
		COMMANDS * sizeof(struct virt_command) +
		COMPLETIONS * sizeof(struct hal_completion) + EVENTS * sizeof(struct hal_event) +
		sim->config.ports * port_bytes();
	uint64_t bytes = CONTEXT_LEAST;

	while (bytes < needed + needed / 64)
		bytes *= 2;
	return bytes;
}

static int make_memory(struct weirsim *sim)
{
	struct sim_home *home = sim->home;

	home->memory_bytes = memory_needed(sim);
	home->memory_fd = memfd_create("weir-riscv", MFD_CLOEXEC);
	if (home->memory_fd < 0 || ftruncate(home->memory_fd, (off_t)home->memory_bytes))
		return -errno;
	home->memory = mmap(NULL, home->memory_bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, home->memory_fd, 0);
	if (home->memory == MAP_FAILED) {
		home->memory = NULL;
		return -errno;
	}
	home->shared = (struct virt_shared *)home->memory;
	return 0;
}

/* Everything but the ports' memory and the context, which come last. */
static void lay_out(struct weirsim *sim)
{
	struct sim_home *home = sim->home;
	struct virt_shared *shared = home->shared;
	uint64_t functions = 1u + sim->config.total_vfs;

	take(home, sizeof(*shared));
	shared->functions = (uint32_t)functions;
	shared->register_bytes = CARD_REGISTER_BYTES;
	shared->window_bytes = WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE;
	shared->registers = take(home, functions * CARD_REGISTER_BYTES);
	shared->windows = take(home, functions * WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE);
	shared->states = take(home, functions * sizeof(uint32_t));
	shared->commands = take_ring(home, COMMANDS, sizeof(struct virt_command));
	shared->completions = take_ring(home, COMPLETIONS, sizeof(struct hal_completion));
	shared->events = take_ring(home, EVENTS, sizeof(struct hal_event));
	shared->slot_bytes = CARD_SLOT_BYTES;
	shared->slot_count = CARD_SLOTS;
	shared->large_slot_bytes = CARD_LARGE_SLOT_BYTES;
	shared->large_slot_count = CARD_LARGE_SLOTS;
	for (uint32_t i = 0; i < sim->config.ports; i++) {
		shared->port[i].frames =
			take_ring(home, CARD_QUEUE_RING, sizeof(struct virt_frame));
		shared->port[i].releases = take_ring(home, CARD_QUEUE_RING, sizeof(uint32_t));
	}
}

int sim_home_create(struct weirsim *sim)
{
	struct sim_home *home = calloc(1, sizeof(*home));
	int error;

	sim->home = home;
	if (!home)
		return -ENOMEM;
	home->early_effects = getenv("WEIR_EARLY_EFFECTS");
	home->memory_fd = home->machine.hardware_fd = home->machine.wake_fd = -1;
	home->machine.rung_fd = home->machine.uart_fd = -1;
	if (sim->config.ports > VIRT_PORTS)
		return -EINVAL;
	home->reset_event = calloc(1u + sim->config.total_vfs, sizeof(*home->reset_event));
	home->lent = calloc((size_t)sim->config.ports * CARD_QUEUE_FRAMES, sizeof(bool));
	if (!home->reset_event || !home->lent)
		return -ENOMEM;
	error = make_memory(sim);
	if (!error)
		lay_out(sim);
	return error;
}

void sim_home_destroy(struct weirsim *sim)
{
	struct sim_home *home = sim->home;

	if (!home)
		return;
	machine_kill(&home->machine);
	if (home->memory)
		munmap(home->memory, home->memory_bytes);
	if (home->memory_fd >= 0)
		close(home->memory_fd);
	free(home->reset_event);
	free(home->lent);
	free(home);
}

void *sim_home_port_memory(struct weirsim *sim, size_t bytes)
{
	struct sim_home *home = sim->home;
	uint64_t offset = take(home, bytes);

	return home->memory_used <= home->memory_bytes ? home->memory + offset : NULL;
}

void sim_home_port_memory_free(struct weirsim *sim, void *memory, size_t bytes)
{
	(void)sim;
	(void)memory;
	(void)bytes;
}

uint32_t *sim_home_registers(struct weirsim *sim, uint16_t number)
{
	const struct sim_home *home = sim->home;

	return (uint32_t *)(home->memory + home->shared->registers +
			    (size_t)number * CARD_REGISTER_BYTES);
}

void sim_home_registers_free(struct weirsim *sim, uint32_t *registers)
{
	(void)sim;
	(void)registers;
}

uint8_t *sim_home_window(struct weirsim *sim, uint16_t number)
{
	const struct sim_home *home = sim->home;

	return home->memory + home->shared->windows +
	       (size_t)number * WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE;
}

/* The next one to open it finds it zeroed. */
void sim_home_window_free(struct weirsim *sim, uint8_t *window)
{
	(void)sim;
	if (window)
		memset(window, 0, WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE);
}

void sim_home_gate_changed(struct weirsim *sim, const struct sim_function *function)
{
	struct sim_home *home = sim->home;
	uint32_t *states = (uint32_t *)(home->memory + home->shared->states);
	uint32_t state = (uint32_t)function->msix.count << 16;

	if (function->enabled && function->ready)
		state |= VIRT_FUNCTION_READY;
	if (function->card.usable)
		state |= VIRT_FUNCTION_USABLE;
	virt_store(&states[function->number], state);
}

/* ---- the end of the firmware ---- */

void riscv_end(struct weirsim *sim, const char *why)
{
	struct sim_home *home = sim->home;

	if (home->ended)
		return;
	home->ended = true;
	sim_log(sim, WEIR_LOG_LEVEL_ERROR, "the firmware has ended: %s", why);
	machine_kill(&home->machine);
	for (uint32_t i = 0; i < sim->hal.function_limit; i++) {
		struct sim_function *function = sim->functions[i];

		if (!function)
			continue;
		function->ready = false;
		sim_function_update_gate(sim, function);
		sim_invalidate_release(sim, function);
	}
}

bool weirsim_firmware_ended(struct weirsim *sim)
{
	return sim->home->ended;
}

int weirsim_firmware_fd(struct weirsim *sim)
{
	return sim->home->machine.uart_fd;
}

uint64_t weirsim_firmware_instructions(struct weirsim *sim)
{
	return sim->home->machine.counts ? sim->home->shared->instructions : 0;
}

/* ---- turns ---- */

/* Whether the firmware sleeps is looked at after it was given something to do: shared.h, "goes to sleep". */
static void wake_if_asleep(struct sim_home *home)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (virt_load(&home->shared->asleep))
		machine_wake(&home->machine);
}

/*
 * Waits until the firmware has stored value in place, carrying out what it asks for: always when `at_once`, otherwise only when it waits
 * for that. Returns how much was carried out.
 */
static uint32_t await(struct weirsim *sim, const uint32_t *place, uint32_t value, bool at_once)
{
	struct sim_home *home = sim->home;
	uint32_t served = 0, spins = 0, silent = 0;

	while (!home->ended && virt_load(place) != value) {
		uint32_t now = at_once || virt_load(&home->shared->waiting) ? riscv_serve(sim) : 0;

		served += now;
		if (now)
			spins = silent = 0;
		if (++spins < SPINS) {
			__builtin_ia32_pause();
			continue;
		}
		spins = 0;
		switch (machine_wait(sim, WAIT_MS)) {
		case MACHINE_SILENT:
			if (++silent == SILENCE_MS / WAIT_MS)
				riscv_end(sim, "it does not answer");
			break;
		case MACHINE_RANG:
			silent = 0;
			break;
		case MACHINE_ENDED:
			return served;
		}
	}
	return served;
}

static uint32_t take_turn(struct weirsim *sim)
{
	struct sim_home *home = sim->home;
	struct virt_shared *shared = home->shared;
	uint32_t done;

	shared->time_ns = card_now_ns(&sim->hal);
	shared->polls = sim->config.virtual_time ? 1 : POLLS_A_TURN;
	virt_store(&shared->turn, ++home->turn);
	wake_if_asleep(home);
	done = await(sim, &shared->turn_done, home->turn, !sim->config.virtual_time);
	if (home->ended)
		return done;
	if (home->early_effects)
		done += riscv_serve(sim);
	done += shared->turn_work;
	home->resting = !done && shared->may_sleep;
	home->until_ns = shared->until_ns;
	return done;
}

uint32_t sim_firmware_poll(struct weirsim *sim)
{
	struct sim_home *home = sim->home;
	uint32_t given;

	if (home->ended)
		return 0;
	/* The firmware hears of what it asked for in the turn that follows at once: no host sees the one without the other. */
	given = riscv_serve(sim);
	given += riscv_give(sim);
	if (!given && home->resting && card_now_ns(&sim->hal) < home->until_ns)
		return 0;
	return given + take_turn(sim);
}

bool sim_firmware_may_sleep(struct weirsim *sim, uint64_t *until_ns)
{
	const struct sim_home *home = sim->home;

	*until_ns = home->ended ? UINT64_MAX : home->until_ns;
	if (home->ended || !home->resting)
		return home->ended;
	/* A machine that is asleep can still be taken away. */
	return machine_wait(sim, 0) != MACHINE_ENDED;
}

enum weir_status sim_firmware_manage(struct weirsim *sim, uint16_t opcode, const void *request,
				     uint32_t request_bytes, void *response, uint32_t capacity,
				     uint32_t *response_bytes, uint32_t *detail)
{
	struct sim_home *home = sim->home;
	struct virt_shared *shared = home->shared;

	*response_bytes = *detail = 0;
	if (request_bytes > sizeof(shared->request))
		return WEIR_STATUS_BAD_LENGTH;
	if (home->ended)
		return WEIR_STATUS_INTERNAL;
	if (request_bytes)
		memcpy(shared->request, request, request_bytes);
	shared->opcode = opcode;
	shared->request_bytes = request_bytes;
	shared->capacity = capacity < sizeof(shared->response) ? capacity
							       : (uint32_t)sizeof(shared->response);
	shared->time_ns = card_now_ns(&sim->hal);
	virt_store(&shared->manage_asked, ++home->manage_asked);
	wake_if_asleep(home);
	await(sim, &shared->manage_done, home->manage_asked, true);
	home->resting = false;
	if (home->ended || shared->response_bytes > shared->capacity)
		return WEIR_STATUS_INTERNAL;
	*response_bytes = shared->response_bytes;
	*detail = shared->detail;
	if (*response_bytes)
		memcpy(response, shared->response, *response_bytes);
	return (enum weir_status)shared->status;
}

/* ---- life ---- */

static void describe(struct weirsim *sim, const struct weir_firmware_config *config)
{
	struct sim_home *home = sim->home;
	struct virt_shared *shared = home->shared;

	for (uint32_t i = 0; i < sim->config.ports; i++) {
		shared->port[i].slots = (uint64_t)(sim->hal.ports[i].slots - home->memory);
		shared->port[i].large_slots =
			(uint64_t)(sim->hal.ports[i].large_slots - home->memory);
	}
	shared->magic = VIRT_MAGIC;
	shared->version = VIRT_VERSION;
	shared->flags = sim->config.virtual_time ? VIRT_VIRTUAL_TIME : 0;
	shared->memory_bytes = home->memory_bytes;
	shared->serial = sim->config.serial;
	shared->seed = sim_random(&sim->random);
	snprintf(shared->board, sizeof(shared->board), "qemu-virt");
	shared->total_vfs = config->total_vfs;
	shared->ports = config->ports;
	shared->queue_pairs = config->queue_pairs;
	shared->filters = config->filters;
	shared->log_records = config->log_records;
	shared->trace_records = config->trace_records;
	shared->context = home->memory_used;
	shared->context_bytes = home->memory_bytes - home->memory_used;
	shared->time_ns = card_now_ns(&sim->hal);
}

int sim_firmware_start(struct weirsim *sim, const struct weir_firmware_config *config)
{
	int error;

	describe(sim, config);
	error = machine_start(sim);
	if (error)
		return error;
	await(sim, &sim->home->shared->running, 1, true);
	return sim->home->ended ? -EIO : 0;
}

void sim_firmware_end(struct weirsim *sim)
{
	if (sim->home)
		machine_kill(&sim->home->machine);
}

uint32_t sim_home_step(struct weirsim *sim)
{
	(void)sim;
	return 0;
}

bool sim_home_idle(struct weirsim *sim)
{
	return sim->home->ended || riscv_rings_empty(sim->home);
}

/* An operation is carried out from beginning to end without anything between: none is ever half-way. */
bool sim_home_in_flight(struct weirsim *sim, uint16_t function, uint64_t iova, uint64_t bytes,
			uint64_t before)
{
	(void)sim;
	(void)function;
	(void)iova;
	(void)bytes;
	(void)before;
	return false;
}

uint64_t sim_home_next(struct weirsim *sim)
{
	(void)sim;
	return 0;
}
