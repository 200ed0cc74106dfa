/* SPDX-License-Identifier: BSD-3-Clause */
/* A card with the fake firmware in it. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_interrupt(void *opaque, uint16_t function, uint16_t vector, uint64_t address,
			 uint32_t data)
{
	struct bench *bench = opaque;

	if (bench->interrupt_count < BENCH_INTERRUPTS)
		bench->interrupts[bench->interrupt_count] =
			(struct bench_interrupt){ function, vector, address, data };
	bench->interrupt_count++;
}

static void on_ready(void *opaque, uint16_t function)
{
	struct bench *bench = opaque;

	(void)function;
	bench->ready_count++;
}

static void on_invalidated(void *opaque, uint16_t function, uint64_t tag)
{
	struct bench *bench = opaque;

	(void)function;
	bench->invalidated_tag = tag;
	bench->invalidated_count++;
}

static void on_log(void *opaque, enum weir_log_level level, const char *text)
{
	struct bench *bench = opaque;

	bench->log_lines++;
	bench->log_errors += level <= WEIR_LOG_LEVEL_WARNING;
	snprintf(bench->log, sizeof(bench->log), "%s", text);
}

static void on_vfs(void *opaque, uint16_t count)
{
	struct bench *bench = opaque;

	bench->vfs_changed_count++;
	bench->vfs = count;
}

void bench_done(void *opaque)
{
	struct bench *bench = opaque;

	bench->done_count++;
}

struct bench *bench_new_with(struct weirsim_config config)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	WEIR_REQUIRE(bench != NULL);
	bench->host = (struct weirsim_host_ops){
		.interrupt = on_interrupt,
		.function_ready = on_ready,
		.invalidate_done = on_invalidated,
		.log = on_log,
		.vfs_changed = on_vfs,
	};
	if (config.host && config.host->dma)
		bench->host.dma = config.host->dma;
	config.host = &bench->host;
	config.opaque = bench;
	bench->memory = aligned_alloc(4096, BENCH_MEMORY_BYTES);
	WEIR_REQUIRE(bench->memory != NULL);
	memset(bench->memory, 0, BENCH_MEMORY_BYTES);
	bench->sim = weirsim_create(&config);
	WEIR_REQUIRE(bench->sim != NULL);
	bench->firmware = fake_last;
	bench->hal = fake_last->hal;
	bench_poll(bench);
	return bench;
}

struct bench *bench_new(void)
{
	return bench_new_with((struct weirsim_config){
		.total_vfs = BENCH_VFS,
		.ports = 2,
		.virtual_time = true,
		.seed = 1,
		.serial = 0x0123456789abcdef,
	});
}

void bench_end(struct bench *bench)
{
	weirsim_destroy(bench->sim);
	free(bench->memory);
	free(bench);
}

void bench_poll(struct bench *bench)
{
	for (int quiet = 0, all = 0; quiet < 3 && all < 10000; all++)
		quiet = weirsim_poll(bench->sim) ? 0 : quiet + 1;
}

uint32_t bench_config(struct bench *bench, uint16_t function, uint16_t offset, uint8_t size)
{
	return weirsim_config_read(bench->sim, function, offset, size);
}

void bench_configure(struct bench *bench, uint16_t function, uint16_t offset, uint32_t value,
		     uint8_t size)
{
	weirsim_config_write(bench->sim, function, offset, value, size);
}

void bench_set_bar(struct bench *bench, uint16_t offset, uint64_t address)
{
	bench_configure(bench, 0, offset, (uint32_t)address, 4);
	bench_configure(bench, 0, offset + 4, (uint32_t)(address >> 32), 4);
}

void bench_enable_pf(struct bench *bench)
{
	bench_set_bar(bench, WEIR_CFG_BAR0, BENCH_BAR0);
	bench_set_bar(bench, WEIR_CFG_BAR2, BENCH_BAR2);
	bench_set_bar(bench, WEIR_CFG_BAR4, BENCH_BAR4);
	bench_configure(bench, 0, WEIR_CFG_COMMAND, 0x6, 2);
	bench_poll(bench);
}

void bench_enable_vfs(struct bench *bench, uint16_t count)
{
	bench_enable_pf(bench);
	bench_set_bar(bench, WEIR_CFG_SRIOV_VF_BAR0, BENCH_VF_BAR0);
	bench_set_bar(bench, WEIR_CFG_SRIOV_VF_BAR2, BENCH_VF_BAR2);
	bench_set_bar(bench, WEIR_CFG_SRIOV_VF_BAR4, BENCH_VF_BAR4);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_NUM_VFS, count, 2);
	bench_configure(bench, 0, WEIR_CFG_SRIOV_CONTROL, 0x9, 2);
	bench_poll(bench);
	for (uint16_t n = 1; n <= count; n++)
		bench_configure(bench, n, WEIR_CFG_COMMAND, 0x4, 2);
	bench_poll(bench);
}

uint32_t bench_read32(struct bench *bench, uint16_t function, uint8_t bar, uint64_t offset)
{
	uint32_t value = 0;

	weirsim_mmio_read(bench->sim, function, bar, offset, &value, 4);
	return value;
}

void bench_write32(struct bench *bench, uint16_t function, uint8_t bar, uint64_t offset,
		   uint32_t value)
{
	weirsim_mmio_write(bench->sim, function, bar, offset, &value, 4);
}

/* ---- the door, used in the firmware's place ---- */

