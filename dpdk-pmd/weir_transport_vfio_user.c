/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A function behind a vfio-user socket: registers are messages, DPDK's memory is handed over as DMA maps
 * (weir_handover.c), and interrupts are event descriptors.
 */
#include "weir_transport.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>

#include "vfio_user/client.h"
#include "weir_handover.h"
#include "weir_log.h"

/* An answer takes microseconds, the end of a DMA map as long as the device needs to let go of it. */
#define ANSWER_TIMEOUT_MS 5000
/* A server that has hung up, and yet lives, has let go of our memory after this time. */
#define QUIET_AFTER_MS (10 * WEIR_RESET_TIME_MS)

#define PCI_COMMAND_OFFSET	  4
#define PCI_COMMAND_MEMORY_MASTER 0x6

struct vfio_user_transport {
	struct weir_transport base;
	char *socket_path;
	struct vfu_client *client;

	struct weir_handover handover;
	void *doorbell_mapping;
	uint16_t rx_vectors;
	bool hung; /* the server lives and does not answer: nothing is known about its DMA */
	uint64_t closed_at; /* timer cycles */
};

static struct vfio_user_transport *vfio_user_of(struct weir_transport *transport)
{
	return container_of(transport, struct vfio_user_transport, base);
}

/* Every exchange passes here: remembers that a server does not answer. */
static int answered(struct vfio_user_transport *transport, int error)
{
	if (error == -ETIMEDOUT)
		transport->hung = true;
	return error;
}

/* --- opening and closing --------------------------------------------------------------------------- */

/* Bus mastering and memory decoding, as any PCI driver switches them on. */
static int vfio_user_enable(struct weir_transport *base)
{
	struct vfio_user_transport *transport = vfio_user_of(base);
	uint16_t command = 0;
	int error;

	if (!transport->client)
		return -ENOTCONN;
	error = vfu_client_region_read(transport->client, VFU_REGION_CONFIG, PCI_COMMAND_OFFSET,
				       &command, sizeof(command));
	if (error)
		return answered(transport, error);
	command |= weir_cpu_to_le16(PCI_COMMAND_MEMORY_MASTER);
	return answered(transport,
			vfu_client_region_write(transport->client, VFU_REGION_CONFIG,
						PCI_COMMAND_OFFSET, &command, sizeof(command), 0));
}

/* The BARs' sizes; a BAR2 that can be mapped as a whole is. */
static int look_at_bars(struct vfio_user_transport *transport)
{
	struct weir_transport *base = &transport->base;
	struct vfu_client_region region;
	int error = answered(transport,
			     vfu_client_region_info(transport->client, VFU_REGION_BAR0, &region));

	if (error)
		return error;
	base->register_bytes = region.size_bytes;
	vfu_client_region_release(&region);
	if (base->register_bytes < WEIR_BAR_REGISTERS_VF_BYTES)
		return -ENODEV;
	error = answered(transport,
			 vfu_client_region_info(transport->client, VFU_REGION_BAR2, &region));
	if (error)
		return error;
	base->doorbell_bytes = region.size_bytes;
	if (region.area_count == 1 && region.areas[0].offset_bytes == 0 &&
	    region.areas[0].size_bytes == region.size_bytes &&
	    vfu_client_region_map(&region, 0, &transport->doorbell_mapping) == 0)
		base->doorbells = transport->doorbell_mapping;
	vfu_client_region_release(&region);
	return 0;
}

static void vfio_user_close(struct weir_transport *base)
{
	struct vfio_user_transport *transport = vfio_user_of(base);

	weir_handover_end(&transport->handover);
	base->doorbells = NULL;
	if (transport->doorbell_mapping)
		munmap(transport->doorbell_mapping, base->doorbell_bytes);
	transport->doorbell_mapping = NULL;
	if (transport->client)
		transport->closed_at = rte_get_timer_cycles();
	vfu_client_destroy(transport->client);
	transport->client = NULL;
	base->hangup_fd = -1;
}

