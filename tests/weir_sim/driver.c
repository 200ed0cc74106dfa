/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_COMMAND	     4u
#define MEMORY_AND_MASTER    6u
#define READY_S		     5.0
#define COMMAND_S	     5.0
#define EVENT_NEVER_RING_BIT 0x80000000u

void die(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "peer %d: ", (int)getpid());
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	/* Not exit(): whatever is mapped, mapped it stays until the process is gone, as with a crash. */
	_exit(1);
}

double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- the bus ---- */

static void check(struct driver *driver, const char *what, int error)
{
	(void)driver;
	if (error)
		die("%s: %s", what, strerror(-error));
}

uint32_t driver_read(struct driver *driver, uint32_t offset)
{
	uint32_t value;

	check(driver, "register read",
	      vfu_client_region_read(driver->client, VFU_REGION_BAR0, offset, &value,
				     sizeof(value)));
	return value;
}

static void write_register(struct driver *driver, uint32_t offset, uint32_t value)
{
	check(driver, "register write",
	      vfu_client_region_write(driver->client, VFU_REGION_BAR0, offset, &value,
				      sizeof(value), 0));
}

static void ring_doorbell(struct driver *driver, uint32_t which, uint16_t counter)
{
	uint32_t value = counter;

	check(driver, "doorbell",
	      vfu_client_region_write(driver->client, VFU_REGION_BAR2, which, &value, sizeof(value),
				      VFU_CLIENT_POSTED));
}

/* Memory of the function, zeroed. */
static void *allocate(struct driver *driver, size_t bytes)
{
	void *at = driver->memory + driver->allocated;

	driver->allocated += (bytes + 127) / 128 * 128;
	if (driver->allocated > MEMORY_BYTES)
		die("too little memory for the rings");
	return at;
}

static uint64_t iova_of(const struct driver *driver, const volatile void *at)
{
	return MEMORY_IOVA + (uint64_t)((const volatile uint8_t *)at - driver->memory);
}

static void make_memory(struct driver *driver)
{
	driver->memory_fd = memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (driver->memory_fd < 0 || ftruncate(driver->memory_fd, MEMORY_BYTES))
		die("memfd: %s", strerror(errno));
	if (!driver->options.unsealed && fcntl(driver->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK))
		die("memfd cannot be sealed: %s", strerror(errno));
	driver->memory =
		mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, driver->memory_fd, 0);
	if (driver->memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	check(driver, "DMA map",
	      vfu_client_dma_map(driver->client, MEMORY_IOVA, MEMORY_BYTES,
				 VFU_DMA_MAP_READ | VFU_DMA_MAP_WRITE, driver->memory_fd, 0));
}

/* ---- admin queue ---- */

static void start_admin(struct driver *driver)
{
	uint64_t sq, cq;
	double end_s = now_s() + COMMAND_S;

	driver->admin_sq = allocate(driver, sizeof(*driver->admin_sq) << ADMIN_LOG2);
	driver->admin_cq = allocate(driver, sizeof(*driver->admin_cq) << ADMIN_CQ_LOG2);
	driver->admin_data = allocate(driver, 2 * WEIR_ADMIN_DATA_MAX_BYTES);
	sq = iova_of(driver, driver->admin_sq);
	cq = iova_of(driver, driver->admin_cq);
	write_register(driver, WEIR_REG_ADMIN_SQ_BASE_LOW, (uint32_t)sq);
	write_register(driver, WEIR_REG_ADMIN_SQ_BASE_HIGH, (uint32_t)(sq >> 32));
	write_register(driver, WEIR_REG_ADMIN_CQ_BASE_LOW, (uint32_t)cq);
	write_register(driver, WEIR_REG_ADMIN_CQ_BASE_HIGH, (uint32_t)(cq >> 32));
	write_register(driver, WEIR_REG_ADMIN_SIZES,
		       WEIR_PREP(WEIR_REG_ADMIN_SIZES_SQ_LOG2, ADMIN_LOG2) |
			       WEIR_PREP(WEIR_REG_ADMIN_SIZES_CQ_LOG2, ADMIN_CQ_LOG2) |
			       WEIR_PREP(WEIR_REG_ADMIN_SIZES_VECTOR, 0));
	write_register(driver, WEIR_REG_ADMIN_CONTROL, WEIR_REG_ADMIN_CONTROL_ENABLE_MASK);
	while (!WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING,
			 driver_read(driver, WEIR_REG_ADMIN_STATUS))) {
		if (now_s() > end_s)
			die("the admin queue does not run: status %#x",
			    driver_read(driver, WEIR_REG_ADMIN_STATUS));
	}
}

