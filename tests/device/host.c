/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's bus, memory and start-up sequence; its admin queue is in host_admin.c, its data queues in host_queues.c. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "weir/weir_config_space.h"
#include "weir_cunit.h"

#define ADMIN_LOG2    4u
#define ADMIN_CQ_LOG2 5u
#define TURNS_MAX     2000000u
#define GUARD_BYTES   4096u
#define SOON_NS	      50000000u
#define BAR_BASE      0xe000000000ull

/* ---- what the card calls ---- */

static void on_interrupt(void *opaque, uint16_t function, uint16_t vector, uint64_t address,
			 uint32_t data)
{
	struct host *host = opaque;

	/* The table was set up so that the message names function and vector. */
	WEIR_EXPECT_EQ(address, 0xfee00000u + function * 0x1000u);
	WEIR_EXPECT_EQ(data, vector);
	host->functions[function].interrupts[vector]++;
}

static void on_log(void *opaque, enum weir_log_level level, const char *text)
{
	struct host *host = opaque;

	host->log_lines++;
	host->log_errors += level == WEIR_LOG_LEVEL_ERROR;
	snprintf(host->last_log, sizeof(host->last_log), "%s", text);
	if (getenv("WEIR_TEST_LOG"))
		fprintf(stderr, "# card: %s\n", text);
}

/* ---- life ---- */

static struct host *create(uint16_t vfs, uint64_t seed, bool virtual_time)
{
	static const struct weirsim_host_ops ops = { .interrupt = on_interrupt, .log = on_log };
	struct host *host = calloc(1, sizeof(*host));

	host->vfs = vfs;
	host->functions = calloc(1u + vfs, sizeof(*host->functions));
	struct weirsim_config config = { .total_vfs = vfs,
					 .ports = 1,
					 .serial = 0x1122334455667788ull,
					 .virtual_time = virtual_time,
					 .seed = seed,
					 .host = &ops,
					 .opaque = host };
	host->sim = weirsim_create(&config);
	WEIR_REQUIRE(host->sim != NULL);
	for (uint32_t i = 0; i <= vfs; i++) {
		struct host_function *function = &host->functions[i];

		function->host = host;
		function->index = (uint16_t)i;
		function->iova = 0x100000000ull * (i + 1);
	}
	host_settle(host);
	/* The bus: BARs somewhere high, the PF first, then the VFs' apertures. */
	weirsim_config_write(host->sim, 0, WEIR_CFG_BAR0 + 4, BAR_BASE >> 32, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_BAR0, 0x00100000, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_BAR2 + 4, BAR_BASE >> 32, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_BAR2, 0x00200000, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_BAR4 + 4, BAR_BASE >> 32, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_BAR4, 0x00300000, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_VF_BAR0 + 4, (BAR_BASE >> 32) + 1, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_VF_BAR2 + 4, (BAR_BASE >> 32) + 2, 4);
	weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_VF_BAR4 + 4, (BAR_BASE >> 32) + 3, 4);
	return host;
}

struct host *host_create(uint16_t vfs, uint64_t seed)
{
	return create(vfs, seed, true);
}

struct host *host_create_real_time(uint16_t vfs, uint64_t seed)
{
	return create(vfs, seed, false);
}

void host_destroy(struct host *host)
{
	weirsim_destroy(host->sim);
	for (uint32_t i = 0; i <= host->vfs; i++) {
		if (host->functions[i].memory)
			munmap(host->functions[i].memory - GUARD_BYTES,
			       HOST_MEMORY_BYTES + 2 * GUARD_BYTES);
	}
	free(host->functions);
	free(host->wire);
	free(host);
}

void host_turn(struct host *host)
{
	weirsim_poll(host->sim);
	weirsim_advance_ns(host->sim, 1000);
}

void host_settle(struct host *host)
{
	uint64_t until_ns;

	for (uint32_t i = 0; i < TURNS_MAX; i++) {
		uint32_t done = weirsim_poll(host->sim);

		if (!done && weirsim_may_sleep(host->sim, &until_ns)) {
			uint64_t now_ns = weirsim_now_ns(host->sim);

			/* It sleeps until it wants to try something again: that time comes. Later things (rate limits) are left. */
			if (until_ns > now_ns + SOON_NS)
				return;
			if (until_ns > now_ns)
				weirsim_advance_ns(host->sim, until_ns - now_ns);
		}
		weirsim_advance_ns(host->sim, 1000);
	}
	WEIR_REQUIRE(!"the card never came to rest");
}