static int vfio_user_open(struct weir_transport *base, bool quiet)
{
	struct vfio_user_transport *transport = vfio_user_of(base);
	const struct vfu_client_config config = { .timeout_ms = ANSWER_TIMEOUT_MS };
	int error = vfu_client_connect(transport->socket_path, &config, &transport->client);

	if (error) {
		transport->client = NULL;
		if (!quiet)
			WEIR_PORT_LOG(base, ERR, "cannot connect to %s: %s%s",
				      transport->socket_path, strerror(-error),
				      error == -EBUSY ? " (another client has this function)"
				      : error == -ENOENT || error == -ECONNREFUSED
					      ? " (is weir-sim running?)"
					      : "");
		return error;
	}
	transport->hung = false;
	error = look_at_bars(transport);
	if (error && !quiet)
		WEIR_PORT_LOG(base, ERR, "%s is not the socket of a Weir: %s",
			      transport->socket_path, strerror(-error));
	if (!error)
		error = weir_handover_begin(&transport->handover, transport->client);
	if (error) {
		vfio_user_close(base);
		return error;
	}
	base->hangup_fd = vfu_client_fd(transport->client);
	return 0;
}

static bool vfio_user_alive(struct weir_transport *base)
{
	struct vfio_user_transport *transport = vfio_user_of(base);

	return transport->client && vfu_client_check(transport->client) == 0;
}

static bool vfio_user_quiet(struct weir_transport *base)
{
	struct vfio_user_transport *transport = vfio_user_of(base);
	uint64_t wait = rte_get_timer_hz() * QUIET_AFTER_MS / 1000;

	if (transport->client || transport->hung || transport->handover.timed_out)
		return false;
	while (rte_get_timer_cycles() - transport->closed_at < wait)
		rte_delay_us_sleep(1000);
	return true;
}

/* --- registers, doorbells, reset -------------------------------------------------------------------- */

static int vfio_user_read(struct weir_transport *base, uint32_t offset, uint32_t *value)
{
	struct vfio_user_transport *transport = vfio_user_of(base);
	weir_le32 wire;
	int error;

	if (!transport->client)
		return -ENOTCONN;
	error = answered(transport, vfu_client_region_read(transport->client, VFU_REGION_BAR0,
							   offset, &wire, sizeof(wire)));
	if (!error)
		*value = weir_le32_to_cpu(wire);
	return error;
}

static int vfio_user_write(struct weir_transport *base, uint32_t offset, uint32_t value)
{
	struct vfio_user_transport *transport = vfio_user_of(base);
	weir_le32 wire = weir_cpu_to_le32(value);

	if (!transport->client)
		return -ENOTCONN;
	return answered(transport, vfu_client_region_write(transport->client, VFU_REGION_BAR0,
							   offset, &wire, sizeof(wire), 0));
}

static void vfio_user_ring(struct weir_transport *base, uint32_t offset, uint32_t value, bool seen)
{
	struct vfio_user_transport *transport = vfio_user_of(base);
	weir_le32 wire = weir_cpu_to_le32(value);

	/* An error means that the connection is lost, which the monitor sees for itself. */
	if (transport->client)
		answered(transport,
			 vfu_client_region_write(transport->client, VFU_REGION_BAR2, offset, &wire,
						 sizeof(wire), seen ? 0 : VFU_CLIENT_POSTED));
}

static int vfio_user_reset(struct weir_transport *base)
{
	struct vfio_user_transport *transport = vfio_user_of(base);

	if (!transport->client)
		return -ENOTCONN;
	return answered(transport, vfu_client_device_reset(transport->client));
}

/* --- interrupts ------------------------------------------------------------------------------------ */

static void free_rx_vectors(struct vfio_user_transport *transport)
{
	struct rte_intr_handle *handle = transport->base.intr_handle;

	/* Takes them out of the epoll sets of applications that did not. */
	rte_intr_free_epoll_fd(handle);
	rte_intr_vec_list_free(handle);
	for (uint16_t i = 0; i < transport->rx_vectors; i++) {
		close(rte_intr_efds_index_get(handle, i));
		rte_intr_efds_index_set(handle, i, -1);
	}
	rte_intr_nb_efd_set(handle, 0);
	rte_intr_max_intr_set(handle, 0);
	transport->rx_vectors = 0;
}

