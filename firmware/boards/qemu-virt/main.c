/* SPDX-License-Identifier: BSD-3-Clause */
/* The board's main(): says who it is, finds the hardware, makes the firmware in the memory that it gives, and turns its loop. */
#include "board.h"

#include "weir_firmware.h"

/* Looks at `turn` before the processor sleeps: waking it takes longer than a turn that follows soon. */
#define SPINS 2000u
/* The longest sleep: the clock is looked at now and then. */
#define SLEEP_TICKS (1000000000ull / MACHINE_TICK_NS)

/* What a card is measured by: docs/board.md, "What it takes". */
#define REFERENCE_VFS	      64u
#define REFERENCE_QUEUE_PAIRS 256u
#define REFERENCE_FILTERS     4096u
#define REFERENCE_LOG	      1024u
#define REFERENCE_TRACE	      4096u

extern const uint8_t _image[], _trap_stack_top[];
int main(void);

static void say(const char *what, uint64_t value)
{
	console_text("weir: ");
	console_text(what);
	console_text(" ");
	console_number(value);
	console_text("\n");
}

static size_t context_bytes(uint16_t vfs, uint32_t queue_pairs)
{
	const struct weir_firmware_config config = {
		.total_vfs = vfs,
		.ports = 1,
		.queue_pairs = queue_pairs,
		.filters = REFERENCE_FILTERS,
		.log_records = REFERENCE_LOG,
		.trace_records = REFERENCE_TRACE,
	};

	return weir_firmware_bytes(&config);
}

/* What the build holds against its budget; the linker knows text and data. */
static void say_sizes(void)
{
	size_t reference = context_bytes(REFERENCE_VFS, REFERENCE_QUEUE_PAIRS);

	say("bytes of the image in RAM, with stacks:",
	    (uintptr_t)_trap_stack_top - (uintptr_t)_image);
	say("bytes of context for 64 VFs and 256 queue pairs:", reference);
	say("bytes of context for a VF and its vport:",
	    (reference - context_bytes(REFERENCE_VFS / 2, REFERENCE_QUEUE_PAIRS)) /
		    (REFERENCE_VFS / 2));
	say("bytes of context for a queue pair:",
	    (context_bytes(REFERENCE_VFS, 2 * REFERENCE_QUEUE_PAIRS) - reference) /
		    REFERENCE_QUEUE_PAIRS);
}

static struct weir_firmware *make_firmware(struct hal *hal)
{
	const struct virt_shared *shared = hal->shared;
	const struct weir_firmware_config config = {
		.total_vfs = (uint16_t)shared->total_vfs,
		.ports = (uint8_t)shared->ports,
		.queue_pairs = shared->queue_pairs,
		.filters = shared->filters,
		.log_records = shared->log_records,
		.trace_records = shared->trace_records,
	};
	size_t bytes = weir_firmware_bytes(&config);
	struct weir_firmware *firmware = NULL;

	if (bytes && bytes <= shared->context_bytes)
		firmware = weir_firmware_init(hal->memory + shared->context, hal, &config);
	if (!firmware)
		board_end(VIRT_END_BAD_CONFIG,
			  "this card is impossible, or does not fit its memory");
	return firmware;
}

/* Lies down until the hardware asks for something. */
static void await_work(struct hal *hal, uint32_t turn, uint32_t manage)
{
	struct virt_shared *shared = hal->shared;

	for (uint32_t spins = 0;; spins++) {
		if (virt_load(&shared->turn) != turn || virt_load(&shared->manage_asked) != manage)
			break;
		watchdog_kick();
		if (spins < SPINS)
			continue;
		virt_store(&shared->asleep, 1);
		ivshmem_order(hal);
		if (virt_load(&shared->turn) == turn && virt_load(&shared->manage_asked) == manage)
			machine_sleep(machine_ticks() + SLEEP_TICKS);
		virt_store(&shared->asleep, 0);
	}
}

static void manage(struct hal *hal, struct weir_firmware *firmware)
{
	struct virt_shared *shared = hal->shared;
	uint32_t response_bytes = 0, detail = 0;

	shared->status = weir_firmware_manage(firmware, (uint16_t)shared->opcode, shared->request,
					      shared->request_bytes, shared->response,
					      shared->capacity, &response_bytes, &detail);
	shared->response_bytes = response_bytes;
	shared->detail = detail;
}

static void take_turn(struct hal *hal, struct weir_firmware *firmware)
{
	struct virt_shared *shared = hal->shared;
	uint32_t polls = shared->polls, work = 0, done;
	uint64_t before, until_ns = UINT64_MAX;

	do {
		before = csr_read(minstret);
		done = weir_firmware_poll(firmware);
		shared->instructions += csr_read(minstret) - before;
		work += done;
	} while (done && --polls);
	shared->may_sleep = !work && weir_firmware_may_sleep(firmware, &until_ns);
	shared->until_ns = until_ns;
	shared->turn_work = work;
}

__attribute__((noreturn)) static void run(struct hal *hal, struct weir_firmware *firmware)
{
	struct virt_shared *shared = hal->shared;
	uint32_t turn = 0, asked = 0;

	virt_store(&shared->running, 1);
	ivshmem_ring(hal);
	for (;;) {
		await_work(hal, turn, asked);
		hal_begin_turn(hal);
		if (virt_load(&shared->manage_asked) != asked) {
			manage(hal, firmware);
			virt_store(&shared->manage_done, ++asked);
		}
		if (virt_load(&shared->turn) != turn) {
			take_turn(hal, firmware);
			virt_store(&shared->turn_done, ++turn);
		}
		ivshmem_ring(hal);
	}
}

int main(void)
{
	static struct hal hal;

	console_text("weir: firmware on qemu-virt, rv64imac, ABI ");
	console_number(WEIR_ABI_MAJOR);
	console_text(".");
	console_number(WEIR_ABI_MINOR);
	console_text("\n");
	watchdog_start();
	if (!ivshmem_find(&hal)) {
		say_sizes();
		board_end(VIRT_END_NO_HARDWARE, "there is no hardware (ivshmem-doorbell, peer 1)");
	}
	hal_start(&hal);
	console_text("weir: hardware found\n");
	run(&hal, make_firmware(&hal));
}
