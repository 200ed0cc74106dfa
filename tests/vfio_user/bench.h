/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the vfio-user tests stand on: a small device behind a server, run by hand or by a thread, and
 * a raw client that can say anything.
 */
#ifndef VFIO_USER_BENCH_H
#define VFIO_USER_BENCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vfio_user/client.h"
#include "vfio_user/server.h"
#include "weir_cunit.h"

#define BAR0_BYTES   (4u << 20)
#define BAR1_BYTES   64u
#define BAR2_BYTES   65536u
#define BAR4_BYTES   4096u
#define ROM_BYTES    4096u
#define CONFIG_BYTES 4096u
#define MSIX_VECTORS 40u

/** The device: every region is plain memory; what the callbacks answer can be set. */
struct bench {
	struct vfu_server_config config;
	struct vfu_server *server;
	char path[108];
	uint8_t *regions[VFU_REGIONS];
	int bar2_fd;
	int bar4_fd;

	/* what callbacks answer */
	int read_result;
	int write_result;
	int dma_map_result;
	enum vfu_progress unmap_result;
	bool unmap_completes_early; /* from inside the callback */
	int irq_result;
	int reset_result;

	/* what they have seen */
	atomic_uint connected;
	atomic_uint gone;
	enum vfu_gone_reason gone_reason;
	atomic_uint dma_maps;
	atomic_uint dma_unmaps;
	bool unmapped_everything;
	struct vfu_dma_region last_map;
	atomic_uint irq_changes;
	uint32_t masked_vectors;
	uint32_t mask_calls;
	atomic_uint resets;
	unsigned int log_lines;
	unsigned int log_warnings;
	char last_line[256];

	pthread_t thread;
	bool threaded;
	atomic_bool stop;
};

/** A server that listens under /tmp, not yet run. config of *bench may be changed before bench_start(). */
void bench_init(struct bench *bench);
void bench_start(struct bench *bench);

/** Runs the server in a thread of its own until bench_end(). */
void bench_run_thread(struct bench *bench);

/** Processes until the server has nothing more to do. */
void bench_pump(struct bench *bench);

/** Stops, destroys and frees everything. */
void bench_end(struct bench *bench);

/** The server's counters. */
struct vfu_server_stats bench_stats(const struct bench *bench);

/** Descriptors this process has open. */
unsigned int open_fds(void);

/** Memory of memory_fd() that is mapped into this process, in pieces. */
unsigned int open_mappings(void);

/** A memfd of length_bytes; sealed: against shrinking. The caller's to close. */
int memory_fd(size_t length_bytes, bool sealed);

/** An eventfd that does not wait. The caller's to close. */
int new_eventfd(void);

/** What has been added to an eventfd since last asked. */
uint64_t eventfd_count(int eventfd);

/* --- a raw client, in the same thread as the server ---------------------------------------------- */

/** A message in the making. */
struct raw {
	uint8_t bytes[65536];
	size_t length;
	int fds[VFU_FDS_MAX];
	size_t fd_count;
};

/** Begins a command: a header without payload. */
void raw_begin(struct raw *raw, uint16_t command);

/** Adds payload, and mends the header's size. */
void raw_add(struct raw *raw, const void *payload, size_t length_bytes);

/** The header, to be changed. */
struct vfu_header *raw_header(struct raw *raw);

/** Complete commands. */
void raw_version(struct raw *raw, const char *json);
void raw_dma_map(struct raw *raw, uint64_t iova, uint64_t length_bytes, int fd);
void raw_dma_unmap(struct raw *raw, uint64_t iova, uint64_t length_bytes);
void raw_region_read(struct raw *raw, uint32_t region, uint64_t offset_bytes, uint32_t count_bytes);
void raw_region_write(struct raw *raw, uint32_t region, uint64_t offset_bytes, const void *data,
		      uint32_t count_bytes);
void raw_set_irqs(struct raw *raw, uint32_t flags, uint32_t index, uint32_t start, uint32_t count);

/** A socket connected to the server; with a version agreed on; the caller's to close. */
int raw_connect(const struct bench *bench);
int raw_connect_agreed(struct bench *bench);

/** Sends a whole message (or `length` bytes of it from `from` on; descriptors go with byte 0). */
void raw_send(int socket_fd, const struct raw *raw);
void raw_send_part(int socket_fd, const struct raw *raw, size_t from, size_t length);

/** A reply as it came. */
struct raw_reply {
	struct vfu_header header;
	uint8_t payload[65536];
	size_t payload_bytes;
	int fd; /* that came along, or -1; the caller's to close */
};

/** Pumps the server and takes one reply. Returns false if none is there or the server has hung up. */
bool raw_receive(struct bench *bench, int socket_fd, struct raw_reply *reply);

/** Sends, pumps, and returns the reply's error (0: none), or -1 if there was no reply. */
int raw_exchange(struct bench *bench, int socket_fd, const struct raw *raw, struct raw_reply *reply);

/** Pumps; whether the server has hung up on socket_fd. */
bool raw_is_closed(struct bench *bench, int socket_fd);

/* --- the suites ---------------------------------------------------------------------------------- */

extern const struct weir_test device_tests[];
extern const size_t device_test_count;
extern const struct weir_test memory_tests[];
extern const size_t memory_test_count;
extern const struct weir_test unmap_tests[];
extern const size_t unmap_test_count;
extern const struct weir_test irq_tests[];
extern const size_t irq_test_count;
extern const struct weir_test agreement_tests[];
extern const size_t agreement_test_count;
extern const struct weir_test message_tests[];
extern const size_t message_test_count;
extern const struct weir_test descriptor_tests[];
extern const size_t descriptor_test_count;
extern const struct weir_test socket_tests[];
extern const size_t socket_test_count;
extern const struct weir_test life_tests[];
extern const size_t life_test_count;
extern const struct weir_test client_tests[];
extern const size_t client_test_count;
extern const struct weir_test client_life_tests[];
extern const size_t client_life_test_count;

#endif