/* Takes the next entry of the completion ring; false: none. */
static bool take_entry(struct driver *driver, struct weir_admin_completion *entry)
{
	const volatile struct weir_admin_completion *at =
		&driver->admin_cq[driver->admin_head & ((1u << ADMIN_CQ_LOG2) - 1)];
	uint32_t phase = ~(uint32_t)driver->admin_head >> ADMIN_CQ_LOG2 & 1;

	if ((at->flags & 1) != phase)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*entry = *at;
	driver->admin_head++;
	write_register(driver, WEIR_REG_ADMIN_CQ_HEAD, driver->admin_head);
	return true;
}

int driver_command(struct driver *driver, uint16_t opcode, const void *request, uint16_t bytes)
{
	struct weir_admin_completion entry;
	double end_s = now_s() + COMMAND_S;

	memcpy(driver->admin_data, request, bytes);
	driver->admin_sq[driver->admin_tail & ((1u << ADMIN_LOG2) - 1)] =
		(struct weir_admin_command){
			.opcode = opcode,
			.cookie = driver->admin_tail,
			.request_length = bytes,
			.response_capacity = WEIR_ADMIN_DATA_MAX_BYTES,
			.request_address = iova_of(driver, driver->admin_data),
			.response_address =
				iova_of(driver, driver->admin_data + WEIR_ADMIN_DATA_MAX_BYTES),
		};
	__atomic_thread_fence(__ATOMIC_RELEASE);
	driver->admin_tail++;
	write_register(driver, WEIR_REG_ADMIN_SQ_TAIL, driver->admin_tail);
	while (now_s() < end_s) {
		while (take_entry(driver, &entry)) {
			if (entry.kind == WEIR_ADMIN_ENTRY_COMPLETION)
				return entry.status;
		}
	}
	die("command %#x is not answered", opcode);
}

/* A request under construction. */
struct request {
	uint8_t data[256];
	uint16_t bytes;
};

static void add(struct request *request, uint16_t id, const void *value, uint16_t bytes)
{
	struct weir_attribute header = { id | WEIR_ATTRIBUTE_MUST, bytes };

	memcpy(request->data + request->bytes, &header, sizeof(header));
	memset(request->data + request->bytes + 4, 0, (bytes + 3u) & ~3u);
	memcpy(request->data + request->bytes + 4, value, bytes);
	request->bytes = (uint16_t)(request->bytes + 4 + ((bytes + 3u) & ~3u));
}

static void add_number(struct request *request, uint16_t id, uint64_t value, uint16_t bytes)
{
	add(request, id, &value, bytes);
}

static void command(struct driver *driver, uint16_t opcode, const struct request *request)
{
	int status = driver_command(driver, opcode, request->data, request->bytes);

	if (status)
		die("command %#x: status %d", opcode, status);
}

/* ---- queues ---- */

static void make_rx(struct driver *driver)
{
	struct request request = { .bytes = 0 };

	driver->rx_ring = allocate(driver, RING * sizeof(*driver->rx_ring));
	driver->rx_completions = allocate(driver, RING * sizeof(*driver->rx_completions));
	driver->rx_shadow = allocate(driver, sizeof(*driver->rx_shadow));
	driver->rx_buffers = allocate(driver, (size_t)RING * BUFFER_BYTES);
	add_number(&request, WEIR_ATTRIBUTE_QUEUE, 0, 2);
	add_number(&request, WEIR_ATTRIBUTE_RING_ADDRESS, iova_of(driver, driver->rx_ring), 8);
	add_number(&request, WEIR_ATTRIBUTE_RING_LOG2, RING_LOG2, 1);
	add_number(&request, WEIR_ATTRIBUTE_COMPLETION_ADDRESS,
		   iova_of(driver, driver->rx_completions), 8);
	add_number(&request, WEIR_ATTRIBUTE_COMPLETION_LOG2, RING_LOG2, 1);
	add_number(&request, WEIR_ATTRIBUTE_BUFFER_BYTES, BUFFER_BYTES, 4);
	add_number(&request, WEIR_ATTRIBUTE_VECTOR,
		   driver->options.interrupts ? RECEIVE_VECTOR : WEIR_VECTOR_NONE, 2);
	if (driver->options.shadow)
		add_number(&request, WEIR_ATTRIBUTE_SHADOW_ADDRESS,
			   iova_of(driver, driver->rx_shadow), 8);
	command(driver, WEIR_COMMAND_RX_QUEUE_CREATE, &request);
	for (uint32_t i = 0; i < RING; i++)
		driver->rx_ring[i].address =
			iova_of(driver, driver->rx_buffers + (size_t)i * BUFFER_BYTES);
	driver->rx_posted = RING;
}