static hal_tag next_tag = 1000;

enum hal_result bench_finish(struct bench *bench, enum hal_result result, hal_tag tag)
{
	if (result != HAL_PENDING)
		return result;
	for (int i = 0; i < 10000; i++) {
		for (uint32_t n = 0; n < bench->firmware->completion_count; n++) {
			struct hal_completion *completion = &bench->firmware->completions[n];

			if (completion->tag != tag)
				continue;
			result = completion->result;
			*completion =
				bench->firmware->completions[--bench->firmware->completion_count];
			return result;
		}
		weirsim_poll(bench->sim);
	}
	WEIR_EXPECT(!"a completion came");
	return HAL_PENDING;
}

/* Calls until there is room, then waits for the end. */
#define BENCH_CALL(bench, call)                    \
	({                                         \
		hal_tag tag = next_tag++;          \
		enum hal_result result_;           \
		do {                               \
			result_ = call;            \
		} while (result_ == HAL_BUSY);     \
		bench_finish(bench, result_, tag); \
	})

static struct hal_requester requester_of(uint16_t function)
{
	return (struct hal_requester){ .function = function };
}

enum hal_result bench_dma_read(struct bench *bench, uint16_t function, uint64_t address, void *to,
			       uint32_t bytes)
{
	return BENCH_CALL(bench, hal_dma_read(bench->hal, requester_of(function), address, to,
					      bytes, tag));
}

enum hal_result bench_dma_write(struct bench *bench, uint16_t function, uint64_t address,
				const void *from, uint32_t bytes)
{
	return BENCH_CALL(bench, hal_dma_write(bench->hal, requester_of(function), address, from,
					       bytes, tag));
}

enum hal_result bench_dma_entries(struct bench *bench, uint16_t function, uint64_t address,
				  const void *from, uint32_t entry_bytes, uint32_t count)
{
	return BENCH_CALL(bench, hal_dma_write_entries(bench->hal, requester_of(function), address,
						       from, entry_bytes, count, tag));
}

enum hal_result bench_dma_copy(struct bench *bench, uint16_t to, uint64_t to_address, uint16_t from,
			       uint64_t from_address, uint32_t bytes)
{
	return BENCH_CALL(bench, hal_dma_copy(bench->hal, requester_of(to), to_address,
					      requester_of(from), from_address, bytes, tag));
}

enum hal_result bench_dma_write_sum(struct bench *bench, uint64_t address, const void *from,
				    uint32_t bytes, struct hal_sum *sum, uint32_t place)
{
	return BENCH_CALL(bench, hal_dma_write_sum(bench->hal, requester_of(0), address, from,
						   bytes, sum, place, tag));
}

enum hal_result bench_dma_copy_sum(struct bench *bench, uint64_t to_address, uint64_t from_address,
				   uint32_t bytes, struct hal_sum *sum, uint32_t place)
{
	return BENCH_CALL(bench,
			  hal_dma_copy_sum(bench->hal, requester_of(0), to_address, requester_of(0),
					   from_address, bytes, sum, place, tag));
}

enum hal_result bench_transmit_insert(struct bench *bench, uint8_t port, const void *header,
				      uint32_t header_bytes, const struct hal_segment *segments,
				      uint32_t count, const struct hal_insert *insert)
{
	return BENCH_CALL(bench, hal_transmit(bench->hal, port, header, header_bytes, segments,
					      count, insert, NULL, tag));
}

enum hal_result bench_transmit(struct bench *bench, uint8_t port, const void *header,
			       uint32_t header_bytes, const struct hal_segment *segments,
			       uint32_t count)
{
	return bench_transmit_insert(bench, port, header, header_bytes, segments, count, NULL);
}

enum hal_result bench_raise(struct bench *bench, uint16_t function, uint16_t vector)
{
	enum hal_result result;

	do {
		result = hal_interrupt_raise(bench->hal, function, vector);
	} while (result == HAL_BUSY);
	return result;
}

uint32_t bench_receive(struct bench *bench, uint8_t port, uint8_t *frame)
{
	struct hal_frame got;

	for (int i = 0; i < 100; i++) {
		if (hal_receive(bench->hal, port, &got, 1)) {
			memcpy(frame, got.data, got.bytes);
			hal_receive_release(bench->hal, port, &got, 1);
			return got.bytes;
		}
		weirsim_poll(bench->sim);
	}
	return 0;
}

void bench_fill(uint8_t *frame, uint32_t bytes, uint8_t seed)
{
	for (uint32_t i = 0; i < bytes; i++)
		frame[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

bool bench_is_deferred(void)
{
	return strcmp(weirsim_home(), "hwsim") != 0;
}
