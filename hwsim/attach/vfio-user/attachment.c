/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets that come and go with their functions, and what becomes of a client's memory, interrupts and resets. */
#include "function.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A function that is not back after ten times the time the ABI allows it is not coming. */
#define RESET_PATIENCE_NS (10ull * WEIR_RESET_TIME_MS * 1000000ull)
/* How soon a request is repeated for which the card had no memory. */
#define RETRY_NS 10000000ull

__attribute__((format(printf, 3, 4))) static void say(struct attachment *attachment,
						      enum weir_log_level level, const char *format,
						      ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	attachment->config.ops->log(attachment->config.opaque, level, text);
}

/* pf0, vf0 … */
static void name_of(uint16_t number, char *name, size_t bytes)
{
	if (number)
		snprintf(name, bytes, "vf%u", number - 1u);
	else
		snprintf(name, bytes, "pf0");
}

static void path_of(const struct attachment *attachment, uint16_t number, char *path, size_t bytes)
{
	char name[16];

	name_of(number, name, sizeof(name));
	snprintf(path, bytes, "%s/%s.sock", attachment->config.directory, name);
}

/* Has attachment_poll() look after function. */
static void list_unfinished(struct attached_function *function)
{
	struct attachment *attachment = function->attachment;

	if (function->listed)
		return;
	function->listed = true;
	function->next_unfinished = attachment->unfinished;
	attachment->unfinished = function;
}

/* ---- interrupts ---- */

static uint16_t vectors_of(uint16_t number)
{
	return number ? WEIR_MSIX_VF_VECTORS : WEIR_MSIX_PF_VECTORS;
}

static void detach_vectors(struct attached_function *function)
{
	for (uint16_t vector = 0; vector < vectors_of(function->number); vector++) {
		if (function->eventfds[vector] < 0)
			continue;
		function->eventfds[vector] = -1;
		weirsim_vector_attach(function->attachment->config.sim, function->number, vector,
				      false);
	}
}

/* Callback of the server. The card's own MSI-X table decides about vectors without an eventfd. */
static int set_eventfds(void *device, uint32_t index, uint32_t start, uint32_t count,
			const int *eventfds)
{
	struct attached_function *function = device;

	if (index != VFU_IRQ_MSIX)
		return -EINVAL;
	for (uint32_t vector = start; vector < start + count; vector++) {
		int fd = eventfds ? eventfds[vector - start] : -1;

		if (fd < 0 && function->eventfds[vector] < 0)
			continue;
		/* First the descriptor: what is pending is delivered from inside the call. */
		function->eventfds[vector] = fd;
		weirsim_vector_attach(function->attachment->config.sim, function->number,
				      (uint16_t)vector, fd >= 0);
	}
	return 0;
}

void attachment_interrupt(struct attachment *attachment, uint16_t number, uint16_t vector)
{
	struct attached_function *function = attachment->functions[number];

	if (!function || function->eventfds[vector] < 0) {
		if (function)
			function->interrupts_unrouted++;
		return;
	}
	function->interrupts++;
	/* Full is signalled already; nothing else can be wrong with an eventfd that the library holds open. */
	vfu_eventfd_signal(function->eventfds[vector]);
}

/* ---- memory ---- */

/* The card has let go of what it was asked to. */
static void unmap_done(void *opaque)
{
	struct attached_function *function = opaque;

	function->unmap = UNMAP_NONE;
	if (!function->unmap_in_call && function->state == ATTACHED_OPEN)
		vfu_server_complete_unmap(function->server);
}

/* Asks the card to forget unmap_iova and unmap_bytes; true: it has. Otherwise unmap_done() follows. */
static bool ask_unmap(struct attached_function *function)
{
	struct weirsim *sim = function->attachment->config.sim;
	int result;

	function->unmap = UNMAP_ASKED;
	function->unmap_in_call = true;
	if (function->unmap_bytes)
		result = weirsim_dma_unmap(sim, function->number, function->unmap_iova,
					   function->unmap_bytes, unmap_done, function);
	else
		result = weirsim_dma_unmap_all(sim, function->number, unmap_done, function);
	function->unmap_in_call = false;
	if (result < 0) {
		if (!function->unmap_failed)
			say(function->attachment, WEIR_LOG_LEVEL_ERROR,
			    "%s: memory cannot be taken back now: %s; trying on", function->name,
			    strerror(-result));
		function->unmap_failed = true;
		function->unmap = UNMAP_RETRY;
		list_unfinished(function);
	} else {
		function->unmap_failed = false;
	}
	return function->unmap == UNMAP_NONE;
}

