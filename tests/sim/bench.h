/* SPDX-License-Identifier: BSD-3-Clause */
/* A card with the fake firmware in it, and what its holder was told: what every test of this suite stands on. */
#ifndef TESTS_SIM_BENCH_H
#define TESTS_SIM_BENCH_H

#include "fake_firmware.h"
#include "weir_cunit.h"
#include "weirsim.h"
#include "weir/weir_config_space.h"

#define BENCH_INTERRUPTS 256
#define BENCH_VFS	 8

struct bench_interrupt {
	uint16_t function, vector;
	uint64_t address;
	uint32_t data;
};

struct bench {
	struct weirsim *sim;
	struct weir_firmware *firmware;
	struct hal *hal;
	struct bench_interrupt interrupts[BENCH_INTERRUPTS];
	uint32_t interrupt_count;
	uint32_t ready_count, vfs_changed_count;
	uint16_t vfs;
	uint32_t log_lines, log_errors;
	char log[256]; /* the last line */
	uint64_t invalidated_tag;
	uint32_t invalidated_count;
	uint32_t done_count; /* calls of bench_done() */
	uint8_t *memory;     /* 64 KiB, for tests to map */
	struct weirsim_host_ops host;
};

#define BENCH_MEMORY_BYTES 65536u

/* A card with BENCH_VFS VFs and two ports under virtual time, polled until nothing is to do: the PF is READY. */
struct bench *bench_new(void);
/* The same of another configuration; host and opaque are filled in. The test ends when it cannot be made. */
struct bench *bench_new_with(struct weirsim_config config);
void bench_end(struct bench *bench);
/* Polls until nothing is to do any more. */
void bench_poll(struct bench *bench);
/* Memory and bus master on in the PF, BARs at BENCH_BAR… */
void bench_enable_pf(struct bench *bench);
/* Also count VFs with VF MSE, and bus master on in each. */
void bench_enable_vfs(struct bench *bench, uint16_t count);
/* For weirsim_dma_unmap(): counts. opaque is the bench. */
void bench_done(void *opaque);

#define BENCH_BAR0    0x40000000ull
#define BENCH_BAR2    0x40100000ull
#define BENCH_BAR4    0x40200000ull
#define BENCH_VF_BAR0 0x800000000ull
#define BENCH_VF_BAR2 0x900000000ull
#define BENCH_VF_BAR4 0xa00000000ull

/* Configuration of function, by name; 32-bit fields are read and written as such. */
uint32_t bench_config(struct bench *bench, uint16_t function, uint16_t offset, uint8_t size);
void bench_configure(struct bench *bench, uint16_t function, uint16_t offset, uint32_t value,
		     uint8_t size);
/* A 64-bit BAR. */
void bench_set_bar(struct bench *bench, uint16_t offset, uint64_t address);
/* 32-bit MMIO by function; reads of what nobody answers are all ones. */
uint32_t bench_read32(struct bench *bench, uint16_t function, uint8_t bar, uint64_t offset);
void bench_write32(struct bench *bench, uint16_t function, uint8_t bar, uint64_t offset,
		   uint32_t value);

/* DMA in the name of the firmware, to its end in either home. */
enum hal_result bench_dma_read(struct bench *bench, uint16_t function, uint64_t address, void *to,
			       uint32_t bytes);
enum hal_result bench_dma_write(struct bench *bench, uint16_t function, uint64_t address,
				const void *from, uint32_t bytes);
enum hal_result bench_dma_entries(struct bench *bench, uint16_t function, uint64_t address,
				  const void *from, uint32_t entry_bytes, uint32_t count);
enum hal_result bench_dma_copy(struct bench *bench, uint16_t to, uint64_t to_address, uint16_t from,
			       uint64_t from_address, uint32_t bytes);
/* The PF's, with a checksum taken on the way. */
enum hal_result bench_dma_write_sum(struct bench *bench, uint64_t address, const void *from,
				    uint32_t bytes, struct hal_sum *sum, uint32_t place);
enum hal_result bench_dma_copy_sum(struct bench *bench, uint64_t to_address, uint64_t from_address,
				   uint32_t bytes, struct hal_sum *sum, uint32_t place);
enum hal_result bench_transmit_insert(struct bench *bench, uint8_t port, const void *header,
				      uint32_t header_bytes, const struct hal_segment *segments,
				      uint32_t count, const struct hal_insert *insert);
enum hal_result bench_transmit(struct bench *bench, uint8_t port, const void *header,
			       uint32_t header_bytes, const struct hal_segment *segments,
			       uint32_t count);
enum hal_result bench_raise(struct bench *bench, uint16_t function, uint16_t vector);
/* Receives exactly one frame, NULL when none comes: bytes are copied to frame (65536 bytes of room). Returns its length, 0 for none. */
uint32_t bench_receive(struct bench *bench, uint8_t port, uint8_t *frame);
/* Waits for the completion of a call that gave `result`, and returns how it ended. */
enum hal_result bench_finish(struct bench *bench, enum hal_result result, hal_tag tag);

/* A frame with a recognisable payload. */
void bench_fill(uint8_t *frame, uint32_t bytes, uint8_t seed);

/* True in the deferred home. */
bool bench_is_deferred(void);

/* The tests, by file. */
#define BENCH_TESTS(name)                             \
	extern const struct weir_test name##_tests[]; \
	extern const size_t name##_tests_count
BENCH_TESTS(config);
BENCH_TESTS(bar);
BENCH_TESTS(function);
BENCH_TESTS(msix);
BENCH_TESTS(events);
BENCH_TESTS(iommu);
BENCH_TESTS(sum);
BENCH_TESTS(wire);
BENCH_TESTS(pcap);
BENCH_TESTS(socket);
BENCH_TESTS(card);
BENCH_TESTS(native);
BENCH_TESTS(deferred);

#endif