static int make_rx_vectors(struct vfio_user_transport *transport, uint16_t count)
{
	struct rte_intr_handle *handle = transport->base.intr_handle;

	if (rte_intr_vec_list_alloc(handle, "weir_vectors", count))
		return -ENOMEM;
	for (uint16_t i = 0; i < count; i++) {
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		int error = fd < 0 ? -errno : 0;

		if (!error &&
		    (rte_intr_efds_index_set(handle, i, fd) ||
		     rte_intr_vec_list_index_set(handle, i, RTE_INTR_VEC_RXTX_OFFSET + i))) {
			close(fd);
			error = -ENOSPC;
		}
		if (error) {
			free_rx_vectors(transport);
			return error;
		}
		transport->rx_vectors = i + 1;
	}
	rte_intr_nb_efd_set(handle, count);
	rte_intr_max_intr_set(handle, count + 1);
	return 0;
}

static int vfio_user_vectors(struct weir_transport *base, uint16_t rx_queues)
{
	struct vfio_user_transport *transport = vfio_user_of(base);
	int eventfds[1 + RTE_MAX_RXTX_INTR_VEC_ID], error;

	if (rx_queues > RTE_MAX_RXTX_INTR_VEC_ID)
		return -ENOSPC;
	if (rx_queues != transport->rx_vectors) {
		if (transport->rx_vectors) {
			/* The server first, so that nobody signals a descriptor that is something else by then. */
			error = answered(transport,
					 vfu_client_irq_disable(transport->client, VFU_IRQ_MSIX));
			free_rx_vectors(transport);
			if (error)
				return error;
		}
		error = rx_queues ? make_rx_vectors(transport, rx_queues) : 0;
		if (error)
			return error;
	}
	eventfds[0] = base->attention_fd;
	for (uint16_t i = 0; i < rx_queues; i++)
		eventfds[1 + i] = rte_intr_efds_index_get(base->intr_handle, i);
	error = answered(transport, vfu_client_irq_eventfds(transport->client, VFU_IRQ_MSIX, 0,
							    rx_queues + 1u, eventfds));
	if (error)
		WEIR_PORT_LOG(base, ERR, "the server refuses %u interrupts: %s", rx_queues + 1u,
			      strerror(-error));
	return error;
}

/* --- life ----------------------------------------------------------------------------------------- */

static void vfio_user_destroy(struct weir_transport *base)
{
	struct vfio_user_transport *transport = vfio_user_of(base);

	vfio_user_close(base);
	weir_handover_destroy(&transport->handover);
	if (base->intr_handle) {
		free_rx_vectors(transport);
		rte_intr_instance_free(base->intr_handle);
	}
	if (base->attention_fd >= 0)
		close(base->attention_fd);
	free(transport->socket_path);
	free(transport);
}

static int vfio_user_check_memory(struct weir_transport *base, void *address, size_t bytes)
{
	return weir_handover_check(&vfio_user_of(base)->handover, address, bytes);
}

static const struct weir_transport_ops vfio_user_ops = {
	.kind = "vfio-user socket",
	.open = vfio_user_open,
	.close = vfio_user_close,
	.destroy = vfio_user_destroy,
	.alive = vfio_user_alive,
	.quiet = vfio_user_quiet,
	.read = vfio_user_read,
	.write = vfio_user_write,
	.ring = vfio_user_ring,
	.vectors = vfio_user_vectors,
	.enable = vfio_user_enable,
	.reset = vfio_user_reset,
	.check_memory = vfio_user_check_memory,
};

struct weir_transport *weir_transport_vfio_user(const char *name, const char *socket_path)
{
	struct vfio_user_transport *transport = calloc(1, sizeof(*transport));

	if (!transport) {
		rte_errno = ENOMEM;
		return NULL;
	}
	weir_handover_create(&transport->handover, name);
	transport->base.ops = &vfio_user_ops;
	transport->base.name = name;
	transport->base.hangup_fd = -1;
	transport->socket_path = strdup(socket_path);
	transport->base.attention_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	transport->base.intr_handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (!transport->socket_path || transport->base.attention_fd < 0 ||
	    !transport->base.intr_handle) {
		vfio_user_destroy(&transport->base);
		rte_errno = ENOMEM;
		return NULL;
	}
	rte_intr_type_set(transport->base.intr_handle, RTE_INTR_HANDLE_VDEV);
	/* What is read from an eventfd by rte_epoll_wait(). */
	rte_intr_efd_counter_size_set(transport->base.intr_handle, sizeof(uint64_t));
	return &transport->base;
}