static int map_memory(void *device, const struct vfu_dma_region *region)
{
	struct attached_function *function = device;
	int protection = (region->readable ? WEIRSIM_READ : 0) |
			 (region->writable ? WEIRSIM_WRITE : 0);
	int error;

	/* Memory that cannot be reached from here (QEMU offers its ROMs so) is accepted and faults when it is used. */
	if (!region->address)
		return 0;
	error = weirsim_dma_map(function->attachment->config.sim, function->number, region->iova,
				region->address, region->length_bytes, protection);
	if (!error)
		function->mapped_bytes += region->length_bytes;
	return error;
}

static enum vfu_progress unmap_memory(void *device, const struct vfu_dma_region *region)
{
	struct attached_function *function = device;

	if (region && !region->address)
		return VFU_DONE;
	function->unmap_iova = region ? region->iova : 0;
	function->unmap_bytes = region ? region->length_bytes : 0;
	function->mapped_bytes = region ? function->mapped_bytes - region->length_bytes : 0;
	return ask_unmap(function) ? VFU_DONE : VFU_PENDING;
}

/* ---- clients ---- */

static void client_connected(void *device)
{
	struct attached_function *function = device;

	function->client_pid = vfu_server_client_pid(function->server);
	say(function->attachment, WEIR_LOG_LEVEL_INFO, "%s: client is process %d", function->name,
	    (int)function->client_pid);
}

static void client_gone(void *device, enum vfu_gone_reason reason)
{
	struct attached_function *function = device;
	const struct attachment_config *config = &function->attachment->config;

	(void)reason; /* the library's own log line tells */
	function->client_pid = 0;
	function->reset_waits = false;
	detach_vectors(function);
	attached_reset_header(function);
	config->ops->release(config->opaque, function->number);
}

static int reset_function(void *device)
{
	struct attached_function *function = device;
	const struct attachment_config *config = &function->attachment->config;
	uint16_t vfs = weirsim_vfs_enabled(config->sim);
	int error = weirsim_function_reset(config->sim, function->number);

	if (error)
		return error;
	attached_reset_header(function);
	if (!function->number && weirsim_vfs_enabled(config->sim) != vfs)
		config->ops->vfs_changed(config->opaque, false);
	function->reset_waits = true;
	function->reset_deadline_ns = weirsim_now_ns(config->sim) + RESET_PATIENCE_NS;
	list_unfinished(function);
	return VFU_PENDING;
}

static void server_log(void *device, enum vfu_log_level level, const char *line)
{
	static const enum weir_log_level levels[] = {
		[VFU_LOG_ERROR] = WEIR_LOG_LEVEL_ERROR,
		[VFU_LOG_WARNING] = WEIR_LOG_LEVEL_WARNING,
		[VFU_LOG_INFO] = WEIR_LOG_LEVEL_INFO,
		[VFU_LOG_DEBUG] = WEIR_LOG_LEVEL_DEBUG,
	};
	const struct attached_function *function = device;

	function->attachment->config.ops->log(function->attachment->config.opaque, levels[level],
					      line);
}

static const struct vfu_server_callbacks callbacks = {
	.client_connected = client_connected,
	.client_gone = client_gone,
	.region_read = attached_region_read,
	.region_write = attached_region_write,
	.dma_map = map_memory,
	.dma_unmap = unmap_memory,
	.irq_eventfds = set_eventfds,
	.device_reset = reset_function,
	.log = server_log,
};

/* ---- sockets ---- */

static struct attached_function *function_get(struct attachment *attachment, uint16_t number)
{
	struct attached_function *function = attachment->functions[number];

	if (function)
		return function;
	function = calloc(1, sizeof(*function));
	if (!function)
		return NULL;
	function->attachment = attachment;
	function->number = number;
	name_of(number, function->name, sizeof(function->name));
	for (uint32_t i = 0; i < WEIR_MSIX_PF_VECTORS; i++)
		function->eventfds[i] = -1;
	attachment->functions[number] = function;
	return function;
}