void host_enable_vfs(struct host *host, uint16_t count)
{
	if (!count) {
		weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 0x10, 2);
		host_settle(host);
		return;
	}
	weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_NUM_VFS, count, 2);
	weirsim_config_write(host->sim, 0, WEIR_CFG_SRIOV_CONTROL, 0x19, 2);
	host_settle(host);
}

void host_forget(struct host_function *function)
{
	memset(function->tx, 0, sizeof(function->tx));
	memset(function->rx, 0, sizeof(function->rx));
	function->admin_running = false;
	function->admin_tail = function->admin_head = 0;
	function->allocated = 0;
	/* Anonymous memory comes back as zeroes. */
	if (function->memory)
		madvise(function->memory, HOST_MEMORY_BYTES, MADV_DONTNEED);
}

void host_flr(struct host_function *function)
{
	uint32_t control = weirsim_config_read(function->host->sim, function->index,
					       WEIR_CFG_EXP_DEVICE_CONTROL, 2);

	weirsim_config_write(function->host->sim, function->index, WEIR_CFG_EXP_DEVICE_CONTROL,
			     control | 0x8000, 2);
}

/* ---- registers and memory ---- */

/* Through the BAR as a bus decodes it, so that decode itself is in every test. */
uint64_t host_bar(const struct host_function *function, uint8_t bar)
{
	struct weirsim *sim = function->host->sim;
	uint16_t at = (uint16_t)((function->index ? WEIR_CFG_SRIOV_VF_BAR0 : WEIR_CFG_BAR0) +
				 bar / 2 * 8);
	uint64_t base = (weirsim_config_read(sim, 0, at, 4) & ~0xfu) |
			(uint64_t)weirsim_config_read(sim, 0, at + 4, 4) << 32;
	static const uint32_t vf_bytes[] = { WEIR_BAR_REGISTERS_VF_BYTES,
					     WEIR_BAR_DOORBELLS_VF_BYTES, WEIR_BAR_MSIX_VF_BYTES };

	return function->index ? base + (uint64_t)(function->index - 1) * vf_bytes[bar / 2] : base;
}

uint32_t host_read(struct host_function *function, uint32_t reg)
{
	uint32_t value;

	weirsim_memory_read(function->host->sim, host_bar(function, WEIR_BAR_REGISTERS) + reg,
			    &value, 4);
	return value;
}

void host_write(struct host_function *function, uint32_t reg, uint32_t value)
{
	weirsim_memory_write(function->host->sim, host_bar(function, WEIR_BAR_REGISTERS) + reg,
			     &value, 4);
}

void host_doorbell(struct host_function *function, uint16_t queue, uint32_t which, uint32_t value)
{
	uint64_t at = host_bar(function, WEIR_BAR_DOORBELLS) +
		      ((uint64_t)queue << WEIR_DOORBELL_STRIDE_LOG2) + which;

	weirsim_memory_write(function->host->sim, at, &value, 4);
}

uint64_t host_alloc(struct host_function *function, uint32_t bytes, uint32_t alignment)
{
	uint32_t at = (function->allocated + alignment - 1) / alignment * alignment;

	WEIR_REQUIRE(at + bytes <= HOST_MEMORY_BYTES);
	function->allocated = at + bytes;
	return function->iova + at;
}

void *host_pointer(struct host_function *function, uint64_t address)
{
	return function->memory + (address - function->iova);
}

static void point_vectors(struct host_function *function)
{
	uint64_t table = host_bar(function, WEIR_BAR_MSIX) + WEIR_MSIX_TABLE_OFFSET;
	uint32_t vectors = function->index ? WEIR_MSIX_VF_VECTORS : WEIR_MSIX_PF_VECTORS;
	struct weirsim *sim = function->host->sim;

	for (uint32_t i = 0; i < vectors; i++) {
		uint32_t entry[4] = { 0xfee00000u + function->index * 0x1000u, 0, i, 0 };

		for (uint32_t word = 0; word < 4; word++)
			weirsim_memory_write(sim, table + i * 16 + word * 4, &entry[word], 4);
	}
	weirsim_config_write(sim, function->index, WEIR_CFG_MSIX_CONTROL, 0x8000, 2);
}

