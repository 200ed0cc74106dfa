/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a server from its configuration, and taking it apart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server_listen.h"

/* Beyond these QEMU does not accept a server ("VFIO_USER_MAX_…" in its client). */
#define MOST_DATA_TRANSFER_BYTES (64u << 20)
#define MOST_DMA_MAPS		 65535u
/* A DEVICE_SET_IRQS with a byte for each must fit into the smallest payload buffer. */
#define MOST_VECTORS 4096u

#define DEFAULT_MESSAGE_FDS  16
#define DEFAULT_DMA_MAPS     4096
#define DEFAULT_OUTPUT_BYTES (4u << 20)
#define DEFAULT_LOG_LINES    64
#define DEFAULT_SOCKET_MODE  0600

static void apply_defaults(struct vfu_server_limits *limits)
{
	if (!limits->max_message_fds)
		limits->max_message_fds = DEFAULT_MESSAGE_FDS;
	if (!limits->max_data_transfer_bytes)
		limits->max_data_transfer_bytes = VFU_DEFAULT_MAX_DATA_TRANSFER_BYTES;
	if (!limits->max_dma_maps)
		limits->max_dma_maps = DEFAULT_DMA_MAPS;
	if (!limits->max_output_bytes)
		limits->max_output_bytes = DEFAULT_OUTPUT_BYTES;
	if (!limits->max_log_lines)
		limits->max_log_lines = DEFAULT_LOG_LINES;
	if (!limits->page_sizes)
		limits->page_sizes = VFU_DEFAULT_PAGE_SIZES;
}

static bool limits_are_sane(const struct vfu_server_limits *limits)
{
	return limits->max_message_fds <= VFU_FDS_MAX &&
	       limits->max_data_transfer_bytes <= MOST_DATA_TRANSFER_BYTES &&
	       limits->max_dma_maps <= MOST_DMA_MAPS &&
	       (limits->page_sizes & (VFU_DEFAULT_PAGE_SIZES - 1)) == 0 &&
	       limits->page_sizes <= INT64_MAX;
}

static bool region_is_sane(const struct vfu_server_region *region)
{
	uint64_t page_mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	uint64_t end = 0;

	if (!region->mappable)
		return true;
	if (region->size_bytes == 0 || region->mmap_fd < 0 ||
	    (region->mmap_offset_bytes & page_mask) ||
	    (region->sparse_area_count > 0 && !region->sparse_areas))
		return false;
	for (uint32_t i = 0; i < region->sparse_area_count; i++) {
		const struct vfu_sparse_area *area = &region->sparse_areas[i];

		if (area->size_bytes == 0 ||
		    ((area->offset_bytes | area->size_bytes) & page_mask) ||
		    area->offset_bytes < end || area->offset_bytes > region->size_bytes ||
		    area->size_bytes > region->size_bytes - area->offset_bytes)
			return false;
		end = area->offset_bytes + area->size_bytes;
	}
	return true;
}

static bool config_is_sane(const struct vfu_server_config *config)
{
	const struct vfu_server_callbacks *callbacks = config->callbacks;

	if (!callbacks || !callbacks->region_read || !callbacks->region_write)
		return false;
	for (uint32_t i = 0; i < VFU_REGIONS; i++) {
		if (!region_is_sane(&config->regions[i]))
			return false;
	}
	for (uint32_t i = 0; i < VFU_IRQS; i++) {
		if (config->irqs[i].count > MOST_VECTORS ||
		    ((config->irqs[i].flags & VFU_IRQ_INFO_MASKABLE) && !callbacks->irq_mask))
			return false;
	}
	return true;
}

/* Copies the arrays that the configuration points to. */
static int copy_arrays(struct vfu_server *server, const struct vfu_server_config *config)
{
	for (uint32_t i = 0; i < VFU_REGIONS; i++) {
		const struct vfu_server_region *region = &config->regions[i];
		size_t bytes = region->sparse_area_count * sizeof(region->sparse_areas[0]);
		struct vfu_sparse_area *areas;

		server->regions[i] = *region;
		server->regions[i].sparse_areas = NULL;
		if (bytes == 0)
			continue;
		areas = malloc(bytes);
		if (!areas)
			return -ENOMEM;
		memcpy(areas, region->sparse_areas, bytes);
		server->regions[i].sparse_areas = areas;
	}
	for (uint32_t i = 0; i < VFU_IRQS; i++) {
		uint32_t count = config->irqs[i].count;

		server->irqs[i].flags = config->irqs[i].flags;
		if (count == 0)
			continue;
		server->irqs[i].eventfds = malloc(count * sizeof(int));
		if (!server->irqs[i].eventfds)
			return -ENOMEM;
		server->irqs[i].count = count;
		memset(server->irqs[i].eventfds, 0xff, count * sizeof(int)); /* all -1 */
	}
	return 0;
}

static int copy_names(struct vfu_server *server, const struct vfu_server_config *config)
{
	const char *name = config->name ? config->name : config->socket_path;

	server->name = strdup(name ? name : "vfio-user");
	if (config->socket_path)
		server->socket_path = strdup(config->socket_path);
	return server->name && (server->socket_path || !config->socket_path) ? 0 : -ENOMEM;
}

static int open_events(struct vfu_server *server)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = VFU_SOURCE_WAKE };

	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->epoll_fd < 0 || server->wake_fd < 0 ||
	    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->wake_fd, &event) < 0)
		return -errno;
	return 0;
}

int vfu_server_create(const struct vfu_server_config *config, struct vfu_server **server_out)
{
	struct vfu_server *server;
	int error;

	if (!config_is_sane(config))
		return -EINVAL;
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->epoll_fd = -1;
	server->wake_fd = -1;
	server->listen_fd = -1;
	for (unsigned int i = 0; i < VFU_REFUSED_SLOTS; i++)
		server->refused[i].fd = -1;
	server->callbacks = config->callbacks;
	server->device = config->device;
	server->require_sealed_memory = config->require_sealed_memory;
	server->allow_ordinary_files = config->allow_ordinary_files;
	server->limits = config->limits;
	apply_defaults(&server->limits);

	error = limits_are_sane(&server->limits) ? 0 : -EINVAL;
	if (!error)
		error = copy_names(server, config);
	if (!error)
		error = copy_arrays(server, config);
	if (!error)
		error = open_events(server);
	if (!error && server->socket_path)
		error = vfu_listen(server,
				   config->socket_mode ? config->socket_mode : DEFAULT_SOCKET_MODE);
	if (error) {
		vfu_server_destroy(server);
		return error;
	}
	*server_out = server;
	return 0;
}

int vfu_server_adopt(struct vfu_server *server, int socket_fd)
{
	struct vfu_transport transport;

	if (server->state != VFU_STATE_IDLE)
		return -EBUSY;
	vfu_transport_socket(&transport, socket_fd);
	return vfu_server_connect(server, &transport);
}

void vfu_server_destroy(struct vfu_server *server)
{
	if (!server)
		return;
	if (server->state == VFU_STATE_CONNECTED) {
		server->connection.transport.close(&server->connection.transport);
		vfu_stream_free(server);
	}
	vfu_listen_close(server);
	vfu_irqs_close(server);
	vfu_dma_unmap_all(server);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	if (server->wake_fd >= 0)
		close(server->wake_fd);
	for (uint32_t i = 0; i < VFU_REGIONS; i++)
		free((void *)server->regions[i].sparse_areas);
	for (uint32_t i = 0; i < VFU_IRQS; i++)
		free(server->irqs[i].eventfds);
	free(server->name);
	free(server->socket_path);
	free(server);
}