static int open_function(struct attached_function *function)
{
	struct attachment *attachment = function->attachment;
	char path[sizeof(((struct attachment_status *)NULL)->path)];
	struct vfu_server_config config = {
		.name = function->name,
		.socket_path = path,
		.callbacks = &callbacks,
		.device = function,
	};
	int error;

	path_of(attachment, function->number, path, sizeof(path));
	config.regions[VFU_REGION_CONFIG].size_bytes = 4096;
	for (uint32_t bar = 0; bar < 2 * ATTACHMENT_BARS; bar++)
		config.regions[VFU_REGION_BAR0 + bar].size_bytes =
			attached_bar_bytes(function->number, bar);
	for (uint32_t i = 0; i < VFU_REGIONS; i++)
		config.regions[i].readable = config.regions[i].writable =
			config.regions[i].size_bytes;
	config.irqs[VFU_IRQ_MSIX].count = vectors_of(function->number);

	error = vfu_server_create(&config, &function->server);
	if (!error) {
		error = attachment->config.ops->watch(attachment->config.opaque, function->number,
						      vfu_server_fd(function->server));
		if (error)
			vfu_server_destroy(function->server);
	}
	if (error) {
		function->server = NULL;
		say(attachment, WEIR_LOG_LEVEL_ERROR, "%s: %s%s", path, strerror(-error),
		    error == -EADDRINUSE ? ": somebody else listens there" : "");
		return error;
	}
	attached_reset_header(function);
	function->state = ATTACHED_OPEN;
	return 0;
}

/* The function is gone from the bus, and whoever had it with it. */
static void close_function(struct attached_function *function)
{
	const struct attachment_config *config = &function->attachment->config;

	if (vfu_server_has_client(function->server))
		say(function->attachment, WEIR_LOG_LEVEL_INFO,
		    "%s is no more: its client, process %d, is hung up on", function->name,
		    (int)function->client_pid);
	config->ops->unwatch(config->opaque, function->number, vfu_server_fd(function->server));
	function->state = ATTACHED_CLOSING;
	function->let_go = false;
	function->reset_waits = false;
	function->client_pid = 0;
	function->mapped_bytes = 0;
	detach_vectors(function);
	list_unfinished(function);
}

/* Lets a CLOSING function go on; true: it is CLOSED. */
static bool go_on_closing(struct attached_function *function)
{
	/* An unmap that its client had asked for comes first. */
	if (function->unmap == UNMAP_NONE && !function->let_go) {
		function->let_go = true;
		function->unmap_bytes = 0;
		ask_unmap(function);
	}
	if (function->unmap != UNMAP_NONE)
		return false;
	vfu_server_destroy(function->server);
	function->server = NULL;
	function->state = ATTACHED_CLOSED;
	if (function->wanted)
		open_function(function);
	return true;
}

int attachment_set_vfs(struct attachment *attachment, uint16_t count)
{
	int first_error = 0;

	for (uint16_t number = 1; number < attachment->function_limit; number++) {
		bool wanted = number <= count;
		struct attached_function *function = attachment->functions[number];

		if (wanted && !function)
			function = function_get(attachment, number);
		if (!function) {
			if (wanted)
				first_error = first_error ? first_error : -ENOMEM;
			continue;
		}
		function->wanted = wanted;
		if (!wanted && function->state == ATTACHED_OPEN) {
			close_function(function);
		} else if (wanted && function->state == ATTACHED_CLOSED) {
			int error = open_function(function);

			first_error = first_error ? first_error : error;
		}
	}
	/* In the native home closing is over at once, and a VF that is enabled again finds its path free. */
	attachment_poll(attachment);
	return first_error;
}

/* ---- the holder's side ---- */

int attachment_create(const struct attachment_config *config, struct attachment **attachment_out)
{
	struct attachment *attachment = calloc(1, sizeof(*attachment));
	struct attached_function *pf;
	int error = -ENOMEM;

	if (!attachment)
		return -ENOMEM;
	attachment->config = *config;
	attachment->function_limit = config->total_vfs + 1;
	attachment->next_ns = UINT64_MAX;
	attachment->config.directory = strdup(config->directory);
	attachment->functions =
		calloc(attachment->function_limit, sizeof(struct attached_function *));
	pf = attachment->config.directory && attachment->functions ? function_get(attachment, 0)
								   : NULL;
	if (pf)
		error = open_function(pf);
	if (error) {
		attachment_destroy(attachment);
		return error;
	}
	*attachment_out = attachment;
	return 0;
}