static void make_tx(struct driver *driver)
{
	struct request request = { .bytes = 0 };

	driver->tx_ring = allocate(driver, RING * sizeof(*driver->tx_ring));
	driver->tx_head = allocate(driver, sizeof(*driver->tx_head));
	driver->tx_shadow = allocate(driver, sizeof(*driver->tx_shadow));
	driver->tx_buffers = allocate(driver, (size_t)RING * BUFFER_BYTES);
	add_number(&request, WEIR_ATTRIBUTE_QUEUE, 0, 2);
	add_number(&request, WEIR_ATTRIBUTE_RING_ADDRESS, iova_of(driver, driver->tx_ring), 8);
	add_number(&request, WEIR_ATTRIBUTE_RING_LOG2, RING_LOG2, 1);
	add_number(&request, WEIR_ATTRIBUTE_COMPLETION_ADDRESS, iova_of(driver, driver->tx_head), 8);
	add_number(&request, WEIR_ATTRIBUTE_VECTOR, WEIR_VECTOR_NONE, 2);
	if (driver->options.shadow)
		add_number(&request, WEIR_ATTRIBUTE_SHADOW_ADDRESS,
			   iova_of(driver, driver->tx_shadow), 8);
	command(driver, WEIR_COMMAND_TX_QUEUE_CREATE, &request);
}

/* Writes a tail where the device looks for it. */
static void tell_tail(struct driver *driver, struct weir_shadow_doorbell *shadow, uint32_t doorbell,
		      uint16_t old, uint16_t tail)
{
	if (driver->options.shadow) {
		uint32_t event;

		__atomic_store_n(&shadow->tail, tail, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		event = __atomic_load_n(&shadow->event_index, __ATOMIC_RELAXED);
		if (event & EVENT_NEVER_RING_BIT ||
		    !((uint16_t)(tail - event - 1) < (uint16_t)(tail - old)))
			return;
	}
	ring_doorbell(driver, doorbell, tail);
}

bool driver_send(struct driver *driver, const void *frame, uint16_t bytes)
{
	uint8_t *buffer = driver->tx_buffers + (size_t)(driver->tx_tail % RING) * BUFFER_BYTES;

	if (driver_sending(driver) == RING)
		return false;
	memcpy(buffer, frame, bytes);
	driver->tx_ring[driver->tx_tail % RING] = (struct weir_tx_descriptor){
		.address = iova_of(driver, buffer),
		.length = bytes,
		.flags = WEIR_TXD_END_MASK | WEIR_TXD_REPORT_MASK,
	};
	driver->tx_tail++;
	return true;
}

void driver_send_done(struct driver *driver)
{
	if (driver->tx_told == driver->tx_tail)
		return;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	tell_tail(driver, driver->tx_shadow, WEIR_DOORBELL_TX_TAIL, driver->tx_told,
		  driver->tx_tail);
	driver->tx_told = driver->tx_tail;
}

uint32_t driver_sending(const struct driver *driver)
{
	return (uint16_t)(driver->tx_tail - (uint16_t)*driver->tx_head);
}

bool driver_receive(struct driver *driver, const uint8_t **frame, uint16_t *bytes)
{
	const volatile struct weir_rx_completion *at =
		&driver->rx_completions[driver->rx_taken % RING];
	uint32_t flags = at->flags, phase = ~(uint32_t)driver->rx_taken >> RING_LOG2 & 1;

	if ((flags & 1) != phase)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (WEIR_GET(WEIR_RXC_GENERATION, flags) != (driver->generation & 0xff))
		die("a completion of generation %u in generation %u",
		    WEIR_GET(WEIR_RXC_GENERATION, flags), driver->generation);
	if (!(flags & WEIR_RXC_END_MASK) || flags & WEIR_RXC_ERROR_MASK)
		die("a completion with flags %#x", flags);
	*frame = driver->rx_buffers + (size_t)(at->buffer % RING) * BUFFER_BYTES;
	*bytes = at->length;
	driver->rx_taken++;
	return true;
}

void driver_receive_done(struct driver *driver)
{
	uint16_t old = driver->rx_posted, posted = (uint16_t)(driver->rx_taken + RING);

	if (old == posted && driver->rx_rung)
		return;
	/* Buffers come back in order, so that the ring's entries stay what they are. */
	driver->rx_posted = posted;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	tell_tail(driver, driver->rx_shadow, WEIR_DOORBELL_RX_TAIL, driver->rx_rung ? old : 0,
		  posted);
	driver->rx_rung = true;
}

void driver_wait(struct driver *driver, int ms)
{
	struct pollfd fds[2] = {
		{ .fd = driver->eventfds[RECEIVE_VECTOR], .events = POLLIN },
		{ .fd = vfu_client_fd(driver->client), .events = 0 },
	};
	uint64_t count;

	if (!driver->options.interrupts)
		return;
	ring_doorbell(driver, WEIR_DOORBELL_RX_ARM, driver->rx_taken);
	if (poll(fds, 2, ms) > 0 && fds[0].revents &&
	    read(driver->eventfds[RECEIVE_VECTOR], &count, sizeof(count)) != sizeof(count))
		die("eventfd: %s", strerror(errno));
	if (fds[1].revents & POLLHUP)
		die("the server is gone");
}

/* ---- life ---- */

static void connect_to(struct driver *driver)
{
	double end_s = now_s() + driver->options.connect_s;
	int error;

	for (;;) {
		error = vfu_client_connect(driver->options.socket, NULL, &driver->client);
		if (!error || now_s() >= end_s)
			break;
		usleep(5000);
	}
	check(driver, driver->options.socket, error);
}

static void wait_for_ready(struct driver *driver)
{
	uint16_t config_command = MEMORY_AND_MASTER;
	double end_s = now_s() + READY_S;
	uint32_t status;

	check(driver, "configuration write",
	      vfu_client_region_write(driver->client, VFU_REGION_CONFIG, CONFIG_COMMAND,
				      &config_command, sizeof(config_command), 0));
	do {
		status = driver_read(driver, WEIR_REG_STATUS);
		if (now_s() > end_s)
			die("not ready: status %#x", status);
	} while (status == UINT32_MAX ||
		 WEIR_GET(WEIR_REG_STATUS_STATE, status) != WEIR_FUNCTION_STATE_READY);
	if (driver_read(driver, WEIR_REG_MAGIC) != WEIR_REG_MAGIC_VALUE)
		die("no Weir is there");
	driver->generation = driver_read(driver, WEIR_REG_GENERATION);
}

static void set_vport(struct driver *driver)
{
	static const uint8_t none[6];
	struct request request = { .bytes = 0 };
	uint32_t low = driver_read(driver, WEIR_REG_MAC_LOW),
		 high = driver_read(driver, WEIR_REG_MAC_HIGH);

	memcpy(driver->mac, &low, 4);
	memcpy(driver->mac + 4, &high, 2);
	if (memcmp(driver->options.mac, none, 6)) {
		memcpy(driver->mac, driver->options.mac, 6);
		add(&request, WEIR_ATTRIBUTE_MAC, driver->mac, 6);
		command(driver, WEIR_COMMAND_VPORT_SET, &request);
	}
	request.bytes = 0;
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS, WEIR_VPORT_ENABLE | WEIR_VPORT_BROADCAST,
		   4);
	add_number(&request, WEIR_ATTRIBUTE_VPORT_FLAGS_MASK,
		   WEIR_VPORT_ENABLE | WEIR_VPORT_BROADCAST, 4);
	command(driver, WEIR_COMMAND_VPORT_SET, &request);
}