/* Memory with a page on either side that nobody may touch. */
static uint8_t *map_memory(void)
{
	uint8_t *memory = mmap(NULL, HOST_MEMORY_BYTES + 2 * GUARD_BYTES, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	WEIR_REQUIRE(memory != MAP_FAILED);
	WEIR_REQUIRE_EQ(mprotect(memory + GUARD_BYTES, HOST_MEMORY_BYTES, PROT_READ | PROT_WRITE),
			0);
	return memory + GUARD_BYTES;
}

uint32_t host_state(struct host_function *function)
{
	return WEIR_GET(WEIR_REG_STATUS_STATE, host_read(function, WEIR_REG_STATUS));
}

bool host_ready(struct host_function *function)
{
	struct host *host = function->host;

	if (!function->memory) {
		function->memory = map_memory();
		int error = weirsim_dma_map(host->sim, function->index, function->iova,
					    function->memory, HOST_MEMORY_BYTES,
					    WEIRSIM_READ | WEIRSIM_WRITE);
		WEIR_REQUIRE_EQ(error, 0);
	}
	weirsim_config_write(host->sim, function->index, WEIR_CFG_COMMAND, 0x0006, 2);
	host_settle(host);
	if (host_read(function, WEIR_REG_MAGIC) != WEIR_REG_MAGIC_VALUE ||
	    host_state(function) != WEIR_FUNCTION_STATE_READY)
		return false;
	function->generation = host_read(function, WEIR_REG_GENERATION);
	point_vectors(function);
	return true;
}

uint32_t host_admin_enable(struct host_function *function, uint64_t sq, uint64_t cq, uint32_t sizes)
{
	host_write(function, WEIR_REG_ADMIN_SQ_BASE_LOW, (uint32_t)sq);
	host_write(function, WEIR_REG_ADMIN_SQ_BASE_HIGH, (uint32_t)(sq >> 32));
	host_write(function, WEIR_REG_ADMIN_CQ_BASE_LOW, (uint32_t)cq);
	host_write(function, WEIR_REG_ADMIN_CQ_BASE_HIGH, (uint32_t)(cq >> 32));
	host_write(function, WEIR_REG_ADMIN_SIZES, sizes);
	host_write(function, WEIR_REG_ADMIN_CONTROL, WEIR_REG_ADMIN_CONTROL_ENABLE_MASK);
	host_settle(function->host);
	return host_read(function, WEIR_REG_ADMIN_STATUS);
}

bool host_admin_open(struct host_function *function, uint8_t sq_log2, uint8_t cq_log2,
		     uint16_t vector)
{
	uint32_t sizes = WEIR_PREP(WEIR_REG_ADMIN_SIZES_SQ_LOG2, sq_log2) |
			 WEIR_PREP(WEIR_REG_ADMIN_SIZES_CQ_LOG2, cq_log2) |
			 WEIR_PREP(WEIR_REG_ADMIN_SIZES_VECTOR, vector);

	function->admin_sq_log2 = sq_log2;
	function->admin_cq_log2 = cq_log2;
	function->admin_sq = host_alloc(function, sizeof(struct weir_admin_command) << sq_log2, 64);
	function->admin_cq =
		host_alloc(function, sizeof(struct weir_admin_completion) << cq_log2, 64);
	function->admin_request = host_alloc(function, WEIR_ADMIN_DATA_MAX_BYTES, 64);
	function->admin_response = host_alloc(function, WEIR_ADMIN_DATA_MAX_BYTES, 64);
	function->admin_tail = function->admin_head = 0;
	function->admin_running = WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING,
					   host_admin_enable(function, function->admin_sq,
							     function->admin_cq, sizes));
	return function->admin_running;
}

bool host_start(struct host_function *function)
{
	return host_ready(function) && host_admin_open(function, ADMIN_LOG2, ADMIN_CQ_LOG2, 0);
}

static uint64_t vector_entry(struct host_function *function, uint16_t vector)
{
	return host_bar(function, WEIR_BAR_MSIX) + WEIR_MSIX_TABLE_OFFSET + vector * 16u;
}

void host_vector_mask(struct host_function *function, uint16_t vector, bool masked)
{
	uint32_t control = masked;

	weirsim_memory_write(function->host->sim, vector_entry(function, vector) + 12, &control, 4);
}

bool host_vector_pending(struct host_function *function, uint16_t vector)
{
	uint64_t at = host_bar(function, WEIR_BAR_MSIX) + WEIR_MSIX_PBA_OFFSET + vector / 64 * 8u;
	uint64_t bits = 0;

	weirsim_memory_read(function->host->sim, at, &bits, 8);
	return bits >> vector % 64 & 1;
}

void host_pass_ms(struct host *host, uint32_t ms)
{
	while (ms--) {
		weirsim_advance_ns(host->sim, 1000000);
		host_turn(host);
	}
	host_settle(host);
}