void attachment_destroy(struct attachment *attachment)
{
	if (!attachment)
		return;
	for (uint32_t i = 0; attachment->functions && i < attachment->function_limit; i++) {
		if (attachment->functions[i])
			vfu_server_destroy(attachment->functions[i]->server);
		free(attachment->functions[i]);
	}
	free(attachment->functions);
	free((char *)attachment->config.directory);
	free(attachment);
}

void attachment_process(struct attachment *attachment, uint16_t number)
{
	struct attached_function *function = attachment->functions[number];
	int error;

	/* An event may be older than its socket's end. */
	if (!function || function->state != ATTACHED_OPEN)
		return;
	error = vfu_server_process(function->server);
	if (error)
		say(attachment, WEIR_LOG_LEVEL_ERROR, "%s: its socket: %s", function->name,
		    strerror(-error));
}

/* Answers a DEVICE_RESET when the function is back; true: it did. */
static bool go_on_reset(struct attached_function *function, uint64_t now_ns)
{
	bool usable = weirsim_function_usable(function->attachment->config.sim, function->number);

	if (!usable && now_ns < function->reset_deadline_ns)
		return false;
	if (!usable)
		say(function->attachment, WEIR_LOG_LEVEL_ERROR,
		    "%s is not ready %llu ms after its reset", function->name,
		    (unsigned long long)(RESET_PATIENCE_NS / 1000000));
	function->reset_waits = false;
	vfu_server_complete_reset(function->server, usable ? 0 : -EIO);
	return true;
}

uint32_t attachment_poll(struct attachment *attachment)
{
	struct attached_function *function = attachment->unfinished;
	uint64_t now_ns, next_ns = UINT64_MAX;
	uint32_t done = 0;

	if (!function)
		return 0;
	now_ns = weirsim_now_ns(attachment->config.sim);
	attachment->unfinished = NULL;
	while (function) {
		struct attached_function *next = function->next_unfinished;

		function->listed = false;
		if (function->unmap == UNMAP_RETRY && now_ns >= attachment->next_ns &&
		    ask_unmap(function))
			unmap_done(function);
		if (function->state == ATTACHED_CLOSING)
			done += go_on_closing(function);
		if (function->reset_waits) {
			done += go_on_reset(function, now_ns);
			if (function->reset_waits && function->reset_deadline_ns < next_ns)
				next_ns = function->reset_deadline_ns;
		}
		if (function->unmap == UNMAP_RETRY && now_ns + RETRY_NS < next_ns)
			next_ns = now_ns + RETRY_NS;
		if (function->reset_waits || function->unmap == UNMAP_RETRY ||
		    function->state == ATTACHED_CLOSING)
			list_unfinished(function);
		function = next;
	}
	attachment->next_ns = next_ns;
	return done;
}

uint64_t attachment_next_ns(const struct attachment *attachment)
{
	return attachment->unfinished ? attachment->next_ns : UINT64_MAX;
}

bool attachment_get_status(const struct attachment *attachment, uint16_t number,
			   struct attachment_status *status)
{
	const struct attached_function *function;

	memset(status, 0, sizeof(*status));
	if (number >= attachment->function_limit)
		return false;
	path_of(attachment, number, status->path, sizeof(status->path));
	function = attachment->functions[number];
	if (!function)
		return true;
	status->open = function->state == ATTACHED_OPEN;
	status->interrupts = function->interrupts;
	status->interrupts_unrouted = function->interrupts_unrouted;
	if (!status->open)
		return true;
	vfu_server_get_stats(function->server, &status->stats);
	status->client = vfu_server_has_client(function->server);
	if (!status->client)
		return true;
	status->client_pid = function->client_pid;
	status->mappings = vfu_server_dma_count(function->server);
	status->mapped_bytes = function->mapped_bytes;
	for (uint32_t i = 0; i < WEIR_MSIX_PF_VECTORS; i++)
		status->vectors += function->eventfds[i] >= 0;
	return true;
}

void attachment_drop_client(struct attachment *attachment, uint16_t number)
{
	struct attached_function *function = attachment->functions[number];

	if (function && function->state == ATTACHED_OPEN)
		vfu_server_drop_client(function->server);
}