void driver_start(struct driver *driver, const struct driver_options *options)
{
	*driver = (struct driver){ .options = *options };
	connect_to(driver);
	make_memory(driver);
	for (int i = 0; i < 2; i++) {
		driver->eventfds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (driver->eventfds[i] < 0)
			die("eventfd: %s", strerror(errno));
	}
	check(driver, "eventfds",
	      vfu_client_irq_eventfds(driver->client, VFU_IRQ_MSIX, 0, 2, driver->eventfds));
	wait_for_ready(driver);
	start_admin(driver);
	make_rx(driver);
	make_tx(driver);
	/* Buffers before frames are let in: none is dropped for want of one. */
	driver_receive_done(driver);
	set_vport(driver);
}

void driver_stop(struct driver *driver)
{
	struct request request = { .bytes = 0 };

	add_number(&request, WEIR_ATTRIBUTE_QUEUE, 0, 2);
	command(driver, WEIR_COMMAND_RX_QUEUE_DESTROY, &request);
	command(driver, WEIR_COMMAND_TX_QUEUE_DESTROY, &request);
	write_register(driver, WEIR_REG_ADMIN_CONTROL, 0);
	check(driver, "DMA unmap", vfu_client_dma_unmap(driver->client, MEMORY_IOVA, MEMORY_BYTES));
	vfu_client_destroy(driver->client);
	munmap(driver->memory, MEMORY_BYTES);
	close(driver->memory_fd);
	close(driver->eventfds[0]);
	close(driver->eventfds[1]);
}
